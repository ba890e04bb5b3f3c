"""The lab of grades: what each step of your training saw, and your exams, over those recorded."""

from collections.abc import Mapping, Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.cherry import HOW
from layercake.figures.style import BLUE, GREEN, RED, SURFACE, band, dress, headline, one_line
from layercake.training import smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOGS = {  # what a step notes: the chart's title and its unit
    "reward": ("What is paid for", "mean reward"), "kl": ("Distance from the start", "nats a reply"),
    "length": ("Length", "tokens a reply"), "entropy": ("What is left open", "nats a token"),
}  # fmt: skip


Log = Mapping[str, Sequence[float]]  # what is noted of a step -> step by step
Exams = Mapping[str, float]  # exam -> the share of right replies


def finding(log: Log, exams: Exams) -> str:
    """Before and after, in a title."""
    before, after = (exams[f"{when}, drawn"] for when in ("before", "after"))
    steps = len(log["reward"])
    return (
        f"After {steps:,} steps of grading {after:.0%} of the replies to new questions are right, before {before:.0%}"
    )


def alt_text(log: Log, exams: Exams) -> str:
    """The figure in words."""
    ends = ", ".join(f"{key} {mean(log[key][:5]):.2f} to {mean(log[key][-5:]):.2f}" for key in LOGS)
    said = ", ".join(f"{name} {right:.0%}" for name, right in exams.items())
    return (
        f"Four charts over the steps of the training, beside the recorded runs, from the first five steps to the last: "
        f"{ends}. A fifth of right replies to new questions: {said}. {one_line(finding(log, exams))}."
    )


def plot(log: Log, exams: Exams) -> "Figure":
    """Draw reward, distance, length and entropy, step by step, and the exams before and after, over those recorded."""
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplot_mosaic(
        [["reward", "kl"], ["length", "entropy"], ["exams", "exams"]],
        figsize=(8.4, 8.4), height_ratios=(3, 3, 2), facecolor=SURFACE, layout="constrained",
    )  # fmt: skip
    plt.close(figure)  # as in `canvas`
    record = results.find("cherry")
    its = record["data"]["at random"] if record else None
    for key, (title, unit) in LOGS.items():
        over_steps(all_axes[key], log[key], [smooth(row) for row in its["log"][key]] if its else [], title, unit)
    _exams(all_axes["exams"], exams, its)
    headline(figure, finding(log, exams))
    return figure


def over_steps(axes: "Axes", yours: Sequence[float], rows: list[list[float]], title: str, unit: str) -> None:
    """Your values over the steps, and the recorded ones where there are any."""
    if rows:
        band(axes, range(1, len(rows[0]) + 1), rows, (BLUE, "o", "-"), f"recorded, {len(rows)} seeds")
    axes.plot(range(1, len(yours) + 1), smooth(yours), color=GREEN, lw=2.5, label="yours")
    axes.set_xlabel("step")
    axes.set_ylabel(unit)
    dress(axes, title)


def _exams(axes: "Axes", exams: Exams, recorded: dict[str, Any] | None) -> None:
    """Right replies to new questions before and after; a bar is the range of the recorded seeds."""
    for when, colour, marker, shift in (("before", RED, "s", -0.14), ("after", GREEN, "o", 0.14)):
        for y, how in enumerate(HOW):
            if recorded:
                values = recorded[f"{when}, {how}"]
                label = f"recorded, {len(values)} seeds" if (when, y) == ("before", 0) else None
                axes.barh(y + shift, max(values) - min(values), 0.24, min(values), color=BLUE, alpha=0.3, label=label)
        values = [exams[f"{when}, {how}"] for how in HOW]
        axes.plot(values, [shift, 1 + shift], marker, color=colour, markersize=8, label=f"yours, {when}")
    axes.set_yticks(range(len(HOW)), HOW.values())
    axes.set_ylim(1.5, -0.5)
    axes.set_xlim(0, 1.03)
    axes.set_xlabel("share of right replies")
    dress(axes, "New questions")
