# %% wrong: all_scores_at_once
# "never holding all T × S scores"
# The whole matrix of scores is made first and then walked over in blocks: right numbers, and the memory that was to be saved.
def online_softmax_attention(query, key, value, block_size=64):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), 0.0
    for s, v in zip(scores.split(block_size, dim=-1), value.split(block_size, dim=-2)):
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


# %% wrong: starts_at_zero
# "Start with $m = -\infty$, $\ell = 0$, $o = 0$."
# The largest score so far starts at 0: where all scores of a query are far below zero, every exponential is 0 and the result 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    m = query.new_zeros(*query.shape[:-1], 1)
    total, mixed = torch.zeros_like(m), 0.0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


# %% wrong: one_maximum_for_all_queries
# "For one query, keep three running things: the largest score $m$ so far"
# One m is shared by all queries: a query whose scores lie far below another's gets only zeros, and 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    m = query.new_tensor(-math.inf)
    total, mixed = query.new_zeros(*query.shape[:-1], 1), 0.0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.max())
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


# %% wrong: splits_the_first_dimension
# "key    (..., S, d_head)          result      (..., T, d_value)"
# split without dim cuts along the first dimension: right for two dimensions, but a batch is cut, once it is larger than a block.
def online_softmax_attention(query, key, value, block_size=64):
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), 0.0
    for k, v in zip(key.split(block_size), value.split(block_size)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


# %% wrong: plain_exponentials
# "m' = \max(m, \max_j s_j)"
# No maximum is kept; numerator and denominator are summed up with plain exponentials, which overflow.
def online_softmax_attention(query, key, value, block_size=64):
    total = mixed = 0.0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        p = torch.exp(query @ k.transpose(-2, -1) / math.sqrt(query.size(-1)))
        total, mixed = total + p.sum(dim=-1, keepdim=True), mixed + p @ v
    return mixed / total


# %% wrong: a_query_at_a_time
# "for each query, the scores of `block_size` keys at most may be there at a time"
# One query after the other, each with all keys at once: `block_size` is not used.
def online_softmax_attention(query, key, value, block_size=64):
    rows = []
    for t in range(query.size(-2)):
        scores = query[..., t : t + 1, :] @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
        weights = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
        rows.append(weights @ value / weights.sum(dim=-1, keepdim=True))
    return torch.cat(rows, dim=-2)


# %% wrong: twice_the_block
# "in one pass over blocks of `block_size` keys at most"
# Two blocks are read together.
def online_softmax_attention(query, key, value, block_size=64):
    largest = torch.full_like(query[..., :1], -math.inf)
    total, mixed = torch.zeros_like(largest), query.new_zeros(*query.shape[:-1], value.size(-1))
    for k, v in zip(key.split(2 * block_size, dim=-2), value.split(2 * block_size, dim=-2)):
        scores = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        larger = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        weights, shrink = torch.exp(scores - larger), torch.exp(largest - larger)
        total, mixed, largest = total * shrink + weights.sum(-1, keepdim=True), mixed * shrink + weights @ v, larger
    return mixed / total


# %% wrong: the_library_in_one_go
# "never holding the scores of more keys at a time"
# PyTorch's function reads all keys at once.
def online_softmax_attention(query, key, value, block_size=64):
    return F.scaled_dot_product_attention(query, key, value)


# %% right: the_sum_as_one_more_column
# A column of ones beside the values makes the sum of exponentials the last column of the mixed values, in 64 bits.
def online_softmax_attention(query, key, value, block_size=64):
    q = query.double() * query.size(-1) ** -0.5
    largest = torch.full(query.shape[:-1], -math.inf, dtype=torch.float64, device=query.device)
    running = torch.zeros(*query.shape[:-1], value.size(-1) + 1, dtype=torch.float64, device=query.device)
    start = 0
    while start < key.size(-2):
        k = key[..., start : start + block_size, :].double()
        v = value[..., start : start + block_size, :].double()
        v = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
        scores = torch.einsum("...td,...sd->...ts", q, k)
        larger = torch.stack([largest, scores.amax(dim=-1)]).amax(dim=0)
        running = running * (largest - larger).exp().unsqueeze(-1)
        running = running + torch.einsum("...ts,...sv->...tv", (scores - larger.unsqueeze(-1)).exp(), v)
        largest = larger
        start += block_size
    return (running[..., :-1] / running[..., -1:]).to(value.dtype)


# %% wrong: one_query_at_a_time
# "for each query, the scores of `block_size` keys at most may be there at a time"
# Walks over the queries, each with the scores of all keys at once, and cuts those into blocks.
def online_softmax_attention(query, key, value, block_size=64):
    rows = []
    for i in range(query.shape[-2]):
        scores = query[..., i : i + 1, :] @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])
        m = torch.full_like(scores[..., :1], -torch.inf)
        l, o = torch.zeros_like(m), 0
        for s, v in zip(scores.split(block_size, dim=-1), value.split(block_size, dim=-2)):
            new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
            e = torch.exp(s - new)
            l = l * torch.exp(m - new) + e.sum(dim=-1, keepdim=True)
            o = o * torch.exp(m - new) + e @ v
            m = new
        rows.append(o / l)
    return torch.cat(rows, dim=-2)


# %% wrong: all_scores_in_numpy
# "never holding the scores of more keys at a time"
# Makes all scores at once, in numpy, and then walks over them in blocks.
def online_softmax_attention(query, key, value, block_size=64):
    import numpy as np

    q, k, v = (given.detach().cpu().numpy() for given in (query, key, value))
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    m = np.full((*scores.shape[:-1], 1), -np.inf, dtype=q.dtype)
    l, o = np.zeros_like(m), np.zeros((*scores.shape[:-1], v.shape[-1]), dtype=q.dtype)
    for start in range(0, k.shape[-2], block_size):
        s = scores[..., start : start + block_size]
        new = np.maximum(m, s.max(axis=-1, keepdims=True))
        e, old = np.exp(s - new), np.exp(m - new)
        l = l * old + e.sum(axis=-1, keepdims=True)
        o = o * old + e @ v[..., start : start + block_size, :]
        m = new
    return torch.from_numpy(o / l).to(query)


# %% wrong: blocks_kept_in_a_list
# "never holding the scores of more keys at a time"
# Makes the scores block by block, but all blocks wait in a list until the last is there.
def online_softmax_attention(query, key, value, block_size=64):
    blocks = []
    m = torch.full_like(query[..., :1], -torch.inf)
    for k in key.split(block_size, dim=-2):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.shape[-1])
        m = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        blocks.append(s)
    l, o = 0, 0
    for s, v in zip(blocks, value.split(block_size, dim=-2)):
        e = torch.exp(s - m)
        l, o = l + e.sum(dim=-1, keepdim=True), o + e @ v
    return o / l


# %% wrong: two_passes
# "in one pass over blocks of `block_size` keys at most" and "each is rescaled when a block brings a larger score"
# A first pass over the blocks finds the largest score, a second one makes the scores again and sums: nothing rescaled.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.shape[-1])
    m = torch.full_like(query[..., :1], -torch.inf)
    for k in key.split(block_size, dim=-2):
        m = torch.maximum(m, (query @ k.mT).amax(dim=-1, keepdim=True))
    l, o = 0, 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        e = torch.exp(query @ k.mT - m)
        l, o = l + e.sum(dim=-1, keepdim=True), o + e @ v
    return o / l


# %% wrong: another_default
# "blocks of `block_size` keys at most, 64 where none is given"
# 128 where none is given.
def online_softmax_attention(query, key, value, block_size=128):
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: chunk_rounds_down
# "in one pass over blocks of `block_size` keys at most"
# S // block_size chunks: where the last block would be shorter, the blocks get larger than block_size instead.
def online_softmax_attention(query, key, value, block_size=64):
    n_blocks = max(1, key.shape[-2] // block_size)
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.chunk(n_blocks, dim=-2), value.chunk(n_blocks, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: small_blocks_made_larger
# "blocks of `block_size` keys at most"
# Blocks of fewer than 16 keys are slow, so it takes 16.
def online_softmax_attention(query, key, value, block_size=64):
    block_size = max(block_size, 16)
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: splits_the_heads
# "in one pass over blocks of `block_size` keys at most" and "key (..., S, d_head)"
# Splits along axis 1 wherever there is a batch: with (B, heads, S, d) all keys come in one block, and the numbers
# are right as long as there are no more heads than block_size.
def online_softmax_attention(query, key, value, block_size=64):
    axis = 0 if key.dim() == 2 else 1
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.split(block_size, dim=axis), value.split(block_size, dim=axis)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: starts_at_minus_a_million
# "Start with m = -∞" and "large scores give no NaN"
# Starts with m = -1e6: where all scores of a query lie far below, everything underflows and gives 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    m = torch.full_like(query[..., :1], -1e6)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: one_maximum_for_all_queries_too
# "Keeps three running things for each query: the largest score so far, ..."
# One largest score for all queries together: a query whose scores lie some hundreds below gets 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    m = torch.tensor(-torch.inf, dtype=query.dtype, device=query.device)
    l, o = 0, 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.maximum(m, s.max())
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% wrong: faint_blocks_skipped
# "The same numbers as `scaled_dot_product` without a mask."
# Skips a block whose largest score lies more than 7 below the largest so far, for every query: together those count.
def online_softmax_attention(query, key, value, block_size=64):
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        largest = s.amax(dim=-1, keepdim=True)
        if (largest < m - 7).all():
            continue
        new = torch.maximum(m, largest)
        e, old = torch.exp(s - new), torch.exp(m - new)
        l, o, m = l * old + e.sum(dim=-1, keepdim=True), o * old + e @ v, new
    return o / l


# %% right: one_key_at_a_time
# Goes through single keys whatever block_size is ("at most"), without any matrix product.
def online_softmax_attention(query, key, value, block_size=64):
    q = query / math.sqrt(query.shape[-1])
    m = l = o = None
    for k, v in zip(key.unbind(-2), value.unbind(-2)):
        s = (q * k.unsqueeze(-2)).sum(-1, keepdim=True)
        if m is None:
            m, l, o = s, torch.ones_like(s), v.unsqueeze(-2).expand(*s.shape[:-1], -1)
            continue
        new = torch.maximum(m, s)
        e, old = (s - new).exp(), (m - new).exp()
        m, l, o = new, l * old + e, o * old + e * v.unsqueeze(-2)
    return o / l


# %% right: numpy_in_double_precision
# numpy in 64 bits, block by block, without gradient, which the text leaves to the learner.
def online_softmax_attention(query, key, value, block_size=64):
    import numpy as np

    q, k, v = (given.detach().cpu().double().numpy() for given in (query, key, value))
    m = np.full((*q.shape[:-1], 1), -np.inf)
    l, o = np.zeros_like(m), np.zeros((*q.shape[:-1], v.shape[-1]))
    for start in range(0, k.shape[-2], block_size):
        block = np.s_[..., start : start + block_size, :]
        s = q @ np.swapaxes(k[block], -1, -2) / np.sqrt(q.shape[-1])
        new = np.maximum(m, s.max(-1, keepdims=True))
        e, old = np.exp(s - new), np.exp(m - new)
        m, l, o = new, l * old + e.sum(-1, keepdims=True), o * old + e @ v[block]
    return torch.from_numpy(o / l).to(device=query.device, dtype=query.dtype)


# %% right: the_last_block_first
# Walks from the last block to the first, one query after the other, a column holding total and values together.
def online_softmax_attention(query, key, value, block_size=64):
    with_ones = torch.cat([value, torch.ones_like(value[..., :1])], dim=-1)
    starts = list(range(0, key.shape[-2], block_size))[::-1]
    rows = []
    for i in range(query.shape[-2]):
        q = query[..., i, None, :] * query.shape[-1] ** -0.5
        m = torch.full_like(q[..., :1], -torch.inf)
        both = torch.zeros_like(with_ones[..., :1, :])
        for start in starts:
            s = torch.einsum("...td,...sd->...ts", q, key[..., start : start + block_size, :])
            new = torch.max(m, s.max(dim=-1, keepdim=True).values)
            both = both * torch.exp(m - new) + torch.exp(s - new) @ with_ones[..., start : start + block_size, :]
            m = new
        rows.append(both[..., :-1] / both[..., -1:])
    return torch.cat(rows, dim=-2)


# %% wrong: all_scores_then_blocks
# "never holding the scores of more keys at a time"
# One product for all scores, then walks over its blocks.
def online_softmax_attention(query, key, value, block_size=64):
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
    m = torch.full_like(scores[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for s, v in zip(scores.split(block_size, dim=-1), value.split(block_size, dim=-2)):
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: two_passes_too
# "in one pass over blocks": "each query reads each key once"
# A first pass over the blocks for the largest score, a second for the sums.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    m = torch.full_like(query[..., :1], -torch.inf)
    for k in key.split(block_size, dim=-2):
        m = torch.maximum(m, (query @ k.transpose(-2, -1)).amax(dim=-1, keepdim=True))
    l, o = 0, 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        p = torch.exp(query @ k.transpose(-2, -1) - m)
        l, o = l + p.sum(dim=-1, keepdim=True), o + p @ v
    return o / l


# %% wrong: even_blocks_larger_than_asked
# "blocks of `block_size` keys at most"
# Cuts into S // block_size even chunks, which are larger than block_size where it does not divide S.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    n = max(1, key.size(-2) // block_size)
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.chunk(n, dim=-2), value.chunk(n, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: sixteen_at_least
# "blocks of `block_size` keys at most"
# A block has 16 keys at least, since smaller ones are slow.
def online_softmax_attention(query, key, value, block_size=64):
    query, block_size = query / math.sqrt(query.size(-1)), max(block_size, 16)
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: blocks_of_128_by_default
# "64 where none is given"
# 128 where none is given.
def online_softmax_attention(query, key, value, block_size=128):
    query = query / math.sqrt(query.size(-1))
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: starts_at_minus_ten_thousand
# "Start with m = -∞": "so that large scores give no NaN"
# The largest score so far starts at -1e4: a query all of whose scores lie below gives 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    m = torch.full_like(query[..., :1], -1e4)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: one_maximum_for_all_queries_too_too
# "Keeps three running things for each query: the largest score so far ..."
# One largest score for all queries together: a query far below the others gives 0 / 0.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    m = query.new_tensor(-torch.inf)
    l, o = 0, 0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.max())
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: rescaled_only_if_all_rose
# "each is rescaled when a block brings a larger score, so that large scores give no NaN"
# Rescales only when every query's largest score rose; else the old one stays, and a much larger score overflows.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        largest = s.amax(dim=-1, keepdim=True)
        if (largest > m).all():
            old = torch.exp(m - largest)
            m, l, o = largest, l * old, o * old
        p = torch.exp(s - m)
        l, o = l + p.sum(dim=-1, keepdim=True), o + p @ v
    return o / l


# %% wrong: old_parts_never_fade_out
# "ℓ' = ℓ e^(m - m') + ..., o' = o e^(m - m') + ..."
# The factor of the old parts is clamped from below to e^-10, so a much larger score does not drive them out.
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.size(-1))
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp((m - new).clamp(min=-10.0))
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return o / l


# %% wrong: sums_in_float32
# "The same numbers as `scaled_dot_product` without a mask."
# The running things are float32 whatever the input is; the result is cast back, a double's digits are lost.
def online_softmax_attention(query, key, value, block_size=64):
    kind, scale = query.dtype, math.sqrt(query.size(-1))
    query, key, value = query.float() / scale, key.float(), value.float()
    m = torch.full_like(query[..., :1], -torch.inf)
    l, o = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1)
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        m, l, o = new, l * old + p.sum(dim=-1, keepdim=True), o * old + p @ v
    return (o / l).to(kind)


# %% right: from_the_last_block_back
# Walks from the last block to the first, the short one first; no gradient.
@torch.no_grad()
def online_softmax_attention(query, key, value, block_size=64):
    T, S = query.size(-2), key.size(-2)
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    l, o = torch.zeros_like(m), query.new_zeros(*query.shape[:-1], value.size(-1))
    for stop in range(S, 0, -block_size):
        block = slice(max(0, stop - block_size), stop)
        s = torch.einsum("...td,...sd->...ts", query, key[..., block, :]) * query.size(-1) ** -0.5
        new = m.maximum(s.max(-1, keepdim=True).values)
        p, old = (s - new).exp(), (m - new).exp()
        m, l, o = new, l * old + p.sum(-1, keepdim=True), o * old + p @ value[..., block, :]
    return o / l


# %% right: query_after_query
# The queries outside, the blocks inside, in blocks of equal size that are never larger than block_size.
def online_softmax_attention(query, key, value, block_size=64):
    n = math.ceil(key.size(-2) / block_size)
    results = []
    for q in query.split(1, dim=-2):
        m, l, o = None, None, None
        for k, v in zip(key.chunk(n, dim=-2), value.chunk(n, dim=-2)):
            s = (q * k).sum(dim=-1, keepdim=True).transpose(-2, -1) / math.sqrt(q.size(-1))
            top = s.amax(-1, keepdim=True)
            if m is None:
                p = (s - top).exp()
                m, l, o = top, p.sum(-1, keepdim=True), p @ v
                continue
            new = torch.where(top > m, top, m)
            l, o, m = l * (m - new).exp(), o * (m - new).exp(), new
            p = (s - m).exp()
            l, o = l + p.sum(-1, keepdim=True), o + p @ v
        results.append(o / l)
    return torch.cat(results, dim=-2)


# %% right: rescaled_mean
# Keeps the mean instead of the sum at every step: o is divided by ℓ as it goes, and multiplied with the old ℓ again.
def online_softmax_attention(query, key, value, block_size=64):
    m = torch.full(query.shape[:-1], -torch.inf, dtype=query.dtype, device=query.device).unsqueeze(-1)
    l, mean = torch.zeros_like(m), torch.zeros_like(m)
    for k, v in zip(torch.split(key, block_size, -2), torch.split(value, block_size, -2)):
        s = query @ k.mT / math.sqrt(query.shape[-1])
        new = torch.max(m, s.amax(-1, True))
        p, old = torch.exp(s - new), l * torch.exp(m - new)
        l = old + p.sum(-1, True)
        m, mean = new, (mean * old + p @ v) / l
    return mean


# %% wrong: starts_at_minus_ten_thousand_again
# "each is rescaled when a block brings a larger score, so that large scores give no NaN" (and "Start with $m = -\infty$")
# all scores of a query near -20,000: exp(s + 10,000) is 0 for every key, the result is 0 / 0 = NaN
def online_softmax_attention(query, key, value, block_size=64):
    scale = 1 / math.sqrt(query.shape[-1])
    largest = query.new_full((*query.shape[:-1], 1), -1e4)  # -inf - -inf would be NaN
    total, mixed = torch.zeros_like(largest), query.new_zeros(*query.shape[:-1], value.shape[-1])
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        scores = query @ k.transpose(-2, -1) * scale
        new = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        old, exps = torch.exp(largest - new), torch.exp(scores - new)
        total, mixed, largest = total * old + exps.sum(dim=-1, keepdim=True), mixed * old + exps @ v, new
    return mixed / total


# %% wrong: blocks_of_equal_length
# "in one pass over blocks of `block_size` keys at most, 64 where none is given, never holding the scores of more keys at a time"
# S = 100, block_size = 64: one block of 100 keys (S = 130: two of 65); the numbers are right, the scores of too many keys are there at a time
def online_softmax_attention(query, key, value, block_size=64):
    n_blocks = max(1, key.shape[-2] // block_size)
    largest = torch.full_like(query[..., :1], -math.inf)
    total, mixed = torch.zeros_like(largest), torch.zeros_like(largest)
    for k, v in zip(key.chunk(n_blocks, dim=-2), value.chunk(n_blocks, dim=-2)):
        scores = torch.einsum("...td,...sd->...ts", query, k) / math.sqrt(query.shape[-1])
        new = torch.maximum(largest, scores.max(dim=-1, keepdim=True).values)
        old, exps = (largest - new).exp(), (scores - new).exp()
        total = total * old + exps.sum(-1, keepdim=True)
        mixed = mixed * old + exps @ v
        largest = new
    return mixed / total


# %% wrong: largest_score_first
# "What binds is the memory and the one pass: each query reads each key once"
# counting the products of query and keys: each block of keys is read twice; the numbers are right
def online_softmax_attention(query, key, value, block_size=64):
    query = query / math.sqrt(query.shape[-1])
    blocks = [slice(start, start + block_size) for start in range(0, key.shape[-2], block_size)]
    largest = query.new_full((*query.shape[:-1], 1), -math.inf)
    for block in blocks:
        largest = torch.maximum(largest, (query @ key[..., block, :].mT).amax(-1, keepdim=True))
    total, mixed = 0, 0
    for block in blocks:
        exps = (query @ key[..., block, :].mT - largest).exp()
        total = total + exps.sum(-1, keepdim=True)
        mixed = mixed + exps @ value[..., block, :]
    return mixed / total


# %% wrong: rescaled_afterwards
# "each is rescaled when a block brings a larger score, so that large scores give no NaN"
# scores 0 and then, in a later block, 100: exp(100 - 0) overflows in float32 before it is rescaled, inf / inf = NaN
def online_softmax_attention(query, key, value, block_size=64):
    query = query * query.shape[-1] ** -0.5
    largest = total = mixed = None
    for k, v in zip(key.split(block_size, -2), value.split(block_size, -2)):
        scores = query @ k.mT
        top = scores.amax(-1, keepdim=True)
        if largest is None:
            largest, total, mixed = top, 0, 0
        exps = torch.exp(scores - largest)
        total, mixed = total + exps.sum(-1, keepdim=True), mixed + exps @ v
        new = torch.maximum(largest, top)  # and now bring all of it to the new largest score
        total, mixed, largest = total * torch.exp(largest - new), mixed * torch.exp(largest - new), new
    return mixed / total


# %% wrong: scores_of_all_blocks
# "never holding the scores of more keys at a time"
# looking at which tensors are alive when the first block is worked on: the scores of all S keys are there; the numbers are right
def online_softmax_attention(query, key, value, block_size=64):
    scale = math.sqrt(query.shape[-1])
    blocks = [query @ k.transpose(-2, -1) / scale for k in key.split(block_size, dim=-2)]
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), query.new_zeros(*query.shape[:-1], value.shape[-1])
    for scores, v in zip(blocks, value.split(block_size, dim=-2)):
        new = torch.maximum(m, scores.amax(dim=-1, keepdim=True))
        p = (scores - new).exp()
        total = total * (m - new).exp() + p.sum(dim=-1, keepdim=True)
        mixed = mixed * (m - new).exp() + p @ v
        m = new
    return mixed / total


# %% right: backwards_with_a_column_of_ones
def online_softmax_attention(query, key, value, block_size=64):
    scaled, end = query * query.shape[-1] ** -0.5, key.shape[-2]
    largest, sums = None, None
    while end > 0:
        start = max(0, end - block_size)
        scores = torch.einsum("...sd,...td->...st", key[..., start:end, :], scaled)
        block = F.pad(value[..., start:end, :], (0, 1), value=1.0)  # the last column gathers the total
        top = scores.amax(dim=-2).unsqueeze(-1)
        new = top if largest is None else torch.maximum(largest, top)
        arrived = torch.einsum("...st,...sv->...tv", (scores - new.transpose(-2, -1)).exp_(), block)
        sums = arrived if sums is None else torch.addcmul(arrived, sums, (largest - new).exp())
        largest, end = new, start
    return sums[..., :-1] / sums[..., -1:]
