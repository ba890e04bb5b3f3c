"""`count_ngrams`: what came after each context, for any n, each position of the text counted once."""

from collections import Counter, defaultdict

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import outcome
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("count_ngrams")


def entries(counts: dict) -> dict:
    """All that was counted, as data: context -> token -> how often. A token that came 0 times may be there or not."""
    return {
        str(context): {str(token): times for token, times in followers.items() if times}
        for context, followers in counts.items()
    }


def kind_of(followers) -> str:
    return "a Counter" if isinstance(followers, Counter) else f"a {type(followers).__name__}"


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


@exercise.promise("Count which tokens came after each context of n - 1 tokens", broken_by="a_context_of_n_tokens")
@exercise.check(points=0.25)
def what_came_after_each_token(count_ngrams, rng):
    """With n = 2, counts[a,][b] says how often b came directly after a."""
    tokens = torch.cat(
        [torch.tensor([0, 1, 2] * 8), some_tokens(rng, 4, 60), torch.tensor([1, 1])]
    )  # there and back are not alike
    return {
        "counts": entries(count_ngrams(tokens, 2)),
        "counts of large numbers": entries(count_ngrams(1_000_000_000 + tokens[-20:], 2)),
        "counts of 7 7 7 7": entries(count_ngrams(torch.full((4,), 7), 2)),
        "the text afterwards": tokens,
    }


@exercise.promise("`counts[5, 7][2]` says how often 2 came after 5, 7", broken_by="the_context_in_reverse")
@exercise.promise("With n = 1 there is one context, the empty one: `counts[()]`", broken_by="nothing_with_n_of_1")
@exercise.check(points=0.25)
def any_number_of_tokens(count_ngrams, rng):
    """With n = 1 the context is empty; with n = 3, 4 and 6 it is the tokens before, in reading order."""
    there_and_back = torch.tensor([0, 0, 1, 2, 2, 1, 0, 0, 1, 2])
    tokens = torch.cat([there_and_back, some_tokens(rng, 3, 50), there_and_back])
    seen = {f"counts with n = {n}": entries(count_ngrams(tokens, n)) for n in (1, 3, 4, 6)}
    return seen | {"counts with n = 6, of large numbers": entries(count_ngrams(50_000 + 10_000 * tokens, 6))}


@exercise.promise("Keys are plain whole numbers", broken_by="numbers_of_numpy")
@exercise.promise("{context: Counter of the next tokens}", broken_by="plain_dictionaries")
@exercise.check(points=0.25)
def tuples_plain_numbers_and_counters(count_ngrams, rng):
    """Each context is a tuple of Python's whole numbers, and has a Counter, whose keys are such numbers too."""
    text = torch.cat([torch.randperm(9, generator=rng), some_tokens(rng, 4, 12)])
    seen = {}
    for n in (1, 2, 3):
        counts = count_ngrams(text, n)
        numbers = [number for context in counts if isinstance(context, tuple) for number in context]
        followers = [token for tokens in counts.values() for token in tokens]
        seen[f"n = {n}"] = {
            "the contexts are tuples": all(isinstance(context, tuple) for context in counts),
            "of Python's whole numbers": all(type(number) is int for number in numbers),
            "the next tokens are Python's whole numbers": all(type(token) is int for token in followers),
            "they are in": sorted({kind_of(tokens) for tokens in counts.values()}),
            "how often there is something": len(followers) > 0,
        }
    return seen


@exercise.promise("at every position where all n tokens are there", broken_by="stops_one_early")
@exercise.promise("A context that nothing came after is no key", broken_by="a_key_for_the_end")
@exercise.promise("a text of fewer than n tokens gives no counts at all", broken_by="refuses_a_short_text")
@exercise.promise("Raises ValueError where n is below 1", broken_by="no_tokens_are_nothing")
@exercise.check(points=0.25)
def every_position_counts_once(count_ngrams, rng):
    """A text of N tokens has N - n + 1 n-grams, and none if it is too short; n = 0 is a ValueError."""
    text, seen = torch.randperm(30, generator=rng), {}
    for length, n in ((30, 1), (30, 2), (30, 5), (4, 4), (1, 1), (3, 4), (1, 2), (1, 5), (0, 1), (0, 3)):
        seen[f"{length} different tokens, n = {n}"] = outcome(lambda: entries(count_ngrams(text[:length], n)))
    return {
        **seen,
        "n = 0": outcome(lambda: entries(count_ngrams(text[:5], 0))),
        "n = -2": outcome(lambda: entries(count_ngrams(text[:5], -2))),
    }


exercise.edges(
    empty="every_position_counts_once",
    one="every_position_counts_once",
    equal="what_came_after_each_token",
    zero="what_came_after_each_token",
    ties="No two counts are compared.",
    large="what_came_after_each_token",
    small="Tokens are whole numbers from 0 on.",
    limit="every_position_counts_once",
    shapes="any_number_of_tokens",
    modes="Nothing is trained here.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(hint="Your keys hold NumPy's numbers. Which method of a tensor gives Python's own?")
def numbers_of_numpy(tokens, n):
    return counted(list(tokens.numpy()), all_starts(tokens, n), n)


@exercise.mistake(
    hint="Your inner tables are plain dictionaries. What does one of them say when it is asked for a token that never "
    "came, and what does a Counter say?"
)
def plain_dictionaries(tokens, n):
    counts = counted(tokens.tolist(), all_starts(tokens, n), n)
    return {context: dict(followers) for context, followers in counts.items()}


@exercise.mistake(hint="With n = 1 you count nothing. How many contexts of no token are there in front of a token?")
def nothing_with_n_of_1(tokens, n):
    return {} if n == 1 else counted(tokens.tolist(), all_starts(tokens, n), n)


@exercise.mistake(hint="The last tokens of the text have a key and an empty Counter. What came after them?")
def a_key_for_the_end(tokens, n):
    counts = counted(tokens.tolist(), all_starts(tokens, n), n)
    if len(tokens) >= n - 1:
        counts.setdefault(tuple(tokens.tolist()[len(tokens) - n + 1 :]), Counter())
    return counts


@exercise.mistake(hint="A text that is too short is an error for you. How many n-grams has it?")
def refuses_a_short_text(tokens, n):
    if len(tokens) < n:
        raise ValueError("too short")
    return counted(tokens.tolist(), all_starts(tokens, n), n)


@exercise.mistake(hint="With n = 0 you count something, or nothing. Which token would an n-gram of no token predict?")
def no_tokens_are_nothing(tokens, n):
    return {} if n < 1 else counted(tokens.tolist(), all_starts(tokens, n), n)


@exercise.mistake(
    hint="The first tokens of the text are counted after contexts that are too short. Where does the first n-gram end?"
)
def short_contexts_at_the_beginning(tokens, n):
    ids = tokens.tolist()
    counts = counted(ids, all_starts(ids, n), n)
    for end in range(min(n - 1, len(ids))):
        counts.setdefault(tuple(ids[:end]), Counter())[ids[end]] += 1
    return counts


@exercise.mistake(hint="Your context of one token is a bare number. What is `counts[5,]` asked with?")
def a_bare_number_for_one_token(tokens, n):
    counts = counted(tokens.tolist(), all_starts(tokens, n), n)
    return {context[0] if n == 2 else context: followers for context, followers in counts.items()}


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
