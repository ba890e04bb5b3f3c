"""What a cell of a notebook says, read without running it. A worker loads this too: nothing slow is imported."""

import ast
import re
from threading import Lock

PARSING = Lock()  # CPython 3.11 counts the depth of all threads' syntax trees in one place (gh-106905)


def checked_exercise(source: str) -> str | None:
    """The name in a cell that says `check(name)`, or None."""
    match = re.fullmatch(r"check\((\w+)\)", source.strip())
    return match[1] if match else None


def parse(source: str) -> list[ast.stmt]:
    """The statements of a source, one thread after another. Raises SyntaxError for what is no Python."""
    try:
        with PARSING:
            return ast.parse(source).body
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(str(error)) from None


def defined(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top level binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Expr):
        return set()
    names = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    imports = [part for part in ast.walk(statement) if isinstance(part, (ast.Import, ast.ImportFrom))]
    return names | {(alias.asname or alias.name).split(".")[0] for part in imports for alias in part.names}


def sound(text: str) -> str:
    """The same text, with a question mark for each half of a character, which no file and no page can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
