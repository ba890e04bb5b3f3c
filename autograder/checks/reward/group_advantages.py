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
        ahead = rewards - rewards[:, :1]
        return ahead - ahead.mean(dim=-1, keepdim=True)

    def spread(self, rewards):
        return rewards.std(dim=-1, correction=0, keepdim=True)

    def divide(self, centred, spread, eps):
        return centred / (spread + eps)


def of_groups_that_differ(self: Advantages, rewards: torch.Tensor, eps: float = 1e-6) -> torch.Tensor:
    return Advantages.__call__(self, rewards[(rewards != rewards[:, :1]).any(dim=-1)], eps)


def from_the_mean_of_squares(self: Advantages, rewards: torch.Tensor) -> torch.Tensor:
    square = rewards.square().mean(dim=-1, keepdim=True)
    return (square - rewards.mean(dim=-1, keepdim=True).square()).clamp(min=0.0).sqrt()


@exercise.promise("the reward less the group's mean", "takes_the_mean_of_all")
@exercise.promise("over its spread", "takes_the_spread_of_all")
@exercise.promise("The spread is the standard deviation over the group", "divides_by_the_variance")
@exercise.promise("a rare success is loud", "has_a_limit")
@exercise.promise("Rewards may be large and lie close together", "subtracts_squares")
@exercise.check(points=0.25)
def better_than_the_group(group_advantages, rng):
    """In each group the mean is taken off, and what is left is divided by the group's own standard deviation."""
    groups = torch.stack([torch.randperm(4, generator=rng) / 5, normal(rng, 4), 10 * normal(rng, 4)])
    groups += torch.tensor([[5.0], [0.0], [-20.0]])
    rare = torch.zeros(2, 20)
    rare[0, 7], rare[1] = 1.0, 1.0 - rare[0]
    quarters = torch.randint(-3, 4, (2, 8), generator=rng) / 4
    quarters[:, 0] = 1.0
    return {
        "3 groups of 4": group_advantages(groups),
        "rewards of 0 and 1": group_advantages((groups > 0).float()),
        "one of 20": group_advantages(rare),
        "one of 500": group_advantages(torch.eye(500)[:1]),
        "a thousand and some quarters": group_advantages(1000 + quarters),
        "ten thousand and some sixteenths": group_advantages(10_000 + quarters.div(4).abs()),
        "a billion and some quarters, in float64": group_advantages(1e9 + quarters.double()),
        "twelve thousand and some quarters, seven of them": group_advantages(12345.678 + quarters[:, :7]),
        "groups that lie far apart": group_advantages(quarters + torch.tensor([[0.0], [30_000.0]])),
        "a single group": group_advantages(groups[:1, :3]),
    }


@exercise.promise("where all rewards of a group are equal all its advantages are zero", "forgets_eps")
@exercise.promise("even where their mean would be rounded", "rounds_the_mean")
@exercise.promise("rewards (n_groups, group_size) -> the same", "leaves_out_equal_groups")
@exercise.check(points=0.25)
def all_equal_teaches_nothing(group_advantages, rng):
    """Where all rewards of a group are equal its advantages are zero, beside groups in which they are not."""
    groups = normal(rng, 3, 5)
    groups[1] = 0.75
    pairs = ((0.1, 7), (0.7, 8), (1000.1, 3), (12345.678, 3))
    beside = torch.stack([normal(rng, 3), torch.full((3,), 1000.1), torch.full((3,), -3000.7)])
    return {
        "two of three, far from the first": group_advantages(beside),
        "one of three groups": group_advantages(groups),
        "zeros": group_advantages(torch.zeros(2, 4)),
    } | {f"{reward}, {n} times": group_advantages(torch.full((2, n), reward)) for reward, n in pairs}


@exercise.promise("of all its members (not one fewer)", "takes_one_fewer")
@exercise.promise("plus eps", "clamps_by_eps")
@exercise.promise("group_advantages(rewards, eps=1e-6)", "has_an_eps_of_its_own")
@exercise.check(points=0.25, rtol=1e-5)
def the_spread_of_all_members(group_advantages, rng):
    """The spread is that of all members of the group, not of one fewer, and eps is added to it."""
    groups = normal(rng, 4, 2)
    tiny = torch.tensor([[1.0, -1.0, 3.0, 1.0], [2.0, 0.0, 0.0, 2.0]]) * 2.0**-20
    return {
        "groups of 2, which are columns in memory": group_advantages(torch.tensor([[1.0, 3, 0], [0, 5, -1]]).mT),
        "groups of 2": group_advantages(groups),
        "eps=0.5": group_advantages(groups, eps=0.5),
        "rewards of about 1e-6": group_advantages(tiny),
    }


@exercise.promise("Raises ValueError for groups of one", "takes_a_group_of_one")
@exercise.check(points=0.25)
def a_group_of_one_is_refused(group_advantages, rng):
    """One reply alone is better than nobody: a ValueError. Two are a group."""
    return {
        f"{n} group(s) of {size}": ending(lambda: group_advantages(normal(rng, n, size)))
        for n, size in ((3, 1), (1, 1), (3, 2), (1, 2))
    }


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
    puts_eps_under_the_root=mistake(
        "eps stands under the root. To what is it added?",
        divide=lambda self, centred, spread, eps: centred / (spread.square() + eps).sqrt(),
    ),
    has_an_eps_of_its_own=mistake(
        "The argument eps changes nothing. Which eps do you add?",
        divide=lambda self, centred, spread, eps: centred / (spread + 1e-6),
    ),
    has_a_limit=mistake(
        "A rare success is not as loud as it should be. How large can an advantage become in a group of 20?",
        divide=lambda self, centred, spread, eps: (centred / (spread + eps)).clamp(-3.0, 3.0),
    ),
    leaves_out_equal_groups=mistake(
        "Groups of equal rewards are missing. Which shape has the result?", __call__=of_groups_that_differ
    ),
    subtracts_squares=mistake(
        "Large rewards that lie close together have a wrong spread. How many digits are left of the difference of two "
        "large squares?",
        spread=from_the_mean_of_squares,
    ),
    turns_the_sign=mistake(
        "Your best replies have negative advantages. What is taken from what?",
        centre=lambda self, rewards: -Advantages.centre(self, rewards),
    ),
    rounds_the_mean=mistake(
        "Some groups of equal rewards, such as seven of 0.1, get advantages that are not zero: their mean is rounded. "
        "What could you take off all of a group first, so that equal rewards become zeros?",
        centre=lambda self, rewards: rewards - rewards.mean(dim=-1, keepdim=True),
    ),
    narrows=mistake(
        "Rewards in float64 lose their last digits. What becomes of a billion and a quarter in float32?",
        __call__=lambda self, rewards, eps=1e-6: Advantages.__call__(self, rewards.float(), eps),
    ),
    takes_a_group_of_one=mistake("A group of one passes. What is it better than?", fewest=1),
)

exercise.aside("which is above 0", "It says which eps is not asked for.")
exercise.aside("and it teaches nothing", "It follows from advantages of zero.")
exercise.edges(
    empty="A group of none is not asked for.",
    one="a_group_of_one_is_refused",
    equal="all_equal_teaches_nothing",
    zero="all_equal_teaches_nothing",
    ties="better_than_the_group",
    large="better_than_the_group",
    small="the_spread_of_all_members",
    limit="a_group_of_one_is_refused",
    shapes="better_than_the_group",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="Advantages are numbers; nobody learns through them.",
)
