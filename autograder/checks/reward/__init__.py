"""The checks of rewards, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: the prompt is nobody's reply, what is graded up becomes likelier, a group's advantages have no
mean, going too far earns nothing, padding says nothing, a reference learns nothing. Then the numbers: every loss by its
value and by its gradient, for every tensor that should have one and for every one that must not. Log-probabilities are
made up, so that no check stands on another exercise; the model that is graded is a small one of the checks' own. All
checks are exact.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

reward = Topic(
    "reward",
    "sequence_logprobs",
    "reinforce_loss",
    "bradley_terry_loss",
    "RewardModel",
    "kl_penalty",
    "group_advantages",
    "grpo_loss",
    "dpo_loss",
    "best_of_n",
    written=2,
)
check = partial(try_out, reward)  # what notebooks import
score = partial(all_scores, reward)
