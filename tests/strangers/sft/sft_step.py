# %% wrong: mask_of_the_inputs
# "so the mask that counts is that of the *targets*"
# The mask is that of the inputs: the first word behind the mark is not learned, and what follows the line break is.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, :-1]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: cut_before_the_mask_is_made
# "the mask is `response_mask(tokens)[:, 1:]`, cut after it is made"
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


# %% wrong: segments_of_the_targets
# "who reads is the *inputs*, so the segments that count are theirs."
# The segments are those of the targets: the last token of a conversation is read as the first of the next.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, 1:]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: conversations_read_each_other
# "And attention must stay inside of a conversation, or the second one in a row learns to answer after having read the first."
# The segments are ignored.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: only_padding_apart
# "Each token is predicted from those in front of it in its own conversation (`within`)."
# Only padding is held apart from words; the conversations of a row read each other.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, (segments[:, :-1] > 0).long()):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: all_words_are_learned
# "what the assistant wrote becomes likelier, and nothing else is a target."
# All tokens of all conversations are learned, and only padding is left out.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], segments[:, 1:] > 0
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: old_gradients_stay
# "the gradients of before are cleared"
# Gradients are cleared behind the step, so that what was there before the first call goes into it.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    optimiser.zero_grad()
    return loss.detach(), norm


# %% wrong: always_to_a_length_of_one
# "the gradients together are clipped to a length of `max_norm`."
# max_norm is ignored: it is always 1.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    loss = masked_cross_entropy(logits, targets, mask)
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), 1.0)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: each_matrix_by_itself
# "those of this loss are clipped together to a length of `max_norm`"
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


# %% wrong: loss_after_the_step
# "the loss before the step (), the gradients' norm before clipping ()."
# The loss is taken again behind the step.
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
    optimiser.step()
    with torch.no_grad(), within(model, segments[:, :-1]):
        loss = masked_cross_entropy(model(inputs)[0], targets, mask)
    return loss, norm


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


# %% wrong: mean_of_the_rows
# "The loss is that of exercise 3, over all rows at once."
# The mean of the rows' losses, in which a row with few words of the assistant counts as much as any.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    rows = [masked_cross_entropy(logits[b : b + 1], targets[b : b + 1], mask[b : b + 1]) for b in range(len(mask)) if mask[b].any()]
    if not rows:
        raise ValueError("the assistant wrote nothing")
    loss = torch.stack(rows).mean()
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: mean_of_the_conversations
# "The loss is the mean over all tokens that the assistant wrote"
# The mean of the conversations' means, in which the words of a short reply weigh more.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    with within(model, segments[:, :-1]):
        logits = model(inputs)[0]
    if not mask.any():
        raise ValueError("the assistant wrote nothing")
    losses = F.cross_entropy(logits.float().transpose(1, 2), targets, reduction="none")[mask]
    rows = torch.arange(len(tokens)).unsqueeze(1).expand_as(mask)[mask]
    _, its = torch.stack([rows, segments[:, 1:][mask]]).unique(dim=1, return_inverse=True)
    sums = torch.zeros(int(its.max()) + 1).index_add(0, its, losses)
    loss = (sums / its.bincount()).mean()
    optimiser.zero_grad()
    loss.backward()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return loss.detach(), norm


# %% wrong: held_apart_for_ever
# "by changing what the model's attention calls, and changes it back afterwards."
# Attention is changed by hand, and not changed back.
def sft_step(
    model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, segments: Tensor, max_norm: float = 1.0
) -> tuple[Tensor, Tensor]:
    inputs, targets, mask = tokens[:, :-1], tokens[:, 1:], response_mask(tokens)[:, 1:]
    its = segments[:, :-1]
    may_read = (its.unsqueeze(-1) == its.unsqueeze(-2)).tril().unsqueeze(1)
    for part in model.modules():
        if hasattr(part, "attend"):
            part.attend = lambda query, key, value: F.scaled_dot_product_attention(query, key, value, may_read)
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
