"""The claim rl-clock: how many times as long as a transformer's a step is, exactly and by the clock."""

from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, COLOURS, INK, canvas, dress, level, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DESIGNS = {"GRU": (COLOURS["GRU"], "o"), "loop": (BLUE, "s")}
TASKS = {"pretraining": "--", "rl": "-"}
SAID = {"pretraining": "in pretraining", "rl": "in RL"}
# Where a line is named: above it or below it, at a place where it rises and at the end of one that does not.
ABOVE = {"rising": {"xytext": (-6, 4), "ha": "right"}, "flat": {"xytext": (0, 6), "ha": "right"}}
BELOW = {"rising": {"xytext": (6, -10), "ha": "left"}, "flat": {"xytext": (0, -13), "ha": "right"}}


def finding(record: dict[str, Any]) -> str:
    """What is left of the factor between the designs, in a title."""
    n = record["numbers"]
    return (
        f"A GRU's chain is {n['factor_pretraining']:,.0f} times a transformer's in pretraining on "
        f"{n['longest_chain']:,} tokens, {n['factor_rl']:.1f} times in RL;\nits clock, on a {n['device'].upper()} at "
        f"{n['longest']} tokens, {n['ratio_pretraining']:.1f} times and {n['ratio_rl']:.1f} times"
    )


def ratios(record: dict[str, Any], name: str, task: str) -> list[list[float]]:
    """By the clock, for each length, how many times the transformer's step in the same repeat."""
    ms = record["data"]["ms"]
    return [
        [mine / other for mine, other in zip(*both, strict=True)]
        for both in zip(ms[name][task], ms["transformer"][task])
    ]


def factors(record: dict[str, Any], n_layers: int, task: str) -> list[float]:
    """Exactly, for each length, how many times the transformer's chain the GRU's is."""
    its = record["data"]["chain"][str(n_layers)]
    return [mine / other for mine, other in zip(its["GRU"][task], its["transformer"][task])]


def alt_text(record: dict[str, Any]) -> str:
    """Both charts in words."""
    n, data = record["numbers"], record["data"]
    exact = "; ".join(
        f"{layers} layers, {SAID[task]}, {its[0]:,.2f} to {its[-1]:,.2f}"
        for layers in (n["layers"], n["layers_deep"])
        for task in TASKS
        for its in [factors(record, layers, task)]
    )
    clock = "; ".join(
        f"{name}, {SAID[task]}, {median(its[0]):.2f} to {median(its[-1]):.2f}"
        for name in DESIGNS
        for task in TASKS
        for its in [ratios(record, name, task)]
    )
    return (
        "Two line charts of how many times as long as a transformer's step another one is, against the tokens in a "
        "reply, on logarithmic axes. Left, the GRU's longest chain of layers, exact, from "
        f"{data['chain']['length'][0]} to {n['longest_chain']:,} tokens: {exact}; a loop of two rounds has 2 "
        "throughout. Right, the clock "
        f"({data['clock']}), from {data['length'][0]} to {n['longest']} tokens: {clock}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the exact factor beside that of the clock."""
    data, n = record["data"], record["numbers"]
    figure, (chain, clock) = canvas(1, 2, size=(8.4, 5), title=finding(record))
    lengths = data["chain"]["length"]
    for layers, marker, fill, place in (
        (n["layers"], "o", COLOURS["GRU"], ABOVE),
        (n["layers_deep"], "D", "none", BELOW),
    ):
        for task, line in TASKS.items():
            look = {"color": COLOURS["GRU"], "marker": marker, "markerfacecolor": fill, "markersize": 4, "ls": line}
            its = factors(record, layers, task)
            chain.plot(lengths, its, lw=1.5, **look)
            at, words = (-5, place["rising"]) if task == "pretraining" else (-1, place["flat"])
            said = {"textcoords": "offset points", "fontsize": 8, "color": INK, **words}
            chain.annotate(f"{layers} layers, {SAID[task]}", (lengths[at], its[at]), **said)
    for name, (colour, marker) in DESIGNS.items():
        for task, line in TASKS.items():
            low, middle, high = zip(*(quantiles(row, n=4, method="inclusive") for row in ratios(record, name, task)))
            clock.fill_between(data["length"], low, high, color=colour, alpha=0.2, lw=0)
            look = {"color": colour, "marker": marker, "markersize": 4, "ls": line, "lw": 1.5}
            clock.plot(data["length"], middle, label=f"{name}, {SAID[task]}", **look)
    chain.set_ylim(0.5, 3 * n["factor_pretraining"])
    _scales(chain, lengths[::2], "The chain of a GRU, exact", "times the transformer's")
    _scales(clock, data["length"], f"The clock of a {n['device'].upper()}, {n['layers']} layers", "")
    level(clock, 1.0, data["length"][0], "as fast", ":")
    clock.set_yticks(ticks := [0.25, 0.5, 1, 2, 4], [f"{tick:g}" for tick in ticks])
    clock.set_ylim(0.25, 4)
    clock.get_legend().remove()
    handles, labels = clock.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, labelcolor=INK, fontsize=9)
    return figure


def _scales(axes: "Axes", lengths: list[int], title: str, ylabel: str) -> None:
    """Logarithmic axes, so that a factor is a distance."""
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths], fontsize=8)
    axes.set_xlabel("tokens in a reply")
    axes.set_ylabel(ylabel)
    dress(axes, title)
