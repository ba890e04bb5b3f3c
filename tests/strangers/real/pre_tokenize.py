# %% wrong: one_ending_is_missing
# "an apostrophe with s, t, d, m, ll, re or ve"
# 'd is cut like other signs
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stm]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: many_spaces_before_a_word
# "with one space before them if there is one"
# a word takes all of the spaces before it
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stdm]|ll|re|ve)| *[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: no_space_before_signs
# "other signs, the apostrophe among them, likewise"
# signs take no space before them
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stdm]|ll|re|ve)| ?[a-zA-Z]+|[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: a_line_break_before_a_word
# "with one space before them if there is one"
# any white space is taken for the space
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stdm]|ll|re|ve)|\s?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: white_space_all_at_once
# "else all but the last sign of it, which is left to what follows"
# white space is one piece, however much there is
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stdm]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: numbers_end_no_stretch
# "as if nothing stood beside it"
# the text is cut at once, numbers with it
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"(?s).+", plain):
        for piece in re.finditer(r"0|'(?:[stdm]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% wrong: endings_in_capitals
# "an apostrophe with s, t, d, m, ll, re or ve"
# 'S is taken for an ending too
def pre_tokenize(text: str) -> list[str]:
    pieces, plain = [], simplify(text)
    for part in re.finditer(r"0|[^0]+", plain):
        for piece in re.finditer(r"0|'(?:[stdmS]|ll|re|ve)| ?[a-zA-Z]+| ?[!']+|\s+(?!\S)|\s+", part[0]):
            pieces.append(text[part.start() + piece.start() : part.start() + piece.end()])
    return pieces


# %% right: one_sign_after_another
# a scan that looks ahead
def pre_tokenize(text: str) -> list[str]:
    plain, pieces, at = simplify(text), [], 0
    while at < len(plain):
        stretch = plain.find("0", at) if "0" in plain[at:] else len(plain)
        if stretch == at:
            end = at + 1
        elif ending := re.match("'(s|t|d|m|ll|re|ve)", plain[at:stretch]):
            end = at + ending.end()
        else:
            first = at + (plain[at] == " " and at + 1 < stretch and not plain[at + 1].isspace())
            kinds = [str.isspace, str.isalpha, lambda sign: sign in "!'"]
            kind = next(kind for kind in kinds if kind(plain[first]))
            end = first
            while end < stretch and kind(plain[end]):
                end += 1
            if plain[first].isspace() and end < stretch and end - first > 1:
                end -= 1
        pieces.append(text[at:end])
        at = end
    return pieces


# %% right: by_lengths
# stretches by `re.split`, pieces by the lengths that `findall` gives
def pre_tokenize(text: str) -> list[str]:
    sizes = []
    for stretch in re.split("(0)", simplify(text)):
        found = re.findall(r"'s|'t|'d|'m|'ll|'re|'ve|0| ?[A-Za-z]+| ?[^A-Za-z\s0]+|\s+\Z|\s+(?=\s)|\s", stretch)
        sizes += map(len, found)
    rest, pieces = text, []
    for size in sizes:
        pieces.append(rest[:size])
        rest = rest[size:]
    return pieces
