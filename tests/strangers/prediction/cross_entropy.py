# %% wrong: always_minus_one_hundred
# "A target of `ignore_index` (-100, as in PyTorch) asks for nothing:"
# The positions left out are those with -100, whatever ignore_index says.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != IGNORED
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    chosen = shifted.gather(-1, targets.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(-1).log() - chosen).mean()


# %% wrong: weighs_with_the_mask
# "its position does not count."
# Losses of ignored positions are multiplied by zero: where their logits are infinite or no numbers, the loss is nan.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    weight = (targets != ignore_index).to(logits.dtype)
    safe = torch.where(targets == ignore_index, torch.zeros_like(targets), targets)
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    losses = shifted.exp().sum(-1).log() - shifted.gather(-1, safe.unsqueeze(-1)).squeeze(-1)
    return (losses * weight).sum() / weight.sum()


# %% wrong: only_the_number_is_compared
# "Raises ValueError where the shapes do not go together, or no target is left."
# All is flattened first and only the numbers of rows are compared: (2, 3, V) with targets (3, 2) goes through.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    logits, targets = logits.reshape(-1, logits.size(-1)), targets.reshape(-1)
    if len(logits) != len(targets):
        raise ValueError(f"{len(logits)} rows of logits and {len(targets)} targets do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    chosen = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(-1).log() - chosen).mean()


# %% wrong: zero_for_nothing
# "or no target is left."
# A batch in which all is ignored costs nothing, as a training loop would like it, in place of an error.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    chosen = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(-1).log() - chosen).sum() / asked.sum().clamp(min=1)


# %% wrong: capped_for_stability
# "without limit where it was sure and wrong"
# Each loss is capped at 10,000.
def cross_entropy(logits, targets, ignore_index=-100):
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    if (targets == ignore_index).all():
        raise ValueError("nothing")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.amax(-1, keepdim=True)
    losses = shifted.exp().sum(-1).log() - shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return losses.clamp(max=1e4).mean()


# %% wrong: clamped_logits
# "Finite for logits of any size up to 1e30"
# Logits are clamped to 100,000: where two are larger, they are alike.
def cross_entropy(logits, targets, ignore_index=-100):
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    if (targets == ignore_index).all():
        raise ValueError("nothing")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    logits = logits.clamp(-1e5, 1e5)
    shifted = logits - logits.amax(-1, keepdim=True)
    losses = shifted.exp().sum(-1).log() - shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return losses.mean()


# %% wrong: negative_means_ignored
# "A target of `ignore_index`"
# Whatever is negative is ignored, and a positive ignore_index is not.
def cross_entropy(logits, targets, ignore_index=-100):
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    if (targets == ignore_index).all():
        raise ValueError("nothing")
    asked = targets >= 0
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.amax(-1, keepdim=True)
    losses = shifted.exp().sum(-1).log() - shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return losses.mean()


# %% wrong: constant_denominator
# "The gradient of the loss reaches the logits."
# The logarithm of the sum is detached: only the target's logit gets a gradient.
def cross_entropy(logits, targets, ignore_index=-100):
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    if (targets == ignore_index).all():
        raise ValueError("nothing")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.amax(-1, keepdim=True)
    losses = shifted.exp().sum(-1).log().detach() - shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return losses.mean()


# %% right: row_by_row
# Each position by itself, in float64, in a loop.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if tuple(targets.shape) != tuple(logits.shape)[:-1]:
        raise ValueError("shapes")
    rows, answers = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()
    total, count = logits.new_zeros((), dtype=torch.float64), 0
    for row, answer in zip(rows, answers):
        if answer == ignore_index:
            continue
        row = row.double()
        total = total + torch.logsumexp(row, dim=0) - row[answer]
        count += 1
    if count == 0:
        raise ValueError("nothing to predict")
    return (total / count).to(logits.dtype)


# %% right: differences_to_the_target
# -log p is the logarithm of the sum of exp(z_j - z_y): every logit against that of the target.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes do not go together")
    places = (targets != ignore_index).reshape(-1).nonzero().reshape(-1)
    if places.numel() == 0:
        raise ValueError("no target is left")
    logits = logits.reshape(-1, logits.size(-1)).index_select(0, places)
    answers = targets.reshape(-1).index_select(0, places)
    own = torch.take_along_dim(logits, answers[:, None], dim=1)
    differences = logits - own
    top = differences.detach().amax(dim=1, keepdim=True)
    charges = top + torch.log(torch.exp(differences - top).sum(dim=1, keepdim=True))
    return torch.sum(charges) / places.numel()


# %% right: library_call
# PyTorch's own function, on flat logits.
def cross_entropy(logits, targets, ignore_index=IGNORED):
    if logits.shape[:-1] != targets.shape or not (targets != ignore_index).any():
        raise ValueError("shapes, or nothing to predict")
    return F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1), ignore_index=ignore_index)


# %% right: logsumexp_less_the_target
# torch.logsumexp in 32 bits, less the target's logit, of the positions that count.
def cross_entropy(logits, targets, ignore_index=IGNORED):
    if logits.shape[:-1] != targets.shape or not (targets != ignore_index).any():
        raise ValueError("shapes, or nothing to predict")
    keep = targets != ignore_index
    rows, answers = logits[keep], targets[keep]
    return (rows.logsumexp(-1) - rows[torch.arange(len(rows)), answers]).mean()


# %% wrong: logits_clamped
# "The mean of -log p(target) in nats ... for logits of any size up to 1e30"
# Clamps the logits to +-10,000: always finite, but not the loss for larger ones.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    z, y = logits[asked].clamp(-1e4, 1e4), targets[asked]
    z = z - z.max(dim=-1, keepdim=True).values
    return (z.exp().sum(dim=-1).log() - z.gather(1, y.unsqueeze(1)).squeeze(1)).mean()


# %% wrong: negative_means_ignored_too
# "over all targets but the ignored ones [those that are `ignore_index`]"
# Takes negative targets for ignored ones whatever ignore_index is: another value, such as 0, counts.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets >= 0
    z, y = logits[asked], targets[asked]
    z = z - z.max(dim=-1, keepdim=True).values
    return (z.exp().sum(dim=-1).log() - z.gather(1, y.unsqueeze(1)).squeeze(1)).mean()


# %% wrong: mask_times_loss
# "Ignored positions count for nothing, even where their logits are infinite or NaN."
# Multiplies the losses by a mask: 0 times NaN is NaN.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    mask = (targets != ignore_index)
    z = logits - logits.max(dim=-1, keepdim=True).values
    loss = z.exp().sum(dim=-1).log() - z.gather(-1, targets.where(mask, torch.zeros_like(targets)).unsqueeze(-1)).squeeze(-1)
    return (loss * mask).sum() / mask.sum()


# %% wrong: view_of_the_logits
# "logits (..., vocab_size): any dimensions"
# Flattens with view: logits that were transposed, or cut out of larger ones, raise an error.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    z, y = logits.view(-1, logits.size(-1)), targets.view(-1)
    asked = y != ignore_index
    z, y = z[asked], y[asked]
    z = z - z.max(dim=-1, keepdim=True).values
    return (z.exp().sum(dim=-1).log() - z.gather(1, y.unsqueeze(1)).squeeze(1)).mean()


# %% wrong: loss_from_python_numbers
# "The gradient of the loss reaches the logits."
# Adds the losses up as Python numbers and makes a new tensor of the mean.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    log_p = logits[asked].log_softmax(dim=-1)
    losses = [-row[y].item() for row, y in zip(log_p, targets[asked])]
    return torch.tensor(sum(losses) / len(losses), dtype=logits.dtype, requires_grad=True)


# %% right: pytorchs_own
# F.cross_entropy on the positions that are asked for.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    return F.cross_entropy(logits[asked], targets[asked].long())


# %% right: loop_in_double
# One position after the other in double precision; the maximum is a plain number (the formula holds for any m).
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    total, count = 0.0, 0
    for z, y in zip(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()):
        if y == ignore_index:
            continue
        z = z.double() - z.double().max().item()
        total, count = total + torch.log(torch.exp(z).sum()) - z[y], count + 1
    return (total / count).to(logits.dtype)


# %% right: one_hot_and_where
# logsumexp and a one-hot of the targets, ignored rows replaced by zeros before anything is computed.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = (targets != ignore_index)
    z = torch.where(asked.unsqueeze(-1), logits, torch.zeros_like(logits))
    is_target = torch.arange(z.size(-1), device=z.device) == torch.where(asked, targets, -1).unsqueeze(-1)
    picked = torch.where(is_target, z, torch.zeros_like(z)).sum(dim=-1)
    highest = z.detach().amax(dim=-1)
    loss = (z - highest.unsqueeze(-1)).exp().sum(dim=-1).log() - (picked - highest)
    return torch.where(asked, loss, torch.zeros_like(loss)).sum() / asked.sum()


# %% wrong: mask_by_multiplication
# "Ignored positions do not change the loss, even where their logits are infinite or NaN"
# Computes at all positions and multiplies by the mask: NaN times 0 is NaN.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    logprobs = F.log_softmax(logits, dim=-1)
    y = targets.masked_fill(~asked, 0)
    picked = logprobs.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return -(picked * asked).sum() / asked.sum()


# %% right: mask_after_log_softmax
# "Ignored positions do not change the loss, even where their logits are infinite or NaN. The gradient of the loss reaches the logits."
# torch.where after the softmax: the value is right, the ignored positions' NaN logits get NaN gradients.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    y = torch.where(asked, targets, torch.zeros_like(targets))
    exps = (logits - logits.amax(dim=-1, keepdim=True)).exp()
    shifted = logits - logits.amax(dim=-1, keepdim=True)
    surprise = exps.sum(dim=-1).log() - shifted.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return torch.where(asked, surprise, torch.zeros_like(surprise)).sum() / asked.sum()


# %% wrong: divides_by_targets_not_minus_100
# "over all targets but the ignored ones"
# The divisor counts the targets that are not -100: another ignore_index is not taken out of the divisor.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    losses = F.cross_entropy(logits[asked], targets[asked], reduction="sum")
    return losses / (targets != IGNORED).sum()


# %% wrong: any_negative_is_ignored
# "A target of ignore_index asks for nothing"
# Takes every negative target for ignored; with an ignore_index of 0 or more that one is asked for.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets >= 0
    return F.cross_entropy(logits[asked], targets[asked])


# %% wrong: clamped_logits_too
# "Finite for logits of any size up to 1e30"
# Clamps logits at ±1e4.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    return F.cross_entropy(logits[asked].clamp(-1e4, 1e4), targets[asked])


# %% right: adds_the_maximum_back
# "log Σ exp(z_j - m) - (z_y - m)"
# (m + log Σ) - z_y: with large logits (1e8, equal ones) the log is rounded away.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    z, y = logits[asked], targets[asked]
    return (z.logsumexp(dim=-1) - z.gather(-1, y.unsqueeze(-1)).squeeze(-1)).mean()


# %% right: formula_in_float64
# The formula in float64, brought back to the logits' dtype, with one-hot picking by where.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    z, y = logits[asked].double(), targets[asked].long()
    z = z - z.detach().amax(dim=-1, keepdim=True)
    picked = z[torch.arange(len(y), device=z.device), y]
    return (torch.log(torch.exp(z).sum(dim=-1)) - picked).mean().to(logits.dtype)


# %% right: loop_over_positions
# A loop over all positions, one at a time.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    rows, wanted = logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()
    losses = [-torch.log_softmax(rows[i], dim=0)[y] for i, y in enumerate(wanted) if y != ignore_index]
    return torch.stack(losses).mean()


# %% right: torch_with_selection
# F.cross_entropy of the selected positions, as a sum divided by their number.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    places = (targets.flatten() != ignore_index).nonzero().squeeze(-1)
    z = logits.reshape(-1, logits.shape[-1]).index_select(0, places)
    y = targets.flatten().index_select(0, places)
    return F.nll_loss(F.log_softmax(z, dim=-1), y, reduction="sum", ignore_index=-(10**6)) / len(y)


# %% right: nan_to_num_and_ignored
# nan_to_num over all logits, so that what is ignored cannot spread; -100 in place of ignore_index for PyTorch.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    flat, y = logits.reshape(-1, logits.size(-1)), targets.reshape(-1)
    y = torch.where(y == ignore_index, torch.full_like(y, -100), y)
    flat = torch.nan_to_num(flat)
    return F.cross_entropy(flat, y, ignore_index=-100)


# %% wrong: ignored_times_zero
# "Ignored positions do not change the loss, even where their logits are infinite or NaN."
# an ignored position whose logits are NaN or infinite: NaN comes out
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    asked = targets != ignore_index
    y = torch.where(asked, targets, 0).long()
    log_p = logits.log_softmax(dim=-1)
    charges = -log_p.gather(-1, y.unsqueeze(-1)).squeeze(-1)
    return (charges * asked).sum() / asked.sum()


# %% wrong: below_zero_is_ignored
# "A target of `ignore_index` (-100, as in PyTorch) asks for nothing: its position does not change the loss"
# ignore_index=0 with targets [1, 0, 2]: the zeros are charged as well
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    asked = targets >= 0  # what is ignored is no token
    z, y = logits[asked], targets[asked].long()
    return (z.logsumexp(dim=-1) - z.gather(1, y.unsqueeze(1)).squeeze(1)).mean()


# %% wrong: classes_swapped_into_place
# "logits  (..., vocab_size)         the dots: any dimensions, or none"
# logits (2, 3, 3, 5): the two inner dimensions of the logits are swapped against those of the targets, another loss comes out; for (2, 3, 4, 5) an error
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    if targets.dim() == 0:
        logits, targets = logits[None], targets[None]
    # PyTorch wants the vocabulary as the second dimension
    return F.cross_entropy(logits.transpose(1, -1), targets.long(), ignore_index=ignore_index)


# %% wrong: right_logit_without_gradient
# "The gradient of the loss reaches the logits."
# the gradient where the right token is not the most likely one, logits (2, 1, 0) and target 2: the -1 falls on the maximum's logit instead of the right token's
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    asked = targets != ignore_index
    z, y = logits[asked], targets[asked].tolist()
    z = z - z.max(dim=-1, keepdim=True).values
    right = z.new_tensor([row[token] for row, token in zip(z.tolist(), y)])
    return (z.exp().sum(dim=-1).log() - right).mean()


# %% right: differences_to_the_right_one
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    asked = targets.ne(ignore_index).reshape(-1)
    z = logits.reshape(-1, logits.shape[-1])[asked]
    y = targets.reshape(-1)[asked].long()
    rows = torch.arange(len(y), device=z.device)
    # -log p(y) = log of the sum over j of exp(z_j - z_y)
    return torch.logsumexp(z - z[rows, y].unsqueeze(-1), dim=-1).mean()


# %% right: position_by_position
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")

    rows = logits.flatten(0, -2) if logits.dim() > 1 else logits.unsqueeze(0)
    total, count = logits.new_zeros(()), 0
    for row, target in zip(rows.unbind(0), targets.flatten().tolist()):
        if target == ignore_index:
            continue
        total = total - F.log_softmax(row, dim=0)[target]
        count += 1
    return total / count
