"""The claim beyond-the-base: pass@k of every arm, and of each problem its chance before and after verified rewards."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import (
    BLUE,
    GREEN,
    INK,
    RED,
    YELLOW,
    Style,
    band,
    canvas,
    dress,
    legend_below,
    middle,
    one_line,
    shares,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES: dict[str, Style] = {
    "base": (INK, "x", "-"),
    "base at temperature 0.5": (INK, "v", ":"),
    "base made to work": ("#56B4E9", "^", "--"),
    "base with its heading": ("#777777", "", "-."),
    "verified rewards": (BLUE, "o", "-"),
    "its own right replies": (GREEN, "s", "--"),
    "a coin's rewards": (YELLOW, "D", "--"),
    "rewards for form": ("#CC79A7", "p", "--"),
}
TITLES = {"may work": "It may write its steps", "at once": "It has to answer at once"}
TRAINED = "verified rewards"
LEAST = 1e-7  # a chance below it is drawn there


def ends(record: dict[str, Any], task: str, arm: str) -> tuple[float, float]:
    """pass@1 and pass@k of all draws, the median of the seeds."""
    curves = record["data"]["tasks"][task][arm]["pass@k"]
    return median(row[0] for row in curves), median(row[-1] for row in curves)


def finding(record: dict[str, Any]) -> str:
    """Both tasks, in a title: what is gained on the same problems."""
    k, said = f"{record['data']['draws']:,}", []
    for task, words in (("may work", "Where steps may be written"), ("at once", "at once")):
        ahead = record["data"]["tasks"][task][TRAINED]["ahead"]
        first, last = (f"{100 * ahead[key]['value']:+.0f}".replace("-", "−") for key in ("first", "last"))
        said.append(f"{words}, verified rewards change pass@1 by {first} points and pass@{k} by {last}")
    return ";\n".join(said)


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    data, said = record["data"], []
    for task, arms in data["tasks"].items():
        each = "; ".join(f"{arm} {first:.0%} to {last:.0%}"
                         for arm in arms for first, last in [ends(record, task, arm)])  # fmt: skip
        before, after = points(record, task)
        better = sum(b > a for a, b in zip(before, after))
        said.append(
            f"{TITLES[task]}, from one try to {data['draws']:,}: {each}. Of {len(before)} problems {better} have a "
            "better chance after verified rewards"
        )
    return (
        "Two columns of two charts, one column for each task. Above, the share of problems solved against the number "
        "of tries, a line for each arm, with the range of the seeds for the base and after verified rewards. Below, "
        "the chance of a right reply for each problem, after verified rewards "
        f"against before, on logarithmic axes. {'. '.join(said)}. {one_line(finding(record))}."
    )


def points(record: dict[str, Any], task: str) -> tuple[list[float], list[float]]:
    """The exact chance of each problem of all seeds, of the base and after verified rewards."""
    arms = record["data"]["tasks"][task]
    before, after = ([chance for row in arms[arm]["chances"] for chance in row] for arm in ("base", TRAINED))
    return before, after


def plot(record: dict[str, Any]) -> "Figure":
    """Draw pass@k of all arms for each task, and below it each problem's chance before and after."""
    figure, axes = canvas(2, 2, size=(9.6, 8.6), title=finding(record))
    data = record["data"]
    for i, (task, arms) in enumerate(data["tasks"].items()):
        tries = [2**j for j in range(len(arms["base"]["pass@k"][0]))]
        for arm, its in arms.items():
            if arm in ("base", TRAINED):
                band(axes[i], tries, its["pass@k"], STYLES[arm], arm, lw=2.2)
            else:  # without the range of the seeds: eight of them would hide each other
                colour, marker, line = STYLES[arm]
                look = {"color": colour, "marker": marker, "ls": line, "lw": 1.2, "markersize": 5, "label": arm}
                axes[i].plot(tries, middle(its["pass@k"])["median"], **look)
        axes[i].set_xscale("log", base=2)
        shares(axes[i], TITLES[task], "share of problems solved", "tries (k)")
        axes[i].set_xticks(some := tries[::2], [f"{k:,}" for k in some])
        _problems(axes[2 + i], *points(record, task), data["draws"])
    legend_below(figure, ncols=4, fontsize=9)
    return figure


def _problems(axes: "Axes", before: list[float], after: list[float], draws: int) -> None:
    """A dot for each problem; above the line its chance has grown."""
    x, y = ([max(chance, LEAST) for chance in its] for its in (before, after))
    axes.plot([LEAST, 1], [LEAST, 1], color=INK, lw=0.8)
    axes.axvline(1 / draws, color=INK, lw=0.8, ls=":")
    axes.axhline(1 / draws, color=INK, lw=0.8, ls=":")
    axes.annotate(f"1 in {draws:,}", (1 / draws, LEAST), (4, 2), textcoords="offset points", color=INK, fontsize=8)
    axes.scatter(x, y, s=9, color=RED, alpha=0.5, lw=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(LEAST / 2, 2)
    axes.set_ylim(LEAST / 2, 2)
    axes.set_xlabel("chance of a right reply, base")
    axes.set_ylabel("after verified rewards")
    dress(axes, "Each problem")
