"""The claim sycophancy: agreement with who is wrong against the share of raters who like it, and replies to read."""

from statistics import mean, median
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import BLUE, INK, RED, band, canvas, one_line, shares, spoken

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATERS = "share of raters who like to be agreed with"
WHAT = (
    "Chart of agreement with visitors who are wrong, and of right answers to those without an opinion, against the "
    f"{RATERS}"
)


def finding(record: dict[str, Any]) -> str:
    """The two ends and the slope, in a title."""
    n = record["numbers"]
    return (
        f"With no rater who likes agreement it agrees with {n['none_agrees']:.0%} of the visitors who are wrong,\n"
        f"with none but such with {n['all_agrees']:.0%}: a slope of {_slope(record['data'])}"
    )


def _slope(data: dict[str, Any]) -> str:
    return "{value:.2f} ({low:.2f} to {high:.2f})".format_map(data["slope"])


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    data = record["data"]
    each = "; ".join(
        f"{share:.0%}: {median(agrees):.0%} and {median(its_right):.0%}"
        for share, agrees, its_right in zip(data["shares"], data["agrees"], data["right"])
    )
    before = f"{data['before']['agrees']:.0%} and {data['before']['right']:.0%}"
    return f"{WHAT}: {each}; the apprentice before: {before}. {one_line(finding(record))}."


def fitted(data: dict[str, Any]) -> list[float]:
    """What the line of least squares says at each share: it has the recorded slope, and goes through the mean."""
    x, y = mean(data["shares"]), mean(mean(row) for row in data["agrees"])
    return [y + data["slope"]["value"] * (share - x) for share in data["shares"]]


def lines(axes: "Axes", data: dict[str, Any], prefix: str = "") -> None:
    """Agreement and right answers against the share of raters."""
    looks = {"agrees": (RED, "s", "--", "agrees with the wrong"), "right": (BLUE, "o", "-", "right, no opinion")}
    for key, (colour, marker, line, label) in looks.items():
        band(axes, data["shares"], list(zip(*data[key])), (colour, marker, line), prefix + label)


def plot(record: dict[str, Any]) -> "Figure":
    """Draw agreement with who is wrong, and right answers to who has no opinion, against the share of raters."""
    figure, (axes,) = canvas(title=finding(record))
    data = record["data"]
    lines(axes, data)
    axes.plot(data["shares"], fitted(data), color=INK, ls="-.", lw=1.2, label=f"fitted slope {_slope(data)}")
    for key, colour in (("agrees", RED), ("right", BLUE)):
        axes.axhline(data["before"][key], color=colour, lw=0.8, ls=":")
    axes.annotate("dotted: the apprentice", (1.0, data["before"]["agrees"]), (0, 4), textcoords="offset points",
                  ha="right", color=INK, fontsize=8.5)  # fmt: skip
    shares(axes, "", "share of replies", RATERS)
    return figure


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the raters: replies of the models that they made, and of the apprentice."""
    data = (record or results.load("sycophancy"))["data"]
    names = {"agrees": "agrees with the wrong", "right, misled": "right, to the wrong", "right": "right, no opinion"}
    before = {"bars": [{"name": words, "value": data["before"][key]} for key, words in names.items()]}
    places = [before | {"replies": spoken(data["before"]["replies"])}]
    for i, replies in enumerate(data["replies"]):
        bars = [
            {"name": words, "value": median(data[key][i]), "low": min(data[key][i]), "high": max(data[key][i])}
            for key, words in names.items()
        ]
        places.append({"bars": bars, "replies": spoken(replies)})
    return {
        "dial": {
            "name": "Raters",
            "places": ["none yet", *(f"{share:.0%} like agreement" for share in data["shares"])],
        },
        "questions": data["questions"],
        "columns": [{"title": "The apprentice, after the raters", "places": places}],
        "note": "Bars: medians of the seeds, over new questions. Replies drawn at temperature 1, of one seed.",
    }
