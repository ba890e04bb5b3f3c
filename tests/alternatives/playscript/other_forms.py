"""The same rules in other forms: replacements, a queue for the end of the text, regular expressions for words."""

import re
from collections import deque
from itertools import chain

import torch

from solutions.playscript import label

WORD = re.compile(r"<\w+>|\w+(?:['-]\w+)*")


def render_playscript(place, cast, lines, speaker):
    """A comma everywhere, and the last one turned into "and"."""
    if isinstance(cast, str) or not cast or not {name for name, _ in lines} | {speaker} <= set(cast):
        raise ValueError("who is that?")
    present = "{}".join(cast).replace("{}", ", ", max(len(cast) - 2, 0)).replace("{}", " and ")
    text = f"A scene at the {place}\nPresent: {present}.\n"
    for name, line in lines:
        text += f"{label(name)}: {line}\n"
    return text + label(speaker) + ":"


def few_shot_prompt(place, cast, examples, question):
    """Who speaks goes to and fro, however many lines there are."""
    asker, *_, answerer = cast  # a ValueError where there are not two
    if WORD.findall(question.casefold()) in [WORD.findall(asked.casefold()) for asked, _ in examples]:
        raise ValueError("known already")
    said = [*chain.from_iterable(examples), question]
    lines = [((asker, answerer)[number % 2], line) for number, line in enumerate(said)]
    return render_playscript(place, cast, lines, answerer)


def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: torch.topk(logits, 1).indices[:, 0]):
    """One queue for each stop, as long as the stop, that holds the last tokens written."""
    if not len(tokens) or min(map(len, stops), default=1) == 0:
        raise ValueError("nothing to read, or nothing to stop at")
    tails = [(deque(maxlen=len(stop)), deque(stop)) for stop in stops]
    written, state, unread = [], None, torch.as_tensor(tokens)[None]
    for _ in range(n_tokens):
        with torch.inference_mode():
            logits, state = model(unread, state)
            token = choose(logits[:, -1, :])
        written.append(token.item())
        for tail, stop in tails:
            tail.append(written[-1])
            if tail == stop:
                del written[-len(stop) :]
                return written
        unread = token.view(1, 1)
    return written


def found(value, line):
    between = r"[^\w'-]+".join(map(re.escape, re.findall(r"[\w'-]+", value)))
    return re.search(rf"(?<!\w)(?<!\w['-]){between}(?!\w)(?!['-]\w)", line, re.IGNORECASE) is not None


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    """One pattern for a play, one for a play of this cast."""
    if not all(isinstance(its, (list, tuple, set)) for its in (cast, rivals)):
        raise ValueError("neither list nor tuple nor set")
    first, _, below = written.partition("\n")
    names = "|".join(re.escape(label(name)) for name in cast) or r"(?!)"
    if end in written or not re.fullmatch(r"(?:[\w ]+:.*\n|\s*\n)*", below + "\n"):
        return "left the play"
    if not re.fullmatch(rf"(?:(?:{names}):.*\n|\s*\n)*", below + "\n", re.IGNORECASE):
        return "new character"
    right, wrong = found(answer, first), sum(found(rival, first) for rival in rivals)
    return "wrong" if wrong else ("no answer", "right")[right]
