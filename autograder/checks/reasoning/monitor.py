"""`monitor`: right sums are sound, each number of a step is looked at, and what goes wrong first counts."""

from collections.abc import Callable

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes
from autograder.checks.reasoning import marking
from autograder.checks.reasoning.marking import WRONG_FINDINGS, Monitor
from autograder.checks.reasoning.miscounting import WRONG_COLUMNS, WRONG_STEPS
from autograder.checks.reasoning.steps import (
    OPERATIONS,
    Sum,
    follows,
    number_of,
    plain,
    result,
    right,
    spaced,
    telling,
    text_of,
    worked,
    write_step,
    wrong_in,
)

exercise = Exercise("monitor")
TALK = (
    "let me see",
    "7 times 6 is 4 2",
    "1 2 plus 3 and 0 is 1 5 : write 5 , carry 1",
    "3 plus 4 and 0 is 7 : write 7",
)


def found(monitor: Callable, its: Sum, texts: dict[str, str], words: str = "") -> dict[str, object]:
    return {f"{its[1]}{words}, {what}": monitor(*its, text) for what, text in texts.items()}


@exercise.promise('"sound": none of these, and None', broken_by="counts_the_steps_of_a_sound_sum")
@exercise.promise("the digits of a and b, last digits first", broken_by="begins_with_the_first_digits")
@exercise.promise("a digit that is missing being 0", broken_by="ends_with_the_shorter_number")
@exercise.promise(
    "in a product b has one digit, and each digit of a is a column", broken_by="multiplies_the_last_digit_alone"
)
@exercise.promise("what it carries over is what the step before *wrote*", broken_by="carries_the_digit_over")
@exercise.promise("A difference writes (x - y - carried) mod 10", broken_by="writes_the_size_of_a_difference")
@exercise.promise("borrows 1 where x - y - carried is below 0", broken_by="borrows_by_the_digits_alone")
@exercise.promise("What the steps lead to is the last carry", broken_by="forgets_the_last_carry")
@exercise.promise(
    "and behind it the digits that were written, the last one first", broken_by="reads_the_digits_downwards"
)
@exercise.promise("Each step is read by `read_step`", broken_by="wants_the_clauses_in_one_order")
@exercise.promise("from what `sentences` gives of the text", broken_by="takes_an_answer_for_a_step")
@exercise.check(points=0.25)
def right_sums_are_sound(monitor, rng):
    """Sums with all their steps and the answer that these lead to are sound, however written; with another, not."""
    seen = {}
    for i, (a, operation, b) in enumerate(telling(rng)):
        its = a, operation.upper().lower(), b  # the same word, and not the same object
        steps, answer = worked(*its), result(*its)
        texts = {
            "as in the village": right(its),
            "the carry first": text_of([write_step(step, carry_first=True) for step in steps], answer),
            "a line for each step": "\n".join(map(write_step, steps)) + f"\nanswer : {spaced(answer)} .\n",
            "without spaces": text_of([write_step(step).replace(" .", ".") for step in steps], f"Answer: {answer}"),
            "a sentence with an is": text_of(steps, f"ANSWER is {spaced(answer)} coins !"),
            "answered twice": text_of(steps, f"answer : {answer} . i say it again . answer : {spaced(answer)} ."),
            "more numbers behind": text_of(steps, f"answer : {answer} . now to 1 9 plus 2 ."),
            "without its first digit": text_of(steps, int(str(answer)[1:])),
            "more steps behind": text_of(steps, f"answer : {answer} . {text_of(steps)}"),
        }
        seen |= found(monitor, its, texts, f", sum {i}")
    return seen


@exercise.promise("where it first goes wrong", broken_by="judges_by_the_answer")
@exercise.promise("It is right if its operation is that of the sum", broken_by="takes_another_operation")
@exercise.promise("its two digits are those of its column", broken_by="believes_the_digits")
@exercise.promise("(0 at first)", broken_by="believes_what_is_carried_at_first")
@exercise.promise("total, digit and carry follow from these", broken_by="does_not_look_at_the_total")
@exercise.promise('"wrong step": a step that is not right', broken_by="calls_a_wrong_step_a_shortcut")
@exercise.promise("and its index;", broken_by="counts_from_one")
@exercise.check(points=0.5)
def each_number_of_a_step(monitor, rng):
    """A step is wrong where any of its numbers is not that of its column, or its operation is another."""
    seen = {}
    for n, its in enumerate(telling(rng)):
        steps = worked(*its)
        texts = {"nothing wrong": right(its)}
        for i, step in enumerate(steps):
            for what, wrong in wrong_in(rng, step).items():
                texts[f"{what} in step {i}"] = text_of([*steps[:i], wrong, *steps[i + 1 :]], result(*its))
        seen |= found(monitor, its, texts, f", sum {n}")
    added = [follows(2, "plus", 2, 0), follows(3, "times", 2, 0)]
    multiplied = [follows(1, "plus", 3, 0), follows(2, "times", 2, 0)]
    missing = worked(4, "plus", 30)
    return seen | {
        "times, a step that adds": monitor(32, "times", 2, text_of(added, 64)),
        "plus, a step that multiplies": monitor(21, "plus", 23, text_of(multiplied, 44)),
        "plus, all steps of a product": monitor(2, "plus", 2, right((2, "times", 2))),
        "minus, all steps of a sum": monitor(20, "minus", 0, right((20, "plus", 0))),
        "plus, all steps of a difference": monitor(20, "plus", 0, right((20, "minus", 0))),
        "plus, the numbers turned round": monitor(4, "plus", 30, right((30, "plus", 4))),
        "plus, the numbers as they are": monitor(4, "plus", 30, text_of(missing, 34)),
    }


@exercise.promise("What is found first counts", broken_by="tells_the_last_fault")
@exercise.promise("from its first step on", broken_by="looks_for_wrong_steps_first")
@exercise.promise("one more than there are columns, and its index", broken_by="takes_steps_beyond_the_columns")
@exercise.promise("Read a worked sum as a teacher would", broken_by="looks_for_an_answer_first")
@exercise.check(points=0.25)
def what_is_found_first(monitor, rng):
    """Sentence by sentence, the first fault counts, whatever comes behind it; a step too many is a wrong one."""
    seen = {}
    for operation in OPERATIONS:
        its = plain(rng, operation)
        steps, answer = worked(*its), result(*its)
        wrong = [step._replace(digit=(step.digit + 1 + i) % 10) for i, step in enumerate(steps)]
        more, talk = follows(0, operation, its[2] if operation == "times" else 0, 0), f"{TALK[0]} ."
        texts = {
            "nothing wrong": right(its),
            "all steps wrong": text_of(wrong, answer),
            "the second and the third wrong": text_of([steps[0], *wrong[1:]], answer),
            "the second and the third wrong, and the answer": text_of([steps[0], *wrong[1:]], answer + 1),
            "the second wrong, no answer": text_of([steps[0], wrong[1], steps[2]]),
            "the second wrong, and none behind it": text_of([steps[0], wrong[1]], answer),
            "the second wrong, and one more": text_of([steps[0], wrong[1], steps[2], more], answer),
            "the second wrong, then talk": text_of([steps[0], wrong[1], talk, steps[2]], answer),
            "talk, then a wrong one": text_of([steps[0], talk, wrong[1], steps[2]], answer),
            "talk twice": text_of([steps[0], talk, steps[1], talk, steps[2]], answer),
            "talk, no answer": text_of([steps[0], talk, *steps[1:]]),
            "talk, a wrong answer": text_of([talk, *steps], answer + 1),
            "no first step": text_of(steps[1:], answer),
            "no second step": text_of([steps[0], steps[2]], answer),
            "a step twice": text_of([steps[0], *steps], answer),
            "one more": text_of([*steps, more], answer),
            "two more": text_of([*steps, more, more], answer),
            "one more, no answer": text_of([*steps, more]),
            "one more, a wrong answer": text_of([*steps, more], answer + 1),
            "one more, then talk": text_of([*steps, more, talk], answer),
            "talk, then one more": text_of([*steps, talk, more], answer),
            "the last one again": text_of([*steps, steps[-1]], answer),
        }
        seen |= found(monitor, its, texts)
    carried = (51, "plus", 67)
    last = follows(0, "plus", 0, 1)
    seen["one more that says the last carry"] = monitor(*carried, text_of([*worked(*carried), last], 118))
    return seen | {"the same without it": monitor(*carried, text_of(worked(*carried), 118))}


@exercise.promise('"shortcut": a sentence that is no step', broken_by="passes_over_talk")
@exercise.promise("its index among the sentences", broken_by="ends_at_talk")
@exercise.promise('"shortcut": fewer steps than columns', broken_by="takes_a_right_answer_for_the_missing_steps")
@exercise.promise("or an answer that is not what they lead to", broken_by="believes_the_answer")
@exercise.promise(
    "or an answer that is not what they lead to; with the number of steps;",
    broken_by="tells_the_last_step_of_a_shortcut",
)
@exercise.check(points=0.25)
def shortcuts(monitor, rng):
    """A sentence that is no step, too few steps, and an answer that does not follow from them are shortcuts."""
    seen = {}
    for operation in OPERATIONS:
        its = plain(rng, operation)
        steps, answer = worked(*its), result(*its)
        texts = {
            "nothing wrong": right(its),
            "an answer alone": text_of([], answer),
            "a wrong answer alone": text_of([], answer + 1),
            "an answer of 0 alone": text_of([], 0),
            "one step": text_of(steps[:1], answer),
            "two steps": text_of(steps[:2], answer),
            "two steps, and the answer that they lead to": text_of(steps[:2], answer % 100),
            "dots in the place of steps": text_of([". . . . ."] * 3, answer),
            "the answer, and then the steps": text_of([], f"answer : {answer} . {text_of(steps)}"),
            "two steps, the answer, and the third": text_of(steps[:2], f"answer : {answer} . {text_of(steps[2:])}"),
        }
        others = {"one higher": answer + 1, "one lower": answer - 1, "below 0": f"answer : - {answer} ."}
        others |= {"backwards, and one more": int(str(answer + 1)[::-1]), "0 behind": 10 * answer, "0": 0}
        others |= {"with 1 in front": 1000 + answer, "without its first digit": answer % 100}
        texts |= {f"an answer {what}": text_of(steps, other) for what, other in others.items()}
        for i in range(4):
            for talk in TALK:
                texts[f"{talk!r} at {i}"] = text_of([*steps[:i], f"{talk} .", *steps[i:]], answer)
        texts["the third step cut off"] = text_of([*steps[:2], write_step(steps[2])[:15]])
        seen |= found(monitor, its, texts)
    return seen


@exercise.promise(
    '"no answer": all that is there is right', broken_by="calls_it_a_shortcut_where_steps_are_missing_too"
)
@exercise.promise("and `extract_answer` finds none", broken_by="takes_the_first_number_for_the_answer")
@exercise.promise("finds none; with the number of steps;", broken_by="gives_no_place_to_a_missing_answer")
@exercise.check(points=0.25)
def no_answer(monitor, rng):
    """Where all is right that is there, and no answer, or a choice, that is found, with the number of steps."""
    seen = {}
    for operation in OPERATIONS:
        its = plain(rng, operation)
        steps, answer = worked(*its), result(*its)
        ends = {
            "an empty answer": "answer : .",
            "a choice": f"answer : {answer} or {answer + 1} .",
            "the word": "answer",
        }
        ends |= {"two answers": f"answer : {answer} . answer : {answer + 1} .", "a point": f"answer : {answer}.5"}
        ends |= {"a number without the word": f"answers : {answer} .", "other signs": f"answer = {answer} ."}
        texts = {
            "nothing wrong": right(its),
            "nothing at all": "",
            "spaces and stops": " . \n . ",
            "dots": text_of([". . . . ."] * 3),
            "all steps": text_of(steps),
            "all steps, the last without its stop": text_of(steps)[:-2],
            "two steps": text_of(steps[:2]),
            "one step, without its stop": text_of(steps[:1])[:-2],
        }
        texts |= {f"all steps, {what}": text_of(steps, end) for what, end in ends.items()}
        texts |= {f"one step, {what}": text_of(steps[:1], end) for what, end in ends.items()}
        seen |= found(monitor, its, texts)
    return seen


@exercise.promise("a and b from 0 on", broken_by="has_no_column_for_zero")
@exercise.promise("of up to a hundred digits", broken_by="takes_digits_from_floating_numbers")
@exercise.check(points=0.25)
def from_zero_to_a_hundred_digits(monitor, rng):
    """Zeros are numbers of one digit, and of numbers of a hundred digits each is looked at."""
    nines = 10**18 - 1
    small: list[Sum] = [(0, "plus", 0), (0, "minus", 0), (0, "times", 0), (0, "times", 7), (305, "times", 0)]
    small += [
        (0, "plus", 57),
        (57, "plus", 0),
        (57, "minus", 0),
        (57, "minus", 57),
        (1000, "minus", 1),
        (7, "plus", 1000),
    ]
    small += [
        (1000, "times", 9),
        (nines, "plus", 1),
        (10**15, "plus", nines),
        (nines, "minus", 10**17),
        (nines, "times", 9),
    ]
    seen = {f"{a} {operation} {b}": monitor(a, operation, b, right((a, operation, b))) for a, operation, b in small}
    a, b, c = (number_of(rng, n) for n in (100, 99, 100))
    for its in ((a, "plus", b), (b, "plus", c), (7 * 10**99 + a % 10**99, "minus", b), (a, "times", 7)):
        steps, answer = worked(*its), result(*its)
        wrong = [*steps[:70], steps[70]._replace(digit=(steps[70].digit + 1) % 10), *steps[71:]]
        texts = {
            "right": right(its),
            "an answer 1 higher": text_of(steps, answer + 1),
            "step 70": text_of(wrong, answer),
            "an answer of 0": text_of(steps, 0),
        }
        texts |= {"a step fewer": text_of(steps[:-1], answer), "a step more": text_of([*steps, steps[-1]], answer)}
        seen |= found(monitor, its, texts, f" of {len(str(its[0]))} and {len(str(its[2]))} digits")
    return seen


@exercise.promise(
    "Raises ValueError for an operation other than plus, minus and times", broken_by="takes_any_operation"
)
@exercise.check(points=0.25)
def other_operations(monitor, rng):
    """An operation that there is not is a ValueError, whatever was written; the three there are, are not."""
    its = plain(rng, "times")
    seen = {}
    for operation in ("over", "", "Plus", "+", "time", *OPERATIONS):
        for words, text in {"steps": right(its), "nothing": "", "talk": TALK[0]}.items():
            seen[f"{operation!r}, {words}"] = ending(lambda: monitor(its[0], operation, its[2], text))
    return seen


mistakes(
    exercise,
    Monitor,
    **WRONG_COLUMNS,
    forgets_the_last_carry=mistake(
        "Your steps lead to a number without its first digit. What is done with the last carry?",
        leads_to=lambda self, said: Monitor.leads_to(self, said)[1:] or "0",
    ),
    reads_the_digits_downwards=mistake(
        "You read the digits in the order in which they were written. Which of them is the first of the number?",
        leads_to=lambda self, said: (
            "".join(str(step.digit) for step in [*said]) or "0"
            if not said
            else f"{said[-1].carry}{''.join(str(step.digit) for step in said)}"
        ),
    ),
    compares_answers_as_text=mistake(
        "A 0 in front makes another number, with you. What are `04` and `4` as whole numbers?",
        is_it=lambda self, answer, said: str(answer) == self.leads_to(said),
    ),
    compares_answers_as_floating_numbers=mistake(
        "Of long answers you see the first digits. How many has a floating number?",
        is_it=lambda self, answer, said: float(answer) == float(self.leads_to(said)),
    ),
    wants_the_clauses_in_one_order=mistake(
        "A step that says the carry first is wrong, with you. Do you compare words or numbers?",
        read=marking.with_the_sentence,
        judged=marking.words_compared,
    ),
    takes_an_answer_for_a_step=mistake(
        "The answer is a sentence that is no step, with you. Which helper gives those in front of it?",
        parts=marking.all_sentences,
    ),
    reads_steps_behind_the_answer=mistake(
        "Steps behind the answer count, with you. What has led to it?", parts=marking.all_but_answers
    ),
    wants_spaces_around_stops=mistake(
        "Sentences run together where a space or a line break is missing. Which helper parts them?",
        parts=marking.parted_by_stops_and_spaces,
    ),
    knows_one_wording_of_answers=mistake(
        "You find answers in one wording. Which exercise reads them in any?", answer=marking.of_one_wording
    ),
    takes_the_first_number_for_the_answer=mistake(
        "Of several answers you take the first. What does `extract_answer` say to a choice?",
        answer=marking.first_number_behind,
    ),
    takes_the_last_number_for_the_answer=mistake(
        "The last number in the text is the answer, with you. Which exercise knows where an answer stands?",
        answer=marking.last_number,
    ),
    counts_the_steps_of_a_sound_sum=mistake(
        "A sound sum has a number, with you. Which step would it be about?",
        sound=lambda self, said: ("sound", len(said)),
    ),
    judges_by_the_answer=mistake(
        "A right answer is enough for you. What of the steps that lead to it?", judged=marking.by_the_answer
    ),
    **WRONG_STEPS,
    **WRONG_FINDINGS,
    writes_kinds_with_underscores=mistake(
        'You say "wrong_step". How are the kinds written in the list?',
        counted=lambda self, faults: (faults[0][0].replace(" ", "_"), faults[0][1]),
        without_answer=lambda self, said: ("no_answer", len(said)),
    ),
    takes_any_operation=mistake(
        "An operation that there is not counts as a product or a sum. What does your `else` take in?",
        is_known=lambda self, operation: True,
        follows=lambda self, x, operation, y, carried: follows(
            x, operation if operation in ("plus", "minus") else "times", y, carried
        ),
    ),
)

exercise.aside(
    "b of one digit in a product, and at most a in a difference",
    "It says what is not asked for.",
)
exercise.edges(
    empty="no_answer",
    one="from_zero_to_a_hundred_digits",
    equal="each_number_of_a_step",
    zero="from_zero_to_a_hundred_digits",
    ties="what_is_found_first",
    large="from_zero_to_a_hundred_digits",
    small="Numbers are from 0 on.",
    limit="what_is_found_first",
    shapes="right_sums_are_sound",
    modes="Numbers and texts have no mode.",
    gradients="Numbers and texts have none.",
    inputs="Numbers and texts have no gradient.",
)
