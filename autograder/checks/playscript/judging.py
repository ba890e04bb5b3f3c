"""How `classify_failure` may be written, rightly and wrongly: a judge with its parts to choose."""

import re
from collections.abc import Callable, Sequence

from autograder.checks.common import mistake
from autograder.checks.playscript.shared import label, low_words

END = "<end>"  # the mark after each text, where nothing else is said


def named(text: str, value: str, words: Callable[[str], list[str]] = low_words) -> bool:
    """Whether the words of the value stand in the text side by side."""
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def line_and_rest(written: str) -> tuple[str, list[str]]:
    first, *further = written.split("\n")
    return first, further


def line_and_last(written: str) -> tuple[str, list[str]]:
    """As `line_and_rest`, without the lines in between that nobody speaks."""
    first, *further = written.split("\n")
    return first, [line for line in further[:-1] if re.match(r"[\w ]+:", line)] + further[-1:]


def answered(right: bool, wrong: bool) -> str:
    return "wrong" if wrong else "right" if right else "no answer"


def classified(
    written: str,
    answer: str,
    cast: Sequence[str],
    rivals: Sequence[str] = (),
    end: str = END,
    refused: tuple[str, ...] = ("cast", "rivals"),
    names: Callable[[str, str], bool] = named,
    names_a_rival: Callable[[str, str], bool] | None = None,
    parts: Callable[[str], tuple[str, list[str]]] = line_and_rest,
    judged: Callable[[str, str], str] = lambda first, written: first,
    judged_for_rivals: Callable[[str, str], str] | None = None,
    speaks: str = r"([\w ]+):",
    empty: Callable[[str], bool] = lambda line: not line.strip(),
    label: Callable[[str], str] = label,
    letters: Callable[[str], str] = str.lower,
    same: Callable[[str, str], bool] = str.__eq__,
    marked: Callable[[str, str], bool] = lambda written, end: end in written,
    answered: Callable[[bool, bool], str] = answered,
    order: tuple[str, ...] = ("left the play", "new character"),
    spelt: Callable[[str], str] = str,
) -> str:
    """A judge with its parts to choose, so that one of them can be wrong."""
    if any(isinstance(texts, str) and its in refused for its, texts in (("cast", cast), ("rivals", rivals))):
        raise ValueError("one text")
    first, further = parts(written)
    speakers = [re.match(speaks, line) for line in further if not empty(line)]
    labels = {letters(label(name)) for name in cast}
    found = {
        "left the play": marked(written, end) or not all(speakers),
        "new character": any(who and not any(same(letters(who[1]), its) for its in labels) for who in speakers),
    }
    line, line_for_rivals = judged(first, written), (judged_for_rivals or judged)(first, written)
    what = answered(names(line, answer), any((names_a_rival or names)(line_for_rivals, rival) for rival in rivals))
    return spelt(next((outcome for outcome in order if outcome == what or found.get(outcome)), what))


def judges_by_what_is_named_first(written, answer, cast, rivals=(), end=END):
    classified(written, answer, cast, rivals, end)  # which refuses one text

    def place(value: str) -> float:
        said, wanted = low_words(written.split("\n")[0]), low_words(value)
        return next((i for i in range(len(said)) if said[i : i + len(wanted)] == wanted), float("inf"))

    counted = [rival for rival in rivals if place(rival) < place(answer)]
    return classified(written, answer, cast, counted, end)


def looks_at_the_first_rival_alone(written, answer, cast, rivals=(), end=END):
    classified(written, answer, cast, rivals, end)  # which refuses one text
    first = written.split("\n")[0]
    return classified(written, answer, cast, [rival for rival in list(rivals)[:1] if named(first, rival)], end)


WHO_SPEAKS = {  # wrong ways to find out who speaks a line: the question that leads away, and the part
    "wants_a_capital_at_a_label": mistake(
        'You take "parrot: yes" for a line that nobody speaks. With which letters may a label be written?',
        speaks=r"([A-Z][\w ]*):",
    ),
    "wants_labels_of_one_word": mistake(
        'You take "Old miller: yes" for a line that nobody speaks. How many words may a label have?',
        speaks=r"(\w+):",
    ),
    "takes_any_colon_for_a_speaker": mistake(
        "Any line with a colon in it is spoken, for you. What may not stand in front of the colon?",
        speaks=r"(.+?):",
    ),
    "compares_labels_letter_by_letter": mistake(
        '"GUIDE: yes" is a new character for you although the guide is there. What of a label does not count?',
        letters=lambda label: label,
    ),
    "looks_for_the_article_in_the_label": mistake(
        'You look for the label "the guide". What is the label of the guide?',
        label=lambda name: name,
    ),
    "takes_any_part_of_a_label": mistake(
        "A label with a word more than one of the cast's is nobody new, for you. When are two labels the same?",
        speaks=r"(\w+)[\w ]*:",
        label=lambda name: label(name).split()[0],
    ),
    "does_not_ask_who_speaks": mistake(
        "Whoever speaks below the first line is nobody new, for you. Where do you compare labels with the cast's?",
        same=lambda who, its: True,
        label=lambda name: name,
    ),
    "takes_a_label_at_the_cut_for_nobody": mistake(
        'Nobody speaks "Otto:", for you, where the text is cut off behind it. What has to come behind a colon?',
        speaks=r"([\w ]+):\s*\S",
    ),
    "wants_a_space_behind_a_colon": mistake(
        'Nobody speaks "Otto:Yes", for you. What has to come behind a colon?',
        speaks=r"([\w ]+):(?: |$)",
    ),
    "knows_western_letters_alone": mistake(
        'Nobody speaks "Łukasz: yes", for you. Which letters are there beside those of the west?',
        speaks=r"([A-Za-zÀ-ÖØ-öø-ÿ0-9 ]+):",
    ),
    "knows_letters_from_a_to_z_alone": mistake(
        'Nobody speaks "Zoë: yes", for you. Which letters are there beside those from a to z?',
        speaks=r"([A-Za-z0-9 ]+):",
    ),
    "knows_no_digits_in_a_label": mistake(
        'Nobody speaks "Guard 2: yes", for you. What may a label have besides letters?',
        speaks=r"((?:[^\W\d]| )+):",
    ),
    "takes_what_begins_alike_for_the_same": mistake(
        "A label that begins like one of the cast's is no new character, for you. When are two labels the same?",
        same=lambda who, its: its.startswith(who) or who.startswith(its),
    ),
    "finds_a_label_anywhere": mistake(
        "A label and a colon further on in a line make it spoken, for you. Where in the line does a label stand?",
        speaks=r".*?([\w ]+):",
    ),
}

REFUSES = {  # wrong ways to refuse: the question that leads away, and the part
    "takes_one_text_for_a_cast": mistake(
        'The cast "Nell" is taken, and N, e, l and l are there. What does Python make of a text where it wants a list?',
        refused=("rivals",),
    ),
    "takes_one_text_for_rivals": mistake(
        'The rivals "two" are taken, and t, w and o are false. What does Python make of a text where it wants a list?',
        refused=("cast",),
    ),
}

MARKS = {  # wrong ways to look for the mark: the question that leads away, and the part
    "does_not_look_for_the_mark": mistake(
        "A text that goes on behind the mark is in the play, for you. What does `end` say?",
        marked=lambda written, end: False,
    ),
    "knows_one_mark_only": mistake(
        "You look for <end>, whatever `end` is. Which mark were you given?",
        marked=lambda written, end: END in written,
    ),
    "looks_for_the_mark_at_the_end": mistake(
        "You find the mark where it comes last. Where else may it stand?",
        marked=lambda written, end: written.endswith(end),
    ),
    "finds_the_mark_in_other_letters": mistake(
        "You find the mark in large letters, too. Is that the mark you were given?",
        marked=lambda written, end: end.lower() in written.lower(),
    ),
}
