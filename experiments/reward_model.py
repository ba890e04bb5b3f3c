"""Measures the claim "reward-model": what can say what is true need not be able to judge it.

    python -m experiments.reward_model                       # 6 trainings, about 20 minutes on two CPU cores
    python -m experiments.reward_model --smoke --folder DIR  # few comparisons, few steps

Writes layercake/recorded/reward-model.json. Honest raters compare replies of the apprentice, two to a question. From
the same comparisons, in as many steps, learn a reward model (a number at the end of a reply) and a policy (DPO), whose
implicit reward is how much likelier it makes a reply than the apprentice does. Both rank new pairs of a right and a
wrong reply, about facts that were compared and about others. Beside them stands what needs no comparison: how likely
the apprentice finds each reply; and the guide of a play, who in the village's texts says "quite right" to what is true
and "I am afraid not" to what is not.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from experiments import record
from experiments.goodhart import reward_model
from layercake import checkpoints, village
from layercake.labs import reward
from layercake.village import experts, raters
from solutions.reward import dpo_loss, sequence_logprobs

PANEL = raters.Panel({"honest": 1.0})
JUDGES = ("reward model", "DPO's implicit reward")
UNTAUGHT = {"the apprentice's own likelihood": "likelier", "the guide of a play": "guide"}  # and their keys
FACTS = {"compared facts": experts.taught, "other facts": experts.examined}
GOSSIP = "A scene at the inn\nPresent: Nell, Otto and the guide.\nNell: I heard something about {whom}. {claim}\nGuide:"
ASSENT = ("so", "quite")  # how the guide's words begin where a claim is true, in all its wordings


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    comparisons: int = 3_000
    batch_size: int = 16
    steps: int = 400
    learning_rate: float = 3e-4
    pairs: int = 500  # drawn for each ranking; those of a right and a wrong reply count


SMOKE = Settings((0,), 8, 2, 2, 1e-3, 12)
CLAIM = {
    "id": "reward-model",
    "title": "Who can say it need not be able to judge it",
    "sentence": "From the same comparisons by honest raters, in as many steps, a policy learns to rank right over "
    "wrong, also on facts that nobody compared, and a reward model of the same shape does hardly better than chance.",
    "refuted_by": "A reward model that learned from as many comparisons in as many steps and ranks three in four right "
    "replies over wrong ones, on facts that nobody compared, or a policy that does not.",
}
LIMITS = [
    "One size of model and a few thousand comparisons: a larger one, which has learned to check claims in "
    "pretraining, may well judge what it can say.",
    "The reward model reads a reply once, from left to right, and is asked at its end; letting it answer first is "
    "another design.",
    "All weights learn in both, at one learning rate, chosen by one trial. In trials on pairs that always held a right "
    "and a wrong reply, 150 steps of 32, the loss began to fall and facts that were in no pair stayed at chance; "
    "longer training was not tried.",
    "The claim was worded when the figures were known; the aim was a reward model that ranks nine of ten rightly.",
]


class Job(NamedTuple):
    """One training: what learns, and the seed."""

    judge: str
    seed: int


def implied(policy: nn.Module, reference: nn.Module | None, replies: reward.Replies) -> Tensor:
    """The log-probability of each reply, above that of the reference where there is one: (B)."""
    said = reward.whole(policy, replies, sequence_logprobs)
    return said - reward.whole(reference, replies, sequence_logprobs) if reference else said


def one_right(model: nn.Module, n: int, seed: int, of) -> reward.Comparisons:
    """New pairs of replies of which one is right and one is wrong, the right one chosen."""
    pairs = reward.compare(model, raters.exam(n, seed, of), lambda q, first, _, dice: raters.right(q, first), seed)
    return pairs.where(lambda q, chosen, rejected: raters.right(q, chosen) and not raters.right(q, rejected))


def learned(judge: str, pairs: reward.Comparisons, settings: Settings, seed: int) -> Callable[..., Tensor]:
    """What has learned from the comparisons, as a function from replies to their values; all weights learn."""
    if judge == "reward model":
        return partial(reward.valued, reward_model(pairs, settings, seed))
    policy, apprentice = checkpoints.load("apprentice"), checkpoints.load("apprentice")
    loss = reward.by_preference(pairs, apprentice, sequence_logprobs, dpo_loss, settings.batch_size)
    reward.learn(policy, loss, settings.steps, settings.learning_rate, seed=seed, name=judge)
    return partial(implied, policy, apprentice)


@torch.no_grad()
def guided(model: nn.Module, n: int, seed: int, of) -> float:
    """How often the guide of a play is likelier to assent to what is true than to what is not."""
    dice, right = random.Random(f"gossip {seed}"), 0
    assent = [village.VOCABULARY.index(word) for word in ASSENT]
    for question in raters.exam(n, seed, of):
        both = []
        for value in (question.value, dice.choice(question.others)):
            whom = " ".join(experts.in_full_name(question.fact.subject))
            text = GOSSIP.format(whom=whom, claim=experts.sources(question, value)[0])
            logits = model(torch.tensor([[village.END, *village.encode(text)]]))[0][0, -1]
            both.append(logits.softmax(-1)[assent].sum())
        right += bool(both[0] > both[1])
    return right / n


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """One training and its rankings, on one thread; with the reward model's, those of who learned nothing."""
    torch.set_num_threads(1)
    apprentice = checkpoints.load("apprentice")
    asked = raters.exam(settings.comparisons, job.seed, experts.taught)
    value = learned(job.judge, reward.compare(apprentice, asked, PANEL.prefers, job.seed), settings, job.seed)
    said: dict[str, Any] = {}
    for name, of in FACTS.items():
        new = one_right(apprentice, settings.pairs, job.seed + 100, of)
        said[name] = {"pairs": len(new), "ranks": round(reward.ranks(value, new), 4)}
        if job.judge == JUDGES[0]:
            said[name]["likelier"] = round(reward.ranks(partial(implied, apprentice, None), new), 4)
            said[name]["guide"] = round(guided(checkpoints.load("village"), settings.pairs, job.seed, of), 4)
    return said


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each judge and half of the facts what every seed has; judges that learned nothing from comparisons last."""
    said: dict[str, Any] = {judge: {} for judge in (*JUDGES, *UNTAUGHT)}
    for facts in FACTS:
        for judge in JUDGES:
            said[judge][facts] = [done[Job(judge, seed)][facts]["ranks"] for seed in settings.seeds]
        for judge, key in UNTAUGHT.items():
            said[judge][facts] = [done[Job(JUDGES[0], seed)][facts][key] for seed in settings.seeds]
    said["pairs"] = {facts: [done[Job(JUDGES[0], seed)][facts]["pairs"] for seed in settings.seeds] for facts in FACTS}
    return said


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    chance = {"bound": 0.5, "bound_is": "chance", "decimals": 3}
    return [
        record.summary(f"right ranked over wrong, {facts}", data[judge][facts], of=judge, **chance)
        for facts in FACTS
        for judge in (*JUDGES, *UNTAUGHT)
    ]


def finding(data: dict[str, Any]) -> str:
    """How the judges rank, in one sentence."""
    each = "; ".join(
        f"{judge} {median(data[judge]['compared facts']):.0%} and {median(data[judge]['other facts']):.0%}"
        for judge in (*JUDGES, *UNTAUGHT)
    )
    return f"Right ranked over wrong on facts that were compared, and on others: {each}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    return {
        f"{key}_{short}": round(median(data[judge][facts]), 4)
        for judge, key in zip((*JUDGES, *UNTAUGHT), ("model", "dpo", "likelier", "guide"))
        for facts, short in zip(FACTS, ("compared", "other"))
    }


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""

    def jobs(settings: Settings) -> list[Job]:
        return [Job(judge, seed) for judge in JUDGES for seed in settings.seeds]

    return record.from_jobs(globals(), jobs, arguments)


if __name__ == "__main__":
    main()
