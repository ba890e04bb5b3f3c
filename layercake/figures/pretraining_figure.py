"""The figure of a pretraining run: your loss over the recorded one, down to the bound that no model can beat.

`plot` is the lab's, with its finding and its text alternative in words. `plot_cake` draws what
experiments/pretraining.py recorded: the transformer beside the recurrent networks, on as much of the same text.
"""

import statistics
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.device import check_scale
from layercake.figures import language_figure as shared
from layercake.figures.recall_figure import COLOURS, INK, MARKERS, NOT_RECORDED, SURFACE, dress, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from layercake.labs.pretraining import Curve

COLOUR, MARKER = COLOURS["attention"], MARKERS["attention"]


def recorded(scale: str) -> dict[str, Any] | None:
    """The recorded curve of the village at one scale, or None where none has been recorded."""
    record = results.find("pretraining")
    return record["data"].get(check_scale(scale)) if record else None


def lstm(scale: str) -> tuple[int, float] | None:
    """Where the recorded LSTM of the topic rnn ends at this scale: tokens read, and the median loss of its seeds."""
    line = shared.recorded(scale)
    return (line["tokens"][-1], line["loss"]["all"]["median"][-1]) if line else None


# The lab's figure --------------------------------------------------------------------------------------------------


def plot(curve: "Curve") -> "Figure":
    """Your curve over the recorded one; for the village the LSTM's end, the exact bound, and where the gap is."""
    from matplotlib import pyplot as plt

    wide = {"figsize": (9, 4.6), "width_ratios": (2, 1)} if curve.bound else {"figsize": (7, 4.6)}
    figure, panels = plt.subplots(
        1, 1 + bool(curve.bound), facecolor=SURFACE, layout="constrained", squeeze=False, **wide
    )
    left = panels[0, 0]
    if curve.bound:
        _draw_what_is_known(left, curve)
        ends = {kind: (curve.bound[kind], curve.loss[kind][-1]) for kind in shared.KINDS}
        shared.bars(panels[0, 1], ends, COLOUR)
    left.plot(curve.tokens, curve.loss["all"], color=COLOUR, marker=MARKER, markersize=5, label="your run")
    if curve.bound:
        shared.loss_axes(left, curve.tokens[-1], curve.bound["all"])
    else:
        left.set_xscale("log")
        left.set_xlabel("tokens read in training")
        left.set_ylabel("loss on validation text (nats per token)")
    dress(left, finding(curve))
    left.legend(frameon=False, labelcolor=INK, loc="upper right")
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def _draw_what_is_known(axes: "Axes", curve: "Curve") -> None:
    """The recorded band, and the point where the LSTM ended."""
    if band := recorded(curve.scale):
        losses, label = band["loss"]["all"], f"recorded, {_seeds(band)}: range"
        axes.fill_between(band["tokens"], losses["low"], losses["high"], color=COLOUR, alpha=0.3, lw=0, label=label)
    if end := lstm(curve.scale):
        axes.plot(*end, color=COLOURS["LSTM"], marker=MARKERS["LSTM"], ls="", label=f"recorded LSTM ends: {end[1]:.2f}")


def _seeds(band: dict[str, Any]) -> str:
    return f"{band['seeds']} seed{'s' if band['seeds'] > 1 else ''}"


def finding(curve: "Curve") -> str:
    """Where the curve ends: above what nobody can avoid, or, where that is not known, in bits per byte."""
    read = f"After {shared.millions(curve.tokens[-1])} tokens"
    if curve.bound:
        return (
            f"{read} the transformer is {curve.gap():.2f} nats above\n"
            f"the {curve.bound['all']:.2f} that no reader can avoid"
        )
    return f"{read} the loss on new text is {curve.loss['all'][-1]:.2f} nats per token,\n" + (
        f"{curve.bits_per_byte():.2f} bits per byte"
    )


def alt_text(curve: "Curve") -> str:
    """The figure in words: where your curve begins and ends, and all that it is held against."""
    said = [
        f"Line chart of the loss on validation text of {curve.corpus} in nats per token, against the tokens read: "
        f"{curve.loss['all'][0]:.2f} after {curve.tokens[0]:,}, {curve.loss['all'][-1]:.2f} after "
        f"{curve.tokens[-1]:,}. {one_line(finding(curve))}."
    ]
    if not curve.bound:
        return said[0]
    kinds = "; ".join(f"{kind} {curve.loss[kind][-1]:.2f}, bound {curve.bound[kind]:.2f}" for kind in shared.KINDS)
    said += [f"The exact bound is {curve.bound['all']:.2f}. Bars: {kinds}."]
    if end := lstm(curve.scale):
        said += [f"The recorded LSTM ends at {end[1]:.2f} after {end[0]:,} tokens."]
    if (band := recorded(curve.scale)) is None:
        return " ".join([*said, NOT_RECORDED])
    low, high = band["loss"]["all"]["low"][-1], band["loss"]["all"]["high"][-1]
    where = shared.against(curve.loss["all"][-1], low, high)
    runs = "1 recorded run ends at" if band["seeds"] == 1 else f"{band['seeds']} recorded runs end between"
    ends = f"{low:.3f}" if band["seeds"] == 1 else f"{low:.3f} and {high:.3f}"
    return " ".join([*said, f"{runs} {ends}; yours {where}."])


# The recorded measurement --------------------------------------------------------------------------------------------


def networks_beside(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The curves of the transformer and of the recurrent networks after as much text, at the scale claimed about."""
    scale, curve = record["numbers"]["scale"], record["numbers"]["curve"]
    return {"transformer": record["data"][curve], **results.load("language")["data"][scale]["networks"]}


def cake_finding(record: dict[str, Any]) -> str:
    """The gaps, in a title."""
    bound = record["numbers"]["bound"]
    gaps = ", ".join(
        f"{name} {statistics.median(row[-1] for row in line['loss']['all']['seeds']) - bound:.2f}"
        for name, line in networks_beside(record).items()
    )
    return f"Nats per token above the best possible reader,\nafter as much text: {gaps}"


def cake_alt_text(record: dict[str, Any]) -> str:
    """The figure of the transformer and the recurrent networks, in words."""
    n = record["numbers"]
    said = "; ".join(
        f"{name} from {line['loss']['all']['median'][0]:.2f} to {line['loss']['all']['median'][-1]:.2f}"
        for name, line in networks_beside(record).items()
    )
    return (
        f"Line chart of the loss on {n['documents']} new documents in nats per token, against the tokens read, up to "
        f"{n['tokens']:,}; bands over the seeds. {said}. The exact bound is {n['bound']:.2f}. "
        f"{one_line(cake_finding(record))}."
    )


def plot_cake(record: dict[str, Any]) -> "Figure":
    """Draw loss against tokens read, for the transformer and the recurrent networks of the claim language."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.8), facecolor=SURFACE, layout="constrained")
    for name, line in networks_beside(record).items():
        colour, marker = (COLOUR, MARKER) if name == "transformer" else (COLOURS[name], MARKERS[name])
        losses = line["loss"]["all"]
        axes.fill_between(line["tokens"], losses["low"], losses["high"], color=colour, alpha=0.3, lw=0)
        label = f"{name}, {_seeds(line)}"
        axes.plot(line["tokens"], losses["median"], color=colour, marker=marker, markersize=4, label=label)
    shared.loss_axes(axes, record["numbers"]["tokens"], record["numbers"]["bound"])
    dress(axes, cake_finding(record))
    axes.legend(frameon=False, labelcolor=INK, loc="upper right")
    plt.close(figure)
    return figure
