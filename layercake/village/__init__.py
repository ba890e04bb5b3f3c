"""The village: English texts about a small invented place, without end, with the truth and the exact entropy known.

    from layercake import village

    for document in itertools.islice(village.documents(seed=0), 3):
        print(document.text)                    # stories, records, sums and plays
    village.entropy(document)                   # nats, for each token: what the best possible model cannot know
    village.surprisal(document)                 # nats: what the best possible model is charged for what came
    document.sentences[-1].truth                # who is where, who holds what, who means to use what

Every document is drawn by itself, from its own seed, so document 1,000,000 is as near as document 0. The same seed
gives the same text on every platform and Python version. A tenth of all documents is for validation, chosen by a hash
of the text itself (of the problem, for sums), so no document of one split is in the other, whatever the seeds.

`entropy`, `surprisal` and `distribution` are those of a reader who knows the grammar and all stated facts of the
village: the lowest loss that any model can reach, on average, on texts of this kind. For pages of the register they can
be asked for a reader who knows fewer facts.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import count
from typing import Any

import numpy as np

from layercake.village import plays, records, stories, sums
from layercake.village.grammar import Dice, Lexicon, Move, Words
from layercake.village.reader import Reader, State, Told
from layercake.village.world import LEXICONS, Fact, Knows, digest, everything, facts, nothing, stated, value_of

__all__ = [
    "END", "KINDS", "MASK", "SPLITS", "VOCABULARY", "Document", "Fact", "Reader", "Told", "decode", "distribution",
    "document", "documents", "encode", "entropy", "everything", "facts", "fingerprint", "law", "nothing", "read",
    "stated", "stream", "surprisal", "value_of",
]  # fmt: skip

KINDS = {"story": stories, "record": records, "sum": sums, "play": plays}
SPLITS = ("train", "validation")
_SHARES = {"story": 4, "record": 4, "sum": 3, "play": 3}  # of the documents
_VALIDATION = 10  # one document in so many
_KEPT = 20_000  # documents, some 30 MB: labs and chapters go through the same ones again and again


# Words and numbers -------------------------------------------------------------------------------------------------


def _vocabulary() -> tuple[str, ...]:
    words = {word for lexicon in LEXICONS.values() for value in lexicon.values for word in value}
    for kind in KINDS.values():
        words |= {symbol for wording in kind.WORDINGS for form in wording.forms for symbol in form if symbol[0] != "{"}
        words |= {word for values in kind.BOUND.values() for value in values for word in value}
    special = ("<end>", "<mask>", "<user>", "<assistant>", "\n")
    return special + tuple(sorted(words - set(special)))


VOCABULARY = _vocabulary()
_IDS = {word: index for index, word in enumerate(VOCABULARY)}
END, MASK = _IDS["<end>"], _IDS["<mask>"]  # the last token of every document; a blank, which no document has
_NAMES = {word for word in VOCABULARY if word[0].isupper()}
_CLOSING = {".", ",", "?", "!", ":", "”", "'s", "\n"}
_PIECES = re.compile(r"<\w+>|\n|\d|[^\W\d]+(?:-[^\W\d]+)*|'s|\S")


def encode(text: str) -> list[int]:
    """The ids of a text's words and signs, each digit by itself. Capitals at the beginning of a sentence do not matter.

    Raises ValueError, naming the word and where it stands, for one that the village does not have.
    """
    ids, quoted = [], False
    for piece in _PIECES.finditer(text):
        word = piece[0]
        if word == '"':
            word, quoted = ("”" if quoted else "“"), not quoted
        if word not in _IDS:
            word = word.lower()
        if word not in _IDS:
            near = [known for known in VOCABULARY if known[:3].lower() == word[:3]][:5]
            hint = f"; near it are {', '.join(near)}" if near else ""
            raise ValueError(f"the village has no word {piece[0]!r} (character {piece.start() + 1}){hint}")
        ids.append(_IDS[word])
    return ids


def decode(ids: Iterable[int]) -> str:
    """The text of some ids, as English is written. `encode` gives the ids back.

    Raises ValueError for an id that the village does not have.
    """
    text, line, capital = "", ["\n"], True
    for word in _words(ids):
        glued = word in _CLOSING or line[-1] in {"\n", "“"} or (word + line[-1]).isdigit()
        text += ("" if glued else " ") + (word[0].upper() + word[1:] if capital else word)
        line = ["\n"] if word == "\n" else [*line, word]
        speaks = word in {"<user>", "<assistant>"} or (word == ":" and len(line) == 3)
        capital = word in {".", "?", "!", "\n"} or speaks or (capital and word == "“")
    return re.sub(r"\bi\b", "I", text)


def _words(ids: Iterable[int]) -> list[str]:
    words = []
    for index in ids:
        if not 0 <= index < len(VOCABULARY):
            raise ValueError(f"{index} is no token of the village: ids go from 0 to {len(VOCABULARY) - 1}")
        words.append(VOCABULARY[index])
    return words


# Documents ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Document:
    """One text of the village, with the settings that it was drawn under."""

    kind: str
    tokens: tuple[int, ...]
    settings: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The text as English is written."""
        return decode(self.tokens)

    @cached_property
    def sentences(self) -> list[Told]:
        """The sentences, each with its kind and with what is true after it. They are read back from the tokens."""
        return read(self).told


class _Beginning:
    """The empty page, where the kind of the text is not yet known."""

    def __init__(self, settings: dict[str, Any], knows: Knows = everything):
        self.settings, self.knows = settings, knows
        kinds = settings.get("kinds", tuple(KINDS))
        self.kinds = Lexicon(kinds, [_SHARES[kind] for kind in kinds])

    def truth(self) -> dict[str, Any]:
        return {}

    def next(self, choose: Any) -> Move:
        (kind,) = choose.weighted(self.kinds)
        return Move(KINDS[kind].HEADING, {})

    def apply(self, move: Move, drawn: dict[str, Words]) -> State:
        kind = move.wording.name
        if kind == "story":
            return stories.Story(self.settings.get("chapters"), self.settings.get("promises", True))
        if kind == "record":
            return records.Record(self.knows)
        return sums.Sum() if kind == "sum" else plays.Play()


def document(
    seed: int = 0,
    index: int = 0,
    *,
    kinds: Iterable[str] | None = None,
    chapters: int | None = None,
    promises: bool = True,
) -> Document:
    """One document: number `index` of those that the seed gives, in whichever split.

    `kinds` limits what may be drawn. For stories, `chapters` fixes how many there are, the last included, and without
    `promises` nobody changes what was settled in the first one. Raises ValueError for negative numbers, unknown kinds,
    and fewer than 2 chapters.
    """
    settings = _settings(kinds, chapters, promises)
    kind, tokens, _ = _draw(_checked(seed, index), index, tuple(settings.items()))
    return Document(kind, tokens, settings)


def documents(
    seed: int = 0,
    split: str = "train",
    kinds: Iterable[str] | None = None,
    *,
    chapters: int | None = None,
    promises: bool = True,
) -> Iterator[Document]:
    """The documents of one split, one after the other, without end. Arguments and errors as for `document`.

    Raises ValueError for a split that is not "train" or "validation".
    """
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}; it is one of {', '.join(map(repr, SPLITS))}")
    return _documents(_checked(seed, 0), split, _settings(kinds, chapters, promises))


def _documents(seed: int, split: str, settings: dict[str, Any]) -> Iterator[Document]:
    items = tuple(settings.items())
    for index in count():
        kind, tokens, its_split = _draw(seed, index, items)
        if its_split == split:
            yield Document(kind, tokens, settings)


def stream(
    n_tokens: int, seed: int = 0, split: str = "train", kinds: Iterable[str] | None = None, **settings: Any
) -> np.ndarray:
    """The first `n_tokens` tokens of a split's documents, laid end to end: (n_tokens,), uint16.

    Raises ValueError for a negative number of tokens, and what `documents` raises.
    """
    if not isinstance(n_tokens, int) or n_tokens < 0:
        raise ValueError(f"n_tokens is {n_tokens!r}; it is a whole number, 0 or more")
    tokens: list[int] = []
    for drawn in documents(seed, split, kinds, **settings):
        if len(tokens) >= n_tokens:
            break
        tokens += drawn.tokens
    return np.array(tokens[:n_tokens], dtype=np.uint16)


def fingerprint() -> str:
    """What tells one edition of the village's text from another: losses on two editions are not to be compared."""
    return sha256(stream(20_000).tobytes()).hexdigest()[:16]


def _checked(seed: int, index: int) -> int:
    for name, value in (("seed", seed), ("index", index)):
        if not isinstance(value, int) or value < 0:
            raise ValueError(f"{name} is {value!r}; it is a whole number, 0 or more")
    return seed


def _settings(kinds: Iterable[str] | None, chapters: int | None, promises: bool) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if kinds is not None:
        kinds = (kinds,) if isinstance(kinds, str) else tuple(kinds)
        if not kinds or not set(kinds) <= set(KINDS) or len(set(kinds)) < len(kinds):
            raise ValueError(f"kinds is {kinds!r}; it is one or more of {', '.join(KINDS)}")
        settings["kinds"] = kinds
    if chapters is not None:
        if not isinstance(chapters, int) or chapters < 2:
            raise ValueError(f"chapters is {chapters!r}; a story has a first and a last one, so at least 2")
        settings["chapters"] = chapters
    if not promises:
        settings["promises"] = False
    return settings


@lru_cache(_KEPT)
def _draw(seed: int, index: int, settings: tuple[tuple[str, Any], ...]) -> tuple[str, tuple[int, ...], str]:
    """A document's kind, tokens and split, which all its words decide, or the problem where it is a sum."""
    dice, words, kind = Dice(digest(f"{seed} {index}")), [], ""
    state: State | None = _Beginning(dict(settings))
    while state is not None:
        last, move = state, state.next(dice)
        kind = kind or move.wording.name  # the heading has the name of its kind
        state = state.apply(move, dice.write(move, LEXICONS, words))
    key = f"{last.a} {last.operation} {last.b}" if isinstance(last, sums.Sum) else " ".join(words)
    return kind, tuple([_IDS[word] for word in words]), "validation" if is_held_out(key) else "train"


def is_held_out(key: str) -> bool:
    """Whether a document belongs to the validation split: `key` is all its words, or the problem, "3 4 times 2"."""
    return digest(key) % _VALIDATION == 0


# The exact law -----------------------------------------------------------------------------------------------------


def read(text: Document | Iterable[int], knows: Knows = everything, **settings: Any) -> Reader:
    """Read a text to its last token: what it says, what is true after it, and the law of the next token.

    `text` is a Document, or the ids of the beginning of one, drawn with the settings of `documents`. A text that no
    document can be is refused: ValueError names the word and what was likely in its place.
    """
    reader, words = _opened(text, knows, settings, tell=True)
    for word in words:
        reader.read(word)
    return reader


def law(text: Document | Iterable[int], knows: Knows = everything, **settings: Any) -> tuple[np.ndarray, np.ndarray]:
    """The exact `entropy` and `surprisal` of each token of a text, in nats, in one pass."""
    reader, words = _opened(text, knows, settings, tell=False)
    nats = np.zeros((2, len(words)))
    for at, word in enumerate(words):
        probabilities = reader.law()
        reader.read(word)
        nats[0, at] = 0.0 - math.fsum(p * math.log(p) for p in probabilities.values())
        nats[1, at] = 0.0 - math.log(probabilities[word])  # 0.0 - 0.0 is not -0.0
    return nats[0], nats[1]


def entropy(text: Document | Iterable[int], knows: Knows = everything, **settings: Any) -> np.ndarray:
    """The exact entropy of each token, given all tokens before it: (n_tokens,), float64, in nats.

    `text` is a Document, or the ids of the beginning of one. `knows(fact)` says which facts count as known; it may be
    other than `everything` for pages of the register only. Raises ValueError for a text that no document can be.
    """
    return law(text, knows, **settings)[0]


def surprisal(text: Document | Iterable[int], knows: Knows = everything, **settings: Any) -> np.ndarray:
    """The exact -log p of each token, given all tokens before it: (n_tokens,), float64, in nats; else as `entropy`.

    A model's loss on a text, less the mean of this, is how far it is from the best that any model could do.
    """
    return law(text, knows, **settings)[1]


def distribution(
    text: Document | Iterable[int], position: int, knows: Knows = everything, **settings: Any
) -> dict[int, float]:
    """The exact probability of every token that may stand at a position (from 0), given the tokens before it.

    Raises ValueError for a position outside 0 to the text's length, and for a text that no document can be.
    """
    tokens = _tokens(text)
    if not 0 <= position <= len(tokens):
        raise ValueError(f"position is {position}; it is 0 to {len(tokens)}, the last for what comes after the text")
    settings = text.settings if isinstance(text, Document) else settings
    return {_IDS[word]: p for word, p in read(tokens[:position], knows, **settings).law().items()}


def _tokens(text: Document | Iterable[int]) -> tuple[int, ...]:
    return text.tokens if isinstance(text, Document) else tuple(int(token) for token in text)


def _opened(
    text: Document | Iterable[int], knows: Knows, settings: dict[str, Any], tell: bool
) -> tuple[Reader, list[str]]:
    """A reader at the beginning of a text, and the words that it is to read."""
    if isinstance(text, Document):
        settings = text.settings
    else:
        settings = _settings(**{"kinds": None, "chapters": None, "promises": True, **settings})
    words = _words(_tokens(text))
    if knows is not everything and settings.get("kinds") != ("record",) and words[:1] != ["register"]:
        raise ValueError("a reader who knows fewer facts is possible for pages of the register only: kinds='record'")
    return Reader(_Beginning(settings, knows), LEXICONS, tell), words
