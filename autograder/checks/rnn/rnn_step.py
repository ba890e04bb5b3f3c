"""`rnn_step`: texts do not mix, a state stays between -1 and 1; then the new state and its gradients."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, mistake, mistakes, normal

exercise = Exercise("rnn_step")


def step_inputs(rng: torch.Generator, B: int = 3, d_input: int = 4, d_state: int = 5) -> dict[str, Tensor]:
    """x, h, w_input, w_state, b; some numbers of x and h are larger than one."""
    given = {"x": normal(rng, B, d_input), "h": 1.2 * normal(rng, B, d_state)}
    weights = {"w_input": 0.4 * normal(rng, d_input, d_state), "w_state": 0.4 * normal(rng, d_state, d_state)}
    return given | weights | {"b": 0.6 * normal(rng, d_state)}


class Step:
    """One step, with its parts to override, so that one of them can be wrong."""

    squeeze = staticmethod(torch.tanh)

    def old(self, h: Tensor) -> Tensor:
        return h

    def total(self, x, h, w_input, w_state, b) -> Tensor:
        return x @ w_input + h @ w_state + b

    def __call__(self, x, h, w_input, w_state, b) -> Tensor:
        return self.squeeze(self.total(x, self.old(h), w_input, w_state, b))


@exercise.promise("A batch of $B$ texts, each with its own state", broken_by="all_texts_share_a_state")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="writes_into_the_old_state")
@exercise.check(points=0.25, invariant=True)
def texts_do_not_mix(rnn_step, rng):
    """Another input or another state of one text changes its new state, and that of no other text."""
    given = step_inputs(rng)
    before = rnn_step(**given)
    others = [rnn_step(**given | {name: torch.cat([given[name][:2], -given[name][2:]])}) for name in ("x", "h")]
    return {
        "before": [before[:2], before[:2]],
        "after": [other[:2] for other in others],
        "must differ": [before[2], others[1][2]],
        "change": "the input or the state of the last text was negated",
    }


@exercise.promise("The tanh keeps every number between -1 and 1.", broken_by="no_tanh")
@exercise.promise(r"and so is the bias $b$", broken_by="forgets_the_bias")
@exercise.check(points=0.25)
def a_state_stays_between_minus_one_and_one(rnn_step, rng):
    """However large input and old state, the new state lies between -1 and 1; and where both are zero, so does it."""
    given = step_inputs(rng)
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    large = {"x": torch.full((3, 4), 1e3), "w_input": signs.repeat(4, 1)}
    far_out = {"h": 100 * given["h"], "w_state": 0.01 * given["w_state"]}
    zeros = {"x": torch.zeros(3, 4), "h": torch.zeros(3, 5)}
    return {
        "the result for a large input": rnn_step(**given | large),
        "the result for a large input and small weights": rnn_step(
            **given | {"x": 100 * given["x"], "w_input": 0.01 * given["w_input"]}
        ),
        "the result for a large state and small weights": rnn_step(**given | far_out),
        "the result for an input of zeros": rnn_step(**given | {"x": zeros["x"]}),
        "the result for a state of zeros": rnn_step(**given | {"h": zeros["h"]}),
        "the result for zeros": rnn_step(**given | zeros),
    }


@exercise.promise("the new state from the input and the state before it", broken_by="ignores_the_old_state")
@exercise.promise(r"h_{t-1}\, W_\text{state}", broken_by="transposes_the_weights_of_the_state")
@exercise.promise(r"h_t = \tanh(x_t\, W_\text{input}", broken_by="squeezes_between_zero_and_one")
@exercise.promise("A gradient reaches all five arguments.", broken_by="forgets_where_the_state_came_from")
@exercise.promise("b (d_state) -> (B, d_state)", broken_by="loses_dimensions_of_one")
@exercise.promise("The result is of their type, in float64 as precise as that.", broken_by="computes_in_float32")
@exercise.check(points=0.25)
def new_state_and_gradients(rnn_step, rng):
    """The new state is that of the formula, for texts and states of any number, and a gradient reaches all five.

    In float64 it is as precise as float64, where the tanh is nearly at its end too; called again after a weight was
    changed, or without gradients, it is right as well.
    """
    seen = {}
    for B, d_input, d_state in ((3, 4, 5), (1, 4, 5), (3, 1, 1), (2, 3, 3), (1, 1, 1)):
        words = f"of {B} texts, {d_input} input and {d_state} state numbers"
        leaves = {name: value.requires_grad_() for name, value in step_inputs(rng, B, d_input, d_state).items()}
        result = rnn_step(**leaves)
        found = gradients(result, leaves, rng)
        seen[words] = {"the new state": result, **found}
    first = step_inputs(rng) | {"h": torch.zeros(3, 5)}
    leaves = {name: value.requires_grad_() for name, value in first.items()}
    seen["at the first word, from a state of zeros"] = gradients(rnn_step(**leaves), leaves, rng)
    given = step_inputs(rng)
    as_in_pytorch = {name: given[name].T.contiguous().T for name in ("w_input", "w_state")}
    seen["with weights that are kept transposed"] = rnn_step(**given | as_in_pytorch)
    return seen | in_double_precision(rnn_step, rng) | one_after_the_other(rnn_step, rng)


def in_double_precision(rnn_step, rng: torch.Generator) -> dict:
    """What a billionth makes of a difference, and sums far out: how much is missing to one there, and the slope."""
    given = {name: value.double() for name, value in step_inputs(rng).items()}
    sums = torch.linspace(3.0, 12.0, 15, dtype=torch.float64).view(3, 5) * torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0])
    far_out = {"x": torch.eye(3, 4).double(), "w_input": torch.cat([sums, sums[:1]]), "b": 0 * given["b"]}
    far_out = given | far_out | {"h": 0 * given["h"]}
    far_out["b"].requires_grad_()
    result = rnn_step(**far_out)
    seen = {"far out, what is missing to one": (1 - result.abs()) * torch.exp(2 * sums.abs())}
    if result.requires_grad:
        (result * torch.cosh(sums).square()).sum().backward()
    seen["far out, the slope"] = far_out["b"].grad
    sums = torch.linspace(-90.0, 90.0, 15).view(3, 5)
    far = {"x": torch.eye(3, 4), "w_input": torch.cat([sums, sums[:1]]), "b": torch.zeros(5, requires_grad=True)}
    result = rnn_step(**{name: value.float() for name, value in given.items()} | far | {"h": torch.zeros(3, 5)})
    if result.requires_grad:
        result.sum().backward()
    seen["farther out, in float32"] = [result, far["b"].grad]
    moved = {"x": given["x"] + 1e-9, "h": given["h"] - 1e-9}
    seen["what a billionth makes"] = 1e9 * (rnn_step(**given | moved).double() - rnn_step(**given).double())
    seen["the type for float64"] = str(result.dtype)
    halved = {name: value.bfloat16() for name, value in given.items()}
    return seen | {"the type for bfloat16": str(rnn_step(**halved).dtype)}


def one_after_the_other(rnn_step, rng: torch.Generator) -> dict:
    """The same tensors again, with other values in them; each result is kept, and looked at when all are there."""
    given, seen = step_inputs(rng), {}
    for words in ("with gradients", "without gradients", "in inference mode"):
        with torch.inference_mode(words == "in inference mode"), torch.set_grad_enabled(words == "with gradients"):
            for name in given:
                given[name].neg_()
                seen[f"{words}, when {name} is another"] = [rnn_step(*given.values()), rnn_step(**given)]
    return seen


@exercise.mistake(hint="After a step the caller's `h` holds the new state. May the caller still need the old one?")
def writes_into_the_old_state(x, h, w_input, w_state, b):
    new = Step()(x, h, w_input, w_state, b)
    h.data.copy_(new)
    return new


def in_float32(*given: Tensor, **named: Tensor) -> Tensor:
    return Step()(*(value.float() for value in given), **{name: value.float() for name, value in named.items()})


def by_exponentials(a: Tensor) -> Tensor:
    up, down = torch.exp(a), torch.exp(-a)
    return (up - down) / (up + down)


mistakes(
    exercise,
    Step,
    no_tanh=mistake(
        "What keeps your state from growing without bound, step after step?", squeeze=staticmethod(lambda a: a)
    ),
    ignores_the_old_state=mistake(
        "The old state changes nothing in your result. Where does it come in?", old=lambda self, h: torch.zeros_like(h)
    ),
    transposes_the_weights_of_the_state=mistake(
        "w_state is square, so its transpose fits as well as itself. Is it h @ w_state that you compute?",
        total=lambda self, x, h, w_input, w_state, b: x @ w_input + h @ w_state.T + b,
    ),
    adds_the_bias_after_the_tanh=mistake(
        "Your state can leave the range from -1 to 1. What do you add after the tanh?",
        __call__=lambda self, x, h, w_input, w_state, b: torch.tanh(x @ w_input + h @ w_state) + b,
    ),
    adds_the_bias_twice=mistake(
        "With input and state of zero, the sum inside your tanh is twice the bias. How often does the formula add it?",
        total=lambda self, x, h, w_input, w_state, b: x @ w_input + h @ w_state + 2 * b,
    ),
    squeezes_between_zero_and_one=mistake(
        "Your state is never negative. Which function squeezes between -1 and 1?", squeeze=staticmethod(torch.sigmoid)
    ),
    forgets_the_bias=mistake(
        "For an input and a state of zero, what should the new state be? Where is b?",
        total=lambda self, x, h, w_input, w_state, b: x @ w_input + h @ w_state,
    ),
    all_texts_share_a_state=mistake(
        "All texts go on from the state of the first. Which row of h belongs to which text?",
        old=lambda self, h: h[:1].expand_as(h),
    ),
    computes_in_float32=mistake(
        "For numbers in float64 your result is in float32, and half the digits are gone. Which type do the arguments "
        "have?",
        __call__=lambda self, *given, **named: in_float32(*given, **named),
    ),
    forgets_where_the_state_came_from=mistake(
        "The numbers are right, but no gradient reaches the old state. What cuts a tensor off from its history?",
        old=lambda self, h: h.detach(),
    ),
    loses_dimensions_of_one=mistake(
        "With one text, or a state of one number, your result has a dimension less. Which call takes it away?",
        squeeze=staticmethod(lambda a: torch.tanh(a).squeeze()),
    ),
    overflows_where_the_sum_is_large=mistake(
        "A large input gives nan. What is e to the power of 1000 in float32?", squeeze=staticmethod(by_exponentials)
    ),
)

exercise.edges(
    empty="A batch is of one text at least.",
    one="new_state_and_gradients",
    equal="Nothing is compared or divided by a spread.",
    zero="a_state_stays_between_minus_one_and_one",
    ties="Nothing is chosen.",
    large="a_state_stays_between_minus_one_and_one",
    small="a_state_stays_between_minus_one_and_one",
    limit="There is no limit.",
    shapes="new_state_and_gradients",
    modes="A function has no mode.",
    gradients="Every call's arguments are compared, with their gradients.",
    inputs="new_state_and_gradients",
)
