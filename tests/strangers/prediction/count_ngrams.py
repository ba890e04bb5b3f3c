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


# %% wrong: sorted_contexts
# "the context is in reading order"
# The context is sorted, so that its order is lost.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(sorted(ids[i - n + 1 : i]))][ids[i]] += 1
    return dict(counts)


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


# %% wrong: rare_ones_are_left_out
# "Count which tokens came after each context"
# Contexts that came once are left out, to save memory.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[i - n + 1 : i])][ids[i]] += 1
    return {context: found for context, found in counts.items() if sum(found.values()) > 1}


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


# %% wrong: shares_for_counts
# "says how often 2 came after 5, 7"
# The Counters hold shares.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[i - n + 1 : i])][ids[i]] += 1
    return {c: Counter({t: m / sum(f.values()) for t, m in f.items()}) for c, f in counts.items()}


# %% wrong: repeats_count_once
# "at every position where all n tokens are there"
# A token that repeats the one before it is not counted.
def count_ngrams(tokens, n):
    if n < 1:
        raise ValueError("n")
    ids = tokens.unique_consecutive().tolist()
    counts = defaultdict(Counter)
    for i in range(n - 1, len(ids)):
        counts[tuple(ids[i - n + 1 : i])][ids[i]] += 1
    return dict(counts)


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


# %% wrong: numpy_numbers
# "In it, and in the Counters, the tokens are plain Python numbers."
# Takes the tokens from a numpy array: they are equal to Python's numbers, but they are np.int64.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.cpu().numpy()
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: floats
# "Keys are plain whole numbers"
# Goes through floating point: 5.0 is found as 5, but it is not a whole number.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.double().tolist()
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: counts_of_the_call_before
# "Count which tokens came after each context [in these tokens]"
# A mutable default argument: counts go on from call to call with the same n.
def count_ngrams(tokens: Tensor, n: int, kept: dict = {}) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = kept.setdefault(n, defaultdict(Counter))
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
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


# %% wrong: contexts_in_one_number
# "Count which tokens came after each context"
# Packs each n-gram into one number with base 1,000: tokens from 1,000 on run into each other.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    packed = Counter()
    code = 0
    for i, token in enumerate(text):
        code = (code * 1000 + token) % 1000**n
        if i >= n - 1:
            packed[code] += 1
    counts = defaultdict(Counter)
    for code, times in packed.items():
        gram = [code // 1000**place % 1000 for place in range(n - 1, -1, -1)]
        counts[tuple(gram[:-1])][gram[-1]] += times
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


# %% wrong: bigrams_by_the_bare_token
# "The context is a tuple in reading order."
# With n = 2 the context is the token itself, not a tuple of one.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        context = text[i] if n == 2 else tuple(text[i : i + n - 1])
        counts[context][text[i + n - 1]] += 1
    return counts


# %% wrong: shorter_contexts_at_the_beginning
# "at every position where all n tokens are there"
# Counts the first n - 1 tokens too, after the shorter contexts that they have.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    counts = defaultdict(Counter)
    for i, token in enumerate(text):
        counts[tuple(text[max(0, i - n + 1) : i])][token] += 1
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


# %% wrong: last_token_forgotten
# "A text of N tokens has N - n + 1 of them" / "The last 7 is in the counts"
# range(len - n): the last n-gram is missing.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i in range(len(text) - n):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


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


# %% wrong: bare_token_for_bigrams
# "The context is a tuple in reading order"
# With n = 2 the key is the token itself.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i in range(len(text) - n + 1):
        context = text[i] if n == 2 else tuple(text[i : i + n - 1])
        counts[context][text[i + n - 1]] += 1
    return counts


# %% wrong: tensor_tokens_in_the_counters
# "In it, and in the Counters, the tokens are plain Python numbers"
# The context is plain, what came after it is a tensor.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    counts = defaultdict(Counter)
    for i in range(len(tokens) - n + 1):
        counts[tuple(tokens[i : i + n - 1].tolist())][tokens[i + n - 1]] += 1
    return counts


# %% wrong: numpy_numbers_too
# "the tokens are plain Python numbers"
# tokens.numpy(): numpy's int64, which compare and hash alike but are no plain numbers.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.cpu().numpy(), defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
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


# %% wrong: counts_kept_from_call_to_call
# "Count which tokens came after each context" of this text
# A mutable default argument: the second text is added to the first.
def count_ngrams(tokens: Tensor, n: int, counts=defaultdict(Counter)) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text = tokens.tolist()
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
    return counts


# %% wrong: backs_off_at_the_beginning
# "at every position where all n tokens are there"
# Counts the shorter contexts at the beginning of the text too.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = tokens.tolist(), defaultdict(Counter)
    for i, token in enumerate(text):
        counts[tuple(text[max(0, i - n + 1) : i])][token] += 1
    return counts


# %% wrong: overlapping_equals_skipped
# "one for each position that has a whole context before it"
# Counts like str.count, without overlap of equal n-grams: 7 7 7 has one (7,): 7 instead of two.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts, last = tokens.tolist(), defaultdict(Counter), {}
    for i in range(len(text) - n + 1):
        gram = tuple(text[i : i + n])
        if i - last.get(gram, -n) >= n:
            counts[gram[:-1]][gram[-1]] += 1
            last[gram] = i
    return counts


# %% wrong: zero_is_padding
# "Count which tokens came after each context"
# Throws out token 0 as padding before counting.
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")
    text, counts = [token for token in tokens.tolist() if token], defaultdict(Counter)
    for i in range(len(text) - n + 1):
        counts[tuple(text[i : i + n - 1])][text[i + n - 1]] += 1
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


# %% wrong: ragged_end_by_truth
# "at every position where all n tokens are there"
# a text with the token 0, such as 5 0 5 0 7 and n = 2: (5,): {0: 2} is missing
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    from itertools import zip_longest

    text = tokens.tolist()
    counts = defaultdict(Counter)
    for ngram in zip_longest(*(text[i:] for i in range(n))):
        if not all(ngram[1:]):  # at the end the later ones are None
            continue
        counts[ngram[:-1]][ngram[-1]] += 1
    return counts


# %% wrong: counted_as_text
# "at every position where all n tokens are there"
# 7 7 7 7 and n = 2: str.count counts no two that overlap, (7,): {7: 2} instead of {7: 3}
def count_ngrams(tokens: Tensor, n: int) -> Counts:
    if n < 1:
        raise ValueError(f"n={n}: an n-gram has at least one token")

    text = tokens.tolist()
    joined = "".join(f"<{token}>" for token in text)
    counts = defaultdict(Counter)
    for i in range(len(text) - n + 1):
        *context, following = text[i : i + n]
        if following not in counts[tuple(context)]:
            counts[tuple(context)][following] = joined.count("".join(f"<{token}>" for token in text[i : i + n]))
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
