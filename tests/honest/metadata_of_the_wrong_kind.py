"""Another tool has put something of its own where nbgrader's metadata and the tags were."""

import itertools
import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell, kind in zip(raw["cells"], itertools.cycle([None, [], "", 7, {}])):
        cell["metadata"] = {"nbgrader": kind, "tags": kind, "id": kind}
    return json.dumps(raw)
