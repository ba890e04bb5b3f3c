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
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from layercake import village
from layercake.device import check_scale
from layercake.figures.recall_figure import INK, SURFACE, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZES = {  # tokens of text to count, and documents of the validation split to judge on
    "smoke": ((1_000, 10_000, 100_000), 10),
    "laptop": ((1_000, 10_000, 100_000, 1_000_000), 60),
    "colab": ((1_000, 10_000, 100_000, 1_000_000, 3_000_000), 120),
}
LENGTHS = (1, 2, 3, 4, 5)  # of the n-grams
COLOURS = {1: "#000000", 2: "#E69F00", 3: "#0072B2", 4: "#D55E00", 5: "#009E73"}  # Okabe & Ito's
MARKERS = {1: "x", 2: "o", 3: "s", 4: "^", 5: "D"}
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


def best(losses: dict[int, list[float]]) -> list[int]:
    """The n with the lowest loss, for each size."""
    return [min(losses, key=lambda n: losses[n][step]) for step in range(len(next(iter(losses.values()))))]


def finding(losses: dict[int, list[float]], sample: Texts) -> str:
    """What the curves show, computed from them."""
    winners = best(losses)
    lowest = min(row[-1] for row in losses.values())
    return (
        f"After {sample.sizes[0]:,} tokens n = {winners[0]} is best, after {sample.sizes[-1]:,} n = {winners[-1]};\n"
        f"the best is still {lowest - sample.bound:.2f} nats above the bound"
    )


def alt_text(losses: dict[int, list[float]], sample: Texts) -> str:
    """The figure in words."""
    ends = ", ".join(f"n = {n} from {row[0]:.2f} to {row[-1]:.2f}" for n, row in losses.items())
    return (
        f"Line chart of the loss on new text, in nats per token, against the text counted, {sample.sizes[0]:,} to "
        f"{sample.sizes[-1]:,} tokens: {ends}. The exact bound is {sample.bound:.2f}, all tokens alike would be "
        f"{math.log(len(village.VOCABULARY)):.2f}. " + finding(losses, sample).replace("\n", " ") + "."
    )


def plot(losses: dict[int, list[float]], sample: Texts) -> "Figure":
    """Draw the losses over the amount of text, with the bound below and knowing nothing above."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.8), facecolor=SURFACE, layout="constrained")
    for n, row in losses.items():
        axes.plot(sample.sizes, row, color=COLOURS[n], marker=MARKERS[n], label=f"n = {n}")
    nothing = math.log(len(village.VOCABULARY))
    for level, words, style in ((nothing, "all tokens alike", ":"), (sample.bound, "exact bound", "-")):
        axes.axhline(level, color=INK, lw=0.8, ls=style)
        axes.annotate(f"{words}, {level:.2f}", (sample.sizes[0], level), (0, 4), textcoords="offset points", color=INK)
    axes.set_xscale("log")
    axes.set_ylim(0, nothing * 1.15)
    axes.set_xlabel("text counted (tokens)")
    axes.set_ylabel("loss on new text (nats per token)")
    dress(axes, finding(losses, sample))
    handles, labels = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, labelcolor=INK)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def write(
    count_ngrams: Callable,
    ngram_probabilities: Callable,
    draw: Callable[[Tensor], Tensor],
    sample: Texts,
    n: int,
    n_tokens: int = 40,
    k: float = 0.0,
) -> str:
    """Go on with a new document, token by token, from the counts of all the text; `draw(logits)` chooses.

    It stops at the end of the document, or, with k = 0, where the context was never seen: marked "[never seen]".
    """
    counts = count_ngrams(sample.train, n)
    written = [village.END] * SHARED + sample.validation[:SHARED].tolist()
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
