# %% wrong: a_table_of_256
# "Query $i$ of the $T$ queries may read key $j$ of the $S$ keys where"
# The mask is cut from a table for 256 positions, so that a longer text cannot be read.
def causal_attention(query, key, value):
    table = torch.ones(256, 256, dtype=torch.bool, device=query.device).tril()
    T, S = query.size(-2), key.size(-2)
    return scaled_dot_product(query, key, value, table[S - T : S, :S])


# %% wrong: a_window_of_128
# "So the last query reads every key."
# Keys more than 127 positions back are hidden too, which shows in long texts only.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    distance = torch.arange(S - T, S, device=query.device)[:, None] - torch.arange(S, device=query.device)
    return scaled_dot_product(query, key, value, (distance >= 0) & (distance < 128))


# %% wrong: mask_on_the_cpu
# "A mask has to live on the device of the"
# The mask is made without a device: right on a CPU, an error elsewhere.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return scaled_dot_product(query, key, value, torch.ones(T, S, dtype=torch.bool).tril(diagonal=S - T))


# %% right: missing_queries_filled_in
# Rows of zeros stand in for the queries that are missing; PyTorch's causal kernel reads with all, the last T are kept.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    batch = query.shape[:-2]
    full = torch.cat([query.new_zeros(*batch, S - T, query.size(-1)), query], dim=-2)
    flat = [part.reshape(-1, 1, S, part.size(-1)) for part in (full, key, value)]
    mixed = F.scaled_dot_product_attention(*flat, is_causal=True)
    return mixed.reshape(*batch, S, value.size(-1))[..., S - T :, :]


# %% right: each_query_reads_its_own_slice
# No mask at all: in a loop each query gets the keys and values up to its own position, and nothing else.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    rows = []
    for i in range(T):
        end = i + S - T + 1
        scores = (key[..., :end, :] * query[..., i : i + 1, :]).sum(dim=-1) / query.shape[-1] ** 0.5
        weights = torch.exp(torch.log_softmax(scores, dim=-1))
        rows.append((weights.unsqueeze(-1) * value[..., :end, :]).sum(dim=-2))
    return torch.stack(rows, dim=-2)


# %% wrong: device_guessed
# "The result is made on the device of the query"
# Makes the mask on the GPU wherever there is one, else on the CPU, wherever the query is.
def causal_attention(query, key, value):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    T, S = query.shape[-2], key.shape[-2]
    mask = torch.ones(T, S, dtype=torch.bool, device=device).tril(S - T)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: mask_cut_from_512
# "So the last query reads every key, however long the text is"
# Cuts the mask out of one for 512 positions: a longer text raises an error.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    longest = torch.ones(512, 512, dtype=torch.bool, device=query.device).tril()
    return scaled_dot_product(query, key, value, longest[S - T : S, :S])


# %% wrong: window_of_128
# "So the last query reads every key, however long the text is"
# A query reads the last 128 positions only.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device)
    mask = mask.tril(S - T) & mask.triu(S - T - 127)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: penalty_added
# "however large the scores of later keys are, no other query reads them"
# Adds -1e9 to the scores of later keys instead of hiding them.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    later = torch.ones(T, S, device=query.device, dtype=query.dtype).triu(S - T + 1)
    return (scores - 1e9 * later).softmax(dim=-1) @ value


# %% wrong: gradient_nan_from_the_future
# "however large the scores of later keys are" and "the gradient reaches query, key and value"
# Later scores overflow in exp and are cut by where: the result is right, the gradient NaN.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
    largest = scores.masked_fill(~mask, -torch.inf).amax(dim=-1, keepdim=True).detach()
    exponentials = torch.where(mask, (scores - largest).exp(), 0.0)
    return exponentials / exponentials.sum(dim=-1, keepdim=True) @ value


# %% wrong: positions_in_the_type_of_the_query
# "no position reads a later one"
# Compares positions in the query's own type: in bfloat16, from position 256 on, neighbours are the same number.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    positions = torch.arange(S, device=query.device).to(query.dtype)
    mask = positions <= positions[S - T :, None]
    return scaled_dot_product(query, key, value, mask)


# %% wrong: what_was_read_before_is_detached
# "the gradient reaches query, key and value"
# With T < S, keys and values of the positions read before are taken for a cache, and detached.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    if T < S:
        key = torch.cat([key[..., : S - T, :].detach(), key[..., S - T :, :]], dim=-2)
        value = torch.cat([value[..., : S - T, :].detach(), value[..., S - T :, :]], dim=-2)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: view_of_what_does_not_lie_in_a_row
# "query (..., T, d_head), key (..., S, d_head), value (..., S, d_value)"
# Folds the batch dimensions with view: queries that were transposed (heads!) raise an error.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    q, k, v = (given.view(-1, *given.shape[-2:]) for given in (query, key, value))
    return scaled_dot_product(q, k, v, mask).view(*query.shape[:-1], value.shape[-1])


# %% right: every_query_reads_its_prefix
# No mask: one call of scaled_dot_product for each query, with the keys up to its place.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    rows = [
        scaled_dot_product(query[..., i : i + 1, :], key[..., : S - T + i + 1, :], value[..., : S - T + i + 1, :])
        for i in range(T)
    ]
    return torch.cat(rows, dim=-2)


# %% right: mask_from_numpy
# The mask is made by numpy, as comparison of positions, and brought to the query's device.
def causal_attention(query, key, value):
    import numpy as np

    T, S = query.shape[-2], key.shape[-2]
    may = np.greater_equal.outer(np.arange(S - T, S), np.arange(S))
    return scaled_dot_product(query, key, value, mask=torch.from_numpy(may).to(query.device))


# %% right: padded_with_empty_queries
# Puts S - T queries of zeros in front, reads with PyTorch's own causal kernel, and keeps the last T rows.
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    padded = torch.cat([query.new_zeros(*query.shape[:-2], S - T, query.shape[-1]), query], dim=-2)
    return F.scaled_dot_product_attention(padded, key, value, is_causal=True)[..., S - T :, :]


# %% wrong: positions_in_the_querys_type
# "The result is made on the device of the query and in its type, bfloat16 included"; "however long the text is"
# Counts positions in the query's type: bfloat16 has not every whole number above 256, so later keys are read there.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    last = torch.arange(S - T, S, device=query.device, dtype=query.dtype)
    position = torch.arange(S, device=query.device, dtype=query.dtype)
    return scaled_dot_product(query, key, value, position <= last[:, None])


# %% wrong: mask_made_once_for_256
# "So the last query reads every key, however long the text is"
# Cuts its mask out of one made beforehand for 256 positions; a longer text raises.
_CAUSAL = torch.ones(256, 256, dtype=torch.bool).tril()


def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    return scaled_dot_product(query, key, value, _CAUSAL[S - T : S, :S].to(query.device))


# %% wrong: window_of_256
# "So the last query reads every key, however long the text is"
# A query reads the last 256 positions only, silently.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    back = torch.arange(S - T, S, device=query.device)[:, None] - torch.arange(S, device=query.device)
    return scaled_dot_product(query, key, value, (back >= 0) & (back < 256))


# %% wrong: mask_on_the_cpu_too
# "the mask is made where the query is, on a GPU too"
# The mask is made on the default device.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    mask = torch.ones(T, S, dtype=torch.bool).tril(diagonal=S - T)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: what_was_read_before_is_detached_too
# "the gradient reaches query, key and value"
# Keys and values in front of the queries are detached, as if they came from a cache.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    past = S - T
    key = torch.cat([key[..., :past, :].detach(), key[..., past:, :]], dim=-2)
    value = torch.cat([value[..., :past, :].detach(), value[..., past:, :]], dim=-2)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(past)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: bfloat16_comes_back_as_float32
# "The result is made ... in its type, bfloat16 included"
# Computes bfloat16 and float16 in float32 and forgets the way back.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if query.dtype in (torch.bfloat16, torch.float16):
        query, key, value = query.float(), key.float(), value.float()
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    return scaled_dot_product(query, key, value, mask)


# %% wrong: double_goes_through_float32
# "The result is made ... in its type"
# Works in float32 whatever it is given and casts back: the type is right, a double's digits are lost.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    return scaled_dot_product(query.float(), key.float(), value.float(), mask).to(query.dtype)


# %% right: one_query_after_the_other
# Each query reads a slice of the keys; no mask at all.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    rows = []
    for i in range(T):
        seen = i + S - T + 1
        rows.append(scaled_dot_product(query[..., i : i + 1, :], key[..., :seen, :], value[..., :seen, :]))
    return torch.cat(rows, dim=-2)


# %% right: turned_around
# Turns the text around, where the mask is a triu, and back.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    mask = query.new_ones(T, S, dtype=torch.bool).triu()
    return scaled_dot_product(query.flip(-2), key.flip(-2), value.flip(-2), mask).flip(-2)


# %% right: mask_from_numpy_with_needless_batch
# The mask comes from numpy's tri, with the batch's axes written out.
def causal_attention(query, key, value):
    import numpy as np

    T, S = query.size(-2), key.size(-2)
    mask = torch.from_numpy(np.tri(T, S, S - T, dtype=bool)).to(query.device)
    return scaled_dot_product(query, key, value, mask.expand(*query.shape[:-2], T, S))


# %% wrong: masks_kept_by_length
# "So the last query reads every key, however long the text is, and however large the scores of later keys are, no other query reads them."
# a call with T = 1, S = 6, then one with T = S = 6: the mask (1, 6) of the first call is used again, and every query reads the future
_masks = {}


def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    place = S, query.device
    if place not in _masks:  # the mask is the same at every call
        _masks[place] = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(S - T)
    return scaled_dot_product(query, key, value, _masks[place][-T:])  # the last T rows of it


# %% wrong: longest_text_of_two_thousand
# "So the last query reads every key, however long the text is"
# S = 2100: the table of masks ends at 2048, the last 52 keys are hidden from every query or the shapes do not fit (RuntimeError)
def causal_attention(query, key, value):
    T, S, longest = query.shape[-2], key.shape[-2], 2048
    table = torch.tril(torch.ones(longest, longest, dtype=torch.bool, device=query.device))
    return scaled_dot_product(query, key, value, table[S - T : S, :S])


# %% wrong: positions_in_the_type_of_the_query_again
# "The result is made on the device of the query and in its type, bfloat16 included" (and "no other query reads them")
# bfloat16 and T = S = 300: positions above 256 are rounded to even ones, so query 259 reads keys 260 and 261 (all three count as 260)
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    position = torch.arange(S, device=query.device).to(query)  # device and type of the query
    mask = position[None, :] <= position[S - T :, None]
    return scaled_dot_product(query, key, value, mask)


# %% wrong: view_of_the_batch
# "query (..., T, d_head), key (..., S, d_head), value (..., S, d_value)"
# a query (B, heads, T, d_head) that is a transposed (B, T, heads, d_head), as several heads make it: view raises RuntimeError
def causal_attention(query, key, value):
    *batch, T, d_head = query.shape
    S, d_value = value.shape[-2:]
    q, k, v = query.view(-1, T, d_head), key.view(-1, S, d_head), value.view(-1, S, d_value)
    future = torch.ones(T, S, dtype=torch.bool, device=query.device).triu(S - T + 1)
    scores = torch.bmm(q, k.transpose(1, 2)) / math.sqrt(d_head)
    return torch.bmm(scores.masked_fill(future, -math.inf).softmax(dim=-1), v).view(*batch, T, d_value)


# %% wrong: the_past_without_gradient
# "the gradient reaches query, key and value, without NaN"
# T = 2, S = 5, backward: the gradients of the first three keys and values are zero
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    if T < S:  # the first positions have been read before: they are constants
        past, now = (S - T, T)
        key, value = (torch.cat([x.narrow(-2, 0, past).detach(), x.narrow(-2, past, now)], dim=-2) for x in (key, value))
    mask = torch.tril(torch.ones(T, S, device=query.device), diagonal=S - T).bool()
    return scaled_dot_product(query, key, value, mask)


# %% right: halves
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    if T <= 1:  # the last query reads every key
        return scaled_dot_product(query, key, value)
    early, late = query.split([T // 2, T - T // 2], dim=-2)
    known = S - late.shape[-2]
    return torch.cat(
        [causal_attention(early, key[..., :known, :], value[..., :known, :]), causal_attention(late, key, value)], dim=-2
    )


# %% right: from_the_end
def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    # distance from the end of the text: what a query may read is at least as far from it
    key_to_end = torch.arange(S - 1, -1, -1, device=query.device)
    query_to_end = torch.arange(T - 1, -1, -1, device=query.device)
    hidden = torch.lt(key_to_end.unsqueeze(0), query_to_end.unsqueeze(1))
    scores = torch.einsum("...td,...sd->...ts", query, key).div(query.shape[-1] ** 0.5)
    weights = scores.masked_fill(hidden, -torch.inf).log_softmax(dim=-1).exp()
    return torch.einsum("...ts,...sv->...tv", weights, value)
