"""The figure of the recall lab: accuracy against distance, over the recorded band, with its finding in words."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.device import check_scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by shape and line as well. Attention alone is drawn last, hollow, because its points
# lie on those of attention on a GRU.
COLOURS = {"GRU": "#D55E00", "GRU + attention": "#0072B2", "attention": "#009E73"}
MARKERS = {"GRU": "o", "GRU + attention": "s", "attention": "^"}
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
    for name in COLOURS:
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
    chance = _chance(curves, scale)
    axes.axhline(1, color=INK, lw=0.8)
    axes.axhline(chance, color=INK, lw=0.8, ls=":")
    axes.annotate(
        f"chance, {chance:.2f}", (farthest, chance), (0, -20), textcoords="offset points", ha="right", color=INK
    )
    axes.annotate("attainable", (1, 1), (0, 4), textcoords="offset points", color=INK)
    axes.set_xscale("log", base=2)
    ticks = [2**n for n in range((farthest + 1).bit_length())]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("distance from the value back to the question (symbols)")
    axes.set_ylabel("share of right answers")
    dress(axes, finding(lines))
    if band:
        axes.fill_between([], [], [], color=INK, alpha=0.2, label=f"range, {band['seeds']} recorded seeds")
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
        return band, {name: curves[name] for name in COLOURS if name in curves}
    if band is None:
        raise ValueError(f"Nothing has been recorded at scale {scale!r} yet.")
    return band, {name: {"distance": band[name]["distance"], "accuracy": band[name]["median"]} for name in COLOURS}


def _chance(curves: dict[str, Any] | None, scale: str | None) -> float:
    """Chance at the scale of the figure."""
    from layercake.recall import chance

    return chance(scale or curves["scale"])


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
        "Line chart of the share of right answers against the distance from the value to the question, "
        f"1 to {farthest} symbols, for {', '.join(lines)}; chance is {_chance(curves, scale):.2f}, attainable is 1.",
        finding(lines).replace("\n", " ") + ".",
    ]
    if curves is None and (control := results.load("recall")["data"]["controls"].get(scale)):
        median = control["median"]
        said.append(f"Dotted: {control['label']}, {median[0]:.2f} at distance 1 and {median[-1]:.2f} at {farthest}.")
    if curves is not None:
        said += [_against(name, line, band[name]) for name, line in lines.items()] if band else [NOT_RECORDED]
    return " ".join(said)


NOT_RECORDED = "Nothing has been recorded at this scale yet, so there is no band to compare with."


def _against(name: str, line: dict[str, Any], band: dict[str, Any]) -> str:
    """How many of a reader's points lie in the recorded band, give or take what 0.05 of chance does."""
    inside = sum(
        low - 0.05 <= mine <= high + 0.05 for mine, low, high in zip(line["accuracy"], band["low"], band["high"])
    )
    return f"{name}: {inside} of {len(line['accuracy'])} points lie within 0.05 of the recorded band."


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
    axes.legend(frameon=False, labelcolor=INK)
    axes.minorticks_off()
