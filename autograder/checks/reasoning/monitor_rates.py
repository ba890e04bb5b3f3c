"""`monitor_rates`: a rate of all hacks, a rate of all else, neither made up, both in full."""

import math

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes

exercise = Exercise("monitor_rates")


def drawn(rng: torch.Generator, flagged: float, hacked: float, B: int = 60) -> tuple[Tensor, Tensor]:
    """What was flagged and what was a hack, in such shares of B replies; of each kind there are two at least."""
    flags, hacks = torch.rand(B, generator=rng) < flagged, torch.rand(B, generator=rng) < hacked
    flags[:8], hacks[:8] = torch.tensor([1, 0] * 4).bool(), torch.tensor([1, 1, 0, 0] * 2).bool()
    return flags, hacks


def counted(rng: torch.Generator, hits: int, hacks: int, false_alarms: int, others: int) -> tuple[Tensor, Tensor]:
    """So many hacks, of which so many are flagged, and so many others, in any order."""
    flagged = [1] * hits + [0] * (hacks - hits) + [1] * false_alarms + [0] * (others - false_alarms)
    order = torch.randperm(hacks + others, generator=rng)
    return torch.tensor(flagged).bool()[order], torch.tensor([1] * hacks + [0] * others).bool()[order]


class Rates:
    """Both rates with their parts to override, so that one of them can be wrong."""

    without_hacks = without_others = math.nan

    def __call__(self, flagged, hacked):
        self.agree(flagged, hacked)
        return self.pair(self.of_hacks(flagged, hacked), self.of_others(flagged, hacked))

    def agree(self, flagged, hacked):
        if flagged.shape != hacked.shape:
            raise ValueError("shapes")

    def of_hacks(self, flagged, hacked):
        return self.share(flagged & hacked, hacked, self.without_hacks)

    def of_others(self, flagged, hacked):
        return self.share(flagged & ~hacked, ~hacked, self.without_others)

    def share(self, part, whole, otherwise):
        n = self.count(whole)
        return self.divide(self.count(part), n) if n else otherwise

    def count(self, which):
        return int(which.sum())

    def divide(self, part, whole):
        return part / whole

    def pair(self, first, second):
        return first, second


def with_one_missing(self: Rates, first: float, second: float) -> tuple[float, float]:
    return (math.nan, math.nan) if math.isnan(first + second) else (first, second)


def added_to(self: Rates, part: Tensor, whole: Tensor, otherwise: float) -> float:
    return (int(part.sum()) + 1) / (int(whole.sum()) + 2)


def turned_in_place(self: Rates, flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    self.agree(flagged, hacked)
    first = self.of_hacks(flagged, hacked)
    return first, self.of_hacks(flagged, hacked.logical_not_())


def same_number(self: Rates, flagged: Tensor, hacked: Tensor) -> None:
    if flagged.numel() != hacked.numel():
        raise ValueError("numbers")


def without_looking(self: Rates, flagged: Tensor, hacked: Tensor) -> None:
    torch.broadcast_shapes(flagged.shape, hacked.shape)


def by_flags(self: Rates, flagged: Tensor, hacked: Tensor) -> float:
    return self.share(flagged & hacked, flagged, math.nan)


@exercise.promise("how many of the hacks it flags", broken_by="divides_by_the_flags")
@exercise.promise("and how many of all else", broken_by="takes_the_false_among_the_flags")
@exercise.promise("The true and the false positive rate of a monitor", broken_by="turns_them_round")
@exercise.promise("flagged, hacked boolean (B)", broken_by="asks_for_flags_twice")
@exercise.check(points=0.25)
def of_the_hacks_and_of_all_else(monitor_rates, rng):
    """The first is the share of the hacks that is flagged, the second the share of all else that is flagged."""
    flags, hacks = drawn(rng, 0.3, 0.6)
    return {
        "most are hacks": monitor_rates(flags, hacks),
        "few are hacks": monitor_rates(*drawn(rng, 0.6, 0.2)),
        "most are flagged": monitor_rates(*drawn(rng, 0.9, 0.4)),
        "7 of 8 hacks, 3 of 20 others": monitor_rates(*counted(rng, 7, 8, 3, 20)),
        "no hack is flagged": monitor_rates(*counted(rng, 0, 5, 2, 3)),
        "all are flagged": monitor_rates(*counted(rng, 4, 4, 3, 3)),
        "none is flagged": monitor_rates(*counted(rng, 0, 4, 0, 3)),
        "all hacks, and nothing else": monitor_rates(*counted(rng, 6, 6, 0, 5)),
        "one of each": monitor_rates(torch.tensor([True, False]), torch.tensor([True, False])),
        "one of each, both judged wrongly": monitor_rates(torch.tensor([False, True]), torch.tensor([True, False])),
        "flags that are a column in memory": monitor_rates(apart(flags), apart(hacks)),
        "3,000 of 5,000": monitor_rates(*counted(rng, 3000, 5000, 2111, 2999)),
    }


@exercise.promise("Where there is no hack, the first is not a number (NaN)", broken_by="says_none_of_no_hack")
@exercise.promise("and where there is nothing else, the second", broken_by="says_none_of_nothing_else")
@exercise.promise("a rate is never made up", broken_by="makes_rates_up")
@exercise.promise("B may be 0", broken_by="fails_without_a_reply")
@exercise.check(points=0.25)
def no_rate_is_made_up(monitor_rates, rng):
    """A rate of nothing is NaN, and the other is what it is; of no reply both are."""
    yes, no = torch.tensor([True]), torch.tensor([False])
    return {
        "no hack, 3 of 7 flagged": monitor_rates(*counted(rng, 0, 0, 3, 7)),
        "no hack, none flagged": monitor_rates(*counted(rng, 0, 0, 0, 7)),
        "no hack, all flagged": monitor_rates(*counted(rng, 0, 0, 7, 7)),
        "nothing else, 2 of 9 flagged": monitor_rates(*counted(rng, 2, 9, 0, 0)),
        "nothing else, none flagged": monitor_rates(*counted(rng, 0, 9, 0, 0)),
        "nothing else, all flagged": monitor_rates(*counted(rng, 9, 9, 0, 0)),
        "both are there": monitor_rates(*counted(rng, 2, 5, 1, 7)),
        "one reply, a hack": monitor_rates(yes, yes),
        "one reply, a hack, not flagged": monitor_rates(no, yes),
        "one reply, no hack": monitor_rates(yes, no),
        "one reply, no hack, not flagged": monitor_rates(no, no),
        "no reply": monitor_rates(yes[:0], yes[:0]),
    }


@exercise.promise("two of Python's floats", broken_by="gives_tensors")
@exercise.promise("exact to nine digits", broken_by="divides_in_32_bits")
@exercise.check(points=0.25, rtol=1e-10, atol=0.0)
def numbers_in_full(monitor_rates, rng):
    """Both rates are floats of Python, NaN too, and all of their digits are right."""
    cases = {"a third, and 2 of 7": (1, 3, 2, 7), "1 of 3,001, and 2,999 of 3,000": (1, 3001, 2999, 3000)}
    seen = {words: list(monitor_rates(*counted(rng, *numbers))) for words, numbers in cases.items()}
    seen["any"] = list(monitor_rates(*drawn(rng, 0.4, 0.5, B=997)))
    whole = {"all and none": (3, 3, 0, 4), "no hack": (0, 0, 1, 3), "nothing else": (1, 3, 0, 0), "nothing": (0,) * 4}
    seen |= {words: list(monitor_rates(*counted(rng, *numbers))) for words, numbers in whole.items()}
    return seen | {
        f"{words}: floats of Python": [isinstance(rate, float) for rate in its] for words, its in seen.items()
    }


@exercise.promise("Raises ValueError where the shapes differ", broken_by="takes_what_can_be_broadcast")
@exercise.check(points=0.25)
def shapes_that_differ(monitor_rates, rng):
    """Flags and hacks that do not have one shape are a ValueError, also where PyTorch could make one of them."""

    def end(*shapes: tuple[int, ...]) -> str:
        return ending(lambda: monitor_rates(*(torch.rand(shape, generator=rng) < 0.5 for shape in shapes)))

    pairs = [((5,), (5,)), ((5,), (4,)), ((4,), (5,)), ((1,), (5,)), ((5,), (1,)), ((0,), (1,)), ((1,), (0,))]
    pairs += [((5,), (0,)), ((5,), (5, 1)), ((1, 5), (5,)), ((5,), ()), ((1,), (1,)), ((0,), (0,))]
    return {f"{flags} and {hacks}": end(flags, hacks) for flags, hacks in pairs}


mistakes(
    exercise,
    Rates,
    divides_by_the_flags=mistake(
        "Your first rate is of all that is flagged. Of what is it to be: of the flags, or of the hacks?",
        of_hacks=by_flags,
    ),
    takes_the_false_among_the_flags=mistake(
        "Your second rate says how many of the flags are false. Of what is a false positive rate the share?",
        of_others=lambda self, flagged, hacked: self.share(flagged & ~hacked, flagged, math.nan),
    ),
    takes_flags_for_hacks=mistake(
        "You take one argument for the other. Which of the two is what the monitor says?",
        __call__=lambda self, flagged, hacked: Rates.__call__(self, hacked, flagged),
    ),
    turns_them_round=mistake(
        "Your two rates are there, in the other order. Which comes first?",
        pair=lambda self, first, second: (second, first),
    ),
    asks_for_flags_twice=mistake(
        "Your second rate is the share of all replies that is flagged. Which replies are to be left out?",
        of_others=lambda self, flagged, hacked: (
            self.share(flagged, torch.ones_like(flagged), math.nan) if self.count(~hacked) else math.nan
        ),
    ),
    divides_by_all=mistake(
        "You divide by the number of all replies. How many of them can be a hit?",
        divide=lambda self, part, whole: part / self.B,
        __call__=lambda self, flagged, hacked: (
            setattr(self, "B", len(flagged)) or Rates.__call__(self, flagged, hacked)
        ),
    ),
    counts_what_is_left_alone=mistake(
        "Your second rate says how many of all else are left alone. Is a false positive flagged, or not?",
        of_others=lambda self, flagged, hacked: Rates.of_others(self, ~flagged, hacked),
    ),
    counts_what_is_missed=mistake(
        "Your first rate says how many hacks are missed. Is a true positive flagged, or not?",
        of_hacks=lambda self, flagged, hacked: Rates.of_hacks(self, ~flagged, hacked),
    ),
    gives_how_often_it_is_right=mistake(
        "Your first number says how often the monitor is right, hack or not. Which replies does the rate ask about?",
        of_hacks=lambda self, flagged, hacked: (
            self.share(flagged == hacked, torch.ones_like(hacked), math.nan) if self.count(hacked) else math.nan
        ),
    ),
    gives_counts=mistake(
        "You give how many, and not which share. What is a rate divided by?",
        divide=lambda self, part, whole: float(part),
    ),
    gives_whole_numbers=mistake(
        "Your rates are 0 or 1. What does `//` leave of 7 / 8?", divide=lambda self, part, whole: float(part // whole)
    ),
    gives_per_cent=mistake(
        "Your rates go up to 100. How large is a share at most?", divide=lambda self, part, whole: 100 * part / whole
    ),
    says_none_of_no_hack=mistake(
        "Where there is no hack you say that 0 of them are flagged. How many of none are flagged?", without_hacks=0.0
    ),
    says_none_of_nothing_else=mistake(
        "Where all are hacks you say that there is no false alarm. Could there have been one?", without_others=0.0
    ),
    says_all_of_no_hack=mistake(
        "Where there is no hack you say that all of them are flagged. How many of none are that?",
        without_hacks=1.0,
    ),
    divides_by_one_at_least=mistake(
        "Where there is nothing to divide by you divide by 1. Is a rate of 0 the same as no rate?",
        without_hacks=0.0,
        without_others=0.0,
    ),
    makes_rates_up=mistake(
        "You add something to the counts, so that there is always a rate. Who measured it?", share=added_to
    ),
    gives_nothing_where_one_is_missing=mistake(
        "Where one of your rates is missing, so is the other. Which of them can still be told?", pair=with_one_missing
    ),
    gives_none=mistake(
        "Where there is no rate you give None. What is asked for, and which module has it?",
        without_hacks=None,
        without_others=None,
    ),
    fails_without_a_hack=mistake(
        "Where there is nothing to divide by your function ends with an error. What is to be given instead?",
        share=lambda self, part, whole, otherwise: self.count(part) / self.count(whole),
    ),
    fails_without_a_reply=mistake(
        "Without a reply your function ends with an error. How many hacks are there among none?",
        agree=lambda self, flagged, hacked: Rates.agree(self, flagged, hacked) or flagged[0],
    ),
    gives_tensors=mistake(
        "Your rates are tensors. What makes one of Python's floats of them, and when, if no digit is to be lost?",
        share=lambda self, part, whole, otherwise: part.sum() / whole.sum(),
    ),
    divides_in_32_bits=mistake(
        "Your rates have seven right digits. In which type do you divide?",
        divide=lambda self, part, whole: (torch.tensor(float(part)) / whole).item(),
    ),
    counts_in_16_bits=mistake(
        "Large counts are wrong. How far can you count in the type in which you add up?",
        count=lambda self, which: int(which.half().cumsum(0)[-1]) if len(which) else 0,
    ),
    rounds=mistake(
        "You round. How many digits are asked for?", divide=lambda self, part, whole: round(part / whole, 6)
    ),
    changes_what_it_is_given=mistake(
        "You turn the hacks round where they lie. Whose are they, and what makes others of them?",
        __call__=turned_in_place,
    ),
    takes_what_can_be_broadcast=mistake(
        "One flag passes for five replies. What does PyTorch do with a size of 1?", agree=without_looking
    ),
    compares_numbers_alone=mistake(
        "A row passes for a column. When do two tensors have the same shape?", agree=same_number
    ),
    compares_lengths_alone=mistake(
        "You compare the first size only. How many has a shape?",
        agree=lambda self, flagged, hacked: Rates.agree(
            self, flagged.flatten()[: len(hacked)], hacked.flatten()[: len(flagged)]
        ),
    ),
)

exercise.edges(
    empty="no_rate_is_made_up",
    one="no_rate_is_made_up",
    equal="of_the_hacks_and_of_all_else",
    zero="of_the_hacks_and_of_all_else",
    ties="Nothing is ranked.",
    large="of_the_hacks_and_of_all_else",
    small="numbers_in_full",
    limit="no_rate_is_made_up",
    shapes="shapes_that_differ",
    modes="Tensors have no mode.",
    gradients="Booleans have none.",
    inputs="Booleans have no gradient.",
)
