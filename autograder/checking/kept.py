"""Keeps what passed in a notebook for the later ones: the definition, and all that it needs, as a file of its own.

Kept are imports, functions, classes and plain values, the last one that the notebook has run about each name. What the
definition uses of other exercises has to have passed as well, and is taken from `layercake.mine`. The file is judged
once more by itself, without the notebook around it, before it is written: what is loaded later is what was checked.
"""

import ast
import importlib.util
import symtable
import sys
import sysconfig
from codeop import Compile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from autograder.checking.cells import defined, parse
from autograder.checking.judge import judged
from autograder.checking.observe import code_of
from autograder.checking.topic import Topic
from layercake import mine

OF_THE_COURSE = ("solutions", "layercake", "autograder")
HARMLESS = {  # calls that make a value and nothing else
    "re.compile", "partial", "functools.partial", "float", "int", "tuple", "list", "dict", "set", "frozenset", "range",
    "namedtuple", "collections.namedtuple", "TypeVar", "torch.tensor",
}  # fmt: skip


class CannotKeep(Exception):
    """What passed cannot be told from its notebook: why, in words that go on from "it"."""


def keep(topic: Topic, name: str, subject: Any) -> str:
    """Keep an exercise that has passed, and say so in a sentence, or why not; nothing to say outside a notebook."""
    notebook = _notebook()
    if notebook is None:
        return ""
    cells, namespace = notebook
    try:
        path = _keep(topic, name, subject, cells, namespace)
    except CannotKeep as reason:
        stays = " The version of before stays." if mine.find(topic.name, name) else ""
        return f"Not kept for later notebooks: it {reason}.{stays}"
    except OSError as error:
        return f"Not kept for later notebooks: {error}."
    return f"Kept for later notebooks, in {path}."


def _keep(topic: Topic, name: str, subject: Any, cells: list[str], namespace: dict[str, Any]) -> Path:
    """Where an exercise is kept now, and the parts that it needs of the same notebook. Raises CannotKeep."""
    exercises = set(topic.exercises) - {name}

    def has_passed(part: str) -> None:
        try:
            _keep(topic, part, namespace[part], cells, namespace)
        except CannotKeep as reason:
            raise CannotKeep(f"needs {part}, which is not kept: that {reason}. Check {name} again then") from None

    source = standalone(cells, name, exercises, has_passed, namespace)
    if (known := mine.find(topic.name, name)) is None or known.source != source:
        _judge_again(topic, name, subject, source)
    return mine.keep(topic.name, name, source)


def standalone(
    cells: Iterable[str],
    name: str,
    exercises: Iterable[str] = (),
    has_passed: Callable[[str], None] = lambda part: None,
    namespace: dict[str, Any] | None = None,
) -> str:
    """The source of a name's definition, and in front of it what it needs of the cells, which were run in this order.

    Of the other `exercises` that it needs, those that the cells define are handed to `has_passed`, which raises where
    one has not, and imported from `layercake.mine`. The `namespace` tells values that were changed after they were
    made. Raises CannotKeep where a name that is needed comes from a statement that does more than to make it.
    """
    statements = [(cell, node) for cell in map(_unmagic, cells) for node in _statements(cell)]
    last = {bound: at for at, (_, node) in enumerate(statements) for bound in defined(node)}
    if name not in last:
        raise CannotKeep("is defined in no cell of this notebook")
    parts: dict[str, None] = {}
    written: dict[str, None] = {}  # statements, those that others need first
    seen: set[str] = set()

    def add(wanted: str) -> None:
        if wanted in seen or wanted not in last:
            return
        seen.add(wanted)
        cell, node = statements[last[wanted]]
        if wanted in exercises and not isinstance(node, ast.Import | ast.ImportFrom):
            has_passed(wanted)
            parts[wanted] = None
            return
        _refuse(wanted, node, namespace or {})
        for needed in _reads(_text(cell, node)):
            add(needed)
        same = [each for _, each in statements if isinstance(each, ast.Import) and wanted in defined(each)]
        for text in [_text(cell, each, wanted) for each in same or [node]]:
            written[text] = None

    add(name)
    future = {_text(cell, node): None for cell, node in statements if getattr(node, "module", "") == "__future__"}
    taken = [f"from layercake.mine import {', '.join(parts)}"] if parts else []
    return "\n\n".join([*future, *taken, *written]) + "\n"


def _refuse(name: str, node: ast.stmt, namespace: dict[str, Any]) -> None:
    """Raise CannotKeep where a statement cannot be kept for the name that it binds."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        return _refuse_import(name, node)
    line = ast.unparse(node).splitlines()[0]
    if not isinstance(node, ast.Assign | ast.AnnAssign) or (called := _called(node.value)):
        more = f"calls {called}" if isinstance(node, ast.Assign | ast.AnnAssign) else "does more than to make it"
        raise CannotKeep(f"needs {name!r}, and {line!r} {more}, which would run again in each later notebook")
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    try:
        whole = name in namespace and all(isinstance(target, ast.Name) for target in targets)
        changed = whole and bool(namespace[name] != ast.literal_eval(node.value))
    except (ValueError, RuntimeError):  # no literal; nothing that can be compared
        changed = False
    if changed:
        raise CannotKeep(f"needs {name!r}, which was changed after {line!r}")


def _refuse_import(name: str, node: ast.Import | ast.ImportFrom) -> None:
    """Raise CannotKeep where an import takes what a later notebook may not have, or may have otherwise."""
    module = getattr(node, "module", None)
    if module == mine.__name__ and any(alias.name == name != alias.asname for alias in node.names):
        return
    for each in [module] if module else [alias.name for alias in node.names]:
        if each.startswith(mine.__name__):
            raise CannotKeep(f"takes {name!r} from {mine.__name__} under another name, or whole: import it by its own")
        if not _is_installed(each.partition(".")[0]):
            raise CannotKeep(f"needs {each!r}, a file of your own: paste what it uses into the notebook")


def _is_installed(root: str) -> bool:
    """Whether a package is Python's, installed, or the course's."""
    if root in sys.stdlib_module_names or root in OF_THE_COURSE:
        return True
    try:
        found = importlib.util.find_spec(root)
    except ValueError:  # a module that was made in the notebook, or `__main__`, which is the notebook
        return False
    places = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib")]
    places += [Path(place).resolve() for place in sys.path if Path(place).name == "dist-packages"]
    origin = Path(found.origin or next(iter(found.submodule_search_locations or [""]))).resolve() if found else None
    return origin is not None and any(origin.is_relative_to(place) for place in places)


def _called(value: ast.expr | None) -> str | None:
    """What a value calls at once, unless all of it is HARMLESS."""
    todo = [value] if value else []
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Call) and (called := ast.unparse(node.func)) not in HARMLESS:
            return called
        todo += [] if isinstance(node, ast.Lambda) else list(ast.iter_child_nodes(node))
    return None


def _judge_again(topic: Topic, name: str, subject: Any, source: str) -> None:
    """Raise CannotKeep unless the source is what was checked, and earns all points by itself."""
    if name in mine.parts_of(source):
        raise CannotKeep("builds on what is kept of itself: write it out in this notebook")
    namespace: dict[str, Any] = {"__name__": mine.__name__}
    translate = Compile()  # statement by statement, as a notebook does: only so do equal ones give equal bytes
    try:
        for node in parse(source):
            exec(translate(ast.Module([node], []), f"<{name}, kept>", "exec"), namespace)
    except Exception as error:
        raise CannotKeep(f"does not run without this notebook: {error!r}") from error
    now, then = ([(code.co_code, code.co_names) for code in code_of(its)] for its in (namespace[name], subject))
    if now != then:
        raise CannotKeep("is not what its cell says now: run that cell, and the check, again")
    verdict = judged(topic, name, namespace[name], rehearsed=True)
    if failed := [check for check in verdict.checks if check.outcome != "passed"]:
        raise CannotKeep(f"does not pass by itself, where this is asked: {failed[0].asks.rstrip('.')}")


def _notebook() -> tuple[list[str], dict[str, Any]] | None:
    """The cells that the notebook has run so far, and its names, or None where there is none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return (list(shell.user_ns["In"]), shell.user_ns) if shell is not None else None


def _unmagic(cell: str) -> str:
    """What a cell such as `%%time` runs, as Python."""
    body = _statements(cell := cell.replace("\r\n", "\n"))
    call = getattr(body[0], "value", None) if len(body) == 1 else None
    if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "run_cell_magic" and len(call.args) == 3:
        return getattr(call.args[2], "value", cell)
    return cell


def _statements(cell: str) -> list[ast.stmt]:
    try:
        return parse(cell)
    except SyntaxError:
        return []  # a cell that failed


def _text(cell: str, node: ast.stmt, name: str | None = None) -> str:
    """A statement as it was written, decorators included; of an import what binds the name."""
    if isinstance(node, ast.Import | ast.ImportFrom) and name:
        kept = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] == name]
        return ast.unparse(type(node)(**{**dict(ast.iter_fields(node)), "names": kept}))
    if decorators := getattr(node, "decorator_list", []):
        return "\n".join(cell.split("\n")[decorators[0].lineno - 1 : node.end_lineno])
    return ast.get_source_segment(cell, node) or ast.unparse(node)


def _reads(source: str) -> Iterator[str]:
    """The global names that a statement reads, in its functions and classes too."""
    todo: list[Any] = [top := symtable.symtable(source, "<cell>", "exec")]
    while todo:
        table = todo.pop()
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (table is top or symbol.is_global()):
                yield symbol.get_name()
        todo += table.get_children()
