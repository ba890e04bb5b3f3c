"""The walls: a bubblewrap sandbox, and the process that gets warm in it.

No network, a system that can only be read, of the file system only what Python and the course need, a private
/tmp, and a core of its own, so that what wants all of a machine takes nothing from the submission next to it. The
topic's reference and what would give it away are not in there. Nothing here loads PyTorch or nbgrader, so that a
worker can get warm while its grader still loads them.
"""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from autograder.checking.errors import ClearError
from autograder.checking.topic import refuse_unknown
from autograder.sandbox import masking, seccomp

Walls = Literal["bwrap", "none"]
HOME = "/tmp/home"  # of a submission, inside
START_SECONDS = 120
REMEDY = "install it (Debian, Ubuntu: apt-get install bubblewrap), or say --sandbox none for submissions that you trust"


class NoSandbox(ClearError):
    """The sandbox cannot be had on this machine: why, and the remedy."""


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


def bwrap_command(program: str, topic: str, descriptors: list[int]) -> list[str]:
    """bubblewrap and its options: what goes before a command that is to run inside the sandbox.

    What is seen there in place of other files is read from `descriptors`, which are added to: bubblewrap inherits them.
    """
    packages = [_folder(name) for name in ("autograder", "layercake", "solutions")]
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
    for reference in {_folder("solutions") / f"{topic}.py", *_installed(f"solutions/{topic}.py")}:
        command += _shown(reference, "", descriptors)
        if (compiled := reference.parent / "__pycache__").is_dir():
            command += ["--tmpfs", str(compiled), "--remount-ro", str(compiled)]
    package = _folder("autograder")
    for folder in ("checks", "example"):  # which hold answers
        command += ["--perms", "0755", "--tmpfs", str(package / folder)]
    for name, source in masking.visible(topic).items():
        command += _shown(package / "checks" / name, source, descriptors)
    for folder in ("checks", "example"):
        command += ["--remount-ro", str(package / folder)]
    command += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", HOME]
    if (rules := seccomp.program()) is not None:
        command += ["--seccomp", _inherited(rules, descriptors)]
    for key, value in environment().items():
        command += ["--setenv", key, value]
    return command


def _folder(package: str) -> Path:
    """Where a package of the course lies; it is not loaded."""
    return Path(find_spec(package).origin).parent


def _installed(name: str) -> list[Path]:
    """Where a file of the course lies in Python's own folders, besides the place that it is imported from."""
    return [path for folder in sys.path if (path := Path(folder, name).resolve()).is_file()]


def _inherited(content: bytes, descriptors: list[int]) -> str:
    """A new descriptor from which this can be read; there is no file that could be left behind."""
    descriptors.append(os.memfd_create("layercake"))
    with open(descriptors[-1], "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptors[-1], 0, os.SEEK_SET)
    return str(descriptors[-1])


def _shown(path: Path, text: str, descriptors: list[int]) -> list[str]:
    """bubblewrap's options by which a text is seen in place of a file."""
    return ["--perms", "0444", "--ro-bind-data", _inherited(text.encode(), descriptors), str(path)]


@contextmanager
def _on_core(number: int) -> Iterator[None]:
    """What this thread starts meanwhile runs on one of our cores, and cannot leave it (see `seccomp`)."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {sorted(cores)[(os.getpid() + number) % len(cores)]})  # other graders begin at others
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def environment() -> dict[str, str]:
    """The environment variables of a worker: nothing of the instructor's."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": HOME,
        "OMP_NUM_THREADS": "1",
        "PIP_RETRIES": "0",  # there is no network, and pip would try for long
        "TORCH_COMPILE_DISABLE": "1",  # a compiled function is the function itself, without minutes of compiling
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(_folder("autograder").parent),
    }


class Launched:
    """A worker's process behind its walls, from its start on; it gets warm meanwhile. Raises NoSandbox."""

    def __init__(self, topic: str, walls: Walls, number: int):
        self.control, theirs = socket.socketpair()
        descriptors = [theirs.detach()]
        try:
            before = bwrap_command(find_bwrap(), topic, descriptors) if walls == "bwrap" else []
            with _on_core(number) if before else nullcontext():
                self.process = subprocess.Popen(
                    [*before, sys.executable, "-m", "autograder.sandbox.worker", topic, str(descriptors[0])],
                    pass_fds=descriptors,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=None if before else {**os.environ, **environment()},
                )
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    def wait(self) -> None:
        """Wait until it is warm. Raises NoSandbox."""
        self.control.settimeout(START_SECONDS)
        try:
            greeting = self.control.recv(64)
        except TimeoutError:
            greeting = b""
        if greeting != b"ready\n":
            self.process.kill()
            words = self.process.communicate()[1].decode(errors="replace").strip().splitlines()
            self.close()
            raise NoSandbox(f"the worker did not start: {words[-1] if words else 'it said nothing'}")

    def close(self) -> None:
        """End it."""
        self.control.close()
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()


AHEAD: dict[tuple[str, Walls, int], Launched] = {}  # and not taken yet


@contextmanager
def launched_ahead(topic: str, walls: Walls) -> Iterator[None]:
    """Launch a first worker, for `launch` to give: it gets warm while this process still loads what it needs.

    Raises NoSandbox and UnknownTopic.
    """
    refuse_unknown(topic)
    AHEAD[topic, walls, 0] = Launched(topic, walls, 0)
    try:
        yield
    finally:
        while AHEAD:
            AHEAD.popitem()[1].close()


def launch(topic: str, walls: Walls, number: int) -> Launched:
    """A worker's process, which was launched ahead, or is now. Raises NoSandbox."""
    return AHEAD.pop((topic, walls, number), None) or Launched(topic, walls, number)
