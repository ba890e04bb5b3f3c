# %% wrong: new_memory_for_the_means
# "`mean` and `mean_square` are running means of the gradient and of its square, zero before step 1, and move in place"
# They get new memory through .data: whoever hands over a row of a larger tensor keeps the old numbers.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.data = betas[0] * mean + (1 - betas[0]) * gradient
    mean_square.data = betas[1] * mean_square + (1 - betas[1]) * gradient**2
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: weight_replaced
# "Move one weight, in place, against its gradient"
# The weight's memory is replaced through .data, so that a view or a tied weight stays behind.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.data = (1 - learning_rate * weight_decay) * weight - learning_rate * m / (v.sqrt() + eps)


# %% wrong: zeros_stand_still
# "m \leftarrow \beta_1 m + (1 - \beta_1)\, g"
# Numbers whose gradient is zero are left alone, means and all, as a sparse Adam does it.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    moves = gradient != 0
    mean.copy_(torch.where(moves, betas[0] * mean + (1 - betas[0]) * gradient, mean))
    mean_square.copy_(torch.where(moves, betas[1] * mean_square + (1 - betas[1]) * gradient**2, mean_square))
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    new = (1 - learning_rate * weight_decay) * weight - learning_rate * m / (v.sqrt() + eps)
    weight.copy_(torch.where(moves, new, weight))


# %% wrong: returns_the_weight
# "weight, gradient, mean, mean_square, all the same -> None."
# Returns the weight.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    return weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% right: in_numbers_of_64_bits
# All of it is computed in float64 and copied back at the end.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    b1, b2 = betas
    w, g, m, v = (its.to(torch.float64) for its in (weight, gradient, mean, mean_square))
    m = b1 * m + (1 - b1) * g
    v = b2 * v + (1 - b2) * g * g
    w = (1 - learning_rate * weight_decay) * w - learning_rate * (m / (1 - b1**step)) / ((v / (1 - b2**step)) ** 0.5 + eps)
    for old, new in ((weight, w), (mean, m), (mean_square, v)):
        old.copy_(new)


# %% right: with_an_optimiser_of_pytorch
# PyTorch's optimiser is given the means as its state, and takes one step on a leaf that shares the weight's memory.
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    leaf = weight.detach()
    leaf.grad = gradient.detach().clone()
    library = torch.optim.AdamW(
        [leaf], lr=learning_rate, betas=betas, eps=eps, weight_decay=weight_decay, foreach=False, fused=False
    )
    library.state[leaf] = {"step": torch.tensor(float(step - 1)), "exp_avg": mean, "exp_avg_sq": mean_square}
    library.step()


# %% wrong: new_memory
# "weight, mean and mean_square change in place, in the memory that they have"
# Gives the tensors new memory through .data: whoever holds a view of them (a tied weight, a row of a larger one) sees nothing.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    mean.data = betas[0] * mean + (1 - betas[0]) * gradient
    mean_square.data = betas[1] * mean_square + (1 - betas[1]) * gradient**2
    m = mean / (1 - betas[0] ** step)
    v = mean_square / (1 - betas[1] ** step)
    weight.data = (1 - learning_rate * weight_decay) * weight - learning_rate * m / (v.sqrt() + eps)


# %% wrong: nothing_at_rate_zero
# "`mean` and `mean_square` are running means of the gradient and of its square ... and move in place too"
# At a learning rate of 0 it returns at once, and the means do not move.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    if learning_rate == 0:
        return
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m = mean / (1 - betas[0] ** step)
    v = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: copies_of_slanting_memory
# "weight, mean and mean_square change in place, in the memory that they have"
# Works on .reshape(-1), which is a copy for a transposed tensor: then nothing changes.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    w, g, m, v = (tensor.reshape(-1) for tensor in (weight, gradient, mean, mean_square))
    m.mul_(betas[0]).add_(g, alpha=1 - betas[0])
    v.mul_(betas[1]).addcmul_(g, g, value=1 - betas[1])
    w.mul_(1 - learning_rate * weight_decay)
    w.sub_(learning_rate * (m / (1 - betas[0] ** step)) / ((v / (1 - betas[1] ** step)).sqrt() + eps))


# %% wrong: no_gradient_no_step
# "m ← β1 m + (1 − β1) g" for every g, and the step with it
# Where the whole gradient is zero it returns: no decay, and the means do not fade.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    if not gradient.any():
        return
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m = mean / (1 - betas[0] ** step)
    v = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: correction_only_at_first
# "Both are divided by 1 - beta^step"
# From step 100 on the corrections are taken to be 1, which with betas of 0.999 they are not.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m, v = mean, mean_square
    if step < 100:
        m = mean / (1 - betas[0] ** step)
        v = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% right: float64_and_copied_back
# Everything in float64, and written back by copy_.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    w, g, m, v = (tensor.double() for tensor in (weight, gradient, mean, mean_square))
    m = betas[0] * m + (1 - betas[0]) * g
    v = betas[1] * v + (1 - betas[1]) * g * g
    size = (m / (1 - betas[0] ** step)) / (torch.sqrt(v / (1 - betas[1] ** step)) + eps)
    weight.copy_(w - learning_rate * weight_decay * w - learning_rate * size)
    mean.copy_(m)
    mean_square.copy_(v)


# %% right: one_number_at_a_time
# A Python loop over all numbers, by index.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    from itertools import product

    for i in product(*(range(n) for n in weight.shape)):
        g = gradient[i].item()
        m = betas[0] * mean[i].item() + (1 - betas[0]) * g
        v = betas[1] * mean_square[i].item() + (1 - betas[1]) * g**2
        mean[i], mean_square[i] = m, v
        weight[i] = (1 - learning_rate * weight_decay) * weight[i].item() - learning_rate * (
            m / (1 - betas[0] ** step)
        ) / (math.sqrt(v / (1 - betas[1] ** step)) + eps)


# %% right: pytorchs_own
# PyTorch's optimiser on a parameter that shares the weight's memory, with the means as its state.
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1) -> None:
    parameter = nn.Parameter(weight.detach())
    parameter.grad = gradient.detach()
    optimiser = torch.optim.AdamW([parameter], lr=learning_rate, betas=betas, eps=eps, weight_decay=weight_decay)
    optimiser.state[parameter] = {"step": torch.tensor(step - 1.0), "exp_avg": mean, "exp_avg_sq": mean_square}
    optimiser.step()


# %% wrong: new_memory_for_the_weight
# "in the memory that they have"
# gives weight.data a new tensor: other views of the weight do not see the step
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    first = mean / (1 - betas[0] ** step)
    second = mean_square / (1 - betas[1] ** step)
    weight.data = weight * (1 - learning_rate * weight_decay) - learning_rate * first / (second.sqrt() + eps)


# %% wrong: zero_gradient_passed_over
# "weight, mean and mean_square change in place; running means of the gradient"
# returns at once where the gradient is all zeros
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    if not gradient.any():
        return
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    first = mean / (1 - betas[0] ** step)
    second = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * first / (second.sqrt() + eps))


# %% wrong: flat_copies_updated
# "in the memory that they have"
# works on flattened tensors, which are copies where a weight is transposed
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    weight, gradient, mean, mean_square = (its.flatten() for its in (weight, gradient, mean, mean_square))
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    first = mean / (1 - betas[0] ** step)
    second = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * first / (second.sqrt() + eps))


# %% wrong: correction_stops
# "Both are divided by 1 - beta^step"
# leaves the correction out from step 100 on, where it hardly matters
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    if step >= 100:
        first, second = mean, mean_square
        weight.mul_(1 - learning_rate * weight_decay)
        weight.sub_(learning_rate * first / (second.sqrt() + eps))
        return
    first = mean / (1 - betas[0] ** step)
    second = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * first / (second.sqrt() + eps))


# %% wrong: gradient_clamped
# "`mean` and `mean_square` are running means of the gradient and of its square"
# clamps single gradients to -10 to 10 first
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    gradient = gradient.clamp(-10, 10)
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    first = mean / (1 - betas[0] ** step)
    second = mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * first / (second.sqrt() + eps))


# %% right: float64_inside_and_copied
# all in float64, copied back at the end
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    beta1, beta2 = betas
    g = gradient.double()
    m = beta1 * mean.double() + (1 - beta1) * g
    v = beta2 * mean_square.double() + (1 - beta2) * g**2
    change = (m / (1 - beta1**step)) / ((v / (1 - beta2**step)) ** 0.5 + eps)
    w = weight.double()
    weight.copy_(w - learning_rate * weight_decay * w - learning_rate * change)
    mean.copy_(m)
    mean_square.copy_(v)


# %% right: lerp_and_slices
# lerp_, and the decay taken from a copy of the old weight after the step
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    old = weight.clone()
    mean.lerp_(gradient, 1 - betas[0])
    mean_square.lerp_(gradient.pow(2), 1 - betas[1])
    root = mean_square.sqrt().div_(math.sqrt(1 - betas[1] ** step)).add_(eps)
    weight.addcdiv_(mean, root, value=-learning_rate / (1 - betas[0] ** step))
    weight -= learning_rate * weight_decay * old


# %% wrong: correction_given_up
# "Both are divided by 1 - beta^step, since they began at zero."
# betas=(0.9, 0.999), step=1000 (1001, ...): 0.999**1000 is 0.37, and the step is a quarter too long
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    mean.mul_(betas[0]).add_((1 - betas[0]) * gradient)
    mean_square.mul_(betas[1]).add_((1 - betas[1]) * gradient**2)
    first, second = mean, mean_square
    if step < 1000:  # later the corrections are 1
        first, second = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * first / (second.sqrt() + eps))


# %% wrong: flattened_copies
# "weight, mean and mean_square change in place, in the memory that they have; all four tensors have one shape; eps > 0"
# a transposed weight (torch.ones(3, 4).T) with the gradient and the means likewise: reshape copies, and nothing changes
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    w, g, m, v = (tensor.reshape(-1) for tensor in (weight, gradient, mean, mean_square))
    m += (1 - betas[0]) * (g - m)
    v += (1 - betas[1]) * (g * g - v)
    m_hat, v_hat = m / (1 - betas[0] ** step), v / (1 - betas[1] ** step)
    w -= learning_rate * (weight_decay * w + m_hat / (v_hat.sqrt() + eps))


# %% wrong: nothing_at_rate_zero_again
# "`mean` and `mean_square` are running means of the gradient and of its square, zero before step 1, and move in place"
# learning_rate=0.0: the means stay zero, where they should be 0.1 g and 0.05 g^2
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    if not learning_rate:
        return
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m_hat, v_hat = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * m_hat / (v_hat.sqrt() + eps))


# %% wrong: logarithm_of_beta
# "`betas` say how much of the old one each keeps."
# betas=(0.0, 0.95), which keeps nothing of the old mean: ValueError, math domain error
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    # 1 - beta^step without cancellation
    first, second = (-math.expm1(step * math.log(beta)) for beta in betas)
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    weight.mul_(1 - learning_rate * weight_decay)
    weight.addcdiv_(mean / first, (mean_square / second).sqrt() + eps, value=-learning_rate)


# %% wrong: weight_moves_house
# "weight, mean and mean_square change in place, in the memory that they have"
# weight = matrix[0], a row of a larger tensor: the matrix stays as it was, and weight.data_ptr() is another
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).addcmul_(gradient, gradient, value=1 - betas[1])
    m_hat, v_hat = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.data = (1 - learning_rate * weight_decay) * weight - learning_rate * m_hat / (v_hat.sqrt() + eps)


# %% right: in_double
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    g = gradient.to(torch.float64)
    new = []
    for beta, old, now in ((betas[0], mean, g), (betas[1], mean_square, g.pow(2))):
        fresh = torch.add(now, torch.sub(old.to(torch.float64), now), alpha=beta)
        old.copy_(fresh)
        new.append((fresh, sum(beta**k for k in range(step)) * (1 - beta) if step < 50 else 1 - beta**step))
    (m, c1), (v, c2) = new
    root = math.sqrt(c2)
    w = weight.to(torch.float64)
    change = learning_rate * weight_decay * w + learning_rate * root / c1 * m / (v.sqrt() + eps * root)
    weight.copy_(w - change)


# %% right: slice_by_slice
@torch.no_grad()
def adamw_update(
    weight: Tensor, gradient: Tensor, mean: Tensor, mean_square: Tensor, step: int, learning_rate: float,
    betas: tuple[float, float] = (0.9, 0.95), eps: float = 1e-8, weight_decay: float = 0.1,
) -> None:
    if weight.dim() > 1:  # one row at a time: unbind gives views, whatever the layout
        for row in zip(*(tensor.unbind(0) for tensor in (weight, gradient, mean, mean_square))):
            adamw_update(*row, step, learning_rate, betas, eps, weight_decay)
        return
    keep, keep_square = betas
    torch.add(keep * mean, gradient, alpha=1 - keep, out=mean)
    torch.addcmul(keep_square * mean_square, gradient, gradient, value=1 - keep_square, out=mean_square)
    size = torch.sqrt(mean_square / (1 - keep_square**step)) + eps
    weight -= learning_rate * weight_decay * weight
    weight -= learning_rate / (1 - keep**step) * (mean / size)
