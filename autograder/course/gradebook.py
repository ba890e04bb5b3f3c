"""What nbgrader's gradebook holds, as plain data."""

from dataclasses import dataclass, field

from nbgrader.api import Assignment, Comment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy.orm import selectinload, undefer

_NOTEBOOKS = selectinload(SubmittedAssignment.notebooks)
AT_ONCE = (  # in a few questions to the database, not a dozen for each submission
    undefer(SubmittedAssignment.score),
    undefer(SubmittedAssignment.max_score),
    undefer(SubmittedAssignment.needs_manual_grade),
    undefer(SubmittedAssignment.late_submission_penalty),
    _NOTEBOOKS.selectinload(SubmittedNotebook.grades).options(undefer(Grade.max_score), selectinload(Grade.cell)),
    _NOTEBOOKS.selectinload(SubmittedNotebook.comments).selectinload(Comment.cell),
)


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
        submissions = gradebook.db.query(SubmittedAssignment).join(Assignment).filter(Assignment.name == topic)
        return [_score(submission) for submission in submissions.options(*AT_ONCE)]


def _score(submission: SubmittedAssignment) -> Score:
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return Score(
        submission.student_id,
        submission.score,
        submission.max_score,
        submission.needs_manual_grade,
        {grade.name: (grade.score, grade.max_score) for grade in grades},
        submission.late_submission_penalty or 0,
        {said.name: said.comment for notebook in submission.notebooks for said in notebook.comments if said.comment},
    )
