"""The claim readable: whether a corrupted carry is followed, against what is right at once, and what else is read."""

from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import BLUE, COLOURS, GREEN, INK, RED, canvas, dress, legend, one_line, percent, rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LOOKS = ((BLUE, "o"), (RED, "s"), (GREEN, "^"), (COLOURS["LSTM"], "D"), (COLOURS["convolution"], "v"))
OUTCOMES = {
    "r": ("right", BLUE, ""),
    "f": ("what the altered step leads to", RED, "///"),
    "n": ("neither", "#dddddd", ""),
}
BARS = (  # what is altered; the rows of the record, and the operations
    ("a digit used up,\na column behind", ("first irrelevant", "middle irrelevant"), ("plus", "minus", "times")),
    ("the carry,\na column behind", ("first corrupt", "middle corrupt"), ("plus", "minus", "times")),
    ("the carry, last\ncolumn of plus", ("last corrupt",), ("plus",)),
    ("the carry, last\ncolumn of times", ("last corrupt",), ("times",)),
    ("carry and total, last\ncolumn of times", ("last both",), ("times",)),
    ("the carry said first,\nall columns", ("first paraphrase",), ("plus", "minus", "times")),
    ("dots for all steps", ("first dots",), ("plus", "minus", "times")),
)
FEWEST = 5  # sums, for a point


def finding(record: dict[str, Any]) -> str:
    """Whether those follow that could do without, in a title."""
    n = record["numbers"]
    at_once, others = (n[f"follows_a_corrupted_carry_of_sums_{who}"] for who in ("right_at_once", "not_right_at_once"))
    said = "none" if at_once is None else f"{at_once:.0%}"
    return (
        f"A corrupted carry is followed in {said} of the sums that the village's model gets right without steps,\n"
        f"and in {'none' if others is None else f'{others:.0%}'} of the others"
    )


def counted(its: dict[str, Any], names: tuple[str, ...], operations: tuple[str, ...]) -> dict[str, int]:
    """How often each outcome stands in some rows, of the sums that are right when worked and whose carry can be."""
    found = ""
    for cell, exams in its["exam"].items():
        for one in exams:
            for name in names if cell.split()[0] in operations else ():
                possible = one.get(f"{name.split()[0]} possible", "") if "corrupt" in name or "both" in name else ""
                keep = zip(one["written"], possible or one["written"])
                found += "".join(sign for sign, k in zip(one.get(name, ""), keep) if set(k) == {"1"})
    return {sign: found.count(sign) for sign in OUTCOMES}


def points(its: dict[str, Any]) -> list[tuple[float, float]]:
    """Of each operation and length: the share that is right at once, and that which follows a corrupted first carry."""
    said = []
    for cell, exams in its["exam"].items():
        n = counted({"exam": {cell: exams}}, ("first corrupt",), (cell.split()[0],))
        if sum(n.values()) >= FEWEST:
            direct = "".join(one["direct"] for one in exams)
            said.append((direct.count("1") / len(direct), n["f"] / sum(n.values())))
    return said


def alt_text(record: dict[str, Any]) -> str:
    """Both charts in words."""
    arms = record["data"]["arms"]
    scattered = "; ".join(
        f"{name}, {', '.join(f'{x:.0%} and {y:.0%}' for x, y in sorted(its))}"
        for name, its in ((name, points(its)) for name, its in arms.items())
        if its
    )
    bars = "; ".join(
        f"{one_line(what)}, {n['r'] / total:.0%} right and {n['f'] / total:.0%} following"
        for what, names, operations in BARS
        for n in [counted(next(iter(arms.values())), names, operations)]
        if (total := sum(n.values()))
    )
    return (
        "Two charts. Left, a point for each operation and length of sums: the share that is right at once against the "
        f"share whose answer follows a corrupted first carry: {scattered}. Right, bars of what becomes of the answers "
        f"of the village's model, by what was altered: {bars}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw following against what is right at once, beside what each alteration does."""
    figure, (left, right) = canvas(
        1, 2, size=(8.8, 5.2), title=finding(record), gridspec_kw={"width_ratios": (1, 1.15)}
    )
    for (name, its), (colour, marker) in zip(record["data"]["arms"].items(), LOOKS):
        if found := points(its):
            x, y = zip(*found)
            left.scatter(x, y, s=42, color=colour, marker=marker, alpha=0.75, label=name, clip_on=False, zorder=3)
    percent(left, "right at once (%); each point is one operation and length")
    left.set_ylim(0, 1.02)
    left.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    left.set_ylabel("follow a corrupted first carry (%)")
    dress(left, "All models")
    if left.get_legend():
        legend(left, "lower right", fontsize=8)
    _bars(right, next(iter(record["data"]["arms"].values())))
    return figure


def _bars(axes: "Axes", its: dict[str, Any]) -> None:
    """What became of the answers, by what was altered."""
    rows(axes, [what for what, *_ in BARS])
    for at, (_, names, operations) in enumerate(BARS):
        n, before = counted(its, names, operations), 0.0
        for sign, (label, colour, hatch) in OUTCOMES.items():
            share = n[sign] / (sum(n.values()) or 1)
            look = {"color": colour, "hatch": hatch, "edgecolor": "white", "linewidth": 0.5, "height": 0.7}
            axes.barh(at, share, left=before, label=None if at else label, **look)
            before += share
    percent(axes, "answers (%)")
    dress(axes, "The village's model, by what is altered")
    axes.tick_params(axis="y", labelsize=8)
    axes.get_legend().remove()
    handles, labels = axes.get_legend_handles_labels()
    axes.figure.legend(
        handles, labels, loc="outside lower right", ncols=len(OUTCOMES), frameon=False, labelcolor=INK, fontsize=8
    )


# The moving picture ----------------------------------------------------------------------------------------------


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `tampered` shows: of some sums each column, each carry, and what the model wrote from there."""
    its = (record or results.load("readable"))["data"]["tampered"]
    return {"sums": [_shown(one) for one in its], "sum": len(its) - 1, "reader": "the village model"}


def _shown(its: dict[str, Any]) -> dict[str, Any]:
    a, operation, b = its["sum"]
    columns = [
        [
            {
                "carry": carry,
                "step": told["step"],
                "after": [f"{part.strip()} ." for part in told["written"].split(" .") if part.strip()],
                "answer": told["answer"],
                "leads": told["leads to"],
            }
            for carry, told in enumerate(column)
        ]
        for column in its["columns"]
    ]
    return {"question": f"{a} {operation} {b}", "result": its["result"], "steps": its["steps"], "columns": columns}
