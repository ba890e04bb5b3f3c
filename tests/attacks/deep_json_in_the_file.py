"""A notebook whose metadata is nested 100,000 deep."""

from nbformat import NotebookNode

REASON = "unreadable"


def hand_in(notebook: NotebookNode, path) -> None:
    path.write_text('{"cells": [], "metadata": ' + "[" * 100_000 + "]" * 100_000 + "}")
