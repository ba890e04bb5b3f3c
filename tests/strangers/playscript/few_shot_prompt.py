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


# %% wrong: a_blank_line_between_examples
# "It is written as `render_playscript` writes it."
# An empty line stands between the examples and the question.
def words(text):
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"the question is among the examples: {question}")

    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    text = render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])
    head, question_line, end = text.rsplit("\n", 2)
    return f"{head}\n\n{question_line}\n{end}" if examples else text


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


# %% wrong: examples_through_a_dict
# "The examples come in their order, none of them left out"
# A dict keeps one answer for each question: of two examples with the very same question one is lost.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    answers = dict(examples)
    if words(question) in [words(asked) for asked in answers]:
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in answers.items():
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: questions_compared_as_sets
# "two are the same where their `words` are" (lists of words, in their order)
# Compares sets of words, so that "Did Nell see Otto?" is refused after "Did Otto see Nell?".
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(set(words(asked)) == set(words(question)) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: signs_ignored_at_the_ends_only
# "in whatever letters and signs" / "signs and spaces make no difference"
# Small letters, signs and spaces taken off the ends: a comma or two spaces inside make another question.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    def plain(text):
        return text.lower().strip(" \n\t?!.,;:\"'")

    if plain(question) in {plain(asked) for asked, _ in examples}:
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: refuses_what_an_example_contains
# "where the question is itself one of the examples' questions"
# Refuses a question whose words stand side by side within an example's longer question.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    wanted = " ".join(words(question))
    for asked, _ in examples:
        if wanted in " ".join(words(asked)):
            raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: answers_begin_large
# "It is written as `render_playscript` writes it" ("what was said, as it is")
# Writes the answers of the examples with a large first letter.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer[:1].upper() + answer[1:])]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: ascii_letters_only
# "two are the same where their `words` are"
# Compares by letters a to z alone: "Who made bell 1?" is refused after "Who made bell 2?".
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    def plain(text):
        return re.sub(r"[^a-z ]", "", text.lower()).split()

    if any(plain(asked) == plain(question) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: unzip_needs_an_example
# "a list or tuple of pairs (question, answer), which may be empty"
# Unpacks zip(*examples), which raises ValueError where there are none.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    questions, answers = zip(*examples)
    if words(question) in map(words, questions):
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in zip(questions, answers):
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: apostrophes_and_hyphens_ignored
# "two are the same where their `words` are" (the helper keeps ' and - inside a word)
# Takes out all signs before it compares: "Is that one re-formed?" equals "Is that one reformed?".
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    def plain(text):
        return re.sub(r"[^\w\s]", "", text).lower().split()

    if plain(question) in [plain(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: question_tidied
# "It is written as `render_playscript` writes it" ("what was said, as it is")
# Takes spaces off the question and puts a question mark where it has none.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples")
    question = question.strip()
    if not question.endswith("?"):
        question += "?"
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: answers_refused_too
# "where the question is itself one of the examples' questions"
# Refuses too a question that is one of the examples' answers, since all that was said is searched.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    lines = []
    for asked, answer in examples:
        lines += [(cast[0], asked), (cast[-1], answer)]
    if any(words(said) == words(question) for _, said in lines):
        raise ValueError(f"{question!r} is one of the examples")
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% right: head_from_render_then_by_hand
# Takes render_playscript for the head with no lines, cuts its last line off and goes on by hand.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("the cast is too small")
    asks, answers = label(cast[0]), label(cast[-1])
    key = "\0".join(words(question))
    text = render_playscript(place, cast, (), cast[-1]).removesuffix(f"{answers}:")
    for i in range(len(examples)):
        if "\0".join(words(examples[i][0])) == key:
            raise ValueError("the question is an example")
        text += "%s: %s\n%s: %s\n" % (asks, examples[i][0], answers, examples[i][1])
    return text + asks + ": " + question + "\n" + answers + ":"


# %% right: chained_and_hashed
# Lines by chaining, zip with a cycle of two speakers, the questions in a dict from tuples of words.
def few_shot_prompt(place, cast, examples, question):
    import itertools

    asks, *rest = cast if len(cast) else [None]
    if not rest:
        raise ValueError("nobody is there to answer")
    answers = rest.pop()
    known = {tuple(words(its)): its for its, _ in reversed(examples)}
    if (its := known.get(tuple(words(question)))) is not None:
        raise ValueError(f"{its!r} is that very question")
    said = [*itertools.chain.from_iterable(examples), question]
    return render_playscript(place, cast, tuple(zip(itertools.cycle((asks, answers)), said)), answers)


# %% right: by_recursion
# One example is taken off the front for each call of an inner function that gathers the lines; the test comes last.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) <= 1:
        raise ValueError("too few")

    def play(rest):
        if not rest:
            return ((cast[0], question),)
        (asked, answer), *rest = rest
        return ((cast[0], asked), (cast[-1], answer), *play(rest))

    text = render_playscript(place, cast, play(list(examples)), cast[-1])
    if [asked for asked, _ in examples if words(asked) == words(question)]:
        raise ValueError("asked already")
    return text


# %% wrong: signs_at_the_ends_only
# "two are the same where their `words` are ... and with whatever signs and spaces around those"
# Compares in small letters without signs and spaces at the two ends; between the words they count.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    def plain(text):
        return text.lower().strip(" .,;:!?\"'\n\t")

    if plain(question) in [plain(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: same_words_in_any_order
# "Two questions are the same where their `words` are"
# Compares sets of words: a question with the same words in another order is refused.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if set(words(question)) in [set(words(asked)) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: hyphens_do_not_count
# "Signs within a word do: *twenty-one* is not *twenty one*."
# All signs become spaces before the comparison.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    def plain(text):
        return re.sub(r"\W+", " ", text.lower()).split()

    if plain(question) in [plain(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: words_run_together
# "Two questions are the same where their `words` are"
# Compares the words joined without a space: an other and another are the same.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    asked_already = {"".join(words(asked)) for asked, _ in examples}
    if "".join(words(question)) in asked_already:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: answers_count_as_questions
# "where the question is itself one of the examples' questions"
# Refuses a question that stands among the answers, too.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(words(question) == words(text) for example in examples for text in example):
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: part_of_an_example_is_refused
# "where the question is itself one of the examples' questions"
# Refuses a question whose words begin an example's question.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    asks = words(question)
    if any(words(asked)[: len(asks)] == asks for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: examples_in_a_dictionary
# "The examples come in their order, none of them left out"
# Two examples of the same question become one, with the later answer.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if words(question) in [words(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = []
    for asked, answer in dict(examples).items():
        lines += [(cast[0], asked), (cast[-1], answer)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: two_of_different_names
# "Raises ValueError where the cast is fewer than two" (somebody may be in it twice)
# Raises for a cast of two with the same name.
def few_shot_prompt(place, cast, examples, question):
    if len(set(cast)) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if words(question) in [words(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: texts_are_tidied
# "It is written as `render_playscript` writes it" (what was said, as it is)
# Strips the question and the examples.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if words(question) in [words(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked.strip()), (cast[-1], answer.strip()))]
    return render_playscript(place, cast, [*lines, (cast[0], question.strip())], cast[-1])


# %% right: letters_folded
# "two are the same where their `words` are" (which makes letters small, no more)
# Folds letters first: Straße and STRASSE are the same.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(words(question.casefold()) == words(asked.casefold()) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: no_answer_no_example
# "The examples come in their order, none of them left out"
# Leaves out an example whose answer is empty.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if words(question) in [words(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples' questions: the answer would only be copied")
    lines = [line for asked, answer in examples if answer for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% wrong: asserts
# "Raises ValueError where ... the question is itself one of the examples' questions"
# An assert, which raises AssertionError.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    assert all(words(asked) != words(question) for asked, _ in examples), "the answer would only be copied"
    lines = [line for asked, answer in examples for line in ((cast[0], asked), (cast[-1], answer))]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])


# %% right: one_example_at_a_time
# Loops, counts words with tuples in a set, compares before anything is written.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    asker, *_, answerer = cast
    said = []
    asks = tuple(words(question))
    for pair in examples:
        if tuple(words(pair[0])) == asks:
            raise ValueError("this has been asked and answered")
        said.extend(zip((asker, answerer), pair))
    said.append((asker, question))
    return render_playscript(place, cast, said, answerer)


# %% right: text_by_hand_on_a_short_play
# Lets render_playscript write a play without lines, and puts the lines in before the last label by hand.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if list(filter(lambda example: words(example[0]) == words(question), examples)):
        raise ValueError("known already")
    empty = render_playscript(place, cast, (), cast[-1])
    head = empty[: len(empty) - len(label(cast[-1])) - 1]
    flat = [text for example in examples for text in example] + [question]
    spoken = [f"{label(cast[-(i % 2)])}: {text}\n" for i, text in enumerate(flat)]
    return head + "".join(spoken) + label(cast[-1]) + ":"


# %% right: padded_words
# Compares the words joined by line breaks, which no word holds.
def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    key = "\n".join(words(question))
    if key in {"\n".join(words(example[0])): None for example in examples}:
        raise ValueError(question)
    return render_playscript(
        place, tuple(cast), sum([[(cast[0], q), (cast[-1], a)] for q, a in examples], []) + [(cast[0], question)], cast[-1]
    )


# %% wrong: only_the_ends_stripped
# "two are the same where their `words` are, in whatever letters, and with whatever signs and spaces around those"
# the example "Who, then, made the bell?" and the question "who then  made the bell": a prompt comes out instead of a ValueError
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    def plain(text: str) -> str:
        return text.lower().strip(" \t\n.,;:?!\"'()")

    if plain(question) in [plain(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    lines = []
    for asked, answered in examples:
        lines += [(cast[0], asked), (cast[-1], answered)]
    lines.append((cast[0], question))
    return render_playscript(place, cast, lines, cast[-1])


# %% wrong: words_in_any_order
# "Two questions are the same where their `words` are"
# the example "Is Nell older than Otto?" and the question "Is Otto older than Nell?": a ValueError instead of a prompt
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    seen = {frozenset(words(asked)) for asked, _ in examples}
    if frozenset(words(question)) in seen:
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    asker, answerer = cast[0], cast[-1]
    lines = [line for asked, answered in examples for line in ((asker, asked), (answerer, answered))]
    return render_playscript(place, cast, [*lines, (asker, question)], answerer)


# %% wrong: each_once_before_roles
# "The first of the cast asks and the last answers, however many are present."
# cast ("Nell", "Otto", "Nell"): Otto answers instead of Nell
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    if any(words(asked) == words(question) for asked, _ in examples):
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    asker, *_, answerer = dict.fromkeys(cast)
    lines = []
    for asked, answered in examples:
        lines.append((asker, asked))
        lines.append((answerer, answered))
    lines.append((asker, question))
    return render_playscript(place, cast, lines, answerer)


# %% wrong: examples_in_a_dict_again
# "The examples come in their order, none of them left out, then the question"
# examples with one question twice, [("Who is it?", "Otto."), ("Where?", "Here."), ("Who is it?", "Nell.")]: two examples come out, the first with the answer "Nell."
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    shown = dict(examples)
    if words(question) in map(words, shown):
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    lines = []
    for asked in shown:
        lines += [(cast[0], asked), (cast[-1], shown[asked])]
    return render_playscript(place, cast, lines + [(cast[0], question)], cast[-1])


# %% wrong: answers_count_as_asked
# "raises ValueError for a cast of fewer than two, and where the question is one of the examples' questions"
# the example ("Who made the pistol?", "Who knows?") and the question "Who knows?": a ValueError instead of a prompt
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    asker, answerer = cast[0], cast[-1]
    lines = []
    for exchange in examples:
        lines += zip((asker, answerer), exchange)
    if any(words(said) == words(question) for _, said in lines):
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    lines.append((asker, question))
    return render_playscript(place, cast, lines, answerer)


# %% wrong: joined_words_taken_apart
# "Signs within a word do: *twenty-one* is not *twenty one*."
# the example "Who has twenty-one coins?" and the question "Who has twenty one coins?": a ValueError instead of a prompt
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")

    def key(text: str) -> list[str]:
        return re.findall(r"\w+", text.lower())

    for asked, _ in examples:
        if key(asked) == key(question):
            raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    lines = []
    for asked, answered in examples:
        lines.extend([(cast[0], asked), (cast[-1], answered)])
    lines.append((cast[0], question))
    return render_playscript(place, cast, lines, cast[-1])


# %% wrong: question_tidied_again
# "It is written as `render_playscript` writes it." (and there "what was said, as it is")
# the question "  Who made the bell? ": it stands in the prompt without its spaces
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    question = question.strip()
    if words(question) in [words(asked) for asked, _ in examples]:
        raise ValueError(f"{question!r} is one of the examples: its answer would only be copied")
    lines = []
    for asked, answered in examples:
        lines += [(cast[0], asked), (cast[-1], answered)]
    lines += [(cast[0], question)]
    return render_playscript(place, cast, lines, cast[-1])


# %% right: roles_in_turn
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    from itertools import chain, cycle

    if len(cast) < 2:
        raise ValueError("two at least")
    wanted = words(question)
    said = [*chain.from_iterable(examples), question]
    if wanted in [words(text) for text in said[:-1:2]]:
        raise ValueError("that has been answered")
    # one after the other, question and answer: the two of them take turns
    return render_playscript(place, cast, list(zip(cycle((cast[0], cast[-1])), said)), cast[-1])


# %% right: grown_from_the_shorter_prompt
def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    asker, *between = cast
    if not between:
        raise ValueError("nobody is there to answer")
    answerer = between[-1]
    for number in range(len(examples)):
        if tuple(words(examples[number][0])) == tuple(words(question)):
            raise ValueError(f"example {number} is the question")
    text = render_playscript(place, cast, (), asker)
    for asked, answered in examples:
        text += f" {asked}\n{label(answerer)}: {answered}\n{label(asker)}:"
    return f"{text} {question}\n{label(answerer)}:"
