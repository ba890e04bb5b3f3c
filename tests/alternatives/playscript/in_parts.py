"""Small functions put together: generators, recursion, and the module's helpers."""

from collections.abc import Iterator
from itertools import islice

import torch

from solutions.playscript import LEFT, NEW_CHARACTER, NO_ANSWER, RIGHT, WRONG, label, names, words


def listed(cast):
    """Recursion: what is joined by a comma, until two are left."""
    match cast:
        case [] | str():
            raise ValueError("an empty cast, or one text")
        case [one]:
            return one
        case [one, other]:
            return f"{one} and {other}"
        case [one, *others]:
            return f"{one}, {listed(others)}"


def render_playscript(place, cast, lines, speaker):
    def all_lines():
        yield f"A scene at the {place}"
        yield f"Present: {listed(cast)}."
        for name, line in lines:
            yield f"{labels[name]}: {line}"
        yield f"{labels[speaker]}:"

    labels = {name: label(name) for name in cast}
    try:
        return "\n".join(all_lines())
    except KeyError as error:
        raise ValueError(f"{error} is not there") from None


def few_shot_prompt(place, cast, examples, question):
    """The play grows by a question and an answer at a time, each put behind the open label."""
    if len(cast) <= 1:
        raise ValueError("too few")
    asker, answerer = cast[0], cast[-1]
    lines = [(asker, question)]
    for asked, answer in reversed(examples):
        if words(asked) == words(question):
            raise ValueError(question)
        lines[:0] = [(asker, asked), (answerer, answer)]
    return render_playscript(place, cast, lines, answerer)


def stream(model, tokens, choose) -> Iterator[int]:
    """One token after the other, without end."""
    logits, state = model(torch.tensor(tokens).unsqueeze(0), None)
    while True:
        token = choose(logits[:, -1])
        yield int(token)
        logits, state = model(token[:, None], state)


def generate_until(model, tokens, stops, n_tokens, choose=lambda logits: logits.max(dim=-1).indices):
    """A window over a stream."""
    if not tokens or [] in [list(stop) for stop in stops]:
        raise ValueError("empty")
    written = ()
    for token in islice(stream(model, list(tokens), choose), n_tokens):
        written += (token,)
        if lengths := [len(stop) for stop in stops if tuple(stop) == written[max(0, len(written) - len(stop)) :]]:
            return list(written[: len(written) - lengths[0]])
    return list(written)


def outcome_of(line, labels):
    """What a line below the first makes of the play, or None."""
    who, colon, _ = line.partition(":")
    if not colon or not who.replace(" ", "").isalnum():
        return LEFT
    return None if who.strip().lower() in labels else NEW_CHARACTER


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    """All that can be said, and the worst of it."""
    match cast, rivals:
        case (str(), _) | (_, str()):
            raise ValueError("one text")
    first, *further = written.splitlines() or [""]
    labels = [label(name).lower() for name in cast]
    said = {outcome_of(line, labels) for line in further if line and not line.isspace()}
    said.add(WRONG if any(names(first, rival) for rival in rivals) else RIGHT if names(first, answer) else NO_ANSWER)
    if end in written:
        said.add(LEFT)
    return next(outcome for outcome in (LEFT, NEW_CHARACTER, WRONG, RIGHT, NO_ANSWER) if outcome in said)
