# %% wrong: each_token_by_itself
# "The bytes of all tokens, laid end to end, then read as UTF-8"
# Each token is read as UTF-8 by itself, so that a sign that is cut in two is lost.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        result.append(spelt[token].decode(errors="replace"))
    return "".join(result)


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


# %% wrong: last_merge_refused
# "tokens, whole numbers below 256 + len(merges)."
# The limit is one too low: the token of the last merge is refused.
def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    result = []
    for token in tokens:
        if not 0 <= token < max(N_BYTES, N_BYTES + len(merges) - 1):
            raise ValueError(f"there is no token {token}")
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


# %% wrong: line_ends_made_equal
# "encode any text with it and get it back to the last byte"
# Bytes are read as a text file is: a carriage return becomes a line break.
import io


def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    file = io.BytesIO()
    for token in tokens:
        if not 0 <= token < len(spelt):
            raise ValueError(f"there is no token {token}")
        file.write(spelt[token])
    file.seek(0)
    return io.TextIOWrapper(file, encoding="utf-8", errors="replace").read()


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
