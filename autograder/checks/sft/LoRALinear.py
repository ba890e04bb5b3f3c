"""`LoRALinear`: at first nothing is changed, two thin matrices learn and nothing else, merged it is one layer."""

import copy
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checking.topic import Exercise
from autograder.checks.common import ending, gradients, mistake, mistakes, normal
from autograder.checks.sft.shared import (
    Adapter,
    adapted,
    in_float32,
    into_the_given_layer,
    linear_of,
    merged_once,
    remembered,
    with_its_bias,
    without_a_graph,
    without_its_bias,
)

exercise = Exercise("LoRALinear")


WIDE, RANK = 96, 40
LOW, HIGH, OFF = 0.8, 1.25, 0.2  # how far variance and mean of so many numbers may be off


def begun_well(got: dict[str, Any], expected: dict[str, Any]) -> str | None:
    """What is wrong with an adapter just begun, or None.

    Of n normal numbers the mean square is off by a factor f or more with a probability of at most
    exp(-n/2 · (f - 1 - ln f)), to either side (Chernoff): for the two factors here, once in 10^18. Numbers drawn evenly
    from an interval are off less often. Their mean, of those of an interval too, is off by so much once in 10^10, by
    Hoeffding's bound. Rows that are drawn by themselves are never combinations of each other, and their products are
    neither all zero nor large: the mean of 780 squares with a spread of about 1.5 each is off by a half once in 10^18.
    """
    if got["lora_b"] != 0.0:
        return "lora_b does not begin with zeros."
    if not LOW <= (variance := got["variance of lora_a, times d_in"]) <= HIGH:
        return f"lora_a has a variance of {variance:.3g} / d_in, expected 1 / d_in."
    if abs(mean := got["mean of lora_a, times the root of d_in"]) > OFF:
        return f"lora_a has a mean of {mean:.3g} / √d_in, expected 0."
    if got["rows of lora_a that are no sum of others"] != expected["rows of lora_a that are no sum of others"]:
        return "Rows of lora_a are the same, or multiples or sums of others."
    if not 0.5 <= (crossed := got["mean square of the products of its rows, times d_in"]) <= 2.0:
        return (
            f"The products of the rows of lora_a have a mean square of {crossed:.3g} / d_in, expected about 1 / d_in."
        )
    if got["columns that are the same"]:
        return "Columns of lora_a are the same."
    if got["two layers begin alike"]:
        return "Two layers begin with the same numbers."
    return None


@exercise.promise("`lora_b` with zeros, so that at first nothing is changed;", broken_by="begins_with_noise")
@exercise.check(points=0.25, invariant=True)
def at_first_nothing_is_changed(LoRALinear, rng):
    """A new adapter gives what the layer gives; once `lora_b` is not zero, it gives something else."""
    linear, x = linear_of(rng), normal(rng, 4, 7)
    before, layer = linear(x), LoRALinear(linear, 3)
    after = layer(x)
    with torch.no_grad():
        layer.lora_a.copy_(normal(rng, 3, 7))
        layer.lora_b.add_(1.0)
    return {
        "before": before,
        "after": after,
        "must differ": [before, layer(x)],
        "change": "an adapter was put beside the layer",
    }


@exercise.promise("y = W x + b + (alpha / rank) · B A x", broken_by="scales_by_alpha_alone")
@exercise.promise("Shapes: x (..., d_in) -> (..., d_out);", broken_by="takes_three_axes")
@exercise.promise("with a bias or without;", broken_by="asks_for_a_bias")
@exercise.promise("in training and in evaluation.", broken_by="drops_a_tenth")
@exercise.promise("with A and B as they are now", broken_by="remembers_the_product")
@exercise.check(points=0.25, atol=1e-4)
def the_layer_and_the_product_beside_it(LoRALinear, rng):
    """The result is W x + b + (alpha / rank) · B A x, in either mode, with any dimensions in front, with any bias."""
    seen = {
        "alpha not given": adapted(LoRALinear, rng)(normal(rng, 4, 7)),
        "alpha=2.0, x (2, 3, 7)": adapted(LoRALinear, rng, alpha=2.0)(normal(rng, 2, 3, 7)),
        "no bias, x (7)": adapted(LoRALinear, rng, bias=False)(normal(rng, 7)),
        "4 to 9, rank 1, x (2, 1, 3, 4)": adapted(LoRALinear, rng, d_in=4, d_out=9, rank=1)(normal(rng, 2, 1, 3, 4)),
        "6 to 6, rank 6, alpha=4": adapted(LoRALinear, rng, d_in=6, d_out=6, rank=6, alpha=4)(normal(rng, 1, 6)),
    }
    layer, x = adapted(LoRALinear, rng), normal(rng, 3, 4, 7)
    other = linear_of(rng).state_dict()
    for step in range(8):
        words = f"call {step}, {'without' if step > 2 else 'with'} gradients"
        with torch.inference_mode(step == 7), torch.set_grad_enabled(step < 3):
            if step < 5:  # behind that it stays in evaluation
                layer.train(bool(step % 2))
            seen[words] = [layer(x), layer(x.transpose(0, 1)), layer(x[:, ::2, :])]
        with torch.no_grad():
            layer.lora_a.add_(normal(rng, 3, 7))
            layer.lora_b.add_(normal(rng, 5, 3))
            layer.linear.load_state_dict(other if step % 4 == 3 else layer.linear.state_dict())
    exact = adapted(LoRALinear, rng).double()
    x = x.double()
    return seen | {"what a billionth makes, in float64": 1e9 * (exact(x + 1e-9) - exact(x))}


@exercise.promise("A linear layer whose weights stay as they are", broken_by="lets_the_base_learn")
@exercise.promise("and beside it a product of two thin matrices that learns.", broken_by="lets_a_stay")
@exercise.promise("both are on the layer's device and in its type.", broken_by="stays_on_the_cpu")
@exercise.promise("`linear` is the layer that is given;", broken_by="keeps_a_copy")
@exercise.promise("it learns no more.", broken_by="lets_the_bias_learn")
@exercise.promise("lora_a (rank, d_in), lora_b (d_out, rank).", broken_by="keeps_them_turned")
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
        "type of what it gives": str(double(normal(rng, 2, 7).double()).dtype),
        "device, on a layer on the device meta": [str(meta.lora_a.device), str(meta.lora_b.device)],
    }


@exercise.promise("`lora_a` begins with random numbers", broken_by="begins_alike_everywhere")
@exercise.promise("each drawn by itself", broken_by="draws_one_row")
@exercise.promise("of mean 0", broken_by="begins_above_zero")
@exercise.promise("and variance 1 / d_in", broken_by="begins_too_loud")
@exercise.check(points=0.25, judge=begun_well)
def how_it_begins(LoRALinear, rng):
    """`lora_a` begins with random numbers of mean 0 and variance 1 / d_in, other ones in each layer."""
    one, other = (LoRALinear(nn.Linear(WIDE, RANK), RANK) for _ in range(2))
    products = (one.lora_a @ one.lora_a.T).fill_diagonal_(0.0).detach()
    return {
        "lora_b": one.lora_b.abs().max().item(),
        "variance of lora_a, times d_in": WIDE * one.lora_a.square().mean().item(),
        "mean of lora_a, times the root of d_in": math.sqrt(WIDE) * one.lora_a.mean().item(),
        "rows of lora_a that are no sum of others": int(torch.linalg.matrix_rank(one.lora_a.detach())),
        "mean square of the products of its rows, times d_in": WIDE
        * products.square().sum().item()
        / (RANK * RANK - RANK),
        "columns that are the same": WIDE - len(one.lora_a.detach().T.unique(dim=0)),
        "two layers begin alike": torch.equal(one.lora_a, other.lora_a),
    }


@exercise.promise("The gradient of x comes through both parts", broken_by="takes_the_input_off_the_graph")
@exercise.promise("so that layers below learn too.", broken_by="runs_the_base_without_gradients")
@exercise.check(points=0.25)
def the_layer_below_learns_too(LoRALinear, rng):
    """The gradient of x is that of both parts; of two adapters above each other, both learn, from the first step on."""
    seen = {}
    layers = {"learned": adapted(LoRALinear, rng), "in evaluation": adapted(LoRALinear, rng).eval()}
    for words, layer in (layers | {"new": LoRALinear(linear_of(rng), 3).eval()}).items():
        x = normal(rng, 2, 4, 7).requires_grad_()
        leaves = {"x": x} if words == "new" else {"x": x, "lora_a": layer.lora_a, "lora_b": layer.lora_b}
        seen |= {f"{words}: {its}": grad for its, grad in gradients(layer(x), leaves, rng).items()}
    below, above = adapted(LoRALinear, rng, alpha=1.0), LoRALinear(linear_of(rng, d_in=5, d_out=6), 2, alpha=1.0)
    with torch.no_grad():  # small numbers, with which small steps end where they were meant to
        above.lora_a.copy_(normal(rng, 2, 5))
        for weight in (*below.parameters(), *above.parameters()):
            weight.mul_(0.3)
    optimiser = torch.optim.SGD([its for one in (below, above) for its in one.parameters() if its.requires_grad], 0.1)
    x, target = normal(rng, 8, 7), normal(rng, 8, 6)
    for step in range(3):
        loss = F.mse_loss(above(torch.tanh(below(x))), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        seen[f"stacked: the loss before step {step + 1}"] = loss
    return seen | {f"stacked: {name} below": getattr(below, name) for name in ("lora_a", "lora_b")}


@exercise.promise("a new nn.Linear that computes the same", broken_by="merges_without_the_scale")
@exercise.promise("in the layer's type", broken_by="merges_into_float32")
@exercise.promise("sharing no weight with it;", broken_by="shares_the_bias")
@exercise.promise("It is new at each call", broken_by="merges_once")
@exercise.promise("with a bias where the layer has one", broken_by="forgets_the_bias")
@exercise.promise("neither this module nor the given layer is changed.", broken_by="merges_in_place")
@exercise.check(points=0.25)
def merged_it_is_one_layer(LoRALinear, rng):
    """`merged()` is a new `nn.Linear` that computes the same; the adapter and the layer beside it stay as they are."""
    seen = {}
    forms = ({"bias": True}, {"bias": False, "alpha": 5.0}, {"d_in": 4, "d_out": 9, "rank": 1})
    for words, more in zip(("with a bias", "without", "4 to 9"), forms):
        layer = adapted(LoRALinear, rng, **more).train(words != "without")
        d_in = layer.linear.weight.size(1)
        exact, wide = copy.deepcopy(layer).double(), normal(rng, 3, d_in).double()
        seen[f"{words}: what merging takes away, in float64"] = 1e8 * (exact.merged()(wide) - exact(wide))
        x, before = normal(rng, 3, d_in), {name: its.detach().clone() for name, its in layer.state_dict().items()}
        learn, mode = [its.requires_grad for its in layer.parameters()], layer.training
        fresh = LoRALinear(nn.Linear(5, 6), 2)
        seen[f"{words}: new, before it has learned"] = fresh.merged() is not fresh.linear
        one, again = layer.merged(), layer.merged()
        gave = layer(x)
        with torch.no_grad():
            layer.lora_b.add_(1.0)
        seen[words] = {
            "a linear layer": type(one) is nn.Linear,
            "its sizes": [one.in_features, one.out_features],
            "what it gives": one(x),
            "merged again": again(x),
            "what the adapter gives now": gave,
            "all weights as they were": all(
                torch.equal(its, layer.state_dict()[name]) for name, its in before.items() if name != "lora_b"
            ),
            "what learns, and the mode": [learn == [its.requires_grad for its in layer.parameters()], layer.training],
            "merged once more, when it has learned on": layer.merged()(x),
            "new weights": one.weight.data_ptr() not in (layer.linear.weight.data_ptr(), again.weight.data_ptr()),
            "a bias": one.bias is not None,
            "a new bias": one.bias is None
            or one.bias.data_ptr() not in (layer.linear.bias.data_ptr(), again.bias.data_ptr()),
            "type": str(LoRALinear(nn.Linear(7, 5, bias=mode).double(), 2).merged().weight.dtype),
        }
    return seen


@exercise.promise("Raises ValueError where the rank is below 1", broken_by="takes_any_small_rank")
@exercise.promise("or above the smaller of d_in and d_out.", broken_by="checks_one_side_alone")
@exercise.check(points=0.25)
def ranks_that_there_are(LoRALinear, rng):
    """A rank is at least 1 and at most the smaller of d_in and d_out; every other one is a ValueError."""
    layers = {"7 to 5": (7, 5), "4 to 9": (4, 9)}
    return {
        f"{words}: rank {rank}": ending(lambda: LoRALinear(nn.Linear(*sizes), rank)(normal(rng, 2, sizes[0])))
        for words, sizes in layers.items()
        for rank in (-1, 0, 1, min(sizes), min(sizes) + 1, max(sizes), max(sizes) + 1)
    }


exercise.aside("raises ValueError for a rank below 1 or above min(d_in, d_out)", "Promised in the docstring.")
exercise.aside("Whether the new weights learn is free", "It leaves free what no check asks for.")
exercise.edges(
    empty="A layer has an input.",
    one="the_layer_and_the_product_beside_it",
    equal="The formula is linear: equal inputs are nothing special.",
    zero="at_first_nothing_is_changed",
    ties="Nothing is ranked.",
    large="The formula is linear: large inputs are nothing special.",
    small="The formula is linear: small inputs are nothing special.",
    limit="ranks_that_there_are",
    shapes="the_layer_and_the_product_beside_it",
    modes="the_layer_and_the_product_beside_it",
    gradients="The module clears none, and starts no `backward`.",
    inputs="the_layer_below_learns_too",
)

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
    takes_the_input_off_the_graph=mistake(
        "What goes through the two matrices passes no gradient on to x. Who needs it there?",
        beside=lambda self, x: Adapter.beside(self, x.detach()),
    ),
    runs_the_base_without_gradients=mistake(
        "The layer that was given passes no gradient on to x. Is that what it means that it learns no more?",
        base=without_a_graph,
    ),
    passes_no_gradient_on=mistake(
        "No gradient comes back to x. How are the adapters of the layers below to learn?",
        forward=lambda self, x: Adapter.forward(self, x.detach()),
    ),
    is_off_in_evaluation=mistake(
        "In evaluation the two matrices are left out. What was learned then, and for whom?",
        beside=lambda self, x: Adapter.beside(self, x) if self.training else 0.0,
    ),
    takes_three_axes=mistake(
        "x has to have three axes with you. What does the `...` in the shapes stand for?",
        beside=lambda self, x: self.scale() * torch.einsum("bti,ri,or->bto", x, self.lora_a, self.lora_b),
    ),
    asks_for_a_bias=mistake(
        "A layer without a bias ends in an error. What is its `bias`?",
        base=lambda self, x: x @ self.linear.weight.T + self.linear.bias,
    ),
    drops_a_tenth=mistake(
        "In training, a part of x is dropped. Does the formula say so?",
        beside=lambda self, x: Adapter.beside(self, F.dropout(x, 0.1, self.training)),
    ),
    remembers_the_product=mistake(
        "In evaluation the product is that of the first call. What if the matrices have learned since?",
        beside=remembered,
    ),
    lets_a_stay=mistake(
        "`lora_a` stays as it begins. Which of the two matrices learn?",
        settle=lambda self: self.lora_a.requires_grad_(False),
    ),
    keeps_a_copy=mistake(
        "`linear` is a copy of the layer that was given. Does the one outside learn on, and who holds both in memory?",
        freeze=lambda self: setattr(self, "linear", copy.deepcopy(self.linear).requires_grad_(False)),
    ),
    keeps_them_turned=mistake(
        "The two matrices lie the other way round. Which shapes does the text give them?",
        begin=lambda self, *sizes: [matrix.T for matrix in Adapter.begin(self, *sizes)],
        beside=lambda self, x: self.scale() * (x @ self.lora_a @ self.lora_b),
        product=lambda self: self.scale() * (self.lora_a @ self.lora_b).T,
    ),
    begins_alike_everywhere=mistake(
        "Each adapter begins with the same numbers. Who sets the seed?",
        begin=lambda self, rank, d_in, d_out: (
            torch.randn(rank, d_in, generator=torch.Generator().manual_seed(0)) / math.sqrt(d_in),
            torch.zeros(d_out, rank),
        ),
    ),
    draws_one_row=mistake(
        "All rows of `lora_a` begin alike. What can a product of rank 1 learn that has a rank of 8?",
        begin=lambda self, rank, d_in, d_out: (
            (torch.randn(1, d_in) / math.sqrt(d_in)).repeat(rank, 1),
            torch.zeros(d_out, rank),
        ),
    ),
    begins_above_zero=mistake(
        "No number of `lora_a` begins below zero. What is their mean then?",
        begin=lambda self, rank, d_in, d_out: (
            torch.rand(rank, d_in) * math.sqrt(3 / d_in),
            torch.zeros(d_out, rank),
        ),
    ),
    merges_into_float32=mistake(
        "The merged layer is in float32. In which type is the one that was given?", merged=in_float32
    ),
    merges_once=mistake(
        "`merged()` gives the same layer each time. What if the adapter has learned on?", merged=merged_once
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
        base=lambda self, x: 0.0,
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
