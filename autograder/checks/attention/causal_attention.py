"""`causal_attention`: the future is hidden and the whole past is read, also where there are fewer queries than keys."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.scaled_dot_product import library_attention
from autograder.checks.attention.shared import inputs, lower_triangle, masked_too_late, weigh
from autograder.checks.common import gradients

exercise = Exercise("causal_attention")


@exercise.check(points=0.25, invariant=True)
def the_future_is_hidden(causal_attention, rng):
    """Changing keys and values after a position changes nothing up to that position; changing the first key does."""
    query, key, value = inputs(rng, 2, T=6, S=6, d_head=8, d_value=5)
    before = causal_attention(query, key, value)
    after = []
    for position in range(1, 6):
        past = torch.arange(6).view(6, 1) < position
        other_key, other_value = torch.where(past, key, -key), torch.where(past, value, 100.0)
        after.append(causal_attention(query, other_key, other_value)[..., :position, :])
    start = torch.where(torch.arange(6).view(6, 1) < 1, -key, key)
    return {
        "before": [before[..., :position, :] for position in range(1, 6)],
        "after": after,
        "must differ": [before[..., 1:, :], causal_attention(query, start, value)[..., 1:, :]],
    }


@exercise.check(points=0.25)
def the_whole_past_is_read(causal_attention, rng):
    """A query of zeros likes all keys the same: position t gets the plain mean of values 0 to t."""
    _, key, value = inputs(rng, 2, T=6, S=6, d_head=8, d_value=5)
    return causal_attention(torch.zeros(2, 6, 8), key, value)


@exercise.check(points=0.25, invariant=True)
def the_last_queries_alone_see_the_same(causal_attention, rng):
    """The last one, two or four queries, asked alone (T < S), get what they get when all are asked."""
    query, key, value = inputs(rng, 2, 3, T=6, S=6, d_head=8, d_value=5)
    before = causal_attention(query, key, value)
    after = [causal_attention(query[..., -T:, :], key, value) for T in (1, 2, 4)]
    return {"before": [before[..., -T:, :] for T in (1, 2, 4)], "after": after}


@exercise.check(points=0.25)
def result_and_gradients(causal_attention, rng):
    """The result is scaled dot-product attention over the past, and the gradient reaches query, key and value."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=8, d_value=5)
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(("query", "key", "value"), given)}
    result = causal_attention(*given)
    return {"the result": result, **gradients(result, leaves, rng)}


@exercise.mistake(
    hint="With fewer queries than keys, your first query reads only the first key. The queries are the *last* T of S "
    "positions: how far should the last one see?"
)
def lines_up_with_the_first_key(query, key, value):
    may_read = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool).tril()
    return library_attention(query, key, value, may_read)


@exercise.mistake(
    hint="Each position reads one position past itself: the answer of next-word prediction. Is the diagonal of your "
    "triangle one too high?"
)
def reads_one_ahead(query, key, value):
    return library_attention(query, key, value, lower_triangle(query, key, ahead=1))


@exercise.mistake(
    hint="A position does not read itself, so the first one has nothing to read. Is the diagonal of your triangle one "
    "too low?"
)
def cannot_read_itself(query, key, value):
    return weigh(query, key, value, lower_triangle(query, key, ahead=-1))


@exercise.mistake(
    hint="Each position reads the future and not the past. Which triangle does your mask keep, the lower or the upper?"
)
def reads_the_future_only(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return library_attention(query, key, value, torch.ones(T, S, dtype=torch.bool).triu(S - T))


@exercise.mistake(hint="Every position reads every other. What keeps a position from reading a later one?")
def hides_nothing(query, key, value):
    return library_attention(query, key, value)


@exercise.mistake(
    hint="The future takes its share of the weight before you set it to zero, so the rest does not sum to one. When "
    "should it be hidden?"
)
def hides_the_future_too_late(query, key, value):
    return masked_too_late(query, key, value, lower_triangle(query, key))


@exercise.mistake(
    hint="The future is well hidden, but the scores are not divided by √d_head. Does `check(scaled_dot_product)` pass?"
)
def stands_on_unscaled_scores(query, key, value):
    return weigh(query, key, value, lower_triangle(query, key), divisor=1.0)


@exercise.given
def library_causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """PyTorch's own attention under an explicit mask: its `is_causal` is another thing where T < S."""
    return library_attention(query, key, value, lower_triangle(query, key))
