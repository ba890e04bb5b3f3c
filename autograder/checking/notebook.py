"""`check(...)` in a learner's notebook: the same judge as at grading, on the public seed, at once."""

import os
import sys
from typing import Any

from autograder.checking.display import as_html, as_text, number
from autograder.checking.judge import Verdict, judge, observe_all, without_points
from autograder.checking.topic import PUBLIC_SEED, Topic

AT_GRADING = "LAYERCAKE_GRADING"  # set in the room where a submission runs, which has no reference


class Points(float):
    """The points earned: a number whose text is the number, and whose display is the verdict.

    Plain nbgrader reads the text as partial credit, so nothing of nbgrader has to be changed for it.
    """

    verdict: Verdict | None = None

    def __repr__(self) -> str:
        return number(self)

    def _repr_html_(self) -> str | None:
        return as_html(self.verdict) if self.verdict else None


def try_out(topic: Topic, subject: Any) -> Points:
    """Judge a learner's function on the public seed and show the verdict.

    Raises TypeError where what is passed is no function or class, LookupError where it is no exercise.
    """
    if os.environ.get(AT_GRADING):
        print("The checks are run by the grader, after the notebook.")
        return Points(0)
    verdict = _verdict(topic, subject)
    points = Points(verdict.earned)
    points.verdict = verdict
    if not _shows_html():
        print(as_text(verdict))
    return points


def _verdict(topic: Topic, subject: Any) -> Verdict:
    name = _name(topic, subject)
    if not callable(subject) or name is None:
        raise TypeError(
            f"check(...) takes the function or class itself, such as check({_first(topic)}); got {subject!r}"
        )
    if name not in topic.exercises:
        raise LookupError(f"{name!r} is no exercise of {topic.name}; there are: {', '.join(topic.exercises)}")
    exercise = topic.exercises[name]
    if getattr(subject, "__module__", "").startswith("solutions."):
        reason = "This is the reference. It lets you go on, and earns no points until you write your own."
        return without_points(exercise, "reference", reason)
    return judge(topic, exercise, observe_all(topic, exercise, subject, PUBLIC_SEED), PUBLIC_SEED)


def _name(topic: Topic, subject: Any) -> str | None:
    """The exercise that a function or class is: by the notebook's name for it, or else by its own."""
    namespace = vars(sys.modules["__main__"])
    given = (name for name in topic.exercises if subject is not None and namespace.get(name) is subject)
    return next(given, getattr(subject, "__name__", None))


def _first(topic: Topic) -> str:
    return next(iter(topic.exercises))


def _shows_html() -> bool:
    """Whether we run in a notebook, where the value of a cell is shown as HTML."""
    if "IPython" not in sys.modules:
        return False
    shell = sys.modules["IPython"].get_ipython()
    return shell is not None and hasattr(shell, "kernel")
