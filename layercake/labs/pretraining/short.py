"""Short runs of the lab's model, through whose ends the learner's law is drawn."""

import statistics
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn, tensor

from layercake import results
from layercake.device import Device
from layercake.labs.pretraining.lab import Curve, run
from layercake.labs.pretraining.settings import settings_for

SHARES = (64, 32, 16)  # the steps of the long run, divided by each
RECORDED = "laptop, one step in {}"  # their names in layercake/recorded/pretraining.json


@dataclass(frozen=True)
class Ends:
    """Where three short runs ended, and how much the long one reads. `whose` says whose runs they are."""

    whose: str
    tokens: Tensor  # (3), read
    losses: Tensor  # (3), on validation text, in nats per token
    floor: float  # what no reader can go below; 0, which is certainly too low, where nobody knows it
    long: int  # tokens that the long run reads
    recorded: float | None = None  # where the long run ended, where it is a recorded one

    def __str__(self) -> str:
        rows = zip(self.tokens.tolist(), self.losses.tolist())
        lines = [f"{n:12,.0f} tokens: loss {loss:.3f}, {loss - self.floor:.3f} above the floor" for n, loss in rows]
        return "\n".join([f"{self.whose}; the floor is {self.floor:.3f}", *lines])

    def of_the_long_run(self, curve: Curve) -> float:
        """Where the long run that these belong to ended: the caller's, or the recorded one."""
        return curve.loss["all"][-1] if self.recorded is None else self.recorded


def short_runs(
    model_class: type[nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    corpus: str | Path = "village",
    folder: str | Path = "layercake-runs",
    **parts: Any,
) -> Ends:
    """Train the caller's model in one step of 64, of 32 and of 16, each with its whole course of the learning rate.

    At "smoke" such runs are over before they have learned anything: they show that all runs, and what comes back are
    the ends of recorded runs of the laptop's sizes. `parts` go to `run`, which says what it raises.
    """
    sizes, curves = settings_for(scale), []
    for share in SHARES:
        settings = replace(sizes, steps=sizes.steps // share)
        kept = Path(folder) / f"{settings.steps}-steps"
        its = {"settings": settings, "folder": kept, "meanwhile": False}
        curves.append(run(model_class, scale, device, corpus=corpus, **its, **parts))
    if scale == "smoke":
        return recorded_ends()
    tokens = tensor([float(curve.tokens[-1]) for curve in curves])
    losses = tensor([curve.loss["all"][-1] for curve in curves])
    return Ends("your runs", tokens, losses, curves[0].bound.get("all", 0.0), sizes.steps * sizes.tokens_per_step)


def recorded_ends() -> Ends:
    """The recorded runs of the laptop's sizes on the village, the median over the seeds of each length."""
    data = results.load("pretraining")["data"]
    short, long = [data[RECORDED.format(share)] for share in SHARES], data["laptop"]
    whose = f"recorded runs at the scale laptop, medians of {short[0]['seeds']} seeds (at smoke yours are too short)"
    return Ends(
        whose,
        tensor([float(its["tokens"][-1]) for its in short]),
        tensor([its["loss"]["all"]["median"][-1] for its in short]),
        long["bound"]["all"],
        long["tokens"][-1],
        statistics.median(row[-1] for row in long["loss"]["all"]["seeds"]),
    )
