"""The checks of the topic `reasoning`: what each exercise must do, asked by experiment."""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

reasoning = Topic(
    "reasoning",
    "extract_answer",
    "verify",
    "pass_at_k",
    "policy_loss",
    "rl_step",
    "perturb_reasoning",
    "monitor",
    "monitor_rates",
    "LatentLoop",
    "serial_steps",
    written=2,
)
check = partial(try_out, reasoning)
score = partial(all_scores, reasoning)
