# %% wrong: minus_ten_thousand
# "read (True); the others get weight zero, exactly"
# A hidden score becomes -1e4 instead of minus infinity, so where the scores that may be read are lower, it wins.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e4)
    return scores.softmax(dim=-1) @ value


# %% wrong: a_mask_for_each_text
# "`mask` is boolean, broadcasts to (..., T, S)"
# A mask with one dimension less than four is taken for (B, T, S) and given a dimension for heads, where broadcasting reads (heads, T, S).
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        if scores.dim() == 4 and mask.dim() == 3:
            mask = mask.unsqueeze(1)
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1) @ value


# %% right: logarithm_of_the_mask
# The mask is added as its logarithm, 0 or minus infinity, and the softmax is exp(s - logsumexp(s)), in 64 bits.
def scaled_dot_product(query, key, value, mask=None):
    scores = torch.einsum("...td,...sd->...ts", query.double(), key.double()) * query.size(-1) ** -0.5
    if mask is not None:
        scores = scores + mask.double().log()
    weights = (scores - scores.logsumexp(dim=-1, keepdim=True)).exp()
    return torch.einsum("...ts,...sv->...tv", weights, value.double()).to(value.dtype)


# %% right: flat_loops
# All batch dimensions are flattened, and each query takes by index only the keys and values that it may read.
def scaled_dot_product(query, key, value, mask=None):
    batch, (T, d), S = query.shape[:-2], query.shape[-2:], key.shape[-2]
    allowed = torch.ones(T, S, dtype=torch.bool, device=query.device) if mask is None else mask
    allowed = allowed.expand(*batch, T, S).reshape(-1, T, S)
    rows = []
    for q, k, v, may in zip(query.reshape(-1, T, d), key.reshape(-1, S, d), value.reshape(-1, S, value.shape[-1]), allowed):
        for i in range(T):
            seen = may[i].nonzero().flatten()
            scores = k[seen] @ q[i] / d**0.5
            rows.append(F.softmax(scores, dim=0) @ v[seen])
    if not rows:
        return query.new_zeros(*batch, T, value.shape[-1])
    return torch.stack(rows).reshape(*batch, T, value.shape[-1])


# %% wrong: fill_a_thousand_below_the_smallest
# "the others get weight zero, exactly, however large a hidden score is, or small one that may be read"
# Hides with the smallest score less 1000: where scores are around 1e11 in 32 bits, 1000 is lost in rounding.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, scores.min().item() - 1000)
    return scores.softmax(dim=-1) @ value


# %% wrong: fill_minus_1e9
# "the others get weight zero, exactly, however large a hidden score is, or small one that may be read"
# Hides with -1e9: where all that may be read scores below that, the hidden keys win.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(mask == 0, -1e9)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: page_for_each_text
# "It broadcasts as PyTorch's tensors do, from the last axis on: ... a mask (heads, T, S) has one page for each head."
# A mask with one axis less than the scores gets its new axis at the heads: one page for each text of the batch.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        if scores.dim() == 4 and mask.dim() == 3:
            mask = mask.unsqueeze(1)
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ value


# %% wrong: zero_score_is_hidden
# "The keys that a query may read share all of the weight"
# Multiplies the scores with the mask and hides what is zero: a key that may be read and scores exactly 0 is hidden too.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores * mask
        none_left = (scores == 0).all(dim=-1, keepdim=True)
        scores = torch.where(none_left & mask, 1.0, scores)
        scores = scores.masked_fill(scores == 0, float("-inf"))
    return scores.softmax(dim=-1) @ value


# %% wrong: gradient_nan_behind_where
# "however large a hidden score is" and "The gradient reaches query, key and value."
# exp of a large hidden score overflows and is then replaced by 0: the result is right, the gradient is 0 · inf = NaN.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        mask = torch.ones((), dtype=torch.bool, device=scores.device)
    largest = scores.masked_fill(~mask, -torch.inf).amax(dim=-1, keepdim=True)
    exponentials = torch.where(mask, torch.exp(scores - largest), 0.0)
    return exponentials / exponentials.sum(dim=-1, keepdim=True) @ value


# %% wrong: one_maximum_for_everything
# "Large scores, above or below zero, give no NaN."
# Subtracts the largest score of the whole tensor: a query whose scores lie some hundreds below gets 0 / 0.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    exponentials = torch.exp(scores - scores.max())
    return exponentials / exponentials.sum(dim=-1, keepdim=True) @ value


# %% wrong: scores_clamped
# "softmax(Q Kᵀ / √d_head) V" and "Large scores, above or below zero"
# Clamps the scores to ±10,000 before the softmax: keys beyond it tie, and get no gradient.
def scaled_dot_product(query, key, value, mask=None):
    scores = (query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])).clamp(-1e4, 1e4)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ value


# %% wrong: row_without_batch_decides
# "`mask` ... broadcasts to (..., T, S), and is True where a query may read a key"
# A mask with batch dimensions is cut down to its first page where all texts hide equally many keys.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        pages = mask.reshape(-1, *mask.shape[-2:]) if mask.dim() > 2 else mask[None]
        counts = pages.flatten(1).sum(1)
        if (counts == counts[0]).all():  # the same mask for all
            mask = pages[0]
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1) @ value


# %% right: reads_only_what_it_may
# Loops over every query, picks the keys it may read, and takes a softmax over those alone.
def scaled_dot_product(query, key, value, mask=None):
    *batch, T, d = query.shape
    S = key.shape[-2]
    if mask is None:
        mask = torch.ones(S, dtype=torch.bool, device=query.device)
    pages = mask.expand(*batch, T, S).reshape(-1, T, S)
    qs, ks, vs = query.reshape(-1, T, d), key.reshape(-1, S, d), value.reshape(-1, S, value.shape[-1])
    rows = []
    for q, k, v, page in zip(qs, ks, vs, pages):
        for one, may in zip(q, page):
            index = may.nonzero()[:, 0]
            rows.append(torch.softmax(k[index] @ one * d**-0.5, dim=0) @ v[index])
    return torch.stack(rows).reshape(*batch, T, value.shape[-1])


# %% right: log_of_the_mask_added
# The mask as a number, its log (0 or -inf) added; weights by logsumexp; in 64 bits, and back.
def scaled_dot_product(query, key, value, mask=None):
    q, k, v = (given.double() for given in (query, key, value))
    scores = torch.einsum("...td,...sd->...ts", q / math.sqrt(q.shape[-1]), k)
    if mask is not None:
        scores = scores + mask.double().log()
    weights = torch.exp(scores - scores.logsumexp(-1, keepdim=True))
    return torch.einsum("...ts,...sv->...tv", weights, v).to(value.dtype)


# %% right: keys_in_the_rows
# Everything turned: scores (..., S, T), softmax over the last axis but one.
def scaled_dot_product(query, key, value, mask=None):
    scores = key.div(query.size(-1) ** 0.5) @ query.mT
    if mask is not None:
        full = torch.broadcast_to(mask, scores.mT.shape)
        scores = torch.where(full.mT, scores, torch.tensor(-torch.inf, dtype=scores.dtype, device=scores.device))
    return (value.mT @ torch.nn.Softmax(dim=-2)(scores)).mT


# %% wrong: nan_in_the_gradient_of_hidden
# "Large scores, hidden or not, above or below zero, give no NaN, in the gradient either."
# Its maximum is that of the visible scores, and `where` drops exp(hidden) = inf: right forward, 0 · inf in the gradient.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is None:
        return torch.softmax(scores, dim=-1) @ value
    largest = scores.detach().masked_fill(~mask, -torch.inf).amax(dim=-1, keepdim=True)
    exponentials = torch.where(mask, torch.exp(scores - largest), 0.0)
    return exponentials / exponentials.sum(dim=-1, keepdim=True) @ value


# %% wrong: hidden_weight_is_tiny_only
# "the others get weight zero, exactly"
# Fills hidden scores with the smallest score less 40: weight 4e-18 at most, which no tolerance sees.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = torch.where(mask, scores, scores.detach().amin(dim=-1, keepdim=True) - 40)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: mask_of_three_axes_is_one_for_each_text
# "It broadcasts as PyTorch's tensors do ...: with queries (B, heads, T, d_head), a mask (heads, T, S) has one page for each head."
# Puts an axis for the heads into a mask of three axes, so its pages go to the texts: silent where B is the heads or 1.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        if mask.dim() == 3 and scores.dim() == 4 and mask.size(0) == scores.size(0):
            mask = mask.unsqueeze(1)
        scores = scores.masked_fill(~mask, -torch.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: score_of_zero_is_hidden
# "The keys that a query may read share all of the weight"
# Multiplies with the mask, then hides what is zero: a visible key whose score is 0 is hidden too (if others are not).
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        shown = scores * mask
        shown = shown.masked_fill(shown == 0, -torch.inf)
        nothing = (shown == -torch.inf).all(dim=-1, keepdim=True)
        scores = torch.where(nothing, scores.masked_fill(~mask, -torch.inf), shown)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: large_negative_fill
# "zero, exactly, however large a hidden score is, or small one that may be read"
# Fills with -1e9: a visible score below that loses to the hidden ones.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: scores_clipped
# "softmax(Q Kᵀ / √d_head) V ... Large scores ... give no NaN"
# Clips visible scores to ±1e4 "for stability": no NaN, but scores of 20,000 and 30,000 share the weight.
def scaled_dot_product(query, key, value, mask=None):
    scores = (query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))).clamp(-1e4, 1e4)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return torch.softmax(scores, dim=-1) @ value


# %% wrong: keys_detached_with_a_mask
# "The gradient reaches query, key and value."
# With a mask, the keys are detached ("they are a cache then").
def scaled_dot_product(query, key, value, mask=None):
    if mask is not None:
        scores = query @ key.detach().transpose(-2, -1) / math.sqrt(query.size(-1))
        return torch.softmax(scores.masked_fill(~mask, -torch.inf), dim=-1) @ value
    return torch.softmax(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)), dim=-1) @ value


# %% right: query_by_query
# Loops over all queries and takes the keys that each may read, no -inf anywhere.
def scaled_dot_product(query, key, value, mask=None):
    batch, T, S = query.shape[:-2], query.size(-2), key.size(-2)
    q, k, v = (x.reshape(-1, *x.shape[-2:]) for x in (query, key, value))
    if mask is None:
        mask = torch.ones(T, S, dtype=torch.bool, device=query.device)
    pages = mask.expand(*batch, T, S).reshape(-1, T, S)
    rows = []
    for b in range(q.size(0)):
        for t in range(T):
            may = pages[b, t].nonzero().flatten()
            scores = (k[b, may] * q[b, t]).sum(dim=-1) / q.size(-1) ** 0.5
            rows.append(scores.softmax(dim=0) @ v[b, may])
    return torch.stack(rows).reshape(*batch, T, v.size(-1))


# %% right: half_of_the_root_on_each_side
# Scales query and key each by d ** -0.25, hides by adding the logarithm of the mask, log_softmax and exp, in double.
def scaled_dot_product(query, key, value, mask=None):
    kind = value.dtype
    scale = query.size(-1) ** -0.25
    scores = torch.einsum("...td,...sd->...ts", query.double() * scale, key.double() * scale)
    if mask is not None:
        scores = torch.where(mask, scores, torch.full_like(scores, float("-inf")))
    return torch.einsum("...ts,...sv->...tv", scores.log_softmax(-1).exp(), value.double()).to(kind)


# %% right: safe_exponentials_by_hand
# exp and division by hand, the hidden scores replaced by the largest visible one before exp and dropped after it.
def scaled_dot_product(query, key, value, mask=None):
    scores = (query / math.sqrt(query.size(-1))).matmul(key.mT)
    if mask is None:
        mask = torch.ones_like(scores, dtype=torch.bool)
    largest = torch.where(mask, scores, -math.inf).amax(-1, keepdim=True).detach()
    numerators = torch.where(mask, scores - largest, 0.0).exp() * mask
    return (numerators @ value) / numerators.sum(-1, keepdim=True)


# %% wrong: filled_with_the_smallest_number
# "the others get weight zero, exactly, however large a hidden score is, or small one that may be read"
# d_head = 1, query 1, keys -3.4028235e38 (readable) and 0 (hidden): the readable score equals the filler, the hidden key gets weight 0.5
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    return scores.softmax(dim=-1) @ value


# %% wrong: where_after_the_exponential
# "Large scores, hidden or not, above or below zero, give no NaN, in the gradient either."
# a hidden score 200 above the readable ones, backward: the result is right, but exp(200) is inf and 0 * inf makes the gradients of query and key NaN
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    if mask is None:
        return scores.softmax(dim=-1) @ value
    largest = scores.detach().masked_fill(~mask, -math.inf).amax(dim=-1, keepdim=True)
    exps = torch.where(mask, torch.exp(scores - largest), torch.zeros_like(scores))
    return exps / exps.sum(dim=-1, keepdim=True) @ value


# %% right: only_what_may_be_read
def scaled_dot_product(query, key, value, mask=None):
    batch, T, S = query.shape[:-2], query.shape[-2], key.shape[-2]
    if mask is None:
        mask = torch.ones(T, S, dtype=torch.bool, device=query.device)
    mask = mask.broadcast_to(*batch, T, S).reshape(-1, T, S)
    rows = []
    for q, k, v, m in zip(*(x.reshape(-1, *x.shape[-2:]) for x in (query, key, value)), mask):
        for i in range(T):
            may = m[i].nonzero()[:, 0]
            scores = k[may] @ (q[i] / math.sqrt(query.shape[-1]))
            rows.append(scores.softmax(0) @ v[may])
    if not rows:
        return query.new_zeros(*batch, T, value.shape[-1])
    return torch.stack(rows).reshape(*batch, T, value.shape[-1])


# %% right: keys_down_queries_across
def scaled_dot_product(query, key, value, mask=None):
    scores = torch.einsum("...sd,...td->...st", key, query * query.shape[-1] ** -0.5)
    if mask is not None:
        scores = torch.where(mask.transpose(-1, -2), scores, scores.new_tensor(-math.inf))
    largest = scores.amax(dim=-2, keepdim=True).detach()
    exps = (scores - largest).exp()
    mixed = torch.einsum("...st,...sv->...tv", exps, value)
    return mixed / exps.sum(dim=-2).unsqueeze(-1)
