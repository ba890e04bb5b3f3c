# %% wrong: zero_for_no_bytes
# "Raises ValueError where there are no bytes."
# An empty text costs nothing: 0.0 in place of an error.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        return 0.0
    return loss / math.log(2) * n_tokens / n_bytes


# %% wrong: eight_bits_at_most
# "Bits per byte make models comparable that cut the text differently."
# Capped at 8, since a byte has no more bits: a bad model costs more than that.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    return min(8.0, loss * n_tokens / (n_bytes * math.log(2)))


# %% wrong: negative_bytes
# "Raises ValueError where `n_bytes` is below 1."
# Only 0 is refused.
def bits_per_byte(loss, n_tokens, n_bytes):
    if n_bytes == 0:
        raise ValueError("no bytes")
    return loss * n_tokens / n_bytes / math.log(2)


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


# %% wrong: loss_divided_in_place
# "A function of yours leaves what it is given as it was [a tensor without dimensions is as good a number]"
# Divides with /=: a plain number stays, a tensor of the caller's is changed.
def bits_per_byte(loss: float, n_tokens: int, n_bytes: int) -> float:
    if n_bytes < 1:
        raise ValueError(f"n_bytes={n_bytes}: a text without bytes has no bits per byte")
    loss /= math.log(2)
    return loss * n_tokens / n_bytes


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
