"""The clipped objective and its means with their parts to override, and parts that are wrong in a known way."""

import torch
from torch import Tensor

MEANS = ("tokens", "replies", "longest")


class Objective:
    """The objective and its means with their parts to override, so that one of them can be wrong."""

    words = MEANS

    def __call__(self, logprobs, old_logprobs, advantages, mask, over="tokens", clip_low=0.2, clip_high=0.2):
        if over not in self.words:
            return self.another(logprobs)
        if not mask.any():
            return self.nothing(logprobs)
        self.mask = mask
        ratio = self.ratio(logprobs, self.fixed(old_logprobs))
        objective = self.smaller(ratio, self.numbers(advantages).unsqueeze(-1), *self.limits(clip_low, clip_high))
        means = {"tokens": self.tokens, "replies": self.replies, "longest": self.longest}
        return self.sign() * means.get(over, self.tokens)(*self.counted(objective, mask, advantages))

    def another(self, logprobs):
        raise ValueError("no such mean")

    def nothing(self, logprobs):
        raise ValueError("nothing")

    def fixed(self, old_logprobs):
        return old_logprobs.detach()

    def numbers(self, advantages):
        return advantages.detach()

    def ratio(self, logprobs, old):
        return (logprobs - old).exp()

    def limits(self, clip_low, clip_high):
        return clip_low, clip_high

    def smaller(self, ratio, advantages, low, high):
        return torch.minimum(ratio * advantages, self.clamp(ratio, low, high) * advantages)

    def clamp(self, ratio, low, high):
        return ratio.clamp(1 - low, 1 + high)

    def counted(self, objective, mask, advantages):
        return torch.where(mask, objective, 0.0), mask

    def sign(self):
        return -1.0

    def tokens(self, objective, mask):
        return objective.sum() / mask.sum()

    def replies(self, objective, mask):
        return (objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()

    def longest(self, objective, mask):
        return objective.sum() / mask.numel()


def mean_of_those_that_speak(self: Objective, objective: Tensor, mask: Tensor) -> Tensor:
    rows = mask.any(dim=-1)
    return (objective.sum(dim=-1)[rows] / mask.sum(dim=-1)[rows]).mean()


def clipped_twice(self: Objective, ratio: Tensor, advantages: Tensor, low: float, high: float) -> Tensor:
    objective = Objective.smaller(self, ratio, advantages, low, high)
    return torch.where(advantages < 0, torch.maximum(objective, 3.0 * advantages), objective)


def of_a_mean_ratio(self: Objective, logprobs: Tensor, old: Tensor) -> Tensor:
    away = ((logprobs - old) * self.mask).sum(dim=-1, keepdim=True)
    return (away / self.mask.sum(dim=-1, keepdim=True).clamp(min=1)).exp().expand_as(logprobs)
