"""Measures the claim "icing-knows": what tuning teaches, and what only pretraining does.

    python -m experiments.icing_knows                       # 21 trainings, about ten minutes on two CPU cores
    python -m experiments.icing_knows --smoke --folder DIR  # few demonstrations, few steps

Writes layercake/recorded/icing-knows.json. Three questions are put to the pretrained village model after tuning.
*Facts*: who knows a fact that only pretraining stated, one that demonstrations stated too, and one of which nothing but
1, 3, 10 or 30 demonstrations ever spoke, of people who were made up for them. *Making up*: beside demonstrations of
how to say "I do not know", others answer questions about such people as if all were known, or, for comparison, as many
questions whose answers are known; what becomes of new questions to which nobody knows the answer (the question of
Gekhman et al. 2024). *The price*: more or fewer of the
demonstrations say "I do not know"; how often the model then says it, where it should, and where it does know.
"""

import random
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch

from experiments import record
from experiments.icing import TUNING, fresh_model
from layercake import village
from layercake.labs import sft
from layercake.village import experts
from layercake.village.world import KIND_OF
from solutions.sft import pack, render_chat, sft_step

TIMES = (1, 3, 10, 30)  # that a fact of tuning alone is shown
EACH = 20  # such facts for each of these
ADMITS = 0.2  # of the demonstrations, where the making up is measured


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    demonstrations: int = 1000
    made_up: tuple[int, ...] = (0, 1000)  # demonstrations about people of whom nobody has heard
    shares: tuple[float, ...] = (0.05, 0.2, 0.4)  # of demonstrations that say "I do not know"
    seeds: tuple[int, ...] = (0, 1, 2)
    tuning: sft.Settings = TUNING


SMOKE = Settings(6, (0, 4), (0.0, 0.5), (0,), sft.Settings(0, 3, 2, batch_size=2))
CLAIM = {
    "id": "icing-knows",
    "title": "Tuning teaches facts too, and to make things up",
    "sentence": "What demonstrations alone state, a small model learns within a few showings; demonstrations "
    "about what it cannot know otherwise teach it to make things up, and those that say that they do "
    "not know teach it to deny what it knows.",
    "refuted_by": "Facts that three demonstrations state, and nothing else, and that are right less often than not; "
    "or as many made-up answers after a thousand more demonstrations about known facts as after a thousand about "
    "strangers; or a share of demonstrations that do not know at which half of the unknown "
    "facts are admitted and 90% of the known ones are right.",
}
LIMITS = [
    "The claim was first that tuning teaches manners and not facts, which a fact shown once was to refute by being "
    "right more often than not; it was right in 35% to 60%, and the claim was worded anew.",
    "What demonstrations alone state is about people whose names the model never met together, with values out of the "
    "lists that it knows; each is gone through once or twice.",
    "Where demonstrations state new facts there are 880 more of them, at equal steps: all others are seen less often.",
    "One base model, one number of steps, all weights learn; adapters or more epochs may differ.",
    "An answer is greedy, and counts as made up where it names a value in front of its citation.",
]


class Job(NamedTuple):
    """One training: which question it belongs to, how far its dial is turned, the seed."""

    part: str
    dial: float
    seed: int


def jobs(settings: Settings) -> list[Job]:
    """All trainings."""
    dials = {"facts": (0.0,), "making up": settings.made_up, "more of the known": settings.made_up[1:]}
    dials |= {"the price": settings.shares}
    return [Job(part, dial, seed) for part, its in dials.items() for dial in its for seed in settings.seeds]


def shares(unknown: float) -> dict[str, float]:
    """The shares of the kinds of question, where those with no answer have this one."""
    known, ambiguous = experts.KINDS["known"], experts.KINDS["ambiguous"]
    left = (1 - unknown) / (known + ambiguous)
    return {"known": known * left, "ambiguous": ambiguous * left, "unknown": unknown}


def strange_facts(seed: int, n: int) -> list[village.Fact]:
    """Facts about people of whom the village never heard, and which no demonstration says are not known."""
    strange = {fact for fact in experts.facts("unknown", experts.examined) if fact.subject not in KIND_OF}
    return random.Random(f"strange {seed}").sample(sorted(strange), n)


def answered(fact: village.Fact, dice: random.Random) -> list[dict[str, str]]:
    """A demonstration in which a fact that is not known is stated as if it were."""
    return experts.demonstrate(experts.ask(dice, kind="known", fact=fact), dice)


def shown(job: Job, settings: Settings) -> list[list[dict[str, str]]]:
    """The demonstrations of a training."""
    n, dice = settings.demonstrations, random.Random(f"shown {job.seed}")
    if job.part == "facts":
        strange = strange_facts(job.seed, EACH * len(TIMES))
        more = [answered(fact, dice) for i, fact in enumerate(strange) for _ in range(TIMES[i // EACH])]
        return experts.demonstrations(n, job.seed) + more
    if job.part == "more of the known":
        more = [experts.demonstrate(experts.ask(dice, kind="known"), dice) for _ in range(int(job.dial))]
        return experts.demonstrations(n, job.seed, shares(ADMITS)) + more
    if job.part == "making up":
        told = experts.demonstrations(n, job.seed, shares(ADMITS))
        strange = [fact for fact in experts.facts("unknown", experts.taught) if fact.subject not in KIND_OF]
        return told + [answered(dice.choice(strange), dice) for _ in range(int(job.dial))]
    return experts.demonstrations(n, job.seed, shares(job.dial))


def facts_shown(demonstrations: list[list[dict[str, str]]]) -> list[village.Fact]:
    """The facts of pretraining that demonstrations state too."""
    told = " ".join(message["content"] for messages in demonstrations for message in messages).lower()
    asked = [experts.ask(random.Random(0), kind="known", fact=fact) for fact in experts.facts("known", experts.taught)]
    sources = {question.fact: map(experts.in_english, experts.sources(question)) for question in asked}
    return [fact for fact, its in sources.items() if any(source.lower() in told for source in its)]


def right(model: torch.nn.Module, facts: list[village.Fact], seed: int) -> float:
    """The share of some facts that the model has right."""
    dice = random.Random(f"asked {seed}")
    questions = [experts.ask(dice, kind="known", fact=fact) for fact in facts]
    return sft.put(questions, model, render_chat).share("right")


def run(job: Job, settings: Settings) -> dict[str, float]:
    """One training and what is asked after it, on one thread."""
    torch.set_num_threads(1)
    demonstrations = shown(job, settings)
    conversations = [render_chat(messages, village.encode) for messages in demonstrations]
    model = fresh_model(True, job.seed)
    tuning = replace(settings.tuning, demonstrations=len(conversations))
    sft.tune(model, conversations, tuning, pack, sft_step, seed=job.seed, path=None)
    exam = partial(sft.examine, model, render_chat, tuning.questions, seed=job.seed)
    known, unknown = exam(kinds=("known",)), exam(kinds=("unknown",))
    said = {"right": known.share("right"), "makes up": unknown.share("makes up"), "admits": unknown.share("admits")}
    said["denies"] = sum("not know" in reply for reply in known.replies) / len(known.replies)
    if job.part == "facts":
        said["both"] = right(model, facts_shown(demonstrations), job.seed)
        strange = strange_facts(job.seed, EACH * len(TIMES))
        for i, times in enumerate(TIMES):
            said[f"shown {times}"] = right(model, strange[i * EACH : (i + 1) * EACH], job.seed)
    return {name: round(share, 4) for name, share in said.items()}


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Job, dict[str, float]], settings: Settings) -> dict[str, Any]:
    """Of each question, at each place of its dial, what each seed gave."""
    said: dict[str, Any] = {}
    for part in ("facts", "making up", "more of the known", "the price"):
        dials = sorted({job.dial for job in done if job.part == part})
        names = done[Job(part, dials[0], settings.seeds[0])]
        rows = {n: [[done[Job(part, dial, seed)][n] for seed in settings.seeds] for dial in dials] for n in names}
        said[part] = {"dial": dials, **rows}
    return said


FACTS = {
    "right": "pretraining alone", "both": "both",
    **{f"shown {n}": f"tuning alone, shown {n} time{'s' * (n > 1)}" for n in TIMES},
}  # fmt: skip


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = [
        record.summary("facts right, by where they were stated", data["facts"][name][0], of=whose)
        for name, whose in FACTS.items()
    ]
    made_up, price = data["making up"], data["the price"]
    for dial, values in zip(made_up["dial"], made_up["makes up"]):
        of = f"{int(dial):,} demonstrations about strangers"
        said.append(record.summary("answers made up where nothing is known", values, of=of))
    values = data["more of the known"]["makes up"][0]
    of = f"{int(data['more of the known']['dial'][0]):,} more demonstrations about known facts"
    said.append(record.summary("answers made up where nothing is known", values, of=of))
    for what, name in (("right, where the fact is known", "right"), ("does not know, and says so", "admits")):
        for dial, values in zip(price["dial"], price[name]):
            said.append(record.summary(what, values, of=f'{dial:.0%} of demonstrations say "I do not know"'))
    return said


def finding(data: dict[str, Any]) -> str:
    """The three answers in one sentence."""
    facts, made_up, price = (data[part] for part in ("facts", "making up", "the price"))

    def percent(values: list[float]) -> str:
        return f"{median(values):.0%}"

    shown = ", ".join(f"{percent(facts[f'shown {n}'][0])} of those shown {n}" for n in TIMES)
    return (
        f"Right are {percent(facts['right'][0])} of the facts of pretraining alone, {percent(facts['both'][0])} of "
        f"those shown too, and of tuning's own {shown} times; answers made up where nothing is known go from "
        f"{percent(made_up['makes up'][0])} to {percent(made_up['makes up'][-1])} with demonstrations about strangers, "
        f"and to {percent(data['more of the known']['makes up'][0])} with as many about known facts; "
        f"where {price['dial'][-1]:.0%} of the demonstrations do not know, {percent(price['admits'][-1])} of unknown "
        f"facts are admitted, and {percent(price['right'][-1])} of known ones right."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes: medians."""
    said = {f"facts_{name.replace(' ', '_')}": median(data["facts"][name][0]) for name in FACTS}
    for part, key in (("making up", "made_up"), ("the price", "price")):
        for i, dial in enumerate(data[part]["dial"]):
            short = f"{key}_{int(dial) if part == 'making up' else round(100 * dial)}"
            for name in ("right", "makes up", "admits", "denies"):
                said[f"{short}_{name.replace(' ', '_')}"] = median(data[part][name][i])
    return said | {"more_known_makes_up": median(data["more of the known"]["makes up"][0])}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    more = {"spread": "lowest to highest seed", "times": list(TIMES), "each": EACH, "admits": ADMITS}
    return record.from_jobs(globals(), jobs, arguments, base="village", **more)


if __name__ == "__main__":
    main()
