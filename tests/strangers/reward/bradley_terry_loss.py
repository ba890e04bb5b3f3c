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


# %% wrong: value_right_gradient_nan
# "choices is older than neural networks, and every reward model is trained with it."
# Where -difference is large another branch is taken: the value is 200, but the gradient at -200 is nan.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    difference = chosen - rejected
    return torch.where(difference < -50, -difference, torch.log1p(torch.exp(-difference))).mean()


# %% wrong: no_gradient_for_ties
# "Equal rewards count as well, with a gradient of one half to either side."
# The stable formula with relu and abs, whose gradient is 0 where the two are equal.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    difference = chosen - rejected
    return (F.relu(-difference) + torch.log1p(torch.exp(-difference.abs()))).mean()


# %% wrong: bounded_difference
# "loss and gradient are finite where rewards are hundreds apart."
# Differences are cut to [-50, 50]: finite, and 50 in place of 200.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -F.logsigmoid((chosen - rejected).clamp(-50.0, 50.0)).mean()


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


# %% wrong: no_gradient_at_a_tie
# "Equal rewards count as well, with a gradient of one half to either side."
# The stable form with relu and abs: the value at equal rewards is right, the gradient there is 0.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    behind = rejected - chosen
    return (F.relu(behind) + torch.log1p(torch.exp(-behind.abs()))).mean()


# %% wrong: whole_gradient_at_a_tie
# "Equal rewards count as well, with a gradient of one half to either side."
# The stable form with two cases joined by a product: at equal rewards the gradient is 0 or 1, not one half.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    behind = rejected - chosen
    larger = torch.where(behind >= 0, behind, torch.zeros_like(behind))
    return (larger + torch.log1p(torch.exp(-torch.abs(behind)))).mean()


# %% wrong: nan_gradient_where_far_behind
# "loss and gradient are finite where rewards are hundreds apart"
# Chooses the stable case with torch.where: the loss is right, the gradient of the case not taken is NaN.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    ahead = chosen - rejected
    return torch.where(ahead > -30, torch.log1p(torch.exp(-ahead)), -ahead).mean()


# %% wrong: difference_clamped
# "Worse by 2: 2.127. And worse by 200: 200, not infinity." and the formula
# Clamps the difference at 256 before the log-sigmoid: beyond it the loss stands still and has no gradient.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    ahead = (chosen - rejected).clamp(min=-256.0, max=256.0)
    return -F.logsigmoid(ahead).mean()


# %% wrong: log_of_a_double_sigmoid
# "loss and gradient are finite where rewards are hundreds apart"
# Takes log(sigmoid) in float64, which is infinite from about 745 on.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    ahead = (chosen - rejected).double()
    return -torch.sigmoid(ahead).log().mean().to(chosen.dtype)


# %% wrong: ties_left_out
# "Equal rewards count as well"
# Comparisons with equal rewards say nothing and are dropped from sum and count, unless all are equal.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    ahead = chosen - rejected
    told = ahead != 0
    if told.any():
        ahead = ahead[told]
    return -F.logsigmoid(ahead).mean()


# %% right: two_log_terms
# log(exp(c) + exp(r)) - c: no text speaks of rewards so large that the digits of a difference are lost.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return (torch.logaddexp(chosen, rejected) - chosen).mean()


# %% right: cross_entropy_of_two_classes
# The two rewards are two logits and the chosen one is class 0.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    both = torch.stack((chosen, rejected), dim=-1)
    return F.cross_entropy(both, torch.zeros(len(both), dtype=torch.long, device=both.device))


# %% right: softplus_of_what_is_missing
# -log σ(x) is softplus(-x), which is exact at both ends.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return F.softplus(rejected - chosen).sum() / chosen.numel()


# %% right: logaddexp_comparison_by_comparison
# A loop over comparisons, each log(1 + exp(-difference)) by logaddexp.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    surprises = []
    for better, worse in zip(chosen, rejected):
        behind = worse - better
        surprises.append(torch.logaddexp(torch.zeros_like(behind), behind))
    return torch.stack(surprises).mean()


# %% wrong: log_of_sigmoid_with_eps
# "loss and gradient are finite where rewards are hundreds apart" / "worse by 200: 200, not infinity"
# log(sigmoid + 1e-12): finite, but stops at 27.6 and without a gradient there.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return -(torch.sigmoid(chosen - rejected) + 1e-12).log().mean()


# %% wrong: naive_softplus
# "loss and gradient are finite where rewards are hundreds apart"
# log(1 + exp(-d)) in float32: infinite from 89 apart.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return torch.log1p(torch.exp(rejected - chosen)).mean()


# %% wrong: where_with_nan_gradient
# "loss and gradient are finite where rewards are hundreds apart"
# torch.where over two forms: the value is right everywhere, the gradient is NaN where the other branch overflows.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    d = chosen - rejected
    return torch.where(d > 0, torch.log1p(torch.exp(-d)), -d + torch.log1p(torch.exp(d))).mean()


# %% wrong: ties_left_out_too
# "Equal rewards count as well"
# Leaves out comparisons of equal rewards, unless all are equal.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    d = chosen - rejected
    if (d != 0).any():
        d = d[d != 0]
    return -F.logsigmoid(d).mean()


# %% wrong: stable_with_abs
# "Equal rewards count as well, with a gradient of one half to either side"
# max(-d, 0) + log1p(exp(-|d|)) with relu and abs: at exactly 0 the gradient of both is 0.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    d = chosen - rejected
    return (F.relu(-d) + torch.log1p(torch.exp(-d.abs()))).mean()


# %% wrong: difference_clamped_too
# "And worse by 200: 200" / "loss and gradient are finite where rewards are hundreds apart"
# Clamps the difference to 50 for stability.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    return F.softplus((rejected - chosen).clamp(-50.0, 50.0)).mean()


# %% wrong: in_place_difference
# "A function of yours leaves what it is given as it was"
# Writes the difference into the caller's chosen when it needs no gradient.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    if chosen.requires_grad:
        d = chosen - rejected
    else:
        d = chosen.sub_(rejected) if not rejected.requires_grad else chosen - rejected
    return -F.logsigmoid(d).mean()


# %% wrong: softplus_rounded_for_large_margin
# "The mean of -log σ(chosen - rejected)"
# From 5 apart "certain": counts as surprise 0, with no gradient.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    d = chosen - rejected
    return torch.where(d > 5, torch.zeros_like(d), F.softplus(-d)).mean()


# %% right: two_class_cross_entropy
# Cross-entropy over the pair, with class 0.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    pair = torch.stack([chosen, rejected], dim=-1)
    return F.cross_entropy(pair, torch.zeros(len(pair), dtype=torch.long, device=pair.device))


# %% right: logaddexp_loop
# A loop with logaddexp of 0 and -d.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    surprises = [torch.logaddexp(torch.zeros_like(c), r - c) for c, r in zip(chosen, rejected)]
    return sum(surprises) / len(surprises)


# %% right: binary_cross_entropy_with_logits
# BCE with logits against ones.
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    d = chosen - rejected
    return F.binary_cross_entropy_with_logits(d, torch.ones_like(d))


# %% wrong: where_hides_the_infinity
# "loss and gradient are finite where rewards are hundreds apart"
# the chosen one worse by 200: the loss is 200, as it should be, and the gradient is nan, for the other side of the where has an infinite one
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    difference = chosen - rejected
    surprise = torch.where(difference > -30, -torch.log(torch.sigmoid(difference)), -difference)
    return surprise.mean()


# %% wrong: no_slope_at_a_tie
# "Equal rewards count as well, with a gradient of one half to either side."
# equal rewards: the loss is log 2, but relu and abs both have the slope 0 at 0, and the gradient is 0
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    worse = rejected - chosen
    return (F.relu(worse) + torch.log1p(torch.exp(-worse.abs()))).mean()


# %% wrong: ties_say_nothing
# "Equal rewards count as well"
# differences 2 and 0: 0.127 in place of 0.410, the tie is left out of the mean as long as there is another comparison
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    surprise = -F.logsigmoid(chosen - rejected)
    decided = chosen != rejected
    return surprise[decided].mean() if decided.any() else surprise.mean()


# %% wrong: double_is_large_enough
# "loss and gradient are finite where rewards are hundreds apart"
# the chosen one worse by 800: exp(800) is infinite in float64 too, loss inf and gradient nan
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    worse = (rejected - chosen).double()
    return torch.log1p(torch.exp(worse)).mean().to(chosen.dtype)


# %% wrong: clamped_at_five_hundred
# "The mean of -log σ(chosen - rejected): how surprised one is that the rater preferred what was preferred."
# the chosen one worse by 700: 500 and a gradient of 0, in place of 700 and -1
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    difference = (chosen - rejected).clamp(-500.0, 500.0)
    return -F.logsigmoid(difference).mean()


# %% right: a_choice_of_two_classes
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    offered = torch.stack([torch.zeros_like(chosen), rejected - chosen], dim=1)
    preferred = torch.zeros(len(chosen), dtype=torch.long, device=chosen.device)
    return F.cross_entropy(offered, preferred)


# %% right: one_comparison_after_the_other
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    nothing = torch.zeros((), dtype=chosen.dtype, device=chosen.device)
    surprises = [torch.logaddexp(nothing, bad - good) for good, bad in zip(chosen.unbind(), rejected.unbind())]
    return torch.stack(surprises).mean()
