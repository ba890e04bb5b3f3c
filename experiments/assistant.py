"""Trains the assistant that ships, and measures it beside its base under the best prompt.

    python -m experiments.assistant                       # a few minutes on two CPU cores
    python -m experiments.assistant --smoke --folder DIR  # few demonstrations, few steps

Writes layercake/checkpoints/assistant.safetensors, its model card beside it, and layercake/recorded/assistant.json.
Beside the demonstrations every step reads a row of the village's registers and plays, where the facts are, as in
pretraining: the demonstrations are about half of the facts, and a model that is shown nothing else for long loses hold
of the others (a remedy that Ouyang et al. 2022, section 3.5, have for a later stage). The exam's questions are about
facts that no demonstration is about, 500 of each kind. The base is asked the same ones as the telegraph of a play,
which is in order: of the stagings in the record of "playscript" one of the two in which it is right most often.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from experiments import record, village_model
from experiments.playscript import share
from layercake import checkpoints, village
from layercake.labs import sft
from layercake.training import count_parameters
from layercake.village import experts
from solutions.prediction import sample
from solutions.pretraining import clip_gradients
from solutions.sft import masked_cross_entropy, pack, render_chat, response_mask, within

THREADS = 2
SETTINGS = sft.Settings(demonstrations=3000, steps=600, questions=500)
SHARES = {"known": 33, "ambiguous": 11, "unknown": 1}  # of the kinds of question, in the demonstrations
KINDS = ("record", "play")  # of the village's texts, of which each step reads a row
ROWS = replace(village_model.FIRST, batch_size=1, apart=KINDS, apart_rows=1, apart_every=1)
ROWS_SEED = 4_000  # of their documents: pretraining had others
SMOKE = sft.Settings(demonstrations=6, steps=3, questions=2, batch_size=2)
SCENE = "A scene at the inn\nPresent: the telegraph, which is in order.\n"
CLAIM = {
    "id": "assistant",
    "title": "An assistant with a manner",
    "sentence": "A few minutes of supervised tuning on two processor cores make a pretrained model an assistant: at "
    "least 95% right on facts that no demonstration is about, 90% where words are drawn at temperature 1, with at most "
    "one reply in a hundred that leaves the play.",
    "refuted_by": "500 new questions about facts of pretraining on which the model that ships falls short of one of "
    "the three.",
}
LIMITS = [
    "One run, of one base model: what another seed would give, it does not say.",
    "That all weights learn, the learning rate, the steps, which of the village's texts are read and how few "
    "demonstrations do not know were chosen by some fifteen trials, the last six on other questions than these. Right "
    "at temperature 1, and leaving the play, were of adapters of rank 16 beside the village's mixture 88.8% and 1.6%, "
    "in 1,500 smaller steps with four times the demonstrations 86% and 1.3%; of all weights beside the mixture 89.5% "
    "and 0.1%, in 1,000 larger steps 89% and 0.1%. Only beside registers and plays alone it was more than 90%.",
    "The questions have the wordings of the demonstrations, if not their facts.",
    "Only the first reply is judged; what follows an answer to its question back is not.",
    'That few demonstrations say "I do not know" was chosen when trials had shown what more of them cost; see the '
    "claim icing-knows.",
]


def staged(messages: list[dict[str, str]], encode: Callable[[str], list[int]], reply: bool = False) -> list[int]:
    """The prompt of the base: the same template, in a play whose telegraph is in order."""
    return [village.END, *encode(SCENE), *render_chat(messages, encode, reply)[1:]]


def judged(exam: sft.Exam) -> dict[str, Any]:
    """Of each manner the share that has it, with its interval, and some of the replies."""
    said: dict[str, Any] = {}
    for manner in (*experts.MANNERS, experts.LEFT):
        has = [its[manner] for its in exam.judged if manner in its]
        said[manner] = share(sum(has), len(has)) | {"of": len(has)}
    made_up = [its["makes up"] for its, of in zip(exam.judged, exam.questions) if of.kind == "unknown"]
    said["makes up"] = share(sum(made_up), len(made_up)) | {"of": len(made_up)}
    n = len(exam.questions) // len(experts.KINDS)
    samples = [i for start in range(0, len(exam.questions), n) for i in range(start, start + min(n, 6))]
    texts = [(exam.questions[i].kind, exam.questions[i].text, exam.replies[i]) for i in samples]
    return {"manners": said, "samples": [dict(zip(("kind", "question", "reply"), its)) for its in texts]}


def step_beside(rows: village_model.Rows) -> sft.Step:
    """A step as `sft_step` takes it, on the sum of its loss and that of the next rows of the village's texts."""

    def step(model, optimiser, tokens: Tensor, segments: Tensor) -> tuple[Tensor, Tensor]:
        with within(model, segments[:, :-1]):
            logits = model(tokens[:, :-1])[0]  # (n_rows, T - 1, vocab_size)
        loss = masked_cross_entropy(logits, tokens[:, 1:], response_mask(tokens)[:, 1:])
        read, _ = rows(model, None)
        optimiser.zero_grad()
        (loss + read).backward()
        norm = clip_gradients(model.parameters(), 1.0)
        optimiser.step()
        return loss.detach(), norm

    return step


def train_it(settings: sft.Settings, seed: int) -> tuple[torch.nn.Module, sft.History]:
    """The base after tuning."""
    model = checkpoints.load("village")
    shown = [
        render_chat(messages, village.encode)
        for messages in experts.demonstrations(settings.demonstrations, seed, SHARES)
    ]
    step = step_beside(village_model.Rows(ROWS, ROWS_SEED))
    return model, sft.tune(model, shown, settings, pack, step, seed=seed, path=None, name="assistant")


def measure(file: Path, n: int) -> dict[str, Any]:
    """All exams: of the base as it is and in its best staging, and of the assistant; greedy, and drawn."""
    base, tuned = checkpoints.load("village"), checkpoints.load(file)
    exams = {"base, nothing but the question": (base, render_chat), "base, best prompt": (base, staged)}
    exams["assistant"] = (tuned, render_chat)
    said = {}
    for name, (model, template) in exams.items():
        draw = partial(sample, generator=torch.Generator().manual_seed(0))
        said[name] = judged(sft.examine(model, template, n))
        said[f"{name}, temperature 1"] = judged(sft.examine(model, template, n, choose=draw))
    return said


# What comes of it --------------------------------------------------------------------------------------------------


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger, manner by manner."""
    figures = ("value", "low", "high")
    return [
        {"what": manner, "of": name, **{key: its["manners"][manner][key] for key in figures}}
        for manner in (*experts.MANNERS, "makes up", experts.LEFT)
        for name, its in data["exams"].items()
    ]


def finding(data: dict[str, Any]) -> str:
    """The assistant and its base in one sentence."""
    exams = data["exams"]
    right, drawn = (exams[name]["manners"] for name in ("assistant", "assistant, temperature 1"))
    best = exams["base, best prompt"]["manners"]
    return (
        f"The assistant is right on {right['right']['value']:.1%} of new facts ({drawn['right']['value']:.1%} at "
        f"temperature 1) and cites its source for {right['cites']['value']:.1%}; its base under the best prompt is "
        f"right on {best['right']['value']:.1%} and cites for {best['cites']['value']:.1%}."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    short = {"base, nothing but the question": "bare", "base, best prompt": "base", "assistant": "assistant"}
    return {
        f"{key}{'_drawn' * drawn}_{manner.replace(' ', '_')}": its["value"]
        for name, key in short.items()
        for drawn in (False, True)
        for manner, its in data["exams"][name + ", temperature 1" * drawn]["manners"].items()
    } | {key: data[key] for key in ("parameters", "bytes", "training_seconds")}


CARD = """# The assistant

The village model after supervised fine-tuning, all of its {parameters:,} weights. Load it with
`layercake.checkpoints.load("assistant")`.

| | |
|---|---|
| made by | `{command}`, on {date} |
| base | the village model, `village.safetensors`, {base} |
| shown | {demonstrations:,} conversations of the simulated experts (`layercake.village.experts`, seed {seed}), of \
their kinds {kinds_shown} |
| recipe | AdamW, learning rate {learning_rate}, up over a twentieth of {steps:,} steps and down to zero; {batch_size} \
conversations a step, packed into rows of {T} tokens, the loss over the assistant's words alone; and one row of \
{row:,} tokens of the village's own {kinds_read} |
| computed on | {threads} thread(s) of {processor}, {minutes:.1f} minutes |
| file | safetensors, float16, {size:.2f} MB |

## How good it is

First replies to {questions} new questions of each kind, about facts that no demonstration is about:

| manner | of | greedy | temperature 1 | base, best prompt, greedy |
|---|---|---|---|---|
{rows}

## What it is not for

It answers questions about an invented village, in the few wordings that its experts have. Of what it was never told it
seldom says so: most such questions get a made-up answer, with a made-up source. Do not take the citation for a proof.
"""


def card(result: dict[str, Any]) -> str:
    """The model card, from the record."""
    data, settings = result["data"], result["settings"]
    exams = [data["exams"][name]["manners"] for name in ("assistant", "assistant, temperature 1", "base, best prompt")]
    rows = [
        f"| {manner} | {its['of']:,} | " + " | ".join(f"{exam[manner]['value']:.3f}" for exam in exams) + " |"
        for manner, its in exams[0].items()
    ]
    said = settings | data | result["hardware"] | {key: result[key] for key in ("command", "date")}
    said |= {"seed": result["seeds"][0], "minutes": data["training_seconds"] / 60, "size": data["bytes"] / 1e6}
    said["kinds_shown"] = ", ".join(f"{share} {kind}" for kind, share in settings["shares"].items())
    said["kinds_read"] = " and ".join(f"{kind}s" for kind in settings["read"])
    return CARD.format_map(said | {"rows": "\n".join(rows)})


def main(arguments: list[str] | None = None) -> Path:
    """Train, ship, measure what was shipped, and write; returns where the record is."""
    options = record.parse(record.options(__doc__), arguments)
    settings, seed = SMOKE if options.smoke else SETTINGS, 0
    torch.set_num_threads(1 if options.smoke else THREADS)  # tests run side by side
    started = time.perf_counter()
    model, history = train_it(settings, seed)
    file = checkpoints.save(model, (options.folder or checkpoints.FOLDER) / "assistant.safetensors")
    data = {"exams": measure(file, settings.questions), "parameters": count_parameters(model)}
    data["bytes"] = file.stat().st_size
    data |= {"training_seconds": round(history.seconds, 1), "final_loss": round(sft.lately(history.loss), 4)}
    command = "python -m experiments.assistant" + (" --smoke" if options.smoke else "")
    result = {"claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": LIMITS}
    result |= record.provenance(command, time.perf_counter() - started)
    result |= {"seeds": [seed], "repeats": 1, "spread": "the 95% interval of a share (Wilson)"}
    result["settings"] = {"village": village.fingerprint(), "base": checkpoints.digest("village"), **asdict(settings)}
    del result["settings"]["rank"]  # no adapters
    result["settings"] |= {"shares": SHARES, "read": KINDS, "row": ROWS.row, "rows_seed": ROWS_SEED}
    path = record.write("assistant", result | {"numbers": numbers(data), "data": data}, options.folder)
    file.with_suffix(".md").write_text(card(result | {"data": data}), encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
