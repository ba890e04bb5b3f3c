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


# %% wrong: a_label_at_the_cut_is_nobody
# "behind the colon there may be nothing, since the model was cut off there"
# A label has to have something behind its colon.
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

    spoken = [re.match(r"([\w ]+): *\S", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: labels_that_begin_alike
# "somebody whose label is none of the cast's"
# A label that begins like one of the cast's is taken for it: Ot, or Otto Lund, for Otto.
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

    if any(not any(match[1].lower().startswith(its) or its.startswith(match[1].lower()) for its in labels) for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: small_letters_of_the_name
# "none of the cast's labels"
# The label is compared with the name in small letters: the guide, and not Guide.
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
    labels = {character.lower() for character in cast}

    spoken = [re.match(r"([\w ]+):", line) for line in further if line]

    if end in written or None in spoken:
        return "left the play"

    if any(match[1].lower() not in labels for match in spoken):
        return "new character"

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: words_at_a_hyphen
# "*twenty-one* is one, so that *one* is not named there"
# Words are what stands between spaces, hyphens and other signs.
def words(text):
    return re.findall(r"\w+", text.lower())



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

    if any(names(first, rival) for rival in rivals):
        return "wrong"
    return "right" if names(first, answer) else "no answer"


# %% wrong: the_mark_as_a_pattern
# "the mark `end` stands anywhere in it, sign for sign"
# The mark is looked for as a regular expression.
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

    if re.search(end, written) or None in spoken:
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


# %% wrong: mark_in_any_letters
# "the mark `end` stands anywhere in it, sign for sign"
# Looks for the mark without regard to small letters or large: "<END>" counts too.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end.lower() in written.lower() or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: the_village_mark_always
# "the mark `end` stands anywhere in it"
# Looks for the constant END, whatever `end` was given.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if END in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: mark_as_a_word
# "the mark `end` stands anywhere in it, sign for sign"
# Looks for the mark between spaces and line breaks only: "Ten.<end>" is not found.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written.split() or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: western_letters_only
# "of letters in any alphabet and digits"
# Knows a to z and the letters with accents up to ÿ: "Łukasz" and "Анна" speak no line.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([A-Za-zÀ-ÖØ-öø-ÿ0-9 ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: space_or_end_behind_the_colon
# "Somebody speaks a line that begins with a label and a colon, whatever comes behind it"
# Wants a space or nothing behind the colon: "Otto:Thank you." is spoken by nobody.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):(?: |$)", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: label_searched_in_the_line
# "Somebody speaks a line that begins with a label and a colon"
# Searches for a label instead of matching it at the line's beginning: "No, Otto: stay." is spoken by Otto.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.search(r"(\w[\w ]*):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: label_capitalized
# "Two labels are the same where all of their letters are, small or large."
# Capitalizes the label that was written and leaves those of the cast: "Lotte Lund" is never found in her own cast.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    labels = [label(character) for character in cast]
    if any(match[1].capitalize() not in labels for match in spoken):
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: the_taken_off_what_was_written
# ""new character": a line below the first is spoken by somebody whose label is none of the cast's labels"
# Puts the written label through `label` too: "The guide:" or "the guide:" passes for "Guide:".
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    labels = {label(character).lower() for character in cast}
    if any(label(match[1].lower()).lower() not in labels for match in spoken):
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: named_between_word_boundaries
# "all of its words, whole and side by side ...: what a word is, the helper `words` says"
# Searches with \b, for which a hyphen ends a word: "twenty-one" names "one".
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")

    def named(value):
        return re.search(rf"\b{re.escape(value)}\b", first, re.IGNORECASE) is not None

    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(map(named, rivals)):
        return WRONG
    return RIGHT if named(answer) else NO_ANSWER


# %% wrong: words_anywhere_in_the_line
# "To *name* a value is to have its words side by side and whole"
# A value is named where each of its words is in the line, side by side or not.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    said = set(words(first))
    if any(said.issuperset(words(rival)) for rival in rivals):
        return WRONG
    return RIGHT if said.issuperset(words(answer)) else NO_ANSWER


# %% wrong: rival_within_the_answer_excused
# ""wrong": the first line names a rival, whatever else it names"
# Passes over a rival whose words are within the answer, such as "smith" within "black smith".
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals if not names(answer, rival)):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: last_line_excused_as_cut_off
# "or a line below the first is spoken by nobody"
# Does not judge a last line without a colon, since the model may have been cut off within the label.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if further and re.fullmatch(r"[\w ]*", further[-1]):
        further.pop()
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: label_taken_off_the_first_line
# "The first line has no label."
# Takes what looks like a label off the first line too: "Ten: that is how many." names nothing any more.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    first = re.sub(r"^[\w ]+:", "", first)
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: first_line_with_something_in_it
# "All that the model wrote is judged"; "the first line names the answer" (an empty first line is the first line)
# Strips what was written, so that the first line that is not empty becomes the first.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.strip().split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: labels_of_two_words_at_most
# "A label is one word or several"
# Knows labels of one word or two: "Old miller 2: Hm." is spoken by nobody.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"(\w+(?: \w+)?):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: cast_by_its_last_words
# "somebody whose label is none of the cast's labels"
# Takes a label for known where it ends one of the cast's names: "Miller" passes for "the old miller", "Lund" for Lotte.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in spoken:
        return LEFT
    for match in spoken:
        if not any(f" {label(character)}".lower().endswith(f" {match[1]}".lower()) for character in cast):
            return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% right: sign_by_sign_too
# No regular expression for labels: partition at the colon, isalnum for each sign; a sorted list of severities, the worst last.
def classify_failure(written, answer, cast, rivals=(), end=END):
    if isinstance(cast, str):
        raise ValueError("cast")
    if isinstance(rivals, str):
        raise ValueError("rivals")
    order = [NO_ANSWER, RIGHT, WRONG, NEW_CHARACTER, LEFT]
    found = [0]
    labels = [label(character).lower() for character in cast]
    if written.find(end) >= 0:
        found.append(4)
    rows = written.split("\n")
    for row in rows[1:]:
        if len(row) == 0:
            continue
        front, colon, _ = row.partition(":")
        parts = front.split(" ")
        if not colon or not any(parts) or not all(sign.isalnum() for part in parts for sign in part):
            found.append(4)
        elif labels.count(front.lower()) == 0:
            found.append(3)
    found += [2 for rival in rivals if names(rows[0], rival)]
    found += [1 for _ in range(names(rows[0], answer))]
    return order[max(found)]


# %% right: padded_words_and_a_table
# Names a value where its words between bars are part of the line's words between bars; a table of pairs, the first that applies.
def classify_failure(written, answer, cast, rivals=(), end=END):
    if any(type(texts) is str or isinstance(texts, str) for texts in (cast, rivals)):
        raise ValueError("one text")

    def barred(text):
        return "|" + "|".join(words(text)) + "|"

    cut = written.find("\n")
    first, rest = (written, "") if cut < 0 else (written[:cut], written[cut + 1 :])
    said = barred(first)
    known = frozenset(label(character).casefold() for character in cast)
    speakers = []
    for line in rest.split("\n"):
        if line != "":
            match = re.fullmatch(r"((?:[^\W_]| )*[^\W_](?:[^\W_]| )*):.*", line, re.DOTALL)
            speakers.append(match and match.group(1).casefold())
    table = (
        (LEFT, end in written or any(speaker is None for speaker in speakers)),
        (NEW_CHARACTER, not known.issuperset(speakers)),
        (WRONG, any(barred(rival) in said for rival in rivals)),
        (RIGHT, barred(answer) in said),
        (NO_ANSWER, True),
    )
    return next(outcome for outcome, applies in table if applies)


# %% right: one_pattern_for_the_whole
# One regular expression in multi-line mode gathers the lines below the first, and numpy compares windows of words.
def classify_failure(written, answer, cast, rivals=(), end=END):
    import numpy as np

    if isinstance(cast, str) or isinstance(rivals, str):
        raise ValueError("one text")
    first, _, rest = written.partition("\n")

    def named(value):
        said, wanted = np.array(words(first), dtype=object), np.array(words(value), dtype=object)
        if len(wanted) > len(said) or not len(wanted):
            return False
        windows = np.lib.stride_tricks.sliding_window_view(said, len(wanted))
        return bool((windows == wanted).all(axis=1).any())

    if end in written or re.search(r"^(?!\n|\Z)(?![\w ]+:)", rest, re.MULTILINE):
        return LEFT
    cast_labels = {label(character).lower() for character in cast}
    for found in re.finditer(r"^([\w ]+):", rest, re.MULTILINE):
        if found[1].lower() not in cast_labels:
            return NEW_CHARACTER
    if len([rival for rival in rivals if named(rival)]):
        return WRONG
    return (NO_ANSWER, RIGHT)[named(answer)]


# %% wrong: end_at_the_end_only
# "the mark `end` stands anywhere in it"
# Looks for the mark at the end of what was written only.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if written.rstrip().endswith(end):
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: end_in_any_letters
# "the mark `end` stands anywhere in it, sign for sign"
# Finds the mark in small letters or large.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end.lower() in written.lower():
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: end_is_a_pattern
# "the mark `end` stands anywhere in it, sign for sign"
# Takes the mark for a regular expression: [end], ... or | mean something else.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if re.search(end, written):
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: end_as_a_word
# "the mark `end` stands anywhere in it, sign for sign"
# Looks for the mark among the words: <END> counts, and a mark without words, such as ###, is always found.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if names(written, end):
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: whatever_stands_before_a_colon
# "A label is one word or several, of letters in any alphabet and digits, with spaces and no other sign among them."
# Takes all in front of the first colon for a label: No, Otto: is a new character.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([^:]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: label_anywhere_in_the_line
# "Somebody speaks a line that begins with a label and a colon"
# Searches for a label in the line: (aside) Otto: is Otto's.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.search(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).strip().lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: letters_from_a_to_z
# "of letters in any alphabet"
# Only a to z: Zoë: is nobody.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([A-Za-z0-9 ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: no_digits_in_labels
# "of letters in any alphabet and digits"
# Letters only: Guard 2: is nobody.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"((?:[^\W\d_]| )+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: space_behind_the_colon
# "a label and a colon, whatever comes behind it"
# Wants a space behind the colon: Otto: cut off there is nobody.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+): ", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: two_words_at_most
# "A label is one word or several"
# A label has two words at most.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"(\w+(?: \w+)?):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: up_to_the_last_colon
# "Somebody speaks a line that begins with a label and a colon, whatever comes behind it"
# Takes all up to the last colon for the label: Otto: I say: no.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.fullmatch(r"([\w ]+)", line.rpartition(":")[0])
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: names_are_labels_too
# "whose label is none of the cast's labels"
# The guide: is let pass for the guide, whose label is Guide.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {its.lower() for character in cast for its in (character, label(character))}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: spoken_label_capitalised
# "Two labels are the same where all of their letters are, small or large."
# Makes the spoken label's first letter large and the rest small, and the cast's not: McLeod is a stranger.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character) for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).capitalize() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% right: answer_is_no_rival
# "the first line names a rival, whatever else it names"
# Takes the answer off the rivals, where it is one of them.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals if words(rival) != words(answer)):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: rivals_in_the_answer_are_let_pass
# "also where the rival is part of the answer"
# Takes the answer out of the line before it looks for rivals.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(re.sub(re.escape(answer), "|", first, flags=re.I), rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: white_space_at_the_start_stripped
# "The first line" (which may be empty)
# Strips what was written: after a line break at once, the second line is taken for the first.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.strip().split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: label_taken_off_the_first_line_too
# "The first line has no label."
# Takes a label off the first line: Two: no, ten. is right.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = re.sub(r"^[\w ]+:", "", written).split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: bounds_of_words
# "To name a value is to have all of its words, whole ...: what a word is, the helper `words` says."
# Uses \\b: one is found in twenty-one.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(re.search(rf"\b{re.escape(rival)}\b", first, re.I) for rival in rivals):
        return WRONG
    return RIGHT if re.search(rf"\b{re.escape(answer)}\b", first, re.I) else NO_ANSWER


# %% wrong: words_anywhere_too
# "have all of its words, whole and side by side"
# The words of a value may stand anywhere in the line.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(set(words(rival)) <= set(words(first)) for rival in rivals):
        return WRONG
    return RIGHT if set(words(answer)) <= set(words(first)) else NO_ANSWER


# %% wrong: the_mark_of_the_village_always
# "the mark `end` stands anywhere in it"
# Looks for the village's mark too, where another one is given.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written or END in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or said.group(1).lower() not in present
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: stranger_cut_off_at_the_colon
# "The worst that applies counts"
# A stranger's line is a new character only if the line is longer than its label.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    if end in written:
        return LEFT
    present, stranger = {label(character).lower() for character in cast}, False
    for line in further:
        if not line:
            continue
        said = re.match(r"([\w ]+):", line)
        if said is None:
            return LEFT
        stranger = stranger or (said.group(1).lower() not in present and line != said.group(0))
    if stranger:
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% right: worst_of_all
# Judges every line by itself, gives all outcomes their rank, and takes the worst; no regular expression.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    ranks = {NO_ANSWER: 0, RIGHT: 1, WRONG: 2, NEW_CHARACTER: 3, LEFT: 4}
    labels = [label(character).lower() for character in cast]
    lines = written.split("\n")

    def judge(line):
        before, colon, _ = line.partition(":")
        if not colon or not before or not all(sign.isalnum() or sign == " " for sign in before):
            return LEFT
        return NO_ANSWER if before.lower() in labels else NEW_CHARACTER

    said = f" {' '.join(words(lines[0]))} "
    found = [judge(line) for line in lines[1:] if line != ""]
    found += [RIGHT] * (f" {' '.join(words(answer))} " in said) + [NO_ANSWER]
    found += [WRONG for rival in rivals if f" {' '.join(words(rival))} " in said]
    found += [LEFT] * (written.find(end) >= 0)
    return max(found, key=ranks.get)


# %% right: patterns_over_the_whole_text
# Regular expressions with MULTILINE over all that stands below the first line.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, _, rest = written.partition("\n")
    speech = re.compile(r"^([^\W_]+(?: [^\W_]+)*):.*$", re.MULTILINE)
    if written.count(end) or speech.sub("", rest).strip("\n"):
        return LEFT
    known = frozenset(map(str.lower, map(label, cast)))
    if not known.issuperset(who.lower() for who in speech.findall(rest)):
        return NEW_CHARACTER
    if sum(names(first, rival) for rival in rivals):
        return WRONG
    return (NO_ANSWER, RIGHT)[names(first, answer)]


# %% right: upper_case
# Compares labels in large letters, and asks for the names first, though they count last.
def classify_failure(written, answer, cast, rivals=(), end=END):
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *below = written.split("\n")
    outcome = WRONG if [r for r in rivals if names(first, r)] else RIGHT if names(first, answer) else NO_ANSWER
    cast_labels = [label(c).upper() for c in sorted(cast)]
    for line in filter(None, below):
        who = re.fullmatch(r"([\w ]+?):(.*)", line, re.DOTALL)
        if not who:
            return LEFT
        if who[1].upper() not in cast_labels:
            outcome = NEW_CHARACTER
    return outcome if end not in written else LEFT


# %% wrong: end_looked_up_as_a_word
# "the mark `end` stands anywhere in it, sign for sign"
# written "Ten, not <END>." (in large letters): "left the play" instead of "right"; and end "***", which has no words, always ends the play
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if names(written, end) or None in spoken:
        return LEFT
    labels = {label(character).lower() for character in cast}
    if any(match[1].lower() not in labels for match in spoken):
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: stripped_before_it_is_split
# "- "right": the first line names the answer and no rival."
# written "\nOtto: Ten." with answer "ten": "right" instead of "no answer", since the first line, which is empty, was taken off
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    if end in written:
        return LEFT
    first, *further = written.strip().split("\n")
    labels = {label(character).lower() for character in cast}
    outcome = None
    for line in further:
        if not line:
            continue
        match = re.match(r"([\w ]+):", line)
        if match is None:
            return LEFT
        if match[1].lower() not in labels:
            outcome = NEW_CHARACTER
    if outcome:
        return outcome
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: rival_within_the_answer_forgiven
# "A rival that is part of the answer, such as *smith* of *black smith*, is named with it: wrong."
# written "A black smith.", answer "black smith", rivals ("smith",): "right" instead of "wrong"
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    spoken = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or not all(spoken):
        return LEFT
    if not {match[1].lower() for match in spoken} <= {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    # a rival whose words are the answer's own says nothing against it
    rivals = [rival for rival in rivals if not names(answer, rival)]
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: word_boundaries_of_re
# "What a word is, the helper `words` of exercise 2 says: *twenty-one* is one, so that *one* is not named there."
# written "Twenty-one.", answer "twenty-one", rivals ("one",): "wrong" instead of "right"; written "Twenty-one.", answer "one": "right" instead of "no answer"
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")

    def named(value: str) -> bool:
        pattern = r"\W+".join(re.escape(word) for word in value.split())
        return re.search(rf"\b{pattern}\b", first, re.IGNORECASE) is not None

    speakers = []
    for line in further:
        if line:
            match = re.match(r"([\w ]+):", line)
            speakers.append(match and match[1].lower())
    if end in written or None in speakers:
        return LEFT
    if set(speakers) - {label(character).lower() for character in cast}:
        return NEW_CHARACTER
    if any(map(named, rivals)):
        return WRONG
    return RIGHT if named(answer) else NO_ANSWER


# %% wrong: capital_in_front_only
# "Two labels are the same where all of their letters are, small or large."
# cast ("Anna Maria", "the guide"), written "Ten.\nAnna Maria: Thank you.": "new character" instead of "right"
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    labels = [label(character) for character in cast]
    speakers = [re.match(r"([\w ]+):", line) for line in further if line != ""]
    if end in written or any(speaker is None for speaker in speakers):
        return LEFT
    # "OTTO" and "otto" are Otto: labels are written as `label` writes them
    if any(speaker.group(1).capitalize() not in labels for speaker in speakers):
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER


# %% wrong: rivals_in_all_lines
# "- "wrong": the first line names a rival, whatever else it names"
# written "Ten.\nOtto: Not two?", answer "ten", rivals ("two",): "wrong" instead of "right"
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    first, *further = written.split("\n")
    labels = {label(character).lower() for character in cast}
    speakers = [re.match(r"([\w ]+):", line) for line in further if line]
    if end in written or None in speakers:
        return LEFT
    if any(speaker[1].lower() not in labels for speaker in speakers):
        return NEW_CHARACTER
    if any(names(written, rival) for rival in rivals):
        return WRONG
    if names(first, answer):
        return RIGHT
    return NO_ANSWER


# %% right: the_worst_by_number
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    if isinstance(cast, str) or isinstance(rivals, str):
        raise ValueError("a list, not one text")
    known = {label(character).casefold() for character in cast}

    def below(line: str) -> int:
        """How bad a line below the first is: 0 where it counts for nothing."""
        name, colon, _ = line.partition(":")
        if not line:
            return 0
        if not colon or not name or not all(sign.isalnum() or sign == " " for sign in name):
            return 4
        return 0 if name.casefold() in known else 3

    break_at = written.find("\n")
    first, rest = (written, "") if break_at < 0 else (written[:break_at], written[break_at + 1 :])
    said = "\0".join(["", *words(first), ""])

    def named(value: str) -> bool:
        return "\0".join(["", *words(value), ""]) in said

    worst = [1 if named(answer) else 0]
    worst += [2 for rival in rivals if named(rival)]
    worst += map(below, rest.split("\n"))
    worst += [4] * (written.find(end) >= 0)
    return (NO_ANSWER, RIGHT, WRONG, NEW_CHARACTER, LEFT)[max(worst)]


# %% right: one_pattern_for_the_rest
def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    for texts in (cast, rivals):
        if isinstance(texts, str):
            raise ValueError(f"{texts!r} is one text")
    if len(written.split(end)) > 1:
        return LEFT
    name = r"[^\W_]+(?: +[^\W_]+)*"
    spoken = re.compile(rf"(?:\n(?:{name}:[^\n]*)?)*")
    first = re.match(r"[^\n]*", written)[0]
    rest = written[len(first) :]
    if not spoken.fullmatch(rest):
        return LEFT
    there = [label(character).lower() for character in cast]
    for found in re.finditer(rf"\n({name}):", rest):
        if there.count(found[1].lower()) == 0:
            return NEW_CHARACTER
    said = words(first)
    runs = {tuple(said[i:j]) for i in range(len(said)) for j in range(i + 1, len(said) + 1)}
    if not runs.isdisjoint(tuple(words(rival)) for rival in rivals):
        return WRONG
    return RIGHT if tuple(words(answer)) in runs else NO_ANSWER
