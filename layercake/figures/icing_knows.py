"""The claim icing-knows: where facts come from, what makes answers up, and the price of admitting."""

from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.icing import STYLES
from layercake.figures.style import INK, Style, canvas, dress, legend, middle, ribbon

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PRETRAINING, TUNING = STYLES["pretrained"], STYLES["from scratch"]  # whose doing it is


FACTS = {
    "right": "pretraining alone", "both": "both", "shown 1": "tuning, once", "shown 3": "tuning, 3 times",
    "shown 10": "tuning, 10 times", "shown 30": "tuning, 30 times",
}  # fmt: skip


def finding(record: dict[str, Any]) -> str:
    """The three answers in a title."""
    n = record["numbers"]
    return (
        f"Pretraining's facts: {n['facts_right']:.0%} right without a demonstration; a fact shown once: "
        f"{n['facts_shown_1']:.0%}.\nThe more it is shown to say that it does not know, the more it also denies"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    facts, made_up, price = (record["data"][part] for part in ("facts", "making up", "the price"))
    known = record["data"]["more of the known"]
    bars = ", ".join(f"{words} {median(facts[key][0]):.0%}" for key, words in FACTS.items())
    lines = "; ".join(f"{int(n):,}: {median(values):.0%}" for n, values in zip(made_up["dial"], made_up["makes up"]))
    each = zip(price["dial"], price["admits"], price["right"])
    prices = "; ".join(f"{share:.0%}: {median(admits):.0%} and {median(right):.0%}" for share, admits, right in each)
    return (
        f"Three charts. Facts right, by where they were stated: {bars}. Answers made up where nothing is known, by the "
        f"number of demonstrations about strangers: {lines}; after {int(known['dial'][0]):,} more about known facts: "
        f"{median(known['makes up'][0]):.0%}. By the share of demonstrations that say that they do not "
        f"know, how many unknown facts are admitted and how many known ones are right: {prices}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw where facts come from, what makes answers up, and the price of admitting."""
    facts, made_up, price = (record["data"][part] for part in ("facts", "making up", "the price"))
    known = [made_up["makes up"][0], *record["data"]["more of the known"]["makes up"]]
    figure, (first, second, third) = canvas(1, 3, size=(10, 4.4), title=finding(record))
    for i, key in enumerate(FACTS):
        first.barh(i, median(facts[key][0]), color=(PRETRAINING if i < 2 else TUNING)[0], height=0.6)
        first.plot(facts[key][0], [i] * len(facts[key][0]), "|", color=INK, markersize=9)
    first.set_yticks(range(len(FACTS)), FACTS.values())
    first.invert_yaxis()
    first.set_xlim(0, 1.02)
    first.set_xlabel("share of facts right")
    dress(first, "Where a fact was stated")
    more = {"about strangers": (made_up["makes up"], TUNING), "about known facts": (known, PRETRAINING)}
    _lines(second, [f"{int(n):,}" for n in made_up["dial"]], more)
    second.set_xlabel("more demonstrations")
    second.set_ylabel("share of unknown facts")
    dress(second, "What makes answers up")
    both = {"unknown, admitted": (price["admits"], TUNING), "known, right": (price["right"], PRETRAINING)}
    _lines(third, [f"{share:.0%}" for share in price["dial"]], both)
    third.set_xlabel("demonstrations that do not know")
    dress(third, "The price of admitting")
    return figure


def _lines(axes: "Axes", places: list[str], lines: dict[str, tuple[list[list[float]], Style]]) -> None:
    """Lines over places that are equally far apart, each with the range of its seeds."""
    for label, (rows, (colour, marker, line)) in lines.items():
        its = middle(list(zip(*rows)))
        ribbon(axes, range(len(places)), its, colour, alpha=0.2, marker=marker, ls=line, markersize=5, label=label)
    axes.set_xticks(range(len(places)), places)
    axes.set_ylim(-0.02, 1.03)
    axes.set_ylabel("share of replies")
    legend(axes, "lower right", fontsize=8.5)
