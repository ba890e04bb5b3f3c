"""The village: the same text everywhere, no text with two derivations, its truth true, and its entropy exact."""

import itertools
import json
import math
import subprocess
import sys
from collections import Counter
from functools import cache
from hashlib import sha256

import numpy as np
import pytest

from layercake import village
from layercake.village import grammar, plays, records, stories, sums
from layercake.village.grammar import Dice, Lexicon, Wording, every_way
from layercake.village.world import LEXICONS, NAMES, stated_relations


def take(n, seed=0, split="train", kinds=None, **settings):
    return list(itertools.islice(village.documents(seed, split, kinds, **settings), n))


# The same text everywhere ------------------------------------------------------------------------------------------

FIRST_TOKENS = "ae04ffdc75b6bbdb"  # of the sha256 of the first 200,000 tokens of seed 0


def test_a_seed_gives_these_very_tokens_on_every_platform_and_python():
    """The digest is typed here once: where this fails without a change to the village, texts differ between machines."""
    assert sha256(village.stream(200_000).astype("<u2").tobytes()).hexdigest()[:16] == FIRST_TOKENS


def test_a_new_process_with_another_hash_seed_gives_the_same_text():
    code = "from layercake import village; print(village.document(7, 11).text)"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {village.document(7, 11).text + "\n"}


def test_documents_come_one_by_one_and_differ():
    assert take(5) == take(9)[:5]
    assert len({document.tokens for document in take(300)}) == 300
    assert take(3, seed=0) != take(3, seed=1)


def test_a_stream_is_its_documents_laid_end_to_end():
    tokens = village.stream(5_000, seed=3)
    laid = [token for document in take(200, seed=3) for token in document.tokens]
    assert tokens.dtype == np.uint16 and tokens.tolist() == laid[:5_000]


def test_the_splits_share_no_document_and_no_sum():
    splits = [
        {document.tokens for seed in (0, 1) for document in take(2_000, seed, split)} for split in village.SPLITS
    ]
    assert not splits[0] & splits[1]
    problems = [
        {document.sentences[-2].truth["sum"] for document in take(400, split=split, kinds="sum")}
        for split in village.SPLITS
    ]
    assert problems[0] and not problems[0] & problems[1]


# Words -------------------------------------------------------------------------------------------------------------


def test_text_and_tokens_are_each_others_inverse():
    for document in take(400):
        assert village.encode(document.text) == list(document.tokens)


def test_text_reads_as_english_is_written():
    text = "“ i am hungry , ” said Mira . she ate 4 2 pears . \n Otto : is it Monday ? \n answer : 7"
    written = "“I am hungry,” said Mira. She ate 42 pears.\nOtto: Is it Monday?\nAnswer: 7"
    assert village.decode(village.encode(text)) == written
    assert village.encode(written.replace("“", '"').replace("”", '"')) == village.encode(text)


def test_no_name_is_also_a_word_and_every_word_has_one_id():
    assert not {name.lower() for name in NAMES} & set(village.VOCABULARY)
    assert len(set(village.VOCABULARY)) == len(village.VOCABULARY) > 600


def test_every_word_occurs_but_the_blank():
    seen = set(village.stream(1_000_000, seed=5).tolist())
    assert [word for index, word in enumerate(village.VOCABULARY) if index not in seen] == ["<mask>"]


# No text has two derivations ---------------------------------------------------------------------------------------


@cache
def values_of(kind, symbol):
    """All that may stand in a form's place for a symbol; the numbers of sums are digits, one or more."""
    if symbol[0] != "{":
        return ((symbol,),)
    values = village.KINDS[kind].BOUND.get(symbol)
    return tuple(values if values is not None else LEXICONS[symbol].values)





def common_text(kind, first, second):
    """Whether some text is derived from both forms, or from one and the beginning of the other; None, or that text.

    Both are followed word by word, as in the product of two automata: a state is what is left of each. Every slot may take each
    value that it has in any context, so no answer is missed; some that are found could not happen.
    """
    start = ((), first, (), second)
    todo, seen = [(start, ())], {start}
    while todo:
        (rest_a, a, rest_b, b), read = todo.pop()
        if (not rest_a and not a) or (not rest_b and not b):
            return read
        for word, next_a, left_a in steps(kind, rest_a, a):
            for other, next_b, left_b in steps(kind, rest_b, b):
                state = (next_a, left_a, next_b, left_b)
                if word == other and state not in seen:
                    seen.add(state)
                    todo.append((state, (*read, word)))
    return None


def steps(kind, rest, symbols):
    """Each word that may come next, with what is then left of the value and of the form."""
    if rest:
        return [(rest[0], rest[1:], symbols)]
    symbol, left = symbols[0], symbols[1:]
    found = [(value[0], value[1:], left) for value in values_of(kind, symbol)]
    if kind == "sum" and symbol in sums.NUMBER_SLOTS:
        found += [(value[0], (), symbols) for value in values_of(kind, symbol)]  # one more digit
    return found


@pytest.mark.parametrize("kind", village.KINDS)
def test_no_text_is_derived_from_two_forms(kind):
    """Every two different forms of a kind, in all their values: none shares a text, and none is another one's beginning."""
    forms = sorted({form for wording in village.KINDS[kind].WORDINGS for form in wording.forms})
    shared = [
        (" ".join(a), " ".join(b), " ".join(text))
        for a, b in itertools.combinations(forms, 2)
        if (text := common_text(kind, a, b)) is not None
    ]
    assert shared == []


def test_the_check_for_two_derivations_finds_one():
    assert common_text("story", ("{who}", "slept", "."), ("{other}", "slept", ".")) == ("Mira", "slept", ".")
    assert common_text("story", ("the", "{thing}"), ("the", "{thing}", ".")) is not None
