"""The moving picture `guess`: a village story with, for each of its words, what an n-gram and the exact law gave it.

The reader of the picture bets on the next word, beside a trigram that has counted a million tokens and beside the best
possible reader. What is charged for a word is -log2 of the probability that it was given, after Cover & King 1978, who
let people bet where Shannon 1951 let them guess. A bet is a word and a stake s: the reader's probabilities are

    s for the word bet on, and 1 - s shared out over all words as the n-gram has it,

so they sum to one, and without a bet (s = 0) the reader is charged what the n-gram is charged. Which words are asked
for, and which are offered, is decided by the story so far alone, never by the word that comes.
"""

from collections.abc import Sequence
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from layercake import village
from solutions.prediction import Counts, count_ngrams, ngram_probabilities

N, N_TOKENS, K = 3, 1_000_000, 0.01  # the n-gram, the text of the training split that it has counted, its smoothing
STORIES = (3984, 2421, 57888, 36850)  # documents of seed 0, of the validation split: short, each a little harder
SURE = 0.5  # a word is asked for where the n-gram gives none this much; the others the n-gram bets on for everybody
OFFERED, FROM_STORY = 12, 6  # words to choose from, and how many of them the story itself comes first with
SHOWN = 4  # of the likeliest words, afterwards


def state() -> dict[str, Any]:
    """What the picture is drawn from: the passages, and what the n-gram is."""
    return {"passages": [passage(story) for story in stories()], "ngram": {"n": N, "tokens": N_TOKENS}}


def stories() -> list[village.Document]:
    """The stories that can be played."""
    return [village.document(0, index) for index in STORIES]


def passage(story: village.Document) -> dict[str, Any]:
    """One story: what is given, and each word after it. Raises ValueError for a document that is no story."""
    start, ends = first_charged(story), {told.stop - 1 for told in story.sentences}
    exact = np.exp(-village.surprisal(story))
    names = list(islice((told.drawn["actor"] for told in story.sentences if told.kind == "introduce"), 2))
    words = [
        word(story, at, float(exact[at])) | ({"last": True} if at in ends else {})
        for at in range(start, len(story.tokens))
    ]
    return {"title": " and ".join(names), "opening": village.decode(story.tokens[:start]), "words": words}


def first_charged(story: village.Document) -> int:
    """Where the game begins: the first chapter's people and their things are given."""
    if story.kind != "story":
        raise ValueError(f"the document is a {story.kind}; the picture is made of stories")
    return next(told.stop for told in story.sentences if told.kind == "leave it")


def word(story: village.Document, at: int, exact: float) -> dict[str, Any]:
    """One word: how it is written here, what each gave it, and, where it is asked for, what is offered."""
    token, probabilities = story.tokens[at], ngram(story.tokens, at)
    said = {"text": written(story.tokens[:at], token), "ngram": short(probabilities[token]), "exact": short(exact)}
    if probabilities.max() >= SURE:
        return said
    before, law = story.tokens[:at], village.distribution(story, at)
    seen = likeliest({one: float(probabilities[one]) for one in counted().get(before[at - N + 1 :], ())})
    return said | {
        "offered": [shown(before, one) for one in offered(before, [one for one, _ in seen])],
        "says": shown(before, token),
        "likelyNgram": [[shown(before, one), short(p)] for one, p in seen[:SHOWN]],
        "likelyExact": [[shown(before, one), short(p)] for one, p in likeliest(law)[:SHOWN]],
    }


def likeliest(law: dict[int, float]) -> list[tuple[int, float]]:
    """Tokens and their probabilities, the likeliest first."""
    return sorted(law.items(), key=lambda item: (-item[1], item[0]))


def offered(before: Sequence[int], seen: Sequence[int]) -> list[int]:
    """The words to choose from, of those that the n-gram has seen here: words of the story come first."""
    known = [token for token in seen if token in before][:FROM_STORY]
    return known + [token for token in seen if token not in known][: OFFERED - len(known)]


@cache
def counted() -> Counts:
    """The n-gram's counts."""
    return count_ngrams(torch.from_numpy(village.stream(N_TOKENS).astype(np.int64)), N)


def ngram(tokens: Sequence[int], at: int) -> Tensor:
    """The n-gram's probabilities for the word at a position: (vocab_size)."""
    return ngram_probabilities(counted(), tuple(tokens[at - N + 1 : at]), len(village.VOCABULARY), K)


def written(before: Sequence[int], token: int) -> str:
    """What a token adds to the text before it, with its blank and its capital; the end adds nothing to read."""
    if token == village.END:
        return ""
    return village.decode([*before, token])[len(village.decode(before)) :]


def shown(before: Sequence[int], token: int) -> str:
    """A token as a choice: what it adds, or what it does where that cannot be seen."""
    return {village.END: "the end"}.get(token) or written(before, token).strip() or "a new chapter"


def short(probability: Tensor | float) -> float:
    """Six digits: enough for bits with four decimals."""
    return float(f"{float(probability):.6g}")
