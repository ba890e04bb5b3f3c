"""Measures the claim "hidden-depth": how many steps in a row a model takes without writing any of them down.

    python -m experiments.hidden_depth                       # three seeds of 15 trainings, hours on two CPU cores
    python -m experiments.hidden_depth --smoke --folder DIR  # tiny models, a few steps

Writes layercake/recorded/hidden-depth.json. The task is that of the five cups (`layercake.labs.cups`), one training for
each seed and each of these: transformers of several depths and widths that answer at once; the same that write each
answer down before they are asked for the next; with dots, or with random cups, in place of what they would have
written; one layer that is run again and again; a GRU; and a transformer on moves whose order does not matter, turns and
counts. All have as many steps of as many games. The exam is new games, with the answer asked after each move: the
number of moves up to which nine of ten answers are right.
"""

import operator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

from experiments import record
from layercake.labs import cups
from layercake.training import count_parameters, train
from solutions.reasoning import LatentLoop
from solutions.rnn import RecurrentLanguageModel
from solutions.transformer import GPT

LEVEL = 0.9
HEAD = 32  # the width of a head


class Arm(NamedTuple):
    """One kind of training."""

    reader: str  # "transformer"; "loop", one layer that is run `layers` times; or "GRU"
    layers: int
    width: int = 64
    way: str = "direct"
    kind: str = "swaps"

    @property
    def name(self) -> str:
        what = "round" if self.reader == "loop" else "layer"
        size = f"{self.reader}, {self.layers} {what}{'s' if self.layers > 1 else ''}"
        wide = f", width {self.width}" if self.width != type(self)._field_defaults["width"] else ""
        how = "" if self.way == "direct" else f", {self.way}"
        return size + wide + how + ("" if self.kind == "swaps" else f", {self.kind}")


DEPTHS = (1, 2, 4, 8)
ARMS = (
    *(Arm("transformer", layers) for layers in DEPTHS),
    *(Arm("transformer", 2, width) for width in (32, 128)),
    *(Arm("transformer", layers, way="written") for layers in (1, 2)),
    *(Arm("transformer", 2, way=way) for way in ("dots", "scrambled")),
    *(Arm("loop", rounds) for rounds in (4, 8)),
    Arm("GRU", 1),
    Arm("transformer", 1, kind="turns"),
    Arm("transformer", 1, kind="counts"),
)


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    n_moves: int = 24
    steps: int = 2_500
    batch_size: int = 64
    learning_rate: float = 2e-3
    games: int = 1_000  # in the exam


SMOKE = Settings((0,), 3, 4, 4, 2e-3, 8)
CLAIM = {
    "id": "hidden-depth",
    "title": "What is not written down goes only so deep",
    "sentence": "Trained alike, a transformer that answers at once soon loses a chain of swaps, and eight times the "
    "layers do not let it follow four times as many; four times the width, dots to think on, or noise in their place "
    "give nothing of what the written steps give, with which two layers follow the chain to its end or within a swap "
    "of it. Without a word, a GRU follows it too, and one layer that is run eight times follows more than twice as "
    "many swaps as eight layers.",
    "refuted_by": "A transformer of up to eight layers that answers at once and is right after all 24 swaps; dots or "
    "random cups with which two layers follow as many swaps as with written steps; four times the width, which helps "
    "as much as four times the layers; counts of the same length, in which every move matters in any order, and of "
    "which one layer follows no more than of swaps: then it was the length of the text, and not of the chain; or eight "
    "layers that follow as many swaps as one layer run eight times.",
}
LIMITS = [
    "What the sentence says of the loop was added when three seeds of it and of eight layers had been seen; the rest "
    "was written before.",
    "Turns, whose order does not matter either, were to be the control, and one layer learned none of them: to add up "
    "modulo five is hard for a transformer for reasons of its own. Counts were added after that.",
    "That a loop learns more of the chain than layers of their own is not explained here: the eight layers could all "
    "have learned what the one did.",
    "What training found in so many steps, and not what the weights of so many layers could hold: a longer training, "
    "another learning rate or another course may follow longer chains.",
    "One task, and one course of training for all: the learning rate was not chosen for each.",
    "Answers are asked after every move, which tells a model that answers at once what it should know on the way; with "
    "the last answer alone it would learn less.",
    "Dots are learned with the same answers asked at them, which is the help that Pfau et al. 2024 say they need.",
]


class Job(NamedTuple):
    """One training: what is trained, by its place among the arms, and the seed."""

    arm: int
    seed: int


def reader(arm: Arm, n_moves: int) -> nn.Module:
    """An untrained model."""
    if arm.reader == "GRU":
        layer = partial(nn.GRU, batch_first=True)
        return RecurrentLanguageModel(cups.VOCAB_SIZE, arm.width, arm.layers, layer, operator.call)
    layers = 1 if arm.reader == "loop" else arm.layers
    model = GPT(cups.VOCAB_SIZE, 2 * n_moves + 2, arm.width, layers, max(1, arm.width // HEAD))
    return LatentLoop(model, arm.layers) if arm.reader == "loop" else model


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """One training and its exam, on one thread."""
    torch.set_num_threads(1)
    arm = ARMS[job.arm]
    torch.manual_seed(job.seed)
    model = reader(arm, settings.n_moves)
    course = cups.Course(settings.n_moves, settings.steps, settings.batch_size, arm.kind, arm.way)
    history = train(
        model, course, settings.steps, learning_rate=settings.learning_rate, seed=job.seed, path=None, settings={}
    )
    chance = torch.Generator().manual_seed(1_000_000 + job.seed)  # games of its own
    shares = cups.right(model.eval(), cups.play(settings.games, settings.n_moves, arm.kind, chance), arm.way, chance)
    return {
        "right": [round(share, 4) for share in shares.tolist()],
        "parameters": count_parameters(model),
        "seconds": round(history.seconds, 1),
    }


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each arm: what every seed is right about after each number of moves, and how far it follows."""
    said: dict[str, Any] = {}
    for i, arm in enumerate(ARMS):
        each = [done[Job(i, seed)] for seed in settings.seeds]
        said[arm.name] = {
            "parameters": each[0]["parameters"],
            "right": [one["right"] for one in each],
            "longest": [cups.longest(torch.tensor(one["right"]), LEVEL) for one in each],
            "seconds": [one["seconds"] for one in each],
        }
    return {"arms": said, "moves": settings.n_moves}


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    what = f"moves followed, right in {LEVEL:.0%} of games after each"
    bound = {"decimals": 0, "unit": "moves", "bound": data["moves"], "bound_is": "all of a game"}
    return [record.summary(what, its["longest"], of=name, **bound) for name, its in data["arms"].items()]


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    return {"moves": data["moves"]} | {name: median(its["longest"]) for name, its in data["arms"].items()}


def finding(data: dict[str, Any]) -> str:
    """How far each depth follows, and what else helps, in one sentence."""
    far = {name: f"{median(its['longest']):.0f}" for name, its in data["arms"].items()}
    depths = ", ".join(far[Arm("transformer", layers).name] for layers in DEPTHS)
    written, dots, scrambled = (far[Arm("transformer", 2, way=way).name] for way in ("written", "dots", "scrambled"))
    wide, counts = far[Arm("transformer", 2, 128).name], far[Arm("transformer", 1, kind="counts").name]
    return (
        f"Of {data['moves']} swaps, transformers of {', '.join(map(str, DEPTHS))} layers that answer at once follow "
        f"{depths}; two layers follow {written} with written steps, {dots} with dots, {scrambled} with random cups in "
        f"their place and {wide} at twice the width; one layer run eight times follows {far[Arm('loop', 8).name]}, a "
        f"GRU {far[Arm('GRU', 1).name]}; of counts, in which order does not matter, one layer follows {counts}."
    )


def jobs(settings: Settings) -> list[Job]:
    """All trainings, those that take longest first."""
    cost = {i: arm.layers * arm.width * (1 + (arm.way != "direct")) for i, arm in enumerate(ARMS)}
    return [Job(i, seed) for i in sorted(cost, key=cost.get, reverse=True) for seed in settings.seeds]


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    return record.from_jobs(globals(), jobs, arguments, base=None)


if __name__ == "__main__":
    main()
