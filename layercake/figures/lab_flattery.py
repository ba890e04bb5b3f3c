"""The lab of raters who like to be agreed with: your agreement and right answers, over those recorded."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from layercake import results
from layercake.figures import sycophancy
from layercake.figures.style import GREEN, canvas, one_line, shares

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# By the share of raters, None being the apprentice before: agreement with who is wrong, and right answers to others.
Shares = Mapping[float | None, tuple[float, float]]


def finding(its: Shares) -> str:
    """The two ends, in a title."""
    first, *_, last = (share for share in its if share is not None)
    return (
        f"With {first:.0%} raters who like agreement the model agrees with {its[first][0]:.0%} of the wrong,\n"
        f"with {last:.0%} with {its[last][0]:.0%}"
    )


def alt_text(its: Shares) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{'the apprentice' if share is None else f'{share:.0%}'}: {agrees:.0%} and {right:.0%}"
        for share, (agrees, right) in its.items()
    )
    return f"{sycophancy.WHAT}: {each}. {one_line(finding(its))}."


def plot(its: Shares) -> "Figure":
    """Draw agreement and right answers against the share of raters, over those recorded."""
    figure, (axes,) = canvas(title=finding(its))
    if record := results.find("sycophancy"):
        sycophancy.lines(axes, record["data"], "recorded: ")
    its = {share: values for share, values in its.items() if share is not None}
    for i, (label, marker) in enumerate((("yours: agrees with the wrong", "X"), ("yours: right, no opinion", "P"))):
        axes.plot(list(its), [values[i] for values in its.values()], marker, color=GREEN, markersize=9, label=label)
    shares(axes, "", "share of replies", sycophancy.RATERS)
    return figure
