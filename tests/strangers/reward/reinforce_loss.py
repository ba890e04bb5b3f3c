# %% wrong: mean_over_tokens
# "replies: not over tokens, which would make the words of a long reply weigh less."
# Each reply's log-probability is divided by the number of its tokens.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    lengths = (logprobs != 0).sum(dim=-1).clamp(min=1)
    return -(earned * logprobs.sum(dim=-1) / lengths).mean()


# %% wrong: gradient_into_the_rewards
# "What it earned is a number: no gradient goes through reward or baseline."
# Only the baseline is detached: a reward that comes out of a network gets a gradient.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    if isinstance(baseline, Tensor):
        baseline = baseline.detach()
    return -((rewards - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: gradient_into_the_baseline
# "Rewards and baseline are numbers: no gradient goes into them, even where they came out of a network."
# Only the rewards are detached: a baseline that comes out of a network gets a gradient.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    return -((rewards.detach() - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: one_baseline_for_all
# "logprobs (B, T), rewards (B), baseline a number or (B)"
# A baseline for each reply is averaged to one number.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device).mean()
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: own_baseline_for_none
# "(-1) + 0) / 2 = 0.5$: the second reply teaches nothing."
# Where the baseline is zero the mean reward is taken for it.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    if not isinstance(baseline, Tensor) and baseline == 0:
        baseline = rewards.mean()
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: nobody_is_pushed_away
# "second is pushed away. (The value of this loss means nothing by itself. Its gradient does.)"
# What lies below the baseline counts as nothing.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach().clamp(min=0.0)
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: empty_replies_do_not_count
# "Minus the mean over replies of what the reply earned above the baseline, times its log-probability."
# The mean is over replies with a log-probability other than zero: an empty or a quite certain reply is not counted.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    replies = (logprobs != 0).any(dim=-1).sum().clamp(min=1)
    return -(earned * logprobs.sum(dim=-1)).sum() / replies


# %% wrong: scaled_to_one
# "With rewards $r_i$, a baseline $b$ and the log-probabilities of exercise 1:"
# What was earned is divided by its standard deviation over the batch.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if len(earned) > 1:
        earned = earned / (earned.std() + 1e-8)
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% right: loop_over_replies
# A loop over replies and over their tokens, with what was earned as a plain number.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    size = len(logprobs)
    above = torch.as_tensor(baseline).detach().expand(size).tolist()
    total = logprobs.new_zeros(())
    for row, reward, subtracted in zip(logprobs, rewards.tolist(), above):
        for each in row.unbind():
            total = total - (reward - subtracted) * each
    return total / size


# %% right: one_product_of_matrices
# A row of weights times the matrix times a column of ones; the weights are made where no gradient is recorded.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    with torch.no_grad():
        weights = torch.sub(baseline, rewards) if isinstance(baseline, Tensor) else rewards.mul(-1).add(baseline)
        weights = weights.to(logprobs.dtype) / logprobs.size(0)
    return weights @ logprobs @ logprobs.new_ones(logprobs.size(1))
