"""As much as possible left to PyTorch and to Python's own library."""

from graphlib import TopologicalSorter

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention.bias import causal_lower_right


def attention_over_states(query, states, w_query, w_states, v):
    scores = F.linear(torch.tanh((query @ w_query)[:, None, :] + F.linear(states, w_states.T)), v[None]).squeeze(-1)
    weights = F.softmax(scores, dim=1)
    return torch.bmm(weights[:, None], states)[:, 0], weights


def scaled_dot_product(query, key, value, mask=None):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def causal_attention(query, key, value):
    return F.scaled_dot_product_attention(query, key, value, attn_mask=causal_lower_right(query.size(-2), key.size(-2)))


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model: int, n_heads: int, attend=causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError("n_heads")
        self.heads, self.attend = (n_heads, d_model // n_heads), attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x):
        fused = F.linear(x, torch.cat([self.w_query.weight, self.w_key.weight, self.w_value.weight]))
        query, key, value = fused.unflatten(-1, (3, *self.heads)).permute(2, 0, 3, 1, 4)
        return self.w_output(self.attend(query, key, value).movedim(1, 2).flatten(-2))


def sequential_depth(waits_for, length, n_layers):
    units = [(layer, position) for layer in range(1, n_layers + 1) for position in range(length)]
    graph = TopologicalSorter({unit: [other for other in waits_for(*unit) if other[0]] for unit in units})
    graph.prepare()
    steps = 0
    while graph.is_active():
        graph.done(*graph.get_ready())
        steps += 1
    return steps


def online_softmax_attention(query, key, value, block_size=64):
    """The gradient of nothing is asked for, so NumPy will do."""
    import numpy as np

    q, k, v = (x.detach().numpy().astype(np.float64) for x in (query, key, value))
    maximum = np.full(q.shape[:-1], -np.inf)
    denominator, numerator = np.zeros_like(maximum), np.zeros((*q.shape[:-1], v.shape[-1]))
    for block in np.array_split(np.arange(k.shape[-2]), -(-k.shape[-2] // block_size)):
        logits = q @ np.swapaxes(k[..., block, :], -1, -2) / np.sqrt(q.shape[-1])
        previous, maximum = maximum, np.maximum(maximum, logits.max(-1))
        exponentials = np.exp(logits - maximum[..., None])
        scale = np.exp(previous - maximum)
        denominator = scale * denominator + exponentials.sum(-1)
        numerator = scale[..., None] * numerator + exponentials @ v[..., block, :]
    return torch.from_numpy(numerator / denominator[..., None]).to(query.dtype)
