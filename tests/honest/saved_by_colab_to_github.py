"""Saved by Colab to GitHub: indented by two, a badge cell without an id, ids doubled, widget state cut short."""

import json

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    raw = json.loads(nbformat.writes(notebook))
    for cell in raw["cells"]:
        cell["metadata"]["id"] = cell["id"]
        if cell["cell_type"] == "code":
            cell["source"] = [line.rstrip("\n") + "\n" for line in cell["source"]] + ["\n"]  # in locked cells too
            cell["metadata"] |= {"colab": {"base_uri": "https://localhost:8080/"}, "outputId": "0" * 36}
    badge = {"id": "view-in-github", "colab_type": "text"}
    raw["cells"].insert(0, {"cell_type": "markdown", "metadata": badge, "source": ["<a>Open in Colab</a>"]})
    view = {"version_major": 2, "version_minor": 0, "model_id": "0" * 32}
    bar = {"data": {"text/plain": ["HBox()"], "application/vnd.jupyter.widget-view+json": view}, "metadata": {}}
    raw["cells"][4]["outputs"] = [{"output_type": "display_data", **bar}]
    state = {"0" * 32: {"model_module": "@jupyter-widgets/controls", "model_name": "VBoxModel", "state": {}}}
    raw["metadata"]["widgets"] = {"application/vnd.jupyter.widget-state+json": state}
    raw["metadata"]["colab"] = {"provenance": [], "include_colab_link": True}
    return json.dumps(raw, indent=2, ensure_ascii=False)
