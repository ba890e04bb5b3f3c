"""`generate`: the cache changes no token, what the model reads each time, `choose` decides, up to the context."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import likeliest, normal

exercise = Exercise("generate")


class Reader(nn.Module):
    """A language model whose logits hang on every token that it read and on their order, exactly.

    The state is two tensors for the only layer: a number made of all tokens, and how many there were.
    """

    def __init__(self, rng: torch.Generator, vocab_size: int = 31, context: int = 30):
        super().__init__()
        self.table, self.context, self.calls = normal(rng, 997, vocab_size), context, []

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        self.calls.append({"tokens": tokens, "the state": state})
        number, read = state[0] if state else (torch.zeros(len(tokens), dtype=torch.long), 0)
        if (read := read + tokens.size(1)) > self.context:
            raise ValueError("longer than the context")
        numbers = []
        for token in tokens.unbind(1):
            number = (number * 31 + token + 1) % 997
            numbers.append(number)
        return self.table[torch.stack(numbers, dim=1)], [(number, read)]


def prompt(rng: torch.Generator, T: int = 4) -> Tensor:
    return torch.randint(31, (2, T), generator=rng)


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
    place: int = -1,
) -> Tensor:
    """Generation with its parts to choose, so that one of them can be wrong."""
    state, piece = None, tokens
    for _ in range(n_tokens):
        logits, new_state = model(piece, state) if use_cache else model(tokens)
        state = hand_on(state, new_state)
        new = choose(logits[:, place]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        piece = next_piece(tokens, new)
    return tokens


@exercise.check(points=0.25, invariant=True)
def the_cache_changes_no_token(generate, rng):
    """With the cache the same tokens come as without it, whatever `choose` takes; another `choose` takes others."""
    model, tokens = Reader(rng), prompt(rng)
    before, other = (generate(model, tokens, 6, choose, use_cache=False) for choose in (unlikeliest, take_third))
    after = [generate(model, tokens, 6, choose) for choose in (unlikeliest, take_third)]
    return {"before": [before, other], "after": after, "must differ": [before, other]}


@exercise.check(points=0.5)
def what_the_model_reads(generate, rng):
    """With the cache: the prompt, then one token and the state each time. Without: all the tokens, and no state."""
    seen, tokens = {}, prompt(rng)
    for words, use_cache in (("with the cache", True), ("without", False)):
        model = Reader(rng)
        seen[f"{words}: the tokens"] = generate(model, tokens, 5, use_cache=use_cache)
        seen[f"{words}: the first five calls"] = model.calls[:5]
    return seen


@exercise.check(points=0.25)
def choose_decides(generate, rng):
    """`choose` gets the logits after the last token, (B, vocab_size), and what it takes stands behind the prompt."""
    model, tokens, given = Reader(rng), prompt(rng), []

    def choose(logits):
        given.append(logits)
        return torch.tensor([len(given), 20 + len(given)])

    return {"the tokens": generate(model, tokens, 5, choose), "what choose was given": given}


@exercise.check(points=0.25)
def from_nothing_more_to_the_context(generate, rng):
    """No token more gives the prompt back, one gives one, and the prompt stays as it was; too many raise ValueError."""
    model, tokens = Reader(rng), prompt(rng, T=3)
    seen = {f"n_tokens={n}": generate(model, tokens, n) for n in (0, 1, 27)}
    for use_cache in (True, False):
        try:
            generate(model, tokens, 29, use_cache=use_cache)
            complaint = "no complaint"
        except ValueError:
            complaint = "ValueError"
        seen[f"past the context, use_cache={use_cache}"] = complaint
    return seen | {"the prompt afterwards": tokens}


@exercise.mistake(
    hint="The model gets the whole text again and the state besides. What does it know from the state already?"
)
def reads_all_again_with_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, next_piece=lambda tokens, new: tokens)


@exercise.mistake(hint="With the cache the model reads one token and no state. From where should it know the rest?")
def drops_the_state(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: None)


@exercise.mistake(hint="The state is always the one after the prompt. Does the model not return a new one each time?")
def keeps_the_state_of_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: old or new)


@exercise.mistake(hint="You take the scores at the first position. After which token do you want to go on?")
def takes_the_first_logits(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, place=0)


@exercise.mistake(hint="The likeliest token is taken whatever happens. Where do you call `choose`?")
def always_takes_the_likeliest(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, likeliest, use_cache)


@exercise.mistake(hint="What you return begins after the prompt. Should the prompt not stand in front?")
def leaves_out_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache)[:, tokens.size(1) :]


@exercise.mistake(
    hint="The tokens are right and the state is never used. What should the model read with use_cache=True?"
)
def never_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache=False)


@exercise.mistake(hint="The state is used even with use_cache=False. What should the model read then?")
def always_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose)


@exercise.mistake(hint="One token too many comes back. How often should the loop run?")
def goes_on_one_too_far(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens + 1, choose, use_cache)
