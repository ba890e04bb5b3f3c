"""The checks of the transformer topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a vector's length does not matter to a norm, a rotation keeps lengths and leaves only
distances, a text read in pieces is the text read at once, a later token changes nothing before it, a cache changes no
token. Then the numbers. A block is asked on parts of ours and a GPT on blocks of ours, with weights from the seed, so
that no check of these stands on another exercise of the learner's.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

transformer = Topic(
    "transformer",
    "RMSNorm",
    "rotary",
    "RotaryAttention",
    "FeedForward",
    "Block",
    "GPT",
    "count_parameters",
    "flops_per_token",
    "generate",
    written=2,
)
check = partial(try_out, transformer)  # what notebooks import
score = partial(all_scores, transformer)
