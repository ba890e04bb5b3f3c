"""The learner's path in Colab's versions of IPython, ipywidgets and what belongs to them.

Proves that the released notebook, opened where PyTorch is and the course is not, installs the course from its git
address and nothing else; that its checks give full points to the reference, none to what is blank, and a hint to a
known mistake; and that nothing of the instructor's is needed for it.

The course comes from a throw-away repository made of the working tree, into a virtual environment that borrows the
packages of `.colab` and changes none of them. No network: pip may fetch nothing, so the course is built with the
setuptools that is there. Two more things are not Colab's: the Python, which is the one that runs the tests (Colab has
3.13), and PyTorch, which is the project's (Colab has 2.11).
"""

import copy
import json
import os
import re
import subprocess
from dataclasses import dataclass
from html import escape
from pathlib import Path

import nbformat
import pytest
from checkout import ROOT, copy_to
from conftest import FEW_STEPS, LONGEST_REPLY
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise
from autograder.checking.display import number
from autograder.checking.topic import load, topics
from autograder.example.classes import CLASSES
from autograder.example.handing_in import solved
from autograder.releasing.release import Address, release

COLAB = ROOT / ".colab"
INSTRUCTORS = {"nbgrader", "jupyterlab", "jupytext", "typer", "rich", "pydantic"}
TOPIC = load("attention")
PROBE = """\
import json, sys, layercake
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"modules": modules, "torch": sys.modules["torch"].__file__, "layercake": layercake.__file__}))
"""


@dataclass(frozen=True)
class Learner:
    """A learner's machine: a home, a Python without the course, and the notebook as it was released."""

    home: Path
    released: NotebookNode

    @property
    def python(self) -> Path:
        return self.home / "venv" / "bin" / "python"

    def packages(self) -> set[str]:
        """What is installed here, beyond what `.colab` has."""
        return {path.name.partition("-")[0] for path in self.home.glob("venv/lib/python3*/site-packages/*.dist-info")}

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.pathsep.join([str(self.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "JUPYTER_PATH": str(self.home / "jupyter"),
            "OMP_NUM_THREADS": "1",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",  # sic: pip takes this one for the value of `build_isolation`
        }

    def call(self, *command: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            list(map(str, command)), cwd=self.home, env=self.environment(), capture_output=True, text=True, check=False
        )

    def run(self, notebook: NotebookNode, name: str) -> NotebookNode:
        """The notebook with its outputs, after a fresh kernel ran all of its code cells."""
        path, executed = self.home / f"{name}.ipynb", self.home / f"{name}.executed.ipynb"
        nbformat.write(notebook, path)
        done = self.call(self.python, ROOT / "tests" / "colab" / "run.py", path, executed)
        assert done.returncode == 0, done.stdout + done.stderr
        return nbformat.read(executed, as_version=4)


@pytest.fixture(scope="module")
def learner(tmp_path_factory: pytest.TempPathFactory) -> Learner:
    if not (COLAB / ".installed").exists():
        pytest.fail("There is no .colab, Colab's versions to test with. `make test` installs it.", pytrace=False)
    home = tmp_path_factory.mktemp("learner")
    make_venv(home)
    return Learner(home, nbformat.read(publish(home / "repository", home), as_version=4))


def make_venv(home: Path) -> None:
    """A virtual environment that sees the packages of `.colab`, and a kernel in it."""
    subprocess.run([COLAB / "bin" / "python", "-m", "venv", "--without-pip", home / "venv"], check=True)
    (theirs,) = COLAB.glob("lib/python3*/site-packages")
    (ours,) = home.glob("venv/lib/python3*/site-packages")
    (ours / "colab.pth").write_text(f"{theirs}\n")
    kernel = home / "jupyter" / "kernels" / "learner"
    kernel.mkdir(parents=True)
    argv = [str(home / "venv" / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))


def publish(repository: Path, home: Path) -> Path:
    """The working tree as a git repository with an address of its own; returns the released notebook of attention."""
    copy_to(repository)
    config = repository / "_config.yml"
    text = config.read_text(encoding="utf-8")
    old = Address.read(config)
    config.write_text(
        text.replace(f"url: {old.url}", f"url: {repository.as_uri()}").replace(f"branch: {old.branch}", "branch: main"),
        encoding="utf-8",
    )
    assert Address.read(config) == Address(repository.as_uri(), "main")
    for topic in topics():
        notebook_of(topic, repository).unlink(missing_ok=True)
        release(topic, home / "instructors-course", repository)
    identity = ["-c", "user.name=A test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "--all"], [*identity, "commit", "-q", "-m", "The course"]):
        subprocess.run(["git", *command], cwd=repository, check=True)
    return notebook_of("attention", repository)


def notebook_of(topic: str, repository: Path) -> Path:
    return repository / "exercises" / topic / f"{topic}.ipynb"


@pytest.fixture(scope="module")
def finished(learner: Learner) -> NotebookNode:
    """The released notebook, solved and run from the first cell to the last, and then the probe."""
    assert learner.packages() == set()
    before = torch_on_disk()
    notebook = solved(copy.deepcopy(learner.released))
    notebook.cells.append(nbformat.v4.new_code_cell(PROBE))
    executed = learner.run(notebook, "solved")
    assert torch_on_disk() == before, "pip touched PyTorch"
    return executed


def torch_on_disk() -> dict[str, tuple[int, bytes]]:
    """What changes where PyTorch is replaced or installed again: its list of files and its version, and when."""
    files = [*COLAB.glob("lib/python3*/site-packages/torch-*.dist-info/*"), *COLAB.glob("lib/*/*/torch/version.py")]
    assert len(files) > 3
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files if path.is_file()}


def cell_with(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def checks_only(notebook: NotebookNode) -> NotebookNode:
    """The notebook without all that may be skipped: imports, exercises and checks are left."""
    kept = [cell for cell in notebook.cells if cell.metadata.get("nbgrader") or cell.source.startswith("import math\n")]
    return nbformat.v4.new_notebook(cells=copy.deepcopy(kept), metadata=notebook.metadata)


def shown(cell: NotebookNode) -> dict[str, str]:
    """The data of the one result that a check cell shows."""
    results = [output for output in cell.outputs if output.output_type == "execute_result"]
    assert len(results) == 1 and len(cell.outputs) == 1, f"{cell.source}: {cell.outputs}"
    return results[0].data


def said(cell: NotebookNode) -> str:
    text = "".join(output.get("text", "") or "\n".join(output.get("traceback", [])) for output in cell.outputs)
    return re.sub(r"\x1b\[[\d;]*m", "", text)  # colours


def test_the_notebook_runs_from_the_setup_cell_to_the_end(finished: NotebookNode):
    assert any('SCALE = "smoke"' in cell.source for cell in finished.cells if "setup" in cell.metadata.get("tags", []))
    failed = [f"{cell.source}\n{said(cell)}" for cell in finished.cells if "error" in outputs_of(cell)]
    assert not failed, "\n\n".join(failed)
    seconds = {"setup": 0.0, "lab": 0.0, "the rest": 0.0}
    for cell in finished.cells:
        tag = next(iter({"setup", "lab"} & set(cell.metadata.get("tags", []))), "the rest")
        seconds[tag] += cell.metadata.get("seconds", 0)
    print(
        f"\nkernel seconds: {sum(seconds.values()):.1f} of which "
        + ", ".join(f"{k} {v:.1f}" for k, v in seconds.items())
    )


@pytest.mark.parametrize("topic", sorted(set(topics()) - {"attention"}))
def test_every_other_topics_notebook_runs_too_and_earns_everything(finished, learner: Learner, topic: str):
    """`finished`, which runs a whole lab, is asked for because it installs the course."""
    notebook = solved(nbformat.read(notebook_of(topic, learner.home / "repository"), as_version=4))
    executed = learner.run(with_few_steps(notebook), topic)
    failed = [f"{cell.source}\n{said(cell)}" for cell in executed.cells if "error" in outputs_of(cell)]
    assert not failed, "\n\n".join(failed)
    for exercise, bank in load(topic).exercises.items():
        assert shown(cell_with(executed, f"check_{exercise}"))["text/plain"] == number(bank.points)
    print(f"\n{topic}: kernel seconds {sum(cell.metadata.get('seconds', 0) for cell in executed.cells):.1f}")


def with_few_steps(notebook: NotebookNode) -> NotebookNode:
    """The notebook with shorter labs and replies, by a cell below the setup cell."""
    setup = next(at for at, cell in enumerate(notebook.cells) if "setup" in cell.metadata.get("tags", []))
    lines = ["from dataclasses import replace", f"from layercake.labs import {', '.join(FEW_STEPS)}"]
    lines += [f"{lab}.SCALES[SCALE] = replace({lab}.SCALES[SCALE], **{few})" for lab, few in FEW_STEPS.items()]
    for lab, longest in LONGEST_REPLY.items():
        lines += [f"import layercake.labs.{lab} as writes", f"writes.{longest} = 8"]
    notebook.cells.insert(setup + 1, nbformat.v4.new_code_cell("\n".join(lines)))
    return notebook


def outputs_of(cell: NotebookNode) -> set[str]:
    return {output.output_type for output in cell.get("outputs", [])}


def test_setup_installs_the_course_and_nothing_else(finished: NotebookNode, learner: Learner):
    assert learner.packages() == {"layercake_course"}
    probe = json.loads(said(finished.cells[-1]))
    assert probe["layercake"].startswith(str(learner.home / "venv"))
    assert probe["torch"].startswith(str(COLAB))


def test_setup_says_in_one_line_what_it_found(finished: NotebookNode):
    setup = next(cell for cell in finished.cells if "setup" in cell.metadata.get("tags", []))
    lines = [line for line in said(setup).splitlines() if line.startswith("Layer Cake")]
    assert len(lines) == 1 and "torch 2" in lines[0]


def test_nothing_of_the_instructors_is_imported(finished: NotebookNode):
    assert not INSTRUCTORS & set(json.loads(said(finished.cells[-1]))["modules"])


@pytest.mark.parametrize("exercise", TOPIC.exercises)
def test_the_reference_gets_full_points(finished: NotebookNode, exercise: str):
    data = shown(cell_with(finished, f"check_{exercise}"))
    assert data["text/plain"] == number(TOPIC.exercises[exercise].points)
    assert data["text/html"].count("passed") == len(TOPIC.exercises[exercise].checks)


@pytest.fixture(scope="module")
def unfinished(finished: NotebookNode, learner: Learner) -> NotebookNode:
    """The checks on the notebook as it was released, and at the end one exercise with a known mistake.

    `finished` is asked for because it installs the course.
    """
    emmy = next(student for student in CLASSES["attention"] if student.name == "emmy")
    mistaken = nbformat.reads(emmy.make(copy.deepcopy(learner.released)), as_version=4)
    notebook = checks_only(learner.released)
    for grade_id in ("scaled_dot_product", "check_scaled_dot_product"):
        cell = cell_with(mistaken, grade_id)
        notebook.cells.append(nbformat.v4.new_code_cell(cell.source))
    return learner.run(notebook, "unfinished")


@pytest.mark.parametrize("exercise", TOPIC.exercises)
def test_a_blank_exercise_gets_nothing_and_is_told_so(unfinished: NotebookNode, exercise: str):
    data = shown(cell_with(unfinished, f"check_{exercise}"))
    assert data["text/plain"] == "0"
    assert "Nothing is written here yet" in data["text/html"]


def test_a_known_mistake_gets_its_hint(unfinished: NotebookNode):
    data = shown(unfinished.cells[-1])
    mistake = next(each for each in TOPIC.exercises["scaled_dot_product"].mistakes if each.name == "divides_by_d")
    assert 0 < float(data["text/plain"]) < TOPIC.exercises["scaled_dot_product"].points
    assert "This looks like “divides by d”." in data["text/html"]
    assert escape(mistake.hint) in data["text/html"]


def test_every_check_cell_of_the_notebook_is_covered(learner: Learner):
    checked = {name for cell in learner.released.cells if (name := checked_exercise(cell.source))}
    assert checked == set(TOPIC.exercises)


def test_the_checks_load_without_the_instructors_packages(finished: NotebookNode, learner: Learner):
    absent = INSTRUCTORS - {"jupyterlab"}  # ipywidgets 7.7 brings JupyterLab along
    code = f"""\
import importlib.util
assert not [name for name in {sorted(absent)!r} if importlib.util.find_spec(name)]
import autograder.checks.attention, layercake
"""
    done = learner.call(learner.python, "-c", code)
    assert done.returncode == 0, done.stderr


def test_the_command_says_what_to_install(finished: NotebookNode, learner: Learner):
    done = learner.call(learner.home / "venv" / "bin" / "autograder", "grade", "attention")
    assert done.returncode == 1
    assert done.stderr.strip().endswith("run: pip install 'layercake-course[instructor]'")
    assert len(done.stderr.strip().splitlines()) == 1
