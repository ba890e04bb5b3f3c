"""The lab of recurrent networks, from inside: what each unit of your trained cell keeps, word by word."""

from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING

from layercake.figures.style import canvas, heat_map

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONG = 20  # words: a unit that keeps half over so many is called a long memory here


def spans(kept: Sequence[Sequence[float]]) -> list[float]:
    """Of each unit the share that is kept from one word to the next, on average over the words."""
    return [mean(unit) for unit in zip(*kept)]


def finding(kept: Sequence[Sequence[float]]) -> str:
    """How many units keep what they have for long, and how many for a word or two."""
    units, long = spans(kept), 0.5 ** (1 / LONG)
    keeps, forgets = sum(unit >= long for unit in units), sum(unit <= 0.5 for unit in units)
    return (
        f"Of {len(units)} units {keeps} keep half of what they know for {LONG} words or more,\n"
        f"{forgets} lose half with each word"
    )


def alt_text(kept: Sequence[Sequence[float]], words: Sequence[str]) -> str:
    """The figure in words."""
    least = min(range(len(kept)), key=lambda at: mean(kept[at]))
    found = finding(kept).replace("\n", " ")
    return f"Heat map of forget gates, a row for each unit. {found}. Most is forgotten at “{words[least].strip()}”."


def plot(kept: Sequence[Sequence[float]], words: Sequence[str]) -> "Figure":
    """Draw what is kept (a row for each word, a column for each unit): units below each other, the longest memory
    above; the words from left to right."""
    figure, (axes,) = canvas(size=(9, 4.6))
    span = spans(kept)
    order = sorted(range(len(span)), key=span.__getitem__, reverse=True)
    values = [[word[unit] for word in kept] for unit in order]
    heat_map(axes, values, [word.strip() or "·" for word in words], finding(kept), "forget gate: what is kept")
    axes.set_ylabel("units")
    return figure
