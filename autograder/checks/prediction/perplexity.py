"""`perplexity`: as many choices as the loss is worth, the mean taken before the exponential."""

import math

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.prediction.shared import some_tokens

exercise = Exercise("perplexity")


def mean_loss(losses) -> Tensor:
    return torch.as_tensor(losses, dtype=torch.float64).mean()


@exercise.promise("How many equally likely tokens would be as hard to guess", broken_by="returns_a_probability")
@exercise.promise("both in nats", broken_by="two_to_the_power_of_nats")
@exercise.promise("or a plain number", broken_by="takes_tensors_alone")
@exercise.promise("a number, at least 1", broken_by="returns_bits")
@exercise.check(points=0.125)
def as_many_choices(perplexity, rng):
    """A loss of log V is a choice among V equally likely tokens, whether it is a plain number or a tensor."""
    vocab_size = 2 + int(some_tokens(rng, 50_000))
    return {
        f"the loss is log {vocab_size:,}": perplexity(math.log(vocab_size)),
        "the loss is 0": perplexity(0),
        "the loss is 3": perplexity(3),
        "the loss is 0.05": perplexity(0.05),
        "the loss is 30.5": perplexity(30.5),
        "the loss is 60, in a tensor without dimensions": perplexity(torch.tensor(60.0)),
    }


@exercise.promise("exp of the mean loss", broken_by="adds_all_losses")
@exercise.promise("Takes the losses of single tokens", broken_by="averages_the_perplexities")
@exercise.promise("or their mean", broken_by="needs_a_dimension")
@exercise.promise("losses (...), one or more", broken_by="averages_the_rows")
@exercise.check(points=0.25)
def losses_of_single_tokens(perplexity, rng):
    """The losses of single tokens are averaged before the exponential, whatever their shape and whichever are 0."""
    losses = 4 * torch.rand(3, 5, generator=rng)
    return {
        "1 and 3 nats": perplexity(torch.tensor([1.0, 3.0])),
        "one token": perplexity(losses[0, :1]),
        "3 texts of 5 tokens": perplexity(losses),
        "a batch of one text": perplexity(losses[:1]),
        "their mean": perplexity(losses.mean()),
        "2 batches of 3 texts of 5 tokens": perplexity(torch.stack([losses, 2 * losses])),
        "some are 0": perplexity(torch.where(torch.tensor([True, False, True, False, True]), losses, 0.0)),
        "all are 0": perplexity(torch.zeros(4)),
        "one is far above the others": perplexity(torch.cat([losses[0], torch.tensor([90.0])])),
        "all are alike": perplexity(torch.full((2, 3), 1.5)),
        "1, 2 and 6, as whole numbers": perplexity(torch.tensor([1, 2, 6])),
        "500 tokens of 2 to 4 nats": perplexity(2 + losses.repeat(100, 1)[:, :1] / 2),
        "every other token of 3 texts": perplexity(losses[:, ::2]),
        "in float64": perplexity(losses.double()),
    }


@exercise.promise("An infinite loss has an infinite perplexity", broken_by="leaves_out_the_infinite")
@exercise.promise("so has a mean that is too large for `exp`", broken_by="the_exponential_is_an_error")
@exercise.check(points=0.125)
def an_endless_choice(perplexity, rng):
    """The perplexity is infinite where a loss is, and where the mean is too large for the exponential."""
    losses = torch.cat([4 * torch.rand(4, generator=rng), torch.tensor([math.inf])])
    return {
        "the loss is infinite": perplexity(math.inf),
        "one loss of five is infinite": perplexity(losses[torch.randperm(5, generator=rng)]),
        "the loss is 1000": perplexity(1000.0),
        "losses of 1500 and 2500": perplexity(torch.tensor([1500.0, 2500.0])),
        "the loss is log 9": perplexity(math.log(9)),
    }


exercise.edges(
    empty="The text asks for one loss or more.",
    one="losses_of_single_tokens",
    equal="losses_of_single_tokens",
    zero="losses_of_single_tokens",
    ties="No two losses are compared.",
    large="an_endless_choice",
    small="as_many_choices",
    limit="an_endless_choice",
    shapes="losses_of_single_tokens",
    modes="Nothing is trained here.",
    gradients="The result is a plain number.",
    inputs="The result is a plain number.",
)


@exercise.mistake(
    hint="A plain number breaks your function. Which call makes a tensor of a number, and keeps a tensor?"
)
def takes_tensors_alone(losses):
    return losses.double().mean().exp().item()


@exercise.mistake(hint="A tensor without dimensions breaks your function. What does `len` say of it?")
def needs_a_dimension(losses):
    if isinstance(losses, Tensor) and len(losses):
        return mean_loss(losses).exp()
    return mean_loss(losses).exp()


@exercise.mistake(
    hint="You take one perplexity for each row and average them. What is to be averaged, and before which step?"
)
def averages_the_rows(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses.mean().exp() if losses.dim() == 0 else losses.mean(dim=-1).exp().mean()


@exercise.mistake(
    hint="You leave infinite losses out of the mean. How likely did the model think the token that came was?"
)
def leaves_out_the_infinite(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses[losses.isfinite()].mean().exp()


@exercise.mistake(hint="A large mean ends with an error. Which `exp` gives infinity where `math.exp` gives up?")
def the_exponential_is_an_error(losses):
    return math.exp(mean_loss(losses))


@exercise.mistake(
    hint="Above some loss your perplexity grows no more. How many choices has a model that was sure and wrong?"
)
def stops_at_twenty(losses):
    return mean_loss(losses).clamp(max=20).exp()


@exercise.mistake(hint="Losses of 0 are missing in your mean. Is a token that was sure and right no token?")
def zeros_are_padding(losses):
    losses = torch.as_tensor(losses, dtype=torch.float64)
    return losses.sum().div((losses != 0).sum().clamp(min=1)).exp()


@exercise.mistake(hint="Your number of choices is a whole one. Is a choice between 1 and 2 tokens no choice at all?")
def rounds_to_whole_tokens(losses):
    return mean_loss(losses).exp().round()


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
