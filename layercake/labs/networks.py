"""The readers of the recall lab: seven networks with about the same number of parameters, and their sizes.

A plain recurrent network (Elman 1990), an LSTM (Hochreiter & Schmidhuber 1997), a GRU (Cho et al. 2014), a GRU with
attention over its states (Bahdanau et al. 2015), a causal convolution whose gaps double from layer to layer, with gates
(van den Oord et al. 2016, Gehring et al. 2017), attention alone (Vaswani et al. 2017, without the feed-forward layers),
and whole layers of a transformer. What does the attending is handed in by the caller, and so is the transformer's
layer. Each sees every symbol together with the one before it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from layercake.device import check_scale
from layercake.training import count_parameters

READERS = ("GRU", "GRU + attention", "attention")  # those of the lab
ALL_READERS = ("RNN", "LSTM", "GRU", "GRU + attention", "convolution", "attention")  # up to the topic attention
TRANSFORMER = "transformer"  # the seventh: there is one where its layer is handed in
GENTLE = ("RNN", "convolution")  # those that learn worse at the usual learning rate than at the gentle one


@dataclass(frozen=True)
class Settings:
    """All sizes of the lab at one scale. The widths give all readers the same number of parameters."""

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
    gentle_rate: float = 2e-3
    d_rnn: int = 153
    d_lstm: int = 64
    d_convolution: int = 44
    dilations: tuple[int, ...] = (1, 2, 4, 8)  # of the convolution: the gap between the two positions a layer reads
    d_transformer: int = 36
    n_heads_transformer: int = 2  # of even width, since rotary positions turn pairs


SCALES = {
    "smoke": Settings(8, 300, 64, 78, 64, 60, 250),
    "laptop": Settings(32, 800, 128, 78, 64, 60, 500),
    # Sized by estimate: not yet run on a T4.
    "colab": Settings(128, 4000, 128, 118, 96, 88, 250, d_rnn=226, d_lstm=100, d_convolution=62, d_transformer=48),
}


def settings_for(scale: str) -> Settings:
    """The sizes at one scale. Raises ValueError, naming the three, for another word."""
    return SCALES[check_scale(scale)]


def chance(scale: str) -> float:
    """The accuracy of a reader that knows nothing of the text."""
    return 1 / settings_for(scale).n_values


class SymbolAndTheOneBefore(nn.Module):
    """Embed each symbol beside the one before it: (B, T) -> (B, T, 2 · d_embed)."""

    def __init__(self, settings: Settings):
        super().__init__()
        self.embedding = nn.Embedding(settings.n_pairs + settings.n_values, settings.d_embed)

    def forward(self, symbols: Tensor) -> Tensor:
        embedded = self.embedding(symbols)  # (B, T, d_embed)
        return torch.cat([embedded, F.pad(embedded, (0, 0, 1, -1))], dim=-1)


class RecurrentReader(nn.Module):
    """A recurrent network reads text and question; what it answers stands in its last state, the message."""

    def __init__(self, settings: Settings, d_model: int, kind: type[nn.RNNBase] = nn.GRU):
        super().__init__()
        self.embed = SymbolAndTheOneBefore(settings)
        self.recurrent = kind(2 * settings.d_embed, d_model, batch_first=True)
        if kind is nn.RNN:  # without gates it learns from farther back when it starts without shrinking its state
            nn.init.orthogonal_(self.recurrent.weight_hh_l0)
        self.norm = nn.LayerNorm(d_model)
        self.read_out = nn.Linear(d_model, settings.n_values)

    def states(self, symbols: Tensor) -> Tensor:
        return self.norm(self.recurrent(self.embed(symbols))[0])  # (B, T, d_model)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        return self.read_out(self.states(symbols)[:, -n_questions:])  # (B, n_questions, n_values)


class AttentionOverGRU(RecurrentReader):
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
        states = self.states(symbols)
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


class ConvolutionReader(nn.Module):
    """Causal convolutions of width two with growing gaps, gates and residuals: (1, 2, 4, 8) reads 16 positions."""

    def __init__(self, settings: Settings, d_model: int):
        super().__init__()
        self.embed = SymbolAndTheOneBefore(settings)
        self.widen = nn.Linear(2 * settings.d_embed, d_model)
        self.layers = nn.ModuleList(nn.Conv1d(d_model, 2 * d_model, 2, dilation=gap) for gap in settings.dilations)
        self.norms = nn.ModuleList(nn.LayerNorm(d_model) for _ in settings.dilations)
        self.norm = nn.LayerNorm(d_model)
        self.read_out = nn.Linear(d_model, settings.n_values)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        x = self.widen(self.embed(symbols))  # (B, T, d_model)
        for layer, norm in zip(self.layers, self.norms):
            before = F.pad(norm(x).transpose(1, 2), (layer.dilation[0], 0))  # (B, d_model, gap + T)
            x = x + F.glu(layer(before), dim=1).transpose(1, 2)  # (B, 2 · d_model, T) -> (B, T, d_model)
        return self.read_out(self.norm(x[:, -n_questions:]))


class TransformerReader(nn.Module):
    """Whole layers of a transformer, which find positions and think for each by themselves; no recurrence."""

    def __init__(self, settings: Settings, d_model: int, block: Callable[[int, int], nn.Module]):
        super().__init__()
        self.embed = SymbolAndTheOneBefore(settings)
        self.widen = nn.Linear(2 * settings.d_embed, d_model)
        self.blocks = nn.ModuleList(block(d_model, settings.n_heads_transformer) for _ in range(settings.n_layers))
        self.norm = nn.RMSNorm(d_model)
        self.read_out = nn.Linear(d_model, settings.n_values)

    def forward(self, symbols: Tensor, n_questions: int) -> Tensor:
        x = self.widen(self.embed(symbols))  # (B, T, d_model)
        for block in self.blocks:
            x, _ = block(x)
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
    block: Callable[[int, int], nn.Module] | None = None,
    seed: int = 0,
    only: tuple[str, ...] = READERS,
) -> dict[str, nn.Module]:
    """The readers named in `only`, untrained, built on your functions: attention's equation is nowhere in here.

    `multi_head_attention` is the class; with `attend`, `MultiHeadAttention(d_model, n_heads, attend=...)` is built.
    `block(d_model, n_heads)` builds a layer of the transformer, x (B, T, d_model) -> x and a state; with it there is a
    seventh reader. Raises ValueError for a name that is not one of `ALL_READERS` or `TRANSFORMER`.
    """
    names = ALL_READERS if block is None else (*ALL_READERS, TRANSFORMER)
    if unknown := [name for name in only if name not in names]:
        hint = " A transformer needs its layer: pass block=." if unknown[0] == TRANSFORMER else ""
        raise ValueError(f"There is no reader {unknown[0]!r}: there are {', '.join(names)}.{hint}")
    settings = scale if isinstance(scale, Settings) else settings_for(scale)
    keywords = {} if attend is None else {"attend": attend}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        # All are built, in this order, so that a reader's first weights do not depend on which others are asked for.
        models = {
            "GRU": RecurrentReader(settings, settings.d_gru),
            "GRU + attention": AttentionOverGRU(settings, settings.d_gru_attention, attention_over_states),
            "attention": AttentionReader(
                settings, settings.d_attention, lambda width, heads: multi_head_attention(width, heads, **keywords)
            ),
            "RNN": RecurrentReader(settings, settings.d_rnn, nn.RNN),
            "LSTM": RecurrentReader(settings, settings.d_lstm, nn.LSTM),
            "convolution": ConvolutionReader(settings, settings.d_convolution),
        }
        if block is not None:
            models[TRANSFORMER] = TransformerReader(settings, settings.d_transformer, block)
    return {name: models[name] for name in only}


def parameter_table(models: dict[str, nn.Module]) -> str:
    """The parameters of each reader, and how far apart the largest and the smallest are."""
    counts = {name: count_parameters(model) for name, model in models.items()}
    rows = [f"{name:<16} {count:>7,} parameters" for name, count in counts.items()]
    apart = max(counts.values()) / min(counts.values()) - 1
    return "\n".join([*rows, f"largest over smallest: {apart:+.1%}"])
