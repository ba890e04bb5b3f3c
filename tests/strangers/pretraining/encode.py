# %% wrong: first_fit_from_the_left
# "Of the pairs in a word the one that was learned first is merged first"
# Takes the first pair from the left that is any merge.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        i = 0
        while i < len(tokens) - 1:
            pair = (tokens[i], tokens[i + 1])
            if pair in ranks:
                tokens[i : i + 2] = [N_BYTES + ranks[pair]]
                i = max(i - 1, 0)
            else:
                i += 1
        result += tokens
    return result


# %% wrong: longest_token_first
# "with the merges made in the order in which they were learned."
# From the left, the longest token whose spelling fits, as WordPiece does it.
def encode(text: str, merges: list[Pair]) -> list[int]:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    number = {}
    for token, its in enumerate(spelt):
        number.setdefault(its, token)
    longest = max(map(len, spelt))
    result = []
    for word in split_words(text):
        rest = word.encode()
        while rest:
            n = next(n for n in range(min(longest, len(rest)), 0, -1) if rest[:n] in number)
            result.append(number[rest[:n]])
            rest = rest[n:]
    return result


# %% wrong: whole_words_looked_up
# "the first merge wherever it fits, from left to right, then the second, and so on."
# A shortcut: a word that is spelt like some token is that token, even where the merges in their order do not make it.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    whole = {its: token for token, its in enumerate(spelt)}
    result = []
    for word in split_words(text):
        if word.encode() in whole:
            result.append(whole[word.encode()])
            continue
        tokens = list(word.encode())
        while known := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(known, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
        result += tokens
    return result


# %% wrong: ranks_of_spellings
# "until no pair in the word is a merge."
# Ranks belong to the bytes that a pair spells together, so that a + bc is merged where only ab + c was learned.
def encode(text: str, merges: list[Pair]) -> list[int]:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    ranks = {}
    for rank, (first, second) in enumerate(merges):
        spelt.append(spelt[first] + spelt[second])
        ranks.setdefault(spelt[-1], rank)
    number = {its: N_BYTES + rank for its, rank in ranks.items()}
    result = []
    for word in split_words(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while True:
            known = [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]
            if not known:
                break
            _, i = min(known)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        result += [number[part] if len(part) > 1 else part[0] for part in parts]
    return result


# %% wrong: only_pairs_of_bytes
# "then the next, also of pairs that only a merge made"
# Asks once, before the first merge, which merges the word needs.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        for rank in sorted({ranks[pair] for pair in pairwise(tokens) if pair in ranks}):
            tokens = merge_pair(tokens, merges[rank], N_BYTES + rank)
        result += tokens
    return result


# %% wrong: words_forgotten
# "its bytes, word by word"
# The whole text is one word, so that a merge may join the end of one with the beginning of the next.
def encode(text: str, merges: list[Pair]) -> list[int]:
    tokens = list(text.encode())
    for rank, pair in enumerate(merges):
        tokens = merge_pair(tokens, pair, N_BYTES + rank)
    return tokens


# %% wrong: from_the_right
# "is merged first, wherever it stands, from left to right"
# The last place of the best pair is merged first: of three equal tokens the first is left over.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        while True:
            known = [(ranks[pair], -i) for i, pair in enumerate(pairwise(tokens)) if pair in ranks]
            if not known:
                break
            rank, i = min(known)
            tokens[-i : -i + 2] = [N_BYTES + rank]
        result += tokens
    return result


# %% wrong: a_memory_that_outlives_the_call
# "but it must not outlive the call, since the next one may bring other merges."
# What a word was is remembered from call to call, for as many merges, whichever they are.
_seen_words = {}


def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        key = (word, len(merges))
        if key not in _seen_words:
            tokens = list(word.encode())
            while known := [pair for pair in pairwise(tokens) if pair in ranks]:
                pair = min(known, key=ranks.__getitem__)
                tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
            _seen_words[key] = tokens
        result += _seen_words[key]
    return result


# %% wrong: a_token_for_the_end
# "whole numbers below 256 + len(merges)"
# The mark between documents gets a number of its own, behind the last merge.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        if word == "<|endoftext|>":
            result.append(N_BYTES + len(merges))
            continue
        tokens = list(word.encode())
        while known := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(known, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
        result += tokens
    return result


# %% wrong: no_complaint_about_half_signs
# "Raises UnicodeEncodeError, as `split_words`."
# What has no bytes becomes a question mark.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in WORD.findall(text):
        tokens = list(word.encode("utf-8", errors="replace"))
        while known := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(known, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
        result += tokens
    return result


# %% wrong: signs_put_in_order_first
# "no merge, more tokens, and nothing is lost."
# Unicode is normalised first, so that an e with an accent behind it comes back as one sign.
import unicodedata


def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(unicodedata.normalize("NFC", text)):
        tokens = list(word.encode())
        while known := [pair for pair in pairwise(tokens) if pair in ranks]:
            pair = min(known, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
        result += tokens
    return result


# %% right: letters_of_an_alphabet
# Each token is one letter of a very large alphabet, and a merge is str.replace, which goes from left to right.
def encode(text: str, merges: list[Pair]) -> list[int]:
    letter = [chr(0x20000 + token) for token in range(256 + len(merges))]

    @cache
    def spell(word):
        spelt = "".join(letter[byte] for byte in word.encode())
        for i, (u, v) in enumerate(merges):
            spelt = spelt.replace(letter[u] + letter[v], letter[256 + i])
        return [ord(sign) - 0x20000 for sign in spelt]

    return [token for word in split_words(text) for token in spell(word)]


# %% right: one_place_at_a_time
# A heap of (rank, place) for each word, the neighbours kept in two lists; old entries are thrown away when they come up.
def encode(text: str, merges: list[Pair]) -> list[int]:
    rank_of = {}
    for i, pair in enumerate(merges):
        rank_of[tuple(pair)] = i

    def one(word: str) -> list[int]:
        tokens = list(word.encode())
        n = len(tokens)
        after = list(range(1, n + 1))
        before = list(range(-1, n - 1))
        heap = []

        def offer(i):
            if i >= 0 and after[i] < n:
                rank = rank_of.get((tokens[i], tokens[after[i]]))
                if rank is not None:
                    heapq.heappush(heap, (rank, i, tokens[i], tokens[after[i]]))

        for i in range(n):
            offer(i)
        while heap:
            rank, i, u, v = heapq.heappop(heap)
            j = after[i]
            if tokens[i] != u or j >= n or tokens[j] != v:
                continue
            tokens[i], tokens[j] = 256 + rank, None
            after[i] = after[j]
            if after[j] < n:
                before[after[j]] = i
            offer(before[i])
            offer(i)
        return [token for token in tokens if token is not None]

    return sum(map(one, split_words(text)), [])
