"""The claim goodhart: the learned reward and the truth against the distance from the start, and replies to read."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import BLUE, RED, Style, canvas, dress, one_line, shares, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FREE, HELD = (RED, "s", "-"), (BLUE, "o", "--")  # without a penalty and with one


def finding(record: dict[str, Any]) -> str:
    """What is paid and what is true, in a title."""
    n = record["numbers"]
    held = f", with a penalty at {n['held_true']:.0%}" if "held_true" in n else ""
    return (
        f"The learned reward goes from {n['free_first_reward']:.2f} to {n['free_reward']:.2f};\n"
        f"right replies begin at {n['free_first_true']:.0%} and end at {n['free_true']:.0%}{held}"
    )


def penalty(beta: str) -> str:
    """What the runs with it are called."""
    return "no penalty" if beta == "0" else f"penalty {beta}"


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for beta, its in record["data"].items():
        ends = {key: median(one[key] for one in its["turning"]) for key in ("kl", "first reward", "reward", "true")}
        said.append(
            f"with {penalty(beta)} the learned reward goes from {ends['first reward']:.2f} to {ends['reward']:.2f} at "
            f"{ends['kl']:.0f} nats, where {ends['true']:.0%} of the replies are right"
        )
    return (
        "Two charts against the distance from the start in nats, on a logarithmic axis, a line for each seed: the "
        f"learned reward, and the share of right replies; {'; '.join(said)}. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the learned reward and the truth against the distance from the start, a line for each seed."""
    figure, (first, second) = canvas(1, 2, title=finding(record))
    for (beta, its), style in zip(record["data"].items(), (FREE, HELD)):
        for axes, key in ((first, "reward"), (second, "true")):
            _by_distance(axes, its["kl"], its[key], style, penalty(beta))
    far = "nats a reply from where it began;\neach run ends at its marker"
    first.set_ylabel("reward of the model")
    first.set_xlabel(far)
    dress(first, "What is paid for")
    shares(second, "What is true", "share of right replies", far)
    return figure


def _by_distance(axes: "Axes", distances: list[list[float]], rows: list[list[float]], style: Style, label: str) -> None:
    """A line for each seed, with a marker where it ends; a nat and less are drawn on a linear axis."""
    colour, marker, line = style
    for i, (x, y) in enumerate(zip(distances, rows)):
        axes.plot(x, y, color=colour, marker=marker, markevery=[-1], ls=line, lw=1.2, label=None if i else label)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks(ticks := [0, 1, 10, 100], [str(tick) for tick in ticks])


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the training by a learned reward: replies at ever larger distances."""
    its = (record or results.load("goodhart"))["data"]["0"]
    paid, given, true, far = (its[key][0] for key in ("reward", "utility", "true", "kl"))  # of one seed
    places = [
        {
            "bars": [
                {"name": "the learned reward", "value": _on_its_way(paid, said["step"])},
                {"name": "the raters' own", "value": _on_its_way(given, said["step"])},
                {"name": "right", "value": true[said["step"] - 1]},
            ],
            "replies": spoken(said["replies"]),
        }
        for said in its["said"]
    ]
    return {
        "dial": {"name": "Distance", "places": [f"{max(far[said['step'] - 1], 0.0):.1f} nats" for said in its["said"]]},
        "questions": its["questions"],
        "columns": [{"title": "Paid by the reward model", "places": places}],
        "note": "Replies drawn at temperature 1, of one seed without a penalty. The learned reward, and the raters' "
        "own, which is what the replies are worth to all raters on average: their way from the lowest to the highest "
        f"of this run, {min(paid):.1f} to {max(paid):.1f} and {min(given):.1f} to {max(given):.1f}. Right: the share "
        "of the replies of the last five steps.",
    }


def _on_its_way(values: list[float], step: int) -> float:
    """Where a step stands between the lowest and the highest of a run, from 0 to 1."""
    low, high = min(values), max(values)
    return round((values[step - 1] - low) / ((high - low) or 1.0), 4)
