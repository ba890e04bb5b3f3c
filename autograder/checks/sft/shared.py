"""What several exercises of fine-tuning share: the village's words, conversations, right ways that are reused."""

import torch
import torch.nn.functional as F
from torch import Tensor

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


class Template:
    """The template with its parts to override, so that one of them can be wrong."""

    front, back, after_reply_mark = (END,), (), ()
    refused = frozenset(MARKS.values())

    def __call__(self, messages, encode, reply=False):
        self.encode = encode
        if not messages:
            raise ValueError("nobody speaks")
        tokens = list(self.front)
        for message in messages:
            tokens += self.turn(self.mark(message["role"]), self.words(message))
        return [*tokens, *self.back, *self.prompt(reply)]

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
        return not content.strip(" ")

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
