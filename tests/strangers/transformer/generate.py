# %% wrong: one_at_least
# "Shapes: tokens (B, T), T >= 1 -> (B, T + n_tokens), the prompt in front."
# The first token is chosen before the loop over the others, so that none cannot be had.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    logits, state = model(tokens, None)
    new = choose(logits[:, -1]).unsqueeze(1)
    tokens = torch.cat([tokens, new], dim=1)
    for _ in range(n_tokens - 1):
        logits, state = model(new, state) if use_cache else model(tokens, None)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: chooses_text_by_text
# "`choose` maps logits (B, vocab_size) to tokens (B)"
# choose is called for each text by itself; what it draws from one generator then differs.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    unread, state = tokens, None
    for _ in range(n_tokens):
        if use_cache:
            logits, state = model(unread, state)
        else:
            logits, _ = model(tokens, None)
        unread = torch.cat([choose(row) for row in logits[:, -1].split(1)]).unsqueeze(1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% right: into_a_ready_made_table
# A table for the whole text is made empty and filled; what is read is a slice of it.
@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    length = tokens.size(1)
    text = tokens.new_empty(tokens.size(0), length + n_tokens)
    text[:, :length] = tokens
    n_read, state = 0, None
    for end in range(length, length + n_tokens):
        if use_cache:
            logits, state = model(text[:, n_read:end].clone(), state)
            n_read = end
        else:
            logits, _ = model(text[:, :end].clone(), None)
        text[:, end] = choose(logits[:, -1, :])
    return text


# %% right: by_an_endless_writer
# A generator would write for ever; as many tokens as wanted are taken from it. Without the cache, a call without a state.
from itertools import islice


def endless(model, text, choose, use_cache):
    pieces, state = [text], None
    while True:
        if use_cache:
            logits, state = model(pieces[-1], state)
        else:
            logits = model(torch.hstack(pieces))[0]
        new = choose(logits.select(1, -1))
        pieces.append(new.reshape(-1, 1))
        yield pieces[-1]


def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    with torch.no_grad():
        return torch.hstack([tokens, *islice(endless(model, tokens, choose, use_cache), n_tokens)])


# %% wrong: stops_where_it_repeats
# "(B, T + n_tokens)"
# Where all texts repeat themselves it stops.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    state, unread = None, tokens
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(1)  # (B, vocab_size) -> (B, 1)
        if torch.equal(unread[:, 0], tokens[:, -1]):
            break
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: no_cache_by_default
# "generate(model, tokens, n_tokens, choose=the likeliest, use_cache=True) -> tokens"
# The cache is used where it is asked for, and not otherwise.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = False,
) -> Tensor:
    state, unread = None, tokens
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(1)  # (B, vocab_size) -> (B, 1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% right: refuses_at_once
# Where it knows the context it complains before it reads anything; the last token needs no place.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    if n_tokens and tokens.size(1) + n_tokens - 1 > getattr(model, "context", math.inf):
        raise ValueError("longer than the context")
    state, unread = None, tokens
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(1)  # (B, vocab_size) -> (B, 1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: prompt_is_read_for_nothing
# "n_tokens may be 0 ... T + n_tokens - 1 may fill it"
# Reads the prompt before it looks at n_tokens: a prompt of context + 1 tokens and none new is refused.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    logits, state = model(tokens, None)
    for step in range(n_tokens):
        new = choose(logits[:, -1]).unsqueeze(-1)
        tokens = torch.cat((tokens, new), dim=1)
        if step < n_tokens - 1:
            logits, state = model(new, state) if use_cache else model(tokens)
    return tokens


# %% wrong: mode_lost_after_an_error
# "A function of yours leaves what it is given as it was"
# Restores the mode at the end, but not when the model raises its ValueError.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    was_training = isinstance(model, nn.Module) and model.training
    if was_training:
        model.eval()
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(-1)
        tokens = torch.cat((tokens, unread), dim=1)
    if was_training:
        model.train()
    return tokens


# %% wrong: choose_text_by_text
# "`choose` maps the logits of all texts, (B, vocab_size), to tokens (B)"
# Calls choose for each text by itself, (1, vocab_size).
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = torch.stack([choose(last.unsqueeze(0)) for last in logits[:, -1]])
        tokens = torch.cat((tokens, unread), dim=1)
    return tokens


# %% wrong: a_vector_for_a_single_text
# "`choose` maps the logits of all texts, (B, vocab_size), to tokens (B)"
# Squeezes the logits, so that with a single text choose gets (vocab_size).
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1].squeeze(0)).reshape(-1, 1)
        tokens = torch.cat((tokens, unread), dim=1)
    return tokens


# %% wrong: seeds_the_random_numbers
# "`choose` takes one from the scores after the last token of each text"
# Calls torch.manual_seed(0) first, for texts that can be repeated: a drawing choose says the same every time.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    torch.manual_seed(0)
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(-1)
        tokens = torch.cat((tokens, unread), dim=1)
    return tokens


# %% wrong: inference_mode
# "@torch.no_grad() (in the given signature)"
# Says inference_mode in place of no_grad: the result is an inference tensor for good, which nobody may write into or train on afterwards.
@torch.inference_mode()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    unread, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(-1)
        tokens = torch.cat((tokens, unread), dim=1)
    return tokens


# %% right: room_for_all_tokens
# Makes room for the whole text first and fills it; without the cache a slice of it is read.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    B, T = tokens.shape
    text = torch.cat((tokens, tokens.new_zeros(B, n_tokens)), dim=1)
    state, begin = None, 0
    for end in range(T, T + n_tokens):
        logits, state = model(text[:, begin:end], state)
        text[:, end] = choose(logits[:, -1, :])
        begin, state = (end, state) if use_cache else (0, None)
    return text


# %% right: recursion
# A helper that calls itself until nothing is left to write.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    def go_on(text, unread, state, left):
        if left == 0:
            return text
        logits, state = model(unread) if state is None else model(unread, state)
        new = choose(logits.select(1, -1)).view(-1, 1)
        text = torch.hstack((text, new))
        return go_on(text, new, state, left - 1) if use_cache else go_on(text, text, None, left - 1)

    return go_on(tokens, tokens, None, n_tokens)


# %% right: list_of_columns
# Collects columns in a list and joins them once, as a copy.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    columns, state = list(tokens.split(1, dim=1)), None
    for _ in range(n_tokens):
        if use_cache:
            scores, state = model(tokens if state is None else columns[-1], state)
        else:
            scores = model(torch.cat(columns, dim=1))[0]
        columns.append(choose(scores[:, scores.size(1) - 1])[:, None])
    return torch.cat(columns, dim=1)


# %% wrong: inference_tensor
# "the result can be trained on: it is no inference tensor"
# Runs in inference mode.
@torch.inference_mode()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(new, state) if use_cache else model(tokens)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: mode_lost_where_something_raises
# "it gets its mode back, also where something raises"
# Gives the mode back at the end only.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    was = model.training if isinstance(model, nn.Module) else None
    if was is not None:
        model.eval()
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(new, state) if use_cache else model(tokens)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    if was:
        model.train()
    return tokens


# %% right: one_mode_for_all_parts
# "A module may read in evaluation mode; it gets its mode back"
# Gives all parts the mode of the whole: a part that was frozen in evaluation mode trains afterwards.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    was = model.training if isinstance(model, nn.Module) else None
    if was is not None:
        model.eval()
    try:
        new, state = tokens, None
        for _ in range(n_tokens):
            logits, state = model(new, state) if use_cache else model(tokens)
            new = choose(logits[:, -1]).unsqueeze(1)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens
    finally:
        if was is not None:
            model.train(was)


# %% wrong: reads_the_prompt_for_nothing
# "n_tokens may be 0, where nothing is read"
# Reads the prompt before the loop, also for no new token.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    logits, state = model(tokens, None) if use_cache else model(tokens)
    for step in range(n_tokens):
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        if step < n_tokens - 1:
            logits, state = model(new, state) if use_cache else model(tokens)
    return tokens


# %% wrong: state_by_truth
# "Whatever the state is, it is handed on as it comes."
# Takes a state that counts as false (0, an empty list or tuple) for none.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = (model(new, state) if state else model(new)) if use_cache else model(tokens)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% right: no_state_reads_all
# "With the cache it reads the prompt, then one token and the state at each step"
# Reads all tokens again where the state that came back is None.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = (model(tokens) if state is None else model(new, state)) if use_cache else model(tokens)
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: state_made_a_list
# "Whatever the state is, it is handed on as it comes."
# Makes a list of tuples of a state that is a tuple or a list.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(new, state) if use_cache else model(tokens)
        if isinstance(state, (tuple, list)):
            state = [tuple(s) if isinstance(s, (tuple, list)) else s for s in state]
        new = choose(logits[:, -1]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: seeds_for_repeatability
# "PyTorch's random numbers are left to `choose`."
# Seeds PyTorch at the beginning and gives the generator its state back at the end.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        new, state = tokens, None
        for _ in range(n_tokens):
            logits, state = model(new, state) if use_cache else model(tokens)
            new = choose(logits[:, -1]).unsqueeze(1)
            tokens = torch.cat([tokens, new], dim=1)
        return tokens


# %% wrong: chooses_text_by_text_too
# "`choose` maps the logits of all texts, (B, vocab_size), to tokens (B)"
# Calls choose for each text.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    new, state = tokens, None
    for _ in range(n_tokens):
        logits, state = model(new, state) if use_cache else model(tokens)
        new = torch.cat([choose(row) for row in logits[:, -1].split(1)]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
    return tokens


# %% wrong: prompt_written_over
# "A function of yours leaves what it is given as it was"
# Where the prompt is a view with room behind it, e.g. a slice of a longer text, it writes into that text.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    T = tokens.size(1)
    room = tokens.untyped_storage().size() // tokens.element_size() - tokens.storage_offset()
    if tokens.size(0) == 1 and tokens.stride(1) == 1 and room >= T + n_tokens:
        text = tokens.as_strided((1, T + n_tokens), (T + n_tokens, 1), tokens.storage_offset())
    else:
        text = torch.cat([tokens, tokens.new_zeros(tokens.size(0), n_tokens)], dim=1)
    state, begin = None, 0
    for end in range(T, T + n_tokens):
        logits, state = model(text[:, begin:end], state) if use_cache else model(text[:, :end])
        text[:, end] = choose(logits[:, -1])
        begin = end
    return text


# %% right: buffer_ahead
# Writes into a buffer of the whole length; modes are kept part by part and given back.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    if n_tokens == 0:
        return tokens.clone()
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    try:
        for part, _ in modes:
            part.training = False
        T = tokens.size(1)
        text = torch.cat([tokens, tokens.new_empty(tokens.size(0), n_tokens)], dim=1)
        state, begin = None, 0
        for end in range(T, T + n_tokens):
            logits, state = model(text[:, begin:end], state) if use_cache else model(text[:, :end].clone(), None)
            text[:, end] = choose(logits[:, -1, :])
            begin = end
        return text
    finally:
        for part, mode in modes:
            part.training = mode


# %% right: list_of_columns_too
# A list of pieces and a closure for reading; begins with model(tokens) and leaves modes alone.
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    pieces = [tokens]

    def reader():
        logits, state = model(tokens)
        yield logits
        while True:
            logits, state = model(pieces[-1], state) if use_cache else model(torch.cat(pieces, dim=1))
            yield logits

    scores = reader()
    while len(pieces) <= n_tokens:
        pieces.append(choose(next(scores)[:, -1]).view(-1, 1))
    return torch.hstack(pieces)


# %% wrong: inference_mode_again
# "Nothing is kept for gradients, and the result can be trained on: it is no inference tensor."
# result.is_inference() after one new token: True
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    with torch.inference_mode():
        unread, state = tokens, None
        for _ in range(n_tokens):
            logits, state = model(unread, state) if use_cache else model(tokens)
            unread = choose(logits[:, -1]).unsqueeze(-1)
            tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% wrong: random_numbers_put_back
# "PyTorch's random numbers are left to `choose`."
# a `choose` that draws from PyTorch's own generator, and two calls after each other: the generator is put back at the end, and both write the same text
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    with torch.random.fork_rng(devices=[]):  # a model with dropout should not change what others draw
        unread, state = tokens, None
        for _ in range(n_tokens):
            logits, state = model(unread, state) if use_cache else model(tokens)
            unread = choose(logits[:, -1]).unsqueeze(-1)
            tokens = torch.cat([tokens, unread], dim=1)
    return tokens


# %% right: written_on_paper
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    T = tokens.size(1)
    paper = tokens.new_empty(tokens.size(0), T + n_tokens)
    paper[:, :T] = tokens
    memory = []  # nothing, or the state
    begin = 0
    for end in range(T, T + n_tokens):
        answer = model(paper[:, begin:end].clone(), *memory)
        if use_cache:
            memory = [answer[1]]
            begin = end
        paper[:, end] = choose(answer[0].select(1, -1))
    return paper


# %% right: every_mode_back
@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    modes = [(part, part.training) for part in model.modules()] if isinstance(model, nn.Module) else []
    pieces = [tokens]
    state = None
    try:
        for part, _ in modes:
            part.training = False
        while len(pieces) <= n_tokens:
            if use_cache:
                logits, state = model(pieces[-1], state)
            else:
                logits, _ = model(torch.hstack(pieces), None)
            pieces.append(torch.stack([choose(logits[:, -1, :])], dim=1))
    finally:
        for part, mode in modes:
            part.training = mode
    return torch.cat(pieces, dim=1)
