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


# %% wrong: cast_without_repeats
# "somebody who is in the cast twice is listed twice"
# Lists everybody once, in the order of their first mention.
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
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: last_comma_made_and
# "a comma in a name stays there"
# Joins by ", " and makes the last ", " of the text an " and ", which may be one inside the last name.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    present = " and ".join(", ".join(cast).rsplit(", ", 1))
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: cast_compared_by_label
# "Where the cast has "the guide", a "guide" is somebody who is not in it"
# Compares labels, so that "guide" or "Guide" passes for "the guide".
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError("the cast is one text")
    if not cast:
        raise ValueError("the cast is empty")
    known = {label(character) for character in cast}
    for character in [name for name, _ in lines] + [speaker]:
        if label(character) not in known:
            raise ValueError(f"{character!r} is not in the cast")
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: line_breaks_in_speech_removed
# "and what was said, as it is"
# Puts a space for each line break in what was said, lest somebody smuggle in a line of another's.
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
    written = [f"A scene at the {place}", f"Present: {present}."]
    for name, said in lines:
        said = said.replace("\n", " ")
        written.append(f"{label(name)}: {said}")
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: speech_without_spaces_at_its_end
# "and what was said, as it is"
# Takes spaces and line breaks off the end of what was said.
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
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}".rstrip() for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: empty_row_where_nobody_spoke
# "Then each line that was spoken has a line of its own" (and nothing else has one)
# Joins head, body and end, so that an empty line stands there where `lines` is empty.
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
    body = "\n".join(f"{label(name)}: {said}" for name, said in lines)
    return f"A scene at the {place}\nPresent: {present}.\n{body}\n{label(speaker)}:"


# %% wrong: filled_in_by_format
# "and what was said, as it is"
# Fills place and speaker into the finished text by str.format, which stumbles over braces in what was said.
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
    template = "A scene at the {place}\nPresent: {present}.\n"
    for name, said in lines:
        template += label(name) + ": " + said + "\n"
    template += "{speaker}:"
    return template.format(place=place, present=present, speaker=label(speaker))


# %% wrong: silent_lines_left_out
# "Then each line that was spoken has a line of its own"
# Leaves out a line in which the empty text was said.
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
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines if said]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: the_anywhere_in_a_name
# "its speaker's label" (the helper takes "the " off the front only)
# Takes every "the " out of a name: "Otto the smith" becomes "Otto smith", "Agathe Berg" becomes "AgaBerg".
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")

    def shown(character):
        name = character.replace("the ", "")
        return name[:1].upper() + name[1:]

    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{shown(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{shown(speaker)}:"])


# %% wrong: article_of_the_place_not_doubled
# "The first line is "A scene at the {place}"."
# Takes "the " off the place, as `label` does with a name.
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
    written = [f"A scene at the {place.removeprefix('the ')}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: same_speaker_runs_on
# "Then each line that was spoken has a line of its own: its speaker's label, ": ", and what was said"
# Two lines of one speaker after each other become one line.
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
    written, before = [f"A scene at the {place}", f"Present: {present}."], None
    for name, said in lines:
        if name == before:
            written[-1] += f" {said}"
        else:
            written.append(f"{label(name)}: {said}")
        before = name
    return "\n".join([*written, f"{label(speaker)}:"])


# %% wrong: only_the_speaker_looked_up
# "Raises ValueError ... where a line or the `speaker` is of somebody who is not in it"
# The test was rewritten and asks for the speaker only.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str) or not cast:
        raise ValueError("give a list of characters")
    if speaker not in cast:
        raise ValueError(f"{speaker!r} is not in the cast")
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    written = [f"A scene at the {place}", f"Present: {present}."]
    written += [f"{label(name)}: {said}" for name, said in lines]
    return "\n".join([*written, f"{label(speaker)}:"])


# %% right: printed_into_a_buffer
# Prints into a StringIO, sign by sign for the cast, and lets tuple.index raise the ValueError.
def render_playscript(place, cast, lines, speaker):
    import io

    if isinstance(cast, str) or len(cast) == 0:
        raise ValueError("give a list of at least one character")
    everybody = tuple(cast)
    for name in [*(pair[0] for pair in lines), speaker]:
        everybody.index(name)  # raises ValueError for somebody who is not there
    out = io.StringIO()
    print("A scene at the", place, file=out)
    out.write("Present: ")
    n = len(everybody)
    for i, character in enumerate(everybody):
        out.write(("" if i == 0 else " and " if i == n - 1 else ", ") + character)
    print(".", file=out)
    for pair in lines:
        print(label(pair[0]), pair[1], sep=": ", file=out)
    print(label(speaker), end=":", file=out)
    return out.getvalue()


# %% right: regex_labels_and_recursion
# Lists the cast by recursion from the front, writes the labels with re.sub, adds an open line to a copy and cuts it.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError("one text is no cast")
    if not cast:
        raise ValueError("nobody is there")
    if not {name for name, _ in lines} | {speaker} <= set(cast):
        raise ValueError("somebody is not in the cast")

    def listed(people):
        if len(people) == 1:
            return people[0]
        return people[0] + (" and " if len(people) == 2 else ", ") + listed(people[1:])

    def shown(character):
        return re.sub(r"\A(.)", lambda m: m[0].upper(), re.sub(r"\Athe ", "", character), count=1, flags=re.DOTALL)

    text = "A scene at the " + place + "\nPresent: " + listed(list(cast)) + "."
    for name, said in [*lines, (speaker, "")]:
        text = text + "\n" + shown(name) + ": " + said
    return text[: len(text) - 1]


# %% wrong: said_is_stripped
# "and what was said, as it is"
# Strips spaces and line breaks around what was said.
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
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {said.strip()}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: line_breaks_become_spaces
# "and what was said, as it is"
# A line break in what was said becomes a space, so that one line stays one line.
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
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {' '.join(said.split(chr(10)))}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: each_name_once
# "somebody who is in the cast twice is listed twice"
# Lists each name once.
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
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: last_comma_becomes_and
# "Names are listed as they stand in the cast: a comma in a name stays there"
# Joins all by commas and turns the last comma into and, also one in the last name.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    present = " and ".join(", ".join(cast).rsplit(", ", 1))
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: article_of_the_place_dropped
# "`A scene at the ` and the place, as it is"
# Drops the place's own article: no the the inn.
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
    rows = [f"A scene at the {place.removeprefix('the ')}", f"Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: silence_is_left_out
# "Then each line that was spoken has a line of its own"
# A line in which nothing was said is left out.
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
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines if said]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: lines_in_a_row_are_joined
# "each line that was spoken has a line of its own"
# Two lines of the same speaker in a row become one.
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
    rows, before = [f"A scene at the {place}", f"Present: {present}."], None
    for who, said in lines:
        if who == before:
            rows[-1] += f" {said}"
        else:
            rows.append(f"{label(who)}: {said}")
        before = who
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: format_over_all
# "and what was said, as it is"
# Puts the place in with str.format at the end: braces in what was said are read as fields.
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
    rows = ["A scene at the {place}", "Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"]).format(place=place, present=present)


# %% wrong: known_by_their_label
# "Where the cast has `"the guide"`, a `"guide"` is somebody who is not in it."
# Compares labels, and lets guide, Guide and the Guide speak.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if label(character) not in map(label, cast):
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{label(who)}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{label(speaker)}:"])


# %% wrong: label_capitalised
# "the speaker's label" (`label`: the first letter large, the rest as it is)
# Uses capitalize, which makes the letters after the first small: McLeod becomes Mcleod.
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
    rows = [f"A scene at the {place}", f"Present: {present}."]
    rows += [f"{who.removeprefix('the ').capitalize()}: {said}" for who, said in lines]
    return "\n".join([*rows, f"{speaker.removeprefix('the ').capitalize()}:"])


# %% right: written_into_a_buffer
# Prints into a StringIO, sign by sign where names are listed.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    from io import StringIO

    out = StringIO()
    print("A scene at the", place, file=out)
    print("Present: ", end="", file=out)
    for i, name in enumerate(cast):
        before = "" if i == 0 else " and " if i == len(cast) - 1 else ", "
        print(before, name, sep="", end="", file=out)
    print(".", file=out)
    for who, said in lines:
        print(label(who), said, sep=": ", file=out)
    print(label(speaker), end=":", file=out)
    return out.getvalue()


# %% right: joined_from_the_back
# A reduce over the lines, str.format with the parts as arguments, the names from the back.
def render_playscript(place, cast, lines, speaker):
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    from functools import reduce

    present = cast[-1]
    for i, name in enumerate(reversed(cast[:-1])):
        present = name + (" and " if i == 0 else ", ") + present
    head = "A scene at the {}\nPresent: {}.\n".format(place, present)
    return reduce(lambda text, line: text + label(line[0]) + ": " + line[1] + "\n", lines, head) + label(speaker) + ":"


# %% right: checks_at_the_end
# Makes the text first and then looks who is missing; errors are a subclass of ValueError.
def render_playscript(place, cast, lines, speaker):
    class NotThere(ValueError):
        pass

    if isinstance(cast, str) or len(cast) == 0:
        raise NotThere("give a list of characters")
    if {speaker, *(who for who, _ in lines)} - set(cast):
        raise NotThere("somebody is not in the cast")
    firsts = list(cast[:-2]) + [" and ".join(cast[-2:])]
    spoken = [": ".join((label(who), said)) for who, said in lines]
    return "\n".join(["A scene at the " + place, "Present: " + ", ".join(firsts) + ".", *spoken, label(speaker) + ":"])


# %% wrong: last_comma_becomes_and_again
# "Names are listed as they stand in the cast: a comma in a name stays there"
# cast ("Nell", "Otto, the smith"): "Present: Nell, Otto and the smith." comes out instead of "Present: Nell and Otto, the smith."; also one alone, ("Otto, the smith",)
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    present = " and ".join(", ".join(cast).rsplit(", ", 1))
    text = [f"A scene at the {place}", f"Present: {present}."]
    text += [f"{label(name)}: {said}" for name, said in lines]
    text.append(f"{label(speaker)}:")
    return "\n".join(text)


# %% wrong: separator_by_name
# "somebody who is in the cast twice is listed twice"
# cast ("Nell", "Otto", "Nell"): "Present: Nell, OttoNell." comes out; with ("Nell", "Otto", "Otto") "Present: Nell and Otto and Otto."
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    text = f"A scene at the {place}\nPresent: "
    for character in cast:
        if character == cast[0]:
            text += character
        elif character == cast[-1]:
            text += " and " + character
        else:
            text += ", " + character
    text += ".\n"
    for name, said in lines:
        text += f"{label(name)}: {said}\n"
    return text + label(speaker) + ":"


# %% wrong: spaces_at_the_ends_of_lines_trimmed
# "its speaker's label, ": ", and what was said, as it is"
# the line ("Nell", ""): "Nell:" comes out instead of "Nell: "; so too ("Nell", "Well ...  ")
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    text = [f"A scene at the {place}", f"Present: {present}."]
    # whoever is to go on says nothing yet: no space may be left behind a colon
    for name, said in [*lines, (speaker, "")]:
        text.append(f"{label(name)}: {said}".rstrip())
    return "\n".join(text)


# %% wrong: article_of_the_place_dropped_again
# "`A scene at the ` and the place, as it is"
# place "the inn": "A scene at the inn" comes out instead of "A scene at the the inn"
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    place = place.removeprefix("the ")
    *others, last = cast
    present = " and ".join([", ".join(others), last]) if others else last
    return "\n".join(
        [
            f"A scene at the {place}",
            f"Present: {present}.",
            *(f"{label(name)}: {said}" for name, said in lines),
            f"{label(speaker)}:",
        ]
    )


# %% wrong: line_breaks_flattened
# "the speaker's label, a colon, a space, and what was said, as it is"
# the line ("Nell", "Who?\nGuide: Free."): "Nell: Who? Guide: Free." comes out, the line break has become a space
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    present = cast[0] if len(cast) == 1 else ", ".join(cast[:-1]) + " and " + cast[-1]
    text = ["A scene at the " + place, "Present: " + present + "."]
    for name, said in lines:
        # each line that was spoken has one line of its own
        text.append(label(name) + ": " + said.replace("\n", " "))
    return "\n".join(text) + "\n" + label(speaker) + ":"


# %% wrong: known_by_label
# "Where the cast has `"the guide"`, a `"guide"` is somebody who is not in it."
# cast ("Nell", "the guide") and speaker "guide", or "Guide": a play comes out instead of a ValueError
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    labels = {label(character) for character in cast}
    spoken = [(label(name), said) for name, said in lines]
    for name in (*(name for name, _ in spoken), label(speaker)):
        if name not in labels:
            raise ValueError(f"{name!r} is not in the cast: {', '.join(cast)}")
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    text = [f"A scene at the {place}", f"Present: {present}.", *(f"{name}: {said}" for name, said in spoken)]
    return "\n".join([*text, f"{label(speaker)}:"])


# %% right: written_to_a_buffer
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    import io

    if isinstance(cast, str):
        raise ValueError("one text is no cast")
    if len(cast) == 0:
        raise ValueError("nobody is there")
    there = set(cast)
    if speaker not in there or any(name not in there for name, _ in lines):
        raise ValueError("somebody is not in the cast")
    out = io.StringIO()
    out.write("A scene at the ")
    out.write(place)
    out.write("\nPresent: ")
    for number, character in enumerate(cast, start=1):
        out.write(character)
        out.write("." if number == len(cast) else " and " if number == len(cast) - 1 else ", ")
    out.write("\n")
    for name, said in lines:
        out.write(label(name))
        out.write(": ")
        out.write(said)
        out.write("\n")
    out.write(label(speaker))
    out.write(":")
    return out.getvalue()


# %% right: folded_from_the_back
def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    from functools import reduce

    if isinstance(cast, str) or not cast:
        raise ValueError("the cast is a list of one character or more")
    for somebody in [speaker] + [line[0] for line in lines]:
        if cast.count(somebody) == 0:
            raise ValueError(f"who is {somebody!r}?")

    def listed(characters):
        """All but the last with what stands behind each, then the last."""
        behind = [", "] * (len(characters) - 2) + [" and "] * (len(characters) > 1) + ["."]
        return "".join(map("".join, zip(characters, behind)))

    ending = label(speaker) + ":"
    ending = reduce(lambda rest, line: "%s: %s\n%s" % (label(line[0]), line[1], rest), reversed(lines), ending)
    return "A scene at the %s\nPresent: %s\n%s" % (place, listed(list(cast)), ending)
