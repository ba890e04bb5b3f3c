"""`FeedForward`: no position sees another, the gate decides; then numbers and gradients."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import across
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.shared import from_call_to_call, seeded, with_weights

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


@exercise.promise("The same small network at every position", broken_by="has_one_gate_for_all_positions")
@exercise.check(points=0.125, invariant=True)
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
        "change": "the vector at position 2 of the first text was negated",
    }


@exercise.promise("half of it a gate for the other half", broken_by="has_no_gate")
@exercise.promise("far below zero it is 0: the gate can be shut", broken_by="bends_nothing")
@exercise.promise("For large $z$ the silu is $z$", broken_by="overflows_in_the_exponential")
@exercise.promise("Rounding shuts it, and no limit of yours", broken_by="shuts_at_minus_eight")
@exercise.promise("silu and its gradient are numbers", broken_by="its_gradient_is_no_number")
@exercise.promise("it has no upper end", broken_by="puts_a_lid_on_the_gate")
@exercise.check(points=0.125)
def the_gate_decides(FeedForward, rng):
    """A gate far below zero lets nothing through, one of a hundred multiplies by a hundred; so says the gradient."""
    first, seen = torch.zeros(10, 6), {}
    first[:, 0] = 1.0
    for gate in (-1e20, -1000.0, -100.0, -15.0, -12.0, -9.0, 0.0, 9.0, 30.0, 100.0, 10000.0):
        x = normal(rng, 3, 6).abs() + 1
        x = (x / x[:, :1]).requires_grad_()  # the first of each is 1
        network = feed_forward(FeedForward, rng, w_gate=gate * first, w_up=100 * normal(rng, 10, 6))
        result = network(x) / (100 * max(1.0, gate))  # so that all are of one size
        leaves = {"x": x, "w_up": network.w_up.weight, "w_gate": network.w_gate.weight}
        found = gradients(result, leaves, rng) if abs(gate + 12) > 5 else {}  # there handwritings differ by rounding
        seen[f"the gate at {gate:g}"] = result
        seen |= {f"{name}, the gate at {gate:g}": gradient for name, gradient in found.items()}
    return seen


@exercise.promise("The gate alone is bent", broken_by="bends_both_branches")
@exercise.promise("by silu(z) = z · σ(z)", broken_by="bends_with_a_sigmoid")
@exercise.promise("it is what w_gate gives", broken_by="bends_the_wrong_branch")
@exercise.promise("w_up gives the other half", broken_by="never_uses_w_up")
@exercise.promise("none with a bias", broken_by="has_biases")
@exercise.check(points=0.25)
def numbers_and_gradients_of_the_network(FeedForward, rng):
    """The result is w_down of silu(w_gate of x) times w_up of x, and the gradient reaches x and all three."""
    network, x = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6).requires_grad_()
    result = network(x)
    return {"the result": result, **gradients(result, {"x": x} | dict(network.named_parameters()), rng)}


@exercise.promise("Shapes: x (..., d_model) -> (..., d_model).", broken_by="loses_a_batch_of_one")
@exercise.promise("w_gate and w_up widen to d_hidden, w_down narrows", broken_by="always_widens_to_the_same_width")
@exercise.check(points=0.125)
def any_number_of_axes(FeedForward, rng):
    """One vector, a list of them, a batch of one text, four axes: the shape stays, in training and evaluation mode."""
    network, shapes = (
        feed_forward(FeedForward, rng),
        ((6,), (1, 6), (5, 6), (1, 1, 6), (1, 5, 6), (3, 1, 6), (2, 3, 4, 6)),
    )
    seen = {f"of shape {shape}": network(normal(rng, *shape)) for shape in shapes}
    seen["in evaluation mode"] = network.eval()(normal(rng, 2, 5, 6))
    rows = normal(rng, 2, 5, 12)
    seen["of two texts that change places with positions"] = network(across(rows[..., ::2]))
    seen["of one vector for all places"] = network(rows[:1, :1, 6:].expand(3, 4, 6))
    seen["of many vectors"] = network(normal(rng, 1030, 6))
    wide = with_weights(FeedForward(1030, 2), seeded(Gated(1030, 2), rng).state_dict())
    seen["of two wide vectors"] = wide(normal(rng, 2, 1030))
    for sizes in ((4, 3), (1, 2), (5, 5), (3, 7)):
        weights = seeded(Gated(*sizes), rng).state_dict()
        seen[f"d_model={sizes[0]}, d_hidden={sizes[1]}"] = with_weights(FeedForward(*sizes), weights)(
            normal(rng, 2, sizes[0])
        )
    narrow = FeedForward(4, 3)
    shapes_of_weights = {name: list(weight.shape) for name, weight in narrow.state_dict().items()}
    return seen | {f"the shape of {name} at d_model=4, d_hidden=3": shape for name, shape in shapes_of_weights.items()}


@exercise.promise("Each call stands by itself", broken_by="keeps_its_matrices_joined")
@exercise.check(points=0.125)
def the_network_from_call_to_call(FeedForward, rng):
    """In both modes, with gradients and without, x stays as it was, and the weights that are there now are used."""
    network, x, longer = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6), normal(rng, 3, 7, 6)
    seen = from_call_to_call(network, {"x": lambda it: it(x), "a longer x": lambda it: it(longer)}, rng)
    network, x = feed_forward(FeedForward, rng).eval(), x.requires_grad_()
    seen |= gradients(network(x), {"x": x} | dict(network.named_parameters()), rng)
    seen["in float64"] = network.double()(x.detach().double())
    return seen | {"the type in bfloat16": str(network.bfloat16()(x.detach().bfloat16()).dtype)}


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


@exercise.mistake(hint="You bend both branches. Which of the two is the gate, and what becomes of the other?")
class bends_both_branches(Gated):
    def hidden(self, gate, up):
        return F.silu(gate) * F.silu(up)


@exercise.mistake(hint="Your gate multiplies itself. Which of the three matrices is never used?")
class never_uses_w_up(Gated):
    def hidden(self, gate, up):
        return F.silu(gate) * gate


@exercise.mistake(hint="One position changes another. Over which axis do you take a mean, or a softmax?")
class has_one_gate_for_all_positions(Gated):
    def hidden(self, gate, up):
        return F.silu(gate.mean(dim=-2, keepdim=True) if gate.dim() > 1 else gate) * up


@exercise.mistake(hint="A large gate gives nan. How large is the exponential of a hundred in float32?")
class overflows_in_the_exponential(Gated):
    bend = staticmethod(lambda z: z * z.exp() / (1 + z.exp()))


@exercise.mistake(hint="Your gate never gets larger than some number. Does silu have an upper end?")
class puts_a_lid_on_the_gate(Gated):
    bend = staticmethod(lambda z: F.silu(z).clamp(max=20.0))


@exercise.mistake(hint="The numbers are right, and w_gate gets no gradient. Is the gate taken for a constant?")
class its_gate_does_not_learn(Gated):
    bend = staticmethod(lambda z: F.silu(z).detach())


@exercise.mistake(hint="A network of yours has more parameters than three matrices. What does `bias=False` do?")
class has_biases(Gated):
    def __init__(self, d_model, d_hidden):
        super().__init__(d_model, d_hidden)
        for part in self.children():
            part.bias = nn.Parameter(torch.zeros(part.out_features))


@exercise.mistake(hint="An axis of one comes in and does not come out. Where do you squeeze?")
class loses_a_batch_of_one(Gated):
    def forward(self, x):
        return super().forward(x).squeeze(0)


@exercise.mistake(hint="Your width inside is always a multiple of d_model. Which width was asked for?")
class always_widens_to_the_same_width(Gated):
    def __init__(self, d_model, d_hidden):
        super().__init__(d_model, d_hidden if d_hidden > d_model else 4 * d_model)


@exercise.mistake(hint="A gate of -9 lets nothing at all through. What is silu there, and where does it become 0?")
class shuts_at_minus_eight(Gated):
    bend = staticmethod(lambda z: torch.where(z < -8, torch.zeros_like(z), F.silu(z)))


@exercise.mistake(hint="Far below zero the result is right and a gradient is NaN. How large is the exponential there?")
class its_gradient_is_no_number(Gated):
    bend = staticmethod(lambda z: z / (1 + torch.exp(-z)))


@exercise.mistake(hint="In evaluation mode you multiply by weights of an earlier call. What if they changed since?")
class keeps_its_matrices_joined(Gated):
    def forward(self, x):
        if self.training:
            return super().forward(x)
        if "joined" not in self.__dict__:
            self.__dict__["joined"] = torch.cat([self.w_gate.weight, self.w_up.weight]).detach().clone()
        return self.w_down(self.hidden(*F.linear(x, self.joined).chunk(2, dim=-1)))


exercise.edges(
    empty="No sentence says what no vector gives.",
    one="any_number_of_axes",
    equal="No two are compared.",
    zero="Nothing is divided.",
    ties="No two are compared.",
    large="the_gate_decides",
    small="the_gate_decides",
    limit="There is no limit.",
    shapes="any_number_of_axes",
    modes="any_number_of_axes",
    gradients="There is no step that could meet old ones.",
    inputs="numbers_and_gradients_of_the_network",
)
exercise.given(Gated)
