"""The three runs of the lab: steps tampered with, a reward that is verified, and steps that nobody can read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from layercake import checkpoints
from layercake.device import Device, check_scale, pick
from layercake.figures import lab_hidden, lab_reasoning, lab_tampered
from layercake.labs.reasoning import sums
from layercake.labs.reasoning.hidden import Followed, follow
from layercake.labs.reasoning.reading import Reading, read
from layercake.labs.reasoning.verified import Exam, Log, Loop, Monitor, examine, reinforce

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sizes:
    """All sizes of the three runs of the lab."""

    digits: int  # of the first number
    tampered: int  # sums whose steps are tampered with
    asked: int  # sums in a step of reinforcement learning
    group_size: int
    steps: int
    examined: int  # new sums, before and after
    replies: int  # to each of them
    moves: int  # of the cups
    courses: int  # steps of learning to follow them
    rounds: tuple[int, ...]
    batch_size: int = 64  # games


SCALES = {
    "smoke": Sizes(3, 8, 2, 4, 3, 3, 8, 4, 150, (1, 2)),
    "laptop": Sizes(5, 200, 8, 8, 30, 16, 64, 10, 1_000, (1, 4, 8)),
    "colab": Sizes(5, 500, 16, 16, 60, 64, 128, 16, 2_500, (1, 2, 4, 8)),
}
OPERATION = "times"


@dataclass(frozen=True)
class Rewarded:
    """What came of a training by verified rewards: what its steps saw, and exams before and after."""

    log: Log
    before: Exam
    after: Exam
    passed: dict[str, dict[int, float]]  # "before" and "after" -> k -> the mean of pass@k over the sums


def run_tampering(
    extract_answer: Callable[[str], int | None],
    verify: Callable[..., Tensor],
    perturb_reasoning: Callable[..., list[str]],
    monitor: Monitor,
    scale: str,
    device: Device | None = None,
    *,
    start: str | Path = "village",
    operation: str = OPERATION,
    digits: int | None = None,
    seed: int = 0,
) -> Reading:
    """Have a model reply to new sums, read its steps, tamper with the right ones, and see what its answers follow.

    Raises ValueError for an unknown scale, and what `checkpoints.load` raises.
    """
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load(start, device.device)
    asked = sums.asked(sizes.tampered, operation, digits or sizes.digits, seed=seed, split="validation")
    return read(model, asked, extract_answer, verify, perturb_reasoning, monitor, seed=seed)


def run_rewards(
    rl_step: Callable[..., Tensor],
    verify: Callable[..., Tensor],
    pass_at_k: Callable[..., Tensor],
    monitor: Monitor,
    scale: str,
    device: Device | None = None,
    *,
    start: str | Path = "village",
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
    **variant: Any,
) -> Rewarded:
    """Train a model by verified rewards on products, and examine it before and after on others.

    Whatever is left over goes to each step: `over="longest"`, `by_spread=False`, `clip_high=0.28`. It is saved under
    `folder` as it learns, and a second call goes on where the first was stopped.

    Raises ValueError for an unknown scale, and what `checkpoints.load` and `reinforce` raise.
    """
    sizes, device = SCALES[check_scale(scale)], device or pick()
    model = checkpoints.load(start, device.device)
    asked = sums.asked(sizes.examined, OPERATION, sizes.digits, seed=seed, split="validation")
    before = examine(model, asked, sizes.replies, verify, monitor, seed=seed)
    began = checkpoints.mark(start, usual="village") + "".join(f"-{key}-{its}" for key, its in variant.items())
    path = Path(folder) / f"reasoning-{scale}{began}-seed{seed}.safetensors"
    loop = Loop(rl_step, sizes.digits, sizes.asked, sizes.group_size, seed, **variant)
    log = reinforce(model, loop, sizes.steps, path=path, fresh=fresh)
    after = examine(model, asked, sizes.replies, verify, monitor, seed=seed)
    ks = [2**i for i in range(sizes.replies.bit_length()) if 2**i <= sizes.replies]
    passed = {
        when: {k: pass_at_k(its.n_right, its.n, k).mean().item() for k in ks}
        for when, its in (("before", before), ("after", after))
    }
    return Rewarded(log, before, after, passed)


def run_hidden(
    latent_loop: Callable[[nn.Module, int], nn.Module],
    scale: str,
    device: Device | None = None,
    *,
    rounds: Sequence[int] | None = None,
    seed: int = 0,
    folder: str | Path = "layercake-runs",
    fresh: bool = False,
) -> Followed:
    """Train one block to follow the pea under the cups, run once and several times before it answers.

    Raises ValueError for an unknown scale, and what `layercake.training.train` raises.
    """
    sizes, device = SCALES[check_scale(scale)], device or pick()
    return follow(
        latent_loop, rounds or sizes.rounds, n_moves=sizes.moves, steps=sizes.courses, batch_size=sizes.batch_size,
        device=device.device, seed=seed, folder=Path(folder), fresh=fresh,
    )  # fmt: skip


# What came of it -----------------------------------------------------------------------------------------------------

Result = Reading | Rewarded | Followed


def table(result: Result) -> str:
    """What came of a run, in words."""
    if isinstance(result, Reading):
        return _table_of_reading(result)
    if isinstance(result, Rewarded):
        return _table_of_rewards(result)
    names = [f"run with {n}" for n in result.right]
    lines = [f"{'moves followed':22}" + "".join(f"{name:>12}" for name in names)]
    for n_rounds, runs in result.run_with.items():
        followed = (f"{lab_hidden.longest(its.tolist()):12}" for its in runs.values())
        lines.append(f"{f'trained with {n_rounds}':22}" + "".join(followed))
    return "\n".join([*lines, f"of {len(result.right[min(result.right)])} moves; words written on the way: none"])


def _table_of_reading(reading: Reading) -> str:
    n = len(reading.asked)
    kinds = sorted(set(reading.findings), key=reading.findings.count, reverse=True)
    found = ", ".join(f"{kind} {reading.findings.count(kind) / n:.0%}" for kind in kinds)
    lines = [f"{n} sums, drawn at temperature 1: right {sum(reading.right) / n:.0%}; the monitor says {found}", ""]
    lines.append(f"{'what was done to the steps':32}" + "".join(f"{name:>26}" for name in lab_tampered.OUTCOMES))
    for how in reading.tampered:
        shares = "".join(f"{reading.share(how, outcome):26.0%}" for outcome in lab_tampered.OUTCOMES)
        lines.append(f"{lab_tampered.SAID[how]:32}{shares}")
    return "\n".join(lines)


def _table_of_rewards(result: Rewarded) -> str:
    exams = {"before": result.before, "after": result.after}
    lines = [f"{'new sums, drawn':20}{'right':>8}{'worked':>8}{'sound':>8}{'words':>8}"]
    for when, its in exams.items():
        words = sum(len(reply.split()) for replies in its.replies for reply in replies) / (its.n * len(its.asked))
        lines.append(f"{when:20}{its.right:8.0%}{its.worked:8.0%}{its.found('sound'):8.0%}{words:8.0f}")
    lines += ["", f"{'pass@k':20}" + "".join(f"{k:>7}" for k in result.passed["before"])]
    lines += [f"{when:20}" + "".join(f"{share:7.1%}" for share in its.values()) for when, its in result.passed.items()]
    return "\n".join(lines)


def finding(result: Result) -> str:
    """What came of a run, in a title."""
    chart, its = _drawable(result)
    return chart.finding(*its)


def alt_text(result: Result) -> str:
    """The figure of a run in words."""
    chart, its = _drawable(result)
    return chart.alt_text(*its)


def plot(result: Result) -> "Figure":
    """Draw a run, over what was recorded where there is such a record."""
    chart, its = _drawable(result)
    return chart.plot(*its)


def _drawable(result: Result) -> tuple[ModuleType, tuple[Any, ...]]:
    """The chart of a run, and what it draws."""
    if isinstance(result, Reading):
        hows = {how: {name: result.share(how, name) for name in lab_tampered.OUTCOMES} for how in result.tampered}
        return lab_tampered, (hows,)
    if isinstance(result, Rewarded):
        return lab_reasoning, (vars(result.log), result.passed)
    return lab_hidden, ({n: its.tolist() for n, its in result.right.items()},)
