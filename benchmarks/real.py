"""Tokens a second of a real model: SmolLM2-135M-Instruct in our GPT, and in `transformers` with its own `generate`.

    python benchmarks/real.py [--write]

The same weights, the same prompt, greedily, on one core: in float32 and in bfloat16. Ours has a key and a value for
every head of queries, as `from_pretrained` makes them, and so an eighth more weights in its layers to read than the
rival, whose heads share them. Both have to make the same tokens in float32, or the run stops. The weights come from the
Python package index.
"""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.table import Table
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from benchmarks.rivals import OURS, console, finish, in_turn, one_core, speeds, spread
from layercake.checkpoints import pretrained
from layercake.checkpoints.pretrained import Pretrained
from solutions.real import encode_real, from_pretrained, pairs_to_halves, render_chatml
from solutions.transformer import generate

RIVAL = "transformers"
ASKED = "Tell me a story about a layer cake."


def rival(given: Pretrained) -> nn.Module:
    """The model as `transformers` has it, three heads of keys and values for nine of queries."""
    from transformers import LlamaConfig, LlamaForCausalLM

    size = given.sizes
    config = LlamaConfig(
        vocab_size=size["vocab_size"], hidden_size=size["d_model"], intermediate_size=size["d_hidden"],
        num_hidden_layers=size["n_layers"], num_attention_heads=size["n_heads"], rms_norm_eps=size["eps"],
        num_key_value_heads=size["n_kv_heads"], max_position_embeddings=size["context"], rope_theta=size["base"],
        tie_word_embeddings=True, bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
    heads = {"self_attn.q_proj.weight": size["n_heads"], "self_attn.k_proj.weight": size["n_kv_heads"]}
    weights = {
        name: pairs_to_halves(weight, heads[part]) if (part := name.split(".", 3)[-1]) in heads else weight
        for name, weight in given.weights.items()
    }
    model = LlamaForCausalLM(config)
    model.load_state_dict(weights | {"lm_head.weight": weights["model.embed_tokens.weight"]})
    return model.eval()


def measure(given: Pretrained, dtype: torch.dtype, n_tokens: int, repeats: int) -> dict[str, Any]:
    """Seconds that each took for the same text, by repeat."""
    ours = from_pretrained(given.weights, given.sizes, given.neighbours).to(dtype)
    theirs = rival(given).to(dtype)
    prompt = torch.tensor([encode_real(render_chatml([{"role": "user", "content": ASKED}]), *given.tokens)])
    made: dict[str, Tensor] = {}
    whole = {"attention_mask": torch.ones_like(prompt), "do_sample": False, "pad_token_id": 0}
    actions = {
        OURS: lambda: made.update({OURS: generate(ours, prompt, n_tokens)}),
        RIVAL: lambda: made.update({RIVAL: theirs.generate(prompt, max_new_tokens=n_tokens, **whole)}),
    }
    in_turn(actions, 1, torch.device("cpu"))  # the first time is not counted
    seconds = in_turn(actions, repeats, torch.device("cpu"))
    if dtype == torch.float32 and not torch.equal(made[OURS], made[RIVAL]):
        raise typer.Exit(console.print("the two make other tokens") or 1)
    return {"dtype": str(dtype).removeprefix("torch."), "n_tokens": n_tokens, "seconds": seconds}


def main(
    n_tokens: Annotated[int, typer.Option(min=1, help="New tokens.")] = 48,
    repeats: Annotated[int, typer.Option(min=1, help="How often each generates them.")] = 5,
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/real.json.")] = False,
) -> None:
    """Compare the speed of a real model in our code with that of `transformers`, in one run."""
    one_core()
    started, given = time.perf_counter(), pretrained.fetch("smollm2-instruct")
    runs = [measure(given, dtype, n_tokens, repeats) for dtype in (torch.float32, torch.bfloat16)]
    made = Table("Numbers", "Generator", title=f"SmolLM2-135M-Instruct; median (range) of {repeats}", show_lines=True)
    for heading in ("Tokens\na second", "Ours is times\nas fast"):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        for name, rates, ratio in speeds(run["seconds"], n_tokens):
            made.add_row(run["dtype"], name, spread(rates, 1), ratio)
    console.print(made)
    command = f"python benchmarks/real.py --n-tokens {n_tokens} --repeats {repeats}"
    finish("real", command, time.perf_counter() - started, {"runs": runs}, write)


if __name__ == "__main__":
    typer.run(main)
