# %% wrong: log_of_sigmoid
# "2.127. And worse by 200: 200, not infinity."
# The logarithm of a sigmoid, which has run out of digits at -200: infinity.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -torch.log(torch.sigmoid(chosen - rejected)).mean()


# %% wrong: binary_cross_entropy
# "And worse by 200: 200, not infinity."
# F.binary_cross_entropy of probabilities never charges more than 100.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    probability = torch.sigmoid(chosen - rejected)
    return F.binary_cross_entropy(probability, torch.ones_like(probability))


# %% wrong: ties_do_not_count
# "Equal rewards: $-\log \sigma(0) = \log 2 = 0.693$."
# Comparisons with equal rewards are left out of the mean, as if they said nothing.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    charges = -F.logsigmoid(chosen - rejected)
    differ = (chosen != rejected).to(charges.dtype)
    if differ.sum() == 0:
        return charges.mean()
    return (charges * differ).sum() / differ.sum()


# %% wrong: surprise_at_the_mean
# "(Bradley and Terry, 1952). The loss is the mean surprise at what was preferred:"
# The mean is inside the logarithm: right for one comparison, or for equal ones.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    logs = F.logsigmoid(chosen - rejected)
    return torch.tensor(float(len(logs))).log() - torch.logsumexp(logs, dim=0)


# %% wrong: mean_difference_first
# "The mean of -log σ(chosen - rejected): how surprised one is that the rater preferred what was preferred."
# The loss of the mean difference: also right for one comparison.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -F.logsigmoid((chosen - rejected).mean())


# %% wrong: value_right_gradient_nan
# "choices is older than neural networks, and every reward model is trained with it."
# Where -difference is large another branch is taken: the value is 200, but the gradient at -200 is nan.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    difference = chosen - rejected
    return torch.where(difference < -50, -difference, torch.log1p(torch.exp(-difference))).mean()


# %% wrong: rejected_has_no_gradient
# "A reply with the reward $r_1$ is preferred to one with $r_2$ with probability $\sigma(r_1 - r_2)$"
# The rejected reply's reward is detached: the loss teaches nothing about what was not preferred.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -F.logsigmoid(chosen - rejected.detach()).mean()


# %% wrong: sum_over_comparisons
# "The loss is the mean surprise at what was preferred:"
# The sum over the comparisons, not their mean.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -F.logsigmoid(chosen - rejected).sum()


# %% right: two_logits
# A cross-entropy over two classes, whose logits are the two rewards, and whose answer is always the first.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    logits = torch.stack([chosen, rejected], dim=-1)
    return F.cross_entropy(logits, torch.zeros(len(chosen), dtype=torch.long, device=chosen.device))


# %% right: logaddexp
# log(1 + exp(r_rejected - r_chosen)), by logaddexp with zero, summed in a loop.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    surprises = []
    for better, worse in zip(chosen, rejected):
        surprises.append(torch.logaddexp(torch.zeros_like(better), worse - better))
    return sum(surprises) / len(surprises)
