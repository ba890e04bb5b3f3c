"""Measures the claim "convolution": it trains all positions at once, and what limits it is its reach.

    python -m experiments.convolution                       # three reaches, three seeds, and the clock
    python -m experiments.convolution --smoke --folder DIR  # two short reaches, one seed, few steps

Writes layercake/recorded/convolution.json: the recall task of experiments/recall.py, for causal convolutions of
different reach and the same number of parameters, trained three times as long as the lab trains. The reach is not
measured but follows from who waits for whom (`layercake.labs.waiting.reach`); beyond it nothing of the value arrives,
so chance is the exact bound. Beside it the clock and the chain of waiting, in a run with a GRU and attention; and the
number of layers that it takes to hear everything.
"""

import math
import tempfile
import time
from dataclasses import asdict, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from experiments import record
from experiments.recall import measure as train_and_measure
from experiments.waiting import ON_A_CPU
from experiments.waiting import measure as clock_and_chain
from experiments.waiting import measured as clock_figures
from layercake.labs import recall, waiting

MORE_STEPS = 3  # times those of the lab
DESIGNS = {(1, 2): 61, (1, 2, 4): 50, (1, 2, 4, 8): 44}  # gaps of the layers -> width, for equal parameters
CLOCKED = ("GRU", "convolution", "attention")
CLAIM = {
    "id": "convolution",
    "title": "A convolution does not wait, and does not reach",
    "sentence": "The essay counts convolutions with the networks that have to scan in order; they do not: their "
    "longest chain is the number of layers, however long the text, and what limits them is reach, beyond which they "
    "recall nothing at all.",
    "refuted_by": "A causal convolution whose longest chain of steps grows with the text at a fixed number of layers; "
    "or one whose recall from beyond its reach is better than chance.",
}
LIMITS = [
    "One task, of random pairs, and convolutions of one kind: width two, gaps that double, gates and residuals.",
    "Within its reach a convolution recalls worse the farther it reaches at the same number of parameters; that is "
    "training and width, and not the bound.",
    "Learning rates were chosen by hand, 0.002 or 0.005, on seed 0.",
    ON_A_CPU,
]


def settings_of(dilations: tuple[int, ...], scale: str, steps: int) -> recall.Settings:
    """The sizes of one convolution."""
    return replace(recall.SCALES[scale], dilations=dilations, d_convolution=DESIGNS[dilations], steps=steps)


def reach_of(dilations: tuple[int, ...]) -> int:
    """How many symbols back the last position hears: the reader's first layer brings the symbol before it as well."""
    graph = partial(waiting.dilated, dilations=dilations)
    return waiting.reach(graph, 4 * sum(dilations), len(dilations))


def recall_of(dilations: tuple[int, ...], scale: str, steps: int, seeds: list[int], folder: Path) -> dict[str, Any]:
    """One convolution's recall from all seeds, with its reach and what it does beyond it."""
    settings, reach = settings_of(dilations, scale, steps), reach_of(dilations)
    curve = train_and_measure(scale, seeds, folder / str(reach), ("convolution",), settings)["convolution"]
    beyond = [value for seed in curve["accuracy"] for d, value in zip(curve["distance"], seed) if d > reach]
    asked, chance = len(beyond) * settings.texts_per_distance, recall.chance(scale)
    pooled = {"share_right": round(sum(beyond) / len(beyond), 4), "questions": asked}
    pooled["standard_error_of_chance"] = round(math.sqrt(chance * (1 - chance) / asked), 5)
    return {"reach": reach, "dilations": list(dilations), "beyond": pooled, **curve}


def layers_to_hear_all(lengths: tuple[int, ...]) -> dict[str, list[int]]:
    """The fewest layers with which the last of so many positions hears of the first, counted out for each design."""
    designs = {"width 3": waiting.convolutional, "gaps that double": waiting.dilated, "attention": waiting.attentive}
    counted = {
        name: [next(n for n in count(1) if waiting.reach(graph, T, n) == T) for T in lengths]
        for name, graph in designs.items()
    }
    return {"length": list(lengths), **counted}


def within(curve: dict[str, Any]) -> int:
    """The place, in the list of distances, of the farthest one within reach."""
    return max(i for i, distance in enumerate(curve["distance"]) if distance <= curve["reach"])


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: recall on both sides of each reach, the chain, the clock."""
    said = []
    for where, place in (("at the nearest distance", lambda _: 0), ("at the farthest distance within reach", within)):
        for curve in data["recall"]:
            values = [seed[place(curve)] for seed in curve["accuracy"]]
            attainable = {"bound": recall.BOUND, "bound_is": "attainable"}
            said.append(record.summary(f"recall {where}", values, of=_named(curve), **attainable))
    beyond = {"what": "recall from beyond the reach", "bound": data["chance"], "bound_is": "chance, exact"}
    for curve in data["recall"]:
        of = f"{_named(curve)}, {curve['beyond']['questions']:,} questions"
        said.append({**beyond, "of": of, "value": curve["beyond"]["share_right"], "decimals": 3})
    return said + clock_figures(data["clock"])


def _named(curve: dict[str, Any]) -> str:
    return f"reach {curve['reach']}"


def finding(data: dict[str, Any]) -> str:
    """The chain, and recall on both sides of the reach, in one sentence."""
    sides = [
        f"{curve['median'][within(curve)]:.2f} at the end of a reach of {curve['reach']} symbols and "
        f"{curve['beyond']['share_right']:.2f} beyond"
        for curve in data["recall"]
    ]
    chain, longest = data["clock"]["sequential_depth"], data["clock"]["length"][-1]
    return (
        f"At {longest} symbols a convolution of {chain['convolution'][-1]} layers waits for {chain['convolution'][-1]} "
        f"steps (a GRU for {chain['GRU'][-1]}); its recall is {', '.join(sides)}, where chance is {data['chance']:.2f}."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said = {"chance": data["chance"], "seeds": data["seeds"], "longest": data["clock"]["length"][-1]}
    for name in CLOCKED:
        key = name.lower()
        said[f"{key}_depth_longest"] = data["clock"]["sequential_depth"][name][-1]
        said[f"{key}_ms_longest"] = data["clock"][name]["median_ms"][-1]
    for curve in data["recall"]:
        reach = curve["reach"]
        said[f"reach_{reach}_nearest"] = curve["median"][0]
        said[f"reach_{reach}_within"] = curve["median"][within(curve)]
        said[f"reach_{reach}_within_distance"] = curve["distance"][within(curve)]
        said[f"reach_{reach}_beyond"] = curve["beyond"]["share_right"]
        said[f"reach_{reach}_parameters"] = curve["parameters"]
    layers = data["layers_to_hear_all"]
    said |= {"hear_all_length": layers["length"][-1], "hear_all_width_3": layers["width 3"][-1]}
    return said | {"hear_all_doubling": layers["gaps that double"][-1], "hear_all_attention": layers["attention"][-1]}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__, runs=True)
    options = record.parse(parser, arguments)
    scale, seeds = ("smoke", [0]) if options.smoke else ("laptop", [0, 1, 2])
    designs = list(DESIGNS)[:2] if options.smoke else list(DESIGNS)
    steps = recall.SCALES[scale].steps * (1 if options.smoke else MORE_STEPS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        curves = [recall_of(dilations, scale, steps, seeds, folder) for dilations in designs]
    started = time.perf_counter()
    data = {"chance": recall.chance(scale), "bound": recall.BOUND, "seeds": len(seeds), "recall": curves}
    data |= {"clock": clock_and_chain(options.smoke, CLOCKED)}
    data |= {"layers_to_hear_all": layers_to_hear_all((16, 32) if options.smoke else (16, 64, 256))}
    seconds = time.perf_counter() - started + sum(sum(curve["seconds"]) for curve in curves)
    command = "python -m experiments.convolution" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    result |= {**record.provenance(command, seconds), "seeds": seeds, "repeats": len(seeds)}
    result |= {"spread": "recall: lowest to highest of the seeds; the clock: quartiles of its repeats"}
    result |= {"settings": {str(reach_of(d)): asdict(settings_of(d, scale, steps)) for d in designs}}
    result |= {"limits": LIMITS, "numbers": numbers(data), "data": data}
    return record.write("convolution", result, options.folder)


if __name__ == "__main__":
    main()
