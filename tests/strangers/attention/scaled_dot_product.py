# %% wrong: minus_ten_thousand
# "read (True); the others get weight zero, exactly"
# A hidden score becomes -1e4 instead of minus infinity, so where the scores that may be read are lower, it wins.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e4)
    return scores.softmax(dim=-1) @ value


# %% wrong: masked_after_the_softmax
# "A weight is exactly zero when its score is"
# The softmax runs over all keys, then hidden weights are set to zero and the rest rescaled: a large hidden score leaves nothing.
def scaled_dot_product(query, key, value, mask=None):
    weights = (query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))).softmax(dim=-1)
    if mask is not None:
        weights = weights * mask
        weights = weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-12)
    return weights @ value


# %% wrong: root_of_the_width_of_the_values
# "$d$ (`d_head`) is the width of a query and of a key."
# Divides by the root of d_value, which is the same number only where values are as wide as keys.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(value.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1) @ value


# %% wrong: whole_number_root
# "softmax(Q Kᵀ / √d_head) V"
# The root is cut to a whole number: right for widths 1, 4, 16, 64, wrong for 2, 8, 32.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.isqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    return scores.softmax(dim=-1) @ value


# %% wrong: one_batch_dimension
# "The dots stand for any number of batch dimensions."
# transpose(1, 2) is right for three dimensions only; with two it fails, with four it swaps heads with positions.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(1, 2) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
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


# %% wrong: mask_of_full_size
# "mask    None, or boolean, broadcasting to (..., T, S)"
# The mask's last two sizes are taken as T and S: a mask of keys alone, (S) or (1, S), hides nothing or raises.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(~mask.view(*mask.shape[:-2], query.size(-2), key.size(-2)), -math.inf)
    return scores.softmax(dim=-1) @ value


# %% wrong: plain_exponentials
# "The softmax runs over the keys, separately for each query."
# exp of the raw scores, hidden ones times zero: large scores overflow, and very low ones leave 0 / 0.
def scaled_dot_product(query, key, value, mask=None):
    exponentials = torch.exp(query @ key.transpose(-2, -1) / math.sqrt(query.size(-1)))
    if mask is not None:
        exponentials = torch.where(mask, exponentials, torch.zeros_like(exponentials))
    return exponentials @ value / exponentials.sum(dim=-1, keepdim=True)


# %% wrong: turns_the_callers_mask_around
# "is True where a query may read a key; every query may"
# The mask is negated in place, so the caller's mask is the opposite afterwards, and so is the next result.
def scaled_dot_product(query, key, value, mask=None):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not_(), -math.inf)
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
