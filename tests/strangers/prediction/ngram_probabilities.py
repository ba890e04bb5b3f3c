# %% wrong: asks_and_writes
# "would put a new context into"
# counts[context] of a defaultdict puts the context into the caller's counts when it was never seen.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    try:
        followers = counts[context]
    except KeyError:
        followers = Counter()
    total = sum(followers.values()) + k * vocab_size
    if total == 0:
        raise ValueError(f"{context} was never seen, and k is 0")
    return torch.tensor([(followers[token] + k) / total for token in range(vocab_size)])


# %% wrong: even_where_nothing_is_known
# "Raises ValueError where k is below 0, or where k is 0 and the context was never seen: then nothing is known."
# A context that was never seen gives even probabilities for k = 0 too.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = counts.get(context, Counter())
    if not followers:
        return torch.full((vocab_size,), 1 / vocab_size)
    total = sum(followers.values()) + k * vocab_size
    return torch.tensor([(followers[token] + k) / total for token in range(vocab_size)])


# %% wrong: shorter_context
# "After a context that was never seen, all tokens are equally likely."
# A context that was never seen is shortened until one is found, as in back-off: (7, 5) becomes (5,), and then ().
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    while context and context not in counts:
        context = context[1:]
    followers = counts.get(context, Counter())
    total = sum(followers.values()) + k * vocab_size
    if total == 0:
        raise ValueError("nothing is known")
    return torch.tensor([(followers[token] + k) / total for token in range(vocab_size)])


# %% wrong: negative_where_the_total_is_positive
# "Raises ValueError where k is below 0"
# Only a total that is not positive is refused: a small negative k after a context that came often goes through.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    followers = counts.get(context, Counter())
    total = sum(followers.values()) + k * vocab_size
    if total <= 0:
        raise ValueError(f"k={k} after {context}: nothing is known")
    return torch.tensor([max(0.0, (followers[token] + k) / total) for token in range(vocab_size)])


# %% wrong: an_empty_counter_was_seen
# "or where k is 0 and the context was never seen: then nothing is known."
# "Seen" is taken for "is a key": a context with an empty Counter and k = 0 gives nan and no error.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    if k == 0 and context not in counts:
        raise ValueError(f"{context} was never seen, and k is 0")
    followers = counts.get(context, Counter())
    weights = torch.tensor([float(followers[token] + k) for token in range(vocab_size)])
    return weights / weights.sum()


# %% wrong: k_up_to_one
# "as if each had been seen k times more"
# A k above 1 is 1.
def ngram_probabilities(counts, context, vocab_size, k=1.0):
    if k < 0:
        raise ValueError("k")
    seen = counts.get(context, Counter())
    if not seen and k == 0:
        raise ValueError("unknown")
    p = torch.full((vocab_size,), min(float(k), 1.0))
    for token, times in seen.items():
        p[token] += times
    return p / p.sum()


# %% wrong: negative_is_zero
# "Raises ValueError where k is below 0"
# A negative k is taken for 0.
def ngram_probabilities(counts, context, vocab_size, k=1.0):
    if k < 0:
        k = 0
    seen = counts.get(context, Counter())
    if not seen and k == 0:
        raise ValueError("unknown")
    p = torch.full((vocab_size,), float(k))
    for token, times in seen.items():
        p[token] += times
    return p / p.sum()


# %% right: mixture_of_two
# The relative frequencies mixed with the even distribution, in the proportion that add-k comes to.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError("k is below 0")
    followers = dict(counts[context]) if context in counts else {}
    seen, pretended = sum(followers.values()), k * vocab_size
    if seen + pretended == 0:
        raise ValueError("nothing is known")
    even, own = pretended / (seen + pretended), seen / (seen + pretended)
    result = torch.full((vocab_size,), even / vocab_size, dtype=torch.float64)
    for token, count in followers.items():
        result[token] += own * count / seen if seen else 0.0
    return result.float()


# %% right: index_add_on_a_tensor
# A tensor of k, to which the counts are added at once by index_add.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    followers = next((found for key, found in counts.items() if key == tuple(context)), None)
    known = followers is not None and sum(followers.values()) > 0
    if k < 0 or (k == 0 and not known):
        raise ValueError("nothing is known")
    weights = torch.full((vocab_size,), float(k), dtype=torch.float64)
    if known:
        ids, times = zip(*followers.items())
        weights = weights.index_add(0, torch.tensor(ids), torch.tensor(times, dtype=torch.float64))
    return F.normalize(weights, p=1, dim=0).to(torch.get_default_dtype())


# %% wrong: asks_by_index
# "`counts` stays as it is [a defaultdict too]"
# Asks with counts[context]: a defaultdict of the caller's gets a new, empty context.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    try:
        seen = counts[context]
    except KeyError:
        seen = Counter()
    if k == 0 and not seen:
        raise ValueError(f"nothing is known about what comes after {context}")
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / numbers.sum()).float()


# %% wrong: empty_counter_counts_as_seen
# "One whose Counter is empty was never seen."
# Asks whether the context is a key: with k = 0 an empty Counter gives NaN instead of ValueError.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    if k == 0 and context not in counts:
        raise ValueError("nothing is known")
    seen = counts.get(context, Counter())
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / numbers.sum()).float()


# %% wrong: division_by_zero
# "Raises ValueError where ... k is 0 and the context was never seen"
# Divides Python numbers: ZeroDivisionError where nothing is known.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    total = sum(seen.values()) + k * vocab_size
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% wrong: epsilon_in_the_denominator
# "at least 0 and 1 in sum"
# Adds 1e-8 to the denominator: with k = 1e-9 after a context never seen, the sum is far from 1.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    if k == 0 and not seen:
        raise ValueError(f"nothing is known about what comes after {context}")

    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / (numbers.sum() + 1e-8)).float()


# %% wrong: backs_off
# "After a context that was never seen, all tokens are equally likely."
# Backs off to shorter contexts where the whole one was never seen (and counts has them).
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    short = context
    while not counts.get(short) and short:
        short = short[1:]
    seen = counts.get(short, Counter())
    if k == 0 and not seen:
        raise ValueError(f"nothing is known about what comes after {context}")
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / numbers.sum()).float()


# %% wrong: answers_remembered
# "count(context, w) [as it is now]"
# Remembers answers by the identity of counts: stale when the caller has counted on.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    kept = ngram_probabilities.__dict__.setdefault("kept", {})
    key = (id(counts), context, vocab_size, k)
    if key in kept and kept[key][0] is counts:
        return kept[key][1].clone()
    seen = counts.get(context, Counter())
    if k == 0 and not seen:
        raise ValueError(f"nothing is known about what comes after {context}")
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    result = (numbers / numbers.sum()).float()
    kept[key] = (counts, result)
    return result.clone()


# %% wrong: k_at_least_a_millionth
# "count(context, w) + k"
# Uses no k below 1e-6 (but 0): another number for the 1e-9 of the notebook.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    if k == 0 and not seen:
        raise ValueError(f"nothing is known about what comes after {context}")
    k = max(k, 1e-6) if k else k
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / numbers.sum()).float()


# %% wrong: unseen_always_refused_below_one
# "k is 0 and the context was never seen [ValueError]"
# Raises ValueError for a context never seen whenever k is below 1 (int(k) == 0).
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    if not seen and int(k) == 0:
        raise ValueError("nothing is known")
    numbers = torch.tensor([seen[token] + k for token in range(vocab_size)], dtype=torch.float64)
    return (numbers / numbers.sum()).float()


# %% right: scatter
# A vector of k, counts added at their tokens; the uniform answer on its own path.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context)
    if not seen:
        if k == 0:
            raise ValueError("nothing is known")
        return torch.full((vocab_size,), 1 / vocab_size)
    numbers = torch.full((vocab_size,), float(k), dtype=torch.float64)
    numbers.index_add_(0, torch.tensor(list(seen)), torch.tensor(list(seen.values()), dtype=torch.float64))
    return (numbers / numbers.sum()).to(torch.get_default_dtype())


# %% right: mixture
# A mixture of what was counted and the uniform distribution, with the weights that add-k gives them.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = dict(counts[context]) if context in counts else {}
    total = sum(seen.values())
    if total + k == 0:
        raise ValueError("nothing is known")
    weight = total / (total + k * vocab_size)
    uniform = (1 - weight) / vocab_size if weight < 0.5 else k / (total + k * vocab_size)
    return torch.tensor([weight * (seen.get(token, 0) / max(total, 1)) + uniform for token in range(vocab_size)])


# %% wrong: reads_with_brackets
# "`counts` stays as it is", "a defaultdict too"
# counts[context] where it is a defaultdict: writes the context into it.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts[context] if isinstance(counts, defaultdict) else counts.get(context, Counter())
    total = sum(seen.values()) + k * vocab_size
    if total == 0:
        raise ValueError("nothing is known")
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% wrong: unseen_context_always_uniform
# "where k is 0 and the context was never seen: then nothing is known" (ValueError)
# Uniform for an unseen context, whatever k is.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context)
    if not seen:
        return torch.full((vocab_size,), 1 / vocab_size)
    total = sum(seen.values()) + k * vocab_size
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% wrong: empty_counter_is_seen
# "One whose Counter is empty was never seen": ValueError with k = 0
# Asks `context in counts`: an empty Counter with k = 0 gives ZeroDivisionError.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    if k == 0 and context not in counts:
        raise ValueError("nothing is known")
    seen = counts.get(context, Counter())
    total = sum(seen.values()) + k * vocab_size
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% wrong: k_at_least_a_floor
# "k 0 or more"
# 1e-10 is added to k "against log of 0": with k = 0 unseen tokens are not 0 (and nothing known is uniform).
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    if k == 0 and not seen:
        raise ValueError("nothing is known")
    weights = torch.tensor([seen[token] + max(k, 1e-10) for token in range(vocab_size)])
    return weights / weights.sum()


# %% wrong: backs_off_to_the_unigram
# "After a context that was never seen, all tokens are equally likely"
# Shortens an unseen context until there is one that was seen.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    shorter = context
    while shorter and not counts.get(shorter):
        shorter = shorter[1:]
    seen = counts.get(shorter, Counter())
    total = sum(seen.values()) + k * vocab_size
    if total == 0:
        raise ValueError("nothing is known")
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% wrong: k_in_whole_hundredths
# the formula, with counts that are whole numbers
# Whole numbers inside: k is rounded down to hundredths, so that 0.001 is 0.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    if k == 0 and not seen:
        raise ValueError("nothing is known")
    weights = torch.zeros(vocab_size, dtype=torch.long)
    for token, count in seen.items():
        weights[token] = count
    weights = weights * 100 + int(k * 100)
    return weights / weights.sum() if weights.any() else torch.full((vocab_size,), 1 / vocab_size)


# %% wrong: total_of_the_ten_most_common
# "at least 0 and 1 in sum"
# The total is over the ten most common followers: contexts with more followers do not sum to 1.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts.get(context, Counter())
    total = sum(count for _, count in seen.most_common(10)) + k * vocab_size
    if total == 0:
        raise ValueError("nothing is known")
    return torch.tensor([(seen[token] + k) / total for token in range(vocab_size)])


# %% right: index_add
# A float64 vector filled with k, counts added by index.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = dict(counts.get(context) or {})
    if not followers and not k:
        raise ValueError("neither counts nor k: nothing is known")
    weights = torch.full((vocab_size,), float(k), dtype=torch.float64)
    if followers:
        weights.index_add_(0, torch.tensor(list(followers)), torch.tensor(list(followers.values()), dtype=torch.float64))
    return weights / weights.sum()


# %% right: numpy_and_in
# Asks with `in` first; numpy; float32 result.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    import numpy as np

    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    seen = counts[context] if context in counts else {}
    if len(seen) == 0:
        if k == 0:
            raise ValueError("nothing is known")
        return torch.ones(vocab_size).div(vocab_size)
    row = np.array([seen.get(token, 0) for token in range(vocab_size)], dtype=np.float64) + k
    return torch.from_numpy(row / row.sum()).to(torch.float32)


# %% wrong: asked_with_brackets
# "`counts` stays as it is."
# counts a defaultdict(Counter) and a context that was never seen: it is a key of the caller's counts afterwards
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    try:
        followers = counts[context]
    except KeyError:
        followers = Counter()
    seen = torch.tensor([float(followers[token]) for token in range(vocab_size)])
    total = seen.sum() + k * vocab_size
    if total == 0:
        raise ValueError(f"{context} was never seen, and k is 0: nothing is known")
    return (seen + k) / total


# %% wrong: empty_counter_was_seen
# "One whose Counter is empty was never seen."
# counts {(9,): Counter()}, context (9,), k = 0: NaN instead of a ValueError
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    if k == 0 and context not in counts:
        raise ValueError(f"{context} was never seen, and k is 0: nothing is known")
    followers = counts.get(context, {})
    seen = torch.zeros(vocab_size)
    for token, count in followers.items():
        seen[token] = float(count)
    return (seen + k) / (seen.sum() + k * vocab_size)


# %% wrong: filled_with_k_as_it_is
# "how often they came may be any kind of number"
# counts with halves, {(9,): Counter({1: 2.5, 2: 0.5})}, and a whole k, 0 or 1: the tensor holds whole numbers, and an error or other probabilities come out
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    followers = counts.get(context) or Counter()
    if k == 0 and not followers:
        raise ValueError(f"{context} was never seen, and k is 0: nothing is known")
    weights = torch.full((vocab_size,), k)
    for token, count in followers.items():
        weights[token] += count
    return weights / weights.sum()


# %% wrong: all_alike_before_it_looks_at_k
# "Raises ValueError where k is below 0, or where k is 0 and the context was never seen: then nothing is known."
# a context that was never seen, k = 0: all tokens alike instead of a ValueError
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    followers = counts.get(context)
    if not followers:
        return torch.full((vocab_size,), 1 / vocab_size)
    total = float(sum(followers.values())) + k * vocab_size
    return torch.tensor([(float(followers[token]) + k) / total for token in range(vocab_size)])


# %% wrong: the_last_gets_the_rest
# "Shapes: -> (vocab_size), at least 0 and 1 in sum."
# k = 0, each of tokens 0 to 9 seen once, a vocabulary of 11: the last probability is below 0 (-1.2e-7), and its logarithm NaN
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    followers = counts.get(context, Counter())
    total = float(sum(followers.values())) + k * vocab_size
    if total == 0:
        raise ValueError(f"{context} was never seen, and k is 0: nothing is known")
    p = torch.tensor([(float(followers[token]) + k) / total for token in range(vocab_size)])
    p[-1] = 1 - p[:-1].sum()  # so that they are 1 in sum, whatever was rounded
    return p


# %% right: mixed_with_all_alike
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    followers = counts[context] if context in counts else {}
    total = float(sum(followers.values())) if followers else 0.0
    if k == 0 and not total:
        raise ValueError("nothing is known")
    if not total:
        return torch.ones(vocab_size) / vocab_size
    seen = torch.zeros(vocab_size, dtype=torch.float64)
    for token in followers:
        seen[token] = float(followers[token]) / total
    trust = total / (total + k * vocab_size)  # add-k is a mixture of what was seen and of nothing known
    return torch.lerp(torch.full_like(seen, 1 / vocab_size), seen, trust).clamp(min=0).float()


# %% right: weighted_bincount
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")

    followers = dict(counts.get(context, ()))
    if not followers:
        if k == 0:
            raise ValueError("nothing is known")
        return torch.full((vocab_size,), 1 / vocab_size)
    weights = torch.tensor([float(count) for count in followers.values()], dtype=torch.float64)
    seen = torch.bincount(torch.tensor(list(followers)), weights, minlength=vocab_size)
    return ((seen + k) / (math.fsum(weights.tolist()) + k * vocab_size)).float()
