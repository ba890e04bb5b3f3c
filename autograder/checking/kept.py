"""Keeps what passed in a notebook for the later ones: the definition, and all that it needs, as a file of its own.

The statements are those that the notebook has run, the last one about each name. They are judged once more by
themselves, without the notebook around them, before `layercake.mine` writes them down: what it loads is what was
checked.
"""

import ast
import symtable
import sys
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any

from autograder.checking.cells import defined, parse
from autograder.checking.judge import judge, observe_all
from autograder.checking.topic import PUBLIC_SEED, Topic
from layercake import mine

MAY_STAND = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


class CannotKeep(Exception):
    """What passed cannot be told from its notebook: why, in words that go on from "it"."""


def keep(topic: Topic, name: str) -> str:
    """Keep an exercise that has passed, and say so in a sentence, or why not; nothing to say outside a notebook."""
    cells = _run()
    if cells is None:
        return ""
    try:
        source = standalone(cells, name)
        path = mine.folder() / topic.name / f"{name}.py"
        known = mine.read(path) if path.exists() else None
        if known is None or (known.source, known.version) != (source, mine.version(topic.name)):
            _judge_again(topic, name, source)
        path = mine.keep(topic.name, name, source)
    except CannotKeep as reason:
        return f"Not kept for later notebooks: it {reason}."
    except OSError as error:
        return f"Not kept for later notebooks: {error}."
    return f"Kept for later notebooks, in {path}."


def standalone(cells: Iterable[str], name: str) -> str:
    """The source of a name's definition, with the imports, functions, classes and values that it needs from the cells.

    `cells` are those that were run, in their order. Raises CannotKeep where a name that it needs is not bound by one
    of `MAY_STAND`.
    """
    statements = [(cell, node) for cell in cells for node in _statements(cell)]
    last = {bound: at for at, (_, node) in enumerate(statements) for bound in defined(node)}
    if name not in last:
        raise CannotKeep("is defined in no cell of this notebook")
    chosen: dict[int, set[str]] = {}
    todo = [name]
    while todo:
        wanted = todo.pop()
        at = last.get(wanted)
        if at is None or wanted in chosen.get(at, ()):
            continue
        cell, node = statements[at]
        if not isinstance(node, MAY_STAND):
            line = ast.unparse(node).splitlines()[0]
            raise CannotKeep(f"needs {wanted!r}, which is made by a statement that cannot stand alone, {line!r}")
        is_new = at not in chosen
        chosen.setdefault(at, set()).add(wanted)
        todo += _reads(_text(cell, node)) if is_new else []
    return "\n\n".join(_text(*statements[at], chosen[at]) for at in sorted(chosen)) + "\n"


def _judge_again(topic: Topic, name: str, source: str) -> None:
    """Raise CannotKeep unless the source earns all points by itself."""
    module = ModuleType("layercake.mine")
    try:
        exec(compile(source, f"<{name}, kept>", "exec"), vars(module))
    except Exception as error:
        raise CannotKeep(f"does not run without this notebook: {error!r}") from error
    exercise = topic.exercises[name]
    seen = observe_all(topic, exercise, vars(module)[name], PUBLIC_SEED, rehearsed=True)
    verdict = judge(topic, exercise, seen, PUBLIC_SEED)
    if verdict.earned < verdict.points:
        raise CannotKeep("does not pass without this notebook")


def _run() -> list[str] | None:
    """The cells that the notebook has run so far, or None where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return list(shell.user_ns["In"]) if shell is not None else None


def _statements(cell: str) -> list[ast.stmt]:
    try:
        return parse(cell)
    except SyntaxError:
        return []  # a cell that failed


def _text(cell: str, node: ast.stmt, names: set[str] | None = None) -> str:
    """A statement as it was written, decorators included; of an import the names that are needed."""
    if isinstance(node, ast.Import | ast.ImportFrom) and names:
        kept = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in names]
        return ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), "names": kept}))
    first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
    return "\n".join(cell.split("\n")[first - 1 : node.end_lineno])


def _reads(source: str) -> Iterator[str]:
    """The global names that a statement reads, in its functions and classes too."""
    todo: list[Any] = [top := symtable.symtable(source, "<cell>", "exec")]
    while todo:
        table = todo.pop()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                yield symbol.get_name()
        todo += table.get_children()
