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


# %% wrong: beta_outside
# "**The formula.** The *implicit reward* of a reply is $\beta (\log \pi(y) - \log \pi_\text{ref}(y))$. So"
# beta stands in front of the loss, not inside of the sigmoid: right for beta = 1.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    return beta * bradley_terry_loss(chosen - reference_chosen.detach(), rejected - reference_rejected.detach())


# %% wrong: beta_of_zero_is_the_default
# "Bradley-Terry, where the reward of a reply is beta times how much likelier it has become than for the reference."
# `beta or 0.1`: a beta of 0, where every reward is 0 and the loss log 2, becomes 0.1.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    beta = beta or 0.1
    better, worse = chosen - reference_chosen.detach(), rejected - reference_rejected.detach()
    return bradley_terry_loss(beta * better, beta * worse)


# %% wrong: chosen_may_not_fall
# "where the reward of a reply is beta times how much likelier it has become than for the reference."
# As in DPO-positive a chosen reply that became less likely is charged once more: right where it became likelier.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better, worse = chosen - reference_chosen.detach(), rejected - reference_rejected.detach()
    return bradley_terry_loss(beta * (better - 5.0 * F.relu(-better)), beta * worse)


# %% wrong: mean_margin
# "its argument is already a mean of surprises."
# The mean over the pairs is inside the logarithm of the sigmoid: right for one pair.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    margins = (chosen - reference_chosen.detach()) - (rejected - reference_rejected.detach())
    return -F.logsigmoid(beta * margins.mean())


# %% wrong: bounded_log_ratios
# "The *implicit reward* of a reply is"
# Log-ratios are cut to [-10, 10]: a reply that went further has no more reward, and no gradient.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better = (chosen - reference_chosen.detach()).clamp(-10.0, 10.0)
    worse = (rejected - reference_rejected.detach()).clamp(-10.0, 10.0)
    return bradley_terry_loss(beta * better, beta * worse)


# %% wrong: only_the_chosen_learns
# "Two implicit rewards, and `bradley_terry_loss` of them:"
# The rejected reply's log-probability is detached: nothing pushes it down.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better, worse = chosen - reference_chosen.detach(), (rejected - reference_rejected).detach()
    return bradley_terry_loss(beta * better, beta * worse)


# %% wrong: already_right_pairs_teach_nothing
# "That the rejected one is still the likelier of the two does not matter."
# Pairs whose chosen reply is already the likelier one under the policy are left out of the mean, unless all are.
def dpo_loss(chosen, rejected, reference_chosen, reference_rejected, beta=0.1):
    better, worse = chosen - reference_chosen.detach(), rejected - reference_rejected.detach()
    open_pairs = chosen <= rejected
    if open_pairs.any():
        better, worse = better[open_pairs], worse[open_pairs]
    return bradley_terry_loss(beta * better, beta * worse)


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
