"""The claim playscript-real: what became of the same questions in each staging of a real model, and replies to read."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures import playscript
from layercake.figures.style import one_line
from solutions.playscript import RIGHT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(record: dict[str, Any]) -> str:
    """Examples, right and wrong, in a title."""
    none, right, wrong = (
        f"{record['data'][staging]['outcomes'][RIGHT]['value']:.0%}"
        for staging in ("ASSISTANT, 0 shown", "ASSISTANT, 4 shown", "ASSISTANT, 4 wrong ones shown")
    )
    return (
        f"The same questions: without an example {none} are right, with four {right},\n"
        f"with four wrong ones {wrong}; who is cast to answer hardly counts"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{staging}: " + ", ".join(f"{outcome} {share:.0%}" for outcome, share in its.items() if share)
        for staging, its in playscript.shares_of(record).items()
    )
    return f"Stacked bars of what became of the questions, one for each staging. {each}. {one_line(finding(record))}."


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the recorded stagings, with the interval of the right answers."""
    return playscript.drawn(playscript.shares_of(record), record, finding(record))


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the record."""
    return playscript.state(record or results.load("playscript-real"), "SmolLM2-135M-Instruct")
