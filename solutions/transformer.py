"""The transformer: attention and a small network for each position, one above the other, and nothing that waits.

What is built here: the decoder-only transformer in the form that language models have had since 2023. RMSNorm in front
of each part (Zhang & Sennrich 2019), positions as rotations of queries and keys (Su et al. 2021), a feed-forward
network with a gate (SwiGLU, Shazeer 2020), residuals around both (He et al. 2016), one matrix for reading tokens and
for scoring them (Press & Wolf 2017). Attention is that of the topic `attention`. Then what such a model has and costs,
and generation that keeps what it has computed (the KV cache).

Where it departs from Vaswani et al. 2017: no encoder, no dropout, no biases, norms before the parts and not after them.
Left out of today's large models: heads that share keys, experts, windows. As in the recurrent model, `model(tokens,
state)` gives logits and state; here the state is the keys and values of all tokens read so far, and grows with them.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.attention import MultiHeadAttention

KeysAndValues = tuple[Tensor, Tensor]  # of one layer, each (B, n_heads, S, d_head)


class RMSNorm(nn.Module):
    """Divide each vector by the root of its mean square, and stretch each
    coordinate by a learned weight.

    Mean square and quotient are in float32 or wider, whatever the type of x.
    `eps` is added to the mean square, before the root.

    Shapes: x (..., d_model) -> (..., d_model), in the type of x.
    Source: Zhang & Sennrich 2019, equation 4.
    """

    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        wide = x.float()
        scale = torch.rsqrt(wide.pow(2).mean(dim=-1, keepdim=True) + self.eps)  # (..., 1)
        return (wide * scale * self.weight).to(x.dtype)
        ### END SOLUTION


def rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """Turn each query or key by angles that grow with its position, so that q ·
    k depends on the distance alone.

    Coordinates i and i + d_head / 2 are the two legs of a pair, for i below
    d_head / 2, and at position p the pair is turned by p · base^(-2i / d_head)
    radians: (a, b) becomes (a cos - b sin, a sin + b cos). The angles are
    computed in float32 or wider, whatever the type of x; sines, cosines and
    products may have the type of x. What is made on the way lives on the device
    of x.

    Shapes: x (..., T, d_head), d_head even, positions (T) -> (..., T, d_head),
    in the type of x.
    Raises ValueError where d_head is odd.
    Source: Su et al. 2021, equation 34; the pairs as in GPT-NeoX and Llama,
    where the paper takes neighbours.
    """
    if x.size(-1) % 2:
        raise ValueError(f"d_head has to be even, since rotations turn pairs; it is {x.size(-1)}")
    ### BEGIN SOLUTION
    half = x.size(-1) // 2
    rates = base ** -(torch.arange(half, device=x.device) / half)  # (d_head / 2), radians for each position
    angles = positions.unsqueeze(-1) * rates  # (T, d_head / 2)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x.chunk(2, dim=-1)  # each (..., T, d_head / 2)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
    ### END SOLUTION


def fused_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The numbers of `solutions.attention.causal_attention`, from PyTorch's
    kernel, which never holds all the scores.

    Shapes: query (B, n_heads, T, d_head), key and value
    (B, n_heads, S, d_head), T <= S -> as the query.
    """
    T, S = query.size(-2), key.size(-2)
    if T in (1, S):  # one query reads all; with as many queries as keys the kernel makes the mask itself
        return F.scaled_dot_product_attention(query, key, value, is_causal=T > 1)
    may_read = torch.ones(T, S, dtype=torch.bool, device=query.device).tril(diagonal=S - T)
    return F.scaled_dot_product_attention(query, key, value, may_read)


class RotaryAttention(MultiHeadAttention):
    """The multi-head attention of before, with queries and keys turned by their
    positions, and a memory.

    The rotations have the base `self.base`, which the given constructor sets,
    and which may be changed at any time.

    `state` holds the keys, turned already, and the values of the S tokens read
    before; the T new ones have the positions S to S + T - 1. `attend` is called
    once, with the new queries and all keys and values, in all heads, by their
    places. What is returned beside the output is the state with the new ones at
    the end, as a tuple or a list. So a text read in pieces gives the numbers of
    the text read at once, however long it is and in 16 bits too, and gradients
    go back through the state.

    Shapes: x (B, T, d_model), state None or two (B, n_heads, S, d_head) ->
    (B, T, d_model), two (B, n_heads, S + T, d_head).
    Raises ValueError, in the given constructor, where d_head, d_model /
    n_heads, is odd: rotations turn pairs.
    """

    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__(d_model, n_heads, attend)
        if (d_head := d_model // n_heads) % 2:
            raise ValueError(f"d_head, d_model / n_heads, has to be even, since rotations turn pairs; it is {d_head}")
        self.base = 10_000.0  # of the rotations; models that read long texts have a larger one

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        ### BEGIN SOLUTION
        B, T, C = x.shape
        query, key, value = (
            project(x).view(B, T, self.n_heads, C // self.n_heads).transpose(1, 2)  # (B, n_heads, T, d_head)
            for project in (self.w_query, self.w_key, self.w_value)
        )
        S = 0 if state is None else state[0].size(-2)
        positions = torch.arange(S, S + T, device=x.device)
        query, key = rotary(query, positions, self.base), rotary(key, positions, self.base)
        if state is not None:
            key, value = torch.cat([state[0], key], dim=-2), torch.cat([state[1], value], dim=-2)  # S + T of each
        heads = self.attend(query, key, value)  # (B, n_heads, T, d_head)
        return self.w_output(heads.transpose(1, 2).reshape(B, T, C)), (key, value)
        ### END SOLUTION


class FeedForward(nn.Module):
    """The same small network at every position: a wide layer, half of it a gate
    for the other half, and back.

    The gate alone is bent, by silu(z) = z · σ(z), and it is what w_gate gives;
    w_up gives the other half.

    Shapes: x (..., d_model) -> (..., d_model). w_gate and w_up widen to
    d_hidden, w_down narrows, none with a bias.
    Source: Shazeer 2020, equation 6 (FFN_SwiGLU).
    """

    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_hidden, bias=False)
        self.w_up = nn.Linear(d_model, d_hidden, bias=False)
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        ### BEGIN SOLUTION
        return self.w_down(F.silu(self.w_gate(x)) * self.w_up(x))
        ### END SOLUTION


def hidden_width(d_model: int) -> int:
    """The width inside a feed-forward network: 8/3 of d_model, up to the next
    multiple of 32.

    Three matrices of this width have as many weights as the two of width 4 ·
    d_model that they replace.
    """
    return 32 * math.ceil(8 * d_model / (3 * 32))


class Block(nn.Module):
    """One layer of a transformer: the positions read each other, then each
    thinks for itself; both only add.

    Each part reads the normed stream and adds what it finds to the stream as it
    was. Gradients reach x, all weights and the state.

    Shapes: x (B, T, d_model), state as in `RotaryAttention` -> (B, T, d_model),
    state.
    Source: Vaswani et al. 2017, figure 1, with the norms moved to the front
    (Xiong et al. 2020, figure 1b).
    """

    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = fused_attention):
        super().__init__()
        self.attention_norm = RMSNorm(d_model)
        self.attention = RotaryAttention(d_model, n_heads, attend)
        self.feed_forward_norm = RMSNorm(d_model)
        self.feed_forward = FeedForward(d_model, hidden_width(d_model))

    def forward(self, x: Tensor, state: KeysAndValues | None = None) -> tuple[Tensor, KeysAndValues]:
        ### BEGIN SOLUTION
        read, state = self.attention(self.attention_norm(x), state)
        x = x + read
        return x + self.feed_forward(self.feed_forward_norm(x)), state
        ### END SOLUTION


class GPT(nn.Module):
    """A language model: embedding, `n_layers` blocks, a last norm, and a score
    for each token of the vocabulary.

    Each block reads what the one below gives. The embedding of a token is also
    its row in the output layer. `context` is the largest number of tokens that
    one text may have. The state is a list of the blocks' states, None for the
    start of a text; a tuple of states is as good. A text read in pieces, the
    state handed from each to the next, gives the logits of the text read at
    once, and gradients go back through the state.

    Shapes: tokens (B, T) -> logits (B, T, vocab_size), state.
    Raises ValueError where a text, with what was read before, is longer than
    the context.
    Source: Radford et al. 2018, with the parts of Touvron et al. 2023 (Llama).
    """

    def __init__(
        self,
        vocab_size: int,
        context: int,
        d_model: int,
        n_layers: int,
        n_heads: int,
        attend: Callable[..., Tensor] = fused_attention,
    ):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Block(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm = RMSNorm(d_model)
        self.output = nn.Linear(d_model, vocab_size, bias=False)
        self.output.weight = self.embedding.weight
        self.initialise()

    def initialise(self) -> None:
        """Small random weights; the two that write to the stream smaller, as 2
        · n_layers of them add up there.

        Source: Radford et al. 2019, section 2.3.
        """
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                writes = name.endswith(("w_output.weight", "w_down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * len(self.blocks)) if writes else 0.02)

    def forward(self, tokens: Tensor, state: list[KeysAndValues] | None = None) -> tuple[Tensor, list[KeysAndValues]]:
        read = tokens.size(1) + (state[0][0].size(-2) if state else 0)
        if read > self.context:
            raise ValueError(f"a text of {read} tokens is longer than the model's context of {self.context}")
        ### BEGIN SOLUTION
        before = state or [None] * len(self.blocks)
        after = []
        x = self.embedding(tokens)  # (B, T) -> (B, T, d_model)
        for block, block_state in zip(self.blocks, before, strict=True):
            x, block_state = block(x, block_state)
            after.append(block_state)
        return self.output(self.norm(x)), after  # (B, T, vocab_size)
        ### END SOLUTION


def count_parameters(vocab_size: int, d_model: int, n_layers: int) -> dict[str, int]:
    """How many learned numbers a `GPT` of these sizes has, by part, as whole
    numbers (`int`).

    The parts are "embedding" (which is the output layer too, and counts once),
    "attention" (all layers together), "feed_forward" (all layers, of width
    `hidden_width(d_model)`) and "norms" (two a layer, and the last). Models of
    up to 10¹⁸ parameters are counted exactly, and nothing of their size is held
    in memory. Each call gives a dictionary of its own.
    """
    ### BEGIN SOLUTION
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * 4 * d_model * d_model,
        "feed_forward": n_layers * 3 * d_model * hidden_width(d_model),
        "norms": (2 * n_layers + 1) * d_model,
    }
    ### END SOLUTION


def flops_per_token(vocab_size: int, d_model: int, n_layers: int, T: int) -> int:
    """How many floating-point operations a `GPT` of these sizes spends on one
    token of a text of T in training.

    Counted are the products of matrices, a multiplication and an addition for
    each pair of numbers, forward once and backward twice: those with weights
    (looking up an embedding is none), and in attention the scores and the
    mixing of values, over all T positions, as a kernel that masks does. T = 0
    leaves scores and mixing out. The number is whole (an `int`), and exact for
    models of up to 10¹⁸ parameters.

    Source: Kaplan et al. 2020, section 2.1, without the output layer; Chowdhery
    et al. 2022, appendix B, with it.
    """
    ### BEGIN SOLUTION
    parts = count_parameters(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"]  # the output layer is the embedding's matrix
    attention = n_layers * 2 * T * d_model  # pairs of numbers in the scores and in the mixing
    return 3 * 2 * (weights + attention)
    ### END SOLUTION


@torch.no_grad()
def generate(
    model: Callable[..., tuple[Tensor, list[KeysAndValues]]],
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = lambda logits: logits.argmax(dim=-1),
    use_cache: bool = True,
) -> Tensor:
    """Go on from a prompt, token by token; `choose` takes one from the scores
    after the last token of each text.

    `model`, a module or any function, gives logits and state of
    `model(tokens, state)`, both by their places; a text begins with None, or
    with `model(tokens)`. Whatever the state is, which after a token is not
    None, it is handed on as it comes. With the cache it reads the prompt, then
    one token and the state at each step; without it, all tokens again from the
    first, and no state. Both give the same tokens. The last token is never
    read. A module, all of whose parts have one mode, may read in evaluation
    mode; it gets its mode back, also where something raises, and any exception
    passes through.

    `choose` maps the logits of all texts, (B, vocab_size), to tokens (B): the
    likeliest, where none is given, or
    `partial(sample, temperature=0.8, generator=…)` with the `sample` of the
    topic `prediction`. PyTorch's random numbers are left to `choose`. Nothing
    is kept for gradients, and the result can be trained on: it is no inference
    tensor.

    Shapes: tokens (B, T), T >= 1 -> (B, T + n_tokens), the prompt in front;
    n_tokens may be 0, where nothing is read and the prompt comes back, itself
    or a copy.
    Raises ValueError where the model does, which refuses to read more than its
    context: T + n_tokens - 1 may fill it.
    """
    ### BEGIN SOLUTION
    state, unread = None, tokens
    for _ in range(n_tokens):
        logits, state = model(unread, state) if use_cache else model(tokens)
        unread = choose(logits[:, -1]).unsqueeze(1)  # (B, vocab_size) -> (B, 1)
        tokens = torch.cat([tokens, unread], dim=1)
    return tokens
    ### END SOLUTION
