# %% wrong: last_target_wraps_round
# "Because the last token of the text has no next one."
# Targets come from a roll and n is N // T, so when T divides N the very last target is the first token of the text.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = len(tokens) // context_length
    if n < 1 or len(tokens) < context_length + 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    following = torch.roll(tokens, -1)
    kept = n * context_length
    return tokens[:kept].reshape(n, context_length), following[:kept].reshape(n, context_length)


# %% wrong: last_target_ignored
# "a window is full when its last target is there too."
# A window that lacks nothing but its last target is kept, with -100 in that place.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = len(tokens) // context_length
    if n < 1 or len(tokens) <= context_length:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    following = torch.cat([tokens[1:], tokens.new_tensor([IGNORED])])
    kept = n * context_length
    return tokens[:kept].reshape(n, context_length), following[:kept].reshape(n, context_length)


# %% wrong: one_window_too_few
# "with n as large as N allows."
# range() stops too early: where N - 1 is a multiple of T, and there is more than one window, the last one is missing.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length + 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    starts = list(range(0, len(tokens) - context_length - 1, context_length)) or [0]
    inputs = torch.stack([tokens[start : start + context_length] for start in starts])
    targets = torch.stack([tokens[start + 1 : start + context_length + 1] for start in starts])
    return inputs, targets


# %% wrong: windows_of_one_more
# "The target of the first window's last token, 4, is the first token of the second window."
# The text is cut into pieces of T + 1 tokens, and each piece into inputs and targets: windows lie a token apart.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = len(tokens) // (context_length + 1)
    if n < 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    pieces = tokens[: n * (context_length + 1)].reshape(n, context_length + 1)
    return pieces[:, :-1], pieces[:, 1:]


# %% wrong: drops_at_the_beginning
# "What is left at the end and fills no window is dropped"
# The windows are laid against the end of the text; what is left over is dropped at its beginning.
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    n = (len(tokens) - 1) // context_length
    if n < 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    tokens = tokens[len(tokens) - 1 - n * context_length :]
    return tokens[:-1].reshape(n, context_length), tokens[1:].reshape(n, context_length)


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


# %% wrong: overlapping_windows
# "Cut a text into windows, laid end to end"
# A window begins at every other half: the windows overlap by half their length (only from T = 2 on).
def next_token_pairs(tokens: Tensor, context_length: int) -> tuple[Tensor, Tensor]:
    if len(tokens) < context_length + 1:
        raise ValueError(f"{len(tokens)} tokens are too few for a window of {context_length}")
    windows = tokens.unfold(0, context_length + 1, max(1, context_length // 2))
    return windows[:, :-1], windows[:, 1:]


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
