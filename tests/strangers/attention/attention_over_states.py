# %% wrong: plain_exponentials
# "a = \operatorname{softmax}(e_1, \dots, e_T)"
# The exponentials are taken of the raw scores, so that a long or large v gives inf / inf.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    exponentials = scores.exp()
    weights = exponentials / exponentials.sum(dim=1, keepdim=True)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: clamps_the_scores
# "turns what comes out of the tanh into one number, the score $e_t$"
# Scores are clamped to 30 "for safety", so that two large scores which differ get the same weight.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = torch.softmax(scores.clamp(-30.0, 30.0), dim=1)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: only_the_last_64_states
# "Read a weighted mean of all states of a recurrent network"
# To save work only the last 64 states are scored; the ones before get weight zero.
def attention_over_states(query, states, w_query, w_states, v):
    recent = states[:, -64:]
    scores = torch.tanh((query @ w_query).unsqueeze(1) + recent @ w_states) @ v
    weights = scores.softmax(dim=1)
    context = torch.einsum("bt,btd->bd", weights, recent)
    return context, F.pad(weights, (states.size(1) - recent.size(1), 0))


# %% wrong: weights_cut_off_from_the_query
# "with weights that depend on the query"
# The context is made with detached weights: right numbers, but no gradient from it reaches query, w_query, w_states, v.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = scores.softmax(dim=1)
    return torch.einsum("bt,btd->bd", weights.detach(), states), weights


# %% right: one_state_at_a_time
# Two loops, over the texts and over their states, and the softmax by hand relative to the largest score.
def attention_over_states(query, states, w_query, w_states, v):
    contexts, all_weights = [], []
    for q, text in zip(query, states):
        asked = torch.mv(w_query.t(), q)
        scores = torch.stack([torch.dot(v, torch.tanh(asked + torch.mv(w_states.t(), h))) for h in text])
        exponentials = torch.exp(scores - scores.max().detach())
        weights = exponentials / exponentials.sum()
        all_weights.append(weights)
        contexts.append(sum(weight * h for weight, h in zip(weights, text)))
    return torch.stack(contexts), torch.stack(all_weights)


# %% right: joined_in_float64
# Query and state are joined to one vector and multiplied by the joined matrices, in 64 bits, with log_softmax and bmm.
def attention_over_states(query, states, w_query, w_states, v):
    length = states.shape[1]
    joined = torch.cat([query[:, None, :].repeat(1, length, 1), states], dim=2).double()
    matrix = torch.cat([w_query, w_states], dim=0).double()
    scores = F.linear(torch.tanh(F.linear(joined, matrix.t())), v.double()[None, :])[:, :, 0]
    weights = F.log_softmax(scores, dim=1).exp()
    context = torch.bmm(weights[:, None, :], states.double())[:, 0, :]
    return context.to(states.dtype), weights.to(states.dtype)


# %% wrong: largest_score_of_the_whole_batch
# "The weights are the softmax of a text's scores, however large the scores are"
# Subtracts the largest score of the batch, not of the text: a text whose scores all lie far below gets 0 / 0.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v
    exponentials = torch.exp(scores - scores.max())
    weights = exponentials / exponentials.sum(dim=1, keepdim=True)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: shift_never_below_zero
# "The weights are the softmax of a text's scores, however large the scores are"
# Guards against large positive scores only: where all scores of a text are far below zero, everything underflows.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v
    shift = scores.amax(dim=1, keepdim=True).clamp(min=0)
    exponentials = torch.exp(scores - shift)
    weights = exponentials / exponentials.sum(dim=1, keepdim=True)
    return (weights[:, None, :] @ states)[:, 0], weights


# %% wrong: scores_clamped
# "The weights are the softmax of a text's scores, however large the scores are"
# Clamps the scores to ±80 so that exp does not overflow: two scores beyond get the same weight.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v
    exponentials = torch.exp(scores.clamp(-80, 80))
    weights = exponentials / exponentials.sum(dim=1, keepdim=True)
    return (weights[:, None, :] @ states)[:, 0], weights


# %% wrong: the_mean_reads_detached_states
# "the gradient of context and weights reaches every input"
# The states in the mean are detached: their gradient comes through the scores only, so it is there but wrong.
def attention_over_states(query, states, w_query, w_states, v):
    memory = states.detach()
    weights = (torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v).softmax(dim=-1)
    return (weights[:, None, :] @ memory)[:, 0], weights


# %% wrong: weights_returned_for_plots_only
# "the gradient of context and weights reaches every input"
# The context is right and carries its gradient, the weights are handed back detached.
def attention_over_states(query, states, w_query, w_states, v):
    weights = (torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v).softmax(dim=-1)
    context = (weights[:, None, :] @ states)[:, 0]
    return context, weights.detach()


# %% wrong: projected_states_kept
# "The score of a state ... is `v · tanh(query @ w_query + state @ w_states)`"
# Keeps states @ w_states from the last call while it gets the same two tensors, even if their numbers have changed
# since (an optimizer's step), or the graph behind it is gone.
_kept_projection = {}


def attention_over_states(query, states, w_query, w_states, v):
    if _kept_projection.get("states") is not states or _kept_projection.get("w_states") is not w_states:
        _kept_projection.update(states=states, w_states=w_states, projected=states @ w_states)
    scores = torch.tanh((query @ w_query)[:, None, :] + _kept_projection["projected"]) @ v
    weights = scores.softmax(dim=-1)
    return (weights[:, None, :] @ states)[:, 0], weights


# %% wrong: context_squeezed
# "context (B, d_state)"
# squeeze() without a dimension: with states of width 1, the context (of more than one text) has shape (B,).
def attention_over_states(query, states, w_query, w_states, v):
    weights = (torch.tanh((query @ w_query)[:, None, :] + states @ w_states) @ v).softmax(dim=-1)
    context = torch.bmm(weights[:, None, :], states)
    return (context.squeeze() if len(query) > 1 else context[:, 0]), weights


# %% right: one_state_after_the_other
# Loops over texts and states, scalars collected in lists and stacked.
def attention_over_states(query, states, w_query, w_states, v):
    contexts, all_weights = [], []
    for q, hs in zip(query, states):
        wanted = torch.mv(w_query.T, q)
        scores = torch.stack([torch.dot(v, torch.tanh(wanted + torch.mv(w_states.T, h))) for h in hs])
        a = torch.exp(scores - torch.logsumexp(scores, dim=0))
        contexts.append(sum(weight * h for weight, h in zip(a, hs)))
        all_weights.append(a)
    return torch.stack(contexts), torch.stack(all_weights)


# %% right: one_matrix_in_double_precision
# Query and state side by side times the two matrices on top of each other, in 64 bits, and back to the given type.
def attention_over_states(query, states, w_query, w_states, v):
    both = torch.cat([query[:, None, :].expand(-1, states.shape[1], -1), states], dim=-1).double()
    scores = torch.tanh(both @ torch.cat([w_query, w_states]).double()) @ v.double()
    weights = F.softmax(scores, dim=1)
    context = torch.einsum("bt,btd->bd", weights, states.double())
    return context.to(states.dtype), weights.to(states.dtype)


# %% right: tanh_from_sigmoid
# tanh(x) = 2 sigmoid(2x) - 1, log_softmax and exp, elementwise product instead of a matrix product.
def attention_over_states(query, states, w_query, w_states, v):
    inside = F.linear(states, w_states.T) + F.linear(query, w_query.T).unsqueeze(1)
    scores = ((2 * torch.sigmoid(2 * inside) - 1) * v).sum(-1)
    weights = scores.log_softmax(-1).exp()
    return weights.unsqueeze(-1).mul(states).sum(1), weights


# %% wrong: exp_with_one_maximum_for_the_batch
# "The weights are the softmax of a text's scores, however large the scores are"
# Takes the largest score of the whole batch off before exp, so a text whose scores lie far below another's gives 0 / 0.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    exponentials = torch.exp(scores - scores.max())
    weights = exponentials / exponentials.sum(dim=1, keepdim=True)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: scores_clamped_against_overflow
# "The weights are the softmax of a text's scores, however large the scores are"
# Clamps the scores to ±50 so that exp cannot overflow: two scores beyond 50 get the same weight.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states @ w_states) @ v
    weights = torch.softmax(scores.clamp(-50.0, 50.0), dim=-1)
    return (weights[..., None] * states).sum(dim=1), weights


# %% wrong: returned_weights_detached
# "the gradient of context and weights reaches every input"
# The weights that it returns are detached ("for plotting"); the context has its gradient.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states @ w_states) @ v
    weights = torch.softmax(scores, dim=-1)
    return (weights[:, None] @ states)[:, 0], weights.detach()


# %% wrong: states_detached_in_the_mean
# "the gradient of context and weights reaches every input"
# The states get gradient through the scores alone; as values they are detached.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states @ w_states) @ v
    weights = torch.softmax(scores, dim=-1)
    memory = states.detach()
    return (weights[:, None] @ memory)[:, 0], weights


# %% wrong: states_detached_in_the_scores
# "the gradient of context and weights reaches every input"
# The states get gradient as values alone; the weights' gradient does not reach them.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states.detach() @ w_states) @ v
    weights = torch.softmax(scores, dim=-1)
    return (weights[:, None] @ states)[:, 0], weights


# %% wrong: squeezes_a_batch_of_one
# "-> context (B, d_state)"
# A bare squeeze() takes the batch dimension of 1 off the context too (and a state of width 1).
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = torch.softmax(scores, dim=-1)
    context = torch.matmul(weights.unsqueeze(1), states).squeeze()
    return context, weights


# %% wrong: projected_states_kept_from_call_to_call
# "The score of a state ... is v · tanh(query @ w_query + state @ w_states)"
# Keeps the projected states of the last call, by the identity of the tensors: after a change in place they are stale.
_last = {}


def attention_over_states(query, states, w_query, w_states, v):
    if _last.get("states") is not states or _last.get("w_states") is not w_states:
        _last.update(states=states, w_states=w_states, projected=states @ w_states)
    scores = torch.tanh((query @ w_query)[:, None] + _last["projected"]) @ v
    weights = torch.softmax(scores, dim=-1)
    return (weights[:, None] @ states)[:, 0], weights


# %% wrong: view_of_the_states
# "Shapes: query (B, d_query), states (B, T, d_state)"
# Flattens with view, which raises for states that were transposed to (B, T, d_state), as an RNN's without batch_first.
def attention_over_states(query, states, w_query, w_states, v):
    B, T, d_state = states.shape
    projected = (states.view(B * T, d_state) @ w_states).view(B, T, -1)
    weights = torch.softmax(torch.tanh((query @ w_query)[:, None] + projected) @ v, dim=-1)
    return (weights[:, None] @ states)[:, 0], weights


# %% wrong: zero_states_taken_for_padding
# "The score of a state, states of zeros included, is ..."
# States of zeros at the end of a text only, behind its last other state, are hidden as padding.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states @ w_states) @ v
    real = (states != 0).any(dim=-1)
    real = real.flip(1).cummax(dim=1).values.flip(1)  # all up to the last real one
    real = real | ~real.any(dim=1, keepdim=True)
    weights = torch.softmax(scores.masked_fill(~real, -torch.inf), dim=-1)
    return (weights[:, None] @ states)[:, 0], weights


# %% wrong: context_of_the_heaviest_states
# "c = sum over t of a_t h_t": "the context is the weighted mean" of all states
# Weights below one in ten thousand are left out of the context ("sparse"), while the weights are returned whole.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query)[:, None] + states @ w_states) @ v
    weights = torch.softmax(scores, dim=-1)
    kept = torch.where(weights > 1e-4, weights, torch.zeros_like(weights))
    return (kept[:, None] @ states)[:, 0], weights


# %% right: member_by_member_in_double
# Loops over the batch and over the states, in float64, and casts back.
def attention_over_states(query, states, w_query, w_states, v):
    contexts, all_weights = [], []
    for q, hs in zip(query.double(), states.double()):
        wanted = q @ w_query.double()
        scores = torch.stack([v.double().dot(torch.tanh(wanted + h @ w_states.double())) for h in hs])
        a = (scores - scores.logsumexp(0)).exp()
        contexts.append(sum(weight * h for weight, h in zip(a, hs)))
        all_weights.append(a)
    return torch.stack(contexts).to(states.dtype), torch.stack(all_weights).to(states.dtype)


# %% right: query_and_state_side_by_side
# One product of [query, state] with the two matrices on top of each other.
def attention_over_states(query, states, w_query, w_states, v):
    both = torch.cat([query[:, None].expand(-1, states.size(1), -1), states], dim=-1)
    scores = (torch.tanh(both @ torch.cat([w_query, w_states])) * v).sum(dim=-1)
    weights = scores.log_softmax(dim=1).exp()
    return torch.bmm(states.transpose(1, 2), weights.unsqueeze(2)).squeeze(2), weights


# %% right: vmap_over_the_batch
# One text at a time, mapped over the batch by torch.vmap; tanh from the sigmoid's rule in double.
def attention_over_states(query, states, w_query, w_states, v):
    def one(q, hs):
        inside = F.linear(hs, w_states.T) + F.linear(q, w_query.T)
        a = F.softmax(F.tanh(inside).mv(v), dim=0)
        return hs.T.mv(a), a

    return torch.vmap(one)(query, states)


# %% wrong: one_maximum_for_the_batch
# "The weights are the softmax of a text's scores, however large the scores are"
# a batch of two whose scores are near 300 and near 0 (v = 300, a saturated tanh in one text only): the second text's exponentials all underflow, its weights and context are NaN
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v  # (B, T)
    exps = (scores - scores.max().detach()).exp()  # so that exp cannot overflow
    weights = exps / exps.sum(dim=1, keepdim=True)
    return (weights.unsqueeze(-1) * states).sum(dim=1), weights


# %% wrong: scores_cut_at_eighty
# "The weights are the softmax of a text's scores, however large the scores are"
# v = 200, one state with score 200 and one with score 100: both are cut to 80 and get 0.5 each, where 1 and 0 are right
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    exps = scores.clamp(max=80.0).exp()  # exp overflows above 88 in float32
    exps = exps + torch.finfo(exps.dtype).tiny  # and never divide by zero
    weights = exps / exps.sum(dim=-1, keepdim=True)
    return torch.bmm(weights.unsqueeze(1), states).squeeze(1), weights


# %% wrong: linear_layers_of_their_own
# "the gradient of context and weights reaches every input"
# w_query.requires_grad_(), context.sum().backward(): w_query.grad, w_states.grad and v.grad stay None, the gradient went to copies of the weights
def attention_over_states(query, states, w_query, w_states, v):
    def linear(weight):  # (d_in, d_out) -> a layer without a bias that holds it
        layer = nn.Linear(*weight.shape, bias=False, device=weight.device, dtype=weight.dtype)
        layer.weight = nn.Parameter(weight.T)
        return layer

    hidden = torch.tanh(linear(w_query)(query).unsqueeze(1) + linear(w_states)(states))
    weights = linear(v.unsqueeze(-1))(hidden).squeeze(-1).softmax(dim=-1)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: tanh_from_its_formula
# "the gradient of context and weights reaches every input"
# query @ w_query = -60 (values are right, tanh is -1), backward: exp(120) is inf in float32 and 0 * inf makes every gradient through the tanh NaN instead of 0
def attention_over_states(query, states, w_query, w_states, v):
    inside = (query @ w_query)[:, None, :] + states @ w_states
    hidden = 2 / (1 + torch.exp(-2 * inside)) - 1  # tanh
    weights = F.softmax((hidden * v).sum(-1), dim=-1)
    return (states * weights[..., None]).sum(1), weights


# %% wrong: projected_states_kept_again
# "The score of a state, states of zeros included, is `v · tanh(query @ w_query + state @ w_states)`"
# two calls with the same tensors, w_states changed in place between them (an optimiser's step): the second call still uses the old projection
_projected = {"states": None, "w_states": None, "keys": None}


def attention_over_states(query, states, w_query, w_states, v):
    # the same states are read once for each word that is written: project them once
    kept = _projected
    if kept["states"] is not states or kept["w_states"] is not w_states or torch.is_grad_enabled() and (
        states.requires_grad or w_states.requires_grad
    ):
        kept.update(states=states, w_states=w_states, keys=states @ w_states)
    scores = torch.tanh((query @ w_query).unsqueeze(1) + kept["keys"]).matmul(v)
    weights = scores.softmax(-1)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: padding_at_the_end
# "The score of a state, states of zeros included, is `v · tanh(query @ w_query + state @ w_states)`"
# a text whose last state is all zeros: it gets weight 0 instead of its share
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    used = (states != 0).any(dim=-1)  # shorter texts are filled up with zeros at their end
    used = used.flip(1).cumsum(dim=1).flip(1) > 0  # a zero state inside a text is a state
    used = used | ~used.any(dim=1, keepdim=True)
    weights = scores.masked_fill(~used, -math.inf).softmax(dim=1)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% right: text_by_text
def attention_over_states(query, states, w_query, w_states, v):
    contexts, all_weights = [], []
    for b in range(query.shape[0]):
        asked = w_query.T.mv(query[b])
        scores = torch.stack([torch.dot(v, torch.tanh(asked + w_states.T.mv(state))) for state in states[b]])
        exps = torch.exp(scores - scores.max())
        weights = exps / exps.sum()
        contexts.append(states[b].T.mv(weights))
        all_weights.append(weights)
    return torch.stack(contexts), torch.stack(all_weights)


# %% right: time_first_einsum
def attention_over_states(query, states, w_query, w_states, v):
    along = torch.einsum("bts,sa->tba", states, w_states) + torch.einsum("bq,qa->ba", query, w_query)
    log_weights = torch.einsum("tba,a->tb", along.tanh(), v).log_softmax(dim=0)
    weights = log_weights.exp().transpose(0, 1)
    return torch.matmul(weights.unsqueeze(-2), states).squeeze(-2), weights
