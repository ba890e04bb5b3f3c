# %% wrong: eps_under_the_root
# "\eta\, \frac{\hat m}{\sqrt{\hat v} + \epsilon}"
# eps is added under the root, which matters for small gradients.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v + eps).sqrt())


# %% wrong: eps_before_the_correction
# "Both are divided by 1 - beta^step, since they began at zero."
# eps is added to the root of the mean square before this is corrected, so that it counts for more at first.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    rate = learning_rate * math.sqrt(1 - betas[1] ** step) / (1 - betas[0] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(rate * mean / (mean_square.sqrt() + eps))


# %% wrong: decay_after_the_step
# "The decay shrinks the weight as it was before the step"
# The weight is shrunk after it has moved.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.sub_(learning_rate * m / (v.sqrt() + eps)).mul_(1 - learning_rate * weight_decay)


# %% wrong: decay_in_the_gradient
# "the usual weight decay went through this division too, where it does something else than intended, and took it out: the W."
# Adam with the usual decay: it is added to the gradient.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    gradient = gradient + weight_decay * weight
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: decay_without_the_rate
# "with the decay multiplied by the learning rate, as in PyTorch."
# The decay is not multiplied by the learning rate.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: corrected_means_kept
# "They are only used, not kept."
# The corrected means are written back.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0]).div_(1 - betas[0] ** step)
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1]).div_(1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * mean / (mean_square.sqrt() + eps))


# %% wrong: steps_counted_from_zero
# "`step` counts from 1."
# Takes the step for one that counts from 0, and adds one.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    step = step + 1
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: gradient_squared_in_place
# "weight, mean and mean_square change in place"
# The fourth tensor changes too: the gradient is squared in place.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square_(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    weight.mul_(1 - learning_rate * weight_decay).sub_(learning_rate * m / (v.sqrt() + eps))


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


# %% wrong: no_decay_for_vectors
# "w \leftarrow (1 - \eta\lambda)\, w"
# Only matrices decay, as many training scripts have it.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.mul_(betas[0]).add_(gradient, alpha=1 - betas[0])
    mean_square.mul_(betas[1]).add_(gradient.square(), alpha=1 - betas[1])
    m, v = mean / (1 - betas[0] ** step), mean_square / (1 - betas[1] ** step)
    decay = weight_decay if weight.dim() >= 2 else 0.0
    weight.mul_(1 - learning_rate * decay).sub_(learning_rate * m / (v.sqrt() + eps))


# %% wrong: one_correction_for_both
# "\hat v = \frac{v}{1 - \beta_2^t}"
# Both means are corrected with the first beta.
@torch.no_grad()
def adamw_update(weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1):
    mean.lerp_(gradient, 1 - betas[0])
    mean_square.lerp_(gradient.square(), 1 - betas[1])
    correction = 1 - betas[0] ** step
    weight.mul_(1 - learning_rate * weight_decay)
    weight.sub_(learning_rate * (mean / correction) / ((mean_square / correction).sqrt() + eps))


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
