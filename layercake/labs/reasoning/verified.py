"""The second run of the lab: the learner's `rl_step` on products, graded by nothing but whether the number is right.

What a step is called with is put together here; whatever the learner's step disputes (`over`, `by_spread`, `clip_high`,
`passes` and so on) the caller may set. What is seen of a step are the rewards that it returns, and the texts that it
decodes.
"""

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from layercake import village
from layercake.labs.reasoning import sums
from layercake.labs.reasoning.sums import Sum
from layercake.labs.reward import flat_rate
from layercake.training import lately, train
from solutions.sft import add_lora

Monitor = Callable[[int, str, int, str], tuple[str, int | None]]
RANK, LEARNING_RATE = 16, 1e-3  # of the adapters that learn


@dataclass
class Log:
    """What a step saw, step by step."""

    right: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)  # the share of replies that write steps
    length: list[float] = field(default_factory=list)  # words a reply, without the end


@dataclass(frozen=True)
class Exam:
    """Replies to each of some new sums, drawn at temperature 1: the same number for each."""

    asked: list[Sum]
    replies: list[list[str]]  # of each sum
    n_right: Tensor  # (n_sums), whole numbers
    findings: Counter[str]  # of the monitor, by kind

    @property
    def n(self) -> int:
        """Replies to a sum."""
        return len(self.replies[0])

    @property
    def right(self) -> float:
        """The share of right replies."""
        return self.n_right.sum().item() / (self.n * len(self.asked))

    @property
    def worked(self) -> float:
        """The share of replies that write steps."""
        return sum(is_worked(reply) for its in self.replies for reply in its) / (self.n * len(self.asked))

    def found(self, kind: str) -> float:
        """The share of replies of which the monitor says this."""
        return self.findings[kind] / self.findings.total()


def is_worked(reply: str) -> bool:
    """Whether there is more to a reply than its answer."""
    return bool(reply) and not reply.startswith("answer")


def examine(
    model: nn.Module, asked: list[Sum], n: int, verify: Callable[..., Tensor], monitor: Monitor, *, seed: int
) -> Exam:
    """Draw `n` replies to each sum and read them."""
    each = [its for its in asked for _ in range(n)]
    replies = sums.write(model, each, choose=sums.drawing(seed))
    n_right = verify(replies, [its.truth for its in each]).view(-1, n).sum(dim=-1).long().cpu()
    findings = Counter(monitor(*its, reply)[0] for its, reply in zip(each, replies))
    return Exam(asked, [replies[i : i + n] for i in range(0, len(each), n)], n_right, findings)


class Loop:
    """Steps of reinforcement learning on products of one length; it goes on where it was stopped."""

    def __init__(self, rl_step: Callable[..., Tensor], digits: int, n_sums: int, group_size: int, seed: int, **variant):
        self.rl_step, self.digits, self.n_sums, self.group_size = rl_step, digits, n_sums, group_size
        self.seed, self.variant, self.log = seed, variant, Log()

    def asked(self) -> list[Sum]:
        """The sums of the next step."""
        return sums.asked(self.n_sums, "times", self.digits, seed=1_000 * (self.seed + 1) + len(self.log.right))

    def step(self, model: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator):
        """Draw, verify and learn; returns the share of wrong replies and the mean length."""
        asked, said = self.asked(), []

        def decode(tokens: Sequence[int]) -> str:
            said.append(sums.in_words(tokens))
            return said[-1]

        device = next(model.parameters()).device
        rewards = self.rl_step(
            model, optimiser, torch.tensor([sums.prompt(its) for its in asked], device=device),
            [its.truth for its in asked], decode, sums.drawn_by(generator), group_size=self.group_size,
            n_tokens=max(its.n_tokens for its in asked), end=village.END, **self.variant,
        )  # fmt: skip
        self.log.right.append(rewards.mean().item())
        self.log.worked.append(sum(map(is_worked, said)) / len(said))
        self.log.length.append(sum(len(text.split()) for text in said) / len(said))
        if len(self.log.right) % 10 == 1:
            tqdm.write(f"step {len(self.log.right)}, {asked[0].text.split(maxsplit=1)[1]}\n    {said[0]}")
        return 1 - rewards.mean(), torch.tensor(self.log.length[-1])

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The next step, taken by a copy of the model that learns nothing: by it a resumed run knows its own code."""
        copied, log = copy.deepcopy(model), copy.deepcopy(self.log)
        learned = [weight for weight in copied.parameters() if weight.requires_grad]
        with torch.enable_grad():
            said = self.step(copied, torch.optim.SGD(learned, lr=0.0), generator)
        self.log = log
        return said

    def state_dict(self) -> dict[str, Tensor]:
        return {key: torch.tensor(its, dtype=torch.float64) for key, its in vars(self.log).items()}

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.log = Log(**{key: tensors[key].tolist() for key in vars(self.log)})

    def shown(self) -> dict[str, str]:
        """What stands beside the progress bar."""
        log = self.log
        return {
            "right": f"{lately(log.right, 5):.0%}",
            "worked": f"{lately(log.worked, 5):.0%}",
            "words": f"{lately(log.length, 5):.0f}",
        }


def reinforce(
    model: nn.Module,
    loop: Loop,
    steps: int,
    *,
    learning_rate: float = LEARNING_RATE,
    rank: int = RANK,
    path: Path | None = None,
    fresh: bool = False,
    stop_after: int | None = None,
    **settings: Any,
) -> Log:
    """Train adapters beside the model's weights, in place; a run that is kept at `path` goes on there.

    Raises what `layercake.training.train` and the step raise.
    """
    torch.manual_seed(loop.seed)
    add_lora(model, rank)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    sizes = {"digits": loop.digits, "sums": loop.n_sums, "group_size": loop.group_size, "rank": rank, **loop.variant}
    train(
        model, loop, steps, learning_rate=learning_rate, seed=loop.seed, path=path, fresh=fresh, stop_after=stop_after,
        settings={"lab": "reasoning", **sizes, **settings}, name="verified rewards", rate=flat_rate,
        show=lambda history: loop.shown(),
        take_step=lambda model, optimiser, loop, generator: loop.step(model, optimiser, generator),
        optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
    )  # fmt: skip
    return loop.log
