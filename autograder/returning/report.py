"""`autograder report`: one page about a class, without scripts and without outside hosts."""

import contextlib
import inspect
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import mean, median
from typing import Any

from jinja2 import Environment, PackageLoader, select_autoescape

from autograder.checking.display import number
from autograder.checking.judge import BLANK, CheckVerdict, Verdict
from autograder.checking.topic import load
from autograder.collecting.collect import Enrolled, roster, unreadable, who
from autograder.collecting.submission import UnreadableSubmission, read_submission
from autograder.course.files import write_safely
from autograder.course.folder import Course
from autograder.course.gradebook import Score
from autograder.grading.outcome import VERDICTS
from autograder.grading.reasons import ALWAYS_SAID, Reason, reason_of
from autograder.returning.similarity import Group, alike, known_work, own_work

LESSONS, BANDS, LONG = 5, 8, 200
UNKNOWN = "wrong in no known way"
NOT_GRADED = {Reason.UNREADABLE, Reason.UNRECORDED}
NOT_TRIED = {Reason.MISSING, Reason.REFERENCE}


@dataclass(frozen=True)
class Loss:
    """Why points of one exercise are missing from one submission: a code, and words for a person."""

    exercise: str
    earned: float
    points: float
    code: Reason
    words: str
    mistake: str | None
    hint: str | None


@dataclass(frozen=True)
class Lesson:
    """A known mistake, how many made it, the points that it cost the class, and what to ask about it."""

    exercise: str
    words: str
    hint: str
    count: int
    lost: float


@dataclass(frozen=True)
class CheckRow:
    """One check: what it asks, and how many of those who tried its exercise passed it."""

    asks: str
    points: float
    passed: int


@dataclass(frozen=True)
class ExerciseRow:
    """How the class did on one exercise. `handed_in` leaves out what could not be read, `tried` what was left blank."""

    name: str
    points: float
    mean: float
    full: int
    tried: int
    handed_in: int
    mistakes: list[Lesson]
    checks: list[CheckRow]
    unknown: list[str]  # who gave wrong results that look like no known mistake


@dataclass(frozen=True)
class StudentRow:
    """One submission: points by the checks, the gradebook's score with what was graded by hand, and what is missing."""

    name: str
    points: float
    score: float | None
    n_exercises: int
    losses: list[Loss]
    remarks: list[str]
    reasons: list[Reason]

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Exercises with why points are missing, those that earned nothing first; the same reason is said once."""
        lines = defaultdict(list)
        for loss in sorted(self.losses, key=lambda loss: loss.earned > 0):
            lines[loss.earned > 0, loss.words[:LONG]].append(loss)
        return [(self._named(same), words) for (_, words), same in lines.items()]

    def _named(self, losses: list[Loss]) -> str:
        if len(losses) == self.n_exercises > 1 and not losses[0].earned:
            return "every exercise"
        return ", ".join(f"{loss.exercise} ({number(loss.earned)} of {number(loss.points)})" for loss in losses)


@dataclass(frozen=True)
class CodeRow:
    """How often a reason code came up."""

    code: Reason
    zeros: int  # exercises that earned nothing for it
    submissions: int
    students: list[str]  # where honest work rarely has it


@dataclass(frozen=True)
class Summary:
    """All that the report says, as data."""

    topic: str
    most: float
    students: list[StudentRow]
    exercises: list[ExerciseRow]
    lessons: list[Lesson]
    codes: list[CodeRow]
    similar: list[Group]
    to_look_at: list[tuple[str, str]]
    waiting_for_hand: int
    formgrader: str  # the command that opens it on this gradebook

    @property
    def bands(self) -> list[tuple[str, list[StudentRow]]]:
        """The submissions in equal parts of the range of points, full points in the last one."""
        parts: list[list[StudentRow]] = [[] for _ in range(BANDS)]
        for student in sorted(self.students, key=lambda student: (student.points, student.name)):
            parts[min(BANDS - 1, int(BANDS * student.points / self.most)) if self.most else 0].append(student)
        edges = [number(self.most * i / BANDS) for i in range(BANDS + 1)]
        return [(f"{edges[i]} to {edges[i + 1]}", part) for i, part in enumerate(parts)]

    @property
    def unusual(self) -> list[CodeRow]:
        """What honest work rarely does, of those that could be graded."""
        return [row for row in self.codes if row.students and row.code not in NOT_GRADED]

    @property
    def middle(self) -> tuple[float, float]:
        """Median and mean of the points."""
        points = [student.points for student in self.students]
        return median(points), mean(points)


def summarise(course: Course, topic: str) -> Summary:
    """Read the journal, the gradebook and the submissions of a topic. Raises CourseError, CollectError."""
    people = roster(course, topic)
    found = [course.read_journal(topic, student) for student in course.submissions(topic)]
    entries = {who(people, entry["student"]): entry for entry in found if entry}
    verdicts = {name: VERDICTS.validate_python(entry["verdicts"]) for name, entry in entries.items()}
    losses = {name: losses_of(topic, verdicts[name], entry) for name, entry in entries.items()}
    scores = {score.student: score for score in course.scores(topic)} if entries else {}
    students = [_student_row(name, entry, verdicts[name], losses[name], scores) for name, entry in entries.items()]
    read = [name for name, entry in entries.items() if not entry["unreadable"]]
    names = dict.fromkeys(verdict.exercise for name in read for verdict in verdicts[name])
    exercises = [
        _exercise_row(name, {one: verdicts[one] for one in read}, {one: losses[one] for one in read}) for name in names
    ]
    return Summary(
        topic,
        sum(verdict.points for verdict in next(iter(verdicts.values()), [])),
        students,
        exercises,
        sorted((lesson for row in exercises for lesson in row.mistakes), key=lambda one: (-one.lost, -one.count)),
        _code_rows(students),
        _similar(course, topic, people) if entries else [],
        [(name, entry["unreadable"]) for name, entry in entries.items() if entry["unreadable"]]
        + [(entry.name, entry.words) for entry in unreadable(course, topic)],
        sum(score.needs_manual_grade for score in scores.values()),
        f"cd {shlex.quote(str(course.folder))} && jupyter lab",
    )


def _student_row(
    name: str, entry: dict[str, Any], verdicts: list[Verdict], losses: list[Loss], scores: dict[str, Score]
):
    score = scores.get(entry["student"])
    return StudentRow(
        name,
        sum(verdict.earned for verdict in verdicts),
        score.score if score else None,
        len(verdicts),
        losses,
        [entry["unreadable"]] if entry["unreadable"] else entry["remarks"],
        [Reason(code) for code in entry["reasons"]],
    )


# --- Reasons --------------------------------------------------------------------------------------------------


def losses_of(topic: str, verdicts: list[Verdict], entry: dict[str, Any]) -> list[Loss]:
    """Why points are missing from a submission, by exercise, from its verdicts and its journal entry."""
    losses: dict[str, Loss] = {}
    for verdict in verdicts:
        if verdict.earned < verdict.points:
            code, words = _why(verdict, entry)
            cause = next((name for name in _called(topic, verdict.exercise) if name in losses), None)
            if words.startswith(UNKNOWN) and cause:
                words = words.replace(UNKNOWN, f"wrong, perhaps since it calls {cause}", 1)
            about = (verdict.earned, verdict.points, code, words, verdict.mistake, verdict.hint)
            losses[verdict.exercise] = Loss(verdict.exercise, *about)
    return list(losses.values())


@lru_cache
def _called(topic: str, exercise: str) -> list[str]:
    """The other exercises that the reference of one calls."""
    exercises = load(topic).exercises
    if exercise not in exercises:  # the journal is older than the checks
        return []
    source = inspect.getsource(load(topic).reference(exercise))
    return [name for name in exercises if name != exercise and re.search(rf"\b{name}\b", source)]


def _why(verdict: Verdict, entry: dict[str, Any]) -> tuple[Reason, str]:
    checks = [check for check in verdict.checks if check.outcome != "passed"]
    failed = {check.outcome: check for check in reversed(checks) if check.reason != BLANK}  # of each kind the first
    if entry["unreadable"]:
        return Reason(entry["reasons"][0]), "the submission could not be graded"
    if "reference" in failed:
        return Reason.REFERENCE, "is the imported reference, which earns nothing"
    if not failed:
        return Reason.MISSING, "left blank"
    if verdict.mistake:
        return Reason.WRONG, f"looks like “{verdict.mistake.replace('_', ' ')}”"
    if "missing" in failed:
        return _why_missing(verdict.exercise, entry)
    if "raised" in failed:
        return _why_raised(failed["raised"])
    if "wrong" in failed:
        return Reason.WRONG, f"{UNKNOWN}; fails: {failed['wrong'].asks}"
    return Reason.WRONG, f"holds, but with other values than the reference's: {failed['holds'].asks}"


def _why_missing(exercise: str, entry: dict[str, Any]) -> tuple[Reason, str]:
    """Why an exercise was not there to be called: its cell failed, the run ended before it, or it is not written."""
    shown = "".join(output.get("text", "") for output in entry.get("outputs", {}).get(exercise, []))
    if errors := re.findall(r"^\w+(?:Error|Exception|Exit|Interrupt|Limit)\b.*", shown, re.MULTILINE):
        return reason_of(errors[-1]), f"not defined: its cell ended with {errors[-1]}"
    if entry["remarks"]:
        return reason_of(entry["remarks"][-1]), f"not defined, or not reached: {entry['remarks'][-1]}"
    return Reason.MISSING, "not defined, or the notebook ended before it"


def _why_raised(check: CheckVerdict) -> tuple[Reason, str]:
    if check.reason.startswith("The call ended with TimeLimit"):
        return Reason.TIME, f"took too long: {check.detail}"
    code = reason_of(f"{check.reason} {check.detail}")
    words = check.reason.removeprefix("The call ").rstrip(".")
    return (Reason.RAISED, words) if code is Reason.FAILED else (code, f"{words}: {code.meaning}")


def _code_rows(students: list[StudentRow]) -> list[CodeRow]:
    zeros = Counter(loss.code for student in students for loss in student.losses if not loss.earned)
    owners = {code: [student.name for student in students if code in student.reasons] for code in Reason}
    return [
        CodeRow(code, zeros[code], len(owners[code]), owners[code] if code in ALWAYS_SAID else [])
        for code in Reason
        if owners[code] or zeros[code]
    ]


# --- Exercises ------------------------------------------------------------------------------------------------


def _exercise_row(name: str, verdicts: dict[str, list[Verdict]], losses: dict[str, list[Loss]]) -> ExerciseRow:
    """One exercise, over the submissions that could be read, by the name that is shown."""
    mine = {who: verdict for who, all_ in verdicts.items() for verdict in all_ if verdict.exercise == name}
    lost = {who: loss for who, all_ in losses.items() for loss in all_ if loss.exercise == name and who in mine}
    passed = Counter(check.name for verdict in mine.values() for check in verdict.checks if check.outcome == "passed")
    checks = next(iter(mine.values())).checks
    return ExerciseRow(
        name,
        sum(check.points for check in checks),
        mean(verdict.earned for verdict in mine.values()),
        len(mine) - len(lost),
        len(mine) - sum(loss.code in NOT_TRIED for loss in lost.values()),
        len(mine),
        _lessons(name, lost.values()),
        [CheckRow(check.asks, check.points, passed[check.name]) for check in checks],
        [who for who, loss in lost.items() if loss.words.startswith(UNKNOWN)],
    )


def _lessons(exercise: str, losses: Iterable[Loss]) -> list[Lesson]:
    made = defaultdict(list)
    for loss in losses:
        if loss.mistake:
            made[loss.mistake.replace("_", " "), loss.hint or ""].append(loss.points - loss.earned)
    lessons = [Lesson(exercise, words, hint, len(lost), sum(lost)) for (words, hint), lost in made.items()]
    return sorted(lessons, key=lambda lesson: (-lesson.count, lesson.words))


# --- Likeness -------------------------------------------------------------------------------------------------


def _similar(course: Course, topic: str, people: dict[str, Enrolled]) -> list[Group]:
    """The submissions that are unusually alike, by the names that are shown."""
    released, documents = course.released(topic), {}
    for student in course.submissions(topic):
        with contextlib.suppress(UnreadableSubmission, OSError):
            submitted = read_submission(course.notebook("submitted", topic, student))
            documents[who(people, student)] = own_work(submitted, released)
    return alike(documents, known_work(topic, released))


# --- The page -------------------------------------------------------------------------------------------------


def write_report(course: Course, summary: Summary) -> Path:
    """Write the page into the course folder and return its path."""
    pages = PackageLoader("autograder.returning")
    environment = Environment(loader=pages, autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"number": number, "shown": shown}
    path = course.folder / "report" / f"{summary.topic}.html"
    page = environment.get_template("report.html").render(summary=summary, lessons=summary.lessons[:LESSONS])
    write_safely(path, page)
    return path


def shown(text: str) -> str:
    """Text from a submission without letters that turn or hide what stands around it; lines and tabs stay."""
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)
