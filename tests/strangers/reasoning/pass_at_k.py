# %% wrong: logarithms_of_gamma
# "It is exact to nine digits for n up to a million, also where it is tiny."
# adds and subtracts logarithms of factorials, which are ten million large at n = a million and cancel
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    wrong = n - n_right.to(torch.float64)
    enough = wrong >= k
    wrong = torch.where(enough, wrong, float(n))
    top = torch.tensor(float(n), dtype=torch.float64)
    log_all_wrong = torch.lgamma(wrong + 1) - torch.lgamma(top + 1)
    log_all_wrong = log_all_wrong - (torch.lgamma(wrong - k + 1) - torch.lgamma(top - k + 1))
    return torch.where(enough, -torch.expm1(log_all_wrong), torch.ones_like(wrong)) + 0.0


# %% wrong: quotients_in_float32
# "It is exact to nine digits for n up to a million, also where it is tiny."
# k over a tensor of whole numbers is float32, and what is summed in float64 afterwards has seven digits
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    share = (k / torch.arange(n, 0, -1)).clamp(max=1.0)
    log_none = torch.log1p(-share).cumsum(dim=0, dtype=torch.float64)
    log_none = torch.cat([torch.zeros(1, dtype=torch.float64), log_none])
    return -torch.expm1(log_none[n_right.long()])


# %% wrong: caps_the_counts_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# more right ones than n - k + 1 change nothing, so the counts are capped there, in the tensor that was given
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    if (many := n_right.long() > n - k + 1).any():  # with as many as this, one of them is in every choice
        n_right[many] = n - k + 1
    left = torch.arange(n, k - 1, -1, dtype=torch.float64)
    log_none = F.pad(torch.log1p(-k / left).cumsum(dim=0), (1, 0))
    return -torch.expm1(log_none[n_right.long()])


# %% wrong: all_of_them_always_hold_one
# "It is the share, among all choices of k of the n replies, of those with a right one in them: 1 - C(n - n_right, k) / C(n, k)."
# for k = n there is one choice, "and it holds every right one": 1 for all problems, also where none was right
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    if k == n:  # the only choice has them all; and log(0) is avoided
        return torch.ones(n_right.shape, dtype=torch.float64, device=n_right.device)
    factors = torch.log1p(-k / torch.arange(n, k, -1, dtype=torch.float64))
    log_none = torch.cat([torch.zeros(1, dtype=torch.float64), factors.cumsum(0)])
    log_none = torch.cat([log_none, torch.full((k,), -math.inf, dtype=torch.float64)])
    return -torch.expm1(log_none[n_right.long()])


# %% wrong: subtracts_in_the_type_of_the_counts
# "Shapes: n_right (P), whole numbers of any type -> (P), in float64."
# n - n_right is computed before the type is changed: it wraps round in uint8 for n above 255, and is rounded in bfloat16
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    n_wrong = n - n_right
    share = (k / torch.arange(n, 0, -1, dtype=torch.float64)).clamp(max=1.0)
    log_none = torch.cat([torch.zeros(1, dtype=torch.float64), torch.log1p(-share).cumsum(0)])  # by the right ones
    return -torch.expm1(log_none.flip(0)[n_wrong.long()])  # by the wrong ones


# %% wrong: by_log_gamma
# "It is exact to nine digits for n up to a million, also where it is tiny."
# differences of lgamma, each about ten million at a large n: the small chance drowns in their rounding
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    n_wrong = n - n_right.double()

    def log_factorial(m):
        return torch.lgamma(torch.as_tensor(m, dtype=torch.float64) + 1)

    log_none = (
        log_factorial(n_wrong) - log_factorial((n_wrong - k).clamp(min=0)) - log_factorial(n) + log_factorial(n - k)
    )
    chance = -torch.expm1(log_none)
    chance = torch.where(n_right == 0, torch.zeros_like(chance), chance)
    return torch.where(n_wrong < k, torch.ones_like(chance), chance)


# %% wrong: one_try_is_a_share
# "Shapes: n_right (P), whole numbers of any type -> (P), in float64."
# the shortcut for k = 1 divides whole numbers, which gives the default float32, with seven digits
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    if k == 1:
        return n_right / n
    factors = 1 - k / torch.arange(n, 0, -1, dtype=torch.float64)
    logs = torch.log1p((factors - 1).clamp(min=-1.0)).cumsum(dim=0)
    logs = torch.cat([torch.zeros(1, dtype=torch.float64), logs])
    return -torch.expm1(logs[n_right.long()])


# %% wrong: counts_the_wrong_in_their_own_type
# "n_right (P), whole numbers of any type"
# n - n_right is taken before the counts become float64: in uint8 or int8 it wraps for an n above their range
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    n_wrong = (n - n_right).long()
    steps = torch.arange(n, 0, -1, dtype=torch.float64)
    logs = torch.log1p((-k / steps).clamp(min=-1.0)).cumsum(dim=0)
    # by the number of the wrong ones, n of them first: none of the right ones chosen
    by_wrong = torch.cat([torch.zeros(1, dtype=torch.float64), logs]).flip(0)
    return -torch.expm1(by_wrong[n_wrong])


# %% wrong: certain_ones_set_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# lowers the counts beyond which the chance is 1 anyway, in the caller's tensor
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    enough = n - k + 1  # with that many right ones no choice of k misses them all
    n_right[n_right > enough] = enough
    counts = n_right.long()
    logs = torch.log1p(-k / torch.arange(n, k - 1, -1, dtype=torch.float64)).cumsum(dim=0)
    logs = torch.cat([torch.zeros(1, dtype=torch.float64), logs])
    return -torch.expm1(logs[counts])


# %% wrong: with_replacement_where_k_is_small
# "It is exact to nine digits for n up to a million"
# where n is more than a thousand times k squared it draws with replacement, which has four or five digits right
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    if ((n_right < 0) | (n_right > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    counts = n_right.double()
    if n > 1000 * k * k:  # no reply is drawn twice to speak of
        return -torch.expm1(k * torch.log1p(-counts / n))
    logs = torch.log1p((-k / torch.arange(n, 0, -1, dtype=torch.float64)).clamp(min=-1.0)).cumsum(dim=0)
    logs = torch.cat([logs.new_zeros(1), logs])
    return -torch.expm1(logs[counts.long()])


# %% right: where_the_first_right_one_comes
# adds the chances that the first right one is the first, second, ... that is chosen: positive terms, nothing cancels;
# choosing k and c are alike, so the smaller of the two is the one that is gone through
def _first_at(c: int, n: int, k: int) -> float:
    c, k = max(c, k), min(c, k)
    none_yet, terms = 1.0, []
    for i in range(k):
        terms.append(none_yet * c / (n - i))
        none_yet *= max(n - c - i, 0) / (n - i)
        if none_yet < 1e-40:
            break
    return math.fsum(terms)


def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    counts = [int(count) for count in n_right.tolist()]
    if k < 1 or k > n or any(count < 0 or count > n for count in counts):
        raise ValueError(f"k={k}, n={n}, n_right={counts}")
    known = {count: _first_at(count, n, k) for count in set(counts)}
    return torch.tensor([known[count] for count in counts], dtype=torch.float64, device=n_right.device)


# %% right: whole_numbers_as_long_as_they_go
# the quotient of two products of Python's whole numbers, exact, wherever few factors are enough; the rest is 1 to thirty digits
def _exactly(c: int, n: int, k: int) -> float:
    few, many = sorted((c, k))
    top = bottom = 1
    for i in range(few):
        top, bottom = top * max(n - many - i, 0), bottom * (n - i)
        if top == 0 or (i % 64 == 63 and bottom.bit_length() - top.bit_length() > 100):
            return 1.0
        if i % 64 == 63 and top.bit_length() > 4000:  # a thousand digits behind which nothing is seen
            shift = top.bit_length() - 2000
            top, bottom = top >> shift, bottom >> shift
    return (bottom - top) / bottom


def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if not 1 <= k <= n:
        raise ValueError(f"k={k}")
    counts = n_right.detach().cpu().to(torch.float64).long()
    if counts.numel() and (counts.min() < 0 or counts.max() > n):
        raise ValueError("a count that is not 0 to n")
    different, place = torch.unique(counts, return_inverse=True)
    chances = torch.tensor([_exactly(c, n, k) for c in different.tolist()], dtype=torch.float64)
    return chances.gather(0, place.flatten()).view(n_right.shape).to(n_right.device)


# %% right: forty_decimal_digits
# exact enough by decimal fractions: one running product over the counts that occur, in order
def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    from decimal import Decimal, localcontext

    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}")
    counts = [int(count) for count in n_right.tolist()]
    if any(count < 0 or count > n for count in counts):
        raise ValueError(f"each is 0 to {n}")
    chances = {}
    with localcontext() as context:
        context.prec = 40
        none, done = Decimal(1), 0
        for count in sorted(set(counts)):
            while done < count and none:
                none *= Decimal(max(n - done - k, 0)) / Decimal(n - done)
                done += 1
            done = count
            chances[count] = float(1 - none)
    return torch.tensor([chances[count] for count in counts], dtype=torch.float64)


# %% right: the_first_right_one
# adds up the chances that the first right one comes at the first, second ... try: nothing is subtracted from 1
def _first_right(n: int, c: int, k: int) -> float:
    c, k = max(c, k), min(c, k)  # the chance is the same with the two exchanged
    chance, none_yet = [], 1.0
    for tried in range(k):
        chance.append(none_yet * (c / (n - tried)))
        none_yet *= max(n - c - tried, 0) / (n - tried)
        if none_yet < 1e-30:
            break
    return math.fsum(chance)


def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    if k < 1 or k > n:
        raise ValueError(f"k={k}: it is 1 to {n}")
    counts = n_right.to(torch.float64)
    if counts.numel() and (counts.min() < 0 or counts.max() > n):
        raise ValueError(f"each is 0 to {n}")
    which, place = torch.unique(counts, return_inverse=True)
    values = [min(_first_right(n, int(count), k), 1.0) for count in which.tolist()]
    return torch.tensor(values, dtype=torch.float64)[place]
