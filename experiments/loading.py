"""Measures the claim "loading": a real model that was loaded wrongly may look right, as long as its text is short.

    python -m experiments.loading                       # seven ways to load it, ten minutes of one core
    python -m experiments.loading --smoke --folder DIR  # a small random model, seconds

Writes layercake/recorded/loading.json. SmolLM2-135M-Instruct, in this course's own GPT, reads the beginnings of ten
chapters of this book, which it cannot have met: in the right way, and in wrong ones that learners and libraries have
gone before. What counts is the loss by the place in the text.

What would refute the claim: a base of 10,000 that costs as much in the first 64 tokens as behind the first 1,024, in
nats for each token; or pairs as neighbours that cost less than a nat. The simpler explanation, that wrong models are
worse wherever a text is harder, is excluded by comparing the same tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from experiments import record
from experiments.chekhov_real import coder
from layercake.checkpoints import pretrained
from layercake.checkpoints.pretrained import Pretrained
from layercake.labs.real import loss_by_place
from solutions.real import from_pretrained

CLAIM = {
    "id": "loading",
    "title": "Loaded wrongly, it looks right as long as the text is short",
    "sentence": "A base of the rotations that other models have, 10,000 in place of 100,000, costs a tenth of a nat in "
    "the first 64 tokens of a text and three times as much behind the first thousand. Pairs in another place cost less "
    "than a nat at first and four nats there. Heads in another order, or gate and up exchanged, cost everything from "
    "the first token on, and an eps that is ten times too small costs nothing that can be measured here.",
    "refuted_by": "A base of 10,000 that costs as much in the first 64 tokens of such chapters as behind the first "
    "1,024; or pairs in another place, or heads in another order, that cost less than half a nat.",
}
LIMITS = [
    "That pairs in another place cost more than a nat at once was written down before, and did not hold: in the first "
    "64 tokens they cost less.",
    "One model and one kind of text: chapters of one book, in Markdown, by one hand.",
    "Weights of 4 bits, computed in bfloat16; differences of a few hundredths of a nat may come from either.",
    "How a text goes on is not looked at: that a wrong base looks right is said of its loss, and not of what it says.",
]
CHAPTERS = (
    "prediction", "rnn", "attention", "transformer", "tokenizer", "pretraining", "playscript", "sft", "reward",
    "reasoning",
)  # fmt: skip
BOOK = Path(__file__).resolve().parent.parent / "book"
RIGHT = "as it should be"


def with_base(base: float) -> Callable[[Pretrained], nn.Module]:
    """Rotations of another base."""
    return lambda given: from_pretrained(given.weights, {**given.sizes, "base": base}, given.neighbours)


def other_pairs(given: Pretrained) -> nn.Module:
    """The legs of a pair left where the file has them, or put there where it has not."""
    return from_pretrained(given.weights, given.sizes, not given.neighbours)


def tiled(given: Pretrained) -> nn.Module:
    """Shared heads of keys and values in another order: 0 1 2 0 1 2 … in place of 0 0 0 1 1 1 …"""
    model = from_pretrained(given.weights, given.sizes, given.neighbours)
    n_heads, n_kv_heads = int(given.sizes["n_heads"]), int(given.sizes["n_kv_heads"])
    group = n_heads // n_kv_heads
    with torch.no_grad():
        for block in model.blocks:
            for layer in (block.attention.w_key, block.attention.w_value):
                heads = layer.weight.view(n_kv_heads, group, -1, layer.in_features)
                layer.weight.copy_(heads.transpose(0, 1).reshape(layer.weight.shape))
    return model


def exchanged(given: Pretrained) -> nn.Module:
    """Gate and its other half exchanged."""
    other = {"gate_proj": "up_proj", "up_proj": "gate_proj"}
    weights = {
        name.replace(part, other[part]) if (part := name.split(".")[-2]) in other else name: weight
        for name, weight in given.weights.items()
    }
    return from_pretrained(weights, given.sizes, given.neighbours)


WAYS: dict[str, Callable[[Pretrained], nn.Module]] = {
    RIGHT: lambda given: from_pretrained(given.weights, given.sizes, given.neighbours),
    "eps of 1e-6": lambda given: from_pretrained(given.weights, {**given.sizes, "eps": 1e-6}, given.neighbours),
    "base of 10,000": with_base(10_000.0),
    "base of 1,000,000": with_base(1_000_000.0),
    "gate and up exchanged": exchanged,
    "heads in another order": tiled,
    "pairs in another place": other_pairs,
}


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0,)  # one model, which is given
    chapters: int = len(CHAPTERS)
    T: int = 2048
    bounds: tuple[int, ...] = (0, 64, 256, 1024, 2047)  # of the places that are counted together
    model: str = "smollm2-instruct"
    dtype: str = "bfloat16"


SMOKE = Settings(chapters=2, T=64, bounds=(0, 16, 63), model="small", dtype="float32")


def prose(chapter: str) -> str:
    """A chapter from its first heading on, as it is written, but for its cells of code."""
    text = (BOOK / f"{chapter}.md").read_text(encoding="utf-8").split("---\n", 2)[2]
    return "".join(part for i, part in enumerate(text.split("```")) if i % 2 == 0)


def run(way: str, settings: Settings) -> list[list[float]]:
    """The mean loss between the bounds, in nats for each token, of each chapter."""
    torch.set_num_threads(1)
    given = pretrained.small() if settings.model == "small" else pretrained.fetch(settings.model)
    model, (encode, _) = WAYS[way](given).to(getattr(torch, settings.dtype)), coder(given.tokens)
    losses = []
    for chapter in CHAPTERS[: settings.chapters]:
        losses.append(loss_by_place(model, encode(prose(chapter))[: settings.T], settings.bounds))
    return losses


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[str, list[list[float]]], settings: Settings) -> dict[str, Any]:
    """By the way of loading: between each two bounds, the mean over the chapters and its lowest and highest."""
    places = [f"{start + 1:,} to {end:,}" for start, end in zip(settings.bounds, settings.bounds[1:])]
    return {
        way: {
            place: {"value": round(float(np.mean(its)), 4), "low": round(min(its), 4), "high": round(max(its), 4),
                    "more": round(float(np.mean(its) - np.mean(right)), 4)}
            for place, its, right in zip(places, zip(*done[way]), zip(*done[RIGHT]))
        }
        for way in WAYS
    }  # fmt: skip


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: the loss by the way of loading, one place in the text after another."""
    return [
        {"what": f"loss in the tokens {place} of a chapter", "of": way, "unit": "nats", "bound_is": RIGHT,
         "bound": data[RIGHT][place]["value"], **{key: data[way][place][key] for key in ("value", "low", "high")}}
        for place in data[RIGHT] for way in data
    ]  # fmt: skip


def finding(data: dict[str, Any]) -> str:
    """What each wrong way costs at the beginning and further on, in one sentence."""
    first, *_, last = data[RIGHT]
    each = ", ".join(
        f"{data[way][first]['more']:.2f} and {data[way][last]['more']:.2f} with {way}" for way in data if way != RIGHT
    )
    return f"Nats for each token lost in the tokens {first} and {last} of ten chapters: {each}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    names = ("first", "second", "third", "last")
    return {
        f"{way} {name}".replace(" ", "_").replace(",", ""): its[place]["value" if way == RIGHT else "more"]
        for way, its in data.items()
        for name, place in zip(names, its)
    }


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    return record.from_jobs(
        globals(), lambda settings: WAYS, arguments, base=None, spread="lowest to highest of the ten chapters"
    )


if __name__ == "__main__":
    main()
