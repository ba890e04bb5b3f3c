"""How long one training step takes, for each reader and length: all in one run, in turn, side by side.

And, for the recorded measurement, the chart of the exact chain of waiting beside it: the chain is the same on every
machine, the clock is not.
"""

import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import Device, pick
from layercake.figures.recall_figure import COLOURS, MARKERS, SURFACE, dress, one_line
from layercake.labs.readers import READERS, readers, settings_for

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


def times_finding(times: dict[str, Any], names: tuple[str, ...] = READERS) -> str:
    """The finding, computed from the measurement: who is fastest at the greatest length, and by how much."""
    median = {name: times[name]["median_ms"][-1] for name in names}
    fast, slow = min(median, key=median.get), max(median, key=median.get)
    return (
        f"At {times['length'][-1]} symbols on a {times['device'].upper()}, a step of {fast} takes "
        f"{median[fast]:.0f} ms,\nof {slow} {median[slow] / median[fast]:.1f} times that"
    )


def times_alt_text(times: dict[str, Any], names: tuple[str, ...] = READERS) -> str:
    """The figure in words."""
    ends = "; ".join(
        f"{name}: {times[name]['median_ms'][0]:.1f} ms at {times['length'][0]} symbols, "
        f"{times[name]['median_ms'][-1]:.1f} ms at {times['length'][-1]}"
        for name in names
    )
    found = one_line(times_finding(times, names))
    return f"Line chart of the time of one training step against the length of the text. {found}. {ends}."


def plot_times(times: dict[str, Any], names: tuple[str, ...] = READERS) -> "Figure":
    """Draw the time of a training step against the length: medians, with a band from quartile to quartile."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.2), facecolor=SURFACE, layout="constrained")
    _draw_times(axes, times, names)
    dress(axes, times_finding(times, names))
    plt.close(figure)
    return figure


def _draw_times(axes: "Axes", times: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        line, colour = times[name], COLOURS[name]
        axes.fill_between(times["length"], line["low_ms"], line["high_ms"], color=colour, alpha=0.2, linewidth=0)
        axes.plot(times["length"], line["median_ms"], color=colour, marker=MARKERS[name], label=name)
    axes.set_ylabel("time of one training step (ms)")
    _powers_of_two(axes, times)


def _powers_of_two(axes: "Axes", times: dict[str, Any]) -> None:
    """Both axes by doubling, in plain numbers."""
    from matplotlib.ticker import ScalarFormatter

    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(ScalarFormatter())
    axes.set_xticks(times["length"], [str(length) for length in times["length"]])
    axes.set_xlabel(f"length of the text (symbols), {times['batch_size']} texts at once")


# The recorded measurement: the chain of waiting, and the clock ------------------------------------------------------


def chain_finding(data: dict[str, Any]) -> str:
    """The exact half of the finding: who waits for how many steps at the greatest length."""
    last = {name: depths[-1] for name, depths in data["sequential_depth"].items()}
    said = ", ".join(f"{name} {steps}" for name, steps in last.items())
    return f"Steps in a row at {data['length'][-1]} symbols: {said}"


def waiting_alt_text(data: dict[str, Any]) -> str:
    """Both panels in words."""
    names = tuple(data["sequential_depth"])
    return (
        f"Two line charts against the length of the text. Above, the longest chain of steps, which is exact on any "
        f"machine. {chain_finding(data)}. Below, the clock. {times_alt_text(data, names)}"
    )


def plot_waiting(data: dict[str, Any]) -> "Figure":
    """Draw the chain of waiting above the clock, for the readers that `data["sequential_depth"]` has."""
    from matplotlib import pyplot as plt

    names = tuple(data["sequential_depth"])
    figure, (chain, clock) = plt.subplots(2, 1, figsize=(7, 8.4), facecolor=SURFACE, layout="constrained")
    for name in names:
        # The recurrent networks have the same chain: a wider line below shows through beside a narrower one above.
        width = 5 - 4 * names.index(name) / len(names)
        style = {"color": COLOURS[name], "marker": MARKERS[name], "linewidth": width, "label": name}
        chain.plot(data["length"], data["sequential_depth"][name], **style)
    chain.set_ylabel("steps that must follow one another")
    _powers_of_two(chain, data)
    _draw_times(clock, data, names)
    shown = chain_finding(data)
    dress(chain, textwrap.fill(shown, 72))
    dress(clock, times_finding(data, names))
    plt.close(figure)
    return figure
