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


# %% wrong: rewards_fixed_where_there_is_a_baseline
# "no gradient goes through reward or baseline."
# Where the baseline is a number the rewards keep their graph.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach() if isinstance(baseline, Tensor) else rewards - baseline
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


# %% wrong: nothing_earned_no_graph
# "so does one that earned nothing" (the loss is a loss: its backward gives gradients of zero)
# Where nobody is above or below the baseline it returns a bare zero: loss.backward() raises.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return torch.tensor(0.0, device=logprobs.device)  # nothing to learn from
    return -(earned * logprobs.sum(dim=-1)).mean()


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


# %% wrong: nothing_earned_no_graph_too
# "where none earned anything the gradient is 0"
# Returns a fresh constant zero there, which has no graph: backward raises.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return torch.zeros((), device=logprobs.device)
    return -(earned * logprobs.sum(dim=-1)).mean()


# %% wrong: baseline_cast_to_rewards_type
# "rewards (B), which may be whole numbers"
# The baseline is brought to the rewards' dtype: 0.5 becomes 0 where rewards are whole numbers.
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    baseline = torch.as_tensor(baseline, dtype=rewards.dtype, device=rewards.device)
    earned = (rewards - baseline).detach()
    return -(earned * logprobs.sum(dim=-1)).mean()


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


# %% wrong: nothing_earned_nothing_to_do
# "where none earned anything the gradient is 0"
# rewards all 0: the loss has no graph, backward raises RuntimeError in place of a gradient of 0
def reinforce_loss(logprobs: Tensor, rewards: Tensor, baseline: Tensor | float = 0.0) -> Tensor:
    earned = (rewards - baseline).detach()
    if not earned.any():
        return logprobs.new_zeros(())
    return -(earned * logprobs.sum(dim=-1)).mean()


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
