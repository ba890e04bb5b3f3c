"""What several exercises of fine-tuning share: the village's words, conversations, right ways that are reused."""

import copy
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checks.attention.shared import FourProjections
from autograder.checks.common import normal
from autograder.checks.pretraining.clip_gradients import library_clipping
from layercake import village

VOCABULARY = village.VOCABULARY
END, NEWLINE, USER, ASSISTANT = (VOCABULARY.index(mark) for mark in ("<end>", "\n", "<user>", "<assistant>"))
MARKS = {"<end>": END, "<mask>": village.MASK, "<user>": USER, "<assistant>": ASSISTANT, "\n": NEWLINE}
WORDS = [token for token, word in enumerate(VOCABULARY) if word.isalpha() and word.islower()]
SPEAKERS = {"u": "user", "a": "assistant"}


def some_words(rng: torch.Generator, n: int) -> list[int]:
    """Words of the village, no two of them the same."""
    return [WORDS[i] for i in torch.randperm(len(WORDS), generator=rng)[:n].tolist()]


def other_words(rng: torch.Generator, tokens: Tensor) -> Tensor:
    """As many words as there are tokens, none of which is among these."""
    return torch.tensor(
        [word for word in some_words(rng, 2 * len(tokens)) if word not in tokens.tolist()][: len(tokens)]
    )


def said(rng: torch.Generator, turns: str) -> list[dict[str, str]]:
    """A conversation: "u3 a1" is three words of the user, and one of the assistant."""
    return [
        {"role": SPEAKERS[turn[0]], "content": village.decode(some_words(rng, int(turn[1:])))} for turn in turns.split()
    ]


def written(rng: torch.Generator, turns: str) -> list[int]:
    """A conversation as tokens; "u3 a1", as in `said`."""
    return Template()(said(rng, turns), village.encode)


def elsewhere(text: str) -> list[int]:
    """The tokens of another tokenizer, whose words have other numbers."""
    return [token if token in MARKS.values() else token + 1000 for token in village.encode(text)]


class UnknownWord(ValueError):
    """What a tokenizer raises, with more to say than a text."""


def unknowing(text: str) -> list[int]:
    """A tokenizer that says itself which word it does not know."""
    if "quantum" in text:
        raise UnknownWord("a word that nobody knows", 42)
    return village.encode(text)


def with_signs(text: str) -> list[int]:
    """A tokenizer that knows `<`, `>` and `<>` as words, where they stand alone."""
    parts = re.split(r"(?<= )(<|>|<>)(?=[ \n])", text)
    return [token for part in parts for token in ([2000 + len(part)] if part in ("<", ">", "<>") else elsewhere(part))]


class Template:
    """The template with its parts to override, so that one of them can be wrong."""

    front, back = (END,), ()
    refused = frozenset(MARKS.values())

    def __call__(self, messages, encode, reply=False):
        self.encode, self.messages = encode, messages
        self.begin(messages)
        tokens = list(self.front)
        for message in messages:
            tokens += self.turn(self.mark(message["role"]), self.words(message))
        return [*tokens, *self.back, *self.prompt(reply)]

    def begin(self, messages):
        if not messages:
            raise ValueError("nobody speaks")
        for message in messages:
            self.look_at(message)

    def look_at(self, message):
        is_mapping = isinstance(message, Mapping)
        if not is_mapping or not all(isinstance(message.get(key), str) for key in ("role", "content")):
            raise ValueError("no message")

    def mark(self, role):
        if role not in SPEAKERS.values():
            raise ValueError("no such role")
        return VOCABULARY.index(f"<{role}>")

    def words(self, message):
        tokens = self.encode(message["content"])
        if self.empty(message["content"]) or self.refused & set(tokens):
            raise ValueError("not only words")
        return tokens

    def empty(self, content):
        return not content.split()

    def turn(self, mark, words):
        return [mark, *words, NEWLINE]

    def prompt(self, reply):
        return [ASSISTANT] if reply else []


class Scribe:
    """The mask of one row after the other, token by token, with its parts to override, so that one can be wrong."""

    closes, closes_behind, its_mark = frozenset({USER, END}), frozenset({NEWLINE}), False

    def __call__(self, tokens):
        rows = tokens.reshape(-1, tokens.size(-1)).tolist()
        return self.last([self.row(row) for row in rows], tokens)

    def last(self, rows, tokens):
        return torch.tensor(rows).view_as(tokens)

    def row(self, row):
        mask, speaks = [], False
        for token in row:
            speaks = speaks and token not in self.closes
            mask.append(self.its_mark if token == ASSISTANT else speaks)
            speaks = (speaks or token == ASSISTANT) and token not in self.closes_behind
        return mask


class Loss:
    """The loss over a mask with its parts to override, so that one of them can be wrong."""

    def __call__(self, logits, targets, mask):
        if not mask.any():
            return self.nothing(logits)
        return self.mean(self.losses(logits, targets), mask)

    def nothing(self, logits):
        raise ValueError("nothing to learn from")

    def losses(self, logits, targets):
        return F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")

    def mean(self, losses, mask):
        return losses[mask].mean()


def mean_over_everything(self: Loss, losses: Tensor, mask: Tensor) -> Tensor:
    return (losses * mask).mean()


def mean_of_the_rows_means(self: Loss, losses: Tensor, mask: Tensor) -> Tensor:
    rows = mask.any(dim=1)
    return ((losses * mask).sum(dim=1)[rows] / mask.sum(dim=1)[rows]).mean()


class Reader(nn.Module):
    """One layer of attention over the village's tokens, without positions, and logits with a bias.

    In evaluation mode it reads half as much, so that the mode shows.
    """

    def __init__(self, rng: torch.Generator, d_model: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), d_model)
        self.attention = FourProjections(d_model, n_heads=2)
        self.output = nn.Linear(d_model, len(VOCABULARY))
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng, std=0.7)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        x = self.embedding(tokens)
        return self.output((1.0 if self.training else 0.5) * x + self.attention(x)), state


def packed(rng: torch.Generator, *rows: Sequence[str], T: int = 40) -> tuple[Tensor, Tensor]:
    """Tokens and segments of rows that hold these conversations."""
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for i, talks in enumerate(rows):
        start = 0
        for number, turns in enumerate(talks, 1):
            its = torch.tensor(written(rng, turns))
            tokens[i, start : start + len(its)], segments[i, start : start + len(its)] = its, number
            start += len(its)
    return tokens, segments


@contextmanager
def apart(model: nn.Module, segments: Tensor) -> Iterator[None]:
    """Meanwhile no position of the model's attention reads one of another segment, or a later one."""
    may_read = (segments.unsqueeze(-1) == segments.unsqueeze(-2)).tril().unsqueeze(1)
    before, model.attention.attend = model.attention.attend, lambda *its: F.scaled_dot_product_attention(*its, may_read)
    try:
        yield
    finally:
        model.attention.attend = before


class Tuning:
    """A step of tuning with its parts to override, so that one of them can be wrong."""

    def __call__(self, model, optimiser, tokens, segments, max_norm=1.0):
        self.segments = segments
        logits = self.read(model, tokens, segments)
        loss = self.loss(logits, tokens[:, 1:], self.mask(tokens, segments))
        self.clear(optimiser)
        loss.backward()
        norm = self.clip(model, max_norm)
        self.step(optimiser)
        return self.reported(loss, model, tokens, segments), norm

    def read(self, model, tokens, segments):
        with apart(model, segments[:, :-1]):
            return model(tokens[:, :-1])[0]

    def mask(self, tokens, segments):
        return Scribe()(tokens)[:, 1:]

    def loss(self, logits, targets, mask):
        return Loss()(logits, targets, mask)

    def clear(self, optimiser):
        optimiser.zero_grad()

    def clip(self, model, max_norm):
        return library_clipping(model.parameters(), max_norm)

    def step(self, optimiser):
        optimiser.step()

    def reported(self, loss, model, tokens, segments):
        return loss.detach()


class Adapter(nn.Module):
    """An adapter with its parts to override, so that one of them can be wrong."""

    lowest = 1

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        if not self.lowest <= rank <= self.sides(linear.in_features, linear.out_features):
            raise ValueError("no such rank")
        self.linear, self.rank, self.alpha = linear, rank, alpha
        self.freeze()
        a, b = self.begin(rank, linear.in_features, linear.out_features)
        self.lora_a, self.lora_b = (nn.Parameter(self.like(matrix)) for matrix in (a, b))
        self.settle()

    def settle(self):
        pass

    def sides(self, d_in, d_out):
        return min(d_in, d_out)

    def freeze(self):
        self.linear.requires_grad_(False)

    def begin(self, rank, d_in, d_out):
        return torch.randn(rank, d_in) / math.sqrt(d_in), torch.zeros(d_out, rank)

    def like(self, matrix):
        return matrix.to(self.linear.weight)

    def scale(self):
        return self.alpha / self.rank

    def forward(self, x):
        return self.base(x) + self.beside(x)

    def base(self, x):
        return self.linear(x)

    def beside(self, x):
        return self.scale() * (x @ self.lora_a.T @ self.lora_b.T)

    def product(self):
        return self.scale() * self.lora_b @ self.lora_a

    @torch.no_grad()
    def merged(self):
        layer = copy.deepcopy(self.linear)
        layer.weight += self.product()
        return layer


def adapted(
    LoRALinear, rng: torch.Generator, bias: bool = True, d_in: int = 7, d_out: int = 5, rank: int = 3, **more: float
) -> Any:
    """The learner's adapter as after some training."""
    layer = LoRALinear(linear_of(rng, bias, d_in, d_out), rank, **more)
    with torch.no_grad():
        layer.lora_a.copy_(normal(rng, rank, d_in))
        layer.lora_b.copy_(normal(rng, d_out, rank))
    return layer


def linear_of(rng: torch.Generator, bias: bool = True, d_in: int = 7, d_out: int = 5) -> nn.Linear:
    linear = nn.Linear(d_in, d_out, bias=bias)
    with torch.no_grad():
        for weight in linear.parameters():
            weight.copy_(normal(rng, *weight.shape))
    return linear


@torch.no_grad()
def into_the_given_layer(self: Adapter) -> nn.Linear:
    self.linear.weight += self.product()
    return self.linear


@torch.no_grad()
def without_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = None
    return layer


def with_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = self.linear.bias
    return layer


def without_a_graph(self: Adapter, x: Tensor) -> Tensor:
    with torch.no_grad():
        return self.linear(x)


def remembered(self: Adapter, x: Tensor) -> Tensor:
    if self.training:
        return Adapter.beside(self, x)
    if not hasattr(self, "kept"):
        self.kept = Adapter.product(self).detach()
    return x @ self.kept.T


@torch.no_grad()
def in_float32(self: Adapter) -> nn.Linear:
    return Adapter.merged(self).float()


@torch.no_grad()
def merged_once(self: Adapter) -> nn.Linear:
    if not hasattr(self, "layer"):
        self.layer = Adapter.merged(self)
    return self.layer
