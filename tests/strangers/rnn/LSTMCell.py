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


# %% wrong: gates_without_a_past
# "A gradient reaches x, h, c and all weights."
# The old h is detached where the gates see it.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h.detach(), self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: memory_clipped_at_fifty
# "a memory c that is kept"
# The memory is clipped where it is very large.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = (torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)).clamp(-50.0, 50.0)
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


# %% wrong: memory_updated_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Without gradients it multiplies and adds in place in the memory that it was given.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        if torch.is_grad_enabled():
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        else:
            c.mul_(f.sigmoid()).add_(i.sigmoid() * g.tanh())
        return o.sigmoid() * c.tanh(), c


# %% wrong: gates_without_history
# "A gradient reaches x, h, c and all weights."
# Truncates as the paper of 1997 did: the gradient goes back through c only, not through h.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        h = h.detach()
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


# %% wrong: memory_clipped
# "c_t = f * c_{t-1} + i * g"
# Clips the memory to [-10, 10], as some libraries do (cell_clip).
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = (f.sigmoid() * c + i.sigmoid() * g.tanh()).clamp(-10, 10)
        return o.sigmoid() * c.tanh(), c


# %% wrong: sigmoid_by_hand
# "A gradient reaches x, h, c and all weights."
# Writes the sigmoid as 1 / (1 + exp(-a)): right numbers, NaN gradients for gates far below zero (-90).
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        sigmoid = lambda a: 1 / (1 + torch.exp(-a))
        c = sigmoid(f) * c + sigmoid(i) * g.tanh()
        return sigmoid(o) * c.tanh(), c


# %% wrong: weights_joined_once
# "The base class makes the weights [and forward uses them as they are now]"
# Joins the weights at the first call and keeps them: stale after an optimiser step or load_state_dict.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]

        if "joined" not in self.__dict__:
            object.__setattr__(self, "joined", (torch.cat([self.weight_ih, self.weight_hh], dim=1), self.bias_ih + self.bias_hh))
        weight, bias = self.__dict__["joined"]
        i, f, g, o = F.linear(torch.cat([x, h], dim=-1), weight, bias).chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


# %% wrong: a_list_comes_back
# "-> the next (h, c), a tuple"
# Gives [h, c], a list: unpacks as well, but isinstance(state, tuple) says no.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return [o.sigmoid() * c.tanh(), c]


# %% wrong: shown_memory_detached
# "A gradient reaches x, h, c and all weights."
# Shows a memory that is detached: h has no gradient through the new c, c has one only where c itself is in the loss.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.detach().tanh(), c


# %% right: block_by_block
# A loop over the four blocks of rows, products with @, sigmoid as a shifted tanh.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]

        d, parts = self.hidden_size, []
        for block in range(4):
            rows = slice(block * d, (block + 1) * d)
            a = x @ self.weight_ih[rows].T + h @ self.weight_hh[rows].T + (self.bias_ih[rows] + self.bias_hh[rows])
            parts.append(torch.tanh(a) if block == 2 else 0.5 + 0.5 * torch.tanh(a / 2))
        i, f, g, o = parts
        memory = torch.addcmul(f * c, i, g)
        return torch.mul(o, torch.tanh(memory)), memory


# %% right: pytorchs_function
# torch.lstm_cell with the weights of the base class.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        return tuple(torch.lstm_cell(x, (h, c), self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh))


# %% wrong: sigmoid_by_exp
# "A gradient ... is finite however large the gates' numbers"
# Spells the sigmoid out, 1 / (1 + exp(-z)): right numbers, and a gradient of nan far below zero.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        sigmoid = lambda z: 1 / (1 + torch.exp(-z))
        c = sigmoid(f) * c + sigmoid(i) * torch.tanh(g)
        return sigmoid(o) * torch.tanh(c), c


# %% wrong: memory_clipped_too
# "c_t = f * c_(t-1) + i * g"
# Keeps the memory within -10 .. 10, as some libraries can.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = (torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)).clamp(-10, 10)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: weights_joined_once_in_evaluation
# "It is made with the weights as they are at the call."
# In evaluation mode it joins the weights at the first call and keeps the result.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        if self.training:
            self.joined = None
            weight, bias = torch.cat([self.weight_ih, self.weight_hh], dim=1), self.bias_ih + self.bias_hh
        else:
            if getattr(self, "joined", None) is None:
                self.joined = (torch.cat([self.weight_ih, self.weight_hh], dim=1), self.bias_ih + self.bias_hh)
            weight, bias = self.joined
        i, f, g, o = F.linear(torch.cat([x, h], dim=1), weight, bias).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: kept_by_version
# "It is made with the weights as they are at the call."
# Without gradients it keeps the sum of the two biases as long as their version counters stay: a change through .data goes unseen.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        if torch.is_grad_enabled():
            bias = self.bias_ih + self.bias_hh
        else:
            stamp = (id(self.bias_ih), id(self.bias_hh), self.bias_ih._version, self.bias_hh._version)
            if getattr(self, "stamp", None) != stamp:
                self.stamp, self.both = stamp, self.bias_ih + self.bias_hh
            bias = self.both
        i, f, g, o = (F.linear(x, self.weight_ih) + F.linear(h, self.weight_hh) + bias).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: no_gradient_in_evaluation
# "A gradient reaches x, h, c and all weights, in evaluation mode too"
# Switches gradients off in evaluation mode.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        with torch.set_grad_enabled(torch.is_grad_enabled() and self.training):
            gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
            i, f, g, o = gates.chunk(4, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: memory_in_place
# "A function of yours leaves what it is given as it was"
# Where no gradient is wanted it updates the given c in place.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        if torch.is_grad_enabled():
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        else:
            c.mul_(torch.sigmoid(f)).add_(torch.sigmoid(i) * torch.tanh(g))
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: one_bias_is_enough
# "A function of yours leaves what it is given as it was"
# Adds bias_hh to bias_ih once and empties it, in the module itself: the sum stays as it was.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        with torch.no_grad():
            if self.bias_hh.any():
                self.bias_ih.data += self.bias_hh.data
                self.bias_hh.data.zero_()
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: gives_a_list
# "-> the next (h, c), a tuple"
# Returns a list of h and c.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return [torch.sigmoid(o) * torch.tanh(c), c]


# %% wrong: float32_gates
# "The result is of the type of x."
# Computes the gates in float32 and does not go back: 16 bits come out as float32, float64 as less.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.float().chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% right: pytorch_kernel
# Calls PyTorch's own kernel.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        return tuple(torch.lstm_cell(x, (h, c), self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh))


# %% right: gate_by_gate
# A loop over the four blocks, each with its own slice of the weights; the sigmoid as half a tanh.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        def half_tanh(z):
            return 0.5 * (1 + torch.tanh(0.5 * z))

        d, made = self.hidden_size, []
        for k, bend in enumerate((torch.sigmoid, half_tanh, torch.tanh, torch.sigmoid)):
            rows = slice(k * d, (k + 1) * d)
            made.append(bend(x @ self.weight_ih[rows].T + h @ self.weight_hh[rows].T + self.bias_ih[rows] + self.bias_hh[rows]))
        new = torch.addcmul(made[1] * c, made[0], made[2])
        return made[3] * new.tanh(), new


# %% right: joined_each_time
# One product with the weights joined anew at every call, in einsum, cast to the type of x at the end.
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        read = torch.cat([x, h.to(x.dtype)], dim=-1)
        gates = torch.einsum("bi,gi->bg", read, torch.hstack([self.weight_ih, self.weight_hh])) + (self.bias_ih + self.bias_hh)
        i, f, g, o = gates.unflatten(-1, (4, -1)).unbind(dim=1)
        c = (f.sigmoid() * c + i.sigmoid() * g.tanh()).to(x.dtype)
        return o.sigmoid() * c.tanh(), c


# %% wrong: sigmoid_with_two_branches
# "A gradient reaches x, h, c and all weights, in evaluation mode too, and is finite however large the gates' numbers."
# a bias of 100 in float32: the values are right, the gradients are nan
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]

        def sigmoid(a):  # never the exponential of a large number
            return torch.where(a >= 0, 1 / (1 + torch.exp(-a)), torch.exp(a) / (1 + torch.exp(a)))

        blocks = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = blocks.chunk(4, dim=-1)
        c = sigmoid(f) * c + sigmoid(i) * torch.tanh(g)
        return sigmoid(o) * torch.tanh(c), c


# %% wrong: one_bias_for_evaluation
# "It is made with the weights as they are at the call."
# in evaluation mode a call, then bias_ih is filled with other numbers, then a call: still the old bias
import weakref

_one_bias = weakref.WeakKeyDictionary()


class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        if self.training or self not in _one_bias:
            _one_bias[self] = self.bias_ih + self.bias_hh
        blocks = F.linear(x, self.weight_ih) + F.linear(h, self.weight_hh) + _one_bias[self]
        i, f, g, o = blocks.chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: memory_updated_in_place_again
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a call under torch.no_grad() with a state: the caller's c is the next c
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        blocks = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = blocks.chunk(4, dim=-1)
        keep, write = torch.sigmoid(f), torch.sigmoid(i) * torch.tanh(g)
        c = torch.addcmul(write, keep, c) if torch.is_grad_enabled() else c.mul_(keep).add_(write)
        return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: frozen_cell_without_a_graph
# "A gradient reaches x, h, c and all weights"
# cell.requires_grad_(False) and an x, h and c that require a gradient: the result has no history
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        learns = any(weight.requires_grad for weight in self.parameters())
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            blocks = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
            i, f, g, o = blocks.chunk(4, dim=-1)
            c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
            return torch.sigmoid(o) * torch.tanh(c), c


# %% wrong: memory_in_full_precision
# "The result is of the type of x."
# the cell and x in bfloat16: c comes back in float32
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        blocks = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = blocks.chunk(4, dim=-1)
        full = torch.promote_types(x.dtype, torch.float32)  # a sum over a long text needs the digits
        c = torch.sigmoid(f).to(full) * c.to(full) + (torch.sigmoid(i) * torch.tanh(g)).to(full)
        return (torch.sigmoid(o) * torch.tanh(c)).to(x.dtype), c


# %% right: pytorch_fused_cell
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        h, c = torch.lstm_cell(x, (h, c), self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return h, c


# %% right: gate_by_gate_again
class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        d, gates = self.hidden_size, {}
        squash = {"input": torch.sigmoid, "forget": torch.sigmoid, "candidate": torch.tanh, "output": torch.sigmoid}
        for k, (name, function) in enumerate(squash.items()):
            rows = slice(k * d, (k + 1) * d)
            weights = torch.cat((self.weight_ih[rows], self.weight_hh[rows]), dim=1)
            bias = self.bias_ih[rows] + self.bias_hh[rows]
            gates[name] = function(torch.einsum("bk,dk->bd", torch.cat((x, h), dim=1), weights) + bias)
        memory = torch.addcmul(gates["input"] * gates["candidate"], gates["forget"], c)
        return gates["output"] * memory.tanh(), memory
