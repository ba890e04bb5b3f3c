"""The exercises are shuffled and moved below all checks, and all metadata is lost."""

from nbformat import NotebookNode

from autograder.example.handing_in import without_metadata


def hand_in(notebook: NotebookNode) -> str:
    exercises = [cell for cell in notebook.cells if is_exercise(cell)]
    notebook.cells = [cell for cell in notebook.cells if not is_exercise(cell)] + exercises[::2] + exercises[1::2]
    return without_metadata(notebook)


def is_exercise(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution", False)
