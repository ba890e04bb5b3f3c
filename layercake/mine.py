"""What the learner wrote: `from layercake.mine import GPT, generate`.

Each name is the learner's own where it has passed all its checks, and the reference where it has not; one line says
which is whose. A passed `check(...)` keeps the source (`autograder.checking.kept`) in a folder, one file for each
exercise, with all that it needs from its notebook: on the mounted Drive in Colab, else beside the notebook, where the
later notebooks find it. Nothing is loaded that was not checked: a file that was changed since, or whose checks or whose
reference are of another version of the course, gives way to the reference. `pack` and `unpack` carry the folder from
one machine to another.
"""

import ast
import datetime
import hashlib
import importlib
import linecache
import os
import pkgutil
import re
import shutil
import sys
import zipfile
from functools import cache
from pathlib import Path, PurePosixPath
from types import FrameType, ModuleType
from typing import Any, NamedTuple

import solutions

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
        return Path(given)
    if DRIVE.is_dir():
        return DRIVE / FOLDER
    here = Path.cwd()
    for place in (here, *here.parents):
        if (place / FOLDER).is_dir():
            return place / FOLDER
    return (here.parent if here.name in _topics() else here) / FOLDER


def keep(topic: str, name: str, source: str) -> Path:
    """Write the source of an exercise that has passed; where. What stood there and was edited by hand is put aside."""
    path = folder() / topic / f"{name}.py"
    today = datetime.date.today().isoformat()
    kept = Kept(name, topic, today, version(topic), _digest(source), source)
    if path.exists():
        before = read(path)
        if before and before[:2] + before[3:] == kept[:2] + kept[3:]:
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
    text = path.read_bytes().decode("utf-8", "replace").replace("\r\n", "\n")
    if not (said := HEADER.match(text)):
        return None
    kept = Kept(**said.groupdict(), source=text[said.end() :])
    return kept if kept.digest == _digest(kept.source) else None


@cache
def version(topic: str) -> str:
    """A digest of all that judges a topic: its checks and its reference."""
    files = [ROOT / "solutions" / f"{topic}.py", *sorted((ROOT / "autograder" / "checks" / topic).glob("*.py"))]
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def pack(path: str | Path = f"{FOLDER}.zip") -> Path:
    """Put all that is kept into one zip, for another machine; in Colab the browser downloads it.

    Raises FileNotFoundError where nothing is kept yet.
    """
    files = sorted(folder().rglob("*.py"))
    if not files:
        raise FileNotFoundError(f"nothing is kept in {folder()} yet: pass a check first")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for file in files:
            bundle.write(file, file.relative_to(folder()).as_posix())
    if "google.colab" in sys.modules:
        sys.modules["google.colab"].files.download(str(path))
    return Path(path)


def unpack(path: str | Path = f"{FOLDER}.zip") -> list[str]:
    """Take what a zip of `pack` has; the exercises that were taken. A file that is here and differs stays as it is.

    Raises ValueError where the zip holds something else.
    """
    taken = []
    with zipfile.ZipFile(path) as bundle:
        for entry in bundle.namelist():
            place = PurePosixPath(entry)
            if len(place.parts) != 2 or place.parts[0] not in _topics() or place.suffix != ".py":
                raise ValueError(f"{path} is no zip of layercake.mine.pack(): it holds {entry!r}")
        for entry in bundle.namelist():
            target = folder() / entry
            if target.exists():
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with bundle.open(entry) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file)
            taken.append(target.stem)
    return taken


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    topic, reference = _reference(name)
    if os.environ.get(AT_GRADING):
        return reference
    own, whose = _own(topic, name)
    _say(name, whose, sys._getframe(1))
    return reference if own is None else own


def _reference(name: str) -> tuple[str, Any]:
    """The topic of an exercise, and its reference."""
    for topic in _topics():
        module = importlib.import_module(f"solutions.{topic}")
        if getattr(getattr(module, name, None), "__module__", None) == module.__name__:
            return topic, getattr(module, name)
    raise AttributeError(f"{name!r} is no exercise of this course, so it can be neither yours nor the reference")


@cache
def _topics() -> list[str]:
    return [module.name for module in pkgutil.iter_modules(solutions.__path__)]


_LOADED: dict[Kept, Any] = {}


def _own(topic: str, name: str) -> tuple[Any, str]:
    """The learner's own, or None, and whose it is in the end, in words."""
    path = folder() / topic / f"{name}.py"
    if not path.exists():
        return None, "the reference"
    if not (kept := read(path)):
        return None, "the reference, since your file was changed after its check"
    if kept.version != version(topic):
        return None, "the reference, since your check was of another version of the course; run it again"
    if kept not in _LOADED:
        module = ModuleType(f"layercake.mine.{name}", f"What the learner wrote, in {path}.")
        try:
            exec(compile(kept.text, str(path), "exec"), vars(module))
        except Exception as error:
            return None, f"the reference, since yours does not load here: {error!r}"
        _LOADED[kept] = vars(module)[name]
    return _LOADED[kept], f"yours, checked on {kept.date}"


_WHOSE: dict[str, str] = {}  # of one statement's names, as far as they were asked for


def _say(name: str, whose: str, frame: FrameType) -> None:
    """Say whose it is, in one line for all names of an import."""
    asked = _asked(frame) or [name]
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
    return [
        alias.name
        for node in statements
        if isinstance(node, ast.ImportFrom)
        and node.module == __name__
        and node.lineno <= frame.f_lineno <= node.end_lineno
        for alias in node.names
    ]


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def _free(path: Path) -> Path:
    """The path, or the first with a number that nothing has."""
    taken = (path, *(path.with_stem(f"{path.stem}-{i}") for i in range(1, 1_000)))
    return next(each for each in taken if not each.exists())
