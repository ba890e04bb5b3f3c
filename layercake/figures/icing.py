"""The claim icing: what a number of demonstrations teaches, pretrained and from scratch, and replies to read."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import (
    BLUE,
    INK,
    RED,
    YELLOW,
    canvas,
    dress,
    headline,
    legend_below,
    one_line,
    ribbon,
    spoken,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = {
    "pretrained": (BLUE, "o", "-"),
    "from scratch": (RED, "s", "--"),
    "from scratch, five times the steps": (YELLOW, "D", ":"),
}


EXAMS = {"new facts": "facts that no demonstration is about", "shown facts": "facts that demonstrations are about"}


MANNERS = {
    "right": "right", "cites": "cites its source", "asks back": "asks back", "admits": "says if it does not know",
    "as polite": "as polite as you",
}  # fmt: skip


def finding(record: dict[str, Any]) -> str:
    """How many demonstrations it takes, in a title."""
    n = record["numbers"]
    most = record["data"]["starts"]["pretrained"]["demonstrations"][-1]
    needs = f"takes {round(n['pre_new_needed']):,} demonstrations" if "pre_new_needed" in n else "never gets there"
    scratch = f"{n['scratch_shown_best']:.0%}" if "scratch_shown_needed" not in n else "as much"
    return (
        f"Pretrained, the model {needs} to be 90% right;\n"
        f"from scratch, {most:,} of them give {scratch} even on the facts that they are about"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for exam, words in EXAMS.items():
        for start, its in record["data"]["starts"].items():
            right = its["exams"][exam]["right"]["median"]
            each = ", ".join(f"{value:.0%} after {n:,}" for n, value in zip(its["demonstrations"], right))
            said.append(f"{words}, {start}: {each}")
    return (
        "Two charts of the share of right answers against the number of demonstrations on a logarithmic axis, one line "
        f"for each start with the range of three seeds. {'. '.join(said)}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the accuracy on new and on shown facts against the number of demonstrations, for each start."""
    data = record["data"]
    figure, both = canvas(1, 2, size=(8.4, 4.6), sharey=True)
    for axes, (exam, words) in zip(both, EXAMS.items()):
        for start, its in data["starts"].items():
            colour, marker, line = STYLES[start]
            n, right = its["demonstrations"], its["exams"][exam]["right"]
            ribbon(axes, n, right, colour, alpha=0.2, marker=marker, ls=line, markersize=5, label=start)
        _share_by_demonstrations(axes, data, words)
    both[0].set_ylabel("share of right answers")
    headline(figure, finding(record))
    legend_below(figure, fontsize=8.5)
    return figure


def _share_by_demonstrations(axes: "Axes", data: dict[str, Any], title: str) -> None:
    """Both axes, with the lines of a guess and of nine in ten."""
    numbers = data["starts"]["pretrained"]["demonstrations"]
    axes.axhline(data["chance"], color=INK, lw=0.8, ls=":")
    axes.annotate("a guess", (numbers[-1], data["chance"]), (0, 4), textcoords="offset points", ha="right", color=INK)
    axes.axhline(0.9, color=INK, lw=0.6)
    axes.set_xscale("log")
    axes.set_xticks(numbers, [f"{n:,}" for n in numbers])
    axes.minorticks_off()
    axes.tick_params(axis="x", labelrotation=45)
    axes.set_ylim(-0.02, 1.03)
    axes.set_xlabel("demonstrations")
    dress(axes, title)


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the record: the replies of both starts, by the demonstrations shown."""
    aloud = (record or results.load("icing"))["data"]["aloud"]
    starts = [start for start in aloud if start != "questions"]
    columns = [
        {
            "title": start[0].upper() + start[1:],
            "places": [
                {
                    "bars": [{"name": words, "value": its["manners"][manner]} for manner, words in MANNERS.items()],
                    "replies": spoken(its["replies"], 100),
                }
                for its in aloud[start]
            ],
        }
        for start in starts
    ]
    places = [f"{its['n']:,}" for its in aloud[starts[0]]]
    return {
        "dial": {"name": "Demonstrations", "places": places},
        "questions": aloud["questions"],
        "columns": columns,
        "note": "Bars: the share of first replies to 200 questions of each kind, about facts that no demonstration is "
        "about. Replies: the likeliest words. One seed of three.",
    }
