"""Pretraining in other forms: other formulas for the same numbers."""

import math

import torch
import torch.nn.functional as F


def get_batch(tokens, batch_size, T, generator=None):
    """Places from numbers between 0 and 1; inputs and targets gathered apart."""
    n_places = tokens.size(0) - T
    if n_places <= 0:
        raise ValueError("too short")
    starts = (torch.rand(batch_size, generator=generator, dtype=torch.float64) * n_places).long()
    at = starts.view(-1, 1) + torch.arange(T).view(1, -1)
    return tokens.take(at), tokens.take(at + 1)


def adamw_update(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    """The corrections drawn together into one factor for the step and one for eps, in float64, then copied back."""
    first, second = 1 - betas[0] ** step, math.sqrt(1 - betas[1] ** step)
    m = betas[0] * mean.double() + (1 - betas[0]) * gradient.double()
    v = betas[1] * mean_square.double() + (1 - betas[1]) * gradient.double() ** 2
    update = m / (v**0.5 + eps * second) * (second / first)
    weight.data.copy_(weight.double() * (1 - learning_rate * weight_decay) - learning_rate * update)
    mean.copy_(m)
    mean_square.copy_(v)


def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    """Back from the peak, and the cosine as a sine about its middle."""
    last = warm_up - 1 if warm_up else 0
    if warm_up and step <= last:
        return peak - peak * (last - step) / warm_up
    middle, half = 0.5 * (peak + floor), 0.5 * (peak - floor)
    return middle + half * math.sin(math.pi * (0.5 - (step - last) / (steps - last)))


def clip_gradients(parameters, max_norm):
    """All gradients in one row, in float64."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    row = torch.cat([gradient.reshape(-1) for gradient in gradients]).double()
    norm = torch.sqrt(row @ row)
    if norm > max_norm:
        for gradient in gradients:
            gradient /= norm / max_norm
    return norm.float()


def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    """Means weighed by their numbers of targets, inside autocast, where the loss is taken in float32 by hand."""
    scaler = scaler if scaler is not None else torch.amp.GradScaler("cpu", enabled=False)
    sizes = [targets.numel() for _, targets in batches]
    optimiser.zero_grad(set_to_none=False)
    losses = []
    for (inputs, targets), size in zip(batches, sizes):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            logits, _ = model(inputs)
            losses.append(F.cross_entropy(logits.float().mT, targets) * size / sum(sizes))
        scaler.scale(losses[-1]).backward()
    scaler.unscale_(optimiser)
    norm = clip_gradients(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return sum(loss.item() for loss in losses), norm


def evaluate(model, tokens, T, batch_size=32):
    """Windows with their last target kept in a list, sorted into batches of equal length."""
    windows = [tokens[start : start + T + 1] for start in range(0, len(tokens) - 1, T)]
    modes = {module: module.training for module in model.modules()}
    model.eval()
    total = torch.zeros((), dtype=torch.float64)
    with torch.no_grad():
        while windows:
            size = sum(len(window) == len(windows[0]) for window in windows[:batch_size])
            batch, windows = torch.stack(windows[:size]), windows[size:]
            log_p = model(batch[:, :-1])[0].double().log_softmax(-1)
            total -= log_p.gather(-1, batch[:, 1:, None]).sum()
    for module, mode in modes.items():
        module.training = mode
    return total / (len(tokens) - 1)


def fit_power_law(x, y, floor=0.0):
    """Least squares by `torch.linalg.lstsq`, in float64."""
    if not bool((y > floor).all()):
        raise ValueError("not above the floor")
    columns = torch.stack([torch.ones(len(x)).double(), x.double().log()], dim=1)
    start, slope = torch.linalg.lstsq(columns, (y.double() - floor).log()).solution
    return start.exp().item(), -slope.item()
