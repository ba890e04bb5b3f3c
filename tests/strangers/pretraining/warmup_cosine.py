# %% wrong: begins_at_zero
# "Step 0 has peak / warm_up"
# The first step has a rate of zero, and the last of the warm-up is one short of the peak.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * step / warm_up
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: peak_twice
# "step `warm_up` - 1 the peak; the cosine begins there"
# The cosine begins one step later, so that two steps are at the peak.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


# %% wrong: floor_at_the_last_step
# "and would reach the floor at step `steps`."
# The last step that is taken is at the floor already.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / max(steps - 1 - begin, 1)))


# %% wrong: below_zero_without_warm_up
# "Without a warm-up (0) the cosine begins at step 0, at the peak."
# Without a warm-up the cosine begins at step -1, and step 0 is a little below the peak.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    begin = warm_up - 1
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: warms_up_from_the_floor
# "\eta_t = \eta_\text{max}\, \frac{t + 1}{u} \quad (t < u)"
# The line begins at the floor and not at zero.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return floor + (peak - floor) * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: cut_off_at_the_floor
# "then down along half a cosine to the floor."
# The cosine goes down to zero, and what is below the floor is lifted to it.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    return max(floor, peak / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin))))


# %% wrong: never_below_the_floor
# "up in a straight line to the peak"
# The first steps of the warm-up are lifted to the floor, so that the line has a bend.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return max(floor, peak * (step + 1) / warm_up)
    begin = max(warm_up - 1, 0)
    return floor + (peak - floor) / 2 * (1 + math.cos(math.pi * (step - begin) / (steps - begin)))


# %% wrong: one_step_above_the_peak
# "\left(1 + \cos\left(\pi\, \frac{t - t_0}{n - t_0}\right)\right) \quad (t \ge u)"
# The warm-up goes on for one step too long, and over the peak.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step <= warm_up and warm_up > 0:
        return peak * (step + 1) / warm_up
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


# %% wrong: floor_is_a_share
# "the floor $\eta_\text{min}$"
# The floor is taken as a share of the peak, which is the same only for a peak of 1.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    if step < warm_up:
        return peak * (step + 1) / warm_up
    begin = max(warm_up - 1, 0)
    share = (1 + math.cos(math.pi * (step - begin) / (steps - begin))) / 2
    return peak * (floor + (1 - floor) * share)


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


# %% right: a_table_of_all_rates
# The rates of the whole run as one tensor, of which one is returned.
def warmup_cosine(step: int, steps: int, peak: float, warm_up: int, floor: float = 0.0) -> float:
    t = torch.arange(max(steps, step + 1), dtype=torch.float64)
    begin = warm_up - 1 if warm_up > 0 else 0
    rates = floor + (peak - floor) * (0.5 + 0.5 * torch.cos(torch.pi * (t - begin) / max(steps - begin, 1)))
    if warm_up > 0:
        rates[:warm_up] = peak * (t[:warm_up] + 1) / warm_up
    return rates[step].item()
