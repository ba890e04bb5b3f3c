"""The checks of the topic `real`, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: attention reads what it read before its heads had keys of their own, and dot products of
queries and keys are what they were before their pairs moved; pieces laid end to end are the text. Then the numbers.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

real = Topic(
    "real",
    "repeat_heads",
    "pairs_to_halves",
    "rename_weights",
    "from_pretrained",
    "pre_tokenize",
    "encode_real",
    "render_chatml",
    written=2,
)
check = partial(try_out, real)  # what notebooks import
score = partial(all_scores, real)
