# %% wrong: always_its_own_attention
# "`attend` does the reading, on (B, n_heads, T, d_head) queries, keys and values, so the same module runs on"
# causal_attention is called by name, and the argument attend is never used.
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
        read = causal_attention(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(read.transpose(1, 2).flatten(2))


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


# %% wrong: attend_once_for_each_head
# "each (B, n_heads, T, d_head) -> (B, n_heads, T, d_head)"
# attend is called n_heads times on (B, T, d_head); with causal_attention the numbers are the same.
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


# %% wrong: heads_folded_into_the_batch
# "Two steps bring `(B, T, d_model)` to `(B, n_heads, T, d_head)`"
# attend gets (B · n_heads, T, d_head): the same numbers from causal_attention, but not the form that attend is promised.
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


# %% wrong: every_nth_column
# "head $i$ owns columns `i * d_head` to `(i + 1) * d_head - 1`, with $i$ from 0."
# The width is cut as (d_head, n_heads), so head i owns columns i, i + n_heads, ..., and they are put back the same way.
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
        split = lambda y: y.unflatten(-1, (-1, self.n_heads)).permute(0, 3, 1, 2)
        read = self.attend(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(read.permute(0, 2, 3, 1).flatten(2))


# %% wrong: one_head_needs_no_output
# "With the four learnt projections"
# With a single head there is nothing to join, so w_output is left out.
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
        read = self.attend(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        if self.n_heads == 1:
            return read.squeeze(1)
        return self.w_output(read.transpose(1, 2).flatten(2))


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


# %% wrong: loses_dimensions_of_one
# "Shapes: x (B, T, d_model) -> (B, T, d_model), with d_head = d_model / n_heads; head h owns the columns"
# The heads are joined and squeezed, so a batch of one text, or a text of one word, comes back with a dimension less.
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
        read = self.attend(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(torch.cat(read.split(1, dim=1), dim=-1).squeeze())


# %% wrong: dropout_while_training
# "y = [\mathrm{head}_0, \dots, \mathrm{head}_{n - 1}]\; W_O"
# In training mode a tenth of the joined heads is dropped at random; in evaluation mode all is as it should be.
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
        read = self.attend(split(self.w_query(x)), split(self.w_key(x)), split(self.w_value(x)))
        return self.w_output(F.dropout(read.transpose(1, 2).flatten(2), p=0.1, training=self.training))


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
