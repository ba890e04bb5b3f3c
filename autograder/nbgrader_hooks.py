"""Where nbgrader's autograde meets ours: three preprocessors, listed in the course's configuration.

`RepairSubmission` runs before nbgrader's own clean-up, which trips over lost and doubled metadata;
`WriteVerdicts` stands where nbgrader would execute the notebook, and leaves SaveAutoGrades no choice: each check
cell gets one result, a number between 0 and its points, and nothing on stderr.
"""

import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.preprocessors import ClearOutput, NbGraderPreprocessor

from autograder.submission import repair

PICTURES = ("image/png", "image/jpeg", "text/plain")  # what may be shown of a lab's output: nothing that can run


def _folder(resources: dict) -> Path:
    """The course folder that nbgrader is working in: the gradebook's."""
    return Path(resources["nbgrader"]["db_url"].removeprefix("sqlite:///")).parent


class RepairSubmission(NbGraderPreprocessor):
    """Puts a submission back into the released form, before anything else looks at it."""

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        topic = resources["nbgrader"]["assignment"]
        released = _folder(resources) / "release" / "." / topic / f"{topic}.ipynb"
        return repair(nb, nbformat.read(released, as_version=4)), resources


class KeepLabPictures(ClearOutput):
    """Clears outputs, except a lab's pictures and text: labs are not run at grading, and a person looks at them."""

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        if cell.cell_type != "code" or "lab" not in cell.metadata.get("tags", []):
            return super().preprocess_cell(cell, resources, index)
        kept = []
        for output in cell.outputs:
            if output.output_type in ("display_data", "execute_result"):
                data = {kind: output.data[kind] for kind in PICTURES if isinstance(output.data.get(kind), str)}
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


def score_output(number: str, text: str = "", html: str = "") -> NotebookNode:
    """The one output from which SaveAutoGrades reads a cell's score."""
    data = {"text/plain": number} | ({"text/html": html} if html else {})
    return nbformat.v4.new_output("execute_result", data=data, execution_count=None)
