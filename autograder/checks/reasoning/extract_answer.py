"""`extract_answer`: where an answer begins and ends, what a number is, and that nobody is paid for leaving a choice."""

from collections.abc import Callable
from typing import Any

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import called, mistakes
from autograder.checks.playscript.shared import some_words
from autograder.checks.reasoning.reading import OF_ANY_NUMBERS, WRONG, Reading, SomeNumber

exercise = Exercise("extract_answer")


def some_numbers(rng: torch.Generator, n: int) -> list[int]:
    """Numbers of three digits, none of them 0 and none there twice in a number, all different."""
    numbers = [number for number in range(123, 988) if len(set(f"0{number}")) == 4]
    return [numbers[i] for i in torch.randperm(len(numbers), generator=rng)[:n].tolist()]


def apart(number: int) -> str:
    """As the village writes numbers: "4 2"."""
    return " ".join(str(number))


def read(extract_answer: Callable, texts: dict[str, str]) -> dict[str, Any]:
    """What is read in each text; a number too long for an observation as a text."""
    seen = {}
    for words, text in texts.items():
        number = extract_answer(text)
        is_long = isinstance(number, int) and number.bit_length() > 60
        seen[f"{words}, in {text!r}" if len(text) < 100 else words] = str(number) if is_long else number
    return seen


@exercise.promise('An answer begins behind "answer:"', broken_by="knows_is_alone")
@exercise.promise('or "answer is"', broken_by="knows_the_colon_alone")
@exercise.promise("whole words in letters", broken_by="finds_the_word_in_others")
@exercise.promise("in letters small or large", broken_by="knows_small_letters_alone")
@exercise.promise("with any white space in front of the colon", broken_by="wants_one_space")
@exercise.check(points=0.25)
def answers_begin_behind_a_colon_or_is(extract_answer, rng):
    """An answer begins behind "answer:" or "answer is", in any letters, and behind no other words."""
    x, y = some_words(rng, 2)
    a, b, c, d, e, f, g, h, i, j, k, m, n, o = some_numbers(rng, 14)
    return read(
        extract_answer,
        {
            "a colon": f"Answer: {a}",
            "a colon without a space behind it": f"answer:{b}",
            "a space in front of the colon": f"answer : {c}",
            "much white space in front of the colon": f"{x} answer \t  :{d}",
            "a line break in front of the colon": f"Answer\n : {e}",
            "the word is": f"The answer is {f}",
            "much white space in front of is": f"my answer  \t is {g}",
            "a line break in front of is": f"So the answer\nis {h}",
            "a line break behind is": f"The answer is\n{h}",
            "is and a colon": f"The answer is: {i}",
            "a colon and is": f"Answer: it is {j}",
            "large letters and a colon": f"ANSWER: {k}",
            "large letters and IS": f"THE ANSWER IS {m}",
            "large letters and Is": f"My Answer Is {n}",
            "letters small and large": f"aNsWeR iS {o}",
            "a word that ends with answer": f"{x}answer: {a}",
            "a word that begins with answer": f"answers: {b}",
            "a word that begins with answer, and is": f"What answers is {b}",
            "a word that begins with is": f"The answer issued: {c}",
            "is and a digit": f"The answer is{d}",
            "no space": f"answeris {e}",
            "nothing between": f"The answer {f}",
            "another sign": f"answer = {g}",
            "words in front of the colon": f"answer to {x}: {h}",
            "words in front of is": f"The answer to {x} is {i}",
            "another word": f"result: {j}",
            "other words around": f"{x} {y}: {b}. The {x} answer is {c}. {y} is {d}",
        },
    )


@exercise.promise("whatever words and signs stand around that", broken_by="wants_the_number_alone")
@exercise.check(points=0.25)
def words_and_signs_around_do_not_count(extract_answer, rng):
    """Words and signs around the number, in front of it and behind it, change nothing."""
    x, y, z = some_words(rng, 3)
    a, b, c, d, e, f, g, h = some_numbers(rng, 8)
    return read(
        extract_answer,
        {
            "a word behind": f"Answer: {a} {x}.",
            "words in front": f"The answer is {x} {y} {b}.",
            "words on both sides": f"The answer is {x}, {y} {c} {z}, {x}!",
            "a comma behind": f"The answer is {d}, {x}",
            "a comma in front": f"The answer is,{d} {x}",
            "stars": f"**Answer:** **{e}**",
            "brackets": f"Answer: ({f})",
            "a plus": f"Answer: +{f}",
            "dollars": f"The answer is ${g}$.",
            "a box": f"Answer: $\\boxed{{{h}}}$.",
            "an equals sign": f"answer : {x} = {a} {y} .",
            "a raised digit behind": f"Answer: {g}²",
            "a letter beside it": f"Answer: {x}{b}{y}",
            "a semicolon in front": f"Answer: {x}; {c}",
            "a colon in front": f"Answer: {x}: {d}",
            "a word that ends with a point behind": f"Answer: {e} ({x}.{y})",
        },
    )


@exercise.promise("It ends at the next line feed", broken_by="reads_on_in_the_next_line")
@exercise.promise('"!" or "?"', broken_by="reads_on_behind_signs")
@exercise.promise('or at the next "."', broken_by="reads_on_to_the_end_of_the_line")
@exercise.promise("that has no digit, 0 to 9, right behind it", broken_by="ends_at_any_point")
@exercise.promise("or else with the text", broken_by="wants_an_end")
@exercise.check(points=0.25)
def where_an_answer_ends(extract_answer, rng):
    """An answer ends at a line break, "!", "?", a "." without a digit behind it, or with the text; not elsewhere."""
    (x,) = some_words(rng, 1)
    a, b, c, d, e, f, g = some_numbers(rng, 7)
    return read(
        extract_answer,
        {
            "the text": f"Answer: {a}",
            "the text, behind a word": f"Answer: {a} {x}",
            "a full stop at the end": f"Answer: {b}.",
            "a full stop": f"Answer: {c}. {d}",
            "a full stop with spaces around it": f"answer : {apart(e)} . {apart(f)} .",
            "a full stop right in front of a word": f"Answer: {g}.{x} {a}",
            "a full stop in front of a line break": f"The answer is {g}.\n{b} {x}",
            "a full stop right in front of another answer": f"Answer: {g}.Answer: {a}",
            "a full stop right in front of the same answer": f"Answer: {g}.Answer: {g}",
            "three full stops": f"Answer: {b}... {c}",
            "an exclamation mark": f"Answer: {d}! {e}",
            "a question mark": f"The answer is {f}? {g}",
            "a question mark right in front of a digit": f"The answer is {f}?{g}",
            "a line break": f"Answer: {a}\n{b}",
            "a line break with a carriage return": f"Answer: {a}\r\n{b}",
            "a line break in front of the number": f"Answer:\n{c}",
            "an empty line in front of the number": f"Answer:\n\n{c}",
            "a full stop in front of the number": f"The answer is {x}. {d}",
            "a question mark in front of the number": f"The answer is {x}? {e}",
            "an exclamation mark in front of the number": f"The answer is {x}! {e}",
            "three full stops in front of the number": f"The answer is ... {e}",
            "no end: a point and a digit": f"Answer: {f}.5 {x}. {g}",
            "no end: a point behind a space, and a digit": f"Answer: {f} .{g}",
            "no end: a comma": f"Answer: {a}, {b}",
            "no end: a semicolon": f"Answer: {c}; {d}",
            "no end: a colon": f"Answer: {e}: {f}",
            "no end: a bracket": f"Answer: {e} ({f})",
            "no end: the word or": f"Answer: {a} {x} or {b}.",
        },
    )


@exercise.promise("or leaves a choice", broken_by="takes_the_first_in_an_answer")
@exercise.promise("exactly one number stands in it", broken_by="takes_the_last_in_an_answer")
@exercise.promise("stands in it, once", broken_by="counts_the_same_number_once")
@exercise.promise('and no "."', broken_by="overlooks_a_point_in_front")
@exercise.promise("a number with a point is not whole", broken_by="rounds_off")
@exercise.promise("A number is digits, 0 to 9", broken_by="takes_any_digits")
@exercise.check(points=0.25)
def one_whole_number_and_no_choice(extract_answer, rng):
    """An answer with two numbers, with none, or with a number that has a point, is none."""
    x, y = some_words(rng, 2)
    a, b, c, d = some_numbers(rng, 4)
    two = {" or ": "or", ", ": "a comma and a space", "; ": "a semicolon", " - ": "a minus", "-": "a minus alone"}
    two |= {
        "+": "a plus",
        " = ": "equals",
        "/": "a stroke",
        ":": "a colon",
        "*": "a star",
        "^": "a power",
        "e": "an e",
        "_": "a bar",
    }
    return read(
        extract_answer,
        {f"two numbers, {words} between": f"Answer: {a}{sign}{b}." for sign, words in two.items()}
        | {
            "two numbers that are the same": f"The answer is {c} = {c}.",
            "three numbers": f"Answer: {a} {x} {b} {x} {c}",
            "a number with a point": f"Answer: {a}.5",
            "a point and zeros": f"Answer: {b}.0",
            "a point as if between thousands": f"Answer: {c}.000",
            "a point in front of the digits": f"Answer: .{d}",
            "a minus and a point in front of the digits": f"Answer: -.{d}",
            "a point and a sentence's end": f"The answer is {d}.5. {x}",
            "a point within a word, then a number": f"The answer is {x}.5",
            "a word": "The answer is seven.",
            "no digit": f"Answer: {x}",
            "nothing": "Answer:",
            "a space": "The answer is ",
            "a minus and no digit": f"Answer: - {x}",
            "digits of another alphabet": "Answer: ٤٢",
            "wide digits": "Answer: ４２",
            "one number": f"The answer is {d} {y}.",
        },
    )


@exercise.promise("with one space", broken_by="knows_no_spaces_in_a_number")
@exercise.promise("or one comma", broken_by="knows_no_commas_in_a_number")
@exercise.promise("at most between any two of them", broken_by="joins_what_stands_apart")
@exercise.promise('a "-" in front belongs to it', broken_by="knows_no_minus")
@exercise.promise("with spaces between or without", broken_by="loses_a_minus_with_a_space")
@exercise.promise("A number has a thousand digits at most", broken_by="goes_by_floating_numbers")
@exercise.check(points=0.25)
def how_a_number_is_written(extract_answer, rng):
    """Digits with a space or a comma between any two of them are one number, and a minus in front belongs to it."""
    (x,) = some_words(rng, 1)
    a, b, c, d, e, f, g = some_numbers(rng, 7)
    long = "".join(str(number) for number in some_numbers(rng, 334))[:1000]
    return read(
        extract_answer,
        {
            "a space between all": f"answer : {apart(a)} .",
            "a comma between all": f"Answer: {','.join(str(b))}",
            "thousands": f"Answer: {c},{d}",
            "millions": f"Answer: {e},{f},{g}",
            "a space between thousands": f"Answer: {a} {b}",
            "spaces and commas": f"Answer: {c} {d},{e}",
            "groups of other sizes": f"Answer: {f},{str(g)[:2]},{str(a)[:1]}",
            "two spaces": f"Answer: {b}  {c}",
            "a comma and a space": f"Answer: {d}, {e}",
            "a space and a comma": f"Answer: {f} ,{g}",
            "two commas": f"Answer: {a},,{b}",
            "a tab": f"Answer: {c}\t{d}",
            "a bar": f"Answer: {e}_{f}",
            "an apostrophe": f"Answer: {g}'{a}",
            "a minus": f"The answer is -{b}.",
            "a minus right behind the colon": f"Answer:-{c}",
            "a minus and a single digit": f"Answer: -{str(d)[0]}",
            "two minuses": f"Answer: --{d}",
            "a minus right behind is": f"The answer is-{c}",
            "a minus and a space": f"Answer: - {d}",
            "a minus and spaces": f"Answer: -   {e}",
            "a minus in brackets": f"Answer: (-{f})",
            "a minus behind an equals sign": f"Answer: {x}=-{g}",
            "a minus, and spaces between all digits": f"answer : - {apart(a)} .",
            "a minus and thousands": f"Answer: -{b},{c}",
            "a minus behind a word": f"Answer: {x}-{c}",
            "a minus behind the number": f"Answer: {d}-",
            "a minus far in front of the number": f"Answer: - {x} {e}",
            "a minus and a letter in front of the number": f"Answer: -{x[0]}{e}",
            "a minus within words": f"The answer is {x}-{x} {f}",
            "zero": "Answer: 0",
            "minus zero": "Answer: -0",
            "zeros": "Answer: 0 0 0",
            "zeros in front": f"Answer: 00{g}",
            "zeros in front, with spaces": f"answer : 0 0 {apart(a)} .",
            "a single digit": f"Answer: {str(b)[0]}",
            "twenty digits": f"Answer: {long[:20]}",
            "forty digits, with spaces": f"answer : {' '.join(long[:40])} .",
            "a thousand digits": f"Answer: {long}",
            "a minus and a thousand digits, with commas": f"Answer: - {','.join(long)}",
        },
    )


@exercise.promise("A reply may give its answer several times", broken_by="refuses_a_second_answer")
@exercise.promise("each has to be good", broken_by="passes_over_what_is_not_good")
@exercise.promise("and all have", broken_by="takes_the_last_answer")
@exercise.promise("to be the same number", broken_by="compares_how_they_are_written")
@exercise.promise("no other begins within it", broken_by="begins_another_within")
@exercise.check(points=0.25)
def several_answers_agree(extract_answer, rng):
    """Answers that are given several times are each good, and all the same number, or there is none."""
    x, y = some_words(rng, 2)
    a, b, c, d, e, f, g = some_numbers(rng, 7)
    return read(
        extract_answer,
        {
            "the same twice": f"The answer is {a}. {x} {y}.\nAnswer: {a}",
            "the same twice in a line": f"Answer: {b}. {x}! The answer is {b}. {y} {c}.",
            "the same, written otherwise": f"Answer: {a},{b}. {x}: the answer is {a} {b}!\nANSWER: 0{a}{b}",
            "the same, with a space in the minus": f"Answer: -{c}\nAnswer: - {c}",
            "zero and minus zero": "Answer: 0\nAnswer: -0\n",
            "ten times": f"Answer: {d}.\n" * 10,
            "two different ones": f"Answer: {e}.\n{x}, the answer is {f}.",
            "two different ones in a line": f"Answer: {f}. Answer: {e}.",
            "the first is different": f"Answer: {g}.\n" + f"Answer: {a}.\n" * 2,
            "the second is different": f"Answer: {b}.\nAnswer: {c}.\nAnswer: {b}.",
            "the last is different": f"Answer: {d}.\n" * 2 + f"Answer: {e}.\n",
            "one is below zero": f"Answer: {f}.\nAnswer: -{f}.",
            "one is the other's beginning": f"Answer: {a}.\nAnswer: {a}{b}.",
            "the first has no number": f"The answer is {x}.\nAnswer: {g}",
            "the last has no number": f"Answer: {a}.\nThe answer is {y}.",
            "the last is broken off": f"Answer: {b}.\nAnswer:",
            "the first has two": f"Answer: {c} or {d}.\nAnswer: {c}",
            "the last has two": f"Answer: {c}.\nAnswer: {c} or {d}",
            "the last has a point": f"Answer: {e}.\nAnswer: {e}.0",
            "none is good": f"Answer: {x}.\nAnswer: {f} or {g}",
            "one within another, behind the number": f"Answer: {f}, and this answer is {x}. {y}",
            "one within another, in front of the number": f"Answer: the answer is {g}. {y}",
            "one within another, two numbers": f"Answer: {a}, or the answer is {b}.",
            "one within another, the same number": f"Answer: {c}: the answer is {c}.",
        },
    )


@exercise.promise("The whole number that a reply gives as its answer", broken_by="takes_the_first_number")
@exercise.promise("or None if it gives none", broken_by="gives_minus_one_for_none")
@exercise.promise("Other numbers in the text are no answers", broken_by="falls_back_on_any_number")
@exercise.check(points=0.25)
def other_numbers_are_no_answers(extract_answer, rng):
    """Numbers in front of an answer and behind it do not count, and a text without an answer has none."""
    x, y = some_words(rng, 2)
    a, b, c, d, e, f = some_numbers(rng, 6)
    return read(
        extract_answer,
        {
            "numbers around": f"{a} {x} + {b} = {c}.\nAnswer: {d}.\n{e} {y}, {f}",
            "a worked sum": f"{apart(a)} : write {str(b)[0]} , carry {str(c)[0]} . answer : {apart(d)} . {apart(e)} .",
            "a number at the end": f"{x}. The answer is {e}. {y}: {f}",
            "a number at the beginning": f"{f} {x}. The answer is {a}.",
            "nothing": "",
            "words": f"{x} {y}.",
            "a number alone": f"{b}",
            "a number and a full stop": f"{c} {x}. {y}",
            "an equals sign": f"{x} = {d}",
            "a box": f"$\\boxed{{{e}}}$",
            "four signs": f"#### {f}",
            "the number in front of the words": f"{a} is the answer. {x}",
            "the number in front of the words, and a colon behind": f"{b} is the answer: {x}",
            "the question": f"What is the answer? {x} {c}",
            "several numbers and no answer": f"{a} + {b} = {c}.",
        },
    )


mistakes(exercise, Reading, **WRONG)
mistakes(exercise, SomeNumber, **OF_ANY_NUMBERS)
library_answer = exercise.given(called(Reading))
exercise.edges(
    empty="other_numbers_are_no_answers",
    one="how_a_number_is_written",
    equal="several_answers_agree",
    zero="how_a_number_is_written",
    ties="several_answers_agree",
    large="how_a_number_is_written",
    small="how_a_number_is_written",
    limit="how_a_number_is_written",
    shapes="A text has no shape.",
    modes="There is no module.",
    gradients="Texts have no gradient.",
    inputs="Texts have no gradient.",
)
