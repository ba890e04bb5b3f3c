"""The kernel has the name of an environment on the learner's machine, and its language a version of its own."""

import nbformat
from nbformat import NotebookNode


def hand_in(notebook: NotebookNode) -> str:
    notebook.metadata.kernelspec = {"name": "conda-env-llm-py", "display_name": "llm (R & D)", "language": "python"}
    notebook.metadata.language_info = {"name": "python", "version": "3.14.0a1", "file_extension": ".py"}
    return nbformat.writes(notebook)
