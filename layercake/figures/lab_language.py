"""The lab of the topic rnn: your loss over the recorded band, down to the bound that no model can beat."""

from typing import TYPE_CHECKING, Any, Protocol

from layercake import results
from layercake.device import check_scale
from layercake.figures.style import (
    COLOURS,
    INK,
    MARKERS,
    NOT_RECORDED,
    SURFACE,
    canvas,
    dress,
    legend,
    millions,
    one_line,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("story", "record", "sum", "play")


class Curve(Protocol):
    """What a run of the lab gave, as far as it is drawn."""

    scale: str
    layer: str
    tokens: list[int]  # how many had been read
    loss: dict[str, list[float]]  # over all tokens, and over those of each kind, each time; nats per token
    bound: dict[str, float]

    def gap(self) -> float: ...


def recorded(scale: str, layer: str = "LSTM") -> dict[str, Any] | None:
    """The recorded curve of one kind of layer at one scale, or None where none has been recorded."""
    return results.load("language")["data"].get(check_scale(scale), {}).get("networks", {}).get(layer)


def plot(curve: Curve) -> "Figure":
    """Your curve over the recorded one, down to the exact bound; beside it, where the gap is."""
    figure, (left, right) = canvas(1, 2, size=(9, 4.6), width_ratios=(2, 1))
    colour = COLOURS.get(curve.layer, INK)
    if band := recorded(curve.scale, curve.layer):
        recorded_range(left, band, colour, f"recorded, {band['seeds']} seeds: range")
    style = {"color": colour, "marker": MARKERS.get(curve.layer, "o"), "markersize": 5}
    left.plot(curve.tokens, curve.loss["all"], label=f"your {curve.layer}", **style)
    loss_axes(left, curve.tokens[-1], curve.bound["all"])
    dress(left, finding(curve))
    legend(left, "upper right")
    where_the_gap_is(right, curve, colour)
    return figure


def finding(curve: Curve) -> str:
    """Where the curve ends, above what nobody can avoid."""
    return (
        f"After {millions(curve.tokens[-1])} tokens the {curve.layer} is {curve.gap():.2f} nats above\n"
        f"the {curve.bound['all']:.2f} that no reader can avoid"
    )


def alt_text(curve: Curve) -> str:
    """The figure in words: where your curve begins and ends, the bound, each kind, and the recorded band."""
    said = [
        f"Line chart of the loss on validation documents in nats per token, against the tokens read: "
        f"{curve.loss['all'][0]:.2f} after {curve.tokens[0]:,}, {curve.loss['all'][-1]:.2f} after "
        f"{curve.tokens[-1]:,}; the exact bound is {curve.bound['all']:.2f}. {one_line(finding(curve))}. Bars: "
        f"{kinds_in_words(curve)}."
    ]
    band = recorded(curve.scale, curve.layer)
    if band is None:
        return " ".join([*said, NOT_RECORDED])
    low, high = band["loss"]["all"]["low"][-1], band["loss"]["all"]["high"][-1]
    where = against(curve.loss["all"][-1], low, high)
    return " ".join([*said, f"{band['seeds']} recorded runs end between {low:.3f} and {high:.3f}; yours {where}."])


def kinds_in_words(curve: Curve) -> str:
    """The loss at the end and the bound, for each kind of document."""
    return "; ".join(f"{kind} {curve.loss[kind][-1]:.2f}, bound {curve.bound[kind]:.2f}" for kind in KINDS)


def against(loss: float, low: float, high: float, allowed: float = 0.02) -> str:
    """How an end lies to the recorded ones; another seed moves it by about what is allowed."""
    beyond = max(loss - high, low - loss)
    if beyond <= 0:
        return "is among them"
    side = "above" if loss > high else "below"
    return f"is {beyond:.2f} nats {side} them" + ", which another seed may do" * (beyond <= allowed)


# Parts that other pictures have too ----------------------------------------------------------------------------------


def recorded_range(axes: "Axes", band: dict[str, Any], colour: str, label: str) -> None:
    """The range of the recorded seeds."""
    losses = band["loss"]["all"]
    axes.fill_between(band["tokens"], losses["low"], losses["high"], color=colour, alpha=0.3, lw=0, label=label)


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


def where_the_gap_is(axes: "Axes", curve: Curve, colour: str) -> None:
    """For each kind what nobody can avoid, and on top of it the model's own share."""
    bounds, losses = ([its[kind] for kind in KINDS] for its in (curve.bound, {k: v[-1] for k, v in curve.loss.items()}))
    gaps = [loss - bound for loss, bound in zip(losses, bounds)]
    axes.bar(KINDS, bounds, color="#bbbbbb", label="exact bound")
    axes.bar(KINDS, gaps, bottom=bounds, color=colour, hatch="//", edgecolor=SURFACE, label="the model's own")
    for at, (gap, loss) in enumerate(zip(gaps, losses)):
        axes.annotate(f"+{gap:.2f}", (at, loss), (0, 3), textcoords="offset points", ha="center", color=INK)
    axes.set_ylabel("nats per token at the end")
    dress(axes, "Where the gap is")
    axes.set_ylim(0, max(losses) * 1.35)
