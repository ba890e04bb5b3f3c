"""The checks of the transformer topic, and the mistakes it knows: what each exercise must do, asked by experiment.

First what has a meaning: a vector's length does not matter to a norm, a rotation keeps lengths and leaves only
distances, a text read in pieces is the text read at once, a later token changes nothing before it, a cache changes no
token. Then the numbers. A block is asked on parts of ours and a GPT on blocks of ours, with weights from the seed, so
that no check of these stands on another exercise of the learner's.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Topic
from autograder.checks.attention import FourProjections, gradients, library_causal_attention, normal

transformer = Topic("transformer")
check = transformer.try_out

State = tuple[Tensor, Tensor] | None  # keys and values of one layer


def seeded(module: nn.Module, rng: torch.Generator) -> nn.Module:
    """The module with random weights, about as large as after training."""
    with torch.no_grad():
        for weight in module.parameters():
            weight.copy_(normal(rng, *weight.shape) / (math.sqrt(weight.size(-1)) if weight.dim() > 1 else 1.0))
    return module


def with_weights(module: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """The module with these weights. Raises AttributeError where it has no place for one of them."""
    if missing := sorted(weights.keys() - module.state_dict().keys()):
        raise AttributeError(f"{', '.join(missing)}: not there; keep the parts that the given __init__ makes")
    module.load_state_dict(weights, strict=False)
    return module


def read_in_pieces(model: Callable, text: Tensor, lengths: list[int]) -> tuple[list[Tensor], Any]:
    """What a model gives for each piece of a text, the state handed from each to the next, and the last state."""
    pieces, state = [], None
    for piece in text.split(lengths, dim=1):
        result, state = model(piece, state)
        pieces.append(result)
    return pieces, state


# --- RMSNorm -----------------------------------------------------------------------------------------------

transformer.given("RMSNorm")(partial(nn.RMSNorm, eps=1e-6))


def norm_of_6(RMSNorm, rng: torch.Generator, **more: float) -> nn.Module:
    """The learner's norm for vectors of 6 numbers, with random weights."""
    return with_weights(RMSNorm(6, **more), {"weight": normal(rng, 6)})


@transformer.check("RMSNorm", points=0.25, invariant=True)
def length_does_not_matter(RMSNorm, rng):
    """A vector two or eight times as long gives the same; one with the same number added to all does not."""
    norm, x = norm_of_6(RMSNorm, rng), 10 * normal(rng, 2, 5, 6)  # so large that eps does not count
    before = norm(x)
    return {"before": [before, before], "after": [norm(2 * x), norm(8 * x)], "must differ": [before, norm(x + 10)]}


@transformer.check("RMSNorm", points=0.25, invariant=True)
def each_vector_by_itself(RMSNorm, rng):
    """Another vector at one position of one text changes the result there, and nowhere else."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    other = x.clone()
    other[0, 2] = -x[0, 2].flip(0)
    before, after = norm(x), norm(other)
    return {
        "before": [before[0, :2], before[0, 3:], before[1]],
        "after": [after[0, :2], after[0, 3:], after[1]],
        "must differ": [before[0, 2], after[0, 2]],
    }


@transformer.check("RMSNorm", points=0.25)
def numbers_and_gradients_of_the_norm(RMSNorm, rng):
    """The numbers are right, for vectors so short that eps counts and for zeros too; x and weight get a gradient."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6).requires_grad_()
    result = norm(x)
    return {
        "the result": result,
        "the result for short vectors": norm(1e-3 * x),
        "the result for zeros": norm(torch.zeros(2, 6)),
        "the result at eps=0.5": norm_of_6(RMSNorm, rng, eps=0.5)(x),
        **gradients(result, {"x": x, "the weight": norm.weight}, rng),
    }


@transformer.check("RMSNorm", points=0.25, rtol=4e-3, atol=4e-3)
def half_precision_does_not_overflow(RMSNorm, rng):
    """In float16, where 256² is infinite already, vectors with numbers of 300 have a norm, and it is float16 again."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    signs = torch.where(x < 0, -1.0, 1.0)
    result = norm((signs * (300 + 300 * x.abs())).half())
    return {"the result": result.float(), "its type": str(result.dtype)}


class Norm(nn.Module):
    """RMSNorm with its parts to override, so that one of them can be wrong."""

    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps, self.weight = eps, nn.Parameter(torch.ones(d_model))

    def size(self, x: Tensor) -> Tensor:
        return (x.square().mean(dim=-1, keepdim=True) + self.eps).sqrt()

    def forward(self, x: Tensor) -> Tensor:
        return (x.float() / self.size(x.float()) * self.weight).to(x.dtype)


@transformer.mistake(
    "RMSNorm",
    hint="A number added to all coordinates disappears in your result. RMSNorm takes no mean away: is yours LayerNorm?",
)
class takes_the_mean_away(Norm):
    def forward(self, x):
        return super().forward(x - x.mean(dim=-1, keepdim=True))


@transformer.mistake(
    "RMSNorm",
    hint="You add eps after the root. For a vector of thousandths, which is larger: eps or √eps?",
)
class adds_eps_after_the_root(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True).sqrt() + self.eps


@transformer.mistake("RMSNorm", hint="A vector of zeros gives NaN. Where do you add eps?")
class forgets_eps(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True).sqrt()


@transformer.mistake("RMSNorm", hint="Your results have the right size only where the weight is one. Where is it used?")
class forgets_the_weight(Norm):
    def forward(self, x):
        return (x.float() / self.size(x.float())).to(x.dtype)


@transformer.mistake(
    "RMSNorm",
    hint="You divide by the length of the vector, so wider vectors get smaller numbers. Is it the sum of squares or "
    "their mean that stands under the root?",
)
class divides_by_the_length(Norm):
    def size(self, x):
        return (x.square().sum(dim=-1, keepdim=True) + self.eps).sqrt()


@transformer.mistake(
    "RMSNorm",
    hint="A vector twice as long gives half of the result. What is missing between the mean square and the division?",
)
class divides_by_the_mean_square(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True) + self.eps


@transformer.mistake(
    "RMSNorm",
    hint="You divide by the mean absolute value. What do the R and the S in RMS stand for?",
)
class divides_by_the_mean_absolute_value(Norm):
    def size(self, x):
        return x.abs().mean(dim=-1, keepdim=True) + self.eps


@transformer.mistake(
    "RMSNorm",
    hint="Your mean runs over the whole input, so the words change each other. Which axis holds one vector?",
)
class one_size_for_all(Norm):
    def size(self, x):
        return (x.square().mean() + self.eps).sqrt()


@transformer.mistake(
    "RMSNorm",
    hint="Your mean runs over the positions, so a word changes the words before it. Which axis holds one vector?",
)
class a_mean_over_the_positions(Norm):
    def size(self, x):
        return (x.square().mean(dim=-2, keepdim=True) + self.eps).sqrt()


@transformer.mistake(
    "RMSNorm",
    hint="In float16 your mean square is infinite, and the result zero. In which type should the squares be taken?",
)
class squares_in_half_precision(Norm):
    def forward(self, x):
        return (x / self.size(x) * self.weight).to(x.dtype)


@transformer.mistake(
    "RMSNorm",
    hint="What goes in as float16 comes out as float32. What does the next layer expect?",
)
class forgets_to_go_back_to_the_type(Norm):
    def forward(self, x):
        return x.float() / self.size(x.float()) * self.weight


# --- rotary ------------------------------------------------------------------------------------------------


def rates(d_head: int, base: float) -> Tensor:
    """Radians for each position, one for each pair: (d_head / 2)."""
    return base ** -(torch.arange(0, d_head, 2) / d_head)


def turned(x: Tensor, angles: Tensor, cut: Callable = partial(torch.chunk, chunks=2, dim=-1), sign: int = 1) -> Tensor:
    """The pairs of x, each turned by its angle, (T, d_head / 2) in all: (..., T, d_head)."""
    (a, b), cos, sin = cut(x), angles.cos().to(x.dtype), sign * angles.sin().to(x.dtype)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


@transformer.given("rotary")
def library_rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """A `rotary` for the exercises that need one."""
    return turned(x, torch.outer(positions, rates(x.size(-1), base)))


def some_positions(rng: torch.Generator, T: int, end: int = 40) -> Tensor:
    """T different positions from 1 to `end`, in any order."""
    return torch.randperm(end, generator=rng)[:T] + 1


@transformer.check("rotary", points=0.25, invariant=True)
def lengths_are_kept(rotary, rng):
    """A rotation keeps the length of every vector, and at position 0 it turns nothing; elsewhere it turns."""
    x, positions = normal(rng, 2, 3, 5, 8), some_positions(rng, 5)
    after, at_zero = rotary(x, positions), rotary(x, torch.zeros(5, dtype=torch.long))
    return {"before": [x.norm(dim=-1), x], "after": [after.norm(dim=-1), at_zero], "must differ": [x, after]}


@transformer.check("rotary", points=0.25, invariant=True)
def only_the_distance_counts(rotary, rng):
    """Queries and keys seven positions further on have the same dot products; keys alone further on do not."""
    query, key, positions = normal(rng, 2, 5, 8), normal(rng, 2, 5, 8), some_positions(rng, 5)

    def scores(of_queries: int, of_keys: int) -> Tensor:
        return rotary(query, positions + of_queries) @ rotary(key, positions + of_keys).transpose(-2, -1)

    return {"before": scores(0, 0), "after": scores(7, 7), "must differ": [scores(0, 0), scores(0, 7)]}


@transformer.check("rotary", points=0.5)
def every_pair_at_its_own_rate(rotary, rng):
    """Coordinates i and i + d_head / 2 are one pair, turned by p · base^(-2i / d_head); the gradient is turned back."""
    x, positions = normal(rng, 2, 3, 5, 8).requires_grad_(), some_positions(rng, 5)
    result = rotary(x, positions)
    pair = torch.tensor([[1.0, 0.0]]).repeat(5, 1)
    return {
        "one pair, (1, 0)": rotary(pair, positions),
        "the result": result,
        "the result at base=100": rotary(normal(rng, 5, 6), positions, base=100.0),
        **gradients(result, {"x": x}, rng),
    }


@transformer.check("rotary", points=0.25, rtol=1e-2, atol=1e-2)
def the_type_stays(rotary, rng):
    """Queries in float16 come back in float16, those in float64 in float64, turned by the same angles, far out too."""
    x, positions = normal(rng, 3, 5, 64), 2049 + 2 * some_positions(rng, 5, end=1000)  # odd: float16 has none of them
    short, long = (rotary(x.to(dtype), positions) for dtype in (torch.float16, torch.float64))
    return {
        "the result in float64": long,
        "as near as it can be in float16": torch.allclose(short.double(), long.double(), rtol=0, atol=0.03),
        "types": [str(short.dtype), str(long.dtype)],
    }


def neighbours(x: Tensor) -> tuple[Tensor, Tensor]:
    return x[..., 0::2], x[..., 1::2]


def turned_neighbours(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """Rotations with pairs (0, 1), (2, 3), ..., as in the paper."""
    together = turned(x, torch.outer(positions, rates(x.size(-1), base)), neighbours)
    return torch.stack(together.chunk(2, dim=-1), dim=-1).flatten(-2)


@transformer.mistake(
    "rotary",
    hint="You pair each coordinate with its neighbour, as the paper does. Which two make a pair here?",
)
def pairs_neighbours(x, positions, base=10_000.0):
    return turned_neighbours(x, positions, base)


@transformer.mistake(
    "rotary",
    hint="You take neighbours for pairs and put halves back one after the other. Which two coordinates make a pair?",
)
def pairs_neighbours_and_puts_back_halves(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base)), neighbours)


@transformer.mistake(
    "rotary",
    hint="You turn the other way round. At a quarter turn, does (1, 0) become (0, 1) or (0, -1)?",
)
def turns_the_other_way(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base)), sign=-1)


@transformer.mistake(
    "rotary",
    hint="Your results grow longer or shorter. Which of the four products of a rotation has a minus?",
)
def has_no_minus(x, positions, base=10_000.0):
    (a, b), angles = x.chunk(2, dim=-1), torch.outer(positions, rates(x.size(-1), base))
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([a * cos + b * sin, a * sin + b * cos], dim=-1)


@transformer.mistake(
    "rotary",
    hint="All pairs turn at the same rate. What is the exponent of base for the second pair?",
)
def one_rate_for_all_pairs(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, torch.ones(x.size(-1) // 2)))


@transformer.mistake(
    "rotary",
    hint="Your rates fall half as fast as they should. For pair i, is the exponent -i / d_head or -2i / d_head?",
)
def halves_the_exponent(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base).sqrt()))


@transformer.mistake(
    "rotary",
    hint="Your later pairs turn by thousands of radians for each position. What is the sign of the exponent?",
)
def rates_that_grow(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, 1 / rates(x.size(-1), base)))


@transformer.mistake(
    "rotary",
    hint="Something turns at position 0 already. Do you count positions from one?",
)
def counts_positions_from_one(x, positions, base=10_000.0):
    return library_rotary(x, positions + 1, base)


@transformer.mistake(
    "rotary",
    hint="You turn by the place in the tensor. Where do the `positions` that you are given come in?",
)
def ignores_the_positions(x, positions, base=10_000.0):
    return library_rotary(x, torch.arange(x.size(-2)), base)


@transformer.mistake(
    "rotary",
    hint="Your angles are computed in the type of x. What is 2051 in float16, and 1001 in bfloat16?",
)
def computes_the_angles_in_the_type_of_x(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions.to(x.dtype), rates(x.size(-1), base).to(x.dtype)))


@transformer.mistake(
    "rotary",
    hint="You add sines and cosines to the vector, as in 2017. Should it not be turned?",
)
def adds_instead_of_turning(x, positions, base=10_000.0):
    angles = torch.outer(positions, rates(x.size(-1), base))
    return x + torch.cat([angles.sin(), angles.cos()], dim=-1).to(x.dtype)


# --- RotaryAttention ---------------------------------------------------------------------------------------


class Remembering(FourProjections):
    """Rotary attention with its parts to override, so that one of them can be wrong."""

    def positions(self, S: int, T: int) -> Tensor:
        return torch.arange(S, S + T)

    def turn(self, query: Tensor, key: Tensor, value: Tensor, positions: Tensor) -> list[Tensor]:
        return [library_rotary(query, positions), library_rotary(key, positions), value]

    def remember(self, old: Tensor, new: Tensor) -> Tensor:
        return torch.cat([old, new], dim=-2)

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        S = state[0].size(-2) if state else 0
        query, key, value = self.turn(*map(self.split, self.project(x)), self.positions(S, x.size(1)))
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        return self.w_output(self.merge(self.attend(query, key, value))), (key, value)


transformer.given("RotaryAttention")(Remembering)


def rotary_attention(RotaryAttention, rng: torch.Generator, n_heads: int = 3, attend=None) -> nn.Module:
    """The learner's module of width 12, with random weights."""
    weights = seeded(Remembering(12, n_heads), rng).state_dict()
    return with_weights(RotaryAttention(12, n_heads, attend or library_causal_attention), weights)


def keys_and_values(rng: torch.Generator, S: int = 4) -> tuple[Tensor, Tensor]:
    """The state of a layer of width 12, three heads, after S tokens of two texts."""
    return normal(rng, 2, 3, S, 4), normal(rng, 2, 3, S, 4)


@transformer.check("RotaryAttention", points=0.5, invariant=True)
def read_in_pieces_or_at_once(RotaryAttention, rng):
    """A text read in three pieces, the state handed over, gives what it gives read at once; without the state not."""
    module, x = rotary_attention(RotaryAttention, rng), normal(rng, 2, 7, 12)
    whole, last = module(x)
    pieces, state = read_in_pieces(module, x, [3, 1, 3])
    return {
        "before": [whole, *last],
        "after": [torch.cat(pieces, dim=1), *state],
        "must differ": [pieces[2], module(x[:, 4:])[0]],
    }


@transformer.check("RotaryAttention", points=0.5)
def queries_and_keys_are_turned_values_are_not(RotaryAttention, rng):
    """`attend` is called once, with new queries and all keys, turned by their positions, and values as they are."""
    calls = []

    def attend(query, key, value):
        calls.append({"query": query.detach(), "key": key.detach(), "value": value.detach()})
        return value[..., -query.size(-2) :, :]

    module = rotary_attention(RotaryAttention, rng, attend=attend)
    result, state = module(normal(rng, 2, 5, 12), keys_and_values(rng))
    module(normal(rng, 2, 6, 12))
    return {"calls of attend": calls, "the result": result, "the state": state}


@transformer.check("RotaryAttention", points=0.25, invariant=True)
def two_continuations_of_one_beginning(RotaryAttention, rng):
    """From one state two texts go on, and neither changes the state, nor what the other gets."""
    module, state = rotary_attention(RotaryAttention, rng), keys_and_values(rng)
    x, other = normal(rng, 2, 3, 12), normal(rng, 2, 3, 12)
    kept = [part.clone() for part in state]
    before, of_other = module(x, state)[0], module(other, state)[0]
    return {"before": [before, *kept], "after": [module(x, state)[0], *state], "must differ": [before, of_other]}


@transformer.check("RotaryAttention", points=0.5)
def numbers_and_gradients_of_attention(RotaryAttention, rng):
    """One head, two or six give the right result; the gradient reaches x, the state and all four projections."""
    seen = {}
    for n_heads in (1, 2, 6):
        seen[f"n_heads={n_heads}"] = rotary_attention(RotaryAttention, rng, n_heads)(normal(rng, 2, 5, 12))
    module, x, state = rotary_attention(RotaryAttention, rng), normal(rng, 2, 5, 12), keys_and_values(rng)
    leaves = {"x": x, "the old keys": state[0], "the old values": state[1]}
    for leaf in leaves.values():
        leaf.requires_grad_()
    return {**seen, **gradients(module(x, state)[0], leaves | dict(module.named_parameters()), rng)}


@transformer.mistake(
    "RotaryAttention",
    hint="The order of the words does not count. Where do your queries and keys learn their positions?",
)
class turns_nothing(Remembering):
    def turn(self, query, key, value, positions):
        return [query, key, value]


@transformer.mistake(
    "RotaryAttention",
    hint="Every piece of a text begins at position 0. How many tokens stand in the state already?",
)
class starts_every_piece_at_zero(Remembering):
    def positions(self, S, T):
        return torch.arange(T)


@transformer.mistake(
    "RotaryAttention",
    hint="Values are turned as well. Which of the three decide who is read, and which is what is read?",
)
class turns_the_values_too(Remembering):
    def turn(self, query, key, value, positions):
        return [library_rotary(part, positions) for part in (query, key, value)]


@transformer.mistake(
    "RotaryAttention",
    hint="Only the queries are turned. What has to be turned as well, so that the difference of two positions counts?",
)
class turns_the_queries_alone(Remembering):
    def turn(self, query, key, value, positions):
        return [library_rotary(query, positions), key, value]


@transformer.mistake(
    "RotaryAttention",
    hint="The keys in the state are turned once more with each piece. Were they not turned when they came in?",
)
class turns_the_old_keys_again(Remembering):
    def remember(self, old, new):
        is_key = old is self.old_key
        return super().remember(library_rotary(old, torch.arange(old.size(-2))) if is_key else old, new)

    def forward(self, x, state=None):
        self.old_key = state[0] if state else None
        return super().forward(x, state)


@transformer.mistake(
    "RotaryAttention",
    hint="The keys that you keep have not been turned. When they are read with the next piece, who turns them?",
)
class keeps_keys_before_turning(Remembering):
    def turn(self, query, key, value, positions):
        self.new_key = key
        return super().turn(query, key, value, positions)

    def forward(self, x, state=None):
        result, (_, value) = super().forward(x, state)
        key = self.new_key
        return result, (self.remember(state[0], key) if state else key, value)


@transformer.mistake(
    "RotaryAttention",
    hint="You turn whole rows of d_model numbers before they are cut into heads. How wide is a vector that asks?",
)
class turns_before_the_heads_are_cut(Remembering):
    def forward(self, x, state=None):
        S = state[0].size(-2) if state else 0
        flat = self.turn(*self.project(x), self.positions(S, x.size(1)))
        query, key, value = map(self.split, flat)
        if state:
            key, value = self.remember(state[0], key), self.remember(state[1], value)
        return self.w_output(self.merge(self.attend(query, key, value))), (key, value)


@transformer.mistake(
    "RotaryAttention",
    hint="With a state you read only what is new. What do you do with the keys and values in it?",
)
class overwrites_what_was_read(Remembering):
    def remember(self, old, new):
        return new


@transformer.mistake(
    "RotaryAttention",
    hint="All is read, and only the new keys and values are handed on. What will the next piece miss?",
)
class hands_on_the_new_ones_only(Remembering):
    def forward(self, x, state=None):
        result, (key, value) = super().forward(x, state)
        return result, (key[..., -x.size(1) :, :], value[..., -x.size(1) :, :])


@transformer.mistake(
    "RotaryAttention",
    hint="The new keys stand in front of the old ones. Which come first in the text?",
)
class puts_the_new_ones_in_front(Remembering):
    def remember(self, old, new):
        return torch.cat([new, old], dim=-2)


@transformer.mistake(
    "RotaryAttention",
    hint="You join old and new along the heads. Which axis of (B, n_heads, S, d_head) counts the positions?",
)
class joins_along_the_heads(Remembering):
    def remember(self, old, new):
        return torch.cat([old, new], dim=1)


@transformer.mistake(
    "RotaryAttention",
    hint="The memory is right, but the pairs that are turned are neighbours. Does `check(rotary)` pass?",
)
class stands_on_turned_neighbours(Remembering):
    def turn(self, query, key, value, positions):
        return [turned_neighbours(query, positions), turned_neighbours(key, positions), value]


# --- FeedForward -------------------------------------------------------------------------------------------


class Gated(nn.Module):
    """A feed-forward network with its parts to override, so that one of them can be wrong."""

    bend = staticmethod(F.silu)

    def __init__(self, d_model: int, d_hidden: int):
        super().__init__()
        self.w_gate, self.w_up = (nn.Linear(d_model, d_hidden, bias=False) for _ in range(2))
        self.w_down = nn.Linear(d_hidden, d_model, bias=False)

    def hidden(self, gate: Tensor, up: Tensor) -> Tensor:
        return self.bend(gate) * up

    def forward(self, x: Tensor) -> Tensor:
        return self.w_down(self.hidden(self.w_gate(x), self.w_up(x)))


transformer.given("FeedForward")(Gated)


def feed_forward(FeedForward, rng: torch.Generator, **held: Tensor) -> nn.Module:
    """The learner's network, 6 wide and 10 inside, with random weights, some of them held at a value."""
    weights = seeded(Gated(6, 10), rng).state_dict()
    return with_weights(FeedForward(6, 10), weights | {f"{name}.weight": weight for name, weight in held.items()})


@transformer.check("FeedForward", points=0.25, invariant=True)
def no_position_sees_another(FeedForward, rng):
    """Another vector at one position of one text changes the result there, and nowhere else."""
    network, x = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6)
    other = x.clone()
    other[0, 2] = -x[0, 2]
    before, after = network(x), network(other)
    return {
        "before": [before[0, :2], before[0, 3:], before[1]],
        "after": [after[0, :2], after[0, 3:], after[1]],
        "must differ": [before[0, 2], after[0, 2]],
    }


@transformer.check("FeedForward", points=0.25)
def the_gate_decides(FeedForward, rng):
    """A gate far below zero lets nothing through; one of a hundred multiplies the other branch by a hundred."""
    x = normal(rng, 3, 6).abs() + 1
    first = torch.zeros(10, 6)
    first[:, 0] = 1.0
    shut, opened = (
        feed_forward(FeedForward, rng, w_gate=gate * first)(x / x[:, :1])  # so that each gate is this number
        for gate in (-100.0, 100.0)
    )
    return {"the gate at -100": shut, "the gate at 100": opened}


@transformer.check("FeedForward", points=0.25)
def numbers_and_gradients_of_the_network(FeedForward, rng):
    """The result is w_down of silu(w_gate of x) times w_up of x, and the gradient reaches x and all three."""
    network, x = feed_forward(FeedForward, rng), normal(rng, 2, 5, 6).requires_grad_()
    result = network(x)
    return {"the result": result, **gradients(result, {"x": x} | dict(network.named_parameters()), rng)}


@transformer.mistake(
    "FeedForward",
    hint="You bend the branch that should stay straight. Which of the two is the gate?",
)
class bends_the_wrong_branch(Gated):
    def hidden(self, gate, up):
        return gate * F.silu(up)


@transformer.mistake("FeedForward", hint="Your gate is bent by GELU, as in GPT-2. Which function has x · σ(x)?")
class bends_with_gelu(Gated):
    bend = staticmethod(F.gelu)


@transformer.mistake("FeedForward", hint="Your gate is bent by ReLU. What does silu do below zero?")
class bends_with_relu(Gated):
    bend = staticmethod(F.relu)


@transformer.mistake(
    "FeedForward",
    hint="Your gate lies between 0 and 1, as in an LSTM. What else does silu multiply the sigmoid by?",
)
class bends_with_a_sigmoid(Gated):
    bend = staticmethod(torch.sigmoid)


@transformer.mistake("FeedForward", hint="Your gate is never used. Where does w_gate come in?")
class has_no_gate(Gated):
    def hidden(self, gate, up):
        return F.silu(up)


@transformer.mistake("FeedForward", hint="Your gate is not bent at all. What stands between w_gate and the product?")
class bends_nothing(Gated):
    def hidden(self, gate, up):
        return gate * up


@transformer.mistake("FeedForward", hint="You add the two branches. Can a sum shut anything off?")
class adds_the_branches(Gated):
    def hidden(self, gate, up):
        return F.silu(gate) + up


@transformer.mistake("FeedForward", hint="You bend the product of both. Which factor alone goes through silu?")
class bends_the_product(Gated):
    def hidden(self, gate, up):
        return F.silu(gate * up)


# --- Block -------------------------------------------------------------------------------------------------


def hidden_width(d_model: int) -> int:
    """As the notebook gives it."""
    return 32 * math.ceil(8 * d_model / (3 * 32))


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


transformer.given("Block")(Layer)


def block_on_our_parts(Block, rng: torch.Generator, *silent: str) -> nn.Module:
    """The learner's block of width 8, on parts of ours with random weights; the named matrices are zero."""
    own = seeded(Layer(8, 2), rng)
    for name in silent:
        nn.init.zeros_(own.get_parameter(f"{name}.weight"))
    block = with_weights(Block(8, 2, library_causal_attention), own.state_dict())
    for name, part in own.named_children():
        setattr(block, name, part)
    return block


@transformer.check("Block", points=0.25)
def parts_only_add(Block, rng):
    """Where a part finds nothing to add, the stream goes past it as it was; x itself is left alone."""
    x = normal(rng, 2, 5, 8)
    silent = {"both": ("attention.w_output", "feed_forward.w_down"), "attention": ("attention.w_output",)}
    silent["the feed-forward network"] = ("feed_forward.w_down",)
    seen = {f"{words} silent": block_on_our_parts(Block, rng, *names)(x)[0] for words, names in silent.items()}
    return seen | {"x afterwards": x}


@transformer.check("Block", points=0.25, invariant=True)
def parts_read_the_normed_stream(Block, rng):
    """With a stream eight times as large, either part alone adds the same as before."""
    x, added = normal(rng, 2, 5, 8), {}
    for silent in ("attention.w_output", "feed_forward.w_down"):
        block = block_on_our_parts(Block, rng, silent)
        added[silent] = [block(size * x)[0] - size * x for size in (1, 8)]
    before, after = zip(*added.values(), strict=True)
    return {"before": list(before), "after": list(after)}


@transformer.check("Block", points=0.25, invariant=True)
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


@transformer.check("Block", points=0.25)
def numbers_and_gradients_of_a_block(Block, rng):
    """The result is right after some words and from the start, and the gradient reaches x and every weight."""
    block, x = block_on_our_parts(Block, rng), normal(rng, 2, 5, 8).requires_grad_()
    result, state = block(x)
    on = block(normal(rng, 2, 3, 8), state)
    leaves = {"x": x} | dict(block.named_parameters())
    return {"the result": result, "read on": on, **gradients(result, leaves, rng)}


@transformer.mistake(
    "Block",
    hint="You norm the stream after each part has added to it, as in 2017. What should the norm stand in front of?",
)
class norms_the_sum(Layer):
    def forward(self, x, state=None):
        read, state = self.attention(x, state)
        x = self.attention_norm(x + read)
        return self.feed_forward_norm(x + self.feed_forward(x)), state


@transformer.mistake("Block", hint="Attention reads the stream as it is. Which norm stands in front of it?")
class attention_reads_the_bare_stream(Layer):
    def read(self, x, state):
        return self.attention(x, state)


@transformer.mistake("Block", hint="The feed-forward network reads the stream as it is. Which norm stands before it?")
class feed_forward_reads_the_bare_stream(Layer):
    def think(self, x):
        return self.feed_forward(x)


@transformer.mistake(
    "Block",
    hint="What attention found replaces the stream. What does a word still know of itself when attention is silent?",
)
class nothing_goes_past_attention(Layer):
    def forward(self, x, state=None):
        x, state = self.read(x, state)
        return x + self.think(x), state


@transformer.mistake(
    "Block",
    hint="What the feed-forward network gives replaces the stream. Should it not be added to it?",
)
class nothing_goes_past_the_feed_forward(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        return self.think(x + read), state


@transformer.mistake(
    "Block",
    hint="You add to the normed stream. Is it that, or the stream as it was, that goes past a part?",
)
class adds_to_the_normed_stream(Layer):
    def forward(self, x, state=None):
        x = self.attention_norm(x)
        read, state = self.attention(x, state)
        x = self.feed_forward_norm(x + read)
        return x + self.feed_forward(x), state


@transformer.mistake(
    "Block",
    hint="Both parts read the stream that came in. Should the network not think about what attention has just found?",
)
class thinks_before_it_has_read(Layer):
    def forward(self, x, state=None):
        read, state = self.read(x, state)
        return x + read + self.think(x), state


@transformer.mistake("Block", hint="The same norm stands in front of both parts. What is the other one for?")
class one_norm_for_both(Layer):
    def think(self, x):
        return self.feed_forward(self.attention_norm(x))


@transformer.mistake(
    "Block",
    hint="Attention is called without the state. How should it know what was read before?",
)
class forgets_the_state(Layer):
    def read(self, x, state):
        return super().read(x, None)


@transformer.mistake("Block", hint="You hand on the state that you were given. Which one does the next piece need?")
class hands_on_the_old_state(Layer):
    def forward(self, x, state=None):
        return super().forward(x, state)[0], state


# --- GPT ---------------------------------------------------------------------------------------------------

SIZES = {"vocab_size": 11, "context": 9, "d_model": 8, "n_layers": 2, "n_heads": 2}


class Stack(nn.Module):
    """A GPT with its parts to override, so that one of them can be wrong."""

    def __init__(self, vocab_size, context, d_model, n_layers, n_heads, attend=library_causal_attention):
        super().__init__()
        self.context, self.embedding = context, nn.Embedding(vocab_size, d_model)
        self.blocks = nn.ModuleList(Layer(d_model, n_heads, attend) for _ in range(n_layers))
        self.norm, self.output = Norm(d_model), nn.Linear(d_model, vocab_size, bias=False)
        self.tie()

    def tie(self) -> None:
        self.output.weight = self.embedding.weight

    def bottom(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens)

    def before(self, state: list | None, index: int, below: State) -> State:
        return state[index] if state else None

    def climb(self, x: Tensor, state: list | None) -> tuple[list[Tensor], list]:
        """What each block gives, the embedding first, and the states after."""
        levels, after = [x], []
        for index, block in enumerate(self.blocks):
            x, new = block(self.reads(levels), self.before(state, index, after[-1] if after else None))
            levels.append(self.goes_on(levels, x))
            after.append(new)
        return levels, after

    def reads(self, levels: list[Tensor]) -> Tensor:
        return levels[-1]

    def goes_on(self, levels: list[Tensor], x: Tensor) -> Tensor:
        return x

    def top(self, levels: list[Tensor]) -> Tensor:
        return self.output(self.norm(levels[-1]))

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        if tokens.size(1) + (state[0][0].size(-2) if state else 0) > self.context:
            raise ValueError("longer than the context")
        levels, after = self.climb(self.bottom(tokens), state)
        return self.top(levels), after


transformer.given("GPT")(Stack)


def gpt_on_our_blocks(GPT, rng: torch.Generator, **sizes: int) -> nn.Module:
    """The learner's model, on blocks and a norm of ours, with random weights."""
    sizes = SIZES | sizes
    own = seeded(Stack(**sizes), rng)
    model = with_weights(GPT(**sizes, attend=library_causal_attention), own.state_dict())
    model.blocks, model.norm = own.blocks, own.norm
    return model


def tokens_of(rng: torch.Generator, B: int = 2, T: int = 7) -> Tensor:
    """A text in which each token stands at most once."""
    return torch.stack([torch.randperm(SIZES["vocab_size"], generator=rng)[:T] for _ in range(B)])


@transformer.check("GPT", points=0.25, invariant=True)
def a_text_in_pieces_is_the_text(GPT, rng):
    """A text read in three pieces, the state handed over, gives the logits of the text at once; without it not."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng)
    whole, last = model(tokens)
    pieces, state = read_in_pieces(model, tokens, [3, 1, 3])
    return {
        "before": [whole, *(part for layer in last for part in layer)],
        "after": [torch.cat(pieces, dim=1), *(part for layer in state for part in layer)],
        "must differ": [pieces[2], model(tokens[:, 4:])[0]],
    }


@transformer.check("GPT", points=0.25, invariant=True)
def two_continuations_of_one_text(GPT, rng):
    """From one state two texts go on, and neither changes the state, nor what the other gets."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng)
    _, state = model(tokens[:, :3])
    kept = [part.clone() for layer in state for part in layer]
    before, of_other = model(tokens[:, 3:5], state)[0], model(tokens[:, 5:], state)[0]
    after = model(tokens[:, 3:5], state)[0]
    return {
        "before": [before, *kept],
        "after": [after, *(part for layer in state for part in layer)],
        "must differ": [before, of_other],
    }


@transformer.check("GPT", points=0.25, invariant=True)
def a_later_token_changes_no_earlier_logits(GPT, rng):
    """Another token changes no logits before it and none of another text, but those of its text from there on."""
    model, tokens = gpt_on_our_blocks(GPT, rng), tokens_of(rng)
    other = tokens.clone()
    other[0, 3] = (tokens[0, 3] + 1) % SIZES["vocab_size"]
    before, after = model(tokens)[0], model(other)[0]
    return {
        "before": [before[0, :3], before[1]],
        "after": [after[0, :3], after[1]],
        "must differ": [before[0, 6], after[0, 6]],
    }


class Witness(nn.Module):
    """A block that writes down what it is called with, and gives something that can be told from it."""

    def __init__(self, index: int, calls: list[dict[str, Any]]):
        super().__init__()
        self.index, self.calls = index, calls

    def forward(self, x: Tensor, state: State = None) -> tuple[Tensor, State]:
        self.calls.append({"block": self.index, "x": x, "state": state})
        return 2 * x + 1, self.state(10.0)

    def state(self, number: float) -> tuple[Tensor, Tensor]:
        """Keys and values of one token, which show whose they are."""
        return (torch.full((2, 1, 1, 2), number + self.index),) * 2


@transformer.check("GPT", points=0.25)
def blocks_stand_on_each_other(GPT, rng):
    """Each block is called once, from the first up, on what the one below gives and on its own state."""
    model, calls = gpt_on_our_blocks(GPT, rng, n_layers=3), []
    model.blocks = nn.ModuleList(Witness(index, calls) for index in range(3))
    seen = [model(tokens_of(rng), state) for state in (None, [block.state(0.0) for block in model.blocks])]
    return {"calls": calls, "logits and states": seen}


@transformer.check("GPT", points=0.25)
def a_text_as_long_as_the_context(GPT, rng):
    """One block or three, up to the whole context: the logits are right; a longer text raises ValueError."""
    seen = {}
    for n_layers in (1, 3):
        model = gpt_on_our_blocks(GPT, rng, n_layers=n_layers)
        seen[f"n_layers={n_layers}"] = model(tokens_of(rng, T=9))[0]
    for words, tokens, state in (
        ("a longer text", tokens_of(rng, T=10), None),
        ("read on past the context", tokens_of(rng, T=4), model(tokens_of(rng, T=6))[1]),
    ):
        try:
            model(tokens, state)
            seen[words] = "no complaint"
        except ValueError:
            seen[words] = "ValueError"
    return seen


@transformer.check("GPT", points=0.25)
def every_weight_learns(GPT, rng):
    """The gradient reaches every weight, and embedding and output layer share one matrix."""
    model = gpt_on_our_blocks(GPT, rng)
    parameters = dict(model.named_parameters())
    number = sum(weight.numel() for weight in parameters.values())
    return {"the number of parameters": number, **gradients(model(tokens_of(rng))[0], parameters, rng)}


@transformer.mistake(
    "GPT",
    hint="The stream goes to the output layer as it is. What stands between the last block and the scores?",
)
class forgets_the_last_norm(Stack):
    def top(self, levels):
        return self.output(levels[-1])


@transformer.mistake(
    "GPT",
    hint="Every text is read as if it were a beginning. Where does the state that you are given come in?",
)
class forgets_the_state_it_is_given(Stack):
    def before(self, state, index, below):
        return None


@transformer.mistake(
    "GPT",
    hint="Each block gets the keys and values of the block below. Which of the states in the list is its own?",
)
class hands_the_state_up_the_blocks(Stack):
    def before(self, state, index, below):
        return below if index else state[0] if state else None


@transformer.mistake(
    "GPT",
    hint="Every block is given the state of the first. Which of the states in the list is its own?",
)
class gives_all_blocks_the_first_state(Stack):
    def before(self, state, index, below):
        return state[0] if state else None


@transformer.mistake(
    "GPT",
    hint="You return the state of the last block alone. What do the other blocks need to go on reading?",
)
class returns_the_last_state_only(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        return logits, after[-1]


@transformer.mistake(
    "GPT",
    hint="You write the new states into the list that you were given. What does another text find there that goes on "
    "from the same beginning?",
)
class writes_into_the_state_it_is_given(Stack):
    def forward(self, tokens, state=None):
        logits, after = super().forward(tokens, state)
        if state:
            state[:] = after
        return logits, state or after


@transformer.mistake("GPT", hint="All blocks read the embedding. What should the second one read?")
class every_block_reads_the_embedding(Stack):
    def reads(self, levels):
        return levels[0]


@transformer.mistake(
    "GPT",
    hint="You add what a block gives to what it read. Does the block not add to the stream itself?",
)
class adds_around_the_blocks_again(Stack):
    def goes_on(self, levels, x):
        return levels[-1] + x


@transformer.mistake(
    "GPT",
    hint="What you return sums to one over the tokens. Are these the scores before the softmax or after it?",
)
class returns_probabilities(Stack):
    def top(self, levels):
        return torch.softmax(super().top(levels), dim=-1)


@transformer.mistake(
    "GPT",
    hint="You multiply the embedding by √d_model, as in 2017. Does the first norm not see to its size here?",
)
class scales_the_embedding(Stack):
    def bottom(self, tokens):
        return math.sqrt(self.embedding.embedding_dim) * super().bottom(tokens)


@transformer.mistake(
    "GPT",
    hint="You norm the embedding before the first block. Which blocks bring norms of their own?",
)
class norms_the_embedding(Stack):
    def bottom(self, tokens):
        return self.norm(super().bottom(tokens))


@transformer.mistake(
    "GPT",
    hint="Your model has vocab_size · d_model weights too many. Which matrix scores the tokens?",
)
class ties_nothing(Stack):
    def tie(self):
        pass


# --- count_parameters --------------------------------------------------------------------------------------


SIZE_RANGES = ((101, 200, 1), (5, 12, 8), (3, 7, 1))  # lowest, end, and step of each


def sizes_of(rng: torch.Generator) -> tuple[int, int, int]:
    """vocab_size, d_model, n_layers of a small model."""
    return tuple(int(torch.randint(low, high, (), generator=rng)) * step for low, high, step in SIZE_RANGES)


def parts_of(
    vocab_size: int, d_model: int, n_layers: int, hidden: int | None = None, matrices: tuple[int, int] = (4, 3)
) -> dict[str, int]:
    """The parameters of a GPT by part; in attention and feed-forward network, how many matrices there are."""
    return {
        "embedding": vocab_size * d_model,
        "attention": n_layers * matrices[0] * d_model**2,
        "feed_forward": n_layers * matrices[1] * d_model * (hidden or hidden_width(d_model)),
        "norms": (2 * n_layers + 1) * d_model,
    }


transformer.given("count_parameters")(parts_of)


@transformer.check("count_parameters", points=0.25)
def the_parts_of_a_model(count_parameters, rng):
    """Embedding, attention, feed-forward networks and norms, each with all its numbers, in all layers together."""
    return count_parameters(*sizes_of(rng))


@transformer.check("count_parameters", points=0.25)
def as_many_as_a_model_has(count_parameters, rng):
    """The parts add up to what a GPT of these sizes has when it is built, the shared matrix counted once."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    model = Stack(vocab_size, 8, d_model, n_layers, n_heads=2)
    built = sum(weight.numel() for weight in model.parameters())
    return {"more than were built": sum(count_parameters(vocab_size, d_model, n_layers).values()) - built}


@transformer.check("count_parameters", points=0.25)
def what_a_layer_adds(count_parameters, rng):
    """One layer more adds to each part what a layer has, and to the embedding nothing."""
    vocab_size, d_model, n_layers = sizes_of(rng)
    fewer, more = (count_parameters(vocab_size, d_model, layers) for layers in (n_layers, n_layers + 1))
    return {f"added to {part}": more[part] - fewer[part] for part in fewer}


@transformer.mistake(
    "count_parameters",
    hint="You count the embedding and the output layer. How many matrices are they, when they are tied?",
)
def counts_the_tied_matrix_twice(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts | {"embedding": 2 * parts["embedding"]}


@transformer.mistake("count_parameters", hint="d_model numbers are missing. Which norm stands in no block?")
def forgets_the_norm_after_the_last_block(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers) | {"norms": 2 * n_layers * d_model}


@transformer.mistake("count_parameters", hint="How many norms does a block have, one or two?")
def one_norm_in_each_layer(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers) | {"norms": (n_layers + 1) * d_model}


@transformer.mistake("count_parameters", hint="Your norms have a weight and a bias. Which of the two has RMSNorm?")
def gives_the_norms_a_bias(vocab_size, d_model, n_layers):
    parts = parts_of(vocab_size, d_model, n_layers)
    return parts | {"norms": 2 * parts["norms"]}


@transformer.mistake(
    "count_parameters",
    hint="Your feed-forward networks are 4 · d_model wide. What does `hidden_width` say?",
)
def a_width_of_four(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, hidden=4 * d_model)


@transformer.mistake(
    "count_parameters",
    hint="Your feed-forward networks have two matrices, as before there was a gate. How many are there now?",
)
def forgets_the_gate(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, matrices=(4, 2))


@transformer.mistake(
    "count_parameters",
    hint="Your attention has three matrices: query, key and value. What puts the heads together again?",
)
def forgets_w_output(vocab_size, d_model, n_layers):
    return parts_of(vocab_size, d_model, n_layers, matrices=(3, 3))


@transformer.mistake(
    "count_parameters",
    hint="Two of your parts do not grow with n_layers. Are they meant for one layer or for all?",
)
def counts_one_layer(vocab_size, d_model, n_layers):
    one = parts_of(vocab_size, d_model, 1)
    return one | {"norms": (2 * n_layers + 1) * d_model}


# --- flops_per_token ---------------------------------------------------------------------------------------


def operations(
    vocab_size: int, d_model: int, n_layers: int, T: int, passes: int = 3, products: int = 2, weights: int | None = None
) -> int:
    """FLOPs for each token; how often forward, products in attention, and weights that are multiplied with."""
    parts = parts_of(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"] if weights is None else weights
    return passes * 2 * (weights + n_layers * products * T * d_model)


@transformer.check("flops_per_token", points=0.25)
def the_operations_of_a_token(flops_per_token, rng):
    """Two for each number multiplied, forward once and backward twice, for three lengths of the text."""
    sizes, T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    return {f"at T = {length}": flops_per_token(*sizes, length) for length in (T, 2 * T + 1, 100 * T)}


@transformer.check("flops_per_token", points=0.25)
def what_a_longer_text_costs(flops_per_token, rng):
    """One position more in the text costs a token more in attention, in every layer, and nothing elsewhere."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    return {
        f"one position more, {words}": flops_per_token(V, d_model, n, T + 1) - flops_per_token(V, d_model, n, T)
        for words, V, n in (
            ("this model", vocab_size, n_layers),
            ("one layer more", vocab_size, n_layers + 1),
            ("another vocabulary", vocab_size + 50, n_layers),
        )
    }


@transformer.check("flops_per_token", points=0.25)
def what_a_layer_costs(flops_per_token, rng):
    """A model without layers multiplies with the output layer alone; each layer costs what a layer has."""
    (vocab_size, d_model, n_layers), T = sizes_of(rng), int(torch.randint(20, 90, (), generator=rng))
    without, fewer, more = (flops_per_token(vocab_size, d_model, n, T) for n in (0, n_layers, n_layers + 1))
    return {"without layers": without, "one layer more": more - fewer}


@transformer.mistake(
    "flops_per_token",
    hint="You count the forward pass. How many products of the same size does the backward pass need for each of it?",
)
def forward_only(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, passes=1)


@transformer.mistake(
    "flops_per_token",
    hint="Your backward pass costs as much as the forward pass. Of what does it need gradients?",
)
def backward_as_dear_as_forward(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, passes=2)


@transformer.mistake(
    "flops_per_token",
    hint="You count one operation for each weight and pass. What is done with a product after the multiplication?",
)
def forgets_the_additions(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T) // 2


@transformer.mistake(
    "flops_per_token",
    hint="Your number is the same for every length of the text. Which products grow with it?",
)
def forgets_attention(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, products=0)


@transformer.mistake(
    "flops_per_token",
    hint="You count the scores. What else do queries do with T positions?",
)
def forgets_the_mixing_of_values(vocab_size, d_model, n_layers, T):
    return operations(vocab_size, d_model, n_layers, T, products=1)


@transformer.mistake(
    "flops_per_token",
    hint="Scores and mixing are counted for one layer. How many layers have them?",
)
def attention_in_one_layer(vocab_size, d_model, n_layers, T):
    rest = operations(vocab_size, d_model, n_layers, 0)
    return rest + operations(vocab_size, d_model, 1, T) - operations(vocab_size, d_model, 1, 0)


@transformer.mistake(
    "flops_per_token",
    hint="You count the embedding and the output layer. Which of the two is a product, and which a look-up?",
)
def counts_the_look_up(vocab_size, d_model, n_layers, T):
    parts = parts_of(vocab_size, d_model, n_layers)
    weights = sum(parts.values()) - parts["norms"] + parts["embedding"]
    return operations(vocab_size, d_model, n_layers, T, weights=weights)


@transformer.mistake(
    "flops_per_token",
    hint="The output layer is missing, as in the paper of 2020. Is it a product of matrices?",
)
def forgets_the_output_layer(vocab_size, d_model, n_layers, T):
    parts = parts_of(vocab_size, d_model, n_layers)
    return operations(vocab_size, d_model, n_layers, T, weights=parts["attention"] + parts["feed_forward"])


@transformer.mistake(
    "flops_per_token",
    hint="You count all parameters. Are those of the norms in a product of matrices?",
)
def counts_the_norms(vocab_size, d_model, n_layers, T):
    weights = sum(parts_of(vocab_size, d_model, n_layers).values())
    return operations(vocab_size, d_model, n_layers, T, weights=weights)


@transformer.mistake(
    "flops_per_token",
    hint="This is what a whole text costs. Is it not one token that was asked for?",
)
def counts_a_whole_text(vocab_size, d_model, n_layers, T):
    return T * operations(vocab_size, d_model, n_layers, T)


# --- generate ----------------------------------------------------------------------------------------------


class Reader(nn.Module):
    """A language model whose logits hang on every token that it read and on their order, exactly.

    The state is two tensors for the only layer: a number made of all tokens, and how many there were.
    """

    def __init__(self, rng: torch.Generator, vocab_size: int = 31, context: int = 30):
        super().__init__()
        self.table, self.context, self.calls = normal(rng, 997, vocab_size), context, []

    def forward(self, tokens: Tensor, state: list | None = None) -> tuple[Tensor, list]:
        self.calls.append({"tokens": tokens, "the state": state})
        number, read = state[0] if state else (torch.zeros(len(tokens), dtype=torch.long), 0)
        if (read := read + tokens.size(1)) > self.context:
            raise ValueError("longer than the context")
        numbers = []
        for token in tokens.unbind(1):
            number = (number * 31 + token + 1) % 997
            numbers.append(number)
        return self.table[torch.stack(numbers, dim=1)], [(number, read)]


def prompt(rng: torch.Generator, T: int = 4) -> Tensor:
    return torch.randint(31, (2, T), generator=rng)


def unlikeliest(logits: Tensor) -> Tensor:
    return logits.argmin(dim=-1)


@transformer.check("generate", points=0.25, invariant=True)
def the_cache_changes_no_token(generate, rng):
    """With the cache the same tokens come as without it, whatever `choose` takes; another `choose` takes others."""
    model, tokens = Reader(rng), prompt(rng)
    before, other = (generate(model, tokens, 6, choose, use_cache=False) for choose in (unlikeliest, take_third))
    after = [generate(model, tokens, 6, choose) for choose in (unlikeliest, take_third)]
    return {"before": [before, other], "after": after, "must differ": [before, other]}


def take_third(logits: Tensor) -> Tensor:
    return logits.topk(3).indices[:, 2]


@transformer.check("generate", points=0.5)
def what_the_model_reads(generate, rng):
    """With the cache: the prompt, then one token and the state each time. Without: all the tokens, and no state."""
    seen, tokens = {}, prompt(rng)
    for words, use_cache in (("with the cache", True), ("without", False)):
        model = Reader(rng)
        seen[f"{words}: the tokens"] = generate(model, tokens, 5, use_cache=use_cache)
        seen[f"{words}: the first five calls"] = model.calls[:5]
    return seen


@transformer.check("generate", points=0.25)
def choose_decides(generate, rng):
    """`choose` gets the logits after the last token, (B, vocab_size), and what it takes stands behind the prompt."""
    model, tokens, given = Reader(rng), prompt(rng), []

    def choose(logits):
        given.append(logits)
        return torch.tensor([len(given), 20 + len(given)])

    return {"the tokens": generate(model, tokens, 5, choose), "what choose was given": given}


@transformer.check("generate", points=0.25)
def from_nothing_more_to_the_context(generate, rng):
    """No token more gives the prompt back, one gives one, and the prompt stays as it was; too many raise ValueError."""
    model, tokens = Reader(rng), prompt(rng, T=3)
    seen = {f"n_tokens={n}": generate(model, tokens, n) for n in (0, 1, 27)}
    for use_cache in (True, False):
        try:
            generate(model, tokens, 29, use_cache=use_cache)
            complaint = "no complaint"
        except ValueError:
            complaint = "ValueError"
        seen[f"past the context, use_cache={use_cache}"] = complaint
    return seen | {"the prompt afterwards": tokens}


def likeliest(logits: Tensor) -> Tensor:
    return logits.argmax(dim=-1)


@torch.no_grad()
def go_on(
    model: Callable,
    tokens: Tensor,
    n_tokens: int,
    choose: Callable[[Tensor], Tensor] = likeliest,
    use_cache: bool = True,
    next_piece: Callable[[Tensor, Tensor], Tensor] = lambda tokens, new: new,
    hand_on: Callable[[Any, Any], Any] = lambda old, new: new,
    place: int = -1,
) -> Tensor:
    """Generation with its parts to choose, so that one of them can be wrong."""
    state, piece = None, tokens
    for _ in range(n_tokens):
        logits, new_state = model(piece, state) if use_cache else model(tokens)
        state = hand_on(state, new_state)
        new = choose(logits[:, place]).unsqueeze(1)
        tokens = torch.cat([tokens, new], dim=1)
        piece = next_piece(tokens, new)
    return tokens


@transformer.mistake(
    "generate",
    hint="The model gets the whole text again and the state besides. What does it know from the state already?",
)
def reads_all_again_with_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, next_piece=lambda tokens, new: tokens)


@transformer.mistake(
    "generate",
    hint="With the cache the model reads one token and no state. From where should it know the rest?",
)
def drops_the_state(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: None)


@transformer.mistake(
    "generate",
    hint="The state is always the one after the prompt. Does the model not return a new one each time?",
)
def keeps_the_state_of_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, hand_on=lambda old, new: old or new)


@transformer.mistake(
    "generate",
    hint="You take the scores at the first position. After which token do you want to go on?",
)
def takes_the_first_logits(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache, place=0)


@transformer.mistake(
    "generate",
    hint="The likeliest token is taken whatever happens. Where do you call `choose`?",
)
def always_takes_the_likeliest(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, likeliest, use_cache)


@transformer.mistake("generate", hint="What you return begins after the prompt. Should the prompt not stand in front?")
def leaves_out_the_prompt(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache)[:, tokens.size(1) :]


@transformer.mistake(
    "generate",
    hint="The tokens are right and the state is never used. What should the model read with use_cache=True?",
)
def never_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose, use_cache=False)


@transformer.mistake(
    "generate",
    hint="The state is used even with use_cache=False. What should the model read then?",
)
def always_uses_the_cache(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens, choose)


@transformer.mistake("generate", hint="One token too many comes back. How often should the loop run?")
def goes_on_one_too_far(model, tokens, n_tokens, choose=likeliest, use_cache=True):
    return go_on(model, tokens, n_tokens + 1, choose, use_cache)
