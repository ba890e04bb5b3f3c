"""`RMSNorm`: a vector's length does not matter, each vector stands by itself, half precision does not overflow."""

from functools import partial

import torch
from torch import nn

from autograder.checking.topic import Exercise
from autograder.checks.common import gradients, normal
from autograder.checks.transformer.shared import Norm, with_weights

exercise = Exercise("RMSNorm")


def norm_of_6(RMSNorm, rng: torch.Generator, **more: float) -> nn.Module:
    """The learner's norm for vectors of 6 numbers, with random weights."""
    return with_weights(RMSNorm(6, **more), {"weight": normal(rng, 6)})


@exercise.check(points=0.25, invariant=True)
def length_does_not_matter(RMSNorm, rng):
    """A vector two or eight times as long gives the same; one with the same number added to all does not."""
    norm, x = norm_of_6(RMSNorm, rng), 10 * normal(rng, 2, 5, 6)  # so large that eps does not count
    before = norm(x)
    return {"before": [before, before], "after": [norm(2 * x), norm(8 * x)], "must differ": [before, norm(x + 10)]}


@exercise.check(points=0.25, invariant=True)
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


@exercise.check(points=0.25)
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


@exercise.check(points=0.25, rtol=4e-3, atol=4e-3)
def half_precision_does_not_overflow(RMSNorm, rng):
    """In float16, where 256² is infinite already, vectors with numbers of 300 have a norm, and it is float16 again."""
    norm, x = norm_of_6(RMSNorm, rng), normal(rng, 2, 5, 6)
    signs = torch.where(x < 0, -1.0, 1.0)
    result = norm((signs * (300 + 300 * x.abs())).half())
    return {"the result": result.float(), "its type": str(result.dtype)}


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
    hint="In float16 your mean square is infinite, and the result zero. In which type should the squares be taken?"
)
class squares_in_half_precision(Norm):
    def forward(self, x):
        return (x / self.size(x) * self.weight).to(x.dtype)


@exercise.mistake(hint="What goes in as float16 comes out as float32. What does the next layer expect?")
class forgets_to_go_back_to_the_type(Norm):
    def forward(self, x):
        return x.float() / self.size(x.float()) * self.weight


exercise.given(partial(nn.RMSNorm, eps=1e-6))
