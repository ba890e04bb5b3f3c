"""`encode_real` by the library `tokenizers`: its BPE merges, and this only finds the marks and cuts what is left."""

import re

from tokenizers.models import BPE

from solutions.real import pre_tokenize


def signs(word):
    """One sign for each byte, for a library that merges signs."""
    return word.decode("latin-1")


def encode_real(text, vocabulary, merges, specials):
    text.encode("utf-8", "strict")
    ranked = [pair for _, pair in sorted((rank, pair) for pair, rank in merges.items())]
    ranked = [pair for pair in ranked if {*pair, b"".join(pair)} <= vocabulary.keys()]
    bpe = BPE({signs(word): number for word, number in vocabulary.items()}, [tuple(map(signs, p)) for p in ranked])

    def ordinary(stretch):
        return [token.id for piece in pre_tokenize(stretch) for token in bpe.tokenize(signs(piece.encode()))]

    if not specials:
        return ordinary(text)
    tokens, end = [], 0
    for found in re.finditer("|".join(re.escape(mark) for mark in sorted(specials)[::-1]), text):
        tokens += [*ordinary(text[end : found.start()]), specials[found[0]]]
        end = found.end()
    return tokens + ordinary(text[end:])
