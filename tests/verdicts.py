"""What the checks make of each known mistake, asked once for all tests of a process."""

from functools import cache

from autograder.checking.judge import Verdict, judge, observe_all, observed
from autograder.checking.observe import Observation, seeded
from autograder.checking.topic import PUBLIC_SEED, load


@cache
def seen_of_mistakes(topic: str, name: str) -> dict[str, dict[str, Observation]]:
    """What each check of an exercise shows on every known mistake, by its name, on the inputs of a notebook."""
    bank, exercise = load(topic), load(topic).exercises[name]
    return {one.name: observe_all(bank, exercise, one.implementation, PUBLIC_SEED) for one in exercise.mistakes}


@cache
def of_mistakes(topic: str, name: str, seed: int = PUBLIC_SEED) -> dict[str, Verdict]:
    """The verdict on every known mistake of an exercise, by name; on other inputs, from what a diagnosis looks at."""
    bank, exercise = load(topic), load(topic).exercises[name]
    if seed == PUBLIC_SEED:
        seen = seen_of_mistakes(topic, name)
    else:
        own = seeded(seed, topic, name)
        seen = {
            m.name: {c.name: observed(c, m.implementation, own) for c in exercise.checks} for m in exercise.mistakes
        }
    return {one: judge(bank, exercise, seen[one], seed) for one in seen}
