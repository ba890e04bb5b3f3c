"""Worked sums, for the checks of what tampers with their steps and of what reads them: steps read, written, worked out.

The known mistakes use what stands here, as the solutions are not there where checks are run.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

OPERATIONS = ("plus", "minus", "times")
Sum = tuple[int, str, int]  # both numbers, and the operation between them
FORM = re.compile(r"([0-9]) (plus|minus|times) ([0-9]) and ([0-9]) (?:more|is ([0-9](?: [0-9])?)) : (.+?)(?: \.)?")
CLAUSES = re.compile(r"(?:write ([0-9]) , (?:carry|borrow) ([0-9])|(?:carry|borrow) ([0-9]) , write ([0-9]))")


class Step(NamedTuple):
    """A column of a worked sum; a difference says no total."""

    x: int
    operation: str
    y: int
    carried: int
    total: int | None
    digit: int
    carry: int


def read_step(sentence: str) -> Step | None:
    """As the notebook gives it."""
    said = FORM.fullmatch(sentence.strip())
    clauses = said and CLAUSES.fullmatch(said[6])
    if not clauses or (said[2] == "minus") != (said[5] is None):
        return None
    digit, carry = int(clauses[1] or clauses[4]), int(clauses[2] or clauses[3])
    total = None if said[5] is None else int(said[5].replace(" ", ""))
    return Step(int(said[1]), said[2], int(said[3]), int(said[4]), total, digit, carry)


def write_step(step: Step, carry_first: bool = False) -> str:
    """As the notebook gives it."""
    total = "more" if step.total is None else f"is {spaced(step.total)}"
    clauses = [f"write {step.digit}", f"{'borrow' if step.operation == 'minus' else 'carry'} {step.carry}"]
    then = " , ".join(reversed(clauses) if carry_first else clauses)
    return f"{step.x} {step.operation} {step.y} and {step.carried} {total} : {then} ."


def sentences(text: str) -> list[str]:
    """As the notebook gives it."""
    before, *answer = re.split(r"\banswer\b", text, maxsplit=1, flags=re.IGNORECASE)
    parts = before.split(".")
    return [said for part in (parts[:-1] if answer else parts) if (said := part.strip())]


def spaced(number: int) -> str:
    """A number in digits that stand apart."""
    return " ".join(str(number))


def follows(x: int, operation: str, y: int, carried: int) -> Step:
    """The step that follows from two digits and what is carried over."""
    if operation == "minus":
        left = x - y - carried
        return Step(x, operation, y, carried, None, left % 10, int(left < 0))
    total = carried + (x * y if operation == "times" else x + y)
    return Step(x, operation, y, carried, total, total % 10, total // 10)


def columns(a: int, operation: str, b: int) -> list[tuple[int, int]]:
    """The digits of each column, the last ones first."""
    n = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    ys = str(b) * n if operation == "times" else str(b).zfill(n)
    return [(int(x), int(y)) for x, y in zip(str(a).zfill(n)[::-1], ys[::-1])]


def worked(a: int, operation: str, b: int) -> list[Step]:
    """The right steps of a sum."""
    steps: list[Step] = []
    for x, y in columns(a, operation, b):
        steps.append(follows(x, operation, y, steps[-1].carry if steps else 0))
    return steps


def result(a: int, operation: str, b: int) -> int:
    """The right answer."""
    return {"plus": a + b, "minus": a - b, "times": a * b}[operation]


def number_of(rng: torch.Generator, n_digits: int) -> int:
    """Any number of so many digits, with no 0 in front."""
    first, *rest = torch.randint(10, (n_digits,), generator=rng).tolist()
    return int("".join(map(str, [1 + first % 9, *rest])))


def some_sum(rng: torch.Generator, operation: str, n_digits: int = 4, of_second: int = 3) -> tuple[int, str, int]:
    """Any sum of numbers of so many digits; a product's second number has one, and is no 0."""
    a = number_of(rng, n_digits)
    return a, operation, number_of(rng, 1 if operation == "times" else of_second)


def some_step(rng: torch.Generator, operation: str, carry: int) -> Step:
    """A step of any digits, right or not, that carries or borrows so much."""
    x, y, carried, digit, tens, ones = torch.randint(10, (6,), generator=rng).tolist()
    return Step(x, operation, y, carried, None if operation == "minus" else 10 * tens + ones, digit, carry)


def text_of(steps: Sequence[Step | str], answer: object = None) -> str:
    """Steps or other sentences, and behind them an answer, if there is one."""
    said = [step if isinstance(step, str) else write_step(step) for step in steps]
    if isinstance(answer, int):
        answer = f"answer : {spaced(answer)} ."
    return " ".join(said if answer is None else [*said, str(answer)])


def right(its: Sum) -> str:
    return text_of(worked(*its), result(*its))


def such(draw: Callable[[], Sum], *asked: Callable[[list[Step]], bool]) -> Sum:
    """A sum of which all holds that is asked of its steps."""
    while True:
        its = draw()
        if (its[1] != "minus" or its[0] > its[2]) and all(ask(worked(*its)) for ask in asked):
            return its


def telling(rng: torch.Generator) -> list[Sum]:
    """Sums of which each has something in it that is often got wrong."""

    def some(*sizes) -> Callable[[], Sum]:
        return lambda: some_sum(rng, *sizes)

    def carries(at: int) -> Callable[[list[Step]], bool]:
        return lambda steps: steps[at].carry > 0

    def equal_and_carried(steps: list[Step]) -> bool:
        return any(step.x == step.y and step.carried for step in steps)

    return [
        such(some("plus", 4, 4), carries(0), carries(-1), lambda steps: not steps[1].carry),
        such(some("plus", 4, 2), carries(1)),
        such(some("plus", 2, 4), carries(1)),
        such(some("minus", 4, 4), carries(0), carries(1), equal_and_carried),
        such(some("minus", 4, 2), carries(1), lambda steps: steps[-1].digit > 0),
        such(some("minus", 3, 3), lambda steps: steps[-1].digit == 0 < steps[1].digit, carries(0)),
        such(some("times", 4), carries(-1), lambda steps: min(step.carry for step in steps) > 1),
        such(some("times", 3), lambda steps: steps[-1].carry == 0 < steps[0].carry),
    ]


def plain(rng: torch.Generator, operation: str) -> Sum:
    """A sum of three columns, in all of which nothing is carried, and no two of which say the same."""

    def all_differ(steps: list[Step]) -> bool:
        return len({step.x for step in steps}) == 3 and not any(step.carry for step in steps)

    return such(lambda: some_sum(rng, operation, 3, 3), all_differ, lambda steps: all(step.digit for step in steps))


def wrong_in(rng: torch.Generator, step: Step) -> dict[str, Step]:
    """The step with each of its numbers put wrong, alone, or with what follows from it."""
    off = dict(
        zip(("x", "y", "carried", "total", "digit", "carry"), (1 + torch.randint(9, (6,), generator=rng)).tolist())
    )
    wrong = {name: (getattr(step, name) + by) % 10 for name, by in off.items() if name != "total"}
    seen = {f"{name} alone": step._replace(**{name: number}) for name, number in wrong.items()}
    if step.total is not None:
        seen["total alone"] = step._replace(total=(step.total + off["total"]) % 100)
    for name in ("x", "y", "carried"):
        given = {"x": step.x, "y": step.y, "carried": step.carried} | {name: wrong[name]}
        seen[f"{name} and what follows"] = follows(given["x"], step.operation, given["y"], given["carried"])
    if step.carried:
        without = follows(step.x, step.operation, step.y, 0)
        seen |= {"nothing carried": without, "carried and not counted": without._replace(carried=step.carried)}
    return seen
