"""The three runs of the lab: graded for the truth, by a learned reward, and by raters who like to be agreed with."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from layercake import checkpoints
from layercake.device import Device, check_scale, pick
from layercake.figures import lab_flattery, lab_proxy, lab_reward
from layercake.labs.reward.preferences import by_preference, by_rewards, compare, learn, ranks
from layercake.labs.reward.reinforcement import Loop, Losses, Settings, Trained, reinforce
from layercake.labs.reward.rollouts import Replies, Score, drawing, respond, right, share, truth, valued
from layercake.training import lately
from layercake.village import experts, raters
from layercake.village.raters import Panel, Question
from solutions.sft import add_lora

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sizes:
    """All sizes of the three runs of the lab."""

    graded: Settings
    comparisons: int
    batch_size: int  # comparisons in a step
    steps: int  # of a reward model
    preferred: int  # steps on preferences, for each share of raters
    questions: int  # in an exam


SCALES = {
    "smoke": Sizes(Settings(4, 4, 4), 24, 4, 6, 4, 8),
    "laptop": Sizes(Settings(60), 1_000, 16, 150, 80, 200),
    "colab": Sizes(Settings(200, questions=32, group_size=16), 4_000, 32, 400, 200, 500),
}
PANEL = Panel({"honest": 0.5, "long": 0.5})
SHARES = (0.0, 0.5, 1.0)
MODEL_RATE, PREFERENCE_RATE = 3e-4, 1e-3  # learning rates of the reward model and of DPO


@dataclass(frozen=True)
class Graded:
    """What came of a training by rewards: replies greedy and drawn, before and after, and the training itself."""

    exams: dict[str, Replies]
    trained: Trained
    ranked: float | None = None  # how often a reward model, where there is one, ranks new comparisons as raters did


@dataclass(frozen=True)
class Flattered:
    """Replies to visitors who are wrong and to those without an opinion, by the share of raters who like agreement."""

    exams: dict[float | None, tuple[Replies, Replies]]  # None: the apprentice, before


def plain(dice: random.Random) -> Question:
    """A question about a fact that is taught, without an opinion."""
    return raters.ask(dice, opinions=0.0)


def aloud(model: nn.Module, loop: Loop) -> None:
    """Show a sample five times in a run."""
    step, (question, reply, reward) = len(loop.samples), loop.samples[-1]
    if step % max(1, loop.settings.steps // 5) == 0:
        tqdm.write(f"step {step}, reward {reward:.2f}: {question}\n    {reply}")


def run(
    losses: Losses,
    scale: str,
    device: Device | None = None,
    *,
    score: Score = truth,
    name: str = "truth",
    ranked: float | None = None,
    start: str | Path = "apprentice",
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Graded:
    """Train a model by rewards, and examine it before and after, about facts that nothing was graded about.

    `start` is what `layercake.checkpoints.load` takes: the apprentice, or the file of another assistant of the village.
    It is saved under `folder` as it learns, and a second call goes on where the first was stopped.

    Raises ValueError for an unknown scale, and what `checkpoints.load` and `reinforce` raise.
    """
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load(start, device.device)
    asked = raters.exam(sizes.questions, seed)

    def exams(when: str) -> dict[str, Replies]:
        return {f"{when}, greedy": respond(model, asked), f"{when}, drawn": respond(model, asked, drawing(model, seed))}

    before = exams("before")
    began = checkpoints.mark(start, usual="apprentice")
    path = Path(folder) / f"reward-{name}-{scale}{began}-seed{seed}.safetensors"
    trained = reinforce(
        model, losses, score, plain, sizes.graded, seed=seed, path=path, name=name, fresh=fresh, watch=aloud
    )
    return Graded(before | exams("after"), trained, ranked)


def run_proxy(
    losses: Losses,
    reward_model: Callable[[nn.Module], nn.Module],
    bradley_terry_loss: Callable[..., Tensor],
    scale: str,
    device: Device | None = None,
    *,
    panel: Panel = PANEL,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Graded:
    """Have raters compare replies of the apprentice, a reward model learn from it, and the apprentice from that."""
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load("apprentice", device.device)
    pairs, new = (compare(model, raters.exam(n, seed + i, experts.taught), panel.prefers, seed + i)
                  for i, n in enumerate((sizes.comparisons, sizes.questions)))  # fmt: skip
    torch.manual_seed(seed)
    judge = reward_model(checkpoints.load("apprentice", device.device))
    path = Path(folder) / f"reward-model-{scale}-seed{seed}.safetensors"
    loss = by_rewards(pairs, bradley_terry_loss, sizes.batch_size)
    learn(judge, loss, sizes.steps, MODEL_RATE, seed=seed, path=path, name="reward model", fresh=fresh)
    judge.requires_grad_(False)
    score = partial(valued, judge)
    ranked = ranks(score, new)
    return run(losses, scale, device, score=score, name="proxy", ranked=ranked, seed=seed, folder=folder, fresh=fresh)


def run_flattery(
    sequence_logprobs: Callable[..., Tensor],
    dpo_loss: Callable[..., Tensor],
    scale: str,
    device: Device | None = None,
    *,
    shares: Sequence[float] = SHARES,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Flattered:
    """Let the apprentice learn from raters of whom a share likes to be agreed with, and examine it, share by share."""
    sizes, device = SCALES[check_scale(scale)], device or pick()
    apprentice = checkpoints.load("apprentice", device.device)
    misled = raters.exam(sizes.questions, seed, opinions=1.0, wrong=1.0)
    asked = raters.exam(sizes.questions, seed)

    def exams(model: nn.Module) -> tuple[Replies, Replies]:
        return respond(model, misled, drawing(model, seed)), respond(model, asked, drawing(model, seed))

    said: dict[float | None, tuple[Replies, Replies]] = {None: exams(apprentice)}
    for flattered in shares:
        opinions = raters.exam(sizes.comparisons, seed, experts.taught, opinions=1.0)
        pairs = compare(apprentice, opinions, raters.flattering(flattered).prefers, seed)
        torch.manual_seed(seed)
        model = add_lora(checkpoints.load("apprentice", device.device), sizes.graded.rank)
        loss = by_preference(pairs, apprentice, sequence_logprobs, dpo_loss, sizes.batch_size)
        path = Path(folder) / f"reward-flattery-{flattered:g}-{scale}-seed{seed}.safetensors"
        learn(
            model,
            loss,
            sizes.preferred,
            PREFERENCE_RATE,
            seed=seed,
            path=path,
            name=f"share {flattered:g}",
            fresh=fresh,
        )
        said[flattered] = exams(model)
    return Flattered(said)


# What came of it -----------------------------------------------------------------------------------------------------


def table(result: Graded | Flattered) -> str:
    """What came of a run, in words."""
    if isinstance(result, Flattered):
        lines = [f"{'raters who like agreement':28}{'agrees with the wrong':>22}{'right without opinions':>24}"]
        for who, (misled, asked) in result.exams.items():
            label = "none yet: the apprentice" if who is None else f"{who:.0%}"
            lines.append(f"{label:28}{share(raters.agrees, misled):22.0%}{right(asked):24.0%}")
        return "\n".join(lines)
    lines = [f"{'':18}{'right':>8}{'sentences':>11}"]
    for name, replies in result.exams.items():
        sentences = sum(map(raters.sentences, replies.texts)) / len(replies.texts)
        lines.append(f"{name:18}{right(replies):8.0%}{sentences:11.1f}")
    log = result.trained.log
    lines.append(
        f"reward {lately(log.reward[:5]):.2f} -> {lately(log.reward, 5):.2f}, {lately(log.kl, 5):.1f} nats away"
    )
    if result.ranked is not None:
        lines.append(f"the reward model ranks {result.ranked:.0%} of new comparisons as the raters did")
    if result.trained.stopped:
        lines.append(result.trained.stopped)
    return "\n".join(lines)


def finding(result: Graded | Flattered) -> str:
    """What came of a run, in a title."""
    chart, its = _drawable(result)
    return chart.finding(*its)


def alt_text(result: Graded | Flattered) -> str:
    """The figure of a run in words."""
    chart, its = _drawable(result)
    return chart.alt_text(*its)


def plot(result: Graded | Flattered) -> "Figure":
    """Draw a run over what was recorded."""
    chart, its = _drawable(result)
    return chart.plot(*its)


def _drawable(result: Graded | Flattered) -> tuple[ModuleType, tuple[Any, ...]]:
    """The chart of a run, and what it draws."""
    if isinstance(result, Flattered):
        exams = {who: (share(raters.agrees, misled), right(asked)) for who, (misled, asked) in result.exams.items()}
        return lab_flattery, (exams,)
    log = vars(result.trained.log)
    if result.ranked is not None:
        return lab_proxy, (log,)
    return lab_reward, (log, {name: right(replies) for name, replies in result.exams.items()})
