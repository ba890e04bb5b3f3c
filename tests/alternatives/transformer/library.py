"""As much as possible left to PyTorch: its norm, complex numbers for rotations, one product for three, built models."""

import torch
import torch.nn.functional as F
from torch import nn

from solutions.attention import MultiHeadAttention
from solutions.transformer import GPT as ReferenceGPT
from solutions.transformer import fused_attention, hidden_width


class RMSNorm(nn.RMSNorm):
    def __init__(self, d_model, eps=1e-6):
        super().__init__(d_model, eps=eps)

    def forward(self, x):
        return super().forward(x.float()).to(x.dtype)


def rotary(x, positions, base=10_000.0):
    if x.size(-1) % 2:
        raise ValueError("d_head has to be even")
    wide = x.double()
    pairs = torch.view_as_complex(torch.stack(wide.chunk(2, dim=-1), dim=-1))
    exponents = torch.linspace(0, 1, x.size(-1) // 2 + 1, dtype=torch.float64, device=x.device)[:-1]
    angles = torch.outer(positions.double(), base**-exponents)
    pairs = pairs * torch.polar(torch.ones_like(angles), angles)
    return torch.cat([pairs.real, pairs.imag], dim=-1).to(x.dtype)


class RotaryAttention(MultiHeadAttention):
    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__(d_model, n_heads, attend)
        if d_model // n_heads % 2:
            raise ValueError("d_head has to be even")
        self.base = 10_000.0

    def forward(self, x, state=None):
        """Queries and keys are turned together."""
        weight = torch.cat([self.w_query.weight, self.w_key.weight, self.w_value.weight])
        query, key, value = F.linear(x, weight).unflatten(-1, (3, self.n_heads, -1)).permute(2, 0, 3, 1, 4)
        start = state[0].size(2) if state else 0
        positions = torch.arange(x.size(1), device=x.device).add(start)
        query, key = rotary(torch.stack([query, key]), positions, self.base)
        if state:
            key, value = (torch.cat(both, dim=2) for both in zip(state, (key, value)))
        return self.w_output(self.attend(query, key, value).movedim(1, 2).flatten(2)), (key, value)


class FeedForward(nn.Module):
    def __init__(self, d_model, d_hidden):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x):
        gate, up = F.linear(x, torch.cat([self.w_gate.weight, self.w_up.weight])).chunk(2, dim=-1)
        return F.linear(F.silu(gate).mul(up), self.w_down.weight)


class Block(nn.Module):
    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__()
        self.attention_norm, self.feed_forward_norm = RMSNorm(d_model), RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x, state=None):
        def normed(x, norm):
            return F.rms_norm(x, x.shape[-1:], norm.weight, norm.eps)

        read, state = self.attention(normed(x, self.attention_norm), state=state)
        return (x := torch.add(x, read)) + self.feed_forward(normed(x, self.feed_forward_norm)), state


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList([Block(d_model, n_heads, attend) for _ in range(n_layers)])
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        ReferenceGPT.initialise(self)

    def forward(self, tokens, state=None):
        state = list(state) if state else [None] * len(self.blocks)
        if tokens.size(1) + (state[0][0].size(-2) if state and state[0] else 0) > self.context:
            raise ValueError("too long")
        x = F.embedding(tokens, self.embedding.weight)
        for index, block in enumerate(self.blocks):
            x, state[index] = block(x, state[index])
        return F.linear(self.norm(x), self.embedding.weight), state


def count_parameters(vocab_size, d_model, n_layers):
    """Build the model where nothing is stored, and look."""
    with torch.device("meta"):
        model = ReferenceGPT(vocab_size, 1, d_model, n_layers, n_heads=1)
    parts = {"embedding": 0, "attention": 0, "feed_forward": 0, "norms": 0}
    for name, weight in model.named_parameters():
        part = "norms" if "norm" in name else next(part for part in parts if part in name)
        parts[part] += weight.numel()
    return parts


def flops_per_token(vocab_size, d_model, n_layers, T):
    with torch.device("meta"):
        model = ReferenceGPT(vocab_size, 1, d_model, n_layers, n_heads=1)
    linear = sum(part.weight.numel() for part in model.modules() if isinstance(part, nn.Linear))
    return 6 * linear + 12 * n_layers * d_model * T


@torch.no_grad()
def generate(model, tokens, n_tokens, choose=lambda logits: logits.argmax(dim=-1), use_cache=True):
    end = tokens.size(1) + n_tokens
    state = None
    while tokens.size(1) < end:
        if not use_cache:
            logits, _ = model(tokens)
        elif state is None:
            logits, state = model(tokens, None)
        else:
            logits, state = model(tokens[:, -1:], state)
        tokens = torch.hstack([tokens, choose(logits[:, -1, :])[:, None]])
    return tokens
