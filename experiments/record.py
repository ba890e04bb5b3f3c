"""What every recorded measurement says: the schema of `layercake/recorded/*.json`, and what the scripts share.

`Record` is the schema, held against every file by the tests and by `write`. The ledger page is made of nothing else, so
what a reader is told of a claim is what its script computed. A script fills in the claim, the finding and the
measured figures; `provenance` adds when, on what and with which versions (no name of any host).
"""

import argparse
import datetime
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from tqdm.auto import tqdm

from layercake import checkpoints, results, village

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^\S[\s\S]*[.!?]$")]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strict(BaseModel):
    """No field that the schema does not know, and no number where a word belongs."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Claim(Strict):
    """What the course says, and what would show it wrong."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*$")]
    title: Said  # a few words, the heading in the ledger
    sentence: Sentence
    refuted_by: Sentence


class Measured(Strict):
    """One figure that the claim rests on, with its spread and the bound or baseline that it is judged by.

    Figures that differ only in whose they are follow one another, and have the same `what`.
    """

    what: Said
    of: str = ""  # whose figure it is, where several have the same
    value: Finite | None  # None: it never happens; `what` says what
    low: Finite | None = None  # of the spread, which the record's `spread` defines; None for what is exact
    high: Finite | None = None
    unit: str = ""
    bound: Finite | None = None
    bound_is: str | None = None  # "chance", "attainable", "the exact entropy" …
    decimals: Literal[0, 1, 2, 3, 4] = 2

    @model_validator(mode="after")
    def is_consistent(self) -> "Measured":
        """The value lies in its spread, and a bound says what it is."""
        if None not in (self.low, self.value, self.high) and not self.low <= self.value <= self.high:
            raise ValueError(f"{self.what}: {self.value} does not lie between {self.low} and {self.high}")
        if (self.bound is None) != (self.bound_is is None):
            raise ValueError(f"{self.what}: a bound and what it is belong together")
        return self


class Hardware(Strict):
    """The machine that was measured on."""

    processor: Said
    cores: Annotated[int, Field(gt=0)]
    threads: Annotated[int, Field(gt=0)]
    memory_gib: float | None
    load_average: float | None
    accelerator: Said


class Record(BaseModel):
    """One measurement, as it stands in its file. Scripts may add fields of their own."""

    model_config = ConfigDict(strict=True)

    claim: Claim
    finding: Annotated[Sentence, StringConstraints(pattern=r"\d")]  # one sentence with its number, computed
    measured: Annotated[list[Measured], Field(min_length=1)]
    command: Annotated[str, StringConstraints(pattern=r"^python -m experiments\.\w+")]
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
    seconds: Annotated[float, Field(gt=0)]
    hardware: Hardware
    versions: dict[str, Said]
    seeds: Annotated[list[int], Field(min_length=1)]
    repeats: Annotated[int, Field(gt=0)]
    spread: Said  # what low and high mean
    settings: dict[str, Any]
    limits: Annotated[list[Sentence], Field(min_length=1)]  # what the measurement does not show
    numbers: dict[str, Any]  # what chapters quote
    data: dict[str, Any]  # what figures are drawn from

    @model_validator(mode="after")
    def says_its_versions(self) -> "Record":
        """Nothing is left empty, and the versions of what computed are there."""
        if missing := {"python", "torch"} - set(self.versions):
            raise ValueError(f"versions lack {', '.join(sorted(missing))}")
        if empty := [name for name in ("settings", "numbers", "data") if not getattr(self, name)]:
            raise ValueError(f"{', '.join(empty)}: empty")
        return self


def write(name: str, result: dict[str, Any], folder: Path | None = None) -> Path:
    """Write one measurement where it satisfies the schema. Raises pydantic's ValidationError where it does not."""
    Record.model_validate(result)
    path = results.save(name, result, folder or results.FOLDER)
    print(result["finding"], f"-> {path}", sep="\n")
    return path


def summary(what: str, values: list[float], **keywords: Any) -> dict[str, Any]:
    """One `Measured` from several repeats or seeds: the median, the lowest and the highest."""
    middle = round(statistics.median(values), 6)
    return {"what": what, "value": middle, "low": min(values), "high": max(values), **keywords}


def over_seeds(
    script: dict[str, Any],
    data: dict[str, Any],
    settings: Any,
    *,
    base: str | None,
    smoke: bool,
    began: float,
    spread: str = "lowest to highest of the seeds",
    **more: Any,
) -> dict[str, Any]:
    """What a script records that trains once for each of its settings' `seeds`, from a shipped model or from none.

    `script` is its namespace, `globals()`: with the claim and its limits, and the functions that compute finding,
    figures and numbers from the data. `more` are settings beside those of the dataclass `settings`.
    """
    name = script["CLAIM"]["id"].replace("-", "_")
    return {
        "claim": script["CLAIM"],
        "finding": script["finding"](data),
        "measured": script["measured"](data),
        "limits": script["LIMITS"],
        **provenance(f"python -m experiments.{name}" + (" --smoke" if smoke else ""), time.perf_counter() - began),
        "seeds": list(settings.seeds),
        "repeats": len(settings.seeds),
        "spread": spread,
        "settings": {**_from(base), **more, **asdict(settings)},
        "numbers": script["numbers"](data),
        "data": data,
    }


def _from(base: str | None) -> dict[str, str]:
    """The shipped model that a script trains from, and the text of the village, of which that knows."""
    return {"village": village.fingerprint(), "base": checkpoints.digest(base)} if base else {}


def side_by_side(function: Callable[..., Any], each: Iterable[Any], *more: Any) -> dict[Any, Any]:
    """The function of each, in as many processes as there are cores; by what it was called with."""
    os.environ["TQDM_DISABLE"] = "1"  # one bar for all, drawn here
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        futures = {pool.submit(function, one, *more): one for one in each}
        return {futures[done]: done.result() for done in tqdm(as_completed(futures), total=len(futures))}


def from_jobs(
    script: dict[str, Any],
    jobs: Callable[[Any], Iterable[Any]],
    arguments: list[str] | None,
    *,
    base: str | None = "apprentice",
    **more: Any,
) -> Path:
    """Do the jobs of a script that trains from a shipped model, or from none, and write what comes of them; where.

    `script` is its namespace, as in `over_seeds`, with its `Settings` and `SMOKE`, what does one job (`run`, in the
    processes of `side_by_side`), and what makes the data of all (`of_seeds`). `jobs` gives those of its settings.
    """
    given = parse(options(script["__doc__"]), arguments)
    settings = script["SMOKE"] if given.smoke else script["Settings"]()
    began = time.perf_counter()
    data = script["of_seeds"](side_by_side(script["run"], jobs(settings), settings), settings)
    result = over_seeds(script, data, settings, base=base, smoke=given.smoke, began=began, **more)
    return write(script["CLAIM"]["id"], result, given.folder)


def options(documentation: str, runs: bool = False) -> argparse.ArgumentParser:
    """The options that every script has, `--smoke` and `--folder`, and `--runs` where it keeps checkpoints."""
    parser = argparse.ArgumentParser(description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="as small as it runs; needs --folder")
    parser.add_argument("--folder", type=Path, help="where to write instead of layercake/recorded")
    if runs:
        parser.add_argument("--runs", type=Path, help="keep checkpoints here, so that a stopped measurement goes on")
    return parser


def parse(parser: argparse.ArgumentParser, arguments: list[str] | None) -> argparse.Namespace:
    """The options given; a smoke run that would overwrite the record is refused. PyTorch is set up to be timed."""
    given = parser.parse_args(arguments)
    if given.smoke and not given.folder:
        parser.error("--smoke would overwrite the recorded measurement: name another place with --folder")
    torch.set_num_threads(1)  # so that the seconds mean the same wherever the script runs
    torch.set_flush_denormal(True)  # gradients that have faded to almost nothing take a CPU several times as long
    return given


def provenance(command: str, seconds: float) -> dict[str, Any]:
    """Date, command, seconds taken, hardware and versions."""
    return {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "seconds": round(seconds, 1),
        "hardware": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "memory_gib": _memory_gib(),
            "load_average": round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None,  # of five minutes
            "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def _processor() -> str:
    """The processor's name as it gives it itself, where the system says it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (ValueError, OSError, AttributeError):  # a system that does not say
        return None
