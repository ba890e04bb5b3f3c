"""`response_mask`: from behind the mark to the line break, every reply, whatever its words, each row by itself."""

from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes
from autograder.checks.sft.shared import ASSISTANT, END, NEWLINE, USER, WORDS, Scribe, other_words, some_words, written

exercise = Exercise("response_mask")


def row(rng: torch.Generator, *talks: str, T: int) -> Tensor:
    """Conversations end to end, padded or cut to T tokens."""
    tokens = [token for turns in talks for token in written(rng, turns)]
    return torch.tensor((tokens + [END] * T)[:T])


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


@exercise.check(points=0.25, invariant=True)
def other_words_the_same_mask(response_mask, rng):
    """Other words in the same places leave the mask as it is; with the roles swapped it is another."""
    tokens = row(rng, "u3 a4 u2 a3", T=22)
    other, swapped = tokens.clone(), tokens.clone()
    words = torch.isin(tokens, torch.tensor(WORDS))
    other[words] = other_words(rng, tokens[words])
    swapped[tokens == USER], swapped[tokens == ASSISTANT] = ASSISTANT, USER
    before, after, others = (response_mask(its) for its in (tokens, other, swapped))
    return {"before": before, "after": after, "must differ": [before, others]}


@exercise.check(points=0.25)
def from_behind_the_mark_to_the_line_break(response_mask, rng):
    """The words behind the mark are the assistant's, and the line break after them; what stands behind is nobody's."""
    bare = torch.tensor(some_words(rng, 4))
    seen = {turns: response_mask(row(rng, turns, T=14)) for turns in ("u3 a4", "u4 a1", "u5")}
    seen["words without any mark"] = response_mask(bare)
    seen["words behind the line break"] = response_mask(torch.cat([row(rng, "u1 a2", T=8), bare]))
    seen["a row that begins with the mark"] = response_mask(row(rng, "a3", T=8)[1:])
    return seen | {"its type": str(seen["u5"].dtype)}


@exercise.check(points=0.25)
def every_reply_counts(response_mask, rng):
    """All replies of a conversation are the assistant's words, the first, the last, and two in a row."""
    talks = ("u1 a2 u3 a1 u2 a3", "a2 u2 a1", "u2 a3 a2 u1", "u2 a1 u1 u2")
    return {turns: response_mask(row(rng, turns, T=24)) for turns in talks}


@exercise.check(points=0.25)
def conversations_side_by_side(response_mask, rng):
    """Conversations that follow each other in a row have each its replies, and what is left of the row has none."""
    return {
        "three, and padding": response_mask(row(rng, "u1 a2", "u3 a1 u1 a1", "a2", T=32)),
        "two, and no padding": response_mask(row(rng, "u2 a2", "u1 a3", T=16)),
        "nothing but padding": response_mask(torch.full((5,), END)),
    }


@exercise.check(points=0.25)
def a_reply_that_is_broken_off(response_mask, rng):
    """Where a reply has no line break, `<user>`, `<end>` or the row's own end close it, and its words count."""
    whole, after = row(rng, "u2 a4", T=9), row(rng, "u2 a3", T=9)
    forms = {f"after {n} of its words": whole[: 5 + n] for n in (0, 1, 4)}
    forms |= {"and a new conversation": torch.cat([whole, after]), "and the user": torch.cat([whole, after[1:]])}
    return {f"broken off {words}": response_mask(tokens) for words, tokens in forms.items()}


@exercise.check(points=0.25)
def each_row_by_itself(response_mask, rng):
    """Rows in any shape have each its own mask: where the one above ends in a reply, the next does not begin in it."""
    text = row(rng, "u2 a4 u1 a3", "u1 a2", T=26)
    rows = [text[start : start + 8] for start in (0, 7, 2, 5, 9, 12)]  # the first, the second and the fifth end open
    stacked = torch.stack(rows)
    return {f"{shape}": response_mask(stacked.view(*shape, 8)) for shape in ((6,), (2, 3), (1, 3, 2))}


mistakes(
    exercise,
    Scribe,
    keeps_all_but_the_padding=mistake(
        "All that is not padding is selected. Whose words does the model then learn to say?",
        row=lambda self, row: [token != END for token in row],
    ),
    keeps_every_word=mistake(
        "Every word is selected, the user's too. Who is to be imitated?",
        row=lambda self, row: [token not in (END, USER, ASSISTANT) for token in row],
    ),
    is_the_other_way_round=mistake(
        "Your mask says what the assistant did not write. Which of the two does True mean?",
        last=lambda self, rows, tokens: ~Scribe().last(rows, tokens),
    ),
    takes_the_user_for_the_assistant=mistake(
        "The user's messages are selected. Whose mark do you look for?",
        row=lambda self, row: Scribe().row([{USER: ASSISTANT, ASSISTANT: USER}.get(token, token) for token in row]),
    ),
    covers_the_mark=mistake(
        "The assistant's mark is selected. Who writes it, the assistant or whoever asks it to speak?", its_mark=True
    ),
    leaves_out_the_line_break=mistake(
        "The line break is left out. How will the assistant learn to stop?", closes=Scribe.closes | {NEWLINE}
    ),
    goes_on_behind_the_line_break=mistake(
        "Your mask goes on behind the line break. Who speaks there?", closes_behind=frozenset()
    ),
    runs_on_to_the_next_line_break=mistake(
        "A reply that is broken off runs on into the next message. What closes it but a line break?",
        closes=frozenset(),
    ),
    keeps_the_last_reply_alone=mistake(
        "Only the last reply of a row is selected. What of the ones before it?",
        row=some_replies(lambda replies, row: replies[-1:]),
    ),
    keeps_the_first_reply_alone=mistake(
        "Only the first reply of a row is selected. What of the ones after it?",
        row=some_replies(lambda replies, row: replies[:1]),
    ),
    forgets_what_is_broken_off=mistake(
        "A reply without a line break is not selected. Did the assistant not write its words?",
        row=some_replies(lambda replies, row: [reply for reply in replies if row[reply[-1]] == NEWLINE]),
    ),
    takes_all_rows_for_one=mistake(
        "A row goes on where the one above it ended. Which axis do you run along?",
        __call__=lambda self, tokens: Scribe()(tokens.reshape(-1)).view_as(tokens),
    ),
    is_shifted_already=mistake(
        "Your mask is one place early. Who shifts it, this function or the one that shifts the targets?",
        row=lambda self, row: [*Scribe().row(row)[1:], False],
    ),
    counts_instead=mistake(
        "Your mask holds numbers. What does `logits[mask]` do with a 1, and what with a True?",
        last=lambda self, rows, tokens: Scribe().last(rows, tokens).long(),
    ),
)


@exercise.given
def mask_in_a_loop(tokens: Tensor) -> Tensor:
    """The mask, for the exercise that needs one."""
    return Scribe()(tokens)
