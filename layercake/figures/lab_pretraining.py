"""The lab of pretraining: your loss over the recorded one, down to the bound that no model can beat."""

from typing import TYPE_CHECKING, Any, Protocol

from layercake import results
from layercake.device import check_scale
from layercake.figures import lab_language
from layercake.figures.lab_language import against, kinds_in_words, loss_axes, recorded_range, where_the_gap_is
from layercake.figures.style import COLOURS, MARKERS, NOT_RECORDED, canvas, dress, legend, millions, one_line, seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOUR, MARKER = COLOURS["attention"], MARKERS["attention"]


class Curve(lab_language.Curve, Protocol):
    """What a run of the lab gave, as far as it is drawn; without a bound where nobody knows one."""

    corpus: str

    def bits_per_byte(self) -> float: ...


def recorded(scale: str) -> dict[str, Any] | None:
    """The recorded curve of the village at one scale, or None where none has been recorded."""
    record = results.find("pretraining")
    return record["data"].get(check_scale(scale)) if record else None


def lstm(scale: str) -> tuple[int, float] | None:
    """Where the recorded LSTM of the topic rnn ends at this scale: tokens read, and the median loss of its seeds."""
    line = lab_language.recorded(scale)
    return (line["tokens"][-1], line["loss"]["all"]["median"][-1]) if line else None


def equal_budgets(budgets: tuple[float, ...] = (4e11, 1e12, 3e12, 1e13, 1.8e13)) -> str:
    """How far above the bound the recorded laws put an LSTM and a transformer that got as much computing each."""
    laws = results.load("scaling")["data"]["laws"]
    rows = [f"{'operations':>12}" + "".join(f"{family:>22}" for family in laws)]
    for budget in budgets:
        gaps = [its["law"]["scale"] * budget ** -its["law"]["exponent"] for its in laws.values()]
        rows.append(f"{budget:12.1e}" + "".join(f"{gap:17.2f} nats" for gap in gaps))
    return "\n".join(["recorded (claim scaling), above the bound, each family trained for as many operations:", *rows])


def plot(curve: Curve) -> "Figure":
    """Your curve over the recorded one; for the village the LSTM's end, the exact bound, and where the gap is."""
    wide = {"size": (9, 4.6), "width_ratios": (2, 1)} if curve.bound else {"size": (7, 4.6)}
    figure, (left, *right) = canvas(1, 1 + bool(curve.bound), **wide)
    if curve.bound:
        _draw_what_is_known(left, curve)
        where_the_gap_is(*right, curve, COLOUR)
    left.plot(curve.tokens, curve.loss["all"], color=COLOUR, marker=MARKER, markersize=5, label="your run")
    if curve.bound:
        loss_axes(left, curve.tokens[-1], curve.bound["all"])
    else:
        left.set_xscale("log")
        left.set_xlabel("tokens read in training")
        left.set_ylabel("loss on validation text (nats per token)")
    dress(left, finding(curve))
    legend(left, "upper right")
    return figure


def _draw_what_is_known(axes: "Axes", curve: Curve) -> None:
    """The recorded band, and the point where the LSTM ended."""
    if band := recorded(curve.scale):
        recorded_range(axes, band, COLOUR, f"recorded, {seeds(band['seeds'])}: range")
    if end := lstm(curve.scale):
        axes.plot(*end, color=COLOURS["LSTM"], marker=MARKERS["LSTM"], ls="", label=f"recorded LSTM ends: {end[1]:.2f}")


def finding(curve: Curve) -> str:
    """Where the curve ends: above what nobody can avoid, or, where that is not known, in bits per byte."""
    read = f"After {millions(curve.tokens[-1])} tokens"
    if curve.bound:
        return (
            f"{read} the transformer is {curve.gap():.2f} nats above\n"
            f"the {curve.bound['all']:.2f} that no reader can avoid"
        )
    return f"{read} the loss on new text is {curve.loss['all'][-1]:.2f} nats per token,\n" + (
        f"{curve.bits_per_byte():.2f} bits per byte"
    )


def alt_text(curve: Curve) -> str:
    """The figure in words: where your curve begins and ends, and all that it is held against."""
    said = [
        f"Line chart of the loss on validation text of {curve.corpus} in nats per token, against the tokens read: "
        f"{curve.loss['all'][0]:.2f} after {curve.tokens[0]:,}, {curve.loss['all'][-1]:.2f} after "
        f"{curve.tokens[-1]:,}. {one_line(finding(curve))}."
    ]
    if not curve.bound:
        return said[0]
    said += [f"The exact bound is {curve.bound['all']:.2f}. Bars: {kinds_in_words(curve)}."]
    if end := lstm(curve.scale):
        said += [f"The recorded LSTM ends at {end[1]:.2f} after {end[0]:,} tokens."]
    if (band := recorded(curve.scale)) is None:
        return " ".join([*said, NOT_RECORDED])
    low, high = band["loss"]["all"]["low"][-1], band["loss"]["all"]["high"][-1]
    where = against(curve.loss["all"][-1], low, high)
    runs = "1 recorded run ends at" if band["seeds"] == 1 else f"{band['seeds']} recorded runs end between"
    ends = f"{low:.3f}" if band["seeds"] == 1 else f"{low:.3f} and {high:.3f}"
    return " ".join([*said, f"{runs} {ends}; yours {where}."])
