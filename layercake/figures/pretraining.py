"""The claim pretraining: the transformer beside the recurrent networks, on as much of the same text."""

import statistics
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.lab_language import loss_axes
from layercake.figures.language import curves
from layercake.figures.style import canvas, dress, ends_of, legend, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def networks_beside(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The curves of the transformer and of the recurrent networks after as much text, at the scale claimed about."""
    scale, curve = record["numbers"]["scale"], record["numbers"]["curve"]
    return {"transformer": record["data"][curve], **results.load("language")["data"][scale]["networks"]}


def finding(record: dict[str, Any]) -> str:
    """The gaps, in a title."""
    bound = record["numbers"]["bound"]
    gaps = ", ".join(
        f"{name} {statistics.median(row[-1] for row in line['loss']['all']['seeds']) - bound:.2f}"
        for name, line in networks_beside(record).items()
    )
    return f"Nats per token above the best possible reader,\nafter as much text: {gaps}"


def alt_text(record: dict[str, Any]) -> str:
    """The figure of the transformer and the recurrent networks, in words."""
    n = record["numbers"]
    return (
        f"Line chart of the loss on {n['documents']} new documents in nats per token, against the tokens read, up to "
        f"{n['tokens']:,}; bands over the seeds. {ends_of(networks_beside(record))}. The exact bound is "
        f"{n['bound']:.2f}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw loss against tokens read, for the transformer and the recurrent networks of the claim language."""
    figure, (axes,) = canvas(size=(7, 4.8))
    curves(axes, networks_beside(record))
    loss_axes(axes, record["numbers"]["tokens"], record["numbers"]["bound"])
    dress(axes, finding(record))
    legend(axes, "upper right")
    return figure
