"""The claim cherry: what grading makes of the pupils of faulty teachers, as it learns and on new facts."""

from statistics import mean, median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, RED, band, canvas, dress, middle, one_line, rows, shares
from layercake.training import smooth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ERRORS = {"at random": (BLUE, "o", "-"), "by a system": (RED, "s", "--")}


HOW = {"drawn": "at temperature 1", "greedy": "greedy"}


EXAMS = [(when, how) for how in HOW for when in ("before", "after")]


def finding(record: dict[str, Any]) -> str:
    """Teachers and pupil, in a title."""
    n = record["numbers"]
    return (
        f"At temperature 1, the pupil of teachers who are right in {n['random_demonstrators']:.0%} goes from "
        f"{n['random_before_drawn']:.0%} to {n['random_after_drawn']:.0%};\nthat of teachers who share a mistake, "
        f"right in {n['system_demonstrators']:.0%}, from {n['system_before_drawn']:.0%} to "
        f"{n['system_after_drawn']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for error, its in record["data"].items():
        paid = middle(its["log"]["reward"])["median"]
        exams = ", ".join(f"{when}, {HOW[how]} {median(its[f'{when}, {how}']):.0%}" for when, how in EXAMS)
        said.append(
            f"Teachers who err {error} and are right in {median(its['demonstrators']):.0%}: graded replies right "
            f"{mean(paid[:5]):.0%} to {mean(paid[-5:]):.0%}; new facts {exams}"
        )
    return (
        "Two charts: the share of right replies to graded questions over the steps, and that on new facts beside lines "
        f"for the teachers. {'. '.join(said)}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, and the exams before and after beside the demonstrators."""
    figure, (first, second) = canvas(1, 2, title=finding(record))
    for error, style in ERRORS.items():
        rewards = [smooth(row) for row in record["data"][error]["log"]["reward"]]
        band(first, range(1, len(rewards[0]) + 1), rewards, style, f"teachers err {error}")
    shares(first, "Graded questions, as it learns", "share of right replies", "step")
    for (error, (colour, marker, line)), shift in zip(ERRORS.items(), (-0.13, 0.13)):
        its = record["data"][error]
        for y, (when, how) in enumerate(EXAMS):
            values = its[f"{when}, {how}"]
            second.plot(values, [y + shift] * len(values), marker, color=colour, markersize=6, alpha=0.8)
        second.axvline(median(its["demonstrators"]), color=colour, ls=line, lw=1.2)
    rows(second, [f"{when},\n{HOW[how]}" for when, how in EXAMS])
    second.set_xlim(0, 1.03)
    second.set_xlabel("share of right replies;\nthe lines are the teachers")
    dress(second, "New facts")
    return figure
