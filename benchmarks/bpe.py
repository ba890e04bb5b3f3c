"""How fast byte-level BPE learns and encodes: ours, the library `tokenizers`, and counting anew for each merge.

    python benchmarks/bpe.py [--write]

Two texts. *Documentation* is 10 MB of real English with code in it, gathered from what is installed with Python here:
the language reference in `pydoc_data.topics`, the packages' READMEs, changes and licences, and what stands between
triple quotes in their modules, each document once, in the order of their paths. Another environment has other
packages, and another text; what one run says of the three rivals holds for one text. *Village* is generated, with few
distinct words.

All run on one core, in turn, in one process; processor time, so that other programs on the machine count for little.
The library gets the pattern that ours cuts words with, and the bytes in the order of ours, so that it must learn the
same merges, ties included, and give the same tokens: the run stops where it does not. Counting anew is too slow for
10 MB, so it is compared with ours on a slice.
"""

import hashlib
import itertools
import json
import os
import re
import statistics
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated, Any

os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one core, as ours; read when the library first runs

import tokenizers
import typer
from rich.console import Console
from rich.table import Table
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from layercake import village
from layercake.corpus import END_OF_TEXT
from solutions.tokenizer import WORD, Pair, encode, merge_pair, split_words, train_bpe

REPEATS = 3
N_BYTES, SLICE_BYTES = 10_000_000, 300_000
VILLAGE_TOKENS = 200_000
VOCAB_SIZES = {
    "documentation": (1024, 4096),
    "village": (1024,),
}  # the village has no 4,096: all its words are whole before
TEXT_FILES = {".md", ".rst"}
TEXT_NAMES = re.compile(r"METADATA|(LICEN[CS]E|COPYING|NOTICE|AUTHORS|CHANGES|NEWS|README).*", re.IGNORECASE)
DOCSTRING = re.compile(r'"""(.+?)"""', re.DOTALL)
console = Console()


# The texts ---------------------------------------------------------------------------------------------------------


def installed_documents() -> Iterator[str]:
    """Every piece of documentation that is installed with this Python, texts before docstrings, in a fixed order."""
    yield from (topics[name] for name in sorted(topics))
    standard, packages = (Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib"))
    files = [path for path in sorted(packages.rglob("*")) if path.is_file()]
    for path in files:
        if path.suffix in TEXT_FILES or (path.suffix != ".py" and TEXT_NAMES.fullmatch(path.name)):
            yield path.read_text("utf-8", errors="ignore")
    modules = [path for path in sorted(standard.rglob("*.py")) if "site-packages" not in path.parts]
    for path in [*modules, *(path for path in files if path.suffix == ".py")]:
        yield from DOCSTRING.findall(path.read_text("utf-8", errors="ignore"))


def documentation(n_bytes: int = N_BYTES) -> list[str]:
    """Documents of that size in all, each different, each with the mark of its end."""
    known, size = {}, 0
    for document in installed_documents():
        document = document.strip() + "\n" + END_OF_TEXT.decode()
        if document not in known:
            known[document] = None
            size += len(document.encode())
        if size >= n_bytes:
            return list(known)
    raise SystemExit(f"The documentation installed here has {size:,} bytes; {n_bytes:,} are needed: install more.")


def village_text(n_tokens: int = VILLAGE_TOKENS) -> list[str]:
    """The village's text, as one document."""
    return [village.decode(village.stream(n_tokens).tolist()) + END_OF_TEXT.decode()]


# The rivals --------------------------------------------------------------------------------------------------------


def naive_bpe(text: str, vocab_size: int) -> list[Pair]:
    """The same merges, with the pairs of all words counted anew for each of them."""
    times = Counter(split_words(text))
    words = {word: list(word.encode()) for word in times}
    merges = []
    for new in range(256, vocab_size):
        counts = Counter()
        for word, tokens in words.items():
            for pair in itertools.pairwise(tokens):
                counts[pair] += times[word]
        merges.append(min(counts, key=lambda pair: (-counts[pair], pair)))
        words = {word: merge_pair(tokens, merges[-1], new) for word, tokens in words.items()}
    return merges


def byte_characters() -> list[str]:
    """The character that the library writes for each of the 256 bytes."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = [byte for byte in range(256) if byte not in shown]
    characters = {byte: chr(byte) for byte in shown} | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    return [characters[byte] for byte in range(256)]


def library(model: models.BPE) -> Tokenizer:
    """The library with the words of `split_words`, and bytes."""
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(f"(?x){WORD.pattern}"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def library_bpe(documents: list[str], vocab_size: int) -> list[Pair]:
    """The merges that the library learns."""
    tokenizer = library(models.BPE())
    # Named as special tokens, the bytes get the numbers 0 to 255, which decide ties; left to itself, the library
    # numbers them by the characters it writes for them.
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=byte_characters(), show_progress=False)
    tokenizer.train_from_iterator(documents, trainer)
    return learned(tokenizer)


def learned(tokenizer: Tokenizer) -> list[Pair]:
    """The merges of a tokenizer of the library, as pairs of tokens."""
    model = json.loads(tokenizer.to_str())["model"]
    return [(model["vocab"][first], model["vocab"][second]) for first, second in model["merges"]]


def library_with(merges: list[Pair]) -> Tokenizer:
    """The library with merges of ours, and our numbers for the tokens."""
    pieces = byte_characters()
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    vocabulary = {piece: token for token, piece in enumerate(pieces)}
    return library(models.BPE(vocabulary, [(pieces[first], pieces[second]) for first, second in merges]))


# Measuring ---------------------------------------------------------------------------------------------------------


def timed(rivals: dict[str, Callable[[], Any]], repeats: int = REPEATS) -> dict[str, list[float]]:
    """The processor seconds that each rival takes, by repeat, in turn; stops where their results differ."""
    seconds, results = {name: [] for name in rivals}, {}
    for repeat in range(repeats):
        for name in list(rivals) if repeat % 2 == 0 else reversed(rivals):
            started = time.process_time()
            results[name] = rivals[name]()
            seconds[name].append(time.process_time() - started)
    ours, *others = results.values()
    if any(other != ours for other in others):
        raise SystemExit(f"{' and '.join(results)} do not give the same.")
    return seconds


def spread(values: list[float], form: str = ",.2f") -> str:
    """The median, and the lowest and highest."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def add_rows(table: Table, what: str, seconds: dict[str, list[float]], amount: float | None = None) -> None:
    """One row for each rival; `amount` is of what a second's share is shown, else it is the seconds."""
    ours = next(iter(seconds.values()))
    for name, taken in seconds.items():
        shown = spread(taken) if amount is None else spread([amount / one for one in taken], ",.0f")
        ratio = "1" if taken is ours else spread([theirs / mine for mine, theirs in zip(ours, taken, strict=True)])
        table.add_row(what if taken is ours else "", name, shown, ratio)


def new_table(title: str, unit: str) -> Table:
    table = Table("Text", "By", unit, "Time, ours = 1", title=title)
    for column in table.columns:
        column.no_wrap = True
    return table


def slice_of(documents: list[str], n_bytes: int = SLICE_BYTES) -> str:
    """Every n-th document, so that the slice is made of the same kinds, about that size."""
    every = sum(len(document.encode()) for document in documents) // n_bytes
    return "".join(documents[::every])


def training(texts: dict[str, list[str]]) -> tuple[Table, dict[str, Any]]:
    """The seconds that learning takes, as a table, and as they are."""
    table, taken = new_table("Learning the merges", "Seconds"), {}
    for name, documents in texts.items():
        text = "".join(documents)
        for vocab_size in VOCAB_SIZES[name]:
            rivals = {
                "ours": lambda: train_bpe(text, vocab_size),
                "tokenizers": lambda: library_bpe(documents, vocab_size),
            }
            console.print(f"learning {vocab_size:,} tokens from the {name}", style="dim")
            what = f"{name}, {len(text.encode()) / 1e6:.1f} MB, {vocab_size:,} tokens"
            taken[what] = timed(rivals)
            add_rows(table, what, taken[what])
    text, vocab_size = slice_of(texts["documentation"]), min(VOCAB_SIZES["documentation"])
    console.print("counting anew", style="dim")
    rivals = {"ours": lambda: train_bpe(text, vocab_size), "counting anew": lambda: naive_bpe(text, vocab_size)}
    what = f"a slice, {len(text.encode()) / 1e6:.1f} MB, {vocab_size:,} tokens"
    taken[what] = timed(rivals, repeats=1)
    add_rows(table, what, taken[what])
    return table, taken


def encoding(texts: dict[str, list[str]]) -> tuple[Table, dict[str, Any]]:
    """The library gets the documents one by one, and gives no offsets: its fastest way. Ours gets one text."""
    table, taken = new_table("Encoding, with merges learned from the text", "Tokens per second"), {}
    for name, documents in texts.items():
        text = "".join(documents)
        merges = train_bpe(text, max(VOCAB_SIZES[name]))
        tokenizer = library_with(merges)
        console.print(f"encoding the {name}", style="dim")

        def by_library() -> list[int]:
            encodings = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
            return [token for encoding in encodings for token in encoding.ids]

        n_tokens = len(encode(text, merges))
        seconds = timed({"ours": lambda: encode(text, merges), "tokenizers": by_library})
        what = f"{name}, {256 + len(merges):,} tokens of {len(text.encode()) / n_tokens:.2f} bytes"
        taken[f"{what}, {n_tokens:,} in all"] = seconds
        add_rows(table, what, seconds, n_tokens)
    return table, taken


def main(
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/bpe.json.")] = False,
) -> None:
    """Compare the speed of learning and of encoding with the library's and with counting anew, in one run."""
    from benchmarks.rivals import finish  # here: it loads transformers, and tests load this module

    started, started_wall = time.process_time(), time.perf_counter()
    texts = {"documentation": documentation(), "village": village_text()}
    for name, documents in texts.items():
        data = "".join(documents).encode()
        n_words = len(set(split_words(data.decode())))
        digest = hashlib.sha256(data).hexdigest()[:16]
        console.print(f"{name}: {len(data):,} bytes, {n_words:,} distinct words, SHA-256 {digest}…", highlight=False)
    measured = {}
    for what, measure in (("learning", training), ("encoding", encoding)):
        table, measured[what] = measure(texts)
        console.print(table)
    console.print(
        f"Processor seconds of one core; median (lowest to highest) of {REPEATS} repeats, one where it counts anew. "
        f"tokenizers {tokenizers.__version__}. In all {time.process_time() - started:.0f} s of the processor, "
        f"{time.perf_counter() - started_wall:.0f} s by the clock.",
        highlight=False,
    )
    about = {"tokenizers": tokenizers.__version__, "processor_seconds": measured}
    finish("bpe", "python benchmarks/bpe.py", time.perf_counter() - started_wall, about, write)


if __name__ == "__main__":
    typer.run(main)
