# %% wrong: writes_into_the_old_state
# "One step of the simple recurrent network: the new state from the input and the state before it."
# The new state is copied into h as well, so the state before it, which the caller may still need, is lost.
def rnn_step(x, h, w_input, w_state, b):
    new = torch.tanh(x @ w_input + h @ w_state + b)
    h.data.copy_(new)
    return new


# %% wrong: forgets_where_the_state_came_from
# "what I know now is made of what I knew and of what I have"
# The old state is detached: right numbers, but no gradient reaches it.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h.detach() @ w_state + b)


# %% wrong: tanh_by_its_exponentials
# "The tanh keeps every number between -1 and 1."
# tanh is written as (e^a - e^-a) / (e^a + e^-a), which overflows to nan for large sums.
def rnn_step(x, h, w_input, w_state, b):
    up, down = torch.exp(x @ w_input + h @ w_state + b), torch.exp(-(x @ w_input + h @ w_state + b))
    return (up - down) / (up + down)


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


# %% wrong: bias_outside
# "one `torch.tanh` around all of it"
# The bias is added after the tanh; with a bias of zero, as in the miniature, nothing shows.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h @ w_state) + b


# %% wrong: a_bias_for_each_product
# "Two matrix products with `@`, one bias"
# Input and state get the bias each, as if it were PyTorch's two.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh((x @ w_input + b) + (h @ w_state + b))


# %% wrong: weights_the_other_way_round
# "`h @ w_state` has the shape of the new"
# F.linear is used for the state, which transposes the square matrix; a symmetric one does not show it.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + F.linear(h, w_state, b))


# %% wrong: all_texts_share_a_state
# "A batch of $B$ texts, each with its own state"
# The state of the first text is used for all: right for one text, or where all begin with the same state.
def rnn_step(x, h, w_input, w_state, b):
    return torch.tanh(x @ w_input + h[:1] @ w_state + b)


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
