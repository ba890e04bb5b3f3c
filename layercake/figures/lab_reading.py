"""The lab of recall, from inside: where your attention looks when it is asked for each key of a text."""

from statistics import mean
from typing import TYPE_CHECKING, Any

from layercake.figures.style import RED, canvas, heat_map, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(reading: dict[str, Any]) -> str:
    """How much of the weight lies where the answer stands, and how often the answer was right."""
    there = mean(weights[2 * pair + 1] for pair, weights in enumerate(reading["weights"]))
    right, asked = sum(reading["right"]), len(reading["right"])
    return f"{there:.0%} of the weight lies on the value asked for; {right} of {asked} answers are right"


def alt_text(reading: dict[str, Any]) -> str:
    """The figure in words."""
    brightest = [max(range(len(weights)), key=weights.__getitem__) for weights in reading["weights"]]
    looks = ", ".join(f"{key} at {reading['symbols'][at]}" for key, at in zip(reading["keys"], brightest))
    return f"Heat map of attention weights, a row for each key asked for. {finding(reading)}. It looks most: {looks}."


def plot(reading: dict[str, Any]) -> "Figure":
    """Draw the weights: a row for each question, a column for each symbol, a frame where the answer stands."""
    from matplotlib.patches import Rectangle

    figure, (axes,) = canvas(size=(7, 4.2))
    heat_map(axes, reading["weights"], reading["symbols"], finding(reading), "weight")
    rows(axes, [f"{key}?" for key in reading["keys"]])
    for pair in range(len(reading["keys"])):
        axes.add_patch(Rectangle((2 * pair + 0.5, pair - 0.5), 1, 1, fill=False, edgecolor=RED, linewidth=1.5))
    axes.set_xlabel("the text; framed: the value that is asked for")
    return figure
