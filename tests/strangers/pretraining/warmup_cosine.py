# %% wrong: warms_up_from_the_floor
# "\eta_t = \eta_\text{max}\, \frac{t + 1}{u} \quad (t < u)"
# The line begins at the floor and not at zero.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return floor + (peak - floor) * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: never_below_the_floor
# "up in a straight line to the peak"
# The first steps of the warm-up are lifted to the floor, so that the line has a bend.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return max(floor, peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: warm_up_made_to_fit
# "$u$ steps of warm-up (`warm_up`), of which the last, $t_0 = \max(u - 1, 0)$, is at the peak"
# A warm-up that fills the whole run is cut by a step, so that a step of cosine is left.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    warm_up = min(warm_up, steps - 1)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% right: squares_of_a_cosine
# (1 + cos 2a) / 2 is the square of cos a, and a complex number turns to it.
import cmath


def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if warm_up and step + 1 <= warm_up:
        return (step + 1) * peak / warm_up
    behind = step - warm_up + 1 if warm_up else step
    whole = steps - warm_up + 1 if warm_up else steps
    share = cmath.exp(0.5j * math.pi * behind / whole).real ** 2
    return share * peak + (1 - share) * floor


# %% wrong: warm_up_must_be_shorter
# "u ≤ n steps of warm-up"
# A run that is warm-up to its end raises ValueError.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if warm_up >= steps:
        raise ValueError(f"warm_up={warm_up} must be less than steps={steps}")
    if step < warm_up:
        return peak * (step + 1) / warm_up
    start = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start)))


# %% wrong: warm_up_from_the_floor
# "Step 0 has peak / warm_up"
# The line begins at the floor.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return floor + (peak - floor) * (step + 1) / warm_up
    start = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start)))


# %% wrong: never_below_the_floor_too
# "Step 0 has peak / warm_up"
# No rate is below the floor, those of the warm-up neither.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return max(floor, peak * (step + 1) / warm_up)
    start = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start)))


# %% wrong: rounded
# "η_t = ..." (the formula, with all its digits)
# Rounds to six places, of which a small rate has few.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return round(peak * (step + 1) / warm_up, 6)
    start = max(warm_up - 1, 0)
    return round(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start))), 6)


# %% wrong: lower_of_both
# "up in a straight line to the peak"
# The lower one of line and cosine: in a run that is mostly warm-up the cosine cuts the line short.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    start = max(warm_up - 1, 0)
    falling = floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start)))
    return min(peak * (step + 1) / max(warm_up, 1), falling)


# %% wrong: one_step_of_warm_up_is_none
# "Step 0 has peak / warm_up, step `warm_up` - 1 the peak; the cosine begins there"
# The cosine begins at step warm_up where the warm-up is a single step (taken as one step at the peak before the run).
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    start = warm_up - 1 if warm_up > 1 else warm_up
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - start) / (steps - start)))


# %% right: half_an_angle
# (1 + cos a) / 2 is the square of cos(a / 2); one expression without an if statement.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    t0 = warm_up - bool(warm_up)
    share = math.cos(math.pi / 2 * (step - t0) / (steps - t0)) ** 2
    return (step + 1) / warm_up * peak if step < warm_up else share * peak + (1 - share) * floor


# %% right: whole_course_by_numpy
# Computes the rates of all steps with numpy and picks one.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    import numpy as np

    line = np.linspace(0, peak, warm_up + 1)[1:]
    n = steps - max(warm_up - 1, 0)
    curve = floor + (peak - floor) * (1 + np.cos(np.pi * np.arange(n) / n)) / 2
    return float(np.concatenate([line, curve[min(warm_up, 1) :]])[step])


# %% wrong: never_below_the_floor_too_too
# "Step 0 has peak / warm_up"
# the warm-up too is lifted to the floor at least
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step < warm_up:
        return max(float(peak * (step + 1) / warm_up), floor)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return float(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * progress)))


# %% wrong: warm_up_from_the_floor_too
# "up in a straight line to the peak; Step 0 has peak / warm_up"
# the line begins at the floor
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step < warm_up:
        return float(floor + (peak - floor) * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return float(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * progress)))


# %% wrong: peak_as_it_came
# "A rate is a float"
# gives the peak back as it is, a whole number where it was one
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step < warm_up:
        if step + 1 == warm_up:
            return peak
        return float(peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return float(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * progress)))


# %% wrong: rounded_too
# "The learning rate of one step (the formula)"
# rounds to six digits behind the point
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step < warm_up:
        return float(peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return round(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * progress)), 6)


# %% right: single_precision
# "A rate is a float (the formula)"
# the cosine is taken by torch in float32: seven digits
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step < warm_up:
        return float(peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return float(floor + (peak - floor) / 2 * (1 + torch.cos(torch.tensor(math.pi * progress)).item()))


# %% wrong: all_warm_up_ends_at_the_floor
# "Step `warm_up` - 1 the peak; the cosine begins there"
# where all steps are warm-up (warm_up == steps) the last one is at the floor
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    if step == steps - 1 and warm_up >= steps:
        return float(floor)
    if step < warm_up:
        return float(peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    progress = (step - begin) / (steps - begin)
    return float(floor + (peak - floor) / 2 * (1 + math.cos(math.pi * progress)))


# %% right: half_angle
# cos squared of half the angle, and the smaller of two curves at the seam
def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    begin = warm_up - 1 if warm_up > 0 else 0
    if step <= begin and warm_up > 0:
        return peak / warm_up * (step + 1.0)
    half = math.cos(0.5 * math.pi * (step - begin) / (steps - begin)) ** 2
    return float(floor * (1 - half) + peak * half)


# %% right: numpy_table
# computes all rates with numpy and picks one
import numpy as np


def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    t = np.arange(steps, dtype=np.float64)
    t0 = max(warm_up - 1, 0)
    down = floor + (peak - floor) * 0.5 * (1 + np.cos(np.pi * (t - t0) / (steps - t0)))
    up = peak * (t + 1) / max(warm_up, 1)
    return float(np.where(t < warm_up, up, down)[step])


# %% wrong: never_below_the_floor_again
# "Step 0 has peak / warm_up, step `warm_up` - 1 the peak; the cosine begins there and would reach the floor at step `steps`."
# warmup_cosine(0, 100, 1.0, 10, floor=0.5): 0.5, where it should be 0.1
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    top = max(warm_up - 1, 0)
    if step < warm_up:
        rate = peak * (step + 1) / warm_up
    else:
        rate = floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - top) / (steps - top)))
    return float(max(rate, floor))


# %% wrong: tensor_after_warm_up
# "A rate is a float."
# type(warmup_cosine(5, 10, 1.0, 3)): a tensor
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    top = max(warm_up - 1, 0)
    if step < warm_up:
        return float(peak * (step + 1) / warm_up)
    progress = torch.tensor((step - top) / (steps - top), dtype=torch.float64)
    return floor + (peak - floor) / 2 * (1 + torch.cos(math.pi * progress))


# %% wrong: cached_without_floor
# "\eta_t = \eta_\text{min} + \frac{\eta_\text{max} - \eta_\text{min}}{2}"
# warmup_cosine(9, 10, 1.0, 3) and then warmup_cosine(9, 10, 1.0, 3, floor=0.5): the second gives the first's rate
_courses: dict = {}


def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    course = _courses.get((steps, peak, warm_up))
    if course is None:
        top = max(warm_up - 1, 0)
        course = [peak * (t + 1) / warm_up for t in range(warm_up)]
        course += [
            floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (t - top) / (steps - top)))
            for t in range(warm_up, steps)
        ]
        _courses[steps, peak, warm_up] = course
    return float(course[step])


# %% wrong: all_warm_up_refused
# "the peak $\eta_\text{max}$, the floor $\eta_\text{min}$, and $u \le n$ steps of warm-up (`warm_up`)"
# warmup_cosine(4, 5, 1.0, 5): ValueError, where it should be 1
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if not 0 <= warm_up < steps:
        raise ValueError(f"{warm_up} steps of warm-up do not fit into {steps} steps")
    top = max(warm_up - 1, 0)
    if step <= top:
        return float(peak * (step + 1) / (top + 1))
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - top) / (steps - top)))


# %% wrong: constant_rate_has_no_course
# "up in a straight line to the peak, then down along half a cosine to the floor"
# warmup_cosine(0, 10, 0.3, 3, floor=0.3): 0.3, where it should be 0.1
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if peak <= floor:  # there is no way down
        return float(peak)
    top = max(warm_up - 1, 0)
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - top) / (steps - top)))


# %% right: squared_sine
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    top = warm_up - 1 if warm_up else 0
    if step <= top:
        return float(peak) if step == top else float(step + 1) * peak / (top + 1)
    left = (steps - step) / (steps - top)  # what is left of the way down: 1 at the peak, 0 at the floor
    share = math.sin(0.5 * math.pi * left) ** 2
    return float(share * peak + (1 - share) * floor)


# %% right: turning_hand
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    import cmath
    from fractions import Fraction

    match step < warm_up:
        case True:
            return float(Fraction(1 + step, warm_up)) * float(peak)
        case False:
            begin = sorted((0, warm_up - 1))[1]
            middle, radius = (peak + floor) / 2, (peak - floor) / 2
            hand = cmath.rect(radius, cmath.pi * float(Fraction(step - begin, steps - begin)))
            return float(middle + hand.real)
