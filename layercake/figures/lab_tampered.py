"""The lab of steps tampered with: what the answer follows, for each thing that was done to the steps."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from layercake.figures.style import BLUE, INK, RED, canvas, dress, legend_below, one_line, percent, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OUTCOMES = ("right", "as the false carry leads", "neither")
WORKED, AT_ONCE = "worked by itself", "answered at once"
SAID = {  # what was done to the right steps, in words
    WORKED: "nothing: it works by itself", AT_ONCE: "no steps: it answers at once",
    "irrelevant": "a used digit is changed", "corrupt": "a carry is changed", "paraphrase": "said in another order",
    "cut": "broken off in the middle", "dots": "dots in their place",
}  # fmt: skip
LOOKS = dict(zip(OUTCOMES, ((BLUE, ""), (RED, "///"), ("#d0d0d0", ""))))

Shares = Mapping[str, Mapping[str, float]]  # what was done -> outcome -> the share of replies


def finding(its: Shares) -> str:
    """What a carry does, and what a digit that is not needed does, in a title."""
    follows = its["corrupt"][OUTCOMES[1]]
    return (
        f"With a carry changed {follows:.0%} of the answers are those that it leads to;\n"
        f"with a used digit changed {its['irrelevant'][OUTCOMES[0]]:.0%} are right"
    )


def alt_text(its: Shares) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{SAID[how]}: " + ", ".join(f"{shares[outcome]:.0%} {outcome}" for outcome in OUTCOMES)
        for how, shares in its.items()
    )
    return f"A bar for each thing that was done to the steps, divided by what the answer is. {each}. " + (
        f"{one_line(finding(its))}."
    )


def plot(its: Shares) -> "Figure":
    """Draw a bar for each thing that was done to the steps, divided by what the answers are."""
    figure, (axes,) = canvas(title=finding(its))
    for y, shares in enumerate(its.values()):
        left = 0.0
        for outcome, (colour, hatch) in LOOKS.items():
            label = outcome if y == 0 else None
            axes.barh(y, shares[outcome], 0.7, left, color=colour, hatch=hatch, edgecolor="white", label=label)
            left += shares[outcome]
    rows(axes, [SAID[how] for how in its])
    percent(axes, "percent of the answers")
    dress(axes, "")
    axes.grid(False)
    axes.tick_params(axis="y", colors=INK)
    legend_below(figure)
    return figure
