"""As the public code bases write it: rotate_half, tables of sines, residual variables, an output that is filled."""

import torch
from torch import nn

from solutions.attention import MultiHeadAttention
from solutions.transformer import GPT as ReferenceGPT
from solutions.transformer import fused_attention, hidden_width


class RMSNorm(nn.Module):
    """The weight multiplies what is back in the type of x already."""

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.variance_epsilon = self.eps = eps

    def forward(self, hidden_states):
        input_dtype = hidden_states.dtype
        hidden_states = hidden_states.to(torch.float32)
        variance = hidden_states.pow(2).mean(-1, keepdim=True)
        hidden_states = hidden_states * torch.rsqrt(variance + self.variance_epsilon)
        return self.weight.to(input_dtype) * hidden_states.to(input_dtype)


def rotate_half(x):
    x1, x2 = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
    return torch.cat((-x2, x1), dim=-1)


def rotary(x, positions, base=10_000.0):
    if x.size(-1) % 2:
        raise ValueError("d_head has to be even")
    inv_freq = 1.0 / (
        base ** (torch.arange(0, x.shape[-1], 2, dtype=torch.int64, device=x.device).float() / x.shape[-1])
    )
    freqs = positions.float()[:, None] @ inv_freq[None, :]
    emb = torch.cat((freqs, freqs), dim=-1)
    return ((x * emb.cos()) + (rotate_half(x) * emb.sin())).to(x.dtype)


class RotaryAttention(MultiHeadAttention):
    """Turned before the heads stand in front; a table of sines that is not part of the weights, and grows."""

    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__(d_model, n_heads, attend)
        if d_model // n_heads % 2:
            raise ValueError("d_head has to be even")
        self.base, self.d_head = 10_000.0, d_model // n_heads
        self.make_table(1024, torch.device("cpu"))

    def make_table(self, length, device):
        inv_freq = self.base ** (-torch.arange(0, self.d_head, 2, device=device).float() / self.d_head)
        angles = torch.outer(torch.arange(length, device=device).float(), inv_freq)
        self.cos, self.sin = torch.cat([angles.cos()] * 2, dim=-1), torch.cat([angles.sin()] * 2, dim=-1)
        self.made_for = self.base, device

    def forward(self, x, state=None):
        bsz, q_len, _ = x.size()
        past = 0 if state is None else state[0].shape[-2]
        if past + q_len > len(self.cos) or self.made_for != (self.base, x.device):
            self.make_table(max(2 * len(self.cos), past + q_len), x.device)
        cos, sin = (table[past : past + q_len, None].to(x.dtype) for table in (self.cos, self.sin))  # (T, 1, d_head)
        q, k, v = (w(x).view(bsz, q_len, self.n_heads, -1) for w in (self.w_query, self.w_key, self.w_value))
        q, k = (u * cos + rotate_half(u) * sin for u in (q, k))
        q, k, v = (u.transpose(1, 2) for u in (q, k, v))
        if state is not None:
            k, v = torch.cat([state[0], k], dim=2), torch.cat([state[1], v], dim=2)
        y = self.attend(q, k, v).transpose(1, 2).contiguous().view(bsz, q_len, -1)
        return self.w_output(y), (k, v)


class FeedForward(nn.Module):
    def __init__(self, d_model, d_hidden):
        super().__init__()
        self.act_fn = nn.SiLU()
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x):
        return self.w_down(self.w_up(x) * self.act_fn(self.w_gate(x)))


class Block(nn.Module):
    def __init__(self, d_model, n_heads, attend=fused_attention):
        super().__init__()
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))
        self.feed_forward_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.attention_norm = RMSNorm(d_model)

    def forward(self, hidden_states, state=None):
        residual = hidden_states
        hidden_states, present = self.attention(self.attention_norm(hidden_states), state)
        hidden_states = residual + hidden_states
        residual = hidden_states
        hidden_states = self.feed_forward(self.feed_forward_norm(hidden_states))
        return residual + hidden_states, present


class GPT(nn.Module):
    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=fused_attention):
        super().__init__()
        self.context = context
        self.blocks = nn.ModuleList([Block(d_model, n_heads, attend) for _ in range(n_layers)])
        self.norm = RMSNorm(d_model)
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        ReferenceGPT.initialise(self)

    def forward(self, idx, state=None):
        past = 0 if state is None else state[0][0].size(-2)
        if past + idx.size(1) > self.context:
            raise ValueError(f"cannot read {past + idx.size(1)} tokens, block size is {self.context}")
        x, presents = self.embedding(idx), ()
        for block, past_state in zip(self.blocks, state or (None,) * len(self.blocks)):
            x, present = block(x, past_state)
            presents += (present,)
        return self.norm(x) @ self.embedding.weight.t(), presents


def count_parameters(vocab_size, d_model, n_layers):
    mlp = sum((d_model * hidden_width(d_model),) * 3)
    shapes = {"attention": 4 * d_model**2, "feed_forward": mlp, "norms": 2 * d_model}
    counts = {part: n_layers * size for part, size in shapes.items()}
    counts["norms"] += d_model
    return {"embedding": vocab_size * d_model, **counts}


def flops_per_token(vocab_size, d_model, n_layers, T):
    """6 N + 12 · L · H · Q · T, N without the norms."""
    N = vocab_size * d_model + n_layers * d_model * (4 * d_model + 3 * hidden_width(d_model))
    return 6 * N + 12 * n_layers * d_model * T


@torch.no_grad()
def generate(model, idx, max_new_tokens, choose=lambda logits: logits.argmax(-1), use_cache=True):
    if was_training := getattr(model, "training", False):
        model.eval()
    try:
        B, T = idx.shape
        out = idx.new_empty(B, T + max_new_tokens)
        out[:, :T] = idx
        read, past = 0, None
        for end in range(T, T + max_new_tokens):
            logits, past = model(out[:, read:end], past)
            out[:, end] = choose(logits[:, -1])
            read, past = (end, past) if use_cache else (0, None)
    finally:
        if was_training:
            model.train()
    return out
