"""Why points are missing, or a person should look: codes for the journal, the report and the last line."""

import re
from collections.abc import Iterable
from enum import StrEnum


class Reason(StrEnum):
    """One code for each kind of cause."""

    WRONG = "wrong"
    RAISED = "raised"
    MISSING = "missing"
    REFERENCE = "reference"
    FAILED = "failed"
    DENIED = "denied"
    TIME = "time"
    MEMORY = "memory"
    DISK = "disk"
    PROCESSES = "processes"
    ENDED = "ended"
    FORGED = "forged"
    UNREADABLE = "unreadable"
    UNRECORDED = "unrecorded"

    @property
    def meaning(self) -> str:
        """The code in a few words."""
        return MEANINGS[self]


MEANINGS = {
    Reason.WRONG: "an exercise gives other results than the reference",
    Reason.RAISED: "an exercise ended with an error",
    Reason.MISSING: "an exercise is blank, or not there",
    Reason.REFERENCE: "an exercise is the imported reference",
    Reason.FAILED: "a cell ended with an error",
    Reason.DENIED: "a cell asked for what the sandbox refuses: network, other files, other processes",
    Reason.TIME: "a cell, a check or all of it took too long",
    Reason.MEMORY: "more memory was asked for than there is",
    Reason.DISK: "a file was too large, or there were too many",
    Reason.PROCESSES: "too many processes, threads or open files",
    Reason.ENDED: "the process ended before its notebook did",
    Reason.FORGED: "it sent the grader what only the checks may send",
    Reason.UNREADABLE: "the file is no notebook, or cannot be taken as it is",
    Reason.UNRECORDED: "it could not be graded or recorded",
}
ALWAYS_SAID = frozenset(
    {Reason.DENIED, Reason.MEMORY, Reason.DISK, Reason.PROCESSES, Reason.FORGED, Reason.UNREADABLE, Reason.UNRECORDED}
)  # whose students the last line names: what honest work rarely does
SAYS = (  # what an error or an ending says, the first match counting
    ("sent something that is no observation", Reason.FORGED),
    ("stopped after|could not be stopped|TimeLimit", Reason.TIME),
    (r"used more than .* of memory|MemoryError|can't allocate memory|Errno 12\b", Reason.MEMORY),
    (r"made more than .* files|Errno (27|28|122)\b", Reason.DISK),
    (r"ran \d+ processes at once|Errno (11|24)\b|can't start new thread", Reason.PROCESSES),
    (r"the process ended", Reason.ENDED),
    (r"PermissionError|Errno (1|13|30|97|101|-2|-3)\b", Reason.DENIED),
)


def reason_of(words: str) -> Reason:
    """The code of what a cell's error, or the end of a run, says."""
    return next((reason for pattern, reason in SAYS if re.search(pattern, words)), Reason.FAILED)


def in_order(reasons: Iterable[Reason]) -> list[Reason]:
    """Each code once, in the order in which they are declared."""
    found = set(reasons)
    return [reason for reason in Reason if reason in found]
