"""Who runs the submissions: Dask workers, in this process or on other machines, each with warm sandboxes of its own.

A task carries all that it needs (the machines share no files): the cells, the exercises, the seed and the limits. What
comes back is plain data: verdicts, outputs, remarks. One sandbox runs one submission at a time.
"""

import hashlib
import logging
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any

from dask import config
from distributed import Client, LocalCluster, Worker, WorkerPlugin, get_worker

from autograder.checking.errors import ClearError
from autograder.checking.topic import ROOT, load
from autograder.grading.attempt import attempt
from autograder.grading.outcome import outputs_of, reasons_of, remarks_on
from autograder.sandbox.host import Sandbox
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import NoSandbox, Walls, find_bwrap

ROOMS = "autograder-rooms"  # the name of the plugin on every Dask worker
ANSWER_SECONDS = 20  # for a scheduler to answer, and for its first worker to be there
PATIENCE_SECONDS = 0.25  # that a submission waits for a sandbox before one more is started
WATCH_SECONDS = 20  # between two looks at whether anybody is left to wait for


class ClusterError(ClearError):
    """The cluster cannot be used: why, and what to do."""


@dataclass(frozen=True)
class Task:
    """One submission to be run: its code cells and the exercises to be judged, on inputs from a seed."""

    topic: str
    cells: list[dict[str, Any]]
    exercises: list[str]
    seed: int


@lru_cache(maxsize=1)
def program() -> str:
    """A hash of the course's code: the grader, its checks, the references, and what they import."""
    digest = hashlib.sha256()
    packages = [ROOT / name for name in ("autograder", "layercake", "solutions")]
    for path in sorted(path for package in packages for path in package.rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()


class Rooms(WorkerPlugin):
    """The warm sandboxes of one Dask worker, kept between tasks, closed at its end: as many as its threads, at most.

    One is started; another where a submission would wait, since that takes as long as many short submissions.
    """

    def __init__(self, topic: str, walls: Walls, limits: Limits):
        self.topic, self.walls, self.limits = topic, walls, limits

    def setup(self, worker: Worker) -> None:
        self.idle: SimpleQueue[Sandbox] = SimpleQueue()
        self.rooms = [Sandbox(self.topic, self.walls, number, self.limits) for number in range(worker.state.nthreads)]
        self.cold = self.rooms[:0:-1]
        self.idle.put(self.rooms[0])

    def teardown(self, worker: Worker) -> None:
        for room in self.rooms:
            room.close(for_good=True)

    @contextmanager
    def one(self):
        """A sandbox for as long as a submission runs in it."""
        try:
            room = self.idle.get(timeout=PATIENCE_SECONDS)
        except Empty:  # the other threads have all that were started
            room = self.cold.pop()
        try:
            yield room
        finally:
            self.idle.put(room)


def look_around(walls: Walls) -> dict[str, str]:
    """What a Dask worker has to say of itself: the hash of its code, and why it has no sandbox, if it has none."""
    trouble = ""
    if walls == "bwrap":
        try:
            find_bwrap()
        except NoSandbox as error:
            trouble = str(error)
    return {"program": program(), "trouble": trouble}


def work(task: Task) -> dict[str, Any]:
    """On a Dask worker: run a submission in a sandbox and judge what was seen, in the words of the journal."""
    with get_worker().plugins[ROOMS].one() as room:
        seen, verdicts = attempt(room, load(task.topic), task.cells, task.exercises, task.seed)
    return {
        "verdicts": [asdict(verdict) for verdict in verdicts],
        "outputs": outputs_of(task.cells, seen, verdicts),
        "remarks": remarks_on(seen),
        "reasons": [str(reason) for reason in reasons_of(seen, verdicts)],
    }


class Crew:
    """The Dask workers of one run, and the tasks that they have. Use as a context manager. Raises ClusterError.

    Without a scheduler's address, they are threads of this process, which start in no time and serialise nothing.
    """

    def __init__(self, topic: str, walls: Walls, limits: Limits, workers: int, scheduler: str | None = None):
        self.topic, self.walls, self.limits = topic, walls, limits
        self.workers, self.scheduler = workers, scheduler
        self.pending: dict[str, Any] = {}  # student -> the future
        self.done: SimpleQueue[str] = SimpleQueue()

    def __enter__(self) -> "Crew":
        for name in ("distributed", "distributed.worker", "distributed.scheduler", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is said by us
        self.cluster, self.has_rooms = None, False
        if self.scheduler is None:
            with config.set({f"distributed.{role}.http.routes": [] for role in ("scheduler", "worker")}):
                self.cluster = LocalCluster(
                    n_workers=1,
                    threads_per_worker=self.workers,
                    processes=False,
                    dashboard_address="127.0.0.1:0",  # Dask opens ports in any case; these answer nothing
                    worker_dashboard_address="127.0.0.1:0",
                    memory_limit=0,
                )
            self.client = Client(self.cluster, set_as_default=False)
        else:
            self.client = self._connect(self.scheduler)
        try:
            if self.scheduler:
                self._refuse_strangers()
            self.client.register_plugin(Rooms(self.topic, self.walls, self.limits), name=ROOMS)
            self.has_rooms = True
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error) -> None:
        if self.scheduler and self.client.status == "running":
            self.client.cancel(list(self.pending.values()))
            if self.has_rooms:
                self.client.unregister_worker_plugin(ROOMS)
        self.client.close()
        if self.cluster:
            self.cluster.close()

    def _connect(self, address: str) -> Client:
        try:
            client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"nobody answers at {address} ({error}); start there: dask scheduler, and on each machine: "
                "dask worker tcp://SCHEDULER:8786"
            ) from None
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError:
            client.close()
            raise ClusterError(
                f"the scheduler at {address} has no worker; start one on each machine: dask worker {address}"
            ) from None
        return client

    def _refuse_strangers(self) -> None:
        """Raise ClusterError where a worker has other code than ours, or no sandbox."""
        try:
            found = self.client.run(look_around, self.walls, on_error="return")
        except Exception as error:
            raise ClusterError(f"the workers at {self.scheduler} cannot be asked: {error}") from None
        for address, said in sorted(found.items()):
            if isinstance(said, Exception):
                words = f"cannot run the grader ({type(said).__name__}: {said}); install the course there"
            elif said["program"] != program():
                words = "has other checks, references or another grader than this machine; bring both to one version"
            elif said["trouble"]:
                words = f"has no sandbox: {said['trouble']}"
            else:
                continue
            raise ClusterError(f"the worker at {address} {words}")
        self.client.run_on_scheduler(_give_each_task_two_tries)
        self.workers = sum(self.client.nthreads().values())

    @property
    def is_busy(self) -> bool:
        """Whether there is a task for everybody, and one more for each when that is done."""
        return len(self.pending) >= 2 * self.workers + 1

    def submit(self, student: str, task: Task) -> None:
        future = self.client.submit(work, task, pure=False)
        self.pending[student] = future
        future.add_done_callback(lambda _: self.done.put(student))

    def next(self) -> tuple[str, Any]:
        """The next student whose task is done, and its future. Raises ClusterError where nobody is left to do it."""
        while True:
            try:
                student = self.done.get(timeout=WATCH_SECONDS)
                future = self.pending.pop(student)
                if future.cancelled():
                    raise ClusterError(f"the scheduler at {self.scheduler} is gone; start it, and run this again")
                return student, future
            except Empty:
                if not self.client.nthreads():
                    raise ClusterError(
                        f"no worker is left at {self.scheduler}; start one, and run this again: what is graded stays"
                    ) from None


def _give_each_task_two_tries(dask_scheduler) -> None:
    """A task whose worker died goes to another, and fails when that dies too."""
    dask_scheduler.allowed_failures = 1
