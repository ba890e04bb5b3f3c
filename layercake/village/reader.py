"""Reading a text of the village word by word, and knowing at each word how likely every next one was, exactly.

All moves that could come next are followed at once, each with its probability; a word keeps those that it fits. Where a
sentence ends, one is left, because no text has two derivations, and what it says becomes true.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from layercake.village.grammar import Lexicon, Move, Words, every_way


class State(Protocol):
    """A text as far as it has been written; what `Story`, `Record`, `Sum` and `Play` are."""

    def next(self, choose: Any) -> Move: ...

    def apply(self, move: Move, drawn: dict[str, Words]) -> "State | None": ...

    def truth(self) -> dict[str, Any]: ...


class _Branch(NamedTuple):
    """One way in which the sentence may be going on."""

    share: float  # how likely this way was, from the sentence's beginning
    move: Move
    drawn: dict[str, Words]
    slot: str | None  # the slot whose value is being read, and its words so far
    words: Words
    within: Any  # the rest of the value: words that must come, or the tree of a lexicon
    after: Any  # the tree of the wording after this symbol; None where the sentence ends


class Told(NamedTuple):
    """A sentence that has been read: which tokens it is, what kind, and what is true after it."""

    start: int
    stop: int
    kind: str
    drawn: dict[str, str]
    truth: dict[str, Any]


class Reader:
    """Reads a text from its beginning. `read` takes the next word, `law` says how likely each is.

    `told` has the sentences that have been read, unless `tell` is False, which is quicker.
    """

    def __init__(self, state: State, lexicons: Mapping[str, Lexicon], tell: bool = True):
        self.state: State | None = state
        self.lexicons, self.tell = lexicons, tell
        self.n_read, self.start = 0, 0
        self.told: list[Told] = []
        self._begin_sentence()

    def _begin_sentence(self) -> None:
        ways = every_way(self.state.next) if self.state else []
        self.branches = [_Branch(share, move, {}, None, (), (), move.wording.tree) for share, move in ways]

    def _values(self, branch: _Branch, symbol: str) -> Words | Lexicon:
        return branch.drawn.get(symbol) or branch.move.bound.get(symbol) or self.lexicons[symbol]

    def law(self) -> dict[str, float]:
        """The probability of each word that may come next; nothing after the end."""
        law: dict[str, float] = {}
        for branch in self.branches:
            for word, share in self._first_words(branch):
                law[word] = law.get(word, 0.0) + share
        total = math.fsum(law.values())
        return {word: share / total for word, share in law.items()}

    def _first_words(self, branch: _Branch) -> list[tuple[str, float]]:
        share = branch.share
        if branch.within:
            return _heads(branch.within, share)
        words = []
        for symbol, (part, _) in branch.after.items():
            value = self._values(branch, symbol) if symbol[0] == "{" else (symbol,)
            words += _heads(value, share * part)
        return words

    def read(self, word: str) -> None:
        """Take the next word. Raises ValueError, and takes nothing, where the word cannot come here."""
        going_on, ended = [], []
        for branch in self.branches:
            for follower in self._followers(branch, word):
                (going_on if follower.after or follower.within else ended).append(follower)
        if not going_on and not ended:
            likely = sorted(self.law().items(), key=lambda item: -item[1])[:5]
            expected = ", ".join(repr(word) for word, _ in likely) or "nothing: the text has ended"
            raise ValueError(f"word {self.n_read + 1} of the text, {word!r}, cannot come here; likely are {expected}")
        self.n_read += 1
        self.branches = going_on
        if ended:
            if len(ended) > 1 or going_on:
                raise AssertionError(
                    f"two derivations up to word {self.n_read}: {[b.move.wording.name for b in ended]}"
                )
            self._end_sentence(ended[0])

    def _end_sentence(self, branch: _Branch) -> None:
        state, move, drawn = self.state, branch.move, branch.drawn
        self.state = state.apply(move, drawn)
        if self.tell:
            self.told.append(self._sentence(move, drawn, self.state or state))
        self.start = self.n_read
        self._begin_sentence()

    def _sentence(self, move: Move, drawn: dict[str, Words], state: State) -> Told:
        shown = {slot.strip("{}"): " ".join(words) for slot, words in drawn.items()}
        shown |= {slot.strip("{}"): " ".join(w) for slot, w in move.bound.items() if w.__class__ is tuple}
        return Told(self.start, self.n_read, move.wording.name, shown, state.truth())

    def _followers(self, branch: _Branch, word: str) -> list[_Branch]:
        if branch.within:
            return self._within(branch, branch.within, 1.0, branch.after, word)
        followers = []
        for symbol, (part, after) in branch.after.items():
            if symbol == word:
                followers.append(branch._replace(share=branch.share * part, after=after))
            elif symbol[0] == "{":
                opened = branch._replace(slot=symbol, words=())
                values = self._values(branch, symbol)
                followers += self._within(opened, getattr(values, "tree", values), part, after, word)
        return followers

    def _within(self, branch: _Branch, values: Any, part: float, after: Any, word: str) -> list[_Branch]:
        if values.__class__ is tuple:
            if values[0] != word:
                return []
            return [branch._replace(share=branch.share * part, within=values[1:], after=after)]
        if word not in values:
            return []
        probability, rest = values[word]
        words, drawn = (*branch.words, word), branch.drawn
        if not rest:
            drawn = {**drawn, branch.slot: words}
        share = branch.share * part * probability
        return [branch._replace(share=share, drawn=drawn, words=words, within=rest or (), after=after)]


def _heads(values: Any, share: float) -> list[tuple[str, float]]:
    """The first words of a value, with their shares."""
    if values.__class__ is tuple:
        return [(values[0], share)]
    return [(word, share * part) for word, (part, _) in getattr(values, "tree", values).items()]
