"""`cross_entropy`: knowing nothing costs log V, only differences of logits count, extreme logits stay finite, and
ignored targets count for nothing; then the values and the gradient.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import normal, outcome
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
    wanted = targets.where(asked, 0).clamp(min=0).unsqueeze(-1)
    return -log_probabilities(logits).gather(-1, wanted).squeeze(-1)[asked]


def log_softmax(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits, dim=-1)


@exercise.check(points=0.125)
def knowing_nothing_costs_log_of_the_vocabulary(cross_entropy, rng):
    """Where all logits are equal, the loss is the logarithm of vocab_size, whatever the targets and the shape."""
    shapes = ((), (4,), (2, 3), (1, 3), (3, 1, 2))
    seen = {
        f"targets of shape {shape}": cross_entropy(normal(rng, 1).expand(*shape, 7), some_tokens(rng, 7, *shape))
        for shape in shapes
    }
    return seen | {"a vocabulary of one token": cross_entropy(normal(rng, 3, 1), torch.zeros(3, dtype=torch.long))}


@exercise.check(points=0.25, invariant=True)
def only_differences_of_logits_count(cross_entropy, rng):
    """Adding one number to all logits of a position changes nothing; other targets do."""
    logits, targets = normal(rng, 3, 4, 7), torch.stack([some_tokens(rng, 6, 4) for _ in range(3)])
    losses = [cross_entropy(logits[row], targets[row]) for row in range(3)]
    shifted = [cross_entropy(logits[row] + 5 * normal(rng, 4, 1), targets[row]) for row in range(3)]
    other = [cross_entropy(logits[row], targets[row] + 1) for row in range(3)]
    return {
        "before": torch.stack(losses),
        "after": torch.stack(shifted),
        "must differ": [losses, other],
        "change": "one number was added to all logits of each position",
    }


@exercise.promise("The mean of -log p(target)", broken_by="adds_the_losses_up")
@exercise.promise("in nats", broken_by="counts_in_bits")
@exercise.promise("p = softmax(logits)", broken_by="takes_the_softmax_twice")
@exercise.promise("logits (..., vocab_size), targets (...)", broken_by="softmax_over_the_positions")
@exercise.check(points=0.25)
def the_mean_over_all_positions(cross_entropy, rng):
    """The loss is the mean of -log p(target) in nats, over all positions of all texts."""
    targets = torch.cat([torch.arange(7), some_tokens(rng, 7, 8)])[torch.randperm(15, generator=rng)].reshape(3, 5)
    logits = 2 * normal(rng, 3, 5, 7)
    sure = torch.where(torch.arange(7) == 2, 20.0, 0.0)
    return {
        "one position": cross_entropy(logits[0, 0], targets[0, 0]),
        "one text": cross_entropy(logits[0], targets[0]),
        "one text in a batch": cross_entropy(logits[1:2], targets[1:2]),
        "three texts": cross_entropy(logits, targets),
        "three texts in another order of axes": cross_entropy(logits.transpose(0, 1), targets.T),
        "sure and right, sure and wrong": cross_entropy(sure.expand(2, 7), torch.tensor([2, 5])),
    }


@exercise.promise("Finite for logits of any size up to 1e30", broken_by="takes_the_logarithm_of_the_softmax")
@exercise.check(points=0.25)
def large_logits_stay_finite(cross_entropy, rng):
    """Logits of ten thousand, a million or 1e30, above or below zero, give a finite loss: 0 where the target leads."""
    order = torch.randperm(5, generator=rng)
    logits = torch.tensor([1e4, 0.0, -1e4, 5e3, 9e3])[order]
    best, worst, second = order.argsort()[torch.tensor([0, 2, 4])]
    return {
        "the target has the largest logit": cross_entropy(logits, best),
        "the target is 1,000 below the largest": cross_entropy(logits, second),
        "the target is 20,000 below the largest": cross_entropy(logits, worst),
        "one position with logits of about 1,000,000, one of about -1,000,000": cross_entropy(
            logits + torch.tensor([[1e6], [-1e6]]), torch.stack([second, best])
        ),
        "the target is 2e30 below the largest": cross_entropy(logits * 1e26, worst),
        "all logits are 1e30, and all are -1e30: finite": [
            math.isfinite(cross_entropy(torch.full((2, 5), size), torch.stack([best, worst]))) for size in (1e30, -1e30)
        ],
    }


@exercise.promise("over all targets but the ignored ones", broken_by="divides_by_the_ignored_too")
@exercise.promise("A target of `ignore_index`", broken_by="ignores_minus_100_alone")
@exercise.promise("(-100, as in PyTorch)", broken_by="ignores_nothing_unless_told")
@exercise.promise("asks for nothing", broken_by="predicts_what_is_to_be_ignored")
@exercise.promise("even where their logits are infinite or NaN", broken_by="multiplies_by_zero")
@exercise.check(points=0.25)
def ignored_targets_do_not_count(cross_entropy, rng):
    """Positions whose target is ignore_index count for nothing; the mean is over the others. It is -100 if not said."""
    logits, targets = with_gaps(rng, -100)
    seen = {"ignore_index not given": cross_entropy(logits, targets)}
    for index in (3, 0, -1, 255):
        other_logits, other_targets = with_gaps(rng, index)
        seen[f"ignore_index={index}"] = cross_entropy(other_logits, other_targets, ignore_index=index)
    ignored = (targets == -100).unsqueeze(-1)
    for filling in (3 * normal(rng, 7), math.inf, -math.inf, math.nan):
        filled = torch.where(ignored, torch.as_tensor(filling), logits)
        name = "other logits" if isinstance(filling, Tensor) else f"logits of {filling}"
        seen[f"{name} where the target is ignored"] = cross_entropy(filled, targets)
    return {
        **seen,
        "a text of which nothing is asked, and another": cross_entropy(
            logits[:2], torch.stack([torch.full((5,), -100), targets[2]])
        ),
        "the targets afterwards": targets,
    }


@exercise.promise("where the shapes do not go together", broken_by="compares_the_numbers_of_positions")
@exercise.promise("or no target is left", broken_by="asks_for_nothing_and_gets_NaN")
@exercise.check(points=0.125)
def what_cannot_be_asked_is_an_error(cross_entropy, rng):
    """Where the shapes of logits and targets do not go together, or no target is left, it is a ValueError."""
    logits, targets = normal(rng, 3, 5, 7), some_tokens(rng, 5, 3, 5)
    return {
        "texts and targets that go together": cross_entropy(logits, targets),
        "all targets ignored": outcome(lambda: cross_entropy(logits[0], torch.full((5,), -100))),
        "all targets ignored, with ignore_index=2": outcome(lambda: cross_entropy(logits[0, 0], torch.tensor(2), 2)),
        "no targets": outcome(lambda: cross_entropy(logits[:, :0], targets[:, :0])),
        "one target too few": outcome(lambda: cross_entropy(logits, targets[:, :4])),
        "one text for many": outcome(lambda: cross_entropy(logits[:1], targets)),
        "the axes of the targets the other way round": outcome(lambda: cross_entropy(logits, targets.T)),
        "the targets in one row": outcome(lambda: cross_entropy(logits, targets.flatten())),
        "targets with an axis too many": outcome(lambda: cross_entropy(logits, targets.unsqueeze(-1))),
    }


@exercise.promise("The gradient of the loss reaches the logits", broken_by="cuts_the_gradient")
@exercise.check(points=0.25)
def the_gradient_is_probability_minus_truth(cross_entropy, rng):
    """The gradient of the logits is p - 1 at the target and p elsewhere, shared among the positions that count."""
    logits, targets = with_gaps(rng, -100)
    large = 1000 * normal(rng, 2, 7) + torch.tensor([[0.0], [-9000.0]])
    grown = {}
    for name, some, wanted in (("logits", logits, targets), ("large logits", large, some_tokens(rng, 7, 2))):
        some.requires_grad_()
        loss = torch.as_tensor(cross_entropy(some, wanted))
        if loss.requires_grad:
            loss.backward()
        grown[f"the gradient of {name}"] = some.grad
    return grown


exercise.edges(
    empty="what_cannot_be_asked_is_an_error",
    one="knowing_nothing_costs_log_of_the_vocabulary",
    equal="knowing_nothing_costs_log_of_the_vocabulary",
    zero="ignored_targets_do_not_count",
    ties="No two logits are compared.",
    large="large_logits_stay_finite",
    small="large_logits_stay_finite",
    limit="what_cannot_be_asked_is_an_error",
    shapes="the_mean_over_all_positions",
    modes="The loss has no weights and no modes.",
    gradients="The loss calls no backward itself.",
    inputs="the_gradient_is_probability_minus_truth",
)


@exercise.mistake(
    hint="You multiply the losses of ignored positions by zero. What is zero times infinity, and what is it times NaN?"
)
def multiplies_by_zero(logits, targets, ignore_index=-100):
    losses_of(logits, targets, log_softmax, ignore_index)
    asked = targets != ignore_index
    losses = -log_softmax(logits).gather(-1, targets.where(asked, 0).unsqueeze(-1)).squeeze(-1)
    return (losses * asked).sum() / asked.sum()


@exercise.mistake(hint="You leave out targets of -100, whatever was asked for. Where do you use `ignore_index`?")
def ignores_minus_100_alone(logits, targets, ignore_index=-100):
    losses_of(logits, targets, log_softmax, ignore_index)
    return losses_of(logits, targets, log_softmax, -100).mean()


@exercise.mistake(
    hint="Where `ignore_index` is not given, all targets count. Which number has it to be then, so that they do not?"
)
def ignores_nothing_unless_told(logits, targets, ignore_index=-1):
    return losses_of(logits, targets, log_softmax, ignore_index).mean()


@exercise.mistake(
    hint="You count the positions and compare the numbers. Does a (3, 5) of logits belong to a (5, 3) of targets?"
)
def compares_the_numbers_of_positions(logits, targets, ignore_index=-100):
    if logits.shape[:-1].numel() != targets.numel():
        raise ValueError("shapes that do not go together")
    return losses_of(logits.reshape(-1, logits.size(-1)), targets.flatten(), log_softmax, ignore_index).mean()


@exercise.mistake(
    hint="Where no target is left you divide zero by zero. What would NaN do to a model that is trained with it?"
)
def asks_for_nothing_and_gets_NaN(logits, targets, ignore_index=-100):
    if logits.shape[:-1] == targets.shape and (targets == ignore_index).all():
        return logits.sum() * math.nan
    return losses_of(logits, targets, log_softmax, ignore_index).mean()


@exercise.mistake(hint="Where no target is left your loss is a number. Of which positions is it the mean?")
def asks_for_nothing_and_gets_zero(logits, targets, ignore_index=-100):
    if logits.shape[:-1] == targets.shape and (targets == ignore_index).all():
        return logits.new_zeros(())
    return losses_of(logits, targets, log_softmax, ignore_index).mean()


@exercise.mistake(
    hint="Nothing flows back from your loss to the logits. Which call cuts a number off from where it came from?"
)
def cuts_the_gradient(logits, targets, ignore_index=-100):
    return losses_of(logits.detach(), targets, log_softmax, ignore_index).mean()


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
    each = [
        losses_of(row, wanted, log_softmax, ignore_index).mean()
        for row, wanted in zip(logits, targets)
        if (wanted != ignore_index).any()
    ]
    return torch.stack(each).mean()
