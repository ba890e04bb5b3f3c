"""`adamw_update`: the first step is the learning rate, the decay does not depend on the gradient, all moves in place;
then the numbers of PyTorch's AdamW, early and late.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.common import normal

exercise = Exercise("adamw_update")


def slopes(rng: torch.Generator, *shape: int) -> Tensor:
    """Gradients that are all far from zero, so that a small eps is small beside them."""
    return normal(rng, *shape).sign() * (0.5 + torch.rand(*shape, generator=rng))


def running(rng: torch.Generator, *shape: int) -> dict[str, Tensor]:
    """A weight, its gradient, and running means as they are in the middle of training."""
    weight, gradient, mean = normal(rng, *shape), slopes(rng, *shape), slopes(rng, *shape)
    mean_square = mean.square() + 0.1 + torch.rand(*shape, generator=rng)
    return {"weight": weight, "gradient": gradient, "mean": mean, "mean_square": mean_square}


def at_first(weight: Tensor, gradient: Tensor) -> dict[str, Tensor]:
    """The same before step 1, when both running means are zero."""
    zeros = torch.zeros(2, *weight.shape)
    return {"weight": weight.clone(), "gradient": gradient.clone(), "mean": zeros[0], "mean_square": zeros[1]}


def moved(adamw_update: Callable, given: dict[str, Tensor], *args: float, **more: Any) -> Tensor:
    """How far one update moves the weight."""
    before = given["weight"].clone()
    adamw_update(*given.values(), *args, **more)
    return given["weight"] - before


def adamw(
    weight: Tensor,
    gradient: Tensor,
    mean: Tensor,
    mean_square: Tensor,
    step: int,
    learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.1,
    *,
    powers: tuple[int, int] | None = None,
    square: Callable[[Tensor, Tensor], Tensor] = lambda gradient, mean: gradient.square(),
    divisor: Callable[[Tensor, float], Tensor] = lambda square, eps: square.sqrt() + eps,
    sign: float = -1.0,
) -> None:
    """AdamW with its parts to choose, so that one of them can be wrong. `powers` are those of the corrections."""
    with torch.no_grad():
        first, second = powers or (step, step)
        mean.mul_(betas[0]).add_((1 - betas[0]) * gradient)
        mean_square.mul_(betas[1]).add_((1 - betas[1]) * square(gradient, mean))
        correct = [1 - beta**power if power else 1.0 for beta, power in zip(betas, (first, second))]
        update = mean / correct[0] / divisor(mean_square / correct[1], eps)
        weight.mul_(1 - learning_rate * weight_decay).add_(sign * learning_rate * update)


@exercise.promise("against its gradient", broken_by="goes_uphill")
@exercise.promise(
    "by a step whose size does not depend on the gradient's scale", broken_by="divides_by_the_mean_square"
)
@exercise.promise("Both are divided by 1 - beta^step", broken_by="no_correction")
@exercise.check(points=0.25)
def the_first_step_is_the_learning_rate(adamw_update, rng):
    """Without decay the first step moves each weight by the learning rate against its gradient, however large it is."""
    gradient = slopes(rng, 3, 4)
    return {
        f"the step over the learning rate, gradient times {scale:g}": moved(
            adamw_update, at_first(torch.zeros(3, 4), scale * gradient), 1, 0.02, eps=1e-20, weight_decay=0.0
        )
        / 0.02
        for scale in (1e-3, 1.0, 1e3)
    }


@exercise.promise(
    "divides each number's step by the size that its gradients usually have", broken_by="adds_the_decay_to_the_gradient"
)
@exercise.check(points=0.25, invariant=True)
def the_decay_does_not_depend_on_the_gradient(adamw_update, rng):
    """What weight_decay adds to a step is the same whatever the gradient is; a larger weight_decay adds more."""

    def added(gradient: Tensor, weight_decay: float) -> Tensor:
        with_decay, without = (
            moved(adamw_update, at_first(weight, gradient), 1, 0.2, weight_decay=rate) for rate in (weight_decay, 0.0)
        )
        return with_decay - without

    weight, gradient = 2 * normal(rng, 3, 4), slopes(rng, 3, 4)
    before = added(gradient, 0.5)
    return {
        "before": [before, before],
        "after": [added(-3 * gradient, 0.5), added(torch.zeros(3, 4), 0.5)],
        "must differ": [before, added(gradient, 1.0)],
        "change": "the gradient was another",
    }


@exercise.promise("Move one weight, in place", broken_by="nothing_moves_in_place")
@exercise.promise("and move in place too", broken_by="forgets_the_running_means")
@exercise.promise("in the memory that they have", broken_by="gives_the_means_new_memory")
@exercise.promise("all the same -> None", broken_by="returns_the_weight")
@exercise.check(points=0.25)
def it_moves_in_place(adamw_update, rng):
    """Weight and running means change where they stand, rows of larger tensors too; nothing is returned."""
    given = running(rng, 5)
    weight = nn.Parameter(given["weight"])
    returned = adamw_update(weight, given["gradient"], given["mean"], given["mean_square"], 3, 0.1)
    slanting = {name: tensor.T for name, tensor in running(rng, 3, 2).items()}  # memory that is not in a row
    slanting["gradient"] = slopes(rng, 2, 1).expand(2, 3)
    adamw_update(*slanting.values(), 2, 0.1)
    still = {name: tensor.clone() for name, tensor in running(rng, 4).items()}
    adamw_update(*still.values(), 2, 0.0)
    rows = torch.stack(list(running(rng, 3).values()))  # whoever holds all of it sees its rows change
    adamw_update(*rows, 4, 0.1)
    return {
        "returned": returned,
        **given,
        "is a leaf": weight.is_leaf,
        "rows of one tensor": rows,
        "transposed tensors": slanting,
        "at a learning rate of zero": still,
        "gradients are taken as before": torch.is_grad_enabled(),
    }


@exercise.promise(
    "`mean` and `mean_square` are running means of the gradient and of its square", broken_by="squares_the_mean"
)
@exercise.promise("`betas` say how much of the old one each keeps.", broken_by="takes_beta_for_the_share_of_the_new")
@exercise.promise("They are only used, not kept.", broken_by="keeps_the_corrected_means")
@exercise.promise("The decay shrinks the weight as it was before the step", broken_by="decays_after_the_step")
@exercise.promise("by learning_rate · weight_decay of it", broken_by="decays_without_the_learning_rate")
@exercise.check(points=0.25)
def five_steps_of_pytorchs_adamw(adamw_update, rng):
    """Five steps on five gradients take a weight where `torch.optim.AdamW` takes it, by default values and others."""
    seen = {}
    others = {"betas": (0.4, 0.45), "eps": 0.1, "weight_decay": 0.4}
    for words, more in (("default values", {}), ("other values", others)):
        given, weights = at_first(normal(rng, 4), torch.zeros(4)), []
        for step in range(1, 6):
            given["gradient"] = slopes(rng, 4)
            adamw_update(*given.values(), step, 0.1 / step, **more)
            weights.append(given["weight"].clone())
        seen[words] = weights
    return seen


@exercise.promise("`step` counts from 1.", broken_by="counts_steps_from_zero")
@exercise.promise("\\sqrt{\\hat v} + \\epsilon", broken_by="eps_under_the_root")
@exercise.check(points=0.25)
def late_in_training(adamw_update, rng):
    """After three steps there is something to correct, after a thousand hardly, unless betas are near one; eps slows
    small steps down, and nothing else does.
    """
    seen = {
        f"step {step:,}, eps {eps:g}": moved(adamw_update, running(rng, 4), step, 0.1, eps=eps)
        for step in (3, 1000)
        for eps in (1e-8, 0.5)
    }
    seen["a weight of one number"] = moved(adamw_update, running(rng, 1, 1), 7, 0.1)
    seen["a weight of no dimension"] = moved(
        adamw_update, {name: tensor[0] for name, tensor in running(rng, 1).items()}, 8, 0.1
    )
    for step in (150, 4000):
        slow = moved(adamw_update, running(rng, 2, 3, 4), step, 0.1, betas=(0.99, 0.9999))
        seen[f"means that go slowly, step {step:,}"] = slow
    seen["a mean that keeps nothing"] = moved(adamw_update, running(rng, 3), 2, 0.1, betas=(0.0, 0.5))
    seen["more decay than weight"] = moved(adamw_update, running(rng, 3), 2, 2.0, weight_decay=0.75)
    calm = running(rng, 4)
    calm["mean_square"] *= 1e-3  # where m is far above the root of v
    seen["a step of many learning rates"] = moved(adamw_update, calm, 6, 0.1)
    fine = {name: tensor.double() for name, tensor in running(rng, 4).items()}
    seen["in float64, a step of 1e-9, times 1e9"] = moved(adamw_update, fine, 5, 1e-9) * 1e9
    large = running(rng, 3)
    large["gradient"] *= 100
    seen["a gradient much larger than those before"] = moved(adamw_update, large, 5, 0.1)
    tiny = at_first(torch.zeros(3), 1e-7 * slopes(rng, 3))
    return seen | {"gradients of about 1e-7, eps as it is": moved(adamw_update, tiny, 1, 0.1)}


exercise.aside("zero before step 1", "The caller begins with zeros; the checks do.")
exercise.edges(
    empty="A weight without numbers has no step.",
    one="late_in_training",
    equal="Numbers of a weight have nothing to do with each other.",
    zero="the_decay_does_not_depend_on_the_gradient",
    ties="Nothing is chosen among candidates.",
    large="the_first_step_is_the_learning_rate",
    small="the_first_step_is_the_learning_rate",
    limit="late_in_training",
    shapes="the_first_step_is_the_learning_rate",
    modes="Tensors have no mode.",
    gradients="it_moves_in_place",
    inputs="Nothing is differentiated.",
)


@exercise.mistake(
    hint="The running means begin at zero, so at first they are too small. What do you divide them by to make up for "
    "it?"
)
def no_correction(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(0, 0))


@exercise.mistake(hint="You correct one of the two running means. Which of them began at something else than zero?")
def corrects_the_mean_only(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(step, 0))


@exercise.mistake(hint="Your correction is the same at every step. To which power is beta raised after `step` updates?")
def corrects_as_if_at_the_first_step(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(1, 1))


@exercise.mistake(
    hint="Your correction is one step ahead. `step` counts from 1, so how many updates have the means seen?"
)
def counts_steps_from_zero(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, powers=(step + 1, step + 1))


@exercise.mistake(
    hint="You add the decay to the gradient, as Adam with an L2 penalty does. What does the division by the root then "
    "do to the decay of a weight with large gradients?"
)
def adds_the_decay_to_the_gradient(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(
        weight, gradient + weight_decay * weight, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0
    )


@exercise.mistake(
    hint="The decay shrinks the weight that has moved already. Which weight is it to shrink, the old or the new?"
)
def decays_after_the_step(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0)
    with torch.no_grad():
        weight.mul_(1 - learning_rate * weight_decay)


@exercise.mistake(
    hint="Your decay is the same at every learning rate. What is `weight_decay` multiplied by, so that it dies down "
    "with the steps?"
)
def decays_without_the_learning_rate(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay / learning_rate)


@exercise.mistake(hint="Nothing decays. Where do you use `weight_decay`?")
def forgets_the_decay(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay=0.0)


@exercise.mistake(hint="You add eps under the root, where it counts as its root. Where does it stand in the formula?")
def eps_under_the_root(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    divisor = lambda square, eps: (square + eps).sqrt()  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, divisor=divisor)


@exercise.mistake(
    hint="A gradient a thousand times as large gives a thousandth of the step. What is missing around the mean square?"
)
def divides_by_the_mean_square(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    divisor = lambda square, eps: square + eps  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, divisor=divisor)


@exercise.mistake(hint="You square the running mean. What is it that `mean_square` is the mean of?")
def squares_the_mean(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    square = lambda gradient, mean: mean.square()  # noqa: E731
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, square=square)


@exercise.mistake(
    hint="The two betas have changed places. Which of the two running means keeps 0.9 of the old, and which 0.95?"
)
def swaps_the_betas(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas[::-1], eps, weight_decay)


@exercise.mistake(
    hint="Your betas say how much of the new gradient comes in. How much of the old mean is beta = 0.9 to keep?"
)
def takes_beta_for_the_share_of_the_new(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    with torch.no_grad():
        mean.lerp_(gradient, betas[0])
        mean_square.lerp_(gradient.square(), betas[1])
        root = (mean_square / (1 - betas[1] ** step)).sqrt() + eps
        weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * mean / (1 - betas[0] ** step) / root)


@exercise.mistake(hint="You go up the gradient. In which direction does the loss fall?")
def goes_uphill(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more, sign=1.0)


@exercise.mistake(
    hint="The caller's weight has not moved. Does `weight = weight - ...` change a tensor, or give its name to another "
    "one?"
)
def nothing_moves_in_place(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    copies = [tensor.detach().clone() for tensor in (weight, gradient, mean, mean_square)]
    adamw(*copies, step, learning_rate, *args, **more)


@exercise.mistake(
    hint="The weight moves and the running means do not, so every step is like a first one. Does `mean = beta * mean + "
    "...` change the caller's tensor?"
)
def forgets_the_running_means(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean.clone(), mean_square.clone(), step, learning_rate, *args, **more)


@exercise.mistake(
    hint="You keep the corrected means, and correct them again at the next step. Which of the two is to be carried on?"
)
def keeps_the_corrected_means(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay)
    with torch.no_grad():
        mean.div_(1 - betas[0] ** step)
        mean_square.div_(1 - betas[1] ** step)


@exercise.mistake(hint="A running mean has new memory now. What does somebody see who holds the old one?")
def gives_the_means_new_memory(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    new = mean.clone(), mean_square.clone()
    adamw(weight, gradient, *new, step, learning_rate, *args, **more)
    mean.data, mean_square.data = new


@exercise.mistake(hint="You return something. Who would look at it, where all that changes is in the caller's hands?")
def returns_the_weight(weight, gradient, mean, mean_square, step, learning_rate, *args, **more):
    adamw(weight, gradient, mean, mean_square, step, learning_rate, *args, **more)
    return weight


@exercise.mistake(hint="Both means are corrected with the same beta. Which of the two keeps how much of the old one?")
def corrects_both_with_one_beta(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    power = math.log(1 - (1 - betas[0] ** step), betas[1])  # to which the second beta is the first one's
    powers = (step, power)
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, weight_decay, powers=powers)


@exercise.mistake(hint="Weights of one dimension do not decay. Does the text make that difference?")
def decays_matrices_only(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    decay = weight_decay if weight.dim() > 1 else 0.0
    adamw(weight, gradient, mean, mean_square, step, learning_rate, betas, eps, decay)
