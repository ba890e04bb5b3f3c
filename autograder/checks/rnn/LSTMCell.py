"""`LSTMCell`: an open forget gate keeps the memory, a shut output gate hides it; then the numbers of `nn.LSTMCell`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.rnn.shared import read, seeded_weights, with_gates, with_weights

exercise = Exercise("LSTMCell")


def memory_and_state(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    return normal(rng, 2, 5), normal(rng, 2, 5)


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


@exercise.check(points=0.25)
def an_open_forget_gate_keeps_the_memory(LSTMCell, rng):
    """With the forget gate open and the input gate shut, the memory is after 20 words what it was; shut, it is gone."""
    weights, x, state = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 20, 3), memory_and_state(rng)
    kept, gone = (
        read(with_weights(LSTMCell, with_gates(weights, i=(0, -100.0), f=(1, forget))), x, state)
        for forget in (100.0, -100.0)
    )
    return {"kept: h, c": kept, "gone: h, c": gone}


@exercise.check(points=0.25)
def a_shut_output_gate_hides_the_memory(LSTMCell, rng):
    """With the output gate shut, h is zero and the memory goes on; with it open, h is the tanh of the memory."""
    weights, x, state = seeded_weights(nn.LSTMCell(3, 5), rng), normal(rng, 2, 3), memory_and_state(rng)
    shut, opened = (with_weights(LSTMCell, with_gates(weights, o=(3, gate)))(x, state) for gate in (-100.0, 100.0))
    return {"shut: h, c": shut, "open: h, c": opened}


@exercise.check(points=0.25, invariant=True)
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


@exercise.check(points=0.5)
def the_numbers_of_pytorchs_lstm(LSTMCell, rng):
    """With the weights of an `nn.LSTMCell`, the new h and c are its own."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    h, c = cell(normal(rng, 2, 3), memory_and_state(rng))
    return {"h": h, "c": c}


@exercise.check(points=0.5)
def the_lstm_learns(LSTMCell, rng):
    """Over five words the gradient reaches every input, the first h and c, and all weights; the arguments stay."""
    cell = with_weights(LSTMCell, seeded_weights(nn.LSTMCell(3, 5), rng))
    leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5), "c": normal(rng, 2, 5)}
    x, h, c = (leaf.requires_grad_() for leaf in leaves.values())
    after = torch.cat(read(cell, x, (h, c)), dim=-1)
    return {**gradients(after, leaves | dict(cell.named_parameters()), rng), "c afterwards": c}


@exercise.mistake(hint="Candidate and output gate are taken for each other. In which order do the four blocks stand?")
class takes_the_blocks_as_i_f_o_g(FourGates):
    order = "i f o g"


@exercise.mistake(hint="Input and forget gate are taken for each other. In which order do the four blocks stand?")
class takes_the_blocks_as_f_i_g_o(FourGates):
    order = "f i g o"


@exercise.mistake(hint="Your memory only grows, as in 1997. Which gate decides how much of the old memory stays?")
class has_no_forget_gate(FourGates):
    def keep(self, c, f, i, g):
        return c + torch.sigmoid(i) * g


@exercise.mistake(
    hint="Your h is the memory itself times the output gate. What squeezes the memory before it is shown?"
)
class shows_the_memory_without_tanh(FourGates):
    shown = staticmethod(lambda c: c)


@exercise.mistake(
    hint="Your candidate is never negative, so nothing can be subtracted from the memory. Is the candidate a gate?"
)
class squeezes_the_candidate_like_a_gate(FourGates):
    squeeze = staticmethod(torch.sigmoid)


@exercise.mistake(
    hint="The two gates of your memory share one number: what is not forgotten cannot be written. Do input and forget "
    "gate not have a block each?"
)
class couples_input_and_forget_gate(FourGates):
    def keep(self, c, f, i, g):
        return torch.sigmoid(f) * c + (1 - torch.sigmoid(f)) * g


@exercise.mistake(hint="There are two biases, one beside each matrix. Where does `bias_hh` come in?")
class uses_one_bias_only(FourGates):
    def gates(self, x, h):
        return F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh)


@exercise.mistake(hint="Your gates look at the input alone. Which second matrix do they have?")
class gates_do_not_see_the_state(FourGates):
    def gates(self, x, h):
        return F.linear(x, self.weight_ih, self.bias_ih) + self.bias_hh


@exercise.mistake(hint="You return memory and state in the wrong order. Which of the two comes first?")
class returns_the_memory_first(FourGates):
    def forward(self, x, state=None):
        h, c = super().forward(x, state)
        return c, h


exercise.given(nn.LSTMCell)
