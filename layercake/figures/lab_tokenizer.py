"""The lab of the tokenizer: what your vocabularies buy, and below what the recorded ones cost in other languages."""

from typing import TYPE_CHECKING, Protocol

from layercake import results
from layercake.figures import tokenizer
from layercake.figures.style import canvas, dress, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Curves(Protocol):
    """What the figure has to know of a run."""

    sizes: tuple[int, ...]
    bytes_per_token: dict[str, dict[str, list[float]]]  # learned from, read


def finding(curves: Curves) -> str:
    """What the curves show, computed from them."""
    its, other = (curves.bytes_per_token[name]["English"] for name in ("English", "Python source"))
    return (
        f"English: the first doubling buys {its[1] - its[0]:.2f} bytes per token, the last {its[-1] - its[-2]:.2f};\n"
        f"the tokenizer of Python source takes {its[-1] / other[-1]:.2f} times as many tokens for it"
    )


def alt_text(curves: Curves) -> str:
    """The figure in words."""
    ends = "; ".join(
        f"{read} by the tokenizer of {name} from {row[0]:.2f} to {row[-1]:.2f}"
        for name, rows in curves.bytes_per_token.items()
        for read, row in rows.items()
    )
    said = (
        f"Line chart of held-out bytes per token against the size of the vocabulary, {curves.sizes[0]} to "
        f"{curves.sizes[-1]:,}: {ends}. {one_line(finding(curves))}."
    )
    record = results.find("tokenizer")
    return said + (f" Below, as recorded. {one_line(tokenizer.finding(record['data']))}." if record else "")


def plot(curves: Curves) -> "Figure":
    """Draw your curves above the recorded languages, where there are any."""
    record = results.find("tokenizer")
    figure, axes = canvas(2 if record else 1, size=(7.2, 9 if record else 4.4))
    tokenizer.draw_curves(axes[0], list(curves.sizes), curves.bytes_per_token)
    dress(axes[0], finding(curves))
    if record:
        tokenizer.draw_languages(axes[1], record["data"], "As recorded:\n" + tokenizer.finding(record["data"]))
    return figure
