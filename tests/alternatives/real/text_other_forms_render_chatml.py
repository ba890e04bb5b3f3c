"""`render_chatml` in another form: written whole, and refused afterwards where it has a mark too many."""

from enum import Enum
from itertools import chain

from solutions.real import END, START, SYSTEM

Role = Enum("Role", ["system", "user", "assistant"])


class NoConversation(ValueError):
    pass


def render_chatml(messages, reply=True):
    match messages:
        case []:
            raise NoConversation("nobody speaks")
        case [{"role": "system"}, *_]:
            default = ()
        case _:
            default = ({"content": SYSTEM, "role": "system"},)
    try:
        turns = [(Role[one["role"]].name, one["content"]) for one in chain(default, messages)]
    except KeyError as error:
        raise NoConversation(f"who is {error}?") from error
    lines = "".join("\n".join([START + role, content + END, ""]) for role, content in turns)
    if {lines.count(START), lines.count(END)} != {len(turns)}:
        raise NoConversation("somebody speaks for somebody else")
    return lines + (START + Role.assistant.name + "\n") * bool(reply)
