"""Whether a grade depends on the seed: a class graded many times over, each time on other inputs.

The example class of a topic runs in the sandbox and is judged as by `autograder grade --seed N`, for N = 1, 2, 3 and
so on. What nbgrader does then, writing the points down, is left out. A flake is a check that passes one time and
fails another; a diagnosis that wavers (the known mistake that a wrong answer looks like) is counted too, and costs
nobody a point.
"""

import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder.course.folder import Course
from autograder.example.classes import CLASSES, make_class
from autograder.grading.cluster import Crew
from autograder.grading.grade import Grading
from autograder.grading.outcome import VERDICTS
from autograder.releasing.release import release_into
from autograder.sandbox.limits import Limits

LIMITS = Limits(cell_seconds=8)  # for the one student whose cell never ends
console = Console()


@dataclass
class Outcomes:
    """What became of one class, by student and check; and of the diagnoses, by student and exercise."""

    points: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    mistakes: dict[tuple[str, str], list[str | None]] = field(default_factory=lambda: defaultdict(list))
    seconds: float = 0.0

    def wavering(self, kind: str) -> list[tuple[str, str]]:
        """Of `points` or `mistakes`, where not all gradings agree."""
        return [where for where, values in getattr(self, kind).items() if len(set(values)) > 1]


def make_course(folder: Path, topic: str) -> Course:
    """A course in which the example class of a topic has handed in."""
    course = Course(folder, make=True)
    release_into(course, topic)
    make_class(topic, course)
    return course


def grade_often(course: Course, topic: str, times: int, workers: int, bar: Progress) -> Outcomes:
    """Grade the class `times` times, on seeds 1 to `times`."""
    outcomes, started, students = Outcomes(), time.perf_counter(), course.submissions(topic)
    with Crew(topic, "bwrap", LIMITS, workers) as crew:
        for seed in bar.track(range(1, times + 1), description=topic):
            grading = Grading(course, topic, seed)
            for student in students:
                crew.submit(student, grading.task(student))
            while crew.pending:
                student, future = crew.next()
                for verdict in VERDICTS.validate_python(future.result()["verdicts"]):
                    outcomes.mistakes[student, verdict.exercise].append(verdict.mistake)
                    for check in verdict.checks:
                        outcomes.points[student, f"{verdict.exercise}: {check.name}"].append(check.earned)
    outcomes.seconds = time.perf_counter() - started
    return outcomes


def table(measured: dict[str, Outcomes], times: int) -> Table:
    made = Table(title=f"{times} gradings of each class, on as many seeds")
    made.add_column("Class")
    for heading in ("Submissions", "Checks judged", "Checks that waver", "Diagnoses that waver", "Seconds"):
        made.add_column(heading, justify="right")
    for topic, outcomes in measured.items():
        numbers = (
            len({student for student, _ in outcomes.points}),
            sum(map(len, outcomes.points.values())),
            len(outcomes.wavering("points")),
            len(outcomes.wavering("mistakes")),
            round(outcomes.seconds),
        )
        made.add_row(topic, *(f"{number:,}" for number in numbers))
    return made


def main(
    classes: Annotated[
        list[str] | None, typer.Option("--class", help="A topic, any number of times [default: all]")
    ] = None,
    times: Annotated[int, typer.Option(min=2, help="How often each class is graded.")] = 100,
    workers: Annotated[int, typer.Option(min=1, help="Sandboxes side by side.")] = 2,
) -> None:
    """Grade example classes on many seeds; the exit code is 1 where a check passes one time and fails another."""
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    measured = {}
    with tempfile.TemporaryDirectory() as temporary, Progress(*columns, console=console) as bar:
        for topic in classes or CLASSES:
            course = make_course(Path(temporary) / topic, topic)
            measured[topic] = grade_often(course, topic, times, workers, bar)
    console.print(table(measured, times))
    for topic, outcomes in measured.items():
        for kind in ("points", "mistakes"):
            for student, what in outcomes.wavering(kind):
                values = getattr(outcomes, kind)[student, what]
                counts = ", ".join(f"{value} {values.count(value)} times" for value in sorted(set(values), key=str))
                console.print(f"{topic}, {student}, {what}: {counts}", highlight=False, soft_wrap=True)
    raise typer.Exit(any(outcomes.wavering("points") for outcomes in measured.values()))


if __name__ == "__main__":
    typer.run(main)
