"""The checks of the rnn topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a text read in two halves is the text read at once, a later input changes no earlier state,
an open gate keeps a memory, a gradient ends at the seam. Then the numbers. Cells and layers that an exercise is given
are PyTorch's own with weights from the seed, so that no check stands on another exercise of the learner's.
"""

import operator
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Topic

rnn = Topic("rnn")
check = rnn.try_out


def normal(rng: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=rng)


def seeded_weights(module: nn.Module, rng: torch.Generator) -> dict[str, Tensor]:
    """Random weights of the right shapes for a module, by name."""
    return {name: 0.6 * normal(rng, *value.shape) for name, value in module.state_dict().items()}


def seeded(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """The module with random weights."""
    module.load_state_dict(seeded_weights(module, rng))
    return module


def gradients(result: Tensor, leaves: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor | None]:
    """The gradient of a random sum of the results, for each leaf; None where it is cut off."""
    total = (result * normal(rng, *result.shape)).sum()
    if total.requires_grad:
        total.backward()
    return {f"the gradient of {name}": tensor.grad for name, tensor in leaves.items()}


# --- rnn_step ----------------------------------------------------------------------------------------------


def step_inputs(rng: torch.Generator) -> dict[str, Tensor]:
    """x, h, w_input, w_state, b with B, d_input, d_state = 3, 4, 5."""
    shapes = {"x": (3, 4), "h": (3, 5), "w_input": (4, 5), "w_state": (5, 5), "b": (5,)}
    return {name: 0.6 * normal(rng, *shape) for name, shape in shapes.items()}


@rnn.check("rnn_step", points=0.25, invariant=True)
def texts_do_not_mix(rnn_step, rng):
    """Another input or another state of one text changes its new state, and that of no other text."""
    given = step_inputs(rng)
    before = rnn_step(**given)
    others = [rnn_step(**given | {name: torch.cat([given[name][:2], -given[name][2:]])}) for name in ("x", "h")]
    return {
        "before": [before[:2], before[:2]],
        "after": [other[:2] for other in others],
        "must differ": [before[2], others[1][2]],
    }


@rnn.check("rnn_step", points=0.25)
def a_state_stays_between_minus_one_and_one(rnn_step, rng):
    """However large the input, the numbers of the new state lie between -1 and 1; the arguments stay as they were."""
    given = step_inputs(rng)
    large = given | {"x": torch.full((3, 4), 1e3), "w_input": torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]).repeat(4, 1)}
    zero = given | {"x": torch.zeros(3, 4), "h": torch.zeros(3, 5)}
    seen = {"the result for a large input": rnn_step(**large), "the result for zeros": rnn_step(**zero)}
    return seen | {f"{name} afterwards": value for name, value in given.items()}


@rnn.check("rnn_step", points=0.25)
def new_state_and_gradients(rnn_step, rng):
    """The new state is tanh(x @ w_input + h @ w_state + b), and the gradient reaches all five."""
    leaves = {name: value.requires_grad_() for name, value in step_inputs(rng).items()}
    result = rnn_step(**leaves)
    return {"the new state": result, **gradients(result, leaves, rng)}


@rnn.mistake("rnn_step", hint="What keeps your state from growing without bound, step after step?")
def no_tanh(x, h, w_input, w_state, b):
    return x @ w_input + h @ w_state + b


@rnn.mistake("rnn_step", hint="The old state changes nothing in your result. Where does it come in?")
def ignores_the_old_state(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + b)


@rnn.mistake(
    "rnn_step",
    hint="w_state is square, so its transpose fits as well as itself. Is it h @ w_state that you compute?",
)
def transposes_the_weights_of_the_state(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state.T + b)


@rnn.mistake("rnn_step", hint="Your state can leave the range from -1 to 1. What do you add after the tanh?")
def adds_the_bias_after_the_tanh(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state) + b


@rnn.mistake("rnn_step", hint="Your state is never negative. Which function squeezes between -1 and 1?")
def squeezes_between_zero_and_one(x, h, w_input, w_state, b):
    return torch.sigmoid(x @ w_input + h @ w_state + b)


@rnn.mistake("rnn_step", hint="For an input and a state of zero, what should the new state be? Where is b?")
def forgets_the_bias(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state)


# --- rnn_scan ----------------------------------------------------------------------------------------------


@rnn.given("rnn_scan")
def library_scan(cell: Callable[[Tensor, Any], Any], x: Tensor, state: Any = None) -> tuple[Tensor, Any]:
    """A scan for the exercises that need one."""
    return run_cell(cell, x, state)


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


@rnn.check("rnn_scan", points=0.25, invariant=True)
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


@rnn.check("rnn_scan", points=0.25, invariant=True)
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


@rnn.check("rnn_scan", points=0.25)
def the_cell_is_called_once_for_each_position(rnn_scan, rng):
    """The cell gets input after input, from the first to the last, and each time the state it gave before."""
    calls = []

    def cell(x, state):
        calls.append({"input": x, "state": state})
        return torch.full((2, 5), float(len(calls)))

    outputs, state = rnn_scan(cell, normal(rng, 2, 3, 4))
    return {"calls": calls, "the states returned": outputs, "the state after the text": state}


@rnn.check("rnn_scan", points=0.25)
def cells_with_a_memory(rnn_scan, rng):
    """Where the state is a tuple (h, c), h stands at every position, and the whole tuple comes back at the end."""
    cell = seeded(nn.LSTMCell(4, 5), rng)
    leaves = {"x": normal(rng, 3, 6, 4), "h": normal(rng, 3, 5), "c": normal(rng, 3, 5)}
    x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
    outputs, state = rnn_scan(cell, x, (h, c))
    return {"the states returned": outputs, "the state after the text": state, **gradients(outputs, leaves, rng)}


@rnn.mistake(
    "rnn_scan",
    hint="At every position the cell gets the state with which the text began. Which one should it get at the second?",
)
def starts_afresh_at_every_position(cell, x, state=None):
    return run_cell(cell, x, state, start=lambda first, state: first)


@rnn.mistake(
    "rnn_scan",
    hint="You go through the texts and not through the positions. Which axis of x (B, T, d_input) does a plain "
    "`for` run over?",
)
def goes_through_the_batch(cell, x, state=None):
    return run_cell(cell, x, state, read=lambda x: x, stack=torch.stack)


@rnn.mistake("rnn_scan", hint="Your states are (T, B, d_state). Along which axis do you stack them?")
def stacks_positions_first(cell, x, state=None):
    return run_cell(cell, x, state, stack=torch.stack)


@rnn.mistake(
    "rnn_scan",
    hint="You begin with the last position. Which end of the text does a reader come to first?",
)
def reads_from_the_end(cell, x, state=None):
    return run_cell(cell, x, state, read=lambda x: x.flip(1).unbind(1), stack=lambda seen: torch.stack(seen[::-1], 1))


@rnn.mistake(
    "rnn_scan",
    hint="Where the state is (h, c), you show c at each position. Which of the two do other layers get to see?",
)
def shows_the_memory(cell, x, state=None):
    return run_cell(cell, x, state, shown=lambda state: state[1] if isinstance(state, tuple) else state)


@rnn.mistake(
    "rnn_scan",
    hint="At the end you give back h alone. What else does a cell with a memory need to go on reading?",
)
def gives_back_h_for_the_state(cell, x, state=None):
    outputs, _ = library_scan(cell, x, state)
    return outputs, outputs[:, -1]


@rnn.mistake(
    "rnn_scan",
    hint="Your first state is the one with which the text begins, and the last is missing. Do you keep the state "
    "before or after the cell has read?",
)
def shows_the_state_before_the_input(cell, x, state=None):
    outputs, last = library_scan(cell, x, state)
    first = torch.zeros_like(outputs[:, 0]) if state is None else state[0] if isinstance(state, tuple) else state
    return torch.cat([first.unsqueeze(1), outputs[:, :-1]], dim=1), last


# --- gradient_norms_by_distance ----------------------------------------------------------------------------


def rotation(rng: torch.Generator, size: int) -> Tensor:
    """A random orthogonal matrix: it turns a vector and keeps its length."""
    return torch.linalg.qr(normal(rng, size, size)).Q


def weighted_sum(rng: torch.Generator, *shape: int) -> Callable[[Tensor], Tensor]:
    weights = normal(rng, *shape)
    return lambda h: (weights * h).sum()


def norms(
    cell: Callable,
    x: Tensor,
    state: Tensor,
    loss_fn: Callable[[Tensor], Tensor],
    total: Callable = lambda loss_fn, states: loss_fn(states[-1]),
    size: Callable[[Tensor], Tensor] = lambda gradients: gradients.norm(dim=-1),
    carry: Callable[[Tensor], Tensor] = lambda h: h,
) -> Tensor:
    """The norms with their parts to choose, so that one of them can be wrong."""
    states = [state.detach().clone().requires_grad_()]
    for x_t in x.unbind(1):
        states.append(cell(x_t, carry(states[-1])))
    found = torch.autograd.grad(total(loss_fn, states), states[::-1], allow_unused=True, materialize_grads=True)
    return size(torch.stack(found, dim=1))


@rnn.check("gradient_norms_by_distance", points=0.25)
def known_factors(gradient_norms_by_distance, rng):
    """A cell that turns the state and multiplies its length by a half, by one or by two does so to the gradient."""
    turn, x, h = rotation(rng, 5), normal(rng, 3, 6, 5), normal(rng, 3, 5)
    return {
        f"the norms at factor {factor:g}": gradient_norms_by_distance(
            lambda x, h, factor=factor: factor * h @ turn + x, x, h, weighted_sum(rng, 3, 5)
        )
        for factor in (0.5, 1.0, 2.0)
    }


@rnn.check("gradient_norms_by_distance", points=0.25, invariant=True)
def what_was_read_before_does_not_count(gradient_norms_by_distance, rng):
    """One more word at the beginning adds one distance, and leaves the norms at all others as they were."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    loss_fn = weighted_sum(rng, 3, 5)
    whole = gradient_norms_by_distance(cell, x, h, loss_fn)
    rest = gradient_norms_by_distance(cell, x[:, 1:], cell(x[:, 0], h), loss_fn)
    return {"before": rest, "after": whole[:, :6], "must differ": [whole[:, 5], whole[:, 6]]}


@rnn.check("gradient_norms_by_distance", points=0.25)
def norms_of_a_gated_cell(gradient_norms_by_distance, rng):
    """Each text has its own norms, from distance 0 to T; the loss, of any form, is that of the last state alone."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    targets = torch.randint(5, (3,), generator=rng)
    return gradient_norms_by_distance(cell, x, h, lambda h: F.cross_entropy(3 * h, targets))


@rnn.check("gradient_norms_by_distance", points=0.25)
def it_only_measures(gradient_norms_by_distance, rng):
    """Afterwards no weight has a gradient that it did not have before, and the first state is what it was."""
    cell, x, h = seeded(nn.GRUCell(4, 5), rng), normal(rng, 3, 6, 4), normal(rng, 3, 5)
    loss_fn, leaf = weighted_sum(rng, 3, 5), h.clone().requires_grad_()
    seen = [gradient_norms_by_distance(cell, x, state, loss_fn) for state in (h, leaf)]
    return {
        "the norms": seen,
        "weights with a gradient": [name for name, weight in cell.named_parameters() if weight.grad is not None],
        "the state's gradient": [h.grad, leaf.grad],
        "the state asks for a gradient": [h.requires_grad, leaf.requires_grad],
    }


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="Your first column belongs to the state at the beginning. Which state is at distance 0 from the loss?",
)
def counts_from_the_beginning(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn).flip(1)


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="You add up a loss for every state. Which one state does `loss_fn` get?",
)
def adds_up_the_losses_of_all_states(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, total=lambda loss_fn, states: sum(map(loss_fn, states[1:])))


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="You take one norm over the whole batch. Over which axis of a gradient (B, d_state) do you sum the squares?",
)
def one_norm_for_all_texts(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.norm(dim=(0, 2)))


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="Your norms are squared. What is missing after the sum of squares?",
)
def squares(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.square().sum(-1))


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="You add up absolute values. How long is the vector (3, 4)?",
)
def adds_up_absolute_values(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, size=lambda gradients: gradients.abs().sum(-1))


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="Beyond the last state your norms are zero. Do you cut the state off from its history as you hand it on?",
)
def cuts_the_chain(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn, carry=lambda h: h.detach().requires_grad_())


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="One distance is missing. Is the state with which the text begins among those that you ask about?",
)
def leaves_out_the_first_state(cell, x, state, loss_fn):
    return norms(cell, x, state, loss_fn)[:, :-1]


@rnn.mistake(
    "gradient_norms_by_distance",
    hint="`backward` leaves a gradient in every weight, where the next training step finds it. Which function of "
    "`torch.autograd` hands the gradients to you instead?",
)
def leaves_gradients_behind(cell, x, state, loss_fn):
    states = [state.clone().requires_grad_()]
    states[0].retain_grad()
    for x_t in x.unbind(1):
        states.append(cell(x_t, states[-1]))
        states[-1].retain_grad()
    loss_fn(states[-1]).backward()
    return torch.stack([h.grad for h in states[::-1]], dim=1).norm(dim=-1)


# --- LSTMCell ----------------------------------------------------------------------------------------------

rnn.given("LSTMCell")(nn.LSTMCell)


def with_weights(cell_class, weights: dict[str, Tensor], d_input: int = 3, d_state: int = 5) -> nn.Module:
    """The learner's cell with these weights. Raises RuntimeError, naming it, where one is missing or has no place."""
    cell = cell_class(d_input, d_state)
    cell.load_state_dict(weights)
    return cell


def with_gates(weights: dict[str, Tensor], **gates: tuple[int, float]) -> dict[str, Tensor]:
    """The weights with some blocks of gates held at a value: name=(block, what the gate gets before its sigmoid)."""
    held = {name: weight.clone() for name, weight in weights.items()}
    for block, value in gates.values():
        rows = slice(5 * block, 5 * (block + 1))
        for name, weight in held.items():
            weight[rows] = value if name == "bias_ih" else 0.0
    return held


def read(cell: nn.Module, x: Tensor, state: Any) -> Any:
    """The state after a text (B, T, d_input)."""
    for x_t in x.unbind(1):
        state = cell(x_t, state)
    return state


def memory_and_state(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return normal(rng, 2, 5), normal(rng, 2, 5)


@rnn.check("LSTMCell", points=0.25)
def an_open_forget_gate_keeps_the_memory(LSTMCell, rng):
    """With the forget gate open and the input gate shut, the memory is after 20 words what it was; shut, it is gone."""
    weights, x, state = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 20, 3), memory_and_state(rng)
    kept, gone = (
        read(with_weights(LSTMCell, with_gates(weights, i=(0, -100.0), f=(1, forget))), x, state)
        for forget in (100.0, -100.0)
    )
    return {"kept: h, c": kept, "gone: h, c": gone}


@rnn.check("LSTMCell", points=0.25)
def a_shut_output_gate_hides_the_memory(LSTMCell, rng):
    """With the output gate shut, h is zero and the memory goes on; with it open, h is the tanh of the memory."""
    weights, x, state = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 3), memory_and_state(rng)
    shut, opened = (with_weights(LSTMCell, with_gates(weights, o=(3, gate)))(x, state) for gate in (-100.0, 100.0))
    return {"shut: h, c": shut, "open: h, c": opened}


@rnn.check("LSTMCell", points=0.25, invariant=True)
def it_starts_from_zeros(LSTMCell, rng):
    """No state is a state of zeros; texts read together get what each gets alone."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    x, (h, c) = normal(rng, 2, 3), memory_and_state(rng)
    alone = [torch.cat(parts) for parts in zip(*(cell(x[b : b + 1], (h[b : b + 1], c[b : b + 1])) for b in (0, 1)))]
    together = list(cell(x, (h, c)))
    return {
        "before": [*cell(x), *together],
        "after": [*cell(x, (torch.zeros(2, 5), torch.zeros(2, 5))), *alone],
        "must differ": [cell(x)[0], cell(x, (h, torch.zeros(2, 5)))[0]],
    }


@rnn.check("LSTMCell", points=0.5)
def the_numbers_of_pytorchs_lstm(LSTMCell, rng):
    """With the weights of an `nn.LSTMCell`, the new h and c are its own."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    h, c = cell(normal(rng, 2, 3), memory_and_state(rng))
    return {"h": h, "c": c}


@rnn.check("LSTMCell", points=0.5)
def the_lstm_learns(LSTMCell, rng):
    """Over five words the gradient reaches every input, the first h and c, and all weights; the arguments stay."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5), "c": normal(rng, 2, 5)}
    x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
    after = torch.cat(read(cell, x, (h, c)), dim=-1)
    return {**gradients(after, leaves | dict(cell.named_parameters()), rng), "c afterwards": c}


class FourGates(nn.RNNCellBase):
    """An LSTM cell with its parts to override, so that one of them can be wrong."""

    order = "i f g o"
    squeeze = staticmethod(torch.tanh)  # of the candidate
    shown = staticmethod(torch.tanh)  # of the memory

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def gates(self, x: Tensor, h: Tensor) -> Tensor:
        return F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)

    def keep(self, c: Tensor, f: Tensor, i: Tensor, g: Tensor) -> Tensor:
        return torch.sigmoid(f) * c + torch.sigmoid(i) * g

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gate = dict(zip(self.order.split(), self.gates(x, h).chunk(4, dim=-1)))
        c = self.keep(c, gate["f"], gate["i"], self.squeeze(gate["g"]))
        return torch.sigmoid(gate["o"]) * self.shown(c), c


@rnn.mistake(
    "LSTMCell",
    hint="Candidate and output gate are taken for each other. In which order do the four blocks stand?",
)
class takes_the_blocks_as_i_f_o_g(FourGates):
    order = "i f o g"


@rnn.mistake(
    "LSTMCell",
    hint="Input and forget gate are taken for each other. In which order do the four blocks stand?",
)
class takes_the_blocks_as_f_i_g_o(FourGates):
    order = "f i g o"


@rnn.mistake(
    "LSTMCell",
    hint="Your memory only grows, as in 1997. Which gate decides how much of the old memory stays?",
)
class has_no_forget_gate(FourGates):
    def keep(self, c, f, i, g):
        return c + torch.sigmoid(i) * g


@rnn.mistake(
    "LSTMCell",
    hint="Your h is the memory itself times the output gate. What squeezes the memory before it is shown?",
)
class shows_the_memory_without_tanh(FourGates):
    shown = staticmethod(lambda c: c)


@rnn.mistake(
    "LSTMCell",
    hint="Your candidate is never negative, so nothing can be subtracted from the memory. Is the candidate a gate?",
)
class squeezes_the_candidate_like_a_gate(FourGates):
    squeeze = staticmethod(torch.sigmoid)


@rnn.mistake(
    "LSTMCell",
    hint="The two gates of your memory share one number: what is not forgotten cannot be written. Do input and forget "
    "gate not have a block each?",
)
class couples_input_and_forget_gate(FourGates):
    def keep(self, c, f, i, g):
        return torch.sigmoid(f) * c + (1 - torch.sigmoid(f)) * g


@rnn.mistake("LSTMCell", hint="There are two biases, one beside each matrix. Where does `bias_hh` come in?")
class uses_one_bias_only(FourGates):
    def gates(self, x, h):
        return F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh)


@rnn.mistake("LSTMCell", hint="Your gates look at the input alone. Which second matrix do they have?")
class gates_do_not_see_the_state(FourGates):
    def gates(self, x, h):
        return F.linear(x, self.weight_ih, self.bias_ih) + self.bias_hh


@rnn.mistake("LSTMCell", hint="You return memory and state in the wrong order. Which of the two comes first?")
class returns_the_memory_first(FourGates):
    def forward(self, x, state=None):
        h, c = super().forward(x, state)
        return c, h


# --- GRUCell -----------------------------------------------------------------------------------------------

rnn.given("GRUCell")(nn.GRUCell)


@rnn.check("GRUCell", points=0.25)
def an_open_update_gate_keeps_the_state(GRUCell, rng):
    """With the update gate at one, the state is after 20 words what it was; at zero, it is the candidate alone."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 20, 3), normal(rng, 2, 5)
    kept, replaced = (read(with_weights(GRUCell, with_gates(weights, z=(1, gate))), x, h) for gate in (100.0, -100.0))
    return {"kept": kept, "replaced": replaced}


@rnn.check("GRUCell", points=0.25, invariant=True)
def a_shut_reset_gate_hides_the_state(GRUCell, rng):
    """With reset and update gate at zero, the new state does not depend on the old; with the reset at one it does."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 3), normal(rng, 2, 5)
    shut, opened = (with_weights(GRUCell, with_gates(weights, r=(0, gate), z=(1, -100.0))) for gate in (-100.0, 100.0))
    return {"before": shut(x, h), "after": shut(x, -h), "must differ": [opened(x, h), opened(x, -h)]}


@rnn.check("GRUCell", points=0.25, invariant=True)
def no_state_is_zeros(GRUCell, rng):
    """No state is a state of zeros; texts read together get what each gets alone."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    x, h = normal(rng, 2, 3), normal(rng, 2, 5)
    return {
        "before": [cell(x), cell(x, h)],
        "after": [cell(x, torch.zeros(2, 5)), torch.cat([cell(x[:1], h[:1]), cell(x[1:], h[1:])])],
        "must differ": [cell(x), cell(x, h)],
    }


@rnn.check("GRUCell", points=0.5)
def the_numbers_of_pytorchs_gru(GRUCell, rng):
    """With the weights of an `nn.GRUCell`, the new state is its own."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    return cell(normal(rng, 2, 3), normal(rng, 2, 5))


@rnn.check("GRUCell", points=0.25)
def the_gru_learns(GRUCell, rng):
    """Over five words the gradient reaches every input, the first state and all weights; the arguments stay."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5)}
    x, h = (leaf.requires_grad_() for leaf in leaves.values())
    after = read(cell, x, h)
    return {**gradients(after, leaves | dict(cell.named_parameters()), rng), "h afterwards": h}


class ThreeGates(nn.RNNCellBase):
    """A GRU cell with its parts to override, so that one of them can be wrong."""

    order = "r z n"

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def blocks(self, from_one: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.order.split(), from_one.chunk(3, dim=-1)))

    def candidate(self, of_x: Tensor, of_h: Tensor, r: Tensor, h: Tensor) -> Tensor:
        return torch.tanh(of_x + r * of_h)

    def mix(self, z: Tensor, n: Tensor, h: Tensor) -> Tensor:
        return (1 - z) * n + z * h

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        of_x = self.blocks(F.linear(x, self.weight_ih, self.bias_ih))
        of_h = self.blocks(F.linear(h, self.weight_hh, self.bias_hh))
        r, z = (torch.sigmoid(of_x[gate] + of_h[gate]) for gate in "rz")
        return self.mix(z, self.candidate(of_x["n"], of_h["n"], r, h), h)


@rnn.mistake(
    "GRUCell",
    hint="Where the update gate is one, you take the candidate. Many texts write it so; which of the two does the "
    "formula here keep?",
)
class turns_the_update_gate_round(ThreeGates):
    def mix(self, z, n, h):
        return z * n + (1 - z) * h


@rnn.mistake(
    "GRUCell",
    hint="You multiply the state by the reset gate before its weights, as in the paper of 2014. Where does PyTorch's "
    "form multiply?",
)
class resets_before_the_weights(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        rows = slice(2 * self.hidden_size, None)
        return torch.tanh(of_x + F.linear(r * h, self.weight_hh[rows], self.bias_hh[rows]))


@rnn.mistake(
    "GRUCell",
    hint="The reset gate leaves out the bias beside the weights of the state. Does it multiply the whole that the old "
    "state gives to the candidate?",
)
class leaves_the_bias_outside_the_reset(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        bias = self.bias_hh[2 * self.hidden_size :]
        return torch.tanh(of_x + r * (of_h - bias) + bias)


@rnn.mistake(
    "GRUCell",
    hint="Reset and update gate are taken for each other. In which order do the three blocks stand?",
)
class takes_the_blocks_as_z_r_n(ThreeGates):
    order = "z r n"


@rnn.mistake("GRUCell", hint="The old state reaches your candidate whatever the reset gate says. Where do you use it?")
class ignores_the_reset_gate(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        return torch.tanh(of_x + of_h)


@rnn.mistake(
    "GRUCell",
    hint="You add the candidate in full, so old and new together can be more than one. What share is left for the "
    "candidate where z of the state is kept?",
)
class adds_the_candidate_in_full(ThreeGates):
    def mix(self, z, n, h):
        return n + z * h


@rnn.mistake("GRUCell", hint="Your candidate is never negative. Is it a gate?")
class squeezes_the_candidate_with_a_sigmoid(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        return torch.sigmoid(of_x + r * of_h)


# --- RecurrentLanguageModel --------------------------------------------------------------------------------

SIZES = {"vocab_size": 11, "d_model": 6}
FUSED = {"layer": partial(nn.LSTM, batch_first=True), "scan": operator.call}


def language_model(
    RecurrentLanguageModel, rng: torch.Generator, n_layers: int = 2, layer=nn.GRUCell, scan=library_scan, **more
) -> nn.Module:
    """The learner's model on PyTorch's cells, with random weights."""
    return seeded(RecurrentLanguageModel(**SIZES, n_layers=n_layers, layer=layer, scan=scan, **more), rng)


def tokens_of(rng: torch.Generator, B: int = 2, T: int = 7) -> Tensor:
    """A text in which each token stands at most once."""
    return torch.stack([torch.randperm(SIZES["vocab_size"], generator=rng)[:T] for _ in range(B)])


@rnn.check("RecurrentLanguageModel", points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(RecurrentLanguageModel, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    model, tokens = language_model(RecurrentLanguageModel, rng), tokens_of(rng)
    whole, last = model(tokens)
    pieces, state = [], None
    for piece in tokens.split([3, 1, 3], dim=1):
        logits, state = model(piece, state)
        pieces.append(logits)
    return {
        "before": [whole, *last],
        "after": [torch.cat(pieces, dim=1), *state],
        "must differ": [pieces[2], model(tokens[:, 4:])[0]],
    }


@rnn.check("RecurrentLanguageModel", points=0.25, invariant=True)
def a_later_token_changes_no_earlier_logits(RecurrentLanguageModel, rng):
    """Another token changes no logits before it and none of another text, but those of its text from there on."""
    model, tokens = language_model(RecurrentLanguageModel, rng), tokens_of(rng)
    other = tokens.clone()
    other[0, 3] = (tokens[0, 3] + 1) % SIZES["vocab_size"]
    before, after = model(tokens)[0], model(other)[0]
    return {
        "before": [before[0, :3], before[1]],
        "after": [after[0, :3], after[1]],
        "must differ": [before[0, 6], after[0, 6]],
    }


@rnn.check("RecurrentLanguageModel", points=0.25)
def layers_stand_on_each_other(RecurrentLanguageModel, rng):
    """`scan` is called once for each layer, from the first up, on what the one below gives and on its own state."""
    calls = []

    def scan(layer, x, state):
        index = next((i for i, one in enumerate(model.layers) if one is layer), "not one of self.layers")
        calls.append({"layer": index, "x": x, "state": state})
        return 2 * x + 1, f"the new state of layer {index}"

    model = language_model(RecurrentLanguageModel, rng, n_layers=3, scan=scan)
    states = [f"the state of layer {index}" for index in range(3)]
    after = [model(tokens_of(rng), state)[1] for state in (None, states)]
    return {"calls": calls, "the states returned": after}


@rnn.check("RecurrentLanguageModel", points=0.25)
def cell_by_cell_or_fused(RecurrentLanguageModel, rng):
    """One layer or three, cell by cell or in PyTorch's fused layers: logits and states are right."""
    tokens, seen = tokens_of(rng), {}
    for words, n_layers, more in (("three GRU cells", 3, {}), ("one LSTM cell", 1, {"layer": nn.LSTMCell})):
        seen[words] = language_model(RecurrentLanguageModel, rng, n_layers, **more)(tokens)
    fused = language_model(RecurrentLanguageModel, rng, **FUSED)
    logits, states = fused(tokens)
    return {**seen, "two fused LSTM layers": [logits, states], "read on by them": fused(tokens, states)}


@rnn.check("RecurrentLanguageModel", points=0.5)
def every_weight_learns(RecurrentLanguageModel, rng):
    """The gradient reaches every weight; with `tied`, embedding and output layer share one matrix."""
    seen = {}
    for tied in (False, True):
        model = language_model(RecurrentLanguageModel, rng, tied=tied)
        parameters = dict(model.named_parameters())
        words = "tied" if tied else "not tied"
        seen[f"{words}: the number of parameters"] = sum(weight.numel() for weight in parameters.values())
        seen[words] = gradients(model(tokens_of(rng))[0], parameters, rng)
    return seen


class Stack(nn.Module):
    """A recurrent language model with its parts to override, so that one of them can be wrong."""

    def __init__(self, vocab_size, d_model, n_layers, layer=nn.LSTMCell, scan=library_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            self.output.weight = self.embedding.weight

    def before(self, state: list | None, index: int, below: Any) -> Any:
        return state[index] if state else None

    def climb(self, x: Tensor, state: list | None) -> tuple[list[Tensor], list]:
        """What each layer gives, the embedding first, and the states after."""
        levels, after = [x], []
        for index, layer in enumerate(self.layers):
            below = after[-1] if after else None
            x, new = self.scan(layer, self.reads(levels), self.before(state, index, below))
            levels.append(x)
            after.append(new)
        return levels, after

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(levels[-1])

    def forward(self, tokens, state=None):
        levels, after = self.climb(self.embedding(tokens), state)
        return self.top(levels), after


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="Every text is read as if it were a beginning. Where does the state that you are given come in?",
)
class forgets_the_state_it_is_given(Stack):
    def before(self, state, index, below):
        return None


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="Each layer starts from the state in which the layer below ended. Which state did this layer itself have?",
)
class hands_the_state_up_the_layers(Stack):
    def before(self, state, index, below):
        return below if index else state[0] if state else None


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="All layers read the embedding. What should the second one read?",
)
class every_layer_reads_the_embedding(Stack):
    def reads(self, levels):
        return levels[0]


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="Your logits come from the first layer, and the others work for nothing. What does the output layer read?",
)
class reads_the_logits_off_the_first_layer(Stack):
    def top(self, levels):
        return self.output(levels[1])


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="What you return sums to one over the tokens. Are these the scores before the softmax or after it?",
)
class returns_probabilities(Stack):
    def top(self, levels):
        return torch.softmax(self.output(levels[-1]), dim=-1)


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="You return the state of the last layer alone. What do the other layers need to go on reading?",
)
class returns_the_last_state_only(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        return logits, after[-1]


@rnn.mistake(
    "RecurrentLanguageModel",
    hint="Every layer is given the state of the first. Which of the states in the list is its own?",
)
class gives_all_layers_the_first_state(Stack):
    def before(self, state, index, below):
        return state[0] if state else None


# --- truncated_bptt ----------------------------------------------------------------------------------------


def detached(state: Any) -> Any:
    return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)


def in_chunks(tokens: Tensor, chunk_length: int) -> Iterator[tuple[Tensor, Tensor]]:
    parts = (part.split(chunk_length, dim=1) for part in (tokens[:, :-1], tokens[:, 1:]))
    return zip(*parts)


def walk(
    model: Callable,
    tokens: Tensor,
    chunk_length: int,
    chunks: Callable[[Tensor, int], Any] = in_chunks,
    hand_on: Callable[[Any], Any] = detached,
    reduction: str = "mean",
) -> Iterator[Tensor]:
    """Truncated backpropagation with its parts to choose, so that one of them can be wrong."""
    state = None
    for inputs, targets in chunks(tokens, chunk_length):
        logits, state = model(inputs, state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction=reduction)
        state = hand_on(state)


class Reader(nn.Module):
    """A language model on two of PyTorch's LSTM cells, of which one state is a tensor and one a tuple.

    At every position of the text something is added to the input, so that the gradient shows which positions a loss
    goes back to.
    """

    def __init__(self, rng: torch.Generator, T: int):
        super().__init__()
        self.embedding, self.gru, self.lstm = nn.Embedding(11, 4), nn.GRUCell(4, 4), nn.LSTMCell(4, 4)
        self.output = nn.Linear(4, 11)
        seeded(self, rng)
        self.added, self.at, self.calls = torch.zeros(T, 4, requires_grad=True), 0, []

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        self.calls.append({"tokens": tokens, "a state": state is not None})
        h, memory = state or (None, None)
        x, seen = self.embedding(tokens), []
        for t in range(tokens.size(1)):
            h = self.gru(x[:, t] + self.added[self.at], h)
            memory = self.lstm(h, memory)
            seen.append(memory[0])
            self.at += 1
        return self.output(torch.stack(seen, dim=1)), [h, memory]


def a_long_text(rng: torch.Generator, T: int = 10) -> tuple[Reader, Tensor]:
    """A reader and a text of T predictions, for two texts."""
    return Reader(rng, T), torch.randint(11, (2, T + 1), generator=rng)


@rnn.check("truncated_bptt", points=0.25)
def every_token_but_the_first_is_predicted_once(truncated_bptt, rng):
    """The model reads all tokens but the last, in chunks; the first comes without a state, the others with one."""
    model, tokens = a_long_text(rng)
    losses = list(truncated_bptt(model, tokens, 4))
    return {"calls": model.calls, "losses": losses}


@rnn.check("truncated_bptt", points=0.25, invariant=True)
def the_seams_do_not_show_in_the_loss(truncated_bptt, rng):
    """The state goes on, so the mean loss over all tokens is the same whatever the length of a chunk."""
    model, tokens = a_long_text(rng)

    def mean_loss(chunk_length: int) -> Tensor:
        model.at = 0
        losses = torch.stack(list(truncated_bptt(model, tokens, chunk_length)))
        lengths = [float(len(chunk)) for chunk in torch.arange(10).split(chunk_length)]
        return torch.dot(losses.float(), torch.tensor(lengths)) / 10

    whole = torch.stack([mean_loss(10), mean_loss(50), torch.zeros(())])
    return {"before": whole, "after": torch.stack([mean_loss(3), mean_loss(1), torch.zeros(())])}


@rnn.check("truncated_bptt", points=0.5)
def the_gradient_ends_at_the_seam(truncated_bptt, rng):
    """The loss of a chunk goes back to the positions of its own chunk, all of them, and to no earlier one."""
    model, tokens = a_long_text(rng)
    return [torch.autograd.grad(loss, model.added, retain_graph=True)[0] for loss in truncated_bptt(model, tokens, 4)]


@rnn.check("truncated_bptt", points=0.25)
def gradients_of_the_chunks_add_up(truncated_bptt, rng):
    """`backward` after every chunk leaves the sum of the chunks' gradients in the weights, and needs no older graph."""
    model, tokens = a_long_text(rng)
    for loss in truncated_bptt(model, tokens, 3):
        loss.backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


@rnn.check("truncated_bptt", points=0.25)
def weights_may_change_between_chunks(truncated_bptt, rng):
    """A chunk is read when its loss is asked for, with the weights as they are by then."""
    model, tokens = a_long_text(rng)
    losses = []
    for loss in truncated_bptt(model, tokens, 4):
        losses.append(loss)
        with torch.no_grad():
            model.output.weight.mul_(-1)
    return losses


@rnn.mistake(
    "truncated_bptt",
    hint="A loss goes back through all chunks before it. What has to happen to the state at the seam?",
)
def does_not_cut_the_state_off(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, hand_on=lambda state: state)


@rnn.mistake(
    "truncated_bptt",
    hint="Every chunk begins as if it were a new text. What should the model know when it begins the second?",
)
def starts_each_chunk_without_a_state(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, hand_on=lambda state: None)


@rnn.mistake(
    "truncated_bptt",
    hint="The first token of each chunk is never predicted. Do you cut the text first and pair the tokens then, or the "
    "other way round?",
)
def loses_the_pair_at_the_seam(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return ((part[:, :-1], part[:, 1:]) for part in tokens.split(chunk_length, dim=1) if part.size(1) > 1)

    return walk(model, tokens, chunk_length, chunks=chunks)


@rnn.mistake(
    "truncated_bptt",
    hint="What is left at the end, too short for a whole chunk, is not read. May the last chunk be shorter?",
)
def drops_the_last_short_chunk(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return (pair for pair in in_chunks(tokens, chunk_length) if pair[0].size(1) == chunk_length)

    return walk(model, tokens, chunk_length, chunks=chunks)


@rnn.mistake(
    "truncated_bptt",
    hint="Your targets are the inputs themselves. Which token is to be predicted at position t?",
)
def predicts_the_token_it_reads(model, tokens, chunk_length):
    def chunks(tokens, chunk_length):
        return ((inputs, inputs) for inputs, _ in in_chunks(tokens, chunk_length))

    return walk(model, tokens, chunk_length, chunks=chunks)


@rnn.mistake(
    "truncated_bptt",
    hint="A chunk of twice the length has twice the loss. Is the loss of a chunk a sum or a mean?",
)
def sums_the_loss(model, tokens, chunk_length):
    return walk(model, tokens, chunk_length, reduction="sum")


@rnn.mistake(
    "truncated_bptt",
    hint="You read the whole text before you give out the first loss. Which word of Python gives out one value, and "
    "goes on when the next is asked for?",
)
def reads_all_chunks_at_once(model, tokens, chunk_length):
    return list(walk(model, tokens, chunk_length))


@rnn.mistake(
    "truncated_bptt",
    hint="Only the last token of each chunk is predicted. Does a model not learn from every position?",
)
def predicts_the_last_token_of_each_chunk(model, tokens, chunk_length):
    state = None
    for inputs, targets in in_chunks(tokens, chunk_length):
        logits, state = model(inputs, state)
        yield F.cross_entropy(logits[:, -1], targets[:, -1])
        state = detached(state)
