"""Downloaded from Drive: one line, format 4.0, ids in the metadata only, and who ran each cell."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell["metadata"]["id"] = cell.pop("id")
        if cell["cell_type"] == "code":
            user = {"displayName": "Somebody", "userId": "00000000000000000000"}
            run = {"status": "ok", "timestamp": 1767225600000, "user_tz": 0, "elapsed": 12, "user": user}
            cell["metadata"] |= {"colab": {"base_uri": "https://localhost:8080/"}, "executionInfo": run}
    raw["metadata"]["colab"] = {"provenance": [{"file_id": "1a2b", "timestamp": 1767225600000}]}
    return json.dumps(raw | {"nbformat_minor": 0}, ensure_ascii=False)
