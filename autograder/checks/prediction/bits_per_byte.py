"""`bits_per_byte`: bits where each token is a byte, and the same number however the text is cut into tokens."""

import math

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("bits_per_byte")


@exercise.check(points=0.25)
def bytes_as_tokens(bits_per_byte, rng):
    """Where each token is one byte, it is the loss in bits: 8 for all 256 equally likely, 1 for a coin."""
    n, loss = 1 + int(some_tokens(rng, 1000)), 5 * torch.rand((), generator=rng).item()
    return {
        "log 256": bits_per_byte(math.log(256), n, n),
        "log 2": bits_per_byte(math.log(2), n, n),
        "any loss": bits_per_byte(loss, n, n),
    }


@exercise.check(points=0.25)
def the_cut_does_not_matter(bits_per_byte, rng):
    """A text of 1,200 bytes that costs the same in all costs the same for each byte, in few tokens or in many."""
    total = 600 + 900 * torch.rand((), generator=rng).item()  # nats
    return {
        **{f"{n:,} tokens": bits_per_byte(total / n, n, 1200) for n in (240, 300, 1200)},
        "the same loss a token, in 600 bytes": bits_per_byte(total / 300, 300, 600),
        "no bytes": ending(lambda: bits_per_byte(1.0, 0, 0)),
    }


@exercise.mistake(hint="The unit is still nats. How many nats are one bit?")
def stays_in_nats(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes


@exercise.mistake(
    hint="A coin has log 2 = 0.693 nats and 1 bit, so bits are the larger number. Do you multiply or divide?"
)
def multiplies_by_log_2(loss, n_tokens, n_bytes):
    return loss * n_tokens / n_bytes * math.log(2)


@exercise.mistake(
    hint="A token is longer than a byte, so a byte costs less than a token. Which of the two counts do you divide by?"
)
def swaps_tokens_and_bytes(loss, n_tokens, n_bytes):
    return loss * n_bytes / n_tokens / math.log(2)


@exercise.mistake(hint="These are bits for each token. What does the whole text cost, and how many bytes has it?")
def bits_for_each_token(loss, n_tokens, n_bytes):
    return loss / math.log(2)


@exercise.mistake(hint="This is the loss of one token over all bytes. What does the whole text cost?")
def one_token_over_all_bytes(loss, n_tokens, n_bytes):
    return loss / n_bytes / math.log(2)
