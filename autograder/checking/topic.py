"""The words in which checks are written: a topic has exercises, an exercise has checks and known mistakes.

A check only observes: it builds inputs from `rng`, calls the learner's function, and returns what it saw. The
verdict is made elsewhere (`autograder.checking.judge`), by comparing with what the reference in `solutions/` shows on
the same inputs. Nothing here imports a reference until it is asked for, because the process in which a
submission runs must be able to load the checks and must not see the solutions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

from autograder.checking.errors import ClearError

PUBLIC_SEED = 2017  # the seed of the learner's own checks; grading draws a secret one
ROOT = Path(__file__).resolve().parents[2]  # of the course
PACKAGE = "autograder.checks"
CHECKS = ROOT / "autograder" / "checks"


class UnknownTopic(ClearError):
    """There is no such topic."""


@dataclass(frozen=True)
class Check:
    """One experiment on one exercise. `judge(got, expected)` returns None or what is wrong, in words."""

    name: str
    points: float
    asks: str
    observe: Callable[..., Any]
    judge: Callable[[Any, Any], str | None] | None = None
    invariant: bool = False
    rtol: float = 1e-4
    atol: float = 1e-5


@dataclass(frozen=True)
class Mistake:
    """A known wrong implementation, and the question that leads away from it."""

    name: str
    hint: str
    implementation: Any


@dataclass(frozen=True)
class Promise:
    """What an exercise's text says in these words, the check that asks for it, and the known mistake that breaks it."""

    words: str
    check: str
    broken_by: str


EDGES = {  # what a check may ask at, and what is meant
    "empty": "nothing at all: no text, no token, no position",
    "one": "a single one",
    "equal": "values that are all the same",
    "zero": "zeros, where something is divided by them or multiplied with them",
    "ties": "two that are equally good",
    "large": "very large values",
    "small": "very small ones, or very negative ones",
    "limit": "exactly at the limit, and one beyond it",
    "shapes": "every size another number, and a size of one where a `squeeze` would lose it",
    "modes": "in training and in evaluation mode",
    "gradients": "gradients that are there already",
    "inputs": "the gradient of every input, not of the weights alone",
}


class Exercise:
    """What is known about one exercise, in the order in which it was written down.

    `autograder/checks/<topic>/<name>.py` holds one, as `exercise`. Its methods `check`, `promise`, `mistake` and
    `given` are decorators. They raise ValueError on a duplicate name, on a check without a question (its docstring) or
    without points, on a promise made twice, on a mistake without a hint, and `edges` on an edge that there is not.
    """

    def __init__(self, name: str):
        self.name = name
        self.checks: list[Check] = []
        self.promises: list[Promise] = []
        self.asides: dict[str, str] = {}  # the words that promise nothing, and why
        self.mistakes: list[Mistake] = []
        self.at_edges: dict[str, str] = {}
        self.stand_in: Any = None

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)

    def check(self, *, points: float, judge=None, invariant=False, rtol: float = 1e-4, atol: float = 1e-5):
        """Register `observe(subject, rng) -> observation`; the first paragraph of its docstring is what it asks.

        An `invariant` observes {"before": ..., "after": ...}, and perhaps a pair that "must differ". Where a
        learner's own results agree with each other, they are told that it holds; it earns its points once they
        agree with the reference's too, since results that are merely alike are easily made up.
        """

        def register(observe):
            asks = " ".join((observe.__doc__ or "").split("\n\n")[0].split())
            where = f"{observe.__module__}: check {observe.__name__}"
            if not asks or points <= 0:
                raise ValueError(f"{where} needs a docstring that says what it asks, and points above zero")
            if any(check.name == observe.__name__ for check in self.checks):
                raise ValueError(f"{where} is there twice for {self.name}")
            self.checks.append(Check(observe.__name__, points, asks, observe, judge, invariant, rtol, atol))
            return observe

        return register

    def promise(self, words: str, broken_by: str):
        """Register, above a check, what it asks for in the words of the exercise's text, and who breaks this alone.

        `broken_by` is the name of a known mistake, which breaks this promise and no other.
        """
        words = " ".join(words.split())

        def register(observe):
            if any(promise.words == words for promise in self.promises):
                raise ValueError(f"{observe.__module__}: promised twice: {words}")
            self.promises.append(Promise(words, observe.__name__, broken_by))
            return observe

        return register

    def aside(self, words: str, why: str) -> None:
        """Register words of the exercise's text that sound like a promise, and why no check asks for them."""
        self.asides[" ".join(words.split())] = why

    def edges(self, **asked_or_why_not: str) -> None:
        """Register for each of `EDGES` the check that asks there, or in a few words why none does."""
        if unknown := set(asked_or_why_not) - set(EDGES):
            raise ValueError(f"{self.name}: no such edge: {', '.join(sorted(unknown))}; there are: {', '.join(EDGES)}")
        self.at_edges.update(asked_or_why_not)

    def mistake(self, *, hint: str):
        """Register a wrong implementation (function or class), with the hint it earns."""

        def register(implementation):
            where = f"{implementation.__module__}: mistake {implementation.__name__}"
            if not hint.strip():
                raise ValueError(f"{where} needs a hint")
            if any(mistake.name == implementation.__name__ for mistake in self.mistakes):
                raise ValueError(f"{where} is there twice for {self.name}")
            self.mistakes.append(Mistake(implementation.__name__, hint, implementation))
            return implementation

        return register

    def given(self, implementation):
        """Register what stands in for the reference at grading, where a later exercise calls this one.

        A stuck learner may import the reference and go on. The reference itself is not there at grading, so an
        implementation on top of a library takes its place, for the other exercises only.
        """
        self.stand_in = implementation
        return implementation


class Topic:
    """The exercises of one topic, in the order of its notebook; `autograder/checks/<name>/__init__.py` names them.

    `written` is the number of its written answers, which a person marks.
    """

    def __init__(self, name: str, *exercises: str, written: int = 0):
        self.name, self.order, self.written = name, exercises, written

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """Each exercise by its name, loaded when it is first asked for."""
        return {name: import_module(f"{PACKAGE}.{self.name}.{name}").exercise for name in self.order}

    def reference(self, exercise: str) -> Any:
        """The reference implementation of an exercise."""
        return getattr(import_module(f"solutions.{self.name}"), exercise)


def topics() -> list[str]:
    """The topics that have checks, by name."""
    return sorted(path.parent.name for path in CHECKS.glob("[a-z]*/__init__.py"))


def refuse_unknown(name: str) -> None:
    """Raise UnknownTopic where there is no topic of that name, naming those there are."""
    if name not in topics():
        raise UnknownTopic(f"there is no topic {name!r}; there are: {', '.join(topics())}")


def load(name: str) -> Topic:
    """The topic of that name. Raises UnknownTopic."""
    refuse_unknown(name)
    return getattr(import_module(f"{PACKAGE}.{name}"), name)
