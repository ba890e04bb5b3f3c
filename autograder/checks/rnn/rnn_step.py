"""`rnn_step`: texts do not mix, a state stays between -1 and 1; then the new state and its gradients."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal

exercise = Exercise("rnn_step")


def step_inputs(rng: torch.Generator) -> dict[str, Tensor]:
    """x, h, w_input, w_state, b with B, d_input, d_state = 3, 4, 5."""
    shapes = {"x": (3, 4), "h": (3, 5), "w_input": (4, 5), "w_state": (5, 5), "b": (5,)}
    return {name: 0.6 * normal(rng, *shape) for name, shape in shapes.items()}


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
    }


@exercise.check(points=0.25)
def a_state_stays_between_minus_one_and_one(rnn_step, rng):
    """However large the input, the numbers of the new state lie between -1 and 1; the arguments stay as they were."""
    given = step_inputs(rng)
    large = given | {"x": torch.full((3, 4), 1e3), "w_input": torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0]).repeat(4, 1)}
    zero = given | {"x": torch.zeros(3, 4), "h": torch.zeros(3, 5)}
    seen = {"the result for a large input": rnn_step(**large), "the result for zeros": rnn_step(**zero)}
    return seen | {f"{name} afterwards": value for name, value in given.items()}


@exercise.check(points=0.25)
def new_state_and_gradients(rnn_step, rng):
    """The new state is tanh(x @ w_input + h @ w_state + b), and the gradient reaches all five."""
    leaves = {name: value.requires_grad_() for name, value in step_inputs(rng).items()}
    result = rnn_step(**leaves)
    return {"the new state": result, **gradients(result, leaves, rng)}


@exercise.mistake(hint="What keeps your state from growing without bound, step after step?")
def no_tanh(x, h, w_input, w_state, b):
    return x @ w_input + h @ w_state + b


@exercise.mistake(hint="The old state changes nothing in your result. Where does it come in?")
def ignores_the_old_state(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + b)


@exercise.mistake(
    hint="w_state is square, so its transpose fits as well as itself. Is it h @ w_state that you compute?"
)
def transposes_the_weights_of_the_state(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state.T + b)


@exercise.mistake(hint="Your state can leave the range from -1 to 1. What do you add after the tanh?")
def adds_the_bias_after_the_tanh(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state) + b


@exercise.mistake(hint="Your state is never negative. Which function squeezes between -1 and 1?")
def squeezes_between_zero_and_one(x, h, w_input, w_state, b):
    return torch.sigmoid(x @ w_input + h @ w_state + b)


@exercise.mistake(hint="For an input and a state of zero, what should the new state be? Where is b?")
def forgets_the_bias(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state)
