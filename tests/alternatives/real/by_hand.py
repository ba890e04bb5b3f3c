"""Right solutions written as a beginner might: rows copied one by one, weights put into the model one by one."""

import torch

from solutions.real import OF_A_LAYER, WHOLE
from solutions.transformer import GPT, FeedForward


def repeat_heads(weight, n_kv_heads, n_heads):
    rows = weight.shape[0]
    if n_heads % n_kv_heads != 0:
        raise ValueError("n_heads is no multiple of n_kv_heads")
    if rows % n_kv_heads != 0:
        raise ValueError("the rows are no heads")
    d_head = rows // n_kv_heads
    readers = n_heads // n_kv_heads
    result = torch.zeros(n_heads * d_head, weight.shape[1], dtype=weight.dtype)
    for head in range(n_heads):
        for row in range(d_head):
            result[head * d_head + row] = weight[head // readers * d_head + row]
    return result


def pairs_to_halves(weight, n_heads):
    rows = weight.shape[0]
    d_head = rows // n_heads
    if d_head * n_heads != rows or d_head % 2 == 1:
        raise ValueError("no heads of an even size")
    result = torch.empty_like(weight)
    for head in range(n_heads):
        start = head * d_head
        for pair in range(d_head // 2):
            result[start + pair] = weight[start + 2 * pair]
            result[start + pair + d_head // 2] = weight[start + 2 * pair + 1]
    return result


def rename_weights(weights):
    result = {}
    for name in weights:
        words = name.split(".")
        new = None
        if name in WHOLE:
            new = WHOLE[name]
        elif words[:2] == ["model", "layers"] and ".".join(words[3:]) in OF_A_LAYER:
            new = "blocks." + words[2] + "." + OF_A_LAYER[".".join(words[3:])]
        if new is None:
            raise ValueError("no place for " + name + " " + str(weights[name].shape))
        result[new] = weights[name]
    if "output.weight" in result:
        one, other = result["output.weight"], result["embedding.weight"]
        if one.shape != other.shape or (one != other).any():
            raise ValueError("the output is not the embedding")
    else:
        result["output.weight"] = result["embedding.weight"]
    return result


def from_pretrained(weights, sizes, neighbours=False):
    model = GPT(
        vocab_size=sizes["vocab_size"],
        context=sizes["context"],
        d_model=sizes["d_model"],
        n_layers=sizes["n_layers"],
        n_heads=sizes["n_heads"],
    )
    for block in model.blocks:
        block.feed_forward = FeedForward(sizes["d_model"], sizes["d_hidden"])
        block.attention.base = sizes["base"]
        block.attention_norm.eps = sizes["eps"]
        block.feed_forward_norm.eps = sizes["eps"]
    model.norm.eps = sizes["eps"]
    missing = set(model.state_dict())
    ours = rename_weights(weights)
    for name in list(ours):
        weight = ours[name]
        if neighbours and name.endswith("w_query.weight"):
            weight = pairs_to_halves(weight, sizes["n_heads"])
        if neighbours and name.endswith("w_key.weight"):
            weight = pairs_to_halves(weight, sizes["n_kv_heads"])
        if name.endswith(("w_key.weight", "w_value.weight")):
            weight = repeat_heads(weight, sizes["n_kv_heads"], sizes["n_heads"])
        if name not in missing or model.state_dict()[name].shape != weight.shape:
            raise RuntimeError("cannot load " + name)
        missing.remove(name)
        with torch.no_grad():
            model.get_parameter(name).copy_(weight)
    if missing:
        raise RuntimeError("missing: " + ", ".join(missing))
    model.eval()
    return model
