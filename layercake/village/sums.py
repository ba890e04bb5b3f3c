"""Sums, worked or not: addition, subtraction and multiplication by one digit, column by column, in digits."""

from functools import cache
from typing import Any

from layercake.village.grammar import Lexicon, Move, Wording, Words
from layercake.village.stories import END

HEADING = Wording("sum", "sum \n")
ASK = {
    "plus": Wording(
        "plus",
        "*3 {a} plus {b} .",
        "how much is {a} plus {b} ?",
        "{name} has {a} {goods} , and is given {b} more . how many now ?",
    ),
    "minus": Wording(
        "minus",
        "*3 {a} minus {b} .",
        "how much is {a} minus {b} ?",
        "{name} has {a} {goods} , and loses {b} . how many are left ?",
    ),
    "times": Wording(
        "times",
        "*3 {a} times {b} .",
        "how much is {a} times {b} ?",
        "{name} sells {a} {goods} for {b} coins each . how many coins ?",
    ),
}
ANSWER = Wording("answer", "answer : {result} .")
COLUMN = {
    "plus": Wording("column plus", "{x} plus {y} and {carried} is {total} : write {digit} , carry {carry} ."),
    "minus": Wording("column minus", "{x} minus {y} and {carried} more : write {digit} , borrow {carry} ."),
    "times": Wording("column times", "{x} times {y} and {carried} is {total} : write {digit} , carry {carry} ."),
}
WORDINGS = (HEADING, *ASK.values(), *COLUMN.values(), ANSWER, END)
OPERATION = Lexicon(ASK, (3, 2, 2))
# Digits of the first number. A difference is never negative: its second number has fewer.
LENGTH = {"plus": Lexicon("1 2 3 4 5", (1, 2, 3, 4, 2)), "minus": Lexicon("2 3 4 5", (3, 3, 4, 2))}
LENGTH["times"] = LENGTH["plus"]
STEPS = Lexicon(("worked", "direct"), (3, 2))


class Number(Lexicon):
    """The numbers of so many digits, all equally likely, without a leading 0 unless there is but one digit."""

    __slots__ = ("lowest", "n_digits")

    def __init__(self, n_digits: int):
        self.n_digits, self.lowest = n_digits, 10 ** (n_digits - 1) if n_digits > 1 else 0
        tree: Any = None
        for first in [False] * (n_digits - 1) + [True]:  # from the last digit to the first
            digits = "123456789" if first and n_digits > 1 else "0123456789"
            tree = {digit: (1 / len(digits), tree) for digit in digits}
        self._tree = tree

    def draw(self, share: float) -> Words:
        """The number that stands at this share, 0 to 1, of the way through all of them."""
        return tuple(str(self.lowest + int(share * (10**self.n_digits - self.lowest))))


NUMBERS = {str(n): Number(n) for n in range(1, 6)}


DIGITS = [(digit,) for digit in "0123456789"]
NUMBER_SLOTS = ("{a}", "{b}", "{result}", "{x}", "{y}", "{total}", "{carried}", "{carry}", "{digit}")
BOUND = {slot: DIGITS for slot in NUMBER_SLOTS}  # what a slot that a sum binds is made of, one or more of them


@cache
def _shorter(length: str, strictly: bool) -> Lexicon:
    return Lexicon([str(n) for n in range(1, int(length) + 1 - strictly)])


class Sum:
    """A sum as far as it has been written."""

    def __init__(self) -> None:
        self.operation, self.a, self.b = "", 0, 0
        self.columns: list[dict[str, Words]] | None = None  # the steps still to be written; None before they begin
        self.answered = False

    @property
    def result(self) -> int:
        """The right answer."""
        return {"plus": self.a + self.b, "minus": self.a - self.b, "times": self.a * self.b}[self.operation]

    def truth(self) -> dict[str, Any]:
        """The sum, and its right answer."""
        return {"sum": (self.a, self.operation, self.b), "result": self.result} if self.operation else {}

    def next(self, choose: Any) -> Move:
        """The next sentence, by way of a chooser. Changes nothing."""
        if not self.operation:
            return self._ask(choose)
        if self.answered:
            return Move(END, {})
        if self.columns is None and choose.weighted(STEPS)[0] == "worked":
            return Move(COLUMN[self.operation], columns(self.operation, self.a, self.b)[0])
        if self.columns:
            return Move(COLUMN[self.operation], self.columns[0])
        return Move(ANSWER, {"{result}": tuple(str(self.result))})

    def _ask(self, choose: Any) -> Move:
        (operation,) = choose.weighted(OPERATION)
        (length,) = choose.weighted(LENGTH[operation])
        second = "1" if operation == "times" else choose.weighted(_shorter(length, operation == "minus"))[0]
        return Move(ASK[operation], {"{a}": NUMBERS[length], "{b}": NUMBERS[second]})

    def apply(self, move: Move, drawn: dict[str, Words]) -> "Sum | None":
        """Write a sentence. Returns the sum, or None where it has ended."""
        if move.wording is END:
            return None
        if move.wording is ANSWER:
            self.answered = True
        elif not self.operation:
            self.operation = move.wording.name
            self.a, self.b = (int("".join(drawn[slot])) for slot in ("{a}", "{b}"))
        else:
            self.columns = (self.columns or columns(self.operation, self.a, self.b))[1:]
        return self


def columns(operation: str, a: int, b: int) -> list[dict[str, Words]]:
    """The steps of a sum, last digits first: what each slot of a column holds."""
    xs, steps, carried = str(a)[::-1], [], 0
    ys = str(b) * len(xs) if operation == "times" else str(b)[::-1].ljust(len(xs), "0")
    for x, y in zip(xs.ljust(len(ys), "0"), ys):
        if operation == "minus":
            total = int(x) - int(y) - carried
            carry, digit = (1, total + 10) if total < 0 else (0, total)
        else:
            total = int(x) * int(y) + carried if operation == "times" else int(x) + int(y) + carried
            carry, digit = divmod(total, 10)
        slots = {"x": x, "y": y, "carried": carried, "total": total, "digit": digit, "carry": carry}
        steps.append({f"{{{slot}}}": tuple(str(value)) for slot, value in slots.items()})
        carried = carry
    return steps


def worked(operation: str, a: int, b: int) -> list[str]:
    """The steps of a sum, a sentence for each column, words and signs with a space between any two."""
    (form,) = COLUMN[operation].forms
    return [" ".join(" ".join(column.get(symbol, (symbol,))) for symbol in form) for column in columns(operation, a, b)]
