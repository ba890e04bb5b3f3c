# %% wrong: one_state_for_all_blocks
# "$s^{(l)}$ is the state of block $l$, keys and values."
# Every block is handed the first block's state; right for one layer, or without a state.
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
        for block in self.blocks:
            x, its = block(x, state[0] if state else None)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: writes_into_the_state_it_got
# "A text read in pieces, the state handed from each to the next, gives the logits of the text read at once."
# The caller's list is updated and returned, so that a second way to go on from the same state is not read right.
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

        if not state:
            state = [None] * len(self.blocks)
        x = self.embedding(tokens)
        for i, block in enumerate(self.blocks):
            x, state[i] = block(x, state[i])
        return self.output(self.norm(x)), state


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


# %% wrong: embedding_times_root_of_width
# "x^{(0)}_t = E[w_t]"
# The embedding is stretched by the root of d_model, as in 2017; without blocks nobody would see it.
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

        x, new_state = self.embedding(tokens) * math.sqrt(self.embedding.embedding_dim), []
        for block, its in zip(self.blocks, state or [None] * len(self.blocks)):
            x, its = block(x, its)
            new_state.append(its)

        return self.output(self.norm(x)), new_state


# %% wrong: output_starts_as_a_copy
# "Embedding and output layer share the matrix $E$"
# The output layer gets a copy of the embedding: the same numbers, until one of them learns.
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
        self.initialise()
        self.output.weight = nn.Parameter(self.embedding.weight.detach().clone())

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


# %% wrong: last_logits_when_not_training
# "forward(tokens, state=None) -> logits, state     tokens (B, T), logits (B, T, vocab_size)"
# In evaluation mode only the last token is scored, since writing needs no more.
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

        if not self.training:
            x = x[:, -1:]

        return self.output(self.norm(x)), new_state


# %% wrong: no_state_when_training
# "state: a list with the state of each block; None at the start of a text"
# In training mode None is returned in the place of the list.
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

        return self.output(self.norm(x)), None if self.training else new_state


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


# %% wrong: log_probabilities
# "\mathrm{logits}_t = \operatorname{RMSNorm}\big(x^{(L)}_t\big)\, E^\top"
# The scores go through a log_softmax: the same loss and the same likeliest token, but not the logits.
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

        return self.output(self.norm(x)).log_softmax(dim=-1), new_state


# %% wrong: last_norm_without_its_weight
# "A language model: embedding, `n_layers` blocks, a last norm, and a score for each token of the vocabulary."
# The last norm is done by hand and leaves its weight out, which is one until it has learned.
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

        return self.output(x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + self.norm.eps)), new_state


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
