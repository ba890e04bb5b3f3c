"""`scaled_dot_product`: equal values come back, the order of keys does not matter, what is masked is not read, large
scores stay finite; then the scale and the gradients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import (
    across,
    equal_rows,
    extreme,
    inputs,
    lower_triangle,
    masked_too_late,
    towering,
    weigh,
    with_a_towering_last_key,
)
from autograder.checks.common import gradients, normal

exercise = Exercise("scaled_dot_product")


@exercise.promise("softmax(Q Kᵀ", broken_by="softmax_over_the_queries")
@exercise.check(points=0.125)
def equal_values_come_back(scaled_dot_product, rng):
    """Where all values are equal, the result is that value: the weights of each query sum to one."""
    query, key, _ = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    return scaled_dot_product(query, key, equal_rows(rng, 3, 7, 5))


@exercise.promise("how well its key answers the query", broken_by="reshapes_instead_of_transposing")
@exercise.check(points=0.25, invariant=True)
def the_order_of_keys_does_not_matter(scaled_dot_product, rng):
    """Shuffling keys and values together changes nothing; shuffling the values alone does."""
    query, key, value = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5)
    order = torch.tensor([6, 0, 1, 2, 3, 4, 5])
    before = scaled_dot_product(query, key, value)
    after, apart = (scaled_dot_product(query, keys, value[:, order]) for keys in (key[:, order], key))
    change = "the last key and its value were moved to the front"
    return {"before": before, "after": after, "must differ": [before, apart], "change": change}


@exercise.check(points=0.25, invariant=True)
def only_differences_of_scores_count(scaled_dot_product, rng):
    """Adding one vector to all keys adds one number to all scores of a query, and changes nothing; a new query does."""
    query, key, value = inputs(rng, T=4, S=7, d_head=8, d_value=5)
    before = scaled_dot_product(query, key, value)
    after, other = scaled_dot_product(query, key + normal(rng, 8), value), scaled_dot_product(-query, key, value)
    change = "one vector was added to all keys"
    return {"before": before, "after": after, "must differ": [before, other], "change": change}


@exercise.promise("/ √d_head) V", broken_by="divides_by_d")
@exercise.promise("is the width of a query and of a key", broken_by="divides_by_the_root_of_d_value")
@exercise.promise("any number of batch dimensions", broken_by="knows_one_batch_dimension")
@exercise.promise("-> (..., T, d_value)", broken_by="squeezes_dimensions_of_one")
@exercise.check(points=0.25)
def scores_keep_their_size(scaled_dot_product, rng):
    """Scores are divided by √d_head, so that they do not grow with the width, with any number of batch dimensions."""
    seen = {}
    for *batch, T, S, d_head, d_value in (
        (2, 3, 4, 7, 16, 5),
        (4, 7, 2, 5),
        (3, 4, 7, 3, 5),
        (2, 3, 1, 2, 4, 7, 8, 5),
        (1, 1, 7, 6, 5),
        (1, 2, 4, 1, 6, 5),
        (2, 3, 5, 1, 1),
    ):
        given = inputs(rng, *batch, T=T, S=S, d_head=d_head, d_value=d_value)
        seen[f"batch {batch}, T, S = {T}, {S}, widths {d_head}, {d_value}"] = scaled_dot_product(*given)
    given = inputs(rng, 2, 3, T=4, S=7, d_head=8, d_value=5)
    return seen | {"tensors that do not lie in one row": scaled_dot_product(*map(across, given))}


@exercise.promise("is True where a query may read a key", broken_by="inverts_the_mask")
@exercise.check(points=0.25, invariant=True)
def what_is_masked_is_not_read(scaled_dot_product, rng):
    """Changing keys and values that the mask hides changes nothing, however much they are changed."""
    query, key, value = inputs(rng, 3, 2, T=4, S=7, d_head=8, d_value=5)
    mask = torch.arange(7) < torch.tensor([3, 5, 6]).view(3, 1, 1, 1)  # a text of its own length each
    hidden = ~mask.squeeze(1).unsqueeze(-1)  # (3, 1, 7, 1)
    before = scaled_dot_product(query, key, value, mask)
    after = scaled_dot_product(query, torch.where(hidden, 9 * key, key), torch.where(hidden, 100.0, value), mask)
    return {"before": before, "after": after, "change": "hidden keys and values were changed"}


@exercise.promise("share all of the weight", broken_by="masks_after_the_softmax")
@exercise.check(points=0.125)
def what_may_be_read_shares_all_the_weight(scaled_dot_product, rng):
    """Where all values that may be read are equal, the result is that value, whatever the hidden ones are."""
    query, key, value = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    mask = torch.tensor([[True, False, True, True, False, False, True]])[:, torch.randperm(7, generator=rng)]
    value = torch.where(mask.T, equal_rows(rng, 3, 7, 5), value)
    return scaled_dot_product(query, key, value, mask)


@exercise.promise("two axes or more and broadcasts to (..., T, S)", broken_by="takes_a_mask_of_heads_for_one_of_texts")
@exercise.promise("None, or boolean", broken_by="ignores_the_mask")
@exercise.promise("leaves what it is given as it was", broken_by="turns_the_callers_mask_round")
@exercise.check(points=0.25)
def a_mask_of_any_form(scaled_dot_product, rng):
    """A mask broadcasts like any tensor: of keys, of queries and keys, of heads, of texts, or all of them."""
    given, seen = inputs(rng, 2, 3, T=4, S=7, d_head=8, d_value=5), {}
    for form in (
        (1, 7),
        (4, 7),
        (3, 1, 7),
        (3, 4, 7),
        (1, 4, 7),
        (2, 1, 1, 7),
        (2, 1, 4, 7),
        (1, 3, 1, 7),
        (2, 3, 4, 7),
    ):
        mask = torch.rand(form, generator=rng) < 0.5
        mask[..., 2] = True
        seen[f"a mask {form}"] = scaled_dot_product(*given, mask)
    square = inputs(rng, 3, 3, T=4, S=7, d_head=2, d_value=5)
    mask = torch.rand(3, 4, 7, generator=rng) < 0.5
    mask[..., 2] = True
    seen["a mask of heads, as many texts as heads"] = scaled_dot_product(*square, mask)
    given[1][0, :, 2:4] = 0.0
    seen["two keys of zeros"] = scaled_dot_product(*given, torch.arange(7) < torch.tensor([3, 6]).view(2, 1, 1, 1))
    few = torch.tensor([[True, False, True, True, False, False, True], [True, True, False, True, True, False, False]])
    seen["equally many for each text"] = scaled_dot_product(*given, few.view(2, 1, 1, 7))
    mask = torch.rand(4, 7, generator=rng) < 0.5
    mask[:, 0] = True
    seen["a mask for two dimensions"] = scaled_dot_product(*(tensor[0, 0] for tensor in given), mask)
    seen["the same mask again"] = scaled_dot_product(*(tensor[1, 2] for tensor in given), mask)
    return seen


@exercise.promise("the others get weight zero, exactly", broken_by="hides_with_a_score_of_zero")
@exercise.promise("however large a hidden score is", broken_by="masks_and_rescales_after_the_softmax")
@exercise.promise("or small one that may be read", broken_by="hides_with_minus_ten_thousand")
@exercise.promise("Large scores, hidden or not, above or below zero", broken_by="takes_exponentials_of_the_scores")
@exercise.check(points=0.25)
def large_scores_stay_finite(scaled_dot_product, rng):
    """Scores of thousands and millions, above or below zero, hidden or not, give the value of the best key that may be
    read, and no NaN.
    """
    query, key, value = towering(rng)
    *far, far_value = towering(rng, 1e6)
    low, lower, low_value = towering(rng, 10.0)
    smallest = torch.tensor([[torch.finfo(torch.float32).min], [0.0]])
    two_lowest = torch.tensor([[True, True, False, False]])
    lowest, ordinary = torch.tensor([[True, False, False, False]]), inputs(rng, T=4, S=4, d_head=8, d_value=5)
    return {
        "ordinary scores": scaled_dot_product(*ordinary, ~lowest),
        "ten thousand": scaled_dot_product(*extreme(rng, 400.0)),
        "minus ten thousand": scaled_dot_product(*extreme(rng, -100.0)),
        "the lowest of all may be read": scaled_dot_product(query, key, value, lowest),
        "the two lowest may be read": scaled_dot_product(query, key, value, two_lowest),
        "the two lowest are the same": scaled_dot_product(low, lower[[0, 0, 2, 3]], low_value, two_lowest),
        "the smallest number may be read": scaled_dot_product(torch.ones(1, 1), smallest, value[:2], lowest[:, :2]),
        "millions of millions": scaled_dot_product(*far, far_value),
        "the lowest of these may be read": scaled_dot_product(*far, far_value, lowest),
        "the lowest but one of these": scaled_dot_product(*far, far_value, lowest.roll(1, dims=1)),
    }


@exercise.promise("The gradient reaches query, key and value", broken_by="cuts_the_weights_off")
@exercise.promise("in the gradient either", broken_by="takes_hidden_weights_out_behind_the_exponential")
@exercise.check(points=0.25)
def gradients_reach_query_key_and_value(scaled_dot_product, rng):
    """Training needs the gradient: it reaches query, key and value, and nothing that the mask hides."""
    ordinary, seen = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5), {}
    for words, given, mask in (
        ("a mask", ordinary, lower_triangle(*ordinary[:2])),
        ("no mask", ordinary, None),
        ("a hidden key with large scores", with_a_towering_last_key(*ordinary), torch.arange(7).view(1, 7) < 6),
    ):
        leaves = {name: tensor.clone().requires_grad_() for name, tensor in zip(("query", "key", "value"), given)}
        found = gradients(scaled_dot_product(*leaves.values(), mask=mask), leaves, rng)
        seen |= {f"{name}, {words}": gradient for name, gradient in found.items()}
    return seen


@exercise.mistake(
    hint="By what do you divide the scores: d_head or √d_head? The dot product of two random vectors of d numbers is "
    "about √d large."
)
def divides_by_d(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=query.size(-1))


@exercise.mistake(
    hint="How large is the dot product of two random vectors of 64 numbers, and what does softmax make of scores that "
    "large?"
)
def no_scaling(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=1.0)


@exercise.mistake(
    hint="You divide by the root of the number of keys. Which size makes a dot product large: how many keys there are, "
    "or how wide each is?"
)
def divides_by_the_root_of_S(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=math.sqrt(key.size(-2)))


@exercise.mistake(
    hint="The softmax makes the queries share one unit of weight for each key. Which axis of the scores (..., T, S) "
    "should sum to one?"
)
def softmax_over_the_queries(query, key, value, mask=None):
    return weigh(query, key, value, mask, dim=-2)


@exercise.mistake(hint="What does True mean in your mask: may be read, or is hidden?")
def inverts_the_mask(query, key, value, mask=None):
    return weigh(query, key, value, None if mask is None else ~mask)


@exercise.mistake(
    hint="Set to zero after the softmax, the hidden weights are gone, but do the others still sum to one? Try hiding "
    "the scores instead."
)
def masks_after_the_softmax(query, key, value, mask=None):
    return masked_too_late(query, key, value, mask)


@exercise.mistake(
    hint="You give hidden keys a score of zero, or nearly so. What weight does softmax give to a score of zero, "
    "and which score would get none?"
)
def hides_with_a_score_of_zero(query, key, value, mask=None):
    return weigh(query, key, value, mask, fill=0.0)


@exercise.mistake(hint="The result is the same with a mask and without it. Where do you use `mask`?")
def ignores_the_mask(query, key, value, mask=None):
    return weigh(query, key, value)


@exercise.mistake(
    hint="A reshape to (d_head, S) puts the numbers in a new order of rows; it does not swap the axes. Which operation "
    "turns rows into columns?"
)
def reshapes_instead_of_transposing(query, key, value, mask=None):
    swapped = key.reshape(*key.shape[:-2], key.size(-1), key.size(-2)).transpose(-2, -1)
    return weigh(query, swapped, value, mask)


@exercise.mistake(hint="You divide by the root of the width of the values. Whose width makes a dot product large?")
def divides_by_the_root_of_d_value(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=math.sqrt(value.size(-1)))


@exercise.mistake(hint="You divide by a whole number. What is √8?")
def divides_by_a_whole_number(query, key, value, mask=None):
    return weigh(query, key, value, mask, divisor=math.isqrt(query.size(-1)))


@exercise.mistake(hint="Other numbers of batch dimensions are too much for you. Which axes do you count from behind?")
def knows_one_batch_dimension(query, key, value, mask=None):
    scores = query @ key.transpose(1, 2) / math.sqrt(query.size(2))
    return torch.softmax(scores if mask is None else scores.masked_fill(~mask, float("-inf")), dim=2) @ value


@exercise.mistake(hint="A dimension of size one is lost. Which dimensions does a bare `squeeze` take away?")
def squeezes_dimensions_of_one(query, key, value, mask=None):
    return weigh(query, key, value, mask).squeeze()


@exercise.mistake(
    hint="A mask with three axes gets one more from you, in the middle. Which axis does broadcasting add, and where?"
)
def takes_a_mask_of_heads_for_one_of_texts(query, key, value, mask=None):
    if mask is not None and mask.dim() == 3 and query.dim() == 4:
        mask = mask.unsqueeze(1)
    return weigh(query, key, value, mask)


@exercise.mistake(hint="After the call your caller's mask is the opposite. Which operations end with an underscore?")
def turns_the_callers_mask_round(query, key, value, mask=None):
    hidden = None if mask is None else mask.logical_not_()
    return weigh(query, key, value, None if mask is None else ~hidden)


@exercise.mistake(
    hint="Set to zero after the softmax and shared out again, the weights sum to one. What if a hidden score is so "
    "large that the softmax leaves nothing for the others?"
)
def masks_and_rescales_after_the_softmax(query, key, value, mask=None):
    weights = torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)), dim=-1)
    weights = weights if mask is None else weights * mask
    return weights / weights.sum(-1, keepdim=True) @ value


@exercise.mistake(hint="A hidden key gets a score of -10,000. What if those that may be read have lower ones?")
def hides_with_minus_ten_thousand(query, key, value, mask=None):
    return weigh(query, key, value, mask, fill=-1e4)


@exercise.mistake(hint="A hidden key gets a score of minus a thousand million. Which number is below every other?")
def hides_with_minus_a_thousand_million(query, key, value, mask=None):
    return weigh(query, key, value, mask, fill=-1e9)


@exercise.mistake(
    hint="A hidden key gets the smallest number of its type. Which key that may be read could have it too?"
)
def hides_with_the_smallest_number(query, key, value, mask=None):
    return weigh(query, key, value, mask, fill=torch.finfo(query.dtype).min)


@exercise.mistake(hint="A hidden key has 10,000 taken off its score. What if it was larger by more than that?")
def takes_ten_thousand_off(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    return torch.softmax(scores if mask is None else scores - 1e4 * ~mask, dim=-1) @ value


@exercise.mistake(hint="What is exp(1000) in 32 bits? What may be taken off all scores of a query?")
def takes_exponentials_of_the_scores(query, key, value, mask=None):
    weights = torch.exp(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)))
    weights = weights if mask is None else weights * mask
    return weights / weights.sum(-1, keepdim=True) @ value


@exercise.mistake(
    hint="No gradient reaches query and key. What do `detach`, `item`, `no_grad` or a new tensor cut off?"
)
def cuts_the_weights_off(query, key, value, mask=None):
    return weigh(query.detach(), key.detach(), value, mask)


@exercise.mistake(
    hint="The result is right, but the gradient is NaN where a hidden score is large. What does 0 times infinity give, "
    "on the way back through `exp`?"
)
def takes_hidden_weights_out_behind_the_exponential(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    mask = torch.ones_like(scores, dtype=torch.bool) if mask is None else mask
    largest = scores.masked_fill(~mask, float("-inf")).amax(dim=-1, keepdim=True)
    weights = torch.where(mask, torch.exp(scores - largest), 0.0)
    return weights / weights.sum(-1, keepdim=True) @ value


@exercise.given
def library_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """PyTorch's own `scaled_dot_product`, for the exercises that build on it."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


exercise.aside(
    "every query may read at least one", "The caller sees to it, and nothing is said of one that may read none."
)
exercise.aside("All inputs are finite", "The caller sees to it.")
exercise.edges(
    empty="A mean of no values is not defined.",
    one="scores_keep_their_size",
    equal="equal_values_come_back",
    zero="A width of zero makes no score.",
    ties="large_scores_stay_finite",
    large="large_scores_stay_finite",
    small="large_scores_stay_finite",
    limit="There is no limit.",
    shapes="a_mask_of_any_form",
    modes="There is no layer that has a mode.",
    gradients="What is given stays as it was, gradients included; the grader compares it.",
    inputs="gradients_reach_query_key_and_value",
)
