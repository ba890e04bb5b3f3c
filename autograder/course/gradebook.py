"""What nbgrader's gradebook holds, as plain data."""

from dataclasses import dataclass, field

from nbgrader.api import Gradebook, SubmittedAssignment


@dataclass
class Score:
    """What the gradebook holds for one submission."""

    student: str
    score: float
    max_score: float
    needs_manual_grade: bool
    exercises: dict[str, tuple[float, float]]  # check's grade id -> (score, maximum)
    penalty: float = 0  # for late work
    comments: dict[str, str] = field(default_factory=dict)  # cell's grade id -> what was written by hand

    @property
    def final(self) -> float:
        """The score that is handed back: after the penalty, and not below zero."""
        return max(0.0, self.score - self.penalty)


def read_scores(database: str, topic: str) -> list[Score]:
    """What any gradebook of nbgrader's holds for a topic, by student."""
    with Gradebook(database, "layer-cake") as gradebook:
        return [_score(submission) for submission in gradebook.assignment_submissions(topic)]


def _score(submission: SubmittedAssignment) -> Score:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return Score(
        submission.student.id,
        submission.score,
        submission.max_score,
        submission.needs_manual_grade,
        {grade.name: (grade.score, grade.max_score) for grade in grades},
        submission.late_submission_penalty or 0,
        {said.name: said.comment for notebook in submission.notebooks for said in notebook.comments if said.comment},
    )
