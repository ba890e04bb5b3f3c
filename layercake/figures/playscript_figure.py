"""The figure of the interviews: what became of the same questions in each staging.

`plot` is the lab's, with its finding and its text alternative in words; where the measurement has been recorded, its
right answers are marked in it. `plot_recorded` draws what experiments/playscript.py recorded, and `state` gives the
moving picture `replies` some of it to read.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.recall_figure import INK, SURFACE, dress, one_line
from layercake.labs.playscript import ANSWERERS, SHOWN, STATES, TELEGRAPH, Interview
from solutions.playscript import LEFT, NEW_CHARACTER, NO_ANSWER, OUTCOMES, RIGHT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Shares = dict[str, dict[str, float]]  # staging -> outcome -> share of the questions

# Okabe & Ito's colours, told apart by their hatching as well.
STYLES = {
    RIGHT: ("#009E73", ""),
    WRONG: ("#D55E00", "//"),
    NO_ANSWER: ("#BBBBBB", ""),
    NEW_CHARACTER: ("#CC79A7", ".."),
    LEFT: ("#56B4E9", "xx"),
}
WRITTEN_IN = 0.08  # the share from which on a part of a bar has its number in it
ALOUD = 4  # questions whose replies the moving picture shows


def shares_of(interviews: Sequence[Interview]) -> Shares:
    """The shares of all outcomes, by staging."""
    return {its.staging: {outcome: its.share(outcome) for outcome in OUTCOMES} for its in interviews}


def recorded_shares(record: dict[str, Any]) -> Shares:
    """The same of what was recorded."""
    return {
        staging: {outcome: its["outcomes"][outcome]["value"] for outcome in OUTCOMES}
        for staging, its in record["data"].items()
    }


def recorded() -> dict[str, Any] | None:
    """The recorded measurement, or None where there is none."""
    return results.find("playscript")


# In words ------------------------------------------------------------------------------------------------------------


def finding(shares: Shares) -> str:
    """What hangs on the role, and what on one word, in a title."""
    stagings = (ANSWERERS[0], SHOWN.format(0), *map(TELEGRAPH.format, STATES))
    guide, teacher, in_order, out_of_order = (f"{shares[staging][RIGHT]:.0%}" for staging in stagings)
    return (
        f"The same questions: the guide is right in {guide}, a teacher, whom no play has, in {teacher};\n"
        f"the telegraph in {in_order} where it is in order, and in {out_of_order} where it is out of order"
    )


def alt_text(interviews: Sequence[Interview]) -> str:
    """The lab's figure in words."""
    said = _in_words(shares_of(interviews), len(interviews[0].written))
    if record := recorded():
        right = ", ".join(f"{staging} {shares[RIGHT]:.0%}" for staging, shares in recorded_shares(record).items())
        said += f" Right where {record['settings']['questions']} questions were recorded: {right}."
    return said


def recorded_alt_text(record: dict[str, Any]) -> str:
    """The recorded figure in words."""
    return _in_words(recorded_shares(record), record["settings"]["questions"])


def _in_words(shares: Shares, n: int) -> str:
    each = "; ".join(
        f"{staging}: " + ", ".join(f"{outcome} {share:.0%}" for outcome, share in its.items() if share)
        for staging, its in shares.items()
    )
    return f"Stacked bars of what became of {n} questions, one for each staging. {each}. {one_line(finding(shares))}."


# The figures ---------------------------------------------------------------------------------------------------------


def plot(interviews: Sequence[Interview]) -> "Figure":
    """Draw your interviews; over the bars, where it was recorded, how many were right then."""
    return _drawn(shares_of(interviews), recorded())


def plot_recorded(record: dict[str, Any]) -> "Figure":
    """Draw the recorded interviews, with the interval of the right answers."""
    return _drawn(recorded_shares(record), record)


def _drawn(shares: Shares, record: dict[str, Any] | None) -> "Figure":
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(8.4, 5.6), facecolor=SURFACE, layout="constrained")
    for row, its in enumerate(shares.values()):
        _bar(axes, row, its)
    if record:
        _mark_recorded(axes, list(shares), record)
    axes.set_yticks(range(len(shares)), list(shares))
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlabel("questions (%)")
    dress(axes, "")
    axes.grid(visible=False)
    axes.get_legend().remove()
    figure.suptitle(finding(shares), x=0.01, ha="left", color=INK, fontsize=11)  # wider than the bars
    figure.legend(loc="outside lower center", ncols=3, frameon=False, labelcolor=INK)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
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
    values = [its["value"] for its in right.values()]
    misses = [
        [its["value"] - its["low"] for its in right.values()],
        [its["high"] - its["value"] for its in right.values()],
    ]
    axes.errorbar(
        values, list(right), xerr=misses, fmt="|", color=INK, markersize=12, capsize=3, lw=1.2, clip_on=False,
        label=f"right, of {record['settings']['questions']} recorded, 95% interval",
    )  # fmt: skip


# The moving picture --------------------------------------------------------------------------------------------------


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
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
        "columns": [{"title": "The village model", "places": places}],
        "note": f"Bars: what became of {record['settings']['questions']} questions. Replies: all that was written, up "
        "to where the next question would have come; words drawn at temperature 1.",
    }
