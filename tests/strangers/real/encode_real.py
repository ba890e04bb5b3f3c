# %% wrong: the_largest_rank
# "the one with the smallest rank becomes one"
# the merge that was learned last comes first
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = max(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% wrong: unknown_bytes_stop_a_merge
# "of which those without a token in `vocabulary` are left out; then"
# they are left out in the end, and stand between neighbours until then
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode()]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts if each in vocabulary]
    return tokens


# %% wrong: trims_beside_marks
# "What stands between them is cut by `pre_tokenize`"
# white space beside a mark is lost
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part.strip() if specials else part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% wrong: composes_signs
# "Each piece is its bytes"
# signs are composed before they become bytes
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text = unicodedata.normalize("NFC", text)
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% wrong: marks_as_they_are_listed
# "of two that begin at the same place the longer one."
# of two the one that is listed first
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, specials))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% wrong: drops_half_signs
# "Raises UnicodeEncodeError where half a surrogate pair stands in the text"
# they are dropped without a word
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text = text.encode(errors="ignore").decode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% wrong: whole_pieces_first
# "of all pairs of neighbours that are in `merges` the one with the smallest rank"
# a piece that is a token is not merged
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            if b"".join(parts) in vocabulary:
                parts = [b"".join(parts)]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, merged = min(known, key=merges.get), []
                for each in parts:
                    if merged and (merged[-1], each) == best:
                        merged[-1] += each
                    else:
                        merged.append(each)
                parts = merged
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% right: place_by_place
# merged in place, from the left
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode()
    marks = "|".join(map(re.escape, sorted(specials, key=len, reverse=True)))
    tokens = []
    for part in re.split(f"({marks})", text) if specials else [text]:
        if part in specials:
            tokens.append(specials[part])
            continue
        for piece in pre_tokenize(part):
            parts = [bytes([byte]) for byte in piece.encode() if bytes([byte]) in vocabulary]
            while known := [pair for pair in pairwise(parts) if pair in merges]:
                best, at = min(known, key=merges.get), 0
                while at < len(parts) - 1:
                    if (parts[at], parts[at + 1]) == best:
                        parts[at : at + 2] = [parts[at] + parts[at + 1]]
                    at += 1
            tokens += [vocabulary[each] for each in parts]
    return tokens


# %% right: marks_by_hand
# marks are looked for at every place, the longest first
def encode_real(
    text: str,
    vocabulary: Mapping[bytes, int],
    merges: Mapping[tuple[bytes, bytes], int],
    specials: Mapping[str, int],
) -> list[int]:
    text.encode("utf-8")

    def of(stretch):
        found = []
        for piece in pre_tokenize(stretch):
            parts = [part for part in (bytes([byte]) for byte in piece.encode()) if part in vocabulary]
            while ranked := sorted((merges[pair], i) for i, pair in enumerate(pairwise(parts)) if pair in merges):
                best, i = (parts[ranked[0][1]], parts[ranked[0][1] + 1]), 0
                while i + 1 < len(parts):
                    if (parts[i], parts[i + 1]) == best:
                        parts[i] += parts.pop(i + 1)
                    i += 1
            found.extend(vocabulary[part] for part in parts)
        return found

    tokens, start, at = [], 0, 0
    while at < len(text):
        here = [mark for mark in specials if text.startswith(mark, at)]
        if here:
            mark = max(here, key=len)
            tokens += [*of(text[start:at]), specials[mark]]
            start = at = at + len(mark)
        else:
            at += 1
    return tokens + of(text[start:])
