"""The command line: each command says what it will do, shows progress, and ends with a code for scripts."""

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from autograder.checking.display import as_text, number
from autograder.checking.errors import ClearError
from autograder.checking.topic import load, topics
from autograder.collecting.lms import Lms

FINE, FAILED, NEEDS_A_PERSON = 0, 1, 3
EPILOG = "Exit codes: 0 done; 1 could not be done; 2 wrong usage; 3 done, and something needs a person's look."

app = typer.Typer(
    help="Release the exercises of Layer Cake, grade what learners hand in, and tell them what to look at.\n\n"
    "A class from start to end: release, collect, grade, report, export.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
console = Console()
errors = Console(stderr=True)

TopicName = Annotated[str, typer.Argument(help="The topic, such as attention.", metavar="TOPIC")]
CourseFolder = Annotated[
    Path, typer.Option("--course", help="The course folder, in nbgrader's layout.", envvar="LAYERCAKE_COURSE")
]
HERE = Path("course")


class Walls(StrEnum):
    bwrap = "bwrap"
    none = "none"


def stop(words: object) -> typer.Exit:
    """Say on stderr why nothing more is done."""
    errors.print(f"autograder: {words}", style="bold red", markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(FAILED)


@contextlib.contextmanager
def clear_errors():
    """Turn the errors that a user can do something about into one line and an exit code."""
    try:
        yield
    except ClearError as error:
        raise stop(error) from None
    except OSError as error:
        raise stop(f"{error.filename or ''}: {error.strerror or error}") from None


def progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console)


def handed_in(course, topic: str) -> list[str]:
    """The students with a submission. Exits where there is none."""
    students = course.submissions(topic)
    if not students:
        place = f"{course.folder}/submitted/STUDENT/{topic}/{topic}.ipynb"
        raise stop(f"no submissions: run: autograder collect SOURCE {topic}, or put them into {place}")
    return students


@app.command(epilog=EPILOG)
def release(
    topic: Annotated[str | None, typer.Argument(help="The topic; all of them if left out.")] = None,
    course: CourseFolder = HERE,
) -> None:
    """Build the notebooks that learners open.

    From exercises/TOPIC/TOPIC.md and solutions/TOPIC.py it writes exercises/TOPIC/TOPIC.ipynb, and the
    assignment into the course folder and its gradebook. Refuses a source that would give a broken or a solved
    notebook. The same sources give the same bytes.
    """
    from autograder.releasing.release import release as build

    with clear_errors():
        for name in [topic] if topic else topics():
            console.print(f"released {build(name, course)}", markup=False, soft_wrap=True)


@app.command(epilog=EPILOG)
def collect(
    source: Annotated[Path, typer.Argument(help="A zip or a folder: what the LMS hands out, or notebooks.")],
    topic: TopicName,
    course: CourseFolder = HERE,
    lms: Annotated[Lms | None, typer.Option("--from", help="Where it comes from [default: as named]")] = None,
) -> None:
    """Take in what was handed in.

    Reads what Canvas, Moodle, Gradescope and Blackboard hand out, or a folder of notebooks, and puts each
    student's newest attempt into COURSE/submitted/. Older ones go to COURSE/attempts/; what cannot be read goes to
    COURSE/unreadable/ with its reason, and the exit code is 3. The source stays as it is.
    """
    from autograder.collecting.collect import collect as take_in
    from autograder.course.folder import Course

    with clear_errors():
        load(topic)
        taken = take_in(Course(course), topic, source, lms)
    counts = ("new", taken.new), ("replaced by a newer attempt", taken.replaced), ("older attempts kept", taken.older)
    said = "; ".join(f"{len(students)} {words}" for words, students in (*counts, ("unchanged", taken.unchanged)))
    console.print(f"from {taken.lms}: {said}", markup=False, highlight=False, soft_wrap=True)
    if taken.late:
        console.print(f"late by the LMS's mark: {', '.join(map(_plain, sorted(set(taken.late))))}", soft_wrap=True)
    _say_what_needs_a_person(f"{entry.name}: {entry.words}" for entry in taken.set_aside)
    raise typer.Exit(NEEDS_A_PERSON if taken.set_aside else FINE)


def _say_what_needs_a_person(lines) -> None:
    for line in lines:
        console.print(f"needs a person: {_safe(line)}", highlight=False, soft_wrap=True)


@app.command(epilog=EPILOG)
def grade(
    topic: TopicName,
    course: CourseFolder = HERE,
    student: Annotated[list[str] | None, typer.Option(help="Only this student; may be repeated.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The seed of the checks' inputs [default: secret, kept in journal/]")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Sandboxes side by side.")] = 2,
    scheduler: Annotated[
        str | None, typer.Option(help="A Dask scheduler's address, such as tcp://10.0.0.1:8786 [default: this machine]")
    ] = None,
    sandbox: Annotated[
        Walls, typer.Option(help="bwrap: bubblewrap. none: no walls, for code that you trust.")
    ] = Walls.bwrap,
    force: Annotated[bool, typer.Option("--force", help="Grade again what has not changed.")] = False,
) -> None:
    """Grade a class's submissions in a sandbox.

    Runs each submission behind walls, judges what was seen outside them, and has nbgrader record it. A second
    run grades only what changed. A submission that cannot be graded stops nothing: it is listed with its
    reason, and the exit code is 3.
    """
    from autograder.sandbox.walls import launched_ahead

    with clear_errors(), contextlib.nullcontext() if scheduler else launched_ahead(topic, sandbox.value):
        from autograder.course.folder import Course
        from autograder.grading.grade import Grading

        grading = Grading(Course(course), topic, seed, sandbox.value)
        if sandbox is Walls.none:
            errors.print(
                "Warning: no sandbox. The submissions run with your rights, network and files.", style="bold yellow"
            )
        present = handed_in(grading.course, topic)
        if unknown := set(student or []) - set(present):
            raise stop(f"no submission of {', '.join(sorted(unknown))}; there are: {', '.join(present)}")
        graded = []
        with progress() as bar:
            task = bar.add_task(f"Grading {topic}", total=len(student or present))
            for result in grading.grade(student or present, workers, force, scheduler):
                graded.append(result)
                bar.advance(task)
    console.print(_class_table(topic, graded))
    fresh = sum(result.fresh for result in graded)
    console.print(
        f"{len(graded)} submissions, {fresh} graded now; recorded in {grading.course.folder}/gradebook.db", markup=False
    )
    for line in [*_moves(graded), *_why(graded)]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    strays = grading.course.strays(topic)
    for path in strays:
        console.print(f"needs a person: {_safe(str(path))} is not where it is looked for", soft_wrap=True)
    raise typer.Exit(NEEDS_A_PERSON if strays or any(result.unreadable for result in graded) else FINE)


def _class_table(topic: str, graded: list) -> Table:
    table = Table("Student", title=f"{topic}: points by the checks")
    table.add_column("Points", justify="right")
    table.add_column("Remarks", overflow="fold")
    for result in sorted(graded, key=lambda result: result.student):
        table.add_row(
            _safe(result.student), f"{number(result.earned)} / {number(result.points)}", _safe(_remarks(result))
        )
    return table


def _moves(graded: list) -> list[str]:
    """Whose points are not those of the grading before, in which exercise, and why."""
    return [
        f"moved: {_plain(one.student)}: {move.exercise} {number(move.before)} → {number(move.after)} ({move.why})"
        for one in sorted(graded, key=lambda one: one.student)
        if one.fresh
        for move in one.moved
    ]


def _why(graded: list) -> list[str]:
    """The reason codes of a class, how often each came up, and of whom where honest work rarely has it."""
    from autograder.grading.reasons import ALWAYS_SAID, Reason

    lines = []
    for reason in Reason:
        students = sorted(_plain(result.student) for result in graded if reason in result.reasons)
        if students:
            whose = f" ({', '.join(students)})" if reason in ALWAYS_SAID else ""
            lines.append(f"{reason}: {len(students)} × {reason.meaning}{whose}")
    return lines


def _remarks(result) -> str:
    """What a person should know of one submission, in a line."""
    if result.unreadable:
        return f"needs a person: {result.unreadable}"
    remarks = [
        f"{verdict.exercise}: {verdict.mistake.replace('_', ' ')}" for verdict in result.verdicts if verdict.mistake
    ]
    return "; ".join(remarks + result.remarks)


def _plain(text: str) -> str:
    """Text from a submission, without what a terminal would take for an instruction."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _safe(text: str) -> str:
    """The same, without what rich would take for markup."""
    return _plain(text).replace("[", r"\[")


@app.command(epilog=EPILOG)
def feedback(
    topic: TopicName,
    course: CourseFolder = HERE,
    force: Annotated[bool, typer.Option("--force", help="Write again what is there already.")] = False,
) -> None:
    """Write each student's feedback, as HTML.

    Through nbgrader: verdicts, hints and known mistakes, your comments; no inputs, no answers. Where the
    gradebook has not changed since, a second run writes nothing.
    """
    from autograder.course.folder import Course

    with clear_errors():
        load(topic)
        room = Course(course)
        written, there, failed = _write_feedback(room, topic, force)
    console.print(f"{written} written, {there} in {room.folder}/feedback/STUDENT/{topic}/{topic}.html", markup=False)
    _say_what_needs_a_person(failed)
    raise typer.Exit(NEEDS_A_PERSON if failed else FINE)


def _write_feedback(room, topic: str, force: bool = False) -> tuple[int, int, list[str]]:
    """Write the feedback that is missing or older than the gradebook.

    Returns how many now, how many there are, and in words what could not be written. Exits where nothing could be.
    """
    from autograder.course.files import CourseError

    graded = [student for student in room.submissions(topic) if room.notebook("autograded", topic, student).exists()]
    if not graded:
        raise stop(f"nothing is graded yet; run: autograder grade {topic} --course {room.folder}")
    todo = [student for student in graded if force or not room.has_feedback(topic, student)]
    failed = []
    with progress() as bar:
        for student in bar.track(todo, description=f"Feedback on {topic}"):
            try:
                room.feedback(topic, student)
            except CourseError as error:  # of one student; the others get theirs
                failed.append(str(error))
    if failed and len(failed) == len(todo):
        raise stop(failed[0])
    return len(todo) - len(failed), len(graded) - len(failed), failed


@app.command(epilog=EPILOG)
def export(
    topic: TopicName,
    course: CourseFolder = HERE,
    lms: Annotated[Lms | None, typer.Option("--to", help="Where it goes [default: where it came from]")] = None,
    template: Annotated[
        Path | None, typer.Option(help="The gradebook (Canvas) or grading worksheet (Moodle) that you downloaded.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="The grade's column, where its name does not say so.")] = None,
) -> None:
    """Write grades and feedback as the LMS takes them back.

    Into COURSE/export/TOPIC/: grades.csv for people, canvas.csv, moodle.csv or gradescope.zip for the LMS, and
    feedback.zip with each student's page. Feedback that is older than the gradebook is written anew. Where
    somebody's grade cannot go out, it says so, and the exit code is 3.
    """
    from autograder.course.folder import Course
    from autograder.returning.export import export as write

    with clear_errors():
        load(topic)
        room = Course(course)
        failed = _write_feedback(room, topic)[-1]
        exported = write(room, topic, lms, template, column)
        waiting = sum(score.needs_manual_grade for score in room.scores(topic))
    for path in exported.files:
        console.print(f"wrote {path}", markup=False, highlight=False, soft_wrap=True)
    if waiting:
        console.print(f"{waiting} of them with written answers that are not graded yet: their grades will change")
    _say_what_needs_a_person([*failed, *exported.notes])
    raise typer.Exit(NEEDS_A_PERSON if failed or exported.notes else FINE)


@app.command(epilog=EPILOG)
def report(topic: TopicName, course: CourseFolder = HERE) -> None:
    """Write one page about the class.

    What to teach again, with the questions to ask; pass rates of exercises and checks; what needs a person, with
    submissions that are unusually alike; reasons for every zero. The exit code is 3 where a submission could not be
    graded.
    """
    from autograder.course.folder import Course
    from autograder.returning.report import summarise, write_report

    with clear_errors(), console.status(f"Reading {topic}"):
        load(topic)
        room = Course(course)
        summary = summarise(room, topic)
        if not summary.students:
            raise stop(f"nothing is graded yet; run: autograder grade {topic} --course {course}")
        path = write_report(room, summary)
    table = Table("Exercise", "Full points", "Commonest mistake", title=f"{topic}: {len(summary.students)} submissions")
    for row in summary.exercises:
        table.add_row(row.name, f"{row.full} of {row.tried}", row.mistakes[0].words if row.mistakes else "")
    console.print(table)
    for line in _report_lines(summary):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    _say_what_needs_a_person(f"{student}: {reason}" for student, reason in summary.to_look_at)
    console.print(f"The report is {path}", markup=False, soft_wrap=True)
    raise typer.Exit(NEEDS_A_PERSON if summary.to_look_at else FINE)


def _report_lines(summary) -> list[str]:
    """What a person should look at beside what could not be graded, a line for each kind."""
    lines = [
        f"{row.code}: {row.submissions} × {row.code.meaning} ({_plain(', '.join(row.students))})"
        for row in summary.unusual
    ]
    for group in summary.similar:
        how = "the same, cell for cell" if group.identical else f"likeness {group.likeness:.1f}"
        lines.append(f"unusually alike: {_plain(', '.join(group.members))} ({how})")
    if summary.waiting_for_hand:
        lines.append(f"{summary.waiting_for_hand} with written answers that wait for you: {_plain(summary.formgrader)}")
    return lines


@app.command(epilog=EPILOG)
def check(
    file: Annotated[Path, typer.Argument(help="A notebook (.ipynb).", exists=True, dir_okay=False)],
) -> None:
    """Look at one's own notebook before handing in.

    Shows each exercise's verdict on the public inputs. Runs the code as you, without a sandbox, as the
    notebook itself would. Labs are not run. The exit code is 0 where every check passes, else 1.
    """
    from autograder.grading.check_file import look

    with clear_errors():
        verdicts = look(file)
    for verdict in verdicts:
        console.print(as_text(verdict), markup=False, highlight=False)
    earned, points = (sum(getattr(verdict, name) for verdict in verdicts) for name in ("earned", "points"))
    console.print(f"{number(earned)} of {number(points)} points", style="bold", highlight=False)
    raise typer.Exit(FINE if earned == points else FAILED)


@app.command(epilog=EPILOG)
def doctor() -> None:
    """Say what is installed, what is missing, and how to get it."""
    from autograder.doctor import examine

    table = Table("", "What", "Found", "Remedy")
    findings = examine()
    for finding in findings:
        sign = "✓" if finding.fine else ("✗" if finding.needed else "–")
        table.add_row(sign, finding.what, finding.found, "" if finding.fine else finding.remedy)
    console.print(table)
    raise typer.Exit(FINE if all(finding.fine for finding in findings if finding.needed) else FAILED)


@app.command(epilog=EPILOG)
def example(topic: TopicName = "attention", course: CourseFolder = HERE) -> None:
    """Make an example class to try grading on.

    Writes submissions into the course folder: right ones, known mistakes, oddities and a forger. Existing
    submissions are left as they are.
    """
    from autograder.course.folder import Course
    from autograder.example.classes import make_class

    with clear_errors():
        room = Course(course)
        made = make_class(topic, room)
        table = Table("Student", "Handed in", title=f"{topic}: an example class")
        table.add_column("Points expected", justify="right")
        for student in made:
            table.add_row(student.name, student.story, number(student.points))
        console.print(table)
        console.print(f"{len(made)} submissions in {room.folder}/submitted", markup=False, soft_wrap=True)
