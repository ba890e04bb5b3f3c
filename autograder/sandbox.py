"""The walls: a bubblewrap sandbox around a warm worker, and what comes out of it.

No network, a system that can only be read, of the file system only what Python and the course need, a private
/tmp, limits on memory, processes, file size and time. The topic's reference is not in there.
"""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import autograder
import layercake
import solutions
from autograder.observe import BadObservation, Observation, unpack
from autograder.worker import HEADER, HOME, read_exactly

Walls = Literal["bwrap", "none"]
MAX_MESSAGE = 32_000_000  # bytes of one message from a submission
MAX_TOTAL = 128_000_000  # bytes of all messages from one submission
START_SECONDS = 120
REMEDY = "install it (Debian, Ubuntu: apt-get install bubblewrap), or say --sandbox none for submissions that you trust"


class NoSandbox(Exception):
    """The sandbox cannot be had on this machine: why, and the remedy."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    cell_seconds: float = 20.0
    seconds: float = 120.0  # all of it
    memory: int = 4 << 30  # bytes of address space beyond what the warm worker has
    processes: int = 64
    file_size: int = 256 << 20


@dataclass
class Seen:
    """What came back from one submission: observations by exercise and check, cells that failed, and an end."""

    observations: dict[str, dict[str, Observation]]
    references: set[str]
    texts: dict[int, str]
    errors: dict[int, str]
    ending: str = "whole"  # or why it was cut short, in words


def find_bwrap() -> str:
    """The bubblewrap program, seen working. Raises NoSandbox with the remedy."""
    program = shutil.which("bwrap")
    if program is None:
        raise NoSandbox(f"bubblewrap is not installed: {REMEDY}")
    trial = subprocess.run([program, *_isolation(), "--ro-bind", "/", "/", "true"], capture_output=True, text=True)
    if trial.returncode:
        raise NoSandbox(
            f"bubblewrap cannot make a sandbox here ({trial.stderr.strip()}): allow user namespaces "
            "(sysctl kernel.unprivileged_userns_clone=1), or say --sandbox none for submissions that you trust"
        )
    return program


def _isolation() -> list[str]:
    """Own namespaces for everything. Root needs no user namespace, and keeps what it needs to become nobody."""
    if os.getuid() == 0:
        keep = [word for name in ("SETUID", "SETGID", "KILL") for word in ("--cap-add", f"CAP_{name}")]
        return ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", *keep]
    return ["--unshare-all"]


def bwrap_command(program: str, topic: str, empty: Path) -> list[str]:
    """bubblewrap and its options: what goes before a command that is to run inside the sandbox."""
    packages = [Path(package.__file__).parent for package in (autograder, layercake, solutions)]
    python = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), Path(sys.executable).resolve().parent.parent}
    etc = [Path("/etc") / name for name in ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime", "alternatives")]
    system = [Path(name) for name in ("/usr", "/bin", "/sbin", "/lib", "/lib64")]
    command = [program, *_isolation(), "--as-pid-1", "--die-with-parent", "--new-session", "--clearenv"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/dev/shm"):
        command += ["--perms", "1777", "--size", str(512 << 20), "--tmpfs", folder]
    command += ["--perms", "1777", "--dir", HOME]
    shown = [path for path in [*system, *etc, *sorted(python - {Path("/usr")} | set(packages))] if path.exists()]
    for parent in sorted({parent for path in shown for parent in path.parents} - {Path("/"), Path("/tmp")}):
        command += ["--perms", "0755", "--dir", str(parent)]
    for path in shown:
        link = path.is_symlink() and path in system
        command += ["--symlink", os.readlink(path), str(path)] if link else ["--ro-bind", str(path), str(path)]
    reference = Path(solutions.__file__).parent / f"{topic}.py"
    command += ["--ro-bind", str(empty), str(reference)]
    if (reference.parent / "__pycache__").is_dir():
        command += ["--tmpfs", str(reference.parent / "__pycache__")]
    command += ["--remount-ro", "/", "--chdir", HOME]
    for key, value in environment().items():
        command += ["--setenv", key, value]
    return command


def environment() -> dict[str, str]:
    """The environment variables of a worker: nothing of the instructor's."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": HOME,
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(autograder.__file__).parent.parent),
    }


class Worker:
    """One warm worker. `run` grades one submission after another; `close` ends it. Use as a context manager."""

    def __init__(self, topic: str, walls: Walls = "bwrap", number: int = 0, limits: Limits = Limits()):
        self.topic, self.walls, self.number, self.limits = topic, walls, number, limits
        self.process: subprocess.Popen | None = None
        self.control: socket.socket | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker and wait until it is warm. Raises NoSandbox."""
        self.close()
        ours, theirs = socket.socketpair()
        with tempfile.NamedTemporaryFile() as empty:
            walls = bwrap_command(find_bwrap(), self.topic, Path(empty.name)) if self.walls == "bwrap" else []
            self.process = subprocess.Popen(
                [*walls, sys.executable, "-m", "autograder.worker", self.topic, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=None if self.walls == "bwrap" else {**os.environ, **environment()},
            )
            theirs.close()
            self.control = ours
            ours.settimeout(START_SECONDS)
            try:
                greeting = ours.recv(64)
            except TimeoutError:
                greeting = b""
        if greeting != b"ready\n":
            self.process.kill()
            words = self.process.communicate()[1].decode(errors="replace").strip().splitlines()
            self.close()
            raise NoSandbox(f"the worker did not start: {words[-1] if words else 'it said nothing'}")

    def close(self) -> None:
        if self.control:
            self.control.close()
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process.stderr.close()
        self.process = self.control = None

    def run(self, cells: list[dict[str, Any]], seed: int) -> Seen:
        """Run a submission's cells. One that kills the process, or hangs it, is left out in a second try."""
        skip: list[int] = []
        reasons: dict[int, str] = {}
        while True:
            seen, last = self._run_once(cells, seed, skip)
            seen.errors |= reasons
            if seen.ending == "whole" or last is None or len(skip) >= 3:
                return seen
            reasons[last] = seen.ending
            skip.append(last)

    def _run_once(self, cells: list[dict[str, Any]], seed: int, skip: list[int]) -> tuple[Seen, int | None]:
        """One try. Returns what was seen, and the cell in which it ended, where it did not run to the end."""
        if self.process is None or self.process.poll() is not None:
            self.start()
        seen, cell = Seen({}, set(), {}, {}), None
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                socket.send_fds(self.control, [json.dumps(self._fork_limits()).encode()], [theirs.fileno()])
            deadline = time.monotonic() + self.limits.seconds
            request = {"cells": cells, "seed": seed, "seconds": self.limits.cell_seconds, "skip": skip}
            text = json.dumps(request).encode()
            try:
                ours.settimeout(self.limits.seconds)
                ours.sendall(struct.pack(">Q", len(text)) + text)
                for kind, message, observation in _messages(ours, deadline):
                    if kind == "start":
                        cell = int(message["cell"])
                    elif kind == "end":
                        return seen, None
                    else:
                        _take(seen, kind, message, observation)
                seen.ending = "the process ended before the notebook did (it exited, crashed, or was killed)"
            except (TimeoutError, EOFError, OSError):
                out_of_time = time.monotonic() >= deadline
                seen.ending = (
                    f"stopped after {self.limits.seconds:g} seconds" if out_of_time else "the process ended early"
                )
            except (BadObservation, KeyError, TypeError, ValueError, RecursionError):
                seen.ending = "sent something that is no observation"
            finally:
                self._settle()
        return seen, cell

    def _fork_limits(self) -> dict[str, Any]:
        return {
            **asdict(self.limits),
            "memory": self.limits.memory + self._warm_memory(),
            "user": 64_000 + self.number if self.walls == "bwrap" else 0,
            "seconds": int(self.limits.seconds) + 1,
        }

    def _warm_memory(self) -> int:
        """Bytes of address space of a warm worker, from our own, which has the same libraries loaded."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _settle(self) -> None:
        """Wait until the worker says that nothing of the submission is left; replace it where it does not."""
        try:
            self.control.settimeout(2.0)
            if not self.control.recv(64):
                self.close()
        except TimeoutError:
            try:
                self.control.sendall(b"x")
                self.control.settimeout(5.0)
                self.control.recv(64)
            except OSError:
                self.close()
        except OSError:
            self.close()


def _messages(connection: socket.socket, deadline: float):
    """The messages of a submission until it closes: kind, content, observation. Raises as a hostile one may cause."""
    total = 0
    while True:
        try:
            lengths = HEADER.unpack(read_exactly(connection, HEADER.size, deadline))
        except EOFError:
            return
        total += sum(lengths)
        if max(lengths) > MAX_MESSAGE or total > MAX_TOTAL:
            raise BadObservation("too much data")
        text, blob = (read_exactly(connection, length, deadline) for length in lengths)
        message = json.loads(text)
        yield message["kind"], message, (json.dumps(message["observation"]).encode(), blob)


def _take(seen: Seen, kind: str, message: dict[str, Any], packed: tuple[bytes, bytes]) -> None:
    """Add one message to what was seen. The first observation of a check counts, unless it found a blank."""
    if kind == "observed":
        checks = seen.observations.setdefault(str(message["exercise"]), {})
        earlier = checks.get(str(message["check"]))
        if earlier is None or (earlier.raised and earlier.raised.type == "NotImplementedError"):
            checks[str(message["check"])] = unpack(*packed)
    elif kind == "reference":
        seen.references.add(str(message["exercise"]))
    elif kind == "ran":
        seen.texts[int(message["cell"])] = str(message["text"])
        if message["error"]:
            seen.errors[int(message["cell"])] = str(message["error"])
