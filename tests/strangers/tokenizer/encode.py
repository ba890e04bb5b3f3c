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


# %% wrong: words_forgotten
# "its bytes, word by word"
# The whole text is one word, so that a merge may join the end of one with the beginning of the next.
def encode(text: str, merges: list[Pair]) -> list[int]:
    tokens = list(text.encode())
    for rank, pair in enumerate(merges):
        tokens = merge_pair(tokens, pair, N_BYTES + rank)
    return tokens


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


# %% wrong: the_mark_in_bytes
# "`<|endoftext|>` is a word like others."
# The mark between documents is never merged.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        while word != "<|endoftext|>" and (known := [pair for pair in pairwise(tokens) if pair in ranks]):
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


# %% wrong: endoftext_stays_bytes
# "`<|endoftext|>` is a word like others."
# No merge is made in the mark between documents.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    out = []
    for word in split_words(text):
        tokens = list(word.encode())
        while word != "<|endoftext|>" and (pairs := [pair for pair in pairwise(tokens) if pair in ranks]):
            best = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
        out += tokens
    return out


# %% wrong: ranks_by_spelling
# "Of the pairs in a word the one that was learned first is merged first" (a pair of tokens, not of spellings)
# As tiktoken does: the rank is looked up by the bytes that two neighbours spell, however they are cut.
def encode(text: str, merges: list[Pair]) -> list[int]:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    ranks = {}
    for token, piece in enumerate(spelt):
        ranks.setdefault(piece, token)
    out = []
    for word in split_words(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while True:
            found = [(ranks[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in ranks]
            if not found:
                break
            _, i = min(found)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        out += [ranks[part] for part in parts]
    return out


# %% wrong: whole_text_at_once
# "its bytes, word by word"
# The text is not cut: a merge may reach from one word into the next (rarely does, with merges that train_bpe gave).
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens = list(text.encode())
    while pairs := set(pairwise(tokens)) & ranks.keys():
        best = min(pairs, key=ranks.__getitem__)
        tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
    return tokens


# %% wrong: surrogates_pass
# "Raises UnicodeEncodeError, as `split_words`, for half a surrogate pair."
# Cuts with WORD itself and encodes with errors="surrogatepass": half a pair becomes three bytes.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    out = []
    for word in WORD.findall(text):
        tokens = list(word.encode("utf-8", "surrogatepass"))
        while pairs := [pair for pair in pairwise(tokens) if pair in ranks]:
            best = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
        out += tokens
    return out


# %% wrong: pairs_listed_once_a_round
# "then the next, also of pairs that only a merge made"
# Each round lists the pairs of the word, makes all these merges by rank, and only then looks for pairs that they made.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    out = []
    for word in split_words(text):
        tokens = list(word.encode())
        while pairs := sorted({pair for pair in pairwise(tokens) if pair in ranks}, key=ranks.__getitem__):
            for pair in pairs:
                tokens = merge_pair(tokens, pair, N_BYTES + ranks[pair])
        out += tokens
    return out


# %% wrong: whole_word_shortcut
# "with the merges made in the order in which they were learned"
# A word that is spelt like one token becomes this token at once, whether or not the merges lead there.
def encode(text: str, merges: list[Pair]) -> list[int]:
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    whole = {}
    for token, piece in enumerate(spelt):
        whole.setdefault(piece, token)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    out = []
    for word in split_words(text):
        if word.encode() in whole:
            out.append(whole[word.encode()])
            continue
        tokens = list(word.encode())
        while pairs := [pair for pair in pairwise(tokens) if pair in ranks]:
            best = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
        out += tokens
    return out


# %% wrong: no_word_no_answer
# "encode(text, merges) -> tokens, a list of whole numbers" (of any text; the empty one is a text)
# The lists of the words are joined by reduce without a first value: the empty text raises TypeError.
def encode(text: str, merges: list[Pair]) -> list[int]:
    from functools import reduce
    from operator import add

    ranks = {pair: rank for rank, pair in enumerate(merges)}

    @cache
    def tokens_of(word: str) -> tuple[int, ...]:
        tokens = list(word.encode())
        while pairs := [pair for pair in pairwise(tokens) if pair in ranks]:
            best = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
        return tuple(tokens)

    return list(reduce(add, (tokens_of(word) for word in split_words(text))))


# %% wrong: white_space_tidied
# "The tokens of a text: its bytes, word by word"; "for all texts, decode(encode(text, merges), merges) == text"
# Line ends are made \n first, as reading a file would.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    out = []
    for word in split_words(text.replace("\r\n", "\n")):
        tokens = list(word.encode())
        while pairs := [pair for pair in pairwise(tokens) if pair in ranks]:
            best = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, best, N_BYTES + ranks[best])
        out += tokens
    return out


# %% right: signs_of_a_string
# A token is one sign of a string, a merge is str.replace.
def encode(text: str, merges: list[Pair]) -> list[int]:
    ranks = {chr(u) + chr(v): rank for rank, (u, v) in enumerate(merges)}
    done = {}
    for word in set(split_words(text)):
        signs = word.encode().decode("latin-1")
        while True:
            known = {ranks[a + b]: a + b for a, b in zip(signs, signs[1:]) if a + b in ranks}
            if not known:
                break
            rank = min(known)
            signs = signs.replace(known[rank], chr(N_BYTES + rank))
        done[word] = [ord(sign) for sign in signs]
    return [token for word in split_words(text) for token in done[word]]


# %% right: recursion_with_a_sentinel
# A word calls itself with one merge fewer to make; the best pair is the minimum of a generator with infinity as default.
def encode(text: str, merges: list[Pair]) -> list[int]:
    order = dict(zip(merges, range(len(merges))))

    def shorten(tokens: list[int]) -> list[int]:
        rank = min((order.get(pair, math.inf) for pair in zip(tokens, tokens[1:])), default=math.inf)
        return tokens if rank == math.inf else shorten(merge_pair(tokens, merges[rank], rank + 256))

    return sum((shorten(list(bytes(word, "utf-8"))) for word in split_words(text)), [])


# %% wrong: words_kept_from_call_to_call
# "the same list may be longer at the next call"
# keeps the words' tokens for each list, by its identity
_KNOWN = defaultdict(dict)

def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    known = _KNOWN[id(merges)]
    tokens = []
    for word in split_words(text):
        if word not in known:
            its = list(word.encode())
            while True:
                rank = min((ranks[pair] for pair in pairwise(its) if pair in ranks), default=None)
                if rank is None:
                    break
                its = merge_pair(its, merges[rank], N_BYTES + rank)
            known[word] = its
        tokens.extend(known[word])
    return tokens


# %% wrong: merges_by_their_bytes
# "merges: any list of pairs, also one that train_bpe would not give"
# merges two neighbours where their bytes together are a token's, as tiktoken does: takes pairs that are no merge, and confuses two merges of the same bytes
def encode(text, merges):
    spelt = [bytes([byte]) for byte in range(256)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    number = {token: i for i, token in reversed(list(enumerate(spelt)))}
    tokens = []
    for word in split_words(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while True:
            places = [(number[a + b], i) for i, (a, b) in enumerate(pairwise(parts)) if a + b in number]
            if not places:
                break
            _, i = min(places)
            parts[i : i + 2] = [parts[i] + parts[i + 1]]
        tokens.extend(number[part] for part in parts)
    return tokens


# %% wrong: whole_words_at_once
# "its bytes, word by word, with the merges made in the order in which they were learned"
# a word that is a token as a whole is taken as this token, whether the merges lead there or not
def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    spelt = [bytes([byte]) for byte in range(256)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    known = {}
    whole = {token: [i] for i, token in enumerate(spelt)}
    tokens = []
    for word in split_words(text):
        if word not in known:
            if word.encode() in whole:
                tokens.extend(whole[word.encode()])
                continue
            its = list(word.encode())
            while True:
                rank = min((ranks[pair] for pair in pairwise(its) if pair in ranks), default=None)
                if rank is None:
                    break
                its = merge_pair(its, merges[rank], N_BYTES + rank)
            known[word] = its
        tokens.extend(known[word])
    return tokens


# %% wrong: not_cut_into_words
# "Word by word, the bytes first"
# merges in the whole text at once, also from one word into the next
def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    known = {}
    tokens = []
    for word in ["".join(split_words(text))]:
        if word not in known:
            its = list(word.encode())
            while True:
                rank = min((ranks[pair] for pair in pairwise(its) if pair in ranks), default=None)
                if rank is None:
                    break
                its = merge_pair(its, merges[rank], N_BYTES + rank)
            known[word] = its
        tokens.extend(known[word])
    return tokens


# %% wrong: separator_left_in_bytes
# "`<|endoftext|>` is a word like others"
# no merges inside <|endoftext|>
def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    known = {}
    tokens = []
    for word in split_words(text):
        if word not in known:
            its = list(word.encode())
            while word != "<|endoftext|>":
                rank = min((ranks[pair] for pair in pairwise(its) if pair in ranks), default=None)
                if rank is None:
                    break
                its = merge_pair(its, merges[rank], N_BYTES + rank)
            known[word] = its
        tokens.extend(known[word])
    return tokens


# %% wrong: half_a_surrogate_replaced
# "Raises UnicodeEncodeError, as `split_words`, for half a surrogate pair"
# cuts the text with the pattern itself and writes ? for what has no bytes
def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}
    known = {}
    tokens = []
    for word in WORD.findall(text):
        if word not in known:
            its = list(word.encode(errors="replace"))
            while True:
                rank = min((ranks[pair] for pair in pairwise(its) if pair in ranks), default=None)
                if rank is None:
                    break
                its = merge_pair(its, merges[rank], N_BYTES + rank)
            known[word] = its
        tokens.extend(known[word])
    return tokens


# %% right: merge_after_merge
# one pass over all merges in their order (each is of earlier tokens, so none can come up again)
def encode(text, merges):
    words = [list(word.encode()) for word in split_words(text)]
    for new, pair in enumerate(merges, start=256):
        words = [merge_pair(word, tuple(pair), new) for word in words]
    return sum(words, [])


# %% right: leftmost_place_by_a_heap
# one place at a time, the leftmost of smallest rank, recursively
def encode(text, merges):
    order = dict(zip(map(tuple, merges), range(len(merges))))

    @cache
    def of(word):
        tokens = list(word)
        while True:
            queue = [(order[pair], k) for k, pair in enumerate(zip(tokens, tokens[1:])) if pair in order]
            if not queue:
                return tuple(tokens)
            heapq.heapify(queue)
            rank, k = queue[0]
            tokens = tokens[:k] + [256 + rank] + tokens[k + 2 :]

    return [token for word in split_words(text) for token in of(word.encode())]


# %% wrong: kept_by_the_last_merge
# "The tokens of a text: its bytes, word by word, with the merges made in the order in which they were learned."
# "abcd" with merges [(97, 98), (99, 100)], then with [(98, 99), (99, 100)]: as long, and the last merge is the same, so the second call gets the words of the first
_words = {}


def encode(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    state = len(merges), merges[-1] if merges else None  # a list that has grown has other words
    tokens = []
    for word in split_words(text):
        if (state, word) not in _words:
            now = list(word.encode())
            while len(now) > 1:
                best = min(pairwise(now), key=lambda pair: ranks.get(pair, math.inf))
                if best not in ranks:
                    break
                now = merge_pair(now, best, N_BYTES + ranks[best])
            _words[state, word] = now
        tokens.extend(_words[state, word])
    return tokens


# %% wrong: ranks_of_bytes
# "until no pair in the word is a merge"
# merges a b -> 256, b c -> 257, a 257 -> 258 and the word "abc": 256 c is no merge, but its bytes are those of token 258; [258] instead of [256, 99]
def encode(text, merges):
    spelt = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        spelt.append(spelt[first] + spelt[second])
    ranks = {}
    for token, letters in enumerate(spelt):
        ranks.setdefault(letters, token)
    tokens = []
    for word in split_words(text):
        parts = [bytes([byte]) for byte in word.encode()]
        while len(parts) > 1:
            rank, at = min((ranks.get(parts[i] + parts[i + 1], math.inf), i) for i in range(len(parts) - 1))
            if rank == math.inf:
                break
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
        tokens += [ranks[part] for part in parts]
    return tokens


# %% wrong: the_text_as_one_word
# "Word by word, the bytes first."
# "a\n\n\nb" with the merges (10, 10) -> 256, (256, 10) -> 257: the words are "\n\n" and "\n", and 257 reaches from one into the next
def encode(text, merges):
    split_words(text)  # raises where the text has no bytes
    tokens = list(text.encode())
    for rank, pair in enumerate(merges):  # no merge reaches over the end of a word, since none was learned there
        tokens = merge_pair(tokens, pair, N_BYTES + rank)
    return tokens


# %% wrong: half_pairs_passed
# "Raises UnicodeEncodeError, as `split_words`, for half a surrogate pair."
# encode("a\ud800", []): [97, 237, 160, 128] instead of UnicodeEncodeError
def encode(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    known, tokens = {}, []
    for match in WORD.finditer(text):  # one word at a time, without a list of them all
        word = match.group()
        if word not in known:
            now = list(word.encode("utf-8", errors="surrogatepass"))
            while found := [ranks[pair] for pair in pairwise(now) if pair in ranks]:
                rank = min(found)
                now = merge_pair(now, merges[rank], N_BYTES + rank)
            known[word] = now
        tokens.extend(known[word])
    return tokens


# %% wrong: as_many_steps_as_merges
# "until no pair in the word is a merge"
# "abababab" with the one merge (97, 98): one step, one place, [256, 97, 98, 97, 98, 97, 98] instead of [256, 256, 256, 256]
def encode(text, merges):
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens = []
    for word in split_words(text):
        now = list(word.encode())
        for _ in merges:  # each merge once, at most
            places = [(ranks[pair], i) for i, pair in enumerate(pairwise(now)) if pair in ranks]
            if not places:
                break
            rank, i = min(places)
            now = [*now[:i], N_BYTES + rank, *now[i + 2 :]]
        tokens.extend(now)
    return tokens


# %% wrong: a_pair_as_one_number
# "merges: any list of pairs, also one that train_bpe would not give"
# more than 844 merges, one of them (96, 1098): 1000 * 96 + 1098 is the number of (97, 98) too, so "ab" is merged though (97, 98) is no merge
def encode(text, merges):
    ranks = {1000 * first + second: rank for rank, (first, second) in enumerate(merges)}  # faster than tuples
    known, tokens = {}, []
    for word in split_words(text):
        if word not in known:
            now = list(word.encode())
            while True:
                rank = min((ranks.get(1000 * u + v, math.inf) for u, v in pairwise(now)), default=math.inf)
                if rank == math.inf:
                    break
                merged, i = [], 0
                while i < len(now):
                    if i + 1 < len(now) and ranks.get(1000 * now[i] + now[i + 1]) == rank:
                        merged.append(N_BYTES + rank)
                        i += 2
                    else:
                        merged.append(now[i])
                        i += 1
                now = merged
            known[word] = now
        tokens.extend(known[word])
    return tokens


# %% right: replace_in_one_string
def encode(text, merges):
    end = "\U0010ffff"  # each token is one character, and this one stands between words
    string = end.join(word.encode().decode("latin-1") for word in split_words(text))
    for token, (first, second) in enumerate(merges, start=N_BYTES):
        string = string.replace(chr(first) + chr(second), chr(token))
    return [ord(sign) for sign in string if sign != end]


# %% right: chain_and_queue
def encode(text, merges):
    ranks = {tuple(pair): rank for rank, pair in enumerate(merges)}

    def of_word(word):
        token = list(word.encode())
        n = len(token)
        right, left = list(range(1, n + 1)), list(range(-1, n - 1))
        queue = []

        def offer(i):
            j = right[i] if 0 <= i else n
            if j < n and (token[i], token[j]) in ranks:
                heapq.heappush(queue, (ranks[token[i], token[j]], i, j))

        for i in range(n - 1):
            offer(i)
        while queue:
            rank, i, j = heapq.heappop(queue)
            if token[i] is None or right[i] != j or (token[i], token[j]) != tuple(merges[rank]):
                continue  # what stood there is merged already
            token[i], token[j] = N_BYTES + rank, None
            right[i] = right[j]
            if right[i] < n:
                left[right[i]] = i
            offer(left[i])
            offer(i)
        return [one for one in token if one is not None]

    done = {word: of_word(word) for word in dict.fromkeys(split_words(text))}
    return [token for word in split_words(text) for token in done[word]]
