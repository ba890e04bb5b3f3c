"""The figures of the topic reward: those of the lab, those of the records, and what its two moving pictures show.

`plot`, `plot_proxy` and `plot_flattery` draw a run of the lab over what was recorded; `plot_cherry`, `plot_cold_start`,
`plot_model`, `plot_goodhart`, `plot_sycophancy` and `plot_rounds` draw the records. Each has its finding and its text
alternative in words. `goodhart` and `flattery` are what the picture `replies` shows.
"""

from statistics import mean, median
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.icing_figure import LONGEST
from layercake.figures.recall_figure import INK, SURFACE, dress, one_line
from layercake.labs import reward
from layercake.labs.reward import smooth
from layercake.village import raters

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe & Ito's colours, told apart by marker and line as well.
BLUE, RED, GREEN, YELLOW = "#0072B2", "#D55E00", "#009E73", "#E69F00"
ERRORS = {"at random": (BLUE, "o", "-"), "by a system": (RED, "s", "--")}
STARTS = {"from scratch": (RED, "s", "--"), "pretrained": (YELLOW, "D", ":"), "supervised": (BLUE, "o", "-")}
FACTS = {"compared facts": (BLUE, "o"), "other facts": (RED, "s")}
FIRST_OF_TWO, SECOND_OF_TWO = (RED, "s", "-"), (BLUE, "o", "--")
LOGS = {  # what a step notes: the chart's title and its unit
    "reward": ("What is paid for", "mean reward"), "kl": ("Distance from the start", "nats a reply"),
    "length": ("Length", "tokens a reply"), "entropy": ("What is left open", "nats a token"),
}  # fmt: skip
HOW = {"drawn": "at temperature 1", "greedy": "greedy"}
EXAMS = [(when, how) for how in HOW for when in ("before", "after")]


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


def band(
    axes: "Axes", x: list[float], rows: list[list[float]], style: tuple[str, str, str], label: str, **more
) -> None:
    """A line with the range of the seeds, and some markers."""
    (colour, marker, line), (value, low, high) = style, middle(rows)
    axes.fill_between(x, low, high, color=colour, alpha=0.2, lw=0)
    every = max(1, len(x) // 7)
    axes.plot(x, value, color=colour, marker=marker, markevery=every, ls=line, label=label, **{"markersize": 5, **more})


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
    log = vars(tuned.trained.log)
    ends = ", ".join(f"{key} {mean(log[key][:5]):.2f} to {mean(log[key][-5:]):.2f}" for key in LOGS)
    exams = ", ".join(f"{name} {right(replies):.0%}" for name, replies in tuned.exams.items())
    return (
        f"Four charts over the steps of the training, beside the recorded runs, from the first five steps to the last: "
        f"{ends}. A fifth of right replies to new questions: {exams}. {one_line(finding(tuned))}."
    )


def plot(tuned: reward.Graded) -> "Figure":
    """Draw reward, distance, length and entropy, step by step, and the exams before and after, over those recorded."""
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplot_mosaic(
        [["reward", "kl"], ["length", "entropy"], ["exams", "exams"]],
        figsize=(8.4, 8.4), height_ratios=(3, 3, 2), facecolor=SURFACE, layout="constrained",
    )  # fmt: skip
    record = results.find("cherry")
    its = record["data"]["at random"] if record else None
    for key, (title, unit) in LOGS.items():
        rows = [smooth(row) for row in its["log"][key]] if its else []
        _over_steps(all_axes[key], vars(tuned.trained.log)[key], rows, title, unit)
    _exams(all_axes["exams"], tuned, its)
    figure.suptitle(finding(tuned), x=0.01, ha="left", color=INK, fontsize=11)
    plt.close(figure)  # a notebook draws the returned figure; left open it would be drawn twice
    return figure


def _over_steps(axes: "Axes", yours: list[float], rows: list[list[float]], title: str, unit: str) -> None:
    """Your values over the steps, and the recorded ones where there are any."""
    if rows:
        band(axes, list(range(1, len(rows[0]) + 1)), rows, (BLUE, "o", "-"), f"recorded, {len(rows)} seeds")
    axes.plot(range(1, len(yours) + 1), smooth(yours), color=GREEN, lw=2.5, label="yours")
    axes.set_xlabel("step")
    axes.set_ylabel(unit)
    dress(axes, title)


def _exams(axes: "Axes", tuned: reward.Graded, recorded: dict[str, Any] | None) -> None:
    """Right replies to new questions before and after; a bar is the range of the recorded seeds."""
    for when, colour, marker, shift in (("before", RED, "s", -0.14), ("after", GREEN, "o", 0.14)):
        for y, how in enumerate(HOW):
            if recorded:
                values = recorded[f"{when}, {how}"]
                label = f"recorded, {len(values)} seeds" if (when, y) == ("before", 0) else None
                axes.barh(y + shift, max(values) - min(values), 0.24, min(values), color=BLUE, alpha=0.3, label=label)
        values = [right(tuned.exams[f"{when}, {how}"]) for how in HOW]
        axes.plot(values, [shift, 1 + shift], marker, color=colour, markersize=8, label=f"yours, {when}")
    axes.set_yticks(range(len(HOW)), HOW.values())
    axes.set_ylim(1.5, -0.5)
    axes.set_xlim(0, 1.03)
    axes.set_xlabel("share of right replies")
    dress(axes, "New questions")


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
        "Two charts over the steps: what the reward model gives, and the share of right replies, beside the "
        f"recorded runs. Replies go from {mean(log.length[:5]):.0f} to {mean(log.length[-5:]):.0f} tokens. "
        f"{one_line(proxy_finding(gamed))}."
    )


def plot_proxy(gamed: reward.Graded) -> "Figure":
    """Draw what the reward model gives and what is true, step by step, over those recorded."""
    figure, (first, second) = canvas(2, proxy_finding(gamed))
    log, record = gamed.trained.log, results.find("goodhart")
    paid, true = (record["data"]["0"][key] if record else [] for key in ("reward", "true"))  # smoothed already
    _over_steps(first, log.reward, paid, "What is paid for", "reward of the model")
    _over_steps(second, log.true, true, "What is true", "share of right replies")
    second.set_ylim(-0.02, 1.03)
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
    if record := results.find("sycophancy"):
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
        f"At temperature 1, the pupil of teachers who are right in {n['random_demonstrators']:.0%} goes from "
        f"{n['random_before_drawn']:.0%} to {n['random_after_drawn']:.0%};\nthat of teachers who share a mistake, "
        f"right in {n['system_demonstrators']:.0%}, from {n['system_before_drawn']:.0%} to "
        f"{n['system_after_drawn']:.0%}"
    )


def cherry_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for error, its in record["data"].items():
        paid = middle(its["log"]["reward"])[0]
        exams = ", ".join(f"{when}, {HOW[how]} {median(its[f'{when}, {how}']):.0%}" for when, how in EXAMS)
        said.append(
            f"Teachers who err {error} and are right in {median(its['demonstrators']):.0%}: graded replies right "
            f"{mean(paid[:5]):.0%} to {mean(paid[-5:]):.0%}; new facts {exams}"
        )
    return (
        "Two charts: the share of right replies to graded questions over the steps, and that on new facts beside lines "
        f"for the teachers. {'. '.join(said)}. {one_line(cherry_finding(record))}."
    )


def plot_cherry(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, and the exams before and after beside the demonstrators."""
    figure, (first, second) = canvas(2, cherry_finding(record))
    for error, style in ERRORS.items():
        its = record["data"][error]
        rows = [smooth(row) for row in its["log"]["reward"]]
        band(first, list(range(1, len(rows[0]) + 1)), rows, style, f"teachers err {error}")
    shares(first, "Graded questions, as it learns", "share of right replies", "step")
    for (error, (colour, marker, _)), shift in zip(ERRORS.items(), (-0.13, 0.13)):
        its = record["data"][error]
        for y, (when, how) in enumerate(EXAMS):
            values = its[f"{when}, {how}"]
            second.plot(values, [y + shift] * len(values), marker, color=colour, markersize=6, alpha=0.8)
        second.axvline(median(its["demonstrators"]), color=colour, ls=ERRORS[error][2], lw=1.2)
    second.set_yticks(range(len(EXAMS)), [f"{when},\n{HOW[how]}" for when, how in EXAMS])
    second.set_ylim(len(EXAMS) - 0.5, -0.5)
    second.set_xlim(0, 1.03)
    second.set_xlabel("share of right replies;\nthe lines are the teachers")
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


def cold_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for paid, starts in record["data"].items():
        each = "; ".join(
            f"{start} {median(its['first']):.2f} to {median(its['last']):.2f}, "
            f"never above {max(map(max, its['reward'])):.2f}{', and stopped' * _all_stopped(its)}"
            for start, its in starts.items()
        )
        said.append(f"Paid for {paid}: {each}")
    return (
        "Two charts of the mean reward over the steps, one for each reward, with a line for each start; from the first "
        f"step to the last. {'. '.join(said)}. {one_line(cold_finding(record))}."
    )


def _all_stopped(its: dict[str, Any]) -> bool:
    return all(its["stopped"])


def plot_cold_start(record: dict[str, Any]) -> "Figure":
    """Draw the reward over the steps, for each start and each reward; where all runs were stopped a line ends."""
    figure, both = canvas(2, cold_finding(record))
    for axes, (paid, starts) in zip(both, record["data"].items()):
        for start, its in starts.items():
            rows = [smooth(row) for row in its["reward"]]
            longest = max(map(len, rows))
            rows = [[*row, *row[-1:] * (longest - len(row))] for row in rows]  # a stopped run goes on as it was
            hollow = (
                {"markersize": 10, "markerfacecolor": "none"} if start == "from scratch" else {}
            )  # others lie on it
            band(axes, list(range(1, longest + 1)), rows, STARTS[start], start, **hollow)
            if _all_stopped(its):
                axes.annotate("stopped", (longest, rows[0][-1]), (9, -3), textcoords="offset points", color=INK)
        shares(axes, f"Paid for: {paid}", "mean reward", "step")
    return figure


def model_finding(record: dict[str, Any]) -> str:
    """Who ranks how well, in a title."""
    n = record["numbers"]
    return (
        f"On facts that nobody compared a reward model ranks {n['model_other']:.0%} of the pairs rightly,\n"
        f"a policy that learned from the same comparisons {n['dpo_other']:.0%}"
    )


def model_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{judge} {' and '.join(f'{median(its[facts]):.0%}' for facts in FACTS)}"
        for judge, its in _judges(record).items()
    )
    return (
        "Chart of how often each judge ranks a right reply over a wrong one, a coin being right in 50%, on facts that "
        f"were compared and on others: {each}. {one_line(model_finding(record))}."
    )


def _judges(record: dict[str, Any]) -> dict[str, dict[str, list[float]]]:
    return {name: its for name, its in record["data"].items() if name != "pairs"}


def plot_model(record: dict[str, Any]) -> "Figure":
    """Draw how often each judge ranks a right reply over a wrong one."""
    figure, (axes,) = canvas(1, model_finding(record), 3.6)
    judges = _judges(record)
    for (facts, (colour, marker)), shift in zip(FACTS.items(), (-0.12, 0.12)):
        for y, its in enumerate(judges.values()):
            label = facts if y == 0 else None
            y_of_each = [y + shift] * len(its[facts])
            axes.plot(its[facts], y_of_each, marker, color=colour, markersize=6, alpha=0.8, label=label)
    axes.axvline(0.5, color=INK, lw=0.8, ls=":")
    axes.set_yticks(range(len(judges)), judges)
    axes.set_ylim(len(judges) - 0.5, -0.5)
    axes.set_xlim(min(0.3, *(min(its[facts]) for its in judges.values() for facts in FACTS)) - 0.02, 1.02)
    axes.set_xlabel("pairs in which the right reply ranks higher; the dotted line is chance")
    dress(axes, "")
    return figure


def goodhart_finding(record: dict[str, Any]) -> str:
    """What is paid and what is true, in a title."""
    n = record["numbers"]
    held = f", with a penalty at {n['held_true']:.0%}" if "held_true" in n else ""
    return (
        f"The learned reward goes from {n['free_first_reward']:.2f} to {n['free_reward']:.2f};\n"
        f"right replies begin at {n['free_first_true']:.0%} and end at {n['free_true']:.0%}{held}"
    )


def penalty(beta: str) -> str:
    """What the runs with it are called."""
    return "no penalty" if beta == "0" else f"penalty {beta}"


def goodhart_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    said = []
    for beta, its in record["data"].items():
        ends = {key: median(one[key] for one in its["turning"]) for key in ("kl", "first reward", "reward", "true")}
        said.append(
            f"with {penalty(beta)} the learned reward goes from {ends['first reward']:.2f} to {ends['reward']:.2f} at "
            f"{ends['kl']:.0f} nats, where {ends['true']:.0%} of the replies are right"
        )
    return (
        "Two charts against the distance from the start in nats, on a logarithmic axis, a line for each seed: the "
        f"learned reward, and the share of right replies; {'; '.join(said)}. {one_line(goodhart_finding(record))}."
    )


def plot_goodhart(record: dict[str, Any]) -> "Figure":
    """Draw the learned reward and the truth against the distance from the start, a line for each seed."""
    figure, (first, second) = canvas(2, goodhart_finding(record))
    for (beta, its), style in zip(record["data"].items(), (FIRST_OF_TWO, SECOND_OF_TWO)):
        for axes, key in ((first, "reward"), (second, "true")):
            _by_distance(axes, its["kl"], its[key], style, penalty(beta))
    far = "nats a reply from where it began;\neach run ends at its marker"
    first.set_ylabel("reward of the model")
    first.set_xlabel(far)
    dress(first, "What is paid for")
    shares(second, "What is true", "share of right replies", far)
    return figure


def _by_distance(
    axes: "Axes", distances: list[list[float]], rows: list[list[float]], style: tuple[str, str, str], label: str
) -> None:
    """A line for each seed, with a marker where it ends; a nat and less are drawn on a linear axis."""
    colour, marker, line = style
    for i, (x, y) in enumerate(zip(distances, rows)):
        axes.plot(x, y, color=colour, marker=marker, markevery=[-1], ls=line, lw=1.2, label=None if i else label)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_xticks(ticks := [0, 1, 10, 100], [str(tick) for tick in ticks])


def sycophancy_finding(record: dict[str, Any]) -> str:
    """The two ends and the slope, in a title."""
    n = record["numbers"]
    return (
        f"With no rater who likes agreement it agrees with {n['none_agrees']:.0%} of the visitors who are wrong,\n"
        f"with none but such with {n['all_agrees']:.0%}: a slope of {_slope(record['data'])}"
    )


def _slope(data: dict[str, Any]) -> str:
    return "{value:.2f} ({low:.2f} to {high:.2f})".format_map(data["slope"])


def sycophancy_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    data = record["data"]
    each = "; ".join(
        f"{share:.0%}: {median(agrees):.0%} and {median(its_right):.0%}"
        for share, agrees, its_right in zip(data["shares"], data["agrees"], data["right"])
    )
    return (
        "Chart of agreement with visitors who are wrong, and of right answers to those without an opinion, against the "
        f"share of raters who like to be agreed with: {each}; the apprentice before: "
        f"{data['before']['agrees']:.0%} and {data['before']['right']:.0%}. {one_line(sycophancy_finding(record))}."
    )


def fitted(data: dict[str, Any]) -> list[float]:
    """What the line of least squares says at each share: it has the recorded slope, and goes through the mean."""
    x, y = mean(data["shares"]), mean(mean(row) for row in data["agrees"])
    return [y + data["slope"]["value"] * (share - x) for share in data["shares"]]


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
    axes.plot(data["shares"], fitted(data), color=INK, ls="-.", lw=1.2, label=f"fitted slope {_slope(data)}")
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


def rounds_alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    each = "; ".join(
        f"{_rounds(rounds)}: "
        + ", ".join(f"{median(row):.0%} after {n:,}" for n, row in zip(its["comparisons"], its["drawn"]))
        for rounds, its in record["data"].items()
    )
    return (
        f"Chart of the share of right replies to new facts against the comparisons made so far. {each}. "
        f"{one_line(rounds_finding(record))}."
    )


def _rounds(rounds: str) -> str:
    return "one round" if rounds == "1" else f"{rounds} rounds"


def plot_rounds(record: dict[str, Any]) -> "Figure":
    """Draw right answers against the comparisons made so far."""
    figure, (axes,) = canvas(1, rounds_finding(record))
    for (rounds, its), style in zip(record["data"].items(), (SECOND_OF_TWO, FIRST_OF_TWO)):
        band(axes, its["comparisons"], list(zip(*its["drawn"])), style, _rounds(rounds))
    shares(axes, "", "share of right replies, new facts", "comparisons so far")
    return figure


# The moving pictures -----------------------------------------------------------------------------------------------


def _said(texts: list[str]) -> list[dict[str, str]]:
    return [{"text": shorten(text, 2 * LONGEST, placeholder=" …")} for text in texts]


def goodhart(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `replies` shows of the training by a learned reward: replies at ever larger distances."""
    its = (record or results.load("goodhart"))["data"]["0"]
    paid, given, true, far = (its[key][0] for key in ("reward", "utility", "true", "kl"))  # of one seed
    places = [
        {
            "bars": [
                {"name": "the learned reward", "value": _on_its_way(paid, said["step"])},
                {"name": "the raters' own", "value": _on_its_way(given, said["step"])},
                {"name": "right", "value": true[said["step"] - 1]},
            ],
            "replies": _said(said["replies"]),
        }
        for said in its["said"]
    ]
    return {
        "dial": {"name": "Distance", "places": [f"{max(far[said['step'] - 1], 0.0):.1f} nats" for said in its["said"]]},
        "questions": its["questions"],
        "columns": [{"title": "Paid by the reward model", "places": places}],
        "note": "Replies drawn at temperature 1, of one seed without a penalty. The learned reward, and the raters' "
        "own, which is what the replies are worth to all raters on average: their way from the lowest to the highest "
        f"of this run, {min(paid):.1f} to {max(paid):.1f} and {min(given):.1f} to {max(given):.1f}. Right: the share "
        "of the replies of the last five steps.",
    }


def _on_its_way(values: list[float], step: int) -> float:
    """Where a step stands between the lowest and the highest of a run, from 0 to 1."""
    low, high = min(values), max(values)
    return round((values[step - 1] - low) / ((high - low) or 1.0), 4)


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
