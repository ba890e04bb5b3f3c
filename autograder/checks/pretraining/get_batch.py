"""`get_batch`: targets are one token ahead, every window is equally likely, chance comes from the generator."""

import torch
from torch import Tensor

from autograder.checking.chance import improbable
from autograder.checking.topic import Exercise
from autograder.checks.common import DRAWS, another_generator, apart, ending, outcome
from autograder.checks.pretraining.shared import some_tokens

exercise = Exercise("get_batch")


SHARES = {  # of places and steps: in words, and how many there are
    "share of each place": ("begin at place", DRAWS),
    "share of each step": ("follow the row above at step", DRAWS - 1),
    "share of each place in batches of five": ("begin at place", DRAWS // 4),
    "share of each step in batches of five": ("follow the row above at step", DRAWS // 20 * 4),
}


def evenly_drawn(got: dict, expected: dict) -> str | None:
    """Which window, or which step from row to row, comes up too often or too seldom, or None.

    A right answer is accused less than once in 10⁹ times: the steps between even draws, in a ring, are even draws too.
    """
    for part, (words, draws) in SHARES.items():
        seen, right = got[part], torch.full_like(expected[part], 1 / len(expected[part]))
        if seen.shape != right.shape or abs(seen.sum().item() - 1) > 1e-6:
            return "Not every window is one that stands in the text."
        off = improbable(seen, right, draws, len(SHARES) * len(right))
        if off.any():
            place = int((seen - right).abs().argmax())
            return (
                f"Of {draws:,} windows, {seen[place]:.1%} {words} {place} of 0 to {len(right) - 1}, "
                f"expected {right[place]:.1%}."
            )
    return None


def batch_at(tokens: Tensor, starts: Tensor, T: int, ahead: int = 1) -> tuple[Tensor, Tensor]:
    """The windows that begin at these places, and their targets."""
    windows = tokens[starts.unsqueeze(1) + torch.arange(T + ahead)]
    return windows[:, :T], windows[:, ahead:]


def places(tokens: Tensor, batch_size: int, T: int, generator, low: int = 0, high: int | None = None) -> Tensor:
    """Where the windows begin, with the bounds to choose, so that one of them can be wrong."""
    if len(tokens) <= T:
        raise ValueError("too short")
    high = len(tokens) - T if high is None else high
    return torch.randint(low, max(high, low + 1), (batch_size,), generator=generator)


@exercise.promise("Cut windows of T tokens out of a long text", broken_by="draws_tokens_one_by_one")
@exercise.promise("beside each the tokens that come next", broken_by="the_target_is_the_input")
@exercise.promise("inputs (B, T), targets (B, T)", broken_by="stacks_positions_first")
@exercise.promise("n_tokens > T", broken_by="wants_a_token_more")
@exercise.promise("Raises ValueError where the text is too short for one window.", broken_by="wraps_round_a_short_text")
@exercise.check(points=0.25)
def targets_are_one_ahead(get_batch, rng):
    """A window is T tokens that stand side by side in the text, and its targets are the tokens one place further."""
    start = int(some_tokens(rng, vocab_size=500))
    inputs, targets = get_batch(torch.arange(start, start + 60), 5, 7, another_generator(rng))
    text = some_tokens(rng, 8)
    column = apart(some_tokens(rng, 9, vocab_size=2**50))[1:]
    short = torch.arange(30, dtype=torch.int16)
    small, after = get_batch(short, 3, 4)
    long = (torch.arange(6000) // 30).to(torch.uint8)
    far = [bool((get_batch(long, 2, 4)[0] > 60).any()) for _ in range(40)]
    return {
        "8 bits, and more places than 8 bits can count: some windows lie far behind": any(far),
        "a text that does not lie in a row": [part.tolist() for part in get_batch(column, 2, 7)],
        "types, of a text in 16 bits": [str(part.dtype) for part in (small, after)],
        "targets minus inputs, in 16 bits": after - small,
        "no text": ending(lambda: get_batch(text[:0], 1, 1)),
        "shapes": [list(inputs.shape), list(targets.shape)],
        "targets minus inputs, in a text that counts up": targets - inputs,
        "steps within a window": inputs[:, 1:] - inputs[:, :-1],
        "all is in the text": bool((inputs >= start).all() and (targets < start + 60).all()),
        "the only window of 8 tokens": outcome(lambda: list(get_batch(text, 2, 7))),
        "one window of one token": outcome(lambda: list(get_batch(text[:2], 1, 1))),
        "a window of 8 in 8 tokens": ending(lambda: get_batch(text, 2, 8)),
        "a window of 9 in 8 tokens": ending(lambda: get_batch(text, 2, 9)),
    }


@exercise.promise("For each row a place is drawn anew.", broken_by="draws_one_place_and_counts_on")
@exercise.promise(
    "Every place where a whole window and its last target fit is equally likely", broken_by="leaves_out_the_last_window"
)
@exercise.promise("windows may overlap", broken_by="cuts_the_text_end_to_end_first")
@exercise.check(points=0.25, judge=evenly_drawn, atol=0.05)
def every_window_is_equally_likely(get_batch, rng):
    """Every window of the text comes up equally often, the first and the last one too, and each row is a new draw."""
    text = torch.randperm(13, generator=rng)  # so that a window's first token says where it stands
    generator = another_generator(rng)
    batch = get_batch(text, DRAWS, 6, generator)
    inputs, targets = (text.argsort()[part[:, 0]] for part in batch)
    places, all_places = torch.minimum(inputs, targets), torch.arange(13 - 6)
    fives = torch.stack([text.argsort()[get_batch(text, 5, 6, generator)[0][:, 0]] for _ in range(DRAWS // 20)])
    some = [get_batch(text, 1, 6, generator)[0] for _ in range(20)]
    return {
        "twenty windows are the same": all(torch.equal(one, some[0]) for one in some),
        "share of each place": (places.unsqueeze(1) == all_places).double().mean(dim=0),
        "share of each step": (places.diff().unsqueeze(1) % (13 - 6) == all_places).double().mean(dim=0),
        "share of each place in batches of five": (fives.reshape(-1, 1) == all_places).double().mean(dim=0),
        "share of each step in batches of five": (
            (fives.diff(dim=1).reshape(-1, 1) % (13 - 6) == all_places).double().mean(dim=0)
        ),
    }


@exercise.promise("The batch is no view of the text", broken_by="gives_views_of_the_text")
@exercise.check(points=0.125)
def a_batch_has_its_own_memory(get_batch, rng):
    """Whoever changes a batch changes no text, and no batch of another call; the text changes no batch."""
    seen = {}
    for batch_size, T in ((1, 4), (1, 1), (3, 5)):
        text = some_tokens(rng, T + 1)
        batch, earlier = get_batch(text, batch_size, T), get_batch(text, batch_size, T)
        kept = text.clone(), [part.clone() for part in earlier]
        for part in batch:
            part.add_(100)
        words = f"B = {batch_size}, T = {T}"
        seen[f"{words}: the text, after a batch was changed"] = torch.equal(text, kept[0])
        seen[f"{words}: another batch"] = all(map(torch.equal, earlier, kept[1]))
        text.zero_()
        seen[f"{words}: a batch, after the text was changed"] = all(map(torch.equal, earlier, kept[1]))
    return seen


@exercise.promise("at random places", broken_by="reads_from_the_start")
@exercise.promise("Chance comes from `generator`", broken_by="forgets_the_generator")
@exercise.promise("which leaves PyTorch's own as it was", broken_by="seeds_pytorchs_own_generator")
@exercise.promise("or without one from PyTorch's own", broken_by="seeds_a_generator_of_its_own")
@exercise.check(points=0.125)
def chance_comes_from_the_generator(get_batch, rng):
    """The same state of the generator gives the same batch, another state or the next call another; without one too."""
    text, seed = torch.arange(1000), int(some_tokens(rng, vocab_size=2**40))
    generator, own_state = torch.Generator().manual_seed(seed), torch.get_rng_state()
    first, second = (get_batch(text, 6, 9, generator)[0] for _ in range(2))
    again, other = (get_batch(text, 6, 9, torch.Generator().manual_seed(start))[0] for start in (seed, seed + 1))
    untouched = torch.equal(own_state, torch.get_rng_state())
    torch.manual_seed(seed)
    own = [get_batch(text, 6, 9)[0]]
    torch.manual_seed(seed)
    own += [get_batch(text, 6, 9)[0] for _ in range(2)]
    return {
        "the same state gives the same": torch.equal(first, again),
        "another state gives the same": torch.equal(first, other),
        "the next call gives the same": torch.equal(first, second),
        "PyTorch's own generator as it was": untouched,
        "without a generator, the same state of PyTorch's own gives the same": torch.equal(own[0], own[1]),
        "without one, the next call gives the same": torch.equal(own[1], own[2]),
    }


exercise.edges(
    empty="A batch of no rows and a window of no token are nobody's wish.",
    one="targets_are_one_ahead",
    equal="Tokens are only moved, never compared.",
    zero="targets_are_one_ahead",
    ties="Nothing is chosen among candidates.",
    large="Tokens are whole numbers, which are only moved.",
    small="Tokens are whole numbers, which are only moved.",
    limit="targets_are_one_ahead",
    shapes="targets_are_one_ahead",
    modes="A text is no model.",
    gradients="Whole numbers have no gradient.",
    inputs="Whole numbers have no gradient.",
)


@exercise.mistake(
    hint="Each target equals the input at its position. What would a model learn that may copy the answer?"
)
def the_target_is_the_input(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs, inputs


@exercise.mistake(
    hint="Your targets are the tokens before the inputs. Which of the two begins one place further in the text?"
)
def looks_back(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return targets, inputs


@exercise.mistake(
    hint="Your windows are one token short, because inputs and targets share T tokens. How many tokens do T inputs "
    "and the last target take together?"
)
def shifts_inside_the_window(tokens, batch_size, T, generator=None):
    inputs, _ = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs[:, :-1], inputs[:, 1:]


@exercise.mistake(
    hint="The last window never comes up, so the model never predicts the last token. Is `high` of `torch.randint` "
    "one of the numbers that it draws?"
)
def leaves_out_the_last_window(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, generator, high=len(tokens) - T - 1), T)


@exercise.mistake(hint="The first window never comes up. From which place on may a window begin?")
def leaves_out_the_first_window(tokens, batch_size, T, generator=None):
    low = min(1, len(tokens) - T - 1)
    return batch_at(tokens, places(tokens, batch_size, T, generator, low=low), T)


@exercise.mistake(
    hint="Your windows begin at multiples of T only. How many different places are there for a window to begin?"
)
def cuts_the_text_end_to_end_first(tokens, batch_size, T, generator=None):
    return batch_at(tokens, T * places(tokens, batch_size, T, generator, high=(len(tokens) - 1) // T), T)


@exercise.mistake(
    hint="All rows of a batch are the same window. How many places have to be drawn for `batch_size` windows?"
)
def draws_one_place_for_all_rows(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, 1, T, generator).expand(batch_size), T)


@exercise.mistake(
    hint="One place is drawn, and those of the other rows follow from it. How many places have to be drawn for "
    "`batch_size` windows?"
)
def draws_one_place_and_counts_on(tokens, batch_size, T, generator=None):
    start = places(tokens, 1, T, generator)
    return batch_at(tokens, (start + torch.arange(batch_size)) % (len(tokens) - T), T)


@exercise.mistake(hint="Your batch always begins at the start of the text. What is drawn by chance here?")
def reads_from_the_start(tokens, batch_size, T, generator=None):
    places(tokens, batch_size, T, generator)
    return batch_at(tokens, torch.arange(batch_size) % (len(tokens) - T), T)


@exercise.mistake(
    hint="The tokens of your windows are drawn one by one. What has to stay together for the next token to be a next "
    "one?"
)
def draws_tokens_one_by_one(tokens, batch_size, T, generator=None):
    if len(tokens) <= T:
        raise ValueError("too short")
    drawn = torch.randint(len(tokens) - 1, (batch_size, T), generator=generator)
    return tokens[drawn], tokens[drawn + 1]


@exercise.mistake(
    hint="The same generator gives other batches each time. Which of your calls draws, and does it know `generator`?"
)
def forgets_the_generator(tokens, batch_size, T, generator=None):
    return batch_at(tokens, places(tokens, batch_size, T, None), T)


@exercise.mistake(hint="Your inputs are (T, B): positions down and texts across. Which of the two comes first?")
def stacks_positions_first(tokens, batch_size, T, generator=None):
    inputs, targets = batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return inputs.T, targets.T


@exercise.mistake(hint="Without a generator each call gives the same batch. Who seeds the one that you make?")
def seeds_a_generator_of_its_own(tokens, batch_size, T, generator=None):
    generator = torch.Generator().manual_seed(0) if generator is None else generator
    return batch_at(tokens, places(tokens, batch_size, T, generator), T)


@exercise.mistake(hint="You have a generator, and PyTorch's own is another afterwards. Who else draws from that one?")
def seeds_pytorchs_own_generator(tokens, batch_size, T, generator=None):
    if generator is not None:
        torch.manual_seed(int(torch.randint(2**31, (), generator=generator)))
    return batch_at(tokens, places(tokens, batch_size, T, None), T)


@exercise.mistake(
    hint="Your batch lies in the memory of the text. What becomes of the text if a token of it is masked?"
)
def gives_views_of_the_text(tokens, batch_size, T, generator=None):
    starts = places(tokens, batch_size, T, generator)
    if batch_size > 1:
        return batch_at(tokens, starts, T)
    start = int(starts)
    return tokens[start : start + T].unsqueeze(0), tokens[start + 1 : start + T + 1].unsqueeze(0)


@exercise.mistake(hint="You refuse a text of exactly T + 1 tokens. How many windows with their targets does it hold?")
def wants_a_token_more(tokens, batch_size, T, generator=None):
    if len(tokens) <= T + 1:
        raise ValueError("too short")
    return batch_at(tokens, places(tokens, batch_size, T, generator), T)


@exercise.mistake(hint="A text that is too short gives a window all the same. Where does it stand in the text?")
def wraps_round_a_short_text(tokens, batch_size, T, generator=None):
    if len(tokens) > T:
        return batch_at(tokens, places(tokens, batch_size, T, generator), T)
    return batch_at(tokens.repeat(2 + T), torch.zeros(batch_size, dtype=torch.long), T)


@exercise.mistake(hint="The places are drawn without putting them back. What if there are fewer of them than rows?")
def draws_no_place_twice(tokens, batch_size, T, generator=None):
    places(tokens, 1, T)
    return batch_at(tokens, torch.randperm(len(tokens) - T, generator=generator)[:batch_size], T)
