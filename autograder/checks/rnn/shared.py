"""What several exercises of recurrent networks share: random weights, and cells whose gates are set."""

from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import gradients, normal


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


def again_and_again(cell_class, module: nn.Module, rng: torch.Generator) -> dict[str, Any]:
    """What a cell gives without gradients, call after call, with other texts and weights; looked at when all is there.

    `module` is PyTorch's cell, of (3, 5). The first call is without a state, of two texts.
    """
    cell, seen = with_weights(cell_class, seeded_weights(module, rng)), {}
    two = isinstance(module, nn.LSTMCell)
    for words in ("in training mode", "in evaluation mode", "in inference mode"):
        cell.train(words == "in training mode").requires_grad_(words != "in inference mode")
        with torch.inference_mode(words == "in inference mode"), torch.no_grad():
            for B in (2, 3, 1, 3):
                x, begin = normal(rng, B, 3), (normal(rng, B, 5), normal(rng, B, 5))
                after = cell(x, begin if two else begin[0])
                nothing = cell(x)
                seen[f"{words}, {len(seen)}"] = [nothing, after, cell(x, nothing), cell(x, after), cell(x)]
            seen[f"{words}, the weights afterwards"] = {
                name: w.clone() for name, w in sorted(cell.state_dict().items())
            }
            cell.load_state_dict(seeded_weights(module, rng))
            seen[f"{words}, with other weights"] = [cell(x), cell(x, after)]
            for weight in cell.parameters():
                weight.data.neg_()
            seen[f"{words}, with negative weights"] = [cell(x), cell(x, after)]
    return seen


def gradients_of_frozen(cell_class, module: nn.Module, rng: torch.Generator) -> dict[str, Tensor | None]:
    """The gradients that reach the inputs of a cell, of (3, 5), none of whose weights learns."""
    cell = with_weights(cell_class, seeded_weights(module, rng)).requires_grad_(False)
    leaves = {"x": normal(rng, 2, 3).requires_grad_(), "h": normal(rng, 2, 5).requires_grad_()}
    if isinstance(module, nn.LSTMCell):
        leaves["c"] = normal(rng, 2, 5).requires_grad_()
        return gradients(torch.cat(cell(leaves["x"], (leaves["h"], leaves["c"])), dim=-1), leaves, rng)
    return gradients(cell(leaves["x"], leaves["h"]), leaves, rng)


def in_double_precision(cell_class, module: nn.Module, rng: torch.Generator) -> dict[str, Any]:
    """A cell in float64: the types of what it gives, in 16 bits too, and what a billionth makes of a difference."""
    cell = with_weights(cell_class, seeded_weights(module, rng)).double()
    x, h, c = normal(rng, 2, 3).double(), normal(rng, 2, 5).double(), normal(rng, 2, 5).double()
    with torch.no_grad():
        if isinstance(module, nn.LSTMCell):
            before, after = (list(cell(x + small, (h - small, c + small))) for small in (0.0, 1e-9))
        else:
            before, after = ([cell(x + small, h - small)] for small in (0.0, 1e-9))
    halved, (x, h, c) = cell.bfloat16(), (part.bfloat16() for part in (x, h, c))
    of_16_bits = halved(x, (h, c)) if isinstance(module, nn.LSTMCell) else [halved(x, h)]
    seen = {"types in float64": [str(part.dtype) for part in before]}
    seen["types in bfloat16"] = [str(part.dtype) for part in of_16_bits]
    return seen | {"what a billionth makes": [1e9 * (b.double() - a.double()) for a, b in zip(before, after)]}


def read(cell: nn.Module, x: Tensor, state: Any) -> Any:
    """The state after a text (B, T, d_input)."""
    for x_t in x.unbind(1):
        state = cell(x_t, state)
    return state
