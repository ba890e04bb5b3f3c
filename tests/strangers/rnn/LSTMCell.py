# %% wrong: shows_the_old_memory
# "The new `h` uses the *new* `c`."
# h is made of the memory before this step.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        return h, new_c


# %% wrong: memory_without_a_past
# "is a second, inner state that is *added to*"
# The old memory is detached: right numbers, but no gradient travels back along the memory.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c.detach() + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: a_list_of_two
# "forward(x, state=None) -> (h, c)"
# h and c come back in a list, which can be unpacked like a tuple, but is none for those that ask.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return [torch.sigmoid(o) * torch.tanh(c), c]


# %% wrong: writes_into_the_old_memory
# "-> the next (h, c)"
# The new memory is copied into the old one as well, so the state that the caller passed is another one afterwards.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        new_c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        c.data.copy_(new_c)
        return torch.sigmoid(o) * torch.tanh(new_c), new_c


# %% wrong: one_bias_will_do
# "b_\text{ih} + h_{t-1}\, W_\text{hh}^\top + b_\text{hh}"
# bias_hh is left out, since one bias would do; it is zero in the miniature.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: goes_on_from_the_last_call
# "None for zeros"
# Without a state it goes on from where the last call ended, if the batch is as large; the first call is right.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        if state is None:
            state = getattr(self, "last", None)
        if state is None or state[0].size(0) != x.size(0):
            state = 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        h, c = state
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        self.last = (h.detach(), c.detach())
        return h, c


# %% wrong: memory_clipped_at_three
# "c_t = f \odot c_{t-1} + i \odot g, \qquad h_t = o \odot \tanh(c_t)"
# The memory is clipped to the range from -3 to 3, where the tanh is almost flat, against explosions.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = (torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)).clamp(-3.0, 3.0)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: gates_unit_by_unit
# "each a stack of four blocks of d_state rows: input gate, forget gate, candidate, output gate."
# The rows are read as four for each unit, not as four blocks; with one unit that is the same.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.unflatten(-1, (self.hidden_size, 4)).unbind(dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: forget_gate_opened_by_one
# "f = \sigma(\hat f)"
# A 1 is added inside the forget gate, as TensorFlow's old cell does, so that it stands open at first.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f + 1.0) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% right: pytorchs_own_function
# The kernel behind nn.LSTMCell, with these weights; two separate tensors of zeros stand in for a missing state.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        if state is None:
            state = tuple(torch.zeros(x.shape[0], self.hidden_size, dtype=x.dtype, device=x.device) for _ in "hc")
        h, c = torch.lstm_cell(x, list(state), self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return h, c


# %% right: a_matrix_for_each_gate
# Each gate has its own block of rows, cut out by number; in 64 bits, the sigmoid by the tanh of the half.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        n = self.hidden_size
        h, c = (torch.zeros_like(x[:, :1]).repeat(1, n),) * 2 if state is None else state
        before = []
        for block in range(4):
            rows = slice(block * n, (block + 1) * n)
            bias = self.bias_ih[rows].double() + self.bias_hh[rows].double()
            part = torch.einsum("bi,ji->bj", x.double(), self.weight_ih[rows].double())
            before.append(part + torch.einsum("bi,ji->bj", h.double(), self.weight_hh[rows].double()) + bias)
        gate = lambda a: 0.5 + 0.5 * torch.tanh(a / 2)
        c = gate(before[1]) * c.double() + gate(before[0]) * torch.tanh(before[2])
        return (gate(before[3]) * torch.tanh(c)).to(x.dtype), c.to(x.dtype)
