"""Markdown, raw cells, attachments, metadata and pictures that would run in formgrader and in feedback."""

import nbformat
from nbformat import NotebookNode

REASON = "missing"
RUNS = r"""
<script>window.harmed = 1</script>

<img src=x onerror="window.harmed = 1">

<svg onload="window.harmed = 1"></svg>

<iframe srcdoc="<script>parent.harmed = 1</script>"></iframe>

<details open ontoggle="window.harmed = 1"><summary>x</summary>y</details>

[click](javascript:window.harmed=1) <a href="java&#10;script:window.harmed=1">click</a> <a href="evil.html">click</a>

$\href{javascript:window.harmed=1}{x}$

<form action="/logout"><input class="score" id="written_answer"></form> <img src="/logout">
"""


def hand_in(notebook: NotebookNode, path) -> None:
    quote = '"><script>window.harmed = 1</script>'
    for cell in notebook.cells:
        cell.metadata |= {"name": quote, "magics_language": quote, "raw_mimetype": "text/html", "tags": [quote]}
        if cell.cell_type == "markdown" and "written" in cell.metadata.get("nbgrader", {}).get("grade_id", ""):
            cell.source = RUNS
            cell.attachments = {quote: {quote: quote}, "x.png": {"image/png": quote, "image/svg+xml": RUNS}}
    notebook.cells.append(nbformat.v4.new_markdown_cell(RUNS + "\n![x](attachment:x.png)"))
    notebook.cells.append(nbformat.v4.new_raw_cell(RUNS, metadata={"raw_mimetype": "text/html"}))
    lab = next(cell for cell in notebook.cells if cell.cell_type == "code" and "LAB" in cell.metadata.get("lab", "LAB"))
    data = {"image/png": 'x" onerror="window.harmed = 1', "text/html": RUNS, "image/svg+xml": RUNS, "text/plain": RUNS}
    lab.outputs = [nbformat.v4.new_output("display_data", data=data, metadata={"image/png": {"width": quote}})]
    notebook.metadata |= {"title": quote, "language_info": {"name": quote}, "widgets": {"x": RUNS}}
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
