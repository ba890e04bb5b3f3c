"""The claim every-position: what is learned from as many pages by one label of each, and by every position."""

from typing import TYPE_CHECKING, Any

from layercake.figures.style import BLUE, INK, RED, canvas, dress, legend, level, misses, one_line, ribbon

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STYLES = {"one label": (RED, "o"), "every position": (BLUE, "s")}


def finding(record: dict[str, Any]) -> str:
    """What was learned from as many texts, in a title."""
    n = record["numbers"]
    return (
        f"From {n['fewest_pages']:,} pages: {n['label_right_fewest']:.0%} right by one label of each, "
        f"{n['every_right_fewest']:.0%} by every position;\n"
        f"from {n['pages']:,} pages: {n['label_right']:.0%} and {n['every_right']:.0%}"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The two panels in words."""
    data, n = record["data"], record["numbers"]
    pages = ", ".join(f"{count:,}" for count in data["pages"])
    shares = "; ".join(
        f"{how} {', '.join(f'{share:.2f}' for share in data[how]['right']['median'])}"
        for how in ("one label", "every position")
    )
    return (
        "Two panels. Above, a line chart of the share of right answers about new pages against the pages learned from, "
        f"{pages}: {shares}; the best possible reader has {n['bound']:.2f}, the commonest answer {n['commonest']:.2f}. "
        f"Below, points for the processor time for each target: {n['label_ms_per_target']:.2f} ms as a label, "
        f"{n['every_ms_per_target']:.3f} ms as a position. {one_line(finding(record))}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw what was learned against the texts it was learned from, both ways, and what a target costs."""
    data, n = record["data"], record["numbers"]
    figure, (above, below) = canvas(2, size=(7, 7), height_ratios=(5, 3))
    for how, (colour, marker) in STYLES.items():
        ribbon(above, data["pages"], data[how]["right"], colour, marker=marker, label=f"trained on {how}")
    level(above, n["bound"], data["pages"][0], "the best possible reader", "-")
    level(above, n["commonest"], data["pages"][0], "the commonest answer", ":")
    above.set_xscale("log")
    above.set_xticks(data["pages"], [f"{pages:,}" for pages in data["pages"]])
    above.set_ylim(0, 1.15)
    above.set_xlabel("pages to learn from")
    above.set_ylabel("questions about new pages answered (share)")
    dress(above, finding(record))
    legend(above, "lower right", bbox_to_anchor=(1, 0.1))
    _costs(below, data["cost"])
    return figure


def _costs(axes: "Axes", cost: dict[str, Any]) -> None:
    """The processor time of one target, both ways, and how many targets a page has."""
    for how, (colour, _) in STYLES.items():
        times = cost[how]["ms_per_target"]
        axes.errorbar(
            [how],
            [times["median"]],
            yerr=misses([times], "median"),
            fmt="o",
            color=colour,
            markersize=9,
            capsize=5,
            ecolor=INK,
        )
        each = f"{times['median']:.3g} ms\n{cost[how]['targets'] / cost['pages']:.0f} a page"
        axes.annotate(each, (how, times["high"]), (0, 4), textcoords="offset points", ha="center", color=INK)
    axes.set_yscale("log")
    axes.set_ylim(top=max(cost[how]["ms_per_target"]["high"] for how in STYLES) * 4)
    axes.set_xlim(-0.6, 1.6)
    axes.set_ylabel("processor time for each target (ms)")
    dress(axes, "What one target costs")
