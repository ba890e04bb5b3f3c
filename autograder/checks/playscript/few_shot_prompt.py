"""`few_shot_prompt`: examples in order, then the question; the last of the cast answers; no answer to copy."""

from collections.abc import Callable, Sequence

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.playscript.render_playscript import play
from autograder.checks.playscript.shared import label, low_words, mistakes_of, some_cast, some_lines, some_words

exercise = Exercise("few_shot_prompt")


def spoken(text: str) -> list[str]:
    """The lines below the second, each as "label: words"; spaces and articles, asked elsewhere, do not count."""
    parts = [line.partition(":") for line in text.split("\n")[2:] if line.strip()]
    return [f"{who.strip().lower().removeprefix('the ')}: {said.strip()}" for who, _, said in parts]


def some_examples(rng: torch.Generator, n: int) -> list[tuple[str, str]]:
    """Questions and their answers."""
    said = some_lines(rng, 2 * n)
    return [(question[:-1] + "?", answer) for question, answer in zip(said[:n], said[n:])]


def interview(
    place: str,
    cast: Sequence[str],
    examples: Sequence[tuple[str, str]],
    question: str,
    who: tuple[int, ...] = (0, -1),
    goes_on: int = -1,
    leaks: Callable[[str, str], bool] = lambda question, asked: low_words(question) == low_words(asked),
    shown: Callable[[list], list] = list,
    arranged: Callable[[list, tuple], list] = lambda lines, asked: [*lines, asked],
) -> str:
    """A prompt with its parts to choose, so that one of them can be wrong."""
    if len(cast) < 2 or any(leaks(question, asked) for asked, _ in examples):
        raise ValueError("nobody answers, or the answer is there")
    lines = [(cast[i], line) for exchange in shown(examples) for i, line in zip(who, exchange)]
    return play(place, cast, arranged(lines, (cast[who[0]], question)), cast[goes_on])


@exercise.check(points=0.25)
def examples_in_their_order(few_shot_prompt, rng):
    """The first of the cast asks each example, the last answers it, one after the other; then comes the question."""
    (place,), (*examples, (question, _)) = some_words(rng, 1), some_examples(rng, 5)
    return {
        f"what is spoken, {n} shown": spoken(few_shot_prompt(place, some_cast(rng, 2), examples[:n], question))[:-1]
        for n in (1, 4)
    }


@exercise.check(points=0.25)
def without_examples(few_shot_prompt, rng):
    """With no example to show, the question alone is asked, at the place and among the cast that were given."""
    (place,), cast, ((question, _),) = some_words(rng, 1), some_cast(rng, 3), some_examples(rng, 1)
    text = few_shot_prompt(place, cast, [], question)
    return {
        "what is spoken": spoken(text),
        "the place is named": place in text.split("\n")[0],
        "who is named": [name for name in cast if label(name).lower() in text.split("\n")[1].lower()],
    }


@exercise.check(points=0.25)
def the_last_of_the_cast_answers(few_shot_prompt, rng):
    """Whoever else is present says nothing: the first asks, and the last has answered and goes on."""
    seen = {}
    for n in (3, 5):
        (place,), cast, ((asked, answer), (question, _)) = some_words(rng, 1), some_cast(rng, n), some_examples(rng, 2)
        lines = spoken(few_shot_prompt(place, cast, [(asked, answer)], question))
        seen[f"who speaks, {n} present"] = [line.partition(":")[0] for line in lines]
        seen[f"the last line, {n} present"] = lines[-1]
    return seen


@exercise.check(points=0.25)
def no_answer_to_copy(few_shot_prompt, rng):
    """A question that is among the examples, in whatever letters, is a ValueError; one that only looks alike is not."""
    (place,), cast, (first, second, (_, answer)) = some_words(rng, 1), some_cast(rng, 3), some_examples(rng, 3)
    question, more = second[0], some_words(rng, 1)[0]

    def with_example(asked: str, answer: str = answer) -> str:
        return ending(lambda: few_shot_prompt(place, cast, [first, (asked, answer)], question))

    return {
        "the same question": with_example(question),
        "in large letters": with_example(question.upper()),
        "in small letters": with_example(question.lower()),
        "a word more at its end": with_example(f"{question[:-1]} {more}?"),
        "a word less at its end": with_example(question[:-1].rpartition(" ")[0] + "?"),
        "its words in another order": with_example(" ".join(low_words(question)[::-1]).capitalize() + "?"),
        "the question as an answer": with_example(first[0], question),
        "the cast is one": ending(lambda: few_shot_prompt(place, cast[:1], [first], question)),
    }


prompt_mistake = mistakes_of(exercise, interview)

prompt_mistake(
    "shows_the_examples_after_the_question",
    "Your question comes before the examples. What stands right in front of the answer that is to come?",
    arranged=lambda lines, asked: [asked, *lines],
)
prompt_mistake(
    "swaps_who_asks_and_who_answers",
    "The last of your cast asks and the first answers. Which way round does the docstring have it?",
    who=(-1, 0),
    goes_on=0,
)
prompt_mistake(
    "lets_the_asker_go_on", "Your open label is that of the one who asked. Whose turn is it to speak?", goes_on=0
)
prompt_mistake(
    "lets_the_second_answer",
    "The second of your cast answers, also where more are present. Which of them should?",
    who=(0, 1),
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
    who=(0,),
)
prompt_mistake(
    "forgets_the_question",
    "Your prompt ends after the examples. Where is the question that is to be answered?",
    arranged=lambda lines, asked: lines,
)
prompt_mistake(
    "looks_for_the_same_letters_only",
    "A question in capitals that is among the examples gets through. What do you compare, and what does `words` give?",
    leaks=lambda question, asked: question == asked,
)
prompt_mistake(
    "looks_for_no_leak",
    "You take a question that is among the examples. What would you measure, if the answer can be copied?",
    leaks=lambda question, asked: False,
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
