"""Prediction by other formulas: index arithmetic, one-hot targets, logarithms, inverse distribution functions."""

import math
from collections import Counter

import torch
from torch import nn


def next_token_pairs(tokens, context_length):
    """One table of positions, and the same one place later."""
    n = (tokens.numel() - 1) // context_length
    if n < 1:
        raise ValueError("the text is too short")
    positions = torch.arange(n).unsqueeze(1) * context_length + torch.arange(context_length)
    return tokens[positions], tokens[positions + 1]


def cross_entropy(logits, targets, ignore_index=-100):
    """logsumexp minus the target's logit, in float64, with weights of 0 and 1 for the positions."""
    if logits.shape[:-1] != targets.shape:
        raise ValueError("shapes")
    counts = (targets != ignore_index).double()
    if counts.sum() == 0:
        raise ValueError("nothing to predict")
    one_hot = (targets.unsqueeze(-1) == torch.arange(logits.size(-1))).double()
    wide = logits.double().where(counts.unsqueeze(-1) > 0, 0.0)  # zero times NaN would be NaN
    losses = torch.logsumexp(wide, dim=-1) - (wide * one_hot).sum(-1)
    return (losses * counts).sum() / counts.sum()


def perplexity(losses):
    """2 to the power of the mean in bits."""
    return torch.pow(2.0, torch.as_tensor(losses).double().mean() / math.log(2))


def bits_per_byte(loss, n_tokens, n_bytes):
    """The bits of a token, for each of its bytes."""
    if n_bytes <= 0:
        raise ValueError("no bytes")
    return loss / math.log(2) / (n_bytes / n_tokens)


def count_ngrams(tokens, n):
    """Grow the context to the left: pairs of (context, token), counted at once."""
    if n <= 0:
        raise ValueError("n")
    ids = [int(token) for token in tokens]
    counts = {}
    for (context, token), count in Counter(
        (tuple(ids[at - n + 1 : at]), ids[at]) for at in range(n - 1, len(ids))
    ).items():
        counts.setdefault(context, Counter())[token] = count
    return counts


def ngram_probabilities(counts, context, vocab_size, k=1.0):
    """A mixture of the shares that were seen and of all tokens alike, weighed by how much was seen."""
    if k < 0:
        raise ValueError("k")
    seen = torch.zeros(vocab_size, dtype=torch.float64)
    for token, count in counts.get(tuple(context), Counter()).items():
        seen[token] = count
    total = seen.sum()
    if total + k == 0:
        raise ValueError("nothing is known")
    trust = total / (total + k * vocab_size)
    return trust * seen / total.clamp(min=1) + (1 - trust) / vocab_size


def sample(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """The inverse of the distribution function, at one random number for each row."""
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError("bad argument")
    if temperature == 0:
        return logits.argsort(dim=-1)[..., -1]
    probabilities = nn.Softmax(dim=-1)(logits.double() / temperature)
    order = probabilities.argsort(dim=-1, descending=True)
    ranked = probabilities.gather(-1, order)
    if top_k is not None:
        ranked = ranked * (torch.arange(ranked.size(-1)) < top_k)
        ranked = ranked / ranked.sum(-1, keepdim=True)
    upto = ranked.cumsum(-1)
    if top_p is not None:
        size = (upto < top_p).sum(-1, keepdim=True) + 1
        upto = upto.minimum(upto.gather(-1, (size - 1).clamp(max=ranked.size(-1) - 1)))
    number = torch.rand(logits.shape[:-1], generator=generator, dtype=torch.float64).unsqueeze(-1) * upto[..., -1:]
    rank = torch.searchsorted(upto.contiguous(), number.contiguous(), right=True).clamp(max=ranked.size(-1) - 1)
    return order.gather(-1, rank).squeeze(-1)


def mask_tokens(tokens, mask_id, vocab_size, probability=0.15, generator=None):
    """One random number for each position says everything: where it falls below `probability`, and how far."""
    if probability < 0 or probability > 1:
        raise ValueError("probability")
    number = torch.rand(tokens.shape, generator=generator, dtype=torch.float64)
    inputs, targets = tokens.clone(), torch.full_like(tokens, -100)
    asked = number < probability
    targets[asked] = tokens[asked]
    hidden = number < 0.8 * probability
    inputs[hidden] = mask_id
    moved = asked & (number >= 0.9 * probability)
    inputs[moved] = torch.randint(vocab_size, (int(moved.sum()),), generator=generator)
    return inputs, targets
