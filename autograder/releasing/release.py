"""From one source text to the notebook that learners open: `autograder release`.

An exercise is an import whose body the learner writes. In the source (a MyST text notebook that runs as it is,
solved) a cell tagged `exercise` says `from solutions.attention import causal_attention`; here the line becomes
that function's source with nbgrader's metadata, and nbgrader's own `generate_assignment` blanks it. Whatever
would give a broken or a solved notebook is refused, with the place and the remedy.
"""

import copy
import hashlib
import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode

from autograder.checking.cells import checked_exercise
from autograder.checking.solution_source import BEGIN, END, STUB, ReleaseError, require_markers, solution_source
from autograder.checking.topic import ROOT, Topic, UnknownTopic, load
from autograder.course.files import write_generated
from autograder.course.folder import Course

SCHEMA = {"schema_version": 3, "task": False}
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
    "accelerator": "GPU",
    "colab": {"provenance": [], "gpuType": "T4"},
}


HANDING_IN = """\
## Your score, and how to hand in

Run the whole notebook once more from the top, labs included if you like (Colab: *Runtime → Restart session and run
all*; what the labs have trained is kept). The cell below then says what each exercise has earned.

In a course: save the notebook, download it (Colab: *File → Download → Download .ipynb*; Jupyter: *File → Download*) and
upload that one file where your course collects its work. The grader asks the same questions on other inputs; your
written answers are read by a person. By yourself: go on with the next chapter."""


@dataclass(frozen=True)
class Address:
    """Where the course lives: the one setting, `repository` in `_config.yml`."""

    url: str
    branch: str

    @classmethod
    def read(cls, config: Path = ROOT / "_config.yml") -> "Address":
        """Raises ReleaseError where the setting is missing."""
        try:
            repository = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
            return cls(repository["url"].rstrip("/"), repository["branch"])
        except (OSError, KeyError, TypeError) as error:
            raise ReleaseError(f"{config}: no `repository:` with `url:` and `branch:` ({error!r})") from None

    def badge(self, notebook: str) -> str:
        """The Open-in-Colab badge of a notebook, given by its path in the repository."""
        colab = self.url.replace("https://github.com/", "https://colab.research.google.com/github/")
        picture = "https://colab.research.google.com/assets/colab-badge.svg"
        return f"[![Open in Colab]({picture})]({colab}/blob/{self.branch}/{notebook})"

    def chapter(self, topic: str) -> str:
        """The topic's chapter in the book, where GitHub Pages has it."""
        owner, name = urlsplit(self.url).path.strip("/").split("/")[-2:]
        return f"https://{owner}.github.io/{name}/book/{topic}.html"

    def install(self) -> str:
        """Two lines that install the course where it is missing, and nothing where it is there."""
        pip = f'get_ipython().run_line_magic("pip", "install -q git+{self.url}@{self.branch}")'
        return f'import importlib.util\nimportlib.util.find_spec("layercake") or {pip}\n'


def source_path(topic: str, root: Path = ROOT) -> Path:
    return root / "exercises" / topic / f"{topic}.md"


def build_source(topic: Topic, address: Address, root: Path = ROOT) -> NotebookNode:
    """The instructor's notebook of a topic, solved, with nbgrader's metadata. Raises ReleaseError."""
    path = source_path(topic.name, root)
    if not path.is_file():
        raise ReleaseError(f"{path} is missing: a topic's exercises begin with their source text")
    source = jupytext.read(path, fmt="md:myst")
    cells = [_build_cell(cell, index, topic, address, path) for index, cell in enumerate(source.cells)]
    badge = address.badge(f"exercises/{topic.name}/{topic.name}.ipynb")
    chapter = f"[The chapter, with all its sources]({address.chapter(topic.name)})"
    cells[0].source = f"{badge} {chapter}\n\n{cells[0].source}"
    cells += [
        nbformat.v4.new_markdown_cell(HANDING_IN),
        nbformat.v4.new_code_cell(f"from autograder.checks.{topic.name} import score\n\nscore()"),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=copy.deepcopy(KERNEL))
    _refuse_unsound(notebook, topic, path)
    give_ids(notebook)
    return notebook


def _build_cell(cell: NotebookNode, index: int, topic: Topic, address: Address, path: Path) -> NotebookNode:
    """One cell of the source, in the form that nbgrader reads."""
    where = f"{path.name}, cell {index + 1}"
    tags = cell.metadata.get("tags", [])
    new = nbformat.v4.new_code_cell if cell.cell_type == "code" else nbformat.v4.new_markdown_cell
    built = new(cell.source, metadata={"tags": tags} if tags else {})
    if "exercise" in tags:
        name = _imported_name(cell.source, topic, where)
        built.source = solution_source(topic.reference(name), where)
        built.metadata.nbgrader = {"grade": False, "solution": True, "locked": False, "grade_id": name, **SCHEMA}
    elif checked := checked_exercise(cell.source) if cell.cell_type == "code" else None:
        if checked not in topic.exercises or not topic.exercises[checked].checks:
            raise ReleaseError(f"{where}: check({checked}), but autograder/checks/{topic.name}/ has no check for it")
        points = {"points": topic.exercises[checked].points, "grade_id": f"check_{checked}"}
        built.metadata.nbgrader = {"grade": True, "solution": False, "locked": True, **points, **SCHEMA}
    elif "written" in tags:
        graded = {key: cell.metadata.get(key) for key in ("points", "grade_id")}
        if not all(graded.values()):
            raise ReleaseError(f'{where}: a written answer needs "points" and "grade_id" beside its tag')
        require_markers(cell.source, where)
        built.metadata.nbgrader = {"grade": True, "solution": True, "locked": False, **graded, **SCHEMA}
    elif "setup" in tags:
        built.source = address.install() + cell.source
    return built


def _imported_name(source: str, topic: Topic, where: str) -> str:
    """The name in `from solutions.<topic> import <name>`. Raises ReleaseError on anything else."""
    line = source.strip()
    match = re.fullmatch(r"from solutions\.(\w+) import (\w+)", line)
    if not match or match[1] != topic.name:
        raise ReleaseError(
            f"{where}: an exercise cell is one line, `from solutions.{topic.name} import <name>`; got {line[:80]!r}"
        )
    try:
        topic.reference(match[2])
    except (ImportError, AttributeError):
        raise ReleaseError(f"{where}: `{line}` does not resolve; is {match[2]} in solutions/{topic.name}.py?") from None
    return match[2]


def _refuse_unsound(notebook: NotebookNode, topic: Topic, path: Path) -> None:
    """Raise ReleaseError on a duplicate id, an exercise without a check, or a check without a known mistake."""
    graded = [cell.metadata.nbgrader for cell in notebook.cells if "nbgrader" in cell.metadata]
    ids = [about.grade_id for about in graded]
    for grade_id in ids:
        if ids.count(grade_id) > 1:
            raise ReleaseError(f"{path.name}: the id {grade_id!r} is there twice")
    exercises = [about.grade_id for about in graded if not about.grade]
    for name in exercises:
        if f"check_{name}" not in ids:
            raise ReleaseError(f"{path.name}: exercise {name} has no `check({name})` cell after it")
    for check in [name for name in ids if name.startswith("check_")]:
        name = check.removeprefix("check_")
        if name not in ids or ids.index(name) > ids.index(check):
            raise ReleaseError(f"{path.name}: `check({name})` has no exercise cell before it")
        if not topic.exercises[name].mistakes:
            raise ReleaseError(f"{path.name}: {name} has no known mistake in autograder/checks/{topic.name}/{name}.py")
    if not exercises:
        raise ReleaseError(f"{path.name}: no cell is tagged `exercise`")


def give_ids(notebook: NotebookNode) -> None:
    """Set each cell's id: its grade id, or a hash of what it says, so that a rebuild gives the same bytes."""
    seen: dict[str, int] = {}
    for cell in notebook.cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
        base = grade_id or hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[base] = seen.get(base, 0) + 1
        cell.id = base if seen[base] == 1 else f"{base}-{seen[base]}"


def finish_release(released: NotebookNode, solved: NotebookNode, path: Path) -> NotebookNode:
    """The release version after the last look: no output, no solution, nothing that must not be there.

    Raises ReleaseError.
    """
    for index, (cell, original) in enumerate(zip(released.cells, solved.cells, strict=True)):
        where = f"{path.name}, cell {index + 1}"
        if cell.get("outputs") or cell.get("execution_count"):
            raise ReleaseError(f"{where}: an output is left in the release version")
        hidden = [line for part in original.source.split(BEGIN)[1:] for line in part.split(END)[0].splitlines()]
        left = [line for line in hidden if len(line.strip()) > 12 and line in cell.source.splitlines()]
        if left or BEGIN in cell.source:
            raise ReleaseError(f"{where}: a line of the solution is left in the release version: {left[:1]}")
        if cell.cell_type == "code" and hidden and STUB not in cell.source:
            raise ReleaseError(f"{where}: the release version lacks `{STUB}`")
        cell.id = original.id
    released.metadata = nbformat.from_dict(copy.deepcopy(KERNEL))
    nbformat.validate(released)
    return released


def release(name: str, course: Path, root: Path = ROOT) -> Path:
    """Build a topic's notebook, into the course (source, release, gradebook) and into `exercises/`.

    `course` is the instructor's nbgrader course folder. Returns the path of the learner's notebook. Raises
    CourseError, ReleaseError and UnknownTopic; nothing is written into `exercises/` unless all went well.
    """
    try:
        topic = load(name)
        importlib.import_module(f"solutions.{name}")
    except UnknownTopic:
        raise
    except Exception as error:
        raise ReleaseError(f"the checks or the reference of {name} do not load: {error}") from error
    solved = build_source(topic, Address.read(root / "_config.yml"), root)
    path = source_path(name, root).with_suffix(".ipynb")
    write_generated(path, release_into(Course(course, make=True), name, solved, root))
    return path


def release_into(course: Course, name: str, solved: NotebookNode | None = None, root: Path = ROOT) -> NotebookNode:
    """Put a topic into a course alone (source, release, gradebook); returns the notebook that learners get.

    `solved` is the notebook with its answers, where it is another than `exercises/` gives. Raises CourseError and
    ReleaseError.
    """
    solved = solved or build_source(load(name), Address.read(root / "_config.yml"), root)
    return course.generate_assignment(name, solved, lambda nb: finish_release(nb, solved, source_path(name, root)))
