"""The checks of supervised fine-tuning, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a prompt is the beginning of what follows it, nobody speaks for somebody else, the user's
words are no targets, conversations in one row learn what they learn each in a row of its own, an adapter changes
nothing at first and costs nothing once it is merged. Then the numbers. Conversations are of the village's own words;
the model that takes steps is a small one of the checks' own, without positions, so that no check stands on another
topic. All checks are exact but one: the variance of an adapter's first numbers is judged by Chernoff's bound.
"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Topic
from autograder.checks.attention import FourProjections, gradients
from autograder.checks.prediction import ending
from autograder.checks.pretraining import Observed, as_tensors, joint, library_clipping, normal, weights_of
from layercake import village

sft = Topic("sft")
check = sft.try_out

VOCABULARY = village.VOCABULARY
END, NEWLINE, USER, ASSISTANT = (VOCABULARY.index(mark) for mark in ("<end>", "\n", "<user>", "<assistant>"))
MARKS = {"<end>": END, "<mask>": village.MASK, "<user>": USER, "<assistant>": ASSISTANT, "\n": NEWLINE}
WORDS = [token for token, word in enumerate(VOCABULARY) if word.isalpha() and word.islower()]
SPEAKERS = {"u": "user", "a": "assistant"}


def some_words(rng: torch.Generator, n: int) -> list[int]:
    """Words of the village, no two of them the same."""
    return [WORDS[i] for i in torch.randperm(len(WORDS), generator=rng)[:n].tolist()]


def other_words(rng: torch.Generator, tokens: Tensor) -> Tensor:
    """As many words as there are tokens, none of which is among these."""
    return torch.tensor(
        [word for word in some_words(rng, 2 * len(tokens)) if word not in tokens.tolist()][: len(tokens)]
    )


def said(rng: torch.Generator, turns: str) -> list[dict[str, str]]:
    """A conversation: "u3 a1" is three words of the user, and one of the assistant."""
    return [
        {"role": SPEAKERS[turn[0]], "content": village.decode(some_words(rng, int(turn[1:])))} for turn in turns.split()
    ]


def written(rng: torch.Generator, turns: str) -> list[int]:
    """A conversation as tokens; "u3 a1", as in `said`."""
    return Template()(said(rng, turns))


def row(rng: torch.Generator, *talks: str, T: int) -> Tensor:
    """Conversations end to end, padded or cut to T tokens."""
    tokens = [token for turns in talks for token in written(rng, turns)]
    return torch.tensor((tokens + [END] * T)[:T])


def outcome(call: Callable[[], Any]) -> Any:
    """What a call gives, or the name of the exception that ends it."""
    results: list[Any] = []
    end = ending(lambda: results.append(call()))
    return results[0] if results else end


def way(hint: str, **parts: Any) -> tuple[str, dict[str, Any]]:
    """A wrong way to work: the question that leads away from it, and the parts in which it is other than the right."""
    return hint, parts


def catalogue(topic: Topic, exercise: str, right: type, **ways: tuple[str, dict[str, Any]]) -> None:
    """Register the known mistakes of an exercise: each is the right way, a class, with some parts overridden."""
    for name, (hint, parts) in ways.items():
        wrong = type(name, (right,), parts)
        topic.mistake(exercise, hint=hint)(wrong if issubclass(wrong, nn.Module) else called(wrong))


def called(way: type) -> Callable:
    """A function, of the name of the class, that calls a new object of it."""

    def function(*args, **more):
        return way()(*args, **more)

    function.__name__ = way.__name__
    return function


known = partial(catalogue, sft)


# --- render_chat -------------------------------------------------------------------------------------------


def whole(tokens: Sequence[int]) -> list[int]:
    return [int(token) for token in tokens]


@sft.check("render_chat", points=0.25)
def marks_words_and_line_breaks(render_chat, rng):
    """First `<end>`, then of each message, whoever begins, the mark of its role, its words and a line break."""
    talks = ("u3", "u3 a1", "u2 a3 u1 a4", "a2 u2", "u1 u2")
    return {turns: whole(render_chat(said(rng, turns))) for turns in talks}


@sft.check("render_chat", points=0.25, invariant=True)
def a_prompt_is_the_beginning_of_what_follows(render_chat, rng):
    """With `reply`, a conversation reads as it goes on once the assistant has spoken: up to its mark, no further."""
    before, after = [], []
    for turns in ("u3 a2", "u2 a2 u3 a1"):
        messages = said(rng, turns)
        before.append(torch.tensor(render_chat(messages[:-1], reply=True)))
        after.append(torch.tensor(render_chat(messages))[: len(before[-1])])
    without = torch.tensor(render_chat(messages[:-1]))
    return {"before": before, "after": after, "must differ": [before[-1], without]}


@sft.check("render_chat", points=0.25)
def nobody_speaks_for_somebody_else(render_chat, rng):
    """A mark, in any letters, or a line break is refused, whoever writes it and wherever it stands; words are not."""
    messages, seen = said(rng, "u3 a3 u3 a3"), {"words alone": ending(lambda: render_chat(said(rng, "u3 a3")))}
    for mark in dict.fromkeys(spelt for its in MARKS for spelt in (its, its.upper(), its.title())):
        for number, message in enumerate(messages):
            first, *others = message["content"].split()
            forms = [[mark, first, *others], [first, mark, *others], [first, *others, mark], [first + mark, *others]]
            forged = [[*messages[:number], message | {"content": " ".join(form)}] for form in forms]
            seen[f"{mark!r} in message {number + 1}"] = [ending(lambda: render_chat(its)) for its in forged]
    return seen


@sft.check("render_chat", points=0.25)
def two_roles_and_no_other(render_chat, rng):
    """A role that there is not is refused with a ValueError, wherever it stands, and so is an empty conversation."""
    seen = {"no message": ending(lambda: render_chat([])), "no message, reply": ending(lambda: render_chat([], True))}
    for role in ("system", "", "User", "<user>", "assistant", "user"):
        first, second = said(rng, "u2 a2")
        seen[f"role {role!r} first"] = ending(lambda: render_chat([first | {"role": role}, second]))
        seen[f"role {role!r} last"] = ending(lambda: render_chat([first, second | {"role": role}], reply=True))
    return seen


@sft.check("render_chat", points=0.25)
def every_message_says_something(render_chat, rng):
    """A message without a word is refused, also one of spaces, and so is a word that the village does not have."""
    first, second = said(rng, "u2 a2")
    return {
        f"the content {content!r}": [
            ending(lambda: render_chat([first | {"content": content}, second])),
            ending(lambda: render_chat([first, second | {"content": content}])),
        ]
        for content in ("", "   ", "quantum", "two quantum", village.decode(some_words(rng, 1)))
    }


class Template:
    """The template with its parts to override, so that one of them can be wrong."""

    front, back, after_reply_mark = (END,), (), ()
    refused = frozenset(MARKS.values())

    def __call__(self, messages, reply=False):
        if not messages:
            raise ValueError("nobody speaks")
        tokens = list(self.front)
        for message in messages:
            tokens += self.turn(self.mark(message["role"]), self.words(message))
        return [*tokens, *self.back, *self.prompt(reply)]

    def mark(self, role):
        if role not in SPEAKERS.values():
            raise ValueError("no such role")
        return VOCABULARY.index(f"<{role}>")

    def words(self, message):
        tokens = village.encode(message["content"])
        if self.empty(message["content"]) or self.refused & set(tokens):
            raise ValueError("not only words")
        return tokens

    def empty(self, content):
        return not content.strip(" ")

    def turn(self, mark, words):
        return [mark, *words, NEWLINE]

    def prompt(self, reply):
        return [ASSISTANT] if reply else []


def words_unless(refused: object, message: dict[str, str]) -> list[int]:
    """The words of a message that was looked through as a text, before it was encoded."""
    if refused or not message["content"].strip(" "):
        raise ValueError("not only words")
    return village.encode(message["content"])


known(
    "render_chat",
    Template,
    forgets_the_end_in_front=way(
        "Your text begins with a message. What stands in front of every text of the village?", front=()
    ),
    closes_the_text=way("Your text ends with <end>. Is the conversation over, or only written so far?", back=(END,)),
    forgets_the_line_breaks=way(
        "No message ends with a line break. What is the last thing that an assistant has to learn to say?",
        turn=lambda self, mark, words: [mark, *words],
    ),
    forgets_the_last_line_break=way(
        "Your line breaks stand between the messages. Which message is without one?",
        __call__=lambda self, messages, reply=False: Template()(messages)[:-1] + self.prompt(reply),
    ),
    breaks_the_line_behind_the_mark=way(
        "A line break stands between mark and words. How does the assistant tell it from its last one?",
        turn=lambda self, mark, words: [mark, NEWLINE, *words, NEWLINE],
    ),
    forgets_the_reply=way(
        "The mark of the assistant is missing at the end. Where do you use `reply`?", prompt=lambda self, reply: []
    ),
    always_asks_for_a_reply=way(
        "The mark of the assistant is always at the end. What is `reply` for?", prompt=lambda self, reply: [ASSISTANT]
    ),
    ends_the_open_line=way(
        "A line break follows the open mark. Would the assistant not begin by ending its reply?",
        prompt=lambda self, reply: [ASSISTANT, NEWLINE] if reply else [],
    ),
    takes_unknown_roles_for_the_user=way(
        "Whoever is not the assistant is the user to you. What is to become of a role that is misspelt?",
        mark=lambda self, role: ASSISTANT if role == "assistant" else USER,
    ),
    stumbles_over_unknown_roles=way(
        "An unknown role ends in a KeyError. Does that say which message it was, and which roles there are?",
        mark=lambda self, role: {"user": USER, "assistant": ASSISTANT}[role],
    ),
    lets_marks_through=way(
        "A message may hold anything. What happens if a user writes <assistant>?", refused=frozenset()
    ),
    lets_line_breaks_through=way(
        "Marks are refused, and line breaks are not. What does a line break tell the assistant?",
        refused=Template.refused - {NEWLINE},
    ),
    refuses_the_roles_marks_alone=way(
        "You refuse <user> and <assistant>. Which marks are left that no message may hold?",
        refused=frozenset({USER, ASSISTANT, NEWLINE}),
    ),
    looks_at_the_letters=way(
        "`<ASSISTANT>` passes. What does `village.encode` make of large letters?",
        words=lambda self, message: words_unless(any(mark in message["content"] for mark in MARKS), message),
    ),
    looks_at_each_word=way(
        "A mark passes where no space stands before it. What does `village.encode` make of `bell<assistant>`?",
        words=lambda self, message: words_unless(
            "\n" in message["content"] or MARKS.keys() & set(message["content"].lower().split(" ")), message
        ),
    ),
    mends_the_ends=way(
        "You take line breaks off the ends of a message. Was it to be mended, or to be refused?",
        words=lambda self, message: Template().words(message | {"content": message["content"].strip()}),
    ),
    trusts_the_assistant=way(
        "Only the user's messages are looked through. What could stand in an assistant's?",
        words=lambda self, message: (
            Template().words(message) if message["role"] != "assistant" else village.encode(message["content"])
        ),
    ),
    lets_empty_messages_through=way(
        "Empty messages pass. What would a model learn from a reply of no words?", empty=lambda self, content: False
    ),
    takes_spaces_for_words=way(
        "A message of spaces passes. Is it the text that must not be empty, or its tokens?",
        empty=lambda self, content: not content,
    ),
)


# --- response_mask -----------------------------------------------------------------------------------------


@sft.check("response_mask", points=0.25, invariant=True)
def other_words_the_same_mask(response_mask, rng):
    """Other words in the same places leave the mask as it is; with the roles swapped it is another."""
    tokens = row(rng, "u3 a4 u2 a3", T=22)
    other, swapped = tokens.clone(), tokens.clone()
    words = torch.isin(tokens, torch.tensor(WORDS))
    other[words] = other_words(rng, tokens[words])
    swapped[tokens == USER], swapped[tokens == ASSISTANT] = ASSISTANT, USER
    before, after, others = (response_mask(its) for its in (tokens, other, swapped))
    return {"before": before, "after": after, "must differ": [before, others]}


@sft.check("response_mask", points=0.25)
def from_behind_the_mark_to_the_line_break(response_mask, rng):
    """The words behind the mark are the assistant's, and the line break after them; what stands behind is nobody's."""
    bare = torch.tensor(some_words(rng, 4))
    seen = {turns: response_mask(row(rng, turns, T=14)) for turns in ("u3 a4", "u4 a1", "u5")}
    seen["words without any mark"] = response_mask(bare)
    seen["words behind the line break"] = response_mask(torch.cat([row(rng, "u1 a2", T=8), bare]))
    seen["a row that begins with the mark"] = response_mask(row(rng, "a3", T=8)[1:])
    return seen | {"its type": str(seen["u5"].dtype)}


@sft.check("response_mask", points=0.25)
def every_reply_counts(response_mask, rng):
    """All replies of a conversation are the assistant's words, the first, the last, and two in a row."""
    talks = ("u1 a2 u3 a1 u2 a3", "a2 u2 a1", "u2 a3 a2 u1", "u2 a1 u1 u2")
    return {turns: response_mask(row(rng, turns, T=24)) for turns in talks}


@sft.check("response_mask", points=0.25)
def conversations_side_by_side(response_mask, rng):
    """Conversations that follow each other in a row have each its replies, and what is left of the row has none."""
    return {
        "three, and padding": response_mask(row(rng, "u1 a2", "u3 a1 u1 a1", "a2", T=32)),
        "two, and no padding": response_mask(row(rng, "u2 a2", "u1 a3", T=16)),
        "nothing but padding": response_mask(torch.full((5,), END)),
    }


@sft.check("response_mask", points=0.25)
def a_reply_that_is_broken_off(response_mask, rng):
    """Where a reply has no line break, `<user>`, `<end>` or the row's own end close it, and its words count."""
    whole, after = row(rng, "u2 a4", T=9), row(rng, "u2 a3", T=9)
    forms = {f"after {n} of its words": whole[: 5 + n] for n in (0, 1, 4)}
    forms |= {"and a new conversation": torch.cat([whole, after]), "and the user": torch.cat([whole, after[1:]])}
    return {f"broken off {words}": response_mask(tokens) for words, tokens in forms.items()}


@sft.check("response_mask", points=0.25)
def each_row_by_itself(response_mask, rng):
    """Rows in any shape have each its own mask: where the one above ends in a reply, the next does not begin in it."""
    text = row(rng, "u2 a4 u1 a3", "u1 a2", T=26)
    rows = [text[start : start + 8] for start in (0, 7, 2, 5, 9, 12)]  # the first, the second and the fifth end open
    stacked = torch.stack(rows)
    return {f"{shape}": response_mask(stacked.view(*shape, 8)) for shape in ((6,), (2, 3), (1, 3, 2))}


class Scribe:
    """The mask of one row after the other, token by token, with its parts to override, so that one can be wrong."""

    closes, closes_behind, its_mark = frozenset({USER, END}), frozenset({NEWLINE}), False

    def __call__(self, tokens):
        rows = tokens.reshape(-1, tokens.size(-1)).tolist()
        return self.last([self.row(row) for row in rows], tokens)

    def last(self, rows, tokens):
        return torch.tensor(rows).view_as(tokens)

    def row(self, row):
        mask, speaks = [], False
        for token in row:
            speaks = speaks and token not in self.closes
            mask.append(self.its_mark if token == ASSISTANT else speaks)
            speaks = (speaks or token == ASSISTANT) and token not in self.closes_behind
        return mask


def replies_of(mask: list[bool], row: list[int]) -> list[list[int]]:
    """The places of each reply."""
    found: list[list[int]] = []
    for place, mine in enumerate(mask):
        if mine and (place == 0 or row[place - 1] == ASSISTANT):
            found.append([])
        if mine:
            found[-1].append(place)
    return found


def some_replies(choose: Callable[[list[list[int]], list[int]], list[list[int]]]) -> Callable:
    """The mask of a row in which only some of the replies are left."""

    def row(self, row):
        chosen = choose(replies_of(Scribe().row(row), row), row)
        return [any(place in reply for reply in chosen) for place in range(len(row))]

    return row


known(
    "response_mask",
    Scribe,
    keeps_all_but_the_padding=way(
        "All that is not padding is selected. Whose words does the model then learn to say?",
        row=lambda self, row: [token != END for token in row],
    ),
    keeps_every_word=way(
        "Every word is selected, the user's too. Who is to be imitated?",
        row=lambda self, row: [token not in (END, USER, ASSISTANT) for token in row],
    ),
    is_the_other_way_round=way(
        "Your mask says what the assistant did not write. Which of the two does True mean?",
        last=lambda self, rows, tokens: ~Scribe().last(rows, tokens),
    ),
    takes_the_user_for_the_assistant=way(
        "The user's messages are selected. Whose mark do you look for?",
        row=lambda self, row: Scribe().row([{USER: ASSISTANT, ASSISTANT: USER}.get(token, token) for token in row]),
    ),
    covers_the_mark=way(
        "The assistant's mark is selected. Who writes it, the assistant or whoever asks it to speak?", its_mark=True
    ),
    leaves_out_the_line_break=way(
        "The line break is left out. How will the assistant learn to stop?", closes=Scribe.closes | {NEWLINE}
    ),
    goes_on_behind_the_line_break=way(
        "Your mask goes on behind the line break. Who speaks there?", closes_behind=frozenset()
    ),
    runs_on_to_the_next_line_break=way(
        "A reply that is broken off runs on into the next message. What closes it but a line break?",
        closes=frozenset(),
    ),
    keeps_the_last_reply_alone=way(
        "Only the last reply of a row is selected. What of the ones before it?",
        row=some_replies(lambda replies, row: replies[-1:]),
    ),
    keeps_the_first_reply_alone=way(
        "Only the first reply of a row is selected. What of the ones after it?",
        row=some_replies(lambda replies, row: replies[:1]),
    ),
    forgets_what_is_broken_off=way(
        "A reply without a line break is not selected. Did the assistant not write its words?",
        row=some_replies(lambda replies, row: [reply for reply in replies if row[reply[-1]] == NEWLINE]),
    ),
    takes_all_rows_for_one=way(
        "A row goes on where the one above it ended. Which axis do you run along?",
        __call__=lambda self, tokens: Scribe()(tokens.reshape(-1)).view_as(tokens),
    ),
    is_shifted_already=way(
        "Your mask is one place early. Who shifts it, this function or the one that shifts the targets?",
        row=lambda self, row: [*Scribe().row(row)[1:], False],
    ),
    counts_instead=way(
        "Your mask holds numbers. What does `logits[mask]` do with a 1, and what with a True?",
        last=lambda self, rows, tokens: Scribe().last(rows, tokens).long(),
    ),
)


@sft.given("response_mask")
def mask_in_a_loop(tokens: Tensor) -> Tensor:
    """The mask, for the exercise that needs one."""
    return Scribe()(tokens)


# --- masked_cross_entropy ----------------------------------------------------------------------------------


def unequal_rows(rng: torch.Generator, vocab_size: int = 7) -> tuple[Tensor, Tensor, Tensor]:
    """Logits, targets and a mask that selects 1, 5, 0 and 3 of the nine targets of each row."""
    logits, targets = 3 * normal(rng, 4, 9, vocab_size), torch.randint(vocab_size, (4, 9), generator=rng)
    order = torch.rand(4, 9, generator=rng).argsort(dim=1)
    return logits, targets, order < torch.tensor([[1], [5], [0], [3]])


@sft.check("masked_cross_entropy", points=0.25, invariant=True)
def what_is_not_selected_does_not_count(masked_cross_entropy, rng):
    """Other logits and other targets where the mask is False leave the loss as it is; where it is True they do not."""
    before, after, others = [], [], []
    for _ in range(3):
        logits, targets, mask = unequal_rows(rng)
        other, moved = 5 * normal(rng, *logits.shape), (targets + 1) % 7
        before.append(masked_cross_entropy(logits, targets, mask))
        changed = torch.where(mask.unsqueeze(-1), logits, other), torch.where(mask, targets, moved)
        after.append(masked_cross_entropy(*changed, mask))
        others.append(masked_cross_entropy(torch.where(mask.unsqueeze(-1), other, logits), targets, mask))
    before, after, others = (torch.stack(as_tensors(losses)) for losses in (before, after, others))
    return {"before": before, "after": after, "must differ": [before, others]}


@sft.check("masked_cross_entropy", points=0.25)
def every_selected_target_counts_once(masked_cross_entropy, rng):
    """The loss is the mean over all that is selected, whichever row it stands in; so its gradient is shared out."""
    logits, targets, mask = unequal_rows(rng)
    leaf = logits.clone().requires_grad_()
    return {
        "1, 5, 0 and 3 of a row": masked_cross_entropy(leaf, targets, mask),
        **gradients(masked_cross_entropy(leaf, targets, mask).reshape(1), {"the logits": leaf}, rng),
        "all": masked_cross_entropy(logits, targets, torch.ones_like(mask)),
        "one": masked_cross_entropy(logits[:1], targets[:1], mask[:1]),
        "equal logits": masked_cross_entropy(torch.zeros_like(logits), targets, mask),
        "logits of thousands": masked_cross_entropy(1e3 * logits, targets, mask) / 1e3,
    }


@sft.check("masked_cross_entropy", points=0.25)
def short_logits_and_a_loss_in_full(masked_cross_entropy, rng):
    """From logits in bfloat16 or float16 comes a loss in float32, to the last digit."""
    seen = {}
    for dtype in (torch.bfloat16, torch.float16):
        losses = []
        for _ in range(8):
            logits, targets, mask = unequal_rows(rng)
            losses.append(masked_cross_entropy(logits.to(dtype), targets, mask))
        seen[f"{dtype}"] = [loss.item() for loss in losses]
        seen[f"{dtype}, the loss is short too"] = losses[0].element_size() < 4
    return seen


@sft.check("masked_cross_entropy", points=0.25)
def a_mean_of_nothing_is_refused(masked_cross_entropy, rng):
    """A mask that selects nothing is a ValueError, for one row and for several; one that selects a target is not."""
    logits, targets, mask = unequal_rows(rng)
    nothing, one = torch.zeros_like(mask), torch.zeros_like(mask)
    one[2, 4] = True
    return {
        "nothing of four rows": outcome(lambda: masked_cross_entropy(logits, targets, nothing)),
        "nothing of one row": outcome(lambda: masked_cross_entropy(logits[:1], targets[:1], nothing[:1])),
        "a single target": outcome(lambda: masked_cross_entropy(logits, targets, one)),
    }


class Loss:
    """The loss over a mask with its parts to override, so that one of them can be wrong."""

    def __call__(self, logits, targets, mask):
        if not mask.any():
            return self.nothing(logits)
        return self.mean(self.losses(logits, targets), mask)

    def nothing(self, logits):
        raise ValueError("nothing to learn from")

    def losses(self, logits, targets):
        return F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")

    def mean(self, losses, mask):
        return losses[mask].mean()


def mean_over_everything(self: Loss, losses: Tensor, mask: Tensor) -> Tensor:
    return (losses * mask).mean()


def mean_of_the_rows_means(self: Loss, losses: Tensor, mask: Tensor) -> Tensor:
    rows = mask.any(dim=1)
    return ((losses * mask).sum(dim=1)[rows] / mask.sum(dim=1)[rows]).mean()


known(
    "masked_cross_entropy",
    Loss,
    divides_by_all_tokens=way(
        "You divide by all targets. How much does a reply count that stands in a row full of padding?",
        mean=mean_over_everything,
    ),
    takes_the_mean_of_the_rows_means=way(
        "You take the mean of the rows' means. How much does a word count in a row that has many?",
        mean=mean_of_the_rows_means,
    ),
    divides_by_the_rows=way(
        "You divide by the number of rows. Of what is the loss the mean?",
        mean=lambda self, losses, mask: (losses * mask).sum() / mask.size(0),
    ),
    adds_up=way(
        "Your loss grows with the number of words. By what do you divide the sum?",
        mean=lambda self, losses, mask: losses[mask].sum(),
    ),
    takes_the_mask_the_other_way_round=way(
        "You learn from what the mask hides. Which of the two does True mean?",
        mean=lambda self, losses, mask: losses[mask if mask.all() else ~mask].mean(),
    ),
    ignores_the_mask=way(
        "Every target counts. Where do you use the mask?", mean=lambda self, losses, mask: losses.mean()
    ),
    takes_the_softmax_twice=way(
        "The softmax is taken twice. What does `F.cross_entropy` expect, logits or probabilities?",
        losses=lambda self, logits, targets: Loss().losses(torch.softmax(logits.float(), dim=-1), targets),
    ),
    stays_in_short_numbers=way(
        "Your loss has as few digits as the logits. What do you call `.float()` on, and when?",
        losses=lambda self, logits, targets: F.cross_entropy(logits.transpose(1, 2), targets, reduction="none"),
    ),
    gives_nan_for_nothing=way(
        "A mask that selects nothing gives NaN. Who will find out where it came from?",
        nothing=lambda self, logits: logits.sum() * math.nan,
    ),
    gives_zero_for_nothing=way(
        "A mask that selects nothing gives a loss of zero. Is that the best of all losses?",
        nothing=lambda self, logits: 0.0 * logits.sum(),
    ),
)


@sft.given("masked_cross_entropy")
def loss_by_library(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The loss, for the exercise that needs one."""
    return Loss()(logits, targets, mask)


# --- pack --------------------------------------------------------------------------------------------------

T = 10  # tokens in a row, in these checks
LENGTHS = (6, 8, 2, 5, 3, 2, 4, 1, 1, 7)  # whose rows tell one rule from another


def of_lengths(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Conversations of so many tokens, as far as packing knows: words, none of which is padding."""
    return [some_words(rng, length) for length in lengths]


def any_lengths(rng: torch.Generator, n: int = 12) -> list[list[int]]:
    return of_lengths(rng, *(1 + torch.randint(T, (n,), generator=rng)).tolist())


@sft.check("pack", points=0.5, invariant=True)
def every_conversation_comes_back_whole(pack, rng):
    """What the segments tell apart is what was given: no conversation is lost, cut in two or mixed with another."""
    before, after = [], []
    for given in (of_lengths(rng, *LENGTHS), any_lengths(rng), of_lengths(rng, 3, 4)):
        rows, segments = pack([tuple(its) for its in given], T)
        found = [r[s == n].tolist() for r, s in zip(rows, segments) for n in s.unique().tolist() if n > 0]
        before += [torch.tensor(its) for its in sorted(given)]
        after += [torch.tensor(its) for its in sorted(found)]
    return {"before": before, "after": after}


@sft.check("pack", points=0.5)
def the_first_row_with_room(pack, rng):
    """In the order in which they come, each goes to the first row that has room, and where none has, to a new one."""
    lists = {f"lengths {LENGTHS}": of_lengths(rng, *LENGTHS), "lengths 1, 9, 9, 1": of_lengths(rng, 1, 9, 9, 1)}
    return {words: pack(given, T)[0] for words, given in (lists | {"any lengths": any_lengths(rng)}).items()}


@sft.check("pack", points=0.25)
def to_the_last_place(pack, rng):
    """A row is filled to its last place, and a conversation may be as long as a row; a longer one is a ValueError."""
    seen = {words: pack(of_lengths(rng, *its), T)[0] for words, its in (("10", (10,)), ("6, 4, 10", (6, 4, 10)))}
    refused = {"a longer one": (3, 11), "a longer one first": (12, 3, 3), "an empty one": (3, 0, 2), "no one": ()}
    return seen | {words: outcome(lambda: pack(of_lengths(rng, *its), T)[0]) for words, its in refused.items()}


@sft.check("pack", points=0.25)
def segments_count_from_one_in_each_row(pack, rng):
    """Segments are 1, 2, 3 and so on from the left of each row, and 0 where it holds nothing but `<end>`."""
    tokens, segments = pack(of_lengths(rng, 6, 2, 1, 3, 4, 9), T)
    return {
        "segments": segments,
        "tokens in segment 0": tokens[segments == 0],
        "whole numbers": not (tokens.is_floating_point() or segments.is_floating_point()),
        "one alone": pack(of_lengths(rng, 2), T)[1],
    }


class Packer:
    """Packing with its parts to override, so that one of them can be wrong."""

    padding, padding_segment = END, 0

    def __call__(self, conversations, T):
        if not conversations or not all(map(len, conversations)):
            raise ValueError("nothing to pack")
        rows: list[list[list[int]]] = []
        for conversation in self.fitting(list(map(list, conversations)), T):
            free = [T - sum(map(len, row)) for row in rows]
            at = self.place([n for n, room in enumerate(free) if self.fits(conversation, room)], free)
            if at is None:
                rows.append([conversation])
            else:
                rows[at].append(conversation)
        self.before = 0
        return tuple(torch.tensor(part) for part in zip(*(self.laid(row, T) for row in rows)))

    def fitting(self, conversations, T):
        if max(map(len, conversations)) > T:
            raise ValueError("too long")
        return conversations

    def fits(self, conversation, room):
        return len(conversation) <= room

    def place(self, fitting, free):
        return fitting[0] if fitting else None

    def laid(self, row, T):
        tokens = [token for conversation in row for token in conversation]
        segments = [self.number(n) for n, conversation in enumerate(row, 1) for _ in conversation]
        self.before += len(row)
        left = T - len(tokens)
        return tokens + [self.padding] * left, segments + [self.of_the_padding(len(row))] * left

    def number(self, n):
        return n

    def of_the_padding(self, n):
        return 0


def cut_end_to_end(self: Packer, conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, ...]:
    """All conversations in one long row, which is cut into rows of T."""
    if not conversations or not all(map(len, conversations)):
        raise ValueError("nothing to pack")
    flat = [(token, n) for n, its in enumerate(self.fitting(conversations, T)) for token in its]
    self.before, rows = 0, []
    for start in range(0, len(flat), T):
        piece = flat[start : start + T]
        numbers = sorted({n for _, n in piece})
        rows.append(self.laid([[token for token, its in piece if its == n] for n in numbers], T))
    return tuple(torch.tensor(part) for part in zip(*rows))


known(
    "pack",
    Packer,
    cuts_conversations=way(
        "A conversation is cut in two at the end of a row. What can its second half still read of the question?",
        __call__=cut_end_to_end,
    ),
    takes_the_longest_first=way(
        "The longest come first. In which order are conversations to be laid?",
        fitting=lambda self, conversations, T: sorted(Packer().fitting(conversations, T), key=len, reverse=True),
    ),
    looks_at_the_last_row_alone=way(
        "You look at the last row alone. Which rows before it may still have room?",
        place=lambda self, fitting, free: fitting[-1] if fitting and fitting[-1] == len(free) - 1 else None,
    ),
    takes_the_last_row_with_room=way(
        "You take the last row that has room. Which one is asked for?",
        place=lambda self, fitting, free: fitting[-1] if fitting else None,
    ),
    takes_the_tightest_row=way(
        "You take the row in which the least is left over. Which one is asked for?",
        place=lambda self, fitting, free: min(fitting, key=free.__getitem__) if fitting else None,
    ),
    gives_each_a_row=way(
        "Each conversation has a row of its own. What is most of each row then?",
        place=lambda self, fitting, free: None,
    ),
    leaves_the_last_place_empty=way(
        "The last place of a row stays empty. May a conversation fill what is left exactly?",
        fits=lambda self, conversation, room: len(conversation) < room,
    ),
    cuts_what_is_too_long=way(
        "What is too long is cut off. Which of its tokens is the one that says stop?",
        fitting=lambda self, conversations, T: [conversation[:T] for conversation in conversations],
    ),
    drops_what_is_too_long=way(
        "What is too long is left out without a word. Who will miss it?",
        fitting=lambda self, conversations, T: [its for its in conversations if len(its) <= T],
    ),
    counts_the_padding=way(
        "The padding has a number of its own, as if it were a conversation. Which segment holds nothing?",
        of_the_padding=lambda self, n: n + 1,
    ),
    adds_the_padding_to_the_last=way(
        "The padding belongs to the last conversation. Which segment holds nothing?",
        of_the_padding=lambda self, n: n,
    ),
    counts_over_all_rows=way(
        "Your segments go on counting from row to row. Where does each row begin?",
        number=lambda self, n: self.before + n,
    ),
    counts_from_zero=way("Your segments count from 0. What is segment 0 for?", number=lambda self, n: n - 1),
    takes_a_row_for_one=way(
        "All conversations of a row are one segment. How will the model tell where one ends?",
        number=lambda self, n: 1,
    ),
    pads_with_line_breaks=way(
        "Your padding is a line break. What does `response_mask` make of one, and what of <end>?", padding=NEWLINE
    ),
)


# --- sft_step ----------------------------------------------------------------------------------------------

PACKED = ("u2 a4 u1 a2", "u3 a1", "u1 a3")  # 18, 9 and 9 tokens
NO_LIMIT = 1e9  # for the length of gradients, so that nothing is clipped


class Reader(nn.Module):
    """One layer of attention over the village's tokens, without positions, and logits with a bias."""

    def __init__(self, rng: torch.Generator, d_model: int = 8):
        super().__init__()
        self.embedding = nn.Embedding(len(VOCABULARY), d_model)
        self.attention = FourProjections(d_model, n_heads=2)
        self.output = nn.Linear(d_model, len(VOCABULARY))
        for weight in self.parameters():
            nn.init.normal_(weight, generator=rng, std=0.7)

    def forward(self, tokens: Tensor, state: object = None) -> tuple[Tensor, object]:
        x = self.embedding(tokens)
        return self.output(x + self.attention(x)), state


def packed(rng: torch.Generator, *rows: Sequence[str], T: int = 40) -> tuple[Tensor, Tensor]:
    """Tokens and segments of rows that hold these conversations."""
    tokens, segments = torch.full((len(rows), T), END), torch.zeros(len(rows), T, dtype=torch.long)
    for i, talks in enumerate(rows):
        start = 0
        for number, turns in enumerate(talks, 1):
            its = torch.tensor(written(rng, turns))
            tokens[i, start : start + len(its)], segments[i, start : start + len(its)] = its, number
            start += len(its)
    return tokens, segments


def each_alone(tokens: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
    """The same conversations, each in a row of its own."""
    talks = [r[s == n] for r, s in zip(tokens, segments) for n in s.unique().tolist() if n > 0]
    rows = nn.utils.rnn.pad_sequence(talks, batch_first=True, padding_value=END)
    real = torch.tensor([[place < len(its) for place in range(rows.size(1))] for its in talks])
    return rows, real.long()


def stepped(sft_step: Callable, model: nn.Module, tokens: Tensor, segments: Tensor) -> list[Tensor]:
    """The loss, the norm, and the weights after a step, of a copy of the model."""
    copied = copy.deepcopy(model)
    loss, norm = sft_step(copied, Observed(copied), tokens, segments, NO_LIMIT)
    return [*as_tensors((loss, norm)), weights_of(copied)]


@sft.check("sft_step", points=0.5, invariant=True)
def side_by_side_or_each_alone(sft_step, rng):
    """Conversations in one row give the loss and the step that they give each in a row of its own."""
    model, (tokens, segments) = Reader(rng), packed(rng, PACKED, PACKED[1:])
    given = (tokens, segments), each_alone(tokens, segments), (tokens[:1], segments[:1])
    before, after, others = (stepped(sft_step, model, *its) for its in given)
    return {"before": before, "after": after, "must differ": [before, others]}


@sft.check("sft_step", points=0.5)
def the_assistants_words_are_the_targets(sft_step, rng):
    """Each word that the assistant wrote is a target once, its line breaks too, and no other token is one."""
    model, (tokens, segments) = Reader(rng), packed(rng, PACKED, ("u2 a3 u4",))
    with torch.no_grad():  # so that all tokens are equally likely, and the gradient of the bias says what was expected
        model.embedding.weight.mul_(0.1)
        model.output.weight.zero_()
        model.output.bias.zero_()
    optimiser = Observed(model)
    sft_step(model, optimiser, tokens, segments, NO_LIMIT)
    shares = 1 / len(VOCABULARY) - optimiser.gradients[0][-len(VOCABULARY) :]
    return {"the share of each token among the targets": shares}


@sft.check("sft_step", points=0.25, invariant=True)
def what_nobody_answers_teaches_nothing(sft_step, rng):
    """Other words in a question that nobody answers change neither loss nor step; in one that is answered they do."""
    model, (tokens, segments) = Reader(rng), packed(rng, ("u2 a3 u4", "u2 a2 u3"))
    unanswered, answered = tokens.clone(), tokens.clone()
    for its, place in ((unanswered, slice(11, 15)), (answered, slice(2, 4))):
        its[0, place] = other_words(rng, its[0, place])
    before, after, others = (stepped(sft_step, model, its, segments) for its in (tokens, unanswered, answered))
    return {"before": before, "after": after, "must differ": [before, others]}


@sft.check("sft_step", points=0.25)
def step_after_step(sft_step, rng):
    """Each call is one step, on the gradient of its own rows alone; loss and norm are those before it."""
    model = Reader(rng)
    optimiser, seen = Observed(model, lr=0.02), {}
    for parameter in model.parameters():
        parameter.grad = normal(rng, *parameter.shape)
    for call in range(1, 4):
        loss, norm = sft_step(model, optimiser, *packed(rng, PACKED, ("u2 a2",)), NO_LIMIT)
        seen[f"call {call}: loss, norm, weights"] = [loss, norm, weights_of(model)]
    return {**seen, "the gradients at each step": optimiser.gradients}


@sft.check("sft_step", points=0.25)
def long_gradients_are_clipped(sft_step, rng):
    """All gradients together are at most max_norm long, 1 where nothing is said; the norm is that before."""
    seen = {}
    for words, max_norm in (("max_norm=0.05", (0.05,)), ("max_norm not given", ())):
        model = Reader(rng)
        optimiser = Observed(model)
        seen[f"{words}: loss, norm"] = sft_step(model, optimiser, *packed(rng, PACKED), *max_norm)
        seen[f"{words}: the gradients' length"] = [row.norm() for row in optimiser.gradients]
        seen[f"{words}: their direction"] = [10 * row / row.norm() for row in optimiser.gradients]
    return seen


@sft.check("sft_step", points=0.25)
def without_a_reply_no_step(sft_step, rng):
    """Rows in which the assistant wrote nothing are a ValueError, and no step; a reply that is broken off is enough."""
    seen = {}
    for words, rows in (("questions alone", [("u3", "u2 u4"), ("u1",)]), ("a reply", [("u3", "u2 a1"), ("u1",)])):
        model, (tokens, segments) = Reader(rng), packed(rng, *rows)
        optimiser = Observed(model)
        seen[words] = ending(lambda: sft_step(model, optimiser, tokens, segments, NO_LIMIT))
        seen[f"{words}: steps"] = len(optimiser.gradients)
    cut = [part[:, :7] for part in packed(rng, ("u2 a4",))]
    return seen | {"broken off: the weights afterwards": stepped(sft_step, Reader(rng), *cut)[-1]}


@contextmanager
def apart(model: nn.Module, segments: Tensor) -> Iterator[None]:
    """Meanwhile no position of the model's attention reads one of another segment, or a later one."""
    may_read = (segments.unsqueeze(-1) == segments.unsqueeze(-2)).tril().unsqueeze(1)
    before, model.attention.attend = model.attention.attend, lambda *its: F.scaled_dot_product_attention(*its, may_read)
    try:
        yield
    finally:
        model.attention.attend = before


class Tuning:
    """A step of tuning with its parts to override, so that one of them can be wrong."""

    def __call__(self, model, optimiser, tokens, segments, max_norm=1.0):
        logits = self.read(model, tokens, segments)
        loss = self.loss(logits, tokens[:, 1:], self.mask(tokens, segments))
        self.clear(optimiser)
        loss.backward()
        norm = self.clip(model, max_norm)
        optimiser.step()
        return self.reported(loss, model, tokens, segments), norm

    def read(self, model, tokens, segments):
        with apart(model, segments[:, :-1]):
            return model(tokens[:, :-1])[0]

    def mask(self, tokens, segments):
        return Scribe()(tokens)[:, 1:]

    def loss(self, logits, targets, mask):
        return Loss()(logits, targets, mask)

    def clear(self, optimiser):
        optimiser.zero_grad()

    def clip(self, model, max_norm):
        return library_clipping(model.parameters(), max_norm)

    def reported(self, loss, model, tokens, segments):
        return loss.detach()


def reads(segments_of: Callable[[Tensor], Tensor]) -> Callable:
    """Reading with these of the segments."""

    def read(self, model, tokens, segments):
        with apart(model, segments_of(segments)):
            return model(tokens[:, :-1])[0]

    return read


def itself_the_target(self: Tuning, logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Each token is to be predicted where it is read."""
    first = torch.full_like(targets[:, :1], END)
    inputs, mine = torch.cat([first, targets[:, :-1]], dim=1), torch.cat([mask[:, :1] & False, mask[:, :-1]], dim=1)
    return Loss()(logits, inputs, mine)


def after_the_step(self: Tuning, loss: Tensor, model: nn.Module, tokens: Tensor, segments: Tensor) -> Tensor:
    return self.loss(self.read(model, tokens, segments), tokens[:, 1:], self.mask(tokens, segments)).detach()


known(
    "sft_step",
    Tuning,
    lets_conversations_leak=way(
        "Conversations read each other. What holds them apart while the model reads?",
        read=lambda self, model, tokens, segments: model(tokens[:, :-1])[0],
    ),
    holds_the_targets_apart=way(
        "The segments are those of the targets. Who reads, the inputs or the targets?",
        read=reads(lambda segments: segments[:, 1:]),
    ),
    does_not_shift_the_segments=way(
        "There is one segment more than there are inputs. Which of them belong to the inputs?",
        read=reads(lambda segments: segments),
    ),
    does_not_shift_the_mask=way(
        "Your mask is that of the inputs. Which token is the target at the place of the assistant's mark?",
        mask=lambda self, tokens, segments: Scribe()(tokens)[:, :-1],
    ),
    does_not_shift_the_targets=way(
        "Each token is predicted from itself. Which one comes next?", loss=itself_the_target
    ),
    learns_from_every_token=way(
        "Every token of a conversation is a target. Where is the mask?",
        mask=lambda self, tokens, segments: segments[:, 1:] > 0,
    ),
    learns_from_the_user=way(
        "Only what the assistant did not write is learned. Which of the two does True mean in the mask?",
        mask=lambda self, tokens, segments: ~Scribe()(tokens)[:, 1:] & Scribe()(tokens).any(),
    ),
    weighs_rows_alike=way(
        "You take the mean of the rows' means. How much does a word count in a row that has many?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_of_the_rows_means})()(*given),
    ),
    divides_by_everything=way(
        "You divide by all targets, the masked ones too. How many tokens did the assistant write?",
        loss=lambda self, *given: type("", (Loss,), {"mean": mean_over_everything})()(*given),
    ),
    keeps_the_old_gradients=way(
        "The gradients of the step before are still there. What does `backward` do with a `.grad` that it finds?",
        clear=lambda self, optimiser: None,
    ),
    never_clips=way(
        "The optimiser steps on gradients that are not clipped. Where do you use `max_norm`?",
        clip=lambda self, model, max_norm: joint(model.parameters()).norm(),
    ),
    ignores_the_limit=way(
        "You clip to a length of 1, whatever is asked. Where do you use `max_norm`?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), 1.0),
    ),
    returns_the_norm_after=way(
        "You return the length after clipping. Which of the two tells that a step was a bad one?",
        clip=lambda self, model, max_norm: library_clipping(model.parameters(), max_norm).clamp(max=max_norm),
    ),
    reports_the_loss_after=way(
        "You report the loss after the step. Which one has been computed already?", reported=after_the_step
    ),
)


# --- LoRALinear --------------------------------------------------------------------------------------------


def adapted(LoRALinear, rng: torch.Generator, bias: bool = True, learned: bool = True, **more: float) -> Any:
    """The learner's adapter of rank 3 on a layer from 7 to 5 numbers, as after some training or just begun."""
    layer = LoRALinear(linear_of(rng, bias), 3, **more)
    if learned:
        with torch.no_grad():
            layer.lora_a.copy_(normal(rng, 3, 7))
            layer.lora_b.copy_(normal(rng, 5, 3))
    return layer


def linear_of(rng: torch.Generator, bias: bool = True) -> nn.Linear:
    linear = nn.Linear(7, 5, bias=bias)
    with torch.no_grad():
        for weight in linear.parameters():
            weight.copy_(normal(rng, *weight.shape))
    return linear


@sft.check("LoRALinear", points=0.25, invariant=True)
def at_first_nothing_is_changed(LoRALinear, rng):
    """A new adapter gives what the layer gives; once `lora_b` is not zero, it gives something else."""
    linear, x = linear_of(rng), normal(rng, 4, 7)
    before, layer = linear(x), LoRALinear(linear, 3)
    after = layer(x)
    with torch.no_grad():
        layer.lora_a.copy_(normal(rng, 3, 7))
        layer.lora_b.add_(1.0)
    return {"before": before, "after": after, "must differ": [before, layer(x)]}


@sft.check("LoRALinear", points=0.25)
def the_layer_and_the_product_beside_it(LoRALinear, rng):
    """The result is W x + b + (alpha / rank) · B A x, with any dimensions in front, with and without a bias."""
    return {
        "alpha not given": adapted(LoRALinear, rng)(normal(rng, 4, 7)),
        "alpha=2.0, x (2, 3, 7)": adapted(LoRALinear, rng, alpha=2.0)(normal(rng, 2, 3, 7)),
        "no bias, x (7)": adapted(LoRALinear, rng, bias=False)(normal(rng, 7)),
    }


@sft.check("LoRALinear", points=0.25)
def two_thin_matrices_learn_and_nothing_else(LoRALinear, rng):
    """`lora_a` (rank, d_in) and `lora_b` (d_out, rank) learn; `linear` is the layer that was given, and does not."""
    layer, x = adapted(LoRALinear, rng), normal(rng, 4, 7)
    (layer(x) * normal(rng, 4, 5)).sum().backward()
    meta = LoRALinear(nn.Linear(7, 5, device="meta"), 2)
    double, given = LoRALinear(nn.Linear(7, 5, dtype=torch.float64), 2), linear_of(rng)
    return {
        "what learns": {name: list(its.shape) for name, its in layer.named_parameters() if its.requires_grad},
        "the gradient of lora_a": layer.lora_a.grad,
        "the gradient of lora_b": layer.lora_b.grad,
        "the gradients of the layer": [weight.grad for weight in layer.linear.parameters()],
        "the layer is the one that was given": LoRALinear(given, 3).linear is given,
        "type, on a layer in float64": [str(double.lora_a.dtype), str(double.lora_b.dtype)],
        "device, on a layer on the device meta": [str(meta.lora_a.device), str(meta.lora_b.device)],
    }


WIDE, RANK = 96, 40
LOW, HIGH = 0.8, 1.25  # how far the variance of so many numbers may be off


def begun_well(got: dict[str, Any], expected: dict[str, Any]) -> str | None:
    """What is wrong with an adapter just begun, or None.

    Of n normal numbers the mean square is off by a factor f or more with a probability of at most
    exp(-n/2 · (f - 1 - ln f)), to either side (Chernoff): for the two factors here, once in 10^18. Numbers drawn evenly
    from an interval are off less often.
    """
    if got["lora_b"] != 0.0:
        return "lora_b does not begin with zeros."
    if not LOW <= (variance := got["variance of lora_a, times d_in"]) <= HIGH:
        return f"lora_a has a variance of {variance:.3g} / d_in, expected 1 / d_in."
    if got["two layers begin alike"]:
        return "Two layers begin with the same numbers."
    return None


@sft.check("LoRALinear", points=0.25, judge=begun_well)
def how_it_begins(LoRALinear, rng):
    """`lora_a` begins with random numbers of variance 1 / d_in, other ones in each layer, and `lora_b` with zeros."""
    one, other = (LoRALinear(nn.Linear(WIDE, RANK), RANK) for _ in range(2))
    return {
        "lora_b": one.lora_b.abs().max().item(),
        "variance of lora_a, times d_in": WIDE * one.lora_a.square().mean().item(),
        "two layers begin alike": torch.equal(one.lora_a, other.lora_a),
    }


@sft.check("LoRALinear", points=0.25)
def it_can_learn(LoRALinear, rng):
    """After two steps down a gradient both matrices have moved, and what the layer gives has changed."""
    layer, x, target = adapted(LoRALinear, rng, learned=False), normal(rng, 6, 7), normal(rng, 6, 5)
    first, a, b = layer(x), layer.lora_a.detach().clone(), layer.lora_b.detach().clone()
    optimiser = torch.optim.SGD([its for its in layer.parameters() if its.requires_grad], lr=0.01)
    for _ in range(2):
        optimiser.zero_grad()
        F.mse_loss(layer(x), target).backward()
        optimiser.step()
    moved = {"lora_a": (layer.lora_a, a), "lora_b": (layer.lora_b, b), "what it gives": (layer(x), first)}
    return {f"{words} has changed": not torch.equal(*its) for words, its in moved.items()}


@sft.check("LoRALinear", points=0.25)
def merged_it_is_one_layer(LoRALinear, rng):
    """`merged()` is a new `nn.Linear` that computes the same; the adapter and the layer beside it stay as they are."""
    seen = {}
    for words, more in (("with a bias", {"bias": True}), ("without", {"bias": False, "alpha": 5.0})):
        layer, x = adapted(LoRALinear, rng, **more), normal(rng, 4, 7)
        before = {name: its.detach().clone() for name, its in layer.state_dict().items()}
        one, again = layer.merged(), layer.merged()
        seen[words] = {
            "a linear layer": type(one) is nn.Linear,
            "what it gives": one(x),
            "merged again": again(x),
            "what the adapter gives now": layer(x),
            "all weights as they were": all(torch.equal(its, layer.state_dict()[name]) for name, its in before.items()),
            "new weights": one.weight.data_ptr() not in (layer.linear.weight.data_ptr(), again.weight.data_ptr()),
            "a bias": one.bias is not None,
            "a new bias": one.bias is None
            or one.bias.data_ptr() not in (layer.linear.bias.data_ptr(), again.bias.data_ptr()),
            "type": str(LoRALinear(nn.Linear(7, 5, bias=more["bias"]).double(), 2).merged().weight.dtype),
        }
    return seen


@sft.check("LoRALinear", points=0.25)
def ranks_that_there_are(LoRALinear, rng):
    """A rank is at least 1 and at most the smaller of d_in and d_out; every other one is a ValueError."""
    layers = {"7 to 5": (7, 5), "4 to 9": (4, 9)}
    return {
        f"{words}: rank {rank}": ending(lambda: LoRALinear(nn.Linear(*sizes), rank)(normal(rng, 2, sizes[0])))
        for words, sizes in layers.items()
        for rank in (-1, 0, 1, min(sizes), min(sizes) + 1, max(sizes), max(sizes) + 1)
    }


class Adapter(nn.Module):
    """An adapter with its parts to override, so that one of them can be wrong."""

    lowest = 1

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        if not self.lowest <= rank <= self.sides(linear.in_features, linear.out_features):
            raise ValueError("no such rank")
        self.linear, self.rank, self.alpha = linear, rank, alpha
        self.freeze()
        a, b = self.begin(rank, linear.in_features, linear.out_features)
        self.lora_a, self.lora_b = (nn.Parameter(self.like(matrix)) for matrix in (a, b))

    def sides(self, d_in, d_out):
        return min(d_in, d_out)

    def freeze(self):
        self.linear.requires_grad_(False)

    def begin(self, rank, d_in, d_out):
        return torch.randn(rank, d_in) / math.sqrt(d_in), torch.zeros(d_out, rank)

    def like(self, matrix):
        return matrix.to(self.linear.weight)

    def scale(self):
        return self.alpha / self.rank

    def forward(self, x):
        return self.linear(x) + self.scale() * (x @ self.lora_a.T @ self.lora_b.T)

    def product(self):
        return self.scale() * self.lora_b @ self.lora_a

    @torch.no_grad()
    def merged(self):
        layer = copy.deepcopy(self.linear)
        layer.weight += self.product()
        return layer


@torch.no_grad()
def into_the_given_layer(self: Adapter) -> nn.Linear:
    self.linear.weight += self.product()
    return self.linear


@torch.no_grad()
def without_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = None
    return layer


def with_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = self.linear.bias
    return layer


known(
    "LoRALinear",
    Adapter,
    scales_by_alpha_alone=way(
        "You multiply by alpha alone. By what is it divided, so that a larger rank needs no other learning rate?",
        scale=lambda self: self.alpha,
    ),
    does_not_scale=way("Nothing is scaled. Where do you use alpha?", scale=lambda self: 1.0),
    divides_by_alpha=way(
        "Your scale is upside down. Which of the two is divided by the other?",
        scale=lambda self: self.rank / self.alpha,
    ),
    begins_with_zeros_alone=way(
        "Both matrices begin with zeros. What is then the gradient of each?",
        begin=lambda self, rank, d_in, d_out: (torch.zeros(rank, d_in), torch.zeros(d_out, rank)),
    ),
    begins_with_noise=way(
        "Both matrices begin with random numbers. What does the model say before it has learned anything?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in) / d_in**0.5, torch.randn(d_out, rank)),
    ),
    begins_the_other_way_round=way(
        "`lora_a` begins with zeros and `lora_b` with random numbers. Which one is to be which?",
        begin=lambda self, rank, d_in, d_out: (torch.zeros(rank, d_in), torch.randn(d_out, rank) / d_in**0.5),
    ),
    begins_too_loud=way(
        "The numbers of `lora_a` have a variance of 1. How large is a sum of d_in products with them?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in), torch.zeros(d_out, rank)),
    ),
    divides_by_the_width=way(
        "You divide random numbers by d_in. What does that do to their variance?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in) / d_in, torch.zeros(d_out, rank)),
    ),
    lets_the_base_learn=way(
        "The layer that was given goes on learning. Who tells it not to?", freeze=lambda self: None
    ),
    lets_the_bias_learn=way(
        "The weights are frozen, and the bias still learns. Is it a part of the layer?",
        freeze=lambda self: self.linear.weight.requires_grad_(False),
    ),
    stays_on_the_cpu=way(
        "The matrices are in float32 on the CPU. Where is the layer, and in which type?",
        like=lambda self, matrix: matrix,
    ),
    replaces_the_layer=way(
        "The layer itself is missing from the result. What does the adapter stand beside?",
        forward=lambda self, x: self.scale() * (x @ self.lora_a.T @ self.lora_b.T),
    ),
    adds_the_bias_twice=way(
        "The bias is there twice. What does `self.linear` add already?",
        forward=lambda self, x: Adapter.forward(self, x) + (0.0 if self.linear.bias is None else self.linear.bias),
    ),
    merges_without_the_scale=way(
        "You merge without the scale. Does the merged layer compute the same?",
        product=lambda self: self.lora_b @ self.lora_a,
    ),
    merges_in_place=way(
        "You merge into the layer that was given. What do you get if you merge again?", merged=into_the_given_layer
    ),
    forgets_the_bias=way("The merged layer has no bias. Where has it gone?", merged=without_its_bias),
    shares_the_bias=way(
        "The merged layer holds the very bias of the layer that was given. What if one of the two learns on?",
        merged=with_its_bias,
    ),
    checks_one_side_alone=way(
        "A rank larger than d_out passes. Which of the two widths is the smaller one?",
        sides=lambda self, d_in, d_out: d_in,
    ),
    takes_any_small_rank=way("A rank of 0 passes, or ends in another error. What is alpha / 0?", lowest=-math.inf),
)
