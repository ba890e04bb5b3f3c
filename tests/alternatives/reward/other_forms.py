"""Rewards in other forms: einsum, one-hot, in place, wider numbers, masks multiplied in."""

import torch
from torch import nn


def sequence_logprobs(logits, tokens, mask):
    """One-hot products, in float64 on the way."""
    wide = logits[:, :-1].double()
    logprobs = wide - wide.logsumexp(dim=-1, keepdim=True)
    hot = torch.nn.functional.one_hot(tokens[:, 1:], logits.size(-1)).double()
    said = torch.einsum("btv,btv->bt", logprobs, hot)
    return (said * mask[:, 1:].double()).float()


def reinforce_loss(logprobs, rewards, baseline=0.0):
    """Each token weighed, all of them added, divided by the replies."""
    weights = torch.sub(rewards, baseline).detach()
    return -torch.einsum("b,bt->", weights, logprobs) / logprobs.size(0)


def bradley_terry_loss(chosen, rejected):
    """The logarithm of the sum of two exponentials."""
    both = torch.stack([chosen, rejected], dim=-1)
    return (both.logsumexp(dim=-1) - chosen).mean()


class RewardModel(nn.Module):
    """The last token picked by a product with a one-hot matrix; the head first, the choice afterwards."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        d_model = model.norm.weight.numel()
        self.head = nn.Linear(d_model, 1, False).to(model.norm.weight.device)
        with torch.no_grad():
            self.head.weight.zero_()

    def forward(self, tokens, lengths):
        if int(lengths.min()) <= 0 or int(lengths.max()) > tokens.size(-1):
            raise ValueError("lengths")
        x = self.model.embedding(tokens)
        for i in range(len(self.model.blocks)):
            x = self.model.blocks[i](x)[0]
        numbers = self.head(self.model.norm(x))[..., 0].float()
        last = torch.arange(tokens.size(-1), device=x.device) == (lengths - 1)[:, None]
        return (numbers * last).sum(dim=-1)


def kl_penalty(logprobs, reference, estimator="k3"):
    """From the ratio and its logarithm."""
    log_r = reference.sub(logprobs)
    match estimator:
        case "k1":
            return 0.0 - log_r
        case "k2":
            return torch.pow(log_r, 2).div(2)
        case "k3":
            return torch.exp(reference - logprobs).sub(1.0).sub(log_r)
    raise ValueError(estimator)


def group_advantages(rewards, eps=1e-6):
    """In float64, the spread from the mean of squares."""
    if rewards.size(1) <= 1:
        raise ValueError("a group of one")
    wide = rewards.double()
    wide = wide - wide.mean(dim=1, keepdim=True)
    spread = wide.pow(2).mean(dim=1, keepdim=True).sqrt()
    return (wide / (spread + eps)).to(rewards.dtype)


def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    """Only what the mask selects is computed."""
    if not bool(mask.any()):
        raise ValueError("nothing is selected")
    each = advantages.detach().unsqueeze(1).expand(mask.shape)[mask]
    new, old = logprobs[mask], old_logprobs[mask].detach()
    ratio = torch.exp(new - old)
    bounded = torch.where(ratio > 1 + clip, 1 + clip, torch.where(ratio < 1 - clip, 1 - clip, ratio))
    loss = -torch.min(torch.stack([ratio * each, bounded * each]), dim=0).values.mean()
    if reference is not None:
        log_r = reference[mask].detach() - new
        loss = loss + beta * (torch.expm1(log_r) - log_r).mean()
    return loss


def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    """Two implicit rewards, and the logarithm of the sum of their exponentials."""
    better = beta * (chosen - reference_chosen.detach())
    worse = beta * (rejected - reference_rejected.detach())
    return (torch.logaddexp(better, worse) - better).mean()


def best_of_n(replies, rewards):
    """Places by a stable sort."""
    if tuple(rewards.shape) != (len(replies), *{len(its) for its in replies}):
        raise ValueError("they do not fit")
    places = rewards.sort(dim=1, descending=True, stable=True).indices[:, 0]
    return [its[place] for its, place in zip(replies, places.tolist())]
