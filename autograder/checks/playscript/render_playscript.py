"""`render_playscript`: the heading, who is present, each line behind its label, a colon at the end."""

from collections.abc import Callable, Sequence

from autograder.checking.topic import Exercise
from autograder.checks.common import ending
from autograder.checks.playscript.shared import NO_EDGES, cast_of, label, mistakes_of, some_cast, some_lines, some_words

exercise = Exercise("render_playscript")


def listed(cast: Sequence[str], comma: str = "", alone: str = "{}") -> str:
    """The cast with "and" before the last, and perhaps a comma before that."""
    *others, last = cast
    return f"{', '.join(others)}{comma if len(others) > 1 else ''} and {last}" if others else alone.format(last)


def refuse(
    cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str, but_for: str = "", key: Callable = str
) -> None:
    """Raise ValueError as the exercise says, but for what is left out."""
    if isinstance(cast, str) and but_for != "one text":
        raise ValueError("one text")
    if not cast and but_for != "nobody":
        raise ValueError("nobody")
    speak = [name for name, _ in lines] * (but_for != "a line") + [speaker] * (but_for != "the speaker")
    if cast and not {key(name) for name in speak} <= {key(name) for name in cast} and not isinstance(cast, str):
        raise ValueError("not in the cast")


def as_spoken(lines: Sequence[tuple[str, str]], label: Callable[[str], str]) -> list[str]:
    return [f"{label(name)}: {line}" for name, line in lines]


def play(
    place: str,
    cast: Sequence[str],
    lines: Sequence[tuple[str, str]],
    speaker: str,
    label: Callable[[str], str] = label,
    listed: Callable[[Sequence[str]], str] = listed,
    there: Callable[[Sequence[str], str], Sequence[str]] = lambda cast, speaker: list(cast),
    scene: str = "A scene at the {}",
    stop: str = ".",
    spoken: Callable[[Sequence[tuple[str, str]], Callable[[str], str]], list[str]] = as_spoken,
    goes_on: str = "{}:",
    but_for: str = "",
    key: Callable[[str], str] = str,
) -> str:
    """A play with its parts to choose, so that one of them can be wrong."""
    refuse(cast, lines, speaker, but_for, key)
    present = listed(there(cast, speaker)) if cast else ""
    heading = [scene.format(place), f"Present: {present}{stop}"]
    return "\n".join([*heading, *spoken(lines, label)]) + ("\n" + goes_on.format(label(speaker)) if goes_on else "")


@exercise.promise('The first line is "A scene at the {place}".', broken_by="ends_the_first_line_with_a_full_stop")
@exercise.promise("each line that was spoken has a line of its own", broken_by="joins_lines_of_one_speaker")
@exercise.promise("its speaker's label", broken_by="keeps_the_article_in_the_label")
@exercise.promise("lists or tuples of characters", broken_by="takes_a_list_alone_for_a_cast")
@exercise.promise("what was said, as it is", broken_by="strips_what_was_said")
@exercise.check(points=0.25)
def the_heading_and_the_lines(render_playscript, rng):
    """The scene comes first; from the third line on each line stands behind its speaker's label and ": ", as it is."""
    (one, other), cast, said = some_words(rng, 2), some_cast(rng, 3), some_lines(rng, 7)
    cast[1] = f"Ba{cast[1].lower()}the {one.capitalize()} of the {other}"  # only in front is it an article
    cast += [f"the he{other}", f"the{one}", f"The {other}", one, f"a {one}"]  # one article among them
    speak = [cast[0], cast[2], cast[2], cast[1], cast[0], cast[0]]
    said[1], said[3], said[4], said[5] = said[1] + "  ", f" {one}: {said[3]}", "", f"{said[5]}\n{said[6]}"
    speak, said = [*cast[3:], *speak], [*some_lines(rng, 5), *said]
    said[2] = f"{other} {{{one}}} {{0}} {{}} %s $1 \\1 {said[2]}"
    seen = {}
    for place in (one, f"{one.capitalize()} of the {other.upper()}", f"the {other} {{{one}}} %s "):
        lines = list(zip(speak, said)) if place == one else tuple(zip(speak, said))
        text = render_playscript(place, cast if place == one else tuple(cast), lines, cast[2])
        first, _, *spoken = text.rstrip().split("\n")
        seen[f"the first line, at the {place}"] = first
        seen[f"what is spoken, at the {place}"] = spoken[:-1]
        seen[f"how many lines there are, at the {place}"] = len(spoken)
    seen["how many lines there are where nobody has spoken"] = len(
        render_playscript(one, cast, [], cast[0]).split("\n")
    )
    return seen


@exercise.promise("lists all of the cast", broken_by="lists_nobody_twice")
@exercise.promise("in their order", broken_by="lists_the_speaker_last")
@exercise.promise("as they are called", broken_by="takes_the_cast_without_their_articles")
@exercise.promise('but the last by " and "', broken_by="lists_without_and")
@exercise.promise('joined by ", "', broken_by="puts_a_comma_before_and")
@exercise.promise('"Present: Nell, Otto and the guide."', broken_by="forgets_the_full_stop")
@exercise.promise("one alone stands by itself", broken_by="writes_and_before_one_alone")
@exercise.promise("a comma in a name stays there", broken_by="turns_the_last_comma_into_and")
@exercise.check(points=0.25)
def who_is_present(render_playscript, rng):
    """All of the cast are there, whoever speaks, as they are called and in their order, the last after "and"."""
    seen = {}
    for n in (1, 2, 3, 5):
        (place, x), cast, (line,) = some_words(rng, 2), some_cast(rng, n), some_lines(rng, 1)
        casts = {f"{n} present": cast, f"{n} present, the last with a comma": (*cast[:-1], f"{cast[-1]}, {x}")}
        casts |= {f"{n} present, one of them twice": (*cast, cast[0])} if n == 3 else {}
        for words, those in casts.items():
            text = render_playscript(place, those, [(those[-1], line)], those[0])
            seen[f"the second line, {words}"] = text.split("\n")[1]
    return seen


@exercise.promise("The last line is the label of `speaker`", broken_by="ends_without_a_label")
@exercise.promise("with a colon", broken_by="forgets_the_last_colon")
@exercise.promise("and nothing after it", broken_by="begins_a_new_line")
@exercise.promise("not even a space", broken_by="leaves_a_space_at_the_end")
@exercise.check(points=0.25)
def it_breaks_off_at_a_colon(render_playscript, rng):
    """The last line is the label of who goes on, and a colon: the text ends there, without a space or a line break."""
    (place,), cast, said = some_words(rng, 1), some_cast(rng, 3), some_lines(rng, 2)
    lines = list(zip(cast[1:], said))
    return {
        "the end, a name": render_playscript(place, cast, lines, cast[1]).rpartition("\n")[2],
        "the end, a role": render_playscript(place, cast, lines, cast[2]).rpartition("\n")[2],
        "the end where nobody has spoken": render_playscript(place, cast, [], cast[0]).rpartition("\n")[2],
        "the end where one is alone": render_playscript(place, cast[:1], [], cast[0]).rpartition("\n")[2],
    }


@exercise.promise("Write a play as far as it has got", broken_by="leaves_out_the_last_line_spoken")
@exercise.promise("Raises ValueError where the cast is empty", broken_by="takes_an_empty_cast")
@exercise.promise("where it is one text", broken_by="takes_one_text_for_a_cast")
@exercise.promise("where a line", broken_by="lets_strangers_speak")
@exercise.promise("or the `speaker` is of somebody who is not in it", broken_by="lets_a_stranger_go_on")
@exercise.promise("by that very name", broken_by="knows_them_by_their_labels")
@exercise.check(points=0.25)
def a_line_more(render_playscript, rng):
    """A play that has got a line further has that line more; an empty cast, one text or a stranger is a ValueError."""
    (place, stranger, *words), said = some_words(rng, 7), some_lines(rng, 3)
    cast = cast_of(words)
    lines, stranger = list(zip(cast, said)), stranger.capitalize()
    begun = render_playscript(place, cast, lines[:2], cast[0]).rstrip().rpartition("\n")[0]
    longer = render_playscript(place, cast, lines, cast[3])

    def end(speaks: str, goes_on: str, those: Sequence[str] = cast) -> str:
        return ending(lambda: render_playscript(place, those, [(speaks, said[0])], goes_on))

    return {
        "the longer begins like the shorter": bool(begun) and longer.startswith(begun + "\n"),
        "what comes after": longer[len(begun) :].strip(),
        "a line of somebody who is not there": end(stranger, cast[0]),
        "the second of two lines is of somebody who is not there": ending(
            lambda: render_playscript(place, cast, [lines[0], (stranger, said[1])], cast[0])
        ),
        "somebody goes on who is not there": end(cast[0], stranger),
        "a line behind a label for a name": end(label(cast[3]), cast[0]),
        "a label for the name of who goes on": end(cast[0], label(cast[3])),
        "a name in small letters": end(cast[0], cast[1].lower()),
        "half of a name": end(cast[0], cast[1][:4]),
        "a name with spaces": end(f" {cast[0]} ", cast[0]),
        "a name with an article": end(f"the {cast[0]}", cast[0]),
        "nobody is there": ending(lambda: render_playscript(place, [], [], cast[0])),
        "the cast is one text": ending(lambda: render_playscript(place, cast[0], [], cast[0])),
        "the cast is one text, of which a letter speaks": end(cast[0][1], cast[0][0], cast[0]),
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
    "ends_the_first_line_with_a_full_stop",
    "Your first line ends with a full stop. Which of the first two lines has one, in the example?",
    scene="A scene at the {}.",
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
    "begins_every_word_of_a_label_large",
    'Your lines are spoken by "Old Miller". Which letters does the helper `label` make large?',
    label=lambda name: name.removeprefix("the ").title(),
)
play_mistake(
    "strips_what_was_said",
    "Spaces at the ends of what was said are gone from your play. Who decides what a line is, you or your caller?",
    spoken=lambda lines, label: [f"{label(name)}: {line.strip()}" for name, line in lines],
)


@exercise.mistake(hint="Two lines of one speaker in a row have become one in your play. How many lines were spoken?")
def joins_lines_of_one_speaker(place, cast, lines, speaker):
    joined: list[tuple[str, str]] = []
    for name, line in lines:
        if joined and joined[-1][0] == name:
            joined[-1] = (name, f"{joined[-1][1]} {line}")
        else:
            joined.append((name, line))
    return play(place, cast, joined, speaker)


play_mistake(
    "leaves_out_the_last_line_spoken",
    "The line that was spoken last is not in your play. What would the next one answer?",
    spoken=lambda lines, label: as_spoken(lines[:-1], label),
)
play_mistake(
    "lists_nobody_twice",
    "Somebody who is in the cast twice is listed once. What takes the second away: a set, or a dict?",
    there=lambda cast, speaker: list(dict.fromkeys(cast)),
)
play_mistake(
    "lists_the_speaker_last",
    "Whoever is to go on comes last in your list. In which order are the cast to stand?",
    there=lambda cast, speaker: [name for name in cast if name != speaker] + [speaker],
)
play_mistake(
    "takes_the_cast_without_their_articles",
    'You write labels where the cast is listed. Is it "and Guide" or "and the guide" that is present?',
    there=lambda cast, speaker: [label(name) for name in cast],
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
    "turns_the_last_comma_into_and",
    'A comma within a name has become "and" in your list. Which commas are yours, and which are the name\'s?',
    listed=lambda cast: " and ".join(", ".join(cast).rsplit(", ", 1)),
)
play_mistake(
    "writes_and_before_one_alone",
    'Where one is alone you write "and" all the same. What is there to join?',
    listed=lambda cast: listed(cast, alone=" and {}"),
)
play_mistake(
    "forgets_the_full_stop", "Your second line ends with a name. With which sign does a sentence end?", stop=""
)
play_mistake(
    "takes_a_list_alone_for_a_cast",
    "A cast that is a tuple is too much for your function. What do you do with it that only a list can?",
    there=lambda cast, speaker: cast.copy(),
)
play_mistake("takes_an_empty_cast", "A play without a cast is written. Who speaks in it?", but_for="nobody")
play_mistake(
    "takes_one_text_for_a_cast",
    'The cast "Nell" is taken, and N, e, l and l are present. What does Python make of a text where it wants a list?',
    but_for="one text",
)
play_mistake(
    "lets_strangers_speak",
    "Lines are spoken by somebody who is not present. Of whom do you ask whether they are in the cast?",
    but_for="a line",
)
play_mistake(
    "lets_a_stranger_go_on",
    "Somebody goes on who is not present. Of whom do you ask whether they are in the cast?",
    but_for="the speaker",
)
play_mistake(
    "knows_them_by_their_labels",
    '"Guide" may speak in your play where the cast has "the guide". What do you compare, names or labels?',
    key=label,
)

exercise.given(play)
exercise.edges(
    **NO_EDGES,
    empty="a_line_more",
    one="who_is_present",
    equal="who_is_present",
    ties="Nothing is compared but names.",
    limit="There is no limit.",
    shapes="who_is_present",
)
