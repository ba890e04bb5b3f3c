"""`MultiHeadAttention`: what `attend` gets, which head owns what, heads that are independent; numbers and gradients."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import PROJECTIONS, FourProjections, pytorchs_attention
from autograder.checks.common import ending, gradients, normal

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
    """The module's output, and all that it gave to `attend`, when `attend` gives back the values as they are.

    In one call or in several, with whatever batch dimensions: rows of (T, d_head), in the order of their first value.
    """
    calls: dict[str, list[Tensor]] = {"query": [], "key": [], "value": []}

    def attend(query, key, value):
        for name, tensor in zip(calls, (query, key, value)):
            calls[name].append(tensor.detach().reshape(-1, *tensor.shape[-2:]))
        return value

    result = with_weights(MultiHeadAttention, weights, n_heads, attend)(x)
    seen = {name: torch.cat(parts) for name, parts in calls.items() if parts}  # (B · n_heads, T, d_head)
    if seen:
        order = seen["value"][:, 0, 0].argsort()
        seen = {name: rows[order] if len(rows) == len(order) else rows for name, rows in seen.items()}
    return result, seen


@exercise.promise("all heads in one call, or one call for each", broken_by="heads_read_each_other")
@exercise.promise("`n_heads` independent heads", broken_by="has_one_head_of_full_width")
@exercise.promise("`self.attend(query, key, value)`", broken_by="takes_keys_for_values")
@exercise.check(points=0.25)
def what_attend_reads(MultiHeadAttention, rng):
    """`attend` gets (..., T, d_head), in one call or several: the numbers of the three projections."""
    _, seen = what_attend_sees(MultiHeadAttention, random_weights(rng, 12), 4, normal(rng, 2, 5, 12))
    shapes = {f"T and d_head of {name}": list(rows.shape[1:]) for name, rows in seen.items()}
    numbers = {f"{name}, sorted": rows.flatten().sort().values for name, rows in seen.items()}
    return shapes | numbers


@exercise.promise("each on its own slice of the width", broken_by="interleaves_the_heads")
@exercise.promise("to (h + 1) · d_head - 1 of each projection's output", broken_by="views_without_transposing")
@exercise.check(points=0.25)
def a_head_owns_a_slice(MultiHeadAttention, rng):
    """Head h at position t gets columns h · d_head to (h + 1) · d_head - 1 of position t, of query, key and value."""
    weights = random_weights(rng, 12, "w_value")
    return what_attend_sees(MultiHeadAttention, weights, 4, normal(rng, 2, 5, 12))[1]


@exercise.promise("stand side by side in that order", broken_by="does_not_transpose_back")
@exercise.promise("and `w_output` mixes them", broken_by="no_output_projection")
@exercise.check(points=0.25)
def splitting_is_undone(MultiHeadAttention, rng):
    """Where `attend` gives the values back as they are, the result is w_output of w_value of x."""
    seen = {}
    for n_heads in (4, 1):
        weights = random_weights(rng, 12)
        seen[f"n_heads={n_heads}"] = what_attend_sees(MultiHeadAttention, weights, n_heads, normal(rng, 2, 5, 12))[0]
    return seen


@exercise.check(points=0.25, invariant=True)
def heads_are_independent(MultiHeadAttention, rng):
    """Changing what the first head asks for and looks at changes none of the other heads' columns."""
    weights, x = random_weights(rng, 12, "w_output"), normal(rng, 2, 5, 12)
    changed = dict(weights)
    for name in ("w_query", "w_key"):
        changed[name] = torch.cat([normal(rng, 3, 12), weights[name][3:]])  # the rows of w give the columns of x @ wᵀ
    before, after = (with_weights(MultiHeadAttention, w, 4, pytorchs_attention)(x) for w in (weights, changed))
    return {
        "before": before[..., 3:],
        "after": after[..., 3:],
        "must differ": [before[..., :3], after[..., :3]],
        "change": "w_query and w_key of the first head were changed",
    }


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
        "change": "the last position of the first text was changed",
    }


@exercise.promise("x (B, T, d_model) -> (B, T, d_model)", broken_by="loses_dimensions_of_one")
@exercise.promise("Raises ValueError where d_model is not a multiple of n_heads", broken_by="asserts_the_width")
@exercise.check(points=0.25)
def any_number_of_heads(MultiHeadAttention, rng):
    """One head or twelve, one text or one word give the right result; five heads for 12 columns are a ValueError."""
    weights, seen = random_weights(rng, 12), {}
    for n_heads, B, T in ((1, 3, 5), (2, 3, 5), (6, 3, 4), (12, 2, 3), (4, 1, 5), (3, 4, 1), (1, 1, 1)):
        module = with_weights(MultiHeadAttention, weights, n_heads, pytorchs_attention)
        seen[f"the result with n_heads={n_heads}, x ({B}, {T}, 12)"] = module(normal(rng, B, T, 12))
    module.eval()
    with torch.no_grad():
        seen["word after word, without gradients"] = [module(normal(rng, 2, 1, 12)) for _ in range(3)]
    return seen | {"12 columns for 5 heads": ending(lambda: MultiHeadAttention(12, 5, pytorchs_attention))}


@exercise.promise("Causal self-attention", broken_by="hides_nothing_by_default")
@exercise.promise("or on anything of the same form", broken_by="always_reads_with_causal_attention")
@exercise.promise("by their places", broken_by="calls_attend_by_keywords")
@exercise.promise("also where it is set later", broken_by="keeps_the_first_attend")
@exercise.check(points=0.25)
def attend_may_be_another(MultiHeadAttention, rng):
    """Whatever `attend` is and however it names its arguments, it does the reading, also where it is set later."""
    x, weights = normal(rng, 2, 5, 12), random_weights(rng, 12)

    def mixes(q, k, v):
        return v + q.flip(-2) * k.cumsum(-2)

    module = with_weights(MultiHeadAttention, weights, 4, mixes)
    seen = {"another": module(x)}
    module.attend = lambda one, two, three: two - 2 * one
    seen["set later"] = module(x)
    seen["one position"] = module(normal(rng, 2, 1, 12))
    module.eval()
    with torch.no_grad():
        seen["set later, in evaluation, without gradients"] = module(x)
    seen["300 positions"] = module(normal(rng, 1, 300, 12))[:, ::30]
    default = MultiHeadAttention(12, 4)
    with torch.no_grad():
        for name, weight in weights.items():
            getattr(default, name).weight.copy_(weight)
    seen["none given"] = default(x)
    default.attend = mixes
    seen["none given, set later"] = default(x)
    default.attend = F.scaled_dot_product_attention
    return seen | {"PyTorch's, which hides nothing": default(x)}


@exercise.promise("With the four learnt projections", broken_by="makes_no_output_projection")
@exercise.promise("Nothing is random, in training or evaluation", broken_by="drops_out_in_training")
@exercise.promise("and the gradient reaches x and all four", broken_by="cuts_the_queries_off")
@exercise.check(points=0.25)
def every_projection_learns(MultiHeadAttention, rng):
    """The gradient reaches x and the weights of all four projections, and there are no other parameters."""
    module = with_weights(MultiHeadAttention, random_weights(rng, 8), 2, pytorchs_attention)
    x = normal(rng, 2, 5, 8).requires_grad_()
    leaves = {"x": x, **{name: getattr(module, name).weight for name in PROJECTIONS}}
    seen = {"the number of parameters": sum(parameter.numel() for parameter in module.parameters())}
    for mode in ("training", "evaluation"):
        module.train(mode == "training").zero_grad()
        x.grad = None
        result = module(x)
        found = gradients(result, leaves, rng)
        seen |= {f"in {mode}": result, **{f"{name} in {mode}": gradient for name, gradient in found.items()}}
    with torch.no_grad():
        for name in PROJECTIONS:
            getattr(module, name).weight.neg_()
        module.w_query.weight.mul_(2)
        x = normal(rng, 2, 5, 8)
        seen["in evaluation, with other weights, without gradients"] = module(x)
        x.neg_()
        seen["the same x, with other numbers in it"] = module(x)
        across = normal(rng, 5, 2, 8).transpose(0, 1)
    return seen | {"x that does not lie in one row": module(across)}


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


@exercise.mistake(
    hint="A view straight to (B, n_heads, T, d_head) mixes positions with heads, and your transpose comes too late. "
    "Which axis do you have to split first?"
)
class views_and_transposes_afterwards(FourProjections):
    def split(self, x):
        B, T, C = x.shape
        return x.reshape(B, self.n_heads, T, C // self.n_heads)


@exercise.mistake(hint="`attend` gets all columns at once. How wide is one of your heads?")
class has_one_head_of_full_width(FourProjections):
    def split(self, x):
        return x.unsqueeze(1)


@exercise.mistake(hint="There is no `w_output` in your module. What lets the heads mix what they found?")
class makes_no_output_projection(FourProjections):
    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        del self.w_output

    def forward(self, x):
        return self.merge(self.attend(*map(self.split, self.project(x))))


@exercise.mistake(hint="Your keys are asked and your queries are looked up. In which order does `attend` take them?")
class swaps_queries_and_keys(FourProjections):
    def project(self, x):
        return [self.w_key(x), self.w_query(x), self.w_value(x)]


@exercise.mistake(hint="Whatever `attend` is, your module reads with `causal_attention`. Who chooses?")
class always_reads_with_causal_attention(FourProjections):
    def forward(self, x):
        return self.w_output(self.merge(pytorchs_attention(*map(self.split, self.project(x)))))


@exercise.mistake(hint="Another `attend` that is set later changes nothing. Which attribute does `forward` ask?")
class keeps_the_first_attend(FourProjections):
    def forward(self, x):
        self.__dict__.setdefault("first", self.attend)
        return self.w_output(self.merge(self.first(*map(self.split, self.project(x)))))


@exercise.mistake(hint="An `attend` that names its arguments otherwise cannot be used. How do you hand them over?")
class calls_attend_by_keywords(FourProjections):
    def forward(self, x):
        names = "query", "key", "value"
        return self.w_output(self.merge(self.attend(**dict(zip(names, map(self.split, self.project(x)))))))


@exercise.mistake(hint="Where no `attend` is given, each position sees the later ones. Which one is the default?")
class hides_nothing_by_default(FourProjections):
    def __init__(self, d_model, n_heads, attend=F.scaled_dot_product_attention):
        super().__init__(d_model, n_heads, attend)


@exercise.mistake(hint="A dimension of size one is lost. Which dimensions does a bare `squeeze` take away?")
class loses_dimensions_of_one(FourProjections):
    def forward(self, x):
        return super().forward(x).squeeze()


@exercise.mistake(hint="Five heads for 12 columns end otherwise than with a ValueError. What does an `assert` raise?")
class asserts_the_width(FourProjections):
    def __init__(self, d_model, n_heads, attend=pytorchs_attention):
        assert d_model % n_heads == 0, f"d_model={d_model} is not a multiple of n_heads={n_heads}"
        super().__init__(d_model, n_heads, attend)


@exercise.mistake(hint="In training mode your result is another each time. What do the formulas leave to chance?")
class drops_out_in_training(FourProjections):
    def merge(self, heads):
        return F.dropout(super().merge(heads), 0.1, self.training)


@exercise.mistake(hint="No gradient reaches `w_query`. What do `detach`, `no_grad` or `.data` cut off?")
class cuts_the_queries_off(FourProjections):
    def project(self, x):
        return [self.w_query(x).detach(), self.w_key(x), self.w_value(x)]


exercise.edges(
    empty="A text has a position at least.",
    one="any_number_of_heads",
    equal="What equal values give is the matter of `attend`.",
    zero="Zeros are like other numbers here.",
    ties="Nothing is chosen.",
    large="Large scores are the matter of `attend`.",
    small="Small scores are the matter of `attend`.",
    limit="any_number_of_heads",
    shapes="any_number_of_heads",
    modes="every_projection_learns",
    gradients="What is given stays as it was, gradients included; the grader compares it.",
    inputs="every_projection_learns",
)
