"""The claim chekhov-real: which word a real model finds likeliest, and which one chapter 1 has made likelier."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, INK, RED, canvas, dress, legend_below, misses, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = {"the word": (BLUE, "o", "-"), "no word": (RED, "s", "--")}
SAID = {"the word": "chapter 1 has the word", "no word": "chapter 1 says it in other words"}


def finding(record: dict[str, Any]) -> str:
    """What is likeliest, and what gains most, near and far, in a title."""
    near, *_, far = record["data"].values()
    return (
        f"What chapter 1 names is the likeliest of four in {_share(near, 'likeliest of the four')}, and gains most in "
        f"{_share(near, 'gains most')};\n{list(record['data'])[-1]} tokens further down it gains most in "
        f"{_share(far, 'gains most')}"
    )


def _share(its: dict[str, Any], what: str) -> str:
    return f"{its['the word'][what]['value']:.0%}"


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{distance} tokens, {SAID[says]}: likeliest {its[says]['likeliest of the four']['value']:.0%}, gains most "
        f"{its[says]['gains most']['value']:.0%}, by {its[says]['gain in nats']['value']:.2f} nats"
        for distance, its in record["data"].items()
        for says in SAID
    )
    return f"Charts over the distance to chapter 1. {each}. {one_line(finding(record))}."


def plot(record: dict[str, Any]) -> "Figure":
    """Draw, over the distance, how often the thing of chapter 1 is likeliest, gains most, and by how much it gains."""
    figure, axes = canvas(columns=3, size=(10.2, 4.2), title=finding(record))
    for chart, what in zip(axes, ("likeliest of the four", "gains most", "gain in nats")):
        lines(chart, record["data"], what)
        of_shares = what != "gain in nats"
        chart.axhline(0.25 if of_shares else 0.0, color=INK, lw=0.8, ls=":")
        if of_shares:
            chart.set_ylim(-0.03, 1.05)
            chart.annotate("chance", (1, 0.25), (0, 4), xycoords=("axes fraction", "data"), textcoords="offset points",
                           ha="right", color=INK, fontsize=8.5)  # fmt: skip
        chart.set_xscale("log")
        chart.set_xticks(distances := list(map(int, record["data"])), list(map(str, distances)))
        chart.set_xlabel("tokens since chapter 1")
        dress(chart, {"likeliest of the four": "Likeliest of the four (share)", "gains most": "Gains most (share)",
                      "gain in nats": "Gain over the other three (nats)"}[what])  # fmt: skip
    legend_below(figure, ncols=2)
    return figure


def lines(axes: "Axes", data: dict[str, Any], what: str) -> None:
    """One line for stories that have the word, one for those that have not, with their intervals."""
    for says, (colour, marker, line) in LOOKS.items():
        its = [of_distance[says][what] for of_distance in data.values()]
        axes.errorbar(list(map(int, data)), [one["value"] for one in its], yerr=misses(its), color=colour, capsize=3,
                      marker=marker, ls=line, label=SAID[says])  # fmt: skip
