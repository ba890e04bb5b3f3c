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


# %% wrong: what_earned_nothing_is_left_out
# "A reply without a token counts too, and so does one that earned nothing."
# The mean is over the replies that earned more or less than the baseline.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).sum() / (earned != 0).sum().clamp(min=1)


# %% wrong: rewards_fixed_where_there_is_a_baseline
# "no gradient goes through reward or baseline."
# Where the baseline is a number the rewards keep their graph.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach() if isinstance(baseline, Tensor) else rewards - baseline
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: one_number_in_a_row
# "logprobs (B, T) as `sequence_logprobs` gives them, rewards (B), baseline () or (B) -> ()."
# The loss has the shape (1).
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean(dim=0, keepdim=True)


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


# %% wrong: replies_without_a_token_left_out
# "A reply without a token counts too"
# Divides by the number of replies that have a log-probability other than 0.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    written = (logprobs != 0).any(dim=-1).sum().clamp_min(1)
    return -(earned * logprobs.sum(dim=-1)).sum() / written


# %% wrong: replies_that_earned_nothing_left_out
# "A reply without a token counts too, and so does one that earned nothing."
# The mean is over the replies with a reward above or below the baseline.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    counted = (earned != 0).sum().clamp_min(1)
    return -(earned * logprobs.sum(dim=-1)).sum() / counted


# %% wrong: no_reward_no_baseline
# "so does one that earned nothing" (By hand: "the second is pushed away")
# Where the reward is exactly 0 the baseline is not subtracted: the mask of empty rewards stays 0.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = torch.where(rewards == 0, torch.zeros_like(rewards), rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: gradient_into_the_baseline_too
# "no gradient goes through reward or baseline"
# Detaches the rewards only.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    return -((rewards.detach() - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: gradient_into_the_rewards_too
# "no gradient goes into them, even where they came out of a network"
# Detaches the baseline only.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    if isinstance(baseline, Tensor):
        baseline = baseline.detach()
    return -((rewards - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: rewards_changed_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# Subtracts the baseline in place from the detached rewards, which share the memory of the caller's.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = rewards.detach()
    earned -= baseline.detach() if isinstance(baseline, Tensor) else baseline
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: nothing_earned_no_graph
# "so does one that earned nothing" (the loss is a loss: its backward gives gradients of zero)
# Where nobody is above or below the baseline it returns a bare zero: loss.backward() raises.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return torch.tensor(0.0, device=logprobs.device)  # nothing to learn from
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: one_baseline_for_all_too
# "baseline () or (B)"
# Takes the mean of a baseline that has a number for each reply.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    level = torch.as_tensor(baseline, dtype=torch.float32).mean().item()
    return -((rewards.detach() - level) * logprobs.sum(dim=-1)).mean()


# %% wrong: whole_number_rewards_cut_the_baseline
# "what the reply earned above the baseline"
# Keeps the dtype of the rewards: with rewards of whole numbers (0 and 1 as int64) a baseline of 0.5 becomes 0.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    level = torch.as_tensor(baseline, device=rewards.device).detach().to(rewards.dtype)
    earned = rewards.detach() - level
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: a_baseline_of_zero_is_none
# "baseline: Tensor | float = 0.0" and "(r_i - b)"
# Takes a tensor baseline of zeros for a missing one, and puts the mean reward there.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    rewards = rewards.detach()
    if isinstance(baseline, Tensor):
        baseline = baseline.detach() if baseline.any() else rewards.mean()
    return -((rewards - baseline) * logprobs.sum(dim=-1)).mean()


# %% right: token_by_token_sum
# Spreads what was earned over all tokens and divides the total by the number of rows.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    with torch.no_grad():
        weights = (baseline - rewards).unsqueeze(-1).expand_as(logprobs) / logprobs.size(0)
    return (weights * logprobs).sum()


# %% right: a_loop_with_python_numbers
# Rewards and baseline are turned into Python floats, the loss is added up reply by reply.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    count = len(rewards)
    levels = torch.as_tensor(baseline).detach().expand(count).tolist()
    loss = logprobs.new_zeros(())
    for row, reward_, level in zip(logprobs, rewards.tolist(), levels):
        loss = loss - (reward_ - level) * row.sum() / count
    return loss


# %% right: a_dot_product
# A matrix product of the numbers with the log-probabilities, then a sum over places.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = torch.sub(rewards, baseline).detach().to(logprobs.dtype)
    return torch.einsum("b,bt->", earned, logprobs) / -logprobs.shape[0]


# %% wrong: baseline_only_keeps_gradient
# "no gradient goes through reward or baseline"
# Detaches the rewards, but not the baseline.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    return -((rewards.detach() - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: empty_replies_left_out
# "A reply without a token counts too"
# The mean is over replies that have a token (a log-probability that is not 0).
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    written = (logprobs != 0).any(dim=-1)
    return -(earned * logprobs.sum(dim=-1)).sum() / written.sum().clamp(min=1)


# %% wrong: unearned_left_out
# "A reply without a token counts too, and so does one that earned nothing"
# Filters out replies that earned exactly nothing before the mean (0 with a graph when none is left).
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    kept = earned != 0
    if not kept.any():
        return logprobs.sum() * 0.0
    return -(earned[kept] * logprobs[kept].sum(dim=-1)).mean()


# %% wrong: nothing_earned_no_graph_too
# "where none earned anything the gradient is 0"
# Returns a fresh constant zero there, which has no graph: backward raises.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return torch.zeros((), device=logprobs.device)
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: detaches_the_callers_rewards
# "A function of yours leaves what it is given as it was"
# detach_() in place: the caller's reward (a network's output) loses its graph for good.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = rewards.detach_() - (baseline.detach() if isinstance(baseline, Tensor) else baseline)
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: baseline_cast_to_rewards_type
# "rewards (B), which may be whole numbers"
# The baseline is brought to the rewards' dtype: 0.5 becomes 0 where rewards are whole numbers.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device)
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: subtracts_in_place
# "A function of yours leaves what it is given as it was"
# rewards.detach() shares memory, and -= writes the baseline into the caller's rewards.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = rewards.detach()
    if earned.is_floating_point():
        earned -= baseline.detach() if isinstance(baseline, Tensor) else baseline
    else:
        earned = earned - baseline
    return -(earned.detach() * logprobs.sum(dim=-1)).mean()


# %% wrong: baseline_averaged
# "baseline () or (B)"
# A baseline of its own for each reply is replaced by its mean.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    if isinstance(baseline, Tensor):
        baseline = baseline.detach().float().mean()
    return -((rewards.detach() - baseline) * logprobs.sum(dim=-1)).mean()


# %% wrong: whole_number_baseline_fails
# "baseline a number or (B)"
# Takes everything but a float for a tensor: a whole number, such as 1, gives AttributeError.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = rewards.detach()
    if not isinstance(baseline, float):
        earned = earned - baseline.detach()
    else:
        earned = earned - baseline
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% right: dot_product
# A dot product over replies, in no_grad for what was earned.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    with torch.no_grad():
        weight = (baseline - rewards).to(logprobs.dtype).expand(len(logprobs)) / len(logprobs)
    return torch.dot(weight, logprobs.sum(dim=1))


# %% right: loop_over_replies_too
# A Python loop; what was earned as a Python number.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    b = torch.as_tensor(baseline).detach().double().expand(len(rewards)).tolist()
    total = logprobs.sum() * 0.0
    for row, r, base in zip(logprobs, rewards.detach().double().tolist(), b):
        total = total - (r - base) * row.sum()
    return total / len(logprobs)


# %% right: weights_every_token
# Multiplies every token and divides the sum by B.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()[:, None]
    return (-earned * logprobs).sum() / logprobs.shape[0]


# %% wrong: only_replies_with_tokens
# "A reply without a token counts too"
# three replies of which one is a row of zeros: the mean is over two, 1.5 times too large
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    has_tokens = (logprobs != 0).any(dim=-1)
    return -(earned * logprobs.sum(dim=-1)).sum() / has_tokens.sum().clamp(min=1)


# %% wrong: baseline_learns
# "What a reply earned is a number: no gradient goes through reward or baseline."
# a baseline (B) with requires_grad, such as the output of a network: it gets a gradient
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = rewards.detach() - baseline
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: baseline_in_the_dtype_of_rewards
# "rewards (B), which may be whole numbers, baseline () or (B) -> ()"
# rewards torch.tensor([1, 0]) in int64 and baseline 0.5: the baseline becomes 0, the loss 0.5 in place of -0.5
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device)
    earned = (rewards - baseline).detach()
    return -(logprobs.sum(dim=-1) * earned).mean()


# %% wrong: rewards_shifted_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# rewards in float32 with baseline 0.5: detach and float are no copies, so the caller's rewards 1, 0 are 0.5, -0.5 afterwards
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    with torch.no_grad():
        earned = rewards.detach().float()
        earned -= baseline
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: nothing_earned_nothing_to_do
# "where none earned anything the gradient is 0"
# rewards all 0: the loss has no graph, backward raises RuntimeError in place of a gradient of 0
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return logprobs.new_zeros(())
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: column_less_a_row
# "Shapes: logprobs (B, T) as `sequence_logprobs` gives them, rewards (B), which may be whole numbers, baseline () or (B) -> ()."
# a baseline (B) of different numbers: each reply is compared with the baselines of all; log-probabilities -1 and -3, rewards 1, 0 and baselines 1, 0 give -1 in place of 0
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards.unsqueeze(-1) - baseline).detach()
    return -(earned * logprobs.sum(dim=-1, keepdim=True)).sum(dim=-1).mean()


# %% wrong: the_mean_where_none_is_given
# "reinforce_loss(logprobs, rewards, baseline=0.0) -> loss ()"
# a call without a baseline and rewards 1, 0: the mean reward is taken for it, -0.5 in place of 0.5; with advantages, whose mean is 0, nobody sees it
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float | None = None) -> Tensor:
    rewards = rewards.detach().to(logprobs.dtype)
    if baseline is None:
        baseline = rewards.mean()
    elif isinstance(baseline, Tensor):
        baseline = baseline.detach()
    return -((rewards - baseline) * logprobs.sum(dim=-1)).mean()


# %% right: a_product_of_matrices
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    with torch.no_grad():
        earned = rewards.to(logprobs.dtype) - torch.as_tensor(baseline, dtype=logprobs.dtype, device=logprobs.device)
    each = torch.einsum("b,bt->b", earned, logprobs)
    return each.sum().neg() / rewards.numel()


# %% right: reply_by_reply
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    many = rewards.size(0)
    if isinstance(baseline, Tensor):
        baselines = baseline.detach().expand(many).tolist()
    else:
        baselines = [float(baseline)] * many
    total = logprobs.sum() * 0.0
    for row, reward, base in zip(logprobs, rewards.detach().tolist(), baselines):
        total = total + (base - reward) / many * row.sum()
    return total
