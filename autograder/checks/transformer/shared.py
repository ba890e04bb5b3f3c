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


SETTINGS = (
    ("in training", True, torch.enable_grad),
    ("in evaluation", False, torch.enable_grad),
    ("in evaluation, without gradients", False, torch.no_grad),
    ("in inference mode", False, torch.inference_mode),
)


def from_call_to_call(module: nn.Module, calls: dict[str, Callable], rng: torch.Generator) -> dict[str, Any]:
    """What a module gives in each setting, then after a step of all its weights, then with others that were loaded.

    The same inputs come again and again, and all results are looked at together at the end. Last, whether weights and
    PyTorch's settings are still what they were.
    """
    seen: dict[str, Any] = {}
    weights = dict(sorted(module.named_parameters()))
    names, chance = list(module.state_dict()), torch.get_rng_state()
    types = [weight.dtype for weight in weights.values()]
    for since in ("", " after a step", " with weights that were loaded"):
        other = {name: normal(rng, *weight.shape) / math.sqrt(weight.size(-1)) for name, weight in weights.items()}
        if "step" in since:
            with torch.no_grad():
                for name, weight in weights.items():
                    weight.sub_(other[name])
        elif since:
            module.load_state_dict(other, strict=False)
        for words, training, gradients_are in SETTINGS:
            module.train(training)
            with gradients_are():
                seen |= {f"{call} {words}{since}": what(module) for call, what in calls.items()}
                seen[f"{words}{since}, the mode is left alone"] = module.training == training
    after = dict(sorted(module.named_parameters()))
    return seen | {
        "it has the weights that it had": list(module.state_dict()) == names
        and all(after[name] is weight for name, weight in weights.items()),
        "of the types that they had": [weight.dtype for weight in weights.values()] == types,
        "each still learns": all(weight.requires_grad and weight.is_leaf for weight in weights.values()),
        "PyTorch's settings are left alone": torch.is_grad_enabled()
        and torch.get_default_dtype() == torch.float32
        and torch.equal(torch.get_rng_state(), chance),
    }


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
    """Radians for each position, one for each pair: (d_head / 2). Raises ValueError where d_head is odd."""
    if d_head % 2:
        raise ValueError(f"d_head has to be even; it is {d_head}")
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


WIDTHS = (40, 64, 88, 112, 136)  # 8/3 of each lies below the middle between two multiples of 32


def sizes_of(rng: torch.Generator) -> tuple[int, int, int]:
    """vocab_size, d_model, n_layers of a small model."""
    vocab_size, width, n_layers = (
        int(torch.randint(*ends, (), generator=rng)) for ends in ((101, 200), (0, 5), (3, 7))
    )
    return vocab_size, WIDTHS[width], n_layers
