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


# %% wrong: gradients_are_left
# "A function of yours leaves what it is given as it was"
# The loss is sent back through the model, as in training.
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    for begin in range(0, len(tokens) - 1, T):
        its = tokens[None, begin : begin + T + 1]
        loss = F.cross_entropy(model(its[:, :-1])[0].float().flatten(0, 1), its[:, 1:].flatten(), reduction="sum")
        loss.backward()
        total += loss.item()
    model.train(was)
    return total / (len(tokens) - 1)


# %% wrong: stays_in_evaluation
# "and afterwards in the mode that it was in."
# The mode is not put back.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    model.eval()
    total = 0.0
    for begin in range(0, len(tokens) - 1, T):
        its = tokens[None, begin : begin + T + 1]
        total += F.cross_entropy(model(its[:, :-1])[0].float().flatten(0, 1), its[:, 1:].flatten(), reduction="sum").item()
    return total / (len(tokens) - 1)


# %% wrong: a_memory_from_window_to_window
# "each from its own beginning"
# Each window begins with the last token of the window before, which is predicted there already and read twice.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was, total = model.training, 0.0
    model.eval()
    for begin in range(0, len(tokens) - 1, T):
        before = max(begin - 1, 0)
        its = tokens[None, before : begin + T + 1]
        logits = model(its[:, :-1])[0].float()[:, begin - before :]
        total += F.cross_entropy(logits.flatten(0, 1), tokens[begin + 1 : begin + T + 1], reduction="sum").item()
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


# %% wrong: rest_padded_with_token_0
# "every token but the first is predicted once"
# The last window is filled up with token 0, and targets of 0 do not count: real ones neither.
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
        fill = (0, T - (n - whole))
        parts.append((F.pad(inputs[whole:], fill)[None], F.pad(targets[whole:], fill)[None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum", ignore_index=0))
    model.train(was_training)
    return total / max(int((targets != 0).sum()), 1)


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


# %% wrong: short_window_first
# "in windows of T targets laid end to end ... the last window may be shorter"
# The shorter window is the first one: the same where nothing is left over, and for a model that looks at one token only.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    rest = n - whole
    inputs, targets = tokens[:-1], tokens[1:]
    parts = list(zip(inputs[rest:].view(-1, T).split(batch_size), targets[rest:].view(-1, T).split(batch_size)))
    if not whole:
        parts = []
    if whole < n:
        parts.append((inputs[:rest][None], targets[:rest][None]))
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


# %% wrong: weights_frozen
# "A function of yours leaves what it is given as it was" / "afterwards in the mode that it was in"
# Freezes the weights for the evaluation, for good.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    was_training = model.training
    model.eval().requires_grad_(False)
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


# %% wrong: only_dropout_off
# "The model is in evaluation mode meanwhile"
# Turns nn.Dropout off and nothing else; what hangs on self.training, or a BatchNorm, goes on as in training.
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    dropouts = [part for part in model.modules() if isinstance(part, nn.Dropout) and part.training]
    for part in dropouts:
        part.eval()
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
    for part in dropouts:
        part.train()
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


# %% wrong: one_token_left_is_none
# "every token but the first is predicted once"
# A last window of a single target is left out (nothing to read, it seems), and from the number too.
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
    if whole < n - 1 or not whole:
        parts.append((inputs[whole:][None], targets[whole:][None]))
    total = 0.0
    for x, y in parts:
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum"))
    model.train(was_training)
    return total / sum(y.numel() for _, y in parts)


# %% wrong: running_mean_of_batches
# "1/(N-1) Σ": one mean over all tokens
# A mean of the batches' means, weighed by their rows: the short last window counts as a whole one.
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
        logits = model(x)[0].float()
        total += float(F.cross_entropy(logits.flatten(0, 1), y.flatten())) * len(x)
    model.train(was_training)
    return total / sum(len(x) for x, _ in parts)


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


# %% wrong: padded_and_zero_ignored
# "every token but the first is predicted once"
# pads the last window with 0 and ignores targets of 0, also real ones, in it
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        pad = T - n % T
        inputs.append(F.pad(tokens[None, whole * T : n], (0, pad)))
        targets.append(F.pad(tokens[None, whole * T + 1 :], (0, pad)))
    was = model.training
    model.eval()
    try:
        total = 0.0
        for x, y in zip(inputs, targets):
            logits = model(x)[0].float()
            last = n % T > 0 and y is targets[-1]
            total += F.cross_entropy(logits.flatten(0, 1), y.flatten().long(), reduction="sum", ignore_index=0 if last else -100).item()
    finally:
        model.train(was)
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


# %% wrong: last_window_moved_back_too
# "read in windows of T targets laid end to end, each from its own beginning"
# the last window is full, moved back, and only its new targets count: they have more in front of them
@torch.no_grad()
def evaluate(model, tokens, T, batch_size=32):
    n = len(tokens) - 1
    whole = n // T
    inputs = list(tokens[: whole * T].reshape(whole, T).split(batch_size)) if whole else []
    targets = list(tokens[1 : whole * T + 1].reshape(whole, T).split(batch_size)) if whole else []
    if n % T:
        start = max(n - T, 0)
        inputs.append(tokens[None, start:n])
        ahead = tokens[None, start + 1 :].long().clone()
        ahead[:, : whole * T - start] = -100
        targets.append(ahead)
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


# %% wrong: only_the_flag_restored
# "The model is in evaluation mode meanwhile, with all its parts, and afterwards in the mode that it was in."
# a model in training mode with a dropout layer: afterwards model.training is True and that of the dropout False
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    whole = n // T * T
    batches = list(zip(tokens[:whole].reshape(-1, T).split(batch_size), tokens[1 : whole + 1].reshape(-1, T).split(batch_size)))
    batches.append((tokens[None, whole:-1], tokens[None, whole + 1 :]))
    total = 0.0
    for inputs, targets in batches:
        if targets.numel():
            logits = model(inputs)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum").item()
    model.training = mode
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


# %% wrong: last_window_slides_back
# "The text is read in windows of T targets laid end to end, each from its own beginning, at most `batch_size` at a time; the last window may be shorter."
# 12 tokens and T=8: the last three targets are predicted from up to eight tokens, where it should be one to three
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    rest, total = n % T, 0.0
    whole = n - rest
    windows = zip(tokens[:whole].reshape(-1, T).split(batch_size), tokens[1 : whole + 1].reshape(-1, T).split(batch_size))
    for inputs, targets in windows:
        if targets.numel():
            logits = model(inputs)[0].float()
            total += F.cross_entropy(logits.flatten(0, 1), targets.flatten().long(), reduction="sum").item()
    if rest:  # the end of the text, each target once
        logits = model(tokens[None, -T - 1 : -1] if n >= T else tokens[None, :-1])[0].float()
        total += F.cross_entropy(logits[0, -rest:], tokens[-rest:].long(), reduction="sum").item()
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


# %% wrong: padded_with_token_zero
# "The mean loss over a whole text, in nats per token: every token but the first is predicted once."
# a text with the token 0 in it: it counts as padding and is not predicted
@torch.no_grad()
def evaluate(model: nn.Module, tokens: Tensor, T: int, batch_size: int = 32) -> float:
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    padding = -n % T
    inputs = F.pad(tokens[:-1], (0, padding)).reshape(-1, T)
    targets = F.pad(tokens[1:], (0, padding)).reshape(-1, T)
    total, count = 0.0, 0
    for reads, ahead in zip(inputs.split(batch_size), targets.split(batch_size)):
        logits = model(reads)[0].float()
        losses = F.cross_entropy(logits.flatten(0, 1), ahead.flatten().long(), reduction="none")
        real = ahead.flatten() != 0
        total += losses[real].sum().item()
        count += int(real.sum())
    model.train(mode)
    return total / max(count, 1)


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
