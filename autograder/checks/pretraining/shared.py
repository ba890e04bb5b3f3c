"""What several exercises of pretraining share: random tokens, and an optimiser that is watched."""

from collections.abc import Iterable

import torch
import torch._dynamo  # which the first optimiser loads anyway, in a second: so a grader loads it once for a class
from torch import Tensor, nn

VOCAB_SIZE = 11


def some_tokens(rng: torch.Generator, *shape: int, vocab_size: int = VOCAB_SIZE) -> Tensor:
    return torch.randint(vocab_size, shape, generator=rng)


def joint(parameters: Iterable[Tensor]) -> Tensor:
    """All gradients in one row."""
    return torch.cat([parameter.grad.flatten() for parameter in parameters])


NO_LIMIT = 1e9  # for the length of gradients, so that nothing is clipped


class Observed(torch.optim.SGD):
    """Plain gradient descent that notes the gradients at each of its steps, all in one row.

    It has two groups of weights, each with its own learning rate.
    """

    def __init__(self, model: nn.Module, lr: float = 0.5):
        first, *others = model.parameters()
        super().__init__([{"params": [first]}, {"params": others, "lr": lr / 2}], lr=lr)
        self.model, self.gradients = model, []

    def step(self, closure=None):
        loss = closure() if closure else None  # first, since it makes the gradients
        self.gradients.append(joint(self.model.parameters()).clone())
        super().step()
        return loss
