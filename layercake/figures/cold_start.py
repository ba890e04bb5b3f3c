"""The claim cold-start: the reward over the steps, from three starts and for two rewards."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, INK, RED, YELLOW, band, canvas, one_line, shares
from layercake.training import smooth

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STARTS = {"from scratch": (RED, "s", "--"), "pretrained": (YELLOW, "D", ":"), "supervised": (BLUE, "o", "-")}


def finding(record: dict[str, Any]) -> str:
    """What is never done is never learned, in a title."""
    n = record["numbers"]
    return (
        f"Paid for right replies: {n['scratch_right_last']:.0%} from scratch, {n['pretrained_right_last']:.0%} "
        f"pretrained, {n['supervised_right_last']:.0%} supervised;\npaid for right ones that cite: "
        f"{n['scratch_right_and_cites_last']:.0%}, {n['pretrained_right_and_cites_last']:.0%} and "
        f"{n['supervised_right_and_cites_last']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for paid, starts in record["data"].items():
        each = "; ".join(
            f"{start} {median(its['first']):.2f} to {median(its['last']):.2f}, "
            f"never above {max(map(max, its['reward'])):.2f}{', and stopped' * _all_stopped(its)}"
            for start, its in starts.items()
        )
        said.append(f"Paid for {paid}: {each}")
    return (
        "Two charts of the mean reward over the steps, one for each reward, with a line for each start; from the first "
        f"step to the last. {'. '.join(said)}. {one_line(finding(record))}."
    )


def _all_stopped(its: dict[str, Any]) -> bool:
    return all(its["stopped"])


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, for each start and each reward; where all runs were stopped a line ends."""
    figure, both = canvas(1, 2, title=finding(record))
    for axes, (paid, starts) in zip(both, record["data"].items()):
        for start, its in starts.items():
            _draw(axes, start, its)
        shares(axes, f"Paid for: {paid}", "mean reward", "step")
    return figure


def _draw(axes: "Axes", start: str, its: dict[str, Any]) -> None:
    rows = [smooth(row) for row in its["reward"]]
    longest = max(map(len, rows))
    rows = [[*row, *row[-1:] * (longest - len(row))] for row in rows]  # a stopped run goes on as it was
    hollow = {"markersize": 10, "markerfacecolor": "none"} if start == "from scratch" else {}  # others lie on it
    band(axes, range(1, longest + 1), rows, STARTS[start], start, **hollow)
    if _all_stopped(its):
        axes.annotate("stopped", (longest, rows[0][-1]), (9, -3), textcoords="offset points", color=INK)
