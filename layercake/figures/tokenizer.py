"""The claim tokenizer: what a doubling of the vocabulary buys, and what the same messages cost in each language."""

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, GREEN, INK, RED, YELLOW, canvas, dress, one_line, rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARMS = {  # of the tokenizers: colour, marker, and what the legend says
    "bytes": ("#888888", "|", "no tokenizer: bytes"),
    "English": (RED, "o", "learned from English"),
    "shares": (YELLOW, "s", "from equal shares of all"),
    "own": (GREEN, "D", "from the language itself"),
}
LINES = {  # learned from, read: colour, marker, line
    ("English", "English"): (BLUE, "o", "-"),
    ("English", "Python source"): (RED, "s", "--"),
    ("Python source", "Python source"): (RED, "s", "-"),
    ("Python source", "English"): (BLUE, "o", "--"),
}


def ratio(data: dict[str, Any], language: str, arm: str) -> dict[str, float]:
    """Tokens of the held-out messages over those of English by English: median, lowest and highest of the splits.

    Where nothing was learned it is bytes over bytes.
    """
    its, english = (
        data["messages"][language][arm],
        data["messages"]["English"]["bytes" if arm == "bytes" else "English"],
    )
    of_splits = [n / base for n, base in zip(its, english)]
    return {"value": median(of_splits), "low": min(of_splits), "high": max(of_splits)}


def languages(data: dict[str, Any]) -> list[str]:
    """All but English, the most expensive for an English tokenizer first."""
    others = [language for language in data["messages"] if language != "English"]
    return sorted(others, key=lambda language: -ratio(data, language, "English")["value"])


def finding(data: dict[str, Any]) -> str:
    """What the rows show, computed from them."""
    values = {arm: [ratio(data, language, arm)["value"] for language in languages(data)] for arm in ("English", "own")}
    return (
        f"The same messages in {len(languages(data))} languages: {min(values['English']):.1f} to "
        f"{max(values['English']):.1f} times the tokens of English\nwith a tokenizer learned from English, "
        f"{min(values['own']):.1f} to {max(values['own']):.1f} times with their own"
    )


def gains(data: dict[str, Any], name: str) -> list[float]:
    """What each doubling adds, in held-out bytes per token of a text by its own tokenizer: medians of the splits."""
    row = data["bytes_per_token"][name][name]
    return [median(b - a for a, b in zip(before, after)) for before, after in pairwise(row)]


def what_doublings_buy(data: dict[str, Any]) -> str:
    """What the first and the last doubling of the vocabulary buy, of each text by its own tokenizer."""
    english, source = (gains(data, name) for name in ("English", "Python source"))
    return (
        f"A doubling to {data['sizes'][1]} buys {english[0]:.2f} bytes per token for English and {source[0]:.2f} for "
        f"Python source,\none to {data['sizes'][-1]:,} buys {english[-1]:.2f} and {source[-1]:.2f}"
    )


def alt_text(data: dict[str, Any]) -> str:
    """Both panels in words."""
    of_each = "; ".join(
        f"{language}: bytes {ratio(data, language, 'bytes')['value']:.1f}, from English "
        f"{ratio(data, language, 'English')['value']:.1f}, from shares {ratio(data, language, 'shares')['value']:.1f}, "
        f"its own {ratio(data, language, 'own')['value']:.1f}"
        for language in languages(data)
    )
    return (
        "Two charts. Above, bytes per token on held-out text against the size of the vocabulary, on a logarithmic "
        "axis, for tokenizers learned from English and from Python source, each reading both: all four lines rise and "
        f"bend, and a text costs less by the tokenizer of its kind. {one_line(what_doublings_buy(data))}. Below, the "
        f"tokens of the same held-out messages relative to English. {of_each}."
    )


def draw_curves(axes: "Axes", sizes: list[int], bytes_per_token: dict[str, dict[str, list[float]]]) -> None:
    """Bytes per token against the vocabulary: the colour says what is read, a dashed line that it is a stranger."""
    for (name, read), (colour, marker, line) in LINES.items():
        label = f"{read}, by the tokenizer of {'its kind' if name == read else name}"
        axes.plot(sizes, bytes_per_token[name][read], color=colour, marker=marker, ls=line, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_ylim(0.8, None)
    axes.set_xlabel("size of the vocabulary (tokens)")
    axes.set_ylabel("held-out bytes per token")


def draw_languages(axes: "Axes", data: dict[str, Any], title: str) -> None:
    """A row for each language, a mark for each tokenizer, and the range of the splits."""
    names = languages(data)
    rows(axes, names)
    for arm, (colour, marker, label) in ARMS.items():
        its = [ratio(data, language, arm) for language in names]
        axes.hlines(range(len(names)), [one["low"] for one in its], [one["high"] for one in its], color=colour, lw=2)
        look = {"color": colour, "marker": marker, "ls": "", "label": label, "markersize": 14 if arm == "bytes" else 7}
        axes.plot([one["value"] for one in its], range(len(names)), **look)
    axes.axvline(1, color=INK, lw=0.8)
    axes.set_xlim(0.5, None)
    axes.set_xlabel(f"tokens for the same messages, English = 1 (vocabulary {data['vocab_size']:,})")
    dress(axes, title)
    axes.grid(axis="x", color="#dddddd", lw=0.6)


def plot(data: dict[str, Any]) -> "Figure":
    """Draw the curves above the languages, medians of the splits."""
    figure, (above, below) = canvas(2, size=(7.2, 9), gridspec_kw={"height_ratios": [3, 4]})
    medians = {
        name: {read: [median(of_splits) for of_splits in row] for read, row in its.items()}
        for name, its in data["bytes_per_token"].items()
    }
    draw_curves(above, data["sizes"], medians)
    dress(above, what_doublings_buy(data))
    draw_languages(below, data, finding(data))
    return figure
