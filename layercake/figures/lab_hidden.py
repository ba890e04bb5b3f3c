"""The lab of hidden steps: how many moves one block follows, by the rounds that it is run, over those recorded."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from layercake import results
from layercake.figures.style import BLUE, GREEN, INK, RED, YELLOW, canvas, dress, middle, one_line, ribbon, seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEVEL = 0.9  # of right answers, up to where a model is said to follow
GUESS = 0.2  # one cup of five
LOOKS = ((RED, "s"), (YELLOW, "D"), (GREEN, "o"), (BLUE, "^"))

Right = Mapping[int, Sequence[float]]  # rounds -> how often it is right after 1, 2, … moves


def longest(shares: Sequence[float]) -> int:
    """The most moves up to which a model is right often enough after each of them."""
    return next((n for n, share in enumerate(shares) if share < LEVEL), len(shares))


def finding(its: Right) -> str:
    """How far fewest and most rounds follow, in a title."""
    few, many = min(its), max(its)
    return (
        f"Of {len(its[few])} moves one block follows {longest(its[few])} where it is run {times(few)},\n"
        f"and {longest(its[many])} where the same block is run {times(many)}"
    )


def times(n: int) -> str:
    """How often, in words."""
    return "once" if n == 1 else f"{n} times"


def alt_text(its: Right) -> str:
    """The figure in words."""
    each = "; ".join(
        f"run {times(n)}: " + ", ".join(f"{share:.0%}" for share in shares) for n, shares in sorted(its.items())
    )
    return (
        f"The share of right answers against the number of moves, for one block. {each}. "
        f"Guessing is right in {GUESS:.0%}. {one_line(finding(its))}."
    )


def plot(its: Right) -> "Figure":
    """Draw how often each is right after each number of moves, over those recorded."""
    figure, (axes,) = canvas(title=finding(its))
    record = results.find("hidden-depth")
    for (n, shares), look in zip(sorted(its.items()), LOOKS):
        if record:
            _recorded(axes, record["data"]["arms"], n, len(shares), look)
        x = range(1, len(shares) + 1)
        axes.plot(x, shares, color=look[0], marker=look[1], lw=2, label=f"yours, run {times(n)}")
    axes.axhline(LEVEL, color=INK, lw=0.8, ls="--")
    axes.axhline(GUESS, color=INK, lw=0.8, ls=":")
    axes.annotate("right in nine of ten", (1, LEVEL), (0, -12), textcoords="offset points", color=INK)
    axes.annotate("guessing", (1, GUESS), (0, 4), textcoords="offset points", color=INK)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("moves so far")
    axes.set_ylabel("share of right answers")
    dress(axes, "")
    return figure


def _recorded(axes: "Axes", arms: Mapping[str, dict], n_rounds: int, n_moves: int, look: tuple[str, str]) -> None:
    """The same number of rounds, or one layer, as recorded on longer games and with more steps."""
    arm = arms.get("transformer, 1 layer" if n_rounds == 1 else f"loop, {n_rounds} rounds")
    if arm:
        rows = [row[:n_moves] for row in arm["right"]]
        label = f"recorded, longer training, run {times(n_rounds)}, {seeds(len(rows))}"
        ribbon(axes, range(1, len(rows[0]) + 1), middle(rows), look[0], alpha=0.15, ls=":", lw=1, label=label)
