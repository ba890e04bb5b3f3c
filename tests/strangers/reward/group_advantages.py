# %% right: norm_of_the_rest
# What is left after the mean, over its norm divided by the root of the group's size; computed in float64.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    size = rewards.shape[-1]
    if size < 2:
        raise ValueError("a group of one")
    exact = rewards.double()
    rest = exact - exact.sum(dim=-1, keepdim=True) / size
    spread = torch.linalg.vector_norm(rest, dim=-1, keepdim=True) / size**0.5
    equal = (rewards == rewards[..., :1]).all(dim=-1, keepdim=True)
    return (rest / (spread + eps)).masked_fill(equal, 0.0).to(rewards.dtype)


# %% right: statistics_of_python
# The statistics module for each group: fmean and pstdev, the standard deviation of a whole population.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    import statistics

    if rewards.size(-1) <= 1:
        raise ValueError("groups of one are better than nobody")
    result = torch.empty_like(rewards)
    for place, group in enumerate(rewards.tolist()):
        mean, spread = statistics.fmean(group), statistics.pstdev(group)
        for member, reward in enumerate(group):
            result[place, member] = (reward - mean) / (spread + eps) if spread > 0 else 0.0
    return result


# %% wrong: eps_as_a_floor
# "plus eps, which is above 0"
# Takes the larger of spread and eps, instead of the sum.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.double()
    above = wide - wide.mean(dim=-1, keepdim=True)
    return (above / above.square().mean(dim=-1, keepdim=True).sqrt().clamp_min(eps)).to(rewards.dtype)


# %% wrong: mean_of_squares_less_square_of_the_mean
# "Rewards may be large and lie close together."
# The variance as a difference of two large numbers: nothing is left of it for rewards around 10000.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    mean = rewards.mean(dim=-1, keepdim=True)
    variance = (rewards.square().mean(dim=-1, keepdim=True) - mean.square()).clamp_min(0)
    equal = rewards.amax(-1, keepdim=True) == rewards.amin(-1, keepdim=True)
    return ((rewards - mean) / (variance.sqrt() + eps)).masked_fill(equal, 0.0)


# %% wrong: nearly_equal_is_equal
# "Rewards may be large and lie close together."
# Gives zeros where all rewards are close by torch.isclose: 10000 and 10000.05 are.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.double()
    above = wide - wide.mean(dim=-1, keepdim=True)
    out = above / (above.square().mean(dim=-1, keepdim=True).sqrt() + eps)
    equal = torch.isclose(rewards, rewards[..., :1]).all(dim=-1, keepdim=True)
    return out.masked_fill(equal, 0.0).to(rewards.dtype)


# %% wrong: a_spread_below_eps_is_none
# "where all rewards of a group are equal all its advantages are zero" (only there) and the formula
# Gives zeros where the spread is not above eps: visible with a large eps, or with rewards 1e-6 apart.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.double()
    above = wide - wide.mean(dim=-1, keepdim=True)
    spread = above.square().mean(dim=-1, keepdim=True).sqrt()
    return torch.where(spread > eps, above / (spread + eps), torch.zeros_like(above)).to(rewards.dtype)


# %% wrong: loud_successes_clipped
# "a rare success is loud" and the formula
# Clips advantages at ±3, against outliers: shows from groups of eleven on.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.double()
    above = wide - wide.mean(dim=-1, keepdim=True)
    out = above / (above.square().mean(dim=-1, keepdim=True).sqrt() + eps)
    return out.clamp(-3.0, 3.0).to(rewards.dtype)


# %% wrong: float64_cut_to_float32
# "Rewards may be large and lie close together."
# Converts to float32 first: float64 rewards of 1e9 and 1e9 + 1 become equal.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    narrow = rewards.float()
    above = narrow - narrow[:, :1]
    above = above - above.mean(dim=-1, keepdim=True)
    return (above / (above.square().mean(dim=-1, keepdim=True).sqrt() + eps)).to(rewards.dtype)


# %% wrong: eps_of_its_own
# "The spread is the standard deviation over the group [...] plus eps"
# Adds the usual 1e-6 whatever eps is.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.double()
    above = wide - wide.mean(dim=-1, keepdim=True)
    return (above / (above.square().mean(dim=-1, keepdim=True).sqrt() + 1e-6)).to(rewards.dtype)


# %% right: from_the_first_reward_in_float64
# Measures from the group's first reward, in float64: nothing of large rewards is lost, equal ones are exactly zero.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    above = (rewards - rewards[:, :1]).double()
    above = above - above.mean(dim=-1, keepdim=True)
    spread = torch.linalg.vector_norm(above, dim=-1, keepdim=True) / above.size(-1) ** 0.5
    return (above / (spread + eps)).to(rewards.dtype)


# %% right: python_statistics
# Group by group in plain Python numbers, with the statistics module.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    import statistics
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    rows = []
    for group in rewards.tolist():
        mean, spread = statistics.mean(group), statistics.pstdev(group)
        rows.append([(each - mean) / (spread + eps) for each in group])
    return torch.tensor(rows, dtype=rewards.dtype, device=rewards.device)


# %% right: numpy_in_float64
# NumPy, whose std divides by all members; equal groups are set to zero by name.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    import numpy as np
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    r = rewards.detach().cpu().double().numpy()
    out = (r - r.mean(axis=-1, keepdims=True)) / (r.std(axis=-1, keepdims=True) + eps)
    out = np.where(np.ptp(r, axis=-1, keepdims=True) == 0, 0.0, out)
    return torch.from_numpy(out).to(rewards)


# %% right: equal_groups_asked_for
# The plain formula in float64, with a mask for the equal groups; keeps a gradient where there is one.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    wide = rewards.to(torch.float64)
    variance, mean = torch.var_mean(wide, dim=-1, correction=0, keepdim=True)
    same = (rewards == rewards[:, :1]).all(dim=-1, keepdim=True)
    return torch.where(same, 0.0, (wide - mean) / (variance.sqrt() + eps)).to(rewards.dtype)


# %% wrong: zeroed_by_allclose
# "Rewards may be large and lie close together"
# Sets to zero the groups whose rewards are close (rtol 1e-5), not only the equal ones.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    first = rewards[:, :1]
    shifted = rewards - first
    same = torch.isclose(rewards, first.expand_as(rewards)).all(dim=-1, keepdim=True)
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    advantages = centred / (shifted.std(dim=-1, correction=0, keepdim=True) + eps)
    return advantages.masked_fill(same, 0.0)


# %% wrong: equal_groups_zeroed_but_large_rounded
# "Rewards may be large and lie close together"
# Zeroes equal groups with max == min, but the mean of the others is taken without a shift: rounded where rewards are large.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    same = rewards.amax(dim=-1, keepdim=True) == rewards.amin(dim=-1, keepdim=True)
    centred = rewards - rewards.mean(dim=-1, keepdim=True)
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    return torch.where(same, torch.zeros_like(rewards), centred / (spread + eps))


# %% wrong: eps_inside_the_root
# "The spread is the standard deviation over the group ... plus eps"
# sqrt(variance + eps²): the same for spreads far above eps or for 0.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + eps**2).sqrt()


# %% wrong: eps_as_a_floor_too
# "The spread is the standard deviation over the group ... plus eps"
# max(s, eps) in place of s + eps.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    return centred / centred.square().mean(dim=-1, keepdim=True).sqrt().clamp(min=eps)


# %% wrong: eps_ignored
# "plus eps"
# eps is the constant 1e-6, whatever is given.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    return centred / (shifted.std(dim=-1, correction=0, keepdim=True) + 1e-6)


# %% wrong: shift_by_the_first_of_all
# "where all rewards of a group are equal all its advantages are zero"
# Takes the very first reward off all groups: the first group is exact, a later group of equals is rounded.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[0, 0]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    return centred / (shifted.std(dim=-1, correction=0, keepdim=True) + eps)


# %% wrong: clipped_to_three
# "the reward less the group's mean, over its spread"
# Cuts advantages at ±3, "against outliers": shows in groups of more than ten.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    return (centred / (shifted.std(dim=-1, correction=0, keepdim=True) + eps)).clamp(-3.0, 3.0)


# %% wrong: small_spread_is_zero
# "where all rewards of a group are equal all its advantages are zero" (only there)
# Where the spread is below 1e-4 it says that all were equal.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    spread = shifted.std(dim=-1, correction=0, keepdim=True)
    return torch.where(spread < 1e-4, torch.zeros_like(centred), centred / (spread + eps))


# %% right: loop_in_float64
# A loop over groups, shifted by the smallest reward, in float64 inside.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    rows = []
    for group in rewards.double():
        above = group - group.min()
        centred = above - above.sum() / len(above)
        rows.append(centred / ((centred @ centred / len(above)) ** 0.5 + eps))
    return torch.stack(rows).to(rewards.dtype)


# %% right: var_mean_times_reciprocal
# torch.var_mean of the shifted rewards, a multiplication by the reciprocal.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[..., -1:]
    variance, mean = torch.var_mean(shifted, dim=-1, correction=0, keepdim=True)
    return (shifted - mean) * torch.reciprocal(variance.sqrt() + eps)


# %% wrong: mean_of_squares
# "Rewards may be large and lie close together."
# rewards 10000, 10001, 10000, 10001: in float32 the mean of the squares less the square of the mean has lost all digits, advantages of -500000 and 500000 in place of -1 and 1
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    mean = rewards.mean(dim=-1, keepdim=True)
    variance = (rewards.square().mean(dim=-1, keepdim=True) - mean.square()).clamp(min=0)
    advantages = (rewards - mean) / (variance.sqrt() + eps)
    return advantages.masked_fill((rewards == rewards[:, :1]).all(dim=-1, keepdim=True), 0.0)


# %% wrong: eps_as_the_least_spread
# "The spread is the standard deviation over the group, of all its members (not one fewer), plus eps"
# rewards 0 and 1 with eps = 0.5: advantages of 1 in place of 0.5, for the larger of the two is taken and not the sum
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    spread = shifted.std(dim=-1, correction=0, keepdim=True).clamp(min=eps)
    return (shifted - shifted.mean(dim=-1, keepdim=True)) / spread


# %% wrong: nearly_equal_is_equal_again
# "Rewards may be large and lie close together."
# rewards 100000 and 100000.5: isclose takes them for equal, zeros in place of -1 and 1
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    first = rewards[:, :1]
    same = torch.isclose(rewards, first).all(dim=-1, keepdim=True)
    shifted = rewards - first
    advantages = shifted - shifted.mean(dim=-1, keepdim=True)
    advantages = advantages / (shifted.std(dim=-1, correction=0, keepdim=True) + eps)
    return torch.where(same, torch.zeros_like(advantages), advantages)


# %% wrong: mean_of_large_numbers
# "Rewards may be large and lie close together."
# rewards 10000000 and 10000001: their mean is no float32, advantages 0 and 1.41 in place of -1 and 1
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    mean = rewards.mean(dim=-1, keepdim=True)
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    highest, lowest = rewards.amax(dim=-1, keepdim=True), rewards.amin(dim=-1, keepdim=True)
    return torch.where(highest > lowest, (rewards - mean) / (spread + eps), torch.zeros_like(rewards))


# %% wrong: no_louder_than_five
# "How much better each reply is than its group: the reward less the group's mean, over its spread."
# one success among 64: 5 in place of 7.94
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    shifted = rewards - rewards[:, :1]
    centred = shifted - shifted.mean(dim=-1, keepdim=True)
    advantages = centred / (centred.square().mean(dim=-1, keepdim=True).sqrt() + eps)
    return advantages.clamp(-5.0, 5.0)  # an outlier should not shake the whole step


# %% right: each_against_each
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    gaps = rewards.unsqueeze(-1) - rewards.unsqueeze(-2)
    better_by = gaps.mean(dim=-1)
    spread = (gaps * gaps).mean(dim=(-1, -2)).div(2).sqrt()
    return better_by / (spread + eps).unsqueeze(-1)


# %% right: exact_fractions
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    import math
    from fractions import Fraction

    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    advantages = torch.empty_like(rewards, requires_grad=False)
    for g, group in enumerate(rewards.detach().tolist()):
        members = [Fraction(value) for value in group]
        mean = sum(members) / len(members)
        variance = sum((value - mean) ** 2 for value in members) / len(members)
        spread = math.sqrt(variance) + eps
        for i, value in enumerate(members):
            advantages[g, i] = float(value - mean) / spread
    return advantages
