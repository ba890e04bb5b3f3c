"""Proves that the report says why points are missing, who needs a person, and which submissions are unusually alike.

One class is graded for the whole file, in a real sandbox: the example class of attention, some attacks, some mistakes
that have no name, and two people who hand in one work under two names for everything. The likeness of other classes is
measured on what `benchmarks/similarity.py` makes; it prints the whole table.
"""

import contextlib
import copy
import json
import os
import random
import re
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.cli import app
from autograder.course.folder import Course
from autograder.example.classes import make_class
from autograder.example.handing_in import solved
from autograder.grading.grade import Grading
from autograder.grading.reasons import Reason
from autograder.returning.report import Summary, summarise, write_report
from autograder.returning.similarity import (
    MAX_LETTERS,
    Document,
    Group,
    Pair,
    Passage,
    alike,
    document,
    known_work,
    own_work,
)
from autograder.sandbox.limits import Limits
from benchmarks import attacks, similarity

TOPIC = "attention"
LIMITS = Limits(cell_seconds=3, memory=1 << 30)
ATTACKS = ("imports_the_reference", "network", "ends_early", "terminal_escapes")
OWN = {  # what else is handed in: solved, but for one exercise
    "forgets_a_bracket": ("causal_attention", "def causal_attention(query, key, value):\n    return (query"),
    "never_ends": ("sequential_depth", "def sequential_depth(*_):\n    while True:\n        pass"),
    "knows_a_new_mistake": ("sequential_depth", "def sequential_depth(waits_for, length, n_layers):\n    return 41"),
}
STOPPED = tuple(
    f"took too long: stopped after {s:g} seconds" for s in (LIMITS.cell_seconds, LIMITS.patience * LIMITS.cell_seconds)
)
WHY = {  # student -> exercise -> what is said
    "blaise": {"scaled_dot_product": (Reason.MISSING, "left blank")},
    "quinn": {"causal_attention": (Reason.REFERENCE, "is the imported reference")},
    "henri": {"sequential_depth": (Reason.WRONG, "looks like “counts every unit”")},
    "emmy": {"scaled_dot_product": (Reason.WRONG, "looks like “divides by d”")},
    "olga": {"sequential_depth": (Reason.MEMORY, "ended with RuntimeError at `hoard = ")},
    "paul": {"scaled_dot_product": (Reason.RAISED, "ended with AttributeError")},
    "forgets_a_bracket": {"causal_attention": (Reason.FAILED, "not defined: its cell ended with SyntaxError: ")},
    "never_ends": {"sequential_depth": (Reason.TIME, STOPPED)},
    "knows_a_new_mistake": {"sequential_depth": (Reason.WRONG, "wrong in no known way; fails: Recurrent layers wait")},
    "imports_the_reference": {
        "scaled_dot_product": (Reason.RAISED, "ended with ReferenceIsAway at `return ours.scaled_dot_product("),
        "causal_attention": (Reason.REFERENCE, "is the imported reference"),
    },
    "ends_early": {"online_softmax_attention": (Reason.MISSING, "not defined, or the notebook ended before it")},
}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A course with the class described above, graded."""
    course = attacks.make_course(tmp_path_factory.mktemp("course"))
    released = course.released(TOPIC)
    make_class(TOPIC, course)
    for name in ATTACKS:
        attacks.hand_in(name, copy.deepcopy(released), course.notebook("submitted", TOPIC, name))
    for name, (exercise, source) in OWN.items():
        notebook = solved(copy.deepcopy(released))
        next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == exercise).source = source
        put(course, name, nbformat.writes(notebook))
    work = similarity.people(TOPIC)["chiara"]
    put(course, "chiara", nbformat.writes(similarity.hand_in(work, released)))
    put(course, "dario", nbformat.writes(similarity.hand_in(similarity.all_of_it(work, random.Random(0)), released)))
    put(course, "zeno", "<!doctype html><title>Sign in</title>")
    kept = course.folder / "attempts" / TOPIC / "chiara" / "1-older.ipynb"  # an older attempt of the same person
    kept.parent.mkdir(parents=True)
    kept.write_bytes(course.notebook("submitted", TOPIC, "chiara").read_bytes())
    list(Grading(course, TOPIC, limits=LIMITS).grade(course.submissions(TOPIC)))
    return course


def put(course: Course, student: str, content: str) -> None:
    path = course.notebook("submitted", TOPIC, student)
    path.parent.mkdir(parents=True)
    path.write_text(content, encoding="utf-8")


@pytest.fixture(scope="module")
def summary(course) -> Summary:
    return summarise(course, TOPIC)


@pytest.fixture(scope="module")
def page(course, summary) -> str:
    return write_report(course, summary).read_text(encoding="utf-8")


def large(summary: Summary) -> Summary:
    """The same class some fifty times over."""
    students = [
        replace(student, name=f"{student.name} {number}") for number in range(50) for student in summary.students
    ]
    return replace(summary, students=students[:1000])


# --- Reasons --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("student", WHY)
def test_a_missing_point_is_explained(summary, student):
    said = {loss.exercise: loss for row in summary.students if row.name == student for loss in row.losses}
    for exercise, (code, words) in WHY[student].items():
        assert said[exercise].code is code
        assert said[exercise].words.startswith(words), said[exercise].words


def test_every_zero_has_its_reason_on_the_page(course, summary, page):
    rows = {student.name: student for student in summary.students}
    assert set(rows) == set(course.submissions(TOPIC))
    zeros = 0
    for name, row in rows.items():
        entry = course.read_journal(TOPIC, name)
        lost = {verdict["exercise"] for verdict in entry["verdicts"] if not earned(verdict)}
        assert lost == {loss.exercise for loss in row.losses if not loss.earned and loss.words}
        shown = page.split(f'<td class="name"><bdi>{name}</bdi>')[1].split("</tr>")[0]
        assert all(exercise in shown or "every exercise" in shown for exercise in lost)
        zeros += len(lost)
    assert sum(code.zeros for code in summary.codes) == zeros


def earned(verdict: dict) -> float:
    return sum(check["points"] for check in verdict["checks"] if check["outcome"] == "passed")


def test_the_index_counts_submissions_by_code(summary):
    counts = {row.code: (row.zeros, row.submissions) for row in summary.codes}
    assert counts[Reason.REFERENCE] == (3, 2)  # quinn's two, and one of an attack
    assert counts[Reason.UNREADABLE] == (6, 1)


# --- What to teach, and how the class did ---------------------------------------------------------------------


def test_what_cost_most_comes_first_with_its_question(summary, page):
    lost = [lesson.lost for lesson in summary.lessons]
    assert lost == sorted(lost, reverse=True) and lost[0] > lost[-1]
    first = next(lesson for lesson in summary.lessons if lesson.words == "divides by d")
    assert (first.count, first.lost) == (1, 1.75)
    assert page.index("By what do you divide the scores") < page.index("How the class did")


def test_rates_leave_blanks_and_what_cannot_be_read_aside(course, summary):
    row = next(row for row in summary.exercises if row.name == "sequential_depth")
    n = len(course.submissions(TOPIC))
    not_tried = {"blaise", "carl", "imports_the_reference", "network", "ends_early", "terminal_escapes"}
    wrong = {"henri", "olga", "never_ends", "knows_a_new_mistake", "chiara", "dario"}
    assert (row.handed_in, row.tried, row.full) == (n - 1, n - 1 - len(not_tried), n - 1 - len(not_tried | wrong))
    small, *others = [check.passed for check in row.checks]
    assert {small, *others} == {row.full, row.full + 2}  # chiara and dario fail where the network is empty
    assert row.unknown == ["knows_a_new_mistake"]


# --- Needs a person -------------------------------------------------------------------------------------------


def test_what_needs_a_person_is_named(course, summary, page):
    assert [name for name, _ in summary.to_look_at] == ["zeno"]
    assert {row.code: row.students for row in summary.unusual} == {
        Reason.DENIED: ["network"],
        Reason.MEMORY: ["olga"],
    }
    assert summary.waiting_for_hand == sum(score.needs_manual_grade for score in course.scores(TOPIC)) > 0
    assert (
        f"{summary.waiting_for_hand} submissions wait" in page and f"cd {course.folder} &amp;&amp; jupyter lab" in page
    )


def test_the_command_names_them_too(course):
    done = CliRunner().invoke(app, ["report", TOPIC, "--course", str(course.folder)])
    assert done.exit_code == 3 and "\x1b" not in done.output
    for line in ("needs a person: zeno: a web page", "unusually alike: chiara, dario (likeness", "denied: 1 ×"):
        assert line in done.output


def test_formgrader_opens_on_the_same_gradebook(course, summary, tmp_path):
    """nbgrader's own server, started as the report says, asks for as many written answers as the report does."""
    folders = {"HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path), "JUPYTER_DATA_DIR": str(tmp_path)}
    words = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--port=0"]
    server = subprocess.Popen(
        [*words, "--ServerApp.token=t"], cwd=course.folder, env=os.environ | folders, stderr=subprocess.DEVNULL
    )
    try:
        running = json.loads(wait_for(tmp_path, "jpserver-*.json", server))
        waiting = ask(running, f"formgrader/api/submitted_notebooks/{TOPIC}/{TOPIC}")
        assert sum(each["needs_manual_grade"] for each in waiting) == summary.waiting_for_hand
        assert {each["student"] for each in waiting} == {row.name for row in summary.students} - {"zeno"}
    finally:
        server.terminate()
        server.wait()


def wait_for(folder: Path, pattern: str, server: subprocess.Popen) -> str:
    """The text of a file, once the server has written it."""
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        text = next((path.read_text() for path in folder.glob(pattern)), "")
        with contextlib.suppress(json.JSONDecodeError):
            json.loads(text)
            return text
        time.sleep(0.2)
    raise AssertionError("the server did not start")


def ask(running: dict, path: str) -> list[dict]:
    """An answer of the server's, asked again until it listens."""
    request = urllib.request.Request(f"{running['url']}{path}", headers={"Authorization": "token t"})
    for _ in range(100):
        with contextlib.suppress(ConnectionError, urllib.error.URLError):
            return json.load(urllib.request.urlopen(request, timeout=60))
        time.sleep(0.2)
    raise AssertionError("the server does not answer")


# --- The page -------------------------------------------------------------------------------------------------


def test_the_page_needs_no_script_and_no_other_host(page):
    assert "default-src 'none'; style-src 'unsafe-inline'" in page
    assert not re.search(r"https?://|<script|<link|<img|url\(|\bon\w+=", page)


def test_a_class_of_1000_stays_readable(course, summary, tmp_path):
    path = write_report(course, large(summary))
    assert path.stat().st_size < 1_000_000
    assert not re.search(r'<details id="band\d" open>', path.read_text(encoding="utf-8"))


def test_nothing_of_a_submission_becomes_markup(course, summary):
    bad = "</bdi></pre><script>alert(1)</script>\u202e\x1b[31m\ud800"
    passage = Passage("code", bad, bad)
    group = Group((bad, "ada"), (Pair(bad, "ada", 2.0, (passage,)),), False)
    loss = replace(next(loss for row in summary.students for loss in row.losses), words=bad)
    student = replace(summary.students[0], name=bad, losses=[loss], remarks=[bad])
    unknown = replace(summary.exercises[0], unknown=[bad])
    hostile = replace(
        summary, students=[student], similar=[group], exercises=[unknown], to_look_at=[(bad, bad)], formgrader=bad
    )
    page = write_report(course, hostile).read_text(encoding="utf-8")
    assert page.count("&lt;script&gt;") >= 10
    assert "<script" not in page and not set("\u202e\x1b") & set(page)


@pytest.mark.parametrize("width", [390, 1200])
def test_the_page_fits(course, summary, browser, width):
    path = write_report(course, large(summary))
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(path.as_uri())
    for closed in page.locator("details").all():
        closed.evaluate("part => part.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


# --- Likeness -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def known() -> Document:
    return known_work(TOPIC, similarity.released(TOPIC))


@pytest.fixture(scope="module")
def honest() -> dict[str, Document]:
    """A class of 40 in which nobody copied."""
    made = similarity.class_of(40, similarity.people(TOPIC), random.Random(1))
    return similarity.documents(made, similarity.released(TOPIC))


def copied(disguise: str, *authors: str) -> dict[str, Document]:
    """What friends of some people hand in, each under a disguise."""
    wrote, rng = similarity.people(TOPIC), random.Random(2)
    copies = {f"{name} copied": similarity.DISGUISES[disguise](wrote[name], rng) for name in authors}
    return similarity.documents(copies, similarity.released(TOPIC))


def test_the_two_who_share_a_work_are_shown_side_by_side(summary, page):
    [same, pair] = sorted(summary.similar, key=lambda group: group.likeness)
    assert pair.members == ("chiara", "dario") and pair.likeness >= 1 and not pair.identical
    assert (same.members, same.identical) == (("ada", "katherine", "leonhard", "mary"), True)
    [left, right] = [pair.pairs[0].passages[0].left, pair.pairs[0].passages[0].right]
    assert "best_so_far" in left and "best_so_far" not in right  # the names are others, the form is not
    assert "Similarity\nis no proof" in page and "best_so_far" in page


def test_honest_work_is_not_reported(honest, known):
    assert alike(honest, known) == []


@pytest.mark.parametrize("disguise", [name for name in similarity.DISGUISES if name != "half of the code, renamed"])
def test_a_copy_is_found_in_every_disguise(honest, known, disguise):
    authors = ("chiara", "farid")
    rest = {name: each for name, each in honest.items() if not name.startswith("student")}
    groups = alike(rest | copied(disguise, *authors), known)
    assert {group.members for group in groups} == {(name, f"{name} copied") for name in authors}


def test_three_friends_are_one_group_and_each_is_shown(honest, known):
    [chiara, amina] = [similarity.people(TOPIC)[name] for name in ("chiara", "amina")]
    work = chiara | {"written_answer": amina["written_answer"], "lab_answer": amina["lab_answer"]}
    friend = similarity.documents({"friend": work}, similarity.released(TOPIC))
    [group] = alike(honest | friend, known)
    assert group.members == ("amina", "chiara", "friend")
    assert {name for pair in group.pairs for name in (pair.left, pair.right)} == set(group.members)


def test_the_same_notebook_is_marked_whatever_the_outputs(known):
    released = similarity.released(TOPIC)
    notebook = similarity.hand_in(similarity.people(TOPIC)["eszter"], released)
    again = copy.deepcopy(notebook)
    for cell in again.cells:
        cell.metadata, cell.source = nbformat.from_dict({"id": "x"}), cell.source.replace("\n", "\r\n")
    [group] = alike({"a": own_work(notebook, released), "b": own_work(again, released)}, known)
    assert group.identical and group.likeness > 1


def test_what_many_have_or_was_given_is_no_evidence(known):
    """Nobody is alike for a blank notebook, an answer that the whole class gives, or the released text."""
    released = similarity.released(TOPIC)
    common = {"lab_answer": " ".join(f"word{number}" for number in range(100))}
    notebooks = [similarity.hand_in(common | {"own": f"x_{number} = {number}"}, released) for number in range(30)]
    class_ = {str(number): own_work(notebook, released) for number, notebook in enumerate(notebooks)}
    quoting = {"written_answer": max((cell.source for cell in released.cells if cell.cell_type == "markdown"), key=len)}
    class_ |= similarity.documents({"blank": {}, "too": {}, "q": quoting, "p": quoting | {"own": "y = 1"}}, released)
    assert alike(class_, known) == []


def test_an_answer_in_a_script_without_spaces_is_read_by_its_signs(known):
    answer = "循环网络的状态大小固定,后来的词会覆盖先前的词,所以它忘记得很快;"
    answer += "注意力保留所有状态,需要时再去找,因此不会忘记,但仍要逐词等待。"
    made = document([("markdown", answer)]), document([("markdown", "我想:" + answer)])
    [group] = alike(dict(zip("ab", made)), known)
    assert group.members == ("a", "b")


@pytest.mark.parametrize(
    "source", ["(" * 10**6, "'\\'" * 10**6, "'''\"\"\" " * 10**5, "\0\ud800" * 10**6, "a." * 10**6, "<[a](" * 10**6]
)
def test_a_hostile_source_is_read_in_part_and_harms_nothing(known, source):
    made = document([("code", source), ("markdown", source), ("code", "kept = 'out'")])
    assert max(len(made.code), len(made.prose), *map(len, made.cells)) <= MAX_LETTERS
    for group in alike({"a": made, "b": made}, known):
        assert group.members == ("a", "b")
