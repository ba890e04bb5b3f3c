"""`MultiHeadAttention`: what `attend` gets, which head owns what, heads that are independent; numbers and gradients."""

import math

import torch
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import PROJECTIONS, FourProjections, pytorchs_attention
from autograder.checks.common import gradients, normal

exercise = Exercise("MultiHeadAttention")


def with_weights(MultiHeadAttention, weights: dict[str, Tensor], n_heads: int, attend) -> nn.Module:
    """The learner's module with these weights in its four projections. Raises AttributeError where one is missing."""
    d_model = weights["w_query"].size(0)
    module = MultiHeadAttention(d_model, n_heads, attend)
    for name, weight in weights.items():
        projection = getattr(getattr(module, name, None), "weight", None)
        if projection is None or projection.shape != weight.shape:
            raise AttributeError(f"self.{name} is to be nn.Linear(d_model, d_model, bias=False), as given in __init__")
        with torch.no_grad():
            projection.copy_(weight)
    return module


def random_weights(rng: torch.Generator, d_model: int, *identities: str) -> dict[str, Tensor]:
    """Random weights for the four projections, the named ones being the identity."""
    random = {name: normal(rng, d_model, d_model) / math.sqrt(d_model) for name in PROJECTIONS}
    return random | {name: torch.eye(d_model) for name in identities}


def what_attend_sees(MultiHeadAttention, weights: dict[str, Tensor], n_heads: int, x: Tensor):
    """The module's output, and what it called `attend` with, when `attend` gives back the values as they are."""
    calls = []

    def attend(query, key, value):
        calls.append({"query": query.detach(), "key": key.detach(), "value": value.detach()})
        return value

    return with_weights(MultiHeadAttention, weights, n_heads, attend)(x), calls


@exercise.check(points=0.25)
def attend_gets_all_heads_at_once(MultiHeadAttention, rng):
    """`attend` is called once, with query, key and value of shape (B, n_heads, T, d_head)."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))
    shapes = [{f"the shape of {name}": list(tensor.shape) for name, tensor in call.items()} for call in calls]
    return {"calls of attend": len(calls), **(shapes[0] if shapes else {})}


@exercise.check(points=0.25)
def each_has_its_own_projection(MultiHeadAttention, rng):
    """The numbers in query, key and value are those of w_query, w_key and w_value, in whatever order."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))
    return [{f"{name}, sorted": tensor.flatten().sort().values for name, tensor in call.items()} for call in calls]


@exercise.check(points=0.25)
def a_head_owns_a_slice(MultiHeadAttention, rng):
    """Head h at position t gets columns h · d_head to (h + 1) · d_head of position t."""
    _, calls = what_attend_sees(MultiHeadAttention, random_weights(rng, 12, "w_value"), 4, normal(rng, 2, 5, 12))
    return [call["value"] for call in calls]


@exercise.check(points=0.25)
def splitting_is_undone(MultiHeadAttention, rng):
    """Where `attend` gives the values back as they are, the result is w_output of w_value of x."""
    return what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))[0]


@exercise.check(points=0.25, invariant=True)
def heads_are_independent(MultiHeadAttention, rng):
    """Changing what the first head asks for and looks at changes none of the other heads' columns."""
    weights, x = random_weights(rng, 12, "w_output"), normal(rng, 2, 5, 12)
    changed = dict(weights)
    for name in ("w_query", "w_key"):
        changed[name] = torch.cat([normal(rng, 3, 12), weights[name][3:]])  # the rows of w give the columns of x @ wᵀ
    before, after = (with_weights(MultiHeadAttention, w, 4, pytorchs_attention)(x) for w in (weights, changed))
    return {"before": before[..., 3:], "after": after[..., 3:], "must differ": [before[..., :3], after[..., :3]]}


@exercise.check(points=0.25, invariant=True)
def no_head_sees_the_future(MultiHeadAttention, rng):
    """Changing the last position changes nothing before it, and no other text; changing the first changes the last."""
    module = with_weights(MultiHeadAttention, random_weights(rng, 12), 4, pytorchs_attention)
    x = normal(rng, 2, 5, 12)
    last, first = x.clone(), x.clone()
    last[0, -1], first[0, 0] = normal(rng, 12), normal(rng, 12)
    before, after = module(x), module(last)
    return {
        "before": [before[0, :-1], before[1]],
        "after": [after[0, :-1], after[1]],
        "must differ": [before[0, -1], module(first)[0, -1]],
    }


@exercise.check(points=0.25)
def any_number_of_heads(MultiHeadAttention, rng):
    """One head, two or six give the right result; a number that does not divide d_model raises ValueError."""
    weights, x = random_weights(rng, 12), normal(rng, 3, 5, 12)
    seen = {
        f"the result with n_heads={n_heads}": with_weights(MultiHeadAttention, weights, n_heads, pytorchs_attention)(x)
        for n_heads in (1, 2, 6)
    }
    try:
        MultiHeadAttention(12, 5, pytorchs_attention)
        return seen | {"12 columns for 5 heads": "no complaint"}
    except ValueError:
        return seen | {"12 columns for 5 heads": "ValueError"}


@exercise.check(points=0.25)
def every_projection_learns(MultiHeadAttention, rng):
    """The gradient reaches x and the weights of all four projections, and there are no other parameters."""
    module = with_weights(MultiHeadAttention, random_weights(rng, 8), 2, pytorchs_attention)
    x = normal(rng, 2, 5, 8).requires_grad_()
    leaves = {"x": x, **{name: getattr(module, name).weight for name in PROJECTIONS}}
    number = sum(parameter.numel() for parameter in module.parameters())
    return {"the number of parameters": number, **gradients(module(x), leaves, rng)}


@exercise.mistake(
    hint="A view straight to (B, n_heads, T, d_head) cuts a text into n_heads pieces and calls them heads. Which axis "
    "do you have to split first, and which two to swap then?"
)
class views_without_transposing(FourProjections):
    def split(self, x):
        B, T, C = x.shape
        return x.reshape(B, self.n_heads, T, C // self.n_heads)

    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@exercise.mistake(
    hint="The heads come back as (B, n_heads, T, d_head). What does a reshape to (B, T, d_model) put side by side if "
    "you do not swap two axes first?"
)
class does_not_transpose_back(FourProjections):
    def merge(self, heads):
        return heads.reshape(heads.size(0), heads.size(2), -1)


@exercise.mistake(
    hint="`attend` got (B, T, n_heads, d_head), so the heads of one position read each other. Which axis has to stand "
    "next to last?"
)
class heads_read_each_other(FourProjections):
    def split(self, x):
        return x.unflatten(-1, (self.n_heads, -1))

    def merge(self, heads):
        return heads.flatten(2)


@exercise.mistake(
    hint="A head takes every n_heads-th column instead of d_head columns in a row. In what order do you split the last "
    "axis: (n_heads, d_head) or (d_head, n_heads)?"
)
class interleaves_the_heads(FourProjections):
    def split(self, x):
        return x.unflatten(-1, (-1, self.n_heads)).permute(0, 3, 1, 2)

    def merge(self, heads):
        return heads.permute(0, 2, 3, 1).flatten(2)


@exercise.mistake(hint="The heads are put side by side and returned. What lets them mix what they found?")
class no_output_projection(FourProjections):
    def forward(self, x):
        return self.merge(self.attend(*map(self.split, self.project(x))))


@exercise.mistake(
    hint="Keys and values are the same numbers. Which projection is what a position offers to be found by, and which "
    "is what it hands over?"
)
class takes_keys_for_values(FourProjections):
    def project(self, x):
        return [self.w_query(x), self.w_key(x), self.w_key(x)]


@exercise.mistake(hint="`attend` already divides the scores by √d_head. Do you scale the queries once more?")
class scales_twice(FourProjections):
    def project(self, x):
        return [self.w_query(x) / math.sqrt(x.size(-1) / self.n_heads), self.w_key(x), self.w_value(x)]
