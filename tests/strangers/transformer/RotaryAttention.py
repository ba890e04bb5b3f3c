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
        self.base = 10_000.0

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
        keys[:, :, S:], values[:, :, S:] = rotary(key, at, self.base), value
        mixed = self.attend(rotary(query, at, self.base), keys, values)
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
        self.base = 10_000.0

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
            turned.append(rotary(query[:, :, t : t + 1], position, self.base))
            new_key, new_value = rotary(key[:, :, t : t + 1], position, self.base), value[:, :, t : t + 1]
            keys = new_key if keys is None else torch.cat((keys, new_key), dim=2)
            values = new_value if values is None else torch.cat((values, new_value), dim=2)
        mixed = self.attend(torch.cat(turned, dim=2), keys, values)
        return self.w_output(torch.cat(mixed.unbind(dim=1), dim=-1)), (keys, values)


# %% wrong: detached_state
# "gradients go back through the state"
# What is kept is detached.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, n_heads, T, d_head)
            for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)  # S + T of each
        heads = self.attend(query, key, value)  # (B, n_heads, T, d_head)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, C)), (key.detach(), value.detach())


# %% wrong: no_complaint_about_odd_heads
# "Raises ValueError, in the given constructor, where d_head, d_model / n_heads, is odd"
# The constructor takes any width.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2 and False:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, n_heads, T, d_head)
            for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)  # S + T of each
        heads = self.attend(query, key, value)  # (B, n_heads, T, d_head)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: attend_head_by_head
# "`attend` is called once, with the new queries and all keys and values, in all heads"
# Calls attend in a loop over the heads and stacks what comes back.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if state is not None:
            key, value = torch.cat((state[0], key), dim=-2), torch.cat((state[1], value), dim=-2)

        heads = [self.attend(query[:, h], key[:, h], value[:, h]) for h in range(self.n_heads)]
        return self.w_output(torch.cat(heads, dim=-1)), (key, value)


# %% wrong: state_without_gradient_in_eval
# "gradients go back through the state"
# In eval mode, where nobody is thought to train, the state that is returned is cut off.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if state is not None:
            key, value = torch.cat((state[0], key), dim=-2), torch.cat((state[1], value), dim=-2)

        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, -1)
        if not self.training:
            key, value = key.detach(), value.detach()
        return self.w_output(mixed), (key, value)


# %% wrong: old_values_without_gradient
# "gradients go back through the state"
# Detaches the old keys and values as it joins them, to keep the graph short.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if state is not None:
            key, value = (torch.cat((old.detach(), new), dim=-2) for old, new in zip(state, (key, value)))

        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, -1)
        return self.w_output(mixed), (key, value)


# %% wrong: positions_in_the_type_of_x
# "a text read in pieces gives the numbers of the text read at once, however long it is"
# Makes the positions in the type of x: in bfloat16 there is no 257.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)

        positions = torch.arange(S, S + T, device=x.device).to(x.dtype)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if state is not None:
            key, value = torch.cat((state[0], key), dim=-2), torch.cat((state[1], value), dim=-2)

        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, -1)
        return self.w_output(mixed), (key, value)


# %% wrong: positions_stop_at_1023
# "The T new ones stand at positions S, ..., S + T - 1; ... however long it is"
# Clamps the positions to a context of 1024.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)

        positions = torch.arange(S, S + T, device=x.device).clamp(max=1023)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if state is not None:
            key, value = torch.cat((state[0], key), dim=-2), torch.cat((state[1], value), dim=-2)

        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, -1)
        return self.w_output(mixed), (key, value)


# %% wrong: continuations_share_a_buffer
# "What is returned beside the output is the state with the new ones at the end"
# Without gradients it writes into a buffer with room and returns views: a second continuation of one state overwrites the first one's state.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, _ = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, -1).transpose(1, 2) for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)

        if torch.is_grad_enabled():

            if state is not None:
                key, value = torch.cat((state[0], key), dim=-2), torch.cat((state[1], value), dim=-2)

        else:
            joined = []
            for old, new in zip(state or (None, None), (key, value)):
                buffer = None if old is None else old._base
                if buffer is None or buffer.dim() != 4 or buffer.size(2) < S + T or buffer.shape[:2] != new.shape[:2]:
                    buffer = new.new_empty(B, self.n_heads, 2 * (S + T), new.size(-1))
                    if old is not None:
                        buffer[:, :, :S] = old
                buffer[:, :, S : S + T] = new
                joined.append(buffer[:, :, : S + T])
            key, value = joined

        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, -1)
        return self.w_output(mixed), (key, value)


# %% right: one_product_for_all_three
# Stacks the three weights, multiplies once, and cuts by reshape and permute; no layer is called.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        S = state[0].shape[2] if state else 0
        weights = torch.cat([layer.weight for layer in (self.w_query, self.w_key, self.w_value)])
        three = F.linear(x, weights).reshape(B, T, 3, self.n_heads, C // self.n_heads).permute(2, 0, 3, 1, 4)
        turned = rotary(three[:2], torch.arange(S, S + T, device=x.device), self.base)
        key, value = turned[1], three[2]
        if state:
            key, value = (torch.cat(both, dim=2) for both in zip(state, (key, value)))
        heads = self.attend(turned[0], key, value)
        weight = self.w_output.weight.view(C, self.n_heads, C // self.n_heads)
        return torch.einsum("bhtd,chd->btc", heads, weight), (key, value)


# %% right: head_by_head_and_word_by_word_before_attend
# Projects by loops over heads and positions, turns each word by itself; attend still gets all at once.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        S = 0 if state is None else state[0].size(-2)
        d = C // self.n_heads

        def heads_of(layer, turn):
            heads = []
            for h in range(self.n_heads):
                rows = x @ layer.weight[h * d : (h + 1) * d].T
                if turn:
                    rows = torch.cat([rotary(rows[:, t : t + 1], torch.tensor([S + t], device=x.device), self.base) for t in range(T)], dim=1)
                heads.append(rows)
            return torch.stack(heads, dim=1)

        query, key, value = heads_of(self.w_query, True), heads_of(self.w_key, True), heads_of(self.w_value, False)
        old_key, old_value = (key[:, :, :0], value[:, :, :0]) if state is None else state
        key, value = torch.cat((old_key, key), 2), torch.cat((old_value, value), 2)
        mixed = self.attend(query, key, value)
        return self.w_output(torch.cat(mixed.unbind(1), dim=-1)), (key, value)


# %% wrong: attend_by_names
# "`attend` is called once, with the new queries and all keys and values, in all heads, by their places"
# Hands query, key and value over by their names.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = self.attend(query=query, key=key, value=value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: head_by_head
# "`attend` is called once ... in all heads"
# Calls attend for each head.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = torch.cat([self.attend(*(part[:, h : h + 1] for part in (query, key, value))) for h in range(self.n_heads)], dim=1)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: state_cut_off
# "gradients go back through the state"
# Returns the state without its history.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key.detach(), value.detach())


# %% wrong: positions_in_the_type_of_x_too
# "a text read in pieces gives the numbers of the text read at once, however long it is and in 16 bits too"
# Makes the positions in the type of x; in bfloat16 they are no longer whole numbers one apart after 256.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = S + torch.arange(T, device=x.device).to(x.dtype)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: positions_on_the_cpu
# "The positions live on the device of x."
# Makes the positions on the CPU.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: shared_buffer
# "Each call stands by itself: nothing that was kept of an earlier one ... changes what it gives, with gradients or without"
# Without gradients it writes new keys and values into one growing buffer behind the state: two ways on from the same state overwrite each other.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if torch.is_grad_enabled():
            if state is not None:
                key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        else:
            kept = getattr(self, "kept", None)
            ours = kept is not None and state is not None and state[0].data_ptr() == kept[0].data_ptr()
            if not ours or kept[0].size(-2) < S + T:
                kept = tuple(p.new_zeros(B, self.n_heads, 2 * (S + T) + 64, p.size(-1)) for p in (key, value))
                if state is not None:
                    kept[0][:, :, :S], kept[1][:, :, :S] = state
                self.kept = kept
            kept[0][:, :, S : S + T], kept[1][:, :, S : S + T] = key, value
            key, value = kept[0][:, :, : S + T], kept[1][:, :, : S + T]
        heads = self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: grows_the_given_list
# "A function of yours leaves what it is given as it was"
# Where the state is a list it puts the longer keys and values into that list.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)
        heads = self.attend(query, key, value)
        if isinstance(state, list):
            state[:] = [key, value]
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% right: weights_without_layers
# One einsum with each weight, no layer called; the state is a list.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        S = state[0].shape[2] if state else 0
        where = torch.arange(S + T, device=x.device)[S:]

        def heads_of(w):
            made = F.linear(x, w.weight, w.bias)
            return made.reshape(B, T, self.n_heads, d_model // self.n_heads).permute(0, 2, 1, 3)

        new = [rotary(heads_of(self.w_key), where, self.base), heads_of(self.w_value)]
        kept = [torch.cat([old, n], dim=2) for old, n in zip(state, new)] if state else new
        read = self.attend(rotary(heads_of(self.w_query), where, self.base), kept[0], kept[1])
        joined = read.permute(0, 2, 1, 3).flatten(2)
        return F.linear(joined, self.w_output.weight, self.w_output.bias), kept


# %% right: turned_token_by_token
# Queries and keys are turned one position at a time, both stacked in one call.
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        pair = torch.stack([query, key])
        pair = torch.cat([rotary(pair[..., t : t + 1, :], torch.full((1,), S + t, device=x.device), self.base) for t in range(T)], dim=-2)
        query, key = pair.unbind()
        old_keys, old_values = (key[:, :, :0], value[:, :, :0]) if state is None else state
        key, value = torch.cat([old_keys, key], dim=2), torch.cat([old_values, value], dim=2)
        heads = self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model)), (key, value)


# %% wrong: state_for_evaluation
# "gradients go back through the state."
# a layer in evaluation mode, a text in two pieces, and the gradient of the second output in the first piece: it is cut, in training mode it is there
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=2), torch.cat([state[1], value], dim=2)
        mixed = self.attend(query, key, value).transpose(1, 2).reshape(B, T, C)
        if not self.training:  # a cache for writing: no need to hold the graph of every step
            key, value = key.detach(), value.detach()
        return self.w_output(mixed), (key, value)


# %% wrong: attend_by_names_again
# "`attend` is called once, with the new queries and all keys and values, in all heads, by their places."
# attend=lambda q, k, v: fused_attention(q, k, v): TypeError
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=2), torch.cat([state[1], value], dim=2)
        mixed = self.attend(query=query, key=key, value=value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: positions_like_x
# "So a text read in pieces gives the numbers of the text read at once, however long it is and in 16 bits too"
# a layer in bfloat16 and 300 positions: as bfloat16 numbers 257 is 256 and 299 is 300, so neighbours get one angle
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T).to(x)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=2), torch.cat([state[1], value], dim=2)
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% wrong: room_to_grow
# "Each call stands by itself: nothing that was kept of an earlier one, or of earlier weights, changes what it gives, with gradients or without."
# without gradients, two different continuations of the same state: the second one writes its keys and values over those of the state that the first one returned
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def append(self, state, key: Tensor, value: Tensor) -> KeysAndValues:
        """Without gradients, write into a buffer that doubles, in place of a copy of everything for each token."""
        S, T = (0 if state is None else state[0].size(2)), key.size(2)
        room = getattr(self, "room", None)
        fits = (
            room is not None
            and state is not None
            and room[0].data_ptr() == state[0].data_ptr()
            and room[0].dtype == key.dtype
            and room[0].size(2) >= S + T
        )
        if not fits:
            room = tuple(new.new_empty(*new.shape[:2], 2 * (S + T), new.size(3)) for new in (key, value))
            if state is not None:
                for part, old in zip(room, state):
                    part[:, :, :S] = old
        for part, new in zip(room, (key, value)):
            part[:, :, S : S + T] = new
        self.room = room
        return room[0][:, :, : S + T], room[1][:, :, : S + T]

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if not torch.is_grad_enabled():
            key, value = self.append(state, key, value)
        elif state is not None:
            key, value = torch.cat([state[0], key], dim=2), torch.cat([state[1], value], dim=2)
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, C)), (key, value)


# %% right: weights_by_einsum
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        H = self.n_heads

        def heads(matrix):
            return torch.einsum("btc,hdc->bhtd", x, matrix.weight.unflatten(0, (H, -1)))

        old_keys, old_values = (None, None) if state is None else state
        S = 0 if state is None else old_values.shape[2]
        positions = torch.arange(S + x.shape[1], device=x.device)[S:]
        both = rotary(torch.stack([heads(self.w_query), heads(self.w_key)]), positions, self.base)
        keys = [part for part in (old_keys, both[1]) if part is not None]
        values = [part for part in (old_values, heads(self.w_value)) if part is not None]
        new = [torch.cat(keys, dim=-2), torch.cat(values, dim=-2)]
        mixed = self.attend(both[0], *new)
        return torch.einsum("bhtd,chd->btc", mixed, self.w_output.weight.unflatten(1, (H, -1))), new


# %% right: slots_filled
class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        B, T, C = x.size()
        d_head = C // self.n_heads
        S = state[0].size(2) if state is not None else 0
        positions = torch.arange(T, device=x.device).add(S)

        def cut(flat):
            return torch.stack(flat.split(d_head, dim=-1), dim=1)

        query = rotary(cut(self.w_query(x)), positions, self.base)
        arrived = rotary(cut(self.w_key(x)), positions, self.base), cut(self.w_value(x))
        slots = []
        for which, new in enumerate(arrived):
            slot = new.new_empty(B, self.n_heads, S + T, d_head)
            if state is not None:
                slot[:, :, :S] = state[which]
            slot[:, :, S:] = new
            slots.append(slot)
        mixed = self.attend(query, slots[0], slots[1])
        return self.w_output(torch.cat(mixed.unbind(1), dim=-1)), (slots[0], slots[1])
