"""Proves that `autograder release` makes a sound notebook from a sound source, and refuses every other source.

Each refusal starts from the real source of the attention topic and breaks one thing in it.
"""

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.checking.solution_source import STUB, ReleaseError, solution_source
from autograder.checking.topic import ROOT, load
from autograder.course.files import CourseError
from autograder.releasing.release import Address, build_source, finish_release, release

SOURCE = (ROOT / "exercises" / "attention" / "attention.md").read_text(encoding="utf-8")
ADDRESS = Address("https://github.com/somebody/course", "trunk")
CAUSAL = "from solutions.attention import causal_attention"


def build(tmp_path: Path, source: str = SOURCE):
    folder = tmp_path / "exercises" / "attention"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "attention.md").write_text(source, encoding="utf-8")
    return build_source(load("attention"), ADDRESS, tmp_path)


def graded(notebook):
    return {cell.metadata.nbgrader.grade_id: cell for cell in notebook.cells if "nbgrader" in cell.metadata}


def test_the_source_notebook_is_solved_and_carries_nbgraders_metadata(tmp_path):
    notebook = build(tmp_path)
    cells = graded(notebook)
    assert "masked_fill" in cells["scaled_dot_product"].source
    assert cells["scaled_dot_product"].metadata.nbgrader.solution
    check = cells["check_scaled_dot_product"].metadata.nbgrader
    assert (check.grade, check.locked, check.points) == (
        True,
        True,
        load("attention").exercises["scaled_dot_product"].points,
    )
    assert cells["lab_answer"].metadata.nbgrader.solution and cells["lab_answer"].metadata.nbgrader.grade


def test_the_address_comes_from_one_setting(tmp_path):
    (tmp_path / "_config.yml").write_text("repository: {url: 'https://github.com/somebody/course/', branch: trunk}")
    assert Address.read(tmp_path / "_config.yml") == ADDRESS
    notebook = build(tmp_path)
    badge, setup = notebook.cells[0].source, next(c for c in notebook.cells if "setup" in c.metadata.get("tags", []))
    path = "colab.research.google.com/github/somebody/course/blob/trunk/exercises/attention/attention.ipynb"
    assert path in badge and "https://somebody.github.io/course/book/attention.html" in badge
    assert notebook.cells[-1].source == "from autograder.checks.attention import score\n\nscore()"
    assert "git+https://github.com/somebody/course@trunk" in setup.source
    assert len(setup.source.splitlines()) <= 5
    everything = json.dumps(notebook)
    assert set(re.findall(r"github(?:\.com)?/(\w[\w-]*)/", everything)) == {"somebody"}


@pytest.mark.parametrize("config", ["", "repository: {url: x}", "title: none"])
def test_a_configuration_without_the_address_is_refused(tmp_path, config):
    (tmp_path / "_config.yml").write_text(config)
    with pytest.raises(ReleaseError, match="repository"):
        Address.read(tmp_path / "_config.yml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (CAUSAL, "from solutions.attention import casual_attention", "does not resolve"),
        (CAUSAL, "from solutions.attention import causal_attention, GPT", "an exercise cell is one line"),
        (CAUSAL, "import solutions.attention", "an exercise cell is one line"),
        (CAUSAL, "from solutions.transformer import causal_attention", "an exercise cell is one line"),
        (CAUSAL, "from solutions.attention import scaled_dot_product", "is there twice"),
        ("check(causal_attention)", "causal_attention", "has no `check\\(causal_attention\\)` cell"),
        ("check(causal_attention)", "check(math)", "has no check for it"),
        ("### END SOLUTION", "", "without"),
        ("### BEGIN SOLUTION", "### BEGIN SOLUTON", "is no marker"),
        ("### BEGIN SOLUTION", "### BEGIN SOLUTION\n### BEGIN SOLUTION", "without its partner"),
        ('"points": 1', '"points": 0', 'needs "points" and "grade_id"'),
        ('"grade_id": "lab_answer"', '"grade_id": "written_answer"', "is there twice"),
    ],
)
def test_an_unsound_source_is_refused_with_its_place(tmp_path, old, new, words):
    assert old in SOURCE, f"the test lost its hold: {old!r}"
    with pytest.raises(ReleaseError, match=words) as refusal:
        build(tmp_path, SOURCE.replace(old, new))
    assert "attention.md" in str(refusal.value)


def test_a_check_before_its_exercise_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="no exercise cell before it"):
        build(tmp_path, SOURCE.replace(":tags: [exercise]\n\n" + CAUSAL, "\n" + CAUSAL))


def test_an_exercise_without_a_known_mistake_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(load("attention").exercises["causal_attention"], "mistakes", [])
    with pytest.raises(ReleaseError, match="no known mistake"):
        build(tmp_path)


def test_a_source_that_is_missing_is_refused(tmp_path):
    with pytest.raises(ReleaseError, match="begin with their source text"):
        build_source(load("attention"), ADDRESS, tmp_path)


def test_an_output_or_a_solution_in_the_result_is_refused(tmp_path):
    solved = build(tmp_path)
    blank = nbformat.from_dict(json.loads(json.dumps(solved)))
    with pytest.raises(ReleaseError, match="solution is left"):
        finish_release(blank, solved, tmp_path / "attention.md")
    blank.cells[2].outputs = [nbformat.v4.new_output("stream", text="42")]
    with pytest.raises(ReleaseError, match="an output is left"):
        finish_release(blank, solved, tmp_path / "attention.md")


def test_where_there_are_no_markers_all_after_the_docstring_is_the_solution():
    source = solution_source(_unmarked)
    assert source.index('"""Twice') < source.index("### BEGIN SOLUTION") < source.index("doubled =")
    assert source.rstrip().endswith("### END SOLUTION")


def _unmarked(x):
    """Twice a number."""
    doubled = 2 * x
    return doubled


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A copy of what a release is made from."""
    root = tmp_path_factory.mktemp("root")
    (root / "exercises" / "attention").mkdir(parents=True)
    for name in ("_config.yml", "exercises/attention/attention.md"):
        shutil.copy(ROOT / name, root / name)
    return root


def test_the_release_is_blank_valid_and_the_same_bytes_every_time(root, tmp_path):
    first = release("attention", tmp_path / "one", root).read_bytes()
    second = release("attention", tmp_path / "two", root).read_bytes()
    again = release("attention", tmp_path / "two", root).read_bytes()
    assert first == second == again
    notebook = nbformat.reads(first.decode(), as_version=4)
    nbformat.validate(notebook)
    exercises = [
        cell for cell in graded(notebook).values() if cell.cell_type == "code" and cell.metadata.nbgrader.solution
    ]
    assert len(exercises) == 6
    assert all(STUB in cell.source and "SOLUTION" not in cell.source for cell in exercises)
    assert all("YOUR ANSWER HERE" in graded(notebook)[name].source for name in ("lab_answer", "written_answer"))
    assert (
        sum(cell.metadata.nbgrader.points for cell in graded(notebook).values() if cell.metadata.nbgrader.grade) == 10
    )


def test_a_refused_release_leaves_the_old_notebook(root, tmp_path):
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    notebook = copy / "exercises" / "attention" / "attention.ipynb"
    notebook.write_text("old")  # and what somebody worked in is never replaced
    with pytest.raises(CourseError, match="worked in"):
        release("attention", tmp_path / "course", copy)
    source = copy / "exercises" / "attention" / "attention.md"
    source.write_text(SOURCE.replace("check(causal_attention)", "pass"), encoding="utf-8")
    with pytest.raises(ReleaseError):
        release("attention", tmp_path / "course", copy)
    assert notebook.read_text() == "old"


def test_a_notebook_that_a_learner_worked_in_is_not_replaced(root, tmp_path):
    copy = tmp_path / "root"
    shutil.copytree(root, copy)
    path = release("attention", tmp_path / "course", copy)
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[3].outputs = [nbformat.v4.new_output("stream", text="run, and saved again")]
    nbformat.write(notebook, path)
    release("attention", tmp_path / "course", copy)  # nothing written, nothing lost
    notebook.cells[3].source += "\nmy_work = 1"
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="worked in"):
        release("attention", tmp_path / "course", copy)
    assert "my_work" in path.read_text()
