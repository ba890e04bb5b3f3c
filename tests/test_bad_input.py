"""Proves that each command answers bad input with a clear error, and that nothing is lost by it.

A topic that there is not, a class without submissions, a folder that cannot be written to, a disk that is full, a
gradebook that is another course's or locked, a machine without a sandbox. Folders are made read-only, and disks
small, by bubblewrap: root may write to anything else.
"""

import contextlib
import hashlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.folder import Course
from autograder.doctor import examine
from autograder.example.classes import make_class
from autograder.releasing.release import release_into

TOPIC = "prediction"
COMMANDS = ("release", "grade", "feedback", "report", "example")
POINTS = {"ada": 8, "blaise": 0, "carl": 3.5}  # of the example class, as many as these tests need


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A course whose class has handed in, and in which nothing is graded."""
    course = Course(tmp_path_factory.mktemp("released") / "course", make=True)
    release_into(course, TOPIC)
    make_class(TOPIC, course)
    for student in set(course.submissions(TOPIC)) - POINTS.keys():
        shutil.rmtree(course.folder / "submitted" / student)
    return course.folder


@pytest.fixture(scope="module")
def graded(released) -> Path:
    """A copy of that course, graded."""
    folder = shutil.copytree(released, released.with_name("graded"))
    autograder("grade", TOPIC, "--course", folder, code=0)
    return folder


@pytest.fixture
def folder(released, tmp_path) -> Path:
    """A copy of the course that is not graded, to be harmed."""
    return shutil.copytree(released, tmp_path / "course")


def autograder(*words: str | Path, code: int = 1) -> str:
    """Run a command and expect an exit code; returns what it said, in one line."""
    result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


def inside(*options: str | Path, script: str) -> subprocess.CompletedProcess:
    """Run a shell script on this machine with some folders replaced, as bubblewrap's options say.

    `$autograder` is the program. It grades without a sandbox, since a sandbox in a sandbox is another matter.
    """
    command = ["bwrap", "--dev-bind", "/", "/", *map(str, options), "--setenv", "autograder"]
    command += [f"{sys.executable} -m autograder", "sh", "-c", script]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix != ".pyc")
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def points(folder: Path) -> dict[str, float]:
    return {score.student: score.score for score in Course(folder).scores(TOPIC)}


@contextlib.contextmanager
def locked(folder: Path):
    """The gradebook while another program writes to it."""
    with contextlib.closing(sqlite3.connect(folder / "gradebook.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_topic_that_there_is_not(folder, command):
    before = contents(folder)
    assert "there is no topic 'predictoin'; there are:" in autograder(command, "predictoin", "--course", folder)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("command", "next_step"),
    [("grade", "put them into"), ("feedback", "run: autograder grade"), ("report", "run: autograder grade")],
)
def test_a_class_without_submissions(folder, command, next_step):
    shutil.rmtree(folder / "submitted")
    assert next_step in autograder(command, TOPIC, "--course", folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_that_cannot_be_written_to(released, graded, tmp_path, command):
    folder = shutil.copytree(released if command == "grade" else graded, tmp_path / "course")
    shutil.rmtree(folder / "submitted" / "blaise")  # what `example` would write again
    if command == "release":
        (folder / "release" / TOPIC / f"{TOPIC}.ipynb").unlink()
    before, sandbox = contents(folder), "--sandbox none" if command == "grade" else ""
    done = inside("--ro-bind", folder, folder, script=f"$autograder {command} {TOPIC} --course {folder} {sandbox}")
    assert done.returncode == 1
    assert "Read-only file system" in done.stderr or "readonly database" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert contents(folder) == before


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(folder, tmp_path):
    """The disk is filled before grading; then there is room, and the same command ends what it began."""
    small, course, before = tmp_path / "small", tmp_path / "small" / "course", contents(folder / "submitted")
    small.mkdir()
    grade = f"$autograder grade {TOPIC} --course {course} --sandbox none"
    script = f"""
        cp -r {folder} {small}
        head -c 100000000 /dev/zero > {small}/filler 2> /dev/null
        {grade}; echo "code $?"
        rm {small}/filler
        {grade}; echo "code $?"
        cp -r {course} {tmp_path}/afterwards
    """
    done = inside("--size", 20_000_000, "--tmpfs", small, script=script)
    codes = [line for line in done.stdout.splitlines() if line.startswith("code")]
    assert codes == ["code 1", "code 0"], done.stdout + done.stderr
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr
    assert contents(tmp_path / "afterwards" / "submitted") == before
    assert points(tmp_path / "afterwards") == POINTS


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gradebook_of_another_course(folder, command):
    (folder / "gradebook.db").unlink()
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "phys101") as gradebook:
        gradebook.add_assignment(TOPIC)
    before = contents(folder)
    assert "is the gradebook of another course (phys101)" in autograder(command, TOPIC, "--course", folder)
    assert contents(folder) == before


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gradebook_that_is_locked_when_a_command_begins(folder, command):
    before = contents(folder)
    with locked(folder):
        assert "the gradebook is locked by another program" in autograder(command, TOPIC, "--course", folder)
    assert contents(folder) == before


KILLED_WHILE_WRITING = """
import os, signal, sqlite3, sys

gradebook = sqlite3.connect(sys.argv[1], isolation_level=None)
gradebook.execute("PRAGMA cache_size = 1")  # so that what is not committed yet is in the file already
gradebook.execute("BEGIN")
gradebook.execute("UPDATE grade SET auto_score = 99")
numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION SELECT i + 1 FROM n LIMIT 99999) SELECT i FROM n"
gradebook.execute(f"CREATE TABLE filler AS {numbers}")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_gradebook_that_another_program_was_killed_in_is_rolled_back(graded, tmp_path):
    folder = shutil.copytree(graded, tmp_path / "course")
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(folder / "gradebook.db")])
    assert (folder / "gradebook.db-journal").stat().st_size > 0
    autograder("report", TOPIC, "--course", folder, code=0)
    assert points(folder) == POINTS and not (folder / "gradebook.db-journal").exists()


def test_a_gradebook_that_is_locked_while_a_submission_is_recorded(folder, monkeypatch):
    record, busy = Course.record, ["carl"]

    def wait_in_vain(course, topic, student):
        with locked(folder) if student in busy else contextlib.nullcontext():
            record(course, topic, student)

    monkeypatch.setattr(Course, "record", wait_in_vain)
    said = autograder("grade", TOPIC, "--course", folder, code=3)
    assert "needs a person: could not be graded" in said and "the gradebook is locked" in said.replace("│", "")
    assert points(folder) == {student: POINTS[student] for student in ("ada", "blaise")}
    busy.clear()
    assert "1 graded now" in autograder("grade", TOPIC, "--course", folder, code=0)
    assert points(folder) == POINTS


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (None, "bubblewrap is not installed: install it"),
        ("echo 'No permissions to create new namespace' >&2; exit 1", "allow user namespaces"),
    ],
)
def test_a_machine_without_a_sandbox(folder, tmp_path, monkeypatch, program, says):
    """Nothing is graded; `doctor` names the same remedy."""
    if program:
        (tmp_path / "bwrap").write_text(f"#!/bin/sh\n{program}\n")
        (tmp_path / "bwrap").chmod(0o755)
    monkeypatch.setattr("autograder.sandbox.walls.shutil.which", lambda name: str(tmp_path / name) if program else None)
    before = contents(folder)
    said = autograder("grade", TOPIC, "--course", folder)
    assert says in said and "--sandbox none" in said
    assert {name: sum_ for name, sum_ in contents(folder).items() if "journal" not in name} == before
    autograder("doctor", code=1)
    (finding,) = (finding for finding in examine() if "bubblewrap" in finding.what)
    assert not finding.fine and says in finding.remedy
