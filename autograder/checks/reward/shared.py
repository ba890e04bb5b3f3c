"""What several exercises of rewards share: a loss with its gradients, and log-probabilities that are made up."""

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


def some_replies(rng: torch.Generator, n_replies: int = 4, T: int = 6) -> tuple[Tensor, Tensor]:
    """Log-probabilities of replies of 1 to 6 tokens, 0 elsewhere; and the mask."""
    mask = torch.arange(T) < torch.tensor([[1], [6], [3], [4]])[:n_replies]
    return log_probabilities(rng, n_replies, T) * mask, mask
