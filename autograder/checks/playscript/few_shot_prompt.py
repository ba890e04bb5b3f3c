"""`few_shot_prompt`: examples in order, then the question; the last of the cast answers; no answer to copy."""

from collections.abc import Callable, Sequence

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.playscript.render_playscript import play
from autograder.checks.playscript.shared import (
    NO_EDGES,
    label,
    low_words,
    mistakes_of,
    some_cast,
    some_lines,
    some_words,
)

exercise = Exercise("few_shot_prompt")


def spoken(text: str) -> list[str]:
    """The lines below the second, each as "label: words"; spaces and articles, asked elsewhere, do not count."""
    parts = [line.partition(":") for line in text.split("\n")[2:] if line.strip()]
    return [f"{who.strip().lower().removeprefix('the ')}: {said.strip()}" for who, _, said in parts]


def some_examples(rng: torch.Generator, n: int) -> list[tuple[str, str]]:
    """Questions and their answers."""
    said = some_lines(rng, 2 * n)
    return [(question[:-1] + "?", answer) for question, answer in zip(said[:n], said[n:])]


def same_words(question: str, asked: str) -> bool:
    return low_words(question) == low_words(asked)


def in_a_row(examples: Sequence[tuple[str, str]], cast: Sequence[str]) -> list[tuple[str, str]]:
    """The first asks each question and the last answers it."""
    return [(cast[i], line) for exchange in examples for i, line in zip((0, -1), exchange)]


def interview(
    place: str,
    cast: Sequence[str],
    examples: Sequence[tuple[str, str]],
    question: str,
    asks: int = 0,
    goes_on: int = -1,
    leaks: Callable[[str, str], bool] = same_words,
    compared: Callable[[Sequence], list[str]] = lambda examples: [asked for asked, _ in examples],
    shown: Callable[[Sequence], Sequence] = list,
    lines: Callable[[Sequence, Sequence[str]], list[tuple[str, str]]] = in_a_row,
    arranged: Callable[[list, tuple], list] = lambda lines, asked: [*lines, asked],
    fewest: int = 2,
    written: Callable[..., str] = play,
) -> str:
    """A prompt with its parts to choose, so that one of them can be wrong."""
    if len(cast) < fewest or any(leaks(question, asked) for asked in compared(examples)):
        raise ValueError("nobody answers, or the answer is there")
    return written(place, cast, arranged(lines(shown(examples), cast), (cast[asks], question)), cast[goes_on])


@exercise.promise("It is written as `render_playscript` writes it", broken_by="is_polite_to_the_model")
@exercise.check(points=0.125)
def the_whole_text(few_shot_prompt, rng):
    """The text is a play, sign by sign, as `render_playscript` writes it."""
    (place,), (first, second, (question, _)) = some_words(rng, 1), some_examples(rng, 3)
    rough = [tuple(f"{line[:-1].lower()}  " for line in first), tuple(f" {line} {{}} %s" for line in second), ("", "")]
    seen = {}
    for n in (2, 4):
        cast = some_cast(rng, n)
        seen[f"the text, {n} present"] = few_shot_prompt(place, cast, [first, second], question)
        seen[f"the text, {n} present, said carelessly"] = few_shot_prompt(
            place, cast, rough, f" {question[:-1].lower()} "
        )
    return seen


@exercise.promise("The examples come in their order", broken_by="turns_the_examples_round")
@exercise.promise("none of them left out", broken_by="keeps_the_examples_in_a_dict")
@exercise.promise("questions have been answered already", broken_by="leaves_out_the_answers")
@exercise.promise("a list or tuple of pairs", broken_by="takes_a_list_alone_for_the_examples")
@exercise.check(points=0.25)
def examples_in_their_order(few_shot_prompt, rng):
    """The first of the cast asks each example, the last answers it, one after the other, also one asked before."""
    (place,), (*examples, (question, answer)) = some_words(rng, 1), some_examples(rng, 5)
    again = [*examples[:2], (examples[0][0], answer), examples[1], examples[1]]
    shown = {"1 shown": examples[:1], "4 shown": tuple(examples), "a question twice": again}
    return {
        f"what is spoken, {words}": spoken(few_shot_prompt(place, some_cast(rng, 2), those, question))[: 2 * len(those)]
        for words, those in shown.items()
    }


@exercise.promise("then the question", broken_by="shows_the_examples_after_the_question")
@exercise.promise("which may be empty", broken_by="refuses_to_show_nothing")
@exercise.check(points=0.125)
def without_examples(few_shot_prompt, rng):
    """The question is asked last, as it is, and alone where there is no example, at the place, among the cast."""
    (place,), cast, (*examples, (question, _)) = some_words(rng, 1), some_cast(rng, 3), some_examples(rng, 3)
    question = f"Sir: {question.upper()}"
    text = few_shot_prompt(place, cast, [], question)
    return {
        "what is spoken": spoken(text),
        "the place is named": place in text.split("\n")[0],
        "who is named": [name for name in cast if label(name).lower() in text.split("\n")[1].lower()],
        "the last two lines, 2 shown": spoken(few_shot_prompt(place, cast, examples, question))[-2:],
    }


@exercise.promise("The first of the cast asks", broken_by="swaps_who_asks_and_who_answers")
@exercise.promise("and the last answers", broken_by="lets_the_second_answer")
@exercise.promise("however many are present", broken_by="lets_all_but_the_last_ask_in_turn")
@exercise.promise("the label of the one who answers is the last line", broken_by="lets_the_asker_go_on")
@exercise.check(points=0.25)
def the_last_of_the_cast_answers(few_shot_prompt, rng):
    """Whoever else is present says nothing: the first asks, and the last has answered and goes on."""
    seen = {}
    for n in (3, 4, 5):
        (place,), cast, (*examples, (question, _)) = some_words(rng, 1), some_cast(rng, n), some_examples(rng, 5)
        lines = spoken(few_shot_prompt(place, tuple(cast) if n == 3 else cast, examples, question))
        seen[f"who speaks, {n} present"] = [line.partition(":")[0] for line in lines]
        seen[f"the last line, {n} present"] = lines[-1]
    return seen


@exercise.promise("Raises ValueError where the cast is fewer than two", broken_by="lets_one_ask_and_answer")
@exercise.promise("where the question is itself one of the examples'", broken_by="compares_the_last_example_alone")
@exercise.promise("one of the examples' questions", broken_by="takes_answers_for_questions")
@exercise.promise("since the answer would only be copied", broken_by="writes_a_prompt_all_the_same")
@exercise.promise("two are the same where their `words` are", broken_by="refuses_what_only_begins_alike")
@exercise.promise("in whatever letters", broken_by="looks_for_the_same_letters_only")
@exercise.promise("with whatever signs and spaces around those", broken_by="takes_signs_for_a_difference")
@exercise.check(points=0.25)
def no_answer_to_copy(few_shot_prompt, rng):
    """A question with the words of an example's is a ValueError, whatever its letters and signs; one alike is not."""
    (place,), cast, (first, second, (_, answer)) = some_words(rng, 1), some_cast(rng, 3), some_examples(rng, 3)
    question, more, longer = second[0], some_words(rng, 1)[0], some_lines(rng, 1)[0]

    def with_example(asked: str, answer: str = answer, last: bool = True) -> str:
        examples = [first, (asked, answer)] if last else [(asked, answer), first]
        return ending(lambda: few_shot_prompt(place, cast, examples, question))

    start = question[:-1]
    alike = {  # pairs with other words, or the same
        "a hyphen between two words": (f"{start} {more}-{more}?", f"{start} {more} {more}?"),
        "a hyphen in a word": (f"{start} {more}-{more}?", f"{start} {more}{more}?"),
        "an apostrophe in a word": (f"{start} {more}'s?", f"{start} {more}s?"),
        "two words in one": (f"{start} {more} {more}?", f"{start} {more}{more}?"),
        "another digit": (f"{start} 1?", f"{start} 2?"),
        "another letter beyond z": (f"{start} {more}ö?", f"{start} {more}ж?"),
        "a letter beyond z, in large letters": (f"{start} {more}ö, 1?", f"{start.upper()} {more.upper()}Ö 1"),
    }
    pairs = {
        words: ending(lambda: few_shot_prompt(place, cast, [first, (one, answer)], other))
        for words, (one, other) in alike.items()
    }
    return pairs | {
        "the same question": with_example(question),
        "the same question, in the first of two": with_example(question, last=False),
        "in large letters": with_example(question.upper()),
        "in small letters": with_example(question.lower()),
        "with other signs": with_example(f"“{question[:-1].replace(' ', ', ')}” ..."),
        "with other spaces": with_example(f" {question.replace(' ', '  ')} "),
        "a word more at its end": with_example(f"{question[:-1]} {more}?"),
        "a word more at its beginning": with_example(f"{more} {question.lower()}"),
        "another first word": with_example(f"{more} {question.partition(' ')[2]}"),
        "a letter less": with_example(f"{question[:-2]}?"),
        "a word less at its end": with_example(question[:-1].rpartition(" ")[0] + "?"),
        "its first word twice": with_example(f"{question.partition(' ')[0]} {question}"),
        "its words in another order": with_example(" ".join(low_words(question)[::-1]).capitalize() + "?"),
        "the question as an answer": with_example(first[0], question),
        "two examples with the same question": ending(
            lambda: few_shot_prompt(place, cast, [first, (first[0], longer)], question)
        ),
        "the cast is one": ending(lambda: few_shot_prompt(place, cast[:1], [first], question)),
        "the cast is one, nothing shown": ending(lambda: few_shot_prompt(place, cast[:1], [], question)),
        "two of one name": ending(lambda: few_shot_prompt(place, cast[:1] * 2, [first], question)),
        "nobody is there": ending(lambda: few_shot_prompt(place, [], [first], question)),
    }


prompt_mistake = mistakes_of(exercise, interview)

prompt_mistake(
    "is_polite_to_the_model",
    "Your text is a play with something more or less in it than `render_playscript` writes. Which signs are yours?",
    written=lambda *play_so_far: play(*play_so_far) + " ",
)
prompt_mistake(
    "shows_the_examples_after_the_question",
    "Your question comes before the examples. What stands right in front of the answer that is to come?",
    arranged=lambda lines, asked: [asked, *lines],
)
prompt_mistake(
    "swaps_who_asks_and_who_answers",
    "The last of your cast asks and the first answers. Which way round does the docstring have it?",
    lines=lambda examples, cast: in_a_row(examples, cast[::-1]),
    asks=-1,
    goes_on=0,
)
prompt_mistake(
    "lets_the_asker_go_on", "Your open label is that of the one who asked. Whose turn is it to speak?", goes_on=0
)
prompt_mistake(
    "lets_the_second_answer",
    "The second of your cast answers, also where more are present. Which of them should?",
    lines=lambda examples, cast: in_a_row(examples, cast[:2]),
    goes_on=1,
)
prompt_mistake(
    "turns_the_examples_round",
    "Your examples come in the opposite order. Which one is to stand first?",
    shown=lambda examples: examples[::-1],
)
prompt_mistake(
    "leaves_out_the_answers",
    "Your examples are questions without answers. What is a model to learn from them?",
    lines=lambda examples, cast: [(cast[0], asked) for asked, _ in examples],
)
prompt_mistake(
    "keeps_the_examples_in_a_dict",
    "Of two examples with one question you show one. How often may a key be in a dict?",
    shown=lambda examples: list(dict(examples).items()),
)
prompt_mistake(
    "takes_a_list_alone_for_the_examples",
    "Examples in a tuple are too much for your function. What do you do with them that only a list can?",
    shown=lambda examples: examples.copy(),
)
prompt_mistake(
    "refuses_to_show_nothing",
    "You refuse to write a prompt without examples. What would you compare four examples with?",
    compared=lambda examples: [asked for asked, _ in examples or [("", "")]],
    leaks=lambda question, asked: not asked or same_words(question, asked),
)
prompt_mistake(
    "forgets_the_question",
    "Your prompt ends after the examples. Where is the question that is to be answered?",
    arranged=lambda lines, asked: lines,
)


@exercise.mistake(
    hint="Those in between speak too where more than two are present. Whose part is it to ask, and to answer?"
)
def lets_all_but_the_last_ask_in_turn(place, cast, examples, question):
    def in_turn(examples: Sequence[tuple[str, str]], cast: Sequence[str]) -> list[tuple[str, str]]:
        asks = [cast[k % (len(cast) - 1)] for k in range(len(examples))]
        return [turn for who, (asked, answer) in zip(asks, examples) for turn in ((who, asked), (cast[-1], answer))]

    return interview(place, cast, examples, question, lines=in_turn, asks=len(examples) % max(len(cast) - 1, 1))


@exercise.mistake(hint="Those in between answer too where more than two are present. Whom is the model to go on as?")
def lets_all_but_the_first_answer_in_turn(place, cast, examples, question):
    def in_turn(examples: Sequence[tuple[str, str]], cast: Sequence[str]) -> list[tuple[str, str]]:
        answers = [cast[1 + k % (len(cast) - 1)] for k in range(len(examples))]
        return [turn for who, (asked, answer) in zip(answers, examples) for turn in ((cast[0], asked), (who, answer))]

    return interview(place, cast, examples, question, lines=in_turn)


prompt_mistake("lets_one_ask_and_answer", "A cast of one is taken, who asks and answers. Who is missing?", fewest=1)
prompt_mistake(
    "looks_for_the_same_letters_only",
    "A question in capitals that is among the examples gets through. What do you compare, and what does `words` give?",
    leaks=lambda question, asked: question == asked,
)
prompt_mistake(
    "takes_signs_for_a_difference",
    "A question without its question mark gets through although it is among the examples. What does `words` leave out?",
    leaks=lambda question, asked: question.lower() == asked.lower(),
)
prompt_mistake(
    "writes_a_prompt_all_the_same",
    "A question that is among the examples gets a prompt all the same. What would you measure there?",
    leaks=lambda question, asked: False,
)


prompt_mistake(
    "compares_the_last_example_alone",
    "The question gets through where it is not in the last of the examples. How many of them do you compare?",
    compared=lambda examples: [asked for asked, _ in examples[-1:]],
)
prompt_mistake(
    "takes_answers_for_questions",
    "You refuse a question that is one of the answers. Could anybody copy its answer from there?",
    compared=lambda examples: [line for exchange in examples for line in exchange],
)
prompt_mistake(
    "refuses_what_only_begins_alike",
    "You refuse an example that has the words of your question and others. Are the two the same question?",
    leaks=lambda question, asked: " ".join(low_words(question)) in " ".join(low_words(asked)),
)
prompt_mistake(
    "refuses_another_order",
    "You refuse an example with the words of your question in another order. Does it ask the same?",
    leaks=lambda question, asked: set(low_words(question)) == set(low_words(asked)),
)
exercise.edges(
    **NO_EDGES,
    empty="without_examples",
    one="no_answer_to_copy",
    equal="examples_in_their_order",
    ties="examples_in_their_order",
    limit="no_answer_to_copy",
    shapes="the_last_of_the_cast_answers",
)
