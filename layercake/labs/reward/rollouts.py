"""Rollouts: what a model writes to questions, in rows of tokens, and what it is worth.

What grades is put in: a rater, who knows the truth, or a reward model, which learned from comparisons what raters seem
to like.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layercake import village
from layercake.labs import sft
from layercake.labs.sft import NEWLINE
from layercake.village import raters
from layercake.village.raters import Question
from solutions.prediction import sample
from solutions.sft import render_chat

LONGEST = 80  # tokens of a reply, after which it is broken off


@dataclass(frozen=True)
class Replies:
    """Replies to questions, as text and as rows of tokens with their prompts in front."""

    questions: list[Question]
    texts: list[str]
    tokens: Tensor  # (B, T), padded with line breaks
    mask: Tensor  # (B, T): what the model wrote
    ended: list[bool]  # whether it stopped by itself, in good form

    @cached_property
    def lengths(self) -> Tensor:
        """Of each row the tokens that are no padding: (B)."""
        return self.mask.size(1) - self.mask.flip(1).int().argmax(dim=1)

    def only(self, at: list[int]) -> "Replies":
        """Some of the replies."""
        questions, texts, ended = ([its[i] for i in at] for its in (self.questions, self.texts, self.ended))
        return Replies(questions, texts, self.tokens[at], self.mask[at], ended)

    def rows(self, at: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens and mask of some of the rows, as wide as the longest of them: (n, T) each."""
        T = int(self.lengths[at].max())
        return self.tokens[at, :T], self.mask[at, :T]

    def side_by_side(self, n: int = 32) -> list[Tensor]:
        """The places of all rows, those of about the same length together, `n` at a time: less is padding."""
        return list(self.lengths.argsort().split(n))


Score = Callable[[Replies], Tensor]  # -> rewards (B)


def prompt(question: Question) -> list[int]:
    """A question as the tokens of a conversation, up to where the assistant is to speak."""
    return render_chat([{"role": "user", "content": question.text}], village.encode, reply=True)


def respond(
    model: nn.Module, questions: Sequence[Question], choose: sft.Draw = sft.likeliest, n_tokens: int | None = None
) -> Replies:
    """Have the model reply to each question."""
    prompts = [prompt(question) for question in questions]
    return laid_out(list(questions), prompts, written(model, prompts, choose, n_tokens), model)


def drawing(model: nn.Module, seed: int) -> sft.Draw:
    """Draws words at temperature 1."""
    return partial(sample, generator=torch.Generator(next(model.parameters()).device).manual_seed(seed))


def written(
    model: nn.Module, prompts: Sequence[Sequence[int]], choose: sft.Draw, n_tokens: int | None = None
) -> list[list[int]]:
    """What the model writes after each prompt; no reply is longer than `LONGEST`, where nothing else is said."""
    return sft.replies(model, prompts, choose, n_tokens or LONGEST)


def laid_out(
    questions: list[Question], prompts: list[list[int]], replies: list[list[int]], model: nn.Module
) -> Replies:
    """Prompts and replies in rows. Raises ValueError for an empty reply, which nothing can be learned from."""
    if not all(replies):
        raise ValueError(f"the reply to {questions[replies.index([])].text!r} is empty: it has no token to grade")
    T = max(len(front) + len(its) for front, its in zip(prompts, replies))
    tokens, mask = torch.full((len(prompts), T), NEWLINE), torch.zeros(len(prompts), T, dtype=torch.bool)
    for row, said, front, its in zip(tokens, mask, prompts, replies):
        row[: len(front) + len(its)] = torch.tensor([*front, *its])
        said[len(front) : len(front) + len(its)] = True
    texts, ended = list(map(sft.in_words, replies)), list(map(sft.ends_well, replies))
    device = next(model.parameters()).device
    return Replies(questions, texts, tokens.to(device), mask.to(device), ended)


# Rewards -------------------------------------------------------------------------------------------------------------


def by_taste(taste: Callable[[Question, str], float]) -> Score:
    """What a rater of that taste would give each reply."""
    return lambda replies: torch.tensor([float(taste(*its)) for its in zip(replies.questions, replies.texts)])


def truth(replies: Replies) -> Tensor:
    """1 for a reply that is right and ends in good form, 0 for others: (B)."""
    return torch.tensor([float(raters.right(*its) and ended) for *its, ended in
                         zip(replies.questions, replies.texts, replies.ended)])  # fmt: skip


def right(replies: Replies) -> float:
    """The share of right replies."""
    return truth(replies).mean().item()


def share(has: Callable[[Question, str], bool], replies: Replies) -> float:
    """The share of replies that have something."""
    return sum(map(has, replies.questions, replies.texts)) / len(replies.texts)


def graded(score: Score, replies: Replies) -> Tensor:
    """The rewards of all replies. Raises TypeError or ValueError where they are no finite numbers, one for each."""
    rewards = score(replies)
    if not isinstance(rewards, Tensor) or rewards.is_complex():
        raise TypeError(f"the reward is a {type(rewards).__name__}: it is a tensor with a number for each reply")
    if rewards.shape != (len(replies.texts),):
        raise ValueError(f"rewards of shape {tuple(rewards.shape)} for {len(replies.texts)} replies")
    if not rewards.isfinite().all():
        i = int((~rewards.isfinite()).int().argmax())
        raise ValueError(f"the reward of {replies.texts[i]!r} is {rewards[i].item()}: it has to be a finite number")
    return rewards.float().to(replies.tokens.device)


# What models make of them --------------------------------------------------------------------------------------------


def by_token(
    model: nn.Module,
    replies: Replies,
    sequence_logprobs: Callable[..., Tensor],
    n: int = 32,
    *,
    entropy: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """The log-probability of each token of the replies, (B, T - 1), and the mean entropy at these places, (), or None.

    `n` replies are read side by side.
    """
    places, T = replies.side_by_side(n), replies.tokens.size(1)
    said, entropies = [], []
    for at in places:
        tokens, mask = replies.rows(at)
        logits = model(tokens)[0]  # (n, fewer than T, vocab_size)
        logprobs = sequence_logprobs(logits, tokens, mask)
        said.append(F.pad(logprobs, (0, T - tokens.size(1))))
        if entropy:
            with torch.no_grad():
                entropies.append(torch.distributions.Categorical(logits=logits[:, :-1][mask[:, 1:]]).entropy())
    return torch.cat(said)[torch.cat(places).argsort()], torch.cat(entropies).mean() if entropy else None


@torch.no_grad()
def whole(model: nn.Module, replies: Replies, sequence_logprobs: Callable[..., Tensor]) -> Tensor:
    """The log-probability of each reply: (B)."""
    model.eval()
    return by_token(model, replies, sequence_logprobs, entropy=False)[0].sum(dim=-1)


@torch.no_grad()
def valued(reward_model: nn.Module, replies: Replies) -> Tensor:
    """What a reward model makes of each reply: (B)."""
    reward_model.eval()
    places = replies.side_by_side()
    values = [reward_model(replies.rows(at)[0], replies.lengths[at]) for at in places]
    return torch.cat(values)[torch.cat(places).argsort()]
