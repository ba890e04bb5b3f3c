"""`ngram_probabilities`: shares of the counts, smoothed as if each token had been seen k times more, and what follows a
context that was never seen.
"""

import math
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending

exercise = Exercise("ngram_probabilities")


def some_counts(rng: torch.Generator, n_followers: int = 4, vocab_size: int = 9) -> tuple[dict, tuple[int, int]]:
    """Counts of trigrams, and a context that was seen before some of the tokens, 1 to 9 times each.

    Those counts are all different, and odd.
    """
    context = tuple(torch.randperm(vocab_size, generator=rng)[:2].tolist())
    followers = torch.randperm(vocab_size, generator=rng)[:n_followers].tolist()
    how_often = (torch.randperm(5, generator=rng)[:n_followers] * 2 + 1).tolist()
    other = tuple(reversed(context))
    return {context: Counter(dict(zip(followers, how_often))), other: Counter({followers[0]: 50})}, context


def smoothed(counts, context, vocab_size, k, add: Callable, total: Callable) -> Tensor:
    """Add-k with its numerator and denominator to choose, so that one can be wrong."""
    if k < 0 or (k == 0 and not counts.get(context)):
        raise ValueError("nothing is known")
    seen = torch.tensor([float(counts.get(context, Counter())[token]) for token in range(vocab_size)])
    return add(seen, k) / total(seen, k)


@exercise.check(points=0.25)
def shares_of_what_was_seen(ngram_probabilities, rng):
    """With k = 0 the probabilities are the shares of the counts: a token that never came has none."""
    counts, context = some_counts(rng)
    return {
        "after a context": ngram_probabilities(counts, context, 9, k=0),
        "after another": ngram_probabilities(counts, context[::-1], 9, k=0),
    }


@exercise.check(points=0.25)
def as_if_seen_k_times_more(ngram_probabilities, rng):
    """Every token counts k times more than it came, one that never came too, and all of them sum to one."""
    counts, context = some_counts(rng)
    return {
        "k = 0.5": ngram_probabilities(counts, context, 9, k=0.5),
        "k = 3": ngram_probabilities(counts, context, 9, k=3),
        "k not given": ngram_probabilities(counts, context, 9),
        "the sum": ngram_probabilities(counts, context, 9, k=0.1).sum(),
    }


@exercise.check(points=0.25)
def a_context_never_seen(ngram_probabilities, rng):
    """After a context that was never seen all tokens are equally likely; with k = 0 it is a ValueError."""
    counts, context = some_counts(rng)
    new = (context[0], context[0])
    return {
        "k = 2": ngram_probabilities(counts, new, 9, k=2),
        "k = 0.01": ngram_probabilities(counts, new, 9, k=0.01),
        "k = 0": ending(lambda: ngram_probabilities(counts, new, 9, k=0)),
        "k = -1": ending(lambda: ngram_probabilities(counts, context, 9, k=-1)),
        "number of contexts afterwards": len(counts),
    }


@exercise.check(points=0.25)
def any_vocabulary(ngram_probabilities, rng):
    """A larger vocabulary has more tokens that never came; an empty context works like any other."""
    counts, context = some_counts(rng)
    alone = {(): counts[context]}
    return {
        **{f"vocab_size={size}": ngram_probabilities(counts, context, size, k=1) for size in (9, 20)},
        "the empty context": ngram_probabilities(alone, (), 9, k=1),
        "tokens counted afterwards": len(counts[context]),
    }


@exercise.mistake(
    hint="Your probabilities sum to more than one. If each of the tokens counts k times more, how much larger is the "
    "total?"
)
def k_only_above(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: seen.sum().clamp(min=1))


@exercise.mistake(
    hint="The total has grown by k. By how much has it to grow if each of vocab_size tokens counts k times more?"
)
def adds_k_once_below(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: seen.sum() + k)


@exercise.mistake(
    hint="A token that never came still has probability zero. What loss does it give you on the day it comes?"
)
def smooths_only_what_was_seen(counts, context, vocab_size, k=1.0):
    def add(seen, k):
        return torch.where(seen > 0, seen + k, 0.0) if seen.any() else seen + k

    return smoothed(counts, context, vocab_size, k, add, lambda seen, k: add(seen, k).sum())


@exercise.mistake(
    hint="Only tokens that never came get k, so one that came once and one that never came may be equally likely. "
    "Which tokens should count k times more?"
)
def smooths_only_what_was_not_seen(counts, context, vocab_size, k=1.0):
    def add(seen, k):
        return torch.where(seen > 0, seen, float(k))

    return smoothed(counts, context, vocab_size, k, add, lambda seen, k: add(seen, k).sum())


@exercise.mistake(hint="`k` changes nothing. What is the probability of a token that was never seen here?")
def ignores_k(counts, context, vocab_size, k=1.0):
    def total(seen, k):
        return seen.sum() if seen.any() else vocab_size

    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen if seen.any() else seen + 1, total)


@exercise.mistake(hint="These are counts. What must probabilities sum to?")
def forgets_to_divide(counts, context, vocab_size, k=1.0):
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: 1.0)


@exercise.mistake(
    hint="After a context that was never seen you give every token probability zero. Does one of them not have to come?"
)
def nothing_can_follow_a_new_context(counts, context, vocab_size, k=1.0):
    if k >= 0 and context not in counts:
        return torch.zeros(vocab_size)
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())


@exercise.mistake(
    hint="With k = 0 and a new context you divide zero by zero. What could a caller do with NaN that he could not do "
    "better with an error?"
)
def divides_zero_by_zero(counts, context, vocab_size, k=1.0):
    if k == 0 and context not in counts:
        return torch.full((vocab_size,), math.nan)
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())


@exercise.mistake(
    hint="You write the new context into `counts`. Who else reads them, and what will `len(counts)` say after a "
    "million questions?"
)
def remembers_the_question(counts, context, vocab_size, k=1.0):
    known = smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())
    counts.setdefault(context, Counter())
    return known
