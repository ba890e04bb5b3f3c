"""`autograder collect`: from what an LMS hands out to the folders that nbgrader reads. Nothing handed in is lost.

course/
  submitted/STUDENT/TOPIC/TOPIC.ipynb   the newest attempt that can be read, to the byte
  attempts/TOPIC/STUDENT/               the older ones, by the LMS's number or the time, and whatever was replaced
  unreadable/TOPIC/STUDENT/             what a person has to look at; the reasons are in unreadable/TOPIC/reasons.json
  roster/TOPIC.json                     who is who, and what it takes to hand back

Which notebook a file is, its cells say, not its name. Collecting the same source again changes nothing.
"""

import contextlib
import hashlib
import os
import re
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nbformat import NotebookNode
from pydantic import TypeAdapter, ValidationError

from autograder.checking.cells import checked_exercise
from autograder.collecting.archive import CollectError, Item, items
from autograder.collecting.lms import HandedIn, Lms, Member, read, recognise
from autograder.collecting.submission import UnreadableSubmission, imported_checks, read_submission
from autograder.course.files import fingerprint, write_safely
from autograder.course.folder import Course

COLAB_LINK = re.compile(rb"colab\.research\.google\.com/(?:drive|gist|github)")


@dataclass
class Attempt:
    """One notebook that came in: a hash of its bytes, where it stands among the others, and its name in the LMS."""

    content: str
    order: float
    label: str
    at: datetime | None = None
    late: bool = False


@dataclass
class Enrolled:
    """One line of a topic's roster: a student, or a group that hands in together."""

    name: str
    lms: Lms
    members: list[Member] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)  # the last is the one that counts

    @property
    def newest(self) -> Attempt:
        return self.attempts[-1]


@dataclass
class SetAside:
    """Something handed in that cannot be graded as it is, why, and where a copy lies in the course folder."""

    student: str
    name: str
    path: str
    reason: str
    order: float = 0
    copies: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        where = f"; it lies in {Path(self.copies[0]).parent}" if self.copies else "; it is still where it came from"
        return f"{self.path}: {self.reason}{where}"


@dataclass
class Collected:
    """What collecting one source came to, by student."""

    lms: Lms
    new: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)  # a newer attempt counts from now on
    older: list[str] = field(default_factory=list)  # came now, and is older than what counts
    unchanged: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)


ROSTER = TypeAdapter(dict[str, Enrolled])
REASONS = TypeAdapter(list[SetAside])


def roster(course: Course, topic: str) -> dict[str, Enrolled]:
    """Who handed in, by the student's key; empty where nothing was collected. Raises CollectError."""
    return _load(_roster_path(course, topic), ROSTER, {})


def unreadable(course: Course, topic: str) -> list[SetAside]:
    """What was set aside and not handed in anew since. Raises CollectError."""
    return _load(_reasons_path(course, topic), REASONS, [])


def _roster_path(course: Course, topic: str) -> Path:
    return course.folder / "roster" / f"{topic}.json"


def _reasons_path(course: Course, topic: str) -> Path:
    return course.folder / "unreadable" / topic / "reasons.json"


def who(people: dict[str, Enrolled], student: str) -> str:
    """A student as people know them: the name, and the key in brackets where that is another word."""
    name = people[student].name if student in people else student
    return name if name == student else f"{name} ({student})"


def _load(path: Path, kind: TypeAdapter, nothing):
    try:
        return kind.validate_json(path.read_bytes())
    except FileNotFoundError:
        return nothing
    except ValidationError:
        raise CollectError(f"{path} is damaged; put it back from a copy, or move it away and collect again") from None


def collect(course: Course, topic: str, source: Path, lms: Lms | None = None) -> Collected:
    """Take in a zip or a folder. Raises CollectError, and CourseError where the topic is not released here."""
    released = course.released(topic)
    _refuse_own_folder(course, source)
    with items(source) as found:
        lms = lms or recognise(found)
        reading = read(found, lms, topic)
        intake = _Intake(course, topic, released, lms)
        try:
            for handed_in in sorted(reading.attempts, key=lambda attempt: (attempt.student, -attempt.order)):
                intake.take(handed_in)
            for item, reason in reading.strays:
                intake.set_aside("", "nobody known", [item], reason, 0)
        finally:
            intake.write()
    return intake.collected


def _refuse_own_folder(course: Course, source: Path) -> None:
    own, source = course.folder, source.resolve()
    inside = own in source.parents and source.relative_to(own).parts[0] in ("submitted", "attempts", "unreadable")
    if inside or source == own or source in own.parents:
        raise CollectError(f"{source} holds what was collected already; give the zip or folder that the LMS handed out")


class _Intake:
    """One run of `collect`. Killed before its lists are written, it finds its files in the next run, and lists them."""

    def __init__(self, course: Course, topic: str, released: NotebookNode, lms: Lms):
        self.course, self.topic, self.released = course, topic, released
        self.roster, self.reasons = roster(course, topic), unreadable(course, topic)
        self.collected = Collected(lms)

    def take(self, handed_in: HandedIn) -> None:
        """Put one attempt where it belongs, or set it aside with its reason."""
        self._refuse_mix(handed_in)
        try:
            item, content = choose(handed_in.items, self.topic, self.released)
        except UnreadableSubmission as error:
            known = self.roster.get(handed_in.student)
            if known and 0 < handed_in.order < known.newest.order:  # a readable one has come since
                _copy_all(handed_in.items, self._attempts(handed_in.student), "unreadable-")
            else:
                self.set_aside(handed_in.student, handed_in.name, handed_in.items, str(error), handed_in.order)
            return
        digest = hashlib.sha256(content).hexdigest()
        label = handed_in.label or item.name
        self._file(handed_in, Attempt(digest, handed_in.order, label, handed_in.at, handed_in.late), content)

    def _refuse_mix(self, handed_in: HandedIn) -> None:
        known = self.roster.get(handed_in.student)
        if known and known.lms != self.collected.lms:
            raise CollectError(
                f"{handed_in.student} is {known.name}'s, collected from {known.lms}; in what comes from "
                f"{self.collected.lms} it would be somebody else: collect that into another --course"
            )

    def _file(self, handed_in: HandedIn, attempt: Attempt, content: bytes) -> None:
        student, path = handed_in.student, self.course.notebook("submitted", self.topic, handed_in.student)
        known = self.roster.get(student) or Enrolled(handed_in.name, self.collected.lms)
        known.members = handed_in.members or known.members
        same = [a for a in known.attempts if a.content == attempt.content]
        if any(a.order == attempt.order or not handed_in.numbered for a in same) and path.exists():
            self.collected.unchanged.append(student)
        elif known.attempts and attempt.order < known.newest.order:
            self._keep(student, content, attempt.order)
            known.attempts = sorted([attempt, *known.attempts], key=lambda a: a.order)
            self.collected.older.append(student)
        else:
            self._put(known, path, attempt, content).append(student)
            known.attempts = [a for a in known.attempts if (a.content, a.order) != (attempt.content, attempt.order)]
            known.attempts.append(attempt)
        if known.newest.late:
            self.collected.late.append(student)
        self.roster[student] = known
        self._settle(student, known.newest.order)

    def _put(self, known: Enrolled, path: Path, attempt: Attempt, content: bytes) -> list[str]:
        """Write the attempt that counts, after whatever was there is kept; returns the list that the student is on."""
        stamp, before = path.with_name("timestamp.txt"), path.read_bytes() if path.exists() else None
        if before not in (None, content):
            digest = hashlib.sha256(before).hexdigest()
            order = next((a.order for a in known.attempts if a.content == digest), 0)
            kept = self._keep(path.parents[1].name, before, order)
            if stamp.exists():
                os.replace(stamp, kept.with_suffix(".timestamp.txt"))
        if before != content:
            write_safely(path, content)
        if attempt.at and not stamp.exists():
            write_safely(stamp, f"{attempt.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n")
        if before is None:
            return self.collected.new
        return self.collected.unchanged if before == content else self.collected.replaced

    def _attempts(self, student: str) -> Path:
        return self.course.folder / "attempts" / self.topic / student

    def _keep(self, student: str, content: bytes, order: float) -> Path:
        """Keep an attempt that does not count, once; returns its path."""
        digest = hashlib.sha256(content).hexdigest()[:12]
        path = next(self._attempts(student).glob(f"*-{digest}.ipynb"), None)
        if path is None:
            path = self._attempts(student) / f"{order:.0f}-{digest}.ipynb"
            write_safely(path, content)
        return path

    def set_aside(self, student: str, name: str, files: list[Item], reason: str, order: float) -> None:
        """Copy what cannot be graded, as far as it can be copied, and note why."""
        folder = self.course.folder / "unreadable" / self.topic / (student or "nobody")
        copies = [str(path.relative_to(self.course.folder)) for path in _copy_all(files, folder)]
        entry = SetAside(student, name, files[0].path if files else "nothing", reason, order, copies)
        self.reasons = [old for old in self.reasons if (old.student, old.path) != (entry.student, entry.path)]
        self.reasons.append(entry)
        self.collected.set_aside.append(entry)

    def _settle(self, student: str, order: float) -> None:
        """Move what was set aside of a student to the older attempts, once a newer one can be read."""
        settled = [entry for entry in self.reasons if entry.student == student and entry.order < order]
        for copy in {copy for entry in settled for copy in entry.copies}:
            source = self.course.folder / copy
            target = self._attempts(student) / f"unreadable-{source.name}"
            if source.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(source, target)
        self.reasons = [entry for entry in self.reasons if entry not in settled]

    def write(self) -> None:
        """Write the roster and the reasons."""
        if self.roster:
            write_safely(_roster_path(self.course, self.topic), ROSTER.dump_json(self.roster, indent=1), mode=0o600)
        path = _reasons_path(self.course, self.topic)
        if self.reasons or path.exists():
            write_safely(path, REASONS.dump_json(self.reasons, indent=1), mode=0o600)


def _copy_all(files: list[Item], folder: Path, prefix: str = "") -> list[Path]:
    """Copy the files that can be read at all: one that is too large, locked or a link stays where it came from."""
    copies = []
    for item in files[:20]:
        with contextlib.suppress(UnreadableSubmission):
            copies.append(_copy(item, folder, prefix))
    return copies


def _copy(item: Item, folder: Path, prefix: str) -> Path:
    """Copy a file under a name that is safe here; another file of that name stays. Raises UnreadableSubmission."""
    content = item.read()
    name = "".join(letter if letter.isprintable() and letter not in '/\\*?[]<>"&`:|' else "_" for letter in item.name)
    name = name.lstrip(".")[-60:] or "unnamed"
    path = folder / f"{prefix}{name}"
    if path.exists() and path.read_bytes() != content:
        path = folder / f"{prefix}{hashlib.sha256(content).hexdigest()[:8]}-{name}"
    write_safely(path, content)
    return path


# --- Which of the files it is ---------------------------------------------------------------------------------


def choose(files: list[Item], topic: str, released: NotebookNode) -> tuple[Item, bytes]:
    """The topic's notebook among the files of one attempt, and its bytes. Raises UnreadableSubmission."""
    named = [item for item in files if ".ipynb" in item.name]
    found, faults = [], []
    for item in named or files:
        try:
            content = item.read()
            found.append((item, content, _opened(content)))
        except UnreadableSubmission as error:
            faults.append(str(error))
    if not found:
        raise UnreadableSubmission(_no_notebook(files, bool(named), faults))
    ours = [entry for entry in found if belongs(entry[2], topic, released)]
    if not ours:
        raise UnreadableSubmission(f"a notebook, but not the one of {topic}: none of its exercises is in it")
    if len({fingerprint(notebook) for _, _, notebook in ours}) > 1:
        raise UnreadableSubmission(f"two notebooks of {topic}; ask which one counts, and collect that one")
    return ours[-1][:2]


def _opened(content: bytes) -> NotebookNode:
    """Bytes as a notebook. Raises UnreadableSubmission."""
    if not content.strip():
        raise UnreadableSubmission("the file is empty")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notebook"
        path.write_bytes(content)
        try:
            return read_submission(path)
        except UnreadableSubmission as error:
            if COLAB_LINK.search(content[:1_000_000]):
                words = f"{error}; it leads to Colab: ask for the file, by File, Download, Download .ipynb"
                raise UnreadableSubmission(words) from None
            raise


def _no_notebook(files: list[Item], named: bool, faults: list[str]) -> str:
    if not files:
        return "nothing was handed in with it"
    if named or len(files) == 1 or any("web page" in fault for fault in faults):
        return next((fault for fault in faults if "web page" in fault), faults[0])
    return f"no notebook among its {len(files)} files"


def belongs(notebook: NotebookNode, topic: str, released: NotebookNode) -> bool:
    """Whether a notebook is the topic's: by what it imports its checks from, else by ids, exercises and checks."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if imported := imported_checks(notebook):
        return topic in imported
    ids = {cell.metadata.nbgrader.grade_id for cell in released.cells if "nbgrader" in cell.metadata}
    exercises = {name for cell in released.cells if (name := checked_exercise(cell.source))}
    metadata = [cell.metadata.get("nbgrader") for cell in notebook.cells]
    kept = {str(about.get("grade_id")) for about in metadata if isinstance(about, dict)}
    written = {name for cell in code for name in re.findall(r"^(?:def|class) (\w+)", cell.source, re.MULTILINE)}
    checked = {checked_exercise(cell.source) for cell in code}
    return bool(ids & kept or exercises & (written | checked))
