"""CR LF in the sources, and neither metadata nor ids to know a cell by."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell.pop("id")
        cell["metadata"] = {}
        cell["source"] = [line.replace("\n", "\r\n") for line in cell["source"]]
    return json.dumps(raw | {"metadata": {}, "nbformat_minor": 4})
