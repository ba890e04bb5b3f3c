"""Playscript: a predictor is made to play an assistant, by nothing but what stands in front of its line.

What is built here: a play as the village's texts have them, broken off where the assistant is to speak; the same with
answered questions in front (few-shot prompting: Brown et al. 2020, section 2); a rule that says where the line has
ended, since a predictor of plays goes on with the next speaker; and a judge that names what went wrong. The model stays
as it was pretrained: no weight is touched.

Left out: searching for the prompt (Shin et al. 2020), prompts that are vectors (Lester et al. 2021), and the longer
dialogues with which assistants were first made of predictors (Askell et al. 2021, section 2).
"""

import re
from collections.abc import Callable, Collection, Sequence

import torch
from torch import Tensor

Exchange = tuple[str, str]  # a question and its answer

RIGHT, WRONG, NO_ANSWER = "right", "wrong", "no answer"
NEW_CHARACTER, LEFT = "new character", "left the play"
OUTCOMES = (RIGHT, WRONG, NO_ANSWER, NEW_CHARACTER, LEFT)
END = "<end>"  # the mark after each text of the village


def words(text: str) -> list[str]:
    """The words of a text in small letters, without its signs; marks such as
    `<end>` are words.
    """
    return re.findall(r"<\w+>|\w+(?:['-]\w+)*", text.lower())


def label(character: str) -> str:
    """What stands in front of a character's lines: "Guide" for "the guide",
    "Nell" for "Nell".
    """
    name = character.removeprefix("the ")
    return name[:1].upper() + name[1:]


def render_playscript(place: str, cast: Sequence[str], lines: Sequence[tuple[str, str]], speaker: str) -> str:
    """Write a play as far as it has got, and break off where `speaker` is to go
    on.

    The first line is "A scene at the {place}". The second lists all of the cast
    in their order, as they are called, joined by ", " but the last by " and ":
    "Present: Nell, Otto and the guide."; one alone stands by itself. Then each
    line that was spoken has a line of its own: its speaker's label, ": ", and
    what was said, as it is. The last line is the label of `speaker` with a
    colon, and nothing after it, not even a space.

    Raises ValueError where the cast is empty, where it is one text, and where a
    line or the `speaker` is of somebody who is not in it by that very name.
    """
    if isinstance(cast, str):
        raise ValueError(f"cast={cast!r} is one text, whose letters would each be somebody: give a list of characters")
    if not cast:
        raise ValueError("the cast is empty: a play has somebody who speaks")
    for character in (*(name for name, _ in lines), speaker):
        if character not in cast:
            raise ValueError(f"{character!r} is not in the cast: {', '.join(cast)}")
    ### BEGIN SOLUTION
    *others, last = cast
    present = f"{', '.join(others)} and {last}" if others else last
    spoken = [f"{label(name)}: {line}" for name, line in lines]
    return "\n".join([f"A scene at the {place}", f"Present: {present}.", *spoken, f"{label(speaker)}:"])
    ### END SOLUTION


def few_shot_prompt(place: str, cast: Sequence[str], examples: Sequence[Exchange], question: str) -> str:
    """A play in which questions have been answered already, broken off where
    the next answer comes.

    It is written as `render_playscript` writes it. The first of the cast asks
    and the last answers, however many are present. The examples come in their
    order, none of them left out, then the question; the label of the one who
    answers is the last line.

    Raises ValueError where the cast is fewer than two, and where the question
    is itself one of the examples' questions, since the answer would only be
    copied: two are the same where their `words` are, in whatever letters, and
    with whatever signs and spaces around those.
    Source: Brown et al. 2020, figure 2.1.
    """
    if len(cast) < 2:
        raise ValueError("one asks and another answers: the cast needs two at least")
    ### BEGIN SOLUTION
    if any(words(question) == words(asked) for asked, _ in examples):
        raise ValueError(f"{question!r} is among the examples, with its answer")
    lines = [(cast[i], line) for exchange in examples for i, line in zip((0, -1), exchange)]
    return render_playscript(place, cast, [*lines, (cast[0], question)], cast[-1])
    ### END SOLUTION


@torch.no_grad()
def generate_until(
    model: Callable[[Tensor, object], tuple[Tensor, object]],
    tokens: Sequence[int],
    stops: Sequence[Sequence[int]],
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
) -> list[int]:
    """Go on from a prompt until one of the stops has been written, or
    `n_tokens` tokens; returns what is in front.

    A stop is a sequence of tokens, and counts only where all of it stands in
    what was written, side by side, not in the prompt or across its end. No
    token is chosen after it, and it is not returned.

    `model(tokens (1, T), state)` gives logits (1, T, vocab_size) and the next
    state, and reads the prompt in one call, with the state None, then each new
    token in a call of its own, with the state that came back; it does not read
    the last token, after which none is chosen. `choose` maps the logits of the
    last position, (1, vocab_size), as the model gave them, to tokens (1), once
    for each token that is written: the likeliest, where none is given.

    Shapes: tokens, and each of the stops, lists or tuples of whole numbers, 0
    among them -> a list of Python's whole numbers, at most n_tokens.
    Raises ValueError for an empty prompt, and for a stop without tokens.
    """
    if not tokens or not all(stops):
        raise ValueError("a prompt and each stop have one token at least")
    ### BEGIN SOLUTION
    written: list[int] = []
    unread, state = torch.tensor([list(tokens)]), None  # (1, T)
    while len(written) < n_tokens:
        logits, state = model(unread, state)
        unread = choose(logits[:, -1]).unsqueeze(1)  # (1, vocab_size) -> (1, 1)
        written.append(unread.item())
        for stop in stops:
            if written[-len(stop) :] == list(stop):
                return written[: -len(stop)]
    return written
    ### END SOLUTION


def names(text: str, value: str) -> bool:
    """Whether the words of `value` stand in the text side by side, as whole
    words.
    """
    said, wanted = words(text), words(value)
    return any(said[i : i + len(wanted)] == wanted for i in range(len(said) - len(wanted) + 1))


def classify_failure(
    written: str, answer: str, cast: Collection[str], rivals: Collection[str] = (), end: str = END
) -> str:
    """Say what became of a line that an assistant was to speak: one of
    `OUTCOMES`.

    `written` is all that the model wrote behind the label, further lines
    included. The worst that applies counts:

    - "left the play": the mark `end` stands anywhere in it, sign for sign, or a
      line below the first is spoken by nobody, such as "Curtain."; an empty
      line counts for nothing.
    - "new character": a line below the first is spoken by somebody whose label
      is none of the cast's labels.
    - "wrong": the first line names a rival, whatever else it names, also where
      the rival is part of the answer.
    - "right": the first line names the answer and no rival.
    - "no answer": all else.

    Somebody speaks a line that begins with a label and a colon, whatever comes
    behind it. A label is one word or several, of letters in any alphabet and
    digits, with spaces and no other sign among them. Two labels are the same
    where all of their letters are, small or large. The first line has no label.
    To name a value is to have all of its words, whole and side by side, in
    letters small or large: what a word is, the helper `words` says.

    Raises ValueError where the cast is one text, and where the rivals are.
    """
    for its, texts in (("cast", cast), ("rivals", rivals)):
        if isinstance(texts, str):
            raise ValueError(f"{its}={texts!r} is one text, whose letters would be taken one by one: give a list")
    ### BEGIN SOLUTION
    first, *further = written.split("\n")
    spoken = [re.match(r"\s*([\w ]+?)\s*:", line) for line in further if line.strip()]
    if end in written or not all(spoken):
        return LEFT
    labels = {label(character).lower() for character in cast}
    if any(line[1].lower() not in labels for line in spoken):
        return NEW_CHARACTER
    if any(names(first, rival) for rival in rivals):
        return WRONG
    return RIGHT if names(first, answer) else NO_ANSWER
    ### END SOLUTION
