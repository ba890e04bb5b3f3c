"""`FeedForward`: no position sees another, the gate decides; then numbers and gradients."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.shared import seeded, with_weights

exercise = Exercise("FeedForward")


class Gated(nn.Module):
    """A feed-forward network with its parts to override, so that one of them can be wrong."""

    bend = staticmethod(F.silu)

    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate, self.w_up = (nn.Linear(d_model, d_hidden, bias=False) for _ in range(2))
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def hidden(self, gate: Tensor, up: Tensor) -> Tensor:
        return self.bend(gate) * up

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(self.hidden(self.w_gate(x), self.w_up(x)))


def feed_forward(FeedForward, rng: torch.Generator, **held: Tensor) -> nn.Module:
    """The learner's network, 6 wide and 10 inside, with random weights, some of them held at a value."""
    weights = seeded(Gated(6, 10), rng).state_dict()
    return with_weights(FeedForward(6, 10), weights | {f"{name}.weight": weight for name, weight in held.items()})


@exercise.check(points=0.25, invariant=True)
def no_position_sees_another(FeedForward, rng):
    """Another vector at one position of one text changes the result there, and nowhere else."""
    network, x = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6)
    other = x.clone()
    other[0, 2] = -x[0, 2]
    before, after = network(x), network(other)
    return {
        "before": [before[0, :2], before[0, 3:], before[1]],
        "after": [after[0, :2], after[0, 3:], after[1]],
        "must differ": [before[0, 2], after[0, 2]],
    }


@exercise.check(points=0.25)
def the_gate_decides(FeedForward, rng):
    """A gate far below zero lets nothing through; one of a hundred multiplies the other branch by a hundred."""
    x = normal(rng, 3, 6).abs() + 1
    first = torch.zeros(10, 6)
    first[:, 0] = 1.0
    shut, opened = (
        feed_forward(FeedForward, rng, w_gate=gate * first)(x / x[:, :1])  # so that each gate is this number
        for gate in (-100.0, 100.0)
    )
    return {"the gate at -100": shut, "the gate at 100": opened}


@exercise.check(points=0.25)
def numbers_and_gradients_of_the_network(FeedForward, rng):
    """The result is w_down of silu(w_gate of x) times w_up of x, and the gradient reaches x and all three."""
    network, x = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6).requires_grad_()
    result = network(x)
    return {"the result": result, **gradients(result, {"x": x} | dict(network.named_parameters()), rng)}


@exercise.mistake(hint="You bend the branch that should stay straight. Which of the two is the gate?")
class bends_the_wrong_branch(Gated):
    def hidden(self, gate, up):
        return gate * F.silu(up)


@exercise.mistake(hint="Your gate is bent by GELU, as in GPT-2. Which function has x · σ(x)?")
class bends_with_gelu(Gated):
    bend = staticmethod(F.gelu)


@exercise.mistake(hint="Your gate is bent by ReLU. What does silu do below zero?")
class bends_with_relu(Gated):
    bend = staticmethod(F.relu)


@exercise.mistake(hint="Your gate lies between 0 and 1, as in an LSTM. What else does silu multiply the sigmoid by?")
class bends_with_a_sigmoid(Gated):
    bend = staticmethod(torch.sigmoid)


@exercise.mistake(hint="Your gate is never used. Where does w_gate come in?")
class has_no_gate(Gated):
    def hidden(self, gate, up):
        return F.silu(up)


@exercise.mistake(hint="Your gate is not bent at all. What stands between w_gate and the product?")
class bends_nothing(Gated):
    def hidden(self, gate, up):
        return gate * up


@exercise.mistake(hint="You add the two branches. Can a sum shut anything off?")
class adds_the_branches(Gated):
    def hidden(self, gate, up):
        return F.silu(gate) + up


@exercise.mistake(hint="You bend the product of both. Which factor alone goes through silu?")
class bends_the_product(Gated):
    def hidden(self, gate, up):
        return F.silu(gate * up)


exercise.given(Gated)
