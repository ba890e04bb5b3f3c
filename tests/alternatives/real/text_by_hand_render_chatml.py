"""`render_chatml` by hand: all is looked at first, then written, sign by sign where marks are looked for."""

from solutions.real import END, START, SYSTEM


def has_mark(content):
    for place in range(len(content)):
        for mark in (START, END):
            if content[place : place + len(mark)] == mark:
                return True
    return False


def render_chatml(messages, reply=True):
    if len(messages) == 0:
        raise ValueError("a conversation has a message")
    for message in messages:
        if message["role"] != "system" and message["role"] != "user" and message["role"] != "assistant":
            raise ValueError(f"nobody is called {message['role']}")
        if has_mark(message["content"]):
            raise ValueError("words alone, please")
    text = ""
    if messages[0]["role"] != "system":
        text = START + "system\n" + SYSTEM + END + "\n"
    for message in messages:
        text = text + START + message["role"] + "\n"
        text = text + message["content"]
        text = text + END + "\n"
    if reply:
        text = text + START + "assistant" + "\n"
    return text
