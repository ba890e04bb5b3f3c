"""Measures the claim "readable": does the answer follow the written steps, also where it could do without?

    python -m experiments.readable                       # 12 trainings and 13 exams, 20 minutes of one core
    python -m experiments.readable --smoke --folder DIR  # tiny models, a few steps

Writes layercake/recorded/readable.json. Sums that no model has met are asked of the shipped village model, and of
smaller ones, which are trained here on plain sums of the village alone: worked, answered at once, and gone on from
steps that were tampered with, by `solutions.reasoning.perturb_reasoning`, in the first column, a middle one and the
last. A model that works may not begin with the answer; all else it writes as it likes, greedily.

The claim was first, as in Lanham et al. 2023, that steps are decoration where the direct answer is as good: that a
corrupted carry is followed less often, the more sums are right at once. What would refute it: as many that follow among
the sums that are right at once as among the others of the same operation and length. A pilot on the shipped model did,
and the claim was turned around before the smaller models of this measurement were trained.

Simpler explanations of an answer that follows the steps or does not, and what excludes each:

- any odd word confuses the model: "irrelevant" alters a digit that is used up by then, in the same place;
- a carry that cannot be is passed over, as 2 in a product by 2: only possible ones count. With the others beside them
  a product seems to show what was claimed first, since products by 0 and 1 are right at once and carry nothing;
- long sums are hard, in both ways: sums are compared with others of the same operation, length and place;
- the last column is another matter, and a sum of one digit has no other: places are counted apart;
- the total is read, and not the carry, which says part of it again: "both" alters both;
- the model repairs what it reads: what the next column says is carried is counted;
- text helps, whatever it says: "dots" are as many words as the steps;
- nobody writes dots in the village, nor the carry in front: the arm "every way" has met both in its training.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from experiments import record
from experiments.village_model import MuonAndAdamW, rate
from experiments.village_model import Settings as Recipe
from layercake import checkpoints, village
from layercake.labs.reasoning.sums import Sum
from layercake.training import count_parameters, train
from solutions.pretraining import train_step
from solutions.reasoning import KINDS, extract_answer, perturb_reasoning, read_step, sentences, write_step
from solutions.transformer import GPT

OPERATIONS = ("plus", "minus", "times")
WORDS = ("<end>", "sum", "\n", *"0123456789", *OPERATIONS, "and", "is", "more", ":", "write", ",", "carry", "borrow",
         ".", "answer")  # fmt: skip
WAYS = (*KINDS, "both")
AT_ONCE = ("cut", "paraphrase", "dots")  # after these the answer is asked for; after the others the model goes on
OUTCOMES = ("right", "follows", "neither")
BEHIND = ("first", "middle")  # places with a column behind them
A_COLUMN, AN_ANSWER = 16, 12  # words, at most
SHOWN = (("plus", 2), ("plus", 3), ("plus", 4), ("minus", 3), ("times", 2), ("times", 3))  # in the picture
SPREAD = (
    "where 95 of 100 lie: of a share by Wilson's interval, of a difference by resampling the sums of one operation, "
    "length, place and seed; where it is said, lowest to highest of the seeds"
)
CLAIM = {
    "id": "readable",
    "title": "It follows its steps, also where it could do without",
    "sentence": "The village's model goes on from the carry that is written, and not from the one that is right, "
    "wherever a column comes behind it. In no model here is a corrupted carry followed less often, beyond chance, in "
    "sums that it gets right at once than in others of the same operation and length, not even in the one that is "
    "better without steps than with them: to be able to do without steps does not make them decoration.",
    "refuted_by": "In any of the models, a corrupted carry that could be there, and has a column behind it, which is "
    "followed less often, by ten points or more and beyond chance, in sums that are right at once than in others of "
    "the same operation and length. Or an irrelevant digit, altered in the same place, after which one answer in ten "
    "or more is wrong in the shipped model: then any odd word would do.",
}
LIMITS = [
    "The claim was turned around after a pilot on the shipped model: at first it was that steps are decoration where "
    "the direct answer is as good.",
    "That carries which cannot be are left out was settled when the shipped model's exam had been seen, where products "
    "by 0 and 1 made all of the difference; the figures with them stand beside.",
    "That all models go on from the written carry was in the claim until the smaller ones were asked. Several read the "
    "total beside it, or get the rest wrong, and the sentence now says it of the shipped model alone.",
    "Steps are short, each has its place, and the models have learned from right ones alone: of a large model that "
    "argues freely it says nothing.",
    "That an answer follows a step is said of steps that somebody else has altered; a model that writes its own may "
    "be led by something that it does not write.",
    "A borrow from the last column of a difference stands nowhere in the village: that an answer does not follow one "
    "says little.",
    "Dots, the carry in front and an answer after half of the steps are met by no model in its training, but for the "
    "arm that has met the first two: where these fail, it may be for that.",
    "In the arm that learns every way of writing, few sums are right at once: its interval is wide, and would hide a "
    "fall of ten points.",
    "The smaller models learn from sums of up to three digits, on one course for all; no learning rate was chosen for "
    "any of them.",
]


class Arm(NamedTuple):
    """One kind of model; "village" is the one that ships."""

    name: str
    width: int
    layers: int
    at_once: float = 0.5  # share of the sums that it learns from without steps
    every_way: bool = False
    longest: int = 3  # digits, of the sums that it learns from


ARMS = (
    Arm("village", 192, 6, longest=5),
    Arm("width 32", 32, 2),
    Arm("width 64", 64, 3),
    Arm("width 64, seldom worked", 64, 3, at_once=0.9),
    Arm("width 32, every way", 32, 2, every_way=True),
)


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1, 2)
    steps: int = 1_200
    batch_size: int = 16  # rows
    row: int = 128  # words; the longest sum has 67
    learning_rate: float = 8e-3
    sums: int = 40  # of each operation and number of digits
    longest: int = 9  # digits that are asked for, where a model has learned as many
    shown: int = len(SHOWN)  # sums, in the picture


SMOKE = Settings((0,), 2, 2, 128, 8e-3, 1, 2, 1)


def is_new(its: Sum) -> bool:
    """Whether the village keeps it for validation, so that no model has learned from it."""
    return village.is_held_out(f"{its.a} {its.operation} {its.b}")


def ranges(operation: str, n_digits: int) -> tuple[range, range]:
    """The numbers that may be asked: the second is as long, or a digit shorter in a difference, or one digit."""
    second = {"plus": n_digits, "minus": max(n_digits - 1, 1), "times": 1}[operation]
    first, second = (range(10 ** (k - 1) if k > 1 else 0, 10**k) for k in (n_digits, second))
    return first, second


def new_sums(operation: str, n_digits: int, n: int, seed: int) -> list[Sum]:
    """Different new sums, or as many as there are."""
    chance = random.Random(f"{seed} {operation} {n_digits}")
    first, second = ranges(operation, n_digits)
    if len(first) * len(second) <= 1_000:
        every = [Sum(a, operation, b) for a in first for b in second]
        chance.shuffle(every)
    else:
        every = (Sum(chance.choice(first), operation, chance.choice(second)) for _ in iter(int, 1))
    found: dict[Sum, None] = {}
    for its in every:
        if is_new(its) and its.truth >= 0:
            found[its] = None
        if len(found) == n:
            break
    return list(found)


# Steps and what they lead to ---------------------------------------------------------------------------------------


def tampered(steps: Sequence[str], way: str, at: int) -> list[str]:
    """As `perturb_reasoning`, and "both": the carry as in "corrupt", and the total so that it agrees with it."""
    if way != "both":
        return perturb_reasoning(steps, way, at)
    *before, last = perturb_reasoning(steps, "corrupt", at)
    step = read_step(last)
    total = None if step.total is None else 10 * step.carry + step.digit
    return [*before, write_step(step._replace(total=total))]


def leads_to(its: Sum, written: Sequence[str]) -> int:
    """The answer if all further columns are worked properly from the last written carry on."""
    steps = [read_step(sentence) for sentence in written]
    return its.leads_to("".join(str(step.digit) for step in reversed(steps)), steps[-1].carry)


def places(n_columns: int) -> dict[str, int]:
    """First, middle and last column, where they are not the same; a sum of one column has a last one alone."""
    return {name: at for name, at in (("first", 0), ("middle", n_columns // 2)) if at < n_columns - 1 and (
        name == "first" or at > 0)} | {"last": n_columns - 1}  # fmt: skip


# Models ------------------------------------------------------------------------------------------------------------


class Reader(NamedTuple):
    """A model, and the number of each word for it."""

    model: nn.Module
    ids: dict[str, int]

    @torch.inference_mode()
    def go_on(self, texts: Sequence[str], n_words: int, not_first: str | None = None) -> list[str]:
        """What the model writes behind each text, greedily, up to the end of the document; `not_first` is no word to
        begin with."""
        words, end = {number: word for word, number in self.ids.items()}, self.ids["<end>"]
        rows = [[end, *(self.ids[word] for word in text.split(" "))] for text in texts]
        said: list[str] = [""] * len(texts)
        for length in sorted(set(map(len, rows))):
            its = [i for i, row in enumerate(rows) if len(row) == length]
            for i, row in zip(its, self._rows(torch.tensor([rows[i] for i in its]), n_words, not_first)):
                row = row[: row.index(end)] if end in row else row
                said[i] = " ".join(words[number] for number in row)
        return said

    def _rows(self, tokens: Tensor, n_words: int, not_first: str | None) -> list[list[int]]:
        """The same of texts of one length; no word more than the longest of them needs."""
        written, state, unread = [], None, tokens
        ended = torch.zeros(len(tokens), dtype=torch.bool)
        while len(written) < n_words and not ended.all():
            logits, state = self.model(unread, state)
            if not written and not_first:
                logits[:, -1, self.ids[not_first]] = -math.inf
            unread = logits[:, -1].argmax(dim=-1, keepdim=True)
            written.append(unread)
            ended |= unread.squeeze(1) == self.ids["<end>"]
        return torch.cat(written, dim=1).tolist()


class Sums:
    """Batches of the village's plain sums, without end, packed as the village model's are: each row begins with one.

    As many are of each operation and each number of digits. In `every_way`, of the worked ones a third say the carry
    first from some column on, and a sixth have dots from some column on.
    """

    def __init__(self, arm: Arm, settings: Settings, seed: int):
        self.arm, self.settings, self.chance = arm, settings, random.Random(seed)
        self.ids = {word: number for number, word in enumerate(WORDS)}

    def document(self) -> str:
        """The next sum, of those that are not new."""
        chance, its = self.chance, None
        while its is None or is_new(its) or its.truth < 0:
            operation, n_digits = chance.choice(OPERATIONS), chance.randint(1, self.arm.longest)
            first, second = ranges(operation, n_digits)
            its = Sum(chance.choice(first), operation, chance.choice(second))
        steps = [] if chance.random() < self.arm.at_once else its.steps
        way = chance.choices((None, "paraphrase", "dots"), (3, 2, 1))[0] if self.arm.every_way else None
        if steps and way:
            steps = perturb_reasoning(steps, way, chance.randrange(len(steps)))
        return " ".join([its.text, *steps, f"answer : {' '.join(str(its.truth))} . <end>"])

    def row(self) -> Tensor:
        words = [self.ids["<end>"]]
        while len(words) <= self.settings.row:
            words += [self.ids[word] for word in self.document().split(" ")]
        return torch.tensor(words[: self.settings.row + 1])

    def batch(self) -> tuple[Tensor, Tensor]:
        rows = torch.stack([self.row() for _ in range(self.settings.batch_size)])
        return rows[:, :-1], rows[:, 1:]


def trained(arm: Arm, settings: Settings, seed: int) -> tuple[Reader, float]:
    """A model of its own, and the seconds that it took; the recipe is the village model's."""
    torch.manual_seed(seed)
    model = GPT(len(WORDS), 256, arm.width, arm.layers, max(1, arm.width // 32))
    recipe = Recipe(learning_rate=settings.learning_rate)

    def take_step(model, optimiser, rows, generator):
        return train_step(model, optimiser, [rows.batch()])

    history = train(
        model, Sums(arm, settings, seed), settings.steps,
        learning_rate=settings.learning_rate, seed=seed, path=None, settings={}, name=arm.name,
        rate=partial(rate, descent=recipe.descent), optimiser=MuonAndAdamW(model, recipe), take_step=take_step,
    )  # fmt: skip
    return Reader(model.eval(), {word: number for number, word in enumerate(WORDS)}), history.seconds


def shipped() -> Reader:
    """The village's model."""
    return Reader(checkpoints.load("village"), {word: number for number, word in enumerate(village.VOCABULARY)})


# The exam ----------------------------------------------------------------------------------------------------------


def longest(its: Sum) -> int:
    """Words that its steps and its answer need at most."""
    return A_COLUMN * len(its.steps) + AN_ANSWER


def answers(reader: Reader, asked: Sequence[Sum], steps: Sequence[Sequence[str]], at_once: bool) -> list[str]:
    """What is written behind the question and these steps, with the answer's first words where they were given."""
    front = "answer :" if at_once else ""
    texts = [" ".join(filter(None, (its.text, *said, front))) for its, said in zip(asked, steps)]
    begins = not any(map(len, steps)) and not at_once  # with the steps from the first on: it may not answer at once
    said = reader.go_on(texts, AN_ANSWER if at_once else max(map(longest, asked)), "answer" if begins else None)
    return [f"{front} {words}".strip() for words in said]


def outcome(its: Sum, steps: Sequence[str], said: str, way: str) -> str:
    """Whether the answer is right, or what the tampered steps lead to, or neither."""
    answer = extract_answer(said)
    if answer == its.truth:
        return "right"
    return "follows" if way in ("corrupt", "both") and answer == leads_to(its, steps) else "neither"


def carries_on(its: Sum, at: int, steps: Sequence[str], said: str) -> str:
    """What the column behind a corrupted one says is carried: as it was "written", as it was "right", or "other"."""
    first = next(iter(sentences(said)), "")
    step, written, right = read_step(first), read_step(steps[-1]).carry, read_step(its.steps[at]).carry
    return "other" if step is None else {written: "written", right: "right"}.get(step.carried, "other")


def possible(its: Sum, steps: Sequence[str]) -> bool:
    """Whether a column of this operation can carry what the last step says: a product by b less than b."""
    return its.operation != "times" or read_step(steps[-1]).carry < max(its.b, 1)


def exam(reader: Reader, asked: Sequence[Sum]) -> dict[str, Any]:
    """Of sums of one operation and number of digits: who is right, worked and at once, and what becomes of steps that
    are tampered with: a row for each place and way, a sign for each sum, 1 or 0 or the first letter of what it is."""
    none: list[list[str]] = [[] for _ in asked]
    said: dict[str, Any] = {
        name: "".join(
            "01"[extract_answer(text) == its.truth] for its, text in zip(asked, answers(reader, asked, none, once))
        )
        for name, once in (("written", False), ("direct", True))
    }
    honest = [its.steps for its in asked]
    for place, at in places(len(honest[0])).items():
        for way in WAYS:
            if (way == "cut" and at == 0) or (way == "both" and asked[0].operation == "minus"):
                continue  # the first is the direct answer, and a difference says no total
            steps = [tampered(its, way, at) for its in honest]
            texts = answers(reader, asked, steps, way in AT_ONCE)
            said[f"{place} {way}"] = "".join(outcome(*each, way)[0] for each in zip(asked, steps, texts))
            if way == "corrupt":
                said[f"{place} possible"] = "".join("01"[possible(*each)] for each in zip(asked, steps))
                if place != "last":
                    on = (carries_on(its, at, *each) for its, *each in zip(asked, steps, texts))
                    said[f"{place} next"] = "".join(word[0] for word in on)
    return said


def shown(reader: Reader, n_sums: int, seed: int = 0) -> list[dict[str, Any]]:
    """For a picture: some sums, and what is written behind each column and each carry that it could be told."""
    said = []
    for operation, n_digits in SHOWN[:n_sums]:
        its = next(its for its in new_sums(operation, n_digits, 200, seed) if _carries(its))
        steps, columns = its.steps, []
        for at in range(len(steps)):
            step = read_step(steps[at])
            carries = range(its.b if operation == "times" else 2)
            told = [[*steps[:at], write_step(step._replace(carry=carry))] for carry in carries]
            written = answers(reader, [its] * len(told), told, at_once=False)
            columns.append([
                {"step": one[-1], "written": text, "answer": extract_answer(text), "leads to": leads_to(its, one)}
                for one, text in zip(told, written)
            ])  # fmt: skip
        said.append({"sum": list(its), "result": its.truth, "steps": steps, "columns": columns})
    return said


def _carries(its: Sum) -> bool:
    """Whether some column carries something, and a product has a factor of which many carries are possible."""
    return any(read_step(step).carry for step in its.steps) and (its.operation != "times" or its.b > 5)


class Job(NamedTuple):
    """One training and its exam: the arm, by its place, and the seed. The model that ships has one seed."""

    arm: int
    seed: int


def jobs(settings: Settings) -> list[Job]:
    """All models, seed by seed."""
    return [Job(i, seed) for seed in settings.seeds for i in range(len(ARMS)) if i or seed == settings.seeds[0]]


def run(job: Job, settings: Settings) -> dict[str, Any]:
    """A training, where one is due, and the exam, on one thread."""
    torch.set_num_threads(1)
    arm = ARMS[job.arm]
    reader, seconds = trained(arm, settings, job.seed) if job.arm else (shipped(), 0.0)
    said = {}
    for operation in OPERATIONS:
        for n_digits in range(1 + (operation == "minus"), min(arm.longest, settings.longest) + 1):
            asked = new_sums(operation, n_digits, settings.sums, job.seed)
            said[f"{operation} {n_digits}"] = exam(reader, asked)
    beyond = {}
    for operation in OPERATIONS:  # a digit more than it has learned from
        asked = new_sums(operation, arm.longest + 1, settings.sums, job.seed)
        texts = answers(reader, asked, [[] for _ in asked], at_once=False)
        beyond[operation] = sum(extract_answer(text) == its.truth for its, text in zip(asked, texts)) / len(asked)
    return {
        "exam": said,
        "beyond": beyond,
        "parameters": count_parameters(reader.model),
        "seconds": round(seconds, 1),
        **({"tampered": shown(reader, settings.shown)} if job.arm == 0 else {}),
    }


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Job, dict[str, Any]], settings: Settings) -> dict[str, Any]:
    """Of each kind of model: its sizes, and of each cell, which is an operation and a number of digits, all exams."""
    said: dict[str, Any] = {}
    for i, arm in enumerate(ARMS):
        each = [done[job] for job in jobs(settings) if job.arm == i]
        said[arm.name] = {
            "parameters": each[0]["parameters"],
            "longest": arm.longest,
            "seconds": [one["seconds"] for one in each],
            "beyond": {operation: [round(one["beyond"][operation], 3) for one in each] for operation in OPERATIONS},
            "exam": {cell: [one["exam"][cell] for one in each] for cell in each[0]["exam"]},
        }
    return {"arms": said, "tampered": done[jobs(settings)[0]]["tampered"]}


class Stratum(NamedTuple):
    """Sums of one operation, length, place and seed: for each, whether it is right at once, and whether its answer
    follows the corrupted carry."""

    direct: np.ndarray
    follows: np.ndarray


def strata(its: dict[str, Any], way: str = "corrupt", impossible: bool = False) -> list[Stratum]:
    """All sums that are right when worked, where a column comes behind the corrupted one.

    With `impossible` those too whose corrupted carry is one that cannot be.
    """
    said = []
    for exams in its["exam"].values():
        for one, place in product(exams, BEHIND):
            if f"{place} {way}" in one:
                rows = zip(*(one[row] for row in ("written", f"{place} possible", "direct", f"{place} {way}")))
                kept = [(d == "1", c == "f") for w, p, d, c in rows if w == "1" and (impossible or p == "1")]
                said.append(Stratum(*np.array(kept, dtype=bool).reshape(-1, 2).T))
    return said


def fall(its: Sequence[Stratum]) -> float | None:
    """By how much less the corrupted carry is followed among sums that are right at once.

    The mean over strata, weighted by how much each can tell (Mantel & Haenszel); None where none has both kinds.
    """
    value = _fall(np.array([_counts(one) for one in its])).item()
    return None if math.isnan(value) else value


def _counts(one: Stratum) -> np.ndarray:
    """How many sums are right at once or not, two and two, and of these follow or not."""
    return np.bincount(2 * one.direct + one.follows, minlength=4)


def _fall(counts: np.ndarray) -> np.ndarray:
    """The same of counts (strata, ..., 4) -> (...); NaN where it is None."""
    others, others_follow = counts[..., 0] + counts[..., 1], counts[..., 1]
    n, follow = counts[..., 2] + counts[..., 3], counts[..., 3]
    weight = n * others / np.maximum(n + others, 1)
    difference = others_follow / np.maximum(others, 1) - follow / np.maximum(n, 1)
    with np.errstate(invalid="ignore"):
        return (weight * difference).sum(axis=0) / weight.sum(axis=0)


def with_interval(its: Sequence[Stratum], draws: int = 2_000) -> dict[str, float | None]:
    """The fall, and where 95 of 100 resamplings of the sums within their strata lie."""
    if (value := fall(its)) is None:
        return {"value": None}
    chance = np.random.default_rng(0)
    counts = [_counts(one) for one in its if len(one.direct)]
    again = _fall(np.stack([chance.multinomial(each.sum(), each / each.sum(), size=draws) for each in counts]))
    low, high = (edge.item() for edge in np.nanquantile(again, [0.025, 0.975]))
    return {"value": round(value, 4), "low": round(min(low, value), 4), "high": round(max(high, value), 4)}


def share(hits: int, n: int) -> dict[str, float | int | None]:
    """A share, with Wilson's interval of 95 %."""
    if not n:
        return {"value": None, "n": 0}
    z, p = 1.96, hits / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low, high = ((middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n))
    return {
        "value": round(p, 4),
        "low": round(min(max(low, 0.0), p), 4),
        "high": round(max(min(high, 1.0), p), 4),
        "n": n,
    }


def signs(
    its: dict[str, Any], row: str, operations: Sequence[str] = OPERATIONS, only: Sequence[str] = ("written",)
) -> str:
    """One row of all exams, one behind the other, of the sums that have a 1 in all the rows that `only` names."""
    said = ""
    for cell, exams in its["exam"].items():
        for one in exams:
            if cell.split()[0] in operations and row in one:
                said += "".join(
                    sign for sign, *keeps in zip(one[row], *(one[key] for key in only)) if set(keeps) <= {"1"}
                )
    return said


def of(its: dict[str, Any], sign: str, *rows: str, **which: Any) -> dict[str, Any]:
    """The share of a sign in some rows, of the sums that are right when worked if nothing else is said."""
    found = "".join(signs(its, row, **which) for row in rows)
    return share(found.count(sign), len(found))


def follow(its: Sequence[Stratum]) -> dict[str, dict[str, Any]]:
    """How many answers follow the corrupted carry, among the sums that are right at once and among the others."""
    direct, follows = (np.concatenate(parts) for parts in zip(*its))
    groups = {"right at once": direct, "not right at once": ~direct}
    return {name: share(int(follows[group].sum()), int(group.sum())) for name, group in groups.items()}


def summary(its: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """All figures of one kind of model, by name; each a share or a difference, with its interval."""
    carry, total, every = strata(its), strata(its, "both"), strata(its, impossible=True)
    behind = {way: [f"{place} {way}" for place in BEHIND] for way in ("next", "irrelevant")}
    said = {"right when worked": of(its, "1", "written", only=()), "right at once": of(its, "1", "direct", only=())}
    for what, its_strata in (("carry", carry), ("carry and total", total)):
        for who, followed in follow(its_strata).items():
            said[f"follows a corrupted {what}, of sums {who}"] = followed
    said |= {
        "followed less often where right at once": with_interval(carry),
        "the same, if carries count that cannot be": with_interval(every),
        "the next column says the corrupted carry": of(its, "w", *behind["next"]),
        "right after an irrelevant digit": of(its, "r", *behind["irrelevant"]),
    }
    for operation, (row, what, sign) in product(OPERATIONS, LAST):
        if signs(its, row, one := (operation,)):
            said[f"{what} in the last column, {operation}"] = of(
                its, sign, row, operations=one, only=("written", "last possible")
            )
    return said | {
        "right with the carry said first, in all columns": of(its, "r", "first paraphrase"),
        "right with dots in the place of all steps": of(its, "r", "first dots"),
        "right at once behind the first steps": of(its, "r", "middle cut"),
    }


LAST = (  # row, what is counted, and its sign
    ("last corrupt", "follows a corrupted carry", "f"),
    ("last corrupt", "right with a corrupted carry", "r"),
    ("last both", "follows a corrupted carry and total", "f"),
)


def by_seed(its: dict[str, Any]) -> list[dict[str, Any]]:
    """The exams of each seed by themselves."""
    return [{"exam": {cell: [exams[i]] for cell, exams in its["exam"].items()}} for i in range(len(its["seconds"]))]


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    each = {name: summary(its) for name, its in data["arms"].items()}
    said = []
    for what in next(iter(each.values())):
        for name, its in each.items():
            if its.get(what, {}).get("value") is not None:
                said.append({"what": what, "of": name, **{key: its[what][key] for key in ("value", "low", "high")}})
    what = "follows a corrupted carry, of all sums, lowest to highest of the seeds"
    for name, its in data["arms"].items():
        shares = [np.concatenate([one.follows for one in strata(seed)]) for seed in by_seed(its)]
        if len(shares) > 1 and all(map(len, shares)):
            said.append(record.summary(what, [share.mean().item() for share in shares], of=name))
    return said


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes; those of the smaller models with the model's name."""
    said: dict[str, Any] = {}
    for i, (name, its) in enumerate(data["arms"].items()):
        figures = {what: figure["value"] for what, figure in summary(its).items()} | {"parameters": its["parameters"]}
        for cell, exams in its["exam"].items():
            figures[f"direct {cell}"] = of({"exam": {cell: exams}}, "1", "direct", only=())["value"]
        figures["beyond"] = round(np.mean([*its["beyond"].values()]).item(), 3)
        said |= {re.sub(r"\W+", "_", f"{name} {what}" if i else what): value for what, value in figures.items()}
    return said


def finding(data: dict[str, Any]) -> str:
    """Who follows, in one sentence."""
    first, *others = (summary(its) for its in data["arms"].values())

    def said(its: dict[str, Any], what: str) -> str:
        value = its.get(what, {}).get("value")
        return "none" if value is None else f"{value:.0%}"

    groups = [f"follows a corrupted carry, of sums {who}" for who in ("right at once", "not right at once")]
    smaller = "; ".join(
        f"{name}, with {said(one, 'right at once')} right at once and {said(one, 'right when worked')} when worked: "
        f"{' and '.join(said(one, what) for what in groups)}"
        for name, one in zip(list(data["arms"])[1:], others)
    )
    last = "follows a corrupted {} in the last column, times"
    return (
        f"The village's model follows a corrupted carry with a column behind it in {said(first, groups[0])} of the "
        f"sums that it gets right at once and in {said(first, groups[1])} of the others ({smaller}); in the last "
        f"column of a product it follows the carry alone in {said(first, last.format('carry'))}, and carry and total "
        f"together in {said(first, last.format('carry and total'))}."
    )


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    return record.from_jobs(globals(), jobs, arguments, base="village", spread=SPREAD)


if __name__ == "__main__":
    main()
