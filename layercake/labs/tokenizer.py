"""The lab of the tokenizer topic: what does a vocabulary buy, and who pays?

Two tokenizers are learned, one from English (the help texts of Python) and one from Python source (the standard
library), both of which every installation has. Both read held-out English and held-out source, at vocabularies that
double: since each merge builds on those before it, the first merges of a large tokenizer are the small one. Then a text
of your own is read, by both and by a tokenizer that was learned from its first half. What learns and encodes is handed
in by the caller.

No GPU is used: all of it is a matter of dictionaries.
"""

import random
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tqdm.auto import tqdm

from layercake.device import check_scale
from layercake.figures.lab_tokenizer import alt_text, finding, plot

__all__ = ["SCALES", "Curves", "Settings", "Texts", "alt_text", "compare", "finding", "plot", "run", "table", "texts"]

N_BYTES = 256

Merges = list[tuple[int, int]]


@dataclass(frozen=True)
class Settings:
    """How much is read, and how large the vocabularies are."""

    learned: int  # characters of each text to learn from
    held_out: int  # of each text to judge on
    sizes: tuple[int, ...]  # of the vocabularies


SCALES = {
    "smoke": Settings(30_000, 10_000, (256, 512, 1024)),
    "laptop": Settings(150_000, 50_000, (256, 512, 1024, 2048)),
    "colab": Settings(230_000, 100_000, (256, 512, 1024, 2048, 4096)),
}


@dataclass(frozen=True)
class Texts:
    """What is learned from and what is judged on, by the name of the text: no document is in both."""

    learned: dict[str, str]
    held_out: dict[str, str]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Curves:
    """What each vocabulary buys: `bytes_per_token[learned from][read]`, one number for each of the sizes."""

    sizes: tuple[int, ...]
    bytes_per_token: dict[str, dict[str, list[float]]]
    merges: dict[str, Merges]  # of the largest vocabulary


def documents() -> dict[str, list[str]]:
    """The help texts of Python, and the files of its standard library."""
    from pydoc_data.topics import topics  # 0.7 MB of source, for which only this lab has a use

    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    code = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    return {"English": [topics[name] for name in sorted(topics)], "Python source": code}


def texts(scale: str, seed: int = 0) -> Texts:
    """Both texts for one scale, in the order that the seed gives. Raises ValueError for an unknown scale."""
    settings = SCALES[check_scale(scale)]
    learned, held_out = {}, {}
    for name, its in documents().items():
        random.Random(seed).shuffle(its)
        learned[name] = _taken_from(its, settings.learned)
        held_out[name] = _taken_from(its, settings.held_out)
    return Texts(learned, held_out, settings.sizes)


def _taken_from(its: list[str], n: int) -> str:
    """Take documents off the end of the list until there are n characters, and lay them end to end."""
    taken: list[str] = []
    while its and sum(map(len, taken)) < n:
        taken.append(its.pop())
    return "\n".join(taken)[:n]


def run(train_bpe: Callable, encode: Callable, sample: Texts) -> Curves:
    """Learn a tokenizer from each text, and read all held-out texts with it at each size of the vocabulary."""
    learned: dict[str, Merges] = {}
    bytes_per_token: dict[str, dict[str, list[float]]] = {}
    with tqdm(total=len(sample.learned) * (1 + len(sample.held_out)), unit="text") as bar:
        for name, text in sample.learned.items():
            learned[name] = train_bpe(text, sample.sizes[-1])
            bar.update()
            bytes_per_token[name] = {}
            for read, held_out in sample.held_out.items():
                n_tokens = [len(encode(held_out, learned[name][: size - N_BYTES])) for size in sample.sizes]
                bytes_per_token[name][read] = [len(held_out.encode()) / n for n in n_tokens]
                bar.update()
    return Curves(sample.sizes, bytes_per_token, learned)


# What came out -----------------------------------------------------------------------------------------------------


def table(curves: Curves) -> str:
    """Bytes per token at each size, and beside each what the last doubling bought."""
    lines = [f"{'learned from':14} {'reads':14}" + "".join(f"{size:>15,}" for size in curves.sizes)]
    for name, rows in curves.bytes_per_token.items():
        for read, row in rows.items():
            gains = [""] + [f" (+{after - before:.2f})" for before, after in pairwise(row)]
            lines.append(f"{name:14} {read:14}" + "".join(f"{n:7.2f}{gain:8}" for n, gain in zip(row, gains)))
    return "\n".join(lines)


def compare(text: str, train_bpe: Callable, encode: Callable, curves: Curves, vocab_size: int = 512) -> str:
    """What the second half of a text costs, by bytes, by both tokenizers, and by one learned from its first half.

    All have the same vocabulary, so that the first half has to be long enough for it; where it has too few pairs the
    ValueError of `train_bpe` says so. The halves meet at a line break or a space where there is one.
    """
    middle = max(text.rfind("\n", 0, len(text) // 2), text.rfind(" ", 0, len(text) // 2))
    middle = middle if middle > len(text) // 4 else len(text) // 2  # some languages write no spaces
    first, second = text[:middle], text[middle:]
    if not second:
        raise ValueError("the text is empty")
    n_bytes, n_merges = len(second.encode()), vocab_size - N_BYTES
    counted = {"bytes": n_bytes}
    counted |= {f"learned from {name}": len(encode(second, its[:n_merges])) for name, its in curves.merges.items()}
    counted["learned from its first half"] = len(encode(second, train_bpe(first, vocab_size)))
    lines = [
        f"{len(second):,} characters, vocabulary {vocab_size}",
        f"{'':28}{'tokens':>9}{'bytes/token':>13}{'chars/token':>13}",
    ]
    lines += [f"{name:28}{n:9,}{n_bytes / n:13.2f}{len(second) / n:13.2f}" for name, n in counted.items()]
    return "\n".join(lines)
