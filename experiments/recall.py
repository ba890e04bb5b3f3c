"""Measures the claim "message": a fixed-size message forgets. Accuracy against distance for three readers.

    python -m experiments.recall            # both recorded scales, three seeds, and the controls
    python -m experiments.recall --smoke    # the smallest scale, two seeds, to see that everything runs

Writes layercake/recorded/recall.json. A seed fixes the readers' first weights and the order of the training texts; the
spread is from the lowest to the highest of the seeds. One control gives the GRU four times the steps, with one seed: it
asks whether the GRU forgets, or has only not learned yet.
"""

import argparse
import statistics
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from tqdm.auto import tqdm

from experiments.record import provenance
from layercake import recall, results
from layercake.device import pick
from solutions.attention import MultiHeadAttention, attention_over_states

MORE_STEPS = 4
CLAIM = {
    "id": "message",
    "sentence": "A fixed-size message forgets: a GRU's recall falls with distance, and that of attention does not, "
    "whether it stands on a recurrent network or alone.",
    "refuted_by": "A GRU of the same size, trained in any way on the same kind of text, that answers as well at the "
    "farthest distance as at the nearest and as well as attention; or attention whose recall falls with distance.",
}
LIMITS = [
    "One task, of random pairs; language is more regular, and a message holds more of what it can predict.",
    "Every reader sees each symbol together with the one before it; without that, attention alone would have to find "
    "the pairs in its first layer before it could look one up in its second.",
    "The GRU's curve depends on training: four times the steps lift it (see controls), so it shows what a GRU of this "
    "size learns in this time, not the most that its numbers could hold.",
    "Training asks for near pairs more often than for far ones, which favours recalling what is near.",
    "Seconds are wall clock: where the load average exceeds the cores, other programs shared the machine, and they are "
    "an upper bound.",
    "Evaluation is at the lengths of training; nothing is said about longer texts.",
]


def measure(scale: str, seeds: list[int], folder: Path, only: tuple[str, ...] = recall.READERS) -> dict[str, Any]:
    """The curves of all seeds at one scale, and their median, lowest and highest at every distance."""
    settings = recall.settings_for(scale)
    runs = [
        recall.run(attention_over_states, MultiHeadAttention, scale, pick(), seed=seed, folder=folder, only=only)
        for seed in tqdm(seeds, desc=f"{scale}: seeds", unit="seed")
    ]
    summary: dict[str, Any] = {"chance": recall.chance(scale), "bound": recall.BOUND, "seeds": len(seeds)}
    summary |= {"texts_per_distance": settings.texts_per_distance}
    return summary | {name: across_seeds([run[name] for run in runs]) for name in only}


def across_seeds(curves: list[dict[str, Any]]) -> dict[str, Any]:
    """One reader's curves from several seeds as one record."""
    accuracy = [[round(value, 4) for value in curve["accuracy"]] for curve in curves]
    by_distance = list(zip(*accuracy))
    return {
        "distance": curves[0]["distance"],
        "median": [statistics.median(values) for values in by_distance],
        "low": [min(values) for values in by_distance],
        "high": [max(values) for values in by_distance],
        "accuracy": accuracy,
        "parameters": curves[0]["parameters"],
        "seconds": [curve["seconds"] for curve in curves],
        "final_loss": [round(curve["final_loss"], 5) for curve in curves],
    }


def more_steps(scale: str, seeds: list[int], folder: Path) -> dict[str, Any]:
    """The control: the same GRU with four times the steps."""
    usual = recall.SCALES[scale]
    recall.SCALES[scale] = replace(usual, steps=MORE_STEPS * usual.steps)
    try:
        curve = measure(scale, seeds, folder / "more-steps", only=("GRU",))["GRU"]
        return {"label": f"GRU, four times the steps, {len(seeds)} seed", **curve}
    finally:
        recall.SCALES[scale] = usual


def numbers(data: dict[str, Any], scale: str) -> dict[str, Any]:
    """The figures that a text quotes, each computed here and nowhere else."""
    gru, control = data[scale]["GRU"], data["controls"][scale]
    attentive = {name: data[scale][name] for name in ("GRU + attention", "attention")}
    half_way = (data[scale]["chance"] + recall.BOUND) / 2
    counts = [data[scale][name]["parameters"] for name in recall.READERS]
    return {
        "scale": scale,
        "chance": data[scale]["chance"],
        "seeds": data[scale]["seeds"],
        "farthest_distance": gru["distance"][-1],
        "gru_nearest": gru["median"][0],
        "gru_far_half": _mean(gru["median"][len(gru["median"]) // 2 :]),
        "gru_half_way_at": _first_below(gru, half_way),
        "gru_more_steps_nearest": control["median"][0],
        "gru_more_steps_far_half": _mean(control["median"][len(control["median"]) // 2 :]),
        "gru_more_steps_half_way_at": _first_below(control, half_way),
        "gru_attention_lowest": min(attentive["GRU + attention"]["low"]),
        "attention_lowest": min(attentive["attention"]["low"]),
        "message_size": recall.SCALES[scale].d_gru,
        "parameters_smallest": min(counts),
        "parameters_largest": max(counts),
        "seconds_per_reader": {name: statistics.median(data[scale][name]["seconds"]) for name in recall.READERS},
    }


def _seconds_of_training(data: dict[str, Any]) -> float:
    """All readers, scales, seeds and controls, over all sessions of a measurement that was stopped and went on."""
    curves = [curve for part in data.values() for curve in part.values() if isinstance(curve, dict)]
    return sum(sum(curve["seconds"]) for curve in curves)


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)


def _first_below(curve: dict[str, Any], level: float) -> int | None:
    """The nearest distance at which the median is below a level; None where it never is."""
    return next((distance for distance, value in zip(curve["distance"], curve["median"]) if value < level), None)


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="the smallest scale and two seeds; needs --folder")
    parser.add_argument("--seeds", type=int, help="how many seeds (default 3; 2 with --smoke)")
    parser.add_argument("--folder", type=Path, help="where to write instead of layercake/recorded")
    parser.add_argument("--runs", type=Path, help="keep checkpoints here, so that a stopped measurement goes on")
    options = parser.parse_args(arguments)
    if options.smoke and not options.folder:
        parser.error("--smoke would overwrite the recorded measurement: name another place with --folder")
    seeds = list(range(options.seeds or (2 if options.smoke else 3)))
    scales = ["smoke"] if options.smoke else ["smoke", "laptop"]
    torch.set_num_threads(1)  # so that the seconds mean the same wherever the script runs
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        data: dict[str, Any] = {scale: measure(scale, seeds, folder) for scale in scales}
        data["controls"] = {scales[-1]: more_steps(scales[-1], seeds[:1], folder)}
    command = "python -m experiments.recall" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, **provenance(command, _seconds_of_training(data))}
    result |= {"seeds": seeds, "repeats": len(seeds), "spread": "lowest to highest of the seeds"}
    result |= {"settings": {scale: asdict(recall.SCALES[scale]) for scale in recall.SCALES}}
    result |= {"not_run": ["colab"], "limits": LIMITS, "numbers": numbers(data, scales[-1]), "data": data}
    path = results.save("recall", result, options.folder or results.FOLDER)
    print(f"-> {path}", *(f"{key}: {value}" for key, value in result["numbers"].items()), sep="\n")
    return path


if __name__ == "__main__":
    main()
