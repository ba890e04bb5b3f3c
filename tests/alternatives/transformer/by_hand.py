"""Rotations as matrices, contractions as einsum, memory written in place, sums written out, and in float64."""

import math

import torch
from torch import nn

from solutions.transformer import GPT as ReferenceGPT
from solutions.transformer import fused_attention, hidden_width


class RMSNorm(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d_model)), eps

    def forward(self, x):
        wide = x.double()
        mean_square = torch.einsum("...d,...d->...", wide, wide) / x.shape[-1]
        return torch.einsum("...d,...,d->...d", wide, (mean_square + self.eps) ** -0.5, self.weight.double()).to(
            x.dtype
        )


def rotary(x, positions, base=10_000.0):
    """A matrix (d_head, d_head) for each position."""
    if x.size(-1) % 2:
        raise ValueError("d_head has to be even")
    d, half = x.shape[-1], x.shape[-1] // 2
    matrices = torch.zeros(len(positions), d, d, dtype=torch.float64)
    for t, position in enumerate(positions.tolist()):
        for i in range(half):
            angle = position * base ** (-2 * i / d)
            matrices[t, i, i] = matrices[t, i + half, i + half] = math.cos(angle)
            matrices[t, i + half, i] = math.sin(angle)
            matrices[t, i, i + half] = -math.sin(angle)
    return torch.einsum("tij,...tj->...ti", matrices, x.double()).to(x.dtype)


class RotaryAttention(nn.Module):
    """A subclass of nothing of ours; the memory is as long as it has to be from the start, and filled in place."""

    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__()
        if d_model // n_heads % 2:
            raise ValueError("d_head has to be even")
        self.h, self.attend, self.base = n_heads, attend, 10_000.0
        for name in ("w_query", "w_key", "w_value", "w_output"):
            setattr(self, name, nn.Linear(d_model, d_model, bias=False))

    def heads(self, x, projection):
        return torch.einsum("btc,hdc->bhtd", x, projection.weight.unflatten(0, (self.h, -1)))

    def forward(self, x, state=None):
        B, T, C = x.shape
        S = 0 if state is None else state[0].shape[2]
        positions = torch.tensor([S + t for t in range(T)], device=x.device)
        key, value = (x.new_empty(B, self.h, S + T, C // self.h) for _ in range(2))
        if state is not None:
            key[:, :, :S], value[:, :, :S] = state
        key[:, :, S:] = rotary(self.heads(x, self.w_key), positions, self.base)
        value[:, :, S:] = self.heads(x, self.w_value)
        found = self.attend(rotary(self.heads(x, self.w_query), positions, self.base), key, value)
        return torch.einsum("bhtd,chd->btc", found, self.w_output.weight.unflatten(1, (self.h, -1))), [key, value]


class FeedForward(nn.Module):
    def __init__(self, d_model, d_hidden):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x):
        gate = x @ self.w_gate.weight.T
        gate = gate * (0.5 + 0.5 * torch.tanh(gate / 2))
        return (gate * (x @ self.w_up.weight.T)) @ self.w_down.weight.T


class Block(nn.Module):
    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        read, state = self.attention(self.attention_norm(x), state)
        read += x
        thought = self.feed_forward(self.feed_forward_norm(read))
        thought += read
        return thought, state


class GPT(nn.Module):
    """One parameter for both; recursive from the last block down."""

    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding, self.output = nn.Embedding(vocab_size, d_model), nn.Linear(d_model, vocab_size, bias=False)
        self.embedding.weight = self.output.weight
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        ReferenceGPT.initialise(self)

    def up_to(self, layer, tokens, state):
        if layer == 0:
            return self.embedding.weight[tokens], []
        x, after = self.up_to(layer - 1, tokens, state)
        x, new = self.blocks[layer - 1](x, state[layer - 1] if state is not None else None)
        return x, [*after, new]

    def forward(self, tokens, state=None):
        if tokens.shape[1] + (0 if state is None else state[0][0].shape[2]) > self.context:
            raise ValueError("the text is too long")
        x, after = self.up_to(len(self.blocks), tokens, state)
        return torch.einsum("btc,vc->btv", self.norm(x), self.output.weight), tuple(after)


def count_parameters(vocab_size, d_model, n_layers):
    parts = {"embedding": vocab_size * d_model, "attention": 0, "feed_forward": 0, "norms": d_model}
    for _ in range(n_layers):
        parts["norms"] += d_model + d_model
        parts["attention"] += sum(d_model * d_model for _ in ("query", "key", "value", "output"))
        parts["feed_forward"] += 2 * (d_model * hidden_width(d_model)) + hidden_width(d_model) * d_model
    return parts


def flops_per_token(vocab_size, d_model, n_layers, T):
    def product(rows, inner, columns):
        return 2 * rows * inner * columns

    forward = product(1, d_model, vocab_size)
    for _ in range(n_layers):
        forward += 4 * product(1, d_model, d_model) + 3 * product(1, d_model, hidden_width(d_model))
        forward += product(1, d_model, T) + product(1, T, d_model)  # all heads together
    backward_to_inputs = backward_to_weights = forward
    return forward + backward_to_inputs + backward_to_weights


def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    """The new tokens in a list, and recursion without the cache."""
    if n_tokens == 0:
        return tokens
    if not use_cache:
        with torch.no_grad():
            new = choose(model(tokens)[0].select(1, -1))
        return generate(model, torch.cat((tokens, new.view(-1, 1)), 1), n_tokens - 1, choose, use_cache=False)
    columns = list(tokens.split(1, dim=1))
    with torch.no_grad():
        logits, state = model(tokens)
        columns.append(choose(logits.select(1, -1)).view(-1, 1))
        for _ in range(n_tokens - 1):
            logits, state = model(columns[-1], state)
            columns.append(choose(logits.squeeze(1)).view(-1, 1))
    return torch.cat(columns, dim=1)
