"""Tampering with worked steps, right and with a part put wrong, for the checks of `perturb_reasoning`."""

from collections.abc import Sequence

from autograder.checks.reasoning.steps import Step, read_step, write_step

KINDS = ("corrupt", "irrelevant", "cut", "paraphrase", "dots")
HIGHEST = {"plus": 1, "minus": 1, "times": 8}


class Perturb:
    """Tampering with its parts to override, so that one of them can be wrong."""

    highest = HIGHEST

    def __call__(self, steps, kind, at):
        self.refuse(steps, kind, at)
        return [*self.front(steps, at), *getattr(self, kind)(steps[at:])]

    def refuse(self, steps, kind, at):
        if kind not in KINDS or not self.is_place(at, len(steps)) or None in map(read_step, self.looked_at(steps, at)):
            raise ValueError("kind, place or step")

    def is_place(self, at, n):
        return 0 <= at < n

    def looked_at(self, steps, at):
        return steps

    def front(self, steps, at):
        return steps[:at]

    def corrupt(self, rest):
        step = read_step(rest[0])
        return [write_step(self.carries(step, self.higher(step))), *self.behind_corrupt(rest[1:])]

    def carries(self, step, carry):
        return step._replace(carry=carry)

    def higher(self, step):
        return step.carry + 1 if step.carry < self.highest[step.operation] else 0

    def behind_corrupt(self, rest):
        return []

    def irrelevant(self, rest):
        return [write_step(self.with_other_x(read_step(rest[0]))), *self.behind_irrelevant(rest[1:])]

    def with_other_x(self, step):
        return step._replace(x=(step.x + 1) % 10)

    def behind_irrelevant(self, rest):
        return []

    def cut(self, rest):
        return []

    def paraphrase(self, rest):
        return [self.say(sentence) for sentence in rest]

    def say(self, sentence):
        return write_step(read_step(sentence), carry_first=True)

    def dots(self, rest):
        return [self.dotted(sentence) for sentence in rest]

    def dotted(self, sentence):
        return " ".join("." for _ in sentence.split())


def worked_out_again(self: Perturb, step: Step) -> Step:
    """With another first digit, and what follows from it."""
    x = (step.x + 1) % 10
    if step.total is None:
        left = x - step.y - step.carried
        return step._replace(x=x, digit=left % 10, carry=int(left < 0))
    total = step.carried + (x * step.y if step.operation == "times" else x + step.y)
    return step._replace(x=x, total=total, digit=total % 10, carry=total // 10)


def with_its_total(self: Perturb, step: Step, carry: int) -> Step:
    """The total says the new carry too."""
    return step._replace(carry=carry, total=None if step.total is None else 10 * carry + step.total % 10)


def clauses_swapped(self: Perturb, sentence: str) -> str:
    front, behind = sentence.strip().removesuffix(" .").split(" : ")
    return f"{front} : {' , '.join(reversed(behind.split(' , ')))} ."


def from_the_second_on(self: Perturb, steps: Sequence[str], kind: str, at: int) -> list[str]:
    self.refuse(steps, kind, at)
    at = max(at - 1, 0)
    return [*self.front(steps, at), *getattr(self, kind)(steps[at:])]


def in_place(steps: Sequence[str], changed: list[str]) -> list[str]:
    """The list that came, with what it is to hold; a tuple cannot be changed."""
    if isinstance(steps, tuple):
        return changed
    steps[:] = changed
    return steps
