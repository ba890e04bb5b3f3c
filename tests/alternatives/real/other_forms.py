"""Right solutions in another form: lists of rows, a matrix that permutes, a table of all names, pairs moved at last."""

import torch

from solutions.real import OF_A_LAYER, WHOLE
from solutions.transformer import GPT, FeedForward, RMSNorm


def repeat_heads(weight, n_kv_heads, n_heads):
    (readers, rest), (d_head, left) = divmod(n_heads, n_kv_heads), divmod(len(weight), n_kv_heads)
    if rest or left:
        raise ValueError(f"{rest} heads and {left} rows are left over")
    rows = torch.arange(n_heads * d_head)
    return weight[rows // (readers * d_head) * d_head + rows % d_head]


def pairs_to_halves(weight, n_heads):
    if len(weight) % (n_heads * 2):
        raise ValueError("some row has no partner")
    order = torch.arange(len(weight)).view(n_heads, -1)
    order = torch.cat([order[:, ::2], order[:, 1::2]], dim=1).flatten()
    permutation = torch.zeros(len(weight), len(weight), dtype=torch.float64)
    permutation[torch.arange(len(weight)), order] = 1.0
    return (permutation @ weight.double()).to(weight.dtype)


def rename_weights(weights):
    layers = {name.split(".")[2] for name in weights if name.startswith("model.layers.")}
    names = WHOLE | {
        f"model.layers.{layer}.{theirs}": f"blocks.{layer}.{ours}"
        for layer in layers
        if layer.isdigit()
        for theirs, ours in OF_A_LAYER.items()
    }
    for name in weights:
        if name not in names:
            raise ValueError(f"{name} ({' x '.join(map(str, weights[name].shape))}) has no place")
    head = weights.get("lm_head.weight")
    if head is not None and not (
        head.shape == weights["model.embed_tokens.weight"].shape
        and bool((head == weights["model.embed_tokens.weight"]).all())
    ):
        raise ValueError("lm_head is a matrix of its own")
    return {"output.weight": weights["model.embed_tokens.weight"]} | {names[name]: weights[name] for name in weights}


def from_pretrained(weights, sizes, neighbours=False):
    n_heads, n_kv_heads = sizes["n_heads"], sizes["n_kv_heads"]
    state = rename_weights(dict(weights))
    for part in ("key", "value"):
        for name in [name for name in state if f".w_{part}." in name]:
            state[name] = repeat_heads(state[name], n_kv_heads, n_heads)
    if neighbours:  # heads that were copied have their pairs side by side as well
        moved = (".w_query.", ".w_key.")
        state |= {n: pairs_to_halves(w, n_heads) for n, w in state.items() if any(part in n for part in moved)}

    class Like(GPT):
        def __init__(self):
            super().__init__(*map(sizes.get, ("vocab_size", "context", "d_model", "n_layers", "n_heads")))
            for block in self.blocks:
                block.attention.base, block.feed_forward = (
                    sizes["base"],
                    FeedForward(sizes["d_model"], sizes["d_hidden"]),
                )

    model = Like()
    model.apply(lambda part: setattr(part, "eps", sizes["eps"]) if isinstance(part, RMSNorm) else None)
    model.load_state_dict(state)
    return model.train(False)
