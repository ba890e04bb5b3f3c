"""Pages, scripts and pictures with scripts beside the notebook, which formgrader would serve as its own."""

import nbformat
from nbformat import NotebookNode

REASON = "missing"


def hand_in(notebook: NotebookNode, path) -> None:
    for name in ("evil.html", "evil.svg", "evil.xhtml", "evil.js"):
        (path.parent / name).write_text("<script>window.harmed = 1</script>")
    path.write_text(nbformat.writes(notebook), encoding="utf-8")
