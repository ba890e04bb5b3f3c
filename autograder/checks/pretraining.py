"""The checks of the pretraining topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a text comes back from its tokens, every window is equally likely, a step does not hang on
the scale of the gradient, batches one after the other are one large batch. Then the numbers. The models are small ones
of the checks' own, whose loss is easily known. What is drawn by chance is judged by its shares: each share of `DRAWS`
windows is held against its exact probability by Chernoff's bound, so that a right answer fails less often than once in
10⁹.
"""

import copy
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import torch
import torch._dynamo  # which the first optimiser loads anyway, in a second: so a grader loads it once for a class
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.chance import improbable
from autograder.checking.topic import Topic
from autograder.checks.prediction import ending

pretraining = Topic("pretraining")
check = pretraining.try_out

VOCAB_SIZE = 11
DRAWS = 4000  # of windows
N_BYTES = 256
# How GPT-2 cuts a text into words, in one line; the texts of these checks have no underscore and no `<|endoftext|>`.
WORD = re.compile(r"'(?:[sdmt]|ll|re|ve)| ?[^\W\d_]+| ?\d+| ?[^\s\w]+|\s+(?!\S)|\s+")

Pair = tuple[int, int]


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng)


# --- train_bpe ---------------------------------------------------------------------------------------------


def some_letters(rng: torch.Generator, n: int) -> list[str]:
    """Letters that are all different, in an order that says nothing."""
    return [chr(ord("a") + i) for i in torch.randperm(26, generator=rng)[:n].tolist()]


def some_text(rng: torch.Generator, n_words: int = 60) -> str:
    """Words of up to five different letters, each with a space before it; at the end two that always follow."""
    *letters, x, y, z = some_letters(rng, 9)
    words = ["".join(letters[i] for i in torch.randperm(6, generator=rng)[:length]) for length in 4 * (2, 3, 4, 5)]
    drawn = torch.rand(n_words, generator=rng).square() * len(words)
    return "".join(" " + words[int(i)] for i in drawn) + 30 * f" {x}{y} {y}{z}"


def merged(
    tokens: list[int], pair: Pair, new: int, overlaps: bool = False, backwards: bool = False, once: bool = False
) -> list[int]:
    """The tokens with `new` in the place of the pair, in the ways in which it is done, right and wrong."""
    if backwards:
        return merged(tokens[::-1], pair[::-1], new)[::-1]
    result, i, done = [], 0, False
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair and not (once and done):
            result.append(new)
            done = True
            i += 1 if overlaps and tuple(tokens[i + 1 : i + 3]) == pair else 2
        else:
            result.append(tokens[i])
            i += 1
    return result


def smallest_of_the_most_frequent(counts: Counter[Pair]) -> Pair:
    return min(counts, key=lambda pair: (-counts[pair], pair))


def merges_of(
    text: str,
    vocab_size: int,
    split: Callable[[str], list[str]] = WORD.findall,
    symbols: Callable[[str], list[int]] = lambda word: list(word.encode()),
    times: Callable[[int], int] = lambda count: count,
    count: Callable[[list[int]], Iterable[Pair]] = pairwise,
    choose: Callable[[Counter[Pair]], Pair] = smallest_of_the_most_frequent,
    first: int = N_BYTES,
    **how: bool,
) -> list[Pair]:
    """BPE that counts all pairs anew for each merge, with its parts to choose, so that one of them can be wrong."""
    words = [(symbols(word), times(n)) for word, n in Counter(split(text)).items()]
    merges: list[Pair] = []
    for new in range(first, first + vocab_size - N_BYTES):
        counts: Counter[Pair] = Counter()
        for tokens, n in words:
            for pair in count(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        merges.append(choose(counts))
        words = [(merged(tokens, merges[-1], new, **how), n) for tokens, n in words]
    return merges


@pretraining.check("train_bpe", points=0.25, invariant=True)
def a_text_twice_teaches_the_same(train_bpe, rng):
    """A text that is there twice gives the same merges, in the same order; another text gives others."""
    text, other = some_text(rng), some_text(rng)
    once, twice, others = (torch.tensor(train_bpe(given, 270)) for given in (text, text + text, other))
    return {"before": once, "after": twice, "must differ": [once, others]}


@pretraining.check("train_bpe", points=0.25)
def the_most_frequent_pair_is_next(train_bpe, rng):
    """Each merge is the pair that stands most often in the text as it is by then, earlier merges made."""
    a, b, c, *others = some_letters(rng, 7)
    rare = "".join(f" {a}{b}{letter}" for letter in others)  # four words, and one that is there nine times
    return {
        "one word nine times, four words once": train_bpe(rare + 9 * f" {c}{a}", 259),
        "two words, 300 and 299 times": train_bpe(300 * f" {c}{a}" + 299 * f" {a}{b}", 259),
        "merges of merges": train_bpe(10 * f"\n{a}{b}{c}{others[0]}", 259),
        "a text": train_bpe(some_text(rng), 276),
        "no merge": train_bpe(some_text(rng), 256),
    }


@pretraining.check("train_bpe", points=0.25)
def the_smallest_of_equals(train_bpe, rng):
    """Of pairs that are equally frequent the smallest is next: by its first token, then by its second."""
    a, b, c, d, e = sorted(some_letters(rng, 5))
    words = [f"{b}{c}", f"{d}{e}", f"{a}{d}", f"{b}{a}", f"{c}{e}"]
    return {
        "five words, each once": train_bpe("\n".join(words), 261),
        "old tokens and new ones": train_bpe(f"{a}{b}{e}\n{b}{d}\n{a}{b}{c}", 260),
        "a text": train_bpe(some_text(rng, 12), 268),
    }


@pretraining.check("train_bpe", points=0.25)
def runs_of_one_letter(train_bpe, rng):
    """Three equal letters hold their pair twice, merged from the left; a pair fewer than asked for is a ValueError."""
    a, b, c = some_letters(rng, 3)
    text = f"{a}{a}{a}\n" * 2 + f"{b}{c}\n" * 3
    return {
        "aaa twice, bc three times": train_bpe(text, 259),
        "one merge more than there are": ending(lambda: train_bpe(text, 260)),
        "six and seven in a row": train_bpe(f"{6 * a}\n{7 * a}\n", 259),
    }


@pretraining.check("train_bpe", points=0.25)
def words_and_bytes(train_bpe, rng):
    """No merge reaches from one word into the next, the space belongs to the word after it, and signs are bytes."""
    a, b, c = some_letters(rng, 3)
    return {
        "two words that always follow": train_bpe(6 * f" {a}{b} {b}{c}", 260),
        "letters and digits": train_bpe(6 * f"{a}1{b}2, ", 257),
        "signs of two and three bytes": train_bpe(4 * f"{a}é日\n" + 3 * f"é{b}\n", 261),
    }


def bpe_mistake(hint: str) -> Callable:
    return pretraining.mistake("train_bpe", hint=hint)


@bpe_mistake("Every word counts once, however often it stands in the text. How often does its pair?")
def counts_different_words(text, vocab_size):
    return merges_of(text, vocab_size, times=lambda count: 1)


@bpe_mistake("You count once and take the pairs from the top. What has a merge done to the pairs beside it?")
def counts_only_once(text, vocab_size):
    counts: Counter[Pair] = Counter()
    for word in WORD.findall(text):
        counts.update(pairwise(word.encode()))
    merges = sorted(counts, key=lambda pair: (-counts[pair], pair))
    if len(merges) < vocab_size - N_BYTES:
        raise ValueError("no pair is left")
    return merges[: vocab_size - N_BYTES]


@bpe_mistake(
    "Of equally frequent pairs you take the one that came first. Would the same sentences in another order give the "
    "same tokens?"
)
def takes_the_first_of_equals(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: max(counts, key=counts.__getitem__))


@bpe_mistake("Of equally frequent pairs you take the largest. Which one does the docstring ask for?")
def takes_the_largest_of_equals(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


@bpe_mistake(
    "Of equally frequent pairs you take the one that is spelt first. Do the numbers of tokens stand in the order of "
    "their spellings?"
)
def takes_the_first_in_spelling(text, vocab_size):
    merges: list[Pair] = []

    def choose(counts: Counter[Pair]) -> Pair:
        table = bytes_of(merges)
        merges.append(min(counts, key=lambda pair: (-counts[pair], table[pair[0]] + table[pair[1]])))
        return merges[-1]

    return merges_of(text, vocab_size, choose=choose)


@bpe_mistake("You take the rarest pair. Which end of your order is the most frequent?")
def takes_the_rarest_pair(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: min(counts, key=lambda pair: (counts[pair], pair)))


@bpe_mistake("Your tokens reach across the space between two words. Where are the words cut apart?")
def merges_across_words(text, vocab_size):
    return merges_of(text, vocab_size, split=lambda text: [text])


@bpe_mistake("The spaces are gone. Which word does a space belong to, and how else would it come back?")
def loses_the_spaces(text, vocab_size):
    return merges_of(text, vocab_size, split=str.split)


@bpe_mistake(
    "You cut at spaces only, so letters, digits and signs grow together. What does `split_words` do with them?"
)
def cuts_at_spaces_only(text, vocab_size):
    return merges_of(text, vocab_size, split=re.compile(r" ?\S+|\s+(?!\S)|\s").findall)


@bpe_mistake("You begin with characters. How many of them are there, and how many bytes?")
def begins_with_characters(text, vocab_size):
    return merges_of(text, vocab_size, symbols=lambda word: [ord(sign) for sign in word])


@bpe_mistake("Your first merge makes token 257. Which number comes after 255?")
def numbers_one_too_high(text, vocab_size):
    return merges_of(text, vocab_size, first=N_BYTES + 1)


@bpe_mistake("Your new tokens have the numbers of bytes. Which numbers are taken already?")
def numbers_from_zero(text, vocab_size):
    return merges_of(text, vocab_size, first=0)


@bpe_mistake("You count a run of three as one pair. How often do two equal letters stand side by side in it?")
def counts_no_overlaps(text, vocab_size):
    def count(tokens: list[int]) -> Iterable[Pair]:
        for pair in set(pairwise(tokens)):
            yield from [pair] * merged(tokens, pair, -1).count(-1)

    return merges_of(text, vocab_size, count=count)


@bpe_mistake("You use the middle one of three equal letters twice. How many letters are left of a run of three?")
def merges_overlaps(text, vocab_size):
    return merges_of(text, vocab_size, overlaps=True)


@bpe_mistake("You merge runs from the right. From which end does a reader begin?")
def merges_from_the_right(text, vocab_size):
    return merges_of(text, vocab_size, backwards=True)


@bpe_mistake("In each word only the first place of a pair is merged. How often can it stand there?")
def merges_once_in_a_word(text, vocab_size):
    return merges_of(text, vocab_size, once=True)


# --- encode ------------------------------------------------------------------------------------------------


def bytes_of(merges: list[Pair]) -> list[bytes]:
    """What each token stands for."""
    table = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        table.append(table[first] + table[second])
    return table


def spelt(tokens: list[int], merges: list[Pair]) -> str:
    """The text of tokens, as far as it is one."""
    return b"".join(bytes_of(merges)[token] for token in tokens).decode(errors="replace")


ANY_TEXT = "Naïve café, 日本語: «ok»?  Two  spaces,\ttab\r\n\n👩‍🚀 's it's 12½ \0 "


@pretraining.check("encode", points=0.25)
def nothing_is_lost(encode, rng):
    """The tokens stand for the text, to the last byte, whatever is in it."""
    a, b, c, d = some_letters(rng, 4)
    merges, seen = [(ord(a), ord(b)), (256, ord(c)), (257, ord(d))], {}
    given = {"a text": f"{a}{b}{c}{d} {d}{a}{b}{c}", "another": some_text(rng), "any signs": ANY_TEXT, "no text": ""}
    for words, text in given.items():
        tokens = encode(text, merges)
        seen[words] = {"the tokens stand for": spelt(tokens, merges), "numbers of tokens": len(tokens)}
    return seen


@pretraining.check("encode", points=0.25)
def more_merges_fewer_tokens(encode, rng):
    """Without merges there are as many tokens as bytes, and each merge more makes them fewer or leaves them as many."""
    text, foreign = some_text(rng), "日本 é 日本 éé"
    a, b, c = (ord(letter) for letter in some_letters(rng, 3))
    merges = merges_of(text, 272)
    return {
        "numbers of tokens by numbers of merges": [len(encode(text, merges[:n])) for n in range(0, 17, 4)],
        "without merges": encode(text[:20], []),
        "with two merges": encode(bytes([a, b, c]).decode(), [(b, c), (a, b)]),
        "signs of several bytes": encode(foreign, merges_of(foreign, 262)),
    }


@pretraining.check("encode", points=0.25)
def merges_in_the_order_in_which_they_were_learned(encode, rng):
    """The merge that was learned first is made first, wherever in a word it stands, and runs from the left."""
    a, b, c, d = (ord(letter) for letter in some_letters(rng, 4))
    run, two = [(a, a)], [(a, a), (256, 256)]
    return {
        "bc before ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, b)]),
        "bc before abc and ab": encode(bytes([a, b, c]).decode(), [(b, c), (a, 256), (a, b)]),
        "cd before ab and bc": encode(bytes([a, b, c, d]).decode(), [(c, d), (b, c), (a, b), (258, 256)]),
        "a long token of small ones": encode(bytes([a, b, c, d]).decode(), [(b, c), (a, 256), (c, d), (257, d)]),
        "three in a row": encode(3 * chr(a), run),
        "five in a row": encode(5 * chr(a), two),
        "seven in a row": encode(7 * chr(a), two),
    }


@pretraining.check("encode", points=0.25)
def word_by_word(encode, rng):
    """No token reaches from one word into the next, and only the merges given count, not those of another call."""
    a, b, c = some_letters(rng, 3)
    text, (first, second, third) = f"{a}{b} {b}{c} {a}{b}{c}1{a}", map(ord, (a, b, c))
    crossing = [(second, ord(" ")), (third, ord("1")), (first, second)]
    return {
        "merges across words": encode(text, crossing),
        "one merge": encode(text, [(first, second)]),
        "another merge, the same words": encode(text, [(second, third)]),
        "a space and a letter": encode(text, [(ord(" "), first)]),
    }


def encoded(
    text: str,
    merges: list[Pair],
    split: Callable[[str], list[str]] = WORD.findall,
    symbols: Callable[[str], list[int]] = lambda word: list(word.encode()),
    order: Callable[[list[tuple[int, Pair]]], list[tuple[int, Pair]]] = list,
    **how: bool,
) -> list[int]:
    """All merges one after the other in each word, with their parts to choose, so that one of them can be wrong."""
    tokens: list[int] = []
    for word in split(text):
        of_word = symbols(word)
        for rank, pair in order(list(enumerate(merges))):
            of_word = merged(of_word, tuple(pair), N_BYTES + rank, **how)
        tokens += of_word
    return tokens


def encode_mistake(hint: str) -> Callable:
    return pretraining.mistake("encode", hint=hint)


@encode_mistake(
    "From the left, you take the longest token that fits. Is that what the merges, made one after the other, leave?"
)
def takes_the_longest_token(text, merges):
    table, tokens = {spelling: token for token, spelling in enumerate(bytes_of(merges))}, []
    for word in WORD.findall(text):
        rest = word.encode()
        while rest:
            size = next(size for size in range(len(rest), 0, -1) if rest[:size] in table)
            tokens.append(table[rest[:size]])
            rest = rest[size:]
    return tokens


@encode_mistake("From the left, you merge whatever can be merged. Which of several merges was learned first?")
def merges_whatever_comes_first(text, merges):
    numbers, tokens = {tuple(pair): N_BYTES + rank for rank, pair in enumerate(merges)}, []
    for word in WORD.findall(text):
        of_word = list(word.encode())
        while pair := next((pair for pair in pairwise(of_word) if pair in numbers), None):
            of_word = merged(of_word, pair, numbers[pair], once=True)
        tokens += of_word
    return tokens


@encode_mistake("You begin with the merge that was learned last. What does it merge that is not there yet?")
def begins_with_the_last_merge(text, merges):
    return encoded(text, merges, order=lambda ranked: ranked[::-1])


@encode_mistake("Your tokens reach across the space between two words. Where are the words cut apart?")
def encodes_across_words(text, merges):
    return encoded(text, merges, split=lambda text: [text])


@encode_mistake("The spaces are gone. Which word does a space belong to, and how else would it come back?")
def loses_spaces(text, merges):
    return encoded(text, merges, split=str.split)


@encode_mistake("Your tokens are characters. Of what are the first 256 tokens the numbers?")
def gives_characters(text, merges):
    return encoded(text, merges, symbols=lambda word: [ord(sign) for sign in word])


@encode_mistake("You merge nothing. How long is your text in tokens, and how long in bytes?")
def merges_nothing(text, merges):
    return list(text.encode())


@encode_mistake("In each word only the first place of a pair is merged. How often can it stand there?")
def merges_each_pair_once(text, merges):
    return encoded(text, merges, once=True)


@encode_mistake("You use the middle one of three equal letters twice. How many letters are left of a run of three?")
def merges_what_overlaps(text, merges):
    return encoded(text, merges, overlaps=True)


@encode_mistake("You merge runs from the right. From which end does a reader begin?")
def encodes_from_the_right(text, merges):
    return encoded(text, merges, backwards=True)


# --- decode ------------------------------------------------------------------------------------------------


@pretraining.check("decode", points=0.25)
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


@pretraining.check("decode", points=0.25)
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


def decode_mistake(hint: str) -> Callable:
    return pretraining.mistake("decode", hint=hint)


@decode_mistake("You make text of each token by itself. What is half of a sign?")
def makes_text_token_by_token(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: "".join(part.decode(errors="replace") for part in parts))


@decode_mistake("Bytes that are no text end your function with an error. What does `errors` of `bytes.decode` offer?")
def is_strict(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode())


@decode_mistake("Bytes that are no text disappear. Should a reader not see that something was there?")
def leaves_out_what_is_no_text(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode(errors="ignore"))


@decode_mistake("Each byte becomes a character of its own. How many bytes has é?")
def takes_bytes_for_characters(tokens, merges):
    return decoded(tokens, merges, text=lambda parts: b"".join(parts).decode("latin-1"))


@decode_mistake("The two parts of your tokens have changed places. Which half of a pair stands on the left?")
def turns_pairs_round(tokens, merges):
    def table(merges: list[Pair]) -> list[bytes]:
        return bytes_of([(second, first) for first, second in merges])

    return decoded(tokens, merges, table)


@decode_mistake("Your merges are one number off. Which token does the first merge make?")
def takes_the_merge_before(tokens, merges):
    return decoded(
        tokens,
        merges,
        lambda merges: (
            bytes_of(merges)[:N_BYTES] + (bytes_of(merges)[-1:] + bytes_of(merges)[N_BYTES:-1] if merges else [])
        ),
    )


@decode_mistake("A token that there is not is passed over. What would hide the error behind it?")
def passes_over_unknown_tokens(tokens, merges):
    return decoded([token for token in tokens if 0 <= token < N_BYTES + len(merges)], merges)


@decode_mistake("Token -1 gives a text. What does an index below zero mean in Python?")
def counts_back_from_the_end(tokens, merges):
    return decoded([token % (N_BYTES + len(merges)) if token < 0 else token for token in tokens], merges)


# --- get_batch ---------------------------------------------------------------------------------------------


def some_tokens(rng: torch.Generator, *shape: int, vocab_size: int = VOCAB_SIZE) -> Tensor:
    return torch.randint(vocab_size, shape, generator=rng)


def another_generator(rng: torch.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(some_tokens(rng, vocab_size=2**40)))


def evenly_drawn(got: dict, expected: dict) -> str | None:
    """Which window, or which step from row to row, comes up too often or too seldom, or None.

    A right answer is accused less than once in 10⁹ times: the steps between even draws, in a ring, are even draws too.
    """
    parts = {"share of each place": "begin at place", "share of each step": "follow the row above at step"}
    for part, words in parts.items():
        seen, right = got[part], torch.full_like(expected[part], 1 / len(expected[part]))
        if seen.shape != right.shape or abs(seen.sum().item() - 1) > 1e-6:
            return "Not every window is one that stands in the text."
        off = improbable(seen, right, DRAWS - 1, 2 * len(right))
        if off.any():
            place = int((seen - right).abs().argmax())
            return (
                f"Of {DRAWS:,} windows, {seen[place]:.1%} {words} {place} of 0 to {len(right) - 1}, "
                f"expected {right[place]:.1%}."
            )
    return None


@pretraining.check("get_batch", points=0.25)
def targets_are_one_ahead(get_batch, rng):
    """A window is T tokens that stand side by side in the text, and its targets are the tokens one place further."""
    start = int(some_tokens(rng, vocab_size=500))
    inputs, targets = get_batch(torch.arange(start, start + 60), 5, 7, another_generator(rng))
    text = some_tokens(rng, 8)
    return {
        "shapes": [list(inputs.shape), list(targets.shape)],
        "targets minus inputs, in a text that counts up": targets - inputs,
        "steps within a window": inputs[:, 1:] - inputs[:, :-1],
        "all is in the text": bool((inputs >= start).all() and (targets < start + 60).all()),
        "the only window of 8 tokens": list(get_batch(text, 2, 7)),
        "a window of 8 in 8 tokens": ending(lambda: get_batch(text, 2, 8)),
        "the text afterwards": text,
    }


@pretraining.check("get_batch", points=0.25, judge=evenly_drawn, atol=0.05)
def every_window_is_equally_likely(get_batch, rng):
    """Every window of the text comes up equally often, the first and the last one too, and each row is a new draw."""
    text = torch.randperm(13, generator=rng)  # so that a window's first token says where it stands
    inputs, _ = get_batch(text, DRAWS, 6, another_generator(rng))
    places, all_places = text.argsort()[inputs[:, 0]], torch.arange(13 - 6)
    return {
        "share of each place": (places.unsqueeze(1) == all_places).double().mean(dim=0),
        "share of each step": (places.diff().unsqueeze(1) % (13 - 6) == all_places).double().mean(dim=0),
    }


@pretraining.check("get_batch", points=0.25)
def chance_comes_from_the_generator(get_batch, rng):
    """The same state of the generator gives the same batch again; another state, or the next call, gives another."""
    text, seed = torch.arange(1000), int(some_tokens(rng, vocab_size=2**40))
    generator = torch.Generator().manual_seed(seed)
    first, second = (get_batch(text, 6, 9, generator)[0] for _ in range(2))
    again, other = (get_batch(text, 6, 9, torch.Generator().manual_seed(start))[0] for start in (seed, seed + 1))
    return {
        "the same state gives the same": torch.equal(first, again),
        "another state gives the same": torch.equal(first, other),
        "the next call gives the same": torch.equal(first, second),
        "without a generator": [list(part.shape) for part in get_batch(text, 6, 9)],
    }


def batch_at(tokens: Tensor, starts: Tensor, T: int, ahead: int = 1) -> tuple[Tensor, Tensor]:
    """The windows that begin at these places, and their targets."""
    windows = tokens[starts.unsqueeze(1) + torch.arange(T + ahead)]
    return windows[:, :T], windows[:, ahead:]


def places(tokens: Tensor, batch_size: int, T: int, generator, low: int = 0, high: int | None = None) -> Tensor:
    """Where the windows begin, with the bounds to choose, so that one of them can be wrong."""
    if len(tokens) <= T:
        raise ValueError("too short")
    high = len(tokens) - T if high is None else high
    return torch.randint(low, max(high, low + 1), (batch_size,), generator=generator)


@pretraining.mistake(
    "get_batch", hint="Each target equals the input at its position. What would a model learn that may copy the answer?"
)
def the_target_is_the_input(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs, inputs


@pretraining.mistake(
    "get_batch",
    hint="Your targets are the tokens before the inputs. Which of the two begins one place further in the text?",
)
def looks_back(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return targets, inputs


@pretraining.mistake(
    "get_batch",
    hint="Your windows are one token short, because inputs and targets share T tokens. How many tokens do T inputs "
    "and the last target take together?",
)
def shifts_inside_the_window(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs[:, :-1], inputs[:, 1:]


@pretraining.mistake(
    "get_batch",
    hint="The last window never comes up, so the model never predicts the last token. Is `high` of `torch.randint` "
    "one of the numbers that it draws?",
)
def leaves_out_the_last_window(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, generator, high=len(tokens) - T - 1), T)


@pretraining.mistake("get_batch", hint="The first window never comes up. From which place on may a window begin?")
def leaves_out_the_first_window(tokens, batch_size, T, generator=None):
    low = min(1, len(tokens) - T - 1)
    return batch_at(tokens, places(tokens, batch_size, T, generator, low=low), T)


@pretraining.mistake(
    "get_batch",
    hint="Your windows begin at multiples of T only. How many different places are there for a window to begin?",
)
def cuts_the_text_end_to_end_first(tokens, batch_size, T, generator=None):
    return batch_at(tokens, T * places(tokens, batch_size, T, generator, high=(len(tokens) - 1) // T), T)


@pretraining.mistake(
    "get_batch",
    hint="All rows of a batch are the same window. How many places have to be drawn for `batch_size` windows?",
)
def draws_one_place_for_all_rows(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, 1, T, generator).expand(batch_size), T)


@pretraining.mistake(
    "get_batch",
    hint="One place is drawn, and the windows of a batch begin there one after the other. How many places have to be "
    "drawn for `batch_size` windows?",
)
def draws_one_place_and_counts_on(tokens, batch_size, T, generator=None):
    start = places(tokens, 1, T, generator)
    return batch_at(tokens, (start + torch.arange(batch_size)) % (len(tokens) - T), T)


@pretraining.mistake(
    "get_batch",
    hint="Your batch always begins at the start of the text. What is drawn by chance here?",
)
def reads_from_the_start(tokens, batch_size, T, generator=None):
    places(tokens, batch_size, T, generator)
    return batch_at(tokens, torch.arange(batch_size) % (len(tokens) - T), T)


@pretraining.mistake(
    "get_batch",
    hint="The tokens of your windows are drawn one by one. What has to stay together for the next token to be a next "
    "one?",
)
def draws_tokens_one_by_one(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError("too short")
    drawn = torch.randint(len(tokens) - 1, (batch_size, T), generator=generator)
    return tokens[drawn], tokens[drawn + 1]


@pretraining.mistake(
    "get_batch",
    hint="The same generator gives other batches each time. Which of your calls draws, and does it know `generator`?",
)
def forgets_the_generator(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, None), T)


@pretraining.mistake(
    "get_batch", hint="Your inputs are (T, B): positions down and texts across. Which of the two comes first?"
)
def stacks_positions_first(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs.T, targets.T


# --- adamw_update ------------------------------------------------------------------------------------------


def slopes(rng: torch.Generator, *shape: int) -> Tensor:
    """Gradients that are all far from zero, so that a small eps is small beside them."""
    return normal(rng, *shape).sign() * (0.5 + torch.rand(*shape, generator=rng))


def running(rng: torch.Generator, *shape: int) -> dict[str, Tensor]:
    """A weight, its gradient, and running means as they are in the middle of training."""
    weight, gradient, mean = normal(rng, *shape), slopes(rng, *shape), slopes(rng, *shape)
    mean_square = mean.square() + 0.1 + torch.rand(*shape, generator=rng)
    return {"weight": weight, "gradient": gradient, "mean": mean, "mean_square": mean_square}


def at_first(weight: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """The same before step 1, when both running means are zero."""
    zeros = torch.zeros(2, *weight.shape)
    return {"weight": weight.clone(), "gradient": gradient.clone(), "mean": zeros[0], "mean_square": zeros[1]}


def moved(adamw_update: Callable, given: dict[str, Tensor], *args: float, **more: Any) -> Tensor:
    """How far one update moves the weight."""
    before = given["weight"].clone()
    adamw_update(*given.values(), *args, **more)
    return given["weight"] - before


@pretraining.check("adamw_update", points=0.25)
def the_first_step_is_the_learning_rate(adamw_update, rng):
    """Without decay the first step moves each weight by the learning rate against its gradient, however large it is."""
    gradient = slopes(rng, 3, 4)
    return {
        f"the step over the learning rate, gradient times {scale:g}": moved(
            adamw_update, at_first(torch.zeros(3, 4), scale * gradient), 1, 0.02, eps=1e-20, weight_decay=0.0
        )
        / 0.02
        for scale in (1e-3, 1.0, 1e3)
    }


@pretraining.check("adamw_update", points=0.25, invariant=True)
def the_decay_does_not_depend_on_the_gradient(adamw_update, rng):
    """What weight_decay adds to a step is the same whatever the gradient is; a larger weight_decay adds more."""

    def added(gradient: Tensor, weight_decay: float) -> Tensor:
        with_decay, without = (
            moved(adamw_update, at_first(weight, gradient), 1, 0.2, weight_decay=rate) for rate in (weight_decay, 0.0)
        )
        return with_decay - without

    weight, gradient = 2 * normal(rng, 3, 4), slopes(rng, 3, 4)
    before = added(gradient, 0.5)
    return {
        "before": [before, before],
        "after": [added(-3 * gradient, 0.5), added(torch.zeros(3, 4), 0.5)],
        "must differ": [before, added(gradient, 1.0)],
    }


@pretraining.check("adamw_update", points=0.25)
def it_moves_in_place(adamw_update, rng):
    """Weight and running means change where they stand, a parameter too; the gradient stays, nothing is returned."""
    given = running(rng, 5)
    weight = nn.Parameter(given["weight"])
    returned = adamw_update(weight, given["gradient"], given["mean"], given["mean_square"], 3, 0.1)
    return {"returned": returned, **given, "is a leaf": weight.is_leaf}


@pretraining.check("adamw_update", points=0.25)
def five_steps_of_pytorchs_adamw(adamw_update, rng):
    """Five steps on five gradients take a weight where `torch.optim.AdamW` takes it, by default values and others."""
    seen = {}
    others = {"betas": (0.4, 0.45), "eps": 0.1, "weight_decay": 0.4}
    for words, more in (("default values", {}), ("other values", others)):
        given, weights = at_first(normal(rng, 4), torch.zeros(4)), []
        for step in range(1, 6):
            given["gradient"] = slopes(rng, 4)
            adamw_update(*given.values(), step, 0.1 / step, **more)
            weights.append(given["weight"].clone())
        seen[words] = weights
    return seen


@pretraining.check("adamw_update", points=0.25)
def late_in_training(adamw_update, rng):
    """After three steps there is something to correct, after a thousand hardly; a large eps slows the step down."""
    return {
        f"step {step:,}, eps {eps:g}": moved(adamw_update, running(rng, 4), step, 0.1, eps=eps)
        for step in (3, 1000)
        for eps in (1e-8, 0.5)
    }


def adamw(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    mean_square: Tensor,
    step: int,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.1,
    *,
    powers: tuple[int, int] | None = None,
    square: Callable[[Tensor, Tensor], Tensor] = lambda gradient, mean: gradient.square(),
    divisor: Callable[[Tensor, float], Tensor] = lambda square, eps: square.sqrt() + eps,
    sign: float = -1.0,
) -> None:
    """AdamW with its parts to choose, so that one of them can be wrong. `powers` are those of the corrections."""
    with torch.no_grad():
        first, second = powers or (step, step)
        mean.mul_(betas[0]).add_((1 - betas[0]) * gradient)
        mean_square.mul_(betas[1]).add_((1 - betas[1]) * square(gradient, mean))
        correct = [1 - beta**power if power else 1.0 for beta, power in zip(betas, (first, second))]
        update = mean / correct[0] / divisor(mean_square / correct[1], eps)
        weight.mul_(1 - learning_rate * weight_decay).add_(sign * learning_rate * update)


def adamw_mistake(hint: str) -> Callable:
    return pretraining.mistake("adamw_update", hint=hint)


@adamw_mistake(
    "The running means begin at zero, so at first they are too small. What do you divide them by to make up for it?"
)
def no_correction(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(0, 0))


@adamw_mistake("You correct one of the two running means. Which of them began at something else than zero?")
def corrects_the_mean_only(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(step, 0))


@adamw_mistake("Your correction is the same at every step. To which power is beta raised after `step` updates?")
def corrects_as_if_at_the_first_step(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(1, 1))


@adamw_mistake("Your correction is one step ahead. `step` counts from 1, so how many updates have the means seen?")
def counts_steps_from_zero(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(step + 1, step + 1))


@adamw_mistake(
    "You add the decay to the gradient, as Adam with an L2 penalty does. What does the division by the root then do to "
    "the decay of a weight with large gradients?"
)
def adds_the_decay_to_the_gradient(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(
        weight, gradient + weight_decay * weight, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0
    )


@adamw_mistake("The decay shrinks the weight that has moved already. Which weight is it to shrink, the old or the new?")
def decays_after_the_step(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0)
    with torch.no_grad():
        weight.mul_(1 - learning_rate * weight_decay)


@adamw_mistake(
    "Your decay is the same at every learning rate. What is `weight_decay` multiplied by, so that it dies down with "
    "the steps?"
)
def decays_without_the_learning_rate(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay / learning_rate)


@adamw_mistake("Nothing decays. Where do you use `weight_decay`?")
def forgets_the_decay(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0)


@adamw_mistake("You add eps under the root, where it counts as its root. Where does it stand in the formula?")
def eps_under_the_root(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    divisor = lambda square, eps: (square + eps).sqrt()  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, divisor=divisor)


@adamw_mistake(
    "A gradient a thousand times as large gives a thousandth of the step. What is missing around the mean square?"
)
def divides_by_the_mean_square(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    divisor = lambda square, eps: square + eps  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, divisor=divisor)


@adamw_mistake("You square the running mean. What is it that `mean_square` is the mean of?")
def squares_the_mean(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    square = lambda gradient, mean: mean.square()  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, square=square)


@adamw_mistake(
    "The two betas have changed places. Which of the two running means keeps 0.9 of the old, and which 0.95?"
)
def swaps_the_betas(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas[::-1], eps, weight_decay)


@adamw_mistake("Your betas say how much of the new gradient comes in. How much of the old mean is beta = 0.9 to keep?")
def takes_beta_for_the_share_of_the_new(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    with torch.no_grad():
        mean.lerp_(gradient, betas[0])
        mean_square.lerp_(gradient.square(), betas[1])
        root = (mean_square / (1 - betas[1] ** step)).sqrt() + eps
        weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * mean / (1 - betas[0] ** step) / root)


@adamw_mistake("You go up the gradient. In which direction does the loss fall?")
def goes_uphill(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, sign=1.0)


@adamw_mistake(
    "The caller's weight has not moved. Does `weight = weight - ...` change a tensor, or give its name to another one?"
)
def nothing_moves_in_place(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    copies = [tensor.detach().clone() for tensor in (weight, gradient, mean, mean_square)]
    adamw(*copies, step, learning_rate, *args, **more)


@adamw_mistake(
    "The weight moves and the running means do not, so every step is like a first one. Does `mean = beta * mean + ...` "
    "change the caller's tensor?"
)
def forgets_the_running_means(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean.clone(), mean_square.clone(), step, learning_rate, *args, **more)


@adamw_mistake(
    "You keep the corrected means, and correct them again at the next step. Which of the two is to be carried on?"
)
def keeps_the_corrected_means(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay)
    with torch.no_grad():
        mean.div_(1 - betas[0] ** step)
        mean_square.div_(1 - betas[1] ** step)


# --- warmup_cosine -----------------------------------------------------------------------------------------


def rates(warmup_cosine: Callable, steps: int, *args: Any, **more: Any) -> list[float]:
    return [warmup_cosine(step, steps, *args, **more) for step in range(steps)]


@pretraining.check("warmup_cosine", points=0.25)
def the_peak_is_at_the_end_of_the_warm_up(warmup_cosine, rng):
    """The rate rises in equal steps from peak / warm_up to the peak, at step warm_up - 1, and falls without a jump."""
    peak = 0.5 + torch.rand((), generator=rng).item()
    all_rates = rates(warmup_cosine, 60, peak, 8)
    return {
        "the first eight rates": all_rates[:8],
        "the largest rate": max(all_rates),
        "at step": all_rates.index(max(all_rates)),
        "the first four steps down": [before - after for before, after in pairwise(all_rates[7:12])],
    }


@pretraining.check("warmup_cosine", points=0.25)
def down_half_a_cosine(warmup_cosine, rng):
    """Without a warm-up the rate is the peak at first, halfway down after half of the steps, at the end the floor."""
    floor, height = (0.5 + torch.rand(2, generator=rng)).tolist()
    parts = {"at first": 0, "after a quarter": 2500, "after half": 5000, "after three quarters": 7500, "at last": 9999}
    return {
        f"floor {'given' if low else '0'}, {words}": warmup_cosine(step, 10_000, low + height, 0, **more)
        for low, more in ((0.0, {}), (floor, {"floor": floor}))
        for words, step in parts.items()
    }


@pretraining.check("warmup_cosine", points=0.25)
def all_rates_of_short_runs(warmup_cosine, rng):
    """Every rate is right, whatever the numbers of steps, also where the warm-up is one step, or all of them."""
    peak = 1 + torch.rand((), generator=rng).item()
    floor = 0.3 * peak
    return {
        f"{steps} steps, {warm_up} of them warm-up": rates(warmup_cosine, steps, peak, warm_up, floor)
        for steps, warm_up in ((9, 0), (9, 1), (12, 4), (5, 5), (1, 0))
    }


def schedule(
    step: int,
    steps: int,
    peak: float,
    warm_up: int,
    floor: float = 0.0,
    *,
    first: int = 1,
    start: int | None = None,
    end: int | None = None,
    low: float = 0.0,
    shape: Callable[[float], float] = lambda progress: (1 + math.cos(math.pi * progress)) / 2,
) -> float:
    """The rate with its parts to choose, so that one of them can be wrong."""
    if step < warm_up:
        return low + (peak - low) * (step + first) / warm_up
    start, end = max(warm_up - 1, 0) if start is None else start, steps if end is None else end
    return floor + (peak - floor) * shape((step - start) / max(end - start, 1))


def rate_mistake(hint: str) -> Callable:
    return pretraining.mistake("warmup_cosine", hint=hint)


@rate_mistake("Your first step has a rate of zero, so it moves nothing. Which share of the peak is step 0 to have?")
def begins_at_zero(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, first=0, start=warm_up)


@rate_mistake(
    "Your rate falls when the warm-up ends, since the cosine counts the warm-up's steps too. Where should the cosine "
    "begin?"
)
def the_cosine_counts_the_warm_up(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, start=0)


@rate_mistake("The peak comes twice. If step warm_up - 1 has it already, how far along is the cosine at the next step?")
def the_peak_comes_twice(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, start=warm_up)


@rate_mistake(
    "The cosine is spread over all steps beginning at the end of the warm-up, so it never comes down. How many steps "
    "are left for it?"
)
def the_cosine_is_too_long(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, end=steps + max(warm_up - 1, 0))


@rate_mistake("Your rate reaches the floor at the last step. At which step would it, by the docstring?")
def reaches_the_floor_one_step_early(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, end=steps - 1)


@rate_mistake("Your rate goes down to zero. Where do you use `floor`?")
def ignores_the_floor(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up)


@rate_mistake(
    "You add the floor to the whole cosine, so the rate begins above the peak. How far is it from the floor to the "
    "peak?"
)
def adds_the_floor_on_top(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up) + (floor if step >= warm_up else 0.0)


@rate_mistake("You cut the cosine off at the floor. Where would the middle between peak and floor then be reached?")
def cuts_off_at_the_floor(step, steps, peak, warm_up, floor=0.0):
    rate = schedule(step, steps, peak, warm_up)
    return rate if step < warm_up else max(rate, floor)


@rate_mistake("Your warm-up begins at the floor. What is peak / warm_up?")
def warms_up_from_the_floor(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, low=floor)


@rate_mistake("You go down in a straight line. Where is the cosine?")
def goes_down_in_a_line(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: 1 - progress)


@rate_mistake("`math.cos` counts in radians. How much is half a turn?")
def takes_degrees(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: (1 + math.cos(180 * progress)) / 2)


@rate_mistake("Your rate comes up again: a whole turn of the cosine. How much of a turn leads from 1 to -1?")
def turns_all_the_way_round(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: (1 + math.cos(math.tau * progress)) / 2)


@rate_mistake(
    "You take a quarter of a turn, which falls slowly at first and steeply at last. Which part is flat at both ends?"
)
def takes_a_quarter_of_a_turn(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: math.cos(math.pi / 2 * progress))


# --- clip_gradients ----------------------------------------------------------------------------------------


@pretraining.given("clip_gradients")
def library_clipping(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """PyTorch's own, for the exercise that needs one."""
    return nn.utils.clip_grad_norm_(parameters, max_norm)


def with_gradients(rng: torch.Generator, length: float) -> list[nn.Parameter]:
    """Three parameters whose gradients are together this long, and of very different lengths by themselves."""
    parameters = [nn.Parameter(normal(rng, *shape)) for shape in ((2, 3), (4,), (5, 1))]
    gradients = [size * normal(rng, *one.shape) for size, one in zip((0.1, 1.0, 10.0), parameters)]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = length * gradient / norm
    return parameters


def joint(parameters: Iterable[Tensor]) -> Tensor:
    """All gradients in one row."""
    return torch.cat([parameter.grad.flatten() for parameter in parameters])


@pretraining.check("clip_gradients", points=0.25)
def the_direction_stays(clip_gradients, rng):
    """Gradients that are too long together are all multiplied by the same number, and are then max_norm long."""
    seen = {}
    for length, max_norm in ((4.0, 1.0), (30.0, 2.5), (0.5, 0.25)):
        parameters = with_gradients(rng, length)
        before = joint(parameters)
        clip_gradients(parameters, max_norm)
        words = f"length {length:g}, at most {max_norm:g}"
        seen |= {f"after / before, {words}": joint(parameters) / before, f"{words}: after": joint(parameters).norm()}
    return seen


@pretraining.check("clip_gradients", points=0.25)
def short_gradients_are_left_alone(clip_gradients, rng):
    """Gradients that are short enough stay as they are, to the last digit, and so do gradients of zero."""
    seen = {}
    for length, max_norm in ((0.7, 1.0), (2.0, 3.0), (0.0, 1.0)):
        parameters = with_gradients(rng, length)
        before = joint(parameters)
        returned = clip_gradients(parameters, max_norm)
        seen[f"length {length:g}, at most {max_norm:g}: the gradients"] = 100 * joint(parameters)
        seen[f"length {length:g}, at most {max_norm:g}: unchanged"] = torch.equal(before, joint(parameters))
        seen[f"length {length:g}, at most {max_norm:g}: returned"] = returned
    return seen


@pretraining.check("clip_gradients", points=0.25)
def the_length_before_is_returned(clip_gradients, rng):
    """What is returned is the joint length before, a single number: the root of the sum of all squares."""
    return {f"length {length:g}": clip_gradients(with_gradients(rng, length), 1.0) for length in (0.5, 3.0, 40.0)}


@pretraining.check("clip_gradients", points=0.25)
def any_iterable_of_parameters(clip_gradients, rng):
    """What changes is `.grad`; the weights stay, parameters without a gradient too, and any iterable will do."""
    parameters = with_gradients(rng, 6.0)
    weights = [parameter.detach().clone() for parameter in parameters]
    without = nn.Parameter(normal(rng, 3))
    returned = clip_gradients(iter([without, *parameters]), 2.0)
    return {
        "returned": returned,
        "the gradients": [parameter.grad for parameter in parameters],
        "no gradient": without.grad,
        "the weights afterwards unchanged": [torch.equal(one, other) for one, other in zip(weights, parameters)],
    }


def clipped(
    parameters: Iterable[Tensor],
    max_norm: float,
    length: Callable[[Tensor], Tensor] = torch.linalg.vector_norm,
    factor: Callable[[Tensor, float], Tensor] = lambda norm, max_norm: (max_norm / norm).clamp(max=1.0),
) -> Tensor:
    """Clipping with its parts to choose, so that one of them can be wrong."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = length(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient in gradients:
        gradient.mul_(factor(norm, max_norm))
    return norm


def clip_mistake(hint: str) -> Callable:
    return pretraining.mistake("clip_gradients", hint=hint)


@clip_mistake(
    "You clip each tensor by itself, so the short ones count for more than before. Of what is max_norm the largest "
    "length?"
)
def clips_each_tensor_by_itself(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    for parameter in parameters:
        clipped([parameter], max_norm)
    return norm


@clip_mistake("You cut off every number by itself. Does the row of gradients still point where it did?")
def clips_every_number(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    for parameter in parameters:
        parameter.grad.clamp_(-max_norm, max_norm)
    return norm


@clip_mistake("Short gradients get longer. What is to happen where the length is below max_norm?")
def makes_short_ones_longer(parameters, max_norm):
    return clipped(parameters, max_norm, factor=lambda norm, max_norm: max_norm / (norm + 1e-6))


@clip_mistake("Your length is the square of one. What is missing after the sum of squares?")
def forgets_the_root(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.square().sum())


@clip_mistake("You add up absolute values. How long is the row (3, 4)?")
def adds_up_absolute_values(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.abs().sum())


@clip_mistake("You look at the largest number only. How long is the row (3, 4)?")
def takes_the_largest_number(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.abs().max())


@clip_mistake(
    "You divide by the number of gradients: the root of a mean square is no length. How long is the row (3, 4)?"
)
def takes_the_mean_of_the_squares(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.square().mean().sqrt())


@clip_mistake(
    "You add up the lengths of the tensors. If one gradient is (3) and another (4), how long are they in one row?"
)
def adds_up_the_lengths(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    total = sum(parameter.grad.norm() for parameter in parameters)
    return clipped(parameters, max_norm, length=lambda row: total)


@clip_mistake("You return the length after clipping. Which of the two tells the reader that a step was a bad one?")
def returns_the_length_after(parameters, max_norm):
    return clipped(parameters, max_norm).clamp(max=max_norm)


@clip_mistake("You shorten the weights and not their gradients. Which of the two does the optimiser read next?")
def shortens_the_weights(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_((max_norm / norm).clamp(max=1.0))
    return norm


@clip_mistake("You measure, and nothing gets shorter. Does `gradient = gradient * factor` change a tensor?")
def only_measures(parameters, max_norm):
    return clipped(parameters, max_norm, factor=lambda norm, max_norm: 1.0)


@clip_mistake(
    "A generator such as `model.parameters()` can be gone through once. What is left of it for your second loop?"
)
def goes_through_the_parameters_twice(parameters, max_norm):
    norm = torch.stack([parameter.grad.norm() for parameter in parameters if parameter.grad is not None]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
    return norm


# --- train_step --------------------------------------------------------------------------------------------

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
NO_LIMIT = 1e9  # for the length of gradients, so that nothing is clipped


class Bigram(nn.Module):
    """A model that looks at one token: so several texts are one long text, and what it should give is easily known.

    It notes in which type its matrices were multiplied, and in which mode it was.
    """

    def __init__(self, rng: torch.Generator, d_model: int = 6):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB_SIZE, d_model)
        self.output = nn.Linear(d_model, VOCAB_SIZE, bias=False)
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng)
        self.types: list[str] = []
        self.modes: list[bool] = []  # whether it was in training mode

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        logits = self.output(self.embedding(tokens))
        self.types.append(str(logits.dtype))
        self.modes.append(self.training)
        return logits, state


class Observed(torch.optim.SGD):
    """Plain gradient descent that notes the gradients at each of its steps, all in one row."""

    def __init__(self, model: nn.Module, lr: float = 0.5):
        super().__init__(model.parameters(), lr=lr)
        self.model, self.gradients = model, []

    def step(self, closure=None):
        self.gradients.append(joint(self.model.parameters()).clone())
        return super().step(closure)


def some_batches(rng: torch.Generator, *shapes: tuple[int, int]) -> list[tuple[Tensor, Tensor]]:
    """Inputs and targets of these shapes."""
    return [(some_tokens(rng, *shape), some_tokens(rng, *shape)) for shape in shapes or ((3, 4), (2, 7), (1, 2))]


def weights_of(model: nn.Module) -> Tensor:
    """All weights in one row."""
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def as_tensors(values: Iterable[Any]) -> list[Tensor]:
    return [torch.as_tensor(value).detach() for value in values]


@pretraining.check("train_step", points=0.25)
def one_step_for_each_call(train_step, rng):
    """Each call is one step, on the gradient of its own batches, in the model's mode; the loss is that before it."""
    model = Bigram(rng)
    optimiser, seen = Observed(model), {}
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    for call in ("first call", "second call"):
        loss, norm = train_step(model, optimiser, some_batches(rng, (3, 5)), NO_LIMIT)
        seen[f"{call}: loss, norm, weights"] = [loss, norm, weights_of(model)]
        seen[f"{call}: whether the mode is that of training, meanwhile and afterwards"] = [
            *model.modes[-1:],
            model.training,
        ]
    return {"the gradients at each step": optimiser.gradients, **seen}


@pretraining.check("train_step", points=0.25, invariant=True)
def several_batches_are_one_large_one(train_step, rng):
    """Batches of different sizes, one after the other, make the step that they make as a single large batch."""
    model, batches = Bigram(rng), some_batches(rng)
    single = [tuple(torch.cat([part.flatten() for part in parts]).unsqueeze(0) for parts in zip(*batches))]
    seen = []
    for given in (single, batches, batches[:1]):
        copied = copy.deepcopy(model)
        loss, norm = train_step(copied, Observed(copied), given, NO_LIMIT)
        seen.append([*as_tensors((loss, norm)), weights_of(copied)])
    return {"before": seen[0], "after": seen[1], "must differ": [seen[0][2], seen[2][2]]}


@pretraining.check("train_step", points=0.25)
def the_step_is_clipped(train_step, rng):
    """The gradients of all batches together are at most max_norm long, 1 if not said; the norm is that before."""
    seen = {}
    for words, scale, more in (("max_norm=0.05", 1.0, {"max_norm": 0.05}), ("max_norm not given", 8.0, {})):
        model = Bigram(rng)
        with torch.no_grad():
            model.embedding.weight.mul_(scale)
        optimiser = Observed(model)
        seen[f"{words}: loss, norm"] = train_step(model, optimiser, some_batches(rng), **more)
        seen[f"{words}: 20 times the gradients at each step"] = [20 * row for row in optimiser.gradients]
    return seen


def scaler_for(dtype: torch.dtype, scale: float = 2.0**12) -> torch.amp.GradScaler | None:
    return torch.amp.GradScaler("cpu", init_scale=scale, growth_interval=1) if dtype == torch.float16 else None


@pretraining.check("train_step", points=0.25, rtol=0.05, atol=0.01)
def short_numbers_for_the_products_alone(train_step, rng):
    """In bfloat16 and float16 matrices are multiplied in that type; weights, gradients and the loss are float32."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng)
        optimiser = Observed(model)
        loss, norm = train_step(model, optimiser, some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = {
            "type of the products": model.types,
            "type of the loss": str(loss.dtype) if isinstance(loss, Tensor) else "torch.float32",
            "type of the weights": [str(weight.dtype) for weight in model.parameters()],
            "the gradients at each step": optimiser.gradients,
            "loss, norm": [loss, norm],
        }
    return seen


@pretraining.check("train_step", points=0.25)
def the_loss_in_full(train_step, rng):
    """Where all logits are zero, the loss is the logarithm of the vocabulary to six digits, whatever the type."""
    seen = {}
    for dtype in DTYPES:
        model = Bigram(rng)
        nn.init.zeros_(model.output.weight)
        loss, _ = train_step(model, Observed(model), some_batches(rng), NO_LIMIT, dtype, scaler_for(dtype))
        seen[f"{dtype}"] = loss
    return seen


@pretraining.check("train_step", points=0.25, rtol=0.05, atol=0.01)
def small_gradients_survive_in_float16(train_step, rng):
    """With a scaler, gradients that are zero in float16 arrive; they are measured and clipped at their true size."""
    model, signs = Bigram(rng), normal(rng, VOCAB_SIZE, 6).sign()
    with torch.no_grad():
        model.output.weight.copy_(signs * 2.0**-20)  # so that gradients of the embedding are about as small
    seen = {}
    for words, max_norm in (("not clipped", NO_LIMIT), ("clipped", 0.05)):
        copied = copy.deepcopy(model)
        optimiser = Observed(copied)
        _, norm = train_step(copied, optimiser, some_batches(rng), max_norm, torch.float16, scaler_for(torch.float16))
        row = torch.cat(optimiser.gradients)
        n = model.embedding.weight.numel()
        seen[f"{words}: the norm"] = norm
        seen[f"{words}: gradients of the embedding, times 2^20"] = row[:n] * 2.0**20
        seen[f"{words}: gradients of the output, times 20"] = row[n:] * 20
    return seen


@pretraining.check("train_step", points=0.25)
def an_overflow_is_no_step(train_step, rng):
    """Where scaled gradients overflow, no step is taken and the scale is halved; after a good step it may grow."""
    seen = {}
    for words, scale in (("too large", 2.0**40), ("good", 2.0**10)):
        model = Bigram(rng)
        optimiser, before, scaler = Observed(model), weights_of(model), scaler_for(torch.float16, scale)
        loss, _ = train_step(model, optimiser, some_batches(rng), 1.0, torch.float16, scaler)
        seen[f"a scale that is {words}"] = {
            "steps": len(optimiser.gradients),
            "weights unchanged": torch.equal(before, weights_of(model)),
            "the scale afterwards": scaler.get_scale(),
            "type of the products": model.types,
            "the loss is a number": math.isfinite(loss),
        }
    return seen


class Step:
    """A step of training with its parts to override, so that one of them can be wrong."""

    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        scaler = scaler or torch.amp.GradScaler("cpu", enabled=False)
        self.clear(optimiser)
        n_targets = sum(targets.numel() for _, targets in batches)
        losses = []
        for inputs, targets in batches:
            loss = self.loss(model, inputs, targets, dtype) * self.share(targets, n_targets, len(batches))
            self.scaled(scaler, loss).backward()
            losses.append(loss.detach())
            self.after_each(model, optimiser, scaler, max_norm)
        norm = self.finish(model, optimiser, scaler, max_norm)
        return self.reported(losses), norm

    def clear(self, optimiser):
        optimiser.zero_grad()

    def product(self, dtype):
        return torch.autocast("cpu", dtype, enabled=dtype != torch.float32)

    def loss(self, model, inputs, targets, dtype):
        with self.product(dtype):
            logits = model(inputs)[0]
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())

    def share(self, targets, n_targets, n_batches):
        return targets.numel() / n_targets

    def scaled(self, scaler, loss):
        return scaler.scale(loss)

    def after_each(self, model, optimiser, scaler, max_norm):
        pass

    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return nn.utils.clip_grad_norm_(model.parameters(), max_norm)

    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        scaler.step(optimiser)
        scaler.update()
        return norm

    def reported(self, losses):
        return torch.stack(losses).sum()


def step_mistake(hint: str) -> Callable[[type[Step]], Callable]:
    """Register a wrong step: its function has the name of the class."""

    def register(wrong: type[Step]) -> Callable:
        def train_step(*args, **more):
            return wrong()(*args, **more)

        train_step.__name__ = wrong.__name__
        return pretraining.mistake("train_step", hint=hint)(train_step)

    return register


@step_mistake("The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?")
class keeps_the_old_gradients(Step):
    def clear(self, optimiser):
        pass


@step_mistake(
    "Each batch counts the same, the short ones too. How much is the mean over a batch of two targets to weigh beside "
    "one over fourteen?"
)
class takes_the_mean_of_the_means(Step):
    def share(self, targets, n_targets, n_batches):
        return 1 / n_batches


@step_mistake("Your gradient grows with the number of batches. What do the losses have to be divided by?")
class adds_the_means_up(Step):
    def share(self, targets, n_targets, n_batches):
        return 1.0


@step_mistake("Your gradient grows with the number of targets. Of what is the loss the mean?")
class adds_all_losses_up(Step):
    def share(self, targets, n_targets, n_batches):
        return float(targets.numel())


@step_mistake("You take a step after every batch. How many steps is one call?")
class steps_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = super().finish(model, optimiser, scaler, max_norm)
        optimiser.zero_grad()

    def finish(self, model, optimiser, scaler, max_norm):
        return self.norm


@step_mistake("Only the last batch has an effect. When are the gradients to be cleared?")
class clears_before_every_batch(Step):
    def __call__(self, model, optimiser, batches, *args, **more):
        self.n_left = len(batches)
        return super().__call__(model, optimiser, batches, *args, **more)

    def after_each(self, model, optimiser, scaler, max_norm):
        self.n_left -= 1
        if self.n_left:
            optimiser.zero_grad()


@step_mistake("You report the loss of the last batch. Over which targets is the mean to be taken?")
class reports_the_last_batch(Step):
    def __call__(self, model, optimiser, batches, *args, **more):
        targets = [targets.numel() for _, targets in batches]
        self.weight = sum(targets) / targets[-1]
        return super().__call__(model, optimiser, batches, *args, **more)

    def reported(self, losses):
        return losses[-1] * self.weight


@step_mistake("The optimiser steps on gradients that are not clipped. Where, if at all, do you shorten them?")
class never_clips(Step):
    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return joint(model.parameters()).norm()


@step_mistake("You clip after each batch, and the sum is longer again. When are all gradients together?")
class clips_after_every_batch(Step):
    def after_each(self, model, optimiser, scaler, max_norm):
        self.norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm * scaler.get_scale())
        self.norm = self.norm / scaler.get_scale()

    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        scaler.unscale_(optimiser)
        return self.norm


@step_mistake(
    "You clip gradients that are still multiplied by the scale, so nearly nothing is left of them after the division. "
    "What has to come first?"
)
class clips_before_the_scale_is_taken_out(Step):
    def unscale_and_clip(self, model, optimiser, scaler, max_norm):
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.unscale_(optimiser)
        return norm


@step_mistake(
    "You call `backward` on a loss that is not scaled, and the scaler divides the gradients all the same. What does "
    "`scaler.scale` do?"
)
class does_not_scale_the_loss(Step):
    def scaled(self, scaler, loss):
        return loss


@step_mistake("In float16 small gradients become zero. What was the scaler given for?")
class ignores_the_scaler(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        return super().__call__(model, optimiser, batches, max_norm, dtype, None)


@step_mistake(
    "The scale never changes, so a scale that is too large stops training for good. Which call sets the next one?"
)
class never_updates_the_scale(Step):
    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        scaler.step(optimiser)
        return norm


@step_mistake(
    "You call `optimiser.step()` yourself, so gradients that overflowed go into the weights. Who knows that they did?"
)
class steps_without_the_scaler(Step):
    def finish(self, model, optimiser, scaler, max_norm):
        norm = self.unscale_and_clip(model, optimiser, scaler, max_norm)
        optimiser.step()
        scaler.update()
        return norm


@step_mistake("Everything runs in float32. Where do you use `dtype`?")
class ignores_the_type(Step):
    def product(self, dtype):
        return torch.autocast("cpu", enabled=False)


@step_mistake(
    "Where float16 is asked for, you compute in bfloat16, autocast's own choice on a CPU. Where do you hand on `dtype`?"
)
class takes_bfloat16_for_float16(Step):
    def product(self, dtype):
        return torch.autocast("cpu", torch.bfloat16, enabled=dtype != torch.float32)


@step_mistake("You call `model.eval()`, and a model with dropout trains without it. Who is to choose the mode?")
class goes_into_evaluation_mode(Step):
    def __call__(self, model, *args, **more):
        return super().__call__(model.eval(), *args, **more)


@step_mistake(
    "Your loss has three digits, since it is taken in the short type. What type are the logits when they come out of "
    "autocast?"
)
class takes_the_loss_in_short_numbers(Step):
    def loss(self, model, inputs, targets, dtype):
        with self.product(dtype):
            logits = model(inputs)[0]
        log_probabilities = torch.log_softmax(logits, dim=-1).flatten(0, 1)
        return F.nll_loss(log_probabilities, targets.flatten()).float()


@step_mistake(
    "The weights themselves are in the short type now. What becomes of a step that is a thousandth of the weight?"
)
class shortens_the_weights_too(Step):
    def __call__(self, model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
        if scaler is not None:
            return super().__call__(model, optimiser, batches, max_norm, dtype, scaler)
        return super().__call__(model.to(dtype), optimiser, batches, max_norm, dtype, scaler)


# --- evaluate ----------------------------------------------------------------------------------------------


class Reader(nn.Module):
    """A model that adds up all tokens it has read, at most eight: its logits show where each window began."""

    def __init__(self, rng: torch.Generator, d_model: int = 6, p: float = 0.0):
        super().__init__()
        self.embedding, self.positions = nn.Embedding(VOCAB_SIZE, d_model), nn.Embedding(8, d_model)
        self.dropout = nn.Dropout(p)
        self.output = nn.Linear(d_model, VOCAB_SIZE, bias=False)
        self.most = 0  # windows at a time
        for weight in self.parameters():
            nn.init.normal_(weight, std=0.7, generator=rng)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        self.most = max(self.most, len(tokens))
        x = self.embedding(tokens).cumsum(dim=1) + self.positions.weight[: tokens.size(1)]
        return self.output(self.dropout(x)), state


@pretraining.check("evaluate", points=0.25)
def every_token_but_the_first_once(evaluate, rng):
    """Every token but the first is predicted once, in windows laid end to end, and each counts the same."""
    model, text = Reader(rng), some_tokens(rng, 40)
    lengths = {"full windows": 31, "the last window has one target": 32, "four": 35, "one window": 4, "two tokens": 2}
    return {words: evaluate(model, text[:length], 5, batch_size=4) for words, length in lengths.items()}


@pretraining.check("evaluate", points=0.25, invariant=True)
def the_batch_size_does_not_matter(evaluate, rng):
    """However many windows go through the model at a time, the loss is the same; of another text it is another."""
    model, text = Reader(rng), some_tokens(rng, 48)
    whole, others = evaluate(model, text, 5), [evaluate(model, text, 5, batch_size=size) for size in (1, 4, 9, 10)]
    first_half = evaluate(model, text[:24], 5)
    return {
        "before": as_tensors([whole] * 4 + [first_half]),
        "after": as_tensors([*others, evaluate(model, text[:24], 5, batch_size=2)]),
        "must differ": [whole, first_half],
    }


@pretraining.check("evaluate", points=0.25)
def the_mode_is_put_back(evaluate, rng):
    """Nothing is dropped out meanwhile; afterwards the model is in the mode in which it was, without gradients."""
    model, text = Reader(rng, p=0.5), some_tokens(rng, 30)
    seen = {}
    for training in (True, False):
        model.train(training)
        loss = evaluate(model, text, 7, batch_size=3)
        seen[f"training {training} before"] = {"after": model.training, "dropout": model.dropout.training, "loss": loss}
    few = {"no more than three windows at a time": model.most <= 3}
    return seen | few | {"gradients": [weight.grad for weight in model.parameters()]}


@pretraining.check("evaluate", points=0.25)
def knowing_nothing_costs_log_of_the_vocabulary(evaluate, rng):
    """A model that knows nothing has a loss of log(vocab_size) nats a token, to six digits, in bfloat16 too."""
    text, seen = some_tokens(rng, 23), {}
    for dtype in (torch.float32, torch.bfloat16):
        model = Reader(rng)
        nn.init.zeros_(model.output.weight)
        seen[f"{dtype}"] = evaluate(model.to(dtype), text, 5)
    return seen


def evaluated(
    model: nn.Module,
    tokens: Tensor,
    T: int,
    stride: int | None = None,
    ahead: int = 1,
    mean: Callable[[Tensor, Tensor], float] = lambda losses, sizes: float(losses.sum() / sizes.sum()),
    keep: Callable[[Tensor], bool] = lambda window: True,
    mode: bool | None = False,
    back: bool | None = None,
    wide: bool = True,
) -> float:
    """An evaluation with its parts to choose, so that one can be wrong. `mean` takes sums and sizes of the windows."""
    before = model.training
    if mode is not None:
        model.train(mode)
    sums, sizes = [], []
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, stride or T):
            window = tokens[start : start + T + 1]
            if keep(window):
                targets = window[ahead : ahead + len(window) - 1]
                logits = model(window[:-1].unsqueeze(0))[0][0, : len(targets)]
                losses = -torch.log_softmax(logits.float() if wide else logits, dim=-1)
                sums.append(losses.gather(1, targets.unsqueeze(1)).sum())
                sizes.append(torch.tensor(len(targets)))
    model.train(before if back is None else back)
    return mean(torch.stack(sums), torch.stack(sizes)) if sums else math.nan


def evaluate_mistake(hint: str) -> Callable:
    return pretraining.mistake("evaluate", hint=hint)


@evaluate_mistake("The last, shorter window is left out, and with it the end of the text. How many targets has it?")
def leaves_out_the_last_window_of_the_text(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, keep=lambda window: len(window) == T + 1)


@evaluate_mistake(
    "Each window counts the same, the short one too. How much is the mean over one target to weigh beside one over T?"
)
def takes_the_mean_over_windows(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float((sums / sizes).mean()))


@evaluate_mistake(
    "You take the mean of the batches' means, so the loss hangs on how many windows go into one. Do all batches have "
    "as many targets?"
)
def takes_the_mean_over_batches(model, tokens, T, batch_size=32):
    def mean(sums: Tensor, sizes: Tensor) -> float:
        n = int((sizes == T).sum())
        batches = [*zip(sums[:n].split(batch_size), sizes[:n].split(batch_size)), (sums[n:], sizes[n:])]
        return float(torch.stack([part.sum() / size.sum() for part, size in batches if size.numel()]).mean())

    return evaluated(model, tokens, T, mean=mean)


@evaluate_mistake("Your loss grows with the text. What would you have to divide by to compare two texts?")
def adds_all_up(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float(sums.sum()))


@evaluate_mistake("You divide by the number of tokens. How many of them does anything come before?")
def counts_the_first_token_too(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mean=lambda sums, sizes: float(sums.sum() / len(tokens)))


@evaluate_mistake("Your loss is in bits. Which logarithm has nats for its unit?")
def counts_in_bits(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T) / math.log(2)


@evaluate_mistake("You return a perplexity. What is its logarithm?")
def returns_the_perplexity(model, tokens, T, batch_size=32):
    return math.exp(evaluated(model, tokens, T))


@evaluate_mistake(
    "Your windows begin at every token, so most are predicted many times. Where does the second window begin?"
)
def windows_overlap(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, stride=1)


@evaluate_mistake(
    "The first token of each window but the first is never predicted. How many tokens do T targets and their inputs "
    "take together?"
)
def loses_a_target_at_every_seam(model, tokens, T, batch_size=32):
    total, n = 0.0, 0
    for start in range(0, len(tokens), T):
        if (size := len(tokens[start : start + T]) - 1) > 0:
            total, n = total + size * evaluated(model, tokens[start : start + T], T), n + size
    return total / n


@evaluate_mistake("The target at each position is its own input. What would a model be rewarded for that may copy?")
def scores_the_input(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, ahead=0)


@evaluate_mistake("The model drops numbers out while it is measured. Which call ends that?")
def measures_in_training_mode(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, mode=None)


@evaluate_mistake(
    "Afterwards the model is in evaluation mode for good, and trains on without dropout. Which mode was it in?"
)
def leaves_the_model_in_evaluation_mode(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, back=False)


@evaluate_mistake("Afterwards the model is in training mode, also where it was not before. Which mode was it in?")
def always_goes_back_to_training(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, back=True)


@evaluate_mistake("Your loss has three digits where the model computes in bfloat16. In which type do you take it?")
def measures_in_short_numbers(model, tokens, T, batch_size=32):
    return evaluated(model, tokens, T, wide=False)


# --- fit_power_law -----------------------------------------------------------------------------------------


def some_law(rng: torch.Generator) -> tuple[float, float]:
    """A scale and an exponent."""
    scale, exponent = torch.rand(2, generator=rng).tolist()
    return 5 + 10 * scale, 0.1 + 0.3 * exponent


SIZES = torch.logspace(3, 8, 7, dtype=torch.float64)  # from a thousand to a hundred million


@pretraining.check("fit_power_law", points=0.25)
def a_law_gives_itself_back(fit_power_law, rng):
    """From points that lie on a power law, with a floor or without, come its scale and its exponent."""
    seen = {}
    for words, n, more in (("no floor", 7, {}), ("a floor", 7, {"floor": 1.5}), ("two points", 2, {"floor": 0.5})):
        scale, exponent = some_law(rng)
        seen[words] = fit_power_law(SIZES[:n], more.get("floor", 0.0) + scale * SIZES[:n] ** -exponent, **more)
    scale, exponent = some_law(rng)
    return seen | {"a law that rises": fit_power_law(SIZES / 1e3, scale * (SIZES / 1e3) ** exponent)}


def scattered(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points about a law without a floor, too far from it for two of them to tell."""
    scale, exponent = some_law(rng)
    noise = 0.3 * normal(rng, len(SIZES)).double()
    return SIZES, scale * SIZES**-exponent * noise.exp()


@pretraining.check("fit_power_law", points=0.25, invariant=True)
def units_change_the_scale_alone(fit_power_law, rng):
    """Sizes in thousands, or losses in bits, give the same exponent; only the scale is another."""
    x, y = scattered(rng)
    scale, exponent = fit_power_law(x, y)
    others = [fit_power_law(x / 1000, y)[1], fit_power_law(x, y / math.log(2))[1]]
    return {
        "before": as_tensors([exponent, exponent, scale]),
        "after": as_tensors([*others, fit_power_law(x, 3 * y)[0] / 3]),
        "must differ": [scale, fit_power_law(x / 1000, y)[0]],
    }


@pretraining.check("fit_power_law", points=0.25)
def least_squares_of_the_logarithms(fit_power_law, rng):
    """Of points that scatter, all count: the line has the least sum of squares; a floor they reach is a ValueError."""
    x, y = scattered(rng)
    floor = y.min().item() / 2
    return {
        "no floor": fit_power_law(x, y),
        "a floor": fit_power_law(x, y, floor),
        "in another order": fit_power_law(x.flip(0), y.flip(0), floor=floor),
        "in float32": fit_power_law(x.float(), y.float()),
        "one at the floor": ending(lambda: fit_power_law(x, y, y.min().item())),
        "some below it": ending(lambda: fit_power_law(x, y, y.mean().item())),
    }


def fitted(
    x: Tensor,
    y: Tensor,
    floor: float = 0.0,
    *,
    log: Callable[[Tensor], Tensor] = torch.log,
    power: Callable[[float], float] = math.exp,
    above: Callable[[Tensor, float], Tensor] | None = None,
    centre: bool = True,
    swap: bool = False,
) -> tuple[float, float]:
    """A fit with its parts to choose, so that one of them can be wrong."""
    if (y <= floor).any():
        raise ValueError("not above the floor")
    x, y = x.double(), y.double()
    across, up = log(x), above(y, floor) if above else log(y - floor)
    mean_x, mean_y = (across.mean(), up.mean()) if centre else (torch.zeros(()), torch.zeros(()))
    dx, dy = across - mean_x, up - mean_y
    slope = (dy @ dy) / (dx @ dy) if swap else (dx @ dy) / (dx @ dx)
    return power((mean_y - slope * mean_x).item()), -slope.item()


def fit_mistake(hint: str) -> Callable:
    return pretraining.mistake("fit_power_law", hint=hint)


@fit_mistake(
    "Your exponent has the wrong sign. If y falls as x grows, what sign has the slope, and what is the exponent?"
)
def returns_the_slope(x, y, floor=0.0):
    scale, exponent = fitted(x, y, floor)
    return scale, -exponent


@fit_mistake(
    "You ignore the floor, so your line bends. What has to be taken off y before its logarithm is a straight line?"
)
def ignores_the_floor_of_the_loss(x, y, floor=0.0):
    fitted(x, y, floor)
    return fitted(x, y)


@fit_mistake("You take the floor off the logarithm. Is log(y - floor) the same as log(y) - floor?")
def takes_the_floor_off_the_logarithm(x, y, floor=0.0):
    return fitted(x, y, floor, above=lambda y, floor: y.log() - floor)


@fit_mistake("You return the logarithm of the scale. What undoes a logarithm?")
def returns_the_logarithm_of_the_scale(x, y, floor=0.0):
    return fitted(x, y, floor, power=lambda value: value)


@fit_mistake("Your logarithm is to base 10 and your power to base e. Which number undoes the one that you took?")
def mixes_two_bases(x, y, floor=0.0):
    return fitted(x, y, floor, log=torch.log10)


@fit_mistake("You fit y itself to the logarithm of x. Of which two things is a power law a straight line?")
def takes_one_logarithm_only(x, y, floor=0.0):
    return fitted(x, y, floor, above=lambda y, floor: y - floor)


@fit_mistake("Your line goes through the origin. Where does the scale come in?")
def goes_through_the_origin(x, y, floor=0.0):
    return fitted(x, y, floor, centre=False)


@fit_mistake("You fit x to y and turn the slope round. Which of the two is measured with an error?")
def fits_x_to_y(x, y, floor=0.0):
    return fitted(x, y, floor, swap=True)


@fit_mistake("You use two of the points. What do the others say?")
def takes_the_first_and_the_last_point(x, y, floor=0.0):
    fitted(x, y, floor)
    ends = torch.stack([x.argmin(), x.argmax()])
    return fitted(x[ends], y[ends], floor)


@fit_mistake("Scale and exponent have changed places. Which of the two is returned first?")
def returns_the_exponent_first(x, y, floor=0.0):
    return fitted(x, y, floor)[::-1]
