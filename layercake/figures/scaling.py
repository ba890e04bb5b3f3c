"""The claim scaling: the gap to the bound against the compute, the laws, and the size they foretell."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import COLOURS, INK, MARKERS, SURFACE, canvas, dress, legend, misses, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Each family as its layers are drawn elsewhere.
STYLES = {"LSTM": (COLOURS["LSTM"], MARKERS["LSTM"]), "transformer": (COLOURS["attention"], MARKERS["attention"])}


def finding(record: dict[str, Any]) -> str:
    """The two exponents and what came of the predictions, in a title."""
    n = record["numbers"]
    exponents = ", ".join(f"{family} {n[f'{family.lower()}_exponent']:.2f}" for family in STYLES)
    right = sum(n[f"{family.lower()}_predicted"] for family in STYLES)
    return (
        f"The gap falls as a power of compute: {exponents};\n"
        f"of two sizes that five smaller ones predicted, {('none', 'one', 'both')[right]} ended in the interval"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    data, n = record["data"], record["numbers"]
    said = []
    for family in STYLES:
        sizes, key = data["families"][family]["sizes"], family.lower()
        gaps = ", ".join(f"{gap:.2f}" for gap in _gaps(data, family))
        said.append(
            f"{family}: {gaps} from {sizes[0]['flops']:.1e} to {sizes[-1]['flops']:.1e} operations; the last was "
            f"expected at {n[f'{key}_expected_gap']:.3f}, between {n[f'{key}_expected_low']:.3f} and "
            f"{n[f'{key}_expected_high']:.3f}, and is {n[f'{key}_last_gap']:.3f}"
        )
    return (
        "Chart with logarithmic axes of the loss above the exact bound, in nats per token, against the operations of "
        f"training, six sizes of each family, with the straight line through the first five and the band in which a "
        f"further one is expected. {'. '.join(said)}. {one_line(finding(record))}."
    )


def _gaps(data: dict[str, Any], family: str) -> list[float]:
    """The mean of the runs at each size."""
    runs = [[run["loss"]["all"] for run in size["runs"]] for size in data["families"][family]["sizes"]]
    return [sum(losses) / len(losses) - data["bound"]["all"] for losses in runs]


def plot(record: dict[str, Any]) -> "Figure":
    """Draw every run's gap against its compute, the law of each family with its band, and the size predicted."""
    data = record["data"]
    figure, (axes,) = canvas(size=(7, 5.2))
    for family in STYLES:
        _draw(axes, data, family)
    axes.errorbar([], [], [], fmt="_", color=INK, capsize=5, label="predicted by the five smaller sizes")
    axes.plot([], [], "o", color=INK, markerfacecolor=SURFACE, label="the sixth size, in no fit")
    axes.set_xscale("log")
    axes.set_yscale("log")
    lowest, highest = axes.get_ylim()
    steps = (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5)
    ticks = [tick for tick in steps if lowest <= tick <= highest]
    axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.set_xlabel("compute of the training (floating-point operations)")
    axes.set_ylabel("loss above the exact bound (nats per token)")
    dress(axes, finding(record))
    legend(axes, "lower left")
    return figure


def _draw(axes: "Axes", data: dict[str, Any], family: str) -> None:
    (colour, marker), laws, sizes = STYLES[family], data["laws"][family], data["families"][family]["sizes"]
    line, expected, last = laws["line"], laws["expected"], sizes[-1]
    axes.fill_between(line["flops"], line["low"], line["high"], color=colour, alpha=0.2, lw=0)
    fitted = [flops for flops in line["flops"] if flops <= sizes[-2]["flops"] * 1.001]
    axes.plot(fitted, line["gap"][: len(fitted)], color=colour, lw=1.5)
    axes.plot(line["flops"][len(fitted) - 1 :], line["gap"][len(fitted) - 1 :], color=colour, lw=1.5, ls="--")
    axes.errorbar(
        last["flops"],
        expected["gap"],
        yerr=misses([expected], "gap"),
        fmt="_",
        color=colour,
        ecolor=INK,
        capsize=5,
        ms=12,
    )
    for size in sizes:
        gaps = [run["loss"]["all"] - data["bound"]["all"] for run in size["runs"]]
        hollow = {"markerfacecolor": SURFACE} if size is last else {}
        label = f"{family}, all runs of five sizes" if size is sizes[0] else ""
        axes.plot([size["flops"]] * len(gaps), gaps, marker, ls="", color=colour, markersize=6, label=label, **hollow)
