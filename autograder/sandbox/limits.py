"""What one submission may use, and what holds it to that, from inside the sandbox: memory, time, processes, files.

`Limits` is what the grader sets. A fork that runs a submission gives itself the limits of its process
(`limit_resources`) and of each cell's time (`limited`); the worker watches what all its processes use together
(`excess_of`). The disk's size is the walls' (`walls.bwrap_command`).
"""

import os
import re
import resource
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Seconds are a processor's: what else the machine does takes no one's time."""

    cell_seconds: float = 20.0
    seconds: float = 120.0  # all of it
    patience: float = 3.0  # how many times as long it may all take by the clock, waiting included
    memory: int = 4 << 30  # bytes of address space beyond what the warm worker has
    processes: int = 64
    file_size: int = 256 << 20
    files: int = 50_000

    @property
    def by_the_clock(self) -> float:
        """The seconds after which all of it ends, whatever it has done."""
        return self.patience * self.seconds


class TimeLimit(BaseException):
    """A cell or a check took too long. No `Exception`, so that `except Exception` does not swallow it."""


def limit_resources(limits: dict[str, int]) -> None:
    """Give the fork its own limits, and another user where the sandbox runs as root."""
    if os.getuid() == 0 and limits["user"]:
        os.setgroups([])
        os.setgid(limits["user"])
        os.setuid(limits["user"])
    for kind, value in (
        (resource.RLIMIT_AS, limits["memory"]),
        (resource.RLIMIT_CPU, 2 * limits["seconds"]),  # of each: what all together may have is watched from outside
        (resource.RLIMIT_FSIZE, limits["file_size"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_NOFILE, 256),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (value, value))


@contextmanager
def limited(seconds: float, by_the_clock: float):
    """Raise TimeLimit inside after so many seconds of a processor, or by the clock, and again every second after."""
    timers = {signal.SIGPROF: (signal.ITIMER_PROF, seconds), signal.SIGALRM: (signal.ITIMER_REAL, by_the_clock)}

    def stop(signum, frame):
        raise TimeLimit(f"stopped after {timers[signum][1]:.0f} seconds")

    for number, (timer, time) in timers.items():
        signal.signal(number, stop)
        signal.setitimer(timer, time, 1.0)
    try:
        yield
    finally:
        for timer, _ in timers.values():
            signal.setitimer(timer, 0)


def excess_of(limits: dict[str, Any], own: int) -> str | None:
    """What all processes of a submission together use too much of; other limits hold for each alone.

    Either "time", "memory", or "files", or "processes": all that it may have, which the system holds it to, and which
    keep each other from their work.
    """
    processes = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    if sum(map(seconds_of, processes)) > limits["seconds"]:
        return "time"
    if sum(max(0, memory_of(process) - own) for process in processes) > limits["allowance"]:
        return "memory"
    if len(processes) >= limits["processes"]:
        return "processes"
    disks = [os.statvfs(folder) for folder in ("/tmp", "/dev/shm")]
    return "files" if sum(disk.f_files - disk.f_ffree for disk in disks) > limits["files"] else None


def seconds_of(process: str) -> float:
    """Seconds of a processor that a process has had, and those of its children that have ended; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rsplit(b")", 1)[1].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def memory_of(process: str) -> int:
    """Bytes that a process holds and no file does, swapped out or not; 0 where it is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    return 1024 * sum(map(int, re.findall(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB", status, re.MULTILINE)))
