"""`scaled_dot_product`: equal values come back, the order of keys does not matter, what is masked is not read, large
scores stay finite; then the scale and the gradients.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import equal_rows, extreme, inputs, lower_triangle, masked_too_late, weigh
from autograder.checks.common import gradients, normal

exercise = Exercise("scaled_dot_product")


@exercise.check(points=0.25)
def equal_values_come_back(scaled_dot_product, rng):
    """Where all values are equal, the result is that value: the weights of each query sum to one."""
    query, key, _ = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    return scaled_dot_product(query, key, equal_rows(rng, 3, 7, 5))


@exercise.check(points=0.25, invariant=True)
def the_order_of_keys_does_not_matter(scaled_dot_product, rng):
    """Shuffling keys and values together changes nothing; shuffling the values alone does."""
    query, key, value = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5)
    order = torch.tensor([6, 0, 1, 2, 3, 4, 5])
    before = scaled_dot_product(query, key, value)
    after, apart = (scaled_dot_product(query, keys, value[:, order]) for keys in (key[:, order], key))
    return {"before": before, "after": after, "must differ": [before, apart]}


@exercise.check(points=0.25, invariant=True)
def only_differences_of_scores_count(scaled_dot_product, rng):
    """Adding one vector to all keys adds one number to all scores of a query, and changes nothing; a new query does."""
    query, key, value = inputs(rng, T=4, S=7, d_head=8, d_value=5)
    before = scaled_dot_product(query, key, value)
    after, other = scaled_dot_product(query, key + normal(rng, 8), value), scaled_dot_product(-query, key, value)
    return {"before": before, "after": after, "must differ": [before, other]}


@exercise.check(points=0.25)
def scores_keep_their_size(scaled_dot_product, rng):
    """The scores are divided by √d_head, so that they do not grow with the width; the inputs stay as they were."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=16, d_value=5)
    result = scaled_dot_product(*given)
    return {"the result": result, **dict(zip(("query afterwards", "key afterwards", "value afterwards"), given))}


@exercise.check(points=0.25, invariant=True)
def what_is_masked_is_not_read(scaled_dot_product, rng):
    """Changing keys and values that the mask hides changes nothing, however much they are changed."""
    query, key, value = inputs(rng, 3, 2, T=4, S=7, d_head=8, d_value=5)
    mask = torch.arange(7) < torch.tensor([3, 5, 6]).view(3, 1, 1, 1)  # a text of its own length each
    hidden = ~mask.squeeze(1).unsqueeze(-1)  # (3, 1, 7, 1)
    before = scaled_dot_product(query, key, value, mask)
    after = scaled_dot_product(query, torch.where(hidden, 9 * key, key), torch.where(hidden, 100.0, value), mask)
    return {"before": before, "after": after}


@exercise.check(points=0.25)
def what_may_be_read_shares_all_the_weight(scaled_dot_product, rng):
    """Where all values that may be read are equal, the result is that value, whatever the hidden ones are."""
    query, key, value = inputs(rng, 3, T=4, S=7, d_head=8, d_value=5)
    mask = torch.tensor([True, False, True, True, False, False, True])[torch.randperm(7, generator=rng)]
    value = torch.where(mask.unsqueeze(-1), equal_rows(rng, 3, 7, 5), value)
    return scaled_dot_product(query, key, value, mask)


@exercise.check(points=0.25)
def large_scores_stay_finite(scaled_dot_product, rng):
    """Scores of ten thousand, above or below zero, give the value of the best key, and no NaN."""
    return [scaled_dot_product(*extreme(rng, highest)) for highest in (400.0, -100.0)]


@exercise.check(points=0.25)
def gradients_reach_query_key_and_value(scaled_dot_product, rng):
    """Training needs the gradient: it reaches query, key and value, and nothing that the mask hides."""
    given = inputs(rng, 2, T=4, S=7, d_head=8, d_value=5)
    leaves = {name: tensor.requires_grad_() for name, tensor in zip(("query", "key", "value"), given)}
    return gradients(scaled_dot_product(*given, mask=lower_triangle(*given[:2])), leaves, rng)


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


@exercise.given
def library_attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """PyTorch's own `scaled_dot_product`, for the exercises that build on it."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
