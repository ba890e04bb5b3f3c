"""`dpo_loss`: preferred for having become likelier, a reference that learns nothing, exact far out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes
from autograder.checks.reward.shared import learned, log_probabilities

exercise = Exercise("dpo_loss")

WHOLE = ("chosen", "rejected", "reference_chosen", "reference_rejected")


def four(rng: torch.Generator, n: int = 6) -> dict[str, Tensor]:
    """Log-probabilities of whole replies, of both kinds, under policy and reference."""
    return {name: 4 * log_probabilities(rng, n) for name in WHOLE}


class Direct:
    """DPO with its parts to override, so that one of them can be wrong."""

    usual = 0.1

    def __call__(self, chosen, rejected, reference_chosen, reference_rejected, beta=None):
        beta = self.usual if beta is None else beta
        fixed = self.fixed(reference_chosen), self.fixed(reference_rejected)
        return self.mean(self.surprise(self.difference(chosen, rejected, *fixed, beta)))

    def fixed(self, reference):
        return reference.detach()

    def difference(self, chosen, rejected, reference_chosen, reference_rejected, beta):
        return beta * (self.reward(chosen, reference_chosen) - self.reward(rejected, reference_rejected))

    def reward(self, policy, reference):
        return policy - reference

    def surprise(self, difference):
        return -F.logsigmoid(difference)

    def mean(self, surprises):
        return surprises.mean()


@exercise.check(points=0.25)
def preferred_for_having_become_likelier(dpo_loss, rng):
    """The loss is Bradley and Terry's, of beta times how much likelier each reply is than for the reference."""
    its = four(rng)
    policy = {key: its[key] for key in WHOLE[:2]}
    reference = {key: its[key] for key in WHOLE[2:]}
    return {
        f"beta={beta}": learned(lambda **leaves: dpo_loss(**leaves, **reference, beta=beta), **policy)
        for beta in (0.1, 0.5)
    }


@exercise.check(points=0.25)
def beta_is_a_tenth(dpo_loss, rng):
    """Where beta is not given it is 0.1; where the policy is the reference, the loss is log 2 whatever beta is."""
    its = four(rng)
    same = [its["chosen"], its["rejected"], its["chosen"], its["rejected"]]
    return {"not given": dpo_loss(**its), "0.1": dpo_loss(**its, beta=0.1), "no move": dpo_loss(*same, beta=3.0)}


@exercise.check(points=0.25)
def the_reference_learns_nothing(dpo_loss, rng):
    """No gradient goes into the reference; those of chosen and rejected are of the same size, and opposite."""
    return learned(dpo_loss, **four(rng))


@exercise.check(points=0.25, rtol=1e-6)
def exact_where_replies_have_moved_far(dpo_loss, rng):
    """Replies that have become a thousand nats likelier or less likely give finite losses and gradients."""
    its = four(rng, 4)
    its["chosen"] = its["chosen"] + torch.tensor([1e3, -1e3, 5e2, -2e3])
    reference = {key: its.pop(key) for key in WHOLE[2:]}
    return learned(lambda **leaves: dpo_loss(**leaves, **reference, beta=0.5), **its)


mistakes(
    exercise,
    Direct,
    swaps_the_two=mistake(
        "What was rejected becomes likelier. Which of the two stands first in the difference?",
        difference=lambda self, *its: -Direct.difference(self, *its),
    ),
    leaves_out_the_reference=mistake(
        "The reference is left out. How likely was each reply to begin with?",
        reward=lambda self, policy, reference: policy,
    ),
    adds_the_reference=mistake(
        "You add the reference. When has a reply become likelier?",
        reward=lambda self, policy, reference: policy + reference,
    ),
    leaves_out_beta=mistake(
        "beta changes nothing. What does it multiply?",
        difference=lambda self, *its: Direct.difference(self, *its[:4], 1.0),
    ),
    takes_beta_twice=mistake(
        "beta is there twice. Is it in the rewards already?",
        difference=lambda self, *its: its[4] * Direct.difference(self, *its),
    ),
    divides_by_beta=mistake(
        "You divide by beta. Does a larger one hold the policy closer, or let it go?",
        difference=lambda self, *its: Direct.difference(self, *its) / its[4] ** 2,
    ),
    takes_another_beta=mistake("Without a beta you take another one. Which is asked for?", usual=1.0),
    lets_the_reference_learn=mistake(
        "A gradient goes into the reference. Who is to move?", fixed=lambda self, reference: reference
    ),
    takes_ratios=mistake(
        "You take ratios where their logarithms are asked for. How large can a ratio of whole replies become?",
        reward=lambda self, policy, reference: (policy - reference).exp(),
    ),
    forgets_the_sigmoid=mistake(
        "Your loss is a straight line. Where is the σ, and what does it do once a pair is learned?",
        surprise=lambda self, difference: -difference,
    ),
    runs_out_of_digits=mistake(
        "Large differences give infinities or NaN. Which function gives log σ in one go?",
        surprise=lambda self, difference: -torch.log(torch.sigmoid(difference)),
    ),
    turns_the_sign=mistake(
        "Your loss is negative. Is a surprise ever?", surprise=lambda self, difference: F.logsigmoid(difference)
    ),
    adds_up=mistake(
        "Your loss grows with the number of comparisons. By what do you divide the sum?",
        mean=lambda self, surprises: surprises.sum(),
    ),
    takes_the_mean_too_early=mistake(
        "You take the mean of the differences. Of what is the loss the mean?",
        difference=lambda self, *its: Direct.difference(self, *its).mean(),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?", mean=lambda self, its: 0.0 * its.sum()
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, surprises: surprises.detach().mean(),
    ),
)
