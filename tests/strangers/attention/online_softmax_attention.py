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


# %% wrong: whole_blocks_only
# "block_size  the last block may be shorter"
# The number of blocks is S // block_size, so the keys of a shorter last block are never read (unless it is the only one).
def online_softmax_attention(query, key, value, block_size=64):
    block_size = min(block_size, key.size(-2))
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), 0.0
    for block in range(key.size(-2) // block_size):
        part = slice(block * block_size, (block + 1) * block_size)
        s = query @ key[..., part, :].transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ value[..., part, :], new
    return mixed / total


# %% wrong: filled_up_with_zeros
# "`Tensor.split` cuts into blocks, the last one shorter."
# Keys and values are padded with zeros to whole blocks, and the padding takes part with a score of 0.
def online_softmax_attention(query, key, value, block_size=64):
    missing = -key.size(-2) % block_size
    key, value = F.pad(key, (0, 0, 0, missing)), F.pad(value, (0, 0, 0, missing))
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), 0.0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
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


# %% wrong: relative_to_the_blocks_own_maximum
# "The factor $e^{m - m'}$ belongs to the *old* parts, the new"
# What is new in a block is taken relative to that block's largest score, also where an earlier one was larger.
def online_softmax_attention(query, key, value, block_size=64):
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), 0.0
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        largest = s.amax(dim=-1, keepdim=True)
        new = torch.maximum(m, largest)
        p, old = torch.exp(s - largest), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


# %% wrong: as_wide_as_the_query
# "query (..., T, d_head), key (..., S, d_head), value (..., S, d_value) -> (..., T, d_value)."
# The mixed values start as zeros of the query's shape: values of another width fail, and those of width 1 are repeated.
def online_softmax_attention(query, key, value, block_size=64):
    m = query.new_full((*query.shape[:-1], 1), -math.inf)
    total, mixed = torch.zeros_like(m), torch.zeros_like(query)
    for k, v in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        s = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        new = torch.maximum(m, s.amax(dim=-1, keepdim=True))
        p, old = torch.exp(s - new), torch.exp(m - new)
        total, mixed, m = total * old + p.sum(dim=-1, keepdim=True), mixed * old + p @ v, new
    return mixed / total


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


# %% right: a_reader_for_each_query
# An object for each single query keeps the three running things, the largest score as a Python float.
class _Reader:
    def __init__(self, query, width):
        self.query = query / query.numel() ** 0.5
        self.largest, self.total, self.mixed = -math.inf, query.new_zeros(()), query.new_zeros(width)

    def read(self, keys, values):
        scores = keys @ self.query
        larger = max(self.largest, scores.detach().max().item())
        fade = math.exp(self.largest - larger)
        new = torch.exp(scores - larger)
        self.total = self.total * fade + new.sum()
        self.mixed = self.mixed * fade + new @ values
        self.largest = larger


def online_softmax_attention(query, key, value, block_size=64):
    width = value.shape[-1]
    results = []
    for q, k, v in zip(*(part.reshape(-1, *part.shape[-2:]) for part in (query, key, value))):
        readers = [_Reader(row, width) for row in q]
        for keys, values in zip(torch.split(k, block_size), torch.split(v, block_size)):
            for reader in readers:
                reader.read(keys, values)
        results += [reader.mixed / reader.total for reader in readers]
    return torch.stack(results).reshape(*query.shape[:-1], width)
