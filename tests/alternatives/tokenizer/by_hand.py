"""The tokenizer by hand: every pair counted anew for each merge, tokens taken apart until only bytes are left."""

from itertools import pairwise

from solutions.tokenizer import split_words


def joined(tokens, pair, new):
    """The tokens with `new` for each pair, from the left."""
    result, i = [], 0
    while i < len(tokens):
        found = tuple(tokens[i : i + 2]) == tuple(pair)
        result.append(new if found else tokens[i])
        i += 2 if found else 1
    return result


def train_bpe(text, vocab_size):
    """Count all pairs of all words again for each merge; the plain algorithm of the paper."""
    if vocab_size < 256:
        raise ValueError("the bytes alone are 256")
    words = {}
    for word in split_words(text):
        words[word] = words.get(word, 0) + 1
    spellings = {word: list(word.encode()) for word in words}
    merges = []
    while len(merges) + 256 < vocab_size:
        counts = {}
        for word, tokens in spellings.items():
            for pair in pairwise(tokens):
                counts[pair] = counts.get(pair, 0) + words[word]
        if not counts:
            raise ValueError("no pair is left")
        highest = max(counts.values())
        best = sorted(pair for pair, count in counts.items() if count == highest)[0]
        spellings = {word: joined(tokens, best, 256 + len(merges)) for word, tokens in spellings.items()}
        merges.append(best)
    return merges


def encode(text, merges):
    """Every merge in its turn, over every word."""
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        for number, pair in enumerate(merges, 256):
            tokens = joined(tokens, pair, number)
        result.extend(tokens)
    return result


def decode(tokens, merges):
    """Take tokens apart until only bytes are left."""
    stack, found = list(tokens)[::-1], bytearray()
    while stack:
        token = stack.pop()
        if token < 0 or token >= 256 + len(merges):
            raise ValueError(f"no token {token}")
        if token < 256:
            found.append(token)
        else:
            first, second = merges[token - 256]
            stack += [second, first]
    return found.decode("utf-8", "replace")
