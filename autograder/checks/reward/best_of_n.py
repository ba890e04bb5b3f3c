"""`best_of_n`: the reply with the highest reward, of equals the first, from numbers that agree."""

from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal

exercise = Exercise("best_of_n")


def texts(rng: torch.Generator, B: int, n: int) -> list[list[str]]:
    """Replies that are all different."""
    numbers = torch.randperm(1000, generator=rng)[: B * n].view(B, n).tolist()
    return [[f"reply {number}" for number in row] for row in numbers]


class Best:
    """Best-of-n with its parts to override, so that one of them can be wrong."""

    def __call__(self, replies: Sequence[Sequence[str]], rewards: Tensor):
        self.agree(replies, rewards)
        return [self.keep(its, row) for its, row in zip(replies, rewards)]

    def agree(self, replies, rewards):
        if [len(its) for its in replies] != [rewards.size(1)] * rewards.size(0):
            raise ValueError("numbers")

    def keep(self, its, row):
        return its[int(row.argmax())]


def of_the_whole_batch(self: Best, replies, rewards):
    self.agree(replies, rewards)
    at = int(rewards.max(dim=0).values.argmax())
    return [its[at] for its in replies]


def one_for_all(self: Best, replies, rewards):
    self.agree(replies, rewards)
    row, at = divmod(int(rewards.argmax()), rewards.size(1))
    return [replies[row][at]] * len(replies)


def prompts_alone(self: Best, replies, rewards):
    if len(replies) != len(rewards):
        raise ValueError("prompts")


@exercise.check(points=0.25)
def the_one_with_the_highest_reward(best_of_n, rng):
    """Of the replies to each prompt the one with the highest reward, whatever those to other prompts earned."""
    level = torch.tensor([[0.0], [100.0], [-100.0], [3.0]])
    return {
        "4 prompts, 5 replies": best_of_n(texts(rng, 4, 5), normal(rng, 4, 5) + level),
        "rewards below zero": best_of_n(texts(rng, 4, 3), -3 - torch.rand(4, 3, generator=rng)),
        "a single reply to each": best_of_n(texts(rng, 3, 1), normal(rng, 3, 1)),
    }


@exercise.check(points=0.25)
def the_first_of_equals(best_of_n, rng):
    """Where several replies earn the same, the first of them is kept."""
    equal = torch.tensor([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 2.0, 2.0]])
    return best_of_n(texts(rng, 3, 4), equal)


@exercise.check(points=0.25)
def numbers_that_agree(best_of_n, rng):
    """Rewards that do not fit the replies, in prompts or in replies to one of them, are a ValueError."""
    replies = texts(rng, 3, 4)
    shapes = ((3, 4), (2, 4), (4, 4), (3, 3), (3, 5))
    seen = {f"rewards {shape}": ending(lambda: best_of_n(replies, torch.zeros(shape))) for shape in shapes}
    return seen | {"one reply fewer": ending(lambda: best_of_n([*replies[:2], replies[2][:3]], torch.zeros(3, 4)))}


mistakes(
    exercise,
    Best,
    keeps_the_worst=mistake(
        "You keep the worst. Is a high reward good?", keep=lambda self, its, row: its[int(row.argmin())]
    ),
    keeps_the_first=mistake(
        "You keep the first of each. Where do you use the rewards?", keep=lambda self, its, row: its[0]
    ),
    keeps_the_last_of_equals=mistake(
        "Of equals you keep the last. Which one is asked for?",
        keep=lambda self, its, row: its[len(row) - 1 - int(row.flip(0).argmax())],
    ),
    keeps_the_largest_size=mistake(
        "You keep the reward that is farthest from zero. Is -5 better than 1?",
        keep=lambda self, its, row: its[int(row.abs().argmax())],
    ),
    takes_one_place_for_all=mistake(
        "You keep the same place for all prompts. Along which dimension do the replies to one prompt stand?",
        __call__=of_the_whole_batch,
    ),
    keeps_one_for_all=mistake(
        "All prompts get the same reply, the best of the whole batch. Among which replies is each to be sought?",
        __call__=one_for_all,
    ),
    gives_places=mistake("You give places. Who is to read them?", keep=lambda self, its, row: int(row.argmax())),
    takes_what_does_not_fit=mistake(
        "Rewards that do not fit the replies pass. What does `zip` do with what is left over?",
        agree=lambda self, replies, rewards: None,
    ),
    looks_at_the_prompts_alone=mistake(
        "You compare the number of prompts only. How many replies has each, and how many rewards?", agree=prompts_alone
    ),
)
