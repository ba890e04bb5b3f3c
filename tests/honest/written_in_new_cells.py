"""Every exercise and answer stays blank, and is written in a new cell: code above the blank, text below it."""

import nbformat
from nbformat import NotebookNode

from autograder.checking.topic import ROOT


def hand_in(notebook: NotebookNode) -> str:
    blank = nbformat.read(ROOT / "exercises" / "attention" / "attention.ipynb", as_version=4)
    for cell, written in zip(blank.cells[:], notebook.cells, strict=True):
        if cell.source != written.source:
            at = blank.cells.index(cell) + (cell.cell_type == "markdown")
            new = nbformat.v4.new_markdown_cell if cell.cell_type == "markdown" else nbformat.v4.new_code_cell
            blank.cells.insert(at, new(written.source))
    return nbformat.writes(blank)
