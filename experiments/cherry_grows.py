"""Puts together the claim "cherry-grows": reinforcement learning's share of the training compute, where it is known.

    python -m experiments.cherry_grows                       # a few seconds
    python -m experiments.cherry_grows --smoke --folder DIR  # our own share of two steps and one seed

Writes layercake/recorded/cherry-grows.json. In LeCun's cake (2016) pretraining is the cake, supervised learning the
icing and reinforcement learning (RL) the cherry. The published figures stand below, each with its sources (keys of
book/references.bib, and the place in them), the sentence that it rests on and what is uncertain about it. A share is
RL / (RL + pretraining), both in the same unit; supervised fine-tuning is in neither. Operations and GPU-hours are kept
apart, since a GPU that writes one token after another gets through fewer operations in an hour. Our own share is
counted from what `cherry` and `village-model` recorded.
"""

import random
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from experiments import cherry, infrastructure, record, village_model
from layercake import results, village
from layercake.figures import compute
from layercake.labs import reward
from layercake.village import raters
from solutions.sft import render_chat
from solutions.transformer import flops_per_token

BASES = {run.name: run for run in infrastructure.RUNS}
V3, LLAMA = BASES["DeepSeek-V3"], BASES["Llama 3.1 405B"]
KINDS = {  # whose figure a share is
    "published": "its maker compares the two",
    "calculated": "from amounts that were published apart",
    "estimated": "by others than its maker",
    "claimed": "in its maker's announcement, without amounts",
}


@dataclass(frozen=True)
class Run:
    """One training: what RL took and what pretraining took, in one unit."""

    name: str
    date: str  # of the model, year and month
    kind: str
    unit: str  # FLOP, GPU-hours, or what the source calls it
    rl: float
    pretraining: float
    sources: tuple[tuple[str, str], ...]  # key and place
    sentence: str  # what the source says of RL
    hedge: str
    bound: str = ""  # "at most", "at least": which way the share is off where one amount is only bounded


R1_ZERO_HOURS, R1_HOURS = 64 * 8 * 198, 64 * 8 * (198 + 80)  # R1 learns from the replies of R1-Zero
R1_ZERO_TOKENS = 32 * 16 * (8_200 * 32_768 + 2_200 * 65_536)  # every reply as long as the limit of its step allows
V3_HOURS = 2_664_000 + 119_000  # pretraining, and extending the context
OLMO_DAYS = 9.5 * 512 + (35 + 1.5 + 1) * 1024  # GPU-days: pretraining on 512 and 1024, midtraining, long context
RUNS = [
    Run(
        "InstructGPT 175B", "2022-03", "published", "FLOP", 60 * infrastructure.PETAFLOP_DAY,
        3640 * infrastructure.PETAFLOP_DAY, (("ouyang2022", "section 5.1"),),
        "Training our 175B SFT model requires 4.9 petaflops/s-days and training our 175B PPO-ptx model requires 60 "
        "petaflops/s-days, compared to 3,640 petaflops/s-days for GPT-3.",
        "PPO-ptx also goes on with pretraining on the side; whether the reward model is counted is not said.",
    ),
    Run(
        "DeepSeek-V3", "2024-12", "published", "GPU-hours", 5_000, V3_HOURS, (("deepseek2024", "section 1, Table 1"),),
        "Our pre-training stage is completed in less than two months and costs 2664K GPU hours. Combined with 119K GPU "
        "hours for the context length extension and 5K GPU hours for post-training, DeepSeek-V3 costs only 2.788M GPU "
        "hours for its full training.",
        "The 5,000 hours are all of the post-training; what the models took whose replies it imitates is not in them.",
        "at most",
    ),
    Run(
        "DeepSeek-R1", "2025-01", "calculated", "GPU-hours", R1_HOURS, V3_HOURS,
        (("guo2025", "Supplementary Information 2.4.4; B.4.4 in arXiv 2501.12948v2"), ("deepseek2024", "Table 1")),
        "For the training of DeepSeek-R1-Zero, we employed 64*8 H800 GPUs, and the process required approximately 198 "
        "hours. Additionally, during the training phase of DeepSeek-R1, we utilized the same 64*8 H800 GPUs, "
        "completing the process in about 4 days, or roughly 80 hours.",
        "R1-Zero counts in full because R1 learns from its replies; failed runs and smaller models do not count.",
    ),
    Run(
        "DeepSeek-R1, as estimated", "2025-01", "estimated", "FLOP", 6e23,
        compute.operations(V3.parameters, V3.tokens),
        (("you2025", "as Epoch AI sums it up in its thread of 13 May 2025"), ("erdil2025", "RL training for R1-Zero"),
         ("deepseek2024", "Table 1")),
        "DeepSeek-R1 was trained on ~6e23 FLOP in the reasoning stage.",
        "Made before anything was published, it supposes 1,024 questions a step with 64 replies each, and calls that "
        "its largest uncertainty; the paper later gave 32 with 16 each.",
    ),
    Run(
        "DeepSeek-R1-Zero, recounted", "2025-01", "calculated", "FLOP", 10 * V3.parameters * R1_ZERO_TOKENS,
        compute.operations(V3.parameters, V3.tokens),
        (("guo2025", "Methods, training details of DeepSeek-R1-Zero"), ("deepseek2024", "Table 1")),
        "For each question, we sample 16 outputs with a maximum length of 32,768 tokens before the 8.2k step and "
        "65,536 tokens afterward [...] for a total of 10,400 steps [...] Each training step consists of 32 unique "
        "questions.",
        "Ten operations for each active parameter and token (two to write, two for the reference, six to learn), and "
        "every reply as long as allowed; attention is left out on both sides, and weighs more in long replies.",
        "at most",
    ),
    Run(
        "Llama-Nemotron Ultra", "2025-05", "calculated", "GPU-hours", 140_000, LLAMA.device_hours,
        (("nvidia2025", "sections 1, 2 and 5.1"), ("meta2024", "hours of the 405B model")),
        "The whole training takes approximately 140k H100 hours.",
        "The base is another company's, Llama 3.1 405B Instruct, cut to 253B; the cutting, the training after it and a "
        "short alignment phase are not counted.",
    ),
    Run(
        "Grok 4", "2025-07", "claimed", "not said", 1, 1, (("xai2025", "Scaling Up Reinforcement Learning"),
         ("lesswrong2025", "on the slide at 2:29 of the presentation")),
        "For Grok 4, we utilized Colossus, our 200,000 GPU cluster, to run reinforcement learning training that "
        "refines Grok's reasoning abilities at pretraining scale.",
        "No amount is given, nor whether GPU-hours or operations are meant; a slide at the launch puts RL level with "
        "pretraining if it is read literally, by a comment that takes it for hours, at a fifth of the operations.",
    ),
    Run(
        "Olmo 3 Think 32B", "2025-11", "calculated", "GPU-hours", 24 * 5 * 224, 24 * OLMO_DAYS,
        (("olmo2025", "section 2.4, and the section on RL infrastructure"),),
        "The final RL runs for the initial Olmo 3 Think 32B spanned approximately 5 days with at least a day of "
        "training time lost due to stability issues. [...] using 8 H100 nodes for training and 20 nodes for inference.",
        "That the five days were on those 28 nodes of 8 GPUs is inferred; trials and evaluations are not counted.",
    ),
    Run(
        "Olmo 3.1 Think 32B", "2025-12", "calculated", "GPU-hours", 24 * (5 + 21) * 224, 24 * OLMO_DAYS,
        (("olmo2025", "section 2.4"),),
        "After the initial release of Olmo 3, we continued our best RL run for another 21 days on 224 GPUs to produce "
        "Olmo 3.1 Think 32B.",
        "The first five days count as in Olmo 3 Think; trials and evaluations are not counted.",
    ),
    Run(
        "DeepSeek-V3.2", "2025-12", "published", "cost", 0.10, 1, (("deepseek2025", "sections 1 and 4.1"),),
        "Over recent months, we have observed consistent performance improvements correlating with extended RL "
        "training budget, which already exceeds 10% of the pre-training cost.",
        "Neither cost is given; the introduction says the same of the whole post-training budget.",
        "at least",
    ),
    Run(
        "Composer 1.5", "2026-02", "claimed", "compute", 1, 1, (("cursor2026", "second paragraph"),),
        "The compute used in our post-training of Composer 1.5 even surpasses the amount used to pretrain the base "
        "model.",
        "No amount and no base model is named, and all of the post-training is meant, not RL alone.",
        "at least",
    ),
]  # fmt: skip
SERIES = {  # models of one maker that go back to one base, in order
    "DeepSeek": ("DeepSeek-V3", "DeepSeek-R1", "DeepSeek-V3.2"),
    "Ai2": ("Olmo 3 Think 32B", "Olmo 3.1 Think 32B"),
}
GROWTH = [  # of RL alone, by its makers' words: no share follows
    {"of": "OpenAI o1 to o3", "times": 10, "sources": [["you2025", "Epoch AI takes the words to mean RL alone"]]},
    {"of": "Composer 1 to Composer 1.5", "times": 20, "sources": [["cursor2026", "on the same pretrained model"]]},
]  # fmt: skip
CLAIM = {
    "id": "cherry-grows",
    "title": "The cherry has grown, where its size is published",
    "sentence": "Where one maker has published what several models on one base took, reinforcement learning's share of "
    "the training grew with each model, to at least four times the first; from maker to maker it did not grow "
    "steadily, and where a share of a half was claimed, no amounts were published with it.",
    "refuted_by": "A maker whose published figures give a later model on the same base a smaller share than an earlier "
    "one, or whose last share is less than four times the first; or a language model whose two amounts are published "
    "in one unit and make a share of a half or more.",
}
LIMITS = [
    "Two makers are few, and they are those that publish; what the largest models took is not known. InstructGPT, "
    "three years before R1 and from another maker, had a larger share than several models that came after it.",
    "Of DeepSeek's three shares the first is an upper bound, in GPU-hours, and the last a lower bound, of a cost that "
    "is not given; their base was trained further in between.",
    "GPU-hours and operations differ. Writing tokens one by one leaves much of a GPU idle: RL's share of the hours is "
    "larger than its share of the operations, as counted here, for R1-Zero and for our own model. The estimate of R1, "
    "too, is of operations, and larger since it supposes 128 times as many replies a step as the paper later gave.",
    "Only final runs are counted, of RL and of pretraining; trials before them and grading are not.",
    "A search can miss a source. It ended on 30 November 2026, and found no amounts for newer models.",
    "Our own share says what this course's lab took, and nothing about how much RL would be best. Its update is "
    "counted as if all weights learned; with adapters the gradients of the weights are left out, about a third of it. "
    "Padding and exams are not counted; the seconds were taken on a machine that other programs shared, and those of "
    "pretraining count as two cores throughout, which it did not have all the time.",
]


# Shares ------------------------------------------------------------------------------------------------------------


def share(rl: float, pretraining: float) -> float:
    """The cherry's part of cherry and cake."""
    return rl / (rl + pretraining)


def shares() -> list[dict[str, Any]]:
    """Every run of the table with its share, oldest first."""
    runs = [asdict(run) | {"share": share(run.rl, run.pretraining)} for run in RUNS]
    return sorted(runs, key=lambda run: run["date"])


def prompts(seed: int, steps: int) -> list[int]:
    """How many tokens the prompts of each step have together, each as often as it is replied to."""
    settings, counted = cherry.GRADED, []
    for step in range(steps):
        dice = random.Random(f"{seed} {step}")  # as in layercake.labs.reward.Loop
        asked = [cherry.asked("at random", dice) for _ in range(settings.questions)]
        counted.append(settings.group_size * sum(len(reward.prompt(question)) for question in asked))
    return counted


def forward(T: int) -> float:
    """Operations to read one token of a text of T: a third of what learning from it takes."""
    base = village_model.FIRST
    return flops_per_token(len(village.VOCABULARY), base.d_model, base.n_layers, T) / 3


def demonstrations(seed: int) -> float:
    """Operations of the supervised fine-tuning before, without what is left empty of its rows."""
    tuning = cherry.TUNING
    shown = raters.demonstrations(tuning.demonstrations, seed, **cherry.ERRORS["at random"])
    lengths = [len(render_chat(messages, village.encode)) for messages in shown]
    return 3 * forward(tuning.T) * tuning.steps * tuning.batch_size * sum(lengths) / len(lengths)


def ours(seeds: int = 3, steps: int = 100) -> dict[str, Any]:
    """What our own RL took, seed by seed, by what it was for; and what pretraining took."""
    base, its = results.load("village-model")["data"], results.load("cherry")["data"]["at random"]
    replies = cherry.GRADED.questions * cherry.GRADED.group_size
    said: dict[str, Any] = {"pretraining": base["flops"], "generation": [], "reference": [], "update": [], "tokens": []}
    for seed in range(seeds):
        tokens = sum(prompts(seed, steps)) + replies * sum(its["log"]["length"][seed][:steps])
        read = tokens * forward(round(tokens / replies / steps))
        for key, value in zip(("generation", "reference", "update", "tokens"), (read, read, 3 * read, round(tokens))):
            said[key].append(value)
    rl = [sum(parts) for parts in zip(said["generation"], said["reference"], said["update"])]
    cores = base["training_seconds"] * village_model.THREADS
    return said | {
        "shares": [share(one, base["flops"]) for one in rl], "icing": share(demonstrations(seed=0), base["flops"]),
        "core_seconds": [share(seconds, cores) for seconds in its["seconds"][:seeds]],
    }  # fmt: skip


def measure(smoke: bool) -> dict[str, Any]:
    """The table with its shares, and our own."""
    return {"runs": shares(), "series": SERIES, "growth": GROWTH, "ours": ours(1, 2) if smoke else ours()}


# Telling -----------------------------------------------------------------------------------------------------------


def by_name(data: dict[str, Any]) -> dict[str, float]:
    """The share of each run."""
    return {run["name"]: run["share"] for run in data["runs"]}


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger."""
    said, all_shares = [], by_name(data)
    for kind, meaning in KINDS.items():
        what = {"what": f"share of reinforcement learning, {kind} ({meaning})", "unit": "%", "decimals": 1}
        for run in (run for run in data["runs"] if run["kind"] == kind):
            of = ", ".join(filter(None, (run["name"], run["date"], run["unit"], run["bound"])))
            said.append({**what, "of": of, "value": 100 * run["share"]})
    for maker, names in data["series"].items():
        value = all_shares[names[-1]] / all_shares[names[0]]
        grown = {"what": "the last share over the first, models on one base", "unit": "times", "decimals": 1}
        grown |= {"bound": 4.0, "bound_is": "at least, by the claim"}
        said.append({**grown, "of": f"{maker}, {names[0]} to {names[-1]}", "value": value})
    for key, of in (("shares", "operations"), ("core_seconds", "seconds of one core")):
        percent = [round(100 * value, 4) for value in data["ours"][key]]
        said.append(record.summary("our own share, the village model", percent, of=of, unit="%"))
    return said


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    said, mine = by_name(data), data["ours"]
    parts = {key: median(mine[key]) for key in ("generation", "reference", "update")}
    return {
        "instructgpt": said["InstructGPT 175B"], "v3_at_most": said["DeepSeek-V3"], "r1_hours": said["DeepSeek-R1"],
        "r1_estimated": said["DeepSeek-R1, as estimated"], "r1_zero_at_most": said["DeepSeek-R1-Zero, recounted"],
        "r1_zero_hours": share(R1_ZERO_HOURS, V3_HOURS),
        "v3_2_at_least": said["DeepSeek-V3.2"], "nemotron": said["Llama-Nemotron Ultra"],
        "olmo_3": said["Olmo 3 Think 32B"], "olmo_3_1": said["Olmo 3.1 Think 32B"],
        "n_claimed": sum(run["kind"] == "claimed" for run in data["runs"]), "n_runs": len(data["runs"]),
        "ours": median(mine["shares"]), "ours_core_seconds": median(mine["core_seconds"]), "ours_icing": mine["icing"],
        "ours_tokens": median(mine["tokens"]), "ours_pretraining": mine["pretraining"],
        **{f"ours_{key}": value for key, value in parts.items()}, "ours_rl": sum(parts.values()),
    }  # fmt: skip


def finding(data: dict[str, Any]) -> str:
    """The two series, the disagreement about R1, the claims and ours, in one sentence."""
    n = numbers(data)
    return (
        f"DeepSeek's reinforcement learning took at most {n['v3_at_most']:.1%} of V3's GPU-hours, {n['r1_hours']:.1%} "
        f"of R1's and at least {n['v3_2_at_least']:.1%} of V3.2's cost, Ai2's {n['olmo_3']:.1%} of Olmo 3 Think's and "
        f"{n['olmo_3_1']:.1%} of Olmo 3.1 Think's GPU-hours; of R1's operations it took {n['r1_estimated']:.0%} by an "
        f"outside estimate, and of R1-Zero's at most {n['r1_zero_at_most']:.1%} by settings published later; other "
        f"makers' shares lie between {n['nemotron']:.1%} and {n['instructgpt']:.1%}, {n['n_claimed']} claim a half or "
        f"more without amounts, and ours is {n['ours']:.1%}."
    )


def main(arguments: list[str] | None = None) -> Path:
    """Count and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    started = time.perf_counter()
    data = measure(options.smoke)
    n = len(data["ours"]["shares"])
    command = "python -m experiments.cherry_grows" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": LIMITS}
    result |= record.provenance(command, time.perf_counter() - started)
    result |= {"seeds": list(range(n)), "repeats": n, "numbers": numbers(data), "data": data}
    result["spread"] = "lowest to highest of the seeds of our own training; published figures have none"
    result["settings"] = {"village": village.fingerprint(), "tuning": asdict(cherry.TUNING), **asdict(cherry.GRADED)}
    return record.write("cherry-grows", result, options.folder)


if __name__ == "__main__":
    main()
