"""Reading what a learner handed in, whatever saved it, and putting it back into the released form.

Colab, Kaggle, VS Code and Jupyter keep some metadata and lose some: each released cell is looked for by its
grade id, then by its cell id, then by the function it defines or by what it says. What is found gets the
released metadata back; what is missing is put in as it was released; nothing else is touched.
"""

import ast
import copy
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.release import STUB, checked_exercise

MAX_BYTES = 100_000_000


class UnreadableSubmission(Exception):
    """The file is no notebook: why, in words for the instructor's report."""


def read_submission(path: Path) -> NotebookNode:
    """A submitted notebook in format 4. Raises UnreadableSubmission."""
    if path.stat().st_size > MAX_BYTES:
        raise UnreadableSubmission(f"larger than {MAX_BYTES // 1_000_000} MB")
    try:
        raw = json.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise UnreadableSubmission("not a notebook: the file is not UTF-8 text") from None
    except (json.JSONDecodeError, RecursionError):
        text = path.read_text(encoding="utf-8", errors="replace").lstrip()[:200].lower()
        is_page = text.startswith(("<!doctype", "<html"))
        raise UnreadableSubmission("a web page, not a notebook" if is_page else "not a notebook: not JSON") from None
    try:
        return as_notebook(raw)
    except Exception as error:
        raise UnreadableSubmission(f"not a notebook: {type(error).__name__}: {str(error)[:200]}") from None


def as_notebook(raw: dict) -> NotebookNode:
    """Parsed JSON as a notebook of format 4, with sources in one string and sound cells. Raises ValueError."""
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise ValueError("there is no list of cells")
    notebook = nbformat.v4.new_notebook(metadata={})
    makers = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
        "raw": nbformat.v4.new_raw_cell,
    }
    for raw_cell in raw["cells"]:
        source = raw_cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        metadata = raw_cell.get("metadata") if isinstance(raw_cell.get("metadata"), dict) else {}
        cell = makers[raw_cell["cell_type"]](source.replace("\r\n", "\n"), metadata=nbformat.from_dict(metadata))
        cell.id = str(raw_cell.get("id") or metadata.get("id") or cell.id)
        if cell.cell_type == "code" and isinstance(raw_cell.get("outputs"), list):
            cell.outputs = nbformat.from_dict(raw_cell["outputs"])
        notebook.cells.append(cell)
    return notebook


def repair(submitted: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The submitted notebook with every released cell that matters present once, with its released metadata.

    Metadata of nbgrader's on any other cell, such as a duplicate, is taken off; the cell itself stays.
    """
    cells = [copy.deepcopy(cell) for cell in submitted.cells]
    for cell in cells:
        cell.metadata = nbformat.from_dict({**cell.metadata})
    claimed: dict[int, NotebookNode] = {}  # index in cells -> released cell
    for wanted in filter(_matters, released.cells):
        index = _find(wanted, cells, claimed, released)
        if index is not None:
            claimed[index] = wanted
    for index, cell in enumerate(cells):
        cell.metadata.pop("nbgrader", None)
        cell.metadata.pop("tags", None)
        if index in claimed:
            _restore(cell, claimed[index])
    _insert_missing(cells, released)
    repaired = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(released.metadata))
    for index, cell in enumerate(repaired.cells):  # ids may be missing, malformed or doubled
        cell.id = cell.metadata.get("nbgrader", {}).get("grade_id") or f"cell-{index}"
    return repaired


def _matters(cell: NotebookNode) -> bool:
    return "nbgrader" in cell.metadata or bool({"setup", "lab"} & set(cell.metadata.get("tags", [])))


def _restore(cell: NotebookNode, wanted: NotebookNode) -> None:
    for key in ("nbgrader", "tags"):
        if key in wanted.metadata:
            cell.metadata[key] = copy.deepcopy(wanted.metadata[key])
    if cell.cell_type != wanted.cell_type:  # a written answer turned into code, or the reverse
        cell.cell_type = wanted.cell_type
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
        if wanted.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def _find(wanted: NotebookNode, cells: list[NotebookNode], claimed: dict, released: NotebookNode) -> int | None:
    """The index of the submitted cell that is the wanted released one, or None."""
    grade_id = wanted.metadata.get("nbgrader", {}).get("grade_id")
    tests = (
        lambda cell: grade_id and cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id,
        lambda cell: wanted.id in (cell.get("id"), cell.metadata.get("id")),
        lambda cell: _says_the_same(cell, wanted),
    )
    for test in tests:
        found = [index for index, cell in enumerate(cells) if index not in claimed and test(cell)]
        written = [index for index in found if STUB not in cells[index].source]
        if found:
            return (written or found)[-1]  # of two copies, the last that was worked on
    return _find_answer(wanted, cells, claimed, released)


def _says_the_same(cell: NotebookNode, wanted: NotebookNode) -> bool:
    """Whether a cell without metadata defines the wanted function, checks it, or says the same text."""
    if cell.cell_type != wanted.cell_type:
        return False
    about = wanted.metadata.get("nbgrader")
    if about and wanted.cell_type == "code":
        if about.grade:
            return checked_exercise(cell.source) == checked_exercise(wanted.source)
        return about.grade_id in _defined(cell.source)
    return not about and cell.source.strip() == wanted.source.strip()


def _defined(source: str) -> set[str]:
    """The functions and classes that a cell defines at its top level."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        return set()
    return {node.name for node in body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}


def _find_answer(wanted: NotebookNode, cells: list[NotebookNode], claimed: dict, released: NotebookNode) -> int | None:
    """A written answer without metadata: the Markdown cell that follows its question."""
    position = released.cells.index(wanted)
    if wanted.cell_type != "markdown" or position == 0:
        return None
    question = released.cells[position - 1].source.strip()
    for index, cell in enumerate(cells[:-1]):
        if cell.source.strip() == question and cells[index + 1].cell_type == "markdown" and index + 1 not in claimed:
            return index + 1
    return None


def _insert_missing(cells: list[NotebookNode], released: NotebookNode) -> None:
    """Put each graded cell that is missing back as it was released, after the one that it followed."""
    at = 0
    by_id = {cell.metadata.nbgrader.grade_id: cell for cell in cells if "nbgrader" in cell.metadata}
    for wanted in released.cells:
        grade_id = wanted.metadata.get("nbgrader", {}).get("grade_id")
        if grade_id is None:
            continue
        if grade_id in by_id:
            at = cells.index(by_id[grade_id]) + 1
        else:
            cells.insert(at, copy.deepcopy(wanted))
            at += 1
