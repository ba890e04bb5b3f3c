"""The lab's clock: the time of one training step against the length of the text, for each reader."""

from typing import TYPE_CHECKING, Any

from layercake.figures.lab_recall import READERS
from layercake.figures.style import COLOURS, MARKERS, canvas, dress, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def finding(times: dict[str, Any], names: tuple[str, ...] = READERS) -> str:
    """The finding, computed from the measurement: who is fastest at the greatest length, and by how much."""
    median = {name: times[name]["median_ms"][-1] for name in names}
    fast, slow = min(median, key=median.get), max(median, key=median.get)
    return (
        f"At {times['length'][-1]} symbols on a {times['device'].upper()}, a step of {fast} takes "
        f"{median[fast]:.0f} ms,\nof {slow} {median[slow] / median[fast]:.1f} times that"
    )


def alt_text(times: dict[str, Any], names: tuple[str, ...] = READERS) -> str:
    """The figure in words."""
    ends = "; ".join(
        f"{name}: {times[name]['median_ms'][0]:.1f} ms at {times['length'][0]} symbols, "
        f"{times[name]['median_ms'][-1]:.1f} ms at {times['length'][-1]}"
        for name in names
    )
    found = one_line(finding(times, names))
    return f"Line chart of the time of one training step against the length of the text. {found}. {ends}."


def plot(times: dict[str, Any], names: tuple[str, ...] = READERS) -> "Figure":
    """Draw the time of a training step against the length: medians, with a band from quartile to quartile."""
    figure, (axes,) = canvas(size=(7, 4.2))
    draw(axes, times, names)
    return figure


def draw(axes: "Axes", times: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        line, colour = times[name], COLOURS[name]
        axes.fill_between(times["length"], line["low_ms"], line["high_ms"], color=colour, alpha=0.2, linewidth=0)
        axes.plot(times["length"], line["median_ms"], color=colour, marker=MARKERS[name], label=name)
    axes.set_ylabel("time of one training step (ms)")
    by_doubling(axes, times)
    dress(axes, finding(times, names))


def by_doubling(axes: "Axes", times: dict[str, Any]) -> None:
    """Both axes by doubling, in plain numbers."""
    from matplotlib.ticker import ScalarFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_xticks(times["length"], [str(length) for length in times["length"]])
    axes.set_xlabel(f"length of the text (symbols), {times['batch_size']} texts at once")
