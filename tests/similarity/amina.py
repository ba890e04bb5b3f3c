"""Textbook formulas, one step to a line, a comment on each; type hints kept."""

import math

import torch
from torch import nn


def attention_over_states(query, states, w_query, w_states, v):
    # project both into the alignment space
    q_proj = query @ w_query
    s_proj = states @ w_states
    # every state meets the query of its own batch entry
    energy = torch.tanh(q_proj[:, None, :] + s_proj)
    scores = energy @ v
    # softmax across time, never across the batch
    weights = torch.softmax(scores, dim=1)
    context = (weights[:, :, None] * states).sum(dim=1)
    return context, weights


def scaled_dot_product(query, key, value, mask=None):
    d_head = query.shape[-1]
    scores = torch.matmul(query, key.transpose(-1, -2)) / math.sqrt(d_head)
    # keys that may not be read get minus infinity so that exp gives zero
    if mask is not None:
        scores = scores.masked_fill(mask == False, float("-inf"))  # noqa: E712
    attn = torch.softmax(scores, dim=-1)
    return torch.matmul(attn, value)


def causal_attention(query, key, value):
    T = query.shape[-2]
    S = key.shape[-2]
    # row i belongs to position S - T + i of the whole text
    mask = torch.tril(torch.ones(T, S, dtype=torch.bool), diagonal=S - T)
    return scaled_dot_product(query, key, value, mask)


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        B, T, C = x.shape
        d_head = C // self.n_heads
        # cut the width into heads, then put the heads before the positions
        q = self.w_query(x).view(B, T, self.n_heads, d_head).transpose(1, 2)
        k = self.w_key(x).view(B, T, self.n_heads, d_head).transpose(1, 2)
        v = self.w_value(x).view(B, T, self.n_heads, d_head).transpose(1, 2)
        out = self.attend(q, k, v)
        # and back again in the opposite order
        out = out.transpose(1, 2).contiguous().view(B, T, C)
        return self.w_output(out)


def sequential_depth(waits_for, length, n_layers):
    ready = {}
    for t in range(length):
        ready[(0, t)] = 0  # the input is there at once
    for layer in range(1, n_layers + 1):
        for t in range(length):
            latest = 0
            for unit in waits_for(layer, t):
                latest = max(latest, ready[unit])
            ready[(layer, t)] = latest + 1
    return max(ready.values())


def online_softmax_attention(query, key, value, block_size=64):
    S = key.shape[-2]
    scale = 1 / math.sqrt(query.shape[-1])
    m = torch.full((*query.shape[:-1], 1), float("-inf"))
    denom = torch.zeros(*query.shape[:-1], 1)
    acc = torch.zeros(*query.shape[:-1], value.shape[-1])
    for start in range(0, S, block_size):
        k = key[..., start : start + block_size, :]
        v = value[..., start : start + block_size, :]
        scores = (query @ k.transpose(-1, -2)) * scale
        m_new = torch.maximum(m, scores.max(dim=-1, keepdim=True).values)
        correction = torch.exp(m - m_new)
        p = torch.exp(scores - m_new)
        denom = denom * correction + p.sum(dim=-1, keepdim=True)
        acc = acc * correction + p @ v
        m = m_new
    return acc / denom


LAB_ANSWER = """
The GRU alone is fine when the pair it is asked for came last, and then falls off quickly: five pairs back it is
close to the 25 percent that guessing would give. With attention on top the curve stays flat near one. I think the
reason is that the GRU has to overwrite its state with every new pair, while attention can go back to the state at
the right pair. The third network, attention without recurrence, is just as good and has only two steps to wait, but
on my laptop it was the slowest for long inputs, so the number of steps is not the same as the time.
"""
WRITTEN_ANSWER = """
When the model generates, it can only start on token t + 1 after token t has been sampled, and sampling needs the
top layer. So attention also has to go through all L layers for each of the T tokens, which makes T times L. The
advantage only exists during training because there all the tokens are given.
"""
