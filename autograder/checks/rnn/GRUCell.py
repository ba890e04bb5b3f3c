"""`GRUCell`: an open update gate keeps the state, a shut reset gate hides it; then the numbers of `nn.GRUCell`."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.rnn.shared import read, seeded_weights, with_gates, with_weights

exercise = Exercise("GRUCell")


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


@exercise.check(points=0.25)
def an_open_update_gate_keeps_the_state(GRUCell, rng):
    """With the update gate at one, the state is after 20 words what it was; at zero, it is the candidate alone."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 20, 3), normal(rng, 2, 5)
    kept, replaced = (read(with_weights(GRUCell, with_gates(weights, z=(1, gate))), x, h) for gate in (100.0, -100.0))
    return {"kept": kept, "replaced": replaced}


@exercise.check(points=0.25, invariant=True)
def a_shut_reset_gate_hides_the_state(GRUCell, rng):
    """With reset and update gate at zero, the new state does not depend on the old; with the reset at one it does."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 3), normal(rng, 2, 5)
    shut, opened = (with_weights(GRUCell, with_gates(weights, r=(0, gate), z=(1, -100.0))) for gate in (-100.0, 100.0))
    return {"before": shut(x, h), "after": shut(x, -h), "must differ": [opened(x, h), opened(x, -h)]}


@exercise.check(points=0.25, invariant=True)
def no_state_is_zeros(GRUCell, rng):
    """No state is a state of zeros; texts read together get what each gets alone."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    x, h = normal(rng, 2, 3), normal(rng, 2, 5)
    return {
        "before": [cell(x), cell(x, h)],
        "after": [cell(x, torch.zeros(2, 5)), torch.cat([cell(x[:1], h[:1]), cell(x[1:], h[1:])])],
        "must differ": [cell(x), cell(x, h)],
    }


@exercise.check(points=0.5)
def the_numbers_of_pytorchs_gru(GRUCell, rng):
    """With the weights of an `nn.GRUCell`, the new state is its own."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    return cell(normal(rng, 2, 3), normal(rng, 2, 5))


@exercise.check(points=0.25)
def the_gru_learns(GRUCell, rng):
    """Over five words the gradient reaches every input, the first state and all weights; the arguments stay."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5)}
    x, h = (leaf.requires_grad_() for leaf in leaves.values())
    after = read(cell, x, h)
    return {**gradients(after, leaves | dict(cell.named_parameters()), rng), "h afterwards": h}


@exercise.mistake(
    hint="Where the update gate is one, you take the candidate. Many texts write it so; which of the two does the "
    "formula here keep?"
)
class turns_the_update_gate_round(ThreeGates):
    def mix(self, z, n, h):
        return z * n + (1 - z) * h


@exercise.mistake(
    hint="You multiply the state by the reset gate before its weights, as in the paper of 2014. Where does PyTorch's "
    "form multiply?"
)
class resets_before_the_weights(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        rows = slice(2 * self.hidden_size, None)
        return torch.tanh(of_x + F.linear(r * h, self.weight_hh[rows], self.bias_hh[rows]))


@exercise.mistake(
    hint="The reset gate leaves out the bias beside the weights of the state. Does it multiply the whole that the old "
    "state gives to the candidate?"
)
class leaves_the_bias_outside_the_reset(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        bias = self.bias_hh[2 * self.hidden_size :]
        return torch.tanh(of_x + r * (of_h - bias) + bias)


@exercise.mistake(hint="Reset and update gate are taken for each other. In which order do the three blocks stand?")
class takes_the_blocks_as_z_r_n(ThreeGates):
    order = "z r n"


@exercise.mistake(hint="The old state reaches your candidate whatever the reset gate says. Where do you use it?")
class ignores_the_reset_gate(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        return torch.tanh(of_x + of_h)


@exercise.mistake(
    hint="You add the candidate in full, so old and new together can be more than one. What share is left for the "
    "candidate where z of the state is kept?"
)
class adds_the_candidate_in_full(ThreeGates):
    def mix(self, z, n, h):
        return n + z * h


@exercise.mistake(hint="Your candidate is never negative. Is it a gate?")
class squeezes_the_candidate_with_a_sigmoid(ThreeGates):
    def candidate(self, of_x, of_h, r, h):
        return torch.sigmoid(of_x + r * of_h)


exercise.given(nn.GRUCell)
