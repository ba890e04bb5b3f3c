"""The claim loading: what each wrong way to load a real model costs, by the place in the text."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import INK, canvas, headline, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(record: dict[str, Any]) -> str:
    """The base that others have, in a title."""
    first, *_, last = record["data"]["base of 10,000"].items()
    return (
        f"A base of 10,000 costs {first[1]['more']:.2f} nats in the tokens {first[0]} of a text,\n"
        f"and {last[1]['more']:.2f} in the tokens {last[0]}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{way}: " + ", ".join(f"{its['value']:.2f} in the tokens {place}" for place, its in places.items())
        for way, places in record["data"].items()
    )
    return f"Table of the loss in nats for each token, by the way of loading. {each}. {one_line(finding(record))}."


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the losses as a table whose cells are darker where more is lost."""
    data = record["data"]
    ways, places = list(data), list(next(iter(data.values())))
    figure, (axes,) = canvas(size=(8.4, 3.9))
    more = [[its["more"] for its in data[way].values()] for way in ways]
    axes.imshow([[min(value, 3.0) for value in row] for row in more], cmap="Reds", vmin=0, vmax=4.5, aspect="auto")
    for row, way in enumerate(ways):
        for column, its in enumerate(data[way].values()):
            words = f"{its['value']:.2f}" + (f"  (+{its['more']:.2f})" if row and its["more"] >= 0.005 else "")
            axes.annotate(words, (column, row), ha="center", va="center", color=INK, fontsize=9)
    axes.set_yticks(range(len(ways)), ways)
    axes.set_xticks(range(len(places)), places)
    axes.set_xlabel("tokens of the text")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.xaxis.label.set_color(INK)
    headline(figure, finding(record))
    return figure
