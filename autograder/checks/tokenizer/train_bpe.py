"""`train_bpe`: the most frequent pair is next, of equals the smallest, within words and over runs of one letter."""

import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise

import numpy as np
import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import outcome
from autograder.checks.tokenizer.shared import (
    ANY_TEXT,
    MARK,
    N_BYTES,
    WORD,
    Pair,
    bytes_of,
    merged,
    merges_of,
    smallest_of_the_most_frequent,
    some_letters,
    some_text,
)

exercise = Exercise("train_bpe")


def is_pair(pair: object) -> bool:
    """Whether it is a tuple of two whole numbers, so that dictionaries take it as a key."""
    return isinstance(pair, tuple) and len(pair) == 2 and all(isinstance(token, (int, np.integer)) for token in pair)


def random_words(rng: torch.Generator, letters: str, sizes: list[int]) -> str:
    """Words of random letters: of two letters they are full of runs, and of pairs that a merge takes apart."""
    drawn = [torch.randint(len(letters), (size,), generator=rng).tolist() for size in sizes]
    return "\n".join("".join(letters[i] for i in word) for word in drawn)


@exercise.check(points=0.125, invariant=True)
def a_text_twice_teaches_the_same(train_bpe, rng):
    """A text that is there twice gives the same merges, in the same order; another text gives others."""
    text, other = some_text(rng), some_text(rng)
    once, twice, others = (torch.tensor(train_bpe(given, 270)) for given in (text, text + text, other))
    return {"before": once, "after": twice, "must differ": [once, others], "change": "the text was there twice"}


@exercise.promise("the merges, in order", broken_by="sorts_the_merges")
@exercise.promise("merge i makes token 256 + i", broken_by="numbers_one_too_high")
@exercise.promise("The pair that stands side by side most often is merged next", broken_by="counts_different_words")
@exercise.promise("Pairs are counted in the text as it is by then", broken_by="counts_only_once")
@exercise.check(points=0.25)
def the_most_frequent_pair_is_next(train_bpe, rng):
    """Each merge is the pair that stands most often in the text as it is by then, earlier merges made."""
    a, b, c, *others = some_letters(rng, 7)
    fewer = train_bpe(again := some_text(rng), 258)
    rare = "".join(f" {a}{b}{letter}" for letter in others)  # four words, and one that is there nine times
    return {
        "one word nine times, four words once": train_bpe(rare + 9 * f" {c}{a}", 259),
        "two words, 300 and 299 times": train_bpe(300 * f" {c}{a}" + 299 * f" {a}{b}", 259),
        "merges of merges": train_bpe(10 * f"\n{a}{b}{c}{others[0]}", 259),
        "a pair of which a merge leaves little": outcome(
            lambda: train_bpe(9 * f"{a}{b}{c}\n" + 7 * f"{c}{a}\n" + 2 * f"{b}{c}\n", 259)
        ),
        "a text": train_bpe(some_text(rng), 276),
        "the same text, with more tokens and with fewer": [len(train_bpe(again, size)) for size in (258, 260, 257)],
        "those of before": len(fewer),
        "words of two letters": train_bpe(random_words(rng, f"{a}{b}", [*range(1, 15)] * 3), 290),
        "long words": train_bpe(random_words(rng, "abcdefghijklmnopqrstuvwxyz", [150, 1, 170]), 400),
    }


@exercise.promise("of those equally frequent the smallest", broken_by="takes_the_largest_of_equals")
@exercise.promise("by its first token, then its second", broken_by="compares_the_first_token_only")
@exercise.check(points=0.25)
def the_smallest_of_equals(train_bpe, rng):
    """Of pairs that are equally frequent the smallest is next: by its first token, then by its second."""
    a, b, c, d, e = sorted(some_letters(rng, 5))
    words = [f"{b}{c}", f"{d}{e}", f"{a}{d}", f"{b}{a}", f"{c}{e}"]
    return {
        "tokens of two digits and of three": train_bpe("ef\nac\nAe\neA\nAC", 261),
        "five words, each once": outcome(lambda: train_bpe("\n".join(words), 261)),
        "old tokens and new ones": outcome(lambda: train_bpe(f"{a}{b}{e}\n{b}{d}\n{a}{b}{c}", 260)),
        "a text": outcome(lambda: train_bpe(some_text(rng, 12), 268)),
    }


@exercise.promise("from left to right", broken_by="merges_from_the_right")
@exercise.promise("three equal tokens in a row hold two pairs", broken_by="counts_no_overlaps")
@exercise.check(points=0.125)
def runs_of_one_letter(train_bpe, rng):
    """Three equal letters hold their pair twice, and are merged from the left."""
    a, b, c = sorted(some_letters(rng, 3), reverse=True)
    return {
        "aaa twice, bc three times": train_bpe(f"{a}{a}{a}\n" * 2 + f"{b}{c}\n" * 3, 259),
        "six and seven in a row": train_bpe(f"{6 * a}\n{7 * a}\n", 259),
        "twelve in a row, bc four times": train_bpe(f"{12 * a}\n" + f"{b}{c}\n" * 4, 259),
    }


@exercise.promise("The text is cut into the words of `split_words`", broken_by="cuts_at_spaces_only")
@exercise.promise("each of them into its bytes", broken_by="begins_with_characters")
@exercise.promise("so that no token reaches from one word into the next", broken_by="merges_across_words")
@exercise.check(points=0.25)
def words_and_bytes(train_bpe, rng):
    """No merge reaches from one word into the next, the space belongs to the word after it, and signs are bytes."""
    a, b, c = sorted(some_letters(rng, 3), reverse=True)
    return {
        "two words that always follow": train_bpe(6 * f" {a}{b} {b}{c}", 260),
        "letters and digits": train_bpe(6 * f"{a}1{b}2, ", 257),
        "an underscore, and what is joined to a word": train_bpe(5 * f" {a}_{b}'ll" + 4 * f" {c}'s", 261),
        "signs of two and three bytes": train_bpe(4 * f"{a}é日\n" + 3 * f"é{b}\n", 261),
        "capital letters": train_bpe(3 * f"{a.upper()}{b}\n" + 2 * f"{a}{b}\n", 257),
        "a long word": train_bpe(60 * a + 70 * b, 258),
        "an accent by itself, and one that is not": outcome(lambda: train_bpe(3 * "e\u0301\n" + 2 * "\u00e9\n", 258)),
        "any signs": train_bpe(f"  \n{ANY_TEXT}\n\ufeff\ufb01" * 2 + "\n ", 296),
    }


@exercise.promise("Every word counts, those of white space", broken_by="skips_white_space")
@exercise.promise("and `<|endoftext|>` too.", broken_by="skips_the_mark_between_documents")
@exercise.check(points=0.125)
def white_space_and_the_mark_between_documents(train_bpe, rng):
    """Words of white space alone are learned like others, and so is `<|endoftext|>`, whatever stands beside it."""
    a, b, c = sorted(some_letters(rng, 3), reverse=True)
    A, B, C = (letter.upper() for letter in (a, b, c))  # no letters of the mark's
    return {
        "white space": outcome(lambda: train_bpe(5 * f"{a}{b}    {c}{a}\n\n\n\n" + 3 * f"{a}{b}\n", 258)),
        "line ends": outcome(lambda: train_bpe(3 * f"{a}\r\n{b}\r\n", 257)),
        "the mark, and a letter on either side": outcome(lambda: train_bpe(3 * f"{A}{B}<|endoftext|>{B}{C}\n", 270)),
        "the mark, and a sign on either side": outcome(lambda: train_bpe(3 * f"{a}!<|endoftext|>?{b}\n", 268)),
    }


@exercise.promise("Returns vocab_size - 256 merges", broken_by="wants_a_pair_to_stand_there_twice")
@exercise.promise("a list of tuples of two whole numbers", broken_by="gives_pairs_as_lists")
@exercise.promise("Raises ValueError where vocab_size is below 256", broken_by="takes_any_size_of_vocabulary")
@exercise.promise("where the text has too few pairs", broken_by="returns_fewer_without_a_word")
@exercise.check(points=0.125)
def as_many_merges_as_there_are(train_bpe, rng):
    """All pairs of a text may be merged, each a tuple, and none; one merge more, or a vocabulary below 256, is a
    ValueError.
    """
    a, b, c = sorted(some_letters(rng, 3))
    text = f"{a}{a}{a}\n{b}{c}\n"
    given = {"all there are": (text, 259), "one more": (text, 260), "none": (text, 256), "none of no text": ("", 256)}
    given |= {"one of no text": ("", 257), "one of one letter": (a, 257), "a size of 255": (text, 255)}
    given |= {"a size of zero": (text, 0), "a size below zero": (text, -1)}
    seen = {words: outcome(lambda: train_bpe(*its)) for words, its in given.items()}
    merges = train_bpe(text, 258)
    seen["a list of tuples of whole numbers"] = isinstance(merges, list) and all(map(is_pair, merges))
    merges.clear()  # they are the caller's
    return seen | {f"the same text again, to {size}": train_bpe(text, size) for size in (258, 257, 259)}


exercise.edges(
    empty="as_many_merges_as_there_are",
    one="as_many_merges_as_there_are",
    equal="runs_of_one_letter",
    zero="as_many_merges_as_there_are",
    ties="the_smallest_of_equals",
    large="the_most_frequent_pair_is_next",
    small="Counts are whole numbers, from one on.",
    limit="as_many_merges_as_there_are",
    shapes="words_and_bytes",
    modes="A text is no model.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(hint="Every word counts once, however often it stands in the text. How often does its pair?")
def counts_different_words(text, vocab_size):
    return merges_of(text, vocab_size, times=lambda count: 1)


@exercise.mistake(hint="Your merges are in the order of their tokens. In which order were they learned?")
def sorts_the_merges(text, vocab_size):
    return sorted(merges_of(text, vocab_size))


@exercise.mistake(
    hint="Your counts are those of another time: a pair that a merge took apart still has all its places. Which pairs "
    "beside a merge lose one?"
)
def keeps_counts_that_are_out_of_date(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError("the bytes alone are 256 tokens")
    words = [(list(word.encode()), n) for word, n in Counter(WORD.findall(text)).items()]
    counts: Counter[Pair] = Counter()
    for tokens, n in words:
        for pair in pairwise(tokens):
            counts[pair] += n
    merges: list[Pair] = []
    for new in range(N_BYTES, vocab_size):
        if not counts:
            raise ValueError("no pair is left")
        merges.append(smallest_of_the_most_frequent(counts))
        del counts[merges[-1]]
        words = [(merged(tokens, merges[-1], new), n) for tokens, n in words]
        for tokens, n in words:
            for pair in pairwise(tokens):
                if new in pair:
                    counts[pair] += n
    return merges


@exercise.mistake(hint="You count once and take the pairs from the top. What has a merge done to the pairs beside it?")
def counts_only_once(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError("the bytes alone are 256 tokens")
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


@exercise.mistake(
    hint="Of equally frequent pairs you look at the first token alone. What decides between two that share it?"
)
def compares_the_first_token_only(text, vocab_size):
    return merges_of(
        text, vocab_size, choose=lambda counts: min(counts, key=lambda pair: (-counts[pair], pair[0], -pair[1]))
    )


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


@exercise.mistake(hint="Words of white space teach you nothing. Are they not words of `split_words` like others?")
def skips_white_space(text, vocab_size):
    return merges_of(text, vocab_size, split=lambda text: [word for word in WORD.findall(text) if word.strip()])


@exercise.mistake(hint="The mark between documents teaches you nothing. Is it not a word of `split_words` like others?")
def skips_the_mark_between_documents(text, vocab_size):
    return merges_of(text, vocab_size, split=lambda text: [word for word in WORD.findall(text) if word != MARK])


@exercise.mistake(hint="You stop at pairs that stand there once. Does the text say how often a pair has to?")
def wants_a_pair_to_stand_there_twice(text, vocab_size):
    def choose(counts: Counter[Pair]) -> Pair:
        if max(counts.values()) < 2:
            raise ValueError("no pair is left")
        return smallest_of_the_most_frequent(counts)

    return merges_of(text, vocab_size, choose=choose)


@exercise.mistake(hint="You take any vocabulary. What is there to say about one that has not even the bytes?")
def takes_any_size_of_vocabulary(text, vocab_size):
    return merges_of(text, vocab_size) if vocab_size > N_BYTES else []


@exercise.mistake(hint="Your pairs are lists. Can a list be the key of a dictionary, as `encode` will want it?")
def gives_pairs_as_lists(text, vocab_size):
    return [list(pair) for pair in merges_of(text, vocab_size)]


@exercise.mistake(hint="You return fewer merges than were asked for. How would the caller learn of it?")
def returns_fewer_without_a_word(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError("the bytes alone are 256 tokens")
    for size in range(vocab_size, N_BYTES, -1):
        with suppress(ValueError):
            return merges_of(text, size)
    return []
