# %% wrong: each_by_itself
# "Shorten all gradients together, in place, so that their joint length is at most `max_norm`."
# Each gradient is clipped by itself.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    lengths = torch.stack([gradient.norm() for gradient in gradients])
    for gradient, length in zip(gradients, lengths):
        gradient.mul_((max_norm / length).clamp(max=1.0))
    return lengths.norm()


# %% wrong: gone_through_twice
# "parameters may be a generator, such as model.parameters(): it can be gone through once"
# The parameters are gone through a second time to change them: of a generator nothing is left.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    length = torch.stack([p.grad.norm() for p in parameters if p.grad is not None]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.mul_(factor)
    return length


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


# %% wrong: at_least_the_largest
# "Returns the length before, ()."
# The length is lifted to max_norm before the division, and returned so: of a short gradient the wrong length.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm().clamp(min=max_norm)
    for gradient in gradients:
        gradient.mul_(max_norm / length)
    return length


# %% wrong: length_afterwards
# "clip_gradients(parameters, max_norm) -> the length before, ()"
# Returns what is left of the length after clipping.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    factor = (max_norm / length).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return length * factor


# %% wrong: lengths_added
# "The joint length is the Euclidean norm of all their numbers in one row."
# The lengths of the gradients are added, and not their squares.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).sum()
    factor = (max_norm / length).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(factor)
    return length


# %% wrong: each_number_cut_off
# "All are multiplied by the same factor, so the direction stays"
# Where the gradient is too long, each of its numbers is cut off at the value that such a row may have on average.
@torch.no_grad()
def clip_gradients(parameters: Iterable[Tensor], max_norm: float) -> Tensor:
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    length = torch.stack([gradient.norm() for gradient in gradients]).norm()
    if length > max_norm:
        most = max_norm / math.sqrt(sum(gradient.numel() for gradient in gradients))
        for gradient in gradients:
            gradient.clamp_(-most, most)
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
