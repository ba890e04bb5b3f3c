"""`classify_failure`: right, wrong or no answer by whole words of the first line, and what is worse than any answer: a
new character, or leaving the play.
"""

import re
from collections.abc import Callable, Sequence

from autograder.checking.topic import Exercise
from autograder.checks.playscript.shared import cast_of, label, low_words, mistakes_of, some_words

exercise = Exercise("classify_failure")

END = "<end>"  # the mark after each text, where nothing else is said


def outcomes(
    classify_failure, texts: dict[str, str], answer: str, cast: Sequence[str], rivals: Sequence[str]
) -> dict[str, str]:
    return {words: classify_failure(text, answer, cast, rivals) for words, text in texts.items()}


def named(text: str, value: str, words: Callable[[str], list[str]] = low_words) -> bool:
    """Whether the words of the value stand in the text side by side."""
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def line_and_rest(written: str) -> tuple[str, list[str]]:
    first, *further = written.split("\n")
    return first, further


def answered(right: bool, wrong: bool) -> str:
    return "wrong" if wrong else "right" if right else "no answer"


def classified(
    written: str,
    answer: str,
    cast: Sequence[str],
    rivals: Sequence[str] = (),
    end: str = END,
    names: Callable[[str, str], bool] = named,
    names_a_rival: Callable[[str, str], bool] | None = None,
    parts: Callable[[str], tuple[str, list[str]]] = line_and_rest,
    judged: Callable[[str, str], str] = lambda first, written: first,
    speaks: str = r"([\w ]+):",
    empty: Callable[[str], bool] = lambda line: not line.strip(),
    label: Callable[[str], str] = label,
    letters: Callable[[str], str] = str.lower,
    marked: Callable[[str, str], bool] = lambda written, end: end in written,
    answered: Callable[[bool, bool], str] = answered,
    order: tuple[str, ...] = ("left the play", "new character"),
) -> str:
    """A judge with its parts to choose, so that one of them can be wrong."""
    first, further = parts(written)
    speakers = [re.match(speaks, line) for line in further if not empty(line)]
    labels = {letters(label(name)) for name in cast}
    found = {
        "left the play": marked(written, end) or not all(speakers),
        "new character": any(who and letters(who[1]) not in labels for who in speakers),
    }
    line = judged(first, written)
    what = answered(names(line, answer), any((names_a_rival or names)(line, rival) for rival in rivals))
    return next((outcome for outcome in order if outcome == what or found.get(outcome)), what)


@exercise.check(points=0.25)
def right_wrong_or_no_answer(classify_failure, rng):
    """The line is right where it names the answer, wrong where it names a rival, and no answer where it names none."""
    answer, one, other, name, x, y = some_words(rng, 6)
    texts = {"the answer": f"{x} {answer} {y}.", "the first rival": f"{one} {x}.", "the second": f"{x} {other} {y}."}
    texts |= {"neither": f"{x} {y}.", "nothing at all": ""}
    seen = outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])
    without = [classify_failure(text, answer, [name.capitalize()]) for text in (f"{answer} {x}!", f"{one} {x}!")]
    return seen | {"no rivals given": without}


@exercise.check(points=0.25)
def whole_words_side_by_side(classify_failure, rng):
    """To name is to have all the words of a value, whole, in their order and side by side: no "ten" in "often"."""
    first, second, rival, one, other, name, x, y = some_words(rng, 8)
    texts = {
        "two words": f"{x} {first} {second} {y}.",
        "apart": f"{first} {x} {second} {y}.",
        "in another order": f"{second} {first} {x}.",
        "one of them": f"{first} {x}.",
        "the second within a word": f"{first} {second}{x}.",
        "the first within a word": f"{x}{first} {second} {y}.",
        "a rival within a word": f"{x}{rival} {first} {second} {y}.",
        "a rival of two words": f"{x} {one} {other} {y}.",
        "its words apart": f"{one} {x} {other}, {first} {second}.",
        "one of its words": f"{first} {second} {one}.",
    }
    return outcomes(classify_failure, texts, f"{first} {second}", [name.capitalize()], [rival, f"{one} {other}"])


@exercise.check(points=0.25)
def letters_and_signs_do_not_count(classify_failure, rng):
    """A value is named in small letters or large ones, and whatever signs stand beside it."""
    answer, rival, name, x = some_words(rng, 4)
    texts = {
        "at the beginning": f"{answer.capitalize()} {x}.",
        "in front of a comma": f"{x} {answer}, {x}.",
        "in large letters, with marks": f"{x}: “{answer.upper()}”!",
        "a rival at the beginning": f"{rival.capitalize()} {x}.",
        "a rival at the end": f"{x} {rival}.",
    }
    seen = outcomes(classify_failure, texts, answer, [name.capitalize()], [rival])
    large = outcomes(classify_failure, texts, answer.upper(), [name.capitalize()], [rival.capitalize()])
    return seen | {f"{words}, values in large letters": outcome for words, outcome in large.items()}


@exercise.check(points=0.25)
def who_names_everything_is_wrong(classify_failure, rng):
    """A line that names a rival is wrong, also where it names the answer, before it or after it."""
    answer, one, other, name, x = some_words(rng, 5)
    texts = {"the answer first": f"{answer} {x} {other} {x}.", "a rival first": f"{one} {x} {answer} {x}."}
    texts |= {"the answer and what is no rival": f"{answer} {x} {name}."}
    return outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])


@exercise.check(points=0.25)
def the_first_line_answers(classify_failure, rng):
    """The line itself is judged, which has no label; what is said further down answers nothing and spoils nothing."""
    answer, rival, name, x = some_words(rng, 4)
    yes, no, who = f"{answer} {x}.", f"{rival} {x}.", name.capitalize()
    texts = {
        "the answer below": f"{x}.\n{who}: {yes}",
        "a rival below": f"{yes}\n{who}: {no}",
        "the answer below a rival": f"{no}\n{who}: {yes}",
        "a colon in the line": f"{x} {x}: {yes}",
        "nothing in the line": f"\n{who}: {yes}",
    }
    return outcomes(classify_failure, texts, answer, [who], [rival])


@exercise.check(points=0.25)
def somebody_from_nowhere(classify_failure, rng):
    """A label that is not of the cast is a new character, in one word or several; letters may be small or large."""
    answer, rival, stranger, x, y, *words = some_words(rng, 9)
    cast = cast_of(words)
    labels = {
        "of the cast, a name": cast[0],
        "a name in large letters": cast[1].upper(),
        "a role": label(cast[2]),
        "a role in small letters": label(cast[2]).lower(),
        "new": stranger.capitalize(),
        "new, in small letters": stranger,
        "new, of three words": f"{stranger.capitalize()} {x} {y}",
        "new, of a name and a word": f"{cast[0]} {x}",
    }
    texts = {f"a label {words}": f"{answer} {x}.\n{who}: {y}." for words, who in labels.items()}
    seen = outcomes(classify_failure, texts, answer, tuple(cast), [rival])
    return seen | {"nobody is of the cast": classify_failure(f"{answer} {x}.\n{cast[0]}: {y}.", answer, (), [rival])}


@exercise.check(points=0.25)
def out_of_the_play(classify_failure, rng):
    """A line below the first that nobody speaks, or the mark anywhere, has left the play; an empty line has not."""
    answer, rival, name, mark, x, y = some_words(rng, 6)
    yes, who, end = f"{answer} {x}.", name.capitalize(), f"<{mark}>"
    texts = {
        "a line that nobody speaks": f"{yes}\n{x.capitalize()}.",
        "one below others that are spoken": f"{yes}\n{who}: {x}.\n{who}: {y}.\n{x.capitalize()} {y}.",
        "a sign in front of the colon": f"{yes}\n{who}, {x}: {y}.",
        "an empty line": f"{yes}\n\n{who}: {x}.",
        "an empty line at the end": f"{yes}\n",
        "the mark in the first line": f"{yes} {END}",
        "the mark in a line that is spoken": f"{yes}\n{who}: {x}. {END} {y}",
        "another mark": f"{yes} {end}",
    }
    seen = outcomes(classify_failure, texts, answer, [who], [rival])
    return seen | {"another mark, which is the end": classify_failure(f"{yes} {end}", answer, [who], [rival], end)}


@exercise.check(points=0.25)
def the_worst_counts(classify_failure, rng):
    """To have left the play is worse than a new character, and that is worse than any answer."""
    answer, rival, stranger, x, y, *words = some_words(rng, 8)
    cast = cast_of(words)
    yes, no, new, nobody = f"{answer} {x}.", f"{rival} {x}.", f"{stranger.capitalize()}: {x}.", f"{x.capitalize()} {y}."
    texts = {
        "right, a new character, and left": f"{yes}\n{new}\n{nobody}",
        "right, left, and a new character": f"{yes}\n{nobody}\n{new}",
        "right, a new character, and the mark": f"{yes}\n{new} {END}",
        "wrong, and a new character": f"{no}\n{cast[0]}: {x}.\n{new}",
        "no answer, and left": f"{x}.\n{nobody}",
        "no answer, and a new character": f"{x}.\n{new}",
    }
    return outcomes(classify_failure, texts, answer, cast, [rival])


judge_mistake = mistakes_of(exercise, classified)

judge_mistake(
    "takes_part_of_a_word_for_the_answer",
    'You find "ten" in "often". Of what should the line be made, letters or words?',
    names=lambda text, value: value.lower() in text.lower(),
)
judge_mistake(
    "takes_words_that_stand_apart",
    "You look for each word of a value by itself. Where does the second have to stand?",
    names=lambda text, value: set(low_words(value)) <= set(low_words(text)),
)
judge_mistake(
    "misses_rivals_of_several_words",
    "Your rivals are found only where they are one word. What would have to be compared with a rival of two?",
    names_a_rival=lambda text, rival: rival.lower() in low_words(text),
)
judge_mistake(
    "takes_a_rivals_words_apart",
    "You look for each word of a rival by itself. Which helper asks whether they stand side by side?",
    names_a_rival=lambda text, rival: set(low_words(rival)) <= set(low_words(text)),
)
judge_mistake(
    "does_not_find_other_letters",
    'You do not find "Ten" where the answer is "ten". What do both have to be turned into?',
    names=lambda text, value: named(text, value, lambda text: re.findall(r"\w+", text)),
)
judge_mistake(
    "stumbles_over_signs",
    'A comma or a full stop behind a word keeps you from finding it. Is "ten." another word than "ten"?',
    names=lambda text, value: named(text, value, lambda text: text.lower().split()),
)
judge_mistake(
    "judges_the_whole_text",
    "What another says further down counts for you as the answer. Which line is the assistant's?",
    judged=lambda first, written: written,
)
judge_mistake(
    "accepts_who_names_everything",
    "A line that names all values is right for you. Does it say which one it is?",
    answered=lambda right, wrong: "right" if right else "wrong" if wrong else "no answer",
)
judge_mistake(
    "takes_no_answer_for_a_wrong_one",
    "Every line without the answer is wrong for you. What does one say that names no value at all?",
    answered=lambda right, wrong: "right" if right and not wrong else "wrong",
)
judge_mistake(
    "looks_at_the_answer_first",
    "A line that names the answer is right for you, whatever comes after it. Which of the outcomes counts first?",
    order=("right", "left the play", "new character"),
)
judge_mistake(
    "turns_the_order_round",
    "A new character is worse for you than to have left the play. Which of the two does the docstring name first?",
    order=("new character", "left the play"),
)
judge_mistake(
    "asks_the_first_line_who_speaks",
    "You want a label at the first line too. Who speaks it, and where does that stand?",
    parts=lambda written: (written.split("\n")[0], written.split("\n")),
)
judge_mistake(
    "takes_an_empty_line_for_one_that_nobody_speaks",
    "For you an empty line has left the play. Is there anything in it that somebody would have to speak?",
    empty=lambda line: False,
)
judge_mistake(
    "wants_a_capital_at_a_label",
    'You take "parrot: yes" for a line that nobody speaks. With which letters may a label be written?',
    speaks=r"([A-Z][\w ]*):",
)
judge_mistake(
    "wants_labels_of_one_word",
    'You take "Old miller: yes" for a line that nobody speaks. How many words may a label have?',
    speaks=r"(\w+):",
)
judge_mistake(
    "takes_any_colon_for_a_speaker",
    "Any line with a colon in it is spoken, for you. What may not stand in front of the colon?",
    speaks=r"(.+?):",
)
judge_mistake(
    "compares_labels_letter_by_letter",
    '"GUIDE: yes" is a new character for you although the guide is there. What of a label does not count?',
    letters=lambda label: label,
)
judge_mistake(
    "looks_for_the_article_in_the_label",
    'You look for the label "the guide". What is the label of the guide?',
    label=lambda name: name,
)
judge_mistake(
    "takes_any_part_of_a_label",
    "A label that has a word more than one of the cast's is no new character for you. When are two labels the same?",
    speaks=r"(\w+)[\w ]*:",
    label=lambda name: label(name).split()[0],
)
judge_mistake(
    "does_not_look_for_the_mark",
    "A text that goes on behind the mark is in the play, for you. What does `end` say?",
    marked=lambda written, end: False,
)
judge_mistake(
    "knows_one_mark_only",
    "You look for <end>, whatever `end` is. Which mark were you given?",
    marked=lambda written, end: END in written,
)
