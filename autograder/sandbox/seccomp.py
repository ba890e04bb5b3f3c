"""What a submission may not ask of the kernel: a filter in the form that `bwrap --seccomp` takes.

Namespaces and limits bound most of what a process can do. This closes the ways around them: memory that no limit
counts (memfd, System V, message queues), keys and queues that outlive a process, namespaces of its own, leaving the
core it was put on, and sockets that know of no network namespace (AF_VSOCK). See seccomp(2) for the form.
"""

import platform
import struct
from errno import EAFNOSUPPORT, ENOSYS, EPERM

# name: (x86_64, aarch64), from the kernel's tables of system calls
REFUSED = {
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "unshare": (272, 97),
    "setns": (308, 268),
    "sched_setaffinity": (203, 122),
    "userfaultfd": (323, 282),
    "perf_event_open": (298, 241),
    "bpf": (321, 280),
    "io_uring_setup": (425, 425),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
CLONE_NEWUSER = 0x10000000
FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink: the last three see the sandbox's own, empty network
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, and the kernel's name for it
LOAD, IF_EQUAL, IF_AT_LEAST, IF_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000, 0x80000000
AT_CALL, AT_MACHINE, AT_FIRST_ARGUMENT = 0, 4, 16


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    """One instruction: `yes` and `no` are how many to leave out, depending on a comparison."""
    return struct.pack("=HBBI", code, yes, no, value)


def _when(call: int, then: bytes) -> bytes:
    """Do `then`, which returns, where this is the call; else go on."""
    return _step(IF_EQUAL, call, no=len(then) // 8) + then


def program(machine: str = platform.machine()) -> bytes | None:
    """The filter for this kind of processor; None where we have no table for it."""
    if machine not in MACHINES:
        return None
    column, name = MACHINES[machine]
    made = _step(LOAD, AT_MACHINE) + _step(IF_EQUAL, name, yes=1) + _step(RETURN, KILL) + _step(LOAD, AT_CALL)
    if machine == "x86_64":  # the calls of the x32 form, which have numbers of their own
        made += _step(IF_AT_LEAST, 0x40000000, no=1) + _step(RETURN, REFUSE | ENOSYS)
    for numbers in REFUSED.values():
        made += _when(numbers[column], _step(RETURN, REFUSE | EPERM))
    made += _when(CLONE3[column], _step(RETURN, REFUSE | ENOSYS))  # its flags cannot be read; libc falls back to clone
    first = _step(LOAD, AT_FIRST_ARGUMENT)
    new_user = _step(IF_BIT, CLONE_NEWUSER, no=1) + _step(RETURN, REFUSE | EPERM)
    made += _when(CLONE[column], first + new_user + _step(RETURN, ALLOW))
    known = b"".join(_step(IF_EQUAL, family, no=1) + _step(RETURN, ALLOW) for family in FAMILIES)
    made += _when(SOCKET[column], first + known + _step(RETURN, REFUSE | EAFNOSUPPORT))
    return made + _step(RETURN, ALLOW)
