"""Proves that every sentence of the exercises that binds is guarded, and that this proof can fail."""

import pytest
import torch
from verdicts import of_mistakes

from autograder.checking import edges, soundness
from autograder.checking.judge import observe_all
from autograder.checking.promises import misquoted, sentences, unguarded
from autograder.checking.topic import CHECKS, PUBLIC_SEED, Exercise, load, topics

EXERCISES = [(topic, name) for topic in topics() for name in load(topic).order]
torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


def fails(topic: str, name: str) -> dict[str, set[str]]:
    """The checks that each known mistake fails."""
    return {mistake: soundness.failed(verdict) for mistake, verdict in of_mistakes(topic, name).items()}


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_each_promise_is_asked_for_and_broken_by_a_mistake_of_its_own(topic, name):
    exercise = load(topic).exercises[name]
    assert soundness.trouble_with_promises(load(topic), exercise, fails(topic, name)) == []
    assert soundness.trouble_at_edges(exercise) == []


@pytest.mark.parametrize(("topic", "name"), EXERCISES)
def test_every_invariant_says_what_was_changed(topic, name):
    bank = load(topic)
    for check in bank.exercises[name].checks:
        if check.invariant:
            seen = observe_all(bank, bank.exercises[name], bank.reference(name), PUBLIC_SEED)[check.name]
            assert isinstance(seen.value.get("change"), str), check.name


def test_the_page_of_edges_is_what_the_checks_say():
    assert (CHECKS / "README.md").read_text(encoding="utf-8") == edges.page(), "run make release"


def an_exercise() -> Exercise:
    exercise = Exercise("rnn_step")

    @exercise.promise("the new state from the input and the state before it", broken_by="forgets")
    @exercise.promise("as nobody says", broken_by="forgets")
    @exercise.promise("Shapes: x (B, d_input)", broken_by="nobody")
    @exercise.check(points=1)
    def one_step(rnn_step, rng):
        """One step."""

    return exercise


def test_what_is_wrong_with_promises_is_said():
    trouble = soundness.trouble_with_promises(load("rnn"), an_exercise(), {"forgets": set()})
    assert any("does not say “as nobody says”" in words for words in trouble)
    assert "forgets breaks two promises" in trouble
    assert any("no mistake nobody" in words for words in trouble)
    assert any("forgets passes one_step" in words for words in trouble)


def test_an_unguarded_sentence_is_found_and_an_aside_guards_it():
    exercise = Exercise("rnn_step")
    (first, *_) = unguarded(load("rnn"), exercise)
    exercise.aside(first, "it only says what the thing is")
    assert first not in unguarded(load("rnn"), exercise) and misquoted(load("rnn"), exercise) == []


def test_edges_that_are_missing_or_misspelt_are_found():
    exercise = an_exercise()
    exercise.edges(empty="one_stp", one="one_step", ties="Nothing is compared.")
    trouble = soundness.trouble_at_edges(exercise)
    assert "no such check at the edge empty: one_stp" in trouble and "nothing is said of the edges" in trouble[0]
    with pytest.raises(ValueError, match="no such edge: corners"):
        exercise.edges(corners="one_step")


def test_a_promise_is_made_once():
    with pytest.raises(ValueError, match="promised twice"):
        an_exercise().promise("as  nobody says", broken_by="another")(len)


def test_sentences_end_at_full_stops_and_semicolons_and_not_after_et_al():
    text = "One; two: three. As Bengio et al. say.\n\nFour\nfive"
    assert sentences(text) == ["One;", "two: three.", "As Bengio et al. say.", "Four five"]
