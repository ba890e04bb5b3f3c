"""`reinforce_loss`: rewards weigh whole replies, the baseline is taken off, and neither learns anything."""

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, mistake, mistakes, normal
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
    return -(weights * logprobs.sum(dim=-1) / (logprobs != 0).sum(dim=-1).clamp(min=1)).mean()


def over_those_with_a_token(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights * logprobs.sum(dim=-1)).sum() / (logprobs != 0).any(dim=-1).sum()


def over_those_that_earned(self: Reinforce, weights: Tensor, logprobs: Tensor) -> Tensor:
    return -(weights * logprobs.sum(dim=-1)).sum() / (weights != 0).sum().clamp(min=1)


@exercise.promise("Minus the mean", "turns_the_sign")
@exercise.promise("the mean over replies", "takes_the_mean_over_tokens")
@exercise.promise("A reply without a token counts too", "leaves_out_the_empty")
@exercise.promise("one that earned nothing", "leaves_out_those_that_earned_nothing")
@exercise.promise("where none earned anything the gradient is 0", "has_no_graph_for_nothing")
@exercise.promise("times its log-probability", "divides_by_the_length")
@exercise.promise("baseline () or (B) -> ()", "keeps_a_dimension")
@exercise.check(points=0.25)
def rewards_weigh_whole_replies(reinforce_loss, rng):
    """The loss is minus the mean over replies of reward times log-probability of the reply; so is its gradient."""
    logprobs, _ = some_replies(rng)
    logprobs[4, 4] = -40.0  # a surprise
    seen = {}
    either = torch.tensor([1.0, -1.0, -0.5, 2.0, 5.0]) * (1 + torch.rand(5, generator=rng))
    for words, paid in {"of either sign": either, "of 0 and 1": torch.tensor([1.0, 0, 1, 1, 0])}.items():
        seen[f"rewards {words}"] = learned(lambda logprobs: reinforce_loss(logprobs, paid), logprobs=logprobs)
    one = learned(lambda logprobs: reinforce_loss(logprobs, paid[:1], either[:1]), logprobs=logprobs[:1])
    none = learned(lambda logprobs: reinforce_loss(logprobs, torch.ones(5), 1.0), logprobs=logprobs)
    table = reinforce_loss(apart(logprobs), apart(paid), apart(either))
    return seen | {"a single reply": one, "none earned anything": none, "columns of a table": table}


@exercise.promise("what the reply earned above the baseline", "ignores_the_baseline")
@exercise.promise("baseline a number or (B)", "takes_one_baseline_for_all")
@exercise.promise("which may be whole numbers", "cuts_the_baseline")
@exercise.check(points=0.25)
def the_baseline_is_taken_off(reinforce_loss, rng):
    """A baseline, a number or one for each reply, is taken off the rewards first."""
    logprobs, _ = some_replies(rng)
    paid, each = normal(rng, 5), normal(rng, 5)
    each[1] = paid[1]  # earned just what it does usually
    whole = torch.tensor([1, 0, 0, 1, 2])
    return {
        "0.7": learned(lambda logprobs: reinforce_loss(logprobs, paid, 0.7), logprobs=logprobs),
        "-2": learned(lambda logprobs: reinforce_loss(logprobs, paid, -2), logprobs=logprobs),
        "a tensor ()": learned(lambda logprobs: reinforce_loss(logprobs, paid, paid.mean()), logprobs=logprobs),
        "one for each": learned(lambda logprobs: reinforce_loss(logprobs, paid, each), logprobs=logprobs),
        "zeros": learned(lambda logprobs: reinforce_loss(logprobs, paid, torch.zeros(5)), logprobs=logprobs),
        "half, of whole numbers": learned(lambda logprobs: reinforce_loss(logprobs, whole, 0.5), logprobs=logprobs),
        "a tensor, of whole numbers": learned(
            lambda logprobs: reinforce_loss(logprobs, whole, torch.tensor(0.5)), logprobs=logprobs
        ),
    }


@exercise.promise("no gradient goes through reward or baseline", "lets_rewards_learn")
@exercise.promise("even where they came out of a network", "lets_the_baseline_learn")
@exercise.check(points=0.25)
def rewards_and_baseline_learn_nothing(reinforce_loss, rng):
    """No gradient goes into the rewards or the baseline, even where they come out of a network."""
    logprobs, _ = some_replies(rng)
    its = {"logprobs": logprobs, "rewards": normal(rng, 5)}
    return {
        "a baseline for each": learned(reinforce_loss, **its, baseline=normal(rng, 5)),
        "one for all": learned(reinforce_loss, **its, baseline=normal(rng, 1)[0]),
        "none": learned(reinforce_loss, **its),
    }


@exercise.promise("Its gradient does", "has_no_gradient")
@exercise.check(points=0.25)
def what_was_graded_up_becomes_likelier(reinforce_loss, rng):
    """After a step down the gradient the probability of good replies has risen, and that of bad ones fallen."""
    logprobs, _ = some_replies(rng)
    paid = torch.tensor([1.0, -1.0, 2.0, -2.0, 0.5])[torch.randperm(5, generator=rng)]
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
    takes_one_baseline_for_all=mistake(
        "A baseline for each reply becomes a single number. Which reply is each of them for?",
        weigh=lambda self, rewards, baseline: (rewards - torch.as_tensor(baseline).float().mean()).detach(),
    ),
    takes_a_baseline_of_its_own=mistake(
        "You take the mean reward off, too. Who chooses the baseline?",
        weigh=lambda self, rewards, baseline: (rewards - rewards.mean() - baseline).detach(),
    ),
    divides_by_the_spread=mistake(
        "You divide by the spread of the rewards. Does the formula?",
        weigh=lambda self, rewards, baseline: ((rewards - baseline) / (rewards.std(correction=0) + 1e-8)).detach(),
    ),
    pushes_nobody_away=mistake(
        "What earned less than the baseline counts as 0. What becomes of a bad reply?",
        weigh=lambda self, rewards, baseline: (rewards - baseline).detach().clamp(min=0.0),
    ),
    leaves_out_the_empty=mistake(
        "A reply without a token is left out of the mean. Over how many replies is it taken?",
        mean=over_those_with_a_token,
    ),
    leaves_out_those_that_earned_nothing=mistake(
        "A reply that earned nothing above the baseline is left out of the mean. Over how many is it taken?",
        mean=over_those_that_earned,
    ),
    keeps_a_dimension=mistake(
        "Your loss has a dimension left. Of which shape is a mean?",
        mean=lambda self, weights, logprobs: Reinforce.mean(self, weights, logprobs).unsqueeze(0),
    ),
    divides_by_the_length=mistake(
        "You divide each reply by its length. What is the log-probability of a whole reply?",
        mean=over_the_tokens_of_each,
    ),
    has_no_graph_for_nothing=mistake(
        "Where none earned anything `backward()` fails on your loss. Of what should a loss of 0 still be made?",
        mean=lambda self, weights, logprobs: Reinforce.mean(
            self, weights, logprobs if weights.any() else torch.zeros(5)
        ),
    ),
    cuts_the_baseline=mistake(
        "Where rewards are whole numbers your baseline becomes one too. What is 0.5 as a whole number?",
        weigh=lambda self, rewards, baseline: (rewards - torch.as_tensor(baseline).to(rewards.dtype)).detach(),
    ),
    puts_a_mean_for_zero=mistake(
        "A baseline of zeros becomes another one. Who chooses the baseline?",
        weigh=lambda self, rewards, baseline: (
            rewards - (baseline if not torch.is_tensor(baseline) or baseline.any() else rewards.mean())
        ).detach(),
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

exercise.edges(
    empty="rewards_weigh_whole_replies",
    one="rewards_weigh_whole_replies",
    equal="the_baseline_is_taken_off",
    zero="rewards_weigh_whole_replies",
    ties="No two are compared.",
    large="The loss is linear in all that it is given.",
    small="rewards_weigh_whole_replies",
    limit="There is no limit.",
    shapes="the_baseline_is_taken_off",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="rewards_and_baseline_learn_nothing",
)
