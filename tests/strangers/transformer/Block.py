# %% wrong: normed_after_each_addition
# "Each part reads the normed stream and adds what it finds to the stream as it was."
# The form of 2017: a norm on the stream after each addition.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(x, state)
        x = self.attention_norm(x + found)
        return self.feed_forward_norm(x + self.feed_forward(x)), state


# %% wrong: both_parts_side_by_side
# "Add the result to `x` *before* the second norm reads it"
# The feed-forward network reads the stream as it came in, beside attention, as in GPT-J.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        return x + found + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: the_norm_becomes_the_stream
# "do not overwrite `x` by its norm: the norm is only what a part gets to see."
# Attention's result is added to the normed stream; from there on all is right.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        x = self.attention_norm(x)
        found, state = self.attention(x, state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: forgets_the_state
# "state as in RotaryAttention"
# The state that came is not handed on: each piece of a text is read as a text of its own.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, new_state = self.attention(self.attention_norm(x))
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), new_state


# %% wrong: hands_the_old_state_back
# "Shapes: x (B, T, d_model), state as in `RotaryAttention` -> (B, T, d_model), state."
# From the second piece on the state that is returned is the one that came in.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, new_state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state or new_state


# %% wrong: one_norm_for_both
# "self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward: your own modules"
# Both parts read by attention_norm; no difference until the weights of the norms have learned.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        norm = self.attention_norm
        found, state = self.attention(norm(x), state)
        x = x + found
        return x + self.feed_forward(norm(x)), state


# %% wrong: adds_in_place
# "the gradient has a way down to it that nothing bends"
# The same numbers, but the caller's own x is overwritten, and the backward pass finds its numbers gone.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        x += found
        x += self.feed_forward(self.feed_forward_norm(x))
        return x, state


# %% wrong: the_way_past_is_cut
# "If each layer only *adds* to a stream that runs past it, a word stays itself, and the gradient has a way down"
# The stream is detached where it goes past: same numbers, and the gradient has only the way through the parts.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        x = x.detach() + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: thinks_before_it_reads
# "the positions read each other, then each thinks for itself"
# The feed-forward network comes first.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        x = x + self.feed_forward(self.feed_forward_norm(x))
        found, state = self.attention(self.attention_norm(x), state)
        return x + found, state


# %% wrong: dropout_on_what_is_added
# "Each reads it normed, and adds what it finds to it as it was"
# While training a tenth of what attention finds is dropped, as in 2017.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        x = x + F.dropout(found, 0.1, self.training)
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: state_only_for_writing
# "x and y (B, T, d_model), state as in RotaryAttention"
# In training mode no state is returned, to save memory.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), None if self.training else state


# %% right: a_sum_of_three
# What is found is collected, and the stream is the sum of the collection; no x is ever assigned.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        findings = [x]

        def stream():
            return torch.stack(findings).sum(dim=0)

        result, memory = self.attention(self.attention_norm(stream()), state)
        findings.append(result)
        findings.append(self.feed_forward(self.feed_forward_norm(stream())))
        return stream(), memory


# %% right: one_flat_list_of_positions
# The second part reads all positions of all texts as one flat list.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, memory = self.attention(self.attention_norm(x), state)
        past = torch.add(found, x)
        flat = past.flatten(0, -2)
        return torch.addcmul(
            past, torch.ones_like(past), self.feed_forward(self.feed_forward_norm(flat)).reshape(x.shape)
        ), memory


# %% right: state_by_its_name
# Attention gets its state as a keyword argument.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model):
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        found, state = self.attention(self.attention_norm(x), state=state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: norm_of_the_wrong_name
# "self.attention_norm, self.attention, self.feed_forward_norm, self.feed_forward: your own modules"
# The two norms are swapped.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.feed_forward_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.attention_norm(x)), state


# %% wrong: attention_scaled
# "adds what it finds to the stream as it was"
# What attention finds is halved.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read / 2
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: thinks_of_the_last_alone
# "then each thinks for itself"
# Only the last position thinks.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        thought = torch.zeros_like(x)
        thought[:, -1:] = self.feed_forward(self.feed_forward_norm(x[:, -1:]))
        return x + thought, state


# %% wrong: own_kernel
# "Block(d_model, n_heads, attend=fused_attention), a module"
# attend is not handed on to attention.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: one_head_for_all
# "Block(d_model, n_heads, attend=fused_attention), a module"
# The block's attention has one head.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, 1, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: wide_as_2017
# "The width inside the feed-forward network is given."
# Four times d_model.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, 4 * d_model)

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: no_thought_when_writing
# "both only add"
# With a state the second part is left out.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 · d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        S = state is not None
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return (x if S else x + self.feed_forward(self.feed_forward_norm(x))), state


# %% wrong: one_norm_for_both_too
# "y = x' + feed_forward(RMSNorm_2(x'))"
# Uses attention_norm twice; just made, both norms are the same.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.attention_norm(x)), state


# %% wrong: stream_added_in_place
# "A function of yours leaves what it is given as it was"
# Without gradients it adds to x in place, so the caller's x is the new stream.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found if torch.is_grad_enabled() else x.add_(found)
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: state_for_single_tokens_alone
# "forward(x, state=None) -> y, state        x and y (B, T, d_model), state as in RotaryAttention"
# Hands the state on when one token is read, and starts anew for a longer piece, which it takes for a prompt.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state if x.size(1) == 1 else None)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: library_norm_with_its_own_eps
# "Each part reads the normed stream"
# Norms by F.rms_norm with the right weights and PyTorch's eps (1.2e-7) in place of the modules' 1e-6.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        width = (x.size(-1),)
        found, state = self.attention(F.rms_norm(x, width, self.attention_norm.weight), state)
        x = x + found
        return x + self.feed_forward(F.rms_norm(x, width, self.feed_forward_norm.weight)), state


# %% wrong: state_detached
# "state as in `RotaryAttention` (gradients go back through the state)"
# Cuts the state off before attention reads it.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is not None:
            state = tuple(part.detach() for part in state)
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: last_text_remembered_for_a_single_token
# "None at the start of a text"
# Keeps the last state in the module and goes on from it when a single token comes without one.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is None and x.size(1) == 1 and not self.training:
            state = getattr(self, "last_state", None)
        found, state = self.attention(self.attention_norm(x), state)
        self.last_state = state
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: second_norm_reads_a_constant
# "y = x' + feed_forward(RMSNorm_2(x'))"
# Detaches the stream before the second norm, since 'the gradient has a way down that nothing bends'.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x.detach())), state


# %% wrong: feed_forward_of_the_last_word_in_eval
# "the positions read each other, then each thinks for itself"
# In eval mode with a state the feed-forward network runs for the last position alone, as only that one is wanted.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        past = state
        found, state = self.attention(self.attention_norm(x), past)
        x = x + found
        if self.training or past is None:
            return x + self.feed_forward(self.feed_forward_norm(x)), state
        last = x[:, -1:]
        return torch.cat((x[:, :-1], last + self.feed_forward(self.feed_forward_norm(last))), dim=1), state


# %% right: position_by_position
# The feed-forward network reads one position after the other.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = torch.add(x, found)
        think = nn.Sequential(self.feed_forward_norm, self.feed_forward)
        return torch.stack([word + think(word) for word in x.unbind(dim=1)], dim=1), state


# %% right: sum_of_three
# Keeps x and both finds apart and adds the three of them at the end.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        first, *rest = self.attention(self.attention_norm(x), state=state)
        second = self.feed_forward(self.feed_forward_norm(x + first))
        return torch.stack(torch.broadcast_tensors(x, first, second)).sum(dim=0), rest[0]


# %% right: text_by_text
# Reads the texts of the batch one after the other and joins their results and states.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        results, states = [], []
        for b in range(x.size(0)):
            one = x[b : b + 1]
            past = None if state is None else (state[0][b : b + 1], state[1][b : b + 1])
            found, new = self.attention(self.attention_norm(one), past)
            one = one + found
            results.append(one + self.feed_forward(self.feed_forward_norm(one)))
            states.append(new)
        joined = None if states[0] is None else tuple(torch.cat(parts) for parts in zip(*states))
        return torch.cat(results), joined


# %% wrong: stream_in_place
# "A function of yours leaves what it is given as it was"
# Adds to the given stream itself where no gradient is wanted.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found if torch.is_grad_enabled() else x.add_(found)
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: plus_equals
# "A function of yours leaves what it is given as it was"
# x += ..., which changes the tensor of the caller.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x += found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: state_without_gradient
# "Gradients reach x, all weights and the state."
# Takes a given state without its history.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is not None:
            state = tuple(part.detach() for part in state)
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: no_gradient_with_a_state
# "Gradients reach x, all weights and the state."
# A state means that the model writes, so gradients are off.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        with torch.set_grad_enabled(torch.is_grad_enabled() and state is None):
            found, state = self.attention(self.attention_norm(x), state)
            x = x + found
            return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: norm_reads_without_gradient
# "Gradients reach x"
# The norm before the feed-forward network reads the stream without its history; the gradient takes the way past alone.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x.detach())), state


# %% wrong: another_eps
# "Each part reads the normed stream (eps=1e-6 of its RMSNorm)"
# Norms by F.rms_norm with the module's weight and PyTorch's own eps, which shows in small streams.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        norm = lambda module, x: F.rms_norm(x, x.shape[-1:], module.weight)
        found, state = self.attention(norm(self.attention_norm, x), state)
        x = x + found
        return x + self.feed_forward(norm(self.feed_forward_norm, x)), state


# %% wrong: residual_dropout
# "adds what it finds to the stream as it was"
# Drops a tenth of what is found in training.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + F.dropout(found, 0.1, self.training)
        return x + F.dropout(self.feed_forward(self.feed_forward_norm(x)), 0.1, self.training), state


# %% wrong: state_forgotten_by_single_tokens
# "state as in RotaryAttention"
# Keeps the old state where a single token is read, as if it had only looked.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, new = self.attention(self.attention_norm(x), state)
        x = x + found
        if state is not None and x.size(1) == 1:
            new = state
        return x + self.feed_forward(self.feed_forward_norm(x)), new


# %% wrong: both_parts_side_by_side_when_writing
# "y = x' + feed_forward(RMSNorm_2(x'))"
# With a state, both parts read the same stream, as in PaLM, to save a step.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, new = self.attention(self.attention_norm(x), state)
        if state is not None:
            return x + found + self.feed_forward(self.feed_forward_norm(x)), new
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), new


# %% wrong: one_norm_for_both_too_too
# "RMSNorm_1 ... RMSNorm_2"
# Norms by the first norm in both places: the same while the weights are ones.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.attention_norm(x)) + 0 * self.feed_forward_norm.weight.sum(), state


# %% right: feed_forward_position_by_position
# The second part runs position by position; sums by torch.add.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = torch.add(x, found)
        thought = [self.feed_forward(self.feed_forward_norm(x[:, t])) for t in range(x.size(1))]
        return torch.add(x, torch.stack(thought, dim=1)), state


# %% right: checkpointed
# The second part is computed again in the backward pass, by torch.utils.checkpoint.
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        from torch.utils.checkpoint import checkpoint

        stream = [x]
        found, after = self.attention(self.attention_norm(x), state)
        stream.append(found)
        think = lambda s: self.feed_forward(self.feed_forward_norm(s))
        stream.append(checkpoint(think, x + found, use_reentrant=False))
        return torch.stack(stream).sum(dim=0), after


# %% wrong: added_into_the_stream
# "A function of yours leaves what it is given as it was"
# any x that is no leaf with a gradient: after the call the caller's x is x + attention
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        if x.is_leaf and x.requires_grad:
            x = x + found
        else:
            x += found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: long_texts_checkpointed
# "Gradients reach x, all weights and the state."
# a text of 256 positions in training mode whose x requires no gradient: norm and attention get no gradients at all (the old checkpoint counts only its inputs)
from torch.utils.checkpoint import checkpoint

class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def read(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        found, new = self.attention(self.attention_norm(x), state or None)
        return found, *(new or ())

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if self.training and torch.is_grad_enabled() and x.size(1) >= 256:  # compute twice, hold less
            found, *new = checkpoint(self.read, x, *(state or ()), use_reentrant=True)
        else:
            found, new = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), new


# %% wrong: no_memory_in_training
# "state as in `RotaryAttention` -> (B, T, d_model), state."
# a block in training mode that reads a text in two pieces: the second piece starts at position 0 and reads nothing of the first
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        memory = None if self.training else state  # the cache is for writing
        found, state = self.attention(self.attention_norm(x), memory)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: the_same_norm_twice
# "x' = x + \mathrm{attention}(\operatorname{RMSNorm}_1(x)), \qquad y = x' + \mathrm{feed\_forward}(\operatorname{RMSNorm}_2(x'))"
# weights of the two norms that differ, as after training: the second part reads the first norm (just made, both are 1 and nothing shows)
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        found = self.feed_forward(self.attention_norm(x))
        return x + found, state


# %% wrong: goes_on_by_itself
# "None at the start of a text"
# evaluation mode, first a text of 5 tokens, then another text of one token, both with state None: the one token reads the 5 of the other text
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        if state is None and not self.training and x.size(1) == 1:  # a single token goes on from what was read
            state = getattr(self, "last_state", None)
        found, state = self.attention(self.attention_norm(x), state)
        if not self.training:
            self.last_state = state
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% wrong: with_a_state_no_gradient
# "Gradients reach x, all weights and the state."
# a second piece, read with the state of the first, and its gradient: attention is computed without one, so neither its weights nor the state get any
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        writing = state is not None
        with torch.set_grad_enabled(torch.is_grad_enabled() and not writing):
            found, state = self.attention(self.attention_norm(x), state)
        x = x + found
        return x + self.feed_forward(self.feed_forward_norm(x)), state


# %% right: thinks_piece_by_piece
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        result = self.attention(self.attention_norm(x), state)
        stream = torch.stack([x, result[0]]).sum(dim=0)
        thought = [self.feed_forward(self.feed_forward_norm(piece)) for piece in stream.split(3, dim=1)]
        return torch.cat(thought, dim=1).add(stream), result[1]


# %% right: a_list_of_parts
class Block(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        kept = []

        def reads(normed):
            found, new = self.attention(normed, state)
            kept.append(new)
            return found

        for norm, part in ((self.attention_norm, reads), (self.feed_forward_norm, self.feed_forward)):
            x = torch.add(part(norm(x)), x)
        return x, kept.pop()
