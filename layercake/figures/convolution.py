"""The claim convolution: recall against distance, with a vertical line where each convolution's reach ends."""

from typing import TYPE_CHECKING, Any

from layercake.figures.recall import bounds
from layercake.figures.style import BLUE, GREEN, YELLOW, canvas, dress, legend_below, one_line, ribbon

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(record: dict[str, Any]) -> str:
    """How much arrives from beyond each reach."""
    beyond = [f"{line['beyond']['share_right']:.2f}" for line in record["data"]["recall"]]
    reaches = [str(line["reach"]) for line in record["data"]["recall"]]
    return (
        f"Beyond a reach of {', '.join(reaches)} symbols a convolution is right\n"
        f"{', '.join(beyond)} of the time, where chance is {record['data']['chance']:.2f}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure of the claim in words."""
    said = []
    for line in record["data"]["recall"]:
        last = max(i for i, distance in enumerate(line["distance"]) if distance <= line["reach"])
        said.append(
            f"reach {line['reach']}: {line['median'][0]:.2f} at distance 1, {line['median'][last]:.2f} at "
            f"{line['distance'][last]}, {line['median'][last + 1]:.2f} at {line['distance'][last + 1]}"
        )
    return (
        f"Line chart of the share of right answers against distance for convolutions, bands over {record['repeats']} "
        f"seeds, a vertical line at each reach. {one_line(finding(record))}. {'; '.join(said)}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw recall against distance for the convolutions of experiments/convolution.py, with their reaches."""
    figure, (axes,) = canvas(size=(7, 5))
    for line, colour, marker in zip(record["data"]["recall"], (YELLOW, BLUE, GREEN), ("o", "s", "^")):
        label = f"{len(line['dilations'])} layers, reach {line['reach']}"
        ribbon(axes, line["distance"], line, colour, marker=marker, label=label, markersize=5)
        axes.axvline(line["reach"], color=colour, lw=1, ls="--")
    bounds(axes, record["data"]["recall"][0]["distance"][-1], record["data"]["chance"])
    dress(axes, finding(record))
    legend_below(figure, fontsize=8.5)
    return figure
