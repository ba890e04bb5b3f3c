"""Measures the claim "features": what a model that only predicts words has come to hold about the people in a story.

    python -m experiments.features                       # the village model and three untrained ones; some minutes
    python -m experiments.features --smoke --folder DIR  # few stories, one untrained model

Writes layercake/recorded/features.json. Stories and sums are stopped at words at which something is true that neither
these words nor the next one say: whom a pronoun means, who has a thing, what is carried in a sum. There the state of
each layer is taken, and a linear probe (softmax regression, scikit-learn) is taught to say it. The probe is examined on
documents that neither the model nor the probe has seen. Beside it: the same probes on untrained models of the same
shape, which hold the words of the text too, in random mixtures; whoever, or whatever place or thing, was named last;
and the commonest answer. Some of what is asked the model needs at once, for the words that may come next, and some only
later, when it can still look it up in the text. A probe shows that something can be read off a state, not that the
model reads it there (Belinkov 2022).
"""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from experiments import record
from layercake import checkpoints, village
from layercake.figures.features import best, best_untrained
from layercake.village.world import NAMES, PLACES, THINGS
from solutions.transformer import GPT

MOVES = ("take", "put", "give", "find")  # the kinds of sentences in which a thing changes hands
ACTS = (*MOVES, "go", "seek", "alone", "together", "promise", "take back")  # those in which somebody does something
CARRY, NO_CARRY, NOBODY = "carry", "no carry", "nobody"
QUESTIONS = {  # what is asked, and the words of the text that can be the answer
    "whom “she” or “he” means": NAMES,
    "who has a thing that has just changed hands": NAMES,
    "the carry in a sum without steps": (),
    "who has a thing, some words before it is said": NAMES,
    "where somebody is, some words before it is said": PLACES,
    "what somebody who does something means to use": THINGS,
}
KEYS = ("meant", "moved", "carry", "has", "place", "means")  # of the same questions, in texts
UNTRAINED = 3  # seeds
FIRST, NEW = 3_000, 1_000  # stories to learn from, and to be examined on; and as many sums
MOST = 4_000  # states that one probe learns from
REGULAR = 0.1  # scikit-learn's C: how little the probe's weights are held down
SEED = 3  # of the stories; those of the other claims have others
CLAIM = {
    "id": "features",
    "title": "What nobody asked for, and what is left in the text",
    "sentence": "Of six things that the words do not say where they are asked, a linear map reads two better off"
    " the states of a model that was trained on nothing but the next word than off those of "
    "untrained models: who has a thing that has just changed hands, and what is carried in a sum. "
    "The other four, which can be looked up in the text when they are needed, it does not.",
    "refuted_by": "An untrained model of the same shape off which a carry, or who has a thing that has just "
    "changed hands, can be read as well, by the same probe and on the same documents; or one of the "
    "other four that can be read better off the pretrained model.",
}
LIMITS = [
    "One pretrained model, on one small world whose stories keep strict account of who is where.",
    "A probe shows what can be read off a state, not that the model reads it there, nor how it came to be there.",
    "What cannot be read off by a linear probe may be there in another form, or be looked up where it is needed.",
    "An untrained model mixes the words of the text at random and keeps them apart; a probe can learn from it "
    "which name came last, which a trained model may have replaced by what it needs. That is a strong "
    "baseline, not a floor.",
    "The rule that takes whoever was named last says more often who has a thing that has just changed hands.",
    "The questions were settled after trials on the half-trained model, on some of these stories, and the claim was "
    "worded after the measurement: it says what was found, and has not been tested on anything else.",
    "The probe's penalty was not tuned; the best layer is chosen by the same stories that it is reported on.",
]


class Asked(NamedTuple):
    """A word at which a document is stopped, what is true there, and what was named last before it."""

    question: str
    document: int
    position: int  # among the document's tokens, the end mark of the one before in front
    true: str
    named_last: str


def asked(documents: Sequence[village.Document]) -> list[Asked]:
    """All questions at all words of some documents at which they can be asked, in the order of the documents."""
    said = []
    for number, document in enumerate(documents):
        words = [village.VOCABULARY[token] for token in document.tokens]
        in_one = _in_a_sum if document.kind == "sum" else _in_a_story
        for before, told in pairwise(document.sentences):
            for question, at, true in in_one(told, before, words):
                last = next((word for word in reversed(words[: at + 1]) if word in QUESTIONS[question]), "")
                said.append(Asked(question, number, at + 1, true, last))
    return said


def _in_a_story(told: village.Told, before: village.Told, words: list[str]) -> Iterator[tuple[str, int, str]]:
    """What can be asked in one sentence of a story: the question, at which of its words, and the answer."""
    meant, moved, _, has, place, means = QUESTIONS
    drawn, first = told.drawn, words[told.start]

    def at(word: str) -> int:
        return words.index(word, told.start, told.stop)

    if told.kind in ACTS and drawn.get("who") in ("she", "he"):
        yield meant, at(drawn["who"]), drawn["actor"]
    if told.kind in MOVES:
        thing = drawn.get("thing") or drawn["a_thing"].split()[-1]
        yield moved, told.stop - 1, told.truth["held"].get(thing, NOBODY)
    if told.kind == "held by":
        yield has, at(drawn["thing"]), drawn["holder"]
    if told.kind == "where is" and at(drawn["other"]) < at(drawn["place"]):
        yield place, at(drawn["other"]), drawn["place"]
    if told.kind in ACTS and first == drawn["actor"] and first in before.truth["means"]:
        yield means, told.start, before.truth["means"][first]


def _in_a_sum(told: village.Told, before: village.Told, words: list[str]) -> Iterator[tuple[str, int, str]]:
    """In the answer to an addition without steps, before each digit: whether the columns to its right carry into it.

    Left out are the last digit, into which nothing is carried, and a first one that is itself the carry.
    """
    if told.kind != "answer" or before.kind != "plus":
        return
    a, _, b = before.truth["sum"]
    end = told.start + 2 + len(str(a + b))  # "answer", ":", the digits
    for column in range(1, max(len(str(a)), len(str(b)))):
        carried = a % 10**column + b % 10**column >= 10**column
        yield "the carry in a sum without steps", end - column - 2, CARRY if carried else NO_CARRY


@torch.no_grad()
def states(model: GPT, documents: Sequence[village.Document], where: Sequence[Asked], together: int = 16) -> Tensor:
    """The stream at each place, after the embedding and after every block: (places, n_layers + 1, d_model)."""
    seen: list[Tensor] = []
    parts = [model.embedding, *model.blocks]
    hooks = [
        part.register_forward_hook(lambda _, __, out: seen.append(out if isinstance(out, Tensor) else out[0]))
        for part in parts
    ]
    of_each = defaultdict(list)
    for i, one in enumerate(where):
        of_each[one.document].append(i)
    order = sorted(of_each, key=lambda number: len(documents[number].tokens))  # so that little is padded
    found = torch.empty(len(where), len(parts), model.embedding.embedding_dim)
    for start in range(0, len(order), together):
        some = order[start : start + together]
        texts = [torch.tensor([village.END, *documents[number].tokens]) for number in some]
        seen.clear()
        model(pad_sequence(texts, batch_first=True))  # no position reads a later one, so what is padded is not seen
        stream = torch.stack(seen, dim=2)  # (B, T, n_layers + 1, d_model)
        for row, number in enumerate(some):
            found[of_each[number]] = stream[row, [where[i].position for i in of_each[number]]]
    for hook in hooks:
        hook.remove()
    return found


def probed(learn: np.ndarray, answers: Sequence[str], new: np.ndarray) -> np.ndarray:
    """What a linear probe, taught on some states (n, C), says to others (m, C): (m) words."""
    from sklearn.linear_model import LogisticRegression  # here: it takes a second, and most who import this do without
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(C=REGULAR, max_iter=300))
    return probe.fit(learn, answers).predict(new)


def share(right: np.ndarray, document: np.ndarray, draws: int = 1000) -> dict[str, float]:
    """The share that is right, and where 95 of 100 resamplings of the documents lie."""
    chance, (_, number) = np.random.default_rng(0), np.unique(document, return_inverse=True)
    hits, sizes = np.bincount(number, right), np.bincount(number)
    again = chance.integers(len(sizes), size=(draws, len(sizes)))
    low, high = np.quantile(hits[again].sum(axis=1) / sizes[again].sum(axis=1), [0.025, 0.975])
    return {"value": round(float(right.mean()), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def measure(models: dict[str, list[GPT]], first: int, new: int, most: int) -> dict[str, Any]:
    """For each question: the share that every layer of each model gives right, and the baselines."""
    room = models["pretrained"][0].context - 1  # a story in thousands is longer
    drawn = {}
    for kind in ("story", "sum"):
        readable = (one for one in village.documents(SEED, "validation", kind) if len(one.tokens) <= room)
        drawn[kind] = list(islice(readable, first + new))
    parts = [[one for its in drawn.values() for one in its[some]] for some in (slice(first), slice(first, None))]
    sets = [(part, asked(part)) for part in parts]
    seen = {name: [[states(model, *its).numpy() for its in sets] for model in each] for name, each in models.items()}
    return {question: _answered(question, [its for _, its in sets], seen, most) for question in QUESTIONS}


def _answered(question: str, sets: list[list[Asked]], seen: dict[str, Any], most: int) -> dict[str, Any]:
    """One question, put to every layer of every model."""
    rows, new = ([i for i, one in enumerate(its) if one.question == question] for its in sets)
    rows = rows[:most]
    answers = [sets[0][i].true for i in rows]
    truth, last, document = (
        np.array([getattr(sets[1][i], what) for i in new]) for what in ("true", "named_last", "document")
    )
    said: dict[str, Any] = {
        "learned from": len(rows), "asked": len(new), "documents": len(np.unique(document)),
        "commonest": share(truth == Counter(answers).most_common(1)[0][0], document),
        "named last": share(truth == last, document),
    }  # fmt: skip
    for name, each in seen.items():
        said[name] = [
            [share(probed(a[rows, layer], answers, b[new, layer]) == truth, document) for layer in range(a.shape[1])]
            for a, b in each
        ]
    return said


# What comes of it --------------------------------------------------------------------------------------------------


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = []
    for question in QUESTIONS:
        layer, its = best(data[question])
        last = {"bound": data[question]["named last"]["value"], "bound_is": "what was named last"}
        last = last if QUESTIONS[question] else {}
        said.append({"what": f"{question}: read off the pretrained model, layer {layer}", **its, **last})
        said.append(record.summary(f"{question}: untrained models, best layer", best_untrained(data[question])))
        said.append({"what": f"{question}: the commonest answer", **data[question]["commonest"]})
    return said


def finding(data: dict[str, Any]) -> str:
    """All questions in one sentence."""
    each = "; ".join(
        f"{question} {best(data[question])[1]['value']:.0%} (untrained {max(best_untrained(data[question])):.0%})"
        for question in QUESTIONS
    )
    return f"A linear probe reads off the pretrained model {each}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {}
    for question, key in zip(QUESTIONS, KEYS):
        layer, its = best(data[question])
        said |= {f"{key}_layer": layer, f"{key}_right": its["value"], f"{key}_low": its["low"]}
        said |= {f"{key}_high": its["high"], f"{key}_untrained": max(best_untrained(data[question]))}
        said |= {f"{key}_commonest": data[question]["commonest"]["value"]}
        said |= {f"{key}_named_last": data[question]["named last"]["value"], f"{key}_asked": data[question]["asked"]}
    return said


def untrained(model: GPT, seed: int) -> GPT:
    """A model of the same shape that has learned nothing."""
    torch.manual_seed(seed)
    return GPT(**checkpoints.sizes(model)).eval()


def main(arguments: list[str] | None = None):
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    started = time.perf_counter()
    model = checkpoints.load("village")
    seeds = list(range(1 if options.smoke else UNTRAINED))
    models = {"pretrained": [model], "untrained": [untrained(model, seed) for seed in seeds]}
    first, new, most = (40, 20, 100) if options.smoke else (FIRST, NEW, MOST)
    data = measure(models, first, new, most)
    command = "python -m experiments.features" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": LIMITS}
    result |= record.provenance(command, time.perf_counter() - started)
    spread = "where 95 of 100 resamplings of the new documents lie; of untrained models, lowest to highest"
    result |= {"seeds": seeds, "repeats": len(seeds), "spread": spread}
    sizes = {"documents": first, "new": new, "most": most, "C": REGULAR, "seed": SEED}
    result |= {"settings": {"village": village.fingerprint(), **sizes}, "numbers": numbers(data), "data": data}
    return record.write("features", result, options.folder)


if __name__ == "__main__":
    main()
