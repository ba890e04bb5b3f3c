"""`RMSNorm`: a vector's length does not matter, each vector stands by itself, half precision does not overflow."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from autograder.checking.topic import Exercise
from autograder.checks.attention.shared import across, meets_another_device
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.shared import Norm, from_call_to_call, with_weights

exercise = Exercise("RMSNorm")


def norm_of_6(RMSNorm, rng: torch.Generator, **more: float) -> nn.Module:
    """The learner's norm for vectors of 6 numbers, with random weights."""
    return with_weights(RMSNorm(6, **more), {"weight": normal(rng, 6)})


@exercise.promise("No mean is taken away", broken_by="takes_the_mean_away")
@exercise.check(points=0.125, invariant=True)
def length_does_not_matter(RMSNorm, rng):
    """A vector two or eight times as long gives the same; one with the same number added to all does not."""
    norm, x = norm_of_6(RMSNorm, rng), 10 * normal(rng, 2, 5, 6)  # so large that eps does not count
    before = norm(x)
    return {
        "before": [before, before],
        "after": [norm(2 * x), norm(8 * x)],
        "must differ": [before, norm(x + 10)],
        "change": "all vectors were made two, or eight, times as long",
    }


@exercise.promise("For a vector $x$ of $C$ numbers", broken_by="one_size_for_all")
@exercise.check(points=0.125, invariant=True)
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
        "change": "the vector at position 2 of the first text was turned round",
    }


@exercise.promise("Divide each vector by the root of its mean square", broken_by="divides_by_the_length")
@exercise.promise("stretch each coordinate by a learned weight", broken_by="forgets_the_weight")
@exercise.promise("`eps` is added to the mean square, before the root", broken_by="adds_eps_after_the_root")
@exercise.promise("keeps a vector of zeros from becoming 0 / 0", broken_by="forgets_eps")
@exercise.promise("RMSNorm(d_model, eps=1e-6), a module", broken_by="ignores_the_eps_it_is_given")
@exercise.check(points=0.25)
def numbers_of_the_norm(RMSNorm, rng):
    """The numbers are right: for vectors so short that eps counts, for zeros, for another eps, in both modes."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    seen = {
        "the result": norm(x),
        "the result for short vectors": norm(1e-3 * x),
        "the result for zeros": norm(torch.zeros(2, 6)),
        "the result at eps=0.5": norm_of_6(RMSNorm, rng, eps=0.5)(x),
    }
    return seen | {"the result in evaluation mode": norm.eval()(x)}


@exercise.promise("a learned weight", broken_by="its_weight_does_not_learn")
@exercise.check(points=0.125)
def gradients_of_the_norm(RMSNorm, rng):
    """The gradient reaches x, by way of its size too, and the weight, in both modes; for zeros it is a number."""
    seen = {}
    for mode in ("training", "evaluation"):
        norm, x = norm_of_6(RMSNorm, rng).train(mode == "training"), normal(rng, 2, 5, 6)
        x[1, 3], x[0, 2] = 0.0, 0.1 * x[0, 2]
        leaves = {"x": x.requires_grad_(), "the weight": norm.weight}
        seen |= {f"{name} in {mode}": gradient for name, gradient in gradients(norm(x), leaves, rng).items()}
    new = RMSNorm(6)
    seen["the weight of a norm just made"] = gradients(new(x.detach()), {"the weight": new.weight}, rng)
    norm.weight.requires_grad_(False)
    alone = norm(x)
    return seen | gradients(alone, {"x, the weight held": x}, rng)


@exercise.promise("Shapes: x (..., d_model) -> (..., d_model)", broken_by="loses_an_axis_of_one")
@exercise.check(points=0.125)
def any_number_of_axes(RMSNorm, rng):
    """One vector, a list of them, a batch of one text, four axes: the shape stays, however x lies in memory."""
    norm = norm_of_6(RMSNorm, rng)
    shapes = (6,), (1, 6), (1, 1, 6), (1, 5, 6), (3, 1, 6), (2, 3, 4, 6)
    seen = {f"of shape {shape}": norm(normal(rng, *shape)) for shape in shapes}
    alone = with_weights(RMSNorm(1), {"weight": normal(rng, 1)})
    rows = normal(rng, 2, 5, 12)
    seen["of two texts that change places with positions"] = norm(across(rows[..., ::2]))
    seen["of one vector for all places"] = norm(rows[:1, :1, 6:].expand(3, 4, 6))
    return seen | {"of d_model=1": alone(1 + normal(rng, 2, 1).abs())}


@exercise.promise("in float32 or wider, whatever the type of x", broken_by="squares_in_half_precision")
@exercise.promise("in the type of x", broken_by="forgets_to_go_back_to_the_type")
@exercise.check(points=0.125, rtol=4e-3, atol=4e-3)
def sixteen_bits_are_enough(RMSNorm, rng):
    """In float16 numbers of 300, whose squares are infinite there, have a norm; in bfloat16 sizes are as in float32."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    large = torch.where(x < 0, -1.0, 1.0) * (300 + 300 * x.abs())
    results = {dtype: norm(large.to(dtype)) for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64)}
    leaf = x.half().requires_grad_()
    return {
        **gradients(norm(leaf), {"x in float16": leaf}, rng),
        "the result in float16": results[torch.float16].float(),
        "types": [str(result.dtype) for result in results.values()],
        "the result in float16, for small numbers": norm(x.half()).float(),
        "sizes in bfloat16 are right": all(off < 4e-4 for off in sizes_in_bfloat16(RMSNorm, rng)),
    }


@exercise.promise("Each call stands by itself", broken_by="keeps_the_weight_it_saw_first")
@exercise.promise("and a module its weights", broken_by="takes_the_type_of_x_itself")
@exercise.check(points=0.125, rtol=4e-3, atol=4e-3)
def the_norm_from_call_to_call(RMSNorm, rng):
    """In both modes, with gradients and without, x stays as it was, and the weight that is there now is used."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    inputs = {"x": x, "a shorter x": normal(rng, 3, 6), "x in 16 bits": x.half()}
    calls = {words: partial(lambda what, norm: norm(what), what) for words, what in inputs.items()}
    seen = from_call_to_call(norm, calls, rng) | {"x in float64": norm.train()(x.double())}
    return seen | {"it stays on the device of x": not meets_another_device(norm.to("meta"), x)}


def sizes_in_bfloat16(RMSNorm, rng: torch.Generator, rows: int = 64, width: int = 4096) -> list[torch.Tensor]:
    """How far the size of a row is off, in shares of it, on average; the roundings of single numbers nearly cancel.

    In the second half of the rows all numbers are the same but for the sign, so that all squares are rounded alike.
    """
    x = (1 + torch.rand(rows, 1, generator=rng)) * torch.where(normal(rng, rows, width) < 0, -1.0, 1.0)
    x[: rows // 2] *= 1 + torch.rand(rows // 2, width, generator=rng)
    x, weight = x.bfloat16(), 1 + torch.rand(width, generator=rng)
    result = with_weights(RMSNorm(width), {"weight": weight})(x)
    expected = F.rms_norm(x.double(), (width,), weight.double(), eps=1e-6)
    off = ((result.double() * x.sign()).sum(dim=-1) / (expected * x.sign()).sum(dim=-1) - 1).abs()
    return [half.mean() for half in off.chunk(2)]


@exercise.mistake(
    hint="A number added to all coordinates disappears in your result. RMSNorm takes no mean away: is yours LayerNorm?"
)
class takes_the_mean_away(Norm):
    def forward(self, x):
        return super().forward(x - x.mean(dim=-1, keepdim=True))


@exercise.mistake(hint="You add eps after the root. For a vector of thousandths, which is larger: eps or √eps?")
class adds_eps_after_the_root(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True).sqrt() + self.eps


@exercise.mistake(hint="A vector of zeros gives NaN. Where do you add eps?")
class forgets_eps(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True).sqrt()


@exercise.mistake(hint="Your results have the right size only where the weight is one. Where is it used?")
class forgets_the_weight(Norm):
    def forward(self, x):
        return (x.float() / self.size(x.float())).to(x.dtype)


@exercise.mistake(
    hint="You divide by the length of the vector, so wider vectors get smaller numbers. Is it the sum of squares or "
    "their mean that stands under the root?"
)
class divides_by_the_length(Norm):
    def size(self, x):
        return (x.square().sum(dim=-1, keepdim=True) + self.eps).sqrt()


@exercise.mistake(
    hint="A vector twice as long gives half of the result. What is missing between the mean square and the division?"
)
class divides_by_the_mean_square(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True) + self.eps


@exercise.mistake(hint="You divide by the mean absolute value. What do the R and the S in RMS stand for?")
class divides_by_the_mean_absolute_value(Norm):
    def size(self, x):
        return x.abs().mean(dim=-1, keepdim=True) + self.eps


@exercise.mistake(
    hint="Your mean runs over the whole input, so the words change each other. Which axis holds one vector?"
)
class one_size_for_all(Norm):
    def size(self, x):
        return (x.square().mean() + self.eps).sqrt()


@exercise.mistake(
    hint="Your mean runs over the positions, so a word changes the words before it. Which axis holds one vector?"
)
class a_mean_over_the_positions(Norm):
    def size(self, x):
        return (x.square().mean(dim=-2, keepdim=True) + self.eps).sqrt()


@exercise.mistake(
    hint="You divide by the standard deviation, in which the mean is taken away. What does the formula have under the "
    "root?"
)
class divides_by_the_deviation(Norm):
    def size(self, x):
        return (x.var(dim=-1, keepdim=True, unbiased=False) + self.eps).sqrt()


@exercise.mistake(hint="Your eps is a floor, which counts for the shortest vectors alone. What is it added to?")
class takes_eps_for_a_floor(Norm):
    def size(self, x):
        return x.square().mean(dim=-1, keepdim=True).sqrt().clamp(min=self.eps)


@exercise.mistake(hint="Another eps makes no difference. Which one do you add, and where is the one that was given?")
class ignores_the_eps_it_is_given(Norm):
    def size(self, x):
        return (x.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()


@exercise.mistake(hint="You stretch the vector before you look at its size. What is it that the weight multiplies?")
class stretches_before_the_size_is_taken(Norm):
    def forward(self, x):
        wide = x.float() * self.weight
        return (wide / self.size(wide)).to(x.dtype)


@exercise.mistake(hint="You multiply by one plus the weight. With which numbers does the weight start here?")
class adds_one_to_the_weight(Norm):
    def forward(self, x):
        return (x.float() / self.size(x.float()) * (1 + self.weight)).to(x.dtype)


@exercise.mistake(
    hint="The numbers are right and the gradient of x is not. Does the size that you divide by have a gradient?"
)
class takes_the_size_for_a_constant(Norm):
    def size(self, x):
        return super().size(x).detach()


@exercise.mistake(hint="The weight gets no gradient. How do you read it?")
class its_weight_does_not_learn(Norm):
    def forward(self, x):
        return (x.float() / self.size(x.float()) * self.weight.detach()).to(x.dtype)


@exercise.mistake(hint="An axis of one comes in and does not come out. Where do you squeeze?")
class loses_an_axis_of_one(Norm):
    def forward(self, x):
        return super().forward(x).squeeze(0)


@exercise.mistake(
    hint="In float16 your mean square is infinite, and the result zero. In which type should the squares be taken?"
)
class squares_in_half_precision(Norm):
    def forward(self, x):
        return (x / self.size(x) * self.weight).to(x.dtype)


@exercise.mistake(hint="What goes in as float16 comes out as float32. What does the next layer expect?")
class forgets_to_go_back_to_the_type(Norm):
    def forward(self, x):
        return x.float() / self.size(x.float()) * self.weight


@exercise.mistake(
    hint="You are back in the type of x when you stretch. Of which type is float16 times a float32 weight?"
)
class stretches_after_it_went_back(Norm):
    def forward(self, x):
        return (x.float() / self.size(x.float())).to(x.dtype) * self.weight


@exercise.mistake(
    hint="In float16 all is well, in bfloat16 sizes are rounded. Which of your steps to the size is in the type of x?"
)
class rounds_the_size_in_bfloat16(Norm):
    def forward(self, x):
        wide = x.float() if x.dtype == torch.float16 else x
        return (wide / self.size(wide) * self.weight).to(x.dtype)


@exercise.mistake(
    hint="In evaluation mode you multiply by a weight from an earlier call. What if it has learned something since?"
)
class keeps_the_weight_it_saw_first(Norm):
    def forward(self, x):
        if self.training:
            return super().forward(x)
        if "first" not in self.__dict__:
            self.__dict__["first"] = self.weight.detach().clone()
        return (x.float() / self.size(x.float()) * self.first).to(x.dtype)


@exercise.mistake(hint="After a vector in 16 bits your learned weight has 16 bits itself. Whose type should change?")
class takes_the_type_of_x_itself(Norm):
    def forward(self, x):
        self.to(x.dtype)
        return super().forward(x)


exercise.edges(
    empty="No sentence says what a norm of no vectors is.",
    one="any_number_of_axes",
    equal="sixteen_bits_are_enough",
    zero="numbers_of_the_norm",
    ties="No two are compared.",
    large="sixteen_bits_are_enough",
    small="numbers_of_the_norm",
    limit="There is no limit.",
    shapes="any_number_of_axes",
    modes="numbers_of_the_norm",
    gradients="There is no step that could meet old ones.",
    inputs="gradients_of_the_norm",
)
exercise.given(partial(nn.RMSNorm, eps=1e-6))
