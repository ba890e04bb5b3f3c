"""Proves that grading may be killed at any moment, spread over machines, and repeated, and that no grade depends on it.

The commands are real processes: `kill -9` goes to the whole process group, and the Dask workers are two programs on two
addresses of this machine.
"""

import contextlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import nbformat
import pytest
from distributed import Client

from autograder.checking.topic import ROOT, load
from autograder.course.files import CourseError
from autograder.course.folder import Course
from autograder.example.classes import make_class
from autograder.grading import cluster
from autograder.grading.cluster import ClusterError
from autograder.grading.grade import Grading
from autograder.grading.nbgrader_hooks import CompileOnce
from autograder.grading.reasons import Reason
from autograder.releasing.release import release_into
from autograder.sandbox import masking
from autograder.sandbox.limits import Limits

pytestmark = pytest.mark.usefixtures("kept_sandboxes")
TOPIC = "prediction"
SEED = 5
KILLS = 4
GRADE = [sys.executable, "-m", "autograder", "grade", TOPIC, "--seed", str(SEED), "--course"]


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A course in which five have handed in, and nothing is graded."""
    course = Course(tmp_path_factory.mktemp("released") / "course", make=True)
    release_into(course, TOPIC)
    make_class(TOPIC, course)
    for student in course.submissions(TOPIC)[5:]:
        shutil.rmtree(course.folder / "submitted" / student)
    return course.folder


@pytest.fixture(scope="module")
def graded(released, kept_sandboxes) -> Course:
    """The same course, graded in one undisturbed run."""
    course = Course(shutil.copytree(released, released.with_name("graded")))
    list(Grading(course, TOPIC, SEED).grade(course.submissions(TOPIC)))
    return course


@pytest.fixture
def fresh(released, tmp_path) -> Course:
    """A copy of the course that is not graded."""
    return Course(shutil.copytree(released, tmp_path / "course"))


@pytest.fixture
def regraded(graded, tmp_path) -> Course:
    """A copy of the course that is graded."""
    return Course(shutil.copytree(graded.folder, tmp_path / "course"))


def gradebook(course: Course) -> dict[str, dict]:
    """All points of a class, by student and cell."""
    return {score.student: score.exercises for score in course.scores(TOPIC)}


def children(process: int) -> set[int]:
    """All processes below one, by number."""
    below = set()
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                below |= {child} | children(child)
    return below


def is_there(process: int) -> bool:
    """Whether a process is there, and no zombie that nobody has fetched yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_killed_at_any_moment_and_run_again_gives_the_same_gradebook(fresh, graded, tmp_path):
    """Each run is left a little more time than the one before, so that kills fall into every part of a run.

    Each is left until the processes are there that must not outlive it.
    """
    chance, below, temporary = random.Random(7), set(), tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    for count in range(KILLS):
        running = subprocess.Popen(
            [*GRADE, str(fresh.folder)],
            env=environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while running.poll() is None and len(children(running.pid)) < 2:  # a sandbox, and the recorder
            time.sleep(0.02)
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(timeout=0.5 * count + chance.random())
        below |= children(running.pid)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    assert below, "nothing was killed while a sandbox was there"
    done = subprocess.run([*GRADE, str(fresh.folder)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in temporary.iterdir()} == {"dask-scratch-space"}, "what Dask empties when it starts"
    assert gradebook(fresh) == gradebook(graded)
    entries = [fresh.read_journal(TOPIC, student) for student in fresh.submissions(TOPIC)]
    assert all(entry["recorded"] for entry in entries)
    for _ in range(100):
        if not any(map(is_there, below)):
            break
        time.sleep(0.1)
    assert not any(map(is_there, below)), "a process of a killed run is still there"


def test_a_submission_that_is_half_recorded_is_recorded_whole(regraded, graded):
    """What a kill inside nbgrader leaves: a sanitised notebook, and a row without grades."""
    for student in ("ada", "carl"):
        entry = regraded.journal(TOPIC, student)
        entry.write_text(json.dumps(json.loads(entry.read_text()) | {"recorded": False}))
    page = regraded.notebook("autograded", TOPIC, "ada")
    page.chmod(0o644)
    page.write_bytes(regraded.notebook("submitted", TOPIC, "ada").read_bytes())
    shutil.rmtree(regraded.notebook("autograded", TOPIC, "carl").parent)
    results = list(Grading(regraded, TOPIC).grade(regraded.submissions(TOPIC)))
    assert {one.student for one in results if one.fresh} == {"ada", "carl"}
    assert all(one.moved == [] for one in results)
    assert gradebook(regraded) == gradebook(graded)


def test_the_same_seed_gives_the_same_grades(regraded, graded):
    results = list(Grading(regraded, TOPIC, SEED).grade(regraded.submissions(TOPIC), workers=1, force=True))
    assert all(one.fresh and one.moved == [] for one in results)
    for student in graded.submissions(TOPIC):
        assert regraded.read_journal(TOPIC, student)["verdicts"] == graded.read_journal(TOPIC, student)["verdicts"]


def test_a_changed_check_regrades_the_class_and_says_whose_points_moved(regraded, monkeypatch):
    """The check judges nothing right any more; only those who had its points lose them."""
    exercise = next(iter(load(TOPIC).exercises.values()))
    entries = {student: regraded.read_journal(TOPIC, student) for student in regraded.submissions(TOPIC)}
    before = {student: entry["basis"]["points"] for student, entry in entries.items()}
    about = masking.about
    monkeypatch.setattr(masking, "about", lambda topic, name: about(topic, name) + "#" * (name == exercise.name))
    object.__setattr__(exercise.checks[0], "judge", lambda got, expected: "never right")
    monkeypatch.setattr(exercise.checks[0].__class__, "invariant", False)
    try:
        results = list(Grading(regraded, TOPIC).grade(regraded.submissions(TOPIC)))
    finally:
        object.__setattr__(exercise.checks[0], "judge", None)
    lost = exercise.checks[0].points
    moved = {one.student: one.moved for one in results if one.moved}
    assert set(moved) == {student for student, points in before.items() if points[exercise.name] >= lost}
    for student, (one,) in moved.items():
        assert (one.exercise, one.before) == (exercise.name, before[student][exercise.name])
        assert one.after < one.before and one.why == "its checks or its reference changed"
        assert regraded.read_journal(TOPIC, student)["moved"][0]["why"] == one.why


def test_a_comment_in_the_checks_regrades_nobody(regraded, monkeypatch, tmp_path):
    copy = Path(shutil.copytree(masking.CHECKS, tmp_path / "checks"))
    for file in copy.glob(f"{TOPIC}/*.py"):
        file.write_text(file.read_text() + "\n# Nothing changes.\n")
    monkeypatch.setattr(masking, "CHECKS", copy)
    assert not any(one.fresh for one in Grading(regraded, TOPIC).grade(regraded.submissions(TOPIC)))


def test_a_changed_check_changes_the_hash_of_its_exercise_alone(monkeypatch, tmp_path):
    first, second = list(load(TOPIC).exercises.values())[:2]
    before = [masking.about(TOPIC, exercise.name) for exercise in (first, second)]
    copy = Path(shutil.copytree(masking.CHECKS, tmp_path / "checks"))
    file = copy / TOPIC / f"{first.name}.py"
    text = file.read_text()
    at = re.search(rf"def {first.checks[0].name}\(.*\n", text).end()
    asks = text.index('"""', at) + 3
    file.write_text(text[:asks] + "Anew: " + text[asks:])
    monkeypatch.setattr(masking, "CHECKS", copy)
    after = [masking.about(TOPIC, exercise.name) for exercise in (first, second)]
    assert (after[0] == before[0], after[1] == before[1]) == (False, True)


def test_a_new_submission_is_why_points_moved(regraded):
    regraded.notebook("submitted", TOPIC, "blaise").write_bytes(
        regraded.notebook("submitted", TOPIC, "ada").read_bytes()
    )
    (blaise,) = (one for one in Grading(regraded, TOPIC).grade(regraded.submissions(TOPIC)) if one.fresh)
    assert blaise.student == "blaise" and blaise.moved
    assert all(move.before == 0 < move.after and move.why == "a new submission" for move in blaise.moved)


def test_one_that_cannot_be_recorded_stops_no_other(fresh, graded, monkeypatch):
    record = Course.record

    def fail(course, topic, student):
        if student == "carl":
            raise CourseError("the disk is full")
        record(course, topic, student)

    monkeypatch.setattr(Course, "record", fail)
    results = {one.student: one for one in Grading(fresh, TOPIC, SEED).grade(fresh.submissions(TOPIC))}
    assert "the disk is full" in results["carl"].unreadable
    expected = gradebook(graded)
    assert gradebook(fresh) == {student: points for student, points in expected.items() if student != "carl"}


def test_one_process_beside_the_grader_records(fresh, graded, monkeypatch):
    record = Course.record

    def note(course, topic, student):
        record(course, topic, student)
        (course.folder / student).write_text(str(os.getpid()))

    monkeypatch.setattr(Course, "record", note)
    list(Grading(fresh, TOPIC, SEED).grade(students := fresh.submissions(TOPIC)))
    (process,) = {int((fresh.folder / student).read_text()) for student in students}
    assert process != os.getpid() and not is_there(process)
    assert gradebook(fresh) == gradebook(graded)


def test_a_recorder_that_dies_costs_no_more_than_another_run(fresh, graded, monkeypatch):
    record = Course.record
    with monkeypatch.context() as patch:
        patch.setattr(Course, "record", lambda *about: os._exit(1) if about[2] == "carl" else record(*about))
        results = {one.student: one for one in Grading(fresh, TOPIC, SEED).grade(fresh.submissions(TOPIC))}
    assert results["carl"].reasons == [Reason.UNRECORDED]
    list(Grading(fresh, TOPIC).grade(fresh.submissions(TOPIC)))
    assert gradebook(fresh) == gradebook(graded)


def test_the_statements_of_a_recording_are_compiled_once(regraded):
    regraded.record(TOPIC, "ada")
    compiled = dict(CompileOnce.compiled)
    regraded.record(TOPIC, "carl")
    assert compiled and CompileOnce.compiled == compiled


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def dask(folder: Path, hosts: list[str], **environment: str):
    """A scheduler and a worker on each address, each a program of its own; gives the scheduler's address and them."""
    address = f"tcp://127.0.0.1:{free_port()}"
    words = ["dask_scheduler", "--host", address, "--no-dashboard", "--no-show"]
    started = [words]
    for host in hosts:
        worker = ["dask_worker", address, "--host", host, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
        started.append([*worker, "--local-directory", str(folder)])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{words[0]}", *words[1:]],
            env=environment,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for words in started
    ]
    try:
        yield address, running
    finally:
        for process in running:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def machines(tmp_path_factory):
    """Two machines; a third address is this machine's too."""
    with dask(tmp_path_factory.mktemp("dask"), ["127.0.0.1", "127.0.0.2"]) as running:
        yield running


def test_two_machines_grade_a_class(fresh, graded, machines):
    address, _ = machines
    with cluster.Crew(TOPIC, "bwrap", Limits(), 1, address) as crew:
        crew.client.wait_for_workers(2, timeout=60)
    results = list(Grading(fresh, TOPIC, SEED).grade(fresh.submissions(TOPIC), scheduler=address))
    assert len(results) == len(graded.submissions(TOPIC)) and not any(one.unreadable for one in results)
    assert gradebook(fresh) == gradebook(graded)


def test_workers_with_other_checks_are_refused(fresh, machines, monkeypatch):
    monkeypatch.setattr(cluster, "program", lambda: "another")
    with pytest.raises(ClusterError, match="has other checks, references or another grader"):
        list(Grading(fresh, TOPIC).grade(["ada"], scheduler=machines[0]))


def test_a_worker_that_dies_leaves_its_submissions_to_another(fresh, graded, machines):
    address, running = machines
    grading = Grading(fresh, TOPIC, SEED).grade(fresh.submissions(TOPIC), scheduler=address)
    results = [next(grading)]
    running[-1].kill()
    results += grading
    assert not any(one.unreadable for one in results)
    assert gradebook(fresh) == gradebook(graded)


def test_nobody_at_the_address_is_said(fresh, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 1)
    with pytest.raises(ClusterError, match="nobody answers at tcp://"):
        list(Grading(fresh, TOPIC).grade(["ada"], scheduler="tcp://127.0.0.1:1"))


def test_a_scheduler_without_workers_is_said(fresh, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "ANSWER_SECONDS", 5)
    with dask(tmp_path, []) as (address, _), pytest.raises(ClusterError, match="has no worker; start one"):
        list(Grading(fresh, TOPIC).grade(["ada"], scheduler=address))
    assert fresh.read_journal(TOPIC, "ada") is None


def test_a_machine_without_bubblewrap_is_refused(fresh, tmp_path):
    refused = pytest.raises(ClusterError, match="has no sandbox: bubblewrap is not installed: install it")
    with dask(tmp_path, ["127.0.0.1"], PATH=str(tmp_path)) as (address, _), refused:
        list(Grading(fresh, TOPIC).grade(["ada"], scheduler=address))
    assert fresh.read_journal(TOPIC, "ada") is None


def test_a_submission_whose_workers_die_twice_is_set_aside(fresh, tmp_path):
    notebook = fresh.notebook("submitted", TOPIC, "ada")
    slow = nbformat.read(notebook, as_version=4)
    slow.cells.append(nbformat.v4.new_code_cell("import time; time.sleep(15)"))
    nbformat.write(slow, notebook)
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
    with dask(tmp_path, hosts) as (address, (_, *workers)), Client(address, set_as_default=False) as client:
        client.wait_for_workers(3, timeout=60)
        kill = Thread(target=kill_twice, args=[client, dict(zip(hosts, workers, strict=True))])
        kill.start()
        (ada,) = Grading(fresh, TOPIC).grade(["ada"], scheduler=address)
        kill.join()
    assert ada.reasons == [Reason.UNRECORDED] and "could not be graded: KilledWorker" in ada.unreadable
    assert not fresh.read_journal(TOPIC, "ada")["recorded"], "the next run does not try it again"


def kill_twice(client: Client, workers: dict[str, subprocess.Popen]) -> None:
    """Kill the worker, by its address, that has the submission; then the one that has it next."""
    for _ in range(2):
        while not (busy := [address for address, tasks in client.processing().items() if tasks]):
            time.sleep(0.1)
        host = busy[0].removeprefix("tcp://").partition(":")[0]
        workers[host].kill()
        workers[host].wait()
        while busy[0] in client.scheduler_info()["workers"]:
            time.sleep(0.1)


@pytest.mark.parametrize(("patience", "unused"), [(0, 0), (60, 1)])
def test_another_sandbox_is_started_where_a_submission_would_wait(monkeypatch, patience, unused):
    monkeypatch.setattr(cluster, "PATIENCE_SECONDS", patience)
    cells = [{"id": "sleep", "source": "import time; time.sleep(1)", "exercise": None, "parameters": []}]
    with cluster.Crew(TOPIC, "bwrap", Limits(), workers=2) as crew:
        for student in ("ada", "carl"):
            crew.submit(student, cluster.Task(TOPIC, cells, [], SEED))
        assert {crew.next()[0], crew.next()[0]} == {"ada", "carl"}
        (worker,) = crew.cluster.workers.values()
        assert len(worker.plugins[cluster.ROOMS].cold) == unused
