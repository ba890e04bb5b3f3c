# %% wrong: always_that_long
# "a length that is not too large is left as it is."
# Short gradients are stretched to the largest length.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if length > 0:
        for gradient in gradients:
            gradient.mul_(max_norm / length)
    return length


# %% wrong: new_gradients
# "changes each parameter.grad"
# Each parameter gets a new gradient; the old tensor, which others may hold, is left as it was.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    length = torch.stack([parameter.grad.norm() for parameter in parameters]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for parameter in parameters:
        parameter.grad = parameter.grad * factor
    return length


# %% wrong: zeros_where_there_was_none
# "Parameters without a gradient are skipped"
# They get a gradient of zeros, so that an optimiser moves them afterwards.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return length


# %% wrong: zero_means_off
# "so that their joint length is at most `max_norm`."
# A largest length of 0 switches clipping off, as in many a trainer.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if max_norm and length > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / length)
    return length


# %% wrong: zero_over_zero
# "g \leftarrow g \cdot \min\left(1,\ \frac{\text{max norm}}{\lVert g \rVert}\right)"
# Divides by the length first: gradients that are all zero become NaN.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    for gradient in gradients:
        gradient.div_(length).mul_(length.clamp(max=max_norm))
    return length


# %% right: one_long_row
# All numbers of all gradients laid into one row of float64, and written back from it.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    own = [parameter.grad for parameter in parameters if parameter.grad is not None]
    row = torch.cat([gradient.reshape(-1).double() for gradient in own])
    length = (row @ row).sqrt()
    if length > max_norm:
        row = row * (max_norm / length)
        for gradient, piece in zip(own, row.split([gradient.numel() for gradient in own])):
            gradient.copy_(piece.view_as(gradient))
    return length.to(own[0].dtype)


# %% right: hypotenuses
# The length grows number by number, as the hypotenuse over the length so far and the next number.
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    length, found = 0.0, []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        found.append(parameter.grad)
        for number in parameter.grad.detach().flatten().tolist():
            length = math.hypot(length, number)
    if length > max_norm:
        with torch.no_grad():
            for gradient in found:
                gradient *= max_norm / length
    return torch.tensor(length)


# %% wrong: new_gradients_too
# "changes each parameter.grad in place"
# Gives each parameter a new gradient; whoever holds the old tensor (a bucket, a flat buffer) sees it unclipped.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    parameters = [parameter for parameter in parameters if parameter.grad is not None]
    length = torch.stack([parameter.grad.norm() for parameter in parameters]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for parameter in parameters:
        parameter.grad = parameter.grad * factor
    return length


# %% wrong: no_length_no_quotient
# "g · min(1, max norm / ‖g‖)"; "gradients that are not too long are left as they are"
# Divides Python numbers: gradients that are all zero raise ZeroDivisionError.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))
    factor = min(1.0, max_norm / length)
    for gradient in gradients:
        gradient.mul_(factor)
    return torch.tensor(length)


# %% wrong: frozen_ones_skipped
# "a parameter whose .grad is None is passed over" (and no other)
# Passes over parameters that are frozen by now (requires_grad False), though they have a gradient.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [p.grad for p in parameters if p.requires_grad and p.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm() if gradients else torch.tensor(0.0)
    factor = (max_norm / length).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return length


# %% wrong: first_one_needs_a_gradient
# "Parameters without a gradient are skipped; one at least has one."
# Asks the first parameter's gradient for its device; where it is None: AttributeError.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    parameters = list(parameters)
    square = torch.zeros((), device=parameters[0].grad.device)
    for parameter in parameters:
        if parameter.grad is not None:
            square += parameter.grad.square().sum()
    length = square.sqrt()
    factor = (max_norm / length).clamp(max=1.0)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
    return length


# %% wrong: copies_of_slanting_gradients
# "Shorten all gradients together, in place"
# Shortens .reshape(-1) of each, which is a copy where the gradient's memory is not in a row (a transposed one).
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    rows = [parameter.grad.reshape(-1) for parameter in parameters if parameter.grad is not None]
    length = torch.cat(rows).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for row in rows:
        row.mul_(factor)
    return length


# %% wrong: zero_means_no_clipping
# "so that their joint length is at most `max_norm`"
# A max_norm of 0 turns clipping off, as in many training scripts.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if max_norm and length > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / length)
    return length


# %% right: foreach
# PyTorch's functions on whole lists; the factor is 1 or less by an if.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if isinstance(parameter.grad, Tensor)]
    length = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
    if length > max_norm:
        torch._foreach_mul_(gradients, float(max_norm / length))
    return length


# %% right: sum_in_float64
# The sum of squares in float64 by Python, the quotient by subtraction: g - (1 - factor) g. Returns a number.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [g for g in map(lambda parameter: parameter.grad, parameters) if g is not None]
    length = math.sqrt(math.fsum(float((g.double() ** 2).sum()) for g in gradients))
    if length > max_norm:
        for g in gradients:
            g.copy_(g.double() * (max_norm / length))
    return length


# %% wrong: zero_means_no_clipping_too
# "so that their joint length is at most `max_norm`"
# a max_norm of 0 switches clipping off
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if not max_norm:
        return norm
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


# %% wrong: frozen_passed_over
# "one that is frozen (requires_grad=False) and has a gradient is not [passed over]"
# only parameters that learn
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.requires_grad and parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


# %% wrong: length_zero_divides
# "gradients that are not too long are left as they are"
# a Python division by the length: gradients of zeros raise ZeroDivisionError
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = min(1.0, max_norm / norm.item())
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


# %% right: squares_in_their_own_type
# "The joint length is the Euclidean norm of all their numbers"
# sums the squares in the gradients' type: float16 overflows above 255, and everything becomes zero
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = sum((gradient * gradient).sum() for gradient in gradients).sqrt()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


# %% wrong: new_gradient_tensors
# "changes each parameter.grad in place, in the memory that it has"
# puts new tensors in the place of the gradients where they are too long
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    parameters = list(parameters)
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    if factor < 1:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad * factor
    return norm


# %% wrong: flat_copies_multiplied
# "in place, in the memory that it has"
# multiplies flattened gradients, which are copies where one is transposed
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.flatten().mul_(factor)
    return norm


# %% wrong: single_numbers_not_shortened
# "All are multiplied by the same factor, so the direction stays"
# one factor for matrices, and 1 for single numbers (gains, temperatures: shape ())
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        if gradient.dim() > 0:
            gradient.mul_(factor)
    return norm


# %% right: first_type_only
# "Parameters without a gradient are skipped, and no others"
# only gradients of the first one's type are counted and shortened
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    gradients = [gradient for gradient in gradients if gradient.dtype == gradients[0].dtype]
    norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / norm).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return norm


# %% right: math_hypot
# Python floats, math.fsum of squares in float64, gradients divided
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    held = []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        held.append(parameter.grad)
    length = math.sqrt(math.fsum(float(g.double().square().sum()) for g in held))
    if length > max_norm:
        for g in held:
            g *= max_norm / length
    return length


# %% right: one_long_row_too
# concatenates all gradients and copies the clipped row back in pieces
@torch.no_grad()
def clip_gradients(parameters, max_norm):
    held = [its.grad for its in list(parameters) if its.grad is not None]
    row = torch.cat([g.reshape(-1).double() for g in held])
    length = torch.linalg.vector_norm(row)
    if bool(length > max_norm):
        row = row / length * max_norm
        for g, piece in zip(held, row.split([g.numel() for g in held])):
            g.copy_(piece.reshape(g.shape))
    return length.float()


# %% wrong: missing_become_zero
# "changes each parameter.grad in place, in the memory that it has; a parameter whose .grad is None is passed over"
# two parameters, one of them without a gradient: its .grad is zeros afterwards, where it should still be None (so that AdamW would decay it)
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    parameters = list(parameters)
    for parameter in parameters:
        if parameter.grad is None:  # adds nothing to the length
            parameter.grad = torch.zeros_like(parameter)
    length = torch.stack([parameter.grad.norm() for parameter in parameters]).norm()
    if length > max_norm:
        for parameter in parameters:
            parameter.grad.mul_(max_norm / length)
    return length


# %% wrong: new_memory
# "changes each parameter.grad in place, in the memory that it has"
# buffer = torch.tensor([3.0, 4.0]); parameter.grad = buffer[:]; max_norm=1: the buffer stays 3, 4
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for gradient in gradients:
        gradient.data = gradient * factor if factor < 1 else gradient.data
    return length


# %% wrong: zero_divided
# "gradients that are not too long are left as they are"
# a parameter whose gradient is all zeros: ZeroDivisionError
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = math.hypot(*(gradient.norm().item() for gradient in gradients))
    factor = min(1.0, max_norm / length)
    for gradient in gradients:
        gradient.mul_(factor)
    return torch.tensor(length)


# %% wrong: only_packed_gradients
# "The joint length is the Euclidean norm of all their numbers in one row."
# parameter.grad = torch.ones(3, 4).T, for a parameter of torch.zeros(4, 3): RuntimeError, view size is not compatible
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.cat([gradient.view(-1) for gradient in gradients]).norm()
    if length > max_norm:
        for gradient in gradients:
            gradient.mul_(max_norm / length)
    return length


# %% right: one_row
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = []
    for parameter in parameters:
        if parameter.grad is not None:
            gradients.append(parameter.grad)
    row = torch.cat([gradient.double().flatten() for gradient in gradients])
    length = torch.linalg.vector_norm(row)
    if length > max_norm:
        row *= max_norm / length
        for gradient, piece in zip(gradients, row.split([gradient.numel() for gradient in gradients])):
            gradient.copy_(piece.reshape(gradient.shape))
    return length.to(gradients[0].dtype)


# %% right: hypotenuse_after_hypotenuse
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    from functools import reduce

    found = list(filter(lambda slope: slope is not None, map(lambda parameter: parameter.grad, parameters)))
    length = reduce(math.hypot, (float(torch.linalg.vector_norm(slope, dtype=torch.float64)) for slope in found))
    if length > max_norm:
        torch._foreach_mul_(found, max_norm / length)
    return length
