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


# %% wrong: through_the_ends
# "Its slope by least squares is, with bars for means over the points"
# The slope of the line through the first and the last point.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float((v[-1] - v[0]) / (u[-1] - u[0]))
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: from_y_to_x
# "\frac{\sum_i \left(\log x_i - \overline{\log x}\right) \log (y_i - L_\infty)}"
# The line that foretells log x from log y, turned round: the same where all points lie on it, steeper where not.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((v - v.mean()) ** 2).sum() / ((v - v.mean()) * (u - u.mean())).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), -slope


# %% wrong: squares_of_the_losses_themselves
# "a straight line through the logarithms, by least squares."
# From that line it goes on to the least squares in y itself (Gauss and Newton), which weighs the large y more.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    start = float(v.mean()) - slope * float(u.mean())
    line = torch.tensor([start, slope], dtype=torch.float64)
    for _ in range(50):
        fitted = (line[0] + line[1] * u).exp()
        slopes = torch.stack([fitted, fitted * u], dim=1)
        line = line + torch.linalg.lstsq(slopes, (v.exp() - fitted)[:, None]).solution[:, 0]
    return float(line[0].exp()), -float(line[1])


# %% wrong: scale_of_the_first_point
# "The line goes through the point of both means, which gives $\log a$."
# The slope is right, but the line is laid through the first point.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v[0]) - slope * float(u[0])), -slope


# %% wrong: floor_only_asked_about
# "With the floor $L_\infty$, which no reader can go below, a power law in $x$ is a straight line in logarithms"
# The floor is only asked about and never taken away.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), y.double().log()
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


# %% wrong: slope_returned
# "Fit y = floor + scale · x^(-exponent)"
# Returns the slope, which is minus the exponent.
def fit_power_law(x: Tensor, y: Tensor, floor: float = 0.0) -> tuple[float, float]:
    if not (y > floor).all():
        raise ValueError("a point is not above the floor")
    u, v = x.double().log(), (y.double() - floor).log()
    slope = float(((u - u.mean()) * v).sum() / ((u - u.mean()) ** 2).sum())
    return math.exp(float(v.mean()) - slope * float(u.mean())), slope


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
