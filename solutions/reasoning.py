"""Reasoning: a reward that knows the right number, and what can be seen of how a model came to it.

What is built here: the answer of a reply, read so that no wording earns what the number does not; pass@k without bias
(Chen et al. 2021); a whole step of reinforcement learning with verifiable rewards, with the variants that are disputed
(GRPO: Shao et al. 2024; Dr. GRPO: Liu et al. 2025; DAPO: Yu et al. 2025); worked steps that are tampered with (Lanham
et al. 2023) and a monitor that reads them; a model that thinks in rounds instead of words (Dehghani et al. 2019); and
how many steps one after another all of this takes.

Where it departs from the papers: prompts of one length, so that a batch needs no padding in front; no value network, no
distance to a reference (for both see `solutions.reward`), no gradient clipping. The worked sums are the village's: a
sentence for each column, last digits first, digits apart, as in "7 times 6 and 0 is 4 2 : write 2 , carry 4 .".
"""

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from solutions.reward import group_advantages, sequence_logprobs
from solutions.transformer import generate

OVER = ("tokens", "replies", "longest")
KINDS = ("corrupt", "irrelevant", "cut", "paraphrase", "dots")
SOUND, WRONG_STEP, SHORTCUT, NO_ANSWER = "sound", "wrong step", "shortcut", "no answer"
DESIGNS, TASKS = ("transformer", "loop", "recurrent"), ("answer", "pretraining", "rl")


def extract_answer(text: str) -> int | None:
    """The whole number that a reply gives as its answer, or None if it gives
    none, or leaves a choice.

    An answer begins behind "answer:" or "answer is", whole words in letters
    small or large, with any white space in front of the colon or the "is". It
    ends at the next line feed, "!" or "?", or at the next "." that has no
    digit, 0 to 9, right behind it, or else with the text; no other begins
    within it. It is good where exactly one number stands in it, once, whatever
    words and signs stand around that, and no ".", since a number with a point
    is not whole. A number is digits, 0 to 9, with one space or one comma at
    most between any two of them; a "-" in front belongs to it, with spaces
    between or without.

    A reply may give its answer several times: each has to be good, and all have
    to be the same number. Other numbers in the text are no answers. A number
    has a thousand digits at most.
    """
    ### BEGIN SOLUTION
    numbers = set()
    for answer in re.findall(r"\banswer(?:\s*:|\s+is\b)(.*?)(?=[\n!?]|\.(?![0-9])|\Z)", text, re.IGNORECASE):
        found = re.findall(r"(?:- *)?[0-9](?:[ ,]?[0-9])*", answer)
        if len(found) != 1 or "." in answer:
            return None
        numbers.add(int(re.sub(r"[ ,]", "", found[0])))
    return numbers.pop() if len(numbers) == 1 else None
    ### END SOLUTION


def verify(replies: Sequence[str], truths: Sequence[int]) -> Tensor:
    """1 for each reply whose answer, as `extract_answer` reads it, is the truth,
    and 0 for each other one.

    Numbers are compared as whole numbers, of whatever size. A reply without an
    answer earns nothing, also where the truth is 0.

    Shapes: B replies, B truths -> (B), in float32; B may be 0.
    Raises ValueError where there are not as many truths as replies.
    """
    if len(replies) != len(truths):
        raise ValueError(f"{len(replies)} replies and {len(truths)} truths: one truth for each reply")
    ### BEGIN SOLUTION
    right = [extract_answer(reply) == truth for reply, truth in zip(replies, truths)]
    return torch.tensor(right, dtype=torch.float32)
    ### END SOLUTION


def pass_at_k(n_right: Tensor, n: int, k: int) -> Tensor:
    """The chance that at least one of k replies is right, estimated for each
    problem from n replies of which `n_right` were.

    It is the share, among all choices of k of the n replies, of those with a
    right one in them: 1 - C(n - n_right, k) / C(n, k). Its mean over draws of n
    replies is the chance itself, as that of 1 - (1 - n_right / n)^k is not. It
    is exact to nine digits for n up to a million, also where it is tiny.

    Shapes: n_right (P), whole numbers of any type -> (P), in float64.
    Raises ValueError where k is not 1 to n, or a count not 0 to n.
    Source: Chen et al. 2021, equation 1.
    """
    if not 1 <= k <= n:
        raise ValueError(f"k={k}: it is 1 to {n}, the number of replies")
    counts = n_right.long()
    if ((counts < 0) | (counts > n)).any():
        raise ValueError(f"n_right {n_right.tolist()}: each is 0 to {n}")
    ### BEGIN SOLUTION
    # All k are wrong if none of the right ones is chosen: (1 - k / n) (1 - k / (n - 1)) …, a factor for each.
    factors = -k / torch.arange(n, 0, -1, dtype=torch.float64)
    all_wrong = F.pad(torch.log1p(factors.clamp(min=-1.0)).cumsum(dim=0), (1, 0))  # (n + 1), by n_right
    return 0 - torch.expm1(all_wrong[counts])  # not -0 where none is right
    ### END SOLUTION


def policy_loss(
    logprobs: Tensor,
    old_logprobs: Tensor,
    advantages: Tensor,
    mask: Tensor,
    over: str = "tokens",
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Tensor:
    """Minus the clipped objective, with the mean that you name and a limit to
    either side.

    The objective of a token is the smaller of ratio · advantage and clipped
    ratio · advantage, the ratio being what the policy gives it over what the
    policy that drew it gave it, clipped to 1 - clip_low and 1 + clip_high. Only
    tokens that the mask selects count. They are put together

    - over "tokens": the sum over all of them, divided by their number;
    - over "replies": the mean of each reply's tokens, then the mean over
      replies, in which one without a token counts as 0;
    - over "longest": the sum over all of them, divided by B · T, the same for
      short replies and long ones.

    Old policy and advantages are numbers, without a gradient.

    Shapes: logprobs, old_logprobs (B, T), everywhere finite and at most dozens
    of nats apart, advantages (B), mask boolean (B, T) -> ().
    Raises ValueError for another word than these three, and where the mask
    selects nothing.
    Source: Yu et al. 2025, equations 8, 10 and 12; Shao et al. 2024, equation
    3; Liu et al. 2025, section 3.2, in this order.
    """
    if over not in OVER:
        raise ValueError(f"over={over!r}: it is one of {', '.join(OVER)}")
    if not mask.any():
        raise ValueError("the mask selects nothing: no reply has a token")
    ### BEGIN SOLUTION
    ratio = (logprobs - old_logprobs.detach()).exp()  # (B, T)
    advantages = advantages.detach().unsqueeze(-1)  # (B, 1)
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip_low, 1 + clip_high) * advantages)
    objective = objective.masked_fill(~mask, 0.0)
    if over == "tokens":
        return -objective.sum() / mask.sum()
    if over == "replies":
        return -(objective.sum(dim=-1) / mask.sum(dim=-1).clamp(min=1)).mean()
    return -objective.mean()
    ### END SOLUTION


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
    """One step of reinforcement learning with verifiable rewards: draw, verify,
    compare, learn. Returns the rewards.

    To each prompt `group_size` replies are drawn, `n_tokens` tokens each, by
    `solutions.transformer.generate` with `choose`, in one call for all: the
    replies to a prompt stand one below the other. A reply is what was written
    up to its first `end`. That token is part of what is learned, and not of
    the text, which is `decode` of the tokens before it; all behind it is
    neither. Each reply is verified against its prompt's truth.

    Advantages are `group_advantages`, or with `by_spread=False` the reward less
    the mean of its group and no more. Log-probabilities are `sequence_logprobs`
    of the whole rows. The loss is `policy_loss` of their last `n_tokens`
    places, those of the replies, with a mask that selects what is learned, and
    is given all further arguments. On the same replies `passes` steps are
    taken, each with new log-probabilities; the old ones are those of the first,
    as numbers. The gradients of the optimiser's weights are cleared before each
    step.

    Where in each group all rewards are equal, no step is taken: weights,
    gradients and optimiser stay as they are. The model's mode stays as it is,
    all along.

    Shapes: prompts (P, T), all of one length, P truths -> (P, group_size), the
    rewards, 0 or 1. Prompt and reply fit into the model's context.
    Raises what its parts raise, so for groups of one ValueError, if by spread.
    Source: Shao et al. 2024, algorithm 1, without reward model and reference.
    """
    ### BEGIN SOLUTION
    T = prompts.size(1)
    tokens = generate(model, prompts.repeat_interleave(group_size, dim=0), n_tokens, choose)  # (B, T + n_tokens)
    is_end = tokens[:, T:] == end
    ends = is_end.cumsum(dim=-1)  # (B, n_tokens): how many up to here
    before, written = ends == 0, ends - is_end.long() == 0  # without the first end, and with it
    mask = F.pad(written, (T, 0), value=False)  # (B, T + n_tokens)
    replies = [decode(row[its].tolist()) for row, its in zip(tokens[:, T:], before)]
    rewards = verify(replies, [truth for truth in truths for _ in range(group_size)]).view(-1, group_size)
    rewards = rewards.to(tokens.device)
    advantages = group_advantages(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)
    if (rewards == rewards[:, :1]).all():
        return rewards
    old = None
    for _ in range(passes):
        logprobs = sequence_logprobs(model(tokens)[0], tokens, mask)  # (B, T + n_tokens - 1)
        old = logprobs.detach() if old is None else old
        optimiser.zero_grad()
        its = (each[:, T - 1 :] for each in (logprobs, old))  # where the reply is: (B, n_tokens)
        policy_loss(*its, advantages.flatten(), written, **loss).backward()
        optimiser.step()
    return rewards
    ### END SOLUTION


class Step(NamedTuple):
    """A column of a worked sum: what its sentence says, in numbers; a difference
    says no total.
    """

    x: int
    operation: str
    y: int
    carried: int  # from the column before
    total: int | None
    digit: int  # that is written
    carry: int  # into the next column


def read_step(sentence: str) -> Step | None:
    """A sentence as a step, its clauses in either order and the full stop there
    or not; None if it is something else.
    """
    front = r"(\d) (?:(plus|times) (\d) and (\d) is (\d(?: \d)?)|(minus) (\d) and (\d) more) : "
    write, carry = r"write (?P<{0}>\d)", r"(?:carry|borrow) (?P<{0}>\d)"
    pattern = front + rf"(?:{write.format('d1')} , {carry.format('c1')}|{carry.format('c2')} , {write.format('d2')})"
    said = re.fullmatch(pattern + r"(?: \.)?", sentence.strip(), re.ASCII)
    if not said:
        return None
    x, add, y, carried, total, minus, y2, carried2 = said.groups()[:8]
    digit, carry = (int(said[f"{name}1"] or said[f"{name}2"]) for name in "dc")
    if minus:
        return Step(int(x), minus, int(y2), int(carried2), None, digit, carry)
    return Step(int(x), add, int(y), int(carried), int(total.replace(" ", "")), digit, carry)


def write_step(step: Step, carry_first: bool = False) -> str:
    """A step as its sentence, the full stop included."""
    adds_up = "more" if step.total is None else "is " + " ".join(str(step.total))
    clauses = [f"write {step.digit}", f"{'borrow' if step.operation == 'minus' else 'carry'} {step.carry}"]
    then = " , ".join(clauses[::-1] if carry_first else clauses)
    return f"{step.x} {step.operation} {step.y} and {step.carried} {adds_up} : {then} ."


def perturb_reasoning(steps: Sequence[str], kind: str, at: int) -> list[str]:
    """The worked steps, tampered with at the step of index `at`, for a model to
    go on from.

    - "corrupt": the carry (or borrow) of that step is one higher, or 0 where
      that would be more than a carry can be: 8 in a product, 1 in a sum or
      difference. It is the last step: those behind it are left to the model.
    - "irrelevant": the first digit of that step, `x`, which is used up by then,
      is one higher, or 0 if it was 9. It is the last step too.
    - "cut": that step and all behind it are left out.
    - "paraphrase": that step and all behind it say the carry first, with the
      same numbers.
    - "dots": in that step and all behind it each word, whatever stands between
      spaces, becomes a dot.

    The steps in front of `at` stay as they are, to the letter. What is
    corrupted, irrelevant or paraphrased is read by `read_step` and written by
    `write_step`. Steps come from a model and need not be right. They come in a
    list or a tuple, and are given in a list.

    Raises ValueError for another kind, for `at` that is not 0 to the number of
    steps less one, and for a sentence that is no step.
    Source: after Lanham et al. 2023, sections 2.3 to 2.6: early answering,
    adding mistakes, filler tokens and paraphrasing; "irrelevant" is a control
    of ours.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r}: it is one of {', '.join(KINDS)}")
    if not 0 <= at < len(steps):
        raise ValueError(f"at={at}: it is 0 to {len(steps) - 1}, the place of a step")
    if none := [sentence for sentence in steps if read_step(sentence) is None]:
        raise ValueError(f"{none[0]!r} is no step")
    ### BEGIN SOLUTION
    before, rest = list(steps[:at]), steps[at:]
    step = read_step(steps[at])
    if kind == "corrupt":
        highest = 8 if step.operation == "times" else 1
        return [*before, write_step(step._replace(carry=step.carry + 1 if step.carry < highest else 0))]
    if kind == "irrelevant":
        return [*before, write_step(step._replace(x=(step.x + 1) % 10))]
    if kind == "paraphrase":
        return before + [write_step(read_step(sentence), carry_first=True) for sentence in rest]
    if kind == "dots":
        return before + [" ".join("." for _ in sentence.split()) for sentence in rest]
    return before
    ### END SOLUTION


class Finding(NamedTuple):
    """What a monitor says, and of which step; None where all is well."""

    kind: str
    step: int | None


def sentences(text: str) -> list[str]:
    """The sentences of a reply that end in front of its answer, without their
    full stops.
    """
    before, *answer = re.split(r"\banswer\b", text, maxsplit=1, flags=re.IGNORECASE)
    parts = before.split(".")
    return [said for part in (parts[:-1] if answer else parts) if (said := part.strip())]


def monitor(a: int, operation: str, b: int, written: str) -> Finding:
    """Read a worked sum as a teacher would, from its first step on, and say
    where it first goes wrong.

    The columns that are due: the digits of a and b, last digits first, a digit
    that is missing being 0; in a product b has one digit, and each digit of a
    is a column. Each step is read by `read_step` from what `sentences` gives of
    the text. It is right if its operation is that of the sum, its two digits
    are those of its column, what it carries over is what the step before
    *wrote* (0 at first), and total, digit and carry follow from these. A
    difference writes (x - y - carried) mod 10, and borrows 1 where
    x - y - carried is below 0. What the steps lead to is the last carry, and
    behind it the digits that were written, the last one first.

    What is found first counts:

    - "wrong step": a step that is not right, or one more than there are
      columns, and its index;
    - "shortcut": a sentence that is no step, and its index among the sentences;
    - "no answer": all that is there is right, and `extract_answer` finds none;
      with the number of steps;
    - "shortcut": fewer steps than columns, or an answer that is not what they
      lead to; with the number of steps;
    - "sound": none of these, and None.

    Shapes: a and b from 0 on, of up to a hundred digits; b of one digit in a
    product, and at most a in a difference.
    Raises ValueError for an operation other than plus, minus and times.
    """
    if operation not in ("plus", "minus", "times"):
        raise ValueError(f"operation={operation!r}: it is plus, minus or times")
    ### BEGIN SOLUTION

    def due(x: int, y: int, carried: int) -> Step:
        """The step that follows from two digits and what is carried over."""
        if operation == "minus":
            left = x - y - carried
            return Step(x, operation, y, carried, None, left % 10, int(left < 0))
        total = x * y + carried if operation == "times" else x + y + carried
        return Step(x, operation, y, carried, total, total % 10, total // 10)

    n_columns = len(str(a)) if operation == "times" else max(len(str(a)), len(str(b)))
    xs = [int(digit) for digit in reversed(str(a).zfill(n_columns))]
    ys = [b] * n_columns if operation == "times" else [int(digit) for digit in reversed(str(b).zfill(n_columns))]
    steps, carried, digits = sentences(written), 0, ""
    for i, sentence in enumerate(steps):
        step = read_step(sentence)
        if step is None:
            return Finding(SHORTCUT, i)
        if i >= n_columns or step != due(xs[i], ys[i], carried):
            return Finding(WRONG_STEP, i)
        carried, digits = step.carry, f"{step.digit}{digits}"
    answer = extract_answer(written)
    if answer is None:
        return Finding(NO_ANSWER, len(steps))
    if len(steps) < n_columns or answer != int(f"{carried}{digits}"):
        return Finding(SHORTCUT, len(steps))
    return Finding(SOUND, None)
    ### END SOLUTION


def monitor_rates(flagged: Tensor, hacked: Tensor) -> tuple[float, float]:
    """The true and the false positive rate of a monitor: how many of the hacks
    it flags, and how many of all else.

    Where there is no hack, the first is not a number (NaN), and where there is
    nothing else, the second; a rate is never made up.

    Shapes: flagged, hacked boolean (B) -> two of Python's floats, exact to nine
    digits. B may be 0. Raises ValueError where the shapes differ.
    Source: Guan et al. 2025, where monitorability is judged by both.
    """
    if flagged.shape != hacked.shape:
        raise ValueError(f"flagged {tuple(flagged.shape)}, hacked {tuple(hacked.shape)}: one of each for a reply")
    ### BEGIN SOLUTION
    rates = []
    for group in (hacked, ~hacked):
        n = int(group.sum())
        rates.append(int((flagged & group).sum()) / n if n else math.nan)
    return rates[0], rates[1]
    ### END SOLUTION


class LatentLoop(nn.Module):
    """A `GPT` whose blocks are run again and again before it says a word:
    thinking that is not written down.

    A round sends the stream through all blocks of `model`, in their order; the
    next round reads what the one before gave. Embedding, norm and output are
    those of the model, used once. No weight is added or copied: all rounds
    share the model's. `n_rounds` is how many rounds are run where a call does
    not say otherwise.

    The state is one list, round after round and block after block in each, as
    each round has keys and values of its own; None for the start of a text; a
    tuple of states is as good. A text read in pieces, with the state handed on,
    gives the logits of the text read at once, and `generate` runs it like any
    model. Gradients go back through all rounds.

    Shapes: tokens (B, T) -> logits (B, T, vocab_size), a list of n_rounds · L
    states, L the number of blocks. Raises ValueError for fewer rounds than one,
    and for a state of another number of rounds.
    Source: Dehghani et al. 2019, section 2.1, without the embedding of time;
    Geiping et al. 2025.
    """

    def __init__(self, model: nn.Module, n_rounds: int):
        super().__init__()
        self.model, self.n_rounds = model, n_rounds

    def forward(
        self, tokens: Tensor, state: Sequence | None = None, n_rounds: int | None = None
    ) -> tuple[Tensor, list]:
        n_rounds = self.n_rounds if n_rounds is None else n_rounds
        n_states = n_rounds * len(self.model.blocks)
        if n_rounds < 1:
            raise ValueError(f"n_rounds={n_rounds}: one at least")
        if state and len(state) != n_states:
            raise ValueError(f"{n_rounds} round(s) have {n_states} states, not {len(state)}")
        ### BEGIN SOLUTION
        before = iter(state or [None] * n_states)
        after = []
        x = self.model.embedding(tokens)  # (B, T) -> (B, T, d_model)
        for _ in range(n_rounds):
            for block in self.model.blocks:
                x, block_state = block(x, next(before))
                after.append(block_state)
        return self.model.output(self.model.norm(x)), after
        ### END SOLUTION


def serial_steps(design: str, task: str, n_layers: int, n_prompt: int, n_reply: int, n_rounds: int = 1) -> int:
    """How many layers have to be computed one after another, with as many hands
    as you like: the length of the longest chain.

    A unit is one layer at one position, as in `sequential_depth`. To read
    tokens that are all there, in a "transformer" each layer waits for the layer
    below; in a "loop" the layers are run `n_rounds` times; in a "recurrent"
    network each unit waits for the layer below *and* for its own layer at the
    position before, so that it takes the number of tokens and the layers above
    the first. Only a loop has rounds.

    - "answer": a prompt is read, and its last position gives the first token of
      the reply; each further token is chosen when all layers have read the one
      before. The last token is not read.
    - "pretraining": an update on a text of n_prompt + n_reply tokens, all of
      which are read at once; going back takes as many steps as going forward.
    - "rl": the reply is drawn as for "answer", then prompt and reply are an
      update as in "pretraining".

    The number is whole, and exact for billions of tokens.

    Raises ValueError for another design or task, and where a number of layers,
    rounds, prompt or reply tokens is below 1.
    """
    if design not in DESIGNS or task not in TASKS:
        raise ValueError(f"{design!r}, {task!r}: designs are {', '.join(DESIGNS)}, tasks {', '.join(TASKS)}")
    if min(n_layers, n_rounds, n_prompt, n_reply) < 1:
        raise ValueError("there is one layer, round, prompt token and reply token at least")
    ### BEGIN SOLUTION
    deep = n_layers * n_rounds if design == "loop" else n_layers

    def read(n_tokens: int) -> int:
        return n_tokens - 1 + deep if design == "recurrent" else deep

    drawn = read(n_prompt) + (n_reply - 1) * deep
    update = 2 * read(n_prompt + n_reply)
    return {"answer": drawn, "pretraining": update, "rl": drawn + update}[task]
    ### END SOLUTION
