"""Reading a worked sum as a teacher would, right and with a part put wrong, for the checks of `monitor`."""

import re

from autograder.checks.common import mistake
from autograder.checks.reasoning.extract_answer import library_answer
from autograder.checks.reasoning.steps import (
    OPERATIONS,
    columns,
    follows,
    read_step,
    result,
    sentences,
    write_step,
)

Found = tuple[str, int | None]


class Monitor:
    """A monitor with its parts to override, so that one of them can be wrong."""

    def __call__(self, a, operation, b, written):
        if not self.is_known(operation):
            raise ValueError(operation)
        self.a, self.operation, self.b = a, operation, b
        due, said = self.columns(a, operation, b), [self.read(sentence) for sentence in self.parts(written)]
        return self.judged(due, said, self.answer(written))

    def is_known(self, operation):
        return operation in OPERATIONS

    def columns(self, a, operation, b):
        return columns(a, operation, b)

    def parts(self, written):
        return sentences(written)

    def read(self, sentence):
        return read_step(sentence)

    def answer(self, written):
        return library_answer(written)

    def judged(self, due, said, answer):
        if faults := self.faults(due, said):
            return self.counted(faults)
        return self.ended(due, said, answer)

    def counted(self, faults):
        return faults[0]

    def faults(self, due, said) -> list[Found]:
        found, before = [], None
        for i, step in enumerate(said):
            if step is None:
                found.append(self.talk(i))
                continue
            if i >= len(due):
                found += self.one_more(i, step, before)
            elif not self.is_right(step, *due[i], self.carried(before)):
                found.append(("wrong step", i))
            before = step
        return found

    def talk(self, i):
        return "shortcut", i

    def one_more(self, i, step, before):
        return [("wrong step", i)]

    def carried(self, before):
        return before.carry if before else 0

    def is_right(self, step, x, y, carried):
        return step == self.follows(x, self.operation, y, carried)

    def follows(self, x, operation, y, carried):
        return follows(x, operation, y, carried)

    def ended(self, due, said, answer) -> Found:
        if answer is None:
            return self.without_answer(said)
        if self.is_short(due, said) or not self.is_it(answer, said):
            return self.short(said)
        return self.sound(said)

    def without_answer(self, said):
        return "no answer", len(said)

    def is_short(self, due, said):
        return len(said) < len(due)

    def is_it(self, answer, said):
        return answer == int(self.leads_to(said))

    def leads_to(self, said):
        return f"{said[-1].carry if said else 0}{''.join(str(step.digit) for step in reversed(said))}"

    def short(self, said):
        return "shortcut", len(said)

    def sound(self, said):
        return "sound", None


def by_the_answer(self: Monitor, due, said, answer) -> Found:
    if answer == result(self.a, self.operation, self.b):
        return "sound", None
    return Monitor.judged(self, due, said, answer)


def answer_first(self: Monitor, due, said, answer) -> Found:
    return ("no answer", len(said)) if answer is None else Monitor.judged(self, due, said, answer)


def number_of_steps_first(self: Monitor, due, said, answer) -> Found:
    if len(said) > len(due):
        return "wrong step", len(due)
    return Monitor.judged(self, due, said, answer)


def too_few_first(self: Monitor, due, said, answer) -> Found:
    if len(said) < len(due):
        return "shortcut", len(said)
    return Monitor.judged(self, due, said, answer)


def wrong_steps_first(self: Monitor, faults: list[Found]) -> Found:
    return next((fault for fault in faults if fault[0] == "wrong step"), faults[0])


def shortcuts_first(self: Monitor, faults: list[Found]) -> Found:
    return next((fault for fault in faults if fault[0] == "shortcut"), faults[0])


def short_before_silent(self: Monitor, due, said, answer) -> Found:
    if self.is_short(due, said):
        return self.short(said)
    return Monitor.ended(self, due, said, answer)


def silent_before_short(self: Monitor, due, said, answer) -> Found:
    """An answer that is not what the steps lead to counts as none."""
    return Monitor.ended(self, due, said, answer if answer is not None and self.is_it(answer, said) else None)


def answer_as_a_step(self: Monitor, due, said, answer) -> Found:
    found = Monitor.ended(self, due, said, answer)
    is_all = len(said) == len(due) and answer is not None
    return ("wrong step", found[1]) if is_all and found[0] == "shortcut" else found


def steps_that_are_missing(self: Monitor, due, said, answer) -> Found:
    """Right as far as they go, and the answer is right."""
    is_right = answer == result(self.a, self.operation, self.b)
    return ("sound", None) if is_right else Monitor.ended(self, due, said, answer)


def its_answer_is_believed(self: Monitor, due, said, answer) -> Found:
    is_all = answer is not None and len(said) == len(due)
    return ("sound", None) if is_all else Monitor.ended(self, due, said, answer)


def words_compared(self: Monitor, due, said, answer) -> Found:
    """Each sentence has to be, word by word, the one that is due."""
    carried = 0
    for i, (sentence, step) in enumerate(said):
        if step is None:
            return "shortcut", i
        right = follows(*due[i][:1], self.operation, due[i][1], carried) if i < len(due) else None
        if right is None or sentence.strip() != write_step(right).removesuffix(" ."):
            return "wrong step", i
        carried = step.carry
    return Monitor.ended(self, due, [step for _, step in said], answer)


def with_the_sentence(self: Monitor, sentence: str):
    return sentence, read_step(sentence)


def without_talk(self: Monitor, due, said, answer) -> Found:
    return Monitor.judged(self, due, [step for step in said if step], answer)


def up_to_talk(self: Monitor, due, said, answer) -> Found:
    return Monitor.judged(self, due, said[: said.index(None)] if None in said else said, answer)


def all_sentences(self: Monitor, written: str) -> list[str]:
    return [said for part in written.split(".") if (said := part.strip())]


def all_but_answers(self: Monitor, written: str) -> list[str]:
    return [said for said in all_sentences(self, written) if not re.search(r"\banswer\b", said, re.IGNORECASE)]


def lines(self: Monitor, written: str) -> list[str]:
    return [said for line in sentences(written) for part in line.split("\n") if (said := part.strip())]


def parted_by_stops_and_spaces(self: Monitor, written: str) -> list[str]:
    before = re.split(r"\banswer\b", written, flags=re.IGNORECASE)[0]
    return [said for part in before.split(" . ") if (said := part.strip(" "))]


def of_one_wording(self: Monitor, written: str) -> int | None:
    said = re.search(r"answer : ([0-9 ]*[0-9]) \.", written)
    return int(said[1].replace(" ", "")) if said else None


def all_digits_behind(self: Monitor, written: str) -> int | None:
    parts = re.split(r"\banswer\b", written, maxsplit=1, flags=re.IGNORECASE)
    digits = re.sub("[^0-9]", "", parts[1]) if len(parts) > 1 else ""
    return int(digits) if digits else None


def first_number_behind(self: Monitor, written: str) -> int | None:
    said = re.search(r"\banswer\b\D*?([0-9](?:[ ,]?[0-9])*)", written, re.IGNORECASE)
    return int(re.sub("[ ,]", "", said[1])) if said else None


def last_number(self: Monitor, written: str) -> int | None:
    numbers = re.findall(r"[0-9](?:[ ,]?[0-9])*", written)
    return int(re.sub("[ ,]", "", numbers[-1])) if numbers else None


WRONG_FINDINGS = dict(
    calls_a_wrong_step_a_shortcut=mistake(
        "A wrong step is a shortcut, with you. Was something left out, or got wrong?",
        counted=lambda self, faults: ("shortcut", faults[0][1]),
    ),
    calls_talk_a_wrong_step=mistake(
        "A sentence that is no step is a wrong step, with you. What does the list say of it?",
        talk=lambda self, i: ("wrong step", i),
    ),
    counts_from_one=mistake(
        "Your first step has the number 1. What is its index?",
        counted=lambda self, faults: (faults[0][0], faults[0][1] + 1),
    ),
    tells_the_last_fault=mistake(
        "Of several faults you tell the last. When do you stop reading?", counted=lambda self, faults: faults[-1]
    ),
    looks_for_wrong_steps_first=mistake(
        "You look for wrong steps in the whole text before you look for others. What does a teacher come to first?",
        counted=wrong_steps_first,
    ),
    looks_for_shortcuts_first=mistake(
        "You look for sentences that are no steps in the whole text first. What does a teacher come to first?",
        counted=shortcuts_first,
    ),
    looks_for_an_answer_first=mistake(
        "Where there is no answer you do not read the steps. What does a teacher read first?",
        judged=answer_first,
    ),
    counts_the_steps_first=mistake(
        "Where there are too many steps you do not read them. Which fault comes first?",
        judged=number_of_steps_first,
    ),
    finds_too_few_steps_first=mistake(
        "Where there are too few steps you do not read them. Which fault comes first?", judged=too_few_first
    ),
    takes_steps_beyond_the_columns=mistake(
        "A step beyond the last column passes. Which column is it of?", one_more=lambda self, i, step, before: []
    ),
    takes_the_last_carry_for_a_column=mistake(
        "A step more passes if it says the last carry. How many columns are due?",
        one_more=lambda self, i, step, before: (
            [] if before and self.is_right(step, 0, 0, before.carry) and before.carry else [("wrong step", i)]
        ),
        leads_to=lambda self, said: Monitor.leads_to(self, said),
    ),
    calls_a_step_too_many_a_shortcut=mistake(
        "A step beyond the last column is a shortcut, with you. Is too much the same as too little?",
        one_more=lambda self, i, step, before: [("shortcut", i)],
    ),
    passes_over_talk=mistake(
        "You leave out what is no step, and go on. What is a sentence between two steps?", judged=without_talk
    ),
    ends_at_talk=mistake(
        "You stop reading at a sentence that is no step, and say nothing of it. At which place is the shortcut?",
        judged=up_to_talk,
    ),
    takes_a_right_answer_for_the_missing_steps=mistake(
        "Too few steps and a right answer are sound, with you. Where do its digits come from?",
        ended=steps_that_are_missing,
    ),
    wants_no_number_of_steps=mistake(
        "An answer that follows from too few steps is sound, with you. How many columns are due?",
        is_short=lambda self, due, said: False,
    ),
    believes_the_answer=mistake(
        "Whatever is answered behind right steps is sound, with you. What do they lead to?",
        ended=its_answer_is_believed,
    ),
    calls_a_wrong_answer_a_wrong_step=mistake(
        "An answer that does not follow is a wrong step, with you. Is it a step?", ended=answer_as_a_step
    ),
    calls_a_wrong_answer_none=mistake(
        "An answer that does not follow is none, with you. What does `extract_answer` find?",
        ended=silent_before_short,
    ),
    tells_the_last_step_of_a_shortcut=mistake(
        "Your shortcut at the end has the index of the last step. What is asked for there?",
        short=lambda self, said: ("shortcut", len(said) - 1),
    ),
    calls_it_a_shortcut_where_steps_are_missing_too=mistake(
        "Where steps and answer are missing you find a shortcut. Which of the two stands first in the list?",
        ended=short_before_silent,
    ),
    gives_no_place_to_a_missing_answer=mistake(
        "A missing answer has no number, with you. What is given with it?",
        without_answer=lambda self, said: ("no answer", None),
    ),
)
