"""Whom the course's `GPT` is measured against, and how two programs are timed side by side.

The rivals are models of Hugging Face `transformers`, made in the shape of ours and without dropout, as ours.
`LlamaForCausalLM` is the same function: the same parts in the same places and the same number of weights, under other
names. Given our weights, it has to give our logits. `GPT2LMHeadModel` is the form of before: learned positions,
LayerNorm, GELU, biases. It has our width and depth, and inside its feed-forward networks the width that brings it
closest to our number of weights.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.console import Console
from torch import Tensor

from experiments.record import provenance
from layercake.training import count_parameters
from solutions.transformer import GPT

if TYPE_CHECKING:  # it takes seconds to load
    from transformers import GPT2LMHeadModel, LlamaForCausalLM

OURS, LLAMA, GPT2 = "ours", "Llama", "GPT-2"
IN_LLAMA = {  # our names for the parts, and Llama's
    "blocks": "layers",
    "embedding": "embed_tokens",
    "output": "lm_head",
    "attention_norm": "input_layernorm",
    "attention": "self_attn",
    "w_query": "q_proj",
    "w_key": "k_proj",
    "w_value": "v_proj",
    "w_output": "o_proj",
    "feed_forward_norm": "post_attention_layernorm",
    "feed_forward": "mlp",
    "w_gate": "gate_proj",
    "w_up": "up_proj",
    "w_down": "down_proj",
}
RESULTS = Path(__file__).resolve().parent / "results"
console = Console()


# The models --------------------------------------------------------------------------------------------------------


def shape(ours: GPT) -> dict[str, Any]:
    """What all three have in common, as the rivals' configurations take it."""
    vocab_size, d_model = ours.embedding.weight.shape
    return {
        "vocab_size": vocab_size,
        "hidden_size": d_model,
        "num_hidden_layers": len(ours.blocks),
        "num_attention_heads": ours.blocks[0].attention.n_heads,
        "max_position_embeddings": ours.context,
        "tie_word_embeddings": True,
        "use_cache": False,  # in training nobody reads it; `generate` turns it on
        "bos_token_id": None,
        "eos_token_id": None,  # so that `generate` never stops early
    }


def llama(ours: GPT) -> "LlamaForCausalLM":
    """A Llama in the shape of our model, with weights that it drew itself."""
    from transformers import LlamaConfig, LlamaForCausalLM

    block = ours.blocks[0]
    width, eps = block.feed_forward.w_up.out_features, block.attention_norm.eps
    return LlamaForCausalLM(LlamaConfig(**shape(ours), intermediate_size=width, rms_norm_eps=eps))


def gpt2(ours: GPT) -> "GPT2LMHeadModel":
    """A GPT-2 in the shape of our model, with weights that it drew itself, as many as ours to within a part of 1000."""
    from transformers import GPT2Config, GPT2LMHeadModel

    def of_width(n_inner: int) -> GPT2LMHeadModel:
        return GPT2LMHeadModel(GPT2Config(**shape(ours), n_inner=n_inner, resid_pdrop=0, embd_pdrop=0, attn_pdrop=0))

    narrow, wide = count_parameters(of_width(1)), count_parameters(of_width(2))
    return of_width(1 + round((count_parameters(ours) - narrow) / (wide - narrow)))


def in_llama(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of a `GPT` under Llama's names, as its `load_state_dict` takes them."""
    names = {name: ".".join(IN_LLAMA.get(part, part) for part in name.split(".")) for name in weights}
    return {name if name == "lm_head.weight" else f"model.{name}": weights[mine] for mine, name in names.items()}


def twin(ours: GPT) -> "LlamaForCausalLM":
    """A Llama with our weights."""
    made = llama(ours)
    made.load_state_dict(in_llama(ours.state_dict()))
    return made.to(ours.embedding.weight)


# The clock ---------------------------------------------------------------------------------------------------------


def seconds_now(device: torch.device) -> float:
    """On a CPU this process's own time, so that other programs count for little; on a GPU the time of the day, once
    it has done what it was given."""
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def in_turn(actions: dict[str, Callable[[], Any]], repeats: int, device: torch.device) -> dict[str, list[float]]:
    """Seconds that each action took, by repeat: one after the other, every second time from the last to the first."""
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for repeat in range(repeats):
        for name in list(actions) if repeat % 2 == 0 else reversed(actions):
            started = seconds_now(device)
            actions[name]()
            seconds[name].append(seconds_now(device) - started)
    return seconds


def times_as_fast(seconds: dict[str, list[float]], than: str, name: str = OURS) -> list[float]:
    """How many times as fast one was as another, by repeat."""
    return [theirs / ours for theirs, ours in zip(seconds[than], seconds[name], strict=True)]


def speeds(seconds: dict[str, list[float]], per_step: int) -> Iterator[tuple[str, list[float], str]]:
    """Of each model how many things it does in a second, and how many times as fast ours is, in words."""
    for name, taken in seconds.items():
        ratio = "" if name == OURS else spread(times_as_fast(seconds, name))
        yield name, [per_step / each for each in taken], ratio


def spread(values: list[float], digits: int = 2) -> str:
    """The median and, below it, the smallest and the largest."""
    return f"{statistics.median(values):,.{digits}f}\n({min(values):,.{digits}f}–{max(values):,.{digits}f})"


# What is reported --------------------------------------------------------------------------------------------------


def one_core() -> None:
    """Compute on one core, so that the processor's time is the time that passes."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def finish(name: str, command: str, seconds: float, result: dict[str, Any], write: bool) -> None:
    """Print what ran where, and record the result in `benchmarks/results/` where that is asked for."""
    about = provenance(command, seconds)
    about["versions"] |= {"transformers": version("transformers")}
    hardware, versions = about["hardware"], about["versions"]
    machine = f"{hardware['processor']}, {hardware['cores']} cores, {hardware['threads']} in use"
    load = f"load average {hardware['load_average']}, accelerator: {hardware['accelerator']}"
    numbers = ", ".join(f"{of} {number}" for of, number in versions.items())
    console.print(f"{machine}, {load}; {numbers}", highlight=False)
    if write:
        path = RESULTS / f"{name}.json"
        path.write_text(json.dumps(about | result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        console.print(f"recorded in {path}", highlight=False)
