"""What several exercises of the play share: words, lines and casts that are made up, labels, readers, mistakes."""

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Exercise

VOCAB_SIZE, LOST = 40, 39  # of a reader, and what it writes once it has lost its script
NO_EDGES = {
    "large": "Words and tokens are compared, and not counted with.",
    "small": "Words and tokens are compared, and not counted with.",
    "zero": "Words and tokens are compared, and not counted with.",
    "modes": "Nothing is trained here.",
    "gradients": "Nothing is trained here.",
    "inputs": "Nothing is trained here.",
}
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


class Reader:
    """A model that goes on with a text for as long as what it has read is the text, in order, from its beginning.

    The token that comes next has the highest score, or, of a `contrary` reader, the lowest. Notes what it reads, and
    whether these are whole numbers, from a state of None on. One that `remembers` by itself always gives the same for
    a state, and notes whether it gets that back.
    """

    def __init__(
        self,
        rng: torch.Generator,
        text: Sequence[int],
        contrary: bool = False,
        remembers: bool = False,
        gives: object = None,
    ):
        self.text, self.sign, self.remembers, self.gives = list(text), -1 if contrary else 1, remembers, gives
        self.gets_it_back = True
        self.noise = torch.rand(VOCAB_SIZE, generator=rng)
        self.calls: list[list[int]] = []
        self.begins_with_none = self.reads_whole_numbers = True

    def __call__(self, tokens: Tensor, state: list[int] | None = None) -> tuple[Tensor, list[int]]:
        _, T = tokens.shape
        self.begins_with_none &= bool(self.calls) or state is None
        self.reads_whole_numbers &= not tokens.is_floating_point()
        self.gets_it_back &= not self.calls or state is self.gives
        earlier = [token for call in self.calls for token in call] if self.remembers else state or []
        self.calls.append(tokens[0].tolist())
        before, read = len(earlier), [*earlier, *self.calls[-1]]
        logits = self.noise.repeat(T, 1)  # (T, vocab_size)
        for t in range(T):
            n = before + t + 1
            follows = read[:n] == self.text[:n] and n < len(self.text)
            logits[t, self.text[n] if follows else LOST] = 2 * self.sign
        return logits.unsqueeze(0), self.gives if self.remembers else read


class ReadingModule(torch.nn.Module):
    """A reader that is a module, and gives its logits in another type."""

    def __init__(self, reader: Reader, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.reader, self.dtype = reader, dtype

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        logits, state = self.reader(tokens, state)
        return logits.to(self.dtype), state


class Chooser:
    """Takes the likeliest token, or, where it is `contrary`, the unlikeliest; notes what it is given."""

    def __init__(self, contrary: bool = False):
        self.sign, self.given = -1 if contrary else 1, []

    def __call__(self, logits: Tensor) -> Tensor:
        self.given.append(logits.clone())
        return (self.sign * logits).argmax(dim=-1)


def some_tokens(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Lists of tokens, all of them different, and none of them 0."""
    drawn = 1 + torch.randperm(LOST - 1, generator=rng)[: sum(lengths)]
    return [part.tolist() for part in drawn.split(lengths)]
