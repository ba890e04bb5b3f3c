"""The checks of the playscript topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a play that has got further begins as it did, a stop only cuts, what somebody says below the
first line does not answer the question. Then the text, sign by sign. Names and words are made up of syllables, so that
none stands in another by chance, and what is written comes from a model that goes on with a script as long as it has
read all of it, in order and once: whoever reads otherwise gets something else.
"""

import re
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Topic
from autograder.checks.prediction import ending

playscript = Topic("playscript")
check = playscript.try_out

END = "<end>"  # the mark after each text, where nothing else is said
SYLLABLES = [first + second for first in "bdfgklmnprstvz" for second in "aeiou"]


def some_words(rng: torch.Generator, n: int) -> list[str]:
    """Words of six letters that all begin differently."""
    first = torch.randperm(len(SYLLABLES), generator=rng)[:n].tolist()
    rest = torch.randint(len(SYLLABLES), (n, 2), generator=rng).tolist()
    return ["".join(SYLLABLES[i] for i in (one, *others)) for one, others in zip(first, rest)]


def some_lines(rng: torch.Generator, n: int) -> list[str]:
    """Sentences of two to four words."""
    lengths = torch.randint(2, 5, (n,), generator=rng).tolist()
    return [" ".join(some_words(rng, length)).capitalize() + "." for length in lengths]


def cast_of(words: Sequence[str]) -> list[str]:
    """Characters, one fewer than there are words: the last has an article and two of them, as in "the old miller"."""
    *people, first, second = words
    return [*(name.capitalize() for name in people), f"the {first} {second}"]


def some_cast(rng: torch.Generator, n: int) -> list[str]:
    """A cast of n."""
    return cast_of(some_words(rng, n + 1))


def mistakes_of(exercise: str, build: Callable) -> Callable[..., None]:
    """How the mistakes of an exercise are made known: by a name, a hint, and the part in which `build` is wrong."""

    def register(name: str, hint: str, **wrong_part) -> None:
        def mistaken(*args, **more):
            return build(*args, **more, **wrong_part)

        mistaken.__name__ = name
        playscript.mistake(exercise, hint=hint)(mistaken)

    return register


# --- render_playscript -------------------------------------------------------------------------------------


@playscript.check("render_playscript", points=0.25)
def the_heading_and_the_lines(render_playscript, rng):
    """The scene comes first, and from the third line on each line stands behind its speaker's label and a colon."""
    (place,), cast, said = some_words(rng, 1), some_cast(rng, 3), some_lines(rng, 4)
    text = render_playscript(place, cast, list(zip([cast[0], cast[2], cast[0], cast[1]], said)), cast[2])
    lines = [line.rstrip() for line in text.rstrip().split("\n")]
    return {"the first line": lines[0], "what is spoken": lines[2:-1], "how many lines there are": len(lines)}


@playscript.check("render_playscript", points=0.25)
def who_is_present(render_playscript, rng):
    """All of the cast are there, whoever speaks, as they are called and in their order, the last after "and"."""
    seen = {}
    for n in (1, 2, 3, 5):
        (place,), cast, (line,) = some_words(rng, 1), some_cast(rng, n), some_lines(rng, 1)
        text = render_playscript(place, cast, [(cast[-1], line)], cast[0])
        seen[f"the second line, {n} present"] = text.split("\n")[1]
    return seen


@playscript.check("render_playscript", points=0.25)
def it_breaks_off_at_a_colon(render_playscript, rng):
    """The last line is the label of who goes on, and a colon: the text ends there, without a space or a line break."""
    (place,), cast, said = some_words(rng, 1), some_cast(rng, 3), some_lines(rng, 2)
    lines = list(zip(cast[1:], said))
    return {
        "the end, a name": render_playscript(place, cast, lines, cast[1]).rpartition("\n")[2],
        "the end, a role": render_playscript(place, cast, lines, cast[2]).rpartition("\n")[2],
        "the end where nobody has spoken": render_playscript(place, cast, [], cast[0]).rpartition("\n")[2],
    }


@playscript.check("render_playscript", points=0.25)
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


def label(character: str) -> str:
    """As the notebook gives it."""
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


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


playscript.given("render_playscript")(play)
play_mistake = mistakes_of("render_playscript", play)

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


# --- few_shot_prompt ---------------------------------------------------------------------------------------


def spoken(text: str) -> list[str]:
    """The lines below the second, each as "label: words"; spaces and articles, asked elsewhere, do not count."""
    parts = [line.partition(":") for line in text.split("\n")[2:] if line.strip()]
    return [f"{who.strip().lower().removeprefix('the ')}: {said.strip()}" for who, _, said in parts]


def some_examples(rng: torch.Generator, n: int) -> list[tuple[str, str]]:
    """Questions and their answers."""
    said = some_lines(rng, 2 * n)
    return [(question[:-1] + "?", answer) for question, answer in zip(said[:n], said[n:])]


@playscript.check("few_shot_prompt", points=0.25)
def examples_in_their_order(few_shot_prompt, rng):
    """The first of the cast asks each example, the last answers it, one after the other; then comes the question."""
    (place,), (*examples, (question, _)) = some_words(rng, 1), some_examples(rng, 5)
    return {
        f"what is spoken, {n} shown": spoken(few_shot_prompt(place, some_cast(rng, 2), examples[:n], question))[:-1]
        for n in (1, 4)
    }


@playscript.check("few_shot_prompt", points=0.25)
def without_examples(few_shot_prompt, rng):
    """With no example to show, the question alone is asked, at the place and among the cast that were given."""
    (place,), cast, ((question, _),) = some_words(rng, 1), some_cast(rng, 3), some_examples(rng, 1)
    text = few_shot_prompt(place, cast, [], question)
    return {
        "what is spoken": spoken(text),
        "the place is named": place in text.split("\n")[0],
        "who is named": [name for name in cast if label(name).lower() in text.split("\n")[1].lower()],
    }


@playscript.check("few_shot_prompt", points=0.25)
def the_last_of_the_cast_answers(few_shot_prompt, rng):
    """Whoever else is present says nothing: the first asks, and the last has answered and goes on."""
    seen = {}
    for n in (3, 5):
        (place,), cast, ((asked, answer), (question, _)) = some_words(rng, 1), some_cast(rng, n), some_examples(rng, 2)
        lines = spoken(few_shot_prompt(place, cast, [(asked, answer)], question))
        seen[f"who speaks, {n} present"] = [line.partition(":")[0] for line in lines]
        seen[f"the last line, {n} present"] = lines[-1]
    return seen


@playscript.check("few_shot_prompt", points=0.25)
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


def low_words(text: str) -> list[str]:
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


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


prompt_mistake = mistakes_of("few_shot_prompt", interview)

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


# --- generate_until ----------------------------------------------------------------------------------------

VOCAB_SIZE, LOST = 40, 0  # and what the model writes once it has lost its script


class Reader:
    """A model that goes on with a text for as long as what it has read is the text, in order, from its beginning.

    The token that comes next has the highest score, or, of a `contrary` reader, the lowest. Counts what it reads.
    """

    def __init__(self, rng: torch.Generator, text: Sequence[int], contrary: bool = False):
        self.text, self.n_read, self.sign = list(text), 0, -1 if contrary else 1
        self.noise = torch.rand(VOCAB_SIZE, generator=rng)

    def __call__(self, tokens: Tensor, state: list[int] | None = None) -> tuple[Tensor, list[int]]:
        _, T = tokens.shape
        before, read = len(state or []), [*(state or []), *tokens[0].tolist()]
        self.n_read += T
        logits = self.noise.repeat(T, 1)  # (T, vocab_size)
        for t in range(T):
            n = before + t + 1
            follows = read[:n] == self.text[:n] and n < len(self.text)
            logits[t, self.text[n] if follows else LOST] = 2 * self.sign
        return logits.unsqueeze(0), read


class Chooser:
    """Takes the likeliest token, or, where it is `contrary`, the unlikeliest; counts, and notes what it is given."""

    def __init__(self, contrary: bool = False):
        self.sign, self.shapes = -1 if contrary else 1, []

    def __call__(self, logits: Tensor) -> Tensor:
        self.shapes.append(list(logits.shape))
        return (self.sign * logits).argmax(dim=-1)


def some_tokens(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Lists of tokens, all of them different."""
    drawn = torch.randperm(VOCAB_SIZE - 1, generator=rng)[: sum(lengths)] + 1
    return [part.tolist() for part in drawn.split(lengths)]


@playscript.check("generate_until", points=0.25, invariant=True)
def a_stop_only_cuts(generate_until, rng):
    """What comes before the stop is what is written without any; the rest is not there."""
    prompt, written, stop, after = some_tokens(rng, 5, 7, 2, 4)

    def of(stops: list[list[int]]) -> Tensor:
        return torch.tensor(generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, 12))

    free, stopped = of([]), of([stop])
    return {"before": free[:7], "after": stopped, "must differ": [free, stopped]}


@playscript.check("generate_until", points=0.25)
def stops_of_any_length(generate_until, rng):
    """Stops of one, two and four tokens end the text, and so does the second of two, where it is written first."""
    seen = {}
    for words, n in (("one token", 1), ("two tokens", 2), ("four tokens", 4)):
        prompt, written, stop, after = some_tokens(rng, 4, 6, n, 5)
        seen[f"a stop of {words}"] = generate_until(
            Reader(rng, prompt + written + stop + after), list(prompt), [stop], 20
        )
    prompt, written, first, second, after = some_tokens(rng, 3, 5, 2, 3, 4)
    text = prompt + written + second + after + first
    return seen | {"two stops, the second first": generate_until(Reader(rng, text), list(prompt), [first, second], 20)}


@playscript.check("generate_until", points=0.25)
def all_of_a_stop_counts(generate_until, rng):
    """A part of a stop, also right in front of it, or its tokens in another order or apart end nothing and are text."""
    prompt, (a, b, c, d), (x, y, z), after = some_tokens(rng, 4, 4, 3, 3)
    scripts = {
        "its last token": [a, z, b, c, d],
        "its first two": [a, x, y, b, c, d],
        "in another order": [a, b, y, x, z, c, d],
        "apart": [a, x, b, y, c, z, d],
        "its first right in front of it": [a, x],
        "its first two right in front of it": [a, x, y],
    }

    def of(script: list[int], *stop: int) -> list[int]:
        return generate_until(Reader(rng, [*prompt, *script, *stop, *after]), list(prompt), [list(stop)], 20)

    seen = {f"what is written, {words}": of(script, x, y, z) for words, script in scripts.items()}
    return seen | {"what is written, its first in front of a stop that begins with it twice": of([a, x], x, x, y)}


@playscript.check("generate_until", points=0.25)
def the_prompt_ends_nothing(generate_until, rng):
    """A stop in the prompt, or one that begins there, does not count; the prompt is not returned, nor changed."""
    prompt, written, stop = some_tokens(rng, 5, 9, 3)
    seen = {}
    for words, start, script in (
        ("the stop is in the prompt", [*prompt, *stop, *prompt[:2]], written),
        ("the stop ends the prompt", [*prompt, *stop], written),
        ("the stop begins in the prompt", [*prompt, *stop[:2]], [stop[2], *written]),
    ):
        given = list(start)
        seen[f"what is written, {words}"] = generate_until(Reader(rng, start + script), given, [stop], 8)
        seen[f"the prompt afterwards, {words}"] = "as before" if given == start else "changed"
    return seen


@playscript.check("generate_until", points=0.25)
def no_more_than_asked_for(generate_until, rng):
    """There are `n_tokens` at most; a stop that the last of them completes counts, and half a stop is text."""
    prompt, written, stop = some_tokens(rng, 7, 9, 3)
    text = prompt + written + stop

    def of(n_tokens: int, script: list[int] = text) -> list[int]:
        return generate_until(Reader(rng, script), list(prompt), [stop], n_tokens)

    return {
        "none": of(0),
        "one": of(1),
        "four": of(4),
        "the last completes the stop": of(12),
        "one less": of(11),
        "the last is the first of the stop": of(10),
        "the stop alone": of(3, prompt + stop),
        "a prompt without a token": ending(lambda: generate_until(Reader(rng, text), [], [stop], 4)),
        "a stop without a token": ending(lambda: generate_until(Reader(rng, text), list(prompt), [stop, []], 4)),
    }


@playscript.check("generate_until", points=0.25)
def each_token_is_read_once(generate_until, rng):
    """The model reads the prompt and then what it wrote, each token once, with the state that it handed back."""
    prompt, written, stop = some_tokens(rng, 6, 12, 2)
    reader, chooser = Reader(rng, prompt + written), Chooser()
    result = generate_until(reader, list(prompt), [stop], 9, chooser)
    more = reader.n_read > len(prompt) + len(chooser.shapes)
    return {"what is written": result, "more is read than there is": more}


@playscript.check("generate_until", points=0.25)
def nothing_is_chosen_after_the_stop(generate_until, rng):
    """As many tokens are chosen as the text and its stop have, or `n_tokens` where no stop comes."""
    prompt, written, stop, after = some_tokens(rng, 3, 7, 2, 8)
    seen = {}
    for words, stops in (("a stop", [stop]), ("two stops", [after[:1], stop]), ("no stop", [])):
        chooser = Chooser()
        result = generate_until(Reader(rng, prompt + written + stop + after), list(prompt), stops, 14, chooser)
        seen[f"what is written, {words}"], seen[f"chosen, {words}"] = result, len(chooser.shapes)
    return seen


@playscript.check("generate_until", points=0.25)
def what_is_chosen_is_written_and_read(generate_until, rng):
    """`choose` gets the scores of the last position, (1, vocab_size), and what it takes is written, and read next."""
    prompt, written, stop = some_tokens(rng, 4, 11, 2)
    text, chooser = prompt + written, Chooser(contrary=True)
    chosen = generate_until(Reader(rng, text, contrary=True), list(prompt), [stop], 7, chooser)
    likeliest = generate_until(Reader(rng, text), list(prompt), [stop], 7)
    return {"the unlikeliest": chosen, "the likeliest, by default": likeliest, "what it is given": chooser.shapes[0]}


def likeliest(logits: Tensor) -> Tensor:
    return logits.argmax(dim=-1)


def in_front(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """How many tokens are in front of a stop at the end, if there is one."""
    return next((len(written) - len(stop) for stop in stops if written[-len(stop) :] == list(stop)), None)


def going_on(
    model: Callable,
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = likeliest,
    cut: Callable[[list[int], Sequence[Sequence[int]], list[int]], int | None] = in_front,
    state_of: Callable[[object], object] = lambda state: state,
    again: bool = False,
    room: Callable[[int, int], int] = lambda n_tokens, n_prompt: n_tokens,
    late: bool = False,
    front: Callable[[list[int], list[int]], list[int]] = lambda prompt, written: written,
    choosing: Callable[[Callable], Callable] = lambda choose: choose,
) -> list[int]:
    """Writing with its parts to choose, so that one of them can be wrong."""
    if not tokens or not all(stops):
        raise ValueError("nothing to begin or to end with")
    prompt, written, state, choose = list(tokens), [], None, choosing(choose)
    unread, done = prompt, None
    while len(written) < room(n_tokens, len(prompt)):
        if late and (done := cut(written, stops, prompt)) is not None:
            break
        logits, state = model(torch.tensor([unread]), state_of(state))
        written.append(choose(logits[:, -1]).item())
        unread = prompt + written if again else written[-1:]
        if not late and (done := cut(written, stops, prompt)) is not None:
            break
    return front(prompt, written[:done])


writing_mistake = mistakes_of("generate_until", going_on)


def last_token(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    return next((max(0, len(written) - len(stop)) for stop in stops if written[-1] == stop[-1]), None)


def across(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """As `in_front`, of prompt and text as one."""
    found = in_front(prompt + written, stops, [])
    return None if found is None else max(0, found - len(prompt))


def anywhere(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
    """In front of the first stop wherever it is, the prompt included."""
    text = prompt + written
    ends = [in_front(text[:n], stops, []) for n in range(1, len(text) + 1)]
    found = next((end for end in ends if end is not None), None)
    return None if found is None else max(0, found - len(prompt))


def counted(anew: Callable[[int, Sequence[int]], int]) -> Callable:
    """As `in_front`, by a count of the tokens that agreed so far, and what it becomes after one that did not."""

    def cut(written: list[int], stops: Sequence[Sequence[int]], prompt: list[int]) -> int | None:
        for stop in stops:
            n = 0
            for token in written:
                n = n + 1 if token == stop[n] else anew(token, stop)
            if n == len(stop):
                return len(written) - n
        return None

    return cut


writing_mistake(
    "counts_from_zero_again",
    "You miss the stop `5 6` in `5 5 6`. What may the token that does not go on with a stop still be?",
    cut=counted(lambda token, stop: 0),
)
writing_mistake(
    "forgets_what_agreed",
    "You miss the stop `5 5 6` in `5 5 5 6`. At the third 5, how many of the fives may be the stop's?",
    cut=counted(lambda token, stop: int(token == stop[0])),
)
writing_mistake(
    "looks_at_the_last_token_of_a_stop_only",
    "A stop's last token ends your text, whatever stands before it. How many tokens have to agree?",
    cut=last_token,
)
writing_mistake(
    "ends_at_the_first_token_of_a_stop",
    "Your text ends where a stop begins. Can you know already that the rest of it will come?",
    cut=lambda written, stops, prompt: next((len(written) - 1 for stop in stops if written[-1] == stop[0]), None),
)
writing_mistake(
    "misses_stops_of_several_tokens",
    "Only stops of one token end your text. What would have to be compared with a stop of three?",
    cut=lambda written, stops, prompt: in_front(written, [stop for stop in stops if len(stop) == 1], prompt),
)
writing_mistake(
    "looks_for_the_first_stop_only",
    "The first of your stops ends the text, and the others do not. Are they all looked for?",
    cut=lambda written, stops, prompt: in_front(written, stops[:1], prompt),
)
writing_mistake(
    "returns_the_stop_too",
    "The stop is part of your answer. How many tokens have to go, once it is there?",
    cut=lambda written, stops, prompt: None if in_front(written, stops, prompt) is None else len(written),
)
writing_mistake(
    "counts_a_stop_that_begins_in_the_prompt",
    "A stop ends your text although its first tokens are the prompt's. Who wrote them?",
    cut=across,
)
writing_mistake(
    "counts_a_stop_of_the_prompt",
    "A stop anywhere in the prompt ends your text at once. Who wrote it?",
    cut=anywhere,
)
writing_mistake(
    "misses_a_stop_that_comes_last",
    "The very last token completes a stop, and you return it. When do you look for stops: before a token or after it?",
    late=True,
)
writing_mistake(
    "reads_all_again",
    "Your model reads prompt and text anew for every token. What is the state for?",
    again=True,
    state_of=lambda state: None,
)
writing_mistake(
    "reads_all_again_with_the_state",
    "Your model gets the whole text together with a state that holds it already. What has it not read yet?",
    again=True,
)
writing_mistake(
    "drops_the_state",
    "Your model reads one token and has forgotten all before it. What did it hand back with the scores?",
    state_of=lambda state: None,
)
writing_mistake(
    "counts_the_prompt",
    "Your text is shorter, the longer the prompt. Which tokens does `n_tokens` count?",
    room=lambda n_tokens, n_prompt: n_tokens - n_prompt,
)
writing_mistake(
    "returns_the_prompt_too",
    "Your answer begins with the prompt. Is that what the model wrote?",
    front=lambda prompt, written: prompt + written,
)
writing_mistake(
    "always_takes_the_likeliest",
    "What `choose` would take makes no difference to you. Who is asked which token comes next?",
    choosing=lambda choose: likeliest,
)


@playscript.mistake(
    "generate_until",
    hint="You write all `n_tokens` and cut afterwards. Who pays for the tokens behind the stop?",
)
def goes_on_after_the_stop(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose, cut=lambda *_: None)
    return written[: anywhere(written, stops, [])]


@playscript.mistake(
    "generate_until",
    hint="Afterwards the caller's prompt is longer than before. Whose list do you append to?",
)
def writes_into_the_prompt(model, tokens, stops, n_tokens, choose=likeliest):
    written = going_on(model, tokens, stops, n_tokens, choose)
    tokens.extend(written)
    return written


# --- classify_failure --------------------------------------------------------------------------------------


def outcomes(
    classify_failure, texts: dict[str, str], answer: str, cast: Sequence[str], rivals: Sequence[str]
) -> dict[str, str]:
    return {words: classify_failure(text, answer, cast, rivals) for words, text in texts.items()}


@playscript.check("classify_failure", points=0.25)
def right_wrong_or_no_answer(classify_failure, rng):
    """The line is right where it names the answer, wrong where it names a rival, and no answer where it names none."""
    answer, one, other, name, x, y = some_words(rng, 6)
    texts = {"the answer": f"{x} {answer} {y}.", "the first rival": f"{one} {x}.", "the second": f"{x} {other} {y}."}
    texts |= {"neither": f"{x} {y}.", "nothing at all": ""}
    seen = outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])
    without = [classify_failure(text, answer, [name.capitalize()]) for text in (f"{answer} {x}!", f"{one} {x}!")]
    return seen | {"no rivals given": without}


@playscript.check("classify_failure", points=0.25)
def whole_words_side_by_side(classify_failure, rng):
    """To name is to have all the words of a value, whole, in their order and side by side: no "ten" in "often"."""
    first, second, rival, one, other, name, x, y = some_words(rng, 8)
    texts = {
        "two words": f"{x} {first} {second} {y}.",
        "apart": f"{first} {x} {second} {y}.",
        "in another order": f"{second} {first} {x}.",
        "one of them": f"{first} {x}.",
        "the second within a word": f"{first} {second}{x}.",
        "the first within a word": f"{x}{first} {second} {y}.",
        "a rival within a word": f"{x}{rival} {first} {second} {y}.",
        "a rival of two words": f"{x} {one} {other} {y}.",
        "its words apart": f"{one} {x} {other}, {first} {second}.",
        "one of its words": f"{first} {second} {one}.",
    }
    return outcomes(classify_failure, texts, f"{first} {second}", [name.capitalize()], [rival, f"{one} {other}"])


@playscript.check("classify_failure", points=0.25)
def letters_and_signs_do_not_count(classify_failure, rng):
    """A value is named in small letters or large ones, and whatever signs stand beside it."""
    answer, rival, name, x = some_words(rng, 4)
    texts = {
        "at the beginning": f"{answer.capitalize()} {x}.",
        "in front of a comma": f"{x} {answer}, {x}.",
        "in large letters, with marks": f"{x}: “{answer.upper()}”!",
        "a rival at the beginning": f"{rival.capitalize()} {x}.",
        "a rival at the end": f"{x} {rival}.",
    }
    seen = outcomes(classify_failure, texts, answer, [name.capitalize()], [rival])
    large = outcomes(classify_failure, texts, answer.upper(), [name.capitalize()], [rival.capitalize()])
    return seen | {f"{words}, values in large letters": outcome for words, outcome in large.items()}


@playscript.check("classify_failure", points=0.25)
def who_names_everything_is_wrong(classify_failure, rng):
    """A line that names a rival is wrong, also where it names the answer, before it or after it."""
    answer, one, other, name, x = some_words(rng, 5)
    texts = {"the answer first": f"{answer} {x} {other} {x}.", "a rival first": f"{one} {x} {answer} {x}."}
    texts |= {"the answer and what is no rival": f"{answer} {x} {name}."}
    return outcomes(classify_failure, texts, answer, [name.capitalize()], [one, other])


@playscript.check("classify_failure", points=0.25)
def the_first_line_answers(classify_failure, rng):
    """The line itself is judged, which has no label; what is said further down answers nothing and spoils nothing."""
    answer, rival, name, x = some_words(rng, 4)
    yes, no, who = f"{answer} {x}.", f"{rival} {x}.", name.capitalize()
    texts = {
        "the answer below": f"{x}.\n{who}: {yes}",
        "a rival below": f"{yes}\n{who}: {no}",
        "the answer below a rival": f"{no}\n{who}: {yes}",
        "a colon in the line": f"{x} {x}: {yes}",
        "nothing in the line": f"\n{who}: {yes}",
    }
    return outcomes(classify_failure, texts, answer, [who], [rival])


@playscript.check("classify_failure", points=0.25)
def somebody_from_nowhere(classify_failure, rng):
    """A label that is not of the cast is a new character, in one word or several; letters may be small or large."""
    answer, rival, stranger, x, y, *words = some_words(rng, 9)
    cast = cast_of(words)
    labels = {
        "of the cast, a name": cast[0],
        "a name in large letters": cast[1].upper(),
        "a role": label(cast[2]),
        "a role in small letters": label(cast[2]).lower(),
        "new": stranger.capitalize(),
        "new, in small letters": stranger,
        "new, of three words": f"{stranger.capitalize()} {x} {y}",
        "new, of a name and a word": f"{cast[0]} {x}",
    }
    texts = {f"a label {words}": f"{answer} {x}.\n{who}: {y}." for words, who in labels.items()}
    seen = outcomes(classify_failure, texts, answer, tuple(cast), [rival])
    return seen | {"nobody is of the cast": classify_failure(f"{answer} {x}.\n{cast[0]}: {y}.", answer, (), [rival])}


@playscript.check("classify_failure", points=0.25)
def out_of_the_play(classify_failure, rng):
    """A line below the first that nobody speaks, or the mark anywhere, has left the play; an empty line has not."""
    answer, rival, name, mark, x, y = some_words(rng, 6)
    yes, who, end = f"{answer} {x}.", name.capitalize(), f"<{mark}>"
    texts = {
        "a line that nobody speaks": f"{yes}\n{x.capitalize()}.",
        "one below others that are spoken": f"{yes}\n{who}: {x}.\n{who}: {y}.\n{x.capitalize()} {y}.",
        "a sign in front of the colon": f"{yes}\n{who}, {x}: {y}.",
        "an empty line": f"{yes}\n\n{who}: {x}.",
        "an empty line at the end": f"{yes}\n",
        "the mark in the first line": f"{yes} {END}",
        "the mark in a line that is spoken": f"{yes}\n{who}: {x}. {END} {y}",
        "another mark": f"{yes} {end}",
    }
    seen = outcomes(classify_failure, texts, answer, [who], [rival])
    return seen | {"another mark, which is the end": classify_failure(f"{yes} {end}", answer, [who], [rival], end)}


@playscript.check("classify_failure", points=0.25)
def the_worst_counts(classify_failure, rng):
    """To have left the play is worse than a new character, and that is worse than any answer."""
    answer, rival, stranger, x, y, *words = some_words(rng, 8)
    cast = cast_of(words)
    yes, no, new, nobody = f"{answer} {x}.", f"{rival} {x}.", f"{stranger.capitalize()}: {x}.", f"{x.capitalize()} {y}."
    texts = {
        "right, a new character, and left": f"{yes}\n{new}\n{nobody}",
        "right, left, and a new character": f"{yes}\n{nobody}\n{new}",
        "right, a new character, and the mark": f"{yes}\n{new} {END}",
        "wrong, and a new character": f"{no}\n{cast[0]}: {x}.\n{new}",
        "no answer, and left": f"{x}.\n{nobody}",
        "no answer, and a new character": f"{x}.\n{new}",
    }
    return outcomes(classify_failure, texts, answer, cast, [rival])


def named(text: str, value: str, words: Callable[[str], list[str]] = low_words) -> bool:
    """Whether the words of the value stand in the text side by side."""
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def line_and_rest(written: str) -> tuple[str, list[str]]:
    first, *further = written.split("\n")
    return first, further


def answered(right: bool, wrong: bool) -> str:
    return "wrong" if wrong else "right" if right else "no answer"


def classified(
    written: str,
    answer: str,
    cast: Sequence[str],
    rivals: Sequence[str] = (),
    end: str = END,
    names: Callable[[str, str], bool] = named,
    names_a_rival: Callable[[str, str], bool] | None = None,
    parts: Callable[[str], tuple[str, list[str]]] = line_and_rest,
    judged: Callable[[str, str], str] = lambda first, written: first,
    speaks: str = r"([\w ]+):",
    empty: Callable[[str], bool] = lambda line: not line.strip(),
    label: Callable[[str], str] = label,
    letters: Callable[[str], str] = str.lower,
    marked: Callable[[str, str], bool] = lambda written, end: end in written,
    answered: Callable[[bool, bool], str] = answered,
    order: tuple[str, ...] = ("left the play", "new character"),
) -> str:
    """A judge with its parts to choose, so that one of them can be wrong."""
    first, further = parts(written)
    speakers = [re.match(speaks, line) for line in further if not empty(line)]
    labels = {letters(label(name)) for name in cast}
    found = {
        "left the play": marked(written, end) or not all(speakers),
        "new character": any(who and letters(who[1]) not in labels for who in speakers),
    }
    line = judged(first, written)
    what = answered(names(line, answer), any((names_a_rival or names)(line, rival) for rival in rivals))
    return next((outcome for outcome in order if outcome == what or found.get(outcome)), what)


judge_mistake = mistakes_of("classify_failure", classified)

judge_mistake(
    "takes_part_of_a_word_for_the_answer",
    'You find "ten" in "often". Of what should the line be made, letters or words?',
    names=lambda text, value: value.lower() in text.lower(),
)
judge_mistake(
    "takes_words_that_stand_apart",
    "You look for each word of a value by itself. Where does the second have to stand?",
    names=lambda text, value: set(low_words(value)) <= set(low_words(text)),
)
judge_mistake(
    "misses_rivals_of_several_words",
    "Your rivals are found only where they are one word. What would have to be compared with a rival of two?",
    names_a_rival=lambda text, rival: rival.lower() in low_words(text),
)
judge_mistake(
    "takes_a_rivals_words_apart",
    "You look for each word of a rival by itself. Which helper asks whether they stand side by side?",
    names_a_rival=lambda text, rival: set(low_words(rival)) <= set(low_words(text)),
)
judge_mistake(
    "does_not_find_other_letters",
    'You do not find "Ten" where the answer is "ten". What do both have to be turned into?',
    names=lambda text, value: named(text, value, lambda text: re.findall(r"\w+", text)),
)
judge_mistake(
    "stumbles_over_signs",
    'A comma or a full stop behind a word keeps you from finding it. Is "ten." another word than "ten"?',
    names=lambda text, value: named(text, value, lambda text: text.lower().split()),
)
judge_mistake(
    "judges_the_whole_text",
    "What another says further down counts for you as the answer. Which line is the assistant's?",
    judged=lambda first, written: written,
)
judge_mistake(
    "accepts_who_names_everything",
    "A line that names all values is right for you. Does it say which one it is?",
    answered=lambda right, wrong: "right" if right else "wrong" if wrong else "no answer",
)
judge_mistake(
    "takes_no_answer_for_a_wrong_one",
    "Every line without the answer is wrong for you. What does one say that names no value at all?",
    answered=lambda right, wrong: "right" if right and not wrong else "wrong",
)
judge_mistake(
    "looks_at_the_answer_first",
    "A line that names the answer is right for you, whatever comes after it. Which of the outcomes counts first?",
    order=("right", "left the play", "new character"),
)
judge_mistake(
    "turns_the_order_round",
    "A new character is worse for you than to have left the play. Which of the two does the docstring name first?",
    order=("new character", "left the play"),
)
judge_mistake(
    "asks_the_first_line_who_speaks",
    "You want a label at the first line too. Who speaks it, and where does that stand?",
    parts=lambda written: (written.split("\n")[0], written.split("\n")),
)
judge_mistake(
    "takes_an_empty_line_for_one_that_nobody_speaks",
    "For you an empty line has left the play. Is there anything in it that somebody would have to speak?",
    empty=lambda line: False,
)
judge_mistake(
    "wants_a_capital_at_a_label",
    'You take "parrot: yes" for a line that nobody speaks. With which letters may a label be written?',
    speaks=r"([A-Z][\w ]*):",
)
judge_mistake(
    "wants_labels_of_one_word",
    'You take "Old miller: yes" for a line that nobody speaks. How many words may a label have?',
    speaks=r"(\w+):",
)
judge_mistake(
    "takes_any_colon_for_a_speaker",
    "Any line with a colon in it is spoken, for you. What may not stand in front of the colon?",
    speaks=r"(.+?):",
)
judge_mistake(
    "compares_labels_letter_by_letter",
    '"GUIDE: yes" is a new character for you although the guide is there. What of a label does not count?',
    letters=lambda label: label,
)
judge_mistake(
    "looks_for_the_article_in_the_label",
    'You look for the label "the guide". What is the label of the guide?',
    label=lambda name: name,
)
judge_mistake(
    "takes_any_part_of_a_label",
    "A label that has a word more than one of the cast's is no new character for you. When are two labels the same?",
    speaks=r"(\w+)[\w ]*:",
    label=lambda name: label(name).split()[0],
)
judge_mistake(
    "does_not_look_for_the_mark",
    "A text that goes on behind the mark is in the play, for you. What does `end` say?",
    marked=lambda written, end: False,
)
judge_mistake(
    "knows_one_mark_only",
    "You look for <end>, whatever `end` is. Which mark were you given?",
    marked=lambda written, end: END in written,
)
