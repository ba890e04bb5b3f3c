"""`check(...)` in a learner's notebook: the same judge as at grading, on the public seed, at once."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from autograder.checking.display import as_html, as_text, number
from autograder.checking.judge import Verdict, judged, without_points
from autograder.checking.kept import keep
from autograder.checking.observe import code_of
from autograder.checking.topic import Topic
from layercake import mine
from layercake.mine import AT_GRADING


class Points(float):
    """The points earned: a number whose text is the number, and whose display is the verdict.

    Plain nbgrader reads the text as partial credit, so nothing of nbgrader has to be changed for it.
    """

    verdict: Verdict | None = None
    so_far: str = ""

    def __repr__(self) -> str:
        return number(self)

    def _repr_html_(self) -> str | None:
        return as_html(self.verdict) + f"<p>{self.so_far}</p>" if self.verdict else None


_VERDICTS: dict[str, dict[str, Verdict]] = {}  # of this session: topic -> exercise -> the last one


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
    _VERDICTS.setdefault(topic.name, {})[verdict.exercise] = verdict
    points.so_far = _so_far(topic)
    if verdict.earned == verdict.points:
        points.so_far += f" {_kept(topic, verdict, subject)}".rstrip()
    if not _shows_html():
        print(as_text(verdict), points.so_far, sep="\n")
    return points


def all_scores(topic: Topic) -> None:
    """Print what each exercise of the topic earned when it was last checked, and what a person will mark."""
    if os.environ.get(AT_GRADING):
        return
    seen, width = _VERDICTS.get(topic.name, {}), max(map(len, topic.order))
    for place, name in enumerate(topic.order, 1):
        earned, later = (number(seen[name].earned), "") if name in seen else ("–", ", not checked yet")
        print(f"{place:>2}. {name:<{width}}  {earned} of {number(topic.exercises[name].points)}{later}")
    print(_so_far(topic))


def _kept(topic: Topic, verdict: Verdict, subject: Any) -> str:
    """Keep what passed for later notebooks, and say so; it passes by itself only where what it calls does."""
    if verdict.given:
        return f"Check it again when {' and '.join(verdict.given)} earned all points, to keep it for later notebooks."
    return keep(topic, verdict.exercise, subject)


def _so_far(topic: Topic) -> str:
    """What was earned since the notebook was opened, and what is still to come, in a line."""
    seen = _VERDICTS.get(topic.name, {})
    all_points = number(sum(exercise.points for exercise in topic.exercises.values()))
    earned, left = number(sum(verdict.earned for verdict in seen.values())), len(topic.order) - len(seen)
    words = [f"{topic.name} so far: {earned} of {all_points} points"]
    words += [f"{left} exercise{'s' * (left != 1)} not checked yet"] * (left > 0)
    answers = f"{topic.written} written answer{'s' * (topic.written != 1)}"
    words += [f"{answers} {'is' if topic.written == 1 else 'are'} marked by a person"] * (topic.written > 0)
    return "; ".join(words) + "."


def _verdict(topic: Topic, subject: Any) -> Verdict:
    name = _name(topic, subject)
    if not callable(subject) or name is None:
        raise TypeError(
            f"check(...) takes the function or class itself, such as check({_first(topic)}); got {subject!r}"
        )
    if name not in topic.exercises:
        raise LookupError(f"{name!r} is no exercise of {topic.name}; there are: {', '.join(topic.exercises)}")
    if _is_reference(subject):
        reason = "This is the reference. It lets you go on, and earns no points until you write your own."
        return without_points(topic.exercises[name], "reference", reason)
    if getattr(subject, "__module__", "").startswith(mine.__name__):
        reason = "This is yours, kept from before. It earns points where it is written in the notebook: paste it here."
        return without_points(topic.exercises[name], "reference", reason)
    verdict = judged(topic, name, subject, rehearsed=True)
    if verdict.earned < verdict.points and (faulty := _faulty(topic, name, subject)):
        with _given(topic, faulty):
            again = judged(topic, name, subject, rehearsed=True)
        if again.earned > verdict.earned:
            return replace(again, given=tuple(faulty))
    return verdict


def _faulty(topic: Topic, name: str, subject: Any) -> list[str]:
    """The earlier exercises that one calls, itself or through others, and that lose points as the notebook has them."""
    namespace, above = vars(sys.modules["__main__"]), topic.order[: topic.order.index(name)]
    called, todo = set(), {name}
    while todo:
        code = [part for each in todo for part in code_of(subject if each == name else namespace.get(each))]
        called |= todo
        todo = {word for part in code for word in part.co_names if word in namespace} - called
    own = [
        each
        for each in above
        if each in called and callable(namespace.get(each)) and not _is_reference(namespace[each])
    ]
    verdicts = [judged(topic, each, namespace[each], rehearsed=True) for each in own]
    return [verdict.exercise for verdict in verdicts if verdict.earned < verdict.points]


@contextmanager
def _given(topic: Topic, names: list[str]) -> Iterator[None]:
    """The references of some exercises, in the place of the notebook's own."""
    namespace = vars(sys.modules["__main__"])
    own = {name: namespace[name] for name in names}
    namespace.update({name: topic.reference(name) for name in names})
    try:
        yield
    finally:
        namespace.update(own)


def _is_reference(subject: Any) -> bool:
    return getattr(subject, "__module__", "").startswith("solutions.")


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
