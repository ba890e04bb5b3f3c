"""Pretraining by hand: loops over single numbers, no function of a library."""

import math
from itertools import product

import torch
from torch import nn


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
        for i in product(*map(range, weight.shape)):
            w, g, m, v = (tensor[i].item() for tensor in (weight, gradient, mean, mean_square))
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * g * g
            corrected = m / (1 - betas[0] ** step) / (math.sqrt(v / (1 - betas[1] ** step)) + eps)
            weight[i] = w - learning_rate * (weight_decay * w + corrected)
            mean[i], mean_square[i] = m, v


def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    """With the half angle: (1 + cos a) / 2 is the square of cos(a / 2)."""
    if step + 1 <= warm_up:
        return peak / warm_up * (step + 1)
    gone, to_go = (step, steps) if warm_up == 0 else (step - warm_up + 1, steps - warm_up + 1)
    share = math.cos(math.pi / 2 * gone / to_go) ** 2
    return share * peak + (1 - share) * floor


def clip_gradients(parameters, max_norm):
    """The sum of all squares; new numbers in the place of the old."""
    parameters = list(parameters)
    total = 0.0
    for parameter in parameters:
        if parameter.grad is not None:
            total += (parameter.grad.double() ** 2).sum().item()
    norm = math.sqrt(total)
    if norm > max_norm:
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.grad[...] = parameter.grad * (max_norm / norm)
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
