"""The figures of recall: accuracy against distance, with the bounds, and with the finding in words.

`plot` is the lab's: a learner's curves over the recorded band. `plot_message` and `plot_convolution` draw what
experiments/recall.py and experiments/convolution.py recorded.
"""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.device import check_scale
from layercake.labs.readers import READERS, TRANSFORMER, chance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by shape and line as well. Attention alone and the transformer are drawn last and
# hollow, because their points lie on those of attention on a GRU.
COLOURS = {"RNN": "#000000", "LSTM": "#CC79A7", "GRU": "#D55E00", "GRU + attention": "#0072B2"}
COLOURS |= {"convolution": "#56B4E9", "attention": "#009E73", TRANSFORMER: "#E69F00"}
MARKERS = {"RNN": "x", "LSTM": "D", "GRU": "o", "GRU + attention": "s", "convolution": "v", "attention": "^"}
MARKERS |= {TRANSFORMER: "p"}
WITH_ATTENTION = ("GRU + attention", "attention", TRANSFORMER)
HOLLOW = {"attention": 8, TRANSFORMER: 12}  # and their size
SURFACE = "#ffffff"  # explicit, so that dark ink stays readable on a dark page
INK = "#333333"


def recorded(scale: str) -> dict[str, Any] | None:
    """The recorded curves at one scale, or None where nothing has been recorded at it."""
    return results.load("recall")["data"].get(check_scale(scale))


def plot(curves: dict[str, Any] | None = None, scale: str | None = None) -> "Figure":
    """Draw your curves over the recorded band; without curves, the recorded medians at `scale`.

    Returns the figure; `alt_text` says the same in words. Raises ValueError where there is nothing to draw.
    """
    from matplotlib import pyplot as plt

    band, lines = _what_to_draw(curves, scale)
    figure, axes = plt.subplots(figsize=(7, 4.8), facecolor=SURFACE, layout="constrained")
    for name in READERS:
        if band:
            distance = band[name]["distance"]
            axes.fill_between(distance, band[name]["low"], band[name]["high"], color=COLOURS[name], alpha=0.25, lw=0)
        if name in lines:
            style = {"color": COLOURS[name], "marker": MARKERS[name], "label": name, "markersize": 5}
            style |= {"markerfacecolor": SURFACE, "linestyle": "--"} if name == "attention" else {}
            axes.plot(lines[name]["distance"], lines[name]["accuracy"], **style)
    if curves is None and (control := results.load("recall")["data"]["controls"].get(scale)):
        axes.plot(control["distance"], control["median"], color=COLOURS["GRU"], ls=":", label=control["label"])
    farthest = max(line["distance"][-1] for line in lines.values())
    _bounds(axes, farthest, chance(scale or curves["scale"]))
    dress(axes, finding(lines))
    if band:
        axes.fill_between([], [], [], color=INK, alpha=0.2, label=f"range, {band['seeds']} recorded seeds")
    return _with_the_legend_below(figure)


def _bounds(axes: "Axes", farthest: int, guessing: float) -> None:
    """Both axes, and the lines that a curve is judged by: chance below, what is attainable above."""
    axes.axhline(1, color=INK, lw=0.8)
    axes.axhline(guessing, color=INK, lw=0.8, ls=":")
    below = {"xytext": (0, -20), "textcoords": "offset points", "ha": "right", "color": INK}
    axes.annotate(f"chance, {guessing:.2f}", (farthest, guessing), **below)
    axes.annotate("attainable", (1, 1), (0, 4), textcoords="offset points", color=INK)
    axes.set_xscale("log", base=2)
    ticks = [2**n for n in range((farthest + 1).bit_length())]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("distance from the value back to the question (symbols)")
    axes.set_ylabel("share of right answers")


def _with_the_legend_below(figure: "Figure") -> "Figure":
    from matplotlib import pyplot as plt

    axes = figure.axes[0]
    handles, labels = axes.get_legend_handles_labels()
    axes.get_legend().remove()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, labelcolor=INK, fontsize=8.5)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def _what_to_draw(curves: dict[str, Any] | None, scale: str | None) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """The recorded band, where there is one, and the lines: yours, or the recorded medians."""
    if curves is None and scale is None:
        raise ValueError('Nothing to draw: give the curves of recall.run, or a scale such as "laptop".')
    band = recorded(scale or curves["scale"])
    if curves is not None:
        return band, {name: curves[name] for name in READERS if name in curves}
    if band is None:
        raise ValueError(f"Nothing has been recorded at scale {scale!r} yet.")
    return band, {name: {"distance": band[name]["distance"], "accuracy": band[name]["median"]} for name in READERS}


def finding(lines: dict[str, Any]) -> str:
    """What the curves show, computed from them."""
    said = []
    if "GRU" in lines:
        gru = lines["GRU"]["accuracy"]
        far = gru[len(gru) // 2 :]
        near, rest = gru[0], sum(far) / len(far)
        verb = "forgets" if near - rest > 0.2 else "recalls"
        start = lines["GRU"]["distance"][len(gru) // 2]
        said.append(f"The GRU {verb}: {near:.2f} right at distance 1, {rest:.2f} from {start} on")
    attentive = [min(lines[name]["accuracy"]) for name in ("GRU + attention", "attention") if name in lines]
    if attentive:
        worst = min(attentive)
        at_least = "" if worst >= 0.995 else " or more"
        learned = f"with attention {worst:.2f}{at_least} at every distance"
        said.append(learned if worst >= 0.9 else f"with attention {worst:.2f} at worst: not learned yet")
    return ";\n".join(said)


def alt_text(curves: dict[str, Any] | None = None, scale: str | None = None) -> str:
    """The figure in words: what is drawn, what it shows, and how your curves lie against the recorded ones."""
    band, lines = _what_to_draw(curves, scale)
    farthest = max(line["distance"][-1] for line in lines.values())
    said = [
        "Line chart of the share of right answers against the distance from the value to the question, 1 to "
        f"{farthest} symbols, for {', '.join(lines)}; chance is {chance(scale or curves['scale']):.2f}, attainable "
        f"is 1. {one_line(finding(lines))}."
    ]
    if curves is None and (control := results.load("recall")["data"]["controls"].get(scale)):
        median = control["median"]
        said.append(f"Dotted: {control['label']}, {median[0]:.2f} at distance 1 and {median[-1]:.2f} at {farthest}.")
    if curves is not None:
        said += [against(name, line, band[name]) for name, line in lines.items()] if band else [NOT_RECORDED]
    return " ".join(said)


NOT_RECORDED = "Nothing has been recorded at this scale yet, so there is no band to compare with."


def against(name: str, line: dict[str, Any], band: dict[str, Any]) -> str:
    """How many of a reader's points lie in the recorded band, give or take what 0.05 of chance does."""
    inside = sum(
        low - 0.05 <= mine <= high + 0.05 for mine, low, high in zip(line["accuracy"], band["low"], band["high"])
    )
    return f"{name}: {inside} of {len(line['accuracy'])} points lie within 0.05 of the recorded band."


def one_line(text: str) -> str:
    """A title without its line breaks, for a text alternative."""
    return text.replace("\n", " ")


# The recorded measurements ------------------------------------------------------------------------------------------


def message_lines(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The curves of the claim: without attention after the longer training, with it after the lab's."""
    scale, data = record["numbers"]["scale"], record["data"]
    lines = {**data["more_steps"][scale], "GRU": data["controls"][scale]}
    return lines | {name: data[scale][name] for name in WITH_ATTENTION}


def message_finding(record: dict[str, Any]) -> str:
    """Where each recurrent network falls below 90 %, and the worst recall with attention."""
    n = record["numbers"]
    below = ", ".join(f"{n[f'{name.lower()}_below_90']:.0f} ({name})" for name in ("RNN", "LSTM", "GRU"))
    worst = min(n["gru_attention_lowest"], n["attention_lowest"], n["transformer_lowest"])
    return f"Recall is below 90 % from distance {below} on;\nwith attention it is {worst:.3f} at its worst"


def message_alt_text(record: dict[str, Any]) -> str:
    """The figure of the claim in words."""
    ends = "; ".join(
        f"{name} {line['median'][0]:.2f} at distance 1 and {line['median'][-1]:.2f} at {line['distance'][-1]}"
        for name, line in message_lines(record).items()
    )
    return (
        f"Line chart of the share of right answers against distance, bands over up to {record['repeats']} seeds. "
        f"{one_line(message_finding(record))}. {ends}; chance is {record['numbers']['chance']:.2f}."
    )


def plot_message(record: dict[str, Any]) -> "Figure":
    """Draw recall against distance for the six readers of experiments/recall.py: medians, with bands over seeds."""
    from matplotlib import pyplot as plt

    lines = message_lines(record)
    figure, axes = plt.subplots(figsize=(7, 5), facecolor=SURFACE, layout="constrained")
    for name, line in lines.items():
        label = name if name in WITH_ATTENTION else f"{name}, {record['numbers']['more_steps']} times the steps"
        label += ", one seed" if len(line["accuracy"]) == 1 else ""
        _draw_band(axes, line, COLOURS[name], MARKERS[name], label, hollow=HOLLOW.get(name))
    axes.axhline(0.9, color=INK, lw=0.8, ls="--")
    farthest = lines["GRU"]["distance"][-1]
    axes.annotate("90 %", (farthest, 0.9), (0, -12), textcoords="offset points", ha="right", color=INK)
    _bounds(axes, farthest, record["numbers"]["chance"])
    dress(axes, message_finding(record))
    return _with_the_legend_below(figure)


def _draw_band(
    axes: "Axes", line: dict[str, Any], colour: str, marker: str, label: str, hollow: int | None = None
) -> None:
    """A curve with its band; `hollow` is the size of the empty markers, where they are empty."""
    axes.fill_between(line["distance"], line["low"], line["high"], color=colour, alpha=0.25, lw=0)
    style = {"color": colour, "marker": marker, "label": label, "markersize": hollow or 5}
    style |= {"markerfacecolor": "none", "linestyle": "--"} if hollow else {}
    axes.plot(line["distance"], line["median"], **style)


def convolution_finding(record: dict[str, Any]) -> str:
    """How much arrives from beyond each reach."""
    beyond = [f"{line['beyond']['share_right']:.2f}" for line in record["data"]["recall"]]
    reaches = [str(line["reach"]) for line in record["data"]["recall"]]
    return (
        f"Beyond a reach of {', '.join(reaches)} symbols a convolution is right\n"
        f"{', '.join(beyond)} of the time, where chance is {record['data']['chance']:.2f}"
    )


def convolution_alt_text(record: dict[str, Any]) -> str:
    """The figure of the claim in words."""
    said = []
    for line in record["data"]["recall"]:
        last = max(i for i, distance in enumerate(line["distance"]) if distance <= line["reach"])
        said.append(
            f"reach {line['reach']}: {line['median'][0]:.2f} at distance 1, {line['median'][last]:.2f} at "
            f"{line['distance'][last]}, {line['median'][last + 1]:.2f} at {line['distance'][last + 1]}"
        )
    return (
        f"Line chart of the share of right answers against distance for convolutions, bands over {record['repeats']} "
        f"seeds, a vertical line at each reach. {one_line(convolution_finding(record))}. {'; '.join(said)}."
    )


def plot_convolution(record: dict[str, Any]) -> "Figure":
    """Draw recall against distance for the convolutions of experiments/convolution.py, with their reaches."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 5), facecolor=SURFACE, layout="constrained")
    styles = zip(record["data"]["recall"], ("#E69F00", "#0072B2", "#009E73"), ("o", "s", "^"))
    for line, colour, marker in styles:
        label = f"{len(line['dilations'])} layers, reach {line['reach']}"
        _draw_band(axes, line, colour, marker, label)
        axes.axvline(line["reach"], color=colour, lw=1, ls="--")
    _bounds(axes, record["data"]["recall"][0]["distance"][-1], record["data"]["chance"])
    dress(axes, convolution_finding(record))
    return _with_the_legend_below(figure)


def dress(axes: "Axes", title: str) -> None:
    """The look that all figures of the course share."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_facecolor(SURFACE)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#dddddd", lw=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK)
    axes.minorticks_off()
