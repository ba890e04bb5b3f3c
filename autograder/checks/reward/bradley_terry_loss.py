"""`bradley_terry_loss`: the surprise at what was preferred, exact far out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, normal
from autograder.checks.reward.shared import learned

exercise = Exercise("bradley_terry_loss")


class BradleyTerry:
    """The loss of comparisons with its parts to override."""

    def __call__(self, chosen, rejected):
        return self.mean(self.surprise(self.difference(chosen, rejected)))

    def difference(self, chosen, rejected):
        return chosen - rejected

    def surprise(self, difference):
        return -F.logsigmoid(difference)

    def mean(self, surprises):
        return surprises.mean()


@exercise.check(points=0.25)
def surprise_at_what_was_preferred(bradley_terry_loss, rng):
    """The loss is the mean of -log σ(chosen - rejected), and its gradient pulls the two rewards apart."""
    return learned(bradley_terry_loss, chosen=2 * normal(rng, 6), rejected=2 * normal(rng, 6))


@exercise.check(points=0.25)
def exact_far_out(bradley_terry_loss, rng):
    """Differences of 100 and more, to either side, give finite losses and gradients."""
    near = normal(rng, 4)
    far = torch.tensor([300.0, -300.0, 100.0, -120.0])
    return learned(bradley_terry_loss, chosen=near + far, rejected=near)


mistakes(
    exercise,
    BradleyTerry,
    swaps_the_two=mistake(
        "What was rejected gets the higher reward. Which of the two is to be larger?",
        difference=lambda self, chosen, rejected: rejected - chosen,
    ),
    turns_the_sign=mistake(
        "Your loss is negative. Is a surprise ever?", surprise=lambda self, difference: F.logsigmoid(difference)
    ),
    forgets_the_logarithm=mistake(
        "You take probabilities. What is added up over independent comparisons?",
        surprise=lambda self, difference: -torch.sigmoid(difference),
    ),
    takes_the_hinge=mistake(
        "Beyond some difference nothing is learned any more. What does the formula say there?",
        surprise=lambda self, difference: F.relu(1 - difference),
    ),
    takes_the_difference_alone=mistake(
        "Your loss is a straight line. Where is the σ?", surprise=lambda self, difference: -difference
    ),
    runs_out_of_digits=mistake(
        "Large differences give infinities or NaN. Which function gives log σ in one go?",
        surprise=lambda self, difference: -torch.log(torch.sigmoid(difference)),
    ),
    adds_up=mistake(
        "Your loss grows with the number of comparisons. By what do you divide the sum?",
        mean=lambda self, surprises: surprises.sum(),
    ),
    takes_the_mean_too_early=mistake(
        "You take the mean of the differences. Of what is the loss the mean?",
        difference=lambda self, chosen, rejected: (chosen - rejected).mean(),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?", mean=lambda self, its: 0.0 * its.sum()
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, surprises: surprises.detach().mean(),
    ),
)


@exercise.given
def loss_by_library(chosen: Tensor, rejected: Tensor) -> Tensor:
    """The loss, for the exercise that needs one."""
    return F.softplus(rejected - chosen).mean()
