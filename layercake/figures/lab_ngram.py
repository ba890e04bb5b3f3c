"""The lab of counting: the loss of n-grams against the text counted, down to the exact bound."""

import math
from typing import TYPE_CHECKING, Protocol

from layercake import village
from layercake.figures.style import BLUE, GREEN, RED, YELLOW, canvas, dress, legend_below, level, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {1: "#000000", 2: YELLOW, 3: BLUE, 4: RED, 5: GREEN}
MARKERS = {1: "x", 2: "o", 3: "s", 4: "^", 5: "D"}


class Texts(Protocol):
    """What the figure has to know of the text."""

    sizes: tuple[int, ...]  # how much of it was counted, step by step
    bound: float  # nats per token


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
        f"{math.log(len(village.VOCABULARY)):.2f}. "
        f"{one_line(finding(losses, sample))}."
    )


def plot(losses: dict[int, list[float]], sample: Texts) -> "Figure":
    """Draw the losses over the amount of text, with the bound below and knowing nothing above."""
    figure, (axes,) = canvas(size=(7, 4.8))
    for n, row in losses.items():
        axes.plot(sample.sizes, row, color=COLOURS[n], marker=MARKERS[n], label=f"n = {n}")
    nothing = math.log(len(village.VOCABULARY))
    level(axes, nothing, sample.sizes[0], "all tokens alike", ":")
    level(axes, sample.bound, sample.sizes[0], "exact bound", "-")
    axes.set_xscale("log")
    axes.set_ylim(0, nothing * 1.15)
    axes.set_xlabel("text counted (tokens)")
    axes.set_ylabel("loss on new text (nats per token)")
    dress(axes, finding(losses, sample))
    legend_below(figure, ncols=len(losses))
    return figure
