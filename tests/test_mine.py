"""Proves that later notebooks take what the learner wrote: what passed is kept whole, and nothing else is loaded.

In real kernels, a notebook passes a check and the next one imports; what stands between them is tried by itself: what
a definition needs, files that were changed by hand or are of another version, a folder carried in a zip, grading.
"""

import ast
import runpy
import shutil
import sys
import types
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
    assert kept.standalone(cells, "f") == (
        "import math\n\nfrom torch import nn\n\nfrom torch import Tensor\n\nSCALE = 2.0\n\n"
        "def halved(x: Tensor) -> Tensor:  # my own\n    return x / SCALE\n\n"
        "@nn.Module.eval\ndef f(x, n=math.e):\n    return halved(x)  # as it was\n"
    )


@pytest.mark.parametrize(
    ("cells", "source"),
    [
        (["def f():\n    return 1", "!pip install", "def f():\n    return 2"], "def f():\n    return 2"),
        (["EPS = 1", "def f(x=EPS): ...", "EPS = 1"], "EPS = 1||def f(x=EPS): ..."),  # what it needs stands in front
        (["import os.path", "import os", "f = lambda: os"], "import os.path||import os||f = lambda: os"),
        (["from __future__ import annotations", "f = 1"], "from __future__ import annotations||f = 1"),
        (["a = 1; f = lambda: a"], "a = 1||f = lambda: a"),
        (["get_ipython().run_cell_magic('time', '', 'def f(): ...\\n')"], "def f(): ..."),
        (["x = 2\r\ndef f():\r\n    return x"], "x = 2||def f():\n    return x"),
        (["def f():\n    g()", "def g():\n    f()"], "def g():\n    f()||def f():\n    g()"),
        (["x = train()", "class f:\n    def g(self, x):\n        return lambda: x"], None),
        (["W, V = {}, 2", "f = lambda: W"], "W, V = {}, 2||f = lambda: W"),
        (["P = re.compile('a')", "f = lambda: P"], "P = re.compile('a')||f = lambda: P"),
    ],
)
def test_what_stands_in_the_file(cells, source):
    assert kept.standalone(cells, "f", namespace={"W": {}, "V": 3}) == f"{source or cells[-1]}\n".replace("||", "\n\n")


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (
            ["for W in range(3):\n    pass", "f = lambda: W"],
            "needs 'W', and 'for W in range.* does more than to make it",
        ),
        (["W = train(3)", "f = lambda: W"], r"'W = train\(3\)' calls train, which would run again"),
        (["x = 1"], "defined in no cell"),
        (["from my_helpers import h", "f = lambda: h"], "needs 'my_helpers', a file of your own"),
        (["from layercake.mine import g as h", "f = lambda: h"], "under another name"),
        (["import layercake.mine as m", "f = lambda: m.g"], "under another name, or whole"),
        (["W = {}", "f = lambda: W"], "needs 'W', which was changed after 'W = {}'"),
        (["def g(): ...", "f = lambda: g"], "needs g"),
    ],
)
def test_what_cannot_be_kept_is_told(cells, reason):
    def has_passed(part):
        raise kept.CannotKeep(f"needs {part}")

    with pytest.raises(kept.CannotKeep, match=reason):
        kept.standalone(cells, "f", {"g"}, has_passed, {"W": {1: 2}})


def test_a_module_that_was_made_in_the_notebook_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_here", types.ModuleType("made_here"))
    with pytest.raises(kept.CannotKeep, match="needs 'made_here', a file of your own"):
        kept.standalone(["from made_here import h", "f = lambda: h"], "f")


def test_another_exercise_is_taken_from_what_is_kept_of_it():
    asked = []
    source = kept.standalone(["def g(): ...", "def f():\n    return g()"], "f", {"g"}, asked.append)
    assert source == "from layercake.mine import g\n\ndef f():\n    return g()\n" and asked == ["g"]


# Kept, and taken -----------------------------------------------------------------------------------------------------


def passed(monkeypatch, *cells: str, name: str = "cross_entropy") -> str:
    """What is said where these cells were run and a check has passed."""
    namespace: dict = {"__name__": "__main__"}
    for cell in cells:
        for node in ast.parse(cell).body:  # as a kernel does
            exec(compile(ast.Module([node], []), "<cell>", "exec"), namespace)
    monkeypatch.setattr(kept, "_notebook", lambda: (list(cells), namespace))
    return kept.keep(load("prediction"), name, namespace[name])


def test_what_passed_is_loaded_and_the_rest_is_the_reference_in_one_line(folder, tmp_path, monkeypatch, capsys):
    said = passed(monkeypatch, WRITTEN)
    assert said == f"Kept for later notebooks, in {folder / 'prediction' / 'cross_entropy.py'}."
    (tmp_path / "later.py").write_text("from layercake.mine import cross_entropy, perplexity\n")
    names = runpy.run_path(str(tmp_path / "later.py"))
    own = names["cross_entropy"]
    assert own is imported("cross_entropy")[0] is not cross_entropy and names["perplexity"] is perplexity
    assert own.__module__ == "layercake.mine"
    first, second = capsys.readouterr().out.splitlines()
    assert second.startswith("cross_entropy: yours, checked on ")
    assert first == f"{second[:-1]}; perplexity: the reference, since nothing of yours is in {folder}."
    imported("cross_entropy")
    assert not capsys.readouterr().out, "outside an import it is said once"


def test_what_does_not_pass_by_itself_is_not_kept(folder, monkeypatch):
    assert "does not pass by itself, where this is asked: " in passed(monkeypatch, WRITTEN.replace("mean", "sum"))
    missing = passed(monkeypatch, "from collections import *", WRITTEN.replace("=-100", "=OrderedDict"))
    assert "does not run without this notebook: NameError" in missing and not folder.exists()
    monkeypatch.setattr(kept, "_notebook", lambda: None)
    assert kept.keep(load("prediction"), "cross_entropy", cross_entropy) == "" and not folder.exists()


def test_a_definition_that_its_cell_never_made_is_not_kept(folder, monkeypatch):
    namespace: dict = {}
    exec(WRITTEN, namespace)
    later = f"1 / 0\n{WRITTEN.replace('log_softmax', 'softmax')}"
    monkeypatch.setattr(kept, "_notebook", lambda: ([WRITTEN, later], namespace))
    said = kept.keep(load("prediction"), "cross_entropy", namespace["cross_entropy"])
    assert "is not what its cell says now" in said and not folder.exists()


PERPLEXITY = "def perplexity(loss):\n    return math.exp(loss)\n"
ON_IT = """import math
def bits_per_byte(losses, n_bytes):
    if not perplexity(0.0):
        raise ValueError
    return solutions.prediction.bits_per_byte(losses, n_bytes)
import solutions.prediction"""


def test_a_part_has_to_have_passed_itself(folder, monkeypatch, capsys):
    wrong = PERPLEXITY.replace("exp", "sqrt")
    said = passed(monkeypatch, ON_IT, wrong, name="bits_per_byte")
    assert "it needs perplexity, which is not kept: that does not pass by itself" in said and not folder.exists()
    monkeypatch.setattr(kept, "_judge_again", lambda *_: None)
    assert passed(monkeypatch, ON_IT, PERPLEXITY, name="bits_per_byte").startswith("Kept")
    assert sorted(path.name for path in folder.rglob("*.py")) == ["bits_per_byte.py", "perplexity.py"]
    mine.keep("prediction", "perplexity", "def perplexity(loss):\n    return perplexed\n")
    (own,) = imported("bits_per_byte")
    assert own.__globals__["perplexity"] is imported("perplexity")[0]
    (folder / "prediction/perplexity.py").unlink()
    imported("bits_per_byte")
    assert "bits_per_byte: yours, checked on" in (said := capsys.readouterr().out)
    assert ", on the reference of perplexity." in said


def test_what_builds_on_itself_is_not_kept_and_what_was_there_stays(folder, monkeypatch):
    passed(monkeypatch, WRITTEN)
    define = "def cross_entropy(*a, **b):\n    return old(*a, **b)"
    for start in ("from layercake.mine import cross_entropy as old", "import layercake.mine as old"):
        said = passed(monkeypatch, start, define)
        assert "under another name" in said and said.endswith(" The version of before stays.")
    mine.keep("rnn", "rnn_step", "from layercake.mine import cross_entropy\n")
    round_about = WRITTEN.replace("asked =", "rnn_step\n    asked =", 1)
    assert "builds on what is kept of itself" in passed(monkeypatch, "from layercake.mine import rnn_step", round_about)
    assert mine.find("prediction", "cross_entropy").source == WRITTEN


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
    assert imported("cross_entropy") == [cross_entropy]
    assert "since the course has changed since your check (run its check" in capsys.readouterr().out


def test_what_does_not_load_here_gives_way(folder, capsys):
    mine.keep("prediction", "cross_entropy", f"import einops_of_mine\n{WRITTEN}")
    assert imported("cross_entropy") == [cross_entropy] and "No module named" in capsys.readouterr().out
    path = mine.keep("prediction", "perplexity", PERPLEXITY)
    path.unlink()
    path.mkdir()
    assert imported("perplexity") == [perplexity] and "cannot be read" in capsys.readouterr().out


def test_line_ends_and_a_mark_of_another_system_are_no_change(folder):
    path = mine.keep("prediction", "cross_entropy", WRITTEN.replace("\n", "\r\n"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert mine.read(path).source == WRITTEN


def test_a_name_that_is_no_exercise_is_told():
    with pytest.raises(ImportError, match="no_such"):
        from layercake.mine import no_such  # noqa: F401
    with pytest.raises(AttributeError, match="no exercise of this course"):
        imported("no_such")


def test_an_exercise_has_one_topic_and_no_name_of_this_module():
    names = Counter(name for topic in topics() for name in load(topic).order)
    assert [name for name, times in names.items() if times > 1] == []
    assert all(mine.topic_of(name) == topic for topic in topics() for name in load(topic).order)
    assert not set(names) & set(vars(mine))


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


def test_a_folder_goes_to_another_machine_in_a_zip(folder, tmp_path, monkeypatch, capsys):
    with pytest.raises(FileNotFoundError, match="pass a check first"):
        mine.to_zip(tmp_path / "a.zip")
    path = mine.keep("prediction", "cross_entropy", WRITTEN)
    (path.parent / ".ipynb_checkpoints").mkdir()
    (path.parent / ".ipynb_checkpoints/cross_entropy-checkpoint.py").write_text(path.read_text())
    (path.parent / "notes.py").write_text("mine")
    bundle = mine.to_zip(tmp_path / "a.zip")
    assert zipfile.ZipFile(bundle).namelist() == ["prediction/cross_entropy.py"]
    shutil.make_archive(str(tmp_path / "by_hand"), "zip", folder.parent, folder.name)  # as a file manager does
    for name in (bundle, tmp_path / "by_hand.zip"):
        monkeypatch.setenv("LAYERCAKE_MINE", str(there := tmp_path / name.stem))
        assert "cross_entropy" in mine.from_zip(name)
        assert (there / "prediction/cross_entropy.py").read_text() == path.read_text()
        (there / "prediction/cross_entropy.py").write_text("edited")
        capsys.readouterr()
        assert mine.from_zip(name) == [] and "cross_entropy: already here" in capsys.readouterr().out
        assert (there / "prediction/cross_entropy.py").read_text() == "edited"


def test_a_zip_of_something_else_is_refused(folder, tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("../prediction/f.py", "x")
    with pytest.raises(ValueError, match="holds nothing that `to_zip` has written"):
        mine.from_zip(tmp_path / "a.zip")
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
    assert (
        "; perplexity: the reference, since nothing of yours is in" in said
        and said.endswith("\nlayercake.mine\n")
        and said.startswith("cross_entropy: yours")
    )
