"""The checks of the rnn topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a text read in two halves is the text read at once, a later input changes no earlier state,
an open gate keeps a memory, a gradient ends at the seam. Then the numbers. Cells and layers that an exercise is given
are PyTorch's own with weights from the seed, so that no check stands on another exercise of the learner's.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

rnn = Topic(
    "rnn",
    "rnn_step",
    "rnn_scan",
    "gradient_norms_by_distance",
    "LSTMCell",
    "GRUCell",
    "RecurrentLanguageModel",
    "truncated_bptt",
    written=2,
)
check = partial(try_out, rnn)  # what notebooks import
score = partial(all_scores, rnn)
