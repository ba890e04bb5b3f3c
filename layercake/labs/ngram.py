"""The lab of the prediction topic: how good can counting get?

N-grams are counted on more and more text of the village, and judged on text that was not counted: the loss, beside
that of the best reader there can be, whose probabilities are exact because the village's grammar is known. All are
asked about the same tokens of the same documents. What counts, smooths, scores and draws is handed in by the caller.

No GPU is used: counting is a matter of dictionaries.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from layercake import village
from layercake.device import check_scale
from layercake.figures.lab_ngram import alt_text, best, finding, plot

__all__ = [
    "LENGTHS", "SIZES", "Texts", "alt_text", "best", "example", "finding", "loss_of", "plot", "run", "table", "texts",
    "write",
]  # fmt: skip

SIZES = {  # tokens of text to count, and documents of the validation split to judge on
    "smoke": ((1_000, 10_000, 100_000), 10),
    "laptop": ((1_000, 10_000, 100_000, 1_000_000), 60),
    "colab": ((1_000, 10_000, 100_000, 1_000_000, 3_000_000), 120),
}
LENGTHS = (1, 2, 3, 4, 5)  # of the n-grams
SHARED = max(LENGTHS) - 1  # the first tokens are context only, so that all n are asked about the same ones


@dataclass(frozen=True)
class Texts:
    """What is counted, what is judged on, and the best possible loss there."""

    train: Tensor  # (N), the longest text
    validation: Tensor  # (M), documents end to end
    sizes: tuple[int, ...]  # how much of `train` is counted, step by step
    bound: float  # nats per token: the mean of -log of the exact probabilities, on the tokens that are asked
    n_bytes: int  # of those tokens, as text

    @property
    def n_tokens(self) -> int:
        """The tokens that are asked."""
        return len(self.validation) - SHARED


def texts(scale: str, seed: int = 0) -> Texts:
    """Text of the village for one scale. Raises ValueError for an unknown one."""
    sizes, n_documents = SIZES[check_scale(scale)]
    train = torch.from_numpy(village.stream(sizes[-1], seed=seed).astype(np.int64))
    documents = list(islice(village.documents(seed, "validation"), n_documents))
    tokens = [token for document in documents for token in document.tokens]
    exact = np.concatenate([village.surprisal(document) for document in documents])
    n_bytes = len(village.decode(tokens[SHARED:]).encode())
    return Texts(train, torch.tensor(tokens), sizes, float(exact[SHARED:].mean()), n_bytes)


def example(sample: Texts, n_tokens: int = 60) -> str:
    """The beginning of the text that is judged on, as a person reads it, and how much there is."""
    start = village.decode(sample.validation[:n_tokens].tolist())
    return (
        f"{start} ...\n\n{len(sample.train):,} tokens to count, {sample.n_tokens:,} to be judged on "
        f"({sample.n_bytes:,} bytes), {len(village.VOCABULARY)} different ones."
    )


def loss_of(
    counts: Any, n: int, validation: Tensor, ngram_probabilities: Callable, cross_entropy: Callable, k: float
) -> float:
    """The mean loss of counted n-grams on the tokens that are asked, in nats. Logits are the logarithms."""
    ids, known = validation.tolist(), {}
    contexts = [tuple(ids[at - n + 1 : at]) for at in range(SHARED, len(ids))]
    for context in contexts:
        if context not in known:
            known[context] = torch.as_tensor(ngram_probabilities(counts, context, len(village.VOCABULARY), k))
    logits = torch.stack([known[context] for context in contexts]).log()  # (M, vocab_size)
    return float(cross_entropy(logits, validation[SHARED:]))


def run(
    count_ngrams: Callable, ngram_probabilities: Callable, cross_entropy: Callable, sample: Texts, k: float = 0.01
) -> dict[int, list[float]]:
    """The loss for each n, and in its row for each size of the text that was counted."""
    losses: dict[int, list[float]] = {n: [] for n in LENGTHS}
    with tqdm(total=len(LENGTHS) * sum(sample.sizes), unit="token", unit_scale=True) as bar:
        for n in LENGTHS:
            for size in sample.sizes:
                counts = count_ngrams(sample.train[:size], n)
                losses[n].append(loss_of(counts, n, sample.validation, ngram_probabilities, cross_entropy, k))
                bar.update(size)
    return losses


# What came out -----------------------------------------------------------------------------------------------------


def table(losses: dict[int, list[float]], sample: Texts, perplexity: Callable, bits_per_byte: Callable) -> str:
    """Loss, perplexity and bits per byte after all the text, beside the bound and beside knowing nothing."""
    rows = {"all tokens alike": math.log(len(village.VOCABULARY))}
    rows |= {f"{n}-grams": row[-1] for n, row in losses.items()} | {"the exact bound": sample.bound}
    lines = [f"{'':16} {'nats/token':>12} {'perplexity':>12} {'bits/byte':>12}"]
    for name, loss in rows.items():
        bits = bits_per_byte(loss, sample.n_tokens, sample.n_bytes)
        lines.append(f"{name:16} {loss:12.3f} {float(perplexity(loss)):12.2f} {float(bits):12.3f}")
    return "\n".join(lines)


def write(
    count_ngrams: Callable,
    ngram_probabilities: Callable,
    draw: Callable[[Tensor], Tensor],
    sample: Texts,
    n: int,
    n_tokens: int = 40,
    k: float = 0.0,
    opening: str = "Chapter 1\n",
) -> str:
    """Go on with a story from its opening, token by token, from the counts of all the text; `draw(logits)` chooses.

    It stops at the end of the document, or, with k = 0, where the context was never seen: marked "[never seen]".
    """
    counts = count_ngrams(sample.train, n)
    written = [village.END] * SHARED + village.encode(opening)
    for _ in range(n_tokens):
        try:
            probabilities = ngram_probabilities(
                counts, tuple(written[len(written) - n + 1 :]), len(village.VOCABULARY), k
            )
        except ValueError:
            return village.decode(written[SHARED:]) + " [never seen]"
        written.append(int(draw(torch.as_tensor(probabilities).log())))
        if written[-1] == village.END:
            break
    return village.decode(written[SHARED:])
