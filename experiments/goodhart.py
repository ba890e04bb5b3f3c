"""Measures the claim "goodhart": a reward that was learned is gamed as soon as it is worth it.

    python -m experiments.goodhart                       # 6 reward models and trainings, about 15 minutes on two cores
    python -m experiments.goodhart --smoke --folder DIR  # few comparisons, few steps

Writes layercake/recorded/goodhart.json. A panel of raters compares replies of the apprentice, two to a question: half
of the raters want the truth, and half like long replies. A reward model learns from their comparisons, and the
apprentice is trained by it, with and without a penalty for the distance to where it began. At every step are noted
what the reward model gives, how often the replies are right, what the raters would really give, and the distance.
"""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import mean, median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from experiments import record
from experiments.cherry import LOSSES
from layercake import checkpoints, training
from layercake.labs import reward
from layercake.village import experts, raters
from solutions.reward import RewardModel, bradley_terry_loss

PANEL = raters.Panel({"honest": 0.5, "long": 0.5})
LATELY = 10  # steps
EVERY = 10  # steps, after which replies are kept
GRADED = reward.Settings(steps=80, questions=8)


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    betas: tuple[float, ...] = (0.0, 0.1)
    comparisons: int = 1_500
    batch_size: int = 16  # comparisons in a step of the reward model
    steps: int = 150  # of the reward model
    learning_rate: float = 3e-4
    graded: reward.Settings = GRADED
    questions: int = 200  # in an exam


SMOKE = Settings((0,), (0.0,), 8, 2, 2, 1e-3, reward.Settings(2, 2, 2, rank=2), 4)
CLAIM = {
    "id": "goodhart",
    "title": "A learned reward is gamed as soon as it is worth it",
    "sentence": "Trained by a reward model, a model earns ever more of its reward; from some distance on it is right "
    "less often than before, and says the same things over and over.",
    "refuted_by": "A seed in which, without a penalty, the reward of the model rises to the end and the share of right "
    "replies does not fall below its highest by five points.",
}
LIMITS = [
    "The reward model has 1,500 comparisons, the shape of the model it judges, and raters of whom half like "
    "long replies, which is more than most would admit to.",
    "The distance is an estimate (k1) on 64 replies a step.",
    "One size of model, one learning rate, two penalties.",
]


class Job(NamedTuple):
    """One training: the penalty, and the seed."""

    beta: float
    seed: int


def reward_model(comparisons: reward.Comparisons, settings: Settings, seed: int) -> RewardModel:
    """A reward model that has learned from comparisons; it begins as the apprentice."""
    torch.manual_seed(seed)
    model = RewardModel(checkpoints.load("apprentice"))
    loss = reward.by_rewards(comparisons, bradley_terry_loss, settings.batch_size)
    reward.learn(model, loss, settings.steps, settings.learning_rate, seed=seed, name="reward model")
    return model.requires_grad_(False)


def drawn(model: nn.Module, n: int, seed: int) -> reward.Replies:
    """Replies at temperature 1 to new questions about facts that nothing was graded about."""
    return reward.respond(model, raters.exam(n, seed), reward.drawing(model, seed))


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """Comparisons, a reward model, and a training by it, on one thread."""
    torch.set_num_threads(1)
    apprentice = checkpoints.load("apprentice")
    pairs, new = (
        reward.compare(apprentice, raters.exam(n, seed, experts.taught), PANEL.prefers, seed)
        for n, seed in ((settings.comparisons, job.seed), (settings.questions, job.seed + 100))
    )
    judge = reward_model(pairs, settings, job.seed)
    aloud, said = raters.exam(4, 7), []
    utility: list[float] = []

    def score(replies: reward.Replies) -> Tensor:
        utility.append(mean(PANEL.utility(*its) for its in zip(replies.questions, replies.texts)))
        return reward.valued(judge, replies)

    def watch(model: nn.Module, loop: reward.Loop) -> None:
        if (step := len(loop.log.reward)) % EVERY == 0 or step == 1:
            replies = reward.respond(model, aloud, reward.drawing(model, 0))
            said.append({"step": step, "replies": replies.texts})

    graded = replace(settings.graded, beta=job.beta)
    model = checkpoints.load("apprentice")
    trained = reward.reinforce(model, LOSSES, score, reward.plain, graded, seed=job.seed, watch=watch)
    exams = {name: drawn(its, settings.questions, job.seed) for name, its in (("before", apprentice), ("after", model))}
    return {
        "log": {key: [round(value, 4) for value in values] for key, values in vars(trained.log).items()},
        "utility": [round(value, 4) for value in utility],
        "ranks": round(reward.ranks(partial(reward.valued, judge), new), 4),
        "right": {name: round(reward.truth(its).mean().item(), 4) for name, its in exams.items()},
        "sentences": {name: round(mean(map(raters.sentences, its.texts)), 3) for name, its in exams.items()},
        "questions": [question.text for question in aloud],
        "said": said,
        "stopped": trained.stopped,
        "seconds": round(trained.seconds, 1),
    }


# What comes of it --------------------------------------------------------------------------------------------------


def smooth(values: list[float]) -> list[float]:
    """The mean of each step and the few before it, rounded."""
    return [round(value, 4) for value in training.smooth(values)]


def turning(run: dict[str, Any]) -> dict[str, float]:
    """Of one run: the most that replies were right, at which step and distance, and how it ends."""
    right = smooth(run["log"]["true"])
    top = max(range(len(right)), key=right.__getitem__)
    end = {key: round(mean(run["log"][key][-LATELY:]), 4) for key in ("reward", "true", "kl", "length", "entropy")}
    start = {f"first {key}": round(mean(run["log"][key][:3]), 4) for key in ("reward", "true", "length", "entropy")}
    return {"top": right[top], "top step": top + 1, "top kl": smooth(run["log"]["kl"])[top], **end, **start}


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each penalty what every seed has, and the words of one seed's run."""
    said: dict[str, Any] = {}
    for beta in settings.betas:
        each = [done[Job(beta, seed)] for seed in settings.seeds]
        curves = ("reward", "true", "kl", "length", "entropy")
        said[f"{beta:g}"] = {
            **{key: [smooth(one["log"][key]) for one in each] for key in curves},
            "utility": [smooth(one["utility"]) for one in each],
            "turning": [turning(one) for one in each],
            "ranks": [one["ranks"] for one in each],
            "right": {when: [one["right"][when] for one in each] for when in ("before", "after")},
            "sentences": {when: [one["sentences"][when] for one in each] for when in ("before", "after")},
            "stopped": [one["stopped"] for one in each],
            "questions": each[0]["questions"],
            "said": each[0]["said"],
            "seconds": [one["seconds"] for one in each],
        }
    return said


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = []
    for what, key in (
        ("reward of the model, first steps", "first reward"), ("reward of the model, last steps", "reward"),
        ("right at temperature 1, first steps", "first true"), ("right at temperature 1, at its highest", "top"),
        ("right at temperature 1, last steps", "true"), ("tokens in a reply, last steps", "length"),
        ("nats from where it began, at the highest", "top kl"), ("nats from where it began, last steps", "kl"),
    ):  # fmt: skip
        for beta, its in data.items():
            said.append(record.summary(what, [one[key] for one in its["turning"]], of=f"penalty {beta}"))
    for beta, its in data.items():
        chance = {"bound": 0.5, "bound_is": "chance"}
        said.append(
            record.summary("new comparisons ranked as the rater did", its["ranks"], of=f"penalty {beta}", **chance)
        )
    return said


def finding(data: dict[str, Any]) -> str:
    """What is paid and what is true, in one sentence."""
    each = []
    for beta, its in data.items():
        middle = {key: median(one[key] for one in its["turning"]) for key in its["turning"][0]}
        each.append(
            f"with a penalty of {beta} the learned reward goes from {middle['first reward']:.2f} to "
            f"{middle['reward']:.2f}, and right replies from {middle['first true']:.0%} to {middle['true']:.0%}"
        )
    text = "; ".join(each)
    return f"{text[0].upper()}{text[1:]}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {}
    for name, its in zip(("free", "held"), data.values()):
        for key in its["turning"][0]:
            said[f"{name}_{key.replace(' ', '_')}"] = round(median(one[key] for one in its["turning"]), 4)
        said[f"{name}_ranks"] = median(its["ranks"])
        said[f"{name}_right_after"] = median(its["right"]["after"])
        said[f"{name}_sentences_after"] = median(its["sentences"]["after"])
    return said | {"right_before": median(next(iter(data.values()))["right"]["before"])}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""

    def jobs(settings: Settings) -> list[Job]:
        return [Job(beta, seed) for seed in settings.seeds for beta in settings.betas]

    return record.from_jobs(globals(), jobs, arguments, panel=dict(PANEL.shares))


if __name__ == "__main__":
    main()
