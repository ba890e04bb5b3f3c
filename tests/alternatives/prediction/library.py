"""Prediction by calls of libraries: PyTorch's loss, distributions and unfold, NumPy's arrays, Python's Counter."""

from collections import Counter, defaultdict

import numpy as np
import torch
import torch.nn.functional as F


def next_token_pairs(tokens, context_length):
    """Windows of one token more, `context_length` apart: all but the last are inputs, all but the first targets."""
    if len(tokens) <= context_length:
        raise ValueError("the text is too short")
    windows = tokens.unfold(0, context_length + 1, context_length)
    return windows[:, :-1], windows[:, 1:]


def cross_entropy(logits, targets, ignore_index=-100):
    """PyTorch's own, on one long row of positions."""
    if logits.shape[:-1] != targets.shape or bool((targets == ignore_index).all()):
        raise ValueError("shapes, or nothing to predict")
    return F.cross_entropy(logits.reshape(-1, logits.size(-1)), targets.reshape(-1), ignore_index=ignore_index)


def perplexity(losses):
    """NumPy's mean and exponential."""
    return np.exp(np.mean(np.asarray(losses, dtype=float)))


def bits_per_byte(loss, n_tokens, n_bytes):
    """With the logarithm to base 2 of e."""
    if n_bytes < 1:
        raise ValueError("no bytes")
    return loss * np.log2(np.e) * (n_tokens / n_bytes)


def count_ngrams(tokens, n):
    """Count whole n-grams first, then sort them by context; the result keeps inventing empty contexts when asked."""
    if n < 1:
        raise ValueError("n")
    counts = defaultdict(Counter)
    if len(tokens) >= n:
        windows = np.lib.stride_tricks.sliding_window_view(tokens.numpy(), n)
        grams, how_often = np.unique(windows, axis=0, return_counts=True)
        for gram, count in zip(grams.tolist(), how_often.tolist()):
            counts[tuple(gram[:-1])][gram[-1]] = count
    return counts


def ngram_probabilities(counts, context, vocab_size, k=1.0):
    """NumPy, in float64."""
    if k < 0 or (k == 0 and not counts.get(context)):
        raise ValueError("nothing is known")
    smoothed = np.full(vocab_size, float(k))
    for token, count in counts.get(context, {}).items():
        smoothed[token] += count
    return smoothed / smoothed.sum()


def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Sort once; both filters cut the sorted row, and Gumbel noise draws from what is left."""
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError("bad argument")
    if temperature == 0:
        return torch.max(logits, dim=-1).indices
    ranked, order = torch.sort(logits.double() / temperature, dim=-1, descending=True)
    if top_k is not None:
        ranked[..., top_k:] = -torch.inf
    if top_p is not None:
        reached = F.pad(ranked.softmax(-1).cumsum(-1), (1, 0))[..., :-1]
        ranked[reached >= top_p] = -torch.inf
    noise = -torch.log(-torch.log(torch.rand(ranked.shape, generator=generator, dtype=torch.float64)))
    rank = (ranked + noise).argmax(dim=-1, keepdim=True)
    return order.gather(-1, rank).squeeze(-1)


def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    """In the way of Hugging Face's collator: coins, and a second coin for half of what the first one left."""
    if not 0 <= probability <= 1:
        raise ValueError("probability")
    inputs, targets = tokens.clone(), tokens.clone()
    asked = torch.bernoulli(torch.full(tokens.shape, probability), generator=generator).bool()
    targets[~asked] = -100
    hidden = torch.bernoulli(torch.full(tokens.shape, 0.8), generator=generator).bool() & asked
    inputs[hidden] = mask_id
    moved = torch.bernoulli(torch.full(tokens.shape, 0.5), generator=generator).bool() & asked & ~hidden
    inputs[moved] = torch.randint(vocab_size, tokens.shape, generator=generator)[moved]
    return inputs, targets
