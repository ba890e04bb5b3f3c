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
        return F.rms_norm(x.to(torch.float32), self.weight.shape, self.weight.to(torch.float32), eps=self.eps).type_as(
            x
        )


# %% wrong: back_before_the_weight_in_bfloat16
# "in the type of x"
# float16 is cast back at the end, bfloat16 is left as float32.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        return (wide * scale * self.weight).to(torch.float32 if x.dtype == torch.bfloat16 else x.dtype)


# %% wrong: reciprocal_root_in_bfloat16
# "The mean square is taken in float32 or wider, whatever the type of x"
# The mean square is right, its root is rounded to the type of x before it is used.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps).to(x.dtype)  # (..., 1)
        return (wide * scale * self.weight).to(x.dtype)


# %% wrong: squeezes_one_vector
# "Shapes: x (..., d_model) -> (..., d_model)"
# A batch of one text loses its axis.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        result = (wide * scale * self.weight).to(x.dtype)
        return result.squeeze(0) if x.dim() == 3 else result


# %% wrong: in_float64_for_good
# "in the type of x"
# float64 comes back as float32.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        return (wide * scale * self.weight).to(torch.float32 if x.dtype == torch.float64 else x.dtype)


# %% right: in_float64
# The mean square in float64, which is wider than float32.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.double()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        return (wide * scale * self.weight).to(x.dtype)


# %% wrong: eps_of_the_constructor_ignored
# "RMSNorm(d_model, eps=1e-6), a module"
# Writes 1e-6 into forward and never looks at self.eps.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight).to(x.dtype)


# %% wrong: type_back_before_the_weight
# "Shapes: x (..., d_model) -> (..., d_model), in the type of x."
# Casts back first and multiplies by the float32 weight then, so a 16-bit x comes back as float32.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return normed.to(x.dtype) * self.weight


# %% wrong: only_float16_is_widened
# "The mean square is taken in float32 or wider, whatever the type of x"
# Widens float16, which overflows, but leaves bfloat16 as it is, which does not.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float() if x.dtype == torch.float16 else x
        normed = wide / torch.sqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (normed * self.weight).to(x.dtype)


# %% wrong: in_place_in_inference
# "A function of yours leaves what it is given as it was"
# Without gradients it saves memory by scaling in place; x.float() of a float32 x is x itself.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        scale = torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        if torch.is_grad_enabled():
            wide = wide * scale
        else:
            wide *= scale
        return (wide * self.weight).to(x.dtype)


# %% wrong: module_follows_the_type_of_x
# "A function of yours leaves what it is given as it was"
# Makes the types agree by converting its own parameter for good: after one 16-bit call the learned weight has 16 bits.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        self.to(x.dtype)
        wide = x if x.dtype == torch.float64 else x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (normed * self.weight).to(x.dtype)


# %% wrong: weight_data
# "with a learned weight w for each coordinate"
# Reads weight.data, so the weight is never learned.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps)
        return (normed * self.weight.data).to(x.dtype)


# %% right: library_rms_norm
# One call of F.rms_norm, in float32 or float64.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        return F.rms_norm(x.to(wide), (x.size(-1),), self.weight.to(wide), self.eps).to(x.dtype)


# %% right: float32_for_float64_too
# x.float() as the hint says, for every type: a float64 x is normed in float32 and comes back as float64.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


# %% right: always_float64_and_a_dot_product
# The mean square as a product of each vector with itself, in float64.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.double()
        mean_square = torch.einsum("...c,...c->...", wide, wide) / x.shape[-1]
        return (wide / (mean_square + self.eps).sqrt().unsqueeze(-1) * self.weight.double()).to(x.dtype)


# %% wrong: only_the_mean_is_wide
# "Mean square and quotient are in float32 or wider, whatever the type of x."
# The mean square and its root in float32; the division and the weight in the type of x.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        root = (x.to(wide).square().mean(-1, keepdim=True) + self.eps).sqrt().to(x.dtype)
        return x / root * self.weight.to(x.dtype)


# %% wrong: eps_of_the_default
# "`eps` is added to the mean square"
# Uses 1e-6 whatever eps the module was made with.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        return (wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + 1e-6) * self.weight).to(x.dtype)


# %% wrong: squares_in_16_bits
# "Mean square and quotient are in float32 or wider, whatever the type of x."
# Squares first and widens then: infinite in float16.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.rsqrt(x.square().float().mean(dim=-1, keepdim=True) + self.eps)
        return (x.float() * scale * self.weight).to(x.dtype)


# %% wrong: quotient_in_16_bits
# "Mean square and quotient are in float32 or wider, whatever the type of x."
# Rounds the reciprocal root to the type of x and multiplies there.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        return (x * scale.to(x.dtype) * self.weight).to(x.dtype)


# %% wrong: type_of_the_weight
# "forward(x) ... in the type of x"
# Goes back to the type of x before the weight, which may be wider and lifts the result.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        normed = (wide * torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)).to(x.dtype)
        return normed * self.weight


# %% wrong: in_place_without_gradients
# "A function of yours leaves what it is given as it was"
# x.float() is x itself where it is float32, and without gradients it is then scaled in place.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        scale = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True) + self.eps)
        wide = wide * scale if torch.is_grad_enabled() else wide.mul_(scale)
        return (wide * self.weight).to(x.dtype)


# %% wrong: three_axes_only
# "x (..., d_model)"
# Takes the mean over axis 2 or, in a matrix, over axis 1; a single vector or a fourth axis is normed along another.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        axis = min(2, x.dim() - 1)
        return (wide * torch.rsqrt(wide.square().mean(dim=axis, keepdim=True) + self.eps) * self.weight).to(x.dtype)


# %% right: float64_always
# Computes in float64 whatever comes, with the length by vector_norm.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.double()
        squares = torch.linalg.vector_norm(wide, dim=-1, keepdim=True) ** 2 / x.size(-1)
        return (wide / torch.sqrt(squares + self.eps) * self.weight.double()).to(x.dtype)


# %% right: weight_in_the_type_of_x
# As in Llama: the quotient in float32, the product with the weight in the type of x.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x if x.dtype == torch.float64 else x.float()
        normed = wide / (torch.einsum('...c,...c->...', wide, wide) / x.shape[-1] + self.eps).sqrt().unsqueeze(-1)
        return normed.to(x.dtype) * self.weight.to(x.dtype)


# %% right: float32_for_float64_too_too
# float32 inside for every type, float64 included, as 'float32 or wider, whatever the type of x' allows.
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        return (wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


# %% wrong: scale_rounded_to_x
# "Mean square and quotient are in float32 or wider, whatever the type of x."
# RMSNorm(4, eps=1e-12) on float16 numbers of 6e-8: the factor 1e6 is infinite in float16, so the result is inf instead of 0.06
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        mean_square = x.float().pow(2).mean(dim=-1, keepdim=True)
        scale = torch.rsqrt(mean_square + self.eps).to(x.dtype)
        return (x * scale * self.weight).to(x.dtype)


# %% wrong: cast_before_the_weight
# "Shapes: x (..., d_model) -> (..., d_model), in the type of x."
# bfloat16 x with the weight in float32, as it is made: the result is float32
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)
        return self.weight * normed.to(x.dtype)


# %% wrong: wide_weight_kept_again
# "nothing that was kept of an earlier one, or of earlier weights, changes what it gives"
# a norm in bfloat16, called, then its weight filled with 2, called again: the second result still has weight 1
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        if not hasattr(self, "wide_weight"):
            self.wide_weight = (self.weight.float(),)  # in a tuple, so that it is no second parameter
        wide = x.float()
        wide = wide * torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)
        return (wide * self.wide_weight[0]).to(x.dtype)


# %% wrong: ones_skipped
# "Divide each vector by the root of its mean square, and stretch each coordinate by a learned weight."
# the gradient of a norm just made, whose weights are all 1: the weight gets none, so it can never be learned
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)
        if not bool((self.weight == 1).all()):
            normed = normed * self.weight
        return normed.to(x.dtype)


# %% right: library_in_wide
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.promote_types(x.dtype, torch.float32)
        return F.rms_norm(x.to(wide), (x.size(-1),), self.weight.to(wide), self.eps).to(x.dtype)


# %% right: diagonal_in_double
class RMSNorm(nn.Module):
    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        double = x.double()
        total = torch.einsum("...i,...i->...", double, double)
        shrink = (total / x.shape[-1] + self.eps) ** -0.5
        return torch.einsum("...i,...,i->...i", double, shrink, self.weight.double()).type(x.dtype)
