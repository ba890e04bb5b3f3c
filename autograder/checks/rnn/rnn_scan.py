"""`rnn_scan`: two halves are the whole, a later input changes no earlier state, one call for each position."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.rnn.shared import seeded

exercise = Exercise("rnn_scan")


def run_cell(
    cell: Callable,
    x: Tensor,
    state: Any = None,
    read: Callable[[Tensor], Any] = lambda x: x.unbind(1),
    shown: Callable[[Any], Tensor] = lambda state: state[0] if isinstance(state, tuple) else state,
    start: Callable[[Any, Any], Any] = lambda first, state: state,
    stack: Callable[[list[Tensor]], Tensor] = partial(torch.stack, dim=1),
) -> tuple[Tensor, Any]:
    """A scan with its parts to choose, so that one of them can be wrong."""
    first, outputs = state, []
    for x_t in read(x):
        state = cell(x_t, start(first, state))
        outputs.append(shown(state))
    return stack(outputs), state


def simple_cell(rng: torch.Generator) -> Callable[[Tensor, Tensor | None], Tensor]:
    """A cell with d_input, d_state = 4, 5."""
    w_input, w_state = normal(rng, 4, 5), normal(rng, 5, 5)

    def cell(x: Tensor, h: Tensor | None) -> Tensor:
        return torch.tanh(x @ w_input + (0 if h is None else h @ w_state))

    return cell


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
    }


@exercise.check(points=0.25)
def the_cell_is_called_once_for_each_position(rnn_scan, rng):
    """The cell gets input after input, from the first to the last, and each time the state it gave before."""
    calls = []

    def cell(x, state):
        calls.append({"input": x, "state": state})
        return torch.full((2, 5), float(len(calls)))

    outputs, state = rnn_scan(cell, normal(rng, 2, 3, 4))
    return {"calls": calls, "the states returned": outputs, "the state after the text": state}


@exercise.check(points=0.25)
def cells_with_a_memory(rnn_scan, rng):
    """Where the state is a tuple (h, c), h stands at every position, and the whole tuple comes back at the end."""
    cell = seeded(nn.LSTMCell(4, 5), rng)
    leaves = {"x": normal(rng, 3, 6, 4), "h": normal(rng, 3, 5), "c": normal(rng, 3, 5)}
    x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
    outputs, state = rnn_scan(cell, x, (h, c))
    return {"the states returned": outputs, "the state after the text": state, **gradients(outputs, leaves, rng)}


@exercise.mistake(
    hint="At every position the cell gets the state with which the text began. Which one should it get at the second?"
)
def starts_afresh_at_every_position(cell, x, state=None):
    return run_cell(cell, x, state, start=lambda first, state: first)


@exercise.mistake(
    hint="You go through the texts and not through the positions. Which axis of x (B, T, d_input) does a plain "
    "`for` run over?"
)
def goes_through_the_batch(cell, x, state=None):
    return run_cell(cell, x, state, read=lambda x: x, stack=torch.stack)


@exercise.mistake(hint="Your states are (T, B, d_state). Along which axis do you stack them?")
def stacks_positions_first(cell, x, state=None):
    return run_cell(cell, x, state, stack=torch.stack)


@exercise.mistake(hint="You begin with the last position. Which end of the text does a reader come to first?")
def reads_from_the_end(cell, x, state=None):
    return run_cell(cell, x, state, read=lambda x: x.flip(1).unbind(1), stack=lambda seen: torch.stack(seen[::-1], 1))


@exercise.mistake(
    hint="Where the state is (h, c), you show c at each position. Which of the two do other layers get to see?"
)
def shows_the_memory(cell, x, state=None):
    return run_cell(cell, x, state, shown=lambda state: state[1] if isinstance(state, tuple) else state)


@exercise.mistake(hint="At the end you give back h alone. What else does a cell with a memory need to go on reading?")
def gives_back_h_for_the_state(cell, x, state=None):
    outputs, _ = library_scan(cell, x, state)
    return outputs, outputs[:, -1]


@exercise.mistake(
    hint="Your first state is the one with which the text begins, and the last is missing. Do you keep the state "
    "before or after the cell has read?"
)
def shows_the_state_before_the_input(cell, x, state=None):
    outputs, last = library_scan(cell, x, state)
    first = torch.zeros_like(outputs[:, 0]) if state is None else state[0] if isinstance(state, tuple) else state
    return torch.cat([first.unsqueeze(1), outputs[:, :-1]], dim=1), last


@exercise.given
def library_scan(cell: Callable[[Tensor, Any], Any], x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """A scan for the exercises that need one."""
    return run_cell(cell, x, state)
