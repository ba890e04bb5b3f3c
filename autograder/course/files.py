"""Writing files so that nothing is lost: no half of a file, and nobody's work under a generated one."""

import hashlib
import json
import os
import tempfile
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.checking.errors import ClearError


class CourseError(ClearError):
    """nbgrader could not do what was asked: what it said, and what to do."""


def write_safely(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write a file so that a reader, or a crash, sees the old content or the new and nothing between."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".writing.", delete=False) as temporary:
        try:
            temporary.write(content.encode() if isinstance(content, str) else content)
            temporary.flush()
            os.fsync(temporary.fileno())
            os.chmod(temporary.name, mode)
            os.replace(temporary.name, path)
        except OSError:  # a full disk: what was begun is not left behind
            os.unlink(temporary.name)
            raise


def fingerprint(notebook: NotebookNode) -> str:
    """A hash of what a notebook's cells say; outputs and metadata do not count."""
    said = [[cell.cell_type, cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]


def write_generated(path: Path, notebook: NotebookNode) -> None:
    """Write a notebook that we generate, with its fingerprint.

    Raises CourseError where the file is there and is not what an earlier run wrote: somebody has worked in it.
    """
    notebook.metadata["layercake"] = {"fingerprint": fingerprint(notebook)}
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return
        try:
            old = nbformat.read(path, as_version=4)
            ours = old.metadata.get("layercake", {}).get("fingerprint") == fingerprint(old)
        except Exception:  # no notebook at all
            ours = False
        if not ours:
            raise CourseError(
                f"{path} has been worked in since it was generated; copy it elsewhere, remove it, and run this again "
                "(to change the exercises, edit their source text)"
            )
    write_safely(path, text)
