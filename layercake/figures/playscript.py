"""The claim playscript: what became of the same questions in each staging, and replies to read."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import (
    GREEN,
    INK,
    RED,
    SURFACE,
    canvas,
    dress,
    headline,
    legend_below,
    misses,
    one_line,
    percent,
)
from solutions.playscript import LEFT, NEW_CHARACTER, NO_ANSWER, OUTCOMES, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shares = dict[str, dict[str, float]]  # staging -> outcome -> share of the questions


# Told apart by their hatching as well.
STYLES = {
    RIGHT: (GREEN, ""),
    WRONG: (RED, "//"),
    NO_ANSWER: ("#BBBBBB", ""),
    NEW_CHARACTER: ("#CC79A7", ".."),
    LEFT: ("#56B4E9", "xx"),
}
WRITTEN_IN = 0.08  # the share from which on a part of a bar has its number in it
ALOUD = 4  # questions whose replies the moving picture shows
TOLD_OF = ("the guide", "the teacher, 0 shown", "the telegraph, in order", "the telegraph, out of order")


def shares_of(record: dict[str, Any]) -> Shares:
    """The recorded shares of all outcomes, by staging."""
    return {
        staging: {outcome: its["outcomes"][outcome]["value"] for outcome in OUTCOMES}
        for staging, its in record["data"].items()
    }


def title(shares: Shares) -> str:
    """What hangs on the role, and what on one word."""
    guide, teacher, in_order, out_of_order = (f"{shares[staging][RIGHT]:.0%}" for staging in TOLD_OF)
    return (
        f"The same questions: the guide is right in {guide}, a teacher, whom no play has, in {teacher};\n"
        f"the telegraph in {in_order} where it is in order, and in {out_of_order} where it is out of order"
    )


def in_words(shares: Shares, n: int) -> str:
    """The bars in words."""
    each = "; ".join(
        f"{staging}: " + ", ".join(f"{outcome} {share:.0%}" for outcome, share in its.items() if share)
        for staging, its in shares.items()
    )
    return f"Stacked bars of what became of {n} questions, one for each staging. {each}. {one_line(title(shares))}."


def finding(record: dict[str, Any]) -> str:
    """What hangs on the role, and what on one word, as it was recorded."""
    return title(shares_of(record))


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    return in_words(shares_of(record), record["settings"]["questions"])


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the recorded interviews, with the interval of the right answers."""
    return drawn(shares_of(record), record, finding(record))


def drawn(shares: Shares, record: dict[str, Any] | None, words: str = "") -> "Figure":
    """Bars of these shares under a title, in `words`; over them, where there is a record, how many were right then."""
    figure, (axes,) = canvas(size=(8.4, 5.6))
    for row, its in enumerate(shares.values()):
        _bar(axes, row, its)
    if record:
        _mark_recorded(axes, list(shares), record)
    axes.set_yticks(range(len(shares)), list(shares))
    axes.invert_yaxis()
    percent(axes, "questions (%)")
    dress(axes, "")
    axes.grid(visible=False)
    headline(figure, words or title(shares))
    legend_below(figure)
    return figure


def _bar(axes: "Axes", row: int, shares: dict[str, float]) -> None:
    """The outcomes of one staging, one after the other, with their numbers where there is room."""
    left = 0.0
    for outcome in OUTCOMES:
        colour, hatch = STYLES[outcome]
        label = outcome if row == 0 else ""
        axes.barh(row, shares[outcome], left=left, color=colour, hatch=hatch, edgecolor=SURFACE, label=label)
        if shares[outcome] >= WRITTEN_IN:
            box = {"facecolor": SURFACE, "edgecolor": "none", "boxstyle": "round,pad=0.15"}
            place = (left + shares[outcome] / 2, row)
            axes.annotate(
                f"{100 * shares[outcome]:.0f}", place, ha="center", va="center", color=INK, fontsize=8, bbox=box
            )
        left += shares[outcome]


def _mark_recorded(axes: "Axes", stagings: list[str], record: dict[str, Any]) -> None:
    """The interval that holds the share of right answers, of what was recorded."""
    right = {row: record["data"][staging]["outcomes"][RIGHT] for row, staging in enumerate(stagings)}
    axes.errorbar(
        [its["value"] for its in right.values()], list(right), xerr=misses(list(right.values())),
        fmt="|", color=INK, markersize=12, capsize=3, lw=1.2, clip_on=False,
        label=f"right, of {_asked(record)} recorded, 95% interval",
    )  # fmt: skip


def _asked(record: dict[str, Any]) -> int:
    """How often each staging was asked."""
    return record["settings"]["questions"] * len(record.get("seeds", [0]))


def state(record: dict[str, Any] | None = None, who: str = "The village model") -> dict[str, Any]:
    """What the picture `replies` shows of the record: some replies and all outcomes, by staging."""
    record = record or results.load("playscript")
    places = [
        {
            "bars": [{"name": outcome, **its["outcomes"][outcome], "odd": outcome != RIGHT} for outcome in OUTCOMES],
            "replies": [
                {"text": sample["written"], "mark": sample["outcome"], "odd": sample["outcome"] != RIGHT}
                for sample in its["samples"][:ALOUD]
            ],
        }
        for its in record["data"].values()
    ]
    first = next(iter(record["data"].values()))
    return {
        "dial": {"name": "Who answers", "places": list(record["data"])},
        "questions": [sample["question"] for sample in first["samples"][:ALOUD]],
        "columns": [{"title": who, "places": places}],
        "note": f"Bars: what became of {_asked(record)} questions. Replies: all that was written, up "
        "to where the next question would have come; words drawn at temperature 1.",
    }
