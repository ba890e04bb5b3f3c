"""The way of `encode_real`, with its parts to override, and parts that are wrong."""

import re
from itertools import pairwise

import torch

from autograder.checks.real.text import pre_tokenize

Pair = tuple[bytes, bytes]


def some_pairs(rng: torch.Generator, letters: str, n: int) -> list[Pair]:
    """Pairs of letters and of what earlier pairs make, all spelt otherwise: no training would have found these."""
    words, pairs = [letter.encode() for letter in letters], []
    while len(pairs) < n:
        first, second = (words[i] for i in torch.randint(len(words), (2,), generator=rng))
        if first + second not in words:
            words.append(first + second)
            pairs.append((first, second))
    return pairs


class Encoding:
    """`encode_real` with its parts to override, so that one of them can be wrong."""

    def __call__(self, text, vocabulary, merges, specials):
        self.vocabulary, self.merges, self.specials = vocabulary, merges, specials
        tokens = []
        for part in self.parts(self.read(text)):
            if part in specials:
                tokens.append(specials[part])
            else:
                for piece in self.pieces(part):
                    tokens += self.numbers(self.merged(self.symbols(piece)))
        return tokens

    def read(self, text):
        text.encode()
        return text

    def marks(self):
        return sorted(self.specials, key=len, reverse=True)

    def pattern(self):
        return f"({'|'.join(map(re.escape, self.marks()))})"

    def parts(self, text):
        return re.split(self.pattern(), text) if self.specials else [text]

    def pieces(self, part):
        return pre_tokenize(part)

    def bytes(self, piece):
        return [bytes([byte]) for byte in piece.encode()]

    def symbols(self, piece):
        return [byte for byte in self.bytes(piece) if byte in self.vocabulary]

    def merged(self, parts):
        while known := [pair for pair in pairwise(parts) if self.is_known(pair)]:
            parts = self.joined(parts, self.chosen(known))
        return parts

    def is_known(self, pair):
        return pair in self.merges

    def chosen(self, known):
        return min(known, key=self.merges.get)

    def joined(self, parts, pair):
        result = []
        for part in parts:
            if result and (result[-1], part) == pair:
                result[-1] += part
            else:
                result.append(part)
        return result

    def numbers(self, parts):
        return [self.vocabulary[part] for part in parts]


def around_the_longest(self, text):
    """The text, cut around the longest mark that stands anywhere in it, then around the next."""
    for mark in self.marks():
        if mark in text:
            before, after = text.split(mark, 1)
            return [*around_the_longest(self, before), mark, *around_the_longest(self, after)]
    return [text]


def around_the_first(self, text):
    """The text, cut around the first place of each mark."""
    parts = [text]
    for mark in self.marks():
        at = next((i for i, part in enumerate(parts) if part not in self.specials and mark in part), None)
        if at is not None:
            parts[at : at + 1] = parts[at].partition(mark)
    return parts


def with_white_space_for_marks(self, text):
    """The parts of the text, of which the last sign of white space before a mark stands alone."""
    cut = []
    for part, follows in zip(parts := Encoding.parts(self, text), [*parts[1:], ""]):
        cut += [part[:-1], part[-1]] if part[-1:].isspace() and follows in self.specials else [part]
    return cut


def with_each_once(self, parts):
    """Each pair, from the smallest rank on, merged at its first place."""
    done = set()
    while known := [pair for pair in pairwise(parts) if pair in self.merges and pair not in done]:
        done.add(first := self.chosen(known))
        at = list(pairwise(parts)).index(first)
        parts = [*parts[:at], first[0] + first[1], *parts[at + 2 :]]
    return parts


def in_one_round(self, parts):
    for pair in sorted(self.merges, key=self.merges.get):
        parts = self.joined(parts, pair)
    return parts


def longest_first(self, parts):
    rest, found = b"".join(parts), []
    while rest:
        found.append(next(rest[:size] for size in range(len(rest), 0, -1) if rest[:size] in self.vocabulary))
        rest = rest[len(found[-1]) :]
    return found


def by_spelling(self, parts):
    """Any two neighbours that spell what some merge makes."""
    ranks = {}
    for first, second in sorted(self.merges, key=self.merges.get):
        ranks.setdefault(first + second, len(ranks))
    while known := [pair for pair in pairwise(parts) if pair[0] + pair[1] in ranks]:
        parts = self.joined(parts, min(known, key=lambda pair: ranks[pair[0] + pair[1]]))
    return parts


def added(self, text):
    self.vocabulary.update({mark.encode(): number for mark, number in self.specials.items()})
    return Encoding.read(self, text)


def refused(self, text):
    try:
        return Encoding.read(self, text)
    except UnicodeEncodeError as error:
        raise ValueError("half a sign") from error
