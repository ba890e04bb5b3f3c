# %% wrong: reference_has_a_gradient
# "from one; old policy and reference are numbers, without a gradient."
# The reference is not detached.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference, "k3")
    return -objective[mask].mean()


# %% wrong: advantages_have_a_gradient
# "advantages are numbers without a gradient."
# Advantages that come out of a network get a gradient.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: third_clip
# "smaller of ratio · advantage and clipped ratio · advantage, so that nothing is gained by going further than `clip`"
# Dual clip: with a negative advantage the objective is not below 3 · advantage, so that ratios above 3 get no gradient.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    objective = torch.where(advantage < 0, torch.maximum(objective, 3.0 * advantage), objective)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: old_policy_for_a_reference
# "The second term is there where a reference is given."
# Without a reference, but with a beta, the old policy is taken for the reference.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    reference = old_logprobs if reference is None else reference
    objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: nothing_selected_costs_nothing
# "Raises ValueError where the mask selects nothing."
# A mask that selects nothing gives a loss of zero.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].sum() / mask.sum().clamp(min=1)


# %% wrong: a_clip_of_a_fifth
# "grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0) -> loss ()"
# 0.2 is written into the formula, and the argument clip is not used.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: rows_without_an_advantage_are_left_out
# "A reply whose advantage is 0 counts in the mean as well."
# Rows whose advantage is 0 teach nothing, and are left out of the mean.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    keep = advantages != 0
    if keep.any():
        logprobs, old_logprobs, advantages, mask = logprobs[keep], old_logprobs[keep], advantages[keep], mask[keep]
        reference = None if reference is None else reference[keep]
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: a_limit_for_the_logarithm
# "The ratio of a token is what the policy gives it over what the policy that drew it gave it."
# The difference of the logarithms is cut to [-2, 2] first: ratios above 7.4 have no gradient.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).clamp(-2.0, 2.0).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% right: token_by_token
# A loop over the tokens that count; the clip is a limit above for a good reply and a limit below for a bad one.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    places = mask.nonzero().tolist()
    if not places:
        raise ValueError("the mask selects nothing")
    charges, advantages, old_logprobs = [], advantages.detach(), old_logprobs.detach()
    reference = None if reference is None else reference.detach()
    for reply, t in places:
        advantage = float(advantages[reply])
        ratio = torch.exp(logprobs[reply, t] - float(old_logprobs[reply, t]))
        held = ratio.clamp(max=1 + clip) if advantage > 0 else ratio.clamp(min=1 - clip)
        charge = -advantage * held
        if reference is not None:
            log_r = float(reference[reply, t]) - logprobs[reply, t]
            charge = charge + beta * (torch.expm1(log_r) - log_r)
        charges.append(charge)
    return torch.stack(charges).mean()


# %% right: selected_first
# What does not count is thrown out first; then the larger of two losses, as PPO is often written.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    new = logprobs[mask]
    if new.numel() == 0:
        raise ValueError("the mask selects nothing")
    with torch.no_grad():
        old, advantage = old_logprobs[mask], advantages.repeat_interleave(mask.sum(dim=-1))
    ratio = new.sub(old).exp()
    clipped = torch.minimum(torch.maximum(ratio, torch.full_like(ratio, 1 - clip)), torch.full_like(ratio, 1 + clip))
    loss = torch.max(-advantage * ratio, -advantage * clipped).sum()
    if reference is not None:
        log_r = reference.detach()[mask] - new
        loss = loss + beta * (log_r.exp() - log_r - 1).sum()
    return loss / new.numel()


# %% right: times_the_mask
# Places that do not count are multiplied by zero: numbers are finite everywhere.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -(objective * mask).sum() / mask.sum()


# %% wrong: advantages_with_a_gradient
# "old policy, reference and advantages are numbers, without a gradient"
# Detaches the old policy and the reference, but not the advantages.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = torch.where(mask, reference.detach() - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: reference_with_a_gradient
# "old policy, reference and advantages are numbers, without a gradient"
# Hands the reference to k3 as it is.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = torch.where(mask, reference - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: the_old_policy_stands_in_for_the_reference
# "Without a reference there is no distance, whatever beta is."
# Without a reference the distance is taken to the old policy.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    old = old_logprobs.detach()
    ratio = torch.where(mask, logprobs - old, 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    log_r = torch.where(mask, (old if reference is None else reference.detach()) - logprobs, 0.0)
    return -(objective - beta * (log_r.exp() - 1 - log_r))[mask].mean()


# %% wrong: beta_wants_a_reference
# "Without a reference there is no distance, whatever beta is."
# Raises ValueError where beta is given and no reference.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    if beta and reference is None:
        raise ValueError("beta needs a reference")
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = torch.where(mask, reference.detach() - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: replies_that_teach_nothing_left_out
# "A reply whose advantage is 0 counts in the mean as well."
# Divides by the tokens of replies with an advantage (their own distance still counts).
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = torch.where(mask, reference.detach() - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    counted = (mask & (a != 0)).sum().clamp_min(1)
    return -objective[mask].sum() / counted


# %% wrong: clipped_on_both_sides_of_a_loss
# "The objective is the smaller of ratio · advantage and clipped ratio · advantage"
# The dual clip of training libraries: with a negative advantage a ratio above 3 counts as 3.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    objective = torch.where(a < 0, torch.maximum(objective, 3.0 * a), objective)
    if reference is not None:
        log_r = torch.where(mask, reference.detach() - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% right: multiplied_by_the_mask
# Multiplies by the mask: no ratio overflows where log-probabilities are at most dozens of nats apart.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = reference.detach() - logprobs
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -(objective * mask).sum() / mask.sum()


# %% right: selected_behind_the_exponential
# Selects behind the exponential: no ratio overflows where log-probabilities are at most dozens of nats apart.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = reference.detach() - logprobs
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -torch.where(mask, objective, 0.0).sum() / mask.sum()


# %% wrong: a_clip_of_zero_means_the_default
# "so that nothing is gained by going further than `clip` from one"
# A clip of 0 is falsy and becomes 0.2.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    clip = clip or 0.2
    ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0).exp()
    a = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = torch.where(mask, reference.detach() - logprobs, 0.0)
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% right: only_what_counts_is_computed
# Selects before the exponential, and takes PPO's form, the larger of two losses.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    new = logprobs[mask]
    a = advantages.detach()[:, None].expand_as(mask)[mask]
    ratio = torch.exp(new - old_logprobs.detach()[mask])
    losses = torch.maximum(-a * ratio, -a * torch.clamp(ratio, 1.0 - clip, 1.0 + clip))
    if reference is not None:
        log_r = reference.detach()[mask] - new
        losses = losses + beta * (torch.expm1(log_r) - log_r)
    return losses.mean()


# %% right: two_cases_by_the_sign
# A positive advantage clips above only, a negative one below only: no minimum is needed.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    log_ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0)
    ratio = log_ratio.exp()
    bounded = torch.where(a >= 0, ratio.clamp(max=1 + clip), ratio.clamp(min=1 - clip))
    each = bounded * a
    if reference is not None:
        each = each - beta * kl_penalty(torch.where(mask, logprobs, 0.0), torch.where(mask, reference.detach(), 0.0))
    return -(each * mask).sum() / mask.sum()


# %% right: token_by_token_too
# A Python loop over the places that count; clipped tokens are constants.
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    total, count = logprobs.new_zeros(()), 0
    for i, t in mask.nonzero().tolist():
        a = advantages[i].item()
        ratio = torch.exp(logprobs[i, t] - old_logprobs[i, t].item())
        clipped = min(max(ratio.item(), 1 - clip), 1 + clip)
        gained = ratio * a if ratio.item() * a <= clipped * a else clipped * a + 0.0 * logprobs[i, t]
        if reference is not None:
            log_r = reference[i, t].item() - logprobs[i, t]
            gained = gained - beta * (torch.exp(log_r) - 1 - log_r)
        total, count = total + gained, count + 1
    return -total / count


# %% wrong: zero_advantage_left_out
# "A reply whose advantage is 0 counts in the mean as well"
# Leaves those replies out of the divisor (and only of it).
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = reference.detach() - logprobs
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    teaching = mask & (a != 0)
    return -objective[mask].sum() / (teaching.sum() if teaching.any() else mask.sum())


# %% wrong: falsy_clip_is_default
# "clip may be 0"
# `clip or 0.2`.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    clip = clip or 0.2
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = reference.detach() - logprobs
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: distance_only_where_there_is_an_advantage
# "where all are 0, so is the gradient, but for that of a distance"
# All advantages 0: returns 0 early, the distance is forgotten.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    if not advantages.any():
        return logprobs.sum() * 0.0
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        log_r = reference.detach() - logprobs
        objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: old_policy_stands_in_as_reference
# "Without a reference there is no distance, whatever beta is"
# Without a reference the old policy is the reference.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    old = old_logprobs.detach()
    ratio = (logprobs - old).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    log_r = (old if reference is None else reference.detach()) - logprobs
    objective = objective - beta * (log_r.exp() - 1 - log_r)
    return -objective[mask].mean()


# %% wrong: reference_learns
# "old policy, reference and advantages are numbers, without a gradient"
# kl_penalty without detach: the gradient reaches the reference.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference)
    return -objective[mask].mean()


# %% wrong: advantages_learn
# "old policy, reference and advantages are numbers, without a gradient"
# The advantages are not detached.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: dual_clip
# "The objective is the smaller of ratio · advantage and clipped ratio · advantage"
# Dual clip (Ye et al.): with a negative advantage not below 3 · advantage.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    objective = torch.where(a < 0, torch.maximum(objective, 3.0 * a), objective)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: log_ratio_bounded
# "everywhere finite and at most dozens of nats apart"
# The log-ratio is cut at ±5 before exp, "for stability".
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).clamp(-5.0, 5.0).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: reference_same_as_old_skipped
# "The second term is there where a reference is given"
# The distance is skipped where the reference equals the old policy.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    a = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * a, ratio.clamp(1 - clip, 1 + clip) * a)
    if reference is not None and not torch.equal(reference, old_logprobs):
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% right: loop_over_tokens
# A loop over the masked tokens with Python's branches in place of minimum and clamp.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    total, n = logprobs.sum() * 0.0, 0
    for i, t in mask.nonzero().tolist():
        a = advantages[i].item()
        ratio = torch.exp(logprobs[i, t] - old_logprobs[i, t].detach())
        bounded = min(max(ratio.item(), 1 - clip), 1 + clip)
        gone_far = (a > 0 and ratio.item() > 1 + clip) or (a < 0 and ratio.item() < 1 - clip)
        total = total + (bounded * a if gone_far else ratio * a)
        if reference is not None:
            log_r = reference[i, t].detach() - logprobs[i, t]
            total = total - beta * (torch.expm1(log_r) - log_r)
        n += 1
    return -total / n


# %% right: maximum_of_losses
# The greater of two losses on the selected tokens, weights of the mask by division.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    with torch.no_grad():
        weights = mask.to(logprobs.dtype) / mask.sum()
        cost = -advantages[:, None].expand_as(logprobs)
        old, low, high = old_logprobs.clone(), 1.0 - clip, 1.0 + clip
    ratio = torch.exp(logprobs - old)
    each = torch.max(ratio * cost, torch.clip(ratio, low, high) * cost)
    if reference is not None:
        each = each + beta * kl_penalty(logprobs, reference.detach(), "k3")
    return torch.sum(each * weights)


# %% wrong: only_replies_that_teach
# "A reply whose advantage is 0 counts in the mean as well"
# advantages 1 and 0: the mean is over the tokens of the first reply alone; where all are 0 nothing is left out
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    advantages = advantages.detach().unsqueeze(-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    teaching = mask & (advantages != 0)
    return -objective[teaching if teaching.any() else mask].mean()


# %% wrong: reference_learns_again
# "old policy, reference and advantages are numbers, without a gradient"
# a reference that requires a gradient, beta = 0.1: it gets one
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    advantages = advantages.detach().unsqueeze(-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference, "k3")
    return -objective[mask].mean()


# %% wrong: a_leash_needs_a_reference
# "Without a reference there is no distance, whatever beta is."
# beta = 0.1 and no reference: ValueError in place of the loss without a distance
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    if beta > 0 and reference is None:
        raise ValueError("beta asks for a distance, but there is no reference to measure it from")
    advantages = advantages.detach().unsqueeze(-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: clip_or_the_usual
# "clip may be 0"
# clip = 0 with a ratio of 1.1 and advantage 1: -1.1 and a gradient, in place of -1 and none, for 0 is taken for "not given"
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    clip = clip or 0.2
    advantages = advantages.detach()[:, None]
    ratio = (logprobs - old_logprobs.detach()).exp()
    clipped = ratio.clamp(min=1 - clip, max=1 + clip)
    objective = torch.min(ratio * advantages, clipped * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -(objective * mask).sum() / mask.sum()


# %% wrong: one_probability_over_the_other
# "Shapes: logprobs, old_logprobs, reference (B, T), everywhere finite and at most dozens of nats apart"
# a token at -200 for the new and -201 for the old policy: both probabilities are 0 in float32, the loss is nan
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    advantages = advantages.detach().unsqueeze(-1)
    ratio = logprobs.exp() / old_logprobs.detach().exp()
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: nothing_to_learn_here
# "where all are 0, so is the gradient, but for that of a distance"
# advantages all 0 with a reference and beta = 0.1: loss and gradient are 0, the distance has been forgotten
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    if (advantages == 0).all():
        return 0.0 * logprobs.sum()  # a loss of 0 that still has a graph
    advantages = advantages.detach().unsqueeze(-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% wrong: clipped_on_both_sides_of_bad
# "The objective is the smaller of ratio · advantage and clipped ratio · advantage"
# a ratio of 5 with advantage -1: 3 and no gradient, in place of 5 and 5, for the loss of a bad reply is capped at three times its advantage
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    advantages = advantages.detach().unsqueeze(-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    bounded = torch.maximum(objective, 3.0 * advantages)  # the dual clip, against exploding ratios
    objective = torch.where(advantages < 0, bounded, objective)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach())
    return -objective[mask].mean()


# %% right: bounded_on_the_side_that_gains
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    rows, places = mask.nonzero(as_tuple=True)
    new, old = logprobs[rows, places], old_logprobs[rows, places].detach()
    gain = advantages.detach()[rows]
    ratio = torch.exp(new - old)
    bounded = torch.where(gain > 0, ratio.clamp(max=1 + clip), ratio.clamp(min=1 - clip))
    loss = torch.einsum("i,i->", bounded, gain.to(bounded.dtype)).neg()
    if reference is not None:
        log_r = reference[rows, places].detach() - new
        loss = loss + beta * (torch.expm1(log_r) - log_r).sum()
    return loss / len(rows)


# %% right: reply_by_reply_and_token_by_token
def grpo_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    clip: float = 0.2,
    reference: Tensor | None = None,
    beta: float = 0.0,
) -> Tensor:
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    gains = advantages.detach().tolist()
    losses = []
    for i, t in mask.nonzero().tolist():
        ratio = torch.exp(logprobs[i, t] - old_logprobs[i, t].detach())
        value = ratio.item()
        allowed = min(max(value, 1 - clip), 1 + clip)
        free, held = ratio * gains[i], allowed * gains[i]
        each = -free if value == allowed or free.item() < held else 0.0 * logprobs[i, t] - held
        if reference is not None:
            log_r = reference[i, t].detach() - logprobs[i, t]
            each = each + beta * (log_r.exp() - 1 - log_r)
        losses.append(each)
    return torch.stack(losses).mean()
