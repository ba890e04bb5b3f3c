"""`autograder check FILE`: a learner's own look at their notebook, on the public seed."""

from pathlib import Path

from autograder.checking.cells import checked_exercise
from autograder.checking.judge import Verdict
from autograder.checking.observe import parameters
from autograder.checking.topic import PUBLIC_SEED, UnknownTopic, load
from autograder.collecting.submission import imported_checks, read_submission
from autograder.grading.attempt import attempt
from autograder.sandbox.host import Sandbox


def look(file: Path) -> list[Verdict]:
    """The verdict on each exercise that a notebook checks.

    Raises UnreadableSubmission, and UnknownTopic where the notebook does not import a topic's `check`.
    """
    notebook = read_submission(file)
    if not (imported := imported_checks(notebook)):
        raise UnknownTopic(
            f"{file}: no cell says `from autograder.checks.TOPIC import check`; is it an exercise notebook?"
        )
    topic, cells = load(imported[0]), []
    for cell in notebook.cells:
        if cell.cell_type == "code" and "lab" not in cell.metadata.get("tags", []):
            name = checked_exercise(cell.source)
            name = name if name in topic.exercises else None
            names = parameters(topic.reference(name)) if name else []
            cells.append({"id": cell.id, "source": cell.source, "exercise": name, "parameters": names})
    with Sandbox(topic.name, "none") as worker:
        exercises = [cell["exercise"] for cell in cells if cell["exercise"]]
        return attempt(worker, topic, cells, exercises, PUBLIC_SEED)[1]
