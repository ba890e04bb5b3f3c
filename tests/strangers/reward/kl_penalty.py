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


# %% wrong: third_letter
# "Raises ValueError for another estimator."
# Names that begin with one of the three go through: "k33" is k3.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator.startswith("k1"):
        return -log_r
    if estimator.startswith("k2"):
        return log_r.square() / 2
    if estimator.startswith("k3"):
        return log_r.exp() - 1 - log_r
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


# %% wrong: any_case_will_do
# "raises ValueError for another estimator, to the letter: \"K3\" is another one"
# Lowers the name first.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    name = estimator.lower()
    if name == "k1":
        return -log_r
    if name == "k2":
        return log_r**2 / 2
    if name == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% wrong: blanks_around_the_name
# "raises ValueError for another estimator, to the letter"
# Strips the name: " k1" and "k3\n" are accepted.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    match estimator.strip():
        case "k1":
            return -log_r
        case "k2":
            return log_r**2 / 2
        case "k3":
            return log_r.exp() - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% wrong: part_of_a_name_is_a_name
# "Raises ValueError for another estimator."
# Looks the name up in a string, where "", "k" and "3" are found too, and get k3.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in "k1 k2 k3":
        raise ValueError(f"unknown estimator {estimator!r}")
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r**2 / 2
    return log_r.exp() - 1 - log_r


# %% wrong: a_key_error_for_another
# "Raises ValueError for another estimator."
# A dictionary of the three, so another name raises KeyError.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    estimates = {"k1": lambda: -log_r, "k2": lambda: log_r**2 / 2, "k3": lambda: torch.expm1(log_r) - log_r}
    return estimates[estimator]()


# %% wrong: ratio_without_a_gradient
# "Gradients reach the policy." (through all of r - 1 - log r)
# In k3 the ratio is taken as an importance weight, a number: the value is right, the gradient is k1's.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r**2 / 2
    if estimator == "k3":
        return log_r.exp().detach() - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% wrong: k3_with_the_gradient_of_k2
# "\"k3\" is r - 1 - log r" with "Gradients reach the policy."
# The straight-through version of training libraries: the value of k3 with the gradient of k2.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    k2 = log_r**2 / 2
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return k2
    if estimator == "k3":
        k3 = torch.expm1(log_r) - log_r
        return k3.detach() + k2 - k2.detach()
    raise ValueError(f"unknown estimator {estimator!r}")


# %% wrong: k1_as_a_number
# "\"k1\" is -log r" with "Gradients reach the policy."
# k1 is put into rewards mostly, so it is given without a gradient.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return (-log_r).detach()
    if estimator == "k2":
        return log_r**2 / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% right: expm1_is_more_exact
# exp(x) - 1 by expm1, which has no rounding below zero near 0; a guard in front.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in {"k1", "k2", "k3"}:
        raise ValueError("estimator is k1, k2 or k3")
    moved = logprobs - reference
    if estimator == "k1":
        return moved
    if estimator == "k2":
        return 0.5 * moved * moved
    return torch.expm1(-moved) + moved


# %% right: float64_inside
# Computes in float64 and gives back the dtype that came in.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference.double() - logprobs.double()
    if estimator == "k1":
        out = log_r.neg()
    elif estimator == "k2":
        out = log_r.pow(2).div(2)
    elif estimator == "k3":
        out = log_r.exp().sub(1).sub(log_r)
    else:
        raise ValueError(f"{estimator!r} is none of k1, k2, k3")
    return out.to(logprobs.dtype)


# %% right: reference_taken_as_a_number
# The reference is detached: the text asks for gradients to the policy and says nothing of the reference.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    forms = {"k1": lambda x: -x, "k2": lambda x: x.square() / 2, "k3": lambda x: x.exp() - (1 + x)}
    if estimator not in forms:
        raise ValueError(f"no estimator {estimator}: {', '.join(forms)}")
    return forms[estimator](reference.detach() - logprobs)


# %% wrong: case_insensitive
# "raises ValueError for another estimator, to the letter: "K3" is another one"
# Lower-cases and strips the name first.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    name = estimator.strip().lower()
    if name == "k1":
        return -log_r
    if name == "k2":
        return log_r**2 / 2
    if name == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r}")


# %% wrong: substring_membership
# "Raises ValueError for another estimator"
# Looks at membership in a string: "k", "3", "1k2", "" and "k1k2" pass `in "k1k2k3"`.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in "k1k2k3":
        raise ValueError(f"estimator {estimator!r}")
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    return log_r.exp() - 1 - log_r


# %% wrong: detaches_r_in_k3
# "Gradients reach the policy"
# The ratio of k3 is taken as a number: value right, gradient lacks -r.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in ("k1", "k2", "k3"):
        raise ValueError(f"estimator {estimator!r}")
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    return log_r.detach().exp() - 1 - log_r


# %% wrong: keyerror_for_another
# "raises ValueError for another estimator"
# A dictionary gives KeyError.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    return {
        "k1": lambda: -log_r,
        "k2": lambda: log_r.square() / 2,
        "k3": lambda: torch.expm1(log_r) - log_r,
    }[estimator]()


# %% right: expm1_match
# expm1, which is nearer than r - 1 where r is about 1; match.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    match estimator:
        case "k1":
            return logprobs - reference
        case "k2":
            return 0.5 * log_r * log_r
        case "k3":
            return torch.special.expm1(log_r) - log_r
    raise ValueError(f"no estimator is called {estimator!r}")


# %% right: float64_inside_too
# Works in float64 and brings the result back to the dtype it came in.
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    formulas = {"k1": lambda x: -x, "k2": lambda x: x.pow(2) / 2, "k3": lambda x: x.exp() - 1 - x}
    if estimator not in formulas:
        raise ValueError(f"{estimator!r} is none of {list(formulas)}")
    x = reference.double() - logprobs.double()
    return formulas[estimator](x).to(logprobs.dtype)


# %% wrong: large_letters_too
# "raises ValueError for another estimator, to the letter: \"K3\" is another one"
# estimator "K3": the estimate comes out, and no ValueError
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    match estimator.lower():
        case "k1":
            return -log_r
        case "k2":
            return log_r.square() / 2
        case "k3":
            return log_r.exp() - 1 - log_r
    raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")


# %% wrong: found_in_a_string
# "Raises ValueError for another estimator."
# estimator "" or "k", which are parts of the string: k3 comes out, and no ValueError
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    if estimator not in "k1, k2, k3":
        raise ValueError(f"estimator {estimator!r} is none of k1, k2, k3")
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r * log_r / 2
    return torch.exp(log_r) - 1 - log_r


# %% wrong: ratio_as_a_weight
# "\"k3\" is r - 1 - log r, never negative but for rounding, and unbiased. Gradients reach the policy."
# backward of k3: the gradient is 1 at each token, in place of 1 - r, for the r is detached; the values are right
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    log_r = reference - logprobs
    with torch.no_grad():
        r = log_r.exp()
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return 0.5 * log_r**2
    if estimator == "k3":
        return r - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% wrong: the_first_is_the_default
# "at each token an estimate (B, T), k3 where none is named"
# a call without an estimator: k1 comes out, -0.693 in place of 0.307 where r = 2
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k1") -> Tensor:
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f"unknown estimator {estimator!r}")


# %% right: a_table_of_functions
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    table = {
        "k1": lambda policy, other: torch.sub(policy, other),
        "k2": lambda policy, other: F.mse_loss(policy, other, reduction="none").div(2),
        "k3": lambda policy, other: torch.expm1(other - policy).add(policy - other),
    }
    formula = table.get(estimator)
    if formula is None:
        raise ValueError(f"estimator {estimator!r}: one of {', '.join(table)} was expected")
    return formula(logprobs, reference)


# %% right: token_by_token
def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    names = ["k1", "k2", "k3"]
    try:
        which = names.index(estimator)
    except ValueError:
        raise ValueError(f"there is no estimator {estimator!r}") from None
    estimates = []
    for moved in (logprobs - reference).reshape(-1).split(1):  # -log r
        every = (lambda: moved, lambda: 0.5 * moved * moved, lambda: torch.exp(-moved) - (1 - moved))
        estimates.append(every[which]())
    return torch.cat(estimates).reshape(logprobs.shape)
