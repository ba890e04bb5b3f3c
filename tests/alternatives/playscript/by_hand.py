"""Everything with loops over lines, tokens and letters, and nothing of the module."""

import torch


def render_playscript(place, cast, lines, speaker):
    """Sign by sign to the end of one string."""
    if len(cast) == 0 or type(cast) is str:
        raise ValueError("nobody is there")
    text = "A scene at the " + place + "\nPresent: "
    for number, name in enumerate(cast):
        if number:
            text += " and " if number == len(cast) - 1 else ", "
        text += name
    text += "."
    for name, line in [*lines, (speaker, None)]:
        if name not in cast:
            raise ValueError(name)
        if name[:4] == "the ":
            name = name[4:]
        text += "\n" + name[0].upper() + name[1:] + ":"
        if line is not None:
            text += " " + line
    return text


def few_shot_prompt(place, cast, examples, question):
    if len(cast) < 2:
        raise ValueError("nobody answers")
    lines = []
    for asked, answer in examples:
        if only_words(asked) == only_words(question):
            raise ValueError("it is among the examples")
        lines.append((cast[0], asked))
        lines.append((cast[len(cast) - 1], answer))
    lines.append((cast[0], question))
    return render_playscript(place, cast, lines, cast[len(cast) - 1])


def generate_until(model, tokens, stops, n_tokens, choose=None):
    """Reads where something is to be chosen; for each stop compares sign by sign from behind."""
    if len(tokens) == 0 or any(len(stop) == 0 for stop in stops):
        raise ValueError("empty")
    state, to_read = None, torch.tensor([[*tokens]])
    written = []
    for _ in range(n_tokens):
        logits, state = model(to_read, state)
        token = logits[:, -1].argmax(-1) if choose is None else choose(logits[:, -1])
        written.append(int(token))
        for stop in stops:
            same = len(written) >= len(stop)
            for back in range(1, len(stop) + 1):
                if same and written[-back] != stop[-back]:
                    same = False
            if same:
                return written[: len(written) - len(stop)]
        to_read = token.reshape(1, 1)
    return written


def only_words(text):
    """Small letters and digits, hyphens and apostrophes within a word, the rest a space; a space at each end."""
    kept = "".join(sign if sign.isalnum() or sign in "-'" else " " for sign in text.lower()).split()
    return " " + " ".join(word.strip("-'") for word in kept) + " "


def classify_failure(written, answer, cast, rivals=(), end="<end>"):
    """Line by line, noting the worst so far."""
    if str in (type(cast), type(rivals)):
        raise ValueError("one text")
    labels = []
    for name in cast:
        labels.append((name[4:] if name.startswith("the ") else name).lower())
    lines, new, left = written.split("\n"), False, end in written
    for line in lines[1:]:
        if line.strip() == "":
            continue
        label, colon, _ = line.partition(":")
        if colon == "" or label == "" or not all(sign.isalnum() or sign == " " for sign in label):
            left = True
        elif label.lower() not in labels:
            new = True
    if left:
        return "left the play"
    if new:
        return "new character"
    for rival in rivals:
        if only_words(rival) in only_words(lines[0]):
            return "wrong"
    if only_words(answer) in only_words(lines[0]):
        return "right"
    return "no answer"
