# %% wrong: an_end_at_once_is_no_end
# "That token is part of what is learned, and not of the text, which is `decode` of the tokens before it; all behind it is neither."
# `position or n_tokens`: where the first token of a reply is the end, at position 0, the text is all that was written
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, length = prompts.shape
    rows = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    written = rows[:, length:]
    is_end = written == end
    learned = is_end.cumsum(dim=-1) - is_end.long() == 0

    texts = []
    for reply in written.tolist():
        first = next((place for place, token in enumerate(reply) if token == end), None)
        texts.append(decode(reply[: first or n_tokens]))
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    advantages = group_advantages(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards

    mask = torch.cat([torch.zeros(len(rows), length, dtype=torch.bool, device=rows.device), learned], dim=1)
    old = None
    for _ in range(passes):
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, length - 1 :]
        old = new.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(new, old, advantages.flatten().to(new.device), learned, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: equal_over_all_groups_at_once
# "Where in each group all rewards are equal, no step is taken: weights, gradients and optimiser stay as they are."
# asks whether all rewards of the batch are equal; with one group all right and another all wrong a step without a gradient is taken
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, length = prompts.shape
    rows = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    written = rows[:, length:]
    is_end = written == end
    learned = is_end.cumsum(dim=-1) - is_end.long() == 0
    texts = [decode(reply[: reply.index(end)] if end in reply else reply) for reply in written.tolist()]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    advantages = group_advantages(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)
    if rewards.min() == rewards.max():  # nothing to compare
        return rewards

    mask = torch.cat([torch.zeros(len(rows), length, dtype=torch.bool, device=rows.device), learned], dim=1)
    old = None
    for _ in range(passes):
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, length - 1 :]
        old = new.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(new, old, advantages.flatten().to(new.device), learned, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: divides_by_the_spread_in_any_case
# "Raises what its parts raise, so for groups of one ValueError, if by spread."
# computes `group_advantages` first and replaces it with by_spread=False, so that groups of one raise there too
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, length = prompts.shape
    rows = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    written = rows[:, length:]
    is_end = written == end
    learned = is_end.cumsum(dim=-1) - is_end.long() == 0
    texts = [decode(reply[: reply.index(end)] if end in reply else reply) for reply in written.tolist()]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    advantages = group_advantages(rewards)
    if not by_spread:
        advantages = rewards - rewards.mean(dim=-1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards

    mask = torch.cat([torch.zeros(len(rows), length, dtype=torch.bool, device=rows.device), learned], dim=1)
    old = None
    for _ in range(passes):
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, length - 1 :]
        old = new.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(new, old, advantages.flatten().to(new.device), learned, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: draws_in_evaluation_mode
# "The model's mode stays as it is, all along."
# draws with the model in evaluation mode, as one does, and sets the mode back afterwards
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, length = prompts.shape
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        rows = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    finally:
        for module, mode in modes.items():
            module.training = mode
    written = rows[:, length:]
    is_end = written == end
    learned = is_end.cumsum(dim=-1) - is_end.long() == 0
    texts = [decode(reply[: reply.index(end)] if end in reply else reply) for reply in written.tolist()]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    advantages = group_advantages(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards

    mask = torch.cat([torch.zeros(len(rows), length, dtype=torch.bool, device=rows.device), learned], dim=1)
    old = None
    for _ in range(passes):
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, length - 1 :]
        old = new.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(new, old, advantages.flatten().to(new.device), learned, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: leaves_out_groups_that_agree
# "The loss is `policy_loss` of their last `n_tokens` places, those of the replies, with a mask that selects what is learned, and is given all further arguments."
# takes the replies of groups without a spread out of the mask, "since they teach nothing": the number of tokens under the mean is smaller (seen only over "tokens")
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, length = prompts.shape
    rows = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    written = rows[:, length:]
    is_end = written == end
    learned = is_end.cumsum(dim=-1) - is_end.long() == 0
    texts = [decode(reply[: reply.index(end)] if end in reply else reply) for reply in written.tolist()]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    advantages = group_advantages(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)
    teaches = (rewards != rewards[:, :1]).any(dim=-1)
    if not teaches.any():
        return rewards

    learned = learned & teaches.repeat_interleave(group_size).to(learned.device).unsqueeze(-1)
    mask = torch.cat([torch.zeros(len(rows), length, dtype=torch.bool, device=rows.device), learned], dim=1)
    old = None
    for _ in range(passes):
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, length - 1 :]
        old = new.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(new, old, advantages.flatten().to(new.device), learned, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: equal_over_all_groups
# "Where in each group all rewards are equal, no step is taken: weights, gradients and optimiser stay as they are."
# looks whether all rewards of the batch are equal: one group all right beside one all wrong gets a step (decay, momentum)
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.shape
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    reply = tokens[:, n_prompt:]
    is_end = (reply == end).long()
    mask = is_end.cumsum(dim=-1) - is_end == 0
    texts = [decode(row[keep & (row != end)].tolist()) for row, keep in zip(reply, mask)]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).view(n_prompts, group_size)
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = rewards - rewards.mean(dim=-1, keepdim=True)
    if rewards.min() == rewards.max():
        return rewards
    advantages = advantages.flatten().to(prompts.device)
    whole = F.pad(mask, (n_prompt, 0), value=False)
    old = None
    for _ in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, whole)[:, -n_tokens:]
        old = logprobs.detach() if old is None else old
        optimiser.zero_grad()
        policy_loss(logprobs, old, advantages, mask, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: nothing_to_compare_with
# "Raises what its parts raise, so for groups of one ValueError, if by spread."
# returns before `group_advantages` is called, since a group of one has equal rewards: no ValueError
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.shape
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    is_end = (tokens[:, n_prompt:] == end).long()
    before = is_end.cumsum(dim=-1) == 0
    mask = is_end.cumsum(dim=-1) - is_end == 0
    texts = [decode(row[stands].tolist()) for row, stands in zip(tokens[:, n_prompt:], before)]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).reshape(n_prompts, group_size)
    if (rewards == rewards[:, :1]).all():
        return rewards
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = rewards - rewards.mean(dim=1, keepdim=True)
    advantages = advantages.reshape(-1).to(tokens.device)
    whole = torch.cat([torch.zeros_like(tokens[:, :n_prompt], dtype=torch.bool), mask], dim=1)
    for turn in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, whole)[:, n_prompt - 1 :]
        if turn == 0:
            old = logprobs.detach()
        optimiser.zero_grad()
        policy_loss(logprobs, old, advantages, mask, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: without_the_groups_that_teach_nothing
# "The loss is `policy_loss` of their last `n_tokens` places, those of the replies, with a mask that selects what is learned"
# leaves groups with equal rewards out of the loss (as dynamic sampling does), so that the mean is over fewer tokens and replies
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.shape
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    is_end = (tokens[:, n_prompt:] == end).long()
    n_ends = is_end.cumsum(dim=-1)
    mask = n_ends - is_end == 0
    texts = [decode(row[stands].tolist()) for row, stands in zip(tokens[:, n_prompt:], n_ends == 0)]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).reshape(n_prompts, group_size)
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = rewards - rewards.mean(dim=1, keepdim=True)
    teaches = (rewards != rewards[:, :1]).any(dim=1)
    if not teaches.any():
        return rewards
    kept = teaches.repeat_interleave(group_size).to(tokens.device)
    tokens, mask = tokens[kept], mask[kept]
    advantages = advantages.reshape(-1).to(tokens.device)[kept]
    whole = F.pad(mask, (n_prompt, 0), value=False)
    old = None
    for _ in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, whole)[:, -n_tokens:]
        if old is None:
            old = logprobs.detach()
        optimiser.zero_grad()
        policy_loss(logprobs, old, advantages, mask, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: drawn_without_dropout
# "The model's mode stays as it is, all along."
# draws in eval mode and puts the mode back: drawn without dropout, and a part that was frozen in eval is set to train
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.shape
    was_training = model.training
    model.eval()
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    model.train(was_training)
    is_end = (tokens[:, n_prompt:] == end).long()
    n_ends = is_end.cumsum(dim=-1)
    mask = n_ends - is_end == 0
    texts = [decode(row[stands].tolist()) for row, stands in zip(tokens[:, n_prompt:], n_ends == 0)]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).reshape(n_prompts, group_size)
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = rewards - rewards.mean(dim=1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards
    advantages = advantages.reshape(-1).to(tokens.device)
    whole = F.pad(mask, (n_prompt, 0), value=False)
    old = None
    for _ in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, whole)[:, -n_tokens:]
        if old is None:
            old = logprobs.detach()
        optimiser.zero_grad()
        policy_loss(logprobs, old, advantages, mask, **loss).backward()
        optimiser.step()
    return rewards


# %% wrong: the_last_word_is_taken_for_the_end
# "That token is part of what is learned, and not of the text, which is `decode` of the tokens before it"
# the text is what is learned without its last token: a reply that never comes to its end loses a token of its text
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.shape
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose=choose)
    is_end = (tokens[:, n_prompt:] == end).long()
    mask = is_end.cumsum(dim=-1) - is_end == 0
    texts = [decode(row[chosen].tolist()[:-1]) for row, chosen in zip(tokens[:, n_prompt:], mask)]
    rewards = verify(texts, [truth for truth in truths for _ in range(group_size)]).reshape(n_prompts, group_size)
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = rewards - rewards.mean(dim=1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards
    advantages = advantages.reshape(-1).to(tokens.device)
    whole = F.pad(mask, (n_prompt, 0), value=False)
    old = None
    for _ in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, whole)[:, -n_tokens:]
        if old is None:
            old = logprobs.detach()
        optimiser.zero_grad()
        policy_loss(logprobs, old, advantages, mask, **loss).backward()
        optimiser.step()
    return rewards


# %% right: reply_by_reply
# loops and lists for texts, truths and mask; the old log-probabilities in a run of their own, without a graph
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    width = prompts.size(1)
    copies = torch.stack([row for row in prompts for _ in range(group_size)])
    rows = generate(model, copies, n_tokens, choose=choose)
    texts, flags, due = [], [], []
    for i, row in enumerate(rows.tolist()):
        text, flag, going = [], [False] * width, True
        for token in row[width:]:
            flag.append(going)
            going = going and token != end
            if going:
                text.append(token)
        texts.append(decode(text))
        flags.append(flag)
        due.append(truths[i // group_size])
    rewards = torch.stack(verify(texts, due).split(group_size))
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = torch.stack([group - group.mean() for group in rewards])
    if all(len(set(group)) == 1 for group in rewards.tolist()):
        return rewards
    mask = torch.tensor(flags, device=rows.device)
    gain = advantages.reshape(-1).to(rows.device)
    with torch.no_grad():
        old = sequence_logprobs(model(rows)[0], rows, mask)[:, -n_tokens:].clone()
    while passes > 0:
        optimiser.zero_grad()
        new = sequence_logprobs(model(rows)[0], rows, mask)[:, -n_tokens:]
        policy_loss(new, old, gain, mask[:, -n_tokens:], **loss).backward()
        optimiser.step()
        passes -= 1
    return rewards


# %% right: the_optimiser_asks
# hands the optimiser a closure that computes the loss; the mask from cumprod; rewards kept as they are by working on a copy
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    p, t = prompts.shape
    rows = generate(
        model, prompts[:, None].expand(p, group_size, t).reshape(p * group_size, t), n_tokens, choose=choose
    )
    going_on = (rows[:, t:] != end).long().cumprod(dim=1)  # 1 up to the end, without it
    learned = F.pad(going_on, (1, -1), value=1).bool()  # and with it: one place later
    texts = [decode(row[t : t + length]) for row, length in zip(rows.tolist(), going_on.sum(dim=1).tolist())]
    rewards = verify(texts, sum(([truth] * group_size for truth in truths), [])).reshape(p, group_size)
    gain = group_advantages(rewards.clone()) if by_spread else rewards.sub(rewards.mean(1, True))
    if torch.equal(rewards.amin(1), rewards.amax(1)):
        return rewards
    whole = F.pad(learned.long(), (t, 0)).bool()
    kept: list[Tensor] = []

    def closure() -> Tensor:
        optimiser.zero_grad()
        new = sequence_logprobs(model(rows)[0], rows, whole).narrow(1, t - 1, n_tokens)
        if not kept:
            kept.append(new.detach().clone())
        its_loss = policy_loss(new, kept[0], gain.reshape(-1).to(new.device), learned, **loss)
        its_loss.backward()
        return its_loss

    for _ in range(passes):
        optimiser.step(closure)
    return rewards


# %% right: lists_and_lengths
# replies as lists of Python's, ends by list.index, masks from lengths, the means by hand
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    width = prompts.shape[1]
    copies = torch.stack([prompt for prompt in prompts for _ in range(group_size)])
    rows = generate(model, copies, n_tokens, choose=choose)
    texts, lengths = [], []
    for row in rows.tolist():
        said = row[width:]
        at = said.index(end) if end in said else len(said)
        texts.append(decode(said[:at]))
        lengths.append(min(at + 1, len(said)))
    rewards = torch.stack(
        [verify(texts[i * group_size : (i + 1) * group_size], [truths[i]] * group_size) for i in range(len(prompts))]
    )
    if by_spread:
        advantages = group_advantages(rewards)
    else:
        advantages = torch.stack([group - sum(group.tolist()) / group_size for group in rewards])
    if all(len(set(group)) == 1 for group in rewards.tolist()):
        return rewards
    place = torch.arange(-width, n_tokens, device=rows.device)
    whole = (place >= 0) & (place < torch.tensor(lengths, device=rows.device)[:, None])
    old: list[Tensor] = []
    while len(old) < passes:
        new = sequence_logprobs(model(rows)[0], rows, whole)
        new = new[:, new.shape[1] - n_tokens :]
        old.append(new.detach().clone())
        objective = policy_loss(new, old[0], advantages.reshape(-1).to(new.device), whole[:, width:], **loss)
        optimiser.zero_grad()
        objective.backward()
        optimiser.step()
    return rewards


# %% right: the_first_place_by_a_minimum
# ends as the smallest index, the rewards sorted in by index, a closure for the optimiser's step
def rl_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    prompts: Tensor,
    truths: Sequence[int],
    decode: Callable[[list[int]], str],
    choose: Callable[[Tensor], Tensor],
    *,
    group_size: int,
    n_tokens: int,
    end: int,
    by_spread: bool = True,
    passes: int = 1,
    **loss,
) -> Tensor:
    n_prompts, n_prompt = prompts.size()
    owner = torch.arange(n_prompts * group_size) // group_size
    rows = generate(model, prompts[owner.to(prompts.device)], n_tokens, choose=choose)
    written = rows.narrow(1, n_prompt, n_tokens)
    index = torch.arange(n_tokens, device=rows.device).expand_as(written)
    first = torch.where(written == end, index, n_tokens).amin(dim=1, keepdim=True)
    learned = index <= first
    texts = list(map(decode, ([int(token) for token in row[: int(at)]] for row, at in zip(written, first))))
    flat = verify(texts, tuple(truths[int(i)] for i in owner))
    rewards = torch.empty(n_prompts, group_size, dtype=torch.float32)
    rewards[owner, torch.arange(len(owner)) % group_size] = flat
    advantages = group_advantages(rewards) if by_spread else torch.sub(rewards, rewards.mean(1, True))
    if torch.equal(rewards.amin(1), rewards.amax(1)):
        return rewards
    whole = torch.zeros_like(rows, dtype=torch.bool)
    whole[:, n_prompt:] = learned
    kept = {}

    def closure():
        optimiser.zero_grad()
        with torch.enable_grad():
            logprobs = sequence_logprobs(model(rows)[0], rows, whole)[:, n_prompt - 1 :]
            kept.setdefault("old", logprobs.detach())
            its = policy_loss(logprobs, kept["old"], advantages.flatten().to(logprobs.device), learned, **loss)
        its.backward()

    for _ in range(passes):
        closure()
        optimiser.step()
    return rewards
