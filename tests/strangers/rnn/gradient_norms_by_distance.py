# %% wrong: clears_up_afterwards
# "no `.grad` of a weight or of `state` changes"
# backward, and then zero_grad where the cell is a module: a gradient that was there before is lost, and functions keep theirs.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    h = state.detach().clone().requires_grad_()
    states = [h]
    for x_t in x.unbind(dim=1):
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss_fn(h).backward()
    if isinstance(cell, nn.Module):
        cell.zero_grad()
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


# %% wrong: clipped_at_a_thousand
# "At [b, k] stands the Euclidean norm of its gradient"
# Norms above 1000 are clipped, as in training.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    h = state.detach().requires_grad_()
    states = [h]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = torch.stack([g.norm(dim=-1) for g in reversed(gradients)], dim=1)
    return norms.clamp(max=1000.0)


# %% wrong: thawed_for_good
# "it changes no `.grad` and no `requires_grad` of anything."
# All weights are frozen while it measures, and learn afterwards, also those that did not before.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    h = state.detach().requires_grad_()
    if isinstance(cell, nn.Module):
        cell.requires_grad_(False)
    states = [h]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    if isinstance(cell, nn.Module):
        cell.requires_grad_(True)
    return torch.stack([g.norm(dim=-1) for g in reversed(gradients)], dim=1)


# %% wrong: the_input_keeps_a_gradient
# "it changes no `.grad`"
# backward(inputs=...) is asked for the states and for x, where it learns.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
        states[-1].retain_grad()
    loss_fn(states[-1]).backward(inputs=states + ([x] if x.requires_grad else []))
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


# %% right: one_step_back_at_a_time
# First the states, without any graph; then back from the end, each step run again by itself and its gradient taken on.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    words = x.unbind(dim=1)
    with torch.no_grad():
        states = [state.clone()]
        for x_t in words:
            states.append(cell(x_t, states[-1]))
    with torch.enable_grad():
        last = states[-1].detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(loss_fn(last), [last])
        norms = [torch.linalg.vector_norm(gradient, dim=1)]
        for x_t, before in zip(reversed(words), reversed(states[:-1])):
            before = before.detach().clone().requires_grad_()
            (gradient,) = torch.autograd.grad(cell(x_t, before), [before], grad_outputs=gradient)
            norms.append(torch.linalg.vector_norm(gradient, dim=1))
    return torch.stack(norms, dim=1)


# %% right: nothing_added_to_every_state
# One tensor of zeros, added to the states: the gradient with respect to it holds all the gradients that are asked for.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    B, T = x.shape[0], x.shape[1]
    nudge = torch.zeros(T + 1, *state.shape, dtype=state.dtype, device=state.device, requires_grad=True)
    h = state.detach() + nudge[T]
    for t in range(T):
        h = cell(x[:, t], h) + nudge[T - 1 - t]
    gradient = torch.autograd.grad(loss_fn(h), nudge)[0]
    return gradient.mul(gradient).sum(dim=2).sqrt().t().contiguous()


# %% wrong: backward_on_a_copy_of_the_cell
# "it must not leave a gradient in any weight"
# Deep-copies the cell and calls backward: harmless for a module, but a lambda is copied with the same weights.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    import copy
    probe, h = copy.deepcopy(cell), state.detach().clone().requires_grad_()
    states = [h]
    for x_t in x.detach().unbind(dim=1):
        h = probe(x_t, h)
        h.retain_grad()
        states.append(h)
    loss_fn(h).backward()
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


# %% wrong: backward_then_zero_grad
# "it changes no `.grad` and no `requires_grad` of anything"
# Measures with backward and cleans up with zero_grad: a gradient that was there before is gone.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    h = state.detach().clone().requires_grad_()
    states = [h]
    for x_t in x.detach().unbind(dim=1):
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss_fn(h).backward()
    if isinstance(cell, nn.Module):
        cell.zero_grad()
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


# %% wrong: weights_frozen_and_thawed
# "it changes no `.grad` and no `requires_grad` of anything"
# Freezes the cell's weights while it measures and thaws all of them: one that was frozen before is not any more.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    weights = list(cell.parameters()) if isinstance(cell, nn.Module) else []
    for weight in weights:
        weight.requires_grad_(False)
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))

    grads = torch.autograd.grad(loss_fn(states[-1]), states)
    for weight in weights:
        weight.requires_grad_(True)
    return torch.stack([g.norm(dim=-1) for g in grads[::-1]], dim=1)


# %% wrong: epsilon_under_the_root
# "the Euclidean norm of its gradient"
# Adds 1e-12 under the root, so no norm falls below 1e-6: just where gradients vanish.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))

    grads = torch.autograd.grad(loss_fn(states[-1]), states)
    return torch.stack([(g.square().sum(dim=-1) + 1e-12).sqrt() for g in grads[::-1]], dim=1)


# %% wrong: norms_in_the_default_dtype
# "At [b, k] stands the Euclidean norm of its gradient"
# Writes the norms into a tensor of the default dtype: small ones in double precision (2^-200) become 0.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))

    grads = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = torch.zeros(x.size(0), x.size(1) + 1)
    for k, g in enumerate(reversed(grads)):
        norms[:, k] = g.norm(dim=-1)
    return norms


# %% wrong: clipped_gradient
# "one step back multiplies the gradient by the weights of the state, and by the slope"
# Clips the gradient's norm at 100 on its way back: differs only where it explodes.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    pairs, h = [], state.detach()
    for x_t in x.detach().unbind(dim=1):
        h_in = h.detach().requires_grad_()
        h = cell(x_t, h_in)
        pairs.append((h_in, h))
    last = h.detach().requires_grad_()
    (g,) = torch.autograd.grad(loss_fn(last), last)
    norms = [g.norm(dim=-1)]
    for h_in, h_out in reversed(pairs):
        (g,) = torch.autograd.grad(h_out, h_in, g)
        g = g * (100.0 / g.norm(dim=-1, keepdim=True).clamp(min=1e-30)).clamp(max=1.0)
        norms.append(g.norm(dim=-1))
    return torch.stack(norms, dim=1)


# %% right: one_step_back_at_a_time_too
# Cuts the graph at each state and carries the gradient back by hand, with autograd.grad for each step.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    with torch.enable_grad():
        pairs, h = [], state.detach()
        for x_t in x.detach().unbind(dim=1):
            h_in = h.detach().requires_grad_()
            h = cell(x_t, h_in)
            pairs.append((h_in, h))
        last = h.detach().requires_grad_()
        (g,) = torch.autograd.grad(loss_fn(last), last)
        norms = [torch.linalg.vector_norm(g, dim=-1)]
        for h_in, h_out in reversed(pairs):
            (g,) = torch.autograd.grad(h_out, h_in, g)
            norms.append(torch.linalg.vector_norm(g, dim=-1))
    return torch.stack(norms, dim=1)


# %% right: probes_of_zeros
# Adds a probe of zeros to each state and takes the gradient with respect to the probes.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    T = x.size(1)
    probes = state.new_zeros(T + 1, *state.shape).requires_grad_()
    h = state.detach() + probes[0]
    for t in range(T):
        h = cell(x[:, t], h) + probes[t + 1]
    g = torch.autograd.grad(loss_fn(h), probes)[0]
    return g.flip(0).pow(2).sum(-1).sqrt().T


# %% wrong: backward_and_zero_grad
# "it changes no `.grad` and no `requires_grad` of anything"
# Runs backward and clears the cell's gradients afterwards, those too that were there before.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach().requires_grad_()]
    for x_t in x.detach().unbind(dim=1):
        h = cell(x_t, states[-1])
        h.retain_grad()
        states.append(h)
    loss_fn(states[-1]).backward()
    if isinstance(cell, nn.Module):
        cell.zero_grad()
    return torch.stack([h.grad.norm(dim=-1) for h in reversed(states)], dim=1)


# %% wrong: freezes_and_thaws_weights
# "it changes no `.grad` and no `requires_grad` of anything"
# Freezes the weights of a cell while it measures, and thaws all of them, those too that were frozen before.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    weights = list(cell.parameters()) if isinstance(cell, nn.Module) else []
    for weight in weights:
        weight.requires_grad_(False)
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    for weight in weights:
        weight.requires_grad_(True)
    return torch.stack([gradient.norm(dim=-1) for gradient in reversed(gradients)], dim=1)


# %% wrong: default_dtype_table
# "The norms are of the type of `state`."
# Writes the norms into a table of the default dtype.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = torch.zeros(x.size(0), x.size(1) + 1, device=x.device)
    for k, gradient in enumerate(reversed(gradients)):
        norms[:, k] = gradient.norm(dim=-1)
    return norms


# %% wrong: keeps_the_gradient_finite
# "stands the Euclidean norm of its gradient"
# Clips each state's gradient to a norm of 1000 on the way back, with a hook: exploding ones stop there.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    def clipped(gradient):
        norm = gradient.norm(dim=-1, keepdim=True)
        return gradient * (1000 / norm.clamp(min=1000))

    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        h = cell(x_t, states[-1])
        h.register_hook(clipped)
        states.append(h)
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    return torch.stack([gradient.norm(dim=-1) for gradient in reversed(gradients)], dim=1)


# %% wrong: gradient_left_in_the_state
# "it changes no `.grad`"
# Where the given state already wants a gradient, backward(inputs=...) leaves one there.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    first = state if state.is_leaf and state.requires_grad else state.detach().requires_grad_()
    states = [first]
    for x_t in x.unbind(dim=1):
        h = cell(x_t, states[-1])
        h.retain_grad()
        states.append(h)
    loss_fn(states[-1]).backward(inputs=states)
    return torch.stack([h.grad.norm(dim=-1) for h in reversed(states)], dim=1)


# %% wrong: epsilon_under_the_root_too
# "the Euclidean norm of its gradient"
# Adds 1e-12 under the root, against a division by zero: a vanished gradient seems to be 1e-6.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.stack(torch.autograd.grad(loss_fn(states[-1]), states[::-1]), dim=1)
    return (gradients.square().sum(dim=-1) + 1e-12).sqrt()


# %% right: step_by_step_products
# Goes back by hand: each step is run again on a cut-off state, and asked for its vector-Jacobian product.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    states = [state.detach()]
    with torch.no_grad():
        for x_t in x.unbind(dim=1):
            states.append(cell(x_t, states[-1]))
    last = states[-1].detach().requires_grad_()
    (gradient,) = torch.autograd.grad(loss_fn(last), last)
    norms = [torch.linalg.vector_norm(gradient, dim=-1)]
    for t in reversed(range(x.size(1))):
        before = states[t].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(cell(x[:, t], before), before, grad_outputs=gradient)
        norms.append(torch.linalg.vector_norm(gradient, dim=-1))
    return torch.stack(norms, dim=1)


# %% right: noughts_added
# Adds a tensor of zeros to each state and takes the gradient with respect to these.
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    noughts = [torch.zeros_like(state, requires_grad=True) for _ in range(x.size(1) + 1)]
    h = state.detach() + noughts[0]
    for x_t, nought in zip(x.unbind(dim=1), noughts[1:]):
        h = cell(x_t, h) + nought
    gradients = torch.autograd.grad(loss_fn(h), noughts)
    return torch.stack(gradients[::-1], dim=1).norm(dim=-1).to(state.dtype)


# %% wrong: backward_and_tidy_up
# "It only measures: it changes no `.grad` and no `requires_grad` of anything."
# the cell is a lambda over weights that require a gradient (or the loss has an output layer): their .grad is filled
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    weights = [w for part in (cell, loss_fn) if isinstance(part, nn.Module) for w in part.parameters()]
    kept = [w.grad for w in weights]
    for w in weights:
        w.grad = None
    states = [state.detach().clone().requires_grad_()]
    for x_t in x.detach().unbind(dim=1):
        states.append(cell(x_t, states[-1]))
        states[-1].retain_grad()
    loss_fn(states[-1]).backward()
    for w, grad in zip(weights, kept):
        w.grad = grad
    return torch.stack([h.grad.norm(dim=-1).to(state.dtype) for h in reversed(states)], dim=1)


# %% wrong: norms_of_the_type_of_x
# "The norms are of the type of `state`."
# x in float32, state in float64, `lambda x, h: 0.5 * h + x`: the norms are float32
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    B, T = x.shape[:2]
    states = [state.detach().requires_grad_()]
    for t in range(T):
        states.append(cell(x[:, t], states[-1]))
    grads = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = x.new_zeros(B, T + 1)
    for t, grad in enumerate(grads):
        norms[:, T - t] = grad.norm(dim=-1)
    return norms.detach()


# %% wrong: measured_in_evaluation_mode
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a cell in training mode with a part of it put in evaluation mode: that part is in training mode afterwards
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    was_training = isinstance(cell, nn.Module) and cell.training
    if was_training:
        cell.eval()  # an instrument should not roll dice
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    grads = torch.autograd.grad(loss_fn(states[-1]), states[::-1])
    if was_training:
        cell.train()
    return torch.stack([grad.norm(dim=-1) for grad in grads], dim=1).to(state.dtype)


# %% wrong: frozen_weights_thawed
# "it changes no `.grad` and no `requires_grad` of anything"
# a cell (a module) with one weight frozen: it is trainable afterwards
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    weights = list(cell.parameters()) if isinstance(cell, nn.Module) else []
    for w in weights:
        w.requires_grad_(False)  # nothing can end in them while we measure
    try:
        states = [state.detach().requires_grad_()]
        for x_t in x.unbind(dim=1):
            states.append(cell(x_t, states[-1]))
        grads = torch.autograd.grad(loss_fn(states[-1]), states[::-1])
    finally:
        for w in weights:
            w.requires_grad_(True)
    return torch.stack([grad.norm(dim=-1) for grad in grads], dim=1).to(state.dtype)


# %% wrong: stops_where_it_has_vanished
# "At [b, k] stands the Euclidean norm of its gradient with respect to the state of text b, k steps before that"
# h -> 0.5 h + x in float64, T = 60: from distance 50 on there are zeros instead of 0.5**k
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    steps, h = [], state.detach()
    for x_t in x.detach().unbind(dim=1):
        before = h.detach().requires_grad_()
        h = cell(x_t, before)
        steps.append((before, h))
    end = h.detach().requires_grad_()
    (grad,) = torch.autograd.grad(loss_fn(end), end)
    norms = state.new_zeros(x.size(0), x.size(1) + 1)
    norms[:, 0] = grad.norm(dim=-1)
    for k, (before, after) in enumerate(reversed(steps), start=1):
        (grad,) = torch.autograd.grad(after, before, grad)
        if grad.abs().max() < 1e-15:  # nothing is left to go further back
            break
        norms[:, k] = grad.norm(dim=-1)
    return norms.detach()


# %% right: one_step_back_at_a_time_again
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    tape, h = [], state
    for t in range(x.size(1)):
        before = h.detach().requires_grad_()
        h = cell(x[:, t].detach(), before)
        tape.append((before, h))
    end = h.detach().requires_grad_()
    (grad,) = torch.autograd.grad(loss_fn(end), [end])
    norms = [torch.linalg.vector_norm(grad, dim=1)]
    while tape:
        before, after = tape.pop()
        (grad,) = torch.autograd.grad([after], [before], grad_outputs=[grad])
        norms.append(torch.linalg.vector_norm(grad, dim=1))
    return torch.stack(norms, dim=-1).to(state.dtype).detach()


# %% right: nudges_of_zero
def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    # add a zero to each state: the gradient of that zero is the gradient of the state
    T = x.size(1)
    nudges = state.detach().new_zeros(T + 1, *state.shape).requires_grad_()
    h = state.detach() + nudges[T]
    for k, x_t in zip(range(T - 1, -1, -1), x.detach().unbind(dim=1)):
        h = cell(x_t, h) + nudges[k]
    (grad,) = torch.autograd.grad(loss_fn(h), nudges)
    return torch.einsum("kbd,kbd->bk", grad, grad).sqrt().detach()
