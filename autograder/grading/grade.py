"""`autograder grade`: run each submission in the sandbox, judge it outside, and let nbgrader record it.

One failing submission never stops the others. A submission whose text, checks, release and seed are those of its
journal entry is not graded again. Where points move, the entry says from what to what, and why.
"""

import hashlib
import json
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise
from autograder.checking.judge import Verdict, without_points
from autograder.checking.observe import parameters
from autograder.checking.topic import ROOT, Topic, load
from autograder.collecting.submission import (
    NOT_RUN,
    UnreadableSubmission,
    read_submission,
    refuse_name,
    regular_file,
    repair,
)
from autograder.course.files import CourseError, write_safely
from autograder.course.folder import Course
from autograder.grading.cluster import ClusterError, Crew, Task
from autograder.grading.outcome import VERDICTS
from autograder.grading.reasons import Reason
from autograder.sandbox import masking
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import NoSandbox, Walls, find_bwrap

GRADER = (  # the modules by which a grade is made
    "checking/cells checking/chance checking/judge checking/observe checking/watch collecting/submission "
    "grading/attempt grading/outcome sandbox/host sandbox/limits sandbox/masking sandbox/walls sandbox/worker"
).split()
MAX_RECORDING = 8  # submissions that wait to be recorded, before judging waits too
Record = Callable[[str, str], Future[None]]  # topic, student
WHY = {  # what differs from the last grading -> in words
    "content": "a new submission",
    "seed": "another seed",
    "release": "a new release",
    "grader": "another version of the grader",
    "checks": "its checks or its reference changed",
}


@dataclass(frozen=True)
class Moved:
    """The points of an exercise that are not those of the grading before, and why."""

    exercise: str
    before: float
    after: float
    why: str


@dataclass
class Graded:
    """What became of one submission: its verdicts, or the reason why a person has to look at it."""

    student: str
    verdicts: list[Verdict] = field(default_factory=list)
    unreadable: str | None = None
    remarks: list[str] = field(default_factory=list)  # cells that were stopped, a process that ended early
    reasons: list[Reason] = field(default_factory=list)
    moved: list[Moved] = field(default_factory=list)
    fresh: bool = True  # graded in this run, not found in the journal

    @property
    def earned(self) -> float:
        return sum(verdict.earned for verdict in self.verdicts)

    @property
    def points(self) -> float:
        return sum(verdict.points for verdict in self.verdicts)


def cells_to_run(notebook: NotebookNode, topic: Topic) -> list[dict[str, Any]]:
    """A repaired notebook's code cells as the worker takes them, without the labs and the blanks written elsewhere."""
    cells = []
    for cell in notebook.cells:
        if cell.cell_type != "code" or NOT_RUN & set(cell.metadata.get("tags", [])):
            continue
        graded = cell.metadata.get("nbgrader", {}).get("grade", False)
        exercise = cell.metadata.nbgrader.grade_id.removeprefix("check_") if graded else None
        names = parameters(topic.reference(exercise)) if exercise else []
        cells.append({"id": cell.id, "source": cell.source, "exercise": exercise, "parameters": names})
    return cells


class Grading:
    """One run over a class: what is graded with what, and the journal."""

    def __init__(
        self, course: Course, topic: str, seed: int | None = None, walls: Walls = "bwrap", limits: Limits = Limits()
    ):
        self.course, self.topic, self.walls, self.limits = course, load(topic), walls, limits
        self.released = course.released(topic)
        self.exercises = [name for cell in self.released.cells if (name := checked_exercise(cell.source))]
        self._refuse_old_release()
        self.recorded = course.recorded(topic)
        self.keys: dict[str, dict[str, Any]] = {}  # of what was read, though a newer file may have come since
        self.seed = self._seed(seed)
        self.version = self._version()
        if walls == "bwrap":
            find_bwrap()

    def _refuse_old_release(self) -> None:
        """Raise CourseError where the checks give other points than the notebook that was released."""
        for cell in self.released.cells:
            name = checked_exercise(cell.source)
            if name and cell.metadata.nbgrader.points != self.topic.exercises[name].points:
                raise CourseError(
                    f"the points of {name} have changed since the release; run: "
                    f"autograder release {self.topic.name} --course {self.course.folder}"
                )

    def _seed(self, seed: int | None) -> int:
        """The secret seed of this topic in this course: drawn once, kept with the journal, unless one is given."""
        path = self.course.folder / "journal" / self.topic.name / "seed"
        if seed is not None or not path.exists():
            seed = secrets.randbits(62) if seed is None else seed
            write_safely(path, f"{seed}\n", mode=0o600)
        try:
            return int(path.read_text())
        except ValueError:
            raise CourseError(f"{path} holds no number; put the seed back, or remove it to grade anew") from None

    def _version(self) -> dict[str, Any]:
        """Hashes of what a grade depends on, beside submission and seed: release, grader, each exercise's checks."""
        references = [path for path in sorted((ROOT / "solutions").glob("*.py")) if path.stem != self.topic.name]
        grader = [ROOT / "autograder" / f"{name}.py" for name in GRADER] + references
        return {
            "release": _hash(nbformat.writes(self.released)),
            "grader": _hash(*(path.read_text(encoding="utf-8") for path in grader)),
            "checks": {name: _hash(masking.about(self.topic.name, name)) for name in self.exercises},
        }

    def key(self, student: str) -> dict[str, Any]:
        """What must be equal for an earlier grade to stand."""
        try:
            with regular_file(self.course.notebook("submitted", self.topic.name, student)).open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except UnreadableSubmission as error:
            content = str(error)
        except OSError as error:
            content = error.strerror
        return {"content": content, "seed": self.seed, **self.version}

    def from_journal(self, student: str) -> Graded | None:
        """The earlier grade of an unchanged submission, or None."""
        entry = self.course.read_journal(self.topic.name, student)
        if not entry or not entry["recorded"] or entry["key"] != self.key(student):
            return None
        if entry["unreadable"] is None and student not in self.recorded:
            return None
        verdicts = VERDICTS.validate_python(entry["verdicts"])
        reasons = [Reason(code) for code in entry["reasons"]]
        return Graded(student, verdicts, entry["unreadable"], entry["remarks"], reasons, fresh=False)

    def task(self, student: str) -> Task:
        """Read and repair one submission: what is to be run of it. Raises UnreadableSubmission."""
        self.keys[student] = self.key(student)
        refuse_name(student)
        submitted = read_submission(self.course.notebook("submitted", self.topic.name, student))
        cells = cells_to_run(repair(submitted, self.released), self.topic)
        return Task(self.topic.name, cells, self.exercises, self.seed)

    def judged(self, student: str, result: dict[str, Any]) -> Graded:
        """Write what came of a task into the journal, as not recorded yet."""
        verdicts = VERDICTS.validate_python(result["verdicts"])
        graded = Graded(student, verdicts, None, result["remarks"], [Reason(code) for code in result["reasons"]])
        earlier = self.course.read_journal(self.topic.name, student) or {}
        graded.moved = self._moved(graded, earlier)
        self._enter(graded, result["outputs"], recorded=False, basis=earlier.get("basis"))
        return graded

    def conclude(self, graded: Graded, outputs: dict[str, list[dict]]) -> None:
        """Note in the journal that nbgrader has recorded what was judged."""
        points = {verdict.exercise: verdict.earned for verdict in graded.verdicts}
        self._enter(graded, outputs, recorded=True, basis={"points": points, "key": self.keys[graded.student]})

    def _moved(self, graded: Graded, earlier: dict[str, Any]) -> list[Moved]:
        """The exercises whose points are not those that were recorded last."""
        if not (basis := earlier.get("basis")):
            return []
        old, new = basis["key"], self.keys[graded.student]
        causes = [words for part, words in WHY.items() if part != "checks" and old.get(part) != new[part]]
        moved = []
        for verdict in graded.verdicts:
            name, before = verdict.exercise, basis["points"].get(verdict.exercise, 0.0)
            own = [WHY["checks"]] if old.get("checks", {}).get(name) != new["checks"][name] else []
            if before != verdict.earned:
                moved.append(Moved(name, before, verdict.earned, ", ".join(causes + own) or "graded again by --force"))
        return moved

    def set_aside(self, student: str, reason: str, again: bool = False) -> Graded:
        """Note that a submission cannot be graded; it shows in the report and stays as it came.

        `again` says that the next run tries it again.
        """
        if student in self.recorded:
            reason += "; the gradebook still holds what was graded before"
        verdicts = [without_points(self.topic.exercises[name], "missing", reason) for name in self.exercises]
        code = Reason.UNRECORDED if again else Reason.UNREADABLE
        graded = Graded(student, verdicts, reason, reasons=[code])
        earlier = self.course.read_journal(self.topic.name, student) or {}
        self._enter(graded, {}, recorded=not again, basis=earlier.get("basis"))
        return graded

    def _enter(self, graded: Graded, outputs: dict[str, list[dict]], recorded: bool, basis: dict | None) -> None:
        """Write a journal entry. `basis` is what the gradebook holds: the points, and what they were made from."""
        about = {"key": self.keys[graded.student], "recorded": recorded, "basis": basis, "outputs": outputs}
        entry = asdict(graded) | about
        path = self.course.journal(self.topic.name, graded.student)
        write_safely(path, json.dumps(entry, ensure_ascii=False, indent=1), mode=0o600)

    def grade(
        self, students: list[str], workers: int = 2, force: bool = False, scheduler: str | None = None
    ) -> Iterator[Graded]:
        """Grade submissions, yielding each as it is done. Unchanged ones come from the journal, unless forced.

        Raises NoSandbox, ClusterError.
        """
        todo = []
        for student in students:
            earlier = None if force else self.from_journal(student)
            if earlier:
                yield earlier
            else:
                todo.append(student)
        if todo:
            crew = Crew(self.topic.name, self.walls, self.limits, min(workers, len(todo)), scheduler)
            with self.course.recorder() as record, crew:
                yield from self._grade_fresh(deque(todo), crew, record)

    def _grade_fresh(self, todo: deque[str], crew: Crew, record: Record) -> Iterator[Graded]:
        """Read what is to be graded, keep the crew busy with it, and have what comes back recorded, in its order."""
        recording: deque[tuple[Graded, dict[str, list[dict]], Future[None]]] = deque()
        while todo or crew.pending or recording:
            while todo and not crew.is_busy:
                student = todo.popleft()
                try:
                    crew.submit(student, self.task(student))
                except Exception as error:
                    yield self._not_graded(student, error)
            if crew.pending:
                student, future = crew.next()
                try:
                    result = future.result()
                    graded = self.judged(student, result)
                    recording.append((graded, result["outputs"], record(self.topic.name, student)))
                except (NoSandbox, ClusterError):
                    raise
                except Exception as error:  # whatever it is, the other submissions are graded
                    yield self._not_graded(student, error)
            while recording and (recording[0][2].done() or len(recording) > MAX_RECORDING or not crew.pending):
                yield self._recorded(*recording.popleft())

    def _recorded(self, graded: Graded, outputs: dict[str, list[dict]], future: Future[None]) -> Graded:
        """Wait until a submission is recorded; returns what became of it."""
        try:
            future.result()
            self.conclude(graded, outputs)
            return graded
        except Exception as error:
            return self._not_graded(graded.student, error)

    def _not_graded(self, student: str, error: Exception) -> Graded:
        if isinstance(error, UnreadableSubmission):
            return self.set_aside(student, str(error))
        words = error if isinstance(error, (CourseError, OSError)) else f"{type(error).__name__}: {error}"
        return self.set_aside(student, f"could not be graded: {words}", again=True)


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:32]
