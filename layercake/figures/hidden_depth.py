"""The claim hidden-depth: how often each reader knows where the pea is, after so many swaps, and how far it follows."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import (
    BLUE,
    COLOURS,
    INK,
    MARKERS,
    RED,
    YELLOW,
    band,
    canvas,
    dress,
    legend_below,
    one_line,
    rows,
    seeds,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANCE = 0.2  # five cups
SIGHT = ("transformer, 1 layer", "transformer, 2 layers", "transformer, 4 layers", "transformer, 8 layers")
CURVES = {
    SIGHT[0]: ("#B8B8B8", "p", "-"),
    SIGHT[1]: (YELLOW, "p", "-"),
    SIGHT[3]: ("#8C510A", "p", "-"),
    "loop, 8 rounds": (BLUE, "s", "-"),
    "GRU, 1 layer": (COLOURS["GRU"], MARKERS["GRU"], "--"),
    "transformer, 2 layers, written": (COLOURS["LSTM"], MARKERS["LSTM"], "--"),
}


def finding(record: dict[str, Any]) -> str:
    """How far the deepest transformer follows unwritten, and what gets further."""
    far, n = record["numbers"], record["numbers"]["moves"]
    loop, written = far["loop, 8 rounds"], far["transformer, 2 layers, written"]
    return (
        f"Unwritten, 8 layers follow {far[SIGHT[3]]:.0f} of {n} swaps and one layer run 8 times {loop:.0f};\n"
        f"with written steps 2 layers follow {written:.0f}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    data = record["data"]
    far = "; ".join(f"{name}: {median(its['longest']):.0f}" for name, its in data["arms"].items())
    return (
        f"Two charts, of {seeds(record['repeats'])}. {one_line(finding(record))}. On the left the share of right "
        "answers against the number of swaps; on the right the moves that each follows, right in nine games of ten, of "
        f"{data['moves']}: {far}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the shares against the number of swaps, and how far each arm follows."""
    arms, n = record["data"]["arms"], record["data"]["moves"]
    figure, (curves, reach) = canvas(1, 2, size=(10, 4.8), title=finding(record), width_ratios=(1.15, 1))
    for name, style in CURVES.items():
        band(curves, range(1, n + 1), arms[name]["right"], style, name)
    curves.axhline(0.9, color=INK, lw=0.8, ls="--")
    curves.axhline(CHANCE, color=INK, lw=0.8, ls=":")
    curves.annotate("90 %", (n, 0.9), (0, -12), textcoords="offset points", ha="right", color=INK, fontsize=8)
    curves.annotate("chance", (n, CHANCE), (0, -12), textcoords="offset points", ha="right", color=INK, fontsize=8)
    curves.set_ylim(0, 1.05)
    curves.set_xlabel("swaps so far")
    curves.set_ylabel("right about where the pea is")
    dress(curves, "")
    for row, its in enumerate(arms.values()):
        reach.plot(its["longest"], [row] * len(its["longest"]), "o", color=BLUE, alpha=0.5, markersize=6, lw=0)
        reach.plot(median(its["longest"]), row, "|", color=RED, markersize=13, markeredgewidth=2)
    rows(reach, list(arms))
    reach.tick_params(axis="y", labelsize=8)
    reach.axvline(n, color=INK, lw=0.8)
    reach.set_xlim(-0.5, n + 0.8)
    reach.set_xlabel(f"moves followed, of {n}; a dot for each seed")
    dress(reach, "")
    legend_below(figure, fontsize=8)
    return figure
