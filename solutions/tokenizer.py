"""Tokenizer: the text as a model reads it, words that an algorithm learned from text.

What is built here: byte-level BPE (Sennrich et al. 2016, on bytes as in Radford et al. 2019): learned from a text, then
used to turn any text into tokens, and tokens back into text.

Words are counted once, and a merge touches only the words that hold its pair; `<|endoftext|>`, which stands between
documents, is a word like others. What is left out: tokens beside the bytes and their merges.
"""

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import pairwise

Pair = tuple[int, int]  # of neighbouring tokens

N_BYTES = 256  # tokens 0 to 255 are the bytes; merge i makes token 256 + i
WORD = re.compile(
    r"""
    <\|endoftext\|>                                  # between documents: a word, whatever stands beside it
    | '(?:[sdmt]|ll|re|ve)                           # what English joins to a word: it's, they'll
    | [ ]?[^\W\d_]+                                  # letters, with the space before them
    | [ ]?\d+                                        # digits
    | [ ]?(?:(?!<\|endoftext\|>)(?:[^\w\s]|_))+      # other signs
    | \s+(?!\S) | \s+                                # white space, the last of it left to the word that follows
    """,
    re.VERBOSE,
)


def split_words(text: str) -> list[str]:
    """Cut a text into words, spaces and signs; laid end to end they are the
    text again.

    The pattern is GPT-2's, as far as Python's `re` can say it: ² and ½ count as
    letters, not as digits, and the separators U+001C to U+001F as white space.
    And `<|endoftext|>` is one word.

    Raises UnicodeEncodeError, a ValueError that names the place, where half a
    surrogate pair stands in the text.
    Source: Radford et al. 2019; the pattern is that of the code published with
    it.
    """
    text.encode()  # no bytes, no tokens: fails here, with the place in the text
    return WORD.findall(text)


def merge_pair(tokens: list[int], pair: Pair, new: int) -> list[int]:
    """The tokens with `new` in the place of `pair`, wherever it stands, found
    from left to right.

    So of three equal tokens in a row, the first two are the pair, and the third
    stays.
    """
    first, second = pair
    merged = []
    for token in tokens:
        if token == second and merged and merged[-1] == first:
            merged[-1] = new
        else:
            merged.append(token)
    return merged


def train_bpe(text: str, vocab_size: int) -> list[Pair]:
    """Learn which pairs of tokens become one: the merges, in order, of which
    merge i makes token 256 + i.

    The text is cut into the words of `split_words`, each of them into its
    bytes. The pair that stands side by side most often is merged next, from
    left to right; of those equally frequent the smallest, by its first token,
    then its second. Pairs are counted in the text as it is by then, within
    words, so that no token reaches from one word into the next, and at every
    place where they stand: three equal tokens in a row hold two pairs. Every
    word counts, those of white space and `<|endoftext|>` too.

    Returns vocab_size - 256 merges, a list of tuples of two whole numbers.
    Raises ValueError where vocab_size is below 256, and where the text has too
    few pairs.
    Source: Sennrich et al. 2016, algorithm 1; on bytes, Radford et al. 2019.
    """
    if vocab_size < N_BYTES:
        raise ValueError(f"vocab_size={vocab_size}: the bytes alone are {N_BYTES} tokens")
    ### BEGIN SOLUTION
    times = Counter(split_words(text))
    words, frequencies = [list(word.encode()) for word in times], list(times.values())
    counts, holders = Counter(), defaultdict(set)  # of a pair: how often it occurs, and which words have held it
    for w, tokens in enumerate(words):
        for pair in pairwise(tokens):
            counts[pair] += frequencies[w]
            holders[pair].add(w)
    queue = [(-count, pair) for pair, count in counts.items()]  # the smallest entry is the pair to merge
    heapq.heapify(queue)

    def most_frequent() -> Pair:
        """Take the next pair from the queue, where a pair may stand with a
        count from before some merges.
        """
        while queue:
            count, pair = heapq.heappop(queue)
            if -count == counts[pair]:
                return pair
            if counts[pair]:  # it stands further back: merges have taken from its count
                heapq.heappush(queue, (-counts[pair], pair))
        raise ValueError(f"vocab_size={vocab_size}: the text has no pair left after {new - N_BYTES} merges")

    merges = []
    for new in range(N_BYTES, vocab_size):
        pair = most_frequent()
        merges.append(pair)
        made = set()  # the pairs with the new token in them
        for w in holders.pop(pair):
            for old in pairwise(words[w]):
                counts[old] -= frequencies[w]
            words[w] = merge_pair(words[w], pair, new)
            for kept in pairwise(words[w]):
                counts[kept] += frequencies[w]
                if new in kept:
                    holders[kept].add(w)
                    made.add(kept)
        for pair in made:
            heapq.heappush(queue, (-counts[pair], pair))
    return merges
    ### END SOLUTION


def encode(text: str, merges: list[Pair]) -> list[int]:
    """The tokens of a text: its bytes, word by word, with the merges made in
    the order in which they were learned.

    Of the pairs in a word the one that was learned first is merged first,
    wherever it stands, from left to right; then the next, also of pairs that
    only a merge made, until no pair in the word is a merge. `<|endoftext|>` is
    a word like others.

    Shapes: -> whole numbers below 256 + len(merges); as many as bytes, or
    fewer.
    Raises UnicodeEncodeError, as `split_words`, for half a surrogate pair.
    Source: Sennrich et al. 2016, section 3.2.
    """
    ### BEGIN SOLUTION
    ranks = {pair: rank for rank, pair in enumerate(merges)}

    @cache  # a text has few words that it does not have often
    def encode_word(word: str) -> list[int]:
        tokens = [*word.encode(), None]  # a ring: None stands after the last token and before the first
        left, right = list(range(-1, len(tokens) - 1)), [*range(1, len(tokens)), 0]
        queue = [(ranks[pair], i) for i, pair in enumerate(pairwise(tokens)) if pair in ranks]
        heapq.heapify(queue)
        while queue:
            rank, i = heapq.heappop(queue)
            j = right[i]
            if (tokens[i], tokens[j]) != merges[rank]:
                continue  # one of the two has become part of another token
            tokens[i], tokens[j] = N_BYTES + rank, None
            right[i], left[right[j]] = right[j], i
            for a, b in ((left[i], i), (i, right[i])):
                if (tokens[a], tokens[b]) in ranks:
                    heapq.heappush(queue, (ranks[tokens[a], tokens[b]], a))
        return [token for token in tokens if token is not None]

    return [token for word in split_words(text) for token in encode_word(word)]
    ### END SOLUTION


def decode(tokens: Iterable[int], merges: list[Pair]) -> str:
    """The text that the tokens stand for: the bytes of all of them, laid end to
    end, read as UTF-8.

    Bytes that are no UTF-8, as a model may well write them, become `�`, as
    often as Python's `bytes.decode` writes it.

    Shapes: tokens, whole numbers from 0 to below 256 + len(merges). Raises
    ValueError, which names the token, for any other.
    """
    ### BEGIN SOLUTION
    pieces = [bytes([byte]) for byte in range(N_BYTES)]  # the bytes of each token
    for first, second in merges:
        pieces.append(pieces[first] + pieces[second])
    tokens = list(tokens)
    for token in tokens:
        if not 0 <= token < len(pieces):
            raise ValueError(f"token {int(token)} is unknown: the vocabulary has the tokens 0 to {len(pieces) - 1}")
    return b"".join(pieces[token] for token in tokens).decode("utf-8", errors="replace")
    ### END SOLUTION
