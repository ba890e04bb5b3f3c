"""What training a language model takes: operations, days, electricity and money, and the figure of published runs.

The rule is that of Kaplan et al. 2020, section 2.1: six operations for each parameter and each token, a multiplication
and an addition forward and twice as many backward. The attention of position to position is left out;
`solutions.transformer.flops_per_token` counts it too. The published figures, with their sources, are those of
`experiments/infrastructure.py`, read from its record.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

from layercake import results
from layercake.figures.style import BLUE, GREEN, INK, RED, canvas, dress, legend, one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECONDS_PER_HOUR = 3600


SIDES = {  # of a mark, where its name has room; to the right of all others
    "left": ("GPT-3", "PaLM 540B", "GPT-4", "GPT-2, remade", "the village model", "Gopher"),
    "above": ("Llama 3.1 405B",),
    "above right": ("Chinchilla",),
    "below": ("BLOOM",),
    "below right": ("LLaMA 65B",),
}


KINDS = {  # whose figure it is -> what the legend says, marker, colour
    "published": ("published by its maker", "o", BLUE),
    "calculated": ("six operations for each published parameter and token", "^", GREEN),
    "estimated": ("estimated by others", "D", RED),
    "ours": ("ours, counted", "s", "#000000"),
}


def operations(parameters: float, tokens: float) -> float:
    """Six for each parameter and each token."""
    return 6 * parameters * tokens


def estimate(
    parameters: float,
    tokens: float,
    *,
    peak: float,
    watts: float | None,
    devices: float,
    utilisation: float,
    price: float,
    pue: float,
) -> dict[str, float | None]:
    """What one training run takes, all devices busy from the first to the last hour.

    `peak` is in operations per second and `watts` in W, both for one device; `utilisation` is the share of the peak
    that becomes operations of the model; `price` is in dollars for one device and hour; `pue` is what the building
    draws for each watt of its computers. Megawatts and megawatt-hours are None where the watts are not known.
    """
    needed = operations(parameters, tokens)
    device_hours = needed / (peak * utilisation) / SECONDS_PER_HOUR
    megawatts = None if watts is None else devices * watts * pue / 1e6
    hours = device_hours / devices
    return {
        "operations": needed,
        "device_hours": device_hours,
        "days": hours / 24,
        "megawatts": megawatts,
        "mwh": None if megawatts is None else megawatts * hours,
        "dollars": device_hours * price,
    }


def utilisation(parameters: float, tokens: float, device_hours: float, peak: float) -> float:
    """The share of the devices' peak, over all hours, that became operations of the model."""
    return operations(parameters, tokens) / (device_hours * SECONDS_PER_HOUR * peak)


# The moving picture -------------------------------------------------------------------------------------------------


def state(record: dict[str, Any] | None = None) -> dict[str, Any]:
    """What the picture `compute` is made of: hardware, runs to start from, marks on its axis, comparisons."""
    data = (record or results.load("infrastructure"))["data"]
    hardware = [device for device in data["devices"] if device["in_picture"]]
    kept = ("key", "title", "peak", "watts", "peak_is")
    marks = [{"name": run["name"], "kind": run["kind"], "operations": run["operations"]} for run in data["runs"]]
    return {
        "hardware": [{name: device[name] for name in kept} for device in hardware],
        "presets": data["presets"],
        "marks": marks,
        "yardsticks": data["yardsticks"],
    }


# The figure ---------------------------------------------------------------------------------------------------------


def rounded(value: float, digits: int = 2) -> float:
    """Only as many digits as the published figures carry."""
    return float(f"{value:.{digits - 1}e}")


def said(value: float) -> str:
    """A large number as people write it: 3.8 × 10²⁵."""
    digits, power = f"{value:.1e}".split("e")
    return f"{digits} × 10" + str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def finding(record: dict[str, Any]) -> str:
    """The finding, computed from the record."""
    n = record["numbers"]
    return (
        f"From {n['first']} to {n['last']} training compute grew {rounded(n['growth']):,.0f} times:\n"
        f"{rounded(n['growth_hours']):,.0f} times the device-hours, {n['growth_speed']:.0f} times the work in each"
    )


def alt_text(record: dict[str, Any]) -> str:
    """The figure in words."""
    runs = sorted(record["data"]["runs"], key=lambda run: run["date"])
    said_of = {kind: label for kind, (label, _, _) in KINDS.items()}
    points = "; ".join(
        f"{run['name']}, {run['date'][:4]}: {said(run['operations'])}, {said_of[run['kind']]}" for run in runs
    )
    return (
        "Operations for the training of one model against the year, on a logarithmic axis. "
        f"{one_line(finding(record))}. {points}."
    )


def plot(record: dict[str, Any]) -> "Figure":
    """Draw the compute of one training run against the year; the shape of a mark says who published it."""
    figure, (axes,) = canvas(size=(7, 5.4))
    for kind, (label, marker, colour) in KINDS.items():
        runs = [run for run in record["data"]["runs"] if run["kind"] == kind]
        x, y = [_year(run["date"]) for run in runs], [run["operations"] for run in runs]
        axes.plot(x, y, linestyle="none", marker=marker, color=colour, label=label)
        for run in runs:
            _name(axes, run)
    axes.set_yscale("log")
    axes.set_ylabel("operations to train one model")
    axes.set_xlabel("year")
    axes.set_ylim(top=3e27)
    dress(axes, finding(record))
    legend(axes, "lower left", fontsize=9)
    return figure


def _year(day: str) -> float:
    then = date.fromisoformat(day)
    return then.year + (then.timetuple().tm_yday - 1) / 365.25


def _name(axes: "Axes", run: dict[str, Any]) -> None:
    """A run's name beside its mark, on the side where its neighbours leave room."""
    side = next((side for side, names in SIDES.items() if run["name"] in names), "right")
    up, across = side.partition(" ")[0], side.rpartition(" ")[2]
    axes.annotate(
        run["name"],
        (_year(run["date"]), run["operations"]),
        ({"left": -6, "right": 6}.get(across, 0) if up == across else 2, {"above": 6, "below": -6}.get(up, 0)),
        textcoords="offset points",
        ha={"left": "right", "right": "left"}.get(across, "center"),
        va={"above": "bottom", "below": "top"}.get(up, "center"),
        fontsize=8,
        color=INK,
    )
