"""Proves that no attack in `tests/attacks/` gains a point, reaches what is not its own, or harms what comes after it.

Each file there is one attack, named after what it tries. A `.md` holds cells that stand in a notebook without answers,
a `.py` makes what is handed in; both say the reason code that is reported. One warm worker grades all of them in a real
sandbox, nbgrader records them, and a right submission comes after each, in the same worker.
"""

import copy
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
from functools import cache
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from autograder.checking.topic import ROOT, load, topics
from autograder.cli import app
from autograder.course.folder import Course
from autograder.example.handing_in import solved
from autograder.grading.grade import Graded, Grading
from autograder.returning.report import summarise, write_report
from autograder.sandbox import masking, seccomp
from benchmarks.attacks import CANARY, FILES, FULL, LIMITS, MARK, NAMES, TOPIC, hand_in, make_course, reason

PROBE = """\
import os

left = {folder: sorted(os.listdir(folder)) for folder in ("/tmp", "/tmp/home", "/dev/shm", "/dev", "/")}
left["processes"] = sum(name.isdigit() for name in os.listdir("/proc"))
left["links"] = [name for name in os.listdir("/dev") if os.path.islink(f"/dev/{name}")]
print(left)"""


def contents(*folders: Path) -> dict[Path, str]:
    """What stands in our own files, as hashes."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if "__pycache__" not in path.parts}


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """A course whose class is half attackers, graded one after another by one worker."""
    course = make_course(tmp_path_factory.mktemp(CANARY))
    released = course.released(TOPIC.name)
    right = solved(copy.deepcopy(released))
    right.cells.append(nbformat.v4.new_code_cell(PROBE, metadata={"probe": CANARY}))
    order = ["before"]
    for name in FILES:
        hand_in(name, copy.deepcopy(released), course.notebook("submitted", TOPIC.name, NAMES[name]))
        order += [NAMES[name], f"after_{name}"]
    for student in order[::2]:
        path = course.notebook("submitted", TOPIC.name, student)
        path.parent.mkdir(parents=True)
        path.write_text(nbformat.writes(right), encoding="utf-8")
    ours = [ROOT / "autograder", ROOT / "solutions", course.folder / "submitted", course.folder / "release"]
    before = contents(*ours)
    course.graded = {}
    for graded in Grading(course, TOPIC.name, limits=LIMITS).grade(order, workers=1):
        course.graded[graded.student] = graded
    course.changed = {path for path, text in contents(*ours).items() if before.get(path) != text}
    course.points = {score.student: score.score for score in course.scores(TOPIC.name)}
    return course


def graded(course: Course, name: str) -> Graded:
    return course.graded[NAMES[name]]


def said(course: Course, student: str) -> str:
    """All that stands in the journal of what a submission printed."""
    return json.dumps(course.read_journal(TOPIC.name, student)["outputs"])


def left_behind(course: Course, student: str) -> str:
    """What a right submission saw around it."""
    return re.search(r"\{'/tmp':.*?\}", said(course, student))[0]


@pytest.mark.parametrize("name", FILES)
def test_no_point_is_gained(course, name):
    assert graded(course, name).earned == 0
    assert course.points.get(NAMES[name], 0) == 0


@pytest.mark.parametrize("name", FILES)
def test_the_reason_is_reported(course, name):
    assert reason(name) in graded(course, name).reasons, graded(course, name)
    assert reason(name) in course.read_journal(TOPIC.name, NAMES[name])["reasons"]


@pytest.mark.parametrize("name", FILES)
def test_the_next_submission_is_graded_as_if_nothing_had_been(course, name):
    after = course.graded[f"after_{name}"]
    assert (after.earned, after.unreadable) == (FULL, None)
    assert left_behind(course, f"after_{name}") == left_behind(course, "before")


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_learned_about_others(course, name):
    seed = (course.folder / "journal" / TOPIC.name / "seed").read_text().strip()
    assert seed not in said(course, NAMES[name]) and CANARY not in said(course, NAMES[name])


def test_our_files_are_as_they_were_and_no_process_is_left(course):
    assert course.changed == set()
    commands = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    assert not any(MARK.encode() in command for command in commands)


def test_the_last_lines_name_the_codes_and_whose_they_are(course):
    done = CliRunner().invoke(app, ["grade", TOPIC.name, "--course", str(course.folder)])
    assert done.exit_code == 3, done.output
    lines = dict(line.split(": ", 1) for line in done.output.splitlines() if ": " in line)
    assert {reason(name) for name in FILES} <= set(lines)
    assert "second_message" in lines["forged"] and "fork_bomb" in lines["processes"]
    assert "\x1b" not in done.output and "\u202e" not in done.output


def formgraders_page(course: Course, name: str) -> str:
    """One submission as formgrader shows it, with the exporter that it makes of the course's configuration."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader.handlers import template_path

    config = copy.deepcopy(course.config)
    config.HTMLExporter.template_name, config.HTMLExporter.extra_template_basedirs = "formgrade", [template_path]
    numbers = {"index": 0, "total": 1, "base_url": "", "submission_id": "1", "notebook_path": ""}
    about = {"assignment_id": TOPIC.name, "notebook_id": TOPIC.name, "student": name, "last_name": "", "first_name": ""}
    path = course.notebook("autograded", TOPIC.name, name)
    return HTMLExporter(config=config).from_filename(str(path), resources=numbers | about)[0]


def feedback_page(course: Course, name: str) -> str:
    return course.feedback(TOPIC.name, name).read_text(encoding="utf-8")


@cache
def whole_report(course: Course) -> str:
    return write_report(course, summarise(course, TOPIC.name)).read_text(encoding="utf-8")


def report_page(course: Course, name: str) -> str:
    return whole_report(course)


MATH_THAT_RUNS = r"""() => {
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const isLeftAlone = text.parentElement.closest(".tex2jax_ignore, pre, code, script, style, textarea");
    if (!isLeftAlone && text.data.includes("\\href")) return true;
  }
  return false;
}"""  # what MathJax would make a link of


@pytest.mark.parametrize("show", [formgraders_page, feedback_page, report_page])
@pytest.mark.parametrize("name", ["html_in_the_notebook", "html_and_javascript_in_outputs", "terminal_escapes"])
def test_nothing_of_a_submission_runs_where_it_is_shown(course, browser, tmp_path, show, name):
    made = show(course, name)
    page, opened = browser.new_page(), tmp_path / "page.html"
    opened.write_text(made, encoding="utf-8")
    page.goto(opened.as_uri(), wait_until="domcontentloaded")
    for link in page.locator("a").all():
        assert re.match(r"(https?://|mailto:|#|/formgrader/|$)", link.get_attribute("href") or ""), made
    for picture in page.locator("img").all():
        assert re.match(r"(https://|data:image/|$)", picture.get_attribute("src") or "")
    page.wait_for_timeout(200)
    assert page.evaluate("window.harmed") is None
    assert not page.evaluate(MATH_THAT_RUNS)
    page.close()


def test_formgrader_is_left_nothing_to_serve_that_runs(course):
    folder = course.notebook("autograded", TOPIC.name, "files_beside_the_notebook").parent
    assert {path.name for path in folder.iterdir()} == {f"{TOPIC.name}.ipynb"}


def test_feedback_says_nothing_that_a_cell_printed(course):
    """It could be the checks' inputs; of an error, Python's own name for it is left."""
    page = feedback_page(course, "signals_to_the_parent")
    assert "This cell ended with PermissionError at grading." in page and "Operation not permitted" not in page
    shown = [page(course, "printed_score").count("2 of 2 points") for page in (formgraders_page, feedback_page)]
    assert shown == [2, 1]  # in the cell that prints it, and in its output


@pytest.mark.parametrize("topic", topics())
def test_the_room_sees_checks_without_answers_in_which_the_reference_passes(topic, tmp_path):
    """The masked checks ask the reference what the whole ones ask, and know of no mistake and of nothing given."""
    for name, source in masking.visible(topic).items():
        path = tmp_path / "checks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    code = (
        "import json, sys, autograder.checks; autograder.checks.__path__[:] = [sys.argv[2]]\n"
        "from autograder.checking.observe import observe\nfrom importlib import import_module\n"
        "topic = getattr(import_module(f'autograder.checks.{sys.argv[1]}'), sys.argv[1])\n"
        "exercises = topic.exercises.values()\n"
        "print(json.dumps({e.name: [str(observe(c, topic.reference(e.name), 5).raised) for c in e.checks] "
        "for e in exercises}), any(e.mistakes or e.stand_in for e in exercises))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, topic, str(tmp_path / "checks")], cwd=ROOT, capture_output=True, text=True
    )
    asked = {name: ["None"] * len(exercise.checks) for name, exercise in load(topic).exercises.items()}
    assert done.stdout == f"{json.dumps(asked)} False\n", done.stderr


@pytest.mark.parametrize("topic", topics())
def test_what_stands_in_for_a_reference_can_be_sent_as_a_source(topic):
    for name, exercise in load(topic).exercises.items():
        if exercise.stand_in is not None:
            namespace = {"__name__": "given"}
            exec(masking.given_source(topic, name), namespace)
            assert callable(namespace["given"])


IMPORT = "from solutions.attention import causal_attention"


@pytest.mark.parametrize(
    ("sources", "taken"),
    [
        ([IMPORT], True),
        (["def causal_attention(): ...", IMPORT], True),
        ([IMPORT, "def causal_attention(): ..."], False),
        ([f"{IMPORT} as theirs"], False),
        (["import solutions.attention as ours\ncausal_attention = ours.causal_attention"], True),
        ([f"try:\n    causal_attention\nexcept NameError:\n    {IMPORT}"], True),
        (["def causal_attention(): ...", f"try:\n    causal_attention\nexcept NameError:\n    {IMPORT}"], False),
        ([f"def own():\n    {IMPORT}"], False),
        (["from layercake.mine import causal_attention"], True),  # the learner's own, from before: not written here
        (["causal_attention = 1", "%%time\n" + IMPORT, "broken("], False),
    ],
)
def test_a_reference_is_taken_where_the_last_word_on_a_name_is_its_import(sources, taken):
    assert masking.referenced("attention", [{"source": source} for source in sources]) == (
        {"causal_attention"} if taken else set()
    )


def test_the_filter_is_whole_and_there_is_none_for_an_unknown_processor():
    assert seccomp.program("riscv64") is None
    for machine in seccomp.MACHINES:
        steps = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
        for at, (code, yes, no, _) in enumerate(steps):
            assert code == seccomp.RETURN or at + 1 + max(yes, no) < len(steps), "a jump leads out of the filter"
        assert steps[-1] == (seccomp.RETURN, 0, 0, seccomp.ALLOW)
