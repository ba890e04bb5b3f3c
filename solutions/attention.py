"""Attention: every position reads every earlier one, without waiting for it.

What is built here: attention on top of a recurrent network (Bahdanau et al. 2015, section 3.1), scaled
dot-product attention, its causal form and its multi-head form (Vaswani et al. 2017, section 3.2), the exact
length of the longest chain of waiting in a network, and attention in one pass over blocks of keys (Milakov &
Gimelshein 2018, algorithm 3; the forward pass of Dao et al. 2022).

What is left out: dropout, biases, and everything around attention in a transformer block; that is the next
topic. Masks are boolean and say what *may* be read, as in PyTorch's `scaled_dot_product_attention`.
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


def attention_over_states(
    query: Tensor, states: Tensor, w_query: Tensor, w_states: Tensor, v: Tensor
) -> tuple[Tensor, Tensor]:
    """Read a weighted mean of all states of a recurrent network, with weights
    that depend on the query.

    The score of a state, states of zeros included, is `v ·
    tanh(query @ w_query + state @ w_states)`, the small network of 2014. The
    weights are the softmax of a text's scores, however large the scores are,
    and the gradient of context and weights reaches every input.

    Shapes: query (B, d_query), states (B, T, d_state), w_query
    (d_query, d_align), w_states (d_state, d_align), v (d_align) -> context
    (B, d_state), weights (B, T).
    Source: Bahdanau, Cho & Bengio 2015, section 3.1 and appendix A.1.2.
    """
    ### BEGIN SOLUTION
    hidden = torch.tanh((query @ w_query).unsqueeze(1) + states @ w_states)  # (B, T, d_align)
    weights = torch.softmax(hidden @ v, dim=-1)  # (B, T)
    context = (weights.unsqueeze(1) @ states).squeeze(1)  # (B, 1, T) @ (B, T, d_state) -> (B, d_state)
    return context, weights
    ### END SOLUTION


def scaled_dot_product(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mix the values, each weighted by how well its key answers the query:
    softmax(Q Kᵀ / √d_head) V.

    `mask` is boolean, has two axes or more and broadcasts to (..., T, S), and
    is True where a query may read a key; every query may read at least one. The
    keys that a query may read share all of the weight; the others get weight
    zero, exactly, however large a hidden score is, or small one that may be
    read. Large scores, hidden or not, above or below zero, give no NaN, in the
    gradient either. All inputs are finite. The gradient reaches query, key and
    value.

    Shapes: query (..., T, d_head), key (..., S, d_head), value
    (..., S, d_value) -> (..., T, d_value).
    Source: Vaswani et al. 2017, equation 1.
    """
    ### BEGIN SOLUTION
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, float("-inf"))
    return torch.softmax(scores, dim=-1) @ value  # (..., T, S) @ (..., S, d_value)
    ### END SOLUTION


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention in which no position reads a later one.

    The queries are the last T of the S positions: T = S in training; T < S when
    the first positions have been read before, as in generation. So the last
    query reads every key, however long the text is, and however large the
    scores of later keys are, no other query reads them. The result is made on
    the device of the query and in its type, bfloat16 included, and the gradient
    reaches query, key and value, without NaN.

    Shapes: query (..., T, d_head), key (..., S, d_head), value
    (..., S, d_value), T <= S -> (..., T, d_value).
    Source: Vaswani et al. 2017, section 3.2.3.
    """
    ### BEGIN SOLUTION
    T, S = query.size(-2), key.size(-2)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return scaled_dot_product(query, key, value, may_read)
    ### END SOLUTION


class MultiHeadAttention(nn.Module):
    """Causal self-attention in `n_heads` independent heads, each on its own
    slice of the width.

    `self.attend(query, key, value)` does the reading, on (..., T, d_head): all
    heads in one call, or one call for each. Its arguments are given by their
    places, so the same module runs on `causal_attention`, on PyTorch's fused
    kernel, or on anything of the same form, also where it is set later.

    Shapes: x (B, T, d_model) -> (B, T, d_model), with d_head = d_model /
    n_heads; head h owns the columns h · d_head to (h + 1) · d_head - 1 of each
    projection's output. The results of the heads stand side by side in that
    order, and `w_output` mixes them. Nothing is random, in training or
    evaluation, and the gradient reaches x and all four projections.

    Raises ValueError where d_model is not a multiple of n_heads.
    Source: Vaswani et al. 2017, section 3.2.2.
    """

    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = causal_attention):
        super().__init__()
        if d_model % n_heads:
            raise ValueError(f"d_model={d_model} is not a multiple of n_heads={n_heads}")
        self.n_heads, self.attend = n_heads, attend
        self.w_query = nn.Linear(d_model, d_model, bias=False)
        self.w_key = nn.Linear(d_model, d_model, bias=False)
        self.w_value = nn.Linear(d_model, d_model, bias=False)
        self.w_output = nn.Linear(d_model, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        B, T, C = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, n_heads, T, d_head)
            for project in (self.w_query, self.w_key, self.w_value)
        )
        heads = self.attend(query, key, value)  # (B, n_heads, T, d_head)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, C))
        ### END SOLUTION


Unit = tuple[int, int]  # (layer, position)


def sequential_depth(waits_for: Callable[[int, int], Iterable[Unit]], length: int, n_layers: int) -> int:
    """The length of the longest chain of units that must be computed one after
    another.

    Layer 0 is the input, which is there at once. Units (layer, position), with
    layers 1 to `n_layers` and positions 0 to `length` - 1, take one step each,
    and `waits_for(layer, position)` gives the units that must be done before,
    in an earlier layer, or in the same layer at an earlier position: a list, a
    set, a generator, or what else can be gone through once. A machine with
    enough hands needs as many steps as the longest chain has units, a whole
    number. A unit that waits for nothing is ready after one step. No layer
    takes no step, nor does no position. A text may have thousands of positions,
    and a unit many paths to it, so each is worked out once, and `waits_for` is
    asked about it once, in any order.

    Source: the "minimum number of sequential operations" of Vaswani et al.
    2017, table 1, made exact.
    """
    ### BEGIN SOLUTION
    done_at = {(0, position): 0 for position in range(length)}  # the step at which each unit is ready
    for layer in range(1, n_layers + 1):
        for position in range(length):
            waited = max((done_at[unit] for unit in waits_for(layer, position)), default=0)
            done_at[layer, position] = waited + 1
    return max(done_at.values(), default=0)
    ### END SOLUTION


def online_softmax_attention(query: Tensor, key: Tensor, value: Tensor, block_size: int = 64) -> Tensor:
    """`scaled_dot_product` without a mask, in one pass over blocks of
    `block_size` keys at most, 64 where none is given, never holding the scores
    of more keys at a time.

    Keeps three running things for each query: the largest score so far, the sum
    of exponentials relative to it, and the weighted sum of values; each is
    rescaled when a block brings a larger score, so that large scores give no
    NaN.

    Shapes: query (..., T, d_head), key (..., S, d_head), value
    (..., S, d_value) -> (..., T, d_value).
    Source: Milakov & Gimelshein 2018, algorithm 3; Dao et al. 2022, section
    3.1.
    """
    ### BEGIN SOLUTION
    largest = torch.full_like(query[..., :1], float("-inf"))  # (..., T, 1)
    total = torch.zeros_like(largest)  # (..., T, 1)
    mixed = query.new_zeros(*query.shape[:-1], value.size(-1))  # (..., T, d_value)
    for block_key, block_value in zip(key.split(block_size, dim=-2), value.split(block_size, dim=-2)):
        scores = query @ block_key.transpose(-2, -1) / math.sqrt(query.size(-1))  # (..., T, block)
        larger = torch.maximum(largest, scores.amax(dim=-1, keepdim=True))
        weights, shrink = torch.exp(scores - larger), torch.exp(largest - larger)
        total = total * shrink + weights.sum(dim=-1, keepdim=True)
        mixed = mixed * shrink + weights @ block_value
        largest = larger
    return mixed / total
    ### END SOLUTION
