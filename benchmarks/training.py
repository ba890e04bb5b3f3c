"""Tokens a second in training: our GPT, Hugging Face's Llama of the same shape and weights, and GPT-2 of equal size.

    python benchmarks/training.py [--write]

All three take whole steps of `solutions.pretraining.train_step`: forward, loss, backward, clipping, AdamW. It asks a
model only for logits, so the loop, the loss, the optimiser and the batch are the same for all, and what differs is the
models. The rivals' own loss and `Trainer` are not used, and they keep no cache in training. Llama has our weights and
has to give our losses, or the run stops.

On a CPU: one core, its own time, in the shape of the village's model; in bfloat16 too where the processor multiplies
it in tiles (AMX). On a GPU: the shape of GPT-2 small. Each as it is (eager) and through `torch.compile`; the first two
steps of each, in which the compiler works, are left out.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from benchmarks.rivals import (
    GPT2,
    LLAMA,
    OURS,
    console,
    finish,
    gpt2,
    in_turn,
    one_core,
    speeds,
    spread,
    twin,
)
from layercake.device import pick
from layercake.training import count_parameters
from solutions.pretraining import train_step
from solutions.transformer import GPT


@dataclass(frozen=True)
class Shape:
    """The sizes of a model and of the batch that it learns from."""

    vocab_size: int
    T: int
    d_model: int
    n_layers: int
    n_heads: int
    batch_size: int

    def build(self) -> GPT:
        torch.manual_seed(0)
        return GPT(self.vocab_size, self.T, self.d_model, self.n_layers, self.n_heads)


SHAPES = {"cpu": Shape(717, 512, 192, 6, 3, batch_size=2), "cuda": Shape(50_304, 1024, 768, 12, 12, batch_size=16)}


def dtypes(device: torch.device) -> list[torch.dtype]:
    """What to multiply matrices in: float32, and the shorter numbers that this machine multiplies faster."""
    if device.type == "cpu":
        return [torch.float32, *([torch.bfloat16] if torch.cpu.get_capabilities().get("amx_bf16") else [])]
    return [torch.float32, pick().dtype]


def steps_of(models: dict[str, nn.Module], shape: Shape, dtype: torch.dtype, device: torch.device) -> dict[str, Any]:
    """For each model what takes one step with it, always on the same batch, and returns the loss before."""
    batch = torch.randint(shape.vocab_size, (2, shape.batch_size, shape.T), device=device).unbind()

    def step_of(model: nn.Module) -> Any:
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-4, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
        scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        return lambda: train_step(model, optimiser, [batch], dtype=dtype, scaler=scaler)[0].item()

    return {name: step_of(model) for name, model in models.items()}


def measure(shape: Shape, dtype: torch.dtype, compiled: bool, repeats: int, device: torch.device) -> dict[str, Any]:
    """Seconds a step of all three, by repeat, at one precision, in one mode."""
    ours = shape.build()
    models = {OURS: ours, LLAMA: twin(ours), GPT2: gpt2(ours)}
    weights = {name: count_parameters(model) for name, model in models.items()}
    models = {name: model.to(device).train() for name, model in models.items()}
    steps = steps_of({name: torch.compile(model) if compiled else model for name, model in models.items()},
                     shape, dtype, device)  # fmt: skip
    for _ in range(2):
        losses = {name: step() for name, step in steps.items()}
        if abs(losses[OURS] - losses[LLAMA]) > (1e-4 if dtype == torch.float32 else 2e-2):
            raise typer.Exit(console.print(f"the same weights give other losses: {losses}") or 1)
    seconds = in_turn(steps, repeats, device)
    mode = "compiled" if compiled else "eager"
    return {"dtype": str(dtype).removeprefix("torch."), "mode": mode, "weights": weights, "seconds": seconds}


def table(runs: list[dict[str, Any]], shape: Shape) -> Table:
    title = f"{shape}; median (range) of {len(runs[0]['seconds'][OURS])} steps"
    made = Table("Numbers", "Mode", "Model", title=title, show_lines=True)
    for heading in ("Weights", "Tokens\na second", "Ours is times\nas fast"):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        for name, rates, ratio in speeds(run["seconds"], shape.batch_size * shape.T):
            made.add_row(run["dtype"], run["mode"], name, f"{run['weights'][name]:,}", spread(rates, 0), ratio)
    return made


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Steps of each model in each mode.")] = 15,
    compiled: Annotated[bool, typer.Option(help="Measure through torch.compile too, which takes minutes.")] = True,
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/training.json.")] = False,
) -> None:
    """Compare the speed of training with that of the models of `transformers`, in one run."""
    one_core()
    started, device = time.perf_counter(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = SHAPES[device.type]
    modes = (False, True) if compiled else (False,)
    runs = [measure(shape, dtype, mode, repeats, device) for dtype in dtypes(device) for mode in modes]
    console.print(table(runs, shape))
    command = f"python benchmarks/training.py --repeats {repeats}{'' if compiled else ' --no-compiled'}"
    finish("training", command, time.perf_counter() - started, {"shape": vars(shape), "runs": runs}, write)


if __name__ == "__main__":
    typer.run(main)
