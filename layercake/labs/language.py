"""The lab of the topic rnn: how much of the loss is the model's own fault?

A recurrent language model reads the village, many texts side by side, a chunk of each at a time; the state goes on from
chunk to chunk and the gradient ends at the seam (truncated backpropagation through time, Williams & Peng 1990). No text
comes twice. It is judged on documents of the validation split, each read from its own beginning, against what the best
possible reader is charged for the same tokens: `village.surprisal`, which is exact. The difference is the gap.

The classes and the loop over the chunks come from the caller, and are what is trained and what trains. Only at the
largest scale, where the caller's layers give the numbers of PyTorch's fused ones, are these trained in their place: the
same weights, several times as fast on a GPU.
"""

import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layercake import village
from layercake.device import Device, check_scale, pick
from layercake.figures.lab_language import alt_text, finding, plot
from layercake.labs import judging
from layercake.labs.judging import GROUPS, Validation, measuring_steps, validation
from layercake.training import count_parameters, train

__all__ = [
    "FUSED", "SCALES", "Curve", "Settings", "Streams", "alt_text", "build", "example",
    "finding", "numbered", "plot", "run", "sample", "sample_story", "settings_for",
]  # fmt: skip

FUSED = {"LSTM": nn.LSTM, "GRU": nn.GRU, "RNN": nn.RNN}
Read = Callable[[Any, Tensor, int], Iterator[Tensor]]  # model, tokens (B, N + 1), chunk_length -> a loss for each chunk
CHUNKS = 8  # that are handed over as one text
PER_SEED = 10**9  # documents that one seed may open before it meets those of the next


@dataclass(frozen=True)
class Settings:
    """All sizes of the lab at one scale."""

    d_model: int
    n_layers: int
    steps: int
    batch_size: int  # texts side by side
    chunk_length: int  # tokens of each in one step, and the farthest that the gradient goes back
    n_documents: int  # to be judged on
    learning_rate: float
    kinds: tuple[str, ...] | None = None  # of documents to learn from; all where none is named

    @property
    def tokens_per_step(self) -> int:
        return self.batch_size * self.chunk_length


SCALES = {
    "smoke": Settings(64, 1, 240, 16, 32, 40, 1e-2),
    "laptop": Settings(192, 1, 3000, 32, 64, 400, 8e-3),
    "colab": Settings(512, 2, 12000, 64, 128, 400, 2e-3),  # sized by estimate: not yet run on a T4
}


def settings_for(scale: str) -> Settings:
    """The sizes at one scale. Raises ValueError, naming the three, for another word."""
    return SCALES[check_scale(scale)]


# Text to learn from ------------------------------------------------------------------------------------------------


def numbered(seed: int, kinds: Sequence[str] | None = None, start: int = 0) -> Iterator[village.Document]:
    """The documents that a run with this seed learns from, in the order in which they are opened, without end."""
    return (_document(seed, n, kinds) for n in count(start))


def _document(seed: int, n: int, kinds: Sequence[str] | None = None) -> village.Document:
    """Document n of a seed. Each is the first of a seed of its own, so that none has to be drawn to get the next."""
    return next(village.documents((seed + 1) * PER_SEED + n, "train", kinds))


class Reading:
    """A model in the middle of a text: where it is called without a state, it goes on from where it was."""

    def __init__(self, model: nn.Module, state: Any):
        self.model, self.state, self.logits = model, state, torch.empty(0)

    def __call__(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        self.logits, self.state = self.model(tokens, self.state if state is None else state)
        return self.logits, self.state


class Streams:
    """Texts side by side, without end. A call reads the next chunk of each and gives the loss, as `train` wants it.

    `read` walks through a text in chunks, as `truncated_bptt` does; it gets `CHUNKS` at a time. With a `Validation` and
    steps to measure at, the model is judged before these steps; `measured` has a row for each.
    """

    def __init__(
        self,
        settings: Settings,
        seed: int,
        read: Read,
        exam: "Validation | None" = None,
        measure_at: Sequence[int] = (),
    ):
        self.settings, self.seed, self.read = settings, seed, read
        self.exam, self.measure_at = exam, frozenset(measure_at)
        self.rows = [[village.END] for _ in range(settings.batch_size)]  # of each text, what has not been predicted yet
        self.step, self.n_opened = 0, 0
        self.chunks: list[Tensor] = []  # of the text that is being read, those still to come
        self.reading, self.losses = None, iter(())  # of that text
        self.state: Any = None
        self.measured: list[list[float]] = []

    def next_chunk(self) -> Tensor:
        """The next tokens of every text, the last of the chunk before in front: (B, chunk_length + 1)."""
        T, chunks = self.settings.chunk_length, []
        for b, row in enumerate(self.rows):
            while len(row) < T + 1:
                row += _document(self.seed, self.n_opened, self.settings.kinds).tokens
                self.n_opened += 1
            chunks.append(row[: T + 1])
            self.rows[b] = row[T:]
        return torch.tensor(chunks)

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Loss in nats per token, and the share of tokens that were the model's first choice. What is drawn depends on
        the seed alone, so the generator is left as it is. Raises ValueError where `read` reads other chunks than it
        was asked for."""
        if self.exam and self.step in self.measure_at:
            self.measured.append(self.exam.judge(model))
        if not self.chunks:
            self._begin(model)
        loss, targets = next(self.losses, None), self.chunks.pop(0)[:, 1:]  # (B, T)
        logits = self.reading.logits  # (B, T, vocab_size)
        if loss is None or logits.shape[:2] != targets.shape:
            raise ValueError(
                f"the loop over the chunks was to read {tuple(targets.shape)} tokens, and "
                + ("ended before" if loss is None else f"gave logits for {tuple(logits.shape[:2])}")
                + "; does your truncated_bptt pass its check?"
            )
        self.state = _each(self.reading.state, Tensor.detach)
        self.step += 1
        return loss, (logits.argmax(dim=-1) == targets.to(logits.device)).float().mean()

    def _begin(self, model: nn.Module) -> None:
        """Hand the next chunks of each text over, as one text that goes on from the state."""
        device = next(model.parameters()).device
        self.chunks = [self.next_chunk() for _ in range(CHUNKS)]
        text = torch.cat([self.chunks[0][:, :1], *(chunk[:, 1:] for chunk in self.chunks)], dim=1).to(device)
        self.reading = Reading(model, _each(self.state, lambda tensor: tensor.to(device)))
        self.losses = iter(self.read(self.reading, text, self.settings.chunk_length))

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that the next step depends on, as tensors."""
        rows = [
            [*(token for chunk in self.chunks for token in chunk[b, :-1].tolist()), *row]
            for b, row in enumerate(self.rows)
        ]
        there = {"step": self.step, "opened": self.n_opened, "lengths": [len(row) for row in rows]}
        there["rows"] = [token for row in rows for token in row]
        tensors = {name: torch.tensor(value) for name, value in there.items()}
        tensors["measured"] = torch.tensor(self.measured, dtype=torch.float64).view(-1, len(GROUPS))
        return tensors | _as_tensors(self.state)

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        """Go on from there. Raises ValueError where it is the state of another number of texts."""
        lengths = tensors["lengths"].tolist()
        if len(lengths) != self.settings.batch_size:
            raise ValueError(f"{len(lengths)} texts were being read; here there are {self.settings.batch_size}")
        self.step, self.n_opened = int(tensors["step"]), int(tensors["opened"])
        self.rows, self.chunks = [row.tolist() for row in tensors["rows"].split(lengths)], []
        self.measured = tensors["measured"].tolist()
        self.state = _from_tensors(tensors)


def _each(state: Any, of: Callable[[Tensor], Tensor]) -> Any:
    """The same state with each of its tensors replaced: a list of layers, each a tensor or a tuple of tensors."""
    if state is None or isinstance(state, Tensor):
        return None if state is None else of(state)
    return type(state)(_each(part, of) for part in state)


def _as_tensors(state: Any) -> dict[str, Tensor]:
    """The state under names: `state.0` where layer 0 has one tensor, `state.0.0` and `state.0.1` where it has two."""
    named = {}
    for i, layer in enumerate(state or []):
        parts = (
            {f"state.{i}": layer} if isinstance(layer, Tensor) else {f"state.{i}.{j}": p for j, p in enumerate(layer)}
        )
        named |= {name: part.detach() for name, part in parts.items()}
    return named


def _from_tensors(tensors: dict[str, Tensor]) -> Any:
    """The state that has these names; None where there is none."""
    layers: dict[str, Any] = {}
    for name in (name for name in tensors if name.startswith("state.")):
        _, layer, *part = name.split(".")
        layers[layer] = (*layers.get(layer, ()), tensors[name]) if part else tensors[name]
    return [layers[str(i)] for i in range(len(layers))] or None


# The model ---------------------------------------------------------------------------------------------------------


def build(
    model_class: Callable[..., nn.Module], layer: Any, settings: Settings, fused: bool = False
) -> tuple[nn.Module, str, bool]:
    """The caller's model; the name of its layers, such as "LSTM"; and whether they give the numbers of PyTorch's.

    `layer` is a cell, which the caller's scan takes from position to position, or one of `nn.LSTM`, `nn.GRU` and
    `nn.RNN`. A cell that gives the numbers of one of these, in two pieces of a text, is called by its name, and
    with `fused` replaced by it.
    """
    make = partial(model_class, len(village.VOCABULARY), settings.d_model, settings.n_layers)
    for name, whole in FUSED.items():
        if layer is whole:
            return make(layer=partial(whole, batch_first=True), scan=operator.call), name, True
    own = make(layer=layer)
    for name, whole in FUSED.items():
        other = make(layer=partial(whole, batch_first=True), scan=operator.call)
        if _take_weights(own, other) and _same_numbers(own, other):
            return other if fused else own, name, True
    return own, getattr(layer, "__name__", type(layer).__name__).removesuffix("Cell"), False


def _take_weights(own: nn.Module, fused: nn.Module) -> bool:
    """Put the weights of a model into one whose layers call them `…_l0`; False where they do not fit."""
    there = fused.state_dict()
    renamed = {name if name in there else f"{name}_l0": weight for name, weight in own.state_dict().items()}
    if {name: w.shape for name, w in renamed.items()} != {name: w.shape for name, w in there.items()}:
        return False
    fused.load_state_dict(renamed)
    return True


@torch.no_grad()
def _same_numbers(own: nn.Module, fused: nn.Module) -> bool:
    """Whether two models give the same logits, also when they go on from where they were."""
    tokens, outputs = torch.randint(len(village.VOCABULARY), (4, 12), generator=torch.Generator().manual_seed(0)), []
    for model in (own, fused):
        first, state = model(tokens[:, :7])
        outputs.append(torch.cat([first, model(tokens[:, 7:], state)[0]], dim=1))  # (4, 12, vocab_size)
    return torch.allclose(*outputs, atol=1e-4)


# The lab -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve(judging.Curve):
    """What one run gave: losses on the validation documents while it learned, their bound, and the model."""

    layer: str
    bound: dict[str, float]  # what the best possible reader is charged for the same


def run(
    model_class: Callable[..., nn.Module],
    layer: Any,
    read: Read,
    scale: str,
    device: Device | None = None,
    *,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
    settings: Settings | None = None,
    stop_after: int | None = None,
) -> Curve:
    """Train the caller's language model on the village, chunk by chunk as `read` gives the losses (`truncated_bptt`),
    and hold it against the exact bound.

    In float32 on any device. The run is saved under `folder`, and a second call goes on where the first was stopped;
    `stop_after` stops it at a step. `settings` are other sizes than those of the scale, for a measurement of one's own.
    Raises ValueError for an unknown scale, and what `layercake.training.train` raises.
    """
    settings, device = settings or settings_for(scale), device or pick()
    torch.manual_seed(seed)
    fused = scale == "colab"  # where a step of a hundred words would wait for Python
    model, name, is_same = build(model_class, layer, settings, fused)
    print(_what_is_trained(model, name, is_same, fused, settings))
    exam, at = validation(settings.n_documents), measuring_steps(settings.steps)
    streams = Streams(settings, seed, read, exam, at[:-1])
    history = train(
        model.to(device.device),
        streams,
        settings.steps,
        learning_rate=settings.learning_rate,
        seed=seed,
        path=Path(folder) / f"language-{scale}-{name.lower()}-seed{seed}.safetensors",
        settings={"lab": "language", "village": village.fingerprint(), "same": is_same, **asdict(settings)},
        name=name,
        fresh=fresh,
        stop_after=stop_after,
    )
    at = [step for step in at if step < len(history.loss)] + [len(history.loss)]
    losses = zip(*streams.measured, exam.judge(model))
    return Curve(
        scale=scale,
        layer=name,
        tokens=[step * settings.tokens_per_step for step in at],
        loss={group: list(values) for group, values in zip(GROUPS, losses)},
        bound=exam.bound,
        parameters=count_parameters(model),
        seconds=round(history.seconds, 1),
        model=model,
    )


def _what_is_trained(model: nn.Module, name: str, is_same: bool, fused: bool, settings: Settings) -> str:
    size = f"{count_parameters(model):,} parameters, {settings.steps * settings.tokens_per_step:,} tokens of new text"
    if is_same:
        trained = "which is trained in their place" if fused else "and are trained as you wrote them"
        return f"{size}; your layers give the numbers of PyTorch's nn.{name}, {trained}."
    return f"{size}; {name} gives the numbers of none of PyTorch's layers, so there is no recorded curve to follow."


def example(scale: str) -> str:
    """The shortest story of the validation documents, as a person reads it."""
    documents = validation(settings_for(scale).n_documents).documents
    return min((document for document in documents if document.kind == "story"), key=lambda d: len(d.tokens)).text


@torch.no_grad()
def sample(
    model: nn.Module,
    draw: Callable[..., Tensor],
    prompt: str = "",
    *,
    n_tokens: int = 400,
    temperature: float = 1.0,
    seed: int = 0,
) -> str:
    """Go on from a prompt to the end of the document, or for `n_tokens`; returns the prompt and what follows.

    `draw(logits, temperature=…, generator=…)` chooses a token from each row of logits (1, vocab_size), as
    `solutions.prediction.sample` does. Raises ValueError for a prompt with words that the village does not have.
    """
    generator, device = torch.Generator().manual_seed(seed), next(model.parameters()).device
    written = [village.END, *village.encode(prompt)]
    logits, state = model(torch.tensor([written], device=device))
    for _ in range(n_tokens):
        token = int(draw(logits[:, -1].cpu(), temperature=temperature, generator=generator))
        written.append(token)
        if token == village.END:
            break
        logits, state = model(torch.tensor([[token]], device=device), state)
    return village.decode(written[1:])


def sample_story(curve: Curve, draw: Callable[..., Tensor] | None = None, *, seed: int = 0) -> str:
    """A story by the trained model, drawn at temperature 1, by the sampler of the topic prediction or one of yours."""
    if draw is None:
        from solutions.prediction import sample as draw
    return sample(curve.model, draw, "chapter 1\n", seed=seed)
