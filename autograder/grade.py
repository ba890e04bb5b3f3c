"""`autograder grade`: run each submission in the sandbox, judge it here, and let nbgrader record it.

One failing submission never stops the others. A submission whose text, checks, release and seed are those of its
journal entry is not graded again.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import nbformat
from nbformat import NotebookNode
from pydantic import TypeAdapter

from autograder.course import Course, CourseError, write_safely
from autograder.display import as_html, number
from autograder.judge import BLANK, CheckVerdict, Verdict, judge, without_points
from autograder.nbgrader_hooks import score_output
from autograder.observe import parameters
from autograder.protocol import Topic, load
from autograder.reasons import Reason, in_order, reason_of
from autograder.release import checked_exercise
from autograder.sandbox import Limits, NoSandbox, Seen, Walls, Worker, find_bwrap
from autograder.submission import NOT_RUN, UnreadableSubmission, read_submission, refuse_name, regular_file, repair


@dataclass
class Graded:
    """What became of one submission: its verdicts, or the reason why a person has to look at it."""

    student: str
    verdicts: list[Verdict] = field(default_factory=list)
    unreadable: str | None = None
    remarks: list[str] = field(default_factory=list)  # cells that were stopped, a process that ended early
    reasons: list[Reason] = field(default_factory=list)
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


def judge_all(topic: Topic, seen: Seen, exercises: list[str], seed: int) -> list[Verdict]:
    """The verdicts on one submission's exercises, from what came out of the sandbox."""
    verdicts = []
    for name in exercises:
        exercise = topic.exercises[name]
        if name in seen.references:
            reason = "The reference was imported here; it earns no points."
            verdicts.append(without_points(exercise, "reference", reason))
        else:
            verdicts.append(judge(topic, exercise, seen.observations.get(name, {}), seed))
    return verdicts


def outputs_of(cells: list[dict[str, Any]], seen: Seen, verdicts: list[Verdict]) -> dict[str, list[dict]]:
    """The outputs that the recorded notebook shows, by cell id: verdicts without values, text and errors."""
    by_name = {verdict.exercise: verdict for verdict in verdicts}
    outputs: dict[str, list[dict]] = {}
    for index, cell in enumerate(cells):
        if cell["exercise"]:
            verdict = by_name[cell["exercise"]]
            outputs[cell["id"]] = [score_output(number(verdict.earned), html=as_html(verdict, values=False))]
        else:
            lines = [seen.texts.get(index, ""), seen.errors.get(index, "")]
            if text := "\n".join(line for line in lines if line):
                outputs[cell["id"]] = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    return outputs


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

    def _version(self) -> str:
        """A hash of all that a grade depends on beside the submission: checks, reference, judge, release."""
        here = Path(__file__).parent
        files = [here / "checks" / f"{self.topic.name}.py", here.parent / "solutions" / f"{self.topic.name}.py"]
        files += [here / f"{name}.py" for name in ("judge", "chance", "observe", "worker", "submission", "masking")]
        digest = hashlib.sha256(nbformat.writes(self.released).encode())
        for path in files:
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def key(self, student: str) -> dict[str, Any]:
        """What must be equal for an earlier grade to stand."""
        try:
            with regular_file(self.course.notebook("submitted", self.topic.name, student)).open("rb") as file:
                content = hashlib.file_digest(file, "sha256").hexdigest()
        except UnreadableSubmission as error:
            content = str(error)
        except OSError as error:
            content = error.strerror
        return {"content": content, "version": self.version, "seed": self.seed}

    def from_journal(self, student: str) -> Graded | None:
        """The earlier grade of an unchanged submission, or None."""
        entry = self.course.read_journal(self.topic.name, student)
        if not entry or not entry["recorded"] or entry["key"] != self.key(student):
            return None
        if entry["unreadable"] is None and student not in self.recorded:
            return None
        verdicts = TypeAdapter(list[Verdict]).validate_python(entry["verdicts"])
        reasons = [Reason(code) for code in entry["reasons"]]
        return Graded(student, verdicts, entry["unreadable"], entry["remarks"], reasons, fresh=False)

    def run(self, student: str, worker: Worker) -> tuple[list[dict[str, Any]], Seen]:
        """Read, repair and run one submission. Raises UnreadableSubmission."""
        self.keys[student] = self.key(student)
        refuse_name(student)
        submitted = read_submission(self.course.notebook("submitted", self.topic.name, student))
        cells = cells_to_run(repair(submitted, self.released), self.topic)
        return cells, worker.run(cells, self.seed)

    def conclude(self, student: str, cells: list[dict[str, Any]], seen: Seen) -> Graded:
        """Judge what was seen, write it into the journal, and have nbgrader record it."""
        verdicts = judge_all(self.topic, seen, self.exercises, self.seed)
        graded = Graded(student, verdicts, None, _remarks(seen), _reasons(seen, verdicts))
        outputs = outputs_of(cells, seen, verdicts)
        self._enter(graded, outputs, recorded=False)
        self.course.record(self.topic.name, student)
        self._enter(graded, outputs, recorded=True)
        return graded

    def set_aside(self, student: str, reason: str, again: bool = False) -> Graded:
        """Note that a submission cannot be graded; it shows in the report and stays as it came.

        `again` says that the next run tries it again.
        """
        if student in self.recorded:
            reason += "; the gradebook still holds what was graded before"
        verdicts = [without_points(self.topic.exercises[name], "missing", reason) for name in self.exercises]
        code = Reason.UNRECORDED if again else Reason.UNREADABLE
        graded = Graded(student, verdicts, reason, reasons=[code])
        self._enter(graded, {}, recorded=not again)
        return graded

    def _enter(self, graded: Graded, outputs: dict[str, list[dict]], recorded: bool) -> None:
        entry = asdict(graded) | {"key": self.keys[graded.student], "recorded": recorded, "outputs": outputs}
        path = self.course.journal(self.topic.name, graded.student)
        write_safely(path, json.dumps(entry, ensure_ascii=False, indent=1), mode=0o600)

    def grade(self, students: list[str], workers: int = 2, force: bool = False) -> Iterator[Graded]:
        """Grade submissions, yielding each as it is done. Unchanged ones come from the journal, unless forced."""
        todo = []
        for student in students:
            earlier = None if force else self.from_journal(student)
            if earlier:
                yield earlier
            else:
                todo.append(student)
        if todo:
            yield from self._grade_fresh(todo, min(workers, len(todo)))

    def _grade_fresh(self, students: list[str], workers: int) -> Iterator[Graded]:
        idle: SimpleQueue[Worker] = SimpleQueue()
        rooms = [Worker(self.topic.name, self.walls, index, self.limits) for index in range(workers)]
        for room in rooms:
            idle.put(room)

        def run(student: str):
            room = idle.get()
            try:
                return self.run(student, room)
            finally:
                idle.put(room)

        try:
            with ThreadPoolExecutor(workers) as pool:
                pending = {pool.submit(run, student): student for student in students}
                for done in as_completed(pending):
                    yield self._finish(pending[done], done.result)
        finally:
            for room in rooms:
                room.close()

    def _finish(self, student: str, result: Callable[[], tuple]) -> Graded:
        try:
            return self.conclude(student, *result())
        except UnreadableSubmission as error:
            return self.set_aside(student, str(error))
        except NoSandbox:
            raise
        except Exception as error:  # whatever it is, the other submissions are graded
            words = error if isinstance(error, (CourseError, OSError)) else f"{type(error).__name__}: {error}"
            return self.set_aside(student, f"could not be graded: {words}", again=True)


def _stopped(seen: Seen) -> list[str]:
    """The errors of cells, but for those that say no more than that an exercise is blank."""
    return [error for error in seen.errors.values() if not error.startswith(("NotImplementedError", "NameError"))]


def _remarks(seen: Seen) -> list[str]:
    """What a person should know of a run, beside the verdicts: what was stopped, or ended the process."""
    stopped = _stopped(seen)
    words = [f"{len(stopped)} of its cells failed, the first with {stopped[0]}"] if stopped else []
    return words + ([seen.ending] if seen.ending != "whole" else [])


def _reasons(seen: Seen, verdicts: list[Verdict]) -> list[Reason]:
    """The codes of all that failed in a run, and of all that earned nothing."""
    words = [*_stopped(seen), *([seen.ending] if seen.ending != "whole" else [])]
    checks = [check for verdict in verdicts for check in verdict.checks if check.outcome != "passed"]
    return in_order([*map(reason_of, words), *map(_reason_of_check, checks)])


def _reason_of_check(check: CheckVerdict) -> Reason:
    if check.reason == BLANK:
        return Reason.MISSING
    return Reason.WRONG if check.outcome == "holds" else Reason(check.outcome)
