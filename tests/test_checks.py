"""Proves that every topic's bank of checks is sound: right solutions pass, and what is blank earns nothing.

That wrong solutions fail and are told apart, tests/test_mistakes.py and tests/test_mutations.py prove. Here also: a
bank loads where the solutions cannot be, its verdicts do not depend on the seed, nothing is earned by answers that
ignore the question, and a diagnosis is given only where there is one.
"""

import re
import subprocess
import sys

import pytest
import torch

from autograder.checking import soundness
from autograder.checking.topic import PUBLIC_SEED, load, topics

EXERCISES = [(topic, name) for topic in topics() for name in load(topic).exercises]
OTHERS = [(topic, name, stem) for topic, name in EXERCISES for stem in soundness.alternatives(load(topic), name)]
SEEDS = range(PUBLIC_SEED, PUBLIC_SEED + 8)
torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_reference_earns_all_points_whatever_the_seed(topic, name):
    bank = load(topic)
    for seed in SEEDS:
        seen = soundness.judged(bank, name, bank.reference(name), seed)
        assert (seen.earned, seen.mistake) == (bank.exercises[name].points, None), (seed, seen)


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_blank_earns_nothing_and_gets_no_diagnosis(topic, name):
    seen = soundness.judged(load(topic), name, soundness.blank(load(topic), name))
    assert (seen.earned, seen.mistake) == (0, None)
    assert {check.reason for check in seen.checks} == {"Nothing is written here yet."}


@pytest.mark.parametrize(("topic", "name", "stem"), OTHERS)
def test_alternative_earns_all_points(topic, name, stem):
    subject = soundness.alternatives(load(topic), name)[stem]
    seen = soundness.judged(load(topic), name, subject, SEEDS[1], rehearsed=True)  # `make soundness` has the first
    assert seen.earned == seen.points, seen


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_there_are_enough_mistakes_and_alternatives(topic, name):
    assert len(load(topic).exercises[name].mistakes) >= soundness.AT_LEAST
    assert len(soundness.alternatives(load(topic), name)) >= soundness.AT_LEAST


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_hints_ask_a_question_in_two_sentences_at_most(topic, name):
    for mistake in load(topic).exercises[name].mistakes:
        assert "?" in mistake.hint and len(re.findall(r"[.?!:](?=\s|$)", mistake.hint)) <= 3, mistake.name


def test_banks_load_without_solutions_and_without_nbgrader():
    code = """
import sys
for name in ("solutions", "nbgrader", "distributed", "rich", "typer", "cosmic_ray"):
    sys.modules[name] = None
from autograder.checking.topic import load, topics
from autograder.checking.observe import observe
for topic in topics():
    for exercise in load(topic).exercises.values():
        for check in exercise.checks:
            observe(check, exercise.mistakes[0].implementation, 1)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=300)


@pytest.mark.parametrize("topic", topics())
def test_points_are_quarters_in_all(topic):
    assert sum(exercise.points for exercise in load(topic).exercises.values()) % 0.25 == 0


# --- answers that ignore the question, and more than one mistake at once ------------------------------------


def attention_verdict(subject, name=None):
    return soundness.judged(load("attention"), name or subject.__name__, subject)


@pytest.mark.parametrize("name", ["scaled_dot_product", "causal_attention", "online_softmax_attention"])
@pytest.mark.parametrize("answer", [torch.zeros_like, torch.ones_like, torch.randn_like, lambda value: value])
def test_an_answer_without_reading_earns_next_to_nothing(name, answer):
    def without_reading(query, key, value, *_, **__):
        return answer(value[..., : query.size(-2), :])

    seen = attention_verdict(without_reading, name)
    assert seen.earned <= seen.points / 8  # handing back a value is right where all values are equal


def test_an_untouched_input_earns_nothing_as_multi_head_attention():
    class Untouched(load("attention").reference("MultiHeadAttention")):
        def forward(self, x):
            return x

    assert attention_verdict(Untouched, "MultiHeadAttention").earned == 0


def test_a_missing_projection_is_named():
    class MultiHeadAttention(load("attention").reference("MultiHeadAttention")):
        def __init__(self, d_model, n_heads, attend):
            super().__init__(d_model, n_heads, attend)
            del self.w_key

    assert "self.w_key is to be nn.Linear" in attention_verdict(MultiHeadAttention).checks[0].detail


def test_a_known_mistake_is_named_in_another_handwriting():
    def scaled_dot_product(query, key, value, mask=None):
        scores = torch.einsum("...td,...sd->...ts", query, key).double() / query.shape[-1]
        if mask is not None:
            scores = scores + torch.where(mask, 0.0, -torch.inf)
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp()
        return ((exponentials / exponentials.sum(-1, keepdim=True)) @ value.double()).float()

    assert attention_verdict(scaled_dot_product).mistake == "divides_by_d"


def test_of_two_mistakes_one_that_is_there_is_named():
    def scaled_dot_product(query, key, value, mask=None):  # not scaled, and blind to the mask
        return torch.softmax(query @ key.transpose(-2, -1), dim=-1) @ value

    seen = attention_verdict(scaled_dot_product)
    assert seen.mistake in (None, "no_scaling", "ignores_the_mask") and 0 < seen.earned < seen.points


def test_an_unheard_of_mistake_gets_no_diagnosis():
    def causal_attention(query, key, value):
        return torch.softmax(torch.sin(query @ key.transpose(-2, -1)), dim=-1) @ value * 3

    assert attention_verdict(causal_attention).mistake is None


def test_a_recursion_that_is_too_deep_and_forgetful_ends_soon():
    mistake = next(m for m in load("attention").exercises["sequential_depth"].mistakes if "again" in m.name)
    seen = attention_verdict(mistake.implementation, "sequential_depth")
    assert seen.checks[-1].outcome == "raised" and seen.earned == 0.75


# --- the proof itself can fail ------------------------------------------------------------------------------


def test_a_bank_with_a_hole_is_found_out(monkeypatch):
    bank = load("attention")
    exercise = bank.exercises["causal_attention"]
    monkeypatch.setattr(exercise, "checks", exercise.checks[:1])  # a hidden future, and no more
    row = soundness.survey(bank, "causal_attention", {})
    assert any("mistakes not recognised" in problem for problem in row.problems)
    assert any("mutations" in problem for problem in row.problems)
