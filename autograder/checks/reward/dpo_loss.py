"""`dpo_loss`: preferred for having become likelier, a reference that learns nothing, exact far out."""

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, mistake, mistakes
from autograder.checks.reward.shared import learned, log_probabilities

exercise = Exercise("dpo_loss")

WHOLE = ("chosen", "rejected", "reference_chosen", "reference_rejected")


def four(rng: torch.Generator, n: int = 6) -> dict[str, Tensor]:
    """Log-probabilities of whole replies, of both kinds, under policy and reference, up to 8 nats apart.

    In every other pair the chosen reply is the likelier one already.
    """
    both, at = 4 * log_probabilities(rng, 2, n).sort(dim=0).values - 8, torch.arange(n)
    its = {"chosen": both[(at + 1) % 2, at], "rejected": both[at % 2, at]}
    return its | {f"reference_{name}": policy + 8 - 16 * torch.rand(n, generator=rng) for name, policy in its.items()}


class Direct:
    """DPO with its parts to override, so that one of them can be wrong."""

    usual = 0.1

    def __call__(self, chosen, rejected, reference_chosen, reference_rejected, beta=None):
        beta = self.beta(self.usual if beta is None else beta)
        its = self.among(chosen, rejected, *self.fixed(reference_chosen, reference_rejected))
        return self.mean(self.surprise(self.difference(*its, beta)), beta)

    def beta(self, beta):
        return beta

    def fixed(self, chosen, rejected):
        return chosen.detach(), rejected.detach()

    def among(self, *its):
        return its

    def difference(self, chosen, rejected, reference_chosen, reference_rejected, beta):
        return beta * (self.reward(chosen, reference_chosen) - self.reward(rejected, reference_rejected))

    def reward(self, policy, reference):
        return policy - reference

    def surprise(self, difference):
        return -F.logsigmoid(difference)

    def mean(self, surprises, beta):
        return surprises.mean()


def by_way_of_probabilities(self: Direct, difference: Tensor) -> Tensor:
    probability = torch.sigmoid(difference)
    return F.binary_cross_entropy(probability, torch.ones_like(probability), reduction="none")


def those_that_are_not_right_yet(self: Direct, *its: Tensor) -> tuple[Tensor, ...]:
    still = its[0] <= its[1]
    return tuple(each[still] for each in its) if still.any() else its


@exercise.promise("Bradley-Terry", "forgets_the_sigmoid")
@exercise.promise("the reward of a reply is beta times", "leaves_out_beta")
@exercise.promise("how much likelier it has become than for the reference", "leaves_out_the_reference")
@exercise.promise("log-probabilities of whole replies -> ()", "keeps_a_dimension")
@exercise.promise("That the rejected one is still the likelier of the two does not matter", "leaves_out_what_is_right")
@exercise.check(points=0.25)
def preferred_for_having_become_likelier(dpo_loss, rng):
    """The loss is Bradley and Terry's, of beta times how much likelier each reply is than for the reference."""
    its = four(rng)
    its["reference_chosen"][2], its["reference_rejected"][4] = its["chosen"][2], its["rejected"][4]  # unmoved
    unmoved = {key: values.clone() for key, values in its.items()}
    for name in WHOLE[:2]:
        unmoved[f"reference_{name}"][1:3] = unmoved[name][1:3]
    cases = {
        "6 pairs": its,
        "two of 6 that have not moved": unmoved,
        "a single pair": {key: values[3:4] for key, values in its.items()},
    }
    return {
        f"beta={beta}, {words}": learned(
            lambda **leaves: dpo_loss(**leaves, **{key: some[key] for key in WHOLE[2:]}, beta=beta),
            **{key: some[key] for key in WHOLE[:2]},
        )
        for beta in (0.1, 0.5)
        for words, some in cases.items()
    }


@exercise.promise("beta=0.1) -> loss ()", "takes_another_beta")
@exercise.promise("beta may be 0, as all rewards then are", "takes_the_usual_for_zero")
@exercise.check(points=0.25)
def beta_is_a_tenth(dpo_loss, rng):
    """Where beta is not given it is 0.1, and it may be 0; where the policy is the reference, the loss is log 2."""
    its = four(rng)
    same = [its["chosen"], its["rejected"], its["chosen"], its["rejected"]]
    return {
        "not given": dpo_loss(**its),
        "0.1": dpo_loss(**its, beta=0.1),
        "columns of a table": dpo_loss(**{name: apart(values) for name, values in its.items()}),
        "no move": dpo_loss(*same, beta=3.0),
        "beta=0": learned(lambda chosen: dpo_loss(**its | {"chosen": chosen}, beta=0.0), chosen=its["chosen"]),
    }


@exercise.promise("Both of the policy's replies learn", "holds_the_rejected_fixed")
@exercise.promise("the reference is a number, without a gradient", "lets_the_reference_learn")
@exercise.check(points=0.25)
def the_reference_learns_nothing(dpo_loss, rng):
    """No gradient goes into the reference; those of chosen and rejected are of the same size, and opposite."""
    its = four(rng)
    same = its | {f"reference_{name}": its[name] for name in WHOLE[:2]}
    return learned(dpo_loss, **its) | {"before the first step": learned(dpo_loss, **same)}


@exercise.promise("Loss and gradient are finite where replies have moved by thousands of nats", "runs_out_of_digits")
@exercise.promise("the loss stays finite, as in exercise 3", "costs_a_hundred_at_most")
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
    turns_the_reference_round=mistake(
        "The reference stands there with the other sign, or beside the other reply. When has a reply become likelier?",
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
    takes_the_usual_for_zero=mistake(
        "A beta of 0 becomes another one. What is `0.0 or 0.1` in Python?", beta=lambda self, beta: beta or 0.1
    ),
    puts_beta_in_front=mistake(
        "beta stands in front of the loss. What does it multiply?",
        difference=lambda self, *its: Direct.difference(self, *its[:4], 1.0),
        mean=lambda self, surprises, beta: beta * surprises.mean(),
    ),
    bounds_the_rewards=mistake(
        "A reply that has moved far has no more reward. How far may a whole reply move?",
        reward=lambda self, policy, reference: (policy - reference).clamp(-10.0, 10.0),
    ),
    leaves_out_what_is_right=mistake(
        "Pairs whose chosen reply is the likelier one are left out. Likelier than what should it become?",
        among=those_that_are_not_right_yet,
    ),
    holds_the_rejected_fixed=mistake(
        "No gradient goes into the rejected reply. What pushes it down?",
        difference=lambda self, chosen, rejected, *its: Direct.difference(self, chosen, rejected.detach(), *its),
    ),
    holds_the_chosen_fixed=mistake(
        "No gradient goes into the chosen reply. What pulls it up?",
        difference=lambda self, chosen, *its: Direct.difference(self, chosen.detach(), *its),
    ),
    lets_the_reference_of_the_rejected_learn=mistake(
        "A gradient goes into the reference of the rejected reply. Is it a number here?",
        fixed=lambda self, chosen, rejected: (chosen.detach(), rejected),
    ),
    lets_the_reference_of_the_chosen_learn=mistake(
        "A gradient goes into the reference of the chosen reply. Is it a number here?",
        fixed=lambda self, chosen, rejected: (chosen, rejected.detach()),
    ),
    costs_a_hundred_at_most=mistake(
        "No pair costs more than 100. What is the surprise at a difference of -300?", surprise=by_way_of_probabilities
    ),
    keeps_a_dimension=mistake(
        "Your loss has a dimension left. Of which shape is a mean?",
        mean=lambda self, surprises, beta: surprises.mean(dim=-1, keepdim=True),
    ),
    lets_the_reference_learn=mistake(
        "A gradient goes into the reference. Who is to move?", fixed=lambda self, *references: references
    ),
    takes_ratios=mistake(
        "You take ratios where their logarithms are asked for. How large can a ratio of whole replies become?",
        reward=lambda self, policy, reference: (policy - reference).exp(),
    ),
    has_a_kink_at_zero=mistake(
        "Where the policy is still the reference your loss has no gradient. Which slope has -log σ at 0?",
        surprise=lambda self, difference: F.relu(-difference) + torch.log1p(torch.exp(-difference.abs())),
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
        mean=lambda self, surprises, beta: surprises.sum(),
    ),
    takes_the_mean_too_early=mistake(
        "You take the mean of the differences. Of what is the loss the mean?",
        difference=lambda self, *its: Direct.difference(self, *its).mean(),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?",
        mean=lambda self, its, beta: 0.0 * its.sum(),
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, surprises, beta: surprises.detach().mean(),
    ),
)

exercise.edges(
    empty="A mean of no pair is not asked for.",
    one="preferred_for_having_become_likelier",
    equal="beta_is_a_tenth",
    zero="beta_is_a_tenth",
    ties="beta_is_a_tenth",
    large="exact_where_replies_have_moved_far",
    small="exact_where_replies_have_moved_far",
    limit="There is no limit.",
    shapes="preferred_for_having_become_likelier",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="the_reference_learns_nothing",
)
