"""Supervised fine-tuning by hand: token after token, each conversation read by itself, sums added up in loops."""

import math

import torch
from torch import nn

from solutions.sft import ASSISTANT, END, MARKS, NEWLINE, USER


def render_chat(messages, encode, reply=False):
    """Every message looked through word by word."""
    if len(messages) == 0:
        raise ValueError("no messages")
    tokens = [END]
    for message in messages:
        try:
            role, content = message["role"] + "", message["content"] + ""
        except (KeyError, TypeError):
            raise ValueError("no message") from None
        if role == "user":
            tokens.append(USER)
        elif role == "assistant":
            tokens.append(ASSISTANT)
        else:
            raise ValueError(f"no role {role}")
        said = 0
        for token in encode(content):
            if token in MARKS:
                raise ValueError("a mark")
            tokens.append(token)
            said += 1
        if said == 0:
            raise ValueError("nothing is said")
        tokens.append(NEWLINE)
    if reply:
        tokens.append(ASSISTANT)
    return tokens


def response_mask(tokens):
    """A flag that goes up at the assistant's mark and down at the others."""
    mask = torch.zeros_like(tokens, dtype=torch.bool)
    for index in torch.cartesian_prod(*(torch.arange(n) for n in tokens.shape[:-1])) if tokens.dim() > 1 else [()]:
        place = tuple(torch.atleast_1d(torch.as_tensor(index)).long().tolist()) if tokens.dim() > 1 else ()
        speaks = False
        for t in range(tokens.size(-1)):
            token = tokens[(*place, t)].item()
            if token == ASSISTANT:
                speaks = True
                continue
            if token in (USER, END):
                speaks = False
            mask[(*place, t)] = speaks
            if token == NEWLINE:
                speaks = False
    return mask


def masked_cross_entropy(logits, targets, mask):
    """The surprise of each selected target, one by one."""
    surprises = []
    for row, (wanted, selected) in enumerate(zip(targets.tolist(), mask.tolist())):
        for t, (target, mine) in enumerate(zip(wanted, selected)):
            if mine:
                scores = logits[row, t].float()
                surprises.append(torch.logsumexp(scores, dim=0) - scores[target])
    if not surprises:
        raise ValueError("nothing is selected")
    return sum(surprises) / len(surprises)


def pack(conversations, T):
    """Lists that grow, padded at the end."""
    if len(conversations) == 0 or any(len(conversation) == 0 for conversation in conversations):
        raise ValueError("nothing")
    rows, segments, counts = [], [], []
    for conversation in conversations:
        if len(conversation) > T:
            raise ValueError("too long")
        for i in range(len(rows) + 1):
            if i == len(rows):
                rows.append([])
                segments.append([])
                counts.append(0)
            if len(rows[i]) + len(conversation) <= T:
                counts[i] += 1
                rows[i].extend(conversation)
                segments[i].extend([counts[i]] * len(conversation))
                break
    for row, numbers in zip(rows, segments):
        while len(row) < T:
            row.append(END)
            numbers.append(0)
    return torch.tensor(rows), torch.tensor(segments)


def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    """Each conversation in a row of its own, all their losses added up before the one division."""
    optimiser.zero_grad()
    losses = []
    for row, numbers in zip(tokens, segments):
        for number in range(1, int(numbers.max()) + 1):
            conversation = row[numbers == number]
            mask = response_mask(conversation)
            logits = model(conversation[:-1].unsqueeze(0))[0][0]
            for t in range(1, len(conversation)):
                if mask[t]:
                    losses.append(-torch.log_softmax(logits[t - 1].float(), dim=-1)[conversation[t]])
    if not losses:
        raise ValueError("nobody replies")
    loss = torch.stack(losses).mean()
    loss.backward()
    weights = [weight for weight in model.parameters() if weight.grad is not None]
    norm = math.sqrt(sum(float(weight.grad.double().pow(2).sum()) for weight in weights))
    if norm > max_norm:
        for weight in weights:
            weight.grad *= max_norm / norm
    optimiser.step()
    return loss.detach(), torch.tensor(norm)


class LoRALinear(nn.Module):
    """Every part written out, the scale in the matrix."""

    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        d_out, d_in = linear.weight.shape
        if rank < 1 or rank > d_in or rank > d_out:
            raise ValueError(f"no rank {rank}")
        for weight in linear.parameters():
            weight.requires_grad = False
        self.linear, self.rank, self.alpha = linear, rank, alpha
        a, b = linear.weight.new_empty(rank, d_in), linear.weight.new_zeros(d_out, rank)
        nn.init.normal_(a, std=d_in**-0.5)
        self.lora_a, self.lora_b = nn.Parameter(a), nn.Parameter(b)

    def change(self):
        return (self.alpha / self.rank) * torch.einsum("or,ri->oi", self.lora_b, self.lora_a)

    def forward(self, x):
        y = torch.einsum("oi,...i->...o", self.linear.weight + self.change(), x)
        return y if self.linear.bias is None else y + self.linear.bias

    def merged(self):
        d_out, d_in = self.linear.weight.shape
        layer = nn.Linear(d_in, d_out, bias=self.linear.bias is not None).to(self.linear.weight)
        with torch.no_grad():
            layer.weight.copy_(self.linear.weight + self.change())
            if self.linear.bias is not None:
                layer.bias.copy_(self.linear.bias)
        return layer
