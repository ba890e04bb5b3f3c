# %% wrong: mean_of_the_replies_means
# "The mean is over all tokens of all replies."
# Each reply has its mean, and the mean of these is taken: right for replies of one length.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    objective, counts = torch.where(mask, objective, 0.0).sum(dim=-1), mask.sum(dim=-1)
    return -(objective[counts > 0] / counts[counts > 0]).mean()


# %% wrong: smaller_of_the_ratios
# "Take `torch.minimum` of the two products, not of the"
# The smaller of ratio and clipped ratio, times the advantage: with a positive advantage it is the same.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio, ratio.clamp(1 - clip, 1 + clip)) * advantages.detach().unsqueeze(-1)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: always_clipped
# "| 0.5 | 1 | 0.5 | 0.8 | 0.5 | yes: it went the wrong way |"
# Only the clipped product, without the minimum: what went the wrong way gets no gradient.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = ratio.clamp(1 - clip, 1 + clip) * advantages.detach().unsqueeze(-1)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


# %% wrong: old_has_a_gradient
# "where old and new are the same tensor, as in the first step, the ratio is 1 and has a gradient"
# The old log-probabilities are not detached: where old and new are the same tensor the gradient is zero.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -objective[mask].mean()


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


# %% wrong: another_estimator
# "Minus the clipped objective, and beta times the k3 distance to a reference: a mean over all tokens of replies."
# The distance is k2, which is nearly the same where policy and reference are close.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k2")
    return -objective[mask].mean()


# %% wrong: distance_over_all_places
# "mask boolean (B, T): the places that count"
# The objective is averaged over the mask, the distance over all places, padding and all.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    loss = -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)[mask].mean()
    if reference is not None:
        loss = loss + beta * kl_penalty(logprobs, reference.detach(), "k3").mean()
    return loss


# %% wrong: divides_by_all_places
# "`objective[mask].mean()` is the mean over what the mask selects."
# What the mask does not select is zero, and the mean is over all places.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -(objective * mask).mean()


# %% wrong: times_the_mask
# "(B, T): the places that count -> ()."
# Places that do not count are multiplied by zero: an infinity there (as of padding) makes the loss nan.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
        objective = objective - beta * kl_penalty(logprobs, reference.detach(), "k3")
    return -(objective * mask).sum() / mask.sum()


# %% wrong: same_way_up_and_down
# "| 0.5 | -1 | -0.5 | -0.8 | -0.8 | none |"
# The lower limit of the clip is 1 / (1 + clip), the upper one turned around, and not 1 - clip.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 / (1 + clip), 1 + clip) * advantage)
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


# %% wrong: ratio_of_the_reply
# "The ratio of a token is what the policy gives it over what the policy that drew it gave it."
# One ratio for a whole reply, the geometric mean of its tokens': right for replies of one token.
def grpo_loss(logprobs, old_logprobs, advantages, mask, clip=0.2, reference=None, beta=0.0):
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    log_ratio = torch.where(mask, logprobs - old_logprobs.detach(), 0.0)
    log_ratio = log_ratio.sum(dim=-1, keepdim=True) / mask.sum(dim=-1, keepdim=True).clamp(min=1)
    ratio = log_ratio.exp().expand_as(logprobs)
    advantage = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)
    if reference is not None:
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
