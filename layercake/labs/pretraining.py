"""The lab of the topics transformer and pretraining: one run that makes a language model of a text.

    curve = run(GPT, "laptop")                             # the village, where the best possible loss is known
    curve = run(GPT, "laptop", corpus="tinystories")       # or "tinyshakespeare", or the path of a text file

    python -m layercake.labs.pretraining --scale smoke
    torchrun --nproc-per-node 2 -m layercake.labs.pretraining --scale smoke

Windows are cut out of the text at random places. They are as long as the longest document that is judged, within a few
tokens, since rotary positions fail at distances that training never had (Press et al. 2022). On the village the model
is judged as in the lab of the topic rnn: on whole validation documents, each from its own beginning, against the exact
bound. Of another text the tokens come from byte-level BPE, learned on the beginning of its training split; there is no
bound, and the loss is given in bits per byte as well.

With several processes each takes an equal part of every batch, and the gradients are averaged (DistributedDataParallel,
Li et al. 2020). Which parts are put in by the caller: the model, `get_batch`, `train_step`, `warmup_cosine`.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache, partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from layercake import corpus as corpora
from layercake import village
from layercake.device import Device, check_scale, pick
from layercake.figures.pretraining_figure import alt_text, finding, plot
from layercake.labs import language
from layercake.processes import average, processes, rank_and_number
from layercake.training import CheckpointError, History, TrainingError, diverged, lately, train

__all__ = [
    "SCALES", "Curve", "Settings", "Text", "alt_text", "check", "finding", "memory", "open_text", "plot", "processes",
    "run", "sample_story", "settings_for",
]  # fmt: skip

FEWEST_TOKENS, MOST_TOKENS = 100_000, 20_000_000  # of the village, which has no end; a longer run meets some again
LEARNS_FROM = 2_000_000  # characters of another text, the first, from which its tokenizer is learned


@dataclass(frozen=True)
class Settings:
    """All sizes of the lab at one scale."""

    d_model: int
    n_layers: int
    n_heads: int
    context: int  # tokens of the longest text that the model reads
    window: int  # tokens of each text in a batch
    batch_size: int  # windows in one step, of all processes together
    steps: int
    learning_rate: float
    n_documents: int  # of the village, to be judged on
    vocab_size: int  # of the tokenizer of a text that is not the village
    n_characters: int  # of such a text's validation split, to be judged on
    warm_up: int = 100  # steps
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.95)
    accumulate: int = 1  # parts that a batch is computed in, one after the other: the same step in less memory

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.window


SCALES = {
    "smoke": Settings(64, 2, 1, 1024, 512, 2, 400, 5e-3, 40, 512, 20_000, warm_up=20),
    "laptop": Settings(128, 4, 2, 1024, 1024, 1, 10_500, 4e-3, 400, 2048, 200_000, betas=(0.9, 0.99)),
    "colab": Settings(384, 6, 6, 1024, 1024, 32, 1500, 2e-3, 400, 4096, 1_000_000),
}  # "colab" is sized by estimate, and has not run on a T4 yet; `memory` says what it needs


def settings_for(scale: str) -> Settings:
    """The sizes at one scale. Raises ValueError, naming the three, for another word."""
    return SCALES[check_scale(scale)]


def memory(settings: Settings, vocab_size: int, dtype: torch.dtype = torch.float16) -> dict[str, int]:
    """The bytes that training needs at its fullest, between forward and backward, by what they hold.

    Weights, their gradients and AdamW's two running means are float32, 4 bytes a number. Activations are what the
    operations of `solutions.transformer` keep for the backward pass, for each token of one part of a batch, with
    attention by a kernel that keeps no scores; h bytes where matrices are multiplied in `dtype`, 4 elsewhere.
    """
    from solutions.transformer import count_parameters, hidden_width

    d, f, h = settings.d_model, hidden_width(settings.d_model), dtype.itemsize
    mixed = h < 4  # then each product keeps a short copy of what it multiplies
    n = sum(count_parameters(vocab_size, d, settings.n_layers).values())
    norm = 8 * d + 4  # the input, the input divided by its length, and 1 / length
    attention = norm + (3 if mixed else 1) * h * d + 5 * h * d + 4 * settings.n_heads  # in, q, k, v, out, its copy
    feed_forward = norm + (2 if mixed else 1) * h * d + 4 * h * f  # in, gate, silu(gate), up, their product
    tokens = settings.tokens_per_step // settings.accumulate
    return {
        "weights": 4 * n,
        "copies of the weights": h * n if mixed else 0,
        "gradients": 4 * n,
        "AdamW": 8 * n,
        "activations": tokens * (settings.n_layers * (attention + feed_forward) + norm + h * d),
        "scores": tokens * (h + 8) * vocab_size,  # logits, and in float32 their log-softmax and its gradient
    }


# Text --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Text:
    """What is learned from, and what it is judged by."""

    name: str
    tokens: Tensor  # (n_tokens)
    vocab_size: int
    encode: Callable[[str], list[int]]
    decode: Callable[[list[int]], str]
    judge: Callable[[nn.Module], dict[str, float]]  # the model's mean losses on validation text, nats per token
    longest: int  # tokens that judging reads at once
    opening: str  # what a sample begins with
    bound: dict[str, float] = field(default_factory=dict)  # the best possible reader's losses, where they are known
    bits: float | None = None  # per byte, that one nat per token makes

    @cached_property
    def fingerprint(self) -> str:
        """What tells this text from another: losses on two texts are not to be compared."""
        return sha256(self.tokens.numpy().tobytes()).hexdigest()[:16]

    @property
    def label(self) -> str:
        """Its name in that of a file: texts that people bring may be called alike."""
        return self.name if self.bound else f"{self.name}-{self.fingerprint[:6]}"


def open_text(name: str | Path, settings: Settings, seed: int = 0) -> Text:
    """The village, drawn by the seed, or another text; raises what `layercake.corpus.load` raises."""
    if name == "village":
        n_tokens = min(max(settings.steps * settings.tokens_per_step, FEWEST_TOKENS), MOST_TOKENS)
        return _village(n_tokens, settings.n_documents, seed)
    return _tokenized(str(name), settings.vocab_size, settings.n_characters, settings.window)


@lru_cache(2)
def _village(n_tokens: int, n_documents: int, seed: int) -> Text:
    text, exam = corpora.load("village", "train", n_tokens=n_tokens, seed=seed), language.validation(n_documents)
    longest = max(len(document.tokens) for document in exam.documents)

    def judge(model: nn.Module) -> dict[str, float]:
        return dict(zip(language.GROUPS, exam.judge(model)))

    return Text(
        "village", text.tokens, text.vocab_size, text.encode, text.decode, judge, longest, "chapter 1\n", exam.bound
    )


@lru_cache(2)
def _tokenized(name: str, vocab_size: int, n_characters: int, T: int) -> Text:
    """A text as the tokens of byte-level BPE, learned on the beginning of its training split."""
    learned, held_out = corpora.load(name, "train").text, corpora.load(name, "validation").text[:n_characters]

    from solutions.prediction import bits_per_byte
    from solutions.pretraining import decode, encode, evaluate, train_bpe

    try:
        merges = train_bpe(learned[:LEARNS_FROM], vocab_size)
    except ValueError as error:
        raise ValueError(
            f'"{name}" is too short, or too much alike, for a tokenizer of {vocab_size} tokens ({error}): take a text '
            "of some hundred kB, or settings with a smaller vocab_size"
        ) from None
    tokens, judged = torch.tensor(encode(learned, merges)), torch.tensor(encode(held_out, merges))
    if len(judged) < 2:
        raise ValueError(
            f'the last part of "{name}", which a model is judged on, has no two tokens: take a longer text'
        )
    n_bytes = len(held_out.encode("utf-8"))

    def judge(model: nn.Module) -> dict[str, float]:
        return {"all": evaluate(model, judged, T)}

    return Text(
        Path(name).stem, tokens, 256 + len(merges), partial(encode, merges=merges), partial(decode, merges=merges),
        judge, T, held_out[:40], bits=bits_per_byte(1.0, len(judged), n_bytes),
    )  # fmt: skip


def check(settings: Settings, text: Text, n_processes: int = 1) -> None:
    """Raises ValueError, before anything is trained, where a run with this text and these sizes would fail."""
    tokens, T = text.tokens, settings.window
    if settings.context < T:
        raise ValueError(f"a window of {T} tokens is longer than the model's context of {settings.context}")
    if text.longest > settings.context:
        raise ValueError(
            f"validation documents have up to {text.longest} tokens, and the model's context is {settings.context}"
        )
    if not len(tokens):
        raise ValueError(f'the training split of "{text.name}" is empty: there is nothing to learn from')
    if len(tokens) <= T:
        raise ValueError(f'the training split of "{text.name}" has {len(tokens)} tokens; one window needs {T + 1}')
    if len(wrong := ((tokens < 0) | (tokens >= text.vocab_size)).nonzero()):
        at = int(wrong[0])
        raise ValueError(
            f'token {at} of "{text.name}" is {int(tokens[at])}, and the vocabulary has the tokens 0 to '
            f"{text.vocab_size - 1}: encode the text with the tokenizer whose vocabulary the model has"
        )
    if settings.batch_size % n_processes:
        raise ValueError(
            f"a batch of {settings.batch_size} windows cannot be shared equally by {n_processes} processes: start a "
            "number of processes that divides it"
        )
    if not 1 <= settings.accumulate <= settings.batch_size // n_processes:
        raise ValueError(
            f"accumulate = {settings.accumulate}, and a process has {settings.batch_size // n_processes} windows of "
            "each batch: choose a number from 1 to that"
        )


# Steps -------------------------------------------------------------------------------------------------------------


class Steps:
    """Takes the steps of a run, as `train` wants it; before some of them the model is judged.

    Every process draws the same batch from the same generator and takes its own part. `train_step` divides by the
    targets of that part, and DistributedDataParallel averages the gradients over the processes before they are
    clipped: so the step is that of the whole batch. With `accumulate` they are averaged after each part of a part,
    which costs time on a network and changes nothing.
    """

    def __init__(
        self, text: Text, settings: Settings, device: Device, forward: nn.Module, get_batch, train_step, meanwhile=True
    ):
        self.text, self.settings, self.device, self.forward = text, settings, device, forward
        self.get_batch, self.train_step = get_batch, train_step
        self.scaler = torch.amp.GradScaler(device.device.type, enabled=device.dtype == torch.float16)
        self.measure_at = frozenset(language.measuring_steps(settings.steps)[:-1] if meanwhile else ())
        self.rank, self.n_processes = rank_and_number()
        self.step, self.measured = 0, []

    def batch(self, generator: torch.Generator) -> list[tuple[Tensor, Tensor]]:
        """This process's part of the next batch, in as many parts as are accumulated: (fewer, T) each."""
        drawn = self.get_batch(self.text.tokens, self.settings.batch_size, self.settings.window, generator)
        inputs, targets = (part.chunk(self.n_processes)[self.rank].to(self.device.device) for part in drawn)
        return list(zip(inputs.chunk(self.settings.accumulate), targets.chunk(self.settings.accumulate)))

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss of the next batch, without learning from it."""
        losses = []
        for inputs, targets in (batch := self.batch(generator)):
            with torch.autocast(inputs.device.type, self.device.dtype, enabled=self.device.dtype != torch.float32):
                logits = model(inputs)[0]  # (B, T, vocab_size)
            losses.append(F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum"))
        loss = average(torch.stack(losses).sum() / sum(targets.numel() for _, targets in batch))
        return loss, loss

    def take(self, model: nn.Module, optimiser: torch.optim.Optimizer, _, generator: torch.Generator):
        """One step; returns the loss of the whole batch and the length of its gradient."""
        if self.step in self.measure_at:
            self.measured.append(self.text.judge(model))
        loss, norm = self.train_step(
            self.forward, optimiser, self.batch(generator), dtype=self.device.dtype, scaler=self.scaler
        )
        loss = average(loss)
        if loss.isfinite() and not norm.isfinite() and not self.scaler.is_enabled():  # the scaler skips such a step
            raise diverged(f"The gradient's length is {norm.item()}", self.step, optimiser)
        self.step += 1
        return loss, norm

    def show(self, history: History) -> dict[str, str]:
        """What stands beside the progress bar."""
        said = {"loss": f"{lately(history.loss):.3f}"}
        if self.measured and self.text.bound:
            said["gap to the bound"] = f"{self.measured[-1]['all'] - self.text.bound['all']:.3f}"
        elif self.measured:
            said["bits per byte"] = f"{self.measured[-1]['all'] * self.text.bits:.3f}"
        return said

    def state_dict(self) -> dict[str, Tensor]:
        """What the next step depends on beside model, optimiser and generator; and what was measured."""
        rows = [list(losses.values()) for losses in self.measured]
        saved = {"step": torch.tensor(self.step), "measured": torch.tensor(rows, dtype=torch.float64)}
        return saved | {
            f"scaler.{name}": torch.tensor(value, dtype=torch.float64)
            for name, value in self.scaler.state_dict().items()
        }

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Go on from there. A run that did not need a scaler so far may go on where one is needed, and the reverse."""
        self.step = int(tensors["step"])
        groups = list(self.text.bound) or ["all"]
        self.measured = [dict(zip(groups, row)) for row in tensors["measured"].tolist()]
        scaler = {name.removeprefix("scaler."): tensors[name].item() for name in tensors if name.startswith("scaler.")}
        if scaler and self.scaler.is_enabled():
            whole = {"growth_interval", "_growth_tracker"}
            self.scaler.load_state_dict({k: int(v) if k in whole else v for k, v in scaler.items()})


# The lab -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """What one run gave: losses on validation text while it learned, their bound where there is one, and the model."""

    scale: str
    corpus: str
    tokens: list[int]  # how many had been read
    loss: dict[str, list[float]]  # over all tokens, and over those of each kind, each time; nats per token
    parameters: int
    seconds: float
    model: nn.Module = field(repr=False, compare=False)
    text: Text = field(repr=False, compare=False)

    @property
    def bound(self) -> dict[str, float]:
        """What the best possible reader is charged for the same; empty where nobody knows."""
        return self.text.bound

    @property
    def tokens_per_second(self) -> float:
        """Over the whole run, judging included."""
        return self.tokens[-1] / self.seconds

    def gap(self, group: str = "all") -> float:
        """How far above the bound the model ends, in nats per token. Raises KeyError where there is no bound."""
        return self.loss[group][-1] - self.bound[group]

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
    losses = {group: [row[group] for row in rows] for group in rows[0]}
    return Curve(
        scale, steps.text.name, [step * size for step in at], losses, language.count_parameters(model),
        round(history.seconds, 1), model, steps.text,
    )  # fmt: skip


def _what_is_trained(model: nn.Module, text: Text, settings: Settings, device: Device) -> str:
    n, dtype = rank_and_number()[1], str(device.dtype).removeprefix("torch.")
    shared = f", shared by {n} processes" if n > 1 else ""
    return (
        f"{language.count_parameters(model):,} parameters, {settings.steps * settings.tokens_per_step:,} tokens of "
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


# The command line --------------------------------------------------------------------------------------------------


def main() -> None:
    """Read the command line, train, and say what came of it; exits with 1 and the reason where that cannot be."""
    try:
        import typer
    except ModuleNotFoundError:
        sys.exit("layercake.labs.pretraining: the command line needs one more package: pip install typer")

    def command(
        scale: Annotated[str, typer.Option(help=f"All sizes: {', '.join(SCALES)}.")] = "smoke",
        corpus: Annotated[str, typer.Option(help="village, tinystories, tinyshakespeare, or a text file.")] = "village",
        steps: Annotated[int | None, typer.Option(min=1, help="Another number of steps than the scale's.")] = None,
        seed: Annotated[int, typer.Option(help="Of the first weights, of the windows, and of the village.")] = 0,
        folder: Annotated[Path, typer.Option(help="Where the run is saved.")] = Path("layercake-runs"),
        fresh: Annotated[bool, typer.Option("--fresh", help="Start again, over a run that was saved.")] = False,
        compiled: Annotated[bool, typer.Option("--compile", help="Train through torch.compile.")] = False,
    ) -> None:
        """Pretrain the course's GPT on a text. A run that was stopped goes on where it was saved.

        With torchrun --nproc-per-node N -m layercake.labs.pretraining, N processes share every batch.
        """
        from solutions.transformer import GPT

        torch.set_flush_denormal(True)  # numbers that have faded to almost nothing take a CPU several times as long
        with _clear_errors(), processes():
            settings = settings_for(scale)
            settings = replace(settings, steps=steps) if steps else settings
            curve = run(
                GPT, scale, corpus=corpus, seed=seed, folder=folder, fresh=fresh, settings=settings, compiled=compiled
            )
            if rank_and_number()[0] == 0:
                print(alt_text(curve), f"{curve.tokens_per_second:,.0f} tokens a second.")

    typer.run(command)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Errors that a user can do something about, as one line and an exit code."""
    try:
        yield
    except (ValueError, FileNotFoundError, TrainingError, CheckpointError, corpora.DownloadError) as error:
        sys.exit(f"layercake.labs.pretraining: {error}".replace("pass fresh=True", "pass --fresh"))


if __name__ == "__main__":
    main()
