"""How `extract_answer` may be written, rightly and wrongly: a reader with its parts to choose."""

import ast
import re
from collections import Counter
from collections.abc import Sequence

from autograder.checks.common import mistake


class Reading:
    """A reader of answers with its parts to override, so that one of them can be wrong."""

    begins, flags = r"\banswer(?:\s*:|\s+is\b)", re.IGNORECASE
    ends = r"[\n!?]|\.(?![0-9])"
    number = r"(?:- *)?[0-9](?:[ ,]?[0-9])*"

    def __call__(self, text: str) -> int | None:
        return self.agreed([self.read(answer) for answer in self.answers(text)])

    def answers(self, text: str) -> list[str]:
        found, at = [], 0
        while begin := re.compile(self.begins, self.flags).search(text, at):
            found.append(re.split(self.ends, text[begin.end() :], maxsplit=1)[0])
            at = begin.end() + self.passed_over(found[-1])
        return found

    def passed_over(self, answer: str) -> int:
        return len(answer)

    def read(self, answer: str) -> int | None:
        numbers = [self.value(number) for number in re.findall(self.number, answer)]
        return self.one_of(numbers) if numbers and self.is_whole(answer) else None

    def is_whole(self, answer: str) -> bool:
        return "." not in answer

    def one_of(self, numbers: list) -> int | None:
        return numbers[0] if len(numbers) == 1 else None

    def value(self, number: str) -> int:
        return int(re.sub(r"[ ,]", "", number))

    def agreed(self, numbers: Sequence) -> int | None:
        different = set(numbers)
        return different.pop() if len(different) == 1 else None


class SomeNumber(Reading):
    """A reader of any numbers, wherever they stand, of which one is chosen."""

    def choose(self, numbers: list) -> int:
        return numbers[-1]

    def __call__(self, text):
        numbers = [self.value(number) for number in re.findall(self.number, text)]
        return self.choose(numbers) if numbers else None


def with_an_end(self: Reading, text: str) -> list[str]:
    return re.findall(rf"(?i){self.begins}(.*?)(?:{self.ends})", text)


def in_the_last_line(self: Reading, text: str) -> list[str]:
    return Reading.answers(self, (text.strip().split("\n") or [""])[-1])


def all_alone(self: Reading, answer: str) -> int | None:
    said = answer.strip()
    return self.value(said) if re.fullmatch(self.number, said) else None


def right_behind(self: Reading, answer: str) -> int | None:
    return Reading.read(self, answer) if re.match(rf"\s*{self.number}", answer) else None


def rounded_off(self: Reading, answer: str) -> int | None:
    numbers = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*(?:\.[0-9]+)?", answer)
    return int(float(re.sub(r"[ ,]", "", numbers[0]))) if len(numbers) == 1 else None


def whole_all_the_same(self: Reading, answer: str) -> int | None:
    return Reading.read(self, re.sub(r"(?<=[0-9])\.0+(?![0-9])", "", answer))


def with_rest_alone(self: Reading, text: str) -> int | None:
    found = Reading.__call__(self, text)
    return SomeNumber()(text) if found is None and not self.answers(text) else found


def raised_for_none(self: Reading, numbers: Sequence) -> int:
    if (found := Reading.agreed(self, numbers)) is None:
        raise ValueError("no answer")
    return found


def most_often(self: Reading, numbers: Sequence) -> int | None:
    return Counter(numbers).most_common(1)[0][0] if numbers else None


WRONG = dict(  # the question that leads away, and the part
    knows_is_alone=mistake(
        'Nothing begins behind "Answer:" for you. Which two ways are there to give an answer?',
        begins=r"\banswer\s+is\b",
    ),
    knows_the_colon_alone=mistake(
        'Nothing begins behind "the answer is" for you. Which two ways are there to give an answer?',
        begins=r"\banswer\s*:",
    ),
    wants_one_space=mistake(
        "A line break or a second space in front of the colon or the is stops you. What is white space?",
        begins=r"\banswer(?: ?:| is\b)",
    ),
    knows_small_letters_alone=mistake("You miss ANSWER. Which letters count as the same?", flags=0),
    finds_the_word_in_others=mistake(
        'You find "answer" at the end of longer words. What keeps a pattern from beginning within a word?',
        begins=r"answer(?:\s*:|\s+is\b)",
    ),
    finds_is_in_longer_words=mistake(
        'You find "is" in "issued". What keeps a pattern from ending within a word?', begins=r"\banswer(?:\s*:|\s+is)"
    ),
    takes_the_word_alone=mistake(
        'The word "answer" is enough for you. What has to come behind it?', begins=r"\banswer\b(?:\s*:|\s+is\b)?"
    ),
    lets_words_in_between=mistake(
        "You let other words stand before the colon or the is. What may stand there?",
        begins=r"\banswer\b[^\n:.!?]*?(?::|\bis\b)",
    ),
    wants_the_number_alone=mistake(
        "A word or a sign beside the number is too much for you. What may stand around it?", read=all_alone
    ),
    wants_the_number_right_behind=mistake(
        "You look for the number right behind the colon. What may stand between?", read=right_behind
    ),
    reads_on_in_the_next_line=mistake(
        "You read on in the next line. Where does an answer end?", ends=r"[!?]|\.(?![0-9])"
    ),
    reads_on_behind_signs=mistake('You read on behind "!" and "?". Where does an answer end?', ends=r"\n|\.(?![0-9])"),
    reads_on_to_the_end_of_the_line=mistake(
        "You read on to the end of the line. What do you do with the next sentence?", ends=r"\.?\s*(?:\n|\Z)|[!?]"
    ),
    ends_at_any_point=mistake(
        "For you 3.5 is a good answer, and the number 3. Which points end an answer?", ends=r"[\n!?.]"
    ),
    ends_at_commas=mistake("You stop at a comma or semicolon. Where does an answer end?", ends=r"[\n!?,;]|\.(?![0-9])"),
    wants_an_end=mistake(
        "You miss an answer with nothing behind it. What if the text is at its end?", answers=with_an_end
    ),
    takes_the_first_in_an_answer=mistake(
        'For "12 or 13" you take 12. What would a model learn from that?', one_of=lambda self, numbers: numbers[0]
    ),
    takes_the_last_in_an_answer=mistake(
        'For "12 or 13" you take 13. What would a model learn from that?', one_of=lambda self, numbers: numbers[-1]
    ),
    counts_the_same_number_once=mistake(
        "An answer may give the same number twice, for you. How often may one stand in it?",
        one_of=lambda self, numbers: numbers[0] if len(set(numbers)) == 1 else None,
    ),
    overlooks_a_point_in_front=mistake(
        "You read .5 as 5. What does the point in front say?",
        is_whole=lambda self, answer: not re.search(r"[0-9]\.[0-9]", answer),
    ),
    rounds_off=mistake("You make a whole number of 3.5. Is it one?", read=rounded_off),
    takes_points_and_zeros=mistake("For you 42.0 is whole. What may not stand in an answer?", read=whole_all_the_same),
    drops_points=mistake(
        "You take points out, so that 3.5 becomes 35. What does a point say?",
        read=lambda self, answer: Reading.read(self, answer.replace(".", "")),
    ),
    takes_any_digits=mistake(
        "You read digits of other alphabets. Which ones does `\\d` stand for?", number=r"(?:- *)?\d(?:[ ,]?\d)*"
    ),
    knows_no_spaces_in_a_number=mistake(
        'You read "4 2" as two numbers. What may stand between two digits?', number=r"(?:- *)?[0-9](?:,?[0-9])*"
    ),
    knows_no_commas_in_a_number=mistake(
        'You read "1,234" as two numbers. What may stand between two digits?', number=r"(?:- *)?[0-9](?: ?[0-9])*"
    ),
    wants_three_digits_behind_a_comma=mistake(
        "You want three digits behind a comma. Between which digits may one stand?",
        number=r"(?:- *)?[0-9](?: ?[0-9])*(?:,[0-9]{3})*(?![0-9])",
    ),
    joins_what_stands_apart=mistake(
        'You read "7, 8" as one number. How many signs may stand between two digits?',
        number=r"(?:- *)?[0-9](?:[ ,]*[0-9])*",
    ),
    drops_commas_first=mistake(
        'You take the commas out first. What is left between the two of "7, 8"?',
        read=lambda self, answer: Reading.read(self, answer.replace(",", "")),
    ),
    takes_any_white_space=mistake(
        "For you a tab may stand between two digits. Which white space may?",
        number=r"(?:- *)?[0-9](?:[\s,]?[0-9])*",
    ),
    takes_a_bar_for_a_comma=mistake(
        "You read 1_000 as Python does. What may stand between two digits?",
        number=r"(?:- *)?[0-9](?:[ ,_]?[0-9])*",
        value=lambda self, number: int(re.sub(r"[ ,_]", "", number)),
    ),
    knows_no_minus=mistake(
        "All your numbers are above zero. What does a minus in front do?", number=r"[0-9](?:[ ,]?[0-9])*"
    ),
    loses_a_minus_with_a_space=mistake(
        'You lose the minus of "- 5". What may stand between a minus and its number?',
        number=r"-?[0-9](?:[ ,]?[0-9])*",
    ),
    wants_a_space_in_front_of_a_minus=mistake(
        "You lose a minus that has no space in front. To what does it belong?",
        number=r"(?:(?<!\S)- *)?[0-9](?:[ ,]?[0-9])*",
    ),
    goes_by_floating_numbers=mistake(
        "Long numbers lose their last digits. How many does a floating-point number have?",
        value=lambda self, number: int(float(re.sub(r"[ ,]", "", number))),
    ),
    reads_numbers_as_python_does=mistake(
        "Your function ends with an error at 007. Which function reads digits with zeros in front?",
        value=lambda self, number: ast.literal_eval(re.sub(r"[ ,]", "", number)),
    ),
    refuses_a_second_answer=mistake(
        "You refuse an answer that is given twice. When may it be?",
        agreed=lambda self, numbers: numbers[0] if len(numbers) == 1 else None,
    ),
    passes_over_what_is_not_good=mistake(
        "You pass over answers that are not good. What if only one of ten is?",
        agreed=lambda self, numbers: Reading.agreed(self, [number for number in numbers if number is not None]),
    ),
    takes_the_last_answer=mistake(
        "Of several answers you take the last. What would a model learn that is not sure?",
        agreed=lambda self, numbers: numbers[-1] if numbers else None,
    ),
    takes_the_first_answer=mistake(
        "Of several answers you take the first. What would a model learn that is not sure?",
        agreed=lambda self, numbers: numbers[0] if numbers else None,
    ),
    takes_a_vote=mistake(
        "Of several answers you take the one that is there most often. What has to agree?", agreed=most_often
    ),
    compares_how_they_are_written=mistake(
        "You compare texts. Are 1,234 and 1 234 two numbers?",
        value=lambda self, number: number,
        agreed=lambda self, numbers: (found := Reading.agreed(self, numbers)) and Reading.value(self, found),
    ),
    begins_another_within=mistake(
        "You begin another answer within one. Where do you go on looking?", passed_over=lambda self, answer: 0
    ),
    looks_in_the_last_line_alone=mistake(
        "You look in the last line alone. Where may an answer stand?", answers=in_the_last_line
    ),
    gives_minus_one_for_none=mistake(
        "You give -1 where there is no answer. What if that is the truth?",
        agreed=lambda self, numbers: -1 if (found := Reading.agreed(self, numbers)) is None else found,
    ),
    gives_zero_for_none=mistake(
        "You give 0 where there is no answer. What if that is the truth?",
        agreed=lambda self, numbers: Reading.agreed(self, numbers) or 0,
    ),
    takes_zero_for_none=mistake(
        "For you 0 is no answer. What is `0 or None` in Python?",
        agreed=lambda self, numbers: Reading.agreed(self, numbers) or None,
    ),
    raises_for_none=mistake(
        "You raise an error where there is no answer. What is to be given?", agreed=raised_for_none
    ),
    falls_back_on_any_number=mistake(
        "Where there is no answer you take another number. What does a model learn that is paid without answering?",
        __call__=with_rest_alone,
    ),
)

OF_ANY_NUMBERS = dict(
    takes_the_last_number=mistake("You take the last number of the text. Which one is the answer?"),
    takes_the_first_number=mistake(
        "You take the first number of the text. Which one is the answer?", choose=lambda self, numbers: numbers[0]
    ),
)
