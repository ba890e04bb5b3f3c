"""Small changes to a reference's own code, to see whether the checks notice: mutation testing.

The operators are Cosmic Ray's (other arithmetic, comparisons, constants, conditions, loops that never run), and
four of ours, which it lacks: a statement, an argument or a call left out, two neighbours swapped.
"""

import ast
import difflib
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import parso
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

from autograder.checking.solution_source import BEGIN, END, solution_source
from autograder.checking.topic import Topic

BIT_OPERATORS = ("Shift", "Bit")  # on numbers of floating point these only raise, which would flatter the count
MODULES = ("torch", "math", "F", "nn")  # whose functions take as first argument what they change


def with_solution(source: str, write: Callable[[str], str]) -> str:
    """A source whose solution (what stands between the markers, unindented) has been rewritten."""
    before, rest = source.split(BEGIN, 1)
    solution, after = rest.split(END, 1)
    indent = before.rsplit("\n", 1)[-1]
    return f"{before.rstrip()}\n{textwrap.indent(write(textwrap.dedent(solution.strip(chr(10)))), indent)}\n{after}"


@dataclass(frozen=True)
class Mutation:
    """One small change to a reference: the line as it was, as it is now, and the whole source."""

    exercise: str
    original: str
    mutated: str
    source: str = field(repr=False)

    @property
    def change(self) -> tuple[str, str, str]:
        return self.exercise, self.original, self.mutated


class DropStatement(Operator):
    """Leave out one statement (`pass` stands in its place)."""

    def mutation_positions(self, node):
        if node.type == "simple_stmt":
            yield node.start_pos

    def mutate(self, node, index):
        return parso.parse(node.get_code(include_prefix=False).replace(node.children[0].get_code(False), "pass", 1))

    @classmethod
    def examples(cls):
        return ()


class DropArgument(Operator):
    """Leave out one argument of a call that has several, or a keyword argument."""

    def mutation_positions(self, node):
        if node.type == "arglist":
            yield from (part.start_pos for part in _arguments(node))
        elif node.type == "argument" and node.parent.type == "trailer":
            yield node.start_pos

    def mutate(self, node, index):
        if node.type == "argument":
            return None
        kept = [part for number, part in enumerate(_arguments(node)) if number != index]
        return _in_place_of(node, ", ".join(_code(part) for part in kept))

    @classmethod
    def examples(cls):
        return ()


class SwapArguments(Operator):
    """Swap two neighbouring arguments of a call, or two neighbours in a tuple."""

    def mutation_positions(self, node):
        if node.type in ("arglist", "testlist", "testlist_comp", "testlist_star_expr", "exprlist"):
            neighbours = zip(_arguments(node), _arguments(node)[1:])
            yield from (
                pair[1].start_pos for pair in neighbours if pair[1].type != "argument"
            )  # keywords have no order

    def mutate(self, node, index):
        parts = [_code(part) for part in _arguments(node)]
        parts[index], parts[index + 1] = parts[index + 1], parts[index]
        return _in_place_of(node, ", ".join(parts))

    @classmethod
    def examples(cls):
        return ()


class DropCall(Operator):
    """Leave out one call: `x.transpose(0, 1)` becomes `x`, and `torch.tanh(x)` becomes `(x)`."""

    def mutation_positions(self, node):
        yield from (node.children[at].start_pos for at in _calls(node))

    def mutate(self, node, index):
        at = _calls(node)[index]
        parts = [_code(child) for child in node.children]
        if at == 1 and parts[0] in MODULES:
            inner = node.children[2].children[1]
            argument = (_arguments(inner) or [inner])[0] if inner.type == "arglist" else inner
            return _in_place_of(node, "".join([f"({_code(argument)})", *parts[3:]]))
        return _in_place_of(node, "".join(parts[:at] + parts[at + 2 :]))

    @classmethod
    def examples(cls):
        return ()


def _calls(node) -> list[int]:
    """Where, among the children of an expression such as `x.a(…).b(…)`, a `.name` is followed by its `(…)`."""
    if node.type not in ("atom_expr", "power"):
        return []
    first = [child.get_first_leaf().value if child.type == "trailer" else "" for child in node.children]
    return [at for at in range(1, len(first) - 1) if first[at] == "." and first[at + 1] == "("]


def _arguments(node) -> list:
    """The parts of a list in the source; none where it is a comprehension."""
    if any(child.type in ("comp_for", "sync_comp_for") for child in node.children):
        return []
    return [child for child in node.children if child != ","]


def _code(node) -> str:
    return node.get_code(include_prefix=False)


def _in_place_of(node, code: str):
    """A leaf that reads as this code, to stand where the node stood."""
    leaf = parso.python.tree.Name(code, node.start_pos)
    leaf.prefix = node.get_first_leaf().prefix
    return leaf


def _operators() -> Iterator[Operator]:
    provider = OperatorProvider()
    for name in provider:
        if not provider[name].arguments() and not any(part in name for part in BIT_OPERATORS):
            yield provider[name]()
    yield from (DropStatement(), DropArgument(), SwapArguments(), DropCall())


def mutations(topic: Topic, name: str) -> list[Mutation]:
    """All small changes to the solution of an exercise that leave it compilable, each once."""
    source = solution_source(topic.reference(name))
    found: dict[str, Mutation] = {}

    def note(solution: str) -> str:
        for operator in _operators():
            occurrence = 0
            while (changed := mutate_code(solution, operator, occurrence)) is not None:
                occurrence += 1
                whole = with_solution(source, lambda _: changed)
                if _compiles(whole) and ast.dump(ast.parse(whole)) != unchanged:
                    found.setdefault(ast.dump(ast.parse(whole)), Mutation(name, *_lines(solution, changed), whole))
        return solution

    unchanged = ast.dump(ast.parse(with_solution(source, lambda solution: solution)))
    with_solution(source, note)
    return list(found.values())


def _compiles(source: str) -> bool:
    try:
        compile(source, "<mutation>", "exec")
    except SyntaxError:
        return False
    return True


def _lines(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without comments."""
    plain = [[line.split("  #")[0].strip() for line in text.splitlines()] for text in (before, after)]
    blocks = difflib.SequenceMatcher(None, *plain, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    first, last = changed[0], changed[-1]
    return "\n".join(plain[0][first[1] : last[2]]), "\n".join(plain[1][first[3] : last[4]])
