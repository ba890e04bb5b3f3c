# %% wrong: letter_by_letter
# "and where the question is itself among the examples, in whatever letters: the answer would only be copied."
# Questions are compared as texts, so that capitals make another question.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if question in [asked for asked, _ in examples]:
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: signs_make_a_difference
# "Two questions are the same where their `words` are."
# Compared in small letters, but with spaces and signs: without its question mark it is another question.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(asked.lower() == question.lower() for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: examples_in_a_dict
# "the examples come in their order, the question after them."
# Examples are kept in a dict by their question, so that one asked twice stands there once, with its last answer.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in dict(examples).items():
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: the_second_answers
# "The first of the cast asks and the last answers, however many are present."
# The first two of the cast speak; right where there are only two.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    asks, answers = cast[0], cast[1]
    lines = [line for asked, answer in examples for line in ((asks, asked), (answers, answer))]
    return render_playscript(place, cast, [*lines, (asks, question)], answers)


# %% wrong: all_ask_in_turn
# "Otto says nothing."
# All but the last of the cast ask, one after the other.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    *askers, answers = cast
    lines = []
    for i, (asked, answer) in enumerate(examples):
        lines += [(askers[i % len(askers)], asked), (answers, answer)]
    return render_playscript(place, cast, [*lines, (askers[len(examples) % len(askers)], question)], answers)


# %% wrong: no_examples_no_prompt
# "examples    pairs (question, answer), none of them too"
# A few-shot prompt without examples is refused.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if not examples:
        raise ValueError("there are no examples")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: refuses_longer_questions
# "raises ValueError for a cast of fewer than two, and where the question is among the examples"
# Refuses the question where its words stand anywhere within an example's longer question.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    wanted = " ".join(words(question))
    if any(wanted in " ".join(words(asked)) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: same_words_in_another_order
# "an example that holds the very question makes every model look good."
# Questions are compared as sets of words: who gave Otto to Nell is who gave Nell to Otto.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(set(words(asked)) == set(words(question)) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: one_talks_to_herself
# "Raises ValueError where the cast is fewer than two"
# Only an empty cast is refused; one alone asks and answers.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if not cast:
        raise ValueError("the cast is empty")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: leaves_the_example_out
# "With the question `WHO MADE THE PISTOL?` there is no prompt but a ValueError."
# The example that holds the question is silently left out.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    examples = [(asked, answer) for asked, answer in examples if words(asked) != words(question)]

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: only_the_last_example_is_looked_at
# "and where the question is itself among the examples"
# Only the example just in front of the question is compared with it.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if examples and words(examples[-1][0]) == words(question):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: answers_are_taken_for_questions
# "where the question is among the examples, in whatever letters"
# Answers are compared with the question too, so that a question that was an answer is refused.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(words(question) == words(text) for example in examples for text in example):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% right: by_the_shorter_play
# The play without the last question is written first; what is missing is put behind it.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    asks, *_, answers = cast if len(cast) > 1 else (None, None)
    if asks is None:
        raise ValueError("a cast of two at least, please")
    said = ["/".join(words(asked)) for asked, _ in examples]
    if said.count("/".join(words(question))):
        raise ValueError("this question has been answered already")
    turns = [turn for pair in examples for turn in zip((asks, answers), pair)]
    start = render_playscript(place, cast, turns, asks)
    end = render_playscript(place, cast, [], answers).rsplit("\n", 1)[1]
    return start + " " + question + "\n" + end


# %% right: all_by_hand
# Without the function above: the whole text is written here.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if isinstance(cast, str) or len(cast) <= 1:
        raise ValueError("a cast of two at least, please")
    def key(text):
        return tuple(words(text))
    def label(character):
        name = character[len("the ") :] if character[:4] == "the " else character
        return name[:1].upper() + name[1:]
    if key(question) in {key(example[0]) for example in examples}:
        raise ValueError("this question has been answered already")
    present = ", ".join(cast[i] for i in range(len(cast) - 1)) + " and " + cast[len(cast) - 1]
    rows = ["A scene at the " + place, "Present: " + present + "."]
    for example in examples:
        rows.extend([f"{label(cast[0])}: {example[0]}", f"{label(cast[-1])}: {example[1]}"])
    rows.extend([f"{label(cast[0])}: {question}", label(cast[-1]) + ":"])
    return str.join("\n", rows)
