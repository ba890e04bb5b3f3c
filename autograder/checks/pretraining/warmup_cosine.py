"""`warmup_cosine`: the peak at the end of the warm-up, half a cosine to the floor, every rate of short runs."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from autograder.checking.topic import Exercise

exercise = Exercise("warmup_cosine")


def rates(warmup_cosine: Callable, steps: int, *args: Any, **more: Any) -> list[float]:
    return [warmup_cosine(step, steps, *args, **more) for step in range(steps)]


def schedule(
    step: int,
    steps: int,
    peak: float,
    warm_up: int,
    floor: float = 0.0,
    *,
    first: int = 1,
    start: int | None = None,
    end: int | None = None,
    low: float = 0.0,
    shape: Callable[[float], float] = lambda progress: (1 + math.cos(math.pi * progress)) / 2,
) -> float:
    """The rate with its parts to choose, so that one of them can be wrong."""
    if step < warm_up:
        return low + (peak - low) * (step + first) / warm_up
    start, end = max(warm_up - 1, 0) if start is None else start, steps if end is None else end
    return floor + (peak - floor) * shape((step - start) / max(end - start, 1))


@exercise.promise("A rate is a float.", broken_by="gives_a_tensor")
@exercise.promise("step `warm_up` - 1 the peak", broken_by="begins_at_zero")
@exercise.promise("the cosine begins there", broken_by="the_peak_comes_twice")
@exercise.check(points=0.25)
def the_peak_is_at_the_end_of_the_warm_up(warmup_cosine, rng):
    """The rate rises in equal steps from peak / warm_up to the peak, at step warm_up - 1, and falls without a jump."""
    peak = 0.5 + torch.rand((), generator=rng).item()
    all_rates = rates(warmup_cosine, 60, peak, 8)
    return {
        "the first eight rates": all_rates[:8],
        "a float each": all(isinstance(rate, float) for rate in all_rates),
        "a float each, from whole numbers": all(isinstance(rate, float) for rate in rates(warmup_cosine, 6, 2, 3, 0)),
        "as shares of a small peak": [rate * 1e5 / peak for rate in rates(warmup_cosine, 30, peak * 1e-5, 4)],
        "the largest rate": max(all_rates),
        "at step": all_rates.index(max(all_rates)),
        "the first four steps down": [before - after for before, after in pairwise(all_rates[7:12])],
    }


@exercise.promise("then down along half a cosine", broken_by="goes_down_in_a_line")
@exercise.promise("to the floor.", broken_by="ignores_the_floor")
@exercise.check(points=0.25)
def down_half_a_cosine(warmup_cosine, rng):
    """Without a warm-up the rate is the peak at first, halfway down after half of the steps, at the end the floor."""
    floor, height = (0.5 + torch.rand(2, generator=rng)).tolist()
    parts = {"at first": 0, "after a quarter": 2500, "after half": 5000, "after three quarters": 7500, "at last": 9999}
    return {
        f"floor {'given' if low else '0'}, {words}": warmup_cosine(step, 10_000, low + height, 0, **more)
        for low, more in ((0.0, {}), (floor, {"floor": floor}))
        for words, step in parts.items()
    }


@exercise.promise("up in a straight line to the peak", broken_by="warms_up_above_the_floor")
@exercise.promise("Steps count from 0 to `steps` - 1.", broken_by="counts_from_one")
@exercise.promise("Step 0 has peak / warm_up", broken_by="warms_up_from_the_floor")
@exercise.promise("would reach the floor at step `steps`", broken_by="reaches_the_floor_one_step_early")
@exercise.promise(
    "Without a warm-up (0) the cosine begins at step 0, at the peak.", broken_by="begins_before_the_first_step"
)
@exercise.check(points=0.25)
def all_rates_of_short_runs(warmup_cosine, rng):
    """Every rate is right, whatever the numbers of steps, also where the warm-up is one step, or all of them."""
    peak = 1 + torch.rand((), generator=rng).item()
    floor = 0.3 * peak
    return {
        f"{steps} steps, {warm_up} of them warm-up": rates(warmup_cosine, steps, peak, warm_up, floor)
        for steps, warm_up in ((9, 0), (9, 1), (12, 4), (5, 5), (1, 0), (1, 1), (7, 2))
    } | {
        "steps in any order, and runs by turns": [
            warmup_cosine(step, steps=steps, peak=high, warm_up=warm_up, floor=low)
            for step in torch.randperm(11, generator=rng).tolist()
            for steps, high, warm_up, low in (
                (11, peak, 3, floor),
                (11, 2 * peak, 3, floor),
                (11, peak, 3, floor / 2),
                (11, peak, 4, floor),
                (12, peak, 3, floor),
            )
        ],
        "a run of millions of steps": [
            warmup_cosine(step, 5_000_000, peak, 2_000_000) for step in (0, 900_000, 1_999_999, 2_000_000, 4_999_999)
        ],
        "a floor as high as the peak": rates(warmup_cosine, 6, peak, 2, peak),
        "a peak of zero": rates(warmup_cosine, 4, 0.0, 2),
    }


exercise.edges(
    empty="A run without steps has no rate.",
    one="all_rates_of_short_runs",
    equal="all_rates_of_short_runs",
    zero="all_rates_of_short_runs",
    ties="Nothing is chosen among candidates.",
    large="down_half_a_cosine",
    small="down_half_a_cosine",
    limit="all_rates_of_short_runs",
    shapes="A rate is a single number.",
    modes="Numbers have no mode.",
    gradients="Numbers have no gradient.",
    inputs="Numbers have no gradient.",
)


@exercise.mistake(
    hint="Your first step has a rate of zero, so it moves nothing. Which share of the peak is step 0 to have?"
)
def begins_at_zero(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, first=0, start=warm_up)


@exercise.mistake(
    hint="Your rate falls when the warm-up ends, since the cosine counts the warm-up's steps too. Where should the "
    "cosine begin?"
)
def the_cosine_counts_the_warm_up(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, start=0)


@exercise.mistake(
    hint="The peak comes twice. If step warm_up - 1 has it already, how far along is the cosine at the next step?"
)
def the_peak_comes_twice(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, start=warm_up)


@exercise.mistake(
    hint="The cosine is spread over all steps beginning at the end of the warm-up, so it never comes down. How many "
    "steps are left for it?"
)
def the_cosine_is_too_long(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, end=steps + max(warm_up - 1, 0))


@exercise.mistake(hint="Your rate reaches the floor at the last step. At which step would it, by the docstring?")
def reaches_the_floor_one_step_early(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, end=steps - 1)


@exercise.mistake(hint="Your rate goes down to zero. Where do you use `floor`?")
def ignores_the_floor(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up)


@exercise.mistake(
    hint="You add the floor to the whole cosine, so the rate begins above the peak. How far is it from the floor to "
    "the peak?"
)
def adds_the_floor_on_top(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up) + (floor if step >= warm_up else 0.0)


@exercise.mistake(
    hint="You cut the cosine off at the floor. Where would the middle between peak and floor then be reached?"
)
def cuts_off_at_the_floor(step, steps, peak, warm_up, floor=0.0):
    rate = schedule(step, steps, peak, warm_up)
    return rate if step < warm_up else max(rate, floor)


@exercise.mistake(hint="Your warm-up begins at the floor. What is peak / warm_up?")
def warms_up_from_the_floor(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, low=floor)


@exercise.mistake(hint="You go down in a straight line. Where is the cosine?")
def goes_down_in_a_line(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: 1 - progress)


@exercise.mistake(hint="`math.cos` counts in radians. How much is half a turn?")
def takes_degrees(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: (1 + math.cos(180 * progress)) / 2)


@exercise.mistake(hint="Your rate comes up again: a whole turn of the cosine. How much of a turn leads from 1 to -1?")
def turns_all_the_way_round(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: (1 + math.cos(math.tau * progress)) / 2)


@exercise.mistake(
    hint="You take a quarter of a turn, which falls slowly at first and steeply at last. Which part is flat at both "
    "ends?"
)
def takes_a_quarter_of_a_turn(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, shape=lambda progress: math.cos(math.pi / 2 * progress))


@exercise.mistake(
    hint="The first rates of your warm-up are lifted to the floor, so the line has a bend. Where does the text have it?"
)
def warms_up_above_the_floor(step, steps, peak, warm_up, floor=0.0):
    rate = schedule(step, steps, peak, warm_up, floor)
    return max(rate, floor) if step < warm_up else rate


@exercise.mistake(hint="You take step 0 for the one before the first. From which number do the steps count?")
def counts_from_one(step, steps, peak, warm_up, floor=0.0):
    return schedule(step - 1, steps, peak, warm_up, floor)


@exercise.mistake(
    hint="Without a warm-up your first rate is a little below the peak. Where does the cosine begin if `warm_up` is 0?"
)
def begins_before_the_first_step(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor, start=warm_up - 1)


@exercise.mistake(hint="Your warm-up goes on for one step too long, over the peak. At which step is it reached?")
def goes_over_the_peak(step, steps, peak, warm_up, floor=0.0):
    return peak * (step + 1) / warm_up if step == warm_up > 0 else schedule(step, steps, peak, warm_up, floor)


@exercise.mistake(hint="Your rate is a tensor. What would an optimiser's state look like after it is saved?")
def gives_a_tensor(step, steps, peak, warm_up, floor=0.0):
    return torch.tensor(schedule(step, steps, peak, warm_up, floor))


@exercise.mistake(hint="You take the floor for a share of the peak. In which unit is it given?")
def takes_the_floor_for_a_share(step, steps, peak, warm_up, floor=0.0):
    return schedule(step, steps, peak, warm_up, floor * peak)
