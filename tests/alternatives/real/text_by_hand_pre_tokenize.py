"""A right solution as a beginner might write it: one sign after the other, and what may come next."""

import unicodedata

ENDINGS = ("s", "t", "d", "m", "ll", "re", "ve")


def is_number(sign):
    return unicodedata.category(sign).startswith("N")


def is_letter(sign):
    return unicodedata.category(sign).startswith("L")


def is_space(sign):
    return sign.isspace() and sign not in "\x1c\x1d\x1e\x1f"


def is_other(sign):
    return not is_number(sign) and not is_letter(sign) and not is_space(sign)


def pre_tokenize(text):
    pieces = []
    i = 0
    while i < len(text):
        if is_number(text[i]):
            pieces.append(text[i])
            i += 1
            continue
        end = i
        while end < len(text) and not is_number(text[end]):
            end += 1  # of the stretch
        while i < end:
            j = piece_end(text, i, end)
            pieces.append(text[i:j])
            i = j
    return pieces


def piece_end(text, i, end):
    """Where the piece ends that begins at i, in a stretch that ends at `end`."""
    if text[i] == "'":
        for ending in ENDINGS:
            if text[i + 1 : end].startswith(ending):
                return i + 1 + len(ending)
    j = i
    if text[j] == " " and j + 1 < end and not is_space(text[j + 1]):
        j += 1
    for kind in (is_letter, is_other):
        if kind(text[j]):
            while j < end and kind(text[j]):
                j += 1
            return j
    while j < end and is_space(text[j]):
        j += 1
    if j == end or j == i + 1:
        return j
    return j - 1
