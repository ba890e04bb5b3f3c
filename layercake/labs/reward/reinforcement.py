"""The loop of reinforcement learning: a model writes, is graded, and writes more of what was graded well.

A step draws a group of replies to each of a few questions, grades them, and takes a step on the clipped objective. The
functions that are taught are put in by the caller, as `Losses`.
"""

import copy
import json
import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from layercake.labs.reward.rollouts import LONGEST, Replies, Score, by_token, graded, respond, truth
from layercake.training import TrainingError, lately, train
from layercake.village.raters import Question
from solutions.prediction import sample
from solutions.sft import add_lora

FLAT, BABBLE = 15, 10  # steps without a difference in any group; steps whose replies are all broken off


class Collapse(TrainingError):
    """Training by rewards was stopped, since it went nowhere; the message says why."""


@dataclass(frozen=True)
class Losses:
    """The functions of the topic that the loop uses."""

    sequence_logprobs: Callable[..., Tensor]
    group_advantages: Callable[..., Tensor]
    grpo_loss: Callable[..., Tensor]
    kl_penalty: Callable[..., Tensor]


@dataclass(frozen=True)
class Settings:
    """All sizes of one training by rewards."""

    steps: int
    questions: int = 16  # a step
    group_size: int = 8
    learning_rate: float = 1e-3
    beta: float = 0.0  # of the distance to where it began, in the loss
    clip: float = 0.2
    passes: int = 1  # over the replies of a step
    rank: int = 16  # of the adapters that learn


@dataclass
class Log:
    """What a step saw, step by step."""

    reward: list[float] = field(default_factory=list)
    true: list[float] = field(default_factory=list)
    kl: list[float] = field(default_factory=list)  # nats a reply, from where it began
    length: list[float] = field(default_factory=list)  # tokens
    entropy: list[float] = field(default_factory=list)  # nats a token
    even: list[float] = field(default_factory=list)  # the share of groups whose rewards are all the same
    broken: list[float] = field(default_factory=list)  # the share of replies that were broken off


class Loop:
    """Steps of reinforcement learning on one model; it goes on where it was stopped."""

    def __init__(self, model: nn.Module, losses: Losses, score: Score, questions: Callable[[random.Random], Question],
                 settings: Settings, seed: int):  # fmt: skip
        self.losses, self.score, self.questions, self.settings, self.seed = losses, score, questions, settings, seed
        self.reference = copy.deepcopy(model).requires_grad_(False).eval()
        self.log, self.samples = Log(), []

    def asked(self, step: int) -> list[Question]:
        """The questions of a step, each as often as its group is large."""
        dice = random.Random(f"{self.seed} {step}")
        asked = [self.questions(dice) for _ in range(self.settings.questions)]
        return [question for question in asked for _ in range(self.settings.group_size)]

    @torch.no_grad()
    def draw(self, model: nn.Module, generator: torch.Generator) -> Replies:
        """A group of replies to each of the next questions."""

        def choose(logits: Tensor) -> Tensor:  # where the generator is, which a run saves: on the CPU
            return sample(logits.to(generator.device), generator=generator).to(logits.device)

        return respond(model, self.asked(len(self.log.reward)), choose)

    def next_graded(self, model: nn.Module, generator: torch.Generator) -> tuple[Replies, Tensor, Tensor, Tensor]:
        """The next replies, their rewards and advantages, (B) each, and what the reference gives their tokens."""
        replies = self.draw(model, generator)
        rewards = graded(self.score, replies)
        advantages = self.losses.group_advantages(rewards.view(-1, self.settings.group_size)).flatten()
        with torch.no_grad():
            first, _ = by_token(self.reference, replies, self.losses.sequence_logprobs, entropy=False)
        return replies, rewards, advantages, first

    def loss(self, said: Tensor, old: Tensor, first: Tensor, advantages: Tensor, replies: Replies) -> Tensor:
        beta = self.settings.beta
        reference = {"reference": first, "beta": beta} if beta else {}
        return self.losses.grpo_loss(said, old, advantages, replies.mask[:, 1:], self.settings.clip, **reference)

    def step(self, model: nn.Module, optimiser: torch.optim.Optimizer, generator: torch.Generator):
        """Draw, grade and learn; returns the loss and the mean reward."""
        replies, rewards, advantages, first = self.next_graded(model, generator)
        old = None
        for _ in range(self.settings.passes):
            said, entropy = by_token(model, replies, self.losses.sequence_logprobs)
            if old is None:
                old = said.detach()
                self._note(replies, rewards, old, first, entropy)
            loss = self.loss(said, old, first, advantages, replies)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([weight for weight in model.parameters() if weight.requires_grad], 1.0)
            optimiser.step()
        self._look_for_collapse()
        return loss.detach(), rewards.mean()

    def _note(self, replies: Replies, rewards: Tensor, said: Tensor, first: Tensor, entropy: Tensor) -> None:
        groups, log = rewards.view(-1, self.settings.group_size), self.log
        log.reward.append(rewards.mean().item())
        log.true.append(truth(replies).mean().item())
        log.kl.append(self.losses.kl_penalty(said, first, "k1").sum(dim=-1).mean().item())
        log.length.append(replies.mask.sum(dim=-1).float().mean().item())
        log.entropy.append(entropy.item())
        log.even.append((groups == groups[:, :1]).all(dim=-1).float().mean().item())
        log.broken.append(1 - sum(replies.ended) / len(replies.ended))
        self.samples.append((replies.questions[0].text, replies.texts[0], rewards[0].item()))

    def _look_for_collapse(self) -> None:
        log = self.log
        if len(log.even) >= FLAT and min(log.even[-FLAT:]) == 1.0:
            raise Collapse(
                f"stopped at step {len(log.even)}: for {FLAT} steps all replies to each question earned the same "
                f"(lately {log.reward[-1]:.3g}), so that there was nothing to learn. Begin with a model that earns "
                "something at times, or ask easier questions."
            )
        if len(log.broken) >= BABBLE and min(log.broken[-BABBLE:]) == 1.0:
            raise Collapse(
                f"stopped at step {len(log.broken)}: for {BABBLE} steps no reply came to an end within {LONGEST} "
                "tokens. The reward may pay for length; a larger beta or a smaller learning rate holds the model back."
            )

    def shown(self) -> dict[str, str]:
        """What stands beside the progress bar."""
        log = self.log
        said = {"reward": log.reward, "kl": log.kl, "length": log.length, "entropy": log.entropy}
        return {key: f"{lately(values, 5):.2f}" for key, values in said.items()}

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """The loss and the reward of the next step, without learning: by it a resumed run knows its own code."""
        replies, rewards, advantages, first = self.next_graded(model, generator)
        said, _ = by_token(model, replies, self.losses.sequence_logprobs, entropy=False)
        return self.loss(said, said.detach(), first, advantages, replies), rewards.mean()

    def state_dict(self) -> dict[str, Tensor]:
        samples = torch.tensor(list(json.dumps(self.samples).encode()), dtype=torch.uint8)
        return {
            "samples": samples,
            **{key: torch.tensor(its, dtype=torch.float64) for key, its in vars(self.log).items()},
        }

    def load_state_dict(self, tensors: dict[str, Tensor]) -> None:
        self.samples = json.loads(bytes(tensors["samples"].tolist()))
        self.log = Log(**{key: tensors[key].tolist() for key in vars(self.log)})


def flat_rate(step: int, steps: int, peak: float) -> float:
    """Up over the first five steps, then as it is: what is learned from changes with every step."""
    return peak * min(1.0, (step + 1) / 5)


@dataclass(frozen=True)
class Trained:
    """A model that was trained by rewards, what each step saw, samples of its replies, and why it was stopped."""

    model: nn.Module
    log: Log
    samples: list[tuple[str, str, float]]
    seconds: float
    stopped: str | None


def reinforce(
    model: nn.Module,
    losses: Losses,
    score: Score,
    questions: Callable[[random.Random], Question],
    settings: Settings,
    *,
    seed: int,
    path: Path | None = None,
    name: str = "rewards",
    fresh: bool = False,
    stop_after: int | None = None,
    watch: Callable[[nn.Module, Loop], None] = lambda model, loop: None,
) -> Trained:
    """Train the model in place by what `score` gives its replies: adapters beside its weights, unless the rank is 0.

    `watch` sees the model and the loop, with its log and samples, after each step. A run that is kept at `path` goes on
    there. Raises what `layercake.training.train` raises, and ValueError or TypeError for rewards that are none.
    """
    torch.manual_seed(seed)
    loop = Loop(model, losses, score, questions, settings, seed)
    if settings.rank:
        add_lora(model, settings.rank)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    stopped, seconds = None, 0.0
    started = time.perf_counter()

    def take_step(model, optimiser, loop, generator) -> tuple[Tensor, Tensor]:
        said = loop.step(model, optimiser, generator)
        watch(model, loop)
        return said

    try:
        history = train(
            model, loop, settings.steps, learning_rate=settings.learning_rate, seed=seed, path=path,
            settings={"lab": "reward", **asdict(settings)}, name=name, fresh=fresh, rate=flat_rate,
            stop_after=stop_after, show=lambda history: loop.shown(), take_step=take_step,
            optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
        )  # fmt: skip
        seconds = history.seconds
    except Collapse as reason:
        stopped, seconds = str(reason), time.perf_counter() - started
    return Trained(model, loop.log, loop.samples, seconds, stopped)
