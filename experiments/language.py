"""Measures the claim "language": how far from the best possible reader counting, an RNN, a GRU and an LSTM stay.

    python -m experiments.language                       # three networks and n-grams on the same text of the village
    python -m experiments.language --smoke --folder DIR  # the smallest scale, one seed

Writes layercake/recorded/language.json. The networks have equally many parameters and read equally many tokens of new
text. All are judged on the same documents, each from its own beginning, and so is the best possible reader, whose loss
is exact. The curve of the LSTM, with the range of its seeds, is the one that the lab of the topic rnn draws behind the
learner's. N-grams are counted in the documents that the networks of seed 0 read.
"""

import statistics
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments import record
from layercake import village
from layercake.device import pick
from layercake.labs import judging, language
from solutions.prediction import count_ngrams, ngram_probabilities
from solutions.rnn import RecurrentLanguageModel, truncated_bptt

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}  # blocks of weights in one layer
RATES = {"LSTM": 8e-3, "GRU": 8e-3, "RNN": 2e-3}  # at the laptop's size
LENGTHS = (1, 2, 3, 4, 5, 6, 7)  # of the n-grams
K = 0.01  # add-k
STRENGTH = 1.0  # of the shorter context in the interpolated n-gram, in observations
SEEDS = {"LSTM": [0, 1, 2], "GRU": [0, 1, 2], "RNN": [0, 1, 2]}
SPREAD = "lowest to highest of the seeds; what the n-grams counted was counted once"
CLAIM = {
    "id": "language",
    "title": "How far from the best possible reader",
    "sentence": "A recurrent network predicts the village better than any count of the same text, since it reads on "
    "where a count has to stop, and what it still loses to the best possible reader can be said exactly.",
    "refuted_by": "N-grams of any length, counted in the same text, whose loss on new documents is as low as that of a "
    "network; or a model that stays below the bound by more than the sampling of documents explains, which would show "
    "that the bound is wrong.",
}
LIMITS = [
    "One small generated world; what is easy and what is hard in it was chosen by the people who wrote its grammar.",
    "One size and one length of training, a few minutes of one core: which kind of network is best is another question "
    "at other sizes, and the gap is not what a network of this size could reach in the end.",
    "The bound is for a reader who knows the grammar and every stated fact; a model has to learn both from the text.",
    "Learning rates were chosen from few, on a quarter of the text: 0.004 and 0.008 for the LSTM, one for the others.",
    "The seconds of the whole measurement are wall clock on a machine that other programs shared, and an upper bound; "
    "those of one network are processor time, from the median of a few steps.",
]


# Networks ----------------------------------------------------------------------------------------------------------


def settings_of(name: str, scale: str) -> language.Settings:
    """The sizes of one network: those of the lab for the LSTM, and for the others its number of parameters."""
    lab = language.settings_for(scale)
    if name == "LSTM":
        return lab
    wanted = n_parameters("LSTM", lab.d_model, lab.n_layers)
    d_model = min(range(8, 2048), key=lambda d: abs(n_parameters(name, d, lab.n_layers) - wanted))
    rate = lab.learning_rate * RATES[name] / RATES["LSTM"]
    return replace(lab, d_model=d_model, learning_rate=rate)


def n_parameters(name: str, d_model: int, n_layers: int) -> int:
    """How many numbers a language model of this width learns."""
    V, gates = len(village.VOCABULARY), GATES[name]
    return V * d_model + n_layers * gates * (2 * d_model * d_model + 2 * d_model) + (d_model + 1) * V


def trained(name: str, seed: int, scale: str, folder: Path) -> language.Curve:
    """One network after training, from its checkpoint where there is one."""
    layer = language.FUSED[name]
    return language.run(
        RecurrentLanguageModel,
        layer,
        truncated_bptt,
        scale,
        pick(),
        seed=seed,
        folder=folder,
        settings=settings_of(name, scale),
    )


def band(rows: list[list[float]]) -> dict[str, list[Any]]:
    """The same points measured for several seeds: median, lowest and highest at each, and where each seed ends."""
    rows = [[round(value, 4) for value in row] for row in rows]
    points = list(zip(*rows))
    summaries = {"median": statistics.median, "low": min, "high": max}
    return {key: [of(values) for values in points] for key, of in summaries.items()} | {"seeds": rows}


def processor_seconds(name: str, scale: str, repeats: int = 15) -> float:
    """The processor time that all steps of one network's training take, from the median of a few."""
    settings = settings_of(name, scale)
    model = language.build(RecurrentLanguageModel, language.FUSED[name], settings)[0]
    streams, times, generator = language.Streams(settings, 0, truncated_bptt), [], torch.Generator()
    optimiser = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate)
    for _ in range(repeats):
        started = time.process_time()
        optimiser.zero_grad(set_to_none=True)
        streams(model, generator)[0].backward()
        optimiser.step()
        times.append(time.process_time() - started)
    return round(statistics.median(times) * settings.steps, 1)


def across_seeds(curves: list[language.Curve], settings: language.Settings) -> dict[str, Any]:
    """The curves of one network as one record: median and range at each point, and where each seed ends."""
    losses = {group: band([curve.loss[group] for curve in curves]) for group in judging.GROUPS}
    said = {"tokens": curves[0].tokens, "loss": losses, "seeds": len(curves), "parameters": curves[0].parameters}
    return said | {"d_model": settings.d_model, "seconds": [curve.seconds for curve in curves]}


# Counting ----------------------------------------------------------------------------------------------------------


def padded(documents: list[village.Document], n: int) -> torch.Tensor:
    """Documents end to end, each after n - 1 times <end>, so that no context reaches into the one before."""
    tokens = [village.END] * (n - 1)
    for document in documents:
        tokens += [*document.tokens, *[village.END] * max(n - 2, 0)]
    return torch.tensor(tokens)


class Counted:
    """N-grams of all lengths, interpolated: each length trusts the one below as much as STRENGTH observations.

    That is the predictive rule of MacKay & Peto 1995, one strength for all lengths.
    """

    def __init__(self, documents: list[village.Document], lengths: tuple[int, ...] = LENGTHS):
        self.counts = {n: count_ngrams(padded(documents, n), n) for n in lengths}
        self.totals = {n: {c: after.total() for c, after in counts.items()} for n, counts in self.counts.items()}

    def probability(self, before: tuple[int, ...], token: int, longest: int) -> float:
        """Of a token, given the tokens before it, by contexts of up to `longest` - 1."""
        p = 1 / len(village.VOCABULARY)
        for n in range(1, longest + 1):
            context = before[len(before) - n + 1 :]
            if context in self.totals[n]:
                total = self.totals[n][context]
                p = (self.counts[n][context][token] + STRENGTH * p) / (total + STRENGTH)
        return p

    def add_k(self, context: tuple[int, ...], n: int) -> torch.Tensor:
        """-log p of each token after a context, as the topic prediction smooths."""
        return -ngram_probabilities(self.counts[n], context, len(village.VOCABULARY), K).log()

    def losses(self, texts: list[tuple[int, ...]], longest: int) -> list[np.ndarray]:
        """-log p of each token of each text, interpolated."""
        return [
            np.array([-np.log(self.probability(*pair, longest)) for pair in pairs(text, longest)]) for text in texts
        ]

    def add_k_losses(self, texts: list[tuple[int, ...]], n: int) -> list[np.ndarray]:
        """-log p of each token of each text, smoothed by add-k."""
        known: dict[tuple[int, ...], torch.Tensor] = {}
        for text in texts:
            for context, _ in pairs(text, n):
                if context not in known:
                    known[context] = self.add_k(context, n)
        return [np.array([known[context][token].item() for context, token in pairs(text, n)]) for text in texts]


def pairs(text: tuple[int, ...], n: int) -> list[tuple[tuple[int, ...], int]]:
    """Each token of a text with the n - 1 tokens before it; before the text there is <end>."""
    row = (village.END,) * (n - 1) + tuple(text)
    return [(row[at - n + 1 : at], row[at]) for at in range(n - 1, len(row))]


def by_counting(n_tokens: int, exam: judging.Validation) -> dict[str, Any]:
    """The mean losses of n-grams counted in so many tokens, or a document more."""
    documents = first_documents(n_tokens)
    counted, texts, said = Counted(documents), [document.tokens for document in exam.documents], {}
    for n in LENGTHS:
        for how, losses in (("add-k", counted.add_k_losses), ("interpolated", counted.losses)):
            means = [round(mean, 4) for mean in exam.means(losses(texts, n))]
            said.setdefault(how, {})[str(n)] = dict(zip(judging.GROUPS, means))
    return said | {"tokens": sum(len(document.tokens) for document in documents)}


def first_documents(n_tokens: int) -> list[village.Document]:
    """The documents that a network of seed 0 has opened when it has read so many tokens, within a few."""
    documents, read = [], 0
    for document in language.numbered(0):
        documents.append(document)
        read += len(document.tokens)
        if read >= n_tokens:
            return documents
    raise AssertionError("the village has no end")


# What comes of it --------------------------------------------------------------------------------------------------


def best_ngram(data: dict[str, Any]) -> tuple[str, int, float]:
    """The n-grams with the lowest loss: how they were smoothed, n, and the loss."""
    rows = [
        (how, int(n), losses["all"]) for how in ("add-k", "interpolated") for n, losses in data["n-grams"][how].items()
    ]
    return min(rows, key=lambda row: row[2])


def ends(network: dict[str, Any], group: str = "all") -> list[float]:
    """The loss of each seed at the end of training."""
    return [row[-1] for row in network["loss"][group]["seeds"]]


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: where each ends, and the gap of the LSTM for each kind of text."""
    nats: dict[str, Any] = {"unit": "nats per token", "decimals": 3}
    bound, said = {"bound": round(data["bound"]["all"], 4), "bound_is": "the exact bound"}, []
    for name, network in data["networks"].items():
        said.append(record.summary(f"{name}: loss on new documents", ends(network), **nats, **bound))
    how, n, loss = best_ngram(data)
    said.append({"what": f"{n}-grams, {how}, the best count: loss on new documents", "value": loss, **nats, **bound})
    for kind in village.KINDS:
        last = ends(data["networks"]["LSTM"], kind)
        its_bound = {"bound": round(data["bound"][kind], 4), "bound_is": "the exact bound"}
        said.append(record.summary(f"LSTM: loss on each {kind}", last, **nats, **its_bound))
    return said


def gap(data: dict[str, Any], name: str, group: str = "all") -> float:
    """How far above the bound the median run of a network ends, in nats per token."""
    return round(statistics.median(ends(data["networks"][name], group)) - data["bound"][group], 4)


def finding(data: dict[str, Any]) -> str:
    """The gaps in one sentence."""
    _, n, loss = best_ngram(data)
    gaps = ", ".join(f"the {name} {gap(data, name):.2f}" for name in data["networks"])
    return (
        f"After {data['networks']['LSTM']['tokens'][-1] / 1e6:.1f} million tokens the best count (n = {n}) stays "
        f"{loss - data['bound']['all']:.2f} nats per token above the best possible reader's "
        f"{data['bound']['all']:.2f}, {gaps}."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    how, n, loss = best_ngram(data)
    networks = data["networks"]
    said = {"bound": round(data["bound"]["all"], 4), "tokens": networks["LSTM"]["tokens"][-1]}
    said |= {"documents": data["documents"], "validation_tokens": data["validation_tokens"]}
    said |= {"ngram_n": n, "ngram_smoothing": how, "ngram_loss": loss, "ngram_gap": round(loss - said["bound"], 4)}
    for name, network in networks.items():
        key, last = name.lower(), ends(network)
        said |= {f"{key}_loss": statistics.median(last), f"{key}_low": min(last), f"{key}_high": max(last)}
        said |= {f"{key}_gap": gap(data, name), f"{key}_seeds": network["seeds"], f"{key}_width": network["d_model"]}
        said |= {f"{key}_parameters": network["parameters"], f"{key}_processor_seconds": network["processor_seconds"]}
        said |= {f"{key}_gap_{kind}": gap(data, name, kind) for kind in village.KINDS}
    closed = (loss - networks["LSTM"]["loss"]["all"]["median"][-1]) / (loss - said["bound"])
    return said | {"lstm_share_of_ngram_gap_closed": round(closed, 3)} | {
        f"bound_{kind}": round(data["bound"][kind], 4) for kind in village.KINDS
    }  # fmt: skip


def measure(scale: str, seeds: dict[str, list[int]], folder: Path) -> dict[str, Any]:
    """The networks and their bound at one scale."""
    exam = judging.validation(language.settings_for(scale).n_documents)
    networks = {}
    for name, its in seeds.items():
        curves = [trained(name, seed, scale, folder) for seed in its]
        networks[name] = across_seeds(curves, settings_of(name, scale))
        networks[name] |= {"processor_seconds": processor_seconds(name, scale)}
    tokens = sum(len(document.tokens) for document in exam.documents)
    said = {"bound": exam.bound, "documents": len(exam.documents), "validation_tokens": tokens}
    return said | {"networks": networks}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__, runs=True)
    options = record.parse(parser, arguments)
    seeds = {name: [0] for name in GATES} if options.smoke else SEEDS
    scale = "smoke" if options.smoke else "laptop"
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        data = {"smoke": measure("smoke", {"LSTM": [0] if options.smoke else [0, 1, 2]}, folder)}
        data[scale] = measure(scale, seeds, folder)
    started = time.perf_counter()
    n_tokens = data[scale]["networks"]["LSTM"]["tokens"][-1]
    data[scale]["n-grams"] = by_counting(n_tokens, judging.validation(data[scale]["documents"]))
    seconds = time.perf_counter() - started
    seconds += sum(sum(n["seconds"]) for part in data.values() for n in part["networks"].values())
    command = "python -m experiments.language" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data[scale]), "measured": measured(data[scale])}
    result |= record.provenance(command, seconds)
    result |= {"seeds": seeds["LSTM"], "repeats": len(seeds["LSTM"]), "spread": SPREAD, "limits": LIMITS}
    sizes = {name: asdict(settings_of(name, scale)) for name in GATES}
    result |= {"settings": {"village": village.fingerprint(), "seeds": seeds, "k": K, "strength": STRENGTH, **sizes}}
    return record.write("language", result | {"numbers": numbers(data[scale]), "data": data}, options.folder)


if __name__ == "__main__":
    main()
