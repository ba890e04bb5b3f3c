"""`fit_power_law`: a law gives itself back, units change the scale alone; then least squares of the logarithms."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import as_tensors, ending, normal, outcome

exercise = Exercise("fit_power_law")


def some_law(rng: torch.Generator) -> tuple[float, float]:
    """A scale and an exponent."""
    scale, exponent = torch.rand(2, generator=rng).tolist()
    return 5 + 10 * scale, 0.1 + 0.3 * exponent


def sizes() -> Tensor:
    """From a thousand to a hundred million; new ones each time, so that nobody's changes reach the next."""
    return torch.logspace(3, 8, 7, dtype=torch.float64)


def scattered(rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Points about a law without a floor, too far from it for two of them to tell."""
    scale, exponent = some_law(rng)
    noise = 0.3 * normal(rng, len(sizes())).double()
    return sizes(), scale * sizes() ** -exponent * noise.exp()


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


@exercise.promise("Fit y = floor + scale · x^(-exponent)", broken_by="returns_the_slope")
@exercise.promise("The logarithms are those of x and of y - floor", broken_by="ignores_the_floor_of_the_loss")
@exercise.promise("they in float64.", broken_by="takes_the_logarithms_in_float32")
@exercise.promise("n >= 2", broken_by="wants_three_points")
@exercise.promise("two floats", broken_by="gives_tensors")
@exercise.promise("-> scale, exponent", broken_by="returns_the_exponent_first")
@exercise.check(points=0.25)
def a_law_gives_itself_back(fit_power_law, rng):
    """From points that lie on a power law, with a floor or without, come its scale and its exponent."""
    seen = {}
    for words, n, more in (("no floor", 7, {}), ("a floor", 7, {"floor": 1.5}), ("two points", 2, {"floor": 0.5})):
        scale, exponent = some_law(rng)
        y = more.get("floor", 0.0) + scale * sizes()[:n] ** -exponent
        seen[words] = outcome(lambda: fit_power_law(sizes()[:n], y, **more))
    close = 1e6 * (1 + torch.arange(5, dtype=torch.float64) / 20_000)
    scale, exponent = some_law(rng)
    seen["sizes that lie close together"] = fit_power_law(close, scale * close**-exponent)
    short = close.float()
    heights = scale * short.double() ** -exponent
    seen["sizes in float32 that lie close together"] = fit_power_law(short, heights)
    scale, exponent = some_law(rng)
    steep = 1e20 * sizes().float()  # as floating-point operations are counted
    near = 3.1 + 2e-5 * (steep.double() / 1e23) ** -0.05
    scale, exponent = fit_power_law(steep, near.float(), 3.1)
    seen["close above a floor, in float32: the logarithm of the scale, and the exponent"] = math.log(scale), exponent
    seen["points that are whole numbers"] = fit_power_law(torch.tensor([2, 16, 128]), torch.tensor([48, 12, 3]))
    seen["all at one height"] = fit_power_law(sizes(), torch.full((7,), 2.5), 0.5)
    numbers = fit_power_law(sizes()[:4], 7 * sizes()[:4] ** -0.2)
    seen["two floats"] = [isinstance(number, float) for number in numbers]
    return seen | {"a law that rises": fit_power_law(sizes() / 1e3, scale * (sizes() / 1e3) ** exponent)}


@exercise.promise("a straight line through the logarithms", broken_by="takes_one_logarithm_only")
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
        "change": "the units were others",
    }


@exercise.promise("by least squares.", broken_by="takes_the_first_and_the_last_point")
@exercise.promise("and may be negative", broken_by="lifts_a_negative_floor_to_zero")
@exercise.promise("Raises ValueError where a y is not above the floor.", broken_by="lets_points_lie_on_the_floor")
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
        "a floor below zero": fit_power_law(x, y, floor=-2 * floor),
        "several at the same x": fit_power_law(x[[0, 1, 1, 1, 3, 5, 5]], y, floor),
        "every other one": fit_power_law(x[::2], y[::2], floor),
        "a y of zero, no floor": ending(lambda: fit_power_law(x, torch.cat([y[:-1], torch.zeros(1)]))),
        "a y below a floor below zero": ending(lambda: fit_power_law(x, y - 2 * floor, -floor)),
        "one at the floor": ending(lambda: fit_power_law(x, y, y.min().item())),
        "some below it": ending(lambda: fit_power_law(x, y, y.mean().item())),
    }


exercise.aside("`floor` is what y can never fall below", "It says what a floor is, and who knows it.")
exercise.aside(
    "for a loss it is the entropy of the text, which in the village is known.",
    "It says what a floor is, and who knows it.",
)
exercise.edges(
    empty="Two points make a line, none makes any.",
    one="Two points make a line, one makes any.",
    equal="The text asks for x that differ.",
    zero="The text asks for positive numbers.",
    ties="Nothing is chosen among candidates.",
    large="a_law_gives_itself_back",
    small="a_law_gives_itself_back",
    limit="least_squares_of_the_logarithms",
    shapes="a_law_gives_itself_back",
    modes="Numbers have no mode.",
    gradients="Nothing is differentiated.",
    inputs="Nothing is differentiated.",
)


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


@exercise.mistake(hint="Your logarithms have seven digits. What is left of them where all x lie close together?")
def takes_the_logarithms_in_float32(x, y, floor=0.0):
    return fitted(x, y, floor, log=lambda numbers: numbers.float().log())


@exercise.mistake(hint="You return tensors. What turns a tensor of one number into a number?")
def gives_tensors(x, y, floor=0.0):
    return tuple(torch.tensor(number, dtype=torch.float64) for number in fitted(x, y, floor))


@exercise.mistake(hint="A floor below zero counts as zero. What does the text say that it may be?")
def lifts_a_negative_floor_to_zero(x, y, floor=0.0):
    return fitted(x, y, max(floor, 0.0))


@exercise.mistake(hint="You refuse two points. How many lines go through them?")
def wants_three_points(x, y, floor=0.0):
    if len(x) < 3:
        raise ValueError("too few points")
    return fitted(x, y, floor)


@exercise.mistake(hint="A point that lies on the floor is let through. What is the logarithm of nothing?")
def lets_points_lie_on_the_floor(x, y, floor=0.0):
    if (y < floor).any():
        raise ValueError("below the floor")
    return fitted(x, y, floor) if (y > floor).all() else (math.nan, math.nan)


@exercise.mistake(hint="Points that are not above the floor pass without a word. How would the caller learn of it?")
def says_nothing_of_points_below_the_floor(x, y, floor=0.0):
    return fitted(x[y > floor], y[y > floor], floor)


@exercise.mistake(hint="Your slope is right, but your line goes through the first point. Which one has the best?")
def goes_through_the_first_point(x, y, floor=0.0):
    _, exponent = fitted(x, y, floor)
    return (y.double() - floor)[0].item() * x[0].item() ** exponent, exponent
