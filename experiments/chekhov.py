"""Measures the claim "chekhov": what was settled in chapter 1 decides the last one. How far does a message carry it?

    python -m experiments.chekhov                       # n-grams, networks, stories of 3 to 20 chapters
    python -m experiments.chekhov --only transformers   # these alone, put into the record beside the others
    python -m experiments.chekhov --smoke --folder DIR  # few stories, networks of the smallest scale

Writes layercake/recorded/chekhov.json. In the last chapter of a story somebody uses a thing: the one that was last
settled for her or him, in the first chapter or by a promise since, and no sentence near the end repeats it. Once it is
known who acts, the best possible reader is certain of the thing. What is measured is a model's loss on the words that
carry the thing ("fired the pistol"), and which of all things it finds likeliest, against the distance to the sentence
that settled it. The models are those of experiments/language.py and the lab of the topic transformer (`--runs` takes
them from their checkpoints), and the village model that ships with the course. Of a story longer than a transformer's
context it reads the end. As a control, a GRU that has read as much as the LSTM, stories alone and in chunks of 256
tokens, so that the gradient reaches farther.
"""

import math
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from experiments import language as experiment
from experiments import pretraining as experiment_of_transformers
from experiments import record
from layercake import checkpoints, results, village
from layercake.device import pick
from layercake.figures.chekhov import VILLAGE_MODEL
from layercake.labs import language, pretraining
from layercake.labs.networks import TRANSFORMER
from layercake.village.world import THINGS, USE
from solutions.rnn import RecurrentLanguageModel, truncated_bptt
from solutions.transformer import GPT

CHAPTERS = (3, 5, 8, 12, 16, 20)
EDGES = (16, 32, 64, 128, 256, 512, 1024)  # of the bins of distance, in tokens; the last bin is open
CONTROL_CHUNK = 256  # tokens
STORIES_PER_LENGTH = 100  # with and without promises
SETTLING = ("keep", "promise", "take back")  # the kinds of sentences after which it is settled what somebody will use
FEWEST = 10  # stories: where a bin has fewer it is left out
TRANSFORMER_SEEDS = {"smoke": [0], "laptop": [0]}
LONGEST_USE = max(len(words) + 2 for words in USE.values())  # tokens: "fired the pistol"
CLAIM = {
    "id": "chekhov",
    "title": "What was placed in chapter 1 decides chapter 20",
    "sentence": "What was settled in chapter 1 decides the last one, and the best possible reader is certain of "
    "it at any distance. A recurrent network of this size and training does not carry it there: it "
    "finds the right thing less often than a guess among the things that people in the story will "
    "use. A transformer begins to: where nothing was promised since, the one that has read nearly thirteen "
    "times as much does as well as that guess, up to the length of the rows that it was trained on, "
    "and not beyond.",
    "refuted_by": "A recurrent network of the same size, trained on as much of the same text, that finds the right "
    "thing likeliest as often as that guess, at any distance; or stories within the length of its "
    "training rows in which the shipped transformer finds it much less often.",
}
LIMITS = [
    "Small networks after a few minutes of training: what is shown is how far these carry it, and not how far any "
    "recurrent network could.",
    "The gradient goes back 64 tokens: what has to be kept for longer was learned from nearer cases, or not at all. "
    "In the control, of one seed, it goes back 256; what more training would do, it does not say.",
    "The transformers are larger than the recurrent networks and have read more, the lab's nearly twice and "
    "the village model nearly thirteen times as much; of each there is one run. The village model's rows had 1,024 "
    "tokens, the lab's windows too.",
    "Few stories of the training text are as long as those with 12 or more chapters.",
    "Loss is on all words that carry the thing, the verb, “the” and the thing, given who acts.",
    "What is said of the transformers was worded after the measurement.",
    "The stories of one distance differ from those of another: short ones have few chapters and few other things.",
]


class Story(NamedTuple):
    """A story up to the person who acts, and what there is to know about the thing that comes next."""

    prefix: tuple[int, ...]
    thing: str
    distance: int  # tokens from the end of the sentence that settled it to the first word of the use
    settled: str  # how: one of SETTLING
    before: str | None  # what was settled until then
    rivals: frozenset[str]  # what anybody in the story will use
    named: frozenset[str]  # every thing that the story has named
    exact: float  # the surprisal of the best possible reader on the words of the use, nats


def story(document: village.Document) -> Story:
    """What a story says about its last chapter."""
    told = document.sentences
    use = next(sentence for sentence in told if sentence.kind == "use")
    who, thing = use.truth["used"]
    settled = [at for at, s in enumerate(told) if s.kind in SETTLING and s.drawn["actor"] == who]
    start = use.stop - 1 - len(words_of(thing))  # the sentence ends with them and a full stop
    prefix = document.tokens[:start]
    words = {village.VOCABULARY[token] for token in prefix}
    return Story(
        prefix,
        thing,
        start - told[settled[-1]].stop,
        told[settled[-1]].kind,
        told[settled[-1] - 1].truth["means"].get(who),
        frozenset(use.truth["means"].values()),
        frozenset(words & set(THINGS)),
        float(village.surprisal(document)[start : use.stop - 1].sum()),
    )


def words_of(thing: str) -> list[int]:
    """The tokens that say that a thing is used: "fired the pistol"."""
    return village.encode(" ".join([*USE[thing], "the", thing]))


def stories(per_length: int, promises: bool, chapters: Sequence[int] = CHAPTERS) -> list[Story]:
    """So many stories of each length, from the validation split; without promises, all is settled in chapter 1."""
    drawn = [
        islice(village.documents(1, "validation", "story", chapters=n, promises=promises), per_length) for n in chapters
    ]
    return [story(document) for documents in drawn for document in documents]


# What a model finds likely -----------------------------------------------------------------------------------------

Scores = Callable[[Sequence[Story]], np.ndarray]  # -> (n_stories, len(THINGS)): log p of the words of each thing


@torch.no_grad()
def network_scores(model: nn.Module, told: Sequence[Story], n_together: int = 64) -> np.ndarray:
    """log p of the words of each thing after each story, by a network on PyTorch's fused layers or a transformer.

    Stories are read side by side; where the shortest one ends, its state is taken, and the others go on. Of a story
    longer than the context of the model, if it has one, the end is read.
    """
    model.eval()
    scores, order = np.empty((len(told), len(THINGS))), sorted(range(len(told)), key=lambda i: len(told[i].prefix))
    room = getattr(model, "context", sys.maxsize) - LONGEST_USE
    for start in range(0, len(order), n_together):
        batch = order[start : start + n_together]
        texts = [torch.tensor([village.END, *told[i].prefix][-room:]) for i in batch]
        state, read = None, 0
        for at, i in enumerate(batch):
            if len(texts[at]) > read:
                logits, state = model(torch.stack([text[read : len(texts[at])] for text in texts[at:]]), state)
                logits, read = logits[:, -1], len(texts[at])  # (stories that are left, vocab_size)
            scores[i] = _score_things(model, logits[0], _rows(state, slice(0, 1)))
            logits, state = logits[1:], _rows(state, slice(1, None))
    return scores


def _rows(state: Any, rows: slice | Tensor) -> Any:
    """Some stories of a state, whose tensors are (B, n_heads, S, d_head) or, in PyTorch's layers, (1, B, d_state)."""
    if isinstance(state, Tensor):
        return state[rows] if state.dim() == 4 else state[:, rows].contiguous()
    return type(state)(_rows(part, rows) for part in state)


def _score_things(model: nn.Module, logits: Tensor, state: Any) -> list[float]:
    """log p of the words of each thing, from the logits (vocab_size) of the first one and the state there."""
    words = [torch.tensor(words_of(thing)) for thing in THINGS]
    read = nn.utils.rnn.pad_sequence(words, batch_first=True)  # (things, most words)
    many = _rows(state, torch.zeros(len(words), dtype=torch.long))
    first = logits.expand(len(words), 1, -1)
    log_p = torch.cat([first, model(read[:, :-1], many)[0]], dim=1).log_softmax(dim=-1)  # (things, words, vocab_size)
    log_p = log_p.gather(2, read.unsqueeze(2)).squeeze(2)
    return [log_p[row, : len(its)].sum().item() for row, its in enumerate(words)]


def ngram_scores(counted: experiment.Counted, told: Sequence[Story], longest: int) -> np.ndarray:
    """The same by n-grams."""
    scores = np.zeros((len(told), len(THINGS)))
    for i, one in enumerate(told):
        for j, thing in enumerate(THINGS):
            row = one.prefix[-longest:] + tuple(words_of(thing))
            for at in range(len(row) - len(words_of(thing)), len(row)):
                scores[i, j] += math.log(counted.probability(row[at - longest + 1 : at], row[at], longest))
    return scores


# What comes of it --------------------------------------------------------------------------------------------------


def by_distance(told: list[Story], scores: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    """For each bin of distance: the baselines, and each model's loss and share of right first choices."""
    bins = np.digitize([one.distance for one in told], EDGES)
    kept = [b for b in range(len(EDGES) + 1) if (bins == b).sum() >= FEWEST]
    where = [np.flatnonzero(bins == b) for b in kept]
    said: dict[str, Any] = {"stories": [len(rows) for rows in where]}
    said["distance"] = [round(float(np.median([told[i].distance for i in rows])), 1) for rows in where]
    for name, of in (("exact", _exact), ("rivals", _rivals), ("named", _named)):
        said[name] = [round(float(np.mean([of(told[i]) for i in rows])), 4) for rows in where]
    truth = np.array([THINGS.index(one.thing) for one in told])
    said["models"] = {}
    for name, each in scores.items():
        loss = [[float(-s[rows, truth[rows]].mean()) for rows in where] for s in each]
        right = [[float((s[rows].argmax(axis=1) == truth[rows]).mean()) for rows in where] for s in each]
        said["models"][name] = {"loss": experiment.band(loss), "right": experiment.band(right)}
    return said


def _exact(one: Story) -> float:
    """The loss of the best possible reader."""
    return one.exact


def _rivals(one: Story) -> float:
    """The loss of a reader who knows what people will use, and not who will use what."""
    return math.log(len(one.rivals))


def _named(one: Story) -> float:
    """The loss of a reader who knows the things of the story, and nothing about them."""
    return math.log(len(one.named))


CHOICES = ("now", "before", "another's", "named", "not named")


def choice(one: Story, thing: str) -> str:
    """What a thing is to the person who acts: settled now, settled before, another's, or only named in the story."""
    if thing == one.thing:
        return "now"
    if thing == one.before:
        return "before"
    if thing in one.rivals:
        return "another's"
    return "named" if thing in one.named else "not named"


def first_choices(told: list[Story], scores: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    """How often each model finds each kind of thing likeliest: the shares for each seed, in the order of CHOICES."""
    said: dict[str, Any] = {"stories": len(told), "choices": list(CHOICES), "models": {}}
    for name, each in scores.items():
        shares = []
        for s in each:
            chosen = [choice(one, THINGS[best]) for one, best in zip(told, s.argmax(axis=1))]
            shares.append([chosen.count(kind) / len(chosen) for kind in CHOICES])
        said["models"][name] = experiment.band(shares)
    return said


def measure(scores_of: dict[str, list[Scores]], per_length: int, chapters: Sequence[int]) -> dict[str, Any]:
    """All models on the same stories: those in which nothing is promised, by distance, and those with promises."""
    kept, promised = stories(per_length, False, chapters), stories(per_length, True, chapters)
    groups = {"keep": kept} | {how: [one for one in promised if one.settled == how] for how in SETTLING[1:]}
    data: dict[str, Any] = {"edges": list(EDGES), "things": len(THINGS), "chapters": list(chapters)}
    for how, told in groups.items():
        scores = {name: [of(told) for of in each] for name, each in scores_of.items()}
        data[how] = {"by_distance": by_distance(told, scores), "first_choices": first_choices(told, scores)}
    return data


def models(scale: str, seeds: dict[str, list[int]], folder: Path) -> tuple[dict[str, list[Scores]], int]:
    """The models of experiments/language.py as scorers, and the tokens that each has read."""
    scorers: dict[str, list[Scores]] = {}
    for name, its in seeds.items():
        networks = [experiment.trained(name, seed, scale, folder).model.cpu() for seed in its]
        scorers[name] = [partial(network_scores, network) for network in networks]
    settings = language.settings_for(scale)
    read = settings.steps * settings.tokens_per_step
    counted = experiment.Counted(experiment.first_documents(read))
    return {**scorers, "n-gram": [partial(ngram_scores, counted, longest=max(experiment.LENGTHS))]}, read


def transformers(scale: str, seeds: list[int], folder: Path) -> dict[str, list[Scores]]:
    """The transformers as scorers: the lab's, which has read more than the others, and the village model."""
    lab = [pretraining.run(GPT, scale, experiment_of_transformers.CPU, seed=seed, folder=folder) for seed in seeds]
    networks = {TRANSFORMER: [curve.model for curve in lab], VILLAGE_MODEL: [checkpoints.load("village")]}
    return {name: [partial(network_scores, network) for network in its] for name, its in networks.items()}


def control_settings(scale: str) -> language.Settings:
    """The sizes of the control: as many tokens, of stories alone, in chunks four times as long or more."""
    lab = language.settings_for(scale)
    n_together = lab.tokens_per_step // CONTROL_CHUNK
    return replace(lab, batch_size=n_together, chunk_length=CONTROL_CHUNK, kinds=("story",))


def control(scale: str, folder: Path, told: list[Story]) -> dict[str, Any]:
    """A GRU whose training favours carrying the thing, on the stories in which nothing is promised."""
    settings = control_settings(scale)
    curve = language.run(
        RecurrentLanguageModel, nn.GRU, truncated_bptt, scale, pick(), folder=folder / "control", settings=settings
    )
    scores = {"GRU": [network_scores(curve.model.cpu(), told)]}
    said = {"by_distance": by_distance(told, scores), "first_choices": first_choices(told, scores)}
    return said | {"story_gap": round(curve.gap("story"), 4), "settings": asdict(settings)}


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger: the nearest and the farthest stories, and what is chosen after a promise."""
    said, kept = [], data["keep"]["by_distance"]
    for name, model in kept["models"].items():
        for place in sorted({0, len(kept["distance"]) - 1}):
            where = f"{name}: loss on the thing, settled {kept['distance'][place]:.0f} tokens before"
            values = [row[place] for row in model["loss"]["seeds"]]
            exact = {"bound": kept["exact"][place], "bound_is": "the exact bound", "unit": "nats"}
            said.append(record.summary(where, values, **exact))
            values = [row[place] for row in model["right"]["seeds"]]
            guess = {
                "bound": round(math.exp(-kept["rivals"][place]), 4),
                "bound_is": "one of the things people will use",
            }
            where = f"{name}: likeliest thing right, settled {kept['distance'][place]:.0f} tokens before"
            said.append(record.summary(where, values, **guess))
    right = data["control"]["by_distance"]["models"]["GRU"]["right"]["median"]
    what = f"control (GRU, stories alone, chunks of {CONTROL_CHUNK}, one seed): likeliest thing right, at its best"
    guess = {"bound": round(math.exp(-max(kept["rivals"])), 4), "bound_is": "one of the things people will use"}
    said.append({"what": what, "value": max(right), **guess})
    for how in SETTLING[1:]:
        for name, model in data[how]["first_choices"]["models"].items():
            for place, choice_is in ((0, "the thing that is now settled"), (1, "the one settled before")):
                values = [row[place] for row in model["seeds"]]
                said.append(record.summary(f"{name}, after “{how}”: {choice_is} is likeliest", values))
    return said


def finding(data: dict[str, Any]) -> str:
    """How often the right thing is the likeliest, near and far, and what a promise does."""
    kept, promise = data["keep"]["by_distance"], data["promise"]["first_choices"]
    each = []
    for name in ("LSTM", TRANSFORMER, VILLAGE_MODEL):
        right, now = kept["models"][name]["right"]["median"], promise["models"][name]["median"][0]
        each.append(f"the {name} in {right[0]:.0%} and {right[-1]:.0%}, and by a promise it goes in {now:.0%}")
    return (
        f"Settled {kept['distance'][0]:.0f} and {kept['distance'][-1]:.0f} tokens before, with nothing promised since, "
        f"the right thing is found likeliest by {'; by '.join(each)} (guessing among the things people will use: "
        f"{math.exp(-kept['rivals'][-1]):.0%})."
    )


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    kept = data["keep"]["by_distance"]
    said: dict[str, Any] = {"nearest": kept["distance"][0], "farthest": kept["distance"][-1], "things": data["things"]}
    said |= {"rivals_loss": kept["rivals"][-1], "named_loss": kept["named"][-1], "exact_loss": max(kept["exact"])}
    said |= {"guess_rivals": round(math.exp(-kept["rivals"][-1]), 4), "tokens": data["tokens"]}
    control = data["control"]["by_distance"]["models"]["GRU"]
    said |= {"control_right_best": max(control["right"]["median"]), "control_loss_best": min(control["loss"]["median"])}
    said |= {"control_chunk": CONTROL_CHUNK, "control_story_gap": data["control"]["story_gap"]}
    for name, model in kept["models"].items():
        key = name.lower().replace("-", "").replace(" ", "_")
        for what in ("loss", "right"):
            said |= {
                f"{key}_{what}_nearest": model[what]["median"][0],
                f"{key}_{what}_farthest": model[what]["median"][-1],
            }
        near = data["promise"]["by_distance"]
        if near["distance"]:
            said |= {"promise_nearest": near["distance"][0]}
            said |= {f"{key}_right_promise_nearest": near["models"][name]["right"]["median"][0]}
        for how in SETTLING[1:]:
            shares = data[how]["first_choices"]["models"][name]["median"]
            said |= {
                f"{key}_{how.replace(' ', '_')}_now": shares[0],
                f"{key}_{how.replace(' ', '_')}_before": shares[1],
            }
    return said


def with_the_transformers(recorded: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A record with the transformers measured now and put beside the others, which stay as they are.

    Raises ValueError where the record is of another edition of the village, or of other stories than would be told now.
    """
    settings, data = recorded["settings"], recorded["data"]
    if settings["village"] != village.fingerprint():
        raise ValueError("the record is of another edition of the village: measure all")
    started, seeds = time.perf_counter(), TRANSFORMER_SEEDS[settings["scale"]]
    scorers = transformers(settings["scale"], seeds, folder)
    new = measure(scorers, settings["stories_per_length"], data["chapters"])
    for how in SETTLING:
        there, now = data[how]["by_distance"], new[how]["by_distance"]
        if any(there[key] != now[key] for key in ("stories", "distance", "exact")):
            raise ValueError(f"the record is of other stories ({how}): measure all")
        for part in ("by_distance", "first_choices"):
            data[how][part]["models"] |= new[how][part]["models"]
    added = record.provenance("python -m experiments.chekhov --only transformers", time.perf_counter() - started)
    settings |= {"seeds": {**settings["seeds"], TRANSFORMER: seeds}}
    return recorded | {"settings": settings, "added": {"transformers": added}, "data": data}


def measured_afresh(smoke: bool, folder: Path) -> dict[str, Any]:
    """A new record, but for what is computed from its data."""
    scale, seeds = ("smoke", {"LSTM": [0], "GRU": [0]}) if smoke else ("laptop", experiment.SEEDS)
    per_length, chapters = (12, (3, 5)) if smoke else (STORIES_PER_LENGTH, CHAPTERS)
    scorers, read = models(scale, seeds, folder)
    scorers |= transformers(scale, TRANSFORMER_SEEDS[scale], folder)
    started = time.perf_counter()
    data = measure(scorers, per_length, chapters) | {"tokens": read}
    data |= {"control": control(scale, folder, stories(per_length, False, chapters))}
    result = record.provenance("python -m experiments.chekhov" + " --smoke" * smoke, time.perf_counter() - started)
    result |= {"seeds": seeds["LSTM"], "repeats": len(seeds["LSTM"]), "spread": "lowest to highest of the seeds"}
    seeds |= {TRANSFORMER: TRANSFORMER_SEEDS[scale]}
    settings = {"village": village.fingerprint(), "scale": scale, "seeds": seeds, "stories_per_length": per_length}
    return result | {"settings": settings, "data": data}


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    parser = record.options(__doc__)
    parser.add_argument("--runs", type=Path, help="the checkpoints of the labs, made where they are missing")
    parser.add_argument("--only", choices=["transformers"], help="measure these alone and put them into the record")
    options = record.parse(parser, arguments)
    if options.only and options.smoke:
        parser.error("--only takes its scale from the record: leave --smoke away")
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        if options.only:
            result = with_the_transformers(results.load("chekhov", options.folder or results.FOLDER), folder)
        else:
            result = measured_afresh(options.smoke, folder)
    data = result["data"]
    said = {"claim": CLAIM, "finding": finding(data), "measured": measured(data)}
    return record.write("chekhov", result | said | {"limits": LIMITS, "numbers": numbers(data)}, options.folder)


if __name__ == "__main__":
    main()
