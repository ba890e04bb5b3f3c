"""From one text to the next, all code is in one cell, with the metadata of the first of them."""

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    cells = []
    for cell in notebook.cells:
        above = cells[-1] if cells else None
        if above and cell.cell_type == above.cell_type == "code" and not is_lab(cell) and not is_lab(above):
            above.source += "\n\n" + cell.source
        else:
            cells.append(cell)
    notebook.cells = cells
    return nbformat.writes(notebook)


def is_lab(cell: NotebookNode) -> bool:
    return "lab" in cell.metadata.get("tags", [])
