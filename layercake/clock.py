"""How long one training step takes, for each reader and length: all in one run, in turn, side by side."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import Device, pick
from layercake.recall_figure import COLOURS, MARKERS, SURFACE, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
) -> dict[str, Any]:
    """Milliseconds of one training step (forward, backward, update) against the length of the text.

    Every repeat measures all readers in turn, on a clock that may be `time.process_time` where other programs share a
    CPU. The first repeat, which pays for what is set up once, is dropped.
    Returns {"length": [...], reader: {"median_ms": [...], "low_ms": [...], "high_ms": [...]}}, low and high being the
    quartiles, with what it ran on.
    """
    from layercake.recall import readers, settings_for

    device = device or pick()
    settings = replace(settings_for(scale), n_pairs=settings_for("laptop").n_pairs)
    models = readers(attention_over_states, multi_head_attention, settings, attend=attend)
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


def times_finding(times: dict[str, Any]) -> str:
    """The finding, computed from the measurement: who is fastest at the greatest length, and by how much."""
    median = {name: times[name]["median_ms"][-1] for name in COLOURS}
    fast, slow = min(median, key=median.get), max(median, key=median.get)
    return (
        f"At {times['length'][-1]} symbols on a {times['device'].upper()}, a step of {fast} takes "
        f"{median[fast]:.0f} ms,\nof {slow} {median[slow] / median[fast]:.1f} times that"
    )


def times_alt_text(times: dict[str, Any]) -> str:
    """The figure in words."""
    ends = "; ".join(
        f"{name}: {times[name]['median_ms'][0]:.1f} ms at {times['length'][0]} symbols, "
        f"{times[name]['median_ms'][-1]:.1f} ms at {times['length'][-1]}"
        for name in COLOURS
    )
    found = times_finding(times).replace("\n", " ")
    return f"Line chart of the time of one training step against the length of the text. {found}. {ends}."


def plot_times(times: dict[str, Any]) -> "Figure":
    """Draw the time of a training step against the length: medians, with a band from quartile to quartile."""
    from matplotlib import pyplot as plt
    from matplotlib.ticker import ScalarFormatter

    figure, axes = plt.subplots(figsize=(7, 4.2), facecolor=SURFACE, layout="constrained")
    for name, colour in COLOURS.items():
        line = times[name]
        axes.fill_between(times["length"], line["low_ms"], line["high_ms"], color=colour, alpha=0.2, linewidth=0)
        axes.plot(times["length"], line["median_ms"], color=colour, marker=MARKERS[name], label=name)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_xticks(times["length"], [str(length) for length in times["length"]])
    axes.set_ylabel("time of one training step (ms)")
    axes.set_xlabel(f"length of the text (symbols), {times['batch_size']} texts at once")
    dress(axes, times_finding(times))
    plt.close(figure)
    return figure
