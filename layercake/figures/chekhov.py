"""The claim chekhov: what a thing costs long after it was settled, and what is likeliest after a promise."""

import math
from typing import TYPE_CHECKING, Any

from layercake.figures.style import (
    BLUE,
    COLOURS,
    GREEN,
    INK,
    MARKERS,
    SURFACE,
    YELLOW,
    canvas,
    dress,
    legend,
    one_line,
    ribbon,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

VILLAGE_MODEL = "village model"


STYLES = {name: (COLOURS[name], MARKERS[name]) for name in ("LSTM", "GRU", "RNN", "transformer")}
STYLES |= {"n-gram": (YELLOW, "v"), VILLAGE_MODEL: (BLUE, "s")}
CHOICE_COLOURS = (GREEN, YELLOW, BLUE, "#bbbbbb", "#777777")  # in the order of the record's choices
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


def finding(record: dict[str, Any], of: str = "LSTM") -> str:
    """How far the right thing is the likeliest of all for one of the models, in a title."""
    n, right = record["numbers"], record["data"]["keep"]["by_distance"]["models"][of]["right"]["median"]
    return (
        f"Settled {n['nearest']:.0f} tokens before, the {of} is right {right[0]:.0%} of the time,\n"
        f"{n['farthest']:.0f} tokens before {right[-1]:.0%}; a fair guess is {n['guess_rivals']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
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
        f"promise, the new thing and the old one: {shares}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any], of: str = "LSTM") -> "Figure":
    """Draw the loss on the thing against distance, and what the models choose after a promise and one taken back.

    The title tells of the model `of`.
    """
    figure, (above, below) = canvas(2, size=(7, 8.4), height_ratios=(5, 4))
    _loss_by_distance(above, record)
    dress(above, finding(record, of))
    legend(above, "upper left", ncols=2)
    _choices(below, record["data"])
    return figure


def _loss_by_distance(axes: "Axes", record: dict[str, Any]) -> None:
    kept = record["data"]["keep"]["by_distance"]
    for name, model in kept["models"].items():
        colour, marker = STYLES[name]
        ribbon(axes, kept["distance"], model["loss"], colour, marker=marker, markersize=5, label=name)
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
    legend(axes, "upper center", bbox_to_anchor=(0.4, -0.14), ncols=2)
