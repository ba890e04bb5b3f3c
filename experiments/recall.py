"""Measures the claim "message": a fixed-size message forgets. Accuracy against distance for six readers.

    python -m experiments.recall                      # both recorded scales, three seeds, and the longer training
    python -m experiments.recall --only transformer   # this reader alone, put into the record beside the others
    python -m experiments.recall --smoke              # the smallest scale, two seeds, to see that everything runs

Writes layercake/recorded/recall.json. A seed fixes the readers' first weights and the order of the training texts; the
spread is from the lowest to the highest of the seeds. The three readers of the lab are trained as long as in the lab.
Those without attention are also trained four times as long, to ask whether they forget, or have only not learned yet;
where each falls below 90 % is read off that longer training.

A reader can be measured alone, because nothing of one depends on another: a seed gives it its first weights and its
texts, whoever is measured beside it. `--only` refuses a record with other seeds, or other sizes of the task and of the
readers in it, and notes under "added" when and on what the reader was measured.
"""

import json
import statistics
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from experiments import record
from layercake import results
from layercake.device import pick
from layercake.labs import recall
from layercake.labs.networks import GENTLE, TRANSFORMER
from solutions.attention import MultiHeadAttention, attention_over_states
from solutions.transformer import Block

MORE_STEPS = 4
LEVEL = 0.9
ATTENTIVE = ("GRU + attention", "attention", TRANSFORMER)
CLAIM = {
    "id": "message",
    "title": "A fixed-size message forgets",
    "sentence": "A fixed-size message forgets: the recall of a recurrent network (RNN, LSTM or GRU) falls with "
    "distance, and that of attention does not, whether it stands on a recurrent network, alone, or in a transformer.",
    "refuted_by": "A recurrent network of the same size, trained in any way on the same kind of text, that answers as "
    "well at the farthest distance as at the nearest and as well as attention; or attention whose recall falls with "
    "distance.",
}
LIMITS = [
    "One task, of random pairs; language is more regular, and a message holds more of what it can predict.",
    "Every reader sees each symbol together with the one before it; without that, attention alone would have to find "
    "the pairs in its first layer before it could look one up in its second.",
    "The curves of the recurrent networks depend on training: four times the steps lift them, so they show what a "
    "network of this size learns in this time, not the most that its numbers could hold.",
    "Learning rates were chosen by hand, on seed 0 and from few: 0.001 to 0.005 for the RNN, which learned no better "
    "at any, 0.002 to 0.01 for the LSTM, 0.002 and 0.005 for the GRU; the transformer has the lab's; nothing else was "
    "tuned.",
    "The RNN hardly learns the task: also where nothing stands before the pair, it keeps one pair. Whether that is "
    "its message or its training, this measurement does not tell.",
    "Training asks for near pairs more often than for far ones, which favours recalling what is near.",
    "Seconds are wall clock: where the load average exceeds the cores, other programs shared the machine, and they are "
    "an upper bound.",
    "Evaluation is at the lengths of training; nothing is said about longer texts.",
]


def measure(
    scale: str,
    seeds: list[int],
    folder: Path,
    only: tuple[str, ...] = recall.READERS,
    settings: recall.Settings | None = None,
) -> dict[str, Any]:
    """The curves of all seeds at one scale, and their median, lowest and highest at every distance."""
    runs = [
        recall.run(
            attention_over_states, MultiHeadAttention, scale, pick(),
            block=Block, seed=seed, folder=folder, only=only, settings=settings,
        )
        for seed in tqdm(seeds, desc=f"{scale}: seeds", unit="seed")
    ]  # fmt: skip
    return {name: across_seeds([run[name] for run in runs]) for name in only}


def the_lab(scale: str, seeds: list[int], folder: Path) -> dict[str, Any]:
    """The three readers of the lab and the transformer, with what they are judged by."""
    bounds = {"chance": recall.chance(scale), "bound": recall.BOUND, "seeds": len(seeds)}
    bounds |= {"texts_per_distance": recall.settings_for(scale).texts_per_distance}
    return bounds | measure(scale, seeds, folder, (*recall.READERS, TRANSFORMER))


def across_seeds(curves: list[dict[str, Any]]) -> dict[str, Any]:
    """One reader's curves from several seeds as one record."""
    return {
        "distance": curves[0]["distance"],
        **_band([curve["accuracy"] for curve in curves]),
        "first_pair": _band([curve["first_pair"] for curve in curves]),
        "parameters": curves[0]["parameters"],
        "seconds": [curve["seconds"] for curve in curves],
        "final_loss": [round(curve["final_loss"], 5) for curve in curves],
    }


def _band(accuracy: list[list[float]]) -> dict[str, Any]:
    """Median, lowest and highest of the seeds at every distance, and the seeds themselves."""
    accuracy = [[round(value, 4) for value in values] for values in accuracy]
    by_distance = list(zip(*accuracy))
    summaries = {"median": statistics.median, "low": min, "high": max}
    return {key: [of(values) for values in by_distance] for key, of in summaries.items()} | {"accuracy": accuracy}


def falls_below(curve: dict[str, Any], accuracy: list[list[float]], level: float = LEVEL) -> list[int]:
    """For each seed the nearest distance at which accuracy is below a level; past the last one where it never is."""
    never = curve["distance"][-1] + 2
    return [next((d for d, value in zip(curve["distance"], seed) if value < level), never) for seed in accuracy]


def recurrent(data: dict[str, Any], scale: str) -> dict[str, Any]:
    """The three readers without attention after the longer training."""
    return {**data["more_steps"][scale], "GRU": data["controls"][scale]}


def measured(data: dict[str, Any], scale: str) -> list[dict[str, Any]]:
    """The figures of the ledger: where each reader falls below 90 %, and the lowest recall with attention."""
    without = recurrent(data, scale)
    said = []
    for what, of in (
        ("distance in symbols at which recall falls below 90 %", lambda curve: curve["accuracy"]),
        (
            "the same where nothing stands before the pair that is asked for",
            lambda curve: curve["first_pair"]["accuracy"],
        ),
    ):
        for name, curve in without.items():
            said.append(record.summary(what, falls_below(curve, of(curve)), of=_named(name, curve), decimals=0))
    chance = {"bound": data[scale]["chance"], "bound_is": "chance"}
    for name, curve in without.items():
        farthest = [seed[-1] for seed in curve["accuracy"]]
        said.append(record.summary("recall at the farthest distance", farthest, of=_named(name, curve), **chance))
    attainable = {"bound": recall.BOUND, "bound_is": "attainable"}
    for name in ATTENTIVE:
        worst = [min(seed) for seed in data[scale][name]["accuracy"]]
        said.append(record.summary("recall at the worst distance", worst, of=name, decimals=3, **attainable))
    return said


def _named(name: str, curve: dict[str, Any]) -> str:
    return name if len(curve["accuracy"]) > 1 else f"{name}, one seed"


def finding(data: dict[str, Any], scale: str) -> str:
    """What the curves show, in one sentence."""
    below = []
    for name, curve in recurrent(data, scale).items():
        where = sorted(falls_below(curve, curve["accuracy"]))
        spread = f"{where[0]} to {where[-1]}" if len(where) > 1 else "one run"
        below.append(f"the {name} at {statistics.median(where):.0f} ({spread})")
    worst = min(min(data[scale][name]["low"]) for name in ATTENTIVE)
    return (
        f"On texts of {recall.SCALES[scale].n_pairs} pairs recall falls below 90 % at these distances, in symbols: "
        f"{', '.join(below)}; with attention it is {worst:.3f} at its worst, up to distance "
        f"{data[scale]['GRU']['distance'][-1]} (median of {data[scale]['seeds']} runs, in brackets lowest and highest)."
    )


def numbers(data: dict[str, Any], scale: str) -> dict[str, Any]:
    """The figures that a text quotes, each computed here and nowhere else."""
    gru, control = data[scale]["GRU"], data["controls"][scale]
    attentive = {name: data[scale][name] for name in ATTENTIVE}
    half_way = (data[scale]["chance"] + recall.BOUND) / 2
    counts = [data[scale][name]["parameters"] for name in recall.READERS]
    said = {
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
        "transformer_lowest": min(attentive[TRANSFORMER]["low"]),
        "transformer_parameters": attentive[TRANSFORMER]["parameters"],
        "message_size": recall.SCALES[scale].d_gru,
        "parameters_smallest": min(counts),
        "parameters_largest": max(counts),
        "seconds_per_reader": {name: statistics.median(data[scale][name]["seconds"]) for name in recall.READERS},
        "more_steps": MORE_STEPS,
    }
    for name, curve in recurrent(data, scale).items():
        for key, accuracy in (("", curve["accuracy"]), ("_first_pair", curve["first_pair"]["accuracy"])):
            where = sorted(falls_below(curve, accuracy))
            said[f"{name.lower()}{key}_below_90"] = statistics.median(where)
            said[f"{name.lower()}{key}_below_90_low"], said[f"{name.lower()}{key}_below_90_high"] = where[0], where[-1]
        said[f"{name.lower()}_more_steps_farthest"] = curve["median"][-1]
    return said


def _seconds_of_training(data: dict[str, Any]) -> float:
    """All readers, scales, seeds and controls, over all sessions of a measurement that was stopped and went on."""
    if "final_loss" in data:
        return sum(data["seconds"])
    return sum(_seconds_of_training(part) for part in data.values() if isinstance(part, dict))


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 4)


def _first_below(curve: dict[str, Any], level: float) -> int | None:
    """The nearest distance at which the median is below a level; None where it never is."""
    return next((distance for distance, value in zip(curve["distance"], curve["median"]) if value < level), None)


def measure_all(scales: list[str], seeds: list[int], folder: Path) -> dict[str, Any]:
    """All readers at these scales, and at the last of them those without attention once more, trained longer."""
    scale, usual = scales[-1], recall.SCALES[scales[-1]]
    longer = replace(usual, steps=usual.steps * (1 if scale == "smoke" else MORE_STEPS))
    data: dict[str, Any] = {scale: the_lab(scale, seeds, folder) for scale in scales}
    data["more_steps"] = {scale: measure(scale, seeds, folder / "more-steps", ("RNN", "LSTM"), longer)}
    control = measure(scale, seeds, folder / "more-steps", ("GRU",), longer)["GRU"]
    data["controls"] = {scale: {"label": f"GRU, four times the steps, {len(seeds)} seeds", **control}}
    return data


def settings_now() -> dict[str, Any]:
    """The sizes of all scales, and who learns at the gentle rate, as a record has them."""
    return {scale: asdict(recall.SCALES[scale]) for scale in recall.SCALES} | {"gentle": list(GENTLE)}


def with_the_transformer(recorded: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A record with the transformer measured now and put beside the others, which stay as they are.

    Raises ValueError where the record was made with other settings than today's: then all has to be measured again.
    """
    then, now = recorded["settings"], json.loads(json.dumps(settings_now()))
    scales = [scale for scale in recall.SCALES if scale in recorded["data"]]
    different = [f"{s}.{key}" for s in scales for key in then[s] if then[s][key] != now[s].get(key)]
    if different or then["gentle"] != now["gentle"]:
        raise ValueError(f"the record was made with other settings ({', '.join(different) or 'gentle'}): measure all")
    data = recorded["data"]
    for scale in scales:
        data[scale] |= measure(scale, recorded["seeds"], folder, (TRANSFORMER,))
    seconds = sum(sum(data[scale][TRANSFORMER]["seconds"]) for scale in scales)
    added = {TRANSFORMER: record.provenance("python -m experiments.recall --only transformer", seconds)}
    return recorded | {"settings": now, "added": added, "data": data}


def measured_afresh(smoke: bool, n_seeds: int | None, folder: Path) -> dict[str, Any]:
    """A new record, but for what is computed from its data."""
    seeds = list(range(n_seeds or (2 if smoke else 3)))
    data = measure_all(["smoke"] if smoke else ["smoke", "laptop"], seeds, folder)
    result = record.provenance(
        "python -m experiments.recall" + (" --smoke" if smoke else ""), _seconds_of_training(data)
    )
    result |= {"seeds": seeds, "repeats": len(seeds), "spread": "lowest to highest of the seeds"}
    return result | {"settings": settings_now(), "not_run": ["colab"], "data": data}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__, runs=True)
    parser.add_argument("--seeds", type=int, help="how many seeds (default 3; 2 with --smoke)")
    parser.add_argument("--only", choices=[TRANSFORMER], help="measure this reader alone and put it into the record")
    options = record.parse(parser, arguments)
    if options.only and (options.smoke or options.seeds):
        parser.error("--only takes scales and seeds from the record: leave --smoke and --seeds away")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        if options.only:
            result = with_the_transformer(results.load("recall", options.folder or results.FOLDER), folder)
        else:
            result = measured_afresh(options.smoke, options.seeds, folder)
    data, scale = result["data"], "laptop" if "laptop" in result["data"] else "smoke"
    said = {"claim": CLAIM, "finding": finding(data, scale), "measured": measured(data, scale)}
    said |= {"limits": LIMITS, "numbers": numbers(data, scale)}
    return record.write("recall", result | said, options.folder)


if __name__ == "__main__":
    main()
