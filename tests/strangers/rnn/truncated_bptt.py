# %% wrong: divided_by_the_full_length
# "last one may be shorter, and its loss is their mean, in nats per token."
# Each loss is a sum divided by B · chunk_length, so a shorter last chunk has too small a loss.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum") / (len(tokens) * min(chunk_length, tokens.size(1) - 1))


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


# %% wrong: a_single_last_one_is_lost
# "Every token but the first is predicted once, from all those before it."
# The starts run to T - 1, one too few: a last chunk of a single prediction is left out.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    T, state = tokens.size(1) - 1, None
    for start in range(0, max(T - 1, 1), chunk_length):
        end = min(start + chunk_length, T)
        logits, state = model(tokens[:, start:end], state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), tokens[:, start + 1 : end + 1].flatten())


# %% wrong: an_empty_chunk_at_the_end
# "Shapes: tokens (B, T + 1) -> T / chunk_length losses (), rounded up."
# There are always T // chunk_length + 1 chunks: where the length divides T the last one is a single word read with nothing left to predict, at loss 0.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    T, state = tokens.size(1) - 1, None
    for number in range(T // chunk_length + 1):
        x = tokens[:, number * chunk_length : (number + 1) * chunk_length]
        y = tokens[:, number * chunk_length + 1 : (number + 1) * chunk_length + 1]
        logits, state = model(x, state)
        state = detached(state)
        loss = F.cross_entropy(logits[:, : y.size(1)].flatten(0, 1), y.flatten(), reduction="sum")
        yield loss / max(y.numel(), 1)


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


# %% wrong: only_what_is_shown_is_detached
# "the next one, cut off from its history"
# Of a tuple only h is detached: the memory c of an LSTM carries the gradient over the seam, and the second backward fails.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        if isinstance(state, Tensor):
            return state.detach()
        if isinstance(state, tuple):
            return (state[0].detach(), *state[1:])
        return [detached(part) for part in state]

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten())


# %% wrong: token_zero_is_padding
# "gives $T$ predictions, each token but the first once."
# Token 0 is taken for padding and not predicted, and the mean is over the others.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten(), ignore_index=0)


# %% wrong: cut_before_it_is_shifted
# "Mind the seam: *was* is predicted in the first chunk and read in the second."
# The tokens are cut into pieces of chunk_length + 1 and shifted in each: the first token of a piece is never predicted, the last never read.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state = None
    for piece in tokens.split(chunk_length + 1, dim=1):
        if piece.size(1) > 1:
            logits, state = model(piece[:, :-1], state)
            state = detached(state)
            yield F.cross_entropy(logits.flatten(0, 1), piece[:, 1:].flatten())


# %% wrong: no_state_no_argument
# "`model(tokens, state)` gives logits and state; the first state is None."
# The first chunk is read with the tokens alone, which only a model with a default for its state understands.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return state.detach() if isinstance(state, Tensor) else type(state)(detached(part) for part in state)

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x) if state is None else model(x, state)
        state = detached(state)
        yield F.cross_entropy(logits.flatten(0, 1), y.flatten())


# %% wrong: a_bare_h_and_c
# "cuts a state of any form off from"
# The state is cut off as a list of tensors and tuples of two; a model whose state is a single tensor gets a list of its rows.
def truncated_bptt(model, tokens, chunk_length):
    def detached(state):
        return [s.detach() if isinstance(s, Tensor) else tuple(part.detach() for part in s) for s in state]

    state = None
    for x, y in zip(tokens[:, :-1].split(chunk_length, dim=1), tokens[:, 1:].split(chunk_length, dim=1)):
        logits, state = model(x, state)
        state = detached(state)
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
