# %% wrong: ratio_upside_down
# "With r = p_reference / p_policy of the token that the policy drew:"
# The ratio is policy over reference: k1 has the other sign, k3 is of the other distance, k2 is the same.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = logprobs - reference
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: k3_for_all_others
# "Raises ValueError for another estimator."
# Every other name is taken for k3, which stands behind the last else.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    elif estimator == "k2":
        return log_r.square() / 2
    else:
        return log_r.exp() - 1 - log_r


# %% wrong: key_error
# "logprobs, reference (B, T), of the policy and of the reference          raises ValueError for another estimator"
# The estimators stand in a dictionary, and another name raises KeyError.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    return {"k1": -log_r, "k2": log_r**2 / 2, "k3": torch.expm1(log_r) - log_r}[estimator]


# %% wrong: any_spelling
# "(B, T). Raises ValueError for another estimator. Source: Schulman 2020."
# Names are put into lower case and stripped first: "K3" and " k1" go through.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    match estimator.strip().lower():
        case "k1":
            return -log_r
        case "k2":
            return log_r.square() / 2
        case "k3":
            return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: never_below_zero
# "is -log r, unbiased and of either sign;"
# k1 is cut at zero, since a distance is not negative.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return (-log_r).clamp(min=0.0)
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: whole_square
# "is (log r)² / 2, never negative and biased;"
# k2 without the half.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square()
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: ratio_is_bounded
# "is r - 1 - log r, never negative and unbiased."
# log r is cut to [-5, 5] before k3, against overflow: it stops growing where the two are far apart.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        log_r = log_r.clamp(-5.0, 5.0)
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: zeros_are_padding
# "At each token, an estimate of how far the policy has moved from the reference: KL(policy || reference)."
# A log-probability of exactly 0 is taken for padding: where the policy is certain and the reference is not, it says 0.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = torch.where(logprobs == 0, torch.zeros_like(logprobs), reference - logprobs)
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: summed_over_the_reply
# "at each token an estimate (B, T)"
# One number for each reply, the sum over its tokens.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r.sum(dim=-1)
    if estimator == "k2":
        return (log_r.square() / 2).sum(dim=-1)
    if estimator == "k3":
        return (log_r.exp() - 1 - log_r).sum(dim=-1)
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: ratio_without_gradient
# "Begin with `log_r = reference - logprobs`: the reference above, the policy below. All three are one line of it."
# In k3 the ratio is a number: the value is right, and the gradient is that of k1.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.detach().exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% right: dictionary_of_functions
# The estimators as functions of the log-ratio in a dictionary; expm1 is r - 1 with all its digits.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    formulas = {
        "k1": torch.neg,
        "k2": lambda log_r: 0.5 * log_r * log_r,
        "k3": lambda log_r: torch.special.expm1(log_r) - log_r,
    }
    if estimator not in formulas:
        raise ValueError(f"{estimator!r} is no estimator: there are {sorted(formulas)}")
    return formulas[estimator](torch.sub(reference, logprobs))


# %% right: in_float64
# All in float64 and without a ratio of probabilities: k1 first, and the other two from it; the type comes back.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in ("k1", "k2", "k3"):
        raise ValueError("another estimator")
    distance = logprobs.double() - reference.double()
    if estimator == "k2":
        distance = distance.pow(2).mul(0.5)
    elif estimator == "k3":
        distance = torch.exp(-distance).sub(1).add(distance)
    return distance.to(logprobs.dtype)
