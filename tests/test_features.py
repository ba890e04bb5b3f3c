"""Proves that the claim "features" asks what it says: before the answer is said, of states that are the model's own.

The questions are held against the village's truth, the states against a forward pass without padding, the probe
against a planted feature and against noise, and the record against its data.
"""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments import features, record
from layercake import results, village
from layercake.figures import features as chart
from layercake.figures.style import one_line
from solutions.transformer import GPT

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def documents():
    return [d for kind in ("story", "sum") for d in islice(village.documents(9, "validation", kind), 30)]


@pytest.fixture(scope="module")
def asked(documents):
    return features.asked(documents)


# Questions


def test_every_question_is_asked_where_neither_the_words_so_far_nor_the_next_one_say_it(documents, asked):
    meant, moved, carry, has, place, means = features.QUESTIONS
    assert {one.question for one in asked} == set(features.QUESTIONS)
    for one in asked:
        document, at = documents[one.document], one.position - 1
        words = [village.VOCABULARY[token] for token in document.tokens]
        told = next(told for told in document.sentences if told.start <= at < told.stop)
        said, next_word = words[told.start : at + 1], words[at + 1]
        if one.question in (has, place):
            assert one.true not in said and next_word != one.true and one.true in words[at + 2 : told.stop]
        if one.question == means:
            assert said == [words[told.start]] and next_word != one.true
        if one.question == meant:
            assert words[at] in ("she", "he") and one.true not in said
        if one.question == moved:
            assert at == told.stop - 1
        if one.question == carry:
            assert said[:2] == ["answer", ":"] and next_word.isdigit() and words[at + 2].isdigit()


def test_the_answers_are_what_is_true_there(documents, asked):
    meant, moved, carry, _, _, means = features.QUESTIONS
    carried = {}
    for one in asked:
        document, at = documents[one.document], one.position - 1
        before = [told for told in document.sentences if told.stop <= at][-1]
        told = next(told for told in document.sentences if told.start <= at < told.stop)
        if one.question == means:
            assert before.truth["means"][village.VOCABULARY[document.tokens[at]]] == one.true
        if one.question == meant:
            assert told.drawn["actor"] == one.true
        if one.question == moved:
            assert one.true in {*told.truth["held"].values(), features.NOBODY}
        if one.question == carry:
            carried.setdefault(one.document, []).append(one.true)
    for number, those in carried.items():  # a carry into a column is one more than the two digits there
        a, operation, b = documents[number].sentences[-1].truth["sum"]
        digit = lambda n, column: n // 10**column % 10  # noqa: E731
        assert operation == "plus"
        for column, said in enumerate(those, start=1):
            into = (digit(a + b, column) - digit(a, column) - digit(b, column)) % 10
            assert said == (features.CARRY if into else features.NO_CARRY)


def test_what_was_named_last_is_the_last_word_of_its_kind(documents, asked):
    for one in asked:
        words = [village.VOCABULARY[token] for token in documents[one.document].tokens[: one.position]]
        named = [word for word in words if word in features.QUESTIONS[one.question]]
        assert one.named_last == (named[-1] if named else "")


# States and probes


def test_states_are_those_of_each_document_read_by_itself(documents, asked):
    torch.manual_seed(0)
    model = GPT(len(village.VOCABULARY), 1200, 16, 2, 2).eval()
    seen = features.states(model, documents, asked, together=7)
    assert seen.shape == (len(asked), 3, 16)
    for i in (0, len(asked) // 2, len(asked) - 1):
        tokens = torch.tensor([[village.END, *documents[asked[i].document].tokens[: asked[i].position]]])
        assert tokens[0, -1] == documents[asked[i].document].tokens[asked[i].position - 1]
        with torch.no_grad():
            x = model.embedding(tokens)
            alone = [x[0, -1]] + [(x := block(x)[0])[0, -1] for block in model.blocks]
        assert torch.allclose(seen[i], torch.stack(alone), atol=1e-5)


def test_a_probe_finds_what_was_planted_and_nothing_in_noise():
    chance = np.random.default_rng(0)
    words = chance.choice(["mill", "inn", "barn"], 600)
    noise = chance.normal(size=(600, 20))
    planted = noise + np.array([[word == one for one in ("mill", "inn", "barn")] for word in words]) @ chance.normal(
        size=(3, 20), scale=3
    )
    for states, low, high in ((planted, 0.95, 1.0), (noise, 0.2, 0.47)):
        right = features.probed(states[:400], words[:400], states[400:]) == words[400:]
        assert low <= right.mean() <= high


def test_the_interval_is_over_documents():
    right = np.array([True] * 50 + [False] * 50)
    few, many = (features.share(right, np.arange(100) // size) for size in (50, 1))
    assert few["value"] == many["value"] == 0.5
    assert few["high"] - few["low"] > many["high"] - many["low"] > 0.1


# The record


def test_the_experiment_runs_small_and_records_everything(tmp_path, run_small):
    run_small(features, tmp_path)
    result = results.load("features", tmp_path)
    record.Record.model_validate(result)
    figure = chart.plot(result)
    assert figure.axes[0].get_title(loc="left") == chart.finding(result)
    assert one_line(chart.finding(result)) in chart.alt_text(result)


def test_what_is_recorded_is_computed_from_its_data_and_carries_the_claim():
    recorded = results.load("features")
    data = recorded["data"]
    assert recorded["settings"]["village"] == village.fingerprint() and len(recorded["seeds"]) >= 3
    assert recorded["claim"] == features.CLAIM and recorded["limits"] == features.LIMITS
    assert recorded["finding"] == features.finding(data)
    assert recorded["measured"] == json.loads(json.dumps(features.measured(data)))
    assert recorded["numbers"] == json.loads(json.dumps(features.numbers(data)))
