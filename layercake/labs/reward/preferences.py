"""Learning from comparisons: raters say which of two replies is better, and a reward model or the policy learns it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from layercake import village
from layercake.labs import sft
from layercake.labs.reward.rollouts import Replies, drawing, laid_out, prompt, whole, written
from layercake.training import History, StepLoss, train
from layercake.village.raters import Question

BETA = 0.5  # of DPO: replies are short, and a tenth of it lets them drift into nonsense before it holds


@dataclass(frozen=True)
class Comparisons:
    """Two replies to each of some questions, the one that a rater preferred, and the other."""

    chosen: Replies
    rejected: Replies

    def __len__(self) -> int:
        return len(self.chosen.texts)

    def where(self, kept: Callable[[Question, str, str], bool]) -> "Comparisons":
        """The comparisons for whose question and replies, the preferred one first, `kept` is true."""
        each = zip(self.chosen.questions, self.chosen.texts, self.rejected.texts)
        at = [i for i, its in enumerate(each) if kept(*its)]
        return Comparisons(self.chosen.only(at), self.rejected.only(at))

    def some(self, n: int, generator: torch.Generator) -> Tensor:
        """Places of `n` comparisons, drawn with replacement: (n)."""
        return torch.randint(len(self), (n,), generator=generator)


def compare(
    model: nn.Module,
    questions: Sequence[Question],
    prefers: Callable[[Question, str, str, random.Random], bool],
    seed: int,
) -> Comparisons:
    """Draw two replies to each question and have a rater say which is better; where both are the same, none is kept."""
    draw, dice = drawing(model, seed), random.Random(f"raters {seed}")
    prompts = [prompt(question) for question in questions]
    drawn = (written(model, prompts, draw) for _ in range(2))
    kept = []  # question, prompt, and the two replies, the preferred one first
    for question, front, first, second in zip(questions, prompts, *drawn):
        if first != second:
            first_wins = prefers(question, sft.in_words(first), sft.in_words(second), dice)
            kept.append((question, front, first, second) if first_wins else (question, front, second, first))
    asked, fronts, chosen, rejected = map(list, zip(*kept)) if kept else ([], [], [], [])
    return Comparisons(*(laid_out(asked, fronts, its, model) for its in (chosen, rejected)))


def by_rewards(comparisons: Comparisons, bradley_terry_loss: Callable[..., Tensor], batch_size: int) -> StepLoss:
    """What a reward model learns from: the loss of some comparisons, and how often it ranks them as the rater did."""

    def step_loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        at = comparisons.some(batch_size, generator)
        chosen, rejected = (
            model(its.rows(at)[0], its.lengths[at]) for its in (comparisons.chosen, comparisons.rejected)
        )
        return bradley_terry_loss(chosen, rejected), (chosen > rejected).float().mean()

    return step_loss


def by_preference(
    comparisons: Comparisons,
    reference: nn.Module,
    sequence_logprobs: Callable[..., Tensor],
    dpo_loss: Callable[..., Tensor],
    batch_size: int,
    beta: float = BETA,
) -> StepLoss:
    """What a policy learns from directly: the loss of some comparisons, and how often it leans to the preferred one.

    Raises ValueError for a reference of another vocabulary, whose log-probabilities would be those of other words.
    """
    if (n := reference.embedding.num_embeddings) != len(village.VOCABULARY):
        raise ValueError(f"the reference knows {n:,} tokens, the village's replies are of {len(village.VOCABULARY):,}")
    before = [whole(reference, its, sequence_logprobs) for its in (comparisons.chosen, comparisons.rejected)]

    def step_loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        at = comparisons.some(batch_size, generator)
        chosen, rejected = (
            sequence_logprobs(model(tokens)[0], tokens, mask).sum(dim=-1)
            for tokens, mask in (its.rows(at) for its in (comparisons.chosen, comparisons.rejected))
        )
        first_chosen, first_rejected = (its[at] for its in before)
        leans = (chosen - first_chosen > rejected - first_rejected).float().mean()
        return dpo_loss(chosen, rejected, first_chosen, first_rejected, beta), leans

    return step_loss


def ranks(value: Callable[[Replies], Tensor], comparisons: Comparisons) -> float:
    """How often the reply that was preferred has the higher value."""
    return (value(comparisons.chosen) > value(comparisons.rejected)).float().mean().item()


def learn(
    model: nn.Module, step_loss: StepLoss, steps: int, learning_rate: float, *, seed: int, path: Path | None = None,
    name: str = "comparisons", fresh: bool = False, **settings,
) -> History:  # fmt: skip
    """Train the model in place on comparisons."""
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    return train(
        model, step_loss, steps, learning_rate=learning_rate, seed=seed, path=path, name=name, fresh=fresh,
        settings={"lab": "reward", **settings}, rate=sft.rate,
        optimiser=torch.optim.AdamW(learned, betas=(0.9, 0.95), weight_decay=0.0),
    )  # fmt: skip
