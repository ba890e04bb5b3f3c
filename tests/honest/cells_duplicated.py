"""Each exercise and each check is there twice, with one id; the copies of the exercises, below, are blank."""

import json

import nbformat
from nbformat import NotebookNode

from autograder.checking.topic import ROOT


def hand_in(notebook: NotebookNode) -> str:
    blank = {cell.id: cell.source for cell in released().cells}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        if cell.cell_type == "code" and "nbgrader" in cell.metadata:
            cells.append({**cell, "source": blank[cell.id]})
    return json.dumps(notebook | {"cells": cells})  # nbformat would refuse two cells with one id


def released() -> NotebookNode:
    return nbformat.read(ROOT / "exercises" / "attention" / "attention.ipynb", as_version=4)
