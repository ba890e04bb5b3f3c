"""`fit_power_law`: a law gives itself back, units change the scale alone; then least squares of the logarithms."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import as_tensors, ending, normal

exercise = Exercise("fit_power_law")


def some_law(rng: torch.Generator) -> tuple[float, float]:
    """A scale and an exponent."""
    scale, exponent = torch.rand(2, generator=rng).tolist()
    return 5 + 10 * scale, 0.1 + 0.3 * exponent


SIZES = torch.logspace(3, 8, 7, dtype=torch.float64)  # from a thousand to a hundred million


def scattered(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points about a law without a floor, too far from it for two of them to tell."""
    scale, exponent = some_law(rng)
    noise = 0.3 * normal(rng, len(SIZES)).double()
    return SIZES, scale * SIZES**-exponent * noise.exp()


def fitted(
    x: Tensor,
    y: Tensor,
    floor: float = 0.0,
    *,
    log: Callable[[Tensor], Tensor] = torch.log,
    power: Callable[[float], float] = math.exp,
    above: Callable[[Tensor, float], Tensor] | None = None,
    centre: bool = True,
    swap: bool = False,
) -> tuple[float, float]:
    """A fit with its parts to choose, so that one of them can be wrong."""
    if (y <= floor).any():
        raise ValueError("not above the floor")
    x, y = x.double(), y.double()
    across, up = log(x), above(y, floor) if above else log(y - floor)
    mean_x, mean_y = (across.mean(), up.mean()) if centre else (torch.zeros(()), torch.zeros(()))
    dx, dy = across - mean_x, up - mean_y
    slope = (dy @ dy) / (dx @ dy) if swap else (dx @ dy) / (dx @ dx)
    return power((mean_y - slope * mean_x).item()), -slope.item()


@exercise.check(points=0.25)
def a_law_gives_itself_back(fit_power_law, rng):
    """From points that lie on a power law, with a floor or without, come its scale and its exponent."""
    seen = {}
    for words, n, more in (("no floor", 7, {}), ("a floor", 7, {"floor": 1.5}), ("two points", 2, {"floor": 0.5})):
        scale, exponent = some_law(rng)
        seen[words] = fit_power_law(SIZES[:n], more.get("floor", 0.0) + scale * SIZES[:n] ** -exponent, **more)
    scale, exponent = some_law(rng)
    return seen | {"a law that rises": fit_power_law(SIZES / 1e3, scale * (SIZES / 1e3) ** exponent)}


@exercise.check(points=0.25, invariant=True)
def units_change_the_scale_alone(fit_power_law, rng):
    """Sizes in thousands, or losses in bits, give the same exponent; only the scale is another."""
    x, y = scattered(rng)
    scale, exponent = fit_power_law(x, y)
    others = [fit_power_law(x / 1000, y)[1], fit_power_law(x, y / math.log(2))[1]]
    return {
        "before": as_tensors([exponent, exponent, scale]),
        "after": as_tensors([*others, fit_power_law(x, 3 * y)[0] / 3]),
        "must differ": [scale, fit_power_law(x / 1000, y)[0]],
    }


@exercise.check(points=0.25)
def least_squares_of_the_logarithms(fit_power_law, rng):
    """Of points that scatter, all count: the line has the least sum of squares; a floor they reach is a ValueError."""
    x, y = scattered(rng)
    floor = y.min().item() / 2
    return {
        "no floor": fit_power_law(x, y),
        "a floor": fit_power_law(x, y, floor),
        "in another order": fit_power_law(x.flip(0), y.flip(0), floor=floor),
        "in float32": fit_power_law(x.float(), y.float()),
        "one at the floor": ending(lambda: fit_power_law(x, y, y.min().item())),
        "some below it": ending(lambda: fit_power_law(x, y, y.mean().item())),
    }


@exercise.mistake(
    hint="Your exponent has the wrong sign. If y falls as x grows, what sign has the slope, and what is the exponent?"
)
def returns_the_slope(x, y, floor=0.0):
    scale, exponent = fitted(x, y, floor)
    return scale, -exponent


@exercise.mistake(
    hint="You ignore the floor, so your line bends. What has to be taken off y before its logarithm is a straight line?"
)
def ignores_the_floor_of_the_loss(x, y, floor=0.0):
    fitted(x, y, floor)
    return fitted(x, y)


@exercise.mistake(hint="You take the floor off the logarithm. Is log(y - floor) the same as log(y) - floor?")
def takes_the_floor_off_the_logarithm(x, y, floor=0.0):
    return fitted(x, y, floor, above=lambda y, floor: y.log() - floor)


@exercise.mistake(hint="You return the logarithm of the scale. What undoes a logarithm?")
def returns_the_logarithm_of_the_scale(x, y, floor=0.0):
    return fitted(x, y, floor, power=lambda value: value)


@exercise.mistake(
    hint="Your logarithm is to base 10 and your power to base e. Which number undoes the one that you took?"
)
def mixes_two_bases(x, y, floor=0.0):
    return fitted(x, y, floor, log=torch.log10)


@exercise.mistake(hint="You fit y itself to the logarithm of x. Of which two things is a power law a straight line?")
def takes_one_logarithm_only(x, y, floor=0.0):
    return fitted(x, y, floor, above=lambda y, floor: y - floor)


@exercise.mistake(hint="Your line goes through the origin. Where does the scale come in?")
def goes_through_the_origin(x, y, floor=0.0):
    return fitted(x, y, floor, centre=False)


@exercise.mistake(hint="You fit x to y and turn the slope round. Which of the two is measured with an error?")
def fits_x_to_y(x, y, floor=0.0):
    return fitted(x, y, floor, swap=True)


@exercise.mistake(hint="You use two of the points. What do the others say?")
def takes_the_first_and_the_last_point(x, y, floor=0.0):
    fitted(x, y, floor)
    ends = torch.stack([x.argmin(), x.argmax()])
    return fitted(x[ends], y[ends], floor)


@exercise.mistake(hint="Scale and exponent have changed places. Which of the two is returned first?")
def returns_the_exponent_first(x, y, floor=0.0):
    return fitted(x, y, floor)[::-1]
