"""Proves that every known mistake fails the checks of its exercise, and is recognised as itself."""

import pytest
import torch

from autograder.checking import soundness
from autograder.checking.topic import PUBLIC_SEED, load, topics

MISTAKES = [
    (topic, name, mistake)
    for topic in topics()
    for name, exercise in load(topic).exercises.items()
    for mistake in exercise.mistakes
]
SEEDS = range(PUBLIC_SEED, PUBLIC_SEED + 5)
torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


@pytest.mark.parametrize(("topic", "name", "mistake"), MISTAKES, ids=lambda part: getattr(part, "name", None))
def test_known_mistake_fails_is_named_and_loses_the_same_points_whatever_the_seed(topic, name, mistake):
    verdicts = [soundness.verdict(load(topic), name, mistake.implementation, seed) for seed in SEEDS]
    for seed, seen in zip(SEEDS, verdicts, strict=False):
        assert seen.mistake == mistake.name and seen.earned < seen.points, (seed, seen)
    assert len({seen.earned for seen in verdicts}) == 1
