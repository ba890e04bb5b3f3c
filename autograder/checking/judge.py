"""Verdicts: what was observed is compared with what the reference shows, and a wrong answer is recognised.

Runs where the submission does not. Everything it reads from a submission is plain data (`autograder.checking.observe`).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import torch

from autograder.checking.observe import Observation, Raised, named, observe, parameters, seeded
from autograder.checking.topic import PUBLIC_SEED, Check, Exercise, Mistake, Topic
from autograder.checking.watch import plainly_same

BLANK = "Nothing is written here yet."
MEDDLES = "The result is right, but something that belongs to the caller was changed."
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
    """What became of one exercise, and the known mistake it looks like, if any.

    `given` are the earlier exercises that do not pass, and in whose place right ones were used.
    """

    exercise: str
    checks: tuple[CheckVerdict, ...]
    mistake: str | None = None
    hint: str | None = None
    given: tuple[str, ...] = ()

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
        if isinstance(got, list) and isinstance(expected, list) and plainly_same(got, expected):
            return None
        if type(got) is not type(expected) or len(got) != len(expected) or _keys(got) != _keys(expected):
            return Difference(here, *_in_words(got, expected, atol))
        is_named = isinstance(expected, dict)
        parts = (
            first_difference(got[key], expected[key], rtol, atol, key if is_named and not where else f"{here}[{key}]")
            for key in (expected if is_named else range(len(expected)))
        )
        return next((part for part in parts if part), None)
    if _is_number(got) and _is_number(expected):
        same = _same_number(got, expected, rtol, atol)
    else:
        same = type(got) is type(expected) and got == expected
    return None if same else Difference(here, *_in_words(got, expected, atol))


def _difference_of_tensors(got: Any, expected: torch.Tensor, rtol: float, atol: float, here: str) -> Difference | None:
    if not isinstance(got, torch.Tensor):
        return Difference(here, *_in_words(got, expected, atol))
    if got.shape != expected.shape:
        return Difference(f"the shape of {here}", str(tuple(got.shape)), str(tuple(expected.shape)))
    if got.dtype == expected.dtype and torch.equal(got, expected):
        return None
    exact = not expected.is_floating_point() and not expected.is_complex()
    wide = torch.complex128 if got.is_complex() or expected.is_complex() else torch.float64
    rtol, atol = (0.0, 0.0) if exact else (rtol, atol)
    close = torch.isclose(got.to(wide), expected.to(wide), rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return None
    index = tuple((~close).nonzero()[0].tolist())
    where = f"{here}[{', '.join(map(str, index))}]"
    return Difference(where, *_in_words(got[index].item(), expected[index].item(), atol))


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
        change = expected.get("change", "the change")
        return f"At {difference.where}: {difference.expected} before, {difference.got} after {change}."
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


def _keys(value: Any) -> set | None:
    return set(value) if isinstance(value, dict) else None


def _in_words(got: Any, expected: Any, atol: float) -> tuple[str, str]:
    """Both in a few words, and numbers with as many digits as it takes to tell them apart.

    What differs from zero by less than is looked at, is zero.
    """
    if _keys(got) and _keys(expected) and _keys(got) != _keys(expected):
        return _short_list(set(got) - set(expected), "also "), _short_list(set(expected) - set(got), "")
    if isinstance(expected, float) and expected and abs(expected) <= atol < abs(got if _is_number(got) else 1):
        expected = 0.0
    for digits in (4, 6, 9, 17):
        words = _name(got, digits), _name(expected, digits)
        if words[0] != words[1]:
            return words
    return f"{words[0]} ({type(got).__name__})", f"{words[1]} ({type(expected).__name__})"


def _short_list(keys: set, before: str) -> str:
    return f"{before}{', '.join(repr(key) for key in sorted(keys, key=str))}"[:80] if keys else "nothing of the kind"


def _name(value: Any, digits: int) -> str:
    """A value in a few words."""
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {tuple(value.shape)}" if value.dim() else _name(value.item(), digits)
    if isinstance(value, (dict, list)):
        return f"{'entries' if isinstance(value, dict) else 'a list'} of {len(value)}"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return repr(value)[:80]


@lru_cache(maxsize=10_000)
def observed(check: Check, subject: Any, seed: int) -> Observation:
    """What a check shows on an implementation of ours; computed once for each seed."""
    return observe(check, subject, seed)


def _reference(topic: Topic, exercise: Exercise, check: Check, seed: int) -> Observation:
    observation = observed(check, topic.reference(exercise.name), seed)
    if observation.raised:
        raise RuntimeError(f"the reference of {exercise.name} fails its own check {check.name}: {observation.raised}")
    return observation


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
    if complaint := _complaint(check, observation.value, expected.value):
        return CheckVerdict(*entry, "wrong", *complaint)
    if check.invariant and first_difference(observation.value, expected.value, check.rtol, check.atol):
        return CheckVerdict(*entry, "holds", "This holds, and earns its points once the values are right too.")
    if meddled := set(observation.changed) - set(expected.changed):
        place, what = min(meddled)
        return CheckVerdict(*entry, "wrong", MEDDLES, f"It changed {what}: {_argument(topic, exercise, place)}.")
    return CheckVerdict(*entry, "passed")


def _argument(topic: Topic, exercise: Exercise, place: str) -> str:
    """An argument by its name, where it was known by its place; of a class, in the call of `forward`."""
    reference = topic.reference(exercise.name)
    names = parameters(reference.forward)[1:] if isinstance(reference, type) else parameters(reference)
    if place.isdecimal():
        return f"`{names[int(place)]}`" if int(place) < len(names) else f"argument {int(place) + 1}"
    return f"`{place}`"


def _explain(raised: Raised) -> tuple[str, str | None]:
    """Reason and detail of an exception."""
    if raised.type == "NotImplementedError":
        return BLANK, None
    at = f" at `{raised.line}`" if raised.line else ""
    return f"The call ended with {raised.type}{at}.", raised.message


def judge(topic: Topic, exercise: Exercise, observations: dict[str, Observation], seed: int) -> Verdict:
    """The verdict on one exercise, from the observations of its checks by name (a missing one is a failure)."""
    seed = seeded(seed, topic.name, exercise.name)
    checks = _fined_once(
        _check_verdict(topic, exercise, check, observations.get(check.name), seed) for check in exercise.checks
    )
    has_failed = any(check.outcome != "passed" for check in checks)
    mistake = diagnose(topic, exercise, observations, seed) if has_failed else None
    return Verdict(exercise.name, checks, mistake and mistake.name, mistake and mistake.hint)


def _fined_once(checks: Iterable[CheckVerdict]) -> tuple[CheckVerdict, ...]:
    """The verdicts, with points lost for changed arguments in the first check only: it is one fault."""
    fined: list[CheckVerdict] = []
    for check in checks:
        is_again = check.reason == MEDDLES and any(earlier.reason == MEDDLES for earlier in fined)
        fined.append(CheckVerdict(check.name, check.asks, check.points, "passed") if is_again else check)
    return tuple(fined)


def outcome(topic: Topic, name: str, check: Check, subject: Any, seed: int, rehearsed: bool = False) -> Outcome:
    """What becomes of one check on an implementation of ours, without the others and without a diagnosis."""
    exercise, seed = topic.exercises[name], seeded(seed, topic.name, name)
    observation = observe(check, named(subject, parameters(topic.reference(name))), seed, rehearsed)
    return _check_verdict(topic, exercise, check, observation, seed).outcome


def diagnose(topic: Topic, exercise: Exercise, observations: dict[str, Observation], seed: int) -> Mistake | None:
    """The known mistake that shows the same as was observed, or None where there is none, or more than one.

    One that agrees on every check; or else one that was seen in full, beside another: it agrees on all the checks that
    it fails itself, on one at least by a value. Of several, the one that fails most.
    """
    found: list[tuple[int, Mistake]] = []
    for mistake in exercise.mistakes:
        if (seen := _seen_in_full(topic, exercise, mistake, observations, seed)) is not None:
            is_all, failing = seen
            if is_all:
                return mistake
            found.append((failing, mistake))
    most = max((failing for failing, _ in found), default=0)
    best = [mistake for failing, mistake in found if failing == most]
    return best[0] if len(best) == 1 else None


def _seen_in_full(
    topic: Topic, exercise: Exercise, mistake: Mistake, observations: dict[str, Observation], seed: int
) -> tuple[bool, int] | None:
    """Whether observations agree with a mistake's on every check, and on how many that it fails; None where they do
    not agree on one that it fails, or only in what was raised. Checks after the first such one are not run."""
    is_all, failing, is_telling = True, 0, False
    for check in exercise.checks:
        shown = observed(check, mistake.implementation, seed)
        agrees = _agree(check, observations.get(check.name), shown)
        fails = _check_verdict(topic, exercise, check, shown, seed).outcome != "passed"
        if fails and not agrees:
            return None
        is_all, failing, is_telling = is_all and agrees, failing + fails, is_telling or (fails and not shown.raised)
    return (is_all, failing) if is_all or is_telling else None


def _agree(check: Check, got: Observation | None, shown: Observation) -> bool:
    """Whether two observations are the same, a raised exception being the same by type and message."""
    if got is None or (got.raised is None) != (shown.raised is None):
        return False
    if got.raised and shown.raised:
        return (got.raised.type, got.raised.message) == (shown.raised.type, shown.raised.message)
    if got.changed != shown.changed:
        return False
    try:
        return first_difference(got.value, shown.value, check.rtol, check.atol) is None
    except Exception:  # data of a form that nobody foresaw
        return False


def observe_all(
    topic: Topic, exercise: Exercise, subject: Any, seed: int, rehearsed: bool = False
) -> dict[str, Observation]:
    """Every check of an exercise on one subject: what `judge` takes."""
    seed = seeded(seed, topic.name, exercise.name)
    subject = named(subject, parameters(topic.reference(exercise.name)))
    return {check.name: observe(check, subject, seed, rehearsed) for check in exercise.checks}


def judged(topic: Topic, name: str, subject: Any, seed: int = PUBLIC_SEED, rehearsed: bool = False) -> Verdict:
    """The verdict on one implementation that is here; `rehearsed`, as a learner's is."""
    exercise = topic.exercises[name]
    return judge(topic, exercise, observe_all(topic, exercise, subject, seed, rehearsed), seed)


def without_points(exercise: Exercise, outcome: Outcome, reason: str) -> Verdict:
    """The verdict on an exercise that could not be observed at all."""
    return Verdict(
        exercise.name,
        tuple(CheckVerdict(check.name, check.asks, check.points, outcome, reason) for check in exercise.checks),
    )
