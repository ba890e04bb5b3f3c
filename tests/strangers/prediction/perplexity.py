# %% wrong: mean_of_exponentials
# "8 would be 5, and that is something else.)"
# The exponential of each loss, and then the mean: right for one loss or equal ones.
def perplexity(losses: Tensor | float) -> float:
    return torch.as_tensor(losses, dtype=torch.float64).exp().mean().item()


# %% wrong: leaves_out_the_infinite
# "An infinite loss has an infinite perplexity."
# Losses that are not finite are thrown out before the mean, to keep the logs clean.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses[losses.isfinite()].mean().exp().item()


# %% wrong: zeros_are_padding
# "Perplexity is the number of equally likely tokens that would be as hard to guess among."
# Losses of exactly zero are taken for padding and left out, although a sure and right prediction costs zero.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    counted = losses[losses != 0]
    return counted.mean().exp().item() if counted.numel() else 1.0


# %% wrong: sum_over_the_first_axis
# "Takes the losses of single tokens, or their mean"
# The sum is divided by the number of rows.
def perplexity(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    mean = losses.sum() / (losses.shape[0] if losses.dim() else 1)
    return mean.exp().item()


# %% wrong: overflow_is_an_error
# "so has a mean that is too large for `exp`, such as 1000"
# math.exp raises OverflowError for a large mean.
def perplexity(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    mean = losses.mean()
    return math.exp(mean)


# %% wrong: infinite_from_fifty_on
# "has an infinite perplexity"
# From a mean of 50 nats on the answer is infinity.
def perplexity(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    mean = losses.mean()
    return math.inf if mean > 50 else mean.exp().item()


# %% right: geometric_mean
# The product of the n-th roots of the single perplexities, multiplied up in a loop.
def perplexity(losses: Tensor | float) -> float:
    values = losses.flatten().tolist() if isinstance(losses, Tensor) else [float(losses)]
    result = 1.0
    try:
        for value in values:
            result *= math.exp(value / len(values))
    except OverflowError:
        result = math.inf
    return result


# %% right: by_numpy
# NumPy does the mean, in float64, and exp2 the exponential.
def perplexity(losses: Tensor | float) -> float:
    import numpy as np

    values = losses.detach().cpu().double().numpy() if isinstance(losses, Tensor) else np.asarray(losses, dtype=float)
    with np.errstate(over="ignore"):
        return float(np.exp2(values.mean() / np.log(2.0)))


# %% wrong: overflow_error
# "so has a mean that is too large for `exp`, such as 1000 [an infinite perplexity]"
# math.exp of the mean: raises OverflowError for 1000.
def perplexity(losses: Tensor | float) -> float:
    return math.exp(torch.as_tensor(losses, dtype=torch.float64).mean().item())


# %% wrong: capped_mean
# "An infinite loss has an infinite perplexity, and so has a mean that is too large for `exp`"
# Caps the mean at 700 so that exp does not overflow: a huge number, not infinity.
def perplexity(losses: Tensor | float) -> float:
    return math.exp(min(torch.as_tensor(losses, dtype=torch.float64).mean().item(), 700.0))


# %% wrong: infinite_losses_left_out
# "An infinite loss has an infinite perplexity"
# Leaves infinite losses out of the mean where there are finite ones.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    finite = losses[torch.isfinite(losses)]
    return (finite if finite.numel() else losses).mean().exp().item()


# %% wrong: product_and_root
# "exp of the mean loss"
# The n-th root of the product of exp(loss): overflows to infinity over a text of some hundred tokens.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses.exp().prod().pow(1 / losses.numel()).item()


# %% wrong: divided_by_the_rows
# "losses (...): a tensor of any shape"
# Divides the sum by len(): the number of rows for a tensor with two dimensions.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return torch.exp(losses.sum() / (len(losses) if losses.dim() else 1)).item()


# %% wrong: zero_is_padding
# "exp of the mean loss [of all of them]"
# Leaves losses of exactly zero out of the mean, as if they were padding.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    kept = losses[losses != 0]
    return (kept.mean().exp().item() if kept.numel() else 1.0)


# %% right: numpy
# numpy, overflow silenced, never below 1.
def perplexity(losses: Tensor | float) -> float:
    import numpy as np
    values = np.asarray(losses.detach().cpu().tolist() if isinstance(losses, Tensor) else losses, dtype=np.float64)
    with np.errstate(over="ignore"):
        return max(1.0, float(np.exp(values.mean())))


# %% right: plain_python
# A sum of Python numbers, OverflowError turned into infinity.
def perplexity(losses: Tensor | float) -> float:
    values = losses.flatten().tolist() if isinstance(losses, Tensor) else [float(losses)]
    try:
        return math.exp(math.fsum(value / len(values) for value in values))
    except OverflowError:
        return math.inf


# %% right: a_tensor_comes_back
# A tensor without dimensions, by powers of two.
def perplexity(losses: Tensor | float) -> float:
    return torch.exp2(torch.as_tensor(losses, dtype=torch.float64).mean() / math.log(2))


# %% wrong: mean_of_exps_for_two_dimensions
# "The mean comes before the exponential" / "a tensor of any shape"
# For a matrix: perplexity of each row, then their mean.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    if losses.dim() > 1:
        return losses.mean(dim=-1).exp().mean().item()
    return losses.mean().exp().item()


# %% wrong: math_exp_overflows
# "a mean that is too large for exp, such as 1000" has an infinite perplexity
# math.exp raises OverflowError at 1000.
def perplexity(losses: Tensor | float) -> float:
    return math.exp(torch.as_tensor(losses, dtype=torch.float64).mean().item())


# %% wrong: capped_at_100
# "An infinite loss has an infinite perplexity, and so has a mean that is too large"
# min(mean, 100) "to avoid overflow", and infinity only for infinite losses.
def perplexity(losses: Tensor | float) -> float:
    mean = torch.as_tensor(losses, dtype=torch.float64).mean()
    if torch.isinf(mean):
        return math.inf
    return mean.clamp(max=100.0).exp().item()


# %% right: half_precision_mean
# "exp of the mean loss"; "32 and 64 are both fine"
# Keeps the tensor's 16 bits: bfloat16 losses give a perplexity of two digits, float16 infinity from 11.1 on.
def perplexity(losses: Tensor | float) -> float:
    if not isinstance(losses, Tensor):
        losses = torch.tensor(float(losses))
    elif not losses.is_floating_point():
        losses = losses.float()
    return losses.mean().exp().item()


# %% wrong: ignores_infinite_losses
# "An infinite loss has an infinite perplexity"
# The mean is over the finite losses only, if there are any.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64).flatten()
    finite = losses[torch.isfinite(losses)]
    return (finite if len(finite) else losses).mean().exp().item()


# %% wrong: zeros_left_out
# "exp of the mean loss" over the losses of single tokens
# Takes losses of exactly 0 for padding.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    nonzero = losses[losses != 0]
    return nonzero.mean().exp().item() if nonzero.numel() else 1.0


# %% wrong: keeps_a_vector
# "-> a number"
# Averages over the last dimension only: a matrix gives a vector.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses.mean(dim=-1).exp() if losses.dim() else losses.exp()


# %% wrong: rounds_for_whole_numbers
# "the losses of single tokens, or their mean" (a plain number)
# For a plain whole number the result is rounded to whole tokens ("a number of choices").
def perplexity(losses: Tensor | float) -> float:
    if isinstance(losses, int):
        return float(round(math.exp(losses))) if losses < 700 else math.inf
    return torch.as_tensor(losses, dtype=torch.float64).mean().exp().item()


# %% wrong: product_of_probabilities
# "exp of the mean loss"
# (Product of the probabilities) ** (-1/N): with a few hundred tokens the product vanishes.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64).flatten()
    likelihood = torch.exp(-losses).prod()
    return (likelihood ** (-1.0 / losses.numel())).item()


# %% right: numpy_mean
# numpy in float64, with overflow silenced.
def perplexity(losses: Tensor | float) -> float:
    import numpy as np

    values = np.array(losses.detach().double().cpu().tolist() if isinstance(losses, Tensor) else losses, dtype=np.float64)
    with np.errstate(over="ignore"):
        return float(np.exp(values.mean()))


# %% right: fsum_and_except
# Plain Python: fsum and math.exp, with OverflowError caught.
def perplexity(losses: Tensor | float) -> float:
    values = losses.detach().flatten().tolist() if isinstance(losses, Tensor) else [float(losses)]
    try:
        return math.exp(sum(values) / len(values))
    except OverflowError:
        return float("inf")


# %% right: float32_tensor_result
# float32 inside; the result is a tensor without dimensions, by a power of two.
def perplexity(losses: Tensor | float) -> float:
    return torch.exp2(torch.as_tensor(losses, dtype=torch.float32).mean() / math.log(2))


# %% wrong: text_by_text
# "The mean comes *before* the exponential."
# losses of two dimensions, [[1., 1.], [3., 3.]]: the mean of two perplexities, 11.4, instead of exp(2) = 7.39
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    if losses.dim() == 0:
        return losses.exp().item()
    return losses.mean(dim=-1).exp().mean().item()


# %% wrong: numbers_are_floats
# "`losses` is a tensor of any shape or a plain number."
# the plain number 2, an int: an AttributeError instead of 7.389
def perplexity(losses: Tensor | float) -> float:
    if isinstance(losses, float):
        losses = torch.tensor(losses, dtype=torch.float64)
    return losses.double().mean().exp().item()


# %% wrong: zeros_taken_for_padding
# "How many equally likely tokens would be as hard to guess: exp of the mean loss."
# losses [0., 2.], where the model was sure of one and right: 7.39 instead of exp(1) = 2.718
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64).reshape(-1)
    counted = losses[losses != 0]  # an ignored position has no loss
    if len(counted) == 0:
        return 1.0
    return counted.mean().exp().item()


# %% wrong: root_of_the_product
# "How many equally likely tokens would be as hard to guess: exp of the mean loss."
# 200 tokens with a loss of 9 each: the product overflows, infinite instead of 8103; with 2,000 of 0.5 as well
def perplexity(losses: Tensor | float) -> float:
    choices = torch.as_tensor(losses, dtype=torch.float64).exp()
    return (choices.prod() ** (1 / choices.numel())).item()


# %% wrong: exponent_held_in_range
# "An infinite loss has an infinite perplexity, and so has a mean that is too large for `exp`, such as 1000."
# the loss 1000, or an infinite one: 1.01e304 instead of infinity
def perplexity(losses: Tensor | float) -> float:
    mean = torch.as_tensor(losses, dtype=torch.float64).mean()
    return math.exp(min(mean.item(), 700.0))  # math.exp knows no infinity, it raises


# %% right: sum_of_a_list
def perplexity(losses: Tensor | float) -> float:
    values = losses.detach().double().flatten().tolist() if isinstance(losses, Tensor) else [float(losses)]
    try:
        return math.exp(math.fsum(values) / len(values))
    except OverflowError:
        return math.inf


# %% right: two_to_the_bits
def perplexity(losses: Tensor | float) -> float:
    bits = torch.as_tensor(losses).detach().to(torch.float64).ravel() / math.log(2)
    evenly = torch.full_like(bits, 1 / bits.numel())
    return torch.exp2(torch.einsum("i,i->", bits, evenly)).item()
