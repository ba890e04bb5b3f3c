"""How many tokens of the village one core makes in a second, and of how many it knows the exact law.

    python benchmarks/village.py

Processor time of one process, so that other programs on the machine count for little; five repeats, each on new seeds.
"""

import itertools
import statistics
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from layercake import village

REPEATS = 5
N_TOKENS = {"made": 300_000, "law known": 20_000}


def tokens_per_second(seed: int, kind: str | None, n_tokens: int, law: bool) -> float:
    """Tokens made in a second of one core's time, or of which the exact entropy is computed."""
    if not law:
        started = time.process_time()
        village.stream(n_tokens, seed, kinds=kind)
        return n_tokens / (time.process_time() - started)
    documents, n_read = [], 0
    for document in itertools.takewhile(lambda _: n_read < n_tokens, village.documents(seed, kinds=kind)):
        documents.append(document)
        n_read += len(document.tokens)
    started = time.process_time()
    for document in documents:
        village.law(document)
    return n_read / (time.process_time() - started)


def repeated(measure: Callable[[int], float]) -> str:
    """The median of the repeats, and the lowest and highest of them."""
    rates = sorted(measure(seed) for seed in range(100, 100 + REPEATS))
    return f"{statistics.median(rates):,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})"


def main() -> None:
    """Measure, and print a table."""
    table = Table("Kind", *N_TOKENS, title=f"The village: tokens in a second of one core, {REPEATS} repeats")
    village.stream(10_000)  # fills what is cached
    for kind in (None, *village.KINDS):
        row = [
            repeated(lambda seed: tokens_per_second(seed, kind, n, law=what == "law known"))
            for what, n in N_TOKENS.items()
        ]
        table.add_row(kind or "all", *row)
    Console().print(table)


if __name__ == "__main__":
    main()
