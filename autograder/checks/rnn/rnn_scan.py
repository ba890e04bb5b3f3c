"""`rnn_scan`: two halves are the whole, a later input changes no earlier state, one call for each position."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, mistake, mistakes, normal
from autograder.checks.rnn.shared import seeded

exercise = Exercise("rnn_scan")


class Scan:
    """A scan with its parts to override, so that one of them can be wrong."""

    def read(self, x: Tensor) -> Iterable[Tensor]:
        return x.unbind(1)

    def shown(self, state: Any) -> Tensor:
        return state[0] if isinstance(state, tuple) else state

    def next_state(self, cell: Callable, x_t: Tensor, state: Any, first: Any) -> Any:
        return cell(x_t, state)

    def stack(self, outputs: list[Tensor]) -> Tensor:
        return torch.stack(outputs, dim=1)

    def last(self, state: Any, first: Any) -> Any:
        return state

    def __call__(self, cell: Callable, x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
        first, outputs = state, []
        for x_t in self.read(x):
            state = self.next_state(cell, x_t, state, first)
            outputs.append(self.shown(state))
        return self.stack(outputs), self.last(state, first)


def parts_of(state: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """A state with each of its tensors changed."""
    if not isinstance(state, tuple):
        return change(state) if isinstance(state, Tensor) else state
    parts = map(change, state)
    return type(state)(*parts) if hasattr(state, "_fields") else tuple(parts)


def in_pieces(scan: "Scan", cell: Callable, x: Tensor, state: Any) -> tuple[Tensor, Any]:
    """A scan that cuts the history off after each 64 positions."""
    outputs = []
    for piece in x.split(64, dim=1):
        shown, state = Scan.__call__(scan, cell, piece, state if not outputs else parts_of(state, torch.detach))
        outputs.append(shown)
    return torch.cat(outputs, dim=1), state


def simple_cell(rng: torch.Generator) -> Callable[[Tensor, Tensor | None], Tensor]:
    """A cell with d_input, d_state = 4, 5."""
    w_input, w_state = normal(rng, 4, 5), normal(rng, 5, 5)

    def cell(x: Tensor, h: Tensor | None) -> Tensor:
        return torch.tanh(x @ w_input + (0 if h is None else h @ w_state))

    return cell


@exercise.promise("handing the state from each position to the next", broken_by="starts_afresh_at_every_position")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_the_first_state")
@exercise.check(points=0.25, invariant=True)
def two_halves_are_the_whole(rnn_scan, rng):
    """A text read in two halves, the state handed over, gives what it gives read at once; without the state not."""
    cell, x, h = simple_cell(rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    whole, last = rnn_scan(cell, x, h)
    first, state = rnn_scan(cell, x[:, :2], h)
    second, end = rnn_scan(cell, x[:, 2:], state)
    return {
        "before": [whole, last],
        "after": [torch.cat([first, second], dim=1), end],
        "must differ": [second, rnn_scan(cell, x[:, 2:])[0]],
        "change": "it was read in two halves",
    }


@exercise.check(points=0.25, invariant=True)
def a_later_input_changes_no_earlier_state(rnn_scan, rng):
    """Changing an input changes no state before it and no other text, but all states of its text from there on."""
    cell, x, h = simple_cell(rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    other = x.clone()
    other[0, 2] = -x[0, 2]
    before, after = rnn_scan(cell, x, h)[0], rnn_scan(cell, other, h)[0]
    return {
        "before": [before[0, :2], before[1:]],
        "after": [after[0, :2], after[1:]],
        "must differ": [before[0, 5], after[0, 5]],
        "change": "the input of the first text at position 2 was negated",
    }


@exercise.promise("from the first position to the last", broken_by="reads_from_the_end")
@exercise.promise("It is called once for each position", broken_by="asks_the_cell_once_more")
@exercise.promise("with these two arguments in this order", broken_by="calls_without_an_argument_for_none")
@exercise.promise("a state of None goes to the cell as it is", broken_by="makes_zeros_of_none")
@exercise.promise("(B, T, d_state), state.", broken_by="loses_dimensions_of_one")
@exercise.check(points=0.25)
def the_cell_is_called_once_for_each_position(rnn_scan, rng):
    """The cell gets input after input, from the first to the last, and each time the state it gave before."""

    def asked(B: int, T: int, d_state: int, *state: Any) -> dict[str, Any]:
        calls = []

        def cell(x, state, /):
            calls.append({"input": x, "state": state, "the state is a list": isinstance(state, list)})
            return torch.full((B, d_state), float(len(calls)))

        outputs, last = rnn_scan(cell, normal(rng, B, T, 4), *state)
        return {"calls": calls, "the states returned": outputs, "the state after the text": last}

    return {
        "without a state": asked(2, 3, 5),
        "from None on": asked(1, 4, 3, None),
        "from a list on": asked(1, 2, 1, ["a list, as this cell takes it"]),
        "from an empty list on": asked(2, 2, 3, []),
        "from the number zero on": asked(2, 3, 1, 0.0),
        "one position": asked(2, 1, 3, normal(rng, 2, 3)),
        "a long text": asked(1, 70, 1, normal(rng, 1, 1)),
    }


@exercise.promise("which is h or a tuple that begins with h", broken_by="shows_the_memory")
@exercise.promise("of any length", broken_by="takes_a_tuple_for_a_pair")
@exercise.promise("What is returned is h at every position", broken_by="shows_the_state_before_the_input")
@exercise.promise("the whole state after the last one", broken_by="gives_back_h_for_the_state")
@exercise.promise("h at all positions (B, T, d_state)", broken_by="stacks_positions_first")
@exercise.promise("From either a gradient goes back through all positions", broken_by="returns_a_detached_state")
@exercise.promise("however many, to the given state.", broken_by="cuts_the_state_off_now_and_then")
@exercise.promise("a named tuple is one too.", broken_by="takes_no_named_tuple")
@exercise.promise("as the cell gave it.", broken_by="makes_a_plain_tuple_of_the_state")
@exercise.promise("of the type of h", broken_by="collects_in_float32")
@exercise.check(points=0.25)
def cells_with_a_memory(rnn_scan, rng):
    """Of a tuple, h stands at every position, and the whole comes back at the end; a gradient goes back from either."""
    cell = seeded(nn.LSTMCell(4, 5), rng)
    seen = {}
    outputs, state = rnn_scan(cell, normal(rng, 3, 6, 4), None)
    seen["from None on"] = [outputs, *state]
    for words in ("the states", "the last state"):
        leaves = {"x": normal(rng, 3, 6, 4), "h": normal(rng, 3, 5), "c": normal(rng, 3, 5)}
        x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
        outputs, state = rnn_scan(cell.train(words == "the states"), x, (h, c))
        result = outputs if words == "the states" else torch.cat(list(state), dim=-1)
        seen[f"from {words}"] = gradients(result, leaves, rng)
    seen |= {"the states returned": outputs, "the state after the text": state, "is a tuple": isinstance(state, tuple)}
    for size in (1, 3):
        long = rnn_scan(lambda x, state, size=size: (x[:, :2] + state[0], *state[1:]), x, (h[:, :2], c, x)[:size])
        seen[f"a tuple of {size}"] = long
    seen["a cell that has learned where to begin"] = rnn_scan(seeded(Begun(4, 5), rng), normal(rng, 3, 2, 4))
    return seen | far_back(rnn_scan, rng) | other_types(rnn_scan, rng)


class Begun(nn.GRUCell):
    """A cell that begins with a state that it has learned."""

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state)
        self.start = nn.Parameter(torch.zeros(d_state))

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        return super().forward(x, self.start.expand(len(x), -1) if state is None else state)


class Memory(NamedTuple):
    """A state with names for its parts."""

    h: Tensor
    c: Tensor


def far_back(rnn_scan, rng: torch.Generator) -> dict[str, Any]:
    """The gradients over 300 positions, from the states and from the last one, of two kinds of state."""

    def slowly(x, memory):
        c = 0.999 * memory.c + x
        return Memory(0.5 * memory.h + c, c)

    seen = {}
    for words in ("the states", "the last state"):
        x, h, c = (normal(rng, 2, *shape).requires_grad_() for shape in ((300, 3), (3,), (3,)))
        outputs, state = rnn_scan(slowly, x.transpose(0, 1).contiguous().transpose(0, 1), Memory(h, c))
        seen[f"far back, from {words}: kind of state"] = type(state).__name__
        result = outputs[:, -1] if words == "the states" else torch.stack(list(state))
        seen[f"far back, from {words}"] = gradients(result, {"x": x, "h": h, "c": c}, rng)
        h.grad = x.grad = None
        outputs, state = rnn_scan(lambda x, h: 0.999 * h + x, x, h)
        result = outputs[:, -1] if words == "the states" else state
        seen[f"far back, from {words}, a tensor"] = gradients(result, {"x": x, "h": h}, rng)
    return seen


def other_types(rnn_scan, rng: torch.Generator) -> dict[str, Any]:
    """States in float64 of an input in float32, without gradients, twice, looked at when both are there."""
    x, h = normal(rng, 2, 4, 3), normal(rng, 2, 3).double()
    with torch.no_grad():
        results = [rnn_scan(lambda x, h: 0.5 * h + x, given, h) for given in (x, x + 1)]
        outputs, last = rnn_scan(lambda x, h: h / 1e10, x, h)
        halved, _ = rnn_scan(lambda x, h: 0.5 * h + x, x.bfloat16(), h.bfloat16())
    seen = {"twice without gradients": results, "shrinking in float64": [1e40 * outputs[:, 3].double(), 1e40 * last]}
    return seen | {"types": [str(outputs.dtype), str(last.dtype), str(halved.dtype)]}


mistakes(
    exercise,
    Scan,
    starts_afresh_at_every_position=mistake(
        "At every position the cell gets the state with which the text began. Which one should it get at the second?",
        next_state=lambda self, cell, x_t, state, first: cell(x_t, first),
    ),
    hands_no_state_to_the_cell=mistake(
        "At every position the cell gets None. What should it get beside the input?",
        next_state=lambda self, cell, x_t, state, first: cell(x_t, None),
    ),
    goes_through_the_batch=mistake(
        "You go through the texts and not through the positions. Which axis of x (B, T, d_input) does a plain "
        "`for` run over?",
        read=lambda self, x: x,
        stack=lambda self, outputs: torch.stack(outputs),
    ),
    stacks_positions_first=mistake(
        "Your states are (T, B, d_state). Along which axis do you stack them?",
        stack=lambda self, outputs: torch.stack(outputs),
    ),
    reads_from_the_end=mistake(
        "You begin with the last position. Which end of the text does a reader come to first?",
        read=lambda self, x: x.flip(1).unbind(1),
        stack=lambda self, outputs: torch.stack(outputs[::-1], dim=1),
    ),
    shows_the_memory=mistake(
        "Where the state is (h, c), you show c at each position. Which of the two do other layers get to see?",
        shown=lambda self, state: state[-1] if isinstance(state, tuple) else state,
    ),
    takes_a_tuple_for_a_pair=mistake(
        "A state of one part, or of three, ends your scan. Which part of a tuple is all that it has to know?",
        shown=lambda self, state: first_of_two(state) if isinstance(state, tuple) else state,
    ),
    gives_back_h_for_the_state=mistake(
        "At the end you give back h alone. What else does a cell with a memory need to go on reading?",
        last=lambda self, state, first: self.shown(state),
    ),
    makes_zeros_of_none=mistake(
        "Where there is no state, the cell gets one of yours. Does your loop know what None stands for, or the cell?",
        next_state=lambda self, cell, x_t, state, first: cell(x_t, torch.zeros_like(x_t) if state is None else state),
    ),
    calls_without_an_argument_for_none=mistake(
        "Where there is no state, your cell gets one argument. How many does `cell(x_t, state)` take?",
        next_state=lambda self, cell, x_t, state, first: cell(x_t) if state is None else cell(x_t, state),
    ),
    cuts_the_state_off_at_every_position=mistake(
        "Each state is handed on without its history. How far back does a gradient go then?",
        next_state=lambda self, cell, x_t, state, first: cell(
            x_t, state if state is first else parts_of(state, torch.detach)
        ),
    ),
    returns_a_detached_state=mistake(
        "The state you return has lost its history. Is it for you or for the caller to end a gradient?",
        last=lambda self, state, first: parts_of(state, torch.detach),
    ),
    cuts_the_state_off_now_and_then=mistake(
        "In a long text the history is cut off somewhere. Is it for you or for the caller to end a gradient?",
        __call__=lambda self, cell, x, state=None: in_pieces(self, cell, x, state),
    ),
    takes_no_named_tuple=mistake(
        "A named tuple is not a tuple to you. What does `isinstance` say, that `type` does not?",
        shown=lambda self, state: state[0] if type(state) is tuple else state,
    ),
    makes_a_plain_tuple_of_the_state=mistake(
        "A named tuple comes back without its names. What did the cell give?",
        last=lambda self, state, first: tuple(state) if isinstance(state, tuple) else state,
    ),
    collects_in_float32=mistake(
        "States in float64 come back in float32. Of which type is the tensor in which you collect them?",
        stack=lambda self, outputs: torch.stack(outputs, dim=1).float(),
    ),
    loses_dimensions_of_one=mistake(
        "With one text, one position or a state of one number, a dimension is missing. Which call takes it away?",
        stack=lambda self, outputs: torch.stack(outputs, dim=1).squeeze(),
    ),
)


def first_of_two(state: tuple) -> Tensor:
    h, _ = state
    return h


@exercise.given
def library_scan(cell: Callable[[Tensor, Any], Any], x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """A scan for the exercises that need one."""
    return Scan()(cell, x, state)


@exercise.mistake(hint="The cell is called once more than there are positions. What do you ask it for besides states?")
def asks_the_cell_once_more(cell, x, state=None):
    cell(x[:, 0], state)
    return library_scan(cell, x, state)


@exercise.mistake(
    hint="Your first state is the one with which the text begins, and the last is missing. Do you keep the state "
    "before or after the cell has read?"
)
def shows_the_state_before_the_input(cell, x, state=None):
    outputs, last = library_scan(cell, x, state)
    first = state[0] if isinstance(state, tuple) else state
    first = first if isinstance(first, Tensor) else torch.zeros_like(outputs[:, 0])
    return torch.cat([first.unsqueeze(1), outputs[:, :-1]], dim=1), last


@exercise.mistake(
    hint="After the text, the tensor you were given holds the last state. May the caller still need the first?"
)
def writes_into_the_first_state(cell, x, state=None):
    outputs, last = library_scan(cell, x, state)
    for part, new in zip(state if isinstance(state, tuple) else [state], last if isinstance(last, tuple) else [last]):
        if isinstance(part, Tensor):
            part.data.copy_(new)
    return outputs, last


exercise.edges(
    empty="A text has a position at least: T >= 1.",
    one="the_cell_is_called_once_for_each_position",
    equal="Nothing is compared.",
    zero="Nothing is divided or multiplied.",
    ties="Nothing is chosen.",
    large="What a state holds is the cell's business.",
    small="What a state holds is the cell's business.",
    limit="There is no limit; a long text is among the calls.",
    shapes="the_cell_is_called_once_for_each_position",
    modes="A function has no mode, and that of a cell stays.",
    gradients="Every call's arguments are compared, with their gradients.",
    inputs="cells_with_a_memory",
)
exercise.aside(
    "It knows what to do with a state of None.", "It says what a cell does, which is not the learner's here."
)
