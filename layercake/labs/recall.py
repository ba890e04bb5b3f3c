"""The lab of the attention topic: how far back can a reader recall?

A text is a row of key–value pairs, all keys different; then a key is asked again, and the reader names its value:

    k3 v0  k7 v2  k1 v2  k5 v1  k7?  ->  v2

Nothing marks the pair that will be asked for, so a reader that passes one message along has to keep all of them in
it. This is associative recall, as in the MQAR task of Arora et al. 2023 ("Zoology"), with two departures:
each reader sees every symbol together with the one before it, so that what is compared is memory and not the finding of
pairs; and near pairs are asked for more often, as in language. The values are uniform over `n_values`, whatever the
keys, so chance is exactly 1 / n_values; the text determines the answer, so 1 is attainable.

The lab trains three readers with about the same number of parameters: a GRU, a GRU with attention over its states, and
attention alone. `layercake.labs.networks` has four more: a plain RNN, an LSTM, a convolution and a transformer. What
does the attending is handed in by the caller.
"""

import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import Device, pick
from layercake.figures.lab_recall import alt_text, finding, plot, recorded
from layercake.labs.networks import (
    GENTLE,
    READERS,
    SCALES,
    Settings,
    chance,
    count_parameters,
    parameter_table,
    readers,
    settings_for,
)
from layercake.training import restore, train

__all__ = [
    "BOUND",
    "READERS",
    "SCALES",
    "Settings",
    "Texts",
    "alt_text",
    "chance",
    "count_parameters",
    "draw_texts",
    "example",
    "finding",
    "parameter_table",
    "plot",
    "readers",
    "reading",
    "recall_by_distance",
    "recall_of_the_first_pair",
    "recorded",
    "run",
    "settings_for",
]  # fmt: skip

BOUND = 1.0  # the keys of a text are all different, so the text says which value is asked for


class Texts(NamedTuple):
    """Texts and the questions after them, with the answers and how far back each answer stands."""

    symbols: Tensor  # (B, 2 · n_pairs + n_questions); keys are 0 … n_keys-1, value v is n_keys + v
    answers: Tensor  # (B, n_questions), 0 … n_values-1
    distances: Tensor  # (B, n_questions), in symbols from the value to its question


# The task ----------------------------------------------------------------------------------------------------------


def draw_texts(
    settings: Settings,
    generator: torch.Generator,
    batch_size: int,
    n_pairs: int | None = None,
    n_questions: int = 1,
    pairs_back: int | None = None,
) -> Texts:
    """New texts of `n_pairs` pairs, each with questions about the pair `pairs_back` pairs before the last one.

    Where `pairs_back` is not given it is drawn, near ones more often: the distance is log-uniform.
    """
    n_keys, n_pairs = settings.n_pairs, n_pairs or settings.n_pairs
    keys = torch.rand(batch_size, n_keys, generator=generator).argsort(dim=1)[:, :n_pairs]  # (B, n_pairs)
    values = torch.randint(settings.n_values, (batch_size, n_pairs), generator=generator)  # (B, n_pairs)
    if pairs_back is None:
        back = _log_uniform(n_pairs, (batch_size, n_questions), generator) - 1
    else:
        back = torch.full((batch_size, n_questions), pairs_back)
    asked = n_pairs - 1 - back  # (B, n_questions), which pair
    text = torch.stack([keys, n_keys + values], dim=-1).flatten(1)  # (B, 2 · n_pairs)
    symbols = torch.cat([text, keys.gather(1, asked)], dim=1)
    return Texts(symbols, values.gather(1, asked), 2 * back + 1 + torch.arange(n_questions))


def _log_uniform(highest: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Whole numbers from 1 to `highest`, n with probability log(1 + 1/n) / log(1 + highest)."""
    drawn = torch.exp(torch.rand(shape, generator=generator) * math.log(highest + 1)).long()
    return drawn.clamp(1, highest)


def example(scale: str, seed: int = 0) -> str:
    """One text as a person reads it, with its question, its answer, and the distance."""
    settings = settings_for(scale)
    n_pairs = min(settings.n_pairs, 8)
    texts = draw_texts(settings, torch.Generator().manual_seed(seed), 1, n_pairs)
    *text, question = texts.symbols[0].tolist()
    pairs = "  ".join(f"k{key} v{value - settings.n_pairs}" for key, value in zip(text[::2], text[1::2]))
    return f"{pairs}  | k{question}?  ->  v{texts.answers.item()}   ({texts.distances.item()} symbols back)"


# Training and measuring --------------------------------------------------------------------------------------------


def step_loss(settings: Settings) -> Callable[[nn.Module, torch.Generator], tuple[Tensor, Tensor]]:
    """What one training step minimises: cross-entropy of the answers, on new texts of one length.

    A quarter of the steps have the longest texts; the others' length is log-uniform, because a GRU that has never
    learned to bind one key to one value learns nothing from thirty-two.
    """

    def loss_on_new_texts(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        longest = torch.rand((), generator=generator) < 0.25
        n_pairs = settings.n_pairs if longest else int(_log_uniform(settings.n_pairs, (), generator))
        texts = draw_texts(settings, generator, settings.batch_size, n_pairs, settings.n_questions)
        device = next(model.parameters()).device
        logits = model(texts.symbols.to(device), settings.n_questions).flatten(0, 1)  # (B · Q, n_values)
        answers = texts.answers.flatten().to(device)
        return F.cross_entropy(logits, answers), (logits.argmax(dim=-1) == answers).float().mean()

    return loss_on_new_texts


def recall_by_distance(model: nn.Module, settings: Settings, seed: int) -> dict[str, list[float]]:
    """The share of right answers at every distance, on the longest texts, none of which was trained on."""
    generator = torch.Generator().manual_seed(1_000_003 + seed)  # far from the seeds of training
    curve: dict[str, list[float]] = {"distance": [], "accuracy": []}
    for pairs_back in range(settings.n_pairs):
        curve["distance"].append(2 * pairs_back + 1)
        curve["accuracy"].append(_share_right(model, settings, generator, settings.n_pairs, pairs_back))
    return curve


def recall_of_the_first_pair(model: nn.Module, settings: Settings, seed: int) -> list[float]:
    """The same where nothing stands before the pair that is asked for: texts of 1, 2, 3 … pairs, always the first."""
    generator = torch.Generator().manual_seed(2_000_003 + seed)
    return [_share_right(model, settings, generator, n + 1, n) for n in range(settings.n_pairs)]


@torch.no_grad()
def _share_right(
    model: nn.Module, settings: Settings, generator: torch.Generator, n_pairs: int, pairs_back: int
) -> float:
    """The share of right answers on new texts of one length, about the pair at one place."""
    model.eval()
    texts = draw_texts(settings, generator, settings.texts_per_distance, n_pairs, pairs_back=pairs_back)
    device = next(model.parameters()).device
    right = model(texts.symbols.to(device), 1).argmax(dim=-1).cpu() == texts.answers
    return right.float().mean().item()


def run(
    attention_over_states: Callable[..., tuple[Tensor, Tensor]],
    multi_head_attention: Callable[..., nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    attend: Callable[..., Tensor] | None = None,
    block: Callable[[int, int], nn.Module] | None = None,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
    only: tuple[str, ...] = READERS,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Train the readers on the same texts for the same number of steps, and measure each one's recall.

    `settings` are other sizes than those of the scale, for a control; `block` builds the layers of a transformer.

    In float32 on any device: these models are small. Each reader is saved under `folder` as it trains, and a second
    call goes on where the first was stopped. Raises what `layercake.training.train` raises.
    """
    settings, device = settings or settings_for(scale), device or pick()
    given = {"attend": attend, "block": block, "seed": seed, "only": only}
    models = readers(attention_over_states, multi_head_attention, settings, **given)
    curves: dict[str, Any] = {"scale": scale}
    for name in only:
        model = models[name].to(device.device)
        history = train(
            model,
            step_loss(settings),
            settings.steps,
            learning_rate=settings.gentle_rate if name in GENTLE else settings.learning_rate,
            seed=seed,
            path=_checkpoint(folder, scale, name, seed),
            settings={"lab": "recall", **asdict(settings)},
            name=name,
            fresh=fresh,
        )
        curves[name] = {
            **recall_by_distance(model, settings, seed),
            "first_pair": recall_of_the_first_pair(model, settings, seed),
            "parameters": count_parameters(model),
            "seconds": round(history.seconds, 1),
            "final_loss": sum(history.loss[-20:]) / len(history.loss[-20:]),
        }
    return curves


def _checkpoint(folder: str | Path, scale: str, name: str, seed: int) -> Path:
    return Path(folder) / f"recall-{scale}-{name.replace(' + ', '-and-')}-seed{seed}.safetensors".lower()


@torch.no_grad()
def reading(
    attention_over_states: Callable[..., tuple[Tensor, Tensor]],
    multi_head_attention: Callable[..., nn.Module],
    scale: str,
    *,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Where the trained "GRU + attention" looks: the caller's weights on one text, for a question about each pair.

    Raises CheckpointError where `run` has not trained it yet.
    """
    looked: list[Tensor] = []

    def looks(*given: Tensor) -> tuple[Tensor, Tensor]:
        context, weights = attention_over_states(*given)
        looked.append(weights)
        return context, weights

    settings, name = settings or settings_for(scale), "GRU + attention"
    model = readers(looks, multi_head_attention, settings, seed=seed, only=(name,))[name]
    restore(model, _checkpoint(folder, scale, name, seed))
    n_pairs = min(settings.n_pairs, 8)
    symbols, _, _ = draw_texts(settings, torch.Generator().manual_seed(3_000_003 + seed), 1, n_pairs)
    text = symbols[0, :-1]  # (2 · n_pairs)
    keys, values = text[::2], text[1::2] - settings.n_pairs
    asked = torch.cat([text.expand(n_pairs, -1), keys.unsqueeze(1)], dim=1)  # (n_pairs, 2 · n_pairs + 1)
    right = model.eval()(asked, 1)[:, 0].argmax(dim=-1) == values
    return {
        "keys": [f"k{key}" for key in keys.tolist()],
        "symbols": [word for key, value in zip(keys.tolist(), values.tolist()) for word in (f"k{key}", f"v{value}")],
        "weights": looked[0].tolist(),  # (n_pairs, 2 · n_pairs)
        "right": right.tolist(),
    }
