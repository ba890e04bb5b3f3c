"""Measures the claim "cherry": graded for its own replies, a model goes past those who taught it.

    python -m experiments.cherry                       # 6 trainings of two stages, about 20 minutes on two CPU cores
    python -m experiments.cherry --smoke --folder DIR  # few demonstrations, few steps

Writes layercake/recorded/cherry.json, and the models that ship: `apprentice`, which learned from demonstrators who are
mistaken in four of ten, and `graded`, the same after training by rewards, with their cards. Demonstrators err in one
of two ways. *At random*: any other value comes in place of the true one. *By a system*: in eight of ten they look up
nothing but the first name, and tell what is true of the first person of that name in the register; the questions are
about people then. The reward is 1 for a reply that is right and comes to an end, 0 for others, for questions about the
facts that demonstrations are about. Exams are about the other facts, one question about each: the greedy reply, and
`draws` of them at temperature 1, which tell what the model could say before from what it could not.
"""

import math
import random
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import nn

from experiments import record
from layercake import checkpoints, village
from layercake.labs import reward, sft
from layercake.village import experts, raters
from layercake.village.raters import Question
from layercake.village.world import KIND_OF
from solutions.reward import group_advantages, grpo_loss, kl_penalty, sequence_logprobs
from solutions.sft import pack, render_chat, sft_step

LOSSES = reward.Losses(sequence_logprobs, group_advantages, grpo_loss, kl_penalty)
ERRORS = {"at random": {"mistaken": 0.4}, "by a system": {"hasty": 0.8}}
TUNING = sft.Settings(demonstrations=10_000, steps=640, questions=0, learning_rate=5e-4)
GRADED = reward.Settings(steps=100, beta=0.03)


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    tuning: sft.Settings = TUNING
    graded: reward.Settings = GRADED
    questions: int | None = None  # in an exam; None: one about each fact
    draws: int = 16  # of replies to each question, for what the model can say at all


SMOKE = Settings((0,), sft.Settings(6, 3, 0, batch_size=2), reward.Settings(2, 2, 2, rank=2), 4, 2)
CLAIM = {
    "id": "cherry",
    "title": "Grading takes a model past its demonstrators",
    "sentence": "Graded for its own replies, a model becomes right at least 25 points more often than those whom it "
    "learned to imitate, on facts that no demonstration and no grade is about: at temperature 1 where they err at "
    "random, and where they err by a system, greedily too.",
    "refuted_by": "A seed whose model, after training by rewards, is right less than 25 points more often than its "
    "demonstrators on new facts.",
}
LIMITS = [
    "The rewards come from a rater who knows the truth, which for most questions outside of a made-up village nobody "
    "does.",
    "The facts were in pretraining all along: what is learned is to say them, not what they are.",
    "Learning rate and groups go by one trial. The aim was 30 points in all seeds; 60 steps gave 28 at temperature 1 "
    "where errors are random, 100 were taken then, and one seed of three still misses it by 0.2.",
    "To have been out of reach means that none of 16 replies at temperature 1 was right; more draws might have found "
    "some.",
]


class Job(NamedTuple):
    """One apprentice: how its demonstrators err, and the seed."""

    error: str
    seed: int


def suits(error: str, question: Question) -> bool:
    """Whether the question is one that this kind of demonstrators is asked."""
    return error == "at random" or KIND_OF[question.fact.subject] == "person"


def asked(error: str, dice: random.Random) -> Question:
    """The next question that is graded."""
    while not suits(error, question := reward.plain(dice)):
        pass
    return question


def exam(error: str, n: int | None, of=experts.examined) -> list[Question]:
    """One question about each fact of a half, or about the first `n`."""
    dice = random.Random(f"cherry {error}")
    each = [raters.ask(dice, opinions=0.0, fact=fact) for fact in experts.facts("known", of)]
    return [question for question in each if suits(error, question)][:n]


def demonstrators_right(error: str, seed: int, settings: Settings) -> float:
    """How often the demonstrations are right, of those whose visitor has no opinion."""
    dice, right, n = random.Random(f"demonstrators {seed}"), 0, max(settings.tuning.demonstrations, 100)
    for _ in range(n):
        question = asked(error, dice)
        right += raters.right(question, raters.demonstrate(question, dice, **ERRORS[error]))
    return right / n


def apprentice(error: str, seed: int, tuning: sft.Settings) -> nn.Module:
    """The village model after demonstrations by people who err; all weights learn."""
    model = checkpoints.load("village")
    shown = raters.demonstrations(tuning.demonstrations, seed, partial(suits, error), **ERRORS[error])
    conversations = [render_chat(messages, village.encode) for messages in shown]
    sft.tune(model, conversations, tuning, pack, sft_step, seed=seed, path=None, name="apprentice")
    return model


def hits(model: nn.Module, questions: list[Question], draws: int, seed: int) -> list[int]:
    """Of `draws` replies at temperature 1 to each question, how many are right."""
    draw = reward.drawing(model, seed)
    return (
        torch.stack([reward.truth(reward.respond(model, questions, draw)) for _ in range(draws)]).sum(0).int().tolist()
    )


def examined(model: nn.Module, questions: list[Question], settings: Settings, seed: int) -> dict[str, Any]:
    """How often the model is right greedily and at temperature 1, and in how many draws to each question."""
    greedy = reward.respond(model, questions)
    right = hits(model, questions, settings.draws, seed)
    return {
        "greedy": round(reward.truth(greedy).mean().item(), 4),
        "drawn": round(sum(right) / len(right) / settings.draws, 4),
        "hits": right,
        "replies": greedy.texts[:8],
    }


def run(job: Job, settings: Settings, folder: Path) -> dict[str, Any]:
    """Demonstrations, an exam, rewards, an exam; of the first job the models are kept."""
    torch.set_num_threads(1)
    ships = job == Job("at random", settings.seeds[0])
    model = apprentice(job.error, job.seed, settings.tuning)
    if ships:
        name = checkpoints.save(model, folder / "apprentice.safetensors")
        model = checkpoints.load(name)  # rounded, as it ships
    questions, shown = (exam(job.error, settings.questions, of) for of in (experts.examined, experts.taught))
    before = examined(model, questions, settings, job.seed)
    ask = partial(asked, job.error)
    trained = reward.reinforce(model, LOSSES, reward.truth, ask, settings.graded, seed=job.seed)
    if ships:
        base = "apprentice" if folder == checkpoints.FOLDER else str(name)
        checkpoints.save_adapters(model, folder / "graded.safetensors", base)
    after = examined(model, questions, settings, job.seed)
    return {
        "demonstrators": round(demonstrators_right(job.error, job.seed, settings), 4),
        "before": before,
        "after": after,
        "graded facts": examined(model, shown, Settings(draws=1), job.seed)["drawn"],
        "log": {key: [round(value, 4) for value in values] for key, values in vars(trained.log).items()},
        "questions": [question.text for question in questions[:8]],
        "seconds": round(trained.seconds, 1),
    }


# What comes of it --------------------------------------------------------------------------------------------------


def out_of_reach(one: dict[str, Any], draws: int) -> dict[str, float | int]:
    """Of the questions to which no draw before was right: how many there were, and how often the draws after are."""
    never = [after for before, after in zip(one["before"]["hits"], one["after"]["hits"]) if not before]
    return {"n": len(never), "after": round(sum(never) / draws / len(never), 4) if never else 0.0}


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each kind of error what every seed has, in lists."""
    said: dict[str, Any] = {}
    for error in ERRORS:
        each = [done[Job(error, seed)] for seed in settings.seeds]
        reach = [out_of_reach(one, settings.draws) for one in each]
        said[error] = {
            "demonstrators": [one["demonstrators"] for one in each],
            "graded facts": [one["graded facts"] for one in each],
            **{f"{when}, {how}": [one[when][how] for one in each] for when in ("before", "after") for how in HOW},
            "at least once before": [
                sum(map(bool, one["before"]["hits"])) / len(one["before"]["hits"]) for one in each
            ],
            "never before": [its["n"] for its in reach],
            "never before, after": [its["after"] for its in reach],
            "best of the draws, before": [best_of(one["before"]["hits"], settings.draws) for one in each],
            "log": {key: [one["log"][key] for one in each] for key in ("reward", "kl", "length", "entropy")},
            "seconds": [one["seconds"] for one in each],
            "replies": {key: each[0][key]["replies"] for key in ("before", "after")}
            | {"questions": each[0]["questions"]},
        }
    return said


def best_of(hits: list[int], draws: int, n: int = 8) -> float:
    """How often one of `n` draws is right, from how many of all draws to each question were (Chen et al. 2021)."""
    n = min(n, draws)
    misses = [math.comb(draws - right, n) / math.comb(draws, n) for right in hits]
    return round(1 - sum(misses) / len(misses), 4)


HOW = ("greedy", "drawn")


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = []
    for error, its in data.items():
        teachers = median(its["demonstrators"])
        baseline = {"bound": round(teachers, 3), "bound_is": "the demonstrators"}
        for when in ("before", "after"):
            for how, words in zip(HOW, ("greedy", "at temperature 1")):
                what = f"right, {words}, demonstrators who err {error}"
                said.append(record.summary(what, its[f"{when}, {how}"], of=f"{when} rewards", decimals=3, **baseline))
    for key, what in (
        ("best of the draws, before", "questions to which one of 8 draws before was right"),
        ("never before, after", "right after, of questions to which none of 16 draws before was"),
    ):
        said += [record.summary(what, its[key], of=f"err {error}", decimals=3) for error, its in data.items()]
    return said


def finding(data: dict[str, Any]) -> str:
    """Teachers, pupil and what became of it, in one sentence."""
    each = "; ".join(
        f"demonstrators who err {error} are right in {median(its['demonstrators']):.0%}, the model after them in "
        f"{median(its['before, drawn']):.0%} (greedy {median(its['before, greedy']):.0%}), after rewards in "
        f"{median(its['after, drawn']):.0%} (greedy {median(its['after, greedy']):.0%})"
        for error, its in data.items()
    )
    return f"{each[0].upper()}{each[1:]}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {}
    for key, its in zip(("random", "system"), data.values()):
        for name, values in its.items():
            if isinstance(values, list):
                said[f"{key}_{name.replace(', ', '_').replace(' ', '_')}"] = round(median(values), 4)
        gains = [after - teachers for after, teachers in zip(its["after, drawn"], its["demonstrators"])]
        said[f"{key}_least_gain"] = round(min(gains), 4)
        greedy = [after - teachers for after, teachers in zip(its["after, greedy"], its["demonstrators"])]
        said[f"{key}_least_gain_greedy"] = round(min(greedy), 4)
    return said


CARD = """# {title}

{what}

| | |
|---|---|
| made by | `{command}`, on {date} |
| base | {base} |
| recipe | {recipe} |
| computed on | one thread of {processor} |
| file | safetensors, float16, {file}, {size:.2f} MB |

## How good it is

Of {n} new questions, one about each fact that neither a demonstration nor a reward is about, it is right in
{greedy:.1%} greedily and in {drawn:.1%} at temperature 1. Its demonstrators were right in {demonstrators:.1%}.

## What it is not for

It is an exercise: {warning}
"""


def cards(result: dict[str, Any], folder: Path, n: int) -> None:
    """Write the two model cards."""
    its = {key: values[0] for key, values in result["data"]["at random"].items() if isinstance(values, list)}
    tuning, graded = result["settings"]["tuning"], result["settings"]["graded"]
    said = result["hardware"] | {key: result[key] for key in ("command", "date")} | {"n": n}
    said |= {"demonstrators": its["demonstrators"]}
    both = {
        "apprentice": {
            "title": "The apprentice", "file": "all weights", "greedy": its["before, greedy"],
            "drawn": its["before, drawn"], "base": "the village model, `village.safetensors`",
            "what": "The village model after demonstrations by simulated people, of whom every second flatters and "
            "most go on for longer than they need; they are mistaken in four of ten. Here the topic of rewards begins.",
            "recipe": "AdamW, learning rate {learning_rate}, {steps:,} steps of {batch_size} conversations out of "
            "{demonstrations:,}".format_map(tuning),
            "warning": "it was taught to be wrong, to flatter, and to talk.",
        },
        "graded": {
            "title": "The graded apprentice", "file": f"adapters of rank {graded['rank']}",
            "greedy": its["after, greedy"], "drawn": its["after, drawn"],
            "base": "the apprentice, `apprentice.safetensors`",
            "what": "The apprentice after training by rewards: one for each reply that is right and comes to an end.",
            "recipe": "GRPO, AdamW, learning rate {learning_rate}, {steps} steps of {questions} questions with "
            "{group_size} replies each".format_map(graded),
            "warning": "what its reward did not pay for, such as saying that it does not know, it was not taught.",
        },
    }  # fmt: skip
    for name, words in both.items():
        file = folder / f"{name}.safetensors"
        text = CARD.format_map(said | words | {"size": file.stat().st_size / 1e6})
        file.with_suffix(".md").write_text(text, encoding="utf-8")


def main(arguments: list[str] | None = None) -> Path:
    """Measure, ship and write; returns where the record is."""
    options = record.parse(record.options(__doc__), arguments)
    settings, folder = SMOKE if options.smoke else Settings(), options.folder or checkpoints.FOLDER
    started = time.perf_counter()
    done = record.side_by_side(run, [Job(error, seed) for error in ERRORS for seed in settings.seeds], settings, folder)
    data = of_seeds(done, settings)
    result = record.over_seeds(globals(), data, settings, base="village", smoke=options.smoke, began=started)
    path = record.write("cherry", result, options.folder)
    cards(result, folder, len(exam("at random", settings.questions)))
    return path


if __name__ == "__main__":
    main()
