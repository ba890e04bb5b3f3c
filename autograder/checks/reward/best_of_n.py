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


def the_product_alone(self: Best, replies, rewards):
    if len({len(its) for its in replies}) > 1 or len(replies) * len(replies[0]) != rewards.numel():
        raise ValueError("numbers")


def of_rewards_in_shape(self: Best, replies, rewards):
    the_product_alone(self, replies, rewards)
    return [self.keep(its, row) for its, row in zip(replies, rewards.reshape(len(replies), -1))]


def the_first_list_alone(self: Best, replies, rewards):
    if tuple(rewards.shape) != (len(replies), len(replies[0])):
        raise ValueError("numbers")


def asserted(self: Best, replies, rewards):
    try:
        Best.agree(self, replies, rewards)
    except ValueError:
        raise AssertionError from None


def higher_than_zero(self: Best, its, row):
    kept, highest = its[0], 0.0
    for text, reward in zip(its, row.tolist()):
        if reward > highest:
            kept, highest = text, reward
    return kept


def spoken(self: Best, its, row):
    places = [place for place, text in enumerate(its) if text] or range(len(its))
    return its[max(places, key=row.tolist().__getitem__)]


@exercise.promise("Of the n replies to each prompt", "keeps_one_for_all")
@exercise.promise("the one with the highest reward", "keeps_the_worst")
@exercise.promise("One that is higher by little is higher", "rounds")
@exercise.promise("in float64 too", "narrows")
@exercise.promise("A reply is given as it is", "strips")
@exercise.promise("it may be empty", "passes_over_silence")
@exercise.promise("the same text may be there twice", "gives_a_text_one_reward")
@exercise.promise("-> B replies", "gives_places")
@exercise.check(points=0.25)
def the_one_with_the_highest_reward(best_of_n, rng):
    """Of the replies to each prompt the one with the highest reward, whatever those to other prompts earned."""
    level = torch.tensor([[0.0], [100.0], [-100.0], [3.0]])
    close = 1 + torch.tensor([[0.0, 2e-3, 1e-3], [1e-6, 0.0, 2e-6]])
    twice = [["a", "b", "a", "c"], ["c", "a", "b", "a"]]
    return {
        "4 prompts, 5 replies": best_of_n(texts(rng, 4, 5), normal(rng, 4, 5) + level),
        "rewards below zero": best_of_n(texts(rng, 4, 3), -3 - torch.rand(4, 3, generator=rng)),
        "a single reply to each": best_of_n(texts(rng, 3, 1), normal(rng, 3, 1)),
        "a single prompt": best_of_n(texts(rng, 1, 6), normal(rng, 1, 6)),
        "nearly equal": best_of_n(texts(rng, 2, 3), close),
        "an empty reply": best_of_n([["a", "", "b"]], torch.tensor([[0.1, 0.9, 0.5]])),
        "a reply with spaces around it": best_of_n([["a", " The b.\n"]], torch.tensor([[0.1, 0.9]])),
        "one of two alike": best_of_n(twice, torch.tensor([[0.9, 0.5, 0.1, 0.2], [0.2, 0.1, 0.5, 0.9]])),
        "far below zero": best_of_n(texts(rng, 1, 3), torch.tensor([[-4e30, -2e30, -3e30]])),
        "nearly equal in float64": best_of_n(texts(rng, 2, 3), close.double() / 1e6 + 1),
    }


@exercise.promise("the first of equals", "keeps_the_last_of_equals")
@exercise.check(points=0.25)
def the_first_of_equals(best_of_n, rng):
    """Where several replies earn the same, the first of them is kept."""
    equal = torch.tensor([[1.0, 3.0, 3.0, 2.0], [0.0, 0.0, 0.0, 0.0], [2.0, 1.0, 2.0, 2.0]])
    return {
        "any texts": best_of_n(texts(rng, 3, 4), equal),
        "in the alphabet's order": best_of_n([["a", "b", "c", "d"]] * 3, equal),
        "in the other order": best_of_n([["ddd", "cc", "bb", "a"]] * 3, equal),
        "all of 40": best_of_n(texts(rng, 3, 40), torch.ones(3, 40)),
        "half of 60": best_of_n(texts(rng, 2, 60), (torch.arange(60) % 2).float().expand(2, 60)),
        "the shortest first": best_of_n([["a", "bb", "ccc", "dddd"]] * 3, equal),
    }


@exercise.promise("Raises ValueError where the numbers of prompts do not agree", "takes_what_does_not_fit")
@exercise.promise("replies, B lists of n", "looks_at_the_first_list_alone")
@exercise.promise("or those of the replies to any of them", "looks_at_the_prompts_alone")
@exercise.promise("rewards (B, n)", "takes_rewards_in_any_shape")
@exercise.promise("raises ValueError where the numbers of prompts do not agree", "raises_another_error")
@exercise.check(points=0.25)
def numbers_that_agree(best_of_n, rng):
    """Rewards that do not fit the replies, in prompts or in replies to one of them, are a ValueError."""
    replies = texts(rng, 3, 4)
    shapes = ((3, 4), (4, 3), (2, 6), (12, 1), (2, 4), (4, 4), (3, 3), (3, 5), (1, 4), (3, 1))
    seen = {f"rewards {shape}": ending(lambda: best_of_n(replies, torch.zeros(shape))) for shape in shapes}
    for fewer in range(3):
        uneven = [its[1:] if i == fewer else its for i, its in enumerate(replies)]
        moved = [[*its, "one more"] if i == (fewer + 1) % 3 else its for i, its in enumerate(uneven)]
        seen[f"one fewer in row {fewer}"] = ending(lambda: best_of_n(uneven, torch.zeros(3, 4)))
        seen[f"one fewer in row {fewer}, and one more in another"] = ending(lambda: best_of_n(moved, torch.zeros(3, 4)))
    return seen | {"three rewards for two": ending(lambda: best_of_n(texts(rng, 3, 2), torch.zeros(2, 3)))}


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
    rounds=mistake(
        "You round. Which of two rewards is higher if they differ by little?",
        keep=lambda self, its, row: its[int(row.mul(100).round().argmax())],
    ),
    narrows=mistake(
        "Rewards in float64 lose their last digits. Which of two is higher if they differ in the tenth digit?",
        keep=lambda self, its, row: its[int(row.float().argmax())],
    ),
    keeps_nothing_below_zero=mistake(
        "Where all rewards are below zero you keep the first. Where does your search begin?", keep=higher_than_zero
    ),
    strips=mistake(
        "The spaces around a reply are gone. Whose text is it?",
        keep=lambda self, its, row: Best.keep(self, its, row).strip(),
    ),
    passes_over_silence=mistake("An empty reply is never kept. What did it earn?", keep=spoken),
    gives_a_text_one_reward=mistake(
        "Of a text that is there twice only the last reward is seen. What is a key in your dictionary?",
        keep=lambda self, its, row: max(ways := dict(zip(its, row.tolist())), key=ways.get),
    ),
    keeps_the_first_of_the_alphabet=mistake(
        "Of equals you keep the one that comes first in the alphabet. What is compared when two rewards are equal?",
        keep=lambda self, its, row: min((-reward, text) for reward, text in zip(row.tolist(), its))[1],
    ),
    keeps_the_last_of_the_alphabet=mistake(
        "Of equals you keep the one that comes last in the alphabet. What is compared when two rewards are equal?",
        keep=lambda self, its, row: max(zip(row.tolist(), its))[1],
    ),
    takes_rewards_in_any_shape=mistake(
        "Rewards of another shape pass if there are as many. Whose is the fourth of 2 × 3, and whose of 3 × 2?",
        __call__=of_rewards_in_shape,
    ),
    looks_at_the_first_list_alone=mistake(
        "You compare with the first list only. How many replies has each of the others?", agree=the_first_list_alone
    ),
    raises_another_error=mistake(
        "Numbers that do not agree end in another error. Which one is asked for?", agree=asserted
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

exercise.aside("B and n at least 1", "It says what is not asked for.")
exercise.edges(
    empty="No prompt and no reply are not asked for.",
    one="the_one_with_the_highest_reward",
    equal="the_first_of_equals",
    zero="the_first_of_equals",
    ties="the_first_of_equals",
    large="the_one_with_the_highest_reward",
    small="the_one_with_the_highest_reward",
    limit="numbers_that_agree",
    shapes="the_one_with_the_highest_reward",
    modes="There is no module.",
    gradients="Texts have none.",
    inputs="Texts have no gradient.",
)
