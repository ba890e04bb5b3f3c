"""Pretraining by calls of libraries: PyTorch's optimiser, clipping and unfold, NumPy's polyfit, Python's `re`."""

import re
from collections import Counter
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from solutions.pretraining import merge_pair, split_words


def train_bpe(text, vocab_size):
    """The words as strings with a character for each token, pairs found and replaced by `re` and `str.replace`."""
    if vocab_size < 256:
        raise ValueError("vocab_size")
    words = Counter(split_words(text))
    spelt = {word: "".join(map(chr, word.encode())) for word in words}
    merges = []
    for new in range(256, vocab_size):
        counts = Counter()
        for word, times in words.items():
            for pair in re.findall(r"(?s)(?=(..))", spelt[word]):  # looking ahead finds pairs that overlap
                counts[pair] += times
        if not counts:
            raise ValueError("no pairs")
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append((ord(best[0]), ord(best[1])))
        spelt = {word: letters.replace(best, chr(new)) for word, letters in spelt.items()}
    return merges


def encode(text, merges):
    """The smallest rank first, looked up in a dict."""
    ranks = dict(zip(map(tuple, merges), range(len(merges))))

    @lru_cache(maxsize=10_000)
    def of_word(word):
        tokens = list(word.encode("utf-8"))
        while True:
            pairs = set(pairwise(tokens)) & ranks.keys()
            if not pairs:
                return tuple(tokens)
            pair = min(pairs, key=ranks.__getitem__)
            tokens = merge_pair(tokens, pair, 256 + ranks[pair])

    return list(chain.from_iterable(map(of_word, split_words(text))))


def decode(tokens, merges):
    """A dict of bytes."""
    table = {byte: bytes((byte,)) for byte in range(256)}
    for number, pair in enumerate(merges, start=256):
        table[number] = b"".join(map(table.get, pair))
    try:
        return b"".join(table[int(token)] for token in tokens).decode(errors="replace")
    except KeyError as error:
        raise ValueError(f"unknown token {error}") from None


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
    """One backward pass, of the mean over the logits of all batches."""
    optimiser.zero_grad()
    scaler = torch.amp.GradScaler("cpu", enabled=False) if scaler is None else scaler
    with torch.autocast("cpu", dtype=dtype, enabled=dtype is not torch.float32):
        logits = [model(inputs)[0].flatten(0, 1) for inputs, _ in batches]
    targets = torch.cat([targets.flatten() for _, targets in batches])
    loss = F.cross_entropy(torch.cat(logits).float(), targets)
    scaler.scale(loss).backward()
    scaler.unscale_(optimiser)
    norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm)
    scaler.step(optimiser)
    scaler.update()
    return loss.detach(), norm


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
