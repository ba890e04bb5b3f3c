"""`causal_attention`: the future is hidden and the whole past is read, also where there are fewer queries than keys."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.scaled_dot_product import library_attention
from autograder.checks.attention.shared import (
    across,
    inputs,
    lower_triangle,
    masked_too_late,
    meets_another_device,
    towering,
    weigh,
    what_a_billionth_makes,
    with_a_towering_last_key,
)
from autograder.checks.common import gradients, normal

exercise = Exercise("causal_attention")
NAMES = "query", "key", "value"


@exercise.promise("no position reads a later one", broken_by="reads_one_ahead")
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
        "change": "keys and values behind it were changed",
    }


@exercise.promise("may read key $j$ of the $S$ keys", broken_by="cannot_read_itself")
@exercise.check(points=0.125)
def the_whole_past_is_read(causal_attention, rng):
    """A query of zeros likes all keys the same: position t gets the plain mean of values 0 to t."""
    _, key, value = inputs(rng, 2, T=6, S=6, d_head=8, d_value=5)
    return causal_attention(torch.zeros(2, 6, 8), key, value)


@exercise.promise("The queries are the last T of the S positions", broken_by="lines_up_with_the_first_key")
@exercise.promise("T < S when the first positions have been read before", broken_by="hides_nothing_where_T_is_below_S")
@exercise.check(points=0.25, invariant=True)
def the_last_queries_alone_see_the_same(causal_attention, rng):
    """The last one, two or four queries, asked alone (T < S), get what they get when all are asked."""
    query, key, value = inputs(rng, 2, 3, T=6, S=6, d_head=8, d_value=5)
    before = causal_attention(query, key, value)
    after = [causal_attention(query[..., -T:, :], key, value) for T in (1, 2, 4, 5)]
    change = "the queries in front were left out"
    return {"before": [before[..., -T:, :] for T in (1, 2, 4, 5)], "after": after, "change": change}


@exercise.promise("So the last query reads every key", broken_by="looks_back_128_positions")
@exercise.promise("however long the text is", broken_by="cuts_a_table_of_256")
@exercise.promise("and however large the scores of later keys are", broken_by="takes_ten_thousand_off")
@exercise.promise("and in its type, bfloat16 included", broken_by="works_in_float32")
@exercise.check(points=0.125)
def long_texts_and_large_scores(causal_attention, rng):
    """In a text of 600 positions all earlier ones are read; later keys are not, though their scores be far higher."""
    value, tall, taller = normal(rng, 600, 3), towering(rng), towering(rng, 1e6)
    half, far = torch.zeros(600, 2).bfloat16(), torch.arange(2100.0).unsqueeze(-1)
    in_half = causal_attention(half[-40:], half, torch.eye(600)[:, -40:].bfloat16())
    ordinary = inputs(rng, T=4, S=6, d_head=8, d_value=5)
    return {
        "600 positions, likes all the same": causal_attention(torch.zeros(600, 2), normal(rng, 600, 2), value)[::37],
        "5 of 600 positions": causal_attention(torch.zeros(5, 2), normal(rng, 600, 2), value),
        "the last of 2100 positions": causal_attention(torch.zeros(1, 2), torch.zeros(2100, 2), far),
        "scores that grow by a million": causal_attention(*tall),
        "the last two of these": causal_attention(tall[0][-2:], *tall[1:]),
        "each key twice": causal_attention(tall[0], tall[1][[0, 0, 2, 2]], tall[2]),
        "scores that grow by a million million": causal_attention(*taller),
        "ordinary scores": causal_attention(*ordinary),
        "who reads whom of the last 40 of 600, in bfloat16": in_half != 0,
        "the type of the result": str(in_half.dtype),
    }


@exercise.promise("Scaled dot-product attention in which", broken_by="stands_on_unscaled_scores")
@exercise.promise("-> (..., T, d_value)", broken_by="takes_axis_1_for_the_positions")
@exercise.promise("the gradient reaches query, key and value", broken_by="cuts_the_weights_off")
@exercise.promise("without NaN", broken_by="takes_the_future_out_behind_the_exponential")
@exercise.promise("The result is made on the device of the query", broken_by="makes_its_mask_on_the_cpu")
@exercise.check(points=0.25)
def result_and_gradients(causal_attention, rng):
    """The result is scaled dot-product attention over the past, on the query's device, and the gradient reaches all."""
    seen = {}
    for *batch, T, S, d_head, d_value in (
        (2, 3, 4, 7, 8, 5),
        (5, 6, 3, 2),
        (1, 1, 3, 1, 1),
        (4, 2, 6, 5, 3),
        (1, 1, 1, 2, 4),
        (2, 1, 3, 2, 5, 4, 6),
    ):
        given = inputs(rng, *batch, T=T, S=S, d_head=d_head, d_value=d_value)
        seen[f"batch {batch}, T, S = {T}, {S}, widths {d_head}, {d_value}"] = causal_attention(*given)
    given = inputs(rng, 2, 3, T=4, S=7, d_head=8, d_value=5)
    seen["tensors that do not lie in one row"] = causal_attention(*map(across, given))
    tall = {name: part.requires_grad_() for name, part in zip(NAMES, with_a_towering_last_key(*given))}
    in_front = causal_attention(*tall.values())[..., :-1, :]  # the last one reads that key, and learns rounding alone
    found = gradients(in_front, tall, rng)
    seen |= {f"{name}, large scores in the future": gradient for name, gradient in found.items()}
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(NAMES, given)}
    result = causal_attention(*given)
    on_the_cpu = meets_another_device(causal_attention, *given)
    own = {"a tensor of the CPU meets those of another device": on_the_cpu}
    own["what a billionth makes in float64"] = what_a_billionth_makes(causal_attention, *(t.detach() for t in given))
    return seen | {"the result": result, **gradients(result, leaves, rng)} | own


@exercise.mistake(
    hint="With fewer queries than keys, your first query reads only the first key. The queries are the *last* T of S "
    "positions: how far should the last one see?"
)
def lines_up_with_the_first_key(query, key, value):
    may_read = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool, device=query.device).tril()
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
    return library_attention(query, key, value, torch.ones(T, S, dtype=torch.bool, device=query.device).triu(S - T))


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


@exercise.mistake(
    hint="Where there are fewer queries than keys, you hide nothing. Does the first of two new words see the second?"
)
def hides_nothing_where_T_is_below_S(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return weigh(query, key, value, lower_triangle(query, key) if T == S else None)


@exercise.mistake(hint="Your triangle is moved by one at most. By how much do T and S differ?")
def moves_the_triangle_by_one_at_most(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return weigh(query, key, value, torch.ones(T, S, dtype=torch.bool, device=query.device).tril(min(S - T, 1)))


@exercise.mistake(hint="In a long text the first keys are hidden. How far back may a position read?")
def looks_back_128_positions(query, key, value):
    may_read = lower_triangle(query, key)
    return weigh(query, key, value, may_read & ~may_read.tril(key.size(-2) - query.size(-2) - 128))


@exercise.mistake(hint="Long texts end with an error. Of what size is the table that your mask is cut from?")
def cuts_a_table_of_256(query, key, value):
    T, S = query.size(-2), key.size(-2)
    table = torch.ones(256, 256, dtype=torch.bool, device=query.device).tril()
    return weigh(query, key, value, table[S - T : S, :S])


@exercise.mistake(hint="The future has 10,000 taken off its scores. What if these were higher by more than that?")
def takes_ten_thousand_off(query, key, value):
    scores = query @ key.transpose(-2, -1) / query.size(-1) ** 0.5
    return torch.softmax(scores - 1e4 * (~lower_triangle(query, key)).to(query.dtype), dim=-1) @ value


@exercise.mistake(hint="The future has a thousand million taken off its scores. Which number is below every other?")
def takes_a_thousand_million_off(query, key, value):
    scores = query @ key.transpose(-2, -1) / query.size(-1) ** 0.5
    return torch.softmax(scores - 1e9 * (~lower_triangle(query, key)).to(query.dtype), dim=-1) @ value


@exercise.mistake(hint="Where the query is of bfloat16, your result is of float32. Who chooses its type?")
def works_in_float32(query, key, value):
    return weigh(query.float(), key.float(), value.float(), lower_triangle(query, key)).to(
        torch.promote_types(query.dtype, torch.float32)
    )


@exercise.mistake(
    hint="In bfloat16 a position reads its neighbours to the right. Which whole numbers above 256 does bfloat16 know?"
)
def compares_positions_in_the_querys_type(query, key, value):
    positions = torch.arange(key.size(-2), device=query.device).to(query.dtype)
    return weigh(query, key, value, positions <= positions[-query.size(-2) :].unsqueeze(-1))


@exercise.mistake(
    hint="The result is right, but the gradient is NaN where a later score is large. What does 0 times infinity give, "
    "on the way back through `exp`?"
)
def takes_the_future_out_behind_the_exponential(query, key, value):
    scores, may_read = query @ key.transpose(-2, -1) / query.size(-1) ** 0.5, lower_triangle(query, key)
    largest = scores.masked_fill(~may_read, float("-inf")).amax(dim=-1, keepdim=True)
    weights = torch.where(may_read, torch.exp(scores - largest), 0.0)
    return weights / weights.sum(-1, keepdim=True) @ value


@exercise.mistake(
    hint="The future is taken out after the softmax, and the rest shared out again. What is left, if a later score is "
    "far above all earlier ones?"
)
def rescales_what_the_future_left(query, key, value):
    weights = torch.softmax(query @ key.transpose(-2, -1) / query.size(-1) ** 0.5, dim=-1)
    weights = weights * lower_triangle(query, key)
    return weights / weights.sum(-1, keepdim=True) @ value


@exercise.mistake(hint="You count axes from the front. Where are the positions, with more batch dimensions or none?")
def takes_axis_1_for_the_positions(query, key, value):
    T, S = query.size(1), key.size(1)
    return weigh(query, key, value, torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T))


@exercise.mistake(hint="On a GPU your mask would be on the CPU. What does `torch.ones` take to make it elsewhere?")
def makes_its_mask_on_the_cpu(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return weigh(query, key, value, torch.ones(T, S, dtype=torch.bool, device="cpu").tril(S - T))


@exercise.mistake(
    hint="No gradient reaches query and key. What do `detach`, `item`, `no_grad` or a new tensor cut off?"
)
def cuts_the_weights_off(query, key, value):
    return weigh(query.detach(), key.detach(), value, lower_triangle(query, key))


@exercise.given
def library_causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """PyTorch's own attention under an explicit mask: its `is_causal` is another thing where T < S."""
    return library_attention(query, key, value, lower_triangle(query, key))


exercise.aside("T <= S", "The caller sees to it, and nothing is said of more queries than keys.")
exercise.edges(
    empty="A text has a position at least.",
    one="result_and_gradients",
    equal="the_whole_past_is_read",
    zero="the_whole_past_is_read",
    ties="long_texts_and_large_scores",
    large="long_texts_and_large_scores",
    small="long_texts_and_large_scores",
    limit="the_last_queries_alone_see_the_same",
    shapes="result_and_gradients",
    modes="There is no layer that has a mode.",
    gradients="What is given stays as it was, gradients included; the grader compares it.",
    inputs="result_and_gradients",
)
