"""Writes book/ledger.md: what the course claims, what was measured, on what, and what would refute it.

    python -m experiments.ledger          # write the page
    python -m experiments.ledger --check  # exit with 1 where the page is not what the records give

The page is made of layercake/recorded/*.json and of nothing else; the same records give the same bytes. One card for
each claim, short lines, so that it reads on a phone.
"""

import argparse
import sys
from itertools import groupby
from pathlib import Path

from pydantic import ValidationError

from experiments.record import Claim, Hardware, Measured, Record
from layercake import results

PAGE = Path(__file__).parents[1] / "book" / "ledger.md"
# The order in which the course makes its claims; a claim that is not here comes after them, by name.
ORDER = (
    "every-position", "features", "chekhov", "waiting", "message", "convolution", "backbone", "tokenizer", "scaling",
    "playscript", "icing", "icing-knows", "cherry", "cold-start", "reward-model", "goodhart", "sycophancy", "rounds",
    "beyond-the-base", "hidden-depth", "readable", "eroding", "obfuscation", "cherry-grows", "rl-clock",
    "infrastructure", "other-sequences", "loading", "chekhov-real", "playscript-real", "sycophancy-real",
)  # fmt: skip
INTRODUCTION = """\
# The ledger

% Written by `python -m experiments.ledger` from layercake/recorded/*.json; not to be edited by hand.

What this course claims and has measured, one card for each claim: what was found, the figures with their spread and the
bound that they are judged by, on what they ran, what would refute the claim, and what the measurement does not show.

The words are those of the scripts that measured, and the numbers are theirs; nobody typed them into this page. A figure
that repeats differently on your machine is worth an issue. *Exact* is what follows from the design and has no spread.
"""


class LedgerError(RuntimeError):
    """A record does not satisfy the schema; the message says which and where."""


def records(folder: Path = results.FOLDER) -> list[Record]:
    """All records, in the order of the course. Raises LedgerError, naming file and field, where one is incomplete."""
    read = []
    for path in sorted(folder.glob("*.json")):
        try:
            read.append(Record.model_validate_json(path.read_bytes()))
        except ValidationError as error:
            raise LedgerError(f"{path.name} does not satisfy experiments.record.Record: {error}") from None
    named = {record.claim.id for record in read}
    if len(named) < len(read):
        raise LedgerError(f"Two records in {folder} are of the same claim.")
    return sorted(read, key=lambda record: (_place(record.claim), record.claim.id))


def _place(claim: Claim) -> int:
    return ORDER.index(claim.id) if claim.id in ORDER else len(ORDER)


def page(all_records: list[Record]) -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *(card(record) for record in all_records)])


def card(record: Record) -> str:
    """One claim."""
    limits = "\n".join(f"- {limit}" for limit in record.limits)
    return f"""\
(ledger-{record.claim.id})=
## {record.claim.title}

**The claim.** {record.claim.sentence}

**What was found.** {record.finding}

**The figures.**

{figures(record.measured)}

**Spread.** {_sentence(record.spread)} {_count(len(record.seeds), "seed")}, {_count(record.repeats, "repeat")}.

**Ran on** {_machine(record.hardware)}; {_versions(record.versions)}; {record.date}, {_duration(record.seconds)}.

```text
{record.command}
```

**What would refute it.** {record.claim.refuted_by}

**What it does not show.**

{limits}
"""


def figures(measured: list[Measured]) -> str:
    """All figures as a list; those that differ only in whose they are stand below what they share."""
    lines = []
    for (what, bound), group in groupby(measured, lambda figure: (figure.what, _bound(figure))):
        together = list(group)
        if len(together) == 1 and not together[0].of:
            lines.append(f"- {_sentence(what)[:-1]}: **{_value(together[0])}**{bound}")
        else:
            lines.append(f"- {_sentence(what)[:-1]}{bound}")
            lines += [f"  - {figure.of}: **{_value(figure)}**" for figure in together]
    return "\n".join(lines)


def _value(figure: Measured) -> str:
    """The figure with its unit and its spread."""
    value = "never" if figure.value is None else _shown(figure, figure.value)
    value += f" {figure.unit}" if figure.unit else ""
    spread = figure.low is not None and figure.high is not None
    return f"{value} ({_shown(figure, figure.low)} to {_shown(figure, figure.high)})" if spread else value


def _bound(figure: Measured) -> str:
    return "" if figure.bound is None else f"; {figure.bound_is}: {_shown(figure, figure.bound)}"


def _shown(figure: Measured, value: float) -> str:
    return f"{value:,.{figure.decimals}f}"


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _machine(hardware: Hardware) -> str:
    threads = "one thread" if hardware.threads == 1 else f"{hardware.threads} threads"
    accelerator = "no accelerator" if hardware.accelerator == "none" else hardware.accelerator
    return f"{threads} of {hardware.processor} ({_count(hardware.cores, 'core')}), {accelerator}"


def _versions(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in sorted(versions.items()))


def _duration(seconds: float) -> str:
    return _count(round(seconds), "second") if seconds < 120 else _count(round(seconds / 60), "minute")


def main(arguments: list[str] | None = None) -> int:
    """Write the page, or with `--check` compare; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where the page is outdated")
    parser.add_argument("--folder", type=Path, default=results.FOLDER, help="where the records are")
    parser.add_argument("--page", type=Path, default=PAGE, help="where to write")
    options = parser.parse_args(arguments)
    try:
        text = page(records(options.folder))
    except LedgerError as error:
        print(error, file=sys.stderr)
        return 1
    if options.check:
        if options.page.is_file() and options.page.read_text(encoding="utf-8") == text:
            return 0
        print(f"{options.page} is not what the records give: run `python -m experiments.ledger`.", file=sys.stderr)
        return 1
    options.page.write_text(text, encoding="utf-8")
    print(f"-> {options.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
