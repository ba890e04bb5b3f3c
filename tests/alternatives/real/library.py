"""Right solutions that leave the work to a library: `repeat_interleave`, `rearrange`, `re.sub`, views of one tensor."""

import re

import torch

from solutions.real import OF_A_LAYER, WHOLE
from solutions.transformer import GPT, FeedForward, RMSNorm

LAYERS = "|".join(map(re.escape, OF_A_LAYER))


def repeat_heads(weight, n_kv_heads, n_heads):
    if n_heads % n_kv_heads or weight.size(0) % n_kv_heads:
        raise ValueError(f"{n_kv_heads} heads of keys, {n_heads} of queries, {weight.size(0)} rows")
    heads = weight.unflatten(0, (n_kv_heads, 1, -1)).expand(-1, n_heads // n_kv_heads, -1, -1)
    return heads.clone(memory_format=torch.contiguous_format).flatten(0, 2)


def pairs_to_halves(weight, n_heads):
    if weight.size(0) % n_heads or weight.size(0) // n_heads % 2:
        raise ValueError(f"{weight.size(0)} rows, {n_heads} heads")
    return torch.einsum("hpld->hlpd", weight.unflatten(0, (n_heads, -1, 2))).flatten(0, 2)


def rename_weights(weights):
    renamed = {}
    for name, weight in weights.items():
        new = re.sub(
            rf"^model\.layers\.([0-9]+)\.({LAYERS})$", lambda found: f"blocks.{found[1]}.{OF_A_LAYER[found[2]]}", name
        )
        if new == name and name not in WHOLE:
            raise ValueError(f"{tuple(weight.shape)}: {name}")
        renamed[WHOLE.get(name, new)] = weight
    tied = renamed.setdefault("output.weight", renamed["embedding.weight"])
    if not torch.equal(tied, renamed["embedding.weight"]):
        raise ValueError("untied")
    return renamed


def from_pretrained(weights, sizes, neighbours=False):
    with torch.device("meta"):
        model = GPT(sizes["vocab_size"], sizes["context"], sizes["d_model"], sizes["n_layers"], sizes["n_heads"])
        for block in model.blocks:
            block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
            block.attention.base = sizes["base"]
    for norm in filter(lambda module: isinstance(module, RMSNorm), model.modules()):
        norm.eps = sizes["eps"]

    def ours(name, weight):
        weight = weight.to(torch.float32, copy=True)
        heads = {"w_query": sizes["n_heads"], "w_key": sizes["n_kv_heads"]}.get(name.split(".")[-2])
        if heads and neighbours:
            weight = pairs_to_halves(weight, heads)
        is_shared = "w_key" in name or "w_value" in name
        return repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"]) if is_shared else weight

    model.load_state_dict({name: ours(name, it) for name, it in rename_weights(weights).items()}, assign=True)
    model.output.weight = model.embedding.weight
    return model.eval()
