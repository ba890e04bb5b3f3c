"""Proves that later notebooks take what the learner wrote: what passed is kept whole, and nothing else is loaded.

In real kernels, a notebook passes a check and the next one imports; what stands between them is tried by itself: what
a definition needs, files that were changed by hand or are of another version, a folder carried in a zip, grading.
"""

import runpy
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from autograder.checking import kept
from autograder.checking.topic import load, topics
from layercake import mine
from solutions.prediction import cross_entropy, perplexity

WRITTEN = """def cross_entropy(logits, targets, ignore_index=-100):
    if logits.shape[:-1] != targets.shape or (targets == ignore_index).all():
        raise ValueError("nothing to predict")
    asked = targets != ignore_index
    logits, targets = logits[asked], targets[asked]
    return -logits.log_softmax(dim=-1).gather(-1, targets.unsqueeze(-1)).mean()
"""
HELPED = """import math, re
from torch import Tensor, nn
SCALE = 2.0
x = [1]
def halved(x: Tensor) -> Tensor:  # my own
    return x / SCALE"""


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("LAYERCAKE_MINE", str(tmp_path / "kept"))
    return tmp_path / "kept"


def imported(*names: str) -> list:
    return [getattr(mine, name) for name in names]


# What a definition needs ---------------------------------------------------------------------------------------------


def test_a_definition_is_kept_with_what_it_needs_and_nothing_else():
    cells = [HELPED, "x = slow()", "@nn.Module.eval\ndef f(x, n=math.e):\n    return halved(x)  # as it was", "f(1)"]
    source = kept.standalone(cells, "f")
    assert source == (
        "import math\n\nfrom torch import Tensor, nn\n\nSCALE = 2.0\n\n"
        "def halved(x: Tensor) -> Tensor:  # my own\n    return x / SCALE\n\n"
        "@nn.Module.eval\ndef f(x, n=math.e):\n    return halved(x)  # as it was\n"
    )


def test_of_several_definitions_the_last_one_counts_and_a_cell_that_is_no_python_does_not():
    cells = ["def f():\n    return 1", "!pip install", "def f():\n    return 2", "g = f"]
    assert kept.standalone(cells, "g") == "def f():\n    return 2\n\ng = f\n"


def test_names_inside_a_class_count_and_those_of_its_own_do_not():
    cells = [
        "x = train()",
        "D = 3",
        "class A:\n    y = D\n    def f(self):\n        x = 1\n        return lambda: x + E",
        "E = 2",
    ]
    assert "train" not in kept.standalone(cells, "A") and "E = 2" in kept.standalone(cells, "A")


def test_recursion_ends():
    assert kept.standalone(["def f():\n    return g()", "def g():\n    return f()"], "f").count("def") == 2


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["for W in range(3):\n    pass", "def f():\n    return W"], "needs 'W', .* 'for W in range"),
        (["x = 1"], "defined in no cell"),
    ],
)
def test_what_cannot_stand_alone_is_told(cells, reason):
    with pytest.raises(kept.CannotKeep, match=reason):
        kept.standalone(cells, "f")


# Kept, and taken -----------------------------------------------------------------------------------------------------


def test_what_passed_is_loaded_and_the_rest_is_the_reference_in_one_line(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(kept, "_run", lambda: [WRITTEN])
    said = kept.keep(load("prediction"), "cross_entropy")
    assert said == f"Kept for later notebooks, in {folder / 'prediction' / 'cross_entropy.py'}."
    (tmp_path / "later.py").write_text("from layercake.mine import cross_entropy, perplexity\n")
    names = runpy.run_path(str(tmp_path / "later.py"))
    own = names["cross_entropy"]
    assert own is imported("cross_entropy")[0] is not cross_entropy and names["perplexity"] is perplexity
    assert own.__module__ == "layercake.mine.cross_entropy"
    first, second = capsys.readouterr().out.splitlines()
    assert (
        second.startswith("cross_entropy: yours, checked on ") and first == f"{second[:-1]}; perplexity: the reference."
    )


def test_what_does_not_pass_by_itself_is_not_kept(folder, monkeypatch):
    topic = load("prediction")
    monkeypatch.setattr(kept, "_run", lambda: [WRITTEN.replace("mean", "sum")])
    assert "does not pass without this notebook" in kept.keep(topic, "cross_entropy")
    monkeypatch.setattr(kept, "_run", lambda: [WRITTEN.replace("=-100", "=missing")])
    assert "does not run without this notebook: NameError" in kept.keep(topic, "cross_entropy")
    monkeypatch.setattr(kept, "_run", lambda: None)
    assert kept.keep(topic, "cross_entropy") == "" and not folder.exists()


def test_a_file_that_was_changed_by_hand_is_not_loaded_and_not_overwritten(folder, capsys):
    path = mine.keep("prediction", "cross_entropy", WRITTEN)
    path.write_text(path.read_text().replace("mean", "sum"))
    assert imported("cross_entropy") == [cross_entropy]
    assert "the reference, since your file was changed after its check" in capsys.readouterr().out
    for i in range(2):
        mine.keep("prediction", "cross_entropy", WRITTEN)
        path.write_text(f"# {i}")
    mine.keep("prediction", "cross_entropy", WRITTEN)
    aside = sorted(path.parent.glob("*edited*"))
    assert [each.read_text()[:3] for each in aside][:2] == ["# 0", "# 1"] and "sum" in aside[2].read_text()
    assert mine.read(path).source == WRITTEN


def test_what_another_version_checked_is_not_loaded(folder, monkeypatch, capsys):
    mine.keep("prediction", "cross_entropy", WRITTEN)
    monkeypatch.setattr(mine, "version", lambda topic: "0" * 64)
    assert imported("cross_entropy") == [cross_entropy] and "another version of the course" in capsys.readouterr().out


def test_what_does_not_load_here_gives_way(folder, capsys):
    mine.keep("prediction", "cross_entropy", f"import einops_of_mine\n{WRITTEN}")
    assert imported("cross_entropy") == [cross_entropy] and "No module named" in capsys.readouterr().out


def test_line_ends_of_another_system_are_no_change(folder):
    path = mine.keep("prediction", "cross_entropy", WRITTEN)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert mine.read(path).source == WRITTEN


def test_a_name_that_is_no_exercise_is_told():
    with pytest.raises(ImportError, match="no_such"):
        from layercake.mine import no_such  # noqa: F401
    with pytest.raises(AttributeError, match="no exercise of this course"):
        imported("no_such")


def test_an_exercise_has_one_topic():
    names = Counter(name for topic in topics() for name in load(topic).order)
    assert [name for name, times in names.items() if times > 1] == []
    assert [mine._reference(name)[0] for topic in topics() for name in load(topic).order] == [
        topic for topic in topics() for _ in load(topic).order
    ]


def test_at_grading_all_is_what_the_grader_gives(folder, monkeypatch, capsys):
    mine.keep("prediction", "cross_entropy", WRITTEN)
    monkeypatch.setenv("LAYERCAKE_GRADING", "1")
    assert imported("cross_entropy") == [cross_entropy] and not capsys.readouterr().out


# Where ---------------------------------------------------------------------------------------------------------------


def test_notebooks_in_folders_of_their_topics_share_one_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("LAYERCAKE_MINE")
    for topic in ("transformer", "sft"):
        (tmp_path / topic).mkdir()
    monkeypatch.chdir(tmp_path / "transformer")
    assert mine.folder() == tmp_path / mine.FOLDER
    mine.keep("prediction", "cross_entropy", WRITTEN)
    monkeypatch.chdir(tmp_path / "sft")
    assert (mine.folder() / "prediction" / "cross_entropy.py").exists()
    monkeypatch.chdir(tmp_path)
    assert mine.folder() == tmp_path / mine.FOLDER
    monkeypatch.setattr(mine, "DRIVE", tmp_path / "sft")
    assert mine.folder() == tmp_path / "sft" / mine.FOLDER


def test_a_folder_goes_to_another_machine_in_a_zip(folder, tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match="pass a check first"):
        mine.pack(tmp_path / "a.zip")
    mine.keep("prediction", "cross_entropy", WRITTEN)
    bundle = mine.pack(tmp_path / "a.zip")
    monkeypatch.setenv("LAYERCAKE_MINE", str(tmp_path / "there"))
    assert mine.unpack(bundle) == ["cross_entropy"] and mine.unpack(bundle) == []
    assert (tmp_path / "there/prediction/cross_entropy.py").read_text() == (
        folder / "prediction/cross_entropy.py"
    ).read_text()


@pytest.mark.parametrize(
    "entry", ["../prediction/f.py", "prediction/f.txt", "/prediction/f.py", "nothing/f.py", "f.py"]
)
def test_a_zip_of_something_else_is_refused(folder, tmp_path, entry):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr(entry, "x")
    with pytest.raises(ValueError, match="is no zip of layercake"):
        mine.unpack(tmp_path / "a.zip")
    assert not folder.exists()


# In kernels ----------------------------------------------------------------------------------------------------------


def run(folder: Path, *sources: str) -> list[str]:
    """What each cell of a notebook in this folder prints and shows."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    return [
        "".join(out.get("text", "") or str(out.get("data", {}).get("text/html", "")) for out in cell.outputs)
        for cell in notebook.cells
    ]


def test_the_next_notebook_takes_what_this_one_wrote(tmp_path, monkeypatch):
    monkeypatch.delenv("LAYERCAKE_MINE")
    for topic in ("prediction", "rnn"):
        (tmp_path / topic).mkdir()
    start = "from autograder.checks.prediction import check"
    first = run(
        tmp_path / "prediction", start, WRITTEN, "check(cross_entropy)",
        "from layercake.mine import cross_entropy\ncheck(cross_entropy)",
    )  # fmt: skip
    assert f"Kept for later notebooks, in {tmp_path / mine.FOLDER}" in first[2]
    assert "This is yours, kept from before" in first[3]
    (said,) = run(
        tmp_path / "rnn", "from layercake.mine import cross_entropy, perplexity\nprint(cross_entropy.__module__)"
    )
    assert "; perplexity: the reference.\nlayercake.mine.cross_entropy\n" in said and said.startswith(
        "cross_entropy: yours"
    )
