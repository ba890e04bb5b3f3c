"""The figures of the claims "icing" and "icing-knows", and the replies that the moving picture of the chapter shows."""

from statistics import median
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.recall_figure import INK, SURFACE, dress, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by marker and line as well.
STYLES = {
    "pretrained": ("#0072B2", "o", "-"),
    "from scratch": ("#D55E00", "s", "--"),
    "from scratch, five times the steps": ("#E69F00", "D", ":"),
}
LONGEST = 100  # characters of a reply that the moving picture shows
EXAMS = {"new facts": "facts that no demonstration is about", "shown facts": "facts that demonstrations are about"}
MANNERS = {
    "right": "right", "cites": "cites its source", "asks back": "asks back", "admits": "says if it does not know",
    "as polite": "as polite as you",
}  # fmt: skip


def icing_finding(record: dict[str, Any]) -> str:
    """How many demonstrations it takes, in a title."""
    n = record["numbers"]
    most = record["data"]["starts"]["pretrained"]["demonstrations"][-1]
    needs = f"takes {round(n['pre_new_needed']):,} demonstrations" if "pre_new_needed" in n else "never gets there"
    scratch = f"{n['scratch_shown_best']:.0%}" if "scratch_shown_needed" not in n else "as much"
    return (
        f"Pretrained, the model {needs} to be 90% right;\n"
        f"from scratch, {most:,} of them give {scratch} even on the facts that they are about"
    )


def icing_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for exam, words in EXAMS.items():
        for start, its in record["data"]["starts"].items():
            right = its["exams"][exam]["right"]["median"]
            each = ", ".join(f"{value:.0%} after {n:,}" for n, value in zip(its["demonstrations"], right))
            said.append(f"{words}, {start}: {each}")
    return (
        "Two charts of the share of right answers against the number of demonstrations on a logarithmic axis, one line "
        f"for each start with the range of three seeds. {'. '.join(said)}. {one_line(icing_finding(record))}."
    )


def plot_icing(record: dict[str, Any]) -> "Figure":
    """Draw the accuracy on new and on shown facts against the number of demonstrations, for each start."""
    from matplotlib import pyplot as plt

    data = record["data"]
    figure, both = plt.subplots(1, 2, figsize=(8.4, 4.6), sharey=True, facecolor=SURFACE, layout="constrained")
    for axes, (exam, words) in zip(both, EXAMS.items()):
        for start, its in data["starts"].items():
            colour, marker, line = STYLES[start]
            n, right = its["demonstrations"], its["exams"][exam]["right"]
            axes.fill_between(n, right["low"], right["high"], color=colour, alpha=0.2, lw=0)
            axes.plot(n, right["median"], color=colour, marker=marker, ls=line, markersize=5, label=start)
        axes.axhline(data["chance"], color=INK, lw=0.8, ls=":")
        axes.annotate("a guess", (n[-1], data["chance"]), (0, 4), textcoords="offset points", ha="right", color=INK)
        axes.axhline(0.9, color=INK, lw=0.6)
        axes.set_xscale("log")
        axes.set_xticks(its_numbers := data["starts"]["pretrained"]["demonstrations"], [f"{n:,}" for n in its_numbers])
        axes.minorticks_off()
        axes.tick_params(axis="x", labelrotation=45)
        axes.set_ylim(-0.02, 1.03)
        axes.set_xlabel("demonstrations")
        dress(axes, words)
        axes.get_legend().remove()  # one for both stands below
    both[0].set_ylabel("share of right answers")
    handles, labels = both[0].get_legend_handles_labels()
    figure.suptitle(icing_finding(record), x=0.01, ha="left", color=INK, fontsize=11)
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, labelcolor=INK, fontsize=8.5)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


# What tuning teaches -----------------------------------------------------------------------------------------------


def knows_finding(record: dict[str, Any]) -> str:
    """The three answers in a title."""
    n = record["numbers"]
    return (
        f"Pretraining's facts: {n['facts_right']:.0%} right without a demonstration; a fact shown once: "
        f"{n['facts_shown_1']:.0%}.\nThe more it is shown to say that it does not know, the more it also denies"
    )


def knows_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    facts, made_up, price = (record["data"][part] for part in ("facts", "making up", "the price"))
    known = record["data"]["more of the known"]
    bars = ", ".join(f"{words} {median(facts[key][0]):.0%}" for key, words in _FACTS.items())
    lines = "; ".join(f"{int(n):,}: {median(values):.0%}" for n, values in zip(made_up["dial"], made_up["makes up"]))
    each = zip(price["dial"], price["admits"], price["right"])
    prices = "; ".join(f"{share:.0%}: {median(admits):.0%} and {median(right):.0%}" for share, admits, right in each)
    return (
        f"Three charts. Facts right, by where they were stated: {bars}. Answers made up where nothing is known, by the "
        f"number of demonstrations about strangers: {lines}; after {int(known['dial'][0]):,} more about known facts: "
        f"{median(known['makes up'][0]):.0%}. By the share of demonstrations that say that they do not "
        f"know, how many unknown facts are admitted and how many known ones are right: {prices}."
    )


_FACTS = {
    "right": "pretraining alone", "both": "both", "shown 1": "tuning, once", "shown 3": "tuning, 3 times",
    "shown 10": "tuning, 10 times", "shown 30": "tuning, 30 times",
}  # fmt: skip


def plot_knows(record: dict[str, Any]) -> "Figure":
    """Draw where facts come from, what makes answers up, and the price of admitting."""
    from matplotlib import pyplot as plt

    facts, made_up, price = (record["data"][part] for part in ("facts", "making up", "the price"))
    known = [made_up["makes up"][0], *record["data"]["more of the known"]["makes up"]]
    figure, (first, second, third) = plt.subplots(1, 3, figsize=(10, 4.4), facecolor=SURFACE, layout="constrained")
    for i, key in enumerate(_FACTS):
        colour = STYLES["pretrained" if i < 2 else "from scratch"][0]
        first.barh(i, median(facts[key][0]), color=colour, height=0.6)
        first.plot(facts[key][0], [i] * len(facts[key][0]), "|", color=INK, markersize=9)
    first.set_yticks(range(len(_FACTS)), _FACTS.values())
    first.invert_yaxis()
    first.set_xlim(0, 1.02)
    first.set_xlabel("share of facts right")
    dress(first, "Where a fact was stated")
    more = {"about strangers": (made_up["makes up"], "from scratch"), "about known facts": (known, "pretrained")}
    _lines(second, [f"{int(n):,}" for n in made_up["dial"]], more)
    second.set_xlabel("more demonstrations")
    second.set_ylabel("share of unknown facts")
    dress(second, "What makes answers up")
    both = {"unknown, admitted": (price["admits"], "from scratch"), "known, right": (price["right"], "pretrained")}
    _lines(third, [f"{share:.0%}" for share in price["dial"]], both)
    third.set_xlabel("demonstrations that do not know")
    dress(third, "The price of admitting")
    figure.suptitle(knows_finding(record), x=0.01, ha="left", color=INK, fontsize=11)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def _lines(axes: "Axes", places: list[str], lines: dict[str, tuple[list[list[float]], str]]) -> None:
    """Lines over places that are equally far apart, each with the range of its seeds."""
    for label, (rows, style) in lines.items():
        colour, marker, line = STYLES[style]
        axes.fill_between(
            range(len(places)), *zip(*((min(row), max(row)) for row in rows)), color=colour, alpha=0.2, lw=0
        )
        axes.plot([median(row) for row in rows], color=colour, marker=marker, ls=line, markersize=5, label=label)
    axes.set_xticks(range(len(places)), places)
    axes.set_ylim(-0.02, 1.03)
    axes.set_ylabel("share of replies")
    axes.legend(frameon=False, labelcolor=INK, fontsize=8.5, loc="lower right")


# The moving picture ------------------------------------------------------------------------------------------------


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
                    "replies": [{"text": shorten(text, LONGEST, placeholder=" …")} for text in its["replies"]],
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
