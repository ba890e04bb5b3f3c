"""Forms, and the two ways to go through them: draw one, or read one while knowing every other that was possible.

A *form* is a sentence with slots, `{who} gave the {thing} to {other} .`. A *wording* is a set of forms that say the
same, merged into a tree. A *move* is a wording with its slots bound: each to the words that it must be, or to a
`Lexicon` from which it is drawn. Writing a move draws a form and its open slots; reading follows all moves at once.

Whatever is random goes through a *chooser*, which has `of` (one of several, equally likely) and `weighted` (one of a
Lexicon). `Dice` draws. `every_way` runs the same code once for each outcome and says how likely each was. So the
sampler and the exact law are one program.

Only `random.Random.random`, whole-number weights and IEEE arithmetic are used: the same seed gives the same text on
every platform and Python version. (The other methods of `random.Random` may change between versions.)
"""

import random
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate, groupby
from operator import sub
from typing import Any, NamedTuple, TypeVar

Words = tuple[str, ...]
T = TypeVar("T")


class Lexicon:
    """Values of one slot, each one or more words, with whole-number weights; no value begins with another one.

    Values may be given in one string, parted by spaces, with `_` between the words of one value.
    `tree` has for each first word its share and what may follow: another tree, or None where the value ends.
    Raises ValueError where values are missing; `tree`, where one is there twice or begins with another one.
    """

    __slots__ = ("_tree", "cumulative", "total", "values")

    def __init__(self, values: str | Iterable[str | Words], weights: Iterable[int] | None = None):
        if isinstance(values, str):
            values = [value.replace("_", " ") for value in values.split()]
        self.values = tuple(tuple(value.split()) if isinstance(value, str) else value for value in values)
        weights = tuple(weights) if weights is not None else (1,) * len(self.values)
        if not self.values or len(weights) != len(self.values) or min(weights) < 1:
            raise ValueError("a lexicon needs values, and a whole weight of 1 or more for each")
        self.cumulative = tuple(accumulate(weights))
        self.total = self.cumulative[-1]
        self._tree: Any = None

    @property
    def tree(self) -> dict[str, tuple[float, Any]]:
        """The values word by word; made when it is first asked for, since drawing needs none."""
        if self._tree is None:
            shares = map(sub, self.cumulative, (0, *self.cumulative))
            self._tree = _tree(list(zip(self.values, shares)))
        return self._tree

    def draw(self, share: float) -> Words:
        """The value that stands at this share, 0 to 1, of the way through all weights."""
        return self.values[bisect_right(self.cumulative, share * self.total)]


def _tree(values: Sequence[tuple[Words, int]]) -> dict[str, tuple[float, Any]]:
    total, branches = sum(weight for _, weight in values), {}
    for words, weight in values:
        branches.setdefault(words[0], []).append((words[1:], weight))
    tree = {}
    for word, rest in branches.items():
        if len(rest) > 1 and not all(words for words, _ in rest):
            raise ValueError(f"two values of a lexicon cannot be told apart after {word!r}")
        share = sum(weight for _, weight in rest) / total
        tree[word] = (share, _tree(rest) if rest[0][0] else None)
    return tree


class Wording:
    """A set of forms that say the same thing, as a tree of words and slots. `Wording(name, form, form, ...)`.

    A form is words and `{slots}`, parted by spaces; `*3` at its beginning makes it three times as likely.
    Raises ValueError for a form that is there twice, or begins with another one.
    """

    __slots__ = ("cumulative", "forms", "name", "pieces", "total", "tree")

    def __init__(self, name: str, *forms: str):
        self.name = name
        weighted = [_split(form) for form in forms]
        self.forms = tuple(symbols for symbols, _ in weighted)
        # Each form with the words between two slots in one piece, so that writing it is quick.
        self.pieces = tuple(tuple(_pieces(symbols)) for symbols in self.forms)
        self.cumulative = tuple(accumulate(weight for _, weight in weighted))
        self.total = self.cumulative[-1]
        self.tree = _tree(weighted)


def _split(form: str) -> tuple[Words, int]:
    weight = re.match(r"\*(\d+) ", form)
    words = tuple((form[weight.end() :] if weight else form).split(" "))
    return words, int(weight[1]) if weight else 1


def _pieces(symbols: Words) -> Iterator[str | Words]:
    for is_slot, group in groupby(symbols, lambda symbol: symbol[0] == "{"):
        if is_slot:
            yield from group
        else:
            yield tuple(group)


class Move(NamedTuple):
    """What comes next: a wording, and for each of its slots the words it must be, or a Lexicon to draw from.

    A slot that is not bound is drawn from the lexicon of its name.
    """

    wording: Wording
    bound: Mapping[str, Words | Lexicon]


class Dice:
    """The chooser that draws."""

    def __init__(self, seed: int):
        self.random = random.Random(seed).random

    def of(self, options: Sequence[T]) -> T:
        """One of the options, equally likely."""
        return options[int(self.random() * len(options))]

    def weighted(self, lexicon: Lexicon) -> Words:
        """One value of a lexicon, by its weight."""
        return lexicon.draw(self.random())

    def write(self, move: Move, lexicons: Mapping[str, Lexicon], words: list[str]) -> dict[str, Words]:
        """Append a move in words; returns what was drawn for the open slots."""
        wording, bound = move
        drawn = {}
        for piece in wording.pieces[bisect_right(wording.cumulative, self.random() * wording.total)]:
            if piece.__class__ is tuple:
                words += piece
                continue
            value = bound.get(piece) or lexicons[piece]
            if value.__class__ is not tuple:
                value = drawn.get(piece) or drawn.setdefault(piece, value.draw(self.random()))
            words += value
        return drawn


class _Replay:
    """The chooser that takes a given path, and notes how many branches it passed."""

    def __init__(self, path: list[int]):
        self.path, self.sizes, self.share = path, [], 1.0

    def of(self, options: Sequence[T]) -> T:
        return options[self._branch(len(options), None)]

    def weighted(self, lexicon: Lexicon) -> Words:
        return lexicon.values[self._branch(len(lexicon.values), lexicon)]

    def _branch(self, size: int, lexicon: Lexicon | None) -> int:
        at = len(self.sizes)
        self.sizes.append(size)
        if at == len(self.path):
            self.path.append(0)
        taken = self.path[at]
        if lexicon is None:
            self.share /= size
        else:
            below = lexicon.cumulative[taken - 1] if taken else 0
            self.share *= (lexicon.cumulative[taken] - below) / lexicon.total
        return taken


def every_way(program: Callable[[Any], T]) -> list[tuple[float, T]]:
    """Run a program that chooses, once for each way through its choices: the share of each way, and its result."""
    ways, path = [], []
    while True:
        replay = _Replay(path)
        result = program(replay)
        ways.append((replay.share, result))
        while path and path[-1] + 1 == replay.sizes[len(path) - 1]:
            path.pop()
        if not path:
            return ways
        path[-1] += 1
