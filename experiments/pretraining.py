"""Measures the claim "cake": how much nearer to the best possible reader a transformer comes on as much text.

    python -m experiments.pretraining --runs RUNS          # the lab's two smaller scales; a stopped run goes on
    python -m experiments.pretraining --smoke --folder DIR  # the smallest scale, one seed

Writes layercake/recorded/pretraining.json. The runs are those of the lab of the topics transformer and pretraining, in
float32 on one thread, whatever the machine has. They are judged on the documents that the recurrent networks of
layercake/recorded/language.json were judged on, and read as many tokens as these. The curve, with the range of its
seeds, is the one that the lab draws behind the learner's.
"""

import statistics
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from experiments import record
from experiments.language import band, ends
from layercake import language, pretraining, results, village
from layercake.device import Device
from solutions.pretraining import get_batch, train_step
from solutions.transformer import GPT

SEEDS = {"smoke": [0, 1, 2], "laptop": [0]}
CPU = Device(torch.device("cpu"), torch.float32, "as in every recorded run")
SPREAD = "lowest to highest of the seeds; a figure of one seed has none"
CLAIM = {
    "id": "cake",
    "title": "As much text, and nearer to the best possible reader",
    "sentence": "A transformer that has read as much of the village as the recurrent networks have ends nearer to the "
    "best possible reader than each of them.",
    "refuted_by": "A recurrent network that, having read as many tokens of the same text, ends as near to the bound on "
    "the same documents, or nearer.",
}
LIMITS = [
    "One small generated world, in which what is said early decides what comes late: what attention is good at.",
    "The transformer has more parameters than the recurrent networks and takes more computing for each token: equal is "
    "the amount of text, and neither size nor time.",
    "Text is read as windows from random places, some of it more than once; the recurrent networks read all documents "
    "in order and none twice.",
    "The transformer's learning rate and batch are first choices and were tuned no further; the recurrent networks' "
    "learning rates were chosen from few.",
    "The seconds of the whole measurement are wall clock on a machine that other programs shared, and an upper bound; "
    "processor seconds are from the median of a few steps.",
]


# Runs --------------------------------------------------------------------------------------------------------------


def measure(scale: str, seeds: list[int], folder: Path) -> dict[str, Any]:
    """The lab's curve at one scale, over the seeds, and what it is held against."""
    settings, exam = pretraining.settings_for(scale), language.validation(pretraining.settings_for(scale).n_documents)
    curves = [pretraining.run(GPT, scale, CPU, seed=seed, folder=folder) for seed in seeds]
    return {
        "bound": exam.bound,
        "documents": len(exam.documents),
        "validation_tokens": sum(len(document.tokens) for document in exam.documents),
        "tokens": curves[0].tokens,
        "loss": {group: band([curve.loss[group] for curve in curves]) for group in language.GROUPS},
        "seeds": len(seeds),
        "parameters": curves[0].parameters,
        "d_model": settings.d_model,
        "seconds": [curve.seconds for curve in curves],
        "processor_seconds": processor_seconds(settings),
    }


def processor_seconds(settings: pretraining.Settings, repeats: int = 9) -> float:
    """The processor time that all steps of one run take, from the median of a few, without judging."""
    torch.manual_seed(0)
    text = pretraining.open_text("village", settings)
    model = GPT(text.vocab_size, settings.context, settings.d_model, settings.n_layers, settings.n_heads)
    steps = pretraining.Steps(text, settings, CPU, model, get_batch, train_step)
    steps.measure_at, times, generator = frozenset(), [], torch.Generator().manual_seed(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
    for _ in range(repeats):
        started = time.process_time()
        steps.take(model, optimiser, steps, generator)
        times.append(time.process_time() - started)
    return round(statistics.median(times) * settings.steps, 3)


# What comes of it --------------------------------------------------------------------------------------------------


def larger(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The scale that is claimed about, and its curve."""
    scale = "laptop" if "laptop" in data else "smoke"
    return scale, data[scale]


def recurrent(scale: str) -> dict[str, dict[str, Any]]:
    """The recorded recurrent networks of that scale, by name."""
    return results.load("language")["data"][scale]["networks"]


def gap(curve: dict[str, Any], bound: dict[str, float], group: str = "all") -> float:
    """How far above the bound the median run ends, in nats per token."""
    return round(statistics.median(ends(curve, group)) - bound[group], 4)


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: where the transformer ends, over all and for each kind, and the recurrent networks."""
    scale, curve = larger(data)
    said = []
    for group in language.GROUPS:
        where = "loss on new documents" if group == "all" else f"loss on each {group}"
        said.append(_figure(f"transformer: {where}", ends(curve, group), curve["bound"][group]))
    for name, network in recurrent(scale).items():
        said.append(_figure(f"{name}, the claim language: loss on new documents", ends(network), curve["bound"]["all"]))
    return said


def _figure(what: str, values: list[float], bound: float) -> dict[str, Any]:
    keywords = {"unit": "nats per token", "decimals": 3, "bound": round(bound, 4), "bound_is": "the exact bound"}
    if len(values) == 1:
        return {"what": what, "value": values[0], **keywords}
    return record.summary(what, values, **keywords)


def finding(data: dict[str, Any]) -> str:
    """The gaps in one sentence."""
    scale, curve = larger(data)
    others = ", ".join(f"the {name} {gap(line, curve['bound']):.2f}" for name, line in recurrent(scale).items())
    return (
        f"After {curve['tokens'][-1] / 1e6:.1f} million tokens the transformer is {gap(curve, curve['bound']):.2f} "
        f"nats per token above the best possible reader's {curve['bound']['all']:.2f}; after as many, {others}."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    scale, curve = larger(data)
    last, lstm = ends(curve), recurrent(scale)["LSTM"]
    said = {"scale": scale, "bound": round(curve["bound"]["all"], 4), "tokens": curve["tokens"][-1]}
    said |= {"loss": statistics.median(last), "low": min(last), "high": max(last), "seeds": curve["seeds"]}
    said |= {"gap": gap(curve, curve["bound"]), "lstm_gap": gap(lstm, curve["bound"])}
    said |= {f"gap_{kind}": gap(curve, curve["bound"], kind) for kind in village.KINDS}
    said |= {"parameters": curve["parameters"], "lstm_parameters": lstm["parameters"]}
    said |= {"processor_seconds": curve["processor_seconds"], "lstm_processor_seconds": lstm["processor_seconds"]}
    said |= {"tokens_per_processor_second": round(curve["tokens"][-1] / curve["processor_seconds"])}
    return said | {"documents": curve["documents"], "validation_tokens": curve["validation_tokens"]}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__, runs=True), arguments)
    seeds = {"smoke": [0]} if options.smoke else SEEDS
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        data = {scale: measure(scale, its, folder) for scale, its in seeds.items()}
    scale, curve = larger(data)
    command = "python -m experiments.pretraining" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    result |= record.provenance(command, sum(sum(part["seconds"]) for part in data.values()))
    result |= {"seeds": seeds[scale], "repeats": curve["seeds"], "spread": SPREAD, "limits": LIMITS}
    sizes = {scale: asdict(pretraining.settings_for(scale)) for scale in seeds}
    result |= {"settings": {"village": language.fingerprint(), "seeds": seeds, **sizes}}
    return record.write("pretraining", result | {"numbers": numbers(data), "data": data}, options.folder)


if __name__ == "__main__":
    main()
