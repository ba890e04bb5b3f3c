"""Proves that grades and feedback go back in the form that each LMS reads, to the right people, and give nothing away.

A class of three is collected from a folder and graded once, in the real sandbox. For each LMS it is then collected from
what that LMS would have handed out, with the same notebooks in it, and exported.
"""

import copy
import csv
import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from test_collect import PAGE, autograder, contents, write_folder, write_zip

from autograder.checking.topic import load
from autograder.collecting.collect import collect
from autograder.course.folder import Course
from autograder.example.handing_in import solved
from autograder.releasing.release import release_into
from autograder.returning.export import defused

TOPIC = "prediction"
RIGHT, LEAKING, GROUP = "4021", "4022", "4023_4024"
LEAK = '''\
def cross_entropy(logits, targets):
    """Not what was asked, and all that can be learned of the inputs is said aloud."""
    print("LE" + "AKED", logits.flatten()[:3].tolist())
    if targets.dim() == 1:
        raise ValueError("LE" + f"AKED {logits.flatten()[:3].tolist()}")
    return logits.mean()
'''


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Path:
    """The class's course folder, graded, with points and a comment given by hand."""
    course = Course(tmp_path_factory.mktemp("graded") / "course", make=True)
    released = release_into(course, TOPIC)
    files = {f"{student}/{TOPIC}.ipynb": content for student, content in handed_in(released).items()}
    collect(course, TOPIC, write_folder(tmp_path_factory.mktemp("class"), files))
    autograder("grade", TOPIC, "--course", course.folder, code=0)
    with Gradebook(course.database) as gradebook:
        for student in (RIGHT, GROUP):
            for answer in ("lab_answer", "written_answer"):
                grade = gradebook.find_grade(answer, TOPIC, TOPIC, student)
                grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.find_comment("written_answer", TOPIC, TOPIC, RIGHT).manual_comment = "Well argued."
        gradebook.db.commit()
    autograder("feedback", TOPIC, "--course", course.folder, code=0)
    return course.folder


def handed_in(released) -> dict[str, bytes]:
    """The notebooks of the class, by student."""
    right = solved(copy.deepcopy(released))
    leaking = copy.deepcopy(right)
    cell = next(cell for cell in leaking.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == "cross_entropy")
    cell.source = LEAK
    group = copy.deepcopy(right)
    group.cells.append(nbformat.v4.new_markdown_cell("By two of us.", id="two"))
    made = {RIGHT: right, LEAKING: leaking, GROUP: group}
    return {student: nbformat.writes(notebook).encode() for student, notebook in made.items()}


@pytest.fixture
def collected(graded, tmp_path):
    """`collected({name in a zip: student})` is a copy of the course, collected from an LMS that named them so."""

    def make(names: dict[str, str], **more: bytes) -> Course:
        course = Course(shutil.copytree(graded, tmp_path / "course"))
        (course.folder / "roster" / f"{TOPIC}.json").unlink()
        submitted = {name: course.notebook("submitted", TOPIC, key).read_bytes() for name, key in names.items()}
        taken = collect(course, TOPIC, write_zip(tmp_path / "handed out.zip", submitted | more))
        assert not taken.new and not taken.replaced  # the same notebooks, so that the grades stand
        return course

    return make


def exported(course: Course, *options: str | Path, code: int = 0) -> str:
    return autograder("export", TOPIC, "--course", course.folder, *options, code=code)


def table(course: Course, name: str) -> list[dict[str, str]]:
    text = (course.folder / "export" / TOPIC / name).read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def unpacked(course: Course, name: str) -> dict[str, str]:
    with zipfile.ZipFile(course.folder / "export" / TOPIC / name) as archive:
        return {entry: archive.read(entry).decode() for entry in archive.namelist()}


def points(graded: Path) -> dict[str, str]:
    return {score.student: f"{score.final:g}" for score in Course(graded).scores(TOPIC)}


CANVAS = {
    "lovelaceada_4021_90011_prediction.ipynb": RIGHT,
    "=1+1_LATE_4022_90012_Copy of prediction-1.ipynb": LEAKING,
}
MOODLE = {
    "Ada Lovelace_4021_assignsubmission_file_/prediction.ipynb": RIGHT,
    "@SUM(A1)_4022_assignsubmission_file/homework/prediction.ipynb": LEAKING,
}
METADATA = """\
submission_5001:
  :submitters:
  - :name: Ada Lovelace
    :sid: '4021'
    :email: ada@example.edu
submission_5003:
  :submitters:
  - :name: Grace Hopper
    :sid: '4023'
    :email: grace@example.edu
  - :name: Emmy Noether
    :sid: '4024'
    :email: emmy@example.edu
"""
GRADESCOPE = {"submission_5001/prediction.ipynb": RIGHT, "submission_5003/prediction.ipynb": GROUP}


def test_the_grades_are_what_the_gradebook_says(graded):
    scores = {score.student: score for score in Course(graded).scores(TOPIC)}
    most = scores[RIGHT].max_score
    assert scores[RIGHT].final == scores[GROUP].final == most
    assert 0 < scores[LEAKING].final < most


# --- Canvas -------------------------------------------------------------------------------------------------


def test_canvas_takes_grades_back_by_its_own_numbers(collected, graded):
    course = collected(CANVAS)
    exported(course)
    rows = table(course, "canvas.csv")
    assert list(rows[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", TOPIC]
    assert (rows[0]["Student"].strip(), rows[0][TOPIC]) == ("Points Possible", points(graded)[RIGHT])
    assert {row["ID"]: row[TOPIC] for row in rows[1:]} == points(graded)


def canvas_gradebook(path: Path, most: str, delimiter: str = ",") -> Path:
    """A gradebook as Canvas exports it: custom columns, another assignment, read-only totals, a row of marks."""
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Notes", "Prediction (812)", "rnn (813)"]
    rows = [
        [*header, "Current Score"],
        ["", "", "", "", "", "", "Manual Posting", "", ""],
        ["    Points Possible", "", "", "", "", "", most, "8.00", "(read only)"],
        ["Lovelace, Ada", "4021", "u1", "ada", "A; evening", "=cmd", "", "7.5", "81.2"],
        ["=1+1", "4022", "u2", "-2+3", "A", "", "EX", "3", "12"],
        ["Student, Test", "9", "", "x", "A", "", "", "", ""],
    ]
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_canvass_own_gradebook_comes_back_with_this_assignment_and_no_other(collected, graded, tmp_path, delimiter):
    course = collected(CANVAS)
    template = canvas_gradebook(tmp_path / "gradebook.csv", points(graded)[RIGHT], delimiter)
    before = template.read_bytes()
    said = exported(course, "--template", template, code=3)
    rows = table(course, "canvas.csv")
    assert list(rows[0]) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Prediction (812)"]
    grades = {row["ID"]: row["Prediction (812)"] for row in rows if row["ID"]}
    assert grades == {"4021": points(graded)[RIGHT], "4022": "EX", "9": ""}
    assert rows[2]["Section"] == "A; evening" and (rows[3]["Student"], rows[3]["SIS Login ID"]) == ("'=1+1", "'-2+3")
    assert "4022 is excused" in said and f"{GROUP} is graded, and not in the template" in said
    assert template.read_bytes() == before


def test_a_column_that_is_not_plain_has_to_be_named(collected, graded, tmp_path):
    course = collected(CANVAS)
    template = canvas_gradebook(tmp_path / "gradebook.csv", "10")
    template.write_text(template.read_text(encoding="utf-8-sig").replace("rnn (813)", "prediction again (813)"))
    said = exported(course, "--template", template, code=1)
    assert "it is not plain which column is the grade's; give --column one of: Student, ID" in said
    said = exported(course, "--template", template, "--column", "prediction again (813)", code=3)
    assert table(course, "canvas.csv")[2]["prediction again (813)"] == points(graded)[RIGHT]
    assert "is worth 8.00 points, and ours is worth 10: set that in the LMS first" in said
    assert "0 columns are called 'nope'" in exported(course, "--template", template, "--column", "nope", code=1)


def test_canvas_takes_feedback_under_the_names_that_it_gave(collected):
    course = collected(CANVAS)
    exported(course)
    assert set(unpacked(course, "feedback.zip")) == {
        "lovelaceada_4021_90011_prediction.html",
        "=1+1_LATE_4022_90012_Copy of prediction-1.html",
        f"{GROUP}/{TOPIC}.html",  # who was not collected from Canvas
    }


# --- Moodle -------------------------------------------------------------------------------------------------


def test_moodle_takes_grades_and_feedback_back(collected, graded):
    course = collected(MOODLE)
    exported(course)
    rows = {row["Identifier"]: row for row in table(course, "moodle.csv")}
    assert {"Grade", "Last modified (grade)"} < rows["Participant 4021"].keys()  # what the importer insists on
    assert rows["Participant 4021"]["Grade"] == points(graded)[RIGHT]
    assert (
        rows["Participant 4022"]["Full name"] == "'@SUM(A1)"
        and rows["Participant 4022"]["Last modified (grade)"] == "-"
    )
    pages = unpacked(course, "feedback.zip")
    for page in pages:  # as Moodle's importer reads it: name_number_plugintype_plugin[_]/file
        folder, file = page.split("/")
        assert file == "prediction.html"
        if folder != GROUP:
            assert re.fullmatch(r"[^_]+_(4021|4022)_assignsubmission_file_?", folder)
    assert len(pages) == 3


WORKSHEET = """\
Identifier,Full name,Email,Status,Group,Grade,Maximum Grade,Grade can be changed,Last modified (grade),Online text
Participant 4021,Ada Lovelace,ada@example.edu,Submitted,,,{most},Yes,-,"<p>Fine,
it is</p>"
Participant 4022,@SUM(A1),,Submitted,,4.00,{most},Yes,"Friday, 2 October 2026, 10:00 AM",=1+1
Participant 77,Grace_Hopper,,Submitted,Team_7,,{most},Yes,-,
Participant 78,Emmy Noether,,Submitted,Team_7,,{most},Yes,-,
"""


def test_moodles_own_worksheet_comes_back_filled(collected, graded, tmp_path):
    course, template = collected(MOODLE), tmp_path / "worksheet.csv"
    template.write_text(WORKSHEET.format(most="100.00"))
    said = exported(course, "--template", template, code=3)
    rows = {row["Identifier"]: row for row in table(course, "moodle.csv")}
    grades = {key.removeprefix("Participant "): row["Grade"] for key, row in rows.items()}
    assert grades == {"4021": points(graded)[RIGHT], "4022": points(graded)[LEAKING], "77": "", "78": ""}
    assert rows["Participant 4022"]["Last modified (grade)"] == "Friday, 2 October 2026, 10:00 AM"
    assert rows["Participant 4022"]["Online text"] == "'=1+1"
    assert rows["Participant 4021"]["Online text"] == "<p>Fine,\nit is</p>"
    assert "says that the maximum is 100.00 points, and ours is worth 10" in said


def test_each_member_of_a_group_in_moodle_gets_its_grade_and_its_feedback(collected, graded, tmp_path):
    """What Moodle hands out has the group's number; whose it is stands in the worksheet alone."""
    course, template = collected({"Team 7_4021_assignsubmission_file/prediction.ipynb": RIGHT}), tmp_path / "w.csv"
    template.write_text(WORKSHEET.format(most=points(graded)[RIGHT]).replace("Participant 4021", "Participant 79"))
    exported(course, "--template", template, code=3)
    grades = {row["Identifier"].removeprefix("Participant "): row["Grade"] for row in table(course, "moodle.csv")}
    mine = points(graded)
    assert grades == {"79": "", "4022": mine[LEAKING], "77": mine[RIGHT], "78": mine[RIGHT]}
    pages = unpacked(course, "feedback.zip")
    folders = [f"{name}_assignsubmission_file_/prediction.html" for name in ("Grace Hopper_77", "Emmy Noether_78")]
    assert pages[folders[0]] == pages[folders[1]] and "Well argued." in pages[folders[0]]


# --- Gradescope ---------------------------------------------------------------------------------------------


def test_gradescope_gets_a_result_for_each_submission_and_a_group_for_each_member(collected, graded):
    course = collected(GRADESCOPE, **{"submission_metadata.yml": METADATA.encode()})
    exported(course)
    results = {name: json.loads(text) for name, text in unpacked(course, "gradescope.zip").items() if "json" in name}
    assert set(results) == {"submission_5001/results.json", "submission_5003/results.json"}
    result = results["submission_5001/results.json"]
    assert result["score"] == sum(test["score"] for test in result["tests"]) == float(points(graded)[RIGHT])
    assert {test["name"] for test in result["tests"]} == {*load(TOPIC).exercises, "lab_answer", "written_answer"}
    assert all(test["score"] <= test["max_score"] for test in result["tests"])
    assert "Well argued." in [test["output"] for test in result["tests"]]
    grades = {row["student"]: (row["name"], row["email"], row["score"]) for row in table(course, "grades.csv")}
    score = points(graded)[GROUP]
    assert grades["4023"] == ("Grace Hopper", "grace@example.edu", score)
    assert grades["4024"] == ("Emmy Noether", "emmy@example.edu", score)


def test_gradescopes_autograder_hands_each_submission_its_result(collected, tmp_path):
    """The program in the zip is run as Gradescope runs it, with its folder elsewhere."""
    course = collected(GRADESCOPE, **{"submission_metadata.yml": METADATA.encode()})
    exported(course)
    source = tmp_path / "autograder" / "source"
    with zipfile.ZipFile(course.folder / "export" / TOPIC / "gradescope.zip") as archive:
        archive.extractall(source)
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    (source.parent / "results").mkdir()
    program = (source / "run_autograder").read_text().replace("/autograder/", f"{source.parent}/")
    for number, score in ((5003, 10), (6000, 0)):  # the second came in after grading
        (source.parent / "submission_metadata.json").write_text(json.dumps({"id": number}))
        subprocess.run([sys.executable, "-c", program], check=True)
        result = json.loads((source.parent / "results" / "results.json").read_text())
        assert result["score"] == score and ("not graded yet" in result["output"]) == (number == 6000)


# --- What feedback gives away -------------------------------------------------------------------------------


def test_feedback_shows_hints_and_mistakes_and_neither_inputs_nor_answers(collected):
    """The learner's code prints the checks' inputs and raises with them: the journal has them, feedback has not."""
    course = collected(CANVAS)
    exported(course, "--to", "gradescope")
    journal = course.read_journal(TOPIC, LEAKING)
    details = [check for verdict in journal["verdicts"] for check in verdict["checks"] if check["outcome"] != "passed"]
    assert "LEAKED" in json.dumps(journal["outputs"]) + json.dumps(details)
    assert any(check["difference"] for check in details)
    [page] = [text for name, text in unpacked(course, "feedback.zip").items() if LEAKING in name]
    assert "The call ended with ValueError" in page and "cross_entropy: " in page
    roster = json.loads((course.folder / "roster" / f"{TOPIC}.json").read_text())
    for entry in roster.values():
        entry["lms"] = "gradescope"
    (course.folder / "roster" / f"{TOPIC}.json").write_text(json.dumps(roster))
    exported(course)
    outputs = "".join(unpacked(course, "gradescope.zip").values())
    assert "The call ended with ValueError" in outputs
    for text in (page, outputs):
        assert "LEAKED" not in text and "First difference" not in text
        for check in details:
            values = check["difference"] or {"got": "-", "expected": "-"}
            assert not re.search(rf"expected {re.escape(values['expected'])}", text)


# --- For people ---------------------------------------------------------------------------------------------


def test_the_plain_table_has_everybody_and_no_formula(collected, graded):
    course = collected(MOODLE)
    exported(course)
    rows = table(course, "grades.csv")
    assert {row["student"]: row["score"] for row in rows} == points(graded)
    assert "'@SUM(A1)" in [row["name"] for row in rows]
    remarks = {row["student"]: row["remark"] for row in rows}
    assert remarks == {RIGHT: "", GROUP: "", LEAKING: "written answers wait to be graded"}


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("  =1", "'  =1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("＝1+1", "'＝1+1"),
        ("-1.5", "-1.5"),
        ("-", "-"),
        ("O'Neil, J=1", "O'Neil, J=1"),
    ],
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(cell, safe):
    assert defused(cell) == safe


def test_the_penalty_for_late_work_is_taken_off(collected, graded):
    course = collected(CANVAS)
    with Gradebook(course.database) as gradebook:
        gradebook.find_submission_notebook(TOPIC, TOPIC, RIGHT).late_submission_penalty = 2.5
        gradebook.db.commit()
    exported(course)
    assert {row["ID"]: row[TOPIC] for row in table(course, "canvas.csv")}[RIGHT] == "7.5"
    row = next(row for row in table(course, "grades.csv") if row["student"] == RIGHT)
    assert (row["score"], row["late_penalty"]) == ("7.5", "2.5")


def test_what_cannot_go_out_is_told(collected):
    course = collected(CANVAS, **{"eve_4099_90020_link.html": PAGE})
    path = course.notebook("submitted", TOPIC, "new")
    path.parent.mkdir(parents=True)
    path.write_bytes(course.notebook("submitted", TOPIC, RIGHT).read_bytes())
    said = exported(course, code=3)
    assert "needs a person: eve: eve_4099_90020_link.html: a web page, not a notebook" in said
    assert "needs a person: new is not graded" in said
    assert "1 of them with written answers that are not graded yet" in said


def test_exporting_again_gives_the_same_bytes_and_keeps_what_was_edited(collected):
    course = collected(CANVAS)
    exported(course)
    before = contents(course.folder / "export")
    exported(course)
    assert contents(course.folder / "export") == before
    path = course.folder / "export" / TOPIC / "grades.csv"
    path.write_text("edited by hand")
    exported(course)
    assert [older.read_text() for older in (path.parent / "older").iterdir()] == ["edited by hand"]
    assert contents(course.folder / "export").items() > before.items()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"Student;ID\n\xff\xfe", "is no CSV in UTF-8"),
        (b"a,b,c\n1,2,3\n", "is no gradebook of Canvas's"),
    ],
)
def test_a_template_that_is_none_is_refused_and_nothing_is_written(collected, tmp_path, content, words):
    course, template = collected(CANVAS), tmp_path / "template.csv"
    if content is not None:
        template.write_bytes(content)
    assert words in exported(course, "--template", template, code=1)
    assert not (course.folder / "export").exists()


def test_a_template_for_an_lms_that_has_none(collected, tmp_path):
    said = exported(collected(CANVAS), "--to", "gradescope", "--template", tmp_path / "x", code=1)
    assert "--template is for canvas and moodle, not for gradescope" in said


def test_a_gradebook_of_another_course(collected):
    course = collected(CANVAS)
    (course.folder / "gradebook.db").unlink()
    with Gradebook(course.database, "phys101") as gradebook:
        gradebook.add_assignment(TOPIC)
    assert "is the gradebook of another course (phys101)" in exported(course, code=1)
    assert not (course.folder / "export").exists()


def test_nothing_graded_yet(graded, tmp_path):
    course = shutil.copytree(graded, tmp_path / "course")
    shutil.rmtree(course / "autograded")
    assert "nothing is graded yet; run: autograder grade" in autograder("export", TOPIC, "--course", course, code=1)
