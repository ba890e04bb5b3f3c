"""Each check is merged with the cell below it, text turned into a comment, and keeps the metadata of the check."""

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise


def hand_in(notebook: NotebookNode) -> str:
    cells = []
    for cell in notebook.cells:
        if cells and checked_exercise(cells[-1].source) and cell.cell_type == "markdown":
            cells[-1].source += "\n" + "".join(f"# {line}\n" for line in cell.source.splitlines()) + "my_note = 1"
        else:
            cells.append(cell)
    notebook.cells = cells
    return nbformat.writes(notebook)
