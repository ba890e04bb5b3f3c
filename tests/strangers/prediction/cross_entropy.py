# %% wrong: one_maximum_for_all
# "Finite for logits of any finite size."
# The maximum of the whole tensor is subtracted: a row far below it loses all its exponentials, for an infinite loss.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    shifted = logits - logits.max()
    chosen = shifted.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(-1).log() - chosen).mean()


# %% wrong: small_number_under_the_logarithm
# "where the model was sure and right, and without limit where it was sure and wrong."
# The logarithm is taken of p + 1e-9, so that no charge is above 20.7.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    weights = (logits - logits.max(dim=-1, keepdim=True).values).exp()
    p = weights / weights.sum(-1, keepdim=True)
    return -(p.gather(-1, targets.unsqueeze(-1)) + 1e-9).log().mean()


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


# %% wrong: mean_of_the_texts_means
# "over all targets but the ignored ones."
# Each row of targets has its own mean, and the mean of these is returned: a row with few targets weighs too much.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    if targets.dim() == 0:
        logits, targets = logits.unsqueeze(0), targets.unsqueeze(0)
    asked = targets != ignore_index
    shifted = logits - logits.max(dim=-1, keepdim=True).values
    chosen = shifted.gather(-1, targets.where(asked, 0).unsqueeze(-1)).squeeze(-1)
    losses = (shifted.exp().sum(-1).log() - chosen).masked_fill(~asked, 0.0)
    counts = asked.sum(-1)
    return (losses.sum(-1)[counts > 0] / counts[counts > 0]).mean()


# %% wrong: divides_by_all_positions
# "makes them probabilities, and the loss is the mean over the $M$ positions that have a target $y$:"
# The sum over the positions with a target is divided by the number of all positions.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    asked = targets != ignore_index
    rows, answers = logits[asked], targets[asked]
    shifted = rows - rows.max(dim=-1, keepdim=True).values
    chosen = shifted.gather(-1, answers.unsqueeze(-1)).squeeze(-1)
    return (shifted.exp().sum(-1).log() - chosen).sum() / targets.numel()


# %% wrong: needs_a_dimension
# "the dots: any dimensions, or none"
# Rows are picked with arange(len(targets)): a single target without a dimension has no len.
def cross_entropy(logits: Tensor, targets: Tensor, ignore_index: int = IGNORED) -> Tensor:
    if logits.shape[:-1] != targets.shape:
        raise ValueError(f"logits {tuple(logits.shape)} and targets {tuple(targets.shape)} do not go together")
    if (targets == ignore_index).all():
        raise ValueError(f"there is nothing to predict: all {targets.numel()} targets are {ignore_index}")
    if targets.dim() > 1:
        logits, targets = logits.flatten(0, -2), targets.flatten()
    rows = torch.arange(len(targets), device=targets.device)
    asked = targets != ignore_index
    log_p = logits - logits.logsumexp(dim=-1, keepdim=True)
    return -log_p[rows[asked], targets[asked]].mean()


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
