"""Proves what a learner sees of `check(...)` and `score()`: faults cost once, and the score so far is said."""

import sys

import nbformat
import pytest
import torch

from autograder.checking import notebook
from autograder.checking.solution_source import solution_source
from autograder.checking.topic import ROOT, load, topics

torch.set_num_threads(1)
TOPIC = load("attention")
BLANK = "def scaled_dot_product(query, key, value, mask=None):\n    raise NotImplementedError()"
UNSCALED = "def scaled_dot_product(query, key, value, mask=None):\n    return torch.softmax(query @ key.mT, -1) @ value"
CAUSAL = solution_source(TOPIC.reference("causal_attention"))
HELPED = CAUSAL.replace("scaled_dot_product(", "helper(") + (
    "\ndef helper(*given):\n    return [scaled_dot_product(*given) for _ in range(1)][0]"
)


@pytest.fixture
def written(monkeypatch):
    """What a learner has written: a function that takes sources and gives the notebook's names."""
    monkeypatch.setattr(notebook, "_VERDICTS", {})
    names = vars(sys.modules["__main__"])
    before = dict(names)
    yield (
        lambda *sources: (
            [exec(source, names) for source in ("import torch\nfrom torch import Tensor", *sources)] and names
        )
    )
    names.clear()
    names.update(before)


@pytest.mark.parametrize("wrong", [BLANK, UNSCALED])
@pytest.mark.parametrize("right", [CAUSAL, HELPED])
def test_a_fault_in_an_earlier_exercise_costs_once_and_is_named(written, capsys, wrong, right):
    names = written(wrong, right)
    own = names["scaled_dot_product"]
    assert notebook.try_out(TOPIC, names["causal_attention"]) == 1
    assert "scaled_dot_product does not pass yet; a right one was used here instead." in capsys.readouterr().out
    assert names["scaled_dot_product"] is own
    assert notebook.try_out(TOPIC, own) < 2


def test_an_own_fault_costs_its_points_whatever_is_given(written, capsys):
    names = written(BLANK, CAUSAL.replace("S - T", "S - T - 1"))
    assert notebook.try_out(TOPIC, names["causal_attention"]) < 1


def test_nothing_is_given_for_what_passes(written, capsys):
    names = written(solution_source(TOPIC.reference("scaled_dot_product")), CAUSAL.replace("S - T", "S - T - 1"))
    assert notebook.try_out(TOPIC, names["causal_attention"]).verdict.given == ()


def test_a_reference_that_was_imported_is_used_as_it_is(written, capsys):
    names = written("from solutions.attention import scaled_dot_product", CAUSAL)
    assert notebook.try_out(TOPIC, names["causal_attention"]).verdict.given == ()


def test_the_score_so_far_is_said_after_each_check_and_at_the_end(written, capsys):
    names = written(UNSCALED, CAUSAL)
    notebook.try_out(TOPIC, names["causal_attention"])
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("attention so far: 1 of 8 points; 5 exercises not checked yet; 2 written answers are marked")
    notebook.try_out(TOPIC, names["scaled_dot_product"])
    notebook.try_out(TOPIC, names["causal_attention"])  # again: it counts once
    capsys.readouterr()
    notebook.all_scores(TOPIC)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["1.", "attention_over_states", "–", "of", "1,", "not", "checked", "yet"]
    assert lines[2].split() == ["3.", "causal_attention", "1", "of", "1"]
    assert "4 exercises not checked yet" in lines[-1]


@pytest.mark.parametrize("name", topics())
def test_a_topic_knows_how_many_written_answers_its_notebook_has(name):
    cells = nbformat.read(ROOT / "exercises" / name / f"{name}.ipynb", as_version=4).cells
    by_hand = [
        cell for cell in cells if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade")
    ]
    assert load(name).written == len(by_hand)
