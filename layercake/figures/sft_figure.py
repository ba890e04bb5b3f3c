"""The figure of a tuning: of each manner the share of replies that have it, before and after.

`plot` is the lab's, with its finding and its text alternative in words. Where the assistant that ships has been
recorded, it is marked in the figure.
"""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.recall_figure import INK, SURFACE, dress, one_line
from layercake.labs.sft import LEFT, MAKES_UP, Tuned, manners
from layercake.village import experts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by their markers as well.
STYLES = {"before": ("#D55E00", "o"), "after": ("#009E73", "s"), "after, at temperature 1": ("#0072B2", "x")}
ASKED = {"right": "right", "cites": "cites its source", "asks back": "asks back, where it should"}
ASKED |= {"admits": "admits, where it does not know", "first person": "in the first person"}
ASKED |= {"as polite": "as polite as the question", MAKES_UP: "makes up what nobody knows", LEFT: LEFT}


def recorded() -> dict[str, Any] | None:
    """The recorded exam of the assistant that ships, or None where there is none."""
    return results.find("assistant")


def shares(tuned: Tuned) -> dict[str, dict[str, float]]:
    """What the three exams say, manner by manner."""
    return {name: manners(exam) for name, exam in zip(STYLES, (tuned.before, tuned.after, tuned.drawn))}


def finding(tuned: Tuned) -> str:
    """The facts, the habit and the honesty, after and before, in a title."""
    before, after = (manners(exam) for exam in (tuned.before, tuned.after))
    right, cites, admits = (f"{after[it]:.0%} (before {before[it]:.0%})" for it in ("right", "cites", "admits"))
    steps = len(tuned.history.loss)
    return (
        f"After {steps:,} steps the model is right in {right}, and cites its source in {cites};\n"
        f"it admits what it does not know in {admits}"
    )


def alt_text(tuned: Tuned) -> str:
    """The figure in words."""
    before, after, drawn = shares(tuned).values()
    each = "; ".join(
        f"{words} {before[manner]:.0%} before, {after[manner]:.0%} after, {drawn[manner]:.0%} at temperature 1"
        for manner, words in ASKED.items()
    )
    said = (
        "Chart of the share of replies that have each manner, of those that should have it, before and after tuning; "
        f"the experts have each of {len(experts.MANNERS)} manners in 100%, and do neither of the last two things. "
        f"{each}. {one_line(finding(tuned))}."
    )
    if record := recorded():
        its = ", ".join(f"{words} {_recorded(record)[manner]['value']:.0%}" for manner, words in ASKED.items())
        said += f" The assistant that ships: {its}."
    return said


def _recorded(record: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Of each manner the share, with its interval, of the assistant that ships."""
    return record["data"]["exams"]["assistant"]["manners"]


def plot(tuned: Tuned) -> "Figure":
    """Draw each manner's way from before to after, the experts' share, and, where recorded, that of what ships."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8.4, 5), facecolor=SURFACE, layout="constrained")
    rows = {manner: row + 0.5 * (manner not in experts.MANNERS) for row, manner in enumerate(ASKED)}  # a gap between
    experts_do = [float(manner in experts.MANNERS) for manner in ASKED]
    axes.plot(experts_do, list(rows.values()), "|", color=INK, markersize=16, label="the experts", clip_on=False)
    if record := recorded():
        _mark_recorded(axes, rows, record)
    its = shares(tuned)
    for manner, row in rows.items():
        axes.plot([its["before"][manner], its["after"][manner]], [row, row], color="#bbbbbb", lw=1.5, zorder=1)
    for name, (colour, marker) in STYLES.items():
        values = [its[name][manner] for manner in ASKED]
        filled = {} if name == "after" or marker == "x" else {"markerfacecolor": SURFACE}
        axes.plot(values, list(rows.values()), marker, color=colour, markersize=7, label=name, clip_on=False, **filled)
    axes.set_yticks(list(rows.values()), list(ASKED.values()))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel("replies, of those that are asked for it (%)")
    dress(axes, "")
    axes.get_legend().remove()
    figure.suptitle(finding(tuned), x=0.01, ha="left", color=INK, fontsize=11)  # wider than the chart
    figure.legend(loc="outside lower center", ncols=3, frameon=False, labelcolor=INK)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def _mark_recorded(axes: "Axes", rows: dict[str, float], record: dict[str, Any]) -> None:
    """The interval that holds the share of each manner, of the assistant that ships."""
    its = [_recorded(record)[manner] for manner in rows]
    values, lows, highs = ([share[key] for share in its] for key in ("value", "low", "high"))
    misses = [[v - low for v, low in zip(values, lows)], [high - v for v, high in zip(values, highs)]]
    axes.errorbar(
        values, [row + 0.28 for row in rows.values()], xerr=misses, fmt="D", color="#CC79A7", markersize=4, capsize=3,
        lw=1.2, clip_on=False, label="the assistant that ships, recorded, 95% interval",
    )  # fmt: skip
