"""Measures the claim "playscript": a prompt can make an assistant of a predictor, which hangs on its every word.

    python -m experiments.playscript                       # a few minutes on one CPU core
    python -m experiments.playscript --smoke --folder DIR  # few questions

Writes layercake/recorded/playscript.json. The lab of the topic, with 500 questions: the same ones in every staging, to
the pretrained village model, its words drawn at temperature 1. Judged is all that it writes until the next question.
"""

import time
from pathlib import Path
from typing import Any

from experiments import record
from layercake import checkpoints, village
from layercake.labs import playscript
from solutions.playscript import OUTCOMES, RIGHT, classify_failure, few_shot_prompt, generate_until, render_playscript

CLAIM = {
    "id": "playscript",
    "title": "A predictor plays an assistant, and hangs on every word of the prompt",
    "sentence": "Asked in a play, a pretrained model answers nearly all questions rightly where the prompt casts "
    "somebody whom it has met as one who knows, and hardly any where one word of the prompt is another or the answerer "
    "is new to it; examples do not help.",
    "refuted_by": "Prompts of the same form, in a role that the texts have and in one that they do not have, with "
    "accuracies less than 30 in 100 apart; or sixteen answered questions in the prompt with which a new role is right "
    "more often than not.",
}
LIMITS = [
    "One small model, whose texts never asked it to learn anything from examples in the text itself; large models do.",
    "The claim was worded when a trial with 40 questions had been seen.",
    "One play for each question: what happens further on in a conversation is not measured.",
    "A right answer in which the play is left afterwards counts as having left the play.",
]


def share(n_right: int, n: int) -> dict[str, float]:
    """A share, and the interval that holds it with 95% confidence (Wilson 1927)."""
    from scipy.stats import binomtest  # here: it takes a second to load

    interval = binomtest(n_right, n).proportion_ci(method="wilson")
    return {"value": round(n_right / n, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)}


def measure(scale: str) -> dict[str, Any]:
    """The outcomes of each staging, and some of what was written."""
    said = {}
    for interview in playscript.run(render_playscript, few_shot_prompt, generate_until, classify_failure, scale):
        n = len(interview.written)
        counts = {outcome: sum(its == outcome for *_, its in interview.written) for outcome in OUTCOMES}
        samples = [dict(zip(("question", "written", "outcome"), its)) for its in interview.written[:12]]
        said[interview.staging] = {
            "outcomes": {outcome: share(count, n) for outcome, count in counts.items()}, "samples": samples
        }  # fmt: skip
    return said


# What comes of it --------------------------------------------------------------------------------------------------


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: every outcome that came up, by staging."""
    return [
        {"what": outcome, "of": staging, **its["outcomes"][outcome]}
        for outcome in OUTCOMES
        for staging, its in data.items()
        if its["outcomes"][outcome]["value"] > 0 or outcome == RIGHT
    ]


def finding(data: dict[str, Any]) -> str:
    """The stagings in one sentence."""
    each = ", ".join(f"{its['outcomes'][RIGHT]['value']:.0%} with {staging}" for staging, its in data.items())
    return f"The same questions are answered rightly in {each}."


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    return {
        f"{staging} {outcome}".replace(",", "").replace(" ", "_"): its["outcomes"][outcome]["value"]
        for staging, its in data.items()
        for outcome in OUTCOMES
    }


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    started, scale = time.perf_counter(), "smoke" if options.smoke else "colab"
    data = measure(scale)
    command = "python -m experiments.playscript" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": LIMITS}
    result |= record.provenance(command, time.perf_counter() - started)
    result |= {"seeds": [0], "repeats": 1, "spread": "the 95% interval of a share (Wilson)"}
    result["settings"] = {
        "village": village.fingerprint(),
        "base": checkpoints.digest("village"),
        "questions": playscript.SCALES[scale],
    }
    return record.write("playscript", result | {"numbers": numbers(data), "data": data}, options.folder)


if __name__ == "__main__":
    main()
