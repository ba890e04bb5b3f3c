"""The outputs weigh 50 MB: a million lines of text, a picture, and a page of HTML."""

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    lines = "".join(f"step {step:8} loss 0.1234567\n" for step in range(1_000_000))
    code[2].outputs = [nbformat.v4.new_output("stream", name="stdout", text=lines)]
    picture = {"image/png": "iVBORw0KGgo=" * 1_000_000, "text/html": "<td>1</td>" * 800_000}
    code[3].outputs = [nbformat.v4.new_output("display_data", data=picture)]
    return nbformat.writes(notebook)
