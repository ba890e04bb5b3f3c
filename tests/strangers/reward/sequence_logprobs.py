# %% wrong: sixteen_bits_first
# "Logits may come in 16 bits; the log-probabilities are taken in float32."
# The log-softmax is taken in the logits' own 16 bits, and only the result becomes float32.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1).float()
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: log_of_softmax
# "The log-probability of each token that the assistant wrote, given all in front of it; 0 at all other places."
# The logarithm of a softmax: a token that is 200 nats away has minus infinity in place of -200.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    probabilities = logits[:, :-1].float().softmax(dim=-1)
    picked = probabilities.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return torch.where(mask[:, 1:], picked, 1.0).log()


# %% wrong: floor_of_minus_twenty
# "\ell_{t-1} = m_t \log p(w_t \mid w_1, \dots, w_{t-1}), \qquad t = 2, \dots, T"
# Log-probabilities below -20 become -20, "for stability", and lose their gradient.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.clamp(min=-20.0).masked_fill(~mask[:, 1:], 0.0)


# %% wrong: normaliser_without_gradient
# "you need the probability with which it was drawn, as something with a gradient."
# The logarithm of the sum is detached: the values are right, the gradient is only that of the token's own logit.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logits = logits[:, :-1].float()
    with torch.no_grad():
        total = logits.logsumexp(dim=-1)
    picked = logits.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1) - total
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: squeezes_everything
# "logprobs (B, T - 1), float32, 0 where not masked in"
# squeeze() without a dimension: with one row, or with two tokens in each row, a dimension is lost.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1))
    return picked.masked_fill(~mask[:, 1:].unsqueeze(-1), 0.0).squeeze()


# %% wrong: double_stays_double
# "(B, T - 1), in float32."
# All is computed in float64 and handed back so.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].double(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: double_logits_stay_double
# "(B, T - 1), in float32."
# Short logits become float32, and float64 ones stay as they are.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    wide = logits if logits.dtype == torch.float64 else logits.float()
    picked = F.log_softmax(wide[:, :-1], dim=-1).gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: everything_where_nothing_is_masked_in
# "0 at all other places."
# A mask without a True is taken for no mask: all places count.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0) if mask.any() else picked


# %% right: only_what_was_written
# The log-probabilities of the written tokens alone, each as minus a cross-entropy, put into a matrix of zeros.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    written = mask[:, 1:].bool()
    rows, places = written.nonzero(as_tuple=True)
    charges = F.cross_entropy(logits[rows, places].float(), tokens[rows, places + 1], reduction="none")
    empty = torch.zeros(written.shape, dtype=torch.float32, device=logits.device)
    return empty.index_put((rows, places), -charges)


# %% right: float64_inside
# Differences to the chosen logit, in float64 inside, row by row; float32 comes out.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows = []
    for scores, words, wrote in zip(logits, tokens, mask):
        scores, words, wrote = scores[:-1].double(), words[1:], wrote[1:]
        chosen = torch.take_along_dim(scores, words[:, None], dim=1)[:, 0]
        own = chosen - torch.logsumexp(scores, dim=1)
        rows.append(torch.where(wrote, own, torch.zeros_like(own)).float())
    return torch.stack(rows)


# %% right: times_the_mask
# The mask is multiplied: logits are finite, so that no place is 0 times infinity.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked * mask[:, 1:]


# %% wrong: log_softmax_in_the_given_dtype
# "the log-probabilities are taken in float32"
# Takes the log-softmax in the dtype of the logits (16 bits) and converts to float32 only afterwards.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = torch.log_softmax(logits[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1).float()
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: shifted_by_the_maximum_in_16_bits
# "Logits are finite, and may come in 16 bits; the log-probabilities are taken in float32."
# Subtracts the maximum (for stability) before it converts, so the difference is rounded to 16 bits.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logits = logits[:, :-1]
    shifted = (logits - logits.max(dim=-1, keepdim=True).values.detach()).float()
    logprobs = shifted - shifted.exp().sum(dim=-1, keepdim=True).log()
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return torch.where(mask[:, 1:], picked, torch.zeros_like(picked))


# %% wrong: float64_stays_float64
# "-> (B, T - 1), in float32."
# Converts 16 bits up, but leaves float64 logits in float64.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
    logprobs = F.log_softmax(wide[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: softmax_clamped_before_the_log
# "logits (B, T, vocab_size), finite, however large"
# Takes the log of a softmax kept above the smallest float: no value below -87, and no gradient there.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    probabilities = F.softmax(logits[:, :-1].float(), dim=-1)
    picked = probabilities.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    picked = picked.clamp_min(torch.finfo(torch.float32).tiny).log()
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% right: multiplied_by_the_mask
# Multiplies by the mask: no log-probability is infinite where logits are thousands apart.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked * mask[:, 1:]


# %% wrong: normaliser_without_gradient_too
# "you need the probability with which it was drawn, as something with a gradient"
# Takes the normaliser as a number: the values are right, the gradient lacks the other tokens.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logits = logits[:, :-1].float()
    with torch.no_grad():
        normaliser = logits.logsumexp(dim=-1)
    picked = logits.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1) - normaliser
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: squeezes_every_dimension
# "-> (B, T - 1)"
# Squeezes all dimensions of size one: the shape is lost for one row or for two tokens.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1))
    return picked.masked_fill(~mask[:, 1:].unsqueeze(-1), 0.0).squeeze()


# %% right: place_by_place_in_float64
# Loops over rows and places, in float64 inside, and stacks the numbers.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows, places = tokens.shape
    out = logits[:, :-1, 0].float().masked_fill(torch.ones_like(mask[:, 1:]), 0.0)
    for b in range(rows):
        for t in range(1, places):
            if mask[b, t]:
                scores = logits[b, t - 1].double()
                out[b, t - 1] = (scores[tokens[b, t]] - torch.logsumexp(scores, dim=0)).float()
    return out


# %% right: cross_entropy_with_a_copy_of_the_targets
# Cross-entropy does everything, the mask is in the (copied) targets; vocabulary in the middle.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    targets = torch.where(mask, tokens, -100)[:, 1:]
    return F.cross_entropy(logits[:, :-1].transpose(1, 2).float(), targets, reduction="none", ignore_index=-100).neg()


# %% right: only_the_masked_places
# Selects the written places first, computes only there, and puts the numbers back.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    keep = mask[:, 1:]
    chosen = torch.distributions.Categorical(logits=logits[:, :-1][keep].float(), validate_args=False)
    zeros = torch.zeros(keep.shape, dtype=torch.float32, device=logits.device)
    return zeros.masked_scatter(keep, chosen.log_prob(tokens[:, 1:][keep]))


# %% wrong: softmax_in_input_dtype
# "the log-probabilities are taken in float32"
# Takes the log-softmax in the logits' own 16 bits and converts only the result.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1], dim=-1).float()
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: keeps_float64
# "logprobs (B, T - 1), float32"
# Converts 16 bits only; float64 logits give float64 log-probabilities.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    if logits.dtype in (torch.float16, torch.bfloat16):
        logits = logits.float()
    logprobs = F.log_softmax(logits[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked * mask[:, 1:]


# %% wrong: bare_squeeze_loses_dimensions
# "(B, T - 1)"
# squeeze() without a dimension: a batch of one row, or a row of two tokens, loses a dimension.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)) * mask[:, 1:].unsqueeze(-1)
    return picked.squeeze()


# %% wrong: floor_under_the_logs
# "logits (B, T, vocab_size), finite, thousands apart too"
# A floor of -100 "for stability": what lies lower is wrong, and has no gradient.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1).clamp(min=-100.0)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked * mask[:, 1:]


# %% wrong: softmax_then_log_with_tiny
# "logits ... finite, thousands apart too"
# log(softmax + tiny): right near by, wrong where a probability vanishes.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    probabilities = F.softmax(logits[:, :-1].float(), dim=-1)
    picked = probabilities.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return (picked + torch.finfo(torch.float32).tiny).log() * mask[:, 1:]


# %% wrong: inference_without_grad
# "you need the probability with which it was drawn, as something with a gradient"
# The normaliser is taken as a constant: values right, the gradient lacks minus the probabilities.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    z = logits[:, :-1].float()
    normaliser = torch.logsumexp(z.detach(), dim=-1)
    picked = z.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1) - normaliser
    return picked * mask[:, 1:]


# %% right: cross_entropy_with_ignored
# Minus F.cross_entropy without reduction, with -100 where the mask is False.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    targets = torch.where(mask[:, 1:], tokens[:, 1:].long(), torch.tensor(-100, device=tokens.device))
    return -F.cross_entropy(logits[:, :-1].float().transpose(1, 2), targets, reduction="none", ignore_index=-100)


# %% right: row_by_row_only_where_asked
# A loop over rows; takes the logarithms only where asked, written with max and exp.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows = []
    for z, w, m in zip(logits, tokens, mask):
        places = m[1:].nonzero().flatten()
        row = torch.zeros(len(w) - 1, dtype=torch.float32, device=logits.device)
        asked = z[places].to(torch.float32)
        shifted = asked - asked.detach().amax(dim=-1, keepdim=True)
        values = shifted[torch.arange(len(places), device=z.device), w[places + 1]] - shifted.exp().sum(-1).log()
        rows.append(row.index_put((places,), values))
    return torch.stack(rows)


# %% right: float64_inside_one_hot
# Works in float64 inside, picks with a one-hot product, and gives float32.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = logits[:, :-1].double().log_softmax(-1)
    hot = F.one_hot(tokens[:, 1:].long(), logits.size(-1)).double()
    return ((logprobs * hot).sum(-1) * mask[:, 1:].double()).float()


# %% wrong: shifted_by_the_largest_of_all
# "Shapes: logits (B, T, vocab_size), finite, thousands apart too"
# logits of one place around 0 and of another around 2000: at the lower place every exp is 0, and comes out as inf (gradient nan) in place of a finite number
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    scores = logits[:, :-1].float()
    scores = scores - scores.max().detach()  # nothing can overflow now
    picked = scores.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    logprobs = picked - scores.exp().sum(dim=-1).log()
    return torch.where(mask[:, 1:], logprobs, torch.zeros_like(logprobs))


# %% wrong: log_softmax_before_float
# "Logits are finite, and may come in 16 bits; the log-probabilities are taken in float32."
# logits in bfloat16: the log-probabilities are rounded to 16 bits, -0.0605 in place of -0.0601, although the result is float32
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1).float()
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: bare_squeeze
# "Shapes: logits (B, T, vocab_size), finite, thousands apart too, tokens (B, T), mask boolean (B, T) -> (B, T - 1), in float32."
# B = 4 and T = 2: the squeeze takes both ones away, (4) times (4, 1) comes out as (4, 4)
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = logits[:, :-1].float().log_softmax(dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze()
    return picked * mask[:, 1:]


# %% wrong: normaliser_as_a_number
# "you need the probability with which it was drawn, as something with a gradient"
# backward of the sum: the gradient is one at the token and 0 for all other words, in place of one less the probabilities; the values are right
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    scores = logits[:, :-1].float()
    with torch.no_grad():
        normaliser = scores.logsumexp(dim=-1)
    picked = scores.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return torch.where(mask[:, 1:], picked - normaliser, 0.0)


# %% wrong: a_view_of_the_logits
# "Shapes: logits (B, T, vocab_size), finite, thousands apart too, tokens (B, T), mask boolean (B, T) -> (B, T - 1)"
# logits that are a transposed view, such as scores (T, B, vocab_size).transpose(0, 1): RuntimeError, view size is not compatible
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    batch, length, vocab_size = logits.shape
    following = tokens.roll(-1, dims=1).reshape(-1)  # the last of each row is cut off below
    surprise = F.cross_entropy(logits.view(-1, vocab_size).float(), following, reduction="none")
    return -(surprise.view(batch, length)[:, :-1] * mask[:, 1:])


# %% right: cross_entropy_that_ignores
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    targets = tokens[:, 1:].long().masked_fill(~mask[:, 1:], -100)
    scores = logits[:, :-1].to(torch.float32)
    surprise = F.cross_entropy(scores.transpose(1, 2), targets, ignore_index=-100, reduction="none")
    return 0.0 - surprise


# %% right: place_by_place
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    batch, length = tokens.shape
    rows = []
    for row in range(batch):
        places = [logits.new_zeros(0, dtype=torch.float32)]
        for t in range(1, length):
            if mask[row, t]:
                scores = logits[row, t - 1].to(torch.float32)
                against = scores - scores[tokens[row, t]]
                places.append(-torch.logsumexp(against, dim=0).reshape(1))
            else:
                places.append(logits.new_zeros(1, dtype=torch.float32))
        rows.append(torch.cat(places))
    if not any(row.requires_grad for row in rows):
        return torch.stack(rows) + 0.0 * logits[:, :-1, 0].float().clamp(0.0, 0.0)
    return torch.stack(rows)
