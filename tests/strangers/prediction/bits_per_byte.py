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


# %% wrong: three_digits
# "bits per byte of UTF-8"
# The result is rounded to three digits.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes < 1:
        raise ValueError("no bytes")
    return round(loss * n_tokens / n_bytes / math.log(2), 3)


# %% wrong: tokens_up_to_the_bytes
# "There may be more tokens than bytes"
# No more tokens than bytes are counted.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes < 1:
        raise ValueError("no bytes")
    return loss * min(n_tokens, n_bytes) / n_bytes / math.log(2)


# %% wrong: negative_bytes
# "Raises ValueError where `n_bytes` is below 1."
# Only 0 is refused.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes == 0:
        raise ValueError("no bytes")
    return loss * n_tokens / n_bytes / math.log(2)


# %% wrong: no_single_byte
# "Raises ValueError where `n_bytes` is below 1."
# A text of one byte is refused too.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes <= 1:
        raise ValueError("no bytes")
    return loss * n_tokens / n_bytes / math.log(2)


# %% wrong: one_byte_more
# "whose text is `n_bytes` long"
# A sign for the end of the text is counted as one byte more.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes < 1:
        raise ValueError("no bytes")
    return loss * n_tokens / (n_bytes + 1) / math.log(2)


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


# %% wrong: rounded_logarithm
# "L / log 2 * tokens / bytes"
# Takes 0.693 for log 2: 0.02 % too much.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / 0.693 * n_tokens / n_bytes


# %% wrong: never_more_tokens_than_bytes
# "There may be more tokens than bytes"
# Counts at most one token for each byte.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / math.log(2) * min(n_tokens, n_bytes) / n_bytes


# %% wrong: more_tokens_than_bytes_refused
# "There may be more tokens than bytes: some, such as the end of a text, have none."
# Raises ValueError where there are more tokens than bytes.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    if n_tokens > n_bytes:
        raise ValueError("a token has at least one byte")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: by_way_of_perplexity
# "L / log 2 * tokens / bytes [of any loss]"
# log2 of the perplexity: infinite, or an OverflowError, for a loss such as 1000.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return math.log2(math.exp(loss)) * n_tokens / n_bytes


# %% wrong: perfect_model_refused
# "Raises ValueError where `n_bytes` is below 1. [and nowhere else]"
# Raises ValueError for a loss of 0 as well, which a perfect model has.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    if loss <= 0:
        raise ValueError("a loss is above 0")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: three_decimals
# "L / log 2 * tokens / bytes"
# Rounds to three decimals.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return round(float(loss) / math.log(2) * n_tokens / n_bytes, 3)


# %% wrong: whole_bytes_per_token_too
# "tokens / bytes"
# Divides by a whole number of bytes per token (at least 1): exact in the example, where words have 3 and letters 1.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / math.log(2) / max(n_bytes // n_tokens, 1)


# %% wrong: loss_divided_in_place
# "A function of yours leaves what it is given as it was [a tensor without dimensions is as good a number]"
# Divides with /=: a plain number stays, a tensor of the caller's is changed.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    loss /= math.log(2)
    return loss * n_tokens / n_bytes


# %% wrong: half_precision
# "L / log 2 * tokens / bytes"
# Computes in half precision: three digits, and infinite for more than 65,504 tokens.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return float(torch.tensor(float(loss) / math.log(2)).half() * torch.tensor(n_tokens).half() / torch.tensor(n_bytes).half())


# %% right: whole_text_first
# The nats of the whole text, their bits by log2(e), spread over the bytes.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    nats_of_the_text = loss * n_tokens
    return nats_of_the_text * math.log2(math.e) / n_bytes


# %% right: fractions
# The ratio as a Fraction.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    from fractions import Fraction
    return float(loss) / math.log(2) * float(Fraction(n_tokens, n_bytes))


# %% right: a_tensor_comes_back
# A tensor without dimensions in double precision.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return torch.as_tensor(loss, dtype=torch.float64).div(torch.tensor(2.0, dtype=torch.float64).log()).mul(n_tokens).div(n_bytes)


# %% wrong: more_tokens_than_bytes_raises
# "There may be more tokens than bytes"
# Raises ValueError where there are.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    if n_tokens > n_bytes:
        raise ValueError("a token has at least one byte")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: tokens_limited_to_bytes
# "There may be more tokens than bytes"
# min(n_tokens, n_bytes).
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss * min(n_tokens, n_bytes) / (math.log(2) * n_bytes)


# %% wrong: one_byte_raises
# "Raises ValueError where n_bytes is below 1"
# Raises for a single byte as well.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes <= 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / math.log(2) * (n_tokens / n_bytes)


# %% wrong: rounded_ln2
# "L / log 2"
# 0.69 for the logarithm of 2.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return loss / 0.69 * n_tokens / n_bytes


# %% wrong: rounds_to_three
# "bits per byte" = L / log 2 · tokens / bytes
# Rounds the result to three places, as in the table.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return round(float(loss) / math.log(2) * n_tokens / n_bytes, 3)


# %% wrong: floor_division_of_bytes
# "tokens / bytes"
# Bytes per token as a whole number where there are at least as many bytes as tokens.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    bits = loss / math.log(2)
    return bits / (n_bytes // n_tokens) if n_bytes >= n_tokens else bits * n_tokens / n_bytes


# %% wrong: tensor_loss_in_place
# "A function of yours leaves what it is given as it was" / "A tensor without dimensions is as good a number"
# `loss /= log 2` changes the caller's tensor.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    loss /= math.log(2)
    return loss * n_tokens / n_bytes


# %% wrong: tensor_loss_fails
# "A tensor without dimensions is as good a number as Python's own, as loss and as a result"
# Refuses a loss that is no Python number.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    if not isinstance(loss, (int, float)):
        raise TypeError("loss is a number")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: through_perplexity
# the formula, for any loss
# log2(exp(loss)): from a loss of 710 on infinite, or OverflowError.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return math.log2(math.exp(float(loss))) * n_tokens / n_bytes


# %% wrong: zero_loss_raises
# "Raises ValueError where n_bytes is below 1" (nothing else)
# Raises for a loss of 0, "which cannot be".
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1 or not loss:
        raise ValueError("nothing to measure")
    return loss / math.log(2) * n_tokens / n_bytes


# %% right: log2_e
# Times log2(e), bits of the whole text first.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    whole_text = float(loss) * n_tokens
    return whole_text * math.log2(math.e) / n_bytes


# %% right: float64_tensor
# A float64 tensor without dimensions as the result.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    nats = torch.as_tensor(loss, dtype=torch.float64)
    return nats.div(torch.tensor(2.0, dtype=torch.float64).log()).mul(n_tokens).div(n_bytes)


# %% wrong: a_byte_for_each_token
# "There may be more tokens than bytes: some, such as the end of a text, have none."
# loss log 2, 13 tokens, 12 bytes: 1 instead of 13 / 12
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    n_tokens = min(n_tokens, n_bytes)  # a token has one byte at least
    return loss * n_tokens / (math.log(2) * n_bytes)


# %% wrong: logarithm_of_the_perplexity
# "The loss in a unit that does not depend on how the text was cut into tokens: bits per byte of UTF-8."
# a loss of 1000: an OverflowError instead of 1442.7 with one token for each byte; a loss of 1e-18: 0 instead of 1.44e-18
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    bits_per_token = math.log2(math.exp(loss))
    return bits_per_token * n_tokens / n_bytes


# %% wrong: no_loss_no_text
# "Raises ValueError where `n_bytes` is below 1."
# a loss of 0, of a model that was sure and right: a ValueError instead of 0
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    if loss <= 0:
        raise ValueError(f"loss={loss}: a loss in nats is above 0")
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: loss_changed_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# loss a tensor without dimensions: it holds the bits afterwards, and a second call gives another number
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    loss /= math.log(2)
    loss *= n_tokens / n_bytes
    return loss


# %% wrong: eight_at_most
# "\text{bits per byte} = \frac{\mathcal{L}}{\log 2} \cdot \frac{\text{tokens}}{\text{bytes}}"
# a model that knows nothing: loss log 50000 with a token for each byte: 8 instead of 15.6
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    bits = loss / math.log(2) * (n_tokens / n_bytes)
    return min(bits, 8.0)  # a byte holds eight


# %% wrong: floats_only
# "A tensor without dimensions is as good a number as Python's own, as `loss` and as a result."
# loss torch.tensor(2.0), as cross_entropy returns it: a TypeError instead of the number
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    if not isinstance(loss, float):
        raise TypeError(f"loss={loss!r}: give the mean as a number, such as losses.mean().item()")
    return loss * math.log2(math.e) * n_tokens / n_bytes


# %% right: bytes_to_a_token_first
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")

    share = n_tokens / n_bytes
    return float(loss) * share * math.log2(math.e)


# %% right: base_of_the_logarithm
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    from fractions import Fraction

    if not n_bytes >= 1:
        raise ValueError("no bytes")
    with torch.no_grad():
        nats = torch.as_tensor(loss).to(torch.float64, copy=True)
        return nats.mul(float(Fraction(int(n_tokens), int(n_bytes)))).div(torch.tensor(2.0, dtype=torch.float64).log()).item()
