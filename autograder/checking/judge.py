"""Verdicts: what was observed is compared with what the reference shows, and a wrong answer is recognised.

Runs where the submission does not. Everything it reads from a submission is plain data (`autograder.checking.observe`).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch

from autograder.checking.observe import Observation, Raised, named, observe, parameters, seeded
from autograder.checking.topic import Check, Exercise, Mistake, Topic

BLANK = "Nothing is written here yet."
Outcome = Literal["passed", "holds", "wrong", "raised", "missing", "reference"]


@dataclass(frozen=True)
class Difference:
    """The first place where two observations differ, and what stands there."""

    where: str
    got: str
    expected: str


@dataclass(frozen=True)
class CheckVerdict:
    """What became of one check. `reason` is None where it passed, and may be shown to anybody.

    `detail` and `difference` hold values, and an exception's message may hold the inputs: they are for the learner's
    own notebook, where the inputs are public, and not for feedback.
    """

    name: str
    asks: str
    points: float
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    difference: Difference | None = None

    @property
    def earned(self) -> float:
        return self.points if self.outcome == "passed" else 0.0


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise, and the known mistake it looks like, if any."""

    exercise: str
    checks: tuple[CheckVerdict, ...]
    mistake: str | None = None
    hint: str | None = None

    @property
    def points(self) -> float:
        return sum(check.points for check in self.checks)

    @property
    def earned(self) -> float:
        return sum(check.earned for check in self.checks)


def first_difference(got: Any, expected: Any, rtol: float, atol: float, where: str = "") -> Difference | None:
    """Where `got` first differs from `expected`, or None.

    Floating-point numbers agree when |got − expected| <= atol + rtol · |expected|; numbers of other kinds,
    strings and structure when they are the same. A tensor of no dimensions is the number in it, and float64
    agrees with float32: the type of a number is not asked for, its value is.
    """
    here = where or "the result"
    got, expected = (x.item() if isinstance(x, torch.Tensor) and x.dim() == 0 else x for x in (got, expected))
    if isinstance(expected, torch.Tensor):
        return _difference_of_tensors(got, expected, rtol, atol, here)
    if isinstance(expected, (dict, list)):
        if type(got) is not type(expected):
            return Difference(here, _name(got), _name(expected))
        named = isinstance(expected, dict)
        if len(got) != len(expected) or (named and set(got) != set(expected)):
            return Difference(here, _name(got), _name(expected))
        parts = (
            first_difference(got[key], expected[key], rtol, atol, key if named and not where else f"{here}[{key}]")
            for key in (expected if named else range(len(expected)))
        )
        return next((part for part in parts if part), None)
    if _is_number(got) and _is_number(expected):
        same = _same_number(got, expected, rtol, atol)
    else:
        same = type(got) is type(expected) and got == expected
    return None if same else Difference(here, _name(got), _name(expected))


def _difference_of_tensors(got: Any, expected: torch.Tensor, rtol: float, atol: float, here: str) -> Difference | None:
    if not isinstance(got, torch.Tensor):
        return Difference(here, _name(got), _name(expected))
    if got.shape != expected.shape:
        return Difference(f"the shape of {here}", str(tuple(got.shape)), str(tuple(expected.shape)))
    exact = not expected.is_floating_point() and not expected.is_complex()
    wide = torch.complex128 if got.is_complex() or expected.is_complex() else torch.float64
    rtol, atol = (0.0, 0.0) if exact else (rtol, atol)
    close = torch.isclose(got.to(wide), expected.to(wide), rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return None
    index = tuple((~close).nonzero()[0].tolist())
    return Difference(f"{here}[{', '.join(map(str, index))}]", _name(got[index]), _name(expected[index]))


def _same_number(got: float, expected: float, rtol: float, atol: float) -> bool:
    if isinstance(expected, int) or not (math.isfinite(got) and math.isfinite(expected)):
        return got == expected or (math.isnan(got) and math.isnan(expected))
    return abs(got - expected) <= atol + rtol * abs(expected)


def change(got: Any, expected: Any) -> str | None:
    """What changed from got["before"] to got["after"], in words, or None: see `Topic.check`."""
    before, shapes = (_tensors(seen["before"]) for seen in (got, expected))
    if [part.shape for part in before] != [part.shape for part in shapes]:
        return f"The result has the shape {_shapes(before)}, expected {_shapes(shapes)}."
    numbers = torch.cat([part.double().flatten() for part in before])
    if not numbers.isfinite().all():
        return "The result holds NaN or infinity."
    if numbers.max() - numbers.min() < 1e-6:
        return "The result is the same everywhere."
    difference = first_difference(got["after"], got["before"], Check.rtol, Check.atol)
    if difference:
        return f"At {difference.where}: {difference.expected} before the change, {difference.got} after it."
    if "must differ" in expected and first_difference(*got["must differ"], Check.rtol, Check.atol) is None:
        return "What should have changed stayed as it was."
    return None


def _tensors(tree: Any) -> list[torch.Tensor]:
    if isinstance(tree, list):
        return [tensor for part in tree for tensor in _tensors(part)]
    return [tree] if isinstance(tree, torch.Tensor) else []


def _shapes(tensors: list[torch.Tensor]) -> str:
    return ", ".join(str(tuple(tensor.shape)) for tensor in tensors) or "of no tensor"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _name(value: Any) -> str:
    """A value in a few words."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}" if value.dim() else _name(value.item())
    if isinstance(value, (dict, list)):
        return f"{len(value)} parts"
    if isinstance(value, float):
        return f"{value:.4g}"
    return repr(value)[:80]


@lru_cache(maxsize=10_000)
def _observed(check: Check, subject: Any, seed: int) -> Observation:
    """What a check shows on an implementation of ours; computed once for each seed."""
    return observe(check, subject, seed)


def _reference(topic: Topic, exercise: Exercise, check: Check, seed: int) -> Any:
    observation = _observed(check, topic.reference(exercise.name), seed)
    if observation.raised:
        raise RuntimeError(f"the reference of {exercise.name} fails its own check {check.name}: {observation.raised}")
    return observation.value


def _complaint(check: Check, got: Any, expected: Any) -> tuple[str, str | None, Difference | None] | None:
    """What is wrong with an observed value: reason, detail and, where there is one answer, the first difference."""
    try:
        if judge := change if check.invariant else check.judge:
            words = judge(got, expected)
            return ("What was asked does not hold.", words, None) if words else None
        difference = first_difference(got, expected, check.rtol, check.atol)
        return ("The result differs from the reference's.", None, difference) if difference else None
    except Exception:  # data of a form that nobody foresaw
        return "The observation does not have the expected form.", None, None


def _check_verdict(topic: Topic, exercise: Exercise, check: Check, observation: Observation | None, seed: int):
    entry = (check.name, check.asks, check.points)
    if observation is None:
        return CheckVerdict(*entry, "missing", f"{exercise.name} is not defined, or was stopped before this check.")
    if observation.raised:
        return CheckVerdict(*entry, "raised", *_explain(observation.raised))
    expected = _reference(topic, exercise, check, seed)
    if complaint := _complaint(check, observation.value, expected):
        return CheckVerdict(*entry, "wrong", *complaint)
    if check.invariant and first_difference(observation.value, expected, check.rtol, check.atol):
        return CheckVerdict(*entry, "holds", "This holds, and earns its points once the values are right too.")
    return CheckVerdict(*entry, "passed")


def _explain(raised: Raised) -> tuple[str, str | None]:
    """Reason and detail of an exception."""
    if raised.type == "NotImplementedError":
        return BLANK, None
    at = f" at `{raised.line}`" if raised.line else ""
    return f"The call ended with {raised.type}{at}.", raised.message


def judge(topic: Topic, exercise: Exercise, observations: dict[str, Observation], seed: int) -> Verdict:
    """The verdict on one exercise, from the observations of its checks by name (a missing one is a failure)."""
    seed = seeded(seed, topic.name, exercise.name)
    checks = tuple(
        _check_verdict(topic, exercise, check, observations.get(check.name), seed) for check in exercise.checks
    )
    failed = {check.name for check in checks if check.outcome != "passed"}
    mistake = diagnose(exercise, observations, failed, seed) if failed else None
    return Verdict(exercise.name, checks, mistake and mistake.name, mistake and mistake.hint)


def outcome(topic: Topic, name: str, check: Check, subject: Any, seed: int) -> Outcome:
    """What becomes of one check on an implementation of ours, without the others and without a diagnosis."""
    exercise, seed = topic.exercises[name], seeded(seed, topic.name, name)
    observation = observe(check, named(subject, parameters(topic.reference(name))), seed)
    return _check_verdict(topic, exercise, check, observation, seed).outcome


def diagnose(exercise: Exercise, observations: dict[str, Observation], failed: set[str], seed: int) -> Mistake | None:
    """The known mistake that shows the same as was observed.

    One that agrees on every check, or else the one that agrees on most of the failed checks that returned a
    value, and on more than any other: a submission may hold two mistakes.
    """
    ranked = []
    for mistake in exercise.mistakes:
        agreeing = {
            check.name
            for check in exercise.checks
            if _agree(check, observations.get(check.name), _observed(check, mistake.implementation, seed))
        }
        if len(agreeing) == len(exercise.checks):
            return mistake
        telling = {name for name in agreeing & failed if observations[name].raised is None}
        ranked.append((len(telling), mistake))
    ranked.sort(key=lambda entry: -entry[0])
    if not ranked or ranked[0][0] == 0 or (len(ranked) > 1 and ranked[1][0] == ranked[0][0]):
        return None
    return ranked[0][1]


def _agree(check: Check, got: Observation | None, shown: Observation) -> bool:
    """Whether two observations are the same, a raised exception being the same by type and message."""
    if got is None or (got.raised is None) != (shown.raised is None):
        return False
    if got.raised and shown.raised:
        return (got.raised.type, got.raised.message) == (shown.raised.type, shown.raised.message)
    try:
        return first_difference(got.value, shown.value, check.rtol, check.atol) is None
    except Exception:  # data of a form that nobody foresaw
        return False


def observe_all(topic: Topic, exercise: Exercise, subject: Any, seed: int) -> dict[str, Observation]:
    """Every check of an exercise on one subject: what `judge` takes."""
    seed = seeded(seed, topic.name, exercise.name)
    subject = named(subject, parameters(topic.reference(exercise.name)))
    return {check.name: observe(check, subject, seed) for check in exercise.checks}


def without_points(exercise: Exercise, outcome: Outcome, reason: str) -> Verdict:
    """The verdict on an exercise that could not be observed at all."""
    return Verdict(
        exercise.name,
        tuple(CheckVerdict(check.name, check.asks, check.points, outcome, reason) for check in exercise.checks),
    )
