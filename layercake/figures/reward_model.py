"""The claim reward-model: how often each judge ranks a right reply over a wrong one."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, INK, RED, canvas, dress, one_line, rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FACTS = {"compared facts": (BLUE, "o"), "other facts": (RED, "s")}


def finding(record: dict[str, Any]) -> str:
    """Who ranks how well, in a title."""
    n = record["numbers"]
    return (
        f"On facts that nobody compared a reward model ranks {n['model_other']:.0%} of the pairs rightly,\n"
        f"a policy that learned from the same comparisons {n['dpo_other']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{judge} {' and '.join(f'{median(its[facts]):.0%}' for facts in FACTS)}"
        for judge, its in _judges(record).items()
    )
    return (
        "Chart of how often each judge ranks a right reply over a wrong one, a coin being right in 50%, on facts that "
        f"were compared and on others: {each}. {one_line(finding(record))}."
    )


def _judges(record: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    return {name: its for name, its in record["data"].items() if name != "pairs"}


def plot(record: dict[str, Any]) -> "Figure":
    """Draw how often each judge ranks a right reply over a wrong one."""
    figure, (axes,) = canvas(size=(8.4, 3.6), title=finding(record))
    judges = _judges(record)
    for (facts, (colour, marker)), shift in zip(FACTS.items(), (-0.12, 0.12)):
        for y, its in enumerate(judges.values()):
            label = facts if y == 0 else None
            y_of_each = [y + shift] * len(its[facts])
            axes.plot(its[facts], y_of_each, marker, color=colour, markersize=6, alpha=0.8, label=label)
    axes.axvline(0.5, color=INK, lw=0.8, ls=":")
    rows(axes, list(judges))
    axes.set_xlim(min(0.3, *(min(its[facts]) for its in judges.values() for facts in FACTS)) - 0.02, 1.02)
    axes.set_xlabel("pairs in which the right reply ranks higher; the dotted line is chance")
    dress(axes, "")
    return figure
