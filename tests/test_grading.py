"""Proves the way from a released notebook to a graded class, with nbgrader's real gradebook and a real sandbox.

The example class is graded once for the whole file, through the command line; each student's points are written
beside the submission in `autograder/example/classes.py`.
"""

import hashlib
import json
import re
import subprocess
import sys
from functools import partialmethod
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from autograder.checking.display import as_html, as_text
from autograder.checking.judge import judge, observe_all
from autograder.checking.topic import ROOT, load, topics
from autograder.cli import app
from autograder.course.files import CourseError
from autograder.course.folder import Course
from autograder.example.classes import CLASSES
from autograder.grading.grade import Grading
from autograder.releasing.release import release_into
from autograder.sandbox.limits import Limits

pytestmark = pytest.mark.usefixtures("kept_sandboxes")
CLASS = {student.name: student for student in CLASSES["attention"]}
PICTURE = nbformat.v4.new_output(
    "display_data", data={"image/png": "iVBORw0KGgo=", "text/html": "<script>alert(1)</script>"}
)


def command(*words: str, code: int = 0):
    """Run `autograder` and expect an exit code; returns what it said."""
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return " ".join(result.output.replace("│", " ").split())  # a table breaks its lines anywhere


@pytest.fixture(scope="module", autouse=True)
def impatience():
    """A loop without end is ended after 3 seconds here, and not after 20."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Grading, "__init__", partialmethod(Grading.__init__, limits=Limits(cell_seconds=3)))
        yield


@pytest.fixture(scope="module")
def course(impatience, kept_sandboxes, tmp_path_factory):
    """A course in which the example class has been graded, beside one file that is no notebook."""
    folder = tmp_path_factory.mktemp("course")
    course = Course(folder, make=True)
    build_release(course)
    command("example", "attention", "--course", str(folder))
    page = course.notebook("submitted", "attention", "zeno")
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html><title>Sign in</title>")
    show_a_lab(course, "ada")
    course.before = contents(folder / "submitted")
    course.said = command("grade", "attention", "--course", str(folder), code=3)
    return course


def build_release(course: Course, topic: str = "attention") -> None:
    """Release into the course, without touching the committed notebook."""
    release_into(course, topic)


def show_a_lab(course: Course, student: str) -> None:
    """Give a submission's lab cell a picture, with a script beside it."""
    path = course.notebook("submitted", "attention", student)
    notebook = nbformat.read(path, as_version=4)
    lab = next(cell for cell in notebook.cells if "lab" in cell.metadata.get("tags", []) and cell.cell_type == "code")
    lab.outputs = [PICTURE]
    path.write_text(nbformat.writes(notebook), encoding="utf-8")


def contents(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def scores(course: Course) -> dict[str, float]:
    return {score.student: score.score for score in course.scores("attention")}


@pytest.mark.parametrize("name", CLASS)
def test_each_submission_gets_the_points_written_beside_it(course, name):
    assert scores(course)[name] == CLASS[name].points, CLASS[name].story


@pytest.mark.parametrize("topic", sorted(set(topics()) - {"attention"}))
def test_the_class_of_every_other_topic_gets_its_points_and_its_mistakes_named(topic, tmp_path):
    course = Course(tmp_path / "course", make=True)
    build_release(course, topic)
    command("example", topic, "--course", str(course.folder))
    said = command("grade", topic, "--course", str(course.folder), "--workers", "1")
    given = {score.student: score.score for score in course.scores(topic)}
    assert given == {student.name: student.points for student in CLASSES[topic]}
    mistaken = [student for student in CLASSES[topic] if student.story.startswith("mistake")]
    remarks = re.findall(rf"({'|'.join(load(topic).exercises)}): \w", said)
    assert len(mistaken) >= 3 and len(remarks) >= len(mistaken)


def test_each_known_mistake_is_named_in_the_table(course):
    for words in ("weights over the batch", "divides by d", "lines up with the first key", "does not transpose back"):
        assert words in course.said


def test_what_cannot_be_read_is_told_and_stops_nothing(course):
    assert "needs a person: a web page, not a notebook" in course.said
    assert "zeno" not in scores(course)
    assert "a web page" in command("report", "attention", "--course", str(course.folder), code=3)


def test_submissions_are_as_they_came(course):
    assert contents(course.folder / "submitted") == course.before


def test_a_second_run_grades_nothing_again(course):
    before = contents(course.folder / "autograded")
    said = command("grade", "attention", "--course", str(course.folder), code=3)
    assert "0 graded now" in said
    assert contents(course.folder / "autograded") == before


def test_a_run_that_was_killed_is_taken_up_where_it_stopped(course):
    """A verdict without its record, as a kill leaves it, is recorded in the next run; the others are left alone."""
    entry = course.journal("attention", "emmy")
    before = scores(course)
    record = json.loads(entry.read_text()) | {"recorded": False}
    entry.write_text(json.dumps(record))
    with Gradebook(course.database) as gradebook:
        gradebook.remove_submission("attention", "emmy")
    assert "1 graded now" in command("grade", "attention", "--course", str(course.folder), code=3)
    assert scores(course) == before


def test_a_new_submission_is_graded_anew_and_alone(course):
    path = course.notebook("submitted", "attention", "blaise")
    old = path.read_bytes()
    path.write_bytes(course.notebook("submitted", "attention", "ada").read_bytes())
    try:
        assert "1 graded now" in command("grade", "attention", "--course", str(course.folder), code=3)
        assert scores(course)["blaise"] == 8
    finally:
        path.write_bytes(old)
    command("grade", "attention", "--course", str(course.folder), code=3)
    assert scores(course)["blaise"] == 0


def test_a_submission_that_changes_while_it_is_graded_is_graded_again(course, monkeypatch):
    path = course.notebook("submitted", "attention", "felix")
    old, task = path.read_bytes(), Grading.task
    words = "grade", "attention", "--course", str(course.folder), "--student", "felix"

    def read_and_hand_in_anew(grading, student):
        result = task(grading, student)
        path.write_bytes(course.notebook("submitted", "attention", "ada").read_bytes())
        return result

    try:
        with monkeypatch.context() as patch:
            patch.setattr(Grading, "task", read_and_hand_in_anew)
            command(*words, "--force")
        assert "1 graded now" in command(*words)
        assert scores(course)["felix"] == 8
    finally:
        path.write_bytes(old)
    command(*words)
    assert scores(course)["felix"] == CLASS["felix"].points


def test_a_score_given_by_hand_survives_a_new_grading(course):
    with Gradebook(course.database) as gradebook:
        grade = gradebook.find_grade("written_answer", "attention", "attention", "ada")
        grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    command("grade", "attention", "--course", str(course.folder), "--student", "ada", "--force")
    assert scores(course)["ada"] == 9
    with Gradebook(course.database) as gradebook:
        gradebook.find_grade("written_answer", "attention", "attention", "ada").manual_score = None
        gradebook.db.commit()


def test_any_seed_gives_the_same_points(course):
    for seed in (1, 2, 3):
        grading = Grading(course, "attention", seed)
        for result in grading.grade(["ada", "emmy", "julia"], force=True):
            assert result.earned == CLASS[result.student].points
    Grading(course, "attention", seed=4)


def test_the_seed_is_secret_and_kept(tmp_path, course):
    other = Course(tmp_path, make=True)
    for name in ("release", "gradebook.db"):
        (tmp_path / name).symlink_to(course.folder / name)
    first, second = (Grading(other, "attention").seed for _ in range(2))
    assert first == second
    path = tmp_path / "journal" / "attention" / "seed"
    assert path.read_text().strip() == str(first)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("lost")
    with pytest.raises(CourseError, match="holds no number"):
        Grading(other, "attention")


def test_nbgraders_own_autograde_records_the_same_and_runs_nothing(course):
    before = scores(course)
    words = [sys.executable, "-m", "nbgrader", "autograde", "attention", "--student", "paul", "--force"]
    done = subprocess.run(words, cwd=course.folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert scores(course) == before


def test_nbgrader_refuses_a_submission_without_a_verdict(course):
    path = course.notebook("submitted", "attention", "ungraded")
    path.parent.mkdir(parents=True)
    path.write_bytes(course.notebook("submitted", "attention", "ada").read_bytes())
    try:
        words = [sys.executable, "-m", "nbgrader", "autograde", "attention", "--student", "ungraded"]
        done = subprocess.run(words, cwd=course.folder, capture_output=True, text=True)
        assert done.returncode != 0 and "run: autograder grade attention" in done.stderr
    finally:
        path.unlink()


def test_labs_are_not_run_and_their_pictures_stay_without_scripts(course):
    notebook = nbformat.read(course.notebook("autograded", "attention", "ada"), as_version=4)
    labs = [cell for cell in notebook.cells if "lab" in cell.metadata.get("tags", []) and cell.cell_type == "code"]
    assert labs[0].outputs[0].data == {"image/png": PICTURE.data["image/png"]}
    assert all(not cell.outputs for cell in labs[1:])


def test_feedback_names_the_mistake_and_gives_no_value_away(course):
    command("feedback", "attention", "--course", str(course.folder))
    page = course.notebook("feedback", "attention", "emmy").with_suffix(".html").read_text(encoding="utf-8")
    assert "divides by d" in page and "√d_head" in page
    assert not re.search(r"First difference|, expected [-\d]", page)


def test_feedback_does_not_carry_inputs_out_in_an_exception():
    topic = load("attention")

    def tells(query, key, value):
        raise ValueError(f"secret {query.flatten()[0]:.6f}")

    observations = observe_all(topic, topic.exercises["causal_attention"], tells, seed=1)
    verdict = judge(topic, topic.exercises["causal_attention"], observations, seed=1)
    assert "secret" in as_html(verdict) and "secret" in as_text(verdict)
    assert "secret" not in as_html(verdict, values=False) + as_text(verdict, values=False)
    assert "ValueError" in as_html(verdict, values=False)


def test_the_report_is_one_page_without_outside_hosts_or_scripts(course):
    command("report", "attention", "--course", str(course.folder), code=3)
    page = (course.folder / "report" / "attention.html").read_text(encoding="utf-8")
    assert "divides by d" in page and "By what do you divide the scores" in page and "zeno" in page
    assert not re.search(r"https?://|<script|<link", page)


def test_an_unreadable_resubmission_is_told_and_keeps_what_was_graded(course):
    path = course.notebook("submitted", "attention", "carl")
    old = path.read_bytes()
    path.write_text("<html>")
    try:
        said = command("grade", "attention", "--course", str(course.folder), code=3)
        assert "the gradebook still holds what was graded before" in said
        assert scores(course)["carl"] == CLASS["carl"].points
    finally:
        path.write_bytes(old)
    command("grade", "attention", "--course", str(course.folder), code=3)


def test_a_recording_that_failed_is_tried_again(course, monkeypatch):
    def fail(*_):
        raise CourseError("the gradebook is locked")

    words = "grade", "attention", "--course", str(course.folder)
    with monkeypatch.context() as patch:
        patch.setattr(Course, "record", fail)
        said = command(*words, "--student", "henri", "--force", code=3)
        assert "the gradebook is locked" in said
    assert "1 graded now" in command(*words, "--student", "henri")
    assert scores(course)["henri"] == CLASS["henri"].points


def test_a_damaged_journal_entry_costs_a_new_grading_and_no_more(course):
    course.journal("attention", "ida").write_text("{half a")
    assert "1 graded now" in command("grade", "attention", "--course", str(course.folder), code=3)
    assert scores(course)["ida"] == CLASS["ida"].points


def test_a_submission_that_cannot_be_opened_stops_nothing(course):
    path = course.notebook("submitted", "attention", "xeno")
    path.mkdir(parents=True)  # a folder of that name
    try:
        assert "a folder, not a file" in command("grade", "attention", "--course", str(course.folder), code=3)
    finally:
        path.rmdir()


def test_a_file_in_the_wrong_place_is_pointed_out(course):
    path = course.folder / "submitted" / "yan" / "attention" / "Copy of attention (1).ipynb"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    try:
        said = command("grade", "attention", "--course", str(course.folder), code=3)
        assert "Copy of attention (1).ipynb is not where it is looked for" in said
    finally:
        path.unlink()


def test_checks_with_other_points_than_the_release_are_refused(course, monkeypatch):
    exercise = load("attention").exercises["causal_attention"]
    monkeypatch.setattr(exercise, "checks", exercise.checks[:-1])
    said = command("grade", "attention", "--course", str(course.folder), code=1)
    assert "have changed since the release; run: autograder release attention" in said


def test_a_gradebook_that_is_gone_is_noticed(tmp_path, course):
    other = Course(tmp_path, make=True)
    (tmp_path / "release").symlink_to(course.folder / "release")
    with pytest.raises(CourseError, match="the gradebook is gone; run: autograder release"):
        Grading(other, "attention")
    (tmp_path / "gradebook.db").write_text("no database")
    with pytest.raises(CourseError, match="cannot be read"):
        Grading(other, "attention")


def test_a_course_of_nbgraders_alone_is_refused(tmp_path):
    """There, nbgrader would run the submissions itself, without walls."""
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'phys101'\n")
    with pytest.raises(CourseError, match="without a sandbox"):
        Course(tmp_path, make=True)
    assert "phys101" in (tmp_path / "nbgrader_config.py").read_text()


def test_late_work_pays_the_penalty_of_the_courses_configuration(course):
    settings = course.folder / "nbgrader_config.py"
    stamp = course.notebook("submitted", "attention", "julia").with_name("timestamp.txt")
    before = settings.read_text()
    try:
        with Gradebook(course.database) as gradebook:
            gradebook.update_or_create_assignment("attention", duedate="2026-10-01 18:00 UTC")
        stamp.write_text("2026-10-02 18:00:00 UTC")
        settings.write_text(before + "c.LateSubmissionPlugin.penalty_method = 'zero'\n")
        command("grade", "attention", "--course", str(course.folder), "--student", "julia", "--force")
        with Gradebook(course.database) as gradebook:
            submission = gradebook.find_submission("attention", "julia")
            assert submission.notebooks[0].late_submission_penalty == CLASS["julia"].points
    finally:
        settings.write_text(before)
        stamp.unlink()
    command("grade", "attention", "--course", str(course.folder), "--student", "julia", "--force")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "[red]boss[/red]\x1b[31m", "José 李"])
def test_a_hostile_or_foreign_name_harms_neither_table_nor_report(course, name):
    path = course.notebook("submitted", "attention", name.replace("/", "∕"))
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    try:
        assert "\x1b" not in command("grade", "attention", "--course", str(course.folder), code=3)
        command("report", "attention", "--course", str(course.folder), code=3)
        assert "<script>" not in (course.folder / "report" / "attention.html").read_text(encoding="utf-8")
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["grade", "atention"], 1, "there are: attention"),
        (["release", "nothing"], 1, "there are: attention"),
        (["grade", "attention", "--student", "nobody"], 1, "no submission of nobody"),
        (["grade", "attention", "--sandbox", "paper"], 2, "paper"),
        (["grade"], 2, "Missing argument"),
        (["check", "nothing.ipynb"], 2, "does not exist"),
    ],
)
def test_a_wrong_word_is_answered_with_what_there_is(course, words, code, said):
    where = ["--course", str(course.folder)] if words[0] != "check" and len(words) > 1 else []
    assert said in command(*words, *where, code=code)


@pytest.mark.parametrize("task", ["grade", "feedback", "report", "example"])
def test_an_empty_course_is_answered_with_the_next_step(tmp_path, task):
    assert "run: autograder" in command(task, "attention", "--course", str(tmp_path), code=1)


def test_a_course_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "course").write_text("")
    assert "holds no course" in command("grade", "attention", "--course", str(tmp_path / "course"), code=1)
    assert "choose another --course" in command("release", "attention", "--course", str(tmp_path / "course"), code=1)


def test_no_sandbox_is_said_aloud(course):
    words = ["grade", "attention", "--course", str(course.folder), "--student", "ada", "--force", "--sandbox", "none"]
    assert "Warning: no sandbox" in command(*words)
    assert scores(course)["ada"] == 8


@pytest.mark.parametrize(("name", "code"), [("ada", 0), ("emmy", 1), ("blaise", 1)])
def test_a_learner_can_look_at_a_file(course, name, code):
    said = command("check", str(course.notebook("submitted", "attention", name)), code=code)
    assert f"{CLASS[name].points:g} of 8 points" in said
    if name == "emmy":
        assert "First difference" in said and "divides by d" in said


def test_a_file_that_is_no_exercise_is_refused(tmp_path):
    (tmp_path / "a.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook()))
    assert "is it an exercise notebook?" in command("check", str(tmp_path / "a.ipynb"), code=1)


def test_doctor_finds_what_grading_needs():
    assert "bubblewrap, seen working" in command("doctor")


def test_the_committed_notebook_is_untouched_by_all_this():
    done = subprocess.run(["git", "status", "--porcelain", "exercises"], cwd=ROOT, capture_output=True, text=True)
    assert ".ipynb" not in done.stdout
