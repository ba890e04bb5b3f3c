"""The model that `LatentLoop` is checked with, a loop with its parts to override, and parts that are wrong."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import normal

VOCAB_SIZE = 11
State = tuple[Tensor, int] | None


class Layer(nn.Module):
    """A block: each position adds something of the mean of those up to it, the state being their sum and number.

    In evaluation mode it adds half as much, so that the mode shows.
    """

    def __init__(self, rng: torch.Generator, d_model: int):
        super().__init__()
        self.weight = nn.Parameter(normal(rng, d_model, d_model) / d_model**0.5)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, tuple[Tensor, int]]:
        total, n = state or (0.0, 0)
        seen = x.cumsum(dim=1) + total
        mean = seen / torch.arange(n + 1, n + 1 + x.size(1)).unsqueeze(-1)
        moved = torch.tanh(mean @ self.weight)
        return x + (moved if self.training else moved / 2), (seen[:, -1:], n + x.size(1))


class Small(nn.Module):
    """A model with the parts of a `GPT`, an output of its own and a norm that shifts."""

    d_model = 6

    def __init__(self, rng: torch.Generator, n_blocks: int = 3):
        super().__init__()
        self.context = 100
        self.embedding = nn.Embedding(VOCAB_SIZE, self.d_model)
        self.blocks = nn.ModuleList(Layer(rng, self.d_model) for _ in range(n_blocks))
        self.norm = nn.LayerNorm(self.d_model)
        self.output = nn.Linear(self.d_model, VOCAB_SIZE, bias=False)
        with torch.no_grad():
            for weight in (self.embedding.weight, self.norm.weight, self.norm.bias, self.output.weight):
                weight.copy_(normal(rng, *weight.shape))

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, list[Any]]:
        before, after = state or [None] * len(self.blocks), []
        x = self.embedding(tokens)
        for block, its in zip(self.blocks, before, strict=True):
            x, its = block(x, its)
            after.append(its)
        return self.output(self.norm(x)), after


def some_text(rng: torch.Generator, B: int, T: int) -> Tensor:
    return torch.randint(VOCAB_SIZE, (B, T), generator=rng)


class Loop(nn.Module):
    """A loop with its parts to override, so that one of them can be wrong."""

    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds
        self.begin()

    def begin(self):
        pass

    def forward(self, tokens, state=None, n_rounds=None):
        n_rounds = self.rounds(n_rounds)
        self.refuse(state, n_rounds)
        before = self.placed(state) if state else [None] * (n_rounds * len(self.model.blocks))
        self.first = self.model.embedding(tokens)
        x, after = self.run(self.first, before, self.number(n_rounds))
        return self.result(self.top(x), self.given(after))

    def rounds(self, n_rounds):
        return self.n_rounds if n_rounds is None else n_rounds

    def refuse(self, state, n_rounds):
        if n_rounds < 1 or (state and len(state) != n_rounds * len(self.model.blocks)):
            raise ValueError("no such number of rounds")

    def placed(self, state):
        return list(state)

    def number(self, n_rounds):
        return n_rounds

    def run(self, x, before, n_rounds):
        after = []
        for number in range(n_rounds):
            x, states = self.round(x, before, number, n_rounds)
            after += states
        return x, after

    def round(self, x, before, number, n_rounds):
        x, after = self.between(x, number if number < n_rounds - 1 else -number), []
        for index, block in enumerate(self.order(number)):
            place = number * len(self.model.blocks) + index
            x, state = block(x, before[place] if place < len(before) else None)
            after.append(state)
        return x, after

    def order(self, number):
        return self.model.blocks

    def between(self, x, number):
        """What a round reads; its number is negative if it is the last of several."""
        return x

    def top(self, x):
        return self.model.output(self.model.norm(x))

    def given(self, after):
        return after

    def result(self, logits, after):
        return logits, after


def kept_for_later_calls(self: Loop, n_rounds: int | None) -> int:
    self.n_rounds = self.n_rounds if n_rounds is None else n_rounds
    return self.n_rounds


def to_and_fro(self: Loop, number: int) -> Any:
    return reversed(self.model.blocks) if number % 2 else self.model.blocks


def restarted(self: Loop, x: Tensor, number: int) -> Tensor:
    return self.first


def added_again(self: Loop, x: Tensor, number: int) -> Tensor:
    return x + self.first if number else x


def cut_off_before_the_last(self: Loop, x: Tensor, number: int) -> Tensor:
    return x.detach() if number < 0 else x


def block_by_block(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    """Each block as often as there are rounds, and then the next one; states stand as they come."""
    after, states = [], iter(before)
    for block in self.model.blocks:
        for _ in range(n_rounds):
            x, state = block(x, next(states))
            after.append(state)
    return x, after


def scored_in_each_round(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    after = []
    for number in range(n_rounds):
        x, states = self.round(x, before, number, n_rounds)
        after += states
        if number < n_rounds - 1:
            self.top(x)
    return x, after


def averaged(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    after, streams = [], []
    for number in range(n_rounds):
        x, states = self.round(x, before, number, n_rounds)
        after += states
        streams.append(x)
    return torch.stack(streams).mean(dim=0), after


def one_state_for_each_block(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    """The states of a block go from round to round, and those of the last round stand for all."""
    states = before[-len(self.model.blocks) :]
    for _ in range(n_rounds):
        for index, block in enumerate(self.model.blocks):
            x, states[index] = block(x, states[index])
    return x, states * n_rounds


def one_state_up_the_blocks(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    after, state = [], before[0]
    for _ in range(n_rounds):
        for block in self.model.blocks:
            x, state = block(x, state)
            after.append(state)
    return x, after


def from_the_first_round(self: Loop, state: list[State]) -> list[State]:
    return [state[place % len(self.model.blocks)] for place in range(len(state))]


def by_blocks(self: Loop, after: list[State]) -> list[State]:
    n_blocks = len(self.model.blocks)
    return [after[place] for index in range(n_blocks) for place in range(index, len(after), n_blocks)]


def each_in_a_round_of_its_own(self: Loop, state: list[State]) -> list[State]:
    n_rounds = len(state) // len(self.model.blocks)
    return [state[place] for number in range(n_rounds) for place in range(number, len(state), n_rounds)]


def written_into(self: Loop, x: Tensor, before: list[State], n_rounds: int) -> tuple[Tensor, list[State]]:
    """The new states take the place of the old ones in the list that was handed in."""
    for place in range(n_rounds * len(self.model.blocks)):
        x, before[place] = self.model.blocks[place % len(self.model.blocks)](x, before[place])
    return x, before


def with_copies(self: Loop) -> None:
    self.copies = nn.ModuleList(copy.deepcopy(self.model.blocks) for _ in range(self.n_rounds - 1))


def of_its_own(self: Loop, number: int) -> Any:
    return self.copies[number - 1] if 0 < number <= len(self.copies) else self.model.blocks


def _beginning(self: Loop, model: nn.Module, n_rounds: int) -> None:
    Loop.__init__(self, model, n_rounds)
    self.last = None


def _remembering(self: Loop, tokens: Tensor, state: Any = None, n_rounds: int | None = None) -> Any:
    n_states = self.rounds(n_rounds) * len(self.model.blocks)
    fits = self.last is not None and len(self.last) == n_states and len(self.last[0][0]) == len(tokens)
    logits, after = Loop.forward(self, tokens, self.last if state is None and fits else state, n_rounds)
    self.last = [(total.detach(), n) for total, n in after]
    return logits, after


kept_in_the_model: tuple[Callable, Callable] = _beginning, _remembering
