# %% wrong: rejected_reference_has_a_gradient
# "with c for the chosen and r for the rejected reply. The reference has no gradient."
# Only the chosen reply's reference is detached.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    return bradley_terry_loss(beta * (chosen - reference_chosen.detach()), beta * (rejected - reference_rejected))


# %% wrong: chosen_reference_has_a_gradient
# "The reference has no gradient."
# Only the rejected reply's reference is detached.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    return bradley_terry_loss(beta * (chosen - reference_chosen), beta * (rejected - reference_rejected.detach()))


# %% wrong: log_of_sigmoid
# "Ask which policy earns the most under a leash, solve for the reward, and put it into exercise 3: what is"
# The logarithm of a sigmoid: infinity where the rejected reply is far ahead.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = (chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach())
    return -torch.sigmoid(beta * margin).log().mean()


# %% wrong: beta_of_zero_is_the_default
# "Bradley-Terry, where the reward of a reply is beta times how much likelier it has become than for the reference."
# `beta or 0.1`: a beta of 0, where every reward is 0 and the loss log 2, becomes 0.1.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    beta = beta or 0.1
    better, worse = chosen - reference_chosen.detach(), rejected - reference_rejected.detach()
    return bradley_terry_loss(beta * better, beta * worse)


# %% wrong: bounded_log_ratios
# "The *implicit reward* of a reply is"
# Log-ratios are cut to [-10, 10]: a reply that went further has no more reward, and no gradient.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better = (chosen - reference_chosen.detach()).clamp(-10.0, 10.0)
    worse = (rejected - reference_rejected.detach()).clamp(-10.0, 10.0)
    return bradley_terry_loss(beta * better, beta * worse)


# %% wrong: unmoved_pairs_do_not_count
# "Bradley-Terry, where the reward of a reply is beta times how much likelier it has become than for the reference."
# Pairs whose chosen reply has not moved are left out of the mean, unless all are.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    moved = chosen != reference_chosen
    charges = -F.logsigmoid(beta * ((chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach())))
    return charges[moved].mean() if moved.any() else charges.mean()


# %% right: two_models_first
# The log-ratio of the two replies under the policy, less that under the reference, in a softplus; a loop over pairs.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    losses = []
    for pair in range(chosen.shape[0]):
        policy = chosen[pair] - rejected[pair]
        reference = reference_chosen[pair].item() - reference_rejected[pair].item()
        losses.append(F.softplus(-beta * (policy - reference)))
    return torch.stack(losses).mean()


# %% right: binary_cross_entropy_with_logits
# A binary classification with the margin for a logit and "chosen" for the answer, in float64.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    signs = torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=torch.float64, device=chosen.device)
    four = torch.stack([chosen, rejected, reference_chosen.detach(), reference_rejected.detach()], dim=-1).double()
    logits = beta * (four @ signs)
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits)).to(chosen.dtype)


# %% wrong: reference_with_a_gradient
# "the reference is a number, without a gradient"
# Nothing is detached.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    return bradley_terry_loss(beta * (chosen - reference_chosen), beta * (rejected - reference_rejected))


# %% wrong: half_of_the_reference_with_a_gradient
# "the reference is a number, without a gradient"
# Detaches the reference of the chosen reply only.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    better = beta * (chosen - reference_chosen.detach())
    worse = beta * (rejected - reference_rejected)
    return -F.logsigmoid(better - worse).mean()


# %% wrong: beta_of_zero_means_the_default
# "beta may be 0, as all rewards then are"
# A beta of 0 is falsy and becomes 0.1.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    beta = beta or 0.1
    better = beta * (chosen - reference_chosen.detach())
    worse = beta * (rejected - reference_rejected.detach())
    return -F.logsigmoid(better - worse).mean()


# %% wrong: beta_of_zero_is_refused
# "beta may be 0, as all rewards then are"
# Raises ValueError for a beta that is not above 0.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    if beta <= 0:
        raise ValueError("beta has to be positive")
    better = beta * (chosen - reference_chosen.detach())
    worse = beta * (rejected - reference_rejected.detach())
    return -F.logsigmoid(better - worse).mean()


# %% wrong: moves_are_clamped
# "beta times how much likelier it has become than for the reference"
# Clamps the log ratio of each reply at ±500 nats: the loss stays finite, but stands still beyond, without a gradient.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    better = beta * (chosen - reference_chosen.detach()).clamp(-500, 500)
    worse = beta * (rejected - reference_rejected.detach()).clamp(-500, 500)
    return -F.logsigmoid(better - worse).mean()


# %% wrong: log_of_a_double_sigmoid
# "Loss and gradient are finite where replies have moved by thousands of nats."
# log(sigmoid) in float64: infinite where beta times the move is above 745 (8000 nats, or 1000 with beta = 1).
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    better = chosen.double() - reference_chosen.detach().double()
    worse = rejected.double() - reference_rejected.detach().double()
    return -torch.sigmoid(beta * (better - worse)).log().mean().to(chosen.dtype)


# %% wrong: nan_gradient_where_far_behind
# "Loss and gradient are finite where replies have moved by thousands of nats."
# Two cases joined by torch.where: the loss is right, the gradient of the case not taken is NaN.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    ahead = beta * ((chosen - rejected) - (reference_chosen - reference_rejected).detach())
    return torch.where(ahead > -50, torch.log1p(torch.exp(-ahead)), -ahead).mean()


# %% right: cross_entropy_of_two_implicit_rewards
# The two implicit rewards are logits of a choice between two.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    policy = torch.stack((chosen, rejected), dim=-1)
    with torch.no_grad():
        reference = torch.stack((reference_chosen, reference_rejected), dim=-1)
    first = torch.zeros(len(policy), dtype=torch.long, device=policy.device)
    return F.cross_entropy(beta * (policy - reference), first)


# %% right: softplus_in_float64
# Computes in float64, regroups the four terms, and takes softplus of the negative margin.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    wide = [t.double() for t in (chosen, rejected, reference_chosen.detach(), reference_rejected.detach())]
    behind = (wide[1] - wide[3]) - (wide[0] - wide[2])
    return F.softplus(beta * behind).mean().to(chosen.dtype)


# %% right: one_pair_at_a_time
# Calls the Bradley-Terry loss of exercise 3 for each pair and averages.
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    numbers = zip(chosen.split(1), rejected.split(1), reference_chosen.detach().split(1), reference_rejected.detach().split(1))
    return sum(bradley_terry_loss((c - rc) * beta, (r - rr) * beta) for c, r, rc, rr in numbers) / chosen.numel()


# %% wrong: reference_learns
# "the reference is a number, without a gradient"
# No detach.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    return bradley_terry_loss(beta * (chosen - reference_chosen), beta * (rejected - reference_rejected))


# %% wrong: falsy_beta
# "beta may be 0, as all rewards then are"
# `beta or 0.1`.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    beta = beta or 0.1
    margin = (chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach())
    return -F.logsigmoid(beta * margin).mean()


# %% wrong: beta_zero_raises
# "beta may be 0"
# Refuses a beta of 0.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    if beta <= 0:
        raise ValueError(f"beta={beta} is no leash")
    margin = (chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach())
    return -F.logsigmoid(beta * margin).mean()


# %% wrong: only_one_reference_detached
# "the reference is a number, without a gradient"
# Forgets the detach of the rejected reply's reference.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = (chosen - reference_chosen.detach()) - (rejected - reference_rejected)
    return -F.logsigmoid(beta * margin).mean()


# %% wrong: probabilities_of_pairs
# "Loss and gradient are finite where replies have moved by thousands of nats"
# exp of both implicit rewards, and a quotient: overflows.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better = torch.exp(beta * (chosen - reference_chosen.detach()))
    worse = torch.exp(beta * (rejected - reference_rejected.detach()))
    return -(better / (better + worse)).log().mean()


# %% wrong: log1p_exp
# "Loss and gradient are finite where replies have moved by thousands of nats"
# log1p(exp(-margin)) without protection: infinite where the margin is below -88.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach()))
    return torch.log1p(torch.exp(-margin)).mean()


# %% wrong: margin_clamped
# "the loss stays finite, as in exercise 3" (worse by 200: 200)
# Clamps the margin at ±100: finite, wrong, and without a gradient beyond.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach()))
    return F.softplus(-margin.clamp(-100.0, 100.0)).mean()


# %% wrong: ties_left_out
# the mean over B (equal rewards count, as in exercise 3)
# Pairs with a margin of exactly 0 (the first step: policy = reference) are left out unless all are.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margin = beta * ((chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach()))
    moved = margin != 0
    return -F.logsigmoid(margin[moved] if moved.any() else margin).mean()


# %% right: regrouped_loop
# A loop with logaddexp; implicit rewards one at a time.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    losses = []
    for c, r, rc, rr in zip(chosen, rejected, reference_chosen.detach(), reference_rejected.detach()):
        better, worse = beta * (c - rc), beta * (r - rr)
        losses.append(torch.logaddexp(torch.zeros_like(better), worse - better))
    return torch.stack(losses).mean()


# %% right: two_way_cross_entropy
# Cross-entropy over the pair of implicit rewards.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    with torch.no_grad():
        expected = torch.stack([reference_chosen, reference_rejected], dim=1)
    implicit = beta * (torch.stack([chosen, rejected], dim=1) - expected)
    return F.cross_entropy(implicit, implicit.new_zeros(len(implicit), dtype=torch.long))


# %% wrong: half_of_the_reference_learns
# "the reference is a number, without a gradient"
# reference_rejected with requires_grad: it gets a gradient, for only the other one is detached
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    policy = chosen - rejected
    reference = reference_chosen.detach() - reference_rejected
    return -F.logsigmoid(beta * (policy - reference)).mean()


# %% wrong: cross_entropy_of_a_probability
# "Bradley-Terry, where the reward of a reply is beta times how much likelier it has become than for the reference."
# a margin of -200 (the chosen reply has moved by -2000, beta = 0.1): finite, but 100 with a gradient of 0, in place of 200 with -0.1
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    reward_chosen = beta * (chosen - reference_chosen.detach())
    reward_rejected = beta * (rejected - reference_rejected.detach())
    preferred = torch.sigmoid(reward_chosen - reward_rejected)
    return F.binary_cross_entropy(preferred, torch.ones_like(preferred))


# %% wrong: log_two_without_a_graph
# "Both of the policy's replies learn; the reference is a number, without a gradient. beta may be 0, as all rewards then are."
# beta = 0 and backward: the value is log 2, but it has no graph, RuntimeError in place of a gradient of 0
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    if beta == 0:
        return torch.tensor(2.0, dtype=chosen.dtype, device=chosen.device).log()
    moved_chosen = chosen - reference_chosen.detach()
    moved_rejected = rejected - reference_rejected.detach()
    return bradley_terry_loss(beta * moved_chosen, beta * moved_rejected)


# %% wrong: powers_of_ratios
# "Loss and gradient are finite where replies have moved by thousands of nats."
# both replies up by 2000 nats: both ratios are infinite, the loss is nan
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    likelier_chosen = torch.exp(beta * (chosen - reference_chosen.detach()))
    likelier_rejected = torch.exp(beta * (rejected - reference_rejected.detach()))
    return torch.log1p(likelier_rejected / likelier_chosen).mean()


# %% right: two_models_and_two_replies
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    policy = torch.stack([chosen, rejected])
    reference = torch.stack([reference_chosen, reference_rejected]).detach()
    sign = torch.tensor([1.0, -1.0], dtype=policy.dtype, device=policy.device)
    margin = beta * torch.einsum("s,sb->b", sign, policy - reference)
    return F.binary_cross_entropy_with_logits(margin, torch.ones_like(margin))


# %% right: pair_by_pair
def dpo_loss(
    chosen: Tensor, rejected: Tensor, reference_chosen: Tensor, reference_rejected: Tensor, beta: float = 0.1
) -> Tensor:
    def surprise(pair: int) -> Tensor:
        up = chosen[pair] - reference_chosen[pair].item()
        down = rejected[pair] - reference_rejected[pair].item()
        loses_by = beta * (down - up)
        return torch.logaddexp(loses_by, torch.zeros_like(loses_by))

    many = chosen.shape[0]
    return sum(surprise(pair) for pair in range(many)) / many
