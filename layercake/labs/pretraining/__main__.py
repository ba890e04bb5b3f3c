"""Pretrain the course's GPT from the command line, alone or with torchrun, which starts several processes.

python -m layercake.labs.pretraining --scale smoke
torchrun --nproc-per-node 2 -m layercake.labs.pretraining --scale smoke
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch

from layercake import corpus as corpora
from layercake.labs.pretraining import SCALES, alt_text, run, settings_for
from layercake.processes import processes, rank_and_number
from layercake.training import CheckpointError, TrainingError


def main() -> None:
    """Read the command line, train, and say what came of it; exits with 1 and the reason where that cannot be."""
    try:
        import typer
    except ModuleNotFoundError:
        sys.exit("layercake.labs.pretraining: the command line needs one more package: pip install typer")

    def command(
        scale: Annotated[str, typer.Option(help=f"All sizes: {', '.join(SCALES)}.")] = "smoke",
        corpus: Annotated[str, typer.Option(help="village, tinystories, tinyshakespeare, or a text file.")] = "village",
        steps: Annotated[int | None, typer.Option(min=1, help="Another number of steps than the scale's.")] = None,
        seed: Annotated[int, typer.Option(help="Of the first weights, of the windows, and of the village.")] = 0,
        folder: Annotated[Path, typer.Option(help="Where the run is saved.")] = Path("layercake-runs"),
        fresh: Annotated[bool, typer.Option("--fresh", help="Start again, over a run that was saved.")] = False,
        compiled: Annotated[bool, typer.Option("--compile", help="Train through torch.compile.")] = False,
    ) -> None:
        """Pretrain the course's GPT on a text. A run that was stopped goes on where it was saved.

        With torchrun --nproc-per-node N -m layercake.labs.pretraining, N processes share every batch.
        """
        from solutions.transformer import GPT

        torch.set_flush_denormal(True)  # numbers that have faded to almost nothing take a CPU several times as long
        with _clear_errors(), processes():
            settings = settings_for(scale)
            settings = replace(settings, steps=steps) if steps else settings
            curve = run(
                GPT, scale, corpus=corpus, seed=seed, folder=folder, fresh=fresh, settings=settings, compiled=compiled
            )
            if rank_and_number()[0] == 0:
                print(alt_text(curve), f"{curve.tokens_per_second:,.0f} tokens a second.")

    typer.run(command)


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Errors that a user can do something about, as one line and an exit code."""
    try:
        yield
    except (ValueError, FileNotFoundError, TrainingError, CheckpointError, corpora.DownloadError) as error:
        sys.exit(f"layercake.labs.pretraining: {error}".replace("pass fresh=True", "pass --fresh"))


if __name__ == "__main__":
    main()
