"""A link in place of the notebook, to what somebody else handed in."""

from nbformat import NotebookNode

REASON = "unreadable"


def hand_in(notebook: NotebookNode, path) -> None:
    path.symlink_to(path.parents[2] / "after_crashes" / path.parent.name / path.name)
