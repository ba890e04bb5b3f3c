"""Ways in which a class hands in: how a submission is made from the released notebook."""

import json
import re
from collections.abc import Callable

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise
from autograder.checking.errors import ClearError
from autograder.checking.solution_source import BEGIN, END, solution_source
from autograder.checking.topic import load


class ExampleError(ClearError):
    """There is no example class for this topic, or the course cannot take it."""


def solved(notebook: NotebookNode, only: tuple[str, ...] | None = None) -> NotebookNode:
    """The notebook with the reference written into its exercises, or into some of them."""
    topic = topic_of(notebook)
    for cell in notebook.cells:
        about = cell.metadata.get("nbgrader", {})
        name = about.get("grade_id")
        if about.get("solution") and cell.cell_type == "code" and (only is None or name in only):
            lines = solution_source(load(topic).reference(name)).splitlines()
            cell.source = "\n".join(line for line in lines if line.strip() not in (BEGIN, END))
        elif about.get("solution") and cell.cell_type == "markdown":
            cell.source = "My curve says what I expected, but for its end, and one run does not tell why."
    return notebook


def all_right(notebook: NotebookNode) -> str:
    """Solved, and nothing else."""
    return nbformat.writes(solved(notebook))


def half_done(exercises: tuple[str, ...]) -> Callable[[NotebookNode], str]:
    """Solved in some exercises, blank in the others."""
    return lambda notebook: nbformat.writes(solved(notebook, only=exercises))


def with_references(*exercises: str) -> Callable[[NotebookNode], str]:
    """Solved, with the reference imported for some exercises."""

    def make(notebook: NotebookNode) -> str:
        solved(notebook)
        for name in exercises:
            cell_of(notebook, name).source = f"from solutions.{topic_of(notebook)} import {name}"
        return nbformat.writes(notebook)

    return make


def edited(exercise: str, old: str, new: str) -> Callable[[NotebookNode], str]:
    """Solved, but for one edit in one exercise: a known mistake, as a learner would type it."""

    def make(notebook: NotebookNode) -> str:
        cell = cell_of(solved(notebook), exercise)
        if old not in cell.source:
            raise ExampleError(f"{exercise} has no {old!r} to edit")
        cell.source = cell.source.replace(old, new)
        return nbformat.writes(notebook)

    return make


def with_cell(source: str, after: str | None = None, instead: str | None = None) -> Callable[[NotebookNode], str]:
    """Solved, with a cell of the learner's own after an exercise's cell, or instead of it."""

    def make(notebook: NotebookNode) -> str:
        solved(notebook)
        if instead:
            cell_of(notebook, instead).source = source
        else:
            at = notebook.cells.index(cell_of(notebook, after)) + 1
            notebook.cells.insert(at, nbformat.v4.new_code_cell(source))
        return nbformat.writes(notebook)

    return make


def fourth_cell_never_ends(notebook: NotebookNode) -> str:
    """Solved, and the fourth code cell of the learner's own runs for ever."""
    solved(notebook)
    own = [cell for cell in notebook.cells if cell.cell_type == "code" and not checked_exercise(cell.source)]
    own[3].source += "\n\nwhile True:\n    pass"
    return nbformat.writes(notebook)


def without_metadata(notebook: NotebookNode) -> str:
    """Solved, with all metadata and ids lost."""
    for cell in solved(notebook).cells:
        cell.metadata = nbformat.from_dict({})
        cell.pop("id", None)
    raw = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": notebook.cells}
    return json.dumps(raw)


def as_colab_saves(notebook: NotebookNode) -> str:
    """Solved, and saved to GitHub from Colab: a badge cell without an id, ids doubled into metadata, widget state."""
    raw = json.loads(nbformat.writes(solved(notebook)))
    for cell in raw["cells"]:
        cell["metadata"]["id"] = cell["id"]
        if cell["cell_type"] == "code":
            cell["metadata"]["colab"] = {"base_uri": "https://localhost:8080/"}
            cell["metadata"]["outputId"] = "00000000-0000-0000-0000-000000000000"
    badge = {"id": "view-in-github", "colab_type": "text"}
    raw["cells"].insert(0, {"cell_type": "markdown", "metadata": badge, "source": ["<a>Open in Colab</a>"]})
    state = {"0" * 32: {"model_module": "@jupyter-widgets/controls", "model_name": "VBoxModel", "state": {}}}
    raw["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    return json.dumps(raw, indent=2, ensure_ascii=False)


def as_kaggle_saves(notebook: NotebookNode) -> str:
    """Solved, and saved by Kaggle: one line, sources as one string, no ids, format 4.4."""
    raw = json.loads(nbformat.writes(solved(notebook)))
    for cell in raw["cells"]:
        cell.pop("id")
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"trusted": True, "execution": {"iopub.status.busy": "2026-01-01T00:00:00.000Z"}}
    raw["metadata"]["kaggle"] = {"accelerator": "none", "dataSources": [], "isInternetEnabled": True}
    return json.dumps(raw | {"nbformat_minor": 4}, ensure_ascii=False)


def topic_of(notebook: NotebookNode) -> str:
    """The topic of a released notebook, from the line that imports its check."""
    for cell in notebook.cells:
        if found := re.search(r"^from autograder\.checks\.(\w+) import check$", cell.source, re.MULTILINE):
            return found[1]
    raise ExampleError("the released notebook has no line `from autograder.checks.TOPIC import check`")


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id:
            return cell
    raise ExampleError(f"the released notebook has no cell {grade_id!r}")


# --- Who is in the class ------------------------------------------------------------------------------------
