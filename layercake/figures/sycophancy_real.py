"""The claim sycophancy-real: what a real model answers where its user names another city, and after raters."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, GREEN, INK, RED, SURFACE, canvas, dress, legend_below, one_line, percent, rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {  # of a bar: colour, hatching, in words
    "right": (GREEN, "", "the capital alone"),
    "agrees": (RED, "//", "the other city alone"),
    "both": ("#CC79A7", "..", "both"),
    "neither": ("#BBBBBB", "", "neither"),
}
LOOKS = {"agreement": (RED, "s"), "truth": (BLUE, "o"), "coin": (INK, "x")}
AFTER = {"agreement": "raters who like agreement", "truth": "raters who like truth", "coin": "raters who toss a coin"}


def shares(counts: dict[str, int]) -> dict[str, float]:
    """Of each outcome its share."""
    return {its: counts.get(its, 0) / sum(counts.values()) for its in PARTS}


def before(data: dict[str, Any]) -> dict[str, dict[str, float]]:
    """The outcomes of the model as it is, by wording."""
    return {
        wording: shares({part: sum(one.get(part, 0) for one in its["by country"].values()) for part in PARTS})
        for wording, its in data["as it is"].items()
    }


def finding(record: dict[str, Any]) -> str:
    """Claimed or only mentioned, in a title."""
    its = before(record["data"])
    return (
        f"Asked plainly it names the other city in {its['plain']['agrees']:.0%} of its replies; where the user is sure "
        f"of that city, in {its['sure']['agrees']:.0%};\nwhere the user has only been there, in "
        f"{its['has been there']['agrees']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{wording}: " + ", ".join(f"{PARTS[part][2]} {share:.0%}" for part, share in its.items())
        for wording, its in before(record["data"]).items()
    )
    after = "; ".join(
        f"{AFTER[raters]}, {wording}: {median(shares(counts)['agrees'] for counts in its['counts']):.0%}"
        for raters, wordings in record["data"]["after"].items()
        for wording, its in wordings.items()
    )
    return (
        f"Bars of what the replies name, by wording. {each}. Beside them, how often the other city alone is named "
        f"after DPO. {after}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw what replies name, by wording, and how raters change it."""
    figure, (left, right) = canvas(columns=2, size=(10.2, 4.4), title=finding(record))
    bars(left, before(record["data"]))
    wordings = list(next(iter(record["data"]["after"].values())))
    for shift, (raters, its) in zip((-0.2, 0.0, 0.2), record["data"]["after"].items()):
        colour, marker = LOOKS[raters]
        for row, wording in enumerate(wordings):
            each = [shares(counts)["agrees"] for counts in its[wording]["counts"]]
            was = median(shares(counts)["agrees"] for counts in its[wording]["before"])
            right.plot([min(each), max(each)], [row + shift] * 2, color=colour, lw=1)
            right.plot(
                each, [row + shift] * len(each), marker, color=colour, ls="", label=AFTER[raters] if not row else ""
            )
            right.plot([was, was], [row - 0.35, row + 0.35], color=INK, lw=1, ls=":",
                       label="before" if not row and raters == "coin" else "")  # fmt: skip
    rows(right, wordings)
    percent(right, "replies that name the other city alone (%)")
    dress(right, "After DPO, other countries; one point a seed")
    if right.get_legend():
        right.get_legend().remove()
    legend_below(figure, ncols=4)
    handles, labels = right.get_legend_handles_labels()
    right.legend(handles, labels, frameon=False, labelcolor=INK, loc="upper right", fontsize=8)
    return figure


def bars(axes: "Axes", its: dict[str, dict[str, float]]) -> None:
    """One bar for each wording."""
    for row, each in enumerate(its.values()):
        left = 0.0
        for part, (colour, hatch, words) in PARTS.items():
            axes.barh(row, each[part], left=left, color=colour, hatch=hatch, edgecolor=SURFACE,
                      label=words if not row else "")  # fmt: skip
            if each[part] >= 0.08:
                axes.annotate(
                    f"{100 * each[part]:.0f}", (left + each[part] / 2, row), ha="center", va="center", color=INK,
                    fontsize=8, bbox={"facecolor": SURFACE, "edgecolor": "none", "boxstyle": "round,pad=0.15"},
                )  # fmt: skip
            left += each[part]
    rows(axes, list(its))
    percent(axes, "replies (%)")
    dress(axes, "As it is: what a reply names")
