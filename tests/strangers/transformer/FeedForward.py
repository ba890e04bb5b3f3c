# %% wrong: gelu
# "\operatorname{silu}(z) = z\, \sigma(z)"
# The gate is bent by the gelu, which looks much the same (GEGLU).
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.gelu(self.w_gate(x)) * self.w_up(x))


# %% wrong: the_other_branch_is_bent
# "y = \big(\operatorname{silu}(x W_\text{gate}) \odot x W_\text{up}\big)\, W_\text{down}"
# The silu is on the branch of w_up.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(self.w_gate(x) * F.silu(self.w_up(x)))


# %% wrong: both_are_bent
# "Only the gate is bent."
# The silu is on both branches.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x)) * F.silu(self.w_up(x)))


# %% wrong: plain_sigmoid
# "This is SwiGLU."
# The first gated unit: a sigmoid, without the z in front of it.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(torch.sigmoid(self.w_gate(x)) * self.w_up(x))


# %% wrong: gate_with_a_lid
# "the gate can be shut, and it has no upper end."
# The gate is kept below 20, so that nothing explodes.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x)).clamp(max=20.0) * self.w_up(x))


# %% wrong: silu_by_hand_overflows
# "For large $z$ the silu is $z$"
# z exp(z) / (1 + exp(z)): from z = 89 on it is infinity through infinity.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.w_gate(x)
        power = gate.exp()
        return self.w_down(gate * power / (1 + power) * self.w_up(x))


# %% wrong: a_batch_of_one_is_lost
# "forward(x)                    x (..., d_model) -> (..., d_model)"
# Vectors without a batch get one and lose it again at the end; so does a batch that is one text.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() < 3:
            x = x.unsqueeze(0)
        return self.w_down(F.silu(self.w_gate(x)) * self.w_up(x)).squeeze(0)


# %% wrong: dropout_in_training
# "The same small network at every position"
# While training a tenth of the numbers inside is dropped, as was usual.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.dropout(F.silu(self.w_gate(x)) * self.w_up(x), 0.1, self.training))


# %% wrong: a_bias_that_starts_at_zero
# "self.w_down                   from d_hidden to d_model numbers, without a bias"
# w_down has a bias: zero at the start, so no number differs until it has learned.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model)
        nn.init.zeros_(self.w_down.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x)) * self.w_up(x))


# %% wrong: gate_without_gradient
# "A wide layer in two branches, one of which is a gate for the other, and back"
# The gate is taken as a constant: same numbers, but w_gate never learns.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x)).detach() * self.w_up(x))


# %% right: one_hidden_number_at_a_time
# Every number inside adds its own row of w_down; the silu by the logarithm of the sigmoid.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        for gate, up, down in zip(self.w_gate.weight, self.w_up.weight, self.w_down.weight.t()):
            z = (x * gate).sum(dim=-1, keepdim=True)
            total = total + z * F.logsigmoid(z).exp() * (x * up).sum(dim=-1, keepdim=True) * down
        return total


# %% right: both_branches_in_one_product
# One matrix of twice the width, halves taken apart by einsum, F.glu for the sigmoid.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        wide = torch.einsum("...c,hc->...h", x, torch.cat([self.w_up.weight, self.w_gate.weight]))
        up, gate = wide.tensor_split(2, dim=-1)
        hidden = F.glu(torch.cat([up * gate, gate], dim=-1), dim=-1)
        return torch.einsum("...h,ch->...c", hidden, self.w_down.weight)
