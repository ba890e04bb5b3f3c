"""Which model learns most from the same: our GPT, Hugging Face's Llama and GPT-2, at equal weights, tokens, optimiser.

    python benchmarks/equal_budget.py [--write]

Two texts: the village, and the reference of the Python language (`pydoc_data.topics`, 700 kB of English that every
Python carries) in the tokens of our byte-level BPE, which is learned from its training part alone. All three models
have equal width and depth, and the same number of weights to within 1 %. All take the same steps of
`solutions.pretraining.train_step` on the same windows in the same order, with the same AdamW and the same learning
rates. Each draws its first weights as its own library does, from eight seeds. Judged is the mean loss over text that
none of them learned from.

What it does not show: how each does at a learning rate chosen for it, at a larger size, or after more tokens.
"""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from pydoc_data.topics import topics
from statistics import mean
from typing import Annotated, Any

import torch
import typer
from rich.progress import track
from rich.table import Table
from scipy.stats import permutation_test
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from benchmarks.rivals import GPT2, LLAMA, OURS, console, finish, gpt2, llama, one_core, spread
from layercake import village
from layercake.training import count_parameters
from solutions.pretraining import evaluate, get_batch, train_step, warmup_cosine
from solutions.tokenizer import encode, train_bpe
from solutions.transformer import GPT

D_MODEL, N_LAYERS, N_HEADS = 64, 4, 2
T, BATCH_SIZE = 128, 8
PEAK, WARM_UP = 3e-3, 0.1  # the highest learning rate; the part of the steps in which it rises
DOCS_VOCAB_SIZE = 512
N_VALIDATION = 20_000  # tokens
SEEDS = tuple(range(8))  # on the village two seeds of one model may differ by 0.1
Text = tuple[int, Tensor, Tensor]  # vocab_size, tokens to learn from (n), tokens to be judged on (n)


def village_text(n_tokens: int) -> Text:
    train, validation = village.stream(n_tokens), village.stream(N_VALIDATION, split="validation")
    return len(village.VOCABULARY), torch.from_numpy(train.astype(int)), torch.from_numpy(validation.astype(int))


def docs_text() -> Text:
    """The topics in alphabetical order; every tenth is held out whole."""
    documents = [topics[name] for name in sorted(topics)]
    train = "\n".join(document for i, document in enumerate(documents) if i % 10)
    validation = "\n".join(documents[::10])
    merges = train_bpe(train, DOCS_VOCAB_SIZE)
    return DOCS_VOCAB_SIZE, torch.tensor(encode(train, merges)), torch.tensor(encode(validation, merges))[:N_VALIDATION]


def build(name: str, vocab_size: int, seed: int) -> nn.Module:
    """One of the three, with its own first weights. Raises ValueError where it is not as large as ours."""
    torch.manual_seed(seed)
    ours = GPT(vocab_size, T, D_MODEL, N_LAYERS, N_HEADS)
    model = {OURS: lambda: ours, LLAMA: lambda: llama(ours), GPT2: lambda: gpt2(ours)}[name]()
    if abs(count_parameters(model) / count_parameters(ours) - 1) > 0.01:
        raise ValueError(f"{name} has {count_parameters(model)} weights, ours {count_parameters(ours)}")
    return model.train()


def final_loss(model: nn.Module, text: Text, steps: int, seed: int) -> float:
    """Train on one text, and return the loss on what was held out, in nats per token."""
    _, tokens, validation = text
    optimiser = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    generator = torch.Generator().manual_seed(seed)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = warmup_cosine(step, steps, PEAK, round(WARM_UP * steps))
        train_step(model, optimiser, [get_batch(tokens, BATCH_SIZE, T, generator)])
    return evaluate(model, validation, T)


def measure(texts: dict[str, Text], steps: int) -> list[dict[str, Any]]:
    """The final losses of every model on every text, by seed."""
    runs = [
        {"text": text, "model": name, "weights": count_parameters(build(name, texts[text][0], 0)), "losses": []}
        for text in texts
        for name in (OURS, LLAMA, GPT2)
    ]
    jobs = [(run, seed) for seed in SEEDS for run in runs]
    for run, seed in track(jobs, "Training", console=console):
        model = build(run["model"], texts[run["text"]][0], seed)
        run["losses"].append(final_loss(model, texts[run["text"]], steps, seed))
    return runs


def table(runs: list[dict[str, Any]], steps: int) -> Table:
    title = f"{steps * BATCH_SIZE * T:,} tokens; median (range) of {len(SEEDS)} seeds"
    made = Table("Text", "Model", title=title, show_lines=True)
    for heading in ("Weights", "Loss\n(nats per token)", "Above ours,\nmeans", "p"):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        difference = ("", "") if run["model"] == OURS else (f"{run['above_ours']:.3f}", f"{run['p']:.2g}")
        made.add_row(run["text"], run["model"], f"{run['weights']:,}", spread(run["losses"], 3), *difference)
    return made


def compared(runs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The runs, each with how far its mean loss is above ours, and how often chance alone gives as large a difference.

    That is `p`, of the exact permutation test over seeds.
    """
    ours = {run["text"]: run["losses"] for run in runs if run["model"] == OURS}
    for run in runs:
        both = run["losses"], ours[run["text"]]
        test = permutation_test(both, lambda one, other: mean(one) - mean(other), n_resamples=math.inf)
        run |= {"above_ours": test.statistic.item(), "p": test.pvalue.item()}
    return runs


def main(
    steps: Annotated[int, typer.Option(min=10, help=f"Steps of {BATCH_SIZE * T} tokens.")] = 400,
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/equal_budget.json.")] = False,
) -> None:
    """Compare what is learned from an equal budget with the models of `transformers`."""
    one_core()
    started = time.perf_counter()
    made: dict[str, Callable[[], Text]] = {
        "village": lambda: village_text(steps * BATCH_SIZE * T),
        "Python's reference": docs_text,
    }
    runs = compared(measure({name: make() for name, make in made.items()}, steps))
    console.print(table(runs, steps))
    sizes = {"d_model": D_MODEL, "n_layers": N_LAYERS, "n_heads": N_HEADS, "T": T, "batch_size": BATCH_SIZE}
    result = sizes | {"steps": steps, "learning_rate": PEAK, "warm_up": WARM_UP, "seeds": SEEDS, "runs": runs}
    command = f"python benchmarks/equal_budget.py --steps {steps}"
    finish("equal_budget", command, time.perf_counter() - started, result, write)


if __name__ == "__main__":
    typer.run(main)
