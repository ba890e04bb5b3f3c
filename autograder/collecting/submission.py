"""Reading what a learner handed in, whatever saved it, and putting it back into the released form.

Colab, Kaggle, VS Code and Jupyter keep some metadata and lose some: each released cell is looked for by its
grade id, then by its cell id, then by the function it defines or by what it says. What is found gets the
released metadata back; what is missing is put in as it was released; nothing else is touched. A blank that is left
beside what was written in its stead is tagged `blank`, and one that only shows something is tagged `demonstration`;
neither is run.
"""

import ast
import copy
import difflib
import json
import re
import symtable
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.checking.cells import PARSING, checked_exercise, parse, sound
from autograder.checking.errors import ClearError
from autograder.checking.solution_source import STUB

EMPTY = {"code": {"execution_count": None, "outputs": []}, "markdown": {}, "raw": {}}  # what else a cell has
MAX_BYTES, MAX_CELLS = 100_000_000, 2_000
NOT_RUN = {"lab", "blank", "demonstration"}  # tags of the cells that are not run at grading


class UnreadableSubmission(ClearError):
    """The file is no notebook: why, in words for the instructor's report."""


def refuse_name(student: str) -> None:
    """Raise UnreadableSubmission for a name that nbgrader takes for a pattern, or formgrader for code."""
    if set(student) & set("*?[]"):
        raise UnreadableSubmission("nbgrader cannot take a student's name with *, ?, [ or ]; rename the folder")
    if set(student) & set('<>"&`\\') or not student.isprintable():
        raise UnreadableSubmission('formgrader shows a name with <, >, ", &, `, \\ as code; rename the folder')


def regular_file(path: Path) -> Path:
    """The same path. Raises UnreadableSubmission for a link, which leads to a file of somebody else's, or a pipe."""
    if path.is_symlink() or path.parent.is_symlink() or path.parents[1].is_symlink():
        raise UnreadableSubmission("a link to another file; put the file itself there")
    if path.exists() and not path.is_file():
        raise UnreadableSubmission("a folder, not a file" if path.is_dir() else "a pipe or a device, not a file")
    return path


def read_submission(path: Path) -> NotebookNode:
    """A submitted notebook in format 4. Raises UnreadableSubmission."""
    if regular_file(path).stat().st_size > MAX_BYTES:
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
    """Parsed JSON as a notebook of format 4: sources in one string, sound cells, no outputs. Raises ValueError."""
    if not isinstance(raw, dict) or not isinstance(raw.get("cells"), list):
        raise ValueError("there is no list of cells")
    if len(raw["cells"]) > MAX_CELLS:
        raise ValueError(f"more than {MAX_CELLS:,} cells")
    notebook = nbformat.v4.new_notebook(metadata={})
    for index, raw_cell in enumerate(raw["cells"]):
        source = raw_cell.get("source", "")
        source = source if isinstance(source, str) else "".join(source)
        metadata = raw_cell.get("metadata") if isinstance(raw_cell.get("metadata"), dict) else {}
        named = str(raw_cell.get("id") or metadata.get("id") or f"cell-{index}")
        kind = raw_cell["cell_type"]
        cell = {"cell_type": kind, "id": named, "metadata": metadata, "source": source, **EMPTY[kind]}
        notebook.cells.append(nbformat.from_dict(cell))  # sound as made: nbformat's check of it would take longest
    return notebook


def imported_checks(notebook: NotebookNode) -> list[str]:
    """The topics whose checks the code cells of a notebook import."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return re.findall(r"from autograder\.checks\.(\w+) import", code)


def repair(submitted: NotebookNode, released: NotebookNode) -> NotebookNode:
    """The submitted notebook with every released cell that matters present once, with its released metadata.

    Metadata of nbgrader's on any other cell, such as a duplicate, is taken off; the cell itself stays.
    """
    cells = [copy.deepcopy(cell) for cell in submitted.cells]
    for cell in cells:
        cell.source = sound(cell.source.replace("\r\n", "\n"))
        cell.metadata = nbformat.from_dict({**cell.metadata})
        for key, kind in (("nbgrader", dict), ("tags", list)):
            if not isinstance(cell.metadata.get(key, kind()), kind):
                del cell.metadata[key]
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
    _tag_blanks(cells, released)
    _tag_demonstrations(cells, released)
    repaired = nbformat.v4.new_notebook(metadata=copy.deepcopy(released.metadata))
    repaired.cells = cells  # not validated: metadata that are not nbgrader's may say what they like
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
    about = wanted.metadata.get("nbgrader", {})
    grade_id, is_check = about.get("grade_id"), checked_exercise(wanted.source) is not None
    tests = (
        lambda cell: grade_id and cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id,
        lambda cell: wanted.id in (cell.get("id"), cell.metadata.get("id")),
        lambda cell: _says_the_same(cell, wanted),
        lambda cell: not about and cell.cell_type == wanted.cell_type and _is_near(cell.source, wanted.source),
    )
    for test in tests:
        found = [index for index, cell in enumerate(cells) if index not in claimed and test(cell)]
        if is_check:  # one with more in it was merged with another cell, and is to be run
            found = [index for index in found if not _defined(cells[index].source)]
        written = [index for index in found if STUB not in cells[index].source]
        if found:
            best = (written or found)[-1]  # of two copies, the last that was worked on
            return _answer_below(best, wanted, cells, claimed, released)
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


def _is_near(source: str, wanted: str) -> bool:
    """Whether a text is another one with a few letters changed, such as the scale in the setup cell."""
    similar_length = abs(len(source) - len(wanted)) <= len(wanted) // 5
    return similar_length and difflib.SequenceMatcher(None, source, wanted, autojunk=False).ratio() > 0.9


@lru_cache(maxsize=1000)
def _defined(source: str) -> frozenset[str]:
    """The names that a cell defines at its top level, by whatever kind of statement."""
    plain = re.sub(r"^%%.*", "", source.lstrip())
    plain = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", plain, flags=re.MULTILINE)  # magic, which no parser knows
    try:
        return frozenset(_names(ast.Module(parse(plain), [])))
    except (SyntaxError, RecursionError):
        return frozenset(re.findall(r"^(?:def|class)[ \t]+(\w+)", plain, flags=re.MULTILINE))


def _names(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
            yield child.name
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id
        elif isinstance(child, ast.alias):
            yield child.asname or child.name
        elif not isinstance(child, (ast.Lambda, ast.AsyncFunctionDef)):
            yield from _names(child)


def _answer_below(best: int, wanted: NotebookNode, cells: list[NotebookNode], claimed: dict, released: NotebookNode):
    """The index of a written answer, which may stand in a new cell below the one that is left as it was released."""
    below = best + 1
    is_answer = wanted.cell_type == "markdown" and "nbgrader" in wanted.metadata
    if not is_answer or cells[best].source.strip() != wanted.source.strip() or below == len(cells) or below in claimed:
        return best
    is_new = cells[below].source.strip() not in {cell.source.strip() for cell in released.cells}
    return below if is_new and cells[below].cell_type == "markdown" else best


def _find_answer(wanted: NotebookNode, cells: list[NotebookNode], claimed: dict, released: NotebookNode) -> int | None:
    """A written answer without metadata: the Markdown cell that follows its question, or holds both."""
    position = released.cells.index(wanted)
    if wanted.cell_type != "markdown" or position == 0:
        return None
    question = released.cells[position - 1].source.strip()
    for index, cell in enumerate(cells):
        said, follower = cell.source.strip(), min(index + 1, len(cells) - 1)
        if said == question and cells[follower].cell_type == "markdown" and follower not in claimed:
            return follower
        if said != question and said.startswith(question) and index not in claimed:
            return index
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


def _tag_blanks(cells: list[NotebookNode], released: NotebookNode) -> None:
    """Tag each cell that is still as it was released, where its function is written in another cell.

    Run below that cell, it would put the blank in the answer's place.
    """
    stubs = {
        cell.source.strip(): cell.metadata.nbgrader.grade_id
        for cell in released.cells
        if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution")
    }
    as_released = {cell.source.strip() for cell in released.cells}
    code = [cell for cell in cells if cell.cell_type == "code"]
    written = {name for cell in code if cell.source.strip() not in as_released for name in _defined(cell.source)}
    for cell in code:
        if stubs.get(cell.source.strip()) in written:
            cell.metadata.tags = ["blank"]


def _tag_demonstrations(cells: list[NotebookNode], released: NotebookNode) -> None:
    """Tag each code cell that is still as it was released, and of which no other cell that is run needs a name.

    It prints, plots or measures what the learner wrote, and no exercise depends on it.
    """
    as_released = {cell.source.strip() for cell in released.cells if cell.cell_type == "code" and not _matters(cell)}
    code = [cell for cell in cells if cell.cell_type == "code" and not NOT_RUN & set(cell.metadata.get("tags", []))]
    shown = [cell for cell in code if "nbgrader" not in cell.metadata and cell.source.strip() in as_released]
    shown = [cell for cell in shown if _bound_and_read(cell.source)]
    run = [cell for cell in code if not any(cell is one for one in shown)]
    while run:
        read = set().union(*(_read(cell.source) for cell in run))
        run = [cell for cell in shown if _bound_and_read(cell.source)[0] & read]
        shown = [cell for cell in shown if not any(cell is one for one in run)]
    for cell in shown:
        cell.metadata.tags = ["demonstration"]


def _read(source: str) -> frozenset[str]:
    """The global names that a cell reads; every word in it where it is no plain Python."""
    found = _bound_and_read(source)
    return found[1] if found else frozenset(re.findall(r"\w+", source))


@lru_cache(maxsize=1000)
def _bound_and_read(source: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The global names that a cell binds, and those that it reads; None where it is no plain Python."""
    try:
        with PARSING:
            tables = [symtable.symtable(source, "cell", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    bound, read = set(), set()
    for table in tables:  # grows
        at_top = table.get_type() == "module"
        for symbol in table.get_symbols():
            if at_top or symbol.is_global():
                bound |= {symbol.get_name()} if symbol.is_assigned() or symbol.is_imported() else set()
                read |= {symbol.get_name()} if symbol.is_referenced() else set()
        tables += table.get_children()
    return frozenset(bound), frozenset(read)
