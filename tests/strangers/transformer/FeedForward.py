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


# %% wrong: gate_with_an_upper_end
# "the gate can be shut, and it has no upper end"
# Clamps the gate at 30, as some models do against overflow.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x).clamp(max=30.0)) * self.w_up(x))


# %% wrong: exp_over_one_plus_exp
# "For large z the silu is z"
# Writes sigma(z) as exp(z) / (1 + exp(z)): inf / inf for z above 88.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(z * (z.exp() / (1 + z.exp())) * self.w_up(x))


# %% wrong: gradient_nan_far_below_zero
# "silu(z) = z * sigma(z) ... far below zero it is 0"
# z / (1 + exp(-z)) has the right numbers, but its gradient is NaN for z below -88.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(z / (1 + torch.exp(-z)) * self.w_up(x))


# %% wrong: shut_gate_is_cut_off
# "The gate alone is bent, by silu(z) = z * sigma(z)"
# Takes 'far below zero it is 0' as a rule: below -8 exactly 0, where silu is still -0.0027 and less.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        gate = torch.where(z < -8, torch.zeros_like(z), F.silu(z))
        return self.w_down(gate * self.w_up(x))


# %% wrong: view_needs_contiguous
# "forward(x)                    x (..., d_model) -> (..., d_model)"
# Flattens x by view: an error where x was transposed.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        flat = x.view(-1, x.size(-1))
        return self.w_down(F.silu(self.w_gate(flat)) * self.w_up(flat)).view(x.shape)


# %% wrong: fused_weights_kept_in_eval
# "it is what w_gate gives; w_up gives the other half"
# In eval mode it joins the two matrices once and keeps them: weights that are trained or loaded later are not seen.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            gate, up = self.w_gate(x), self.w_up(x)
        else:
            if not hasattr(self, "fused"):
                self.fused = torch.cat((self.w_gate.weight, self.w_up.weight))
            gate, up = F.linear(x, self.fused).chunk(2, dim=-1)
        return self.w_down(F.silu(gate) * up)


# %% right: one_product_and_tanh
# Both branches in one product of joined weights; sigma by tanh.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, up = (x @ torch.cat((self.w_gate.weight, self.w_up.weight)).T).tensor_split(2, dim=-1)
        return (0.5 * gate * (1 + torch.tanh(0.5 * gate)) * up) @ self.w_down.weight.mT


# %% right: unit_by_unit
# A loop over the hidden units, each of which adds its share.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        result = torch.zeros_like(x)
        for gate, up, down in zip(self.w_gate.weight, self.w_up.weight, self.w_down.weight.T):
            z = (x * gate).sum(dim=-1, keepdim=True)
            result = result + z * torch.sigmoid(z) * (x * up).sum(dim=-1, keepdim=True) * down
        return result


# %% right: library_glu
# F.glu multiplies by a sigmoid: glu([z * up, z]) = z * up * sigma(z).
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(F.glu(torch.cat((z * self.w_up(x), z), dim=-1), dim=-1))


# %% wrong: silu_by_exp
# "wherever z is, silu and its gradient are numbers"
# z / (1 + exp(-z)): right numbers, and a gradient of nan far below zero.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(z / (1 + torch.exp(-z)) * self.w_up(x))


# %% wrong: where_does_not_help
# "wherever z is, silu and its gradient are numbers"
# Guards the overflow with torch.where, whose other branch still has a gradient of nan.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        gate = torch.where(z < -80, torch.zeros_like(z), z / (1 + torch.exp(-z)))
        return self.w_down(gate * self.w_up(x))


# %% wrong: upper_end
# "it has no upper end"
# Clamps the gate at 100.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(F.silu(self.w_gate(x)).clamp(max=100) * self.w_up(x))


# %% wrong: shut_by_a_limit
# "Rounding shuts it, and no limit of yours"
# Shuts the gate below -10.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(torch.where(z < -10, torch.zeros_like(z), F.silu(z)) * self.w_up(x))


# %% wrong: exponent_clamped
# "wherever z is, silu and its gradient are numbers; Rounding shuts it, and no limit of yours"
# Clamps z to -30 .. 30 inside the exponential: far below zero the gate grows with z again.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        return self.w_down(z / (1 + torch.exp(-z.clamp(-30, 30))) * self.w_up(x))


# %% wrong: joined_once_in_evaluation
# "nothing that was kept ... of earlier weights, changes what it gives, with gradients or without"
# In evaluation mode it keeps the two wide matrices joined from the first call.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.joined = None
            wide = F.linear(x, torch.cat([self.w_gate.weight, self.w_up.weight]))
        else:
            if getattr(self, "joined", None) is None:
                self.joined = torch.cat([self.w_gate.weight, self.w_up.weight]).detach()
            wide = F.linear(x, self.joined)
        gate, up = wide.chunk(2, dim=-1)
        return self.w_down(F.silu(gate) * up)


# %% wrong: view_of_rows
# "Shapes: x (..., d_model) -> (..., d_model)"
# Makes rows of x with view, which fails for a turned x.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, x.size(-1))
        return self.w_down(F.silu(self.w_gate(rows)) * self.w_up(rows)).view(x.shape)


# %% wrong: single_vector_gets_an_axis
# "Shapes: x (..., d_model) -> (..., d_model)"
# Works on rows and gives a single vector back as a row.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.reshape(-1, x.size(-1))
        y = self.w_down(F.silu(self.w_gate(rows)) * self.w_up(rows))
        return y.reshape(*x.shape[:-1], -1) if x.dim() > 1 else y


# %% right: joined_each_time
# One product for both branches, z times sigmoid by exp(logsigmoid).
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z, up = (x @ torch.cat([self.w_gate.weight, self.w_up.weight]).T).chunk(2, dim=-1)
        return torch.einsum('...h,ch->...c', z * torch.exp(F.logsigmoid(z)) * up, self.w_down.weight)


# %% right: in_slices_of_the_width
# Sums over slices of the hidden width, each on its own.
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros_like(x)
        for start in range(0, self.w_gate.weight.size(0), 5):
            part = slice(start, start + 5)
            z = F.linear(x, self.w_gate.weight[part])
            y = y + F.linear(z * z.sigmoid() * F.linear(x, self.w_up.weight[part]), self.w_down.weight[:, part])
        return y


# %% wrong: two_branches_of_exp
# "wherever z is, silu and its gradient are numbers."
# z = 100 or z = -100: the value is right, the gradient is NaN, since it runs through the branch that `where` left out
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = self.w_gate(x)
        grown = torch.exp(z)
        silu = torch.where(z > 0, z / (1 + torch.exp(-z)), z * grown / (1 + grown))
        return self.w_down(silu * self.w_up(x))


# %% wrong: sigmoid_with_a_floor
# "Rounding shuts it, and no limit of yours"
# z = -1e10: the gate is -1e10 times 9e-14, about -0.0009, instead of 0, and times up of 1e10 it is millions
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.w_gate(x)
        gate = gate * torch.sigmoid(gate.clamp(-30.0, 30.0))  # exp cannot overflow
        return self.w_down(gate * self.w_up(x))


# %% wrong: flattened_by_view
# "Shapes: x (..., d_model) -> (..., d_model)."
# x of (2, 3, d_model) that is a transposed (3, 2, d_model): RuntimeError, a view cannot flatten it
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        rows = x.view(-1, x.size(-1))
        hidden = F.silu(self.w_gate(rows)) * self.w_up(rows)
        return self.w_down(hidden).view(x.shape)


# %% wrong: one_matrix_for_evaluation
# "nothing that was kept of an earlier one, or of earlier weights, changes what it gives"
# evaluation mode, a call, then new weights, another call: gate and up are still the old ones
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.joined = None
            both = torch.cat([self.w_gate.weight, self.w_up.weight])
        else:
            if getattr(self, "joined", None) is None:
                self.joined = torch.cat([self.w_gate.weight, self.w_up.weight])
            both = self.joined
        gate, up = F.linear(x, both).chunk(2, dim=-1)
        return self.w_down(F.silu(gate) * up)


# %% wrong: axis_added_in_place
# "A function of yours leaves what it is given as it was"
# x of (d_model): the result is right, but afterwards the caller's x has the shape (1, d_model)
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        alone = x.dim() == 1
        if alone:
            x.unsqueeze_(0)
        hidden = F.silu(x @ self.w_gate.weight.T) * (x @ self.w_up.weight.T)
        y = hidden @ self.w_down.weight.T
        return y.squeeze(0) if alone else y


# %% wrong: gate_in_float32
# "Shapes: x (..., d_model) -> (..., d_model)."
# a module and an x in bfloat16: the product is float32, and w_down raises RuntimeError
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate = F.silu(self.w_gate(x).float())  # exp is better done in 32 bits
        return self.w_down((gate * self.w_up(x)))


# %% wrong: long_texts_in_pieces
# "Shapes: x (..., d_model) -> (..., d_model)."
# x of (2, 1025), two vectors without a batch, and d_model = 1025: axis 1 is not the text but the vector, and the pieces of 1024 numbers fit no matrix (RuntimeError)
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 1:
            return self.w_down(F.silu(self.w_gate(x)) * self.w_up(x))
        pieces = []
        for piece in x.split(1024, dim=1):  # the hidden numbers of a long text would take too much memory
            pieces.append(self.w_down(F.silu(self.w_gate(piece)) * self.w_up(piece)))
        return torch.cat(pieces, dim=1)


# %% right: glu
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z, up = F.linear(x, torch.cat([self.w_gate.weight, self.w_up.weight])).tensor_split(2, dim=-1)
        return F.linear(up.mul(F.glu(torch.cat([z, z], dim=-1), dim=-1)), self.w_down.weight)


# %% right: log_sigmoid_by_einsum
class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        z = torch.einsum("...c,hc->...h", x, self.w_gate.weight)
        up = torch.einsum("...c,hc->...h", x, self.w_up.weight)
        silu = z * F.logsigmoid(z).exp()
        return torch.einsum("...h,...h,ch->...c", silu, up, self.w_down.weight)
