"""`get_batch`: targets are one token ahead, every window is equally likely, chance comes from the generator."""

import torch
from torch import Tensor

from autograder.checking.chance import improbable
from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, ending
from autograder.checks.pretraining.shared import some_tokens

exercise = Exercise("get_batch")


def evenly_drawn(got: dict, expected: dict) -> str | None:
    """Which window, or which step from row to row, comes up too often or too seldom, or None.

    A right answer is accused less than once in 10⁹ times: the steps between even draws, in a ring, are even draws too.
    """
    parts = {"share of each place": "begin at place", "share of each step": "follow the row above at step"}
    for part, words in parts.items():
        seen, right = got[part], torch.full_like(expected[part], 1 / len(expected[part]))
        if seen.shape != right.shape or abs(seen.sum().item() - 1) > 1e-6:
            return "Not every window is one that stands in the text."
        off = improbable(seen, right, DRAWS - 1, 2 * len(right))
        if off.any():
            place = int((seen - right).abs().argmax())
            return (
                f"Of {DRAWS:,} windows, {seen[place]:.1%} {words} {place} of 0 to {len(right) - 1}, "
                f"expected {right[place]:.1%}."
            )
    return None


def batch_at(tokens: Tensor, starts: Tensor, T: int, ahead: int = 1) -> tuple[Tensor, Tensor]:
    """The windows that begin at these places, and their targets."""
    windows = tokens[starts.unsqueeze(1) + torch.arange(T + ahead)]
    return windows[:, :T], windows[:, ahead:]


def places(tokens: Tensor, batch_size: int, T: int, generator, low: int = 0, high: int | None = None) -> Tensor:
    """Where the windows begin, with the bounds to choose, so that one of them can be wrong."""
    if len(tokens) <= T:
        raise ValueError("too short")
    high = len(tokens) - T if high is None else high
    return torch.randint(low, max(high, low + 1), (batch_size,), generator=generator)


@exercise.check(points=0.25)
def targets_are_one_ahead(get_batch, rng):
    """A window is T tokens that stand side by side in the text, and its targets are the tokens one place further."""
    start = int(some_tokens(rng, vocab_size=500))
    inputs, targets = get_batch(torch.arange(start, start + 60), 5, 7, another_generator(rng))
    text = some_tokens(rng, 8)
    return {
        "shapes": [list(inputs.shape), list(targets.shape)],
        "targets minus inputs, in a text that counts up": targets - inputs,
        "steps within a window": inputs[:, 1:] - inputs[:, :-1],
        "all is in the text": bool((inputs >= start).all() and (targets < start + 60).all()),
        "the only window of 8 tokens": list(get_batch(text, 2, 7)),
        "a window of 8 in 8 tokens": ending(lambda: get_batch(text, 2, 8)),
        "the text afterwards": text,
    }


@exercise.check(points=0.25, judge=evenly_drawn, atol=0.05)
def every_window_is_equally_likely(get_batch, rng):
    """Every window of the text comes up equally often, the first and the last one too, and each row is a new draw."""
    text = torch.randperm(13, generator=rng)  # so that a window's first token says where it stands
    inputs, _ = get_batch(text, DRAWS, 6, another_generator(rng))
    places, all_places = text.argsort()[inputs[:, 0]], torch.arange(13 - 6)
    return {
        "share of each place": (places.unsqueeze(1) == all_places).double().mean(dim=0),
        "share of each step": (places.diff().unsqueeze(1) % (13 - 6) == all_places).double().mean(dim=0),
    }


@exercise.check(points=0.25)
def chance_comes_from_the_generator(get_batch, rng):
    """The same state of the generator gives the same batch again; another state, or the next call, gives another."""
    text, seed = torch.arange(1000), int(some_tokens(rng, vocab_size=2**40))
    generator = torch.Generator().manual_seed(seed)
    first, second = (get_batch(text, 6, 9, generator)[0] for _ in range(2))
    again, other = (get_batch(text, 6, 9, torch.Generator().manual_seed(start))[0] for start in (seed, seed + 1))
    return {
        "the same state gives the same": torch.equal(first, again),
        "another state gives the same": torch.equal(first, other),
        "the next call gives the same": torch.equal(first, second),
        "without a generator": [list(part.shape) for part in get_batch(text, 6, 9)],
    }


@exercise.mistake(
    hint="Each target equals the input at its position. What would a model learn that may copy the answer?"
)
def the_target_is_the_input(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs, inputs


@exercise.mistake(
    hint="Your targets are the tokens before the inputs. Which of the two begins one place further in the text?"
)
def looks_back(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return targets, inputs


@exercise.mistake(
    hint="Your windows are one token short, because inputs and targets share T tokens. How many tokens do T inputs "
    "and the last target take together?"
)
def shifts_inside_the_window(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs[:, :-1], inputs[:, 1:]


@exercise.mistake(
    hint="The last window never comes up, so the model never predicts the last token. Is `high` of `torch.randint` "
    "one of the numbers that it draws?"
)
def leaves_out_the_last_window(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, generator, high=len(tokens) - T - 1), T)


@exercise.mistake(hint="The first window never comes up. From which place on may a window begin?")
def leaves_out_the_first_window(tokens, batch_size, T, generator=None):
    low = min(1, len(tokens) - T - 1)
    return batch_at(tokens, places(tokens, batch_size, T, generator, low=low), T)


@exercise.mistake(
    hint="Your windows begin at multiples of T only. How many different places are there for a window to begin?"
)
def cuts_the_text_end_to_end_first(tokens, batch_size, T, generator=None):
    return batch_at(tokens, T * places(tokens, batch_size, T, generator, high=(len(tokens) - 1) // T), T)


@exercise.mistake(
    hint="All rows of a batch are the same window. How many places have to be drawn for `batch_size` windows?"
)
def draws_one_place_for_all_rows(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, 1, T, generator).expand(batch_size), T)


@exercise.mistake(
    hint="One place is drawn, and the windows of a batch begin there one after the other. How many places have to be "
    "drawn for `batch_size` windows?"
)
def draws_one_place_and_counts_on(tokens, batch_size, T, generator=None):
    start = places(tokens, 1, T, generator)
    return batch_at(tokens, (start + torch.arange(batch_size)) % (len(tokens) - T), T)


@exercise.mistake(hint="Your batch always begins at the start of the text. What is drawn by chance here?")
def reads_from_the_start(tokens, batch_size, T, generator=None):
    places(tokens, batch_size, T, generator)
    return batch_at(tokens, torch.arange(batch_size) % (len(tokens) - T), T)


@exercise.mistake(
    hint="The tokens of your windows are drawn one by one. What has to stay together for the next token to be a next "
    "one?"
)
def draws_tokens_one_by_one(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError("too short")
    drawn = torch.randint(len(tokens) - 1, (batch_size, T), generator=generator)
    return tokens[drawn], tokens[drawn + 1]


@exercise.mistake(
    hint="The same generator gives other batches each time. Which of your calls draws, and does it know `generator`?"
)
def forgets_the_generator(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, None), T)


@exercise.mistake(hint="Your inputs are (T, B): positions down and texts across. Which of the two comes first?")
def stacks_positions_first(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs.T, targets.T
