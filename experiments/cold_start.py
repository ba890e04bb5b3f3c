"""Measures the claim "cold-start": rewards teach nothing to who never earns one.

    python -m experiments.cold_start                       # 18 trainings, about a quarter of an hour on two CPU cores
    python -m experiments.cold_start --smoke --folder DIR  # few steps

Writes layercake/recorded/cold-start.json. Three models of one shape are trained by the same rewards: one with random
weights, the pretrained village model, and the apprentice, which has seen demonstrations besides. Two rewards: 1 for a
reply that is *right*, and 1 for one that is right and *cites* a sentence of the register that states the fact. The
first the pretrained model earns at times, since its plays have a telegraph that answers; the second it never does.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from experiments import record
from experiments.cherry import LOSSES
from experiments.icing import fresh_model
from layercake import checkpoints
from layercake.labs import reward
from layercake.village import experts

STARTS = ("from scratch", "pretrained", "supervised")
LATELY = 10  # steps
GRADED = reward.Settings(steps=50, questions=8)


def cites(replies: reward.Replies) -> Tensor:
    """1 for a reply that is right, comes to an end, and cites one sentence that states the fact, word for word."""
    judged = [experts.judge(*its)["cites"] for its in zip(replies.questions, replies.texts)]
    return reward.truth(replies) * torch.tensor(judged, dtype=torch.float)


REWARDS = {"right": reward.truth, "right and cites": cites}


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    graded: reward.Settings = GRADED


SMOKE = Settings((0,), reward.Settings(2, 2, 2, rank=2))
CLAIM = {
    "id": "cold-start",
    "title": "Rewards teach nothing to who never earns one",
    "sentence": "Trained by rewards alone, a model with random weights hits upon a reward once in 64 replies at most, "
    "and nothing comes of it; a pretrained one learns what it does at times, and not what it never does; a supervised "
    "one learns both.",
    "refuted_by": "A mean reward of 2% or more in any step from random weights within the budget, or the pretrained "
    "model earning the reward for citing, or the supervised one not earning half of what it could at the end.",
}
LIMITS = [
    "A budget of 50 steps of 64 replies: with millions of them even random weights would hit upon something.",
    "The claim was first that random weights earn nothing at all. In one run of three a reply in 64 was right by "
    "chance, in four steps, and it was worded anew.",
    "The reward is all or nothing; one that pays for a part of the way is a different task.",
    "A run is stopped when all rewards were equal for 15 steps, since nothing can change then; it counts as zero.",
    "The pretrained model was not asked in the words in which it answers best, but in those of the conversations.",
]


class Job(NamedTuple):
    """One training: what it starts from, what it is paid for, and the seed."""

    start: str
    paid: str
    seed: int


def started(start: str, seed: int) -> nn.Module:
    """The model before its first reward."""
    return checkpoints.load("apprentice") if start == "supervised" else fresh_model(start == "pretrained", seed)


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """One training, on one thread. Where it was stopped, nothing was earned."""
    torch.set_num_threads(1)
    model, score = started(job.start, job.seed), REWARDS[job.paid]
    trained = reward.reinforce(model, LOSSES, score, reward.plain, settings.graded, seed=job.seed)
    earned = [round(value, 4) for value in trained.log.reward]
    sample = random.Random(job.seed).choice(trained.samples[-LATELY:])
    return {"reward": earned, "stopped": trained.stopped, "sample": sample, "seconds": round(trained.seconds, 1)}


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each reward and start what every seed has."""
    said: dict[str, Any] = {}
    for paid in REWARDS:
        said[paid] = {}
        for start in STARTS:
            each = [done[Job(start, paid, seed)] for seed in settings.seeds]
            said[paid][start] = {
                "reward": [one["reward"] for one in each],
                "first": [one["reward"][0] for one in each],
                "last": [round(mean(one["reward"][-LATELY:]), 4) for one in each],
                "stopped": [one["stopped"] for one in each],
                "sample": each[0]["sample"],
                "seconds": [one["seconds"] for one in each],
            }
    return said


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    return [
        record.summary(f"mean reward of the last {LATELY} steps, paid for {paid}", its["last"], of=start, decimals=3,
                       bound=1.0, bound_is="all there is to earn")
        for paid, starts in data.items()
        for start, its in starts.items()
    ]  # fmt: skip


def finding(data: dict[str, Any]) -> str:
    """What each start earns in the end, in one sentence."""
    each = [
        f"paid for {paid}, " + ", ".join(f"{median(its['last']):.2f} {start}" for start, its in starts.items())
        for paid, starts in data.items()
    ]
    return f"Mean reward at the end: {'; '.join(each)}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    short = dict(zip(STARTS, ("scratch", "pretrained", "supervised")))
    return {
        f"{short[start]}_{paid.replace(' ', '_')}_{when}": round(median(its[when]), 4)
        for paid, starts in data.items()
        for start, its in starts.items()
        for when in ("first", "last")
    }


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""

    def jobs(settings: Settings) -> list[Job]:
        return [Job(start, paid, seed) for start in STARTS for paid in REWARDS for seed in settings.seeds]

    return record.from_jobs(globals(), jobs, arguments)


if __name__ == "__main__":
    main()
