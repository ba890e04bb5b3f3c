"""Tokens a second in generation: our GPT with its cache, without it, and Hugging Face's `generate` on the same weights.

    python benchmarks/generation.py [--write]

Prompts of 16 tokens are continued greedily, one text at a time and eight side by side, in float32. The rival is a Llama
of the same shape with our weights, run by its own `generate` with the cache that it makes by default; no token ends a
text, so all make as many. All must make the same tokens, or the run stops. On a CPU: one core, its own time, in the
shape of the village's model; on a GPU in that of GPT-2 small.

Weights as they are drawn soon repeat one token, on which agreeing is easy. So they are drawn ten times as large, and
how many different tokens were made is in the table.
"""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from benchmarks.rivals import OURS, console, finish, in_turn, one_core, speeds, spread, twin
from benchmarks.training import SHAPES, Shape
from solutions.transformer import generate

PROMPT, BATCH_SIZES = 16, (1, 8)
WITHOUT, RIVAL = "ours, without cache", "transformers"


def enlarge(model: torch.nn.Module, times: float = 10.0) -> None:
    """Make every matrix so many times as large, so that what is said depends on what was read."""
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dim() == 2:
                weight.mul_(times)


def measure(shape: Shape, batch_size: int, n_tokens: int, repeats: int, device: torch.device) -> dict[str, Any]:
    """Seconds that each took for the whole text, by repeat."""
    ours = shape.build()
    enlarge(ours)
    rival, ours = twin(ours).to(device).eval(), ours.to(device).eval()
    prompt = torch.randint(shape.vocab_size, (batch_size, PROMPT), device=device)
    made: dict[str, Tensor] = {}
    whole = {"attention_mask": torch.ones_like(prompt), "do_sample": False, "use_cache": True, "pad_token_id": 0}
    actions = {
        OURS: lambda: made.update({OURS: generate(ours, prompt, n_tokens)}),
        WITHOUT: lambda: made.update({WITHOUT: generate(ours, prompt, n_tokens, use_cache=False)}),
        RIVAL: lambda: made.update({RIVAL: rival.generate(prompt, max_new_tokens=n_tokens, **whole)}),
    }
    in_turn(actions, 1, device)  # the first time is not counted
    seconds = in_turn(actions, repeats, device)
    for name, tokens in made.items():
        if not torch.equal(tokens, made[OURS]):
            first = (tokens != made[OURS]).any(dim=0).nonzero()[0].item()
            raise typer.Exit(console.print(f"{name} makes other tokens from position {first} on") or 1)
    different = len(made[OURS][:, PROMPT:].unique())
    return {"batch_size": batch_size, "n_tokens": n_tokens, "different": different, "seconds": seconds}


def table(runs: list[dict[str, Any]], shape: Shape) -> Table:
    title = f"{shape}; median (range) of {len(runs[0]['seconds'][OURS])} repeats; the same tokens from all"
    made = Table("Texts", "New tokens\n(different)", "Generator", title=title, show_lines=True)
    for heading in ("Tokens\na second", "Ours is times\nas fast"):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        for name, rates, ratio in speeds(run["seconds"], run["batch_size"] * run["n_tokens"]):
            n_tokens = f"{run['n_tokens']} ({run['different']})"
            made.add_row(str(run["batch_size"]), n_tokens, name, spread(rates, 0), ratio)
    return made


def main(
    n_tokens: Annotated[int, typer.Option(min=1, help="New tokens in each text.")] = 192,
    repeats: Annotated[int, typer.Option(min=1, help="How often each generates them.")] = 5,
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/generation.json.")] = False,
) -> None:
    """Compare the speed of generation with and without the cache and with `transformers`, in one run."""
    one_core()
    started, device = time.perf_counter(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shape = SHAPES[device.type]
    runs = [measure(shape, batch_size, n_tokens, repeats, device) for batch_size in BATCH_SIZES]
    console.print(table(runs, shape))
    command = f"python benchmarks/generation.py --n-tokens {n_tokens} --repeats {repeats}"
    finish("generation", command, time.perf_counter() - started, {"shape": vars(shape), "runs": runs}, write)


if __name__ == "__main__":
    typer.run(main)
