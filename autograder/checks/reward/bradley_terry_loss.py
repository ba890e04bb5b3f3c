"""`bradley_terry_loss`: the surprise at what was preferred, exact far out."""

import math

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


def of_those_that_differ(self: BradleyTerry, chosen: Tensor, rejected: Tensor) -> Tensor:
    differ = chosen != rejected
    return BradleyTerry.__call__(self, chosen[differ], rejected[differ]) if differ.any() else 0.0 * chosen.sum()


def by_way_of_probabilities(self: BradleyTerry, difference: Tensor) -> Tensor:
    probability = torch.sigmoid(difference)
    return F.binary_cross_entropy(probability, torch.ones_like(probability), reduction="none")


@exercise.promise("The mean", "adds_up")
@exercise.promise("mean of -log σ(chosen - rejected)", "swaps_the_two")
@exercise.promise("how surprised one is", "turns_the_sign")
@exercise.promise("the rewards of the two replies of each comparison -> ()", "keeps_a_dimension")
@exercise.check(points=0.125)
def surprise_at_what_was_preferred(bradley_terry_loss, rng):
    """The loss is the mean of -log σ(chosen - rejected), and its gradient pulls the two rewards apart."""
    seen = {
        f"{n} comparison(s)": learned(bradley_terry_loss, chosen=2 * normal(rng, n), rejected=2 * normal(rng, n))
        for n in (6, 1)
    }
    return seen | {"columns of a table that nobody learns": bradley_terry_loss(*normal(rng, 5, 2).unbind(dim=1))}


@exercise.promise("Equal rewards count as well", "leaves_out_ties")
@exercise.promise("with a gradient of one half to either side", "has_a_kink_at_zero")
@exercise.check(points=0.125)
def equal_rewards_count(bradley_terry_loss, rng):
    """A comparison of two equal rewards costs log 2, alone and among others, and pulls them apart."""
    chosen, rejected = normal(rng, 5), normal(rng, 5)
    rejected[1:3] = chosen[1:3]
    return {
        "two of five": learned(bradley_terry_loss, chosen=chosen, rejected=rejected),
        "all": learned(bradley_terry_loss, chosen=chosen, rejected=chosen),
    }


@exercise.promise("finite where rewards are hundreds apart", "runs_out_of_digits")
@exercise.promise("Worse by 2: 2.127. And worse by 200: 200", "costs_a_hundred_at_most")
@exercise.check(points=0.125)
def exact_far_out(bradley_terry_loss, rng):
    """Differences of 100 and more, to either side, give finite losses and gradients."""
    near = normal(rng, 4)
    far = torch.tensor([300.0, -900.0, 100.0, -120.0])
    ahead = learned(bradley_terry_loss, chosen=torch.tensor([12.0]), rejected=torch.zeros(1))
    little = {
        f"{name}, ahead by 12: is there any": value is not None and value.abs().max() > 1e-6
        for name, value in ahead.items()
    }
    return learned(bradley_terry_loss, chosen=near + far, rejected=near) | little


@exercise.promise("Both rewards learn", "holds_the_rejected_fixed")
@exercise.check(points=0.125)
def both_learn_as_much(bradley_terry_loss, rng):
    """The gradients of chosen and rejected are of the same size, and opposite."""
    seen = learned(bradley_terry_loss, chosen=normal(rng, 5), rejected=normal(rng, 5))
    grads = [seen[f"the gradient of {name}"] for name in ("chosen", "rejected")]
    return {"has one": [grad is not None for grad in grads], "gradients": [grad for grad in grads if grad is not None]}


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
    costs_a_hundred_at_most=mistake(
        "No comparison costs more than 100. What is the surprise at a difference of -300?",
        surprise=by_way_of_probabilities,
    ),
    leaves_out_ties=mistake(
        "A comparison of equal rewards is left out of the mean. How surprised is one by it?",
        __call__=of_those_that_differ,
    ),
    has_a_kink_at_zero=mistake(
        "Your loss has a kink where the two rewards are equal. Which gradient has -log σ there?",
        surprise=lambda self, difference: F.relu(-difference) + torch.log1p(torch.exp(-difference.abs())),
    ),
    holds_the_rejected_fixed=mistake(
        "No gradient goes into the rejected reward. What is to happen to it?",
        difference=lambda self, chosen, rejected: chosen - rejected.detach(),
    ),
    holds_the_chosen_fixed=mistake(
        "No gradient goes into the chosen reward. What is to happen to it?",
        difference=lambda self, chosen, rejected: chosen.detach() - rejected,
    ),
    takes_the_surprise_at_the_mean=mistake(
        "You take the mean of probabilities, and then the logarithm. Which of the two comes first?",
        surprise=lambda self, difference: -F.logsigmoid(difference).logsumexp(dim=0) + math.log(len(difference)),
    ),
    keeps_a_dimension=mistake(
        "Your loss has a dimension left. Of which shape is a mean?",
        mean=lambda self, surprises: surprises.mean(dim=-1, keepdim=True),
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


exercise.edges(
    empty="A mean of no comparison is not asked for.",
    one="surprise_at_what_was_preferred",
    equal="equal_rewards_count",
    zero="equal_rewards_count",
    ties="equal_rewards_count",
    large="exact_far_out",
    small="exact_far_out",
    limit="There is no limit.",
    shapes="surprise_at_what_was_preferred",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="both_learn_as_much",
)
