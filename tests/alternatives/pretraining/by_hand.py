"""Pretraining by hand: every pair counted anew for each merge, loops over single numbers, no function of a library."""

import math
from itertools import pairwise

import torch
from torch import nn

from solutions.pretraining import split_words


def joined(tokens, pair, new):
    """The tokens with `new` for each pair, from the left."""
    result, i = [], 0
    while i < len(tokens):
        found = tuple(tokens[i : i + 2]) == tuple(pair)
        result.append(new if found else tokens[i])
        i += 2 if found else 1
    return result


def train_bpe(text, vocab_size):
    """Count all pairs of all words again for each merge; the plain algorithm of the paper."""
    if vocab_size < 256:
        raise ValueError("the bytes alone are 256")
    words = {}
    for word in split_words(text):
        words[word] = words.get(word, 0) + 1
    spellings = {word: list(word.encode()) for word in words}
    merges = []
    while len(merges) + 256 < vocab_size:
        counts = {}
        for word, tokens in spellings.items():
            for pair in pairwise(tokens):
                counts[pair] = counts.get(pair, 0) + words[word]
        if not counts:
            raise ValueError("no pair is left")
        highest = max(counts.values())
        best = sorted(pair for pair, count in counts.items() if count == highest)[0]
        spellings = {word: joined(tokens, best, 256 + len(merges)) for word, tokens in spellings.items()}
        merges.append(best)
    return merges


def encode(text, merges):
    """Every merge in its turn, over every word."""
    result = []
    for word in split_words(text):
        tokens = list(word.encode())
        for number, pair in enumerate(merges, 256):
            tokens = joined(tokens, pair, number)
        result.extend(tokens)
    return result


def decode(tokens, merges):
    """Take tokens apart until only bytes are left."""
    stack, found = list(tokens)[::-1], bytearray()
    while stack:
        token = stack.pop()
        if token < 0 or token >= 256 + len(merges):
            raise ValueError(f"no token {token}")
        if token < 256:
            found.append(token)
        else:
            first, second = merges[token - 256]
            stack += [second, first]
    return found.decode("utf-8", "replace")


def get_batch(tokens, batch_size, T, generator=None):
    """A slice for each row, its place drawn by itself."""
    if len(tokens) < T + 1:
        raise ValueError("too short")
    inputs, targets = [], []
    for _ in range(batch_size):
        start = torch.randint(0, len(tokens) - T, (), generator=generator).item()
        inputs.append(tokens[start : start + T])
        targets.append(tokens[start + 1 : start + T + 1])
    return torch.stack(inputs), torch.stack(targets)


def adamw_update(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    """Number by number, in Python's own floats."""
    with torch.no_grad():
        flat = [tensor.detach().view(-1) for tensor in (weight, gradient, mean, mean_square)]
        for i in range(weight.numel()):
            w, g, m, v = (tensor[i].item() for tensor in flat)
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g * g
            corrected = m / (1 - betas[0] ** step) / (math.sqrt(v / (1 - betas[1] ** step)) + eps)
            flat[0][i] = w - learning_rate * (weight_decay * w + corrected)
            flat[2][i], flat[3][i] = m, v


def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    """With the half angle: (1 + cos a) / 2 is the square of cos(a / 2)."""
    if step + 1 <= warm_up:
        return peak / warm_up * (step + 1)
    gone, to_go = (step, steps) if warm_up == 0 else (step - warm_up + 1, steps - warm_up + 1)
    share = math.cos(math.pi / 2 * gone / to_go) ** 2
    return share * peak + (1 - share) * floor


def clip_gradients(parameters, max_norm):
    """The sum of all squares; new gradients in the place of the old."""
    parameters = list(parameters)
    total = 0.0
    for parameter in parameters:
        if parameter.grad is not None:
            total += (parameter.grad.double() ** 2).sum().item()
    norm = math.sqrt(total)
    if norm > max_norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad = parameter.grad * (max_norm / norm)
    return norm


def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    """With a scaler and without one, as two ways; the gradients are cleared by setting them to None."""
    for parameter in model.parameters():
        parameter.grad = None
    n, total = sum(len(targets.flatten()) for _, targets in batches), 0.0
    for inputs, targets in batches:
        if dtype is torch.float32:
            logits, _ = model(inputs)
        else:
            with torch.autocast(device_type="cpu", dtype=dtype):
                logits, _ = model(inputs)
        log_probabilities = torch.log_softmax(logits.to(torch.float32), dim=-1)
        loss = -log_probabilities.gather(-1, targets.unsqueeze(-1)).sum() / n
        total += loss.item()
        (loss if scaler is None else scaler.scale(loss)).backward()
    if scaler is None:
        norm = clip_gradients(model.parameters(), max_norm)
        optimiser.step()
    else:
        scaler.unscale_(optimiser)
        norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        scaler.step(optimiser)
        scaler.update()
    return total, norm


def evaluate(model, tokens, T, batch_size=32):
    """One window at a time, one target at a time."""
    training = model.training
    model.eval()
    losses = []
    with torch.no_grad():
        for start in range(0, len(tokens) - 1, T):
            window = tokens[start : start + T + 1]
            logits = model(window[:-1].unsqueeze(0))[0][0]
            for scores, target in zip(logits.double(), window[1:]):
                losses.append((torch.logsumexp(scores, 0) - scores[target]).item())
    model.train(training)
    return math.fsum(losses) / len(losses)


def fit_power_law(x, y, floor=0.0):
    """Sums over the points, in Python's own floats."""
    if any(value <= floor for value in y.tolist()):
        raise ValueError("a loss at the floor or below")
    points = [(math.log(a), math.log(b - floor)) for a, b in zip(x.tolist(), y.tolist())]
    n = len(points)
    sum_x, sum_y = sum(a for a, _ in points), sum(b for _, b in points)
    sum_xx, sum_xy = sum(a * a for a, _ in points), sum(a * b for a, b in points)
    slope = (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x**2)
    return math.exp((sum_y - slope * sum_x) / n), -slope
