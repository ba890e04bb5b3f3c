"""Proves that harmless oddities cost a right answer nothing: each file in `tests/honest/` is one, named after it.

A `.md` holds the learner's cells, which stand above, below or instead of a cell of the solved notebook, and says which
exercise they cost, if any. A `.py` makes the file that is handed in of the solved notebook. All are graded in a real
sandbox and recorded by nbgrader; one that never ends costs its exercise and no other.
"""

import copy

import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.gradebook import Score
from autograder.example.handing_in import solved
from autograder.grading.grade import Grading
from autograder.sandbox.limits import Limits
from benchmarks.attacks import TOPIC, make_course
from benchmarks.class_of_1000 import ODDITIES, can_run, honest, option

ENDLESS = [name for name in ODDITIES if name.startswith("endless")]
CHECKS = {f"check_{name}": exercise.points for name, exercise in TOPIC.exercises.items()}
WRITTEN = {"lab_answer": 1, "written_answer": 1}


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> dict[str, Score]:
    """What the gradebook holds when a class of oddities has been graded."""
    course = make_course(tmp_path_factory.mktemp("course"))
    right = solved(course.released(TOPIC.name))
    for name in ODDITIES:
        path = course.notebook("submitted", TOPIC.name, name)
        path.parent.mkdir(parents=True)
        path.write_bytes(honest(name, copy.deepcopy(right)))
    ordinary = [word for name in ODDITIES if name not in ENDLESS for word in ("--student", name)]
    done = CliRunner().invoke(app, ["grade", TOPIC.name, "--course", str(course.folder), *ordinary])
    assert done.exit_code == 0, done.output
    for graded in Grading(course, TOPIC.name, limits=Limits(cell_seconds=3)).grade(ENDLESS):
        assert graded.unreadable is None
    return {score.student: score for score in course.scores(TOPIC.name)}


@pytest.mark.parametrize("name", ODDITIES)
def test_a_harmless_oddity_costs_a_right_answer_nothing(scores, name):
    if not can_run(name):
        pytest.skip(f"its syntax is that of Python {option(name, 'python')}")
    lost = {f"check_{option(name, 'costs')}"}
    expected = {check: (0.0 if check in lost else points, points) for check, points in CHECKS.items()}
    given = scores[name].exercises
    assert {check: given[check] for check in CHECKS} == expected


@pytest.mark.parametrize("name", ODDITIES)
def test_its_written_answers_wait_for_a_person(scores, name):
    """nbgrader gives 0 at once to an answer that is left as it was released."""
    assert scores[name].needs_manual_grade
    assert set(scores[name].exercises) == CHECKS.keys() | WRITTEN.keys()


def test_there_are_many_and_each_says_what_it_is():
    assert len(ODDITIES) >= 30
    for file in ODDITIES.values():
        assert file.read_text(encoding="utf-8").startswith(("# ", '"""')), file
