"""How Canvas, Moodle, Gradescope and Blackboard name what they hand out: whose a file is, and which attempt.

Read off Canvas's `content_zipper.rb`, Moodle's `assign/classes/downloader.php` and exports of the other two. The key
of a student is the LMS's own stable number or login; a name is for people.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from pathlib import PurePath
from typing import Any

import yaml

from autograder.collecting.archive import CollectError, Item
from autograder.collecting.submission import UnreadableSubmission, refuse_name

METADATA = "submission_metadata.yml"
CANVAS = re.compile(
    r"(?:(?!LATE_)(?P<name>.+?)_)?(?P<late>LATE_)?(?P<user>\d+|anon_[A-Za-z0-9]+)_"
    r"(?:(?P<file>\d+)_(?P<rest>.+)|(?:text|link)\.html)"
)
MOODLE = re.compile(r"(?P<name>.*?)(?:_(?P<id>\d+))?_assignsubmission_(?:file|onlinetext)(?:_.*)?", re.DOTALL)
BLACKBOARD = re.compile(r"(?P<head>.+)_attempt_(?P<when>\d{4}(?:-\d\d){5})(?:_(?P<rest>.+)|\.txt)")
COPIES = re.compile(r"^(?:(?:Copy of|Kopie von|Copie de|Copia de|Cópia de|Kopia) )+|(?: \(\d+\))+$")


class Lms(StrEnum):
    """Where the submissions come from."""

    canvas = "canvas"
    moodle = "moodle"
    gradescope = "gradescope"
    blackboard = "blackboard"
    folder = "folder"


@dataclass(frozen=True)
class Member:
    """One person of a group."""

    name: str
    id: str
    email: str = ""


@dataclass
class HandedIn:
    """One attempt of one student or group: its files, and what the LMS says of it.

    `order` grows from attempt to attempt: a number of the LMS's, or seconds since 1970. `numbered` says that it tells
    attempts apart by itself; else what the files hold does.
    """

    student: str  # the key, which names the folder in `submitted/`
    name: str
    items: list[Item]
    order: float
    numbered: bool = True
    label: str | None = None  # the name it was handed out under, where it is not its file's
    at: datetime | None = None
    late: bool = False
    members: list[Member] = field(default_factory=list)


@dataclass
class Reading:
    """What a source holds: attempts by student, and the files that say nothing of a student, with the reason."""

    attempts: list[HandedIn] = field(default_factory=list)
    strays: list[tuple[Item, str]] = field(default_factory=list)


def recognise(found: list[Item]) -> Lms:
    """Which LMS named these files; `folder` where none of the four did."""
    names = [item.name for item in found]
    if METADATA in names:
        return Lms.gradescope
    if any(MOODLE.fullmatch(part) for item in found for part in item.parts):
        return Lms.moodle
    if any(BLACKBOARD.fullmatch(name) for name in names):
        return Lms.blackboard
    if names and 2 * sum(CANVAS.fullmatch(name) is not None for name in names) > len(names):
        return Lms.canvas
    return Lms.folder


def read(found: list[Item], lms: Lms, topic: str) -> Reading:
    """The attempts in a source. Raises CollectError where it holds none that this LMS would name so."""
    readers = {
        Lms.canvas: _canvas,
        Lms.moodle: _moodle,
        Lms.gradescope: _gradescope,
        Lms.blackboard: _blackboard,
        Lms.folder: lambda items: _folder(items, topic),
    }
    reading = readers[lms](found)
    if not reading.attempts:
        seen = f"there is {found[0].path}" if found else "it is empty"
        raise CollectError(f"no file is named as {SHAPES[lms]}; {seen}; or say where it comes from with --from")
    return reading


SHAPES = {
    Lms.canvas: "Canvas names them, name_USER_FILE_attention.ipynb",
    Lms.moodle: "Moodle names them, Full Name_ID_assignsubmission_file_/attention.ipynb",
    Lms.gradescope: f"Gradescope names them, submission_ID/attention.ipynb beside {METADATA}",
    Lms.blackboard: "Blackboard names them, assignment_USER_attempt_DATE_attention.ipynb",
    Lms.folder: "in a folder of notebooks, STUDENT.ipynb or STUDENT/attention.ipynb",
}


def key_of(text: str) -> str:
    """A name as nbgrader, formgrader and the file system take it; two names stay two."""
    try:
        refuse_name(text)
        if text and not set(text) & set("/+\0") and text[0] not in ".-" and len(text.encode()) <= 100:
            return text
    except UnreadableSubmission:
        pass
    kept = "".join(letter if letter.isprintable() and letter not in '*?[]<>"&`\\/+' else "_" for letter in text)
    return f"{kept.lstrip('.-')[:20]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _canvas(found: list[Item]) -> Reading:
    """Flat, `name[_LATE]_<user>_<file>_<its name>`; a file handed in again has -1, -2 at the end of its stem."""
    reading, users = Reading(), defaultdict(list)
    for item in found:
        if match := CANVAS.fullmatch(item.name):
            users[match["user"]].append((int(match["file"] or 0), match, item))
        else:
            reading.strays.append((item, "its name is none of Canvas's, and says nothing of a student"))
    for user, files in users.items():
        by_name = defaultdict(list)
        for number, match, item in sorted(files, key=lambda entry: entry[0]):
            by_name[re.sub(r"-\d+(?=\.|$)", "", match["rest"] or item.name)].append((number, match, item))
        for back in range(max(map(len, by_name.values()))):  # 0 is the newest attempt
            attempt = [versions[-1 - back] for versions in by_name.values() if len(versions) > back]
            order, match, _ = max(attempt, key=lambda entry: entry[0])
            late = any(match["late"] for _, match, _ in attempt)
            items = [item for _, _, item in attempt]
            reading.attempts.append(HandedIn(user, match["name"] or user, items, order, late=late))
    return reading


def _moodle(found: list[Item]) -> Reading:
    """`Full Name_<id>_assignsubmission_file[_]/…`, or the same as a prefix; <id> is a group's in a group assignment."""
    reading, students = Reading(), {}
    for item in found:
        matches = [(part, match) for part in item.parts if (match := MOODLE.fullmatch(part))]
        if not matches:
            reading.strays.append((item, "its path is none of Moodle's, and says nothing of a student"))
        elif not matches[0][1]["id"]:
            reading.strays.append((item, "of Moodle's default group, which has no number; ask who handed it in"))
        else:
            part, match = matches[0]
            label = re.sub(r"(_assignsubmission_)(?:file|onlinetext)(_?).*", r"\1file\2", part, flags=re.DOTALL)
            new = HandedIn(match["id"], match["name"], [], 0, numbered=False, label=label)
            student = students.setdefault(match["id"], new)
            student.items.append(item)
            student.order = max(student.order, item.modified)
    reading.attempts = list(students.values())
    return reading


class _RubyLoader(yaml.SafeLoader):
    """Reads Ruby's own classes as the plain data that they hold."""


def _plain(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node) if isinstance(node, yaml.ScalarNode) else None


_RubyLoader.add_multi_constructor("!", _plain)


def _gradescope(found: list[Item]) -> Reading:
    """`submission_<id>/…`, and whose it is in `submission_metadata.yml`; a group is one submission of several."""
    reading, folders = Reading(), defaultdict(list)
    metadata = next((item for item in found if item.name == METADATA), None)
    if metadata is None:
        raise CollectError(f"there is no {METADATA}; download the submissions of the whole assignment from Gradescope")
    about, depth = _metadata(metadata), len(metadata.parts)
    for item in found:
        if len(item.parts) > depth and item.parts[depth - 1] in about:
            folders[item.parts[depth - 1]].append(item)
        elif item is not metadata:
            reading.strays.append((item, f"its folder is not in {METADATA}, which says whose it is"))
    for folder, entry in about.items():
        entry = entry if isinstance(entry, dict) else {}
        people = [_member(person) for person in entry.get(":submitters") or [] if isinstance(person, dict)]
        number = int(re.sub(r"\D", "", folder) or 0)
        ids = "_".join(sorted(person.id for person in people)) or folder
        name = ", ".join(person.name for person in people) or folder
        reading.attempts.append(
            HandedIn(key_of(ids), name, folders[folder], number, label=folder, at=_moment(entry), members=people)
        )
    return reading


def _metadata(item: Item) -> dict[str, Any]:
    try:
        about = yaml.load(item.read(), _RubyLoader)
    except (yaml.YAMLError, UnreadableSubmission, ValueError, RecursionError) as error:
        raise CollectError(f"{item.path} cannot be read: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(about, dict):
        raise CollectError(f"{item.path} does not say whose submission is whose; download it again")
    return {str(folder): entry for folder, entry in about.items()}


def _member(person: dict[str, Any]) -> Member:
    name, number, email = (str(person.get(key) or "") for key in (":name", ":sid", ":email"))
    return Member(name or email or number, number or email or name, email)


def _moment(entry: dict[str, Any]) -> datetime | None:
    """When a submission came in, where that is said with its time zone."""
    said = entry.get(":created_at")
    said = said.get("utc") if isinstance(said, dict) else said
    if isinstance(said, str):
        try:
            said = datetime.fromisoformat(said.replace(" Z", "+00:00"))
        except ValueError:
            return None
    return said if isinstance(said, datetime) and said.tzinfo else None


def _blackboard(found: list[Item]) -> Reading:
    """`<assignment>_<user>_attempt_<date>_<its name>`; a .txt without a file's name says whose, in words."""
    reading, attempts = Reading(), defaultdict(list)
    for item in found:
        if match := BLACKBOARD.fullmatch(item.name):
            attempts[match["head"], match["when"]].append((match, item))
        else:
            reading.strays.append((item, "its name is none of Blackboard's, and says nothing of a student"))
    told = {head: _told(files) for (head, _), files in attempts.items()}
    start = _assignment({head for head, _ in attempts}, told)
    for (head, when), files in attempts.items():
        name, user = told[head] or ("", head.removeprefix(start) if start else head.rpartition("_")[2])
        items = [item for match, item in files if match["rest"]]
        try:
            at = datetime.strptime(when, "%Y-%m-%d-%H-%M-%S").astimezone()  # the clock is the school's, as is ours
        except ValueError:
            reading.strays += [(item, f"{when} is no date") for _, item in files]
            continue
        reading.attempts.append(HandedIn(key_of(user), name or user, items, at.timestamp(), at=at))
    return reading


def _told(files: list[tuple[re.Match, Item]]) -> tuple[str, str] | None:
    """Name and user of an attempt, from the line `Name: Ada Lovelace (ada1)` of its .txt."""
    for match, item in files:
        if not match["rest"]:
            try:
                text = item.read()[:10_000].decode("utf-8-sig", errors="replace")
            except UnreadableSubmission:
                continue
            said = re.search(r"^Name:[ \t]*(.*?)[ \t]*\(([^()\r\n]+)\)[ \t]*\r?$", text, re.MULTILINE)
            if said and match["head"].endswith(f"_{said[2]}"):
                return said[1], said[2]
    return None


def _assignment(heads: set[str], told: dict[str, tuple[str, str] | None]) -> str:
    """What all names begin with, the assignment's name: a user's may hold underscores as well."""
    known = {head.removesuffix(who[1]) for head, who in told.items() if who}
    if len(known) == 1:
        return known.pop()
    columns = list(zip(*(head.split("_") for head in heads)))[:-1] if len(heads) > 1 else []  # as long as the shortest
    shared = [column[0] for column in takewhile(lambda column: len(set(column)) == 1, columns)]
    return "_".join([*shared, ""])


def _folder(found: list[Item], topic: str) -> Reading:
    """`STUDENT/…/anything.ipynb`, or `STUDENT.ipynb` with the topic's name before or after."""
    reading, students = Reading(), {}
    notebooks = [item.parts for item in found if ".ipynb" in item.name]
    wrapper = _wrapper(notebooks, topic)
    for item in found if notebooks else []:
        parts = item.parts[wrapper:] or item.parts[-1:]
        name = parts[0] if len(parts) > 1 else student_in(parts[0], topic)
        if not name:
            reading.strays.append((item, "its path names no student; call it STUDENT.ipynb"))
            continue
        student = students.setdefault(name, HandedIn(key_of(name), name, [], 0, numbered=False))
        student.items.append(item)
        student.order = max(student.order, item.modified)
    reading.attempts = list(students.values())
    return reading


def _wrapper(paths: Iterable[tuple[str, ...]], topic: str) -> int:
    """How many folders lie around the whole class: those that all share, unless one is the only student's."""
    paths, depth = list(paths), 0
    while paths and min(map(len, paths)) > depth + 1 and len({path[depth] for path in paths}) == 1:
        stems = [path[-1] for path in paths if len(path) == depth + 2]
        if not all(student_in(stem, topic) for stem in stems) or (len(paths) == 1 and not stems):
            break
        depth += 1
    return depth


def student_in(name: str, topic: str) -> str:
    """The student that a notebook's file name names, or "": `ada_attention (1).ipynb` is ada's."""
    stem = name[: name.index(".ipynb")] if ".ipynb" in name else PurePath(name).stem
    stem = COPIES.sub("", stem)
    stem = re.sub(rf"(?i)^{topic}(?=$|[-_ ])|(?<![^-_ ]){topic}$", "", stem)
    return COPIES.sub("", stem.strip("-_ ")).strip("-_ ")
