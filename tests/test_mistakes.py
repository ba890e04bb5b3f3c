"""Proves that every known mistake fails the checks of its exercise, and is recognised as itself."""

import pytest
import torch
from verdicts import of_mistakes, seen_of_mistakes

from autograder.checking.judge import judge
from autograder.checking.topic import PUBLIC_SEED, load, topics

MISTAKES = [
    (topic, name, mistake)
    for topic in topics()
    for name, exercise in load(topic).exercises.items()
    for mistake in exercise.mistakes
]
DIAGNOSED = [(topic, name) for topic in topics() for name in load(topic).order]
SEEDS = range(PUBLIC_SEED, PUBLIC_SEED + 2)
torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


@pytest.mark.parametrize(("topic", "name", "mistake"), MISTAKES, ids=lambda part: getattr(part, "name", None))
def test_known_mistake_fails_is_named_and_loses_the_same_points_whatever_the_seed(topic, name, mistake):
    verdicts = [of_mistakes(topic, name, seed)[mistake.name] for seed in SEEDS]
    for seed, seen in zip(SEEDS, verdicts, strict=True):
        assert seen.mistake == mistake.name and seen.earned < seen.points, (seed, seen)
    assert len({seen.earned for seen in verdicts}) == 1


@pytest.mark.parametrize(("topic", "name"), DIAGNOSED)
def test_a_mistake_that_nobody_knows_is_taken_for_no_other(topic, name, monkeypatch):
    """Each known mistake in turn is left out of those that are known: a diagnosis would then be a wrong one."""
    bank, exercise = load(topic), load(topic).exercises[name]
    for mistake in (known := exercise.mistakes):
        monkeypatch.setattr(exercise, "mistakes", [other for other in known if other is not mistake])
        seen = seen_of_mistakes(topic, name)[mistake.name]
        assert judge(bank, exercise, seen, PUBLIC_SEED).mistake is None, mistake.name
