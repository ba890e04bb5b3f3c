"""Pretraining by calls of libraries: PyTorch's optimiser, clipping and unfold, NumPy's polyfit."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def get_batch(tokens, batch_size, T, generator=None):
    """All windows as one view, of which some are drawn with `multinomial`."""
    if tokens.numel() <= T:
        raise ValueError("too short")
    windows = tokens.unfold(0, T + 1, 1)
    drawn = torch.multinomial(torch.ones(len(windows)), batch_size, replacement=True, generator=generator)
    return windows[drawn, :-1], windows[drawn, 1:]


def adamw_update(
    weight, gradient, mean, mean_square, step, learning_rate, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1
):
    """PyTorch's own optimiser, given the state."""
    parameter = nn.Parameter(weight.detach().clone())
    optimiser = torch.optim.AdamW([parameter], learning_rate, betas, eps, weight_decay)
    optimiser.state[parameter] = {"step": torch.tensor(float(step - 1)), "exp_avg": mean, "exp_avg_sq": mean_square}
    parameter.grad = gradient.clone()
    optimiser.step()
    weight.data.copy_(parameter.data)


def warmup_cosine(step, steps, peak, warm_up, floor=0.0):
    """NumPy's interpolation and cosine."""
    if step < warm_up:
        return float(np.interp(step + 1, [0, warm_up], [0, peak]))
    progress = np.interp(step, [max(warm_up, 1) - 1, steps], [0, np.pi])
    return float((peak + floor) / 2 + (peak - floor) / 2 * np.cos(progress))


def clip_gradients(parameters, max_norm):
    """PyTorch's own."""
    return nn.utils.clip_grad_norm_(parameters, max_norm)


def train_step(model, optimiser, batches, max_norm=1.0, dtype=torch.float32, scaler=None):
    """One mean over all targets of each batch, by NLLLoss; the shares of all targets go into `backward` itself."""
    optimiser.zero_grad()
    scaler = torch.amp.GradScaler("cpu", enabled=False) if scaler is None else scaler
    sizes = torch.tensor([float(targets.numel()) for _, targets in batches])
    shares = sizes / sizes.sum()
    losses = []
    for (inputs, targets), share in zip(batches, shares):
        with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
            logits = model(inputs)[0]
        losses.append(nn.NLLLoss()(logits.float().log_softmax(-1).transpose(1, 2), targets))
        scaler.scale(losses[-1]).backward(gradient=share)
    scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return torch.stack(losses).detach() @ shares, norm


@torch.inference_mode()
def evaluate(model, tokens, T, batch_size=32):
    """The last window filled up, and what is filled in ignored."""
    mode = model.training
    model.eval()
    n = len(tokens) - 1
    missing = -n % T
    inputs = F.pad(tokens[:-1], (0, missing)).view(-1, T)
    targets = F.pad(tokens[1:], (0, missing), value=-100).view(-1, T)
    total = 0.0
    for rows, row_targets in zip(inputs.split(batch_size), targets.split(batch_size)):
        logits, _ = model(rows)
        total += F.cross_entropy(logits.float().transpose(1, 2), row_targets, reduction="none").sum().item()
    model.train(mode)
    return total / n


def fit_power_law(x, y, floor=0.0):
    """NumPy's polynomial of degree one."""
    if y.min() <= floor:
        raise ValueError("floor")
    slope, start = np.polyfit(np.log(x.double().numpy()), np.log(y.double().numpy() - floor), 1)
    return np.exp(start), -slope
