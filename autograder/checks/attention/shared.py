"""What several exercises of attention share: inputs, extreme scores, and attention with parts that can be wrong."""

import math
from collections.abc import Callable
from functools import partial

import torch
import torch._dynamo  # which a mode that sees each operation loads anyway, in a second: so a grader loads it once
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autograder.checks.common import normal


def lower_triangle(query: Tensor, key: Tensor, ahead: int = 0) -> Tensor:
    """True where a query may read a key, the last query reading up to `ahead` positions past the last key."""
    T, S = query.size(-2), key.size(-2)
    return torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T + ahead)


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


MAY_MIX = "copy", "index"  # what takes tensors of two devices


class _AnotherDevice(Exception):
    """A tensor of one device met a tensor of another."""


class _OneDevice(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        tensors = [part for part in tree_leaves((args, kwargs or {})) if isinstance(part, Tensor) and part.dim()]
        if len({tensor.device for tensor in tensors}) > 1 and not any(name in func.name() for name in MAY_MIX):
            raise _AnotherDevice
        return func(*args, **(kwargs or {}))


def meets_another_device(call: Callable, *given: Tensor) -> bool:
    """Whether a function that is given tensors of another device than the CPU makes one on the CPU and mixes them.

    Tensors of the device "meta" have no values; a function that has to see some ends early, and nothing is known.
    """
    try:
        with _OneDevice():
            call(*(tensor.detach().to("meta") for tensor in given))
    except _AnotherDevice:
        return True
    except Exception:
        return False
    return False


def what_a_billionth_makes(attend: Callable, *given: Tensor, **sizes: int) -> Tensor:
    """How much a billionth more of the queries and keys changes in float64, which float32 cannot tell."""
    query, key, value = (tensor.double() for tensor in given)
    return 1e9 * (attend(query + 1e-9, key - 1e-9, value, **sizes).double() - attend(query, key, value, **sizes))


def towering(rng: torch.Generator, root: float = 1e3) -> list[Tensor]:
    """A query, key and value with four scores: -2, -1, 0 and 1 times the square of `root`, a million or more."""
    query, key = torch.zeros(4, 4), torch.zeros(4, 4)
    query[:, 1], key[:, 1] = 2 * root, root * (torch.arange(4) - 2)
    return [query, key, normal(rng, 4, 5)]


def with_a_towering_last_key(query: Tensor, key: Tensor, value: Tensor) -> list[Tensor]:
    """The same with a last key that every query likes by far the most: its scores are 10,000 and more."""
    query, key = query.clone(), torch.cat([key[..., :-1, :], torch.zeros_like(key[..., -1:, :])], dim=-2)
    query[..., 0], key[..., -1, 0] = 1 + query[..., 0].abs(), 1e5
    return [query, key, value]


def across(tensor: Tensor) -> Tensor:
    """The same tensor, which does not lie in memory in one row: as heads do, with the axis behind before the other."""
    return tensor.transpose(-3, -2).contiguous().transpose(-3, -2)


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
