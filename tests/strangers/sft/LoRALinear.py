# %% wrong: alpha_alone
# "y = W x + b + (alpha / rank) · B A x."
# The product is multiplied by alpha, and not divided by the rank.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha
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


# %% wrong: root_of_the_rank
# "y = W x + b + \frac{\alpha}{r}\, B A x"
# Divided by the root of the rank, as others have proposed since.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / math.sqrt(rank)
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


# %% wrong: whole_numbers_only
# "Afterwards $W + \frac{\alpha}{r} B A$ is one matrix like the old one."
# alpha is divided by the rank without a rest, so that 16 by 3 is 5.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha // rank
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


# %% wrong: zeros_on_the_other_side
# "`lora_b` with zeros, so that at first nothing is changed"
# A begins with zeros and B with random numbers.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.zeros(rank, d_in, **its))
        self.lora_b = nn.Parameter(torch.randn(d_out, rank, **its) / math.sqrt(d_in))

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


# %% wrong: bias_goes_on_learning
# "`linear.requires_grad_(False)` freezes weights and bias."
# Only the weights are frozen.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear
        linear.weight.requires_grad_(False)
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


# %% wrong: only_b_learns
# "Only $A$ and $B$ learn."
# A stays as it began.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device, "dtype": linear.weight.dtype}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in), requires_grad=False)
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


# %% wrong: adapters_in_32_bits
# "both are on the layer's device and in its type."
# Both are float32, whatever the layer is.
class LoRALinear(nn.Module):
    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        d_in, d_out = linear.in_features, linear.out_features
        if not 1 <= rank <= min(d_in, d_out):
            raise ValueError(f"rank={rank} does not fit a layer from {d_in} to {d_out}: choose 1 to {min(d_in, d_out)}")
        self.linear = linear.requires_grad_(False)
        self.scale = alpha / rank
        its = {"device": linear.weight.device}
        self.lora_a = nn.Parameter(torch.randn(rank, d_in, **its) / math.sqrt(d_in))
        self.lora_b = nn.Parameter(torch.zeros(d_out, rank, **its))

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(x) + (self.scale * (x.float() @ self.lora_a.T @ self.lora_b.T)).to(x.dtype)

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + (self.scale * (self.lora_b @ self.lora_a)).to(old.weight.dtype))
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


# %% wrong: three_axes_only
# "forward(x)      x (..., d_in) -> (..., d_out)"
# x has to have three axes.
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
        return self.linear(x) + self.scale * (torch.einsum("bti,ri,or->bto", x, self.lora_a, self.lora_b))

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: remembers_in_evaluation_mode
# "A linear layer whose weights stay as they are, and beside it a product of two thin matrices that learns."
# In evaluation mode the product is computed once and kept, whatever A and B become later.
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
        if self.training:
            return self.linear(x) + self.scale * (x @ self.lora_a.T @ self.lora_b.T)
        if not hasattr(self, "product"):
            self.product = self.scale * (self.lora_b @ self.lora_a).detach()
        return self.linear(x) + x @ self.product.T

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        old = self.linear
        its = {"device": old.weight.device, "dtype": old.weight.dtype}
        new = nn.Linear(old.in_features, old.out_features, bias=old.bias is not None, **its)
        new.weight.copy_(old.weight + self.scale * (self.lora_b @ self.lora_a))
        if old.bias is not None:
            new.bias.copy_(old.bias)
        return new


# %% wrong: drops_a_tenth
# "y = W x + b + (alpha / rank)"
# In training mode a tenth of the input is dropped on its way to A, as many libraries do.
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
        return self.linear(x) + self.scale * (F.dropout(x, 0.1, self.training) @ self.lora_a.T @ self.lora_b.T)

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
