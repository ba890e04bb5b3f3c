# %% wrong: last_token_not_counted
# "The last 7 is in the counts, as the token after `5 7`."
# range(N - n) stops one position too early, and the last n-gram is missing.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i in range(len(text) - n):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: nothing_for_single_tokens
# "one context, the empty one: `counts[()]`."
# The contexts are zipped from n - 1 shifted copies: with n = 1 nothing is zipped, and the result is empty.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    contexts = zip(*(text[i:] for i in range(n - 1)))
    for context, following in zip(contexts, text[n - 1 :]):
        counts[context][following] += 1
    return counts


# %% wrong: bare_number_for_one
# "| 2 | `(5,): {7: 2}`, `(7,): {2: 1, 7: 1}`, `(2,): {5: 1}` |"
# A context of one token is a bare number, not a tuple.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i in range(n - 1, len(text)):
        context = text[i - 1] if n == 2 else tuple(text[i - n + 1 : i])
        counts[context][text[i]] += 1
    return counts


# %% wrong: nearest_token_first
# "The keys are plain Python numbers, and the context is in reading order."
# The context is collected backwards from the token: seen only from n = 3 on.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i in range(n - 1, len(text)):
        counts[tuple(text[i - back] for back in range(1, n))][text[i]] += 1
    return counts


# %% wrong: numbers_of_numpy
# "Keys are plain whole numbers"
# The keys are NumPy's int64, which are equal to plain numbers, but are none.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.numpy(), defaultdict(Counter)
    for i in range(len(text) - n + 1):
        *context, following = text[i : i + n]
        counts[tuple(context)][following] += 1
    return counts


# %% wrong: short_contexts_at_the_beginning
# "at every position where all n tokens are there."
# The first n - 1 tokens are counted too, after the shorter contexts that they have.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i, following in enumerate(text):
        counts[tuple(text[max(0, i - n + 1) : i])][following] += 1
    return counts


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


# %% wrong: overlaps_count_once
# "of them, one for each position that has a whole context before it."
# Each n-gram is counted as str.count would: where it overlaps itself, as 7 7 in 7 7 7, it is counted once.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts, free = tokens.tolist(), defaultdict(Counter), {}
    for i in range(len(text) - n + 1):
        gram = tuple(text[i : i + n])
        if i >= free.get(gram, 0):
            counts[gram[:-1]][gram[-1]] += 1
            free[gram] = i + n
    return counts


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
