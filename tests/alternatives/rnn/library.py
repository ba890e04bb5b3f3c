"""As much as possible left to PyTorch and to Python's own library."""

from itertools import accumulate, chain

import torch
from torch import nn
from torch.utils._pytree import tree_map


def rnn_step(x, h, w_input, w_state, b):
    return torch.addmm(torch.addmm(b, x, w_input), h, w_state).tanh()


def rnn_scan(cell, x, state=None):
    states = list(accumulate(chain([state], x.transpose(0, 1)), lambda state, x_t: cell(x_t, state)))[1:]
    outputs = [state[0] if isinstance(state, tuple) else state for state in states]
    return torch.stack(outputs).transpose(0, 1), states[-1]


def gradient_norms_by_distance(cell, x, state, loss_fn):
    """What is added to a state has the state's gradient: one leaf for all, of zeros."""
    added = torch.zeros(x.size(1) + 1, *state.shape, dtype=state.dtype, requires_grad=True)
    h = state.detach() + added[0]
    for x_t, more in zip(x.unbind(1), added[1:]):
        h = cell(x_t, h) + more
    (gradients,) = torch.autograd.grad(loss_fn(h), added)
    return torch.linalg.vector_norm(gradients, dim=2).flip(0).T


class LSTMCell(nn.LSTMCell):
    """PyTorch's own, whose constructor takes the same two numbers."""


class GRUCell(nn.RNNCellBase):
    def __init__(self, d_input, d_state):
        super().__init__(d_input, d_state, True, 3)

    def forward(self, x, state=None):
        if state is None:
            state = torch.zeros(x.size(0), self.hidden_size)
        return torch.gru_cell(x, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class RecurrentLanguageModel(nn.Module):
    def __init__(self, vocab_size, d_model, n_layers, layer=LSTMCell, scan=rnn_scan, tied=False):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            self.output.weight = self.embedding.weight

    def forward(self, tokens, state=None):
        state = list(state) if state else [None for _ in self.layers]
        x = nn.functional.embedding(tokens, self.embedding.weight)
        for index, layer in enumerate(self.layers):
            x, state[index] = self.scan(layer, x, state[index])
        return nn.functional.linear(x, self.output.weight, self.output.bias), state


class truncated_bptt:
    """An iterator instead of a generator."""

    def __init__(self, model, tokens, chunk_length):
        self.model, self.state = model, None
        seams = tuple(range(chunk_length, tokens.size(1) - 1, chunk_length))
        self.pairs = zip(*(part.tensor_split(seams, dim=1) for part in (tokens[:, :-1], tokens[:, 1:])))

    def __iter__(self):
        return self

    def __next__(self):
        inputs, targets = next(self.pairs)
        logits, self.state = self.model(inputs, tree_map(torch.detach, self.state) if self.state is not None else None)
        return nn.CrossEntropyLoss()(logits.movedim(-1, 1), targets)
