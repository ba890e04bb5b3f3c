"""What the room where a submission runs may see of the checks: what they ask, and nothing that answers it.

A topic's file holds right implementations too (`given`, which stands in for the reference) and the known mistakes,
which together pass every check. Statements that no check needs are left out, module by module.
"""

import ast
from functools import lru_cache
from pathlib import Path

from autograder.checking.cells import parse

HERE = Path(__file__).parent / "checks"
SOLUTIONS = Path(__file__).parent.parent / "solutions"
PACKAGE = "autograder.checks."


def visible(topic: str) -> dict[str, str]:
    """The sources of the topic's checks, and of what they import from other topics' files, by topic."""
    checks = {node.name for node in _statements(topic) if _registered(node, "check")}
    wanted, todo, sources = {topic: checks | {topic, "check"}}, [topic], {}
    while todo:
        kept = _needed([_bare(node) for node in _statements(todo[-1])], wanted[todo[-1]])
        sources[todo.pop()] = ast.unparse(ast.Module(kept, []))
        for node in kept:
            other, names = _imported_topic(node), {alias.name for alias in getattr(node, "names", [])}
            if other and not names <= wanted.setdefault(other, set()):
                wanted[other] |= names
                todo.append(other)
    return sources


def about(topic: str, exercise: str) -> str:
    """All that the verdict on one exercise is made from, without comments: checks, mistakes, helpers, reference.

    Of a topic's file, what is registered for other exercises is left out, unless something here calls it.
    """
    statements = _parsed(HERE / f"{topic}.py")
    apart = [node for node in statements if not {exercise} >= set(_registered_any(node))]
    kept = [node for node in statements if node not in apart]
    names = set().union(*map(_names, kept))
    while called := [node for node in apart if node.name in names]:
        kept, apart = kept + called, [node for node in apart if node not in called]
        names = names.union(*map(_names, called))
    imported = [HERE / f"{other}.py" for node in kept if (other := _imported_topic(node))]
    reference = _needed(_parsed(SOLUTIONS / f"{topic}.py"), {exercise})  # holds no import that this would change
    sources = [ast.unparse(node) for node in [*sorted(kept, key=lambda node: node.lineno), *reference]]
    return "\n".join([*sources, *(path.read_text(encoding="utf-8") for path in imported)])


def _parsed(path: Path) -> list[ast.stmt]:
    """The statements of a file, to be looked at and not to be changed."""
    return _parsed_once(path.read_text(encoding="utf-8"))


_parsed_once = lru_cache(maxsize=100)(parse)


def _registered_any(node: ast.stmt) -> list[str]:
    """The exercises for which a function or a class is a check or a known mistake."""
    return _registered(node, "check") + _registered(node, "mistake")


def given_source(topic: str, exercise: str) -> str:
    """A source that defines `given`: what stands in for the reference of this exercise, and what it needs."""
    (given,) = (given for node in _statements(topic) for given in _given(node, exercise))
    body = [*_flat(topic, _names(given)), ast.Assign([ast.Name("given")], given, lineno=0)]
    return ast.unparse(ast.Module(body, []))


def _given(statement: ast.stmt, exercise: str) -> list[ast.expr]:
    """What a statement registers as given for an exercise, by `@<topic>.given(exercise)` or by a call."""
    given = [ast.Name(statement.name) for one in _registered(statement, "given") if one == exercise]
    call = getattr(statement, "value", None)
    if isinstance(call, ast.Call) and _registers(call.func, "given") == exercise:
        given += call.args
    return given


def referenced(topic: str, cells: list[dict]) -> set[str]:
    """The names that a notebook takes from the topic's reference in the end, its last statement about each counting.

    An import inside an `if` or a `try` counts where nothing above it defines the name.
    """
    taken: dict[str, bool] = {}
    for cell in cells:
        try:
            body = parse(cell["source"])
        except SyntaxError:
            continue  # magic, perhaps; an import there has no stand-in
        for statement in body:
            imports = set().union(*(_taken(node, topic) for node in ast.walk(statement)))
            for name in defined(statement) - imports:
                taken[name] = False
            for name in imports:
                if statement.__class__ in (ast.ImportFrom, ast.Assign):
                    taken[name] = True
                elif not isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
                    taken.setdefault(name, True)
    return {name for name, is_reference in taken.items() if is_reference}


def _taken(node: ast.AST, topic: str) -> set[str]:
    """The names that one statement takes over as they are: by an import, or as in `f = reference.f`."""
    if isinstance(node, ast.ImportFrom) and node.module == f"solutions.{topic}":
        return {alias.name for alias in node.names if alias.asname in (None, alias.name)}
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and len(node.targets) == 1:
        target = node.targets[0]
        return {target.id} if isinstance(target, ast.Name) and target.id == node.value.attr else set()
    return set()


def _flat(topic: str, wanted: set[str]) -> list[ast.stmt]:
    """What is wanted of a topic's file, with what it imports from other topics' files put in its place."""
    body = [_bare(node) for node in _statements(topic) if not _registered(node, "check")]
    flat = []
    for node in _needed(body, wanted):
        other = _imported_topic(node)
        flat += _flat(other, {alias.name for alias in node.names}) if other else [node]
    return flat


def _statements(topic: str) -> list[ast.stmt]:
    """The statements of a topic's file, without all that has to do with mistakes."""
    body = parse((HERE / f"{topic}.py").read_text(encoding="utf-8"))
    return [node for node in body if not any("mistake" in said for said in _words(node))]


def _words(node: ast.AST) -> set[str]:
    """The names and the attributes that a statement speaks of."""
    return {getattr(part, "id", getattr(part, "attr", None)) or "" for part in ast.walk(node)}


def _bare(node: ast.stmt) -> ast.stmt:
    """The statement, without the decorator that registers it as given."""
    if _registered(node, "given"):
        node.decorator_list = []
    return node


def _needed(body: list[ast.stmt], wanted: set[str]) -> list[ast.stmt]:
    """The statements that define the wanted names, and those that these need; of an import, the names that they do."""
    wanted, chosen = set(wanted), set()
    while new := {at for at, node in enumerate(body) if at not in chosen and defined(node) & wanted}:
        chosen |= new
        wanted |= {name for at in new for name in _names(body[at])}
    kept = [body[at] for at in sorted(chosen)]
    for node in kept:
        if _imported_topic(node):
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in wanted]
    return kept


def defined(statement: ast.stmt) -> set[str]:
    """The names that a statement at the top level binds."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, ast.Expr):
        return set()
    names = {part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    imports = [part for part in ast.walk(statement) if isinstance(part, (ast.Import, ast.ImportFrom))]
    return names | {(alias.asname or alias.name).split(".")[0] for part in imports for alias in part.names}


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _registered(statement: ast.stmt, kind: str) -> list[str]:
    """The exercises for which a function or a class stands under `@<topic>.<kind>(exercise, ...)`."""
    exercises = (_registers(decorator, kind) for decorator in getattr(statement, "decorator_list", []))
    return [exercise for exercise in exercises if exercise]


def _registers(node: ast.expr, kind: str) -> str | None:
    """The exercise of a call `<topic>.<kind>(exercise, ...)`, or None."""
    is_one = isinstance(node, ast.Call) and getattr(node.func, "attr", None) == kind
    return getattr(node.args[0], "value", "an exercise") if is_one and node.args else None


def _imported_topic(node: ast.stmt) -> str | None:
    module = node.module if isinstance(node, ast.ImportFrom) else None
    return module.removeprefix(PACKAGE) if module and module.startswith(PACKAGE) else None
