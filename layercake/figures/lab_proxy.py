"""The lab of a learned reward: what your reward model gives, step by step, and what is true, over those recorded."""

from statistics import mean
from typing import TYPE_CHECKING

from layercake import results
from layercake.figures.lab_reward import Log, over_steps
from layercake.figures.style import canvas, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def finding(log: Log) -> str:
    """What was paid and what was true, in a title."""
    paid, true = ((mean(its[:5]), mean(its[-5:])) for its in (log["reward"], log["true"]))
    return (
        f"The learned reward goes from {paid[0]:.2f} to {paid[1]:.2f};\n"
        f"right replies go from {true[0]:.0%} to {true[1]:.0%}"
    )


def alt_text(log: Log) -> str:
    """The figure in words."""
    return (
        "Two charts over the steps: what the reward model gives, and the share of right replies, beside the "
        f"recorded runs. Replies go from {mean(log['length'][:5]):.0f} to {mean(log['length'][-5:]):.0f} tokens. "
        f"{one_line(finding(log))}."
    )


def plot(log: Log) -> "Figure":
    """Draw what the reward model gives and what is true, step by step, over those recorded."""
    figure, (first, second) = canvas(1, 2, title=finding(log))
    record = results.find("goodhart")
    paid, true = (record["data"]["0"][key] if record else [] for key in ("reward", "true"))  # smoothed already
    over_steps(first, log["reward"], paid, "What is paid for", "reward of the model")
    over_steps(second, log["true"], true, "What is true", "share of right replies")
    second.set_ylim(-0.02, 1.03)
    return figure
