"""`grpo_loss`: going too far earns nothing, one mean over all tokens, distance costs beta, only the policy learns."""

import math
from typing import Any

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, mistake, mistakes, normal, outcome
from autograder.checks.reward.shared import drawn_and_moved, learned

exercise = Exercise("grpo_loss")


def of_the_policy(grpo_loss, its: dict[str, Tensor], *left_out: str, **more: Any) -> dict[str, Any]:
    """The loss and its gradient for the policy's log-probabilities."""
    rest = {key: tensor for key, tensor in its.items() if key not in ("logprobs", *left_out)}
    return learned(lambda logprobs: grpo_loss(logprobs=logprobs, **rest, **more), logprobs=its["logprobs"])


def one_token(grpo_loss, ratio: float, advantage: float, clip: float) -> dict[str, Any]:
    """Loss and gradient of a single token."""
    old, mask = torch.tensor([[-1.0]]), torch.ones(1, 1, dtype=torch.bool)
    its = {"old_logprobs": old, "advantages": torch.tensor([advantage]), "mask": mask}
    return of_the_policy(grpo_loss, its | {"logprobs": old + math.log(ratio)}, clip=clip)


class Clipped:
    """The clipped objective with its parts to override, so that one of them can be wrong."""

    def __call__(self, logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
        if not mask.any():
            return self.nothing(logprobs)
        ratio = self.ratio(logprobs, self.fixed(old_logprobs))
        objective = self.objective(ratio, self.fixed_advantages(advantages).unsqueeze(-1), self.limit(clip))
        mask, reference = self.counted(mask, advantages), self.instead(reference, old_logprobs)
        if reference is not None:
            objective = objective - self.cost(logprobs, reference, beta, mask)
        return self.sign() * self.mean(objective, mask)

    def limit(self, clip):
        return clip

    def counted(self, mask, advantages):
        return mask

    def instead(self, reference, old_logprobs):
        return reference

    def nothing(self, logprobs):
        raise ValueError("nothing")

    def fixed(self, old_logprobs):
        return old_logprobs.detach()

    def fixed_advantages(self, advantages):
        return advantages.detach()

    def ratio(self, logprobs, old):
        return (logprobs - old).exp()

    def objective(self, ratio, advantages, clip):
        return torch.minimum(ratio * advantages, self.clamp(ratio, clip) * advantages)

    def clamp(self, ratio, clip):
        return ratio.clamp(1 - clip, 1 + clip)

    def cost(self, logprobs, reference, beta, mask):
        return beta * self.distance(reference.detach() - logprobs)

    def distance(self, log_r):
        return log_r.exp() - 1 - log_r

    def sign(self):
        return -1.0

    def mean(self, objective, mask):
        return objective[mask].mean()


def mean_of_means(self: Clipped, objective: Tensor, mask: Tensor) -> Tensor:
    rows = mask.any(dim=-1)
    return ((objective * mask).sum(dim=-1)[rows] / mask.sum(dim=-1)[rows]).mean()


def against_the_reference(self: Clipped, logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    drew = old_logprobs if reference is None else reference
    return Clipped.__call__(self, logprobs, drew, advantages, mask, clip, reference, beta)


def of_a_mean_ratio(self: Clipped, logprobs: Tensor, old: Tensor) -> Tensor:
    written = (logprobs != 0) & (old != 0)
    mean = ((logprobs - old) * written).sum(dim=-1, keepdim=True) / written.sum(dim=-1, keepdim=True).clamp(min=1)
    return mean.exp().expand_as(logprobs)


def clipped_twice(self: Clipped, ratio: Tensor, advantages: Tensor, clip: float) -> Tensor:
    objective = Clipped.objective(self, ratio, advantages, clip)
    return torch.where(advantages < 0, torch.maximum(objective, 3.0 * advantages), objective)


def without_a_graph(self: Clipped, objective: Tensor, mask: Tensor) -> Tensor:
    mean = Clipped.mean(self, objective, mask)
    return mean if objective.any() else mean.detach()


def cost_of_all_places(self: Clipped, logprobs: Tensor, reference: Tensor, beta: float, mask: Tensor) -> Tensor:
    return Clipped.cost(self, logprobs, reference, beta, mask).mean()


@exercise.promise("The ratio of a token is what the policy gives it", "turns_the_ratio_round")
@exercise.promise("The objective is the smaller of ratio · advantage and clipped ratio", "takes_the_smaller_ratio")
@exercise.promise("nothing is gained by going further than `clip` from one", "does_not_clip")
@exercise.check(points=0.25)
def too_far_earns_nothing(grpo_loss, rng):
    """For single tokens: the smaller of ratio · advantage and clipped ratio · advantage, and which has a gradient."""
    cases = [(ratio, advantage) for ratio in (1e-12, 0.01, 0.5, 0.9, 1.1, 1.5, 40.0, 1e12) for advantage in (1.0, -1.0)]
    return {f"ratio {ratio}, advantage {advantage}": one_token(grpo_loss, ratio, advantage, 0.2)
            for ratio, advantage in cases}  # fmt: skip


@exercise.promise("Minus the clipped objective", "turns_the_sign")
@exercise.promise("a mean over all tokens of replies", "takes_the_mean_of_means")
@exercise.promise("A reply whose advantage is 0 counts in the mean as well", "leaves_out_replies_without_an_advantage")
@exercise.promise("advantages (B), mask boolean (B, T): the places that count -> ()", "keeps_a_dimension")
@exercise.promise("advantages, mask, clip=0.2", "has_a_clip_of_its_own")
@exercise.promise("where all are 0, so is the gradient", "has_no_graph_for_nothing")
@exercise.promise("clip may be 0", "takes_the_usual_clip_for_zero")
@exercise.check(points=0.5)
def one_mean_over_all_tokens(grpo_loss, rng):
    """The loss is a mean over all tokens that the mask selects, each counted once, whichever reply it is of."""
    its = drawn_and_moved(rng)
    neither = its | {"advantages": its["advantages"] * torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0])}
    return {
        "clip=0.2": of_the_policy(grpo_loss, its, "reference"),
        "all of it 200 nats lower": of_the_policy(grpo_loss, drawn_and_moved(rng, lower=200), beta=0.3),
        "clip=0.05": of_the_policy(grpo_loss, its, "reference", clip=0.05),
        "columns of a table": grpo_loss(**{name: apart(values) for name, values in its.items()}, beta=0.3),
        "clip=0.0": of_the_policy(grpo_loss, its, "reference", clip=0.0),
        "two advantages of 0": of_the_policy(grpo_loss, neither, beta=0.3),
        "all advantages 0": of_the_policy(grpo_loss, its | {"advantages": torch.zeros(5)}, "reference"),
        "all advantages 0, with a distance": of_the_policy(grpo_loss, its | {"advantages": torch.zeros(5)}, beta=0.3),
    }


@exercise.promise("old policy, reference and advantages are numbers, without a gradient", "keeps_the_old_graph")
@exercise.check(points=0.25)
def the_first_step_has_a_gradient(grpo_loss, rng):
    """Where the policy is still the old one the ratio is 1 and has a gradient, even if both are the same tensor."""
    its = drawn_and_moved(rng)
    rest = {"advantages": its["advantages"], "mask": its["mask"]}
    return learned(
        lambda logprobs: grpo_loss(logprobs=logprobs, old_logprobs=logprobs, **rest), logprobs=its["old_logprobs"]
    )


@exercise.promise("beta times the k3 distance to a reference", "takes_the_square_for_the_distance")
@exercise.promise("Without a reference there is no distance", "takes_the_old_policy_for_a_reference")
@exercise.promise("The second term is there where a reference is given", "ignores_the_distance")
@exercise.check(points=0.25)
def the_distance_costs_beta(grpo_loss, rng):
    """With a reference, beta times the k3 distance at each token is added; without one, or with beta=0, nothing is."""
    its = drawn_and_moved(rng)
    return {
        "beta=0.3": of_the_policy(grpo_loss, its, beta=0.3),
        "beta=0.0": of_the_policy(grpo_loss, its, beta=0.0),
        "beta not given": of_the_policy(grpo_loss, its),
        "no reference": of_the_policy(grpo_loss, its, "reference", beta=0.3),
        "the old policy for a reference": of_the_policy(grpo_loss, its | {"reference": its["old_logprobs"]}, beta=0.3),
        "a reference 30 nats above": of_the_policy(grpo_loss, its | {"reference": its["logprobs"] + 30}, beta=0.3),
        "a reference 30 nats below": of_the_policy(grpo_loss, its | {"reference": its["logprobs"] - 30}, beta=0.3),
    }


@exercise.promise("Old policy, reference", "lets_the_reference_learn")
@exercise.promise("advantages are numbers without a gradient", "lets_advantages_learn")
@exercise.check(points=0.25)
def only_the_policy_learns(grpo_loss, rng):
    """No gradient goes into the old policy, the advantages or the reference."""
    its = drawn_and_moved(rng)
    mask = its.pop("mask")
    return learned(lambda **leaves: grpo_loss(**leaves, mask=mask, beta=0.3), **its)


@exercise.promise("the places that count", "ignores_the_mask")
@exercise.check(points=0.25, invariant=True)
def what_the_mask_hides_does_not_count(grpo_loss, rng):
    """Other numbers where the mask is False leave the loss as it is; where it is True they do not."""
    its, before, after, others = drawn_and_moved(rng), [], [], []
    mask, moving = its["mask"], ("logprobs", "old_logprobs", "reference")
    for beta in (0.0, 0.3):
        hidden = {key: torch.where(mask, its[key], its[key] + 2 * normal(rng, *mask.shape)) for key in moving}
        seen = {key: its[key] + mask * (torch.rand(mask.shape, generator=rng) - 0.5) / 2 for key in moving}
        before.append(grpo_loss(**its, beta=beta))
        after.append(grpo_loss(**its | hidden, beta=beta))
        others.append(grpo_loss(**its | seen, beta=beta))
    before, after, others = (torch.stack([torch.as_tensor(one) for one in its]) for its in (before, after, others))
    what = "the numbers that the mask hides were changed"
    return {"before": before, "after": after, "must differ": [before, others], "change": what}


@exercise.promise("Raises ValueError where the mask selects nothing", "gives_nan_for_nothing")
@exercise.promise("raises ValueError for a mask that selects nothing", "gives_zero_for_nothing")
@exercise.check(points=0.25)
def a_mean_of_nothing_is_refused(grpo_loss, rng):
    """A mask that selects nothing is a ValueError; one that selects a single token is not."""
    its = drawn_and_moved(rng)
    one = torch.zeros_like(its["mask"])
    one[1, 3] = True
    return {
        "nothing": outcome(lambda: grpo_loss(**its | {"mask": torch.zeros_like(one)})),
        "a single token": outcome(lambda: grpo_loss(**its | {"mask": one}, beta=0.1)),
    }


mistakes(
    exercise,
    Clipped,
    turns_the_sign=mistake(
        "Replies with high advantages become less likely. A step goes down the loss: which sign has it?",
        sign=lambda self: 1.0,
    ),
    takes_the_larger=mistake(
        "You take the larger of the two. What would then stop a ratio that runs away?",
        objective=lambda self, ratio, advantages, clip: torch.maximum(
            ratio * advantages, self.clamp(ratio, clip) * advantages
        ),
    ),
    takes_the_clipped_alone=mistake(
        "You take the clipped product alone. What calls a token back that went the wrong way?",
        objective=lambda self, ratio, advantages, clip: self.clamp(ratio, clip) * advantages,
    ),
    does_not_clip=mistake(
        "Nothing is clipped. How far may the policy go on the replies of one step?",
        objective=lambda self, ratio, advantages, clip: ratio * advantages,
    ),
    takes_the_smaller_ratio=mistake(
        "You take the smaller of the two ratios, then multiply. Which is smaller once the advantage is negative?",
        objective=lambda self, ratio, advantages, clip: torch.minimum(ratio, self.clamp(ratio, clip)) * advantages,
    ),
    clips_above_alone=mistake(
        "You clip above only. What holds a token back whose advantage is negative?",
        clamp=lambda self, ratio, clip: ratio.clamp(max=1 + clip),
    ),
    clips_below_alone=mistake(
        "You clip below only. What holds a token back whose advantage is positive?",
        clamp=lambda self, ratio, clip: ratio.clamp(min=1 - clip),
    ),
    clips_the_wrong_numbers=mistake(
        "You clip to 0 … clip, or to -clip … clip. Around which number lie ratios?",
        clamp=lambda self, ratio, clip: ratio.clamp(-clip, clip),
    ),
    takes_the_difference_for_the_ratio=mistake(
        "Your ratio is a difference of logarithms. How do you get from it to a ratio?",
        ratio=lambda self, logprobs, old: logprobs - old,
    ),
    turns_the_ratio_round=mistake(
        "The old policy stands above in your ratio. Which of the two is to become likelier?",
        ratio=lambda self, logprobs, old: (old - logprobs).exp(),
    ),
    takes_the_ratio_of_whole_replies=mistake(
        "You take one ratio for a whole reply. At what does the formula take it?",
        ratio=lambda self, logprobs, old: (logprobs - old).sum(dim=-1, keepdim=True).exp().expand_as(logprobs),
    ),
    compares_with_the_reference=mistake(
        "Your ratio is against the reference. Who drew the replies?", __call__=against_the_reference
    ),
    takes_itself_for_the_old=mistake(
        "Your ratio is always 1. Which policy drew the replies, and where are its log-probabilities?",
        ratio=lambda self, logprobs, old: (logprobs - logprobs.detach()).exp(),
    ),
    divides_itself_by_itself=mistake(
        "Your ratio is always 1, and has no gradient: above and below stand the same numbers. Whose stand below?",
        ratio=lambda self, logprobs, old: (logprobs - logprobs).exp(),
    ),
    keeps_the_old_graph=mistake(
        "A gradient goes into the old policy. Where both are the same tensor, what is left of it?",
        fixed=lambda self, old_logprobs: old_logprobs,
    ),
    lets_advantages_learn=mistake(
        "A gradient goes into the advantages. Are they numbers here, or something to learn?",
        fixed_advantages=lambda self, advantages: advantages,
    ),
    lets_the_reference_learn=mistake(
        "A gradient goes into the reference. Who is to move towards whom?",
        cost=lambda self, logprobs, reference, beta, mask: beta * self.distance(reference - logprobs),
    ),
    takes_the_mean_of_means=mistake(
        "You take the mean of the replies' means. How much does a word count in a reply that has many?",
        mean=mean_of_means,
    ),
    divides_by_all_places=mistake(
        "You divide by all places, padding included. Of how many tokens is the loss a mean?",
        mean=lambda self, objective, mask: (objective * mask).mean(),
    ),
    divides_by_the_replies=mistake(
        "You divide by the number of replies. Of what is the loss a mean?",
        mean=lambda self, objective, mask: (objective * mask).sum() / len(mask),
    ),
    ignores_the_mask=mistake(
        "Prompt and padding count too. Where do you use the mask?", mean=lambda self, objective, mask: objective.mean()
    ),
    rewards_the_distance=mistake(
        "Distance is rewarded. With which sign does it stand in the objective?",
        cost=lambda self, *its: -Clipped.cost(self, *its),
    ),
    ignores_the_distance=mistake("The distance costs nothing. Where do you use beta?", cost=lambda self, *its: 0.0),
    takes_another_distance=mistake(
        "Your distance is not k3. Which of the three estimates is asked for?", distance=lambda self, log_r: -log_r
    ),
    takes_the_square_for_the_distance=mistake(
        "Your distance is k2. Which of the three estimates is asked for?",
        distance=lambda self, log_r: log_r.square() / 2,
    ),
    turns_the_distance_round=mistake(
        "You measure from the reference to the policy. Which of the two drew the tokens?",
        distance=lambda self, log_r: Clipped.distance(self, -log_r),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?",
        mean=lambda self, objective, mask: 0.0 * objective[mask].sum(),
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        mean=lambda self, objective, mask: objective[mask].mean().detach(),
    ),
    clips_the_other_way_round=mistake(
        "Your lower limit is 1 / (1 + clip). Which one is asked for?",
        clamp=lambda self, ratio, clip: ratio.clamp(1 / (1 + clip), 1 + clip),
    ),
    clips_twice=mistake(
        "With a negative advantage a large ratio has no gradient. What calls back a token that went the wrong way?",
        objective=clipped_twice,
    ),
    has_a_clip_of_its_own=mistake(
        "The argument clip changes nothing. Where do you use it?", limit=lambda self, clip: 0.2
    ),
    takes_the_usual_clip_for_zero=mistake(
        "A clip of 0 becomes another one. What is `0.0 or 0.2` in Python?", limit=lambda self, clip: clip or 0.2
    ),
    takes_the_mean_ratio_of_a_reply=mistake(
        "You take one ratio for a whole reply, the mean of its tokens'. At what does the formula take it?",
        ratio=of_a_mean_ratio,
    ),
    leaves_out_replies_without_an_advantage=mistake(
        "Replies whose advantage is 0 are left out of the mean. Over which tokens is it taken?",
        counted=lambda self, mask, advantages: mask & (advantages != 0).unsqueeze(-1),
    ),
    has_no_graph_for_nothing=mistake(
        "Where all advantages are 0 `backward()` fails on your loss. Of what should a loss of 0 still be made?",
        mean=without_a_graph,
    ),
    bounds_the_ratio=mistake(
        "Far from the old policy your ratio no longer changes. What limits it beside `clip`?",
        ratio=lambda self, logprobs, old: (logprobs - old).clamp(-20.0, 20.0).exp(),
    ),
    bounds_the_distance=mistake(
        "Far from the reference your distance no longer grows. What does it cost to run away?",
        distance=lambda self, log_r: Clipped.distance(self, log_r.clamp(-20.0, 20.0)),
    ),
    keeps_a_dimension=mistake(
        "Your loss has a dimension left. Of which shape is a mean?",
        mean=lambda self, objective, mask: objective[mask].mean(dim=-1, keepdim=True),
    ),
    takes_the_old_policy_for_a_reference=mistake(
        "Without a reference you measure a distance all the same. What are the old policy's numbers for?",
        instead=lambda self, reference, old_logprobs: old_logprobs if reference is None else reference,
    ),
    takes_the_distance_everywhere=mistake(
        "The distance is a mean over all places, padding included. Which places count?", cost=cost_of_all_places
    ),
    takes_the_distance_as_a_number=mistake(
        "The distance has no gradient. What is it to hold back?",
        cost=lambda self, *its: Clipped.cost(self, *its).detach(),
    ),
    gives_zero_for_nothing=mistake(
        "A mask that selects nothing gives 0. Who will find out that there was nothing to learn from?",
        nothing=lambda self, logprobs: 0.0 * logprobs.sum(),
    ),
    gives_nan_for_nothing=mistake(
        "A mask that selects nothing gives NaN. Who will find out where it came from?",
        nothing=lambda self, logprobs: logprobs.sum() * math.nan,
    ),
)

exercise.edges(
    empty="a_mean_of_nothing_is_refused",
    one="too_far_earns_nothing",
    equal="the_first_step_has_a_gradient",
    zero="one_mean_over_all_tokens",
    ties="Two that are equally good are the same number; where their gradients differ the text leaves it open.",
    large="too_far_earns_nothing",
    small="too_far_earns_nothing",
    limit="At exactly 1 - clip or 1 + clip there are two gradients, and either is right.",
    shapes="one_mean_over_all_tokens",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="only_the_policy_learns",
)
