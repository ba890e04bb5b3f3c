"""The checks of the tokenizer topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a text that is there twice teaches the same merges, more merges never make more tokens, a text
comes back from its tokens to the last byte. Then the tokens.
"""

from functools import partial

from autograder.checking.notebook import all_scores, try_out
from autograder.checking.topic import Topic

tokenizer = Topic("tokenizer", "train_bpe", "encode", "decode", written=2)
check = partial(try_out, tokenizer)  # what notebooks import
score = partial(all_scores, tokenizer)
