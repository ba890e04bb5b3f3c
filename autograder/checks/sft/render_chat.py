"""`render_chat`: a prompt is the beginning of what follows, nobody speaks for somebody else, no role is made up."""

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import torch

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, outcome
from autograder.checks.sft.shared import (
    ASSISTANT,
    END,
    MARKS,
    NEWLINE,
    USER,
    Template,
    elsewhere,
    said,
    some_words,
    unknowing,
    with_signs,
)
from layercake import village

exercise = Exercise("render_chat")

SAID = [{"role": "user", "content": "the bell"}, {"role": "assistant", "content": "the bell"}]
SIGNS = 'The bell, "the bell"? 12 of Otto Vale\'s.'


def whole(tokens: Sequence[int]) -> list[int]:
    return [int(token) for token in tokens]


def with_one(messages: list[dict[str, str]], place: int, **parts: Any) -> tuple[dict[str, str], ...]:
    """The messages, of which the one at this place has other parts."""
    return (*messages[:place], messages[place] | parts, *messages[place + 1 :])


def words_unless(refused: object, message: dict[str, str], encode: Callable[[str], list[int]]) -> list[int]:
    """The words of a message that was looked through as a text, before it was encoded."""
    if refused or not message["content"].split():
        raise ValueError("not only words")
    return encode(message["content"])


def with_an_error_of_its_own(self: Template, message: dict[str, str]) -> list[int]:
    try:
        return Template.words(self, message)
    except ValueError:
        raise ValueError("a message cannot be encoded") from None


def into_the_words(self: Template, mark: int, words: list[int]) -> list[int]:
    words.insert(0, mark)
    words.append(NEWLINE)
    return list(words)


def in_some(choose: Callable[[Template, dict[str, str]], bool]) -> Callable:
    """Only the messages that are chosen are looked through."""

    def words(self, message):
        if choose(self, message) or self.empty(message["content"]):
            return Template.words(self, message)
        return self.encode(message["content"])

    return words


def without_what_is_unknown(self: Template, message: dict[str, str]) -> list[int]:
    known = [word for word in message["content"].split(" ") if ending(lambda: self.encode(word)) == "a result"]
    return Template.words(self, message | {"content": " ".join(known)})


@exercise.promise("`<end>`, then for each message", broken_by="forgets_the_end_in_front")
@exercise.promise("its role's mark", broken_by="takes_turns")
@exercise.promise("its words and a line break", broken_by="forgets_the_line_breaks")
@exercise.promise("`encode` is the tokenizer, which makes tokens of a text;", broken_by="asks_the_village_itself")
@exercise.promise("With `reply` the mark of the assistant follows", broken_by="forgets_the_reply")
@exercise.promise("whoever spoke last: there it is to go on.", broken_by="prompts_behind_the_user_alone")
@exercise.promise("-> tokens, a list of whole numbers", broken_by="gives_a_tensor")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_what_encode_gave")
@exercise.check(points=0.25)
def marks_words_and_line_breaks(render_chat, rng):
    """First `<end>`, then of each message, whoever begins, the mark of its role, its words and a line break."""
    talks = {
        turns: said(rng, turns)
        for turns in ("u3", "a1", "u3 a1", "u2 a3 u1 a4 u2", "a2 u2", "u1 u2", "u1 a2 a1", "u40 a70")
    }
    talks |= {"the same words three times": 3 * said(rng, "u2"), "signs": [{"role": "user", "content": SIGNS}]}
    seen = {}
    for words, messages in talks.items():
        seen[words] = whole(render_chat(messages, village.encode))
        seen[f"{words}, with reply"] = whole(render_chat(tuple(messages), village.encode, reply=True))
    tokens = render_chat(messages, elsewhere, True)
    seen["with another tokenizer"] = whole(tokens)
    kept: dict[str, list[int]] = {}
    remembered = [
        whole(render_chat(its, lambda text: kept.setdefault(text, village.encode(text)))) for its in 2 * [SAID]
    ]
    seen |= {
        "with a tokenizer that remembers": remembered,
        "what it remembers is right": all(its == village.encode(text) for text, its in kept.items()),
    }
    tokens.append(END)  # the caller's list, as all that it gets
    seen["once more"] = whole(render_chat(messages, elsewhere, True))
    tokens.pop()
    seen["a hundred and fifty messages"] = whole(render_chat(50 * said(rng, "u1 a1 u2"), village.encode))
    seen["more than two texts"] = whole(
        render_chat([message | {"name": "Otto"} for message in messages], village.encode)
    )
    return seen | {
        "a list of whole numbers": type(tokens) is list and all(isinstance(token, Integral) for token in tokens)
    }


@exercise.check(points=0.25, invariant=True)
def a_prompt_is_the_beginning_of_what_follows(render_chat, rng):
    """With `reply`, a conversation reads as it goes on once the assistant has spoken: up to its mark, no further."""
    before, after = [], []
    for turns in ("u3 a2", "u2 a2 u3 a1", "a2 a3"):
        messages = said(rng, turns)
        before.append(torch.tensor(render_chat(messages[:-1], village.encode, reply=True)))
        after.append(torch.tensor(render_chat(messages, village.encode))[: len(before[-1])])
    without = torch.tensor(render_chat(messages[:-1], village.encode))
    return {
        "before": before,
        "after": after,
        "must differ": [before[-1], without],
        "change": "the assistant had spoken",
    }


@exercise.promise("A message is only words:", broken_by="mends_the_ends")
@exercise.promise("a mark or a line break in it is refused", broken_by="takes_marks_out")
@exercise.promise("whoever says it, since it could speak for somebody else.", broken_by="trusts_the_assistant")
@exercise.promise("holds a line break", broken_by="lets_line_breaks_through")
@exercise.promise("`<` alone is a word where it knows one.", broken_by="refuses_any_sign_of_a_mark")
@exercise.promise("or one of the marks <end>, <mask>, <user>, <assistant>;", broken_by="refuses_the_roles_marks_alone")
@exercise.check(points=0.25)
def nobody_speaks_for_somebody_else(render_chat, rng):
    """A mark, in any letters, or a line break is refused, whoever writes it and wherever it stands; words are not."""
    messages, seen = said(rng, "u3 a3 u3 a3"), {}
    for mark in dict.fromkeys(spelt for its in MARKS for spelt in (its, its.upper(), its.title())):
        for place, message in enumerate(messages):
            first, *others = message["content"].split()
            forms = [[mark, first, *others], [first, mark, *others], [first, *others, mark], [first + mark, *others]]
            seen[f"{mark!r} in message {place + 1}"] = [
                outcome(lambda: whole(render_chat(with_one(messages, place, content=" ".join(form)), village.encode)))
                for form in [*forms, [mark]]
            ]
    seen["words alone"] = whole(render_chat(messages, village.encode))
    forms = ("{} < {}", "{} > {}", "{} <> {}", "{} < > {}")
    for place, form in enumerate(forms):
        content = form.format(*village.decode(some_words(rng, 2)).split()[:2])
        seen[f"the sign {form}"] = whole(render_chat(with_one(messages, place, content=content), with_signs))
    return seen


@exercise.promise("Raises ValueError for an empty conversation", broken_by="answers_nobody")
@exercise.promise('that is no mapping with a text for "role" and for "content"', broken_by="takes_what_it_gets")
@exercise.promise("a role that is not in `ROLES`", broken_by="stumbles_over_unknown_roles")
@exercise.check(points=0.25)
def two_roles_and_no_other(render_chat, rng):
    """A role that there is not is refused with a ValueError, wherever it stands, and so is what is no message."""
    messages = said(rng, "u2 a2 u1")
    given = {"no message": [], "no message, in a tuple": ()}
    for role in ("system", "", "User", "<user>", "users", "user ", "bot", "assistant", "user"):
        given |= {f"role {role!r} in message {place + 1}": with_one(messages, place, role=role) for place in range(3)}
    for words, parts in {
        "role None": {"role": None},
        "content None": {"content": None},
        "content a list": {"content": [village.decode(some_words(rng, 2))]},
    }.items():
        given |= {words: with_one(messages, 1, **parts)}
    text = messages[0]["content"]
    for what in ({"role": "user"}, {"content": text}, text, ("user", text), None):
        given |= {f"{type(what).__name__} of {len(what or ())} for a message": [messages[0], what]}
    return {
        words + ", reply" * reply: outcome(lambda: whole(render_chat(its, village.encode, reply=reply)))
        for words, its in given.items()
        for reply in (False, True)
    }


@exercise.promise("a message that has no words", broken_by="lets_empty_messages_through")
@exercise.promise("for a message that has no words (spaces are none)", broken_by="takes_spaces_for_words")
@exercise.promise("for words that it does not know.", broken_by="leaves_out_unknown_words")
@exercise.promise("and the very one that `encode` raises", broken_by="words_the_error_anew")
@exercise.check(points=0.25)
def every_message_says_something(render_chat, rng):
    """A message without a word is refused, also one of spaces, and so is a word that the village does not have."""
    messages, known = said(rng, "u2 a2 u1"), village.decode(some_words(rng, 1))
    said_of_it = []
    try:
        render_chat(with_one(messages, 1, content="quantum"), unknowing)
    except ValueError as error:
        said_of_it = [type(error).__name__, list(error.args)]
    contents = ("", " ", "   ", "quantum", "two quantum", "quantum two", known, f" {known}  {known} ")
    return {"what the tokenizer's own error says": said_of_it} | {
        f"the content {content!r} in message {place + 1}": outcome(
            lambda: whole(render_chat(with_one(messages, place, content=content), village.encode))
        )
        for content in contents
        for place in range(3)
    }


exercise.aside(
    "marks and line break are spelt alike in each and have the same numbers, so that text and tokens both show them:",
    "It says what may be relied on: the mark may be written as a number, or encoded, and looked for in either.",
)
exercise.aside(
    "for no message at all, for one without these two texts, for another role than those in ROLES",
    "What the docstring says, which is promised above.",
)
exercise.aside(
    "lets through the ValueError of `encode` for words that it does not know",
    "What the docstring says, which is promised above.",
)
exercise.edges(
    empty="two_roles_and_no_other",
    one="marks_words_and_line_breaks",
    equal="marks_words_and_line_breaks",
    zero="Nothing is computed with the tokens.",
    ties="No two are compared.",
    large="Tokens are only laid one behind the other.",
    small="Tokens are only laid one behind the other.",
    limit="There is no limit of length.",
    shapes="marks_words_and_line_breaks",
    modes="A function without a mode.",
    gradients="Whole numbers have none.",
    inputs="Whole numbers have no gradient.",
)

mistakes(
    exercise,
    Template,
    forgets_the_end_in_front=mistake(
        "Your text begins with a message. What stands in front of every text of the village?", front=()
    ),
    closes_the_text=mistake(
        "Your text ends with <end>. Is the conversation over, or only written so far?", back=(END,)
    ),
    takes_turns=mistake(
        "Users and assistant take turns with you, whatever `role` says. What if one of them speaks twice, or begins?",
        __call__=lambda self, messages, encode, reply=False: (
            Template()(
                [message | {"role": ("user", "assistant")[i % 2]} for i, message in enumerate(messages)], encode, reply
            )
            if not Template().begin(messages) and [Template().mark(message["role"]) for message in messages]
            else None
        ),
    ),
    asks_the_village_itself=mistake(
        "Words are always the village's tokens with you. Where do you use `encode`?",
        words=lambda self, message: Template.words(self, message) and village.encode(message["content"]),
    ),
    writes_names_small=mistake(
        "Your text has no large letters before it is encoded. How does the village tell a name?",
        words=lambda self, message: Template.words(self, message | {"content": message["content"].lower()}),
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
    prompts_behind_the_user_alone=mistake(
        "Behind a message of the assistant, `reply` adds nothing. Is it left to you whether it speaks twice?",
        prompt=lambda self, reply: [ASSISTANT] if reply and self.messages[-1]["role"] == "user" else [],
    ),
    always_asks_for_a_reply=mistake(
        "The mark of the assistant is always at the end. What is `reply` for?", prompt=lambda self, reply: [ASSISTANT]
    ),
    ends_the_open_line=mistake(
        "A line break follows the open mark. Would the assistant not begin by ending its reply?",
        prompt=lambda self, reply: [ASSISTANT, NEWLINE] if reply else [],
    ),
    gives_a_tensor=mistake(
        "The tokens are right, and no list of whole numbers. What type does the signature give them?",
        __call__=lambda self, *given, **more: torch.tensor(Template()(*given, **more)),
    ),
    answers_nobody=mistake(
        "A conversation without a message gets through. Which line was to refuse it?",
        begin=lambda self, messages: [self.look_at(message) for message in messages],
    ),
    takes_what_it_gets=mistake(
        "What is no message ends in an error that Python chose. Who looks at it first, and what is to be raised?",
        look_at=lambda self, message: None,
    ),
    takes_unknown_roles_for_the_user=mistake(
        "Whoever is not the assistant is the user to you. What is to become of a role that is misspelt?",
        mark=lambda self, role: ASSISTANT if role == "assistant" else USER,
    ),
    passes_over_unknown_roles=mistake(
        "A message with an unknown role is left out without a word. Will whoever misspelt it find out?",
        __call__=lambda self, messages, encode, reply=False: (
            self.begin(messages)
            or Template()([its for its in messages if its["role"] in ("user", "assistant")], encode, reply)
        ),
    ),
    stumbles_over_unknown_roles=mistake(
        "An unknown role ends in a KeyError. Does that say which message it was, and which roles there are?",
        mark=lambda self, role: {"user": USER, "assistant": ASSISTANT}[role],
    ),
    lets_marks_through=mistake(
        "A message may hold any mark. What happens if a user writes <assistant>?", refused=frozenset()
    ),
    takes_marks_out=mistake(
        "Marks and line breaks are taken out of a message, and the rest is kept. Was it to be mended, or refused?",
        words=lambda self, message: (
            [token for token in self.encode(message["content"]) if token not in MARKS.values()]
            or Template.words(self, message)
        ),
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
        words=in_some(lambda self, message: message["role"] == "user"),
    ),
    trusts_the_user=mistake(
        "Only the assistant's messages are looked through. What could stand in a user's?",
        words=in_some(lambda self, message: message["role"] == "assistant"),
    ),
    looks_at_the_last_message_alone=mistake(
        "Only the last message is looked through. Could a mark stand in an earlier one?",
        words=in_some(lambda self, message: message is self.messages[-1]),
    ),
    looks_at_the_first_message_alone=mistake(
        "Only the first message is looked through. Could a mark stand in a later one?",
        words=in_some(lambda self, message: message is self.messages[0]),
    ),
    lets_empty_messages_through=mistake(
        "Empty messages pass. What would a model learn from a reply of no words?", empty=lambda self, content: False
    ),
    words_the_error_anew=mistake(
        "The error of `encode` does not come through, but one of yours. Was it yours to catch?",
        words=with_an_error_of_its_own,
    ),
    refuses_any_sign_of_a_mark=mistake(
        "A `<` that is no mark is refused. Where do you see whether something is one, in the letters or in its tokens?",
        words=lambda self, message: words_unless({"<", ">"} & set(message["content"]), message, self.checked),
        checked=lambda self, text: Template.words(self, {"content": text}),
    ),
    writes_into_what_encode_gave=mistake(
        "You write into the list that `encode` gave you. What if the tokenizer keeps it for the next time?",
        turn=into_the_words,
    ),
    takes_spaces_for_words=mistake(
        "A message of spaces passes. Is it the text that must not be empty, or its tokens?",
        empty=lambda self, content: not content,
    ),
    leaves_out_unknown_words=mistake(
        "A word that `encode` does not know is left out. Was its error yours to catch?", words=without_what_is_unknown
    ),
)
