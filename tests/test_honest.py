"""Proves that harmless oddities cost a right answer nothing: each file in `tests/honest/` is one, named after it.

A `.md` holds the learner's cells, which stand above, below or instead of a cell of the solved notebook, and says which
exercise they cost, if any. A `.py` makes the file that is handed in of the solved notebook. All are graded in a real
sandbox and recorded by nbgrader; one that never ends costs its exercise and no other.
"""

import copy
import runpy
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbformat import NotebookNode
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course import Course, Score
from autograder.example_class import solved
from autograder.grade import Grading
from autograder.protocol import load
from autograder.release import Address, build_source, finish_release, source_path
from autograder.sandbox import Limits

TOPIC = load("attention")
FILES = {file.stem: file for file in sorted((Path(__file__).parent / "honest").glob("*.*"))}
ENDLESS = [name for name in FILES if name.startswith("endless")]
CHECKS = {f"check_{name}": exercise.points for name, exercise in TOPIC.exercises.items()}
WRITTEN = {"lab_answer": 1, "written_answer": 1}


def cells_of(file: Path) -> list[NotebookNode]:
    """The learner's cells that a `.md` holds; none of a `.py`."""
    notebook = jupytext.read(file, fmt="md:myst") if file.suffix == ".md" else nbformat.v4.new_notebook()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def option(name: str, key: str) -> str | None:
    """What the cells of an oddity say under a key."""
    return next((cell.metadata[key] for cell in cells_of(FILES[name]) if key in cell.metadata), None)


def hand_in(file: Path, notebook: NotebookNode) -> bytes:
    """The file that a learner hands in, made of the solved notebook."""
    if file.suffix == ".py":
        made = runpy.run_path(str(file))["hand_in"](notebook)
        return made if isinstance(made, bytes) else made.encode()
    places = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    places["imports"] = next(cell for cell in notebook.cells if "import check" in cell.source)
    for cell in cells_of(file):
        ((how, where),) = ((key, cell.metadata[key]) for key in ("above", "below", "instead") if key in cell.metadata)
        place = places[where]
        if how == "instead":
            place.source = cell.source
        else:
            at = notebook.cells.index(place) + (how == "below")
            notebook.cells.insert(at, nbformat.v4.new_code_cell(cell.source))
    return nbformat.writes(notebook).encode()


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> dict[str, Score]:
    """What the gradebook holds when a class of oddities has been graded."""
    course = Course(tmp_path_factory.mktemp("course"), make=True)
    source = build_source(TOPIC, Address.read())
    course.generate_assignment(TOPIC.name, source, lambda nb: finish_release(nb, source, source_path(TOPIC.name)))
    right = solved(course.released(TOPIC.name))
    for name, file in FILES.items():
        path = course.notebook("submitted", TOPIC.name, name)
        path.parent.mkdir(parents=True)
        path.write_bytes(hand_in(file, copy.deepcopy(right)))
    ordinary = [word for name in FILES if name not in ENDLESS for word in ("--student", name)]
    done = CliRunner().invoke(app, ["grade", TOPIC.name, "--course", str(course.folder), *ordinary])
    assert done.exit_code == 0, done.output
    for graded in Grading(course, TOPIC.name, limits=Limits(cell_seconds=4)).grade(ENDLESS):
        assert graded.unreadable is None
    return {score.student: score for score in course.scores(TOPIC.name)}


@pytest.mark.parametrize("name", FILES)
def test_a_harmless_oddity_costs_a_right_answer_nothing(scores, name):
    needed = option(name, "python")
    if needed and sys.version_info < tuple(map(int, needed.split("."))):
        pytest.skip(f"its syntax is that of Python {needed}")
    lost = {f"check_{option(name, 'costs')}"}
    expected = {check: (0.0 if check in lost else points, points) for check, points in CHECKS.items()}
    given = scores[name].exercises
    assert {check: given[check] for check in CHECKS} == expected


@pytest.mark.parametrize("name", FILES)
def test_its_written_answers_wait_for_a_person(scores, name):
    """nbgrader gives 0 at once to an answer that is left as it was released."""
    assert scores[name].needs_manual_grade
    assert set(scores[name].exercises) == CHECKS.keys() | WRITTEN.keys()


def test_there_are_many_and_each_says_what_it_is():
    assert len(FILES) >= 30
    for file in FILES.values():
        assert file.read_text(encoding="utf-8").startswith(("# ", '"""')), file
