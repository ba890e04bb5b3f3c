"""Helpers of her own, long names, docstrings."""

import torch
from torch import nn


def normalise_over(scores, axis):
    """A softmax by hand, because I wanted to see the shift by the maximum."""
    shifted = scores - scores.max(dim=axis, keepdim=True).values
    exponentials = shifted.exp()
    return exponentials / exponentials.sum(dim=axis, keepdim=True)


def attention_over_states(query, states, w_query, w_states, v):
    what_is_wanted = torch.matmul(query, w_query).unsqueeze(dim=1)
    what_is_offered = torch.matmul(states, w_states)
    agreement = torch.tanh(what_is_wanted + what_is_offered).matmul(v)
    attention_weights = normalise_over(agreement, axis=1)
    summary = torch.bmm(attention_weights.unsqueeze(1), states).squeeze(1)
    return summary, attention_weights


def scaled_dot_product(query, key, value, mask=None):
    """Scores first, then the forbidden ones are set to minus infinity, then the mean of the values."""
    temperature = query.size(-1) ** 0.5
    agreement = query.matmul(key.transpose(-2, -1)).div(temperature)
    if mask is not None:
        agreement = agreement.masked_fill(torch.logical_not(mask), -float("inf"))
    return normalise_over(agreement, axis=-1).matmul(value)


def lower_triangle(n_queries, n_keys):
    """True where the column is not later than the row, counted from the lower right corner."""
    offset = n_keys - n_queries
    return torch.ones(n_queries, n_keys).tril(offset).bool()


def causal_attention(query, key, value):
    visible = lower_triangle(query.size(-2), key.size(-2)).to(query.device)
    return scaled_dot_product(query, key, value, mask=visible)


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

    def into_heads(self, projected):
        """(B, T, d_model) becomes (B, n_heads, T, d_head)."""
        batch, time, width = projected.size()
        return projected.view(batch, time, self.n_heads, width // self.n_heads).transpose(1, 2)

    def forward(self, x):
        read_by_each = self.attend(
            self.into_heads(self.w_query(x)), self.into_heads(self.w_key(x)), self.into_heads(self.w_value(x))
        )
        side_by_side = read_by_each.transpose(1, 2).flatten(start_dim=2)
        return self.w_output(side_by_side)


def sequential_depth(waits_for, length, n_layers):
    finished_after = dict.fromkeys([(0, position) for position in range(length)], 0)
    for layer in range(1, n_layers + 1):
        for position in range(length):
            requirements = [finished_after[unit] for unit in waits_for(layer, position)]
            finished_after[(layer, position)] = (max(requirements) if requirements else 0) + 1
    return max(finished_after[(n_layers, position)] for position in range(length))


def online_softmax_attention(query, key, value, block_size=64):
    """Like adding up money in a currency that is devalued whenever a larger score turns up."""
    best_so_far = torch.full((*query.shape[:-1], 1), -float("inf"))
    weight_so_far = torch.zeros((*query.shape[:-1], 1))
    value_so_far = torch.zeros((*query.shape[:-1], value.size(-1)))
    number_of_blocks = (key.size(-2) + block_size - 1) // block_size
    for block in range(number_of_blocks):
        rows = slice(block * block_size, (block + 1) * block_size)
        agreement = query.matmul(key[..., rows, :].transpose(-2, -1)) / query.size(-1) ** 0.5
        best_now = torch.maximum(best_so_far, agreement.amax(dim=-1, keepdim=True))
        devaluation = (best_so_far - best_now).exp()
        unnormalised = (agreement - best_now).exp()
        weight_so_far = devaluation * weight_so_far + unnormalised.sum(dim=-1, keepdim=True)
        value_so_far = devaluation * value_so_far + unnormalised.matmul(value[..., rows, :])
        best_so_far = best_now
    return value_so_far / weight_so_far


LAB_ANSWER = """
(1) The recurrent network without attention gets worse the further away the pair is. (2) Because a sum of everything
it has read must be squeezed into sixty-four numbers, and the newest reading is written over the oldest. With
attention nothing has to be squeezed: it looks the pair up where it stood. (3) What is still there is the queue, one
word behind the other. My measurement with the clock says the opposite of the table of depths for long texts, which
I explain by my computer having few cores, so that amount of work counts and not the length of the queue.
"""
WRITTEN_ANSWER = """
The depth becomes the number of words times the number of layers for both. A word has to leave the top before it can
enter at the bottom. I would say that transformers are built for the classroom and not for the conversation: they
learn a whole page in parallel but they talk one word at a time like everybody else.
"""
