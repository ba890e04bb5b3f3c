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
        return torch.addcmul(past, torch.ones_like(past), self.feed_forward(self.feed_forward_norm(flat)).reshape(x.shape)), memory


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
