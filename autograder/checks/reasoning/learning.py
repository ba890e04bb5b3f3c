"""The model, the replies and the verdicts with which `rl_step` is checked, and a step with its parts to override."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from autograder.checks.common import normal, weights_of
from autograder.checks.pretraining.shared import Observed
from autograder.checks.reasoning.policy_loss import loss_by_parts
from autograder.checks.transformer.writing import go_on

WORDS = ("<0>", "answer", ":", "so", "then", "well", "1", "2", "3", "4", "7", "8")
FILLERS = ("so", "then", "well")
T, N_TOKENS = 5, 9


class Village:
    """A vocabulary whose words have other numbers each time, prompts, and the replies that will be drawn to them.

    In a reply T stands for the truth, W for a wrong number, ~ for as many words as it takes to fill N_TOKENS places.
    """

    def __init__(self, rng: torch.Generator, name_of_the_end: str):
        self.rng, order = rng, torch.randperm(len(WORDS), generator=rng).tolist()
        self.words = dict(zip(order, (name_of_the_end, *WORDS[1:])))  # which has no entry for a tensor
        self.tokens = dict(zip(WORDS, order))
        self.end = self.tokens["<0>"]

    def decode(self, tokens: Sequence[int]) -> str:
        return " ".join(self.words[token] for token in tokens)

    def encode(self, text: str) -> list[int]:
        return [self.tokens[word] for word in text.split()]

    def some(self, n: int) -> str:
        return " ".join(FILLERS[i] for i in torch.randint(3, (n,), generator=self.rng).tolist())

    def prompts(self, P: int) -> Tensor:
        """They hold an answer and an end, as prompts with an example do."""
        digits = torch.randint(6, len(WORDS), (P,), generator=self.rng).tolist()
        return torch.tensor([self.encode(f"<0> {self.some(1)} answer : {WORDS[digit]}") for digit in digits])

    def replies(self, groups: Sequence[tuple[int, Sequence[str]]], n_tokens: int = N_TOKENS) -> Tensor:
        """The tokens of all replies to prompts with these truths, in each group in any order."""
        rows = []
        for truth, forms in groups:
            for i in torch.randperm(len(forms), generator=self.rng).tolist():
                right, wrong = (" ".join(str(number)) for number in (truth, {3: 7, 12: 3, 7: 12}[truth]))
                words = forms[i].replace("T", right).replace("W", wrong).replace("_", self.some(1))
                rows.append(self.encode(words.replace("~", self.some(n_tokens + 1 - len(words.split())))))
        return torch.tensor(rows)


MIXED = (  # rewards 1, 0, 0, 1; all 0; 1, 1, 0, 1, but for their order
    (3, ("answer : T <0> ~ answer : W", "~ answer : W <0> answer : T", "<0> answer : T <0> ~", "~ answer : T")),
    (12, ("answer : W <0> ~", "~", "answer : T answer : 7 <0> ~", "<0> ~")),
    (7, ("answer : T <0> ~", "answer : T ~ <0>", "~ answer : W <0>", "_ answer : T <0> ~ <0>")),
)
OPEN = (  # none ends; rewards as in MIXED
    (3, ("answer : T ~", "~ answer : W", "~", "~ answer : T")),
    (12, ("answer : W ~", "~", "answer : T answer : 7 ~", "~")),
    (7, ("answer : T ~", "~ answer : T", "_ answer : W ~", "_ answer : T ~")),
)
ALIKE = (  # within each group
    (3, ("answer : T ~", "~ answer : T")),
    (12, ("answer : W ~", "~")),
    (7, ("~ answer : T", "_ answer : T ~")),
)


class Chooser:
    """Takes the tokens of replies that are written already, whatever the scores are, and notes the scores.

    Who calls it for one prompt after another gets the same replies; who draws again gets others.
    """

    def __init__(self, replies: Tensor):
        self.replies, self.scores = replies, []

    def __call__(self, logits: Tensor) -> Tensor:
        n_tokens, call, B = self.replies.size(1), len(self.scores), len(logits)
        self.scores.append(logits)
        rows = torch.arange(B) + call // n_tokens * B
        chosen = self.replies if rows[-1] < len(self.replies) else self.replies.flip(0)
        return chosen[rows % len(self.replies), call % n_tokens]


class Writer(nn.Module):
    """A model in which each token sees the sum of all up to it, which is its state; the mode shows, and is noted."""

    def __init__(self, rng: torch.Generator, d_model: int = 6, context: int = T + N_TOKENS):
        super().__init__()
        self.context = context
        self.embedding = nn.Embedding(len(WORDS), d_model)
        self.mixing = nn.Linear(d_model, d_model, bias=False)
        self.output = nn.Linear(d_model, len(WORDS))
        with torch.no_grad():
            for weight in self.parameters():
                weight.copy_(normal(rng, *weight.shape) / 2)
        self.modes: list[list[bool]] = []  # in which it read

    def forward(self, tokens: Tensor, state: tuple[Tensor, int] | None = None) -> tuple[Tensor, tuple[Tensor, int]]:
        self.modes.append([self.training, self.output.training])
        before, n_before = state or (0.0, 0)
        n_read = n_before + tokens.size(1)
        if n_read > self.context:
            raise ValueError("longer than the context")
        x = self.embedding(tokens)
        seen = x.cumsum(dim=1) + before
        mixed = torch.tanh(self.mixing(seen))
        return self.output((x if self.training else x / 2) + mixed), (seen[:, -1:], n_read)


Groups = Sequence[tuple[int, Sequence[str]]]


class Lesson:
    """A model, an optimiser that is watched, prompts, and the replies that will be drawn to them."""

    def __init__(
        self, rng: torch.Generator, groups: Groups, n_tokens: int = N_TOKENS, lr: float = 0.5, end: str = "<0>"
    ):
        self.village = Village(rng, end)
        self.model = Writer(rng)
        self.optimiser = Observed(self.model, lr=lr)
        self.prompts, self.truths = self.village.prompts(len(groups)), [truth for truth, _ in groups]
        self.replies, self.group_size = self.village.replies(groups, n_tokens), len(groups[0][1])

    def __call__(self, rl_step: Callable, **more: Any) -> Tensor:
        """The rewards of a step."""
        self.choose = Chooser(self.replies)
        its = self.model, self.optimiser, self.prompts, self.truths, self.village.decode, self.choose
        sizes = {"group_size": self.group_size, "n_tokens": self.replies.size(1), "end": self.village.end}
        return rl_step(*its, **sizes | more)

    def learned(self, rl_step: Callable, **more: Any) -> dict[str, Any]:
        """The rewards, the gradients at each step, ten times as large, and the weights afterwards."""
        rewards = self(rl_step, **more)
        gradients = [10 * row for row in self.optimiser.gradients]
        return {"rewards": rewards, "10 · the gradients at each step": gradients, "weights": weights_of(self.model)}


def others(lesson: Lesson, places: Tensor) -> Tensor:
    """The replies with other words, no end and no answer, at these places."""
    tokens = lesson.village.tokens
    so, then = tokens["so"], tokens["then"]
    return torch.where(places, torch.where(lesson.replies == so, then, so), lesson.replies)


def graded(texts: Sequence[str], truths: Sequence[int]) -> Tensor:
    """1 where the one number behind the first "answer :" is the truth: as exact as these replies need it."""
    found = [re.findall(r"\d(?: \d)*", text.partition("answer :")[2]) for text in texts]
    assert len(found) == len(truths)
    return torch.tensor(
        [float(len(its) == 1 and int(its[0].replace(" ", "")) == truth) for its, truth in zip(found, truths)]
    )


def by_the_spread(rewards: Tensor) -> Tensor:
    if rewards.size(-1) < 2:
        raise ValueError("a group of one")
    ahead = rewards - rewards.mean(dim=-1, keepdim=True)
    return ahead / (rewards.std(dim=-1, correction=0, keepdim=True) + 1e-6)


class Learning:
    """A step of learning with its parts to override, so that one of them can be wrong."""

    def __call__(
        self, model, optimiser, prompts, truths, decode, choose, *, group_size, n_tokens, end, by_spread=True,
        passes=1, **loss,
    ):  # fmt: skip
        self.model, self.decode, self.n, self.end, self.T = model, decode, group_size, end, prompts.size(1)
        self.prompts, self.choose, self.n_tokens = prompts, choose, n_tokens
        tokens = self.draw(model, self.rows(prompts))
        before, written = self.cut(tokens)
        texts = [decode(row[its].tolist()) for row, its in zip(tokens, before)]
        rewards = self.verify(texts, self.of_each(truths)).view(-1, group_size)
        advantages = self.compare(rewards, by_spread)
        if self.nothing_to_learn(rewards):
            return self.without_a_step(optimiser, rewards)
        self.learn(optimiser, tokens, written, self.in_rows(advantages), passes, loss)
        return self.returned(rewards)

    def rows(self, prompts):
        return prompts.repeat_interleave(self.n, dim=0)

    def draw(self, model, prompts):
        with torch.no_grad():
            return go_on(model, prompts, self.n_tokens, self.choose)

    def cut(self, tokens):
        """What is the text of each row, and what is learned."""
        is_reply = torch.arange(tokens.size(1)) >= self.T
        ends = self.ends(tokens, is_reply)
        return is_reply & self.text(ends), is_reply & self.learned(ends)

    def ends(self, tokens, is_reply):
        """How many ends there are, up to each place."""
        return ((tokens == self.end) & is_reply).cumsum(dim=-1)

    def text(self, ends):
        return ends == 0

    def learned(self, ends):
        return ends.roll(1, dims=-1).index_fill(1, torch.tensor([0]), 0) == 0

    def verify(self, texts, truths):
        return graded(texts, truths)

    def of_each(self, truths):
        return [truth for truth in truths for _ in range(self.n)]

    def compare(self, rewards, by_spread):
        return by_the_spread(rewards) if by_spread else rewards - rewards.mean(dim=-1, keepdim=True)

    def in_rows(self, advantages):
        return advantages.flatten()

    def nothing_to_learn(self, rewards):
        return bool((rewards == rewards[:, :1]).all())

    def without_a_step(self, optimiser, rewards):
        return rewards

    def learn(self, optimiser, tokens, written, advantages, passes, loss):
        old = None
        for _ in range(self.number(passes)):
            logprobs = self.logprobs(tokens, written)
            old = self.before_all(old, logprobs.detach())
            self.clear(optimiser)
            self.loss(logprobs, old, advantages, written, **self.further(loss)).backward()
            optimiser.step()

    def number(self, passes):
        return passes

    def logprobs(self, tokens, written):
        logprobs = self.model(tokens)[0][:, :-1].log_softmax(dim=-1)
        return logprobs.gather(-1, tokens[:, 1:, None]).squeeze(-1) * written[:, 1:]

    def before_all(self, old, now):
        return now if old is None else old

    def clear(self, optimiser):
        optimiser.zero_grad()

    def loss(self, logprobs, old, advantages, written, **more):
        its = (each[:, self.T - 1 :] for each in (logprobs, old))
        return loss_by_parts(*its, advantages, written[:, self.T :], **more)

    def further(self, loss: dict[str, Any]) -> dict[str, Any]:
        return loss

    def returned(self, rewards):
        return rewards
