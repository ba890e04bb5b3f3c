"""What `generate` is asked with: a model that remembers exactly, ways to choose, and generation with its parts."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import likeliest, normal, outcome


class Reader(nn.Module):
    """A language model whose logits hang on every token that it read and on their order, exactly.

    The state is two tensors for the only layer: a number made of all tokens, and how many there were.
    """

    def __init__(self, rng: torch.Generator, vocab_size: int = 31, context: int = 30):
        super().__init__()
        self.table, self.context, self.calls = normal(rng, 997, vocab_size), context, []

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        self.calls.append({"tokens": tokens, "the state": state, "gradients are on": torch.is_grad_enabled()})
        number, read = state[0] if state else (torch.zeros(len(tokens), dtype=torch.long), 0)
        if (read := read + tokens.size(1)) > self.context:
            raise ValueError("longer than the context")
        numbers = []
        for token in tokens.unbind(1):
            number = (number * 31 + token + 1) % 997
            numbers.append(number)
        return self.table[torch.stack(numbers, dim=1)], [(number, read)]


def prompt(rng: torch.Generator, T: int = 4, B: int = 2) -> Tensor:
    return torch.randint(31, (B, T), generator=rng)


def unlikeliest(logits: Tensor) -> Tensor:
    return logits.argmin(dim=-1)


def take_third(logits: Tensor) -> Tensor:
    return logits.topk(3).indices[:, 2]


@torch.no_grad()
def go_on(
    model: Callable,
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = likeliest,
    use_cache: bool = True,
    next_piece: Callable[[Tensor, Tensor], Tensor] = lambda tokens, new: new,
    hand_on: Callable[[Any, Any], Any] = lambda old, new: new,
    pick: Callable[[Callable, Tensor], Tensor] = lambda choose, logits: choose(logits[:, -1]),
    first: Callable[[Tensor], Tensor] = lambda tokens: tokens,
) -> Tensor:
    """Generation with its parts to choose, so that one of them can be wrong."""
    state, piece = None, first(tokens)
    for _ in range(n_tokens):
        logits, new_state = model(piece, state) if use_cache else model(tokens)
        state = hand_on(state, new_state)
        new = pick(choose, logits).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        piece = next_piece(tokens, new)
    return tokens


def draw(logits: Tensor) -> Tensor:
    return torch.multinomial(logits.softmax(dim=-1), 1).squeeze(1)


def after_exceptions(generate, rng: torch.Generator) -> dict[str, Any]:
    """How a call ends where the model or `choose` raises, and in which mode the model and PyTorch are then."""

    def fails(logits: Tensor) -> Tensor:
        raise KeyError("no token")

    seen: dict[str, Any] = {}
    for training in (True, False):
        for use_cache in (True, False):
            model = Reader(rng).train(training)
            words = f"training={training}, use_cache={use_cache}"
            seen[f"choose raises, {words}"] = outcome(partial(generate, model, prompt(rng), 3, fails, use_cache))
            seen[f"the mode after it, {words}"] = model.training
            end = outcome(partial(generate, model, prompt(rng), 40, likeliest, use_cache))
            seen |= {f"the model raises, {words}": end, f"the mode after that, {words}": model.training}
            seen[f"gradients are on after that, {words}"] = torch.is_grad_enabled()
    return seen
