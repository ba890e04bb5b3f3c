"""What all still pictures share: colours, the dress of a chart, bands, levels, and words for a text alternative.

A chart module has three functions: `plot(record)` draws, `finding(record)` is the title, computed from what is drawn,
and `alt_text(record)` is the picture in words. One that is named after a claim takes the record of the claim; one whose
name begins with `lab_` takes what a lab's run gave.
"""

from collections.abc import Sequence
from statistics import median
from textwrap import shorten
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by shape and line as well. Attention alone and the transformer are drawn last and
# hollow, because their points lie on those of attention on a GRU.
BLUE, RED, GREEN, YELLOW = "#0072B2", "#D55E00", "#009E73", "#E69F00"
COLOURS = {"RNN": "#000000", "LSTM": "#CC79A7", "GRU": RED, "GRU + attention": BLUE}
COLOURS |= {"convolution": "#56B4E9", "attention": GREEN, "transformer": YELLOW}
MARKERS = {"RNN": "x", "LSTM": "D", "GRU": "o", "GRU + attention": "s", "convolution": "v", "attention": "^"}
MARKERS |= {"transformer": "p"}
SURFACE = "#ffffff"  # explicit, so that dark ink stays readable on a dark page
INK = "#333333"
NOT_RECORDED = "Nothing has been recorded at this scale yet, so there is no band to compare with."

Style = tuple[str, str, str]  # colour, marker, line


def canvas(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (8.4, 4.4), title: str = "", **more: Any
) -> tuple["Figure", list["Axes"]]:
    """A figure with charts, row by row; a title goes above all of them, where it is wider than one chart.

    It is closed at once: a notebook draws the figure that is returned, and one left open would be drawn twice.
    """
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=size, facecolor=SURFACE, layout="constrained", squeeze=False, **more
    )
    plt.close(figure)
    if title:
        headline(figure, title)
    return figure, list(axes.flat)


def headline(figure: "Figure", title: str) -> None:
    """A title over the whole figure."""
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)


def dress(axes: "Axes", title: str) -> None:
    """The look that all charts of the course share."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_facecolor(SURFACE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    if axes.get_legend_handles_labels()[0]:
        legend(axes)
    axes.minorticks_off()


def legend(axes: "Axes", loc: str = "best", **more: Any) -> None:
    """The legend of a chart."""
    axes.legend(frameon=False, labelcolor=INK, loc=loc, **more)


def legend_below(figure: "Figure", ncols: int = 3, **more: Any) -> None:
    """One legend below the figure, of its first chart, in the place of those of the charts."""
    for axes in figure.axes:
        if axes.get_legend():
            axes.get_legend().remove()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=ncols, frameon=False, labelcolor=INK, **more)


# What is drawn -----------------------------------------------------------------------------------------------------


def middle(rows: Sequence[Sequence[float]]) -> dict[str, list[float]]:
    """Of each place the median, the lowest and the highest of the seeds."""
    columns = list(zip(*rows))
    return {"median": list(map(median, columns)), "low": list(map(min, columns)), "high": list(map(max, columns))}


def ribbon(
    axes: "Axes", x: Sequence[float], its: dict[str, Any], colour: str, *, alpha: float = 0.25, **line: Any
) -> None:
    """A line through the medians, and the band from the lowest to the highest."""
    axes.fill_between(x, its["low"], its["high"], color=colour, alpha=alpha, lw=0)
    axes.plot(x, its["median"], color=colour, **line)


def band(axes: "Axes", x: Sequence[float], rows: Sequence[Sequence[float]], style: Style, label: str, **more) -> None:
    """A line with the range of the seeds, and some markers."""
    colour, marker, line = style
    every = max(1, len(x) // 7)
    look = {"marker": marker, "markevery": every, "ls": line, "label": label, "markersize": 5, **more}
    ribbon(axes, x, middle(rows), colour, alpha=0.2, **look)


def level(axes: "Axes", at: float, x: float, words: str, ls: str) -> None:
    """A horizontal line that is judged by, named where it begins."""
    axes.axhline(at, color=INK, lw=0.8, ls=ls)
    axes.annotate(f"{words}, {at:.2f}", (x, at), (0, 4), textcoords="offset points", color=INK)


def misses(intervals: Sequence[dict[str, float]], middle: str = "value") -> list[list[float]]:
    """How far below and above each value its interval reaches, as an error bar wants it."""
    return [[its[middle] - its["low"] for its in intervals], [its["high"] - its[middle] for its in intervals]]


def shares(axes: "Axes", title: str, ylabel: str, xlabel: str) -> None:
    """Axes of a share of replies."""
    axes.set_ylim(-0.02, 1.03)
    axes.set_ylabel(ylabel)
    axes.set_xlabel(xlabel)
    dress(axes, title)


def percent(axes: "Axes", xlabel: str) -> None:
    """A horizontal axis of shares, in percent."""
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel(xlabel)


def rows(axes: "Axes", names: Sequence[str]) -> None:
    """Names for the rows of a chart, the first one above."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def heat_map(axes: "Axes", values: Sequence[Sequence[float]], columns: Sequence[str], title: str, label: str) -> None:
    """Numbers from 0, white, to 1, dark: one row of the values for each row, the columns named below."""
    image = axes.imshow(values, cmap="Blues", vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axes.figure.colorbar(image, ax=axes, label=label)
    dress(axes, title)
    axes.grid(False)
    axes.set_xticks(range(len(columns)), columns, rotation=90, fontsize=8)


# What is said ------------------------------------------------------------------------------------------------------


def one_line(text: str) -> str:
    """A title without its line breaks, for a text alternative."""
    return text.replace("\n", " ")


def seeds(n: int) -> str:
    """How many of them."""
    return f"{n} seed{'s' if n > 1 else ''}"


def millions(tokens: int) -> str:
    """A number of tokens as people say it."""
    return f"{tokens / 1e6:.1f} million" if tokens >= 1e6 else f"{tokens:,}"


def spoken(texts: Sequence[str], longest: int = 200) -> list[dict[str, str]]:
    """Replies as a moving picture shows them, up to so many characters."""
    return [{"text": shorten(text, longest, placeholder=" …")} for text in texts]


def ends_of(networks: dict[str, Any]) -> str:
    """Of each network's recorded losses the first and the last, in words."""
    medians = {name: line["loss"]["all"]["median"] for name, line in networks.items()}
    return "; ".join(f"{name} from {its[0]:.2f} to {its[-1]:.2f}" for name, its in medians.items())
