# %% wrong: no_window_no_error
# "Raises ValueError where the text is too short for one window."
# A text that is too short gives two empty tensors of shape (0, T).
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = max(0, (len(tokens) - 1) // context_length)
    kept = n * context_length
    return tokens[:kept].reshape(n, context_length), tokens[1 : kept + 1].reshape(n, context_length)


# %% wrong: forgets_the_last_target_when_it_checks
# "for one window and its last target"
# The check asks for T tokens, not T + 1: a text of exactly T tokens gives empty tensors and no error.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    n = (len(tokens) - 1) // context_length
    kept = n * context_length
    return tokens[:kept].reshape(n, context_length), tokens[1 : kept + 1].reshape(n, context_length)


# %% wrong: refuses_the_shortest_text
# "raises ValueError where the text is too short"
# Off by one the other way: T + 1 tokens are enough for one window, and are refused.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) <= context_length + 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    n = (len(tokens) - 1) // context_length
    kept = n * context_length
    return tokens[:kept].reshape(n, context_length), tokens[1 : kept + 1].reshape(n, context_length)


# %% wrong: one_window_is_a_row
# "inputs (n, context_length), targets (n, context_length)"
# squeeze(0): a single window loses its first axis.
def next_token_pairs(tokens, context_length):
    N, T = len(tokens), context_length
    n = (N - 1) // T
    if n < 1:
        raise ValueError("short")
    inputs = tokens[: n * T].reshape(n, T)
    targets = tokens[1 : n * T + 1].reshape(n, T)
    return inputs.squeeze(0), targets.squeeze(0)


# %% wrong: floats
# "whole numbers, as they were in the text"
# The windows are laid into tensors of zeros, which are floating-point.
def next_token_pairs(tokens, context_length):
    N, T = len(tokens), context_length
    n = (N - 1) // T
    if n < 1:
        raise ValueError("short")
    inputs = tokens[: n * T].reshape(n, T)
    targets = tokens[1 : n * T + 1].reshape(n, T)
    result = torch.zeros(2, n, T, dtype=torch.float64)
    result[0], result[1] = inputs, targets
    return result[0], result[1]


# %% wrong: an_empty_text_has_no_window
# "A text that is too short for one window and its last target raises ValueError."
# An empty text is let through, with no windows.
def next_token_pairs(tokens, context_length):
    N, T = len(tokens), context_length
    n = (N - 1) // T
    n = max(n, 0)
    if n < 1 and N > 0:
        raise ValueError("short")
    inputs = tokens[: n * T].reshape(n, T)
    targets = tokens[1 : n * T + 1].reshape(n, T)
    return inputs, targets


# %% right: window_by_window
# Python lists and a loop, put together at the end.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    text = tokens.tolist()
    inputs, targets, start = [], [], 0
    while start + context_length < len(text):
        inputs.append(text[start : start + context_length])
        targets.append(text[start + 1 : start + context_length + 1])
        start += context_length
    if not inputs:
        raise ValueError(f"a text of {len(text)} tokens has no window of {context_length} with all of its targets")
    make = {"dtype": tokens.dtype, "device": tokens.device}
    return torch.tensor(inputs, **make), torch.tensor(targets, **make)


# %% right: unfolded
# One unfold with windows of T + 1 that begin T apart, copied so that the two results share no memory.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if tokens.size(0) <= context_length:
        raise ValueError("too short")
    both = tokens.unfold(0, context_length + 1, context_length)
    return both.narrow(1, 0, context_length).clone(), both.narrow(1, 1, context_length).clone()


# %% right: by_positions
# A table of positions, and the same one later.
def next_token_pairs(tokens, context_length):
    n = max(len(tokens) - 1, 0) // context_length
    if not n:
        raise ValueError("too short")
    places = torch.arange(n * context_length).view(n, -1)
    return torch.take(tokens, places), torch.take(tokens, places + 1)


# %% wrong: window_without_target_gives_nothing
# "Raises ValueError where the text is too short for one window."
# Checks N < T: a text of exactly T tokens gives empty tensors.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length:
        raise ValueError("the text is too short")
    n = (len(tokens) - 1) // context_length
    end = n * context_length
    return tokens[:end].view(n, context_length), tokens[1 : end + 1].view(n, context_length)


# %% wrong: refuses_the_shortest_text_too
# "Raises ValueError where the text is too short for one window."
# Refuses a text of T + 1 tokens too, which is one window and its last target.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) <= context_length + 1:
        raise ValueError("the text is too short")
    n = (len(tokens) - 1) // context_length
    end = n * context_length
    return tokens[:end].view(n, context_length), tokens[1 : end + 1].view(n, context_length)


# %% wrong: assertion
# "Raises ValueError where the text is too short for one window."
# Raises AssertionError.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    assert n >= 1, "the text is too short for one window"
    end = n * context_length
    return tokens[:end].view(n, context_length), tokens[1 : end + 1].view(n, context_length)


# %% right: unfold
# Windows of T + 1 that overlap by one token, cut by unfold (views).
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if tokens.numel() <= context_length:
        raise ValueError("too short")
    windows = tokens.unfold(0, context_length + 1, context_length)
    return windows[:, :-1], windows[:, 1:]


# %% right: table_of_positions
# A table of positions, indexed at once.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    starts = torch.arange(0, max(tokens.size(0) - context_length, 0), context_length, device=tokens.device)
    if starts.numel() == 0:
        raise ValueError(f"{tokens.size(0)} tokens, windows of {context_length}")
    where = starts[:, None] + torch.arange(context_length, device=tokens.device)
    return tokens[where], tokens[where + 1]


# %% right: views_of_the_text
# Two views that share the text's memory (a vector with any stride can be viewed as a matrix).
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    if n < 1:
        raise ValueError("the text is too short for one window")
    return tokens[: n * context_length].view(n, context_length), tokens[1 : n * context_length + 1].view(n, context_length)


# %% wrong: too_short_gives_empty
# "A text that is too short for one window and its last target raises ValueError"
# Raises for a text shorter than the window only; with exactly T tokens it gives zero windows.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length:
        raise ValueError("the text is too short for one window")
    n = (len(tokens) - 1) // context_length
    return (tokens[: n * context_length].reshape(n, context_length),
            tokens[1 : n * context_length + 1].reshape(n, context_length))


# %% wrong: raises_too_eagerly
# "Raises ValueError where the text is too short for one window"
# Refuses a text of exactly T + 1 tokens, which gives one window.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) <= context_length + 1:
        raise ValueError("the text is too short for one window")
    n = (len(tokens) - 1) // context_length
    return (tokens[: n * context_length].reshape(n, context_length),
            tokens[1 : n * context_length + 1].reshape(n, context_length))


# %% wrong: empty_text_slips_through
# "A text that is too short for one window and its last target raises ValueError"
# Checks with `not n`: an empty text has n = -1 // T = -1, and reshape fails with RuntimeError.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    if not n:
        raise ValueError("the text is too short for one window")
    end = n * context_length
    return tokens[:end].reshape(n, context_length), tokens[1 : end + 1].reshape(n, context_length)


# %% wrong: squeezes_a_single_window
# "inputs (n, context_length)"
# A single window comes without its first dimension.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    if n < 1:
        raise ValueError("the text is too short for one window")
    end = n * context_length
    inputs, targets = tokens[:end].reshape(n, -1), tokens[1 : end + 1].reshape(n, -1)
    return (inputs.squeeze(0), targets.squeeze(0)) if n == 1 else (inputs, targets)


# %% right: unfold_windows
# unfold with a window of T + 1 and a step of T.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if tokens.numel() <= context_length:
        raise ValueError(f"{tokens.numel()} tokens are too few for a window of {context_length} and its last target")
    windows = tokens.unfold(0, context_length + 1, context_length)
    return windows[:, :-1].clone(), windows[:, 1:].clone()


# %% right: python_lists
# A loop with lists, put together at the end.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    inputs, targets, start = [], [], 0
    while start + context_length + 1 <= len(tokens):
        inputs.append(tokens[start : start + context_length])
        targets.append(tokens[start + 1 : start + context_length + 1])
        start += context_length
    if not inputs:
        raise ValueError("too short")
    return torch.stack(inputs), torch.stack(targets)


# %% right: index_arithmetic
# A matrix of positions, and the text indexed with it.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n, _ = divmod(len(tokens) - 1, context_length)
    if n <= 0:
        raise ValueError("too short")
    places = torch.arange(n * context_length, device=tokens.device).reshape(n, context_length)
    return tokens[places], tokens[places + 1]


# %% wrong: one_token_short_is_empty
# "A text that is too short for one window and its last target raises ValueError."
# 3 tokens in a window of 3: two tensors of shape (0, 3) instead of a ValueError
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length:
        raise ValueError(f"a text of {len(tokens)} tokens fills no window of {context_length}")
    n = (len(tokens) - 1) // context_length
    inputs = tokens[: n * context_length].reshape(n, context_length)
    targets = tokens[1 : n * context_length + 1].reshape(n, context_length)
    return inputs, targets


# %% wrong: no_text_at_all
# "Raises ValueError where the text is too short for one window."
# no tokens, where n becomes -1: two empty tensors instead of a ValueError
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (tokens.numel() - 1) // context_length
    if n == 0:
        raise ValueError(f"{tokens.numel()} tokens are too few for a window of {context_length} and its last target")
    end = n * context_length
    return tokens[:end].view(-1, context_length), tokens[1 : end + 1].view(-1, context_length)


# %% wrong: strides_from_the_storage
# "every position has the token after it as its target"
# a text that is a slice of a longer one, such as torch.arange(20)[10:]: the targets come from the beginning of the longer one
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    if n < 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length} and its last target")
    step = tokens.stride(0)
    shape, strides = (n, context_length), (context_length * step, step)
    return tokens.as_strided(shape, strides), tokens.as_strided(shape, strides, step)


# %% wrong: exact_fit_refused
# "a window is full when its last target is there too"
# 4 tokens in a window of 3: a ValueError instead of one window
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if tokens.numel() <= context_length + 1:
        raise ValueError(f"{tokens.numel()} tokens are too few for a window of {context_length} and its last target")
    n = (tokens.numel() - 1) // context_length
    pairs = [tokens[shift : shift + n * context_length].unflatten(0, (n, context_length)) for shift in (0, 1)]
    return pairs[0], pairs[1]


# %% right: overlapping_by_one
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if tokens.size(0) <= context_length:
        raise ValueError("no window is full")
    windows = tokens.unfold(0, context_length + 1, context_length)
    return windows[:, :-1].clone(), windows[:, 1:].clone()


# %% right: by_lists
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    text = tokens.tolist()
    inputs, targets = [], []
    window, after = [], []
    for token, following in zip(text, text[1:]):
        window.append(token)
        after.append(following)
        if len(window) == context_length:
            inputs.append(window)
            targets.append(after)
            window, after = [], []
    if not inputs:
        raise ValueError(f"{len(text)} tokens")
    return tokens.new_tensor(inputs), tokens.new_tensor(targets)


# %% wrong: strides_of_a_fresh_tensor
# "-> inputs (n, context_length)"
# The windows are laid out by hand, with the strides of a text that lies in one row.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (tokens.numel() - 1) // context_length
    if n < 1:
        raise ValueError("no window is full")
    start, shape, strides = tokens.storage_offset(), (n, context_length), (context_length, 1)
    return tokens.as_strided(shape, strides, start), tokens.as_strided(shape, strides, start + 1)
