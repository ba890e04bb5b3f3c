"""Measures the claim "playscript-real": a real model as an assistant by prompt alone, and what the cast decides.

    python -m experiments.playscript_real                       # ten stagings, ten minutes of one core
    python -m experiments.playscript_real --smoke --folder DIR  # a small random model, seconds

Writes layercake/recorded/playscript-real.json. Thirty countries' capitals are asked in plays, written and broken off by
the functions of the topic `playscript`, and judged by its rules; words are drawn at temperature 1, as in the village.
The model is SmolLM2-135M-Instruct without its template, since the base model is not in a package: it has been tuned,
and on plays it has not. Beside the plays: the same questions by its template.

Written down before: refuted by a role that knows and one that does not, with accuracies less than 10 points apart; or
by examples that do not keep it in the play. Simpler explanations, and what excludes each:

- any introduction helps: roles are introduced in the same words, by a name alone;
- examples teach the answers: four wrong ones, of the same form, stand beside four right ones;
- it is the model that does not know: the same questions by its template.
"""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch

from experiments import playscript, record
from experiments.chekhov_real import a_model, coder
from experiments.playscript import share
from layercake.labs.real import CAPITALS
from solutions.playscript import OUTCOMES, RIGHT, classify_failure, few_shot_prompt, generate_until
from solutions.prediction import sample
from solutions.real import END, render_chatml


class Staging(NamedTuple):
    """How the question is asked."""

    name: str
    answerer: str | None = "ASSISTANT"  # None: by the template, in no play
    shown: int = 0  # examples in front
    are_wrong: bool = False


STAGINGS = (
    Staging("ASSISTANT, 0 shown"),
    Staging("ASSISTANT, 1 shown", shown=1),
    Staging("ASSISTANT, 4 shown", shown=4),
    Staging("ASSISTANT, 12 shown", shown=12),
    Staging("ASSISTANT, 4 wrong ones shown", shown=4, are_wrong=True),
    Staging("the professor", "the professor"),
    Staging("the parrot", "the parrot"),
    Staging("the liar", "the liar"),
    Staging("the template", None),
)


CLAIM = {
    "id": "playscript-real",
    "title": "A real model plays an assistant once it is shown how, and who is cast hardly counts",
    "sentence": "Asked for capitals in a play, a real model that was tuned otherwise is hardly ever right as long as "
    "no example stands in front, whoever is cast to answer. Examples make an assistant of it, in a third "
    "of its answers or so, and wrong ones do as well as right ones: what they show is the form. In the "
    "village it is the other way round, where the cast decides and examples do nothing.",
    "refuted_by": "A role without examples that is right in a quarter of the questions or more; or four wrong examples "
    "with which fewer than half as many answers are right as with four right ones.",
}
LIMITS = [
    "That one role knows and another does not, by ten points or more, was written down before, from the "
    "village; it did not come out, and the claim was worded anew after the results.",
    "The model is the tuned one, asked without its template: how the base model would play is not measured here.",
    "Words are drawn at temperature 1, as in the village, at which a model of this size often leaves the "
    "language; colder draws would be right more often, in every staging.",
    "Sixty answers to each staging: differences of ten points among the stagings with examples are within "
    "the intervals.",
    "The judge counts what was written up to the next question: a right answer, followed by a heading or "
    "a list, has left the play.",
]


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    seeds: tuple[int, ...] = (0, 1)  # of the draws
    questions: int = len(CAPITALS)
    longest: int = 32  # tokens that are written
    model: str = "smollm2-instruct"
    dtype: str = "bfloat16"


SMOKE = Settings((0,), 2, 4, "small", "float32")


def asked(country: str) -> str:
    """The question for a country's capital."""
    return f"What is the capital of {country}?"


def prompt(staging: Staging, country: str, countries: list[str]) -> str:
    """What the model goes on with: examples are the countries that follow in the list."""
    if staging.answerer is None:
        return render_chatml([{"role": "user", "content": asked(country)}])
    at = countries.index(country)
    others = [countries[(at + 1 + i) % len(countries)] for i in range(min(staging.shown, len(countries) - 1))]
    which = 1 if staging.are_wrong else 0
    examples = [(asked(other), f"The capital of {other} is {CAPITALS[other][which]}.") for other in others]
    return few_shot_prompt("library", ("USER", staging.answerer), examples, asked(country))


def run(staging: Staging, settings: Settings, ready: Any = None) -> list[dict[str, Any]]:
    """All that the model writes in one staging, and what became of it."""
    torch.set_num_threads(1)
    model, tokens = ready or a_model(settings)
    encode, decode = coder(tokens)
    countries, written = list(CAPITALS)[: settings.questions], []
    stops = [encode(END)] if staging.answerer is None else [encode("\nUSER:"), encode("USER:")]
    rivals = {city for cities in CAPITALS.values() for city in cities}
    for seed in settings.seeds:
        draw = partial(sample, generator=torch.Generator().manual_seed(seed))
        for country in countries:
            before = encode(prompt(staging, country, countries))
            reply = generate_until(model, before, stops, settings.longest, lambda logits: draw(logits.float()))
            said, right = decode(reply), CAPITALS[country][0]
            said = said if staging.answerer else said.split("\n")[0]  # what is no play cannot be left
            others = rivals - {right} - set(country.split())
            judged = classify_failure(
                said, right, ("USER", staging.answerer or "ASSISTANT"), others, end="<|endoftext|>"
            )
            written.append({"country": country, "seed": seed, "written": said, "outcome": judged})
    return written


# What comes of it --------------------------------------------------------------------------------------------------


def of_seeds(done: dict[Staging, list[dict[str, Any]]], settings: Settings) -> dict[str, Any]:
    """The outcomes of each staging, and some of what was written, as the record of the village has them."""
    data = {}
    for staging in STAGINGS:
        written = done[staging]
        counts = Counter(its["outcome"] for its in written)
        data[staging.name] = {
            "outcomes": {outcome: share(counts[outcome], len(written)) for outcome in OUTCOMES},
            "samples": [{"question": asked(its["country"]), "written": its["written"], "outcome": its["outcome"]}
                        for its in written[:12]],
        }  # fmt: skip
    return data


measured, numbers = playscript.measured, playscript.numbers


def finding(data: dict[str, Any]) -> str:
    """The stagings in one sentence."""
    each = ", ".join(f"{its['outcomes'][RIGHT]['value']:.0%} with {staging}" for staging, its in data.items())
    return f"The same questions are answered rightly in {each}."


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    return record.from_jobs(
        globals(), lambda settings: STAGINGS, arguments, base=None, spread="the 95% interval of a share (Wilson)"
    )


if __name__ == "__main__":
    main()
