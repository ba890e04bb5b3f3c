"""`response_mask`: from behind the mark to the line break, every reply, whatever its words, each row by itself."""

from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes
from autograder.checks.sft.shared import (
    ASSISTANT,
    END,
    MARKS,
    NEWLINE,
    USER,
    VOCABULARY,
    WORDS,
    Scribe,
    other_words,
    some_words,
    written,
)

exercise = Exercise("response_mask")

MASK = MARKS["<mask>"]


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


def mask_with(its: Callable[[Scribe, bool, int], tuple[bool, bool]]) -> Callable:
    """The mask of a row, made of one token after the other: whether it counts, and whether the reply goes on."""

    def row(self, row):
        mask, speaks = [], False
        for token in row:
            mine, speaks = its(self, speaks, token)
            mask.append(mine)
        return mask

    return row


def second_mark_is_a_word(self: Scribe, speaks: bool, token: int) -> tuple[bool, bool]:
    mine = speaks and token not in (USER, END)
    return mine, (mine or token == ASSISTANT) and token != NEWLINE


def second_mark_ends_it(self: Scribe, speaks: bool, token: int) -> tuple[bool, bool]:
    mine = speaks and token not in (USER, END, ASSISTANT)
    return mine, (mine and token != NEWLINE) or (token == ASSISTANT and not speaks)


def goes_on_behind(mark: int) -> Callable:
    """One of the marks that end a reply does not count, and does not end it."""

    def its(self: Scribe, speaks: bool, token: int) -> tuple[bool, bool]:
        speaks = speaks and (token == mark or token not in (USER, END))
        mine = speaks and token not in (USER, END, ASSISTANT)
        return mine, (speaks or token == ASSISTANT) and token != NEWLINE

    return mask_with(its)


def counts_what_ends_it(self: Scribe, speaks: bool, token: int) -> tuple[bool, bool]:
    return speaks and token != ASSISTANT, token == ASSISTANT or (speaks and token not in (USER, END, NEWLINE))


def from_the_beginning(self: Scribe, row: list[int]) -> list[bool]:
    """The mask of a row that is taken to begin within a reply, unless <end> or a mark stands there."""
    begun = Scribe().row([ASSISTANT, *row])[1:]
    first = next((place for place, token in enumerate(row) if token in (USER, END, ASSISTANT, NEWLINE)), None)
    whole = Scribe().row(row)
    if first is None or row[first] != NEWLINE:
        return whole
    return begun[: first + 1] + whole[first + 1 :]


def of_two_axes(self: Scribe, tokens: Tensor) -> Tensor:
    B, T = tokens.shape
    return Scribe()(tokens.reshape(B, T))


def without_the_first(self: Scribe, row: list[int]) -> list[bool]:
    """The mask of a row in which a reply that begins with the row is not seen."""
    return Scribe().row([END, *row[1:]])


@exercise.promise("which may begin or end in the middle of one.", broken_by="completes_the_beginning")
@exercise.promise("in the same row, is not its.", broken_by="takes_all_rows_for_one")
@exercise.promise(
    "A reply that is broken off ends in front of the next `<user>` or `<end>`;", broken_by="runs_on_behind_the_end"
)
@exercise.promise("a second `<assistant>` in it is a mark again", broken_by="takes_a_second_mark_for_a_word")
@exercise.promise("between words that are all the assistant's.", broken_by="ends_at_a_second_mark")
@exercise.check(points=0.25)
def every_row_of_four(response_mask, rng):
    """Whatever four tokens a row holds, marks, words and line breaks in any order, the mask follows from the rule."""
    kinds = torch.tensor([END, USER, ASSISTANT, NEWLINE, *some_words(rng, 1)])
    rows = torch.cartesian_prod(*[kinds] * 4)
    masks = response_mask(rows)
    spelt = [" ".join(map(VOCABULARY.__getitem__, row)).replace("\n", "⏎") for row in rows.tolist()]
    return dict(zip(spelt, masks))


@exercise.check(points=0.125, invariant=True)
def other_words_the_same_mask(response_mask, rng):
    """Other words in the same places leave the mask as it is; with the roles swapped it is another."""
    tokens = row(rng, "u3 a4 u2 a3", T=22)
    other, swapped = tokens.clone(), tokens.clone()
    words = torch.isin(tokens, torch.tensor(WORDS))
    other[words] = other_words(rng, tokens[words])
    swapped[tokens == USER], swapped[tokens == ASSISTANT] = ASSISTANT, USER
    before, after, others = (response_mask(its) for its in (tokens, other, swapped))
    return {
        "before": before,
        "after": after,
        "must differ": [before, others],
        "change": "other words were put in the place of all words",
    }


@exercise.promise("those behind its mark", broken_by="takes_the_user_for_the_assistant")
@exercise.promise("up to the line break, which is its last.", broken_by="leaves_out_the_line_break")
@exercise.promise("The mark itself is not its own:", broken_by="covers_the_mark")
@exercise.promise("-> boolean (..., T).", broken_by="counts_instead")
@exercise.promise("All other tokens are words here, `<mask>` too.", broken_by="takes_the_mask_for_nobodys")
@exercise.check(points=0.25)
def from_behind_the_mark_to_the_line_break(response_mask, rng):
    """The words behind the mark are the assistant's, and the line break after them; what stands behind is nobody's."""
    bare = torch.tensor(some_words(rng, 4))
    seen = {turns: response_mask(row(rng, turns, T=14)) for turns in ("u3 a4", "u4 a1", "u5")}
    seen["words without any mark"] = response_mask(bare)
    seen["words behind the line break"] = response_mask(torch.cat([row(rng, "u1 a2", T=8), bare]))
    every = torch.arange(5, 1100)
    seen["a reply of every word"] = response_mask(torch.cat([torch.tensor([END, ASSISTANT]), every]))
    seen["words far up, of two types"] = [
        response_mask(
            torch.tensor([USER, 10, 50_000, NEWLINE, ASSISTANT, 10, 60_000, MASK, 5, NEWLINE, 9], dtype=dtype)
        )
        for dtype in (torch.int64, torch.int32)
    ]
    seen["a long row, of small numbers"] = [
        response_mask(torch.cat([row(rng, "u1", T=300), row(rng, "a1", T=4)]).clamp(max=100).to(dtype))
        for dtype in (torch.int8, torch.uint8, torch.int16)
    ]
    seen["a row that begins with the mark"] = response_mask(row(rng, "a3", T=8)[1:])
    return seen | {"its type": str(seen["u5"].dtype)}


@exercise.check(points=0.125)
def every_reply_counts(response_mask, rng):
    """All replies of a conversation are the assistant's words, the first, the last, and two in a row."""
    talks = ("u1 a2 u3 a1 u2 a3", "a2 u2 a1", "u2 a3 a2 u1", "u2 a1 u1 u2")
    return {turns: response_mask(row(rng, turns, T=24)) for turns in talks}


@exercise.promise("Several conversations may follow each other in a row", broken_by="keeps_the_last_reply_alone")
@exercise.check(points=0.25)
def conversations_side_by_side(response_mask, rng):
    """Conversations that follow each other in a row have each its replies, and what is left of the row has none."""
    return {
        "three, and padding": response_mask(row(rng, "u1 a2", "u3 a1 u1 a1", "a2", T=32)),
        "two, and no padding": response_mask(row(rng, "u2 a2", "u1 a3", T=16)),
        "forty, and padding": response_mask(row(rng, *20 * ("u3 a2", "u1 a1 u1 a1"), T=450)),
        "rows that lie across": response_mask(
            torch.stack([row(rng, "u1 a2", T=8) for _ in range(6)]).view(2, 3, 8).transpose(0, 1)
        ),
        "nothing but padding": response_mask(torch.full((5,), END)),
    }


@exercise.check(points=0.25)
def a_reply_that_is_broken_off(response_mask, rng):
    """Where a reply has no line break, `<user>`, `<end>` or the row's own end close it, and its words count."""
    whole, after = row(rng, "u2 a4", T=9), row(rng, "u2 a3", T=9)
    forms = {f"after {n} of its words": whole[: 5 + n] for n in (0, 1, 4)}
    forms |= {"and a new conversation": torch.cat([whole, after]), "and the user": torch.cat([whole, after[1:]])}
    return {f"broken off {words}": response_mask(tokens) for words, tokens in forms.items()}


@exercise.promise("Shapes: tokens (..., T)", broken_by="needs_two_axes")
@exercise.check(points=0.25)
def each_row_by_itself(response_mask, rng):
    """Rows in any shape have each its own mask: where the one above ends in a reply, the next does not begin in it."""
    text = row(rng, "u2 a4 u1 a3", "u1 a2", T=26)
    rows = [text[start : start + 8] for start in (0, 7, 2, 5, 9, 12)]  # the first, the second and the fifth end open
    stacked = torch.stack(rows)
    seen = {f"{shape}": response_mask(stacked.view(*shape, 8)) for shape in ((6,), (2, 3), (1, 3, 2))}
    seen |= {f"one row, {place}": response_mask(rows[place]) for place in (0, 1)}
    cut, turned = stacked[:, 1:], stacked.T.contiguous().T  # neither of them lies in one piece
    seen["the same row, spread out"] = response_mask(rows[1].expand(3, 8))
    return seen | {"without the first column": response_mask(cut), "turned twice": response_mask(turned)}


exercise.edges(
    empty="A row holds a token, or it is none.",
    one="a_reply_that_is_broken_off",
    equal="conversations_side_by_side",
    zero="No number is divided or multiplied.",
    ties="Nothing is ranked.",
    large="Tokens are only compared.",
    small="Tokens are only compared.",
    limit="every_row_of_four",
    shapes="each_row_by_itself",
    modes="A function without a mode.",
    gradients="A mask has none.",
    inputs="Whole numbers have no gradient.",
)


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
    runs_on_behind_the_end=mistake(
        "Behind <end> your mask goes on until a line break comes. Whose words stand there?", row=goes_on_behind(END)
    ),
    runs_on_behind_the_user=mistake(
        "A reply that is broken off goes on in the user's message. Is <user> only left out, or does it end the reply?",
        row=goes_on_behind(USER),
    ),
    counts_what_ends_a_reply=mistake(
        "Whatever ends a reply is its last token to you. Which of the three that end one does the assistant write?",
        row=mask_with(counts_what_ends_it),
    ),
    takes_the_mask_for_nobodys=mistake(
        "`<mask>` in a reply is not selected. Which marks does the rule speak of?",
        row=lambda self, row: [mine and token != MASK for mine, token in zip(Scribe().row(row), row)],
    ),
    takes_a_second_mark_for_a_word=mistake(
        "A second <assistant> inside a reply is selected. Does a mark become a word because a reply is open?",
        row=mask_with(second_mark_is_a_word),
    ),
    ends_at_a_second_mark=mistake(
        "A second <assistant> ends the reply, and what follows is nobody's. Whose mark stands before these words?",
        row=mask_with(second_mark_ends_it),
    ),
    completes_the_beginning=mistake(
        "Words at the beginning of a row are taken for the rest of a reply. Which mark tells you so, in this row?",
        row=from_the_beginning,
    ),
    overlooks_the_first_place=mistake(
        "A reply whose mark is the first token of a row is not seen. Must something stand before a mark?",
        row=without_the_first,
    ),
    needs_two_axes=mistake(
        "Tokens with one axis, or with three, end in an error. What does the `...` in the shapes stand for?",
        __call__=of_two_axes,
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
