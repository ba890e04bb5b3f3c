"""An instructor's course: a folder in nbgrader's layout, worked through nbgrader's own programming interface.

course/
  nbgrader_config.py   one line that calls `configure`, so that formgrader sees what we see
  source/ release/     the notebook, solved and as learners get it
  submitted/           submitted/<student>/<topic>/<topic>.ipynb: what came in; only `collect` writes to it
  attempts/ unreadable/ roster/     `collect` (autograder/collecting/collect.py)
  journal/             journal/<topic>/<student>.json: verdicts, and what they were made from
  autograded/ feedback/ gradebook.db    nbgrader's
"""

import contextlib
import copy
import ctypes
import gc
import json
import os
import re
import signal
import sqlite3
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGraderAPI
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import SQLAlchemyError
from traitlets.config import PyFileConfigLoader

from autograder.course.files import CourseError, write_generated, write_safely
from autograder.course.gradebook import Score, read_scores
from autograder.course.settings import CONFIG_FILE, HOOKS, PLUGIN

PR_SET_PDEATHSIG = 1

LOCKED = (
    "the gradebook is locked by another program, such as formgrader or a second autograder; wait for it, or close it, "
    "and run this again"
)


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
                "--course, or add these two lines to it: from autograder.course.settings import configure; "
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
