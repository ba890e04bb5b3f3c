# %% wrong: keeps_without_a_gradient
# "h_t = (1 - z) \odot n + z \odot h_{t-1}"
# The old state that is kept is detached: right numbers, but no gradient goes the direct way back.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h.detach()


# %% wrong: gates_without_a_past
# "A gradient reaches x, the old state and all weights."
# Where the gates see the old state it is detached.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h.detach(), self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% right: pytorchs_own_function
# The kernel behind nn.GRUCell, with these weights.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = torch.zeros(len(x), self.hidden_size, dtype=x.dtype, device=x.device) if state is None else state
        return torch.gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


# %% right: unit_by_unit
# A loop over the units, each with its three rows of weights, in 64 bits; the mixture as candidate plus a part of the way.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        n = self.hidden_size
        old = torch.zeros(x.shape[0], n, dtype=torch.float64, device=x.device) if state is None else state.double()
        w_x, w_h, b_x, b_h = (w.double() for w in (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh))
        units = []
        for j in range(n):
            from_x = [x.double().mv(w_x[row]) + b_x[row] for row in (j, n + j, 2 * n + j)]
            from_h = [old.mv(w_h[row]) + b_h[row] for row in (j, n + j, 2 * n + j)]
            r = 1 / (1 + torch.exp(-(from_x[0] + from_h[0])))
            z = 1 / (1 + torch.exp(-(from_x[1] + from_h[1])))
            candidate = torch.tanh(from_x[2] + r * from_h[2])
            units.append(candidate + z * (old[:, j] - candidate))
        return torch.stack(units, dim=1).to(x.dtype)


# %% wrong: in_place_without_gradients
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Without gradients it updates the given state in place, to save memory.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)

        if not torch.is_grad_enabled():
            return h.mul_(z).add_((1 - z) * n)
        return (1 - z) * n + z * h


# %% wrong: one_buffer_for_all_results
# "-> (B, d_state) [the next state, next to the old one]"
# Without gradients it writes each result into the same buffer: the result of the call before is overwritten.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)

        if torch.is_grad_enabled():
            return (1 - z) * n + z * h
        if getattr(self, "buffer", None) is None or self.buffer.shape != h.shape or self.buffer.dtype != h.dtype:
            self.buffer = torch.empty_like(h)
        return torch.add((1 - z) * n, z * h, out=self.buffer)


# %% wrong: reset_gate_without_gradient
# "A gradient reaches x, the old state and all weights."
# Treats the reset gate as a constant: its rows of every weight get no gradient.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)

        r, z = torch.sigmoid(r_x + r_h).detach(), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (1 - z) * n + z * h


# %% wrong: kept_state_without_gradient
# "A gradient reaches x, the old state and all weights."
# The kept part z * h is detached in h: the old state has a gradient, but only through the gates.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (1 - z) * n + z * h.detach()


# %% wrong: zeros_kept_from_the_first_batch
# "None for zeros [(B, d_state)]"
# Keeps the zeros of the first batch for later: another batch size fails or is broadcast.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        if state is None:
            if getattr(self, "zeros", None) is None:
                self.zeros = x.new_zeros(x.size(0), self.hidden_size)
            state = self.zeros
        h = state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (1 - z) * n + z * h


# %% wrong: candidate_from_exponentials
# "n = tanh(n^x + r * n^h)"
# Writes the tanh as (e^2a - 1) / (e^2a + 1): NaN where a is beyond 44.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)

        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        e = torch.exp(2 * (n_x + r * n_h))
        n = (e - 1) / (e + 1)
        return (1 - z) * n + z * h


# %% right: interpolation
# torch.lerp between candidate and state, gates in one sigmoid.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state

        d = self.hidden_size
        from_x = torch.addmm(self.bias_ih, x, self.weight_ih.t())
        from_h = torch.addmm(self.bias_hh, h, self.weight_hh.t())
        gates = (from_x[:, : 2 * d] + from_h[:, : 2 * d]).sigmoid()
        n = from_x[:, 2 * d :].addcmul(gates[:, :d], from_h[:, 2 * d :]).tanh()
        return torch.lerp(n, h, gates[:, d:])


# %% right: text_by_text_in_double
# One text after the other, in double precision, cast back at the end.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state

        w_ih, w_hh, b_ih, b_hh = (w.double() for w in (self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh))
        rows = []
        for x_b, h_b in zip(x.double(), h.double()):
            r_x, z_x, n_x = (w_ih @ x_b + b_ih).view(3, -1)
            r_h, z_h, n_h = (w_hh @ h_b + b_hh).view(3, -1)
            keep = (z_x + z_h).sigmoid()
            n = (n_x + (r_x + r_h).sigmoid() * n_h).tanh()
            rows.append(n + keep * (h_b - n))
        return torch.stack(rows).to(x.dtype)


# %% wrong: sigmoid_by_exp
# "A gradient ... is finite however large the gates' numbers"
# Spells the sigmoid out, 1 / (1 + exp(-z)): right numbers, and a gradient of nan far below zero.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        sigmoid = lambda s: s.neg().exp().add(1).reciprocal()
        r, z = sigmoid(rx + rh), sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: where_does_not_help
# "A gradient ... is finite however large the gates' numbers"
# A sigmoid by cases with torch.where, whose branch that is not taken still gives a gradient of nan.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        sigmoid = lambda s: torch.where(s >= 0, 1 / (1 + torch.exp(-s)), torch.exp(s) / (1 + torch.exp(s)))
        r, z = sigmoid(rx + rh), sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: state_in_place
# "A function of yours leaves what it is given as it was"
# Where no gradient is wanted it moves the given state itself towards the candidate.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        if torch.is_grad_enabled():
            return torch.lerp(n, h, z)
        return h.lerp_(n, 1 - z)


# %% wrong: no_gradient_in_evaluation
# "A gradient reaches x, the old state and all weights, in evaluation mode too"
# In evaluation mode it cuts the old state off.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        if not self.training:
            h = h.detach()
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: gate_pays_no_gradient
# "A gradient reaches x, the old state and all weights"
# Takes the old state of the mixture without its history, so that the gradient goes through the gates alone.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h.detach()


# %% wrong: transposed_once
# "It is made with the weights as they are at the call."
# Keeps contiguous transposes of the weights from the first call without gradients on.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        if torch.is_grad_enabled():
            w_x, w_h = self.weight_ih.T, self.weight_hh.T
        else:
            if not hasattr(self, "turned"):
                self.turned = (self.weight_ih.T.contiguous(), self.weight_hh.T.contiguous())
            w_x, w_h = self.turned
        rx, zx, nx = (x @ w_x + self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = (h @ w_h + self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: float32_result
# "The result is of the type of x."
# Gates and mixture in float32, and so is what comes back.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid((rx + rh).float()), torch.sigmoid((zx + zh).float())
        n = torch.tanh(nx.float() + r * nh.float())
        return (1 - z) * n + z * h.float()


# %% right: pytorch_kernel
# Calls PyTorch's own kernel.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        return torch.gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


# %% right: lerp_of_slices
# Slices of the weights, block by block, and torch.lerp from the candidate to the old state.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        d = self.hidden_size
        from_x = [x @ self.weight_ih[k : k + d].T + self.bias_ih[k : k + d] for k in (0, d, 2 * d)]
        from_h = [h @ self.weight_hh[k : k + d].T + self.bias_hh[k : k + d] for k in (0, d, 2 * d)]
        r, keep = (torch.sigmoid(a + b) for a, b in zip(from_x[:2], from_h[:2]))
        return torch.lerp(torch.tanh(torch.addcmul(from_x[2], r, from_h[2])), h, keep)


# %% right: wider_inside
# Computes in float64 and casts back at the end.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        wide = [part.double() for part in (x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)]
        rx, zx, nx = torch.addmm(wide[4], wide[0], wide[2].T).chunk(3, dim=1)
        rh, zh, nh = torch.addmm(wide[5], wide[1], wide[3].T).chunk(3, dim=1)
        z = torch.sigmoid(zx + zh)
        n = torch.tanh(nx + torch.sigmoid(rx + rh) * nh)
        return (n + z * (wide[1] - n)).to(x.dtype)


# %% wrong: weights_constant_in_evaluation
# "A gradient reaches x, the old state and all weights, in evaluation mode too"
# cell.eval(), then backward: x and the state get their gradients, the weights get none
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        weights = self.weight_ih, self.bias_ih, self.weight_hh, self.bias_hh
        if not self.training:  # nothing is learned now
            weights = [weight.detach() for weight in weights]
        rx, zx, nx = F.linear(x, *weights[:2]).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, *weights[2:]).chunk(3, dim=-1)
        z = torch.sigmoid(zx + zh)
        n = torch.tanh(nx + torch.sigmoid(rx + rh) * nh)
        return (1 - z) * n + z * h


# %% wrong: joined_weights_by_version
# "It is made with the weights as they are at the call."
# a call, then cell.weight_hh.data.mul_(2) (which counts no version), then a call: r and z use the old weights
import weakref

_joined = weakref.WeakKeyDictionary()


class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def _gate_weights(self):
        """The weights of both gates for [x, h], joined again only when one of them has changed."""
        parts = self.weight_ih, self.weight_hh
        key = [(id(w), w._version, w.dtype, w.requires_grad) for w in parts] + [torch.is_grad_enabled()]
        if self not in _joined or _joined[self][0] != key:
            _joined[self] = key, torch.cat([w[: 2 * self.hidden_size] for w in parts], dim=1)
        return _joined[self][1]

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        d = self.hidden_size
        gates = F.linear(torch.cat((x, h), dim=1), self._gate_weights()) + self.bias_ih[: 2 * d] + self.bias_hh[: 2 * d]
        r, z = torch.sigmoid(gates).chunk(2, dim=-1)
        nx = F.linear(x, self.weight_ih[2 * d :], self.bias_ih[2 * d :])
        nh = F.linear(h, self.weight_hh[2 * d :], self.bias_hh[2 * d :])
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: reset_by_division
# "A gradient reaches x, the old state and all weights, in evaluation mode too, and is finite however large the gates' numbers."
# bias_ih of the reset gate at -100 in float32: the state is right, the gradients are nan
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        n = torch.tanh(nx + nh / (1 + torch.exp(-(rx + rh))))  # the reset gate, spelt out
        return torch.lerp(n, h, torch.sigmoid(zx + zh))


# %% wrong: gates_in_float32
# "The result is of the type of x."
# the cell, x and the state in bfloat16: the result is float32
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        at_least = torch.promote_types(x.dtype, torch.float32)  # 1 - z in eight bits would be too coarse
        r, z = torch.sigmoid((rx + rh).to(at_least)), torch.sigmoid((zx + zh).to(at_least))
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: one_place_for_the_result
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# under torch.no_grad(), h1 = cell(x, h0), h2 = cell(x, h1): h1, which was given, holds the numbers of h2
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        z = torch.sigmoid(zx + zh)
        n = torch.tanh(nx + torch.sigmoid(rx + rh) * nh)
        if torch.is_grad_enabled():
            return torch.lerp(n, h, z)
        place = self.__dict__.get("_place")
        if place is None or place.shape != n.shape or place.dtype != n.dtype:
            place = self.__dict__["_place"] = torch.empty_like(n)
        return torch.lerp(n, h, z, out=place)


# %% right: pytorch_fused_cell
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        return torch.gru_cell(x, h, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


# %% right: softmax_of_two
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        d = self.hidden_size
        from_x = torch.einsum("bk,gdk->gbd", x, self.weight_ih.view(3, d, -1)) + self.bias_ih.view(3, 1, d)
        from_h = torch.einsum("bk,gdk->gbd", h, self.weight_hh.view(3, d, d)) + self.bias_hh.view(3, 1, d)
        both = from_x[:2] + from_h[:2]
        r_and_z = torch.stack((both, torch.zeros_like(both))).softmax(dim=0)  # [the gate, one minus the gate]
        candidate = torch.tanh(from_x[2] + r_and_z[0, 0] * from_h[2])
        return (r_and_z[:, 1] * torch.stack((h, candidate))).sum(dim=0)
