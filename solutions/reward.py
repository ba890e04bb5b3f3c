"""Rewards: replies that were graded, not shown, and a model that writes more of what was graded well.

What is built here: the log-probabilities of a reply; REINFORCE with a baseline (Williams 1992); a reward learned from
comparisons (Bradley & Terry 1952; Christiano et al. 2017); three estimates of the distance to where one started
(Schulman 2020); advantages within a group and the clipped objective (PPO: Schulman et al. 2017, GRPO: Shao et al.
2024); preferences without a reward model (DPO: Rafailov et al. 2023); and best-of-n, which learns nothing at all.

Where it departs from the papers: no value network, rewards for whole replies only, and every mean is over replies or
tokens that the docstring names. Shapes are (B, T) for B replies whose prompts stand in front of them; `mask` is True
where the assistant wrote, as `solutions.sft.response_mask` says, and the first token of a row is never predicted.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def sequence_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """The log-probability of each token that the assistant wrote, given all in
    front of it; 0 at all other places.

    Token t is predicted by the logits at t - 1, so there is one place fewer
    than tokens. The sum of a row is the log-probability of its reply.

    Shapes: logits (B, T, vocab_size), finite, thousands apart too, tokens
    (B, T), mask boolean (B, T) -> (B, T - 1), in float32.
    """
    ### BEGIN SOLUTION
    logprobs = F.log_softmax(logits[:, :-1].float(), dim=-1)  # (B, T - 1, vocab_size)
    said = logprobs.gather(-1, tokens[:, 1:].unsqueeze(-1)).squeeze(-1)  # (B, T - 1)
    return said.masked_fill(~mask[:, 1:], 0.0)
    ### END SOLUTION


def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    """Minus the mean over replies of what the reply earned above the baseline,
    times its log-probability.

    A reply without a token counts too, and so does one that earned nothing;
    where none earned anything the gradient is 0. What a reply earned is a
    number: no gradient goes through reward or baseline.

    Shapes: logprobs (B, T) as `sequence_logprobs` gives them, rewards (B),
    which may be whole numbers, baseline () or (B) -> ().
    Source: Williams 1992, section 4, theorem 1.
    """
    ### BEGIN SOLUTION
    advantages = (rewards - baseline).detach()
    return -(advantages * logprobs.sum(dim=-1)).mean()
    ### END SOLUTION


def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """The mean of -log σ(chosen - rejected): how surprised one is that the
    rater preferred what was preferred.

    Equal rewards count as well, with a gradient of one half to either side.
    Both rewards learn; loss and gradient are finite where rewards are hundreds
    apart.

    Shapes: chosen, rejected (B), the rewards of the two replies of each
    comparison -> ().
    Source: Bradley & Terry 1952; Ouyang et al. 2022, equation 1.
    """
    ### BEGIN SOLUTION
    return -F.logsigmoid(chosen - rejected).mean()
    ### END SOLUTION


class RewardModel(nn.Module):
    """A language model with a number for its output: what a rater would make of
    a reply, read at its last token.

    Of `model`, a `GPT`, the embedding, all blocks and the norm are used, and
    learn; in place of the output layer stands `head`, one weight for each
    coordinate and no bias, which begins with zeros: at first all replies are
    worth nothing.

    Shapes: tokens (B, T), prompt and reply in each row and padding behind them,
    lengths (B): the tokens of each row that are no padding -> (B), in float32,
    under `torch.autocast` too. Raises ValueError where a length is below 1 or
    above T.
    Source: Ouyang et al. 2022, section 3.5, where a linear layer takes the
    place of the output in the same way.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model
        ### BEGIN SOLUTION
        self.head = nn.Linear(model.embedding.embedding_dim, 1, bias=False, device=model.embedding.weight.device)
        nn.init.zeros_(self.head.weight)
        ### END SOLUTION

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        if not ((lengths >= 1) & (lengths <= tokens.size(1))).all():
            raise ValueError(f"lengths {lengths.tolist()}: each is 1 to {tokens.size(1)}, the tokens of a row")
        ### BEGIN SOLUTION
        x = self.model.embedding(tokens)  # (B, T, d_model)
        for block in self.model.blocks:
            x, _ = block(x)
        last = self.model.norm(x)[torch.arange(len(x), device=x.device), lengths - 1]  # (B, d_model)
        return self.head(last).squeeze(-1).float()
        ### END SOLUTION


def kl_penalty(logprobs: Tensor, reference: Tensor, estimator: str = "k3") -> Tensor:
    """At each token, an estimate of how far the policy has moved from the
    reference: KL(policy || reference).

    With r = p_reference / p_policy of the token that the policy drew: "k1" is
    -log r, unbiased and of either sign; "k2" is (log r)² / 2, never negative
    and biased; "k3" is r - 1 - log r, never negative but for rounding, and
    unbiased. Gradients reach the policy. Log-probabilities may lie hundreds
    below zero, where a probability is 0 in float32.

    Shapes: logprobs, reference (B, T) -> (B, T). Raises ValueError for another
    estimator.
    Source: Schulman 2020.
    """
    ### BEGIN SOLUTION
    log_r = reference - logprobs
    if estimator == "k1":
        return -log_r
    if estimator == "k2":
        return log_r.square() / 2
    if estimator == "k3":
        return log_r.exp() - 1 - log_r
    raise ValueError(f'estimator={estimator!r}: it is "k1", "k2" or "k3"')
    ### END SOLUTION


def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    """How much better each reply is than its group: the reward less the group's
    mean, over its spread.

    The spread is the standard deviation over the group, of all its members
    (not one fewer), plus eps, which is above 0; where all rewards of a group
    are equal all its advantages are zero, and it teaches nothing, even where
    their mean would be rounded. Rewards may be large and lie close together.

    Shapes: rewards (n_groups, group_size) -> the same. Raises ValueError for
    groups of one, who are better than nobody.
    Source: Shao et al. 2024, section 4.1.2.
    """
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    ### BEGIN SOLUTION
    ahead = rewards - rewards[:, :1]  # equal rewards become zeros, whose mean is not rounded
    spread = ahead.std(dim=-1, correction=0, keepdim=True)
    return (ahead - ahead.mean(dim=-1, keepdim=True)) / (spread + eps)
    ### END SOLUTION


def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    """Minus the clipped objective, and beta times the k3 distance to a
    reference: a mean over all tokens of replies.

    The ratio of a token is what the policy gives it over what the policy that
    drew it gave it. The objective is the smaller of ratio · advantage and
    clipped ratio · advantage, so that nothing is gained by going further than
    `clip` from one; old policy, reference and advantages are numbers, without a
    gradient. A reply whose advantage is 0 counts in the mean as well; where all
    are 0, so is the gradient, but for that of a distance. clip may be 0.
    Without a reference there is no distance, whatever beta is.

    Shapes: logprobs, old_logprobs, reference (B, T), everywhere finite and at
    most dozens of nats apart, advantages (B), mask boolean (B, T): the places
    that count -> (). Raises ValueError where the mask selects nothing.
    Source: Schulman et al. 2017, equation 7; Shao et al. 2024, equation 3, with
    one mean over all tokens (Yu et al. 2025) where theirs is a mean of the
    replies' means.
    """
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ### BEGIN SOLUTION
    ratio = (logprobs - old_logprobs.detach()).exp()  # (B, T)
    advantages = advantages.detach().unsqueeze(-1)  # (B, 1)
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()
    ### END SOLUTION


def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    """Bradley-Terry, where the reward of a reply is beta times how much
    likelier it has become than for the reference.

    Both of the policy's replies learn; the reference is a number, without a
    gradient. beta may be 0, as all rewards then are. Loss and gradient are
    finite where replies have moved by thousands of nats.

    Shapes: four (B), log-probabilities of whole replies -> ().
    Source: Rafailov et al. 2023, equation 7.
    """
    ### BEGIN SOLUTION
    rewards = beta * (chosen - reference_chosen.detach()), beta * (rejected - reference_rejected.detach())
    return bradley_terry_loss(*rewards)
    ### END SOLUTION


def best_of_n(replies: list[list[str]], rewards: Tensor) -> list[str]:
    """Of the n replies to each prompt the one with the highest reward, the
    first of equals.

    One that is higher by little is higher, in float64 too. A reply is given as
    it is; it may be empty, and the same text may be there twice.

    Shapes: replies, B lists of n; rewards (B, n), finite -> B replies, B and n
    at least 1. Raises ValueError where the numbers of prompts do not agree, or
    those of the replies to any of them.
    Source: Stiennon et al. 2020; Nakano et al. 2021.
    """
    ### BEGIN SOLUTION
    if [len(its) for its in replies] != [rewards.size(-1)] * rewards.size(0):
        raise ValueError(f"rewards {tuple(rewards.shape)} do not fit the replies")
    best = rewards.argmax(dim=-1).tolist()
    return [its[i] for its, i in zip(replies, best)]
    ### END SOLUTION
