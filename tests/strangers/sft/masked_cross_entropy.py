# %% wrong: mean_of_the_rows
# "each counted once, wherever it stands"
# The mean of the means of the rows that have any.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    rows = mask.any(dim=1)
    return ((losses * mask).sum(dim=1)[rows] / mask.sum(dim=1)[rows]).mean()


# %% wrong: divided_by_all
# "\frac{1}{\sum_{b,t} m_{b,t}}"
# The losses times the mask, and the mean of all of them.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    return (F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none") * mask).mean()


# %% wrong: as_many_bits_as_the_logits
# "Logits may come in 16 bits; the loss is taken in float32."
# The loss is taken in the type of the logits, and only the result is turned into float32.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    return F.cross_entropy(logits[mask], targets[mask]).float()


# %% wrong: nothing_is_zero
# "Raises ValueError where the mask selects nothing: a mean of nothing is not a number."
# A mask without a True gives a loss of zero.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    return torch.where(mask, losses, 0.0).sum() / mask.sum().clamp(min=1)


# %% wrong: asserted
# "raises ValueError for a mask without a True"
# An assert, which is another error.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    assert mask.any(), "the mask selects nothing"
    return F.cross_entropy(logits.float()[mask], targets[mask])


# %% wrong: each_row_needs_one
# "so a mask that selects nothing is an error"
# A row in which nothing is selected is an error too.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any(dim=1).all():
        raise ValueError("the mask selects nothing")
    return F.cross_entropy(logits.float()[mask], targets[mask])


# %% wrong: zero_times_infinity
# "The mean loss over the targets that the mask selects"
# Losses are multiplied by the mask: an infinite one, or one that is not a number, spoils the sum though it is not selected.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    return (losses * mask).sum() / mask.sum()


# %% wrong: token_zero_ignored
# "\sum_{b,t} m_{b,t} \log p(\mathrm{targets}_{b,t})"
# Targets that are not selected become the token of padding, 0, which is ignored; so a selected target 0 is ignored too.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    kept = torch.where(mask, targets, 0)
    return F.cross_entropy(logits.float().flatten(0, 1), kept.flatten(), ignore_index=0)


# %% wrong: log_of_a_probability
# "\log p(\mathrm{targets}_{b,t})"
# The softmax first and then the logarithm, with a small number so that it is not infinite: large losses are cut off.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    p = logits.float()[mask].softmax(dim=-1).gather(-1, targets[mask].unsqueeze(-1))
    return -(p + 1e-8).log().mean()


# %% right: one_after_the_other
# A loop over the places that are selected, with log-sums by hand.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    places = mask.nonzero().tolist()
    if not places:
        raise ValueError("nothing is selected, so there is no mean")
    losses = []
    for b, t in places:
        scores = logits[b, t].to(torch.float32)
        most = scores.detach().max()
        losses.append(most + (scores - most).exp().sum().log() - scores[targets[b, t]])
    return torch.stack(losses).mean()


# %% right: minus_one_hundred
# A copy of the targets in which all others are marked as to be ignored, and the sum divided by the number of the rest.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    n = int(torch.count_nonzero(mask))
    if n == 0:
        raise ValueError("the mask has no True")
    marked = targets.masked_fill(mask.logical_not(), -100)
    logs = logits.to(dtype=torch.float32).permute(0, 2, 1).log_softmax(dim=1)
    return F.nll_loss(logs, marked, reduction="sum", ignore_index=-100) / n
