"""How many submissions a minute: `autograder grade` and plain `nbgrader autograde` on the same class, side by side.

Both are run as the commands that an instructor types, start-up included, in turn, each on a fresh copy of its course.
Both have the same released notebook, without the lab's cells, and byte for byte the same submissions: solved, blank,
half done, mistaken. Plain nbgrader has its stock preprocessors and no setting of ours: for each submission it starts a
kernel and runs every code cell, the setup cell (which finds the course installed) and the notebook's own
`check(...)` cells included, on the public seed, one submission after another. `autograder grade` runs the cells in
sandboxes on a secret seed, without the demonstrations that stand as they were released, and judges outside. Nothing is
installed and nothing fetched.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # experiments/ is no installed package

from autograder.course import Course, read_scores, write_safely  # noqa: E402
from autograder.example_class import CLASSES  # noqa: E402
from autograder.grade import Grading  # noqa: E402
from autograder.protocol import load  # noqa: E402
from autograder.release import Address, build_source, finish_release, source_path  # noqa: E402
from experiments.record import provenance  # noqa: E402

TOPIC = "attention"
# Those of the example class that any grader can take: nothing that hangs, hoards memory, forges or lost metadata.
STUDENTS = ("ada", "blaise", "carl", "dorothy", "emmy", "felix", "grace", "henri", "ida", "julia")
PLAIN_CONFIG = """\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "layer-cake"
c.Execute.timeout = 60
"""
OURS = [sys.executable, "-m", "autograder", "grade", TOPIC, "--course", "."]
PLAIN = "nbgrader autograde"
RIVALS = {
    PLAIN: [sys.executable, "-m", "nbgrader", "autograde", TOPIC],
    "autograder, 1 worker": [*OURS, "--workers", "1"],
    "autograder, 2 workers": [*OURS, "--workers", "2"],
}
STEADY = "  start-up left out"
RESULT = ROOT / "benchmarks" / "results" / "grading.json"
console = Console()


@dataclass
class Measured:
    """What one grader took: seconds for the whole class, by repeat; and the points it gave in the last."""

    seconds: list[float] = field(default_factory=list)
    points: dict[str, float] = field(default_factory=dict)


def without_lab(notebook: NotebookNode) -> NotebookNode:
    """The notebook without the lab's cells, so that neither grader has to train anything."""
    notebook.cells = [cell for cell in notebook.cells if "lab" not in cell.metadata.get("tags", [])]
    return notebook


def make_courses(folder: Path, class_size: int) -> dict[str, float]:
    """One course for each grader, with the same release and the same class; returns the points expected."""
    solved = without_lab(build_source(load(TOPIC), Address.read()))
    course = Course(folder / "ours", make=True)
    course.generate_assignment(TOPIC, solved, lambda made: finish_release(made, solved, source_path(TOPIC)))
    shutil.copytree(course.folder, folder / "plain")
    write_safely(folder / "plain" / "nbgrader_config.py", PLAIN_CONFIG)
    class_ = {student.name: student for student in CLASSES[TOPIC]}
    expected = {}
    for number in range(class_size):
        student = class_[STUDENTS[number % len(STUDENTS)]]
        name = f"{student.name}-{number:03}"
        text = student.make(course.released(TOPIC))
        for room in ("plain", "ours"):
            write_safely(folder / room / "submitted" / name / TOPIC / f"{TOPIC}.ipynb", text)
        expected[name] = student.points
    return expected


def grade(command: list[str], course: Path, bar: Progress, task: TaskID) -> float:
    """Run a grader over a class; returns the seconds it took. Exits where the grader fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    before, started = bar.tasks[task].completed, time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=course, env={**os.environ, "PATH": path}, stdout=output, stderr=subprocess.STDOUT
        )
        while process.poll() is None:
            bar.update(task, completed=before + len(list(course.glob(f"autograded/*/{TOPIC}/{TOPIC}.ipynb"))))
            time.sleep(0.1)
        seconds = time.perf_counter() - started
        output.seek(0)
        if process.returncode:
            raise typer.Exit(console.print(output.read(), markup=False) or process.returncode)
    return seconds


def grade_warm(course: Path, students: list[str], workers: int = 2) -> float:
    """Seconds for a class of this size at the rate that is kept once each worker has graded one submission."""
    ends = [time.perf_counter() for _ in Grading(Course(course), TOPIC).grade(students, workers)]
    return (ends[-1] - ends[workers - 1]) / (len(students) - workers) * len(students)


def points(course: Path) -> dict[str, float]:
    """The points of each student's checks, as the gradebook has them; written answers are graded by a person."""
    return {
        score.student: sum(earned for name, (earned, _) in score.exercises.items() if name.startswith("check_"))
        for score in read_scores(f"sqlite:///{course / 'gradebook.db'}", TOPIC)
    }


def measure(folder: Path, students: list[str], repeats: int) -> dict[str, Measured]:
    """Run all graders `repeats` times, each time in the opposite order."""
    measured = {name: Measured() for name in (*RIVALS, STEADY)}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("Grading", total=repeats * len(measured) * len(students))
        for repeat in range(repeats):
            for name in list(measured) if repeat % 2 == 0 else reversed(measured):
                done = bar.tasks[task].completed
                bar.update(task, description=f"{name.strip():21}")
                course = folder / f"run-{repeat}"
                shutil.copytree(folder / ("plain" if name == PLAIN else "ours"), course)
                command = RIVALS.get(name)
                seconds = grade(command, course, bar, task) if command else grade_warm(course, students)
                measured[name].seconds.append(seconds)
                measured[name].points = points(course)
                shutil.rmtree(course)
                bar.update(task, completed=done + len(students))
    return measured


def spread(values: list[float], digits: int = 2) -> str:
    """The median and, below it, the smallest and the largest."""
    return f"{statistics.median(values):.{digits}f}\n({min(values):.{digits}f}–{max(values):.{digits}f})"


def ratios(measured: dict[str, Measured], name: str) -> list[float]:
    """How many times as fast as plain nbgrader a grader was, by repeat."""
    return [plain / ours for plain, ours in zip(measured[PLAIN].seconds, measured[name].seconds, strict=True)]


def differing(one: Measured, expected: dict[str, float]) -> dict[str, list[float | None]]:
    """The students to whom a grader gave other points than expected: the points it gave, and those expected."""
    return {name: [one.points.get(name), points] for name, points in expected.items() if one.points.get(name) != points}


def table(measured: dict[str, Measured], expected: dict[str, float]) -> Table:
    made = Table(
        title=f"{len(expected)} submissions; median (range) of {len(measured[PLAIN].seconds)} runs", show_lines=True
    )
    made.add_column("Grader", no_wrap=True)
    for heading in ("Seconds\nfor each", "Submissions\na minute", "Times as\nfast", "Scores as\nexpected"):
        made.add_column(heading, justify="right", no_wrap=True)
    for name, one in measured.items():
        each = [seconds / len(expected) for seconds in one.seconds]
        right = len(expected) - len(differing(one, expected))
        speed = "1" if name == PLAIN else spread(ratios(measured, name), 1)
        made.add_row(name, spread(each), f"{60 / statistics.median(each):.0f}", speed, f"{right} of {len(expected)}")
    return made


def record(measured: dict[str, Measured], expected: dict[str, float], seconds: float) -> dict[str, Any]:
    about = provenance(f"python benchmarks/grading.py --class-size {len(expected)} --write", seconds)
    about["versions"] |= {name: version(name) for name in ("nbgrader", "nbclient", "ipykernel", "ipython")}
    return about | {
        "class_size": len(expected),
        "repeats": len(measured[PLAIN].seconds),
        "seconds_for_the_class": {name.strip(): one.seconds for name, one in measured.items()},
        "times_as_fast": {name.strip(): ratios(measured, name) for name in measured if name != PLAIN},
        "scores_not_as_expected": {name.strip(): differing(one, expected) for name, one in measured.items()},
    }


def main(
    class_size: Annotated[int, typer.Option(min=3, help="Submissions in the class.")] = 60,
    repeats: Annotated[int, typer.Option(min=1, help="How often each grader grades it.")] = 3,
    write: Annotated[bool, typer.Option("--write", help=f"Record it in {RESULT.relative_to(ROOT)}.")] = False,
) -> None:
    """Compare the speed of `autograder grade` with that of plain `nbgrader autograde`, in one run."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        expected = make_courses(Path(temporary), class_size)
        measured = measure(Path(temporary), list(expected), repeats)
    console.print(table(measured, expected))
    result = record(measured, expected, time.perf_counter() - started)
    hardware, versions = result["hardware"], result["versions"]
    machine = f"{hardware['processor']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB"
    console.print(f"{machine}; {', '.join(f'{name} {number}' for name, number in versions.items())}", highlight=False)
    for student, points_expected in list(expected.items())[: len(STUDENTS)]:
        given = {name.strip(): one.points.get(student) for name, one in measured.items()}
        if set(given.values()) != {points_expected}:
            console.print(f"{student}: expected {points_expected}, given {given}", highlight=False)
    if write:
        write_safely(RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        console.print(f"recorded in {RESULT}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
