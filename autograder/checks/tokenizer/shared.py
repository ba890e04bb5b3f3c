"""What several exercises of the tokenizer share: texts, merges, and ways to do them, right and wrong."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from itertools import pairwise

import torch

N_BYTES = 256
MARK = "<|endoftext|>"  # between documents
WORD = re.compile(  # how a text is cut into words
    r"<\|endoftext\|>|'(?:[sdmt]|ll|re|ve)| ?[^\W\d_]+| ?\d+| ?(?:(?!<\|endoftext\|>)(?:[^\w\s]|_))+|\s+(?!\S)|\s+"
)

Pair = tuple[int, int]


def some_letters(rng: torch.Generator, n: int) -> list[str]:
    """Letters that are all different, in an order that says nothing."""
    return [chr(ord("a") + i) for i in torch.randperm(26, generator=rng)[:n].tolist()]


def some_text(rng: torch.Generator, n_words: int = 60) -> str:
    """Words of up to five different letters, each with a space before it; at the end two that always follow."""
    *letters, x, y, z = some_letters(rng, 9)
    words = ["".join(letters[i] for i in torch.randperm(6, generator=rng)[:length]) for length in 4 * (2, 3, 4, 5)]
    drawn = torch.rand(n_words, generator=rng).square() * len(words)
    return "".join(" " + words[int(i)] for i in drawn) + 30 * f" {x}{y} {y}{z}"


def merged(
    tokens: list[int], pair: Pair, new: int, overlaps: bool = False, backwards: bool = False, once: bool = False
) -> list[int]:
    """The tokens with `new` in the place of the pair, in the ways in which it is done, right and wrong."""
    if backwards:
        return merged(tokens[::-1], pair[::-1], new)[::-1]
    result, i, done = [], 0, False
    while i < len(tokens):
        if tuple(tokens[i : i + 2]) == pair and not (once and done):
            result.append(new)
            done = True
            i += 1 if overlaps and tuple(tokens[i + 1 : i + 3]) == pair else 2
        else:
            result.append(tokens[i])
            i += 1
    return result


def smallest_of_the_most_frequent(counts: Counter[Pair]) -> Pair:
    return min(counts, key=lambda pair: (-counts[pair], pair))


def merges_of(
    text: str,
    vocab_size: int,
    split: Callable[[str], list[str]] = WORD.findall,
    symbols: Callable[[str], list[int]] = lambda word: list(word.encode()),
    times: Callable[[int], int] = lambda count: count,
    count: Callable[[list[int]], Iterable[Pair]] = pairwise,
    choose: Callable[[Counter[Pair]], Pair] = smallest_of_the_most_frequent,
    first: int = N_BYTES,
    **how: bool,
) -> list[Pair]:
    """BPE that counts all pairs anew for each merge, with its parts to choose, so that one of them can be wrong."""
    if vocab_size < N_BYTES:
        raise ValueError("the bytes alone are 256 tokens")
    words = [(symbols(word), times(n)) for word, n in Counter(split(text)).items()]
    merges: list[Pair] = []
    for new in range(first, first + vocab_size - N_BYTES):
        counts: Counter[Pair] = Counter()
        for tokens, n in words:
            for pair in count(tokens):
                counts[pair] += n
        if not counts:
            raise ValueError("no pair is left")
        merges.append(choose(counts))
        words = [(merged(tokens, merges[-1], new, **how), n) for tokens, n in words]
    return merges


def bytes_of(merges: list[Pair]) -> list[bytes]:
    """What each token stands for."""
    table = [bytes([byte]) for byte in range(N_BYTES)]
    for first, second in merges:
        table.append(table[first] + table[second])
    return table


ANY_TEXT = "Naïve café, 日本語: «ok»?  Two  spaces,\ttab\r\n\n👩‍🚀 's it's 12½ \0 "


def encoded(
    text: str,
    merges: list[Pair],
    split: Callable[[str], list[str]] = WORD.findall,
    symbols: Callable[[str], list[int]] = lambda word: list(word.encode()),
    order: Callable[[list[tuple[int, Pair]]], list[tuple[int, Pair]]] = list,
    **how: bool,
) -> list[int]:
    """All merges one after the other in each word, with their parts to choose, so that one of them can be wrong."""
    tokens: list[int] = []
    for word in split(text):
        of_word = symbols(word)
        for rank, pair in order(list(enumerate(merges))):
            of_word = merged(of_word, tuple(pair), N_BYTES + rank, **how)
        tokens += of_word
    return tokens
