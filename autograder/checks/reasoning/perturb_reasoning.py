"""`perturb_reasoning`: five ways to tamper with worked steps from one of them on; those in front stay to the letter."""

from collections.abc import Sequence

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes
from autograder.checks.reasoning.steps import OPERATIONS, Step, read_step, some_step, some_sum, worked, write_step
from autograder.checks.reasoning.tampering import (
    HIGHEST,
    KINDS,
    Perturb,
    clauses_swapped,
    from_the_second_on,
    in_place,
    with_its_total,
    worked_out_again,
)

exercise = Exercise("perturb_reasoning")
NO_STEPS = ("7 times 6 is 4 2", "7 times 6 and 0 is 4 2 : write 2 .", "answer : 4 2 .", "")


def written(steps: Sequence[Step]) -> list[str]:
    return [write_step(step) for step in steps]


def some_steps(rng: torch.Generator, operation: str) -> list[str]:
    """Steps that carry all that can be carried, in any order, their numbers right or not; x is 9 in the last two."""
    carries = torch.randperm(HIGHEST[operation] + 1, generator=rng).tolist()
    steps = [some_step(rng, operation, carry) for carry in carries * (1 if operation == "times" else 3)]
    return written([*steps[:-2], *(step._replace(x=9) for step in steps[-2:])])


def all_at(perturb_reasoning, rng: torch.Generator, kind: str) -> dict[str, list[str]]:
    """What becomes of the steps of three right sums and of any steps, for each step to begin with."""
    seen = {}
    for operation in OPERATIONS:
        sums = {"any steps": some_steps(rng, operation), "a sum": written(worked(*some_sum(rng, operation)))}
        sums |= {"one step": sums["any steps"][-1:], "four alike": sums["any steps"][:1] * 4}
        for words, steps in sums.items():
            for at in range(len(steps)):
                seen[f"{operation}, {words}, at {at} of {len(steps)}"] = perturb_reasoning([*steps], kind, at)
    return seen


@exercise.promise("the carry (or borrow) of that step is one higher", broken_by="makes_it_one_lower")
@exercise.promise("or 0 where that would be more than a carry can be", broken_by="carries_up_to_nine")
@exercise.promise("8 in a product", broken_by="begins_again_at_seven")
@exercise.promise("1 in a sum or difference", broken_by="takes_a_sum_for_a_product")
@exercise.promise(
    "It is the last step: those behind it are left to the model", broken_by="goes_on_behind_the_corrupted"
)
@exercise.promise("tampered with at the step of index `at`", broken_by="counts_from_one")
@exercise.promise("Steps come from a model and need not be right", broken_by="wraps_a_carry_round")
@exercise.check(points=0.25)
def a_corrupted_carry(perturb_reasoning, rng):
    """The carry of the step is one higher, or 0 where it can be no higher; nothing else changes. It is the last."""
    seen = all_at(perturb_reasoning, rng, "corrupt")
    for operation, too_much in (("times", 9), ("plus", 2), ("minus", 5), ("plus", 8)):
        steps = written([some_step(rng, operation, too_much), some_step(rng, operation, 0)])
        seen[f"{operation}, where {too_much} is carried"] = perturb_reasoning([*steps], "corrupt", 0)
    return seen


@exercise.promise("the first digit of that step, `x`", broken_by="changes_the_second_digit")
@exercise.promise("is one higher, or 0 if it was 9", broken_by="makes_ten_of_nine")
@exercise.promise("which is used up by then", broken_by="works_the_step_out_again")
@exercise.promise("It is the last step too", broken_by="goes_on_behind_the_irrelevant")
@exercise.check(points=0.25)
def a_digit_that_is_used_up(perturb_reasoning, rng):
    """The first digit of the step is one higher, or 0 where it was 9; all else is as it was, and it is the last."""
    return all_at(perturb_reasoning, rng, "irrelevant")


@exercise.promise("that step and all behind it are left out", broken_by="leaves_out_one_step")
@exercise.promise("in that step and all behind it each word", broken_by="makes_dots_of_one_step")
@exercise.promise("whatever stands between spaces, becomes a dot", broken_by="makes_dots_of_letters")
@exercise.check(points=0.25)
def cut_off_or_dots(perturb_reasoning, rng):
    """From the step on nothing is left, or as many dots as there were words, sentence by sentence."""
    seen = {
        f"{kind}: {words}": its
        for kind in ("cut", "dots")
        for words, its in all_at(perturb_reasoning, rng, kind).items()
    }
    steps = some_steps(rng, "times")
    stops = [f"{sentence[:-2]}" if i % 2 else sentence for i, sentence in enumerate(steps)]
    first = [write_step(read_step(sentence), carry_first=True) for sentence in steps]
    return seen | {
        "dots: every second step without its full stop": perturb_reasoning([*stops], "dots", 2),
        "dots: the carry first": perturb_reasoning([*first], "dots", 1),
        "cut: every second step without its full stop": perturb_reasoning([*stops], "cut", 3),
    }


@exercise.promise("that step and all behind it say the carry first", broken_by="paraphrases_one_step")
@exercise.promise("with the same numbers", broken_by="turns_the_numbers_round")
@exercise.promise(
    "What is corrupted, irrelevant or paraphrased is read by `read_step`", broken_by="swaps_what_stands_there"
)
@exercise.promise("and written by `write_step`", broken_by="forgets_the_full_stop")
@exercise.check(points=0.25)
def the_carry_first(perturb_reasoning, rng):
    """From the step on each says first what it carries or borrows, and then what it writes, with its full stop."""
    seen = all_at(perturb_reasoning, rng, "paraphrase")
    steps = some_steps(rng, "times")
    mixed = [write_step(read_step(sentence), carry_first=i % 2 == 0) for i, sentence in enumerate(steps)]
    stops = [sentence[:-2] if i % 2 else sentence for i, sentence in enumerate(steps)]
    seen |= {f"some do so already, at {at}": perturb_reasoning([*mixed], "paraphrase", at) for at in (0, 3)}
    seen |= {f"some have no full stop, at {at}": perturb_reasoning([*stops], "paraphrase", at) for at in (0, 3)}
    for kind in ("corrupt", "irrelevant"):
        without = "7 times 6 and 3 is 4 5 : write 5 , carry 4"
        seen[f"{kind}, without its full stop"] = perturb_reasoning([*steps, without, *steps], kind, len(steps))
    return seen


@exercise.promise("The steps in front of `at` stay as they are, to the letter", broken_by="writes_those_in_front_again")
@exercise.promise("They come in a list or a tuple", broken_by="adds_a_list_to_what_came")
@exercise.promise("and are given in a list", broken_by="gives_what_came")
@exercise.check(points=0.25)
def those_in_front_stay(perturb_reasoning, rng):
    """Those in front keep order, full stop and spaces as they were; a tuple will do, and what comes out is a list."""
    seen = {}
    for operation in OPERATIONS:
        any_six = [some_step(rng, operation, 1) for _ in range(6)]
        steps = written([step._replace(x=step.x % 9) for step in any_six])
        steps[0] = write_step(read_step(steps[0]), carry_first=True)
        steps[1] = steps[1][:-2]
        steps[2] = f" {steps[2]}\n"
        steps[3] = write_step(read_step(steps[3]), carry_first=True)[:-2]
        for kind in KINDS:
            seen |= {f"{operation}, {kind} at {at}": perturb_reasoning([*steps], kind, at) for at in (4, 5)}
            result = perturb_reasoning(tuple(steps), kind.upper().lower(), 4)
            seen[f"{operation}, {kind}, of a tuple"] = [isinstance(result, list), result]
    return seen


@exercise.promise("Raises ValueError for another kind", broken_by="takes_another_kind_for_a_cut")
@exercise.promise("for `at` that is not 0 to the number of steps less one", broken_by="counts_from_the_end")
@exercise.promise("and for a sentence that is no step", broken_by="looks_from_the_place_on_alone")
@exercise.check(points=0.25)
def what_cannot_be_tampered_with(perturb_reasoning, rng):
    """Another kind, a place where there is no step, and a sentence that is none, wherever it stands: a ValueError."""
    steps = some_steps(rng, "times")[:4]
    seen = {f"{kind!r}": ending(lambda: perturb_reasoning([*steps], kind, 1)) for kind in ("Cut", "", "dot", *KINDS)}
    for kind in KINDS:
        for at in (-4, -1, 0, 3, 4, 5, 17):
            seen[f"{kind} at {at} of 4"] = ending(lambda: perturb_reasoning([*steps], kind, at))
        seen[f"{kind} of no steps"] = ending(lambda: perturb_reasoning([], kind, 0))
        for sentence in NO_STEPS:
            for place in (0, 2, 3):
                mixed = [*steps[:place], sentence, *steps[place + 1 :]]
                seen[f"{kind} at 2, {sentence!r} at {place}"] = ending(lambda: perturb_reasoning([*mixed], kind, 2))
    return seen


mistakes(
    exercise,
    Perturb,
    makes_it_one_lower=mistake(
        "Your corrupted carry is one lower. Which way does it go?",
        higher=lambda self, step: step.carry - 1 if step.carry else self.highest[step.operation],
    ),
    carries_up_to_nine=mistake(
        "A carry goes up to 9 with you, whatever is worked out. How large can 9 times 9 and 8 make it?",
        higher=lambda self, step: (step.carry + 1) % 10,
    ),
    begins_again_at_seven=mistake(
        "In a product an 8 is never carried, with you. What does 9 times 9 and 8 carry?",
        highest=HIGHEST | {"times": 7},
    ),
    takes_a_sum_for_a_product=mistake(
        "In a sum a carry goes above 1, with you. What do 9 plus 9 and 1 carry?",
        highest=dict.fromkeys(OPERATIONS, 8),
    ),
    takes_a_difference_for_a_product=mistake(
        "In a difference a borrow goes above 1, with you. How much can be borrowed?", highest=HIGHEST | {"minus": 8}
    ),
    takes_a_product_for_a_sum=mistake(
        "In a product a carry is 0 or 1, with you. How much can 7 times 6 carry?", highest=dict.fromkeys(OPERATIONS, 1)
    ),
    stays_at_the_highest=mistake(
        "Where a carry is as high as it can be you leave it as it is. Is the step corrupted then?",
        higher=lambda self, step: min(step.carry + 1, self.highest[step.operation]),
    ),
    wraps_a_carry_round=mistake(
        "A carry that is too high already does not become 0. What does `%` make of a 9?",
        higher=lambda self, step: (step.carry + 1) % (self.highest[step.operation] + 1),
    ),
    changes_the_digit=mistake(
        "You corrupt the digit that is written. Which of its numbers does a step hand on to the next?",
        carries=lambda self, step, carry: step._replace(digit=(step.digit + 1) % 10),
    ),
    changes_what_is_carried_over=mistake(
        "You corrupt what comes from the step before. Which number goes on to the next?",
        carries=lambda self, step, carry: step._replace(carried=(step.carried + 1) % 10),
    ),
    changes_the_total_too=mistake(
        "Your total says the new carry too. Which number of the step is to change, and no other?",
        carries=with_its_total,
    ),
    goes_on_behind_the_corrupted=mistake(
        "You leave the steps behind the corrupted one as they were. From which of them is the model to go on?",
        behind_corrupt=lambda self, rest: rest,
    ),
    changes_the_second_digit=mistake(
        "Your control changes the second digit. Which of them is x?",
        with_other_x=lambda self, step: step._replace(y=(step.y + 1) % 10),
    ),
    makes_ten_of_nine=mistake(
        "Your 9 becomes a 10. How many digits has x?", with_other_x=lambda self, step: step._replace(x=step.x + 1)
    ),
    stays_at_nine=mistake(
        "Your 9 stays a 9. Is anything tampered with then?",
        with_other_x=lambda self, step: step._replace(x=min(step.x + 1, 9)),
    ),
    works_the_step_out_again=mistake(
        "With the new x you work out the step again. Which numbers of it is a control to leave alone?",
        with_other_x=worked_out_again,
    ),
    goes_on_behind_the_irrelevant=mistake(
        "You leave the steps behind the irrelevant change as they were. From which of them is the model to go on?",
        behind_irrelevant=lambda self, rest: rest,
    ),
    leaves_out_one_step=mistake(
        "You cut one step out and keep those behind it. What is left of a text that is cut off?",
        cut=lambda self, rest: rest[1:],
    ),
    keeps_the_step_where_it_cuts=mistake(
        "You cut behind the step. Is the one of index `at` among those that are left?", cut=lambda self, rest: rest[:1]
    ),
    paraphrases_one_step=mistake(
        "Only one step says the carry first. What of those behind it?",
        paraphrase=lambda self, rest: [self.say(rest[0]), *rest[1:]],
    ),
    stops_behind_the_paraphrase=mistake(
        "The steps behind the paraphrased one are gone. Which kinds are the last step?",
        paraphrase=lambda self, rest: [self.say(rest[0])],
    ),
    turns_the_numbers_round=mistake(
        "You turn the two numbers round and not the clauses. Is the same written and carried as before?",
        say=lambda self, sentence: write_step(
            (step := read_step(sentence))._replace(digit=step.carry, carry=step.digit), carry_first=True
        ),
    ),
    changes_no_order=mistake(
        "Your paraphrase says the carry last, as before. Which argument of `write_step` is it about?",
        say=lambda self, sentence: write_step(read_step(sentence)),
    ),
    swaps_what_stands_there=mistake(
        "A step that says the carry first already says it last, with you. What does `read_step` make of both orders?",
        say=clauses_swapped,
    ),
    forgets_the_full_stop=mistake(
        "Your paraphrase ends without a full stop. What does `write_step` put there?",
        say=lambda self, sentence: Perturb.say(self, sentence).removesuffix(" ."),
    ),
    makes_dots_of_one_step=mistake(
        "Only one step becomes dots. What of those behind it?",
        dots=lambda self, rest: [self.dotted(rest[0]), *rest[1:]],
    ),
    makes_dots_of_letters=mistake(
        "You write a dot for each letter. What is to become one?",
        dotted=lambda self, sentence: " ".join("." * len(word) for word in sentence.split()),
    ),
    keeps_the_signs=mistake(
        "The colon and the comma are still there. What stands between spaces?",
        dotted=lambda self, sentence: " ".join(word if word in ":," else "." for word in sentence.split()),
    ),
    counts_no_full_stop=mistake(
        "Each of your sentences is a dot short. Does the full stop stand between spaces?",
        dotted=lambda self, sentence: Perturb.dotted(self, sentence.removesuffix(" .")),
    ),
    writes_dots_in_one_piece=mistake(
        "Your dots stand side by side. How many words is `...`?",
        dotted=lambda self, sentence: "." * len(sentence.split()),
    ),
    writes_one_sentence_of_dots=mistake(
        "All your dots are in one sentence. How many are there to be?",
        dots=lambda self, rest: [" ".join(self.dotted(sentence) for sentence in rest)],
    ),
    finds_the_place_by_its_words=mistake(
        "Of steps that are alike you take the first. What does `index` look for?",
        __call__=lambda self, steps, kind, at: Perturb.__call__(
            self, steps, kind, steps.index(steps[at]) if 0 <= at < len(steps) else at
        ),
    ),
    counts_from_one=mistake("You begin a step too early. Which index has the first step?", __call__=from_the_second_on),
    writes_those_in_front_again=mistake(
        "The steps in front are not what they were to the letter. Why read them at all?",
        front=lambda self, steps, at: [write_step(read_step(sentence)) for sentence in steps[:at]],
    ),
    leaves_out_those_in_front=mistake(
        "You give the changed steps alone. What is the model to go on from?", front=lambda self, steps, at: []
    ),
    adds_a_list_to_what_came=mistake(
        "A tuple ends in an error. What does `+` make of a tuple and a list?",
        front=lambda self, steps, at: steps[:at] + [],  # noqa: RUF005
    ),
    gives_what_came=mistake(
        "A tuple comes out of your function where one goes in. What is asked for?",
        __call__=lambda self, steps, kind, at: type(steps)(Perturb.__call__(self, steps, kind, at)),
    ),
    changes_the_list_that_came=mistake(
        "The list that you were given is another one afterwards. Whose is it?",
        __call__=lambda self, steps, kind, at: in_place(steps, Perturb.__call__(self, steps, kind, at)),
    ),
    takes_another_kind_for_a_cut=mistake(
        "A kind that there is not is a cut, with you. What does your last line take in?",
        __call__=lambda self, steps, kind, at: Perturb.__call__(self, steps, kind if kind in KINDS else "cut", at),
    ),
    counts_from_the_end=mistake(
        "A place below 0 counts from the end. Which places are there?",
        is_place=lambda self, at, n: -n <= at < n,
    ),
    takes_a_place_behind_the_last=mistake(
        "A place behind the last step passes. Of how many steps is `len(steps)` the index?",
        is_place=lambda self, at, n: 0 <= at <= n,
        corrupt=lambda self, rest: Perturb.corrupt(self, rest) if rest else [],
        irrelevant=lambda self, rest: Perturb.irrelevant(self, rest) if rest else [],
    ),
    looks_from_the_place_on_alone=mistake(
        "A sentence in front that is no step passes. Which sentences have to be steps?",
        looked_at=lambda self, steps, at: steps[at:],
    ),
    looks_at_one_step_alone=mistake(
        "You look at the step of index `at` alone. Which sentences have to be steps?",
        looked_at=lambda self, steps, at: steps[at : at + 1],
        dots=lambda self, rest: [self.dotted(sentence) for sentence in rest],
        say=lambda self, sentence: Perturb.say(self, sentence) if read_step(sentence) else sentence,
    ),
)

exercise.aside("for a model to go on from", "It says what the steps are for.")
exercise.edges(
    empty="what_cannot_be_tampered_with",
    one="a_corrupted_carry",
    equal="a_corrupted_carry",
    zero="a_corrupted_carry",
    ties="Nothing is ranked.",
    large="a_corrupted_carry",
    small="a_digit_that_is_used_up",
    limit="what_cannot_be_tampered_with",
    shapes="those_in_front_stay",
    modes="Sentences have no mode.",
    gradients="Sentences have none.",
    inputs="Sentences have no gradient.",
)
