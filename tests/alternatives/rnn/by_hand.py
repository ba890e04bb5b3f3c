"""Every number by itself: loops over texts and units, parameters declared one by one, the chain rule written out."""

import math

import torch
from torch import nn


def rnn_step(x, h, w_input, w_state, b):
    rows = []
    for text in range(len(x)):
        units = []
        for unit in range(len(b)):
            total = b[unit]
            for j, number in enumerate(x[text]):
                total = total + number * w_input[j, unit]
            for j, number in enumerate(h[text]):
                total = total + number * w_state[j, unit]
            units.append(torch.tanh(total))
        rows.append(torch.stack(units))
    return torch.stack(rows)


def rnn_scan(cell, x, state=None):
    """Recursive, from the last position down."""
    T = x.shape[1]
    before, after = (None, state) if T == 1 else rnn_scan(cell, x[:, : T - 1], state)
    after = cell(x[:, T - 1], after)
    h = (after if torch.is_tensor(after) else after[0])[:, None]
    return (h if before is None else torch.cat([before, h], dim=1)), after


def gradient_norms_by_distance(cell, x, state, loss_fn):
    """Backward by hand: one vector-Jacobian product for each step, from the last state down."""
    states = [state.detach()]
    with torch.no_grad():
        for t in range(x.shape[1]):
            states.append(cell(x[:, t], states[-1]))
    last = states[-1].clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss_fn(last), last)
    norms = [gradient.pow(2).sum(-1).sqrt()]
    for t in reversed(range(x.shape[1])):
        h = states[t].clone().requires_grad_(True)
        (gradient,) = torch.autograd.grad(cell(x[:, t], h), h, grad_outputs=gradient)
        norms.append(gradient.pow(2).sum(-1).sqrt())
    return torch.stack(norms, dim=-1)


def declare(module, n_blocks, d_input, d_state):
    bound = 1 / math.sqrt(d_state)
    for name, shape in (("weight_ih", (d_input,)), ("weight_hh", (d_state,)), ("bias_ih", ()), ("bias_hh", ())):
        setattr(module, name, nn.Parameter(torch.empty(n_blocks * d_state, *shape).uniform_(-bound, bound)))
    module.d_state = d_state


def logistic(x):
    return 1 / (1 + torch.exp(-x.clamp(-60, 60)))


class LSTMCell(nn.Module):
    def __init__(self, d_input, d_state):
        super().__init__()
        declare(self, 4, d_input, d_state)

    def forward(self, x, state=None):
        d = self.d_state
        h, c = (x.new_zeros(len(x), d), x.new_zeros(len(x), d)) if state is None else state

        def block(number):
            rows = slice(number * d, number * d + d)
            of_x = x @ self.weight_ih[rows].T + self.bias_ih[rows]
            return of_x + h @ self.weight_hh[rows].T + self.bias_hh[rows]

        new = torch.empty(len(x), d, dtype=x.dtype)
        kept, written = logistic(block(1)) * c, logistic(block(0)) * torch.tanh(block(2))
        new[:] = kept + written
        return logistic(block(3)) * torch.tanh(new), new


class GRUCell(nn.Module):
    def __init__(self, d_input, d_state):
        super().__init__()
        declare(self, 3, d_input, d_state)

    def forward(self, x, state=None):
        d = self.d_state
        h = x.new_zeros(len(x), d) if state is None else state
        of_x, of_h = x @ self.weight_ih.T + self.bias_ih, h @ self.weight_hh.T + self.bias_hh
        r, z = logistic(of_x[:, :d] + of_h[:, :d]), logistic(of_x[:, d : 2 * d] + of_h[:, d : 2 * d])
        n = torch.tanh(of_x[:, 2 * d :] + r * of_h[:, 2 * d :])
        return n + z * (h - n)


class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan, self.n_layers = scan, n_layers
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList([layer(d_model, d_model) for _ in range(n_layers)])
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        x, after = self.embedding.weight[tokens], []
        for number in range(self.n_layers):
            layer_state = state[number] if state is not None else None
            x, new = self.scan(self.layers[number], x, layer_state)
            after = [*after, new]
        return x @ self.output.weight.T + self.output.bias, tuple(after)


def without_history(state):
    if isinstance(state, (list, tuple)):
        return type(state)([without_history(part) for part in state])
    return state.detach().clone()


def truncated_bptt(model, tokens, chunk_length):
    """Slices of chunk_length + 1 tokens that overlap by one, and the loss from log-probabilities."""
    state, start, T = None, 0, tokens.shape[1] - 1
    while start < T:
        stop = min(start + chunk_length, T)
        piece = tokens[:, start : stop + 1]
        logits, state = model(piece[:, :-1], state)
        state = without_history(state)
        log_probabilities = logits - logits.logsumexp(-1, keepdim=True)
        yield -log_probabilities.gather(-1, piece[:, 1:, None]).mean()
        start = stop
