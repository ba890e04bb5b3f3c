"""All contractions written with einsum, the mask added to the scores."""

import math

import torch
from torch import nn


def attention_over_states(query, states, w_query, w_states, v):
    hidden = torch.tanh(
        torch.einsum("bq,qa->ba", query, w_query)[:, None] + torch.einsum("btd,da->bta", states, w_states)
    )
    weights = torch.einsum("bta,a->bt", hidden, v).softmax(1)
    return torch.einsum("bt,btd->bd", weights, states), weights


def scaled_dot_product(query, key, value, mask=None):
    scores = torch.einsum("...td,...sd->...ts", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(mask.logical_not(), -torch.inf)
    return torch.einsum("...ts,...sv->...tv", scores.softmax(-1), value)


def causal_attention(query, key, value):
    T, S = query.shape[-2], key.shape[-2]
    place = torch.arange(S, device=query.device)
    return scaled_dot_product(query, key, value, place <= place[S - T :].unsqueeze(1))


class MultiHeadAttention(nn.Module):
    def __init__(self, d_model, n_heads, attend=causal_attention):
        super().__init__()
        if d_model % n_heads != 0:
            raise ValueError("the heads do not divide the width")
        self.h, self.attend = n_heads, attend
        self.w_query, self.w_key, self.w_value, self.w_output = (
            nn.Linear(d_model, d_model, bias=False) for _ in "qkvo"
        )

    def forward(self, x):
        q, k, v = (
            torch.einsum("btc,hdc->bhtd", x, w.weight.unflatten(0, (self.h, -1)))
            for w in (self.w_query, self.w_key, self.w_value)
        )
        return torch.einsum("bhtd,chd->btc", self.attend(q, k, v), self.w_output.weight.unflatten(1, (self.h, -1)))


def online_softmax_attention(query, key, value, block_size=64):
    """Each block gives its own result and its own log of the sum; the results are merged by these logs."""
    result, log_total = None, None
    for start in range(0, key.shape[-2], block_size):
        k, v = (x[..., start : start + block_size, :] for x in (key, value))
        scores = torch.einsum("...td,...sd->...ts", query, k) / math.sqrt(query.shape[-1])
        block_log = scores.logsumexp(-1, keepdim=True)
        block = torch.einsum("...ts,...sv->...tv", (scores - block_log).exp(), v)
        if result is None:
            result, log_total = block, block_log
            continue
        both = torch.logaddexp(log_total, block_log)
        result = (log_total - both).exp() * result + (block_log - both).exp() * block
        log_total = both
    return result
