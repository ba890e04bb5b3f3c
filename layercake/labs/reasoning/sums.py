"""Sums of the village as they are put to a model: prompts, worked steps, and what the model writes behind them.

A model goes on with a prompt as it likes: with the first column, or with the answer. Behind the prompt an *opening* may
be written for it, which decides: the first digit of the first column, or "answer :", or steps that somebody tampered
with.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from layercake import village
from layercake.village.sums import columns, worked
from solutions.prediction import sample
from solutions.transformer import generate

SIDE_BY_SIDE = 256  # prompts
IN_VAIN = 5_000  # documents without a sum that is wanted, after which there is none left: one of a hundred has one
A_COLUMN = 16  # tokens of a worked column, at most
ANSWER = "answer :"  # the opening of a reply without steps


class Sum(NamedTuple):
    """A sum, and all that is said about it."""

    a: int
    operation: str
    b: int

    @property
    def truth(self) -> int:
        """The right answer."""
        return {"plus": self.a + self.b, "minus": self.a - self.b, "times": self.a * self.b}[self.operation]

    @property
    def text(self) -> str:
        """The question, digits apart."""
        return f"sum \n {apart(self.a)} {self.operation} {apart(self.b)} ."

    @property
    def steps(self) -> list[str]:
        """The right steps, a sentence for each column."""
        return worked(self.operation, self.a, self.b)

    @property
    def first(self) -> str:
        """The opening of a reply with steps: the last digit of the first number."""
        return str(self.a % 10)

    @property
    def n_tokens(self) -> int:
        """What a worked reply takes at most."""
        return A_COLUMN * (len(self.steps) + 1)

    def leads_to(self, digits: str, carry: int) -> int:
        """The answer of somebody who has written these digits, last one on the right, carries this, and goes on."""
        for column in columns(self.operation, self.a, self.b)[len(digits) :]:
            x, y = (int(column[slot][0]) for slot in ("{x}", "{y}"))
            if self.operation == "minus":
                total, carry = x - y - carry, int(x - y - carry < 0)
            else:
                total = x * y + carry if self.operation == "times" else x + y + carry
                carry = total // 10
            digits = f"{total % 10}{digits}"
        return int(f"{carry}{digits}")


def apart(number: int) -> str:
    """A number as the village writes it: "4 5 6 7"."""
    return " ".join(str(number))


def asked(n: int, operation: str, digits: int, *, seed: int, split: str = "train") -> list[Sum]:
    """Sums of that kind from a split of the village's documents, the first number of so many digits, no two the same.

    None is with 0 or 1 for a second number: these have no carries. Of the split "validation" the village's model has
    seen none, of "train" a few. Raises ValueError where there are fewer than n.
    """
    found: dict[Sum, None] = {}
    in_vain, token = 0, village.VOCABULARY.index(operation)
    documents = village.documents(seed, split, ["sum"])
    while len(found) < n:
        document = next(documents)
        in_vain += 1
        if in_vain > IN_VAIN:
            raise ValueError(f"only {len(found)} sums with {operation} and {digits} digits are in {split!r}, not {n}")
        if token not in document.tokens:  # most wordings say it; to read a document takes longer
            continue
        its = Sum(*next(told.truth["sum"] for told in document.sentences if told.truth))
        if its.operation == operation and len(str(its.a)) == digits and its.b > 1 and its not in found:
            found[its], in_vain = None, 0
    return list(found)


def prompt(its: Sum, opening: str = "") -> list[int]:
    """A sum as tokens, the end of the document before it in front, and behind it how the reply begins."""
    return [village.END, *village.encode(f"{its.text} {opening}")]


def in_words(tokens: Sequence[int]) -> str:
    """What was written, word by word, digits apart."""
    return " ".join(village.VOCABULARY[token] for token in tokens)


def drawing(seed: int) -> Callable[[Tensor], Tensor]:
    """Draws words at temperature 1, on the CPU: a seed gives the same on every device, or nearly."""
    return drawn_by(torch.Generator().manual_seed(seed))


def drawn_by(generator: torch.Generator) -> Callable[[Tensor], Tensor]:
    """Draws words at temperature 1, by a generator on the CPU."""
    draw = partial(sample, generator=generator)
    return lambda logits: draw(logits.to(generator.device)).to(logits.device)


def likeliest(logits: Tensor) -> Tensor:
    """The word with the highest score of each text: (B, vocab_size) -> (B)."""
    return logits.argmax(dim=-1)


def write(
    model: nn.Module,
    sums: Sequence[Sum],
    openings: Sequence[str] | None = None,
    choose: Callable[[Tensor], Tensor] = likeliest,
) -> list[str]:
    """What the model writes to each sum, its opening in front, up to the end of the document.

    Prompts of one length are read side by side.
    """
    openings = [""] * len(sums) if openings is None else openings
    prompts = [prompt(its, opening) for its, opening in zip(sums, openings, strict=True)]
    places = defaultdict(list)
    for place, tokens in enumerate(prompts):
        places[len(tokens)].append(place)
    replies, device = [""] * len(sums), next(model.parameters()).device
    for T, its in places.items():
        for at in (its[i : i + SIDE_BY_SIDE] for i in range(0, len(its), SIDE_BY_SIDE)):
            n_tokens = max(sums[i].n_tokens for i in at)
            rows = torch.tensor([prompts[i] for i in at], device=device)
            for i, row in zip(at, generate(model, rows, n_tokens, choose)[:, T:].tolist()):
                said = row[: row.index(village.END)] if village.END in row else row
                replies[i] = f"{openings[i]} {in_words(said)}".strip()
    return replies
