"""A student's name that formgrader would take for code."""

import nbformat
from nbformat import NotebookNode

REASON = "unreadable"
NAME = '"; window.harmed = 1; "<img src=x onerror=window.harmed=1>'


def hand_in(notebook: NotebookNode, path) -> None:
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
