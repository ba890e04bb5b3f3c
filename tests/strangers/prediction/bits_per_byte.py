# %% wrong: whole_bytes_per_token
# "The loss in a unit that does not depend on how the text was cut into tokens: bits per byte of UTF-8."
# The bytes per token are a whole number, by //: right where the tokens divide the bytes, as in the example.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    bits_per_token = loss / math.log(2)
    bytes_per_token = max(1, n_bytes // max(1, n_tokens))
    return bits_per_token / bytes_per_token


# %% wrong: zero_for_no_bytes
# "Raises ValueError where there are no bytes."
# An empty text costs nothing: 0.0 in place of an error.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        return 0.0
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: a_token_has_a_byte
# "Raises ValueError where there are no bytes. Source: Gao et al. 2020, section 3.1."
# Raised too widely: more tokens than bytes are refused too, although signs such as the end of a text have no bytes.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1 or n_tokens > n_bytes:
        raise ValueError(f"{n_tokens} tokens cannot be {n_bytes} bytes long")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: eight_bits_at_most
# "Bits per byte make models comparable that cut the text differently."
# Capped at 8, since a byte has no more bits: a bad model costs more than that.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return min(8.0, loss * n_tokens / (n_bytes * math.log(2)))


# %% wrong: loss_of_the_whole_text
# "loss: the mean in nats per token; n_bytes: of the same text in UTF-8"
# The loss is taken for the sum over the text, and the number of tokens is not looked at.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / math.log(2) / n_bytes


# %% wrong: nats_stay_nats
# "12 bits in all, 1 bit per byte."
# Nats per byte: the division by log 2 is missing.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss * n_tokens / n_bytes


# %% wrong: whole_bits
# "For the bits, first ask what the *whole text* costs in nats."
# The bits of the whole text are rounded up, as a file has no half bits: right where they are whole, as in the example.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return math.ceil(round(loss * n_tokens / math.log(2), 6)) / n_bytes


# %% right: logarithm_to_the_base_two
# Nats to bits by log2(e) instead of a division by log 2; the bits of the whole text first.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if not n_bytes >= 1:
        raise ValueError("no bytes")
    whole_text = n_tokens * (loss * math.log2(math.e))
    return whole_text / n_bytes


# %% right: exact_fractions
# The ratio of tokens and bytes is an exact fraction until the end.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    from fractions import Fraction

    if n_bytes <= 0:
        raise ValueError("a text without bytes")
    return float(Fraction(int(n_tokens), int(n_bytes))) * float(loss) / math.log(2.0)
