"""Proves that small changes to a reference are caught by its checks, and that this proof can fail."""

import pytest
import torch

from autograder.checking import soundness
from autograder.checking.mutations import Mutation, mutations
from autograder.checking.topic import load, topics

torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


@pytest.mark.parametrize("topic", topics())
def test_mutations_of_the_reference_are_caught(topic):
    """Every tenth of them, to save time, so their share counts over all exercises; `make soundness` has all."""
    results, _ = soundness.tried(load(topic), every=10)
    survivors = list(results.values()).count("survived")
    assert survivors <= (1 - soundness.CAUGHT) * len(results), soundness.footnote(results)


def test_a_stale_equivalent_is_an_error(monkeypatch):
    monkeypatch.setattr(soundness, "equivalents", lambda topic: {("causal_attention", "x = 1", "x = 2"): "for a test"})
    with pytest.raises(soundness.Unsound, match="not generated"):
        soundness.tried(load("attention"))


def test_a_mutation_without_end_is_stopped(monkeypatch):
    monkeypatch.setattr(soundness, "SECONDS", 1)
    source = "def causal_attention(query, key, value):\n    while True:\n        pass"
    assert soundness.fate("attention", Mutation("causal_attention", "", "", source)) == "out of time"


def test_mutations_are_of_every_kind():
    changes = {mutation.mutated for mutation in mutations(load("attention"), "scaled_dot_product")}
    assert "return torch.softmax(scores) @ value" in changes  # an argument dropped
    assert 'scores = scores.masked_fill(mask, float("-inf"))' in changes  # an operator dropped
    assert "scores = query @ key / math.sqrt(query.size(-1))" in changes  # a call dropped
    assert "if not mask is not None:" in changes  # a condition turned round
    assert "pass" in changes  # a statement dropped
