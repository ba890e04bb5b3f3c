"""Which submissions share what few others have. Likeness is no proof: a person compares, and asks.

Winnowed fingerprints, as MOSS takes them (Schleimer, Wilkerson & Aiken 2003), with an index of who has which. Of each
submission three things are read: what it says (Markdown, comments, docstrings), its code word for word, and the form of
its code, in which every chosen name is the same word. What was released, the reference, the checks and what many have
count for nothing, since short functions are alike in honest work. Nothing is executed: one regular expression cuts a
bounded part of each submission into words, in linear time, whether or not it is Python.

The library `copydetect` winnows too, but compares files pair by pair, weighs no passage by how many have it, and leaves
comments and written answers out.
"""

import ast
import hashlib
import keyword
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from typing import NamedTuple

from nbformat import NotebookNode

from autograder.checking.topic import CHECKS, ROOT

WINDOW = 4  # of so many fingerprints in a row one is kept: a shared run of `run + WINDOW - 1` words is always found
MAX_LETTERS = 100_000  # that are read of a submission's own code, and as many of its text
MAX_SHARED = 2_000  # fingerprints that are counted for two submissions: many times what is enough
SHARED_BY_MANY = 0.05  # of a class: what more have than this is no evidence, unless it is three or fewer
SMALL, LARGE = 20, 50  # a smaller class counts as one of 20; one of 50 shows well enough what is rare
SHOWN_PAIRS, SHOWN_PASSAGES, SHOWN_LINES, SHOWN_LETTERS, MARGIN = 5, 3, 12, 700, 80
COLAB_BADGE = "view-in-github"  # the cell that Colab puts on top
LEXER = re.compile(
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<string>'''[\s\S]*?(?:'''|\Z)|\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'(?:\\.|[^'\\\n])*'?|\"(?:\\.|[^\"\\\n])*\"?)"
    r"|(?P<name>\w+)|(?P<sign>[^\w\s])"
)
WORD = re.compile("[\u3040-\u30ff\u3400-\u9fff]|[^\\W\u3040-\u30ff\u3400-\u9fff]+")  # or a sign that is a word
MARKUP = re.compile(r"<[^<>]*>|!?\[[^\[\]]*\]\([^()]*\)|https?://\S+")


class Token(NamedTuple):
    """A word of a submission, and where it stands."""

    cell: int
    start: int
    end: int
    said: str
    form: str


@dataclass(frozen=True)
class Way:
    """A way of reading: the words of a run that counts, and of how many that nobody else has one is enough."""

    stream: str
    words: str
    run: int
    enough: int


WAYS = (Way("prose", "said", 6, 30), Way("code", "said", 12, 100), Way("code", "form", 20, 300))


@dataclass
class Document:
    """The cells of a submission that differ from what was released, as words."""

    cells: list[str] = field(default_factory=list)
    code: list[Token] = field(default_factory=list)
    prose: list[Token] = field(default_factory=list)

    def tokens(self, stream: str) -> list[Token]:
        return getattr(self, stream)

    @property
    def whole(self) -> str:
        """All that it says, for comparing letter by letter; empty where nothing was written."""
        said = {token.cell for token in (*self.code, *self.prose)}
        return "\n\n".join(self.cells[cell].strip() for cell in sorted(said))


@dataclass(frozen=True)
class Passage:
    """What two submissions share, as it stands in each: `prose` or `code`."""

    stream: str
    left: str
    right: str


@dataclass(frozen=True)
class Pair:
    """Two submissions that are unusually alike. A likeness of 1 is the least that is reported."""

    left: str
    right: str
    likeness: float
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True)
class Group:
    """Submissions of which each is unusually like another one, and the pairs that are most alike."""

    members: tuple[str, ...]
    pairs: tuple[Pair, ...]
    identical: bool  # cell for cell, all of them

    @property
    def likeness(self) -> float:
        return self.pairs[0].likeness if self.pairs else 0.0


# --- Reading --------------------------------------------------------------------------------------------------


def own_work(notebook: NotebookNode, released: NotebookNode) -> Document:
    """The words of the cells that are not as they were released."""
    given = {_plain(cell.source) for cell in released.cells}
    cells = (cell for cell in notebook.cells if cell.metadata.get("id") != COLAB_BADGE)
    return document((cell.cell_type, cell.source) for cell in cells if _plain(cell.source) not in given)


def _plain(source: str) -> str:
    return source.replace("\r\n", "\n").strip()


def document(cells: Iterable[tuple[str, str]]) -> Document:
    """Cells, each with its type, as words."""
    made, left = Document(), {"code": MAX_LETTERS, "markdown": MAX_LETTERS}
    for kind, source in cells:
        kind = "code" if kind == "code" else "markdown"
        source = source[: left[kind]].replace("\r\n", "\n")
        left[kind] -= len(source)
        made.cells.append(source)
        if kind == "code":
            _read_code(made, source)
        else:
            made.prose += _words(source, len(made.cells) - 1)
    return made


def _read_code(made: Document, source: str) -> None:
    """Cut code into words: comments and longer strings are prose; a name counts by itself only as an attribute."""
    cell, before = len(made.cells) - 1, ""
    for found in LEXER.finditer(source):
        said, kind = found[0], found.lastgroup
        if kind == "comment" or (kind == "string" and said.count(" ") > 2):
            made.prose += _words(said, cell, found.start())
        if kind != "comment" and said not in "(),":  # which a formatter adds and takes away
            named = kind == "name" and not said[0].isdigit() and before != "." and not keyword.iskeyword(said)
            form = kind if named or kind == "string" else said
            made.code.append(Token(cell, found.start(), found.end(), said.strip("\"'"), form))
            before = said


def _words(text: str, cell: int, offset: int = 0) -> Iterator[Token]:
    plain = MARKUP.sub(lambda markup: " " * len(markup[0]), text)
    for found in WORD.finditer(plain):
        word = found[0].lower()
        yield Token(cell, offset + found.start(), offset + found.end(), word, word)


def known_work(topic: str, released: NotebookNode) -> Document:
    """What everybody may have: the released cells, the reference with and without type hints, the known mistakes."""
    reference = (ROOT / "solutions" / f"{topic}.py").read_text(encoding="utf-8")
    checks = [
        path.read_text(encoding="utf-8") for path in [*sorted((CHECKS / topic).glob("*.py")), CHECKS / "common.py"]
    ]
    cells = [(cell.cell_type, cell.source) for cell in released.cells]
    return document([*cells, *(("code", source) for source in (reference, _without_hints(reference), *checks))])


def _without_hints(source: str) -> str:
    """A source of ours as a learner leaves it who takes the type hints off."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.unparse(tree)


# --- Fingerprints ---------------------------------------------------------------------------------------------


def _hashes(tokens: list[Token], way: Way) -> Iterator[tuple[int, int]]:
    """The position and the hash of each run of words within a cell."""
    words = [getattr(token, way.words) for token in tokens]
    for at in range(len(tokens) - way.run + 1):
        if tokens[at].cell == tokens[at + way.run - 1].cell:
            gram = "\n".join(words[at : at + way.run]).encode(errors="replace")
            yield at, int.from_bytes(hashlib.blake2b(gram, digest_size=8).digest())


def _winnowed(tokens: list[Token], way: Way) -> dict[int, int]:
    """Of all hashes in each window the least, and where it stands."""
    hashes, kept = list(_hashes(tokens, way)), {}
    for at in range(max(bool(hashes), len(hashes) - WINDOW + 1)):
        position, least = min(hashes[at : at + WINDOW], key=lambda entry: (entry[1], -entry[0]))
        kept.setdefault(least, position)
    return kept


def _rarity(count: int, size: int) -> float:
    """1 where two of a class of 50 have something, less in a smaller class and where more have it; 0 for many."""
    if count > max(3, SHARED_BY_MANY * size):
        return 0
    return min(1.0, math.log(max(size, SMALL) / count) / math.log(LARGE / 2))


# --- Comparing ------------------------------------------------------------------------------------------------

Names = tuple[str, str]


class Shared(NamedTuple):
    """A fingerprint that two submissions have: where it begins in each, how it was read, and how rare it is."""

    at: tuple[int, int]
    way: Way
    rarity: float


def alike(documents: dict[str, Document], known: Document) -> list[Group]:
    """The submissions that share more than is usual, the most alike first; `known` is no evidence."""
    found = _shared(documents, known)
    close = {names: value for names, shared in found.items() if (value := _worth(shared)) >= 1}
    groups = [_group(members, documents, close, found) for members in _connected([*close, *_identical(documents)])]
    return sorted(groups, key=lambda group: (-group.likeness, group.members))


def likeness(documents: dict[str, Document], known: Document) -> dict[Names, float]:
    """How alike any two submissions are that share anything at all."""
    return {names: _worth(shared) for names, shared in _shared(documents, known).items()}


def _shared(documents: dict[str, Document], known: Document) -> dict[Names, list[Shared]]:
    found: dict[Names, list[Shared]] = defaultdict(list)
    for way in WAYS:
        _look_for(way, dict(sorted(documents.items())), known, found)
    return found


def _look_for(way: Way, documents: dict[str, Document], known: Document, found: dict[Names, list[Shared]]) -> None:
    """Add what is shown by one way of reading: each fingerprint that few have, for each two who have it."""
    no_evidence = {value for _, value in _hashes(known.tokens(way.stream), way)}
    prints = {name: _winnowed(document.tokens(way.stream), way) for name, document in documents.items()}
    counts = Counter(value for kept in prints.values() for value in kept)
    owners = defaultdict(list)
    for name, kept in prints.items():
        for value, position in kept.items():
            if counts[value] > 1 and _rarity(counts[value], len(documents)) and value not in no_evidence:
                owners[value].append((name, position))
    for entries in owners.values():
        rarity = _rarity(len(entries), len(documents))
        for (left, at_left), (right, at_right) in combinations(entries, 2):
            if len(found[left, right]) < MAX_SHARED:
                found[left, right].append(Shared((at_left, at_right), way, rarity))


def _worth(shared: list[Shared]) -> float:
    """The sum of what each shared word adds, on the side where that is less."""
    return min(sum(_gains(side, shared).values()) for side in (0, 1))


def _gains(side: int, shared: list[Shared]) -> dict[tuple[str, int], float]:
    """What each shared word of one side adds to the likeness: by the way of reading that says most."""
    gains: dict[tuple[str, int], float] = defaultdict(float)
    for at, way, rarity in shared:
        for place in range(at[side], at[side] + way.run):
            gains[way.stream, place] = max(gains[way.stream, place], rarity / way.enough)
    return gains


def _identical(documents: dict[str, Document]) -> list[Names]:
    """Pairs that chain together those who say the same, letter by letter."""
    owners = defaultdict(list)
    for name, document in documents.items():
        if whole := document.whole:
            owners[whole].append(name)
    return [pair for names in owners.values() for pair in pairwise(names)]


def _connected(pairs: Iterable[Names]) -> list[tuple[str, ...]]:
    """The names that pairs join, directly or through others."""
    group_of: dict[str, set[str]] = {}
    for left, right in pairs:
        joined = group_of.get(left, {left}) | group_of.get(right, {right})
        group_of |= dict.fromkeys(joined, joined)
    return [tuple(sorted(group)) for group in {id(group): group for group in group_of.values()}.values()]


def _group(members: tuple[str, ...], documents: dict[str, Document], close: dict[Names, float], found: dict) -> Group:
    """A group with the closest pair of each member; what one pair shows already is not shown with the next."""
    pairs, seen, said = [], set(), set()
    for names in sorted(filter(close.get, combinations(members, 2)), key=lambda names: (-close[names], names)):
        if seen >= {*names} or len(pairs) == SHOWN_PAIRS:
            continue
        passages = _passages((documents[names[0]], documents[names[1]]), found[names])
        new = tuple(passage for passage in passages if not {passage.left, passage.right} <= said)
        pairs.append(Pair(*names, close[names], new))
        seen |= {*names}
        said |= {text for passage in passages for text in (passage.left, passage.right)}
    return Group(members, tuple(pairs), len({documents[name].whole for name in members}) == 1)


# --- Showing --------------------------------------------------------------------------------------------------


@dataclass
class _Run:
    """Shared fingerprints in a row: where they begin and end in each submission, and what they are worth."""

    stream: str
    begins: tuple[int, int]
    ends: tuple[int, int]
    worth: float


def _passages(pair: tuple[Document, Document], shared: list[Shared]) -> list[Passage]:
    """The longest runs that two submissions share, by what they are worth."""
    runs = [run for stream in ("prose", "code") for run in _runs(stream, pair, shared)]
    runs.sort(key=lambda run: -run.worth)
    return [Passage(run.stream, *(_text(pair[side], run, side) for side in (0, 1))) for run in runs[:SHOWN_PASSAGES]]


def _runs(stream: str, pair: tuple[Document, Document], shared: list[Shared]) -> list[_Run]:
    runs: list[_Run] = []
    for at, way, rarity in sorted((one for one in shared if one.way.stream == stream), key=lambda one: one.at):
        ends = at[0] + way.run, at[1] + way.run
        if runs and all(_goes_on(pair[side].tokens(stream), runs[-1].ends[side], at[side], way) for side in (0, 1)):
            runs[-1].ends = tuple(map(max, runs[-1].ends, ends))
            runs[-1].worth += rarity / way.enough
        else:
            runs.append(_Run(stream, at, ends, rarity / way.enough))
    return runs


def _goes_on(tokens: list[Token], end: int, start: int, way: Way) -> bool:
    """Whether what begins at `start` goes on with what ends at `end`: near it, and in the same cell."""
    return abs(start - end) <= way.run + WINDOW and tokens[start].cell == tokens[end - 1].cell


def _text(document: Document, run: _Run, side: int) -> str:
    """A run as it was written, with what stands around it on its first and last line, and cut where it is long."""
    tokens = document.tokens(run.stream)
    first, last = tokens[run.begins[side]], tokens[run.ends[side] - 1]
    source = document.cells[first.cell]
    before = source[max(0, first.start - MARGIN) : first.start].rpartition("\n")[2]
    after = source[last.end : last.end + MARGIN].partition("\n")[0]
    lines = (before + source[first.start : last.end] + after).splitlines()
    text = "\n".join(lines[:SHOWN_LINES])[:SHOWN_LETTERS]
    return text if len(lines) <= SHOWN_LINES and len(text) < SHOWN_LETTERS else f"{text} …"
