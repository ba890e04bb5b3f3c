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
    return {"before": before, "after": after, "must differ": [before, others]}


@exercise.check(points=0.25)
def every_selected_target_counts_once(masked_cross_entropy, rng):
    """The loss is the mean over all that is selected, whichever row it stands in; so its gradient is shared out."""
    logits, targets, mask = unequal_rows(rng)
    leaf = logits.clone().requires_grad_()
    return {
        "1, 5, 0 and 3 of a row": masked_cross_entropy(leaf, targets, mask),
        **gradients(masked_cross_entropy(leaf, targets, mask).reshape(1), {"the logits": leaf}, rng),
        "all": masked_cross_entropy(logits, targets, torch.ones_like(mask)),
        "one": masked_cross_entropy(logits[:1], targets[:1], mask[:1]),
        "equal logits": masked_cross_entropy(torch.zeros_like(logits), targets, mask),
        "logits of thousands": masked_cross_entropy(1e3 * logits, targets, mask) / 1e3,
    }


@exercise.check(points=0.25)
def short_logits_and_a_loss_in_full(masked_cross_entropy, rng):
    """From logits in bfloat16 or float16 comes a loss in float32, to the last digit."""
    seen = {}
    for dtype in (torch.bfloat16, torch.float16):
        losses = []
        for _ in range(8):
            logits, targets, mask = unequal_rows(rng)
            losses.append(masked_cross_entropy(logits.to(dtype), targets, mask))
        seen[f"{dtype}"] = [loss.item() for loss in losses]
        seen[f"{dtype}, the loss is short too"] = losses[0].element_size() < 4
    return seen


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


mistakes(
    exercise,
    Loss,
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
        "Your loss has as few digits as the logits. What do you call `.float()` on, and when?",
        losses=lambda self, logits, targets: F.cross_entropy(logits.transpose(1, 2), targets, reduction="none"),
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
