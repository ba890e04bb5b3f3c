"""The third run of the lab: the learner's `LatentLoop` on the task of five cups, with one round and with several.

One block, the same weights for all, the same games and as many steps. What differs is how often the block is run before
the answer is read off, and nothing of that is written down.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from layercake.labs import cups
from layercake.training import train
from solutions.transformer import GPT

WIDTH, N_HEADS, LEARNING_RATE = 64, 2, 2e-3
GAMES = 1_000  # in the exam


@dataclass(frozen=True)
class Followed:
    """How often models of one block are right after 1, 2, … moves, by the rounds that each was trained with."""

    right: dict[int, Tensor]  # (n_moves) each
    run_with: dict[int, dict[int, Tensor]]  # the same, by the rounds that it was run with afterwards


class OnDevice:
    """A course whose games are drawn on the CPU, for a model that may be elsewhere."""

    def __init__(self, course: cups.Course):
        self.course = course
        self.state_dict, self.load_state_dict = course.state_dict, course.load_state_dict

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        return self.course(beside(model), generator)


def beside(model: nn.Module, **more: Any) -> Callable[[Tensor], tuple[Tensor, None]]:
    """The model as a function of tokens on the CPU, which gives logits there."""
    device = next(model.parameters()).device
    return lambda tokens: (model(tokens.to(device), **more)[0].cpu(), None)


def follow(
    latent_loop: Callable[[nn.Module, int], nn.Module],
    rounds: Sequence[int],
    *,
    n_moves: int,
    steps: int,
    batch_size: int,
    device: torch.device,
    seed: int,
    folder: Path | None = None,
    fresh: bool = False,
) -> Followed:
    """Train one block with each number of rounds to say where the pea is after each swap, and examine it on new games.

    Then each is run with the others' numbers of rounds. A training is kept in a file of its own under `folder`, and
    goes on there; None: none is kept. Raises what `layercake.training.train` raises.
    """
    right, run_with = {}, {}
    chance = torch.Generator().manual_seed(1_000_000 + seed)  # games of its own
    game = cups.play(GAMES, n_moves, "swaps", chance)
    for n_rounds in rounds:
        torch.manual_seed(seed)
        model = latent_loop(GPT(cups.VOCAB_SIZE, n_moves + 1, WIDTH, 1, N_HEADS), n_rounds).to(device)
        path = folder and folder / f"reasoning-{n_rounds}-rounds-{n_moves}-moves-{steps}-steps-seed{seed}.safetensors"
        train(
            model, OnDevice(cups.Course(n_moves, steps, batch_size)), steps, learning_rate=LEARNING_RATE, seed=seed,
            path=path, name=f"rounds: {n_rounds}", fresh=fresh,
            settings={"lab": "reasoning", "rounds": n_rounds, "moves": n_moves, "rows": batch_size},
        )  # fmt: skip
        model.eval()
        right[n_rounds] = cups.right(beside(model), game, "direct", chance)
        run_with[n_rounds] = {n: cups.right(beside(model, n_rounds=n), game, "direct", chance) for n in rounds}
    return Followed(right, run_with)
