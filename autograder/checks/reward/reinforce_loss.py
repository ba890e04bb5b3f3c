"""`reinforce_loss`: rewards weigh whole replies, the baseline is taken off, and neither learns anything."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import mistake, mistakes, normal
from autograder.checks.reward.shared import learned, some_replies

exercise = Exercise("reinforce_loss")


class Reinforce:
    """REINFORCE with its parts to override, so that one of them can be wrong."""

    def __call__(self, logprobs, rewards, baseline=0.0):
        return self.mean(self.weigh(rewards, baseline), logprobs)

    def weigh(self, rewards, baseline):
        return (rewards - baseline).detach()

    def mean(self, weights, logprobs):
        return -(weights * logprobs.sum(dim=-1)).mean()


def over_the_tokens(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights.unsqueeze(-1) * logprobs).mean()


def over_the_tokens_of_each(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights * logprobs.sum(dim=-1) / (logprobs != 0).sum(dim=-1)).mean()


@exercise.check(points=0.25)
def rewards_weigh_whole_replies(reinforce_loss, rng):
    """The loss is minus the mean over replies of reward times log-probability of the reply; so is its gradient."""
    logprobs, _ = some_replies(rng)
    paid = normal(rng, 4)
    return learned(lambda logprobs: reinforce_loss(logprobs, paid), logprobs=logprobs)


@exercise.check(points=0.25)
def the_baseline_is_taken_off(reinforce_loss, rng):
    """A baseline, a number or one for each reply, is taken off the rewards first."""
    logprobs, _ = some_replies(rng)
    paid, each = normal(rng, 4), normal(rng, 4)
    return {
        "0.7": learned(lambda logprobs: reinforce_loss(logprobs, paid, 0.7), logprobs=logprobs),
        "a tensor ()": learned(lambda logprobs: reinforce_loss(logprobs, paid, paid.mean()), logprobs=logprobs),
        "one for each": learned(lambda logprobs: reinforce_loss(logprobs, paid, each), logprobs=logprobs),
    }


@exercise.check(points=0.25)
def rewards_and_baseline_learn_nothing(reinforce_loss, rng):
    """No gradient goes into the rewards or the baseline, even where they come out of a network."""
    logprobs, _ = some_replies(rng)
    return learned(reinforce_loss, logprobs=logprobs, rewards=normal(rng, 4), baseline=normal(rng, 4))


@exercise.check(points=0.25)
def what_was_graded_up_becomes_likelier(reinforce_loss, rng):
    """After a step down the gradient the probability of good replies has risen, and that of bad ones fallen."""
    logprobs, _ = some_replies(rng)
    paid = torch.tensor([1.0, -1.0, 2.0, -2.0])[torch.randperm(4, generator=rng)]
    leaf = logprobs.clone().requires_grad_()
    loss = reinforce_loss(leaf, paid)
    if loss.requires_grad:
        loss.backward()
    moved = torch.zeros_like(logprobs) if leaf.grad is None else -leaf.grad
    return {"how the log-probabilities move": torch.sign(moved.sum(dim=-1)), "rewards": paid}


mistakes(
    exercise,
    Reinforce,
    turns_the_sign=mistake(
        "Good replies become less likely. A step goes down the loss: which sign has it?",
        mean=lambda self, weights, logprobs: (weights * logprobs.sum(dim=-1)).mean(),
    ),
    lets_rewards_learn=mistake(
        "A gradient goes into the rewards or the baseline. Are they numbers here, or something to learn?",
        weigh=lambda self, rewards, baseline: rewards - baseline,
    ),
    lets_the_baseline_learn=mistake(
        "A gradient goes into the baseline. What would it learn from this loss?",
        weigh=lambda self, rewards, baseline: rewards.detach() - baseline,
    ),
    ignores_the_baseline=mistake(
        "The baseline changes nothing. What is it taken off?", weigh=lambda self, rewards, baseline: rewards.detach()
    ),
    adds_the_baseline=mistake(
        "You add the baseline. Is a reply that earns exactly the baseline good, bad or neither?",
        weigh=lambda self, rewards, baseline: (rewards + baseline).detach(),
    ),
    takes_the_mean_over_tokens=mistake(
        "You divide by the tokens of all rows, padding included. Of what is the loss a mean?", mean=over_the_tokens
    ),
    divides_by_the_length=mistake(
        "You divide each reply by its length. What is the log-probability of a whole reply?",
        mean=over_the_tokens_of_each,
    ),
    adds_up=mistake(
        "Your loss grows with the number of replies. By what do you divide the sum?",
        mean=lambda self, weights, logprobs: -(weights * logprobs.sum(dim=-1)).sum(),
    ),
    takes_probabilities=mistake(
        "You weigh probabilities, not their logarithms. What stands in the formula?",
        mean=lambda self, weights, logprobs: -(weights * logprobs.sum(dim=-1).exp()).mean(),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?",
        mean=lambda self, weights, logprobs: 0.0 * logprobs.sum(),
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, weights, logprobs: Reinforce.mean(self, weights, logprobs.detach()),
    ),
)
