"""Rewards out of PyTorch's own losses and distributions."""

import torch
import torch.nn.functional as F
from torch import nn


def sequence_logprobs(logits, tokens, mask):
    """Minus the cross-entropy of each token."""
    losses = F.cross_entropy(logits[:, :-1].float().transpose(1, 2), tokens[:, 1:], reduction="none")
    return -losses * mask[:, 1:]


def reinforce_loss(logprobs, rewards, baseline=0.0):
    """A product of a matrix and a vector."""
    with torch.no_grad():
        weights = rewards - baseline
    return -(weights @ logprobs).sum() / len(weights)


def bradley_terry_loss(chosen, rejected):
    """Binary cross-entropy of the difference against 1."""
    difference = chosen - rejected
    return F.binary_cross_entropy_with_logits(difference, torch.ones_like(difference))


class RewardModel(nn.Module):
    """The last token picked with `gather`."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.constant_(self.head.weight, 0.0)

    def forward(self, tokens, lengths):
        if torch.any(lengths < 1) or torch.any(lengths > tokens.size(1)):
            raise ValueError("lengths")
        x = self.model.embedding(tokens)
        for block in self.model.blocks:
            x, _ = block(x)
        at = (lengths - 1)[:, None, None].expand(-1, 1, x.size(-1))
        return self.head(self.model.norm(x.gather(1, at))).flatten().to(torch.float32)


def kl_penalty(logprobs, reference, estimator="k3"):
    """A dictionary of functions."""
    log_r = reference - logprobs
    ways = {"k1": log_r.neg, "k2": lambda: log_r**2 / 2, "k3": lambda: torch.expm1(log_r) - log_r}
    if estimator not in ways:
        raise ValueError(f"no estimator {estimator}")
    return ways[estimator]()


def group_advantages(rewards, eps=1e-6):
    """Mean and variance in one call."""
    if rewards.size(-1) == 1:
        raise ValueError("a group of one")
    ahead = rewards - rewards.amin(dim=-1, keepdim=True)
    variance, mean = torch.var_mean(ahead, dim=-1, correction=0, keepdim=True)
    return (ahead - mean) / (variance.sqrt() + eps)


def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    """The larger of the two losses, and a weighted mean."""
    count = mask.sum()
    if count == 0:
        raise ValueError("nothing")
    with torch.no_grad():
        each = advantages[:, None].expand_as(logprobs)
        old = old_logprobs.clone()
    ratio = torch.exp(logprobs - old)
    losses = torch.max(-ratio * each, -torch.clip(ratio, 1 - clip, 1 + clip) * each)
    if reference is not None and beta:
        log_r = reference.detach() - logprobs
        losses = losses + beta * (log_r.exp() - log_r - 1)
    return torch.where(mask, losses, torch.zeros_like(losses)).sum() / count


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    """Binary cross-entropy again, of the ratio of ratios."""
    with torch.no_grad():
        before = reference_chosen - reference_rejected
    logits = beta * ((chosen - rejected) - before)
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def best_of_n(replies, rewards):
    """The maximum of pairs, by reward alone."""
    if rewards.dim() != 2 or len(replies) != rewards.size(0) or any(len(its) != rewards.size(1) for its in replies):
        raise ValueError("they do not fit")
    return [max(zip(row.tolist(), its), key=lambda pair: pair[0])[1] for row, its in zip(rewards, replies)]
