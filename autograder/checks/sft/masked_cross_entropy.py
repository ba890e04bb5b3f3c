"""`masked_cross_entropy`: what is not selected does not count, what is counts once, no mean of nothing."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import as_tensors, gradients, mistake, mistakes, normal, outcome
from autograder.checks.sft.shared import Loss, mean_of_the_rows_means, mean_over_everything

exercise = Exercise("masked_cross_entropy")


def unequal_rows(rng: torch.Generator, vocab_size: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets and a mask that selects 1, 5, 0 and 3 of the nine targets of each row."""
    logits, targets = 3 * normal(rng, 4, 9, vocab_size), torch.randint(vocab_size, (4, 9), generator=rng)
    order = torch.rand(4, 9, generator=rng).argsort(dim=1)
    return logits, targets, order < torch.tensor([[1], [5], [0], [3]])


def with_infinite_losses(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The same logits, but that targets that are not selected are impossible."""
    impossible = F.one_hot(targets, logits.size(-1)).bool() & ~mask.unsqueeze(-1)
    return logits.masked_fill(impossible, -math.inf)


@exercise.promise("The mean loss over the targets that the mask selects", broken_by="ignores_the_mask")
@exercise.check(points=0.25, invariant=True)
def what_is_not_selected_does_not_count(masked_cross_entropy, rng):
    """Other logits and other targets where the mask is False leave the loss as it is; where it is True they do not."""
    before, after, others = [], [], []
    for _ in range(3):
        logits, targets, mask = unequal_rows(rng)
        other, moved = 5 * normal(rng, *logits.shape), (targets + 1) % 7
        before.append(masked_cross_entropy(logits, targets, mask))
        changed = torch.where(mask.unsqueeze(-1), logits, other), torch.where(mask, targets, moved)
        after.append(masked_cross_entropy(*changed, mask))
        others.append(masked_cross_entropy(torch.where(mask.unsqueeze(-1), other, logits), targets, mask))
    before, after, others = (torch.stack(as_tensors(losses)) for losses in (before, after, others))
    return {
        "before": before,
        "after": after,
        "must differ": [before, others],
        "change": "logits and targets were changed that are not selected",
    }


@exercise.promise("each counted once", broken_by="divides_by_all_tokens")
@exercise.promise("wherever it stands;", broken_by="takes_the_mean_of_the_rows_means")
@exercise.promise("even where its loss is infinite", broken_by="multiplies_infinity_by_zero")
@exercise.promise("and its logits get a gradient of zeros.", broken_by="has_no_gradient_beside_infinity")
@exercise.promise("A loss that is selected counts", broken_by="leaves_out_infinite_losses")
@exercise.promise("infinite too: the mean is infinite then.", broken_by="makes_infinity_finite")
@exercise.promise("The logits get the gradient of the result.", broken_by="cuts_off_the_gradient")
@exercise.promise("mask boolean (B, T) -> ().", broken_by="gives_one_number_in_a_row")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="marks_the_callers_targets")
@exercise.check(points=0.25)
def every_selected_target_counts_once(masked_cross_entropy, rng):
    """The loss is the mean over all that is selected, whichever row it stands in; so its gradient is shared out."""
    logits, targets, mask = unequal_rows(rng)
    leaf, impossible = logits.clone().requires_grad_(), with_infinite_losses(logits, targets, mask).requires_grad_()
    beside_infinity = gradients(masked_cross_entropy(impossible, targets, mask).reshape(1), {"them": impossible}, rng)
    first = mask & (mask.flatten().cumsum(0).view_as(mask) == 1)
    long, many = torch.arange(4200).remainder(2100).view(2, 2100), normal(rng, 2, 2100, 3)
    with torch.no_grad():
        without = [masked_cross_entropy(its, targets, mask) for its in (logits, -logits)]
        without.append(masked_cross_entropy(many, long % 3, long % 7 > 2))
        turned = [its.transpose(0, 1).contiguous().transpose(0, 1) for its in (logits, targets, mask)]
        without.append(masked_cross_entropy(*turned))
    return {
        "without gradients": without,
        "beside infinite losses that are not selected": beside_infinity,
        "an infinite loss that is selected": [
            masked_cross_entropy(with_infinite_losses(logits, targets, ~mask if words else mask & False), targets, mask)
            for words in (True, False)
        ],
        "one infinite loss alone": masked_cross_entropy(with_infinite_losses(logits, targets, ~first), targets, mask),
        "1, 5, 0 and 3 of a row": masked_cross_entropy(leaf, targets, mask),
        **gradients(masked_cross_entropy(leaf, targets, mask).reshape(1), {"the logits": leaf}, rng),
        "its shape": list(masked_cross_entropy(logits, targets, mask).shape),
        "all": masked_cross_entropy(logits, targets, torch.ones_like(mask)),
        "one": masked_cross_entropy(logits[:1], targets[:1], mask[:1]),
        "one of one": masked_cross_entropy(logits[:1, :1], targets[:1, :1], torch.ones_like(mask[:1, :1])),
        "cut, as targets are": masked_cross_entropy(logits[:, :-2], targets[:, 2:], mask[:, 1:-1]),
        "a column": masked_cross_entropy(logits[:, 3:4], targets[:, 3:4], torch.ones_like(mask[:, 3:4])),
        "infinite losses that are not selected": masked_cross_entropy(
            with_infinite_losses(logits, targets, mask), targets, mask
        ),
        "a target of each token": [
            masked_cross_entropy(logits, torch.full_like(targets, token), mask) for token in (0, 1, 6)
        ],
        "equal logits": masked_cross_entropy(torch.zeros_like(logits), targets, mask),
        "logits of thousands": masked_cross_entropy(1e3 * logits, targets, mask) / 1e3,
    }


@exercise.promise("in float32.", broken_by="stays_in_short_numbers")
@exercise.promise(
    "the loss is taken in float32, from the first exponential on.", broken_by="turns_into_float32_at_the_end"
)
@exercise.check(points=0.25)
def short_logits_and_a_loss_in_full(masked_cross_entropy, rng):
    """The loss is in float32, whatever the logits are in, and to the last digit where they are in 16 bits."""
    seen = {}
    for dtype in (torch.bfloat16, torch.float16, torch.float32, torch.float64):
        losses = []
        for _ in range(8):
            logits, targets, mask = unequal_rows(rng)
            losses.append(masked_cross_entropy(logits.to(dtype), targets, mask))
        seen[f"{dtype}"] = [loss.item() for loss in losses]
        seen[f"{dtype}: the loss is in"] = str(losses[0].dtype)
        many, selected = normal(rng, 3, 1201, 3).to(dtype), torch.rand(3, 1201, generator=rng) < 0.7
        selected[0, 0] ^= selected.sum() % 2 == 0  # an odd number
        seen[f"{dtype}: thousands"] = masked_cross_entropy(many, torch.arange(3603).view(3, 1201) % 3, selected)
    return seen


@exercise.promise("Raises ValueError where the mask selects nothing:", broken_by="gives_nan_for_nothing")
@exercise.promise("raises ValueError for a mask without a True", broken_by="gives_zero_for_nothing")
@exercise.check(points=0.25)
def a_mean_of_nothing_is_refused(masked_cross_entropy, rng):
    """A mask that selects nothing is a ValueError, for one row and for several; one that selects a target is not."""
    logits, targets, mask = unequal_rows(rng)
    nothing, one = torch.zeros_like(mask), torch.zeros_like(mask)
    one[2, 4] = True
    return {
        "nothing of four rows": outcome(lambda: masked_cross_entropy(logits, targets, nothing)),
        "nothing of one row": outcome(lambda: masked_cross_entropy(logits[:1], targets[:1], nothing[:1])),
        "a single target": outcome(lambda: masked_cross_entropy(logits, targets, one)),
    }


exercise.edges(
    empty="a_mean_of_nothing_is_refused",
    one="every_selected_target_counts_once",
    equal="every_selected_target_counts_once",
    zero="every_selected_target_counts_once",
    ties="Nothing is ranked.",
    large="every_selected_target_counts_once",
    small="every_selected_target_counts_once",
    limit="a_mean_of_nothing_is_refused",
    shapes="every_selected_target_counts_once",
    modes="A function without a mode.",
    gradients="The function clears none, and starts no `backward`.",
    inputs="every_selected_target_counts_once",
)


def ignoring_token_zero(self: Loss, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("nothing to learn from")
    kept = torch.where(mask, targets, 0)
    return F.cross_entropy(logits.float().flatten(0, 1), kept.flatten(), ignore_index=0)


def by_the_logarithm(logits: Tensor, targets: Tensor) -> Tensor:
    """Losses by the logarithm of each probability, but for those that are too small for it."""
    exact = logits.log_softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    probability = logits.softmax(-1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return -torch.where(probability > 0, probability.log(), exact)


def in_the_type_of_the_logits(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("nothing to learn from")
    return F.cross_entropy(logits[mask], targets[mask])


def marking_targets(self: Loss, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("nothing to learn from")
    targets[~mask] = -100
    return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=-100)


mistakes(
    exercise,
    Loss,
    multiplies_infinity_by_zero=mistake(
        "An infinite loss that is not selected makes the sum NaN. What is zero times infinity?",
        mean=lambda self, losses, mask: (losses * mask).sum() / mask.sum(),
    ),
    has_no_gradient_beside_infinity=mistake(
        "The loss is right, and the gradient NaN where an infinite loss is not selected. What is the slope of a "
        "logarithm at zero, times zero?",
        losses=lambda self, logits, targets: by_the_logarithm(logits.float(), targets),
        mean=lambda self, losses, mask: torch.where(mask, losses, 0.0).sum() / mask.sum(),
    ),
    leaves_out_infinite_losses=mistake(
        "A loss that is infinite is left out of the mean, although it is selected. Who selects, you or the mask?",
        mean=lambda self, losses, mask: losses[mask & losses.isfinite()].sum() / (mask & losses.isfinite()).sum(),
    ),
    makes_infinity_finite=mistake(
        "A selected loss that is infinite becomes a number. Of what is the result the mean?",
        mean=lambda self, losses, mask: torch.nan_to_num(losses)[mask].double().mean().float(),
    ),
    ignores_token_zero=mistake(
        "Targets that are token 0 do not count, even where they are selected. Which number is no token at all?",
        __call__=ignoring_token_zero,
    ),
    marks_the_callers_targets=mistake(
        "You write into the targets that you were given. Does the caller need them again?", __call__=marking_targets
    ),
    cuts_off_the_gradient=mistake(
        "The loss has no gradient. Which call took it off the graph?",
        __call__=lambda self, *given: Loss()(*given).detach(),
    ),
    gives_one_number_in_a_row=mistake(
        "Your loss is a row with one number in it. What shape does a single number have?",
        __call__=lambda self, *given: Loss()(*given).reshape(1),
    ),
    turns_into_float32_at_the_end=mistake(
        "Your loss is in float32, and has as few digits as the logits. What is computed before you call `.float()`?",
        __call__=lambda self, *given: in_the_type_of_the_logits(*given).float(),
    ),
    divides_by_all_tokens=mistake(
        "You divide by all targets. How much does a reply count that stands in a row full of padding?",
        mean=mean_over_everything,
    ),
    takes_the_mean_of_the_rows_means=mistake(
        "You take the mean of the rows' means. How much does a word count in a row that has many?",
        mean=mean_of_the_rows_means,
    ),
    divides_by_the_rows=mistake(
        "You divide by the number of rows. Of what is the loss the mean?",
        mean=lambda self, losses, mask: (losses * mask).sum() / mask.size(0),
    ),
    adds_up=mistake(
        "Your loss grows with the number of words. By what do you divide the sum?",
        mean=lambda self, losses, mask: losses[mask].sum(),
    ),
    takes_the_mask_the_other_way_round=mistake(
        "You learn from what the mask hides. Which of the two does True mean?",
        mean=lambda self, losses, mask: losses[mask if mask.all() else ~mask].mean(),
    ),
    ignores_the_mask=mistake(
        "Every target counts. Where do you use the mask?", mean=lambda self, losses, mask: losses.mean()
    ),
    takes_the_softmax_twice=mistake(
        "The softmax is taken twice. What does `F.cross_entropy` expect, logits or probabilities?",
        losses=lambda self, logits, targets: Loss().losses(torch.softmax(logits.float(), dim=-1), targets),
    ),
    stays_in_short_numbers=mistake(
        "Your loss is in the type of the logits, with as few digits. What do you call `.float()` on, and when?",
        __call__=lambda self, *given: in_the_type_of_the_logits(*given),
    ),
    gives_nan_for_nothing=mistake(
        "A mask that selects nothing gives NaN. Who will find out where it came from?",
        nothing=lambda self, logits: logits.sum() * math.nan,
    ),
    gives_zero_for_nothing=mistake(
        "A mask that selects nothing gives a loss of zero. Is that the best of all losses?",
        nothing=lambda self, logits: 0.0 * logits.sum(),
    ),
)


@exercise.given
def loss_by_library(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The loss, for the exercise that needs one."""
    return Loss()(logits, targets, mask)
