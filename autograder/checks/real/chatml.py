"""The way of `render_chatml`, with its parts to override, and parts that are wrong."""

from collections.abc import Callable

from autograder.checks.real.text import END, START, SYSTEM

Message = dict[str, str]


class Template:
    """`render_chatml` with its parts to override, so that one of them can be wrong."""

    roles, marks, default = ("system", "user", "assistant"), (START, END), {"role": "system", "content": SYSTEM}
    form, open, between = START + "{role}\n{content}" + END + "\n", START + "assistant\n", ""

    def __call__(self, messages, reply=True):
        self.begin(messages)
        turns = [self.turn(message) for message in self.all(messages)]
        return self.between.join([*turns, *self.prompt(messages, reply)])

    def begin(self, messages):
        if not messages:
            raise ValueError("nobody")

    def all(self, messages):
        return list(messages) if self.is_with_system(messages) else [self.default, *messages]

    def is_with_system(self, messages):
        return messages[0]["role"] == "system"

    def turn(self, message):
        self.look_at(message)
        return self.form.format(role=message["role"], content=self.content(message))

    def look_at(self, message):
        self.look_at_role(message["role"])
        if self.is_marked(message):
            raise ValueError("a mark")

    def look_at_role(self, role):
        if role not in self.roles:
            raise ValueError("a role")

    def is_marked(self, message):
        return any(mark in message["content"] for mark in self.marks)

    def content(self, message):
        return message["content"]

    def prompt(self, messages, reply):
        return [self.open] * reply


def written_into(self: Template, messages: list[Message]) -> list[Message]:
    if not self.is_with_system(messages):
        messages.insert(0, self.default)
    return messages


def taken_out(self: Template, message: Message) -> str:
    return message["content"].replace(START, "").replace(END, "")


def system_in_front(self: Template, messages: list[Message]) -> list[Message]:
    at = next((i for i, message in enumerate(messages) if message["role"] == "system"), None)
    if at is None:
        return [self.default, *messages]
    return [messages[at], *messages[:at], *messages[at + 1 :]]


def in_one_turn(self: Template, messages: list[Message]) -> list[Message]:
    """The messages, those of one role in a row joined."""
    joined: list[Message] = []
    for message in Template.all(self, messages):
        if joined and joined[-1]["role"] == message["role"]:
            message = message | {"content": f"{joined.pop()['content']}\n{message['content']}"}
        joined.append(message)
    return joined


def in_turn(self: Template, messages: list[Message]) -> list[Message]:
    """The messages, after the system's, as if user and assistant took turns."""
    for message in messages:
        self.look_at_role(message["role"])
    first, *others = Template.all(self, messages)
    return [first, *(message | {"role": ("user", "assistant")[i % 2]} for i, message in enumerate(others))]


def of_known_roles(self: Template, messages: list[Message]) -> list[Message]:
    return [message for message in Template.all(self, messages) if message["role"] in self.roles]


def where(choose: Callable[[Message], bool]) -> Callable[[Template, Message], bool]:
    """Marks are looked for in these messages alone."""
    return lambda self, message: choose(message) and Template.is_marked(self, message)


def default_unended(self: Template, message: Message) -> str:
    turn = Template.turn(self, message)
    return turn.replace(END, "") if message is self.default else turn
