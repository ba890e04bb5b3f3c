"""What several exercises of rewards share: a loss with its gradients; and log-probabilities that are made up."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def learned(call: Callable[..., Tensor], **leaves: Tensor) -> dict[str, Any]:
    """A loss and its gradient for each of the tensors by name; None where there is none."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in leaves.items()}
    loss = call(**leaves)
    if loss.requires_grad:
        loss.backward()
    return {"loss": loss} | {f"the gradient of {name}": leaf.grad for name, leaf in leaves.items()}


def log_probabilities(rng: torch.Generator, *shape: int) -> Tensor:
    """Numbers below zero, as log-probabilities are."""
    return -0.1 - 3 * torch.rand(*shape, generator=rng)


def some_replies(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Log-probabilities of five replies, of 1, 7, 3, 0 and 4 tokens, and 0 at all other places; and the mask.

    The third has a gap, as a row with two replies has; the fourth is empty.
    """
    mask = torch.tensor([[0, 0, 1, 0, 0, 0, 0], [1] * 7, [0, 1, 1, 0, 1, 0, 0], [0] * 7, [0, 0, 0, 1, 1, 1, 1]]).bool()
    return log_probabilities(rng, *mask.shape) * mask, mask


def drawn_and_moved(rng: torch.Generator, lower: float = 0.0) -> dict[str, Tensor]:
    """Replies of 1, 7, 3, 0 and 4 tokens under the policy, the old one and a reference.

    Their ratios are 0.6, 0.9, 1.1 and 1.6, or some of them; advantages are of both signs; the reference is half a nat
    or more away, and from two tokens many. All are so many nats lower.
    """
    old, mask = some_replies(rng)
    old = old - lower
    at = torch.arange(mask.size(0)).unsqueeze(-1) + torch.arange(mask.size(1))
    ratios = torch.tensor([0.6, 1.6, 0.9, 1.1])[at % 4]
    away = (0.5 + torch.rand(old.shape, generator=rng)) * (1 - 2 * (at % 2))
    away[1, 2:4] = torch.tensor([6.0, -7.0])
    return {
        "logprobs": old + ratios.log() * mask,
        "old_logprobs": old,
        "advantages": torch.tensor([-1.0, 1.5, -0.5, 0.7, 0.9]) * (0.8 + 0.4 * torch.rand(5, generator=rng)),
        "mask": mask,
        "reference": old + away * mask,
    }
