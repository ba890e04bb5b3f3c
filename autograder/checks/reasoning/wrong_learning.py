"""Parts of a step of learning that are wrong in a known way."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from autograder.checks.reasoning.learning import Learning
from autograder.checks.reasoning.policy_loss import loss_by_parts


def in_mode(mode: bool, part: Callable) -> Callable:
    """A part of the step while the model is in this mode."""

    def changed(self, *args):
        was = self.model.training
        self.model.train(mode)
        try:
            return part(self, *args)
        finally:
            self.model.train(was)

    return changed


def one_after_another(self: Learning, model: Any, prompts: Tensor) -> Tensor:
    return torch.cat([Learning.draw(self, model, part) for part in prompts.split(self.n)])


def one_for_each(self: Learning, model: Any, prompts: Tensor) -> Tensor:
    return Learning.draw(self, model, self.prompts).repeat_interleave(self.n, dim=0)


def likeliest_of_all(self: Learning, model: Any, prompts: Tensor) -> Tensor:
    self.choose = lambda logits: logits.argmax(dim=-1)
    return Learning.draw(self, model, prompts)


def one_more(self: Learning, model: Any, prompts: Tensor) -> Tensor:
    self.n_tokens += 1
    return Learning.draw(self, model, prompts)[:, :-1]


def drawn_anew(self: Learning, tokens: Tensor, written: Tensor) -> Tensor:
    tokens = self.draw(self.model, self.rows(self.prompts))
    return Learning.logprobs(self, tokens, self.cut(tokens)[1])


def clearing(self: Learning, optimiser: Any, rewards: Tensor) -> Tensor:
    optimiser.zero_grad()
    return rewards


def steps_together(self: Learning, optimiser: Any, tokens: Tensor, written: Tensor, advantages: Tensor, passes, loss):
    """As many steps, all on the gradient of the first."""
    optimiser.zero_grad()
    logprobs = self.logprobs(tokens, written)
    self.loss(logprobs, logprobs.detach(), advantages, written, **loss).backward()
    for _ in range(passes):
        optimiser.step()


def gradients_add_up(self: Learning, optimiser: Any, *its: Any) -> None:
    """Gradients are cleared before the first step, and not before the others."""
    optimiser.zero_grad()
    self.clear = lambda optimiser: None
    Learning.learn(self, optimiser, *its)


def without_groups_that_are_alike(self: Learning, logprobs: Tensor, old: Tensor, advantages: Tensor, written: Tensor,
                                  **more: Any) -> Tensor:  # fmt: skip
    chosen = advantages != 0
    return Learning.loss(self, logprobs[chosen], old[chosen], advantages[chosen], written[chosen], **more)


def only_what_ended(self: Learning, logprobs: Tensor, old: Tensor, advantages: Tensor, written: Tensor, **more: Any):
    ended = written.sum(dim=-1, keepdim=True) < self.n_tokens
    return (
        Learning.loss(self, logprobs, old, advantages, written & ended, **more) if ended.any() else 0 * logprobs.sum()
    )


def of_whole_rows(self: Learning, logprobs: Tensor, old: Tensor, advantages: Tensor, written: Tensor, **more: Any):
    return loss_by_parts(logprobs, old, advantages, written[:, 1:], **more)


def of_all_places(self: Learning, logprobs: Tensor, old: Tensor, advantages: Tensor, written: Tensor, **more: Any):
    return Learning.loss(self, logprobs, old, advantages, torch.ones_like(written), **more)


def of_the_reply_alone(self: Learning, tokens: Tensor, written: Tensor) -> Tensor:
    """The reply read by itself, behind the last token of its prompt."""
    its = Learning.logprobs(self, tokens[:, self.T - 1 :], written[:, self.T - 1 :])
    return torch.cat([torch.zeros(len(its), self.T - 1), its], dim=1)


def by_the_spread_of_all(self: Learning, rewards: Tensor, by_spread: bool) -> Tensor:
    advantages = Learning.compare(self, rewards, by_spread)
    return advantages if by_spread else advantages / (rewards.std(correction=0) + 1e-6)


def cut_to_the_longest(self: Learning, logprobs: Tensor, old: Tensor, advantages: Tensor, written: Tensor, **more: Any):
    end = self.T + int(written.sum(dim=-1).max())
    return Learning.loss(self, logprobs[:, : end - 1], old[:, : end - 1], advantages, written[:, :end], **more)
