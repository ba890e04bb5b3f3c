"""The claim recall: the share of right answers against distance, for six readers, with bands over seeds."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import COLOURS, INK, MARKERS, canvas, dress, legend_below, one_line, ribbon

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WITH_ATTENTION = ("GRU + attention", "attention", "transformer")
HOLLOW = {"attention": 8, "transformer": 12}  # and their size


def lines_of(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The curves of the claim: without attention after the longer training, with it after the lab's."""
    scale, data = record["numbers"]["scale"], record["data"]
    lines = {**data["more_steps"][scale], "GRU": data["controls"][scale]}
    return lines | {name: data[scale][name] for name in WITH_ATTENTION}


def finding(record: dict[str, Any]) -> str:
    """Where each recurrent network falls below 90 %, and the worst recall with attention."""
    n = record["numbers"]
    below = ", ".join(f"{n[f'{name.lower()}_below_90']:.0f} ({name})" for name in ("RNN", "LSTM", "GRU"))
    worst = min(n["gru_attention_lowest"], n["attention_lowest"], n["transformer_lowest"])
    return f"Recall is below 90 % from distance {below} on;\nwith attention it is {worst:.3f} at its worst"


def alt_text(record: dict[str, Any]) -> str:
    """The figure of the claim in words."""
    ends = "; ".join(
        f"{name} {line['median'][0]:.2f} at distance 1 and {line['median'][-1]:.2f} at {line['distance'][-1]}"
        for name, line in lines_of(record).items()
    )
    return (
        f"Line chart of the share of right answers against distance, bands over up to {record['repeats']} seeds. "
        f"{one_line(finding(record))}. {ends}; chance is {record['numbers']['chance']:.2f}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw recall against distance for the readers of experiments/recall.py."""
    lines = lines_of(record)
    figure, (axes,) = canvas(size=(7, 5))
    for name, line in lines.items():
        label = name if name in WITH_ATTENTION else f"{name}, {record['numbers']['more_steps']} times the steps"
        label += ", one seed" if len(line["accuracy"]) == 1 else ""
        look = {"marker": MARKERS[name], "label": label, "markersize": HOLLOW.get(name, 5)}
        look |= {"markerfacecolor": "none", "linestyle": "--"} if name in HOLLOW else {}
        ribbon(axes, line["distance"], line, COLOURS[name], **look)
    axes.axhline(0.9, color=INK, lw=0.8, ls="--")
    farthest = lines["GRU"]["distance"][-1]
    axes.annotate("90 %", (farthest, 0.9), (0, -12), textcoords="offset points", ha="right", color=INK)
    bounds(axes, farthest, record["numbers"]["chance"])
    dress(axes, finding(record))
    legend_below(figure, fontsize=8.5)
    return figure


def bounds(axes: "Axes", farthest: int, guessing: float) -> None:
    """Both axes, and the lines that a curve is judged by: chance below, what is attainable above."""
    axes.axhline(1, color=INK, lw=0.8)
    axes.axhline(guessing, color=INK, lw=0.8, ls=":")
    below = {"xytext": (0, -20), "textcoords": "offset points", "ha": "right", "color": INK}
    axes.annotate(f"chance, {guessing:.2f}", (farthest, guessing), **below)
    axes.annotate("attainable", (1, 1), (0, 4), textcoords="offset points", color=INK)
    axes.set_xscale("log", base=2)
    ticks = [2**n for n in range((farthest + 1).bit_length())]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_ylim(0, 1.1)
    axes.set_xlabel("distance from the value back to the question (symbols)")
    axes.set_ylabel("share of right answers")
