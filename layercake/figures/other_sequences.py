"""The claim other-sequences: what a pixel and a reading cost, and digits with a patch filled in."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, INK, RED, SURFACE, dress, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODEL, COUNTED = BLUE, "#999999"


def finding(record: dict[str, Any]) -> str:
    """The finding, computed from the measurement."""
    n = record["numbers"]
    counted = min(n["digits_places"], n["digits_ngram"])
    return (
        f"One model, two sequences: a pixel for {n['digits_model']:.2f} nats (counted: {counted:.2f}),\n"
        f"a reading for {n['log_model']:.3f} (counted: {n['log_ngram']:.3f}, the law itself: {n['log_exact']:.3f})"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    n = record["numbers"]
    return (
        f"Above, bars of the mean surprisal. {one_line(finding(record))}. By the levels seen at each place a "
        f"pixel costs {n['digits_places']:.2f}, by {n['digits_ngram_n']}-grams {n['digits_ngram']:.2f}. Below, "
        f"{len(record['data']['digits']['examples'])} digits with a censored patch: hidden, as drawn by the model, and "
        "as written."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the mean surprisal on both sequences with baselines and bound, and digits with their patch filled in."""
    from matplotlib import pyplot as plt

    examples = record["data"]["digits"]["examples"]
    figure = plt.figure(figsize=(7, 7.6), facecolor=SURFACE, layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(2, 3))
    for part in (above, below):
        part.set_facecolor(SURFACE)
    axes = above.subplots()
    _bars(axes, _costs(record))
    dress(axes, finding(record))
    rows = ("censored", "drawn", "written")
    grid = below.subplots(len(rows), len(examples))
    for column, example in enumerate(examples):
        for row, kind in enumerate(rows):
            _digit(grid[row][column], example, kind)
        grid[0][column].set_title(f"digit {column + 1}", fontsize=9, color=INK)
    for row, kind in enumerate(rows):
        grid[row][0].set_ylabel(kind, color=INK)
    plt.close(figure)  # as in `canvas`
    return figure


def _costs(record: dict[str, Any]) -> list[tuple[str, float, tuple[float, float], str]]:
    """Each bar: what it is, how high, from the lowest to the highest seed, and its colour."""
    n, data = record["numbers"], record["data"]
    picture, log = data["digits"]["model"], data["sensor log"]["model"]

    def counted(what: str, value: float) -> tuple[str, float, tuple[float, float], str]:
        return what, value, (value, value), COUNTED

    return [
        counted("pixel: by its place", n["digits_places"]),
        counted(f"pixel: {n['digits_ngram_n']}-grams", n["digits_ngram"]),
        ("pixel: the model", n["digits_model"], (min(picture), max(picture)), MODEL),
        counted(f"reading: {n['log_ngram_n']}-grams", n["log_ngram"]),
        ("reading: the model", n["log_model"], (min(log), max(log)), MODEL),
        ("reading: the law itself", n["log_exact"], (n["log_exact"], n["log_exact"]), RED),
    ]


def _bars(axes: "Axes", costs: list[tuple[str, float, tuple[float, float], str]]) -> None:
    for place, (_, value, (low, high), colour) in enumerate(costs):
        axes.barh(place, value, color=colour, xerr=[[value - low], [high - value]], ecolor=INK, label="_")
        axes.annotate(f"{value:.3f}", (high, place), (4, 0), textcoords="offset points", va="center", color=INK)
    axes.set_yticks(range(len(costs)), [what for what, *_ in costs])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(high for *_, (_, high), _ in costs))
    axes.set_xlabel("mean surprisal (nats), less is better")


def _digit(axes: "Axes", example: dict[str, Any], kind: str) -> None:
    """One digit: as written, with the patch hidden, or with the patch as the model drew it."""
    from matplotlib.patches import Rectangle

    row, column = example["patch"]
    pixels = [list(line) for line in example["truth"]]
    for i in range(16 if kind != "written" else 0):
        pixels[row + i // 4][column + i % 4] = example["drawn"][i] if kind == "drawn" else 0
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=16)
    frame = {"edgecolor": RED, "linewidth": 1.5, "fill": kind == "censored", "facecolor": "#dddddd"}
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 4, 4, **frame))
    axes.set(xticks=[], yticks=[])
