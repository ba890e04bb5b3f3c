"""The checks of the pretraining topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: every window is equally likely, a step does not hang on the scale of the gradient, batches one
after the other are one large batch. Then the numbers. The models are small ones
of the checks' own, whose loss is easily known. What is drawn by chance is judged by its shares: each share of `DRAWS`
windows is held against its exact probability by Chernoff's bound, so that a right answer fails less often than once in
10⁹.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

pretraining = Topic(
    "pretraining",
    "get_batch",
    "adamw_update",
    "warmup_cosine",
    "clip_gradients",
    "train_step",
    "evaluate",
    "fit_power_law",
    written=2,
)
check = partial(try_out, pretraining)  # what notebooks import
score = partial(all_scores, pretraining)
