"""What the exercises about weights share: names, sizes, and files of small models."""

from typing import Any

import torch
from torch import Tensor

from autograder.checks.common import normal

WHOLE = {  # as the notebook gives them
    "model.embed_tokens.weight": "embedding.weight",
    "model.norm.weight": "norm.weight",
    "lm_head.weight": "output.weight",
}
OF_A_LAYER = {
    "input_layernorm.weight": "attention_norm.weight",
    "self_attn.q_proj.weight": "attention.w_query.weight",
    "self_attn.k_proj.weight": "attention.w_key.weight",
    "self_attn.v_proj.weight": "attention.w_value.weight",
    "self_attn.o_proj.weight": "attention.w_output.weight",
    "post_attention_layernorm.weight": "feed_forward_norm.weight",
    "mlp.gate_proj.weight": "feed_forward.w_gate.weight",
    "mlp.up_proj.weight": "feed_forward.w_up.weight",
    "mlp.down_proj.weight": "feed_forward.w_down.weight",
}
SIZES = {"vocab_size": 11, "context": 9, "d_model": 24, "n_layers": 2, "n_heads": 6}
SIZES |= {"n_kv_heads": 2, "d_hidden": 40, "base": 20.0, "eps": 0.3}


def file_of(rng: torch.Generator, **sizes: float) -> dict[str, Tensor]:
    """Random weights of a small model of `SIZES`, but for those given, in the names of `transformers`."""
    sizes = SIZES | sizes
    d_model, d_hidden = sizes["d_model"], sizes["d_hidden"]
    d_kv = d_model // sizes["n_heads"] * sizes["n_kv_heads"]
    heights = {"q_proj": d_model, "k_proj": d_kv, "v_proj": d_kv, "gate_proj": d_hidden, "up_proj": d_hidden}
    weights = {"model.embed_tokens.weight": normal(rng, sizes["vocab_size"], d_model) / 2}
    for number in range(sizes["n_layers"]):
        for name in OF_A_LAYER:
            part = name.split(".")[-2]
            shape = heights.get(part, d_model), d_hidden if part == "down_proj" else d_model
            weight = normal(rng, d_model) / 4 + 1 if part.endswith("norm") else normal(rng, *shape) / d_model**0.5
            weights[f"model.layers.{number}.{name}"] = weight
    return weights | {"model.norm.weight": normal(rng, d_model) / 4 + 1}


def with_pairs_side_by_side(weights: dict[str, Tensor], sizes: dict[str, Any]) -> dict[str, Tensor]:
    """The same model in a file that keeps the two legs of a pair, of queries and of keys, side by side."""

    def moved(weight: Tensor) -> Tensor:
        d_head = sizes["d_model"] // sizes["n_heads"]
        first, second = weight.unflatten(0, (-1, d_head)).chunk(2, dim=1)  # each (heads, d_head / 2, d_model)
        return torch.stack([first, second], dim=2).reshape(weight.shape)

    return {
        name: moved(weight) if name.endswith(("q_proj.weight", "k_proj.weight")) else weight
        for name, weight in weights.items()
    }
