"""`pack`: every conversation comes back whole, in the first row with room, its segments counted from one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, outcome
from autograder.checks.sft.shared import END, NEWLINE, some_words

exercise = Exercise("pack")

T = 10  # tokens in a row, in these checks
LENGTHS = (6, 8, 2, 5, 3, 2, 4, 1, 1, 7)  # whose rows tell one rule from another


def of_lengths(rng: torch.Generator, *lengths: int) -> list[list[int]]:
    """Conversations of so many tokens, as far as packing knows: each begins with `<end>`, and may be no more."""
    return [[END, *some_words(rng, length)][:length] for length in lengths]


def any_lengths(rng: torch.Generator, n: int = 12) -> list[list[int]]:
    return of_lengths(rng, *(1 + torch.randint(T, (n,), generator=rng)).tolist())


class Packer:
    """Packing with its parts to override, so that one of them can be wrong."""

    padding, padding_segment = END, 0

    def __call__(self, conversations, T):
        self.begin(conversations)
        rows: list[list[list[int]]] = []
        for conversation in self.fitting(list(map(list, conversations)), T):
            free = [T - sum(map(len, row)) for row in rows]
            at = self.place([n for n, room in enumerate(free) if self.fits(conversation, room)], free)
            if at is None:
                rows.append([conversation])
            else:
                rows[at] = self.added(rows[at], conversation)
        self.before = 0
        return self.tensors([self.laid(row, T) for row in rows])

    def begin(self, conversations):
        self.not_none(conversations)
        if not all(map(len, conversations)):
            raise ValueError("one is empty")

    def not_none(self, conversations):
        if not conversations:
            raise ValueError("nothing to pack")

    def added(self, row, conversation):
        return [*row, conversation]

    def tensors(self, rows):
        return tuple(torch.tensor(part) for part in zip(*rows))

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


def in_one_row(conversations: list[list[int]], T: int) -> list[list[int]]:
    """Those that fit one row, in order."""
    kept: list[list[int]] = []
    for conversation in conversations:
        if sum(map(len, kept)) + len(conversation) <= T:
            kept.append(conversation)
    return kept


def where_no_end_is(self: Packer, conversations: Sequence[Sequence[int]], T: int) -> tuple[Tensor, ...]:
    """Packing in which whatever is `<end>` in a row is free."""
    self.begin(conversations)
    self.fitting(conversations, T)
    tokens, segments = torch.full((len(conversations), T), END), torch.zeros(len(conversations), T, dtype=torch.long)
    for conversation in conversations:
        b, length = 0, len(conversation)
        while T - (used := int((tokens[b] != END).sum())) < length:
            b += 1
        tokens[b, used : used + length] = torch.tensor(conversation)
        segments[b, used : used + length] = segments[b].max() + 1
    n_rows = int((segments > 0).any(dim=1).sum())
    return tokens[:n_rows], segments[:n_rows]


@exercise.promise("each whole", broken_by="cuts_conversations")
@exercise.promise("lists or tuples of one token or more", broken_by="takes_lists_alone")
@exercise.check(points=0.25, invariant=True)
def every_conversation_comes_back_whole(pack, rng):
    """What the segments tell apart is what was given: no conversation is lost, cut in two or mixed with another."""
    before, after = [], []
    for given in (of_lengths(rng, *LENGTHS), any_lengths(rng), of_lengths(rng, 3, 4)):
        rows, segments = pack([tuple(its) for its in given], T)
        found = [r[s == n].tolist() for r, s in zip(rows, segments) for n in s.unique().tolist() if n > 0]
        before += [torch.tensor(its) for its in sorted(given)]
        after += [torch.tensor(its) for its in sorted(found)]
    return {"before": before, "after": after, "change": "all were packed, and taken out by their segments"}


@exercise.promise("Each conversation, in order", broken_by="takes_the_longest_first")
@exercise.promise("goes to the first row that still has room for it", broken_by="takes_the_last_row_with_room")
@exercise.promise("behind what is there;", broken_by="puts_it_in_front")
@exercise.promise("where none has, to a new row.", broken_by="leaves_out_what_finds_no_room")
@exercise.check(points=0.5)
def the_first_row_with_room(pack, rng):
    """In the order in which they come, each goes to the first row that has room, and where none has, to a new one."""
    lists = {f"lengths {LENGTHS}": of_lengths(rng, *LENGTHS), "lengths 1, 9, 9, 1": of_lengths(rng, 1, 9, 9, 1)}
    lists |= {"any lengths": any_lengths(rng), "a tuple": tuple(any_lengths(rng, 5))}
    lists["seven rows stay open"] = of_lengths(rng, *7 * (6,), 4, 3, 4)
    lists["the same one three times, and another"] = 3 * of_lengths(rng, 4) + of_lengths(rng, 2)
    seen = {words: pack(given, T)[0] for words, given in lists.items()}
    seen["lists and tuples by turns"] = pack(
        [tuple(its) if i % 2 else its for i, its in enumerate(any_lengths(rng))], T
    )
    wide = [torch.randint(100_000, (length,), generator=rng).tolist() for length in (17, 8, 9, 3)]
    seen["numbers that no float32 holds"] = pack([[2**24 + 1, 2**30 + 1], [2**24 + 3]], 4)[0]
    lists["any lengths"][0][0] = 7  # the same list again, with another token in it
    seen["once more"] = pack(lists["any lengths"], T)
    return seen | {"tokens of another village, T=21": pack(wide, 21)[0]}


@exercise.promise("-> tokens (n_rows, T), segments (n_rows, T)", broken_by="is_as_wide_as_the_fullest_row")
@exercise.check(points=0.25)
def to_the_last_place(pack, rng):
    """A row is filled to its last place, and always T wide; a conversation may be as long as a row."""
    all_lengths = {"10": (10,), "6, 4, 10": (6, 4, 10), "3": (3,), "2, 5": (2, 5), "9, 9, 9": (9, 9, 9)}
    seen = {words: list(pack(of_lengths(rng, *its), T)) for words, its in all_lengths.items()}
    return seen | {"1, 1, 1 in rows of 1": list(pack([some_words(rng, 1) for _ in range(3)], 1))}


@exercise.promise("Raises ValueError where there is no conversation", broken_by="packs_nothing")
@exercise.promise("or one is empty", broken_by="packs_empty_ones")
@exercise.promise("or longer than T.", broken_by="cuts_what_is_too_long")
@exercise.check(points=0.125)
def what_cannot_be_packed(pack, rng):
    """No conversation at all, an empty one, and one that is longer than a row are a ValueError each; others are not."""
    refused = {"a longer one": (3, 11), "a longer one first": (12, 3, 3), "far too long": (35,), "none": ()}
    refused |= {"an empty one": (3, 0, 2), "an empty one first": (0, 4), "an empty one last": (10, 0)}
    given = refused | {"what can be packed": (1, 10)}
    return {words: outcome(lambda: pack(of_lengths(rng, *its), T)[0]) for words, its in given.items()}


@exercise.promise("Segments number the conversations of each row from 1;", broken_by="counts_over_all_rows")
@exercise.promise("what is left of a row is `END`", broken_by="pads_with_line_breaks")
@exercise.promise("in segment 0.", broken_by="counts_the_padding")
@exercise.promise("whole numbers of any type that holds them.", broken_by="gives_real_numbers")
@exercise.promise("any number of them may fit a row", broken_by="counts_in_bytes")
@exercise.check(points=0.375)
def segments_count_from_one_in_each_row(pack, rng):
    """Segments are 1, 2, 3 and so on from the left of each row, and 0 where it holds nothing but `<end>`."""
    tokens, segments = pack(of_lengths(rng, 6, 2, 1, 3, 4, 9), T)
    return {
        "segments": segments,
        "tokens in segment 0": tokens[segments == 0],
        "whole numbers": not (tokens.is_floating_point() or segments.is_floating_point()),
        "`<end>` anywhere": list(pack([[END, *some_words(rng, 2), END], [NEWLINE, END], [END, END, END]], T)),
        "one alone": pack(of_lengths(rng, 2), T)[1],
        "300 in a row": pack([[word] for word in some_words(rng, 300)], 310)[1],
    }


exercise.edges(
    empty="what_cannot_be_packed",
    one="to_the_last_place",
    equal="to_the_last_place",
    zero="segments_count_from_one_in_each_row",
    ties="the_first_row_with_room",
    large="segments_count_from_one_in_each_row",
    small="No token is below zero.",
    limit="what_cannot_be_packed",
    shapes="to_the_last_place",
    modes="A function without a mode.",
    gradients="Whole numbers have none.",
    inputs="Whole numbers have no gradient.",
)

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
    puts_it_in_front=mistake(
        "A conversation goes in front of those that are in the row. Where is it to go?",
        added=lambda self, row, conversation: [conversation, *row],
    ),
    leaves_out_what_finds_no_room=mistake(
        "What finds no room is left out. What was to be opened for it?",
        fitting=lambda self, conversations, T: in_one_row(Packer().fitting(conversations, T), T),
    ),
    takes_lists_alone=mistake(
        "A conversation that is a tuple ends in an error. What can be added to a list, and what extends one?",
        begin=lambda self, conversations: (
            Packer().begin(conversations) or [list.__add__([], its) for its in conversations]
        ),
    ),
    takes_end_for_room=mistake(
        "Whatever is <end> in a row counts as free. With which token does each conversation begin?",
        __call__=where_no_end_is,
    ),
    is_as_wide_as_the_fullest_row=mistake(
        "Your rows are as wide as the fullest of them. How wide were they to be?",
        laid=lambda self, row, T: Packer.laid(self, row, sum(map(len, row))),
        tensors=lambda self, rows: tuple(
            nn.utils.rnn.pad_sequence([torch.tensor(its) for its in part], batch_first=True) for part in zip(*rows)
        ),
    ),
    gives_real_numbers=mistake(
        "Your segments are right, and no whole numbers. What does `torch.zeros` make if it is not told?",
        tensors=lambda self, rows: tuple(part + 0.0 for part in Packer().tensors(rows)),
    ),
    counts_in_bytes=mistake(
        "The 256th conversation of a row is in segment 0. How far does a byte count?",
        number=lambda self, n: n % 256,
    ),
    packs_nothing=mistake(
        "No conversation at all gives no row, or some other error. What was to be raised?",
        not_none=lambda self, conversations: None,
        tensors=lambda self, rows: Packer().tensors(rows) or (torch.zeros(0, T), torch.zeros(0, T)),
        fitting=lambda self, conversations, T: Packer().fitting(conversations, T) if conversations else [],
    ),
    packs_empty_ones=mistake(
        "Empty conversations are let through. What would they be learned for?",
        begin=lambda self, conversations: self.not_none(conversations),
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
