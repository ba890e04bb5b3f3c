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


# %% wrong: adds_k_to_the_callers_counter
# "`counts` stays as it is."
# k is added in the caller's own Counter: the second question after the same context gets another answer.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = counts.get(context, Counter())
    for token in range(vocab_size):
        followers[token] += k
    total = sum(followers.values())
    if total == 0:
        raise ValueError(f"{context} was never seen, and k is 0")
    return torch.tensor([followers[token] / total for token in range(vocab_size)])


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


# %% wrong: zero_is_the_default
# "k         0 or more                never seen and k = 0: ValueError, since nothing is known"
# `k or 1.0`: a k of 0 becomes 1.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    k = k or 1.0
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = counts.get(context, Counter())
    total = sum(followers.values()) + k * vocab_size
    return torch.tensor([(followers[token] + k) / total for token in range(vocab_size)])


# %% wrong: zero_is_refused
# "| $k = 0$ | 0 | $3/4$ | $1/4$ | 0 |"
# A k of 0 raises a ValueError also where the context was seen.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k <= 0:
        raise ValueError(f"k={k}: has to be positive")
    followers = counts.get(context, Counter())
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


# %% wrong: only_the_unseen_get_k
# "Add $k$ for *every* token of the vocabulary, and"
# k goes only to the tokens that were not seen; the result still sums to 1.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = counts.get(context, Counter())
    weights = torch.tensor([float(followers[token] or k) for token in range(vocab_size)])
    if weights.sum() == 0:
        raise ValueError(f"{context} was never seen, and k is 0")
    return weights / weights.sum()


# %% wrong: kinds_in_place_of_vocabulary
# "at least 0 and 1 in sum."
# The total grows by k for each kind of token seen after the context, not each of the vocabulary: the sum is above 1.
def ngram_probabilities(counts: Counts, context: tuple[int, ...], vocab_size: int, k: float = 1.0) -> Tensor:
    if k < 0:
        raise ValueError(f"k={k}: no token can have been seen less than never")
    followers = counts.get(context, Counter())
    if k == 0 and not followers:
        raise ValueError(f"{context} was never seen, and k is 0")
    total = sum(followers.values()) + k * (len(followers) or vocab_size)
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
