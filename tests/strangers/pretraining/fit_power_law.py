# %% wrong: a_point_on_the_floor
# "Raises ValueError where a y is not above the floor."
# A y that is exactly the floor is let through, and its logarithm is minus infinity.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y < floor).any():
        raise ValueError("a point lies below the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: points_left_out
# "`floor` is what y can never fall below."
# Points that are not above the floor are left out without a word.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    above = y > floor
    if above.sum() < 2:
        raise ValueError("fewer than two points lie above the floor")
    u, v = x[above].double().log(), (y[above].double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: lifted_above_the_floor
# "x (n) and y (n), n >= 2, positive, y above the floor"
# Points below the floor are lifted to a millionth above it, and nothing is raised.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    u, v = x.double().log(), (y.double() - floor).clamp(min=1e-6).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: logarithms_of_32_bits
# "Take both logarithms in float64"
# Takes them in float32: points that lie close together far out are no line any more.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.float().log(), (y.float() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: three_points_wanted
# "By hand.** Two points and a floor of 1"
# Two points are refused, since any line goes through them.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if len(x) < 3:
        raise ValueError("a line through two points says nothing")
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% right: of_the_standard_library
# statistics.linear_regression on Python's own numbers, with logarithms to the base 10.
import statistics


def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    heights = [number - floor for number in y.tolist()]
    if min(heights) <= 0:
        raise ValueError(f"y={min(heights) + floor} is not above the floor of {floor}")
    line = statistics.linear_regression([math.log10(number) for number in x.tolist()], [math.log10(h) for h in heights])
    return 10**line.intercept, -line.slope


# %% right: by_qr
# A matrix of ones and minus logarithms, taken apart into a rotation and a triangle.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    above = y.to(torch.float64) - floor
    if bool((above <= 0).any()):
        raise ValueError("the floor is too high")
    matrix = torch.stack([torch.ones_like(above), -x.to(torch.float64).log()], dim=1)
    q, r = torch.linalg.qr(matrix)
    log_scale, exponent = torch.linalg.solve_triangular(r, q.T @ above.log().unsqueeze(1), upper=True).flatten().tolist()
    return math.exp(log_scale), exponent


# %% wrong: all_in_float32
# "The logarithms are those of x and of y - floor, in float64."
# Takes the logarithms in the dtype that came.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.float().log(), (y.float() - floor).log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: difference_in_float32
# "The logarithms are those of x and of y - floor, in float64."
# Subtracts the floor first, in float32, and makes it float64 after.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.double().log(), (y - floor).double().log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: at_the_floor_is_fine
# "Raises ValueError where a y is not above the floor."
# Raises only where a y is below the floor; at the floor it gives nan.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y.double() < floor).any():
        raise ValueError("y must not be below the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: tensors
# "-> tuple[float, float]"
# Gives two tensors of float64, which print and compute much like numbers.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y.double() <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return (v.mean() - slope * u.mean()).exp(), -slope


# %% wrong: last_of_equal_x
# "with bars for means over the points", sums over all i; "not all x equal" (some may be)
# A dictionary from x to y: of several runs at the same x only the last one counts.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    points = dict(zip(x.double().tolist(), y.double().tolist()))
    if min(y.double().tolist()) <= floor:
        raise ValueError("y must be above the floor")
    u = torch.tensor([math.log(key) for key in points], dtype=torch.float64)
    v = torch.tensor([math.log(value - floor) for value in points.values()], dtype=torch.float64)
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: never_growing
# "y = L∞ + a x^(−b)", "−b = ..." (b has whatever sign the points give it)
# The exponent is made positive: a law that grows gets the wrong one.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y.double() <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    u0 = u - u.mean()
    slope = -abs((u0 * v).sum() / (u0 * u0).sum())
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: little_something_below
# "−b = Σ ... / Σ (log x_i − mean)²"
# 1e-6 below the fraction against division by zero: points that are close in x give too small an exponent.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if (y.double() <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / ((u0 * u0).sum() + 1e-6)
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: floor_must_be_positive
# "Raises ValueError where a y is not above the floor." (and nowhere else)
# A floor below 0 is taken as 0.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    floor = max(floor, 0.0)
    if (y.double() <= floor).any():
        raise ValueError("y must be above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    u0 = u - u.mean()
    slope = (u0 * v).sum() / (u0 * u0).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% right: all_pairs_of_points
# The slope from the differences of all pairs of points, in Python's own numbers; base 2.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    points = []
    for a, b in zip(x.tolist(), y.tolist()):
        if not b > floor:
            raise ValueError(f"{b} is not above {floor}")
        points.append((math.log2(a), math.log2(b - floor)))
    over = math.fsum((p[0] - q[0]) * (p[1] - q[1]) for p in points for q in points)
    under = math.fsum((p[0] - q[0]) ** 2 for p in points for q in points)
    b = -over / under
    return 2 ** (math.fsum(p[1] + b * p[0] for p in points) / len(points)), b


# %% right: polyfit
# numpy's polyfit in log10.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    import numpy as np

    u, z = x.detach().cpu().double().numpy(), y.detach().cpu().double().numpy() - floor
    if z.min() <= 0:
        raise ValueError("not above the floor")
    slope, height = np.polyfit(np.log10(u), np.log10(z), 1)
    return float(10**height), float(-slope)


# %% wrong: difference_in_single_precision
# "the difference and they in float64"
# subtracts the floor in y's own type and widens afterwards
def fit_power_law(x, y, floor=0.0):
    height = (y - floor).double()
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: logarithm_in_single_precision
# "The logarithms [...] in float64"
# takes the logarithm of x in its own type and widens afterwards
def fit_power_law(x, y, floor=0.0):
    height = y.double() - floor
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.log().double(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: equal_to_the_floor_passes
# "Raises ValueError where a y is not above the floor"
# raises only below the floor; on it the result is NaN
def fit_power_law(x, y, floor=0.0):
    height = y.double() - floor
    if (height < 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: negative_floor_raised
# "`floor` [...] may be negative"
# a negative floor is taken as 0
def fit_power_law(x, y, floor=0.0):
    floor = max(floor, 0.0)
    height = y.double() - floor
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: rising_refused
# "Raises ValueError where a y is not above the floor (and nowhere else)"
# raises where y rises with x, since a loss falls
def fit_power_law(x, y, floor=0.0):
    height = y.double() - floor
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    if slope >= 0:
        raise ValueError("the losses do not fall")
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% wrong: tensors_returned
# "-> scale, exponent, two floats"
# returns two tensors ()
def fit_power_law(x, y, floor=0.0):
    height = y.double() - floor
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return (v.mean() - slope * u.mean()).exp(), -slope


# %% wrong: equal_x_drawn_together
# "by least squares, over the points"
# points of one x are replaced by their mean first, so they count once together
def fit_power_law(x, y, floor=0.0):
    height = y.double() - floor
    if (height <= 0).any():
        raise ValueError("every y has to lie above the floor")
    u, v = x.double().log(), height.log()
    places, where = torch.unique(u, return_inverse=True)
    v = torch.stack([v[where == i].mean() for i in range(len(places))])
    u = places
    slope = ((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum()
    return float((v.mean() - slope * u.mean()).exp()), float(-slope)


# %% right: polyfit_too
# numpy's polyfit
import numpy as np


def fit_power_law(x, y, floor=0.0):
    x, y = (np.array(its.tolist(), dtype=np.float64) for its in (x, y))
    if not np.all(y - floor > 0):
        raise ValueError("not above the floor")
    slope, start = np.polyfit(np.log(x), np.log(y - floor), 1)
    return float(np.exp(start)), -float(slope)


# %% right: pure_python_in_bits
# Python's floats, logarithms to base 2, all pairs of points weighted by their distance squared
def fit_power_law(x, y, floor=0.0):
    xs, ys = [float(its) for its in x], [float(its) - float(floor) for its in y]
    if min(ys) <= 0:
        raise ValueError("a y is not above the floor")
    u, v = [math.log2(its) for its in xs], [math.log2(its) for its in ys]
    pairs = [(i, j) for i in range(len(u)) for j in range(i)]
    slope = math.fsum((u[i] - u[j]) * (v[i] - v[j]) for i, j in pairs) / math.fsum((u[i] - u[j]) ** 2 for i, j in pairs)
    return 2.0 ** ((sum(v) - slope * sum(u)) / len(u)), -slope


# %% wrong: difference_in_float32_again
# "The logarithms are those of x and of y - floor, the difference and they in float64."
# y = floor + 1e-6 x^-0.5 in float32, floor = 1.1 (which float32 does not have): the difference is off by up to a float32 step of 1.1, and the exponent by several percent
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    above = y - floor
    if not (above > 0).all():
        raise ValueError("a y is not above the floor")
    log_x, log_y = x.double().log(), above.double().log()
    centred = log_x - log_x.mean()
    slope = (centred * log_y).sum() / centred.square().sum()
    return math.exp(log_y.mean() - slope * log_x.mean()), float(-slope)


# %% wrong: one_y_for_each_x
# "Its slope by least squares is, with bars for means over the points"
# x = [1, 1, 100], y = [2, 8, 1]: of the two points at 1 only the last is left; exponent 0.452, where it should be 0.301
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    points = dict(zip(x.double().tolist(), y.double().tolist()))  # sorted by x below
    if any(not height > floor for height in y.double().tolist()):
        raise ValueError("a y is not above the floor")
    log_x = torch.tensor([math.log(place) for place in sorted(points)], dtype=torch.float64)
    log_y = torch.tensor([math.log(points[place] - floor) for place in sorted(points)], dtype=torch.float64)
    centred = log_x - log_x.mean()
    slope = (centred * log_y).sum() / centred.square().sum()
    return math.exp(log_y.mean() - slope * log_x.mean()), float(-slope)


# %% wrong: only_falling_laws
# "Fit y = floor + scale · x^(-exponent): a straight line through the logarithms, by least squares."
# y = 2 x^0.5, which rises: exponent 0.5, where it should be -0.5
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    log_x, above = x.double().log(), y.double() - floor
    if above.min() <= 0:
        raise ValueError("a y is not above the floor")
    log_y = above.log()
    centred = log_x - log_x.mean()
    slope = (centred * log_y).sum() / centred.square().sum()
    scale = torch.exp(log_y.mean() - slope * log_x.mean())
    return scale.item(), abs(slope.item())


# %% wrong: equal_to_the_floor
# "Raises ValueError where a y is not above the floor."
# x = [1, 2, 4], y = [3, 2, 1], floor=1: the last y is at the floor and not above it; no error, but nan or infinite numbers
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    log_x, above = x.double().log(), y.double() - floor
    if above.min() < 0:
        raise ValueError(f"the least y is {-above.min():.3g} below the floor")
    log_y = above.log()
    centred = log_x - log_x.mean()
    slope = (centred * log_y).sum() / centred.square().sum()
    return (log_y.mean() - slope * log_x.mean()).exp().item(), -slope.item()


# %% right: all_pairs
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    heights = [float(height) - floor for height in y.tolist()]
    if not all(height > 0 for height in heights):
        raise ValueError("a y is not above the floor")
    points = [(math.log(place), math.log(height)) for place, height in zip(x.tolist(), heights)]
    up = down = 0.0
    for i, (a, c) in enumerate(points):
        for b, d in points[:i]:
            up, down = up + (a - b) * (c - d), down + (a - b) ** 2
    exponent = -up / down
    scale = math.exp(math.fsum(c + exponent * a for a, c in points) / len(points))
    return scale, exponent


# %% right: library_least_squares
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    above = y.detach().to(torch.float64).cpu() - floor
    if not bool(torch.all(above > 0)):
        raise ValueError("the floor is too high")
    log_x = x.detach().to(torch.float64).cpu().log2()
    middle = log_x.mean()
    design = torch.stack([torch.ones_like(log_x), middle - log_x], dim=1)
    at_the_middle, exponent = torch.linalg.lstsq(design, above.log2().unsqueeze(1)).solution.flatten().tolist()
    return 2.0 ** (at_the_middle + exponent * float(middle)), exponent
