"""`autograder report`: one page about a class, without scripts and without outside hosts."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, select_autoescape
from pydantic import TypeAdapter

from autograder.collect import roster, unreadable, who
from autograder.course import Course, write_safely
from autograder.display import number
from autograder.judge import Verdict
from autograder.protocol import load
from autograder.reasons import Reason


@dataclass(frozen=True)
class MistakeRow:
    """A known mistake, and how many of the class made it."""

    words: str
    hint: str
    count: int


@dataclass(frozen=True)
class ExerciseRow:
    """How the class did on one exercise."""

    name: str
    points: float
    mean: float
    full: int
    handed_in: int
    mistakes: list[MistakeRow]
    hardest: str  # the check that fewest passed, as it asks


@dataclass(frozen=True)
class StudentRow:
    """One submission: points by the checks, the gradebook's score with what was graded by hand, and a remark."""

    name: str
    points: float
    score: float | None
    remark: str
    reasons: list[Reason]


@dataclass(frozen=True)
class Summary:
    """All that the report says, as data."""

    topic: str
    most: float
    students: list[StudentRow]
    exercises: list[ExerciseRow]
    distribution: list[tuple[str, int]]
    to_look_at: list[tuple[str, str]]
    waiting_for_hand: int


def summarise(course: Course, topic: str) -> Summary:
    """Read the journal and the gradebook of a topic."""
    exercises = load(topic).exercises
    entries = [course.read_journal(topic, student) for student in course.submissions(topic)]
    entries, people = [entry for entry in entries if entry], roster(course, topic)
    verdicts = {entry["student"]: TypeAdapter(list[Verdict]).validate_python(entry["verdicts"]) for entry in entries}
    scores = {score.student: score for score in course.scores(topic)} if entries else {}
    names = [verdict.exercise for verdict in next(iter(verdicts.values()), [])]
    most = sum(exercises[name].points for name in names)
    students = [
        StudentRow(
            who(people, entry["student"]),
            sum(verdict.earned for verdict in verdicts[entry["student"]]),
            scores[entry["student"]].score if entry["student"] in scores else None,
            _remark(entry, verdicts[entry["student"]]),
            [Reason(code) for code in entry.get("reasons", [])],
        )
        for entry in entries
    ]
    return Summary(
        topic,
        most,
        students,
        [
            _exercise_row(name, [mine for one in verdicts.values() for mine in one if mine.exercise == name])
            for name in names
        ],
        _distribution([student.points for student in students], most),
        [(who(people, entry["student"]), entry["unreadable"]) for entry in entries if entry["unreadable"]]
        + [(entry.name, entry.words) for entry in unreadable(course, topic)],
        sum(score.needs_manual_grade for score in scores.values()),
    )


def _remark(entry: dict, verdicts: list[Verdict]) -> str:
    """Why a submission has the points it has, where that is not plain: a reason for every zero."""
    if entry["unreadable"]:
        return entry["unreadable"]
    zeros = []
    for verdict in verdicts:
        if verdict.earned == 0:
            reason = verdict.mistake.replace("_", " ") if verdict.mistake else (verdict.checks[0].reason or "")
            zeros.append(f"{verdict.exercise}: {reason}")
    return "; ".join(entry["remarks"] + zeros)


def _exercise_row(name: str, verdicts: list[Verdict]) -> ExerciseRow:
    hints = {verdict.mistake: verdict.hint or "" for verdict in verdicts if verdict.mistake}
    counts = Counter(verdict.mistake for verdict in verdicts if verdict.mistake)
    failed = Counter(check.asks for verdict in verdicts for check in verdict.checks if check.outcome != "passed")
    return ExerciseRow(
        name,
        verdicts[0].points,
        sum(verdict.earned for verdict in verdicts) / len(verdicts),
        sum(verdict.earned == verdict.points for verdict in verdicts),
        len(verdicts),
        [MistakeRow(name.replace("_", " "), hints[name], count) for name, count in counts.most_common()],
        failed.most_common(1)[0][0] if failed else "",
    )


def _distribution(points: list[float], most: float, bins: int = 8) -> list[tuple[str, int]]:
    """How many submissions lie in each equal part of the range, full points in the last one."""
    counts = Counter(min(bins - 1, int(bins * value / most)) if most else 0 for value in points)
    return [(f"{number(most * i / bins)} to {number(most * (i + 1) / bins)}", counts[i]) for i in range(bins)]


def write_report(course: Course, summary: Summary) -> Path:
    """Write the page into the course folder and return its path."""
    environment = Environment(
        loader=PackageLoader("autograder"), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    path = course.folder / "report" / f"{summary.topic}.html"
    write_safely(path, environment.get_template("report.html").render(summary=summary))
    return path
