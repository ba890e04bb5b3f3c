"""Measures the claim "rounds": three rounds of feedback against one, of as many comparisons in all.

    python -m experiments.rounds                       # 6 trainings, about 15 minutes on two CPU cores
    python -m experiments.rounds --smoke --folder DIR  # few comparisons, few steps

Writes layercake/recorded/rounds.json. Honest raters, some of them tired, compare replies. In one round all comparisons
are of replies of the apprentice; in three rounds each third is of replies of the model that learned from the thirds
before. Learning is direct (DPO), from the model of the round before, with as many steps in all. The exam is about facts
that nothing was compared about.
"""

from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

from experiments import record
from layercake import checkpoints
from layercake.labs import reward, sft
from layercake.village import experts, raters
from solutions.reward import dpo_loss, sequence_logprobs
from solutions.sft import add_lora, merge_lora

PANEL = raters.Panel({"honest": 0.9, "tired": 0.1})


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    rounds: tuple[int, ...] = (1, 3)
    comparisons: int = 1_800
    batch_size: int = 16
    steps: int = 120
    learning_rate: float = 1e-3
    rank: int = 16
    questions: int = 301


SMOKE = Settings((0,), (1, 2), 8, 2, 2, 1e-3, 2, 4)
CLAIM = {
    "id": "rounds",
    "title": "Rounds of feedback were worth no more here",
    "sentence": "With as many comparisons in all, three rounds of feedback, each on replies of the model that learned "
    "from those before, make a model right about as often as one round: the better it has become, the fewer "
    "comparisons tell a right reply from a wrong one.",
    "refuted_by": "A difference of more than five points between one round and three, in the median of the seeds, or "
    "as many comparisons of a right reply with a wrong one in the last round as in the first.",
}
LIMITS = [
    "Rounds differ in two things at once: replies are newer, and the model that one is held to is.",
    "The claim was first that rounds are worth more; it was worded anew when both had come out equal.",
    "Raters here want one thing, and cannot be gamed; where a learned reward is, rounds may be what mends it.",
    "Learned directly from comparisons; with a reward model in between the answer may be another.",
]


class Job(NamedTuple):
    """One training: the number of rounds, and the seed."""

    rounds: int
    seed: int


def exam(model: nn.Module, settings: Settings, seed: int) -> dict[str, float]:
    """How often the model is right about new facts, drawn at temperature 1 and greedily."""
    asked = raters.exam(settings.questions, seed)
    drawn, greedy = (reward.respond(model, asked, choose) for choose in (reward.drawing(model, seed), sft.likeliest))
    return {key: round(reward.truth(its).mean().item(), 4) for key, its in (("drawn", drawn), ("greedy", greedy))}


def one_round(
    model: nn.Module, asked: list[raters.Question], steps: int, settings: Settings, seed: int
) -> dict[str, Any]:
    """Compare what the model replies, and let it learn from that, in place; how often one of two replies was right."""
    pairs = reward.compare(model, asked, PANEL.prefers, seed)
    told_apart = sum(
        raters.right(question, first) != raters.right(question, second)
        for question, first, second in zip(pairs.chosen.questions, pairs.chosen.texts, pairs.rejected.texts)
    )
    loss = reward.by_preference(pairs, model, sequence_logprobs, dpo_loss, settings.batch_size)  # by the model as it is
    torch.manual_seed(seed)
    add_lora(model, settings.rank)
    reward.learn(model, loss, steps, settings.learning_rate, seed=seed, name="round")
    merge_lora(model)
    return {"told apart": round(told_apart / len(asked), 4)}


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """All rounds of one training, with an exam after each, on one thread."""
    torch.set_num_threads(1)
    model = checkpoints.load("apprentice")
    said = [{"comparisons": 0, **exam(model, settings, job.seed)}]
    asked = raters.exam(settings.comparisons, job.seed, experts.taught)
    each, steps = settings.comparisons // job.rounds, settings.steps // job.rounds
    for i in range(job.rounds):
        seen = one_round(model, asked[i * each : (i + 1) * each], steps, settings, job.seed + 10 * i)
        said.append({"comparisons": (i + 1) * each, **seen, **exam(model, settings, job.seed)})
    return {"rounds": said}


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each number of rounds: after each of them, what every seed has."""
    said: dict[str, Any] = {}
    for rounds in settings.rounds:
        each = [done[Job(rounds, seed)]["rounds"] for seed in settings.seeds]
        said[str(rounds)] = {
            "comparisons": [its["comparisons"] for its in each[0]],
            **{key: [[one[i][key] for one in each] for i in range(rounds + 1)] for key in ("drawn", "greedy")},
            "told apart": [[one[i]["told apart"] for one in each] for i in range(1, rounds + 1)],
        }
    return said


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = [
        record.summary("right at temperature 1, before", next(iter(data.values()))["drawn"][0], of="the apprentice")
    ]
    for what, key in (("right at temperature 1", "drawn"), ("right, greedy", "greedy")):
        said += [
            record.summary(f"{what}, after all", its[key][-1], of=f"{n} round(s)", decimals=3)
            for n, its in data.items()
        ]
    what = "comparisons of a right reply with a wrong one, last round"
    said += [record.summary(what, its["told apart"][-1], of=f"{n} round(s)") for n, its in data.items()]
    return said


def finding(data: dict[str, Any]) -> str:
    """One round and several, in one sentence."""
    each = " and ".join(f"{median(its['drawn'][-1]):.1%} after {n} round(s)" for n, its in data.items())
    before = median(next(iter(data.values()))["drawn"][0])
    return f"Right at temperature 1: {before:.1%} before, {each}, of as many comparisons in all."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said = {"before": median(next(iter(data.values()))["drawn"][0])}
    for key, its in zip(("one", "several"), data.values()):
        said |= {f"{key}_{how}": median(its[how][-1]) for how in ("drawn", "greedy")}
        said |= {f"{key}_told_apart": median(its["told apart"][-1])}
    return said


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""

    def jobs(settings: Settings) -> list[Job]:
        return [Job(rounds, seed) for seed in settings.seeds for rounds in settings.rounds]

    return record.from_jobs(globals(), jobs, arguments, panel=dict(PANEL.shares))


if __name__ == "__main__":
    main()
