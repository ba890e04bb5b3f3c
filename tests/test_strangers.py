"""Proves that wrong solutions written by strangers to the checks lose points, and that right ones lose none.

`tests/strangers/<topic>/<exercise>.py` holds both, in cells: `# %% wrong: NAME` with the sentence that it breaks, or
`# %% right: NAME`. Who wrote them had the released notebook and nothing else. What is still judged wrongly is listed in
`tests/strangers/unseen.txt`; whoever mends a check takes out what it now judges rightly.
"""

import ast
import re
from functools import cache
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
import torch

from autograder.checking import soundness
from autograder.checking.topic import ROOT, load, topics

STRANGERS = Path(__file__).parent / "strangers"
UNSEEN = set((STRANGERS / "unseen.txt").read_text(encoding="utf-8").split())
EXERCISES = [(topic, name) for topic in topics() for name in load(topic).exercises]
torch.set_num_threads(1)  # the tensors are small: threads would only wait for each other


def cells(topic: str, exercise: str) -> list[tuple[str, str, str]]:
    """Kind, name and source of each variant of an exercise."""
    text = (STRANGERS / topic / f"{exercise}.py").read_text(encoding="utf-8")
    parts = re.split(r"^# %% (wrong|right): (\w+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))


@cache
def world(topic: str) -> dict:
    """What a cell of the notebook finds there: its imports, what it gives, and the reference of every exercise."""
    names: dict = {}
    definitions = ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef
    notebook = nbformat.read(ROOT / "exercises" / topic / f"{topic}.ipynb", as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and not {"setup", "lab"} & set(cell.metadata.get("tags", [])):
            for statement in ast.parse(cell.source).body:
                is_constant = (
                    isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]).strip("(")[0].isupper()
                )
                if is_constant or isinstance(statement, definitions):
                    exec(compile(ast.Module([statement], []), topic, "exec"), names)
    return names | vars(import_module(f"solutions.{topic}"))


def is_caught(topic: str, exercise: str, source: str) -> bool:
    """Whether a variant fails a check."""
    names = dict(world(topic))
    exec(compile(source, f"<{exercise}>", "exec"), names)
    return (
        soundness.fate_of(load(topic), exercise, names[exercise], rehearsed=True, seconds=20, soon=True) != "survived"
    )


@pytest.mark.parametrize(("topic", "exercise"), EXERCISES)
def test_wrong_ones_lose_points_but_for_those_that_are_listed_and_right_ones_lose_none(topic, exercise):
    written = cells(topic, exercise)
    caught = {f"{topic}/{exercise}/{name}": is_caught(topic, exercise, source) for _, name, source in written}
    wrong = {f"{topic}/{exercise}/{name}" for kind, name, _ in written if kind == "wrong"}
    listed = {entry for entry in UNSEEN if entry.startswith(f"{topic}/{exercise}/")}
    assert {name for name in wrong if not caught[name]} == listed & wrong
    assert {name for name in caught.keys() - wrong if caught[name]} == listed - wrong


@pytest.mark.parametrize(("topic", "exercise"), EXERCISES)
def test_there_are_enough_and_their_names_differ(topic, exercise):
    written = cells(topic, exercise)
    assert len({name for _, name, _ in written}) == len(written)
    assert [kind for kind, _, _ in written].count("wrong") >= 5 and [kind for kind, _, _ in written].count("right") >= 2
