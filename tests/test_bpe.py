"""Proves that byte-level BPE learns and encodes what the library `tokenizers` does, token for token, and loses no text.

The merges are the library's, ties included, on real text; so are the tokens, of text that was not learned from and of
any Unicode. On small texts all merges, down to the last one, are those of counting anew. Words are GPT-2's where the
docstring says so, a mark of a document's end is one token, any text comes back, and what has no tokens or no text is
refused by name.
"""

import random
import time
from pydoc_data.topics import topics

import pytest
import torch
from tokenizers import pre_tokenizers

from benchmarks.bpe import library_bpe, library_with, naive_bpe
from layercake.corpus import END_OF_TEXT
from solutions.tokenizer import decode, encode, merge_pair, split_words, train_bpe

MARK = END_OF_TEXT.decode()
DOCUMENTS = [topics[name] + "\n" + MARK for name in sorted(topics)]
LEARNED, HELD_OUT = DOCUMENTS[::2], DOCUMENTS[1::2]
TEXTS = {
    "nothing": "",
    "one byte": "a",
    "zero": "\0",
    "windows lines": "one\r\ntwo\r\n\r\n  three\t\n",
    "spaces": "   a  b \n \n\n   ",
    "no-break spaces": "a\u00a0b\u3000 c\u2028d\x1ce\x85",
    "chinese": "你好,世界!我能吞下玻璃而不伤身体。",
    "family": "👩‍👩‍👧‍👦 and 🇩🇪🏳️‍🌈",
    "arabic": "السلام عليكم ١٢٣",
    "hindi": "नमस्ते दुनिया १२३",
    "combining": "e\u0301a\u0308\u200b n\u0303",
    "numbers": "x²+½=Ⅷ, 3.14, 1_000",
    "contractions": "don't 'twas they'll I'D we've '",
    "the last character": "\U0010ffff\ue000\ufeff",
    "marks": f"a{MARK}{MARK} b.{MARK}\n{MARK[:-1]} {MARK[1:]}",
}


@pytest.fixture(scope="module")
def merges():
    return train_bpe("".join(LEARNED), 2000)


def pieces_of(merges):
    """The bytes of every token."""
    pieces = [bytes([byte]) for byte in range(256)]
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    return pieces


def small_text(seed, letters):
    rng = random.Random(seed)
    return "".join(rng.choices(letters, k=rng.randrange(2, 120)))


def test_the_merges_are_the_librarys(merges):
    assert merges == library_bpe(LEARNED, 2000)


def test_new_text_has_the_librarys_tokens(merges):
    encodings = library_with(merges).encode_batch_fast(HELD_OUT, add_special_tokens=False)
    tokens = [token for encoding in encodings for token in encoding.ids]
    assert encode("".join(HELD_OUT), merges) == tokens and len(tokens) < len("".join(HELD_OUT)) / 2


def test_words_of_any_script_have_the_librarys_tokens():
    text = "".join(TEXTS.values()) * 3
    merges = train_bpe(text, 400)
    words = split_words(text + "".join(random.Random(0).choices("👩界e\u0301 é\u0301ma½", k=2000)))
    tokenizer = library_with(merges)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)  # a word stays whole
    for word in words:
        assert encode(word, merges) == tokenizer.encode(word, add_special_tokens=False).ids


@pytest.mark.parametrize("letters", ["ab é\n<1.", "a", "ab", "abcdefgh "])
def test_every_merge_is_that_of_counting_anew_and_the_last_one_ends_it(letters):
    for seed in range(30):
        text = small_text(seed, letters)
        by_library = library_bpe([text], 10_000)  # the library stops where no pair is left
        n_merges = len(by_library)
        assert train_bpe(text, 256 + n_merges) == naive_bpe(text, 256 + n_merges) == by_library
        with pytest.raises(ValueError, match=f"vocab_size={257 + n_merges}: .* no pair left after {n_merges} merges"):
            train_bpe(text, 257 + n_merges)


def test_of_pairs_equally_frequent_the_smallest_is_merged():
    assert train_bpe("dc ba", 259) == [(32, 98), (100, 99), (256, 97)]
    assert train_bpe("ad\nac\nab", 259) == [(97, 98), (97, 99), (97, 100)]


def test_of_three_equal_tokens_the_first_two_are_a_pair():
    assert merge_pair([1, 1, 1, 2, 1, 1], (1, 1), 256) == [256, 1, 2, 256]
    assert encode("aaaaa", [(97, 97), (256, 256)]) == [257, 97]


def test_no_token_reaches_into_the_next_word(merges):
    for piece in pieces_of(merges):
        text = piece.decode(errors="ignore")
        assert len(split_words(text)) <= 1 or text in MARK  # the mark is one word, and its parts are not


def test_no_two_tokens_have_the_same_bytes(merges):
    pieces = pieces_of(merges)
    assert len(set(pieces)) == len(pieces) == 2000


def test_the_words_are_gpt2s():
    theirs = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    departures = {"numbers", "no-break spaces", "marks"}
    for text in [*topics.values(), *(text for name, text in TEXTS.items() if name not in departures)]:
        assert split_words(text) == [text[start:end] for _, (start, end) in theirs.pre_tokenize_str(text)]


def test_the_words_depart_from_gpt2s_where_it_says_so():
    assert split_words("x²½ Ⅷ3") == ["x²½", " Ⅷ", "3"]
    assert split_words("a\x1c\x1db") == ["a", "\x1c", "\x1d", "b"]
    assert split_words(f"a.{MARK}{MARK} {MARK}b") == ["a", ".", MARK, MARK, " ", MARK, "b"]


def test_the_mark_of_a_documents_end_becomes_one_token(merges):
    (mark,) = encode(MARK, merges)
    assert encode(f"end.{MARK}", merges) == [*encode("end.", merges), mark]
    assert pieces_of(merges)[mark] == END_OF_TEXT


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_any_text_comes_back(text, merges):
    tokens = encode(text, merges)
    assert decode(tokens, merges) == text == "".join(split_words(text))
    assert all(0 <= token < 2000 for token in tokens)
    assert decode(torch.tensor(tokens, dtype=torch.long), merges) == decode(iter(tokens), merges) == text


def test_without_merges_the_tokens_are_the_bytes():
    assert train_bpe("any text", 256) == train_bpe("", 256) == []
    assert encode("é", []) == [0xC3, 0xA9] and decode(range(256), [])[:128] == bytes(range(128)).decode()


def test_half_a_character_becomes_the_replacement_character(merges):
    assert decode([ord("a"), 0xC3, ord("b")], merges) == "a\ufffdb"


@pytest.mark.parametrize("token", [2000, -1, torch.tensor(2000)])
def test_an_unknown_token_is_named(token, merges):
    with pytest.raises(ValueError, match=rf"token {int(token)} is unknown: .* 0 to 1999"):
        decode([65, token], merges)


def test_half_a_surrogate_pair_is_refused_where_it_stands(merges):
    text = "all is well until \ud83d comes"
    for refuses in (lambda: train_bpe(text, 300), lambda: encode(text, merges)):
        with pytest.raises(ValueError, match=r"'\\ud83d' in position 18: surrogates not allowed"):
            refuses()


def test_a_vocabulary_below_the_bytes_is_refused():
    with pytest.raises(ValueError, match="vocab_size=255"):
        train_bpe("any text", 255)


def test_a_long_word_takes_time_in_proportion(merges):
    rng = random.Random(0)

    def seconds(n_letters):
        word = "".join(rng.choices("etaoinshrdlucmfwyp", k=n_letters))
        times = []
        for _ in range(3):
            started = time.process_time()
            encode(word, merges)
            times.append(time.process_time() - started)
        return min(times)

    assert seconds(80_000) < 30 * seconds(10_000)  # 8 times as long; 64 times would be the square
