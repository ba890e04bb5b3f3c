# %% wrong: squares_in_the_type_of_x
# "The square of 256 is already infinite in float16, so the mean square is taken in float32"
# The squares are still taken in the type of x; only their mean is made float32, so float16 overflows.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        mean_square = x.square().float().mean(dim=-1, keepdim=True)
        return (x.float() * torch.rsqrt(mean_square + self.eps) * self.weight).to(x.dtype)


# %% wrong: float32_for_float16_alone
# "The mean square is taken in float32, whatever the type of x"
# float16 is widened, since it overflows; bfloat16 is not, and its mean square is rounded to eight bits.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float() if x.dtype == torch.float16 else x
        mean_square = wide.square().mean(dim=-1, keepdim=True)
        return (wide * torch.rsqrt(mean_square + self.eps) * self.weight).to(x.dtype)


# %% wrong: weight_after_the_cast
# "Shapes: x (..., d_model) -> (..., d_model), in the type of x."
# Cast back before the float32 weight is multiplied in, so that 16-bit input gives float32 output.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        return normed.to(x.dtype) * self.weight


# %% wrong: eps_behind_the_root
# "and `eps` is added to it before the root."
# eps is added to the root instead: a thousand times less for vectors near zero.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        root = wide.square().mean(dim=-1, keepdim=True).sqrt()
        return (wide / (root + self.eps) * self.weight).to(x.dtype)


# %% wrong: eps_as_a_floor
# "The tiny $\varepsilon$ (`eps`) keeps a vector of zeros from becoming 0 / 0."
# By F.normalize: a floor under the length in the place of eps under the root; zeros are fine, small vectors are not.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (F.normalize(wide, dim=-1, eps=self.eps) * math.sqrt(x.size(-1)) * self.weight).to(x.dtype)


# %% wrong: eps_from_the_type
# "RMSNorm(d_model, eps=1e-6), a module"
# The eps that was asked for is ignored; always 1e-6.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + 1e-6) * self.weight).to(x.dtype)


# %% wrong: divides_by_the_deviation
# "No mean is taken away: that would be LayerNorm."
# The vector keeps its mean, but the size is its standard deviation, in which the mean is taken away.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.var(dim=-1, keepdim=True, unbiased=False) + self.eps) * self.weight).to(x.dtype)


# %% wrong: size_without_gradient
# "Divide each vector by the root of its mean square"
# The root is taken as a constant: same numbers, but the gradient of x knows nothing of the division.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        with torch.no_grad():
            scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        return (wide * scale * self.weight).to(x.dtype)


# %% wrong: weight_does_not_learn
# "stretch each coordinate by a learned weight"
# The weight's numbers without its graph: it gets no gradient, and stays at one for ever.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        return (wide * scale * self.weight.data).to(x.dtype)


# %% wrong: one_size_for_the_text
# "For a vector $x$ of $C$ numbers"
# With three axes and more, one size for each text and not for each vector; one vector, or a list of them, is right.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        axes = -1 if x.dim() < 3 else (-2, -1)
        return (wide * torch.rsqrt(wide.square().mean(dim=axes, keepdim=True) + self.eps) * self.weight).to(x.dtype)


# %% right: by_a_right_triangle
# The root of a sum of two squares is the long side of a right triangle; one vector after the other.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.size(-1)).to(torch.float32)
        results = []
        for row in rows:
            root_mean_square = torch.linalg.vector_norm(row) / math.sqrt(row.numel())
            size = torch.hypot(root_mean_square, torch.tensor(math.sqrt(self.eps), device=x.device))
            results.append(row.div(size).mul(self.weight))
        if not results:
            return x.clone()
        return torch.stack(results).to(x.dtype).reshape(x.shape)


# %% right: by_the_library
# PyTorch's own rms_norm, on float32.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.to(torch.float32), self.weight.shape, self.weight.to(torch.float32), eps=self.eps).type_as(x)
