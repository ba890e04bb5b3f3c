"""`autograder export`: grades and feedback in the form that an LMS takes back.

Columns and names are those that Canvas's `gradebook_importer.rb`, Moodle's `importgradeslib.php` and
`importziplib.php`, and Gradescope's autograder specification ask for. What a spreadsheet would run as a formula is
defused in every cell.
"""

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath

from autograder.checking.display import as_text, number
from autograder.checking.errors import ClearError
from autograder.checking.judge import Verdict
from autograder.collecting.collect import Enrolled, roster, unreadable, who
from autograder.collecting.lms import Lms
from autograder.course.files import write_safely
from autograder.course.folder import Course
from autograder.course.gradebook import Score
from autograder.grading.outcome import VERDICTS

CANVAS_COLUMNS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MOODLE_COLUMNS = ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]
SETUP = "#!/bin/bash\napt-get update && apt-get install -y python3\n"
RUN = """\
#!/usr/bin/env python3
# Gives each submission the result that was computed for it; runs nothing of what was handed in.
import json
import pathlib

about = json.loads(pathlib.Path("/autograder/submission_metadata.json").read_text())
result = pathlib.Path(f"/autograder/source/submission_{about['id']}/results.json")
words = "This submission is not graded yet: it came in after grading, or could not be read."
text = result.read_text() if result.exists() else json.dumps({"score": 0, "output": words})
pathlib.Path("/autograder/results/results.json").write_text(text)
"""
PROGRAMS = {"setup.sh": SETUP, "run_autograder": RUN}


class ExportError(ClearError):
    """The grades cannot be written in this form: what is missing, and what to do."""


@dataclass(frozen=True)
class Person:
    """One line of a grade list: a person, and the submission that counts for them, if any."""

    id: str
    name: str
    student: str  # the key of the submission: the person's, or the group's
    email: str = ""
    score: Score | None = None

    @property
    def grade(self) -> str:
        return number(self.score.final) if self.score else ""


@dataclass
class Exported:
    """The files that were written, and what somebody should look at before they go out."""

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def export(
    course: Course, topic: str, lms: Lms | None = None, template: Path | None = None, column: str | None = None
) -> Exported:
    """Write a topic's grades and feedback into `export/TOPIC/`. Raises CollectError, CourseError and ExportError."""
    enrolled, scores = roster(course, topic), {score.student: score for score in course.scores(topic)}
    if not scores:
        raise ExportError(f"nothing is graded yet; run: autograder grade {topic} --course {course.folder}")
    lms = lms or next((entry.lms for entry in enrolled.values()), Lms.folder)
    job = _Job(course, topic, enrolled, scores, people(enrolled, scores))
    writers = {Lms.canvas: job.canvas, Lms.moodle: job.moodle}
    if template and lms not in writers:
        raise ExportError(f"--template is for canvas and moodle, not for {lms}; choose one of them by --to")
    rows = writers[lms](template, column) if lms in writers else None
    job.note_what_is_missing()
    job.write_csv("grades.csv", job.plain(), "utf-8-sig")  # so that Excel reads names in any script
    if rows:
        job.write_csv(f"{lms}.csv", rows)
    if lms is Lms.gradescope:
        job.write_zip("gradescope.zip", job.gradescope())
    job.write_zip("feedback.zip", job.feedback(lms))
    return job.exported


def people(enrolled: dict[str, Enrolled], scores: dict[str, Score]) -> list[Person]:
    """Everybody with a submission, by name; who is in two groups has the one that handed in last."""
    found: dict[str, Person] = {}
    for student, entry in sorted(enrolled.items(), key=lambda pair: pair[1].newest.order):
        for member in entry.members:
            found[member.id] = Person(member.id, member.name, student, member.email, scores.get(student))
        if not entry.members:
            found[student] = Person(student, entry.name, student, score=scores.get(student))
    for student in scores.keys() - enrolled.keys():
        found[student] = Person(student, student, student, score=scores[student])
    return sorted(found.values(), key=lambda person: (person.name.casefold(), person.id))


def defused(cell: str) -> str:
    """A cell that no spreadsheet runs: one that begins like a formula gets an apostrophe, a number or a dash stays."""
    plain = re.fullmatch(r"\s*[-+]?[\d.,]*%?\s*", cell)
    return f"'{cell}" if cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠")) and not plain else cell


def read_csv(path: Path) -> list[list[str]]:
    """The rows of a CSV as a gradebook gives it, with commas or semicolons. Raises ExportError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        first = text.partition("\n")[0]
        rows = list(csv.reader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ","))
    except OSError as error:
        raise ExportError(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise ExportError(f"{path} is no CSV in UTF-8 ({error}); download it again, and do not save it anew") from None
    if not rows or not rows[0]:
        raise ExportError(f"{path} is empty")
    width = len(rows[0])
    return [[*row, *[""] * (width - len(row))] for row in rows if any(cell.strip() for cell in row)]


def find_column(header: list[str], wanted: str | None, guess: Callable[[str], bool], path: Path) -> int:
    """The index of the column for the grade. Raises ExportError where it is not plain which one."""
    found = [index for index, name in enumerate(header) if (name == wanted if wanted else guess(name))]
    if len(found) != 1:
        what = (
            f"{len(found)} columns are called {wanted!r}" if wanted else "it is not plain which column is the grade's"
        )
        raise ExportError(f"{path}: {what}; give --column one of: {', '.join(header)}")
    return found[0]


@dataclass
class _Job:
    """One topic's grades on their way out."""

    course: Course
    topic: str
    enrolled: dict[str, Enrolled]
    scores: dict[str, Score]
    people: list[Person]
    exported: Exported = field(default_factory=Exported)
    folders: dict[str, list[str]] = field(default_factory=dict)  # of a group's members in Moodle, from the template

    @property
    def most(self) -> float:
        return max(score.max_score for score in self.scores.values())

    def plain(self) -> list[list[str]]:
        """One line per person, for a spreadsheet or any other program."""
        rows = [["student", "name", "email", "submission", "score", "max_score", "late_penalty", "remark"]]
        for person in self.people:
            score = person.score
            points = [number(score.final), number(score.max_score), number(score.penalty)] if score else [""] * 3
            remark = "" if score else "not graded"
            if score and score.needs_manual_grade:
                remark = "written answers wait to be graded"
            rows.append([person.id, person.name, person.email, person.student, *points, remark])
        return rows

    def canvas(self, template: Path | None, column: str | None) -> list[list[str]]:
        """Canvas's gradebook with one assignment: other grades, which may be old, are not sent back."""
        if template is None:
            header = [*CANVAS_COLUMNS, column or self.topic]
            most = ["    Points Possible", *[""] * 4, number(self.most)]
            return [header, most, *([p.name, p.id, "", "", "", p.grade] for p in self.people)]
        rows = read_csv(template)
        header = rows[0]
        if "ID" not in header or "Section" not in header:
            raise ExportError(f"{template} is no gradebook of Canvas's: it has no columns ID and Section")
        who_columns, id_column = range(header.index("Section") + 1), header.index("ID")
        titled = re.compile(rf"(?i)(?=.*\(\d+\)$).*(?<!\w){re.escape(self.topic)}(?!\w)")
        grade_column = find_column(header, column, lambda name: titled.match(name) is not None, template)
        filled = self._filled(rows[1:], grade_column, lambda row: row[id_column].strip())
        for row in filled:
            if row[0].strip() == "Points Possible":
                self._note_maximum(row[grade_column], f"{template} says {header[grade_column]!r} is worth")
        return [[row[index] for index in [*who_columns, grade_column]] for row in [header, *filled]]

    def moodle(self, template: Path | None, column: str | None) -> list[list[str]]:
        """Moodle's grading worksheet; without a template, the columns that it cannot do without."""
        if template is None:
            most = number(self.most)
            rows = [[f"Participant {p.id}", p.name, p.grade, most, "-"] for p in self.people]
            return [[*MOODLE_COLUMNS[:2], column or "Grade", *MOODLE_COLUMNS[3:]], *rows]
        rows = read_csv(template)
        header = rows[0]
        grade_column = find_column(header, column, lambda name: name == "Grade", template)
        groups = {entry.name: student for student, entry in self.enrolled.items()}
        group_column = header.index("Group") if "Group" in header else None

        def key(row: list[str]) -> str:
            said = re.search(r"\d+$", row[0].strip())
            number, group = said[0] if said else "", row[group_column].replace("_", " ") if group_column else ""
            if number in self.enrolled or group not in groups:
                return number
            name = re.sub(r"[_/\\]", " ", row[header.index("Full name")] if "Full name" in header else "Participant")
            self.folders.setdefault(groups[group], []).append(f"{name}_{number}")
            return groups[group]

        filled = self._filled(rows[1:], grade_column, key)
        if "Maximum Grade" in header and filled:
            self._note_maximum(filled[0][header.index("Maximum Grade")], f"{template} says that the maximum is")
        return [header, *filled]

    def _filled(self, rows: list[list[str]], grade_column: int, key: Callable) -> list[list[str]]:
        """The template's rows with our grades; what else stands there stays."""
        grades, seen = {person.id: person.grade for person in self.people}, set()
        filled = []
        for row in rows:
            mine, new = key(row), list(row)
            if grades.get(mine) and row[grade_column].strip().upper() == "EX":
                self.exported.notes.append(f"{mine} is excused in the template, and stays so")
            elif grades.get(mine):
                new[grade_column] = grades[mine]
            seen.add(mine)
            filled.append(new)
        absent = [
            who(self.enrolled, person.student) for person in self.people if person.grade and person.id not in seen
        ]
        self.exported.notes += [f"{name} is graded, and not in the template" for name in absent]
        return filled

    def _note_maximum(self, said: str, words: str) -> None:
        try:
            differs = float(said.replace(",", ".")) != self.most
        except ValueError:
            return
        if differs:
            note = f"{words} {said} points, and ours is worth {number(self.most)}: set that in the LMS first"
            self.exported.notes.append(note)

    def gradescope(self) -> dict[str, str]:
        """An autograder for Gradescope that hands out `submission_ID/results.json`: a group's to all its members."""
        files = dict(PROGRAMS)
        for student, entry in self.enrolled.items():
            if entry.lms is Lms.gradescope and student in self.scores:
                result = results(self.scores[student], self._verdicts(student))
                files[f"{entry.newest.label}/results.json"] = json.dumps(result, ensure_ascii=False, indent=1)
        return files

    def _verdicts(self, student: str) -> dict[str, Verdict]:
        entry = self.course.read_journal(self.topic, student) or {"verdicts": []}
        return {verdict.exercise: verdict for verdict in VERDICTS.validate_python(entry["verdicts"])}

    def feedback(self, lms: Lms) -> dict[str, str]:
        """Each student's page under the name that the LMS finds its owner by."""
        pages = {}
        for student in sorted(self.scores):
            page = self.course.notebook("feedback", self.topic, student).with_suffix(".html")
            if page.exists():
                for name in self._names(student, lms):
                    pages[name] = page.read_text(encoding="utf-8")
        return pages

    def _names(self, student: str, lms: Lms) -> Iterable[str]:
        entry = self.enrolled.get(student)
        if entry is None or lms in (Lms.gradescope, Lms.folder):
            return [f"{student}/{self.topic}.html"]
        label = entry.newest.label
        if lms is Lms.moodle:
            members = [f"{folder}_assignsubmission_file_" for folder in self.folders.get(student, [])]
            return [f"{folder}/{self.topic}.html" for folder in members or [label]]
        return [f"{PurePath(label).stem}.html"]

    def note_what_is_missing(self) -> None:
        """Note what is in hand and cannot go out yet."""
        notes = self.exported.notes
        notes += [f"{entry.name or entry.student}: {entry.words}" for entry in unreadable(self.course, self.topic)]
        waiting = self.course.submissions(self.topic)
        notes += [f"{who(self.enrolled, key)} is not graded" for key in waiting if key not in self.scores]

    def write_csv(self, name: str, rows: list[list[str]], encoding: str = "utf-8") -> None:
        text = io.StringIO(newline="")
        csv.writer(text).writerows([defused(cell) for cell in row] for row in rows)
        self._write(name, text.getvalue().encode(encoding))

    def write_zip(self, name: str, files: dict[str, str]) -> None:
        """Write a zip, the same bytes for the same files."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, text in files.items():
                entry = zipfile.ZipInfo(path)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (0o100755 if path in PROGRAMS else 0o100644) << 16
                archive.writestr(entry, text)
        self._write(name, content.getvalue())

    def _write(self, name: str, content: bytes) -> None:
        """Write a file of the export; an older one with something else in it is kept beside it."""
        path = self.course.folder / "export" / self.topic / name
        if path.exists() and path.read_bytes() != content:
            when = datetime.fromtimestamp(path.stat().st_mtime)
            older = path.with_name("older") / f"{when:%Y-%m-%d-%H-%M-%S-%f}-{name}"
            older.parent.mkdir(exist_ok=True)
            os.replace(path, older)
        write_safely(path, content, mode=0o600)
        self.exported.files.append(path)


def results(score: Score, verdicts: dict[str, Verdict]) -> dict:
    """One submission as Gradescope's `results.json`: hints and mistakes, no inputs and no expected values."""
    tests = []
    for name, (points, most) in score.exercises.items():
        verdict = verdicts.get(name.removeprefix("check_"))
        output = as_text(verdict, values=False) if verdict else score.comments.get(name, "")
        test = {"name": name.removeprefix("check_"), "score": points, "max_score": most, "output": output}
        tests.append(test | {"output_format": "text", "visibility": "visible"})
    said = f"{number(score.penalty)} points are taken off for late work." if score.penalty else ""
    return {
        "score": score.final,
        "output": said,
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
