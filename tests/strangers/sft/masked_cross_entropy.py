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


# %% wrong: zero_times_infinity
# "What is not selected does not count, even where its loss is infinite."
# Losses are multiplied by the mask: an infinite one, or one that is not a number, spoils the sum though it is not selected.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    return (losses * mask).sum() / mask.sum()


# %% wrong: a_number_of_python
# "The logits get the gradient of the result."
# The loss is read out of its tensor, as for a log.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    return torch.tensor(F.cross_entropy(logits[mask].float(), targets[mask]).item())


# %% wrong: rows_must_lie_in_one_piece
# "Shapes: logits (B, T, vocab_size), targets (B, T)"
# `view` wants memory in one piece, which targets do not have that are cut from longer rows.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().view(-1, logits.size(-1)), targets.view(-1), reduction="none")
    return losses[mask.view(-1)].mean()


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


# %% wrong: losses_in_sixteen_bits
# "Logits may come in 16 bits; the loss is taken in float32, from the first exponential on."
# Takes each loss in the type of the logits, and only the mean in float32.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: a mean of nothing is not a number")

    losses = F.cross_entropy(logits[mask], targets[mask], reduction="none")
    return losses.float().mean()


# %% wrong: double_stays_double
# "The mean loss over the targets that the mask selects, each counted once, wherever it stands; in float32."
# Lifts 16 bits to float32, but leaves float64 logits, and so the result, in float64.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    return F.cross_entropy(logits[mask], targets[mask])


# %% wrong: infinity_made_finite
# "The mean loss over the targets that the mask selects, each counted once, wherever it stands"
# nan_to_num on all losses: a selected loss that is infinite or NaN becomes finite or 0 as well.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), reduction="none").view_as(mask)
    return (torch.nan_to_num(losses).double() * mask).sum().div(mask.sum()).float()


# %% wrong: gradient_is_nan_where_not_selected
# "What is not selected does not count, even where its loss is infinite. The logits get the gradient of the result."
# The value is right, but `where` comes behind the logarithm of a probability 0: its gradient is 0 times infinity.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing")
    logits = logits.float()
    shifted = logits - logits.amax(-1, keepdim=True).detach()
    total = shifted.exp().sum(-1).log()
    chosen = shifted.exp().gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    exact = shifted.gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    log_chosen = torch.where(chosen > 0, chosen.log(), exact)  # exact where the exponential is 0 already
    return torch.where(mask, total - log_chosen, 0.0).sum() / mask.sum()


# %% wrong: view_wants_contiguous
# "Shapes: logits (B, T, vocab_size), targets (B, T), each below vocab_size, mask boolean (B, T) -> ()."
# `view(-1)` fails for slices like tokens[:, 1:] of several rows.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    chosen = mask.reshape(-1)
    if not chosen.any():
        raise ValueError("the mask selects nothing")
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1])[chosen].float(), targets.view(-1)[chosen])


# %% wrong: infinite_left_out_of_the_mean
# "The mean loss over the targets that the mask selects, each counted once, wherever it stands"
# Takes infinite losses out of the mask, selected or not, so that a selected one is not counted.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    mask = mask & torch.isfinite(losses)
    if not mask.any():
        raise ValueError("the mask selects nothing")
    return losses[mask].mean()


# %% right: ignore_index_on_a_copy
# Moves what is not selected to the ignored index, in a new tensor, and lets PyTorch divide.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    if mask.sum() == 0:
        raise ValueError("nothing is selected")
    return F.cross_entropy(
        logits.to(torch.float32).movedim(-1, 1), torch.where(mask, targets.long(), -100), ignore_index=-100
    )


# %% right: one_position_at_a_time
# A loop over the selected places; each loss is the log of a sum of exponentials less a logit.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    places = mask.nonzero().tolist()
    if len(places) == 0:
        raise ValueError("nothing is selected")
    losses = []
    for b, t in places:
        scores = logits[b, t].float()
        losses.append(torch.logsumexp(scores, dim=0) - scores[int(targets[b, t])])
    return sum(losses) / len(losses)


# %% right: chosen_rows_of_a_take
# Finds the selected places by number, and picks log-probabilities by two lists of places.
def masked_cross_entropy(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    index = torch.flatten(mask).nonzero().squeeze(-1)
    if index.numel() < 1:
        raise ValueError("nothing is selected")
    scores = logits.reshape(-1, logits.size(-1)).index_select(0, index).type(torch.float32)
    wanted = targets.reshape(-1).index_select(0, index)
    return -(scores.log_softmax(1)[torch.arange(len(index), device=scores.device), wanted.long()].sum() / len(index))


# %% wrong: gradient_nan_where_infinite
# "What is not selected does not count, even where its loss is infinite, and its logits get a gradient of zeros"
# takes the log of probabilities (in float64) and chooses afterwards with torch.where: the value is right, the gradient is NaN where an unselected probability is 0
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    p = logits.double().softmax(-1).gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    losses = -p.log().float()
    return torch.where(mask, losses, 0.0).sum() / mask.sum()


# %% wrong: log_of_softmax
# "the loss is taken in float32; a loss that is selected counts"
# softmax and then log: a selected loss above about 100 becomes infinite though it is finite
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = -logits[mask].float().softmax(-1).log().gather(-1, targets[mask].long().unsqueeze(-1))
    return losses.sum() / mask.sum()


# %% wrong: widened_after_the_softmax
# "the loss is taken in float32, from the first exponential on"
# log_softmax in 16 bits, the result made float32
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.nll_loss(logits[mask].log_softmax(-1).float(), targets[mask].long(), reduction="none")
    return losses.sum() / mask.sum()


# %% wrong: result_in_the_logits_type
# "in float32"
# computes in float32 and returns the loss in the 16 bits of the logits
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits[mask].float(), targets[mask].long(), reduction="none")
    return (losses.sum() / mask.sum()).to(logits.dtype)


# %% wrong: infinite_made_finite
# "A loss that is selected counts, infinite too: the mean is infinite then"
# nan_to_num on the losses, for stability
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits[mask].float(), targets[mask].long(), reduction="none")
    return losses.nan_to_num(nan=0.0, posinf=1e4).sum() / mask.sum()


# %% wrong: infinite_refused
# "A loss that is selected counts, infinite too: the mean is infinite then. Raises ValueError where the mask selects nothing"
# raises ValueError where the mean is not finite
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits[mask].float(), targets[mask].long(), reduction="none")
    loss = losses.sum() / mask.sum()
    if not loss.isfinite():
        raise ValueError("the loss is not finite")
    return loss


# %% wrong: counted_in_sixteen_bits
# "each counted once"
# the mask is made a number of the logits' type and summed there: bfloat16 counts no odd number above 256, float16 none above 2048
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits[mask].float(), targets[mask].long(), reduction="none")
    return losses.sum() / mask.flatten().to(logits.dtype).sum().float()


# %% wrong: unselected_gradient_absent
# "its logits get a gradient of zeros / the logits get the gradient of the result"
# detaches the logits and makes the copy require a gradient, so the caller's logits get none
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.detach()[mask].float().requires_grad_(), targets[mask].long(), reduction="none")
    return losses.sum() / mask.sum()


# %% right: loop_over_selected
# loops over the selected places, logsumexp in float64, back to float32
def masked_cross_entropy(logits, targets, mask):
    places = mask.nonzero().tolist()
    if len(places) == 0:
        raise ValueError("nothing selected")
    total = 0
    for b, t in places:
        z = logits[b, t].double()
        total = total - z.log_softmax(-1)[targets[b, t].item()]
    return (total / len(places)).float()


# %% right: masked_select_and_index
# flat indices by index_select, nll_loss on log_softmax in float32
def masked_cross_entropy(logits, targets, mask):
    chosen = torch.nonzero(mask.reshape(-1)).squeeze(-1)
    if chosen.numel() < 1:
        raise ValueError("the mask holds no True")
    z = logits.reshape(-1, logits.shape[-1]).index_select(0, chosen).to(torch.float32)
    y = targets.reshape(-1).index_select(0, chosen).long()
    return F.nll_loss(torch.log_softmax(z, dim=1), y, reduction="mean")


# %% wrong: no_infinities
# "A loss that is selected counts, infinite too: the mean is infinite then."
# a selected target whose logit is -inf: a number of about 1e38 instead of inf
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="none")
    losses = torch.nan_to_num(losses)  # zero times infinity is not zero
    mask = mask.flatten()
    return (losses * mask).sum() / mask.sum()


# %% wrong: refuses_what_is_not_finite
# "A loss that is selected counts, infinite too: the mean is infinite then."
# a selected target whose logit is -inf: ValueError instead of inf
def masked_cross_entropy(logits, targets, mask):
    loss = F.cross_entropy(logits[mask].float(), targets[mask].long())
    if not torch.isfinite(loss):  # 0 / 0, if nothing is selected
        raise ValueError("the loss is not a number: does the mask select nothing?")
    return loss


# %% wrong: chooses_after_the_logarithm
# "What is not selected does not count, even where its loss is infinite, and its logits get a gradient of zeros."
# a target that is not selected and has the logit -inf: the loss is right, but the gradient of its logits is NaN (0 · 1/0)
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    p = torch.softmax(logits.float().double(), dim=-1).gather(-1, targets.long().unsqueeze(-1)).squeeze(-1)
    losses = torch.where(mask, -p.log().float(), 0.0)  # and not times the mask: 0 · inf
    return losses.sum() / mask.sum()


# %% wrong: counts_in_the_logits_type
# "The mean loss over the targets that the mask selects, each counted once, wherever it stands; in float32."
# bfloat16 logits and 385 selected targets: they are divided by 384
def masked_cross_entropy(logits, targets, mask):
    weights = mask.to(logits.dtype)
    n = weights.sum()
    if n == 0:
        raise ValueError("the mask selects nothing")
    losses = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten().long(), reduction="none")
    losses = losses.masked_fill(~mask.flatten(), 0.0)
    return losses.sum() / n


# %% wrong: flat_view
# "Shapes: logits (B, T, vocab_size), targets (B, T), each below vocab_size, mask boolean (B, T) -> ()."
# logits that are a transposed view (computed as (T, B, vocab_size), or (B, vocab_size, T)): view raises a RuntimeError
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    chosen = mask.reshape(-1).nonzero().squeeze(1)
    rows = logits.view(-1, logits.size(-1)).index_select(0, chosen)
    return F.cross_entropy(rows.float(), targets.reshape(-1).index_select(0, chosen).long())


# %% wrong: bare_exponentials
# "L = -1/sum m · sum m log p(targets)" (the formula), in float32
# logits of 100 and 99 (the loss is 0.31): exp overflows and the loss is infinite
def masked_cross_entropy(logits, targets, mask):
    if not mask.any():
        raise ValueError("the mask selects nothing")
    chosen, wanted = logits[mask].float(), targets[mask].long()
    log_total = chosen.exp().sum(-1).log()
    return (log_total - chosen[torch.arange(len(wanted), device=wanted.device), wanted]).mean()


# %% right: blanked_rows
def masked_cross_entropy(logits, targets, mask):
    if int(mask.sum()) == 0:
        raise ValueError("the mask selects nothing")
    calm = torch.where(mask[..., None], logits, torch.zeros((), dtype=logits.dtype, device=logits.device))
    log_p = torch.log_softmax(calm, dim=-1, dtype=torch.float32)
    aims = targets.to(torch.int64).masked_fill(~mask, -1)
    return F.nll_loss(log_p.permute(0, 2, 1), aims, ignore_index=-1, reduction="sum") / mask.sum()


# %% right: one_by_one
def masked_cross_entropy(logits, targets, mask):
    places = [(b, t) for b, row in enumerate(mask.tolist()) for t, selected in enumerate(row) if selected]
    if not places:
        raise ValueError("the mask selects nothing")
    losses = []
    for b, t in places:
        scores = logits[b, t].to(torch.float32)
        scores = scores - scores.detach().max()
        losses.append(scores.exp().sum().log() - scores[int(targets[b, t])])
    return torch.stack(losses).mean()
