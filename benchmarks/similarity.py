"""How many copies `autograder report` finds among honest work, how often it is wrong, and what it costs.

Honest work is `tests/similarity/` (six ways of writing, each with comments and answers of its own) and
`tests/alternatives/`. A class is filled up with students who write each exercise as one of these does, without a
comment and with other names: more alike than a class in which everybody works alone. Into it come copies of the six,
disguised in one way at a time, beside students who write as the others do.
"""

import ast
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import nbformat
import typer
from nbformat import NotebookNode
from rich.console import Console
from rich.table import Table

from autograder.checking.topic import load, topics
from autograder.returning.similarity import Document, alike, known_work, likeness, own_work

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = ROOT / "tests" / "similarity"
Work = dict[str, str]  # what somebody wrote, by the cell that it stands in
console = Console()


def work_of(file: Path, topic: str) -> Work:
    """A module cut into cells: each exercise with what stands above it, and the written answers."""
    source, exercises = file.read_text(encoding="utf-8"), load(topic).exercises
    lines, made, start = source.splitlines(), {}, 0
    for node in ast.parse(source).body:
        name = getattr(node, "name", None)
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.Expr)):
            start = node.end_lineno
        elif isinstance(node, ast.Assign) and node.targets[0].id.endswith("_ANSWER"):
            made[node.targets[0].id.lower()] = ast.literal_eval(node.value).strip()
        elif name in exercises:
            made[name], start = "\n".join(lines[start : node.end_lineno]).strip(), node.end_lineno
    return made


def hand_in(work: Work, released: NotebookNode) -> NotebookNode:
    """The released notebook with somebody's work in it; what has no cell of its own stands in one at the end."""
    cells = [nbformat.from_dict(dict(cell)) for cell in released.cells]
    places = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in cells}
    for name, text in work.items():
        if name in places:
            places[name].source = text
        else:
            cells.append(nbformat.v4.new_code_cell(text))
    return nbformat.v4.new_notebook(cells=cells)


# --- Disguises ------------------------------------------------------------------------------------------------

WORDS = "alder birch cedar elm fir hazel ivy juniper larch maple oak pine rowan spruce thorn walnut willow yew".split()


def renamed(work: Work, rng: random.Random) -> Work:
    """Every name that the author chose is another one; a comment that mentions it says the new one."""
    code = "\n".join(text for name, text in work.items() if not name.endswith("_answer"))
    kept = {node.name for node in ast.parse(code).body if node.__class__.__name__ == "ClassDef"} | {"self", *work}
    chosen = {node.arg for node in ast.walk(ast.parse(code)) if isinstance(node, ast.arg)}
    chosen |= {n.id for n in ast.walk(ast.parse(code)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    chosen |= {node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)}
    new = {old: f"{rng.choice(WORDS)}_{number}" for number, old in enumerate(sorted(chosen - kept))}
    pattern = re.compile(rf"(?<![\w.])({'|'.join(map(re.escape, new))})\b(?!['\"])")
    return {
        name: text if name.endswith("_answer") else pattern.sub(lambda found: new[found[0]], text)
        for name, text in work.items()
    }


def reformatted(work: Work, rng: random.Random) -> Work:
    """Python's own layout, and no comments or docstrings."""
    return {name: text if name.endswith("_answer") else _bare(text) for name, text in work.items()}


def _bare(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def reordered(work: Work, rng: random.Random) -> Work:
    """All functions in one cell at the end, the last first."""
    code = [text for name, text in work.items() if not name.endswith("_answer")]
    answers = {name: text for name, text in work.items() if name.endswith("_answer")}
    parts = [ast.unparse(node) for text in code for node in ast.parse(text).body]
    return answers | {"at the end": "\n\n".join(reversed(parts))}


def without_answers(work: Work, rng: random.Random) -> Work:
    return {name: text for name, text in work.items() if not name.endswith("_answer")}


def all_of_it(work: Work, rng: random.Random) -> Work:
    """The code alone, renamed, reformatted and reordered."""
    return reordered(renamed(reformatted(without_answers(work, rng), rng), rng), rng)


def only_answers(work: Work, rng: random.Random) -> Work:
    return {name: text for name, text in work.items() if name.endswith("_answer")}


def reworded_answers(work: Work, rng: random.Random) -> Work:
    """The written answers, every tenth word another."""
    texts = {name: text.split() for name, text in only_answers(work, rng).items()}
    return {name: " ".join(w if i % 10 else rng.choice(WORDS) for i, w in enumerate(t)) for name, t in texts.items()}


def half_of_the_code(work: Work, rng: random.Random) -> Work:
    code = without_answers(work, rng)
    return {name: code[name] for name in rng.sample(sorted(code), len(code) // 2)}


DISGUISES: dict[str, Callable[[Work, random.Random], Work]] = {
    "as it is": lambda work, rng: work,
    "renamed, the answers left out": lambda work, rng: renamed(without_answers(work, rng), rng),
    "reformatted, no comments, no answers": lambda work, rng: reformatted(without_answers(work, rng), rng),
    "reordered, no comments, no answers": lambda work, rng: reordered(without_answers(work, rng), rng),
    "all of these": all_of_it,
    "half of the code, as it is": half_of_the_code,
    "half of the code, renamed": lambda work, rng: renamed(half_of_the_code(work, rng), rng),
    "the written answers alone": only_answers,
    "the answers, every tenth word another": reworded_answers,
}


# --- Classes --------------------------------------------------------------------------------------------------


def people(topic: str) -> dict[str, Work]:
    """Who wrote on their own."""
    files = [*sorted(PEOPLE.glob("*.py"))] if topic == "attention" else []
    files += sorted((ROOT / "tests" / "alternatives" / topic).glob("*.py"))
    return {file.stem: work_of(file, topic) for file in files}


def class_of(size: int, wrote: dict[str, Work], rng: random.Random) -> dict[str, Work]:
    """People, and students who write each exercise as one of them does, in words of their own."""
    made = dict(list(wrote.items())[:size])
    names = sorted({name for work in wrote.values() for name in without_answers(work, rng)})
    while len(made) < size:
        mixed = {name: rng.choice([work[name] for work in wrote.values() if name in work]) for name in names}
        made[f"student_{len(made)}"] = renamed(reformatted(mixed, rng), rng)
    return made


def released(topic: str) -> NotebookNode:
    return nbformat.read(ROOT / "exercises" / topic / f"{topic}.ipynb", as_version=4)


def documents(works: dict[str, Work], notebook: NotebookNode) -> dict[str, Document]:
    return {name: own_work(hand_in(work, notebook), notebook) for name, work in works.items()}


# --- Measuring ------------------------------------------------------------------------------------------------


def honest(sizes: list[int], times: int) -> Table:
    """How often honest work is reported, in classes of every topic."""
    table = Table(title=f"Honest work: {times} classes of each size and topic")
    for heading in ("Topic", "Size", "Pairs", "Pairs reported", "Classes with one", "Closest pair"):
        table.add_column(heading, justify="left" if heading == "Topic" else "right")
    for topic in topics():
        notebook, wrote = released(topic), people(topic)
        known = known_work(topic, notebook)
        for size in sizes:
            classes = [documents(class_of(size, wrote, random.Random(seed)), notebook) for seed in range(times)]
            close = [likeness(made, known) for made in classes]
            reported = [sum(value >= 1 for value in pairs.values()) for pairs in close]
            top = max((value for pairs in close for value in pairs.values()), default=0.0)
            pairs = times * size * (size - 1) // 2
            with_one = sum(map(bool, reported))
            table.add_row(topic, str(size), f"{pairs:,}", str(sum(reported)), f"{with_one} of {times}", f"{top:.2f}")
    return table


def copied(sizes: list[int]) -> Table:
    """How many of six copies are found, in each disguise, and what the least alike of them reaches."""
    topic, rng = "attention", random.Random(0)
    notebook, wrote = released(topic), people(topic)
    known = known_work(topic, notebook)
    authors = {name: work for name, work in wrote.items() if "lab_answer" in work}
    others = {name: work for name, work in wrote.items() if name not in authors}
    table = Table(
        "Disguise", title=f"{len(authors)} copies among honest work, {topic}: found (likeness, least to most)"
    )
    classes = []
    for size in sizes:
        table.add_column(f"a class of {size}", justify="right")
        classes.append(documents(class_of(size - 2 * len(authors), others, rng) | authors, notebook))
    for words, disguise in DISGUISES.items():
        copies = documents({f"{name} copied": disguise(work, rng) for name, work in authors.items()}, notebook)
        cells = []
        for made in classes:
            close = likeness(made | copies, known)
            found = sorted(close.get((name, f"{name} copied"), 0.0) for name in authors)
            cells.append(f"{sum(value >= 1 for value in found)} ({found[0]:.1f} to {found[-1]:.1f})")
        table.add_row(words, *cells)
    return table


def cost(size: int) -> str:
    """The time for one class, from notebooks to groups."""
    notebook, wrote = released("attention"), people("attention")
    notebooks = [hand_in(work, notebook) for work in class_of(size, wrote, random.Random(0)).values()]
    known, started = known_work("attention", notebook), time.perf_counter()
    made = {str(number): own_work(each, notebook) for number, each in enumerate(notebooks)}
    read = time.perf_counter()
    alike(made, known)
    compared = time.perf_counter() - read
    return f"{size} submissions: {read - started:.1f} s to read their words, {compared:.1f} s to compare them"


def main(
    sizes: Annotated[list[int] | None, typer.Option("--size", help="Of a class, any number of times.")] = None,
    times: Annotated[int, typer.Option(min=1, help="Honest classes of each size and topic.")] = 3,
    large: Annotated[int, typer.Option(help="The class whose time is taken.")] = 1000,
) -> None:
    """Print what is found, what is reported wrongly, and the time."""
    sizes = sizes or [20, 60, 200]
    console.print(honest(sizes, times))
    console.print(copied(sizes))
    console.print(cost(large))


if __name__ == "__main__":
    typer.run(main)
