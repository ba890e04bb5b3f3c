"""The lab of the topic playscript: what became of your questions; where it was recorded, what was right then."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures import playscript
from layercake.figures.playscript import Shares
from solutions.playscript import RIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def recorded() -> dict[str, Any] | None:
    """The recorded measurement, or None where there is none."""
    return results.find("playscript")


def finding(shares: Shares) -> str:
    """What hangs on the role, and what on one word."""
    return playscript.title(shares)


def alt_text(shares: Shares, questions: int) -> str:
    """The figure in words."""
    said = playscript.in_words(shares, questions)
    if record := recorded():
        right = ", ".join(f"{staging} {its[RIGHT]:.0%}" for staging, its in playscript.shares_of(record).items())
        said += f" Right where {record['settings']['questions']} questions were recorded: {right}."
    return said


def plot(shares: Shares) -> "Figure":
    """Draw your interviews; over the bars, where it was recorded, how many were right then."""
    return playscript.drawn(shares, recorded())
