"""`rotary`: lengths are kept and only distances count, each pair turns at its own rate, the type stays."""

from functools import partial

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import across, meets_another_device
from autograder.checks.common import ending, gradients, normal
from autograder.checks.transformer.shared import neighbours, rates, turned, turned_neighbours

exercise = Exercise("rotary")


def some_positions(rng: torch.Generator, T: int, end: int = 40) -> Tensor:
    """T different positions from 1 to `end`, in any order."""
    return torch.randperm(end, generator=rng)[:T] + 1


@exercise.promise("At position 0 nothing is turned.", broken_by="counts_positions_from_one")
@exercise.check(points=0.25, invariant=True)
def lengths_are_kept(rotary, rng):
    """A rotation keeps the length of every vector, and at position 0 it turns nothing; elsewhere it turns."""
    x, positions = normal(rng, 2, 3, 5, 8), some_positions(rng, 5)
    after, at_zero = rotary(x, positions), rotary(x, torch.zeros(5, dtype=torch.long))
    return {
        "before": [x.norm(dim=-1), x],
        "after": [after.norm(dim=-1), at_zero],
        "must differ": [x, after],
        "change": "it was turned (the first of the two: lengths, anywhere; the second: vectors, at position 0)",
    }


@exercise.promise("so that q · k depends on the distance alone", broken_by="adds_instead_of_turning")
@exercise.check(points=0.25, invariant=True)
def only_the_distance_counts(rotary, rng):
    """Queries and keys seven positions further on have the same dot products; keys alone further on do not."""
    query, key, positions = normal(rng, 2, 5, 8), normal(rng, 2, 5, 8), some_positions(rng, 5)

    def scores(of_queries: int, of_keys: int) -> Tensor:
        return rotary(query, positions + of_queries) @ rotary(key, positions + of_keys).transpose(-2, -1)

    return {
        "before": scores(0, 0),
        "after": scores(7, 7),
        "must differ": [scores(0, 0), scores(0, 7)],
        "change": "queries and keys were moved on by seven positions",
    }


@exercise.promise("Coordinates i and i + d_head / 2 are the two legs of a pair", broken_by="pairs_neighbours")
@exercise.promise("turned by p · base^(-2i / d_head) radians", broken_by="halves_the_exponent")
@exercise.promise("(a, b) becomes (a cos - b sin, a sin + b cos)", broken_by="turns_the_other_way")
@exercise.promise("positions (T)", broken_by="ignores_the_positions")
@exercise.promise("rotary(x, positions, base=10_000.0) -> x, turned", broken_by="ignores_the_base")
@exercise.check(points=0.25)
def every_pair_at_its_own_rate(rotary, rng):
    """Coordinates i and i + d_head / 2 are one pair, turned by p · base^(-2i / d_head); the gradient is turned back."""
    x, positions = normal(rng, 2, 3, 5, 8).requires_grad_(), some_positions(rng, 5)
    result = rotary(x, positions)
    pair = torch.tensor([[1.0, 0.0]]).repeat(5, 1)
    return {
        "one pair, (1, 0)": rotary(pair, positions),
        "the result": result,
        "the result where two have one position": rotary(normal(rng, 3, 8), positions[[0, 1, 0]]),
        "the result at base=100": rotary(normal(rng, 5, 8), positions, base=100.0),
        **gradients(result, {"x": x}, rng),
    }


@exercise.promise("Shapes: x (..., T, d_head)", broken_by="always_has_batch_and_heads")
@exercise.promise("Raises ValueError where d_head is odd.", broken_by="takes_an_odd_d_head")
@exercise.check(points=0.125)
def any_axes_in_front(rotary, rng):
    """Positions and pairs are the last two axes, whatever stands in front; an odd d_head raises ValueError."""
    shapes = (4, 6), (1, 6), (1, 4, 6), (1, 1, 1, 6), (4, 4, 4, 6), (2, 1, 4, 6), (2, 3, 5, 4, 6), (1, 1100, 2)
    seen = {
        f"of shape {shape}": rotary(normal(rng, *shape), some_positions(rng, shape[-2], max(40, shape[-2] + 100)))
        for shape in shapes
    }
    odd = {d_head: ending(partial(rotary, normal(rng, 4, d_head), some_positions(rng, 4))) for d_head in (1, 7)}
    return seen | {f"d_head={d_head}": words for d_head, words in odd.items()}


@exercise.promise("Positions may be any whole numbers from 0 on", broken_by="ends_at_four_thousand")
@exercise.promise("Each call stands by itself", broken_by="keeps_a_table_for_each_length")
@exercise.promise("lives on the device of x", broken_by="makes_its_rates_on_the_cpu")
@exercise.check(points=0.125)
def from_call_to_call(rotary, rng):
    """Other positions, another base or type come after each other, however x lies in memory; x stays as it was."""
    x, positions = normal(rng, 2, 3, 5, 8), some_positions(rng, 5)
    between = torch.cat([positions[:1], positions[1:4].flip(0), positions[4:]])  # the first and last are the same
    seen, inputs = {}, {"x": x, "x across": across(x), "one for all": x[:1, :, :1].expand(4, 3, 5, 8)}
    for words, gradients_are in (
        ("without gradients", torch.no_grad),
        ("in inference mode", torch.inference_mode),
        ("with gradients", torch.enable_grad),
    ):
        with gradients_are():
            rotary(x.bfloat16(), positions)
            seen |= {f"{name}, {words}": rotary(what, positions) for name, what in inputs.items()}
            seen[f"in another order, {words}"] = rotary(x, between)
            seen[f"a row in another order, {words}"] = rotary(x, torch.tensor([3, 5, 4, 6, 7]))
            seen[f"a base of 2.5, {words}"] = rotary(x, between, base=2.5)
            seen[f"whole numbers of 32 bits, {words}"] = rotary(x, between.int(), base=500_000)
            seen[f"base by its place, {words}"] = rotary(x, positions, 3.0)
            seen[f"in float64, {words}"] = rotary(x.double(), positions)
    leaf, later = x.clone().requires_grad_(), between + 100
    with torch.inference_mode():
        rotary(x, later)
    seen |= gradients(rotary(leaf, later), {"x, turned in inference mode before": leaf}, rng)
    positions += 7  # in place
    seen["the same tensor, with other positions in it"] = rotary(x, positions)
    far = torch.tensor([5000, 0, 9001, 20_011, 70_003])
    angles = torch.outer(far.double(), 10_000.0 ** -(torch.arange(4).double() / 4))
    off = rotary(x, far).double() - turned(x.double(), angles)
    return seen | {
        "as near as it can be, far out": bool(off.abs().max() < 0.1),
        "the slowest pair at 5000, at 0, at 9001 and at 20011": rotary(x, far)[..., :4, 3::4],
        "the lengths there": rotary(x, far).norm(dim=-1),
        "it stays on the device of x": not meets_another_device(rotary, x, positions),
        "PyTorch's settings are left alone": torch.is_grad_enabled(),
    }


FAR = {torch.float16: 0.03, torch.bfloat16: 0.15}  # how far rounded products may be off


@exercise.promise(
    "The angles are computed in float32 or wider, whatever the type of x",
    broken_by="computes_the_angles_in_the_type_of_x",
)
@exercise.promise("in the type of x", broken_by="comes_back_in_float32")
@exercise.check(points=0.25, rtol=1e-2, atol=1e-2)
def the_type_stays(rotary, rng):
    """In 16 bits and in 64 what comes in is turned by the same angles, far out too, and comes back in its type."""
    x, positions = normal(rng, 3, 5, 64), 2049 + 2 * some_positions(rng, 5, end=1000)  # odd: float16 has none of them
    short = {dtype: rotary(x.to(dtype), positions) for dtype in FAR}
    long, wide = (rotary(x.to(dtype), positions) for dtype in (torch.float64, torch.float32))
    leaf = normal(rng, 5, 8).half().requires_grad_()
    return {
        "the result in float64": long,
        "the result in float32": wide,
        "as near as it can be": {
            str(dtype): torch.allclose(short[dtype].double(), long.double(), rtol=0, atol=far)
            for dtype, far in FAR.items()
        },
        "types": [str(result.dtype) for result in (long, wide, *short.values())],
        **gradients(rotary(leaf, positions), {"x in float16": leaf}, rng),
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
    return turned(x, torch.outer(positions, torch.ones_like(rates(x.size(-1), base))))


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
    return turned(x, torch.outer(positions.to(x.dtype), rates(x.size(-1), base).to(x)))


@exercise.mistake(hint="You add sines and cosines to the vector, as in 2017. Should it not be turned?")
def adds_instead_of_turning(x, positions, base=10_000.0):
    angles = torch.outer(positions, rates(x.size(-1), base))
    return x + torch.cat([angles.sin(), angles.cos()], dim=-1).to(x.dtype)


@exercise.mistake(hint="The base makes no difference. Where do you use it, and do you keep a table of an earlier call?")
def ignores_the_base(x, positions, base=10_000.0):
    return library_rotary(x, positions)


@exercise.mistake(hint="Your slowest pair turns by exactly 1 / base. For i = d_head / 2 - 1, what is the exponent?")
def ends_at_one_through_the_base(x, positions, base=10_000.0):
    exponents = torch.linspace(0.0, 1.0, len(rates(x.size(-1), base)))
    return turned(x, torch.outer(positions, base**-exponents))


@exercise.mistake(hint="You look at the first position and count on from there. Must the others follow it one by one?")
def counts_on_from_the_first_position(x, positions, base=10_000.0):
    return library_rotary(x, positions[0] + torch.arange(x.size(-2)), base)


@exercise.mistake(hint="What comes in with 16 bits comes out with 32. What does the type of your angles do to it?")
def comes_back_in_float32(x, positions, base=10_000.0):
    result = library_rotary(x, positions, base)
    return result if result.dtype == torch.float64 else result.float()


@exercise.mistake(hint="Axes of one are put in front of what has none. How many axes come in, and how many go out?")
def always_has_batch_and_heads(x, positions, base=10_000.0):
    return library_rotary(x[(None,) * max(0, 4 - x.dim())], positions, base)


@exercise.mistake(
    hint="An odd d_head gives a result. Which coordinate has no partner, and what does the text say of that?"
)
def takes_an_odd_d_head(x, positions, base=10_000.0):
    even = x.size(-1) // 2 * 2
    return torch.cat([library_rotary(x[..., :even], positions, base), x[..., even:]], dim=-1)


@exercise.mistake(hint="Far out nothing turns further. How long is your table, and how long may a text be?")
def ends_at_four_thousand(x, positions, base=10_000.0):
    return library_rotary(x, positions.clamp(max=4095), base)


TABLES: dict[tuple, Tensor] = {}


@exercise.mistake(
    hint="You keep a table of angles and take it again for other positions or another base. Of what is it a table?"
)
def keeps_a_table_for_each_length(x, positions, base=10_000.0):
    angles = TABLES.setdefault(tuple(x.shape[-2:]), torch.outer(positions, rates(x.size(-1), base)).float())
    return turned(x, angles)


@exercise.mistake(hint="Your rates are on the CPU, wherever x is. What does `torch.arange` take for `device`?")
def makes_its_rates_on_the_cpu(x, positions, base=10_000.0):
    return library_rotary(x, positions, base, device="cpu")


exercise.aside("sines, cosines and products may have the type of x", "This allows, and asks for nothing.")
exercise.edges(
    empty="No sentence says what no position gives.",
    one="any_axes_in_front",
    equal="every_pair_at_its_own_rate",
    zero="lengths_are_kept",
    ties="No two are compared.",
    large="the_type_stays",
    small="Nothing is divided, and no power overflows.",
    limit="any_axes_in_front",
    shapes="any_axes_in_front",
    modes="A function has no mode.",
    gradients="There is no step that could meet old ones.",
    inputs="every_pair_at_its_own_rate",
)


@exercise.given
def library_rotary(
    x: Tensor, positions: Tensor, base: float = 10_000.0, device: str | torch.device | None = None
) -> Tensor:
    """A `rotary` for the exercises that need one."""
    return turned(x, torch.outer(positions, rates(x.size(-1), base).to(device or x.device)))
