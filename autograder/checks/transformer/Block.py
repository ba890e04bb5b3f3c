"""`Block`: parts only add to the stream and read it normed, a text in pieces is the text; numbers and gradients."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.FeedForward import Gated
from autograder.checks.transformer.RotaryAttention import Remembering
from autograder.checks.transformer.shared import Norm, State, hidden_width, read_in_pieces, seeded, with_weights

exercise = Exercise("Block")


class Layer(nn.Module):
    """A block with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, n_heads: int, attend: Callable[..., Tensor] = library_causal_attention):
        super().__init__()
        self.attention_norm, self.attention = Norm(d_model), Remembering(d_model, n_heads, attend)
        self.feed_forward_norm, self.feed_forward = Norm(d_model), Gated(d_model, hidden_width(d_model))

    def read(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        return self.attention(self.attention_norm(x), state)

    def think(self, x: Tensor) -> Tensor:
        return self.feed_forward(self.feed_forward_norm(x))

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        read, state = self.read(x, state)
        x = x + read
        return x + self.think(x), state


def block_on_our_parts(Block, rng: torch.Generator, *silent: str) -> nn.Module:
    """The learner's block of width 8, on parts of ours with random weights; the named matrices are zero."""
    own = seeded(Layer(8, 2), rng)
    for name in silent:
        nn.init.zeros_(own.get_parameter(f"{name}.weight"))
    block = with_weights(Block(8, 2, library_causal_attention), own.state_dict())
    for name, part in own.named_children():
        setattr(block, name, part)
    return block


@exercise.check(points=0.25)
def parts_only_add(Block, rng):
    """Where a part finds nothing to add, the stream goes past it as it was; x itself is left alone."""
    x = normal(rng, 2, 5, 8)
    silent = {"both": ("attention.w_output", "feed_forward.w_down"), "attention": ("attention.w_output",)}
    silent["the feed-forward network"] = ("feed_forward.w_down",)
    seen = {f"{words} silent": block_on_our_parts(Block, rng, *names)(x)[0] for words, names in silent.items()}
    return seen | {"x afterwards": x}


@exercise.check(points=0.25, invariant=True)
def parts_read_the_normed_stream(Block, rng):
    """With a stream eight times as large, either part alone adds the same as before."""
    x, added = normal(rng, 2, 5, 8), {}
    for silent in ("attention.w_output", "feed_forward.w_down"):
        block = block_on_our_parts(Block, rng, silent)
        added[silent] = [block(size * x)[0] - size * x for size in (1, 8)]
    before, after = zip(*added.values(), strict=True)
    return {"before": list(before), "after": list(after)}


@exercise.check(points=0.25, invariant=True)
def a_block_reads_in_pieces(Block, rng):
    """A text in three pieces, the state handed over, gives what it gives at once; a later word changes no earlier."""
    block, x = block_on_our_parts(Block, rng), normal(rng, 2, 7, 8)
    whole, last = block(x)
    pieces, state = read_in_pieces(block, x, [3, 1, 3])
    later = torch.cat([x[:, :6], -x[:, 6:]], dim=1)
    return {
        "before": [whole, *last, whole[:, :6]],
        "after": [torch.cat(pieces, dim=1), *state, block(later)[0][:, :6]],
        "must differ": [pieces[2], block(x[:, 4:])[0]],
    }


@exercise.check(points=0.25)
def numbers_and_gradients_of_a_block(Block, rng):
    """The result is right after some words and from the start, and the gradient reaches x and every weight."""
    block, x = block_on_our_parts(Block, rng), normal(rng, 2, 5, 8).requires_grad_()
    result, state = block(x)
    on = block(normal(rng, 2, 3, 8), state)
    leaves = {"x": x} | dict(block.named_parameters())
    return {"the result": result, "read on": on, **gradients(result, leaves, rng)}


@exercise.mistake(
    hint="You norm the stream after each part has added to it, as in 2017. What should the norm stand in front of?"
)
class norms_the_sum(Layer):
    def forward(self, x, state=None):
        read, state = self.attention(x, state)
        x = self.attention_norm(x + read)
        return self.feed_forward_norm(x + self.feed_forward(x)), state


@exercise.mistake(hint="Attention reads the stream as it is. Which norm stands in front of it?")
class attention_reads_the_bare_stream(Layer):
    def read(self, x, state):
        return self.attention(x, state)


@exercise.mistake(hint="The feed-forward network reads the stream as it is. Which norm stands before it?")
class feed_forward_reads_the_bare_stream(Layer):
    def think(self, x):
        return self.feed_forward(x)


@exercise.mistake(
    hint="What attention found replaces the stream. What does a word still know of itself when attention is silent?"
)
class nothing_goes_past_attention(Layer):
    def forward(self, x, state=None):
        x, state = self.read(x, state)
        return x + self.think(x), state


@exercise.mistake(hint="What the feed-forward network gives replaces the stream. Should it not be added to it?")
class nothing_goes_past_the_feed_forward(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        return self.think(x + read), state


@exercise.mistake(hint="You add to the normed stream. Is it that, or the stream as it was, that goes past a part?")
class adds_to_the_normed_stream(Layer):
    def forward(self, x, state=None):
        x = self.attention_norm(x)
        read, state = self.attention(x, state)
        x = self.feed_forward_norm(x + read)
        return x + self.feed_forward(x), state


@exercise.mistake(
    hint="Both parts read the stream that came in. Should the network not think about what attention has just found?"
)
class thinks_before_it_has_read(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        return x + read + self.think(x), state


@exercise.mistake(hint="The same norm stands in front of both parts. What is the other one for?")
class one_norm_for_both(Layer):
    def think(self, x):
        return self.feed_forward(self.attention_norm(x))


@exercise.mistake(hint="Attention is called without the state. How should it know what was read before?")
class forgets_the_state(Layer):
    def read(self, x, state):
        return super().read(x, None)


@exercise.mistake(hint="You hand on the state that you were given. Which one does the next piece need?")
class hands_on_the_old_state(Layer):
    def forward(self, x, state=None):
        return super().forward(x, state)[0], state


exercise.given(Layer)
