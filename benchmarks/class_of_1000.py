"""A class of 1,000 that has every attack and every oddity of the tests in it, and a grader that is killed meanwhile.

The attacks of `tests/attacks/` and the oddities of `tests/honest/` stand at random places among the right, half done
and mistaken submissions of the example class. The grader runs as a program in a process group of its own, which gets
`kill -9` at random moments, and is run again each time until it comes to its end. Then every honest grade has to be
what it should, every attack has to have nothing, what was handed in has to be there byte for byte, and of each killed
run no process may be left. The grader is `autograder grade` but for its limits, which are tighter, so that an attack
that takes all of its time takes less of yours; in the end the command itself must find nothing left to grade.
"""

import copy
import ctypes
import hashlib
import json
import os
import random
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import nbformat
import psutil
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # experiments/ is no installed package

from autograder.cli import NEEDS_A_PERSON  # noqa: E402
from autograder.course.files import write_safely  # noqa: E402
from autograder.course.folder import Course  # noqa: E402
from autograder.example.classes import CLASSES  # noqa: E402
from autograder.example.handing_in import solved  # noqa: E402
from autograder.grading.grade import Grading  # noqa: E402
from autograder.sandbox.worker import PR_SET_CHILD_SUBREAPER  # noqa: E402
from benchmarks import attacks  # noqa: E402
from benchmarks.attacks import FULL, TOPIC, cells_of  # noqa: E402
from benchmarks.grading import COLUMNS, LOOK_SECONDS, STUDENTS, Peak, graded, points  # noqa: E402
from experiments.record import provenance  # noqa: E402

ODDITIES = {file.stem: file for file in sorted((ROOT / "tests" / "honest").glob("*.*"))}
LINKED = "after_crashes"  # the student to whose submission one of the attacks makes a link
LIMITS = replace(attacks.LIMITS, cell_seconds=8, seconds=40)
WORKERS = 2
MOST_OF_THE_GRADER = 1 << 30
MOST_OF_THE_SANDBOXES = WORKERS * (LIMITS.memory + (1 << 30) + (1 << 29))  # theirs, two disks in memory, a warm worker
LATEST = 0.8  # of the class that is graded when the last kill comes, so that the grader is still there
MOST_DELAY = 3.0  # seconds between the submission that a kill waits for, and the kill
GONE_SECONDS = 30  # until what was killed has to be gone
RESULT = ROOT / "benchmarks" / "results" / "class_of_1000.json"
console = Console()


@dataclass(frozen=True)
class Entry:
    """One submission of the class: its kind, what it is called there, and the points that it should get."""

    kind: str
    name: str
    points: float


@dataclass
class Runs:
    """What was seen of the grader's runs: seconds, when each was killed, what was left, and memory."""

    killed_at: list[int] = field(default_factory=list)  # submissions that the journal knew
    left: list[str] = field(default_factory=list)
    seconds: float = 0.0
    failure: str | None = None  # the last words of a run that ended by itself, and not well
    peak: Peak = field(default_factory=Peak)


def option(name: str, key: str) -> str | None:
    """What the cells of an oddity say under a key; a `.py` has none."""
    if ODDITIES[name].suffix == ".py":
        return None
    return next((cell.metadata[key] for cell in cells_of(ODDITIES[name]) if key in cell.metadata), None)


def can_run(name: str) -> bool:
    """Whether this Python has the syntax of an oddity."""
    return sys.version_info >= tuple(map(int, (option(name, "python") or "3").split(".")))


def honest(name: str, notebook: NotebookNode) -> bytes:
    """The file that a learner with an oddity hands in, made of the solved notebook."""
    file = ODDITIES[name]
    if file.suffix == ".py":
        made = runpy.run_path(str(file))["hand_in"](notebook)
        return made if isinstance(made, bytes) else made.encode()
    attacks.put(cells_of(file), notebook)
    return nbformat.writes(notebook).encode()


def points_of(oddity: str) -> float:
    """The points that an oddity leaves a right submission."""
    costs = option(oddity, "costs")
    return FULL - (TOPIC.exercises[costs].points if costs else 0)


def class_of(size: int, chance: random.Random) -> dict[str, Entry]:
    """The class by student, in an order by chance. Exits where it is too small for all attacks and oddities."""
    special = [Entry("attack", name, 0) for name in attacks.FILES]
    special += [Entry("oddity", name, points_of(name)) for name in ODDITIES if can_run(name)]
    makers = [Entry("example class", maker.name, maker.points) for maker in CLASSES["attention"]]
    makers = [maker for maker in makers if maker.name in STUDENTS]
    if size <= len(special):
        raise typer.BadParameter(f"there are {len(special)} attacks and oddities; take a larger class")
    right = next(maker for maker in makers if maker.points == FULL)
    others = [makers[number % len(makers)] for number in range(size - len(special) - 1)]
    mixed = chance.sample(special + others, size - 1)
    numbered = {f"{place:04}-{attacks.NAMES.get(entry.name, entry.name)}": entry for place, entry in enumerate(mixed)}
    return numbered | {LINKED: right}


def hand_in(course: Course, class_: dict[str, Entry]) -> None:
    """Put every submission where it is looked for."""
    released = course.released(TOPIC.name)
    right = solved(copy.deepcopy(released))
    texts = {
        maker.name: maker.make(copy.deepcopy(released)) for maker in CLASSES["attention"] if maker.name in STUDENTS
    }
    for student, entry in class_.items():
        path = course.notebook("submitted", TOPIC.name, student)
        if entry.kind == "attack":
            attacks.hand_in(entry.name, copy.deepcopy(released), path)
        else:
            oddity = entry.kind == "oddity"
            write_safely(path, honest(entry.name, copy.deepcopy(right)) if oddity else texts[entry.name])


def contents(folder: Path) -> dict[Path, str]:
    """All that stands in a folder: files as hashes, links as where they lead, and what else there is by its kind."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found[path] = f"to {os.readlink(path)}"
        elif path.is_file():
            found[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[path] = str(path.lstat().st_mode)
    return found


def inside(folder: Path) -> None:
    """The grader that is killed: all that is not yet graded, on tighter limits."""
    grading = Grading(Course(folder), TOPIC.name, limits=LIMITS)
    for _ in grading.grade(grading.course.submissions(TOPIC.name), WORKERS):
        pass


def grade_and_kill(course: Course, size: int, kills: int, chance: random.Random, bar: Progress) -> Runs:
    """Run the grader until it ends by itself, and kill it `kills` times before, spread over the class."""
    runs, task, started = Runs(), bar.add_task("Grading", total=size), time.perf_counter()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # what outlives its parent comes to us
    command = [sys.executable, str(Path(__file__)), "--inside", str(course.folder)]
    for moment in [*sorted(chance.sample(range(int(LATEST * size)), kills)), None]:
        log = course.folder.with_name("grader.log")
        with open(log, "wb") as output:
            running = subprocess.Popen(command, start_new_session=True, stdout=output, stderr=output)
        end = None
        while running.poll() is None and (end is None or time.monotonic() < end):
            runs.peak.look(running.pid)
            there = graded(course.folder)
            bar.update(task, completed=there, description=f"killed {len(runs.killed_at)} times")
            if end is None and moment is not None and there >= moment:
                end = time.monotonic() + chance.uniform(0, MOST_DELAY)
            time.sleep(LOOK_SECONDS)
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGKILL)
            runs.killed_at.append(graded(course.folder))
        elif running.returncode:
            runs.failure = f"a run ended with {running.returncode}: {log.read_text(errors='replace')[-2000:]}"
            break
        running.wait()
        runs.left += left_behind()
    runs.seconds = time.perf_counter() - started
    return runs


def left_behind() -> list[str]:
    """The processes of a run that are still there when all should long be gone; they are ended then."""
    end = time.monotonic() + GONE_SECONDS
    while True:
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        left = psutil.Process().children(recursive=True)
        if not left or time.monotonic() > end:
            break
        time.sleep(0.05)
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    return [str(process) for process in left]


def differing(course: Course, class_: dict[str, Entry]) -> list[tuple[str, Entry, str]]:
    """The submissions of which something is not as it should be, and what."""
    given, found = points(course.folder), []
    for student, entry in class_.items():
        journal = course.read_journal(TOPIC.name, student)
        if journal is None or not journal["recorded"]:
            found.append((student, entry, "not graded"))
        elif student not in given and not journal["unreadable"]:
            found.append((student, entry, "not in the gradebook"))
        elif given.get(student, 0.0) != entry.points or (entry.points and student not in given):
            found.append((student, entry, f"{given.get(student)} points, not {entry.points:g}"))
        elif entry.kind == "attack" and attacks.reason(entry.name) not in journal["reasons"]:
            found.append((student, entry, f"reported as {journal['reasons']}, not {attacks.reason(entry.name)}"))
    return found


def the_command(course: Course) -> str | None:
    """What `autograder grade` does not do that it should when all is graded: find nothing to grade, and say so."""
    command = [sys.executable, "-m", "autograder", "grade", TOPIC.name, "--course", str(course.folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == NEEDS_A_PERSON and "submissions, 0 graded now" in done.stdout:
        return None
    return f"`autograder grade` ended with {done.returncode}: {(done.stdout + done.stderr)[-500:]}"


def troubles(runs: Runs, kills: int, lost: list[Path], command: str | None) -> list[str]:
    """What of the whole run is not as it should be."""
    found = [f"killed {len(runs.killed_at)} times, not {kills}"] if len(runs.killed_at) != kills else []
    found += [runs.failure] if runs.failure else []
    found += [f"left behind: {process}" for process in runs.left]
    found += [f"lost or changed: {path}" for path in lost]
    for whose, held, most in (
        ("grader", runs.peak.grader, MOST_OF_THE_GRADER),
        ("sandboxes", runs.peak.sandboxes, MOST_OF_THE_SANDBOXES),
    ):
        found += [f"the {whose} held {held / 2**20:,.0f} MiB, more than {most / 2**20:,.0f}"] if held > most else []
    return found + ([command] if command else [])


def table(class_: dict[str, Entry], wrong: list[tuple[str, Entry, str]], runs: Runs) -> Table:
    made = Table(title=f"{len(class_):,} submissions, killed {len(runs.killed_at)} times")
    for heading in ("What", "How many", "As expected"):
        made.add_column(heading, justify="left" if heading == "What" else "right")
    bad = Counter(entry.kind for _, entry, _ in wrong)
    for kind, count in Counter(entry.kind for entry in class_.values()).most_common():
        made.add_row(kind, f"{count:,}", f"{count - bad[kind]:,}")
    return made


def report(class_: dict[str, Entry], wrong: list[tuple[str, Entry, str]], runs: Runs, trouble: list[str]) -> None:
    console.print(table(class_, wrong, runs))
    held = [f"{size / 2**20:,.0f} MiB" for size in (runs.peak.grader, runs.peak.sandboxes)]
    console.print(f"{runs.seconds:.0f} seconds; at most {held[0]} in the grader, {held[1]} in all sandboxes together")
    console.print(f"killed when it had begun to record: {', '.join(map(str, runs.killed_at))}", highlight=False)
    for student, entry, words in wrong:
        console.print(f"{student} ({entry.kind}, {entry.name}): {words}", markup=False, highlight=False)
    for words in trouble:
        console.print(words, markup=False, highlight=False)


def main(
    class_size: Annotated[int, typer.Option(min=3, help="Submissions in the class.")] = 1000,
    kills: Annotated[int, typer.Option(min=0, help="How often the grader is killed.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the order of the class, and of the moments of the kills.")] = 7,
    write: Annotated[bool, typer.Option("--write", help=f"Record it in {RESULT.relative_to(ROOT)}.")] = False,
    course_inside: Annotated[Path | None, typer.Option("--inside", hidden=True)] = None,
) -> None:
    """Grade a large and hostile class while the grader is killed; the exit code is 1 where anything goes wrong."""
    if course_inside:
        return inside(course_inside)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started, chance = time.perf_counter(), random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        course = attacks.make_course(Path(temporary) / "course")
        class_ = class_of(class_size, chance)
        hand_in(course, class_)
        before = contents(course.folder / "submitted")
        with Progress(*COLUMNS, console=console) as bar:
            runs = grade_and_kill(course, class_size, kills, chance, bar)
        after = contents(course.folder / "submitted")
        wrong = differing(course, class_)
        lost = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
        trouble = troubles(runs, kills, lost, None if runs.failure else the_command(course))
    report(class_, wrong, runs, trouble)
    if write:
        command = f"python benchmarks/class_of_1000.py --class-size {class_size} --kills {kills} --seed {seed} --write"
        result: dict[str, Any] = provenance(command, time.perf_counter() - started)
        result |= {"class": dict(Counter(entry.kind for entry in class_.values())), "runs": asdict(runs)}
        result |= {"wrong": [[student, asdict(entry), words] for student, entry, words in wrong], "trouble": trouble}
        write_safely(RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    raise typer.Exit(bool(wrong or trouble))


if __name__ == "__main__":
    typer.run(main)
