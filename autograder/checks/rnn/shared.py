"""What several exercises of recurrent networks share: random weights, and cells whose gates are set."""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import normal


def seeded_weights(module: nn.Module, rng: torch.Generator) -> dict[str, Tensor]:
    """Random weights of the right shapes for a module, by name."""
    return {name: 0.6 * normal(rng, *value.shape) for name, value in module.state_dict().items()}


def seeded(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """The module with random weights."""
    module.load_state_dict(seeded_weights(module, rng))
    return module


def with_weights(cell_class, weights: dict[str, Tensor], d_input: int = 3, d_state: int = 5) -> nn.Module:
    """The learner's cell with these weights. Raises RuntimeError, naming it, where one is missing or has no place."""
    cell = cell_class(d_input, d_state)
    cell.load_state_dict(weights)
    return cell


def with_gates(weights: dict[str, Tensor], **gates: tuple[int, float]) -> dict[str, Tensor]:
    """The weights with some blocks of gates held at a value: name=(block, what the gate gets before its sigmoid)."""
    held = {name: weight.clone() for name, weight in weights.items()}
    for block, value in gates.values():
        rows = slice(5 * block, 5 * (block + 1))
        for name, weight in held.items():
            weight[rows] = value if name == "bias_ih" else 0.0
    return held


def read(cell: nn.Module, x: Tensor, state: Any) -> Any:
    """The state after a text (B, T, d_input)."""
    for x_t in x.unbind(1):
        state = cell(x_t, state)
    return state
