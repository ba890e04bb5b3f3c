"""The locked checks were changed: a comment, a name for the result, several at once."""

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise


def hand_in(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        name = checked_exercise(cell.source)
        if name:
            cell.source = f"points = check({name})  # at last!\nassert points.verdict.earned > 0\n\n"
    return nbformat.writes(notebook)
