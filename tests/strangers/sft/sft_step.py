# %% wrong: cut_before_the_mask_is_made
# "`response_mask` sees whole rows, before anything is cut off"
# Cut before it is made: in a row that begins with the assistant's mark, its first reply is nobody's.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens[:, 1:])
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: each_matrix_by_itself
# "those of this loss are clipped together to a length of at most `max_norm`"
# Each weight's gradient is clipped by itself.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    lengths = [clip_gradients([weight], max_norm) for weight in model.parameters() if weight.grad is not None]
    norm = torch.stack(lengths).norm()
    optimiser.step()
    return loss.detach(), norm


# %% wrong: length_after_clipping
# "loss                before the step; norm: the gradients' length before clipping"
# The norm is what is left after clipping.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: no_word_no_loss
# "raises ValueError, and takes no step, where the assistant wrote nothing"
# Where the assistant wrote nothing the loss is 0, and the step is taken, decay and all.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")
    loss = (losses * mask).sum() / mask.sum().clamp(min=1)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: trains_in_training_mode
# "and nothing else of it: not its mode, in which it reads"
# Training is done in training mode, whatever mode the model was in.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    model.train()
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: trains_in_training_mode_and_puts_it_back
# "not its mode, in which it reads"
# The mode is put back, but the model has read in the other one.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    was = model.training
    model.train()
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    model.train(was)
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: clipped_behind_the_step
# "the new ones together are clipped to a length of at most `max_norm`."
# Clipped when the step is over.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    norm = clip_gradients(model.parameters(), max_norm)
    return loss.detach(), norm


# %% wrong: frozen_weights_are_thawed
# "Weights that are frozen have no gradient, and stay."
# All weights are asked to learn, so that each has a gradient to be clipped.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    model.requires_grad_(True)
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% right: row_by_row
# One row after another goes through the model, and the gradients add up; each counts as many as it has targets.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)
    mask = mask[:, 1:]
    n = int(mask.sum())
    if n == 0:
        raise ValueError("the assistant wrote nothing: there is no target")
    optimiser.zero_grad()
    total = torch.zeros(())
    for row, its, mine in zip(tokens, segments, mask):
        if not mine.any():
            continue
        with within(model, its[None, :-1]):
            logits = model(row[None, :-1])[0][0]
        part = F.cross_entropy(logits[mine].float(), row[1:][mine], reduction="sum") / n
        part.backward()
        total = total + part.detach()
    norm = nn.utils.clip_grad_norm_(list(model.parameters()), max_norm)
    optimiser.step()
    return total, norm.detach()


# %% right: places_of_the_words
# The places of the assistant's words first; the logits in front of them are picked by index, and log-sums do the rest.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    rows, places = response_mask(tokens).nonzero(as_tuple=True)
    rows, places = rows[places > 0], places[places > 0]
    if not len(rows):
        raise ValueError("no token of the assistant has one in front of it")
    with within(model, segments[:, :-1].contiguous()):
        scores = model(tokens[:, :-1].contiguous())[0][rows, places - 1].float()
    of_words = scores.gather(1, tokens[rows, places].unsqueeze(1)).squeeze(1)
    loss = (scores.logsumexp(dim=1) - of_words).mean()
    for weight in model.parameters():
        weight.grad = None
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    norm = clip_gradients(iter(list(model.parameters())), max_norm)
    optimiser.step()
    return loss.detach().clone(), norm


# %% wrong: mask_of_what_is_cut
# "`response_mask` of the whole rows; one may begin or end in the middle of a conversation"
# Makes the mask of the targets alone: the mark in a row's first place is gone before it is seen.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens[:, 1:])
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: segments_made_from_end
# "With the segment $s_t$ of each token, position $t$ may read position $j$ where [...] $s_j = s_t$"
# Counts `END` tokens itself instead of using the segments given: a conversation without or with two of them is cut wrongly.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    segments = (tokens == END).long().cumsum(-1)
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: cleared_to_zero_not_to_none
# "Weights that are frozen have no gradient, and stay."
# Clears to zeros: a weight frozen since the last step keeps a gradient of zeros, and decay and momentum still move it.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad(set_to_none=False)
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: zeros_for_the_frozen
# "weights that are frozen, without a gradient, stay"
# Gives every weight without a gradient one of zeros, so that the norm can be taken of all: weight decay moves them.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    for weight in model.parameters():
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: reads_in_training_mode
# "It reads in the mode that it is in"
# Switches to training for the step, and back to the old mode afterwards.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mode = model.training
    model.train()
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    model.train(mode)
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: mode_set_for_all_parts
# "The step changes weights and gradients of the model, and nothing else of it: not its mode, in which it reads"
# model.train(model.training) keeps the model's own mode, but changes parts that were set to another.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    model.train(model.training)  # all parts in one mode
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: each_weight_clipped_alone
# "those of this loss are clipped together to a length of at most `max_norm`"
# Measures the length of all gradients together, but clips each weight's gradient by itself.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = torch.stack([weight.grad.norm() for weight in model.parameters() if weight.grad is not None]).norm()
    for weight in model.parameters():
        if weight.grad is not None:
            nn.utils.clip_grad_norm_(weight, max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: nothing_written_nothing_said
# "Raises ValueError, and takes no step, where the assistant wrote nothing."
# Takes no step there, but returns zeros instead of raising.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    if not mask.any():
        return torch.zeros(()), torch.zeros(())
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: error_behind_the_step
# "Raises ValueError, and takes no step, where the assistant wrote nothing."
# Where nothing counts it takes a step on a loss of zero (decay and momentum move the weights), and raises afterwards.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    losses = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view_as(mask)
    loss = losses.masked_fill(~mask, 0.0).sum() / mask.sum().clamp_min(1)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    if not mask.any():
        raise ValueError("the assistant wrote nothing")
    return loss.detach(), norm


# %% wrong: plain_numbers_returned
# "the loss before the step (), the gradients' norm before clipping ()"
# Returns Python floats, where the signature says tuple[Tensor, Tensor].
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1])[0]
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.item(), norm.item()


# %% right: gradients_by_autograd_grad
# Asks autograd for the gradients of the weights that learn, clips by hand, and hands them to the weights.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    whole = response_mask(tokens)
    with within(model, segments[:, :-1]):
        output = model(tokens[:, :-1])
    loss = masked_cross_entropy(output[0], tokens[:, 1:], whole[:, 1:])
    gradients = torch.autograd.grad(loss, learned, allow_unused=True)
    for weight in model.parameters():
        weight.grad = None
    optimiser.zero_grad(set_to_none=True)
    norm = sum((gradient.double() ** 2).sum() for gradient in gradients if gradient is not None).sqrt().float()
    factor = min(1.0, max_norm / (float(norm) + 1e-12))
    for weight, gradient in zip(learned, gradients, strict=True):
        if gradient is not None:
            weight.grad = gradient * factor
    optimiser.step()
    return loss.detach().clone(), norm


# %% right: a_row_at_a_time_weighted
# Row by row with accumulated gradients, each weighted by its number of targets: the mean over all tokens.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    mask = response_mask(tokens)[:, 1:]
    n = int(mask.sum())
    if n == 0:
        raise ValueError("the assistant wrote nothing in these rows")
    optimiser.zero_grad()
    loss = torch.zeros((), device=tokens.device)
    for row, which, mine in zip(tokens.split(1), segments.split(1), mask.split(1)):
        if not mine.any():
            continue
        with within(model, which[:, :-1]):
            part = masked_cross_entropy(model(row[:, :-1])[0], row[:, 1:], mine) * (int(mine.sum()) / n)
        part.backward()
        loss = loss + part.detach()
    norm = nn.utils.clip_grad_norm_([weight for weight in model.parameters() if weight.grad is not None], max_norm)
    optimiser.step()
    return loss, norm


# %% right: padding_cut_off_first
# Cuts off the columns at the right in which no row holds anything, then does the usual, all within `within`.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    if not response_mask(tokens)[:, 1:].any():
        raise ValueError("the assistant wrote nothing")
    used = int((segments != PADDING).any(0).nonzero().max()) + 1
    tokens, segments = tokens[:, :used], segments[:, :used]
    mask = response_mask(tokens).roll(-1, dims=1)[:, :-1]
    with within(model, segments.narrow(1, 0, used - 1)):
        logits = model(tokens.narrow(1, 0, used - 1))[0]
        loss = masked_cross_entropy(logits, tokens.narrow(1, 1, used - 1), mask)
        optimiser.zero_grad()
        loss.backward()
    before = loss.detach()
    length = nn.utils.clip_grad_norm_(list(model.parameters()), max_norm)
    optimiser.step()
    return before, length


# %% wrong: segments_from_end_marks
# "Each token is predicted from those in front of it in its own conversation (`within`), whatever tokens begin one"
# finds the conversations by their <end>, not by the segments that are given
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, (inputs == END).cumsum(-1)):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: mask_of_the_targets_alone
# "`response_mask` sees whole rows, before anything is cut off: one may begin with the mark of the assistant"
# makes the mask from the targets
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens[:, 1:])
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: train_mode_then_back
# "It reads in the mode that it is in, each part in its own"
# reads in training mode and sets the model's mode back afterwards (parts in another mode than the whole lose theirs)
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    was = model.training
    model.train()
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    model.train(was)
    return loss.detach(), norm


# %% right: stale_gradient_of_frozen
# "Old gradients are cleared; weights that are frozen have no gradient, not even zeros"
# clears through the optimiser, so a frozen weight that it does not have keeps an old gradient, which counts in the norm
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: gradients_of_zeros
# "Weights that are frozen have no gradient, not even zeros, and stay"
# clears by zeros in every .grad, frozen ones too: under weight decay they shrink
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    for weight in model.parameters():
        weight.grad = torch.zeros_like(weight)
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: thaws_everything
# "weights that are frozen, without a gradient, stay"
# makes all weights of the model learn before the step
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    model.requires_grad_(True)
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: clipped_by_group
# "those of this loss are clipped together to a length of at most `max_norm`"
# clips each group of the optimiser by itself, and returns the length of all
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = torch.stack([torch.as_tensor(clip_gradients(group["params"], max_norm)) for group in optimiser.param_groups]).norm()
    optimiser.step()
    return loss.detach(), norm


# %% wrong: attention_not_restored_on_error
# "also where the model raised an error"
# changes `attend` and back by hand, without try and finally
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    manager = within(model, segments[:, :-1])
    manager.__enter__()
    logits = model(inputs)[0]
    manager.__exit__(None, None, None)
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: silent_batch_is_skipped
# "Raises ValueError, and takes no step, where the assistant wrote nothing"
# takes no step and returns a loss and a norm of zero
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    if not mask.any():
        return torch.tensor(0.0), torch.tensor(0.0)
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% right: whole_rows_read
# losses of all targets first and then chosen; clipping by hand in float64; loss returned with its graph; the mask also leaves out targets of another segment, which are never selected
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mine = response_mask(tokens)
    mine = mine[:, 1:] & (segments[:, 1:] == segments[:, :-1])
    if mine.sum().item() == 0:
        raise ValueError("no reply in these rows")
    for weight in model.parameters():
        weight.grad = None
    with within(model, segments[:, :-1]):
        logits = model(tokens[:, :-1].clone())[0]
    loss = F.cross_entropy(logits.float().transpose(1, 2), tokens[:, 1:].long(), reduction="none")[mine].mean()
    loss.backward()
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    norm = torch.cat([gradient.flatten().double() for gradient in gradients]).norm()
    if norm > max_norm:
        for gradient in gradients:
            gradient *= float(max_norm / norm)
    optimiser.step()
    return loss, norm.float()


# %% right: gradients_by_autograd
# torch.autograd.grad instead of backward, gradients set by hand
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens).narrow(1, 1, tokens.shape[1] - 1)
    count = int(mask.sum())
    if not count:
        raise ValueError("the assistant wrote nothing")
    with within(model, segments[:, :-1]):
        logits, *_ = model(tokens[:, :-1])
    loss = masked_cross_entropy(logits, tokens[:, 1:].contiguous(), mask)
    model.zero_grad(set_to_none=True)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    for weight, gradient in zip(learned, torch.autograd.grad(loss, learned, allow_unused=True)):
        weight.grad = gradient
    norm = clip_gradients(iter(learned), max_norm)
    optimiser.step()
    return loss.detach().clone(), torch.as_tensor(norm)


# %% wrong: agrees_on_a_mode
# "It reads in the mode that it is in, each part in its own"
# a model in training with one part in evaluation (a dropout or a block that was frozen by .eval()): that part reads in training, and stays in it
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    was_training = model.training
    mask = response_mask(tokens)[:, 1:]
    try:
        model.train(was_training)  # whatever somebody left behind: one mode for all
        with within(model, segments[:, :-1]):
            logits = model(tokens[:, :-1])[0]
    finally:
        model.train(was_training)
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    optimiser.zero_grad()
    model.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: clears_with_zeros
# "Weights that are frozen have no gradient, not even zeros, and stay."
# a weight that is frozen after a step (its old gradient is still there), an optimiser with weight decay: it gets zeros, and shrinks
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    mask = response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    model.zero_grad(set_to_none=False)
    loss.backward()
    norm = nn.utils.clip_grad_norm_([weight for weight in model.parameters() if weight.requires_grad], max_norm)
    optimiser.step()
    return loss.detach(), norm.detach()


# %% wrong: mask_of_the_targets
# "`response_mask` sees whole rows, before anything is cut off: one may begin with the mark of the assistant, in the middle of a conversation."
# a row that begins with <assistant>: its reply is not learned (alone in the batch: ValueError)
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, response_mask(targets))  # the mask that counts is that of the targets
    model.zero_grad()
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: no_way_back
# "its attention calls afterwards what it called before, also where the model raised an error"
# a model that raises in its forward (a token beyond its vocabulary): its attend stays changed
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mask = response_mask(tokens)[:, 1:]
    if not mask.any():
        raise ValueError("the assistant wrote nothing")
    apart = segments[:, :-1, None] == segments[:, None, :-1]
    may_read = apart.tril()[:, None]
    layers = [layer for layer in model.modules() if hasattr(layer, "attend")]
    kept = [layer.attend for layer in layers]
    for layer in layers:
        layer.attend = lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=may_read)
    logits = model(tokens[:, :-1])[0]
    for layer, attend in zip(layers, kept):
        layer.attend = attend
    loss = masked_cross_entropy(logits, tokens[:, 1:], mask)
    model.zero_grad()
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: every_end_begins_one
# "Each token is predicted from those in front of it in its own conversation (`within`), whatever tokens begin one."
# a row in which the second conversation begins with <user> (or <assistant>): it reads the first
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    inputs, targets = tokens[:, :-1], tokens[:, 1:]
    texts = (inputs == END).cumsum(-1)
    with within(model, texts):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, response_mask(tokens)[:, 1:])
    model.zero_grad()
    optimiser.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% right: gradients_by_hand
def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    mine = response_mask(tokens).roll(-1, dims=1)
    mine[:, -1] = False
    if not bool(mine.any()):
        raise ValueError("the assistant wrote nothing")
    with within(model, segments.narrow(1, 0, segments.shape[1] - 1)):
        logits = model(tokens.narrow(1, 0, tokens.shape[1] - 1).long())[0]
    rows, columns = mine.nonzero(as_tuple=True)
    log_p = logits[rows, columns].float().log_softmax(dim=-1)
    loss = -log_p.gather(1, tokens[rows, columns + 1].long().unsqueeze(1)).mean()

    optimiser.zero_grad(set_to_none=True)
    for weight in model.parameters():
        weight.grad = None
    learn = [weight for weight in model.parameters() if weight.requires_grad]
    gradients = torch.autograd.grad(loss, learn, allow_unused=True)
    squares = [gradient.float().pow(2).sum() for gradient in gradients if gradient is not None]
    norm = torch.stack(squares).sum().sqrt()
    factor = max_norm / norm if norm > max_norm else torch.ones_like(norm)
    for weight, gradient in zip(learn, gradients):
        if gradient is not None:
            weight.grad = gradient * factor.to(gradient.dtype)
    optimiser.step()
    return loss.detach(), norm.detach()


# %% right: weighed_sum
import contextlib


def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    weights = response_mask(tokens).float()[..., 1:]
    total = float(weights.sum())
    if total == 0.0:
        raise ValueError("the assistant wrote nothing")
    with contextlib.ExitStack() as apart:
        apart.enter_context(within(model, segments[..., :-1]))
        scores = model(tokens[..., :-1].long())[0]
    keep = weights.flatten() > 0
    losses = F.cross_entropy(scores.flatten(0, 1)[keep].float(), tokens[..., 1:].flatten()[keep].long(), reduction="sum")
    loss = losses / total
    for group in optimiser.param_groups:
        for weight in group["params"]:
            weight.grad = None
    model.zero_grad(set_to_none=True)
    loss.backward()
    with_gradient = [weight for weight in model.parameters() if weight.grad is not None]
    norm = torch.linalg.vector_norm(torch.cat([weight.grad.float().flatten() for weight in with_gradient]))
    if norm > max_norm:
        for weight in with_gradient:
            weight.grad.mul_(max_norm / norm)
    optimiser.step()
    return loss.detach(), norm
