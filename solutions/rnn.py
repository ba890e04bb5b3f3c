"""Recurrent networks: the text is read word by word, and one state of fixed size is all that is passed on.

What is built here: one step of the simple network (Elman 1990), the loop that passes the state forward, an
instrument that measures how far back a gradient still reaches (after Bengio et al. 1994), the two cells with gates
that were made to reach further, LSTM (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000) and GRU
(Cho et al. 2014), a language model of stacked layers, and truncated backpropagation through time (Williams & Peng
1990).

What is left out: dropout, layer normalisation, networks that read in both directions. A cell is anything that maps
(input, state) to the next state, as PyTorch's cells do; LSTMCell and GRUCell have the gates in PyTorch's order and its
names for the weights, so each loads the other's `state_dict` and gives the same numbers.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

State = Any  # a tensor (B, d_state); for an LSTM a tuple of two, (h, c); for a stack of layers a list of these


def rnn_step(x: Tensor, h: Tensor, w_input: Tensor, w_state: Tensor, b: Tensor) -> Tensor:
    """One step of the simple recurrent network: the new state from the input
    and the state before it.

    A gradient reaches all five arguments. The result is of their type, in
    float64 as precise as that.

    Shapes: x (B, d_input), h (B, d_state), w_input (d_input, d_state), w_state
    (d_state, d_state), b (d_state) -> (B, d_state).
    Source: Elman 1990; with tanh, as PyTorch's `nn.RNN`.
    """
    ### BEGIN SOLUTION
    return torch.tanh(x @ w_input + h @ w_state + b)
    ### END SOLUTION


def rnn_scan(cell: Callable[[Tensor, State], State], x: Tensor, state: State = None) -> tuple[Tensor, State]:
    """Read a text from the first position to the last, handing the state from
    each position to the next.

    `cell(x_t, state)` gives the next state, which is h or a tuple that begins
    with h, of any length; a named tuple is one too. It knows what to do with a
    state of None. It is called once for each position, with these two arguments
    in this order. What is returned is h at every position, of the type of h,
    and the whole state after the last one, as the cell gave it. From either a
    gradient goes back through all positions, however many, to the given state.

    Shapes: x (B, T, d_input), T >= 1 -> h at all positions (B, T, d_state),
    state.
    """
    ### BEGIN SOLUTION
    outputs = []
    for x_t in x.unbind(dim=1):  # T times (B, d_input)
        state = cell(x_t, state)
        outputs.append(state[0] if isinstance(state, tuple) else state)
    return torch.stack(outputs, dim=1), state  # (B, T, d_state)
    ### END SOLUTION


def gradient_norms_by_distance(
    cell: Callable[[Tensor, Tensor], Tensor], x: Tensor, state: Tensor, loss_fn: Callable[[Tensor], Tensor]
) -> Tensor:
    """How strongly a loss at the end of a text pulls at each state before it,
    by distance.

    `loss_fn(h)` is the loss of the states (B, d_state) after the last position,
    one number for all texts. At [b, k] stands the Euclidean norm of its
    gradient with respect to the state of text b, k steps before that: k = 0 is
    the last state, k = T is `state`, with which the text begins. The norms are
    of the type of `state`. It only measures: it changes no `.grad` and no
    `requires_grad` of anything. Gradients are on when it is called, and the
    loss hangs on h.

    Shapes: x (B, T, d_input), T >= 1, state (B, d_state) -> (B, T + 1).
    Source: what Bengio et al. 1994 and Pascanu et al. 2013 study.
    """
    ### BEGIN SOLUTION
    states = [state.detach().requires_grad_()]
    for x_t in x.unbind(dim=1):
        states.append(cell(x_t, states[-1]))
    gradients = torch.autograd.grad(loss_fn(states[-1]), states[::-1])  # T + 1 times (B, d_state), last state first
    return torch.stack(gradients, dim=1).norm(dim=-1)  # (B, T + 1, d_state) -> (B, T + 1)
    ### END SOLUTION


class LSTMCell(nn.RNNCellBase):
    """One step of a network with long short-term memory: a state h that is
    shown, and a memory c that is kept.

    The base class makes the weights: weight_ih (4 · d_state, d_input),
    weight_hh (4 · d_state, d_state), bias_ih and bias_hh (4 · d_state), each a
    stack of four blocks of d_state rows: input gate, forget gate, candidate,
    output gate. A gradient reaches x, h, c and all weights, in evaluation mode
    too, and is finite however large the gates' numbers. The result is of the
    type of x. It is made with the weights as they are at the call.

    Shapes: x (B, d_input), state a tuple of h and c, both (B, d_state), None
    for zeros -> the next (h, c), a tuple.
    Source: Hochreiter & Schmidhuber 1997; the forget gate is that of Gers et
    al. 2000.
    """

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=4)

    def forward(self, x: Tensor, state: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = state or 2 * [x.new_zeros(x.size(0), self.hidden_size)]
        ### BEGIN SOLUTION
        gates = F.linear(x, self.weight_ih, self.bias_ih) + F.linear(h, self.weight_hh, self.bias_hh)
        i, f, g, o = gates.chunk(4, dim=-1)  # (B, 4 · d_state) -> four times (B, d_state)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c
        ### END SOLUTION


class GRUCell(nn.RNNCellBase):
    """One step of a gated recurrent unit: the next state is a mixture of the
    old one and a candidate.

    The base class makes the weights: weight_ih (3 · d_state, d_input),
    weight_hh (3 · d_state, d_state), bias_ih and bias_hh (3 · d_state), each a
    stack of three blocks of d_state rows: reset gate, update gate, candidate.

    The update gate z says how much of the old state is kept. The reset gate
    multiplies what the old state gives to the candidate *after* the weights and
    bias_hh, as in PyTorch; in the paper it multiplies the state before them. A
    gradient reaches x, the old state and all weights, in evaluation mode too,
    and is finite however large the gates' numbers. The result is of the type of
    x. It is made with the weights as they are at the call.

    Shapes: x (B, d_input), state (B, d_state), None for zeros -> (B, d_state).
    Source: Cho et al. 2014, equations 5 to 8, with the reset gate moved.
    """

    def __init__(self, d_input: int, d_state: int):
        super().__init__(d_input, d_state, bias=True, num_chunks=3)

    def forward(self, x: Tensor, state: Tensor | None = None) -> Tensor:
        h = x.new_zeros(x.size(0), self.hidden_size) if state is None else state
        ### BEGIN SOLUTION
        r_x, z_x, n_x = F.linear(x, self.weight_ih, self.bias_ih).chunk(3, dim=-1)  # each (B, d_state)
        r_h, z_h, n_h = F.linear(h, self.weight_hh, self.bias_hh).chunk(3, dim=-1)
        r, z = torch.sigmoid(r_x + r_h), torch.sigmoid(z_x + z_h)
        n = torch.tanh(n_x + r * n_h)
        return (1 - z) * n + z * h
        ### END SOLUTION


class RecurrentLanguageModel(nn.Module):
    """Embedding, `n_layers` recurrent layers of width `d_model` on top of each
    other, and a score for each token.

    `layer(d_model, d_model)` makes one layer, and `scan(layer, x, state)` runs
    it along the text and returns what it gives at every position and its last
    state. So the same model runs cell by cell, on `rnn_scan`, or on PyTorch's
    fused layers: `layer=partial(nn.LSTM, batch_first=True),
    scan=operator.call`. With `tied`, the embedding of a token is also its row
    in the output layer (Press & Wolf 2017).

    The state is a list of the layers' states, None for the start of a text:
    then each layer gets None, whatever it is. A tuple of states is as good, as
    argument and as result. A text read in pieces, the state handed from each to
    the next, gives the logits of the text read at once, in training and in
    evaluation mode. In both a gradient reaches every weight, also back through
    the state that is handed on.

    Shapes: tokens (B, T) -> logits (B, T, vocab_size), state.
    Source: Mikolov et al. 2010; in layers, as Zaremba et al. 2014.
    """

    def __init__(
        self,
        vocab_size: int,
        d_model: int,
        n_layers: int,
        layer: Callable[[int, int], nn.Module] = LSTMCell,
        scan: Callable[[nn.Module, Tensor, State], tuple[Tensor, State]] = rnn_scan,
        tied: bool = False,
    ):
        super().__init__()
        self.scan = scan
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.layers = nn.ModuleList(layer(d_model, d_model) for _ in range(n_layers))
        self.output = nn.Linear(d_model, vocab_size)
        if tied:
            nn.init.normal_(self.embedding.weight, std=d_model**-0.5)  # so that the first logits are of size one
            self.output.weight = self.embedding.weight

    def forward(self, tokens: Tensor, state: list[State] | None = None) -> tuple[Tensor, list[State]]:
        ### BEGIN SOLUTION
        before = state or [None] * len(self.layers)
        after = []
        x = self.embedding(tokens)  # (B, T) -> (B, T, d_model)
        for layer, layer_state in zip(self.layers, before, strict=True):
            x, layer_state = self.scan(layer, x, layer_state)
            after.append(layer_state)
        return self.output(x), after  # (B, T, vocab_size)
        ### END SOLUTION


def truncated_bptt(
    model: Callable[[Tensor, State], tuple[Tensor, State]], tokens: Tensor, chunk_length: int
) -> Iterator[Tensor]:
    """Walk through a long text in chunks, and yield the loss of each; the state
    goes on, the gradient does not.

    Every token but the first is predicted once, from all those before it. A
    chunk is `chunk_length` predictions for each text, the last chunk may be
    shorter, and its loss is their mean over positions and texts, in nats per
    token. The state after a chunk is the start of the next one, cut off from
    its history, so `loss.backward()` goes back to the start of its own chunk
    and no further. A chunk is read when its loss is asked for, the first one
    too: the caller may update the weights in between. (A generator is what
    comes back, be it written with `yield` or not.)

    `model(tokens, state)` gives logits and state. Both arguments are there in
    every call, and the first state is None. A state is a tensor, or a list or a
    plain tuple of states.

    Shapes: tokens (B, T + 1), T >= 1 -> T / chunk_length losses (), rounded up.
    Source: Williams & Peng 1990, with as many steps back as forward; the state
    handed on, as Zaremba et al. 2014.
    """

    def detached(state: State) -> State:
        """The same numbers without their history: of a tensor, of a list or a
        tuple of states, or of None.
        """
        if state is None:
            return None
        if isinstance(state, Tensor):
            return state.detach()
        return type(state)(detached(part) for part in state)

    ### BEGIN SOLUTION
    state = None
    inputs, targets = tokens[:, :-1], tokens[:, 1:]  # (B, T) each
    for chunk, chunk_targets in zip(inputs.split(chunk_length, dim=1), targets.split(chunk_length, dim=1)):
        logits, state = model(chunk, state)
        yield F.cross_entropy(logits.flatten(0, 1), chunk_targets.flatten())
        state = detached(state)
    ### END SOLUTION
