"""`decode`: the text comes back, and any tokens give a text."""

from collections.abc import Callable, Iterable

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.pretraining.shared import (
    ANY_TEXT,
    N_BYTES,
    Pair,
    bytes_of,
    encoded,
    merges_of,
    some_letters,
    some_text,
)

exercise = Exercise("decode")


def decoded(
    tokens: Iterable[int],
    merges: list[Pair],
    table: Callable[[list[Pair]], list[bytes]] = bytes_of,
    text: Callable[[list[bytes]], str] = lambda parts: b"".join(parts).decode(errors="replace"),
) -> str:
    """The text of tokens, with its parts to choose, so that one of them can be wrong."""
    spellings, tokens = table(merges), list(tokens)
    if any(not 0 <= token < len(spellings) for token in tokens):
        raise ValueError("no such token")
    return text([spellings[token] for token in tokens])


@exercise.check(points=0.25)
def the_text_comes_back(decode, rng):
    """From its tokens comes the text, also where the bytes of one sign lie in two tokens; from no token, no text."""
    text = some_text(rng)
    merges = merges_of(text, 276)
    a, b = (ord(letter) for letter in some_letters(rng, 2))
    first, second, third = "日".encode()
    start, end = "é".encode()
    return {
        "a text": decode(encoded(text, merges), merges),
        "any signs, by their bytes": decode(iter(ANY_TEXT.encode()), merges),
        "one sign in two tokens": decode([a, 256, third, b], [(first, second)]),
        "the end of one sign and the start of the next": decode([start, 257, third, b], [(end, first), (256, second)]),
        "no token": decode([], merges),
    }


@exercise.check(points=0.25)
def any_tokens_give_a_text(decode, rng):
    """Bytes that are no text become �, as a model may well write them; a token that there is not is a ValueError."""
    a, b = (ord(letter) for letter in some_letters(rng, 2))
    first, second, third = "日".encode()
    merges = [(second, third), (a, 256)]
    return {
        "a sign that breaks off": decode([a, first, second, b], merges),
        "the end of a sign alone": decode([257, b, 256], merges),
        "a byte that is in no text": decode([a, 255, b], merges),
        "a token above the last": ending(lambda: decode([a, 258], merges)),
        "one far above": ending(lambda: decode([a, 999], merges)),
        "a token below zero": ending(lambda: decode([a, -1], merges)),
    }


@exercise.mistake(hint="You make text of each token by itself. What is half of a sign?")
def makes_text_token_by_token(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: "".join(part.decode(errors="replace") for part in parts))


@exercise.mistake(
    hint="Bytes that are no text end your function with an error. What does `errors` of `bytes.decode` offer?"
)
def is_strict(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode())


@exercise.mistake(hint="Bytes that are no text disappear. Should a reader not see that something was there?")
def leaves_out_what_is_no_text(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode(errors="ignore"))


@exercise.mistake(hint="Each byte becomes a character of its own. How many bytes has é?")
def takes_bytes_for_characters(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode("latin-1"))


@exercise.mistake(hint="The two parts of your tokens have changed places. Which half of a pair stands on the left?")
def turns_pairs_round(tokens, merges):
    def table(merges: list[Pair]) -> list[bytes]:
        return bytes_of([(second, first) for first, second in merges])

    return decoded(tokens, merges, table)


@exercise.mistake(hint="Your merges are one number off. Which token does the first merge make?")
def takes_the_merge_before(tokens, merges):
    return decoded(
        tokens,
        merges,
        lambda merges: (
            bytes_of(merges)[:N_BYTES] + (bytes_of(merges)[-1:] + bytes_of(merges)[N_BYTES:-1] if merges else [])
        ),
    )


@exercise.mistake(hint="A token that there is not is passed over. What would hide the error behind it?")
def passes_over_unknown_tokens(tokens, merges):
    return decoded([token for token in tokens if 0 <= token < N_BYTES + len(merges)], merges)


@exercise.mistake(hint="Token -1 gives a text. What does an index below zero mean in Python?")
def counts_back_from_the_end(tokens, merges):
    return decoded([token % (N_BYTES + len(merges)) if token < 0 else token for token in tokens], merges)
