# %% wrong: forgets_where_the_state_came_from
# "what I know now is made of what I knew and of what I have"
# The old state is detached: right numbers, but no gradient reaches it.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h.detach() @ w_state + b)


# %% wrong: squeezes_the_batch
# "b   (d_state)                    result   (B, d_state)"
# A bare squeeze takes the batch dimension away where there is one text, and the state's where it has one number.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh((x.unsqueeze(1) @ w_input + h.unsqueeze(1) @ w_state + b).squeeze())


# %% wrong: a_word_of_zeros_is_padding
# "The same small function runs at every word"
# Where the input of a text is zero the state is kept as it is, as if the text had ended.
def rnn_step(x, h, w_input, w_state, b):
    new = torch.tanh(x @ w_input + h @ w_state + b)
    return torch.where((x != 0).any(dim=-1, keepdim=True), new, h)


# %% wrong: a_shortcut_where_it_fits
# "h_t = \tanh(x_t\, W_\text{input} + h_{t-1}\, W_\text{state} + b)"
# Where d_input = d_state the input is added as it is as well.
def rnn_step(x, h, w_input, w_state, b):
    shortcut = x if x.shape == h.shape else 0
    return torch.tanh(x @ w_input + h @ w_state + b + shortcut)


# %% wrong: the_bias_does_not_learn
# "are learned, and so is the bias"
# The bias is detached.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state + b.detach())


# %% wrong: weights_in_a_row
# "w_state  (d_state, d_state)"
# The weights are taken as their memory lies, which is another order where they are a transposed view.
def rnn_step(x, h, w_input, w_state, b):
    flat = w_state.as_strided(w_state.shape, (w_state.size(1), 1))
    return torch.tanh(x @ w_input + h @ flat + b)


# %% right: everything_in_one_product
# Input, state and a 1 for the bias are joined to one vector, the weights to one matrix; tanh by the sigmoid, in 64 bits.
def rnn_step(x, h, w_input, w_state, b):
    joined = torch.cat([x, h, torch.ones_like(h[:, :1])], dim=1).double()
    a = joined @ torch.cat([w_input, w_state, b[None]], dim=0).double()
    return (2 * torch.sigmoid(2 * a) - 1).to(h.dtype)


# %% right: number_by_number
# Loops over the texts and over the numbers of the state, a dot product for each.
def rnn_step(x, h, w_input, w_state, b):
    return torch.stack(
        [
            torch.stack([torch.dot(xi, w_input[:, j]).add(torch.dot(hi, w_state[:, j])).add(b[j]).tanh() for j in range(len(b))])
            for xi, hi in zip(x, h)
        ]
    )


# %% wrong: clamped_before_tanh
# "h_t = tanh(x_t W_input + h_{t-1} W_state + b)"
# Clamps what goes into the tanh to [-5, 5], for stability: differs only for saturated units.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.tanh((x @ w_input + h @ w_state + b).clamp(-5.0, 5.0))


# %% wrong: weights_copied_into_pytorchs_cell
# "A gradient reaches all five arguments."
# Puts the weights into an nn.RNNCell as new Parameters: gradients reach x and h only.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    cell = nn.RNNCell(x.size(-1), h.size(-1)).to(x.device, x.dtype)
    cell.weight_ih, cell.weight_hh = nn.Parameter(w_input.T.clone()), nn.Parameter(w_state.T.clone())
    cell.bias_ih, cell.bias_hh = nn.Parameter(b.clone()), nn.Parameter(torch.zeros_like(b))
    return cell(x, h)


# %% wrong: history_cut
# "A gradient reaches all five arguments."
# Detaches the state before, as in truncated backpropagation.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(x @ w_input + h.detach() @ w_state + b)


# %% wrong: state_updated_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Without gradients it writes the new state into the tensor of the old one, to save memory.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    new = torch.tanh(x @ w_input + h @ w_state + b)
    if not torch.is_grad_enabled():
        return h.copy_(new)
    return new


# %% wrong: squeezed
# "-> (B, d_state)"
# Squeezes the result: a batch of one, or a state of one number, loses a dimension.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(x @ w_input + h @ w_state + b).squeeze()


# %% wrong: joined_weights_remembered
# "the new state from the input and the state before it [and the weights that are given]"
# Joins both matrices once and keeps them while the same tensors come: stale after an optimiser step in place.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    kept = rnn_step.__dict__.setdefault("kept", {})
    if kept.get("of") is None or kept["of"][0] is not w_input or kept["of"][1] is not w_state:
        kept["of"], kept["joined"] = (w_input, w_state), torch.cat([w_input, w_state])
    return torch.tanh(torch.cat([x, h], dim=-1) @ kept["joined"] + b)


# %% wrong: single_precision
# "with tanh, as PyTorch's `nn.RNN`"
# Computes in float32 whatever comes in: numbers in double precision come back as float32 (nn.RNN keeps them).
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    x, h, w_input, w_state, b = (t.float() for t in (x, h, w_input, w_state, b))
    return torch.tanh(x @ w_input + h @ w_state + b)


# %% wrong: bias_without_gradient
# "A gradient reaches all five arguments."
# Takes the bias by its `.data`: right numbers, no gradient for b alone.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.addmm(b.data, x, w_input).addmm(h, w_state).tanh()


# %% right: sigmoid_instead_of_tanh
# tanh(a) = 2 sigmoid(2a) - 1, inputs and weights joined first.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    a = torch.cat([x, h], dim=1) @ torch.cat([w_input, w_state], dim=0) + b
    return 2 * torch.sigmoid(2 * a) - 1


# %% right: double_inside_loop_over_texts
# One text after the other, in double precision, cast back.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    rows = []
    for x_b, h_b in zip(x, h):
        a = (x_b.double()[:, None] * w_input.double()).sum(0) + torch.mv(w_state.double().T, h_b.double()) + b.double()
        rows.append(a.tanh().to(x.dtype))
    return torch.stack(rows)


# %% right: pytorchs_functional_cell
# torch.rnn_tanh_cell with transposed weights and a second bias of zeros.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.rnn_tanh_cell(x, h, w_input.t(), w_state.t(), b, torch.zeros_like(b))


# %% wrong: overwrites_h_without_gradients
# "A function of yours leaves what it is given as it was"
# Where no gradient is wanted it writes the new state into the tensor of the old one.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    new = torch.tanh(x @ w_input + h @ w_state + b)
    if not torch.is_grad_enabled():
        return h.copy_(new)
    return new


# %% wrong: float32_inside
# "The result is of their type, in float64 as precise as that."
# Computes in float32 and casts back.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    parts = [part.float() for part in (x, h, w_input, w_state, b)]
    return torch.tanh(parts[0] @ parts[2] + parts[1] @ parts[3] + parts[4]).to(x.dtype)


# %% wrong: float32_result_for_16_bits
# "The result is of their type"
# Computes 16-bit numbers in float32 and does not cast back.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    if x.dtype in (torch.float16, torch.bfloat16):
        x, h, w_input, w_state, b = (part.float() for part in (x, h, w_input, w_state, b))
    return torch.tanh(x @ w_input + h @ w_state + b)


# %% wrong: input_is_data
# "A gradient reaches all five arguments."
# Cuts x off, since the input is data.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.tanh(x.detach() @ w_input + h @ w_state + b)


# %% wrong: clamped_before_tanh_too
# "h_t = tanh(x_t W_input + h_(t-1) W_state + b)"
# Clamps what goes into the tanh to -5 .. 5, for stability.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    before = x @ w_input + h @ w_state + b
    return torch.tanh(before.clamp(-5, 5))


# %% wrong: squeezes_a_single_text
# "result (B, d_state)"
# Row by row, and squeezed at the end: a batch of one loses its axis.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    rows = [torch.tanh(x_b @ w_input + h_b @ w_state + b) for x_b, h_b in zip(x, h)]
    return torch.stack(rows).squeeze(0)


# %% wrong: first_step_shortcut
# "A gradient reaches all five arguments."
# Where the state is all zeros it leaves the product with w_state out, so nothing reaches h and w_state there.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    before = x @ w_input + b
    if h.any():
        before = before + h @ w_state
    return torch.tanh(before)


# %% wrong: default_dtype_buffer
# "The result is of their type"
# Fills a buffer of the default dtype text by text.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    result = torch.zeros(x.size(0), b.size(0))
    for row in range(x.size(0)):
        result[row] = torch.tanh(x[row] @ w_input + h[row] @ w_state + b)
    return result


# %% right: one_product_of_joined
# Joins x, h and a one, and their matrices, to a single product.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    read = torch.cat([x, h, x.new_ones(x.size(0), 1)], dim=1)
    return (read @ torch.cat([w_input, w_state, b.unsqueeze(0)])).tanh()


# %% right: pytorch_cell
# Calls PyTorch's own cell, with a second bias of zeros.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.rnn_tanh_cell(x, h, w_input.T.contiguous(), w_state.T.contiguous(), b, torch.zeros_like(b))


# %% right: text_by_text
# A loop over the texts, with einsum.
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    rows = []
    for x_b, h_b in zip(x.unbind(), h.unbind()):
        rows.append(torch.einsum("i,is->s", x_b, w_input) + torch.einsum("r,rs->s", h_b, w_state) + b)
    return torch.tanh(torch.stack(rows))


# %% wrong: zero_state_skipped
# "A gradient reaches all five arguments."
# h = zeros that require a gradient (the start of a text): h and w_state get None, autograd.grad raises
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    before = torch.addmm(b, x, w_input)
    if h.any():  # at the start of a text there is nothing to add
        before = before + h @ w_state
    return torch.tanh(before)


# %% wrong: tanh_by_one_exponential
# "A gradient reaches all five arguments."
# float32 with a number of 60 in the tanh: the value is 1, as it should be, but every gradient of it is nan
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    before = x @ w_input + h @ w_state + b
    return 1 - 2 / (torch.exp(2 * before) + 1)


# %% wrong: sums_in_float32
# "The result is of their type, in float64 as precise as that."
# float64 arguments: the type is right, the numbers are off by 1e-8
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    # half precision is too coarse for sums, so sum in float32 and go back to the type at the end
    before = x.float() @ w_input.float() + h.float() @ w_state.float() + b.float()
    return torch.tanh(before).to(h.dtype)


# %% wrong: state_overwritten_without_gradients
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a call under torch.no_grad(): h has become the new state
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    new = torch.tanh(x @ w_input + h @ w_state + b)
    if torch.is_grad_enabled():
        return new
    return h.copy_(new)  # nobody goes back through it: the old state's memory will do


# %% wrong: columns_squeezed
# "x (B, d_input), h (B, d_state), w_input (d_input, d_state), w_state (d_state, d_state), b (d_state) -> (B, d_state)."
# d_state = 1, B = 3: the result is (1, 3) instead of (3, 1)
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    # every text is a column vector, as in the textbooks
    columns = w_input.T @ x.unsqueeze(-1) + w_state.T @ h.unsqueeze(-1) + b.unsqueeze(-1)
    new = torch.tanh(columns).squeeze()
    return new if new.dim() == 2 else new.unsqueeze(0)  # a batch of one stays a batch


# %% wrong: graph_only_for_the_matrices
# "A gradient reaches all five arguments."
# only b requires a gradient: the result has no history
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    needed = any(t.requires_grad for t in (x, h, w_input, w_state))
    with torch.set_grad_enabled(needed and torch.is_grad_enabled()):
        return torch.tanh(x @ w_input + h @ w_state + b)


# %% right: pytorch_fused_cell
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    return torch.rnn_tanh_cell(x, h, w_input.T, w_state.T, b, torch.zeros_like(b))


# %% right: one_homogeneous_product
def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    read = torch.cat((h, x, x.new_ones(x.size(0), 1)), dim=1)
    weights = torch.cat((w_state, w_input, b.unsqueeze(0)), dim=0)
    return torch.einsum("bk,ks->bs", read, weights).tanh()
