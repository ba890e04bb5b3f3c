"""The checks of supervised fine-tuning, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a prompt is the beginning of what follows it, nobody speaks for somebody else, the user's
words are no targets, conversations in one row learn what they learn each in a row of its own, an adapter changes
nothing at first and costs nothing once it is merged. Then the numbers. Conversations are of the village's own words;
the model that takes steps is a small one of the checks' own, without positions, so that no check stands on another
topic. All checks are exact but one: the variance of an adapter's first numbers is judged by Chernoff's bound.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

sft = Topic("sft", "render_chat", "response_mask", "masked_cross_entropy", "pack", "sft_step", "LoRALinear", written=2)
check = partial(try_out, sft)  # what notebooks import
score = partial(all_scores, sft)
