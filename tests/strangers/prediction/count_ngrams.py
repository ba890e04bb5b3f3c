# %% wrong: zero_is_allowed
# "Raises ValueError where n is below 1."
# Only negative n are refused; n = 0 gives no counts.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 0:
        raise ValueError(f"n={n}: an n-gram has no negative length")
    text, counts = tokens.tolist(), defaultdict(Counter)
    if n == 0:
        return counts
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: short_text_is_an_error
# "tokens (N) -> {context: Counter of the next tokens}."
# A text shorter than n, which has no n-gram, raises a ValueError in place of giving no counts.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    text, counts = tokens.tolist(), defaultdict(Counter)
    if not 1 <= n <= len(text):
        raise ValueError(f"n={n}: a text of {len(text)} tokens has no such n-grams")
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: dictionaries_for_counters
# "count_ngrams(tokens, n) -> {context: Counter of what came after it}"
# The inner tables are plain dictionaries, which raise KeyError for a token that never came.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), {}
    for i in range(len(text) - n + 1):
        inner = counts.setdefault(tuple(text[i : i + n - 1]), {})
        inner[text[i + n - 1]] = inner.get(text[i + n - 1], 0) + 1
    return counts


# %% wrong: five_tokens_at_most
# "each context of n - 1 tokens"
# No context is longer than four tokens.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[max(0, i - min(n, 5) + 1) : i])][ids[i]] += 1
    return dict(counts)


# %% wrong: numbers_that_default
# "{context: Counter of the next tokens}"
# The inner tables are defaultdict(int), which write down every question.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[i - n + 1 : i])][ids[i]] += 1
    return {context: defaultdict(int, found) for context, found in counts.items()}


# %% wrong: an_empty_counter_for_nothing
# "a text of fewer than n tokens gives no counts at all"
# An empty text has the empty context, with an empty Counter.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[i - n + 1 : i])][ids[i]] += 1
    return dict(counts) or {(): Counter()}


# %% right: unfold_and_count_rows
# All n-grams as rows of a matrix, counted by torch.unique, and then written into dictionaries.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError("n is below 1")
    counts: Counts = {}
    if tokens.numel() < n:
        return counts
    rows, times = torch.unique(tokens.unfold(0, n, 1), dim=0, return_counts=True)
    for (*context, following), how_often in zip(rows.tolist(), times.tolist()):
        counts.setdefault(tuple(context), Counter())[following] = how_often
    return counts


# %% right: sliding_deque
# A deque holds the context while the text is read once, token by token.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    from collections import deque

    if not n >= 1:
        raise ValueError("n is below 1")
    counts, context, waiting = {}, deque(), n - 1
    for token in map(int, tokens):
        if waiting:
            waiting -= 1
        else:
            key = tuple(context)
            if key not in counts:
                counts[key] = Counter()
            counts[key].update([token])
            if n > 1:
                context.popleft()
        if n > 1:
            context.append(token)
    return counts


# %% wrong: short_text_refused
# "a text of fewer than n tokens gives no counts at all"
# Raises ValueError for a text of fewer than n tokens.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    if len(text) < n:
        raise ValueError(f"{len(text)} tokens are too few for n={n}")
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: empty_context_always_there
# "A context that nothing came after is no key"
# Makes the key () for n = 1 before it counts: an empty text has it too.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    if n == 1:
        return {(): Counter(text)}
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: last_context_is_a_key
# "A context that nothing came after is no key"
# Makes a key of every context, also of the last one, which nothing comes after.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = {}
    for i in range(len(text) - n + 2):
        followers = counts.setdefault(tuple(text[i : i + n - 1]), Counter())
        if i + n - 1 < len(text):
            followers[text[i + n - 1]] += 1
    return counts


# %% wrong: dictionaries_not_counters
# "{context: Counter of the next tokens}"
# A defaultdict of defaultdict(int): counts as well, but has no most_common and writes when it is asked.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = defaultdict(lambda: defaultdict(int))
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% right: zip_of_shifted_texts
# zip of n shifted texts; a plain dict.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = {}
    for *context, token in zip(*(text[shift:] for shift in range(n))):
        counts.setdefault(tuple(context), Counter()).update([token])
    return counts


# %% right: unique_rows
# torch.unique counts the rows of all windows.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    counts = {}
    if len(tokens) >= n:
        grams, times = torch.unique(tokens.unfold(0, n, 1), dim=0, return_counts=True)
        for gram, count in zip(grams.tolist(), times.tolist()):
            counts.setdefault(tuple(gram[:-1]), Counter())[gram[-1]] = count
    return counts


# %% right: sliding_deque_too
# A deque of the last n tokens.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    from collections import deque
    window, counts = deque(maxlen=n), defaultdict(Counter)
    for token in map(int, tokens):
        window.append(token)
        if len(window) == n:
            *context, last = window
            counts[tuple(context)] += Counter({last: 1})
    return dict(counts)


# %% wrong: too_short_raises
# "a text of fewer than n tokens gives no counts at all"
# Raises ValueError there.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1 or n > len(tokens):
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), {}
    for i in range(n - 1, len(text)):
        counts.setdefault(tuple(text[i - n + 1 : i]), Counter())[text[i]] += 1
    return counts


# %% wrong: empty_context_for_no_text
# "A context that nothing came after is no key, so a text of fewer than n tokens gives no counts at all"
# n = 1 is treated by itself: an empty text gives {(): Counter()}.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    if n == 1:
        return {(): Counter(text)}
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return dict(counts)


# %% wrong: last_context_is_a_key_too
# "A context that nothing came after is no key"
# Makes a Counter for the last context of the text too.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), {}
    for i in range(len(text) - n + 2):
        followers = counts.setdefault(tuple(text[i : i + n - 1]), Counter())
        if i + n - 1 < len(text):
            followers[text[i + n - 1]] += 1
    return counts


# %% wrong: plain_dictionaries
# "-> {context: Counter of the next tokens}"
# Dictionaries in place of Counters: counts[context][unseen] is KeyError.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), {}
    for i in range(len(text) - n + 1):
        followers = counts.setdefault(tuple(text[i : i + n - 1]), {})
        followers[text[i + n - 1]] = followers.get(text[i + n - 1], 0) + 1
    return counts


# %% right: zip_of_shifted_lists
# zip over n shifted lists; one Counter of whole n-grams, then taken apart.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts: Counts = {}
    for (*context, token), often in Counter(zip(*(text[i:] for i in range(n)))).items():
        counts.setdefault(tuple(context), Counter())[token] = often
    return counts


# %% right: unique_of_unfold
# torch.unique of the windows, with counts as floats.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    counts = defaultdict(Counter)
    if len(tokens) >= n:
        grams, often = tokens.unfold(0, n, 1).unique(dim=0, return_counts=True)
        for gram, count in zip(grams.tolist(), often.tolist()):
            counts[tuple(gram[:-1])][gram[-1]] = float(count)
    return counts


# %% right: sliding_deque_too_too
# A deque of the last n - 1 tokens.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    from collections import deque

    before, counts = deque(maxlen=n - 1), defaultdict(Counter)
    for token in map(int, tokens):
        if len(before) == n - 1:
            counts[tuple(before)].update([token])
        before.append(token)
    return counts


# %% wrong: single_tokens_apart
# "A context that nothing came after is no key, so a text of fewer than n tokens gives no counts at all."
# no tokens and n = 1: {(): Counter()} instead of {}
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    text = tokens.tolist()
    if n == 1:
        return {(): Counter(text)}
    counts = defaultdict(Counter)
    for i in range(n - 1, len(text)):
        counts[tuple(text[i - n + 1 : i])][text[i]] += 1
    return dict(counts)


# %% wrong: text_as_long_as_n
# "A text of $N$ tokens has $N - n + 1$ of them, one for each position that has a whole context before it."
# three tokens and n = 3: no counts instead of one
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    counts: Counts = {}
    text = tokens.tolist()
    if len(text) <= n:
        return counts  # too short
    for start in range(len(text) - n + 1):
        *context, following = text[start : start + n]
        counts.setdefault(tuple(context), Counter())[following] += 1
    return counts


# %% wrong: unfolded
# "so a text of fewer than n tokens gives no counts at all"
# two tokens and n = 3: a RuntimeError instead of {}
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    counts = defaultdict(Counter)
    for *context, following in tokens.unfold(0, n, 1).tolist():
        counts[tuple(context)][following] += 1
    return counts


# %% wrong: numbers_of_numpy_again
# "In it, and in the Counters, the tokens are plain Python numbers"
# the types in a Counter: numpy.int64 instead of int
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    text = tokens.numpy()
    counts = defaultdict(Counter)
    for end in range(n - 1, len(text)):
        counts[tuple(text[end - n + 1 : end].tolist())][text[end]] += 1
    return counts


# %% wrong: packed_into_one_number
# "Count which tokens came after each context of n - 1 tokens"
# n = 5 with tokens up to 50,000: 50000 ** 5 is more than 64 bits hold, other contexts come out than were in the text
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    counts = defaultdict(Counter)
    if len(tokens) < n:
        return counts
    base = int(tokens.max()) + 1
    length = len(tokens) - n + 1
    codes = torch.zeros(length, dtype=torch.int64)
    for i in range(n):
        codes = codes * base + tokens[i : i + length]
    for code, count in zip(*(its.tolist() for its in codes.unique(return_counts=True))):
        ngram = []
        for _ in range(n):
            code, token = divmod(code, base)
            ngram.append(token)
        following, *context = ngram
        counts[tuple(reversed(context))][following] += count
    return counts


# %% right: sorted_and_grouped
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    from itertools import groupby

    text = tokens.tolist()
    ngrams = sorted(tuple(text[i : i + n]) for i in range(max(0, len(text) - n + 1)))
    return {
        context: Counter(ngram[-1] for ngram in group)
        for context, group in groupby(ngrams, key=lambda ngram: ngram[:-1])
    }


# %% right: rows_of_a_matrix
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    total = tokens.numel() - n + 1
    counts: Counts = {}
    if total < 1:
        return counts
    rows = torch.stack([tokens[i : i + total] for i in range(n)], dim=1)
    different, how_often = torch.unique(rows, dim=0, return_counts=True)
    for row, count in zip(different.tolist(), how_often.tolist()):
        token = row.pop()
        counts.setdefault(tuple(row), Counter()).update({token: count})
    return counts
