"""`LSTMCell`: an open forget gate keeps the memory, a shut output gate hides it; then the numbers of `nn.LSTMCell`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, mistake, mistakes, normal
from autograder.checks.rnn.shared import (
    again_and_again,
    gradients_of_frozen,
    in_double_precision,
    read,
    seeded_weights,
    with_gates,
    with_weights,
)

exercise = Exercise("LSTMCell")


def memory_and_state(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return normal(rng, 2, 5), normal(rng, 2, 5)


class FourGates(nn.RNNCellBase):
    """An LSTM cell with its parts to override, so that one of them can be wrong."""

    order = "i f g o"

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def zeros(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return 2 * (x.new_zeros(x.size(0), self.hidden_size),)

    def gates(self, x: Tensor, h: Tensor) -> Tensor:
        return F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)

    def blocks(self, gates: Tensor) -> tuple[Tensor, ...]:
        return gates.chunk(4, dim=-1)

    def keep(self, c: Tensor, i: Tensor, f: Tensor, g: Tensor) -> Tensor:
        return torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)

    def show(self, o: Tensor, new: Tensor, old: Tensor) -> Tensor:
        return torch.sigmoid(o) * torch.tanh(new)

    def give(self, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        return h, c

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self.zeros(x) if state is None else state
        gate = dict(zip(self.order.split(), self.blocks(self.gates(x, h))))
        new = self.keep(c, gate["i"], gate["f"], gate["g"])
        return self.give(self.show(gate["o"], new, c), new)


@exercise.promise("a memory c that is kept", broken_by="clips_the_memory")
@exercise.promise(r"the forget gate $f$ what to keep", broken_by="has_no_forget_gate")
@exercise.check(points=0.25)
def an_open_forget_gate_keeps_the_memory(LSTMCell, rng):
    """With the forget gate open and the input gate shut, the memory is after 20 words what it was; shut, it is gone."""
    weights, x, (h, c) = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 20, 3), memory_and_state(rng)
    first = x[:, :1]
    kept, gone, large, large_and_gone = (
        read(with_weights(LSTMCell, with_gates(weights, i=(0, -100.0), f=(1, forget))), text, (h, memory))
        for forget, text, memory in ((100.0, x, c), (-100.0, x, c), (100.0, first, 1e6 * c), (-100.0, first, 1e15 * c))
    )
    seen = {"kept: h, c": kept, "gone: h, c": gone}
    return seen | {"kept, and large: h, c": large, "large, and gone: h, c": large_and_gone}


@exercise.promise(r"the output gate $o$ what to show", broken_by="shows_the_memory_without_tanh")
@exercise.promise("a state h that is shown", broken_by="shows_the_old_memory")
@exercise.check(points=0.25)
def a_shut_output_gate_hides_the_memory(LSTMCell, rng):
    """With the output gate shut, h is zero and the memory goes on; with it open, h is the tanh of the memory."""
    weights, x, state = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 3), memory_and_state(rng)
    shut, opened = (with_weights(LSTMCell, with_gates(weights, o=(3, gate)))(x, state) for gate in (-100.0, 100.0))
    return {"shut: h, c": shut, "open: h, c": opened}


@exercise.promise("None for zeros", broken_by="goes_on_from_the_last_call")
@exercise.check(points=0.25, invariant=True)
def it_starts_from_zeros(LSTMCell, rng):
    """No state is a state of zeros; texts read together get what each gets alone."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    x, (h, c) = normal(rng, 2, 3), memory_and_state(rng)
    alone = [torch.cat(parts) for parts in zip(*(cell(x[b : b + 1], (h[b : b + 1], c[b : b + 1])) for b in (0, 1)))]
    together = list(cell(x, (h, c)))
    return {
        "before": [*cell(x), *cell(x, None), *together],
        "after": 2 * [*cell(x, (torch.zeros(2, 5), torch.zeros(2, 5)))] + alone,
        "must differ": [cell(x)[0], cell(x, (h, torch.zeros(2, 5)))[0]],
        "change": "zeros were given for no state, or each text alone",
    }


@exercise.promise("each a stack of four blocks of d_state rows", broken_by="reads_the_rows_unit_by_unit")
@exercise.promise("input gate, forget gate, candidate, output gate", broken_by="takes_the_blocks_as_i_f_o_g")
@exercise.promise(r"+ b_\text{ih} + h_{t-1}\, W_\text{hh}^\top + b_\text{hh}", broken_by="uses_one_bias_only")
@exercise.promise(r"f = \sigma(\hat f)", broken_by="opens_the_forget_gate_by_one")
@exercise.promise(r"g = \tanh(\hat g)", broken_by="squeezes_the_candidate_like_a_gate")
@exercise.promise(r"c_t = f \odot c_{t-1} + i \odot g", broken_by="couples_input_and_forget_gate")
@exercise.promise("the next (h, c), a tuple", broken_by="returns_a_list")
@exercise.promise("-> the next (h, c)", broken_by="returns_the_memory_first")
@exercise.promise("x (B, d_input), state a tuple of h and c, both (B, d_state)", broken_by="loses_dimensions_of_one")
@exercise.check(points=0.5)
def the_numbers_of_pytorchs_lstm(LSTMCell, rng):
    """With the weights of an `nn.LSTMCell`, new h and c are its own, in a tuple, whatever sizes and mode."""
    seen = {}
    for B, d_input, d_state in ((2, 3, 5), (1, 3, 5), (4, 1, 1), (3, 2, 2)):
        weights = seeded_weights(nn.LSTMCell(d_input, d_state), rng)
        cell = with_weights(LSTMCell, weights, d_input, d_state).train(B != 3)
        after = cell(normal(rng, B, d_input), (2 * normal(rng, B, d_state), 3 * normal(rng, B, d_state)))
        h, c = after
        seen[f"of {B} texts, {d_input} input and {d_state} state numbers"] = {"h": h, "c": c}
    return seen | {"is a tuple": isinstance(after, tuple)}


@exercise.promise("A gradient reaches x, h, c and all weights", broken_by="cuts_the_memory_off")
@exercise.promise("in evaluation mode too", broken_by="learns_in_training_mode_only")
@exercise.promise("and is finite however large the gates' numbers.", broken_by="writes_the_sigmoid_by_hand")
@exercise.promise("It is made with the weights as they are at the call.", broken_by="joins_the_weights_once")
@exercise.promise("The result is of the type of x.", broken_by="computes_in_float32")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_the_old_memory")
@exercise.check(points=0.5)
def the_lstm_learns(LSTMCell, rng):
    """Over five words the gradient reaches every input, the first h and c, and all weights; the arguments stay.

    So it does in evaluation mode, and where gates are shut by far; and call after call is right without gradients too,
    with other weights as well, and in float64.
    """
    weights, seen = seeded_weights(nn.LSTMCell(3, 5), rng), {}
    held = {
        "from a state on": weights,
        "from no state on": weights,
        "gates shut": with_gates(weights, i=(0, -100.0), f=(1, -100.0), o=(3, -100.0)),
        "gates open": with_gates(weights, i=(0, 100.0), f=(1, 100.0), g=(2, -100.0)),
    }
    for words, given in held.items():
        cell = with_weights(LSTMCell, given)
        for mode in ("in training mode", "in evaluation mode"):
            cell.train(mode == "in training mode").zero_grad()
            leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5), "c": normal(rng, 2, 5)}
            x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
            after = torch.cat(list(read(cell, x, (h, c) if words != "from no state on" else None)), dim=-1)
            found = gradients(after, leaves | dict(cell.named_parameters()), rng)
            seen[f"{words}, {mode}"] = {name: None if grad is None else grad.clone() for name, grad in found.items()}
    seen["all weights frozen"] = gradients_of_frozen(LSTMCell, nn.LSTMCell(3, 5), rng)
    seen |= again_and_again(LSTMCell, nn.LSTMCell(3, 5), rng) | in_double_precision(LSTMCell, nn.LSTMCell(3, 5), rng)
    return seen | {"c afterwards": c}


mistakes(
    exercise,
    FourGates,
    takes_the_blocks_as_i_f_o_g=mistake(
        "Candidate and output gate are taken for each other. In which order do the four blocks stand?",
        order="i f o g",
    ),
    takes_the_blocks_as_f_i_g_o=mistake(
        "Input and forget gate are taken for each other. In which order do the four blocks stand?", order="f i g o"
    ),
    reads_the_rows_unit_by_unit=mistake(
        "You take the four rows of a unit from four neighbours. Which rows belong to the first of the four blocks?",
        blocks=lambda self, gates: gates.unflatten(-1, (-1, 4)).unbind(-1),
    ),
    has_no_forget_gate=mistake(
        "Your memory only grows, as in 1997. Which gate decides how much of the old memory stays?",
        keep=lambda self, c, i, f, g: c + torch.sigmoid(i) * torch.tanh(g),
    ),
    opens_the_forget_gate_by_one=mistake(
        "Your forget gate stands further open than its block says. What do you add before its sigmoid?",
        keep=lambda self, c, i, f, g: torch.sigmoid(f + 1) * c + torch.sigmoid(i) * torch.tanh(g),
    ),
    shows_the_memory_without_tanh=mistake(
        "Your h is the memory itself times the output gate. What squeezes the memory before it is shown?",
        show=lambda self, o, new, old: torch.sigmoid(o) * new,
    ),
    shows_the_old_memory=mistake(
        "Your h is made of the memory before this step. Which c stands in the formula of h at t?",
        show=lambda self, o, new, old: torch.sigmoid(o) * torch.tanh(old),
    ),
    squeezes_the_candidate_like_a_gate=mistake(
        "Your candidate is never negative, so nothing can be subtracted from the memory. Is the candidate a gate?",
        keep=lambda self, c, i, f, g: torch.sigmoid(f) * c + torch.sigmoid(i) * torch.sigmoid(g),
    ),
    leaves_the_candidate_unsqueezed=mistake(
        "Your candidate can be larger than one. What squeezes it before it is written?",
        keep=lambda self, c, i, f, g: torch.sigmoid(f) * c + torch.sigmoid(i) * g,
    ),
    couples_input_and_forget_gate=mistake(
        "The two gates of your memory share one number: what is not forgotten cannot be written. Do input and forget "
        "gate not have a block each?",
        keep=lambda self, c, i, f, g: torch.sigmoid(f) * c + (1 - torch.sigmoid(f)) * torch.tanh(g),
    ),
    clips_the_memory=mistake(
        "A memory beyond some size is clipped. Is there a bound in the formula of c?",
        keep=lambda self, c, i, f, g: FourGates.keep(self, c, i, f, g).clamp(-20.0, 20.0),
    ),
    cuts_the_memory_off=mistake(
        "The numbers are right, but along the memory no gradient goes back. What was the inner state made for?",
        keep=lambda self, c, i, f, g: FourGates.keep(self, c.detach(), i, f, g),
    ),
    writes_the_sigmoid_by_hand=mistake(
        "Where a gate is far below zero your gradient is nan. What is e to the power of 100 in float32, and which "
        "function of PyTorch's knows how to do without it?",
        keep=lambda self, c, i, f, g: by_hand(f) * c + by_hand(i) * torch.tanh(g),
        show=lambda self, o, new, old: by_hand(o) * torch.tanh(new),
    ),
    learns_in_training_mode_only=mistake(
        "In evaluation mode no gradient goes back. Does the mode say whether one is asked for?",
        give=lambda self, h, c: (h, c) if self.training else (h.detach(), c.detach()),
    ),
    computes_in_float32=mistake(
        "In float64 your result is as coarse as float32. Of which type is x?",
        give=lambda self, h, c: (h.float(), c.float()),
    ),
    uses_one_bias_only=mistake(
        "There are two biases, one beside each matrix. Where does `bias_hh` come in?",
        gates=lambda self, x, h: F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh),
    ),
    gates_do_not_see_the_state=mistake(
        "Your gates look at the input alone. Which second matrix do they have?",
        gates=lambda self, x, h: F.linear(x, self.weight_ih, self.bias_ih) + self.bias_hh,
    ),
    returns_the_memory_first=mistake(
        "You return memory and state in the wrong order. Which of the two comes first?", give=lambda self, h, c: (c, h)
    ),
    returns_a_list=mistake(
        "You return a list, and a scan takes only a tuple for a state of two parts. Which brackets make a tuple?",
        give=lambda self, h, c: [h, c],
    ),
    loses_dimensions_of_one=mistake(
        "With one text your h has a dimension less. Which call takes it away?",
        give=lambda self, h, c: (h.squeeze(), c.squeeze()),
    ),
)


@exercise.mistake(hint="With no state given, your cell begins where its last call ended. What does None stand for?")
class goes_on_from_the_last_call(FourGates):
    def zeros(self, x):
        last = getattr(self, "last", None)
        return last if last and len(last[0]) == len(x) else super().zeros(x)

    def give(self, h, c):
        self.last = h.detach(), c.detach()
        return h, c


def by_hand(a: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-a))


@exercise.mistake(hint="Other weights change nothing after the first call. What do you keep from then?")
class joins_the_weights_once(FourGates):
    def gates(self, x, h):
        weights = torch.cat([self.weight_ih, self.weight_hh], dim=1), self.bias_ih + self.bias_hh
        return F.linear(torch.cat([x, h], dim=1), *self.__dict__.setdefault("joined", weights))


@exercise.mistake(hint="After a step the caller's c holds the new memory. May the caller still need the old one?")
class writes_into_the_old_memory(FourGates):
    def forward(self, x, state=None):
        h, c = super().forward(x, state)
        if state is not None:
            state[1].data.copy_(c)
        return h, c


exercise.given(nn.LSTMCell)

exercise.edges(
    empty="A batch is of one text at least.",
    one="the_numbers_of_pytorchs_lstm",
    equal="Nothing is compared or divided by a spread.",
    zero="it_starts_from_zeros",
    ties="Nothing is chosen.",
    large="an_open_forget_gate_keeps_the_memory",
    small="a_shut_output_gate_hides_the_memory",
    limit="There is no limit.",
    shapes="the_numbers_of_pytorchs_lstm",
    modes="the_numbers_of_pytorchs_lstm",
    gradients="Every call's arguments are compared, with their gradients.",
    inputs="the_lstm_learns",
)
