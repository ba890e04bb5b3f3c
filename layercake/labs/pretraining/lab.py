"""One run that makes a language model of a text, and what it writes."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from layercake import village
from layercake.device import Device, check_scale, pick
from layercake.labs import judging
from layercake.labs.pretraining.settings import Settings, settings_for
from layercake.labs.pretraining.steps import Steps
from layercake.labs.pretraining.text import Text, check, open_text
from layercake.processes import rank_and_number
from layercake.training import History, count_parameters, train


@dataclass(frozen=True)
class Curve(judging.Curve):
    """What one run gave: losses on validation text while it learned, their bound where there is one, and the model."""

    corpus: str
    text: Text = field(repr=False, compare=False)

    @property
    def bound(self) -> dict[str, float]:
        """What the best possible reader is charged for the same; empty where nobody knows."""
        return self.text.bound

    @property
    def tokens_per_second(self) -> float:
        """Over the whole run, judging included."""
        return self.tokens[-1] / self.seconds

    def bits_per_byte(self) -> float | None:
        """The loss at the end in a unit that holds for any tokenizer; None for the village, whose tokens are words."""
        return None if self.text.bits is None else self.loss["all"][-1] * self.text.bits


def run(
    model_class: Callable[..., nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    corpus: str | Path = "village",
    get_batch: Callable[..., tuple[Tensor, Tensor]] | None = None,
    train_step: Callable[..., tuple[Tensor, Tensor]] | None = None,
    warmup_cosine: Callable[..., float] | None = None,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
    settings: Settings | None = None,
    stop_after: int | None = None,
    compiled: bool = False,
    meanwhile: bool = True,
) -> Curve:
    """Pretrain the caller's model on a text and judge it on text that was held out.

    The functions that are not handed in are those of `solutions.pretraining`. The run is saved under `folder`, and a
    second call goes on where the first was stopped; `stop_after` stops it at a step. `settings` are other sizes than
    those of the scale. `compiled` trains through `torch.compile`: faster after a minute or so, in other roundings.
    Where the model is not judged `meanwhile`, the curve is its end alone.
    Raises ValueError for an unknown scale or text and for what `check` refuses, and what `layercake.training.train`
    raises.
    """
    from solutions import pretraining as reference

    settings, device = settings or settings_for(scale), device or pick()
    check_scale(scale)
    text = open_text(corpus, settings, seed)
    check(settings, text, rank_and_number()[1])
    torch.manual_seed(seed)
    model = model_class(text.vocab_size, settings.context, settings.d_model, settings.n_layers, settings.n_heads)
    model = model.to(device.device)
    forward = DistributedDataParallel(model) if rank_and_number()[1] > 1 else model
    forward = torch.compile(forward) if compiled else forward
    draw, step = get_batch or reference.get_batch, train_step or reference.train_step
    steps = Steps(text, settings, device, forward, draw, step, meanwhile)
    if steps.rank == 0:
        print(_what_is_trained(model, text, settings, device))
    history = train(
        model,
        steps,
        settings.steps,
        learning_rate=settings.learning_rate,
        seed=seed,
        path=Path(folder) / f"pretraining-{text.label}-{scale}-seed{seed}.safetensors",
        settings={"lab": "pretraining", "text": text.fingerprint, **_of_the_run(settings)},
        name=model_class.__name__,
        fresh=fresh,
        stop_after=stop_after,
        rate=partial(warmup_cosine or reference.warmup_cosine, warm_up=min(settings.warm_up, settings.steps // 2)),
        optimiser=torch.optim.AdamW(
            model.parameters(), lr=settings.learning_rate, betas=settings.betas, weight_decay=settings.weight_decay
        ),
        take_step=steps.take,
        show=steps.show,
        tokens_per_step=settings.tokens_per_step,
        leads=steps.rank == 0,
    )
    return _curve(scale, model, steps, history)


def _of_the_run(settings: Settings) -> dict[str, Any]:
    """The settings that a checkpoint depends on: in how many parts a batch is computed only changes roundings."""
    return {name: value for name, value in asdict(settings).items() if name != "accumulate"}


def _curve(scale: str, model: nn.Module, steps: Steps, history: History) -> Curve:
    done, size = len(history.loss), steps.settings.tokens_per_step
    at = [step for step in sorted(steps.measure_at) if step < done] + [done]
    rows = [*steps.measured, steps.text.judge(model)]
    return Curve(
        scale=scale,
        corpus=steps.text.name,
        tokens=[step * size for step in at],
        loss={group: [row[group] for row in rows] for group in rows[0]},
        parameters=count_parameters(model),
        seconds=round(history.seconds, 1),
        model=model,
        text=steps.text,
    )


def _what_is_trained(model: nn.Module, text: Text, settings: Settings, device: Device) -> str:
    n, dtype = rank_and_number()[1], str(device.dtype).removeprefix("torch.")
    shared = f", shared by {n} processes" if n > 1 else ""
    return (
        f"{count_parameters(model):,} parameters, {settings.steps * settings.tokens_per_step:,} tokens of "
        f"{text.name}, {settings.tokens_per_step:,} in a step{shared}; {device.device.type} with {dtype} "
        f"({device.reason})."
    )


def sample_story(
    curve: Curve,
    generate: Callable[..., Tensor] | None = None,
    prompt: str | None = None,
    *,
    n_tokens: int = 400,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """A text by the trained model: from the prompt to the end of the document, or for `n_tokens`.

    Without a prompt it is a story of the village, or goes on from the first words of the validation text. `generate` is
    that of the topic transformer, tokens are drawn by `sample` of the topic prediction.

    Raises ValueError where the prompt leaves no room in the model's context, or is empty and no mark stands before it.
    """
    from solutions.prediction import sample
    from solutions.transformer import generate as reference

    generator, device = torch.Generator().manual_seed(seed), next(curve.model.parameters()).device
    start = curve.text.encode(curve.text.opening if prompt is None else prompt)
    start = [village.END, *start] if curve.corpus == "village" else start
    if not 0 < len(start) < curve.model.context:
        raise ValueError(
            f"the prompt has {len(start)} tokens: it needs one at least, and fewer than the context of "
            f"{curve.model.context}, so that there is room to go on"
        )

    def choose(logits: Tensor) -> Tensor:
        return sample(logits.cpu(), temperature, generator=generator).to(device)  # (1, vocab_size) -> (1)

    n_tokens = min(n_tokens, curve.model.context - len(start))
    written = (generate or reference)(curve.model, torch.tensor([start], device=device), n_tokens, choose)[0].tolist()
    if curve.corpus == "village":
        written = written[1 : [*written, village.END].index(village.END, len(start)) + 1]
    return curve.text.decode(written)
