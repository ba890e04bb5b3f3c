"""Measures the claim "other-sequences": the machine that predicts the next word predicts other sequences as well.

    python -m experiments.other_sequences                       # three seeds
    python -m experiments.other_sequences --smoke --folder DIR  # one seed, few steps and digits

Writes layercake/recorded/other-sequences.json. One model, `RecurrentLanguageModel` of the topic rnn, with the same
width, layers, optimiser and loss, on two sequences that are no language:

- handwritten digits of 8 × 8 pixels, 17 levels of grey (scikit-learn's copy of Alpaydin & Kaynak's *Optical Recognition
  of Handwritten Digits*): a patch of 4 × 4 is censored, the model reads the 48 other pixels line by line and then
  predicts the patch pixel by pixel. Baselines: how often each pixel has each level, and n-grams.
- the log of an invented thermometer (experiments/sensor_log.py), whose law is known, and so is the exact bound.
  Baselines: how often each reading occurs, and n-grams.

A sequence begins with one token: which patch is censored, or the start of a log. What is reported is the mean surprisal
of the patch's pixels, and of the readings, on digits and logs that were not trained on.
"""

import operator
import statistics
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from experiments import record, sensor_log
from layercake.training import train
from solutions.prediction import count_ngrams, ngram_probabilities, sample
from solutions.rnn import RecurrentLanguageModel

LEVELS = 17  # of grey, 0 … 16; readings of the thermometer are as many
PATCHES = [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]  # upper left corner; a patch is 4 × 4
VOCAB_SIZE = LEVELS + len(PATCHES)  # the first of the tokens above LEVELS also begins a log
N_CENSORED, LOG_LENGTH, N_TEST_LOGS = 16, 96, 300
SETTINGS = {"d_model": 96, "n_layers": 1, "batch_size": 32, "steps": 2000, "learning_rate": 1e-2}
ADD_K, LARGEST_N = 0.1, 6  # the baselines: what is added to every count, and n-grams of up to so many tokens
CLAIM = {
    "id": "other-sequences",
    "title": "The same machine predicts other sequences",
    "sentence": "Nothing in the machine that predicts the next word is about words: the same model, trained in the "
    "same way, predicts the censored pixels of a digit and the next reading of a thermometer, and does better than "
    "counts of what followed what.",
    "refuted_by": "Counts of pixels, readings or n-grams that predict the same test sequences as well as the model; or "
    "a model of the same kind that predicts the thermometer better than its exact bound, which would show that the "
    "bound is wrong.",
}
LIMITS = [
    "One small model and two small sets: 1,797 digits of 8 × 8 pixels, and a log with an invented law.",
    "For the digits no bound is known: the model beats the baselines, and how far it is from the best is not said.",
    "The bound of the thermometer is for a predictor that knows the law; the model has to learn the law from logs.",
    "Steps and learning rate were chosen by hand on seed 0, on digits held out of the training; the n-gram that is "
    "reported is the best of n = 1 to 6 on the test itself, which favours the baseline. On the thermometer 6 is the "
    "best: a longer one, counted in more logs than the model reads, would come closer.",
    "That two further sequences are predicted says nothing about all others.",
]

Batches = Callable[[torch.Generator], Tensor]  # -> tokens (B, T)


# The two sequences ---------------------------------------------------------------------------------------------------


def digits() -> tuple[Tensor, Tensor]:
    """Training and test digits, (N, 8, 8), 0 … 16. The test digits are the last fifth: they stand in writers' order."""
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images).long()
    return images[: len(images) * 4 // 5], images[len(images) * 4 // 5 :]


def censored_last(images: Tensor, patch: int) -> Tensor:
    """The patch's number, the pixels outside it line by line, then those inside: (N, 8, 8) -> (N, 65)."""
    row, column = PATCHES[patch]
    inside = torch.zeros(8, 8, dtype=torch.bool)
    inside[row : row + 4, column : column + 4] = True
    which = torch.full((len(images), 1), LEVELS + patch)
    return torch.cat([which, images[:, ~inside], images[:, inside]], dim=1)


def digit_batches(images: Tensor) -> Batches:
    """Digits drawn with replacement, each batch with another patch censored."""

    def batch(generator: torch.Generator) -> Tensor:
        chosen = images[torch.randint(len(images), (SETTINGS["batch_size"],), generator=generator)]
        return censored_last(chosen, int(torch.randint(len(PATCHES), (), generator=generator)))

    return batch


def logs(n_logs: int, generator: torch.Generator) -> Tensor:
    """New logs of the thermometer, each after its start token: (n_logs, 1 + LOG_LENGTH)."""
    readings = sensor_log.draw(n_logs, LOG_LENGTH, generator)
    return torch.cat([torch.full((n_logs, 1), LEVELS), readings], dim=1)


# The machine ---------------------------------------------------------------------------------------------------------


def machine(seed: int) -> RecurrentLanguageModel:
    """The language model of the topic rnn, on PyTorch's fused LSTM."""
    torch.manual_seed(seed)
    layer = partial(nn.LSTM, batch_first=True)
    return RecurrentLanguageModel(VOCAB_SIZE, SETTINGS["d_model"], SETTINGS["n_layers"], layer, operator.call)


def next_token_loss(batches: Batches) -> Callable[[nn.Module, torch.Generator], tuple[Tensor, Tensor]]:
    """What one step minimises: the cross-entropy of every next token, whatever the tokens stand for."""

    def loss(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        tokens = batches(generator)
        logits, targets = model(tokens[:, :-1])[0], tokens[:, 1:]  # (B, T, VOCAB_SIZE), (B, T)
        right = (logits.argmax(dim=-1) == targets).float().mean()
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten()), right

    return loss


@torch.no_grad()
def surprisal(model: nn.Module, tokens: Tensor) -> Tensor:
    """-log p of every token but the first, in nats: (B, T + 1) -> (B, T)."""
    model.eval()
    logits = model(tokens[:, :-1])[0]
    return F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten(), reduction="none").view(len(tokens), -1)


# What it is judged by ------------------------------------------------------------------------------------------------


def ngram_surprisal(n: int, training: Tensor, test: Tensor) -> Tensor:
    """The same by n-grams, counted in the training sequences: (B, T + 1) -> (B, T).

    Every sequence gets n - 1 copies of its first token in front, so that no context reaches into the one before.
    """
    padded = torch.cat([training[:, :1].expand(-1, max(n - 1, 1) - 1), training], dim=1)
    counts = count_ngrams(padded.flatten(), n)
    known: dict[tuple[int, ...], Tensor] = {}
    rows = torch.cat([test[:, :1].expand(-1, max(n - 1, 1) - 1), test], dim=1).tolist()
    start = max(n - 1, 1)
    result = torch.zeros(len(test), test.size(1) - 1)
    for b, row in enumerate(rows):
        for t in range(start, len(row)):
            context = tuple(row[t - n + 1 : t])
            if context not in known:
                known[context] = -ngram_probabilities(counts, context, VOCAB_SIZE, ADD_K).log()
            result[b, t - start] = known[context][row[t]]
    return result


def pixel_surprisal(training: Tensor, test: Tensor) -> Tensor:
    """The same by how often each place of the sequence had each level in training: (B, T + 1) -> (B, T)."""
    counts = F.one_hot(training[:, 1:], VOCAB_SIZE).sum(dim=0) + ADD_K  # (T, VOCAB_SIZE)
    log_p = (counts / counts.sum(dim=1, keepdim=True)).log()
    return -log_p.gather(1, test[:, 1:].T).T


# The measurement -----------------------------------------------------------------------------------------------------


def trained(name: str, batches: Batches, seed: int, steps: int, folder: Path) -> tuple[RecurrentLanguageModel, float]:
    """The machine after training on one kind of sequence, and the seconds that it took."""
    model = machine(seed)
    rate = SETTINGS["learning_rate"]
    path = folder / f"{name}-seed{seed}.safetensors"
    settings = {"lab": "other-sequences", **SETTINGS}
    loss = next_token_loss(batches)
    history = train(model, loss, steps, learning_rate=rate, seed=seed, path=path, settings=settings, name=name)
    return model, history.seconds


def on_digits(seeds: list[int], steps: int, folder: Path, most: int | None = None) -> dict[str, Any]:
    """The digits: mean surprisal of the censored pixels, for the machine and its baselines, in nats.

    `most` is how many are learned from and how many tested on, where it is not all of them.
    """
    training, test = (part[:most] for part in digits())
    runs = [trained("digits", digit_batches(training), seed, steps, folder) for seed in seeds]

    def mean_over_patches(surprisal_of: Callable[[Tensor, Tensor], Tensor]) -> float:
        each = [
            surprisal_of(censored_last(training, patch), censored_last(test, patch))[:, -N_CENSORED:].mean().item()
            for patch in range(len(PATCHES))
        ]
        return round(statistics.mean(each), 4)

    model = [mean_over_patches(lambda _, tokens, model=model: surprisal(model, tokens)) for model, _ in runs]
    ngrams = {n: mean_over_patches(partial(ngram_surprisal, n)) for n in range(1, LARGEST_N + 1)}
    return {
        "model": model,
        "each place by itself": mean_over_patches(pixel_surprisal),
        "n-grams": ngrams,
        "training_digits": len(training),
        "test_digits": len(test),
        "seconds": [round(seconds, 1) for _, seconds in runs],
        "examples": filled_in(runs[0][0], test),
    }


def filled_in(model: nn.Module, images: Tensor, n_examples: int = 5) -> list[dict[str, Any]]:
    """Test digits, the first of each patch, with the patch drawn from the model pixel by pixel."""
    generator, examples = torch.Generator().manual_seed(0), []
    for patch in range(n_examples):
        truth = censored_last(images[patch : patch + 1], patch)
        tokens = truth[:, :-N_CENSORED]
        for _ in range(N_CENSORED):
            with torch.no_grad():
                logits = model(tokens)[0][:, -1, :LEVELS]  # (1, LEVELS): a pixel, and no patch's number
            tokens = torch.cat([tokens, sample(logits, generator=generator).view(1, 1)], dim=1)
        drawn = {"patch": PATCHES[patch], "truth": images[patch].tolist()}
        examples.append(drawn | {"drawn": tokens[0, -N_CENSORED:].tolist()})
    return examples


def on_the_log(seeds: list[int], steps: int, folder: Path) -> dict[str, Any]:
    """The thermometer: mean surprisal of a reading, for the machine, its baselines and the exact law, in nats."""
    runs = [trained("sensor", partial(logs, SETTINGS["batch_size"]), seed, steps, folder) for seed in seeds]
    test = logs(N_TEST_LOGS, torch.Generator().manual_seed(1_000_003))
    counted = logs(SETTINGS["batch_size"] * steps, torch.Generator().manual_seed(2_000_003))
    exact = sensor_log.surprisal(test[:, 1:])
    each = [surprisal(model, test).double() for model, _ in runs]
    excess = [(of_model - exact).mean(dim=1) for of_model in each]  # (N_TEST_LOGS), paired by log
    return {
        "model": [round(of_model.mean().item(), 4) for of_model in each],
        "excess_standard_error": [round((e.std() / len(e) ** 0.5).item(), 5) for e in excess],
        "exact": round(exact.mean().item(), 4),
        "n-grams": {n: round(ngram_surprisal(n, counted, test).mean().item(), 4) for n in range(1, LARGEST_N + 1)},
        "counted_logs": len(counted),
        "test_logs": len(test),
        "seconds": [round(seconds, 1) for _, seconds in runs],
        "example": {
            "readings": test[0, 1:].tolist(),
            "exact_mean": _mean_reading(sensor_log.next_reading(test[:1, 1:])),
            "model_mean": _mean_reading(_distributions(runs[0][0], test[:1])),
        },
    }


def _distributions(model: nn.Module, tokens: Tensor) -> Tensor:
    with torch.no_grad():
        return model(tokens[:, :-1])[0][..., :LEVELS].softmax(dim=-1)


def _mean_reading(distributions: Tensor) -> list[float]:
    """(1, T, LEVELS) -> the mean of each distribution."""
    means = distributions[0] @ torch.arange(LEVELS, dtype=distributions.dtype)
    return [round(value, 3) for value in means.tolist()]


def best_ngram(part: dict[str, Any]) -> tuple[int, float]:
    """The n with the lowest surprisal on the test, and that surprisal."""
    return min(part["n-grams"].items(), key=lambda pair: pair[1])


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said = []
    for what, part, bound in (
        ("surprisal of a censored pixel", data["digits"], {}),
        (
            "surprisal of a reading",
            data["sensor log"],
            {"bound": data["sensor log"]["exact"], "bound_is": "exact bound"},
        ),
    ):
        nats: dict[str, Any] = {"unit": "nats", "decimals": 3, **bound}
        n, ngram = best_ngram(part)
        said.append(record.summary(what, part["model"], of="the model", **nats))
        said.append({"what": what, "of": f"{n}-grams, the best n", "value": ngram, **nats})
        if "each place by itself" in part:
            said.append(
                {"what": what, "of": "levels seen at each place", "value": part["each place by itself"], **nats}
            )
    return said


def finding(data: dict[str, Any]) -> str:
    """Both sequences in one sentence."""
    picture, log = data["digits"], data["sensor log"]
    baseline = min(picture["each place by itself"], best_ngram(picture)[1])
    return (
        f"A censored pixel costs the model {statistics.median(picture['model']):.2f} nats and the best count "
        f"{baseline:.2f}; a reading of the thermometer costs it {statistics.median(log['model']):.3f}, the best count "
        f"{best_ngram(log)[1]:.3f}, and the law itself {log['exact']:.3f}."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    picture, log = data["digits"], data["sensor log"]
    reached = best_ngram(log)[1] - statistics.median(log["model"])
    return {
        "digits_model": statistics.median(picture["model"]),
        "digits_places": picture["each place by itself"],
        "digits_ngram": best_ngram(picture)[1],
        "digits_ngram_n": best_ngram(picture)[0],
        "log_model": statistics.median(log["model"]),
        "log_ngram": best_ngram(log)[1],
        "log_ngram_n": best_ngram(log)[0],
        "log_exact": log["exact"],
        "log_excess": round(statistics.median(log["model"]) - log["exact"], 4),
        "log_share_of_gap_closed": round(reached / (best_ngram(log)[1] - log["exact"]), 3),
        "parameters": data["parameters"],
    }


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__, runs=True)
    options = record.parse(parser, arguments)
    seeds, steps = ([0], 20) if options.smoke else ([0, 1, 2], SETTINGS["steps"])
    data: dict[str, Any] = {"parameters": sum(p.numel() for p in machine(0).parameters())}
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        data["digits"] = on_digits(seeds, steps, folder, 60 if options.smoke else None)
        data["sensor log"] = on_the_log(seeds, steps, folder)
    seconds = sum(sum(data[name]["seconds"]) for name in ("digits", "sensor log"))
    command = "python -m experiments.other_sequences" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    result |= {**record.provenance(command, seconds), "seeds": seeds, "repeats": len(seeds)}
    result |= {
        "spread": "lowest to highest of the seeds",
        "settings": SETTINGS | {"steps": steps, "add_k": ADD_K, "largest_n": LARGEST_N},
    }
    result |= {"limits": LIMITS, "numbers": numbers(data), "data": data}
    result["versions"] |= {"scikit-learn": version("scikit-learn")}
    return record.write("other-sequences", result, options.folder)


if __name__ == "__main__":
    main()
