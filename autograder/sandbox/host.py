"""The grader's side of a sandbox: a warm worker behind its walls, what it is asked, and what comes out of it."""

import json
import os
import socket
import struct
import time
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from autograder.checking.cells import sound
from autograder.checking.observe import BadObservation, Observation, is_incomplete, seeded, unpack
from autograder.checking.topic import load
from autograder.sandbox import masking
from autograder.sandbox.limits import Limits
from autograder.sandbox.walls import Launched, NoSandbox, Walls, launch
from autograder.sandbox.worker import HEADER, MAX_TEXT, read_exactly

MAX_JSON, MAX_TENSORS = 4_000_000, 32_000_000  # bytes of the two parts of one message from a submission
MAX_TOTAL = 128_000_000  # bytes of all messages from one submission
MAX_TRIES = 12  # of one submission, each without a cell that ended an earlier one
SWEEP_SECONDS = 15
FIRST_USER, USERS = 60_000, 5_000  # the numbers of the users that submissions run as, where we are root
FORGED = "sent something that is no observation"
ENDINGS = {  # the worker's word for how a submission was ended -> ours
    "time": lambda limits: f"stopped after {limits.seconds:g} seconds",
    "memory": lambda limits: f"used more than {limits.memory / 2**30:g} GiB of memory",
    "files": lambda limits: f"made more than {limits.files:,} files",
    "processes": lambda limits: f"ran {limits.processes} processes at once",
}


@dataclass
class Seen:
    """What came back from one submission: observations by exercise and check, cells that failed, and an end."""

    observations: dict[str, dict[str, Observation]]
    references: set[str]
    texts: dict[int, str]
    errors: dict[int, str]
    ending: str = "whole"  # or why it was cut short, in words
    awaited: set[str] = field(default_factory=set)  # the checks whose observations the cell that runs may send


class Sandbox:
    """One warm worker. `run` grades one submission after another; `close` ends it. Use as a context manager."""

    def __init__(self, topic: str, walls: Walls = "bwrap", number: int = 0, limits: Limits = Limits()):
        self.topic, self.walls, self.number, self.limits = topic, walls, number, limits
        self.launched: Launched | None = None
        self.is_closed = False  # for good

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *error) -> None:
        self.close()

    def start(self) -> None:
        """Start the worker and wait until it is warm. Raises NoSandbox."""
        if self.is_closed:
            raise NoSandbox("grading has ended")
        self.close()
        self.launched = launch(self.topic, self.walls, self.number)
        self.launched.wait()

    def close(self, for_good: bool = False) -> None:
        """End the worker. It is started anew when it is needed, unless this is for good."""
        self.is_closed |= for_good
        if self.launched:
            self.launched.close()
        self.launched = None

    def run(self, cells: list[dict[str, Any]], seed: int) -> Seen:
        """Run a submission's cells, and once more for each reference that it goes on with.

        What stands in for a reference answers the exercises above it too. So each exercise is observed in a run that
        has been given none but those of the exercises above it. All runs together may take twice the time of one.
        """
        exercises, end = load(self.topic).exercises, time.monotonic() + 2 * self.limits.by_the_clock
        referenced = masking.referenced(self.topic, cells)
        given = [name for name, exercise in exercises.items() if name in referenced and exercise.stand_in is not None]
        seen = self._run_given(cells, seed, [], end)
        for count, name in enumerate(given, 1):
            below = list(exercises)[list(exercises).index(name) + 1 :]
            again = self._run_given(cells, seed, given[:count], end)
            again.observations = {
                each: (again if each in below else seen).observations.get(each, {}) for each in exercises
            }
            again.ending = again.ending if seen.ending == "whole" else seen.ending
            seen = again
        seen.references |= set(given)
        return seen

    def run_with(
        self, cells: list[dict[str, Any]], seed: int, name: str, instead: list[str], end: float
    ) -> dict[str, Observation]:
        """Observe one exercise on top of what stands in for those `instead`, which the submission's own are left for.

        Also given are the references above it that the submission goes on with. What is seen of the other exercises
        in this run counts for nothing, so that nobody gains by handing on what was given.
        """
        exercises, referenced = load(self.topic).exercises, masking.referenced(self.topic, cells)
        above = list(exercises)[: list(exercises).index(name)]
        given = [each for each in above if each in referenced | set(instead) and exercises[each].stand_in is not None]
        nothing = {"exercise": None, "source": ""}
        cells = [cell | (nothing if cell["exercise"] not in (None, name) else {}) for cell in cells]
        return self._run_given(cells, seed, given, end, instead).observations.get(name, {})

    def _run_given(
        self, cells: list[dict[str, Any]], seed: int, given: list[str], end: float, instead: list[str] = ()
    ) -> Seen:
        """Run a submission's cells, with what stands in for the references of some exercises.

        Those `instead` take the place of the submission's own when an exercise is observed.

        A cell that kills the process, or hangs it, is left out in another try; where many took long, each is given
        less time in another. What speaks out of turn has no other try: which cell it was cannot be told.
        """
        skip: dict[int, str] = {}  # cell -> why
        seconds = self.limits.cell_seconds
        equipment = self._equipment(seed, given) | {"instead": list(instead)}
        for _ in range(MAX_TRIES):
            seen, culprit = self._run_once(cells, equipment, list(skip), seconds)
            seen.errors |= skip
            if seen.ending in ("whole", FORGED) or time.monotonic() >= end:
                break
            if culprit is not None:
                skip[culprit] = seen.ending
            elif seen.ending.startswith("stopped"):
                seconds /= 4
        return seen

    def _run_once(
        self, cells: list[dict[str, Any]], equipment: dict[str, Any], skip: list[int], seconds: float
    ) -> tuple[Seen, int | None]:
        """One try. Returns what was seen, and the cell that ended it, if it was one cell that did."""
        if self.launched is None or self.launched.process.poll() is not None:
            self.start()
        seen, cell = Seen({}, set(), {}, {}), None
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                socket.send_fds(self.launched.control, [json.dumps(self._fork_limits()).encode()], [theirs.fileno()])
            deadline = time.monotonic() + self.limits.by_the_clock
            times = {"seconds": seconds, "patience": self.limits.patience}
            request = {"cells": cells, "skip": skip, **times, **equipment}
            text = json.dumps(request).encode()
            try:
                ours.settimeout(self.limits.by_the_clock)
                ours.sendall(struct.pack(">Q", len(text)) + text)
                for kind, message, observation in _messages(ours, deadline, self.limits.patience * seconds + 5):
                    if kind == "start":
                        cell = self._begin(seen, cells, message["cell"])
                    elif kind == "end":
                        return seen, None
                    else:
                        _take(seen, kind, message, observation, cell, cells)
                seen.ending = "the process ended before the notebook did (it exited, crashed, or was killed)"
            except TimeoutError:
                if time.monotonic() >= deadline:
                    seen.ending, cell = f"stopped after {self.limits.by_the_clock:g} seconds", None
                else:
                    seen.ending = f"a cell could not be stopped after {seconds:g} seconds"
            except (EOFError, OSError):
                seen.ending = "the process ended early"
            except (BadObservation, LookupError, TypeError, ValueError, RecursionError):
                seen.ending = FORGED
            finally:
                how = self._settle()
        ended = replace(seen, ending=ENDINGS[how](self.limits)) if how in ENDINGS else seen
        return ended, None if how == "time" else cell

    def _begin(self, seen: Seen, cells: list[dict[str, Any]], cell: Any) -> int:
        """Note that a cell begins, and what may come of it. Raises BadObservation where there is no such cell."""
        if type(cell) is not int or not 0 <= cell < len(cells):
            raise BadObservation("a cell that there is not")
        name = cells[cell]["exercise"]
        earlier = seen.observations.get(name, {}).values()
        is_open = name and (not earlier or any(map(is_incomplete, earlier)))
        seen.awaited = {check.name for check in load(self.topic).exercises[name].checks} if is_open else set()
        return cell

    def _equipment(self, seed: int, given: list[str]) -> dict[str, Any]:
        """What the checks' inputs are made from, and the sources of what stands in for references."""
        return {
            "seeds": {name: seeded(seed, self.topic, name) for name in load(self.topic).exercises},
            "given": {name: _given(self.topic, name) for name in given},
        }

    def _fork_limits(self) -> dict[str, Any]:
        return {
            **asdict(self.limits),
            "memory": self.limits.memory + self._warm_memory(),  # of each process
            "allowance": self.limits.memory,  # of all together
            "user": FIRST_USER + (8 * os.getpid() + self.number) % USERS if self.walls == "bwrap" else 0,
            "seconds": int(self.limits.seconds) + 1,
        }

    def _warm_memory(self) -> int:
        """Bytes of address space of a warm worker, from our own, which has the same libraries loaded."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _settle(self) -> str:
        """Wait until the worker says that nothing of the submission is left; replace it where it does not.

        Returns how the submission ended, in the worker's word; "" where it has none.
        """
        try:
            self.launched.control.settimeout(2.0)
            how = self.launched.control.recv(64)
        except TimeoutError:
            how = self._insist()
        except OSError:
            how = b""
        if not how:
            self.close()
        return how.decode(errors="replace").strip()

    def _insist(self) -> bytes:
        """Tell the worker to stop a submission; returns its word, or nothing."""
        try:
            self.launched.control.sendall(b"x")
            self.launched.control.settimeout(SWEEP_SECONDS)
            return self.launched.control.recv(64)
        except OSError:
            return b""


@lru_cache(maxsize=100)
def _given(topic: str, name: str) -> str:
    return masking.given_source(topic, name)


def _messages(connection: socket.socket, deadline: float, patience: float):
    """The messages of a submission until it closes: kind, content, observation. Raises as a hostile one may cause.

    Each must come within `patience` seconds of the one before, and all of them by the deadline.
    """
    total = 0
    while True:
        try:
            by = min(deadline, time.monotonic() + patience)
            lengths = HEADER.unpack(read_exactly(connection, HEADER.size, by))
        except EOFError:
            return
        total += sum(lengths)
        if lengths[0] > MAX_JSON or lengths[1] > MAX_TENSORS or total > MAX_TOTAL:
            raise BadObservation("too much data")
        text, blob = (read_exactly(connection, length, by) for length in lengths)
        message = json.loads(text)
        yield message["kind"], message, (json.dumps(message["observation"]).encode(), blob)


def _take(seen: Seen, kind: str, message: dict[str, Any], packed: tuple[bytes, bytes], cell: int, cells: list) -> None:
    """Add one message to what was seen.

    Raises BadObservation for what the cell that runs does not send: another exercise's observation, or a second one.
    """
    exercise = cells[cell]["exercise"] if cell is not None else None
    if kind == "observed" and message["exercise"] == exercise and message["check"] in seen.awaited:
        seen.awaited.remove(message["check"])
        seen.observations.setdefault(exercise, {})[message["check"]] = unpack(*packed)
    elif kind == "reference" and exercise and message["exercise"] == exercise:
        seen.references.add(exercise)
    elif kind == "ran" and exercise is None and message["cell"] == cell:
        seen.texts[cell] = sound(str(message["text"])[:MAX_TEXT])
        seen.errors.pop(cell, None)  # of an earlier visit
        if message["error"]:
            seen.errors[cell] = sound(str(message["error"])[:500])
    else:
        raise BadObservation(f"{kind!r} in a cell that does not send it")
