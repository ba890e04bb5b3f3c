"""All metadata and ids are lost; each cell is known by what it defines, checks or says."""

from nbformat import NotebookNode

from autograder.example.handing_in import without_metadata


def hand_in(notebook: NotebookNode) -> str:
    return without_metadata(notebook)
