"""`kl_penalty`: three estimates, the third where none is named, on average the distance, a gradient."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal
from autograder.checks.reward.shared import learned, log_probabilities

exercise = Exercise("kl_penalty")


class Distance:
    """The estimates with their parts to override, so that one of them can be wrong."""

    usual = "k3"

    def __call__(self, logprobs, reference, estimator=None):
        log_r = self.log_ratio(logprobs, reference)
        ways = {"k1": self.first, "k2": self.second, "k3": self.third}
        return ways.get(estimator or self.usual if estimator != "" else "", self.other)(log_r)

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


@exercise.check(points=0.25)
def three_estimates(kl_penalty, rng):
    """With r = p_reference / p_policy: k1 = -log r, k2 = (log r)² / 2, k3 = r - 1 - log r, at each token."""
    policy, reference = log_probabilities(rng, 4, 6), log_probabilities(rng, 4, 6)
    names = [f"k{i}" for i in range(1, 4)]  # equal to the literals, and not the same objects
    return {name: kl_penalty(policy, reference, name) for name in names}


@exercise.check(points=0.25)
def the_third_is_the_one_that_is_meant(kl_penalty, rng):
    """Where no estimator is named it is k3; another name is a ValueError."""
    policy, reference = log_probabilities(rng, 3, 4), log_probabilities(rng, 3, 4)
    names = ("k4", "", "K1", "k1")
    return {
        "none named": kl_penalty(policy, reference),
        **{repr(name): ending(lambda: kl_penalty(policy, reference, name)) for name in names},
    }


@exercise.check(points=0.25)
def on_average_the_distance(kl_penalty, rng):
    """Weighed by the policy's own probabilities, k1 and k3 add up to the exact distance, and no k3 is below zero."""
    policy, reference = (torch.log_softmax(2 * normal(rng, 6), dim=-1).unsqueeze(0) for _ in range(2))
    seen = {name: (policy.exp() * kl_penalty(policy, reference, name)).sum() for name in ("k1", "k2", "k3")}
    return seen | {"below zero": bool((kl_penalty(policy, reference, "k3") < -1e-6).any())}


@exercise.check(points=0.25)
def the_policy_is_held_back(kl_penalty, rng):
    """The gradient of each estimate reaches the policy's log-probabilities."""
    policy, reference, weights = log_probabilities(rng, 4, 6), log_probabilities(rng, 4, 6), normal(rng, 4, 6)
    return {
        name: learned(lambda logprobs: (weights * kl_penalty(logprobs, reference, name)).sum(), logprobs=policy)
        for name in ("k1", "k2", "k3")
    }


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
    holds_nothing_back=mistake(
        "Your estimates have no gradient. What would the penalty hold back?",
        log_ratio=lambda self, logprobs, reference: (reference - logprobs).detach(),
    ),
)


@exercise.given
def distance_by_library(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    """The estimates, for the exercise that needs one."""
    return Distance()(logprobs, reference, estimator)
