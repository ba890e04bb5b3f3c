# %% wrong: attend_fixed_at_construction
# "self.attend(query, key, value)"
# The constructor keeps a second reference and forward uses that one, so setting layer.attend later changes nothing.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)
        self._read = attend

    def forward(self, x):
        split = lambda y: y.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        read = self._read(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(read.transpose(1, 2).flatten(2))


# %% wrong: attend_by_keywords
# "`causal_attention`, on PyTorch's fused kernel, or on anything of the same form."
# attend is called with keywords, so a function whose arguments are named q, k, v cannot be used.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        split = lambda y: y.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        read = self.attend(query=split(self.w_query(x)), key=split(self.w_key(x)), value=split(self.w_value(x)))
        return self.w_output(read.transpose(1, 2).flatten(2))


# %% right: attend_once_for_each_head
# attend is called n_heads times on (B, T, d_head), as the formula reads.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        projected = [w(x).chunk(self.n_heads, dim=-1) for w in (self.w_query, self.w_key, self.w_value)]
        return self.w_output(torch.cat([self.attend(*head) for head in zip(*projected)], dim=-1))


# %% right: heads_folded_into_the_batch
# attend gets (B · n_heads, T, d_head), which is (..., T, d_head) too.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        fold = lambda y: y.view(B, T, self.n_heads, -1).transpose(1, 2).reshape(B * self.n_heads, T, -1)
        read = self.attend(fold(self.w_query(x)), fold(self.w_key(x)), fold(self.w_value(x)))
        return self.w_output(read.view(B, self.n_heads, T, -1).transpose(1, 2).reshape(B, T, d_model))


# %% wrong: an_assertion_for_the_width
# "Raises ValueError where d_model is not a multiple of n_heads."
# An assert in the constructor raises AssertionError instead.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        assert d_model % n_heads == 0, f"d_model={d_model} is not a multiple of n_heads={n_heads}"
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        split = lambda y: y.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
        read = self.attend(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(read.transpose(1, 2).flatten(2))


# %% right: sum_over_the_heads
# The heads are cut out by index, and W_O is cut too: the output is a sum over the heads of what each contributes.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        d_head = x.size(2) // self.n_heads
        columns = [range(h * d_head, (h + 1) * d_head) for h in range(self.n_heads)]
        cut = lambda linear: torch.stack([F.linear(x, linear.weight[list(c)]) for c in columns], dim=1)
        read = self.attend(cut(self.w_query), cut(self.w_key), cut(self.w_value))
        y = torch.zeros_like(x)
        for h, c in enumerate(columns):
            y = y + read[:, h] @ self.w_output.weight[:, list(c)].t()
        return y


# %% right: one_einsum_for_all_three
# The three matrices are stacked and viewed as (3, heads, d_head, d_model), and einsum puts every axis where it belongs.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        stacked = torch.stack([self.w_query.weight, self.w_key.weight, self.w_value.weight])
        stacked = stacked.view(3, self.n_heads, -1, x.size(-1))
        query, key, value = torch.einsum("btm,phdm->pbhtd", x, stacked)
        read = self.attend(query, key, value)
        weight = self.w_output.weight.view(-1, self.n_heads, read.size(-1))
        return torch.einsum("bhtd,mhd->btm", read, weight)


# %% wrong: arguments_by_name
# "Call `self.attend` as it stands here, its arguments by their places"
# Gives the arguments by name: an attend whose parameters are called otherwise (q, k, v) fails.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        mixed = self.attend(query=query, key=key, value=value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: attend_bound_at_first_call
# "Somebody may set another `attend` later, and `forward` reads with that one."
# Keeps the attend of the first forward: one set before any call works, one set later does not.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        if not hasattr(self, "_read"):
            self._read = [self.attend]
        mixed = self._read[0](query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: fused_kernel_made_causal
# "Call `self.attend` as it stands here" and "`self.attend(query, key, value)` does the reading"
# Where attend is PyTorch's kernel it adds is_causal=True, so what was set to read everything does not.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        if self.attend is F.scaled_dot_product_attention:
            mixed = self.attend(query, key, value, is_causal=True)
        else:
            mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: no_gradient_in_evaluation
# "Nothing is random, in training or evaluation, and the gradient reaches x and all four projections."
# In evaluation mode it computes without gradients.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
            return self._mix(x)

    def _mix(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: packed_weights_kept_in_evaluation
# "With the four learnt projections" and "the gradient reaches x and all four projections"
# In evaluation packs the three input projections once and keeps them: weights loaded or changed later are not seen.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def train(self, mode=True):
        self._packed = None
        return super().train(mode)

    def forward(self, x):
        B, T, d_model = x.shape
        packed = getattr(self, "_packed", None)
        if packed is None:
            packed = torch.cat([self.w_query.weight, self.w_key.weight, self.w_value.weight])
            if not self.training:
                self._packed = packed
        parts = F.linear(x, packed).view(B, T, 3, self.n_heads, d_model // self.n_heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: single_position_shortcut
# "`self.attend(query, key, value)` does the reading" and "the gradient reaches x and all four projections"
# A text of one position reads itself without attend: wrong for another attend, and no gradient for w_query, w_key.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        if x.shape[1] == 1:
            return self.w_output(self.w_value(x))
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: value_error_only_in_forward
# "Raises ValueError where d_model is not a multiple of n_heads."  (and "MultiHeadAttention(d_model, n_heads, ...)", the constructor is given)
# The test moved to forward: building the module raises nothing.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        if x.shape[-1] % self.n_heads:
            raise ValueError("d_model is not a multiple of n_heads")
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: narrow_heads_refused
# "Raises ValueError where d_model is not a multiple of n_heads."
# Raises it too for heads of width 1 (n_heads = d_model), which the text allows.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads or d_model // n_heads < 2:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        mixed = self.attend(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: causal_whatever_attend_reads
# "so the same module runs on `causal_attention`, on PyTorch's fused kernel, or on anything of the same form, also where it is set later"
# Calls attend only where it was given to the constructor other than the default; else the global causal_attention, so a later one is not read.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)
        self._default = attend is causal_attention

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, d_model // self.n_heads).transpose(1, 2)
            for w in (self.w_query, self.w_key, self.w_value)
        )
        read = causal_attention if self._default else self.attend
        mixed = read(query, key, value)
        return self.w_output(mixed.transpose(1, 2).reshape(B, T, d_model))


# %% right: sum_over_heads
# One head after the other, each with its rows of the weights; w_output applied to each head's slice, and summed.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        d_head = x.shape[-1] // self.n_heads
        total = 0
        for head in range(self.n_heads):
            own = slice(head * d_head, (head + 1) * d_head)
            q, k, v = (F.linear(x, w.weight[own]) for w in (self.w_query, self.w_key, self.w_value))
            total = total + self.attend(q, k, v) @ self.w_output.weight[:, own].T
        return total


# %% right: einsum_and_packed
# The weights are cut, not the projections: one einsum makes all heads; another joins them with w_output.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        n, d_model = self.n_heads, x.shape[-1]
        packed = torch.stack([self.w_query.weight, self.w_key.weight, self.w_value.weight])
        parts = torch.einsum("btc,pnhc->pbnth", x, packed.reshape(3, n, d_model // n, d_model))
        mixed = self.attend(parts[0], parts[1], parts[2])
        return torch.einsum("bnth,onh->bto", mixed, self.w_output.weight.reshape(d_model, n, d_model // n))


# %% right: chunked_and_stacked
# tensor_split along the width, stacked as heads; unbound and concatenated on the way back; a helper method.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def _heads(self, projected):
        return torch.stack(projected.tensor_split(self.n_heads, dim=2), dim=1)

    def forward(self, x):
        mixed = self.attend(*map(self._heads, (self.w_query(x), self.w_key(x), self.w_value(x))))
        return self.w_output(torch.cat(mixed.unbind(dim=1), dim=2))


# %% right: last_head_first
# Calls attend for the heads from the last to the first, and puts the results in their places.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        q, k, v = self.w_query(x), self.w_key(x), self.w_value(x)
        d_head = x.size(2) // self.n_heads
        results = {}
        for head in reversed(range(self.n_heads)):
            results[head] = self.attend(*(p.narrow(2, head * d_head, d_head).contiguous() for p in (q, k, v)))
        return self.w_output(torch.cat([results[head] for head in range(self.n_heads)], dim=-1))


# %% wrong: arguments_by_name_too
# "Its arguments are given by their places"
# Calls attend with query=, key=, value=.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        heads = self.attend(query=query, key=key, value=value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: first_attend_remembered
# "Somebody may set another `attend` later, and `forward` reads with that one."
# Keeps the attend of the first call and reads with it ever after.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        if not hasattr(self, "_reader"):
            self._reader = self.attend
        heads = self._reader(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: no_gradient_in_evaluation_too
# "Nothing is random, in training or evaluation, and the gradient reaches x and all four projections."
# In evaluation it switches the gradient off.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):
            B, T, d_model = x.shape
            query, key, value = (
                w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
            )
            heads = self.attend(query, key, value)
            return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: assertion_for_a_bad_width
# "Raises ValueError where d_model is not a multiple of n_heads."
# An assert, which raises AssertionError.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        assert d_model % n_heads == 0, f"d_model={d_model} is not a multiple of n_heads={n_heads}"
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        return self.w_output(self.attend(query, key, value).transpose(1, 2).reshape(B, T, d_model))


# %% wrong: keys_see_x_detached
# "the gradient reaches x and all four projections"
# The gradient of x through the keys is cut: w_key gets its own, x does not get this part.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(its).view(B, T, self.n_heads, -1).transpose(1, 2)
            for w, its in ((self.w_query, x), (self.w_key, x.detach()), (self.w_value, x))
        )
        return self.w_output(self.attend(query, key, value).transpose(1, 2).reshape(B, T, d_model))


# %% wrong: text_of_one_word_is_its_value
# "self.attend(query, key, value) does the reading"
# With T = 1 attend is not asked: one key has all of the weight.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        heads = value if T == 1 else self.attend(query, key, value)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: keys_of_the_last_call_in_evaluation
# "x (B, T, d_model) -> (B, T, d_model)": "Causal self-attention" of x
# In evaluation keys and values are kept for the last x by its identity: x changed in place reads the old ones.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, d_model = x.shape
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        if not self.training:
            if getattr(self, "_last", (None,))[0] is not x:
                self._last = (x, key, value)
            _, key, value = self._last
        return self.w_output(self.attend(query, key, value).transpose(1, 2).reshape(B, T, d_model))


# %% right: head_by_head_with_slices_of_the_weights
# One head after the other, each projected with its rows of the weights, added through its columns of w_output.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        d_head = x.shape[-1] // self.n_heads
        y = 0
        for i in range(self.n_heads):
            own = slice(i * d_head, (i + 1) * d_head)
            head = self.attend(*(F.linear(x, w.weight[own]) for w in (self.w_query, self.w_key, self.w_value)))
            y = y + head @ self.w_output.weight[:, own].T
        return y


# %% right: one_product_for_all_projections
# The three matrices as one, and unflatten, unbind, permute, flatten.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        weights = torch.cat([self.w_query.weight, self.w_key.weight, self.w_value.weight])
        query, key, value = (x @ weights.T).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        return self.w_output(self.attend(query, key, value).permute(0, 2, 1, 3).flatten(2))


# %% right: chunks_and_stack
# Cuts with chunk, stacks the heads as the second axis, and takes them apart again with unbind.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        query, key, value = (
            torch.stack(w(x).chunk(self.n_heads, dim=-1), dim=1) for w in (self.w_query, self.w_key, self.w_value)
        )
        return self.w_output(torch.cat(self.attend(query, key, value).unbind(1), dim=-1))


# %% wrong: attend_of_the_first_call
# "Somebody may set another `attend` later, and `forward` reads with that one."
# one forward, then layer.attend = another: the second forward still reads with the first (set before the first forward, it works)
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        if not hasattr(self, "_read"):  # build the reader once
            self._read = lambda *heads, attend=self.attend: attend(*heads)
        query, key, value = (
            w(x).reshape(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        return self.w_output(self._read(query, key, value).transpose(1, 2).reshape(B, T, d_model))


# %% wrong: keys_kept_in_evaluation
# "the projected $Q = x W_Q$, $K = x W_K$, $V = x W_V$ are cut into $n$ slices" (of this x, and no earlier one)
# layer.eval() and two calls with x (B, 1, d_model): the second reads the first call's position too, and differs from the same call on a fresh copy
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        if self.training or T > 1:
            self._past = None
        else:  # generation, word by word: put what has been read before in front
            if getattr(self, "_past", None) is not None and self._past[0].shape[0] == B:
                key, value = (torch.cat(pair, dim=2) for pair in zip(self._past, (key, value)))
            self._past = key.detach(), value.detach()
        return self.w_output(self.attend(query, key, value).transpose(1, 2).flatten(2))


# %% wrong: causal_where_the_kernel_can
# "Call `self.attend` as it stands here, its arguments by their places" / "`forward` reads with that one"
# attend = F.scaled_dot_product_attention, which hides nothing by itself: it is told is_causal=True, and the result differs from plain attention
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        heads = [w(x).view(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)]
        try:
            read = self.attend(*heads, is_causal=True)  # PyTorch's kernel has to be told
        except TypeError:
            read = self.attend(*heads)
        return self.w_output(read.transpose(1, 2).reshape(B, T, d_model))


# %% wrong: long_texts_in_pieces
# "self.attend(query, key, value)   each (..., T, d_head) -> (..., T, d_head)"
# T = 300 and an attend that hides nothing, or PyTorch's with is_causal=True: it gets 256 queries of the 300, and keys that end with them
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        query, key, value = (
            w(x).reshape(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        pieces = []
        for start in range(0, T, 256):  # the scores of a long text do not fit: 256 queries at a time
            end = min(start + 256, T)
            pieces.append(self.attend(query[:, :, start:end], key[:, :, :end], value[:, :, :end]))
        return self.w_output(torch.cat(pieces, dim=2).transpose(1, 2).reshape(B, T, d_model))


# %% wrong: one_position_reads_itself
# "the gradient reaches x and all four projections" (and "Somebody may set another `attend` later, and `forward` reads with that one")
# T = 1, backward: w_query.weight.grad and w_key.weight.grad are None; or attend = lambda q, k, v: 2 * v, which is not asked at all
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        if T == 1:  # one weight, and it is 1
            return self.w_output(self.w_value(x))
        query, key, value = (
            w(x).view(B, T, self.n_heads, -1).permute(0, 2, 1, 3) for w in (self.w_query, self.w_key, self.w_value)
        )
        return self.w_output(self.attend(query, key, value).permute(0, 2, 1, 3).reshape(B, T, d_model))


# %% wrong: evaluation_without_gradient
# "Nothing is random, in training or evaluation, and the gradient reaches x and all four projections."
# layer.eval(), x.requires_grad_(), layer(x).sum().backward(): only w_output gets a gradient, x.grad is None
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        B, T, d_model = x.shape
        with torch.set_grad_enabled(self.training and torch.is_grad_enabled()):  # saves memory in evaluation
            query, key, value = (
                w(x).reshape(B, T, self.n_heads, -1).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
            )
            heads = self.attend(query, key, value).transpose(1, 2).reshape(B, T, d_model)
        return self.w_output(heads)


# %% right: head_after_head
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        d_head = x.shape[-1] // self.n_heads
        slices = zip(*(w(x).split(d_head, dim=-1) for w in (self.w_query, self.w_key, self.w_value)))
        return self.w_output(torch.cat([self.attend(*one_head) for one_head in slices], dim=-1))


# %% right: weights_cut_not_results
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        n, d_model = self.n_heads, x.shape[-1]
        query, key, value = (
            torch.einsum("btm,hdm->bhtd", x, w.weight.reshape(n, d_model // n, d_model))
            for w in (self.w_query, self.w_key, self.w_value)
        )
        read = self.attend(query, key, value)
        return torch.einsum("bhtd,mhd->btm", read, self.w_output.weight.reshape(d_model, n, d_model // n))


# %% wrong: fast_kernel_in_evaluation
# "`self.attend(query, key, value)` does the reading"
# Outside of training the fused kernel reads, whatever `attend` is.
class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"{d_model} columns for {n_heads} heads")
        self.n_heads, self.attend = n_heads, attend
        self.w_query, self.w_key, self.w_value, self.w_output = (
            nn.Linear(d_model, d_model, bias=False) for _ in range(4)
        )

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = (
            w(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for w in (self.w_query, self.w_key, self.w_value)
        )
        if self.training or torch.is_grad_enabled():
            heads = self.attend(query, key, value)
        else:
            heads = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.w_output(heads.transpose(1, 2).flatten(2))
