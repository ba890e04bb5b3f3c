"""`verify`: one for the right number and nothing for all else, and no answer is nothing."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import called, ending, mistake, mistakes, outcome
from autograder.checks.reasoning.extract_answer import apart, library_answer, some_numbers

exercise = Exercise("verify")

LARGE = 10**39  # far beyond the whole numbers of 64 bits


def rewards(verify: Callable, replies: Sequence[str], truths: Sequence[int]) -> dict[str, Any]:
    """What the replies earn, and what kind of tensor it is."""
    given = verify(replies, truths)
    is_tensor = isinstance(given, torch.Tensor)
    return {"rewards": given, "type": str(given.dtype) if is_tensor else type(given).__name__}


class Verified:
    """Rewards with their parts to override, so that one of them can be wrong."""

    def __call__(self, replies, truths):
        self.agree(replies, truths)
        return self.tensor([self.reward(self.read(reply), truth) for reply, truth in self.pairs(replies, truths)])

    def agree(self, replies, truths):
        if len(replies) != len(truths):
            raise ValueError("one truth for each reply")

    def pairs(self, replies, truths):
        return zip(replies, truths)

    def read(self, reply):
        return library_answer(reply)

    def reward(self, answer, truth):
        return float(self.is_right(answer, truth))

    def is_right(self, answer, truth):
        return answer == truth

    def tensor(self, rewards):
        return torch.tensor(rewards, dtype=torch.float32)


def asserted(self: Verified, replies, truths):
    assert len(replies) == len(truths)


def in_a_tensor(self: Verified, answer, truth):
    """Compared in 64 bits, in which a number that is too large takes the largest or smallest place."""
    low, high = -(2**63), 2**63 - 1
    return answer is not None and min(max(answer, low), high) == min(max(truth, low), high)


def of_another_kind(self: Verified, replies, truths):
    self.agree(replies, truths)
    return self.tensor([float(library_answer(reply) in truths) for reply in replies])


def by_the_text(self: Verified, replies, truths):
    self.agree(replies, truths)
    return self.tensor([float(str(truth) in reply) for reply, truth in zip(replies, truths)])


def by_the_last_number(self: Verified, reply):
    numbers = re.findall(r"-?[0-9]+", reply)
    return int(numbers[-1]) if numbers else None


def answered_alone(self: Verified, replies, truths):
    self.agree(replies, truths)
    answers = [library_answer(reply) for reply in replies]
    return self.tensor([float(answer == truth) for answer, truth in zip(answers, truths) if answer is not None])


def with_the_first_truth(self: Verified, replies, truths):
    return [(reply, truths[0]) for reply in replies]


def a_column(self: Verified, rewards):
    return Verified.tensor(self, rewards).unsqueeze(-1)


def stacked(self: Verified, rewards):
    return torch.stack([torch.tensor(reward) for reward in rewards])


def whole_numbers_for_nothing(self: Verified, rewards):
    return Verified.tensor(self, rewards) if rewards else torch.zeros(1)


def in_doubles(call: Callable[[], Any]) -> Any:
    """What a call gives where PyTorch makes numbers of 64 bits unless told otherwise."""
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        return call()
    finally:
        torch.set_default_dtype(usual)


@exercise.promise("1 for each reply whose answer", broken_by="pays_less_for_longer_replies")
@exercise.promise("as `extract_answer` reads it, is the truth", broken_by="reads_the_last_number")
@exercise.promise("and 0 for each other one", broken_by="takes_one_off_for_a_wrong_one")
@exercise.promise("-> (B)", broken_by="gives_a_column")
@exercise.promise("in float32", broken_by="gives_booleans")
@exercise.check(points=0.25)
def one_for_the_right_number(verify, rng):
    """1 where the answer is the truth, whatever words are around it, and 0 where it is another, in float32."""
    a, b, c, d, e = some_numbers(rng, 5)
    replies = {
        f"Answer: {a}.": a,
        f"{a} + {a} = {b}. The answer is {c}. {d}": c,
        f"answer : {apart(d)} .": d,
        f"The answer is {a},{b}.": 1000 * a + b,
        f"Answer: 00{e}": e,
        f"answer is - {a}": -a,
        f"It is {a}. The answer is {b}.": a,
        f"Answer: {a}{b}.": a,
        f"Answer: {b}": 1000 * b,
        f"Answer: -{c}": c,
        f"The answer is {c}.": -c,
        f"Answer: {d}.": d + 1,
        f"Answer: {e}": int(str(e)[::-1]),
        f"Answer: {a}; and the truth is {b}.": b,
        f"Answer: {b} or {c}.": c,
        f"Answer: {d}. Answer: {e}.": e,
        f"Answer: {e}.5": e,
        f"{a} is what comes out.": a,
    }
    texts, truths = list(replies), list(replies.values())
    order = torch.randperm(len(texts), generator=rng).tolist()
    seen = {
        "many replies": rewards(verify, texts, truths),
        "in another order": rewards(verify, [texts[i] for i in order], [truths[i] for i in order]),
        "in tuples": rewards(verify, tuple(texts[2:9]), tuple(truths[2:9])),
        "replies to one sum": rewards(verify, [f"Answer: {number}" for number in (a, b, a, c)], [a] * 4),
        "truths of another reply": rewards(verify, [f"Answer: {number}" for number in (a, b, c)], [b, c, a]),
        "the same words to one truth and another": rewards(verify, [f"Answer: {a}"] * 4, [a, b, a, b]),
        "where new tensors are of 64 bits": in_doubles(lambda: rewards(verify, [f"Answer: {a}"] * 2, [a, b])),
        "all right": rewards(verify, [f"Answer: {number}" for number in (a, b, c)], [a, b, c]),
        "none right": rewards(verify, [f"Answer: {number}" for number in (a, b, c)], [d, d, e]),
    }
    return seen | {f"alone, {text!r} for {truth}": verify([text], [truth]) for text, truth in replies.items()}


@exercise.promise("Numbers are compared as whole numbers", broken_by="asks_whether_they_are_the_same_object")
@exercise.promise("of whatever size", broken_by="compares_floating_numbers")
@exercise.check(points=0.25)
def numbers_of_whatever_size(verify, rng):
    """Large numbers are compared to the last digit, of forty digits as of eight, and below zero as above."""
    near = int(torch.randint(1, 10**9, (), generator=rng))
    seen = {}
    sizes = {"two": 42, "three": 700, "eight": 2**24, "sixteen": 2**53, "nineteen": 2**63 - 1, "forty": LARGE + near}
    for digits, truth in sizes.items():
        for sign in (1, -1):
            replies = [f"Answer: {sign * number}." for number in (truth, truth + 1, truth - 1, truth + 2, 10 * truth)]
            where = f"{digits} digits, {'below' if sign < 0 else 'above'} zero"
            seen[where] = outcome(lambda replies=replies, its=sign * truth: verify(replies, [its] * 5))
    long = "".join(str(number) for number in some_numbers(rng, 330))
    mixed = [f"Answer: {LARGE + near}", "Answer: 7", "Answer: no", f"Answer: -{LARGE}"]
    return seen | {
        "small and large": outcome(lambda: verify(mixed, [LARGE, 7, 0, -LARGE])),
        "990 digits": outcome(lambda: verify([f"Answer: {long}", f"Answer: {long[:-1]}0"], [int(long)] * 2)),
        "forty digits with spaces": outcome(lambda: verify([f"answer : {apart(LARGE + near)} ."], [LARGE + near])),
    }


@exercise.promise("A reply without an answer earns nothing", broken_by="leaves_out_who_does_not_answer")
@exercise.promise("also where the truth is 0", broken_by="takes_no_answer_for_zero")
@exercise.check(points=0.25)
def no_answer_earns_nothing(verify, rng):
    """A reply without an answer earns nothing, whatever the truth, and an answer of 0 earns something where it is 0."""
    a, b = some_numbers(rng, 2)
    silent = ["", f"{a}", "Answer: none", f"The answer is {a} or {b}", "0", "answer", "None", "Answer: 0.0"]
    return {
        f"the truth is {truth}": verify([*silent, f"Answer: {truth}", "Answer: 0"], [truth] * (len(silent) + 2))
        for truth in (0, 1, -1, a)
    }


@exercise.promise("B may be 0", broken_by="fails_without_a_reply")
@exercise.promise("B replies, B truths", broken_by="gives_one_number_for_all")
@exercise.promise("Raises ValueError where there are not as many truths as replies", broken_by="cuts_to_the_shorter")
@exercise.check(points=0.25)
def as_many_truths_as_replies(verify, rng):
    """No reply gives no reward; and where there are not as many truths as replies, that is a ValueError."""
    numbers = some_numbers(rng, 4)
    replies = [f"Answer: {number}" for number in numbers]
    pairs = [(4, 3), (3, 4), (1, 4), (4, 1), (1, 0), (0, 1), (2, 1), (4, 4), (1, 1), (0, 0)]
    seen = {f"{n} replies, {m} truths": ending(lambda n=n, m=m: verify(replies[:n], numbers[:m])) for n, m in pairs}
    return seen | {"one": rewards(verify, replies[:1], numbers[:1]), "none": rewards(verify, [], [])}


mistakes(
    exercise,
    Verified,
    pays_less_for_longer_replies=mistake(
        "What you pay for a right answer depends on something else. How much is one worth?",
        __call__=lambda self, replies, truths: (
            Verified.__call__(self, replies, truths) / torch.tensor([max(len(reply), 1) for reply in replies])
        ),
    ),
    reads_the_last_number=mistake(
        "You read the last number yourself. Which function have you written for it?", read=by_the_last_number
    ),
    looks_for_the_truth_in_the_text=mistake(
        "A reply that has the truth in it somewhere is right for you. What would a model write that lists all numbers?",
        __call__=by_the_text,
    ),
    takes_one_off_for_a_wrong_one=mistake(
        "Wrong answers earn less than nothing. What are they worth?",
        reward=lambda self, answer, truth: 1.0 if answer == truth else -1.0,
    ),
    takes_one_off_for_no_answer=mistake(
        "No answer earns less than nothing. What is it worth?",
        reward=lambda self, answer, truth: -1.0 if answer is None else float(answer == truth),
    ),
    pays_half_for_an_answer=mistake(
        "You pay something for any answer. What is a wrong one worth?",
        reward=lambda self, answer, truth: 0.0 if answer is None else 1.0 if answer == truth else 0.1,
    ),
    turns_it_round=mistake(
        "You pay for what is wrong. When are two numbers the same?",
        is_right=lambda self, answer, truth: answer != truth,
    ),
    forgets_the_sign=mistake(
        "A minus makes no difference for you. Is -5 what 5 is?",
        is_right=lambda self, answer, truth: answer is not None and abs(answer) == abs(truth),
    ),
    compares_the_last_digits=mistake(
        "You compare how the numbers end. Is 142 the answer where 42 is?",
        is_right=lambda self, answer, truth: answer is not None and str(answer).endswith(str(truth)),
    ),
    compares_floating_numbers=mistake(
        "Large numbers that differ by one are the same for you. How many digits does a floating-point number have?",
        is_right=lambda self, answer, truth: answer is not None and float(answer) == float(truth),
    ),
    compares_in_float32=mistake(
        "Numbers of eight digits that differ by one are the same for you. How many digits does float32 have?",
        is_right=lambda self, answer, truth: (
            answer is not None and bool(torch.tensor(float(answer)) == torch.tensor(float(truth)))
        ),
    ),
    allows_a_little=mistake(
        "A number that is nearly right is right for you. How near is near enough?",
        is_right=lambda self, answer, truth: answer is not None and abs(answer - truth) * 10**6 <= abs(truth),
    ),
    compares_in_64_bits=mistake(
        "Numbers of forty digits are too large for your tensor. Which numbers of Python have no limit?",
        is_right=in_a_tensor,
    ),
    asks_whether_they_are_the_same_object=mistake(
        "You ask with `is`. When are two whole numbers one object in Python?",
        is_right=lambda self, answer, truth: answer is truth,
    ),
    takes_no_answer_for_zero=mistake(
        "No answer is right for you where the truth is 0. What is `None or 0` in Python?",
        is_right=lambda self, answer, truth: (answer or 0) == truth,
    ),
    takes_zero_for_no_answer=mistake(
        "An answer of 0 earns nothing. What is `bool(0)` in Python?",
        is_right=lambda self, answer, truth: bool(answer) and answer == truth,
    ),
    leaves_out_who_does_not_answer=mistake(
        "Replies without an answer are missing. How many rewards are there to be?", __call__=answered_alone
    ),
    compares_with_all_truths=mistake(
        "An answer to another sum is right for you. To which reply belongs which truth?", __call__=of_another_kind
    ),
    compares_with_the_first_truth=mistake(
        "You compare all with the first truth. To which reply belongs which truth?", pairs=with_the_first_truth
    ),
    gives_booleans=mistake(
        "Your rewards are true or false. What can be averaged?", tensor=lambda self, rewards: torch.tensor(rewards) > 0
    ),
    gives_whole_numbers=mistake(
        "Your rewards are whole numbers. Which type is asked for?",
        tensor=lambda self, rewards: torch.tensor(rewards).long(),
    ),
    gives_float64=mistake(
        "Your rewards have another type. Which one is asked for?",
        tensor=lambda self, rewards: torch.tensor(rewards, dtype=torch.float64),
    ),
    gives_a_list=mistake("You give a list. What is asked for?", tensor=lambda self, rewards: rewards),
    gives_a_column=mistake("Your rewards are a column. Which shape is asked for?", tensor=a_column),
    gives_one_number_for_all=mistake(
        "You give one number for all. How many rewards are there to be?",
        tensor=lambda self, rewards: torch.tensor(sum(rewards) / max(len(rewards), 1)),
    ),
    fails_without_a_reply=mistake("You fail without a reply. What does `torch.stack` make of nothing?", tensor=stacked),
    gives_one_reward_for_nothing=mistake(
        "No reply earns a reward. How many rewards are there to be?", tensor=whole_numbers_for_nothing
    ),
    cuts_to_the_shorter=mistake(
        "What is left over is dropped. What does `zip` do with lists that are not equally long?",
        agree=lambda self, replies, truths: None,
    ),
    raises_another_error=mistake(
        "Numbers that do not agree end in another error. Which one is asked for?", agree=asserted
    ),
)
exercise.given(called(Verified))
exercise.edges(
    empty="as_many_truths_as_replies",
    one="as_many_truths_as_replies",
    equal="one_for_the_right_number",
    zero="no_answer_earns_nothing",
    ties="Nothing is ranked.",
    large="numbers_of_whatever_size",
    small="numbers_of_whatever_size",
    limit="as_many_truths_as_replies",
    shapes="one_for_the_right_number",
    modes="There is no module.",
    gradients="Texts and whole numbers have no gradient.",
    inputs="Texts and whole numbers have no gradient.",
)
