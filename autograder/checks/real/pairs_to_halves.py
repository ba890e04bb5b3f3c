"""`pairs_to_halves`: scores are what they were; in each head first the first leg of each pair, then the second."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes, normal
from autograder.checks.transformer.shared import rates, turned, turned_neighbours

exercise = Exercise("pairs_to_halves")


def turned_halves(x: Tensor, positions: Tensor) -> Tensor:
    """Rotations with pairs (0, d_head / 2), (1, d_head / 2 + 1), ..., as in this course."""
    return turned(x, torch.outer(positions, rates(x.size(-1), 10_000.0)))


@exercise.promise("half a head apart, where a file keeps them side by side", broken_by="folds_each_head")
@exercise.promise("as `rotary` has them", broken_by="moves_them_the_other_way")
@exercise.check(points=0.25, invariant=True)
def scores_are_what_they_were(pairs_to_halves, rng):
    """Queries and keys whose pairs were moved, turned as halves, have the scores that they had as neighbours."""
    before, after, unmoved = [], [], []
    for n_heads, d_head in ((3, 6), (2, 8), (1, 10)):
        x, positions = normal(rng, 2, 5, 7), torch.randperm(40, generator=rng)[:5]
        weights = [normal(rng, n_heads * d_head, 7) / 4 for _ in range(2)]

        def scores(turn, weights):
            heads = [(x @ weight.T).unflatten(-1, (n_heads, -1)).transpose(1, 2) for weight in weights]
            query, key = (turn(part, positions) for part in heads)  # each (B, n_heads, T, d_head)
            return query @ key.transpose(-2, -1)

        before.append(scores(turned_neighbours, weights))
        after.append(scores(turned_halves, [pairs_to_halves(weight, n_heads) for weight in weights]))
        unmoved.append(scores(turned_halves, weights))
    return {
        "before": before,
        "after": after,
        "must differ": [before, unmoved],
        "change": "pairs had been moved, and were turned as halves",
    }


@exercise.promise("that makes queries or keys for n_heads heads", broken_by="moves_the_columns")
@exercise.promise("In each head", broken_by="takes_all_rows_for_one_head")
@exercise.promise("rows 2i and 2i + 1 are a pair", broken_by="reshapes_and_moves_nothing")
@exercise.promise("they are rows i and i + d_head / 2 of that head", broken_by="exchanges_the_legs")
@exercise.promise("Shapes: weight (n_heads · d_head, d_model) -> the same", broken_by="keeps_the_heads_apart")
@exercise.check(points=0.25)
def first_legs_then_second_ones(pairs_to_halves, rng):
    """In each head the rows 0, 2, 4 and so on come first, then 1, 3, 5; a head of one pair stays as it is."""
    sizes = (3, 6, 5), (2, 8, 3), (1, 10, 4), (5, 4, 6), (4, 2, 7), (1, 2, 1), (2, 6, 1), (2, 64, 2)
    return {
        f"n_heads={n_heads}, d_head={d_head}, d_model={d_model}": pairs_to_halves(
            normal(rng, n_heads * d_head, d_model), n_heads
        )
        for n_heads, d_head, d_model in sizes
    }


@exercise.promise("in the type of weight", broken_by="comes_back_in_float32")
@exercise.check(points=0.25)
def the_type_stays(pairs_to_halves, rng):
    """The result has the type of the weight, which stays as it was, however it lies in memory."""
    seen = {}
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        weight = normal(rng, 12, 5).to(dtype)
        result = pairs_to_halves(weight, 2)
        seen[str(dtype)] = [str(result.dtype), result, weight]
    return seen | {
        "a weight that lies across": pairs_to_halves(normal(rng, 5, 12).T, 2),
        "a weight with gaps in memory": pairs_to_halves(apart(normal(rng, 12, 5)), 2),
    }


@exercise.promise("where the rows are not n_heads heads", broken_by="takes_a_rest_for_a_head")
@exercise.promise("of one even size", broken_by="takes_odd_heads")
@exercise.check(points=0.25)
def heads_of_one_even_size(pairs_to_halves, rng):
    """Rows that are left over, and heads in which a row has no partner, are a ValueError."""
    sizes = (12, 3), (12, 4), (6, 2), (10, 2), (14, 3), (13, 3), (18, 4), (7, 1), (1, 1), (2, 4), (4, 4), (12, 6)
    return {
        f"{rows} rows, n_heads={n_heads}": ending(lambda: pairs_to_halves(normal(rng, rows, 5), n_heads))
        for rows, n_heads in sizes
    }


exercise.edges(
    empty="A layer has a head.",
    one="first_legs_then_second_ones",
    equal="No two are compared.",
    zero="Nothing is computed.",
    ties="No two are compared.",
    large="Nothing is computed.",
    small="Nothing is computed.",
    limit="heads_of_one_even_size",
    shapes="first_legs_then_second_ones",
    modes="A function has no mode.",
    gradients="There is no step that could meet old ones.",
    inputs="A weight that is loaded asks for no gradient.",
)


class Moving:
    """`pairs_to_halves` with its parts to override, so that one of them can be wrong."""

    def __call__(self, weight, n_heads):
        self.refuse(len(weight), n_heads)
        return self.joined([self.moved(head) for head in self.heads(weight, n_heads)], weight)

    def refuse(self, rows, n_heads):
        if self.left_over(rows, n_heads) or self.is_odd(rows // n_heads):
            raise ValueError("rows")

    def left_over(self, rows, n_heads):
        return rows % n_heads

    def is_odd(self, d_head):
        return d_head % 2 == 1

    def heads(self, weight, n_heads):
        return weight.split(len(weight) // n_heads)

    def moved(self, head):
        return torch.cat([head[0::2], head[1::2]])

    def joined(self, heads, weight):
        return torch.cat(heads)


def in_place(self, heads, weight):
    with torch.no_grad():
        return weight.copy_(torch.cat(heads))


mistakes(
    exercise,
    Moving,
    moves_them_the_other_way=mistake(
        "You put side by side what stands half a head apart. Which of the two does the file have?",
        moved=lambda self, head: torch.stack(head.chunk(2), dim=1).flatten(0, 1),
    ),
    takes_all_rows_for_one_head=mistake(
        "The first legs of all heads stand in front in your result. In which head is the second leg of a pair?",
        heads=lambda self, weight, n_heads: [weight],
    ),
    exchanges_the_legs=mistake(
        "In your heads the second legs come first. Which way round does a pair turn whose legs are exchanged?",
        moved=lambda self, head: torch.cat([head[1::2], head[0::2]]),
    ),
    reshapes_and_moves_nothing=mistake(
        "Nothing has moved. Does a `reshape` change the order of the numbers, or only how they are counted?",
        moved=lambda self, head: head.reshape(2, -1, head.size(1)).reshape(head.shape),
    ),
    folds_each_head=mistake(
        "Your second half runs backwards. How far apart are the legs of the first pair, and those of the last?",
        moved=lambda self, head: torch.cat([head[0::2], head[1::2].flip(0)]),
    ),
    deals_out_to_four=mistake(
        "You deal the rows of a head out to four piles. How many legs does a pair have?",
        moved=lambda self, head: torch.cat([head[0::4], head[1::4], head[2::4], head[3::4]]),
    ),
    moves_the_columns=mistake(
        "You move columns. Are the rows of a weight what a layer gives, or what it is given?",
        heads=lambda self, weight, n_heads: [weight],
        moved=lambda self, head: torch.cat([head[:, 0::2], head[:, 1::2]], dim=1),
    ),
    keeps_the_heads_apart=mistake(
        "Your result has three axes. Which shape does the weight have for which it is to stand?",
        joined=lambda self, heads, weight: torch.stack(heads),
    ),
    comes_back_in_float32=mistake(
        "What comes in with 16 bits comes out with 32. What type is the tensor that you write into?",
        joined=lambda self, heads, weight: torch.cat(heads).float(),
    ),
    writes_into_the_weight=mistake(
        "You write into the weight that you are given. What does it hold if somebody moves its pairs again?",
        joined=in_place,
    ),
    takes_odd_heads=mistake(
        "A head of three rows gives a result. Which row has no partner?",
        is_odd=lambda self, d_head: False,
    ),
    takes_a_rest_for_a_head=mistake(
        "Rows that are left over become a head of their own. How many heads were asked for?",
        left_over=lambda self, rows, n_heads: 0,
    ),
)


@exercise.given
def library_pairs_to_halves(weight: Tensor, n_heads: int) -> Tensor:
    """A `pairs_to_halves` for the exercise that needs one."""
    if len(weight) % (2 * n_heads):
        raise ValueError(f"{len(weight)} rows are not {n_heads} heads of one even size")
    return torch.cat([head[leg::2] for head in weight.chunk(n_heads) for leg in (0, 1)])
