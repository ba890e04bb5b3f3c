"""The claim rounds: right answers against the comparisons made so far, in one round and in several."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, RED, band, canvas, one_line, shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ONE, SEVERAL = (BLUE, "o", "--"), (RED, "s", "-")


def finding(record: dict[str, Any]) -> str:
    """One round and several, in a title."""
    n, rounds = record["numbers"], list(record["data"])
    return (
        f"Right at temperature 1: {n['before']:.0%} before, {n['one_drawn']:.0%} after one round,\n"
        f"{n['several_drawn']:.0%} after {rounds[-1]} rounds with as many comparisons in all"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{_rounds(rounds)}: "
        + ", ".join(f"{median(row):.0%} after {n:,}" for n, row in zip(its["comparisons"], its["drawn"]))
        for rounds, its in record["data"].items()
    )
    return (
        f"Chart of the share of right replies to new facts against the comparisons made so far. {each}. "
        f"{one_line(finding(record))}."
    )


def _rounds(rounds: str) -> str:
    return "one round" if rounds == "1" else f"{rounds} rounds"


def plot(record: dict[str, Any]) -> "Figure":
    """Draw right answers against the comparisons made so far."""
    figure, (axes,) = canvas(title=finding(record))
    for (rounds, its), style in zip(record["data"].items(), (ONE, SEVERAL)):
        band(axes, its["comparisons"], list(zip(*its["drawn"])), style, _rounds(rounds))
    shares(axes, "", "share of right replies, new facts", "comparisons so far")
    return figure
