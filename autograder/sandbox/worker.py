"""The room where submissions run: `python -m autograder.sandbox.worker TOPIC DESCRIPTOR`, started inside the sandbox.

One warm process has PyTorch, a shell and the checks loaded, and forks for each submission. It never reads a
submission itself: a socket for each comes in through the given file descriptor, the fork gets it, and talks to
the grader alone. So nothing of one submission is in the memory that the next one starts from. What is sent back is
data, JSON and safetensors; the verdict is made elsewhere.
"""

import ast
import ctypes
import gc
import io
import json
import os
import select
import shutil
import signal
import socket
import struct
import sys
import time
import types
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

from autograder.checking.observe import Observation, Raised, is_incomplete, named, observe, pack
from autograder.checking.topic import Topic, load
from autograder.sandbox.limits import TimeLimit, excess_of, limit_resources, limited, memory_of
from autograder.sandbox.walls import HOME
from layercake.mine import AT_GRADING

HEADER = struct.Struct(">II")  # bytes of JSON, bytes of safetensors
MAX_TEXT = 10_000  # characters of one cell's output that are kept
SCRATCH = ("/tmp", "/tmp/home", "/dev/shm")  # what a submission may write to, inside the sandbox
WATCH_SECONDS = 0.05  # between two looks at what a submission uses
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36


class ReferenceIsAway(RuntimeError):
    """The submission calls the reference implementation, which is not there at grading."""


class StandIn(types.ModuleType):
    """What `solutions.<topic>` is at grading: what the grader gives for the exercises that go without points."""

    def __init__(self, topic: Topic):
        super().__init__(f"solutions.{topic.name}", "Not available at grading.")
        self._exercises, self._given = topic.exercises, {}

    def _give(self, sources: dict[str, str]) -> None:
        """Take sources that each define `given`, by exercise."""
        for name, source in sources.items():
            namespace: dict[str, Any] = {"__name__": "given"}
            exec(source, namespace)
            self._given[name] = namespace["given"]

    def __getattr__(self, name: str) -> Any:
        if name not in self._exercises:
            raise AttributeError(name)

        def reference(*args, **kwargs):
            if name not in self._given:
                raise ReferenceIsAway(f"{name} is the reference, which is not there at grading")
            return self._given[name](*args, **kwargs)

        reference.__name__, reference.__module__ = name, self.__name__
        return reference


class Tail(io.TextIOBase):
    """Collects the first MAX_TEXT characters written, and forgets the rest."""

    def __init__(self):
        self.text = ""

    def write(self, text: str) -> int:
        if len(self.text) < MAX_TEXT:
            self.text += text[: MAX_TEXT - len(self.text)]
        return len(text)


def read_exactly(connection: socket.socket, count: int, deadline: float | None = None) -> bytes:
    """The next `count` bytes, by a time on the monotonic clock.

    Raises EOFError where the other side closed first, TimeoutError where it took too long.
    """
    data = bytearray()
    while len(data) < count:
        if deadline is not None:
            if (left := deadline - time.monotonic()) <= 0:
                raise TimeoutError
            connection.settimeout(left)
        if not (part := connection.recv(min(65536, count - len(data)))):
            raise EOFError
        data += part
    return bytes(data)


def send(connection: socket.socket, message: dict[str, Any], tree: bytes = b"null", blob: bytes = b"") -> None:
    """Send one message: JSON that holds `message` and an observation's tree, then the observation's tensors."""
    text = json.dumps(message)[:-1].encode() + b', "observation": ' + tree + b"}"
    connection.sendall(HEADER.pack(len(text), len(blob)) + text + blob)


class Room:
    """One submission being run: its cells one after another, its exercises observed at their check cells."""

    def __init__(self, topic: Topic, shell: Any, stand_in: StandIn, connection: socket.socket, request: dict[str, Any]):
        self.topic, self.shell, self.stand_in, self.connection = topic, shell, stand_in, connection
        self.seeds, self.seconds, self.patience = request["seeds"], request["seconds"], request["patience"]
        self.cells, self.skip, self.instead = request["cells"], set(request["skip"]), request["instead"]
        self.observed: set[str] = set()
        self.too_early: list[int] = []  # cells that asked for a name which nothing above them gives

    def run(self) -> None:
        """Visit the cells from top to bottom, then once more what a later cell may have completed."""
        for index in range(len(self.cells)):
            self.visit(index)
        waiting = len(self.cells) + 1
        while len(self.too_early) < waiting:  # each round may give a name that another cell waits for
            again, self.too_early = self.too_early, []
            waiting = len(again)
            for index in again:
                self.visit(index)
        for index, cell in enumerate(self.cells):
            if cell["exercise"]:
                self.visit(index)

    def visit(self, index: int) -> None:
        if index in self.skip:
            return
        cell = self.cells[index]
        send(self.connection, {"kind": "start", "cell": index})
        if cell["exercise"]:
            self.observe(cell["exercise"], cell.get("parameters", []))
        else:
            self.execute(index, cell["source"])

    def limited(self, seconds: float):
        return limited(seconds, self.patience * seconds)

    def execute(self, index: int, source: str) -> None:
        """Run one cell as a notebook would, and send what it printed and its first error, if any."""
        output = Tail()
        with redirect_stdout(output), redirect_stderr(output), self.limited(self.seconds):
            try:
                error = self._run_all(source)
            except BaseException as caught:  # SystemExit and what a hostile cell may do to the shell
                error = caught
        if isinstance(error, NameError):
            self.too_early.append(index)
        words = f"{type(error).__name__}: {error}"[:500] if error else None
        send(self.connection, {"kind": "ran", "cell": index, "text": output.text, "error": words})

    def _run_all(self, source: str) -> BaseException | None:
        """Run a cell, and what follows a statement that fails; returns the first error.

        `from google.colab import drive` fails here, and the imports and definitions below it must not.
        """
        first = None
        while source:
            result = self.shell.run_cell(source, store_history=False)
            error = result.error_before_exec or result.error_in_exec
            first = first or error
            source = self._what_follows(source, result.error_in_exec)
        return first

    def _what_follows(self, source: str, error: BaseException | None) -> str:
        """The statements of a cell below the one that raised an error, on their own lines; empty where there is none.

        A cell that took too long has had its time.
        """
        step = None if error is None or isinstance(error, TimeLimit) else error.__traceback__
        while step and step.tb_frame.f_globals is not self.shell.user_global_ns:
            step = step.tb_next  # IPython's frames
        if step is None:
            return ""
        source = self.shell.transform_cell(source)
        for statement in ast.parse(source).body:
            decorators = getattr(statement, "decorator_list", [])
            first_line = min(node.lineno for node in [statement, *decorators])
            if first_line > step.tb_lineno:
                return "\n" * (first_line - 1) + "".join(source.splitlines(keepends=True)[first_line - 1 :])
        return ""

    def observe(self, name: str, names: list[str]) -> None:
        """Send what each check of an exercise shows on what the submission defined under its name.

        The checks share the time of one cell, and the later ones have a second at least: a loop that never ends
        costs its exercise, and leaves time for the others.
        """
        self.shell.user_ns.update({each: self.stand_in._given[each] for each in self.instead})
        exercise, subject = self.topic.exercises[name], self.shell.user_ns.get(name)
        if subject is None or name in self.observed:
            return
        if getattr(subject, "__module__", None) == self.stand_in.__name__:
            self.observed.add(name)
            return send(self.connection, {"kind": "reference", "exercise": name})
        self.observed.add(name)
        subject = named(subject, names)
        end = time.process_time() + self.seconds
        for check in exercise.checks:
            left = max(1.0, end - time.process_time())
            with redirect_stdout(Tail()), redirect_stderr(Tail()), self.limited(left):
                try:
                    observation = observe(check, subject, self.seeds[name], rehearsed=True)
                except TimeLimit as error:
                    observation = Observation(raised=Raised("TimeLimit", str(error)))
            if is_incomplete(observation):
                self.observed.discard(name)
            send(self.connection, {"kind": "observed", "exercise": name, "check": check.name}, *pack(observation))


def warm_shell() -> Any:
    """An IPython shell with PyTorch loaded, quiet and without history; what each submission does has been done once."""
    import torch
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    import layercake  # noqa: F401  as each setup cell does

    class Shell(InteractiveShell):
        def enable_gui(self, gui=None):
            """There is no screen; `%matplotlib inline` goes on."""

        def _tee(self, channel):
            return nullcontext()  # IPython would keep whatever is printed, in 10 µs a line

    torch.set_num_threads(1)  # before the first operation, or a fork can hang
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    shell = Shell.instance(config=config)
    shell.run_cell("pass", store_history=False)
    pack(Observation(torch.softmax(torch.ones(2, 2) @ torch.ones(2, 2), dim=-1)))
    return shell


def run_submission(topic: Topic, shell: Any, stand_in: StandIn, connection: socket.socket, limits: dict) -> None:
    """In the fork: read the request from the submission's own socket, and run it."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.closerange(3, connection.fileno())
    os.closerange(connection.fileno() + 1, 1024)
    limit_resources(limits)
    (length,) = struct.unpack(">Q", read_exactly(connection, 8))
    request = json.loads(read_exactly(connection, length))
    stand_in._give(request["given"])
    Room(topic, shell, stand_in, connection, request).run()
    send(connection, {"kind": "end"})


def wait_for(child: int, control: socket.socket, limits: dict[str, Any], own: int) -> str:
    """Wait for a fork to end. Returns "ended", or why it must: what it used too much of, or "stopped" by the grader.

    `own` is the memory of a fork that has done nothing yet, in bytes.
    """
    descriptor, end = os.pidfd_open(child), time.monotonic() + limits["patience"] * limits["seconds"]
    try:
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([descriptor, control], [], [], min(WATCH_SECONDS, left))
            if ready:
                return "ended" if descriptor in ready else "stopped"
            if os.getpid() == 1 and (excess := excess_of(limits, own)):
                return excess
        return "time"
    finally:
        os.close(descriptor)


def clear_away() -> None:
    """Kill a fork and whatever it left behind, and wait until all of it is gone."""
    me = os.getpid()
    while True:
        left = Path(f"/proc/{me}/task/{me}/children").read_text().split()  # orphans too: we are their subreaper
        try:
            if me == 1:  # of the sandbox's own process namespace: everything else there is the fork's
                os.kill(-1, signal.SIGKILL)
            for process in left:
                os.kill(int(process), signal.SIGKILL)
        except ProcessLookupError:
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def scratch() -> set[str]:
    """Everything in the folders that a submission may write to."""
    return {entry.path for folder in SCRATCH for entry in os.scandir(folder)} - {HOME}


def sweep(kept: set[str], limits: dict[str, int]) -> bool:
    """Remove the files that a submission left, in its own name; returns whether all of them are gone.

    Outside the sandbox these are the user's own folders, and nothing is removed.
    """
    if os.getpid() != 1 or scratch() <= kept:
        return True
    child = os.fork()
    if child == 0:
        try:
            limit_resources(limits | {"seconds": 10})
            for path in map(Path, scratch() - kept):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, onerror=lambda remove, name, error: (os.chmod(name, 0o700), remove(name)))
                else:
                    path.unlink()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    return scratch() <= kept


def serve(topic: Topic, control: socket.socket) -> None:
    """Take sockets from the control socket until it closes; fork for each; report how each fork ended.

    Ends, to be started anew, where a submission left files that cannot be removed.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a submission may send it
    shell, stand_in = warm_shell(), StandIn(topic)
    sys.modules[stand_in.__name__] = stand_in
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    kept, own = scratch() if os.getpid() == 1 else set(), memory_of("self")
    gc.freeze()  # no fork goes through what is loaded, whose memory it would have to copy
    control.sendall(b"ready\n")
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 4096, 1)
        if not message:
            return
        limits = json.loads(message)
        connection = socket.socket(fileno=descriptors[0])
        child = os.fork()
        if child == 0:
            try:
                control.close()
                run_submission(topic, shell, stand_in, connection, limits)
            finally:
                os._exit(0)
        connection.close()
        how = wait_for(child, control, limits, own)
        clear_away()
        if how == "stopped":
            control.recv(1)
        if not sweep(kept, limits):
            return
        control.sendall(f"{how}\n".encode())


if __name__ == "__main__":
    os.environ[AT_GRADING] = "1"
    serve(load(sys.argv[1]), socket.socket(fileno=int(sys.argv[2])))
