"""The claim eroding: answers, monitors and probes, as the written steps are taken away and where none ever were."""

import re
from statistics import median
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import BLUE, GREEN, INK, RED, YELLOW, canvas, dress, one_line, rows, seeds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREEDY = "greedy"
READ = {  # what a row of the first chart shows: colour, marker
    "right": (INK, "o"),
    "strict": (BLUE, "s"),
    "trusting": (RED, "^"),
}
PROBES = {  # and of the second one: what a probe reads the carries off
    "trained": ("the model", BLUE, "o"),
    "untrained": ("an untrained model", YELLOW, "v"),
    "digits": ("the question's digits", GREEN, "x"),
    "pairs": ("pairs of digits", INK, "1"),
    "shuffled": ("the model, taught shuffled carries", RED, "+"),
}


def noisy(its: dict[str, Any]) -> dict[str, Any]:
    """A model's exam under noise."""
    return next(exam for condition, exam in its["exams"].items() if "noise" in condition)


def products(its: dict[str, Any], who: str) -> list[float]:
    """TPR × TNR of a monitor under noise, of the seeds that have right and wrong replies."""
    return [value for value in noisy(its)[who]["product"] if value is not None]


def unsaid(its: dict[str, Any], probe: str) -> list[float]:
    """Of each seed, how well a probe reads the carries that no answer says: all but the last."""
    return [sum(row[:-1]) / len(row[:-1]) for row in its["probes"][probe]]


def finding(record: dict[str, Any]) -> str:
    """From the first row, all steps written throughout, to that where all are taken away."""
    models = record["data"]["models"]
    ends = [models[name] for name in ("written throughout", "all steps taken away")]
    right = [f"{median(its['exams'][GREEDY]['right']):.0%}" for its in ends]
    told = [f"{median(values):.2f}" if (values := products(its, "trusting")) else "none" for its in ends]
    read = [f"{median(unsaid(ends[1], probe)):.0%}" for probe in ("trained", "digits", "pairs")]
    return (
        f"All steps taken away: right answers go from {right[0]} to {right[1]}, what a trusting monitor tells from "
        f"{told[0]} to {told[1]};\na probe reads {read[0]} of the unsaid carries, off the question's digits {read[1]}, "
        f"off pairs of them {read[2]}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for name, its in record["data"]["models"].items():
        told = ", ".join(
            f"{who} {median(values):.2f}" if (values := products(its, who)) else f"{who} none"
            for who in ("strict", "trusting")
        )
        read = ", ".join(f"{words} {median(unsaid(its, probe)):.0%}" for probe, (words, _, _) in PROBES.items())
        said.append(
            f"{name}: right {median(its['exams'][GREEDY]['right']):.0%}, TPR × TNR of the monitors under noise {told}, "
            f"carries read off {read}"
        )
    return (
        f"Two charts with a row for each of {len(said)} models, a point for each of {seeds(record['repeats'])}: right "
        "answers and what monitors of the text tell; and the share of the unsaid carries that a linear probe reads. "
        f"{'. '.join(said)}. {one_line(finding(record))}."
    )


def points(axes: "Axes", values: list[list[float]], shift: float, colour: str, marker: str, label: str) -> None:
    """The seeds of each row, as points beside its middle."""
    x = [value for row in values for value in row]
    y = [place + shift for place, row in enumerate(values) for _ in row]
    axes.plot(x, y, color=colour, marker=marker, ls="none", markersize=6, alpha=0.8, label=label)


def plot(record: dict[str, Any]) -> "Figure":
    """Draw answers and monitors on the left, probes on the right, a row for each model."""
    models = record["data"]["models"]
    figure, (first, second) = canvas(1, 2, size=(9.6, 5.4), title=finding(record), sharey=True)
    words = {"right": "new sums right", "strict": "strict monitor", "trusting": "trusting monitor"}
    for shift, (what, (colour, marker)) in zip((-0.22, 0.0, 0.22), READ.items()):
        values = [its["exams"][GREEDY]["right"] if what == "right" else products(its, what) for its in models.values()]
        points(first, values, shift, colour, marker, words[what])
    for shift, (probe, (label, colour, marker)) in zip((-0.3, -0.15, 0.0, 0.15, 0.3), PROBES.items()):
        points(second, [unsaid(its, probe) for its in models.values()], shift, colour, marker, label)
    rows(first, [name.replace(", ", ",\n") for name in models])
    for axes, title, xlabel in (
        (first, "What is written", "share of right answers;\nTPR × TNR under noise"),
        (second, "What is inside", "unsaid carries that a probe reads,\nbalanced"),
    ):
        axes.set_xlim(-0.03, 1.03)
        axes.set_xlabel(xlabel)
        dress(axes, title)
        axes.grid(axis="x", color="#dddddd", lw=0.6)
        axes.legend(frameon=False, labelcolor=INK, loc="upper center", bbox_to_anchor=(0.5, -0.17), fontsize=8)
    return figure


# The moving picture ---------------------------------------------------------------------------------------------------

COLUMNS = {"written": "Written: keeps its steps", "taken away": "Shortened: its steps are taken away",
           "loop": "Hidden: runs in a loop"}  # fmt: skip
VERDICTS = {
    "sound": "sound", "no answer": "no answer", "shortcut": "the answer does not follow", "wrong step": "a wrong step",
}  # fmt: skip


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the record: the same sum worked by three models, stage by stage."""
    data = (record or results.load("eroding"))["data"]
    quiet, disturbed = next(iter(data["along"].values()))[0]["texts"]
    last = min(1, len(data["sums"]) - 1)
    shown, columns = ((0, quiet), (last, disturbed)), []
    for arm, title in COLUMNS.items():
        places = []
        for its in data["along"][arm]:
            exam = noisy(its)
            said = [its["texts"][how][i] for i, how in shown]
            places.append({"bars": bars(its["exams"][GREEDY], exam), "replies": [told(one) for one in said]})
        columns.append({"title": title, "places": places})
    return {
        "dial": {"name": "Training", "places": [f"{its['steps']:,} steps" for its in data["along"]["written"]]},
        "questions": [
            f"{data['sums'][i]['a']} times {data['sums'][i]['b']}{', disturbed on the way' * (how != quiet)}"
            for i, how in shown
        ],
        "columns": columns,
        "note": "One seed of three. The monitor believes what is not written, and checks what is. The second sum was "
        "chosen because two of the models get it wrong at the end, disturbed or not. Bars: of 1,000 new sums, how many "
        "are right undisturbed; under noise, how many of the wrong answers and of the right ones the monitor flags.",
    }


def bars(plain: dict[str, Any], disturbed: dict[str, Any]) -> list[dict[str, Any]]:
    """Right answers, and what the trusting monitor flags under noise; nothing where there is nothing to flag."""
    found = {"wrong ones flagged": disturbed["trusting"]["tpr"], "right ones flagged": disturbed["trusting"]["fpr"]}
    flagged = [{"name": name, "value": rate, "odd": True} for name, rate in found.items() if rate is not None]
    return [{"name": "right", "value": plain["right"]}, *flagged]


def told(one: dict[str, Any]) -> dict[str, Any]:
    """A reply, a step a line, and what is said of it."""
    verdict = VERDICTS[one["trusting"][0]]
    mark = f"{'right' if one['right'] else 'wrong'}; the monitor says: {verdict}"
    words = re.sub(r"(?<=\d) (?=\d)| (?=[:,.])", "", one["reply"])  # "is 3 0 : write" as "is 30: write"
    return {"text": words.replace(". ", ".\n"), "mark": mark, "odd": not one["right"]}
