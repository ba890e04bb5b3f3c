"""`online_softmax_attention`: the result of all keys at once, whatever the blocks and wherever the best key stands,
without ever holding all scores.
"""

import math
import weakref

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import across, extreme, inputs, towering, weigh, what_a_billionth_makes
from autograder.checks.common import normal

exercise = Exercise("online_softmax_attention")


class ScoresHeld(TorchDispatchMode):
    """Notes of how many keys in a row, if more than `block_size`, and how many queries, a tensor holds the scores.

    Whatever is done to scores on the way to weights, it leaves their order, or turns it round; and nothing else has it,
    for thirteen numbers and more, once in 10⁹.
    """

    def __init__(self, query: Tensor, key: Tensor, block_size: int):
        super().__init__()
        self.scores, self.block_size = query @ key.T, block_size  # (T, S)
        self.keys = self.queries = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and tensor.is_floating_point():
                with _disable_current_modes():
                    for axis in range(tensor.dim()):
                        self.look_at(tensor.detach(), axis)
        return result

    def look_at(self, tensor: Tensor, axis: int) -> None:
        n = tensor.size(axis)
        if max(self.block_size, 12) < n <= self.scores.size(-1):
            rows = tensor.movedim(axis, -1).reshape(-1, 1, n).argsort(dim=-1)
            order = self.scores.unfold(-1, n, 1).reshape(-1, n).argsort(dim=-1)  # of any n keys in a row
            found = max(int((rows == way).all(dim=-1).any(dim=-1).sum()) for way in (order, order.flip(-1)))
            if found:
                self.keys, self.queries = max(self.keys, n), max(self.queries, found)


class NumbersHeld(TorchDispatchMode):
    """Counts how many numbers of its own a function holds at a time at most, and how often it reads each key."""

    SIZE_ALONE = "like", "new_"  # what takes no more from a tensor than its size

    def __init__(self, *given: Tensor):
        super().__init__()
        self.given = {tensor.untyped_storage().data_ptr() for tensor in given}
        self.key, self.tensors, self.most, self.read = given[1], [], 0, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = [part for part in tree_leaves(result) if isinstance(part, Tensor) and part.is_floating_point()]
        with _disable_current_modes():
            key = self.key.untyped_storage().data_ptr()
            is_view = any(tensor.untyped_storage().data_ptr() in self.given for tensor in made)
            if not is_view and not any(name in func.name() for name in self.SIZE_ALONE):
                for part in tree_leaves((args, kwargs or {})):
                    if isinstance(part, Tensor) and part.untyped_storage().data_ptr() == key:
                        self.read += math.prod(n for n, step in zip(part.shape, part.stride()) if step)
            alive = [one for one in (ref() for ref in self.tensors) if one is not None] + made
            self.tensors = [weakref.ref(one) for one in alive]
            storages = {one.untyped_storage().data_ptr(): one for one in alive}
            sizes = [one.untyped_storage().nbytes() // one.element_size() for one in storages.values()]
            own = [size for pointer, size in zip(storages, sizes) if pointer not in self.given]
            self.most = max(self.most, sum(own))
        return result


def in_blocks(
    query, key, value, block_size=64, *, rescale_sum=True, rescale_mix=True, start=float("-inf"), divisor=None
):
    """Attention in blocks with its parts to choose, so that one of them can be wrong."""
    largest = torch.full_like(query[..., :1], start)
    total, mixed = torch.zeros_like(largest), query.new_zeros(*query.shape[:-1], value.size(-1))
    for at in range(0, key.size(-2), block_size):
        block = slice(at, at + block_size)
        scores = query @ key[..., block, :].transpose(-2, -1) / (divisor or math.sqrt(query.size(-1)))
        larger = torch.maximum(largest, scores.amax(-1, keepdim=True))
        shrink, weights = torch.exp(largest - larger), torch.exp(scores - larger)
        total = total * (shrink if rescale_sum else 1) + weights.sum(-1, keepdim=True)
        mixed = mixed * (shrink if rescale_mix else 1) + weights @ value[..., block, :]
        largest = larger
    return mixed / total


@exercise.promise("`scaled_dot_product` without a mask", broken_by="forgets_the_scale")
@exercise.promise("the last block may be shorter", broken_by="drops_the_last_incomplete_block")
@exercise.promise("over blocks of", broken_by="pads_the_last_block_with_zeros")
@exercise.promise("64 where none is given", broken_by="wants_a_block_size")
@exercise.promise("-> (..., T, d_value)", broken_by="mixes_values_as_wide_as_queries")
@exercise.check(points=0.25)
def any_block_size(online_softmax_attention, rng):
    """Blocks of one key, of three, of more keys than there are, of any shape: the result is that of all keys."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=9, d_value=5)
    seen = {f"block_size={size}": online_softmax_attention(*given, block_size=size) for size in (1, 3, 7, 50)}
    for *batch, T, S, d_head, d_value in (
        (3, 4, 2, 6),
        (1, 1, 1, 1),
        (4, 1, 6, 2, 3),
        (5, 1, 3, 4, 1),
        (1, 2, 1, 5, 3, 8),
        (7, 3, 5, 2, 3),
    ):
        others = inputs(rng, *batch, T=T, S=S, d_head=d_head, d_value=d_value)
        where = f"batch {batch}, T, S = {T}, {S}, widths {d_head}, {d_value}"
        seen[f"blocks of 2, {where}"] = online_softmax_attention(*others, block_size=2)
    many = inputs(rng, T=2, S=150, d_head=3, d_value=2)
    seen["tensors that do not lie in one row"] = online_softmax_attention(*map(across, given), block_size=3)
    return seen | {
        "what a billionth makes in float64": what_a_billionth_makes(online_softmax_attention, *given, block_size=3),
        "no block_size": online_softmax_attention(*given),
        "no block_size, S=150": online_softmax_attention(*many),
    }


@exercise.promise("the largest score so far", broken_by="takes_each_block_relative_to_itself")
@exercise.promise("the sum of exponentials relative to it", broken_by="rescales_only_the_mix")
@exercise.promise("the weighted sum of values", broken_by="rescales_only_the_sum")
@exercise.promise("each is rescaled when a block brings a larger score", broken_by="rescales_nothing")
@exercise.promise("the result is $o / \\ell$", broken_by="averages_the_blocks")
@exercise.check(points=0.25)
def the_best_key_may_come_late(online_softmax_attention, rng):
    """Whether the largest score comes in the first block, the last or the middle, the result is right."""
    query, key, value = inputs(rng, T=3, S=8, d_head=4, d_value=5)
    growing = 2 * key * torch.linspace(0.1, 2, 8).unsqueeze(-1)
    order = [4, 5, 7, 6, 0, 1, 2, 3]
    faint = torch.cat([torch.tensor([[10.0]]), normal(rng, 1200, 1) / 100]), normal(rng, 1201, 5) + 3
    return {
        "one strong key and many faint ones": online_softmax_attention(torch.ones(1, 1), *faint, block_size=100),
        "growing scores": online_softmax_attention(query, growing, value, block_size=2),
        "shrinking scores": online_softmax_attention(query, growing.flip(0), value, block_size=2),
        "the largest in the middle": online_softmax_attention(query, growing[order], value, block_size=2),
        "equal scores": online_softmax_attention(torch.zeros(3, 4), key, value, block_size=3),
    }


@exercise.promise("Keeps three running things for each query", broken_by="keeps_one_maximum_for_all_queries")
@exercise.promise("large scores give no NaN", broken_by="keeps_no_maximum")
@exercise.promise("Start with $m = -\\infty$", broken_by="starts_the_maximum_at_zero")
@exercise.check(points=0.25)
def extreme_blocks_stay_finite(online_softmax_attention, rng):
    """Scores of ten thousand, above or below zero, in any order of blocks, give the value of the best key."""
    found = ((400.0, 3), (-100.0, 6), (400.0, 0))  # the highest score, and where it stands
    seen = [online_softmax_attention(*extreme(rng, highest, best), block_size=1) for highest, best in found]
    query, key, value = extreme(rng, 400.0)
    query[1] *= -0.01  # its scores lie far below those of the others
    far = towering(rng, 1e6)
    for last in (3, 1):  # up to 0, and far below
        seen.append(online_softmax_attention(far[0], far[1][:last], far[2][:last], block_size=1))
    return [*seen, online_softmax_attention(query, key, value, block_size=1)]


@exercise.promise("never holding the scores of more keys at a time", broken_by="holds_all_the_scores")
@exercise.promise("`block_size` keys at most", broken_by="reads_a_query_at_a_time")
@exercise.promise("the scores of `block_size` keys at most are there at a time", broken_by="keeps_all_blocks")
@exercise.promise("each query reads each key once", broken_by="goes_through_the_keys_twice")
@exercise.check(points=0.25)
def never_more_than_a_block(online_softmax_attention, rng):
    """With blocks of 8 keys, the result is right, each query reads each key once, and no more than a block of scores is
    there at a time.
    """
    seen = {}
    for T, S, block_size in ((5, 90, 8), (1, 30, 8), (2, 27, 14), (3, 150, 64)):
        given = inputs(rng, T=T, S=S, d_head=6, d_value=5)
        with ScoresHeld(*given[:2], block_size) as held:
            result = online_softmax_attention(*given, **{} if S == 150 else {"block_size": block_size})
        seen |= {f"the result, T={T}": result, f"keys with scores, if more than {block_size}, T={T}": held.keys}
        seen[f"of how many queries, T={T}"] = held.queries
    given = inputs(rng, T=20, S=120, d_head=2, d_value=3)
    with NumbersHeld(*given) as held:
        online_softmax_attention(*given, block_size=4)
    seen["as many numbers are held as there are scores"] = held.most >= 20 * 120
    one = inputs(rng, T=1, S=30, d_head=3, d_value=2)
    with NumbersHeld(*one) as held:
        online_softmax_attention(*one, block_size=8)
    return seen | {"a query reads a key more than once": held.read > 1.5 * one[1].numel()}


@exercise.mistake(
    hint="When a block brings a larger score, what you summed so far was relative to the old maximum. What must it be "
    "multiplied by?"
)
def rescales_nothing(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_sum=False, rescale_mix=False)


@exercise.mistake(
    hint="You rescale the sum of exponentials for the new maximum. Is the weighted sum of values not relative to the "
    "old one too?"
)
def rescales_only_the_sum(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_mix=False)


@exercise.mistake(
    hint="You rescale the weighted sum of values for the new maximum. Is the sum of exponentials not relative to the "
    "old one too?"
)
def rescales_only_the_mix(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, rescale_sum=False)


@exercise.mistake(
    hint="Each block is normalised by itself and the blocks are averaged. Should a block with high scores not count "
    "for more than one with low scores?"
)
def averages_the_blocks(query, key, value, block_size=64):
    blocks = zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2))
    return torch.stack([weigh(query, block_key, block_value) for block_key, block_value in blocks]).mean(0)


@exercise.mistake(
    hint="What is exp(1000) in 32 bits? Subtract the largest score seen so far before you take the exponential."
)
def keeps_no_maximum(query, key, value, block_size=64):
    total, mixed = 0.0, 0.0
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        weights = torch.exp(query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1)))
        total, mixed = total + weights.sum(-1, keepdim=True), mixed + weights @ block_value
    return mixed / total


@exercise.mistake(
    hint="Your running maximum starts at zero. What becomes of the exponentials when all scores are far below zero?"
)
def starts_the_maximum_at_zero(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, start=0.0)


@exercise.mistake(
    hint="The blocks are put together well, but the scores are too large. By what does scaled dot-product attention "
    "divide them?"
)
def forgets_the_scale(query, key, value, block_size=64):
    return in_blocks(query, key, value, block_size, divisor=1.0)


@exercise.mistake(
    hint="The last keys are never read when block_size does not divide S. How many blocks are there for 7 keys in "
    "blocks of 3?"
)
def drops_the_last_incomplete_block(query, key, value, block_size=64):
    whole = key.size(-2) // block_size * block_size
    return in_blocks(query, key[..., :whole, :], value[..., :whole, :], block_size)


@exercise.mistake(
    hint="The result is right, but all T × S scores are there at the same time. Can you work out the scores of one "
    "block, use them, and forget them?"
)
def holds_all_the_scores(query, key, value, block_size=64):
    return weigh(query, key, value)


@exercise.mistake(
    hint="You read one query after the other, each with all of its keys at once. For how many keys may the scores be "
    "there at a time?"
)
def reads_a_query_at_a_time(query, key, value, block_size=64):
    return torch.cat([weigh(one, key, value) for one in query.split(1, dim=-2)], dim=-2)


@exercise.mistake(
    hint="The scores are made block by block, and all blocks wait in a list. How much do they hold together?"
)
def keeps_all_blocks(query, key, value, block_size=64):
    blocks = [query @ part.transpose(-2, -1) / math.sqrt(query.size(-1)) for part in key.split(block_size, dim=-2)]
    largest = torch.stack([scores.amax(-1, keepdim=True) for scores in blocks]).amax(0)
    total, mixed = 0.0, 0.0
    for scores, part in zip(blocks, value.split(block_size, dim=-2)):
        weights = torch.exp(scores - largest)
        total, mixed = total + weights.sum(-1, keepdim=True), mixed + weights @ part
    return mixed / total


@exercise.mistake(
    hint="You go through the keys twice, once for the largest score. What can be done with a sum that was taken "
    "relative to a smaller one?"
)
def goes_through_the_keys_twice(query, key, value, block_size=64):
    largest = torch.full_like(query[..., :1], float("-inf"))
    for part in key.split(block_size, dim=-2):
        scores = query @ part.transpose(-2, -1) / math.sqrt(query.size(-1))
        largest = torch.maximum(largest, scores.amax(-1, keepdim=True))
    total, mixed = 0.0, 0.0
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        weights = torch.exp(query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1)) - largest)
        total, mixed = total + weights.sum(-1, keepdim=True), mixed + weights @ block_value
    return mixed / total


@exercise.mistake(hint="Where no `block_size` is given, your blocks hold 128 keys. How many does the signature say?")
def takes_128_where_none_is_given(query, key, value, block_size=128):
    return in_blocks(query, key, value, block_size)


@exercise.mistake(hint="Your blocks are of 64 keys, whatever `block_size` is. Who decides how many there are?")
def takes_blocks_of_64(query, key, value, block_size=64):
    return in_blocks(query, key, value)


@exercise.mistake(hint="Without a `block_size` your function ends with an error. Which default does it have?")
def wants_a_block_size(query, key, value, block_size):
    return in_blocks(query, key, value, block_size)


@exercise.mistake(hint="The last block is filled up with zeros, which are read. What is the weight of a score of zero?")
def pads_the_last_block_with_zeros(query, key, value, block_size=64):
    missing = -key.size(-2) % block_size
    key, value = (torch.nn.functional.pad(tensor, (0, 0, 0, missing)) for tensor in (key, value))
    return in_blocks(query, key, value, block_size)


@exercise.mistake(hint="Your mixed values begin as wide as the queries. How wide is a value?")
def mixes_values_as_wide_as_queries(query, key, value, block_size=64):
    return torch.zeros_like(query) + in_blocks(query, key, value, block_size)


@exercise.mistake(hint="All queries share one largest score. What is left of one with scores far below the others'?")
def keeps_one_maximum_for_all_queries(query, key, value, block_size=64):
    total, mixed, largest = 0.0, 0.0, torch.tensor(float("-inf"))
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        scores = query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1))
        larger = torch.maximum(largest, scores.max())
        shrink, weights, largest = torch.exp(largest - larger), torch.exp(scores - larger), larger
        total, mixed = total * shrink + weights.sum(-1, keepdim=True), mixed * shrink + weights @ block_value
    return mixed / total


@exercise.mistake(
    hint="What a block brings is relative to that block's largest score, also where an earlier one was larger. Which "
    "of the two is the new maximum?"
)
def takes_each_block_relative_to_itself(query, key, value, block_size=64):
    total, mixed, largest = 0.0, 0.0, torch.full_like(query[..., :1], float("-inf"))
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        scores = query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1))
        own = scores.amax(-1, keepdim=True)
        larger = torch.maximum(largest, own)
        shrink, weights, largest = torch.exp(largest - larger), torch.exp(scores - own), larger
        total, mixed = total * shrink + weights.sum(-1, keepdim=True), mixed * shrink + weights @ block_value
    return mixed / total


exercise.edges(
    empty="A mean of no values is not defined.",
    one="any_block_size",
    equal="the_best_key_may_come_late",
    zero="the_best_key_may_come_late",
    ties="the_best_key_may_come_late",
    large="extreme_blocks_stay_finite",
    small="extreme_blocks_stay_finite",
    limit="never_more_than_a_block",
    shapes="any_block_size",
    modes="There is no layer that has a mode.",
    gradients="What is given stays as it was, gradients included; the grader compares it.",
    inputs="No gradient of the result is asked for.",
)
