"""The documents say what is true of the program.

Proves that the instructor's walk in `book/teaching.md` runs as it stands, from a clone to feedback, report, export and
late penalties, and leaves every file that the page names; that each `autograder` command and option in the documents
exists; that links and paths in README and CONTRIBUTING lead somewhere; that the Colab badge is the notebook's own; and
that each refusal quoted in CONTRIBUTING is one that the builder can give; and that every work in the list of references
is cited somewhere.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from checkout import ROOT, copy_to, works
from nbformat import NotebookNode
from nbgrader.api import Gradebook

import solutions
from autograder import checks
from autograder.checking.solution_source import ReleaseError
from autograder.checking.topic import topics
from autograder.cli import app
from autograder.grading.reasons import ALWAYS_SAID, MEANINGS
from autograder.releasing.release import Address, build_source

TEACHING, HOUSE, README, CONTRIBUTING = (
    ROOT / name for name in ("book/teaching.md", "book/house.md", "README.md", "CONTRIBUTING.md")
)
DOCUMENTS = TEACHING, README, CONTRIBUTING
CLASS = {"ada", "emmy", "mary"}  # of the example class: enough for the walk, which is to take under a minute
ROOMS = ("submitted", "source", "release", "journal", "autograded", "feedback", "report", "gradebook.db")
ROOMS += ("roster", "export")  # of `collect` and `export`


def blocks(document: Path, *languages: str) -> list[str]:
    """The fenced blocks of a document in these languages."""
    found = re.findall(r"^```(\S*)\n(.*?)^```$", document.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def inline(document: Path) -> list[str]:
    """What stands between single backticks, outside the blocks."""
    prose = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]


# --- The instructor's walk ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The class's folder after every `bash` block of the page has run, in order, in one shell."""
    world = tmp_path_factory.mktemp("walk")
    copy_to(world / "clone")
    script = ["set -euo pipefail"]
    for block in blocks(TEACHING, "bash"):
        script.append(block)
        if "autograder example" in block:  # a class of three
            script += ["cd ~/layer-cake-class/submitted", f"rm -r $(ls | grep -vxE '{'|'.join(CLASS)}')", "cd -"]
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("LAYERCAKE_")},
        "HOME": str(world),
        "PYTHONPATH": str(world / "clone"),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    done = subprocess.run(
        ["bash", "-xc", "\n".join(script)],
        cwd=world / "clone",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return world / "layer-cake-class"


def test_the_walk_leaves_every_file_that_the_page_names(walked):
    named = {code for code in inline(TEACHING) if code.split("/")[0] in ROOMS}
    assert len(named) >= 8
    missing = [code for code in named if not all((walked / code.replace("STUDENT", name)).exists() for name in CLASS)]
    assert not missing


def test_the_walk_ends_with_grades(walked):
    lines = (walked / "export" / "attention" / "grades.csv").read_text(encoding="utf-8-sig").splitlines()
    assert {line.split(",")[0] for line in lines[1:]} == CLASS


def test_the_penalty_comes_from_the_date_and_the_rule(walked):
    """All were handed in before the date; one that comes later counts nothing, after the command on the page."""
    with Gradebook(f"sqlite:///{walked}/gradebook.db", "layer-cake") as gradebook:
        before = {name: gradebook.find_submission("attention", name) for name in CLASS}
        assert all(one.score > 0 and one.late_submission_penalty == 0 for one in before.values())
    (walked / "submitted" / "ada" / "attention" / "timestamp.txt").write_text("2026-10-02 09:30:00 UTC")
    nbgrader = [Path(sys.executable).with_name("nbgrader"), "autograde", "attention", "--student=ada", "--force"]
    subprocess.run(nbgrader, cwd=walked, check=True, capture_output=True)
    with Gradebook(f"sqlite:///{walked}/gradebook.db", "layer-cake") as gradebook:
        late = gradebook.find_submission("attention", "ada")
        assert late.late_submission_penalty == late.score > 0


def test_the_page_lists_the_reason_codes_that_there_are():
    rows = re.findall(r"^\| `(\w+)`(\*?) \| (.+) \|$", TEACHING.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(code, words) for code, _, words in rows] == [(str(code), words) for code, words in MEANINGS.items()]
    assert {code for code, star, _ in rows if star} == ALWAYS_SAID


# --- Commands and options -----------------------------------------------------------------------------------


def calls(document: Path) -> list[list[str]]:
    """Every call of `autograder` in a document's blocks and prose, as words."""
    lines = [line.removeprefix("$ ") for block in blocks(document, "bash", "console") for line in block.splitlines()]
    words = [shlex.split(line, comments=True) for line in [*lines, *inline(document)] if "autograder " in line]
    return [call for call in words if call and call[0] == "autograder"]


def test_every_command_and_option_exists():
    commands = typer.main.get_command(app).commands
    found = [call for document in DOCUMENTS for call in calls(document)]
    assert {call[1] for call in found} == set(commands), "a command is missing here, or in the documents"
    for call in found:
        options = {option for parameter in commands[call[1]].params for option in parameter.opts}
        assert {word for word in call[2:] if word.startswith("--")} <= options, call


def test_every_option_in_the_instructors_page_exists():
    commands = typer.main.get_command(app).commands.values()
    known = {option for command in commands for parameter in command.params for option in parameter.opts}
    named = {code.split()[0] for code in inline(TEACHING) if code.startswith("--")}
    assert len(named) >= 5 and named <= known


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word
        for document in DOCUMENTS
        for code in [*inline(document), *"\n".join(blocks(document, "bash", "console")).splitlines()]
        for word in re.findall(r"^(?:\$ )?make ([a-z]+)", code)
    }
    assert {"course", "test", "soundness"} <= named <= targets


# --- Links and paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [README, CONTRIBUTING, HOUSE], ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(document):
    links = re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8"))
    paths = [code for code in inline(document) if re.fullmatch(r"[\w.-]*(/[\w.-]+)*/|[\w.-]+(/[\w.-]+)+", code)]
    made = ("bigrams", ".venv", ".colab")  # the example of CONTRIBUTING, and what installing makes
    local = [link for link in links if "://" not in link] + [path for path in paths if not any(n in path for n in made)]
    assert len(local) >= 5
    assert not [path for path in local if not (ROOT / path).exists()]


def test_the_badge_is_the_notebooks_own():
    assert Address.read().badge("exercises/attention/attention.ipynb") in README.read_text(encoding="utf-8")


def test_every_work_in_the_references_is_cited():
    pages = [page.read_text(encoding="utf-8") for page in [*ROOT.glob("book/*.md"), *ROOT.glob("exercises/*/*.md")]]
    cites = [its for page in pages for its in re.findall(r"\{cite[\w:]*\}`([^`]+)`", page)]
    cited = {work.strip() for its in cites for work in its.split(",")}
    records = [json.loads(path.read_text(encoding="utf-8")) for path in ROOT.glob("layercake/recorded/*.json")]
    sources = {word for recorded in records for word in re.findall(r"\w+", json.dumps(recorded["data"]))}
    assert works() - cited <= sources  # of the figures in a record's table


def test_the_topics_that_are_ready_are_named():
    assert all(f"`{topic}`" in TEACHING.read_text(encoding="utf-8") for topic in topics())
    assert all(f"*{topic}*" in README.read_text(encoding="utf-8") for topic in topics())


# --- The topic of CONTRIBUTING, and the builder's refusals ---------------------------------------------------

EXERCISE = """\
---
jupytext: {text_representation: {extension: .md, format_name: myst}}
kernelspec: {display_name: Python 3, language: python, name: python3}
---

# Bigrams

```{code-cell} ipython3
:tags: [setup]

import layercake
```

```{code-cell} ipython3
from autograder.checks.bigrams import check
```

## 1. Counting

```{code-cell} ipython3
:tags: [exercise]

from solutions.bigrams import bigram_counts
```

```{code-cell} ipython3
check(bigram_counts)
```

Which pair never occurs?

"""
LINE, CALL = "from solutions.bigrams import bigram_counts", "check(bigram_counts)"
FAULTS = {  # what to put in place of what, in the solution, the checks or the exercise
    "a name that is not there": (LINE, LINE.removesuffix("s")),
    "two names": (LINE, f"{LINE}, counts"),
    "a marker alone": ("    ### END SOLUTION\n", ""),
    "a marker misspelt": ("    ### BEGIN SOLUTION", "    ### BEGIN SOLUTON"),
    "nothing to blank": ("The model answer, and how to mark.", ""),
    "no check": (CALL, "print(bigram_counts)"),
    "a check of nothing": (CALL, "check(bigram_count)"),
    "no mistake": ("@exercise.mistake", "(lambda *_, **__: lambda it: it)"),
    "no points": ('"points": 1, ', ""),
    "twice": (CALL, f"{CALL}\n```\n\n```{{code-cell}} ipython3\n:tags: [exercise]\n\n{LINE}"),
}


def build(world: Path, old: str = "", new: str = "") -> NotebookNode:
    """The notebook of the topic that CONTRIBUTING makes, with one change to what stands there."""
    solution, topic, exercise = blocks(CONTRIBUTING, "python")
    (written,) = (block for block in blocks(CONTRIBUTING, "text") if '"written"' in block)
    parts = {
        world / "solutions" / "bigrams.py": f"import torch\nfrom torch import Tensor\n\n\n{solution}",
        world / "checks" / "bigrams" / "__init__.py": topic,
        world / "checks" / "bigrams" / "bigram_counts.py": exercise,
        world / "exercises" / "bigrams" / "bigrams.md": EXERCISE + written,
    }
    assert not old or any(old in text for text in parts.values())
    for path, text in parts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return build_source(
        import_module("autograder.checks.bigrams").bigrams, Address("https://host/us/it", "main"), world
    )


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose `solutions/` and `checks/` are looked into, too."""
    for package, room in ((solutions, "solutions"), (checks, "checks")):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / room)])
    for module in ("solutions.bigrams", "autograder.checks.bigrams", "autograder.checks.bigrams.bigram_counts"):
        monkeypatch.setitem(sys.modules, module, None)
        del sys.modules[module]
    return tmp_path


def test_the_topic_of_contributing_is_released(world):
    about = [cell.metadata.nbgrader for cell in build(world).cells if "nbgrader" in cell.metadata]
    assert [part.grade_id for part in about] == ["bigram_counts", "check_bigram_counts", "bigrams_answer"]


@pytest.mark.parametrize("fault", FAULTS)
def test_each_refusal_is_quoted_as_it_is(world, fault):
    with pytest.raises(ReleaseError) as refused:
        build(world, *FAULTS[fault])
    said = str(refused.value).split("; got")[0]
    assert said in CONTRIBUTING.read_text(encoding="utf-8")


def test_no_other_refusal_is_quoted():
    quoted = re.findall(r"^\| `+bigrams\.md", CONTRIBUTING.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(quoted) == len(FAULTS)
