"""Supervised fine-tuning by calls of libraries: text and regular expressions, `accumulate`, PyTorch's own clipping."""

import re
from copy import deepcopy
from itertools import accumulate

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence

from solutions.sft import ASSISTANT, END, NEWLINE, USER, within

FORGED = re.compile(r"<(?:end|mask|user|assistant)>|\n", re.IGNORECASE)


def render_chat(messages, encode, reply=False):
    """One string, encoded at once, after its parts were looked through."""
    if not messages:
        raise ValueError("empty")
    for message in messages:
        match message:
            case {"role": str(), "content": str()}:
                pass
            case _:
                raise ValueError(message)
        if not re.fullmatch("user|assistant", message["role"]):
            raise ValueError(message["role"])
        if FORGED.search(message["content"]) or not message["content"].split():
            raise ValueError(message["content"])
    lines = [f"<{message['role']}> {message['content']}\n" for message in messages]
    return encode("<end>" + "".join(lines) + ("<assistant>" if reply else ""))


def response_mask(tokens):
    """A machine of two states, run over each row by `accumulate`."""

    def step(state, token):
        speaks, _ = state
        if token == ASSISTANT:
            return True, False
        mine = speaks and token not in (USER, END)
        return mine and token != NEWLINE, mine

    rows = tokens.reshape(-1, tokens.shape[-1]).tolist()
    states = [list(accumulate(row, step, initial=(False, False)))[1:] for row in rows]
    return torch.tensor([[mine for _, mine in row] for row in states], dtype=torch.bool).reshape(tokens.shape)


def masked_cross_entropy(logits, targets, mask):
    """What is not selected is a target to be ignored."""
    if not bool(mask.sum()):
        raise ValueError("nothing")
    marked = targets.masked_fill(~mask, -100)
    return F.cross_entropy(logits.float().flatten(0, 1), marked.flatten(), ignore_index=-100)


def pack(conversations, T):
    """The rows' free places in an array; each row padded by the library."""
    lengths = np.array([len(conversation) for conversation in conversations])
    if len(lengths) == 0 or lengths.min() == 0 or lengths.max() > T:
        raise ValueError("cannot be packed")
    free, members = np.full(len(lengths), T), [[] for _ in conversations]
    for i, length in enumerate(lengths):
        first = int(np.argmax(free >= length))
        free[first] -= length
        members[first].append(i)
    members = [row for row in members if row]
    wide = torch.empty(T)  # a row of full length, so that all are padded to it
    tokens = [torch.tensor([token for i in row for token in conversations[i]]) for row in members]
    counts = [torch.repeat_interleave(torch.arange(1, len(row) + 1), torch.tensor(lengths[row])) for row in members]
    return tuple(
        pad_sequence([*parts, wide], batch_first=True, padding_value=padding)[:-1].long()
        for parts, padding in ((tokens, END), (counts, 0))
    )


def sft_step(model, optimiser, tokens, segments, max_norm=1.0):
    """Read whole rows, drop the last prediction afterwards; the gradient cleared when the step is done as well."""
    optimiser.zero_grad()
    with within(model, segments):
        logits = model(tokens)[0][:, :-1]
    loss = masked_cross_entropy(logits, tokens[:, 1:], response_mask(tokens)[:, 1:])
    loss.backward()
    norm = clip_grad_norm_(model.parameters(), max_norm)
    optimiser.step()
    optimiser.zero_grad()
    return loss, norm


class LoRALinear(nn.Module):
    """Two linear layers without a bias, whose weights are the two matrices."""

    def __init__(self, linear, rank, alpha=16.0):
        super().__init__()
        if rank not in range(1, min(linear.weight.shape) + 1):
            raise ValueError(rank)
        self.linear, self.ratio = linear.requires_grad_(False), alpha / rank
        down, up = (
            nn.Linear(n, m, bias=False).to(linear.weight)
            for n, m in ((linear.in_features, rank), (rank, linear.out_features))
        )
        self.lora_a, self.lora_b = down.weight, up.weight
        nn.init.kaiming_uniform_(self.lora_a, a=1)  # of variance 1 / d_in
        nn.init.zeros_(self.lora_b)

    def forward(self, x):
        return self.linear(x) + F.linear(F.linear(self.ratio * x, self.lora_a), self.lora_b)

    def merged(self):
        layer = deepcopy(self.linear)
        layer.weight.data.addmm_(self.lora_b.data, self.lora_a.data, alpha=self.ratio)
        return layer
