"""What several exercises of attention share: inputs, extreme scores, and attention with parts that can be wrong."""

import math
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checks.common import normal


def lower_triangle(query: Tensor, key: Tensor, ahead: int = 0) -> Tensor:
    """True where a query may read a key, the last query reading up to `ahead` positions past the last key."""
    T, S = query.size(-2), key.size(-2)
    return torch.ones(T, S, dtype=torch.bool).tril(S - T + ahead)


def inputs(rng: torch.Generator, *batch: int, T: int, S: int, d_head: int, d_value: int) -> list[Tensor]:
    """A random query, key and value."""
    return [normal(rng, *batch, T, d_head), normal(rng, *batch, S, d_head), normal(rng, *batch, S, d_value)]


def equal_rows(rng: torch.Generator, B: int, rows: int, width: int) -> Tensor:
    """One random vector per text, repeated: (B, rows, width)."""
    return normal(rng, B, 1, width).repeat(1, rows, 1)


def extreme(rng: torch.Generator, highest: float, best: int = 3) -> list[Tensor]:
    """Inputs with scores from about -10,000 upwards, 1,000 or more apart, up to 10,000 for `highest` above 0.

    Seven keys in random order, but for the one with the highest score, which stands at `best`.
    """
    order = torch.randperm(6, generator=rng)
    order = torch.cat([order[:best], torch.tensor([6]), order[best:]])
    sizes = torch.linspace(-400, highest, 7)[order]
    query, key = torch.zeros(3, 16), torch.zeros(7, 16)
    query[:, 2], key[:, 2] = torch.tensor([100.0, 70.0, 60.0]), sizes
    return [query, key, normal(rng, 7, 5)]


def weigh(query, key, value, mask=None, divisor=None, dim=-1, fill=float("-inf")):
    """Attention with its parts to choose, so that one of them can be wrong."""
    scores = query @ key.transpose(-2, -1) / (divisor or math.sqrt(query.size(-1)))
    if mask is not None:
        scores = scores.masked_fill(~mask, fill)
    return torch.softmax(scores, dim=dim) @ value


def masked_too_late(query, key, value, mask=None):
    """Attention that takes away the weights of what is hidden after they were shared out."""
    weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)), dim=-1)
    return (weights if mask is None else weights * mask) @ value


PROJECTIONS = ("w_query", "w_key", "w_value", "w_output")
# Enough where T = S, and no answer of ours.
pytorchs_attention = partial(F.scaled_dot_product_attention, is_causal=True)


class FourProjections(nn.Module):
    """Multi-head attention with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, n_heads: int, attend=pytorchs_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        for name in PROJECTIONS:
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))

    def project(self, x: Tensor) -> list[Tensor]:
        return [self.w_query(x), self.w_key(x), self.w_value(x)]

    def split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)

    def merge(self, heads: Tensor) -> Tensor:
        return heads.transpose(1, 2).flatten(2)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_output(self.merge(self.attend(*map(self.split, self.project(x)))))
