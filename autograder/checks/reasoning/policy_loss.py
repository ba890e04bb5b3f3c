"""`policy_loss`: going too far earns nothing, to either side its own limit; three means; only the policy learns."""

import math
from typing import Any

import torch
from torch import Tensor

from autograder.checking.topic import Exercise
from autograder.checks.common import apart, mistake, mistakes, normal, outcome
from autograder.checks.reasoning.objective import (
    MEANS,
    Objective,
    clipped_twice,
    mean_of_those_that_speak,
    of_a_mean_ratio,
)
from autograder.checks.reward.shared import drawn_and_moved, learned

exercise = Exercise("policy_loss")


def some_replies(rng: torch.Generator) -> dict[str, Tensor]:
    """Replies of 1, 7, 3, 0 and 4 tokens with two places of padding behind all, as the policy and the old one see them.

    Their ratios are 0.6, 0.9, 1.1 and 1.6; the first and the third have negative advantages.
    """
    its = drawn_and_moved(rng)
    del its["reference"]
    nowhere = {"logprobs": 0.0, "old_logprobs": 0.0, "mask": False}
    return its | {name: torch.cat([its[name], torch.full((5, 2), value)], dim=1) for name, value in nowhere.items()}


def of_the_policy(policy_loss, its: dict[str, Tensor], **more: Any) -> dict[str, Any]:
    """The loss and its gradient for the policy's log-probabilities."""
    rest = {key: tensor for key, tensor in its.items() if key != "logprobs"}
    return learned(lambda logprobs: policy_loss(logprobs=logprobs, **rest, **more), logprobs=its["logprobs"])


def one_token(policy_loss, ratio: float, advantage: float) -> dict[str, Any]:
    """Loss and gradient of a single token."""
    old, mask = torch.tensor([[-1.0]]), torch.ones(1, 1, dtype=torch.bool)
    its = {"old_logprobs": old, "advantages": torch.tensor([advantage]), "mask": mask}
    return of_the_policy(policy_loss, its | {"logprobs": old + math.log(ratio)}, clip_low=0.3, clip_high=0.6)


@exercise.promise("Minus the clipped objective", "turns_the_sign")
@exercise.promise("the smaller of ratio · advantage and clipped ratio · advantage", "takes_the_smaller_ratio")
@exercise.promise(
    "the ratio being what the policy gives it over what the policy that drew it gave it", "turns_it_round"
)
@exercise.check(points=0.25)
def too_far_earns_nothing(policy_loss, rng):
    """For single tokens: the smaller of ratio · advantage and clipped ratio · advantage, and which has a gradient."""
    ratios = (1e-12, 0.01, 0.65, 0.75, 0.9, 1.1, 1.35, 1.55, 1.65, 40.0, 1e12)
    return {
        f"ratio {ratio}, advantage {advantage}": one_token(policy_loss, ratio, advantage)
        for ratio in ratios
        for advantage in (1.0, -1.0)
    }


@exercise.promise("clipped to 1 - clip_low", "takes_the_upper_limit_for_both")
@exercise.promise("and 1 + clip_high", "takes_the_lower_limit_for_both")
@exercise.promise("and a limit to either side", "has_limits_of_its_own")
@exercise.check(points=0.25)
def a_limit_to_either_side(policy_loss, rng):
    """Ratios are clipped to 1 - clip_low and 1 + clip_high, each of them what is given, or 0.2."""
    its, seen = some_replies(rng), {}
    pairs = ((0.05, 0.7), (0.5, 0.05), (0.2, 0.28), (0.0, 0.3), (0.3, 0.0), (1.0, 50.0), (0.35, 5.0))
    for low, high in pairs:
        words = f"clip_low={low}, clip_high={high}"
        seen[words] = of_the_policy(policy_loss, its, over="tokens", clip_low=low, clip_high=high)
    alone = {"clip_low=0.5": {"clip_low": 0.5}, "clip_high=0.05": {"clip_high": 0.05}, "neither is given": {}}
    return seen | {words: of_the_policy(policy_loss, its, **given) for words, given in alone.items()}


@exercise.promise(
    'They are put together - over "tokens": the sum over all of them, divided by their number;',
    "takes_the_mean_of_means_for_tokens",
)
@exercise.promise('over "replies": the mean of each reply\'s tokens, then the mean over replies', "weighs_words_alike")
@exercise.promise("in which one without a token counts as 0;", "leaves_out_empty_replies")
@exercise.promise('over "longest": the sum over all of them, divided by B · T', "divides_by_the_longest_reply")
@exercise.promise("the same for short replies and long ones.", "divides_each_by_its_own_length")
@exercise.promise("with the mean that you name", "knows_one_mean")
@exercise.promise("advantages (B), mask boolean (B, T) -> ().", "keeps_a_dimension")
@exercise.promise("everywhere finite and at most dozens of nats apart", "bounds_the_ratio")
@exercise.check(points=0.5)
def three_means(policy_loss, rng):
    """Over tokens, over replies, over the places of the longest: value and gradient, and tokens if nothing is said."""
    its, seen = some_replies(rng), {}
    low = its | {name: its[name] - 200 for name in ("logprobs", "old_logprobs")}
    two = its | {"advantages": its["advantages"] * torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0])}
    run_away = its | {"logprobs": its["logprobs"] + 30.0 * its["mask"]}
    for over in MEANS:
        named = {"over": over, "clip_low": 0.3, "clip_high": 0.4}
        seen |= {
            f"over {over}": of_the_policy(policy_loss, its, **named),
            f"over {over}, all of it 200 nats lower": of_the_policy(policy_loss, low, **named),
            f"over {over}, two advantages of 0": of_the_policy(policy_loss, two, **named),
            f"over {over}, 30 nats above the old policy": policy_loss(**run_away, **named).div(1e12),
            f"over {over}, columns of a table": policy_loss(**{name: apart(it) for name, it in its.items()}, **named),
            f"over {over}, one reply": policy_loss(**{name: it[1:2] for name, it in its.items()}, **named),
            f"over {over}, by place": policy_loss(*its.values(), "".join(list(over)), 0.3, 0.4),  # another object
        }
        narrow = {name: it if it.dim() == 1 else it[:, 2:3] for name, it in its.items()}
        seen[f"over {over}, one place for each reply"] = policy_loss(**narrow, **named)
    return seen | {"no mean is named": of_the_policy(policy_loss, its)}


@exercise.check(points=0.25)
def the_first_step_has_a_gradient(policy_loss, rng):
    """Where the policy is still the old one the ratio is 1 and has a gradient, even if both are the same tensor."""
    its, seen = some_replies(rng), {}
    rest = {"advantages": its["advantages"], "mask": its["mask"]}
    for over in MEANS:
        seen[f"over {over}"] = learned(
            lambda logprobs, over=over: policy_loss(logprobs=logprobs, old_logprobs=logprobs, over=over, **rest),
            logprobs=its["old_logprobs"],
        )
    return seen


@exercise.promise("Old policy and", "keeps_the_old_graph")
@exercise.promise("advantages are numbers, without a gradient.", "lets_advantages_learn")
@exercise.check(points=0.25)
def only_the_policy_learns(policy_loss, rng):
    """No gradient goes into the old policy or the advantages."""
    its = some_replies(rng)
    mask = its.pop("mask")
    return {
        f"over {over}": learned(lambda over=over, **leaves: policy_loss(**leaves, mask=mask, over=over), **its)
        for over in MEANS
    }


@exercise.promise("Only tokens that the mask selects count.", "ignores_the_mask")
@exercise.check(points=0.25, invariant=True)
def what_the_mask_hides_does_not_count(policy_loss, rng):
    """Other numbers where the mask is False leave the loss as it is; where it is True they do not."""
    its, before, after, others = some_replies(rng), [], [], []
    mask, moving = its["mask"], ("logprobs", "old_logprobs")
    for over in MEANS:
        hidden = {key: torch.where(mask, its[key], its[key] + 8 * normal(rng, *mask.shape)) for key in moving}
        seen = {key: its[key] + mask * (torch.rand(mask.shape, generator=rng) - 0.5) / 2 for key in moving}
        before.append(policy_loss(**its, over=over))
        after.append(policy_loss(**its | hidden, over=over))
        others.append(policy_loss(**its | seen, over=over))
    before, after, others = (torch.stack([torch.as_tensor(one) for one in its]) for its in (before, after, others))
    what = "the numbers that the mask hides were changed"
    return {"before": before, "after": after, "must differ": [before, others], "change": what}


@exercise.promise("Raises ValueError for another word than these three", "takes_any_word_for_tokens")
@exercise.promise("and where the mask selects nothing.", "gives_zero_for_nothing")
@exercise.check(points=0.25)
def what_is_refused(policy_loss, rng):
    """Another word than the three is a ValueError, and a mask that selects nothing; one token is enough."""
    its, seen = some_replies(rng), {}
    one = torch.zeros_like(its["mask"])
    one[1, 3] = True
    for over in (*MEANS, "words", "token", "Tokens", "", "mean"):
        seen[f"over {over!r}"] = outcome(lambda over=over: policy_loss(**its, over=over))
        seen[f"over {over!r}, nothing"] = outcome(
            lambda over=over: policy_loss(**its | {"mask": torch.zeros_like(one)}, over=over)
        )
        seen[f"over {over!r}, a single token"] = outcome(
            lambda over=over: policy_loss(**its | {"mask": one}, over=over)
        )
    return seen


@exercise.given
def loss_by_parts(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    """The loss, for the exercise that needs one."""
    return Objective()(logprobs, old_logprobs, advantages, mask, over, clip_low, clip_high)


exercise.edges(
    empty="what_is_refused",
    one="too_far_earns_nothing",
    equal="the_first_step_has_a_gradient",
    zero="three_means",
    ties="Two that are equally good are the same number; where their gradients differ the text leaves it open.",
    large="too_far_earns_nothing",
    small="too_far_earns_nothing",
    limit="At exactly 1 - clip_low or 1 + clip_high there are two gradients, and either is right.",
    shapes="three_means",
    modes="There is no module.",
    gradients="A function of tensors gathers no gradients.",
    inputs="only_the_policy_learns",
)

mistakes(
    exercise,
    Objective,
    turns_the_sign=mistake(
        "Replies with high advantages become less likely. A step goes down the loss: which sign has it?",
        sign=lambda self: 1.0,
    ),
    takes_the_larger=mistake(
        "You take the larger of the two. What would then stop a ratio that runs away?",
        smaller=lambda self, ratio, advantages, low, high: torch.maximum(
            ratio * advantages, self.clamp(ratio, low, high) * advantages
        ),
    ),
    takes_the_clipped_alone=mistake(
        "You take the clipped product alone. What calls a token back that went the wrong way?",
        smaller=lambda self, ratio, advantages, low, high: self.clamp(ratio, low, high) * advantages,
    ),
    does_not_clip=mistake(
        "Nothing is clipped. How far may the policy go on the replies of one step?",
        smaller=lambda self, ratio, advantages, low, high: ratio * advantages,
    ),
    takes_the_smaller_ratio=mistake(
        "You take the smaller of the two ratios, then multiply. Which is smaller once the advantage is negative?",
        smaller=lambda self, ratio, advantages, low, high: (
            torch.minimum(ratio, self.clamp(ratio, low, high)) * advantages
        ),
    ),
    clips_twice=mistake(
        "With a negative advantage a large ratio has no gradient. What calls back a token that went the wrong way?",
        smaller=clipped_twice,
    ),
    takes_the_lower_limit_for_both=mistake(
        "clip_high changes nothing. How far up may a ratio go?", limits=lambda self, low, high: (low, low)
    ),
    takes_the_upper_limit_for_both=mistake(
        "clip_low changes nothing. How far down may a ratio go?", limits=lambda self, low, high: (high, high)
    ),
    swaps_the_limits=mistake(
        "clip_low stands above and clip_high below. Which of them is taken from 1?",
        limits=lambda self, low, high: (high, low),
    ),
    has_limits_of_its_own=mistake(
        "clip_low and clip_high change nothing. Where do you use them?", limits=lambda self, low, high: (0.2, 0.2)
    ),
    takes_the_usual_limit_for_zero=mistake(
        "A limit of 0 becomes another one. What is `0.0 or 0.2` in Python?",
        limits=lambda self, low, high: (low or 0.2, high or 0.2),
    ),
    clips_above_alone=mistake(
        "You clip above only. What holds a token back whose advantage is negative?",
        clamp=lambda self, ratio, low, high: ratio.clamp(max=1 + high),
    ),
    clips_below_alone=mistake(
        "You clip below only. What holds a token back whose advantage is positive?",
        clamp=lambda self, ratio, low, high: ratio.clamp(min=1 - low),
    ),
    takes_the_limits_for_ratios=mistake(
        "You clip to clip_low … clip_high. Around which number lie ratios?",
        clamp=lambda self, ratio, low, high: ratio.clamp(-low, high),
    ),
    clips_the_logarithm=mistake(
        "You clip the difference of the logarithms. Of what are 1 - clip_low and 1 + clip_high limits?",
        clamp=lambda self, ratio, low, high: ratio.log().clamp(-low, high).exp(),
    ),
    clips_by_a_factor=mistake(
        "Your lower limit is 1 / (1 + clip_low). Which one is asked for?",
        clamp=lambda self, ratio, low, high: ratio.clamp(1 / (1 + low), 1 + high),
    ),
    takes_the_difference_for_the_ratio=mistake(
        "Your ratio is a difference of logarithms. How do you get from it to a ratio?",
        ratio=lambda self, logprobs, old: logprobs - old,
    ),
    turns_it_round=mistake(
        "The old policy stands above in your ratio. Which of the two is to become likelier?",
        ratio=lambda self, logprobs, old: (old - logprobs).exp(),
    ),
    divides_the_logarithms=mistake(
        "You divide one logarithm by the other. What is the logarithm of a ratio?",
        ratio=lambda self, logprobs, old: logprobs / torch.where(old == 0, 1.0, old),
    ),
    takes_the_ratio_of_whole_replies=mistake(
        "You take one ratio for a whole reply. Of what is it asked for?",
        ratio=lambda self, logprobs, old: (
            ((logprobs - old) * self.mask).sum(dim=-1, keepdim=True).exp().expand_as(logprobs)
        ),
    ),
    takes_the_mean_ratio_of_a_reply=mistake(
        "You take one ratio for a whole reply, the mean of its tokens'. Of what is it asked for?",
        ratio=of_a_mean_ratio,
    ),
    takes_itself_for_the_old=mistake(
        "Your ratio is always 1. Which policy drew the replies, and where are its log-probabilities?",
        ratio=lambda self, logprobs, old: (logprobs - logprobs.detach()).exp(),
    ),
    bounds_the_ratio=mistake(
        "Far from the old policy your ratio no longer changes. What limits it beside the two clips?",
        ratio=lambda self, logprobs, old: (logprobs - old).clamp(-20.0, 20.0).exp(),
    ),
    keeps_the_old_graph=mistake(
        "A gradient goes into the old policy. Where both are the same tensor, what is left of it?",
        fixed=lambda self, old_logprobs: old_logprobs,
    ),
    lets_advantages_learn=mistake(
        "A gradient goes into the advantages. Are they numbers here, or something to learn?",
        numbers=lambda self, advantages: advantages,
    ),
    ignores_the_mask=mistake(
        "Padding counts too. Where do you use the mask?",
        counted=lambda self, objective, mask, advantages: (objective, torch.ones_like(mask)),
    ),
    counts_the_places_that_are_hidden=mistake(
        "You divide by all places, padding included. Over how many tokens or places is each of the means taken?",
        counted=lambda self, objective, mask, advantages: (torch.where(mask, objective, 0.0), torch.ones_like(mask)),
    ),
    leaves_out_replies_without_an_advantage=mistake(
        "Replies whose advantage is 0 are left out of the mean. Which tokens count?",
        counted=lambda self, objective, mask, advantages: Objective.counted(
            self, objective, mask & (advantages != 0).unsqueeze(-1), advantages
        ),
    ),
    knows_one_mean=mistake(
        "Whichever mean is named, you take that over tokens. What do the other two divide by?",
        replies=Objective.tokens,
        longest=Objective.tokens,
    ),
    takes_the_mean_of_means_for_tokens=mistake(
        "Over tokens you take the mean of the replies' means. How much does a word count in a reply that has many?",
        tokens=mean_of_those_that_speak,
    ),
    weighs_words_alike=mistake(
        "Over replies each token counts the same. What is taken of each reply before the mean over replies?",
        replies=Objective.tokens,
    ),
    leaves_out_empty_replies=mistake(
        "Over replies, one without a token is left out. By how many replies is the sum divided?",
        replies=mean_of_those_that_speak,
    ),
    adds_up_the_replies=mistake(
        "Over replies you add up their means. What is asked for of these means?",
        replies=lambda self, objective, mask: len(mask) * Objective.replies(self, objective, mask),
    ),
    divides_by_the_longest_reply=mistake(
        "Over the longest you divide by the longest reply that is there. What are B and T?",
        longest=lambda self, objective, mask: objective.sum() / (len(mask) * mask.sum(dim=-1).max()),
    ),
    divides_each_by_its_own_length=mistake(
        "Over the longest each reply is divided by its own length. Which length is the same for all?",
        longest=Objective.replies,
    ),
    divides_by_the_replies=mistake(
        "Over the longest you divide by the number of replies alone. What are B and T?",
        longest=lambda self, objective, mask: objective.sum() / len(mask),
    ),
    divides_by_the_places_of_a_reply=mistake(
        "Over the longest you divide by T alone. How many rows are there?",
        longest=lambda self, objective, mask: objective.sum() / mask.size(-1),
    ),
    is_zero=mistake(
        "Your loss and its gradient are zero. What can be learned from that?",
        sign=lambda self: 0.0,
    ),
    has_no_gradient=mistake(
        "Your loss has a value and no gradient. What cuts it off?",
        ratio=lambda self, logprobs, old: (logprobs - old).exp().detach(),
    ),
    keeps_a_dimension=mistake(
        "Your loss has a dimension left. Of which shape is a mean?",
        sign=lambda self: -torch.ones(1),
    ),
    takes_any_word_for_tokens=mistake(
        "A word that names none of the three means gives a loss. Who will find out that it was misspelt?",
        words=type("Any", (), {"__contains__": lambda self, word: True})(),
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
