"""`cross_entropy`: knowing nothing costs log V, only differences of logits count, extreme logits stay finite, and
ignored targets count for nothing; then the values and the gradient.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, normal
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("cross_entropy")


def with_gaps(rng: torch.Generator, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Logits (3, 5, 7), and targets (3, 5) of which four, one and none are to be ignored."""
    targets = (some_tokens(rng, 6, 3, 5) + ignore_index + 1) % 7
    targets[0, 1:], targets[1, 2] = ignore_index, ignore_index
    return 2 * normal(rng, 3, 5, 7), targets


def losses_of(logits: Tensor, targets: Tensor, log_probabilities: Callable[[Tensor], Tensor], ignore_index: int):
    """The loss at each position that counts, with its softmax to choose, so that it can be wrong."""
    asked = targets != ignore_index
    if asked.shape != logits.shape[:-1] or not asked.any():
        raise ValueError("no target, or shapes that do not go together")
    found = log_probabilities(logits).gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return -found[asked]


def log_softmax(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits, dim=-1)


@exercise.check(points=0.25)
def knowing_nothing_costs_log_of_the_vocabulary(cross_entropy, rng):
    """Where all logits are equal, the loss is the logarithm of vocab_size, whatever the targets and the shape."""
    shapes = ((), (4,), (2, 3))
    return {
        f"targets of shape {shape}": cross_entropy(normal(rng, 1).expand(*shape, 7), some_tokens(rng, 7, *shape))
        for shape in shapes
    }


@exercise.check(points=0.25, invariant=True)
def only_differences_of_logits_count(cross_entropy, rng):
    """Adding one number to all logits of a position changes nothing; other targets do."""
    logits, targets = normal(rng, 3, 4, 7), torch.stack([some_tokens(rng, 6, 4) for _ in range(3)])
    losses = [cross_entropy(logits[row], targets[row]) for row in range(3)]
    shifted = [cross_entropy(logits[row] + 5 * normal(rng, 4, 1), targets[row]) for row in range(3)]
    other = [cross_entropy(logits[row], targets[row] + 1) for row in range(3)]
    return {"before": torch.stack(losses), "after": torch.stack(shifted), "must differ": [losses, other]}


@exercise.check(points=0.25)
def the_mean_over_all_positions(cross_entropy, rng):
    """The loss is the mean of -log p(target) in nats, over all positions of all texts."""
    logits, targets = 2 * normal(rng, 3, 5, 7), some_tokens(rng, 7, 3, 5)
    return {
        "one position": cross_entropy(logits[0, 0], targets[0, 0]),
        "one text": cross_entropy(logits[0], targets[0]),
        "three texts": cross_entropy(logits, targets),
    }


@exercise.check(points=0.25)
def large_logits_stay_finite(cross_entropy, rng):
    """Logits of ten thousand or a million, above or below zero, give a finite loss: 0 where the target stands out."""
    order = torch.randperm(5, generator=rng)
    logits = torch.tensor([1e4, 0.0, -1e4, 5e3, 9e3])[order]
    best, worst, second = order.argsort()[torch.tensor([0, 2, 4])]
    return {
        "the target has the largest logit": cross_entropy(logits, best),
        "the target is 1,000 below the largest": cross_entropy(logits, second),
        "the target is 20,000 below the largest": cross_entropy(logits, worst),
        "one position with logits of about 1,000,000, one of about -1,000,000": cross_entropy(
            logits / 10 + torch.tensor([[1e6], [-1e6]]), torch.stack([second, best])
        ),
    }


@exercise.check(points=0.25)
def ignored_targets_do_not_count(cross_entropy, rng):
    """Positions whose target is ignore_index count for nothing; the mean is over the others. It is -100 if not said."""
    logits, targets = with_gaps(rng, -100)
    other_logits, other_targets = with_gaps(rng, 3)
    return {
        "ignore_index not given": cross_entropy(logits, targets),
        "ignore_index=3": cross_entropy(other_logits, other_targets, ignore_index=3),
        "other logits where the target is ignored": cross_entropy(
            torch.where((targets == -100).unsqueeze(-1), 3 * normal(rng, 7), logits), targets
        ),
        "all targets ignored": ending(lambda: cross_entropy(logits[:1, 1:], targets[:1, 1:])),
        "targets of another shape": ending(lambda: cross_entropy(logits, targets[:, :4])),
        "the targets afterwards": targets,
    }


@exercise.check(points=0.25)
def the_gradient_is_probability_minus_truth(cross_entropy, rng):
    """The gradient of the logits is p - 1 at the target and p elsewhere, shared among the positions that count."""
    logits, targets = with_gaps(rng, -100)
    logits.requires_grad_()
    loss = cross_entropy(logits, targets)
    if loss.requires_grad:
        loss.backward()
    return {"the gradient of logits": logits.grad}


@exercise.mistake(hint="Your loss is below zero. What sign has the logarithm of a probability?")
def forgets_the_minus(logits, targets, ignore_index=-100):
    return -losses_of(logits, targets, log_softmax, ignore_index).mean()


@exercise.mistake(
    hint="Your loss grows with the number of tokens. What would you have to divide by to compare two texts?"
)
def adds_the_losses_up(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).sum()


@exercise.mistake(hint="Your loss is in bits. Which logarithm has nats for its unit?")
def counts_in_bits(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).mean() / math.log(2)


@exercise.mistake(
    hint="You take the target's logit for its log-probability. What do all logits of a position have to be divided by, "
    "after the exponential, to sum to one?"
)
def takes_logits_for_log_probabilities(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: logits, ignore_index).mean()


@exercise.mistake(
    hint="What is exp(10,000) in 32 bits, and exp(-10,000)? Adding a number to all logits changes nothing, so which "
    "number would keep every exponential at 1 or less?"
)
def the_exponential_overflows(logits, targets, ignore_index=-100):
    return losses_of(
        logits, targets, lambda logits: logits - logits.exp().sum(-1, keepdim=True).log(), ignore_index
    ).mean()


@exercise.mistake(
    hint="You subtract one maximum from all positions. What is left of a position whose logits are all far below those "
    "of another?"
)
def one_maximum_for_all_positions(logits, targets, ignore_index=-100):
    def log_probabilities(logits):
        shifted = logits - logits.max()
        return shifted - shifted.exp().sum(-1, keepdim=True).log()

    return losses_of(logits, targets, log_probabilities, ignore_index).mean()


@exercise.mistake(
    hint="A probability of exp(-10,000) is 0 in 32 bits, and its logarithm is gone. Can you get the logarithm without "
    "the probability?"
)
def takes_the_logarithm_of_the_softmax(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: torch.softmax(logits, dim=-1).log(), ignore_index).mean()


@exercise.mistake(
    hint="You add a small number before the logarithm, so no loss gets larger than about 20. What loss does a target "
    "deserve whose logit is 10,000 below the largest?"
)
def adds_a_small_number(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: (torch.softmax(logits, dim=-1) + 1e-9).log(), ignore_index).mean()


@exercise.mistake(
    hint="You take the softmax of what is a softmax already. How many times do logits become probabilities?"
)
def takes_the_softmax_twice(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: log_softmax(torch.softmax(logits, dim=-1)), ignore_index).mean()


@exercise.mistake(
    hint="The softmax makes positions compete with each other. Along which axis of the logits (..., vocab_size) does "
    "one token have to be chosen?"
)
def softmax_over_the_positions(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, lambda logits: torch.log_softmax(logits, dim=0), ignore_index).mean()


@exercise.mistake(hint="You divide by the number of all targets. How many of them have a loss at all?")
def divides_by_the_ignored_too(logits, targets, ignore_index=-100):
    return losses_of(logits, targets, log_softmax, ignore_index).sum() / targets.numel()


@exercise.mistake(hint="Ignored targets have a loss like all others. Where do you use `ignore_index`?")
def predicts_what_is_to_be_ignored(logits, targets, ignore_index=-100):
    losses_of(logits, targets, log_softmax, ignore_index)
    return losses_of(logits, targets.clamp(min=0), log_softmax, -1).mean()


@exercise.mistake(
    hint="You average each text first, and then the texts. Does a position then count the same in a text with one "
    "target as in a text with five?"
)
def averages_each_text_first(logits, targets, ignore_index=-100):
    asked = targets != ignore_index
    if targets.dim() < 2 or not asked.any() or asked.shape != logits.shape[:-1]:
        return losses_of(logits, targets, log_softmax, ignore_index).mean()
    each = [losses_of(row, wanted, log_softmax, ignore_index).mean() for row, wanted in zip(logits, targets)]
    return torch.stack(each).mean()
