"""Prediction in plain Python: one token, one row at a time, and no tensor where a list will do."""

import math
import random
from collections import Counter

import torch


def next_token_pairs(tokens, context_length):
    """Windows taken while the token after the last one is there."""
    inputs, targets, start = [], [], 0
    while start + context_length < len(tokens):
        inputs.append(tokens[start : start + context_length])
        targets.append(tokens[start + 1 : start + context_length + 1])
        start += context_length
    if not inputs:
        raise ValueError("the text is too short")
    return torch.stack(inputs), torch.stack(targets)


def cross_entropy(logits, targets, ignore_index=-100):
    """One position after another; the logits stay tensors, so that gradients flow."""
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    total, count = 0.0, 0
    for row, target in zip(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1).tolist()):
        if target != ignore_index:
            top = max(row.tolist())
            total = total + top + sum((logit - top).exp() for logit in row).log() - row[target]
            count += 1
    if count == 0:
        raise ValueError("nothing to predict")
    return total / count


def perplexity(losses):
    """The geometric mean of one over the probabilities, as a product."""
    flat = torch.as_tensor(losses, dtype=torch.float64).reshape(-1).tolist()
    if math.inf in flat:
        return math.inf
    product = 1.0
    for loss in flat:
        product *= math.exp(loss / len(flat)) if loss < 700 else math.inf
    return product


def bits_per_byte(loss, n_tokens, n_bytes):
    """The whole text in bits, token by token, shared among its bytes."""
    if n_bytes <= 0:
        raise ValueError("no bytes")
    return sum(loss / math.log(2) for _ in range(n_tokens)) / n_bytes


def count_ngrams(tokens, n):
    """Look back from each position; a new Counter where a context comes for the first time."""
    if n < 1:
        raise ValueError("n")
    counts = {}
    for position in range(n - 1, len(tokens)):
        context = tuple(int(token) for token in tokens[position - n + 1 : position])
        if context not in counts:
            counts[context] = Counter()
        counts[context].update([int(tokens[position])])
    return counts


def ngram_probabilities(counts, context, vocab_size, k=1.0):
    """One token after another, as a list of Python numbers made a tensor at the end."""
    if k < 0:
        raise ValueError("k")
    followers = counts.get(context, {})
    total = sum(followers.values()) + k * vocab_size
    if total == 0:
        raise ValueError("nothing is known")
    return torch.tensor([(followers.get(token, 0) + k) / total for token in range(vocab_size)])


def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Row by row: sort, cut, and walk along the probabilities until a random number is used up."""
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError("bad argument")
    drawn = []
    for row in logits.reshape(-1, logits.shape[-1]).tolist():
        ranked = sorted(range(len(row)), key=lambda token: -row[token])
        if temperature == 0:
            drawn.append(ranked[0])
            continue
        kept = ranked[:top_k]
        weights = [math.exp((row[token] - row[ranked[0]]) / temperature) for token in kept]
        total, reached, nucleus = sum(weights), 0.0, len(kept)
        for rank, weight in enumerate(weights):
            reached += weight / total
            if top_p is not None and reached >= top_p:
                nucleus = rank + 1
                break
        left = torch.rand((), generator=generator).item() * sum(weights[:nucleus])
        for token, weight in zip(kept[:nucleus], weights):  # noqa: B007
            left -= weight
            if left < 0:
                break
        drawn.append(token)
    return torch.tensor(drawn).reshape(logits.shape[:-1])


def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    """Position by position, with Python's own random numbers, seeded from the generator."""
    if not 0 <= probability <= 1:
        raise ValueError("probability")
    chance = random.Random(torch.randint(2**40, (), generator=generator).item())
    inputs, targets = tokens.clone(), torch.full_like(tokens, -100)
    read, write, ask = tokens.reshape(-1), inputs.reshape(-1), targets.reshape(-1)
    for position in range(len(read)):
        if chance.random() < probability:
            ask[position] = read[position]
            fate = chance.randrange(10)
            if fate < 8:
                write[position] = mask_id
            elif fate == 8:
                write[position] = chance.randrange(vocab_size)
    return write.reshape(tokens.shape), ask.reshape(tokens.shape)
