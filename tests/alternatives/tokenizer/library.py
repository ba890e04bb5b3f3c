"""The tokenizer by calls of libraries: Python's `re`, `str.replace`, a cache, dicts."""

import re
from collections import Counter
from functools import lru_cache
from itertools import chain, pairwise

from solutions.tokenizer import merge_pair, split_words


def train_bpe(text, vocab_size):
    """The words as strings with a character for each token, pairs found and replaced by `re` and `str.replace`."""
    if vocab_size < 256:
        raise ValueError("vocab_size")
    words = Counter(split_words(text))
    spelt = {word: "".join(map(chr, word.encode())) for word in words}
    merges = []
    for new in range(256, vocab_size):
        counts = Counter()
        for word, times in words.items():
            for pair in re.findall(r"(?s)(?=(..))", spelt[word]):  # looking ahead finds pairs that overlap
                counts[pair] += times
        if not counts:
            raise ValueError("no pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append((ord(best[0]), ord(best[1])))
        spelt = {word: letters.replace(best, chr(new)) for word, letters in spelt.items()}
    return merges


def encode(text, merges):
    """The smallest rank first, looked up in a dict."""
    ranks = dict(zip(map(tuple, merges), range(len(merges))))

    @lru_cache(maxsize=10_000)
    def of_word(word):
        tokens = list(word.encode("utf-8"))
        while True:
            pairs = set(pairwise(tokens)) & ranks.keys()
            if not pairs:
                return tuple(tokens)
            pair = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, 256 + ranks[pair])

    return list(chain.from_iterable(map(of_word, split_words(text))))


def decode(tokens, merges):
    """A dict of bytes."""
    table = {byte: bytes((byte,)) for byte in range(256)}
    for number, pair in enumerate(merges, start=256):
        table[number] = b"".join(map(table.get, pair))
    try:
        return b"".join(table[int(token)] for token in tokens).decode(errors="replace")
    except KeyError as error:
        raise ValueError(f"unknown token {error}") from None
