"""The figures of the topic reward: those of the lab, those of the records, and what its two moving pictures show.

`plot`, `plot_proxy` and `plot_flattery` draw a run of the lab over what was recorded; `plot_cherry`, `plot_cold_start`,
`plot_model`, `plot_goodhart`, `plot_sycophancy` and `plot_rounds` draw the records. Each has its finding and its text
alternative in words. `goodhart` and `flattery` are what the picture `replies` shows.
"""

from statistics import mean, median
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from layercake import raters, results, reward
from layercake.icing_figure import LONGEST
from layercake.recall_figure import INK, SURFACE, dress, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by marker and line as well.
BLUE, RED, GREEN, PINK, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
ERRORS = {"at random": (BLUE, "o", "-"), "by a system": (RED, "s", "--")}
STARTS = {"from scratch": (RED, "s", "--"), "pretrained": (YELLOW, "D", ":"), "supervised": (BLUE, "o", "-")}
FACTS = {"compared facts": (BLUE, "o"), "other facts": (RED, "s")}


def recorded(name: str) -> dict[str, Any] | None:
    """A record, or None where there is none."""
    try:
        return results.load(name)
    except FileNotFoundError:
        return None


def smooth(values: list[float], n: int = 5) -> list[float]:
    """The mean of each step and the few before it."""
    return [mean(values[max(0, i - n + 1) : i + 1]) for i in range(len(values))]


def middle(rows: list[list[float]]) -> tuple[list[float], list[float], list[float]]:
    """Of each place the median, the lowest and the highest of the seeds."""
    columns = list(zip(*rows))
    return [median(its) for its in columns], [min(its) for its in columns], [max(its) for its in columns]


def canvas(n: int, title: str, height: float = 4.4) -> tuple["Figure", list["Axes"]]:
    """A figure with `n` charts side by side, and its finding above."""
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplots(1, n, figsize=(8.4, height), facecolor=SURFACE, layout="constrained", squeeze=False)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure, list(all_axes[0])


def band(axes: "Axes", x: list[float], rows: list[list[float]], style: tuple[str, str, str], label: str) -> None:
    """A line with the range of the seeds, and some markers."""
    (colour, marker, line), (value, low, high) = style, middle(rows)
    axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    every = max(1, len(x) // 7)
    axes.plot(x, value, color=colour, marker=marker, markevery=every, ls=line, markersize=5, label=label)


def shares(axes: "Axes", title: str, ylabel: str, xlabel: str) -> None:
    """Axes of a share of replies."""
    axes.set_ylim(-0.02, 1.03)
    axes.set_ylabel(ylabel)
    axes.set_xlabel(xlabel)
    dress(axes, title)


# The lab -----------------------------------------------------------------------------------------------------------


def right(replies: reward.Replies) -> float:
    """The share of right replies."""
    return reward.truth(replies).mean().item()


def finding(tuned: reward.Graded) -> str:
    """Before and after, in a title."""
    before, after = (right(tuned.exams[f"{when}, drawn"]) for when in ("before", "after"))
    steps = len(tuned.trained.log.reward)
    return (
        f"After {steps:,} steps of grading {after:.0%} of the replies to new questions are right, before {before:.0%}"
    )


def alt_text(tuned: reward.Graded) -> str:
    """The figure in words."""
    log = tuned.trained.log
    exams = ", ".join(f"{name} {right(replies):.0%}" for name, replies in tuned.exams.items())
    ends = f"from {mean(log.true[:5]):.0%} to {mean(log.true[-5:]):.0%}"
    return (
        f"Two charts over the steps of the training: right replies, {ends}, beside the recorded runs; and the distance "
        f"from the start, which ends at {mean(log.kl[-5:]):.1f} nats a reply. Right on new questions: {exams}. "
        f"{one_line(finding(tuned))}."
    )


def plot(tuned: reward.Graded) -> "Figure":
    """Draw the share of right replies and the distance, step by step, over those recorded."""
    figure, (first, second) = canvas(2, finding(tuned))
    log = tuned.trained.log
    _recorded_log(first, "cherry", "at random", "reward")
    _recorded_log(second, "cherry", "at random", "kl")
    steps = list(range(1, len(log.true) + 1))
    first.plot(steps, smooth(log.true), color=GREEN, lw=2, label="yours")
    second.plot(steps, smooth(log.kl), color=GREEN, lw=2, label="yours")
    shares(first, "Right, as it learns", "share of replies", "step")
    second.set_xlabel("step")
    second.set_ylabel("nats a reply")
    dress(second, "Distance from the start")
    return figure


def _recorded_log(axes: "Axes", name: str, part: str, key: str) -> None:
    if record := recorded(name):
        rows = record["data"][part]["log"][key] if name == "cherry" else record["data"][part][key]
        rows = [smooth(row) for row in rows]
        band(axes, list(range(1, len(rows[0]) + 1)), rows, (BLUE, "o", "-"), "recorded, three seeds")


def proxy_finding(gamed: reward.Graded) -> str:
    """What was paid and what was true, in a title."""
    log = gamed.trained.log
    paid, true = ((mean(its[:5]), mean(its[-5:])) for its in (log.reward, log.true))
    return (
        f"The learned reward goes from {paid[0]:.2f} to {paid[1]:.2f};\n"
        f"right replies go from {true[0]:.0%} to {true[1]:.0%}"
    )


def proxy_alt_text(gamed: reward.Graded) -> str:
    """The figure in words."""
    log = gamed.trained.log
    return (
        "Two charts against the steps: what the reward model gives, and the share of right replies, beside the "
        f"recorded runs. Replies go from {mean(log.length[:5]):.0f} to {mean(log.length[-5:]):.0f} tokens. "
        f"{one_line(proxy_finding(gamed))}."
    )


def plot_proxy(gamed: reward.Graded) -> "Figure":
    """Draw what the reward model gives and what is true, step by step, over those recorded."""
    figure, (first, second) = canvas(2, proxy_finding(gamed))
    log = gamed.trained.log
    _recorded_log(first, "goodhart", "0", "reward")
    _recorded_log(second, "goodhart", "0", "true")
    steps = list(range(1, len(log.true) + 1))
    first.plot(steps, smooth(log.reward), color=GREEN, lw=2, label="yours")
    second.plot(steps, smooth(log.true), color=GREEN, lw=2, label="yours")
    first.set_xlabel("step")
    first.set_ylabel("reward of the model")
    dress(first, "What is paid for")
    shares(second, "What is true", "share of right replies", "step")
    return figure


def flattery_shares(flattered: reward.Flattered) -> dict[float | None, tuple[float, float]]:
    """By the share of raters: agreement with who is wrong, and right answers to who has no opinion."""
    return {
        share: (reward.share(raters.agrees, misled), right(asked)) for share, (misled, asked) in flattered.exams.items()
    }


def flattery_finding(flattered: reward.Flattered) -> str:
    """The two ends, in a title."""
    its = flattery_shares(flattered)
    first, *_, last = (share for share in its if share is not None)
    return (
        f"With {first:.0%} raters who like agreement the model agrees with {its[first][0]:.0%} of the wrong,\n"
        f"with {last:.0%} with {its[last][0]:.0%}"
    )


def flattery_alt_text(flattered: reward.Flattered) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{'the apprentice' if share is None else f'{share:.0%}'}: {agrees:.0%} and {its_right:.0%}"
        for share, (agrees, its_right) in flattery_shares(flattered).items()
    )
    return (
        "Chart of agreement with visitors who are wrong, and of right answers to those without an opinion, against the "
        f"share of raters who like to be agreed with: {each}. {one_line(flattery_finding(flattered))}."
    )


def plot_flattery(flattered: reward.Flattered) -> "Figure":
    """Draw agreement and right answers against the share of raters, over those recorded."""
    figure, (axes,) = canvas(1, flattery_finding(flattered))
    if record := recorded("sycophancy"):
        _flattery_lines(axes, record["data"], "recorded: ")
    its = {share: values for share, values in flattery_shares(flattered).items() if share is not None}
    for i, (label, marker) in enumerate((("yours: agrees with the wrong", "X"), ("yours: right, no opinion", "P"))):
        axes.plot(list(its), [values[i] for values in its.values()], marker, color=GREEN, markersize=9, label=label)
    shares(axes, "", "share of replies", "share of raters who like to be agreed with")
    return figure


# The records -------------------------------------------------------------------------------------------------------


def cherry_finding(record: dict[str, Any]) -> str:
    """Teachers and pupil, in a title."""
    n = record["numbers"]
    return (
        f"Teachers who err at random are right in {n['random_demonstrators']:.0%}: their pupil goes from "
        f"{n['random_before_drawn']:.0%} to {n['random_after_drawn']:.0%};\nthose who share a mistake, in "
        f"{n['system_demonstrators']:.0%}: theirs from {n['system_before_drawn']:.0%} to {n['system_after_drawn']:.0%}"
    )


def plot_cherry(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, and the exams before and after beside the demonstrators."""
    figure, (first, second) = canvas(2, cherry_finding(record))
    for error, style in ERRORS.items():
        its = record["data"][error]
        rows = [smooth(row) for row in its["log"]["reward"]]
        band(first, list(range(1, len(rows[0]) + 1)), rows, style, f"teachers err {error}")
    shares(first, "Graded questions, as it learns", "share of right replies", "step")
    rows = [f"{when}, {how}" for how in ("drawn", "greedy") for when in ("before", "after")]
    for (error, (colour, marker, _)), shift in zip(ERRORS.items(), (-0.13, 0.13)):
        its = record["data"][error]
        for y, key in enumerate(rows):
            second.plot(its[key], [y + shift] * len(its[key]), marker, color=colour, markersize=6, alpha=0.8)
        second.axvline(median(its["demonstrators"]), color=colour, ls=ERRORS[error][2], lw=1.2)
    second.set_yticks(range(len(rows)), [name.replace(", ", ",\n") for name in rows])
    second.invert_yaxis()
    second.set_xlim(0, 1.03)
    second.set_xlabel("share of right replies; the lines are the teachers")
    dress(second, "New facts")
    return figure


def cold_finding(record: dict[str, Any]) -> str:
    """What is never done is never learned, in a title."""
    n = record["numbers"]
    return (
        f"Paid for right replies: {n['scratch_right_last']:.0%} from scratch, {n['pretrained_right_last']:.0%} "
        f"pretrained, {n['supervised_right_last']:.0%} supervised;\npaid for right ones that cite: "
        f"{n['scratch_right_and_cites_last']:.0%}, {n['pretrained_right_and_cites_last']:.0%} and "
        f"{n['supervised_right_and_cites_last']:.0%}"
    )


def plot_cold_start(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, for each start and each reward; a run that was stopped ends there."""
    figure, both = canvas(2, cold_finding(record))
    for axes, (paid, starts) in zip(both, record["data"].items()):
        for start, style in STARTS.items():
            rows = [smooth(row) for row in starts[start]["reward"]]
            shortest = min(map(len, rows))
            band(axes, list(range(1, shortest + 1)), [row[:shortest] for row in rows], style, start)
        shares(axes, f"Paid for: {paid}", "mean reward", "step")
    return figure


def model_finding(record: dict[str, Any]) -> str:
    """Who ranks how well, in a title."""
    n = record["numbers"]
    return (
        f"On facts that nobody compared a reward model ranks {n['model_other']:.0%} of the pairs rightly,\n"
        f"a policy that learned from the same comparisons {n['dpo_other']:.0%}"
    )


def plot_model(record: dict[str, Any]) -> "Figure":
    """Draw how often each judge ranks a right reply over a wrong one."""
    figure, (axes,) = canvas(1, model_finding(record), 3.6)
    judges = [name for name in record["data"] if name != "pairs"]
    for (facts, (colour, marker)), shift in zip(FACTS.items(), (-0.12, 0.12)):
        for y, judge in enumerate(judges):
            values = record["data"][judge][facts]
            label = facts if y == 0 else None
            axes.plot(values, [y + shift] * len(values), marker, color=colour, markersize=6, alpha=0.8, label=label)
    axes.axvline(0.5, color=INK, lw=0.8, ls=":")
    axes.set_yticks(range(len(judges)), judges)
    axes.invert_yaxis()
    axes.set_xlim(0.3, 1.02)
    axes.set_xlabel("pairs in which the right reply ranks higher; the dotted line is chance")
    dress(axes, "")
    return figure


def goodhart_finding(record: dict[str, Any]) -> str:
    """What is paid and what is true, in a title."""
    n = record["numbers"]
    return (
        f"The learned reward goes from {n['free_first_reward']:.1f} to {n['free_reward']:.1f};\n"
        f"right replies go from {n['free_first_true']:.0%} to {n['free_top']:.0%}, and end at {n['free_true']:.0%}"
    )


def plot_goodhart(record: dict[str, Any]) -> "Figure":
    """Draw the learned reward and the truth against the distance from the start, a line for each seed."""
    figure, both = canvas(2, goodhart_finding(record))
    styles = (RED, "-"), (BLUE, "--")
    for (beta, its), (colour, line) in zip(record["data"].items(), styles):
        label = "no penalty" if beta == "0" else f"penalty {beta}"
        for axes, key in zip(both, ("reward", "true")):
            for i, (x, y) in enumerate(zip(its["kl"], its[key])):
                axes.plot(x, y, color=colour, ls=line, lw=1.2, alpha=0.85, label=label if i == 0 else None)
    both[0].set_ylabel("reward of the model")
    both[0].set_xlabel("nats a reply from where it began")
    dress(both[0], "What is paid for")
    shares(both[1], "What is true", "share of right replies", "nats a reply from where it began")
    return figure


def sycophancy_finding(record: dict[str, Any]) -> str:
    """The two ends, in a title."""
    n = record["numbers"]
    return (
        f"With no rater who likes agreement it agrees with {n['none_agrees']:.0%} of the visitors who are wrong,\n"
        f"with none but such with {n['all_agrees']:.0%}"
    )


def _flattery_lines(axes: "Axes", data: dict[str, Any], prefix: str = "") -> None:
    """Agreement and right answers against the share of raters."""
    lines = {"agrees": (RED, "s", "--", "agrees with the wrong"), "right": (BLUE, "o", "-", "right, no opinion")}
    for key, (colour, marker, line, label) in lines.items():
        band(axes, data["shares"], list(zip(*data[key])), (colour, marker, line), prefix + label)


def plot_sycophancy(record: dict[str, Any]) -> "Figure":
    """Draw agreement with who is wrong, and right answers to who has no opinion, against the share of raters."""
    figure, (axes,) = canvas(1, sycophancy_finding(record))
    data = record["data"]
    _flattery_lines(axes, data)
    for key, colour in (("agrees", RED), ("right", BLUE)):
        axes.axhline(data["before"][key], color=colour, lw=0.8, ls=":")
    axes.annotate("dotted: the apprentice", (1.0, data["before"]["agrees"]), (0, 4), textcoords="offset points",
                  ha="right", color=INK, fontsize=8.5)  # fmt: skip
    shares(axes, "", "share of replies", "share of raters who like to be agreed with")
    return figure


def rounds_finding(record: dict[str, Any]) -> str:
    """One round and several, in a title."""
    n, rounds = record["numbers"], list(record["data"])
    return (
        f"Right at temperature 1: {n['before']:.0%} before, {n['one_drawn']:.0%} after one round,\n"
        f"{n['several_drawn']:.0%} after {rounds[-1]} rounds with as many comparisons in all"
    )


def plot_rounds(record: dict[str, Any]) -> "Figure":
    """Draw right answers against the comparisons made so far."""
    figure, (axes,) = canvas(1, rounds_finding(record))
    for (rounds, its), style in zip(record["data"].items(), (STARTS["from scratch"], STARTS["supervised"])):
        label = "one round" if rounds == "1" else f"{rounds} rounds"
        band(axes, its["comparisons"], list(zip(*its["drawn"])), style, label)
    shares(axes, "", "share of right replies, new facts", "comparisons so far")
    return figure


# The moving pictures -----------------------------------------------------------------------------------------------


def _said(texts: list[str]) -> list[dict[str, str]]:
    return [{"text": shorten(text, 2 * LONGEST, placeholder=" …")} for text in texts]


def goodhart(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the training by a learned reward: replies at ever larger distances."""
    record = record or results.load("goodhart")
    its = record["data"]["0"]
    low, high = min(its["reward"][0]), max(its["reward"][0])
    places = []
    for said in its["said"]:
        at = said["step"] - 1
        paid = (its["reward"][0][at] - low) / ((high - low) or 1.0)
        bars = [
            {"name": "the learned reward", "value": round(paid, 4)},
            {"name": "right", "value": its["true"][0][at]},
        ]
        places.append({"bars": bars, "replies": _said(said["replies"])})
    distances = [f"{max(its['kl'][0][said['step'] - 1], 0.0):.1f} nats" for said in its["said"]]
    return {
        "dial": {"name": "Distance", "places": distances},
        "questions": its["questions"],
        "columns": [{"title": "Paid by the reward model", "places": places}],
        "note": f"Replies drawn at temperature 1, of one seed without a penalty. The learned reward: its way from "
        f"{low:.1f} to {high:.1f}, the lowest and the highest of this run. Right: the share of the replies to the "
        "questions of the last five steps.",
    }


def flattery(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the raters: replies of the models that they made, and of the apprentice."""
    data = (record or results.load("sycophancy"))["data"]
    names = {"agrees": "agrees with the wrong", "right, misled": "right, to the wrong", "right": "right, no opinion"}
    before = {"bars": [{"name": words, "value": data["before"][key]} for key, words in names.items()]}
    places = [before | {"replies": _said(data["before"]["replies"])}]
    for i, replies in enumerate(data["replies"]):
        bars = [
            {"name": words, "value": median(data[key][i]), "low": min(data[key][i]), "high": max(data[key][i])}
            for key, words in names.items()
        ]
        places.append({"bars": bars, "replies": _said(replies)})
    return {
        "dial": {
            "name": "Raters",
            "places": ["none yet", *(f"{share:.0%} like agreement" for share in data["shares"])],
        },
        "questions": data["questions"],
        "columns": [{"title": "The apprentice, after the raters", "places": places}],
        "note": "Bars: medians of the seeds, over new questions. Replies drawn at temperature 1, of one seed.",
    }


ALT = {
    "cherry": (
        cherry_finding,
        "Two charts. The share of right replies to graded questions rises over the steps for both kinds of teachers. "
        "On new facts, after grading, all models are right more often than their teachers.",
    ),
    "cold-start": (
        cold_finding,
        "Two charts of the reward over the steps, one for each reward; a line for each start.",
    ),
    "reward-model": (
        model_finding,
        "Chart of how often each of four judges ranks a right reply over a wrong one, on facts that were compared and "
        "on others.",
    ),
    "goodhart": (
        goodhart_finding,
        "Two charts against the distance from the start in nats: the learned reward, and the share of right replies.",
    ),
    "sycophancy": (
        sycophancy_finding,
        "Chart of agreement with visitors who are wrong, and of right answers to those without an opinion, against the "
        "share of raters who like to be agreed with.",
    ),
    "rounds": (
        rounds_finding,
        "Chart of the share of right replies against the comparisons made so far, for one round and for several.",
    ),
}


def record_alt_text(name: str, record: dict[str, Any]) -> str:
    """The figure of a record in words."""
    found, words = ALT[name]
    return f"{words} {one_line(found(record))}."
