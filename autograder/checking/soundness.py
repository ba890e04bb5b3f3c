"""Is a bank of checks sound? The proof, topic by topic: `python -m autograder.checking.soundness [TOPIC]`.

For each exercise: the reference earns all points and a blank none; every known mistake loses points and is
recognised as itself; every sentence of its text that binds is a promise, with a check that asks for it and a known
mistake that breaks it and fails there; every edge has a check, or a reason why not; every alternative in
`tests/alternatives/<topic>/` earns all points; and of the small changes to the reference's own code
(`autograder.checking.mutations`) nearly all are caught.
A change that leaves the meaning as it was is written down with its reason in `equivalent.toml` beside the
alternatives; an entry that is no longer generated is an error.
"""

import os
import resource
import runpy
import signal
import sys
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from multiprocessing import get_context
from typing import Any

import torch
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from autograder.checking.judge import Verdict, judged, outcome
from autograder.checking.mutations import Mutation, mutations, with_solution
from autograder.checking.promises import misquoted, unguarded
from autograder.checking.solution_source import STUB, solution_source
from autograder.checking.topic import EDGES, PACKAGE, PUBLIC_SEED, ROOT, Exercise, Topic, UnknownTopic, load, topics

ALTERNATIVES = ROOT / "tests" / "alternatives"
AT_LEAST = 3  # known mistakes, and alternatives, for each exercise
CAUGHT = 0.95  # of the mutations that change the meaning
MEMORY = 16 << 30  # bytes of address space for one mutation
SECONDS = 5  # of a core, for one mutation; one that takes longer counts as caught


class Unsound(Exception):
    """The proof cannot be made: a file is missing, or an entry in `equivalent.toml` is stale."""


def defined(topic: Topic, name: str, source: str) -> Any:
    """The function or class that a source defines, in the world of the reference's module."""
    world = dict(vars(import_module(f"solutions.{topic.name}")))
    exec(compile(source, f"<{name}>", "exec"), world)
    return world[name]


def blank(topic: Topic, name: str) -> Any:
    """What a learner gets: the exercise with its solution taken out."""
    return defined(topic, name, with_solution(solution_source(topic.reference(name)), lambda _: STUB))


@cache
def _alternative_modules(topic: str) -> dict[str, dict[str, Any]]:
    return {path.stem: runpy.run_path(str(path)) for path in sorted((ALTERNATIVES / topic).glob("*.py"))}


def alternatives(topic: Topic, name: str) -> dict[str, Any]:
    """The right solutions of an exercise that are written differently, by the name of their file."""
    modules = _alternative_modules(topic.name)
    return {stem: module[name] for stem, module in modules.items() if name in module}


# --- mutations ---------------------------------------------------------------------------------------------


def equivalents(topic: Topic) -> dict[tuple[str, str, str], str]:
    """The mutations that change nothing, with the reason: (exercise, original line, mutated line) -> reason."""
    path = ALTERNATIVES / topic.name / "equivalent.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []) if path.exists() else []
    known = {(entry["function"], entry["original"], entry["mutated"]): entry["reason"].strip() for entry in entries}
    without = [change for change, reason in known.items() if not reason]
    if without:
        raise Unsound(f"{path}: no reason is given for {without}")
    return known


_caught: Counter = Counter()  # how many implementations each check has caught in this process


class _OutOfTime(BaseException):
    """Raised by the alarm; not an Exception, so that no check takes it for the learner's."""


def _alarm(*_) -> None:
    raise _OutOfTime


def fate(topic_name: str, mutation: Mutation, soon: bool = False) -> str:
    """What becomes of a mutation, in the words of `fate_of`."""
    topic = load(topic_name)
    try:
        subject = defined(topic, mutation.exercise, mutation.source)
    except Exception:  # a class whose body no longer runs
        return "raised"
    return fate_of(topic, mutation.exercise, subject, soon=soon)


def fate_of(
    topic: Topic, name: str, subject: Any, rehearsed: bool = False, seconds: float = SECONDS, soon: bool = False
) -> str:
    """What checks make of an implementation: "survived", "wrong" (a value gave it away), "raised" or "out of time".

    With `soon`, the first check that it fails says which, those that caught the most before being asked first; else one
    that raises is asked whether a value shows it too.
    """
    signal.signal(signal.SIGPROF, _alarm)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    outcomes, checks = set(), topic.exercises[name].checks
    try:
        for check in sorted(checks, key=lambda check: -_caught[check]) if soon else checks:
            outcomes.add(last := outcome(topic, name, check, subject, PUBLIC_SEED, rehearsed))
            _caught[check] += last != "passed"
            if outcomes & {"wrong", "holds"}:
                return "wrong"
            if soon and "raised" in outcomes:
                break
    except _OutOfTime:
        return "out of time"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "raised" if "raised" in outcomes else "survived"


def _start_worker() -> None:
    warnings.simplefilter("ignore")  # of the mutations
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def fates(
    topic: Topic, todo: list[Mutation], seen: Callable[[], None] = lambda: None, soon: bool = False
) -> dict[Mutation, str]:
    """What becomes of each mutation, on all cores."""
    context = get_context("forkserver")  # a fork of this process could inherit locks of PyTorch's threads
    context.set_forkserver_preload([f"{PACKAGE}.{topic.name}.{name}" for name in topic.exercises])
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=context, initializer=_start_worker) as pool:
        results, found = {}, pool.map(partial(fate, topic.name, soon=soon), todo, chunksize=4)
        for mutation, result in zip(todo, found, strict=True):
            results[mutation] = result
            seen()
    return results


# --- the table ---------------------------------------------------------------------------------------------


@dataclass
class Row:
    """What was found for one exercise."""

    exercise: Exercise
    reference: float
    blank: float
    unrecognised: list[str]  # mistakes that lose nothing, or are taken for another
    alternatives: list[str]
    refused: list[str]  # alternatives that lose points
    fates: dict[Mutation, str]  # of the mutations that change the meaning
    equivalent: int
    promises: list[str]  # what is wrong with them, in words

    @property
    def survivors(self) -> list[Mutation]:
        return [mutation for mutation, result in self.fates.items() if result == "survived"]

    @property
    def caught(self) -> float:
        return 1 - len(self.survivors) / len(self.fates) if self.fates else 0.0

    @property
    def problems(self) -> list[str]:
        """All that falls short, in words."""
        points, mistakes = self.exercise.points, len(self.exercise.mistakes)
        said = {
            f"the reference earns {self.reference:g} of {points:g}": self.reference != points,
            f"a blank earns {self.blank:g}": self.blank != 0,
            f"mistakes not recognised: {', '.join(self.unrecognised)}": bool(self.unrecognised),
            f"alternatives that lose points: {', '.join(self.refused)}": bool(self.refused),
            f"only {mistakes} known mistakes": mistakes < AT_LEAST,
            f"only {len(self.alternatives)} alternatives": len(self.alternatives) < AT_LEAST,
            f"only {self.caught:.1%} of the mutations are caught": self.caught < CAUGHT,
        }
        said |= dict.fromkeys(self.promises, True) | dict.fromkeys(trouble_at_edges(self.exercise), True)
        return [f"{self.exercise.name}: {words}" for words, holds in said.items() if holds]


def trouble_with_promises(topic: Topic, exercise: Exercise, failed: dict[str, set[str]]) -> list[str]:
    """What is wrong with an exercise's promises, in words; `failed` has the checks that each known mistake fails."""
    breakers = [promise.broken_by for promise in exercise.promises]
    trouble = [f"nobody asks for “{sentence}”" for sentence in unguarded(topic, exercise)]
    trouble += [f"its text does not say “{words}”" for words in misquoted(topic, exercise)]
    trouble += [f"{name} breaks two promises" for name in sorted(set(breakers)) if breakers.count(name) > 1]
    for promise in exercise.promises:
        if promise.broken_by not in failed:
            trouble.append(f"there is no mistake {promise.broken_by}, which is to break “{promise.words}”")
        elif promise.check not in failed[promise.broken_by]:
            trouble.append(f"{promise.broken_by} passes {promise.check}, where “{promise.words}” is asked for")
    return trouble


def trouble_at_edges(exercise: Exercise) -> list[str]:
    """The edges of which nothing is said, and those whose check there is not."""
    names = {check.name for check in exercise.checks}
    missing = set(EDGES) - set(exercise.at_edges)
    said = exercise.at_edges.items()
    unknown = [f"{edge}: {name}" for edge, name in said if " " not in name.strip() and name not in names]
    return [f"nothing is said of the edges {', '.join(sorted(missing))}"] * bool(missing) + [
        f"no such check at the edge {entry}" for entry in unknown
    ]


def survey(topic: Topic, name: str, mutation_fates: dict[Mutation, str], equivalent: int = 0) -> Row:
    """Everything about one exercise; the fates of its mutations come from outside, since they take the time."""
    exercise = topic.exercises[name]
    mistakes = {mistake.name: judged(topic, name, mistake.implementation) for mistake in exercise.mistakes}
    others = {stem: judged(topic, name, subject) for stem, subject in alternatives(topic, name).items()}
    return Row(
        exercise,
        judged(topic, name, topic.reference(name)).earned,
        judged(topic, name, blank(topic, name)).earned,
        [known for known, seen in mistakes.items() if seen.mistake != known or seen.earned == exercise.points],
        list(others),
        [stem for stem, seen in others.items() if seen.earned != exercise.points],
        mutation_fates,
        equivalent,
        trouble_with_promises(topic, exercise, {known: failed(seen) for known, seen in mistakes.items()}),
    )


def failed(seen: Verdict) -> set[str]:
    """The checks that were not passed."""
    return {check.name for check in seen.checks if check.outcome != "passed"}


def tried(topic: Topic, progress: Progress | None = None, every: int = 1) -> tuple[dict[Mutation, str], dict[str, int]]:
    """What becomes of all mutations, or soon of `every` so many one, and how many of each exercise change nothing.

    Raises Unsound where `equivalent.toml` names what is not generated.
    """
    known, made = equivalents(topic), {name: mutations(topic, name) for name in topic.exercises}
    stale = set(known) - {mutation.change for found in made.values() for mutation in found}
    if stale:
        raise Unsound(f"equivalent.toml of {topic.name} names mutations that are not generated: {sorted(stale)}")
    todo = [mutation for found in made.values() for mutation in found if mutation.change not in known][::every]
    bar = progress and progress.add_task(f"{topic.name}: mutations", total=len(todo))
    results = fates(topic, todo, lambda: progress.advance(bar) if progress else None, soon=every > 1)
    return results, {name: sum(mutation.change in known for mutation in found) for name, found in made.items()}


def prove(topic: Topic, progress: Progress | None = None) -> list[Row]:
    """One row for each exercise. Raises Unsound as `tried` does."""
    results, equivalent = tried(topic, progress)
    return [
        survey(
            topic,
            name,
            {mutation: result for mutation, result in results.items() if mutation.exercise == name},
            equivalent[name],
        )
        for name in topic.exercises
    ]


def table(topic: Topic, rows: list[Row]) -> Table:
    """The rows as a table."""
    shown = Table("exercise", title=f"The checks of {topic.name}", box=SIMPLE, padding=(0, 1, 0, 0))
    columns = "points", "reference", "blank", "promises\nasked for", "mistakes\nnamed", "other ways\npassed"
    for column in (*columns, "mutations", "equivalent", "caught", "share"):
        shown.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        mistakes, others, results = row.exercise.mistakes, row.alternatives, list(row.fates.values())
        shown.add_row(
            row.exercise.name,
            f"{row.exercise.points:g}",
            f"{row.reference:g}",
            f"{row.blank:g}",
            f"{len(row.exercise.promises)}",
            f"{len(mistakes) - len(row.unrecognised)} of {len(mistakes)}",
            f"{len(others) - len(row.refused)} of {len(others)}",
            f"{len(results) + row.equivalent}",
            f"{row.equivalent}",
            f"{len(results) - len(row.survivors)} of {len(results)}",
            f"{row.caught:.1%}",
        )
    return shown


def table_of_promises(rows: list[Row]) -> Table:
    """Each promise of each exercise, the check that asks for it, and who breaks it."""
    shown = Table("exercise", "promise", "check", "broken by", box=SIMPLE, padding=(0, 1, 0, 0))
    for row in rows:
        for promise in row.exercise.promises:
            shown.add_row(row.exercise.name, promise.words, *map(spaced, (promise.check, promise.broken_by)))
    return shown


def spaced(name: str) -> str:
    """A name in words."""
    return name.replace("_", " ")


def footnote(results: dict[Mutation, str]) -> str:
    """How the mutations were caught: one that only raises would be caught by any check at all."""
    became = list(results.values())
    kinds = {"wrong": "by a wrong value", "raised": "by an exception alone", "out of time": "by the clock"}
    caught = ", ".join(f"{became.count(kind)} {words}" for kind, words in kinds.items())
    survivors = [
        f"{mutation.exercise}: survives\n  - {mutation.original}\n  + {mutation.mutated}"
        for mutation, result in results.items()
        if result == "survived"
    ]
    return "\n".join([f"Of {len(results)} mutations that change the meaning, caught {caught}.", *survivors])


def main(names: list[str]) -> int:
    """Print the table of each topic; 1 where anything falls short or no proof can be made."""
    torch.set_num_threads(1)
    console, short = Console(width=None if sys.stdout.isatty() else 120), []
    for name in names or topics():
        try:
            topic = load(name)
            with Progress(console=console, transient=True) as progress:
                rows = prove(topic, progress)
        except (UnknownTopic, Unsound) as error:
            short.append(str(error))
            continue
        console.print(table(topic, rows))
        console.print(table_of_promises(rows), markup=False)
        results = {mutation: result for row in rows for mutation, result in row.fates.items()}
        console.print(footnote(results), markup=False, highlight=False, soft_wrap=True)
        short += [problem for row in rows for problem in row.problems]
    for problem in short:
        console.print(f"Falls short: {problem}", markup=False, highlight=False, soft_wrap=True)
    return 1 if short else 0


if __name__ == "__main__":
    from autograder.checking import soundness  # so that the worker processes know its functions by their name

    sys.exit(soundness.main(sys.argv[1:]))
