"""`repeat_heads`: attention gives what it gave; each head of the queries has its own copy of the keys it shares."""

import math

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, ending, mistake, mistakes, normal

exercise = Exercise("repeat_heads")


def heads_of(x: Tensor, weight: Tensor, n_heads: int) -> Tensor:
    """What a layer with this weight gives, cut into heads: (B, n_heads, T, d_head)."""
    return (x @ weight.T).unflatten(-1, (n_heads, -1)).transpose(1, 2)


def shared_attention(x: Tensor, query: Tensor, key: Tensor, value: Tensor, n_heads: int, n_kv_heads: int) -> Tensor:
    """Attention with these weights, each head of keys and values read by as many heads of queries as its neighbour."""
    q = heads_of(x, query, n_heads).unflatten(1, (n_kv_heads, -1))  # (B, n_kv_heads, readers of each, T, d_head)
    k, v = (heads_of(x, weight, n_kv_heads).unsqueeze(2) for weight in (key, value))
    weights = torch.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.size(-1)), dim=-1)
    return (weights @ v).flatten(1, 2)  # (B, n_heads, T, d_head)


@exercise.promise("attention over n_heads heads gives what it gave", broken_by="shares_the_weights_out")
@exercise.promise("its own copy of the keys, or values, that it shares", broken_by="gives_all_the_first_head")
@exercise.check(points=0.25, invariant=True)
def attention_gives_what_it_gave(repeat_heads, rng):
    """With repeated keys and values, attention over all heads gives what it gave with shared ones."""
    before, after = [], []
    for n_heads, n_kv_heads in ((6, 2), (9, 3), (4, 1)):
        d_model = 4 * n_heads
        x, query = normal(rng, 2, 5, d_model), normal(rng, d_model, d_model) / d_model
        key, value = (normal(rng, 4 * n_kv_heads, d_model) for _ in range(2))
        before.append(shared_attention(x, query, key, value, n_heads, n_kv_heads))
        key, value = (repeat_heads(weight, n_kv_heads, n_heads) for weight in (key, value))
        after.append(shared_attention(x, query, key, value, n_heads, n_heads))
    return {"before": before, "after": after, "change": "each head of the queries had got keys and values of its own"}


@exercise.promise("whose rows are the heads, one behind the other", broken_by="repeats_every_row")
@exercise.promise("the first three heads of the queries read the first head of the keys", broken_by="tiles_the_heads")
@exercise.promise("weight (n_kv_heads · d_head, d_model)", broken_by="takes_d_head_from_the_width")
@exercise.promise("-> (n_heads · d_head, d_model)", broken_by="repeats_once_for_every_head")
@exercise.check(points=0.25)
def heads_that_share_stand_together(repeat_heads, rng):
    """A whole head comes as often as it is shared, all its rows in their order; then the next one."""
    sizes = (3, 9, 2, 7), (2, 6, 4, 5), (2, 4, 1, 3), (1, 5, 3, 4), (4, 4, 2, 6), (1, 1, 3, 1), (3, 6, 1, 1)
    return {
        f"n_kv_heads={n_kv_heads}, n_heads={n_heads}, d_head={d_head}, d_model={d_model}": repeat_heads(
            normal(rng, n_kv_heads * d_head, d_model), n_kv_heads, n_heads
        )
        for n_kv_heads, n_heads, d_head, d_model in sizes
    }


@exercise.promise("in the type of weight", broken_by="comes_back_in_float32")
@exercise.promise("in memory of its own", broken_by="hands_back_what_nobody_shares")
@exercise.check(points=0.25)
def a_copy_of_the_same_type(repeat_heads, rng):
    """The result has the type of the weight; what is written into it changes no other row, and not the weight."""
    seen = {}
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        result = repeat_heads(normal(rng, 6, 5).to(dtype), 2, 4)
        seen[str(dtype)] = [str(result.dtype), result]
    for n_kv_heads, n_heads in ((2, 6), (3, 3), (1, 4), (6, 6), (6, 12)):
        weight = normal(rng, 6, 5)
        result = repeat_heads(weight, n_kv_heads, n_heads)
        result[0] += 1
        seen[f"n_kv_heads={n_kv_heads}, n_heads={n_heads}: the result, written into"] = result
        seen[f"n_kv_heads={n_kv_heads}, n_heads={n_heads}: the weight, afterwards"] = weight
    return seen | {
        "a weight that lies across": repeat_heads(normal(rng, 5, 6).T, 3, 6),
        "a weight with gaps in memory": repeat_heads(apart(normal(rng, 6, 5)), 2, 4),
    }


@exercise.promise("where n_kv_heads does not divide n_heads", broken_by="takes_any_number_of_heads")
@exercise.promise("or the number of rows", broken_by="takes_any_number_of_rows")
@exercise.check(points=0.25)
def heads_that_come_out_even(repeat_heads, rng):
    """Heads that cannot be shared evenly, and rows that are not heads of one size, are a ValueError."""
    sizes = (12, 3, 9), (12, 4, 6), (12, 6, 4), (12, 2, 5), (12, 3, 2), (7, 2, 4), (13, 3, 3), (1, 2, 2), (12, 1, 7)
    return {
        f"{rows} rows, n_kv_heads={n_kv_heads}, n_heads={n_heads}": ending(
            lambda: repeat_heads(normal(rng, rows, 5), n_kv_heads, n_heads)
        )
        for rows, n_kv_heads, n_heads in sizes
    }


exercise.edges(
    empty="A layer has a head.",
    one="heads_that_share_stand_together",
    equal="heads_that_share_stand_together",
    zero="Nothing is computed.",
    ties="No two are compared.",
    large="Nothing is computed.",
    small="Nothing is computed.",
    limit="heads_that_come_out_even",
    shapes="heads_that_share_stand_together",
    modes="A function has no mode.",
    gradients="There is no step that could meet old ones.",
    inputs="A weight that is loaded asks for no gradient.",
)


class Repeating:
    """`repeat_heads` with its parts to override, so that one of them can be wrong."""

    def __call__(self, weight, n_kv_heads, n_heads):
        self.refuse_heads(n_kv_heads, n_heads)
        self.refuse_rows(len(weight), n_kv_heads)
        d_head = self.d_head(weight, n_kv_heads, n_heads)
        return self.repeated(weight[: n_kv_heads * d_head], n_kv_heads, d_head, n_heads // n_kv_heads)

    def refuse_heads(self, n_kv_heads, n_heads):
        if n_heads % n_kv_heads:
            raise ValueError("heads")

    def refuse_rows(self, rows, n_kv_heads):
        if rows % n_kv_heads:
            raise ValueError("rows")

    def d_head(self, weight, n_kv_heads, n_heads):
        return len(weight) // n_kv_heads

    def repeated(self, weight, n_kv_heads, d_head, times):
        return torch.cat([head for head in weight.split(d_head) for _ in range(times)])


mistakes(
    exercise,
    Repeating,
    tiles_the_heads=mistake(
        "Your heads come in the order 0 1 2 0 1 2. Which head of the keys does the second head of the queries read?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: weight.repeat(times, 1),
    ),
    repeats_every_row=mistake(
        "You repeat row by row, and a head of yours has one row several times. How many rows does a head have?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: weight.repeat_interleave(times, dim=0),
    ),
    takes_every_nth_row_for_a_head=mistake(
        "Your heads take turns, row by row. Where do the rows of one head stand?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: torch.cat(
            [weight[head::n_kv_heads] for head in range(n_kv_heads) for _ in range(times)]
        ),
    ),
    repeats_once_for_every_head=mistake(
        "Your result has n_kv_heads times too many rows. How many heads of the queries share one head of the keys?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: Repeating.repeated(
            self, weight, n_kv_heads, d_head, times * n_kv_heads
        ),
    ),
    gives_all_the_first_head=mistake(
        "All heads of yours are the first one. What becomes of the others?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: weight[:d_head].repeat(times * n_kv_heads, 1),
    ),
    shares_the_weights_out=mistake(
        "Your copies are smaller than what they copy. Does a head of the queries read one copy, or all of them?",
        repeated=lambda self, *given: Repeating.repeated(self, *given) / given[-1],
    ),
    repeats_the_columns=mistake(
        "You repeat columns. Are the rows of a weight what a layer gives, or what it is given?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: weight.repeat_interleave(times, dim=1),
    ),
    takes_d_head_from_the_width=mistake(
        "You take d_model / n_heads for the size of a head. What if the heads are narrower than that, or wider?",
        d_head=lambda self, weight, n_kv_heads, n_heads: weight.size(1) // n_heads,
        repeated=lambda self, weight, n_kv_heads, d_head, times: (
            weight.reshape(n_kv_heads, d_head, weight.size(1)).repeat_interleave(times, dim=0).flatten(0, 1)
        ),
    ),
    comes_back_in_float32=mistake(
        "What comes in with 16 bits comes out with 32. What type is the tensor that you write into?",
        repeated=lambda self, *given: Repeating.repeated(self, *given).float(),
    ),
    hands_back_what_nobody_shares=mistake(
        "With as many heads of keys as of queries you hand back the very weight. What if somebody writes into one of "
        "the two?",
        repeated=lambda self, weight, n_kv_heads, d_head, times: (
            weight if times == 1 else Repeating.repeated(self, weight, n_kv_heads, d_head, times)
        ),
    ),
    takes_any_number_of_heads=mistake(
        "Five heads of queries share two of keys, and one goes missing. What does `//` do with the remainder?",
        refuse_heads=lambda self, n_kv_heads, n_heads: None,
        repeated=lambda self, weight, n_kv_heads, d_head, times: (
            Repeating.repeated(self, weight, n_kv_heads, d_head, times) if times else weight[:0]
        ),
    ),
    takes_any_number_of_rows=mistake(
        "Rows that are left over are dropped. Of what layer would they be?",
        refuse_rows=lambda self, rows, n_kv_heads: None,
        repeated=lambda self, weight, n_kv_heads, d_head, times: (
            Repeating.repeated(self, weight, n_kv_heads, d_head, times) if d_head else weight[:0]
        ),
    ),
)


@exercise.given
def library_repeat_heads(weight: Tensor, n_kv_heads: int, n_heads: int) -> Tensor:
    """A `repeat_heads` for the exercise that needs one."""
    if n_heads % n_kv_heads or len(weight) % n_kv_heads:
        raise ValueError(f"{n_heads} heads, {n_kv_heads} of keys, and {len(weight)} rows do not come out even")
    return torch.cat([head for head in weight.chunk(n_kv_heads) for _ in range(n_heads // n_kv_heads)])
