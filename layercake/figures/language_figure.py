"""The figures of language models on the village: the loss, and the bound that no model can beat.

`plot` is the lab's: a learner's curve over the recorded band. `plot_language`, `plot_chekhov` and `plot_every_position`
draw what the experiments of these names recorded. Each has its finding and its text alternative in words.
"""

import math
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.device import check_scale
from layercake.figures.recall_figure import COLOURS, INK, MARKERS, NOT_RECORDED, SURFACE, dress, one_line
from layercake.labs.readers import TRANSFORMER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from layercake.labs.language import Curve

NGRAM = "#E69F00"  # Okabe & Ito's orange
KINDS = ("story", "record", "sum", "play")


def recorded(scale: str, layer: str = "LSTM") -> dict[str, Any] | None:
    """The recorded curve of one kind of layer at one scale, or None where none has been recorded."""
    return results.load("language")["data"].get(check_scale(scale), {}).get("networks", {}).get(layer)


# The lab's figure --------------------------------------------------------------------------------------------------


def plot(curve: "Curve") -> "Figure":
    """Your curve over the recorded one, down to the exact bound; beside it, where the gap is."""
    from matplotlib import pyplot as plt

    band = recorded(curve.scale, curve.layer)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(9, 4.6), facecolor=SURFACE, layout="constrained", width_ratios=(2, 1)
    )
    if band:
        _draw(left, band, curve.layer, f"recorded, {band['seeds']} seeds: range", line=False)
    style = {"color": COLOURS.get(curve.layer, INK), "marker": MARKERS.get(curve.layer, "o"), "markersize": 5}
    left.plot(curve.tokens, curve.loss["all"], label=f"your {curve.layer}", **style)
    loss_axes(left, curve.tokens[-1], curve.bound["all"])
    dress(left, finding(curve))
    left.legend(frameon=False, labelcolor=INK, loc="upper right")
    bars(right, {kind: (curve.bound[kind], curve.loss[kind][-1]) for kind in KINDS}, style["color"])
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def finding(curve: "Curve") -> str:
    """Where the curve ends, above what nobody can avoid."""
    return (
        f"After {millions(curve.tokens[-1])} tokens the {curve.layer} is {curve.gap():.2f} nats above\n"
        f"the {curve.bound['all']:.2f} that no reader can avoid"
    )


def alt_text(curve: "Curve") -> str:
    """The figure in words: where your curve begins and ends, the bound, each kind, and the recorded band."""
    kinds = "; ".join(f"{kind} {curve.loss[kind][-1]:.2f}, bound {curve.bound[kind]:.2f}" for kind in KINDS)
    said = [
        f"Line chart of the loss on validation documents in nats per token, against the tokens read: "
        f"{curve.loss['all'][0]:.2f} after {curve.tokens[0]:,}, {curve.loss['all'][-1]:.2f} after "
        f"{curve.tokens[-1]:,}; the exact bound is {curve.bound['all']:.2f}. {one_line(finding(curve))}. Bars: {kinds}."
    ]
    band = recorded(curve.scale, curve.layer)
    if band is None:
        return " ".join([*said, NOT_RECORDED])
    low, high = band["loss"]["all"]["low"][-1], band["loss"]["all"]["high"][-1]
    where = against(curve.loss["all"][-1], low, high)
    return " ".join([*said, f"{band['seeds']} recorded runs end between {low:.3f} and {high:.3f}; yours {where}."])


def against(loss: float, low: float, high: float, allowed: float = 0.02) -> str:
    """How an end lies to the recorded ones, give or take what another seed does."""
    if loss > high + allowed:
        return f"is {loss - high:.2f} nats above them"
    return "is among them" if loss >= low - allowed else f"is {low - loss:.2f} nats below them"


def _draw(axes: "Axes", band: dict[str, Any], name: str, label: str, line: bool = True) -> None:
    """A recorded curve: the median, where asked for, and the range of its seeds."""
    losses, colour = band["loss"]["all"], COLOURS[name]
    axes.fill_between(
        band["tokens"], losses["low"], losses["high"], color=colour, alpha=0.3, lw=0, label="" if line else label
    )
    if line:
        axes.plot(band["tokens"], losses["median"], color=colour, marker=MARKERS[name], markersize=4, label=label)


def loss_axes(axes: "Axes", most_tokens: int, bound: float) -> None:
    """Both axes, logarithmic so that the last tenths of a nat can be seen, and the bound."""
    axes.set_xscale("log")
    axes.set_yscale("log")
    ticks = (0.5, 0.6, 0.8, 1, 1.5, 2, 3, 4, 6)
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_ylim(bound * 0.85, 7)
    axes.axhline(bound, color=INK, lw=1)
    below = {"xytext": (0, -12), "textcoords": "offset points", "ha": "right", "color": INK}
    axes.annotate(f"exact bound, {bound:.2f}", (most_tokens, bound), **below)
    axes.set_xlabel("tokens read in training")
    axes.set_ylabel("loss on validation documents (nats per token)")


def bars(axes: "Axes", ends: dict[str, tuple[float, float]], colour: str) -> None:
    """For each kind what nobody can avoid, and on top of it the model's own share."""
    names = list(ends)
    bounds = [bound for bound, _ in ends.values()]
    gaps = [loss - bound for bound, loss in ends.values()]
    axes.bar(names, bounds, color="#bbbbbb", label="exact bound")
    axes.bar(names, gaps, bottom=bounds, color=colour, hatch="//", edgecolor=SURFACE, label="the model's own")
    for at, (bound, loss) in enumerate(ends.values()):
        axes.annotate(f"+{loss - bound:.2f}", (at, loss), (0, 3), textcoords="offset points", ha="center", color=INK)
    axes.set_ylabel("nats per token at the end")
    dress(axes, "Where the gap is")
    axes.set_ylim(0, max(loss for _, loss in ends.values()) * 1.35)


def millions(tokens: int) -> str:
    return f"{tokens / 1e6:.1f} million" if tokens >= 1e6 else f"{tokens:,}"


# The recorded measurements ------------------------------------------------------------------------------------------


def networks_of(record: dict[str, Any]) -> dict[str, Any]:
    """The part of experiments/language.py's data that is claimed about: the larger scale that was run."""
    return record["data"]["laptop" if "laptop" in record["data"] else "smoke"]


def language_finding(record: dict[str, Any]) -> str:
    """The gaps, in a title."""
    n = record["numbers"]
    gaps = ", ".join(f"{name} {n[f'{name.lower()}_gap']:.2f}" for name in networks_of(record)["networks"])
    return f"Nats per token above the best possible reader:\ncounting {n['ngram_gap']:.2f}, {gaps}"


def language_alt_text(record: dict[str, Any]) -> str:
    """The figure of the networks and the n-grams, in words."""
    data, n = networks_of(record), record["numbers"]
    said = "; ".join(
        f"{name} from {line['loss']['all']['median'][0]:.2f} to {line['loss']['all']['median'][-1]:.2f}"
        for name, line in data["networks"].items()
    )
    return (
        f"Line chart of the loss on {n['documents']} new documents in nats per token, against the tokens read, up to "
        f"{n['tokens']:,}; bands over the seeds. {said}. The best n-gram, n = {n['ngram_n']}, has "
        f"{n['ngram_loss']:.2f}, the exact bound is {n['bound']:.2f}. "
        f"{one_line(language_finding(record))}."
    )


def plot_language(record: dict[str, Any]) -> "Figure":
    """Draw loss against tokens read for the networks of experiments/language.py, the best count, and the bound."""
    from matplotlib import pyplot as plt

    data, n = networks_of(record), record["numbers"]
    figure, axes = plt.subplots(figsize=(7, 4.8), facecolor=SURFACE, layout="constrained")
    for name, line in data["networks"].items():
        seeds = f"{line['seeds']} seed{'s' if line['seeds'] > 1 else ''}"
        _draw(axes, line, name, f"{name}, {seeds}")
    axes.axhline(n["ngram_loss"], color=NGRAM, ls="--", label=f"n-grams, n = {n['ngram_n']}, counted in all of it")
    loss_axes(axes, n["tokens"], n["bound"])
    dress(axes, language_finding(record))
    axes.legend(frameon=False, labelcolor=INK, loc="upper right")
    plt.close(figure)
    return figure


VILLAGE_MODEL = "village model"
STYLES = {name: (COLOURS[name], MARKERS[name]) for name in ("LSTM", "GRU", "RNN", TRANSFORMER)}
STYLES |= {"n-gram": (NGRAM, "v"), VILLAGE_MODEL: ("#0072B2", "s")}
CHOICE_COLOURS = ("#009E73", "#E69F00", "#0072B2", "#bbbbbb", "#777777")  # in the order of the record's choices
CHOICE_NAMES = ("what is settled now", "what was settled before", "what another will use", "named", "not named")
HATCHES = ("", "//", "\\\\", "..", "xx")


def only(record: dict[str, Any], *names: str) -> dict[str, Any]:
    """The record of the claim chekhov as if these models alone had been measured."""
    data = dict(record["data"])
    for how in ("keep", "promise", "take back"):
        data[how] = {
            part: its | {"models": {name: its["models"][name] for name in names}} for part, its in data[how].items()
        }
    return record | {"data": data}


def chekhov_finding(record: dict[str, Any], of: str = "LSTM") -> str:
    """How far the right thing is the likeliest of all for one of the models, in a title."""
    n, right = record["numbers"], record["data"]["keep"]["by_distance"]["models"][of]["right"]["median"]
    return (
        f"Settled {n['nearest']:.0f} tokens before, the {of} is right {right[0]:.0%} of the time,\n"
        f"{n['farthest']:.0f} tokens before {right[-1]:.0%}; a fair guess is {n['guess_rivals']:.0%}"
    )


def chekhov_alt_text(record: dict[str, Any]) -> str:
    """The two panels in words."""
    data = record["data"]
    kept, promise = data["keep"]["by_distance"], data["promise"]["first_choices"]
    losses = "; ".join(
        f"{name} {model['loss']['median'][0]:.2f} at {kept['distance'][0]:.0f} and "
        f"{model['loss']['median'][-1]:.2f} at {kept['distance'][-1]:.0f}"
        for name, model in kept["models"].items()
    )
    shares = "; ".join(f"{name} {m['median'][0]:.2f} and {m['median'][1]:.2f}" for name, m in promise["models"].items())
    return (
        "Two panels. Above, a line chart of the loss on the thing that is used in the last chapter, in nats, against "
        f"the tokens since it was settled in chapter 1: {losses}; the exact bound is {max(kept['exact']):.2f}, a guess "
        f"among all things costs {math.log(record['numbers']['things']):.2f}, one "
        f"among what people will use costs {kept['rivals'][-1]:.2f}. Below, stacked bars of what is likeliest after a "
        f"promise, the new thing and the old one: {shares}. {one_line(chekhov_finding(record))}."
    )


def plot_chekhov(record: dict[str, Any], of: str = "LSTM") -> "Figure":
    """Draw the loss on the thing against distance, and what the models choose after a promise and one taken back.

    The title tells of the model `of`.
    """
    from matplotlib import pyplot as plt

    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 8.4), facecolor=SURFACE, layout="constrained", height_ratios=(5, 4)
    )
    _loss_by_distance(above, record)
    dress(above, chekhov_finding(record, of))
    above.legend(frameon=False, labelcolor=INK, loc="upper left", ncols=2)
    _choices(below, record["data"])
    plt.close(figure)
    return figure


def _loss_by_distance(axes: "Axes", record: dict[str, Any]) -> None:
    kept = record["data"]["keep"]["by_distance"]
    for name, model in kept["models"].items():
        (colour, marker), loss = STYLES[name], model["loss"]
        axes.fill_between(kept["distance"], loss["low"], loss["high"], color=colour, alpha=0.25, lw=0)
        axes.plot(kept["distance"], loss["median"], color=colour, marker=marker, markersize=5, label=name)
    n_things = record["numbers"]["things"]
    every = [math.log(n_things)] * len(kept["distance"])
    axes.plot(kept["distance"], every, color=INK, lw=1, ls="-.", label=f"any of all {n_things} things")
    axes.plot(kept["distance"], kept["named"], color=INK, lw=1, ls=":", label="any thing of the story")
    axes.plot(kept["distance"], kept["rivals"], color=INK, lw=1, ls="--", label="any thing somebody will use")
    axes.plot(kept["distance"], kept["exact"], color=INK, lw=1.5, label="exact bound")
    axes.set_xscale("log", base=2)
    ticks = [2**n for n in range(5, 12) if kept["distance"][0] / 1.5 <= 2**n <= kept["distance"][-1] * 1.5]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_ylim(-0.2, max(max(m["loss"]["high"]) for m in kept["models"].values()) * 1.5)
    axes.set_xlabel("tokens since the thing was settled, in chapter 1")
    axes.set_ylabel("loss on the words of the thing (nats)")


def _choices(axes: "Axes", data: dict[str, Any]) -> None:
    """Stacked bars: what each model finds likeliest, after a promise and after one was taken back."""
    rows = [(how, name) for how in ("promise", "take back") for name in data[how]["first_choices"]["models"]]
    left = [0.0] * len(rows)
    for place, choice in enumerate(CHOICE_NAMES):
        shares = [data[how]["first_choices"]["models"][name]["median"][place] for how, name in rows]
        style = {"color": CHOICE_COLOURS[place], "hatch": HATCHES[place], "edgecolor": SURFACE}
        axes.barh(range(len(rows)), shares, left=left, label=choice, **style)
        left = [before + share for before, share in zip(left, shares)]
    names = {"promise": "promised", "take back": "taken back"}
    axes.set_yticks(range(len(rows)), [f"{name}, {names[how]}" for how, name in rows])
    axes.invert_yaxis()
    axes.set_xlabel("share of stories (medians of the seeds)")
    dress(axes, "What is likeliest, of all things")
    axes.grid(visible=False)
    axes.legend(frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.4, -0.14), ncols=2)


def every_position_finding(record: dict[str, Any]) -> str:
    """What was learned from as many texts, in a title."""
    n = record["numbers"]
    return (
        f"From {n['fewest_pages']:,} pages: {n['label_right_fewest']:.0%} right by one label of each, "
        f"{n['every_right_fewest']:.0%} by every position;\n"
        f"from {n['pages']:,} pages: {n['label_right']:.0%} and {n['every_right']:.0%}"
    )


def every_position_alt_text(record: dict[str, Any]) -> str:
    """The two panels in words."""
    data, n = record["data"], record["numbers"]
    pages = ", ".join(f"{count:,}" for count in data["pages"])
    shares = "; ".join(
        f"{how} {', '.join(f'{share:.2f}' for share in data[how]['right']['median'])}"
        for how in ("one label", "every position")
    )
    return (
        "Two panels. Above, a line chart of the share of right answers about new pages against the pages learned from, "
        f"{pages}: {shares}; the best possible reader has {n['bound']:.2f}, the commonest answer {n['commonest']:.2f}. "
        f"Below, points for the processor time for each target: {n['label_ms_per_target']:.2f} ms as a label, "
        f"{n['every_ms_per_target']:.3f} ms as a position. {one_line(every_position_finding(record))}."
    )


def plot_every_position(record: dict[str, Any]) -> "Figure":
    """Draw what was learned against the texts it was learned from, both ways, and what a target costs."""
    from matplotlib import pyplot as plt

    data, n = record["data"], record["numbers"]
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(7, 7), facecolor=SURFACE, layout="constrained", height_ratios=(5, 3)
    )
    styles = {"one label": ("#D55E00", "o"), "every position": ("#0072B2", "s")}
    for how, (colour, marker) in styles.items():
        shares = data[how]["right"]
        above.fill_between(data["pages"], shares["low"], shares["high"], color=colour, alpha=0.25, lw=0)
        above.plot(data["pages"], shares["median"], color=colour, marker=marker, label=f"trained on {how}")
    for level, words in ((n["bound"], "the best possible reader"), (n["commonest"], "the commonest answer")):
        above.axhline(level, color=INK, lw=0.8, ls="-" if level == n["bound"] else ":")
        above.annotate(
            f"{words}, {level:.2f}", (data["pages"][0], level), (0, 4), textcoords="offset points", color=INK
        )
    above.set_xscale("log")
    above.set_xticks(data["pages"], [f"{pages:,}" for pages in data["pages"]])
    above.set_ylim(0, 1.15)
    above.set_xlabel("pages to learn from")
    above.set_ylabel("questions about new pages answered (share)")
    dress(above, every_position_finding(record))
    above.legend(frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1, 0.1))
    _costs(below, data["cost"], {how: colour for how, (colour, _) in styles.items()})
    plt.close(figure)
    return figure


def _costs(axes: "Axes", cost: dict[str, Any], colours: dict[str, str]) -> None:
    """The processor time of one target, both ways, and how many targets a page has."""
    for how, colour in colours.items():
        times = cost[how]["ms_per_target"]
        spread = [[times["median"] - times["low"]], [times["high"] - times["median"]]]
        axes.errorbar([how], [times["median"]], yerr=spread, fmt="o", color=colour, markersize=9, capsize=5, ecolor=INK)
        each = f"{times['median']:.3g} ms\n{cost[how]['targets'] / cost['pages']:.0f} a page"
        axes.annotate(each, (how, times["high"]), (0, 4), textcoords="offset points", ha="center", color=INK)
    axes.set_yscale("log")
    axes.set_ylim(top=max(cost[how]["ms_per_target"]["high"] for how in colours) * 4)
    axes.set_xlim(-0.6, 1.6)
    axes.set_ylabel("processor time for each target (ms)")
    dress(axes, "What one target costs")
