"""How many submissions a minute: `autograder grade` and plain `nbgrader autograde` on the same class, side by side.

Both are run as the commands that an instructor types, start-up included, in turn, each on a fresh copy of its course.
Both have the same released notebook, without the lab's cells, and byte for byte the same submissions: solved, blank,
half done, mistaken. Plain nbgrader has its stock preprocessors and no setting of ours: for each submission it starts a
kernel and runs every code cell, the setup cell (which finds the course installed) and the notebook's own
`check(...)` cells included, on the public seed, one submission after another. `autograder grade` runs the cells in
sandboxes on a secret seed, without the demonstrations that stand as they were released, and judges outside. Nothing is
installed and nothing fetched.

A second table says what the size of a class costs `autograder grade`: the seconds for each submission that a class has
more than the next smaller one, in which start-up has no part, and the most memory that was held at once.
"""

import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import psutil
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # experiments/ is no installed package

from autograder.checking.topic import load  # noqa: E402
from autograder.course.files import write_safely  # noqa: E402
from autograder.course.folder import Course  # noqa: E402
from autograder.course.gradebook import read_scores  # noqa: E402
from autograder.example.classes import CLASSES  # noqa: E402
from autograder.grading.grade import Grading  # noqa: E402
from autograder.releasing.release import Address, build_source, release_into  # noqa: E402
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
SIZES = [60, 250, 1000]
LOOK_SECONDS = 0.25  # between two looks at how far a grader is and what it holds
COLUMNS = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
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


@dataclass
class Peak:
    """The most bytes of memory seen at one time: of a grader, and of all its sandboxes together."""

    grader: int = 0
    sandboxes: int = 0

    def look(self, process: int) -> None:
        """Look at a grader that runs, by its number."""
        with contextlib.suppress(psutil.NoSuchProcess):
            own, walled = family(psutil.Process(process))
            self.grader = max(self.grader, sum(map(memory, own)))
            self.sandboxes = max(self.sandboxes, sum(map(memory, walled)))


def family(process: psutil.Process) -> tuple[list[psutil.Process], list[psutil.Process]]:
    """A grader's own processes, and those of its sandboxes: each bubblewrap with all that is below it."""
    own, walled = [process], []
    for one in own:
        for child in one.children():
            (walled if child.name() == "bwrap" else own).append(child)
    return own, walled + [below for one in walled for below in one.children(recursive=True)]


def memory(process: psutil.Process) -> int:
    """Bytes of memory of a process, its part alone of what it shares with others; 0 where it is gone."""
    try:
        return process.memory_full_info().pss
    except psutil.AccessDenied:  # without root: another user's, and what it shares counts as its own
        return process.memory_info().rss
    except psutil.NoSuchProcess:
        return 0


@dataclass
class Cost:
    """What a class of one size cost: seconds until the first grade was there and until all were; the rest as named."""

    size: int
    start_up: float
    seconds: float
    cpu_seconds: float  # of all processes, which what else a machine does changes less
    peak: Peak
    scores_as_expected: bool

    def added(self, smaller: "Cost | None") -> float:
        """Seconds for each submission more than in the smaller class; of the smallest, for each after the first."""
        if smaller:
            return (self.seconds - smaller.seconds) / (self.size - smaller.size)
        return (self.seconds - self.start_up) / (self.size - 1)

    def cpu_added(self, smaller: "Cost | None") -> float | None:
        """The same in seconds of a processor; of the smallest, start-up cannot be told apart."""
        return (self.cpu_seconds - smaller.cpu_seconds) / (self.size - smaller.size) if smaller else None


def release(folder: Path) -> Course:
    """A course in which the topic is released, and nothing is handed in."""
    course, solved = Course(folder, make=True), without_lab(build_source(load(TOPIC), Address.read()))
    release_into(course, TOPIC, solved)
    return course


def hand_in(course: Course, class_size: int, *folders: Path) -> dict[str, float]:
    """Let a class hand in, byte for byte the same in each of the course folders; returns the points expected."""
    class_ = {student.name: student for student in CLASSES[TOPIC]}
    texts = {name: class_[name].make(course.released(TOPIC)) for name in STUDENTS}
    expected = {}
    for number in range(class_size):
        maker = STUDENTS[number % len(STUDENTS)]
        student = f"{maker}-{number:04}"
        for folder in folders:
            write_safely(folder / "submitted" / student / TOPIC / f"{TOPIC}.ipynb", texts[maker])
        expected[student] = class_[maker].points
    return expected


def make_courses(folder: Path, class_size: int) -> dict[str, float]:
    """One course for each grader, with the same release and the same class; returns the points expected."""
    course = release(folder / "ours")
    shutil.copytree(course.folder, folder / "plain")
    write_safely(folder / "plain" / "nbgrader_config.py", PLAIN_CONFIG)
    return hand_in(course, class_size, folder / "ours", folder / "plain")


def grade(command: list[str], course: Path, look: Callable[[int], None]) -> float:
    """Run a grader over a class; returns the seconds it took. Exits where the grader fails.

    `look` is called with the number of the process while it runs, every LOOK_SECONDS.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            command, cwd=course, env={**os.environ, "PATH": path}, stdout=output, stderr=subprocess.STDOUT
        )
        while True:
            look(process.pid)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_SECONDS)
                break
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
    with Progress(*COLUMNS, console=console) as bar:
        task = bar.add_task("Grading", total=repeats * len(measured) * len(students))
        for repeat in range(repeats):
            for name in list(measured) if repeat % 2 == 0 else reversed(measured):
                done = bar.tasks[task].completed
                bar.update(task, description=f"{name.strip():21}")
                course = folder / f"run-{repeat}"
                shutil.copytree(folder / ("plain" if name == PLAIN else "ours"), course)
                command = RIVALS.get(name)

                def look(process: int, done: float = done, course: Path = course) -> None:
                    there = sum(1 for _ in course.glob(f"autograded/*/{TOPIC}/{TOPIC}.ipynb"))
                    bar.update(task, completed=done + there)

                seconds = grade(command, course, look) if command else grade_warm(course, students)
                measured[name].seconds.append(seconds)
                measured[name].points = points(course)
                shutil.rmtree(course)
                bar.update(task, completed=done + len(students))
    return measured


def graded(course: Path) -> int:
    """How many submissions the journal knows of."""
    return sum(1 for _ in (course / "journal" / TOPIC).glob("*.json"))


def cpu_used() -> float:
    """Seconds of a processor that our child processes, and theirs, have used and ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def cost_of(folder: Path, class_size: int, bar: Progress) -> Cost:
    """Run `autograder grade` over a class of this size, once."""
    course, peak = release(folder), Peak()
    expected = hand_in(course, class_size, folder)
    task, started, first = bar.add_task(f"class of {class_size:,}", total=class_size), time.perf_counter(), []

    def look(process: int) -> None:
        peak.look(process)
        if there := graded(folder):
            first.append(time.perf_counter() - started)
        bar.update(task, completed=there)

    before = cpu_used()
    seconds = grade(RIVALS["autograder, 2 workers"], folder, look)
    cpu_seconds = cpu_used() - before
    bar.update(task, completed=class_size)
    return Cost(class_size, next(iter(first), seconds), seconds, cpu_seconds, peak, points(folder) == expected)


def costs_of(folder: Path, sizes: list[int]) -> list[Cost]:
    """What classes of these sizes cost, smallest first."""
    with Progress(*COLUMNS, console=console) as bar:
        return [cost_of(folder / f"class-{size}", size, bar) for size in sorted(set(sizes))]


def cost_table(costs: list[Cost]) -> Table:
    made = Table(title="What each added submission costs: autograder, 2 workers")
    headings = "Class", "Seconds", "Start-up", "Each\nadded", "CPU each\nadded", "Grader,\nMiB", "Sandboxes,\nMiB"
    for heading in (*headings, "Right"):
        made.add_column(heading, justify="right", no_wrap=True)
    for smaller, cost in zip([None, *costs], costs):
        held = [f"{size / 2**20:,.0f}" for size in (cost.peak.grader, cost.peak.sandboxes)]
        times = f"{cost.seconds:.1f}", f"{cost.start_up:.1f}", f"{cost.added(smaller):.3f}"
        cpu = f"{cost.cpu_added(smaller):.3f}" if smaller else ""
        made.add_row(f"{cost.size:,}", *times, cpu, *held, "all" if cost.scores_as_expected else "NO")
    return made


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


def record(
    measured: dict[str, Measured], expected: dict[str, float], costs: list[Cost], seconds: float
) -> dict[str, Any]:
    about = provenance(f"python benchmarks/grading.py --class-size {len(expected)} --write", seconds)
    about["versions"] |= {name: version(name) for name in ("nbgrader", "nbclient", "ipykernel", "ipython")}
    added = [
        {"seconds_each_added": cost.added(smaller), "cpu_seconds_each_added": cost.cpu_added(smaller)}
        for smaller, cost in zip([None, *costs], costs)
    ]
    return about | {
        "class_size": len(expected),
        "repeats": len(measured[PLAIN].seconds),
        "seconds_for_the_class": {name.strip(): one.seconds for name, one in measured.items()},
        "times_as_fast": {name.strip(): ratios(measured, name) for name in measured if name != PLAIN},
        "scores_not_as_expected": {name.strip(): differing(one, expected) for name, one in measured.items()},
        "cost_by_size": [asdict(cost) | more for cost, more in zip(costs, added)],  # memory in bytes
    }


def compare(folder: Path, class_size: int, repeats: int) -> tuple[dict[str, Measured], dict[str, float]]:
    """Measure all graders on a class and print it; returns what was measured, and the points expected."""
    expected = make_courses(folder, class_size)
    measured = measure(folder, list(expected), repeats)
    console.print(table(measured, expected))
    for student, points_expected in list(expected.items())[: len(STUDENTS)]:
        given = {name.strip(): one.points.get(student) for name, one in measured.items()}
        if set(given.values()) != {points_expected}:
            console.print(f"{student}: expected {points_expected}, given {given}", highlight=False)
    return measured, expected


def main(
    class_size: Annotated[int, typer.Option(min=3, help="Submissions in the class that all graders grade.")] = 60,
    repeats: Annotated[int, typer.Option(min=0, help="How often each grades it; 0: only what the size costs.")] = 3,
    sizes: Annotated[list[int], typer.Option(min=2, help="A class whose cost is measured; may be repeated.")] = SIZES,
    write: Annotated[bool, typer.Option("--write", help=f"Record it in {RESULT.relative_to(ROOT)}.")] = False,
) -> None:
    """Compare the speed of `autograder grade` with that of plain `nbgrader autograde`, in one run."""
    if write and not repeats:
        raise typer.BadParameter("there is nothing to record of the comparison with --repeats 0")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as temporary:
        measured, expected = compare(Path(temporary), class_size, repeats) if repeats else ({}, {})
        costs = costs_of(Path(temporary), sizes)
    console.print(cost_table(costs))
    about = provenance("python benchmarks/grading.py", 0.0)
    hardware, versions = about["hardware"], about["versions"]
    machine = f"{hardware['processor']}, {hardware['cores']} cores, {hardware['memory_gib']} GiB"
    console.print(f"{machine}; {', '.join(f'{name} {number}' for name, number in versions.items())}", highlight=False)
    if write:
        result = record(measured, expected, costs, time.perf_counter() - started)
        write_safely(RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
        console.print(f"recorded in {RESULT}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
