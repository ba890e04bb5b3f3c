"""Reading what an LMS hands out, a zip or a folder, without trusting any name in it.

Nothing is ever unpacked by its name: a file's path is words to read a student from, and its bytes go where we say. So
a path that climbs out, an absolute one and a link are only faults to be told.
"""

import contextlib
import os
import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from autograder.checking.errors import ClearError
from autograder.collecting.submission import MAX_BYTES, UnreadableSubmission

MAX_FILES = 200_000
LEFT_BEHIND = {"__MACOSX", ".DS_Store", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini"}  # by a system, by nobody


class CollectError(ClearError):
    """There is nothing here that can be collected: what was found, and what to do."""


@dataclass(frozen=True)
class Item:
    """One file of a zip or a folder. `modified` is in seconds since 1970, 0 where the zip does not say."""

    parts: tuple[str, ...]
    size: int
    modified: float
    fault: str | None
    opened: Callable[[], BinaryIO]

    @property
    def name(self) -> str:
        return self.parts[-1]

    @property
    def path(self) -> str:
        return "/".join(self.parts)

    def read(self) -> bytes:
        """The file's bytes, MAX_BYTES at most. Raises UnreadableSubmission."""
        if self.fault:
            raise UnreadableSubmission(self.fault)
        try:
            with self.opened() as file:
                content = file.read(MAX_BYTES + 1)  # what a zip says of a size need not be true
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise UnreadableSubmission(f"damaged in the zip ({error}); download it again") from None
        except OSError as error:
            raise UnreadableSubmission(f"cannot be read: {error.strerror or error}") from None
        if len(content) > MAX_BYTES:
            raise UnreadableSubmission(TOO_LARGE)
        return content


TOO_LARGE = f"larger than {MAX_BYTES // 1_000_000} MB"


@contextlib.contextmanager
def items(source: Path) -> Iterator[list[Item]]:
    """The files of a zip or a folder, by path, readable within the `with`. Raises CollectError."""
    if not source.exists():
        raise CollectError(f"{source} is not there")
    with contextlib.ExitStack() as stack:
        if source.is_dir():
            found = _in_folder(source)
        elif zipfile.is_zipfile(source):
            try:
                found = _in_zip(stack.enter_context(zipfile.ZipFile(source)))
            except (zipfile.BadZipFile, NotImplementedError) as error:
                raise CollectError(f"{source} is a damaged zip ({error}); download it again") from None
        else:
            raise CollectError(f"{source} is neither a folder nor a zip; give what the LMS handed out")
        found = [item for item in found if not _left_behind(item.parts)]
        if len(found) > MAX_FILES:
            raise CollectError(f"{source} holds more than {MAX_FILES:,} files; is it the right one?")
        yield sorted(found, key=lambda item: item.parts)


def _left_behind(parts: tuple[str, ...]) -> bool:
    return bool(LEFT_BEHIND & set(parts)) or parts[-1].startswith("._")


def _in_zip(archive: zipfile.ZipFile) -> list[Item]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    return [_zipped(archive, entry) for entry in entries]


def _zipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Item:
    name = _text(entry).replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    try:
        modified = datetime(*entry.date_time).timestamp()
    except (ValueError, OverflowError):
        modified = 0.0
    return Item(
        parts or ("unnamed",), entry.file_size, modified, _fault(entry, name, parts), lambda: archive.open(entry)
    )


def _text(entry: zipfile.ZipInfo) -> str:
    """An entry's path in NFC: without the UTF-8 flag most zips hold UTF-8 all the same, the others code page 437."""
    name = entry.orig_filename
    if not entry.flag_bits & 0x800:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name)


def _fault(entry: zipfile.ZipInfo, name: str, parts: tuple[str, ...]) -> str | None:
    """Why a zip's entry is not to be read, or None."""
    if name.startswith("/") or ".." in parts or name[1:2] == ":":
        return "its path leads out of the zip"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "a link to another file, not the file"
    if entry.flag_bits & 0x1:
        return "locked with a password"
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "packed by a method that is not read; unpack the zip, and collect the folder"
    return TOO_LARGE if entry.file_size > MAX_BYTES else None


def _in_folder(folder: Path) -> list[Item]:
    """A folder's files; a link is told and not followed, so no walk leaves the folder."""
    found = []
    for place, folders, files in os.walk(folder, followlinks=False):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in [*files, *links]:
            found.append(_on_disk(folder, Path(place, name)))
            if len(found) > 2 * MAX_FILES:
                return found
    return found


def _on_disk(folder: Path, path: Path) -> Item:
    about = path.lstat()
    parts = tuple(unicodedata.normalize("NFC", _decoded(part)) for part in path.relative_to(folder).parts)
    fault = TOO_LARGE if about.st_size > MAX_BYTES else None
    if stat.S_ISLNK(about.st_mode):
        fault = "a link to another file, not the file"
    elif not stat.S_ISREG(about.st_mode):
        fault = "not a file"
    return Item(parts, about.st_size, about.st_mtime, fault, lambda: path.open("rb"))


def _decoded(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8 are read as Latin-1, so that two names stay two."""
    try:
        name.encode("utf-8")
        return name
    except UnicodeEncodeError:
        return os.fsencode(name).decode("latin-1")
