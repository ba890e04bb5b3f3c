"""The checks of the prediction topic, and the mistakes it knows: what each exercise must do, asked by experiment.

What is drawn by chance is judged by its shares. Each share of `DRAWS` independent draws is held against its exact
probability by Chernoff's bound, which holds for any number of draws: a right answer fails such a check less often
than once in 10⁹. The probabilities behind a draw do not depend on the seed, only which token has which.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

prediction = Topic(
    "prediction",
    "next_token_pairs",
    "cross_entropy",
    "perplexity",
    "bits_per_byte",
    "count_ngrams",
    "ngram_probabilities",
    "sample",
    "mask_tokens",
    written=2,
)
check = partial(try_out, prediction)  # what notebooks import
score = partial(all_scores, prediction)
