"""Measures the claim "waiting": a recurrent network waits for each position. The clock, and the exact chain of waiting.

    python -m experiments.waiting                       # lengths 16 to 512, 15 repeats
    python -m experiments.waiting --smoke --folder DIR  # two lengths, 2 repeats

Writes layercake/recorded/waiting.json: milliseconds of one training step against the length of the text for the three
readers of the recall lab, measured in turn in one run (medians and quartiles), and beside them the length of the
longest chain of steps that cannot be done at once, which no hardware changes.
"""

import argparse
import time
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments.record import provenance
from layercake import recall, results, waiting
from layercake.clock import BATCH_SIZE, times_finding
from layercake.device import pick
from solutions.attention import MultiHeadAttention, attention_over_states, sequential_depth

SCALE = "laptop"
CLAIM = {
    "id": "waiting",
    "sentence": "A recurrent network waits for each position: its longest chain of steps grows with the text, also "
    "with attention on top, and that of attention alone does not.",
    "refuted_by": "A way to compute the same recurrent layer in a chain shorter than the text. As a claim about "
    "seconds: a machine with idle hands (a GPU, few texts at once) on which a step of the GRU takes no longer than one "
    "of attention as the text grows.",
}


def depths(lengths: list[int]) -> dict[str, list[int]]:
    """The longest chain of each reader at each length, in layers' steps."""
    n_layers = recall.SCALES[SCALE].n_layers
    designs = {
        "GRU": (waiting.recurrent, 1),
        "GRU + attention": (waiting.attention_on_recurrent, 2),
        "attention": (waiting.attentive, n_layers),
    }
    return {name: [sequential_depth(graph, T, layers) for T in lengths] for name, (graph, layers) in designs.items()}


def limits(device: str) -> list[str]:
    """What the measurement does not show, which depends on the device that it ran on."""
    said = [f"{BATCH_SIZE} texts at once; models of about 35,000 numbers; PyTorch's own GRU, which is one fused loop."]
    if device == "cpu":
        said.append(
            "On one CPU core there is one pair of hands: nothing can be done at once, so the clock shows the work and "
            "not the waiting. The chain is exact on any machine; the seconds on a GPU have not been measured here."
        )
    return said


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {"longest": data["length"][-1], "shortest": data["length"][0], "device": data["device"]}
    for name, key in zip(recall.READERS, ("gru", "gru_attention", "attention")):
        said |= {f"{key}_ms_shortest": data[name]["median_ms"][0], f"{key}_ms_longest": data[name]["median_ms"][-1]}
        said |= {f"{key}_depth_longest": data["sequential_depth"][name][-1]}
    return said


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="two short lengths, two repeats; needs --folder")
    parser.add_argument("--folder", type=Path, help="where to write instead of layercake/recorded")
    options = parser.parse_args(arguments)
    if options.smoke and not options.folder:
        parser.error("--smoke would overwrite the recorded measurement: name another place with --folder")
    torch.set_num_threads(1)
    started, device = time.perf_counter(), pick()
    on_a_cpu = device.device.type == "cpu"
    measure = partial(
        recall.time_per_step,
        attention_over_states,
        MultiHeadAttention,
        SCALE,
        device,
        clock=time.process_time if on_a_cpu else time.perf_counter,
    )
    data = measure(repeats=2, lengths=(16, 32)) if options.smoke else measure(repeats=15)
    data["clock"] = "processor time of one thread" if on_a_cpu else "wall clock"
    data["sequential_depth"] = depths(data["length"])
    command = "python -m experiments.waiting" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, **provenance(command, time.perf_counter() - started), "seeds": [0]}
    result |= {"repeats": data["repeats"], "spread": "quartiles of the repeats"}
    result |= {"settings": {"scale": SCALE, "batch_size": BATCH_SIZE}, "limits": limits(data["device"])}
    result |= {"numbers": numbers(data), "data": data}
    path = results.save("waiting", result, options.folder or results.FOLDER)
    print(times_finding(data), f"-> {path}", sep="\n")
    return path


if __name__ == "__main__":
    main()
