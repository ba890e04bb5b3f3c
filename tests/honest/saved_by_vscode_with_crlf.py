"""Saved by an older VS Code on Windows: each line ends in CR LF, in the sources and in the file."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> bytes:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell["source"] = [line.replace("\n", "\r\n") for line in cell["source"]]
        if cell["cell_type"] == "code":
            cell["metadata"]["vscode"] = {"languageId": "python"}
    return (json.dumps(raw, indent=1, ensure_ascii=False) + "\n").replace("\n", "\r\n").encode()
