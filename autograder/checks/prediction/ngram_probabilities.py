"""`ngram_probabilities`: shares of the counts, smoothed as if each token had been seen k times more, and what follows a
context that was never seen.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import outcome

exercise = Exercise("ngram_probabilities")


def some_counts(rng: torch.Generator, n_followers: int = 4, vocab_size: int = 9) -> tuple[dict, tuple[int, int]]:
    """Counts of trigrams, and a context that was seen before some of the tokens, 1 to 9 times each.

    Those counts are all different, and odd. The last token of the vocabulary never came.
    """
    context = tuple(torch.randperm(vocab_size, generator=rng)[:2].tolist())
    followers = torch.randperm(vocab_size - 1, generator=rng)[:n_followers].tolist()
    how_often = (torch.randperm(5, generator=rng)[:n_followers] * 2 + 1).tolist()
    other = tuple(reversed(context))
    return {context: Counter(dict(zip(followers, how_often))), other: Counter({followers[0]: 50})}, context


def smoothed(counts, context, vocab_size, k, add: Callable, total: Callable) -> Tensor:
    """Add-k with its numerator and denominator to choose, so that one can be wrong."""
    if k < 0 or (k == 0 and not counts.get(context)):
        raise ValueError("nothing is known")
    seen = torch.tensor([float(counts.get(context, Counter())[token]) for token in range(vocab_size)])
    return add(seen, k) / total(seen, k)


@exercise.promise("The probability of each token after a context", broken_by="forgets_to_divide")
@exercise.check(points=0.25)
def shares_of_what_was_seen(ngram_probabilities, rng):
    """With k = 0 the probabilities are the shares of the counts: a token that never came has none."""
    counts, context = some_counts(rng)
    growing = {context: counts[context].copy()}
    before = ngram_probabilities(growing, context, 9, k=0)
    growing[context][8] += 40
    return {
        "before more was counted, and after": [before, ngram_probabilities(growing, context, 9, k=0)],
        "after a context": ngram_probabilities(counts, context, 9, k=0),
        "those that never came are 0": torch.as_tensor(ngram_probabilities(counts, context, 9, k=0)) == 0,
        "after another": ngram_probabilities(counts, context[::-1], 9, k=0),
        "after one that came before the last token alone": ngram_probabilities({(2, 2): Counter({8: 4})}, (2, 2), 9, 0),
    }


@exercise.promise("as if each had been seen k times more", broken_by="smooths_only_what_was_seen")
@exercise.promise("at least 0 and 1 in sum", broken_by="k_only_above")
@exercise.check(points=0.25)
def as_if_seen_k_times_more(ngram_probabilities, rng):
    """Every token counts k times more than it came, one that never came too, and all of them sum to one."""
    counts, context = some_counts(rng)
    often = {context: Counter({token: 10_000 * count for token, count in counts[context].items()})}
    return {
        "k = 0.5": ngram_probabilities(counts, context, 9, k=0.5),
        "k = 3": ngram_probabilities(counts, context, 9, k=3),
        "k = 400": ngram_probabilities(counts, context, 9, k=400),
        "k = 0.001": ngram_probabilities(counts, context, 9, k=0.001),
        "k = 1e-9, the logarithms": torch.as_tensor(ngram_probabilities(counts, context, 9, k=1e-9)).log(),
        "k not given": ngram_probabilities(counts, context, 9),
        "k = 2,000 and counts of 10,000 and more": ngram_probabilities(often, context, 9, k=2000),
        "halves, k = 1": ngram_probabilities({(2,): Counter({1: 2.5, 4: 0.5})}, (2,), 9, k=1),
        "the sum": ngram_probabilities(counts, context, 9, k=0.1).sum(),
    }


@exercise.promise("After a context that was never seen, all tokens are equally likely", broken_by="a_shorter_context")
@exercise.promise("One whose Counter is empty was never seen", broken_by="an_empty_counter_was_seen")
@exercise.promise("stays as it is", broken_by="remembers_the_question")
@exercise.promise("where k is 0 and the context was never seen", broken_by="divides_zero_by_zero")
@exercise.promise("Raises ValueError where k is below 0", broken_by="takes_a_negative_k")
@exercise.check(points=0.25)
def a_context_never_seen(ngram_probabilities, rng):
    """After a context that was never seen all tokens are equally likely; with k = 0 it is a ValueError."""
    counts, context = some_counts(rng)
    new, empty = (context[0], context[0]), (context[1], context[1])
    followers = counts[context]
    shorter = {(): followers, context[:1]: followers}
    counts = defaultdict(Counter, counts | shorter | {empty: Counter()})

    def ask(context: tuple[int, ...], k: float, counts: dict = counts):
        return outcome(lambda: ngram_probabilities(counts, context, 9, k=k))

    return {
        "k = 2": ask(new, 2),
        "k = 0.01": ask(new, 0.01),
        "k = 1e-9": ask(new, 1e-9),
        "k = 0": ask(new, 0),
        "k = 0, after a context that was seen": ask(context, 0),
        "k = 0.0, of plain dictionaries": ask(new, 0.0, dict(counts)),
        "k = 2, with an empty Counter": ask(empty, 2),
        "k = 0, with an empty Counter": ask(empty, 0),
        "k = 1, of nothing that was counted": ask(new, 1, {}),
        "k = -1": ask(context, -1),
        "k = -1, never seen": ask(new, -1),
        "k = -0.001": ask(context, -0.001),
        "number of contexts afterwards": len(counts),
        "tokens counted afterwards": len(counts[context]),
    }


@exercise.promise("-> (vocab_size)", broken_by="ends_with_the_last_token_seen")
@exercise.check(points=0.25)
def any_vocabulary(ngram_probabilities, rng):
    """A larger vocabulary has more tokens that never came; a context may have any length, also none."""
    counts, context = some_counts(rng)
    alone = {(): counts[context]}
    many = {context: Counter({token: 1 + token % 3 for token in range(17)})}
    others = {context[:1]: counts[context], (*context, 3): counts[context[::-1]]}
    return {
        **{f"vocab_size={size}": ngram_probabilities(counts, context, size, k=1) for size in (9, 10, 20)},
        "a vocabulary of one token": ngram_probabilities({(0,): Counter({0: 2})}, (0,), 1, k=1),
        "a vocabulary of 500 tokens, all alike": ngram_probabilities(counts, (500, 1), 500, k=1),
        "a context of 17 followers": ngram_probabilities(many, context, 20, k=1),
        "the empty context": ngram_probabilities(alone, (), 9, k=1),
        "the empty context, never seen": ngram_probabilities(counts, (), 9, k=1),
        "a context of one token": ngram_probabilities(others, context[:1], 9, k=1),
        "a context of three tokens": ngram_probabilities(others, (*context, 3), 9, k=1),
        "tokens counted afterwards": len(counts[context]),
    }


exercise.edges(
    empty="a_context_never_seen",
    one="any_vocabulary",
    equal="a_context_never_seen",
    zero="shares_of_what_was_seen",
    ties="No two tokens are compared.",
    large="as_if_seen_k_times_more",
    small="as_if_seen_k_times_more",
    limit="a_context_never_seen",
    shapes="any_vocabulary",
    modes="Nothing is trained here.",
    gradients="Counts have no gradient.",
    inputs="Counts have no gradient.",
)


def add_k(counts, context, vocab_size, k):
    """The right way."""
    return smoothed(counts, context, vocab_size, k, lambda seen, k: seen + k, lambda seen, k: (seen + k).sum())


@exercise.mistake(hint="A context that was never seen you make shorter. Is it the same question then?")
def a_shorter_context(counts, context, vocab_size, k=1.0):
    while context and context not in counts:
        context = context[1:]
    return add_k(counts, context, vocab_size, k)


@exercise.mistake(hint="A context with an empty Counter and k = 0 gives NaN. How often was it seen?")
def an_empty_counter_was_seen(counts, context, vocab_size, k=1.0):
    if k == 0 and context in counts and not counts[context]:
        return torch.full((vocab_size,), math.nan)
    return add_k(counts, context, vocab_size, k)


@exercise.mistake(hint="You go on where k is below 0. Can a token have been seen less than never?")
def takes_a_negative_k(counts, context, vocab_size, k=1.0):
    if k < 0:
        seen = torch.tensor([float(counts.get(context, {}).get(token, 0)) for token in range(vocab_size)])
        return (seen + k) / (seen.sum() + k * vocab_size)
    return add_k(counts, context, vocab_size, k)


@exercise.mistake(hint="Where the total is 0 or less you raise an error. Is a k below 0 right where it is larger?")
def looks_at_the_total_alone(counts, context, vocab_size, k=1.0):
    if sum(counts.get(context, {}).values()) + k * vocab_size > 0:
        return takes_a_negative_k(counts, context, vocab_size, k)
    return add_k(counts, context, vocab_size, min(k, 0))


@exercise.mistake(
    hint="Your result ends with the largest token that came. How many tokens does the vocabulary have, seen or not?"
)
def ends_with_the_last_token_seen(counts, context, vocab_size, k=1.0):
    followers = counts.get(context) or {vocab_size - 1: 0}
    return add_k(counts, context, max(followers) + 1, k)


@exercise.mistake(
    hint="With k = 0 all tokens are alike after a new context. What did the counts say of it, and what k?"
)
def even_where_nothing_is_known(counts, context, vocab_size, k=1.0):
    return add_k(counts, context, vocab_size, k if counts.get(context) else k or 1.0)


@exercise.mistake(hint="A k of 0 is 1 for you. What does Python make of `0 or 1.0`?")
def zero_is_the_default(counts, context, vocab_size, k=1.0):
    return add_k(counts, context, vocab_size, k or 1.0)


@exercise.mistake(
    hint="A k of 0 is always an error for you. Where was something seen, so that nothing has to be added?"
)
def zero_is_refused(counts, context, vocab_size, k=1.0):
    return add_k(counts, context, vocab_size, k or -1.0)


@exercise.mistake(
    hint="The caller's Counter has k more of each token afterwards. What will it answer to the same question tomorrow?"
)
def adds_k_to_the_callers_counter(counts, context, vocab_size, k=1.0):
    known = add_k(counts, context, vocab_size, k)
    if context in counts:
        counts[context].update(dict.fromkeys(range(vocab_size), k))
    return known


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
