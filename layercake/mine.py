"""What the learner wrote: `from layercake.mine import GPT, generate`.

Each name is the learner's own where it has passed all its checks, and the reference where it has not; one line says
which is whose. A passed `check(...)` keeps the source (`autograder.checking.kept`) in a folder, one file for each
exercise: on the mounted Drive in Colab, else beside the notebook, where the later notebooks find it. Nothing is loaded
that was not checked: a file that was changed since, or whose checks or whose reference are of another version of the
course, gives way to the reference. What an exercise uses of other exercises it takes from here too, so a model has one
`Block`, whoever asks. `to_zip` and `from_zip` carry the folder from one machine to another.
"""

import ast
import datetime
import hashlib
import importlib
import linecache
import os
import re
import sys
import zipfile
from functools import cache
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any, NamedTuple

__all__ = ["from_zip", "to_zip"]
FOLDER = "layercake-mine"
ELSEWHERE = "LAYERCAKE_MINE"  # an environment variable that names another folder
AT_GRADING = "LAYERCAKE_GRADING"  # and the one that is set where a submission is graded
DRIVE = Path("/content/drive/MyDrive")  # of Colab, where it is mounted
ROOT = Path(__file__).resolve().parents[1]  # where the packages of the course lie side by side
HEADER = re.compile(
    r"# (?P<name>\w+), of the exercises of (?P<topic>\w+): passed all checks on (?P<date>[\d-]+)\.\n"
    r"# Checks (?P<version>[0-9a-f]{64}), source (?P<digest>[0-9a-f]{64})\.\n\n"
)


class Kept(NamedTuple):
    """An exercise as it passed."""

    name: str
    topic: str
    date: str
    version: str  # of the checks and of the reference
    digest: str  # of the source
    source: str

    @property
    def text(self) -> str:
        """The file."""
        return (
            f"# {self.name}, of the exercises of {self.topic}: passed all checks on {self.date}.\n"
            f"# Checks {self.version}, source {self.digest}.\n\n{self.source}"
        )


def folder() -> Path:
    """Where passed exercises are kept: the folder there is, here or above, or the one to be made.

    A notebook in a folder of its own, named as its topic, has it one level up, so that the next topic finds it.
    """
    if given := os.environ.get(ELSEWHERE):
        return Path(given).expanduser()
    if DRIVE.is_dir():
        return DRIVE / FOLDER
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / FOLDER).is_dir():
            return place / FOLDER
    return (here.parent if here.name in _topics() else here) / FOLDER


def find(topic: str, name: str) -> Kept | None:
    """What is kept of an exercise, as it may be loaded: unchanged, and checked by this version of the course."""
    path = folder() / topic / f"{name}.py"
    kept = read(path) if path.is_file() else None
    return kept if kept and kept.version == version(topic) else None


def keep(topic: str, name: str, source: str) -> Path:
    """Write the source of an exercise that has passed; where. What stood there and was edited by hand is put aside."""
    source = _unix(source)
    path = folder() / topic / f"{name}.py"
    today = datetime.date.today().isoformat()
    kept = Kept(name, topic, today, version(topic), _digest(source), source)
    if path.exists():
        before = read(path)
        if before and before._replace(date=today) == kept:
            return path
        if before is None:
            path.rename(_free(path.with_suffix(".edited.py")))
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(kept.text, encoding="utf-8")
    new.replace(path)
    return path


def read(path: Path) -> Kept | None:
    """What a file keeps, or None where it is none of ours, or was changed since."""
    return _parsed(path.read_bytes())


def _parsed(data: bytes) -> Kept | None:
    text = _unix(data.decode("utf-8-sig", "replace"))
    if not (said := HEADER.match(text)):
        return None
    kept = Kept(**said.groupdict(), source=text[said.end() :])
    return kept if kept.digest == _digest(kept.source) else None


@cache
def version(topic: str) -> str:
    """A digest of all that judges a topic: its checks and its reference, whatever their line ends."""
    files = [ROOT / "solutions" / f"{topic}.py", *sorted((ROOT / "autograder" / "checks" / topic).glob("*.py"))]
    return _digest("\0".join(_unix(path.read_text(encoding="utf-8")) for path in files))


def to_zip(path: str | Path = f"{FOLDER}.zip") -> Path:
    """Put all that is kept into one zip, for another machine; in Colab the browser downloads it.

    Raises FileNotFoundError where nothing is kept yet.
    """
    kept = [each for file in sorted(folder().glob("*/*.py")) if (each := read(file))]
    if not kept:
        raise FileNotFoundError(f"nothing is kept in {folder()} yet: pass a check first")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for each in kept:
            bundle.writestr(f"{each.topic}/{each.name}.py", each.text)
    if "google.colab" in sys.modules:
        sys.modules["google.colab"].files.download(str(path))
    return Path(path)


def from_zip(path: str | Path = f"{FOLDER}.zip") -> list[str]:
    """Take what a zip has of `to_zip`, or of the folder; the exercises that were taken.

    A file that is here already stays as it is, and is named. Raises ValueError where the zip holds nothing of ours.
    """
    taken, left = [], []
    with zipfile.ZipFile(path) as bundle:
        found = [
            kept
            for entry in bundle.infolist()
            if PurePosixPath(entry.filename).suffix == ".py" and (kept := _parsed(bundle.read(entry)))
        ]
    if not found:
        raise ValueError(f"{path} holds nothing that `to_zip` has written")
    for kept in found:
        target = folder() / kept.topic / f"{kept.name}.py"
        (left if target.exists() else taken).append(kept.name)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(kept.text, encoding="utf-8")
    if left:
        print(f"{', '.join(left)}: already here, in {folder()}, and left as they are.")
    return taken


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    topic, reference = _reference(name)
    if os.environ.get(AT_GRADING):
        return reference
    own, whose = _own(topic, name)
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") != __name__:  # else a part of what is being loaded
        _say(name, whose, frame)
    return reference if own is None else own


def topic_of(name: str) -> str | None:
    """The topic whose reference defines a name, or None."""
    for topic in _topics():
        module = importlib.import_module(f"solutions.{topic}")
        if getattr(getattr(module, name, None), "__module__", None) == module.__name__:
            return topic
    return None


def _reference(name: str) -> tuple[str, Any]:
    """The topic of an exercise, and its reference."""
    if topic := topic_of(name):
        return topic, getattr(sys.modules[f"solutions.{topic}"], name)
    raise AttributeError(f"{name!r} is no exercise of this course, so it can be neither yours nor the reference")


@cache
def _topics() -> list[str]:
    there = {path.stem for path in (ROOT / "solutions").glob("[a-z]*.py")}
    return sorted(there | {name.partition(".")[2] for name in sys.modules if name.startswith("solutions.")})


_LOADED: dict[Kept, Any] = {}


def _own(topic: str, name: str) -> tuple[Any, str]:
    """The learner's own, or None, and whose it is in the end, in words."""
    path = folder() / topic / f"{name}.py"
    try:
        if not path.exists():
            return None, f"the reference, since nothing of yours is in {folder()}"
        kept = read(path)
    except OSError as error:
        return None, f"the reference, since your file cannot be read ({error})"
    if not kept:
        return None, f"the reference, since your file was changed after its check ({path})"
    if kept.version != version(topic):
        again = f"run its check in the notebook {topic} again"
        return None, f"the reference, since the course has changed since your check ({again}; yours is in {path})"
    if kept not in _LOADED:
        namespace = {"__name__": __name__, "__file__": str(path)}  # as if defined here, where it is found
        try:
            exec(compile(kept.text, str(path), "exec"), namespace)
            _LOADED[kept] = namespace[name]
        except Exception as error:
            return None, f"the reference, since yours does not load here: {error!r}"
    parts = [part for part in parts_of(kept.source) if not find(topic_of(part) or "", part)]
    return _LOADED[kept], f"yours, checked on {kept.date}{', on the reference of ' * bool(parts)}{', '.join(parts)}"


def parts_of(source: str) -> list[str]:
    """The exercises that a source takes from here, and those that these take, in turn."""
    parts: dict[str, None] = {}
    todo = [source]
    while todo:
        for node in ast.walk(ast.parse(todo.pop())):
            if isinstance(node, ast.ImportFrom) and node.module == __name__:
                new = [alias.name for alias in node.names if alias.name not in parts]
                parts.update(dict.fromkeys(new))
                todo += [kept.source for part in new if (kept := find(topic_of(part) or "", part))]
    return list(parts)


_WHOSE: dict[str, str] = {}  # of one statement's names, as far as they were asked for
_SAID: set[tuple[str, str]] = set()  # of names that were asked for outside an import


def _say(name: str, whose: str, frame: FrameType) -> None:
    """Say whose it is, in one line for all names of an import; of others, as in `mine.GPT`, once."""
    asked = _asked(frame)
    if name not in asked:
        if (name, whose) not in _SAID:
            print(f"{name}: {whose}.")
        _SAID.add((name, whose))
        return
    _WHOSE[name] = whose
    if name == asked[-1]:
        groups: dict[str, list[str]] = {}
        for each in asked:
            groups.setdefault(_WHOSE.get(each, whose), []).append(each)
        print("; ".join(f"{', '.join(names)}: {owner}" for owner, names in groups.items()) + ".")
        _WHOSE.clear()


def _asked(frame: FrameType) -> list[str]:
    """The names of the import that a frame is at, or none where it is no import from here."""
    while frame.f_back and frame.f_code.co_filename.startswith("<frozen"):
        frame = frame.f_back
    try:
        statements = ast.walk(ast.parse("".join(linecache.getlines(frame.f_code.co_filename))))
    except SyntaxError:
        return []
    names = [
        alias.name
        for node in statements
        if isinstance(node, ast.ImportFrom) and node.module == __name__
        if node.lineno <= frame.f_lineno <= node.end_lineno
        for alias in node.names
    ]
    return list(dict.fromkeys(names))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n")


def _free(path: Path) -> Path:
    """The path, or the first with a number that nothing has."""
    taken = (path, *(path.with_stem(f"{path.stem}-{i}") for i in range(1, 1_000)))
    return next(each for each in taken if not each.exists())
