"""The checks of the attention topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First the invariants (a mean of equal things, a hidden future, an order that does not matter), which hold for a
solution that is wrong elsewhere; then the numbers. Sizes differ from each other wherever they may (T, S, d_head,
d_value), so that a mix-up of two axes shows. Extreme scores are built so far apart that the right answer is
exact, whatever the order of the arithmetic.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

attention = Topic(
    "attention",
    "attention_over_states",
    "scaled_dot_product",
    "causal_attention",
    "MultiHeadAttention",
    "sequential_depth",
    "online_softmax_attention",
    written=2,
)
check = partial(try_out, attention)  # what notebooks import
score = partial(all_scores, attention)
