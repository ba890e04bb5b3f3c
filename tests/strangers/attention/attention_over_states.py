# %% wrong: squeezes_every_dimension_of_one
# "weights   (B, T)"
# A bare squeeze removes the batch dimension (or the positions) too where there is only one query or one state.
def attention_over_states(query, states, w_query, w_states, v):
    aligned = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states)
    scores = (aligned @ v.unsqueeze(1)).squeeze()
    weights = scores.softmax(dim=-1)
    context = (weights.unsqueeze(-1) * states).sum(dim=1)
    return context, weights


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


# %% wrong: a_zero_state_is_padding
# "keep *all* the states"
# A state that consists of zeros is taken for padding and gets no weight.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    padding = (states == 0).all(dim=-1)
    padding = padding & ~padding.all(dim=1, keepdim=True)
    weights = scores.masked_fill(padding, -math.inf).softmax(dim=1)
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


# %% wrong: queries_along_the_positions
# "A batch of $B$ queries, each with its own states."
# The queries are not given a dimension of size 1: where B equals T, position t is scored with query t.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh(query @ w_query + states @ w_states) @ v
    weights = scores.softmax(dim=-1)
    return torch.einsum("bt,btd->bd", weights, states), weights


# %% wrong: scaled_by_the_root
# "e_t = v \cdot \tanh(q\,W_\text{query} + h_t\,W_\text{states}), \qquad"
# The score is divided by the root of d_align, as dot products are; with d_align = 1 nothing shows.
def attention_over_states(query, states, w_query, w_states, v):
    scores = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states) @ v
    weights = torch.softmax(scores / math.sqrt(v.numel()), dim=1)
    return torch.einsum("bt,btd->bd", weights, states), weights


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
