# %% wrong: a_high_limit_of_zero_is_none
# "The objective of a token is the smaller of ratio · advantage and clipped ratio · advantage, the ratio being what the policy gives it over what the policy that drew it gave it, clipped to 1 - clip_low and 1 + clip_high."
# `clip_high or clip_low`: with clip_high=0.0 the upper limit is that of the other side
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}: it is one of tokens, replies, longest")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    low, high = 1 - clip_low, 1 + (clip_high or clip_low)  # without a limit of its own: the same to both sides
    gain = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old_logprobs.detach()).exp()
    objective = torch.minimum(ratio * gain, ratio.clamp(low, high) * gain).masked_fill(~mask, 0.0)
    if over == "tokens":
        return -objective.sum() / mask.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.sum() / mask.numel()


# %% wrong: no_ratio_above_e_to_the_twenty
# "Shapes: logprobs, old_logprobs (B, T), everywhere finite and at most dozens of nats apart, advantages (B), mask boolean (B, T) -> ()."
# keeps exp from overflowing by a limit of 20 nats on the difference, which dozens of nats exceed (seen where the advantage is below 0)
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}: it is one of tokens, replies, longest")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    gain = advantages.detach()[:, None]
    ratio = torch.exp((logprobs - old_logprobs.detach()).clamp(-20.0, 20.0))  # stable
    objective = torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)
    objective = torch.where(mask, objective, torch.zeros_like(objective))
    match over:
        case "tokens":
            return -objective.sum() / mask.sum()
        case "replies":
            return -(objective.sum(-1) / mask.sum(-1).clamp(min=1)).mean()
        case _:
            return -objective.mean()


# %% wrong: longest_reply_that_is_there
# "over "longest": the sum over all of them, divided by B · T, the same for short replies and long ones."
# divides by B times the length of the longest reply in the batch, which is less than T where none fills its row
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}: it is one of tokens, replies, longest")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    lengths = mask.sum(dim=-1)
    gain = advantages.detach().unsqueeze(dim=-1)
    ratio = torch.exp(logprobs - old_logprobs.detach())
    objective = torch.min(ratio * gain, torch.clamp(ratio, 1 - clip_low, 1 + clip_high) * gain)
    sums = objective.masked_fill(~mask, 0.0).sum(dim=-1)
    if over == "tokens":
        return -sums.sum() / lengths.sum()
    if over == "replies":
        return -(sums / lengths.clamp(min=1)).mean()
    return -(sums / lengths.max()).mean()


# %% wrong: evens_out_the_padding_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# writes the new log-probabilities into the old ones where the mask is False, in the caller's tensor (detach shares its memory)
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}: it is one of tokens, replies, longest")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    old = old_logprobs.detach()
    old[~mask] = logprobs.detach()[~mask].to(
        old.dtype
    )  # a ratio of 1 where nothing was written: nothing can overflow there
    gain = advantages.detach().unsqueeze(-1)
    ratio = (logprobs - old).exp()
    objective = torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain) * mask
    if over == "tokens":
        return -objective.sum() / mask.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.sum() / (mask.shape[0] * mask.shape[1])


# %% wrong: advantages_are_learned_too
# "Old policy and advantages are numbers, without a gradient."
# only the old log-probabilities are detached; advantages that come with a graph get a gradient
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}: it is one of tokens, replies, longest")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    with torch.no_grad():
        old = old_logprobs.clone()
    ratio = torch.exp(logprobs - old)
    clipped = ratio.clamp(1 - clip_low, 1 + clip_high)
    objective = torch.minimum(ratio * advantages.unsqueeze(-1), clipped * advantages.unsqueeze(-1))
    objective = objective.masked_fill(~mask, 0.0)
    if over == "tokens":
        return -(objective.sum() / mask.sum())
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.mean()


# %% wrong: a_gradient_from_nothing
# "then the mean over replies, in which one without a token counts as 0"
# over replies: 0/0 is replaced in the value, but its NaN goes back through the product with the mask into every weight
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).exp()
    gain = advantages.detach().unsqueeze(-1)
    objective = torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)
    weights = mask.to(objective.dtype)
    counted = objective * weights
    if over == "tokens":
        return -counted.sum() / weights.sum()
    if over == "longest":
        return -counted.mean()
    lengths = weights.sum(dim=-1)
    means = counted.sum(dim=-1) / lengths
    return -torch.where(lengths > 0, means, torch.zeros_like(means)).mean()


# %% wrong: the_longest_that_was_written
# "over "longest": the sum over all of them, divided by B · T, the same for short replies and long ones."
# divides by B times the length of the longest reply, not of the row: differs where a column is padding for all
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = torch.exp(logprobs - old_logprobs.detach())
    advantage = advantages.detach()[:, None]
    objective = torch.min(ratio * advantage, ratio.clamp(1 - clip_low, 1 + clip_high) * advantage)
    objective = objective.masked_fill(~mask, 0.0)
    lengths = mask.sum(dim=-1)
    if over == "tokens":
        return -objective.sum() / lengths.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / lengths.clamp(min=1)).mean()
    return -objective.sum() / (len(mask) * lengths.max())


# %% wrong: advantages_learn_too
# "Old policy and advantages are numbers, without a gradient."
# the advantages are not detached: where they come with a gradient, it flows into what they were made of
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    with torch.no_grad():
        old = old_logprobs.clone()
    ratio = (logprobs - old).exp()
    advantages = advantages.unsqueeze(dim=-1)
    clipped = ratio.clamp(min=1 - clip_low, max=1 + clip_high)
    objective = torch.minimum(ratio * advantages, clipped * advantages).masked_fill(~mask, 0.0)
    if over == "tokens":
        mean = objective.sum() / mask.sum()
    elif over == "replies":
        mean = (objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    else:
        mean = objective.sum() / mask.numel()
    return -mean


# %% wrong: a_safe_exponent
# "logprobs, old_logprobs (B, T), everywhere finite and at most dozens of nats apart"
# keeps the difference within 20 nats before exp: beyond them the loss of a wrong reply is too small and has no gradient
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ratio = (logprobs - old_logprobs.detach()).clamp(-20.0, 20.0).exp()  # exp must not overflow
    gain = advantages.detach()[:, None]
    objective = torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)
    objective = objective.masked_fill(~mask, 0.0)
    if over == "tokens":
        return -objective.sum() / mask.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.mean()


# %% wrong: padding_made_harmless_in_place
# "A function of yours leaves what it is given as it was, unless its text says what it changes."
# detach shares the memory: the old log-probabilities of the caller are overwritten at the padding
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    old = old_logprobs.detach()
    old[~mask] = logprobs.detach()[~mask].to(old.dtype)  # a ratio of 1 where nothing was written
    ratio = (logprobs - old).exp()
    gain = advantages.detach()[:, None]
    objective = torch.minimum(ratio * gain, ratio.clamp(1 - clip_low, 1 + clip_high) * gain)
    objective = objective.masked_fill(~mask, 0.0)
    if over == "tokens":
        return -objective.sum() / mask.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.mean()


# %% right: token_by_token
# Python loops over replies and tokens, with weights from a table, and a case for each sign of the advantage
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    lengths = [sum(row) for row in mask.tolist()]
    n_replies, width = mask.shape
    weights = {
        "tokens": lambda i: 1 / sum(lengths),
        "replies": lambda i: 1 / (n_replies * lengths[i]),
        "longest": lambda i: 1 / (n_replies * width),
    }
    if over not in weights:
        raise ValueError(f"over={over!r}")
    if not sum(lengths):
        raise ValueError("no token at all")
    loss = (logprobs * 0.0).sum()
    for i, row in enumerate(mask.tolist()):
        gain = advantages[i].detach()
        for t in [t for t, counts in enumerate(row) if counts]:
            ratio = (logprobs[i, t] - old_logprobs[i, t].detach()).exp()
            if gain > 0:
                kept = ratio.clamp(max=1 + clip_high)
            else:
                kept = ratio.clamp(min=1 - clip_low)
            loss = loss - weights[over](i) * gain * kept
    return loss


# %% right: gradient_by_hand
# a torch.autograd.Function whose backward is written out, on the flat list of the tokens that count
class _Clipped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, new, old, gain, weight, low, high):
        ratio = torch.exp(new - old)
        plain, clipped = ratio * gain, ratio.clamp(low, high) * gain
        inside = (ratio >= low) & (ratio <= high)
        slope = torch.where(inside | (plain < clipped), ratio * gain, torch.zeros_like(plain))
        ctx.save_for_backward(-slope * weight)
        return -(torch.minimum(plain, clipped) * weight).sum()

    @staticmethod
    def backward(ctx, came):
        return came * ctx.saved_tensors[0], None, None, None, None, None


def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    reply, place = mask.nonzero(as_tuple=True)
    lengths = torch.bincount(reply, minlength=mask.shape[0]).to(logprobs.dtype)
    if over == "tokens":
        weight = torch.full_like(reply, 1, dtype=logprobs.dtype) / max(len(reply), 1)
    elif over == "replies":
        weight = 1 / (lengths[reply] * mask.shape[0])
    elif over == "longest":
        weight = torch.full_like(reply, 1, dtype=logprobs.dtype) / mask.numel()
    else:
        raise ValueError(f"over={over!r}")
    if len(reply) == 0:
        raise ValueError("nothing is selected")
    return _Clipped.apply(
        logprobs[reply, place],
        old_logprobs.detach()[reply, place],
        advantages.detach()[reply],
        weight,
        1 - clip_low,
        1 + clip_high,
    )


# %% right: token_by_token_too
# loops over the selected tokens and adds up scalars; the limit that can bind follows from the advantage's sign
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if over not in ("tokens", "replies", "longest"):
        raise ValueError(f"over={over!r}")
    if int(mask.sum()) == 0:
        raise ValueError("the mask selects nothing")
    n_rows, n_columns = mask.shape
    lengths = [int(row.sum()) for row in mask]
    loss = (logprobs * 0).sum()
    for i in range(n_rows):
        advantage = advantages[i].item()
        for t in range(n_columns):
            if not bool(mask[i, t]):
                continue
            ratio = torch.exp(logprobs[i, t] - old_logprobs[i, t].item())
            if advantage > 0:
                ratio = ratio if ratio.item() <= 1 + clip_high else torch.full_like(ratio, 1 + clip_high)
            else:
                ratio = ratio if ratio.item() >= 1 - clip_low else torch.full_like(ratio, 1 - clip_low)
            share = {"tokens": sum(lengths), "replies": n_rows * lengths[i], "longest": n_rows * n_columns}[over]
            loss = loss - ratio * advantage / share
    return loss


# %% right: one_weight_for_each_token
# a table of weights first, then one sum of products over the selected tokens alone, in float64
def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    if not (over == "tokens" or over == "replies" or over == "longest"):
        raise ValueError(f"over={over!r}")
    rows, columns = mask.nonzero(as_tuple=True)
    if len(rows) == 0:
        raise ValueError("the mask selects nothing")
    n_replies, longest = mask.shape
    lengths = torch.bincount(rows, minlength=n_replies).double()
    if over == "tokens":
        weights = torch.full((len(rows),), 1 / len(rows), dtype=torch.float64, device=logprobs.device)
    elif over == "replies":
        weights = 1 / (n_replies * lengths[rows])
    else:
        weights = torch.ones(len(rows), dtype=torch.float64, device=logprobs.device) / (n_replies * longest)
    gain = advantages.detach().double()[rows]
    ratio = (logprobs[rows, columns].double() - old_logprobs.detach()[rows, columns].double()).exp()
    held = torch.where(gain > 0, ratio.clamp(max=1 + clip_high), ratio.clamp(min=1 - clip_low))
    return torch.einsum("n,n,n->", -weights, held, gain).to(logprobs.dtype)
