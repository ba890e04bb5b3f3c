"""The project's own files agree with each other and keep their promises.

Proves that what a learner installs is small and leaves PyTorch alone, that what a learner imports needs nothing of
an instructor's, that the wheel holds what the packages need, that generated notebooks are what their sources give,
that facts which have to stand in two files (bounds, versions of Python) are the same in both, and that the locks are
within the bounds, name every direct dependency for every Python, and leave PyTorch's build to the user.
"""

import ast
import importlib.metadata
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import jupytext
import pytest
import yaml
from checkout import ROOT, copy_to, files
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from autograder.checking.topic import topics
from autograder.releasing.release import release

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "course.yml").read_text(encoding="utf-8"))
LEARNERS = {"numpy", "matplotlib", "huggingface-hub", "ipywidgets", "tqdm", "safetensors"}
PACKAGES = ("layercake", "solutions", "autograder")


def bounds(lines: list[str]) -> dict[str, SpecifierSet]:
    """Requirements by name; the project itself, which `dev` asks for, left out."""
    requirements = [Requirement(line) for line in lines]
    assert len({canonicalize_name(each.name) for each in requirements}) == len(requirements), "a name is there twice"
    return {canonicalize_name(each.name): each.specifier for each in requirements if each.name != PROJECT["name"]}


def all_of_pyproject() -> list[str]:
    return [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]


# --- Dependencies -------------------------------------------------------------------------------------------


def test_environment_and_pyproject_ask_for_the_same():
    (pip,) = [part["pip"] for part in CONDA["dependencies"] if isinstance(part, dict)]
    assert bounds([line for line in pip if not line.startswith("-")]) == bounds(all_of_pyproject())
    assert "--editable ." in pip


def test_the_extra_dev_is_everything():
    (itself,) = [each for line in PROJECT["optional-dependencies"]["dev"] if (each := Requirement(line)).extras]
    assert itself.name == PROJECT["name"] and itself.extras == set(PROJECT["optional-dependencies"]) - {"dev"}


def test_a_learner_installs_six_packages():
    assert set(bounds(PROJECT["dependencies"])) == LEARNERS


def test_what_a_learner_installs_does_not_ask_for_torch():
    needed, todo = set(), set(LEARNERS)
    while todo:
        needed.add(name := todo.pop())
        required = [Requirement(line) for line in importlib.metadata.requires(name) or []]
        todo |= {
            canonicalize_name(each.name) for each in required if not each.marker or each.marker.evaluate({"extra": ""})
        } - needed
    assert len(needed) > len(LEARNERS) and not any(name.startswith(("torch", "nvidia")) for name in needed)


def minors() -> list[str]:
    """The versions of Python that the course runs on."""
    return [f"3.{minor}" for minor in range(30) if f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])]


def requirements(path: str) -> list[str]:
    """The lines of a file of requirements, without what is said about them."""
    lines = [line.partition("#")[0].strip() for line in (ROOT / path).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line]


def locked(path: str, python: str) -> dict[str, str]:
    """The one version of each package that a lock gives to this Python."""
    there = {"python_version": python, "python_full_version": f"{python}.9"}
    wanted = [each for each in map(Requirement, requirements(path)) if not each.marker or each.marker.evaluate(there)]
    pinned = bounds([f"{each.name}{each.specifier}" for each in wanted])
    return {name: str(specifier).removeprefix("==") for name, specifier in pinned.items()}


LOCKS = {
    "requirements.lock": all_of_pyproject(),
    "tests/colab/requirements.lock": requirements("tests/colab/requirements.txt"),
}


@pytest.mark.parametrize("python", minors())
@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_every_dependency_within_its_bounds(lock: str, python: str):
    versions, asked = locked(lock, python), bounds(LOCKS[lock])
    asked.pop("torch", None)
    assert len(asked) > 20 and asked.keys() <= versions.keys()
    assert {name: versions[name] for name, bound in asked.items() if versions[name] not in bound} == {}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_leaves_pytorchs_build_to_the_user(lock: str):
    names = {Requirement(line).name for line in requirements(lock)}
    assert "sympy" in names, "what PyTorch needs is there"
    assert not [name for name in names if name.startswith(("torch", "triton", "cuda", "nvidia"))]


@pytest.mark.parametrize("requirement", all_of_pyproject())
def test_a_dependency_says_why_it_is_there(requirement: str):
    if Requirement(requirement).name == PROJECT["name"]:
        return
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if f'"{requirement}"' in line]
    assert re.search(r"#\s*\w+", line), f"no reason stands beside it: {line.strip()}"


def test_versions_of_python_agree():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    oldest, newest = minors()[0], minors()[-1]
    assert WORKFLOW["jobs"]["test"]["strategy"]["matrix"]["python"] == [oldest, newest]
    assert f"python{PROJECT['requires-python']}" in CONDA["dependencies"]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{oldest.replace('.', '')}"
    assert f"--universal --python-version {oldest} " in makefile
    first, last = (minor.replace(".", ", ") for minor in (oldest, newest))
    assert f"({first}) <= sys.version_info[:2] <= ({last})" in makefile
    assert f"({first}) <= sys.version_info[:2] <= ({last})" in (ROOT / "autograder" / "doctor.py").read_text("utf-8")


# --- What a learner imports ---------------------------------------------------------------------------------

WITHOUT_THE_INSTRUCTORS = """\
import importlib, importlib.abc, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"a learner does not have {name}", name=name)

sys.meta_path.insert(0, Absent())
for name in MODULES:
    importlib.import_module(name)
from autograder.checks.attention import check
def causal_attention(query, key, value):
    raise NotImplementedError()
assert check(causal_attention) == 0
"""


def learners_modules() -> list[str]:
    """All modules but the instructor's: the course's package, the answers, the checks."""
    paths = [path.with_suffix("") for path in files() if path.suffix == ".py"]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths if path.parts[0] in PACKAGES]
    return [name for name in names if not name.startswith("autograder.") or name.startswith("autograder.checks")]


def test_what_a_learner_imports_needs_nothing_of_an_instructors():
    extras = [*PROJECT["optional-dependencies"]["book"], *PROJECT["optional-dependencies"]["instructor"]]
    absent = {name.replace("-", "_") for name in bounds(extras)} | {"nbformat", "notebook", "pytest", "playwright"}
    modules = learners_modules()
    assert {"layercake", "layercake.labs.waiting", "solutions.attention", "autograder.checks.attention"} <= set(modules)
    code = f"ABSENT, MODULES = {absent!r}, {modules!r}\n{WITHOUT_THE_INSTRUCTORS}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert "Nothing is written here yet" in done.stdout


# --- Safe formats -------------------------------------------------------------------------------------------

PICKLES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def unsafe(source: str) -> list[str]:
    """Where a program reads or writes pickles, the format that runs code when it is read."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.partition(".")[0] in PICKLES]
        elif isinstance(node, ast.ImportFrom):
            found += [node.module] if (node.module or "").partition(".")[0] in PICKLES else []
            found += [f"torch.{a.name}" for a in node.names if node.module == "torch" and a.name in ("save", "load")]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch":
            found += [f"torch.{node.attr}"] if node.attr in ("save", "load") else []
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += ["allow_pickle"]
    return found


def test_pickles_are_found_where_there_are_some():
    assert unsafe("import pickle") == ["pickle"]
    assert unsafe("from torch import load, nn\ntorch.save(x, 'f')") == ["torch.load", "torch.save"]
    assert unsafe("np.load('f', allow_pickle=True)") == ["allow_pickle"]
    assert unsafe("from safetensors.torch import load\nload(b'')") == []


def test_nothing_is_pickled():
    programs = {path: (ROOT / path).read_text(encoding="utf-8") for path in files() if path.suffix == ".py"}
    for path in (path for path in files() if path.parts[0] in ("book", "exercises") and path.suffix == ".md"):
        cells = jupytext.read(ROOT / path, fmt="md:myst").cells
        programs[path] = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    assert len(programs) > 20
    assert {path: found for path, source in programs.items() if (found := unsafe(source))} == {}


# --- What is built ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_to(tmp_path_factory.mktemp("clone"))


def test_the_wheel_holds_the_packages_and_nothing_else(clone: Path, tmp_path: Path):
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--quiet"]
    done = subprocess.run([*command, "--wheel-dir", tmp_path, clone], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    held = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    about = {path for path in held if path.parts[0].endswith(".dist-info")}
    assert set(held) - about == {path for path in files() if path.parts[0] in PACKAGES}
    assert {path.suffix for path in set(held) - about} >= {".py", ".js", ".html", ".json"}
    assert {path.name for path in about} >= {"LICENSE", "LICENSE-text"}


@pytest.mark.parametrize("topic", topics())
def test_a_fresh_release_is_what_is_committed(clone: Path, tmp_path: Path, topic: str):
    (clone / "exercises" / topic / f"{topic}.ipynb").unlink(missing_ok=True)
    made = release(topic, tmp_path / "course", clone)
    committed = ROOT / made.relative_to(clone)
    assert made.read_bytes() == committed.read_bytes(), f"{committed} is not what its source gives: run make release"


# --- What is written about it -------------------------------------------------------------------------------


def pages(node: dict | list) -> list[str]:
    """Every page that a table of contents names."""
    if isinstance(node, list):
        return [page for each in node for page in pages(each)]
    here = [node[key] for key in ("root", "file") if key in node]
    return here + [page for value in node.values() if isinstance(value, list) for page in pages(value)]


def test_every_page_of_the_table_of_contents_exists():
    listed, there = pages(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))), set(files())
    assert len(listed) > 3
    assert [page for page in listed if not {Path(f"{page}.md"), Path(f"{page}.ipynb")} & there] == []


@pytest.mark.parametrize("command", ["make course", "make test"])
def test_the_readme_names_the_command(command: str):
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^{command.removeprefix('make ')}:.*##", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
