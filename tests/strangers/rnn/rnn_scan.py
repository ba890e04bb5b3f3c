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


# %% wrong: returns_a_detached_state
# "From either a gradient goes back through all positions."
# What is shown has its history, but the state that is returned is cut off.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
    return torch.stack(hs, dim=1), state


# %% wrong: a_list_is_a_pair_too
# "state   whatever the cell takes"
# A state that is a list is made a tuple before the cell sees it.
def rnn_scan(cell, x, state=None):
    state = tuple(state) if isinstance(state, list) else state
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(hs, dim=1), state


# %% wrong: shows_the_last_part
# "a tuple that begins with h"
# Of a tuple the part before the last is shown, which is h in a pair.
def rnn_scan(cell, x, state=None):
    hs = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        hs.append(state[-2:][0] if isinstance(state, tuple) else state)
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


# %% wrong: only_plain_tuples
# "a tuple that begins with h, of any length"
# Asks for the exact type tuple: the h of a named tuple is not found.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        states.append(state[0] if type(state) is tuple else state)
    return torch.stack(states, dim=1), state


# %% wrong: only_pairs_come_back
# "the whole state after the last one"
# Gives back (h, c) of a tuple of any length: what comes after the second is lost at the end.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(states, dim=1), state[:2] if isinstance(state, tuple) else state


# %% wrong: tuple_of_one_is_taken_for_a_tensor
# "the next state, which is h or a tuple that begins with h, of any length"
# Takes a tuple apart only when it has two parts or more.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        states.append(state[0] if isinstance(state, tuple) and len(state) > 1 else state)
    return torch.stack(states, dim=1), state


# %% wrong: one_call_to_learn_the_size
# "It is called once for each position"
# Calls the cell once more at the first position, to learn the width of its state.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    first = cell(x[:, 0], state)
    first = first[0] if isinstance(first, tuple) else first
    h = first.new_empty(x.size(0), x.size(1), first.size(-1))
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        h[:, t] = state[0] if isinstance(state, tuple) else state
    return h, state


# %% wrong: last_state_detached
# "From either a gradient goes back through all positions."
# Detaches the state that it returns, so that the next piece begins without history.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        states.append(state[0] if isinstance(state, tuple) else state)
    last = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
    return torch.stack(states, dim=1), last


# %% wrong: truncated_every_32
# "From either a gradient goes back through all positions."
# Cuts the history off every 32 positions, against exploding gradients: seen only in longer texts.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for t, x_t in enumerate(x.unbind(dim=1)):
        if t and t % 32 == 0:
            state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        state = cell(x_t, state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(states, dim=1), state


# %% wrong: positions_squeezed
# "cell(x_t, state) [with x_t (B, d_input)]"
# Cuts positions with split and squeezes all ones away: wrong x_t for a batch of one or one input number.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    states = []
    for x_t in x.split(1, dim=1):
        state = cell(x_t.squeeze(), state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(states, dim=1), state


# %% wrong: result_in_the_default_dtype
# "What is returned is h at every position"
# Collects h in a tensor of PyTorch's default dtype: states in double precision lose half their digits.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    h = None
    for t, x_t in enumerate(x.unbind(dim=1)):
        state = cell(x_t, state)
        h_t = state[0] if isinstance(state, tuple) else state
        if h is None:
            h = torch.zeros(x.size(0), x.size(1), h_t.size(-1), device=x.device)
        h[:, t] = h_t
    return h, state


# %% right: recursion
# The first position, then the rest by recursion (texts of less than some hundred words).
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    state = cell(x[:, 0], state)
    h = (state[0] if isinstance(state, tuple) else state).unsqueeze(1)
    if x.size(1) == 1:
        return h, state
    rest, state = rnn_scan(cell, x[:, 1:], state)
    return torch.cat([h, rest], dim=1), state


# %% right: accumulate
# itertools.accumulate carries the state; positions are put first and moved back.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    from itertools import accumulate
    states = list(accumulate([state, *x.transpose(0, 1)], lambda s, x_t: cell(x_t, s)))[1:]
    h = torch.stack([s if isinstance(s, Tensor) else next(iter(s)) for s in states])
    return h.movedim(0, 1), states[-1]


# %% wrong: type_is_tuple
# "a tuple that begins with h, of any length; a named tuple is one too"
# Asks whether the type is exactly tuple, so a named tuple is taken for h.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        h = state[0] if type(state) is tuple else state
        seen.append(h)
    return torch.stack(seen, dim=1), state


# %% wrong: named_tuple_made_plain
# "the whole state after the last one, as the cell gave it"
# Gives a plain tuple back where the cell gave a named one.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        if isinstance(state, tuple):
            state = tuple(state)
        seen.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(seen, dim=1), state


# %% wrong: only_pairs
# "a tuple that begins with h, of any length"
# Knows h alone and pairs of h and c: what is behind is lost, and a tuple of one fails.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        if isinstance(state, tuple) and len(state) >= 2:
            h, c = state[:2]
            state = (h, c) if len(state) > 2 else state
        else:
            h = state
        seen.append(h)
    return torch.stack(seen, dim=1), state


# %% wrong: buffer_of_the_type_of_x
# "h at every position, of the type of h"
# Writes h into a buffer of the type of x.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = None
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        h = state[0] if isinstance(state, tuple) else state
        if seen is None:
            seen = x.new_zeros(x.size(0), x.size(1), h.size(-1))
        seen[:, t] = h
    return seen, state


# %% wrong: probe_call_for_the_width
# "It is called once for each position"
# Calls the cell once more before the loop, to learn the width of h.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    probe = cell(x[:, 0], state)
    h = probe[0] if isinstance(probe, tuple) else probe
    seen = h.new_zeros(x.size(0), x.size(1), h.size(-1))
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        seen[:, t] = state[0] if isinstance(state, tuple) else state
    return seen, state


# %% right: recursive
# "From either a gradient goes back through all positions, however many"
# Calls itself for the rest of the text, which ends at Python's limit of about a thousand.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    state = cell(x[:, 0], state)
    h = (state[0] if isinstance(state, tuple) else state).unsqueeze(1)
    if x.size(1) == 1:
        return h, state
    rest, state = rnn_scan(cell, x[:, 1:], state)
    return torch.cat([h, rest], dim=1), state


# %% wrong: last_state_detached_too
# "From either a gradient goes back through all positions"
# Cuts the state that it returns off, h at every position not.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        seen.append(state[0] if isinstance(state, tuple) else state)
    h = torch.stack(seen, dim=1)
    if type(state) is tuple:
        return h, tuple(part.detach() for part in state)
    return h, state.detach() if isinstance(state, Tensor) else state


# %% wrong: cut_after_100_positions
# "From either a gradient goes back through all positions, however many"
# Cuts a plain state off every 100 positions, against long graphs.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for t, x_t in enumerate(x.unbind(dim=1), start=1):
        state = cell(x_t, state)
        seen.append(state[0] if isinstance(state, tuple) else state)
        if t % 100 == 0 and t < x.size(1) and isinstance(state, Tensor):
            state = state.detach()
    return torch.stack(seen, dim=1), state


# %% wrong: kind_of_state_from_the_first
# "gives the next state, which is h or a tuple that begins with h"
# Decides by the given state whether states are tuples; with None it takes every state for h.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    has_memory = isinstance(state, tuple)
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        seen.append(state[0] if has_memory else state)
    return torch.stack(seen, dim=1), state


# %% right: accumulate_too
# itertools.accumulate does the loop; the states are stacked afterwards.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    from itertools import accumulate

    states = list(accumulate([state, *x.unbind(dim=1)], lambda s, x_t: cell(x_t, s)))[1:]
    shown = [s[0] if isinstance(s, tuple) else s for s in states]
    return torch.stack(shown, dim=1), states[-1]


# %% right: buffer_after_the_first
# A buffer that is made when the first h is known, positions first, turned at the end.
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = None
    for t in range(x.shape[1]):
        state = cell(x.select(1, t), state)
        h = state[0] if isinstance(state, tuple) else state
        if seen is None:
            seen = h.new_empty(x.shape[1], *h.shape)
        seen[t] = h
    return seen.transpose(0, 1), state


# %% wrong: memory_of_the_type_of_x
# "What is returned is h at every position, of the type of h"
# x in float32 and a state in float64, with a cell that gives float64: what comes back is float32
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    all_h = None
    for t in range(x.size(1)):
        state = cell(x[:, t], state)
        h = state[0] if isinstance(state, tuple) else state
        if all_h is None:
            all_h = x.new_empty(x.size(0), x.size(1), h.size(-1))
        all_h[:, t] = h
    return all_h, state


# %% wrong: plain_tuple_at_the_end
# "the whole state after the last one, as the cell gave it"
# a cell whose state is a named tuple: a plain tuple comes back, without its names
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        seen.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(seen, dim=1), tuple(state) if isinstance(state, tuple) else state


# %% wrong: one_call_to_see_the_shape
# "It is called once for each position"
# a cell that counts its calls, or draws a dropout mask: T + 1 calls, other random numbers
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    shown = lambda state: state[0] if isinstance(state, tuple) else state
    with torch.no_grad():
        like = shown(cell(x[:, 0], state))  # how wide is h, and of what type?
    all_h = like.new_empty(x.size(0), x.size(1), like.size(-1))
    for t, x_t in enumerate(x.unbind(dim=1)):
        state = cell(x_t, state)
        all_h[:, t] = shown(state)
    return all_h, state


# %% wrong: no_graph_in_evaluation
# "From either a gradient goes back through all positions, however many, to the given state."
# cell = nn.GRUCell(...).eval() and a state that requires a gradient: neither result has a history
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    seen = []
    with torch.set_grad_enabled(torch.is_grad_enabled() and getattr(cell, "training", True)):
        for x_t in x.unbind(dim=1):
            state = cell(x_t, state)
            seen.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(seen, dim=1), state


# %% wrong: zeros_for_a_known_kind_of_cell
# "a state of None goes to the cell as it is"
# a subclass of nn.GRUCell that begins with a learned state when it is given None: it begins with zeros
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    if state is None and isinstance(cell, nn.RNNCellBase):  # make them once, not in the cell
        zeros = x.new_zeros(x.size(0), cell.hidden_size)
        state = (zeros, zeros) if cell.weight_hh.size(0) == 4 * cell.hidden_size else zeros
    seen = []
    for x_t in x.unbind(dim=1):
        state = cell(x_t, state)
        seen.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(seen, dim=1), state


# %% right: accumulate_again
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    from itertools import accumulate, chain, islice

    # the state is the first of the items: as `initial`, None would not count
    items = chain([state], x.unbind(dim=1))
    states = list(islice(accumulate(items, lambda before, x_t: cell(x_t, before)), 1, None))
    first = [s[0] if isinstance(s, tuple) else s for s in states]
    return torch.cat([h.unsqueeze(1) for h in first], dim=1), states[-1]


# %% right: halves_again
def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    def read(x, state):
        if x.size(1) == 1:
            state = cell(x.select(1, 0), state)
            return (state[0] if isinstance(state, tuple) else state)[:, None], state
        half = x.size(1) // 2
        left, state = read(x[:, :half], state)
        right, state = read(x[:, half:], state)
        return torch.cat((left, right), dim=1), state

    return read(x, state)
