"""`train_bpe`: the most frequent pair is next, of equals the smallest, within words and over runs of one letter."""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.pretraining.shared import (
    N_BYTES,
    WORD,
    Pair,
    bytes_of,
    merged,
    merges_of,
    some_letters,
    some_text,
)

exercise = Exercise("train_bpe")


@exercise.check(points=0.25, invariant=True)
def a_text_twice_teaches_the_same(train_bpe, rng):
    """A text that is there twice gives the same merges, in the same order; another text gives others."""
    text, other = some_text(rng), some_text(rng)
    once, twice, others = (torch.tensor(train_bpe(given, 270)) for given in (text, text + text, other))
    return {"before": once, "after": twice, "must differ": [once, others]}


@exercise.check(points=0.25)
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


@exercise.check(points=0.25)
def the_smallest_of_equals(train_bpe, rng):
    """Of pairs that are equally frequent the smallest is next: by its first token, then by its second."""
    a, b, c, d, e = sorted(some_letters(rng, 5))
    words = [f"{b}{c}", f"{d}{e}", f"{a}{d}", f"{b}{a}", f"{c}{e}"]
    return {
        "five words, each once": train_bpe("\n".join(words), 261),
        "old tokens and new ones": train_bpe(f"{a}{b}{e}\n{b}{d}\n{a}{b}{c}", 260),
        "a text": train_bpe(some_text(rng, 12), 268),
    }


@exercise.check(points=0.25)
def runs_of_one_letter(train_bpe, rng):
    """Three equal letters hold their pair twice, merged from the left; a pair fewer than asked for is a ValueError."""
    a, b, c = some_letters(rng, 3)
    text = f"{a}{a}{a}\n" * 2 + f"{b}{c}\n" * 3
    return {
        "aaa twice, bc three times": train_bpe(text, 259),
        "one merge more than there are": ending(lambda: train_bpe(text, 260)),
        "six and seven in a row": train_bpe(f"{6 * a}\n{7 * a}\n", 259),
    }


@exercise.check(points=0.25)
def words_and_bytes(train_bpe, rng):
    """No merge reaches from one word into the next, the space belongs to the word after it, and signs are bytes."""
    a, b, c = some_letters(rng, 3)
    return {
        "two words that always follow": train_bpe(6 * f" {a}{b} {b}{c}", 260),
        "letters and digits": train_bpe(6 * f"{a}1{b}2, ", 257),
        "signs of two and three bytes": train_bpe(4 * f"{a}é日\n" + 3 * f"é{b}\n", 261),
    }


@exercise.mistake(hint="Every word counts once, however often it stands in the text. How often does its pair?")
def counts_different_words(text, vocab_size):
    return merges_of(text, vocab_size, times=lambda count: 1)


@exercise.mistake(hint="You count once and take the pairs from the top. What has a merge done to the pairs beside it?")
def counts_only_once(text, vocab_size):
    counts: Counter[Pair] = Counter()
    for word in WORD.findall(text):
        counts.update(pairwise(word.encode()))
    merges = sorted(counts, key=lambda pair: (-counts[pair], pair))
    if len(merges) < vocab_size - N_BYTES:
        raise ValueError("no pair is left")
    return merges[: vocab_size - N_BYTES]


@exercise.mistake(
    hint="Of equally frequent pairs you take the one that came first. Would the same sentences in another order give "
    "the same tokens?"
)
def takes_the_first_of_equals(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: max(counts, key=counts.__getitem__))


@exercise.mistake(hint="Of equally frequent pairs you take the largest. Which one does the docstring ask for?")
def takes_the_largest_of_equals(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: max(counts, key=lambda pair: (counts[pair], pair)))


@exercise.mistake(
    hint="Of equally frequent pairs you take the one that is spelt first. Do the numbers of tokens stand in the order "
    "of their spellings?"
)
def takes_the_first_in_spelling(text, vocab_size):
    merges: list[Pair] = []

    def choose(counts: Counter[Pair]) -> Pair:
        table = bytes_of(merges)
        merges.append(min(counts, key=lambda pair: (-counts[pair], table[pair[0]] + table[pair[1]])))
        return merges[-1]

    return merges_of(text, vocab_size, choose=choose)


@exercise.mistake(hint="You take the rarest pair. Which end of your order is the most frequent?")
def takes_the_rarest_pair(text, vocab_size):
    return merges_of(text, vocab_size, choose=lambda counts: min(counts, key=lambda pair: (counts[pair], pair)))


@exercise.mistake(hint="Your tokens reach across the space between two words. Where are the words cut apart?")
def merges_across_words(text, vocab_size):
    return merges_of(text, vocab_size, split=lambda text: [text])


@exercise.mistake(hint="The spaces are gone. Which word does a space belong to, and how else would it come back?")
def loses_the_spaces(text, vocab_size):
    return merges_of(text, vocab_size, split=str.split)


@exercise.mistake(
    hint="You cut at spaces only, so letters, digits and signs grow together. What does `split_words` do with them?"
)
def cuts_at_spaces_only(text, vocab_size):
    return merges_of(text, vocab_size, split=re.compile(r" ?\S+|\s+(?!\S)|\s").findall)


@exercise.mistake(hint="You begin with characters. How many of them are there, and how many bytes?")
def begins_with_characters(text, vocab_size):
    return merges_of(text, vocab_size, symbols=lambda word: [ord(sign) for sign in word])


@exercise.mistake(hint="Your first merge makes token 257. Which number comes after 255?")
def numbers_one_too_high(text, vocab_size):
    return merges_of(text, vocab_size, first=N_BYTES + 1)


@exercise.mistake(hint="Your new tokens have the numbers of bytes. Which numbers are taken already?")
def numbers_from_zero(text, vocab_size):
    return merges_of(text, vocab_size, first=0)


@exercise.mistake(hint="You count a run of three as one pair. How often do two equal letters stand side by side in it?")
def counts_no_overlaps(text, vocab_size):
    def count(tokens: list[int]) -> Iterable[Pair]:
        for pair in set(pairwise(tokens)):
            yield from [pair] * merged(tokens, pair, -1).count(-1)

    return merges_of(text, vocab_size, count=count)


@exercise.mistake(
    hint="You use the middle one of three equal letters twice. How many letters are left of a run of three?"
)
def merges_overlaps(text, vocab_size):
    return merges_of(text, vocab_size, overlaps=True)


@exercise.mistake(hint="You merge runs from the right. From which end does a reader begin?")
def merges_from_the_right(text, vocab_size):
    return merges_of(text, vocab_size, backwards=True)


@exercise.mistake(hint="In each word only the first place of a pair is merged. How often can it stand there?")
def merges_once_in_a_word(text, vocab_size):
    return merges_of(text, vocab_size, once=True)
