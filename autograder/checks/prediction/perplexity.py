"""`perplexity`: as many choices as the loss is worth, the mean taken before the exponential."""

import math

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("perplexity")


def mean_loss(losses) -> Tensor:
    return torch.as_tensor(losses, dtype=torch.float64).mean()


@exercise.check(points=0.25)
def as_many_choices(perplexity, rng):
    """A loss of log V is a choice among V equally likely tokens; an infinite loss is an endless one."""
    vocab_size = 2 + int(some_tokens(rng, 50_000))
    return {
        f"the loss is log {vocab_size:,}": perplexity(math.log(vocab_size)),
        "the loss is 0": perplexity(0),
        "the loss is infinite": perplexity(math.inf),
    }


@exercise.check(points=0.25)
def losses_of_single_tokens(perplexity, rng):
    """The losses of single tokens are averaged before the exponential, whatever their shape."""
    losses = 4 * torch.rand(3, 5, generator=rng)
    return {
        "1 and 3 nats": perplexity(torch.tensor([1.0, 3.0])),
        "3 texts of 5 tokens": perplexity(losses),
        "their mean": perplexity(losses.mean()),
    }


@exercise.mistake(hint="2 to the power of the loss belongs to bits. What belongs to nats?")
def two_to_the_power_of_nats(losses):
    return 2 ** mean_loss(losses)


@exercise.mistake(
    hint="You take the exponential of each loss and average afterwards. What would one token with a loss of 30 do to "
    "that mean?"
)
def averages_the_perplexities(losses):
    return torch.as_tensor(losses, dtype=torch.float64).exp().mean()


@exercise.mistake(
    hint="You take the exponential of the sum, so a longer text has a larger perplexity. Which number belongs to one "
    "token?"
)
def adds_all_losses(losses):
    return torch.as_tensor(losses, dtype=torch.float64).sum().exp()


@exercise.mistake(
    hint="Your number is a probability, below 1. How many equally likely tokens have a probability of 1/5 each?"
)
def returns_a_probability(losses):
    return (-mean_loss(losses)).exp()


@exercise.mistake(hint="This is the loss in bits. How many tokens are 3 bits a choice between?")
def returns_bits(losses):
    return mean_loss(losses) / math.log(2)
