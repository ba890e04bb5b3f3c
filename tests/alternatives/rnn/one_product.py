"""Input and state side by side through one matrix, computed in float64; outputs written in place."""

import torch
import torch.nn.functional as F
from torch import nn


def rnn_step(x, h, w_input, w_state, b):
    both, weights = torch.cat([x, h], dim=1).double(), torch.cat([w_input, w_state]).double()
    e = torch.exp(-2 * (both @ weights + b.double()).abs())
    signs = torch.sign(both @ weights + b.double())
    return (signs * (1 - e) / (1 + e)).to(x.dtype)


def rnn_scan(cell, x, state=None):
    outputs = None
    for t in range(x.size(1)):
        state = cell(x[:, t, :], state)
        h = state if torch.is_tensor(state) else state[0]
        if outputs is None:
            outputs = h.new_empty(h.size(0), x.size(1), h.size(1))
        outputs[:, t] = h
    return outputs, state


def gradient_norms_by_distance(cell, x, state, loss_fn):
    """One gradient call for each state, asked from a graph that is kept."""
    h = state.detach().clone().requires_grad_()
    states = [h]
    for t in range(x.size(1)):
        h = cell(x[:, t], h)
        states.insert(0, h)
    loss = loss_fn(h)
    columns = [torch.autograd.grad(loss, each, retain_graph=True)[0].double() for each in states]
    return torch.stack([torch.einsum("bd,bd->b", g, g).sqrt() for g in columns], dim=1)


class LSTMCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x, state=None):
        if state is None:
            zeros = x.new_zeros(x.size(0), self.hidden_size)
            state = (zeros, zeros)
        h, c = state
        weights = torch.cat([self.weight_ih, self.weight_hh], dim=1).double()
        gates = torch.einsum("bj,kj->bk", torch.cat([x, h], dim=1).double(), weights) + self.bias_ih + self.bias_hh
        i, f, g, o = gates.unflatten(1, (4, -1)).unbind(1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return (o.sigmoid() * c.tanh()).to(x.dtype), c.to(x.dtype)


class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x, state=None):
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        gates, candidate = (2 * self.hidden_size, self.hidden_size)
        ih, ih_n = self.weight_ih.split((gates, candidate))
        hh, hh_n = self.weight_hh.split((gates, candidate))
        b_ih, b_ih_n = self.bias_ih.split((gates, candidate))
        b_hh, b_hh_n = self.bias_hh.split((gates, candidate))
        both = torch.cat([x, h], dim=1) @ torch.cat([ih, hh], dim=1).T
        r, z = torch.sigmoid(both + b_ih + b_hh).tensor_split(2, dim=1)
        return torch.lerp(torch.tanh(F.linear(x, ih_n, b_ih_n) + r * F.linear(h, hh_n, b_hh_n)), h, z)


class Base(nn.Module):
    def __init__(self, vocab_size, d_model, layers, tied):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layers)
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            self.output.weight = self.embedding.weight


class RecurrentLanguageModel(Base):
    """A subclass of the learner's own, in which the layers are popped off a stack."""

    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__(vocab_size, d_model, [layer(d_model, d_model) for _ in range(n_layers)], tied)
        self.scan = scan

    def forward(self, tokens, state=None):
        levels, after = [self.embedding(tokens)], []
        todo = list(zip(self.layers, state or len(self.layers) * [None]))[::-1]
        while todo:
            layer, layer_state = todo.pop()
            level, new = self.scan(layer, levels[-1], layer_state)
            levels.append(level)
            after.append(new)
        return self.output(levels.pop()), after


def cut(state):
    if torch.is_tensor(state):
        return state.detach()
    return tuple(map(cut, state)) if isinstance(state, tuple) else list(map(cut, state))


def truncated_bptt(model, tokens, chunk_length):
    state = None

    def loss_of(first):
        nonlocal state
        last = min(first + chunk_length, tokens.size(1) - 1)
        logits, after = model(tokens[:, first:last], state)
        state = cut(after)
        targets = F.one_hot(tokens[:, first + 1 : last + 1], logits.size(-1)).double()
        return -(targets * logits.double().log_softmax(-1)).sum(-1).mean()

    return map(loss_of, range(0, tokens.size(1) - 1, chunk_length))
