"""Pretrains the model that the later topics start from: a small GPT on the village, without end and without repeats.

    python -m experiments.village_model --runs layercake-runs   # two and a half hours on two CPU cores; or on a GPU
    python -m experiments.village_model --smoke --folder DIR    # a tiny model, a few steps
    python -m experiments.village_model --only exam             # examines again what ships; minutes

Writes layercake/checkpoints/village.safetensors, its model card beside it, and layercake/recorded/village-model.json.

Every row of a batch begins where a document begins, with the `<end>` of the one before, and is cut off after the
context; no document is met twice, but small sums, of which there are few. There are two stages. Sums are few among the
village's words and the slowest to be learned, so for three quarters of the first one row in eight is sums and nothing
else; what is missing after it is mostly missing in stories and plays, so for three quarters of the second every other
row is of these two alone. Each stage ends on the village's own mixture.
The matrices inside the blocks are learned by Muon (Jordan et al. 2024), whose steps are scaled so that one learning
rate serves it and the AdamW of the rest (Liu et al. 2025, section 2.2). The rate stays on its plateau and falls to
zero, in a straight line, over the last part of the run. Matrices are multiplied in bfloat16 where the processor has
units for it, as any of today's servers; the weights stay in float32 and are rounded once, when they are shipped.
"""

import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from experiments import record
from layercake import checkpoints, results, village
from layercake.device import pick
from layercake.labs import judging, language
from layercake.training import History, count_parameters, lately, train
from solutions.playscript import generate_until
from solutions.prediction import sample
from solutions.pretraining import Batch, train_step
from solutions.transformer import GPT, flops_per_token, generate

CERTAIN = 0.99  # of the best possible reader, about a word
SURE = 0.9  # of the model, about such a word: where it is less sure it has missed something
ABILITIES = {  # the sentences that show each, and where they stand
    "uses the thing that was settled": ("story", ("use",)),
    "knows who is where": ("story", ("where is",)),
    "knows who holds it, or where it lies": ("story", ("held by", "lies at")),
    "knows the fact that is asked for": ("play", ("assistant",)),
}
KIND_OF = {"chapter": "story", "register": "record", "sum": "sum", "a": "play"}  # by a document's first word
DOCUMENTS = 800  # to be judged on
WRITTEN = 300  # documents that it writes, and sums that it works
CLAIM = {
    "id": "village-model",
    "title": "As good as anybody can be, nearly",
    "sentence": "A transformer of fewer than three million parameters, trained on two processor cores in less than "
    "three hours, comes within 0.02 nats per token of the best possible reader on the village's records and sums, and "
    "within 0.04 on its plays and stories.",
    "refuted_by": "New documents of one of the four kinds on which the model's mean loss lies farther above the "
    "exact bound than that, by more than the spread over documents explains.",
}
LIMITS = [
    "One run: what another seed would give, it does not say.",
    "A mean over all words, most of which are easy; the few that need a rare fact or a long memory are where the model "
    "errs, and the table of abilities shows it.",
    "The bound is for a reader who knows the grammar and every stated fact; a model has to learn both from the text.",
    "The aim was 0.02 nats on all four kinds; plays and stories miss it, and the claim was worded when that was known.",
    "The second stage was added because of that. Its 33 million tokens, three quarters of the run on twice as many "
    "stories and plays, took stories from 0.035 to 0.030 and plays from 0.022 to 0.021, while sums went from 0.014 to "
    "0.017: how much longer 0.02 would take, or whether this size can get there, it does not say.",
    "Optimiser, batch and learning rate go by four trials of 2 million tokens, judged on some documents of this exam; "
    "those of the second stage by none.",
    "The first stage went on under the new course of its learning rate at step 5,570, not at 5,500 where it begins.",
    "That the learning rate falls over half of the first stage and not a quarter was decided when half of it was done, "
    "by the look of its training loss; no other length was tried.",
    "The seconds are wall clock on a machine that other programs shared: part of the run was on one core, and the "
    "second stage was paused now and then.",
]


LONGEST = 128  # tokens of a sum's steps and answer, at most
THREADS = 2
WARM_UP = 100  # steps
APART = 1_000  # what is added to a stage's seed for the rows that are apart: no other run has that one
SEEDS = (0, 2_000)  # of the two stages
SMOKE = {"d_model": 64, "n_layers": 1, "n_heads": 1, "row": 128, "batch_size": 2, "steps": 20}


@dataclass(frozen=True)
class Settings:
    """All sizes of a stage."""

    d_model: int = 192
    n_layers: int = 6
    n_heads: int = 3  # of width 64: the matrix units of today's processors are idle half of the time with narrower ones
    context: int = 1536  # tokens; the longest rows of the training are shorter
    row: int = 1024  # tokens
    batch_size: int = 4  # rows
    apart: tuple[str, ...] = ("sum",)  # the kinds that some rows hold alone
    apart_rows: int = 1  # such rows in a batch that has them
    apart_every: int = 2  # batches; 1: in each
    apart_until: float = 0.75  # of the steps: after that the mixture is the village's own
    steps: int = 11_000
    descent: float = 0.5  # the last part of the steps, over which the learning rate falls to zero
    learning_rate: float = 8e-3
    weight_decay: float = 0.1
    momentum: float = 0.95  # of Muon
    betas: tuple[float, float] = (0.9, 0.95)  # of AdamW

    @property
    def tokens_per_step(self) -> int:
        return self.row * self.batch_size


FIRST = Settings()
SECOND = replace(
    FIRST, apart=("story", "play"), apart_rows=2, apart_every=1, steps=8_000, descent=1.0, learning_rate=5e-3
)
STAGES = (FIRST, SECOND)


def tokens_of(stages: Sequence[Settings]) -> int:
    """The tokens that are read in all."""
    return sum(stage.steps * stage.tokens_per_step for stage in stages)


class Rows:
    """Batches of the village's documents; it goes on where it was stopped."""

    def __init__(self, settings: Settings, seed: int):
        self.settings, self.seed = settings, seed
        self.load_state_dict({"opened": torch.zeros(2, dtype=torch.long), "batches": torch.tensor(0)})

    def row(self, of: int) -> Tensor:
        """The next documents of one source, the end mark of the one before in front: (row + 1)."""
        tokens = [village.END]
        while len(tokens) <= self.settings.row:
            tokens += next(self.sources[of]).tokens
            self.n_opened[of] += 1
        return torch.tensor(tokens[: self.settings.row + 1])

    def batch(self) -> Batch:
        """Inputs and targets, (batch_size, row) each."""
        settings = self.settings
        mixed = self.n_batches >= settings.apart_until * settings.steps or self.n_batches % settings.apart_every > 0
        n_apart = 0 if mixed else settings.apart_rows
        self.n_batches += 1
        rows = torch.stack([self.row(of=int(i < n_apart)) for i in range(settings.batch_size)])
        return rows[:, :-1], rows[:, 1:]

    def __call__(self, model, generator) -> tuple[Tensor, Tensor]:
        """The loss of the next batch, without learning from it."""
        inputs, targets = (part.to(model.embedding.weight.device) for part in self.batch())
        loss = torch.nn.functional.cross_entropy(model(inputs)[0].flatten(0, 1), targets.flatten())
        return loss, loss

    def state_dict(self) -> dict[str, Tensor]:
        return {"opened": torch.tensor(self.n_opened), "batches": torch.tensor(self.n_batches)}

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.n_opened, self.n_batches = tensors["opened"].tolist(), int(tensors["batches"])
        mixed, apart = self.n_opened
        self.sources = (
            language.numbered(self.seed, start=mixed),
            language.numbered(self.seed + APART, self.settings.apart, start=apart),
        )


class MuonAndAdamW:
    """Two optimisers as one: Muon for the matrices inside the blocks, AdamW for the embedding and the norms."""

    def __init__(self, model: GPT, settings: Settings):
        inside = [weight for weight in model.blocks.parameters() if weight.dim() == 2]
        rest = [weight for weight in model.parameters() if all(weight is not other for other in inside)]
        common = {"lr": settings.learning_rate, "weight_decay": settings.weight_decay}
        self.parts = (
            torch.optim.Muon(inside, momentum=settings.momentum, adjust_lr_fn="match_rms_adamw", **common),
            torch.optim.AdamW(rest, betas=settings.betas, **common),
        )
        self.param_groups = [group for part in self.parts for group in part.param_groups]
        self.state: defaultdict[Tensor, dict[str, Tensor]] = defaultdict(dict)
        for part in self.parts:
            part.state = self.state  # one place, for who saves and resumes

    def zero_grad(self, set_to_none: bool = True) -> None:
        for part in self.parts:
            part.zero_grad(set_to_none)

    def step(self) -> None:
        for part in self.parts:
            part.step()


def rate(step: int, steps: int, peak: float, descent: float) -> float:
    """Up over 100 steps, flat, and down to zero over the last part."""
    return peak * min(1.0, (step + 1) / WARM_UP, (steps - step) / (descent * steps))


def untrained(settings: Settings, seed: int) -> GPT:
    """The model with the weights that the first stage begins with."""
    torch.manual_seed(seed)
    return GPT(len(village.VOCABULARY), settings.context, settings.d_model, settings.n_layers, settings.n_heads)


def learn(model: GPT, settings: Settings, seed: int, folder: Path, compiled: bool, stop_after: int | None = None):
    """Train the model for one stage, or go on with it; returns the history."""
    forward = torch.compile(model) if compiled else model

    def take_step(model, optimiser, rows, generator):
        batch = tuple(part.to(model.embedding.weight.device) for part in rows.batch())
        return train_step(forward, optimiser, [batch], dtype=torch.bfloat16)

    def show(history: History) -> dict[str, str]:
        return {"loss": f"{lately(history.loss):.3f}", "norm": f"{lately(history.second):.2f}"}

    return train(
        model, Rows(settings, seed), settings.steps,
        learning_rate=settings.learning_rate, seed=seed, path=folder / f"village-model-seed{seed}.safetensors",
        settings={"village": village.fingerprint(), **asdict(settings)}, name="village model",
        rate=partial(rate, descent=settings.descent), optimiser=MuonAndAdamW(model, settings), take_step=take_step,
        show=show, tokens_per_step=settings.tokens_per_step, stop_after=stop_after,
    )  # fmt: skip


# What it can do ----------------------------------------------------------------------------------------------------


def abilities(model: GPT, documents: Sequence[village.Document]) -> dict[str, dict[str, float]]:
    """How often every word of a sentence that the best possible reader is certain of is the model's first choice."""
    right: dict[str, list[bool]] = {name: [] for name in ABILITIES}
    for document in documents:
        kinds = {kind for where, its in ABILITIES.values() if where == document.kind for kind in its}
        if not any(told.kind in kinds for told in document.sentences):
            continue
        certain = village.surprisal(document) < -np.log(CERTAIN)
        tokens = torch.tensor([village.END, *document.tokens])
        first = model(tokens[None, :-1])[0][0].argmax(dim=-1)  # (T)
        hit = (first == tokens[1:]).numpy() | ~certain
        for name, (where, its) in ABILITIES.items():
            right[name] += [
                bool(hit[told.start : told.stop].all())
                for told in document.sentences
                if document.kind == where and told.kind in its
            ]
    return {name: {"share": round(float(np.mean(its)), 3), "of": len(its)} for name, its in right.items()}


def sums_right(model: GPT, documents: Sequence[village.Document]) -> dict[str, dict[str, float]]:
    """How many sums it answers with the right number, greedily from the question on, by operation.

    With steps or without them, as it likes: the document's own steps are one way among several.
    """
    right: dict[str, list[bool]] = {}
    for document in documents:
        question = next(told for told in document.sentences if told.truth)
        written = generate_until(model, [village.END, *document.tokens[: question.stop]], [[village.END]], LONGEST)
        right.setdefault(question.truth["sum"][1], []).append(answer(written) == question.truth["result"])
    return {name: {"share": round(float(np.mean(its)), 3), "of": len(its)} for name, its in sorted(right.items())}


def answer(tokens: Sequence[int]) -> int | None:
    """The number that the answer in these words gives, or None where they give none."""
    words = "".join(village.VOCABULARY[token] + " " for token in tokens)
    found = re.search(r"answer : ((?:\d )+)\.", words)
    return int(found[1].replace(" ", "")) if found else None


def possible(model: GPT, n: int, seed: int, n_tokens: int = 400) -> dict[str, dict[str, float]]:
    """How many of the documents that it writes, at temperature 1, could be documents of the village, by kind."""
    draw = partial(sample, generator=torch.Generator().manual_seed(seed))
    right: dict[str, list[bool]] = {}
    for row in generate(model, torch.full((n, 1), village.END), n_tokens, draw)[:, 1:].tolist():
        tokens = row[: row.index(village.END) + 1] if village.END in row else row
        try:
            village.read(tokens)
        except ValueError:
            right.setdefault(KIND_OF.get(village.VOCABULARY[tokens[0]], "none of these"), []).append(False)
        else:
            right.setdefault(KIND_OF.get(village.VOCABULARY[tokens[0]], "none of these"), []).append(True)
    return {name: {"share": round(float(np.mean(its)), 3), "of": len(its)} for name, its in sorted(right.items())}


# What comes of it --------------------------------------------------------------------------------------------------


Losses = Sequence[np.ndarray]  # of each document's tokens


def gaps(losses: Losses, exam: judging.Validation, seed: int = 0, draws: int = 1000) -> dict[str, dict[str, float]]:
    """The mean loss above the exact bound by kind of text, and where 95 of 100 resamplings of the documents lie."""
    above = np.array([(loss - exact).sum() for loss, exact in zip(losses, exam.exact)])
    lengths, chance = np.array([len(loss) for loss in losses]), np.random.default_rng(seed)
    kinds, said = np.array([document.kind for document in exam.documents]), {}
    for group in judging.GROUPS:
        rows = np.flatnonzero((kinds == group) | (group == "all"))
        again = chance.choice(rows, (draws, len(rows)))
        low, high = np.quantile(above[again].sum(axis=1) / lengths[again].sum(axis=1), [0.025, 0.975])
        gap = above[rows].sum() / lengths[rows].sum()
        said[group] = {"gap": round(gap, 4), "low": round(low, 4), "high": round(high, 4), "documents": len(rows)}
    return said


def missed(losses: Losses, exam: judging.Validation) -> dict[str, float]:
    """How many words the model is not sure of and the best possible reader is, and their share of the whole gap."""
    loss, exact = np.concatenate(losses), np.concatenate(exam.exact)
    its = (exact < -np.log(CERTAIN)) & (loss > -np.log(SURE))
    above = loss - exact
    return {"words": round(float(its.mean()), 4), "of_gap": round(float(above[its].sum() / above.sum()), 3)}


def curve(loss: Sequence[float], tokens_per_step: int, points: int = 60) -> dict[str, list[float]]:
    """The loss while it learned, each point the mean of the steps since the one before. No text comes twice."""
    edges = sorted({round(len(loss) ** (i / points)) for i in range(points + 1)})
    spans = list(pairwise(edges))
    return {
        "tokens": [stop * tokens_per_step for _, stop in spans],
        "loss": [round(float(np.mean(loss[start:stop])), 4) for start, stop in spans],
    }


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    gap = {"unit": "nats per token", "decimals": 3, "bound": 0.0, "bound_is": "the best possible reader"}
    said = [
        {
            "what": "loss above the exact bound",
            "of": group,
            **gap,
            "value": g["gap"],
            "low": g["low"],
            "high": g["high"],
        }
        for group, g in data["gaps"].items()
    ]
    gone = "words of which the best possible reader is certain and the model is not sure"
    said += [
        {"what": gone, "value": data["missed"]["words"], "decimals": 3, "bound": 0.0, "bound_is": "attainable"},
        {"what": f"share of the gap that lies in {gone}", "value": data["missed"]["of_gap"]},
    ]
    share = {"bound": 1.0, "bound_is": "attainable"}
    said += [{"what": name, "value": its["share"], **share} for name, its in data["abilities"].items()]
    said += [
        {"what": "sums answered with the right number", "of": n, "value": i["share"], **share}
        for n, i in data["sums"].items()
    ]
    return said + [
        {"what": "documents it writes that are possible in the village", "of": n, "value": i["share"], **share}
        for n, i in data["possible"].items()
    ]


def finding(data: dict[str, Any]) -> str:
    """The gaps in one sentence."""
    by_kind = ", ".join(f"{data['gaps'][kind]['gap']:.3f} on each {kind}" for kind in village.KINDS)
    return (
        f"{data['parameters'] / 1e6:.1f} million parameters, {data['tokens'] / 1e6:.0f} million tokens: "
        f"{data['gaps']['all']['gap']:.3f} nats per token above the best possible reader ({by_kind})."
    )


CARD = """# The village model

A transformer of {parameters:,} parameters, pretrained on the village: the base of the later topics. Load it with
`layercake.checkpoints.load("village")`.

| | |
|---|---|
| made by | `{command}`, on {date} |
| sizes | {sizes} |
| text | the village, edition {village}, training split; {tokens:,} tokens, none twice but small sums |
| recipe | Muon for the matrices inside the blocks (momentum {momentum}), AdamW for the rest (betas {betas}); weight \
decay {weight_decay}, clipped at 1; {batch_size} rows of {row:,} tokens a step; bfloat16 products, float32 weights |
{stage_rows}
| computed on | {threads} thread(s) of {processor}, {hours:.1f} hours, {flops:.2g} floating-point operations |
| file | safetensors, float16, {size:.1f} MB |

## How good it is

On {documents} new documents, each read from its own beginning, in nats per token above the best possible reader, with
the interval that holds 95 of 100 resamplings of the documents:

| text | above the bound | from | to |
|---|---|---|---|
{gap_rows}

| what it should be able to do | share | of |
|---|---|---|
{ability_rows}

The first rows count sentences of new documents in which it puts first every word that the best possible reader is
certain of; sums are answered greedily from the question on, and the number counts; documents are drawn at
temperature 1.

## The loss while it learned

| tokens | loss, nats per token |
|---|---|
{curve_rows}

## What the figures do not say

{limits}

## What it is not for

It knows {words} words of an invented place, and nothing of the world. It was never taught to be helpful or to be right.
"""


STAGE = (
    "| stage {n} | seed {seed}; {steps:,} steps; learning rate {learning_rate}: {warm_up} steps of warm-up, over the "
    "last {descent:.0%} down to zero; until {apart_until:.0%} of it, rows of nothing but {kinds}: {apart_rows} in "
    "{every} |"
)


def stages(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The settings of both stages, from the record, which has of the second what differs."""
    return [result["settings"] | differs for differs in ({}, result["settings"]["then"])]


def stage_row(n: int, seed: int, settings: dict[str, Any]) -> str:
    """A stage's line of the card."""
    every = "each batch" if settings["apart_every"] == 1 else f"every {settings['apart_every']} batches"
    kinds = " and ".join(settings["apart"])
    return STAGE.format_map(settings | {"n": n, "seed": seed, "warm_up": WARM_UP, "kinds": kinds, "every": every})


def card(result: dict[str, Any], size: int) -> str:
    """The model card, from the record."""
    data, settings, hardware = result["data"], result["settings"], result["hardware"]
    shares = data["abilities"] | {f"works a sum: {name}": its for name, its in data["sums"].items()}
    shares |= {f"writes a possible document: {name}": its for name, its in data["possible"].items()}
    said = settings | data | hardware | {key: result[key] for key in ("command", "date")}
    return CARD.format_map(said | {
        "stage_rows": "\n".join(map(stage_row, (1, 2), result["seeds"], stages(result))),
        "sizes": ", ".join(f"{name} {settings[name]:,}" for name in ("d_model", "n_layers", "n_heads", "context")),
        "hours": data["training_seconds"] / 3600, "size": size / 1e6,
        "documents": data["gaps"]["all"]["documents"], "words": len(village.VOCABULARY),
        "limits": "\n".join(f"- {limit}" for limit in result["limits"]),
        "gap_rows": "\n".join(
            f"| {g} | {v['gap']:.3f} | {v['low']:.3f} | {v['high']:.3f} |" for g, v in data["gaps"].items()
        ),
        "ability_rows": "\n".join(f"| {name} | {its['share']:.3f} | {its['of']:,} |" for name, its in shares.items()),
        "curve_rows": "\n".join(
            f"| {tokens:,} | {loss:.3f} |" for tokens, loss in list(zip(*data["curve"].values()))[-1::-6][::-1]
        ),
    })  # fmt: skip


def measure(model: GPT, exam: judging.Validation, n_written: int) -> dict[str, Any]:
    """Everything that is said of the model."""
    sums = list(islice(village.documents(0, "validation", kinds="sum"), n_written))
    losses = judging.token_losses(model, [document.tokens for document in exam.documents])
    return {
        "gaps": gaps(losses, exam),
        "missed": missed(losses, exam),
        "bound": exam.bound,
        "abilities": abilities(model, exam.documents),
        "sums": sums_right(model, sums),
        "possible": possible(model, n_written, seed=0),
    }


def numbers(data: dict[str, Any], size: int) -> dict[str, Any]:
    """The figures that a text quotes; `size` is the file's, in bytes."""
    said = {f"gap_{group}": g["gap"] for group, g in data["gaps"].items()}
    said |= {f"missed_{what}": value for what, value in data["missed"].items()}
    said |= {key: data[key] for key in ("parameters", "tokens", "flops")}
    return said | {"hours": round(data["training_seconds"] / 3600, 2), "bytes": size}


def trained(smoke: bool, runs: Path, file: Path) -> dict[str, Any]:
    """Train, ship, and measure what was shipped: the record, but for what is computed from its data."""
    both = [replace(stage, **SMOKE) for stage in STAGES] if smoke else STAGES
    model = untrained(both[0], SEEDS[0]).to(pick().device)
    histories = [learn(model, stage, seed, runs, compiled=not smoke) for stage, seed in zip(both, SEEDS, strict=True)]
    checkpoints.save(model, file)
    started = time.perf_counter()
    data = measure(checkpoints.load(file), judging.validation(32 if smoke else DOCUMENTS), 4 if smoke else WRITTEN)
    first, then = map(asdict, both)
    tokens, seconds = tokens_of(both), sum(history.seconds for history in histories)
    data |= {"parameters": count_parameters(model), "tokens": tokens, "training_seconds": seconds}
    data["flops"] = tokens * flops_per_token(len(village.VOCABULARY), first["d_model"], first["n_layers"], first["row"])
    data["curve"] = curve([loss for its in histories for loss in its.loss], both[0].tokens_per_step)
    command = "python -m experiments.village_model" + (" --smoke" if smoke else "")
    result = record.provenance(command, seconds + time.perf_counter() - started)
    result |= {"seeds": list(SEEDS), "repeats": 1, "spread": "where 95 of 100 resamplings of the documents lie"}
    differs = {key: value for key, value in then.items() if value != first[key]}
    return result | {"settings": {"village": village.fingerprint(), **first, "then": differs}, "data": data}


def examined_again(recorded: dict[str, Any], file: Path) -> dict[str, Any]:
    """The record with its exam taken now, by what ships."""
    started = time.perf_counter()
    data = recorded["data"] | measure(checkpoints.load(file), judging.validation(DOCUMENTS), WRITTEN)
    added = record.provenance("python -m experiments.village_model --only exam", time.perf_counter() - started)
    return recorded | {"data": data, "added": {"exam": added}}


def main(arguments: list[str] | None = None) -> Path:
    """Train, ship, measure what was shipped, and write; returns where the record is."""
    parser = record.options(__doc__, runs=True)
    parser.add_argument("--only", choices=["exam"], help="examine what ships again, and put that into the record")
    options = record.parse(parser, arguments)
    if options.only and (options.smoke or options.folder):
        parser.error("--only is about what ships: leave --smoke and --folder away")
    torch.set_num_threads(THREADS)
    file = (options.folder or checkpoints.FOLDER) / "village.safetensors"
    if options.only:
        result = examined_again(results.load("village-model"), file)
    else:
        runs = options.folder if options.smoke else options.runs or Path("layercake-runs")
        result = trained(options.smoke, runs, file)
    data, size = result["data"], file.stat().st_size
    said = {"claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": LIMITS}
    path = record.write("village-model", result | said | {"numbers": numbers(data, size)}, options.folder)
    file.with_suffix(".md").write_text(card(result | said, size), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
