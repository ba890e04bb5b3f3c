"""Every second cell has lost its metadata, every third its id; the setup cell both, and its scale is another."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for index, cell in enumerate(raw["cells"]):
        setup = "setup" in cell["metadata"].get("tags", [])
        if setup:
            cell["source"] = [line.replace('"smoke"  #', '"laptop"  #') for line in cell["source"]]
        if setup or index % 2 == 0:
            cell["metadata"] = {}
        if setup or index % 3 == 0:
            cell.pop("id")
    return json.dumps(raw | {"nbformat_minor": 4})
