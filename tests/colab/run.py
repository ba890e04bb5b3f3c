"""Run a notebook in a kernel of the Python that runs this: `python run.py NOTEBOOK EXECUTED`. Errors stay in it."""

import sys
import time

sys.modules.setdefault("rfc3987_syntax", None)  # jsonschema would build a grammar for it, in seconds

import nbformat  # noqa: E402
from nbclient import NotebookClient  # noqa: E402

path, executed = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
client = NotebookClient(notebook, kernel_name="learner", timeout=300, allow_errors=True)
with client.setup_kernel():
    client.wait_for_reply(client.kc.kernel_info())
    for index, cell in enumerate(notebook.cells):
        started = time.perf_counter()
        client.execute_cell(cell, index)
        cell.metadata["seconds"] = time.perf_counter() - started
nbformat.write(notebook, executed)
