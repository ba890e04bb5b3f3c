# %% wrong: old_gradients_stay
# "Clear the old gradients."
# They are cleared after the step only, so that what the caller left there is added to the first.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad()
    return total, norm


# %% wrong: clipped_while_scaled
# "norm: the gradients' length before clipping, after unscaling"
# Clips first, and lets the scaler unscale in its step: length and limit are those of the scaled gradients.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: steps_past_the_scaler
# "The calls of the scaler are `scale(loss)`, `unscale_(optimiser)`, `step(optimiser)`, `update()`."
# The optimiser's own step is called, so that a step is taken where the scaler would leave out one with infinite gradients.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    scaler.update()
    return total, norm


# %% wrong: loss_in_16_bits
# "the weights stay in float32, and so does the loss."
# The logits of 16 bits go into the loss as they are, and it comes out in 16 bits.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: weights_in_16_bits
# "so matrices are multiplied in these, while weights and loss stay in 32."
# The model itself is turned into 16 bits, steps in them, and is turned back.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    model.to(dtype)
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    model.to(torch.float32)
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: training_mode_at_once
# "The model stays in the mode that it is in."
# Begins with model.train(), as many training loops do.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    model.train()
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: loss_times_the_factor
# "the gradients divided by it after"
# The loss that is returned has been multiplied by the scaler's factor, and is never divided by it.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = scaler.scale(F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n)
        loss.backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: one_backward_at_the_end
# "each forward and back before the next one comes"
# The losses are added up and go back together, so that all batches are in memory at once.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        total = total + loss
    scaler.scale(total).backward()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total.detach(), norm


# %% wrong: float32_without_the_scaler
# "One that is given is used in every `dtype`"
# Only float16 takes the scaler.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler if scaler and dtype == torch.float16 else torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: a_scaler_of_its_own
# "without one nothing is scaled"
# In float16 a scaler is made where none is given.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler("cpu", enabled=dtype == torch.float16)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: evaluation_meanwhile
# "The model stays in the mode that it is in."
# The gradient is taken in evaluation mode, and the mode put back.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total, was = 0.0, model.training
    model.eval()
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    model.train(was)
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: training_meanwhile
# "The model stays in the mode that it is in."
# model.train() first, and the mode of the whole put back.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total, was = 0.0, model.training
    model.train()
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        total = total + loss.detach()
    model.train(was)
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% right: sums_of_exponentials
# The loss from logsumexp and the targets' logits, weighed by shares of all targets; PyTorch's own clipping.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    if scaler is None:
        scaler = torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad(set_to_none=True)
    sizes = torch.tensor([float(targets.numel()) for _, targets in batches])
    losses = []
    for (inputs, targets), share in zip(batches, (sizes / sizes.sum()).tolist()):
        with torch.autocast(device_type=inputs.device.type, dtype=dtype, enabled=dtype is not torch.float32):
            logits = model(inputs)[0]
        logits = logits.to(torch.float32)
        loss = (logits.logsumexp(-1) - logits.gather(-1, targets.unsqueeze(-1)).squeeze(-1)).mean() * share
        scaler.scale(loss).backward()
        losses.append(loss.detach())
    scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return torch.stack(losses).sum(), norm.detach()


# %% right: gradients_in_a_list
# torch.autograd.grad for each batch, added up in a list and put in their places at the end.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = torch.amp.GradScaler(enabled=False) if scaler is None else scaler
    optimiser.zero_grad()
    learning = [weight for weight in model.parameters() if weight.requires_grad]
    sums = [None] * len(learning)
    M = float(sum(targets.numel() for _, targets in batches))
    loss = torch.zeros((), device=learning[0].device)
    for inputs, targets in batches:
        if dtype == torch.float32:
            logits = model(inputs)[0]
        else:
            with torch.autocast(inputs.device.type, dtype):
                logits = model(inputs)[0]
        part = F.nll_loss(F.log_softmax(logits.float(), dim=-1).transpose(1, 2), targets, reduction="none").sum() / M
        for i, slope in enumerate(torch.autograd.grad(scaler.scale(part), learning, allow_unused=True)):
            if slope is not None:
                sums[i] = slope if sums[i] is None else sums[i] + slope
        loss += part.detach()
    for weight, slope in zip(learning, sums):
        weight.grad = slope
    scaler.unscale_(optimiser)
    norm = clip_gradients(learning, max_norm)
    scaler.step(optimiser)
    scaler.update()
    return loss, norm


# %% wrong: cleared_at_the_end
# "Gradients from before the call do not count"
# Clears the gradients after its step: what stood there before the first call counts.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad()
    return total, norm


# %% wrong: loss_in_16_bits_too
# "the weights stay in float32, and so does the loss"
# The cross-entropy is taken of the logits as they come, in 16 bits.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: scaler_only_in_float16
# "One that is given is used in every `dtype`"
# In bfloat16 and float32 the given scaler is left aside.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None and dtype == torch.float16 else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: training_mode
# "The model stays in the mode that it is in."
# Puts the model into training mode, since this is training.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    model.train()
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: training_mode_and_back
# "Whether the model is in training mode is the caller's choice: leave it."
# Puts the model into training mode and back afterwards: dropout is on in a model that was in evaluation mode.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    was_training = model.training
    model.train()
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    model.train(was_training)
    return total, norm


# %% wrong: one_backward_for_all
# "They go through the model one after the other, each forward and back before the next one comes."
# Adds up the losses of all batches and goes back once: all graphs are in memory together.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        total = total + loss
    scaler.scale(total).backward()
    total = total.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: equal_batches_laid_together
# "They go through the model one after the other"
# Batches of one T are laid together and go through the model at once.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    if len({inputs.shape[1] for inputs, _ in batches}) == 1:
        batches = [tuple(torch.cat(parts) for parts in zip(*batches))]
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: overflow_forgotten
# "It takes the step, or none where gradients overflowed, and sets its next factor."
# Where the norm is not finite it calls neither step nor update: the factor never comes down.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    if torch.isfinite(torch.as_tensor(norm)):
        scaler.step(optimiser)
        scaler.update()
    return total, norm


# %% wrong: step_despite_overflow
# "It takes the step, or none where gradients overflowed"
# The optimiser steps by itself, since the gradients are unscaled already: also where they overflowed.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    if scaler.is_enabled():
        scaler.update()
    return total, norm


# %% wrong: scaler_of_its_own
# "without one nothing is scaled"
# In float16 without a scaler it makes one for itself.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    if scaler is None:
        scaler = torch.amp.GradScaler(batches[0][0].device.type, enabled=dtype == torch.float16)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: factor_inside_the_norm
# "norm: the gradients' length before clipping, after unscaling"
# Takes the length before unscaling and returns that; the clipping itself is right.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaler.scale(loss).backward()
        total = total + loss.detach()
    norm = torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
    scaler.unscale_(optimiser)
    clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: scaled_loss_returned
# "norm: the gradients' length before clipping, after unscaling"; "loss ... before the step"
# Returns the loss times the scaler's factor, since it is the scaled one that is added up.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler if scaler is not None else torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n_targets
        scaled = scaler.scale(loss)
        scaled.backward()
        total = total + scaled.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% right: gradients_by_hand
# torch.autograd.grad for each batch, added up in a list of its own, laid into .grad at the end; log_softmax and gather.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    count = 0
    for _, targets in batches:
        count += targets.shape[0] * targets.shape[1]
    sums, losses = [None] * len(weights), []
    for inputs, targets in batches:
        if dtype == torch.float32:
            logits = model(inputs)[0]
        else:
            with torch.autocast(device_type=inputs.device.type, dtype=dtype):
                logits = model(inputs)[0]
        log_p = logits.to(torch.float32).log_softmax(dim=-1)
        loss = -log_p.gather(2, targets[:, :, None]).sum() / count
        losses.append(loss.detach())
        scaled = loss if scaler is None else scaler.scale(loss)
        parts = torch.autograd.grad(scaled, weights, allow_unused=True)
        sums = [old if new is None else new if old is None else old + new for old, new in zip(sums, parts)]
    for weight, gradient in zip(weights, sums):
        weight.grad = gradient
    if scaler is not None:
        scaler.unscale_(optimiser)
    norm = clip_gradients(iter(weights), max_norm)
    if scaler is None:
        optimiser.step()
    else:
        scaler.step(optimiser)
        scaler.update()
    return torch.stack(losses).sum(), norm


# %% right: weighed_means_and_the_library
# Means weighed by their share, PyTorch's own clipping (as the hint allows), an ExitStack instead of enabled=.
def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    batches: Sequence[Batch],
    max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32,
    scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    from contextlib import ExitStack

    sizes = torch.tensor([targets.numel() for _, targets in batches], dtype=torch.float64)
    shares = (sizes / sizes.sum()).tolist()
    model.zero_grad(set_to_none=True)
    optimiser.zero_grad(set_to_none=True)
    seen = []
    for share, (inputs, targets) in zip(shares, batches):
        with ExitStack() as stack:
            if dtype is not torch.float32:
                stack.enter_context(torch.autocast(str(inputs.device.type), dtype=dtype))
            logits = model(inputs)[0]
        loss = share * F.cross_entropy(logits.float().transpose(1, 2), targets)
        (scaler.scale(loss) if scaler else loss).backward()
        seen.append(loss.item())
    if scaler:
        scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    if scaler:
        scaler.step(optimiser)
        scaler.update()
    else:
        optimiser.step()
    return torch.tensor(math.fsum(seen)), norm


# %% wrong: put_into_training_mode
# "The model stays in the mode that it is in"
# calls model.train() first
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    model.train()
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: cleared_afterwards
# "Gradients from before the call do not count"
# clears after the step and not before
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad()
    return total, norm


# %% wrong: scaler_for_float16_only
# "One that is given is used in every `dtype`"
# the scaler is left aside where dtype is not float16
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    if scaler is None or dtype != torch.float16:
        scaler = torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: loss_in_sixteen_bits
# "the weights stay in float32, and so does the loss"
# the logits are not widened for the loss
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: sum_of_losses_in_dtype
# "loss in float32"
# the sum over batches is kept in dtype
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = (total + loss.detach()).to(dtype)
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: all_forward_then_back
# "each forward and back before the next one comes"
# all batches forward, one backward pass of the sum
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        total = total + loss
    scaler.scale(total).backward()
    total = total.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: equal_batches_joined
# "They go through the model one after the other"
# joins batches of the same shape into one
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    if len({targets.shape for _, targets in batches}) == 1:
        batches = [tuple(torch.cat(its) for its in zip(*batches))]
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: clipped_before_unscaling
# "norm: the gradients' length before clipping, after unscaling"
# clips to max_norm times the factor and unscales afterwards: the step is right, the length returned is the scaled one
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    norm = clip_gradients(model.parameters(), max_norm * scaler.get_scale())
    scaler.unscale_(optimiser)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: returns_the_scaled_loss
# "-> the loss (), before the step"
# adds up the scaled losses and returns the sum
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaled = scaler.scale(loss)
        scaled.backward()
        total = total + scaled.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: overflow_steps_forced
# "It takes the step, or none where gradients overflowed"
# where a gradient overflowed it is set to zero (nan_to_num) and the step is taken
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    count = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / count
        scaler.scale(loss).backward()
        total = total + loss.detach()
    for weight in model.parameters():
        if weight.grad is not None:
            weight.grad.nan_to_num_(0.0, 0.0, 0.0)
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% right: gradients_divided_in_the_end
# sums of losses backward, gradients divided by the count after unscaling
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    for group in optimiser.param_groups:
        for weight in group["params"]:
            weight.grad = None
    total, count = 0.0, sum(len(targets.reshape(-1)) for _, targets in batches)
    for inputs, targets in batches:
        if dtype is torch.float32:
            logits = model(inputs)[0]
        else:
            with torch.autocast(inputs.device.type, dtype=dtype):
                logits = model(inputs)[0]
        picked = logits.float().log_softmax(-1).gather(-1, targets.long().unsqueeze(-1))
        loss = -picked.sum() / count
        (loss if scaler is None else scaler.scale(loss)).backward()
        total += float(loss)
    if scaler is not None:
        scaler.unscale_(optimiser)
    norm = clip_gradients((weight for group in optimiser.param_groups for weight in group["params"]), max_norm)
    if scaler is None:
        optimiser.step()
    else:
        scaler.step(optimiser)
        scaler.update()
    return torch.tensor(total), torch.as_tensor(norm)


# %% right: means_weighted_zeros_set
# zeros instead of None, weighted means, losses with a graph in the sum, stacked
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    helper = torch.amp.GradScaler(enabled=False) if scaler is None else scaler
    optimiser.zero_grad(set_to_none=False)
    sizes = torch.tensor([float(targets.numel()) for _, targets in batches])
    losses = []
    for share, (inputs, targets) in zip((sizes / sizes.sum()).tolist(), batches):
        with torch.autocast(device_type=inputs.device.type, dtype=dtype, enabled=dtype in (torch.float16, torch.bfloat16)):
            logits, *_ = model(inputs)
        losses.append(F.cross_entropy(logits.float().movedim(-1, 1), targets.long()) * share)
        helper.scale(losses[-1]).backward()
    helper.unscale_(optimiser)
    norm = clip_gradients(iter(list(model.parameters())), max_norm)
    helper.step(optimiser)
    helper.update()
    return torch.stack(losses).sum(), norm


# %% wrong: scaler_only_in_float16_again
# "One that is given is used in every `dtype`; without one nothing is scaled."
# dtype=torch.float32 and a scaler with init_scale=1024, growth_interval=1: its factor stays 1024, where it should be 2048
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    if scaler is None or dtype != torch.float16:  # only float16 needs one
        scaler = torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    loss = torch.zeros((), device=batches[0][0].device)
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        part = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / n_targets
        scaler.scale(part).backward()
        loss += part.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return loss, norm


# %% wrong: no_update_after_overflow
# "It takes the step, or none where gradients overflowed, and sets its next factor."
# dtype=torch.float16 and a scaler with init_scale=2.0**30, whose gradients overflow: the weights rightly stay, but the factor stays 2**30 too, where it should be halved, and the next call raises a RuntimeError (unscale_() has already been called)
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    loss = torch.zeros((), device=batches[0][0].device)
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        part = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / n_targets
        (part if scaler is None else scaler.scale(part)).backward()
        loss += part.detach()
    if scaler is None:
        norm = clip_gradients(model.parameters(), max_norm)
        optimiser.step()
        return loss, norm
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    if math.isfinite(norm):
        scaler.step(optimiser)
        scaler.update()
    return loss, norm


# %% wrong: cleared_at_the_end_again
# "Gradients from before the call do not count, whether they are taken away or set to zero; those of the call are clipped together, to `max_norm`, whatever groups the optimiser has."
# a model that has gradients from a backward pass before the call: they are added, and norm and step are others
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    loss = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        part = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum") / n_targets
        scaler.scale(part).backward()
        loss = loss + part.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    optimiser.zero_grad()  # ready for the next step
    return loss, norm


# %% wrong: one_backward_for_all_again
# "They go through the model one after the other, each forward and back before the next one comes."
# two batches, hooks on the model's forward and on the gradient of its logits: forward, forward, back, back (all numbers are right)
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    n_targets = sum(targets.numel() for _, targets in batches)
    optimiser.zero_grad()
    loss = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = loss + F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="sum")
    loss = loss / n_targets
    scaler.scale(loss).backward()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return loss.detach(), norm


# %% right: gradients_in_a_list_again
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    for weight in model.parameters():
        weight.grad = None
    optimiser.zero_grad(set_to_none=True)
    n_targets = sum(math.prod(targets.shape) for _, targets in batches)
    sums, losses = [None] * len(weights), []
    for inputs, targets in batches:
        if dtype == torch.float32:
            logits = model(inputs)[0]
        else:
            with torch.autocast(device_type=inputs.device.type, dtype=dtype):
                logits = model(inputs)[0]
        logits = logits.to(torch.float32)
        right = logits.gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
        loss = ((logits.logsumexp(dim=-1) - right) / n_targets).sum()
        losses.append(loss.item())
        slopes = torch.autograd.grad(loss if scaler is None else scaler.scale(loss), weights, allow_unused=True)
        for index, slope in enumerate(slopes):
            if slope is not None:
                sums[index] = slope if sums[index] is None else sums[index] + slope
        del logits, right, loss, slopes
    for weight, slope in zip(weights, sums):
        weight.grad = None if slope is None else slope.clone()
    if scaler is not None:
        scaler.unscale_(optimiser)
    norm = clip_gradients(list(model.parameters()), max_norm)
    if scaler is None:
        optimiser.step()
    else:
        scaler.step(optimiser)
        scaler.update()
    return torch.tensor(math.fsum(losses)), torch.as_tensor(norm)


# %% right: recursive_parts
def train_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, batches: Sequence[Batch], max_norm: float = 1.0,
    dtype: torch.dtype = torch.float32, scaler: torch.amp.GradScaler | None = None,
) -> tuple[Tensor, Tensor]:
    from contextlib import nullcontext

    for group in optimiser.param_groups:
        for weight in group["params"]:
            if weight.grad is not None:
                weight.grad = torch.zeros_like(weight.grad)
    model.zero_grad(set_to_none=True)
    share = 1.0 / sum(targets.numel() for _, targets in batches)

    def back(rest: list) -> float:
        if not rest:
            return 0.0
        (inputs, targets), *later = rest
        half = torch.autocast(inputs.device.type, dtype) if dtype is not torch.float32 else nullcontext()
        with half:
            logits = model(inputs)[0]
        chances = F.log_softmax(logits, dim=-1, dtype=torch.float32).reshape(-1, logits.shape[-1])
        loss = F.nll_loss(chances, targets.reshape(-1).long()) * (targets.numel() * share)
        (scaler.scale(loss) if scaler is not None else loss).backward()
        loss = loss.detach()
        del half, logits, chances
        return loss + back(later)

    loss = back(list(batches))
    if scaler is None:
        norm = clip_gradients(model.parameters(), max_norm)
        optimiser.step()
    else:
        scaler.unscale_(optimiser)
        norm = clip_gradients(model.parameters(), max_norm)
        scaler.step(optimiser)
        scaler.update()
    return loss, norm
