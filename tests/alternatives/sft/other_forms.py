"""Supervised fine-tuning in other forms: sums in the place of flags, float64 in the place of float32, in place."""

import torch
from torch import nn

from solutions.pretraining import clip_gradients
from solutions.sft import ASSISTANT, END, MARKS, NEWLINE, ROLES, USER, within


def render_chat(messages, encode, reply=False):
    """Turn by turn, joined at the end; what is refused is found first."""
    for message in messages:
        if not isinstance(message, dict) or [type(message.get(key)) for key in ("role", "content")] != [str, str]:
            raise ValueError("not a message")
    contents = [encode(message["content"]) for message in messages]
    if not contents or not all(contents) or any(MARKS.intersection(content) for content in contents):
        raise ValueError("not a conversation")
    if wrong := {message["role"] for message in messages}.difference(ROLES):
        raise ValueError(f"roles {wrong}")
    marks = [USER if message["role"] == "user" else ASSISTANT for message in messages]
    turns = [[mark, *content, NEWLINE] for mark, content in zip(marks, contents)]
    return sum(turns, [END]) + [ASSISTANT] * reply


def response_mask(tokens):
    """What the last sign of a change in front of each token was: a table of all pairs of places."""
    T = tokens.size(-1)
    opens, closes = tokens == ASSISTANT, torch.isin(tokens, torch.tensor([NEWLINE, USER, END]))
    earlier = torch.ones(T, T, dtype=torch.bool).tril(-1)  # (place, place in front of it)
    weight = torch.arange(1, T + 1) * earlier  # later places weigh more
    last_open = (weight * opens.unsqueeze(-2)).amax(dim=-1)
    last_close = (weight * closes.unsqueeze(-2)).amax(dim=-1)
    return (last_open > last_close) & ~torch.isin(tokens, torch.tensor([ASSISTANT, USER, END]))


def masked_cross_entropy(logits, targets, mask):
    """Sums over everything, in float64, with zeros where the mask is False."""
    n = mask.sum()
    if n == 0:
        raise ValueError("no target")
    log_probabilities = torch.log_softmax(logits.double(), dim=-1)
    chosen = log_probabilities.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
    return (-torch.where(mask, chosen, 0.0).sum() / n).float()


def pack(conversations, T):
    """Row by row: each takes, in order, all of what is left that still fits, which is the same as first fit."""
    left = [list(conversation) for conversation in conversations]
    if not left or [] in left or any(len(conversation) > T for conversation in left):
        raise ValueError("cannot be packed")
    all_tokens, all_segments = [], []
    while left:
        row, numbers, others = [], [], []
        for conversation in left:
            if len(row) + len(conversation) <= T:
                numbers += [max(numbers, default=0) + 1] * len(conversation)
                row += conversation
            else:
                others.append(conversation)
        all_tokens.append(row + [END] * (T - len(row)))
        all_segments.append(numbers + [0] * (T - len(numbers)))
        left = others
    return torch.tensor(all_tokens, dtype=torch.int32), torch.tensor(all_segments, dtype=torch.int32)


def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    """One row after the other through the model, the gradients added up."""
    n = response_mask(tokens)[:, 1:].sum()
    if n == 0:
        raise ValueError("no reply")
    optimiser.zero_grad()
    total = 0.0
    for row, numbers in zip(tokens.split(1), segments.split(1)):
        mask = response_mask(row)[:, 1:]
        if mask.any():
            with within(model, numbers[:, :-1]):
                logits, _ = model(row[:, :-1])
            loss = masked_cross_entropy(logits, row[:, 1:], mask) * (mask.sum() / n)
            loss.backward()
            total += loss.item()
    norm = clip_gradients(model.parameters(), max_norm)
    optimiser.step()
    return torch.tensor(total), norm


class LoRALinear(nn.Module):
    """A linear layer by inheritance of nothing: the two matrices applied one after the other, in the layer's type."""

    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        if not 0 < rank <= linear.in_features or rank > linear.out_features:
            raise ValueError("rank")
        linear.weight.requires_grad_(False)
        if linear.bias is not None:
            linear.bias.requires_grad_(False)
        self.linear = linear
        self.register_buffer("scale", torch.tensor(alpha / rank, dtype=linear.weight.dtype))
        signs = torch.randint_like(linear.weight[:1].expand(rank, -1), 2) * 2 - 1  # of variance 1
        self.register_parameter("lora_a", nn.Parameter(signs * linear.in_features**-0.5))
        self.register_parameter("lora_b", nn.Parameter(torch.zeros_like(linear.weight[:, :1].expand(-1, rank))))

    def forward(self, x):
        narrow = torch.matmul(x, self.lora_a.mT)  # (..., rank)
        return torch.matmul(narrow, self.lora_b.mT).mul(self.scale).add(self.linear(x))

    def merged(self):
        layer = nn.utils.skip_init(nn.Linear, self.linear.in_features, self.linear.out_features, dtype=self.scale.dtype)
        with torch.no_grad():
            layer.weight = nn.Parameter(self.linear.weight + self.scale * (self.lora_b @ self.lora_a))
            layer.bias = None if self.linear.bias is None else nn.Parameter(self.linear.bias.clone())
        return layer
