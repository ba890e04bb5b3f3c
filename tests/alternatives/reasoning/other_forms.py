"""The same rules in other forms: limits by the advantage's sign, generators that are sent steps, tables, recursion."""

import re
from fractions import Fraction
from itertools import takewhile, zip_longest

import numpy as np
import torch
from torch import nn

from solutions.reasoning import Finding, Step, read_step, sentences, write_step
from solutions.reasoning import policy_loss as reference_loss
from solutions.reward import group_advantages, sequence_logprobs
from solutions.transformer import generate


def extract_answer(text):
    """The text is cut at its ends first, and of each piece the first answer counts."""
    said = []
    for piece in re.split(r"(?<=[!?])|\.(?![0-9])", text):
        while (begin := re.search(r"\bANSWER(\s*:|\s+IS\b)", piece.upper())) is not None:
            answer, _, piece = piece[begin.end() :].partition("\n")
            said.append(answer.rstrip("!?"))
    values = []
    for answer in said:
        marked = re.sub(r"-\s*(?=[0-9])", "~", answer)
        joined = re.sub(r"(?<=[0-9])[ ,](?=[0-9])", "", marked)
        parts = [part for part in re.split(r"(~?[0-9]+)", joined)[1::2]]
        values.append(int(parts[0].replace("~", "-")) if len(parts) == 1 and "." not in answer else None)
    if not values or None in values or min(values) != max(values):
        return None
    return values[0]


def verify(replies, truths):
    """What is true is one."""
    n = len(replies)
    if n != len(truths):
        raise ValueError(f"{n} replies")
    found = [extract_answer(reply) for reply in replies]
    return torch.tensor([found[i] is not None and found[i] == truths[i] for i in range(n)], dtype=torch.bool).float()


def pass_at_k(n_right, n, k):
    """The paper's product over the right ones, in NumPy."""
    counts = np.asarray(n_right.long())
    if not (0 < k <= n) or (counts < 0).any() or (counts > n).any():
        raise ValueError("k or a count")

    def estimate(right):
        return 1.0 if n - right < k else 1.0 - np.prod(1.0 - k / np.arange(n - right + 1, n + 1))

    return torch.from_numpy(np.array([estimate(right) for right in counts], dtype=np.float64))


def policy_loss(logprobs, old_logprobs, advantages, mask, over="tokens", clip_low=0.2, clip_high=0.2):
    """Good replies know the upper limit alone and bad ones the lower; only tokens that are selected are computed."""
    if not bool(mask.any()):
        raise ValueError("no token")
    rows, _ = mask.nonzero(as_tuple=True)
    each = advantages.detach().double()[rows]
    ratio = (logprobs[mask].double() - old_logprobs[mask].detach().double()).exp()
    bounded = torch.where(each > 0, ratio.clamp(max=1 + clip_high), ratio.clamp(min=1 - clip_low))
    objective = bounded * each
    match over:
        case "tokens":
            return -objective.mean().float()
        case "replies":
            sums = torch.zeros(len(mask), dtype=torch.float64).index_add(0, rows, objective)
            return -(sums / torch.bincount(rows, minlength=len(mask)).clamp(min=1)).sum().float() / len(mask)
        case "longest":
            return -(objective.sum() / mask.shape[0] / mask.shape[1]).float()
    raise ValueError(over)


def rl_step(
    model, optimiser, prompts, truths, decode, choose, *, group_size, n_tokens, end, by_spread=True, passes=1, **loss
):
    """What is left of a reply is a running product; the old policy reads once more; gradients are put into place."""
    T = prompts.size(-1)
    index = torch.arange(len(prompts)).repeat_interleave(group_size)
    tokens = generate(model, prompts[index], n_tokens, choose)
    goes_on = (tokens[:, T:] != end).long().cumprod(dim=1)
    written = torch.cat([torch.ones_like(goes_on[:, :1]), goes_on[:, :-1]], dim=1).bool()
    texts = [decode(row[T : T + n].tolist()) for row, n in zip(tokens, goes_on.sum(dim=1).tolist())]
    rewards = torch.stack([
        verify(texts[start : start + group_size], [truth] * group_size)
        for start, truth in zip(range(0, len(texts), group_size), truths)
    ])  # fmt: skip
    ahead = rewards - rewards.mean(dim=1, keepdim=True)
    advantages = group_advantages(rewards) if by_spread else ahead
    if not ((rewards != 0).any(dim=1) & (rewards != 1).any(dim=1)).any():
        return rewards
    everything = torch.ones_like(tokens, dtype=torch.bool)
    with torch.no_grad():
        old = sequence_logprobs(model(tokens)[0], tokens, everything)[:, -n_tokens:]
    for _ in range(passes):
        new = sequence_logprobs(model(tokens, None)[0], tokens, everything)[:, -n_tokens:]
        value = reference_loss(new, old, advantages.view(-1), written, **loss)
        optimiser.zero_grad(set_to_none=False)
        weights = [weight for group in optimiser.param_groups for weight in group["params"]]
        for weight, gradient in zip(weights, torch.autograd.grad(value, weights)):
            weight.grad = gradient
        optimiser.step()
    return rewards


class LatentLoop(nn.Module):
    """A round calls the next one."""

    def __init__(self, model, n_rounds):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def think(self, x, states, left):
        if left == 0:
            return self.model.output(self.model.norm(x)), []
        after = []
        for block, state in zip(self.model.blocks, states[: len(self.model.blocks)], strict=True):
            x, new = block(x, state=state)
            after.append(new)
        logits, later = self.think(x, states[len(self.model.blocks) :], left - 1)
        return logits, after + later

    def forward(self, tokens, state=None, n_rounds=None):
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1 or (state and len(state) != n_states):
            raise ValueError("rounds")
        return self.think(self.model.embedding(tokens), state or (None,) * n_states, n_rounds)


def perturb_reasoning(steps, kind, at):
    """Recursion: what stands in front is handed over, what is at the place is changed."""
    match kind, at:
        case (("corrupt" | "irrelevant" | "cut" | "paraphrase" | "dots"), int()) if at in range(len(steps)):
            read = [read_step(sentence) for sentence in steps]
            if not all(read):
                raise ValueError("no step")
        case _:
            raise ValueError((kind, at))
    if at:
        return [steps[0], *perturb_reasoning(steps[1:], kind, at - 1)]
    x, operation, y, carried, total, digit, carry = read[0]
    if kind == "corrupt":
        legal = list(range(9 if operation == "times" else 2))
        above = [number for number in legal if number > carry]
        return [write_step(Step(x, operation, y, carried, total, digit, above[0] if above else 0))]
    if kind == "irrelevant":
        return [write_step(Step("1234567890"[x], operation, y, carried, total, digit, carry))]
    changed = {
        "cut": [],
        "paraphrase": [write_step(step, True) for step in read],
        "dots": [". " * (len(sentence.split()) - 1) + "." for sentence in steps],
    }
    return changed[kind]


def right_steps(a, operation, b):
    """All right sentences of a sum, in both orders of their clauses, without the stop."""
    b_digits = [str(b)] * len(str(a)) if operation == "times" else str(b)[::-1]
    carry = 0
    for x, y in zip_longest(str(a)[::-1], b_digits, fillvalue="0"):
        x, y, carried = int(x), int(y), carry
        if operation == "minus":
            carry, total = -((x - y - carried) // 10), None
            digit = x - y - carried + 10 * carry
        else:
            total = (x * y if operation == "times" else x + y) + carried
            carry, digit = divmod(total, 10)
        yield Step(x, operation, y, carried, total, digit, carry)


def monitor(a, operation, b, written):
    """The right steps are worked out first, and what was written is laid beside them."""
    if operation not in ("plus", "minus", "times"):
        raise ValueError(operation)
    due, said = list(right_steps(a, operation, b)), [read_step(sentence) for sentence in sentences(written)]
    n_right = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(due, said))))
    if n_right < len(said):
        return Finding("wrong step" if said[n_right] else "shortcut", n_right)
    match extract_answer(written), n_right == len(due):
        case None, _:
            return Finding("no answer", n_right)
        case answer, True if answer == {"plus": a + b, "minus": a - b, "times": a * b}[operation]:
            return Finding("sound", None)
    return Finding("shortcut", n_right)


def monitor_rates(flagged, hacked):
    """Means of those that are picked, in 64 bits, as PyTorch gives NaN for the mean of nothing."""
    if flagged.size() != hacked.size():
        raise ValueError((flagged.size(), hacked.size()))
    first, second = (flagged[which].double().mean().item() for which in (hacked, hacked.logical_not()))
    return first, second


def serial_steps(design, task, n_layers, n_prompt, n_reply, n_rounds=1):
    """An answer is what RL takes beyond pretraining."""
    if design not in ("transformer", "loop", "recurrent") or task not in ("answer", "pretraining", "rl"):
        raise ValueError(f"{design}, {task}")
    if any(n < 1 for n in (n_layers, n_prompt, n_reply, n_rounds)):
        raise ValueError("too few")
    if task == "rl":
        return sum(
            serial_steps(design, part, n_layers, n_prompt, n_reply, n_rounds) for part in ("answer", "pretraining")
        )
    along = int(design == "recurrent")
    up = n_layers * n_rounds ** (design == "loop")
    if task == "pretraining":
        return 2 * (up + along * (n_prompt + n_reply - 1))
    return int(Fraction(up) * n_reply + along * (n_prompt - 1))
