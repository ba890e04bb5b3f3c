"""The lab of the attention topic: how far back can a reader recall?

A text is a row of key–value pairs, all keys different; then a key is asked again, and the reader names its value:

    k3 v0  k7 v2  k1 v2  k5 v1  k7?  ->  v2

Nothing marks the pair that will be asked for, so a reader that passes one message along has to keep all of them in
it. This is associative recall, as in the MQAR task of Arora et al. 2023 ("Zoology"), with two departures:
each reader sees every symbol together with the one before it, so that what is compared is memory and not the finding of
pairs; and near pairs are asked for more often, as in language. The values are uniform over `n_values`, whatever the
keys, so chance is exactly 1 / n_values; the text determines the answer, so 1 is attainable.

Three readers with about the same number of parameters: a GRU (Cho et al. 2014), a GRU with attention over its
states (Bahdanau et al. 2015), and attention alone (Vaswani et al. 2017, without the feed-forward layers). What does the
attending is handed in by the caller.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.clock import plot_times, time_per_step, times_alt_text
from layercake.device import Device, check_scale, pick
from layercake.recall_figure import alt_text, finding, plot, recorded
from layercake.training import train

__all__ = [
    "BOUND", "READERS", "SCALES", "Settings", "Texts", "alt_text", "chance", "draw_texts", "example", "finding",
    "parameter_table", "plot", "plot_times", "readers", "recall_by_distance", "recorded", "run", "time_per_step",
    "times_alt_text",
]  # fmt: skip

READERS = ("GRU", "GRU + attention", "attention")
BOUND = 1.0  # the keys of a text are all different, so the text says which value is asked for


@dataclass(frozen=True)
class Settings:
    """All sizes of the lab at one scale. The widths give the three readers the same number of parameters."""

    n_pairs: int  # in the longest text; also the number of keys that exist
    steps: int
    batch_size: int
    d_gru: int
    d_gru_attention: int
    d_attention: int
    texts_per_distance: int  # in the evaluation
    n_values: int = 4
    n_questions: int = 4  # for each training text; the evaluation asks one
    d_embed: int = 32
    n_heads: int = 4
    n_layers: int = 2
    learning_rate: float = 5e-3


SCALES = {
    "smoke": Settings(8, 300, 64, 78, 64, 60, 250),
    "laptop": Settings(32, 800, 128, 78, 64, 60, 500),
    "colab": Settings(128, 4000, 128, 118, 96, 88, 250),  # sized by estimate: not yet run on a T4
}


class Texts(NamedTuple):
    """Texts and the questions after them, with the answers and how far back each answer stands."""

    symbols: Tensor  # (B, 2 · n_pairs + n_questions); keys are 0 … n_keys-1, value v is n_keys + v
    answers: Tensor  # (B, n_questions), 0 … n_values-1
    distances: Tensor  # (B, n_questions), in symbols from the value to its question


def settings_for(scale: str) -> Settings:
    """The sizes at one scale. Raises ValueError, naming the three, for another word."""
    return SCALES[check_scale(scale)]


def chance(scale: str) -> float:
    """The accuracy of a reader that knows nothing of the text."""
    return 1 / settings_for(scale).n_values


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


# The readers -------------------------------------------------------------------------------------------------------


class SymbolAndTheOneBefore(nn.Module):
    """Embed each symbol beside the one before it: (B, T) -> (B, T, 2 · d_embed)."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.embedding = nn.Embedding(settings.n_pairs + settings.n_values, settings.d_embed)

    def forward(self, symbols: Tensor) -> Tensor:
        embedded = self.embedding(symbols)  # (B, T, d_embed)
        return torch.cat([embedded, F.pad(embedded, (0, 0, 1, -1))], dim=-1)


class GRUReader(nn.Module):
    """A GRU reads text and question; what it answers stands in its last state, the message."""

    def __init__(self, settings: Settings, d_model: int):
        super().__init__()
        self.embed = SymbolAndTheOneBefore(settings)
        self.gru = nn.GRU(2 * settings.d_embed, d_model, batch_first=True)
        self.norm = nn.LayerNorm(d_model)
        self.read_out = nn.Linear(d_model, settings.n_values)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        states = self.norm(self.gru(self.embed(symbols))[0])  # (B, T, d_model)
        return self.read_out(states[:, -n_questions:])  # (B, n_questions, n_values)


class AttentionOverGRU(GRUReader):
    """The same, and each question looks back at all states of the text: the design of 2014 to 2016."""

    def __init__(self, settings: Settings, d_model: int, attention_over_states: Callable[..., tuple[Tensor, Tensor]]):
        super().__init__(settings, d_model)
        self.attend = attention_over_states
        # Wide on purpose. Where tanh is nearly straight, the query adds the same to every score, and the softmax
        # cancels it: with small weights nothing tells the reader that looking depends on the question.
        self.w_query = nn.Parameter(torch.randn(d_model, d_model) * 2 / math.sqrt(d_model))
        self.w_states = nn.Parameter(torch.randn(d_model, d_model) * 2 / math.sqrt(d_model))
        self.v = nn.Parameter(torch.randn(d_model) / math.sqrt(d_model))
        self.read_out = nn.Linear(2 * d_model, settings.n_values)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        states = self.norm(self.gru(self.embed(symbols))[0])
        text, queries = states[:, :-n_questions], states[:, -n_questions:]  # (B, T, d_model), (B, n_questions, d_model)
        (B, T, C), Q = text.shape, n_questions
        each_text = text.unsqueeze(1).expand(B, Q, T, C).reshape(B * Q, T, C)
        context, _ = self.attend(queries.reshape(B * Q, C), each_text, self.w_query, self.w_states, self.v)
        return self.read_out(torch.cat([queries, context.view(B, Q, C)], dim=-1))


class AttentionReader(nn.Module):
    """Layers of causal multi-head attention, with residuals and norms; no recurrence."""

    def __init__(self, settings: Settings, d_model: int, multi_head_attention: Callable[[int, int], nn.Module]):
        super().__init__()
        self.embed = SymbolAndTheOneBefore(settings)
        self.widen = nn.Linear(2 * settings.d_embed, d_model)
        self.layers = nn.ModuleList(multi_head_attention(d_model, settings.n_heads) for _ in range(settings.n_layers))
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in range(settings.n_layers))
        self.norm = nn.LayerNorm(d_model)
        self.read_out = nn.Linear(d_model, settings.n_values)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        x = self.widen(self.embed(symbols))  # (B, T, d_model)
        x = x + sinusoids(x.size(1), x.size(2), x.device)
        for layer, norm in zip(self.layers, self.norms):
            x = x + layer(norm(x))
        return self.read_out(self.norm(x[:, -n_questions:]))


def sinusoids(T: int, d_model: int, device: torch.device) -> Tensor:
    """Positions as sines and cosines, (T, d_model), for any length. Source: Vaswani et al. 2017, section 3.5."""
    rates = torch.exp(-math.log(10_000) * torch.arange(0, d_model, 2, device=device) / d_model)
    angles = torch.arange(T, device=device).unsqueeze(1) * rates  # (T, d_model / 2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


def readers(
    attention_over_states: Callable[..., tuple[Tensor, Tensor]],
    multi_head_attention: Callable[..., nn.Module],
    scale: str | Settings,
    *,
    attend: Callable[..., Tensor] | None = None,
    seed: int = 0,
) -> dict[str, nn.Module]:
    """The three readers, untrained, built on your functions: attention's equation is nowhere in here.

    `multi_head_attention` is the class; with `attend`, `MultiHeadAttention(d_model, n_heads, attend=...)` is built.
    """
    settings = scale if isinstance(scale, Settings) else settings_for(scale)
    keywords = {} if attend is None else {"attend": attend}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return {
            "GRU": GRUReader(settings, settings.d_gru),
            "GRU + attention": AttentionOverGRU(settings, settings.d_gru_attention, attention_over_states),
            "attention": AttentionReader(
                settings, settings.d_attention, lambda width, heads: multi_head_attention(width, heads, **keywords)
            ),
        }


def count_parameters(model: nn.Module) -> int:
    """The numbers that training sets."""
    return sum(parameter.numel() for parameter in model.parameters())


def parameter_table(models: dict[str, nn.Module]) -> str:
    """The parameters of each reader, and how far apart the largest and the smallest are."""
    counts = {name: count_parameters(model) for name, model in models.items()}
    rows = [f"{name:<16} {count:>7,} parameters" for name, count in counts.items()]
    apart = max(counts.values()) / min(counts.values()) - 1
    return "\n".join([*rows, f"largest over smallest: {apart:+.1%}"])


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


@torch.no_grad()
def recall_by_distance(model: nn.Module, settings: Settings, seed: int) -> dict[str, list[float]]:
    """The share of right answers at every distance, on the longest texts, none of which was trained on."""
    model.eval()
    generator = torch.Generator().manual_seed(1_000_003 + seed)  # far from the seeds of training
    device = next(model.parameters()).device
    curve: dict[str, list[float]] = {"distance": [], "accuracy": []}
    for pairs_back in range(settings.n_pairs):
        texts = draw_texts(settings, generator, settings.texts_per_distance, pairs_back=pairs_back)
        right = model(texts.symbols.to(device), 1).argmax(dim=-1).cpu() == texts.answers
        curve["distance"].append(texts.distances[0, 0].item())
        curve["accuracy"].append(right.float().mean().item())
    return curve


def run(
    attention_over_states: Callable[..., tuple[Tensor, Tensor]],
    multi_head_attention: Callable[..., nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    attend: Callable[..., Tensor] | None = None,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
    only: tuple[str, ...] = READERS,
) -> dict[str, Any]:
    """Train the readers on the same texts for the same number of steps, and measure each one's recall.

    In float32 on any device: these models are small. Each reader is saved under `folder` as it trains, and a second
    call goes on where the first was stopped. Raises what `layercake.training.train` raises.
    """
    settings, device = settings_for(scale), device or pick()
    models = readers(attention_over_states, multi_head_attention, scale, attend=attend, seed=seed)
    curves: dict[str, Any] = {"scale": scale}
    for name in only:
        model = models[name].to(device.device)
        file = f"recall-{scale}-{name.replace(' + ', '-and-')}-seed{seed}.safetensors"
        history = train(
            model,
            step_loss(settings),
            settings.steps,
            learning_rate=settings.learning_rate,
            seed=seed,
            path=Path(folder) / file.lower(),
            settings={"lab": "recall", **asdict(settings)},
            name=name,
            fresh=fresh,
        )
        curves[name] = {
            **recall_by_distance(model, settings, seed),
            "parameters": count_parameters(model),
            "seconds": round(history.seconds, 1),
            "final_loss": sum(history.loss[-20:]) / len(history.loss[-20:]),
        }
    return curves
