"""`encode_real` in another form: a generator that calls itself for what follows a mark, and a heap of places."""

import heapq
from itertools import pairwise

from solutions.real import pre_tokenize


def encode_real(text, vocabulary, merges, specials):
    bytes(text, "utf8")

    def stretches(rest):
        found = {mark: rest.find(mark) for mark in specials if mark in rest}
        if not found:
            yield rest, None
            return
        first = min(found, key=lambda mark: (found[mark], -len(mark)))
        before, _, behind = rest.partition(first)
        yield before, first
        yield from stretches(behind)

    def merged(parts):
        """One pair at a time: of the smallest rank the leftmost, in a list whose holes are None."""
        last = len(parts)
        following = list(range(1, last + 1))
        heap = [(merges[pair], i, *pair) for i, pair in enumerate(pairwise(parts)) if pair in merges]
        heapq.heapify(heap)
        while heap:
            _, i, one, other = heapq.heappop(heap)
            j = following[i]
            if j == last or (parts[i], parts[j]) != (one, other):
                continue
            parts[i], parts[j], following[i] = one + other, None, following[j]
            before = max((k for k in range(i) if parts[k] is not None), default=None)
            for left, right in ((before, i), (i, following[i])):
                if left is not None and right < last and (pair := (parts[left], parts[right])) in merges:
                    heapq.heappush(heap, (merges[pair], left, *pair))
        return [part for part in parts if part is not None]

    tokens = []
    for stretch, mark in stretches(text):
        for piece in pre_tokenize(stretch):
            single = (piece.encode()[i : i + 1] for i in range(len(piece.encode())))
            tokens.extend(map(vocabulary.get, merged([*filter(vocabulary.__contains__, single)])))
        tokens += [] if mark is None else [specials[mark]]
    return tokens
