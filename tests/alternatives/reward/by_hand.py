"""Rewards by hand: token after token and reply after reply, sums added up in loops."""

import math

import torch
from torch import nn


def sequence_logprobs(logits, tokens, mask):
    """Each token of each reply looked up by itself."""
    rows = []
    for scores, row, written in zip(logits.float(), tokens, mask):
        places = []
        for t in range(1, len(row)):
            if written[t]:
                places.append(scores[t - 1, row[t]] - torch.logsumexp(scores[t - 1], dim=0))
            else:
                places.append(torch.zeros((), device=logits.device))
        rows.append(torch.stack(places))
    return torch.stack(rows)


def reinforce_loss(logprobs, rewards, baseline=0.0):
    """The sum over replies, divided by their number."""
    total = 0.0
    baseline = torch.as_tensor(baseline).expand_as(rewards)
    for reply, reward, usual in zip(logprobs, rewards.tolist(), baseline.tolist()):
        total = total - (reward - usual) * reply.sum()
    return total / len(logprobs)


def bradley_terry_loss(chosen, rejected):
    """log(1 + exp(-x)), without an exponential of a large number."""
    total = 0.0
    for better, worse in zip(chosen, rejected):
        x = better - worse
        total = total + (torch.log1p(torch.exp(-x)) if x > 0 else torch.log1p(torch.exp(x)) - x)
    return total / len(chosen)


class RewardModel(nn.Module):
    """Each row read by itself, without its padding."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        weight = model.embedding.weight
        self.head = nn.Linear(weight.shape[1], 1, bias=False).to(weight.device)
        self.head.weight.data.fill_(0.0)

    def forward(self, tokens, lengths):
        if lengths.min() < 1 or lengths.max() > tokens.shape[1]:
            raise ValueError("lengths")
        numbers = []
        for row, length in zip(tokens, lengths.tolist()):
            x = self.model.embedding(row[None, :length])
            for block in self.model.blocks:
                x = block(x)[0]
            numbers.append(self.head(self.model.norm(x[:, -1])).float().sum())
        return torch.stack(numbers)


def kl_penalty(logprobs, reference, estimator="k3"):
    """The ratio first, and its logarithm from the difference."""
    difference = logprobs - reference
    if estimator not in ("k1", "k2", "k3"):
        raise ValueError(estimator)
    if estimator == "k1":
        return difference
    if estimator == "k2":
        return 0.5 * difference * difference
    return torch.expm1(-difference) + difference


def group_advantages(rewards, eps=1e-6):
    """Group by group."""
    if rewards.shape[1] < 2:
        raise ValueError("one is no group")
    groups = []
    for group in rewards:
        ahead = group - group[0]
        centred = ahead - ahead.sum() / len(group)
        groups.append(centred / (math.sqrt((centred**2).sum().item() / len(group)) + eps))
    return torch.stack(groups)


def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    """Each token by itself: which of the two products is smaller is asked with `if`."""
    total, n = 0.0, 0
    for i in range(len(mask)):
        for t in range(mask.shape[1]):
            if not mask[i, t]:
                continue
            advantage = advantages[i].item()
            ratio = torch.exp(logprobs[i, t] - old_logprobs[i, t].item())
            objective = ratio * advantage
            if advantage > 0 and ratio > 1 + clip:
                objective = torch.tensor((1 + clip) * advantage) + 0.0 * logprobs[i, t]
            if advantage < 0 and ratio < 1 - clip:
                objective = torch.tensor((1 - clip) * advantage) + 0.0 * logprobs[i, t]
            if reference is not None:
                log_r = reference[i, t].item() - logprobs[i, t]
                objective = objective - beta * (torch.exp(log_r) - log_r - 1)
            total, n = total - objective, n + 1
    if n == 0:
        raise ValueError("no token")
    return total / n


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    """Pair by pair."""
    losses = []
    for i in range(len(chosen)):
        gained = chosen[i] - reference_chosen[i].item()
        lost = rejected[i] - reference_rejected[i].item()
        losses.append(nn.functional.softplus(-beta * (gained - lost)))
    return torch.stack(losses).mean()


def best_of_n(replies, rewards):
    """Kept as long as nothing better comes."""
    if len(replies) != len(rewards):
        raise ValueError("prompts")
    kept = []
    for its, row in zip(replies, rewards.tolist()):
        if len(its) != len(row):
            raise ValueError("replies")
        best = 0
        for i in range(1, len(row)):
            if row[i] > row[best]:
                best = i
        kept.append(its[best])
    return kept
