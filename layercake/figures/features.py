"""The claim features: what can be read off a model's states, by question and by layer."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, GREEN, INK, RED, SURFACE, YELLOW, canvas, dress, legend, misses, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ((GREEN, "o"), (BLUE, "s"), (RED, "^"), ("#CC79A7", "D"), (YELLOW, "v"), ("#000000", "x"))


def best(its: dict[str, Any]) -> tuple[int, dict[str, float]]:
    """The layer of the pretrained model from which one question is answered best, and the share that is right."""
    return max(enumerate(its["pretrained"][0]), key=lambda at: at[1]["value"])


def best_untrained(its: dict[str, Any]) -> list[float]:
    """The best layer of each untrained model."""
    return [max(layer["value"] for layer in layers) for layers in its["untrained"]]


def finding(record: dict[str, Any]) -> str:
    """What can be read off, in a title."""
    n = record["numbers"]
    return (
        f"Who has a thing that has just moved can be read off {n['moved_right']:.0%} of the time, a carry "
        f"{n['carry_right']:.0%};\noff untrained models {n['moved_untrained']:.0%} and {n['carry_untrained']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = "; ".join(
        f"{question}: {best(its)[1]['value']:.2f}, untrained {max(best_untrained(its)):.2f}, the commonest answer "
        f"{its['commonest']['value']:.2f}"
        for question, its in record["data"].items()
    )
    return (
        "Two panels. Above, points for the share of right answers of a linear probe on the best layer, for six "
        f"questions. {said}. Below, the share by layer of the pretrained model, from the embedding up. "
        f"{one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the best layer of each model beside the baselines, and the pretrained model layer by layer."""
    figure, (above, below) = canvas(2, size=(7, 8))
    _questions(above, record["data"])
    dress(above, finding(record))
    legend(above, "upper center", bbox_to_anchor=(0.2, -0.16), ncols=2)
    for (question, its), (colour, marker) in zip(record["data"].items(), LINES, strict=True):
        (layers,) = its["pretrained"]
        shares = [layer["value"] for layer in layers]
        below.fill_between(
            range(len(layers)), [layer["low"] for layer in layers], [layer["high"] for layer in layers],
            color=colour, alpha=0.2, lw=0,
        )  # fmt: skip
        below.plot(shares, color=colour, marker=marker, markersize=5, label=question)
    below.set_xticks(range(len(layers)), ["embedding", *map(str, range(1, len(layers)))])
    below.set_ylim(0, 1.02)
    below.set_xlabel("after which layer of the pretrained model")
    below.set_ylabel("right (share)")
    dress(below, "Where in the model it is")
    legend(below, "upper center", bbox_to_anchor=(0.4, -0.16))
    return figure


def _questions(axes: "Axes", data: dict[str, Any]) -> None:
    """One row for each question: the pretrained model with its interval, the untrained ones, and two baselines."""
    rows = range(len(data))
    read = [best(its)[1] for its in data.values()]
    style = {"fmt": "o", "color": BLUE, "markersize": 9, "capsize": 4}
    axes.errorbar([its["value"] for its in read], rows, xerr=misses(read), label="pretrained, best layer", **style)
    for row, its in zip(rows, data.values()):
        values = best_untrained(its)
        label = "untrained, best layer" if row == 0 else ""
        axes.plot(values, [row] * len(values), "^", color=RED, markersize=7, label=label)
    named = [its["named last"]["value"] or None for its in data.values()]  # of a carry nothing is named
    axes.plot(named, rows, "D", color=INK, markerfacecolor=SURFACE, markersize=7, ls="", label="what was named last")
    commonest = [its["commonest"]["value"] for its in data.values()]
    axes.plot(commonest, rows, "|", color=INK, markersize=14, ls="", label="the commonest answer")
    axes.set_yticks(rows, [_folded(question) for question in data])
    axes.invert_yaxis()
    axes.set_xlim(0, 1.02)
    axes.set_xlabel("right on new stories (share)")


def _folded(question: str) -> str:
    """A question on two lines."""
    words = question.split()
    half = len(words) // 2
    return " ".join(words[:half]) + "\n" + " ".join(words[half:])
