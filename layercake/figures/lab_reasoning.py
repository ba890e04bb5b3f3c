"""The lab of verified rewards: what your steps saw, and pass@k before and after."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING

from layercake.figures.style import GREEN, RED, canvas, dress, one_line
from layercake.training import smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGS = {  # what a step notes: the chart's title and its unit
    "right": ("What is paid for", "share of right replies"), "worked": ("What nobody asks for", "share that is worked"),
    "length": ("Length", "words a reply"),
}  # fmt: skip
ENDS = 5  # steps at most: the first and the last are said in words

Log = Mapping[str, Sequence[float]]  # what is noted of a step -> step by step
Passed = Mapping[str, Mapping[int, float]]  # "before" and "after" -> k -> pass@k


def ends(values: Sequence[float]) -> tuple[float, float]:
    """The means of the first and of the last steps."""
    n = min(ENDS, max(1, len(values) // 2))
    return mean(values[:n]), mean(values[-n:])


def finding(log: Log, passed: Passed) -> str:
    """What rose with the reward, in a title."""
    right, worked, length = (ends(log[key]) for key in LOGS)
    return (
        f"Right replies go from {right[0]:.0%} to {right[1]:.0%}, those that write their steps\n"
        f"from {worked[0]:.0%} to {worked[1]:.0%}, and their length from {length[0]:.0f} to {length[1]:.0f} words"
    )


def alt_text(log: Log, passed: Passed) -> str:
    """The figure in words."""
    said = "; ".join(
        f"{when}: " + ", ".join(f"{share:.0%} at k = {k}" for k, share in its.items()) for when, its in passed.items()
    )
    return (
        f"Three charts over {len(log['right'])} steps, of right replies, of worked ones and of their length; in a "
        f"fourth pass@k on new sums, {said}. {one_line(finding(log, passed))}."
    )


def plot(log: Log, passed: Passed) -> "Figure":
    """Draw what the steps saw, and pass@k before and after."""
    figure, all_axes = canvas(2, 2, (8.4, 6.4), finding(log, passed))
    for axes, (key, (title, unit)) in zip(all_axes, LOGS.items()):
        axes.plot(range(1, len(log[key]) + 1), smooth(log[key]), color=GREEN, lw=2.5, label="yours")
        axes.set_xlabel("step")
        axes.set_ylabel(unit)
        axes.set_ylim(-0.02 if key != "length" else 0, 1.03 if key != "length" else None)
        dress(axes, title)
    _passed(all_axes[-1], passed)
    return figure


def _passed(axes: "Axes", passed: Passed) -> None:
    """The chance that one of k replies is right, before and after."""
    for (when, its), colour, marker in zip(passed.items(), (RED, GREEN), "so"):
        axes.plot(list(its), list(its.values()), marker=marker, color=colour, label=f"yours, {when}")
    axes.set_xscale("log", base=2)
    ks = list(passed["before"])
    axes.set_xticks(ks, map(str, ks))
    axes.set_xlabel("k, replies that may be tried")
    axes.set_ylabel("pass@k")
    axes.set_ylim(-0.02, 1.03)
    dress(axes, "New sums")
