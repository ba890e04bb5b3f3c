# %% wrong: chunks_of_equal_size
# "A chunk is `chunk_length` predictions, the"
# The text is cut into the right number of chunks with torch.chunk, which makes them about equally long: 9 by 4 gives 3, 3, 3 for 4, 4, 1.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    number = -(-(tokens.size(1) - 1) // chunk_length)
    state = None
    for x, y in zip(tokens[:, :-1].chunk(number, dim=1), tokens[:, 1:].chunk(number, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten())


# %% wrong: one_chunk_ahead
# "A chunk is read when its loss is asked for: the caller may update the weights in between."
# The next chunk is read before the loss of this one is given out, so it is read with weights from before the update.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state, ready = None, None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        loss = F.cross_entropy(logits.flatten(0, 1), y.flatten())
        if ready is not None:
            yield ready
        ready = loss
    if ready is not None:
        yield ready


# %% wrong: all_losses_at_once
# "A generator: each chunk is read when its loss is asked for"
# All chunks are read when the function is called, and an iterator over the finished losses is returned.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state, losses = None, []
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        losses.append(F.cross_entropy(logits.flatten(0, 1), y.flatten()))
    return iter(losses)


# %% right: cut_off_at_the_start
# The state is cut off as a chunk begins, which for the first one is detached(None).
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, detached(state))
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten())


# %% right: by_position_and_gather
# Starts and ends by hand, the log-probabilities in 64 bits picked out by gather; the state is cut off when the next chunk begins.
def truncated_bptt(model, tokens, chunk_length):
    def cut(state):
        if state is None:
            return None
        if torch.is_tensor(state):
            return state.clone().detach()
        return type(state)([cut(part) for part in state])

    start, state = 0, None
    while start < tokens.size(1) - 1:
        end = min(start + chunk_length, tokens.size(1) - 1)
        logits, state = model(tokens[:, start:end], cut(state))
        log_p = logits.double() - logits.double().logsumexp(dim=2, keepdim=True)
        picked = log_p.gather(2, tokens[:, start + 1 : end + 1, None])
        yield -(picked.sum() / picked.numel()).to(logits.dtype)
        start = end


# %% right: a_reader_called_by_map
# An object keeps the state and reads a piece when it is called; map calls it when the next loss is asked for.
class _Reader:
    def __init__(self, model):
        self.model, self.state = model, None

    def cut(self, state):
        return state.detach() if isinstance(state, Tensor) else type(state)(self.cut(part) for part in state)

    def __call__(self, piece):
        logits, state = self.model(piece[:, :-1], self.state)
        self.state = self.cut(state)
        return F.nll_loss(F.log_softmax(logits, dim=-1).transpose(1, 2), piece[:, 1:])


def truncated_bptt(model, tokens, chunk_length):
    starts = range(0, tokens.size(1) - 1, chunk_length)
    yield from map(_Reader(model), (tokens[:, start : start + chunk_length + 1] for start in starts))


# %% wrong: all_chunks_at_once
# "A chunk is read when its loss is asked for"
# Reads all the chunks first and gives an iterator over the list of losses.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    state = None
    losses = []
    for read, asked in zip(inputs, targets):
        logits, state = model(read, state)
        state = detached(state)
        losses.append(F.cross_entropy(logits.flatten(0, 1), asked.flatten()))
    return iter(losses)


# %% wrong: one_chunk_ahead_too
# "A chunk is read when its loss is asked for: the caller may update the weights in between."
# Reads the next chunk before it yields the loss of this one.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    state = None
    waiting = None
    for read, asked in zip(inputs, targets):
        logits, state = model(read, state)
        state = detached(state)
        loss = F.cross_entropy(logits.flatten(0, 1), asked.flatten())
        if waiting is not None:
            yield waiting
        waiting = loss
    yield waiting


# %% wrong: model_put_into_training_mode
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Puts the model into training mode first.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    if isinstance(model, nn.Module):
        model.train()
    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    state = None
    for read, asked in zip(inputs, targets):
        logits, state = model(read, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), asked.flatten())


# %% wrong: gradients_cleared
# "A function of yours leaves what it is given as it was [what to do between two losses is the caller's]"
# Clears the model's gradients before each chunk: a caller who adds them up over chunks loses them.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    state = None
    for read, asked in zip(inputs, targets):
        if isinstance(model, nn.Module):
            model.zero_grad()
        logits, state = model(read, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), asked.flatten())


# %% wrong: evaluation_without_gradient
# "`loss.backward()` goes back to the start of its own chunk"
# Switches gradients off for a model in evaluation mode.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    state = None
    for read, asked in zip(inputs, targets):
        with torch.set_grad_enabled(getattr(model, "training", True)):
            logits, state = model(read, state)
            state = detached(state)
            loss = F.cross_entropy(logits.flatten(0, 1), asked.flatten())
        yield loss


# %% right: log_softmax_and_gather
# A while loop with positions, the loss by hand, the state cut off only when it is needed.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    begin, T, state = 0, tokens.shape[1] - 1, None
    while begin < T:
        end = min(begin + chunk_length, T)
        logits, state = model(tokens[:, begin:end], detached(state))
        asked = tokens[:, begin + 1 : end + 1].long().unsqueeze(-1)
        yield -logits.log_softmax(dim=-1).gather(-1, asked).mean()
        begin = end


# %% right: recursion_with_yield_from
# A generator that hands the rest of the text to itself.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    def walk(rest, state):
        head = rest[:, : chunk_length + 1]
        logits, state = model(head[:, :-1].clone(), state)
        loss = F.cross_entropy(logits.transpose(1, 2), head[:, 1:])
        state = detached(state)
        yield loss
        if rest.size(1) > chunk_length + 1:
            yield from walk(rest[:, chunk_length:], state)
    return walk(tokens, None)


# %% wrong: all_chunks_at_once_too
# "A chunk is read when its loss is asked for"
# Collects all losses in a list and gives an iterator over it.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    losses, state = [], None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = detached(state)
        losses.append(F.cross_entropy(logits.flatten(0, 1), targets.flatten()))
    return iter(losses)


# %% wrong: first_chunk_at_the_call
# "A chunk is read when its loss is asked for, the first one too"
# Reads the first chunk when it is called, the others when they are asked for.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)
    logits, state = model(inputs[0], None)
    first = F.cross_entropy(logits.flatten(0, 1), targets[0].flatten())

    def chunks(state):
        yield first
        for j in range(1, len(inputs)):
            logits, state = model(inputs[j], detached(state))
            yield F.cross_entropy(logits.flatten(0, 1), targets[j].flatten())

    return chunks(state)


# %% wrong: one_chunk_ahead_too_too
# "the caller may update the weights in between"
# Reads the next chunk before it hands out the loss of this one.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state, ready = None, None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = detached(state)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        if ready is not None:
            yield ready
        ready = loss
    yield ready


# %% wrong: clears_the_gradients
# "the caller may update the weights in between"
# Clears the model's gradients before each chunk, so a caller that adds them up loses all but the last.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        if isinstance(model, nn.Module):
            model.zero_grad()
        logits, state = model(inputs, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# %% wrong: training_mode
# "A function of yours leaves what it is given as it was"
# Puts the model into training mode and leaves it there.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    if isinstance(model, nn.Module):
        model.train()
    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# %% wrong: cut_in_the_models_own_list
# "A function of yours leaves what it is given as it was"
# Cuts a list of tensors off in place in the list that the model may have kept.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        if isinstance(state, list):
            state[:] = [detached(part) for part in state]
        else:
            state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# %% wrong: tuples_not_cut_off
# "`loss.backward()` goes back to the start of its own chunk and no further"
# Cuts tensors and lists off, but hands a tuple (as of an LSTM) on as it is.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = state if type(state) is tuple else detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten())


# %% right: iterator_class
# No yield: a map over the starts of chunks, with the state in a cell of its own.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    kept = [None]

    def loss_at(start):
        stop = min(start + chunk_length, tokens.size(1) - 1)
        logits, state = model(tokens[:, start:stop], kept[0])
        kept[0] = detached(state)
        log_p = logits.log_softmax(dim=-1)
        return -log_p.gather(-1, tokens[:, start + 1 : stop + 1].unsqueeze(-1)).mean()

    return map(loss_at, range(0, tokens.size(1) - 1, chunk_length))


# %% right: overlapping_pieces
# Pieces that overlap by one token, the state cut off only when the next chunk is read, logits turned for cross_entropy.
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state, start = None, 0
    while start < tokens.size(1) - 1:
        piece = tokens[:, start : start + chunk_length + 1]
        logits, state = model(piece[:, :-1], detached(state))
        yield F.cross_entropy(logits.transpose(1, 2), piece[:, 1:])
        start += chunk_length


# %% wrong: first_chunk_at_once
# "A chunk is read when its loss is asked for, the first one too"
# weights changed between the call and the first next(): the first loss is that of the old weights
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    inputs, targets = tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)

    def read(j, state):
        logits, state = model(inputs[j], state)
        return F.cross_entropy(logits.flatten(0, 1), targets[j].flatten()), detached(state)

    first, state = read(0, None)  # with no state yet

    def losses(loss, state):
        yield loss
        for j in range(1, len(inputs)):
            loss, state = read(j, state)
            yield loss

    return losses(first, state)


# %% wrong: put_into_training_mode
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# a model in evaluation mode (a validation loss): it is in training mode afterwards, with its dropout on
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    if isinstance(model, nn.Module):
        model.train()
    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        yield F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        state = detached(state)


# %% wrong: log_of_the_softmax
# "its loss is their mean over positions and texts, in nats per token"
# logits of 0 for the target and 200 for another token: inf instead of 200, and a gradient of nan
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = detached(state)
        p = logits.softmax(dim=-1).gather(-1, targets.unsqueeze(-1))
        yield -p.log().mean()


# %% wrong: view_of_the_logits
# "`model(tokens, state)` gives logits and state."
# B = 2 and a model whose logits lie positions first in memory (made as (T, B, V), then transposed): RuntimeError
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    state = None
    for inputs, targets in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(inputs, state)
        state = detached(state)
        yield F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


# %% right: generator_expression
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    kept = {"state": None}

    def loss_of(start):
        targets = tokens[:, 1 + start : 1 + start + chunk_length]
        logits, state = model(tokens[:, start : start + targets.size(1)], kept["state"])
        kept["state"] = detached(state)
        return F.cross_entropy(logits.transpose(1, 2), targets)

    return (loss_of(start) for start in range(0, tokens.size(1) - 1, chunk_length))


# %% right: logsumexp_and_a_queue
def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a tuple of states, or of None."""
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    from collections import deque

    state, rest = None, deque(range(tokens.size(1) - 1))
    while rest:
        chunk = [rest.popleft() for _ in range(min(chunk_length, len(rest)))]
        logits, after = model(tokens[:, chunk[0] : chunk[-1] + 1], state)
        state = detached(after)
        targets = tokens[:, chunk[0] + 1 : chunk[-1] + 2]
        score = logits.gather(-1, targets[..., None]).squeeze(-1)
        yield (logits.logsumexp(dim=-1) - score).sum() / targets.numel()
