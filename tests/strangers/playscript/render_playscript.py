# %% wrong: a_space_at_the_end
# "last the label of the speaker with a colon, and nothing after it, not even a space."
# The last line is written like the others, with an empty line spoken.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in (*lines, (speaker, ""))]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken])


# %% wrong: comma_before_and
# "joined by `, ` but the last by ` and `, and a full stop"
# From three on there is a comma before the last, as some print it.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    comma = "," if len(others) > 1 else ""
    present = f"{', '.join(others)}{comma} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: alone_behind_an_and
# "one alone stands by itself."
# Nobody stands in front of the `and` where one is alone.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}"

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: the_last_comma_becomes_and
# "Two present are `Nell and the guide`; one alone stands by itself."
# All are joined by commas and the last comma is replaced, also where it stands within a name.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    present = " and ".join(", ".join(cast).rsplit(", ", 1))

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: speaker_named_last
# "all of the cast in their order"
# Whoever is to go on is moved to the end of those present.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = [character for character in cast if character != speaker] + [speaker]
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: every_word_capital
# "the speaker's label, a colon, a space, the line"
# Labels by str.title: the old miller speaks as Old Miller, McAdam as Mcadam.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{character.removeprefix('the ').title()}: {line}" for character, line in lines]
    end = f"{speaker.removeprefix('the ').title()}:"
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, end])


# %% wrong: any_speaker_will_do
# "or a line or the speaker is of somebody who is not in it."
# Those who spoke are looked up in the cast, the one who is to go on is not.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str) or not cast:
        raise ValueError("the cast is a list with somebody in it")
    if absent := [name for name, _ in lines if name not in cast]:
        raise ValueError(f"not in the cast: {absent}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: known_by_their_labels
# "raises ValueError for an empty cast, and for anybody who is not in it"
# Labels are compared, so that "Guide" or "nell" may speak where the cast has "the guide" and "Nell".
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str) or not cast:
        raise ValueError("the cast is a list with somebody in it")
    labels = {label(character) for character in cast}
    for character in (*(name for name, _ in lines), speaker):
        if label(character) not in labels:
            raise ValueError(f"{character!r} is not in the cast")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: tuples_only
# "cast, lines       sequences of characters, and of pairs (character, line)"
# The cast is taken apart and put together as a tuple; a list is a TypeError.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    if len(cast) > 1:
        cast = cast[:-2] + (f"{cast[-2]} and {cast[-1]}",)
    present = ", ".join(cast)

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: lines_are_stripped
# "Then each line, behind its speaker's label and a colon"
# Spaces at the ends of a line are taken off.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}".strip() for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: one_text_for_a_cast
# "Raises ValueError where the cast is empty or one text"
# A cast that is one text is let through, and its letters are present.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: two_lines_of_one_are_one
# "one for each line spoken"
# Who speaks twice in a row gets one line with both.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last

    spoken, before = [], None
    for character, line in lines:
        if character == before:
            spoken[-1] += f" {line}"
        else:
            spoken.append(f"{label(character)}: {line}")
        before = character
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% wrong: nobody_is_present_twice
# "`Present: `, all of the cast in their order"
# The cast goes through a dict, so that two of the same name are one.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    *others, last = dict.fromkeys(cast)
    present = f"{', '.join(others)} and {last}" if others else last

    spoken = [f"{label(character)}: {line}" for character, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])


# %% right: separators_from_behind
# Those present are written from the last to the first, each separator in its turn; text grows by +=.
def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place, cast, lines, speaker):
    if type(cast) is str or len(cast) == 0:
        raise ValueError("the cast has to be a list with somebody in it")
    present, separators = "", iter(["", " and "])
    for character in reversed(cast):
        present = character + next(separators, ", ") + present
    text = "A scene at the " + place + "\nPresent: " + present + ".\n"
    for character, line in lines:
        if character not in list(cast):
            raise ValueError(f"who is {character}?")
        text += label(character) + ": " + line + "\n"
    if speaker not in list(cast):
        raise ValueError(f"who is {speaker}?")
    return text + label(speaker) + ":"


# %% right: printed_into_a_file
# Printed into a text in memory, with an object that is asked who is who.
import io


class Stage:
    def __init__(self, cast):
        if isinstance(cast, str):
            raise ValueError("a cast is a list, not a text")
        self.cast = tuple(cast)
        if self.cast == ():
            raise ValueError("nobody is there")

    def sign(self, character):
        if not any(character == other for other in self.cast):
            raise ValueError(f"{character} is not there")
        bare = character[4:] if character.startswith("the ") else character
        return bare[0:1].upper() + bare[1:] + ":"

    def __str__(self):
        match self.cast:
            case (alone,):
                return alone
            case (*before, last_but_one, last):
                return "".join(f"{one}, " for one in before) + last_but_one + " and " + last


def render_playscript(place, cast, lines, speaker):
    stage, paper = Stage(cast), io.StringIO()
    print("A scene at the", place, file=paper)
    print("Present: ", stage, ".", sep="", file=paper)
    for character, line in lines:
        print(stage.sign(character), line, file=paper)
    print(stage.sign(speaker), end="", file=paper)
    return paper.getvalue()
