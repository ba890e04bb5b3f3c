"""`count_ngrams`: what came after each context, for any n, each position of the text counted once."""

from collections import Counter, defaultdict
from itertools import product

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("count_ngrams")


def count_table(counts: dict, n: int, vocab_size: int) -> Tensor:
    """All counts as a tensor of n dimensions, looked up by plain numbers: [context..., next token]."""
    contexts = product(range(vocab_size), repeat=n - 1)
    rows = [[counts.get(context, {}).get(token, 0) for token in range(vocab_size)] for context in contexts]
    return torch.tensor(rows).reshape((vocab_size,) * n)


def counted(ids: list, starts: range, n: int, change=lambda context, token: (context, token)) -> dict:
    """The n-grams that begin at the starts, with what is counted to choose, so that it can be wrong."""
    if n < 1:
        raise ValueError("no token")
    counts = defaultdict(Counter)
    for start in starts:
        *context, token = ids[start : start + n]
        context, token = change(tuple(context), token)
        counts[context][token] += 1
    return dict(counts)


def all_starts(ids, n: int) -> range:
    return range(len(ids) - n + 1)


@exercise.check(points=0.25)
def what_came_after_each_token(count_ngrams, rng):
    """With n = 2, counts[a,][b] says how often b came directly after a."""
    tokens = torch.cat([torch.tensor([0, 1, 2] * 8), some_tokens(rng, 4, 60)])  # there and back are not alike
    return {"counts": count_table(count_ngrams(tokens, 2), 2, 4), "the text afterwards": tokens}


@exercise.check(points=0.25)
def any_number_of_tokens(count_ngrams, rng):
    """With n = 1 the context is empty; with n = 3 and 4 it is the two or three tokens before, in reading order."""
    tokens = torch.cat([torch.tensor([0, 0, 1, 2, 2, 1, 0, 0, 1, 2]), some_tokens(rng, 3, 50)])
    return {f"counts with n = {n}": count_table(count_ngrams(tokens, n), n, 3) for n in (1, 3, 4)}


@exercise.check(points=0.25)
def a_text_without_repetition(count_ngrams, rng):
    """Where no token comes twice, each context has one follower, up to the very last token of the text."""
    text = torch.randperm(9, generator=rng)
    ids = text.tolist()
    counts = {n: count_ngrams(text, n) for n in (2, 3)}
    return {
        f"after {n - 1} of 9 tokens": [
            counts[n].get(tuple(ids[at : at + n - 1]), {}).get(ids[(at + n - 1) % 9], 0) for at in range(9)
        ]
        for n in counts
    }


@exercise.check(points=0.25)
def every_position_counts_once(count_ngrams, rng):
    """A text of N tokens has N - n + 1 n-grams, and none if it is too short; n = 0 is a ValueError."""
    seen = {}
    for length, n in ((30, 1), (30, 2), (30, 5), (4, 4), (3, 4)):
        counts = count_ngrams(some_tokens(rng, 3, length), n)
        seen[f"{length} tokens, n = {n}"] = sum(sum(followers.values()) for followers in counts.values())
    return {**seen, "n = 0": ending(lambda: count_ngrams(torch.arange(5), 0))}


@exercise.mistake(
    hint="Your keys are tensors, and no two tensors are the same key, even where they hold the same number. How do you "
    "get plain numbers out of a tensor?"
)
def tensors_as_keys(tokens, n):
    return counted(list(tokens), all_starts(tokens, n), n)


@exercise.mistake(
    hint="Your context has n tokens. How many are left for it when one of the n is the token that came next?"
)
def a_context_of_n_tokens(tokens, n):
    ids = tokens.tolist()
    if n < 1:
        raise ValueError("no token")
    return counted(ids, all_starts(ids, n + 1), n + 1)


@exercise.mistake(hint="Your n-grams lie end to end. Is not every position of the text the end of one?")
def steps_by_n(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n)[:: max(n, 1)], n)


@exercise.mistake(
    hint="The last n-gram of the text is missing. How many positions can three tokens in a row begin at, in a text of "
    "three?"
)
def stops_one_early(tokens, n):
    ids = tokens.tolist()
    return counted(ids, range(len(ids) - n), n)


@exercise.mistake(
    hint="You count n-grams that begin at the end of the text and go on at its start. Does `roll` know where a text "
    "ends?"
)
def goes_round(tokens, n):
    ids = tokens.tolist()
    return counted(ids + ids[: max(n - 1, 0)], range(len(ids)), n)


@exercise.mistake(hint="Each follower is counted once, however often it came. What would the probabilities be then?")
def counts_each_follower_once(tokens, n):
    ids = tokens.tolist()
    counts = counted(ids, all_starts(ids, n), n)
    return {context: Counter(set(followers)) for context, followers in counts.items()}


@exercise.mistake(
    hint="Your key is what comes after, and what you count is the token before. Which of the two do you know when you "
    "predict?"
)
def the_context_comes_after(tokens, n):
    ids = tokens.tolist()[::-1]
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[::-1], token))


@exercise.mistake(
    hint="The tokens of your context are in reverse. Which comes first in `counts[5, 7]`, the token right before the "
    "next one or the one farther back?"
)
def the_context_in_reverse(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[::-1], token))


@exercise.mistake(hint="Your context is one token, whatever n is. How many tokens does `n` ask for?")
def one_token_of_context(tokens, n):
    ids = tokens.tolist()
    return counted(ids, all_starts(ids, n), n, lambda context, token: (context[-1:], token))
