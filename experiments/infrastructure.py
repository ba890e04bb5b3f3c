"""Puts together the claim "infrastructure": what published training runs took, held against what can be computed.

    python -m experiments.infrastructure                       # about two minutes on one CPU core
    python -m experiments.infrastructure --smoke --folder DIR  # a tiny model, two repeats

Writes layercake/recorded/infrastructure.json. The published figures stand below, each with its source (a key of
book/references.bib) and the place in it. What is computed from them: six operations for each parameter and token
against the makers' own counts, the share of their devices' peak that runs reached over all hours that they report, and
what made the compute grow. What is measured: one core of this machine, multiplying matrices and training our model.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import torch

from experiments import record, village_model
from layercake import village
from layercake.figures import compute
from solutions.pretraining import train_step
from solutions.transformer import GPT, count_parameters, flops_per_token

PETAFLOP_DAY = 8.64e19  # operations


@dataclass(frozen=True)
class Device:
    """What computes, as its maker's data sheet has it: dense matrices in 16 bits, and the design power."""

    key: str
    title: str
    peak: float  # operations per second
    watts: float | None
    source: str
    where: str
    in_picture: bool = True
    peak_is: str = "the data sheet's peak, 16 bits"


DEVICES = [
    Device("t4", "T4", 65e12, 70, "nvidia2018", "Specifications: mixed precision (FP16/FP32), power"),
    Device("v100", "V100", 125e12, 300, "patterson2021", "Table 4: thermal design power, and its note 12"),
    Device("a100", "A100", 312e12, 400, "nvidia2022", "Table 3: peak BF16, dense, and TDP"),
    Device("h100", "H100", 989.4e12, 700, "nvidia2022", "Tables 1 and 3: peak BF16, dense, of the SXM5, and TDP"),
    Device("p600", "P600", 12e12, None, "openai2018", "the computation of the total compute", False),
    Device("tpu3", "TPU v3", 123e12, 450, "patterson2021", "Table 4, and its note 12", False),
    Device("tpu4", "TPU v4", 275e12, None, "chowdhery2022", "Appendix B: the computation of the utilisation", False),
]


@dataclass(frozen=True)
class Run:
    """One training run: what was published of it, by whom, and where."""

    name: str
    date: str  # of publication
    source: str
    where: str
    parameters: float | None = None  # that take part for each token
    tokens: float | None = None
    operations: float | None = None  # None: six for each parameter and token
    estimated: bool = False  # by others than its maker
    by_rule: bool = False  # the maker's count is itself six for each parameter and token
    shape: tuple[int, int, int, int] | None = None  # vocab_size, d_model, n_layers, T, where our GPT can be given them
    device: str | None = None
    device_hours: float | None = None
    hours_from: str = ""  # where the hours are from, if not from `source`
    reported: tuple[float, float] | None = None  # the utilisation that the maker reports, lowest and highest

    @property
    def kind(self) -> str:
        """Whose figure the operations are."""
        return "calculated" if self.operations is None else "estimated" if self.estimated else "published"


RUNS = [
    Run(
        "GPT", "2018-06-11", "openai2018", "Drawbacks: 8 GPUs × 30 days × 12 TFLOPS × 0.33 = 0.96 petaflop-days",
        parameters=117e6, operations=0.96 * PETAFLOP_DAY, device="p600", device_hours=8 * 30 * 24,
    ),
    Run(
        "GPT-2", "2019-02-14", "lohn2022", "data of the report: 31.25 petaflop-days, scaled from GPT-3 XL",
        parameters=1.5e9, operations=31.25 * PETAFLOP_DAY, estimated=True,
    ),
    Run(
        "GPT-3", "2020-05-28", "brown2020", "Table D.1", parameters=174.6e9, tokens=300e9, operations=3.14e23,
        by_rule=True, shape=(50257, 12288, 96, 2048),
    ),
    Run(
        "Gopher", "2021-12-08", "hoffmann2022", "Table 3 and section 4: the compute budget of Gopher",
        parameters=280e9, tokens=300e9, operations=5.76e23, device="tpu3", device_hours=4096 * 920,
        hours_from="rae2021",
    ),
    Run(
        "Chinchilla", "2022-03-29", "hoffmann2022", "abstract: the compute budget of Gopher",
        parameters=70e9, tokens=1.4e12, operations=5.76e23,
    ),
    Run(
        "PaLM 540B", "2022-04-05", "chowdhery2022", "Tables 1 and 21, section 4.1 and Appendix B",
        parameters=540.35e9, tokens=780e9, operations=2.56e24, device="tpu4",
        device_hours=6144 * 1200 + 3072 * 336, reported=(0.462, 0.462),
    ),
    Run(
        "BLOOM", "2022-07-12", "scao2022", "table of hyperparameters; the hours from Table 1 of luccioni2023",
        parameters=176.247e9, tokens=366e9, device="a100", device_hours=1_082_990, hours_from="luccioni2023",
    ),
    Run(
        "LLaMA 65B", "2023-02-27", "touvron2023", "Tables 2 and 15", parameters=65.2e9, tokens=1.4e12,
        shape=(32000, 8192, 80, 2048), device="a100", device_hours=1_022_362,
    ),
    Run(
        "GPT-4", "2023-03-14", "epoch2025", "Training compute (its maker has published none)", operations=2.1e25,
        estimated=True,
    ),
    Run(
        "Llama 2 70B", "2023-07-18", "touvron2023b", "Tables 1 and 2, and the model card", parameters=70e9,
        tokens=2e12, device="a100", device_hours=1_720_320,
    ),
    Run(
        "GPT-2, remade", "2024-07-11", "karpathy2024", "run_gpt2_1558M.sh", parameters=1.558e9, tokens=32000 * 2**20,
        device="h100", device_hours=8 * 24,
    ),
    Run(
        "Llama 3.1 405B", "2024-07-23", "grattafiori2024", "sections 1 and 3.3, Table 4; hours from the model card",
        parameters=405e9, tokens=15.6e12, operations=3.8e25, device="h100", device_hours=30.84e6,
        hours_from="meta2024", reported=(0.38, 0.43),
    ),
    Run(
        "DeepSeek-V3", "2024-12-27", "deepseek2024", "section 1 and Table 1: the parameters active for each token",
        parameters=37e9, tokens=14.8e12,
    ),
]  # fmt: skip
FIRST, BETWEEN, LAST = "GPT", "LLaMA 65B", "Llama 3.1 405B"  # runs whose hours and devices were published

# What else the chapter and the picture quote.
DOLLARS = {"hours": 2.788e6, "price": 2.0, "total": 5.576e6, "source": "deepseek2024", "where": "Table 1"}
COSTS = {  # of GPT-4's final run, estimated; and how the cost of the largest runs grew in a year
    "amortised": 40e6, "rented": 79e6, "bought": 800e6, "growth": 2.4, "source": "cottier2024",
    "where": "abstract, section on the results, and the data published with it",
}  # fmt: skip
GPT_3_ENERGY = {
    "chips": 10_000, "days": 14.8, "pue": 1.10, "watts": 330, "teraflops": 24.6, "mwh": 1287,
    "source": "patterson2021", "where": "Table 4",
}  # fmt: skip
METERED = {"watts": 378.5, "pue": 1.08, "source": "chowdhery2022", "where": "Appendix B"}  # PaLM, one chip's system
FRONTIER = 1.206e18  # operations a second, of 64 bits, on the test by which TOP500 ranks
YARDSTICKS = {
    "home_kwh": {"value": 10_715, "source": "eia2021", "where": "a US home in 2020"},
    "frontier_megawatts": {
        "value": round(FRONTIER / 52.93e9 / 1e6, 1), "source": "top2024", "where": "1.206 EFlop/s at 52.93 GFlops/W",
    },
}  # fmt: skip
PUE = 1.1  # of LLaMA (Table 15) and GPT-3, and the picture's where a run's own was not published

STAGES = village_model.STAGES
SMOKE = village_model.Settings(d_model=32, n_layers=1, n_heads=1, context=64, row=32, batch_size=2)
MATRIX = 2048  # numbers a side
CLAIM = {
    "id": "infrastructure",
    "title": "What training takes, and what made it grow",
    "sentence": "What training a language model computes can be foreseen from two numbers, at six operations for each "
    "parameter and each token; from GPT in 2018 to Llama 3.1 405B in 2024 it grew more than 100,000 times over, and "
    "more by using more devices for longer than by faster devices.",
    "refuted_by": "A dense model of more than a billion parameters whose maker counts operations that are further than "
    "15% from six for each parameter and each token; or published runs a year or more apart, each the largest of its "
    "maker, between which the operations in a device-hour grew by a larger factor than the device-hours.",
}
LIMITS = [
    "The published figures are their makers', and nobody has checked them from outside; what OpenAI, Google and "
    "Anthropic have trained since 2023 is not published, and others can only estimate it.",
    "Of the five makers' counts, that of GPT-3 is six for each parameter and token itself, and that of Llama 3.1 "
    "agrees with it to three digits; that of Chinchilla is the budget that it was given. Gopher and PaLM remain.",
    "Only the final run is counted: no failed runs, no experiments before it, no tuning after it and no answering.",
    "The growth compares single runs, and GPT was not the largest of 2018; its own count rests on a rule of thumb, a "
    "third of the peak. LLaMA 65B beside Llama 3.1 405B, the same maker's, is the firmer pair.",
    "The hours of Gopher and PaLM are chips times the hours of the run; PaLM's include downtime and repeated steps.",
    "Design power is what a device may draw, not what it drew. LLaMA's and BLOOM's published electricity is their "
    "device-hours times design power, not a reading of a meter.",
    "Our own run is counted with its attention, and the published ones without: of six operations for each parameter "
    "and token alone ours would have little more than half.",
    "One core was timed while other programs ran beside it, without a compiler for the model.",
]


# Timing one core ---------------------------------------------------------------------------------------------------


def timed(step: Callable[[], Any], work: float, repeats: int) -> list[float]:
    """Operations per second of processor time, one number for each repeat; a first one is dropped."""
    rates = []
    for _ in range(repeats + 1):
        started = time.process_time()
        step()
        rates.append(work / (time.process_time() - started))
    return rates[1:]


def quartiles(values: list[float]) -> dict[str, float]:
    """The middle of the repeats, and their quartiles."""
    low, middle, high = torch.tensor(values, dtype=torch.float64).quantile(torch.tensor([0.25, 0.5, 0.75]).double())
    return {"low": low.item(), "median": middle.item(), "high": high.item()}


def core(settings: village_model.Settings, size: int, repeats: int) -> dict[str, dict[str, float]]:
    """How fast one core multiplies matrices, and how fast it trains our model, both in bfloat16 (operations a second).

    Of the training, "counted" has all products of matrices, "rule" six for each parameter and token.
    """
    torch.manual_seed(0)
    a, b = torch.randn(size, size).bfloat16(), torch.randn(size, size).bfloat16()
    model = GPT(len(village.VOCABULARY), settings.context, settings.d_model, settings.n_layers, settings.n_heads)
    optimiser = village_model.MuonAndAdamW(model, settings)
    batch = village_model.Rows(settings, 0).batch()
    step = partial(train_step, model, optimiser, [batch], dtype=torch.bfloat16)
    tokens = timed(step, settings.tokens_per_step, repeats)
    per_token = counted_per_token(settings)
    parameters = sum(parts(settings).values())
    return {
        "matrix": quartiles(timed(lambda: a @ b, 2 * size**3, repeats)),
        "counted": quartiles([rate * per_token for rate in tokens]),
        "rule": quartiles([compute.operations(parameters, rate) for rate in tokens]),
    }


def parts(settings: village_model.Settings) -> dict[str, int]:
    """The parameters of our model."""
    return count_parameters(len(village.VOCABULARY), settings.d_model, settings.n_layers)


def counted_per_token(settings: village_model.Settings) -> int:
    """The operations of our model for one token of a row, attention included."""
    return flops_per_token(len(village.VOCABULARY), settings.d_model, settings.n_layers, settings.row)


# Putting together --------------------------------------------------------------------------------------------------


def described(run: Run) -> dict[str, Any]:
    """A run with what follows from its figures."""
    peak = {device.key: device.peak for device in DEVICES}.get(run.device or "")
    known = run.parameters and run.tokens
    by_rule = compute.operations(run.parameters, run.tokens) if known else None
    counted = flops_per_token(*run.shape) * run.tokens if run.shape and run.tokens else None
    reached = compute.utilisation(run.parameters, run.tokens, run.device_hours, peak) if peak and known else None
    return asdict(run) | {
        "kind": run.kind, "rule": by_rule, "counted": counted, "operations": run.operations or by_rule,
        "utilisation": reached,
    }  # fmt: skip


def ours(stages: Sequence[village_model.Settings], today: str) -> dict[str, Any]:
    """Our own run, on the same axes."""
    settings, tokens = stages[0], village_model.tokens_of(stages)
    parameters = sum(parts(settings).values())
    return {
        "name": "the village model", "date": today, "kind": "ours", "parameters": parameters, "tokens": tokens,
        "operations": counted_per_token(settings) * tokens, "rule": compute.operations(parameters, tokens),
        "source": "", "where": "experiments/village_model.py",
    }  # fmt: skip


def presets(runs: list[dict[str, Any]], speed: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    """The runs that the picture starts from; the utilisation is what the reported hours come to."""
    by_name = {run["name"]: run for run in runs}
    energy = GPT_3_ENERGY

    def preset(name: str, title: str, device: str, devices: float, reached: float, **other: float) -> dict[str, Any]:
        run = by_name[name]
        kept = {"title": title, "hardware": device, "devices": devices, "utilisation": reached}
        kept |= {"parameters": run["parameters"], "tokens": run["tokens"], "price": DOLLARS["price"], "pue": PUE}
        return kept | other

    def reported(name: str, devices: float, **other: float) -> dict[str, Any]:
        run = by_name[name]
        return preset(name, name, run["device"], devices, run["utilisation"], **other)

    share = speed["rule"]["median"] / speed["matrix"]["median"]
    v100 = next(device for device in DEVICES if device.key == "v100")
    return [
        preset("the village model", "The village model", "core", 1, share, price=0),
        reported("GPT-2, remade", 8, price=3.5),  # 28 dollars an hour for eight, as its maker paid
        preset("GPT-3", "GPT-3", "v100", energy["chips"], energy["teraflops"] * 1e12 / v100.peak),
        reported("LLaMA 65B", 2048),
        reported("Llama 3.1 405B", 16384),
    ]


def measure(smoke: bool, repeats: int, today: str) -> dict[str, Any]:
    """Time one core, and put everything together."""
    settings, size = (SMOKE, 128) if smoke else (STAGES[0], MATRIX)
    speed = core(settings, size, repeats)
    runs = [described(run) for run in RUNS] + [ours(STAGES, today)]
    here = Device(
        "core", "CPU core", speed["matrix"]["median"], None, "", "measured here, bfloat16",
        peak_is="measured here: the product of two large matrices, 16 bits",
    )  # fmt: skip
    return {
        "core": speed,
        "runs": runs,
        "devices": [asdict(device) for device in (*DEVICES, here)],
        "presets": presets(runs, speed),
        "yardsticks": {name: yardstick["value"] for name, yardstick in YARDSTICKS.items()},
        "sources": {"yardsticks": YARDSTICKS, "dollars": DOLLARS, "costs": COSTS, "GPT-3's energy": GPT_3_ENERGY}
        | {"PaLM's energy": METERED},
    }


# Telling -----------------------------------------------------------------------------------------------------------


def tested(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs whose makers published parameters, tokens and a count of operations."""
    return [run for run in data["runs"] if run["kind"] == "published" and run["rule"]]


def timed_runs(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs whose makers published the hours of a known device."""
    return [run for run in data["runs"] if run.get("utilisation")]


def growth(data: dict[str, Any], since: str = FIRST) -> dict[str, float]:
    """How much more the last run took than an earlier one: in all, in device-hours, and in each of them."""
    by_name = {run["name"]: run for run in data["runs"]}
    first, last = by_name[since], by_name[LAST]
    in_all = last["operations"] / first["operations"]
    hours = last["device_hours"] / first["device_hours"]
    return {"in_all": in_all, "hours": hours, "speed": in_all / hours}


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    rule = {"what": "six operations for each parameter and token, over the maker's own count", "decimals": 3}
    rule |= {"bound": 1.0, "bound_is": "the maker's count"}
    said = [{**rule, "of": run["name"], "value": run["rule"] / run["operations"]} for run in tested(data)]
    counted = rule | {"what": "our flops_per_token at the published shape, over six for each parameter and token"}
    counted |= {"bound_is": "without attention"}
    with_shape = [run for run in data["runs"] if run.get("counted") or run["kind"] == "ours"]
    for run in with_shape:
        value = (run["operations"] if run["kind"] == "ours" else run["counted"]) / run["rule"]
        said.append({**counted, "of": run["name"], "value": value})
    reached = {"what": "share of the devices' peak that became operations of the model, over all hours reported"}
    reached |= {"unit": "%", "decimals": 1, "bound": 100.0, "bound_is": "the data sheet's peak"}
    said += [{**reached, "of": run["name"], "value": 100 * run["utilisation"]} for run in timed_runs(data)]
    of = {"in_all": "operations", "hours": "device-hours", "speed": "operations in a device-hour"}
    for since in (FIRST, BETWEEN):
        grown = {"what": f"{LAST}, over {since}", "unit": "times", "decimals": 0 if since == FIRST else 1}
        said += [
            {**grown, "of": of[key], "value": compute.rounded(value, 3)} for key, value in growth(data, since).items()
        ]
    village_run = data["runs"][-1]["operations"]
    larger = {"what": "operations, over those of the village model", "unit": "times", "decimals": 0}
    for name in (FIRST, "GPT-3", LAST):
        run = next(run for run in data["runs"] if run["name"] == name)
        said.append({**larger, "of": name, "value": compute.rounded(run["operations"] / village_run, 3)})
    speed = {"what": "one core here, processor time, bfloat16", "unit": "billion operations a second", "decimals": 0}
    for key, of in (("matrix", "two large matrices multiplied"), ("counted", "training the village model")):
        values = {name: value / 1e9 for name, value in data["core"][key].items()}
        said.append({**speed, "of": of, "value": values["median"], "low": values["low"], "high": values["high"]})
    said.append({"what": "GPT-3: design power × hours × PUE, over the electricity that was published", "bound": 1.0,
                 "bound_is": "as published", "value": energy_of_gpt_3(data) / GPT_3_ENERGY["mwh"]})  # fmt: skip
    return said


def energy_of_gpt_3(data: dict[str, Any]) -> float:
    """Megawatt-hours from the design power."""
    watts = next(device for device in data["devices"] if device["key"] == "v100")["watts"]
    energy = data["sources"]["GPT-3's energy"]
    return energy["chips"] * energy["days"] * 24 * watts * energy["pue"] / 1e6


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    by_name = {run["name"]: run for run in data["runs"]}
    off = {run["name"]: abs(run["rule"] / run["operations"] - 1) for run in tested(data)}
    shares = {run["name"]: run["utilisation"] for run in timed_runs(data)}
    grown, lately = growth(data), growth(data, BETWEEN)
    mine, last, palm = data["runs"][-1], by_name[LAST], by_name["PaLM 540B"]
    energy, meter, yard = data["sources"]["GPT-3's energy"], data["sources"]["PaLM's energy"], data["yardsticks"]
    costs, money = data["sources"]["costs"], data["sources"]["dollars"]
    h100 = next(device for device in data["devices"] if device["key"] == "h100")
    largest = next(preset for preset in data["presets"] if preset["title"] == LAST)
    megawatts = largest["devices"] * h100["watts"] / 1e6
    return {
        "first": f"{FIRST} ({by_name[FIRST]['date'][:4]})", "last": f"{LAST} ({last['date'][:4]})",
        "growth": grown["in_all"], "growth_hours": grown["hours"], "growth_speed": grown["speed"],
        "lately": lately["in_all"], "lately_hours": lately["hours"], "lately_speed": lately["speed"],
        "n_counts": len(off), "farthest_off": max(off.values()), "farthest_run": max(off, key=off.get),
        "palm_off": off["PaLM 540B"],
        "least_reached": min(shares.values()), "most_reached": max(shares.values()), "n_timed": len(shares),
        "palm_reached": shares["PaLM 540B"], "palm_reported": palm["reported"][0],
        "llama_reached": shares[LAST], "llama_reported_low": last["reported"][0],
        "llama_reported_high": last["reported"][1],
        "ours_operations": mine["operations"], "ours_parameters": mine["parameters"], "ours_tokens": mine["tokens"],
        "ours_attention": mine["operations"] / mine["rule"] - 1,
        "gpt3_attention": by_name["GPT-3"]["counted"] / by_name["GPT-3"]["rule"] - 1,
        "last_over_ours": last["operations"] / mine["operations"],
        "core_years": last["operations"] / data["core"]["counted"]["median"] / 3600 / 24 / 365.25,
        "ours_hours": mine["operations"] / data["core"]["counted"]["median"] / 3600,
        "gpt3_design_mwh": energy_of_gpt_3(data), "gpt3_mwh": energy["mwh"], "gpt3_watts": energy["watts"],
        "palm_mwh": palm["device_hours"] * meter["watts"] * meter["pue"] / 1e6,
        "llama_mwh": last["device_hours"] * h100["watts"] * PUE / 1e6,
        "llama_homes": last["device_hours"] * h100["watts"] * PUE / 1e3 / yard["home_kwh"],
        "frontier_days": last["operations"] / FRONTIER / 3600 / 24,
        "llama_megawatts": megawatts, "frontier_megawatts": yard["frontier_megawatts"],
        "llama_device_hours": last["device_hours"], "llama_devices": largest["devices"],
        "gpt4_amortised": costs["amortised"], "gpt4_rented": costs["rented"], "gpt4_bought": costs["bought"],
        "cost_growth": costs["growth"], "deepseek_dollars": money["total"], "deepseek_price": money["price"],
    }  # fmt: skip


def finding(data: dict[str, Any]) -> str:
    """The rule, what the devices reached and what grew, in one sentence."""
    n = numbers(data)
    return (
        f"Six operations for each parameter and token are within {100 * n['farthest_off']:.1f}% of what the makers of "
        f"{n['n_counts']} models counted (farthest: {n['farthest_run']}); {n['n_timed']} runs got "
        f"{100 * n['least_reached']:.0f} to {100 * n['most_reached']:.0f}% out of their devices over all reported "
        f"hours; {LAST} took {compute.rounded(n['growth']):,.0f} times the operations of {FIRST}: "
        f"{compute.rounded(n['growth_hours']):,.0f} times the device-hours, and {n['growth_speed']:.0f} times the "
        "operations in each."
    )


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    repeats = 2 if options.smoke else 9
    started = time.perf_counter()
    data = measure(options.smoke, repeats, date.today().isoformat())
    command = "python -m experiments.infrastructure" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    result |= record.provenance(command, time.perf_counter() - started)
    result |= {"seeds": [0], "repeats": repeats, "limits": LIMITS, "numbers": numbers(data), "data": data}
    result["spread"] = "quartiles of the repeats, where something was timed; published figures have none"
    result["settings"] = {"matrix": MATRIX, "pue": PUE, "village_model": [asdict(stage) for stage in STAGES]}
    return record.write("infrastructure", result, options.folder)


if __name__ == "__main__":
    main()
