# %% wrong: kaiming
# "$A$ begins with random numbers of mean 0 and variance $1 / d_\text{in}$"
# A begins as the weights of nn.Linear do, with a third of that variance.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.empty(rank, d_in, **its))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: never_below_zero
# "`lora_a` begins with random numbers of mean 0"
# The numbers lie between 0 and 1 over the root of d_in, and their mean is above 0.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.rand(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: variance_of_the_rank
# "of mean 0 and variance 1 / d_in"
# The variance is one over the rank.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(rank))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: always_the_same_numbers
# "begins with random numbers"
# The seed is set in the constructor: all adapters begin alike, and the caller's random numbers begin anew.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        torch.manual_seed(0)
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: a_copy_of_the_layer
# "`linear` is the layer that is given; it learns no more."
# A frozen copy is kept: the given layer is another, and learns on.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = copy.deepcopy(linear).requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: merged_in_place
# "merged()        a new nn.Linear that computes the same; neither this module nor the given layer is changed"
# The product is added to the given layer, and that is returned.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        self.linear.weight += self.scale * (self.lora_b @ self.lora_a)
        return self.linear


# %% wrong: merged_shares_the_bias
# "One linear layer that computes the same, new: neither this one nor the layer that was given is changed."
# The new layer has the old one's bias itself, so that whoever changes the one changes the other.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias = old.bias
        return new


# %% wrong: merged_without_bias
# "it has a bias where the old one has."
# The merged layer never has a bias.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=False, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        return new


# %% wrong: merged_without_alpha
# "a new nn.Linear that computes the same"
# B A is added as it is, without alpha over rank.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: merged_in_32_bits
# "copy into it, under `torch.no_grad()`"
# The new layer is float32, whatever the old one is.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: base_without_a_graph
# "The gradient of x comes through both parts, so that layers below learn too."
# The layer runs under no_grad, as it learns no more, and x is taken off the graph for the two matrices.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.linear(x)
        return y + self.scale * (x.detach() @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: base_under_no_grad
# "The gradient of x comes through both parts, so that layers below learn too."
# The layer runs under no_grad, as it learns no more: x gets the gradient of the product alone.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            y = self.linear(x)
        return y + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: x_is_detached_for_the_matrices
# "The gradient of x comes through both parts, so that layers below learn too."
# Only the layer passes a gradient on to x: the matrices get x without its graph.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x.detach() @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% right: one_matrix_each_time
# The matrices are merged in each call; A is drawn evenly from an interval that has the variance which is asked for.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_out, d_in = linear.weight.shape
        if rank < 1 or rank > d_in or rank > d_out:
            raise ValueError(f"a rank of {rank} does not fit {d_in} and {d_out}")
        self.rank, self.alpha = rank, alpha
        for weight in linear.parameters():
            weight.requires_grad = False
        self.linear = linear
        edge = (3 / d_in) ** 0.5
        self.lora_a = nn.Parameter(linear.weight.new_empty(rank, d_in).uniform_(-edge, edge))
        self.lora_b = nn.Parameter(linear.weight.new_zeros(d_out, rank))

    def weight(self) -> Tensor:
        return torch.addmm(self.linear.weight, self.lora_b, self.lora_a, alpha=self.alpha / self.rank)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight(), self.linear.bias)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        new = copy.deepcopy(self.linear)
        new.weight = nn.Parameter(self.weight())
        if new.bias is not None:
            new.bias = nn.Parameter(self.linear.bias.detach().clone())
        return new


# %% right: rank_by_rank
# A sum of as many outer products as the rank says, one after the other, both in the call and in the merged layer.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        if rank not in range(1, min(linear.in_features, linear.out_features) + 1):
            raise ValueError(f"rank={rank} is none for {linear}")
        self.linear = linear
        self.linear.requires_grad_(False)
        self.register_parameter("lora_a", nn.Parameter(torch.empty_like(linear.weight[:1]).repeat(rank, 1)))
        self.register_parameter("lora_b", nn.Parameter(torch.zeros_like(linear.weight[:, :1]).repeat(1, rank)))
        nn.init.normal_(self.lora_a, mean=0.0, std=linear.in_features**-0.5)
        self.factor = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x)
        for row, column in zip(self.lora_a, self.lora_b.unbind(dim=1)):
            y = y + self.factor * (x * row).sum(dim=-1, keepdim=True) * column
        return y

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        has_bias = self.linear.bias is not None
        new = nn.utils.skip_init(nn.Linear, old.size(1), old.size(0), bias=has_bias, device=old.device, dtype=old.dtype)
        new.weight.copy_(old)
        for row, column in zip(self.lora_a, self.lora_b.unbind(dim=1)):
            new.weight.add_(torch.outer(column, row), alpha=self.factor)
        if has_bias:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: rows_orthogonal
# "`lora_a` begins with random numbers, each drawn by itself, of mean 0 and variance 1 / d_in"
# Begins with orthonormal rows: mean and variance are right, but the numbers depend on each other.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(nn.init.orthogonal_(torch.empty(rank, d_in)).to(weight))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: the_same_numbers_in_each_adapter
# "`lora_a` begins with random numbers, each drawn by itself"
# Draws from a generator with a fixed seed, so that every adapter of the same shape begins with the same numbers.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        generator = torch.Generator().manual_seed(0)
        numbers = torch.randn(rank, d_in, generator=generator) / math.sqrt(d_in)
        self.lora_a = nn.Parameter(numbers.to(weight))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: variance_of_peft
# "of mean 0 and variance 1 / d_in"
# kaiming_uniform_ with a = sqrt(5), as the well-known libraries have it: the variance is 1 / (3 d_in).
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.empty(rank, d_in, device=weight.device, dtype=weight.dtype))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: a_copy_of_the_layer_too
# "`linear` is the layer that is given; it learns no more."
# Keeps a frozen copy; the given layer learns on, and changes of it are not seen.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = copy.deepcopy(linear).requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: adapter_on_the_cpu
# "both are on the layer's device and in its type"
# Takes the layer's type but not its device (seen with a layer on a GPU, or on `meta`).
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: nothing_comes_through_the_adapter
# "The gradient of x comes through both parts, so that layers below learn too."
# Detaches x in front of the thin matrices: with B of zeros nothing is missing yet.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x.detach() @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: remembers_the_sum_in_evaluation
# "forward(x)      x (..., d_in) -> (..., d_out), the same in training and in evaluation, with A and B as they are now"
# In evaluation without gradients it keeps the sum of the matrices until train() is called: A and B set meanwhile do not count.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank
        self.kept = None

    def forward(self, x: Tensor) -> Tensor:
        if self.training or torch.is_grad_enabled():
            return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)
        if self.kept is None:
            self.kept = self.linear.weight + self.scale * (self.lora_b @ self.lora_a)
        return F.linear(x, self.kept, self.linear.bias)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new

    def train(self, mode: bool = True):
        self.kept = None
        return super().train(mode)


# %% wrong: merged_shares_the_bias_too
# "a new nn.Linear that computes the same, in the layer's type, sharing no weight with it"
# Hands the given layer's bias on to the merged one instead of copying it.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias = self.linear.bias
        return new


# %% wrong: merged_in_the_default_type
# "a new nn.Linear that computes the same, in the layer's type"
# The merged layer is float32, whatever the type of the old one.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% wrong: merged_in_place_and_back
# "neither this module nor the given layer is changed"
# Adds to the given layer's weight, copies the layer, and subtracts again: rounding changes the base a little each time.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        change = self.scale * (self.lora_b @ self.lora_a)
        self.linear.weight += change
        new = copy.deepcopy(self.linear)
        self.linear.weight -= change
        return new


# %% wrong: merged_once
# "merged()        a new nn.Linear that computes the same"
# Keeps the merged layer and returns the same one at the next call, though A and B have learned on.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank
        self._merged = []

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        if self._merged:
            return self._merged[0]
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        self._merged.append(new)
        return new


# %% wrong: view_of_the_inputs
# "Shapes: x (..., d_in) -> (..., d_out)"
# Lays all axes but the last together by `view`, which fails for an x whose axes were exchanged.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        weight = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=weight.device, dtype=weight.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=weight.device, dtype=weight.dtype))
        self.scale = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        flat = x.view(-1, x.shape[-1])
        y = self.linear(flat) + self.scale * (flat @ self.lora_a.T) @ self.lora_b.T
        return y.view(*x.shape[:-1], -1)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear.weight
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, self.linear.bias is not None, old.device, old.dtype
        )
        new.weight.copy_(old + self.scale * (self.lora_b @ self.lora_a))
        if new.bias is not None:
            new.bias.copy_(self.linear.bias)
        return new


# %% right: coins_and_one_matrix
# A begins with plus or minus 1 / sqrt(d_in), by coins; forward adds the matrices first and multiplies once.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        linear.weight.requires_grad = False
        if linear.bias is not None:
            linear.bias.requires_grad = False
        self.linear, self.alpha, self.rank = linear, alpha, rank
        coins = torch.rand((rank, d_in), device=linear.weight.device) < 0.5
        side = d_in**-0.5
        self.lora_a = nn.Parameter(torch.where(coins, side, -side).to(linear.weight.dtype))
        self.lora_b = nn.Parameter(linear.weight.new_zeros(d_out, rank))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.linear.weight + self.alpha / self.rank * self.lora_b @ self.lora_a, self.linear.bias)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        new = copy.deepcopy(self.linear)
        new.weight.add_(self.lora_b @ self.lora_a, alpha=self.alpha / self.rank)
        return new


# %% right: a_sum_over_the_ranks
# Uniform numbers of the right variance; forward adds one rank after the other by a loop; merged asks the layer what it does to unit vectors.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear
        for parameter in linear.parameters():
            parameter.requires_grad_(False)
        side = math.sqrt(3 / d_in)
        self.register_parameter("lora_a", nn.Parameter(torch.empty_like(linear.weight[:1]).repeat(rank, 1)))
        self.register_parameter("lora_b", nn.Parameter(torch.zeros_like(linear.weight[:, :1]).repeat(1, rank)))
        nn.init.uniform_(self.lora_a, -side, side)
        self.factor = alpha / rank

    def forward(self, x: Tensor) -> Tensor:
        y = F.linear(x, self.linear.weight, self.linear.bias)
        for a, b in zip(self.lora_a.unbind(0), self.lora_b.unbind(1)):
            y = y + self.factor * (x * a).sum(-1, keepdim=True) * b
        return y

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        weight, bias = self.linear.weight, self.linear.bias
        new = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
        new.to(device=weight.device, dtype=weight.dtype)
        total = weight.clone()
        for a, b in zip(self.lora_a, self.lora_b.T):
            total += self.factor * torch.outer(b, a)
        new.load_state_dict({"weight": total} | ({} if bias is None else {"bias": bias.clone()}))
        return new


# %% right: einsum_and_an_empty_shell
# einsum with an ellipsis, the scale in a buffer, and a merged layer that begins as an empty shell and does not learn.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        object.__setattr__(self, "_shape", (d_out, d_in))
        linear.requires_grad_(False)
        self.linear = linear
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank).to(linear.weight))
        self.lora_a = nn.Parameter((torch.randn(d_in, rank).T / d_in**0.5).to(linear.weight).contiguous())
        self.register_buffer("scale", torch.tensor(float(alpha) / rank), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        thin = torch.einsum("...i,ri->...r", x, self.lora_a)
        wide = torch.einsum("...r,or->...o", thin, self.lora_b)
        return torch.add(self.linear(x), wide, alpha=float(self.scale))

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        d_out, d_in = self._shape
        new = nn.Linear(d_in, d_out, bias=self.linear.bias is not None, device="meta")
        change = torch.einsum("or,ri->oi", self.lora_b, self.lora_a) * float(self.scale)
        new.weight = nn.Parameter(self.linear.weight + change, requires_grad=False)
        if self.linear.bias is not None:
            new.bias = nn.Parameter(self.linear.bias.clone(), requires_grad=False)
        return new


# %% wrong: base_without_graph
# "The gradient of x comes through both parts, so that layers below learn too"
# the frozen layer is computed under no_grad
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        with torch.no_grad():
            base = self.linear(x)
        return base + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: kaiming_as_in_the_library
# "random numbers [...] of mean 0 and variance 1 / d_in"
# kaiming_uniform_ with a = sqrt(5), whose variance is 1 / (3 d_in)
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.empty(rank, d_in, **like))
        nn.init.kaiming_uniform_(self.lora_a, a=math.sqrt(5))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: orthogonal_rows
# "random numbers, each drawn by itself"
# rows of an orthogonal matrix: mean 0 and variance 1 / d_in, but orthogonal to each other and of length 1
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.empty(rank, d_in, **like))
        nn.init.orthogonal_(self.lora_a)
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: layer_copied
# "`linear` is the layer that is given; it learns no more"
# freezes a copy, and the given layer goes on learning
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = copy.deepcopy(linear).requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: merged_shares_the_bias_too_too
# "sharing no weight with it"
# the merged layer has the very bias of the old one
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias = old.bias
        return new


# %% wrong: merged_is_the_layer_at_first
# "a new nn.Linear; it is new at each call"
# returns the given layer where B is zero and nothing is to be merged
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        if not self.lora_b.any():
            return self.linear
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, device=old.weight.device, dtype=old.weight.dtype)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: merged_adds_and_takes_away
# "neither this module nor the given layer is changed"
# adds the product to the given weights, copies the layer, and takes it away again: what rounding took stays changed
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        change = self.scale * (self.lora_b @ self.lora_a)
        self.linear.weight += change
        new = copy.deepcopy(self.linear)
        self.linear.weight -= change
        return new


# %% wrong: merged_in_the_default_type_too
# "merged() [...] in the layer's type"
# the new layer is made in PyTorch's default type and on its default device
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        old = self.linear
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% right: uniform_numbers
# uniform numbers of the variance 1 / d_in; einsum; the merged layer is a changed deep copy
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if rank < 1 or rank > d_in or rank > d_out:
            raise ValueError("rank")
        for weight in linear.parameters():
            weight.requires_grad = False
        bound = math.sqrt(3 / d_in)
        self.register_parameter("lora_a", nn.Parameter(torch.empty_like(linear.weight[:rank]).uniform_(-bound, bound)))
        self.register_parameter("lora_b", nn.Parameter(linear.weight.new_zeros(d_out, rank)))
        self.add_module("linear", linear)
        self.alpha, self.rank = alpha, rank

    def forward(self, x):
        thin = torch.einsum("...i,ri->...r", x, self.lora_a)
        return self.linear(x) + torch.einsum("...r,or->...o", thin, self.lora_b) * (self.alpha / self.rank)

    @torch.no_grad()
    def merged(self):
        new = copy.deepcopy(self.linear)
        new.weight += self.alpha / self.rank * torch.mm(self.lora_b, self.lora_a)
        return new


# %% right: one_matrix_in_forward
# forward sums the matrices first (with their graph); merged reads the product off from unit vectors' images in float64
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        if not 1 <= rank <= min(linear.weight.shape):
            raise ValueError(f"rank {rank}")
        self.linear = linear
        self.linear.requires_grad_(False)
        d_out, d_in = linear.weight.shape
        a = torch.normal(0.0, d_in**-0.5, (rank, d_in))
        self.lora_a = nn.Parameter(a.to(linear.weight))
        self.lora_b = nn.Parameter(torch.zeros_like(linear.weight[:, :1]).repeat(1, rank))
        self.factor = alpha / rank

    def weight(self):
        return self.linear.weight + self.factor * self.lora_b.matmul(self.lora_a)

    def forward(self, x):
        return F.linear(x, self.weight(), self.linear.bias)

    @torch.no_grad()
    def merged(self):
        has_bias = self.linear.bias is not None
        new = nn.Linear(self.linear.in_features, self.linear.out_features, has_bias).to(self.linear.weight)
        exact = self.linear.weight.double() + self.factor * (self.lora_b.double() @ self.lora_a.double())
        new.load_state_dict({"weight": exact, **({"bias": self.linear.bias.clone()} if has_bias else {})})
        return new


# %% wrong: orthogonal_rows_again
# "`lora_a` begins with random numbers, each drawn by itself, of mean 0 and variance 1 / d_in"
# rank 2 or more: the rows of lora_a are orthogonal, each of length exactly 1, always
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        directions = torch.empty(rank, d_in)
        nn.init.orthogonal_(directions)  # mean 0, variance 1 / d_in, and no row wasted
        self.lora_a = nn.Parameter(directions.to(**like))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        weight, bias = self.linear.weight, self.linear.bias
        new = nn.Linear(
            self.linear.in_features, self.linear.out_features, bias is not None, device=weight.device, dtype=weight.dtype
        )
        new.weight.copy_(weight + self.scale * self.lora_b @ self.lora_a)
        if bias is not None:
            new.bias.copy_(bias)
        return new


# %% wrong: keeps_the_change_in_evaluation
# "the same in training and in evaluation, with A and B as they are now"
# in evaluation under no_grad: a forward, then A or B changed (loaded, set), then a forward: the old change is still added
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        w = linear.weight
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, device=w.device, dtype=w.dtype) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, device=w.device, dtype=w.dtype))
        self.scale = alpha / rank
        self._change = None

    def forward(self, x):
        if self.training or torch.is_grad_enabled():
            self._change = None  # a step may follow, and change it
            return self.linear(x) + F.linear(F.linear(x, self.lora_a), self.lora_b) * self.scale
        if self._change is None:  # one product for a whole reply
            self._change = self.scale * self.lora_b @ self.lora_a
        return F.linear(x, self.linear.weight + self._change, self.linear.bias)

    @torch.no_grad()
    def merged(self):
        new = copy.deepcopy(self.linear)
        new.weight += self.scale * self.lora_b @ self.lora_a
        return new


# %% wrong: shallow_copy
# "One linear layer that computes the same, new: neither this one nor the layer that was given is changed."
# self.linear.weight behind a merged(): it is the merged weight (a shallow copy has the same table of weights), so forward adds the change twice
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / d_in**0.5)
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.lora_a.T) @ self.lora_b.T

    @torch.no_grad()
    def merged(self):
        new = copy.copy(self.linear)
        new.weight = nn.Parameter(self.linear.weight + self.scale * self.lora_b @ self.lora_a)
        if self.linear.bias is not None:
            new.bias = nn.Parameter(self.linear.bias.clone())
        return new


# %% wrong: merged_in_float32
# "a new nn.Linear that computes the same, in the layer's type, sharing no weight with it"
# a layer in float64 or bfloat16: merged() is in float32
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / d_in**0.5)
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        return self.linear(x) + self.scale * ((x @ self.lora_a.T) @ self.lora_b.T)

    @torch.no_grad()
    def merged(self):
        linear = self.linear
        new = nn.Linear(linear.in_features, linear.out_features, linear.bias is not None).to(linear.weight.device)
        new.weight.copy_(linear.weight + self.scale * (self.lora_b @ self.lora_a))
        if linear.bias is not None:
            new.bias.copy_(linear.bias)
        return new


# %% wrong: adapter_reads_a_copy
# "The gradient of x comes through both parts, so that layers below learn too."
# the gradient of x where B is not zero: W^T g alone, without the part of A and B (right at the first step, as B is zero)
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **like) / d_in**0.5)
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.scale = alpha / rank

    def forward(self, x):
        beside = F.linear(x.detach(), self.lora_a)  # the adapter learns from x, and x from the layer
        return self.linear(x) + self.scale * F.linear(beside, self.lora_b)

    @torch.no_grad()
    def merged(self):
        new = copy.deepcopy(self.linear)
        new.weight.add_(self.scale * (self.lora_b @ self.lora_a))
        return new


# %% right: one_weight_each_time
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        for weight in linear.parameters():
            weight.requires_grad = False
        self.linear = linear
        self.rank, self.alpha = rank, alpha
        self.register_parameter("lora_a", nn.Parameter(linear.weight.new_empty(rank, d_in)))
        self.register_parameter("lora_b", nn.Parameter(linear.weight.new_empty(d_out, rank)))
        nn.init.normal_(self.lora_a, mean=0.0, std=1 / math.sqrt(d_in))
        nn.init.zeros_(self.lora_b)

    def forward(self, x):
        change = (self.alpha / self.rank * self.lora_b) @ self.lora_a
        return F.linear(x, self.linear.weight + change, self.linear.bias)

    @torch.no_grad()
    def merged(self):
        new = copy.deepcopy(self.linear)
        new.weight.addmm_(self.lora_b, self.lora_a, alpha=self.alpha / self.rank)
        return new


# %% right: sum_over_ranks
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        like = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        bound = math.sqrt(3 / d_in)  # uniform on (-c, c): variance c² / 3
        self.lora_a = nn.Parameter((2 * torch.rand(rank, d_in, **like) - 1) * bound)
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **like))
        self.linear = linear.requires_grad_(False)
        self.factor = alpha / rank

    def forward(self, x):
        y = self.linear(x)
        for row, column in zip(self.lora_a, self.lora_b.unbind(1)):
            y = y + (x * row).sum(-1, keepdim=True) * column * self.factor
        return y

    @torch.no_grad()
    def merged(self):
        linear = self.linear
        weight = linear.weight + self.factor * torch.einsum("or,ri->oi", self.lora_b, self.lora_a)
        new = nn.utils.skip_init(
            nn.Linear, linear.in_features, linear.out_features, bias=linear.bias is not None,
            device=weight.device, dtype=weight.dtype,
        )
        new.load_state_dict({"weight": weight} | ({} if linear.bias is None else {"bias": linear.bias}))
        return new
