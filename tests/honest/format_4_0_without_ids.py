"""Notebook format 4.0: cells have no ids."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell.pop("id")
    return json.dumps(raw | {"nbformat_minor": 0})
