"""How long one training step takes, for each reader and length: all in one run, in turn, side by side."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import Device, pick
from layercake.figures.lab_clock import alt_text, finding, plot
from layercake.labs.networks import READERS, readers, settings_for

__all__ = ["BATCH_SIZE", "LENGTHS", "alt_text", "finding", "plot", "time_per_step"]

LENGTHS = {"smoke": (16, 32, 64), "laptop": (16, 32, 64, 128, 256, 512), "colab": (64, 128, 256, 512, 1024, 2048)}
BATCH_SIZE = 8


def time_per_step(
    attention_over_states: Callable[..., tuple[Tensor, Tensor]],
    multi_head_attention: Callable[..., nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    attend: Callable[..., Tensor] | None = None,
    repeats: int = 9,
    lengths: tuple[int, ...] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    only: tuple[str, ...] = READERS,
) -> dict[str, Any]:
    """Milliseconds of one training step (forward, backward, update) against the length of the text.

    Every repeat measures all readers in turn, on a clock that may be `time.process_time` where other programs share a
    CPU. The first repeat, which pays for what is set up once, is dropped.
    Returns {"length": [...], reader: {"median_ms": [...], "low_ms": [...], "high_ms": [...]}}, low and high being the
    quartiles, with what it ran on.
    """
    device = device or pick()
    settings = replace(settings_for(scale), n_pairs=settings_for("laptop").n_pairs)
    models = readers(attention_over_states, multi_head_attention, settings, attend=attend, only=only)
    optimisers = {name: torch.optim.AdamW(model.to(device.device).parameters()) for name, model in models.items()}
    times: dict[str, Any] = {"length": list(lengths or LENGTHS[scale]), "device": device.device.type}
    times |= {"batch_size": BATCH_SIZE, "repeats": repeats}
    times |= {name: {"median_ms": [], "low_ms": [], "high_ms": []} for name in models}
    # The GRU's gradient fades, over many positions, to numbers so small that a CPU takes several times as long.
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(0)
    vocab_size = settings.n_pairs + settings.n_values
    for length in times["length"]:
        symbols = torch.randint(vocab_size, (BATCH_SIZE, length + 1), generator=generator).to(device.device)
        answers = torch.zeros(BATCH_SIZE, dtype=torch.long, device=device.device)
        taken: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(repeats + 1):
            for name, model in models.items():
                taken[name].append(_one_step(model, optimisers[name], symbols, answers, clock))
        for name, seconds in taken.items():
            quartiles = torch.tensor(seconds[1:]).quantile(torch.tensor([0.25, 0.5, 0.75])) * 1000
            for key, value in zip(("low_ms", "median_ms", "high_ms"), quartiles.tolist()):
                times[name][key].append(round(value, 3))
    torch.set_flush_denormal(False)
    return times


def _one_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    symbols: Tensor,
    answers: Tensor,
    clock: Callable[[], float],
) -> float:
    wait = torch.cuda.synchronize if symbols.is_cuda else _nothing  # a GPU's work is only queued until it is waited for
    wait()
    start = clock()
    optimiser.zero_grad(set_to_none=True)
    loss = F.cross_entropy(model(symbols, 1).squeeze(1), answers)
    loss.backward()
    optimiser.step()
    loss.item()  # waits for the result on any device
    wait()
    return clock() - start


def _nothing() -> None:
    pass
