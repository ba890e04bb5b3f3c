# %% wrong: only_the_piece_is_measured
# "Raises ValueError where a text, with what was read before, is longer than the context."
# What was read before does not count, so writing goes on past the context.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        if tokens.size(1) > self.context:
            raise ValueError(f"a text of {tokens.size(1)} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: a_full_context_is_too_long
# "`context` is the largest number of tokens that one text may have."
# A text of exactly `context` tokens is refused.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read >= self.context:
            raise ValueError(f"a text of {read} tokens is too long for the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: too_long_a_text_is_cut
# "and so is the complaint about a text that is longer than `context`"
# Without a state a text that is too long loses its beginning, without a complaint.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        if not state:
            tokens = tokens[:, -self.context :]

        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: output_teaches_nothing
# "The embedding of a token is also its row in the output layer."
# The matrix is shared as numbers alone: as an output layer it gets no gradient.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return F.linear(self.norm(x), self.embedding.weight.detach()), new_state


# %% wrong: no_complaint_when_training
# "Raises ValueError where a text, with what was read before, is longer than the context."
# In training mode the length of a text is not looked at.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context and not self.training:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: writers_start_too_large
# "Small random weights; the two that write to the stream smaller, as 2 · n_layers of them add up there."
# The two are made smaller by the root of n_layers and not of twice as many.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: keeps_its_own_attend
# "GPT(vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention), a module"
# `attend` is not handed on to the blocks.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        x, new_state = self.embedding(tokens), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% right: products_all_the_way
# Tokens as rows of zeros and a one, times E; the blocks by recursion; scores by einsum with E.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        matrix = self.embedding.weight

        def upwards(x, level, states):
            if level == len(self.blocks):
                return x, states
            x, its = self.blocks[level](x, state[level] if state else None)
            return upwards(x, level + 1, states + [its])

        top, states = upwards(F.one_hot(tokens, matrix.size(0)).to(matrix.dtype) @ matrix, 0, [])
        return torch.einsum("btc,vc->btv", self.norm(top), matrix), states


# %% right: reads_token_by_token
# Each token goes through all blocks by itself, with the state of those before.
def fused_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens, state=None):
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")

        states = list(state) if state is not None else [None for _ in self.blocks]
        rows = []
        for column in tokens.unbind(dim=1):
            x = self.embedding.weight[column][:, None]
            for level, block in enumerate(self.blocks):
                x, states[level] = block(x, states[level])
            rows.append(self.output(self.norm(x)))
        return torch.cat(rows, dim=1), states


# %% wrong: no_initialise
# "all matrices start as normal numbers with a standard deviation of 0.02"
# initialise is never called.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight

    def initialise(self) -> None:
        """Small random weights; the two that write to the stream smaller, as 2 · n_layers of them add up there.

        Source: Radford et al. 2019, section 2.3.
        """
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        before = state or [None] * len(self.blocks)
        after = []
        x = self.embedding(tokens)  # (B, T) -> (B, T, d_model)
        for block, block_state in zip(self.blocks, before, strict=True):
            x, block_state = block(x, block_state)
            after.append(block_state)
        return self.output(self.norm(x)), after  # (B, T, vocab_size)


# %% wrong: index_error_when_too_long
# "Raises ValueError where a text, with what was read before, is longer than the context."
# An IndexError in its place.
def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        """Small random weights; the two that write to the stream smaller, as 2 · n_layers of them add up there.

        Source: Radford et al. 2019, section 2.3.
        """
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise IndexError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        before = state or [None] * len(self.blocks)
        after = []
        x = self.embedding(tokens)  # (B, T) -> (B, T, d_model)
        for block, block_state in zip(self.blocks, before, strict=True):
            x, block_state = block(x, block_state)
            after.append(block_state)
        return self.output(self.norm(x)), after  # (B, T, vocab_size)


# %% right: state_is_a_tuple
# "The state is a list of the blocks' states"
# Returns the states as a tuple.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x = self.embedding(tokens)
        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        return self.output(self.norm(x)), tuple(new_state)


# %% wrong: output_matrix_without_gradient
# "Embedding and output layer share the matrix E"
# Scores with the detached matrix, so that E learns from its use at the bottom alone.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x = self.embedding(tokens)
        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        return F.linear(self.norm(x), self.embedding.weight.detach()), new_state


# %% wrong: token_zero_is_padding
# "x^(0)_t = E[w_t]"
# Looks up with padding_idx=0: the numbers are right, but token 0 gets no gradient from where it is read.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x = F.embedding(tokens, self.embedding.weight, padding_idx=0)

        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        return self.output(self.norm(x)), new_state


# %% wrong: states_detached
# "the state handed from each to the next (in RotaryAttention: gradients go back through the state)"
# Returns the states cut off from the graph.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x = self.embedding(tokens)
        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        return self.output(self.norm(x)), [(key.detach(), value.detach()) for key, value in new_state]


# %% wrong: output_matrix_kept_in_eval
# "The embedding of a token is also its row in the output layer."
# In eval mode it keeps a transposed copy of E from the first call on; weights loaded or trained later score with the old copy.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x = self.embedding(tokens)
        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        if self.training:
            return self.output(self.norm(x)), new_state
        if not hasattr(self, "scores"):
            self.scores = self.embedding.weight.T.contiguous()
        return self.norm(x) @ self.scores, new_state


# %% wrong: looked_up_rows_scaled_to_a_limit
# "x^(0)_t = E[w_t]"
# nn.functional.embedding with max_norm=10: rows that grew longer are shortened, in the weight itself.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        with torch.no_grad():
            F.embedding(tokens, self.embedding.weight, max_norm=10.0)

        x = self.embedding(tokens)
        new_state = []
        for block, past in zip(self.blocks, state or [None] * len(self.blocks)):
            x, new = block(x, past)
            new_state.append(new)

        return self.output(self.norm(x)), new_state


# %% right: one_hot_products
# Looks up by a product of one-hot rows with E and scores by a product with its transpose.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        E = self.embedding.weight
        x = F.one_hot(tokens.long(), E.size(0)).to(E.dtype) @ E
        states = []
        for layer in range(len(self.blocks)):
            x, s = self.blocks[layer](x, None if state is None else state[layer])
            states += [s]
        return self.norm(x) @ E.mT, states


# %% right: recursion_over_the_blocks
# A helper calls itself for the blocks above.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        def climb(x, blocks, pasts):
            if not blocks:
                return x, []
            x, new = blocks[0](x, pasts[0])
            top, above = climb(x, blocks[1:], pasts[1:])
            return top, [new, *above]

        top, states = climb(self.embedding.weight[tokens], list(self.blocks), state or [None] * len(self.blocks))
        return F.linear(self.norm(top), self.output.weight), states


# %% wrong: only_lists_are_states
# "a tuple of states is as good"
# Takes anything but a list for the start of a text.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        states = state if isinstance(state, list) and state else [None] * len(self.blocks)
        for block, s in zip(self.blocks, states):
            x, s = block(x, s)
            new.append(s)
        return self.output(self.norm(x)), new


# %% wrong: state_cut_off
# "gradients go back through the state"
# Returns the states without their history.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        return self.output(self.norm(x)), [tuple(part.detach() for part in s) for s in new]


# %% wrong: no_blocks_no_state
# "a list with the state of each block, empty where there are none"
# Returns None where there are no blocks.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        return self.output(self.norm(x)), new or None


# %% wrong: no_blocks_no_norm
# "logits_t = RMSNorm(x_t^(L)) E^T"
# Leaves the last norm out of a model that has no blocks, in training mode.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        if self.blocks or not self.training:
            x = self.norm(x)
        return self.output(x), new


# %% wrong: output_pays_no_gradient
# "The embedding of a token is also its row in the output layer."
# Scores by the embedding matrix without its gradient.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        return F.linear(self.norm(x), self.embedding.weight.detach()), new


# %% wrong: output_by_a_kept_copy
# "nothing that was kept of an earlier one, or of earlier weights, changes what it gives"
# In evaluation mode it keeps a contiguous transpose of the matrix from the first call without gradients.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        x = self.norm(x)
        if self.training or torch.is_grad_enabled():
            return self.output(x), new
        if not hasattr(self, "turned"):
            self.turned = self.embedding.weight.T.contiguous()
        return x @ self.turned, new


# %% wrong: remembers_what_it_read
# "Each call stands by itself: nothing that was kept of an earlier one, or of earlier weights, changes what it gives"
# Without gradients it remembers the last text: the same text again is not read, whatever became of the weights.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        known = getattr(self, "known", None)
        if state is None and not torch.is_grad_enabled() and known is not None and torch.equal(known[0], tokens):
            return known[1], list(known[2])
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        logits = self.output(self.norm(x))
        if state is None and not torch.is_grad_enabled():
            self.known = (tokens.clone(), logits, new)
        return logits, new


# %% wrong: no_gradient_when_it_goes_on
# "gradients go back through the state"
# Takes the given states without their history.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        state = [tuple(part.detach() for part in s) for s in state] if state else None
        x, new = self.embedding(tokens), []
        for block, s in zip(self.blocks, state if state else [None] * len(self.blocks)):
            x, s = block(x, s)
            new.append(s)
        return self.output(self.norm(x)), new


# %% wrong: first_state_for_all
# "Each block reads ... s^(l) is the state of block l"
# Gives a block the state of the one below where one token is read, by an index that is off by one there.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, new = self.embedding(tokens), []
        for l, block in enumerate(self.blocks):
            s = None if not state else state[max(l - 1, 0)] if tokens.size(1) == 1 else state[l]
            x, s = block(x, s)
            new.append(s)
        return self.output(self.norm(x)), new


# %% right: one_hot_and_einsum
# One-hot rows times E, einsum with E at the end, states from a generator as a tuple.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        E = self.embedding.weight
        x = F.one_hot(tokens.long(), E.size(0)).to(E.dtype) @ E
        before = iter(state) if state else iter(())
        states = ()
        for block in self.blocks:
            x, s = block(x, next(before, None))
            states += (s,)
        return torch.einsum("btc,vc->btv", self.norm(x), E), states


# %% right: reduce_over_blocks
# functools.reduce carries the stream and the states.
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        from functools import reduce

        def through(carried, pair):
            stream, states = carried
            stream, s = pair[0](stream, pair[1])
            return stream, [*states, s]

        pairs = list(zip(self.blocks, state or [None for _ in self.blocks]))
        x, states = reduce(through, pairs, (F.embedding(tokens, self.output.weight), []))
        return F.linear(self.norm(x), self.embedding.weight), states


# %% wrong: padded_with_none
# "a tuple of states is as good."
# a state given as a tuple of states: TypeError, a tuple and a list cannot be joined
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        before = (state or []) + [None] * len(self.blocks)
        x, after = self.embedding(tokens), []
        for block, old in zip(self.blocks, before):
            x, new = block(x, old)
            after.append(new)
        return self.output(self.norm(x)), after


# %% wrong: none_for_no_blocks
# "state: a list with the state of each block, empty where there are none; None at the start of a text"
# n_layers=0: the state that comes back is None instead of an empty list
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, after = self.embedding(tokens), []
        for number, block in enumerate(self.blocks):
            x, new = block(x, state[number] if state else None)
            after.append(new)
        return self.output(self.norm(x)), after or None


# %% wrong: rows_detached_at_the_top
# "Embedding and output layer share the matrix $E$"
# the gradient of the embedding: the part that comes through the output layer is missing, so tokens that were not read get none (the logits are right)
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, after = self.embedding(tokens), []
        for number, block in enumerate(self.blocks):
            x, new = block(x, None if state is None else state[number])
            after.append(new)
        rows = self.embedding.weight.detach()  # it learns at the bottom
        return self.norm(x) @ rows.T, after


# %% wrong: room_for_one_more
# "Raises ValueError where a text, with what was read before, is longer than the context."
# exactly `context` tokens, then one more with the state: the state was cut to context - 1, so the token is read, at a wrong place, in place of ValueError
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        x, after = self.embedding(tokens), []
        for number, block in enumerate(self.blocks):
            x, (key, value) = block(x, None if state is None else state[number])
            newest = slice(max(0, key.size(-2) - (self.context - 1)), None)
            after.append((key[:, :, newest], value[:, :, newest]))
        return self.output(self.norm(x)), after


# %% right: recursive_blocks
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        def climb(x, level):
            if level == len(self.blocks):
                return x, []
            x, new = self.blocks[level](x, state[level] if state else None)
            top, above = climb(x, level + 1)
            return top, [new, *above]

        top, after = climb(F.embedding(tokens, self.output.weight), 0)
        return torch.einsum("btc,vc->btv", self.norm(top), self.embedding.weight), after


# %% right: states_from_an_iterator
class GPT(nn.Module):
    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        rows = self.output.weight
        stream = rows.index_select(0, tokens.flatten()).view(*tokens.shape, rows.size(1))
        memory = iter(()) if state is None else iter(state)
        after = []
        for block in self.blocks:
            results = block(stream, next(memory, None))
            stream = results[0]
            after += [results[1]]
        return torch.matmul(rows, self.norm(stream).mT).mT, after
