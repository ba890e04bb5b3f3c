# %% wrong: one_fewer
# "The spread is the standard deviation over the group, of all its members (not one fewer), plus eps;"
# PyTorch's default, which divides by one fewer.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / (rewards.std(dim=-1, keepdim=True) + eps)


# %% wrong: eps_under_the_root
# "added to the spread, outside of any root."
# eps is added to the variance, under the root.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    centred = rewards - rewards.mean(dim=-1, keepdim=True)
    return centred / (centred.square().mean(dim=-1, keepdim=True) + eps).sqrt()


# %% wrong: spread_of_the_batch
# "In each group, with its mean $\mu$ and its standard deviation $s$ (of all its members, not one fewer):"
# The mean is that of the group, the spread that of all groups together: with one group it is right.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / (rewards.std(correction=0) + eps)


# %% wrong: own_eps
# "group_advantages(rewards, eps=1e-6) -> advantages          both (n_groups, group_size)"
# 1e-6 is written into the formula, and the argument eps is not used.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / (spread + 1e-6)


# %% wrong: spread_of_eps_at_least
# "of all its members (not one fewer), plus eps;"
# The spread is not below eps, in place of plus eps.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    spread = rewards.std(dim=-1, correction=0, keepdim=True).clamp(min=eps)
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / spread


# %% wrong: one_is_as_good_as_nobody
# "Raises ValueError for groups of one, who are better than nobody."
# Groups of one have advantages of zero, and no error.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / (spread + eps)


# %% wrong: drops_equal_groups
# "Shapes: rewards (n_groups, group_size) -> the same."
# Groups that teach nothing are left out of the result.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    rewards = rewards[(rewards != rewards[:, :1]).any(dim=-1)]
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    return (rewards - rewards.mean(dim=-1, keepdim=True)) / (spread + eps)


# %% wrong: square_of_the_mean
# "of a group are equal all its advantages are zero, and it teaches nothing."
# The variance as mean of squares less square of the mean: large or equal rewards leave rounding errors, or nan.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    mean = rewards.mean(dim=-1, keepdim=True)
    variance = rewards.square().mean(dim=-1, keepdim=True) - mean.square()
    return (rewards - mean) / (variance.sqrt() + eps)


# %% wrong: not_so_loud
# "advantages $-0.577$ three times and $1.732$: a rare success is loud."
# Advantages are cut to [-3, 3]: seen only in groups of more than ten.
def group_advantages(rewards: Tensor, eps: float = 1e-6) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one reply has nothing to be compared with: draw two or more for each prompt")
    spread = rewards.std(dim=-1, correction=0, keepdim=True)
    return ((rewards - rewards.mean(dim=-1, keepdim=True)) / (spread + eps)).clamp(-3.0, 3.0)


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
