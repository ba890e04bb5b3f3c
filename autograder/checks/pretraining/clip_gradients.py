"""`clip_gradients`: the direction stays, short gradients are left alone, the length before is returned."""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import normal, outcome
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


@exercise.promise("Shorten all gradients together", broken_by="clips_each_tensor_by_itself")
@exercise.promise("so that their joint length is at most `max_norm`", broken_by="takes_zero_for_no_limit")
@exercise.promise("All are multiplied by the same factor", broken_by="clips_every_number")
@exercise.check(points=0.25)
def the_direction_stays(clip_gradients, rng):
    """Gradients that are too long together are all multiplied by the same number, and are then max_norm long."""
    seen = {}
    for length, max_norm in ((4.0, 1.0), (30.0, 2.5), (0.5, 0.25), (1.001, 1.0), (3.0, 0.0), (0.02, 0.004), (1e6, 3e5)):
        parameters = with_gradients(rng, length)
        before = joint(parameters)
        clip_gradients(parameters, max_norm)
        words = f"length {length:g}, at most {max_norm:g}"
        seen |= {f"after / before, {words}": joint(parameters) / before, f"{words}: after": joint(parameters).norm()}
    return seen


@exercise.promise("gradients that are not too long are left as they are", broken_by="makes_short_ones_longer")
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
    alone = nn.Parameter(normal(rng, 1))
    alone.grad = torch.tensor([-0.5])
    clip_gradients([alone], 0.75)
    seen["a single number of -0.5, at most 0.75"] = alone.grad.clone()
    clip_gradients([alone], math.inf)
    return seen | {"a single number of -0.5, without a limit": alone.grad}


@exercise.promise(
    "The joint length is the Euclidean norm of all their numbers in one row.", broken_by="adds_up_the_lengths"
)
@exercise.promise("Returns the length before", broken_by="returns_the_length_after")
@exercise.check(points=0.125)
def the_length_before_is_returned(clip_gradients, rng):
    """What is returned is the joint length before, a single number: the root of the sum of all squares."""
    seen = {f"length {length:g}": clip_gradients(with_gradients(rng, length), 1.0) for length in (0.5, 3.0, 40.0)}
    parameters = with_gradients(rng, 5.0)
    first = clip_gradients(parameters, 3.0)
    second = clip_gradients(parameters, 1.0)
    return seen | {"of the same parameters, clipped twice": [first, second]}


@exercise.promise("in place", broken_by="gives_them_new_gradients")
@exercise.promise("changes each parameter.grad", broken_by="shortens_the_weights")
@exercise.promise("Parameters without a gradient are skipped", broken_by="fills_in_zeros")
@exercise.check(points=0.25)
def gradients_change_where_they_stand(clip_gradients, rng):
    """The numbers of `.grad` change where they stand; a parameter without a gradient, and all weights, stay."""
    parameters = with_gradients(rng, 6.0)
    weights = [parameter.detach().clone() for parameter in parameters]
    held = [parameter.grad for parameter in parameters]
    without = nn.Parameter(normal(rng, 3))
    clip_gradients([parameters[0], without, *parameters[1:], nn.Parameter(normal(rng, 2, 2))], 2)
    base = normal(rng, 3, 4, 5)  # of which the gradients are views, in memory that is not in a row
    slanting = base[0].T, base[1, :, ::2], base[2, 0, 0]
    views = [nn.Parameter(torch.zeros_like(view)) for view in slanting]
    for parameter, view in zip(views, slanting):
        parameter.grad = view
    views[0].requires_grad_(False)  # frozen since
    shared = outcome(lambda: clip_gradients(iter(views), 0.5))
    fine = nn.Parameter(normal(rng, 7).double())
    fine.grad = 1e6 * normal(rng, 7).double()
    direction = fine.grad / fine.grad.norm()
    clip_gradients((fine,), 0.25)
    return {
        "gradients that are views, one of a frozen parameter": base,
        "their length": shared,
        "gradients are taken as before": torch.is_grad_enabled(),
        "in float64: off by, times 1e7": (fine.grad - 0.25 * direction) * 1e7,
        "the gradients, where they stood": held,
        "the gradients, where they are now": [parameter.grad for parameter in parameters],
        "no gradient": without.grad,
        "the weights afterwards unchanged": [torch.equal(one, other) for one, other in zip(weights, parameters)],
    }


@exercise.promise("it can be gone through once", broken_by="goes_through_the_parameters_twice")
@exercise.check(points=0.125)
def any_iterable_of_parameters(clip_gradients, rng):
    """A generator of parameters will do, which can be gone through once, and so will a list."""
    seen = {}
    for words, kind in (("a generator", iter), ("a list", list)):
        parameters = with_gradients(rng, 6.0)
        clip_gradients(kind(parameters), 2.0)
        seen[f"{words}: the length afterwards"] = joint(parameters).norm()
    return seen


exercise.aside("one at least has one.", "A promise of the caller's: no check calls without any.")
exercise.edges(
    empty="The text says that one parameter at least has a gradient.",
    one="short_gradients_are_left_alone",
    equal="Numbers are only squared and added.",
    zero="short_gradients_are_left_alone",
    ties="Nothing is chosen among candidates.",
    large="the_direction_stays",
    small="the_direction_stays",
    limit="the_direction_stays",
    shapes="the_direction_stays",
    modes="Parameters have no mode.",
    gradients="gradients_change_where_they_stand",
    inputs="Nothing is differentiated.",
)


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


@exercise.mistake(
    hint="The parameters have new gradients, and the old tensors are as they were. Who else may hold them?"
)
def gives_them_new_gradients(parameters, max_norm):
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    norm = joint(parameters).norm()
    for parameter in parameters:
        parameter.grad = parameter.grad * (max_norm / norm).clamp(max=1.0)
    return norm


@exercise.mistake(hint="A parameter without a gradient has one of zeros now. What would an optimiser do with it?")
def fills_in_zeros(parameters, max_norm):
    parameters = list(parameters)
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    return clipped(parameters, max_norm)


@exercise.mistake(hint="A largest length of zero switches clipping off. How long may the gradients be then?")
def takes_zero_for_no_limit(parameters, max_norm):
    return clipped(parameters, max_norm or math.inf)


@exercise.given
def library_clipping(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    """PyTorch's own, for the exercise that needs one."""
    return nn.utils.clip_grad_norm_(parameters, max_norm)
