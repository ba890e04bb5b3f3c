"""`GRUCell`: an open update gate keeps the state, a shut reset gate hides it; then the numbers of `nn.GRUCell`."""

from typing import Any

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

exercise = Exercise("GRUCell")


class ThreeGates(nn.RNNCellBase):
    """A GRU cell with its parts to override, so that one of them can be wrong."""

    order = "r z n"

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    squeeze = staticmethod(torch.sigmoid)

    def cut(self, from_one: Tensor) -> tuple[Tensor, ...]:
        return from_one.chunk(3, dim=-1)

    def blocks(self, from_one: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.order.split(), self.cut(from_one)))

    def zeros(self, x: Tensor) -> Tensor:
        return x.new_zeros(x.size(0), self.hidden_size)

    def candidate(self, of_x: Tensor, of_h: Tensor, r: Tensor, h: Tensor) -> Tensor:
        return torch.tanh(of_x + r * of_h)

    def mix(self, z: Tensor, n: Tensor, h: Tensor) -> Tensor:
        return (1 - z) * n + z * h

    def give(self, new: Tensor) -> Any:
        return new

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = self.zeros(x) if state is None else state
        of_x = self.blocks(F.linear(x, self.weight_ih, self.bias_ih))
        of_h = self.blocks(F.linear(h, self.weight_hh, self.bias_hh))
        r, z = (self.squeeze(of_x[gate] + of_h[gate]) for gate in "rz")
        return self.give(self.mix(z, self.candidate(of_x["n"], of_h["n"], r, h), h))


@exercise.promise("The update gate z says how much of the old state is kept.", broken_by="turns_the_update_gate_round")
@exercise.promise("$z$ is what is *kept*", broken_by="clamps_the_state")
@exercise.check(points=0.25)
def an_open_update_gate_keeps_the_state(GRUCell, rng):
    """With the update gate at one, the state is after 20 words what it was; at zero, it is the candidate alone."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 20, 3), normal(rng, 2, 5)
    kept, replaced, large = (
        read(with_weights(GRUCell, with_gates(weights, z=(1, gate))), text, state)
        for gate, text, state in ((100.0, x, h), (-100.0, x, h), (100.0, x[:, :1], 1e6 * h))
    )
    in_float64 = with_weights(GRUCell, with_gates(weights, z=(1, -100.0))).double()
    gone = in_float64(x[:, 0].double(), 1e10 * h.double())
    return {"kept": kept, "replaced": replaced, "kept, and large": large, "replaced, and large": gone}


@exercise.promise(
    "The reset gate multiplies what the old state gives to the candidate", broken_by="ignores_the_reset_gate"
)
@exercise.check(points=0.25, invariant=True)
def a_shut_reset_gate_hides_the_state(GRUCell, rng):
    """With reset and update gate at zero, the new state does not depend on the old; with the reset at one it does."""
    weights, x, h = seeded_weights(nn.GRUCell(3, 5), rng), normal(rng, 2, 3), normal(rng, 2, 5)
    shut, opened = (with_weights(GRUCell, with_gates(weights, r=(0, gate), z=(1, -100.0))) for gate in (-100.0, 100.0))
    return {
        "before": shut(x, h),
        "after": shut(x, -h),
        "must differ": [opened(x, h), opened(x, -h)],
        "change": "the old state was negated",
    }


@exercise.promise("None for zeros", broken_by="leaves_the_weights_of_no_state_out")
@exercise.check(points=0.25, invariant=True)
def no_state_is_zeros(GRUCell, rng):
    """No state is a state of zeros; texts read together get what each gets alone."""
    cell = with_weights(GRUCell, seeded_weights(nn.GRUCell(3, 5), rng))
    x, h = normal(rng, 2, 3), normal(rng, 2, 5)
    return {
        "before": [cell(x), cell(x, None), cell(x, h)],
        "after": 2 * [cell(x, torch.zeros(2, 5))] + [torch.cat([cell(x[:1], h[:1]), cell(x[1:], h[1:])])],
        "must differ": [cell(x), cell(x, h)],
        "change": "zeros were given for no state, or each text alone",
    }


@exercise.promise("each a stack of three blocks of d_state rows", broken_by="reads_the_rows_unit_by_unit")
@exercise.promise("reset gate, update gate, candidate.", broken_by="takes_the_blocks_as_z_r_n")
@exercise.promise("the next state is a mixture of the old one and a candidate", broken_by="adds_the_candidate_in_full")
@exercise.promise(r"n = \tanh(n^x + r \odot n^h)", broken_by="squeezes_the_candidate_with_a_sigmoid")
@exercise.promise("*after* the weights", broken_by="resets_before_the_weights")
@exercise.promise("and bias_hh, as in PyTorch", broken_by="leaves_the_bias_outside_the_reset")
@exercise.promise("forward(x, state=None) -> h ", broken_by="returns_the_state_twice")
@exercise.promise("None for zeros -> (B, d_state).", broken_by="loses_dimensions_of_one")
@exercise.check(points=0.5)
def the_numbers_of_pytorchs_gru(GRUCell, rng):
    """With the weights of an `nn.GRUCell`, the new state is its own, whatever the sizes and the mode."""
    seen = {}
    for B, d_input, d_state in ((2, 3, 5), (1, 3, 5), (4, 1, 1), (3, 2, 2)):
        weights = seeded_weights(nn.GRUCell(d_input, d_state), rng)
        cell = with_weights(GRUCell, weights, d_input, d_state).train(B != 3)
        words = f"of {B} texts, {d_input} input and {d_state} state numbers"
        seen[words] = cell(normal(rng, B, d_input), 2 * normal(rng, B, d_state))
    return seen


@exercise.promise("A gradient reaches x, the old state and all weights", broken_by="keeps_without_a_gradient")
@exercise.promise("in evaluation mode too", broken_by="learns_in_training_mode_only")
@exercise.promise("and is finite however large the gates' numbers.", broken_by="writes_the_sigmoid_by_hand")
@exercise.promise("It is made with the weights as they are at the call.", broken_by="joins_the_weights_once")
@exercise.promise("The result is of the type of x.", broken_by="computes_in_float32")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_the_old_state")
@exercise.check(points=0.25)
def the_gru_learns(GRUCell, rng):
    """Over five words the gradient reaches every input, the first state and all weights; the arguments stay.

    So it does in evaluation mode, and where gates are shut by far; and call after call is right without gradients too,
    with other weights as well, and in float64.
    """
    weights, seen = seeded_weights(nn.GRUCell(3, 5), rng), {}
    held = {
        "from a state on": weights,
        "from no state on": weights,
        "gates shut": with_gates(weights, r=(0, -100.0), z=(1, -100.0)),
        "gates open": with_gates(weights, r=(0, 100.0), n=(2, -100.0)),
    }
    for words, given in held.items():
        cell = with_weights(GRUCell, given)
        for mode in ("in training mode", "in evaluation mode"):
            cell.train(mode == "in training mode").zero_grad()
            leaves = {"x": normal(rng, 2, 5, 3), "h": normal(rng, 2, 5)}
            x, h = (leaf.requires_grad_() for leaf in leaves.values())
            found = gradients(
                read(cell, x, h if words != "from no state on" else None), leaves | dict(cell.named_parameters()), rng
            )
            seen[f"{words}, {mode}"] = {name: None if grad is None else grad.clone() for name, grad in found.items()}
    seen["all weights frozen"] = gradients_of_frozen(GRUCell, nn.GRUCell(3, 5), rng)
    seen |= again_and_again(GRUCell, nn.GRUCell(3, 5), rng) | in_double_precision(GRUCell, nn.GRUCell(3, 5), rng)
    return seen | {"h afterwards": h}


mistakes(
    exercise,
    ThreeGates,
    turns_the_update_gate_round=mistake(
        "Where the update gate is one, you take the candidate. Many texts write it so; which of the two does the "
        "formula here keep?",
        mix=lambda self, z, n, h: z * n + (1 - z) * h,
    ),
    resets_before_the_weights=mistake(
        "You multiply the state by the reset gate before its weights, as in the paper of 2014. Where does PyTorch's "
        "form multiply?",
        candidate=lambda self, of_x, of_h, r, h: torch.tanh(of_x + F.linear(r * h, *self.last_rows())),
        last_rows=lambda self: (self.weight_hh[2 * self.hidden_size :], self.bias_hh[2 * self.hidden_size :]),
    ),
    leaves_the_bias_outside_the_reset=mistake(
        "The reset gate leaves out the bias beside the weights of the state. Does it multiply the whole that the old "
        "state gives to the candidate?",
        candidate=lambda self, of_x, of_h, r, h: torch.tanh(of_x + r * (of_h - self.last_bias()) + self.last_bias()),
        last_bias=lambda self: self.bias_hh[2 * self.hidden_size :],
    ),
    takes_the_blocks_as_z_r_n=mistake(
        "Reset and update gate are taken for each other. In which order do the three blocks stand?", order="z r n"
    ),
    reads_the_rows_unit_by_unit=mistake(
        "You take the three rows of a unit from three neighbours. Which rows belong to the first of the three blocks?",
        cut=lambda self, from_one: from_one.unflatten(-1, (-1, 3)).unbind(-1),
    ),
    ignores_the_reset_gate=mistake(
        "The old state reaches your candidate whatever the reset gate says. Where do you use it?",
        candidate=lambda self, of_x, of_h, r, h: torch.tanh(of_x + of_h),
    ),
    adds_the_candidate_in_full=mistake(
        "You add the candidate in full, so old and new together can be more than one. What share is left for the "
        "candidate where z of the state is kept?",
        mix=lambda self, z, n, h: n + z * h,
    ),
    squeezes_the_candidate_with_a_sigmoid=mistake(
        "Your candidate is never negative. Is it a gate?",
        candidate=lambda self, of_x, of_h, r, h: torch.sigmoid(of_x + r * of_h),
    ),
    clamps_the_state=mistake(
        "A state beyond some size is cut down. Does the formula know a bound for the state that is kept?",
        give=lambda self, new: new.clamp(-20.0, 20.0),
    ),
    keeps_without_a_gradient=mistake(
        "The numbers are right, but no gradient goes straight back to the state that is kept. What cuts it off?",
        mix=lambda self, z, n, h: (1 - z) * n + z * h.detach(),
    ),
    writes_the_sigmoid_by_hand=mistake(
        "Where a gate is far below zero your gradient is nan. What is e to the power of 100 in float32, and which "
        "function of PyTorch's knows how to do without it?",
        squeeze=staticmethod(lambda a: 1 / (1 + torch.exp(-a))),
    ),
    learns_in_training_mode_only=mistake(
        "In evaluation mode no gradient goes back. Does the mode say whether one is asked for?",
        give=lambda self, new: new if self.training else new.detach(),
    ),
    computes_in_float32=mistake(
        "In float64 your result is as coarse as float32. Of which type is x?", give=lambda self, new: new.float()
    ),
    returns_the_state_twice=mistake(
        "You return a pair. What does `forward` of this cell return, and how is that other than an LSTM's?",
        give=lambda self, new: (new, new),
    ),
    loses_dimensions_of_one=mistake(
        "With one text your state has a dimension less. Which call takes it away?",
        give=lambda self, new: new.squeeze(),
    ),
)


@exercise.mistake(hint="With no state given, something of the formula is left out. What do zeros leave of n^h?")
class leaves_the_weights_of_no_state_out(ThreeGates):
    def forward(self, x, state=None):
        if state is not None:
            return super().forward(x, state)
        of_x = self.blocks(F.linear(x, self.weight_ih, self.bias_ih))
        return self.mix(torch.sigmoid(of_x["z"]), torch.tanh(of_x["n"]), self.zeros(x))


@exercise.mistake(hint="With no state given, your cell begins where its last call ended. What does None stand for?")
class goes_on_from_the_last_call(ThreeGates):
    def zeros(self, x):
        last = getattr(self, "last", None)
        return super().zeros(x) if last is None or len(last) != len(x) else last

    def give(self, new):
        self.last = new.detach()
        return new


@exercise.mistake(hint="Other weights change nothing after the first call. What do you keep from then?")
class joins_the_weights_once(ThreeGates):
    def forward(self, x, state=None):
        if "kept" not in self.__dict__:
            self.__dict__["kept"] = [weight.detach().clone() for weight in self.parameters()]
        h, (weight_ih, weight_hh, bias_ih, bias_hh) = self.zeros(x) if state is None else state, self.kept
        of_x, of_h = self.blocks(F.linear(x, weight_ih, bias_ih)), self.blocks(F.linear(h, weight_hh, bias_hh))
        r, z = (torch.sigmoid(of_x[gate] + of_h[gate]) for gate in "rz")
        return self.mix(z, self.candidate(of_x["n"], of_h["n"], r, h), h)


@exercise.mistake(hint="After a step the caller's state holds the new one. May the caller still need the old one?")
class writes_into_the_old_state(ThreeGates):
    def forward(self, x, state=None):
        new = super().forward(x, state)
        if state is not None:
            state.data.copy_(new)
        return new


exercise.given(nn.GRUCell)

exercise.aside("in the paper it multiplies the state before them.", "A remark on another network than this one.")

exercise.edges(
    empty="A batch is of one text at least.",
    one="the_numbers_of_pytorchs_gru",
    equal="Nothing is compared or divided by a spread.",
    zero="no_state_is_zeros",
    ties="Nothing is chosen.",
    large="an_open_update_gate_keeps_the_state",
    small="a_shut_reset_gate_hides_the_state",
    limit="There is no limit.",
    shapes="the_numbers_of_pytorchs_gru",
    modes="the_numbers_of_pytorchs_gru",
    gradients="Every call's arguments are compared, with their gradients.",
    inputs="the_gru_learns",
)
