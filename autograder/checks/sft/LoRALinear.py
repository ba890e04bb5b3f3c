"""`LoRALinear`: at first nothing is changed, two thin matrices learn and nothing else, merged it is one layer."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, mistake, mistakes, normal

exercise = Exercise("LoRALinear")


def adapted(LoRALinear, rng: torch.Generator, bias: bool = True, learned: bool = True, **more: float) -> Any:
    """The learner's adapter of rank 3 on a layer from 7 to 5 numbers, as after some training or just begun."""
    layer = LoRALinear(linear_of(rng, bias), 3, **more)
    if learned:
        with torch.no_grad():
            layer.lora_a.copy_(normal(rng, 3, 7))
            layer.lora_b.copy_(normal(rng, 5, 3))
    return layer


def linear_of(rng: torch.Generator, bias: bool = True) -> nn.Linear:
    linear = nn.Linear(7, 5, bias=bias)
    with torch.no_grad():
        for weight in linear.parameters():
            weight.copy_(normal(rng, *weight.shape))
    return linear


WIDE, RANK = 96, 40
LOW, HIGH = 0.8, 1.25  # how far the variance of so many numbers may be off


def begun_well(got: dict[str, Any], expected: dict[str, Any]) -> str | None:
    """What is wrong with an adapter just begun, or None.

    Of n normal numbers the mean square is off by a factor f or more with a probability of at most
    exp(-n/2 · (f - 1 - ln f)), to either side (Chernoff): for the two factors here, once in 10^18. Numbers drawn evenly
    from an interval are off less often.
    """
    if got["lora_b"] != 0.0:
        return "lora_b does not begin with zeros."
    if not LOW <= (variance := got["variance of lora_a, times d_in"]) <= HIGH:
        return f"lora_a has a variance of {variance:.3g} / d_in, expected 1 / d_in."
    if got["two layers begin alike"]:
        return "Two layers begin with the same numbers."
    return None


class Adapter(nn.Module):
    """An adapter with its parts to override, so that one of them can be wrong."""

    lowest = 1

    def __init__(self, linear: nn.Linear, rank: int, alpha: float = 16.0):
        super().__init__()
        if not self.lowest <= rank <= self.sides(linear.in_features, linear.out_features):
            raise ValueError("no such rank")
        self.linear, self.rank, self.alpha = linear, rank, alpha
        self.freeze()
        a, b = self.begin(rank, linear.in_features, linear.out_features)
        self.lora_a, self.lora_b = (nn.Parameter(self.like(matrix)) for matrix in (a, b))

    def sides(self, d_in, d_out):
        return min(d_in, d_out)

    def freeze(self):
        self.linear.requires_grad_(False)

    def begin(self, rank, d_in, d_out):
        return torch.randn(rank, d_in) / math.sqrt(d_in), torch.zeros(d_out, rank)

    def like(self, matrix):
        return matrix.to(self.linear.weight)

    def scale(self):
        return self.alpha / self.rank

    def forward(self, x):
        return self.linear(x) + self.scale() * (x @ self.lora_a.T @ self.lora_b.T)

    def product(self):
        return self.scale() * self.lora_b @ self.lora_a

    @torch.no_grad()
    def merged(self):
        layer = copy.deepcopy(self.linear)
        layer.weight += self.product()
        return layer


@torch.no_grad()
def into_the_given_layer(self: Adapter) -> nn.Linear:
    self.linear.weight += self.product()
    return self.linear


@torch.no_grad()
def without_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = None
    return layer


def with_its_bias(self: Adapter) -> nn.Linear:
    layer = Adapter.merged(self)
    layer.bias = self.linear.bias
    return layer


@exercise.check(points=0.25, invariant=True)
def at_first_nothing_is_changed(LoRALinear, rng):
    """A new adapter gives what the layer gives; once `lora_b` is not zero, it gives something else."""
    linear, x = linear_of(rng), normal(rng, 4, 7)
    before, layer = linear(x), LoRALinear(linear, 3)
    after = layer(x)
    with torch.no_grad():
        layer.lora_a.copy_(normal(rng, 3, 7))
        layer.lora_b.add_(1.0)
    return {"before": before, "after": after, "must differ": [before, layer(x)]}


@exercise.check(points=0.25)
def the_layer_and_the_product_beside_it(LoRALinear, rng):
    """The result is W x + b + (alpha / rank) · B A x, with any dimensions in front, with and without a bias."""
    return {
        "alpha not given": adapted(LoRALinear, rng)(normal(rng, 4, 7)),
        "alpha=2.0, x (2, 3, 7)": adapted(LoRALinear, rng, alpha=2.0)(normal(rng, 2, 3, 7)),
        "no bias, x (7)": adapted(LoRALinear, rng, bias=False)(normal(rng, 7)),
    }


@exercise.check(points=0.25)
def two_thin_matrices_learn_and_nothing_else(LoRALinear, rng):
    """`lora_a` (rank, d_in) and `lora_b` (d_out, rank) learn; `linear` is the layer that was given, and does not."""
    layer, x = adapted(LoRALinear, rng), normal(rng, 4, 7)
    (layer(x) * normal(rng, 4, 5)).sum().backward()
    meta = LoRALinear(nn.Linear(7, 5, device="meta"), 2)
    double, given = LoRALinear(nn.Linear(7, 5, dtype=torch.float64), 2), linear_of(rng)
    return {
        "what learns": {name: list(its.shape) for name, its in layer.named_parameters() if its.requires_grad},
        "the gradient of lora_a": layer.lora_a.grad,
        "the gradient of lora_b": layer.lora_b.grad,
        "the gradients of the layer": [weight.grad for weight in layer.linear.parameters()],
        "the layer is the one that was given": LoRALinear(given, 3).linear is given,
        "type, on a layer in float64": [str(double.lora_a.dtype), str(double.lora_b.dtype)],
        "device, on a layer on the device meta": [str(meta.lora_a.device), str(meta.lora_b.device)],
    }


@exercise.check(points=0.25, judge=begun_well)
def how_it_begins(LoRALinear, rng):
    """`lora_a` begins with random numbers of variance 1 / d_in, other ones in each layer, and `lora_b` with zeros."""
    one, other = (LoRALinear(nn.Linear(WIDE, RANK), RANK) for _ in range(2))
    return {
        "lora_b": one.lora_b.abs().max().item(),
        "variance of lora_a, times d_in": WIDE * one.lora_a.square().mean().item(),
        "two layers begin alike": torch.equal(one.lora_a, other.lora_a),
    }


@exercise.check(points=0.25)
def it_can_learn(LoRALinear, rng):
    """After two steps down a gradient both matrices have moved, and what the layer gives has changed."""
    layer, x, target = adapted(LoRALinear, rng, learned=False), normal(rng, 6, 7), normal(rng, 6, 5)
    first, a, b = layer(x), layer.lora_a.detach().clone(), layer.lora_b.detach().clone()
    optimiser = torch.optim.SGD([its for its in layer.parameters() if its.requires_grad], lr=0.01)
    for _ in range(2):
        optimiser.zero_grad()
        F.mse_loss(layer(x), target).backward()
        optimiser.step()
    moved = {"lora_a": (layer.lora_a, a), "lora_b": (layer.lora_b, b), "what it gives": (layer(x), first)}
    return {f"{words} has changed": not torch.equal(*its) for words, its in moved.items()}


@exercise.check(points=0.25)
def merged_it_is_one_layer(LoRALinear, rng):
    """`merged()` is a new `nn.Linear` that computes the same; the adapter and the layer beside it stay as they are."""
    seen = {}
    for words, more in (("with a bias", {"bias": True}), ("without", {"bias": False, "alpha": 5.0})):
        layer, x = adapted(LoRALinear, rng, **more), normal(rng, 4, 7)
        before = {name: its.detach().clone() for name, its in layer.state_dict().items()}
        one, again = layer.merged(), layer.merged()
        seen[words] = {
            "a linear layer": type(one) is nn.Linear,
            "what it gives": one(x),
            "merged again": again(x),
            "what the adapter gives now": layer(x),
            "all weights as they were": all(torch.equal(its, layer.state_dict()[name]) for name, its in before.items()),
            "new weights": one.weight.data_ptr() not in (layer.linear.weight.data_ptr(), again.weight.data_ptr()),
            "a bias": one.bias is not None,
            "a new bias": one.bias is None
            or one.bias.data_ptr() not in (layer.linear.bias.data_ptr(), again.bias.data_ptr()),
            "type": str(LoRALinear(nn.Linear(7, 5, bias=more["bias"]).double(), 2).merged().weight.dtype),
        }
    return seen


@exercise.check(points=0.25)
def ranks_that_there_are(LoRALinear, rng):
    """A rank is at least 1 and at most the smaller of d_in and d_out; every other one is a ValueError."""
    layers = {"7 to 5": (7, 5), "4 to 9": (4, 9)}
    return {
        f"{words}: rank {rank}": ending(lambda: LoRALinear(nn.Linear(*sizes), rank)(normal(rng, 2, sizes[0])))
        for words, sizes in layers.items()
        for rank in (-1, 0, 1, min(sizes), min(sizes) + 1, max(sizes), max(sizes) + 1)
    }


mistakes(
    exercise,
    Adapter,
    scales_by_alpha_alone=mistake(
        "You multiply by alpha alone. By what is it divided, so that a larger rank needs no other learning rate?",
        scale=lambda self: self.alpha,
    ),
    does_not_scale=mistake("Nothing is scaled. Where do you use alpha?", scale=lambda self: 1.0),
    divides_by_alpha=mistake(
        "Your scale is upside down. Which of the two is divided by the other?",
        scale=lambda self: self.rank / self.alpha,
    ),
    begins_with_zeros_alone=mistake(
        "Both matrices begin with zeros. What is then the gradient of each?",
        begin=lambda self, rank, d_in, d_out: (torch.zeros(rank, d_in), torch.zeros(d_out, rank)),
    ),
    begins_with_noise=mistake(
        "Both matrices begin with random numbers. What does the model say before it has learned anything?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in) / d_in**0.5, torch.randn(d_out, rank)),
    ),
    begins_the_other_way_round=mistake(
        "`lora_a` begins with zeros and `lora_b` with random numbers. Which one is to be which?",
        begin=lambda self, rank, d_in, d_out: (torch.zeros(rank, d_in), torch.randn(d_out, rank) / d_in**0.5),
    ),
    begins_too_loud=mistake(
        "The numbers of `lora_a` have a variance of 1. How large is a sum of d_in products with them?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in), torch.zeros(d_out, rank)),
    ),
    divides_by_the_width=mistake(
        "You divide random numbers by d_in. What does that do to their variance?",
        begin=lambda self, rank, d_in, d_out: (torch.randn(rank, d_in) / d_in, torch.zeros(d_out, rank)),
    ),
    lets_the_base_learn=mistake(
        "The layer that was given goes on learning. Who tells it not to?", freeze=lambda self: None
    ),
    lets_the_bias_learn=mistake(
        "The weights are frozen, and the bias still learns. Is it a part of the layer?",
        freeze=lambda self: self.linear.weight.requires_grad_(False),
    ),
    stays_on_the_cpu=mistake(
        "The matrices are in float32 on the CPU. Where is the layer, and in which type?",
        like=lambda self, matrix: matrix,
    ),
    replaces_the_layer=mistake(
        "The layer itself is missing from the result. What does the adapter stand beside?",
        forward=lambda self, x: self.scale() * (x @ self.lora_a.T @ self.lora_b.T),
    ),
    adds_the_bias_twice=mistake(
        "The bias is there twice. What does `self.linear` add already?",
        forward=lambda self, x: Adapter.forward(self, x) + (0.0 if self.linear.bias is None else self.linear.bias),
    ),
    merges_without_the_scale=mistake(
        "You merge without the scale. Does the merged layer compute the same?",
        product=lambda self: self.lora_b @ self.lora_a,
    ),
    merges_in_place=mistake(
        "You merge into the layer that was given. What do you get if you merge again?", merged=into_the_given_layer
    ),
    forgets_the_bias=mistake("The merged layer has no bias. Where has it gone?", merged=without_its_bias),
    shares_the_bias=mistake(
        "The merged layer holds the very bias of the layer that was given. What if one of the two learns on?",
        merged=with_its_bias,
    ),
    checks_one_side_alone=mistake(
        "A rank larger than d_out passes. Which of the two widths is the smaller one?",
        sides=lambda self, d_in, d_out: d_in,
    ),
    takes_any_small_rank=mistake("A rank of 0 passes, or ends in another error. What is alpha / 0?", lowest=-math.inf),
)
