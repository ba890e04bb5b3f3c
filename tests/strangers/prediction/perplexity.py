# %% wrong: mean_of_the_rows
# "The mean comes *before* the"
# Each row of losses has its perplexity, and the mean of these is returned: with one dimension it is right.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    if losses.dim() == 0:
        return math.exp(losses.item())
    return losses.mean(dim=-1).exp().mean().item()


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


# %% wrong: capped_exponent
# "How many equally likely tokens would be as hard to guess: exp of the mean loss."
# As in many training scripts the mean is capped at 20, so that nothing overflows.
def perplexity(losses: Tensor | float) -> float:
    mean = torch.as_tensor(losses, dtype=torch.float64).mean().item()
    return math.exp(min(mean, 20.0))


# %% wrong: whole_numbers_have_no_mean
# "`losses` may be a tensor of any shape or one plain number"
# No floating-point dtype: a plain 0 or 3, or a tensor of whole numbers, cannot be averaged and raises.
def perplexity(losses: Tensor | float) -> float:
    return torch.as_tensor(losses).mean().exp().item()


# %% wrong: sum_over_len
# "Takes the losses of single tokens, or their mean; both in nats."
# A tensor is averaged with sum and len: a mean that comes as a tensor without dimensions has no len.
def perplexity(losses: Tensor | float) -> float:
    if isinstance(losses, Tensor):
        flat = losses if losses.dim() < 2 else losses.flatten()
        losses = float(sum(flat.tolist()) / len(flat))
    return math.exp(losses)


# %% wrong: zeros_are_padding
# "Perplexity is the number of equally likely tokens that would be as hard to guess among."
# Losses of exactly zero are taken for padding and left out, although a sure and right prediction costs zero.
def perplexity(losses: Tensor | float) -> float:
    losses = torch.as_tensor(losses, dtype=torch.float64)
    counted = losses[losses != 0]
    return counted.mean().exp().item() if counted.numel() else 1.0


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
