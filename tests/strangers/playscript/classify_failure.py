# %% wrong: part_of_a_word
# "To name is to have the words side by side, as whole words."
# A value is named where its letters stand in the line: ten in often.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(rival.lower() in first.lower() for rival in rivals):
        return "wrong"
    return "right" if answer.lower() in first.lower() else "no answer"


# %% wrong: words_anywhere
# "To *name* a value is to have its words side by side and whole."
# A value is named where all of its words are in the line, in any order and place.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    said = set(words(first))
    if any(said.issuperset(words(rival)) for rival in rivals):
        return "wrong"
    return "right" if said.issuperset(words(answer)) else "no answer"


# %% wrong: the_mark_at_the_end_only
# "the mark `end` stands anywhere in it, or a line below the first is spoken by nobody"
# The mark is looked for at the end of what was written.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if written.rstrip().endswith(end) or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: always_the_same_mark
# "classify_failure(written, answer, cast, rivals=(), end="<end>") -> one of OUTCOMES"
# Another mark that is handed over is not looked at.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if "<end>" in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: the_first_failure_counts
# "The worst that applies counts"
# Line by line, and the first line that fails decides: a new character hides that the play is left later.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    if end in written:
        return "left the play"
    for line in further:
        if line:
            match = re.match(r"([\w ]+):", line)
            if match is None:
                return "left the play"
            if match[1].lower() not in labels:
                return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: letters_of_labels_count
# "letters may be small or large."
# A label has to be written as the cast's is: OTTO is somebody new.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    labels = {label(character) for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1] not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: part_of_a_name_will_do
# "a line below the first is spoken by somebody whose label is none of the cast's"
# A label that is a part of somebody's name is taken for theirs: Lund for Lotte Lund.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(not any(match[1].lower() in its for its in labels) for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: labels_of_one_word
# "A label is one word or several without a sign among them, in small letters or large."
# A label is one word; who has two speaks as nobody.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"(\w+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: a_colon_is_a_label
# "Somebody speaks where a line begins with a label, which is one word or several without a sign among them, and a colon"
# All in front of the first colon is a label, signs and sentences too.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([^:]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: rivals_in_later_lines
# "then the first line alone is judged"
# The answer has to be in the first line, but a rival counts wherever it is named.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(written, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: the_first_value_counts
# ""right", where it names the answer and none of the rivals; "wrong", where it names a rival"
# What is named first is the answer given: ten, and not two, is right.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    def place(value):
        said, wanted = words(first), words(value)
        return next((i for i in range(len(said)) if said[i : i + len(wanted)] == wanted), float("inf"))
    rival = min(map(place, rivals), default=float("inf"))
    if rival < place(answer):
        return "wrong"
    return "right" if place(answer) < float("inf") else "no answer"


# %% wrong: an_empty_line_is_spoken_by_nobody
# "an empty line is none."
# Empty lines are looked at like others, so a line break at the end leaves the play.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: one_text_for_rivals
# "Raises ValueError where cast or rivals are one text."
# Rivals that are one text are taken for the one rival.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    if isinstance(cast, str):
        raise ValueError("the cast is one text")
    if isinstance(rivals, str):
        rivals = (rivals,)

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: the_first_line_has_a_speaker_too
# "The first line has none: its label is the last thing in your prompt."
# A first line that begins like a label is judged by who speaks it.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if begins := re.match(r"([\w ]+):", first):
        spoken.append(begins)

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: labels_of_plain_letters
# "Somebody speaks a line that begins with a label and a colon."
# Labels are made of the letters a to z; Zoë and Guard 2 speak as nobody.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([A-Za-z ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: nobody_only_at_the_end
# "or below the first line one that nobody speaks, such as "Curtain.""
# Only the last line is asked whether somebody speaks it; others without a label are taken for more of the line above.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or spoken[-1:] == [None]:
        return "left the play"
    spoken = [match for match in spoken if match]

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: what_is_behind_the_mark_is_cut_off
# "All that the model wrote is judged, the lines below the first included."
# The mark ends the text: what stands in front of it is judged as if nothing had been written behind.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    written = written.split(end)[0]

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: first_line_after_the_empty_ones
# "only the first line is judged"
# Empty lines are dropped before anything else, so that the first line is the first with something in it.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    written = "\n".join(line for line in written.split("\n") if line)

    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% right: the_largest_of_all_failures
# Every outcome that applies is collected, and the worst is taken by its rank; values are found in padded texts.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    if isinstance(cast, str) or isinstance(rivals, str):
        raise ValueError("a list, not a text")
    ranks = ["no answer", "right", "wrong", "new character", "left the play"]
    head, _, tail = written.partition("\n")
    spoken = " " + " ".join(words(head)) + " "
    found = ["no answer"]
    if f" {' '.join(words(answer))} " in spoken:
        found.append("right")
    for rival in rivals:
        if f" {' '.join(words(rival))} " in spoken:
            found.append("wrong")
    present = [label(character).casefold() for character in cast]
    for line in tail.split("\n"):
        if line == "":
            continue
        begins = re.fullmatch(r"(\w+(?: +\w+)*):.*", line)
        if not begins:
            found.append("left the play")
        elif begins.group(1).casefold() not in present:
            found.append("new character")
    if written.find(end) >= 0:
        found.append("left the play")
    return max(found, key=ranks.index)


# %% right: sign_by_sign
# No regular expression for the labels: each line is walked through, sign by sign, up to its colon.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())



def names(text, value):
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))



def label(character):
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    for texts in (cast, rivals):
        if type(texts) is str:
            raise ValueError("a list, not a text")
    def who(line):
        so_far = ""
        for sign in line:
            if sign == ":":
                return so_far.lower() or None
            if not (sign.isalnum() or sign in " _"):
                return None
            so_far += sign
        return None
    first = written[: written.index("\n")] if "\n" in written else written
    speakers = [who(line) for line in written[len(first) :].split("\n") if len(line) > 0]
    if None in speakers or written.replace(end, "") != written:
        return "left the play"
    if not set(speakers) <= set(map(str.lower, map(label, cast))):
        return "new character"
    named = {value for value in [*rivals, answer] if names(first, value)}
    if named & set(rivals):
        return "wrong"
    return "right" if answer in named else "no answer"
