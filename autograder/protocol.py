"""The words in which checks are written: a topic has exercises, an exercise has checks and known mistakes.

A check only observes: it builds inputs from `rng`, calls the learner's function, and returns what it saw. The
verdict is made elsewhere (`autograder.judge`), by comparing with what the reference in `solutions/` shows on
the same inputs. Nothing here imports a reference until it is asked for, because the process in which a
submission runs must be able to load the checks and must not see the solutions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

PUBLIC_SEED = 2017  # the seed of the learner's own checks; grading draws a secret one
CHECKS_FOLDER = "autograder/checks"


class ClearError(Exception):
    """An error whose words say what is wrong, where, and what to do: commands show these and no traceback."""


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


@dataclass
class Exercise:
    """What is known about one exercise, in the order in which it was written down."""

    name: str
    checks: list[Check] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)
    given: Any = None

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)


class Topic:
    """The checks and the known mistakes of one topic; `autograder/checks/<name>.py` holds one.

    `topic.check`, `topic.mistake` and `topic.given` are decorators. All raise ValueError on a duplicate name,
    a check without a question (its docstring) or without points, and a mistake without a hint.
    """

    def __init__(self, name: str):
        self.name = name
        self.exercises: dict[str, Exercise] = {}

    def exercise(self, name: str) -> Exercise:
        return self.exercises.setdefault(name, Exercise(name))

    def reference(self, exercise: str) -> Any:
        """The reference implementation of an exercise."""
        return getattr(import_module(f"solutions.{self.name}"), exercise)

    def check(
        self, exercise: str, *, points: float, judge=None, invariant=False, rtol: float = 1e-4, atol: float = 1e-5
    ):
        """Register `observe(subject, rng) -> observation`; the first paragraph of its docstring is what it asks.

        An `invariant` observes {"before": ..., "after": ...}, and perhaps a pair that "must differ". Where a
        learner's own results agree with each other, they are told that it holds; it earns its points once they
        agree with the reference's too, since results that are merely alike are easily made up.
        """

        def register(observe):
            asks = " ".join((observe.__doc__ or "").split("\n\n")[0].split())
            where = f"{CHECKS_FOLDER}/{self.name}.py: check {observe.__name__}"
            checks = self.exercise(exercise).checks
            if not asks or points <= 0:
                raise ValueError(f"{where} needs a docstring that says what it asks, and points above zero")
            if any(check.name == observe.__name__ for check in checks):
                raise ValueError(f"{where} is there twice for {exercise}")
            checks.append(Check(observe.__name__, points, asks, observe, judge, invariant, rtol, atol))
            return observe

        return register

    def mistake(self, exercise: str, *, hint: str):
        """Register a wrong implementation (function or class) of an exercise, with the hint it earns."""

        def register(implementation):
            where = f"{CHECKS_FOLDER}/{self.name}.py: mistake {implementation.__name__}"
            mistakes = self.exercise(exercise).mistakes
            if not hint.strip():
                raise ValueError(f"{where} needs a hint")
            if any(mistake.name == implementation.__name__ for mistake in mistakes):
                raise ValueError(f"{where} is there twice for {exercise}")
            mistakes.append(Mistake(implementation.__name__, hint, implementation))
            return implementation

        return register

    def given(self, exercise: str):
        """Register what stands in for the reference at grading, where a later exercise calls this one.

        A stuck learner may import the reference and go on. The reference itself is not there at grading, so an
        implementation on top of a library takes its place, for the other exercises only.
        """
        return partial(self._give, exercise)

    def _give(self, exercise: str, implementation):
        self.exercise(exercise).given = implementation
        return implementation

    def try_out(self, subject: Any):
        """What a notebook calls as `check(...)`: judge the learner's function at once, on the public seed."""
        from autograder.notebook import try_out  # here, since it needs the reference

        return try_out(self, subject)


def topics() -> list[str]:
    """The topics that have checks, by name."""
    folder = Path(__file__).parent / "checks"
    return sorted(path.stem for path in folder.glob("[a-z]*.py"))


def refuse_unknown(name: str) -> None:
    """Raise UnknownTopic where there is no topic of that name, naming those there are."""
    if name not in topics():
        raise UnknownTopic(f"there is no topic {name!r}; there are: {', '.join(topics())}")


def load(name: str) -> Topic:
    """The topic of that name. Raises UnknownTopic."""
    refuse_unknown(name)
    return getattr(import_module(f"autograder.checks.{name}"), name)
