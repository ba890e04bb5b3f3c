"""The lab of the topic sft: of each manner the share of replies that have it, before and after tuning.

Where the assistant that ships has been recorded, it is marked in the figure.
"""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import (
    BLUE,
    GREEN,
    INK,
    RED,
    SURFACE,
    canvas,
    dress,
    headline,
    legend_below,
    misses,
    one_line,
    percent,
)
from layercake.village import experts
from layercake.village.experts import LEFT, MAKES_UP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shares = dict[str, dict[str, float]]  # exam -> manner -> share of the replies that are asked for it


# Told apart by their markers as well.
STYLES = {"before": (RED, "o"), "after": (GREEN, "s"), "after, at temperature 1": (BLUE, "x")}
ASKED = {"right": "right", "cites": "cites its source", "asks back": "asks back, where it should"}
ASKED |= {"admits": "admits, where it does not know", "first person": "in the first person"}
ASKED |= {"as polite": "as polite as the question", MAKES_UP: "makes up what nobody knows", LEFT: LEFT}


def recorded() -> dict[str, Any] | None:
    """The recorded exam of the assistant that ships, or None where there is none."""
    return results.find("assistant")


def finding(shares: Shares, steps: int) -> str:
    """The facts, the habit and the honesty, after and before, in a title."""
    before, after = shares["before"], shares["after"]
    right, cites, admits = (f"{after[it]:.0%} (before {before[it]:.0%})" for it in ("right", "cites", "admits"))
    return (
        f"After {steps:,} steps the model is right in {right}, and cites its source in {cites};\n"
        f"it admits what it does not know in {admits}"
    )


def alt_text(shares: Shares, steps: int) -> str:
    """The figure in words."""
    before, after, drawn = (shares[name] for name in STYLES)
    each = "; ".join(
        f"{words} {before[manner]:.0%} before, {after[manner]:.0%} after, {drawn[manner]:.0%} at temperature 1"
        for manner, words in ASKED.items()
    )
    said = (
        "Chart of the share of replies that have each manner, of those that should have it, before and after tuning; "
        f"the experts have each of {len(experts.MANNERS)} manners in 100%, and do neither of the last two things. "
        f"{each}. {one_line(finding(shares, steps))}."
    )
    if record := recorded():
        its = ", ".join(f"{words} {_recorded(record)[manner]['value']:.0%}" for manner, words in ASKED.items())
        said += f" The assistant that ships: {its}."
    return said


def _recorded(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of each manner the share, with its interval, of the assistant that ships."""
    return record["data"]["exams"]["assistant"]["manners"]


def plot(shares: Shares, steps: int) -> "Figure":
    """Draw each manner's way from before to after, the experts' share, and, where recorded, that of what ships."""
    figure, (axes,) = canvas(size=(8.4, 5))
    rows = {manner: row + 0.5 * (manner not in experts.MANNERS) for row, manner in enumerate(ASKED)}  # a gap between
    experts_do = [float(manner in experts.MANNERS) for manner in ASKED]
    axes.plot(experts_do, list(rows.values()), "|", color=INK, markersize=16, label="the experts", clip_on=False)
    if record := recorded():
        _mark_recorded(axes, rows, record)
    for manner, row in rows.items():
        ends = [shares["before"][manner], shares["after"][manner]]
        axes.plot(ends, [row, row], color="#bbbbbb", lw=1.5, zorder=1)
    for name, (colour, marker) in STYLES.items():
        values = [shares[name][manner] for manner in ASKED]
        filled = {} if name == "after" or marker == "x" else {"markerfacecolor": SURFACE}
        axes.plot(values, list(rows.values()), marker, color=colour, markersize=7, label=name, clip_on=False, **filled)
    axes.set_yticks(list(rows.values()), list(ASKED.values()))
    axes.invert_yaxis()
    percent(axes, "replies, of those that are asked for it (%)")
    dress(axes, "")
    headline(figure, finding(shares, steps))
    legend_below(figure)
    return figure


def _mark_recorded(axes: "Axes", rows: dict[str, float], record: dict[str, Any]) -> None:
    """The interval that holds the share of each manner, of the assistant that ships."""
    its = [_recorded(record)[manner] for manner in rows]
    axes.errorbar(
        [share["value"] for share in its], [row + 0.28 for row in rows.values()],
        xerr=misses(its), fmt="D", color="#CC79A7", markersize=4, capsize=3,
        lw=1.2, clip_on=False, label="the assistant that ships, recorded, 95% interval",
    )  # fmt: skip
