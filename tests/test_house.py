"""The house stands as its map says: imports go one way, and an exercise has a file.

Proves that the contracts of pyproject.toml hold and would be broken by one import the wrong way, and that a topic's
folder of checks is its notebook's exercises in their order, in files that can be read in one sitting; and that no line
of an exercise's docstring ends out of sight. That what the map names is there, tests/test_docs.py proves.
"""

import ast
import subprocess
from pathlib import Path

import jupytext
import pytest
from checkout import ROOT, copy_to

from autograder.checking.topic import CHECKS, load, topics
from autograder.releasing.release import source_path

LONGEST = 400  # lines of a file of checks, about
WIDEST = 80  # signs of a line that a learner reads


def lint_imports(root: Path) -> subprocess.CompletedProcess:
    return subprocess.run(["lint-imports", "--no-cache"], cwd=root, capture_output=True, text=True, check=False)


def test_imports_go_one_way():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


WRONG_WAY = [  # a module, what it must not import, and the contract that says so
    ("autograder.collecting.lms", "autograder.grading.grade", "No station"),
    ("autograder.checking.judge", "autograder.releasing.release", "No station"),
    ("autograder.checks.attention.causal_attention", "nbgrader", "never reaches nbgrader"),
    ("layercake.village.world", "layercake.labs.recall", "stands on the village"),
    ("solutions.attention", "layercake.village", "nothing of the course"),
    ("layercake.device", "layercake.training", "No circle"),
    ("layercake.training", "layercake.device", "No circle"),
]


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> str:
    """What is said of a house in which all of that is imported, in functions, where Python itself would not mind."""
    root = copy_to(tmp_path_factory.mktemp("house"))
    for module, wrong, _ in WRONG_WAY:
        with (root / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
            file.write(f"\n\ndef late():\n    import {wrong}\n")
    done = lint_imports(root)
    assert done.returncode == 1
    return " ".join(done.stdout.partition("Broken contracts")[2].split())


@pytest.mark.parametrize(("module", "wrong", "contract"), WRONG_WAY)
def test_an_import_the_wrong_way_is_told(broken, module, wrong, contract):
    assert contract in broken
    assert f"{module} -> {wrong}" in broken or contract == "No circle"


@pytest.mark.parametrize("topic", topics())
def test_a_topic_has_a_file_for_each_exercise_in_the_order_of_its_notebook(topic):
    cells = jupytext.read(source_path(topic), fmt="md:myst").cells
    asked = [cell.source.split()[-1] for cell in cells if "exercise" in cell.metadata.get("tags", [])]
    assert list(load(topic).exercises) == asked
    assert {path.stem for path in (CHECKS / topic).glob("*.py")} >= {"__init__", *asked}


def test_files_of_checks_are_short_enough_to_read():
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in CHECKS.rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > LONGEST} == {}


def test_the_docstring_of_an_exercise_is_no_wider_than_a_page_or_a_notebooks_cell():
    wide = [
        f"{path.name}, {node.name}: {line.strip()}"
        for path in ROOT.glob("solutions/*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        for line in (ast.get_docstring(node, clean=False) or "").splitlines()
        if len(line) > WIDEST
    ]
    assert wide == []
