# %% wrong: training_afterwards
# "and afterwards in the mode that it was in."
# Afterwards the model is in training mode, also where it was not.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    total = 0.0
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size))) if n else []
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train()
    return total / (len(tokens) - 1)


# %% wrong: loss_as_the_model_computes
# "The loss is taken in float32, whatever the model computes in."
# Logits of 16 bits give a loss of 16 bits.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size))) if n else []
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train(was)
    return total / (len(tokens) - 1)


# %% wrong: all_windows_at_a_time
# "batch_size windows go through the model at a time"
# batch_size is ignored: all whole windows go through the model as one batch.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    n = (len(tokens) - 1) // T
    batches = [(tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T))] if n else []
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train(was)
    return total / (len(tokens) - 1)


# %% wrong: short_texts_refused
# "tokens (n_tokens), n_tokens >= 2 -> a number."
# A text that does not fill one window is refused.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    if len(tokens) <= T:
        raise ValueError(f"a window of {T} tokens needs {T + 1} tokens; the text has {len(tokens)}")
    was, total = model.training, 0.0
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size)))
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train(was)
    return total / (len(tokens) - 1)


# %% right: a_table_of_losses
# Each loss is written into a row of its own for the whole text, and the mean is taken of that.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    losses = torch.full((tokens.numel() - 1,), float("nan"), dtype=torch.float64)
    begins = list(range(0, tokens.numel() - 1, T))
    short = begins.pop() if (tokens.numel() - 1) % T else None
    groups = [begins[i : i + batch_size] for i in range(0, len(begins), batch_size)]
    groups += [] if short is None else [[short]]
    try:
        model.train(False)
        for group in groups:
            width = min(T, tokens.numel() - 1 - group[0])
            where = torch.tensor(group, device=tokens.device)[:, None] + torch.arange(width, device=tokens.device)
            scores = model(tokens[where])[0].to(torch.float32)
            of_next = scores.gather(2, tokens[where + 1].unsqueeze(2)).squeeze(2)
            losses[where.cpu()] = (scores.logsumexp(2) - of_next).double().cpu()
    finally:
        model.train(mode)
    return losses.mean().item()


# %% right: the_short_one_first
# The unfinished window is read first, and the whole ones from an unfolded view; sums are added as Python's numbers.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    before = model.training
    model.eval()

    def loss_of(rows: Tensor) -> float:
        logs = model(rows[:, :-1])[0].float().log_softmax(dim=-1)
        return -math.fsum(logs.gather(-1, rows[:, 1:, None]).flatten().tolist())

    targets = tokens.size(0) - 1
    left = targets % T
    sums = [loss_of(tokens[targets - left :].unsqueeze(0))] if left else []
    if targets >= T:
        windows = tokens.unfold(0, T + 1, T)
        for i in range(0, windows.size(0), batch_size):
            sums.append(loss_of(windows[i : i + batch_size]))
    model.train(before)
    return math.fsum(sums) / targets


# %% wrong: loss_as_the_model_computes_too
# "The loss is taken in float32, whatever the model computes in."
# The cross-entropy is taken of the logits as they come: in 16 bits for a model in 16 bits.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T).split(batch_size), targets[:whole].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0]
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / n


# %% wrong: all_windows_at_once
# "at most `batch_size` at a time"
# All whole windows go through the model together.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T)[None], targets[:whole].view(-1, T)[None]))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / n


# %% wrong: whole_window_needed
# "n_tokens >= 2"; "the last window may be shorter"
# A text shorter than a window and its last target raises ValueError, as in get_batch.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    if len(tokens) <= T:
        raise ValueError(f"the text has only {len(tokens)} tokens")
    was_training = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T).split(batch_size), targets[:whole].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / n


# %% wrong: model_made_float
# "The loss is taken in float32, whatever the model computes in." / leaves what it is given as it was
# Makes the model itself float32, and leaves it so.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval().float()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T).split(batch_size), targets[:whole].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / n


# %% wrong: gradients_cleared
# "A function of yours leaves what it is given as it was"
# Clears the model's gradients, so that none are left over from training.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval()
    model.zero_grad()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T).split(batch_size), targets[:whole].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / n


# %% wrong: training_mode_afterwards
# "afterwards in the mode that it was in"
# Back into training mode wherever it came from.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[:whole].view(-1, T).split(batch_size), targets[:whole].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train()
    return total / n


# %% right: one_window_at_a_time
# A loop of slices, one window a time (at most batch_size); log_softmax and an index; Python adds up.
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    training = model.training
    losses = []
    try:
        model.train(False)
        with torch.inference_mode():
            for start in range(0, len(tokens) - 1, T):
                window = tokens[start : start + T + 1]
                log_p = F.log_softmax(model(window[:-1].unsqueeze(0))[0][0].to(torch.float32), dim=-1)
                losses += [-log_p[i, token].item() for i, token in enumerate(window[1:].tolist())]
    finally:
        model.train(training)
    return math.fsum(losses) / len(losses)


# %% right: unfold_and_the_rest_first
# Windows by unfold, batches by hand; the rest goes first; returns a tensor ().
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> Tensor:
    modes = {part: part.training for part in model.modules()}
    model.eval()
    windows = tokens.unfold(0, T + 1, T) if len(tokens) > T else tokens.new_empty(0, T + 1)
    rest = tokens[len(windows) * T :]
    groups = ([rest[None]] if len(rest) > 1 else []) + [
        windows[i : i + batch_size] for i in range(0, len(windows), batch_size)
    ]
    nll = sum(
        F.nll_loss(model(group[:, :-1])[0].float().log_softmax(-1).transpose(1, 2), group[:, 1:], reduction="none").sum()
        for group in groups
    )
    for part, mode in modes.items():
        part.training = mode
    return nll / (len(tokens) - 1)


# %% wrong: flag_of_the_whole_only
# "The model is in evaluation mode meanwhile, with all its parts"
# sets model.training, and not that of its parts
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.training = False
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.training = was
    return total / n


# %% wrong: training_mode_afterwards_too
# "afterwards in the mode that it was in"
# calls model.train() at the end, whatever it was
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train()
    return total / n


# %% wrong: empty_last_window
# "the last window may be shorter (or there is none)"
# reads a last window without any token where the windows fill the text
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if True:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train(was)
    return total / n


# %% wrong: short_text_refused
# "n_tokens >= 2"
# raises where the text does not fill one window
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    if not whole:
        raise ValueError("the text is shorter than a window")
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train(was)
    return total / n


# %% wrong: batch_size_unused
# "at most `batch_size` [windows] at a time"
# all whole windows at once
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(max(whole, 1))) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(max(whole, 1))) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train(was)
    return total / n


# %% wrong: gradients_cleared_too
# "Nothing else of it changes, its gradients neither"
# clears the model's gradients to have the memory
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    model.zero_grad(set_to_none=True)
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train(was)
    return total / n


# %% wrong: loss_in_the_models_type
# "The loss is taken in float32, whatever the model computes in"
# cross-entropy in the type of the logits
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0]
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    finally:
        model.train(was)
    return total / n


# %% right: mode_lost_on_error
# "afterwards in the mode that it was in"
# no try and finally: an error of the model leaves it in evaluation mode
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        inputs.append(tokens[None, whole * T : n])
        targets.append(tokens[None, whole * T + 1 :])
    was = model.training
    model.eval()
    total = 0.0
    for x, y in zip(inputs, targets):
        logits = model(x)[0].float()
        total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum").item()
    model.train(was)
    return total / n


# %% right: one_window_after_another
# one window at a time, the mean from a list of all losses in float64; modes kept for each part
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    modes = [(part, part.training) for part in model.modules()]
    for part, _ in modes:
        part.train(False)
    try:
        losses = []
        for start in range(0, len(tokens) - 1, T):
            window = tokens[start : start + T + 1].long()
            log_p = model(window[None, :-1])[0][0].float().log_softmax(-1)
            losses.append(-log_p[torch.arange(len(window) - 1), window[1:]].double())
    finally:
        for part, mode in modes:
            part.training = mode
    return torch.cat(losses).mean()


# %% right: sums_weighted
# index tensors per batch of windows; means times their numbers
def evaluate(model, tokens, T, batch_size=32):
    n, was, total = tokens.numel() - 1, model.training, 0.0
    model.train(False)
    try:
        with torch.inference_mode():
            starts = list(range(0, n, T))
            full = [start for start in starts if start + T <= n]
            groups = [full[i : i + batch_size] for i in range(0, len(full), batch_size)] + [[start] for start in starts if start + T > n]
            for group in groups:
                windows = torch.stack([tokens[start : start + T + 1] for start in group])
                logits = model(windows[:, :-1])[0].to(torch.float32)
                mean = F.cross_entropy(logits.transpose(1, 2), windows[:, 1:].long())
                total += float(mean) * windows[:, 1:].numel()
    finally:
        model.train(was)
    return total / n


# %% wrong: model_made_float_again
# "Nothing else of it changes, its gradients neither."
# a model in bfloat16: its weights are float32 afterwards
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval().float()  # the loss is taken in float32
    n = len(tokens) - 1
    whole = n // T * T
    batches = list(zip(tokens[:whole].reshape(-1, T).split(batch_size), tokens[1 : whole + 1].reshape(-1, T).split(batch_size)))
    batches.append((tokens[None, whole:-1], tokens[None, whole + 1 :]))
    total = 0.0
    for inputs, targets in batches:
        if targets.numel():
            logits = model(inputs)[0]
            total += F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum").item()
    model.train(mode)
    return total / n


# %% wrong: chunks_for_splits
# "up to batch_size windows go through the model at a time, and change nothing but the speed"
# 100 windows and batch_size=4: 25 windows at a time (four chunks), where it should be 4
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    batches = list(zip(tokens[:whole].reshape(-1, T).chunk(batch_size), tokens[1 : whole + 1].reshape(-1, T).chunk(batch_size)))
    batches.append((tokens[None, whole:-1], tokens[None, whole + 1 :]))
    total = 0.0
    for inputs, targets in batches:
        if targets.numel():
            logits = model(inputs)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum").item()
    model.train(mode)
    return total / n


# %% wrong: needs_a_whole_window
# "Shapes: tokens (n_tokens), n_tokens >= 2 -> a number, or a tensor ()."
# 5 tokens and T=8: RuntimeError, stack expects a non-empty TensorList
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    windows = torch.stack([tokens[start : start + T + 1] for start in range(0, n - T + 1, T)])
    batches = list(windows.split(batch_size))
    if n % T:
        batches.append(tokens[None, n - n % T :])
    total = 0.0
    for window in batches:
        logits = model(window[:, :-1])[0].float()
        total += F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten().long(), reduction="sum").item()
    model.train(mode)
    return total / n


# %% wrong: loss_in_the_models_type_again
# "The loss is taken in float32, whatever the model computes in."
# a model in bfloat16: the sums of losses have three digits, and so has the mean (for 200 tokens and T=8 3.338, where it should be 3.344)
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    batches = list(zip(tokens[:whole].reshape(-1, T).split(batch_size), tokens[1 : whole + 1].reshape(-1, T).split(batch_size)))
    batches.append((tokens[None, whole:-1], tokens[None, whole + 1 :]))
    total = torch.zeros((), dtype=torch.float32)
    for inputs, targets in batches:
        if targets.numel():
            logits = model(inputs)[0]
            total += F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum").float().cpu()
    model.train(mode)
    return float(total / n)


# %% right: window_by_window
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval()
    losses = []
    for start in range(0, len(tokens) - 1, T):
        window = tokens[start : start + T + 1].long()
        chances = torch.log_softmax(model(window[:-1].unsqueeze(0))[0].squeeze(0), dim=-1, dtype=torch.float32)
        for row, token in zip(chances, window[1:].tolist()):
            losses.append(-float(row[token]))
    model.train(was_training)
    return math.fsum(losses) / len(losses)


# %% right: by_length
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    reads, ahead = tokens[:-1].split(T), tokens[1:].split(T)
    waiting: dict[int, list[int]] = {}
    for index, window in enumerate(ahead):
        waiting.setdefault(len(window), []).append(index)
    modes = {part: part.training for part in model.modules()}
    model.train(False)
    try:
        every = []
        while waiting:
            length, indices = waiting.popitem()
            now, later = indices[:batch_size], indices[batch_size:]
            if later:
                waiting[length] = later
            logits = model(torch.stack([reads[i] for i in now]))[0].float()
            hit = F.one_hot(torch.stack([ahead[i] for i in now]).long(), logits.shape[-1]).bool()
            every.append((torch.logsumexp(logits, -1) - logits[hit].reshape(len(now), length)).double().flatten())
    finally:
        for part, mode in modes.items():
            part.training = mode
    return torch.cat(every).mean().float()
