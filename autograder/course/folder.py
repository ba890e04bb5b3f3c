"""An instructor's course: a folder in nbgrader's layout, worked through nbgrader's own programming interface.

course/
  nbgrader_config.py   one line that calls `configure`, so that formgrader sees what we see
  source/ release/     the notebook, solved and as learners get it
  submitted/           submitted/<student>/<topic>/<topic>.ipynb: what came in; only `collect` writes to it
  attempts/ unreadable/ roster/     `collect` (autograder/collect.py)
  journal/             journal/<topic>/<student>.json: verdicts, and what they were made from
  autograded/ feedback/ gradebook.db    nbgrader's
"""

import contextlib
import copy
import ctypes
import gc
import hashlib
import json
import os
import re
import signal
import sqlite3
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry, SubmittedAssignment
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.dialects import plugins
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import Config, PyFileConfigLoader

from autograder.checking.errors import ClearError

HOOKS = "autograder.nbgrader_hooks"
PR_SET_PDEATHSIG = 1
PLUGIN = "compile-once"  # of SQLAlchemy, in the gradebook's address
plugins.register(PLUGIN, HOOKS, "CompileOnce")
RUNNABLE = ["*.htm*", "*.xht*", "*.svg", "*.xml", "*.js"]  # files that formgrader would serve, and a browser run
CONFIG_FILE = """\
# Written by `autograder`: nbgrader and formgrader, opened in this folder, record the same verdicts.
from autograder.course import configure

c = configure(get_config())  # noqa: F821
# Your own settings follow; this one, say, takes all points off what comes in late:
# c.LateSubmissionPlugin.penalty_method = "zero"
"""


LOCKED = (
    "the gradebook is locked by another program, such as formgrader or a second autograder; wait for it, or close it, "
    "and run this again"
)


class CourseError(ClearError):
    """nbgrader could not do what was asked: what it said, and what to do."""


def configure(config: Config) -> Config:
    """Set nbgrader up for a course: metadata is repaired first, and verdicts replace execution."""
    config.CourseDirectory.course_id = "layer-cake"
    config.Autograde.exporter_class = f"{HOOKS}.SubmissionExporter"
    config.Autograde.sanitize_preprocessors = [
        f"{HOOKS}.RepairSubmission",
        f"{HOOKS}.KeepLabPictures",
        "nbgrader.preprocessors.DeduplicateIds",
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
    ]
    config.Autograde.autograde_preprocessors = [
        f"{HOOKS}.WriteVerdicts",
        "nbgrader.preprocessors.LimitOutput",
        "nbgrader.preprocessors.SaveAutoGrades",
        "nbgrader.preprocessors.AssignLatePenalties",
    ]  # without CheckCellMetadata: all metadata of nbgrader's are the release's, where it has checked them
    config.Exporter.optimistic_validation = True  # once for each conversion, not after each preprocessor
    config.GenerateFeedback.preprocessors = [
        f"{HOOKS}.HideText",
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
    ]
    config.HTMLExporter.filters = {"strip_files_prefix": f"{HOOKS}.tamed"}
    config.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", *RUNNABLE]
    return config


def write_safely(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".writing.", delete=False) as temporary:
        try:
            temporary.write(content.encode() if isinstance(content, str) else content)
            temporary.flush()
            os.fsync(temporary.fileno())
            os.chmod(temporary.name, mode)
            os.replace(temporary.name, path)
        except OSError:  # a full disk: what was begun is not left behind
            os.unlink(temporary.name)
            raise


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of what a notebook's cells say; outputs and metadata do not count."""
    said = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def write_generated(path: Path, notebook: NotebookNode) -> None:
    """Write a notebook that we generate, with its fingerprint.

    Raises CourseError where the file is there and is not what an earlier run wrote: somebody has worked in it.
    """
    notebook.metadata["layercake"] = {"fingerprint": fingerprint(notebook)}
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return
        try:
            old = nbformat.read(path, as_version=4)
            ours = old.metadata.get("layercake", {}).get("fingerprint") == fingerprint(old)
        except Exception:  # no notebook at all
            ours = False
        if not ours:
            raise CourseError(
                f"{path} has been worked in since it was generated; copy it elsewhere, remove it, and run this again "
                "(to change the exercises, edit their source text)"
            )
    write_safely(path, text)


@dataclass
class Score:
    """What the gradebook holds for one submission."""

    student: str
    score: float
    max_score: float
    needs_manual_grade: bool
    exercises: dict[str, tuple[float, float]]  # check's grade id -> (score, maximum)
    penalty: float = 0  # for late work
    comments: dict[str, str] = field(default_factory=dict)  # cell's grade id -> what was written by hand

    @property
    def final(self) -> float:
        """The score that is handed back: after the penalty, and not below zero."""
        return max(0.0, self.score - self.penalty)


class Course:
    """The course in one folder.

    Opening it with `make` makes the folder and nbgrader's configuration where they are missing. Raises CourseError
    where there is no course, or one that is set up for other graders than ours.
    """

    def __init__(self, folder: Path, make: bool = False):
        self.folder = Path(folder).resolve()
        os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        settings = self.folder / "nbgrader_config.py"
        try:
            if make and not settings.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                write_safely(settings, CONFIG_FILE)
        except OSError as error:
            raise CourseError(f"{folder}: cannot be written to ({error.strerror}); choose another --course") from None
        if not settings.is_file():
            raise CourseError(f"{self.folder} holds no course; run: autograder release --course {self.folder}")
        self.config = PyFileConfigLoader(settings.name, path=str(self.folder)).load_config()
        if f"{HOOKS}.WriteVerdicts" not in self.config.Autograde.get("autograde_preprocessors", []):
            raise CourseError(
                f"{settings} is set up for nbgrader alone, which runs submissions without a sandbox; choose another "
                "--course, or add these two lines to it: from autograder.course import configure; "
                "configure(get_config())"
            )
        self._refuse_foreign_gradebook()

    def _refuse_foreign_gradebook(self) -> None:
        """Raise CourseError where the gradebook is another course's, before nbgrader adds ours to it.

        It is opened for writing, since what a killed program left half written is rolled back then.
        """
        path = self.folder / "gradebook.db"
        if not path.exists():
            return
        try:
            with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as database:
                courses = {course for (course,) in database.execute("SELECT id FROM course")}
        except sqlite3.Error as error:
            raise CourseError(LOCKED if "locked" in str(error) else f"{path} cannot be read: {error}") from None
        if courses and self.config.CourseDirectory.course_id not in courses:
            raise CourseError(
                f"{path} is the gradebook of another course ({', '.join(sorted(courses))}); choose another --course, "
                "or move it away"
            )

    @property
    def database(self) -> str:
        return f"sqlite:///{self.folder / 'gradebook.db'}?plugin={PLUGIN}"

    def notebook(self, room: str, topic: str, student: str = ".") -> Path:
        """The path of a topic's notebook in one of nbgrader's folders."""
        return self.folder / room / student / topic / f"{topic}.ipynb"

    def journal(self, topic: str, student: str) -> Path:
        return self.folder / "journal" / topic / f"{student}.json"

    def submissions(self, topic: str) -> list[str]:
        """The students that handed in a file for this topic, by name."""
        return sorted(path.parents[1].name for path in self.folder.glob(f"submitted/*/{topic}/{topic}.ipynb"))

    def strays(self, topic: str) -> list[Path]:
        """Notebooks in `submitted/` that are not where nbgrader looks, for students who have none there."""
        present = set(self.submissions(topic))
        found = [*self.folder.glob("submitted/*/*.ipynb"), *self.folder.glob(f"submitted/*/{topic}/*.ipynb")]
        return sorted(path for path in found if path.relative_to(self.folder / "submitted").parts[0] not in present)

    def api(self) -> NbGraderAPI:
        warnings.filterwarnings("ignore", module=r"nbgrader|nbformat")  # theirs, about their own ways
        config = copy.deepcopy(self.config)
        config.CourseDirectory.root = str(self.folder)
        config.CourseDirectory.db_url = self.database
        api = NbGraderAPI(coursedir=CourseDirectory(config=config), config=config)
        api.log.setLevel("ERROR")
        return api

    def _run(self, task: str, result: dict[str, Any]) -> None:
        if result["success"]:
            return
        lines = (result.get("log", "") + "\n" + result.get("error", "")).splitlines()
        raised = [
            line.strip() for line in lines if re.match(r" {4}[A-Za-z_][\w.]*: ", line)
        ]  # ends a traceback in a log
        said = [line for line in lines if line.strip() and not line.startswith((" ", "Traceback", "The above"))]
        said = raised or [line for line in said if "above traceback" not in line and "[WARNING]" not in line]
        if any("database is locked" in line for line in lines):
            said = [LOCKED]
        raise CourseError(f"nbgrader could not {task}: {said[-1] if said else 'it did not say why'}")

    def generate_assignment(
        self, topic: str, solved: NotebookNode, finish: Callable[[NotebookNode], NotebookNode]
    ) -> NotebookNode:
        """Put the solved notebook into the course and let nbgrader make the release version of it.

        `finish` takes nbgrader's release version and returns the one to be stored. Raises CourseError.
        """
        write_generated(self.notebook("source", topic), solved)
        self._run(f"release {topic}", self.api().generate_assignment(topic))
        path = self.notebook("release", topic)
        released = nbformat.read(path, as_version=4)
        path.unlink()  # what `finish` refuses is not left for anybody to hand out
        released = finish(released)
        write_generated(path, released)
        return released

    def released(self, topic: str) -> NotebookNode:
        """The release version that learners got. Raises CourseError where there is none."""
        path = self.notebook("release", topic)
        if not path.exists():
            raise CourseError(f"{topic} is not released here; run: autograder release {topic} --course {self.folder}")
        return nbformat.read(path, as_version=4)

    def record(self, topic: str, student: str) -> None:
        """Let nbgrader's autograde write one submission's verdicts into the gradebook. Raises CourseError."""
        self._run(f"record {student}", self.api().autograde(topic, student, force=True))

    def feedback(self, topic: str, student: str) -> Path:
        """Let nbgrader write one student's feedback; returns the HTML file. Raises CourseError."""
        self._run(f"write the feedback of {student}", self.api().generate_feedback(topic, student, force=True))
        return self.notebook("feedback", topic, student).with_suffix(".html")

    def has_feedback(self, topic: str, student: str) -> bool:
        """Whether a student's feedback is there, and newer than the gradebook."""
        page = self.notebook("feedback", topic, student).with_suffix(".html")
        return page.exists() and page.stat().st_mtime > (self.folder / "gradebook.db").stat().st_mtime

    def recorded(self, topic: str) -> set[str]:
        """The students of whom the gradebook and `autograded/` hold a graded submission."""
        return {
            score.student for score in self.scores(topic) if self.notebook("autograded", topic, score.student).exists()
        }

    def scores(self, topic: str) -> list[Score]:
        """What the gradebook holds for a topic, by student. Raises CourseError where there is no such gradebook."""
        if not (self.folder / "gradebook.db").exists():
            raise CourseError(f"the gradebook is gone; run: autograder release {topic} --course {self.folder}")
        try:
            return read_scores(self.database, topic)
        except MissingEntry:
            raise CourseError(
                f"the gradebook does not know {topic}; run: autograder release {topic} --course {self.folder}"
            ) from None
        except SQLAlchemyError as error:
            words = f"{self.folder}/gradebook.db cannot be read: {error.__cause__ or error}"
            raise CourseError(LOCKED if "locked" in words else words) from None

    def read_journal(self, topic: str, student: str) -> dict[str, Any] | None:
        """What the journal says of a submission, or None where it says nothing that can be read."""
        try:
            return json.loads(self.journal(topic, student).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None

    @contextlib.contextmanager
    def recorder(self) -> Iterator[Callable[[str, str], Future[None]]]:
        """Gives `record` as it runs in a process beside this one: submissions are recorded there one after another.

        nbgrader takes longer to record a submission than we take to judge it.
        """
        beside = ProcessPoolExecutor(1, get_context("fork"), _stand_by, (self, os.getpid()))
        gc.freeze()  # neither process goes through what is loaded, which stays
        beside.submit(os.getpid)  # forks here, before the caller opens sockets and starts threads
        try:
            yield lambda topic, student: beside.submit(_record, topic, student)
        finally:
            beside.shutdown(cancel_futures=True)


def _stand_by(course: Course, parent: int) -> None:
    """In the process that records: keep the course, and end with the process that asks."""
    _record.course = course
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the other, which lets this one finish
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _record(topic: str, student: str) -> None:
    _record.course.record(topic, student)


def read_scores(database: str, topic: str) -> list[Score]:
    """What any gradebook of nbgrader's holds for a topic, by student."""
    with Gradebook(database, "layer-cake") as gradebook:
        return [_score(submission) for submission in gradebook.assignment_submissions(topic)]


def _score(submission: SubmittedAssignment) -> Score:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return Score(
        submission.student.id,
        submission.score,
        submission.max_score,
        submission.needs_manual_grade,
        {grade.name: (grade.score, grade.max_score) for grade in grades},
        submission.late_submission_penalty or 0,
        {said.name: said.comment for notebook in submission.notebooks for said in notebook.comments if said.comment},
    )
