"""`render_playscript`: the heading, who is present, each line behind its label, a colon at the end."""

from collections.abc import Callable, Sequence

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.playscript.shared import cast_of, label, mistakes_of, some_cast, some_lines, some_words

exercise = Exercise("render_playscript")


def listed(cast: Sequence[str], comma: str = "", alone: str = "{}") -> str:
    """The cast with "and" before the last, and perhaps a comma before that."""
    *others, last = cast
    return f"{', '.join(others)}{comma if len(others) > 1 else ''} and {last}" if others else alone.format(last)


def play(
    place: str,
    cast: Sequence[str],
    lines: Sequence[tuple[str, str]],
    speaker: str,
    label: Callable[[str], str] = label,
    listed: Callable[[Sequence[str]], str] = listed,
    there: Callable[[Sequence[str]], Sequence[str]] = list,
    stop: str = ".",
    goes_on: str = "{}:",
) -> str:
    """A play with its parts to choose, so that one of them can be wrong."""
    if not {speaker, *(name for name, _ in lines)} <= set(cast):
        raise ValueError("not in the cast")
    spoken = [f"{label(name)}: {line}" for name, line in lines]
    heading = [f"A scene at the {place}", f"Present: {listed(there(cast))}{stop}"]
    return "\n".join([*heading, *spoken]) + ("\n" + goes_on.format(label(speaker)) if goes_on else "")


@exercise.check(points=0.25)
def the_heading_and_the_lines(render_playscript, rng):
    """The scene comes first, and from the third line on each line stands behind its speaker's label and a colon."""
    (place,), cast, said = some_words(rng, 1), some_cast(rng, 3), some_lines(rng, 4)
    text = render_playscript(place, cast, list(zip([cast[0], cast[2], cast[0], cast[1]], said)), cast[2])
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    return {"the first line": lines[0], "what is spoken": lines[2:-1], "how many lines there are": len(lines)}


@exercise.check(points=0.25)
def who_is_present(render_playscript, rng):
    """All of the cast are there, whoever speaks, as they are called and in their order, the last after "and"."""
    seen = {}
    for n in (1, 2, 3, 5):
        (place,), cast, (line,) = some_words(rng, 1), some_cast(rng, n), some_lines(rng, 1)
        text = render_playscript(place, cast, [(cast[-1], line)], cast[0])
        seen[f"the second line, {n} present"] = text.split("\n")[1]
    return seen


@exercise.check(points=0.25)
def it_breaks_off_at_a_colon(render_playscript, rng):
    """The last line is the label of who goes on, and a colon: the text ends there, without a space or a line break."""
    (place,), cast, said = some_words(rng, 1), some_cast(rng, 3), some_lines(rng, 2)
    lines = list(zip(cast[1:], said))
    return {
        "the end, a name": render_playscript(place, cast, lines, cast[1]).rpartition("\n")[2],
        "the end, a role": render_playscript(place, cast, lines, cast[2]).rpartition("\n")[2],
        "the end where nobody has spoken": render_playscript(place, cast, [], cast[0]).rpartition("\n")[2],
    }


@exercise.check(points=0.25)
def a_line_more(render_playscript, rng):
    """A play that has got a line further begins as it did, and has that line more; a stranger's is a ValueError."""
    (place, stranger, *words), said = some_words(rng, 7), some_lines(rng, 3)
    cast = cast_of(words)
    lines, stranger = list(zip(cast, said)), stranger.capitalize()
    begun = render_playscript(place, cast, lines[:2], cast[0]).rstrip().rpartition("\n")[0]
    longer = render_playscript(place, cast, lines, cast[3])
    return {
        "the longer begins like the shorter": bool(begun) and longer.startswith(begun + "\n"),
        "what comes after": longer[len(begun) :].strip(),
        "a line of somebody who is not there": ending(
            lambda: render_playscript(place, cast, [(stranger, said[0])], cast[0])
        ),
        "somebody goes on who is not there": ending(lambda: render_playscript(place, cast, lines, stranger)),
        "nobody is there": ending(lambda: render_playscript(place, [], [], cast[0])),
    }


play_mistake = mistakes_of(exercise, play)

play_mistake(
    "leaves_a_space_at_the_end",
    "A space stands behind the last colon. Does a tokenizer that counts a space with the next word ever see one alone?",
    goes_on="{}: ",
)
play_mistake(
    "begins_a_new_line",
    "A line break stands behind the last colon. Who speaks next, by the look of a play, after an empty line?",
    goes_on="{}:\n",
)
play_mistake(
    "ends_without_a_label",
    "Your play ends with the last line that was spoken. How is a model to know who speaks next?",
    goes_on="",
)
play_mistake(
    "forgets_the_last_colon",
    "The last label stands there without its colon. What would a model write next, a line or a sign?",
    goes_on="{}",
)
play_mistake(
    "keeps_the_article_in_the_label",
    'Your lines are spoken by "The guide". Which helper takes the article away?',
    label=lambda name: name[:1].upper() + name[1:],
)
play_mistake(
    "writes_labels_in_small_letters",
    'Your lines are spoken by "guide". With what kind of letter does a label begin?',
    label=lambda name: name.removeprefix("the "),
)
play_mistake(
    "takes_the_cast_without_their_articles",
    'You write labels where the cast is listed. Is it "and Guide" or "and the guide" that is present?',
    there=lambda cast: [label(name) for name in cast],
)
play_mistake(
    "lists_without_and", "Your cast is joined by commas alone. What stands before the last of them?", listed=", ".join
)
play_mistake(
    "puts_a_comma_before_and",
    'You write "Nell, Otto, and the guide". How many commas does the example in the docstring have?',
    listed=lambda cast: listed(cast, comma=","),
)
play_mistake(
    "writes_and_before_one_alone",
    'Where one is alone you write "and" all the same. What is there to join?',
    listed=lambda cast: listed(cast, alone=" and {}"),
)
play_mistake(
    "forgets_the_full_stop", "Your second line ends with a name. With which sign does a sentence end?", stop=""
)

exercise.given(play)
