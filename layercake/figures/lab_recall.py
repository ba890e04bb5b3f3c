"""The lab of recall: your curves over the recorded band, or the recorded medians alone."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.device import check_scale
from layercake.figures.recall import bounds
from layercake.figures.style import COLOURS, INK, MARKERS, NOT_RECORDED, SURFACE, canvas, dress, legend_below, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

READERS = ("GRU", "GRU + attention", "attention")  # those that the lab trains


def recorded(scale: str) -> dict[str, Any] | None:
    """The recorded curves at one scale, or None where nothing has been recorded at it."""
    return results.load("recall")["data"].get(check_scale(scale))


def plot(curves: dict[str, Any] | None = None, scale: str | None = None) -> "Figure":
    """Draw your curves over the recorded band; without curves, the recorded medians at `scale`.

    Returns the figure; `alt_text` says the same in words. Raises ValueError where there is nothing to draw.
    """
    band, lines = _what_to_draw(curves, scale)
    figure, (axes,) = canvas(size=(7, 4.8))
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
    bounds(axes, max(line["distance"][-1] for line in lines.values()), chance())
    dress(axes, finding(lines))
    if band:
        axes.fill_between([], [], [], color=INK, alpha=0.2, label=f"range, {band['seeds']} recorded seeds")
    legend_below(figure, fontsize=8.5)
    return figure


def chance() -> float:
    """The accuracy of a reader that knows nothing of the text: the same at every scale."""
    return results.load("recall")["numbers"]["chance"]


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
        f"{farthest} symbols, for {', '.join(lines)}; chance is {chance():.2f}, attainable "
        f"is 1. {one_line(finding(lines))}."
    ]
    if curves is None and (control := results.load("recall")["data"]["controls"].get(scale)):
        median = control["median"]
        said.append(f"Dotted: {control['label']}, {median[0]:.2f} at distance 1 and {median[-1]:.2f} at {farthest}.")
    if curves is not None:
        said += [against(name, line, band[name]) for name, line in lines.items()] if band else [NOT_RECORDED]
    return " ".join(said)


def against(name: str, line: dict[str, Any], band: dict[str, Any]) -> str:
    """How many of a reader's points lie in the recorded band, give or take what 0.05 of chance does."""
    inside = sum(
        low - 0.05 <= mine <= high + 0.05 for mine, low, high in zip(line["accuracy"], band["low"], band["high"])
    )
    return f"{name}: {inside} of {len(line['accuracy'])} points lie within 0.05 of the recorded band."
