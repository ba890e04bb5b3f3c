"""Every check cell is deleted, with all text but questions and answers, and the setup cell."""

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    follower = dict(zip((cell.id for cell in notebook.cells), notebook.cells[1:]))
    kept = [cell for cell in notebook.cells if is_needed(cell) or is_needed(follower.get(cell.id), "markdown")]
    notebook.cells = [cell for cell in kept if "setup" not in cell.metadata.get("tags", [])]
    return nbformat.writes(notebook)


def is_needed(cell: NotebookNode | None, *kinds: str) -> bool:
    """Whether a cell is code other than a check, or an answer."""
    about = cell.metadata.get("nbgrader", {}) if cell else {}
    if cell is None or (kinds and cell.cell_type not in kinds):
        return False
    return bool(about.get("solution")) or (cell.cell_type == "code" and not about)
