"""Several processes that train one model together: which one this is, a mean over all of them, joining and leaving.

torchrun starts them and tells each its place in environment variables; a process that was started alone is one of one.
Numbers travel by NCCL between GPUs and by Gloo between CPUs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor


def rank_and_number() -> tuple[int, int]:
    """Which of how many processes this is; 0 and 1 where there is one."""
    together = dist.is_available() and dist.is_initialized()
    return (dist.get_rank(), dist.get_world_size()) if together else (0, 1)


def average(value: Tensor) -> Tensor:
    """The mean of a number over all processes, each of which has its own."""
    n_processes = rank_and_number()[1]
    if n_processes > 1:
        value = value / n_processes
        dist.all_reduce(value)
    return value


@contextmanager
def processes() -> Iterator[None]:
    """Join the other processes that torchrun started, if it did, and leave them at the end."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()
