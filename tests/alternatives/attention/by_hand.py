"""Everything spelt out: float64 within, softmax by hand, the lowest of all numbers for a mask, hand-made recursion."""

from functools import cache

import torch
from torch import nn


def softmax(scores):
    exponentials = torch.exp(scores - scores.amax(dim=-1, keepdim=True).detach())
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def attention_over_states(query, states, w_query, w_states, v):
    query, states, w_query, w_states, v = (x.double() for x in (query, states, w_query, w_states, v))
    B, T, _ = states.shape
    repeated = query.unsqueeze(1).expand(B, T, -1)
    both = torch.cat([repeated, states], dim=-1) @ torch.cat([w_query, w_states], dim=0)
    weights = softmax((both.tanh() * v).sum(dim=-1))
    return (weights.unsqueeze(-1) * states).sum(dim=1), weights


def scaled_dot_product(query, key, value, mask=None):
    scores = (query.double() / query.size(-1) ** 0.25) @ (key.double() / key.size(-1) ** 0.25).mT
    if mask is not None:
        scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    return (softmax(scores) @ value.double()).to(value.dtype)


def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    scores = query @ key.mT / query.size(-1) ** 0.5
    future = torch.ones(T, S).triu(diagonal=S - T + 1) == 1
    scores[..., future] = float("-inf")  # in place, on what the gradient does not need
    return torch.matmul(nn.Softmax(dim=-1)(scores), value)


class Base(nn.Module):
    def __init__(self, width):
        super().__init__()
        for name in ("query", "key", "value", "output"):
            self.add_module(f"w_{name}", nn.Linear(width, width, bias=False))


class MultiHeadAttention(Base):
    """A subclass of the learner's own, in which the heads are cut with chunk and the texts folded into them."""

    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__(d_model)
        if d_model // n_heads * n_heads != d_model:
            raise ValueError(f"{d_model=} {n_heads=}")
        self.n_heads, self.attend = n_heads, attend

    def forward(self, x):
        batch, length, width = x.size()
        query, key, value = (
            torch.stack(projection(x).chunk(self.n_heads, dim=-1)).transpose(0, 1).contiguous()
            for projection in (self.w_query, self.w_key, self.w_value)
        )
        y = self.attend(query, key, value)
        y = y.permute(0, 2, 1, 3).contiguous().view(batch, length, width)
        return y @ self.w_output.weight.T


def sequential_depth(waits_for, length, n_layers):
    """Recursive, with a memory, asked in reading order so that the recursion stays shallow."""

    @cache
    def ready(layer, position):
        if layer == 0:
            return 0
        return 1 + max([ready(*unit) for unit in waits_for(layer, position)] or [0])

    longest = 0
    for layer in range(1, n_layers + 1):
        for position in range(length):
            longest = max(longest, ready(layer, position))
    return longest


def online_softmax_attention(query, key, value, block_size=64):
    """One more column of ones in the values carries the sum of exponentials along."""
    value = torch.cat([value, torch.ones_like(value[..., :1])], dim=-1)
    largest = query.new_full((*query.shape[:-1], 1), -torch.inf)
    carried = query.new_zeros(*query.shape[:-1], value.size(-1))
    at = 0
    while at < key.size(-2):
        scores = (query / query.size(-1) ** 0.5) @ key[..., at : at + block_size, :].mT
        before, largest = largest, largest.maximum(scores.amax(-1, True))
        carried = carried * (before - largest).exp() + (scores - largest).exp() @ value[..., at : at + block_size, :]
        at += block_size
    return carried[..., :-1] / carried[..., -1:]
