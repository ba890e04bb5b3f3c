"""`autograder doctor`: what is here, what is missing, and what to do about it."""

import importlib.metadata
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox.walls import NoSandbox, find_bwrap


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for. `needed` to grade; the others for one task each."""

    what: str
    fine: bool
    found: str
    remedy: str
    needed: bool = True


def examine() -> list[Finding]:
    """Look for everything that the autograder and the book use."""
    return [
        _python(),
        _package("torch", "2.4", "pip install torch"),
        _package("nbgrader", "0.9.6", "pip install 'layercake-course[instructor]'"),
        _package("jupytext", "1.16", "pip install 'layercake-course[instructor]'"),
        _program("alembic", "pip install alembic; nbgrader calls it to make a gradebook"),
        Finding("Linux", platform.system() == "Linux", platform.platform(), "the sandbox needs Linux"),
        _sandbox(),
        _package("jupyter-book", "1.0.4", "pip install 'layercake-course[book]', to build the book", needed=False),
        _program("chromium", "apt-get install chromium, to run the book's tests", needed=False),
    ]


def _python() -> Finding:
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    return Finding("Python 3.11 to 3.13", fine, platform.python_version(), "use one of these versions")


def _package(name: str, least: str, remedy: str, needed: bool = True) -> Finding:
    try:
        found = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Finding(f"{name} {least} or newer", False, "missing", remedy, needed)
    return Finding(f"{name} {least} or newer", _numbers(found) >= _numbers(least), found, remedy, needed)


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split("+")[0].split(".")[:3] if part.isdigit()]


def _program(name: str, remedy: str, needed: bool = True) -> Finding:
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    return Finding(name, found is not None, found or "missing", remedy, needed)


def _sandbox() -> Finding:
    try:
        return Finding("bubblewrap, seen working", True, find_bwrap(), "")
    except NoSandbox as error:
        found = "cannot be used" if shutil.which("bwrap") else "missing"
        return Finding("bubblewrap, seen working", False, found, str(error))
