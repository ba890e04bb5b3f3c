# %% wrong: end_of_the_row
# "the right, so the last token is at `lengths - 1`, not at the end of the row."
# The number is read at the last place of the row, padding or not.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        return self.head(self.model.norm(x)[:, -1].float()).squeeze(-1)


# %% wrong: one_place_too_far
# "`lengths = 3`, so the number is read at index 2."
# Read at index `lengths`, the first padding, or at the end where there is none: right for the longest rows.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = lengths.clamp(max=tokens.size(1) - 1)
        return self.head(x[torch.arange(len(x), device=x.device), last].float()).squeeze(-1)


# %% wrong: head_with_a_bias
# "`head`, one weight for each coordinate and no bias, which begins with zeros: at first all replies are worth nothing."
# The head has a bias, zero at first too.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, device=weight.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1].float()).squeeze(-1)


# %% wrong: head_of_small_numbers
# "The head begins with zeros: before the first"
# The head keeps the random weights that nn.Linear gives it.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1].float()).squeeze(-1)


# %% wrong: without_the_norm
# "The embedding, the blocks and the last norm of the model are kept. Read what stands behind the norm at the"
# The head reads what the last block gives: while the head is zero, nobody sees it.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1].float()).squeeze(-1)


# %% wrong: only_the_head_learns
# "Of `model`, a `GPT`, the embedding, the blocks and the norm are used, and learn; in place of the output layer stands"
# What the model gives is detached: embedding, blocks and norm get no gradient.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        with torch.no_grad():
            x = self.model.embedding(tokens)
            for block in self.model.blocks:
                x, _ = block(x)
            x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1].float()).squeeze(-1)


# %% wrong: type_of_the_model
# "(B), in float32. Raises ValueError where a length is below 1 or above T."
# The head and the rewards have the type of the model: 16 bits where the model has 16 bits.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device, dtype=weight.dtype)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1]).squeeze(-1)


# %% wrong: guesses_the_lengths
# "padding behind them, lengths (B): the tokens of each row"
# The last token is the last one that differs from 0, the usual padding; `lengths` is checked and not used.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        places = torch.arange(tokens.size(1), device=tokens.device)
        last = torch.where(tokens != 0, places, 0).amax(dim=-1)
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), last].float()).squeeze(-1)


# %% wrong: one_reply_without_a_dimension
# "forward(tokens, lengths) -> rewards (B), float32"
# squeeze() without a dimension: a batch of one reply gives a number without dimensions.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1].float()).squeeze()


# %% wrong: raises_only_if_all_are_wrong
# "Raises ValueError where a length is below 1 or above T."
# any() for all(): a single wrong length among right ones goes through, and a length of 0 reads the end of the row.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).any():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = lengths.clamp(max=tokens.size(1)) - 1
        return self.head(x[torch.arange(len(x), device=x.device), last].float()).squeeze(-1)


# %% wrong: mean_of_the_reply
# "*last token of the reply*, which has seen all the rest, and multiply by one weight for each coordinate."
# The mean over the places that are no padding, in place of the last one.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.size(1), 1, bias=False, device=weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        each = self.head(self.model.norm(x).float()).squeeze(-1)
        real = torch.arange(tokens.size(1), device=tokens.device) < lengths.unsqueeze(-1)
        return (each * real).sum(dim=-1) / lengths


# %% right: one_row_without_its_padding
# Each row is read by itself, cut to its length; the product with the head is written out, in float32.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        where = next(model.parameters()).device
        d_model = model.embedding.weight.shape[-1]
        self.head = nn.Linear(d_model, 1, bias=False).to(where)
        self.head.weight.data.fill_(0.0)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        sizes = lengths.tolist()
        if any(size < 1 or size > tokens.size(1) for size in sizes):
            raise ValueError(f"lengths {sizes}: each is 1 to {tokens.size(1)}")
        rewards = []
        for row, size in zip(tokens, sizes):
            x = self.model.embedding(row[None, :size])
            for block in self.model.blocks:
                x = block(x)[0]
            last = self.model.norm(x)[0, -1]
            rewards.append((last.float() * self.head.weight[0].float()).sum())
        return torch.stack(rewards)


# %% right: all_places_then_gather
# The head grades every place of every row, and gather picks the last one of each.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        example = model.embedding.weight
        self.head = nn.Linear(example.size(1), 1, bias=False, device=example.device, dtype=torch.float32)
        with torch.no_grad():
            self.head.weight.zero_()

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        longest = tokens.size(1)
        if int(lengths.min()) < 1 or int(lengths.max()) > longest:
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {longest}, the tokens of a row")
        stream = self.model.embedding(tokens)
        for block in self.model.blocks:
            stream, _ = block(stream)
        grades = F.linear(self.model.norm(stream).float(), self.head.weight.float())[..., 0]
        return grades.gather(1, (lengths - 1).long().unsqueeze(1)).squeeze(1)
