"""`kl_penalty`: three estimates, the third where none is named, on average the distance, a gradient."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, gradients, mistake, mistakes
from autograder.checks.reward.shared import log_probabilities

exercise = Exercise("kl_penalty")


def far_apart(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Log-probabilities of policy and reference, the first far apart, certain, or the same, the last far below zero."""
    policy, reference = log_probabilities(rng, 4, 6), log_probabilities(rng, 4, 6)
    policy[0] = torch.tensor([-0.5, -12.0, 0.0, -2.0, -1.0, -0.25])
    reference[0] = torch.tensor([-12.0, -0.5, -2.0, 0.0, -1.0, -0.25])
    policy[3, :2], reference[3, :2] = torch.tensor([-0.5, -40.0]), torch.tensor([-800.0, -1.0])
    policy[3, 2:5] -= torch.tensor([150.0, 90.0, 800.0])
    reference[3, 2:5] -= torch.tensor([150.0, 90.0, 800.0])
    return policy, reference


class Distance:
    """The estimates with their parts to override, so that one of them can be wrong."""

    usual = "k3"

    def __call__(self, logprobs, reference, estimator=None):
        log_r = self.log_ratio(logprobs, reference)
        return self.shape(self.way(self.usual if estimator is None else estimator)(log_r))

    def way(self, estimator):
        return {"k1": self.first, "k2": self.second, "k3": self.third}.get(estimator, self.other)

    def shape(self, estimates):
        return estimates

    def log_ratio(self, logprobs, reference):
        return reference - logprobs

    def first(self, log_r):
        return -log_r

    def second(self, log_r):
        return log_r.square() / 2

    def third(self, log_r):
        return log_r.exp() - 1 - log_r

    def other(self, log_r):
        raise ValueError("no such estimator")


@exercise.promise("At each token, an estimate", "gives_the_mean_of_a_reply")
@exercise.promise("KL(policy || reference)", "turns_the_ratio_round")
@exercise.promise("With r = p_reference / p_policy", "takes_the_ratio_for_its_logarithm")
@exercise.promise("Log-probabilities may lie hundreds below zero", "divides_probabilities")
@exercise.promise('"k1" is -log r', "turns_the_first")
@exercise.promise("of either sign", "takes_the_size_of_the_first")
@exercise.promise('"k2" is (log r)² / 2', "forgets_the_half")
@exercise.promise("never negative and biased", "turns_the_second")
@exercise.promise('"k3" is r - 1 - log r', "forgets_the_one")
@exercise.promise("(B, T) -> (B, T)", "adds_up_over_the_reply")
@exercise.promise("of the token that the policy drew", "takes_zeros_for_padding")
@exercise.check(points=0.25)
def three_estimates(kl_penalty, rng):
    """With r = p_reference / p_policy: k1 = -log r, k2 = (log r)² / 2, k3 = r - 1 - log r, at each token."""
    policy, reference = far_apart(rng)
    names = [f"k{i}" for i in range(1, 4)]  # equal to the literals, and not the same objects
    return {name: kl_penalty(policy, reference, name) for name in names} | {
        "every other token, k1": kl_penalty(policy[:, ::2], reference[:, ::2], "k1"),
        "a single token, k2": kl_penalty(policy[1:2, :1], reference[1:2, :1], "k2"),
    }


@exercise.promise("k3 where none is named", "takes_the_first_where_none_is_named")
@exercise.promise("Raises ValueError for another estimator", "takes_any_name")
@exercise.promise("raises ValueError for another estimator, to the letter", "takes_any_spelling")
@exercise.check(points=0.25)
def the_third_is_the_one_that_is_meant(kl_penalty, rng):
    """Where no estimator is named it is k3; another name, and another spelling, is a ValueError."""
    policy, reference = log_probabilities(rng, 3, 4), log_probabilities(rng, 3, 4)
    names = ("k4", "", "K1", "k", "k3 ", "k33", "3", "kl", "k1")
    return {
        "none named": kl_penalty(policy, reference),
        **{repr(name): ending(lambda: kl_penalty(policy, reference, name)) for name in names},
    }


@exercise.promise("never negative but for rounding", "adds_the_logarithm")
@exercise.promise("and unbiased", "forgets_the_logarithm")
@exercise.check(points=0.25)
def on_average_the_distance(kl_penalty, rng):
    """Weighed by the policy's own probabilities, k1 and k3 add up to the exact distance, and no k3 is below zero."""
    policy, reference = (torch.log_softmax(2 * torch.rand(1, 6, generator=rng), dim=-1) for _ in range(2))
    seen = {name: (policy.exp() * kl_penalty(policy, reference, name)).sum() for name in ("k1", "k2", "k3")}
    return seen | {"below zero": bool((kl_penalty(policy, reference, "k3") < -1e-6).any())}


@exercise.promise("Gradients reach the policy", "holds_nothing_back")
@exercise.check(points=0.25)
def the_policy_is_held_back(kl_penalty, rng):
    """The gradient of each estimate reaches the policy's log-probabilities."""
    (policy, reference), seen = far_apart(rng), {}
    for name in ("k1", "k2", "k3"):
        leaf = policy.clone().requires_grad_()
        seen |= gradients(kl_penalty(leaf, reference, name), {name: leaf}, rng)
    return seen


def without_case(self: Distance, estimator: str):
    return Distance.way(self, estimator.strip().lower())


def zero_at_zeros(self: Distance, logprobs: Tensor, reference: Tensor) -> Tensor:
    return torch.where(logprobs == 0, 0.0, reference - logprobs)


mistakes(
    exercise,
    Distance,
    turns_the_ratio_round=mistake(
        "Your distance is that from the reference to the policy. Which of the two drew the tokens, and what is above?",
        log_ratio=lambda self, logprobs, reference: logprobs - reference,
    ),
    takes_the_ratio_for_its_logarithm=mistake(
        "You take r where log r is asked for. What is the difference of two log-probabilities?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).exp(),
    ),
    mixes_up_the_second_and_the_third=mistake(
        "k2 and k3 are mixed up. Which of them is a square?",
        second=lambda self, log_r: Distance().third(log_r),
        third=lambda self, log_r: Distance().second(log_r),
    ),
    divides_probabilities=mistake(
        "Very unlikely tokens give NaN or infinity: both probabilities are 0 in float32. How do you get log r without "
        "them?",
        log_ratio=lambda self, logprobs, reference: (reference.exp() / logprobs.exp()).log(),
    ),
    forgets_the_half=mistake(
        "Your k2 is twice as large. What stands in front of the square?", second=lambda self, log_r: log_r.square()
    ),
    forgets_the_one=mistake(
        "Your k3 is 1 where the two models agree. What is r there?", third=lambda self, log_r: log_r.exp() - log_r
    ),
    adds_the_logarithm=mistake(
        "Your k3 falls below zero. With which sign does log r stand in it?",
        third=lambda self, log_r: log_r.exp() - 1 + log_r,
    ),
    forgets_the_logarithm=mistake(
        "Your k3 is r - 1, which is zero on average. What is missing?", third=lambda self, log_r: log_r.exp() - 1
    ),
    turns_the_first=mistake(
        "Your k1 is negative where the policy is surer than the reference. Which sign has it?",
        first=lambda self, log_r: log_r,
    ),
    takes_the_size_of_the_first=mistake(
        "Your k1 is never negative. Is it still right on average?", first=lambda self, log_r: log_r.abs()
    ),
    takes_the_first_where_none_is_named=mistake("Without a name you give k1. Which one is meant?", usual="k1"),
    takes_any_name=mistake(
        "A name that there is not gives a number. Who will notice?", other=lambda self, log_r: Distance().third(log_r)
    ),
    takes_any_spelling=mistake(
        "A name in another spelling passes. Which three names are there, to the letter?", way=without_case
    ),
    raises_another_error=mistake(
        "A name that there is not ends in another error. Which one is asked for?",
        way=lambda self, estimator: {"k1": self.first, "k2": self.second, "k3": self.third}[estimator],
    ),
    turns_the_second=mistake(
        "Your k2 is negative. Can half a square be?", second=lambda self, log_r: -log_r.square() / 2
    ),
    bounds_the_ratio=mistake(
        "Where the two models are far apart your estimate no longer grows. How large may log r be?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).clamp(-5.0, 5.0),
    ),
    bounds_the_ratio_of_the_third=mistake(
        "Where the two models are far apart your k3 no longer grows. How large may log r be?",
        third=lambda self, log_r: Distance().third(log_r.clamp(-5.0, 5.0)),
    ),
    takes_zeros_for_padding=mistake(
        "Where the policy is certain of a token your distance is 0. What does a log-probability of 0 say?",
        log_ratio=zero_at_zeros,
    ),
    adds_up_over_the_reply=mistake(
        "You give one number for a reply. For how many tokens is an estimate asked?",
        shape=lambda self, estimates: estimates.sum(dim=-1),
    ),
    gives_the_mean_of_a_reply=mistake(
        "Each token gets the mean of its reply. Of what is it to be an estimate?",
        shape=lambda self, estimates: estimates.mean(dim=-1, keepdim=True).expand_as(estimates),
    ),
    holds_the_ratio_fixed=mistake(
        "In your k3 the ratio has no gradient. What is the slope of k3 where the two models agree?",
        third=lambda self, log_r: log_r.detach().exp() - 1 - log_r,
    ),
    holds_nothing_back=mistake(
        "Your estimates have no gradient. What would the penalty hold back?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).detach(),
    ),
)


@exercise.given
def distance_by_library(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    """The estimates, for the exercise that needs one."""
    return Distance()(logprobs, reference, estimator)


exercise.aside("unbiased and", "The average of k1 is asked for together with that of k3.")
exercise.edges(
    empty="No token has no distance.",
    one="three_estimates",
    equal="three_estimates",
    zero="three_estimates",
    ties="No two are compared.",
    large="three_estimates",
    small="three_estimates",
    limit="the_third_is_the_one_that_is_meant",
    shapes="three_estimates",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="The text does not say whether the reference learns; the exercise that must not let it says so.",
)
