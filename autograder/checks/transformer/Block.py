"""`Block`: parts only add to the stream and read it normed, a text in pieces is the text; numbers and gradients."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.causal_attention import library_causal_attention
from autograder.checks.attention.shared import across, pytorchs_attention
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.FeedForward import Gated
from autograder.checks.transformer.memory import Remembering
from autograder.checks.transformer.shared import (
    Norm,
    State,
    from_call_to_call,
    hidden_width,
    read_in_pieces,
    seeded,
    with_weights,
)

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


@exercise.promise("both only add", broken_by="nothing_goes_past_attention")
@exercise.promise("adds what it finds to the stream as it was", broken_by="adds_to_the_normed_stream")
@exercise.promise("A function of yours leaves what it is given as it was", broken_by="adds_in_place")
@exercise.check(points=0.125)
def parts_only_add(Block, rng):
    """Where a part finds nothing to add, the stream goes past it as it was; x itself is left alone."""
    x = normal(rng, 2, 5, 8)
    silent = {"both": ("attention.w_output", "feed_forward.w_down"), "attention": ("attention.w_output",)}
    silent["the feed-forward network"] = ("feed_forward.w_down",)
    seen = {f"{words} silent": block_on_our_parts(Block, rng, *names)(x)[0] for words, names in silent.items()}
    return seen | {"x afterwards": x}


@exercise.promise("Each part reads the normed stream", broken_by="attention_reads_the_bare_stream")
@exercise.check(points=0.125, invariant=True)
def parts_read_the_normed_stream(Block, rng):
    """With a stream eight times as large, either part alone adds the same as before."""
    x, added = normal(rng, 2, 5, 8), {}
    for silent in ("attention.w_output", "feed_forward.w_down"):
        block = block_on_our_parts(Block, rng, silent)
        added[silent] = [block(size * x)[0] - size * x for size in (1, 8)]
    before, after = zip(*added.values(), strict=True)
    return {"before": list(before), "after": list(after), "change": "the stream was made eight times as large"}


@exercise.promise("state as in `RotaryAttention`", broken_by="forgets_the_state")
@exercise.check(points=0.125, invariant=True)
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
        "change": "it was read in three pieces, or its last vector was negated",
    }


@exercise.promise("the positions read each other, then each thinks for itself", broken_by="thinks_first")
@exercise.promise("self.attention_norm, self.attention, self.feed_forward_norm", broken_by="one_norm_for_both")
@exercise.promise("-> (B, T, d_model), state.", broken_by="hands_on_the_old_state")
@exercise.promise("Gradients reach x, all weights and the state", broken_by="cuts_the_state_off")
@exercise.promise("the gradient has a way down to it that nothing bends", broken_by="cuts_the_way_past")
@exercise.check(points=0.25)
def numbers_and_gradients_of_a_block(Block, rng):
    """The result is right from the start and after some words, in both modes; gradients reach x, state and weights."""
    block, x = block_on_our_parts(Block, rng), normal(rng, 2, 5, 8).requires_grad_()
    result, state = block(x)
    leaves = {"x": x} | dict(block.named_parameters())
    seen = {"the result": result, "the state": state, **gradients(result, leaves, rng)}
    of_another_text = normal(rng, 2, 2, 6, 4), normal(rng, 2, 2, 6, 4)
    seen["read on"] = block(normal(rng, 2, 3, 8), of_another_text)
    seen["in evaluation mode"] = block.eval()(normal(rng, 2, 5, 8), of_another_text)
    for mode in ("training", "evaluation"):
        block.train(mode == "training").zero_grad()
        begin, old = normal(rng, 2, 4, 8).requires_grad_(), [part.clone().requires_grad_() for part in of_another_text]
        _, state = block(begin, (old[0], old[1]))
        on = block(normal(rng, 2, 1, 8), state)[0]
        leaves = {"the words before": begin, "old keys": old[0], "old values": old[1]} | dict(block.named_parameters())
        seen |= {f"{name}, read on in {mode}": gradient for name, gradient in gradients(on, leaves, rng).items()}
    return seen


@exercise.promise("Shapes: x (B, T, d_model)", broken_by="loses_an_axis_of_one")
@exercise.check(points=0.125, atol=1e-4)
def one_token_of_one_text(Block, rng):
    """A single text, of a single token or of more, comes back with all its axes, and its state."""
    block = block_on_our_parts(Block, rng)
    seen = {f"of shape {shape}": block(normal(rng, *shape)) for shape in ((1, 1, 8), (1, 530, 8), (3, 1, 8))}
    return seen | gradients(block(normal(rng, 1, 530, 8))[0], dict(block.named_parameters()), rng)


@exercise.promise("Each call stands by itself", broken_by="goes_on_from_the_last_text")
@exercise.promise("operatorname{RMSNorm}_1(x)", broken_by="norms_with_an_eps_of_its_own")
@exercise.check(points=0.125)
def a_block_from_call_to_call(Block, rng):
    """In both modes, with gradients and without, x stays as it was, however long or faint, and no text is kept."""
    block, x, one = block_on_our_parts(Block, rng), normal(rng, 2, 5, 8), normal(rng, 2, 1, 8)
    state = normal(rng, 2, 2, 6, 4), normal(rng, 2, 2, 6, 4)
    calls = {"five words": lambda it: it(x), "one word": lambda it: it(one), "one more": lambda it: it(one, state)}
    seen = from_call_to_call(block, calls, rng)
    block = block_on_our_parts(Block, rng)
    seen["a stream that is nearly zero"] = block(1e-3 * x, state)
    seen["a stream of zeros"] = block(0 * x)
    seen["a stream of millions"] = block(1e7 * x, state)
    with torch.no_grad():
        seen["a stream that lies across"] = block(across(x), (across(state[0]), across(state[1])))
        seen["one word for all places"] = block(one[:1].expand(3, 4, 8))
        seen["one state for four texts"] = block(x[:1].expand(4, 5, 8), [part[:1].expand(4, 2, 6, 4) for part in state])
    return seen | {"in float64": block.double()(x.double())[0]}


@exercise.promise("Block(d_model, n_heads, attend=fused_attention), a module", broken_by="attends_by_itself")
@exercise.check(points=0.125)
def parts_are_made_as_given(Block, rng):
    """The given constructor hands on n_heads, `attend` and the width from hidden_width, and makes two norms."""
    block = Block(24, 2, library_causal_attention)
    _, state = block(normal(rng, 2, 5, 24))
    return {
        "shapes of the state": [list(part.shape) for part in state],
        "attention has our attend": block.attention.attend is library_causal_attention,
        "the norms are two": block.attention_norm is not block.feed_forward_norm,
        "shapes": {name: list(weight.shape) for name, weight in block.state_dict().items() if name in OWN_WEIGHTS},
    }


OWN_WEIGHTS = [f"attention.w_{name}.weight" for name in ("query", "key", "value", "output")]
OWN_WEIGHTS += [f"feed_forward.w_{name}.weight" for name in ("gate", "up", "down")]


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


@exercise.mistake(
    hint="The feed-forward network comes first. Which of the two parts should read the stream that came in?"
)
class thinks_first(Layer):
    def forward(self, x, state=None):
        x = x + self.think(x)
        read, state = self.read(x, state)
        return x + read, state


@exercise.mistake(hint="You add into the tensor that you were given. Whose is it?")
class adds_in_place(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x.clone(), state)
        with torch.no_grad():
            x.add_(read)
        return x + self.think(x), state


@exercise.mistake(hint="The numbers are right and the gradient is not. Which way down is cut off by a `detach`?")
class cuts_the_way_past(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        x = x.detach() + read
        return x.detach() + self.think(x), state


@exercise.mistake(
    hint="What attention found is added a second time at the end. What is the stream when the network adds?"
)
class adds_attention_twice(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        x = x + read
        return x + read + self.think(x), state


@exercise.mistake(hint="Where there is one text an axis gets lost. Where do you squeeze?")
class loses_an_axis_of_one(Layer):
    def forward(self, x, state=None):
        result, state = super().forward(x, state)
        return result.squeeze(0), state


@exercise.mistake(
    hint="The `attend` that the block is given does not reach its attention. What does the constructor hand on?"
)
class attends_by_itself(Layer):
    def __init__(self, d_model, n_heads, attend=library_causal_attention):
        super().__init__(d_model, n_heads)
        self.attention.attend = pytorchs_attention


@exercise.mistake(hint="The network of your block has another width inside. What does `hidden_width` say?")
class is_four_times_as_wide_inside(Layer):
    def __init__(self, d_model, n_heads, attend=library_causal_attention):
        super().__init__(d_model, n_heads, attend)
        self.feed_forward = Gated(d_model, 4 * d_model)


@exercise.mistake(hint="The attention of your block has one head. How many were asked for?")
class has_one_head(Layer):
    def __init__(self, d_model, n_heads, attend=library_causal_attention):
        super().__init__(d_model, 1, attend)


@exercise.mistake(hint="From what is read later no gradient reaches the state. Do you detach what attention reads?")
class cuts_the_state_off(Layer):
    def read(self, x, state):
        return super().read(x, state and (state[0].detach(), state[1].detach()))


@exercise.mistake(hint="A single word is read as if it went on from an earlier text. What does a state of None say?")
class goes_on_from_the_last_text(Layer):
    kept = None

    def forward(self, x, state=None):
        if state is None and x.size(1) == 1 and self.kept and len(self.kept[0]) == len(x):
            state = self.kept
        result, state = super().forward(x, state)
        self.kept = state[0].detach(), state[1].detach()
        return result, state


@exercise.mistake(hint="A faint stream is normed by another eps than your norms have. Which one do you hand on?")
class norms_with_an_eps_of_its_own(Layer):
    def read(self, x, state):
        return self.attention(F.rms_norm(x, x.shape[-1:], self.attention_norm.weight), state)

    def think(self, x):
        return self.feed_forward(F.rms_norm(x, x.shape[-1:], self.feed_forward_norm.weight))


@exercise.mistake(hint="Where the stream is large you cut it off. What do the parts do to what they are added to?")
class holds_the_stream_within_limits(Layer):
    def forward(self, x, state=None):
        x, state = super().forward(x, state)
        return x.clamp(-1e4, 1e4), state


exercise.edges(
    empty="No sentence says what no token gives.",
    one="one_token_of_one_text",
    equal="No two are compared.",
    zero="parts_only_add",
    ties="No two are compared.",
    large="a_block_from_call_to_call",
    small="The norms see to the size.",
    limit="There is no limit.",
    shapes="one_token_of_one_text",
    modes="numbers_and_gradients_of_a_block",
    gradients="There is no step that could meet old ones.",
    inputs="numbers_and_gradients_of_a_block",
)
exercise.given(Layer)
