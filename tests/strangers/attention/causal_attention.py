# %% wrong: from_the_upper_left_corner
# "j \le i + (S - T)"
# The mask is PyTorch's, j <= i: right for T = S, but fewer queries than keys are taken for the first positions.
def causal_attention(query, key, value):
    mask = torch.ones(query.size(-2), key.size(-2), dtype=torch.bool, device=query.device).tril()
    return scaled_dot_product(query, key, value, mask)


# %% wrong: moved_by_one_at_most
# "The queries are the last T of the S positions: T = S in training; T < S when the first positions have been"
# The diagonal is moved by one where T < S: right for T = S and for the miniature, wrong for S - T of two and more.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=int(T < S))
    return scaled_dot_product(query, key, value, mask)


# %% wrong: no_mask_when_writing
# "are fewer queries than keys, and the queries are the *last* $T$ positions."
# Where T < S no mask is used, as if there were one new word only: right for T = 1, but two new words see each other.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril() if T == S else None
    return scaled_dot_product(query, key, value, mask)


# %% wrong: sizes_of_dimension_one
# "query  (..., T, d_head)          T <= S"
# T and S are read from dimension 1, which is right for (B, T, d_head) only; with (B, heads, T, d_head) these are the heads.
def causal_attention(query, key, value):
    T, S = query.size(1), key.size(1)
    mask = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return scaled_dot_product(query, key, value, mask)


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


# %% wrong: adds_minus_ten_thousand
# "With the future hidden, all positions of a"
# The future gets -1e4 added to its scores, which does not hide it where scores differ by more than that.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    future = torch.ones(T, S, device=query.device, dtype=query.dtype).triu(diagonal=S - T + 1)
    return (scores - 1e4 * future).softmax(dim=-1) @ value


# %% wrong: softmax_sees_the_future
# "Scaled dot-product attention in which no position reads a later one."
# The mask is multiplied in after the softmax and the rest rescaled: a very large score in the future wipes out the past.
def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    weights = (query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))).softmax(dim=-1).tril(diagonal=S - T)
    return weights / weights.sum(dim=-1, keepdim=True).clamp_min(1e-12) @ value


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
