"""Measures the claim "rl-clock": what is left of the transformer's advantage where a model learns from its own replies?

    python -m experiments.rl_clock                       # replies of 16 to 512 tokens, 9 repeats; two minutes
    python -m experiments.rl_clock --smoke --folder DIR  # two lengths, 2 repeats

Writes layercake/recorded/rl-clock.json. Exact, by `solutions.reasoning.serial_steps`: how many layers have to be
computed one after another for an update in pretraining and for one in reinforcement learning, against the length of the
reply. Measured, in one run and in turn: the clock of both updates, of a transformer, a loop of two rounds and a GRU,
all with about as many parameters. A step of reinforcement learning draws the replies with a cache or a state, and
learns from them as `solutions.reasoning.rl_step` does, half of them good. The same command runs on a GPU where there is
one.

Simpler explanations of a slow draw than that it waits, and what excludes each:

- it is more arithmetic: the operations of each part are counted, and the same tokens are read at once beside it;
- it is the cache, which is read and copied for each token and grows: the transformer draws as many tokens also with an
  empty memory, which has the same chain and no cache. A GRU has none either;
- it is the price of a call, with few texts in it: one length is measured with eight times as many texts too.

On a CPU a chain costs little, since there are few hands that could work at once: what is slow there is that each token
is a call of its own, which reads all weights for few numbers. The chain is exact on any machine.
"""

import operator
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from experiments import record
from layercake.device import pick
from layercake.training import count_parameters
from solutions.prediction import sample
from solutions.reasoning import LatentLoop, policy_loss, serial_steps
from solutions.reward import sequence_logprobs
from solutions.rnn import RecurrentLanguageModel
from solutions.transformer import GPT, generate, hidden_width

DESIGNS = {"transformer": "transformer", "loop": "loop", "GRU": "recurrent"}  # and what `serial_steps` calls each
EXACT = tuple(2**i for i in range(4, 15))  # tokens in a reply
DEEP = 32  # layers of a large model, for the exact part
TASKS = ("pretraining", "rl")
COUNTED = ("pretraining", "drawing", "rl")


@dataclass(frozen=True)
class Settings:
    """All sizes of the measurement."""

    lengths: tuple[int, ...] = (16, 32, 64, 128, 256, 512)  # of replies
    n_prompt: int = 16
    batch_size: int = 8
    vocab_size: int = 128
    n_layers: int = 2
    n_rounds: int = 2
    d_model: int = 64
    n_heads: int = 2
    d_gru: int = 96  # about as many parameters as the transformer
    repeats: int = 9
    times: int = 8  # as many texts, in the second measurement
    of_many: int = 128  # tokens in a reply, in the second measurement


SMOKE = Settings(lengths=(4, 8), n_prompt=2, batch_size=2, repeats=2, times=2, of_many=4)
CLAIM = {
    "id": "rl-clock",
    "title": "Learning from its own words, a transformer waits too",
    "sentence": "In pretraining a recurrent network's chain of steps is longer than a transformer's by a factor that "
    "grows with the text. In reinforcement learning both draw the reply token by token, both chains grow with it, and "
    "the factor goes down to 1 + 2 / L, for L layers. By the clock of a CPU, of the small models that were measured, a "
    "GRU's step takes less time beside a transformer's in reinforcement learning than in pretraining, with few texts "
    "at once and with many, and also if the cache cost nothing.",
    "refuted_by": "A design whose chain in reinforcement learning does not grow with the reply, or a factor that "
    "grows with the reply there too. By the clock: a ratio of the GRU to the transformer in reinforcement learning "
    "that is not below that in pretraining, quartile below quartile, in one of the two measurements, or not so without "
    "the cache; or replies that a transformer draws in less than twice the time in which it reads them at once, which "
    "is as much arithmetic.",
}
ON_A_CPU = (
    "On one CPU core there is one pair of hands: nothing can be done at once, so the clock does not show the waiting. "
    "It shows what a token costs in a call of its own. The chain is exact on any machine; the seconds on a GPU have "
    "not been measured here."
)
SPREAD = "quartiles of the repeats"


def models(settings: Settings) -> dict[str, nn.Module]:
    """One untrained model of each design. The loop has the transformer's weights, and runs them twice."""
    torch.manual_seed(0)
    sizes = (settings.vocab_size, settings.n_prompt + max(settings.lengths), settings.d_model, settings.n_layers)
    layer = partial(nn.GRU, batch_first=True)
    return {
        "transformer": GPT(*sizes, settings.n_heads),
        "loop": LatentLoop(GPT(*sizes, settings.n_heads), settings.n_rounds),
        "GRU": RecurrentLanguageModel(
            settings.vocab_size, settings.d_gru, settings.n_layers, layer, operator.call, tied=True
        ),
    }


def forgetful(model: nn.Module) -> Callable[..., Any]:
    """The model with an empty memory at every call: the same weights and the same chain, and no cache."""
    return lambda tokens, state=None: (model(tokens)[0], None)


# What is timed -----------------------------------------------------------------------------------------------------


def pretrain(model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor) -> None:
    """An update on a text that is there."""
    loss = F.cross_entropy(model(tokens[:, :-1])[0].flatten(0, 1), tokens[:, 1:].flatten())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def learn(model: nn.Module, optimiser: torch.optim.Optimizer, tokens: Tensor, n_prompt: int) -> None:
    """An update on replies that were drawn, with advantages of both signs."""
    mask = (torch.arange(tokens.size(1), device=tokens.device) >= n_prompt).expand_as(tokens)
    logprobs = sequence_logprobs(model(tokens)[0], tokens, mask)  # (B, T - 1)
    advantages = torch.ones(len(tokens), device=tokens.device)
    advantages[::2] = -1.0
    optimiser.zero_grad()
    policy_loss(logprobs, logprobs.detach(), advantages, mask[:, 1:]).backward()
    optimiser.step()


@torch.no_grad()
def read_at_once(model: nn.Module, tokens: Tensor) -> None:
    """What drawing reads, in one call."""
    model(tokens[:, :-1])


def timed(function: Callable[[], Any], clock: Callable[[], float], device: torch.device) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    wait = torch.cuda.synchronize if device.type == "cuda" else (lambda: None)  # a GPU's work is only queued
    wait()
    began = clock()
    result = function()
    wait()
    return 1000 * (clock() - began), result


def one_round(
    model: nn.Module, optimiser: torch.optim.Optimizer, prompts: Tensor, n_reply: int, time_of: Callable[..., Any]
) -> dict[str, float]:
    """Milliseconds of each part, for one model and one length."""
    choose = partial(sample, generator=torch.Generator(prompts.device).manual_seed(0))
    said, tokens = {}, None
    said["drawing"], tokens = time_of(lambda: generate(model, prompts, n_reply, choose))
    said["learning"], _ = time_of(lambda: learn(model, optimiser, tokens, prompts.size(1)))
    said["pretraining"], _ = time_of(lambda: pretrain(model, optimiser, tokens))
    said["at once"], _ = time_of(lambda: read_at_once(model, tokens))
    said["rl"] = said["drawing"] + said["learning"]
    if isinstance(model, GPT):
        said["no cache"], _ = time_of(lambda: generate(forgetful(model), prompts[:, -1:], n_reply, choose))
    return said


def clocks(settings: Settings, device: torch.device, clock: Callable[[], float]) -> dict[str, Any]:
    """Milliseconds of all designs: of each part, for each length, those of all repeats.

    The designs take turns within each repeat; the first, which pays for what is set up, is left out.
    """
    time_of = partial(timed, clock=clock, device=device)
    each = {name: model.to(device) for name, model in models(settings).items()}
    optimisers = {name: torch.optim.AdamW(model.parameters(), lr=1e-4) for name, model in each.items()}
    said: dict[str, Any] = {name: {} for name in each}
    for n_reply in settings.lengths:
        prompts = torch.randint(settings.vocab_size, (settings.batch_size, settings.n_prompt), device=device)
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in each}
        for _ in range(settings.repeats + 1):
            for name, model in each.items():
                rounds[name].append(one_round(model, optimisers[name], prompts, n_reply, time_of))
        for name, its in rounds.items():
            for part in its[0]:
                said[name].setdefault(part, []).append([round(one[part], 3) for one in its[1:]])
    return said


def measure(settings: Settings) -> dict[str, Any]:
    """Both measurements, and what is counted of them."""
    device = pick().device
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    many = replace(settings, batch_size=settings.batch_size * settings.times, lengths=(settings.of_many,))
    return {
        "device": device.type,
        "clock": "processor time of one thread" if device.type == "cpu" else "wall clock",
        "parameters": {name: count_parameters(model) for name, model in models(settings).items()},
        "length": list(settings.lengths),
        "ms": clocks(settings, device, clock),
        "many": {"texts": many.batch_size, "length": list(many.lengths), "ms": clocks(many, device, clock)},
        "operations": {
            name: {part: [operations(name, part, settings, n) for n in settings.lengths] for part in COUNTED}
            for name in DESIGNS
        },
        "chain": {"length": list(EXACT), **{str(n): chains(n, settings) for n in (settings.n_layers, DEEP)}},
    }


# What is counted ---------------------------------------------------------------------------------------------------


def operations(design: str, task: str, settings: Settings, n_reply: int) -> int:
    """Multiplications and additions of one text, in products of matrices; going back costs twice as much as forward.

    Attention over n tokens is counted for those that may be read, n (n + 1) / 2 pairs, in both ways of reading.
    """
    d, n = settings.d_model, settings.n_prompt + n_reply
    output = settings.vocab_size * (settings.d_gru if design == "GRU" else d)

    def forward(n_tokens: int) -> int:
        if design == "GRU":
            return 2 * n_tokens * (6 * settings.d_gru**2 * settings.n_layers + output)
        depth = settings.n_layers * (settings.n_rounds if design == "loop" else 1)
        layer = n_tokens * (4 * d * d + 3 * d * hidden_width(d)) + 2 * d * n_tokens * (n_tokens + 1) // 2
        return 2 * (depth * layer + n_tokens * output)

    drawn, update = forward(n - 1), 3 * forward(n)
    return {"pretraining": update, "drawing": drawn, "rl": drawn + update}[task]


def chains(n_layers: int, settings: Settings) -> dict[str, dict[str, list[int]]]:
    """The longest chain of each design and task, against the length of the reply."""
    return {
        name: {
            task: [
                serial_steps(design, task, n_layers, settings.n_prompt, n, settings.n_rounds if name == "loop" else 1)
                for n in EXACT
            ]
            for task in TASKS
        }
        for name, design in DESIGNS.items()
    }


# What comes of it --------------------------------------------------------------------------------------------------


def quartiles(values: list[float]) -> dict[str, float]:
    """The median and the quartiles, as a figure of the ledger has them."""
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return {"value": round(middle, 4), "low": round(low, 4), "high": round(high, 4)}


def ratio(ms: dict[str, Any], task: str, at: int = -1, name: str = "GRU") -> dict[str, float]:
    """How many times as long a step of a design takes as the transformer's in the same repeat, by the clock."""
    both = zip(ms[name][task][at], ms["transformer"][task][at])
    return quartiles([mine / other for mine, other in both])


def without_cache(ms: dict[str, Any]) -> dict[str, float]:
    """The same of the GRU in reinforcement learning, if the transformer's cache cost nothing."""
    other = zip(ms["transformer"]["no cache"][-1], ms["transformer"]["learning"][-1])
    return quartiles([mine / sum(parts) for mine, parts in zip(ms["GRU"]["rl"][-1], other)])


def factor(data: dict[str, Any], n_layers: int, task: str, at: int = -1) -> float:
    """How many times as long the GRU's chain is as the transformer's."""
    its = data["chain"][str(n_layers)]
    return its["GRU"][task][at] / its["transformer"][task][at]


def layers_of(data: dict[str, Any]) -> tuple[int, int]:
    """The layers of the models that were measured, and of the large one, of which the chain alone is known."""
    few, many = (int(key) for key in data["chain"] if key != "length")
    return few, many


def measured(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The figures of the ledger, at the longest replies."""
    longest, layers = data["chain"]["length"][-1], layers_of(data)
    said = [
        {
            "what": f"chain of the GRU over that of the transformer, {n} tokens, exact",
            "of": f"{task}, {n_layers} layers",
            "value": round(factor(data, n_layers, task, data["chain"]["length"].index(n)), 4),
            "decimals": 2,
        }
        for n in (data["chain"]["length"][0], longest)
        for n_layers in layers
        for task in TASKS
    ]
    clock = f"replies of {data['length'][-1]} tokens, {data['clock']}"
    for part, words in SAID.items():
        for name, its in data["ms"].items():
            if part in its:
                time_of_it = {**quartiles(its[part][-1]), "unit": "ms", "decimals": 0}
                said.append({"what": f"{words}, {clock}", "of": name, **time_of_it})
    same = {"bound": 1.0, "bound_is": "as fast"}
    over, many = "GRU over transformer", data["many"]
    clocks_of_many = f"replies of {many['length'][-1]} tokens, {many['texts']} texts at once"
    for ms, words in ((data["ms"], clock), (many["ms"], clocks_of_many)):
        each = {task: ratio(ms, task) for task in TASKS} | {"rl, if the cache cost nothing": without_cache(ms)}
        said += [{"what": f"{over}, {words}", "of": task, **its, **same} for task, its in each.items()]
    return said


SAID = {
    "pretraining": "an update in pretraining", "drawing": "drawing the replies",
    "learning": "the update on the replies", "rl": "a step of reinforcement learning",
    "at once": "reading the same tokens at once", "no cache": "drawing with an empty memory",
}  # fmt: skip


def numbers(data: dict[str, Any]) -> dict[str, Any]:
    """The figures that a text quotes."""
    few, many = layers_of(data)
    said: dict[str, Any] = {
        "device": data["device"], "longest": data["length"][-1], "longest_chain": data["chain"]["length"][-1],
        "layers": few, "layers_deep": many,
        "many_texts": data["many"]["texts"], "many_length": data["many"]["length"][-1],
    }  # fmt: skip
    for task in TASKS:
        said[f"factor_{task}"] = round(factor(data, few, task), 3)
        said[f"factor_{task}_deep"] = round(factor(data, many, task), 3)
        said[f"ratio_{task}"] = ratio(data["ms"], task)["value"]
        said[f"ratio_{task}_shortest"] = ratio(data["ms"], task, at=0)["value"]
        said[f"ratio_{task}_many"] = ratio(data["many"]["ms"], task)["value"]
    said["ratio_rl_no_cache"] = without_cache(data["ms"])["value"]
    said["ratio_rl_no_cache_many"] = without_cache(data["many"]["ms"])["value"]
    for name, its in data["ms"].items():
        key, ms = name.lower(), {part: median(its[part][-1]) for part in its}
        said |= {f"{key}_{part.replace(' ', '_')}_ms": value for part, value in ms.items()}
        said[f"{key}_share_drawing"] = round(ms["drawing"] / ms["rl"], 3)
        said[f"{key}_share_drawing_shortest"] = round(median(its["drawing"][0]) / median(its["rl"][0]), 3)
        said[f"{key}_rl_over_pretraining"] = round(ms["rl"] / ms["pretraining"], 3)
        said[f"{key}_drawing_over_at_once"] = round(ms["drawing"] / ms["at once"], 3)
        counted = {part: data["operations"][name][part][-1] for part in COUNTED}
        said[f"{key}_operations_rl_over_pretraining"] = round(counted["rl"] / counted["pretraining"], 3)
        said |= {f"{key}_chain_{task}": data["chain"][str(few)][name][task][-1] for task in TASKS}
    return said


def finding(data: dict[str, Any]) -> str:
    """The factor of the chains and the ratio of the clocks, in one sentence."""
    n = numbers(data)
    few, many = layers_of(data)
    return (
        f"A GRU's chain is {n['factor_pretraining']:,.0f} times as long as a transformer's of {few} layers in "
        f"pretraining on {n['longest_chain']:,} tokens, and {n['factor_rl']:.2f} times in reinforcement learning (with "
        f"{many} layers {n['factor_pretraining_deep']:,.0f} and {n['factor_rl_deep']:.2f}); by the clock of a "
        f"{data['device'].upper()}, at {n['longest']} tokens, its step takes {n['ratio_pretraining']:.2f} times as "
        f"long in pretraining and {n['ratio_rl']:.2f} times in reinforcement learning, where drawing is "
        f"{n['transformer_share_drawing']:.0%} of a step for the transformer and {n['gru_share_drawing']:.0%} for the "
        "GRU."
    )


def limits(data: dict[str, Any]) -> list[str]:
    """What the measurement does not show, which depends on the device that it ran on."""
    said = [
        "All replies have one length, and none ends early: real ones differ, and those that are done wait for the "
        "longest.",
        "Small models of about 120,000 numbers and PyTorch's own GRU; how many calls a token takes is a matter of "
        "software too.",
        "How fast a design learns, and what it can learn, is not asked here: a GRU that is as fast may be worse.",
        "A recurrent network whose state is a linear function of the one before can be trained in a short chain as "
        "well; a GRU cannot.",
        "The claim was first that a GRU's step is slower than the transformer's in pretraining, and faster in "
        "reinforcement learning; that holds with few texts at once and not with many, and the sentence was narrowed.",
    ]
    return said + ([ON_A_CPU] if data["device"] == "cpu" else [])


def main(arguments: list[str] | None = None) -> Path:
    """Measure and write; returns where."""
    options = record.parse(record.options(__doc__), arguments)
    settings = SMOKE if options.smoke else Settings()
    began = time.perf_counter()
    data = measure(settings)
    command = "python -m experiments.rl_clock" + (" --smoke" if options.smoke else "")
    result = {
        "claim": CLAIM, "finding": finding(data), "measured": measured(data), "limits": limits(data),
        **record.provenance(command, time.perf_counter() - began),
        "seeds": [0], "repeats": settings.repeats, "spread": SPREAD, "settings": asdict(settings),
        "numbers": numbers(data), "data": data,
    }  # fmt: skip
    return record.write(CLAIM["id"], result, options.folder)


if __name__ == "__main__":
    main()
