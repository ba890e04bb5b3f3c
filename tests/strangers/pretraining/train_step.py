# %% wrong: mean_of_means
# "The loss is the mean cross-entropy over all their targets, so that the step is that of one large batch, whatever their sizes."
# The mean of the batches' means.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten()) / len(batches)
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: weighed_by_rows
# "With $M$ targets in all batches together"
# Each batch's mean counts by its rows, so that batches with windows of another length are weighed wrongly.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    rows = sum(len(inputs) for inputs, _ in batches)
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten()) * len(inputs) / rows
        scaler.scale(loss).backward()
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


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


# %% wrong: cleared_for_each_batch
# "goes through the model in parts, and the gradients add up."
# Gradients are cleared before each part: only those of the last one are left.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        optimiser.zero_grad()
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


# %% wrong: clipped_part_by_part
# "Then once: unscale, clip, step, update the scale."
# What has added up so far is clipped after each part, too.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    factor = float(scaler.scale(torch.ones(())))
    total = 0.0
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
        scaler.scale(loss).backward()
        norm = clip_gradients(model.parameters(), max_norm * factor) / factor
        total = total + loss.detach()
    scaler.unscale_(optimiser)
    scaler.step(optimiser)
    scaler.update()
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


# %% wrong: scale_never_changes
# "update the scale"
# The scaler is not told that the step is over: its factor stays, and its next use is refused.
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
    scaler.step(optimiser)
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


# %% wrong: everything_in_32_bits
# "`dtype` is what matrices are multiplied in (`torch.autocast`)"
# dtype is ignored: all is multiplied in float32.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    total = 0.0
    for inputs, targets in batches:
        logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="sum") / n
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


# %% wrong: all_batches_at_once
# "Take one step of the optimiser on several batches at once, one after the other through the model."
# Batches whose windows are equally long go through the model as one, which may not fit into memory.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    by_length = defaultdict(list)
    for batch in batches:
        by_length[batch[0].size(1)].append(batch)
    total = 0.0
    for its in by_length.values():
        inputs, targets = (torch.cat(part) for part in zip(*its))
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


# %% wrong: always_to_a_length_of_one
# "train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None) -> loss (), norm ()"
# max_norm is ignored.
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
    norm = clip_gradients(model.parameters(), 1.0)
    scaler.step(optimiser)
    scaler.update()
    return total, norm


# %% wrong: all_as_large_as_the_first
# "batches     a list of (inputs, targets), each (B, T), of any sizes"
# The number of all targets is that of the first batch times the number of batches.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = batches[0][1].numel() * len(batches)
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


# %% wrong: loss_of_the_last_batch
# "\mathcal{L} = \sum_{\text{batches}} \mathcal{L}_\text{batch}"
# The step is right, but the loss that is returned is the mean of the last batch alone.
def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    scaler = scaler or torch.amp.GradScaler(enabled=False)
    optimiser.zero_grad()
    n = sum(targets.numel() for _, targets in batches)
    for inputs, targets in batches:
        with torch.autocast(inputs.device.type, dtype, enabled=dtype != torch.float32):
            logits = model(inputs)[0]
        loss = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())
        scaler.scale(loss * targets.numel() / n).backward()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return loss.detach(), norm


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
