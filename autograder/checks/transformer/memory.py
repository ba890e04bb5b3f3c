"""What `RotaryAttention` is asked with: attention with a memory and its parts, states, what long texts tell."""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.attention.shared import FourProjections, across, meets_another_device
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.rotary import library_rotary
from autograder.checks.transformer.shared import State, read_in_pieces, seeded, with_weights


class Remembering(FourProjections):
    """Rotary attention with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, n_heads: int, attend=library_causal_attention):
        super().__init__(d_model, n_heads, attend)
        self.refuse(d_model // n_heads)
        self.base = 10_000.0

    def refuse(self, d_head: int) -> None:
        if d_head % 2:
            raise ValueError(f"d_head has to be even; it is {d_head}")

    def positions(self, S: int, T: int) -> Tensor:
        return torch.arange(S, S + T, device=self.w_query.weight.device)

    def rotate(self, x: Tensor, positions: Tensor) -> Tensor:
        return library_rotary(x, positions, self.base)

    def turn(self, query: Tensor, key: Tensor, value: Tensor, positions: Tensor) -> list[Tensor]:
        return [self.rotate(query, positions), self.rotate(key, positions), value]

    def remember(self, old: Tensor, new: Tensor) -> Tensor:
        return torch.cat([old, new], dim=-2)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        S = state[0].size(-2) if state else 0
        query, key, value = self.turn(*map(self.split, self.project(x)), self.positions(S, x.size(1)))
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        return self.w_output(self.merge(self.attend(query, key, value))), (key, value)


def rotary_attention(RotaryAttention, rng: torch.Generator, n_heads: int = 3, attend=None) -> nn.Module:
    """The learner's module of width 12, with random weights."""
    weights = seeded(Remembering(12, n_heads), rng).state_dict()
    return with_weights(RotaryAttention(12, n_heads, attend or library_causal_attention), weights)


def keys_and_values(rng: torch.Generator, S: int = 7, B: int = 2) -> tuple[Tensor, Tensor]:
    """The state of a layer of width 12, three heads, after S tokens of B texts."""
    return normal(rng, B, 3, S, 4), normal(rng, B, 3, S, 4)


def sums(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Something of the form of `attend` in which all keys and values count alike, so that no gradient is tiny."""
    T, S = query.size(-2), key.size(-2)
    return (query * key.cumsum(-2)[..., S - T :, :] + value.cumsum(-2)[..., S - T :, :]) / 10


def far_back(RotaryAttention, rng: torch.Generator) -> dict[str, Tensor | None]:
    """In evaluation mode: the gradient from the last of many pieces to the first, and to a long state."""
    module = rotary_attention(RotaryAttention, rng, attend=sums).eval()
    x, (keys, values) = normal(rng, 2, 11, 12).requires_grad_(), keys_and_values(rng, S=700)
    pieces, _ = read_in_pieces(module, x, [1] * 11)
    seen = gradients(pieces[-1], {"x, from the last of its words": x}, rng)
    last = module(normal(rng, 2, 1, 12), (keys.requires_grad_(), values.requires_grad_()))[0]
    return seen | gradients(last, {"700 keys": keys, "700 values": values}, rng)


def after_thousands(RotaryAttention, rng: torch.Generator) -> dict[str, Tensor]:
    """What comes after 1030 and 4200 tokens, where each key counts, and the new keys."""
    module, seen = rotary_attention(RotaryAttention, rng, attend=sums), {}
    for S, T in ((0, 1100), (1030, 3), (1025, 1), (4200, 3), (4200, 1)):
        result, (key, value) = module(normal(rng, 2, T, 12), keys_and_values(rng, S=S) if S else None)
        seen |= {f"{T} after {S} tokens": result, f"their keys, after {S}, {T}": key[..., -5:, :]}
        seen[f"their values, after {S}, {T}"] = value[..., -5:, :]
    return seen


def in_other_forms(
    RotaryAttention, rng: torch.Generator, x: Tensor, one: Tensor, state: tuple[Tensor, Tensor]
) -> dict[str, Any]:
    """What comes of x and state that do not lie in memory in one row, of other types, and on another device."""
    seen: dict[str, Any] = {}
    module = rotary_attention(RotaryAttention, rng).eval()
    seen["x that lies across"] = module(across(x), tuple(across(part) for part in state))
    with torch.no_grad():
        for_all = tuple(part[:1].expand(4, 3, 7, 4) for part in state)
        seen["one state for four texts"] = module(normal(rng, 4, 2, 12), for_all)
        seen["one word for all places"] = module(one[:1].expand(3, 4, 12))
    seen["it stays on the device of x"] = not meets_another_device(
        lambda x, *state: module.to("meta")(x, state or None), x, *state
    )
    module = rotary_attention(RotaryAttention, rng, attend=sums)
    seen["in float64"] = module.double()(x.double(), tuple(part.double() for part in state))[0]
    far = tuple(part.bfloat16() for part in keys_and_values(rng, S=3001))
    new = module.bfloat16()(x.bfloat16(), far)[1][0][..., 3001:, :].double()
    right = module.double()(x.bfloat16().double(), tuple(part.double() for part in far))[1][0][..., 3001:, :]
    return seen | {"keys in bfloat16, after 3001 tokens, as near as they can be": bool((new - right).abs().max() < 0.2)}
