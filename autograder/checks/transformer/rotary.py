"""`rotary`: lengths are kept and only distances count, each pair turns at its own rate, the type stays."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.shared import neighbours, rates, turned, turned_neighbours

exercise = Exercise("rotary")


def some_positions(rng: torch.Generator, T: int, end: int = 40) -> Tensor:
    """T different positions from 1 to `end`, in any order."""
    return torch.randperm(end, generator=rng)[:T] + 1


@exercise.check(points=0.25, invariant=True)
def lengths_are_kept(rotary, rng):
    """A rotation keeps the length of every vector, and at position 0 it turns nothing; elsewhere it turns."""
    x, positions = normal(rng, 2, 3, 5, 8), some_positions(rng, 5)
    after, at_zero = rotary(x, positions), rotary(x, torch.zeros(5, dtype=torch.long))
    return {"before": [x.norm(dim=-1), x], "after": [after.norm(dim=-1), at_zero], "must differ": [x, after]}


@exercise.check(points=0.25, invariant=True)
def only_the_distance_counts(rotary, rng):
    """Queries and keys seven positions further on have the same dot products; keys alone further on do not."""
    query, key, positions = normal(rng, 2, 5, 8), normal(rng, 2, 5, 8), some_positions(rng, 5)

    def scores(of_queries: int, of_keys: int) -> Tensor:
        return rotary(query, positions + of_queries) @ rotary(key, positions + of_keys).transpose(-2, -1)

    return {"before": scores(0, 0), "after": scores(7, 7), "must differ": [scores(0, 0), scores(0, 7)]}


@exercise.check(points=0.5)
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


@exercise.check(points=0.25, rtol=1e-2, atol=1e-2)
def the_type_stays(rotary, rng):
    """Queries in float16 come back in float16, those in float64 in float64, turned by the same angles, far out too."""
    x, positions = normal(rng, 3, 5, 64), 2049 + 2 * some_positions(rng, 5, end=1000)  # odd: float16 has none of them
    short, long = (rotary(x.to(dtype), positions) for dtype in (torch.float16, torch.float64))
    return {
        "the result in float64": long,
        "as near as it can be in float16": torch.allclose(short.double(), long.double(), rtol=0, atol=0.03),
        "types": [str(short.dtype), str(long.dtype)],
    }


@exercise.mistake(hint="You pair each coordinate with its neighbour, as the paper does. Which two make a pair here?")
def pairs_neighbours(x, positions, base=10_000.0):
    return turned_neighbours(x, positions, base)


@exercise.mistake(
    hint="You take neighbours for pairs and put halves back one after the other. Which two coordinates make a pair?"
)
def pairs_neighbours_and_puts_back_halves(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base)), neighbours)


@exercise.mistake(hint="You turn the other way round. At a quarter turn, does (1, 0) become (0, 1) or (0, -1)?")
def turns_the_other_way(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base)), sign=-1)


@exercise.mistake(hint="Your results grow longer or shorter. Which of the four products of a rotation has a minus?")
def has_no_minus(x, positions, base=10_000.0):
    (a, b), angles = x.chunk(2, dim=-1), torch.outer(positions, rates(x.size(-1), base))
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    return torch.cat([a * cos + b * sin, a * sin + b * cos], dim=-1)


@exercise.mistake(hint="All pairs turn at the same rate. What is the exponent of base for the second pair?")
def one_rate_for_all_pairs(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, torch.ones(x.size(-1) // 2)))


@exercise.mistake(
    hint="Your rates fall half as fast as they should. For pair i, is the exponent -i / d_head or -2i / d_head?"
)
def halves_the_exponent(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, rates(x.size(-1), base).sqrt()))


@exercise.mistake(
    hint="Your later pairs turn by thousands of radians for each position. What is the sign of the exponent?"
)
def rates_that_grow(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions, 1 / rates(x.size(-1), base)))


@exercise.mistake(hint="Something turns at position 0 already. Do you count positions from one?")
def counts_positions_from_one(x, positions, base=10_000.0):
    return library_rotary(x, positions + 1, base)


@exercise.mistake(hint="You turn by the place in the tensor. Where do the `positions` that you are given come in?")
def ignores_the_positions(x, positions, base=10_000.0):
    return library_rotary(x, torch.arange(x.size(-2)), base)


@exercise.mistake(hint="Your angles are computed in the type of x. What is 2051 in float16, and 1001 in bfloat16?")
def computes_the_angles_in_the_type_of_x(x, positions, base=10_000.0):
    return turned(x, torch.outer(positions.to(x.dtype), rates(x.size(-1), base).to(x.dtype)))


@exercise.mistake(hint="You add sines and cosines to the vector, as in 2017. Should it not be turned?")
def adds_instead_of_turning(x, positions, base=10_000.0):
    angles = torch.outer(positions, rates(x.size(-1), base))
    return x + torch.cat([angles.sin(), angles.cos()], dim=-1).to(x.dtype)


@exercise.given
def library_rotary(x: Tensor, positions: Tensor, base: float = 10_000.0) -> Tensor:
    """A `rotary` for the exercises that need one."""
    return turned(x, torch.outer(positions, rates(x.size(-1), base)))
