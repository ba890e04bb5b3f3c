"""What several exercises of the play share: words, lines and casts that are made up, labels, and mistakes."""

import re
from collections.abc import Callable, Sequence

import torch

from autograder.checking.topic import Exercise

SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def some_words(rng: torch.Generator, n: int) -> list[str]:
    """Words of six letters that all begin differently."""
    first = torch.randperm(len(SYLLABLES), generator=rng)[:n].tolist()
    rest = torch.randint(len(SYLLABLES), (n, 2), generator=rng).tolist()
    return ["".join(SYLLABLES[i] for i in (one, *others)) for one, others in zip(first, rest)]


def some_lines(rng: torch.Generator, n: int) -> list[str]:
    """Sentences of two to four words."""
    lengths = torch.randint(2, 5, (n,), generator=rng).tolist()
    return [" ".join(some_words(rng, length)).capitalize() + "." for length in lengths]


def cast_of(words: Sequence[str]) -> list[str]:
    """Characters, one fewer than there are words: the last has an article and two of them, as in "the old miller"."""
    *people, first, second = words
    return [*(name.capitalize() for name in people), f"the {first} {second}"]


def some_cast(rng: torch.Generator, n: int) -> list[str]:
    """A cast of n."""
    return cast_of(some_words(rng, n + 1))


def mistakes_of(exercise: Exercise, build: Callable) -> Callable[..., None]:
    """How the mistakes of an exercise are made known: by a name, a hint, and the part in which `build` is wrong."""

    def register(name: str, hint: str, **wrong_part) -> None:
        def mistaken(*args, **more):
            return build(*args, **more, **wrong_part)

        mistaken.__name__ = name
        exercise.mistake(hint=hint)(mistaken)

    return register


def label(character: str) -> str:
    """As the notebook gives it."""
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def low_words(text: str) -> list[str]:
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())
