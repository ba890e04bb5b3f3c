"""`render_chat`: a prompt is the beginning of what follows, nobody speaks for somebody else, no role is made up."""

from collections.abc import Callable, Sequence

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes
from autograder.checks.sft.shared import ASSISTANT, END, MARKS, NEWLINE, USER, Template, said, some_words
from layercake import village

exercise = Exercise("render_chat")


def whole(tokens: Sequence[int]) -> list[int]:
    return [int(token) for token in tokens]


def words_unless(refused: object, message: dict[str, str], encode: Callable[[str], list[int]]) -> list[int]:
    """The words of a message that was looked through as a text, before it was encoded."""
    if refused or not message["content"].strip(" "):
        raise ValueError("not only words")
    return encode(message["content"])


@exercise.check(points=0.25)
def marks_words_and_line_breaks(render_chat, rng):
    """First `<end>`, then of each message, whoever begins, the mark of its role, its words and a line break."""
    talks = ("u3", "u3 a1", "u2 a3 u1 a4", "a2 u2", "u1 u2")
    return {turns: whole(render_chat(said(rng, turns), village.encode)) for turns in talks}


@exercise.check(points=0.25, invariant=True)
def a_prompt_is_the_beginning_of_what_follows(render_chat, rng):
    """With `reply`, a conversation reads as it goes on once the assistant has spoken: up to its mark, no further."""
    before, after = [], []
    for turns in ("u3 a2", "u2 a2 u3 a1"):
        messages = said(rng, turns)
        before.append(torch.tensor(render_chat(messages[:-1], village.encode, reply=True)))
        after.append(torch.tensor(render_chat(messages, village.encode))[: len(before[-1])])
    without = torch.tensor(render_chat(messages[:-1], village.encode))
    return {"before": before, "after": after, "must differ": [before[-1], without]}


@exercise.check(points=0.25)
def nobody_speaks_for_somebody_else(render_chat, rng):
    """A mark, in any letters, or a line break is refused, whoever writes it and wherever it stands; words are not."""
    messages, seen = (
        said(rng, "u3 a3 u3 a3"),
        {"words alone": ending(lambda: render_chat(said(rng, "u3 a3"), village.encode))},
    )
    for mark in dict.fromkeys(spelt for its in MARKS for spelt in (its, its.upper(), its.title())):
        for number, message in enumerate(messages):
            first, *others = message["content"].split()
            forms = [[mark, first, *others], [first, mark, *others], [first, *others, mark], [first + mark, *others]]
            forged = [[*messages[:number], message | {"content": " ".join(form)}] for form in forms]
            seen[f"{mark!r} in message {number + 1}"] = [
                ending(lambda: render_chat(its, village.encode)) for its in forged
            ]
    return seen


@exercise.check(points=0.25)
def two_roles_and_no_other(render_chat, rng):
    """A role that there is not is refused with a ValueError, wherever it stands, and so is an empty conversation."""
    seen = {
        "no message": ending(lambda: render_chat([], village.encode)),
        "no message, reply": ending(lambda: render_chat([], village.encode, True)),
    }
    for role in ("system", "", "User", "<user>", "assistant", "user"):
        first, second = said(rng, "u2 a2")
        seen[f"role {role!r} first"] = ending(lambda: render_chat([first | {"role": role}, second], village.encode))
        seen[f"role {role!r} last"] = ending(
            lambda: render_chat([first, second | {"role": role}], village.encode, reply=True)
        )
    return seen


@exercise.check(points=0.25)
def every_message_says_something(render_chat, rng):
    """A message without a word is refused, also one of spaces, and so is a word that the village does not have."""
    first, second = said(rng, "u2 a2")
    return {
        f"the content {content!r}": [
            ending(lambda: render_chat([first | {"content": content}, second], village.encode)),
            ending(lambda: render_chat([first, second | {"content": content}], village.encode)),
        ]
        for content in ("", "   ", "quantum", "two quantum", village.decode(some_words(rng, 1)))
    }


mistakes(
    exercise,
    Template,
    forgets_the_end_in_front=mistake(
        "Your text begins with a message. What stands in front of every text of the village?", front=()
    ),
    closes_the_text=mistake(
        "Your text ends with <end>. Is the conversation over, or only written so far?", back=(END,)
    ),
    forgets_the_line_breaks=mistake(
        "No message ends with a line break. What is the last thing that an assistant has to learn to say?",
        turn=lambda self, mark, words: [mark, *words],
    ),
    forgets_the_last_line_break=mistake(
        "Your line breaks stand between the messages. Which message is without one?",
        __call__=lambda self, messages, encode, reply=False: Template()(messages, encode)[:-1] + self.prompt(reply),
    ),
    breaks_the_line_behind_the_mark=mistake(
        "A line break stands between mark and words. How does the assistant tell it from its last one?",
        turn=lambda self, mark, words: [mark, NEWLINE, *words, NEWLINE],
    ),
    forgets_the_reply=mistake(
        "The mark of the assistant is missing at the end. Where do you use `reply`?", prompt=lambda self, reply: []
    ),
    always_asks_for_a_reply=mistake(
        "The mark of the assistant is always at the end. What is `reply` for?", prompt=lambda self, reply: [ASSISTANT]
    ),
    ends_the_open_line=mistake(
        "A line break follows the open mark. Would the assistant not begin by ending its reply?",
        prompt=lambda self, reply: [ASSISTANT, NEWLINE] if reply else [],
    ),
    takes_unknown_roles_for_the_user=mistake(
        "Whoever is not the assistant is the user to you. What is to become of a role that is misspelt?",
        mark=lambda self, role: ASSISTANT if role == "assistant" else USER,
    ),
    stumbles_over_unknown_roles=mistake(
        "An unknown role ends in a KeyError. Does that say which message it was, and which roles there are?",
        mark=lambda self, role: {"user": USER, "assistant": ASSISTANT}[role],
    ),
    lets_marks_through=mistake(
        "A message may hold anything. What happens if a user writes <assistant>?", refused=frozenset()
    ),
    lets_line_breaks_through=mistake(
        "Marks are refused, and line breaks are not. What does a line break tell the assistant?",
        refused=Template.refused - {NEWLINE},
    ),
    refuses_the_roles_marks_alone=mistake(
        "You refuse <user> and <assistant>. Which marks are left that no message may hold?",
        refused=frozenset({USER, ASSISTANT, NEWLINE}),
    ),
    looks_at_the_letters=mistake(
        "`<ASSISTANT>` passes. What does `encode` make of large letters?",
        words=lambda self, message: words_unless(
            any(mark in message["content"] for mark in MARKS), message, self.encode
        ),
    ),
    looks_at_each_word=mistake(
        "A mark passes where no space stands before it. What does `encode` make of `bell<assistant>`?",
        words=lambda self, message: words_unless(
            "\n" in message["content"] or MARKS.keys() & set(message["content"].lower().split(" ")),
            message,
            self.encode,
        ),
    ),
    mends_the_ends=mistake(
        "You take line breaks off the ends of a message. Was it to be mended, or to be refused?",
        words=lambda self, message: Template.words(self, message | {"content": message["content"].strip()}),
    ),
    trusts_the_assistant=mistake(
        "Only the user's messages are looked through. What could stand in an assistant's?",
        words=lambda self, message: (
            Template.words(self, message) if message["role"] != "assistant" else self.encode(message["content"])
        ),
    ),
    lets_empty_messages_through=mistake(
        "Empty messages pass. What would a model learn from a reply of no words?", empty=lambda self, content: False
    ),
    takes_spaces_for_words=mistake(
        "A message of spaces passes. Is it the text that must not be empty, or its tokens?",
        empty=lambda self, content: not content,
    ),
)
