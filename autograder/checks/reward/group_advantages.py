"""`group_advantages`: better than the group's mean, by its own spread; where all are equal, nothing."""

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal

exercise = Exercise("group_advantages")


class Advantages:
    """Advantages with their parts to override, so that one of them can be wrong."""

    fewest = 2

    def __call__(self, rewards, eps=1e-6):
        if rewards.size(-1) < self.fewest:
            raise ValueError("a group of one")
        return self.divide(self.centre(rewards), self.spread(rewards), eps)

    def centre(self, rewards):
        return rewards - rewards.mean(dim=-1, keepdim=True)

    def spread(self, rewards):
        return rewards.std(dim=-1, correction=0, keepdim=True)

    def divide(self, centred, spread, eps):
        return centred / (spread + eps)


@exercise.check(points=0.25)
def better_than_the_group(group_advantages, rng):
    """In each group the mean is taken off, and what is left is divided by the group's own standard deviation."""
    groups = normal(rng, 3, 4) * torch.tensor([[0.1], [1.0], [10.0]]) + torch.tensor([[5.0], [0.0], [-20.0]])
    return {"3 groups of 4": group_advantages(groups), "rewards of 0 and 1": group_advantages((groups > 0).float())}


@exercise.check(points=0.25)
def all_equal_teaches_nothing(group_advantages, rng):
    """Where all rewards of a group are equal its advantages are zero, beside groups in which they are not."""
    groups = normal(rng, 3, 5)
    groups[1] = 0.75
    return {"one of three groups": group_advantages(groups), "zeros": group_advantages(torch.zeros(2, 4))}


@exercise.check(points=0.25, rtol=1e-5)
def the_spread_of_all_members(group_advantages, rng):
    """The spread is that of all members of the group, not of one fewer, and eps is added to it."""
    groups = normal(rng, 4, 2)
    return {"groups of 2": group_advantages(groups), "eps=0.5": group_advantages(groups, eps=0.5)}


@exercise.check(points=0.25)
def a_group_of_one_is_refused(group_advantages, rng):
    """One reply alone is better than nobody: a ValueError. Two are a group."""
    return {f"groups of {n}": ending(lambda: group_advantages(normal(rng, 3, n))) for n in (1, 2)}


mistakes(
    exercise,
    Advantages,
    takes_the_mean_of_all=mistake(
        "You compare each reply with those to other prompts. What is its group?",
        centre=lambda self, rewards: rewards - rewards.mean(),
    ),
    takes_the_spread_of_all=mistake(
        "You divide by the spread of all groups together. Whose spread is asked for?",
        spread=lambda self, rewards: rewards.std(correction=0),
    ),
    compares_across_groups=mistake(
        "You take mean and spread down the columns. Along which dimension do the members of a group stand?",
        centre=lambda self, rewards: rewards - rewards.mean(dim=0, keepdim=True),
        spread=lambda self, rewards: rewards.std(dim=0, correction=0, keepdim=True),
    ),
    takes_one_fewer=mistake(
        "Your spread divides by one member fewer, as PyTorch does if you do not say otherwise. What is `correction`?",
        spread=lambda self, rewards: rewards.std(dim=-1, keepdim=True),
    ),
    divides_by_the_variance=mistake(
        "You divide by the variance. In which unit are advantages then?",
        spread=lambda self, rewards: rewards.var(dim=-1, correction=0, keepdim=True),
    ),
    does_not_divide=mistake(
        "Your advantages grow with the rewards. What are they divided by?",
        divide=lambda self, centred, spread, eps: centred,
    ),
    does_not_centre=mistake(
        "Your advantages do not add up to zero in a group. What is taken off first?",
        centre=lambda self, rewards: rewards,
    ),
    forgets_eps=mistake(
        "Where all rewards are equal you give NaN. What is 0 / 0, and what is eps for?",
        divide=lambda self, centred, spread, eps: centred / spread,
    ),
    clamps_by_eps=mistake(
        "eps is not added to the spread. What is the difference where the spread is about as large?",
        divide=lambda self, centred, spread, eps: centred / spread.clamp(min=eps),
    ),
    turns_the_sign=mistake(
        "Your best replies have negative advantages. What is taken from what?",
        centre=lambda self, rewards: rewards.mean(dim=-1, keepdim=True) - rewards,
    ),
    takes_a_group_of_one=mistake("A group of one passes. What is it better than?", fewest=1),
)
