"""Where nbgrader meets ours: preprocessors and a filter, listed in the course's configuration.

`RepairSubmission` runs before nbgrader's own clean-up, which trips over lost and doubled metadata;
`WriteVerdicts` stands where nbgrader would execute the notebook, and leaves SaveAutoGrades no choice: each check
cell gets one result, a number between 0 and its points, and nothing on stderr. `HideText` keeps what a submission
printed out of feedback, and `tamed` keeps its HTML from running there and in formgrader.
"""

import builtins
import io
import json
import re
from pathlib import Path
from typing import TextIO

import bleach
import nbformat
from nbconvert.exporters import NotebookExporter
from nbconvert.filters import strip_files_prefix
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearOutput, NbGraderPreprocessor
from sqlalchemy import URL, CreateEnginePlugin, Engine, make_url

from autograder.collecting.submission import repair

PICTURES = ("image/png", "image/jpeg")
SHOWN = (*PICTURES, "text/plain")  # what may be shown of a lab's output: nothing that can run
SHOWN_AS_HANDED_IN = {"lab", "demonstration"}  # tags
TAGS = frozenset(
    "a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins "
    "kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
ATTRIBUTES = frozenset("align alt colspan height open rowspan start title width".split())
ADDRESSES = {  # what a link and a picture may lead to: not to this server, which would do what it is asked
    ("a", "href"): r"(https?://|mailto:|#)",
    ("img", "src"): r"(https://|data:image/(png|jpeg|gif);base64,)",
}
CLASSES = r"highlight( hl-\w+)?|language-\w+|[a-z]{1,2}\d?"  # of coloured code; formgrader's own have longer names
MATH_THAT_ACTS = r"\\(href|class|cssId|style|data|require|unicode)(?![A-Za-z])"


def _folder(resources: dict) -> Path:
    """The course folder that nbgrader is working in: the gradebook's."""
    return Path(make_url(resources["nbgrader"]["db_url"]).database).parent


class CompileOnce(CreateEnginePlugin):
    """Lets all engines of a process share the SQL that they have compiled.

    nbgrader opens the gradebook nine times for each submission, each time with an engine that would compile the same
    statements anew, which takes longer than running them.
    """

    dialect, compiled = None, {}

    def update_url(self, url: URL) -> URL:
        return url

    def engine_created(self, engine: Engine) -> None:
        """Give an engine the first one's dialect, by which statements are known, and what was compiled in it."""
        CompileOnce.dialect = engine.dialect = self.dialect or engine.dialect
        engine.update_execution_options(compiled_cache=self.compiled)


class SubmissionExporter(NotebookExporter):
    """Reads a submission that begins with a byte order mark, too."""

    def from_file(self, file_stream: TextIO, resources: dict | None = None, **kw) -> tuple[NotebookNode, dict]:
        return super().from_file(io.StringIO(file_stream.read().removeprefix("\ufeff")), resources, **kw)


class RepairSubmission(NbGraderPreprocessor):
    """Puts a submission back into the released form, before anything else looks at it."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        topic = resources["nbgrader"]["assignment"]
        released = _folder(resources) / "release" / "." / topic / f"{topic}.ipynb"
        handed_out = nbformat.read(released, as_version=4)
        ours = {cell.source for cell in handed_out.cells}
        repaired = repair(nb, handed_out)
        for cell in repaired.cells:
            cell.metadata = {key: cell.metadata[key] for key in ("nbgrader", "tags") if key in cell.metadata}
            if "attachments" in cell:
                cell.attachments = _pictures(cell.attachments)
            if cell.cell_type == "raw" or _is_odd(cell, ours):
                _show_as_typed(cell)
        return repaired, resources


def _pictures(attachments: object) -> NotebookNode:
    """What is a picture among the attachments of a cell, by file name and kind."""
    kept = {}
    for name, versions in attachments.items() if isinstance(attachments, dict) else ():
        data = {kind: versions[kind] for kind in PICTURES if _is_base64(dict(versions).get(kind))}
        if data:
            kept[name] = data
    return nbformat.from_dict(kept)


def _show_as_typed(cell: NotebookNode) -> None:
    """Turn a cell into a Markdown cell that shows its source; nbconvert would show a raw one as the HTML that it is."""
    fence = "~" * (1 + max(map(len, re.findall("~+", cell.source)), default=2))
    cell.cell_type, cell.source = "markdown", f"{fence}\n{cell.source}\n{fence}"


def _is_odd(cell: NotebookNode, ours: set[str]) -> bool:
    """Whether a Markdown cell that is not as it was handed out cannot be shown."""
    return cell.cell_type == "markdown" and cell.source not in ours and not _can_be_shown(cell)


def _can_be_shown(cell: NotebookNode) -> bool:
    """Whether nbconvert makes HTML of a Markdown cell: it raises for a picture that is not attached, among others."""
    renderer = IPythonRenderer(escape=False, attachments=cell.get("attachments", {}))
    try:
        MarkdownWithMath(renderer=renderer).render(cell.source)
    except Exception:  # of whatever kind: formgrader and feedback would end with it
        return False
    return True


def _is_base64(data: object) -> bool:
    return isinstance(data, str) and re.fullmatch(r"[A-Za-z0-9+/=\s]+", data) is not None


class KeepLabPictures(ClearOutput):
    """Clears outputs, except the pictures and text of what is not run at grading and a person looks at."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if cell.cell_type != "code" or not SHOWN_AS_HANDED_IN & set(cell.metadata.get("tags", [])):
            return super().preprocess_cell(cell, resources, index)
        kept = []
        for output in cell.outputs:
            if output.output_type in ("display_data", "execute_result"):
                data = {kind: output.data[kind] for kind in SHOWN if isinstance(output.data.get(kind), str)}
                kept.append(nbformat.v4.new_output("display_data", data=data))
            elif output.output_type == "stream":
                kept.append(nbformat.v4.new_output("stream", name="stdout", text=str(output.text)))
        cell.outputs = kept
        return cell, resources


class WriteVerdicts(NbGraderPreprocessor):
    """Writes the outputs that grading gave, from the journal: verdicts into check cells, text into the others."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        about = resources["nbgrader"]
        entry = _folder(resources) / "journal" / about["assignment"] / f"{about['student']}.json"
        if not entry.exists():
            raise FileNotFoundError(f"no verdict on {about['student']}; run: autograder grade {about['assignment']}")
        outputs = json.loads(entry.read_text(encoding="utf-8"))["outputs"]
        for cell in nb.cells:
            given = outputs.get(cell.id)
            if given is not None:
                cell.outputs = nbformat.from_dict(given)
            elif cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("grade"):
                cell.outputs = [score_output("0")]  # fail closed: no verdict, no points
        return nb, resources


class HideText(NbGraderPreprocessor):
    """Takes out of feedback what a submission's cells printed at grading, which may be the checks' inputs.

    Of an error, its kind is left where it is one of Python's own.
    """

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        about, tags = cell.metadata.get("nbgrader", {}), cell.metadata.get("tags", [])
        if cell.cell_type == "code" and not about.get("grade") and not SHOWN_AS_HANDED_IN & set(tags):
            lines = [line for output in cell.outputs for line in output.get("text", "").splitlines()]
            kinds = [line.partition(":")[0] for line in lines[-1:]]
            words = [f"This cell ended with {kind} at grading.\n" for kind in kinds if _is_error(kind)]
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=line) for line in words]
        return cell, resources


def _is_error(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


def tamed(html: str) -> str:
    """A Markdown cell's HTML as feedback and formgrader show it: no script, no form, no address of this server.

    It stands in for nbconvert's filter `strip_files_prefix`, the last that nbgrader's templates put it through.
    """
    html = re.sub(MATH_THAT_ACTS, r"\\text", strip_files_prefix(html))  # MathJax would make a link of it
    protocols = ("http", "https", "mailto", "data")
    return bleach.clean(html, tags=TAGS, attributes=_may_stay, protocols=protocols, strip=True)


def _may_stay(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return re.fullmatch(CLASSES, value.strip()) is not None
    allowed = ADDRESSES.get((tag, name))
    return re.match(allowed, value) is not None if allowed else name in ATTRIBUTES


def score_output(number: str, text: str = "", html: str = "") -> NotebookNode:
    """The one output from which SaveAutoGrades reads a cell's score."""
    data = {"text/plain": number} | ({"text/html": html} if html else {})
    return nbformat.v4.new_output("execute_result", data=data, execution_count=None)
