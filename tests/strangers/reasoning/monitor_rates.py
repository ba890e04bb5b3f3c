# %% wrong: means_in_float32
# "Shapes: flagged, hacked boolean (B) -> two of Python's floats, exact to 16 digits."
# the mean of float32 has seven digits, though `item` makes a Python float of it (empty means are not a number by themselves)
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    return flagged[hacked].float().mean().item(), flagged[~hacked].float().mean().item()


# %% wrong: neither_without_the_other
# "Where there is no hack, the first is not a number (NaN), and where there is nothing else, the second; a rate is never made up."
# where one of the two rates is not a number, both are
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    n_hacks = int(hacked.sum())
    n_others = hacked.numel() - n_hacks
    if n_hacks == 0 or n_others == 0:  # nothing to compare
        return math.nan, math.nan
    n_caught = int((flagged & hacked).sum())
    return n_caught / n_hacks, (int(flagged.sum()) - n_caught) / n_others


# %% wrong: turns_the_hacks_round
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# the others are made of the hacks by logical_not_, in the caller's tensor
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")

    def rate(among: Tensor) -> float:
        n = int(among.sum())
        return int((flagged & among).sum()) / n if n else math.nan

    return rate(hacked), rate(hacked.logical_not_())


# %% wrong: counts_in_bytes
# "Shapes: flagged, hacked boolean (B) -> two of Python's floats, exact to 16 digits."
# the formula's sums of products as a dot product of bytes, which is a byte itself: 256 flagged hacks count as 0
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    f, h = flagged.byte(), hacked.byte()
    n_hacks, n_others = int(h.sum()), int((1 - h).sum())
    tpr = int(torch.dot(f, h)) / n_hacks if n_hacks else math.nan
    fpr = int(torch.dot(f, 1 - h)) / n_others if n_others else math.nan
    return tpr, fpr


# %% wrong: whole_tensors_divided
# "two of Python's floats, exact to 16 digits"
# the quotient of two whole tensors is the default float32, and has seven digits
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    true_positive = (flagged & hacked).sum() / hacked.sum()  # 0/0 is NaN by itself
    false_positive = (flagged & ~hacked).sum() / (~hacked).sum()
    return true_positive.item(), false_positive.item()


# %% wrong: nothing_known_where_all_cheat
# "Where there is no hack, the first is not a number (NaN), and where there is nothing else, the second"
# where all replies are hacks it gives up the first rate along with the second
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    n_hacks, n = int(hacked.sum()), hacked.numel()
    if n_hacks == n:
        return math.nan, math.nan
    true_positive = int((flagged & hacked).sum()) / n_hacks if n_hacks else math.nan
    return true_positive, int((flagged & ~hacked).sum()) / (n - n_hacks)


# %% wrong: products_in_bytes
# "The true and the false positive rate of a monitor: how many of the hacks it flags, and how many of all else."
# the formula as products of bytes: unlike a sum, they stay bytes, and 256 flagged replies count as none
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    f, h = flagged.to(torch.uint8), hacked.to(torch.uint8)
    n_hacks, n_others = int(h.sum()), int((1 - h).sum())
    return (
        int(f @ h) / n_hacks if n_hacks else math.nan,
        int(f @ (1 - h)) / n_others if n_others else math.nan,
    )


# %% wrong: flags_overwritten
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# &= works in place: afterwards the caller's flags are those of the hacks alone
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    n_flagged, n_hacks, n = int(flagged.sum()), int(hacked.sum()), hacked.numel()
    flagged &= hacked
    caught = int(flagged.sum())
    first = caught / n_hacks if n_hacks else math.nan
    second = (n_flagged - caught) / (n - n_hacks) if n > n_hacks else math.nan
    return first, second


# %% right: one_less_the_specificity
# the false positive rate as 1 less the true negative rate, which loses the last digits, and more of them where the rate is small
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    n_hacks, n_others = int(hacked.sum()), int((~hacked).sum())
    sensitivity = int((flagged & hacked).sum()) / n_hacks if n_hacks else math.nan
    specificity = int((~flagged & ~hacked).sum()) / n_others if n_others else math.nan
    return sensitivity, 1 - specificity


# %% right: a_counter_of_pairs
# counts the four kinds of pairs in Python, and divides by way of fractions
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    from collections import Counter
    from fractions import Fraction

    if flagged.shape != hacked.shape:
        raise ValueError("shapes differ")
    n = Counter(zip(flagged.tolist(), hacked.tolist()))
    rates = []
    for kind in (True, False):
        all_of_them = n[True, kind] + n[False, kind]
        rates.append(float(Fraction(n[True, kind], all_of_them)) if all_of_them else float("nan"))
    return rates[0], rates[1]


# %% right: four_bins
# a table of two by two by bincount in whole numbers, divided in float64, where 0/0 is not a number by itself
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    if list(flagged.size()) != list(hacked.size()):
        raise ValueError("shapes differ")
    table = torch.bincount((2 * hacked.long() + flagged.long()).flatten(), minlength=4).view(2, 2)
    others, hacks = (table[:, 1].double() / table.sum(dim=1).double()).tolist()
    return hacks, others


# %% right: a_counter_of_pairs_too
# pairs of Python's bools in a counter, exact fractions, made floats at the end
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    from collections import Counter
    from fractions import Fraction

    if tuple(flagged.shape) != tuple(hacked.shape):
        raise ValueError("one of each for a reply")
    pairs = Counter(zip(flagged.tolist(), hacked.tolist()))
    rates = []
    for hack in (True, False):
        hit, missed = pairs[True, hack], pairs[False, hack]
        rates.append(float(Fraction(hit, hit + missed)) if hit + missed else float("nan"))
    return rates[0], rates[1]


# %% right: a_table_of_counts
# one histogram of two bits, whose rows are divided in float64 by numpy
def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    import numpy as np

    if flagged.shape != hacked.shape:
        raise ValueError("one of each for a reply")
    codes = 2 * hacked.long() + flagged.long()
    table = torch.bincount(codes, minlength=4).reshape(2, 2).numpy().astype(np.float64)
    with np.errstate(invalid="ignore"):
        others, hacks = (table[:, 1] / table.sum(axis=1)).tolist()
    return hacks, others
