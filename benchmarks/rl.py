"""Samples a second of our training by rewards, of the same loop around `transformers`, and of TRL's GRPO trainer.

    python benchmarks/rl.py [--smoke] [--write]

A sample is a reply that is drawn, graded and learned from once. All three draw from the shipped apprentice at
temperature 1, as many replies to each of the same questions, up to the line break or `reward.LONGEST` tokens; grade
them for the truth with the same function; and take one step of AdamW on the clipped objective, in float32. In one case
adapters learn, as in the lab, in the other all weights. The learning rate is zero: the arithmetic is that of a step,
and all go on drawing from the same model, so that nobody's replies become longer than the others'. What they draw is
chance, so the tokens of a reply are in the table too.

- Ours: `layercake.labs.reward.Loop`, in the sizes of the lab at "laptop".
- The same loop around a Llama of the same shape with our weights, which draws by its own `generate`, prompts padded on
  the left. Both greedy, the two have to write the same, or the run stops.
- TRL's `GRPOTrainer` on the same Llama, where TRL is installed: it is no part of the course's environment. It runs its
  own loop, and waits before each step while the others take theirs. Of its defaults those are off that cost it time
  here: it computes no activation twice, rounds nothing to bfloat16, saves and logs nothing. It learns from the replies
  of a step in two halves, with which it is faster than with one part or four. One thing it does not do and ours does:
  read the replies with the model as it was at first, for the distance that the lab shows.

On a CPU: one core, its own time.
"""

import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Any

import torch
import typer
from rich.table import Table
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # benchmarks/ and experiments/ are not installed

from benchmarks.rivals import OURS, console, finish, in_turn, one_core, speeds, spread, twin
from experiments.cherry import LOSSES
from layercake import checkpoints
from layercake.labs import reward, sft
from layercake.labs.reward import LONGEST, Loop, Replies, Settings
from layercake.labs.sft import NEWLINE
from solutions.sft import add_lora
from solutions.transformer import GPT

if TYPE_CHECKING:  # it takes seconds to load
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

GENERATE, TRL = "transformers", "TRL"
LEARN = {"adapters": reward.SCALES["laptop"].graded.rank, "all weights": 0}
SEED = 0
Step = Callable[[], Any]


# The same loop around transformers ---------------------------------------------------------------------------------


def generated(model: "LlamaForCausalLM", prompts: list[list[int]], n_tokens: int, **how: Any) -> list[list[int]]:
    """What `sft.replies` returns, by the library's `generate`."""
    width, device = max(map(len, prompts)), model.device
    tokens = torch.tensor([[NEWLINE] * (width - len(its)) + its for its in prompts], device=device)
    there = torch.tensor([[0] * (width - len(its)) + [1] * len(its) for its in prompts], device=device)
    ends = {"eos_token_id": NEWLINE, "pad_token_id": NEWLINE, "max_new_tokens": n_tokens, "use_cache": True}
    said = model.eval().generate(tokens, attention_mask=there, **ends, **how)[:, width:].tolist()
    return [its[: its.index(NEWLINE) + 1] if NEWLINE in its else its for its in said]


class WithGenerate(Loop):
    """Our loop, but for how it draws."""

    def draw(self, model: "LlamaForCausalLM", generator: torch.Generator) -> Replies:
        """As the loop does; the library draws from torch's own generator."""
        questions = self.asked(len(self.log.reward))
        prompts = [reward.prompt(question) for question in questions]
        written = generated(model, prompts, LONGEST, do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
        return reward.laid_out(questions, prompts, written, model)


def with_adapters(model: nn.Module, rank: int) -> nn.Module:
    """A model of ours, or a Llama, with adapters in its blocks that learn instead of the weights; in place."""
    from transformers import LlamaForCausalLM

    if isinstance(model, LlamaForCausalLM):
        model.requires_grad_(False)
        held = nn.Module()
        held.blocks = model.model.layers
        add_lora(held, rank)
        return model
    return add_lora(model, rank)


def loop_around(model: nn.Module, kind: type[Loop], settings: Settings, lengths: list[float]) -> Step:
    """What takes the next step of our loop with a model; the tokens of a reply are put to `lengths`."""
    loop = kind(model, LOSSES, reward.truth, reward.plain, settings, SEED)
    if settings.rank:
        with_adapters(model, settings.rank)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(learned, lr=settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.0)
    generator = torch.Generator(learned[0].device).manual_seed(SEED)

    def step() -> None:
        loop.step(model, optimiser, generator)
        lengths.append(loop.log.length[-1])

    return step


# TRL ---------------------------------------------------------------------------------------------------------------


def trl_version() -> str | None:
    """The version of TRL, or None where its trainer cannot be imported; either is printed, and why."""
    try:
        from trl import GRPOTrainer, __version__  # noqa: F401
    except ImportError as error:
        console.print(f"TRL's trainer is left out: {error}", highlight=False)
        return None
    console.print(f"trl {__version__}", highlight=False)
    return __version__


def numbers_as_words(vocab_size: int) -> "PreTrainedTokenizerFast":
    """A tokenizer whose words are <0>, <1> and so on, each one token: TRL takes prompts as text."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    made = Tokenizer(models.WordLevel({f"<{token}>": token for token in range(vocab_size)}))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token=f"<{NEWLINE}>", pad_token=f"<{NEWLINE}>")


def trl_trainer(model: "LlamaForCausalLM", settings: Settings, lengths: list[float], folder: str):
    """TRL's trainer for as many steps as the settings say, on the questions that our loop asks."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import GRPOConfig, GRPOTrainer

    ours = Loop(nn.Module(), LOSSES, reward.truth, reward.plain, settings, SEED)
    asked = [question for step in range(settings.steps) for question in ours.asked(step)[:: settings.group_size]]
    prompts = [reward.prompt(question) for question in asked]

    def graded(completion_ids: list[list[int]], number: list[int], **_: Any) -> list[float]:
        lengths.append(statistics.mean(map(len, completion_ids)))
        replies = [asked[i] for i in number], [prompts[i] for i in number], completion_ids
        return reward.truth(reward.laid_out(*replies, model)).tolist()

    equal = {
        "per_device_train_batch_size": settings.questions * settings.group_size // 2, "gradient_accumulation_steps": 2,
        "num_generations": settings.group_size, "max_completion_length": LONGEST, "max_steps": settings.steps,
        "temperature": 1.0, "top_k": 0, "top_p": 1.0, "beta": settings.beta, "epsilon": settings.clip,
        "num_iterations": settings.passes, "loss_type": "dapo", "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "constant", "adam_beta1": 0.9, "adam_beta2": 0.95, "weight_decay": 0.0,
        "max_grad_norm": 1.0, "shuffle_dataset": False, "seed": SEED, "use_cpu": model.device.type == "cpu",
        "generation_kwargs": {"use_cache": True},  # which `rivals.shape` turns off, for training
    }  # fmt: skip
    off = {
        "gradient_checkpointing": False, "bf16": False, "save_strategy": "no", "logging_strategy": "no",
        "report_to": "none", "disable_tqdm": True, "dataloader_pin_memory": False,
    }  # fmt: skip
    texts = [" ".join(f"<{token}>" for token in its) for its in prompts]
    made = GRPOTrainer(
        model, graded, GRPOConfig(folder, **equal, **off),
        Dataset.from_dict({"prompt": texts, "number": range(len(texts))}),
        processing_class=numbers_as_words(model.config.vocab_size),
    )  # fmt: skip
    made.remove_callback(PrinterCallback)
    return made


def in_steps(trainer) -> Step:
    """What lets a trainer run on to where it is about to take its next step, or has taken the last."""
    from transformers import TrainerCallback

    arrived, go = SimpleQueue(), SimpleQueue()

    class Wait(TrainerCallback):
        def on_step_begin(self, *_: Any, **__: Any) -> None:
            arrived.put(None)
            go.get()

    def work() -> None:
        try:
            trainer.train()
            arrived.put(None)
        except BaseException as error:
            arrived.put(error)

    def arrive() -> None:
        if error := arrived.get():
            raise error

    def step() -> None:
        go.put(None)
        arrive()

    trainer.add_callback(Wait())
    Thread(target=work, daemon=True).start()
    arrive()
    return step


# What is measured --------------------------------------------------------------------------------------------------


def same_when_greedy(ours: GPT, theirs: "LlamaForCausalLM", settings: Settings) -> None:
    """Make sure that both write the same to the questions of the first step. Exits where they do not."""
    asked = Loop(ours, LOSSES, reward.truth, reward.plain, settings, SEED).asked(0)[:: settings.group_size]
    prompts = [reward.prompt(question) for question in asked]
    pairs = zip(sft.replies(ours, prompts, n_tokens=LONGEST), generated(theirs, prompts, LONGEST, do_sample=False))
    for question, (its, other) in zip(asked, pairs):
        if its != other:
            said = [sft.in_words(tokens) for tokens in (its, other)]
            raise typer.Exit(console.print(f"to {question.text!r}, {OURS} is {said[0]!r}, {GENERATE} {said[1]!r}") or 1)


def measure(learn: str, settings: Settings, trl: str | None, device: torch.device, folder: str) -> dict[str, Any]:
    """Seconds of each step and mean tokens of its replies, by loop; the first step of each is left out."""
    ours = checkpoints.load("apprentice", device)
    same_when_greedy(ours, twin(ours), settings)
    lengths: dict[str, list[float]] = defaultdict(list)
    steps = {GENERATE: loop_around(twin(ours), WithGenerate, settings, lengths[GENERATE])}
    if trl:
        rival = twin(ours)
        if settings.rank:
            with_adapters(rival, settings.rank)
        steps[TRL] = in_steps(trl_trainer(rival, settings, lengths[TRL], folder))
    steps = {OURS: loop_around(ours, Loop, settings, lengths[OURS]), **steps}
    in_turn(steps, 1, device)
    seconds = in_turn(steps, settings.steps - 1, device)
    return {"learn": learn, "seconds": seconds, "tokens": {name: its[1:] for name, its in lengths.items()}}


def table(runs: list[dict[str, Any]], settings: Settings) -> Table:
    drawn = f"{settings.questions} questions x {settings.group_size} replies a step"
    title = f"{drawn}; median (range) of {settings.steps - 1} steps"
    made = Table("What learns", "Loop", title=title, show_lines=True)
    for heading in ("Tokens\na reply", "Samples\na second", "Ours is times\nas fast"):
        made.add_column(heading, justify="right", no_wrap=True)
    for run in runs:
        for name, rates, ratio in speeds(run["seconds"], settings.questions * settings.group_size):
            made.add_row(run["learn"], name, spread(run["tokens"][name], 1), spread(rates, 1), ratio)
    return made


def main(
    repeats: Annotated[int, typer.Option(min=1, help="Steps of each loop in each case.")] = 10,
    smoke: Annotated[bool, typer.Option("--smoke", help="One step of four replies, to see that it runs.")] = False,
    write: Annotated[bool, typer.Option("--write", help="Record it in benchmarks/results/rl.json.")] = False,
) -> None:
    """Compare the speed of training by rewards with `transformers` and, where it is installed, TRL, in one run."""
    if smoke and write:
        raise typer.BadParameter("a smoke run is too small to be recorded", param_hint="--write")
    one_core()
    started, device = time.perf_counter(), torch.device("cuda" if torch.cuda.is_available() else "cpu")
    repeats, fewer = (1, {"questions": 2, "group_size": 2}) if smoke else (repeats, {})
    settings = replace(reward.SCALES["laptop"].graded, steps=1 + repeats, learning_rate=0.0, **fewer)
    trl, runs = trl_version(), []
    for learn, rank in LEARN.items():
        with tempfile.TemporaryDirectory() as folder:
            runs.append(measure(learn, replace(settings, rank=rank), trl, device, folder))
    console.print(table(runs, settings))
    command = f"python benchmarks/rl.py --repeats {repeats}"
    result = {"settings": vars(settings), "longest": LONGEST, "trl": trl, "runs": runs}
    finish("rl", command, time.perf_counter() - started, result, write)


if __name__ == "__main__":
    typer.run(main)
