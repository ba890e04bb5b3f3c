"""Wrong columns and wrong steps: what the known mistakes of `monitor` take for due, and the questions they earn."""

import math

from autograder.checks.common import mistake
from autograder.checks.reasoning.marking import Monitor
from autograder.checks.reasoning.steps import Step, columns, follows, result


def without(name: str):
    """All but one of a step's numbers are compared."""

    def is_right(self: Monitor, step: Step, x: int, y: int, carried: int) -> bool:
        due = self.follows(x, self.operation, y, carried)
        return step == due._replace(**{name: getattr(step, name)})

    return is_right


def of_its_own(*names: str):
    """Some of a step's numbers are taken from it, and only what follows from them is compared."""

    def is_right(self: Monitor, step: Step, x: int, y: int, carried: int) -> bool:
        given = {"x": x, "y": y, "carried": carried} | {name: getattr(step, name) for name in names}
        return step == self.follows(given["x"], self.operation, given["y"], given["carried"])

    return is_right


def changed(**numbers):
    """What follows, with some numbers worked out in another way, from all that is known."""

    def follows_otherwise(self: Monitor, x: int, operation: str, y: int, carried: int) -> Step:
        step = follows(x, operation, y, carried)
        return step._replace(**{name: way(step) for name, way in numbers.items()})

    return follows_otherwise


def left_in_size(step: Step) -> int:
    return abs(step.x - step.y - step.carried) % 10 if step.operation == "minus" else step.digit


def below_alone(step: Step) -> int:
    return int(step.x < step.y) if step.operation == "minus" else step.carry


def first_in_front(self: Monitor, a: int, operation: str, b: int):
    return columns(a, operation, b)[::-1]


def up_to_the_shorter(self: Monitor, a: int, operation: str, b: int):
    n = len(str(a)) if operation == "times" else min(len(str(a)), len(str(b)))
    return columns(a, operation, b)[:n]


def as_many_as_a_has(self: Monitor, a: int, operation: str, b: int):
    return columns(a, operation, b)[: len(str(a))]


def zeros_behind(self: Monitor, a: int, operation: str, b: int):
    if operation == "times":
        return columns(a, operation, b)
    n = max(len(str(a)), len(str(b)))
    return [(int(x), int(y)) for x, y in zip(str(a).ljust(n, "0")[::-1], str(b).ljust(n, "0")[::-1])]


def second_once(self: Monitor, a: int, operation: str, b: int):
    """The second number of a product stands in the first column alone."""
    due = columns(a, operation, b)
    return due[:1] + [(x, 0) for x, _ in due[1:]] if operation == "times" else due


def one_for_the_last_carry(self: Monitor, a: int, operation: str, b: int):
    n = len(str(result(a, operation, b)))
    due = columns(a, operation, b)
    return due + [(0, b if operation == "times" else 0)] * (n - len(due))


def while_something_is_left(self: Monitor, a: int, operation: str, b: int):
    due = []
    while a > 0 or (b > 0 and operation != "times"):
        due.append((a % 10, b if operation == "times" else b % 10))
        a, b = a // 10, b if operation == "times" else b // 10
    return due


def by_logarithms(self: Monitor, a: int, operation: str, b: int):
    n = int(math.log10(max(a, 1 if operation == "times" else b, 1))) + 1
    return [(a // 10**i % 10, b if operation == "times" else b // 10**i % 10) for i in range(n)]


def in_floating_numbers(self: Monitor, a: int, operation: str, b: int):
    n = len(columns(a, operation, b))
    return [(int(a / 10**i) % 10, b if operation == "times" else int(b / 10**i) % 10) for i in range(n)]


WRONG_COLUMNS = dict(
    begins_with_the_first_digits=mistake(
        "You begin with the first digits. With which column does somebody begin who carries?",
        columns=first_in_front,
    ),
    ends_with_the_shorter_number=mistake(
        "Your columns end with the shorter number. What does `zip` do with what is left over?",
        columns=up_to_the_shorter,
    ),
    has_as_many_columns_as_a=mistake(
        "Your columns are the digits of a. Which number has more of them where 8 is added to 4036?",
        columns=as_many_as_a_has,
    ),
    puts_zeros_behind=mistake(
        "You make numbers of one length by zeros behind the shorter. Where do they leave it as large as it is?",
        columns=zeros_behind,
    ),
    multiplies_the_last_digit_alone=mistake(
        "In a product only your first column has b in it. What is each digit of a multiplied by?",
        columns=second_once,
    ),
    wants_a_step_for_the_last_carry=mistake(
        "You want one step more where the last carry is not 0. How many columns are due?",
        columns=one_for_the_last_carry,
    ),
    has_no_column_for_zero=mistake(
        "The number 0 has no column, with you. How many digits has it?", columns=while_something_is_left
    ),
    counts_digits_by_logarithms=mistake(
        "You count one digit too many in some long numbers. How exact is a logarithm just below a power of ten?",
        columns=by_logarithms,
    ),
    takes_digits_from_floating_numbers=mistake(
        "Long numbers lose their digits. What does `/` give of two whole numbers?", columns=in_floating_numbers
    ),
    carries_the_digit_over=mistake(
        "Your next column gets the digit that was written. Which number of a step goes on?",
        carried=lambda self, before: before.digit if before else 0,
    ),
    carries_nothing_over=mistake(
        "Nothing is carried over, with you. What does a step get from the one before?", carried=lambda self, before: 0
    ),
    forgets_what_is_carried=mistake(
        "Your digit and carry leave out what is carried over. What is added besides x and y?",
        follows=lambda self, x, operation, y, carried: follows(x, operation, y, 0)._replace(carried=carried),
    ),
    carries_one_at_most=mistake(
        "Your product carries 1 at most. How often does 10 go into 5 6?",
        follows=changed(carry=lambda step: min(step.carry, 1)),
    ),
    writes_the_size_of_a_difference=mistake(
        "Where less than 0 is left you write its size. What is -3 mod 10?",
        follows=changed(digit=left_in_size),
    ),
    borrows_by_the_digits_alone=mistake(
        "You borrow where x is below y. What if they are equal, and one was borrowed before?",
        follows=changed(carry=below_alone),
    ),
)
WRONG_STEPS = dict(
    takes_another_operation=mistake(
        "A step that adds passes in a product. Of how much is 4 the right total?", is_right=without("operation")
    ),
    believes_the_digits=mistake(
        "You work each step out from the digits that it says. Are they those of its column?",
        is_right=of_its_own("x", "y"),
    ),
    believes_the_first_digit=mistake(
        "You take x as the step says it. Which digit stands in this column of a?", is_right=of_its_own("x")
    ),
    believes_the_second_digit=mistake(
        "You take y as the step says it. Which digit stands in this column of b?", is_right=of_its_own("y")
    ),
    believes_what_is_carried=mistake(
        "You take what is carried over as the step says it. What did the one before write?",
        is_right=of_its_own("carried"),
    ),
    believes_what_is_carried_at_first=mistake(
        "Your first step may carry over whatever it says. What is there before it?",
        carried=lambda self, before: before.carry if before else None,
        is_right=lambda self, step, x, y, carried: Monitor.is_right(
            self, step, x, y, step.carried if carried is None else carried
        ),
    ),
    does_not_look_at_the_total=mistake(
        "A wrong total passes. Which numbers of a step follow from its digits?", is_right=without("total")
    ),
    does_not_look_at_the_digit=mistake(
        "A wrong digit passes. Which numbers of a step follow from its total?", is_right=without("digit")
    ),
    does_not_look_at_the_carry=mistake(
        "A wrong carry passes, to be found a step too late or never. Which numbers of a step follow from its total?",
        is_right=without("carry"),
    ),
)
