"""The task of five cups: a pea lies under one of them, they are moved again and again, and where is it now?

A text is the pea's first place and then moves, a token each. *Swaps* exchange two cups; in another order they lead
elsewhere, so each has to be taken from where the one before has left the pea. *Turns* push all cups on by some places:
they may be added up in any order, all at once, modulo five. *Counts* name a cup, and asked is the cup that has been
named most often, the first place included and the first cup of equals: every move matters, and in any order. So the
three tasks have the same tokens, the same answers and the same length, and only one of them is a chain.

Where the pea is after each move is asked in one of four ways: *direct*, at the move itself; *written*, behind the last
move, where each answer is written down before the next one is asked; *dots*, in the same place, with a dot in place of
each answer; *scrambled*, with a random cup in its place. Source: the word problem of five symbols (Barrington 1989), as
asked of transformers by Liu et al. 2023 and of written steps by Li et al. 2024.
"""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.transformer import generate

N_CUPS = 5
SWAPS = tuple(combinations(range(N_CUPS), 2))  # ten, and so many turns, two of each kind
CUP, DOT, VOCAB_SIZE = len(SWAPS), len(SWAPS) + N_CUPS, len(SWAPS) + N_CUPS + 1  # moves come first, then cups
KINDS = ("swaps", "turns", "counts")
WAYS = ("direct", "written", "dots", "scrambled")
NOT_ASKED = -100


class Game(NamedTuple):
    """Games of the same number of moves, T: tokens (B, T + 1), the first place in front, and cups (B, T + 1)."""

    tokens: Tensor
    cups: Tensor


@cache
def table(kind: str) -> Tensor:
    """Where a move takes the pea: (n_moves, N_CUPS), [move, cup before], of swaps or turns."""
    cups = torch.arange(N_CUPS).repeat(len(SWAPS), 1)
    if kind == "turns":
        return (cups + torch.arange(len(SWAPS)).unsqueeze(1)) % N_CUPS
    for move, (one, other) in enumerate(SWAPS):
        cups[move, one], cups[move, other] = other, one
    return cups


def play(n_games: int, n_moves: int, kind: str, generator: torch.Generator) -> Game:
    """Games of random moves from a random first place. Raises ValueError for an unknown kind."""
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    moves = torch.randint(len(SWAPS), (n_games, n_moves), generator=generator)
    cups = [torch.randint(N_CUPS, (n_games,), generator=generator)]
    tokens = torch.cat([CUP + cups[0].unsqueeze(1), moves], dim=1)
    if kind == "counts":
        named = torch.cat([cups[0].unsqueeze(1), moves % N_CUPS], dim=1)
        counts = F.one_hot(named, N_CUPS).cumsum(dim=1)  # (B, T + 1, N_CUPS)
        return Game(tokens, (N_CUPS * counts - torch.arange(N_CUPS)).argmax(dim=-1))
    for move in moves.unbind(dim=1):
        cups.append(table(kind)[move, cups[-1]])
    return Game(tokens, torch.stack(cups, dim=1))


def laid_out(game: Game, way: str, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Inputs and targets (B, T'), with `NOT_ASKED` where nothing is asked; T' is T + 1 if direct, and else 2 T + 1.

    Raises ValueError for an unknown way.
    """
    answers = CUP + game.cups[:, 1:]
    if way == "direct":
        return game.tokens, F.pad(answers, (1, 0), value=NOT_ASKED)
    before = {
        "written": CUP + game.cups[:, :-1],  # each answer is asked where the one before is read
        "dots": torch.full_like(answers, DOT),
        "scrambled": torch.randint(CUP, DOT, answers.shape, generator=generator),
    }
    if way not in before:
        raise ValueError(f"way={way!r}: it is one of {', '.join(WAYS)}")
    return torch.cat([game.tokens, before[way]], dim=1), F.pad(answers, (game.tokens.size(1), 0), value=NOT_ASKED)


class Course:
    """What a model learns from: games of `n_moves`, of which the first few are asked about at first, and later all.

    The number that is asked about grows from two to all over the first 30 % of the steps.
    """

    def __init__(self, n_moves: int, steps: int, batch_size: int, kind: str = "swaps", way: str = "direct"):
        self.n_moves, self.steps, self.batch_size, self.kind, self.way = n_moves, steps, batch_size, kind, way
        self.taken = 0

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss of the next batch, and how often the model is right where it is asked."""
        asked = min(self.n_moves, 2 + int((self.n_moves - 2) * self.taken / (0.3 * self.steps)))
        self.taken += 1
        inputs, targets = laid_out(play(self.batch_size, self.n_moves, self.kind, generator), self.way, generator)
        targets[:, targets.size(1) - self.n_moves + asked :] = NOT_ASKED
        logits, _ = model(inputs)
        is_asked = targets != NOT_ASKED
        loss = F.cross_entropy(logits[is_asked], targets[is_asked])
        return loss, (logits[is_asked].argmax(dim=-1) == targets[is_asked]).float().mean()

    def state_dict(self) -> dict[str, Tensor]:
        return {"taken": torch.tensor(self.taken)}

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.taken = int(tensors["taken"])


@torch.no_grad()
def right(model: Callable[..., Any], game: Game, way: str, generator: torch.Generator) -> Tensor:
    """How often a model is right after 1, 2, … T moves: (T). One that writes reads what it has written itself."""
    inputs, targets = laid_out(game, way, generator)
    n_moves = game.tokens.size(1) - 1
    if way == "written":
        said = generate(model, inputs[:, : n_moves + 2], n_moves)[:, n_moves + 2 :]
    else:
        said = model(inputs)[0][:, -n_moves:].argmax(dim=-1)
    return (said == targets[:, -n_moves:]).float().mean(dim=0)


def longest(shares: Tensor, level: float = 0.9) -> int:
    """The most moves up to which a model is right in `level` of the games after each of them, or 0."""
    return int((shares >= level).long().cumprod(dim=0).sum())
