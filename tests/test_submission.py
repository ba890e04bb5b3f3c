"""Proves that a submission is read whatever saved it, and put back into the released form without losing anything.

The released notebook of the attention topic is handed in after each kind of harm, and repaired.
"""

import copy
import json

import nbformat
import pytest

from autograder.checking.topic import ROOT
from autograder.collecting.submission import UnreadableSubmission, as_notebook, read_submission, repair
from autograder.example.handing_in import as_colab_saves, as_kaggle_saves, solved, without_metadata

RELEASED = nbformat.read(ROOT / "exercises" / "attention" / "attention.ipynb", as_version=4)


def handed_in(tmp_path, text: str):
    path = tmp_path / "attention.ipynb"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return repair(read_submission(path), RELEASED)


def with_crlf(notebook) -> str:
    """As older versions of VS Code save it."""
    raw = json.loads(nbformat.writes(solved(notebook)))
    for cell in raw["cells"]:
        cell["source"] = [line.replace("\n", "\r\n") for line in cell["source"]]
        cell["metadata"]["vscode"] = {"languageId": "python"}
    return json.dumps(raw)


def graded(notebook):
    return {c.metadata.nbgrader.grade_id: c for c in notebook.cells if "nbgrader" in c.metadata}


@pytest.mark.parametrize("save", [as_colab_saves, as_kaggle_saves, without_metadata, with_crlf])
def test_every_way_of_saving_is_put_back(tmp_path, save):
    repaired = handed_in(tmp_path, save(copy.deepcopy(RELEASED)))
    nbformat.validate(repaired)
    wanted, found = graded(RELEASED), graded(repaired)
    assert list(found) == list(wanted)
    for name, cell in found.items():
        assert cell.metadata.nbgrader == wanted[name].metadata.nbgrader
        assert cell.source != wanted[name].source or cell.metadata.nbgrader.locked, f"{name} lost what was written"
    tags = [cell.metadata.get("tags") for cell in repaired.cells if cell.metadata.get("tags")]
    tags = [words for words in tags if words != ["demonstration"]]
    assert tags == [cell.metadata.tags for cell in RELEASED.cells if cell.metadata.get("tags")]


def test_no_cell_of_the_learners_is_lost(tmp_path):
    notebook = solved(copy.deepcopy(RELEASED))
    notebook.cells.insert(3, nbformat.v4.new_code_cell("my_own = 1"))
    notebook.cells.append(nbformat.v4.new_markdown_cell("A note to myself."))
    sources = [cell.source for cell in handed_in(tmp_path, nbformat.writes(notebook)).cells]
    assert sources == [cell.source for cell in notebook.cells]


def test_a_deleted_cell_comes_back_in_its_place(tmp_path):
    notebook = solved(copy.deepcopy(RELEASED))
    gone = {"check_causal_attention", "MultiHeadAttention", "written_answer"}
    notebook.cells = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in gone]
    repaired = graded(handed_in(tmp_path, nbformat.writes(notebook)))
    assert list(repaired) == list(graded(RELEASED))
    assert repaired["MultiHeadAttention"].source == graded(RELEASED)["MultiHeadAttention"].source


@pytest.mark.parametrize("copy_first", [True, False])
def test_of_two_cells_with_one_id_the_one_that_was_worked_on_counts(tmp_path, copy_first):
    notebook = copy.deepcopy(RELEASED)
    at = notebook.cells.index(graded(notebook)["causal_attention"])
    twin = copy.deepcopy(notebook.cells[at])
    twin.source = "def causal_attention(query, key, value):\n    return value"
    notebook.cells.insert(at if copy_first else at + 1, twin)
    text = json.dumps(json.loads(json.dumps(notebook)))  # nbformat would refuse the double id
    repaired = handed_in(tmp_path, text)
    assert graded(repaired)["causal_attention"].source == twin.source
    assert len(repaired.cells) == len(notebook.cells)


def test_a_tampered_score_or_lock_is_set_right(tmp_path):
    notebook = copy.deepcopy(RELEASED)
    graded(notebook)["check_causal_attention"].metadata.nbgrader.update(points=100, locked=False, grade=False)
    repaired = graded(handed_in(tmp_path, nbformat.writes(notebook)))["check_causal_attention"]
    assert repaired.metadata.nbgrader == graded(RELEASED)["check_causal_attention"].metadata.nbgrader


def test_a_written_answer_turned_into_code_is_text_again(tmp_path):
    notebook = copy.deepcopy(RELEASED)
    answer = graded(notebook)["written_answer"]
    answer.update(cell_type="code", source="Because.", outputs=[], execution_count=None)
    repaired = graded(handed_in(tmp_path, json.dumps(notebook)))["written_answer"]
    assert (repaired.cell_type, repaired.source) == ("markdown", "Because.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "not JSON"),
        ("<!DOCTYPE html><html>Sign in</html>", "a web page"),
        (b"\xff\xfe\x00", "not UTF-8"),
        ("[1, 2]", "no list of cells"),
        ('{"cells": {}}', "no list of cells"),
        ('{"cells": [{"source": "x"}]}', "KeyError"),
        ('{"cells": [{"cell_type": "song", "source": "x"}]}', "song"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_what_is_no_notebook_is_refused_in_words(tmp_path, content, words):
    with pytest.raises(UnreadableSubmission, match=words):
        handed_in(tmp_path, content)


def test_cells_without_ids_get_them():
    notebook = as_notebook({"cells": [{"cell_type": "code", "source": ["a = 1\n", "a"], "metadata": None}]})
    assert notebook.cells[0].source == "a = 1\na"
    nbformat.validate(notebook)
