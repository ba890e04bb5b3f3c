"""The claim cherry-grows: reinforcement learning's share of each training whose figures are published, by date."""

from datetime import date
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, GREEN, INK, RED, YELLOW, canvas, dress, legend, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LOOKS = {  # by whose figure it is
    "published": (BLUE, "o", "published by its maker"),
    "calculated": (GREEN, "s", "calculated from published amounts"),
    "estimated": (YELLOW, "D", "estimated by others"),
    "claimed": (RED, "x", "claimed, without amounts"),
}
BOUNDS = {"at most": "v", "at least": "^"}
MAKERS = {
    "DeepSeek": ("DeepSeek-V3", "DeepSeek-R1", "DeepSeek-V3.2"),
    "Ai2": ("Olmo 3 Think 32B", "Olmo 3.1 Think 32B"),
}
BELOW, LEFT, ABOVE = ((0, -9), "center", "top"), ((-8, 0), "right", "center"), ((0, 8), "center", "bottom")
PLACES = {  # of the names that would lie on another
    "DeepSeek-V3": BELOW, "DeepSeek-R1-Zero, recounted": LEFT, "Olmo 3 Think 32B": BELOW, "Grok 4": ABOVE,
    "DeepSeek-R1": LEFT, "DeepSeek-R1, as estimated": LEFT, "Olmo 3.1 Think 32B": ABOVE, "Composer 1.5": BELOW,
}  # fmt: skip


def finding(record: dict[str, Any]) -> str:
    """How the share grew within each maker's models."""
    n = record["numbers"]
    return (
        "Where one maker publishes several, the share of RL grows: DeepSeek's from at most "
        f"{n['v3_at_most']:.1%} to at least {n['v3_2_at_least']:.0%},\nAi2's from {n['olmo_3']:.1%} to "
        f"{n['olmo_3_1']:.0%}; the two claims of a half come without amounts"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        " ".join(
            filter(None, [f"{its['name']} ({its['date']})", its["bound"], f"{percent(its['share'])}, {its['kind']}"])
        )
        for its in record["data"]["runs"]
    )
    return (
        "Chart of reinforcement learning's share of RL and pretraining together, on a logarithmic axis from 0.1 to 100 "
        f"percent, against the date of the model: {each}. A dashed line is this course's own, "
        f"{percent(record['numbers']['ours'])}. {one_line(finding(record))}."
    )


def month(said: str) -> date:
    """A month such as 2025-01 as its first day."""
    return date.fromisoformat(f"{said}-01")


def percent(share: float) -> str:
    """A share as text, to two digits."""
    return f"{100 * share:.2g} %"


def plot(record: dict[str, Any]) -> "Figure":
    """Draw each share by date; lines join what one maker built on one base."""
    runs = {its["name"]: its for its in record["data"]["runs"]}
    figure, (axes,) = canvas(size=(9.4, 5.2), title=finding(record))
    for names in MAKERS.values():
        axes.plot(
            [month(runs[name]["date"]) for name in names], [runs[name]["share"] for name in names], color=INK, lw=1
        )
    for kind, (colour, marker, label) in LOOKS.items():
        its = [run for run in runs.values() if run["kind"] == kind]
        axes.plot([month(run["date"]) for run in its], [run["share"] for run in its], marker, color=colour, label=label,
                  markersize=8, markeredgewidth=2, lw=0)  # fmt: skip
    for name, run in runs.items():
        offset, ha, va = PLACES.get(name, ((8, 0), "left", "center"))
        words = " ".join(filter(None, [f"{name},", run["bound"], percent(run["share"])]))
        where = {"xytext": offset, "textcoords": "offset points", "ha": ha, "va": va}
        axes.annotate(words, (month(run["date"]), run["share"]), color=INK, fontsize=8, **where)
    ours = record["numbers"]["ours"]
    axes.axhline(ours, color=INK, lw=0.8, ls="--")
    below = {"xytext": (0, 4), "textcoords": "offset points", "color": INK, "fontsize": 8}
    axes.annotate(f"this course, {percent(ours)}", (month("2022-01"), ours), **below)
    axes.set_yscale("log")
    axes.set_ylim(0.0009, 1.2)
    axes.set_yticks([0.001, 0.01, 0.1, 1], ["0.1 %", "1 %", "10 %", "100 %"])
    axes.set_xlim(month("2021-12"), month("2026-12"))
    axes.set_ylabel("RL / (RL + pretraining), in the unit published")
    dress(axes, "")
    legend(axes, "upper left", fontsize=8)
    return figure
