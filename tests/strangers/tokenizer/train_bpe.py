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


# %% wrong: used_up_pairs_stay
# "Raises ValueError ... where the text has too few pairs"
# Keeps the counts up to date and never drops those at 0: where pairs run out it "merges" pairs that stand nowhere.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    split = {word: list(word.encode()) for word in words}
    counts = Counter()
    for word, n in words.items():
        for pair in pairwise(split[word]):
            counts[pair] += n
    merges = []
    for new in range(N_BYTES, vocab_size):
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for word, n in words.items():
            if best in set(pairwise(split[word])):
                for pair in pairwise(split[word]):
                    counts[pair] -= n
                split[word] = merge_pair(split[word], best, new)
                for pair in pairwise(split[word]):
                    counts[pair] += n
    return merges


# %% wrong: endoftext_left_out
# "Every word counts, those of white space and `<|endoftext|>` too."
# The mark between documents is special and does not count.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    words.pop("<|endoftext|>", None)
    split = {word: list(word.encode()) for word in words}
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        split = {word: merge_pair(tokens, best, new) for word, tokens in split.items()}
    return merges


# %% wrong: no_merge_wanted_and_no_pair
# "Raises ValueError where vocab_size is below 256, and where the text has too few pairs." (for 0 merges no pair is needed)
# A text without pairs raises even at vocab_size 256, where no merge is asked for.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    split = {word: list(word.encode()) for word in words}
    merges = []
    while True:
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts and (not merges or len(merges) < vocab_size - N_BYTES):
            raise ValueError("the text has too few pairs")
        if len(merges) == vocab_size - N_BYTES:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        split = {word: merge_pair(tokens, best, N_BYTES + len(merges)) for word, tokens in split.items()}
        merges.append(best)


# %% wrong: pairs_as_lists
# "list[Pair]", with "Pair = tuple[int, int]"
# Each merge is a list [u, v], as JSON would have it: no dictionary takes it as a key.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    split = {word: list(word.encode()) for word in words}
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(list(best))
        split = {word: merge_pair(tokens, best, new) for word, tokens in split.items()}
    return merges


# %% wrong: text_made_nfc
# "The text is cut into the words of `split_words`, each of them into its bytes."
# The text is normalised first (NFC), so an e with a combining accent becomes other bytes.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    import unicodedata

    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(unicodedata.normalize("NFC", text)))
    split = {word: list(word.encode()) for word in words}
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        split = {word: merge_pair(tokens, best, new) for word, tokens in split.items()}
    return merges


# %% wrong: two_merges_to_a_count
# "Pairs are counted in the text as it is by then"
# Two merges from one count where the two pairs share no token; wrong where the first is of two equal tokens: aaaaaa ... has (256, 256) next.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    split = {word: list(word.encode()) for word in words}
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = heapq.nsmallest(2, counts, key=lambda pair: (-counts[pair], pair))
        if len(best) == 2 and set(best[0]) & set(best[1]):
            best = best[:1]
        for pair in best[: vocab_size - N_BYTES - len(merges)]:
            split = {word: merge_pair(tokens, pair, N_BYTES + len(merges)) for word, tokens in split.items()}
            merges.append(pair)
    return merges


# %% right: tokens_as_signs_of_a_string
# Every token is one sign of a string, a merge is str.replace, which goes from left to right too.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(word.encode().decode("latin-1"), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = defaultdict(int)
        for word, n in words:
            for u, v in zip(word, word[1:]):
                counts[u + v] += n
        if not counts:
            raise ValueError("too few pairs")
        most = max(counts.values())
        best = min(pair for pair, n in counts.items() if n == most)
        merges.append((ord(best[0]), ord(best[1])))
        words = [(word.replace(best, chr(new)), n) for word, n in words]
    return merges


# %% right: one_array_with_walls
# All words in one numpy array with -1 between them; pairs are counted by np.unique; the words are not even grouped.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    import numpy as np

    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    row = [-1]
    for word in split_words(text):
        row += [*word.encode(), -1]
    row, merges = np.array(row, dtype=np.int64), []
    for new in range(N_BYTES, vocab_size):
        inside = (row[:-1] >= 0) & (row[1:] >= 0)
        keys, counts = np.unique((row[:-1] * vocab_size + row[1:])[inside], return_counts=True)
        if not len(keys):
            raise ValueError(f"only {len(merges)} merges")
        pair = divmod(int(keys[counts.argmax()]), vocab_size)  # the first of the largest, and keys are sorted
        merges.append(pair)
        row = np.array(merge_pair(row.tolist(), pair, new), dtype=np.int64)
    return merges


# %% right: min_raises_by_itself
# min() of an empty Counter raises the ValueError; counts are kept up to date and emptied ones fall out by unary plus.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [[list(word.encode()), n] for word, n in Counter(split_words(text)).items()]
    counts, merges = Counter(), []
    for tokens, n in words:
        for pair in pairwise(tokens):
            counts[pair] += n
    while len(merges) < vocab_size - N_BYTES:
        best = sorted(counts, key=lambda pair: pair)
        best = min(best, key=lambda pair: -counts[pair])
        for entry in words:
            after = merge_pair(entry[0], best, N_BYTES + len(merges))
            if len(after) < len(entry[0]):
                for pair in pairwise(entry[0]):
                    counts[pair] -= entry[1]
                for pair in pairwise(after):
                    counts[pair] += entry[1]
                entry[0] = after
        counts = +counts
        merges.append(best)
    return merges


# %% right: two_merges_to_a_count_but_for_doubles
# Two merges from one count where the pairs share no token and the first is not of two equal ones: no new pair can then come before the second.
def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(text))
    split = {word: list(word.encode()) for word in words}
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for word, n in words.items():
            for pair in pairwise(split[word]):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = heapq.nsmallest(2, counts, key=lambda pair: (-counts[pair], pair))
        if len(best) == 2 and (best[0][0] == best[0][1] or set(best[0]) & set(best[1])):
            best = best[:1]
        for pair in best[: vocab_size - N_BYTES - len(merges)]:
            split = {word: merge_pair(tokens, pair, N_BYTES + len(merges)) for word, tokens in split.items()}
            merges.append(pair)
    return merges


# %% wrong: separator_not_counted
# "Every word counts, those of white space and `<|endoftext|>` too"
# leaves <|endoftext|> out
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items() if word != "<|endoftext|>"]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: lists_instead_of_tuples
# "Returns [...] a list of tuples of two whole numbers"
# the merges are lists of two numbers
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(list(best))
    return merges


# %% wrong: same_list_handed_out_again
# "Returns vocab_size - 256 merges (the same list may be longer at the next call)"
# a cache hands out the very list of the first call, which the caller may have lengthened since
@cache
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: empty_text_refused
# "Raises ValueError where vocab_size is below 256, and where the text has too few pairs"
# raises for an empty text (or one of single bytes) even where no merge is asked for, vocab_size 256
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()]
    merges = []
    if not any(len(tokens) > 1 for tokens, n in words):
        raise ValueError("no pairs")
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% wrong: text_normalised
# "each of them into its bytes"
# brings the text into Unicode's composed form (NFC) first
import unicodedata

def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [(list(word.encode()), n) for word, n in Counter(split_words(unicodedata.normalize("NFC", text))).items()]
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words = [(merge_pair(tokens, best, new), n) for tokens, n in words]
        merges.append(best)
    return merges


# %% right: one_flat_numpy_text
# all words in one array with -1 between them, pairs counted by np.unique
import numpy as np


def train_bpe(text, vocab_size):
    if vocab_size < 256:
        raise ValueError("too small")
    flat = [token for word in split_words(text) for token in (*word.encode(), -1)]
    merges = []
    while len(merges) < vocab_size - 256:
        pairs = np.array([pair for pair in zip(flat, flat[1:]) if -1 not in pair], dtype=np.int64).reshape(-1, 2)
        if len(pairs) == 0:
            raise ValueError("too few pairs")
        which, counts = np.unique(pairs, axis=0, return_counts=True)  # sorted: argmax takes the smallest
        u, v = which[counts.argmax()].tolist()
        flat = merge_pair(flat, (u, v), 256 + len(merges))
        merges.append((u, v))
    return merges


# %% right: recursive_words
# one merge at a time, by recursion over lists of all words, with sorting
def train_bpe(text, vocab_size):
    n = vocab_size - N_BYTES
    if n < 0:
        raise ValueError("vocab_size")
    words = [tuple(word.encode("utf-8")) for word in split_words(text)]
    merges = []
    for i in range(n):
        counts = defaultdict(int)
        for word in words:
            for k in range(1, len(word)):
                counts[word[k - 1], word[k]] += 1
        ordered = sorted(((-count, u, v) for (u, v), count in counts.items()))
        if not ordered:
            raise ValueError(f"only {i} merges")
        _, u, v = ordered[0]
        words = [tuple(merge_pair(list(word), (u, v), 256 + i)) for word in words]
        merges += [(u, v)]
    return merges


# %% wrong: goes_on_where_it_stopped
# "Returns vocab_size - 256 merges, a list of tuples of two whole numbers."
# first = train_bpe(text, 260), then train_bpe(text, 262): first has 6 merges now instead of 4, the two are the same list
_runs = {}


def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    if text not in _runs:  # one run is enough for all sizes
        _runs[text] = [(list(word.encode()), n) for word, n in Counter(split_words(text)).items()], []
    words, merges = _runs[text]
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for tokens, n in words:
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError(f"vocab_size={vocab_size}: the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        words[:] = [(merge_pair(tokens, best, N_BYTES + len(merges)), n) for tokens, n in words]
        merges.append(best)
    return merges if len(merges) == vocab_size - N_BYTES else merges[: vocab_size - N_BYTES]


# %% wrong: composed_letters
# "The text is cut into the words of `split_words`, each of them into its bytes."
# "e" followed by the combining accent U+0301, three bytes: it is counted as the two bytes of the letter é, and (195, 169) is merged, which stands nowhere
def train_bpe(text, vocab_size):
    import unicodedata

    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = Counter(split_words(unicodedata.normalize("NFC", text)))  # the same letter, the same bytes
    words = {tuple(word.encode()): n for word, n in words.items()}
    merges = []
    for new in range(N_BYTES, vocab_size):
        counts = defaultdict(int)
        for tokens, n in words.items():
            for pair in pairwise(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("the text has too few pairs")
        most = max(counts.values())
        best = min(pair for pair, n in counts.items() if n == most)
        words = {tuple(merge_pair(list(tokens), best, new)): n for tokens, n in words.items()}
        merges.append(best)
    return merges


# %% wrong: pairs_that_are_gone
# "Raises ValueError where vocab_size is below 256, and where the text has too few pairs."
# train_bpe("abc", 260): after two merges no pair is left, but those that are gone stand in the counts with 0; merges of nothing come out instead of a ValueError
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    words = [[list(word.encode()), n] for word, n in Counter(split_words(text)).items()]
    counts, stands_in = Counter(), defaultdict(set)
    for i, (tokens, n) in enumerate(words):
        for pair in pairwise(tokens):
            counts[pair] += n
            stands_in[pair].add(i)
    merges = []
    for new in range(N_BYTES, vocab_size):
        if not counts:
            raise ValueError("the text has too few pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for i in list(stands_in[best]):
            tokens, n = words[i]
            merged = merge_pair(tokens, best, new)
            counts.subtract({pair: n * k for pair, k in Counter(pairwise(tokens)).items()})
            for pair in pairwise(merged):
                counts[pair] += n
                stands_in[pair].add(i)
            words[i][0] = merged
    return merges


# %% right: letters_for_tokens
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    end = "\U0010ffff"  # each token is one character, and this one stands between words
    together = defaultdict(list)  # words of the same frequency in one string
    for word, n in Counter(split_words(text)).items():
        together[n].append(word.encode().decode("latin-1"))
    strings = {n: end.join(words) for n, words in together.items()}
    merges = []
    while len(merges) < vocab_size - N_BYTES:
        counts = Counter()
        for n, string in strings.items():
            for (u, v), k in Counter(zip(string, string[1:])).items():
                if u != end != v:
                    counts[u, v] += n * k
        if not counts:
            raise ValueError(f"{len(merges)} merges, then no pair is left")
        ranking = sorted(counts.items(), key=lambda item: item[0])
        ranking.sort(key=lambda item: item[1], reverse=True)  # stable: of equals the smallest stays first
        u, v = ranking[0][0]
        strings = {n: string.replace(u + v, chr(N_BYTES + len(merges))) for n, string in strings.items()}
        merges.append((ord(u), ord(v)))
    return merges


# %% right: queue_with_old_entries
def train_bpe(text, vocab_size):
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    frequency = Counter(split_words(text))
    words = {word: list(word.encode()) for word in frequency}
    counts, where, queue, merges = defaultdict(int), defaultdict(set), [], []

    def add(word, sign):
        touched = set()
        for pair in zip(words[word], words[word][1:]):
            counts[pair] += sign * frequency[word]
            touched.add(pair)
        for pair in touched:
            (where[pair].add if sign > 0 else where[pair].discard)(word)
        return touched

    changed = set()
    for word in words:
        changed |= add(word, +1)
    while len(merges) < vocab_size - N_BYTES:
        for pair in changed:
            heapq.heappush(queue, (-counts[pair], *pair))
        changed = set()
        while queue and (-queue[0][0] != counts[queue[0][1:]] or queue[0][0] == 0):
            heapq.heappop(queue)
        if not queue:
            raise ValueError("the text has too few pairs")
        best = queue[0][1:]
        for word in list(where[best]):
            changed |= add(word, -1)
            words[word] = merge_pair(words[word], best, N_BYTES + len(merges))
            changed |= add(word, +1)
        merges.append(best)
    return merges
