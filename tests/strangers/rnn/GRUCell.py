# %% wrong: bias_beside_the_reset_gate
# "the candidate *after* the weights and bias_hh, as in PyTorch"
# The reset gate multiplies what the weights give, and bias_hh is added after it; with a bias of zero it is the same.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih + self.bias_hh).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: reset_before_the_weights
# "Here, as in PyTorch, after the weights and"
# The reset gate multiplies the state before the weights, as in the paper.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        w, b = self.weight_hh.chunk(3)[2], self.bias_hh.chunk(3)[2]
        n = torch.tanh(nx + F.linear(r * h, w, b))
        return (1 - z) * n + z * h


# %% wrong: no_state_no_state_weights
# "Shapes: x (B, d_input), state (B, d_state), None for zeros -> (B, d_state)."
# Without a state the part of the state is left out, and with it bias_hh, which zeros would have given.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        if state is None:
            return (1 - torch.sigmoid(zx)) * torch.tanh(nx)
        rh, zh, nh = F.linear(state, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * state


# %% wrong: writes_into_the_old_state
# "One step of a gated recurrent unit: the next state is a mixture of the old one and a candidate."
# The mixture is copied into the caller's tensor as well, so the old state is gone after the call.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        new = (1 - z) * n + z * h
        h.data.copy_(new)
        return new


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


# %% wrong: kept_between_minus_one_and_one
# "The update gate z says how much of the old state is kept."
# The new state is clamped to -1 to 1, where a state that began at zero always is, and one that was given need not be.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return ((1 - z) * n + z * h).clamp(-1.0, 1.0)


# %% wrong: gates_unit_by_unit
# "each a stack of three blocks of d_state rows: reset gate, update gate, candidate."
# The rows are read as three for each unit; with one unit, as in the miniature, it is the same.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).unflatten(-1, (-1, 3)).unbind(dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).unflatten(-1, (-1, 3)).unbind(dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return (1 - z) * n + z * h


# %% wrong: a_state_twice
# "forward(x, state=None) -> h "
# The state is returned as a pair of output and state, as layers do, so that a scan still works.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        h = (1 - z) * n + z * h
        return h, h


# %% wrong: the_gate_that_writes
# "Here $z$ is what is *kept*, as in the paper and in PyTorch"
# z is how much of the candidate is written, 1 - z what is kept.
class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        rx, zx, nx = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)
        rh, zh, nh = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(rx + rh), torch.sigmoid(zx + zh)
        n = torch.tanh(nx + r * nh)
        return torch.lerp(h, n, z)


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
