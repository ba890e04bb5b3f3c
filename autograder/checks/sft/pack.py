"""`pack`: every conversation comes back whole, in the first row with room, its segments counted from one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, outcome
from autograder.checks.sft.shared import END, NEWLINE, some_words

exercise = Exercise("pack")

T = 10  # tokens in a row, in these checks
LENGTHS = (6, 8, 2, 5, 3, 2, 4, 1, 1, 7)  # whose rows tell one rule from another


def of_lengths(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Conversations of so many tokens, as far as packing knows: words, none of which is padding."""
    return [some_words(rng, length) for length in lengths]


def any_lengths(rng: torch.Generator, n: int = 12) -> list[list[int]]:
    return of_lengths(rng, *(1 + torch.randint(T, (n,), generator=rng)).tolist())


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


@exercise.check(points=0.5, invariant=True)
def every_conversation_comes_back_whole(pack, rng):
    """What the segments tell apart is what was given: no conversation is lost, cut in two or mixed with another."""
    before, after = [], []
    for given in (of_lengths(rng, *LENGTHS), any_lengths(rng), of_lengths(rng, 3, 4)):
        rows, segments = pack([tuple(its) for its in given], T)
        found = [r[s == n].tolist() for r, s in zip(rows, segments) for n in s.unique().tolist() if n > 0]
        before += [torch.tensor(its) for its in sorted(given)]
        after += [torch.tensor(its) for its in sorted(found)]
    return {"before": before, "after": after}


@exercise.check(points=0.5)
def the_first_row_with_room(pack, rng):
    """In the order in which they come, each goes to the first row that has room, and where none has, to a new one."""
    lists = {f"lengths {LENGTHS}": of_lengths(rng, *LENGTHS), "lengths 1, 9, 9, 1": of_lengths(rng, 1, 9, 9, 1)}
    return {words: pack(given, T)[0] for words, given in (lists | {"any lengths": any_lengths(rng)}).items()}


@exercise.check(points=0.25)
def to_the_last_place(pack, rng):
    """A row is filled to its last place, and a conversation may be as long as a row; a longer one is a ValueError."""
    seen = {words: pack(of_lengths(rng, *its), T)[0] for words, its in (("10", (10,)), ("6, 4, 10", (6, 4, 10)))}
    refused = {"a longer one": (3, 11), "a longer one first": (12, 3, 3), "an empty one": (3, 0, 2), "no one": ()}
    return seen | {words: outcome(lambda: pack(of_lengths(rng, *its), T)[0]) for words, its in refused.items()}


@exercise.check(points=0.25)
def segments_count_from_one_in_each_row(pack, rng):
    """Segments are 1, 2, 3 and so on from the left of each row, and 0 where it holds nothing but `<end>`."""
    tokens, segments = pack(of_lengths(rng, 6, 2, 1, 3, 4, 9), T)
    return {
        "segments": segments,
        "tokens in segment 0": tokens[segments == 0],
        "whole numbers": not (tokens.is_floating_point() or segments.is_floating_point()),
        "one alone": pack(of_lengths(rng, 2), T)[1],
    }


mistakes(
    exercise,
    Packer,
    cuts_conversations=mistake(
        "A conversation is cut in two at the end of a row. What can its second half still read of the question?",
        __call__=cut_end_to_end,
    ),
    takes_the_longest_first=mistake(
        "The longest come first. In which order are conversations to be laid?",
        fitting=lambda self, conversations, T: sorted(Packer().fitting(conversations, T), key=len, reverse=True),
    ),
    looks_at_the_last_row_alone=mistake(
        "You look at the last row alone. Which rows before it may still have room?",
        place=lambda self, fitting, free: fitting[-1] if fitting and fitting[-1] == len(free) - 1 else None,
    ),
    takes_the_last_row_with_room=mistake(
        "You take the last row that has room. Which one is asked for?",
        place=lambda self, fitting, free: fitting[-1] if fitting else None,
    ),
    takes_the_tightest_row=mistake(
        "You take the row in which the least is left over. Which one is asked for?",
        place=lambda self, fitting, free: min(fitting, key=free.__getitem__) if fitting else None,
    ),
    gives_each_a_row=mistake(
        "Each conversation has a row of its own. What is most of each row then?",
        place=lambda self, fitting, free: None,
    ),
    leaves_the_last_place_empty=mistake(
        "The last place of a row stays empty. May a conversation fill what is left exactly?",
        fits=lambda self, conversation, room: len(conversation) < room,
    ),
    cuts_what_is_too_long=mistake(
        "What is too long is cut off. Which of its tokens is the one that says stop?",
        fitting=lambda self, conversations, T: [conversation[:T] for conversation in conversations],
    ),
    drops_what_is_too_long=mistake(
        "What is too long is left out without a word. Who will miss it?",
        fitting=lambda self, conversations, T: [its for its in conversations if len(its) <= T],
    ),
    counts_the_padding=mistake(
        "The padding has a number of its own, as if it were a conversation. Which segment holds nothing?",
        of_the_padding=lambda self, n: n + 1,
    ),
    adds_the_padding_to_the_last=mistake(
        "The padding belongs to the last conversation. Which segment holds nothing?",
        of_the_padding=lambda self, n: n,
    ),
    counts_over_all_rows=mistake(
        "Your segments go on counting from row to row. Where does each row begin?",
        number=lambda self, n: self.before + n,
    ),
    counts_from_zero=mistake("Your segments count from 0. What is segment 0 for?", number=lambda self, n: n - 1),
    takes_a_row_for_one=mistake(
        "All conversations of a row are one segment. How will the model tell where one ends?",
        number=lambda self, n: 1,
    ),
    pads_with_line_breaks=mistake(
        "Your padding is a line break. What does `response_mask` make of one, and what of <end>?", padding=NEWLINE
    ),
)
