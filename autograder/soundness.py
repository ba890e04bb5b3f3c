"""Is a bank of checks sound? The proof, topic by topic: `python -m autograder.soundness [TOPIC]`.

For each exercise: the reference earns all points and a blank none; every known mistake loses points and is
recognised as itself; every alternative in `tests/alternatives/<topic>/` earns all points; and of the small
changes to the reference's own code (mutations: Cosmic Ray's operators, and four of ours) nearly all are caught.
A change that leaves the meaning as it was is written down with its reason in `equivalent.toml` beside the
alternatives; an entry that is no longer generated is an error.
"""

import ast
import difflib
import os
import runpy
import signal
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import parso
import torch
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from autograder.judge import Verdict, judge, observe_all
from autograder.protocol import PUBLIC_SEED, Exercise, Topic, load, topics
from autograder.release import BEGIN, END, STUB, solution_source

ALTERNATIVES = Path(__file__).resolve().parent.parent / "tests" / "alternatives"
AT_LEAST = 3  # known mistakes, and alternatives, for each exercise
CAUGHT = 0.95  # of the mutations that change the meaning
SECONDS = 20  # for one mutation; one that takes longer counts as caught
BIT_OPERATORS = ("Shift", "Bit")  # on numbers of floating point these only raise, which would flatter the count


MODULES = ("torch", "math", "F", "nn")  # whose functions take as first argument what they change


class Unsound(Exception):
    """The proof cannot be made: a file is missing, or an entry in `equivalent.toml` is stale."""


def verdict(topic: Topic, name: str, subject: Any, seed: int = PUBLIC_SEED) -> Verdict:
    """The verdict on one implementation."""
    exercise = topic.exercises[name]
    return judge(topic, exercise, observe_all(topic, exercise, subject, seed), seed)


def defined(topic: Topic, name: str, source: str) -> Any:
    """The function or class that a source defines, in the world of the reference's module."""
    world = dict(vars(import_module(f"solutions.{topic.name}")))
    exec(compile(source, f"<{name}>", "exec"), world)
    return world[name]


def with_solution(source: str, write: Callable[[str], str]) -> str:
    """A source whose solution (what stands between the markers, unindented) has been rewritten."""
    before, rest = source.split(BEGIN, 1)
    solution, after = rest.split(END, 1)
    indent = before.rsplit("\n", 1)[-1]
    return f"{before.rstrip()}\n{textwrap.indent(write(textwrap.dedent(solution.strip(chr(10)))), indent)}\n{after}"


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


@dataclass(frozen=True)
class Mutation:
    """One small change to a reference: the line as it was, as it is now, and the whole source."""

    exercise: str
    original: str
    mutated: str
    source: str = field(repr=False)

    @property
    def change(self) -> tuple[str, str, str]:
        return self.exercise, self.original, self.mutated


class DropStatement(Operator):
    """Leave out one statement (`pass` stands in its place)."""

    def mutation_positions(self, node):
        if node.type == "simple_stmt":
            yield node.start_pos

    def mutate(self, node, index):
        return parso.parse(node.get_code(include_prefix=False).replace(node.children[0].get_code(False), "pass", 1))

    @classmethod
    def examples(cls):
        return ()


class DropArgument(Operator):
    """Leave out one argument of a call that has several, or a keyword argument."""

    def mutation_positions(self, node):
        if node.type == "arglist":
            yield from (part.start_pos for part in _arguments(node))
        elif node.type == "argument" and node.parent.type == "trailer":
            yield node.start_pos

    def mutate(self, node, index):
        if node.type == "argument":
            return None
        kept = [part for number, part in enumerate(_arguments(node)) if number != index]
        return _in_place_of(node, ", ".join(_code(part) for part in kept))

    @classmethod
    def examples(cls):
        return ()


class SwapArguments(Operator):
    """Swap two neighbouring arguments of a call, or two neighbours in a tuple."""

    def mutation_positions(self, node):
        if node.type in ("arglist", "testlist", "testlist_comp", "testlist_star_expr", "exprlist"):
            neighbours = zip(_arguments(node), _arguments(node)[1:])
            yield from (
                pair[1].start_pos for pair in neighbours if pair[1].type != "argument"
            )  # keywords have no order

    def mutate(self, node, index):
        parts = [_code(part) for part in _arguments(node)]
        parts[index], parts[index + 1] = parts[index + 1], parts[index]
        return _in_place_of(node, ", ".join(parts))

    @classmethod
    def examples(cls):
        return ()


class DropCall(Operator):
    """Leave out one call: `x.transpose(0, 1)` becomes `x`, and `torch.tanh(x)` becomes `(x)`."""

    def mutation_positions(self, node):
        yield from (node.children[at].start_pos for at in _calls(node))

    def mutate(self, node, index):
        at = _calls(node)[index]
        parts = [_code(child) for child in node.children]
        if at == 1 and parts[0] in MODULES:
            inner = node.children[2].children[1]
            argument = (_arguments(inner) or [inner])[0] if inner.type == "arglist" else inner
            return _in_place_of(node, "".join([f"({_code(argument)})", *parts[3:]]))
        return _in_place_of(node, "".join(parts[:at] + parts[at + 2 :]))

    @classmethod
    def examples(cls):
        return ()


def _calls(node) -> list[int]:
    """Where, among the children of an expression such as `x.a(…).b(…)`, a `.name` is followed by its `(…)`."""
    if node.type not in ("atom_expr", "power"):
        return []
    first = [child.get_first_leaf().value if child.type == "trailer" else "" for child in node.children]
    return [at for at in range(1, len(first) - 1) if first[at] == "." and first[at + 1] == "("]


def _arguments(node) -> list:
    """The parts of a list in the source; none where it is a comprehension."""
    if any(child.type in ("comp_for", "sync_comp_for") for child in node.children):
        return []
    return [child for child in node.children if child != ","]


def _code(node) -> str:
    return node.get_code(include_prefix=False)


def _in_place_of(node, code: str):
    """A leaf that reads as this code, to stand where the node stood."""
    leaf = parso.python.tree.Name(code, node.start_pos)
    leaf.prefix = node.get_first_leaf().prefix
    return leaf


def _operators() -> Iterator[Operator]:
    provider = OperatorProvider()
    for name in provider:
        if not provider[name].arguments() and not any(part in name for part in BIT_OPERATORS):
            yield provider[name]()
    yield from (DropStatement(), DropArgument(), SwapArguments(), DropCall())


def mutations(topic: Topic, name: str) -> list[Mutation]:
    """All small changes to the solution of an exercise that leave it compilable, each once."""
    source = solution_source(topic.reference(name))
    found: dict[str, Mutation] = {}

    def note(solution: str) -> str:
        for operator in _operators():
            occurrence = 0
            while (changed := mutate_code(solution, operator, occurrence)) is not None:
                occurrence += 1
                whole = with_solution(source, lambda _: changed)
                if _compiles(whole) and ast.dump(ast.parse(whole)) != unchanged:
                    found.setdefault(ast.dump(ast.parse(whole)), Mutation(name, *_lines(solution, changed), whole))
        return solution

    unchanged = ast.dump(ast.parse(with_solution(source, lambda solution: solution)))
    with_solution(source, note)
    return list(found.values())


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutation>", "exec")
    except SyntaxError:
        return False
    return True


def _lines(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without comments."""
    plain = [[line.split("  #")[0].strip() for line in text.splitlines()] for text in (before, after)]
    blocks = difflib.SequenceMatcher(None, *plain, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    first, last = changed[0], changed[-1]
    return "\n".join(plain[0][first[1] : last[2]]), "\n".join(plain[1][first[3] : last[4]])


def equivalents(topic: Topic) -> dict[tuple[str, str, str], str]:
    """The mutations that change nothing, with the reason: (exercise, original line, mutated line) -> reason."""
    path = ALTERNATIVES / topic.name / "equivalent.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", []) if path.exists() else []
    known = {(entry["function"], entry["original"], entry["mutated"]): entry["reason"].strip() for entry in entries}
    without = [change for change, reason in known.items() if not reason]
    if without:
        raise Unsound(f"{path}: no reason is given for {without}")
    return known


class _OutOfTime(BaseException):
    """Raised by the alarm; not an Exception, so that no check takes it for the learner's."""


def _alarm(*_) -> None:
    raise _OutOfTime


def fate(topic_name: str, mutation: Mutation) -> str:
    """What becomes of a mutation: "survived", "wrong" (a value gave it away), "raised" or "out of time"."""
    topic = load(topic_name)
    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(SECONDS)
    try:
        seen = verdict(topic, mutation.exercise, defined(topic, mutation.exercise, mutation.source))
    except _OutOfTime:
        return "out of time"
    finally:
        signal.alarm(0)
    outcomes = {check.outcome for check in seen.checks} - {"passed"}
    return "wrong" if "wrong" in outcomes else "raised" if outcomes else "survived"


def _start_worker() -> None:
    torch.set_num_threads(1)


def fates(topic: Topic, todo: list[Mutation], seen: Callable[[], None] = lambda: None) -> dict[Mutation, str]:
    """What becomes of each mutation, on all cores."""
    context = get_context("forkserver")  # a fork of this process could inherit locks of PyTorch's threads
    context.set_forkserver_preload([f"autograder.checks.{topic.name}", "autograder.judge"])
    cores = len(os.sched_getaffinity(0))
    with ProcessPoolExecutor(cores, mp_context=context, initializer=_start_worker) as pool:
        results = {}
        for mutation, result in zip(todo, pool.map(fate, [topic.name] * len(todo), todo, chunksize=4), strict=True):
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
        return [f"{self.exercise.name}: {words}" for words, holds in said.items() if holds]


def survey(topic: Topic, name: str, mutation_fates: dict[Mutation, str], equivalent: int = 0) -> Row:
    """Everything about one exercise; the fates of its mutations come from outside, since they take the time."""
    exercise = topic.exercises[name]
    mistakes = {mistake.name: verdict(topic, name, mistake.implementation) for mistake in exercise.mistakes}
    others = {stem: verdict(topic, name, subject) for stem, subject in alternatives(topic, name).items()}
    return Row(
        exercise,
        verdict(topic, name, topic.reference(name)).earned,
        verdict(topic, name, blank(topic, name)).earned,
        [known for known, seen in mistakes.items() if seen.mistake != known or seen.earned == exercise.points],
        list(others),
        [stem for stem, seen in others.items() if seen.earned != exercise.points],
        mutation_fates,
        equivalent,
    )


def prove(topic: Topic, progress: Progress | None = None) -> list[Row]:
    """One row for each exercise. Raises Unsound where `equivalent.toml` names what is not generated."""
    known, made = equivalents(topic), {name: mutations(topic, name) for name in topic.exercises}
    stale = set(known) - {mutation.change for found in made.values() for mutation in found}
    if stale:
        raise Unsound(f"equivalent.toml of {topic.name} names mutations that are not generated: {sorted(stale)}")
    todo = [mutation for found in made.values() for mutation in found if mutation.change not in known]
    bar = progress and progress.add_task(f"{topic.name}: mutations", total=len(todo))
    results = fates(topic, todo, lambda: progress.advance(bar) if progress else None)
    return [
        survey(
            topic,
            name,
            {mutation: result for mutation, result in results.items() if mutation.exercise == name},
            sum(mutation.change in known for mutation in found),
        )
        for name, found in made.items()
    ]


def table(topic: Topic, rows: list[Row]) -> Table:
    """The rows as a table."""
    shown = Table(title=f"The checks of {topic.name}", box=SIMPLE)
    shown.add_column("exercise", no_wrap=True)
    columns = (
        "points",
        "reference",
        "blank",
        "mistakes\nnamed",
        "other ways\npassed",
        "mutations",
        "of them\nequivalent",
    )
    for column in (*columns, "caught", "share\ncaught"):
        shown.add_column(column, justify="right")
    for row in rows:
        mistakes, others, results = row.exercise.mistakes, row.alternatives, list(row.fates.values())
        shown.add_row(
            row.exercise.name,
            f"{row.exercise.points:g}",
            f"{row.reference:g}",
            f"{row.blank:g}",
            f"{len(mistakes) - len(row.unrecognised)} of {len(mistakes)}",
            f"{len(others) - len(row.refused)} of {len(others)}",
            f"{len(results) + row.equivalent}",
            f"{row.equivalent}",
            f"{len(results) - len(row.survivors)} of {len(results)}",
            f"{row.caught:.1%}",
        )
    return shown


def footnote(rows: list[Row]) -> str:
    """How the mutations were caught: one that only raises would be caught by any check at all."""
    results = [result for row in rows for result in row.fates.values()]
    kinds = {"wrong": "by a wrong value", "raised": "by an exception alone", "out of time": "by the clock"}
    caught = ", ".join(f"{results.count(kind)} {words}" for kind, words in kinds.items())
    survivors = [
        f"{mutation.exercise}: survives\n  - {mutation.original}\n  + {mutation.mutated}"
        for row in rows
        for mutation in row.survivors
    ]
    return "\n".join([f"Of {len(results)} mutations that change the meaning, caught {caught}.", *survivors])


def main(names: list[str]) -> int:
    """Print the table of each topic; 1 where anything falls short."""
    torch.set_num_threads(1)
    console, short = Console(width=None if sys.stdout.isatty() else 120), []
    for name in names or topics():
        topic = load(name)
        with Progress(console=console, transient=True) as progress:
            rows = prove(topic, progress)
        console.print(table(topic, rows))
        console.print(footnote(rows), markup=False, highlight=False, soft_wrap=True)
        short += [problem for row in rows for problem in row.problems]
    for problem in short:
        console.print(f"falls short: {problem}", markup=False)
    return 1 if short else 0


if __name__ == "__main__":
    from autograder import soundness  # so that the worker processes know its functions by their name

    sys.exit(soundness.main(sys.argv[1:]))
