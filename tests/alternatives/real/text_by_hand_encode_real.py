"""`encode_real` as a beginner might write it: the text is read sign by sign, and lists are changed where they are."""

from solutions.real import pre_tokenize


def mark_at(text, place, specials):
    best = ""
    for mark in specials:
        if text.startswith(mark, place) and len(mark) > len(best):
            best = mark
    return best


def tokens_of_stretch(stretch, vocabulary, merges):
    tokens = []
    for piece in pre_tokenize(stretch):
        parts = []
        for number in piece.encode("utf-8"):
            if bytes([number]) in vocabulary:
                parts.append(bytes([number]))
        while True:
            best = None
            for i in range(len(parts) - 1):
                pair = (parts[i], parts[i + 1])
                if pair in merges and (best is None or merges[pair] < merges[best]):
                    best = pair
            if best is None:
                break
            i = 0
            while i < len(parts) - 1:
                if (parts[i], parts[i + 1]) == best:
                    parts[i] = parts[i] + parts[i + 1]
                    del parts[i + 1]
                i += 1
        for part in parts:
            tokens.append(vocabulary[part])
    return tokens


def encode_real(text, vocabulary, merges, specials):
    for place in range(len(text)):
        if "\ud800" <= text[place] <= "\udfff":
            raise UnicodeEncodeError("utf-8", text, place, place + 1, "half a sign")
    tokens = []
    stretch = ""
    place = 0
    while place < len(text):
        mark = mark_at(text, place, specials)
        if mark:
            tokens += tokens_of_stretch(stretch, vocabulary, merges)
            tokens.append(specials[mark])
            stretch = ""
            place += len(mark)
        else:
            stretch += text[place]
            place += 1
    return tokens + tokens_of_stretch(stretch, vocabulary, merges)
