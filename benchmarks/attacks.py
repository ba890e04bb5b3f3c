"""Every attack of `tests/attacks/` on `autograder grade` and on plain `nbgrader autograde`, side by side.

Each attack is handed in beside a right submission, which is graded after it. Plain nbgrader has its stock preprocessors
and runs the notebook's own `check(...)` cells, as it is used. So that this machine stays whole, it runs in a sandbox of
its own for each attack: no network, all files on a small disk in memory, another user, few processes, a short time.
What these walls stop is counted as stopped, though nbgrader has no part in it.
"""

import copy
import json
import os
import resource
import runpy
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import jupytext
import nbformat
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # experiments/ is no installed package

from autograder.checking.topic import load  # noqa: E402
from autograder.course.files import write_safely  # noqa: E402
from autograder.course.folder import Course  # noqa: E402
from autograder.course.gradebook import read_scores  # noqa: E402
from autograder.example.handing_in import solved  # noqa: E402
from autograder.grading.grade import Grading  # noqa: E402
from autograder.releasing.release import release_into  # noqa: E402
from autograder.sandbox.limits import Limits  # noqa: E402
from autograder.sandbox.walls import find_bwrap  # noqa: E402
from experiments.record import provenance  # noqa: E402

TOPIC = load("attention")
FILES = {file.stem: file for file in sorted((ROOT / "tests" / "attacks").glob("*.*"))}
MADE = {name: runpy.run_path(str(file)) for name, file in FILES.items() if file.suffix == ".py"}
NAMES = {name: MADE.get(name, {}).get("NAME", name) for name in FILES}  # of the student who hands it in
FULL = sum(exercise.points for exercise in TOPIC.exercises.values())
LIMITS = Limits(cell_seconds=2, seconds=12, memory=1 << 30, processes=40, file_size=64 << 20, files=5_000)
CANARY = "canary-3f9d1c"  # stands in the paths and files of others
MARK = "98765"  # stands in the command line of what an attack leaves running
PLAIN_SECONDS, PLAIN_USER, PLAIN_DISK = 90, 61_234, 1 << 30
PLAIN_CONFIG = """\
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "layer-cake"
c.Execute.timeout = 8
c.Execute.error_on_timeout = {}
c.Execute.interrupt_on_timeout = True
"""
RESULT = ROOT / "benchmarks" / "results" / "attacks.json"
console = Console()


@dataclass
class Outcome:
    """What an attack achieved: its points, those of the right submission after it, and what else could be seen."""

    points: float | None
    after: float | None
    seen: list[str] = field(default_factory=list)

    def words(self) -> str:
        gained = [f"{self.points:g} points"] if self.points else []
        harmed = [] if self.after == FULL else [f"the next one: {self.after or 0:g} of {FULL:g}"]
        return "; ".join(gained + harmed + self.seen) or "nothing"


def cells_of(file: Path) -> list[NotebookNode]:
    """The attacker's cells in a `.md`."""
    return [cell for cell in jupytext.read(file, fmt="md:myst").cells if cell.cell_type == "code"]


def reason(name: str) -> str:
    """The code that is to be reported."""
    return MADE[name]["REASON"] if name in MADE else cells_of(FILES[name])[0].metadata["reason"]


def put(cells: list[NotebookNode], notebook: NotebookNode) -> None:
    """Put cells above, below or instead of one of a notebook's, as their metadata say; else below the imports."""
    places = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    places["imports"] = imports = next(cell for cell in notebook.cells if "import check" in cell.source)
    others = []
    for cell in cells:
        made = nbformat.v4.new_code_cell(cell.source)
        if "instead" in cell.metadata:
            places[cell.metadata["instead"]].source = cell.source
        elif "above" in cell.metadata:
            notebook.cells.insert(notebook.cells.index(places[cell.metadata["above"]]), made)
        elif "below" in cell.metadata:
            notebook.cells.insert(notebook.cells.index(places[cell.metadata["below"]]) + 1, made)
        else:
            others.append(made)
    at = notebook.cells.index(imports) + 1
    notebook.cells[at:at] = others


def hand_in(name: str, notebook: NotebookNode, path: Path) -> None:
    """Put what is handed in where it is looked for: cells below the imports, or where they say, or a file as made."""
    path.parent.mkdir(parents=True)
    if name in MADE:
        return MADE[name]["hand_in"](notebook, path)
    put(cells_of(FILES[name]), notebook)
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def make_course(folder: Path) -> Course:
    """A course with the topic released and nothing handed in."""
    course = Course(folder, make=True)
    release_into(course, TOPIC.name)
    return course


def ours(course: Course) -> dict[str, Outcome]:
    """What each attack achieves against `autograder grade`, all in one run by one worker."""
    order = []
    for name in FILES:
        hand_in(name, copy.deepcopy(course.released(TOPIC.name)), course.notebook("submitted", TOPIC.name, NAMES[name]))
        hand_in_right(course, f"after_{name}")
        order += [NAMES[name], f"after_{name}"]
    graded = Grading(course, TOPIC.name, limits=LIMITS).grade(order, workers=1)
    graded = {one.student: one for one in track(graded, "autograder", total=len(order), console=console)}
    outcomes = {}
    for name in FILES:
        student = NAMES[name]
        printed = json.dumps(course.read_journal(TOPIC.name, student)["outputs"])
        seen = ["read what is others'"] if CANARY in printed else []
        outcomes[name] = Outcome(graded[student].earned, graded[f"after_{name}"].earned, seen)
    return outcomes


def hand_in_right(course: Course, student: str) -> None:
    right = solved(course.released(TOPIC.name))
    right.metadata["private"] = CANARY
    write_safely(course.notebook("submitted", TOPIC.name, student), nbformat.writes(right))


def plain(name: str | None, template: Course) -> Outcome:
    """What one attack, or a right submission, achieves against plain nbgrader, in a sandbox with `inside` in it."""
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        shutil.copytree(template.folder, room / CANARY)
        course = Course(room / CANARY)
        hand_in_right(course, "after")
        if name is None:
            hand_in_right(course, "attacker")
        else:
            hand_in(name, course.released(TOPIC.name), course.notebook("submitted", TOPIC.name, "attacker"))
        write_safely(room / CANARY / "nbgrader_config.py", PLAIN_CONFIG)
        command = [
            find_bwrap(),
            "--unshare-pid",
            "--unshare-net",
            "--unshare-ipc",
            "--die-with-parent",
            "--new-session",
        ]
        if os.getuid() == 0:
            command += [word for kept in ("SETUID", "SETGID", "KILL", "CHOWN") for word in ("--cap-add", f"CAP_{kept}")]
        command += ["--ro-bind", "/", "/", *opened(), "--proc", "/proc", "--dev", "/dev"]
        command += ["--size", str(PLAIN_DISK), "--perms", "1777", "--tmpfs", "/tmp", "--dir", "/tmp/course"]
        command += ["--ro-bind", str(room), "/tmp/given", "--chdir", "/tmp"]
        command += [sys.executable, str(Path(__file__)), "--inside"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PLAIN_SECONDS, errors="replace")
    last = done.stdout.strip().splitlines()[-1:]
    if last and last[0].startswith("{"):
        return Outcome(**json.loads(last[0]))
    if done.returncode == 1:  # Python's, for an error of ours: an attack has the whole sandbox killed
        raise RuntimeError(done.stderr)
    return Outcome(None, None, ["all stopped"])


def opened() -> list[str]:
    """bubblewrap's options by which another user reaches Python and the course, below folders that are closed to it."""
    shown = {ROOT, Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve()}
    parents = {parent for path in shown for parent in path.parents}
    closed = {path for path in parents if not path.stat().st_mode & 0o001}
    within = {path for path in parents if closed & set(path.parents)}
    words = [word for path in sorted(closed) for word in ("--perms", "0755", "--tmpfs", str(path))]
    words += [word for path in sorted(within - closed) for word in ("--perms", "0755", "--dir", str(path))]
    reached = sorted(path for path in shown if closed & set(path.parents))
    return words + [word for path in reached for word in ("--ro-bind", str(path), str(path))]


def inside() -> None:
    """In the sandbox: grade the attacker, then the right submission, and print what can be seen afterwards."""
    course = Path("/tmp/course")
    shutil.copytree("/tmp/given", course, dirs_exist_ok=True, symlinks=True, copy_function=copy_any)
    course /= CANARY
    home = Path("/tmp/home")
    home.mkdir()
    if os.getuid() == 0:
        for path in [Path("/tmp/course"), home, *Path("/tmp/course").rglob("*")]:
            os.chown(path, PLAIN_USER, PLAIN_USER, follow_symlinks=False)
    before = set(os.listdir("/tmp")) | set(os.listdir("/dev/shm"))
    took = [autograde(course, student) for student in ("attacker", "after")]
    scores = read_scores(f"sqlite:///{course / 'gradebook.db'}", TOPIC.name)
    points = {one.student: sum(got for check, (got, _) in one.exercises.items() if "check_" in check) for one in scores}
    seen = ["nbgrader did not come to an end"] if took[0] is None else []
    page = course / "autograded" / "attacker" / TOPIC.name / f"{TOPIC.name}.ipynb"
    text = page.read_text(errors="replace") if page.is_file() else ""
    outputs = json.dumps([cell.get("outputs", []) for cell in json.loads(text)["cells"]]) if text else ""
    if CANARY in outputs or "SQLite format" in outputs:
        seen.append("read what is others'")
    if any(MARK.encode() in command_line(process) for process in os.listdir("/proc") if process.isdigit()):
        seen.append("a process left")
    left = (set(os.listdir("/tmp")) | set(os.listdir("/dev/shm"))) - before
    if any(not name.startswith("torchinductor_") for name in left):  # a folder that PyTorch makes
        seen.append("files left")
    if "window.harmed" in text:
        seen.append("HTML as it came")
    print(json.dumps(asdict(Outcome(points.get("attacker"), points.get("after"), seen))))


def copy_any(source: str, target: str) -> None:
    """Copy a file, or make a pipe where there is one."""
    os.mkfifo(target) if Path(source).is_fifo() else shutil.copy2(source, target, follow_symlinks=False)


def command_line(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""


def autograde(course: Path, student: str) -> float | None:
    """Plain nbgrader on one submission; returns the seconds it took, or None where it had to be stopped."""

    def confine() -> None:
        for kind, most in (
            (resource.RLIMIT_AS, 8 << 30),
            (resource.RLIMIT_FSIZE, 256 << 20),
            (resource.RLIMIT_NPROC, 60),
            (resource.RLIMIT_CPU, PLAIN_SECONDS),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.setrlimit(kind, (most, most))
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(PLAIN_USER)
            os.setuid(PLAIN_USER)

    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin:/bin"])
    environment = {"PATH": path, "HOME": "/tmp/home", "LANG": "C.UTF-8", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "nbgrader", "autograde", TOPIC.name, "--student", student]
    started = time.perf_counter()
    with open(f"/tmp/home/{student}.log", "wb") as log:
        try:
            subprocess.run(
                command, cwd=course, env=environment, preexec_fn=confine, stdout=log, stderr=log, timeout=PLAIN_SECONDS
            )
        except subprocess.TimeoutExpired:
            return None
    return time.perf_counter() - started


def table(outcomes: dict[str, tuple[Outcome, Outcome]]) -> Table:
    made = Table(title=f"{len(outcomes)} attacks: what each achieved")
    for heading in ("Attack", f"nbgrader {version('nbgrader')}, plain", "autograder", "Reason code"):
        made.add_column(heading, overflow="fold")
    for name, (theirs, mine) in outcomes.items():
        made.add_row(name.replace("_", " "), theirs.words(), mine.words(), reason(name))
    return made


def main(
    only: Annotated[list[str] | None, typer.Argument(help="These attacks; all of them if left out.")] = None,
    write: Annotated[bool, typer.Option("--write", help=f"Record it in {RESULT.relative_to(ROOT)}.")] = False,
    is_inside: Annotated[bool, typer.Option("--inside", hidden=True)] = False,
) -> None:
    """Set every attack of the tests on both graders and print what each achieved."""
    if is_inside:
        return inside()
    for name in set(FILES) - set(only or FILES):
        del FILES[name]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix=CANARY) as folder:
        template = make_course(Path(folder) / "template")
        right = plain(None, template)
        if (right.points, right.after) != (FULL, FULL):  # else its walls would count as what stops the attacks
            given = f"{right.points or 0:g} and {right.after or 0:g}"
            console.print(f"plain nbgrader gives {given} points to two right submissions: nothing can be compared here")
            raise typer.Exit(1)
        theirs = {name: plain(name, template) for name in track(list(FILES), "nbgrader  ", console=console)}
        mine = ours(make_course(Path(folder) / "ours"))
    outcomes = {name: (theirs[name], mine[name]) for name in FILES}
    console.print(table(outcomes))
    held = [sum(side.words() == "nothing" for side in sides) for sides in zip(*outcomes.values())]
    console.print(f"achieved nothing: plain nbgrader {held[0]}, autograder {held[1]}, of {len(outcomes)} attacks")
    if write:
        result = provenance("python benchmarks/attacks.py --write", time.perf_counter() - started) | {
            name: {"nbgrader": asdict(pair[0]), "autograder": asdict(pair[1])} for name, pair in outcomes.items()
        }
        write_safely(RESULT, json.dumps(result, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
