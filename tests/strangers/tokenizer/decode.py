# %% wrong: broken_bytes_left_out
# "what is no UTF-8, as a model may well write it, becomes the sign `�`."
# It is left out.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = b""
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        result += spelt[token]
    return result.decode(errors="ignore")


# %% wrong: waits_for_the_rest_of_a_sign
# "Bytes that are no UTF-8, as a model may well write them, become `�`."
# A sign that is broken off at the very end is waited for, as in a stream, and never comes.
import codecs


def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    reader = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = ""
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        text += reader.decode(spelt[token])
    return text


# %% wrong: counts_from_the_end
# "raises ValueError for a token that there is not"
# A token below zero counts from the end of the list, as Python's indices do.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        try:
            result.append(spelt[token])
        except IndexError:
            raise ValueError(f"there is no token {token}") from None
    return b"".join(result).decode(errors="replace")


# %% wrong: another_error
# "Raises ValueError, which names it, for any other."
# A token that is too large ends in an IndexError.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        if token < 0:
            raise ValueError(f"there is no token {token}")
        result.append(spelt[token])
    return b"".join(result).decode(errors="replace")


# %% wrong: which_one_is_not_said
# "Raises ValueError, which names it"
# The error does not say which token it was.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError("one of the tokens is not in the vocabulary")
        result.append(spelt[token])
    return b"".join(result).decode(errors="replace")


# %% wrong: goes_through_them_twice
# "def decode(tokens: Iterable[int], merges: list[Pair]) -> str:"
# Checks all tokens first and then reads them again: of an iterator nothing is left by then.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
    return b"".join(spelt[token] for token in tokens).decode(errors="replace")


# %% wrong: a_mark_of_byte_order_dropped
# "And for all texts, `decode(encode(text, merges), merges) == text`."
# The codec utf-8-sig swallows U+FEFF at the beginning of a text.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = bytearray()
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        result += spelt[token]
    return bytes(result).decode("utf-8-sig", errors="replace")


# %% wrong: one_mark_for_a_run
# "as often as Python's `bytes.decode` writes it"
# Several marks in a row become one.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        result.append(spelt[token])
    return re.sub("\ufffd+", "\ufffd", b"".join(result).decode(errors="replace"))


# %% right: taken_apart_on_a_stack
# Each token is taken apart into the two it was made of, until only bytes are left; nothing is spelt in advance.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    result = bytearray()
    for token in tokens:
        if token < 0 or token >= 256 + len(merges):
            raise ValueError(f"token {token}: there are {256 + len(merges)}")
        stack = [token]
        while stack:
            top = stack.pop()
            if top < 256:
                result.append(top)
            else:
                u, v = merges[top - 256]
                stack += [v, u]
    return str(bytes(result), "utf-8", "replace")


# %% right: read_as_a_stream
# An incremental decoder reads one token after the other, and is told at the end that nothing more comes.
import codecs


def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = {byte: bytes((byte,)) for byte in range(256)}
    for i, (u, v) in enumerate(merges, 256):
        spelt[i] = spelt[u] + spelt[v]
    reader = codecs.getincrementaldecoder("utf-8")("replace")

    def pieces():
        for token in tokens:
            try:
                yield reader.decode(spelt[int(token)])
            except KeyError:
                raise ValueError(f"{token} is no token") from None
        yield reader.decode(b"", final=True)

    return "".join(pieces())


# %% wrong: negative_counts_from_the_end
# "Shapes: tokens, whole numbers below 256 + len(merges). Raises ValueError, which names the token, for any other."
# Only tokens that are too large raise; -1 is the last token of the list.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    pieces = []
    for token in tokens:
        try:
            pieces.append(spelt[token])
        except IndexError:
            raise ValueError(f"there is no token {token}") from None
    return b"".join(pieces).decode("utf-8", errors="replace")


# %% wrong: key_error
# "Raises ValueError, which names the token, for any other."
# A dictionary raises KeyError, with the token's name, but no ValueError.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = {byte: bytes([byte]) for byte in range(N_BYTES)}
    for i, (first, second) in enumerate(merges):
        spelt[N_BYTES + i] = spelt[first] + spelt[second]
    return b"".join(spelt[token] for token in tokens).decode("utf-8", errors="replace")


# %% wrong: error_names_no_token
# "Raises ValueError, which names the token"
# The ValueError says how many tokens there are, not which one it met.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    tokens = list(tokens)
    if any(not 0 <= token < len(spelt) for token in tokens):
        raise ValueError(f"a token is outside of the vocabulary of {len(spelt)}")
    return b"".join(spelt[token] for token in tokens).decode("utf-8", errors="replace")


# %% wrong: error_by_place
# "Raises ValueError, which names the token"
# The ValueError names the place in the row, not the token.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    out = bytearray()
    for place, token in enumerate(tokens):
        if not 0 <= token < len(spelt):
            raise ValueError(f"bad token at position {place}")
        out += spelt[token]
    return out.decode("utf-8", errors="replace")


# %% wrong: checked_first_then_gone
# "tokens may be an iterator: it can be gone through once"
# Goes through the tokens to check them and again to spell them: an iterator gives the empty text.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
    return b"".join(spelt[token] for token in tokens).decode("utf-8", errors="replace")


# %% wrong: end_cut_off
# "Bytes that are no UTF-8, as a model may well write them, become `�`"
# An incremental decoder that is never told that the text is over: the beginning of a sign at the very end is dropped.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    import codecs

    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    reader, text = codecs.getincrementaldecoder("utf-8")(errors="replace"), []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        text.append(reader.decode(spelt[token]))
    return "".join(text)


# %% wrong: byte_order_mark_eaten
# "for all texts, `decode(encode(text, merges), merges) == text`"
# Reads as utf-8-sig, which drops a byte order mark at the beginning.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    pieces = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        pieces.append(spelt[token])
    return b"".join(pieces).decode("utf-8-sig", errors="replace")


# %% wrong: one_sign_for_each_bad_byte
# "become `�`, as often as Python's `bytes.decode` writes it"
# Every bad byte becomes one sign; Python writes one for the two first bytes of a sign of three.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    pieces = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        pieces.append(spelt[token])
    text = b"".join(pieces).decode("utf-8", errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", text)


# %% wrong: signs_in_a_row_made_one
# "become `�`, as often as Python's `bytes.decode` writes it"
# Several � in a row are made one, so that the print looks tidy.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    pieces = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        pieces.append(spelt[token])
    return re.sub("\ufffd{2,}", "\ufffd", b"".join(pieces).decode("utf-8", errors="replace"))


# %% wrong: first_token_that_is_none
# "whole numbers below 256 + len(merges). Raises ValueError, which names the token, for any other."
# One too high: for the token 256 + len(merges) itself it is an IndexError.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    pieces = []
    for token in tokens:
        if token < 0 or token > N_BYTES + len(merges):
            raise ValueError(f"there is no token {token}")
        pieces.append(spelt[token])
    return b"".join(pieces).decode("utf-8", errors="replace")


# %% right: told_when_it_is_over
# An incremental decoder, token by token, that is told at the end that no more comes.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    import codecs

    reader = codecs.getincrementaldecoder("utf8")("replace")

    @cache
    def spell(token: int) -> bytes:
        if token < 256:
            return token.to_bytes(1, "big")
        first, second = merges[token - 256]
        return spell(first) + spell(second)

    text = ""
    for token in tokens:
        if token < 0 or token >= 256 + len(merges):
            raise ValueError(token)
        text += reader.decode(spell(token))
    return text + reader.decode(b"", final=True)


# %% right: unmerged_from_the_last
# No spelling of tokens: the row of tokens is taken apart, the last merge first, until only bytes are left.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    row = [*tokens]
    for token in row:
        if token not in range(256 + len(merges)):
            raise ValueError("token %d: there are only %d" % (token, 256 + len(merges)))
    for i in reversed(range(len(merges))):
        if 256 + i in row:
            row = [part for token in row for part in (merges[i] if token == 256 + i else (token,))]
    return str(bytes(row), "utf-8", "replace")


# %% wrong: gone_through_twice
# "tokens may be an iterator: it can be gone through once"
# checks all tokens first, and finds an iterator empty afterwards
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
    for token in tokens:
        parts.append(spelt[token])
    return b"".join(parts).decode("utf-8", errors="replace")


# %% wrong: unfinished_sign_swallowed
# "Bytes that are no UTF-8, as a model may well write them, become `\ufffd`"
# an incremental decoder that is never told that the end is there: the start of a sign at the end vanishes
import codecs

def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    reader = codecs.getincrementaldecoder("utf-8")(errors="replace")
    return "".join(reader.decode(part) for part in parts)


# %% wrong: one_sign_for_a_run
# "become `\ufffd`, as often as Python's `bytes.decode` writes it"
# several in a row are drawn together into one
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    return re.sub("\ufffd+", "\ufffd", b"".join(parts).decode("utf-8", errors="replace"))


# %% wrong: byte_order_mark_dropped
# "And for all texts, `decode(encode(text, merges), merges) == text`"
# utf-8-sig: a byte order mark at the beginning is dropped
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    return b"".join(parts).decode("utf-8-sig", errors="replace")


# %% wrong: error_without_the_token
# "Raises ValueError, which names the token, for any other"
# the error does not say which token
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"tokens are whole numbers from 0 to {len(spelt) - 1}")
        parts.append(spelt[token])
    return b"".join(parts).decode("utf-8", errors="replace")


# %% wrong: negative_from_the_end
# "raises ValueError for a token that there is not, such as -1"
# only negative numbers beyond the table are refused: tokens from the end as Python's lists count
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not -len(spelt) <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    return b"".join(parts).decode("utf-8", errors="replace")


# %% wrong: decoded_in_pieces
# "The bytes of all tokens, laid end to end, then read as UTF-8"
# reads 256 tokens at a time as UTF-8: a sign over the seam is lost
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    pieces = [b"".join(parts[i : i + 256]) for i in range(0, len(parts), 256)]
    return "".join(piece.decode("utf-8", errors="replace") for piece in pieces)


# %% wrong: index_error_for_large
# "Raises ValueError [...] for any other"
# an IndexError for a token that is too large
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    parts = []
    for token in tokens:
        if token < 0:
            raise ValueError(f"there is no token {token}")
        parts.append(spelt[token])
    return b"".join(parts).decode("utf-8", errors="replace")


# %% right: unfolded_by_a_stack
# no table: each token is unfolded by a stack down to its bytes
def decode(tokens, merges):
    data = bytearray()
    for token in tokens:
        stack = [int(token)]
        if stack[0] < 0 or stack[0] >= 256 + len(merges):
            raise ValueError("unknown token: " + str(token))
        while stack:
            top = stack.pop()
            if top < 256:
                data.append(top)
            else:
                stack.extend(reversed(merges[top - 256]))
    return str(data, "utf-8", "replace")


# %% right: incremental_with_an_end
# an incremental decoder that is told the end
import codecs


def decode(tokens, merges):
    table = {byte: bytes((byte,)) for byte in range(256)}
    for i, (u, v) in enumerate(merges):
        table[256 + i] = table[u] + table[v]
    reader = codecs.getincrementaldecoder("utf8")("replace")
    text = ""
    for token in tokens:
        try:
            text += reader.decode(table[token])
        except KeyError:
            raise ValueError(f"token {token} does not exist") from None
    return text + reader.decode(b"", final=True)


# %% wrong: without_an_end
# "Bytes that are no UTF-8, as a model may well write them, become `�`, as often as Python's `bytes.decode` writes it."
# tokens that end in the middle of a sign, decode([97, 195], []): "a" instead of "a\ufffd"
def decode(tokens, merges):
    import codecs

    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    reader = codecs.getincrementaldecoder("utf-8")(errors="replace")  # keeps half a sign for the next token
    text = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        text.append(reader.decode(spelt[token]))
    return "".join(text)


# %% wrong: one_sign_for_each_byte
# "Bytes that are no UTF-8, as a model may well write them, become `�`, as often as Python's `bytes.decode` writes it."
# the first two of the three bytes of a sign, decode([230, 151, 97], []): two signs \ufffd and "a", where bytes.decode writes one
def decode(tokens, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])

    def look_up(token):
        if token < 0 or token >= len(spelt):
            raise ValueError(f"token {token} is not in the vocabulary of {len(spelt)}")
        return spelt[token]

    text = b"".join(map(look_up, tokens)).decode("utf-8", errors="surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", text)  # what could not be read


# %% wrong: bytes_complain_by_themselves
# "Raises ValueError, which names the token, for any other."
# decode([-1], []) (any negative token): the ValueError is "bytes must be in range(0, 256)", which does not name it; too large a token is named
def decode(tokens, merges):
    @cache
    def spelt(token):
        if token >= N_BYTES + len(merges):
            raise ValueError(f"there is no token {token}")
        stack, letters = [token], bytearray()
        while stack:
            token = stack.pop()
            if token < N_BYTES:
                letters += bytes([token])
            else:
                stack.extend(reversed(merges[token - N_BYTES]))
        return bytes(letters)

    return b"".join(spelt(token) for token in tokens).decode("utf-8", errors="replace")


# %% wrong: one_token_too_many
# "Shapes: tokens, whole numbers from 0 to below 256 + len(merges). Raises ValueError, which names the token, for any other."
# decode([256], []), the first number that is no token: IndexError instead of ValueError
def decode(tokens, merges):
    largest = N_BYTES + len(merges)
    parts = [bytes([byte]) for byte in range(N_BYTES)]
    for u, v in merges:
        parts.append(parts[u] + parts[v])
    letters = bytearray()
    for token in tokens:
        if token < 0 or token > largest:
            raise ValueError(f"token {token} is not between 0 and {largest}")
        letters.extend(parts[token])
    return letters.decode("utf-8", errors="replace")


# %% right: sign_by_sign
def decode(tokens, merges):
    import codecs

    spelt = {byte: bytes([byte]) for byte in range(N_BYTES)}
    for first, second in merges:
        spelt[len(spelt)] = spelt[first] + spelt[second]
    reader = codecs.getincrementaldecoder("utf-8")("replace")
    text = ""
    for token in tokens:
        if token not in spelt:
            raise ValueError(f"there is no token {token}")
        text += reader.decode(spelt[token])
    return text + reader.decode(b"", final=True)


# %% right: unfolded_on_a_stack
def decode(tokens, merges):
    letters = bytearray()
    for token in tokens:
        if token < 0 or token > 255 + len(merges):
            raise ValueError("no token: " + str(token))
        stack = [token]
        while stack:
            top = stack.pop()
            if top > 255:
                left, right = merges[top - 256]
                stack.append(right)
                stack.append(left)
            else:
                letters.append(top)
    return str(letters, "utf-8", "replace")
