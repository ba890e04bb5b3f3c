"""`decode`: the text comes back, and any tokens give a text."""

import codecs
import re
from collections.abc import Callable, Iterable

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, outcome
from autograder.checks.tokenizer.shared import (
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
        raise ValueError(f"no such token among {tokens}")
    return text([spellings[token] for token in tokens])


@exercise.promise("The text that the tokens stand for", broken_by="turns_pairs_round")
@exercise.promise("the bytes of all of them, laid end to end", broken_by="makes_text_token_by_token")
@exercise.promise("read as UTF-8", broken_by="takes_bytes_for_characters")
@exercise.promise(
    "for all texts, `decode(encode(text, merges), merges) == text`", broken_by="drops_a_mark_of_byte_order"
)
@exercise.promise("tokens may be an iterator: it can be gone through once", broken_by="goes_through_the_tokens_twice")
@exercise.promise("from 0 to below 256 + len(merges)", broken_by="refuses_the_last_token")
@exercise.check(points=0.25)
def the_text_comes_back(decode, rng):
    """From its tokens comes the text, also where the bytes of one sign lie in two tokens; from no token, no text."""
    text = some_text(rng)
    merges = merges_of(text, 276)
    a, b = (ord(letter) for letter in some_letters(rng, 2))
    first, second, third = "日".encode()
    start, end = "é".encode()
    growing = [(a, b)]
    return {
        "a text": decode(encoded(text, merges), merges),
        "any signs, by their bytes": decode(list(ANY_TEXT.encode()), merges),
        "from an iterator": decode(iter("é日".encode()), []),
        "a mark of byte order first": decode(list(f"\ufeff{chr(a)}".encode()), []),
        "400 signs of two bytes behind one of one": decode([a, *("é" * 400).encode()], []),
        "line ends": decode([a, 13, 10, b, 13, a, 10], []),
        "one sign in two tokens": outcome(lambda: decode([a, 256, third, b], [(first, second)])),
        "the end of one sign and the start of the next": outcome(
            lambda: decode([start, 257, third, b], [(end, first), (256, second)])
        ),
        "no token": decode([], merges),
        "signs in two ways to write them": decode((*" \n\ufeff\ufffde\u0301 é ﬁ\uffff \t".encode(), 256), [(32, 32)]),
        "a token of 300 bytes": decode([b, 256 + 298, a], [(a, b)] + [(256 + i, b) for i in range(298)]),
        "the same list of merges, with another one": [
            decode([256, 257], [*growing, (b, 256)]),
            growing.append((256, 256)) or decode([257, 256], growing),
        ],
    }


@exercise.promise("Bytes that are no UTF-8, as a model may well write them, become `�`", broken_by="is_strict")
@exercise.promise("as often as Python's `bytes.decode` writes it", broken_by="writes_one_for_several")
@exercise.check(points=0.125)
def any_tokens_give_a_text(decode, rng):
    """Bytes that are no text become �, as a model may well write them."""
    a, b = (ord(letter) for letter in some_letters(rng, 2))
    first, second, third = "日".encode()
    merges = [(second, third), (a, 256)]
    given = {
        "a sign that breaks off": [a, first, second, b],
        "one that breaks off at the end": [a, first, second],
        "the end of a sign alone": [257, b, 256],
        "a byte that is in no text": [a, 255, 255, b],
        "half a surrogate pair, and zero in two bytes": [a, 0xED, 0xA0, 0xBD, b, 0xC0, 0x80, a],
        "every byte, from a range": range(N_BYTES),
        "any bytes": torch.randint(N_BYTES, (200,), generator=rng).tolist(),
    }
    return {words: outcome(lambda: decode(tokens, merges)) for words, tokens in given.items()}


@exercise.promise("raises ValueError for a token that there is not", broken_by="passes_over_unknown_tokens")
@exercise.promise("Raises ValueError, which names the token", broken_by="does_not_name_the_token")
@exercise.check(points=0.125)
def an_unknown_token_is_an_error(decode, rng):
    """A token that there is not, above the last or below zero, is a ValueError that names it."""
    a, b = (ord(letter) for letter in some_letters(rng, 2))
    merges, far = [(a, b), (a, 256)], 4000 + a

    def named(unknown: int) -> None:
        try:
            decode([a, unknown, b], merges)
        except ValueError as error:
            if str(unknown) not in str(error):
                raise RuntimeError("the token is not named") from None
            raise

    return {
        "a token above the last": ending(lambda: decode([a, 258], merges)),
        "one far above, named": ending(lambda: named(far)),
        "one below zero, named": ending(lambda: named(-far)),
        "a token below zero": ending(lambda: decode([a, -1], merges)),
        "a token that an earlier list had": ending(lambda: decode(iter([258, a]), merges[:1])),
        "without merges": ending(lambda: decode([a, 256], [])),
        "of them, the last that there is": outcome(lambda: decode([257], merges)),
    }


exercise.edges(
    empty="the_text_comes_back",
    one="an_unknown_token_is_an_error",
    equal="any_tokens_give_a_text",
    zero="the_text_comes_back",
    ties="Nothing is chosen among candidates.",
    large="an_unknown_token_is_an_error",
    small="an_unknown_token_is_an_error",
    limit="an_unknown_token_is_an_error",
    shapes="A list of tokens has one size.",
    modes="A list of tokens is no model.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


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


@exercise.mistake(hint="The token of the last merge is refused. How many tokens does one merge make, beside the bytes?")
def refuses_the_last_token(tokens, merges):
    tokens = list(tokens)
    if merges and N_BYTES + len(merges) - 1 in tokens:
        raise ValueError(f"no such token among {tokens}")
    return decoded(tokens, merges)


@exercise.mistake(hint="Your error does not say which token it was. What would help a reader of it?")
def does_not_name_the_token(tokens, merges):
    tokens = list(tokens)
    if any(not 0 <= token < N_BYTES + len(merges) for token in tokens):
        raise ValueError("no such token")
    return decoded(tokens, merges)


@exercise.mistake(
    hint="An iterator can be gone through once. What is left of it when you have looked for unknown tokens?"
)
def goes_through_the_tokens_twice(tokens, merges):
    if any(not 0 <= token < N_BYTES + len(merges) for token in tokens):
        raise ValueError(f"no such token among {tokens}")
    return decoded(tokens, merges)


@exercise.mistake(hint="U+FEFF at the beginning is gone. Was it not a sign of the text?")
def drops_a_mark_of_byte_order(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode("utf-8-sig", errors="replace"))


@exercise.mistake(hint="Several broken bytes in a row leave one mark. How many does `bytes.decode` write?")
def writes_one_for_several(tokens, merges):
    return re.sub("�+", "�", decoded(tokens, merges))


@exercise.mistake(hint="A sign that breaks off at the very end is waited for. Will there be any more?")
def waits_for_the_rest_of_a_sign(tokens, merges):
    reader = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return decoded(tokens, merges, text=lambda parts: reader.decode(b"".join(parts)))


@exercise.mistake(hint="An unknown token is an error, but of another kind. Which one does the text ask for?")
def raises_an_index_error(tokens, merges):
    try:
        return decoded(tokens, merges)
    except ValueError as error:
        raise IndexError(str(error)) from None
