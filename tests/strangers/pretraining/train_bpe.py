# %% wrong: ties_by_first_seen
# "of those equally frequent the smallest, by its first token, then its second"
# Of equally frequent pairs the one that stands first in the text is taken, as Counter.most_common gives it.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = counts.most_common(1)[0][0]
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: ties_by_what_they_spell
# "Of equally frequent pairs the smallest is taken, by $u$ and then by $v$"
# Ties are broken by the bytes that the two tokens spell, in alphabetical order, and not by the tokens' numbers.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], spelt[pair[0]], spelt[pair[1]]))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        spelt.append(spelt[best[0]] + spelt[best[1]])
        merges.append(best)
    return merges


# %% wrong: second_token_not_asked
# "the smallest, by its first token, then its second"
# Ties are broken by the first token alone; among those with the same first token the order of the text decides.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair[0]))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: three_in_a_row_hold_one
# "at every place where they stand: three equal tokens in a row hold two pairs."
# Overlapping occurrences are counted once, as they could be merged.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            taken = -1
            for i, pair in enumerate(pairwise(tokens)):
                if pair[0] == pair[1] and taken == i:
                    taken = -1
                    continue
                counts[pair] += n
                taken = i + 1 if pair[0] == pair[1] else -1
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: words_between_spaces
# "Pairs are counted within the words of `split_words`, so that no token reaches from one word into the next"
# Cuts at white space only, so that letters, digits and the signs behind them are one word.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    pieces = re.findall(r" ?\S+|\s+(?!\S)|\s+", text)
    words = [(list(word.encode()), n) for word, n in Counter(pieces).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: end_of_text_learns_nothing
# "between documents: a word, whatever stands beside it"
# The mark between documents is left out of the counting, as a special token is elsewhere; here it is a word like any.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    counted = Counter(word for word in split_words(text) if word != "<|endoftext|>")
    words = [(list(word.encode()), n) for word, n in counted.items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: fewer_without_a_word
# "and where the text has no pair left before that."
# Stops quietly and returns the merges that there are.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            break
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: complains_although_nothing_is_asked
# "raises ValueError where no pair is left before that"
# The complaint comes one round early: also where the last pair was needed and taken, and for 256 on a text without one.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while True:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        if len(merges) == vocab_size - N_BYTES:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)


# %% wrong: once_is_not_enough
# "Returns vocab_size - 256 merges."
# A pair that stands there only once is not merged any more: too few merges are found, and the error comes too early.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts or max(counts.values()) < 2:
            raise ValueError("no pair is left that stands there twice")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: merges_from_the_right
# "The tokens with `new` in the place of `pair`, wherever it stands, found from left to right."
# Merges by itself, from the right: three equal tokens become one and a pair, and not a pair and one.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")

    def merged(tokens, pair, new):
        tokens = list(tokens)
        for i in range(len(tokens) - 2, -1, -1):
            if tuple(tokens[i : i + 2]) == pair:
                tokens[i : i + 2] = [new]
        return tokens

    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merged(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: counts_that_are_out_of_date
# "Pairs are counted in the text as it is by then, earlier merges made"
# Keeps the counts up to date, but forgets that the old neighbours of a merged pair have lost a place.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    counts = Counter()
    for tokens, n in words:
        for pair in pairwise(tokens):
            counts[pair] += n
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        new = N_BYTES + len(merges)
        del counts[best]
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        for tokens, n in words:
            for pair in pairwise(tokens):
                if new in pair:
                    counts[pair] += n
        merges.append(best)
    return merges


# %% wrong: plain_letters_only
# "The text is cut into words, each word into its bytes."
# Works on ASCII: what is not of it is left out, and never merged.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode("ascii", "ignore")), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: each_word_once
# "but its pairs count as often as it stands there."
# Each different word is counted once, however often it stands in the text.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [list(word.encode()) for word in dict.fromkeys(split_words(text))]
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter(pair for tokens in words for pair in pairwise(tokens))
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [merge_pair(tokens, best, N_BYTES + len(merges)) for tokens in words]
        merges.append(best)
    return merges


# %% wrong: below_256_is_none
# "Raises ValueError where vocab_size is below 256"
# Asks for no merges, or fewer than none, and gets an empty list.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% right: one_long_list
# The whole text is one list with a gap (-1) after each word, changed in place; no word is looked up.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < 256:
        raise ValueError("the bytes alone are 256 tokens")
    line = []
    for word in split_words(text):
        line.extend(word.encode("utf-8"))
        line.append(-1)
    found = []
    for new in range(256, vocab_size):
        table = defaultdict(int)
        for i in range(len(line) - 1):
            if line[i] >= 0 and line[i + 1] >= 0:
                table[line[i], line[i + 1]] += 1
        if len(table) == 0:
            raise ValueError(f"no pair is left after {len(found)} merges")
        most = max(table.values())
        u, v = sorted(pair for pair, n in table.items() if n == most)[0]
        shorter, i = [], 0
        while i < len(line):
            if i + 1 < len(line) and line[i] == u and line[i + 1] == v:
                shorter.append(new)
                i += 2
            else:
                shorter.append(line[i])
                i += 1
        line = shorter
        found.append((u, v))
    return found


# %% right: with_tensors
# Pairs are numbers u · vocab_size + v, and torch counts them; of its sorted values argmax takes the first, the smallest.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}")
    its = Counter(split_words(text))
    spelt = [list(word.encode()) for word in its]
    merges = []
    for new in range(N_BYTES, vocab_size):
        keys = [u * vocab_size + v for tokens in spelt for u, v in zip(tokens, tokens[1:])]
        if not keys:
            raise ValueError("nothing is left to merge")
        often = [n for tokens, n in zip(spelt, its.values()) for _ in tokens[1:]]
        values, where = torch.tensor(keys).unique(sorted=True, return_inverse=True)
        sums = torch.zeros(len(values), dtype=torch.long).index_add_(0, where, torch.tensor(often))
        key = int(values[(sums == sums.max()).nonzero()[0, 0]])
        pair = divmod(key, vocab_size)
        spelt = [merge_pair(tokens, pair, new) for tokens in spelt]
        merges.append(pair)
    return merges
