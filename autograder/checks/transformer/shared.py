"""What several exercises of the transformer share: random weights, texts in pieces, the norm, rotations, sizes."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import normal

State = tuple[Tensor, Tensor] | None  # keys and values of one layer


def seeded(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """The module with random weights, about as large as after training."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(normal(rng, *weight.shape) / (math.sqrt(weight.size(-1)) if weight.dim() > 1 else 1.0))
    return module


def with_weights(module: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """The module with these weights. Raises AttributeError where it has no place for one of them."""
    if missing := sorted(weights.keys() - module.state_dict().keys()):
        raise AttributeError(f"{', '.join(missing)}: not there; keep the parts that the given __init__ makes")
    module.load_state_dict(weights, strict=False)
    return module


def read_in_pieces(model: Callable, text: Tensor, lengths: list[int]) -> tuple[list[Tensor], Any]:
    """What a model gives for each piece of a text, the state handed from each to the next, and the last state."""
    pieces, state = [], None
    for piece in text.split(lengths, dim=1):
        result, state = model(piece, state)
        pieces.append(result)
    return pieces, state


class Norm(nn.Module):
    """RMSNorm with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(d_model))

    def size(self, x: Tensor) -> Tensor:
        return (x.square().mean(dim=-1, keepdim=True) + self.eps).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() / self.size(x.float()) * self.weight).to(x.dtype)


def rates(d_head: int, base: float) -> Tensor:
    """Radians for each position, one for each pair: (d_head / 2)."""
    return base ** -(torch.arange(0, d_head, 2) / d_head)


def turned(x: Tensor, angles: Tensor, cut: Callable = partial(torch.chunk, chunks=2, dim=-1), sign: int = 1) -> Tensor:
    """The pairs of x, each turned by its angle, (T, d_head / 2) in all: (..., T, d_head)."""
    (a, b), cos, sin = cut(x), angles.cos().to(x.dtype), sign * angles.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


def neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 0::2], x[..., 1::2]


def turned_neighbours(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotations with pairs (0, 1), (2, 3), ..., as in the paper."""
    together = turned(x, torch.outer(positions, rates(x.size(-1), base)), neighbours)
    return torch.stack(together.chunk(2, dim=-1), dim=-1).flatten(-2)


def hidden_width(d_model: int) -> int:
    """As the notebook gives it."""
    return 32 * math.ceil(8 * d_model / (3 * 32))


SIZE_RANGES = ((101, 200, 1), (5, 12, 8), (3, 7, 1))  # lowest, end, and step of each


def sizes_of(rng: torch.Generator) -> tuple[int, int, int]:
    """vocab_size, d_model, n_layers of a small model."""
    return tuple(int(torch.randint(low, high, (), generator=rng)) * step for low, high, step in SIZE_RANGES)
