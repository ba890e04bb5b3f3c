"""`classify_failure`: right, wrong or no answer by whole words of the first line, and what is worse than any answer: a
new character, or leaving the play.
"""

import re
from collections.abc import Sequence

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.playscript import judging
from autograder.checks.playscript.judging import END
from autograder.checks.playscript.shared import NO_EDGES, cast_of, label, low_words, mistakes_of, some_words

exercise = Exercise("classify_failure")


def outcomes(
    classify_failure, texts: dict[str, str], answer: str, cast: Sequence[str], rivals: Sequence[str]
) -> dict[str, str]:
    return {words: classify_failure(text, answer, cast, rivals) for words, text in texts.items()}


@exercise.promise("one of `OUTCOMES`", broken_by="writes_outcomes_with_underscores")
@exercise.promise('"wrong": the first line names a rival', broken_by="takes_a_wrong_answer_for_none")
@exercise.promise('"no answer": all else', broken_by="takes_no_answer_for_a_wrong_one")
@exercise.promise("lists, tuples or sets", broken_by="looks_at_the_first_rival_alone")
@exercise.check(points=0.25)
def right_wrong_or_no_answer(classify_failure, rng):
    """The line is right where it names the answer, wrong where it names a rival, and no answer where it names none."""
    answer, one, other, name, x, y = some_words(rng, 6)
    texts = {"the answer": f"{x} {answer} {y}.", "the first rival": f"{one} {x}.", "the second": f"{x} {other} {y}."}
    texts |= {"neither": f"{x} {y}.", "nothing at all": ""}
    seen = outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])
    in_sets = outcomes(classify_failure, texts, answer, {name.capitalize()}, {one, other})
    without = [classify_failure(text, answer, [name.capitalize()]) for text in (f"{answer} {x}!", f"{one} {x}!")]
    return seen | {f"{words}, in sets": what for words, what in in_sets.items()} | {"no rivals given": without}


@exercise.promise("its words, whole", broken_by="takes_part_of_a_word_for_the_answer")
@exercise.promise("side by side", broken_by="takes_words_that_stand_apart")
@exercise.promise("To name a value is to have all of its", broken_by="looks_for_the_first_word_alone")
@exercise.promise("names one of the rivals, which are values", broken_by="misses_rivals_of_several_words")
@exercise.promise("what a word is, the helper `words` says", broken_by="parts_words_at_a_hyphen")
@exercise.check(points=0.25)
def whole_words_side_by_side(classify_failure, rng):
    """To name is to have all the words of a value, whole, in their order and side by side: no "ten" in "often"."""
    first, second, rival, one, other, name, x, y = some_words(rng, 8)
    texts = {
        "two words": f"{x} {first} {second} {y}.",
        "apart": f"{first} {x} {second} {y}.",
        "in another order": f"{second} {first} {x}.",
        "one of them": f"{first} {x}.",
        "the second of them": f"{x} {second}.",
        "the second within a word": f"{first} {second}{x}.",
        "the first within a word": f"{x}{first} {second} {y}.",
        "the second within a word with a letter beyond z": f"{first} {second}ö.",
        "the second within a word with a digit": f"{first} {second}2.",
        "behind a hyphen": f"{x}-{first} {second} {y}.",
        "in front of an apostrophe": f"{first} {second}'{y}.",
        "a rival within a word": f"{x}{rival} {first} {second} {y}.",
        "a rival behind a hyphen": f"{x}-{rival} {first} {second} {y}.",
        "a rival of two words": f"{x} {one} {other} {y}.",
        "its words apart": f"{one} {x} {other}, {first} {second}.",
        "one of its words": f"{first} {second} {one}.",
    }
    seen = outcomes(classify_failure, texts, f"{first} {second}", [name.capitalize()], [rival, f"{one} {other}"])
    longer = [f"{x} {first} {second}", f"{first} {second}{y}"]
    texts = {"the answer alone": f"{first} {second}, {x}.", "a rival that begins with it": f"{first} {second}{y} {x}."}
    texts |= {"a rival that ends with it": f"{x} {first} {second}."}
    seen |= outcomes(classify_failure, texts, f"{first} {second}", [name.capitalize()], longer)
    texts = {"the answer, of which a rival is part": f"{x} {first} {second}."}
    return seen | outcomes(classify_failure, texts, f"{first} {second}", [name.capitalize()], (rival, second))


@exercise.promise("side by side, in letters small or large", broken_by="does_not_find_other_letters")
@exercise.promise("words side by side and whole", broken_by="stumbles_over_signs")
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


@exercise.promise("whatever else it names", broken_by="accepts_who_names_everything")
@exercise.promise("and no rival", broken_by="judges_by_what_is_named_first")
@exercise.check(points=0.25)
def who_names_everything_is_wrong(classify_failure, rng):
    """A line that names a rival is wrong, also where it names the answer, before it or after it."""
    answer, one, other, name, x = some_words(rng, 5)
    texts = {"the answer first": f"{answer} {x} {other} {x}.", "a rival first": f"{one} {x} {answer} {x}."}
    texts |= {"the answer and no rival": f"{answer} {x} {name}.", "the answer twice": f"{answer} {x} {one} {answer}."}
    return outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])


@exercise.promise("The first line has no label", broken_by="asks_the_first_line_who_speaks")
@exercise.promise('"right": the first line names the answer', broken_by="judges_the_whole_text")
@exercise.promise("the first line names a rival", broken_by="looks_for_rivals_further_down")
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
        "a label in the line": f"{x.capitalize()}: {yes}\n{who}: {x}.",
        "the answer in front of a colon": f"{answer.capitalize()}: {x}.",
        "a rival in front of a colon": f"{x} {rival}: {yes}",
        "nothing in the line": f"\n{who}: {yes}",
        "nothing in the first two lines": f"\n\n{who}: {yes}",
    }
    return outcomes(classify_failure, texts, answer, [who], [rival])


@exercise.promise("somebody whose label is none of the cast's", broken_by="does_not_ask_who_speaks")
@exercise.promise("of the cast's labels", broken_by="looks_for_the_article_in_the_label")
@exercise.promise("whatever comes behind it", broken_by="takes_a_label_at_the_cut_for_nobody")
@exercise.promise("A label is one word or several", broken_by="wants_labels_of_one_word")
@exercise.promise("of letters in any alphabet", broken_by="knows_letters_from_a_to_z_alone")
@exercise.promise("and digits", broken_by="knows_no_digits_in_a_label")
@exercise.promise("the same where all of their letters are", broken_by="takes_what_begins_alike_for_the_same")
@exercise.promise("are, small or large", broken_by="compares_labels_letter_by_letter")
@exercise.check(points=0.25)
def somebody_from_nowhere(classify_failure, rng):
    """A label that is not of the cast is a new character, in one word or several; letters may be small or large."""
    answer, rival, stranger, x, y, *words = some_words(rng, 10)
    *cast, role = cast_of(words)
    both = f"{x.capitalize()} {y.capitalize()}"
    cast = [
        *cast[:2],
        f"{cast[2]}ë",
        f"the {x} 2",
        role,
        both,
        f"Ł{x}",
        f"Анна{y}",
        f"the he{x}",
        f"the{y}",
        f"The {y}",
    ]
    labels = {
        "of the cast, a name": cast[0],
        "a name in large letters": cast[1].upper(),
        "a name with a letter beyond z": cast[2],
        "a role": label(role),
        "a role in small letters": label(role).lower(),
        "a role with a digit": label(cast[3]),
        "a name of two words": both,
        "a name of two words, the second in small letters": both.capitalize(),
        "a name of two words, in large letters": both.upper(),
        "a name with a letter beyond ÿ": cast[6],
        "a name in another alphabet, in large letters": cast[7].upper(),
        "a role that begins like an article": f"He{x}",
        "a name that begins like an article": f"The{y}",
        "a name with an article in large letters": f"the {y}",
        "new, a name without its spaces": both.replace(" ", ""),
        "new, that begins with a digit": f"2 {stranger}",
        "new, in another alphabet": f"Ωμέγα {x}",
        "new, in an alphabet without large letters": "李明",
        "new": stranger.capitalize(),
        "new, in small letters": stranger,
        "new, of three words": f"{stranger.capitalize()} {x} {y}",
        "new, of a name and a word": f"{cast[0]} {x}",
        "new, with a letter beyond z": f"Ö{stranger}",
        "new, with a digit": f"{stranger.capitalize()} 3",
        "that begins like a name": cast[0][:3],
        "that ends like a name": cast[0][2:],
        "a letter longer than a name": f"{cast[0]}s",
        "that ends with a name": f"{x} {cast[0]}",
        "that is the end of a role": label(role).split()[-1],
        "that is a role with its article": role.capitalize(),
    }
    texts = {f"a label {words}": f"{answer} {x}.\n{who}: {y}." for words, who in labels.items()}
    texts |= {"a label of the cast at the cut": f"{answer} {x}.\n{cast[0]}:"}
    texts |= {"a new label at the cut": f"{answer} {x}.\n{cast[1]}: {y}.\n{stranger.capitalize()}:"}
    texts |= {"the second of two is new": f"{answer} {x}.\n{stranger}: {y}.\n{cast[0]}: {y}."}
    for who in (cast[0], stranger.capitalize()):
        texts |= {f"{sign!r} behind {who}:": f"{answer} {x}.\n{who}:{sign}{y}." for sign in ("", "\t", ":", ",")}
    texts |= {"a new label below an empty line": f"{answer} {x}.\n\n{stranger}: {y}."}
    seen = outcomes(classify_failure, texts, answer, tuple(cast), [rival])
    return seen | {"nobody is of the cast": classify_failure(f"{answer} {x}.\n{cast[0]}: {y}.", answer, (), [rival])}


@exercise.promise("the mark `end` stands", broken_by="knows_one_mark_only")
@exercise.promise("stands anywhere in it", broken_by="looks_for_the_mark_at_the_end")
@exercise.promise("sign for sign", broken_by="finds_the_mark_in_other_letters")
@exercise.promise("a line below the first is spoken by nobody", broken_by="asks_the_last_line_alone_who_speaks")
@exercise.promise("an empty line counts for nothing", broken_by="takes_an_empty_line_for_one_that_nobody_speaks")
@exercise.promise("Somebody speaks a line that begins with a label and a colon", broken_by="finds_a_label_anywhere")
@exercise.promise("with spaces and no other sign among them", broken_by="takes_any_colon_for_a_speaker")
@exercise.check(points=0.25)
def out_of_the_play(classify_failure, rng):
    """A line below the first that nobody speaks, or the mark anywhere, has left the play; an empty line has not."""
    answer, rival, name, mark, x, y = some_words(rng, 6)
    yes, who, end = f"{answer} {x}.", name.capitalize(), f"<{mark}>"
    texts = {
        "a line that nobody speaks": f"{yes}\n{x.capitalize()}.",
        "one below others that are spoken": f"{yes}\n{who}: {x}.\n{who}: {y}.\n{x.capitalize()} {y}.",
        "one above another that is spoken": f"{yes}\n{x.capitalize()} {y}.\n{who}: {x}.",
        "a label without a colon": f"{yes}\n{who}",
        "a sign in front of the colon": f"{yes}\n{who}, {x}: {y}.",
        "a sign in front of the label": f"{yes}\n“{who}: {y}.”",
        "a hyphen in front of the colon": f"{yes}\n{who}-{x}: {y}.",
        "nothing in front of the colon": f"{yes}\n: {y}.",
        "an empty line": f"{yes}\n\n{who}: {x}.",
        "an empty line at the end": f"{yes}\n",
        "a line that nobody speaks below an empty one": f"{yes}\n{who}: {x}.\n\n{x.capitalize()}.",
        "the mark in the first line": f"{yes} {END}",
        "the mark in the first line, and another below": f"{yes} {END}\n{who}: {x}.",
        "the mark in a line that is spoken": f"{yes}\n{who}: {x}. {END} {y}",
        "the mark within a word": f"{yes}\n{who}: {x}{END}{y}.",
        "the mark in large letters": f"{yes}\n{who}: {x}. {END.upper()}",
        "the word without its marks": f"{yes}\n{who}: {END[1:-1]}.",
        "another mark": f"{yes} {end}",
    }
    seen = outcomes(classify_failure, texts, answer, [who], [rival])
    marks = {f"{yes} {end}": end, f"{yes}\n{who}: {x} (*) {y}": "(*)", f"{yes}\n{who}: {END}": end}
    ends = [classify_failure(text, answer, [who], [rival], mark) for text, mark in marks.items()]
    return seen | {"another mark, which is the end": ends}


@exercise.promise("The worst that applies counts", broken_by="turns_the_order_round")
@exercise.promise("further lines included", broken_by="looks_at_the_answer_first")
@exercise.check(points=0.125)
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
        "wrong, and left": f"{no}\n{nobody}",
        "no answer, and left": f"{x}.\n{nobody}",
        "no answer, and a new character": f"{x}.\n{new}",
    }
    return outcomes(classify_failure, texts, answer, cast, [rival])


@exercise.promise("Raises ValueError where the cast is one text", broken_by="takes_one_text_for_a_cast")
@exercise.promise("and where the rivals are", broken_by="takes_one_text_for_rivals")
@exercise.check(points=0.125)
def one_text_is_no_list(classify_failure, rng):
    """A cast or rivals that are one text are a ValueError."""
    answer, rival, name, x = some_words(rng, 4)

    def end(cast: Sequence[str], rivals: Sequence[str], text: str = f"{answer} {x}.") -> str:
        return ending(lambda: classify_failure(text, answer, cast, rivals))

    return {
        "the cast is one text": end(name.capitalize(), [rival]),
        "the rivals are one text": end([name.capitalize()], rival),
        "the rivals are one text, and the mark is there": end([name.capitalize()], rival, END),
        "both are lists": end([name.capitalize()], [rival]),
        "nobody, and no rival": end((), []),
    }


judge_mistake = mistakes_of(exercise, judging.classified)

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
    names=lambda text, value: judging.named(text, value, lambda text: re.findall(r"\w+(?:['-]\w+)*", text)),
)
judge_mistake(
    "stumbles_over_signs",
    'A comma or a full stop behind a word keeps you from finding it. Is "ten." another word than "ten"?',
    names=lambda text, value: judging.named(text, value, lambda text: text.lower().split()),
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
    "writes_outcomes_with_underscores",
    'You say "left_the_play". How are the outcomes written that you were given?',
    spelt=lambda outcome: outcome.replace(" ", "_"),
)
judge_mistake(
    "takes_a_wrong_answer_for_none",
    "A line that names a rival has no answer, for you. What does it say that is false?",
    answered=lambda right, wrong: "right" if right and not wrong else "no answer",
)
judge_mistake(
    "looks_for_the_first_word_alone",
    "You find a value where its first word is. How many words does it have?",
    names=lambda text, value: low_words(value)[0] in low_words(text),
)
judge_mistake(
    "parts_words_at_a_hyphen",
    'You find "one" in "twenty-one". What does the helper `words` make of a hyphen?',
    names=lambda text, value: judging.named(text, value, lambda text: re.findall(r"\w+", text.lower())),
)
judge_mistake(
    "looks_for_rivals_further_down",
    "A rival that another names further down makes the line wrong, for you. Which line is the assistant's?",
    judged_for_rivals=lambda first, written: written,
)
judge_mistake(
    "asks_the_last_line_alone_who_speaks",
    "A line that nobody speaks is in the play, for you, if another comes below it. Which lines have to be spoken?",
    parts=judging.line_and_last,
)


for name, (hint, parts) in (judging.WHO_SPEAKS | judging.REFUSES | judging.MARKS).items():
    judge_mistake(name, hint, **parts)

exercise.mistake(hint="Of the answer and a rival, the one named first counts, for you. What if both are named?")(
    judging.judges_by_what_is_named_first
)
exercise.mistake(hint="The first of the rivals makes a line wrong, for you, and no other. Are they all looked for?")(
    judging.looks_at_the_first_rival_alone
)
exercise.edges(
    **NO_EDGES,
    empty="right_wrong_or_no_answer",
    one="somebody_from_nowhere",
    equal="who_names_everything_is_wrong",
    ties="the_worst_counts",
    limit="whole_words_side_by_side",
    shapes="There is no shape.",
)
