"""Proves that what an LMS hands out is taken in whole: by whom, which attempt, and why not where it cannot be read.

The sources are built here in the shapes that Canvas, Moodle, Gradescope and Blackboard give, as zips and as folders,
with all that is seen in the wild or that a hostile student could put into one.
"""

import copy
import hashlib
import json
import os
import shutil
import zipfile
from datetime import datetime
from pathlib import Path

import nbformat
import pytest
from test_bad_input import inside
from typer.testing import CliRunner

from autograder.cli import app
from autograder.collecting.archive import CollectError
from autograder.collecting.collect import collect, roster, unreadable
from autograder.collecting.lms import Lms, key_of, student_in
from autograder.course.folder import Course
from autograder.releasing.release import source_path

TOPIC = "prediction"
PAGE = b'<!DOCTYPE html><html><a href="https://colab.research.google.com/drive/1aBcD">Colab</a></html>'


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """A course with the topic's committed notebook as its release, and nothing handed in; no gradebook is needed."""
    course = Course(tmp_path_factory.mktemp("released") / "course", make=True)
    path = course.notebook("release", TOPIC)
    path.parent.mkdir(parents=True)
    shutil.copy(source_path(TOPIC).with_suffix(".ipynb"), path)
    return course.folder


@pytest.fixture
def course(released, tmp_path) -> Course:
    return Course(shutil.copytree(released, tmp_path / "course"))


@pytest.fixture(scope="module")
def notebook(released):
    """`notebook("text")` is the released notebook with one more cell, as a file's bytes."""
    blank = Course(released).released(TOPIC)

    def make(text: str = "") -> bytes:
        mine = copy.deepcopy(blank)
        mine.cells.append(nbformat.v4.new_markdown_cell(text, id="mine"))
        return nbformat.writes(mine).encode()

    return make


def write_zip(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def handed_in(course: Course) -> dict[str, bytes]:
    """What counts, by student."""
    return {key: course.notebook("submitted", TOPIC, key).read_bytes() for key in course.submissions(TOPIC)}


def attempts(course: Course, student: str) -> set[bytes]:
    return {path.read_bytes() for path in (course.folder / "attempts" / TOPIC / student).glob("*.ipynb")}


def reasons(course: Course) -> dict[str, str]:
    return {entry.student: entry.reason for entry in unreadable(course, TOPIC)}


def contents(folder: Path) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def autograder(*words: str | Path, code: int) -> str:
    result = CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)
    assert result.exit_code == code, result.output
    return " ".join(result.output.split())


# --- The shapes ---------------------------------------------------------------------------------------------


def canvas(notebook) -> dict[str, bytes]:
    return {
        "lovelaceada_4021_90011_prediction.ipynb": notebook("ada"),
        "hopper_grace_LATE_4022_90012_Copy of Copy of prediction (1).ipynb": notebook("grace"),
        "李明_4023_90013_prediction-2.ipynb": notebook("the third attempt"),
        "李明_4023_90003_prediction.ipynb": notebook("the first"),
        "李明_4023_90008_prediction-1.ipynb": notebook("the second"),
        "anon_Kx81z_90014_prediction.ipynb": notebook("nobody"),
        "noethe99emmy_4024_90015_prediction.ipynb": notebook("emmy"),
        "noethe99emmy_4024_90016_figure_1_2.png": b"\x89PNG",
    }


def moodle(notebook) -> dict[str, bytes]:
    return {
        "Ada Lovelace_311_assignsubmission_file_/prediction.ipynb": notebook("ada"),  # before Moodle 4.1
        "Grace Hopper_312_assignsubmission_file/homework/Copy of prediction.ipynb": notebook("grace"),
        "Grace Hopper_312_assignsubmission_file/notes.txt": b"see the notebook",
        "محمد الخوارزمي_313_assignsubmission_file_prediction.ipynb": notebook("khwarizmi"),  # flat
        "Team 7_314_assignsubmission_file/prediction.ipynb": notebook("team"),
    }


def gradescope(notebook) -> dict[str, bytes]:
    metadata = """\
submission_5001:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.edu
  :created_at: 2026-10-01 17:30:00.123456000 Z
  :score: 0.0
submission_5002:
  :submitters:
  - :name: Grace Hopper
    :sid: '1906'
    :email: grace@example.edu
  - :name: Emmy Noether
    :sid:
    :email: emmy@example.edu
  :created_at: !ruby/object:ActiveSupport::TimeWithZone
    utc: 2026-10-01 16:00:00.000000000 Z
    zone: !ruby/object:ActiveSupport::TimeZone
      name: Etc/UTC
"""
    root = "assignment_77_export"
    return {
        f"{root}/submission_metadata.yml": metadata.encode(),
        f"{root}/submission_5001/prediction.ipynb": notebook("ada"),
        f"{root}/submission_5002/Copy of prediction.ipynb": notebook("a group"),
    }


def blackboard(notebook) -> dict[str, bytes]:
    said = "Name: Ada Lovelace (ada_l)\r\nAssignment: Home_work 1\r\nDate Submitted: Thursday, 1 October 2026\r\n"
    return {
        "Home_work 1_ada_l_attempt_2026-10-01-17-30-00.txt": said.encode("utf-8-sig"),
        "Home_work 1_ada_l_attempt_2026-10-01-17-30-00_prediction.ipynb": notebook("ada"),
        "Home_work 1_ada_l_attempt_2026-09-30-08-00-00_prediction.ipynb": notebook("ada, before"),
        "Home_work 1_bob_l_attempt_2026-10-01-12-00-00_prediction.ipynb": notebook("bob"),
    }


def folder(notebook) -> dict[str, bytes]:
    return {
        "class/ada.ipynb": notebook("ada"),
        "class/prediction_grace (1).ipynb": notebook("grace"),
        "class/Šárka Žižková/anything at all.ipynb": notebook("sarka"),
        "class/emmy/prediction/prediction.ipynb": notebook("emmy"),  # nbgrader's own layout
    }


EXPECTED = {  # what counts, by student
    Lms.canvas: {"4021": "ada", "4022": "grace", "4023": "the third attempt", "anon_Kx81z": "nobody", "4024": "emmy"},
    Lms.moodle: {"311": "ada", "312": "grace", "313": "khwarizmi", "314": "team"},
    Lms.gradescope: {"1815": "ada", "1906_emmy@example.edu": "a group"},
    Lms.blackboard: {"ada_l": "ada", "bob_l": "bob"},
    Lms.folder: {"ada": "ada", "grace": "grace", "Šárka Žižková": "sarka", "emmy": "emmy"},
}
SHAPES = {Lms(make.__name__): make for make in (canvas, moodle, gradescope, blackboard, folder)}


@pytest.mark.parametrize("write", [write_zip, write_folder])
@pytest.mark.parametrize("lms", Lms)
def test_each_lms_is_recognised_and_everybodys_newest_notebook_is_taken_in(course, notebook, tmp_path, lms, write):
    source = write(tmp_path / "handed out", SHAPES[lms](notebook))
    before = contents(tmp_path / "handed out") if source.is_dir() else source.read_bytes()
    taken = collect(course, TOPIC, source)
    assert taken.lms is lms and not taken.set_aside
    assert handed_in(course) == {key: notebook(text) for key, text in EXPECTED[lms].items()}
    assert before == (contents(source) if source.is_dir() else source.read_bytes())


@pytest.mark.parametrize("lms", Lms)
def test_collecting_twice_changes_nothing(course, notebook, tmp_path, lms):
    source = write_zip(tmp_path / "source.zip", SHAPES[lms](notebook) | {"odd.bin": b"?"})
    collect(course, TOPIC, source, lms)
    before = contents(course.folder)
    again = collect(course, TOPIC, source, lms)
    assert contents(course.folder) == before
    assert not (again.new or again.replaced or again.older)
    assert set(again.unchanged) == set(EXPECTED[lms])


def test_the_late_are_named_and_the_other_attempts_are_kept(course, notebook, tmp_path):
    taken = collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", canvas(notebook)))
    assert taken.late == ["4022"]
    assert attempts(course, "4023") == {notebook("the first"), notebook("the second")}
    assert roster(course, TOPIC)["4023"].name == "李明"
    assert roster(course, TOPIC)["4023"].newest.label == "李明_4023_90013_prediction-2.ipynb"


def test_a_group_is_one_submission_that_knows_its_members(course, notebook, tmp_path):
    collect(course, TOPIC, write_zip(tmp_path / "export.zip", gradescope(notebook)))
    group = roster(course, TOPIC)["1906_emmy@example.edu"]
    assert [(member.name, member.id) for member in group.members] == [
        ("Grace Hopper", "1906"),
        ("Emmy Noether", "emmy@example.edu"),
    ]
    assert group.newest.label == "submission_5002"


def test_when_it_came_in_is_told_to_nbgrader(course, notebook, tmp_path):
    collect(course, TOPIC, write_zip(tmp_path / "export.zip", gradescope(notebook)))
    stamps = {
        key: course.notebook("submitted", TOPIC, key).with_name("timestamp.txt").read_text()
        for key in EXPECTED["gradescope"]
    }
    assert stamps == {"1815": "2026-10-01 17:30:00 UTC\n", "1906_emmy@example.edu": "2026-10-01 16:00:00 UTC\n"}


def test_blackboards_time_is_that_of_the_school(course, notebook, tmp_path):
    collect(course, TOPIC, write_zip(tmp_path / "gradebook.zip", blackboard(notebook)))
    stamp = course.notebook("submitted", TOPIC, "ada_l").with_name("timestamp.txt").read_text()
    there = datetime.strptime(stamp.strip().replace("UTC", "+0000"), "%Y-%m-%d %H:%M:%S %z")
    assert there == datetime(2026, 10, 1, 17, 30).astimezone()
    assert attempts(course, "ada_l") == {notebook("ada, before")}
    assert roster(course, TOPIC)["ada_l"].name == "Ada Lovelace"


# --- Attempts -----------------------------------------------------------------------------------------------


def test_a_newer_attempt_replaces_the_older_in_whichever_order_they_are_collected(course, notebook, tmp_path):
    monday = write_zip(tmp_path / "monday.zip", {"ada_1_50_prediction.ipynb": notebook("monday")})
    friday = write_zip(tmp_path / "friday.zip", {"ada_1_70_prediction-1.ipynb": notebook("friday")})
    assert collect(course, TOPIC, monday).new == ["1"]
    assert collect(course, TOPIC, friday).replaced == ["1"]
    assert handed_in(course) == {"1": notebook("friday")}
    assert collect(course, TOPIC, monday).unchanged == ["1"]
    assert handed_in(course) == {"1": notebook("friday")} and attempts(course, "1") == {notebook("monday")}
    wednesday = write_zip(tmp_path / "wednesday.zip", {"ada_1_60_prediction.ipynb": notebook("wednesday")})
    assert collect(course, TOPIC, wednesday).older == ["1"]
    assert handed_in(course) == {"1": notebook("friday")}
    assert attempts(course, "1") == {notebook("monday"), notebook("wednesday")}


def test_handing_in_the_first_version_again_counts_where_the_lms_numbers_attempts(course, notebook, tmp_path):
    for number, text in ((50, "a"), (60, "b"), (70, "a")):
        collect(course, TOPIC, write_zip(tmp_path / "one.zip", {f"ada_1_{number}_prediction.ipynb": notebook(text)}))
    assert handed_in(course) == {"1": notebook("a")}


def test_a_copy_of_a_known_folder_with_new_dates_brings_no_old_attempt_back(course, notebook, tmp_path):
    files = {"class/ada.ipynb": notebook("old"), "class/bob.ipynb": notebook("bob")}
    old = write_folder(tmp_path / "old", files)
    os.utime(old / "class" / "ada.ipynb", (1_000, 1_000))
    collect(course, TOPIC, old)
    collect(course, TOPIC, write_folder(tmp_path / "new", files | {"class/ada.ipynb": notebook("new")}))
    os.utime(old / "class" / "ada.ipynb")
    assert "ada" in collect(course, TOPIC, old).unchanged
    assert handed_in(course)["ada"] == notebook("new")


def test_a_file_that_the_instructor_put_there_is_kept_when_a_newer_one_comes(course, notebook, tmp_path):
    path = course.notebook("submitted", TOPIC, "1")
    write_folder(path.parent, {path.name: notebook("by hand"), "timestamp.txt": b"2026-09-30 12:00:00 UTC\n"})
    taken = collect(course, TOPIC, write_zip(tmp_path / "one.zip", {"ada_1_50_prediction.ipynb": notebook("new")}))
    assert taken.replaced == ["1"] and handed_in(course) == {"1": notebook("new")}
    assert attempts(course, "1") == {notebook("by hand")}
    assert not path.with_name("timestamp.txt").exists()
    kept = list((course.folder / "attempts" / TOPIC / "1").glob("*.timestamp.txt"))
    assert [path.read_text() for path in kept] == ["2026-09-30 12:00:00 UTC\n"]


def test_a_run_that_was_killed_before_its_lists_were_written_is_made_up_for(course, notebook, tmp_path):
    source = write_zip(tmp_path / "submissions.zip", canvas(notebook))
    collect(course, TOPIC, source)
    whole = contents(course.folder)
    (course.folder / "roster" / f"{TOPIC}.json").unlink()
    collect(course, TOPIC, source)
    assert contents(course.folder) == whole


# --- What cannot be read ------------------------------------------------------------------------------------


def damaged(content: bytes) -> bytes:
    """A notebook cut off in the middle."""
    return content[: len(content) // 2]


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("prediction.ipynb", lambda nb: damaged(nb("x")), "not a notebook: not JSON"),
        ("prediction.ipynb", lambda nb: b"", "the file is empty"),
        ("prediction.ipynb", lambda nb: PAGE, "a web page, not a notebook; it leads to Colab: ask for the file"),
        ("prediction.ipynb.html", lambda nb: PAGE, "a web page, not a notebook; it leads to Colab"),
        ("prediction.html", lambda nb: PAGE, "a web page, not a notebook; it leads to Colab"),
        ("prediction.ipynb", lambda nb: "é".encode("latin-1"), "the file is not UTF-8"),
        ("prediction.pdf", lambda nb: b"%PDF-1.7\xff", "not UTF-8"),
        ("prediction.ipynb", lambda nb: b'{"cells": [], "nbformat": 4}', "not the one of prediction"),
        ("rnn.ipynb", lambda nb: nb("x").replace(b"checks.prediction", b"checks.rnn"), "not the one of prediction"),
    ],
)
def test_what_is_no_notebook_of_the_topic_is_set_aside_with_its_reason(course, notebook, tmp_path, name, make, reason):
    content = make(notebook)
    files = {f"ada_1_50_{name}": content, "bob_2_51_prediction.ipynb": notebook("bob")}
    taken = collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files))
    assert list(handed_in(course)) == ["2"]
    assert [entry.student for entry in taken.set_aside] == ["1"] and reason in reasons(course)["1"]
    copies = list((course.folder / "unreadable" / TOPIC / "1").iterdir())
    assert [path.read_bytes() for path in copies] == [content]


def test_a_link_in_place_of_a_file_is_set_aside(course, notebook, tmp_path):
    files = {"ada_1_link.html": PAGE, "bob_2_51_prediction.ipynb": notebook("bob"), "eve_3_text.html": b"<html>Here!"}
    collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files))
    assert "it leads to Colab" in reasons(course)["1"] and reasons(course)["3"] == "a web page, not a notebook"


def test_of_two_notebooks_a_person_chooses_unless_they_say_the_same(course, notebook, tmp_path):
    files = {
        "A_1_assignsubmission_file_/prediction.ipynb": notebook("one"),
        "A_1_assignsubmission_file_/final.ipynb": notebook("two"),
        "B_2_assignsubmission_file_/prediction.ipynb": notebook("same"),
        "B_2_assignsubmission_file_/copy.ipynb": notebook("same"),
        "C_3_assignsubmission_file_/prediction.ipynb": notebook("three"),
        "C_3_assignsubmission_file_/rnn.ipynb": notebook("x").replace(b"checks.prediction", b"checks.rnn"),
    }
    collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files))
    assert handed_in(course) == {"2": notebook("same"), "3": notebook("three")}
    assert "two notebooks of prediction" in reasons(course)["1"]
    kept = (course.folder / "unreadable" / TOPIC / "1").iterdir()
    assert {path.read_bytes() for path in kept} == {notebook("one"), notebook("two")}


def test_the_name_of_the_file_does_not_matter_nor_lost_metadata(course, notebook, tmp_path):
    bare = json.loads(notebook("bare"))
    for cell in bare["cells"]:
        cell["metadata"] = {}
        cell.pop("id", None)
    bare["cells"] = [cell for cell in bare["cells"] if "autograder.checks" not in "".join(cell["source"])]
    files = {"ada_1_5_Untitled12.ipynb": json.dumps(bare).encode(), "bob_2_6_prediction.ipynb.txt": notebook("bob")}
    assert not collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files)).set_aside
    assert list(handed_in(course)) == ["1", "2"]


def test_a_readable_attempt_settles_what_was_set_aside_before(course, notebook, tmp_path):
    bad = write_zip(tmp_path / "bad.zip", {"ada_1_50_prediction.ipynb": PAGE})
    good = write_zip(tmp_path / "good.zip", {"ada_1_60_prediction.ipynb": notebook("good")})
    collect(course, TOPIC, bad)
    collect(course, TOPIC, good)
    assert unreadable(course, TOPIC) == [] and handed_in(course) == {"1": notebook("good")}
    kept = list((course.folder / "attempts" / TOPIC / "1").glob("unreadable-*"))
    assert [path.read_bytes() for path in kept] == [PAGE]
    collect(course, TOPIC, bad)
    assert unreadable(course, TOPIC) == []


def test_an_unreadable_resubmission_leaves_the_one_before_it_in_place(course, notebook, tmp_path):
    collect(course, TOPIC, write_zip(tmp_path / "1.zip", {"ada_1_50_prediction.ipynb": notebook("good")}))
    collect(course, TOPIC, write_zip(tmp_path / "2.zip", {"ada_1_60_prediction-1.ipynb": PAGE}))
    assert handed_in(course) == {"1": notebook("good")} and list(reasons(course)) == ["1"]


def test_what_says_nothing_of_a_student_is_set_aside_too(course, notebook, tmp_path):
    files = canvas(notebook) | {"readme.ipynb": notebook("whose?")}
    said = autograder("collect", write_zip(tmp_path / "s.zip", files), TOPIC, "--course", course.folder, code=3)
    assert "from canvas: 5 new; 0 replaced by a newer attempt; 2 older attempts kept" in said
    assert "late by the LMS's mark: 4022" in said
    assert "needs a person: nobody known: readme.ipynb: its name is none of Canvas's" in said
    assert (course.folder / "unreadable" / TOPIC / "nobody" / "readme.ipynb").read_bytes() == notebook("whose?")


# --- What is hostile ----------------------------------------------------------------------------------------


class RawName(zipfile.ZipInfo):
    """An entry whose name is written as these bytes, without the flag for UTF-8."""

    raw = b""

    def _encodeFilenameFlags(self):
        return self.raw, self.flag_bits & ~0x800


def test_names_whose_bytes_are_no_utf8_are_taken_by_the_number_in_them(course, notebook, tmp_path):
    path = tmp_path / "submissions.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, raw in enumerate(
            ("müller_1_50_prediction.ipynb".encode("latin-1"), "žižek_2_51_prediction.ipynb".encode())
        ):
            entry = RawName(str(name))
            entry.raw = raw
            archive.writestr(entry, notebook(""))
    assert not collect(course, TOPIC, path).set_aside
    assert list(handed_in(course)) == ["1", "2"]
    assert roster(course, TOPIC)["2"].name == "žižek"


def test_names_on_disk_whose_bytes_are_no_utf8_stay_two(course, notebook, tmp_path):
    source = os.fsencode(tmp_path / "class")
    for name in (b"m\xfcller", b"m\xf6ller"):
        os.makedirs(os.path.join(source, name))
        Path(os.fsdecode(os.path.join(source, name, b"prediction.ipynb"))).write_bytes(notebook(name.decode("latin-1")))
    collect(course, TOPIC, tmp_path / "class")
    assert handed_in(course) == {"müller": notebook("müller"), "möller": notebook("möller")}


@pytest.mark.parametrize(
    "name", ["../../../prediction.ipynb", "/etc/cron.d/prediction.ipynb", r"..\..\prediction.ipynb"]
)
def test_a_path_that_leads_out_is_told_and_writes_nothing_outside(course, notebook, tmp_path, name):
    files = {name: notebook("out"), "Ada_1_assignsubmission_file_/prediction.ipynb": notebook("ada")}
    outside = contents(tmp_path)
    collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files))
    assert handed_in(course) == {"1": notebook("ada")}
    assert len(unreadable(course, TOPIC)) == 1
    new = contents(tmp_path).keys() - outside.keys() - {"submissions.zip"}
    assert all(path.startswith("course/") for path in new) and new


def test_a_climbing_path_with_a_students_number_is_not_that_students(course, notebook, tmp_path):
    files = {
        "../Ada_1_assignsubmission_file_/prediction.ipynb": notebook("forged"),
        "Bob_2_assignsubmission_file_/prediction.ipynb": notebook("bob"),
    }
    collect(course, TOPIC, write_zip(tmp_path / "submissions.zip", files))
    assert handed_in(course) == {"2": notebook("bob")} and reasons(course)["1"] == "its path leads out of the zip"


def test_symbolic_links_are_not_followed(course, notebook, tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_bytes(notebook("secret"))
    source = write_folder(tmp_path / "class", {"bob/prediction.ipynb": notebook("bob")})
    (source / "eve").mkdir()
    (source / "eve" / "prediction.ipynb").symlink_to(secret)
    write_folder(tmp_path / "elsewhere", {"prediction.ipynb": notebook("secret")})
    (source / "mallory.ipynb").symlink_to(tmp_path / "elsewhere")
    collect(course, TOPIC, source)
    assert handed_in(course) == {"bob": notebook("bob")}
    assert {key: "a link to another file" in reason for key, reason in reasons(course).items()} == {
        "eve": True,
        "mallory": True,
    }
    assert not any(path.read_bytes() == notebook("secret") for path in course.folder.rglob("*.ipynb"))


def test_a_symbolic_link_in_a_zip_is_no_file(course, notebook, tmp_path):
    path = tmp_path / "submissions.zip"
    write_zip(path, {"bob_2_51_prediction.ipynb": notebook("bob")})
    with zipfile.ZipFile(path, "a") as archive:
        link = zipfile.ZipInfo("eve_3_52_prediction.ipynb")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "../../../gradebook.db")
    collect(course, TOPIC, path)
    assert reasons(course) == {"3": "a link to another file, not the file"}


def test_a_zip_bomb_is_not_unpacked(course, notebook, tmp_path):
    files = {"bob_2_51_prediction.ipynb": notebook("bob"), "eve_3_52_prediction.ipynb": b" " * 101_000_000}
    path = write_zip(tmp_path / "submissions.zip", files)
    assert path.stat().st_size < 1_000_000
    collect(course, TOPIC, path)
    assert list(handed_in(course)) == ["2"] and reasons(course) == {"3": "larger than 100 MB"}
    assert "still where it came from" in unreadable(course, TOPIC)[0].words
    lying = path.read_bytes().replace((101_000_000).to_bytes(4, "little"), (2_000).to_bytes(4, "little"))
    path.write_bytes(lying)  # says that it is small
    collect(course, TOPIC, path)
    assert list(handed_in(course)) == ["2"] and "damaged in the zip" in reasons(course)["3"]


def test_a_password_and_damage_cost_only_the_file_that_has_them(course, notebook, tmp_path):
    path = tmp_path / "submissions.zip"
    names = [f"{name}_{number}_5{number}_prediction.ipynb" for number, name in enumerate(("ada", "bob", "eve"), 1)]
    with zipfile.ZipFile(path, "w") as archive:  # stored, so that a byte can be changed
        for name in names:
            archive.writestr(name, notebook(name))
    content = bytearray(path.read_bytes())
    entry = content.index(b"PK\x01\x02")  # bob's, the second of the central directory
    entry = content.index(b"PK\x01\x02", entry + 4)
    content[entry + 8] |= 1
    content[content.index(names[2].encode()) + 500] ^= 0xFF
    path.write_bytes(content)
    collect(course, TOPIC, path)
    assert list(handed_in(course)) == ["1"]
    assert reasons(course)["2"] == "locked with a password" and "damaged in the zip" in reasons(course)["3"]


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>", "a*b", "..", "x" * 300, "a/../b", "tab\there", "+1", "\u202egnp"]
)
def test_any_name_becomes_one_that_nbgrader_and_the_disk_take(name):
    key = key_of(name)
    assert not set(key) & set('*?[]<>"&`\\/+') and key.isprintable() and 0 < len(key.encode()) <= 100
    assert key[0] not in "." and key == key_of(name) != key_of(name + "!")


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("ada.ipynb", "ada"),
        ("Copy of Copy of prediction (1).ipynb", ""),
        ("prediction.ipynb", ""),
        ("Copy of prediction-ada_l (2).ipynb", "ada_l"),
        ("Ada Lovelace_prediction.ipynb.txt", "Ada Lovelace"),
        ("Prediction.ipynb", ""),
        ("predictionist.ipynb", "predictionist"),
    ],
)
def test_a_file_name_names_a_student_or_nobody(name, student):
    assert student_in(name, TOPIC) == student


# --- The commands -------------------------------------------------------------------------------------------


def test_the_report_lists_what_was_set_aside(course, notebook, tmp_path):
    """The topic has no gradebook entry of a student yet; the report is asked for its list, not for a page."""
    from autograder.returning.report import summarise

    name = "<b>eve</b>"
    files = {
        f"{name}_3_assignsubmission_file_/prediction.ipynb": PAGE,
        "B_2_assignsubmission_file_/p.ipynb": notebook(),
    }
    collect(course, TOPIC, write_folder(tmp_path / "s", {key.replace("</", "<"): text for key, text in files.items()}))
    [(who, words)] = summarise(course, TOPIC).to_look_at
    assert "eve" in who and "a web page, not a notebook" in words and f"it lies in unreadable/{TOPIC}/3" in words


@pytest.mark.parametrize(
    ("files", "options", "words"),
    [
        (None, (), "is not there"),
        (b"PK\x03\x04 no more", (), "neither a folder nor a zip"),
        (b"<html>Sign in</html>", (), "neither a folder nor a zip"),
        ({}, (), "it is empty"),
        ({"a.txt": b"", "b.txt": b""}, (), "no file is named as in a folder of notebooks"),
        ({"ada.ipynb": b"{}"}, ("--from", "canvas"), "no file is named as Canvas names them"),
        ({"ada.ipynb": b"{}"}, ("--from", "moodle"), "no file is named as Moodle names them"),
        ({"ada.ipynb": b"{}"}, ("--from", "gradescope"), "there is no submission_metadata.yml"),
        ({"submission_metadata.yml": b"{[}"}, (), "submission_metadata.yml cannot be read"),
        ({"submission_metadata.yml": b"- 1"}, (), "does not say whose submission is whose"),
    ],
)
def test_a_source_that_holds_nothing_is_refused_in_words(course, tmp_path, files, options, words):
    source, before = tmp_path / "source", contents(course.folder)
    if isinstance(files, bytes):
        source.write_bytes(files)
    elif files is not None:
        write_zip(source, files)
    said = autograder("collect", source, TOPIC, "--course", course.folder, *options, code=1)
    assert words in said and "Traceback" not in said
    assert contents(course.folder) == before


def test_a_topic_that_is_not_there_or_not_released(course, tmp_path):
    write_folder(tmp_path / "s", {"ada.ipynb": b"{}"})
    assert "there is no topic" in autograder("collect", tmp_path / "s", "nope", "--course", course.folder, code=1)
    said = autograder("collect", tmp_path / "s", "rnn", "--course", course.folder, code=1)
    assert "rnn is not released here; run: autograder release rnn" in said


@pytest.mark.parametrize("place", ["submitted", ".", ".."])
def test_the_courses_own_folder_is_no_source(course, notebook, place):
    write_folder(course.folder, {f"submitted/ada/{TOPIC}/{TOPIC}.ipynb": notebook("ada")})
    with pytest.raises(CollectError, match="holds what was collected already"):
        collect(course, TOPIC, course.folder / place)


def test_the_same_number_from_another_lms_is_somebody_else(course, notebook, tmp_path):
    collect(course, TOPIC, write_zip(tmp_path / "1.zip", {"ada_1_50_prediction.ipynb": notebook("ada")}))
    other = write_zip(tmp_path / "2.zip", {"Bob_1_assignsubmission_file_/prediction.ipynb": notebook("bob")})
    with pytest.raises(CollectError, match="1 is ada's, collected from canvas"):
        collect(course, TOPIC, other)
    assert handed_in(course) == {"1": notebook("ada")}


def test_a_full_disk_loses_nothing_and_the_next_run_goes_on(course, notebook, tmp_path):
    """The disk is filled before collecting; then there is room, and the same command ends what it began."""
    source, small = write_zip(tmp_path / "submissions.zip", canvas(notebook)), tmp_path / "small"
    small.mkdir()
    words = f"$autograder collect {source} {TOPIC} --course {small}/course"
    script = f"""
        cp -r {course.folder} {small}
        head -c 100000000 /dev/zero > {small}/filler 2> /dev/null
        {words}; echo "code $?"
        rm {small}/filler
        {words}; echo "code $?"
        cp -r {small}/course {tmp_path}/afterwards
    """
    done = inside("--size", 2_000_000, "--tmpfs", small, script=script)
    assert [line for line in done.stdout.splitlines() if line.startswith("code")] == ["code 1", "code 0"], done.stderr
    assert "No space left on device" in done.stderr and "Traceback" not in done.stderr
    afterwards = Course(tmp_path / "afterwards")
    assert handed_in(afterwards) == {key: notebook(text) for key, text in EXPECTED[Lms.canvas].items()}
    assert not list(afterwards.folder.rglob(".writing.*"))


def test_a_damaged_roster_is_not_written_over(course, notebook, tmp_path):
    source = write_zip(tmp_path / "1.zip", {"ada_1_50_prediction.ipynb": notebook("ada")})
    write_folder(course.folder, {f"roster/{TOPIC}.json": b'{"1": {"name"'})
    assert "is damaged" in autograder("collect", source, TOPIC, "--course", course.folder, code=1)
    assert (course.folder / "roster" / f"{TOPIC}.json").read_bytes() == b'{"1": {"name"'
