"""The claim language: loss against tokens read for recurrent networks, the best count, and the exact bound."""

from typing import TYPE_CHECKING, Any

from layercake.figures.lab_language import loss_axes
from layercake.figures.style import COLOURS, MARKERS, YELLOW, canvas, dress, ends_of, legend, one_line, ribbon, seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def networks_of(record: dict[str, Any]) -> dict[str, Any]:
    """The part of experiments/language.py's data that is claimed about: the larger scale that was run."""
    return record["data"]["laptop" if "laptop" in record["data"] else "smoke"]


def finding(record: dict[str, Any]) -> str:
    """The gaps, in a title."""
    n = record["numbers"]
    gaps = ", ".join(f"{name} {n[f'{name.lower()}_gap']:.2f}" for name in networks_of(record)["networks"])
    return f"Nats per token above the best possible reader:\ncounting {n['ngram_gap']:.2f}, {gaps}"


def alt_text(record: dict[str, Any]) -> str:
    """The figure of the networks and the n-grams, in words."""
    n = record["numbers"]
    return (
        f"Line chart of the loss on {n['documents']} new documents in nats per token, against the tokens read, up to "
        f"{n['tokens']:,}; bands over the seeds. {ends_of(networks_of(record)['networks'])}. The best n-gram, n = "
        f"{n['ngram_n']}, has {n['ngram_loss']:.2f}, the exact bound is {n['bound']:.2f}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw loss against tokens read for the networks of experiments/language.py, the best count, and the bound."""
    n = record["numbers"]
    figure, (axes,) = canvas(size=(7, 4.8))
    curves(axes, networks_of(record)["networks"])
    axes.axhline(n["ngram_loss"], color=YELLOW, ls="--", label=f"n-grams, n = {n['ngram_n']}, counted in all of it")
    loss_axes(axes, n["tokens"], n["bound"])
    dress(axes, finding(record))
    legend(axes, "upper right")
    return figure


def curves(axes: "Axes", networks: dict[str, Any]) -> None:
    """Recorded curves, each as its layers are drawn elsewhere: medians, and the range of the seeds."""
    for name, line in networks.items():
        layers = "attention" if name == "transformer" else name
        look = {"marker": MARKERS[layers], "markersize": 4, "label": f"{name}, {seeds(line['seeds'])}"}
        ribbon(axes, line["tokens"], line["loss"]["all"], COLOURS[layers], alpha=0.3, **look)
