"""`sft_step`: conversations side by side teach what each teaches alone, the assistant's words are the targets, and
gradients are clipped.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import FourProjections
from autograder.checks.common import as_tensors, ending, mistake, mistakes, normal, weights_of
from autograder.checks.pretraining.clip_gradients import library_clipping
from autograder.checks.pretraining.shared import NO_LIMIT, Observed, joint
from autograder.checks.sft.shared import (
    END,
    VOCABULARY,
    Loss,
    Scribe,
    mean_of_the_rows_means,
    mean_over_everything,
    other_words,
    written,
)

exercise = Exercise("sft_step")

PACKED = ("u2 a4 u1 a2", "u3 a1", "u1 a3")  # 18, 9 and 9 tokens


class Reader(nn.Module):
    """One layer of attention over the village's tokens, without positions, and logits with a bias."""

    def __init__(self, rng: torch.Generator, d_model: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), d_model)
        self.attention = FourProjections(d_model, n_heads=2)
        self.output = nn.Linear(d_model, len(VOCABULARY))
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng, std=0.7)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        x = self.embedding(tokens)
        return self.output(x + self.attention(x)), state


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


def each_alone(tokens: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """The same conversations, each in a row of its own."""
    talks = [r[s == n] for r, s in zip(tokens, segments) for n in s.unique().tolist() if n > 0]
    rows = nn.utils.rnn.pad_sequence(talks, batch_first=True, padding_value=END)
    real = torch.tensor([[place < len(its) for place in range(rows.size(1))] for its in talks])
    return rows, real.long()


def stepped(sft_step: Callable, model: nn.Module, tokens: Tensor, segments: Tensor) -> list[Tensor]:
    """The loss, the norm, and the weights after a step, of a copy of the model."""
    copied = copy.deepcopy(model)
    loss, norm = sft_step(copied, Observed(copied), tokens, segments, NO_LIMIT)
    return [*as_tensors((loss, norm)), weights_of(copied)]


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
        logits = self.read(model, tokens, segments)
        loss = self.loss(logits, tokens[:, 1:], self.mask(tokens, segments))
        self.clear(optimiser)
        loss.backward()
        norm = self.clip(model, max_norm)
        optimiser.step()
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

    def reported(self, loss, model, tokens, segments):
        return loss.detach()


def reads(segments_of: Callable[[Tensor], Tensor]) -> Callable:
    """Reading with these of the segments."""

    def read(self, model, tokens, segments):
        with apart(model, segments_of(segments)):
            return model(tokens[:, :-1])[0]

    return read


def itself_the_target(self: Tuning, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Each token is to be predicted where it is read."""
    first = torch.full_like(targets[:, :1], END)
    inputs, mine = torch.cat([first, targets[:, :-1]], dim=1), torch.cat([mask[:, :1] & False, mask[:, :-1]], dim=1)
    return Loss()(logits, inputs, mine)


def after_the_step(self: Tuning, loss: Tensor, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    return self.loss(self.read(model, tokens, segments), tokens[:, 1:], self.mask(tokens, segments)).detach()


@exercise.check(points=0.5, invariant=True)
def side_by_side_or_each_alone(sft_step, rng):
    """Conversations in one row give the loss and the step that they give each in a row of its own."""
    model, (tokens, segments) = Reader(rng), packed(rng, PACKED, PACKED[1:])
    given = (tokens, segments), each_alone(tokens, segments), (tokens[:1], segments[:1])
    before, after, others = (stepped(sft_step, model, *its) for its in given)
    return {"before": before, "after": after, "must differ": [before, others]}


@exercise.check(points=0.5)
def the_assistants_words_are_the_targets(sft_step, rng):
    """Each word that the assistant wrote is a target once, its line breaks too, and no other token is one."""
    model, (tokens, segments) = Reader(rng), packed(rng, PACKED, ("u2 a3 u4",))
    with torch.no_grad():  # so that all tokens are equally likely, and the gradient of the bias says what was expected
        model.embedding.weight.mul_(0.1)
        model.output.weight.zero_()
        model.output.bias.zero_()
    optimiser = Observed(model)
    sft_step(model, optimiser, tokens, segments, NO_LIMIT)
    shares = 1 / len(VOCABULARY) - optimiser.gradients[0][-len(VOCABULARY) :]
    return {"the share of each token among the targets": shares}


@exercise.check(points=0.25, invariant=True)
def what_nobody_answers_teaches_nothing(sft_step, rng):
    """Other words in a question that nobody answers change neither loss nor step; in one that is answered they do."""
    model, (tokens, segments) = Reader(rng), packed(rng, ("u2 a3 u4", "u2 a2 u3"))
    unanswered, answered = tokens.clone(), tokens.clone()
    for its, place in ((unanswered, slice(11, 15)), (answered, slice(2, 4))):
        its[0, place] = other_words(rng, its[0, place])
    before, after, others = (stepped(sft_step, model, its, segments) for its in (tokens, unanswered, answered))
    return {"before": before, "after": after, "must differ": [before, others]}


@exercise.check(points=0.25)
def step_after_step(sft_step, rng):
    """Each call is one step, on the gradient of its own rows alone; loss and norm are those before it."""
    model = Reader(rng)
    optimiser, seen = Observed(model, lr=0.02), {}
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    for call in range(1, 4):
        loss, norm = sft_step(model, optimiser, *packed(rng, PACKED, ("u2 a2",)), NO_LIMIT)
        seen[f"call {call}: loss, norm, weights"] = [loss, norm, weights_of(model)]
    return {**seen, "the gradients at each step": optimiser.gradients}


@exercise.check(points=0.25)
def long_gradients_are_clipped(sft_step, rng):
    """All gradients together are at most max_norm long, 1 where nothing is said; the norm is that before."""
    seen = {}
    for words, max_norm in (("max_norm=0.05", (0.05,)), ("max_norm not given", ())):
        model = Reader(rng)
        optimiser = Observed(model)
        seen[f"{words}: loss, norm"] = sft_step(model, optimiser, *packed(rng, PACKED), *max_norm)
        seen[f"{words}: the gradients' length"] = [row.norm() for row in optimiser.gradients]
        seen[f"{words}: their direction"] = [10 * row / row.norm() for row in optimiser.gradients]
    return seen


@exercise.check(points=0.25)
def without_a_reply_no_step(sft_step, rng):
    """Rows in which the assistant wrote nothing are a ValueError, and no step; a reply that is broken off is enough."""
    seen = {}
    for words, rows in (("questions alone", [("u3", "u2 u4"), ("u1",)]), ("a reply", [("u3", "u2 a1"), ("u1",)])):
        model, (tokens, segments) = Reader(rng), packed(rng, *rows)
        optimiser = Observed(model)
        seen[words] = ending(lambda: sft_step(model, optimiser, tokens, segments, NO_LIMIT))
        seen[f"{words}: steps"] = len(optimiser.gradients)
    cut = [part[:, :7] for part in packed(rng, ("u2 a4",))]
    return seen | {"broken off: the weights afterwards": stepped(sft_step, Reader(rng), *cut)[-1]}


mistakes(
    exercise,
    Tuning,
    lets_conversations_leak=mistake(
        "Conversations read each other. What holds them apart while the model reads?",
        read=lambda self, model, tokens, segments: model(tokens[:, :-1])[0],
    ),
    holds_the_targets_apart=mistake(
        "The segments are those of the targets. Who reads, the inputs or the targets?",
        read=reads(lambda segments: segments[:, 1:]),
    ),
    does_not_shift_the_segments=mistake(
        "There is one segment more than there are inputs. Which of them belong to the inputs?",
        read=reads(lambda segments: segments),
    ),
    does_not_shift_the_mask=mistake(
        "Your mask is that of the inputs. Which token is the target at the place of the assistant's mark?",
        mask=lambda self, tokens, segments: Scribe()(tokens)[:, :-1],
    ),
    does_not_shift_the_targets=mistake(
        "Each token is predicted from itself. Which one comes next?", loss=itself_the_target
    ),
    learns_from_every_token=mistake(
        "Every token of a conversation is a target. Where is the mask?",
        mask=lambda self, tokens, segments: segments[:, 1:] > 0,
    ),
    learns_from_the_user=mistake(
        "Only what the assistant did not write is learned. Which of the two does True mean in the mask?",
        mask=lambda self, tokens, segments: ~Scribe()(tokens)[:, 1:] & Scribe()(tokens).any(),
    ),
    weighs_rows_alike=mistake(
        "You take the mean of the rows' means. How much does a word count in a row that has many?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_of_the_rows_means})()(*given),
    ),
    divides_by_everything=mistake(
        "You divide by all targets, the masked ones too. How many tokens did the assistant write?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_over_everything})()(*given),
    ),
    keeps_the_old_gradients=mistake(
        "The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?",
        clear=lambda self, optimiser: None,
    ),
    never_clips=mistake(
        "The optimiser steps on gradients that are not clipped. Where do you use `max_norm`?",
        clip=lambda self, model, max_norm: joint(model.parameters()).norm(),
    ),
    ignores_the_limit=mistake(
        "You clip to a length of 1, whatever is asked. Where do you use `max_norm`?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), 1.0),
    ),
    returns_the_norm_after=mistake(
        "You return the length after clipping. Which of the two tells that a step was a bad one?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), max_norm).clamp(max=max_norm),
    ),
    reports_the_loss_after=mistake(
        "You report the loss after the step. Which one has been computed already?", reported=after_the_step
    ),
)
