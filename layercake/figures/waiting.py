"""The claim waiting: the longest chain of steps, which is exact on any machine, and the clock below it."""

import textwrap
from typing import TYPE_CHECKING, Any

from layercake.figures import lab_clock
from layercake.figures.style import COLOURS, MARKERS, canvas, dress

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(data: dict[str, Any]) -> str:
    """The exact half of the finding: who waits for how many steps at the greatest length."""
    last = {name: depths[-1] for name, depths in data["sequential_depth"].items()}
    said = ", ".join(f"{name} {steps}" for name, steps in last.items())
    return f"Steps in a row at {data['length'][-1]} symbols: {said}"


def alt_text(data: dict[str, Any]) -> str:
    """Both panels in words."""
    names = tuple(data["sequential_depth"])
    return (
        f"Two line charts against the length of the text. Above, the longest chain of steps, which is exact on any "
        f"machine. {finding(data)}. Below, the clock. {lab_clock.alt_text(data, names)}"
    )


def plot(data: dict[str, Any]) -> "Figure":
    """Draw the chain of waiting above the clock, for the readers that `data["sequential_depth"]` has."""
    names = tuple(data["sequential_depth"])
    figure, (chain, clock) = canvas(2, size=(7, 8.4))
    for name in names:
        # The recurrent networks have the same chain: a wider line below shows through beside a narrower one above.
        width = 5 - 4 * names.index(name) / len(names)
        style = {"color": COLOURS[name], "marker": MARKERS[name], "linewidth": width, "label": name}
        chain.plot(data["length"], data["sequential_depth"][name], **style)
    chain.set_ylabel("steps that must follow one another")
    lab_clock.by_doubling(chain, data)
    dress(chain, textwrap.fill(finding(data), 72))
    lab_clock.draw(clock, data, names)
    return figure
