"""Measures the claims "waiting" and "backbone": who waits for whom. The clock, and the exact chain of waiting.

    python -m experiments.waiting                       # lengths 16 to 512, 15 repeats
    python -m experiments.waiting --smoke --folder DIR  # two lengths, 2 repeats

Writes layercake/recorded/waiting.json and backbone.json, from one measuring run: milliseconds of one training step
against the length of the text for six readers with about the same number of parameters, measured in turn (medians and
quartiles), and beside them the length of the longest chain of steps that cannot be done at once, which no hardware
changes. `backbone` is about attention on top of a recurrent network, the design of 2014 to 2016, and takes from the
same run the three readers that it compares.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

from experiments import record
from layercake.device import pick
from layercake.figures.waiting import finding as chain_finding
from layercake.labs import recall, waiting
from layercake.labs.clock import BATCH_SIZE, time_per_step
from layercake.labs.networks import ALL_READERS, READERS
from solutions.attention import MultiHeadAttention, attention_over_states, sequential_depth

SCALE = "laptop"
SPREAD = "quartiles of the repeats"
CLAIMS = {
    "waiting": {
        "id": "waiting",
        "title": "A recurrent network waits for each position",
        "sentence": "A recurrent network waits for each position: its longest chain of steps grows with the text, also "
        "with attention on top, and that of a convolution or of attention alone does not.",
        "refuted_by": "A way to compute the same recurrent layer in a chain shorter than the text. As a claim about "
        "seconds: a machine with idle hands (a GPU, few texts at once) on which a step of the GRU takes no longer than "
        "one of attention as the text grows.",
    },
    "backbone": {
        "id": "backbone",
        "title": "Attention on a recurrent backbone still waits",
        "sentence": "Attention on top of a recurrent network, the design of 2014 to 2016, repairs the memory and not "
        "the wait: its longest chain is one step longer than that of the network that it stands on.",
        "refuted_by": "A way to compute attention over the states of a GRU, the same numbers, in a chain that does not "
        "grow with the text. As a claim about seconds: a machine with idle hands on which a step of this design takes "
        "no longer than one of attention alone as the text grows.",
    },
}
ON_A_CPU = (
    "On one CPU core there is one pair of hands: nothing can be done at once, so the clock shows the work and not the "
    "waiting. The chain is exact on any machine; the seconds on a GPU have not been measured here."
)
ONE_DNN = (
    "On a CPU PyTorch hands the LSTM to oneDNN, and runs RNN and GRU in a loop of its own. Without oneDNN the LSTM "
    "takes about as long as the GRU: how the LSTM stands to the others here is a matter of software, and not of design."
)


def depths(lengths: list[int]) -> dict[str, list[int]]:
    """The longest chain of each reader at each length, in layers' steps."""
    settings = recall.SCALES[SCALE]
    designs = {
        "RNN": (waiting.recurrent, 1),
        "LSTM": (waiting.recurrent, 1),
        "GRU": (waiting.recurrent, 1),
        "GRU + attention": (waiting.attention_on_recurrent, 2),
        "convolution": (partial(waiting.dilated, dilations=settings.dilations), len(settings.dilations)),
        "attention": (waiting.attentive, settings.n_layers),
    }
    return {name: [sequential_depth(graph, T, layers) for T in lengths] for name, (graph, layers) in designs.items()}


def measure(smoke: bool, only: tuple[str, ...] = ALL_READERS, repeats: int = 15) -> dict[str, Any]:
    """The clock of all readers in one run, and the chain of each at the same lengths."""
    device = pick()
    on_a_cpu = device.device.type == "cpu"
    data = time_per_step(
        attention_over_states,
        MultiHeadAttention,
        SCALE,
        device,
        clock=time.process_time if on_a_cpu else time.perf_counter,
        only=only,
        repeats=2 if smoke else repeats,
        lengths=(16, 32) if smoke else None,
    )
    data["clock"] = "processor time of one thread" if on_a_cpu else "wall clock"
    chains = depths(data["length"])
    return data | {"sequential_depth": {name: chains[name] for name in only}}


def part(data: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The same run with these readers only."""
    kept = {key: value for key, value in data.items() if key not in ALL_READERS or key in names}
    return kept | {"sequential_depth": {name: data["sequential_depth"][name] for name in names}}


def limits(data: dict[str, Any]) -> list[str]:
    """What the measurement does not show, which depends on the device that it ran on."""
    said = [
        f"{BATCH_SIZE} texts at once; models of about 35,000 numbers; PyTorch's own RNN, LSTM and GRU.",
        "The chain counts what one layer does at one position as one step; the steps of different designs take "
        "different times.",
    ]
    return said + ([ON_A_CPU, ONE_DNN] if data["device"] == "cpu" else [])


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger at the greatest length: the chain, which is exact, and the clock with its quartiles."""
    longest = data["length"][-1]
    chain = {"what": f"longest chain at {longest} symbols, exact", "unit": "steps", "decimals": 0}
    chain |= {"bound": 1, "bound_is": "fewest for any network"}
    clock = {"what": f"one training step at {longest} symbols, {data['clock']}", "unit": "ms", "decimals": 0}
    said = [{**chain, "of": name, "value": steps[-1]} for name, steps in data["sequential_depth"].items()]
    for name in data["sequential_depth"]:
        quartiles = {key: data[name][f"{key}_ms"][-1] for key in ("low", "high")}
        said.append({**clock, "of": name, "value": data[name]["median_ms"][-1], **quartiles})
    return said


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {"longest": data["length"][-1], "shortest": data["length"][0], "device": data["device"]}
    for name in data["sequential_depth"]:
        key = name.lower().replace(" + ", "_")
        said |= {f"{key}_ms_shortest": data[name]["median_ms"][0], f"{key}_ms_longest": data[name]["median_ms"][-1]}
        said |= {f"{key}_depth_longest": data["sequential_depth"][name][-1]}
    return said


def finding(data: dict[str, Any]) -> str:
    """The chain and the clock at the greatest length, in one sentence."""
    clock = {name: data[name]["median_ms"][-1] for name in data["sequential_depth"]}
    fast, slow = min(clock, key=clock.get), max(clock, key=clock.get)
    shortest = min(chain[-1] for chain in data["sequential_depth"].values())
    in_the_order = "in" if data["sequential_depth"][fast][-1] == shortest else "not in"
    return (
        f"{chain_finding(data)}; a training step on a {data['device'].upper()} is {in_the_order} that order, from "
        f"{clock[fast]:.0f} ms for {fast} to {clock[slow]:.0f} ms for {slow}."
    )


def main(arguments: list[str] | None = None) -> list[Path]:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    started = time.perf_counter()
    run = measure(options.smoke)
    command = "python -m experiments.waiting" + (" --smoke" if options.smoke else "")
    shared = record.provenance(command, time.perf_counter() - started)
    shared |= {"seeds": [0], "repeats": run["repeats"], "spread": SPREAD}
    shared |= {"settings": {"scale": SCALE, "batch_size": BATCH_SIZE}, "limits": limits(run)}
    paths = []
    for claim, data in (("waiting", run), ("backbone", part(run, READERS))):
        result = {"claim": CLAIMS[claim], "finding": finding(data), "measured": measured(data), **shared}
        paths.append(record.write(claim, result | {"numbers": numbers(data), "data": data}, options.folder))
    return paths


if __name__ == "__main__":
    main()
