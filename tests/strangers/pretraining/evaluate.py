# %% wrong: mean_over_the_windows
# "The mean over the windows, $(2 + 2 + 4) / 3 = 2.67$, is not that."
# The mean of the windows' means.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, losses = model.training, []
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size))) if n else []
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        logits = model(inputs)[0].float()
        losses += F.cross_entropy(logits.transpose(1, 2), targets, reduction="none").mean(dim=1).tolist()
    model.train(was)
    return sum(losses) / len(losses)


# %% wrong: mean_over_the_batches
# "and change nothing but the speed"
# The mean of the batches' means, in which the windows of a smaller last batch count for more.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, losses = model.training, []
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    whole, rest = 0.0, 0.0
    if n:
        for its, ahead in zip(inputs.split(batch_size), targets.split(batch_size)):
            losses.append(float(F.cross_entropy(model(its)[0].float().flatten(0, 1), ahead.flatten())))
        whole = sum(losses) / len(losses) * n * T
    if n * T < len(tokens) - 1:
        logits = model(tokens[None, n * T : -1])[0].float()
        rest = float(F.cross_entropy(logits[0], tokens[n * T + 1 :], reduction="sum"))
    model.train(was)
    return (whole + rest) / (len(tokens) - 1)


# %% wrong: last_window_left_out
# "the last window may be shorter."
# What does not fill a window is left out, where there is a whole one.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    T = min(T, len(tokens) - 1)
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    for its, ahead in zip(inputs.split(batch_size), targets.split(batch_size)):
        total += float(F.cross_entropy(model(its)[0].float().flatten(0, 1), ahead.flatten(), reduction="sum"))
    model.train(was)
    return total / (n * T)


# %% wrong: last_window_moved_back
# "The text is read in windows of T targets laid end to end, each from its own beginning"
# The last window is moved back until it is full; only its new targets count, but they have more to read.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    T = min(T, len(tokens) - 1)
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    for its, ahead in zip(inputs.split(batch_size), targets.split(batch_size)):
        total += float(F.cross_entropy(model(its)[0].float().flatten(0, 1), ahead.flatten(), reduction="sum"))
    if left := len(tokens) - 1 - n * T:
        logits = model(tokens[None, -T - 1 : -1])[0].float()
        total += float(F.cross_entropy(logits[0, -left:], tokens[-left:], reduction="sum"))
    model.train(was)
    return total / (len(tokens) - 1)


# %% wrong: first_of_each_window_never_predicted
# "every token but the first is predicted once."
# The text is cut into pieces of T tokens, and in each the first is only read.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total, count = model.training, 0.0, 0
    model.eval()
    pieces = [piece for piece in tokens.split(max(T, 2)) if len(piece) > 1]
    whole = [piece for piece in pieces if len(piece) == len(pieces[0])]
    batches = [torch.stack(whole[i : i + batch_size]) for i in range(0, len(whole), batch_size)]
    batches += [piece[None] for piece in pieces[len(whole) :]]
    for its in batches:
        logits = model(its[:, :-1])[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), its[:, 1:].flatten(), reduction="sum"))
        count += its[:, 1:].numel()
    model.train(was)
    return total / count


# %% wrong: divided_by_all_tokens
# "\mathcal{L} = -\frac{1}{N - 1} \sum_{t = 2}^{N} \log p(w_t"
# The sum is divided by N.
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
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train(was)
    return total / len(tokens)


# %% wrong: in_the_mode_that_it_was_in
# "The model is in evaluation mode meanwhile"
# The mode is not changed: dropout goes on.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    total = 0.0
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size))) if n else []
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    return total / (len(tokens) - 1)


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


# %% wrong: only_full_batches
# "What you report is the loss on *other* text, every token of it"
# A batch that is not full is dropped where there is a full one.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total, count = model.training, 0.0, 0
    model.eval()
    n = (len(tokens) - 1) // T
    batch_size = max(min(batch_size, n), 1)
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = [pair for pair in zip(inputs.split(batch_size), targets.split(batch_size)) if len(pair[0]) == batch_size]
    if n * T < len(tokens) - 1:
        batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
        count += targets.numel()
    model.train(was)
    return total / count


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


# %% wrong: mean_of_an_empty_window
# "What is left is a window of its own, and may be empty."
# Means times counts: the mean of an empty last window is not a number, and 0 times it neither.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    n = (len(tokens) - 1) // T
    inputs, targets = tokens[: n * T].view(n, T), tokens[1 : n * T + 1].view(n, T)
    batches = list(zip(inputs.split(batch_size), targets.split(batch_size))) if n else []
    batches.append((tokens[None, n * T : -1], tokens[None, n * T + 1 :]))
    for inputs, targets in batches:
        mean = F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten())
        total += float(mean) * targets.numel()
    model.train(was)
    return total / (len(tokens) - 1)


# %% wrong: padding_predicted_too
# "windows of $T$ targets end to end, the last one perhaps shorter"
# The last window is filled with token 0, which is read and predicted like any other.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    n = math.ceil((len(tokens) - 1) / T)
    tokens = F.pad(tokens, (0, n * T + 1 - len(tokens)))
    inputs, targets = tokens[:-1].view(n, T), tokens[1:].view(n, T)
    for its, ahead in zip(inputs.split(batch_size), targets.split(batch_size)):
        total += float(F.cross_entropy(model(its)[0].float().flatten(0, 1), ahead.flatten(), reduction="sum"))
    model.train(was)
    return total / (n * T)


# %% wrong: in_bits
# "evaluate(model, tokens, T, batch_size=32) -> a number, in nats per token"
# The number is in bits.
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
        total += float(F.cross_entropy(model(inputs)[0].float().flatten(0, 1), targets.flatten(), reduction="sum"))
    model.train(was)
    return total / (len(tokens) - 1) / math.log(2)


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
