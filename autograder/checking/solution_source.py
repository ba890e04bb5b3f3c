"""The source of a reference's definition, and the solution in it: what learners write themselves."""

import ast
import inspect
import re
import textwrap

from autograder.checking.errors import ClearError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = "raise NotImplementedError()"  # what a blank says


class ReleaseError(ClearError):
    """The source cannot be released: what is wrong, where, and what to do."""


def solution_source(implementation: object, where: str = "") -> str:
    """The source of a function or class, its solution between markers.

    Where the author set no markers, the solution is all that follows the docstring.
    """
    source = textwrap.dedent(inspect.getsource(implementation)).rstrip()
    if "SOLUTION" not in source:
        source = _mark_body(source)
    require_markers(source, where or getattr(implementation, "__name__", ""))
    return source


def _mark_body(source: str) -> str:
    """Set the markers around all of a definition's body but its docstring."""
    definition = ast.parse(source).body[0]
    body = definition.body[1:] if ast.get_docstring(definition) is not None else definition.body
    if not body:
        return source
    lines, indent = source.splitlines(), " " * body[0].col_offset
    lines.insert(body[0].lineno - 1, indent + BEGIN)
    return "\n".join([*lines, indent + END])


def require_markers(source: str, where: str) -> None:
    """Raise ReleaseError unless markers are spelt right, balanced, not nested, and hold something."""
    inside, held = False, 0
    for number, line in enumerate(source.splitlines(), 1):
        text = line.strip()
        near = re.search(r"(?i)\b(begin|end)\s+sol\w*", text)
        if text in (BEGIN, END):
            if (text == BEGIN) == inside:
                raise ReleaseError(f"{where}: line {number}: {text!r} without its partner")
            inside = text == BEGIN
        elif near and text.startswith("#"):
            raise ReleaseError(f"{where}: line {number}: {text!r} is no marker; write {BEGIN!r} or {END!r}")
        elif inside and text:
            held += 1
    if inside:
        raise ReleaseError(f"{where}: {BEGIN!r} without {END!r}")
    if not held:
        raise ReleaseError(f"{where}: no solution between {BEGIN!r} and {END!r}")
