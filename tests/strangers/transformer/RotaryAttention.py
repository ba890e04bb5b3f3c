# %% wrong: every_piece_from_zero
# "The $T$ new ones stand at positions $S, \dots, S + T - 1$."
# The new ones are numbered from 0 though others were read before.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        positions = torch.arange(T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: positions_from_one
# "the T new ones have the positions S to S + T - 1."
# All positions are one too large: no result changes, since distances do not, but the keys in the state do.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S + 1, S + T + 1, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: turned_again_each_time
# "Keys are turned once, when they come in, and kept turned."
# The state keeps the keys as projected, and all are turned at each call: same result, another state.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        turned = rotary(key, torch.arange(S + T, device=x.device))
        mixed = self.attend(rotary(query, positions), turned, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: values_turned_too
# "Values are never turned: an angle decides who is read, not what."
# Values are turned like keys.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        value = rotary(value, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: new_ones_in_front
# "What is returned beside the output is the state with the new ones at the end."
# Read in the right order, returned with the new ones in front; the state comes back reversed, piece by piece.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        whole_key, whole_value = key, value
        if state is not None:
            whole_key = torch.cat([state[0], key], dim=-2)
            whole_value = torch.cat([state[1], value], dim=-2)
            key = torch.cat([key, state[0]], dim=-2)
            value = torch.cat([value, state[1]], dim=-2)
        mixed = self.attend(query, whole_key, whole_value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: always_the_fused_kernel
# "`attend` is PyTorch's fused kernel."
# Another `attend` that is handed over is kept and never used.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = fused_attention(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: turned_before_the_cut
# "With $\mathrm{rot}$ for your `rotary`, in each head"
# The whole width is turned, and then cut into heads: right with one head.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(self.w_query(x), positions), rotary(self.w_key(x), positions)
        query, key, value = (its.view(cut).transpose(1, 2) for its in (query, key, self.w_value(x)))

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: cut_straight_into_heads
# "The first half is `MultiHeadAttention.forward`: project, cut into heads, swap."
# Cut into (B, n_heads, T, d_head) without a swap: right for one head, or one token.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, self.n_heads, T, C // self.n_heads)
        query, key, value = (w(x).reshape(cut) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.reshape(B, T, C)), (key, value)


# %% wrong: counts_by_itself
# "So a text read in pieces gives the numbers of the text read at once."
# The module counts what it has read; two texts read in turns get each other's positions.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else self.n_read
        self.n_read = S + T
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: joins_single_tokens_only
# "state: keys and values, each (B, n_heads, S, d_head), returned with S + T"
# As in writing: a single new token joins the state, a longer piece starts it afresh.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None and T == 1:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: old_ones_are_cut_off
# "But no word reads a later one, so the keys and values of what was read do not change: keep them"
# The memory is clipped to its last 32 tokens, to bound its size.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        cut = (B, T, self.n_heads, C // self.n_heads)
        query, key, value = (w(x).view(cut).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value))

        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)

        query, key = rotary(query, positions), rotary(key, positions)

        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)

        key, value = key[:, :, -max(T, 32):], value[:, :, -max(T, 32):]

        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% right: one_projection_for_all_three
# The three matrices in one product, einsum for the cut; the new state is made empty and filled.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        B, T, C = x.shape
        S = state[0].shape[2] if state is not None else 0
        d = C // self.n_heads
        matrices = torch.stack([w.weight.view(self.n_heads, d, C) for w in (self.w_query, self.w_key, self.w_value)])
        query, key, value = torch.einsum("btc,zhdc->zbhtd", x, matrices)
        at = torch.tensor(list(range(S, S + T)), dtype=torch.long, device=x.device)
        keys, values = (x.new_empty(B, self.n_heads, S + T, d) for _ in range(2))
        if state is not None:
            keys[:, :, :S], values[:, :, :S] = state
        keys[:, :, S:], values[:, :, S:] = rotary(key, at), value
        mixed = self.attend(rotary(query, at), keys, values)
        return torch.einsum("bhtd,ohd->bto", mixed, self.w_output.weight.view(C, self.n_heads, d)), (keys, values)


# %% right: token_by_token_turns
# Each token is turned by itself and put behind the memory, one after the other; all are read in one go.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")

    def forward(self, x, state=None):
        batch, length, width = x.shape
        keys, values = (None, None) if state is None else state
        def heads(projected):
            return torch.stack(projected.chunk(self.n_heads, dim=-1), dim=1)
        query, key, value = heads(self.w_query(x)), heads(self.w_key(x)), heads(self.w_value(x))
        turned = []
        for t in range(length):
            here = 0 if keys is None else keys.size(-2)
            position = torch.full((1,), here, device=x.device)
            turned.append(rotary(query[:, :, t : t + 1], position))
            new_key, new_value = rotary(key[:, :, t : t + 1], position), value[:, :, t : t + 1]
            keys = new_key if keys is None else torch.cat((keys, new_key), dim=2)
            values = new_value if values is None else torch.cat((values, new_value), dim=2)
        mixed = self.attend(torch.cat(turned, dim=2), keys, values)
        return self.w_output(torch.cat(mixed.unbind(dim=1), dim=-1)), (keys, values)
