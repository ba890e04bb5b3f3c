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
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1]).squeeze(-1).float()


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
        return self.head(x[torch.arange(len(x), device=x.device), lengths - 1]).squeeze(-1).float()


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
        return self.head(x[torch.arange(len(x), device=x.device), last]).squeeze(-1).float()


# %% wrong: the_norm_is_kept_as_it_was
# "Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and learn"
# The norm's bias and weight get no gradient, all else does.
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
        grades = F.linear(torch.func.functional_call(self.model.norm, {k: w.detach() for k, w in self.model.norm.named_parameters()}, stream).float(), self.head.weight.float())[..., 0]
        return grades.gather(1, (lengths - 1).long().unsqueeze(1)).squeeze(1).float()


# %% wrong: a_copy_learns
# "Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and learn"
# A copy of the model is used: what was given learns nothing.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        import copy

        self.model = copy.deepcopy(model)
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
        return grades.gather(1, (lengths - 1).long().unsqueeze(1)).squeeze(1).float()


# %% wrong: short_under_autocast
# "(B), in float32, under `torch.autocast` too."
# What goes into the head is float32; under autocast the head gives bfloat16 all the same.
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
        return grades.gather(1, (lengths - 1).long().unsqueeze(1)).squeeze(1).float()


# %% wrong: head_on_the_default_device
# "zeros at first, on the model's device, in float32"
# Makes the head without a device: on the CPU although the model is elsewhere (shows with a meta or cuda model).
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, dtype=torch.float32)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.float()).squeeze(-1).float()


# %% wrong: head_in_the_model_dtype
# "on the model's device, in float32"
# The head takes the dtype of the embedding: 16 bits for a model in 16 bits.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        like = model.embedding.weight
        self.head = nn.Linear(like.size(1), 1, bias=False, device=like.device, dtype=like.dtype)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.to(self.head.weight.dtype)).squeeze(-1).float()


# %% wrong: sixteen_bits_under_autocast
# "rewards (B), float32, under torch.autocast too"
# Converts in front of the head only: under autocast the linear layer gives 16 bits again.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x).float()
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last).squeeze(-1)


# %% wrong: only_the_head_learns_too
# "Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and learn"
# Reads the features without a gradient, as a linear probe does.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    @torch.no_grad()
    def features(self, tokens):
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        return self.model.norm(x)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.features(tokens)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.float()).squeeze(-1).float()


# %% wrong: embedding_frozen
# "the embedding, all blocks and the norm are used, and learn"
# The embedding gets no gradient (blocks and norm do), as one does to keep the words where they were.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens).detach()
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.float()).squeeze(-1).float()


# %% wrong: learns_in_a_copy
# "Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and learn"
# Reads with a deep copy of the blocks; embedding and norm are the model's, its blocks never learn.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        import copy
        self.model = model
        self.blocks = copy.deepcopy(model.blocks)
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.float()).squeeze(-1).float()


# %% right: each_row_by_itself_without_padding
# Cuts the padding off and runs row after row; only the last position is read.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        width, device = model.embedding.embedding_dim, model.embedding.weight.device
        self.head = nn.Linear(width, 1, bias=False, device=device, dtype=torch.float32)
        with torch.no_grad():
            self.head.weight.zero_()

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        rewards = []
        for row, length in zip(tokens, lengths.tolist()):
            x = self.model.embedding(row[:length].unsqueeze(0))
            for block in self.model.blocks:
                x = block(x)[0]
            rewards.append(self.head(self.model.norm(x)[0, -1].float())[0].float())
        return torch.stack(rewards)


# %% right: grades_all_places_then_gathers
# The head is applied at every place, by a product and a sum in float32, and one grade is gathered for each row.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        head.weight.data.fill_(0.0)
        self.head = head

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, state = block(x)
        grades = (self.model.norm(x).float() * self.head.weight[0]).sum(dim=-1)
        return grades.gather(1, (lengths.long() - 1).unsqueeze(1)).flatten()


# %% right: cut_to_the_longest_row
# Drops the places behind the longest row before the model sees them, and picks with a one-hot mask.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.constant_(self.head.weight, 0)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens[:, : int(lengths.max())])
        for block in self.model.blocks:
            x, _ = block(x)
        places = torch.arange(x.size(1), device=x.device)
        picked = self.model.norm(x)[places == (lengths - 1).unsqueeze(-1)]
        return self.head(picked.float()).view(-1).to(torch.float32)


# %% wrong: head_in_the_models_dtype
# "self.head ... in float32 whatever the model is in"
# The head takes the embedding's dtype.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=weight.device, dtype=weight.dtype)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% right: head_in_the_default_dtype
# "self.head ... in float32 whatever the model is in" / rewards "float32"
# No dtype given: with torch.set_default_dtype(bfloat16 or float64) in force, the head is in that.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x.to(self.head.weight.dtype)).squeeze(-1).float()


# %% wrong: frozen_body
# "the embedding, all blocks and the norm are used, and learn"
# The body runs without a gradient; only the head learns.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        with torch.no_grad():
            x = self.model.embedding(tokens)
            for block in self.model.blocks:
                x, _ = block(x)
            x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% wrong: embedding_frozen_too
# "the embedding, all blocks and the norm are used, and learn"
# The embedding is detached; blocks, norm and head learn.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens).detach()
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% wrong: no_float_under_autocast
# "in float32, under torch.autocast too"
# The result is what the linear layer gives: 16 bits under autocast.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1)


# %% wrong: learns_in_a_copy_too
# "Of model, a GPT, the embedding, all blocks and the norm are used"
# Keeps a copy of the model: the caller's own model does not learn with it, and later changes to it are not seen.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        import copy
        self.model = copy.deepcopy(model)
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% wrong: head_zeros_with_no_gradient_on_weight
# "head, one weight for each coordinate ... which begins with zeros" (and learns)
# The weight is put in as torch.zeros in a Parameter that needs no gradient.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False)
        zeros = torch.zeros(1, model.embedding.embedding_dim, device=model.embedding.weight.device)
        self.head.weight = nn.Parameter(zeros, requires_grad=False)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% wrong: norm_only_with_gradients
# "Read what stands behind the norm at the last token of the reply"
# The norm is left out where no gradients are recorded (a "fast path" for grading).
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        if torch.is_grad_enabled():
            x = self.model.norm(x)
        x = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(x).squeeze(-1).float()


# %% right: gather_before_the_norm
# Picks the position first with gather and normalises only that: a norm works on each position by itself.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        d_model = model.embedding.embedding_dim
        self.head = nn.Linear(d_model, 1, bias=False, dtype=torch.float32, device=model.embedding.weight.device)
        with torch.no_grad():
            self.head.weight.mul_(0.0)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x = block(x)[0]
        place = (lengths.long() - 1).view(-1, 1, 1).expand(-1, 1, x.size(-1))
        last = self.model.norm(x.gather(1, place)).squeeze(1)
        return self.head(last)[:, 0].to(torch.float32)


# %% right: head_without_autocast
# The head works in float32 with autocast switched off for it, over all positions, and picks the number at the end.
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False)
        self.head.weight.data.zero_()
        self.head.to(device=model.embedding.weight.device, dtype=torch.float32)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        state = self.model.embedding(tokens)
        for block in self.model.blocks:
            state, *_ = block(state)
        state = self.model.norm(state)
        with torch.autocast(device_type=state.device.type, enabled=False):
            scores = self.head(state.float()).squeeze(-1)
        return torch.stack([row[length - 1] for row, length in zip(scores, lengths.tolist())])


# %% wrong: head_like_the_embedding
# "zeros at first, on the model's device, in float32 whatever the model is in"
# a model in bfloat16: the head's weight is bfloat16 too
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=weight.device, dtype=weight.dtype)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last).squeeze(-1).float()


# %% wrong: float_in_front_of_the_head
# "-> (B), in float32, under `torch.autocast` too"
# a call under torch.autocast("cpu", dtype=torch.bfloat16): the linear layer casts again, the rewards are bfloat16
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last.float()).squeeze(-1)


# %% wrong: embedding_looked_up_in_data
# "Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and learn"
# backward of the sum with a head that is not 0: blocks and norm get a gradient, model.embedding.weight.grad is None
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding.weight.data[tokens]
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last).squeeze(-1).float()


# %% wrong: model_made_float
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a model in bfloat16: all parameters of the caller's model are float32 after the constructor
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model.float()
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        with torch.no_grad():
            self.head.weight.zero_()

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x = block(x)[0]
        x = self.model.norm(x)
        last = x[torch.arange(len(x), device=x.device), lengths - 1]
        return self.head(last).squeeze(-1).float()


# %% wrong: rows_counted_once
# "Shapes: tokens (B, T), prompt and reply in each row and padding behind them, lengths (B)"
# a call with four rows and then one with a last batch of three: IndexError, the numbers of the rows are those of the first call
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)
        self.rows = None

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        if self.rows is None:
            self.rows = torch.arange(len(tokens), device=tokens.device)
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x)
        return self.head(x[self.rows, lengths - 1]).squeeze(-1).float()


# %% right: every_place_graded_and_one_picked
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.utils.skip_init(
            nn.Linear, model.embedding.embedding_dim, 1, bias=False,
            device=model.embedding.weight.device, dtype=torch.float32,
        )
        nn.init.constant_(self.head.weight, 0.0)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        from functools import reduce

        x = reduce(lambda state, block: block(state)[0], self.model.blocks, self.model.embedding(tokens))
        with torch.autocast(x.device.type, enabled=False):
            grades = F.linear(self.model.norm(x).float(), self.head.weight)[:, :, 0]
        return grades.gather(1, (lengths.long() - 1)[:, None])[:, 0]


# %% right: cut_to_the_longest_and_multiplied_out
class RewardModel(nn.Module):
    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False).to(model.embedding.weight.device, torch.float32)
        self.head.weight = nn.Parameter(torch.zeros_like(self.head.weight))

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        x = self.model.embedding(tokens[:, : int(lengths.max())])
        for block in self.model.blocks:
            x, _ = block(x)
        x = self.model.norm(x).float()
        last = torch.stack([row[length - 1] for row, length in zip(x, lengths.tolist())])
        return (last * self.head.weight.float()).sum(dim=-1)
