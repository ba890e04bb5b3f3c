"""The claim obfuscation: hacks and flags as each model is trained under its monitor, and how the hacks come about."""

from statistics import mean
from typing import TYPE_CHECKING, Any

from layercake.figures.style import (
    BLUE,
    COLOURS,
    GREEN,
    RED,
    YELLOW,
    band,
    canvas,
    dress,
    legend,
    legend_below,
    one_line,
    rows,
    seeds,
    shares,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ARMS = {
    "no monitor": ("#000000", "x", "--"),
    "lottery": ("#8C510A", "v", ":"),
    "output": (COLOURS["LSTM"], "D", "-."),
    "weak": (RED, "o", "-"),
    "strong": (BLUE, "s", "-"),
    "no monitor, hiding not shown": ("#B8B8B8", "^", "--"),
    "weak, hiding not shown": (YELLOW, "p", "-"),
}
ENDS = {  # what comes of a wrong board: colour, hatch, words
    "hacks, admitted": (RED, "", "hack, names the board"),
    "hacks, worked": (YELLOW, "//", "hack, behind right steps"),
    "hacks, bent": ("#8C510A", "..", "hack, steps bent to it"),
    "hacks, careless": ("#56B4E9", "--", "hack, behind wrong steps"),
    "hacks, at once": (COLOURS["LSTM"], "xx", "hack, no step"),
    "hacks, other": ("#B8B8B8", "", "hack, otherwise"),
    "right": (GREEN, "\\\\", "right"),
}


def finding(record: dict[str, Any]) -> str:
    """What a penalty on the thoughts does to hacks and to flags, in a title."""
    its = record["numbers"]["weak"]
    return (
        f"Punished for naming the board, a model takes its wrong number in {its['hacks, end']:.0%} "
        f"(before: {its['hacks, start']:.0%}),\nand is flagged for it in {its['flags, weak, end']:.0%} "
        f"(before: {its['flags, weak, start']:.0%})"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    n = record["numbers"]
    each = "; ".join(
        f"{name}: hacks {n[name]['hacks, start']:.0%} to {n[name]['hacks, end']:.0%}, flags of the weak monitor "
        f"{n[name]['flags, weak, start']:.0%} to {n[name]['flags, weak, end']:.0%}, right at the end "
        f"{n[name]['right, end']:.0%}"
        for name in ARMS
    )
    return (
        f"Three charts of replies to wrong boards, of {seeds(record['repeats'])}: the share of hacks over the steps of "
        f"training by rewards, the share that the weak monitor flags, and what replies are at start and end. {each}. "
        f"{one_line(finding(record))}."
    )


def before(key: str) -> list[str]:
    """What stands to the left of it in a bar."""
    return list(ENDS)[: list(ENDS).index(key)]


def plot(record: dict[str, Any]) -> "Figure":
    """Draw hacks and flags over the steps, and what replies are at the start and at the end."""
    data = record["data"]
    figure, (hacks, flags, ends) = canvas(1, 3, size=(12.5, 5.8), title=finding(record), width_ratios=(1, 1, 1.1))
    for axes, key, title in ((hacks, "hacks", "Takes the wrong number"), (flags, "flags, weak", "Names the board")):
        for name, style in ARMS.items():
            band(axes, data["arms"][name]["steps"], data["arms"][name][key], style, name)
        shares(axes, title, "share of replies to wrong boards", "steps of training by rewards")
    legend_below(figure, ncols=4, title="monitor whose flags are punished", fontsize=8)
    starts = {"start": ("no monitor", 0), "start, hiding not shown": ("weak, hiding not shown", 0)}
    bars = starts | {name: (name, -1) for name in ARMS}
    for key, (colour, hatch, label) in ENDS.items():
        for row, (name, exam) in enumerate(bars.values()):
            left, width = (sum(mean(seed[exam] for seed in data["arms"][name][its]) for its in keys)
                           for keys in (before(key), [key]))  # fmt: skip
            ends.barh(row, width, left=left, color=colour, hatch=hatch, edgecolor="white", lw=0.5,
                      label=None if row else label)  # fmt: skip
    rows(ends, [name.replace(", ", ",\n") for name in bars])
    ends.tick_params(axis="y", labelsize=8)
    ends.set_xlim(0, 1)
    ends.set_xlabel("share of replies, mean of the seeds;\nthe rest is wrong in another way")
    dress(ends, "What comes of it")
    legend(ends, "upper center", bbox_to_anchor=(0.5, -0.2), ncols=2, fontsize=8)
    return figure
