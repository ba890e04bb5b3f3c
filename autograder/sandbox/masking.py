"""What the room where a submission runs may see of the checks: what they ask, and nothing that answers it.

An exercise's file holds right implementations too (`given`, which stands in for the reference) and the known mistakes,
which together pass every check. Statements that no check needs are left out, module by module.
"""

import ast
from collections.abc import Callable
from pathlib import Path

from autograder.checking.cells import defined, parse
from autograder.checking.topic import CHECKS, PACKAGE, ROOT


def visible(topic: str) -> dict[str, str]:
    """The sources of the topic's checks, and of what they import, by their path below `autograder/checks/`."""
    wanted = {f"{PACKAGE}.{topic}": {topic, "check", "score"}}
    for module in _modules(topic):
        if checks := {node.name for node in _statements(module) if _registers(node, "check")}:
            wanted[module] = checks | {"exercise"}
    kept = _closure(wanted, lambda module: [_bare(node) for node in _statements(module)])
    sources = {_path(module): ast.unparse(ast.Module(nodes, [])) for module, nodes in kept.items()}
    packages = {path.parent / "__init__.py" for path in sources} - set(sources)
    return {str(path.relative_to(CHECKS)): source for path, source in (dict.fromkeys(packages, "") | sources).items()}


def about(topic: str, exercise: str) -> str:
    """All that the verdict on one exercise is made from, without comments: checks, mistakes, helpers, reference.

    And what may take the place of the exercises that it calls.
    """
    module = f"{PACKAGE}.{topic}.{exercise}"
    own = _parsed(module)
    imported = {other: {alias.name for alias in node.names} for node in own if (other := _imported(node))}
    kept = {module: own} | _closure(imported, _parsed)
    reference = _needed(parse((ROOT / "solutions" / f"{topic}.py").read_text(encoding="utf-8")), {exercise})
    nodes = [node for other in sorted(kept) for node in kept[other]]
    calls = sorted(
        {path.stem for path in (CHECKS / topic).glob("*.py")} & _names(ast.Module(reference, [])) - {exercise}
    )
    given = [given_source(topic, name) for name in calls if any(map(_given, _statements(f"{PACKAGE}.{topic}.{name}")))]
    return "\n".join([ast.unparse(ast.Module([*nodes, *reference], [])), *given])


def given_source(topic: str, exercise: str) -> str:
    """A source that defines `given`: what stands in for the reference of this exercise, and what it needs."""
    module = f"{PACKAGE}.{topic}.{exercise}"
    (given,) = (given for node in _statements(module) for given in _given(node))
    body = [*_flat(module, _names(given)), ast.Assign([ast.Name("given")], given, lineno=0)]
    return ast.unparse(ast.Module(body, []))


def _given(statement: ast.stmt) -> list[ast.expr]:
    """What a statement registers as given, by `@exercise.given` or by a call."""
    given = [ast.Name(statement.name)] if _registers(statement, "given") else []
    call = getattr(statement, "value", None)
    return given + call.args if isinstance(call, ast.Call) and _is_method(call.func, "given") else given


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


def called(cells: list[dict], name: str) -> set[str]:
    """The names that a notebook's definition of `name` speaks of, itself or through what else the notebook defines."""
    speaks_of = _definitions(cells)
    found, todo = set(), {name}
    while todo:
        new = set().union(*(_names(node) for each in todo for node in speaks_of.get(each, [])))
        found |= todo
        todo = new - found
    return found - {name}


def is_unwritten(cells: list[dict], name: str) -> bool:
    """Whether a notebook does not define `name`, or its last definition raises NotImplementedError itself."""
    definitions = _definitions(cells).get(name, [])
    raised = [part.exc for part in ast.walk(definitions[-1]) if isinstance(part, ast.Raise)] if definitions else []
    return not definitions or any("NotImplementedError" in _names(what) for what in raised if what)


def _definitions(cells: list[dict]) -> dict[str, list[ast.stmt]]:
    """The statements at the top level that define each name, in their order."""
    found: dict[str, list[ast.stmt]] = {}
    for cell in cells:
        try:
            body = parse(cell["source"])
        except SyntaxError:
            continue  # magic, perhaps
        for statement in body:
            for name in defined(statement):
                found.setdefault(name, []).append(statement)
    return found


def _taken(node: ast.AST, topic: str) -> set[str]:
    """The names that one statement takes over as they are: by an import, or as in `f = reference.f`."""
    if isinstance(node, ast.ImportFrom) and node.module in (f"solutions.{topic}", "layercake.mine"):
        return {alias.name for alias in node.names if alias.asname in (None, alias.name)}
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Attribute) and len(node.targets) == 1:
        target = node.targets[0]
        return {target.id} if isinstance(target, ast.Name) and target.id == node.value.attr else set()
    return set()


def _flat(module: str, wanted: set[str]) -> list[ast.stmt]:
    """What is wanted of a module, with what it imports from other files of checks put in its place."""
    body = [_bare(node) for node in _statements(module) if not _registers(node, "check")]
    flat = []
    for node in _needed(body, wanted):
        other = _imported(node)
        flat += _flat(other, {alias.name for alias in node.names}) if other else [node]
    return flat


def _closure(wanted: dict[str, set[str]], statements: Callable[[str], list[ast.stmt]]) -> dict[str, list[ast.stmt]]:
    """Of each module the statements that define what is wanted of it, and all that these need, in other modules too."""
    wanted, todo, kept = dict(wanted), list(wanted), {}
    while todo:
        module = todo.pop()
        kept[module] = _needed(statements(module), wanted[module])
        for node in kept[module]:
            other, names = _imported(node), {alias.name for alias in getattr(node, "names", [])}
            if other and not names <= wanted.setdefault(other, set()):
                wanted[other] = wanted[other] | names
                todo.append(other)
    return kept


def _modules(topic: str) -> list[str]:
    """The modules of a topic's folder, but for the one that names the topic."""
    return [f"{PACKAGE}.{topic}.{path.stem}" for path in sorted((CHECKS / topic).glob("[!_]*.py"))]


def _path(module: str) -> Path:
    """The file of a module of checks."""
    path = CHECKS.joinpath(*module.removeprefix(PACKAGE).split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _parsed(module: str) -> list[ast.stmt]:
    return parse(_path(module).read_text(encoding="utf-8"))


def _statements(module: str) -> list[ast.stmt]:
    """The statements of a module, without all that has to do with mistakes."""
    return [node for node in _parsed(module) if not any("mistake" in said for said in _words(node))]


def _words(node: ast.AST) -> set[str]:
    """The names and the attributes that a statement speaks of."""
    return {getattr(part, "id", getattr(part, "attr", None)) or "" for part in ast.walk(node)}


def _bare(node: ast.stmt) -> ast.stmt:
    """The statement, without the decorator that registers it as given."""
    if _registers(node, "given"):
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
        if _imported(node):
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in wanted]
    return kept


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _registers(statement: ast.stmt, kind: str) -> bool:
    """Whether a function or a class stands under `@exercise.<kind>`, with or without arguments."""
    decorators = getattr(statement, "decorator_list", [])
    return any(_is_method(getattr(decorator, "func", decorator), kind) for decorator in decorators)


def _is_method(node: ast.expr, kind: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == kind


def _imported(node: ast.stmt) -> str | None:
    """The module of checks from which a statement imports, or None."""
    module = node.module if isinstance(node, ast.ImportFrom) else None
    return module if module and module.startswith(PACKAGE) else None
