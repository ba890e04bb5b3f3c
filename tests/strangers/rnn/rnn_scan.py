# %% wrong: makes_zeros_of_none
# "a state of None goes to the cell as it is"
# A missing state is replaced by zeros of the input's shape before the cell sees it.
def rnn_scan(cell, x, state=None):
    if state is None:
        state = torch.zeros_like(x[:, 0])
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(hs, dim=1), state


# %% wrong: a_tuple_is_a_pair
# "`cell(x_t, state)` gives the next state, which is h or a tuple that begins with h"
# A tuple is unpacked into h and c, so one with another number of parts raises an error.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        if isinstance(state, tuple):
            h, c = state
        else:
            h = state
        hs.append(h)
    return torch.stack(hs, dim=1), state


# %% wrong: told_apart_by_length
# "For a simple cell the state is one tensor"
# What has the length 2 is taken for a pair, and so a tensor of two texts gives its first row only.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if len(state) == 2 else state)
    return torch.stack(hs, dim=1), state


# %% wrong: asks_the_cell_once_more
# "s_t = \mathrm{cell}(x_t, s_{t-1}), \qquad t = 1, \dots, T"
# The width of the state is found out by running the cell on the first word, so it is called T + 1 times.
def rnn_scan(cell, x, state=None):
    first = cell(x[:, 0], state)
    h = first[0] if isinstance(first, tuple) else first
    out = h.new_zeros(x.size(0), x.size(1), h.size(-1))
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        out[:, t] = state[0] if isinstance(state, tuple) else state
    return out, state


# %% wrong: as_wide_as_the_input
# "Shapes: x (B, T, d_input), T >= 1 -> h at all positions (B, T, d_state), state."
# What is returned is filled into a tensor of the input's shape: right only where d_state = d_input.
def rnn_scan(cell, x, state=None):
    out = torch.zeros_like(x)
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        out[:, t] = state[0] if isinstance(state, tuple) else state
    return out, state


# %% wrong: positions_and_texts_mixed
# "`torch.stack` takes the axis along which positions go"
# Stacked along the first axis and reshaped, which mixes texts with positions; right for one text or one position.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(hs).reshape(x.size(0), x.size(1), -1), state


# %% wrong: cut_off_at_every_step
# "Read a text from the first position to the last, handing the state from each position to the next."
# Each state is handed on detached: right numbers, but a gradient goes back one step only.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
        last = state
        state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
    return torch.stack(hs, dim=1), last


# %% wrong: gives_back_h_alone
# "and the whole state after the last one"
# Of a tuple only h is returned as the last state; for a simple cell it is right.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(hs, dim=1), hs[-1]


# %% wrong: no_state_no_argument
# "it knows what to do with a"
# Without a state the cell is called with the input alone, which only cells with a default understand.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t) if state is None else cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(hs, dim=1), state


# %% right: accumulated
# itertools.accumulate walks along the positions, each state in a box of one, and the h are joined by cat.
def rnn_scan(cell, x, state=None):
    from itertools import accumulate

    boxes = accumulate(x.transpose(0, 1), lambda box, x_t: [cell(x_t, box[0])], initial=[state])
    states = [box[0] for box in boxes][1:]
    shown = [(s if torch.is_tensor(s) else s[0])[:, None] for s in states]
    return torch.cat(shown, 1), states[-1]


# %% right: halves
# The text is cut in the middle, the state goes from the first half to the second, down to single words.
def rnn_scan(cell, x, state=None):
    length = x.shape[1]
    if length == 1:
        state = cell(x[:, 0, :], state)
        h = state[0] if isinstance(state, tuple) else state
        return h.unsqueeze(1), state
    left, state = rnn_scan(cell, x.narrow(1, 0, length // 2), state)
    right, state = rnn_scan(cell, x.narrow(1, length // 2, length - length // 2), state)
    return torch.cat([left, right], dim=1), state
