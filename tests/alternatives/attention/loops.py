"""Plain Python loops over texts, heads and positions, one query at a time."""

import math

import torch
from torch import nn


def attention_over_states(query, states, w_query, w_states, v):
    contexts, all_weights = [], []
    for q, text in zip(query, states):
        scores = torch.stack([torch.dot(v, torch.tanh(q @ w_query + state @ w_states)) for state in text])
        exponentials = torch.exp(scores - scores.max())
        weights = exponentials / exponentials.sum()
        all_weights.append(weights)
        contexts.append(sum(weight * state for weight, state in zip(weights, text)))
    return torch.stack(contexts), torch.stack(all_weights)


def one_query(query, key, value, may_read):
    scores = (key[may_read] * query).sum(-1) / math.sqrt(len(query))
    return scores.softmax(0) @ value[may_read]


def scaled_dot_product(query, key, value, mask=None):
    if mask is None:
        mask = torch.ones((), dtype=torch.bool)
    mask = mask.expand(*query.shape[:-1], key.shape[-2])
    if query.dim() > 2:
        return torch.stack([scaled_dot_product(*parts) for parts in zip(query, key, value, mask)])
    return torch.stack([one_query(q, key, value, may_read) for q, may_read in zip(query, mask)])


def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    rows = []
    for t in range(T):
        end = S - T + t + 1
        rows.append(scaled_dot_product(query[..., t : t + 1, :], key[..., :end, :], value[..., :end, :]))
    return torch.cat(rows, dim=-2)


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError
        self.n_heads = n_heads
        self.attend = attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        d_head = x.shape[-1] // self.n_heads

        def heads(projected):
            slices = [projected[..., h * d_head : (h + 1) * d_head] for h in range(self.n_heads)]
            return torch.stack(slices, dim=1)

        found = self.attend(heads(self.w_query(x)), heads(self.w_key(x)), heads(self.w_value(x)))
        return self.w_output(torch.cat([found[:, h] for h in range(self.n_heads)], dim=-1))


def sequential_depth(waits_for, length, n_layers):
    """Step after step, whatever has nothing left to wait for is done: what a machine with enough hands would do."""
    left = {(layer, position): set() for layer in range(1, n_layers + 1) for position in range(length)}
    for unit in left:
        left[unit] = {other for other in waits_for(*unit) if other[0] > 0}
    unlocks = {unit: [] for unit in left}
    for unit, others in left.items():
        for other in others:
            unlocks[other].append(unit)
    steps, ready = 0, [unit for unit, others in left.items() if not others]
    while ready:
        steps += 1
        touched = {unit for done in ready for unit in unlocks[done]}
        for done in ready:
            for unit in unlocks[done]:
                left[unit].discard(done)
        ready = [unit for unit in touched if not left[unit]]
    return steps


def online_softmax_attention(query, key, value, block_size=64):
    """In place: the running sums are overwritten, in float64."""
    largest = torch.full(query.shape[:-1], -torch.inf, dtype=torch.float64)
    total = torch.zeros_like(largest)
    mixed = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=torch.float64)
    for start in range(0, key.shape[-2], block_size):
        stop = min(start + block_size, key.shape[-2])
        scores = query.double() @ key[..., start:stop, :].double().mT
        scores.div_(query.shape[-1] ** 0.5)
        new_largest = torch.max(largest, scores.max(dim=-1).values)
        shrink = largest.sub_(new_largest).exp_()
        scores.sub_(new_largest.unsqueeze(-1)).exp_()
        total.mul_(shrink).add_(scores.sum(-1))
        mixed.mul_(shrink.unsqueeze(-1)).add_(scores @ value[..., start:stop, :].double())
        largest = new_largest
    return mixed.div_(total.unsqueeze(-1)).to(query.dtype)
