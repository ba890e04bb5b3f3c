"""The tokenizer in other forms: counts kept up to date, characters for tokens, recursion."""

from collections import Counter
from itertools import pairwise

from solutions.tokenizer import merge_pair, split_words


def train_bpe(text, vocab_size):
    """Counts that are kept up to date, without a queue: only words that hold the pair are looked at again."""
    if vocab_size < 256:
        raise ValueError
    words = [(list(word.encode()), times) for word, times in Counter(split_words(text)).items()]
    counts = Counter()
    for tokens, times in words:
        for pair in pairwise(tokens):
            counts[pair] += times
    merges = []
    while len(merges) < vocab_size - 256:
        counts = +counts  # only what is above zero
        if not counts:
            raise ValueError
        most = max(counts.values())
        best = min(pair for pair in counts if counts[pair] == most)
        for i, (tokens, times) in enumerate(words):
            if best in pairwise(tokens):
                after = merge_pair(tokens, best, 256 + len(merges))
                counts.subtract({pair: n * times for pair, n in Counter(pairwise(tokens)).items()})
                counts.update({pair: n * times for pair, n in Counter(pairwise(after)).items()})
                words[i] = after, times
        merges.append(best)
    return merges


def encode(text, merges):
    """Characters for tokens, replaced in strings; a word that has been seen is not encoded again."""
    known, tokens = {}, []
    for word in split_words(text):
        if word not in known:
            spelt = "".join(chr(byte) for byte in word.encode())
            for number, (first, second) in enumerate(merges, start=256):
                spelt = spelt.replace(chr(first) + chr(second), chr(number))
            known[word] = [ord(letter) for letter in spelt]
        tokens += known[word]
    return tokens


def decode(tokens, merges):
    """Each token from its two parts, by recursion."""

    def spelling(token):
        if not 0 <= token < 256 + len(merges):
            raise ValueError(token)
        return bytes([token]) if token < 256 else b"".join(map(spelling, merges[token - 256]))

    return str(b"".join(map(spelling, tokens)), "utf-8", "replace")
