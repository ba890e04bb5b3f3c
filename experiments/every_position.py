"""Measures the claim "every-position": one text gives thousands of training targets, in one pass through the network.

    python -m experiments.every_position                       # three numbers of texts, three seeds
    python -m experiments.every_position --smoke --folder DIR  # few texts, one seed, few steps

Writes layercake/recorded/every-position.json. The texts are pages of the village's register. A *label* is the answer to
one question about a page, such as what somebody works as: the page is read up to there, and the value is to be named.
The same model is trained twice on the same pages, in the same order and for as many steps: on the one label of each
page, and on the next token at every position, of which that label is one. Both answer all questions of new pages, and
so does the best possible reader, who knows every stated fact. What a step of each costs is timed in turn, and counted.
"""

import operator
import random
import statistics
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from experiments import record
from experiments.language import band
from layercake import village
from layercake.training import train
from solutions.rnn import RecurrentLanguageModel

HOW = {False: "one label", True: "every position"}
LONGEST = 120  # tokens: longer pages are left out, so that all fit side by side
IGNORED = -100


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    n_pages: tuple[int, ...] = (200, 800, 3200)
    n_test: int = 300
    steps: int = 1200
    batch_size: int = 16
    d_model: int = 128
    learning_rate: float = 1e-2
    seeds: tuple[int, ...] = (0, 1, 2)


SMOKE = Settings(n_pages=(20, 60), n_test=10, steps=20, batch_size=4, d_model=16, seeds=(0,))
CLAIM = {
    "id": "every-position",
    "title": "One text gives thousands of training targets",
    "sentence": "One text with one label gives one training target; predicted token by token, the same text gives as "
    "many as it has tokens, in one pass through the network, and a model learns more of what the labels ask for.",
    "refuted_by": "A model of the same size that answers the questions of new texts as well after training on one "
    "label for each text as after training on every position of as many texts.",
}
LIMITS = [
    "The village's pages are short: thousands of targets are what a longer text has, at one for each token.",
    "The label is a word of the text itself, so that both ways have learned from the same text; a label that stands in "
    "no text cannot be had in this way.",
    "Every further target is worth less than a label of one's choice: most of them ask for something else.",
    "The cost is that of computing; what people cost who write labels is not measured and not claimed.",
    "One small model, and equally many steps for both ways. After a third of them, on 800 pages and seed 0, the two "
    "were still level: there is more to learn from every position, and it takes longer.",
    "One learning rate, 0.01, chosen by hand on 800 pages and seed 0: the best of three for one label, of two for all "
    "positions.",
]


# Pages and their questions -----------------------------------------------------------------------------------------


class Page(NamedTuple):
    """A page of the register, after <end>, and where a value of it comes next: the questions."""

    tokens: Tensor  # (1 + n_tokens)
    questions: tuple[int, ...]  # positions of `tokens` after which a value is named
    document: village.Document


def page(document: village.Document) -> Page:
    """A page with its questions."""
    told = [sentence for sentence in document.sentences if "value" in sentence.drawn]
    return Page(torch.tensor([village.END, *document.tokens]), tuple(_place(document, one) for one in told), document)


def _place(document: village.Document, sentence: village.Told) -> int:
    """How many tokens come before the value that a sentence names; with <end> in front, the position that asks."""
    value = tuple(village.encode(sentence.drawn["value"]))
    return next(at for at in range(sentence.start, sentence.stop) if document.tokens[at : at + len(value)] == value)


def pages(n_pages: int, split: str) -> list[Page]:
    """The first pages of a split that are short enough and ask something."""
    found: list[Page] = []
    for document in village.documents(2, split, "record"):
        if len(document.tokens) <= LONGEST and (one := page(document)).questions:
            found.append(one)
        if len(found) == n_pages:
            return found
    raise AssertionError("the village has no end")


def labels(given: list[Page]) -> list[int]:
    """One question of each page, drawn once for all runs."""
    dice = random.Random(0)
    return [one.questions[int(dice.random() * len(one.questions))] for one in given]


# Training ----------------------------------------------------------------------------------------------------------


def loss_of(model: nn.Module, tokens: Tensor, asked: Tensor, every: bool) -> tuple[Tensor, Tensor]:
    """Mean loss, and share right, at the question of each page or at every position.

    The output layer is used only where something is asked.
    Shapes: tokens (B, T), <end> after the end; asked (B), the position of each page that asks -> (), ().
    """
    rows = torch.arange(len(tokens))
    states = model.scan(model.layers[0], model.embedding(tokens[:, :-1]))[0]  # (B, T - 1, d_model)
    if every:
        targets = tokens[:, 1:].flatten()
        ends = (tokens[:, 1:] == village.END).long().argmax(dim=1)  # the last position of each page that asks
        inside = (torch.arange(tokens.size(1) - 1) <= ends.unsqueeze(1)).flatten()
        states, targets = states.flatten(0, 1)[inside], targets[inside]
    else:
        states, targets = states[rows, asked], tokens[rows, asked + 1]
    logits = model.output(states)  # (questions, vocab_size)
    return F.cross_entropy(logits, targets), (logits.argmax(dim=-1) == targets).float().mean()


def batch(given: list[Page], asked: list[int], chosen: list[int]) -> tuple[Tensor, Tensor]:
    """Some pages side by side, and the question of each."""
    return pad_sequence([given[i].tokens for i in chosen], batch_first=True), torch.tensor([asked[i] for i in chosen])


def trained(given: list[Page], every: bool, seed: int, settings: Settings, folder: Path) -> tuple[nn.Module, float]:
    """A model trained on these pages, and the seconds that it took."""
    asked = labels(given)

    def step_loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        chosen = torch.randint(len(given), (settings.batch_size,), generator=generator).tolist()
        return loss_of(model, *batch(given, asked, chosen), every)

    name = f"{HOW[every]}, {len(given)} pages"
    history = train(
        model := machine(seed, settings),
        step_loss,
        settings.steps,
        learning_rate=settings.learning_rate,
        seed=seed,
        path=folder / f"{name.replace(', ', '-').replace(' ', '-')}-seed{seed}.safetensors",
        settings={"lab": "every-position", "village": village.fingerprint(), **asdict(settings)},
        name=name,
    )
    return model, history.seconds


def machine(seed: int, settings: Settings) -> RecurrentLanguageModel:
    """The language model of the topic rnn, one fused LSTM."""
    torch.manual_seed(seed)
    layer = partial(nn.LSTM, batch_first=True)
    return RecurrentLanguageModel(len(village.VOCABULARY), settings.d_model, 1, layer, operator.call)


@torch.no_grad()
def answers(model: nn.Module, asked: list[Page]) -> tuple[float, float]:
    """Over all questions of these pages: the share whose first word is the model's first choice, and the mean loss."""
    right, losses = [], []
    for one in asked:
        logits = model(one.tokens.unsqueeze(0))[0][0, list(one.questions)]  # (questions, vocab_size)
        truth = one.tokens[[at + 1 for at in one.questions]]
        right += (logits.argmax(dim=-1) == truth).tolist()
        losses += F.cross_entropy(logits, truth, reduction="none").tolist()
    return statistics.mean(right), statistics.mean(losses)


# What it is judged by, and what it costs ----------------------------------------------------------------------------


def best_reader(asked: list[Page]) -> tuple[float, float]:
    """The same for a reader who knows the grammar and every stated fact: exact."""
    right, losses = [], []
    for one in asked:
        exact = village.surprisal(one.document)
        for at in one.questions:
            law = village.distribution(one.document, at)
            right.append(max(law, key=law.get) == one.document.tokens[at])
            losses.append(exact[at])
    return statistics.mean(right), float(statistics.mean(losses))


def commonest(given: list[Page], asked: list[Page]) -> float:
    """The share of questions that the commonest label of the training pages would answer."""
    seen = Counter(int(one.tokens[at + 1]) for one, at in zip(given, labels(given)))
    (best, _), *_ = seen.most_common(1)
    return statistics.mean(int(one.tokens[at + 1]) == best for one in asked for at in one.questions)


def cost(given: list[Page], settings: Settings, repeats: int = 15) -> dict[str, Any]:
    """Processor time of one training step on the same pages, both ways in turn; and multiplications, counted."""
    tokens, asked = batch(given, labels(given), list(range(settings.batch_size)))
    targets = {True: sum(len(one.tokens) - 1 for one in given[: settings.batch_size]), False: settings.batch_size}
    model, times = machine(0, settings), {every: [] for every in HOW}
    for _ in range(repeats + 1):
        for every in HOW:
            model.zero_grad()
            started = time.process_time()
            loss_of(model, tokens, asked, every)[0].backward()
            times[every].append(1000 * (time.process_time() - started))
    d, V, read = settings.d_model, len(village.VOCABULARY), tokens[:, 1:].numel()
    said: dict[str, Any] = {"pages": settings.batch_size, "positions_read": read, "repeats": repeats}
    for every, how in HOW.items():
        ms = [value / targets[every] for value in times[every][1:]]  # the first one warms up
        per_target = {"low": min(ms), "median": statistics.median(ms), "high": max(ms)}
        said[how] = {"targets": targets[every], "ms_per_step": round(statistics.median(times[every][1:]), 2)}
        said[how] |= {"ms_per_target": {key: round(value, 5) for key, value in per_target.items()}}
        said[how] |= {"multiplications_per_step": 3 * (read * 8 * d * d + targets[every] * d * V)}  # there and back
    return said


# What comes of it --------------------------------------------------------------------------------------------------


def measure(settings: Settings, folder: Path) -> dict[str, Any]:
    """Both ways at every number of pages, all seeds."""
    everything, test = pages(settings.n_pages[-1], "train"), pages(settings.n_test, "validation")
    right, loss = best_reader(test)
    data: dict[str, Any] = {
        "pages": list(settings.n_pages),
        "bound": {"right": round(right, 4), "loss": round(loss, 4)},
    }
    data |= {"questions": sum(len(one.questions) for one in test), "commonest": round(commonest(everything, test), 4)}
    data |= {"targets_per_page": round(statistics.mean(len(one.tokens) - 1 for one in everything), 1)}
    data |= {"longest_story": max(len(d.tokens) for d in _long_stories()), "seconds": 0.0}
    for every, how in HOW.items():
        rows: dict[str, list[list[float]]] = {"right": [], "loss": []}
        for seed in settings.seeds:
            runs = [trained(everything[:n], every, seed, settings, folder) for n in settings.n_pages]
            data["seconds"] = round(data["seconds"] + sum(seconds for _, seconds in runs), 1)
            for key, values in zip(rows, zip(*(answers(model, test) for model, _ in runs))):
                rows[key].append(list(values))
        data[how] = {key: band(values) for key, values in rows.items()}
    return data | {"cost": cost(everything, settings)}


def _long_stories() -> list[village.Document]:
    stories = village.documents(0, "train", "story", chapters=20)
    return [next(stories) for _ in range(5)]


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: targets, what they cost, and what was learned from as many texts."""
    said, spent = [], data["cost"]
    exact: dict[str, Any] = {"decimals": 0, "unit": "targets"}
    said.append({"what": "targets from one page with one label", "value": 1, **exact})
    said.append({"what": "targets from the same page, on average", "value": data["targets_per_page"], **exact})
    said.append(
        {"what": "targets from a story of 20 chapters, the longest of five", "value": data["longest_story"], **exact}
    )
    for how in HOW.values():
        times = spent[how]["ms_per_target"]
        spread = {"value": times["median"], "low": times["low"], "high": times["high"]}
        said.append({"what": f"{how}: processor time for each target", **spread, "unit": "ms", "decimals": 3})
    bound = {"bound": data["bound"]["right"], "bound_is": "the best possible reader, exact"}
    for place, many in enumerate(data["pages"]):
        for how in HOW.values():
            values = [row[place] for row in data[how]["right"]["seeds"]]
            said.append(record.summary(f"{how}: questions of new pages answered, from {many:,} pages", values, **bound))
    return said


def finding(data: dict[str, Any]) -> str:
    """Targets, cost and what was learned, in one sentence."""
    label, every = (data["cost"][how] for how in HOW.values())
    few, many = ([data[how]["right"]["median"][place] for how in HOW.values()] for place in (0, -1))
    dearer = every["ms_per_step"] / label["ms_per_step"]
    targets = f"{data['targets_per_page']:.0f}"
    return (
        f"A page of {targets} tokens gives 1 target as one label and {targets} as text, for {dearer:.1f} times the "
        f"computing; from {data['pages'][0]:,} pages a model that is trained on one label of each answers {few[0]:.0%} "
        f"of the questions about new ones, and one that is trained on every position {few[1]:.0%}, from "
        f"{data['pages'][-1]:,} pages {many[0]:.0%} and {many[1]:.0%} (the best possible reader: "
        f"{data['bound']['right']:.0%})."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    label, every = (data["cost"][how] for how in HOW.values())
    said = {"pages": data["pages"][-1], "targets_per_page": data["targets_per_page"], "questions": data["questions"]}
    said |= {"longest_story": data["longest_story"], "bound": data["bound"]["right"], "commonest": data["commonest"]}
    for key, how in (("label_right", "one label"), ("every_right", "every position")):
        said |= {f"{key}_fewest": data[how]["right"]["median"][0], key: data[how]["right"]["median"][-1]}
    said |= {"fewest_pages": data["pages"][0]}
    said |= {"step_ratio": round(every["ms_per_step"] / label["ms_per_step"], 2)}
    counted = every["multiplications_per_step"] / label["multiplications_per_step"]
    said |= {"step_ratio_counted": round(counted, 2), "label_ms_per_target": label["ms_per_target"]["median"]}
    cheaper = label["ms_per_target"]["median"] / every["ms_per_target"]["median"]
    return said | {"every_ms_per_target": every["ms_per_target"]["median"], "target_cheaper": round(cheaper, 1)}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__, runs=True)
    options = record.parse(parser, arguments)
    settings = SMOKE if options.smoke else Settings()
    with tempfile.TemporaryDirectory() as temporary:
        data = measure(settings, options.runs or Path(temporary))
    command = "python -m experiments.every_position" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    result |= record.provenance(command, data["seconds"])
    result |= {"seeds": list(settings.seeds), "repeats": len(settings.seeds)}
    result |= {"spread": "lowest to highest of the seeds; of the times, of their repeats"}
    result |= {"settings": {"village": village.fingerprint(), **asdict(settings)}, "limits": LIMITS}
    return record.write("every-position", result | {"numbers": numbers(data), "data": data}, options.folder)


if __name__ == "__main__":
    main()
