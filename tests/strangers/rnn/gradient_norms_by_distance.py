# %% wrong: backward_into_the_weights
# "It is an instrument: it must not leave a gradient in any weight"
# loss.backward() with retain_grad on the states also fills the .grad of every weight.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    h = state.detach().clone().requires_grad_()
    states = [h]
    for x_t in x.unbind(dim=1):
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss_fn(h).backward()
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


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


# %% wrong: a_gradient_left_in_the_state
# "Keep all the states in a list, the first one as a leaf of its own"
# backward(inputs=...) spares the weights, but the caller's own state is the first leaf and keeps its .grad, to which the next call adds.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    h = state.requires_grad_()
    states = [h]
    for x_t in x.unbind(dim=1):
        h = cell(x_t, h)
        h.retain_grad()
        states.append(h)
    loss_fn(h).backward(inputs=states)
    return torch.stack([s.grad.norm(dim=-1) for s in reversed(states)], dim=1)


# %% wrong: text_by_text
# "`loss_fn(h)` is the loss of the state after the last position."
# Each text is read by itself and loss_fn gets its state alone: right for a sum, not for a mean over the batch.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    rows = []
    for b in range(x.size(0)):
        states = [state[b : b + 1].detach().requires_grad_()]
        for x_t in x[b : b + 1].unbind(dim=1):
            states.append(cell(x_t, states[-1]))
        gradients = torch.autograd.grad(loss_fn(states[-1]), states)
        rows.append(torch.cat([g.norm(dim=-1) for g in reversed(gradients)]))
    return torch.stack(rows)


# %% wrong: root_of_the_mean
# "At [b, k] stands the Euclidean norm of its"
# The root of the mean of the squares, which is the norm only for states of one number.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    return torch.stack([g.square().mean(dim=-1).sqrt() for g in reversed(gradients)], dim=1)


# %% wrong: one_norm_for_the_batch
# "[b, k] is the norm for the state of text b at distance k from the last one"
# The norm is that of the whole batch, repeated for each text; for one text it is right.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = torch.stack([g.norm() for g in reversed(gradients)])
    return norms.expand(x.size(0), -1)


# %% wrong: frozen_for_good
# "It only measures"
# The weights are frozen, so that they get no gradient, and stay frozen after the measurement.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    if isinstance(cell, nn.Module):
        cell.requires_grad_(False)
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    return torch.stack([g.norm(dim=-1) for g in reversed(gradients)], dim=1)


# %% wrong: relative_to_the_end
# "How strongly a loss at the end of a text pulls at each state before it, by distance."
# The norms are divided by that at the last state, so the first column is always 1.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states)
    norms = torch.stack([g.norm(dim=-1) for g in reversed(gradients)], dim=1)
    return norms / norms[:, :1]


# %% wrong: losses_all_along
# "\mathcal{L}$ of the last state alone:"
# loss_fn is asked at every position and the losses added up, as in training; with one word almost nothing shows.
def gradient_norms_by_distance(cell, x, state, loss_fn):
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    loss = sum(loss_fn(h) for h in states[1:])
    gradients = torch.autograd.grad(loss, states)
    return torch.stack([g.norm(dim=-1) for g in reversed(gradients)], dim=1)


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
