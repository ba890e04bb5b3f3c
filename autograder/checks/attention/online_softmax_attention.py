"""`online_softmax_attention`: the result of all keys at once, whatever the blocks and wherever the best key stands,
without ever holding all scores.
"""

import math

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import extreme, inputs, weigh

exercise = Exercise("online_softmax_attention")


class LargestTensor(TorchFunctionMode):
    """Notes the number of elements of the largest tensor that PyTorch makes meanwhile."""

    elements = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        made = result if isinstance(result, (tuple, list)) else [result]
        self.elements = max([self.elements, *(tensor.numel() for tensor in made if isinstance(tensor, Tensor))])
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


@exercise.check(points=0.25)
def any_block_size(online_softmax_attention, rng):
    """Blocks of one key, of three, of more keys than there are: the result is that of all keys at once."""
    given = inputs(rng, 2, 3, T=4, S=7, d_head=9, d_value=5)
    seen = {f"block_size={size}": online_softmax_attention(*given, block_size=size) for size in (1, 3, 7, 50)}
    names = ("query afterwards", "key afterwards", "value afterwards")
    return {**seen, "no block_size": online_softmax_attention(*given), **dict(zip(names, given))}


@exercise.check(points=0.25)
def the_best_key_may_come_late(online_softmax_attention, rng):
    """Whether the largest score comes in the first block, the last or the middle, the result is right."""
    query, key, value = inputs(rng, T=3, S=8, d_head=4, d_value=5)
    growing = 2 * key * torch.linspace(0.1, 2, 8).unsqueeze(-1)
    order = [4, 5, 7, 6, 0, 1, 2, 3]
    return {
        "growing scores": online_softmax_attention(query, growing, value, block_size=2),
        "shrinking scores": online_softmax_attention(query, growing.flip(0), value, block_size=2),
        "the largest in the middle": online_softmax_attention(query, growing[order], value, block_size=2),
    }


@exercise.check(points=0.25)
def extreme_blocks_stay_finite(online_softmax_attention, rng):
    """Scores of ten thousand, above or below zero, in any order of blocks, give the value of the best key."""
    found = ((400.0, 3), (-100.0, 6), (400.0, 0))  # the highest score, and where it stands
    return [online_softmax_attention(*extreme(rng, highest, best), block_size=1) for highest, best in found]


@exercise.check(points=0.25)
def never_all_scores_at_once(online_softmax_attention, rng):
    """With 128 queries and 256 keys in blocks of 16, the result is right and no tensor holds 128 × 256 scores."""
    given = inputs(rng, T=128, S=256, d_head=8, d_value=5)
    with LargestTensor() as largest:
        result = online_softmax_attention(*given, block_size=16)
    return {"the result": result, "the largest tensor, in units of T × S numbers": largest.elements // (128 * 256)}


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
