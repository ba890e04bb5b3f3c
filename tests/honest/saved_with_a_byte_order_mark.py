"""Opened and saved in a Windows editor: the file begins with a byte order mark."""

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> bytes:
    return nbformat.writes(notebook).encode("utf-8-sig")
