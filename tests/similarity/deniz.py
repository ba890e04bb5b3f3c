"""Textbook again, by somebody who has read public code: variable names of nanoGPT."""

import math

import torch
import torch.nn.functional as F
from torch import nn


def attention_over_states(query, states, w_query, w_states, v):
    B, T, D = states.size()
    hidden = torch.tanh((query @ w_query).view(B, 1, -1) + states @ w_states)
    e = hidden.matmul(v)
    att = F.softmax(e, dim=-1)
    ctx = torch.bmm(att.view(B, 1, T), states).view(B, D)
    return ctx, att


def scaled_dot_product(query, key, value, mask=None):
    att = (query @ key.transpose(-2, -1)) * (1.0 / math.sqrt(key.size(-1)))
    if mask is not None:
        att = att.masked_fill(~mask, float("-inf"))
    att = F.softmax(att, dim=-1)
    y = att @ value
    return y


def causal_attention(query, key, value):
    T, S = query.size(-2), key.size(-2)
    bias = torch.tril(torch.ones(S, S, device=query.device))[S - T :, :]
    return scaled_dot_product(query, key, value, bias == 1)


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
        B, T, C = x.size()  # batch size, sequence length, embedding dimensionality
        k = self.w_key(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, nh, T, hs)
        q = self.w_query(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, nh, T, hs)
        v = self.w_value(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, nh, T, hs)
        y = self.attend(q, k, v)
        y = y.transpose(1, 2).contiguous().view(B, T, C)  # re-assemble all head outputs side by side
        return self.w_output(y)


def sequential_depth(waits_for, length, n_layers):
    memo = {}

    def depth(unit):
        if unit[0] == 0:
            return 0
        if unit not in memo:
            memo[unit] = 1 + max((depth(other) for other in waits_for(*unit)), default=0)
        return memo[unit]

    # left to right, otherwise python's recursion limit is hit
    return max(depth((l, t)) for l in range(1, n_layers + 1) for t in range(length))


def online_softmax_attention(query, key, value, block_size=64):
    # the flash attention forward pass, without the tiling over queries
    m_i = query.new_full(query.shape[:-1], float("-inf"))
    l_i = torch.zeros_like(m_i)
    acc = torch.zeros(*query.shape[:-1], value.shape[-1], dtype=query.dtype)
    for start_n in range(0, key.size(-2), block_size):
        k = key[..., start_n : start_n + block_size, :]
        v = value[..., start_n : start_n + block_size, :]
        qk = query @ k.transpose(-2, -1) / math.sqrt(query.size(-1))
        m_ij = torch.maximum(m_i, qk.max(-1).values)
        p = torch.exp(qk - m_ij[..., None])
        alpha = torch.exp(m_i - m_ij)
        l_i = l_i * alpha + p.sum(-1)
        acc = acc * alpha[..., None] + p @ v
        m_i = m_ij
    return acc / l_i[..., None]


LAB_ANSWER = """
1. gru only. 2. fixed size state = bottleneck, the classic argument of Bahdanau et al., with attention the decoder
can see all encoder states so distance doesn't matter. 3. attention on a gru is still O(T) sequential ops. The
timing plot shows the transformer losing at T = 512 on cpu, because O(T^2) memory traffic dominates there, on the T4
of colab it was the other way round.
"""
WRITTEN_ANSWER = """
Autoregressive decoding is inherently sequential: p(x_t | x_<t) needs x_{t-1}. So the depth is T*L no matter if it's
an rnn or a transformer. Teacher forcing removes that dependency at train time. With a KV cache decoding is also
memory bound, which is a second disadvantage.
"""
