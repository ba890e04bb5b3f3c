"""`bits_per_byte`: bits where each token is a byte, and the same number however the text is cut into tokens."""

import math

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import outcome
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("bits_per_byte")


def bits(loss: float, n_tokens: int, n_bytes: int) -> float:
    """The right way."""
    if n_bytes < 1:
        raise ValueError("no bytes")
    return loss * n_tokens / n_bytes / math.log(2)


@exercise.promise("bits per byte of UTF-8", broken_by="stays_in_nats")
@exercise.promise("`loss` is the mean in nats per token", broken_by="one_token_over_all_bytes")
@exercise.check(points=0.125)
def bytes_as_tokens(bits_per_byte, rng):
    """Where each token is one byte, it is the loss in bits: 8 for all 256 equally likely, 1 for a coin."""
    n, loss = 2 + int(some_tokens(rng, 1000)), 5 * torch.rand((), generator=rng).item()
    return {
        "log 256": bits_per_byte(math.log(256), n, n),
        "log 2": bits_per_byte(math.log(2), n, n),
        "any loss": bits_per_byte(loss, n, n),
        "a loss of 0": bits_per_byte(0.0, n, n),
        "a loss of 20 nats, of a model that is sure and wrong": bits_per_byte(20.0, n, n),
        "a loss of 1000 nats": bits_per_byte(1000.0, n, n),
        "the loss is a tensor without dimensions": bits_per_byte(torch.tensor(loss), n, n),
        "one token of one byte": bits_per_byte(loss, 1, 1),
    }


@exercise.promise("does not depend on how the text was cut into tokens", broken_by="bits_for_each_token")
@exercise.promise("over `n_tokens` tokens whose text is `n_bytes` long", broken_by="swaps_tokens_and_bytes")
@exercise.promise("There may be more tokens than bytes", broken_by="refuses_more_tokens_than_bytes")
@exercise.check(points=0.25)
def the_cut_does_not_matter(bits_per_byte, rng):
    """A text of 1,200 bytes that costs the same in all costs the same for each byte, in few tokens or in many."""
    total = 600 + 900 * torch.rand((), generator=rng).item()  # nats
    return {
        **{f"{n:,} tokens": bits_per_byte(total / n, n, 1200) for n in (7, 240, 300, 700, 1200, 1201, 5000)},
        "the same loss a token, in 600 bytes": bits_per_byte(total / 300, 300, 600),
        "a text of 100,003 tokens": bits_per_byte(total / 300, 100_003, 429_497),
        "a text that is all but known": bits_per_byte(0.0123456, 301, 1200),
        "two tokens in 3 bytes": bits_per_byte(1.23456, 2, 3),
    }


@exercise.promise("where `n_bytes` is below 1", broken_by="nothing_for_no_bytes")
@exercise.check(points=0.125)
def no_bytes(bits_per_byte, rng):
    """A text without bytes is a ValueError, and one of a single byte is not."""
    loss = 1 + torch.rand((), generator=rng).item()
    return {
        "no bytes, no tokens": outcome(lambda: bits_per_byte(loss, 0, 0)),
        "no bytes, 3 tokens": outcome(lambda: bits_per_byte(loss, 3, 0)),
        "-5 bytes": outcome(lambda: bits_per_byte(loss, 3, -5)),
        "one byte, 2 tokens": bits_per_byte(loss, 2, 1),
    }


exercise.edges(
    empty="no_bytes",
    one="bytes_as_tokens",
    equal="bytes_as_tokens",
    zero="bytes_as_tokens",
    ties="No two are compared.",
    large="the_cut_does_not_matter",
    small="the_cut_does_not_matter",
    limit="no_bytes",
    shapes="All three are plain numbers.",
    modes="Nothing is trained here.",
    gradients="The loss is a plain number.",
    inputs="The loss is a plain number.",
)


@exercise.mistake(hint="Where a text has more tokens than bytes you raise an error. How many bytes has its end?")
def refuses_more_tokens_than_bytes(loss, n_tokens, n_bytes):
    if n_tokens > n_bytes:
        raise ValueError("more tokens than bytes")
    return bits(loss, n_tokens, n_bytes)


@exercise.mistake(hint="A text without bytes gets a number. What would it be a mean of?")
def nothing_for_no_bytes(loss, n_tokens, n_bytes):
    return 0.0 if n_bytes < 1 else bits(loss, n_tokens, n_bytes)


@exercise.mistake(hint="Your result is 8 at most. What does a byte cost a model that was sure of another one?")
def eight_bits_at_most(loss, n_tokens, n_bytes):
    return min(8.0, bits(loss, n_tokens, n_bytes))


@exercise.mistake(hint="You divide two counts and drop the rest. How long are the tokens of a text of 2 in 3 bytes?")
def whole_bytes_for_each_token(loss, n_tokens, n_bytes):
    return bits(loss, 1, max(n_bytes, 0) // max(n_tokens, 1) or (1 if n_bytes > 0 else 0))


@exercise.mistake(hint="The unit is still nats. How many nats are one bit?")
def stays_in_nats(loss, n_tokens, n_bytes):
    return bits(loss, n_tokens, n_bytes) * math.log(2)


@exercise.mistake(
    hint="A coin has log 2 = 0.693 nats and 1 bit, so bits are the larger number. Do you multiply or divide?"
)
def multiplies_by_log_2(loss, n_tokens, n_bytes):
    return bits(loss, n_tokens, n_bytes) * math.log(2) ** 2


@exercise.mistake(
    hint="A token is longer than a byte, so a byte costs less than a token. Which of the two counts do you divide by?"
)
def swaps_tokens_and_bytes(loss, n_tokens, n_bytes):
    return bits(loss, max(n_bytes, 1), n_tokens) if n_bytes > 0 else bits(loss, 1, 0)


@exercise.mistake(hint="These are bits for each token. What does the whole text cost, and how many bytes has it?")
def bits_for_each_token(loss, n_tokens, n_bytes):
    return bits(loss, 1, min(n_bytes, 1))


@exercise.mistake(hint="This is the loss of one token over all bytes. What does the whole text cost?")
def one_token_over_all_bytes(loss, n_tokens, n_bytes):
    return bits(loss, 1, n_bytes)
