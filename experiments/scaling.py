"""Measures the claim "scaling": how the loss falls with the compute of training, for an LSTM and for a transformer.

    python -m experiments.scaling                       # about half an hour on one CPU core that is left alone
    python -m experiments.scaling --smoke --folder DIR  # six tiny sizes, one seed

Writes layercake/recorded/scaling.json. Each family is trained at six sizes, each run to the end of a schedule of its
own, on ten tokens of the village for each parameter, no document twice. The first five give a law; the sixth, which no
fit has seen, is predicted from it, with an interval, and then checked. The village's bound is exact, so the law has two
parameters, bound + a · C^-b. What those find who do not know the floor is fitted beside it.
"""

import math
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from experiments import record, village_model
from layercake import village
from layercake.labs import judging, language
from layercake.training import train
from solutions import transformer
from solutions.pretraining import fit_power_law
from solutions.rnn import RecurrentLanguageModel, truncated_bptt

FAMILIES = ("LSTM", "transformer")
WIDTHS = {"LSTM": (48, 64, 96, 128, 160, 224), "transformer": (32, 48, 64, 80, 96, 128)}  # the last is predicted
LAYERS = {"LSTM": 1, "transformer": 2}
HEADS = 2
TOKENS_EACH = 10  # tokens to learn from, for each parameter
LONGEST = 512  # tokens of one row of the transformer's training, and of a document to be judged on
BATCHES = {"LSTM": (16, 64), "transformer": (2, LONGEST)}  # texts side by side, and tokens of each: 1,024 in a step
N_DOCUMENTS = 400  # to be judged on
RATES = {"LSTM": (0.064, 0.128, 0.256), "transformer": (0.008, 0.016, 0.032)}  # at a width of 32, in the search
SEEDS = (3, 3, 2, 2, 2, 1)  # how many, by size
T_95 = {2: 4.303, 3: 3.182, 6: 2.447}  # Student's t, two-sided 95 %, by degrees of freedom
N_FLOORS = 400  # tried, where the floor is fitted
SPREAD = (
    "for exponents and what is predicted, the 95 % interval by Student's t of a straight line through the logarithms; "
    "where the floor is fitted too, lowest to highest of all ways to take one run of each size"
)
CLAIM = {
    "id": "scaling",
    "title": "A law for the loss",
    "sentence": "What a language model loses to the best possible reader falls as a power of the compute of its "
    "training, so that small models predict a larger one; and it falls steeper for a transformer than for an LSTM.",
    "refuted_by": "A sixth size that ends outside the interval that the five smaller ones give for it; or an exponent "
    "of the transformer that does not lie above that of the LSTM by more than their uncertainty.",
}
LIMITS = [
    "One and a half orders of magnitude of compute, at the small end of what is trained: a straight line through five "
    "sizes does not show that it stays straight, and published laws span six orders or more.",
    "One small generated text; another text has another floor and other exponents.",
    "One depth for each family, ten tokens for each parameter, 1,024 tokens in a step: which shape and which share of "
    "tokens are best for a given compute was not searched, and a better choice would lower the curves, not all alike.",
    "Learning rates were searched at the two smallest sizes of each family, a factor of two apart, and fall from there "
    "as the width grows: a rule, not an optimum for each size.",
    "The intervals take the sizes for independent and equally scattered about the line; with five sizes they are wide.",
    "Compute is the products of matrices, with the transformer's scores over all 512 tokens of a row; the time that it "
    "takes is another matter, and an LSTM waits for each position.",
    "The seeds of the smallest transformers, which take fewer than a thousand steps, end far apart; where the line "
    "begins is not known.",
    "The seconds are wall clock on a machine that other programs shared, several times what one core needs.",
    "Documents are read up to their 512th token, in training by the transformer, in judging by both; the LSTM learns "
    "from whole documents, with gradients that go back at most 64 tokens.",
]


# One run -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Size:
    """One model of one family, and how long it learns."""

    family: str
    d_model: int
    tokens_each: int = TOKENS_EACH

    @property
    def n_parameters(self) -> int:
        """All that is learned. The embedding is the output layer too, which is used at every token, and counts."""
        V, d, layers = len(village.VOCABULARY), self.d_model, LAYERS[self.family]
        if self.family == "transformer":
            return sum(transformer.count_parameters(V, d, layers).values())
        return V * d + V + layers * 8 * (d * d + d)  # the four gates' two matrices and two biases

    @property
    def flops_per_token(self) -> int:
        """In training, products of matrices only, as `solutions.transformer.flops_per_token` counts them."""
        V, d, layers = len(village.VOCABULARY), self.d_model, LAYERS[self.family]
        if self.family == "transformer":
            return transformer.flops_per_token(V, d, layers, LONGEST)
        return 3 * 2 * (V * d + layers * 8 * d * d)

    @property
    def steps(self) -> int:
        texts, tokens = BATCHES[self.family]
        return math.ceil(self.tokens_each * self.n_parameters / (texts * tokens))

    @property
    def tokens(self) -> int:
        texts, tokens = BATCHES[self.family]
        return self.steps * texts * tokens

    @property
    def flops(self) -> int:
        return self.flops_per_token * self.tokens


class InBfloat16:
    """A source of losses, with the products of matrices in bfloat16; the weights and the loss stay in float32.

    oneDNN has an LSTM in bfloat16 for processors with AVX-512 alone; elsewhere PyTorch's own is taken.
    """

    def __init__(self, text: Any):
        self.text, self.state_dict, self.load_state_dict = text, text.state_dict, text.load_state_dict

    def __call__(self, model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        onednn = torch.backends.mkldnn.flags(enabled="AVX512" in torch.backends.cpu.get_cpu_capability())
        with torch.autocast("cpu", torch.bfloat16), onednn:
            return self.text(model, generator)


def model_and_text(size: Size, seed: int) -> tuple[nn.Module, Any]:
    """The untrained model and what it learns from."""
    V, layers, (texts, tokens) = len(village.VOCABULARY), LAYERS[size.family], BATCHES[size.family]
    torch.manual_seed(seed)
    if size.family == "transformer":
        rows = village_model.Settings(row=tokens, batch_size=texts, apart_rows=0)
        return transformer.GPT(V, LONGEST, size.d_model, layers, HEADS), village_model.Rows(rows, seed)
    lab = language.Settings(size.d_model, layers, size.steps, texts, tokens, N_DOCUMENTS, 0.0)
    model, _, _ = language.build(partial(RecurrentLanguageModel, tied=True), nn.LSTM, lab)
    return model, language.Streams(lab, seed, truncated_bptt)


def rate_of(coefficient: float, d_model: int) -> float:
    """The rule for the learning rate: one over the width, as Yang et al. 2022 derive for Adam."""
    return coefficient * 32 / d_model


def trained(size: Size, coefficient: float, seed: int, folder: Path, n_documents: int) -> dict[str, Any]:
    """One run to its end, from its checkpoint where there is one, and how it is judged."""
    model, text = model_and_text(size, seed)
    rate = rate_of(coefficient, size.d_model)
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.1, fused=True)
    name = f"{size.family.lower()}-{size.d_model}-rate{coefficient:g}-seed{seed}"
    history = train(
        model, InBfloat16(text), size.steps,
        learning_rate=rate, seed=seed, path=folder / f"scaling-{name}.safetensors", optimiser=optimiser,
        settings={"village": village.fingerprint(), "batch": BATCHES[size.family], **asdict(size)}, name=name,
    )  # fmt: skip
    losses = dict(zip(judging.GROUPS, judged(model, n_documents)))
    return {"seed": seed, "coefficient": coefficient, "rate": rate, "loss": losses, "seconds": history.seconds}


def judged(model: nn.Module, n_documents: int) -> list[float]:
    """Mean losses on the beginnings of new documents, in the order of judging.GROUPS."""
    exam = judging.validation(n_documents)
    return exam.means(judging.token_losses(model, [document.tokens[:LONGEST] for document in exam.documents]))


def bounds(n_documents: int) -> dict[str, float]:
    """What the best possible reader is charged for the same tokens."""
    exam = judging.validation(n_documents)
    return dict(zip(judging.GROUPS, exam.means([exact[:LONGEST] for exact in exam.exact])))


# The family --------------------------------------------------------------------------------------------------------


def searched(sizes: Sequence[Size], folder: Path, n_documents: int) -> dict[str, Any]:
    """Learning rates at the two smallest sizes: the loss of each, and the rate that is best for both together."""
    bound, rows = bounds(n_documents)["all"], []
    for coefficient in RATES[sizes[0].family]:
        runs = [trained(size, coefficient, 0, folder, n_documents) for size in sizes[:2]]
        its = {"loss": [run["loss"]["all"] for run in runs], "seconds": sum(run["seconds"] for run in runs)}
        rows.append({"coefficient": coefficient, **its})
    best = min(rows, key=lambda row: sum(math.log(loss - bound) for loss in row["loss"]))
    return {"tried": rows, "d_model": [size.d_model for size in sizes[:2]], "chosen": best["coefficient"]}


def measure(sizes: Sequence[Size], seeds: Sequence[int], folder: Path, n_documents: int) -> dict[str, Any]:
    """All runs of one family. The last size is trained when the others have said where it will end."""
    search = searched(sizes, folder, n_documents)
    said = []
    for size, n_seeds in zip(sizes, seeds):
        if size == sizes[-1]:
            law, bound = fitted(said, bounds(n_documents)["all"]), bounds(n_documents)["all"]
            gap, low, high = expected(law, size.flops)
            print(f"{size} is expected {gap:.4f} ({low:.4f} to {high:.4f}) above the bound of {bound:.4f}")
        runs = [trained(size, search["chosen"], seed, folder, n_documents) for seed in range(n_seeds)]
        sizes_of = ("d_model", "n_parameters", "tokens", "steps", "flops_per_token", "flops")
        said.append({name: getattr(size, name) for name in sizes_of} | {"runs": runs})
    return {"search": search, "sizes": said}


# The law -----------------------------------------------------------------------------------------------------------


def mean_loss(size: dict[str, Any]) -> float:
    """Of all runs of one size, over all tokens."""
    return sum(run["loss"]["all"] for run in size["runs"]) / len(size["runs"])


def fitted(sizes: Sequence[dict[str, Any]], bound: float, compute: str = "flops") -> dict[str, float]:
    """The law through these sizes, and what its uncertainty is computed from."""
    x = torch.tensor([float(size[compute]) for size in sizes], dtype=torch.float64)
    y = torch.tensor([mean_loss(size) for size in sizes], dtype=torch.float64)
    scale, exponent = fit_power_law(x, y, bound)
    log_x, free = x.log(), len(sizes) - 2
    left = (y - bound).log() - (math.log(scale) - exponent * log_x)
    spread = (log_x - log_x.mean()).square().sum().item()
    law = {"scale": scale, "exponent": exponent, "variance": left.square().sum().item() / free, "free": free}
    law |= {"mean_log_x": log_x.mean().item(), "spread_log_x": spread}
    half = T_95[free] * math.sqrt(law["variance"] / spread)
    return law | {"low": exponent - half, "high": exponent + half}


def expected(law: dict[str, float], flops: float) -> tuple[float, float, float]:
    """The gap at one more size, and the interval in which it is expected to lie."""
    gap, n = law["scale"] * flops ** -law["exponent"], law["free"] + 2
    far = (math.log(flops) - law["mean_log_x"]) ** 2 / law["spread_log_x"]
    half = T_95[law["free"]] * math.sqrt(law["variance"] * (1 + 1 / n + far))
    return gap, gap * math.exp(-half), gap * math.exp(half)


def fit_with_floor(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    """The law of those who do not know the floor: of many floors the one whose law misses the losses least.

    Misses are measured in the logarithm of the loss and squared; Hoffmann et al. 2022, section 3.3, have a Huber loss.
    Shapes: x (n), y (n) -> floor, scale, exponent.
    """

    def missed(floor: float) -> float:
        scale, exponent = fit_power_law(x, y, floor)
        return ((floor + scale * x**-exponent) / y).log().square().sum().item()

    floor = min((y.min().item() * i / N_FLOORS for i in range(N_FLOORS)), key=missed)
    return floor, *fit_power_law(x, y, floor)


def without_the_floor(sizes: Sequence[dict[str, Any]], bound: float, flops: float) -> dict[str, Any]:
    """What comes out for those who fit the floor too, or leave it out, for every way to take one run of each size."""
    x = torch.tensor([float(size["flops"]) for size in sizes], dtype=torch.float64)
    mean = torch.tensor([mean_loss(size) for size in sizes], dtype=torch.float64)
    ways = product(*([run["loss"]["all"] for run in size["runs"]] for size in sizes))
    fits = [fit_with_floor(x, y) for y in (mean, *(torch.tensor(way, dtype=torch.float64) for way in ways))]
    floor, scale, exponent = fits[0]
    none_scale, none_exponent = fit_power_law(x, mean)
    return {
        "fitted": {"floor": floor, "exponent": exponent, "expected": floor + scale * flops**-exponent},
        "floors": [fit[0] for fit in fits],
        "exponents": [fit[2] for fit in fits],
        "none": {"exponent": none_exponent, "expected": none_scale * flops**-none_exponent}
        | {"flops_at_bound": (none_scale / bound) ** (1 / none_exponent)},
    }


def laws(family: dict[str, Any], bound: float) -> dict[str, Any]:
    """Everything that is fitted to one family, from its runs."""
    *sizes, last = family["sizes"]
    law = fitted(sizes, bound)
    first, end = math.log(sizes[0]["flops"]), math.log(last["flops"])
    flops = [math.exp(first + (end - first) * i / 40) for i in range(41)]
    rows = list(zip(*(expected(law, x) for x in flops)))
    keys = ("gap", "low", "high")
    return {
        "law": law,
        "expected": dict(zip(keys, expected(law, last["flops"]))),
        "line": {"flops": flops} | {key: list(row) for key, row in zip(keys, rows)},
        "unknown": without_the_floor(sizes, bound, last["flops"]),
        "without the smallest": fitted(sizes[1:], bound),
        "weights only": fitted([{**size, "flops": 6 * size["n_parameters"] * size["tokens"]} for size in sizes], bound),
    }


def steeper(data: dict[str, Any]) -> dict[str, float]:
    """By how much the transformer's exponent lies above that of the LSTM, with its interval."""
    one, other = (data["laws"][family]["law"] for family in ("transformer", "LSTM"))
    error = math.sqrt(sum(law["variance"] / law["spread_log_x"] for law in (one, other)))
    difference, half = one["exponent"] - other["exponent"], T_95[one["free"] + other["free"]] * error
    return {"value": difference, "low": difference - half, "high": difference + half}


# What comes of it --------------------------------------------------------------------------------------------------


FITS = {
    "law": "exponent of the law",
    "without the smallest": "exponent without the smallest of the five",
    "weights only": "exponent where the compute of the scores is not counted",
}


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: exponents, the size that was predicted, and what the floor is taken for."""
    said: list[dict[str, Any]] = []
    for name, what in FITS.items():
        for family in FAMILIES:
            law = data["laws"][family][name]
            its = {key: round(law[key], 4) for key in ("low", "high")}
            said.append({"what": what, "of": family, "value": round(law["exponent"], 4), **its})
    said.append({"what": "by how much the transformer's exponent lies above the LSTM's", **_rounded(steeper(data))})
    nats: dict[str, Any] = {"unit": "nats per token", "decimals": 3}
    for family in FAMILIES:
        gap = {key: round(value, 4) for key, value in data["laws"][family]["expected"].items()}
        its = {"low": gap["low"], "high": gap["high"], "bound": round(last_gap(data, family), 4)}
        said.append({"what": "gap predicted for the sixth size", "of": family, "value": gap["gap"], **its, **nats})
        said[-1] |= {"bound_is": "where it ended"}
    for family in FAMILIES:
        unknown, bound = data["laws"][family]["unknown"], {"bound": round(data["bound"]["all"], 4)}
        its = {"low": min(unknown["floors"]), "high": max(unknown["floors"])}
        values = {key: round(value, 4) for key, value in {"value": unknown["fitted"]["floor"], **its}.items()}
        said.append({"what": "floor, where it is fitted too", "of": family, **values, **nats, **bound})
        said[-1] |= {"bound_is": "the exact bound"}
    for family in FAMILIES:
        unknown = data["laws"][family]["unknown"]
        its = {"low": min(unknown["exponents"]), "high": max(unknown["exponents"])}
        values = {key: round(value, 4) for key, value in {"value": unknown["fitted"]["exponent"], **its}.items()}
        said.append({"what": "exponent, where the floor is fitted too", "of": family, **values})
    return said


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {key: round(value, 4) for key, value in values.items()}


def last_gap(data: dict[str, Any], family: str) -> float:
    """How far above the bound the sixth size ended."""
    return mean_loss(data["families"][family]["sizes"][-1]) - data["bound"]["all"]


def predicted(data: dict[str, Any], family: str) -> bool:
    """Whether the sixth size ended in the interval that the five smaller ones gave for it."""
    interval = data["laws"][family]["expected"]
    return interval["low"] <= last_gap(data, family) <= interval["high"]


def finding(data: dict[str, Any]) -> str:
    """The exponents, and whether the next size was predicted, in one sentence."""
    law = {family: data["laws"][family]["law"] for family in FAMILIES}
    exponents = " and ".join(
        f"{law[family]['exponent']:.2f} ({law[family]['low']:.2f} to {law[family]['high']:.2f}) for the {family}"
        for family in FAMILIES
    )
    checks = "; ".join(
        f"the {family} was predicted {data['laws'][family]['expected']['gap']:.3f} nats above the bound and ended "
        f"{last_gap(data, family):.3f} above, {'in' if predicted(data, family) else 'outside'} its interval"
        for family in FAMILIES
    )
    return (
        f"The gap falls as compute to the power of minus {exponents}, {_steeper_in_words(data)}; one size on, {checks}."
    )


def _steeper_in_words(data: dict[str, Any]) -> str:
    """What the two exponents together say, and no more than they do."""
    difference = steeper(data)
    interval = f"by {difference['value']:.2f} ({difference['low']:.2f} to {difference['high']:.2f})"
    if difference["low"] > 0:
        return f"steeper for the transformer {interval}"
    return f"steeper for the LSTM {interval}" if difference["high"] < 0 else f"which do not differ for sure {interval}"


LEFT = (("share", "exponent"), ("least", "high"), ("most", "low"))  # of the gap, after ten times the compute


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said: dict[str, Any] = {"bound": round(data["bound"]["all"], 4)}
    said |= {f"steeper_{key}": round(value, 4) for key, value in steeper(data).items()}
    for family in FAMILIES:
        name, laws_of, sizes = family.lower(), data["laws"][family], data["families"][family]["sizes"]
        law, unknown = laws_of["law"], laws_of["unknown"]
        said |= {f"{name}_{key}": round(law[key], 4) for key in ("exponent", "low", "high")}
        said |= {f"{name}_left_{key}": round(10 ** -law[other], 4) for key, other in LEFT}
        said |= {f"{name}_exponent_weights": round(laws_of["weights only"]["exponent"], 4)}
        said |= {f"{name}_exponent_rest": round(laws_of["without the smallest"]["exponent"], 4)}
        said |= {f"{name}_expected_{key}": round(value, 4) for key, value in laws_of["expected"].items()}
        said |= {f"{name}_last_gap": round(last_gap(data, family), 4), f"{name}_predicted": predicted(data, family)}
        said |= {f"{name}_smallest": sizes[0]["n_parameters"], f"{name}_largest": sizes[-2]["n_parameters"]}
        said |= {f"{name}_last": sizes[-1]["n_parameters"], f"{name}_last_tokens": sizes[-1]["tokens"]}
        said |= {f"{name}_span": round(sizes[-2]["flops"] / sizes[0]["flops"], 1)}
        said |= {f"{name}_step": round(sizes[-1]["flops"] / sizes[-2]["flops"], 1)}
        said |= {f"{name}_floor": round(unknown["fitted"]["floor"], 4)}
        said |= {f"{name}_floor_{at.__name__}": round(at(unknown["floors"]), 4) for at in (min, max)}
        said |= {f"{name}_exponent_fitted": round(unknown["fitted"]["exponent"], 4)}
        said |= {f"{name}_exponent_fitted_{at.__name__}": round(at(unknown["exponents"]), 4) for at in (min, max)}
        said |= {f"{name}_exponent_none": round(unknown["none"]["exponent"], 4)}
        said |= {f"{name}_flops_at_bound": float(f"{unknown['none']['flops_at_bound']:.2e}")}
        said |= {f"{name}_last_flops": sizes[-1]["flops"]}
        said |= {f"{name}_last_loss": round(mean_loss(sizes[-1]), 4)}
        said |= {f"{name}_expected_{how}": round(unknown[how]["expected"], 4) for how in ("fitted", "none")}
    return said | {"compute_ratio": round(compute_ratio(data), 2)}


def compute_ratio(data: dict[str, Any]) -> float:
    """How many times the compute of the largest transformer that was fitted the LSTM's law needs for the same gap."""
    size, law = data["families"]["transformer"]["sizes"][-2], data["laws"]["LSTM"]["law"]
    gap = mean_loss(size) - data["bound"]["all"]
    return (law["scale"] / gap) ** (1 / law["exponent"]) / size["flops"]


def settings() -> dict[str, Any]:
    """What the figures depend on."""
    said = {"village": village.fingerprint(), "widths": WIDTHS, "layers": LAYERS, "heads": HEADS, "batches": BATCHES}
    said |= {"tokens_each": TOKENS_EACH, "longest": LONGEST, "documents": N_DOCUMENTS, "rates": RATES, "runs": SEEDS}
    said |= {"optimiser": "AdamW, betas 0.9 and 0.95, weight decay 0.1, gradients clipped to a length of 1"}
    said |= {"schedule": "50 steps up, flat to the middle, then down to zero in a straight line"}
    return said | {"precision": "matrices multiplied in bfloat16 in training, in float32 in judging"}


def seconds_of(data: dict[str, Any]) -> float:
    """Of all training. What was searched with the rate that was chosen is among the runs."""
    seconds = 0.0
    for family in data["families"].values():
        seconds += sum(run["seconds"] for size in family["sizes"] for run in size["runs"])
        tried, chosen = family["search"]["tried"], family["search"]["chosen"]
        seconds += sum(row["seconds"] for row in tried if row["coefficient"] != chosen)
    return seconds


def smoke(family: str) -> list[Size]:
    """Six sizes that take seconds."""
    return [Size(family, d_model, tokens_each=1) for d_model in (4, 8, 12, 16, 20, 24)]


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__, runs=True), arguments)
    n_documents, seeds = (16, (1,) * 6) if options.smoke else (N_DOCUMENTS, SEEDS)
    bound = bounds(n_documents)
    data: dict[str, Any] = {"bound": bound, "families": {}, "laws": {}}
    with tempfile.TemporaryDirectory() as temporary:
        for family in FAMILIES:
            sizes = smoke(family) if options.smoke else [Size(family, d_model) for d_model in WIDTHS[family]]
            its = measure(sizes, seeds, options.runs or Path(temporary), n_documents)
            data["families"][family], data["laws"][family] = its, laws(its, bound["all"])
    result = {
        "claim": CLAIM,
        "finding": finding(data),
        "measured": measured(data),
        "seeds": list(range(max(seeds))),
        "repeats": max(seeds),
        "spread": SPREAD,
        "settings": settings(),
        "limits": LIMITS,
        "numbers": numbers(data),
        "data": data,
        **record.provenance("python -m experiments.scaling" + " --smoke" * options.smoke, seconds_of(data)),
    }
    return record.write("scaling", result, options.folder)


if __name__ == "__main__":
    main()
