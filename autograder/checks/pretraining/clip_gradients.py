"""`clip_gradients`: the direction stays, short gradients are left alone, the length before is returned."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import normal
from autograder.checks.pretraining.shared import joint

exercise = Exercise("clip_gradients")


def with_gradients(rng: torch.Generator, length: float) -> list[nn.Parameter]:
    """Three parameters whose gradients are together this long, and of very different lengths by themselves."""
    parameters = [nn.Parameter(normal(rng, *shape)) for shape in ((2, 3), (4,), (5, 1))]
    gradients = [size * normal(rng, *one.shape) for size, one in zip((0.1, 1.0, 10.0), parameters)]
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    for parameter, gradient in zip(parameters, gradients):
        parameter.grad = length * gradient / norm
    return parameters


def clipped(
    parameters: Iterable[Tensor],
    max_norm: float,
    length: Callable[[Tensor], Tensor] = torch.linalg.vector_norm,
    factor: Callable[[Tensor, float], Tensor] = lambda norm, max_norm: (max_norm / norm).clamp(max=1.0),
) -> Tensor:
    """Clipping with its parts to choose, so that one of them can be wrong."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = length(torch.cat([gradient.flatten() for gradient in gradients]))
    for gradient in gradients:
        gradient.mul_(factor(norm, max_norm))
    return norm


@exercise.check(points=0.25)
def the_direction_stays(clip_gradients, rng):
    """Gradients that are too long together are all multiplied by the same number, and are then max_norm long."""
    seen = {}
    for length, max_norm in ((4.0, 1.0), (30.0, 2.5), (0.5, 0.25)):
        parameters = with_gradients(rng, length)
        before = joint(parameters)
        clip_gradients(parameters, max_norm)
        words = f"length {length:g}, at most {max_norm:g}"
        seen |= {f"after / before, {words}": joint(parameters) / before, f"{words}: after": joint(parameters).norm()}
    return seen


@exercise.check(points=0.25)
def short_gradients_are_left_alone(clip_gradients, rng):
    """Gradients that are short enough stay as they are, to the last digit, and so do gradients of zero."""
    seen = {}
    for length, max_norm in ((0.7, 1.0), (2.0, 3.0), (0.0, 1.0)):
        parameters = with_gradients(rng, length)
        before = joint(parameters)
        returned = clip_gradients(parameters, max_norm)
        seen[f"length {length:g}, at most {max_norm:g}: the gradients"] = 100 * joint(parameters)
        seen[f"length {length:g}, at most {max_norm:g}: unchanged"] = torch.equal(before, joint(parameters))
        seen[f"length {length:g}, at most {max_norm:g}: returned"] = returned
    return seen


@exercise.check(points=0.25)
def the_length_before_is_returned(clip_gradients, rng):
    """What is returned is the joint length before, a single number: the root of the sum of all squares."""
    return {f"length {length:g}": clip_gradients(with_gradients(rng, length), 1.0) for length in (0.5, 3.0, 40.0)}


@exercise.check(points=0.25)
def any_iterable_of_parameters(clip_gradients, rng):
    """What changes is `.grad`; the weights stay, parameters without a gradient too, and any iterable will do."""
    parameters = with_gradients(rng, 6.0)
    weights = [parameter.detach().clone() for parameter in parameters]
    without = nn.Parameter(normal(rng, 3))
    returned = clip_gradients(iter([without, *parameters]), 2.0)
    return {
        "returned": returned,
        "the gradients": [parameter.grad for parameter in parameters],
        "no gradient": without.grad,
        "the weights afterwards unchanged": [torch.equal(one, other) for one, other in zip(weights, parameters)],
    }


@exercise.mistake(
    hint="You clip each tensor by itself, so the short ones count for more than before. Of what is max_norm the "
    "largest length?"
)
def clips_each_tensor_by_itself(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    for parameter in parameters:
        clipped([parameter], max_norm)
    return norm


@exercise.mistake(hint="You cut off every number by itself. Does the row of gradients still point where it did?")
def clips_every_number(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    for parameter in parameters:
        parameter.grad.clamp_(-max_norm, max_norm)
    return norm


@exercise.mistake(hint="Short gradients get longer. What is to happen where the length is below max_norm?")
def makes_short_ones_longer(parameters, max_norm):
    return clipped(parameters, max_norm, factor=lambda norm, max_norm: max_norm / (norm + 1e-6))


@exercise.mistake(hint="Your length is the square of one. What is missing after the sum of squares?")
def forgets_the_root(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.square().sum())


@exercise.mistake(hint="You add up absolute values. How long is the row (3, 4)?")
def adds_up_absolute_values(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.abs().sum())


@exercise.mistake(hint="You look at the largest number only. How long is the row (3, 4)?")
def takes_the_largest_number(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.abs().max())


@exercise.mistake(
    hint="You divide by the number of gradients: the root of a mean square is no length. How long is the row (3, 4)?"
)
def takes_the_mean_of_the_squares(parameters, max_norm):
    return clipped(parameters, max_norm, length=lambda row: row.square().mean().sqrt())


@exercise.mistake(
    hint="You add up the lengths of the tensors. If one gradient is (3) and another (4), how long are they in one row?"
)
def adds_up_the_lengths(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    total = sum(parameter.grad.norm() for parameter in parameters)
    return clipped(parameters, max_norm, length=lambda row: total)


@exercise.mistake(
    hint="You return the length after clipping. Which of the two tells the reader that a step was a bad one?"
)
def returns_the_length_after(parameters, max_norm):
    return clipped(parameters, max_norm).clamp(max=max_norm)


@exercise.mistake(
    hint="You shorten the weights and not their gradients. Which of the two does the optimiser read next?"
)
def shortens_the_weights(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    with torch.no_grad():
        for parameter in parameters:
            parameter.mul_((max_norm / norm).clamp(max=1.0))
    return norm


@exercise.mistake(hint="You measure, and nothing gets shorter. Does `gradient = gradient * factor` change a tensor?")
def only_measures(parameters, max_norm):
    return clipped(parameters, max_norm, factor=lambda norm, max_norm: 1.0)


@exercise.mistake(
    hint="A generator such as `model.parameters()` can be gone through once. What is left of it for your second loop?"
)
def goes_through_the_parameters_twice(parameters, max_norm):
    norm = torch.stack([parameter.grad.norm() for parameter in parameters if parameter.grad is not None]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
    return norm


@exercise.given
def library_clipping(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """PyTorch's own, for the exercise that needs one."""
    return nn.utils.clip_grad_norm_(parameters, max_norm)
