# %% wrong: sixteen_bits_first
# "Logits may come in 16 bits; the log-probabilities are taken in float32."
# The log-softmax is taken in the logits' own 16 bits, and only the result becomes float32.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1], dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1).float()
    return picked.masked_fill(~mask[:, 1:], 0.0)


# %% wrong: mask_of_the_logits
# "The mask is that of the tokens, so it"
# The mask is cut like the logits, mask[:, :-1]: it comes a place too late.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~mask[:, :-1], 0.0)


# %% wrong: first_word_left_out
# "The log-probability of each token that the assistant wrote, given all in front of it"
# A place counts only where the token in front was written too: the first token of a reply is 0.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked.masked_fill(~(mask[:, 1:] & mask[:, :-1]), 0.0)


# %% wrong: times_the_mask
# "0 at all other places."
# The mask is multiplied: where a prompt or padding token has a logit of minus infinity the place is nan, not 0.
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return picked * mask[:, 1:]


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


# %% wrong: a_place_for_the_first_token
# "Token t is predicted by the logits at t - 1, so there is one place fewer than tokens."
# A zero stands in front for the first token, so that places and tokens agree: (B, T).
def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)
    picked = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)
    return F.pad(picked.masked_fill(~mask[:, 1:], 0.0), (1, 0))


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
